//! Sessions: what the core is asked, and what it answers (core-session.md 1.0 to 1.9). Members stand in upstream's order; members
//! without a value are left out.

use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::time::Millis;

use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, ok, status};
use crate::version::{FlagReading, LegacyKeys, Rules};

mod data;
mod hidden;

pub use data::{DataAnswer, GetJwtData, GetSessionData, PutJwtData, PutSessionData};

/// The sentence for a session that is not there, or not any more.
pub const NO_SESSION: &str = "Session does not exist.";

/// The width of the columns that hold user ids, in characters.
pub const LONGEST_USER_ID: usize = 128;

/// A session as answers show it.
#[derive(Clone, PartialEq)]
pub struct SessionObject {
    /// Its public name.
    pub handle: SessionHandle,
    /// The primary user.
    pub user_id: String,
    /// The user who logged in.
    pub recipe_user_id: String,
    /// `userDataInJWT`.
    pub payload: JsonObject,
    /// Its tenant.
    pub tenant: TenantId,
}

impl SessionObject {
    fn write(self, rules: &Rules) -> JsonObject {
        JsonObject::new()
            .with("handle", self.handle.as_str())
            .with("userId", self.user_id)
            .with_some("recipeUserId", rules.recipe_user_id.then_some(self.recipe_user_id))
            .with("userDataInJWT", self.payload)
            .with_some("tenantId", rules.tenants.then(|| self.tenant.as_str()))
    }
}

/// A token as answers show it.
#[derive(Clone, PartialEq)]
pub struct Token {
    /// The token itself: a secret.
    pub token: String,
    /// When it ends, in ms.
    pub expiry: Millis,
    /// When it was made, in ms.
    pub created: Millis,
}

impl From<Token> for Json {
    fn from(token: Token) -> Self {
        JsonObject::new().with("token", token.token).with("expiry", token.expiry).with("createdTime", token.created).into()
    }
}

/// Public keys for SDKs that verify by themselves and know no key set.
#[derive(Debug, Clone, PartialEq)]
pub struct SigningKeys {
    /// The key that signs, in base64.
    pub public_key: String,
    /// When it stops signing, in ms.
    pub expiry: Millis,
    /// Every published key.
    pub all: Vec<PublishedKey>,
}

/// One entry of the list of published keys.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedKey {
    /// In base64.
    pub public_key: String,
    /// When it stops being accepted, in ms.
    pub expiry: Millis,
    /// When it was made, in ms.
    pub created: Millis,
}

impl SigningKeys {
    pub(super) fn append_to(self, mut object: JsonObject, rules: &Rules) -> JsonObject {
        object.insert("jwtSigningPublicKey", self.public_key);
        object.insert("jwtSigningPublicKeyExpiryTime", self.expiry);
        if rules.legacy_keys == LegacyKeys::List {
            let list = self.all.into_iter().map(|key| {
                JsonObject::new()
                    .with("publicKey", key.public_key)
                    .with("expiryTime", key.expiry)
                    .with("createdAt", key.created)
                    .into()
            });
            object.insert("jwtSigningPublicKeyList", Json::Array(list.collect()));
        }
        object
    }
}

fn append_keys(object: JsonObject, keys: Option<SigningKeys>, rules: &Rules) -> JsonObject {
    match keys {
        Some(keys) => keys.append_to(object, rules),
        None => object,
    }
}

fn unauthorised(message: impl Into<Json>) -> JsonObject {
    status("UNAUTHORISED").with("message", message)
}

/// The tokens of a new or refreshed session.
#[derive(Clone, PartialEq)]
pub struct SessionTokens {
    /// The session.
    pub session: SessionObject,
    /// Its access token.
    pub access: Token,
    /// Its refresh token.
    pub refresh: Token,
    /// A third token that only old SDKs know.
    pub id_refresh: Option<Token>,
    /// Against cross-site requests, if the SDK asked for it.
    pub anti_csrf: Option<String>,
}

impl SessionTokens {
    fn write(self, rules: &Rules) -> JsonObject {
        JsonObject::new()
            .with("session", self.session.write(rules))
            .with("accessToken", self.access)
            .with("refreshToken", self.refresh)
            .with_some("idRefreshToken", self.id_refresh)
            .with_some("antiCsrfToken", self.anti_csrf)
            .with("status", "OK")
    }
}

/// Which kind of key shall sign: the request's flag, if it was read and given.
pub(super) fn key_choice(input: &crate::input::Fields, name: &str, reading: FlagReading) -> Result<Option<bool>, BadInput> {
    match reading {
        FlagReading::NotRead => Ok(None),
        FlagReading::Optional => input.optional_boolean(name),
        FlagReading::Mandatory => input.boolean(name).map(Some),
    }
}

/// POST /recipe/session
#[derive(Clone, PartialEq)]
pub struct CreateSession {
    /// Any text; not checked for existence.
    pub user_id: String,
    /// Make an anti-CSRF token.
    pub enable_anti_csrf: bool,
    /// Goes into the access token.
    pub payload: JsonObject,
    /// Stays in the database.
    pub data: JsonObject,
    /// A shorter life for the access token, in ms.
    pub access_token_validity: Option<i64>,
    /// Sign with a rotating key; absent means the version's default.
    pub use_dynamic_signing_key: Option<bool>,
}

impl Operation for CreateSession {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/session";
    type Answer = Created;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self {
            user_id: body.short_string("userId", LONGEST_USER_ID)?,
            enable_anti_csrf: body.boolean("enableAntiCsrf")?,
            payload: body.json_object("userDataInJWT")?,
            data: body.json_object("userDataInDatabase")?,
            access_token_validity: if rules.validity_in_request { body.optional_long("accessTokenValidity")? } else { None },
            use_dynamic_signing_key: key_choice(&body, "useDynamicSigningKey", rules.key_choice_on_create)
                .map_err(BadInput::late)?,
        })
    }
}

/// Answers [`CreateSession`].
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The session and its tokens.
    pub tokens: SessionTokens,
    /// For SDKs that know no key set.
    pub keys: Option<SigningKeys>,
}

impl Answer for Created {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(append_keys(self.tokens.write(rules), self.keys, rules))
    }
}

/// GET /recipe/session
#[derive(Debug, Clone, PartialEq)]
pub struct GetSession {
    /// Names the session, and with it the tenant.
    pub handle: SessionHandle,
}

impl Operation for GetSession {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/session";
    type Answer = SessionFound;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { handle: SessionHandle::presented(input.query.required("sessionHandle")?) })
    }
}

/// Answers [`GetSession`].
#[derive(Debug, Clone, PartialEq)]
pub enum SessionFound {
    /// Here it is. Hashes and rotation state are never shown.
    Ok(Box<SessionDetails>),
    /// It is not there, or has expired.
    Unauthorised,
}

/// All that may be known of a session.
#[derive(Clone, PartialEq)]
pub struct SessionDetails {
    /// The session.
    pub session: SessionObject,
    /// `userDataInDatabase`.
    pub data: JsonObject,
    /// When it ends, in ms.
    pub expiry: Millis,
    /// When it was made, in ms.
    pub created: Millis,
}

impl Answer for SessionFound {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Unauthorised => unauthorised(NO_SESSION),
            Self::Ok(details) => {
                let SessionDetails { session, data, expiry, created } = *details;
                JsonObject::new()
                    .with("sessionHandle", session.handle.as_str())
                    .with("userId", session.user_id)
                    .with_some("recipeUserId", rules.recipe_user_id.then_some(session.recipe_user_id))
                    .with("userDataInDatabase", data)
                    .with("expiry", expiry)
                    .with("userDataInJWT", session.payload)
                    .with("timeCreated", created)
                    .with("status", "OK")
                    .with_some("tenantId", rules.tenants.then(|| session.tenant.as_str()))
            }
        })
    }
}

/// POST /recipe/session/verify
#[derive(Clone, PartialEq)]
pub struct VerifySession {
    /// The access token.
    pub access_token: String,
    /// As the browser sent it.
    pub anti_csrf_token: Option<String>,
    /// Compare it.
    pub do_anti_csrf_check: bool,
    /// The SDK uses such tokens at all.
    pub enable_anti_csrf: bool,
    /// Ask the database too; `None`: the configuration decides.
    pub check_database: Option<bool>,
}

impl Operation for VerifySession {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/session/verify";
    type Answer = Verified;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self {
            access_token: body.token("accessToken")?,
            anti_csrf_token: body.optional_token("antiCsrfToken")?,
            do_anti_csrf_check: body.boolean("doAntiCsrfCheck")?,
            enable_anti_csrf: body.boolean("enableAntiCsrf")?,
            check_database: rules
                .check_database_in_request
                .then(|| body.boolean("checkDatabase"))
                .transpose()
                .map_err(BadInput::late)?,
        })
    }
}

/// Answers [`VerifySession`]. The core has its sentences as constants, a client reads its own copy.
#[derive(Debug, Clone, PartialEq)]
pub enum Verified<Text = &'static str> {
    /// The session lives.
    Ok {
        /// The session.
        session: Box<SessionObject>,
        /// A token in place of the one that was sent.
        access: Option<Token>,
        /// The database has another payload than the token.
        payload_update_available: Option<bool>,
        /// For SDKs that know no key set.
        keys: Option<SigningKeys>,
    },
    /// The session has ended.
    Unauthorised(Text),
    /// The token will not do; a refreshed one may.
    TryRefreshToken {
        /// Why.
        message: String,
        /// For SDKs that know no key set.
        keys: Option<SigningKeys>,
    },
}

impl<Text: Into<Json> + Send> Answer for Verified<Text> {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { session, access, payload_update_available, keys } => {
                let object = JsonObject::new()
                    .with("session", session.write(rules))
                    .with_some("accessToken", access)
                    .with_some("payloadUpdateAvailable", payload_update_available)
                    .with("status", "OK");
                append_keys(object, keys, rules)
            }
            Self::Unauthorised(message) => unauthorised(message),
            Self::TryRefreshToken { message, keys } => {
                append_keys(status("TRY_REFRESH_TOKEN"), keys, rules).with("message", message)
            }
        })
    }
}

/// POST /recipe/session/refresh
#[derive(Clone, PartialEq)]
pub struct RefreshSession {
    /// The refresh token.
    pub refresh_token: String,
    /// As the browser sent it.
    pub anti_csrf_token: Option<String>,
    /// The SDK uses such tokens.
    pub enable_anti_csrf: bool,
    /// Sign with a rotating key; absent keeps what the session has.
    pub use_dynamic_signing_key: Option<bool>,
    /// A shorter life for the access token, in ms.
    pub access_token_validity: Option<i64>,
}

impl Operation for RefreshSession {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/session/refresh";
    type Answer = Refreshed;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self {
            refresh_token: body.token("refreshToken")?,
            anti_csrf_token: body.optional_token("antiCsrfToken")?,
            enable_anti_csrf: body.boolean("enableAntiCsrf")?,
            use_dynamic_signing_key: key_choice(&body, "useDynamicSigningKey", rules.key_choice_on_refresh)?,
            access_token_validity: if rules.validity_in_request { body.optional_long("accessTokenValidity")? } else { None },
        })
    }
}

/// Answers [`RefreshSession`]. The core has the names of subtypes as constants, a client reads its own copy.
#[derive(Debug, Clone, PartialEq)]
pub enum Refreshed<Text = &'static str> {
    /// New tokens.
    Ok(Box<SessionTokens>),
    /// No session to refresh.
    Unauthorised {
        /// Why.
        message: String,
        /// Which reuse it was, where reuse is answered in this way.
        subtype: Option<Text>,
    },
    /// Somebody else may hold the tokens.
    TokenTheftDetected {
        /// Its public name.
        handle: SessionHandle,
        /// The primary user.
        user_id: String,
        /// The user who logged in; shown at every version.
        recipe_user_id: String,
        /// Which reuse it was, where the version names it.
        subtype: Option<Text>,
    },
}

impl<Text: Into<Json> + Send> Answer for Refreshed<Text> {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(tokens) => tokens.write(rules),
            Self::Unauthorised { message, subtype } => unauthorised(message).with_some("recentTokenReuseSubtype", subtype),
            Self::TokenTheftDetected { handle, user_id, recipe_user_id, subtype } => {
                let session = JsonObject::new()
                    .with("handle", handle.as_str())
                    .with("userId", user_id)
                    .with("recipeUserId", recipe_user_id);
                status("TOKEN_THEFT_DETECTED").with("session", session).with_some("recentTokenReuseSubtype", subtype)
            }
        })
    }
}

/// POST /recipe/session/regenerate
#[derive(Clone, PartialEq)]
pub struct RegenerateSession {
    /// The access token to replace.
    pub access_token: String,
    /// The new payload; absent takes the stored one.
    pub payload: Option<JsonObject>,
}

impl Operation for RegenerateSession {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/session/regenerate";
    type Answer = Regenerated;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { access_token: body.token("accessToken")?, payload: body.optional_json_object("userDataInJWT")? })
    }
}

/// Answers [`RegenerateSession`].
#[derive(Debug, Clone, PartialEq)]
pub enum Regenerated {
    /// Done. No token if the one that was sent has expired.
    Ok {
        /// The session.
        session: Box<SessionObject>,
        /// The new token.
        access: Option<Token>,
    },
    /// No such session, or no such token.
    Unauthorised(String),
}

impl Answer for Regenerated {
    fn write(self, rules: &Rules) -> Body {
        match self {
            Self::Ok { session, access } => {
                ok(JsonObject::new().with("session", session.write(rules)).with_some("accessToken", access))
            }
            Self::Unauthorised(message) => Body::Json(unauthorised(message)),
        }
    }
}

/// Whose sessions, where.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionsOf {
    /// A user id, internal or external.
    pub user_id: String,
    /// In every tenant of the app, not only in the one of the path.
    pub across_all_tenants: bool,
    /// Of every login method that is linked with it.
    pub linked_accounts: bool,
}

/// POST /recipe/session/remove
#[derive(Debug, Clone, PartialEq)]
pub enum RemoveSessions {
    /// These.
    Handles(Vec<SessionHandle>),
    /// All of a user.
    Of(SessionsOf),
}

impl Operation for RemoveSessions {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/session/remove";
    type Answer = SessionsRemoved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let user_id = body.optional_string("userId")?;
        let handles = body.optional_strings("sessionHandles")?;
        if user_id.is_some() == handles.is_some() {
            return Err(BadInput::rule("Invalid JSON input - use one of userId or sessionHandles array"));
        }
        // Each flag is read and judged before the next one is looked at.
        let flag = |name: &str| match body.optional_boolean(name)? {
            Some(_) if handles.is_some() => {
                Err(BadInput::rule(format!("Invalid JSON input - {name} can only be set if userId is set")))
            }
            flag => Ok(flag.unwrap_or(true)),
        };
        let across_all_tenants = flag("revokeAcrossAllTenants")?;
        let linked_accounts = flag("revokeSessionsForLinkedAccounts")?;
        Ok(match (user_id, handles) {
            (Some(user_id), _) => Self::Of(SessionsOf { user_id, across_all_tenants, linked_accounts }),
            (None, handles) => Self::Handles(handles.unwrap_or_default().into_iter().map(SessionHandle::presented).collect()),
        })
    }
}

/// Answers [`RemoveSessions`].
#[derive(Debug, Clone, PartialEq)]
pub struct SessionsRemoved(pub Vec<SessionHandle>);

impl Answer for SessionsRemoved {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("sessionHandlesRevoked", handles(self.0)))
    }
}

fn handles(handles: Vec<SessionHandle>) -> Json {
    Json::Array(handles.iter().map(|handle| handle.as_str().into()).collect())
}

/// GET /recipe/session/user
#[derive(Debug, Clone, PartialEq)]
pub struct ListSessions(pub SessionsOf);

impl Operation for ListSessions {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/session/user";
    type Answer = SessionsListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self(SessionsOf {
            user_id: input.query.required("userId")?.to_owned(),
            across_all_tenants: input.query.flag("fetchAcrossAllTenants", true),
            linked_accounts: input.query.flag("fetchSessionsForAllLinkedAccounts", true),
        }))
    }
}

/// Answers [`ListSessions`].
#[derive(Debug, Clone, PartialEq)]
pub struct SessionsListed(pub Vec<SessionHandle>);

impl Answer for SessionsListed {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("sessionHandles", handles(self.0)))
    }
}

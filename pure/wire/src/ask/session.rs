//! Sessions, from the client's side: the ten questions of sdk-session.md, appendix A, that start with `/recipe/session` or are
//! about a session's two objects. Members stand in the order of that table.

use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::json::{Json, JsonObject};

use super::{Ask, Members, Question, UnreadableAnswer};
use crate::cdi::session::{
    CreateSession, Created, DataAnswer, GetSession, ListSessions, PutJwtData, PutSessionData, RefreshSession, Refreshed,
    RegenerateSession, Regenerated, RemoveSessions, SessionDetails, SessionFound, SessionObject, SessionTokens, SessionsListed,
    SessionsOf, SessionsRemoved, Token, Verified, VerifySession,
};

const RECIPE: Option<&str> = Some("session");

/// A session object. Cores of our versions always name both ids and the tenant; where one does not, the user is its own recipe
/// user, and the handle names the tenant.
fn session(mut members: Members, handle: &str) -> Result<SessionObject, UnreadableAnswer> {
    let handle = SessionHandle::presented(members.string(handle)?);
    let user_id = members.string("userId")?;
    let recipe_user_id = members.optional_string("recipeUserId")?.unwrap_or_else(|| user_id.clone());
    let payload = members.object("userDataInJWT")?;
    let tenant = members.optional_string("tenantId")?.map_or_else(|| handle.tenant(), |name| TenantId::normalise(&name));
    Ok(SessionObject { handle, user_id, recipe_user_id, payload, tenant })
}

fn token(mut members: Members) -> Result<Token, UnreadableAnswer> {
    Ok(Token { token: members.string("token")?, expiry: members.long("expiry")?, created: members.long("createdTime")? })
}

fn optional_token(answer: &mut Members, name: &str) -> Result<Option<Token>, UnreadableAnswer> {
    answer.optional_within(name)?.map(token).transpose()
}

/// The cookie that only old SDKs know is not read.
fn tokens(mut answer: Members) -> Result<SessionTokens, UnreadableAnswer> {
    Ok(SessionTokens {
        session: session(answer.within("session")?, "handle")?,
        access: token(answer.within("accessToken")?)?,
        refresh: token(answer.within("refreshToken")?)?,
        id_refresh: None,
        anti_csrf: answer.optional_string("antiCsrfToken")?,
    })
}

/// A refusal without its reason is still a refusal.
fn message(answer: &mut Members) -> Result<String, UnreadableAnswer> {
    Ok(answer.optional_string("message")?.unwrap_or_default())
}

fn handles(answer: &mut Members, name: &str) -> Result<Vec<SessionHandle>, UnreadableAnswer> {
    Ok(answer.strings(name)?.into_iter().map(SessionHandle::presented).collect())
}

impl Ask for CreateSession {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = Created;

    fn question(&self) -> Question {
        Question::of_body(
            JsonObject::new()
                .with("userId", self.user_id.as_str())
                .with("userDataInJWT", self.payload.clone())
                .with("userDataInDatabase", self.data.clone())
                .with_some("useDynamicSigningKey", self.use_dynamic_signing_key)
                .with("enableAntiCsrf", self.enable_anti_csrf)
                .with_some("accessTokenValidity", self.access_token_validity),
        )
    }

    fn read_answer(answer: JsonObject) -> Result<Created, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(Created { tokens: tokens(answer)?, keys: None }),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

/// From CDI 2.21 on the core demands `checkDatabase`; `None` is for older ones.
impl Ask for VerifySession {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = Verified<String>;

    fn question(&self) -> Question {
        Question::of_body(
            JsonObject::new()
                .with("accessToken", self.access_token.as_str())
                .with_some("antiCsrfToken", self.anti_csrf_token.as_deref())
                .with("doAntiCsrfCheck", self.do_anti_csrf_check)
                .with("enableAntiCsrf", self.enable_anti_csrf)
                .with_some("checkDatabase", self.check_database),
        )
    }

    fn read_answer(answer: JsonObject) -> Result<Verified<String>, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(Verified::Ok {
                session: Box::new(session(answer.within("session")?, "handle")?),
                access: optional_token(&mut answer, "accessToken")?,
                payload_update_available: answer.optional_boolean("payloadUpdateAvailable")?,
                keys: None,
            }),
            "UNAUTHORISED" => Ok(Verified::Unauthorised(message(&mut answer)?)),
            "TRY_REFRESH_TOKEN" => Ok(Verified::TryRefreshToken { message: message(&mut answer)?, keys: None }),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

/// From CDI 5.0 on the core demands `useDynamicSigningKey`; `None` is for older ones.
impl Ask for RefreshSession {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = Refreshed<String>;

    fn question(&self) -> Question {
        Question::of_body(
            JsonObject::new()
                .with("refreshToken", self.refresh_token.as_str())
                .with_some("antiCsrfToken", self.anti_csrf_token.as_deref())
                .with("enableAntiCsrf", self.enable_anti_csrf)
                .with_some("useDynamicSigningKey", self.use_dynamic_signing_key)
                .with_some("accessTokenValidity", self.access_token_validity),
        )
    }

    fn read_answer(answer: JsonObject) -> Result<Refreshed<String>, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(Refreshed::Ok(Box::new(tokens(answer)?))),
            "UNAUTHORISED" => Ok(Refreshed::Unauthorised {
                message: message(&mut answer)?,
                subtype: answer.optional_string("recentTokenReuseSubtype")?,
            }),
            "TOKEN_THEFT_DETECTED" => {
                let mut session = answer.within("session")?;
                let user_id = session.string("userId")?;
                Ok(Refreshed::TokenTheftDetected {
                    handle: SessionHandle::presented(session.string("handle")?),
                    recipe_user_id: session.optional_string("recipeUserId")?.unwrap_or_else(|| user_id.clone()),
                    user_id,
                    subtype: answer.optional_string("recentTokenReuseSubtype")?,
                })
            }
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

impl Ask for RegenerateSession {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = Regenerated;

    fn question(&self) -> Question {
        Question::of_body(
            JsonObject::new().with("accessToken", self.access_token.as_str()).with_some("userDataInJWT", self.payload.clone()),
        )
    }

    fn read_answer(answer: JsonObject) -> Result<Regenerated, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(Regenerated::Ok {
                session: Box::new(session(answer.within("session")?, "handle")?),
                access: optional_token(&mut answer, "accessToken")?,
            }),
            "UNAUTHORISED" => Ok(Regenerated::Unauthorised(message(&mut answer)?)),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

impl Ask for GetSession {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = SessionFound;

    fn question(&self) -> Question {
        Question::of_query(vec![("sessionHandle", self.handle.as_str().to_owned())])
    }

    fn read_answer(answer: JsonObject) -> Result<SessionFound, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => {
                let data = answer.object("userDataInDatabase")?;
                let (expiry, created) = (answer.long("expiry")?, answer.long("timeCreated")?);
                let session = session(answer, "sessionHandle")?;
                Ok(SessionFound::Ok(Box::new(SessionDetails { session, data, expiry, created })))
            }
            "UNAUTHORISED" => Ok(SessionFound::Unauthorised),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

impl Ask for ListSessions {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = SessionsListed;

    fn question(&self) -> Question {
        let SessionsOf { user_id, across_all_tenants, linked_accounts } = &self.0;
        Question::of_query(vec![
            ("userId", user_id.clone()),
            ("fetchSessionsForAllLinkedAccounts", linked_accounts.to_string()),
            ("fetchAcrossAllTenants", across_all_tenants.to_string()),
        ])
    }

    fn read_answer(answer: JsonObject) -> Result<SessionsListed, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(SessionsListed(handles(&mut answer, "sessionHandles")?)),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

impl Ask for RemoveSessions {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = SessionsRemoved;

    fn question(&self) -> Question {
        Question::of_body(match self {
            Self::Handles(handles) => {
                let handles = handles.iter().map(|handle| Json::from(handle.as_str())).collect();
                JsonObject::new().with("sessionHandles", Json::Array(handles))
            }
            Self::Of(SessionsOf { user_id, across_all_tenants, linked_accounts }) => JsonObject::new()
                .with("userId", user_id.as_str())
                .with("revokeSessionsForLinkedAccounts", *linked_accounts)
                .with("revokeAcrossAllTenants", *across_all_tenants),
        })
    }

    fn read_answer(answer: JsonObject) -> Result<SessionsRemoved, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(SessionsRemoved(handles(&mut answer, "sessionHandlesRevoked")?)),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

fn replaced(answer: JsonObject) -> Result<DataAnswer, UnreadableAnswer> {
    match Members::of(answer).status()?.as_str() {
        "OK" => Ok(DataAnswer::Ok(None)),
        "UNAUTHORISED" => Ok(DataAnswer::Unauthorised),
        other => Err(UnreadableAnswer::unknown_status(other)),
    }
}

impl Ask for PutSessionData {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = DataAnswer;

    fn question(&self) -> Question {
        let handle = self.handle.as_str();
        Question::of_body(JsonObject::new().with("sessionHandle", handle).with("userDataInDatabase", self.data.clone()))
    }

    fn read_answer(answer: JsonObject) -> Result<DataAnswer, UnreadableAnswer> {
        replaced(answer)
    }
}

impl Ask for PutJwtData {
    const RECIPE: Option<&'static str> = RECIPE;
    type ClientAnswer = DataAnswer;

    fn question(&self) -> Question {
        let handle = self.handle.as_str();
        Question::of_body(JsonObject::new().with("sessionHandle", handle).with("userDataInJWT", self.data.clone()))
    }

    fn read_answer(answer: JsonObject) -> Result<DataAnswer, UnreadableAnswer> {
        replaced(answer)
    }
}

//! Passkeys (core-recipes-2.md 2): the options of a ceremony. What is done with one is in `webauthn/ceremony.rs`, with a user's passkeys in
//! `webauthn/credentials.rs`, and for those who have lost them in `webauthn/recovery.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::webauthn::Refused;
use supertokens_domain::webauthn::options::{Options, RegistrationOptions, RegistrationWishes, Wishes};

use crate::input::contacts::WIDTH;
use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

pub mod ceremony;
pub mod credentials;
pub mod recovery;

/// The member and the parameter that name options.
const OPTIONS_ID: &str = "webauthnGeneratedOptionsId";

/// The answers that several questions have.
pub(crate) fn refused(why: &Refused) -> Body {
    Body::Json(status(why.status()).with("reason", why.reason()))
}

fn options_not_found() -> Body {
    Body::Json(status("OPTIONS_NOT_FOUND_ERROR"))
}

/// The first members of both kinds, in the order in which each looks for them.
fn both(body: &Fields, id_first: bool) -> Result<Wishes, BadInput> {
    let read = |name: &str| body.fitting(name, WIDTH);
    let (rp_id, rp_name) = if id_first {
        let id = read("relyingPartyId")?;
        (id, read("relyingPartyName")?)
    } else {
        let name = read("relyingPartyName")?;
        (read("relyingPartyId")?, name)
    };
    let origin = read("origin")?;
    Ok(Wishes { rp_id, rp_name, origin, timeout: body.optional_long("timeout")?, user_verification: None, user_presence: None })
}

/// POST /recipe/webauthn/options/register
#[derive(Debug)]
pub struct MakeRegistrationOptions(pub RegistrationWishes);

impl Operation for MakeRegistrationOptions {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/webauthn/options/register";
    type Answer = RegistrationOptionsMade;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let read = || {
            let email = body.email("email")?;
            let display_name = body.optional_string("displayName")?;
            let mut of_both = both(&body, false)?;
            let attestation = body.optional_string("attestation")?;
            let resident_key = body.optional_string("residentKey")?;
            of_both.user_verification = body.optional_string("userVerification")?;
            of_both.user_presence = body.optional_boolean("userPresence")?;
            let algorithms = algorithms(&body)?;
            Ok(Self(RegistrationWishes { of_both, email, display_name, attestation, resident_key, algorithms }))
        };
        read().map_err(BadInput::late)
    }
}

/// Upstream's core and its SDKs spell it differently, and the core ignores what the SDKs send.
fn algorithms(body: &Fields) -> Result<Option<Vec<Json>>, BadInput> {
    for name in ["supportedAlgorithmIDs", "supportedAlgorithmIds"] {
        if let Some(listed) = body.object().get(name) {
            return listed.as_array().map(|listed| Some(listed.to_vec())).ok_or_else(|| BadInput::Field(name.to_owned()));
        }
    }
    Ok(None)
}

/// Answers [`MakeRegistrationOptions`].
#[derive(Debug)]
pub enum RegistrationOptionsMade {
    /// They hold from now on.
    Ok {
        /// Their name.
        id: String,
        /// Base64url of 32 bytes.
        challenge: String,
        /// What was asked for.
        options: Box<RegistrationOptions>,
        /// Whom the authenticator shall keep the passkey for.
        user_id: String,
        /// In ms.
        created_at: i64,
        /// In ms.
        expires_at: i64,
    },
    /// Something cannot be asked for.
    Refused(Refused),
}

impl Answer for RegistrationOptionsMade {
    fn write(self, _: &Rules) -> Body {
        let (id, challenge, options, user_id, created_at, expires_at) = match self {
            Self::Ok { id, challenge, options, user_id, created_at, expires_at } => {
                (id, challenge, options, user_id, created_at, expires_at)
            }
            Self::Refused(why) => return refused(&why),
        };
        let requires_resident_key = options.requires_resident_key();
        let RegistrationOptions { of_both, email, display_name, attestation, resident_key, algorithms } = *options;
        let algorithm = |number: i64| Json::Object(JsonObject::new().with("alg", number).with("type", "public-key"));
        let user = JsonObject::new()
            .with("id", URL_SAFE_NO_PAD.encode(user_id))
            .with("name", email.as_str())
            .with("displayName", display_name);
        let selection = JsonObject::new()
            .with("requireResidentKey", requires_resident_key)
            .with("residentKey", resident_key)
            .with("userVerification", of_both.user_verification.word());
        Body::Json(
            JsonObject::new()
                .with(OPTIONS_ID, id)
                .with("rp", JsonObject::new().with("id", of_both.rp_id).with("name", of_both.rp_name))
                .with("user", user)
                .with("email", email)
                .with("timeout", of_both.timeout)
                .with("challenge", challenge)
                .with("attestation", attestation)
                .with("createdAt", created_at)
                .with("expiresAt", expires_at)
                .with("pubKeyCredParams", Json::Array(algorithms.into_iter().map(algorithm).collect()))
                .with("excludeCredentials", Json::Array(Vec::new()))
                .with("authenticatorSelection", selection)
                .with("status", "OK"),
        )
    }
}

/// POST /recipe/webauthn/options/signin
#[derive(Debug)]
pub struct MakeSignInOptions(pub Wishes);

impl Operation for MakeSignInOptions {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/webauthn/options/signin";
    type Answer = SignInOptionsMade;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let read = || {
            let mut wishes = both(&body, true)?;
            wishes.user_verification = body.optional_string("userVerification")?;
            wishes.user_presence = body.optional_boolean("userPresence")?;
            Ok(Self(wishes))
        };
        read().map_err(BadInput::late)
    }
}

/// Answers [`MakeSignInOptions`].
#[derive(Debug)]
pub enum SignInOptionsMade {
    /// They hold from now on.
    Ok {
        /// Their name.
        id: String,
        /// Base64url of 32 bytes.
        challenge: String,
        /// What was asked for.
        options: Options,
        /// In ms.
        created_at: i64,
        /// In ms.
        expires_at: i64,
    },
    /// Something cannot be asked for.
    Refused(Refused),
}

impl Answer for SignInOptionsMade {
    fn write(self, _: &Rules) -> Body {
        match self {
            Self::Ok { id, challenge, options, created_at, expires_at } => Body::Json(
                JsonObject::new()
                    .with(OPTIONS_ID, id)
                    .with("relyingPartyId", options.rp_id)
                    .with("challenge", challenge)
                    .with("timeout", options.timeout)
                    .with("userVerification", options.user_verification.word())
                    .with("userPresence", options.user_presence)
                    .with("createdAt", created_at)
                    .with("expiresAt", expires_at)
                    .with("status", "OK"),
            ),
            Self::Refused(why) => refused(&why),
        }
    }
}

fn options_id(input: &Input<'_>) -> Result<String, BadInput> {
    Ok(input.query.required(OPTIONS_ID).map_err(BadInput::late)?.to_owned())
}

/// GET /recipe/webauthn/options
#[derive(Debug)]
pub struct GetOptions {
    /// Which.
    pub id: String,
}

impl Operation for GetOptions {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/webauthn/options";
    type Answer = OptionsFound;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { id: options_id(input)? })
    }
}

/// Answers [`GetOptions`], whether they still hold or not.
#[derive(Debug)]
pub enum OptionsFound {
    /// What is stored.
    Ok {
        /// Their name.
        id: String,
        /// Base64url of 32 bytes.
        challenge: String,
        /// What was asked for.
        options: Options,
        /// Who signs up.
        email: Option<String>,
        /// In ms.
        created_at: i64,
        /// In ms.
        expires_at: i64,
    },
    /// There are none.
    NotFound,
}

impl Answer for OptionsFound {
    fn write(self, _: &Rules) -> Body {
        match self {
            Self::Ok { id, challenge, options, email, created_at, expires_at } => Body::Json(
                status("OK")
                    .with(OPTIONS_ID, id)
                    .with("relyingPartyId", options.rp_id)
                    .with("relyingPartyName", options.rp_name)
                    .with("challenge", challenge)
                    .with("timeout", options.timeout)
                    .with("origin", options.origin)
                    .with("email", email.map_or(Json::Null, Json::from))
                    .with("createdAt", created_at)
                    .with("expiresAt", expires_at)
                    .with("userVerification", options.user_verification.word())
                    .with("userPresence", options.user_presence),
            ),
            Self::NotFound => options_not_found(),
        }
    }
}

/// DELETE /recipe/webauthn/options/remove
#[derive(Debug)]
pub struct RemoveOptions {
    /// Which.
    pub id: String,
}

impl Operation for RemoveOptions {
    const METHOD: &'static str = "DELETE";
    const PATH: &'static str = "/recipe/webauthn/options/remove";
    type Answer = OptionsRemoved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { id: options_id(input)? })
    }
}

/// Answers [`RemoveOptions`]: whether there were any.
#[derive(Debug, Clone, Copy)]
pub struct OptionsRemoved(pub bool);

impl Answer for OptionsRemoved {
    fn write(self, _: &Rules) -> Body {
        if self.0 { Body::Json(status("OK")) } else { options_not_found() }
    }
}

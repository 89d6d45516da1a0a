//! What is done with what an authenticator brings: signing up, signing in, and one more passkey (core-recipes-2.md 2.2, 2.4).

use supertokens_domain::accounts::Group;
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::webauthn::Refused;

use super::{OPTIONS_ID, options_not_found, refused};
use crate::cdi::user_shape::whole_user;
use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, ok, status};
use crate::version::Rules;

/// What a browser has brought, and the options that it was asked by.
#[derive(Debug)]
pub struct Brought {
    /// Which options.
    pub options_id: String,
    /// What the browser's call gave.
    pub credential: JsonObject,
}

impl Brought {
    fn of(body: &crate::input::Fields) -> Result<Self, BadInput> {
        Ok(Self { options_id: body.string(OPTIONS_ID)?, credential: body.json_object("credential")? })
    }
}

/// Why nothing came of it, as all three questions say it.
#[derive(Debug)]
pub enum Failed {
    /// There are no such options here.
    OptionsNotFound,
    /// It is not what was asked for.
    Refused(Refused),
}

impl From<Refused> for Failed {
    fn from(why: Refused) -> Self {
        Self::Refused(why)
    }
}

impl Failed {
    fn body(&self) -> Body {
        match self {
            Self::OptionsNotFound => options_not_found(),
            Self::Refused(why) => refused(why),
        }
    }
}

/// POST /recipe/webauthn/signup
#[derive(Debug)]
pub struct SignUp(pub Brought);

impl Operation for SignUp {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/webauthn/signup";
    type Answer = SignedUp;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let read = || Brought::of(&input.body()?).map(Self);
        read().map_err(BadInput::late)
    }
}

/// Answers [`SignUp`].
#[derive(Debug)]
pub enum SignedUp {
    /// Somebody new.
    Ok {
        /// Who.
        user: Box<Group>,
        /// By which passkey.
        credential_id: String,
        /// Of which relying party.
        rp_id: String,
        /// What that one is called.
        rp_name: String,
    },
    /// Nobody.
    Failed(Failed),
    /// Somebody of this recipe has the address here.
    EmailExists,
}

impl Answer for SignedUp {
    fn write(self, rules: &Rules) -> Body {
        match self {
            // Whatever the version, it is the whole user.
            Self::Ok { user, credential_id, rp_id, rp_name } => Body::Json(
                status("OK")
                    .with("user", whole_user(&user, rules))
                    .with("webauthnCredentialId", credential_id)
                    .with("relyingPartyId", rp_id)
                    .with("relyingPartyName", rp_name)
                    .with("recipeUserId", user.id.as_str()),
            ),
            Self::Failed(why) => why.body(),
            Self::EmailExists => Body::Json(status("EMAIL_ALREADY_EXISTS_ERROR")),
        }
    }
}

/// POST /recipe/webauthn/signin
#[derive(Debug)]
pub struct SignIn(pub Brought);

impl Operation for SignIn {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/webauthn/signin";
    type Answer = SignedIn;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Brought::of(&body).map(Self).map_err(BadInput::late)
    }
}

/// Answers [`SignIn`].
#[derive(Debug)]
pub enum SignedIn {
    /// They are who they say.
    Ok {
        /// Who.
        user: Box<Group>,
        /// The login method of the passkey, by internal id.
        recipe_user_id: String,
    },
    /// Nobody.
    Failed(Failed),
    /// Nobody here has that passkey.
    CredentialNotFound,
}

impl Answer for SignedIn {
    fn write(self, rules: &Rules) -> Body {
        match self {
            Self::Ok { user, recipe_user_id } => {
                let shown = user.method(&recipe_user_id).map(|method| method.shown_id().to_owned());
                Body::Json(
                    status("OK").with("user", whole_user(&user, rules)).with("recipeUserId", shown.unwrap_or(recipe_user_id)),
                )
            }
            Self::Failed(why) => why.body(),
            Self::CredentialNotFound => Body::Json(status("CREDENTIAL_NOT_FOUND_ERROR")),
        }
    }
}

/// POST /recipe/webauthn/user/credential/register
#[derive(Debug)]
pub struct RegisterCredential {
    /// Whose it will be: an id of either kind.
    pub recipe_user_id: String,
    /// What the browser has brought.
    pub brought: Brought,
}

impl Operation for RegisterCredential {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/webauthn/user/credential/register";
    type Answer = CredentialRegistered;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let read = || {
            let body = input.body()?;
            Ok(Self { recipe_user_id: body.string("recipeUserId")?, brought: Brought::of(&body)? })
        };
        read().map_err(BadInput::late)
    }
}

/// Answers [`RegisterCredential`].
#[derive(Debug)]
pub enum CredentialRegistered {
    /// It is theirs.
    Ok {
        /// The passkey.
        credential_id: String,
        /// Whose, as it was asked.
        recipe_user_id: String,
        /// For whom the options were made.
        email: Option<String>,
        /// Of which relying party.
        rp_id: String,
        /// What that one is called.
        rp_name: String,
    },
    /// It is nobody's.
    Failed(Failed),
    /// Somebody has it already.
    Exists,
    /// There is no such user of this recipe.
    UnknownUser,
}

impl Answer for CredentialRegistered {
    fn write(self, _: &Rules) -> Body {
        match self {
            Self::Ok { credential_id, recipe_user_id, email, rp_id, rp_name } => ok(JsonObject::new()
                .with("webauthnCredentialId", credential_id)
                .with("recipeUserId", recipe_user_id)
                .with("email", email.map_or(Json::Null, Json::from))
                .with("relyingPartyId", rp_id)
                .with("relyingPartyName", rp_name)),
            Self::Failed(why) => why.body(),
            Self::Exists => Body::Json(status("CREDENTIAL_ALREADY_EXISTS_ERROR")),
            Self::UnknownUser => Body::Json(status("UNKNOWN_USER_ID_ERROR")),
        }
    }
}

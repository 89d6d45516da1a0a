//! Tokens for those who have lost all passkeys (core-recipes-2.md 2.2 k to m).

use supertokens_domain::accounts::Group;
use supertokens_domain::json::Json;
use supertokens_domain::secret::Secret;

use crate::cdi::user_shape::whole_user;
use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

fn invalid() -> Body {
    Body::Json(status("RECOVER_ACCOUNT_TOKEN_INVALID_ERROR"))
}

/// POST /recipe/webauthn/user/recover/token
#[derive(Debug)]
pub struct MakeRecoveryToken {
    /// Where it will be sent. Nobody looks whether it is theirs.
    pub email: String,
    /// For whom: an id of either kind, of whatever recipe.
    pub user_id: String,
}

impl Operation for MakeRecoveryToken {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/webauthn/user/recover/token";
    type Answer = RecoveryToken;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { email: body.email("email")?, user_id: body.string("userId")? })
    }
}

/// Answers [`MakeRecoveryToken`].
#[derive(Debug)]
pub enum RecoveryToken {
    /// Here it is.
    Ok(Secret<String>),
    /// There is no such user.
    UnknownUser,
}

impl Answer for RecoveryToken {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(token) => status("OK").with("token", token.expose().as_str()),
            Self::UnknownUser => status("UNKNOWN_USER_ID_ERROR"),
        })
    }
}

/// GET /recipe/webauthn/user/recover
#[derive(Debug)]
pub struct GetRecoveringUser {
    /// The token, which stays.
    pub token: Secret<String>,
}

impl Operation for GetRecoveringUser {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/webauthn/user/recover";
    type Answer = RecoveringUser;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        // Any text: none is stored, and what no core has made is invalid.
        let token = input.query.get("token").ok_or(BadInput::MissingParameter("token"))?;
        Ok(Self { token: Secret::new(token.to_owned()) })
    }
}

/// Answers [`GetRecoveringUser`].
#[derive(Debug)]
pub enum RecoveringUser {
    /// For them it is.
    Ok {
        /// Who.
        user: Box<Group>,
        /// Their login method by passkeys in this tenant, by the id that is shown.
        recipe_user_id: Option<String>,
    },
    /// It is no token, or none any more.
    Invalid,
}

impl Answer for RecoveringUser {
    fn write(self, rules: &Rules) -> Body {
        match self {
            Self::Ok { user, recipe_user_id } => Body::Json(
                status("OK")
                    .with("recipeUserId", recipe_user_id.map_or(Json::Null, Json::from))
                    .with("user", whole_user(&user, rules)),
            ),
            Self::Invalid => invalid(),
        }
    }
}

/// POST /recipe/webauthn/user/recover/token/consume
#[derive(Debug)]
pub struct ConsumeRecoveryToken {
    /// The token.
    pub token: Secret<String>,
}

impl Operation for ConsumeRecoveryToken {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/webauthn/user/recover/token/consume";
    type Answer = RecoveryTokenConsumed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let read = || Ok(Self { token: Secret::new(input.body()?.token("token")?) });
        read().map_err(BadInput::late)
    }
}

/// Answers [`ConsumeRecoveryToken`].
#[derive(Debug)]
pub enum RecoveryTokenConsumed {
    /// It is used up.
    Ok {
        /// For whom it was, by the id that is shown.
        user_id: String,
        /// Where it was sent.
        email: String,
    },
    /// It is no token, or none any more.
    Invalid,
}

impl Answer for RecoveryTokenConsumed {
    fn write(self, _: &Rules) -> Body {
        match self {
            Self::Ok { user_id, email } => Body::Json(status("OK").with("userId", user_id).with("email", email)),
            Self::Invalid => invalid(),
        }
    }
}

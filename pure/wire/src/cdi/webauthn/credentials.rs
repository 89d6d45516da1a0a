//! A user's passkeys, and the address beside them (core-recipes-2.md 2.2 h to j, n). Users are named by ids of either kind, and answered by
//! the id that was sent.

use supertokens_domain::json::{Json, JsonObject};

use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, ok, status};
use crate::version::Rules;

/// A passkey as it is named.
#[derive(Debug)]
pub struct Named {
    /// Whose: an id of either kind.
    pub recipe_user_id: String,
    /// The passkey.
    pub credential_id: String,
}

impl Named {
    fn read(input: &Input<'_>) -> Result<Self, BadInput> {
        let required = |name| input.query.required(name).map(str::to_owned).map_err(BadInput::late);
        Ok(Self { recipe_user_id: required("recipeUserId")?, credential_id: required("webauthnCredentialId")? })
    }
}

fn not_found() -> Body {
    Body::Json(status("CREDENTIAL_NOT_FOUND_ERROR"))
}

/// What is said of a passkey.
#[derive(Debug)]
pub struct ShownCredential {
    /// The passkey.
    pub id: String,
    /// Whose, as it was asked.
    pub recipe_user_id: String,
    /// Of which relying party.
    pub rp_id: String,
    /// In ms.
    pub created_at: i64,
}

impl ShownCredential {
    fn json(self) -> JsonObject {
        JsonObject::new()
            .with("webauthnCredentialId", self.id)
            .with("recipeUserId", self.recipe_user_id)
            .with("relyingPartyId", self.rp_id)
            .with("createdAt", self.created_at)
    }
}

/// GET /recipe/webauthn/user/credential
#[derive(Debug)]
pub struct GetCredential(pub Named);

impl Operation for GetCredential {
    const METHOD: &'static str = "GET";
    // Upstream declares it with a slash at the end, and answers it with one or without.
    const PATH: &'static str = "/recipe/webauthn/user/credential";
    type Answer = CredentialFound;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Named::read(input).map(Self)
    }
}

/// Answers [`GetCredential`]: the passkey, and when it was used last, in ms.
#[derive(Debug)]
pub struct CredentialFound(pub Option<(ShownCredential, i64)>);

impl Answer for CredentialFound {
    fn write(self, _: &Rules) -> Body {
        self.0.map_or_else(not_found, |(shown, updated_at)| ok(shown.json().with("updatedAt", updated_at)))
    }
}

/// GET /recipe/webauthn/user/credential/list
#[derive(Debug)]
pub struct ListCredentials {
    /// Whose: an id of either kind.
    pub recipe_user_id: String,
}

impl Operation for ListCredentials {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/webauthn/user/credential/list";
    type Answer = CredentialsListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { recipe_user_id: input.query.required("recipeUserId").map_err(BadInput::late)?.to_owned() })
    }
}

/// Answers [`ListCredentials`], in the order in which they were added.
#[derive(Debug)]
pub struct CredentialsListed(pub Vec<ShownCredential>);

impl Answer for CredentialsListed {
    fn write(self, _: &Rules) -> Body {
        let listed = self.0.into_iter().map(|shown| Json::Object(shown.json())).collect();
        ok(JsonObject::new().with("credentials", Json::Array(listed)))
    }
}

/// DELETE /recipe/webauthn/user/credential/remove
#[derive(Debug)]
pub struct RemoveCredential(pub Named);

impl Operation for RemoveCredential {
    const METHOD: &'static str = "DELETE";
    const PATH: &'static str = "/recipe/webauthn/user/credential/remove";
    type Answer = CredentialRemoved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Named::read(input).map(Self)
    }
}

/// Answers [`RemoveCredential`]: whether there was one.
#[derive(Debug, Clone, Copy)]
pub struct CredentialRemoved(pub bool);

impl Answer for CredentialRemoved {
    fn write(self, _: &Rules) -> Body {
        if self.0 { Body::Json(status("OK")) } else { not_found() }
    }
}

/// PUT /recipe/webauthn/user/email
#[derive(Debug)]
pub struct ChangeEmail {
    /// Whose: an id of either kind.
    pub recipe_user_id: String,
    /// The new one. Upstream keeps it as it was sent, and finds it no more.
    pub email: String,
}

impl Operation for ChangeEmail {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/webauthn/user/email";
    type Answer = EmailChanged;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let read = || {
            let body = input.body()?;
            Ok(Self { recipe_user_id: body.string("recipeUserId")?, email: body.email("email")? })
        };
        read().map_err(BadInput::late)
    }
}

/// Answers [`ChangeEmail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailChanged {
    /// It is theirs.
    Ok,
    /// There is no such user of this recipe.
    UnknownUser,
    /// Somebody of this recipe has it in one of their tenants.
    Exists,
    /// Another primary user has it in one of their tenants.
    OfAnotherUser,
}

impl Answer for EmailChanged {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status(match self {
            Self::Ok => "OK",
            Self::UnknownUser => "UNKNOWN_USER_ID_ERROR",
            Self::Exists => "EMAIL_ALREADY_EXISTS_ERROR",
            Self::OfAnotherUser => "USER_WITH_EMAIL_ALREADY_EXISTS_ERROR",
        }))
    }
}

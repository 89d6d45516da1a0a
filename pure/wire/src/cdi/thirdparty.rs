//! Logging in with an account at a provider (core-recipes-1.md 1.2 to 1.4).

use supertokens_domain::accounts::{Group, ThirdParty};
use supertokens_domain::json::Json;

use super::user_shape;
use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// The width of `third_party_id`, in characters.
pub const LONGEST_PROVIDER: usize = 28;

/// The width of `third_party_user_id`, in characters.
pub const LONGEST_USER_ID: usize = 256;

/// POST /recipe/signinup
#[derive(Debug, Clone, PartialEq)]
pub struct SignInUp {
    /// Who it is at which provider.
    pub third_party: ThirdParty,
    /// The address that the provider told, normalised.
    pub email: String,
    /// Whether the provider says that the address is theirs. Versions that do not tell say no.
    pub is_verified: bool,
}

impl Operation for SignInUp {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signinup";
    type Answer = SignedInUp;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let id = body.fitting("thirdPartyId", LONGEST_PROVIDER)?;
        if !ThirdParty::may_be_provider(&id) {
            return Err(BadInput::Field("thirdPartyId".to_owned()));
        }
        let user_id = body.fitting("thirdPartyUserId", LONGEST_USER_ID)?;
        let email = body.fields("email")?;
        let address = email.email("id")?;
        let is_verified = rules.providers_verify && email.boolean("isVerified")?;
        Ok(Self { third_party: ThirdParty { id, user_id }, email: address, is_verified })
    }
}

/// What answers [`SignInUp`].
#[derive(Debug, Clone, PartialEq)]
pub enum SignedInUp {
    /// Somebody logged in.
    Ok {
        /// For the first time.
        created: bool,
        /// Who.
        user: Group,
        /// By which login method: its internal id.
        recipe_user_id: String,
    },
    /// Another user owns the new address.
    EmailChangeNotAllowed,
}

impl Answer for SignedInUp {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok { created, user, recipe_user_id } => {
                let answer = status("OK").with("createdNewUser", created);
                user_shape::with_login(answer, &user, &recipe_user_id, rules)
            }
            Self::EmailChangeNotAllowed => {
                status("EMAIL_CHANGE_NOT_ALLOWED_ERROR").with("reason", "Email already associated with another primary user.")
            }
        })
    }
}

/// GET /recipe/user of this recipe
#[derive(Debug, Clone, PartialEq)]
pub enum GetUser {
    /// One login method, by its id or the one that is shown instead.
    ById(String),
    /// The whole user, by the account at a provider.
    ByAccount(ThirdParty),
}

impl Operation for GetUser {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/user";
    const RID: Option<&'static str> = Some("thirdparty");
    type Answer = FoundUser;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let given = |name: &str| input.query.get(name).map(str::to_owned);
        match (given("userId"), given("thirdPartyId"), given("thirdPartyUserId")) {
            (Some(id), None, None) => Ok(Self::ById(id)),
            (Some(_), _, _) => Err(BadInput::rule("Please provide only one of userId or (thirdPartyId & thirdPartyUserId)")),
            (None, Some(id), Some(user_id)) => Ok(Self::ByAccount(ThirdParty { id, user_id })),
            (None, _, _) => Err(BadInput::rule("Please provide one of userId or (thirdPartyId & thirdPartyUserId)")),
        }
    }
}

/// What answers [`GetUser`].
#[derive(Debug, Clone, PartialEq)]
pub enum FoundUser {
    /// Somebody.
    Ok(Group),
    /// No login method of this recipe has this id.
    UnknownId,
    /// Nobody in this tenant has this account.
    UnknownAccount,
}

impl Answer for FoundUser {
    fn write(self, rules: &Rules) -> Body {
        let unknown = match &self {
            Self::Ok(user) => match user_shape::user(user, rules) {
                Some(user) => return Body::Json(status("OK").with("user", user)),
                None => "UNKNOWN_THIRD_PARTY_USER_ERROR",
            },
            Self::UnknownId => "UNKNOWN_USER_ID_ERROR",
            Self::UnknownAccount => "UNKNOWN_THIRD_PARTY_USER_ERROR",
        };
        Body::Json(status(unknown))
    }
}

/// GET /recipe/users/by-email
#[derive(Debug, Clone, PartialEq)]
pub struct UsersByEmail {
    /// Normalised.
    pub email: String,
}

impl Operation for UsersByEmail {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/users/by-email";
    type Answer = FoundUsers;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { email: input.query.email("email").map_err(BadInput::late)? })
    }
}

/// What answers [`UsersByEmail`].
#[derive(Debug, Clone, PartialEq)]
pub struct FoundUsers(pub Vec<Group>);

impl Answer for FoundUsers {
    fn write(self, rules: &Rules) -> Body {
        let users = self.0.iter().filter_map(|user| user_shape::user(user, rules)).map(Json::from).collect();
        Body::Json(status("OK").with("users", Json::Array(users)))
    }
}

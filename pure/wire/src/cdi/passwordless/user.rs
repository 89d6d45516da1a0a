//! Users of this recipe: looking at one, and changing where codes are sent (core-recipes-1.md 2.8).

use supertokens_domain::accounts::{Group, InfoKind};
use supertokens_domain::passwordless::Contact;

use super::super::user_shape;
use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// GET /recipe/user of this recipe
#[derive(Debug, Clone, PartialEq)]
pub struct GetUser(pub WhichUser);

/// Who is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum WhichUser {
    /// One login method, by its id or the one that is shown instead.
    Id(String),
    /// The whole user, by a contact.
    Contact(Contact),
}

impl Operation for GetUser {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/user";
    const RID: Option<&'static str> = Some("passwordless");
    type Answer = FoundUser;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let (email, phone) = (input.query.optional_email("email"), input.query.optional_phone("phoneNumber"));
        match (input.query.get("userId"), email, phone) {
            (Some(id), None, None) => Ok(Self(WhichUser::Id(id.to_owned()))),
            (None, Some(email), None) => Ok(Self(WhichUser::Contact(Contact::Email(email)))),
            (None, None, Some(phone)) => Ok(Self(WhichUser::Contact(Contact::Phone(phone)))),
            _ => Err(BadInput::rule("Please provide exactly one of userId, email or phoneNumber")),
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
    /// Nobody in this tenant has this contact.
    UnknownContact(InfoKind),
}

impl Answer for FoundUser {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(user) => match user_shape::user(&user, rules) {
                Some(user) => status("OK").with("user", user),
                None => status("UNKNOWN_USER_ID_ERROR"),
            },
            Self::UnknownId => status("UNKNOWN_USER_ID_ERROR"),
            Self::UnknownContact(InfoKind::Phone) => status("UNKNOWN_PHONE_NUMBER_ERROR"),
            Self::UnknownContact(_) => status("UNKNOWN_EMAIL_ERROR"),
        })
    }
}

/// PUT /recipe/user of this recipe
#[derive(Debug, Clone, PartialEq)]
pub struct PutUser {
    /// Internal or external.
    pub user_id: String,
    /// What becomes of the e-mail address.
    pub email: ContactUpdate,
    /// What becomes of the phone number.
    pub phone: ContactUpdate,
}

/// What becomes of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactUpdate {
    /// It stays.
    Leave,
    /// It goes.
    Clear,
    /// It becomes this, normalised.
    Set(String),
}

impl ContactUpdate {
    fn read(
        body: &Fields,
        name: &str,
        read: impl Fn(&Fields, &str) -> Result<Option<String>, BadInput>,
    ) -> Result<Self, BadInput> {
        if body.object().get(name).is_some_and(supertokens_domain::json::Json::is_null) {
            return Ok(Self::Clear);
        }
        match read(body, name)? {
            None => Ok(Self::Leave),
            Some(empty) if empty.is_empty() => Err(BadInput::Field(name.to_owned())),
            Some(text) => Ok(Self::Set(text)),
        }
    }

    /// What there is afterwards, where this was before.
    pub fn apply(&self, before: Option<&str>) -> Option<String> {
        match self {
            Self::Leave => before.map(str::to_owned),
            Self::Clear => None,
            Self::Set(text) => Some(text.clone()),
        }
    }
}

impl Operation for PutUser {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/user";
    const RID: Option<&'static str> = Some("passwordless");
    type Answer = UpdatedUser;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self {
            user_id: body.token(user_shape::id_field(rules))?,
            email: ContactUpdate::read(&body, "email", Fields::optional_email)?,
            phone: ContactUpdate::read(&body, "phoneNumber", Fields::optional_phone)?,
        })
    }
}

/// What answers [`PutUser`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdatedUser {
    /// It is so.
    Ok,
    /// No login method of this recipe has this id.
    UnknownId,
    /// Another user of this recipe has it in a tenant of this one.
    AlreadyExists(InfoKind),
    /// Another primary user owns it.
    NotAllowed(InfoKind),
}

impl Answer for UpdatedUser {
    fn write(self, _: &Rules) -> Body {
        let reason = |what: &str| format!("New {what} is associated with another primary user ID");
        Body::Json(match self {
            Self::Ok => status("OK"),
            Self::UnknownId => status("UNKNOWN_USER_ID_ERROR"),
            Self::AlreadyExists(InfoKind::Phone) => status("PHONE_NUMBER_ALREADY_EXISTS_ERROR"),
            Self::AlreadyExists(_) => status("EMAIL_ALREADY_EXISTS_ERROR"),
            Self::NotAllowed(InfoKind::Phone) => {
                status("PHONE_NUMBER_CHANGE_NOT_ALLOWED_ERROR").with("reason", reason("phone number"))
            }
            Self::NotAllowed(_) => status("EMAIL_CHANGE_NOT_ALLOWED_ERROR").with("reason", reason("email")),
        })
    }
}

//! People who look after an app by the dashboard, and their sessions (core-recipes-2.md 3.2). What they type is trimmed, passwords too.

use supertokens_domain::dashboard::{Session, User, Weakness, check_password, is_address};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::secret::Secret;
use supertokens_domain::users::email;

use crate::input::contacts::WIDTH;
use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// What nobody may be called, or have for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// That is no address.
    Email,
    /// That is no password.
    Password(Weakness),
}

fn address(body: &Fields, name: &str) -> Result<String, BadInput> {
    // In lower case it may have become longer.
    let email = email::normalised(&body.trimmed(name)?);
    if email.chars().nth(WIDTH).is_some() { Err(BadInput::Field(name.to_owned())) } else { Ok(email) }
}

fn password(body: &Fields, name: &str) -> Result<Secret<String>, BadInput> {
    body.trimmed(name).map(Secret::new)
}

/// A member that may be absent.
fn optional<T>(body: &Fields, name: &str, read: impl Fn(&Fields, &str) -> Result<T, BadInput>) -> Result<Option<T>, BadInput> {
    body.contains(name).then(|| read(body, name)).transpose()
}

/// May somebody be called so?
///
/// # Errors
/// That is no address.
pub fn fit_email(email: &str) -> Result<(), Unfit> {
    if is_address(email) { Ok(()) } else { Err(Unfit::Email) }
}

/// May this be somebody's password?
///
/// # Errors
/// It is too weak, or too long.
pub fn fit_password(password: &Secret<String>) -> Result<(), Unfit> {
    check_password(password.expose()).map_err(Unfit::Password)
}

/// POST /recipe/dashboard/user
#[derive(Debug)]
pub enum CreateDashboardUser {
    /// Is it still free?
    Asked {
        /// Normalised.
        email: String,
        /// Trimmed.
        password: Secret<String>,
    },
    /// Whatever else there is, this is said first.
    Unfit(Unfit),
}

impl Operation for CreateDashboardUser {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/dashboard/user";
    type Answer = DashboardUserSaved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let email = address(&body, "email")?;
        if let Err(unfit) = fit_email(&email) {
            return Ok(Self::Unfit(unfit));
        }
        let password = password(&body, "password")?;
        Ok(fit_password(&password).map_or_else(Self::Unfit, |()| Self::Asked { email, password }))
    }
}

/// Answers [`CreateDashboardUser`] and [`ChangeDashboardUser`].
#[derive(Debug, PartialEq, Eq)]
pub enum DashboardUserSaved {
    /// So it stands.
    Ok(User),
    /// What was sent cannot be.
    Unfit(Unfit),
    /// Somebody else is called so.
    EmailTaken,
    /// There is nobody to be changed.
    Unknown,
}

fn shown(user: User) -> Json {
    let User { email, id, time_joined } = user;
    Json::Object(JsonObject::new().with("email", email).with("userId", id).with("timeJoined", time_joined))
}

impl Answer for DashboardUserSaved {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(user) => status("OK").with("user", shown(user)),
            Self::Unfit(Unfit::Email) => status("INVALID_EMAIL_ERROR"),
            Self::Unfit(Unfit::Password(weakness)) => status("PASSWORD_WEAK_ERROR").with("message", weakness.to_string()),
            Self::EmailTaken => status("EMAIL_ALREADY_EXISTS_ERROR"),
            Self::Unknown => status("UNKNOWN_USER_ERROR"),
        })
    }
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// By id, whatever else was sent.
    Id(String),
    /// By address, normalised.
    Email(String),
}

impl Whom {
    const NOBODY: &'static str = "Either field 'email' or 'userId' must be present";

    /// Addresses are only looked for: of any length.
    fn read(body: &Fields) -> Result<Self, BadInput> {
        if let Some(id) = optional(body, "userId", Fields::trimmed)? {
            return Ok(Self::Id(id));
        }
        let email = optional(body, "email", Fields::trimmed)?;
        email.map(|text| Self::Email(email::normalised(&text))).ok_or_else(|| BadInput::rule(Self::NOBODY))
    }
}

/// PUT /recipe/dashboard/user
#[derive(Debug)]
pub enum ChangeDashboardUser {
    /// Who is it?
    Asked {
        /// Normalised.
        new_email: Option<String>,
        /// Trimmed.
        new_password: Option<Secret<String>>,
        /// What is wrong here is said only where there is such an app, and of its public tenant.
        whom: Result<Whom, BadInput>,
    },
    /// Whatever else there is, this is said first.
    Unfit(Unfit),
}

impl Operation for ChangeDashboardUser {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/dashboard/user";
    type Answer = DashboardUserSaved;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let new_email = optional(&body, "newEmail", address)?;
        if let Some(Err(unfit)) = new_email.as_deref().map(fit_email) {
            return Ok(Self::Unfit(unfit));
        }
        let new_password = optional(&body, "newPassword", password)?;
        if let Some(Err(unfit)) = new_password.as_ref().map(fit_password) {
            return Ok(Self::Unfit(unfit));
        }
        Ok(Self::Asked { new_email, new_password, whom: Whom::read(&body) })
    }
}

/// DELETE /recipe/dashboard/user
#[derive(Debug)]
pub struct DeleteDashboardUser(pub Whom);

impl Operation for DeleteDashboardUser {
    const METHOD: &'static str = "DELETE";
    const PATH: &'static str = "/recipe/dashboard/user";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        if input.query.get("userId").is_some() {
            return Ok(Self(Whom::Id(input.query.trimmed("userId")?)));
        }
        if input.query.get("email").is_some() {
            return Ok(Self(Whom::Email(email::normalised(&input.query.trimmed("email")?))));
        }
        Err(BadInput::rule(Whom::NOBODY))
    }
}

/// GET /recipe/dashboard/users
#[derive(Debug)]
pub struct ListDashboardUsers;

impl Operation for ListDashboardUsers {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/dashboard/users";
    type Answer = DashboardUsers;

    fn read(_: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self)
    }
}

/// Answers [`ListDashboardUsers`], in the order in which they came.
#[derive(Debug)]
pub struct DashboardUsers(pub Vec<User>);

impl Answer for DashboardUsers {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK").with("users", Json::Array(self.0.into_iter().map(shown).collect())))
    }
}

/// POST /recipe/dashboard/signin
#[derive(Debug)]
pub struct SignInToDashboard {
    /// Normalised.
    pub email: String,
    /// Trimmed.
    pub password: Secret<String>,
}

impl Operation for SignInToDashboard {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/dashboard/signin";
    type Answer = SignedInToDashboard;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        Ok(Self { email: address(&body, "email")?, password: password(&body, "password")? })
    }
}

/// Answers [`SignInToDashboard`].
#[derive(Debug)]
pub enum SignedInToDashboard {
    /// Whoever knows this id is taken for the user.
    Ok(Secret<String>),
    /// Nobody has this address and this password.
    WrongCredentials,
    /// Nothing was looked at: too many passwords were tried for this address.
    TriedTooOften {
        /// When one may be tried again, in seconds.
        retry_after: i64,
    },
}

impl Answer for SignedInToDashboard {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(session) => status("OK").with("sessionId", session.expose().as_str()),
            Self::WrongCredentials => status("INVALID_CREDENTIALS_ERROR"),
            // The one status whose message the dashboard shows to whoever signs in.
            Self::TriedTooOften { retry_after } => status("USER_SUSPENDED_ERROR").with(
                "message",
                format!("Too many wrong passwords were tried for this email. Please wait for {retry_after} s and try again."),
            ),
        })
    }
}

/// GET /recipe/dashboard/user/sessions
#[derive(Debug)]
pub struct ListDashboardSessions {
    /// Whose.
    pub user_id: String,
}

impl Operation for ListDashboardSessions {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/dashboard/user/sessions";
    type Answer = DashboardSessions;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_id: input.query.trimmed("userId")? })
    }
}

/// Answers [`ListDashboardSessions`], oldest first.
#[derive(Debug)]
pub struct DashboardSessions(pub Vec<Session>);

impl Answer for DashboardSessions {
    fn write(self, _: &Rules) -> Body {
        let shown = |session: Session| {
            let Session { user_id, id, created, expiry } = session;
            let object = JsonObject::new()
                .with("userId", user_id)
                .with("sessionId", id)
                .with("timeCreated", created)
                .with("expiry", expiry);
            Json::Object(object)
        };
        Body::Json(status("OK").with("sessions", Json::Array(self.0.into_iter().map(shown).collect())))
    }
}

/// DELETE /recipe/dashboard/session
#[derive(Debug)]
pub struct RevokeDashboardSession {
    /// Which.
    pub session: Secret<String>,
}

impl Operation for RevokeDashboardSession {
    const METHOD: &'static str = "DELETE";
    const PATH: &'static str = "/recipe/dashboard/session";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { session: Secret::new(input.query.trimmed("sessionId")?) })
    }
}

/// POST /recipe/dashboard/session/verify
#[derive(Debug)]
pub struct VerifyDashboardSession {
    /// Which.
    pub session: Secret<String>,
}

impl Operation for VerifyDashboardSession {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/dashboard/session/verify";
    type Answer = DashboardSessionVerified;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { session: Secret::new(input.body()?.trimmed("sessionId")?) })
    }
}

/// Answers [`VerifyDashboardSession`]: whose it is, by address; nothing, if it is nobody's.
#[derive(Debug)]
pub struct DashboardSessionVerified(pub Option<String>);

impl Answer for DashboardSessionVerified {
    fn write(self, rules: &Rules) -> Body {
        Body::Json(match self.0 {
            Some(email) if rules.dashboard_email => status("OK").with("email", email),
            Some(_) => status("OK"),
            None => status("INVALID_SESSION_ERROR"),
        })
    }
}

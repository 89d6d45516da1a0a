//! Logging in with a code or a link that was sent (core-recipes-1.md 2.4 to 2.8).

use supertokens_domain::accounts::Group;
use supertokens_domain::json::JsonObject;
use supertokens_domain::passwordless::Contact;
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

use super::user_shape;
use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

mod pending;
mod user;

pub use pending::{Codes, GetCodes, PendingCode, PendingDevice, RemoveCode, RemoveCodes, Removed, WhichCode, WhichDevices};
pub use user::{ContactUpdate, FoundUser, GetUser, PutUser, UpdatedUser, WhichUser};

/// POST /recipe/signinup/code
#[derive(Debug, Clone)]
pub struct CreateCode {
    /// For whom.
    pub device: CodeFor,
    /// The code, if the caller brings one.
    pub user_input_code: Option<Secret<String>>,
}

/// For whom a code is made.
#[derive(Debug, Clone)]
pub enum CodeFor {
    /// Somebody who begins.
    Contact(Contact),
    /// Somebody who has begun and waits: the device's id, not yet decoded.
    Device(Secret<String>),
}

impl Operation for CreateCode {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signinup/code";
    type Answer = CodeCreated;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let (email, phone) = (body.optional_email("email")?, body.optional_phone("phoneNumber")?);
        let device = body.optional_token("deviceId")?.map(Secret::new);
        let device = match (email, phone, device) {
            (Some(email), None, None) => CodeFor::Contact(Contact::Email(email)),
            (None, Some(phone), None) => CodeFor::Contact(Contact::Phone(phone)),
            (None, None, Some(device)) => CodeFor::Device(device),
            _ => return Err(BadInput::rule("Please provide exactly one of email, phoneNumber or deviceId")),
        };
        let user_input_code = body.optional_token("userInputCode")?;
        if user_input_code.as_deref() == Some("") {
            return Err(BadInput::rule("userInputCode cannot be an empty string."));
        }
        Ok(Self { device, user_input_code: user_input_code.map(Secret::new) })
    }
}

/// What answers [`CreateCode`].
#[derive(Debug, Clone)]
pub enum CodeCreated {
    /// There is one.
    Ok {
        /// What the link carries beside its code.
        pre_auth_session_id: String,
        /// The name of the code.
        code_id: String,
        /// What the browser keeps.
        device_id: Secret<String>,
        /// For people.
        user_input_code: Secret<String>,
        /// For the link.
        link_code: Secret<String>,
        /// Now, in ms.
        time_created: Millis,
        /// How long it is good for, in ms.
        code_lifetime: Millis,
    },
    /// The device is gone.
    RestartFlow,
    /// The device has had this code.
    AlreadyUsed,
}

impl Answer for CodeCreated {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::RestartFlow => status("RESTART_FLOW_ERROR"),
            Self::AlreadyUsed => status("USER_INPUT_CODE_ALREADY_USED_ERROR"),
            Self::Ok { pre_auth_session_id, code_id, device_id, user_input_code, link_code, time_created, code_lifetime } => {
                status("OK")
                    .with("preAuthSessionId", pre_auth_session_id)
                    .with("codeId", code_id)
                    .with("deviceId", device_id.expose().as_str())
                    .with("userInputCode", user_input_code.expose().as_str())
                    .with("linkCode", link_code.expose().as_str())
                    .with("timeCreated", time_created)
                    .with("codeLifetime", code_lifetime)
            }
        })
    }
}

/// What somebody shows to log in.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Which device it is said to be.
    pub pre_auth_session_id: String,
    /// The secret, not yet decoded.
    pub by: ShownCode,
}

/// By what somebody tries to log in.
#[derive(Debug, Clone)]
pub enum ShownCode {
    /// The link's code.
    Link(Secret<String>),
    /// The code for people, on the device that asked for it.
    UserInput {
        /// The device's id.
        device_id: Secret<String>,
        /// The code.
        code: Secret<String>,
    },
}

impl Shown {
    fn read(body: &Fields) -> Result<Self, BadInput> {
        let pre_auth_session_id = body.token("preAuthSessionId")?;
        let neither = || BadInput::rule("Please provide exactly one of linkCode or deviceId+userInputCode");
        let has = |name| body.contains(name);
        let secret = |name| body.token(name).map(Secret::new);
        let by = match (has("linkCode"), has("deviceId"), has("userInputCode")) {
            (true, false, false) => ShownCode::Link(secret("linkCode")?),
            (false, true, true) => {
                let code = secret("userInputCode")?;
                ShownCode::UserInput { device_id: secret("deviceId")?, code }
            }
            _ => return Err(neither()),
        };
        Ok(Self { pre_auth_session_id, by })
    }
}

/// POST /recipe/signinup/code/check
#[derive(Debug, Clone)]
pub struct CheckCode(pub Shown);

impl Operation for CheckCode {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signinup/code/check";
    type Answer = Attempted<ConsumedDevice>;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Shown::read(&input.body()?).map(Self)
    }
}

/// POST /recipe/signinup/code/consume
#[derive(Debug, Clone)]
pub struct ConsumeCode(pub Shown);

impl Operation for ConsumeCode {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signinup/code/consume";
    type Answer = Attempted<Consumed>;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Shown::read(&input.body()?).map(Self)
    }
}

/// What an attempt comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempted<T> {
    /// It was right.
    Ok(T),
    /// Nothing more can be tried here.
    RestartFlow,
    /// It was wrong, and counts.
    Wrong {
        /// It was right once.
        expired: bool,
        /// Wrong ones so far.
        failed: u32,
        /// How many may be tried.
        most: u32,
    },
}

/// The device that a code was for.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumedDevice {
    /// Its public name.
    pub pre_auth_session_id: String,
    /// Wrong codes before the right one.
    pub failed: u32,
    /// Where the code was sent.
    pub contact: Contact,
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq)]
pub struct Consumed {
    /// For the first time.
    pub created: bool,
    /// Who.
    pub user: Group,
    /// By which login method: its internal id.
    pub recipe_user_id: String,
    /// On which device.
    pub device: ConsumedDevice,
}

impl ConsumedDevice {
    fn write(self) -> JsonObject {
        JsonObject::new()
            .with("preAuthSessionId", self.pre_auth_session_id)
            .with("failedCodeInputAttemptCount", i64::from(self.failed))
            .with_some("email", self.contact.email())
            .with_some("phoneNumber", self.contact.phone())
    }
}

impl<T> Attempted<T> {
    fn write_with(self, ok: impl FnOnce(T) -> JsonObject) -> Body {
        Body::Json(match self {
            Self::Ok(it) => ok(it),
            Self::RestartFlow => status("RESTART_FLOW_ERROR"),
            Self::Wrong { expired, failed, most } => {
                status(if expired { "EXPIRED_USER_INPUT_CODE_ERROR" } else { "INCORRECT_USER_INPUT_CODE_ERROR" })
                    .with("failedCodeInputAttemptCount", i64::from(failed))
                    .with("maximumCodeInputAttempts", i64::from(most))
            }
        })
    }
}

impl Answer for Attempted<ConsumedDevice> {
    fn write(self, _: &Rules) -> Body {
        self.write_with(|device| status("OK").with("consumedDevice", device.write()))
    }
}

impl Answer for Attempted<Consumed> {
    fn write(self, rules: &Rules) -> Body {
        self.write_with(|Consumed { created, user, recipe_user_id, device }| {
            let answer = status("OK").with("createdNewUser", created);
            user_shape::with_login(answer, &user, &recipe_user_id, rules)
                .with_some("consumedDevice", rules.consumed_device.then(|| device.write()))
        })
    }
}

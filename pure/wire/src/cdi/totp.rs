//! Devices that make codes, and the codes (core-recipes-2.md 1). Ids, names and secrets are used as they were sent.

use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::secret::Secret;
use supertokens_domain::totp::{LONGEST_PERIOD, MOST_SKEW};

use crate::input::{BadInput, Fields, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// The longest user id that the tables keep, in characters.
const LONGEST_ID: usize = 128;
/// The longest name of a device, and the longest secret, in characters.
const LONGEST_TEXT: usize = 256;

fn filled(name: &str, text: &str) -> Result<(), BadInput> {
    if text.is_empty() { Err(BadInput::rule(format!("{name} cannot be empty"))) } else { Ok(()) }
}

/// How a device counts time, as it was sent: by how many periods it may be wrong, and how long one is in seconds.
struct Counting {
    skew: i64,
    period: i64,
}

impl Counting {
    fn read(body: &Fields) -> Result<Self, BadInput> {
        Ok(Self { skew: body.long("skew")?, period: body.long("period")? })
    }

    fn check(&self) -> Result<(), BadInput> {
        match self {
            Self { skew: ..0, .. } => Err(BadInput::rule("skew must be >= 0")),
            Self { skew, .. } if *skew > MOST_SKEW => Err(BadInput::rule(format!("skew must be at most {MOST_SKEW}"))),
            Self { period: ..=0, .. } => Err(BadInput::rule("period must be > 0")),
            Self { period, .. } if *period > LONGEST_PERIOD => {
                Err(BadInput::rule(format!("period must be at most {LONGEST_PERIOD}")))
            }
            Self { .. } => Ok(()),
        }
    }
}

/// POST /recipe/totp/device
#[derive(Debug)]
pub struct CreateTotpDevice {
    /// Whose.
    pub user_id: String,
    /// Its name, if it shall have a certain one.
    pub name: Option<String>,
    /// By how many periods its clock may be wrong.
    pub skew: i64,
    /// For how long a code is shown, in seconds.
    pub period: i64,
}

impl Operation for CreateTotpDevice {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/totp/device";
    type Answer = DeviceCreated;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let user_id = body.fitting("userId", LONGEST_ID)?;
        let name = body.optional_fitting("deviceName", LONGEST_TEXT)?;
        let counting = Counting::read(&body)?;
        filled("userId", &user_id)?;
        name.iter().try_for_each(|name| filled("deviceName", name))?;
        counting.check()?;
        Ok(Self { user_id, name, skew: counting.skew, period: counting.period })
    }
}

/// Answers [`CreateTotpDevice`].
#[derive(Debug)]
pub enum DeviceCreated {
    /// It is there.
    Ok {
        /// Its name.
        name: String,
        /// What its codes are made of; nobody is told again.
        secret: Secret<String>,
    },
    /// A verified one has that name.
    Exists,
}

fn exists() -> Body {
    Body::Json(status("DEVICE_ALREADY_EXISTS_ERROR"))
}

fn unknown_device() -> Body {
    Body::Json(status("UNKNOWN_DEVICE_ERROR"))
}

impl Answer for DeviceCreated {
    fn write(self, _: &Rules) -> Body {
        match self {
            Self::Ok { name, secret } => {
                Body::Json(status("OK").with("deviceName", name).with("secret", secret.expose().as_str()))
            }
            Self::Exists => exists(),
        }
    }
}

/// POST /recipe/totp/device/import
#[derive(Debug)]
pub struct ImportTotpDevice {
    /// Whose.
    pub user_id: String,
    /// Its name, if it shall have a certain one.
    pub name: Option<String>,
    /// By how many periods its clock may be wrong.
    pub skew: i64,
    /// For how long a code is shown, in seconds.
    pub period: i64,
    /// What its codes are made of, in Base32.
    pub secret: Secret<String>,
}

impl Operation for ImportTotpDevice {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/totp/device/import";
    type Answer = DeviceImported;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let user_id = body.fitting("userId", LONGEST_ID)?;
        let name = body.optional_fitting("deviceName", LONGEST_TEXT)?;
        let counting = Counting::read(&body)?;
        let secret = Secret::new(body.fitting("secretKey", LONGEST_TEXT)?);
        filled("userId", &user_id)?;
        name.iter().try_for_each(|name| filled("deviceName", name))?;
        filled("secretKey", secret.expose())?;
        counting.check()?;
        Ok(Self { user_id, name, skew: counting.skew, period: counting.period, secret })
    }
}

/// Answers [`ImportTotpDevice`]: its name; nothing, if a verified one has that name.
#[derive(Debug)]
pub struct DeviceImported(pub Option<String>);

impl Answer for DeviceImported {
    fn write(self, _: &Rules) -> Body {
        self.0.map_or_else(exists, |name| Body::Json(status("OK").with("deviceName", name)))
    }
}

/// PUT /recipe/totp/device
#[derive(Debug)]
pub struct RenameTotpDevice {
    /// Whose.
    pub user_id: String,
    /// Its name.
    pub name: String,
    /// The name that it shall have.
    pub new_name: String,
}

impl Operation for RenameTotpDevice {
    const METHOD: &'static str = "PUT";
    const PATH: &'static str = "/recipe/totp/device";
    type Answer = DeviceRenamed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let user_id = body.string("userId")?;
        let name = body.string("existingDeviceName")?;
        let new_name = body.fitting("newDeviceName", LONGEST_TEXT)?;
        filled("userId", &user_id)?;
        filled("existingDeviceName", &name)?;
        filled("newDeviceName", &new_name)?;
        Ok(Self { user_id, name, new_name })
    }
}

/// Answers [`RenameTotpDevice`].
#[derive(Debug, Clone, Copy)]
pub enum DeviceRenamed {
    /// It has the name.
    Ok,
    /// There is no such device.
    UnknownDevice,
    /// Another one has the name.
    Exists,
}

impl Answer for DeviceRenamed {
    fn write(self, _: &Rules) -> Body {
        match self {
            Self::Ok => Body::Json(status("OK")),
            Self::UnknownDevice => unknown_device(),
            Self::Exists => exists(),
        }
    }
}

/// GET /recipe/totp/device/list
#[derive(Debug)]
pub struct ListTotpDevices {
    /// Whose.
    pub user_id: String,
}

impl Operation for ListTotpDevices {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/totp/device/list";
    type Answer = DevicesListed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let user_id = input.query.required("userId")?.to_owned();
        filled("userId", &user_id)?;
        Ok(Self { user_id })
    }
}

/// What is said of a device.
#[derive(Debug)]
pub struct ShownDevice {
    /// Its name.
    pub name: String,
    /// For how long a code is shown, in seconds.
    pub period: i64,
    /// By how many periods its clock may be wrong.
    pub skew: i64,
    /// A code of it was right once.
    pub verified: bool,
}

/// Answers [`ListTotpDevices`], in the order in which they were made.
#[derive(Debug)]
pub struct DevicesListed(pub Vec<ShownDevice>);

impl Answer for DevicesListed {
    fn write(self, _: &Rules) -> Body {
        let device = |shown: ShownDevice| {
            let ShownDevice { name, period, skew, verified } = shown;
            let object =
                JsonObject::new().with("name", name).with("period", period).with("skew", skew).with("verified", verified);
            Json::Object(object)
        };
        Body::Json(status("OK").with("devices", Json::Array(self.0.into_iter().map(device).collect())))
    }
}

/// POST /recipe/totp/device/remove
#[derive(Debug)]
pub struct RemoveTotpDevice {
    /// Whose.
    pub user_id: String,
    /// Its name.
    pub name: String,
}

impl Operation for RemoveTotpDevice {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/totp/device/remove";
    type Answer = Body;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let (user_id, name) = user_and_device(&input.body()?)?;
        filled("userId", &user_id)?;
        filled("deviceName", &name)?;
        Ok(Self { user_id, name })
    }
}

fn user_and_device(body: &Fields) -> Result<(String, String), BadInput> {
    Ok((body.string("userId")?, body.string("deviceName")?))
}

/// POST /recipe/totp/device/verify
#[derive(Debug)]
pub struct VerifyTotpDevice {
    /// Whose.
    pub user_id: String,
    /// Its name.
    pub name: String,
    /// A code that it made.
    pub code: String,
}

impl Operation for VerifyTotpDevice {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/totp/device/verify";
    type Answer = Tried<DeviceVerified>;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let (user_id, name) = user_and_device(&body)?;
        let code = body.string("totp")?;
        filled("userId", &user_id)?;
        filled("deviceName", &name)?;
        Ok(Self { user_id, name, code })
    }
}

/// POST /recipe/totp/verify
#[derive(Debug)]
pub struct VerifyTotp {
    /// Whose.
    pub user_id: String,
    /// A code that one of the user's verified devices made.
    pub code: String,
}

impl Operation for VerifyTotp {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/totp/verify";
    type Answer = Tried<CodeVerified>;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let (user_id, code) = (body.string("userId")?, body.string("totp")?);
        filled("userId", &user_id)?;
        Ok(Self { user_id, code })
    }
}

/// What somebody who tries a code is answered. `T` says what is right, and what is not known.
#[derive(Debug)]
pub enum Tried<T> {
    /// Without looking at the code, or as it is right.
    Said(T),
    /// It is wrong, or was used.
    Wrong {
        /// So many were wrong in a row, with this one.
        failed: usize,
        /// So many may be.
        most: usize,
    },
    /// Too many were wrong.
    LimitReached {
        /// How long nothing is looked at from now on, in ms.
        retry_after: i64,
        /// So many may be wrong, and were.
        most: usize,
    },
}

impl<T> Tried<T> {
    /// The same, but with other words for what is right.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Tried<U> {
        match self {
            Self::Said(said) => Tried::Said(with(said)),
            Self::Wrong { failed, most } => Tried::Wrong { failed, most },
            Self::LimitReached { retry_after, most } => Tried::LimitReached { retry_after, most },
        }
    }
}

/// What is said of a device without saying that a code was wrong.
#[derive(Debug, Clone, Copy)]
pub enum DeviceVerified {
    /// It is verified.
    Ok {
        /// And was before: the code was not looked at.
        was_already: bool,
    },
    /// There is no such device.
    UnknownDevice,
}

/// What is said of a code without saying that it was wrong.
#[derive(Debug, Clone, Copy)]
pub enum CodeVerified {
    /// It was right.
    Ok,
    /// The user has no device at all.
    UnknownUser,
}

trait Said {
    fn said(self) -> Body;
}

impl Said for DeviceVerified {
    fn said(self) -> Body {
        match self {
            Self::Ok { was_already } => Body::Json(status("OK").with("wasAlreadyVerified", was_already)),
            Self::UnknownDevice => unknown_device(),
        }
    }
}

impl Said for CodeVerified {
    fn said(self) -> Body {
        Body::Json(status(match self {
            Self::Ok => "OK",
            Self::UnknownUser => "UNKNOWN_USER_ID_ERROR",
        }))
    }
}

impl<T: Said + Send> Answer for Tried<T> {
    fn write(self, rules: &Rules) -> Body {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let counted = |object: JsonObject, failed: usize, most: usize| {
            Body::Json(match rules.totp_attempts {
                true => {
                    object.with("currentNumberOfFailedAttempts", number(failed)).with("maxNumberOfFailedAttempts", number(most))
                }
                false => object,
            })
        };
        match self {
            Self::Said(said) => said.said(),
            Self::Wrong { failed, most } => counted(status("INVALID_TOTP_ERROR"), failed, most),
            Self::LimitReached { retry_after, most } => {
                counted(status("LIMIT_REACHED_ERROR").with("retryAfterMs", retry_after), most, most)
            }
        }
    }
}

/// POST /recipe/totp/device/status/bulk
#[derive(Debug)]
pub struct TotpStatusOfMany {
    /// As they were sent, repeated ones included.
    pub user_ids: Vec<String>,
}

impl Operation for TotpStatusOfMany {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/totp/device/status/bulk";
    type Answer = TotpStatuses;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self { user_ids: input.body()?.queried_user_ids()? })
    }
}

/// Answers [`TotpStatusOfMany`]: whether one of the devices is verified, where there is one.
#[derive(Debug)]
pub struct TotpStatuses(pub Vec<(String, Option<bool>)>);

impl Answer for TotpStatuses {
    fn write(self, _: &Rules) -> Body {
        let user = |(id, verified): (String, Option<bool>)| {
            let verified = verified.map_or(Json::Null, Json::Bool);
            Json::Object(JsonObject::new().with("userId", id).with("hasVerifiedDevice", verified))
        };
        Body::Json(status("OK").with("users", Json::Array(self.0.into_iter().map(user).collect())))
    }
}

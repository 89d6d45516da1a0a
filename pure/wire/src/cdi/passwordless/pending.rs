//! Codes that wait to be used: looking at them, and taking them back (core-recipes-1.md 2.6, 2.7).

use supertokens_domain::json::{Json, JsonObject};
use supertokens_domain::passwordless::Contact;
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, status};
use crate::version::Rules;

/// POST /recipe/signinup/code/remove
#[derive(Debug, Clone)]
pub struct RemoveCode(pub WhichCode);

/// What is taken back.
#[derive(Debug, Clone)]
pub enum WhichCode {
    /// One code, and its device if it has no other.
    Code(String),
    /// A device with all its codes.
    Device(String),
}

impl Operation for RemoveCode {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signinup/code/remove";
    type Answer = Removed;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        if !rules.remove_code_by_device {
            return Ok(Self(WhichCode::Code(body.token("codeId")?)));
        }
        match (body.optional_token("codeId")?, body.optional_token("preAuthSessionId")?) {
            (Some(code), None) => Ok(Self(WhichCode::Code(code))),
            (None, Some(device)) => Ok(Self(WhichCode::Device(device))),
            (None, None) => Err(BadInput::rule("Please provide either 'codeId' or 'preAuthSessionId'")),
            (Some(_), Some(_)) => Err(BadInput::rule("Please provide only one of 'codeId' or 'preAuthSessionId'")),
        }
    }
}

/// POST /recipe/signinup/codes/remove
#[derive(Debug, Clone)]
pub struct RemoveCodes(pub Contact);

impl Operation for RemoveCodes {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/signinup/codes/remove";
    type Answer = Removed;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        match (body.optional_email("email")?, body.optional_phone("phoneNumber")?) {
            (Some(email), None) => Ok(Self(Contact::Email(email))),
            (None, Some(phone)) => Ok(Self(Contact::Phone(phone))),
            _ => Err(BadInput::rule("Please provide exactly one of email or phoneNumber")),
        }
    }
}

/// Whatever was there is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed;

impl Answer for Removed {
    fn write(self, _: &Rules) -> Body {
        Body::Json(status("OK"))
    }
}

/// GET /recipe/signinup/codes
#[derive(Debug, Clone)]
pub struct GetCodes(pub WhichDevices);

/// Whose codes.
#[derive(Debug, Clone)]
pub enum WhichDevices {
    /// Of everybody who waits on this contact.
    Contact(Contact),
    /// Of a device, by its id, not yet decoded.
    DeviceId(Secret<String>),
    /// Of a device, by its public name.
    PreAuthSessionId(String),
}

impl Operation for GetCodes {
    const METHOD: &'static str = "GET";
    const PATH: &'static str = "/recipe/signinup/codes";
    type Answer = Codes;

    fn read(input: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        let given = |name| input.query.get(name);
        let (email, phone) = (input.query.optional_email("email"), input.query.optional_phone("phoneNumber"));
        let which = match (email, phone, given("deviceId"), given("preAuthSessionId")) {
            (Some(email), None, None, None) => WhichDevices::Contact(Contact::Email(email)),
            (None, Some(phone), None, None) => WhichDevices::Contact(Contact::Phone(phone)),
            (None, None, Some(id), None) => WhichDevices::DeviceId(Secret::new(id.to_owned())),
            (None, None, None, Some(name)) => WhichDevices::PreAuthSessionId(name.to_owned()),
            _ => {
                return Err(BadInput::rule("Please provide exactly one of email, phoneNumber, deviceId or preAuthSessionId"));
            }
        };
        Ok(Self(which))
    }
}

/// What answers [`GetCodes`].
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    /// By their oldest code.
    pub devices: Vec<PendingDevice>,
    /// How long a code is good for, by today's settings, in ms.
    pub code_lifetime: Millis,
}

/// Somebody who waits for a code.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingDevice {
    /// Its public name.
    pub pre_auth_session_id: String,
    /// Wrong codes so far.
    pub failed: u32,
    /// Where its codes were sent.
    pub contact: Contact,
    /// Oldest first; expired ones too.
    pub codes: Vec<PendingCode>,
}

/// A code that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCode {
    /// Its name.
    pub code_id: String,
    /// When it was made, in ms.
    pub time_created: Millis,
}

impl Answer for Codes {
    fn write(self, _: &Rules) -> Body {
        let lifetime = self.code_lifetime;
        let code = |code: PendingCode| {
            let shown = JsonObject::new().with("codeId", code.code_id).with("timeCreated", code.time_created);
            Json::from(shown.with("codeLifetime", lifetime))
        };
        let device = |device: PendingDevice| {
            JsonObject::new()
                .with("preAuthSessionId", device.pre_auth_session_id)
                .with("failedCodeInputAttemptCount", i64::from(device.failed))
                .with_some("email", device.contact.email())
                .with_some("phoneNumber", device.contact.phone())
                .with("codes", Json::Array(device.codes.into_iter().map(code).collect()))
                .into()
        };
        Body::Json(status("OK").with("devices", Json::Array(self.devices.into_iter().map(device).collect())))
    }
}

//! What the SDK and a real core do together: on both versions of the interface that the SDK speaks, in the application's
//! process and over HTTP, on both databases.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use supertokens::Payload;

use super::{App, AppRoute, Plan, Stage, Subject};

pub mod claims;
pub mod cores;
pub mod functions;
pub mod handles;
pub mod jwt;
pub mod large;
pub mod lifecycle;
pub mod settings;
pub mod taken_away;

/// Every subject.
pub static SUBJECTS: &[Subject] = &[
    ("real::lifecycle", lifecycle::ALL),
    ("real::settings", settings::ALL),
    ("real::functions", functions::ALL),
    ("real::handles", handles::ALL),
    ("real::large", large::ALL),
    ("real::claims", claims::ALL),
    ("real::taken_away", taken_away::ALL),
    ("real::jwt", jwt::ALL),
    ("real::cores", cores::ALL),
];

/// A version of the interface between SDK and core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cdi {
    /// The core keeps parent and child tokens apart until the child is used.
    V5_4,
    /// The core rotates when it is asked to; checking needs no core.
    V5_6,
}

impl Cdi {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::V5_4, Self::V5_6];

    /// The same plan with a core that knows this version and, if it is the older one, no newer.
    #[must_use]
    pub fn of(self, stage: &Stage, plan: Plan) -> Plan {
        match self {
            Self::V5_4 => plan.core(stage.core_speaking(&["5.4"])),
            Self::V5_6 => plan,
        }
    }

    /// The standard application, speaking this version.
    pub async fn app(self, stage: &Stage, routes: Vec<AppRoute>) -> App {
        stage.app(|plan| self.of(stage, plan), routes).await
    }
}

/// What a token's header says.
#[track_caller]
pub fn token_header(token: &str) -> Value {
    part(token, 0)
}

/// What a token's payload says.
#[track_caller]
pub fn token_payload(token: &str) -> Value {
    part(token, 1)
}

#[track_caller]
fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).unwrap_or_else(|| panic!("no part {place} in a token"));
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON in a token")
}

/// A JSON object as a payload.
#[track_caller]
pub fn payload(object: Value) -> Payload {
    match object {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

/// A text out of an answer.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

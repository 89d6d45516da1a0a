//! How does a claim live in a payload, and does its value satisfy a route? (sdk-session.md 8.2, 8.3)
//!
//! Pure half: fetching a value is the engine's affair. An absent value never satisfies anything, not even "excludes".

use serde_json::{Map, Number, Value, json};
use supertokens_domain::time::{Millis, SECOND};

use crate::payload::Payload;

const VALUE: &str = "v";
const FETCHED_AT: &str = "t";

/// A claim's value. `null` counts as none.
pub fn value<'a>(payload: &'a Payload, key: &str) -> Option<&'a Value> {
    payload.get(key)?.get(VALUE).filter(|value| !value.is_null())
}

/// When a claim's value was fetched.
pub fn last_refetch(payload: &Payload, key: &str) -> Option<Millis> {
    let at = payload.get(key)?.get(FETCHED_AT)?;
    #[expect(clippy::cast_possible_truncation, reason = "a conversion from float to integer saturates, which is what is wanted")]
    at.as_i64().or_else(|| at.as_f64().map(|at| at as Millis))
}

/// The payload with the claim set to a value fetched just now.
pub fn add_to_payload(mut payload: Payload, key: &str, value: Value, now: Millis) -> Payload {
    payload.insert(key.to_owned(), json!({ VALUE: value, FETCHED_AT: now }));
    payload
}

/// The payload as an update that makes a merge delete the claim.
pub fn remove_by_merge(mut payload: Payload, key: &str) -> Payload {
    payload.insert(key.to_owned(), Value::Null);
    payload
}

/// The payload without the claim.
pub fn remove(mut payload: Payload, key: &str) -> Payload {
    payload.remove(key);
    payload
}

/// What a claim's value must be. The last five are for claims whose value is an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// This value, of this type.
    Equals(Value),
    /// This is among them.
    Includes(Value),
    /// This is not among them.
    Excludes(Value),
    /// All of these are among them.
    IncludesAll(Vec<Value>),
    /// At least one of these is among them.
    IncludesAny(Vec<Value>),
    /// None of these is among them.
    ExcludesAll(Vec<Value>),
}

/// A validator as data: which claim, what it must be, and how old it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueCheck {
    /// What browsers know the validator by; usually the claim's key.
    pub id: String,
    /// The claim's key in the payload.
    pub key: String,
    /// What the value must be.
    pub expectation: Expectation,
    /// How many seconds after fetching the value no longer counts. 0 means that it must be fetched anew each time.
    pub max_age_s: Option<i64>,
}

impl ValueCheck {
    /// A validator with the id of its claim and no limit of age.
    pub fn new(key: impl Into<String>, expectation: Expectation) -> Self {
        let key = key.into();
        Self { id: key.clone(), key, expectation, max_age_s: None }
    }

    /// Is the value to be fetched before it is validated?
    pub fn should_refetch(&self, payload: &Payload, now: Millis) -> bool {
        match (value(payload, &self.key), self.max_age_s) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(max)) => age(payload, &self.key, now).is_none_or(|age| age > max.saturating_mul(SECOND)),
        }
    }

    /// Does the payload satisfy it? If not, why, in the words that browsers get.
    pub fn validate(&self, payload: &Payload, now: Millis) -> Result<(), Option<Value>> {
        let Some(actual) = value(payload, &self.key) else {
            return Err(Some(self.expectation.reason("value does not exist", None)));
        };
        if let Some(max) = self.max_age_s {
            let age = age(payload, &self.key, now);
            if age.is_none_or(|age| age > max.saturating_mul(SECOND)) {
                return Err(Some(expired(age, max)));
            }
        }
        if self.expectation.holds(actual) { Ok(()) } else { Err(Some(self.expectation.reason("wrong value", Some(actual)))) }
    }
}

// A value without a time of fetching has no age; where there is a limit, that counts as too old.
fn age(payload: &Payload, key: &str, now: Millis) -> Option<Millis> {
    last_refetch(payload, key).map(|at| now.saturating_sub(at))
}

fn expired(age: Option<Millis>, max: i64) -> Value {
    let mut reason = Map::new();
    reason.insert("message".into(), "expired".into());
    if let Some(age) = age {
        reason.insert("ageInSeconds".into(), seconds(age));
    }
    reason.insert("maxAgeInSeconds".into(), max.into());
    Value::Object(reason)
}

/// Seconds with a fraction only if there is one.
fn seconds(age: Millis) -> Value {
    match age.checked_rem(SECOND) {
        Some(0) => (age / SECOND).into(),
        _ => {
            #[expect(clippy::cast_precision_loss, reason = "an age in milliseconds is exact in a double for 285,000 years")]
            let seconds = age as f64 / 1_000.0;
            Number::from_f64(seconds).map_or(Value::Null, Value::Number)
        }
    }
}

impl Expectation {
    fn holds(&self, actual: &Value) -> bool {
        if let Self::Equals(expected) = self {
            return same(expected, actual);
        }
        // A value that is no array satisfies none of the others, the excluding ones included.
        let Value::Array(items) = actual else { return false };
        let has = |wanted: &Value| items.iter().any(|item| same(wanted, item));
        match self {
            Self::Equals(_) => false,
            Self::Includes(wanted) => has(wanted),
            Self::Excludes(unwanted) => !has(unwanted),
            Self::IncludesAll(wanted) => wanted.iter().all(has),
            Self::IncludesAny(wanted) => wanted.iter().any(has),
            Self::ExcludesAll(unwanted) => !unwanted.iter().any(has),
        }
    }

    fn reason(&self, message: &str, actual: Option<&Value>) -> Value {
        let (name, expected) = match self {
            Self::Equals(value) => ("expectedValue", value.clone()),
            Self::Includes(value) => ("expectedToInclude", value.clone()),
            Self::Excludes(value) => ("expectedToNotInclude", value.clone()),
            Self::IncludesAll(values) => ("expectedToInclude", values.clone().into()),
            Self::IncludesAny(values) => ("expectedToIncludeAtLeastOneOf", values.clone().into()),
            Self::ExcludesAll(values) => ("expectedToNotInclude", values.clone().into()),
        };
        let mut reason = Map::new();
        reason.insert("message".into(), message.into());
        reason.insert(name.into(), expected);
        if let Some(actual) = actual {
            reason.insert("actualValue".into(), actual.clone());
        }
        Value::Object(reason)
    }
}

/// Equal in value and type, where `1` and `1.0` are one number, as they are in every other SDK.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || a.is_f64() != b.is_f64() && a.as_f64() == b.as_f64(),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;

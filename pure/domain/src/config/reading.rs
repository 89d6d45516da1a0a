//! How does a value of the file, the environment or a `coreConfig` become a typed one, and what is said if it cannot
//! (core-server.md 9.2)? Knows nothing of ranges: those are in `ranges`.

use std::collections::BTreeMap;

use super::key::{Key, Kind, Value};
use crate::json::{Json, JsonObject};

/// One thing that is wrong with a configuration. `Display` is the sentence that the Java core says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct ConfigProblem {
    key: String,
    value: String,
    allowed: String,
    sentence: String,
    names_file: bool,
}

impl ConfigProblem {
    /// A problem of one key. The value is kept for people, unless it is a secret.
    pub(super) fn new(key: &Key, given: Option<&str>, sentence: impl Into<String>) -> Self {
        let value = match given {
            None => "not set".to_owned(),
            Some(_) if key.secret => "(hidden)".to_owned(),
            Some(text) => text.to_owned(),
        };
        Self {
            key: key.name.to_owned(),
            value,
            allowed: key.allowed.to_owned(),
            sentence: sentence.into(),
            names_file: key.names_file,
        }
    }

    /// Says what to write in this very case, instead of what is allowed in general.
    pub(super) fn advising(self, advice: String) -> Self {
        Self { allowed: advice, ..self }
    }

    /// A key that nobody knows. Only the program refuses those; the Java core keeps and ignores them in a file.
    pub fn unknown_key(name: &str) -> Self {
        let allowed = match super::table::nearest_key(name) {
            Some(near) => format!("no such key; did you mean {near}?"),
            None => match name.split_once('_') {
                Some((database @ ("mysql" | "mongodb"), _)) => {
                    format!(
                        "no such key, as there is no storage on {database}; remove the line, and see postgresql_connection_uri"
                    )
                }
                _ => "no such key, here or in a Java core, which ignores such lines; remove the line".to_owned(),
            },
        };
        Self {
            key: name.to_owned(),
            value: "(any)".to_owned(),
            allowed,
            sentence: format!("Invalid config key: {name}"),
            names_file: false,
        }
    }

    /// The key in question.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What was given, as text; a secret is not shown.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What would have been allowed, for people.
    pub fn allowed(&self) -> &str {
        &self.allowed
    }

    /// The sentence for a problem of the base configuration: some of them name the file (core-server.md 9.3, last lines).
    pub fn sentence_for_base(&self, config_path: &str) -> String {
        match self.names_file {
            true => format!("{} The config file can be found here: {config_path}", self.sentence),
            false => self.sentence.clone(),
        }
    }
}

/// Typed values of some keys, by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    pub(super) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    pub(super) fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Value::Int(value) => *value,
            _ => 0,
        }
    }

    pub(super) fn int_or_null(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn double(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Double(value) => *value,
            _ => 0.0,
        }
    }

    pub(super) fn bool(&self, name: &str) -> bool {
        matches!(self.get(name), Value::Bool(true))
    }

    /// The text, or the empty one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.text_or_null(name).unwrap_or_default()
    }

    pub(super) fn text_or_null(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The first level, from the most special on, that says anything about a key. A null says nothing.
pub(super) fn find<'a>(key: &Key, levels: &[&'a JsonObject]) -> Option<&'a Json> {
    let set = |level: &&'a JsonObject, name: &str| level.get(name).filter(|value| !value.is_null());
    levels.iter().find_map(|level| set(level, key.name).or_else(|| key.alias.and_then(|alias| set(level, alias))))
}

/// Types all the keys: found first wins, nothing found is the default. Where the type is wrong the default stands in, so that the
/// rest can still be looked at.
pub(super) fn resolve(
    keys: impl Iterator<Item = &'static Key>,
    levels: &[&JsonObject],
    processors: i64,
) -> (Values, Vec<ConfigProblem>) {
    let mut problems = Vec::new();
    let values = keys
        .map(|key| {
            let value = match find(key, levels).map(|json| convert(key, json)) {
                None => key.default_value(processors),
                Some(Ok(value)) => value,
                Some(Err(problem)) => {
                    problems.push(problem);
                    key.default_value(processors)
                }
            };
            (key.name, value)
        })
        .collect();
    (Values(values), problems)
}

/// One value, typed.
pub(super) fn convert(key: &Key, json: &Json) -> Result<Value, ConfigProblem> {
    let value = match key.kind {
        Kind::Int | Kind::NullableInt => whole(json).filter(|n| i32::try_from(*n).is_ok()).map(Value::Int),
        Kind::Long => whole(json).map(Value::Int),
        Kind::Double => double(json).map(Value::Double),
        Kind::Bool => boolean(json).map(Value::Bool),
        Kind::Text => text(json).map(Value::Text),
        Kind::OneOf(_) => text(json).map(|text| Value::Text(text.trim().to_uppercase())),
    };
    value.ok_or_else(|| {
        let sentence = format!("'{}' must be of type {}", key.name, type_name(key.kind));
        ConfigProblem { names_file: false, ..ConfigProblem::new(key, Some(&shown(json)), sentence) }
    })
}

/// A value as a person wrote it.
pub(super) fn shown(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_text(),
    }
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "int",
        Kind::NullableInt => "Integer",
        Kind::Long => "long",
        Kind::Double => "double",
        Kind::Bool => "boolean",
        Kind::Text | Kind::OneOf(_) => "String",
    }
}

/// A number without a fraction, or a text that is nothing but an integer.
fn whole(json: &Json) -> Option<i64> {
    match json {
        Json::Number(text) => text.parse().ok().or_else(|| {
            let value: f64 = text.parse().ok()?;
            (value.fract() == 0.0).then(|| json.as_i64()).flatten()
        }),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A number, or a text that is one. What is not finite is refused: no setting means it.
fn double(json: &Json) -> Option<f64> {
    let value: f64 = match json {
        Json::Number(text) => text.parse().ok()?,
        Json::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    value.is_finite().then_some(value)
}

fn boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(value) => Some(*value),
        Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(text) => Some(text.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

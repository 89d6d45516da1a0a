//! Members of a user by name and type, and what is said of those that are missing or of another type (core-linking.md 3.3).

use crate::json::{Json, JsonObject};
use crate::users::email::trimmed;

/// What has been found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<String>);

impl Findings {
    pub(super) fn add(&mut self, sentence: impl Into<String>) {
        self.0.push(sentence.into());
    }

    /// The last words of what is said of a text that is longer than `most` characters. Nothing is said of one that fits.
    pub(super) fn measure(&mut self, what: &str, text: &str, most: usize) {
        if text.chars().nth(most).is_some() {
            self.add(format!("{what} is too long. Max length is {most}."));
        }
    }
}

/// The members of an object, what is said behind the name of one, and where it is noted.
pub(super) struct Members<'a, 'f> {
    pub(super) object: &'a JsonObject,
    pub(super) suffix: &'static str,
    pub(super) findings: &'f mut Findings,
}

impl<'a> Members<'a, '_> {
    /// An explicit null is of no type.
    fn read<T>(&mut self, name: &str, kind: &str, read: impl Fn(&'a Json) -> Option<T>) -> Option<T> {
        let value = read(self.object.get(name)?);
        if value.is_none() {
            self.findings.add(format!("{name} should be of type {kind}{}", self.suffix));
        }
        value
    }

    fn required<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if !self.object.contains(name) {
            self.findings.add(format!("{name} is required{}", self.suffix));
        }
        value
    }

    pub(super) fn string(&mut self, name: &str) -> Option<&'a str> {
        self.read(name, "string", filled)
    }

    pub(super) fn required_string(&mut self, name: &str) -> Option<&'a str> {
        let value = self.string(name);
        self.required(name, value)
    }

    /// Of any number the whole part.
    pub(super) fn integer(&mut self, name: &str) -> Option<i64> {
        self.read(name, "integer", Json::as_i64)
    }

    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.read(name, "boolean", Json::as_bool)
    }

    pub(super) fn object(&mut self, name: &str) -> Option<&'a JsonObject> {
        self.read(name, "object", Json::as_object)
    }

    pub(super) fn strings(&mut self, name: &str) -> Option<Vec<&'a str>> {
        self.read(name, "array of string", |json| json.as_array()?.iter().map(filled).collect())
    }

    pub(super) fn required_strings(&mut self, name: &str) -> Option<Vec<&'a str>> {
        let value = self.strings(name);
        self.required(name, value)
    }

    pub(super) fn objects(&mut self, name: &str) -> Option<Vec<&'a JsonObject>> {
        self.read(name, "array of object", |json| json.as_array()?.iter().map(Json::as_object).collect())
    }

    pub(super) fn required_objects(&mut self, name: &str) -> Option<Vec<&'a JsonObject>> {
        let value = self.objects(name);
        self.required(name, value)
    }
}

/// A text that is not blank. U+0000 is in none: no column holds it.
fn filled(json: &Json) -> Option<&str> {
    json.as_str().filter(|text| !trimmed(text).is_empty() && !text.contains('\0'))
}

//! What every question to the core is: a struct that knows its verb, its path, how it is read, and what answers it.

use supertokens_domain::json::JsonObject;

use crate::input::{BadInput, Input};
use crate::version::Rules;

/// A question to the core.
pub trait Operation: Sized + Send + 'static {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    const METHOD: &'static str;
    /// The path behind the app and tenant segments, in lower case.
    const PATH: &'static str;
    /// Which value of the header `rid` asks for it, where several recipes share a verb and a path; none is for all other values.
    const RID: Option<&'static str> = None;
    /// What answers it.
    type Answer: Answer;

    /// Reads the question from a query and a body.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order in which upstream looks.
    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput>;
}

/// An answer of the core; always with status 200.
pub trait Answer: Send {
    /// The body in the shape of a version.
    fn write(self, rules: &Rules) -> Body;
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// An object.
    Json(JsonObject),
    /// An object that may be kept by caches.
    CachedJson {
        /// The object.
        json: JsonObject,
        /// The value of `Cache-Control`.
        cache_control: String,
    },
    /// Plain words.
    Text(&'static str),
}

impl Answer for Body {
    fn write(self, _: &Rules) -> Body {
        self
    }
}

/// An object with the status `OK` behind its other members.
pub fn ok(object: JsonObject) -> Body {
    Body::Json(object.with("status", "OK"))
}

/// Only a status.
pub fn status(status: &str) -> JsonObject {
    JsonObject::new().with("status", status)
}

//! The client half of the wire: how a question is sent to a core, and how the core's answer is read (sdk-session.md 2.1, 2.2,
//! appendix A). The structs are those of [`cdi`](crate::cdi), which the server reads and answers.
//!
//! Written for the versions that an SDK of ours speaks, 5.4 and 5.6. What 5.4 does not know (`accessTokenValidity`) it skips.
//! Host, base path, tenant prefix, headers and the HTTP status are the caller's.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use supertokens_domain::json::{Json, JsonObject};

use crate::operation::Operation;

mod jwt;
mod server;
mod session;
#[cfg(test)]
mod tests;

pub use jwt::{Jwk, KeySet, Rs256Key, max_age_seconds};
pub use server::{ApiVersions, UserById};

/// A question that a client can ask: what it sends, and what it understands of the answer.
pub trait Ask: Operation {
    /// The recipe that asks, for the header `rid`; none for questions that belong to no recipe.
    const RECIPE: Option<&'static str>;

    /// What a client takes from the answer.
    type ClientAnswer: Send;

    /// What to send. Absent options are left out, never sent as null.
    fn question(&self) -> Question;

    /// Reads the body of an answer with status 200. Members that we do not know are skipped.
    ///
    /// # Errors
    /// A member that is needed is missing or of another type, or the status is none of those that this question knows.
    fn read_answer(answer: JsonObject) -> Result<Self::ClientAnswer, UnreadableAnswer>;
}

/// What goes over the line behind the path. `Debug` shows names only: values may be tokens.
#[derive(Clone, PartialEq, Default)]
pub struct Question {
    /// Parameters of the query, not encoded yet.
    pub query: Vec<(&'static str, String)>,
    /// The body; none for `GET`.
    pub body: Option<JsonObject>,
}

/// What stands in a query as it is (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Question {
    /// A question with neither query nor body.
    fn bare() -> Self {
        Self::default()
    }

    fn of_body(body: JsonObject) -> Self {
        Self { query: Vec::new(), body: Some(body) }
    }

    fn of_query(query: Vec<(&'static str, String)>) -> Self {
        Self { query, body: None }
    }

    /// The query, percent-encoded and without a question mark; empty if there is none.
    pub fn query_string(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.query {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(name);
            text.push('=');
            text.extend(utf8_percent_encode(value, ENCODED));
        }
        text
    }

    /// The body as JSON text.
    pub fn body_text(&self) -> Option<String> {
        self.body.as_ref().map(JsonObject::to_text)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query: Vec<&str> = self.query.iter().map(|(name, _)| *name).collect();
        let body: Option<Vec<&str>> = self.body.as_ref().map(|body| body.iter().map(|(name, _)| name).collect());
        f.debug_struct("Question").field("query", &query).field("body", &body).finish()
    }
}

/// The core answered, but not in a form that this question knows. Names the member, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableAnswer {
    /// A member that is needed is not there.
    #[error("the core's answer has no member '{0}'")]
    Missing(String),
    /// A member is of another type.
    #[error("the member '{member}' of the core's answer is not {expected}")]
    WrongType {
        /// Which one, with the names of the objects around it.
        member: String,
        /// What it should be.
        expected: &'static str,
    },
    /// None of the statuses that this question knows.
    #[error("the core answered with the status '{0}', which is not known here")]
    UnknownStatus(String),
}

impl UnreadableAnswer {
    /// Shows a status only if it looks like one: it comes from outside and ends up in logs.
    fn unknown_status(status: &str) -> Self {
        let is_word = status.len() <= 64 && status.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        Self::UnknownStatus(if is_word { status.to_owned() } else { "(not a word)".to_owned() })
    }
}

/// The members of an answer, taken out one by one.
struct Members {
    object: JsonObject,
    /// Where this object stands in the answer: empty, or names with a dot behind each.
    within: Cow<'static, str>,
}

impl Members {
    fn of(answer: JsonObject) -> Self {
        Self { object: answer, within: Cow::Borrowed("") }
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.within)
    }

    fn missing(&self, name: &str) -> UnreadableAnswer {
        UnreadableAnswer::Missing(self.path(name))
    }

    fn wrong(&self, name: &str, expected: &'static str) -> UnreadableAnswer {
        UnreadableAnswer::WrongType { member: self.path(name), expected }
    }

    /// An explicit null counts as absent.
    fn take(&mut self, name: &str) -> Option<Json> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn status(&mut self) -> Result<String, UnreadableAnswer> {
        self.string("status")
    }

    fn string(&mut self, name: &str) -> Result<String, UnreadableAnswer> {
        self.optional_string(name)?.ok_or_else(|| self.missing(name))
    }

    fn optional_string(&mut self, name: &str) -> Result<Option<String>, UnreadableAnswer> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    fn optional_boolean(&mut self, name: &str) -> Result<Option<bool>, UnreadableAnswer> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(name, "a boolean")),
        }
    }

    fn long(&mut self, name: &str) -> Result<i64, UnreadableAnswer> {
        let value = self.take(name).ok_or_else(|| self.missing(name))?;
        value.as_i64().ok_or_else(|| self.wrong(name, "a 64 bit integer"))
    }

    fn object(&mut self, name: &str) -> Result<JsonObject, UnreadableAnswer> {
        match self.take(name) {
            None => Err(self.missing(name)),
            Some(Json::Object(object)) => Ok(object),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// The members of an object that must be there.
    fn within(&mut self, name: &str) -> Result<Members, UnreadableAnswer> {
        Ok(Members { object: self.object(name)?, within: Cow::Owned(format!("{}.", self.path(name))) })
    }

    /// The members of an object that may be absent.
    fn optional_within(&mut self, name: &str) -> Result<Option<Members>, UnreadableAnswer> {
        if self.object.get(name).is_none_or(Json::is_null) { Ok(None) } else { self.within(name).map(Some) }
    }

    fn array(&mut self, name: &str) -> Result<Vec<Json>, UnreadableAnswer> {
        match self.take(name) {
            None => Err(self.missing(name)),
            Some(Json::Array(items)) => Ok(items),
            Some(_) => Err(self.wrong(name, "an array")),
        }
    }

    fn strings(&mut self, name: &str) -> Result<Vec<String>, UnreadableAnswer> {
        let wrong = self.wrong(name, "an array of strings");
        let read = |item| if let Json::String(text) = item { Ok(text) } else { Err(wrong.clone()) };
        self.array(name)?.into_iter().map(read).collect()
    }
}

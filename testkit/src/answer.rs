//! What did the core answer, and is it what was promised?

use http::HeaderMap;
use serde_json::Value;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The content type, or nothing.
    pub content_type: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; panics with the body if it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.text))
    }

    /// The body of a 200 in JSON, whatever its `status` member says.
    #[track_caller]
    pub fn done(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        assert_eq!(self.content_type.replace(' ', "").to_ascii_lowercase(), "application/json;charset=utf-8");
        assert!(self.text.ends_with('\n') && !self.text.ends_with("\n\n"), "a body ends with one line feed: {:?}", self.text);
        self.json()
    }

    /// The body of a 200 whose `status` is `OK`.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.says("OK")
    }

    /// The body of a 200 whose `status` is this one.
    #[track_caller]
    pub fn says(&self, status: &str) -> Value {
        let body = self.done();
        assert_eq!(body["status"], status, "{}", self.text);
        body
    }

    /// The answer is this error, in exactly these words.
    #[track_caller]
    pub fn refuses(&self, status: u16, words: &str) {
        assert_eq!((self.status, self.text.as_str()), (status, format!("{words}\n").as_str()));
        assert_eq!(self.content_type.replace(' ', "").to_ascii_lowercase(), "text/plain;charset=utf-8");
    }

    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The member names of an object, in alphabetical order.
#[track_caller]
pub fn members(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

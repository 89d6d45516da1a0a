//! How does a scenario ask an application, and what does it see of the answer?

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use serde_json::Value;

use super::app::Serve;

/// A request that is being put together.
#[must_use]
pub struct Call {
    serve: Serve,
    method: Method,
    path: String,
    headers: HeaderMap,
    cookies: Vec<String>,
    body: Bytes,
}

impl Call {
    pub(super) fn new(serve: Serve, method: Method, path: &str) -> Self {
        Self { serve, method, path: path.to_owned(), headers: HeaderMap::new(), cookies: Vec::new(), body: Bytes::new() }
    }

    /// One more header.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    /// One more header, of any bytes that may stand in one.
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.headers.append(name, HeaderValue::from_bytes(value).expect("a header's value"));
        self
    }

    /// One more cookie in the `Cookie` header, the value as it is.
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.push(format!("{name}={value}"));
        self
    }

    /// The `Authorization` header.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A body.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// What is sent.
    pub fn into_request(mut self) -> Request<Bytes> {
        if !self.cookies.is_empty() {
            let line = self.cookies.join("; ");
            self = self.header("cookie", &line);
        }
        let mut request = Request::builder().method(self.method).uri(&self.path).body(self.body).expect("a request");
        *request.headers_mut() = self.headers;
        request.headers_mut().entry("host").or_insert(HeaderValue::from_static("api.example.com"));
        request
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        let serve = Serve::clone(&self.serve);
        serve(self.into_request()).await.into()
    }
}

/// What an application answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// A `Set-Cookie` header, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSet {
    /// The name.
    pub name: String,
    /// The value, as it is on the wire.
    pub value: String,
    /// The attributes in order, names as they are on the wire. One without a value has an empty one.
    pub attributes: Vec<(String, String)>,
    /// The whole line.
    pub line: String,
}

/// What the `front-token` header says.
#[derive(Clone, Debug, PartialEq)]
pub enum FrontToken {
    /// The session is over.
    Remove,
    /// Who, until when, and what.
    Says {
        /// The user's id.
        uid: String,
        /// When the access token ends, in ms.
        ate: i64,
        /// The payload.
        up: Value,
    },
}

impl Answer {
    /// The body as JSON; panics with the body if it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of a 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The answer is this refusal: its status and its `message`.
    #[track_caller]
    pub fn refuses(&self, status: u16, message: &str) {
        assert_eq!((self.status, &self.json()["message"]), (status, &Value::from(message)), "{}", self.text());
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All cookies that are set, in order.
    pub fn set_cookies(&self) -> Vec<CookieSet> {
        self.headers.get_all("set-cookie").iter().map(|line| CookieSet::parse(line.to_str().expect("readable"))).collect()
    }

    /// The one cookie of this name that is set. More than one is a fault.
    #[track_caller]
    pub fn set_cookie(&self, name: &str) -> Option<CookieSet> {
        let mut named: Vec<_> = self.set_cookies().into_iter().filter(|cookie| cookie.name == name).collect();
        assert!(named.len() < 2, "{name} is set twice: {named:?}");
        named.pop()
    }

    /// The access token that goes out: by cookie (decoded) or by header. A cleared one is none.
    pub fn access_token(&self) -> Option<String> {
        self.token("sAccessToken", "st-access-token")
    }

    /// The refresh token that goes out: by cookie (decoded) or by header. A cleared one is none.
    pub fn refresh_token(&self) -> Option<String> {
        self.token("sRefreshToken", "st-refresh-token")
    }

    fn token(&self, cookie: &str, header: &str) -> Option<String> {
        let by_cookie = self.set_cookie(cookie).map(|cookie| cookie.decoded()).filter(|value| !value.is_empty());
        by_cookie.or_else(|| self.header(header).filter(|value| !value.is_empty()).map(str::to_owned))
    }

    /// What the `front-token` header says, if there is one.
    #[track_caller]
    pub fn front_token(&self) -> Option<FrontToken> {
        let text = self.header("front-token")?;
        if text == "remove" {
            return Some(FrontToken::Remove);
        }
        let json = BASE64_STANDARD.decode(text).expect("standard base64 with padding");
        let says: Value = serde_json::from_slice(&json).expect("JSON in the front token");
        let uid = says["uid"].as_str().expect("uid").to_owned();
        Some(FrontToken::Says { uid, ate: says["ate"].as_i64().expect("ate"), up: says["up"].clone() })
    }

    /// The payload that the front token shows.
    #[track_caller]
    pub fn front_payload(&self) -> Value {
        match self.front_token() {
            Some(FrontToken::Says { up, .. }) => up,
            other => panic!("no front token, but {other:?}"),
        }
    }

    /// The names in `Access-Control-Expose-Headers`, in order.
    pub fn exposed(&self) -> Vec<&str> {
        let lines = self.headers.get_all("access-control-expose-headers").iter().filter_map(|value| value.to_str().ok());
        lines.flat_map(|line| line.split(',').map(str::trim)).collect()
    }

    /// No token, of any kind, is touched by this answer.
    #[track_caller]
    pub fn touches_no_token(&self) {
        assert!(self.headers.get("set-cookie").is_none(), "{:?}", self.headers);
        for name in ["st-access-token", "st-refresh-token", "front-token", "anti-csrf"] {
            assert!(self.headers.get(name).is_none(), "{name} in {:?}", self.headers);
        }
    }

    /// Both transfer methods are cleared: the cookies and the headers are empty, and the front token says so.
    #[track_caller]
    pub fn clears_both(&self) {
        for name in ["sAccessToken", "sRefreshToken"] {
            assert!(self.set_cookie(name).is_some_and(|cookie| cookie.is_cleared()), "{name} in {:?}", self.set_cookies());
        }
        assert_eq!((self.header("st-access-token"), self.header("st-refresh-token")), (Some(""), Some("")));
        assert_eq!(self.front_token(), Some(FrontToken::Remove));
        assert_eq!(self.header("anti-csrf"), None);
    }
}

impl CookieSet {
    fn parse(line: &str) -> Self {
        let mut parts = line.split(';').map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        });
        let (name, value) = parts.next().expect("a name");
        Self { name, value, attributes: parts.collect(), line: line.to_owned() }
    }

    /// An attribute's value; empty for one without.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether it takes the cookie from the browser.
    pub fn is_cleared(&self) -> bool {
        self.value.is_empty() && self.attribute("expires") == Some("Thu, 01 Jan 1970 00:00:00 GMT")
    }

    /// The value, percent-decoded as a browser's `decodeURIComponent` does it.
    #[track_caller]
    pub fn decoded(&self) -> String {
        let mut bytes = Vec::new();
        let mut rest = self.value.bytes();
        while let Some(byte) = rest.next() {
            let digit = |byte: Option<u8>| char::from(byte.expect("two digits")).to_digit(16).expect("a hexadecimal digit");
            bytes.push(match byte {
                b'%' => u8::try_from(digit(rest.next()) * 16 + digit(rest.next())).expect("a byte"),
                byte => byte,
            });
        }
        String::from_utf8(bytes).expect("UTF-8")
    }
}

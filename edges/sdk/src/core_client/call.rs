//! One call to a core as the application's interceptor sees it: every part may be changed (sdk-session.md 2.8).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::context::UserContext;
use crate::error::{CoreError, TransportError};
use crate::future::BoxFuture;

/// A call that is about to be made.
#[derive(Clone)]
pub struct CoreCall {
    /// Absolute, without the query.
    pub url: String,
    /// The verb.
    pub method: Method,
    /// With the API key, if there is one.
    pub headers: HeaderMap,
    /// Names and values, not yet encoded.
    pub query: Vec<(String, String)>,
    /// JSON, or empty.
    pub body: Bytes,
}

impl std::fmt::Debug for CoreCall {
    /// Body, headers and query hold tokens and are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CoreCall({} {}, {} bytes)", self.method, self.url, self.body.len())
    }
}

/// What the application does to every call: see [`crate::Core::with_interceptor`].
pub type Interceptor = Arc<
    dyn Fn(CoreCall, UserContext) -> BoxFuture<'static, Result<CoreCall, Box<dyn std::error::Error + Send + Sync>>> + Send + Sync,
>;

impl CoreCall {
    pub(super) fn into_request(self) -> Result<Request<Bytes>, CoreError> {
        let mut url = self.url;
        for (place, (name, value)) in self.query.iter().enumerate() {
            url.push(if place == 0 && !url.contains('?') { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, NON_ALPHANUMERIC));
            url.push('=');
            url.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        let request = Request::builder().method(self.method).uri(url).body(self.body);
        let mut request = request.map_err(|error| TransportError::Broken(error.into()))?;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

/// Path, query and headers, the latter two sorted by name: the same question gives the same key.
pub(super) fn key(path: &str, call: &CoreCall) -> String {
    let mut query: Vec<String> = call.query.iter().map(|(name, value)| format!(";{name}={value}")).collect();
    query.sort();
    let mut headers: Vec<String> = Vec::new();
    for (name, value) in &call.headers {
        headers.push(format!(";{name}={}", String::from_utf8_lossy(value.as_bytes())));
    }
    headers.sort();
    format!("{path}{};hdrs{}", query.concat(), headers.concat())
}

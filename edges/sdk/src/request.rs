//! What the SDK sees of a request: verb, address and headers, never the body. An owned snapshot that is cheap to clone, so that
//! overrides and sessions may keep it (sdk-session.md 9.3).

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, Method, Uri, header};

/// A request without its body. Clones share one snapshot.
#[derive(Clone)]
pub struct RequestView(Arc<Snapshot>);

struct Snapshot {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl RequestView {
    /// Takes the parts as the client sent them. Where a framework strips prefixes from the path, give the original address.
    pub fn new(method: Method, uri: Uri, headers: HeaderMap) -> Self {
        Self(Arc::new(Snapshot { method, uri, headers }))
    }

    /// Clones what is needed out of a request of the `http` crate.
    pub fn of<B>(request: &http::Request<B>) -> Self {
        Self::new(request.method().clone(), request.uri().clone(), request.headers().clone())
    }

    /// The verb.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The address, with the query.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// The first value of a header. Bytes that are not UTF-8 are replaced.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// Every header.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The `Cookie` lines. HTTP/2 may send several; they count as one list.
    pub fn cookie_lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.headers.get_all(header::COOKIE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()))
    }
}

impl std::fmt::Debug for RequestView {
    /// The headers carry tokens, and the query may: neither is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestView({} {})", self.0.method, self.0.uri.path())
    }
}

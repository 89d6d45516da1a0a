//! Between Rocket's own types and the SDK's.

use std::io::Cursor;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use rocket::http::Status;
use rocket::{Request, Response};
use supertokens::{RequestView, Scope};

/// The request as the SDK sees it. Rocket keeps the address as the client wrote it, wherever routes are mounted.
pub(crate) fn view(request: &Request<'_>) -> RequestView {
    let method = Method::from_bytes(request.method().as_str().as_bytes()).unwrap_or_default();
    let uri = Uri::try_from(request.uri().to_string()).unwrap_or_default();
    RequestView::new(method, uri, theirs(request.headers()))
}

fn theirs(headers: &rocket::http::HeaderMap<'_>) -> HeaderMap {
    let mut all = HeaderMap::with_capacity(headers.len());
    for header in headers.iter() {
        let name = HeaderName::from_bytes(header.name().as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(header.value().as_bytes())) {
            all.append(name, value);
        }
    }
    all
}

/// Each of these names has these values then, and no others.
fn put(headers: &HeaderMap, response: &mut Response<'_>) {
    for name in headers.keys() {
        response.remove_header(name.as_str());
        for value in headers.get_all(name) {
            response.adjoin_raw_header(name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
    }
}

/// Writes what happened to sessions into a response. Once, last.
pub(crate) fn finish(scope: &Scope, response: &mut Response<'_>) {
    if !scope.has_changes() {
        return;
    }
    let before = theirs(response.headers());
    let mut after = before.clone();
    scope.finish(&mut after);
    for gone in before.keys().filter(|name| !after.contains_key(*name)) {
        response.remove_header(gone.as_str());
    }
    put(&after, response);
}

/// An answer of the SDK's, in Rocket's terms.
pub(crate) fn answer<'r>(written: http::Response<Bytes>) -> Response<'r> {
    let mut response = Response::new();
    replace(&mut response, written);
    response
}

/// The SDK's answer in place of what Rocket or a catcher wrote. Headers that other fairings have set stay.
pub(crate) fn replace(response: &mut Response<'_>, written: http::Response<Bytes>) {
    let (parts, body) = written.into_parts();
    response.set_status(Status::new(parts.status.as_u16()));
    put(&parts.headers, response);
    response.set_sized_body(body.len(), Cursor::new(body));
}

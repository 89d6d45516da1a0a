//! Between actix's own types, which are those of an older `http`, and the SDK's.

use std::cell::RefCell;

use actix_web::dev::RequestHead;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{Error, HttpResponse};
use bytes::Bytes;
use supertokens::{RequestView, Scope};

/// The request as the SDK sees it. Both crates have one grammar: nothing is lost.
pub(crate) fn view(head: &RequestHead) -> RequestView {
    let method = http::Method::from_bytes(head.method.as_str().as_bytes()).unwrap_or_default();
    let uri = match head.uri.scheme() {
        None => head.uri.path_and_query().and_then(|path| http::Uri::try_from(path.as_str()).ok()),
        Some(_) => http::Uri::try_from(head.uri.to_string()).ok(),
    };
    RequestView::new(method, uri.unwrap_or_default(), theirs(&head.headers))
}

fn theirs(headers: &HeaderMap) -> http::HeaderMap {
    let mut all = http::HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            all.append(name, value);
        }
    }
    all
}

fn put(headers: http::HeaderMap, into: &mut HeaderMap) {
    for (name, value) in &headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(mut ours)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            ours.set_sensitive(value.is_sensitive());
            into.append(name, ours);
        }
    }
}

/// Writes what happened to sessions into a response. Once, last.
pub(crate) fn finish(scope: &Scope, headers: &mut HeaderMap) {
    if !scope.has_changes() {
        return;
    }
    let mut all = theirs(headers);
    scope.finish(&mut all);
    headers.clear();
    put(all, headers);
}

/// An answer of the SDK's, in actix's terms.
pub(crate) fn answer(written: http::Response<Bytes>) -> HttpResponse {
    let (parts, body) = written.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::with_body(status, body).map_into_boxed_body();
    put(parts.headers, response.headers_mut());
    response
}

/// The response that actix will write for an error when all middleware is done. It stays the error that it is; but some give their response
/// only once, and whoever has asked for it puts it back.
pub(crate) fn answer_with(error: &mut Error, response: HttpResponse) {
    let headers = response.headers().clone();
    let kept = RefCell::new(Some(response));
    error.add_response_mapper(move |mut again| {
        kept.take().unwrap_or_else(|| {
            *again.headers_mut() = headers.clone();
            again
        })
    });
}

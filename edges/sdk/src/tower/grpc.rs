//! How is a gRPC client told of an error? Not by a status of HTTP and JSON, in which it would look for a message, but by an answer that
//! has nothing but trailers (gRPC over HTTP/2, "Responses": Trailers-Only). Its HTTP status is 200, whatever happened: so it is given only
//! where the application says that it serves gRPC, and never to whoever merely sends a header.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::Error;

/// What a message keeps as it is: all that can be printed in ASCII, but the sign of the encoding itself.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// The codes of gRPC that an error can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    InvalidArgument = 3,
    PermissionDenied = 7,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    fn of(error: &Error) -> Self {
        match error {
            Error::Unauthorised { .. }
            | Error::TryRefreshToken { .. }
            | Error::TokenTheftDetected { .. }
            | Error::ClearDuplicateSessionCookies { .. } => Self::Unauthenticated,
            Error::InvalidClaims { .. } => Self::PermissionDenied,
            Error::BadInput { .. } | Error::PayloadTooLarge(_) => Self::InvalidArgument,
            Error::Core(_) => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}

/// Is this a call of gRPC? Not of gRPC-Web, which comes from browsers and is told of errors by HTTP's own status.
pub(super) fn is_call<B>(request: &Request<B>) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let (begin, rest) = content_type.split_at(content_type.len().min(GRPC.len()));
    let is_grpc = begin.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';'));
    is_grpc && request.method() == Method::POST && request.version() == Version::HTTP_2
}

/// Turns the answer to an error into gRPC's way of saying it.
pub(super) struct InTrailers(Code);

impl InTrailers {
    pub(super) fn of(error: &Error) -> Self {
        Self(Code::of(error))
    }

    /// The same answer, in trailers. What happened to sessions stays among its headers; the message is the one of the body.
    pub(super) fn say(self, answer: Response<Bytes>) -> Response<Bytes> {
        let (mut parts, body) = answer.into_parts();
        // Answering may itself have failed; then nobody shall throw tokens away.
        let code = match self.0 {
            Code::Unavailable => Code::Unavailable,
            _ if parts.status.is_server_error() => Code::Internal,
            code => code,
        };
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let message = body.get("message").and_then(serde_json::Value::as_str).unwrap_or_default();
        let message = utf8_percent_encode(message, MESSAGE).to_string();
        parts.status = StatusCode::OK;
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        parts.headers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from(code as u16));
        if let Ok(message) = HeaderValue::try_from(message) {
            parts.headers.insert(HeaderName::from_static("grpc-message"), message);
        }
        Response::from_parts(parts, Bytes::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, version: Version, content_type: &str) -> bool {
        let request = Request::builder().method(method).version(version).header(CONTENT_TYPE, content_type);
        is_call(&request.body(()).unwrap())
    }

    #[test]
    fn only_calls_of_grpc_are_answered_as_such() {
        for content_type in ["application/grpc", "application/grpc+proto", "Application/gRPC;charset=utf-8"] {
            assert!(asked(Method::POST, Version::HTTP_2, content_type), "{content_type}");
            assert!(!asked(Method::GET, Version::HTTP_2, content_type), "{content_type}");
            assert!(!asked(Method::POST, Version::HTTP_11, content_type), "{content_type}");
        }
        for content_type in ["application/grpc-web", "application/grpc-web+proto", "application/json", "application/grp", ""] {
            assert!(!asked(Method::POST, Version::HTTP_2, content_type), "{content_type}");
        }
        assert!(!is_call(&Request::new(())));
    }

    fn said(error: &Error, status: u16, body: &'static str) -> (String, String) {
        let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        answer.headers_mut().insert("front-token", HeaderValue::from_static("remove"));
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let answer = InTrailers::of(error).say(answer);
        assert!(answer.status() == StatusCode::OK && answer.body().is_empty());
        assert!(!answer.headers().contains_key(CONTENT_LENGTH));
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!((header("content-type"), header("front-token")), ("application/grpc".into(), "remove".into()));
        (header("grpc-status"), header("grpc-message"))
    }

    #[test]
    fn a_message_is_written_as_grpc_wants_it() {
        let error = Error::unauthorised("");
        for (body, message) in [
            (r#"{"message":"try refresh token"}"#, "try refresh token"),
            (r#"{"message":"50 % für\nalle"}"#, "50 %25 f%C3%BCr%0Aalle"),
            ("an answer of the application's own", ""),
        ] {
            assert_eq!(said(&error, 401, body), ("16".to_owned(), message.to_owned()));
        }
    }

    #[test]
    fn an_outage_is_not_a_refusal() {
        let theft = Error::TokenTheftDetected { session_handle: "h".into(), user_id: "u".into(), recipe_user_id: "u".into() };
        assert_eq!(said(&theft, 401, "{}").0, "16");
        assert_eq!(said(&theft, 500, "{}").0, "13", "the session could not be ended");
        assert_eq!(said(&Error::InvalidClaims { failures: Vec::new() }, 403, "{}").0, "7");
        let down = Error::Core(crate::error::CoreError::NotConfigured);
        assert_eq!(said(&down, 500, "{}").0, "14");
    }
}

//! How is a gRPC client told of an error? Not by a status of HTTP and JSON, in which it would look for a message, but by an answer that
//! has nothing but trailers (gRPC over HTTP/2, "Responses": Trailers-Only).

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::Error;

/// What a message keeps as it is: all that can be printed in ASCII, but the sign of the encoding itself.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// The codes of gRPC that an error can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidArgument = 3,
    PermissionDenied = 7,
    Internal = 13,
    Unauthenticated = 16,
}

impl Code {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Unauthorised { .. }
            | Error::TryRefreshToken { .. }
            | Error::TokenTheftDetected { .. }
            | Error::ClearDuplicateSessionCookies { .. } => Self::Unauthenticated,
            Error::InvalidClaims { .. } => Self::PermissionDenied,
            Error::BadInput { .. } => Self::InvalidArgument,
            _ => Self::Internal,
        }
    }
}

/// The content type of a gRPC request; `None`, if it is another one.
pub(super) fn content_type(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(CONTENT_TYPE).filter(|value| value.as_bytes().starts_with(b"application/grpc")).cloned()
}

/// The same answer in gRPC's way. What happened to sessions stays among its headers; the message is the one of the body.
pub(super) fn in_trailers(answer: Response<Bytes>, code: Code, content_type: HeaderValue) -> Response<Bytes> {
    let (mut parts, body) = answer.into_parts();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = body.get("message").and_then(serde_json::Value::as_str).unwrap_or_default();
    let message = utf8_percent_encode(message, MESSAGE).to_string();
    parts.status = StatusCode::OK;
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, content_type);
    parts.headers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from(code as u16));
    if let Ok(message) = HeaderValue::try_from(message) {
        parts.headers.insert(HeaderName::from_static("grpc-message"), message);
    }
    Response::from_parts(parts, Bytes::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grpc_is_answered_as_grpc() {
        let asked = |text: &'static str| content_type(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]));
        for text in ["application/grpc", "application/grpc+proto", "application/grpc-web+proto"] {
            assert_eq!(asked(text).as_ref().map(HeaderValue::as_bytes), Some(text.as_bytes()));
        }
        assert_eq!(asked("application/json"), None);
        assert_eq!(content_type(&HeaderMap::new()), None);
    }

    #[test]
    fn a_message_is_written_as_grpc_wants_it() {
        let said = |body: &'static str| {
            let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
            answer.headers_mut().insert("front-token", HeaderValue::from_static("remove"));
            answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            let answer = in_trailers(answer, Code::Unauthenticated, HeaderValue::from_static("application/grpc"));
            assert!(answer.status() == StatusCode::OK && answer.body().is_empty());
            assert_eq!(
                (&answer.headers()["grpc-status"], &answer.headers()["front-token"]),
                (&"16".parse().unwrap(), &"remove".parse().unwrap())
            );
            assert!(!answer.headers().contains_key(CONTENT_LENGTH));
            answer.headers()["grpc-message"].to_str().unwrap().to_owned()
        };
        assert_eq!(said(r#"{"message":"try refresh token"}"#), "try refresh token");
        assert_eq!(said(r#"{"message":"50 % für\nalle"}"#), "50 %25 f%C3%BCr%0Aalle");
        assert_eq!(said("an answer of the application's own"), "");
    }
}

//! What can go wrong with a request, and the one place where it becomes a response (house.md 5).

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use supertokens_domain::ids::{AppIdentifier, TenantIdentifier};
pub(crate) use supertokens_domain::printable::with_causes as chain;
use supertokens_domain::printable::{is_seen, printable};
use supertokens_store::StoreError;
use supertokens_wire::input::BadInput;
use supertokens_wire::version::VersionRefusal;

/// Why there is no answer. An answer that a client is meant to look at is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's fault: a status and upstream's sentence.
    #[error("{0}")]
    Refused(Refusal),
    /// Nobody's: too many ask for the same thing at a time. 503, and when to come again, in seconds.
    #[error("too many requests at a time")]
    Busy(u64),
    /// Ours, or the world's. The cause goes to the log only.
    #[error("unexpected failure")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A 4xx and what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The body, less its line end.
    pub text: String,
}

impl Error {
    /// A refusal with any status.
    pub fn refused(status: StatusCode, text: impl Into<String>) -> Self {
        Self::Refused(Refusal { status, text: text.into() })
    }

    /// 400.
    pub fn bad(text: impl Into<String>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, text)
    }

    /// 403.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::refused(StatusCode::FORBIDDEN, text)
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::refused(StatusCode::NOT_FOUND, "Not found")
    }

    /// 400 for a tenant that is not there.
    pub fn no_tenant(at: &TenantIdentifier) -> Self {
        Self::bad(format!(
            "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: {at}"
        ))
    }

    /// 400 for an app that is not there.
    pub fn no_app(at: &AppIdentifier) -> Self {
        Self::bad(format!(
            "AppId or tenantId not found => App with the following connectionURIDomain and appId combination not found: {at}"
        ))
    }

    /// 503: whoever has just been served had waited so many milliseconds.
    pub(crate) fn busy(waited_ms: u64) -> Self {
        Self::Busy(waited_ms.div_ceil(1000).clamp(1, 60))
    }

    /// A failure of ours, with its cause.
    pub fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Fault(cause.into())
    }

    /// Does it come from a row that refers to one that is not there any more?
    pub(crate) fn is_of_missing_parent(&self) -> bool {
        let Self::Fault(cause) = self else { return false };
        matches!(cause.downcast_ref(), Some(StoreError::MissingParent(_)))
    }

    /// For the log: what happened, with the whole chain of causes.
    pub(crate) fn causes(&self) -> String {
        match self {
            Self::Refused(refusal) => printable(&refusal.text).into_owned(),
            busy @ Self::Busy(_) => busy.to_string(),
            Self::Fault(cause) => chain(&**cause),
        }
    }

    /// The response. Faults are logged here, once, with the whole chain of causes.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        match self {
            Self::Refused(refusal) => text_response(refusal.status, &harmless(&refusal.text)),
            Self::Busy(seconds) => {
                tracing::debug!(retry_after_s = seconds, "request refused: too many at a time");
                come_again(seconds)
            }
            Self::Fault(cause) if matches!(cause.downcast_ref(), Some(StoreError::Overloaded)) => {
                tracing::debug!(error = %chain(&*cause), "request refused");
                // What waits to be written is written within a second, or the disk is the matter.
                come_again(1)
            }
            Self::Fault(cause) => {
                tracing::error!(error = %chain(&*cause), "request failed");
                text_response(StatusCode::INTERNAL_SERVER_ERROR, "Internal error")
            }
        }
    }
}

/// 503: too many at a time, and when to come again, in seconds.
fn come_again(seconds: u64) -> Response<Bytes> {
    let mut response = text_response(StatusCode::SERVICE_UNAVAILABLE, "Too many requests at a time");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A sentence that may repeat what was asked, without what could mean more than itself: no tags for those who take it for HTML, no
/// line ends for those who write it into a log. The escapes are JSON's, as some sentences hold JSON.
fn harmless(text: &str) -> Cow<'_, str> {
    let means_more = |c: char| c == '<' || !is_seen(c);
    if !text.contains(means_more) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if means_more(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A text answer ends with a line end. Upstream calls it `text/html`; but it may repeat what was asked, and a browser must not run
/// that.
pub fn text_response(status: StatusCode, text: &str) -> Response<Bytes> {
    respond(status, "text/plain;charset=UTF-8", format!("{text}\n"))
}

/// A response with a body and its type. Every answer passes here, and none is a page: a browser that gets hold of one may not guess
/// at its type, run or load anything, or show it within another page.
pub fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    // Room for an id and for what the operation adds.
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"));
    *response.headers_mut() = headers;
    response
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::fault(error)
    }
}

impl From<BadInput> for Error {
    fn from(bad: BadInput) -> Self {
        Self::bad(bad.to_string())
    }
}

impl From<VersionRefusal> for Error {
    fn from(refusal: VersionRefusal) -> Self {
        Self::bad(refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_no_room_is_told_when_to_come_again() {
        let overloaded = Error::from(StoreError::Overloaded).into_response();
        assert_eq!((overloaded.status().as_u16(), overloaded.headers()[header::RETRY_AFTER].to_str().unwrap()), (503, "1"));
        for (waited_ms, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (12_345, "13"), (u64::MAX, "60")] {
            let response = Error::busy(waited_ms).into_response();
            assert_eq!((response.status().as_u16(), response.headers()[header::RETRY_AFTER].to_str().unwrap()), (503, seconds));
        }
    }

    #[test]
    fn what_is_repeated_means_nothing_but_itself() {
        for (said, sent) in [
            ("not found: (, public, t1)", "not found: (, public, t1)"),
            ("A => B & \"c\" 'd' ü", "A => B & \"c\" 'd' ü"),
            ("x<script>", r"x\u003cscript>"),
            ("a\r\nERROR b\0", r"a\u000d\u000aERROR b\u0000"),
            ("\u{2028}\u{202e}\u{9b}\u{2066}\u{feff}", r"\u2028\u202e\u009b\u2066\ufeff"),
        ] {
            let response = Error::bad(said).into_response();
            assert_eq!(response.body(), format!("{sent}\n").as_bytes());
        }
    }
}

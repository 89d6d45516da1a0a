//! What can go wrong with a request, and the one place where it becomes a response (house.md 5).

use bytes::Bytes;
use http::{Response, StatusCode, header};
use supertokens_domain::ids::{AppIdentifier, TenantIdentifier};
use supertokens_store::StoreError;
use supertokens_wire::input::BadInput;
use supertokens_wire::version::VersionRefusal;

/// Why there is no answer. An answer that a client is meant to look at is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's fault: a status and upstream's sentence.
    #[error("{0}")]
    Refused(Refusal),
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
            Self::Refused(refusal) => refusal.to_string(),
            Self::Fault(cause) => chain(&**cause),
        }
    }

    /// The response. Faults are logged here, once, with the whole chain of causes.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        match self {
            Self::Refused(refusal) => text_response(refusal.status, &refusal.text),
            Self::Fault(cause) => {
                tracing::error!(error = %chain(&*cause), "request failed");
                text_response(StatusCode::INTERNAL_SERVER_ERROR, "Internal error")
            }
        }
    }
}

pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Text answers end with a line end and say that they are HTML, as upstream's do.
pub(crate) fn text_response(status: StatusCode, text: &str) -> Response<Bytes> {
    respond(status, "text/html;charset=UTF-8", format!("{text}\n"))
}

/// A response with a body and its type.
pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
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

//! What a handler returns when something of the SDK's went wrong.

use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};

/// An error of the SDK's as the result of a handler. Made by `?`.
///
/// ```
/// use supertokens_axum::{Result, Session};
///
/// async fn leave(session: Session) -> Result<&'static str> {
///     session.revoke().await?;
///     Ok("bye")
/// }
/// ```
///
/// [`SuperTokensLayer`](crate::SuperTokensLayer) writes the answer: a session error becomes what the website's library expects (401 to
/// refresh, 403 for claims, cleared cookies), anything else a bare 500 and a line in the log. An application with an error type of its
/// own keeps a [`supertokens::Error`] in it and answers `supertokens_axum::Error::from(error).into_response()` for it.
pub struct Error(supertokens::Error);

/// What a handler returns that does something with sessions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Logs whoever sent the request out: 401, and the browser forgets its tokens.
    pub fn unauthorised(message: impl Into<String>) -> Self {
        Self(supertokens::Error::unauthorised(message))
    }

    /// What went wrong.
    pub fn kind(&self) -> &supertokens::Error {
        &self.0
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        supertokens::tower::refusal::<Body>(self.0)
    }
}

impl From<supertokens::Error> for Error {
    fn from(error: supertokens::Error) -> Self {
        Self(error)
    }
}

impl From<supertokens::CoreError> for Error {
    fn from(error: supertokens::CoreError) -> Self {
        Self(error.into())
    }
}

impl From<Error> for supertokens::Error {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

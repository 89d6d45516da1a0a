//! What a handler returns when something of the SDK's went wrong.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

supertokens::handler_error! {
    /// An error of the SDK's as the result of a handler. Made by `?`.
    ///
    /// ```
    /// use supertokens_actix::{Result, Session};
    ///
    /// async fn leave(session: Session) -> Result<&'static str> {
    ///     session.revoke().await?;
    ///     Ok("bye")
    /// }
    /// ```
    ///
    /// [`SuperTokensMiddleware`](crate::SuperTokensMiddleware) writes the answer: a session error becomes what the website's library
    /// expects (401 to refresh, 403 for claims, cleared cookies), anything else a bare 500 and a line in the log. An application with an
    /// error type of its own keeps one of these in it, and its `error_response` calls that of this one.
    Error;
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// A response that carries this error to the middleware.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        response.extensions_mut().insert(self.0.clone());
        response
    }
}

//! What a handler returns when something of the SDK's went wrong.

use rocket::http::Status;
use rocket::response::{self, Responder};
use rocket::{Request, response::Response};

use crate::fairing::Visit;

supertokens::handler_error! {
    /// An error of the SDK's as the result of a handler. Made by `?`.
    ///
    /// ```
    /// use rocket::post;
    /// use supertokens_rocket::{Result, Session};
    ///
    /// #[post("/leave")]
    /// async fn leave(session: Session) -> Result<&'static str> {
    ///     session.revoke().await?;
    ///     Ok("bye")
    /// }
    /// ```
    ///
    /// [`SuperTokensFairing`](crate::SuperTokensFairing) writes the answer: a session error becomes what the website's library expects
    /// (401 to refresh, 403 for claims, cleared cookies), anything else a bare 500 and a line in the log. An application with an error
    /// type of its own keeps one of these in it, and its `respond_to` calls that of this one.
    Error;
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let status = self.0.status();
        Visit::of(request).leave(&self);
        Response::build().status(Status::new(status.as_u16())).ok()
    }
}

impl Error {
    /// The status of the answer that waits.
    pub(crate) fn status(&self) -> Status {
        Status::new(self.0.status().as_u16())
    }

    /// Clones are the same error.
    pub(crate) fn pending(&self) -> supertokens::adapter::Pending {
        self.0.clone()
    }
}

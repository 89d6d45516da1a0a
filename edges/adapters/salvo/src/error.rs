//! What a handler returns when something of the SDK's went wrong.

use salvo::http::ResBody;
use salvo::{Depot, Request, Response, Writer, async_trait};

supertokens::handler_error! {
    /// An error of the SDK's as the result of a handler. Made by `?`.
    ///
    /// ```
    /// use salvo::{Writer, handler};
    /// use supertokens_salvo::{Result, Session};
    ///
    /// #[handler]
    /// async fn leave(session: Session) -> Result<&'static str> {
    ///     session.revoke().await?;
    ///     Ok("bye")
    /// }
    /// ```
    ///
    /// [`SuperTokensHoop`](crate::SuperTokensHoop) writes the answer: a session error becomes what the website's library expects (401 to
    /// refresh, 403 for claims, cleared cookies), anything else a bare 500 and a line in the log. An application with an error type of
    /// its own keeps this one in it, and calls its [`Writer::write`].
    Error;
}

/// Leaves the error in the depot, for the hoop. The status keeps handlers that would follow from being called.
#[async_trait]
impl Writer for Error {
    async fn write(self, _: &mut Request, depot: &mut Depot, response: &mut Response) {
        response.status_code(self.0.status());
        response.replace_body(ResBody::None);
        depot.insert_typed(self.0);
    }
}

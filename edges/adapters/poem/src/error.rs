//! What a handler returns when something of the SDK's went wrong.

supertokens::handler_error! {
    /// An error of the SDK's as the result of a handler. Made by `?`.
    ///
    /// ```
    /// use poem::handler;
    /// use supertokens_poem::{Result, Session};
    ///
    /// #[handler]
    /// async fn leave(session: Session) -> Result<&'static str> {
    ///     session.revoke().await?;
    ///     Ok("bye")
    /// }
    /// ```
    ///
    /// [`SuperTokensMiddleware`](crate::SuperTokensMiddleware) writes the answer: a session error becomes what the website's library
    /// expects (401 to refresh, 403 for claims, cleared cookies), anything else a bare 500 and a line in the log. A handler that
    /// returns `poem::Result` says `?` as well, with `.map_err(Error::from)` before it where the SDK's own error has to be named.
    Error;
}

/// The status is the one that the answer will have; the text is not the error's, which is for the log alone.
impl From<Error> for poem::Error {
    fn from(error: Error) -> Self {
        let (pending, status) = (error.0.clone(), error.0.status());
        let mut error = Self::new(error, status);
        error.set_error_message(status.canonical_reason().unwrap_or_default());
        error.set_data(pending);
        error
    }
}

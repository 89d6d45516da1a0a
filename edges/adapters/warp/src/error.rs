//! What a handler returns when something of the SDK's went wrong.

use supertokens::tower::refusal;
use warp::reject::{Reject, Rejection};
use warp::reply::{Reply, Response};

supertokens::handler_error! {
    /// An error of the SDK's as the result of a handler. Made by `?`.
    ///
    /// ```
    /// use supertokens::session::Session;
    /// use supertokens_warp::{Result, session};
    /// use warp::Filter;
    ///
    /// async fn leave(session: Session) -> Result<&'static str> {
    ///     session.revoke().await?;
    ///     Ok("bye")
    /// }
    ///
    /// let routes = warp::path!("leave").and(warp::post()).and(session()).then(leave);
    /// ```
    ///
    /// [`serve`](crate::serve) writes the answer: a session error becomes what the website's library expects (401 to refresh, 403 for
    /// claims, cleared cookies), anything else a bare 500 and a line in the log.
    Error;
}

impl Reject for Error {}

impl Reply for Error {
    fn into_response(self) -> Response {
        carrying(&self)
    }
}

/// A response that carries the error to the layer.
fn carrying(error: &Error) -> Response {
    match error.0.take() {
        Some(error) => refusal(error),
        None => warp::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// For applications that recover from rejections by themselves: the reply to those of the SDK. Other rejections come back untouched.
/// [`serve`](crate::serve) does it for the ones that nobody recovered from.
///
/// # Errors
/// The rejection, if it is none of the SDK's.
pub async fn recover(rejection: Rejection) -> std::result::Result<Response, Rejection> {
    match rejection.find::<Error>() {
        Some(error) => Ok(carrying(error)),
        None => Err(rejection),
    }
}

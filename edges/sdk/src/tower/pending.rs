//! An error on its way to the layer: whoever refuses a request deep inside the application answers with an empty response that carries
//! the error, and [`SuperTokensLayer`](super::SuperTokensLayer) writes the answer, because only there all changes are known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{Response, StatusCode};

use crate::error::{Error, with_causes};

/// An error that waits for its answer. Clones are the same one: an extension of a response must be able to be cloned.
#[derive(Clone)]
struct Pending(Arc<Waiting>);

struct Waiting(Mutex<Option<Error>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        static TOLD: AtomicBool = AtomicBool::new(false);
        let unanswered = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(error) = unanswered
            && !TOLD.swap(true, Ordering::Relaxed)
        {
            tracing::error!(
                target: "com.supertokens",
                error = %with_causes(&error),
                "nobody answered a session error: put SuperTokensLayer around all routes, outside of whatever replaces responses. \
                 Until then browsers are not told to refresh or to forget their tokens. This is said once"
            );
        }
    }
}

/// A response that carries an error to [`SuperTokensLayer`](super::SuperTokensLayer), which replaces it by the error's answer; what the
/// request did to sessions before is part of that answer. Without the layer, the response has a fitting status and nothing else.
pub fn refusal<B: Default>(error: Error) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = match &error {
        Error::Unauthorised { .. } | Error::TryRefreshToken { .. } | Error::TokenTheftDetected { .. } => StatusCode::UNAUTHORIZED,
        Error::InvalidClaims { .. } => StatusCode::FORBIDDEN,
        Error::BadInput { .. } | Error::PayloadTooLarge(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    response.extensions_mut().insert(Pending(Arc::new(Waiting(Mutex::new(Some(error))))));
    response
}

/// What stands in for a session where no layer is.
pub fn without_layer() -> Error {
    const MISSING: &str = "SuperTokensLayer is missing: add it to the router with .layer(SuperTokensLayer::new(supertokens)), after the \
                           routes and after all layers that want a session";
    Error::Settings(MISSING.to_owned())
}

/// Takes the error out of a response that carries one.
pub(super) fn take<B>(response: &mut Response<B>) -> Option<Error> {
    let Pending(waiting) = response.extensions_mut().remove()?;
    waiting.0.lock().unwrap_or_else(PoisonError::into_inner).take()
}

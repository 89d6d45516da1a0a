//! An error on its way to the layer: whoever refuses a request deep inside the application leaves it in the response, or with the
//! request, and the layer writes the answer, because only there all changes are known.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;

use crate::error::{Error, with_causes};

/// An error that waits for its answer. Clones are the same one: frameworks hand errors on by reference, and the layer takes it out.
/// If nobody does, the log says so, once.
#[derive(Clone)]
pub struct Pending(Arc<Waiting>);

struct Waiting(Mutex<Option<Error>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Option<Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
                "nobody answered a session error: put the SDK's layer around all routes, outside of whatever replaces responses. \
                 Until then browsers are not told to refresh or to forget their tokens. This is said once"
            );
        }
    }
}

impl Pending {
    /// This error waits.
    pub fn new(error: Error) -> Self {
        Self(Arc::new(Waiting(Mutex::new(Some(error)))))
    }

    /// Takes it out, to answer it. `None`, if somebody has.
    pub fn take(&self) -> Option<Error> {
        self.0.lock().take()
    }

    /// The status that its answer will have, unless the application has chosen others; 500 where it was taken out.
    pub fn status(&self) -> StatusCode {
        self.0.lock().as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, status_of)
    }
}

impl From<Error> for Pending {
    fn from(error: Error) -> Self {
        Self::new(error)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.lock() {
            Some(error) => error.fmt(f),
            None => f.write_str("answered"),
        }
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.lock() {
            Some(error) => error.fmt(f),
            None => f.write_str("an error that was answered"),
        }
    }
}

impl std::error::Error for Pending {}

/// The status for a response that carries this error, for as long as no layer has written the answer.
pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Unauthorised { .. } | Error::TryRefreshToken { .. } | Error::TokenTheftDetected { .. } => StatusCode::UNAUTHORIZED,
        Error::InvalidClaims { .. } => StatusCode::FORBIDDEN,
        Error::BadInput { .. } | Error::PayloadTooLarge(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

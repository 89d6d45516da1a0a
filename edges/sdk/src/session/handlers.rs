//! Callbacks that answer session errors in the application's own way. They choose status and body; what happens to tokens has happened
//! before they run (sdk-session.md 4.2).

use std::sync::Arc;

use crate::context::Scope;
use crate::error::{ClaimFailure, Error};
use crate::future::BoxFuture;

/// What an application does about one kind of error.
pub(crate) type Callback<T> = Arc<dyn Fn(T, Scope) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

/// What a theft callback is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theft {
    /// The session whose old refresh token was used.
    pub session_handle: String,
    /// Its primary user.
    pub user_id: String,
    /// The user who logged in.
    pub recipe_user_id: String,
}

/// The callbacks. Each writes its answer with [`Scope::respond_json`]; one that writes none leaves the SDK's own.
#[derive(Clone, Default)]
pub struct Handlers {
    pub(crate) unauthorised: Option<Callback<String>>,
    pub(crate) try_refresh_token: Option<Callback<String>>,
    pub(crate) token_theft: Option<Callback<Theft>>,
    pub(crate) invalid_claims: Option<Callback<Vec<ClaimFailure>>>,
    pub(crate) clear_duplicate_cookies: Option<Callback<String>>,
}

fn callback<T, F, R>(callback: F) -> Option<Callback<T>>
where
    F: Fn(T, Scope) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Error>> + Send + 'static,
{
    Some(Arc::new(move |what, scope| Box::pin(callback(what, scope))))
}

impl Handlers {
    /// No callbacks.
    pub fn new() -> Self {
        Self::default()
    }

    /// For [`Error::Unauthorised`]; told the message.
    #[must_use]
    pub fn on_unauthorised<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(String, Scope) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.unauthorised = callback(answer);
        self
    }

    /// For [`Error::TryRefreshToken`]; told the message.
    #[must_use]
    pub fn on_try_refresh_token<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(String, Scope) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.try_refresh_token = callback(answer);
        self
    }

    /// For [`Error::TokenTheftDetected`]. Replaces the SDK's reaction, which ends the session: do so too, or take the risk.
    #[must_use]
    pub fn on_token_theft_detected<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(Theft, Scope) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.token_theft = callback(answer);
        self
    }

    /// For [`Error::InvalidClaims`]; told all that failed.
    #[must_use]
    pub fn on_invalid_claim<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(Vec<ClaimFailure>, Scope) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.invalid_claims = callback(answer);
        self
    }

    /// For [`Error::ClearDuplicateSessionCookies`]; told the message.
    #[must_use]
    pub fn on_clear_duplicate_session_cookies<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(String, Scope) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.clear_duplicate_cookies = callback(answer);
        self
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handlers(..)")
    }
}

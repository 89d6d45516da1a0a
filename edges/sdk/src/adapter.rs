//! For the adapters of frameworks: what all of them need, and none has a reason to do in its own way (sdk-session.md 9.1, 9.3, 9.4).
//! Applications take these from their framework's crate.

mod cors;
mod pending;
mod types;

pub use cors::Cors;
pub use pending::{Pending, status_of};

use http::Method;

use crate::context::Scope;
use crate::engine::SuperTokens;
use crate::error::Error;
pub use crate::inline::poll_without_io;
use crate::session::{Session, VerifyOptions};

/// How an extractor checks sessions, said in a type.
///
/// ```
/// use supertokens::adapter::VerifyPolicy;
/// use supertokens::session::VerifyOptions;
///
/// struct StillAlive;
///
/// impl VerifyPolicy for StillAlive {
///     fn options() -> VerifyOptions {
///         VerifyOptions::new().check_database()
///     }
/// }
/// // A handler then takes `session: Session<StillAlive>`.
/// ```
pub trait VerifyPolicy: Send + Sync + 'static {
    /// Whether what a guard on the route has found is enough. If not, the session is checked again, with these options.
    const TRUSTS_GUARD: bool = false;

    /// How to check. Whether a session is required, the extractor decides.
    fn options() -> VerifyOptions;
}

/// What extractors do if not said: they take what a guard on the route has found; without one, they check with
/// `VerifyOptions::default()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usual;

impl VerifyPolicy for Usual {
    const TRUSTS_GUARD: bool = true;

    fn options() -> VerifyOptions {
        VerifyOptions::new()
    }
}

/// What a guard found, for whoever is inside it: no session, if the options let requests without one through, or on a preflight.
/// It is kept with the request, and not in the [`Scope`], which the session in it holds.
#[derive(Debug, Clone)]
pub struct CheckedSession {
    found: Option<Session>,
    /// An application may have two SDKs, one around the other: what one has found, the other knows nothing of.
    by: SuperTokens,
}

impl CheckedSession {
    /// What was found for this request.
    pub fn new(scope: &Scope, found: Option<Session>) -> Self {
        Self { found, by: scope.supertokens().clone() }
    }

    /// What a guard does: checks the session as the options say, before the request goes on with this verb.
    ///
    /// # Errors
    /// As [`Scope::verify_session`]; and [`Error::Settings`], if the verb is not the one that the SDK has seen, and had it been, more would
    /// have been checked: something between the two changes verbs.
    pub async fn of_guard(scope: &Scope, verb: &str, options: &VerifyOptions) -> Result<Self, Error> {
        let seen = scope.request().method();
        if seen.as_str() != verb && [Method::GET, Method::OPTIONS, Method::TRACE].contains(seen) {
            return Err(Error::Settings(format!(
                "the request came as {seen} and is {verb} here, so it was not checked as one of {verb}: put what changes verbs outside of \
                 what sets SuperTokens up"
            )));
        }
        Ok(Self::new(scope, scope.verify_session(options).await?))
    }

    /// The session.
    pub fn session(&self) -> Option<&Session> {
        self.found.as_ref()
    }
}

/// The session for an extractor that wants one.
///
/// # Errors
/// As [`Scope::verify_session`]; and [`Error::Unauthorised`], which takes no tokens away, where a guard has let a request without a
/// session through.
pub async fn required<P: VerifyPolicy>(scope: &Scope, checked: Option<CheckedSession>) -> Result<Session, Error> {
    let none = || Error::no_session("this route needs a session and the request has none");
    check::<P>(scope, checked, P::options()).await?.ok_or_else(none)
}

/// The session for an extractor that does without.
///
/// # Errors
/// As [`Scope::verify_session`]: a session that ended is refused, so that the browser refreshes it.
pub async fn optional<P: VerifyPolicy>(scope: &Scope, checked: Option<CheckedSession>) -> Result<Option<Session>, Error> {
    check::<P>(scope, checked, P::options().session_optional()).await
}

async fn check<P: VerifyPolicy>(
    scope: &Scope,
    checked: Option<CheckedSession>,
    options: VerifyOptions,
) -> Result<Option<Session>, Error> {
    match checked {
        Some(checked) if P::TRUSTS_GUARD && checked.by.is(scope.supertokens()) => Ok(checked.found),
        _ => scope.verify_session(&options).await,
    }
}

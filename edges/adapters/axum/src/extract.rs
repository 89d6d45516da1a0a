//! What handlers take: the session, a session if there is one, the means to create one, and the SDK (sdk-session.md 9.4).

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use supertokens::session::VerifyOptions;
use supertokens::tower::{CheckedSession, without_layer};
use supertokens::{Scope, SuperTokens};

use crate::Error;

/// How an extractor checks sessions.
///
/// ```
/// use supertokens::session::VerifyOptions;
/// use supertokens_axum::{Session, VerifyPolicy};
///
/// struct StillAlive;
///
/// impl VerifyPolicy for StillAlive {
///     fn options() -> VerifyOptions {
///         VerifyOptions::new().check_database()
///     }
/// }
///
/// async fn delete_account(session: Session<StillAlive>) {}
/// ```
pub trait VerifyPolicy: Send + Sync + 'static {
    /// Whether what a guard on the route has found is enough. If not, the session is checked again, with these options.
    const TRUSTS_GUARD: bool = false;

    /// How to check. Whether a session is required, the extractor decides.
    fn options() -> VerifyOptions;
}

/// What extractors do if not said: they take what a [`verify_session`](crate::verify_session) on the route has found; without one, they
/// check with `VerifyOptions::default()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usual;

impl VerifyPolicy for Usual {
    const TRUSTS_GUARD: bool = true;

    fn options() -> VerifyOptions {
        VerifyOptions::new()
    }
}

/// The session of the request. A handler that takes it is not called without one.
///
/// It is a [`supertokens::session::Session`] and can do all that one can.
pub struct Session<P = Usual> {
    session: supertokens::session::Session,
    policy: PhantomData<fn() -> P>,
}

impl<P> Session<P> {
    fn of(session: supertokens::session::Session) -> Self {
        Self { session, policy: PhantomData }
    }

    /// The SDK's session, to hand it to code that knows no axum.
    pub fn into_inner(self) -> supertokens::session::Session {
        self.session
    }
}

impl<P> Clone for Session<P> {
    fn clone(&self) -> Self {
        Self::of(self.session.clone())
    }
}

impl<P> fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

impl<P> Deref for Session<P> {
    type Target = supertokens::session::Session;

    fn deref(&self) -> &Self::Target {
        &self.session
    }
}

impl<S: Send + Sync, P: VerifyPolicy> FromRequestParts<S> for Session<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let message = || "this route needs a session and the request has none".to_owned();
        let none = || supertokens::Error::Unauthorised { message: message(), clear_tokens: false };
        Ok(check::<P>(parts, P::options()).await?.ok_or_else(none)?)
    }
}

/// `Option<Session>` is the same as [`MaybeSession`]: it is `None` only where the request has no session, and an expired one is refused,
/// so that the browser refreshes it.
impl<S: Send + Sync, P: VerifyPolicy> OptionalFromRequestParts<S> for Session<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        check::<P>(parts, P::options().session_optional()).await
    }
}

/// The session of the request, if it has one. A request with an expired one is refused, so that the browser refreshes it and comes
/// again; it is not taken for one without.
#[derive(Debug, Clone)]
pub struct MaybeSession<P = Usual>(pub Option<Session<P>>);

impl<S: Send + Sync, P: VerifyPolicy> FromRequestParts<S> for MaybeSession<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        check::<P>(parts, P::options().session_optional()).await.map(Self)
    }
}

async fn check<P: VerifyPolicy>(parts: &Parts, options: VerifyOptions) -> Result<Option<Session<P>>, Error> {
    if P::TRUSTS_GUARD
        && let Some(CheckedSession(found)) = parts.extensions.get()
    {
        return Ok(found.clone().map(Session::of));
    }
    let scope = parts.extensions.get::<Scope>().ok_or_else(without_layer)?;
    Ok(scope.verify_session(&options).await?.map(Session::of))
}

/// What a login handler takes: the request as the SDK sees it, for which sessions can be created.
///
/// ```
/// use supertokens::session::NewSession;
/// use supertokens_axum::{Auth, Result};
///
/// async fn login(auth: Auth) -> Result<&'static str> {
///     // The application has found out by itself who it is.
///     auth.create_new_session(NewSession::of("anna")).await?;
///     Ok("welcome") // the layer puts the tokens into this response
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Auth(pub Scope);

impl Deref for Auth {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(Self(parts.extensions.get::<Scope>().cloned().ok_or_else(without_layer)?))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Auth {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Scope>().cloned().map(Self))
    }
}

/// The SDK, for what concerns no session of this request: revoking others, looking sessions up, making JWTs.
#[derive(Debug, Clone)]
pub struct Engine(pub SuperTokens);

impl Deref for Engine {
    type Target = SuperTokens;

    fn deref(&self) -> &SuperTokens {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Engine {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Auth(scope) = <Auth as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Self(scope.supertokens().clone()))
    }
}

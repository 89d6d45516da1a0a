//! What handlers take: the session, a session if there is one, the means to create one, and the SDK (sdk-session.md 9.4).

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use supertokens::Scope;
use supertokens::adapter::{self, CheckedSession, VerifyPolicy};
use supertokens::tower::without_layer;

use crate::Error;

supertokens::handler_types! {
    /// The session of the request. A handler that takes it is not called without one. How it is checked, a [`VerifyPolicy`] says.
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
    ///
    /// It is a [`supertokens::session::Session`] and can do all that one can.
    Session;
    /// The session of the request, if it has one. A request with an expired one is refused, so that the browser refreshes it and comes
    /// again; it is not taken for one without.
    MaybeSession;
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
    Auth;
    /// The SDK, for what concerns no session of this request: revoking others, looking sessions up, making JWTs.
    Engine;
}

/// What the layer and guards have left in the request.
fn left(parts: &Parts) -> Result<(&Scope, Option<CheckedSession>), supertokens::Error> {
    Ok((parts.extensions.get().ok_or_else(without_layer)?, parts.extensions.get().cloned()))
}

impl<S: Send + Sync, P: VerifyPolicy> FromRequestParts<S> for Session<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let (scope, checked) = left(parts)?;
        Ok(Self::of(adapter::required::<P>(scope, checked).await?))
    }
}

/// `Option<Session>` is the same as [`MaybeSession`]: it is `None` only where the request has no session, and an expired one is refused,
/// so that the browser refreshes it.
impl<S: Send + Sync, P: VerifyPolicy> OptionalFromRequestParts<S> for Session<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        let (scope, checked) = left(parts)?;
        Ok(adapter::optional::<P>(scope, checked).await?.map(Self::of))
    }
}

impl<S: Send + Sync, P: VerifyPolicy> FromRequestParts<S> for MaybeSession<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        <Session<P> as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await.map(Self)
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

impl<S: Send + Sync> FromRequestParts<S> for Engine {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Auth(scope) = <Auth as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Self(scope.supertokens().clone()))
    }
}

//! What handlers take: the session, a session if there is one, the means to create one, and the SDK (sdk-session.md 9.4).

use std::future::{Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use supertokens::Scope;
use supertokens::adapter::{self, CheckedSession, VerifyPolicy};

use crate::Error;

supertokens::handler_types! {
    /// The session of the request. A handler that takes it is not called without one. How it is checked, a [`VerifyPolicy`] says.
    ///
    /// ```
    /// use supertokens::session::VerifyOptions;
    /// use supertokens_actix::{Session, VerifyPolicy};
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
    /// again; it is not taken for one without. (`Option<Session>` is something else: actix makes every failure `None`.)
    MaybeSession;
    /// What a login handler takes: the request as the SDK sees it, for which sessions can be created.
    ///
    /// ```
    /// use supertokens::session::NewSession;
    /// use supertokens_actix::{Auth, Result};
    ///
    /// async fn login(auth: Auth) -> Result<&'static str> {
    ///     // The application has found out by itself who it is.
    ///     auth.create_new_session(NewSession::of("anna")).await?;
    ///     Ok("welcome") // the middleware puts the tokens into this response
    /// }
    /// ```
    Auth;
    /// The SDK, for what concerns no session of this request: revoking others, looking sessions up, making JWTs.
    Engine;
}

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// What stands in for a session where no middleware is.
pub(crate) fn without_middleware() -> supertokens::Error {
    const MISSING: &str = "SuperTokensMiddleware is missing: add it to the App with .wrap(SuperTokensMiddleware::new(supertokens)), \
                           after the routes and after all middleware that wants a session";
    supertokens::Error::Settings(MISSING.to_owned())
}

pub(crate) fn scope(request: &HttpRequest) -> Result<Scope, supertokens::Error> {
    request.extensions().get::<Scope>().cloned().ok_or_else(without_middleware)
}

/// What a guard on the route has found.
fn checked(request: &HttpRequest) -> Option<CheckedSession> {
    request.extensions().get::<CheckedSession>().cloned()
}

impl<P: VerifyPolicy> FromRequest for Session<P> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (scope, checked) = (scope(request), checked(request));
        Box::pin(async move { Ok(Self::of(adapter::required::<P>(&scope?, checked).await?)) })
    }
}

impl<P: VerifyPolicy> FromRequest for MaybeSession<P> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (scope, checked) = (scope(request), checked(request));
        Box::pin(async move { Ok(Self(adapter::optional::<P>(&scope?, checked).await?.map(Session::of))) })
    }
}

impl FromRequest for Auth {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(scope(request).map(Self).map_err(Error::from))
    }
}

impl FromRequest for Engine {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(scope(request).map(|scope| Self(scope.supertokens().clone())).map_err(Error::from))
    }
}

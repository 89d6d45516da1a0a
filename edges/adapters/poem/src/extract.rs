//! What handlers take: the session, a session if there is one, the means to create one, and the SDK (sdk-session.md 9.4).

use poem::{FromRequest, Request, RequestBody};
use supertokens::Scope;
use supertokens::adapter::{self, VerifyPolicy};

use crate::Error;

supertokens::handler_types! {
    /// The session of the request. A handler that takes it is not called without one. How it is checked, a [`VerifyPolicy`] says.
    ///
    /// ```
    /// use poem::handler;
    /// use supertokens::session::VerifyOptions;
    /// use supertokens_poem::{Session, VerifyPolicy};
    ///
    /// struct StillAlive;
    ///
    /// impl VerifyPolicy for StillAlive {
    ///     fn options() -> VerifyOptions {
    ///         VerifyOptions::new().check_database()
    ///     }
    /// }
    ///
    /// #[handler]
    /// async fn delete_account(session: Session<StillAlive>) {}
    /// ```
    ///
    /// It is a [`supertokens::session::Session`] and can do all that one can.
    Session;
    /// The session of the request, if it has one. A request with an expired one is refused, so that the browser refreshes it and comes
    /// again; it is not taken for one without. With `Option<Session>` Poem would do just that.
    MaybeSession;
    /// What a login handler takes: the request as the SDK sees it, for which sessions can be created.
    ///
    /// ```
    /// use poem::handler;
    /// use supertokens::session::NewSession;
    /// use supertokens_poem::{Auth, Result};
    ///
    /// #[handler]
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

/// The scope that the middleware has left in the request.
pub(crate) fn scope(request: &Request) -> Result<&Scope, Error> {
    const MISSING: &str = "SuperTokensMiddleware is missing: add it to the outermost endpoint with \
                           .with(SuperTokensMiddleware::new(supertokens)), after the routes and all middleware that wants a session";
    request.extensions().get().ok_or_else(|| supertokens::Error::Settings(MISSING.to_owned()).into())
}

impl<'a, P: VerifyPolicy> FromRequest<'a> for Session<P> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let session = adapter::required::<P>(scope(request)?, request.extensions().get().cloned()).await;
        Ok(Self::of(session.map_err(Error::from)?))
    }
}

impl<'a, P: VerifyPolicy> FromRequest<'a> for MaybeSession<P> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let session = adapter::optional::<P>(scope(request)?, request.extensions().get().cloned()).await;
        Ok(Self(session.map_err(Error::from)?.map(Session::of)))
    }
}

impl<'a> FromRequest<'a> for Auth {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(scope(request)?.clone()))
    }
}

impl<'a> FromRequest<'a> for Engine {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(scope(request)?.supertokens().clone()))
    }
}

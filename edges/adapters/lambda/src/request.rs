//! What handlers ask their request for: its session, and the means to create one (sdk-session.md 9.4).

use http::{Request, Response};
use lambda_http::Service;
use lambda_http::service_fn;
use supertokens::adapter::{self, CheckedSession, Usual};
use supertokens::session::{Session, VerifyOptions};
use supertokens::{Error, Scope};

use crate::LambdaFuture;

/// The session of a request.
///
/// ```
/// use lambda_http::{Body, Error, Request, Response};
/// use supertokens::session::NewSession;
/// use supertokens_lambda::SessionExt;
///
/// async fn login(request: Request) -> Result<Response<Body>, Error> {
///     // The function has found out by itself who it is.
///     request.auth()?.create_new_session(NewSession::of("anna")).await?;
///     Ok(Response::new("welcome".into())) // the layer puts the tokens into this response
/// }
///
/// async fn me(request: Request) -> Result<Response<Body>, Error> {
///     let session = request.session().await?;
///     Ok(Response::new(session.user_id().into()))
/// }
/// ```
///
/// Behind a [`VerifySessionLayer`](crate::VerifySessionLayer) these give what it found, without a second check.
pub trait SessionExt {
    /// The session.
    ///
    /// # Errors
    /// The request has none, or not a good one. Hand it on by `?`: the layer answers.
    fn session(&self) -> impl Future<Output = Result<Session, Error>> + Send + use<Self>;

    /// The session, if the request has one.
    ///
    /// # Errors
    /// A session that has ended: it is refused, so that the browser refreshes it.
    fn maybe_session(&self) -> impl Future<Output = Result<Option<Session>, Error>> + Send + use<Self>;

    /// The session, checked as the options say: against the database, for claims, or optional. None on `OPTIONS` and `TRACE`, because
    /// preflights carry no cookies: a function that answers all verbs asks for [`session`](Self::session), which is never none.
    ///
    /// # Errors
    /// As [`Scope::verify_session`].
    fn verify_session(&self, options: VerifyOptions) -> impl Future<Output = Result<Option<Session>, Error>> + Send + use<Self>;

    /// The request as the SDK sees it, for which sessions can be created.
    ///
    /// # Errors
    /// There is no layer around the function.
    fn auth(&self) -> Result<Scope, Error>;
}

impl<B> SessionExt for Request<B> {
    fn session(&self) -> impl Future<Output = Result<Session, Error>> + Send + use<B> {
        let (scope, checked) = (self.auth(), self.extensions().get::<CheckedSession>().cloned());
        async move { adapter::required::<Usual>(&scope?, checked).await }
    }

    fn maybe_session(&self) -> impl Future<Output = Result<Option<Session>, Error>> + Send + use<B> {
        let (scope, checked) = (self.auth(), self.extensions().get::<CheckedSession>().cloned());
        async move { adapter::optional::<Usual>(&scope?, checked).await }
    }

    fn verify_session(&self, options: VerifyOptions) -> impl Future<Output = Result<Option<Session>, Error>> + Send + use<B> {
        let scope = self.auth();
        async move { scope?.verify_session(&options).await }
    }

    fn auth(&self) -> Result<Scope, Error> {
        const MISSING: &str = "SuperTokensLayer is missing: start the function with supertokens_lambda::run(supertokens, service), or put \
                               SuperTokensLayer::new(supertokens) around the service";
        self.extensions().get().cloned().ok_or_else(|| Error::Settings(MISSING.to_owned()))
    }
}

/// A handler that is only called with a session that satisfies the options.
///
/// ```
/// use lambda_http::{Body, Error, Request, Response};
/// use supertokens::session::{Session, VerifyOptions};
/// use supertokens_lambda::with_session;
///
/// async fn pay(_: Request, session: Session) -> Result<Response<Body>, Error> {
///     Ok(Response::new(format!("{} pays", session.user_id()).into()))
/// }
///
/// let paying = with_session(VerifyOptions::new().check_database(), pay);
/// ```
pub fn with_session<B, R, H, F>(
    options: VerifyOptions,
    handler: H,
) -> impl Service<Request<B>, Response = Response<R>, Error = lambda_http::Error, Future = LambdaFuture<R>> + Clone
where
    B: Send + 'static,
    R: 'static,
    H: Fn(Request<B>, Session) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<R>, lambda_http::Error>> + Send + 'static,
{
    service_fn(move |request: Request<B>| -> LambdaFuture<R> {
        let (session, handler) = (request.verify_session(options.clone()), handler.clone());
        Box::pin(async move {
            let message = || "this function needs a session and the request has none".to_owned();
            let none = || Error::Unauthorised { message: message(), clear_tokens: false };
            let session = session.await?.ok_or_else(none)?;
            handler(request, session).await
        })
    })
}

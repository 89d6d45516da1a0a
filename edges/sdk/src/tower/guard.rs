//! The guard of a route: lets requests through whose session is good, and gives that session to the handler.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::ResponseBody;
use super::pending::{refusal, without_layer};
use crate::adapter::CheckedSession;
use crate::context::Scope;
use crate::error::Error;
use crate::future::BoxFuture;
use crate::session::VerifyOptions;

/// Lets only those requests through whose session satisfies the options; but `OPTIONS` and `TRACE` pass without any, because preflights
/// carry no cookies. A handler that answers all verbs takes a session itself, or names its verbs; a call of gRPC needs a session by
/// whatever verb it comes. It stands inside
/// [`SuperTokensLayer`](super::SuperTokensLayer), around one route or several.
///
/// The session is then among the request's extensions, as [`Session`](crate::session::Session) and as [`CheckedSession`]; whoever needs it further inside does
/// not check it again.
#[derive(Debug, Clone)]
pub struct VerifySessionLayer {
    options: Arc<VerifyOptions>,
}

impl VerifySessionLayer {
    /// The guard with these options.
    pub fn new(options: VerifyOptions) -> Self {
        Self { options: Arc::new(options) }
    }
}

impl<S> Layer<S> for VerifySessionLayer {
    type Service = VerifySessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifySessionService { inner, options: Arc::clone(&self.options) }
    }
}

/// A route with [`VerifySessionLayer`] around it.
#[derive(Debug, Clone)]
pub struct VerifySessionService<S> {
    inner: S,
    options: Arc<VerifyOptions>,
}

impl<S, B, R> Service<Request<B>> for VerifySessionService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = Guarding<S, Request<B>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(scope) = request.extensions().get::<Scope>().cloned() else {
            return Guarding { stage: Stage::Refused { error: Some(without_layer()) } };
        };
        let options = Arc::clone(&self.options);
        let verb = request.method().clone();
        let check = Box::pin(async move { CheckedSession::of_guard(&scope, verb.as_str(), &options).await });
        // The service that was made ready is the one to call; its clone need not be.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        Guarding { stage: Stage::Checking { check, rest: Some((inner, request)) } }
    }
}

pin_project! {
    /// The answer of a [`VerifySessionService`], on its way.
    pub struct Guarding<S, Q, F> {
        #[pin]
        stage: Stage<S, Q, F>,
    }
}

pin_project! {
    #[project = StageNow]
    enum Stage<S, Q, F> {
        Checking { check: BoxFuture<'static, Result<CheckedSession, Error>>, rest: Option<(S, Q)> },
        Refused { error: Option<Error> },
        Application { #[pin] future: F },
    }
}

impl<S, B, R> Future for Guarding<S, Request<B>, S::Future>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let next = match stage.as_mut().project() {
                StageNow::Application { future } => {
                    return future.poll(cx).map(|answer| answer.map(|response| response.map(ResponseBody::of_application)));
                }
                // A future that is polled after it was done may do as it likes, but not panic.
                StageNow::Refused { error } => match error.take() {
                    Some(error) => return Poll::Ready(Ok(refusal(error))),
                    None => return Poll::Pending,
                },
                StageNow::Checking { check, rest } => match (ready!(check.as_mut().poll(cx)), rest.take()) {
                    (Ok(checked), Some((mut inner, mut request))) => {
                        if let Some(session) = checked.session() {
                            request.extensions_mut().insert(session.clone());
                        }
                        request.extensions_mut().insert(checked);
                        Stage::Application { future: inner.call(request) }
                    }
                    (Err(error), _) => Stage::Refused { error: Some(error) },
                    (Ok(_), None) => Stage::Refused { error: None },
                },
            };
            stage.set(next);
        }
    }
}

impl<S, Q, F> std::fmt::Debug for Guarding<S, Q, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guarding(..)")
    }
}

//! The SDK in anything that speaks tower (sdk-session.md 9.1, 9.4): axum, hyper, tonic, lambda_http.
//!
//! [`SuperTokensLayer`] goes around the whole application: it answers the SDK's own endpoints, gives every other request a [`Scope`],
//! and writes what happened to sessions into the response. [`VerifySessionLayer`] goes around the routes that want a session.
//! Bodies are passed on as they are: no byte of one is read, kept or copied here.
//!
//! With tonic both layers go to `Server::layer`, this one first and with [`grpc`](SuperTokensLayer::grpc), and tokens travel as metadata
//! (`st-auth-mode: header`, `authorization: Bearer …`). A handler finds the [`Scope`] among its request's extensions, and behind a guard
//! the [`Session`](crate::session::Session). The SDK's own endpoints stay HTTP with JSON: a client refreshes with a `POST` to
//! `/auth/session/refresh`, on the same port.

mod body;
mod cors;
mod grpc;
mod guard;
mod pending;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, Request, Response, Uri};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

pub use body::ResponseBody;
pub use cors::{cors_headers, cors_layer, cors_layer_by, cors_layer_for, cors_layer_for_by};
pub use guard::{Guarding, VerifySessionLayer, VerifySessionService};
pub use pending::{refusal, without_layer};

use crate::SuperTokens;
use crate::context::Scope;
use crate::error::Error;
use crate::future::BoxFuture;
use crate::request::RequestView;

/// Finds the address that the client asked for, where a router has put it before it took prefixes away.
type OriginalUri = fn(&Extensions) -> Option<&Uri>;

/// Makes an application know sessions. Put it around all routes, and inside the CORS layer only.
#[derive(Debug, Clone)]
pub struct SuperTokensLayer {
    engine: SuperTokens,
    original_uri: OriginalUri,
    grpc: bool,
}

impl SuperTokensLayer {
    /// The layer of this SDK.
    pub fn new(engine: SuperTokens) -> Self {
        Self { engine, original_uri: |_| None, grpc: false }
    }

    /// For adapters: where to find the address that the client asked for, if a router changes the request's own.
    #[must_use]
    pub fn original_uri(mut self, find: fn(&Extensions) -> Option<&Uri>) -> Self {
        self.original_uri = find;
        self
    }

    /// The application serves gRPC, and calls of it are refused in its own way: with HTTP status 200, no body, and a status of gRPC, which
    /// is `UNAUTHENTICATED`, `PERMISSION_DENIED` where a claim is not as it should be, `INVALID_ARGUMENT`, `UNAVAILABLE` where the core
    /// cannot be reached, or else `INTERNAL`. The message is that of the JSON answer, `try refresh token` among them; the list of failed
    /// claims is left out. Calls of gRPC are `POST` over HTTP/2 with `application/grpc`; others, gRPC-Web among them, are answered as ever.
    ///
    /// Off at first. Do not switch it on behind a proxy that asks this application who may pass and reads every 200 as a yes.
    #[must_use]
    pub fn grpc(mut self) -> Self {
        self.grpc = true;
        self
    }
}

impl<S> Layer<S> for SuperTokensLayer {
    type Service = SuperTokensService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SuperTokensService { inner, engine: self.engine.clone(), original_uri: self.original_uri, grpc: self.grpc }
    }
}

/// An application with [`SuperTokensLayer`] around it.
#[derive(Debug, Clone)]
pub struct SuperTokensService<S> {
    inner: S,
    engine: SuperTokens,
    original_uri: OriginalUri,
    grpc: bool,
}

impl<S> SuperTokensService<S> {
    fn scope<B>(&self, request: &Request<B>) -> Scope {
        let uri = (self.original_uri)(request.extensions()).unwrap_or_else(|| request.uri());
        let view = RequestView::new(request.method().clone(), uri.clone(), request.headers().clone());
        Scope::new(self.engine.clone(), view)
    }
}

impl<S, B, R> Service<Request<B>> for SuperTokensService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The layer may stand around a part and around the whole: the outermost one does the work.
        if request.extensions().get::<Scope>().is_some_and(|scope| scope.supertokens().is(&self.engine)) {
            return Answering { stage: Stage::Application { future: self.inner.call(request), scope: None, grpc: false } };
        }
        let scope = self.scope(&request);
        if let Some(answer) = scope.answering() {
            return Answering { stage: Stage::Own { answer: Box::pin(answer) } };
        }
        request.extensions_mut().insert(scope.clone());
        let grpc = self.grpc && grpc::is_call(&request);
        Answering { stage: Stage::Application { future: self.inner.call(request), scope: Some(scope), grpc } }
    }
}

pin_project! {
    /// The answer of a [`SuperTokensService`], on its way.
    pub struct Answering<F> {
        #[pin]
        stage: Stage<F>,
    }
}

pin_project! {
    #[project = StageNow]
    enum Stage<F> {
        /// The application answers.
        Application { #[pin] future: F, scope: Option<Scope>, grpc: bool },
        /// The SDK does.
        Own { answer: BoxFuture<'static, Response<Bytes>> },
    }
}

impl<F, R, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let (error, scope, grpc) = match stage.as_mut().project() {
                StageNow::Own { answer } => return answer.as_mut().poll(cx).map(|answer| Ok(answer.map(ResponseBody::own))),
                StageNow::Application { future, scope, grpc } => {
                    let mut response = ready!(future.poll(cx))?;
                    let Some(scope) = scope.take() else { return Poll::Ready(Ok(response.map(ResponseBody::of_application))) };
                    let Some(error) = pending::take(&mut response) else {
                        scope.finish(response.headers_mut());
                        return Poll::Ready(Ok(response.map(ResponseBody::of_application)));
                    };
                    (error, scope, *grpc)
                }
            };
            stage.set(Stage::Own { answer: Box::pin(refused(scope, error, grpc)) });
        }
    }
}

/// The answer to an error, in the way of whoever asked.
async fn refused(scope: Scope, error: Error, grpc: bool) -> Response<Bytes> {
    let in_trailers = grpc.then(|| grpc::InTrailers::of(&error));
    let answer = scope.error_response(error).await;
    match in_trailers {
        Some(trailers) => trailers.say(answer),
        None => answer,
    }
}

impl<F> std::fmt::Debug for Answering<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answering(..)")
    }
}

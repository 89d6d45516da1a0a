//! The middleware around the whole application (sdk-session.md 9.1): the SDK's endpoints, one scope for each request, and what happened
//! to sessions on the response. Bodies are passed on as they are.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::{HttpMessage as _, HttpRequest};
use bytes::Bytes;
use pin_project_lite::pin_project;
use supertokens::adapter::Pending;
use supertokens::{BoxFuture, Scope, SuperTokens};

use crate::translate::{answer, answer_with, finish, view};

/// Makes an actix application know sessions. Wrap it around the whole `App`, after all middleware that wants a session and before the CORS
/// component: what is wrapped last stands outermost.
#[derive(Debug, Clone)]
pub struct SuperTokensMiddleware(SuperTokens);

impl SuperTokensMiddleware {
    /// The middleware of this SDK.
    pub fn new(supertokens: SuperTokens) -> Self {
        Self(supertokens)
    }
}

impl<S, B> Transform<S, ServiceRequest> for SuperTokensMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type InitError = ();
    type Transform = SuperTokensService<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SuperTokensService { inner, engine: self.0.clone() }))
    }
}

/// An application with [`SuperTokensMiddleware`] around it.
#[derive(Debug)]
pub struct SuperTokensService<S> {
    inner: S,
    engine: SuperTokens,
}

impl<S, B> Service<ServiceRequest> for SuperTokensService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // The middleware may stand around a part and around the whole: the outermost one does the work.
        let known = request.extensions().get::<Scope>().is_some_and(|scope| scope.supertokens().is(&self.engine));
        if known {
            return Answering { stage: Stage::Application { future: self.inner.call(request), scope: None } };
        }
        let scope = Scope::new(self.engine.clone(), view(request.head()));
        if let Some(answer) = scope.answering() {
            let (request, _) = request.into_parts();
            return Answering { stage: Stage::Own { answer: Box::pin(answer), request: Some(request) } };
        }
        request.extensions_mut().insert(scope.clone());
        Answering { stage: Stage::Application { future: self.inner.call(request), scope: Some(scope) } }
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
        Application { #[pin] future: F, scope: Option<Scope> },
        /// The SDK does. Without the request, to an error that no response carried.
        Own { answer: BoxFuture<'static, http::Response<Bytes>>, request: Option<HttpRequest> },
    }
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<ServiceResponse<B>, actix_web::Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, actix_web::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let next = match stage.as_mut().project() {
                StageNow::Own { answer: written, request } => {
                    let written = ready!(written.as_mut().poll(cx));
                    return Poll::Ready(match request.take() {
                        Some(request) => Ok(ServiceResponse::new(request, answer(written)).map_into_right_body()),
                        None => Err(InternalError::from_response("a session error", answer(written)).into()),
                    });
                }
                StageNow::Application { future, scope } => {
                    let result = ready!(future.poll(cx));
                    let Some(scope) = scope.take() else { return Poll::Ready(result.map(ServiceResponse::map_into_left_body)) };
                    match settle(result, &scope) {
                        Settled::Done(result) => return Poll::Ready(result),
                        Settled::Refused(error, request) => {
                            let answer = Box::pin(async move { scope.error_response(error).await });
                            Stage::Own { answer, request }
                        }
                    }
                }
            };
            stage.set(next);
        }
    }
}

enum Settled<B> {
    Done(Result<ServiceResponse<EitherBody<B>>, actix_web::Error>),
    Refused(supertokens::Error, Option<HttpRequest>),
}

/// Whether the application has answered, or has left an error for the SDK.
fn settle<B: MessageBody>(result: Result<ServiceResponse<B>, actix_web::Error>, scope: &Scope) -> Settled<B> {
    match result {
        Ok(mut response) => {
            let pending = response.response_mut().extensions_mut().remove::<Pending>();
            if let Some(error) = pending.and_then(|pending| pending.take()) {
                return Settled::Refused(error, Some(response.into_parts().0));
            }
            finish(scope, response.headers_mut());
            Settled::Done(Ok(response.map_into_left_body()))
        }
        // Middleware inside has failed, and actix writes the response when all middleware is done.
        Err(mut error) => {
            let mut response = error.error_response();
            let pending = response.extensions_mut().remove::<Pending>();
            if let Some(error) = pending.and_then(|pending| pending.take()) {
                return Settled::Refused(error, None);
            }
            finish(scope, response.headers_mut());
            answer_with(&mut error, response);
            Settled::Done(Err(error))
        }
    }
}

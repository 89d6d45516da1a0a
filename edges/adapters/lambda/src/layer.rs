//! The layer around the function (sdk-session.md 9.4). It is the SDK's own for tower; this file tells it the address without the stage,
//! and which errors of the function are the SDK's.

use std::task::{Context, Poll};

use http::{Request, Response, StatusCode, Uri, header};
use lambda_http::{Body, Error, IntoResponse};
use supertokens::tower::{self, ResponseBody, refusal};
use supertokens::{BoxFuture, CoreError, SuperTokens};
use tower_layer::Layer;
use tower_service::Service;

use crate::address::without_stage;

/// Makes a function know sessions. It goes around everything but [`cors_layer`](crate::cors_layer()).
#[derive(Debug, Clone)]
pub struct SuperTokensLayer(tower::SuperTokensLayer);

/// The address that the client asked for, without the stage.
#[derive(Clone)]
struct Address(Uri);

impl SuperTokensLayer {
    /// The layer of this SDK.
    pub fn new(supertokens: SuperTokens) -> Self {
        Self(tower::SuperTokensLayer::new(supertokens).original_uri(|extensions| extensions.get::<Address>().map(|uri| &uri.0)))
    }
}

impl<S> Layer<S> for SuperTokensLayer {
    type Service = SuperTokensService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SuperTokensService(self.0.layer(Function(inner)))
    }
}

/// A function with [`SuperTokensLayer`] around it.
#[derive(Debug, Clone)]
pub struct SuperTokensService<S>(tower::SuperTokensService<Function<S>>);

/// What a function with the layer answers, on its way.
pub type LambdaFuture<R> = BoxFuture<'static, Result<Response<R>, Error>>;

impl<S, B, R> Service<Request<B>> for SuperTokensService<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<Error>, Future: Send + 'static>,
    R: Default + Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = Error;
    type Future = supertokens::tower::Answering<LambdaFuture<R>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(address) = without_stage(request.uri(), request.extensions()) {
            request.extensions_mut().insert(Address(address));
        }
        self.0.call(request)
    }
}

/// The function itself. Its error is the SDK's, or the runtime's.
#[derive(Debug, Clone)]
struct Function<S>(S);

impl<S, B, R> Service<Request<B>> for Function<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<Error>, Future: Send + 'static>,
    R: Default + Send + 'static,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = LambdaFuture<R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => Ok(response),
                Err(error) => ours(error.into()).map(refusal),
            }
        })
    }
}

fn ours(error: Error) -> Result<supertokens::Error, Error> {
    match error.downcast::<supertokens::Error>() {
        Ok(error) => Ok(*error),
        Err(error) => error.downcast::<CoreError>().map(|error| (*error).into()),
    }
}

/// Starts the function with [`SuperTokensLayer`] around it: `run(supertokens, service_fn(api))`, or an axum `Router` for the service. Where
/// the function has nothing of its own, `service_fn(not_found)`.
///
/// # Errors
/// As [`lambda_http::run`].
///
/// # Panics
/// As [`lambda_http::run`], outside of Lambda.
pub async fn run<S, R>(supertokens: SuperTokens, service: S) -> Result<(), Error>
where
    S: Service<lambda_http::Request, Response = Response<R>, Error: Into<Error>, Future: Send + 'static>,
    R: Default + Send + 'static,
    Response<ResponseBody<R>>: IntoResponse,
{
    lambda_http::run(SuperTokensLayer::new(supertokens).layer(service)).await
}

/// The answer to whatever nobody knows: 404, and a message in JSON.
///
/// # Errors
/// None; it has the signature of a function's handler.
pub async fn not_found<B>(_: Request<B>) -> Result<Response<Body>, Error> {
    let mut response = Response::new(Body::from(r#"{"message":"not found"}"#));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

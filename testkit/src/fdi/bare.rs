//! The engine without any framework: a request is matched by hand. What every adapter does, in one page, and what the
//! scenarios are compared with when one fails on a framework.

use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use supertokens::session::VerifyOptions;
use supertokens::{RequestView, Scope};

use super::app::{AppRoute, FOREIGN, Framework, Guard, HandlerError, Serve, StandardApp};
use super::listening::Listening;

/// The framework that is none. It has no CORS.
pub const BARE: Framework = Framework {
    name: "bare",
    build,
    listen,
    lacks: &[
        ("adapter::wire::a_stream_arrives_piece_by_piece", "without a framework there are no streams"),
        ("adapter::cors", "without a framework there is no CORS helper"),
        ("adapter::wire::a_body_that_is_too_large_is_refused_by_the_framework", "without a framework bodies have no limit"),
    ],
};

fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    Listening::hyper(build(app), socket)
}

fn build(app: StandardApp) -> Serve {
    let app = Arc::new(app);
    Arc::new(move |request| {
        let app = Arc::clone(&app);
        Box::pin(async move { serve(&app, request).await })
    })
}

async fn serve(app: &StandardApp, request: Request<Bytes>) -> Response<Bytes> {
    let scope = Scope::new(app.engine.clone(), RequestView::of(&request));
    if let Some(response) = scope.handle().await {
        return response;
    }
    let fits = |route: &&AppRoute| route.method == *request.method() && route.path == request.uri().path();
    let mut response = match app.routes.iter().find(fits) {
        Some(route) => match run(route, &scope).await {
            Ok(response) => response,
            Err(HandlerError::Session(error)) => return scope.error_response(error).await,
            Err(HandlerError::Foreign(text)) => answer(FOREIGN, Bytes::from(text)),
        },
        None if request.uri().path() == "/echo" => echo(request),
        None => answer(StatusCode::NOT_FOUND, Bytes::new()),
    };
    scope.finish(response.headers_mut());
    response
}

async fn run(route: &AppRoute, scope: &Scope) -> Result<Response<Bytes>, HandlerError> {
    let options = match &route.guard {
        Guard::Open => None,
        Guard::Required => Some(VerifyOptions::new()),
        Guard::Optional => Some(VerifyOptions::new().session_optional()),
        Guard::With(options) => Some(options.clone()),
    };
    let session = match options {
        Some(options) => scope.verify_session(&options).await?,
        None => None,
    };
    Ok((route.run)(scope.clone(), session).await?.into_response())
}

fn echo(request: Request<Bytes>) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let mut response = answer(StatusCode::OK, body);
    if let Some(kind) = parts.headers.get("content-type") {
        response.headers_mut().insert("content-type", HeaderValue::clone(kind));
    }
    response
}

fn answer(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

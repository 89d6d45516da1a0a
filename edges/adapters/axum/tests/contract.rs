//! What any application with the SDK must do, in axum: the standard application with axum's own idioms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Request, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on, post};
use http_body_util::BodyExt as _;
use supertokens::Scope;
use supertokens_axum::{Auth, MaybeSession, Session, SuperTokensLayer, cors_layer, verify_session};
use supertokens_testkit::fdi::{
    AppRoute, ECHO_LIMIT, FOREIGN, Framework, Guard, Handler, HandlerError, Listening, Serve, StandardApp, run_contract,
};
use tower_service::Service as _;

fn main() -> ExitCode {
    run_contract(Framework { name: "axum", build, listen, lacks: &[] })
}

fn build(app: StandardApp) -> Serve {
    let router = router(app);
    Arc::new(move |request| Box::pin(serve(router.clone(), request)))
}

fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    let router = router(app);
    Listening::task(async move {
        let socket = tokio::net::TcpListener::from_std(socket).expect("a socket");
        axum::serve(socket, router).await.expect("axum serves");
    })
}

fn router(app: StandardApp) -> Router {
    let gate = app.gate;
    let stream = move |auth: Auth| async move {
        Ok::<_, supertokens_axum::Error>(Body::from_stream(StandardApp::stream(gate, &auth).await?))
    };
    let echo = post(echo).layer(DefaultBodyLimit::max(ECHO_LIMIT));
    let (mut outer, mut nested) = (Router::new().route("/echo", echo).route("/stream", get(stream)), Router::new());
    for route in app.routes {
        match route.path.strip_prefix("/nested") {
            Some(inside) if inside.starts_with('/') => nested = nested.route(inside, method_router(&route)),
            _ => outer = outer.route(route.path, method_router(&route)),
        }
    }
    let mut router = outer.nest("/nested", nested).layer(SuperTokensLayer::new(app.engine.clone()));
    if app.cors {
        router = router.layer(cors_layer(&app.engine));
    }
    router
}

async fn serve(mut router: Router, request: Request<Bytes>) -> http::Response<Bytes> {
    let response = router.call(request.map(Body::from)).await.expect("a router does not fail");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    http::Response::from_parts(parts, body)
}

fn method_router(route: &AppRoute) -> MethodRouter {
    let verb = MethodFilter::try_from(route.method.clone()).expect("a verb that axum routes");
    let run = Arc::clone(&route.run);
    match route.guard.clone() {
        Guard::Open => on(verb, move |auth: Auth| answer(run, auth.0, None)),
        Guard::Required => on(verb, move |auth: Auth, session: Session| answer(run, auth.0, Some(session))),
        Guard::Optional => on(verb, move |auth: Auth, MaybeSession(session): MaybeSession| answer(run, auth.0, session)),
        Guard::With(options) => {
            let handler = move |auth: Auth, MaybeSession(session): MaybeSession| answer(run, auth.0, session);
            on(verb, handler).route_layer(verify_session(options))
        }
    }
}

async fn answer(run: Handler, scope: Scope, session: Option<Session>) -> Result<Response, AppError> {
    Ok(run(scope, session.map(Session::into_inner)).await?.into_response().map(Body::from))
}

/// An application's own error type, which knows the SDK's.
enum AppError {
    Session(supertokens_axum::Error),
    Foreign(String),
}

impl From<HandlerError> for AppError {
    fn from(error: HandlerError) -> Self {
        match error {
            HandlerError::Session(error) => Self::Session(error.into()),
            HandlerError::Foreign(text) => Self::Foreign(text),
        }
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self {
            Self::Session(error) => error.into_response(),
            Self::Foreign(text) => (FOREIGN, text).into_response(),
        }
    }
}

async fn echo(headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).cloned();
    (kind.map(|kind| [(header::CONTENT_TYPE, kind)]), body).into_response()
}

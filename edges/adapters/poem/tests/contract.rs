//! What any application with the SDK must do, in Poem: the standard application with Poem's own idioms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, Request, header};
use poem::endpoint::BoxEndpoint;
use poem::listener::TcpAcceptor;
use poem::middleware::SizeLimit;
use poem::web::{Data, LocalAddr, RemoteAddr};
use poem::{Body, Endpoint, EndpointExt, RequestParts, Response, Route, RouteMethod, Server, handler};
use supertokens::Scope;
use supertokens_poem::{Auth, Error, MaybeSession, Result, Session, SuperTokensMiddleware, cors, verify_session};
use supertokens_testkit::fdi::{
    AppRoute, ECHO_LIMIT, FOREIGN, Framework, Guard, Handler, HandlerError, Listening, Serve, StandardApp, run_contract,
};
use tokio::sync::Notify;

fn main() -> ExitCode {
    run_contract(Framework { name: "poem", build, listen, lacks: &[] })
}

fn build(app: StandardApp) -> Serve {
    let whole = Arc::new(endpoint_of(app));
    Arc::new(move |request| Box::pin(serve(Arc::clone(&whole), request)))
}

fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    let whole = endpoint_of(app);
    let socket = TcpAcceptor::from_std(socket).expect("a socket");
    Listening::task(async move { Server::new_with_acceptor(socket).run(whole).await.expect("Poem serves") })
}

fn endpoint_of(app: StandardApp) -> BoxEndpoint<'static, Response> {
    let (mut outer, mut nested) = (BTreeMap::new(), BTreeMap::new());
    for route in app.routes {
        let (routes, path) = match route.path.strip_prefix("/nested") {
            Some(inside) if inside.starts_with('/') => (&mut nested, inside),
            _ => (&mut outer, route.path),
        };
        let methods = routes.remove(path).unwrap_or_else(RouteMethod::new);
        routes.insert(path, methods.method(route.method.clone(), endpoint(route)));
    }
    let router =
        |routes: BTreeMap<_, _>| routes.into_iter().fold(Route::new(), |router, (path, methods)| router.at(path, methods));
    let whole_bodies = poem::post(echo).with(SizeLimit::new(ECHO_LIMIT));
    let pieces = poem::get(stream).data(app.gate);
    let app_routes = router(outer).at("/echo", whole_bodies).at("/stream", pieces).nest("/nested", router(nested));
    let with_sdk = app_routes.with(SuperTokensMiddleware::new(app.engine.clone()));
    match app.cors {
        true => with_sdk.with(cors(&app.engine)).boxed(),
        false => with_sdk.boxed(),
    }
}

async fn serve(app: Arc<BoxEndpoint<'static, Response>>, request: Request<Bytes>) -> http::Response<Bytes> {
    let (mut parts, body) = request.into_parts();
    // As every client says it, and Poem's limit wants to know it.
    parts.headers.entry(header::CONTENT_LENGTH).or_insert(body.len().into());
    let parts = RequestParts::from((parts, LocalAddr::default(), RemoteAddr::default(), Scheme::HTTP));
    let (parts, body) = app.get_response(poem::Request::from_parts(parts, Body::from(body))).await.into_parts();
    let mut response = http::Response::new(body.into_bytes().await.expect("a whole body"));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}

fn endpoint(route: AppRoute) -> BoxEndpoint<'static, Response> {
    match route.guard {
        Guard::Open => open.data(route.run).map_to_response().boxed(),
        Guard::Required => required.data(route.run).map_to_response().boxed(),
        Guard::Optional => optional.data(route.run).map_to_response().boxed(),
        Guard::With(options) => optional.data(route.run).with(verify_session(options)).map_to_response().boxed(),
    }
}

#[handler]
async fn open(auth: Auth, Data(run): Data<&Handler>) -> poem::Result<Response> {
    answer(run, auth.0, None).await
}

#[handler]
async fn required(auth: Auth, session: Session, Data(run): Data<&Handler>) -> poem::Result<Response> {
    answer(run, auth.0, Some(session)).await
}

#[handler]
async fn optional(auth: Auth, MaybeSession(session): MaybeSession, Data(run): Data<&Handler>) -> poem::Result<Response> {
    answer(run, auth.0, session).await
}

async fn answer(run: &Handler, scope: Scope, session: Option<Session>) -> poem::Result<Response> {
    let answer = match run(scope, session.map(Session::into_inner)).await {
        Ok(answer) => answer.into_response(),
        Err(HandlerError::Session(error)) => return Err(Error::from(error).into()),
        Err(HandlerError::Foreign(text)) => return Err(poem::Error::from_string(text, FOREIGN)),
    };
    let (parts, body) = answer.into_parts();
    let mut response = Response::builder().status(parts.status).body(body);
    *response.headers_mut() = parts.headers;
    Ok(response)
}

#[handler]
async fn stream(auth: Auth, Data(gate): Data<&Arc<Notify>>) -> Result<Body> {
    Ok(Body::from_bytes_stream(StandardApp::stream(Arc::clone(gate), &auth).await?))
}

#[handler]
async fn echo(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let response = Response::builder();
    match headers.get(header::CONTENT_TYPE) {
        Some(kind) => response.header(header::CONTENT_TYPE, kind),
        None => response,
    }
    .body(body)
}

//! What any application with the SDK must do, in warp: the standard application with warp's own idioms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use http::{HeaderMap, Method, header};
use supertokens::Scope;
use supertokens::session::Session;
use supertokens_testkit::fdi::{
    AppRoute, ECHO_LIMIT, FOREIGN, Framework, Guard, Handler, HandlerError, Listening, StandardApp, over_http, run_contract,
};
use supertokens_warp::{Error, auth, cors_layer, maybe_session, session, verify_session};
use warp::filters::BoxedFilter;
use warp::reject::Rejection;
use warp::reply::Response;
use warp::{Filter, Reply};

fn main() -> ExitCode {
    run_contract(Framework { name: "warp", build: |app| over_http(listen, app), listen, lacks: &[] })
}

fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    let gate = Arc::clone(&app.gate);
    let stream = warp::path!("stream").and(warp::get()).and(auth()).then(move |scope: Scope| {
        let gate = Arc::clone(&gate);
        async move {
            let pieces = StandardApp::stream(gate, &scope).await?;
            Ok::<_, Error>(warp::reply::stream(pieces))
        }
    });
    let echo = warp::path!("echo").and(warp::post()).and(limit());
    let echo = echo.and(warp::header::headers_cloned()).and(warp::body::bytes()).map(|headers: HeaderMap, body| {
        let mut response = http::Response::new(body);
        if let Some(kind) = headers.get(header::CONTENT_TYPE) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
        }
        replied(response)
    });
    let fixed = stream.map(Reply::into_response).or(echo).unify().boxed();
    let routes = app.routes.iter().map(filter).fold(fixed, |all, route| all.or(route).unify().boxed());
    let mut server = supertokens_warp::serve(&app.engine, routes);
    if app.cors {
        server = server.cors(cors_layer(&app.engine));
    }
    Listening::task(async move {
        let socket = tokio::net::TcpListener::from_std(socket).expect("a socket");
        server.incoming(socket).await.expect("warp serves");
    })
}

/// Warp's own limit wants to know the length, and clients do not say that there is nothing.
fn limit() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let nothing = warp::header::optional::<u64>("content-length")
        .and_then(|length: Option<u64>| async move { if length.is_none() { Ok(()) } else { Err(warp::reject::not_found()) } });
    warp::body::content_length_limit(ECHO_LIMIT as u64).or(nothing.untuple_one()).unify()
}

fn filter(route: &AppRoute) -> BoxedFilter<(Response,)> {
    let here = route.path.split('/').skip(1).fold(warp::any().boxed(), |path, segment| path.and(warp::path(segment)).boxed());
    let here = here.and(warp::path::end()).and(verb(route.method.clone())).and(auth());
    let run = Arc::clone(&route.run);
    match route.guard.clone() {
        Guard::Open => here.and_then(move |scope| answer(Arc::clone(&run), scope, None)).boxed(),
        Guard::Required => {
            here.and(session()).and_then(move |scope, session| answer(Arc::clone(&run), scope, Some(session))).boxed()
        }
        Guard::Optional => {
            here.and(maybe_session()).and_then(move |scope, session| answer(Arc::clone(&run), scope, session)).boxed()
        }
        Guard::With(options) => {
            here.and(verify_session(options)).and_then(move |scope, session| answer(Arc::clone(&run), scope, session)).boxed()
        }
    }
}

/// Warp has no filter for `TRACE`.
fn verb(method: Method) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let fits = move |found: Method| {
        let fits = found == method;
        async move { if fits { Ok(()) } else { Err(warp::reject::not_found()) } }
    };
    warp::method().and_then(fits).untuple_one()
}

async fn answer(run: Handler, scope: Scope, session: Option<Session>) -> Result<Response, Rejection> {
    match run(scope, session).await {
        Ok(answer) => Ok(replied(answer.into_response())),
        // An error of the SDK's is a rejection.
        Err(HandlerError::Session(error)) => Err(Error::from(error).into()),
        Err(HandlerError::Foreign(text)) => Ok(warp::reply::with_status(text, FOREIGN).into_response()),
    }
}

fn replied(response: http::Response<bytes::Bytes>) -> Response {
    response.map(Into::into)
}

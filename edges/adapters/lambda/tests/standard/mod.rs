//! The standard application as a Lambda function, and the gateway in front of it.

pub(crate) mod events;

use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Context, Error, IntoResponse, LambdaEvent, Request, Service, service_fn};
use supertokens::Scope;
use supertokens::session::Session;
use supertokens_lambda::{SessionExt as _, SuperTokensLayer, VerifySessionLayer, cors_layer, not_found};
use supertokens_lambda_gateway::{Gateway, Invoke, serve};
use supertokens_testkit::fdi::{AppAnswer, AppRoute, FOREIGN, Guard, Handler, HandlerError, Listening, Serve, StandardApp};
use tower_layer::Layer as _;

/// What Lambda is not made for.
pub(crate) const LACKS: &[(&str, &str)] = &[
    ("hostile::doubled_headers_count_once", "an event has one text of each header: several are joined, or the last is left"),
    ("hostile::bytes_that_are_no_text_are_harmless", "an event is JSON: what is no text does not come in one"),
    ("adapter::wire::header_values_that_are_no_text_are_no_obstacle", "an event is JSON: what is no text does not come in one"),
    (
        "adapter::wire::a_body_that_is_too_large_is_refused_by_the_framework",
        "the platform's limit holds before a function is called",
    ),
    ("adapter::wire::a_stream_arrives_piece_by_piece", "an answer is JSON: it comes as a whole"),
];

/// The application behind a gateway, on a socket.
pub(crate) fn listen(app: StandardApp, socket: TcpListener, gateway: Gateway) -> Listening {
    let invoke = function(app);
    Listening::task(async move {
        let socket = tokio::net::TcpListener::from_std(socket).expect("a socket");
        serve(socket, gateway, invoke).await;
    })
}

/// The application behind a gateway, in this process.
pub(crate) fn build(app: StandardApp, gateway: Gateway) -> Serve {
    let invoke = function(app);
    let gateway = Arc::new(gateway);
    Arc::new(move |request| {
        let (gateway, invoke) = (Arc::clone(&gateway), Arc::clone(&invoke));
        Box::pin(async move {
            match gateway.event(&request) {
                Ok(event) => gateway.response(invoke(event).await.as_ref()),
                Err(answer) => *answer,
            }
        })
    })
}

/// The function.
pub(crate) fn function(app: StandardApp) -> Invoke {
    let routes: Arc<[AppRoute]> = app.routes.into();
    let api = SuperTokensLayer::new(app.engine.clone()).layer(service_fn(move |request| api(Arc::clone(&routes), request)));
    match app.cors {
        true => invoke(cors_layer(&app.engine).layer(api)),
        false => invoke(api),
    }
}

/// Calls a function as `lambda_http::run` does: an event in, its answer out.
fn invoke<S, R>(service: S) -> Invoke
where
    S: Service<Request, Response = R, Error = Error, Future: Send> + Clone + Send + Sync + 'static,
    R: IntoResponse + Send + Sync + 'static,
{
    let adapter = Adapter::from(service);
    Arc::new(move |event| {
        let mut adapter = adapter.clone();
        Box::pin(async move {
            let event: LambdaRequest = serde_json::from_str(&event.to_string()).ok()?;
            let answer = adapter.call(LambdaEvent::new(event, Context::default())).await.ok()?;
            serde_json::to_value(answer).ok()
        })
    })
}

async fn api(routes: Arc<[AppRoute]>, request: Request) -> Result<Response<Body>, Error> {
    // The path of the event may have a stage before it; the SDK knows the one without.
    let asked = request.auth()?.request().clone();
    if (request.method().as_str(), asked.path()) == ("POST", "/echo") {
        return Ok(echo(request));
    }
    let is_asked = |route: &&AppRoute| route.method == request.method() && route.path == asked.path();
    let Some(route) = routes.iter().find(is_asked).cloned() else { return not_found(request).await };
    match route.guard {
        Guard::Open => answer(route.run, request.auth()?, None).await,
        Guard::Required => answer(route.run, request.auth()?, Some(request.session().await?)).await,
        Guard::Optional => answer(route.run, request.auth()?, request.maybe_session().await?).await,
        Guard::With(options) => {
            let run = route.run;
            let inside = service_fn(move |request: Request| {
                let run = Arc::clone(&run);
                async move { answer(run, request.auth()?, request.maybe_session().await?).await }
            });
            let response = VerifySessionLayer::new(options).layer(inside).call(request).await?;
            Ok(response.into_response().await)
        }
    }
}

/// An application's own error path is its handlers' affair in a function: what it answers is no error to the runtime.
async fn answer(run: Handler, scope: Scope, session: Option<Session>) -> Result<Response<Body>, Error> {
    match run(scope, session).await {
        Ok(answer) => Ok(response(answer)),
        Err(HandlerError::Session(error)) => Err(error.into()),
        Err(HandlerError::Foreign(text)) => Ok((FOREIGN, text).into_response().await),
    }
}

fn response(answer: AppAnswer) -> Response<Body> {
    let (mut parts, body) = answer.into_response().into_parts();
    parts.headers = joined(&parts.headers);
    Response::from_parts(parts, Body::from(String::from_utf8_lossy(&body).into_owned()))
}

/// Lists in one line each: of several lines, lambda_http sends an HTTP API the first.
fn joined(headers: &HeaderMap) -> HeaderMap {
    let mut joined = HeaderMap::new();
    for name in headers.keys() {
        let values: Vec<_> = headers.get_all(name).iter().collect();
        if *name == header::SET_COOKIE {
            for value in values {
                joined.append(name, value.clone());
            }
        } else {
            let line: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
            joined.insert(name, HeaderValue::from_bytes(&line.join(&b", "[..])).expect("a header's value"));
        }
    }
    joined
}

fn echo(request: Request) -> Response<Body> {
    let kind = request.headers().get(header::CONTENT_TYPE).cloned();
    let body = Bytes::copy_from_slice(request.body());
    let mut response = Response::new(Body::from(body.to_vec()));
    response.headers_mut().extend(kind.map(|kind| (header::CONTENT_TYPE, kind)));
    response
}

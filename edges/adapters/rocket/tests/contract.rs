//! What any application with the SDK must do, in Rocket: the standard application with Rocket's own idioms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use std::io::Cursor;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::StreamExt as _;
use rocket::config::{Config, LogLevel};
use rocket::data::ToByteUnit as _;
use rocket::fairing::AdHoc;
use rocket::http::{Method, Status};
use rocket::request::{self, FromRequest};
use rocket::response::stream::ByteStream;
use rocket::response::{Responder, Response};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Data, Request, Rocket};
use supertokens_rocket::{Auth, Cors, Error, MaybeSession, Session, SuperTokensFairing, verify_session};
use supertokens_testkit::fdi::{
    AppAnswer, AppRoute, ECHO_LIMIT, FOREIGN, Framework, Guard, HandlerError, Listening, StandardApp, over_http, run_contract,
};
use tokio::sync::Notify;

const NO_BYTES: &str = "Rocket drops headers that are not UTF-8 before anybody sees them";
const LACKS: &[(&str, &str)] = &[
    ("adapter::wire::header_values_that_are_no_text_are_no_obstacle", NO_BYTES),
    ("hostile::bytes_that_are_no_text_are_harmless", NO_BYTES),
];

fn main() -> ExitCode {
    run_contract(Framework { name: "rocket", build: |app| over_http(listen, app), listen, lacks: LACKS })
}

/// Rocket binds its port by itself: what comes to the socket is handed on to it.
fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    let (tell, told) = tokio::sync::oneshot::channel();
    let config = Config { port: 0, log_level: LogLevel::Off, cli_colors: false, ..Config::debug_default() };
    let config = Config { shutdown: rocket::config::Shutdown { ctrlc: false, ..Default::default() }, ..config };
    let ready = AdHoc::on_liftoff("ready", |rocket| {
        let port = rocket.config().port;
        Box::pin(async move { tell.send(port).expect("somebody waits") })
    });
    let rocket = rocket(app, config).attach(ready);
    Listening::task(async move {
        let launching = tokio::spawn(rocket.launch());
        let port = told.await.expect("a port");
        supertokens_testkit::fdi::listening::hand_on(socket, port).await;
        launching.abort();
    })
}

fn rocket(app: StandardApp, config: Config) -> Rocket<rocket::Build> {
    let (mut outer, mut nested) = (vec![Route::new(Method::Post, "/echo", Echo)], Vec::new());
    outer.push(Route::new(Method::Get, "/stream", Stream(app.gate)));
    for route in app.routes {
        let verb = route.method.as_str().parse().expect("a verb");
        match route.path.strip_prefix("/nested") {
            Some(inside) if inside.starts_with('/') => nested.push(Route::new(verb, inside, Standard(route))),
            _ => outer.push(Route::new(verb, route.path, Standard(route))),
        }
    }
    let rocket = rocket::custom(config).mount("/", outer).mount("/nested", nested);
    let rocket = rocket.attach(SuperTokensFairing::new(app.engine.clone()));
    match app.cors {
        true => rocket.attach(Cors::new(&app.engine)),
        false => rocket,
    }
}

/// One route of the standard application, as the attributes of Rocket would write it: guards first, then the handler, then what it
/// returns responds.
#[derive(Clone)]
struct Standard(AppRoute);

/// Takes what a guard gives, or ends the request as Rocket does.
macro_rules! guard {
    ($outcome:expr, $data:expr) => {
        match $outcome {
            request::Outcome::Success(found) => found,
            request::Outcome::Error((status, _)) => return Outcome::Error(status),
            request::Outcome::Forward(status) => return Outcome::Forward(($data, status)),
        }
    };
}

#[rocket::async_trait]
impl Handler for Standard {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let Auth(scope) = guard!(Auth::from_request(request).await, data);
        let session = match &self.0.guard {
            Guard::Open => None,
            Guard::Required => {
                Some(guard!(Session::from_request(request).await, data)).map(|session: Session| session.into_inner())
            }
            Guard::Optional => {
                let MaybeSession(session): MaybeSession = guard!(MaybeSession::from_request(request).await, data);
                session.map(Session::into_inner)
            }
            Guard::With(options) => {
                let found = guard!(verify_session(request, options).await, data);
                // A handler that takes a session beside the guard gets the guard's.
                let MaybeSession(again): MaybeSession = guard!(MaybeSession::from_request(request).await, data);
                assert_eq!(again.as_ref().map(|session| session.handle()), found.as_ref().map(|session| session.handle()));
                found
            }
        };
        let result = (self.0.run)(scope, session).await.map(Answered).map_err(AppError::from);
        Outcome::from(request, result)
    }
}

struct Answered(AppAnswer);

impl<'r> Responder<'r, 'static> for Answered {
    fn respond_to(self, _: &'r Request<'_>) -> rocket::response::Result<'static> {
        let body = self.0.json.to_string();
        let mut response = Response::build();
        response.status(Status::new(self.0.status.as_u16())).raw_header("content-type", "application/json");
        for (name, value) in &self.0.headers {
            response.raw_header_adjoin(name.as_str().to_owned(), value.to_str().expect("text").to_owned());
        }
        response.sized_body(body.len(), Cursor::new(body)).ok()
    }
}

/// An application's own error type, which knows the SDK's.
enum AppError {
    Session(Error),
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

impl<'r> Responder<'r, 'static> for AppError {
    fn respond_to(self, request: &'r Request<'_>) -> rocket::response::Result<'static> {
        match self {
            Self::Session(error) => error.respond_to(request),
            Self::Foreign(text) => {
                let status = Status::new(FOREIGN.as_u16());
                Response::build().status(status).sized_body(text.len(), Cursor::new(text)).ok()
            }
        }
    }
}

#[derive(Clone)]
struct Echo;

#[rocket::async_trait]
impl Handler for Echo {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let body = data.open(ECHO_LIMIT.bytes()).into_bytes().await.expect("a body");
        if !body.is_complete() {
            return Outcome::Error(Status::PayloadTooLarge);
        }
        let body = body.into_inner();
        let mut response = Response::build();
        if let Some(kind) = request.headers().get_one("content-type") {
            response.raw_header("content-type", kind.to_owned());
        }
        Outcome::Success(response.sized_body(body.len(), Cursor::new(body)).finalize())
    }
}

#[derive(Clone)]
struct Stream(Arc<Notify>);

#[rocket::async_trait]
impl Handler for Stream {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let Auth(scope) = guard!(Auth::from_request(request).await, data);
        let pieces = StandardApp::stream(Arc::clone(&self.0), &scope).await.map_err(Error::from);
        Outcome::from(request, pieces.map(|pieces| ByteStream(pieces.map(|piece| piece.expect("a piece")))))
    }
}

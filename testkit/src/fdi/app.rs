//! What is an application to the scenarios, whatever framework it is written in?
//!
//! A [`StandardApp`] is data: an engine, and routes with guards. Each adapter's test builds it with its framework's own
//! idioms and gives back a function from request to response. See section 7 of the house rules.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use supertokens::session::{NewSession, Session, VerifyOptions};
use supertokens::{BoxFuture, Scope, SuperTokens};
use tokio::sync::Notify;

use super::listening::Listening;

/// An application to be built by an adapter's test.
///
/// - The SDK's layer is outermost but for CORS, which is the adapter's own helper and is there only if `cors` is set.
/// - Routes whose path begins with `/nested/` are put into a router of their own, mounted at `/nested`.
/// - `POST /echo` is there besides: it answers with the request's body and content type, and no guard. The framework's own limit for
///   bodies is [`ECHO_LIMIT`] there.
/// - `GET /stream` too, with no guard: it answers with [`StandardApp::stream`] by the framework's own means.
/// - A path that is none of these is answered with 404 by the framework.
#[derive(Clone)]
pub struct StandardApp {
    /// The SDK.
    pub engine: SuperTokens,
    /// The application's own routes.
    pub routes: Vec<AppRoute>,
    /// Whether the adapter's CORS helper is in front of everything.
    pub cors: bool,
    /// What the second piece of a stream waits for.
    pub gate: Arc<Notify>,
}

/// Pieces of a body, as they come.
pub type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>;

impl StandardApp {
    /// Makes a session, and a body of two pieces: the second comes when the gate is opened.
    ///
    /// # Errors
    /// As creating a session.
    pub async fn stream(gate: Arc<Notify>, scope: &Scope) -> Result<Pieces, supertokens::Error> {
        scope.create_new_session(NewSession::of("ada")).await?;
        Ok(Box::pin(stream::iter(0..2).then(move |number| {
            let gate = Arc::clone(&gate);
            async move {
                if number > 0 {
                    gate.notified().await;
                }
                Ok(Bytes::from(format!("piece {number}")))
            }
        })))
    }
}

/// One route of an application.
#[derive(Clone)]
pub struct AppRoute {
    /// The verb.
    pub method: Method,
    /// The whole path, without parameters.
    pub path: &'static str,
    /// What stands before the handler.
    pub guard: Guard,
    /// The handler.
    pub run: Handler,
}

/// What stands before a handler.
#[derive(Clone, Debug)]
pub enum Guard {
    /// Nothing; the handler gets no session.
    Open,
    /// The framework's extractor of a session that must be there.
    Required,
    /// The framework's extractor of a session that may be missing.
    Optional,
    /// The framework's guard for one route, with options; the handler gets what it found.
    With(VerifyOptions),
}

/// A handler: the request's scope and its guard's session in, an answer or an error out.
pub type Handler = Arc<dyn Fn(Scope, Option<Session>) -> BoxFuture<'static, Result<AppAnswer, HandlerError>> + Send + Sync>;

/// What a handler answers.
#[derive(Clone, Debug)]
pub struct AppAnswer {
    /// The status.
    pub status: StatusCode,
    /// Headers, besides the content type. A name may be there more than once.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub json: Value,
}

/// Why a handler has no answer.
#[derive(Debug)]
pub enum HandlerError {
    /// An error of the SDK, which the framework's `?` brings to the adapter.
    Session(supertokens::Error),
    /// An error of the application. Its own error path answers it with 418 and the text.
    Foreign(String),
}

/// The status with which an application's own error path answers.
pub const FOREIGN: StatusCode = StatusCode::IM_A_TEAPOT;

/// What `/echo` takes, in bytes. More is refused with 413.
pub const ECHO_LIMIT: usize = 1024 * 1024;

/// An application that was built: a request in, the response out.
pub type Serve = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> + Send + Sync>;

/// A framework under test.
#[derive(Clone, Copy)]
pub struct Framework {
    /// Its name, in the names of tests: that of its directory beside the other adapters.
    pub name: &'static str,
    /// Builds an application with it. [`over_http`](super::over_http) makes one out of `listen`, for frameworks whose tests have no
    /// simpler way.
    pub build: fn(StandardApp) -> Serve,
    /// Serves an application on this socket, HTTP/1 and HTTP/2 without TLS, until what it gives back is dropped.
    pub listen: fn(StandardApp, TcpListener) -> Listening,
    /// What it cannot have by its nature, and why: a subject, or a scenario with its subject before it. Reported as ignored, with the
    /// reason. An entry that names nothing fails.
    pub lacks: &'static [(&'static str, &'static str)],
}

impl AppRoute {
    /// A route of any verb.
    pub fn new<F, R>(method: Method, path: &'static str, guard: Guard, handler: F) -> Self
    where
        F: Fn(Scope, Option<Session>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<AppAnswer, HandlerError>> + Send + 'static,
    {
        Self { method, path, guard, run: Arc::new(move |scope, session| Box::pin(handler(scope, session))) }
    }

    /// A route for `GET`.
    pub fn get<F, R>(path: &'static str, guard: Guard, handler: F) -> Self
    where
        F: Fn(Scope, Option<Session>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<AppAnswer, HandlerError>> + Send + 'static,
    {
        Self::new(Method::GET, path, guard, handler)
    }

    /// A route for `POST`.
    pub fn post<F, R>(path: &'static str, guard: Guard, handler: F) -> Self
    where
        F: Fn(Scope, Option<Session>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<AppAnswer, HandlerError>> + Send + 'static,
    {
        Self::new(Method::POST, path, guard, handler)
    }
}

impl AppAnswer {
    /// 200 with this body.
    pub fn json(json: Value) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), json }
    }

    /// 200 with `{"status":"OK"}`.
    pub fn ok() -> Self {
        Self::json(json!({ "status": "OK" }))
    }

    /// Another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).expect("a status");
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value")));
        self
    }

    /// The response, for frameworks that speak the `http` crate.
    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.json.to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

impl From<supertokens::Error> for HandlerError {
    fn from(error: supertokens::Error) -> Self {
        Self::Session(error)
    }
}

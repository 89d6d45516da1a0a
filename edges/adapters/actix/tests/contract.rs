//! What any application with the SDK must do, in actix-web: the standard application with actix's own idioms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use std::fmt;
use std::net::TcpListener;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Condition;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Resource, ResponseError, guard, rt, test, web};
use bytes::Bytes;
use http::{Request, Response};
use supertokens::Scope;
use supertokens_actix::{Auth, MaybeSession, Session, SuperTokensMiddleware, cors, verify_session};
use supertokens_testkit::fdi::{
    AppAnswer, AppRoute, ECHO_LIMIT, FOREIGN, Framework, Guard, Handler, HandlerError, Listening, Serve, StandardApp,
    run_contract,
};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::oneshot;

fn main() -> ExitCode {
    run_contract(Framework { name: "actix", build, listen, lacks: &[] })
}

/// A request, and where its answer goes.
type Asked = (Request<Bytes>, oneshot::Sender<Response<Bytes>>);

/// A thread of its own, because actix's services stay on the one where they were made.
struct Thread {
    asked: Option<UnboundedSender<Asked>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    /// Nothing of the application is left then.
    fn drop(&mut self) {
        drop(self.asked.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn build(app: StandardApp) -> Serve {
    let (asked, mut asks) = mpsc::unbounded_channel::<Asked>();
    let thread = std::thread::spawn(move || {
        rt::System::new().block_on(async move {
            let cors = Condition::new(app.cors, cors(&app.engine));
            let sessions = SuperTokensMiddleware::new(app.engine.clone());
            let app = Rc::new(test::init_service(App::new().configure(routes(app)).wrap(sessions).wrap(cors)).await);
            while let Some((request, reply)) = asks.recv().await {
                let app = Rc::clone(&app);
                rt::spawn(
                    async move { drop(reply.send(answered(test::call_service(&*app, ask(request).to_request()).await).await)) },
                );
            }
        });
    });
    let thread = Thread { asked: Some(asked), thread: Some(thread) };
    Arc::new(move |request| {
        let (reply, replied) = oneshot::channel();
        thread.asked.as_ref().expect("it lives").send((request, reply)).expect("it listens");
        Box::pin(async move { replied.await.expect("an answer") })
    })
}

fn ask(request: Request<Bytes>) -> test::TestRequest {
    let method = Method::from_bytes(request.method().as_str().as_bytes()).expect("a verb");
    let mut ask = test::TestRequest::with_uri(&request.uri().to_string()).method(method);
    for (name, value) in request.headers() {
        ask = ask.append_header((name.as_str(), value.as_bytes()));
    }
    ask.set_payload(request.into_body())
}

async fn answered(answered: ServiceResponse<impl MessageBody>) -> Response<Bytes> {
    let mut response = Response::builder().status(answered.status().as_u16());
    for (name, value) in answered.headers() {
        response = response.header(name.as_str(), value.as_bytes());
    }
    let body = to_bytes(answered.into_body()).await.ok().expect("a whole body");
    response.body(body).expect("a response")
}

fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let with_cors = app.cors;
                let (cors, sessions) = (cors(&app.engine), SuperTokensMiddleware::new(app.engine.clone()));
                let routes = routes(app.clone());
                App::new().configure(routes).wrap(sessions).wrap(Condition::new(with_cors, cors))
            });
            let server = server.workers(1).disable_signals().listen_auto_h2c(socket).expect("a socket").run();
            tell.send(server.handle()).expect("somebody waits");
            server.await.expect("actix serves");
        });
    });
    let handle = told.recv().expect("a server");
    Listening::until(move || {
        // The command is on its way when this returns.
        drop(handle.stop(false));
        thread.join().expect("actix ends");
    })
}

fn routes(app: StandardApp) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        let mut nested = web::scope("/nested");
        for route in app.routes {
            match route.path.strip_prefix("/nested") {
                Some(inside) if inside.starts_with('/') => nested = nested.configure(|config| add(config, inside, &route)),
                _ => add(config, route.path, &route),
            }
        }
        let gate = app.gate;
        let stream = move |auth: Auth| {
            let gate = Arc::clone(&gate);
            async move { Ok::<_, supertokens_actix::Error>(HttpResponse::Ok().streaming(StandardApp::stream(gate, &auth).await?)) }
        };
        config.app_data(web::PayloadConfig::new(ECHO_LIMIT));
        config.service(nested).route("/echo", web::post().to(echo)).route("/stream", web::get().to(stream));
    }
}

fn add(config: &mut web::ServiceConfig, path: &str, route: &AppRoute) {
    let verb = Method::from_bytes(route.method.as_str().as_bytes()).expect("a verb");
    let resource = Resource::new(path).guard(guard::Method(verb));
    let run = Arc::clone(&route.run);
    match route.guard.clone() {
        Guard::Open => config.service(resource.to(move |auth: Auth| answer(Arc::clone(&run), auth.0, None))),
        Guard::Required => {
            config.service(resource.to(move |auth: Auth, session: Session| answer(Arc::clone(&run), auth.0, Some(session))))
        }
        Guard::Optional => {
            config.service(resource.to(move |auth: Auth, session: MaybeSession| answer(Arc::clone(&run), auth.0, session.0)))
        }
        Guard::With(options) => config.service(
            resource
                .to(move |auth: Auth, session: MaybeSession| answer(Arc::clone(&run), auth.0, session.0))
                .wrap(verify_session(options)),
        ),
    };
}

async fn answer(run: Handler, scope: Scope, session: Option<Session>) -> Result<HttpResponse, AppError> {
    let AppAnswer { status, headers, json } = run(scope, session.map(Session::into_inner)).await?;
    let mut response = HttpResponse::build(StatusCode::from_u16(status.as_u16()).expect("a status"));
    for (name, value) in &headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    Ok(response.content_type("application/json").body(json.to_string()))
}

/// An application's own error type, which knows the SDK's.
#[derive(Debug)]
enum AppError {
    Session(supertokens_actix::Error),
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

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(error) => error.fmt(f),
            Self::Foreign(text) => f.write_str(text),
        }
    }
}

impl ResponseError for AppError {
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Session(error) => error.error_response(),
            Self::Foreign(text) => {
                HttpResponse::build(StatusCode::from_u16(FOREIGN.as_u16()).expect("a status")).body(text.clone())
            }
        }
    }
}

async fn echo(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(kind) = request.headers().get(header::CONTENT_TYPE) {
        response.insert_header((header::CONTENT_TYPE, kind.clone()));
    }
    response.body(body)
}

//! What any application with the SDK must do, in Salvo: the standard application with Salvo's own idioms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::BodyExt as _;
use salvo::conn::tcp::TcpAcceptor;
use salvo::http::uri::Scheme;
use salvo::http::{ParseError, ResBody};
use salvo::{Depot, FlowCtrl, Response, Router, Server, Service, Writer, async_trait, handler};
use supertokens::Scope;
use supertokens_salvo::{Auth, MaybeSession, Session, SuperTokensHoop, cors, verify_session};
use supertokens_testkit::fdi::{
    AppRoute, ECHO_LIMIT, FOREIGN, Framework, Guard, Handler, HandlerError, Listening, Serve, StandardApp, run_contract,
};
use tokio::sync::Notify;

fn main() -> ExitCode {
    run_contract(Framework { name: "salvo", build, listen, lacks: &[] })
}

fn build(app: StandardApp) -> Serve {
    let service = Arc::new(service(app));
    Arc::new(move |request| Box::pin(serve(Arc::clone(&service), request)))
}

fn listen(app: StandardApp, socket: TcpListener) -> Listening {
    let service = service(app);
    Listening::task(async move {
        let acceptor = TcpAcceptor::try_from(tokio::net::TcpListener::from_std(socket).expect("a socket")).expect("an acceptor");
        Server::new(acceptor).serve(service).await;
    })
}

fn service(app: StandardApp) -> Service {
    let own = [Router::with_path("echo").post(echo), Router::with_path("stream").hoop(Gate(app.gate)).get(stream)];
    let (mut outer, mut nested) = (Router::new().append(&mut own.into()), Router::with_path("nested"));
    for route in app.routes {
        match route.path.strip_prefix("/nested/") {
            Some(inside) => nested = nested.push(router(inside, route)),
            None => outer = outer.push(router(route.path.trim_start_matches('/'), route)),
        }
    }
    let mut service = Service::new(outer.push(nested));
    if app.cors {
        service = service.hoop(cors(&app.engine).into_handler());
    }
    service.hoop(SuperTokensHoop::new(app.engine))
}

async fn serve(service: Arc<Service>, request: Request<Bytes>) -> http::Response<Bytes> {
    let (parts, body) = service.handle(salvo::Request::from_hyper(request, Scheme::HTTP)).await.into_hyper().into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    http::Response::from_parts(parts, body)
}

fn router(path: &str, route: AppRoute) -> Router {
    let verb = route.method;
    let filtered = Router::with_path(path).filter_fn(move |request, _| request.method() == verb);
    let run = Run(route.run);
    match route.guard {
        Guard::Open => filtered.hoop(run).goal(open),
        Guard::Required => filtered.hoop(run).goal(required),
        Guard::Optional => filtered.hoop(run).goal(optional),
        Guard::With(options) => filtered.hoop(run).hoop(verify_session(options)).goal(optional),
    }
}

/// Gives a route its handler, as Salvo gives what is its own: in the depot.
struct Run(Handler);

#[async_trait]
impl salvo::Handler for Run {
    async fn handle(&self, _: &mut salvo::Request, depot: &mut Depot, _: &mut Response, _: &mut FlowCtrl) {
        depot.insert_typed(Arc::clone(&self.0));
    }
}

#[handler]
async fn open(auth: Auth, depot: &mut Depot) -> Result<Answer, AppError> {
    answer(depot, auth.0, None).await
}

#[handler]
async fn required(auth: Auth, session: Session, depot: &mut Depot) -> Result<Answer, AppError> {
    answer(depot, auth.0, Some(session)).await
}

#[handler]
async fn optional(auth: Auth, session: MaybeSession, depot: &mut Depot) -> Result<Answer, AppError> {
    answer(depot, auth.0, session.0).await
}

async fn answer(depot: &Depot, scope: Scope, session: Option<Session>) -> Result<Answer, AppError> {
    let run = depot.get_typed::<Handler>().expect("the route's handler");
    Ok(Answer(run(scope, session.map(Session::into_inner)).await?.into_response()))
}

struct Answer(http::Response<Bytes>);

#[async_trait]
impl Writer for Answer {
    async fn write(self, _: &mut salvo::Request, _: &mut Depot, response: &mut Response) {
        let (parts, body) = self.0.into_parts();
        response.status_code(parts.status);
        response.headers_mut().extend(parts.headers);
        response.replace_body(ResBody::Once(body));
    }
}

/// An application's own error type, which knows the SDK's.
enum AppError {
    Session(supertokens_salvo::Error),
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

#[async_trait]
impl Writer for AppError {
    async fn write(self, request: &mut salvo::Request, depot: &mut Depot, response: &mut Response) {
        match self {
            Self::Session(error) => error.write(request, depot, response).await,
            Self::Foreign(text) => {
                response.status_code(FOREIGN);
                response.render(text);
            }
        }
    }
}

struct Gate(Arc<Notify>);

#[async_trait]
impl salvo::Handler for Gate {
    async fn handle(&self, _: &mut salvo::Request, depot: &mut Depot, _: &mut Response, _: &mut FlowCtrl) {
        depot.insert_typed(Arc::clone(&self.0));
    }
}

#[handler]
async fn stream(auth: Auth, depot: &mut Depot, response: &mut Response) -> Result<(), supertokens_salvo::Error> {
    let gate = depot.get_typed::<Arc<Notify>>().expect("the route's gate");
    response.stream(StandardApp::stream(Arc::clone(gate), &auth).await?);
    Ok(())
}

#[handler]
async fn echo(request: &mut salvo::Request, response: &mut Response) -> Result<(), ParseError> {
    if let Some(kind) = request.headers().get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    let body = request.payload_with_max_size(ECHO_LIMIT).await?.clone();
    response.replace_body(ResBody::Once(body));
    Ok(())
}

//! The same two routes in every framework: `/hello` for everybody, `/me` for the signed in, which is only there with the middleware.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use supertokens::SuperTokens;
use tokio::runtime::Runtime;

/// Asks for a path; gives the status.
pub(crate) type Ask = Box<dyn FnMut(&'static str) -> Pin<Box<dyn Future<Output = u16>>>>;

/// Builds the application, with or without the SDK, and whoever asks it with this cookie.
type Build = fn(&Runtime, Option<SuperTokens>, &str) -> Ask;

/// All of them.
pub(crate) const ALL: &[(&str, Build)] =
    &[("axum", axum), ("actix", actix), ("lambda", lambda), ("poem", poem), ("rocket", rocket), ("salvo", salvo), ("warp", warp)];

const HEADERS: [(&str, &str); 3] = [("host", "localhost"), ("accept", "*/*"), ("user-agent", "bench")];

fn request<B: Default>(path: &str, cookie: &str) -> http::Request<B> {
    let request = HEADERS.iter().fold(http::Request::get(path), |request, (name, value)| request.header(*name, *value));
    request.header("cookie", cookie).body(B::default()).unwrap()
}

/// A tower service that is asked.
fn tower<S, B, R>(service: S, cookie: &str) -> Ask
where
    S: tower_service::Service<http::Request<B>, Response = http::Response<R>> + Clone + 'static,
    S::Error: std::fmt::Debug,
    B: Default + 'static,
    R: 'static,
{
    let cookie = cookie.to_owned();
    Box::new(move |path| {
        let (mut service, request) = (service.clone(), request(path, &cookie));
        Box::pin(async move { service.call(request).await.unwrap().status().as_u16() })
    })
}

fn axum(_: &Runtime, engine: Option<SuperTokens>, cookie: &str) -> Ask {
    use axum::{Router, body::Body, routing::get};
    use supertokens_axum::{Session, SuperTokensLayer};

    let mut router = Router::new().route("/hello", get(async || "hello"));
    if let Some(engine) = engine {
        let me = async |session: Session| session.user_id().to_owned();
        router = router.route("/me", get(me)).layer(SuperTokensLayer::new(engine));
    }
    tower::<_, Body, _>(router, cookie)
}

fn lambda(_: &Runtime, engine: Option<SuperTokens>, cookie: &str) -> Ask {
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
    use lambda_http::request::RequestContext;
    use lambda_http::tower::{Layer as _, ServiceExt as _, service_fn};
    use lambda_http::{Body, Error, Request, RequestExt as _, Response};
    use supertokens_lambda::{SessionExt as _, SuperTokensLayer};

    async fn api(request: Request) -> Result<Response<Body>, Error> {
        match request.uri().path() {
            "/hello" => Ok(Response::new("hello".into())),
            _ => Ok(Response::new(request.session().await?.user_id().into())),
        }
    }
    // What every event has: where it comes from, and the path as it was asked for.
    fn of_an_event(mut request: Request) -> Request {
        let path = request.uri().path().to_owned();
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.stage = Some("$default".to_owned());
        request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));
        request.with_raw_http_path(&path)
    }
    match engine {
        None => tower::<_, Body, _>(service_fn(|request| api(of_an_event(request))), cookie),
        Some(engine) => {
            let with = SuperTokensLayer::new(engine).layer(service_fn(api));
            tower::<_, Body, _>(with.map_request(of_an_event), cookie)
        }
    }
}

fn poem(_: &Runtime, engine: Option<SuperTokens>, cookie: &str) -> Ask {
    use poem::{Endpoint, EndpointExt as _, Request, Route, get, handler};
    use supertokens_poem::{Session, SuperTokensMiddleware};

    #[handler]
    fn hello() -> &'static str {
        "hello"
    }
    #[handler]
    fn me(session: Session) -> String {
        session.user_id().to_owned()
    }
    fn asking<E: Endpoint + 'static>(app: E, cookie: &str) -> Ask {
        let (app, cookie) = (Rc::new(app), cookie.to_owned());
        Box::new(move |path| {
            let request =
                HEADERS.iter().fold(Request::builder().uri_str(path), |request, (name, value)| request.header(*name, *value));
            let (app, request) = (Rc::clone(&app), request.header("cookie", cookie.as_str()).finish());
            Box::pin(async move { app.get_response(request).await.status().as_u16() })
        })
    }
    let app = Route::new().at("/hello", get(hello));
    match engine {
        None => asking(app, cookie),
        Some(engine) => asking(app.at("/me", get(me)).with(SuperTokensMiddleware::new(engine)), cookie),
    }
}

fn salvo(_: &Runtime, engine: Option<SuperTokens>, cookie: &str) -> Ask {
    use salvo::http::uri::Scheme;
    use salvo::prelude::{Router, Service, Writer as _, handler};
    use supertokens_salvo::{Session, SuperTokensHoop};

    #[handler]
    async fn hello() -> &'static str {
        "hello"
    }
    #[handler]
    async fn me(session: Session) -> String {
        session.user_id().to_owned()
    }
    let router = Router::new().push(Router::with_path("hello").get(hello));
    let service = match engine {
        None => Service::new(router),
        Some(engine) => Service::new(router.push(Router::with_path("me").get(me))).hoop(SuperTokensHoop::new(engine)),
    };
    let (service, cookie) = (Rc::new(service), cookie.to_owned());
    Box::new(move |path| {
        let request = request::<http_body_util::Empty<bytes::Bytes>>(path, &cookie).map(|_| bytes::Bytes::new());
        let (service, request) = (Rc::clone(&service), salvo::Request::from_hyper(request, Scheme::HTTP));
        Box::pin(async move { service.handle(request).await.status_code.map_or(0, |status| status.as_u16()) })
    })
}

fn warp(_: &Runtime, engine: Option<SuperTokens>, cookie: &str) -> Ask {
    use supertokens::session::Session;
    use warp::Filter as _;

    type Body = http_body_util::Empty<bytes::Bytes>;
    let hello = warp::path!("hello").and(warp::get()).map(|| "hello");
    match engine {
        None => tower::<_, Body, _>(warp::service(hello), cookie),
        Some(engine) => {
            let me = warp::path!("me").and(warp::get()).and(supertokens_warp::session());
            let routes = hello.or(me.map(|session: Session| session.user_id().to_owned()));
            tower(supertokens_warp::service::<_, Body>(&engine, routes), cookie)
        }
    }
}

fn actix(runtime: &Runtime, engine: Option<SuperTokens>, cookie: &str) -> Ask {
    use actix_web::{App, test, web};
    use supertokens_actix::{Session, SuperTokensMiddleware};

    async fn hello() -> &'static str {
        "hello"
    }
    async fn me(session: Session) -> String {
        session.user_id().to_owned()
    }
    let cookie = cookie.to_owned();
    let ask = move |path: &str| {
        let request =
            HEADERS.into_iter().fold(test::TestRequest::get().uri(path), |request, header| request.insert_header(header));
        request.insert_header(("cookie", cookie.as_str())).to_request()
    };
    match engine {
        None => {
            let app = App::new().route("/hello", web::get().to(hello));
            let app = Rc::new(runtime.block_on(test::init_service(app)));
            Box::new(move |path| {
                let (app, request) = (Rc::clone(&app), ask(path));
                Box::pin(async move { test::call_service(&*app, request).await.status().as_u16() })
            })
        }
        Some(engine) => {
            let app = App::new().route("/hello", web::get().to(hello)).route("/me", web::get().to(me));
            let app = Rc::new(runtime.block_on(test::init_service(app.wrap(SuperTokensMiddleware::new(engine)))));
            Box::new(move |path| {
                let (app, request) = (Rc::clone(&app), ask(path));
                Box::pin(async move { test::call_service(&*app, request).await.status().as_u16() })
            })
        }
    }
}

fn rocket(runtime: &Runtime, engine: Option<SuperTokens>, cookie: &str) -> Ask {
    use rocket::config::{Config, LogLevel};
    use rocket::http::Header;
    use rocket::local::asynchronous::Client;
    use rocket::{get, routes};
    use supertokens_rocket::{Session, SuperTokensFairing};

    #[get("/hello")]
    async fn hello() -> &'static str {
        "hello"
    }
    #[get("/me")]
    async fn me(session: Session) -> String {
        session.user_id().to_owned()
    }
    let mut rocket = rocket::custom(Config { log_level: LogLevel::Off, ..Config::default() }).mount("/", routes![hello]);
    if let Some(engine) = engine {
        rocket = rocket.mount("/", routes![me]).attach(SuperTokensFairing::new(engine));
    }
    let (client, cookie) = (Rc::new(runtime.block_on(Client::untracked(rocket)).unwrap()), cookie.to_owned());
    Box::new(move |path| {
        let (client, cookie) = (Rc::clone(&client), cookie.clone());
        Box::pin(async move {
            let mut request = client.get(path);
            for (name, value) in HEADERS {
                request.add_header(Header::new(name, value));
            }
            request.add_header(Header::new("cookie", cookie));
            request.dispatch().await.status().code
        })
    })
}

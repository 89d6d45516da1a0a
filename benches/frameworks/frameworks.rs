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
pub(crate) const ALL: &[(&str, Build)] = &[("axum", axum), ("actix", actix), ("rocket", rocket), ("warp", warp)];

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

//! What only warp has: rejections of the application's own, routes that are tried one after the other, and warp's server in the place
//! of ours.
#![allow(clippy::expect_used, reason = "a failed expectation is how a test fails")]

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use supertokens::session::{Session, SessionRecipe};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_testkit::errors_logged::ErrorsLogged;
use supertokens_warp::{service, session};
use tower_service::Service;
use warp::reject::{Reject, Rejection};
use warp::{Filter, Reply};

async fn engine() -> SuperTokens {
    let app = AppInfo::new("Shop").api_domain("https://api.example.com").website_domain("https://example.com");
    let builder = SuperTokens::builder(app).core(Core::embedded("sqlite::memory:"));
    builder.recipe(SessionRecipe::new()).build().await.expect("an SDK")
}

fn me() -> impl Filter<Extract = (String,), Error = Rejection> + Clone + Send + Sync + 'static {
    warp::path!("me").and(warp::get()).and(session()).map(|session: Session| session.user_id().to_owned())
}

async fn ask<S, R>(mut service: S, path: &str) -> (StatusCode, String)
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error = Infallible>,
    R: http_body::Body<Data = Bytes, Error = warp::Error>,
{
    let request = Request::get(path).body(Full::default()).expect("a request");
    let Ok(response) = service.call(request).await;
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_missing_layer_is_logged_once() {
    let (log, _until_the_end) = ErrorsLogged::listen();
    for _ in 0..3 {
        let (status, _) = ask(warp::service(me().recover(supertokens_warp::recover)), "/me").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    log.says_once("supertokens_warp::serve(&supertokens, routes)");
}

#[derive(Debug)]
struct OutOfTea;

impl Reject for OutOfTea {}

#[tokio::test]
async fn rejections_of_others_are_recovered_by_the_application() {
    let tea = warp::path!("tea").and_then(|| async { Err::<String, _>(warp::reject::custom(OutOfTea)) });
    let recover = |rejection: Rejection| async move {
        match rejection.find::<OutOfTea>() {
            Some(_) => Ok(warp::reply::with_status("out of tea", StatusCode::IM_A_TEAPOT).into_response()),
            None => Err(rejection),
        }
    };
    let routes = me().or(tea).recover(recover);
    let engine = engine().await;
    let service = || service::<_, Full<Bytes>>(&engine, routes.clone());
    assert_eq!(ask(service(), "/tea").await, (StatusCode::IM_A_TEAPOT, "out of tea".to_owned()));
    assert_eq!(ask(service(), "/me").await, (StatusCode::UNAUTHORIZED, r#"{"message":"unauthorised"}"#.to_owned()));
    assert_eq!(ask(service(), "/nowhere").await.0, StatusCode::NOT_FOUND);
}

/// As warp has it: who refuses lets the next one try.
#[tokio::test]
async fn a_later_route_may_answer_what_an_earlier_one_refused() {
    let strangers = warp::path!("me").map(|| "a page for strangers");
    let (status, body) = ask(service::<_, Full<Bytes>>(&engine().await, me().or(strangers)), "/me").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "a page for strangers"));
}

#[tokio::test]
async fn the_server_says_who_asks() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = socket.local_addr().expect("an address");
    let who = warp::path!("who").and(warp::ext::get::<SocketAddr>()).map(|address: SocketAddr| address.ip().to_string());
    let serving = tokio::spawn(supertokens_warp::serve(&engine().await, who).incoming(socket));
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let (mut client, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    let request = Request::get("/who").header("host", "localhost").body(Full::<Bytes>::default()).expect("a request");
    let answer = client.send_request(request).await.expect("an answer").into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(answer, "127.0.0.1");
    serving.abort();
}

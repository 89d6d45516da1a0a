//! Over real sockets: HTTP/1 with an upgrade, HTTP/2 with cookies in several lines, and hyper without axum.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use supertokens_axum::{Session, SuperTokensLayer};
use supertokens_domain::time::HOUR;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::world::{NOW, World, token};

/// Serves a router until the test ends.
async fn serve(router: Router) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn me(session: Session) -> String {
    session.user_id().to_owned()
}

#[tokio::test]
async fn an_upgraded_connection_is_left_alone() {
    let world = World::new().await;
    async fn talk(session: Session, mut request: Request) -> Response<Body> {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.unwrap());
            stream.write_all(format!("hello {}", session.user_id()).as_bytes()).await.unwrap();
        });
        let switching = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        switching.header(header::CONNECTION, "upgrade").header(header::UPGRADE, "talk").body(Body::empty()).unwrap()
    }
    let address = serve(Router::new().route("/talk", get(talk)).layer(SuperTokensLayer::new(world.engine.clone()))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /talk HTTP/1.1\r\nhost: api\r\nconnection: upgrade\r\nupgrade: talk\r\ncookie: sAccessToken={}\r\n\r\n",
        token(NOW + HOUR)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello anna"), "{answer}");
}

#[tokio::test]
async fn over_http_2_cookies_may_come_in_pieces() {
    let world = World::new().await;
    let address = serve(Router::new().route("/me", get(me)).layer(SuperTokensLayer::new(world.engine.clone()))).await;
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(format!("http://{address}/me"))
        .header("cookie", "theme=dark")
        .header("cookie", format!("sAccessToken={}", token(NOW + HOUR)))
        .body(Full::<Bytes>::default())
        .unwrap();
    let response = client.send_request(request).await.unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, http::Version::HTTP_2));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "anna");
    let request = http::Request::post(format!("http://{address}/auth/session/refresh")).body(Full::<Bytes>::default()).unwrap();
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

/// An application on hyper alone.
#[derive(Clone)]
struct Bare;

impl Service<http::Request<Incoming>> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        let knows = request.extensions().get::<supertokens::Scope>().is_some();
        std::future::ready(Ok(Response::new(Full::from(format!("scope: {knows}")))))
    }
}

#[tokio::test]
async fn hyper_needs_no_axum() {
    let world = World::new().await;
    let service = TowerToHyperService::new(supertokens::tower::SuperTokensLayer::new(world.engine.clone()).layer(Bare));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    });
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    for (path, expected) in [("/", "scope: true"), ("/auth/jwt/jwks.json", "{\"keys\":[{")] {
        let request = http::Request::get(path).header("host", "api").body(Full::<Bytes>::default()).unwrap();
        let body = client.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(expected.as_bytes()), "{body:?}");
    }
}

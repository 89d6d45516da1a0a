//! Bodies pass through unread, and the application's own headers and cookies stay.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use supertokens::session::{NewSession, VerifyOptions};
use supertokens::tower::{SuperTokensLayer as Layer, VerifySessionLayer};
use supertokens_axum::{Auth, Result, Session, SuperTokensLayer};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::world::{World, ask, by_anna, by_browser, send};

/// A body that must not be touched.
struct Untouchable;

impl http_body::Body for Untouchable {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was read");
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(7)
    }
}

/// An application that knows no axum; `R` is the body of its responses.
struct Plain<R>(fn(&Request<Untouchable>) -> Response<R>);

impl<R> Clone for Plain<R> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<R> Service<Request<Untouchable>> for Plain<R> {
    type Response = Response<R>;
    type Error = &'static str;
    type Future = std::future::Ready<std::result::Result<Response<R>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Untouchable>) -> Self::Future {
        std::future::ready(match request.uri().path() {
            "/broken" => Err("broken"),
            _ => Ok((self.0)(&request)),
        })
    }
}

fn untouched(path: &str) -> Request<Untouchable> {
    by_anna("POST", path).body(Untouchable).unwrap()
}

#[tokio::test]
async fn no_body_is_read_on_the_way_in_or_out() {
    let world = World::new().await;
    let guarded = VerifySessionLayer::new(VerifyOptions::new()).layer(Plain(|request| {
        assert_eq!(request.extensions().get::<supertokens::session::Session>().unwrap().user_id(), "anna");
        Response::new(Untouchable)
    }));
    let mut app = Layer::new(world.engine.clone()).layer(guarded);
    let response = app.call(untouched("/upload")).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(7));
    assert!(!response.body().is_end_stream());
}

#[tokio::test]
async fn the_sdks_own_endpoints_read_no_body_either() {
    let world = World::new().await;
    let mut app = Layer::new(world.engine.clone()).layer(Plain::<Full<Bytes>>(|_| panic!("not for the application")));
    let response = app.call(untouched("/auth/signout")).await.unwrap();
    let hint = response.body().size_hint().exact();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!((body.as_ref(), hint), (br#"{"status":"OK"}"#.as_slice(), Some(15)));
}

#[tokio::test]
async fn errors_of_the_service_inside_pass_untouched() {
    let world = World::new().await;
    let mut app = Layer::new(world.engine.clone()).layer(Plain::<Full<Bytes>>(|_| Response::default()));
    assert_eq!(app.call(untouched("/broken")).await.unwrap_err(), "broken");
}

#[tokio::test]
async fn a_guard_in_a_plain_service_refuses() {
    let world = World::new().await;
    let guard = VerifySessionLayer::new(VerifyOptions::new());
    let mut app = Layer::new(world.engine.clone()).layer(guard.layer(Plain::<Full<Bytes>>(|_| panic!("called"))));
    let response = app.call(Request::new(Untouchable)).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.as_ref(), br#"{"message":"unauthorised"}"#);
}

#[tokio::test]
async fn a_stream_arrives_piece_by_piece_with_its_trailers() {
    let world = World::new().await;
    async fn streams(auth: Auth) -> Result<Body> {
        auth.create_new_session(NewSession::of("anna")).await?;
        Ok(Body::new(Pieces(0)))
    }
    let app = Router::new().route("/", get(streams)).layer(SuperTokensLayer::new(world.engine.clone()));
    let response = app.clone().call(by_browser("GET", "/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 2);
    let mut body = response.into_body();
    for expected in ["piece 0", "piece 1"] {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), expected);
    }
    assert_eq!(body.frame().await.unwrap().unwrap().into_trailers().unwrap()["x-end"], "yes");
    assert!(body.frame().await.is_none());
}

struct Pieces(u8);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        let place = self.0;
        self.0 += 1;
        Poll::Ready(match place {
            0 | 1 => Some(Ok(Frame::data(format!("piece {place}").into()))),
            2 => Some(Ok(Frame::trailers(HeaderMap::from_iter([(
                header::HeaderName::from_static("x-end"),
                "yes".parse().unwrap(),
            )])))),
            _ => None,
        })
    }
}

#[tokio::test]
async fn the_applications_body_reaches_its_handler() {
    let world = World::new().await;
    let echo = |_: Session, body: Bytes| async move { body };
    let app = Router::new().route("/", post(echo)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = send(&app, by_anna("POST", "/").body(Body::from("the body")).unwrap()).await;
    assert_eq!(answer.body, "the body");
}

#[tokio::test]
async fn cookies_and_headers_of_the_application_stay() {
    let world = World::new().await;
    async fn both(auth: Auth) -> Result<impl IntoResponse> {
        auth.create_new_session(NewSession::of("anna")).await?;
        let cookies = [(header::SET_COOKIE, "a=1; Path=/"), (header::SET_COOKIE, "b=2")];
        let exposed = [(header::ACCESS_CONTROL_EXPOSE_HEADERS, "x-mine"), (header::VARY, "accept")];
        Ok((AppendHeaders(cookies), AppendHeaders(exposed), "done"))
    }
    let app = Router::new().route("/", post(both)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, by_browser("POST", "/")).await;
    assert_eq!(answer.cookies()[..2], ["a=1; Path=/", "b=2"]);
    assert_eq!(answer.cookies().len(), 4, "{answer:?}");
    assert_eq!(answer.header("access-control-expose-headers"), Some("x-mine, front-token"));
    assert_eq!(answer.header("vary"), Some("accept"));
}

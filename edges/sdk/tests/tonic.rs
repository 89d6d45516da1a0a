//! gRPC: the tower layers around a tonic server, asked over HTTP/2 by a tonic client. The tokens travel as metadata, and nothing of
//! gRPC's own is lost on the way, neither a message of a stream nor its trailers.
#![cfg(all(feature = "embedded", feature = "tower"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _};
use supertokens::session::{NewSession, Session, SessionRecipe, VerifyOptions};
use supertokens::tower::{SuperTokensLayer, VerifySessionLayer};
use supertokens::{AppInfo, Core, Error, Scope, SuperTokens};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tower_layer::Layer as _;
use tower_service::Service;

type Answering<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Numbers = tokio_stream::Iter<std::vec::IntoIter<Result<String, Status>>>;

/// Messages are plain text.
#[derive(Default, Clone, Copy)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, item: String, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(item.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        String::from_utf8(bytes.into()).map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
    }
}

/// What a client is told of a session that is not good.
fn status(error: &Error) -> Status {
    match error {
        Error::Unauthorised { .. } | Error::TryRefreshToken { .. } => Status::unauthenticated(error.to_string()),
        Error::InvalidClaims { .. } => Status::permission_denied(error.to_string()),
        _ => Status::internal("see the log"),
    }
}

fn scope<T>(request: &Request<T>) -> Scope {
    request.extensions().get::<Scope>().expect("the layer stands around the server").clone()
}

struct LogIn;

impl UnaryService<String> for LogIn {
    type Response = String;
    type Future = Answering<Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let scope = scope(&request);
        Box::pin(async move {
            let session = scope.create_new_session(NewSession::of(request.into_inner())).await.map_err(|e| status(&e))?;
            Ok(Response::new(session.handle().to_owned()))
        })
    }
}

/// Checks the session by itself.
struct WhoAmI;

impl UnaryService<String> for WhoAmI {
    type Response = String;
    type Future = Answering<Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let scope = scope(&request);
        Box::pin(async move {
            let session = scope.verify_session(&VerifyOptions::new()).await.map_err(|e| status(&e))?;
            Ok(Response::new(session.expect("one is required").user_id().to_owned()))
        })
    }
}

/// Streams, and ends with a status that only trailers can carry. The guard stands around it.
struct Count;

impl ServerStreamingService<String> for Count {
    type Response = String;
    type ResponseStream = Numbers;
    type Future = Answering<Result<Response<Numbers>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let session = request.extensions().get::<Session>().expect("the guard stands around this").clone();
        let mut said: Vec<_> = (1..=3).map(|n| Ok(format!("{} {n}", session.user_id()))).collect();
        said.push(Err(Status::out_of_range("that is all")));
        Box::pin(async move { Ok(Response::new(tokio_stream::iter(said))) })
    }
}

#[derive(Clone)]
struct Greeter;

impl NamedService for Greeter {
    const NAME: &'static str = "test.Greeter";
}

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(Text);
            Ok(match request.uri().path() {
                "/test.Greeter/LogIn" => grpc.unary(LogIn, request).await,
                "/test.Greeter/WhoAmI" => grpc.unary(WhoAmI, request).await,
                "/test.Greeter/Count" => grpc.server_streaming(Count, request).await,
                path => Status::unimplemented(path).into_http(),
            })
        })
    }
}

async fn sdk() -> SuperTokens {
    let app = AppInfo::new("test").api_domain("http://localhost:3000").website_domain("http://localhost:3000");
    let builder = SuperTokens::builder(app).core(Core::embedded("sqlite::memory:")).recipe(SessionRecipe::default());
    builder.build().await.unwrap()
}

/// A server on a port of its own, with or without the guard, and somebody who is connected to it.
async fn client(engine: &SuperTokens, guarded: bool) -> tonic::client::Grpc<Channel> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder().layer(SuperTokensLayer::new(engine.clone()).grpc());
    if guarded {
        let guard = VerifySessionLayer::new(VerifyOptions::new());
        tokio::spawn(server.layer(guard).add_service(Greeter).serve_with_incoming(incoming));
    } else {
        let mut server = server;
        tokio::spawn(server.add_service(Greeter).serve_with_incoming(incoming));
    }
    tonic::client::Grpc::new(Endpoint::from_shared(address).unwrap().connect().await.unwrap())
}

/// A question with metadata, as a mobile application sends it.
fn question(text: &str, token: Option<&str>) -> Request<String> {
    let mut request = Request::new(text.to_owned());
    request.metadata_mut().insert("st-auth-mode", MetadataValue::from_static("header"));
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
}

async fn ask(
    client: &mut tonic::client::Grpc<Channel>,
    path: &'static str,
    request: Request<String>,
) -> Result<Response<String>, Status> {
    client.ready().await.unwrap();
    client.unary(request, path.parse().unwrap(), Text).await
}

fn said<'a>(metadata: &'a MetadataMap, name: &str) -> Option<&'a str> {
    metadata.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_session_begins_is_checked_and_refused_over_grpc() {
    let engine = sdk().await;
    let mut client = client(&engine, false).await;
    let answer = ask(&mut client, "/test.Greeter/LogIn", question("anna", None)).await.unwrap();
    let tokens =
        ["st-access-token", "st-refresh-token", "front-token"].map(|name| said(answer.metadata(), name).unwrap().to_owned());
    let handles = engine.session_handles_of_user("anna").await.unwrap();
    assert_eq!(handles, [answer.into_inner()]);

    let answer = ask(&mut client, "/test.Greeter/WhoAmI", question("", Some(&tokens[0]))).await.unwrap();
    assert_eq!(said(answer.metadata(), "st-access-token"), None, "nothing changed, so nothing is sent");
    assert_eq!(answer.into_inner(), "anna");

    let forged = format!("{}x", tokens[0]);
    for (token, code) in [(None, Code::Unauthenticated), (Some(forged.as_str()), Code::Unauthenticated)] {
        let refused = ask(&mut client, "/test.Greeter/WhoAmI", question("", token)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }
    let unknown = ask(&mut client, "/test.Greeter/Other", question("", Some(&tokens[0]))).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unimplemented);
}

#[tokio::test]
async fn the_guard_lets_streams_through_whole_and_refuses_in_words_that_grpc_understands() {
    let engine = sdk().await;
    let session = engine.create_new_session(NewSession::of("bert")).await.unwrap();
    let token = session.access_token();
    let mut client = client(&engine, true).await;

    client.ready().await.unwrap();
    let path = "/test.Greeter/Count".parse().unwrap();
    let mut stream = client.server_streaming(question("", Some(&token)), path, Text).await.unwrap().into_inner();
    for expected in ["bert 1", "bert 2", "bert 3"] {
        assert_eq!(stream.message().await.unwrap().as_deref(), Some(expected));
    }
    let end = stream.message().await.unwrap_err();
    assert_eq!((end.code(), end.message()), (Code::OutOfRange, "that is all"));

    let forged = format!("{token}x");
    for (token, message) in [(None, "unauthorised"), (Some(forged.as_str()), "try refresh token")] {
        let refused = ask(&mut client, "/test.Greeter/WhoAmI", question("", token)).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::Unauthenticated, message), "{refused}");
    }
}

/// A server of gRPC looks at the path alone, and would do what is asked.
#[tokio::test]
async fn no_verb_makes_a_call_without_a_session_pass_the_guard() {
    let engine = sdk().await;
    let layer = SuperTokensLayer::new(engine.clone()).grpc();
    for verb in ["OPTIONS", "TRACE"] {
        for content_type in ["application/grpc", "APPLICATION/GRPC+proto", "application/grpc-web"] {
            let mut service = layer.layer(VerifySessionLayer::new(VerifyOptions::new()).layer(Greeter));
            let call = http::Request::builder().method(verb).version(http::Version::HTTP_2).uri("/test.Greeter/WhoAmI");
            let call = call.header("content-type", content_type).body(Body::empty()).unwrap();
            let answer = service.call(call).await.unwrap();
            assert_eq!(answer.status().as_u16(), 401, "{verb} {content_type}");
        }
    }
}

/// A proxy that asks who may pass reads a 200 as a yes, so nobody may bring one about by a header.
#[tokio::test]
async fn a_header_alone_does_not_turn_a_refusal_into_a_200() {
    let engine = sdk().await;
    let layers = [SuperTokensLayer::new(engine.clone()), SuperTokensLayer::new(engine.clone()).grpc()];
    let status = async |layer: &SuperTokensLayer, method: &str, version, content_type: &str| {
        let mut service = layer.layer(VerifySessionLayer::new(VerifyOptions::new()).layer(Greeter));
        let request = http::Request::builder().method(method).version(version).header("content-type", content_type);
        let answer = service.call(request.body(Body::empty()).unwrap()).await.unwrap();
        (answer.status().as_u16(), answer.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_owned()))
    };
    for layer in &layers {
        for (method, version, content_type) in [
            ("GET", http::Version::HTTP_2, "application/grpc"),
            ("POST", http::Version::HTTP_11, "application/grpc"),
            ("POST", http::Version::HTTP_2, "application/grpc-web+proto"),
            ("POST", http::Version::HTTP_2, "application/json"),
        ] {
            assert_eq!(status(layer, method, version, content_type).await, (401, None), "{method} {version:?} {content_type}");
        }
    }
    let call = ("POST", http::Version::HTTP_2, "application/grpc");
    let [plain, grpc] = &layers;
    assert_eq!(status(plain, call.0, call.1, call.2).await, (401, None), "nobody said that gRPC is served here");
    assert_eq!(status(grpc, call.0, call.1, call.2).await, (200, Some("16".to_owned())));
}

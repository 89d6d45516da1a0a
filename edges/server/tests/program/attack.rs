//! Callers without a key who ask as much as HTTP/2 lets them, while one with a key wants to be answered.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{Request, Version};
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::http::{KEY, SESSION};
use super::{Server, program};

/// What the server lets a caller ask at a time.
const STREAMS: u32 = 64;
/// A stream is held for 5 s or longer where this is not so: this is more than one such time, and far less than many.
const SOON: Duration = Duration::from_secs(30);

/// A core with a key that says nothing of each request, as nobody reads it.
fn start(folder: &std::path::Path) -> Server {
    let mut command = program(folder);
    command.args(["start", "--port=0", "--database-url", "sqlite::memory:"]);
    Server::start_with(command.env("API_KEYS", KEY).env("LOG_LEVEL", "ERROR"))
}

/// A body of which nothing ever comes.
struct Never;

impl Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

async fn connect<B>(server: &Server) -> SendRequest<B>
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin + Send + 'static,
{
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A session is made by somebody who has the key, again and again.
async fn works(server: &Server, sender: &mut SendRequest<Full<Bytes>>) {
    for _ in 0..20 {
        let request = Request::post("http://localhost/recipe/session").header("api-key", KEY).body(Full::from(SESSION)).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
        assert!(answer.into_body().collect().await.unwrap().to_bytes().starts_with(b"{\"session\""));
    }
    assert_eq!(server.get("/hello").0, 200, "and over HTTP/1.1");
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection that takes nothing and asks all it may, with bodies that are announced and do not come. All has been read by the
/// server when this returns.
fn greedy(server: &Server) -> TcpStream {
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const ACKNOWLEDGED: u8 = 1;
    let mut stream = server.connect();
    // INITIAL_WINDOW_SIZE 0.
    let mut bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])[..]].concat();
    // POST, http, the path, the host; in the tables and the plain letters of RFC 7541.
    let block = b"\x83\x86\x04\x0f/recipe/session\x01\x09localhost";
    for n in 0..STREAMS {
        bytes.extend(frame(1, 4, 2 * n + 1, block));
    }
    bytes.extend(frame(PING, 0, 0, b"all read"));
    stream.write_all(&bytes).unwrap();
    let mut head = [0; 9];
    loop {
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        if (head[3], head[4]) == (PING, ACKNOWLEDGED) {
            return stream;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_without_a_key_holds_no_streams() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let mut friend = connect(&server).await;
    works(&server, &mut friend).await;
    let refused = async {
        let stranger = connect::<Never>(&server).await;
        for _ in 0..20 {
            let mut asked = Vec::new();
            for _ in 0..STREAMS {
                let mut stranger = stranger.clone();
                stranger.ready().await.unwrap();
                let request = Request::post("http://localhost/recipe/session").body(Never).unwrap();
                asked.push(tokio::spawn(stranger.send_request(request)));
            }
            for one in asked {
                let answer = one.await.unwrap().unwrap();
                assert_eq!(answer.status().as_u16(), 401);
                assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "Invalid API key\n");
            }
        }
    };
    tokio::time::timeout(SOON, refused).await.expect("each is answered and closed at once");
    works(&server, &mut friend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_without_a_key_shut_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let mut friend = connect(&server).await;
    works(&server, &mut friend).await;
    // What they ask is more than all may hold.
    let strangers: Vec<TcpStream> = (0..200).map(|_| greedy(&server)).collect();
    works(&server, &mut friend).await;
    works(&server, &mut connect(&server).await).await;
    drop(strangers);
}

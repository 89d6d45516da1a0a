//! How does a request reach the core: by a method call, or through a listening socket?
//!
//! The socket is a real one, on a free loopback port, with the same HTTP library as the program in front of
//! `Core::handle`. PostgreSQL worlds speak HTTP/2 over it, the others HTTP/1.1, so both are used by every scenario.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use supertokens_core::Core;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::target::{Kind, Target};

/// A way to a core.
pub(crate) struct Door {
    core: Arc<Core>,
    /// The client, where it speaks to, and who listens there; nothing for a method call.
    socket: Option<(reqwest::Client, SocketAddr, Mutex<Option<Listening>>)>,
}

/// The task that listens, and what tells it to stop.
type Listening = (oneshot::Sender<()>, JoinHandle<()>);

impl Door {
    /// Opens a way to this core, as the target wants it.
    pub(crate) async fn open(core: Arc<Core>, target: Target) -> Self {
        if !target.is_tcp() {
            return Self { core, socket: None };
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free loopback port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let listening = (stop, tokio::spawn(listen(listener, Arc::clone(&core), stopped)));
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = if target.kind() == Kind::Postgres { client.http2_prior_knowledge() } else { client };
        Self { core, socket: Some((client.build().expect("a client"), address, Mutex::new(Some(listening)))) }
    }

    /// The core behind it.
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Where it listens, if it does.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.socket.as_ref().map(|(_, address, _)| *address)
    }

    /// Lets nobody in any more; answers that are on their way are cut off. When it returns, nobody behind it holds the core.
    pub(crate) async fn close(&self) {
        let listening =
            self.socket.as_ref().and_then(|(_, _, listening)| listening.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some((stop, task)) = listening {
            drop(stop);
            task.await.expect("listening does not panic");
        }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> (u16, HeaderMap, Bytes) {
        let Some((client, address, _)) = &self.socket else { return self.call(method, path, headers, body).await };
        let method = method.parse::<http::Method>().expect("a method");
        let mut request = client.request(method, format!("http://{address}{path}")).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("the core answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.bytes().await.expect("a body"))
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> (u16, HeaderMap, Bytes) {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", "localhost:3567");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a scenario sends valid requests");
        let (parts, body) = self.core.handle(request, Some(IpAddr::V4(Ipv4Addr::LOCALHOST))).await.into_parts();
        (parts.status.as_u16(), parts.headers, body)
    }
}

async fn listen(listener: TcpListener, core: Arc<Core>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => break,
        };
        let Ok((stream, peer)) = accepted else { break };
        // What has ended is cleared away while the next ones come.
        while connections.try_join_next().is_some() {}
        connections.spawn(converse(stream, peer, Arc::clone(&core)));
    }
    // Waits for each to end: a connection that lives on would keep the database open.
    connections.shutdown().await;
}

async fn converse(stream: TcpStream, peer: SocketAddr, core: Arc<Core>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let core = Arc::clone(&core);
        async move { Ok::<_, Infallible>(answer(&core, request, peer).await) }
    });
    // A client that goes away in the middle is its own affair.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(core: &Core, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    // Over HTTP/2 the library sends what it is given, and a body after HEAD breaks the protocol.
    let silent = parts.method == http::Method::HEAD;
    let answer = core.handle(Request::from_parts(parts, body), Some(peer.ip())).await;
    answer.map(|body| Full::new(if silent { Bytes::new() } else { body }))
}

//! An application behind a real socket, and a client for it: for frameworks whose tests have no simpler way, and for scenarios about
//! what only a wire can carry.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, Response, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use super::app::{Serve, StandardApp};

/// What a server's blocking work may take at its end.
const PATIENCE: Duration = Duration::from_secs(10);

/// An application that listens, until this is dropped. Nothing of it is left then.
pub struct Listening(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Listening {
    /// It ends by this.
    pub fn until(stop: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(stop)))
    }

    /// It is this task, with a runtime of its own: when this is gone, so is all that the task has spawned.
    pub fn task(serving: impl Future<Output = ()> + Send + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        runtime.spawn(serving);
        Self::until(move || {
            // A runtime may not be waited for where another one works.
            let ending = std::thread::spawn(move || runtime.shutdown_timeout(PATIENCE));
            ending.join().expect("the runtime ends");
        })
    }

    /// The server that most frameworks stand on, around a function.
    pub fn hyper(serve: Serve, socket: TcpListener) -> Self {
        Self::task(async move {
            let socket = tokio::net::TcpListener::from_std(socket).expect("a socket");
            while let Ok((stream, _)) = socket.accept().await {
                let serve = Arc::clone(&serve);
                let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let serve = Arc::clone(&serve);
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                        Ok::<_, io::Error>(serve(Request::from_parts(parts, body)).await.map(Full::new))
                    }
                });
                let serving = async move {
                    // Who leaves in the middle of a request is told nothing.
                    drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await);
                };
                tokio::spawn(serving);
            }
        })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}

/// A listening application, and where.
pub struct Served {
    address: SocketAddr,
    _listening: Listening,
}

/// Builds an application that is asked over HTTP/1, with a connection for each request.
pub fn over_http(listen: fn(StandardApp, TcpListener) -> Listening, app: StandardApp) -> Serve {
    Served::start(listen, app).serve()
}

impl Served {
    /// On any free port.
    pub fn start(listen: fn(StandardApp, TcpListener) -> Listening, app: StandardApp) -> Arc<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket that does not block");
        let address = socket.local_addr().expect("an address");
        Arc::new(Self { address, _listening: listen(app, socket) })
    }

    /// It, as a function.
    pub fn serve(self: Arc<Self>) -> Serve {
        Arc::new(move |request| {
            let served = Arc::clone(&self);
            Box::pin(async move { served.ask(request).await.expect("an answer") })
        })
    }

    /// A new connection.
    pub async fn dial(&self) -> Result<TcpStream> {
        TcpStream::connect(self.address).await.context("nobody listens")
    }

    /// Asks once, over HTTP/1.
    ///
    /// # Errors
    /// No whole answer comes.
    pub async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.connect().await?.ask(request).await
    }

    /// A connection of HTTP/1 that stays.
    pub async fn connect(&self) -> Result<Connection> {
        let (client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(self.dial().await?)).await?;
        tokio::spawn(connection);
        Ok(Connection(client))
    }

    /// Asks once, over HTTP/2.
    ///
    /// # Errors
    /// No whole answer comes.
    pub async fn ask_http2(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>> {
        let stream = TokioIo::new(self.dial().await?);
        let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        let host = request.headers_mut().remove("host").context("a host")?;
        let path = request.uri().path_and_query().context("a path")?.as_str();
        *request.uri_mut() = Uri::builder().scheme("http").authority(host.to_str()?).path_and_query(path).build()?;
        let response = client.send_request(request.map(Full::new)).await?;
        ensure!(response.version() == Version::HTTP_2, "{:?}", response.version());
        whole(response).await
    }
}

/// A connection on which several requests follow one another.
pub struct Connection(hyper::client::conn::http1::SendRequest<Full<Bytes>>);

impl Connection {
    /// Asks, and reads the answer to its end.
    ///
    /// # Errors
    /// No whole answer comes.
    pub async fn ask(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        whole(self.begin(request).await?).await
    }

    /// Asks, and reads the answer's head.
    ///
    /// # Errors
    /// No answer comes.
    pub async fn begin(&mut self, request: Request<Bytes>) -> Result<Response<Incoming>> {
        self.0.ready().await?;
        Ok(self.0.send_request(request.map(Full::new)).await?)
    }
}

async fn whole(response: Response<Incoming>) -> Result<Response<Bytes>> {
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

/// Hands on whatever comes to a socket, for frameworks that bind a port by themselves.
pub async fn hand_on(socket: TcpListener, port: u16) {
    let socket = tokio::net::TcpListener::from_std(socket).expect("a socket");
    while let Ok((mut caller, _)) = socket.accept().await {
        tokio::spawn(async move {
            if let Ok(mut framework) = TcpStream::connect(("127.0.0.1", port)).await {
                // Whoever leaves first ends it.
                drop(tokio::io::copy_bidirectional(&mut caller, &mut framework).await);
            }
        });
    }
}

//! The layer around all filters (sdk-session.md 9.1), and a server for it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use supertokens::SuperTokens;
use supertokens::tower::SuperTokensLayer;
use tokio::net::{TcpListener, TcpStream};
use tower_http::cors::CorsLayer;
use tower_layer::Layer as _;
use tower_service::Service;
use warp::reject::Rejection;
use warp::{Filter, Reply};

use crate::recover;

/// Serves these routes, which know sessions then. In the place of `warp::serve`.
pub fn serve<F>(supertokens: &SuperTokens, routes: F) -> Server<F>
where
    F: Filter<Error = Rejection> + Clone + Send + Sync + 'static,
    F::Extract: Reply,
{
    Server { engine: supertokens.clone(), routes, cors: None }
}

/// These routes as a tower service, for whoever has a server: what [`serve`] serves.
pub fn service<F, B>(
    supertokens: &SuperTokens,
    routes: F,
) -> impl Service<
    Request<B>,
    Response = Response<impl Body<Data = Bytes, Error = warp::Error> + Default + Send + 'static>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static
where
    F: Filter<Error = Rejection> + Clone + Send + Sync + 'static,
    F::Extract: Reply,
    B: Body + Send + Sync + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    SuperTokensLayer::new(supertokens.clone()).layer(warp::service(routes.recover(recover)))
}

/// A server that is being set up.
#[derive(Debug, Clone)]
pub struct Server<F> {
    engine: SuperTokens,
    routes: F,
    cors: Option<CorsLayer>,
}

impl<F> Server<F>
where
    F: Filter<Error = Rejection> + Clone + Send + Sync + 'static,
    F::Extract: Reply,
{
    /// Lets pages of another origin ask: with [`cors_layer`](crate::cors_layer).
    #[must_use]
    pub fn cors(mut self, layer: CorsLayer) -> Self {
        self.cors = Some(layer);
        self
    }

    /// Serves on this address, HTTP/1 and HTTP/2, until the future is dropped.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn run(self, address: impl Into<SocketAddr>) -> io::Result<()> {
        self.incoming(TcpListener::bind(address.into()).await?).await
    }

    /// Serves on this socket, HTTP/1 and HTTP/2, until the future is dropped. Connections that are open then end by themselves.
    ///
    /// # Errors
    /// None: when no connection can be taken, it tries again after a second.
    pub async fn incoming(self, socket: TcpListener) -> io::Result<()> {
        let service = service::<_, Incoming>(&self.engine, self.routes);
        match self.cors {
            Some(cors) => match accept(socket, cors.layer(service)).await {},
            None => match accept(socket, service).await {},
        }
    }
}

async fn accept<S, R>(socket: TcpListener, service: S) -> Infallible
where
    S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static,
    R: Body<Data = Bytes, Error = warp::Error> + Send + 'static,
{
    loop {
        match socket.accept().await {
            Ok((stream, address)) => drop(tokio::spawn(connection(stream, address, service.clone()))),
            // One caller that left while waiting is nobody else's affair.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
            // Out of file descriptors, for one: when callers leave, there are some again.
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken; the next try is in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn connection<S, R>(stream: TcpStream, address: SocketAddr, service: S)
where
    S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static,
    R: Body<Data = Bytes, Error = warp::Error> + Send + 'static,
{
    let service = TowerToHyperService::new(Addressed { service, address });
    let serving =
        auto::Builder::new(TokioExecutor::new()).serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Tells filters who asks.
#[derive(Clone)]
struct Addressed<S> {
    service: S,
    address: SocketAddr,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Addressed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(self.address);
        self.service.call(request)
    }
}

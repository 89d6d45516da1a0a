//! How does a request come from a socket to the core, and its answer back? Limits, request ids, the paths of the server itself
//! (`/livez`, `/readyz`, `/metrics`), panics, and the orderly end. What a request means is the core's.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use supertokens_core::error::{respond, text_response};
use supertokens_core::{Core, Operation};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument as _;

use crate::idle::Idle;
use crate::limits;
use crate::metrics::{self, Metrics};
use crate::ready::ready;
use crate::work::Work;

/// The header by which a caller may name its request; ours if it does not.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every request passes.
pub(crate) struct Door {
    core: Core,
    metrics: Metrics,
    /// Normalised: empty, or with one `/` in front and none behind.
    base_path: String,
    shows_metrics: bool,
    patience: Duration,
    /// Distinguishes the ids of this process from those of another.
    process: u32,
    requests: AtomicU64,
    stopping: AtomicBool,
    work: Work,
    /// Room for large bodies.
    room: Arc<Semaphore>,
}

impl Door {
    /// The door of a core. `patience` is how long a request may take.
    pub(crate) fn new(core: Core, base_path: String, shows_metrics: bool, patience: Duration) -> Self {
        let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
        let metrics = Metrics::new(&core);
        let process = u32::from_be_bytes([a, b, c, d]);
        Self {
            core,
            metrics,
            base_path,
            shows_metrics,
            patience,
            process,
            requests: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            work: Work::new(limits::WORK),
            room: Arc::new(Semaphore::new(limits::LARGE_BODIES)),
        }
    }

    /// One request, answered, counted and logged.
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: IpAddr) -> Response<Full<Bytes>> {
        let begin = Instant::now();
        let id = self.request_id(request.headers());
        // Of the level that is never filtered out, so that each line of a request has its id.
        let span = tracing::error_span!("request", id = id.as_str());
        let (method, is_head) = (known_method(request.method()), request.method() == Method::HEAD);
        let (operation, mut response) = match self.own_path(&request, peer) {
            Some(own) => (Operation { method, path: own.path() }, self.answer_own(own).instrument(span.clone()).await),
            None => Arc::clone(&self).ask(request, peer, &span).await,
        };
        let status = response.status();
        if status.is_server_error()
            && let Ok(value) = HeaderValue::from_str(&id)
        {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let took = begin.elapsed();
        let method = if operation.method.is_empty() { method } else { operation.method };
        self.metrics.answered(method, operation.path, status.as_u16(), took);
        let ms = took.as_secs_f64() * 1000.0;
        let path = if operation.path.is_empty() { "-" } else { operation.path };
        span.in_scope(|| tracing::info!(method, path, status = status.as_u16(), ms = (ms * 100.0).round() / 100.0, "answered"));
        // HTTP/1.1 would leave it out by itself; over HTTP/2 a body here is an error of the stream.
        response.map(|body| Full::new(if is_head { Bytes::new() } else { body }))
    }

    /// The core's answer. A body is read only of those who are let in. Work that has begun runs to its end, even if its caller goes
    /// away or gives up; before that, a caller who goes away leaves nothing behind.
    async fn ask(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: IpAddr,
        span: &tracing::Span,
    ) -> (Operation, Response<Bytes>) {
        let (head, body) = request.into_parts();
        let waits = head.headers.contains_key(header::EXPECT);
        let admission = survived(self.core.admit(head, Some(peer))).instrument(span.clone());
        let admitted = match tokio::time::timeout(self.patience, admission).await {
            Ok(Some(Ok(admitted))) => admitted,
            Ok(Some(Err(refused))) => {
                let _ = tokio::time::timeout(limits::DRAIN_TIME, drop_rest(body, waits)).await;
                return refused;
            }
            Ok(None) => return self.panicked(),
            Err(_) => return too_long(),
        };
        let operation = admitted.operation();
        let (body, room) = match tokio::time::timeout(limits::BODY_TIME, self.read(body, waits)).await {
            Ok(Ok(read)) => read,
            Ok(Err(refusal)) => return (operation, refusal.response()),
            Err(_) => return (operation, text_response(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time")),
        };
        let core = self.core.clone();
        let work = async move {
            let _room = room;
            core.answer(admitted, body).await
        };
        match tokio::time::timeout(self.patience, self.work.run(work.instrument(span.clone()))).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => self.panicked(),
            Err(_) => too_long(),
        }
    }

    fn panicked(&self) -> (Operation, Response<Bytes>) {
        self.metrics.panicked();
        (Operation::default(), text_response(StatusCode::INTERNAL_SERVER_ERROR, "Internal error"))
    }

    /// The whole body, and the room that it takes if it is large. One that is too large is read on and dropped for a while.
    async fn read(&self, mut body: Incoming, waits: bool) -> Result<(Bytes, Option<OwnedSemaphorePermit>), BodyRefused> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limits::BODY {
            drop_rest(body, waits).await;
            return Err(BodyRefused::TooLarge);
        }
        let mut room = if announced > limits::SMALL_BODY { Some(self.room().await?) } else { None };
        let mut first = Bytes::new();
        let mut more = BytesMut::new();
        let mut length = 0usize;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| BodyRefused::Broken)?.into_data() else { continue };
            length = length.saturating_add(data.len());
            if length > limits::DRAIN {
                return Err(BodyRefused::TooLarge);
            }
            if length > limits::BODY {
                (first, more) = (Bytes::new(), BytesMut::new());
                continue;
            }
            if room.is_none() && length > limits::SMALL_BODY {
                room = Some(self.room().await?);
            }
            if first.is_empty() && more.is_empty() {
                first = data;
                continue;
            }
            if more.is_empty() {
                more.reserve(announced.max(length));
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
        match length {
            length if length > limits::BODY => Err(BodyRefused::TooLarge),
            _ if more.is_empty() => Ok((first, room)),
            _ => Ok((more.freeze(), room)),
        }
    }

    /// Room for a large body.
    async fn room(&self) -> Result<OwnedSemaphorePermit, BodyRefused> {
        let free = tokio::time::timeout(limits::ROOM, Arc::clone(&self.room).acquire_owned()).await;
        free.ok().and_then(Result::ok).ok_or(BodyRefused::NoRoom)
    }

    /// Is this a path that the server answers by itself? No key is asked for there. Numbers are for addresses that the base tenant
    /// lets in; anybody may know whether the server lives.
    fn own_path(&self, request: &Request<Incoming>, peer: IpAddr) -> Option<Own> {
        let path = request.uri().path().strip_prefix(self.base_path.as_str())?;
        let own = match path.strip_suffix('/').unwrap_or(path) {
            "/livez" => Own::Live,
            "/readyz" => Own::Ready,
            "/metrics" if self.shows_metrics && self.core.lets_in(peer) => Own::Metrics,
            _ => return None,
        };
        // OPTIONS is how some load balancers look.
        matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS).then_some(own)
    }

    async fn answer_own(&self, own: Own) -> Response<Bytes> {
        match own {
            Own::Live => text_response(StatusCode::OK, "OK"),
            Own::Ready if self.stopping.load(Ordering::Relaxed) => text_response(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            Own::Ready => match ready(&self.core).await {
                Ok(()) => text_response(StatusCode::OK, "OK"),
                Err(why) => text_response(StatusCode::SERVICE_UNAVAILABLE, why),
            },
            Own::Metrics => match self.metrics.text() {
                Ok(body) => respond(StatusCode::OK, metrics::CONTENT_TYPE, body),
                Err(error) => {
                    tracing::error!(%error, "the metrics cannot be written");
                    text_response(StatusCode::INTERNAL_SERVER_ERROR, "Internal error")
                }
            },
        }
    }

    /// The caller's id if it is short and plain; else one of ours.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let plain =
            |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        match headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain) {
            Some(id) => id.to_owned(),
            None => format!("{:08x}-{:x}", self.process, self.requests.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// What the server answers by itself.
#[derive(Debug, Clone, Copy)]
enum Own {
    /// The process runs; the database is not asked.
    Live,
    /// The database takes writes, and the server is not stopping.
    Ready,
    /// The numbers.
    Metrics,
}

impl Own {
    fn path(self) -> &'static str {
        match self {
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
        }
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyRefused {
    TooLarge,
    Broken,
    NoRoom,
}

impl BodyRefused {
    fn response(self) -> Response<Bytes> {
        match self {
            Self::TooLarge => text_response(StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large"),
            Self::Broken => text_response(StatusCode::BAD_REQUEST, "Request body is broken"),
            Self::NoRoom => text_response(StatusCode::SERVICE_UNAVAILABLE, "Too many large request bodies at a time"),
        }
    }
}

/// What a refused caller is still sending, unless it waits for our word: one that is still writing would not see the refusal.
async fn drop_rest(mut body: Incoming, waits: bool) {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut left = if waits || announced > limits::DRAIN { 0 } else { limits::DRAIN };
    while left > 0
        && let Some(Ok(frame)) = body.frame().await
    {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
    }
}

/// What the future gives, or nothing if it panics.
async fn survived<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

fn too_long() -> (Operation, Response<Bytes>) {
    (Operation::default(), text_response(StatusCode::SERVICE_UNAVAILABLE, "The request took too long"))
}

/// The method as a label: a closed set.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Accepts connections until `stop` is ready, then lets what runs come to its end. Says whether all of it did in time.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    door: Arc<Door>,
    most_connections: usize,
    stop: impl Future<Output = ()>,
) -> bool {
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(most_connections.min(Semaphore::MAX_PERMITS)));
    let idle = limits::IDLE.max(door.patience + Duration::from_secs(15));
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, accept(&listeners).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            () = &mut stop => break,
            (place, accepted) = next => match accepted {
                Ok(accepted) => (place, accepted),
                Err(error) => {
                    // Out of file descriptors, mostly: those that are open will be closed.
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let connection = connect(&builder, Arc::clone(&door), stream, peer, idle);
        let watched = graceful.watch(connection);
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            door.metrics.connections().inc();
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection ended early");
            }
            door.metrics.connections().dec();
            drop(place);
        });
    }
    door.stopping.store(true, Ordering::Relaxed);
    drop(listeners);
    tokio::time::timeout(limits::FAREWELL, graceful.shutdown()).await.is_ok()
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::IDLE)
        .max_buf_size(limits::HEAD)
        .max_headers(limits::HEADERS)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::PING)
        .initial_stream_window_size(limits::STREAM_WINDOW)
        .initial_connection_window_size(limits::CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(limits::HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(limits::STREAMS);
    builder
}

/// The first connection on any of the listeners.
pub(crate) async fn accept(listeners: &[TcpListener]) -> std::io::Result<(TcpStream, SocketAddr)> {
    std::future::poll_fn(|cx| {
        for listener in listeners {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

/// One connection, as a future that can be told to come to its end.
fn connect(
    builder: &Builder<TokioExecutor>,
    door: Arc<Door>,
    stream: TcpStream,
    peer: SocketAddr,
    idle: Duration,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = Box<dyn std::error::Error + Send + Sync>> + Send + 'static {
    // Without this, an answer in two packets may wait for the caller's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(door.answer(request, peer.ip()).await) }
    });
    builder.serve_connection(TokioIo::new(Idle::new(stream, idle)), service).into_owned()
}

//! How does a request come from a socket to the core, and its answer back? Limits, request ids, the paths of the server itself
//! (`/livez`, `/readyz`, `/metrics`), panics, and the orderly end. What a request means is the core's.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use supertokens_core::caller::Caller;
use supertokens_core::error::{respond, text_response};
use supertokens_core::{Core, Operation};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument as _;

use crate::body::{Room, drop_rest};
use crate::connections::{Connections, Order};
use crate::head;
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
    room: Room,
}

impl Door {
    /// The door of a core. `patience` is how long a request may take.
    pub(crate) fn new(core: Core, base_path: String, shows_metrics: bool, patience: Duration) -> Self {
        let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
        let metrics = Metrics::new(&core);
        let work = Work::new(limits::WORK, metrics.panics().clone());
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
            work,
            room: Room::new(),
        }
    }

    /// One request, answered, counted and logged.
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: IpAddr) -> Response<Bytes> {
        let begin = Instant::now();
        let id = self.request_id(request.headers());
        // Of the level that is never filtered out, so that each line of a request has its id.
        let span = tracing::error_span!("request", id = id.as_str());
        let (method, is_head) = (known_method(request.method()), request.method() == Method::HEAD);
        let (operation, mut response) = match (head::refusal(&request), self.own_path(&request, peer)) {
            (Some(refused), _) => (Operation::default(), refused),
            (None, Some(own)) => (Operation { method, path: own.path() }, self.answer_own(own).instrument(span.clone()).await),
            (None, None) => Arc::clone(&self).ask(request, peer, &span).await,
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
        response.map(|body| if is_head { Bytes::new() } else { body })
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
        // Over HTTP/2 a caller hears what is said while it is still sending; and what it sends would be many bodies at once.
        let hears = head.headers.contains_key(header::EXPECT) || head.version == Version::HTTP_2;
        let admission = self.work.survived(self.core.admit(head, Some(peer))).instrument(span.clone());
        let admitted = match tokio::time::timeout(self.patience, admission).await {
            Ok(Some(Ok(admitted))) => admitted,
            Ok(Some(Err(refused))) => {
                drop_rest(body, hears).await;
                return refused;
            }
            Ok(None) => return panicked(),
            Err(_) => return too_long(),
        };
        let operation = admitted.operation();
        let (body, room) = if admitted.reads_body() {
            match self.room.read(body, admitted.largest_body(), hears).await {
                Ok(read) => read,
                Err(refusal) => return (operation, refusal.response()),
            }
        } else {
            drop_rest(body, hears).await;
            (Bytes::new(), None)
        };
        let core = self.core.clone();
        // Dropped with this future, when the caller goes away or has waited too long.
        let (_listening, caller) = Caller::who_listens();
        let work = async move {
            let _room = room;
            core.answer(admitted.of(caller), body).await
        };
        match tokio::time::timeout(self.patience, self.work.run(work.instrument(span.clone()))).await {
            Ok(Some(answer)) => answer,
            Ok(None) => panicked(),
            Err(_) => too_long(),
        }
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

fn panicked() -> (Operation, Response<Bytes>) {
    (Operation::default(), text_response(StatusCode::INTERNAL_SERVER_ERROR, "Internal error"))
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

/// What the server is told beside what it is asked.
pub(crate) struct Terms {
    /// Connections at a time.
    pub(crate) most_connections: usize,
    /// HTTP/2 is spoken with those who begin with it.
    pub(crate) http2: bool,
    /// How long the end may take.
    pub(crate) farewell: Duration,
}

/// Accepts connections until `stop` is ready, then lets what runs come to its end, unless `at_once` is ready before. Says whether
/// all of it did in time.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    door: Arc<Door>,
    terms: Terms,
    stop: impl Future<Output = ()>,
    at_once: impl Future<Output = ()>,
) -> bool {
    let idle = limits::IDLE.max(door.patience + Duration::from_secs(15));
    let connections = Connections::new(idle, terms.http2, door.metrics.refused_streams().clone());
    let places = Arc::new(Semaphore::new(terms.most_connections.min(Semaphore::MAX_PERMITS)));
    let mut complaints = Complaints::default();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = place(&places, &connections).await;
            (place, accept(&listeners).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            () = &mut stop => break,
            (place, accepted) = next => match accepted {
                Ok(accepted) => (place, accepted),
                Err(error) => {
                    complaints.accept_failed(&error);
                    // Out of files, mostly: those that are open will be closed.
                    connections.tell(Order::MakeRoom);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        // Without this, an answer in two packets may wait for the caller's acknowledgement.
        let _ = stream.set_nodelay(true);
        let of_requests = Arc::clone(&door);
        let connection =
            connections.serve(stream, peer.ip(), move |request, peer| Arc::clone(&of_requests).answer(request, peer));
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            door.metrics.connections().inc();
            connection.await;
            door.metrics.connections().dec();
            drop(place);
        });
    }
    door.stopping.store(true, Ordering::Relaxed);
    drop(listeners);
    connections.tell(Order::Stop);
    let ended = async {
        connections.ended().await;
        // Of callers who have gone away.
        door.work.ended().await;
    };
    tokio::select! {
        ended = tokio::time::timeout(terms.farewell, ended) => ended.is_ok(),
        () = at_once => false,
    }
}

/// A place for a connection. While there is none, those that ask nothing are closed sooner.
async fn place(places: &Arc<Semaphore>, connections: &Connections) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    loop {
        connections.tell(Order::MakeRoom);
        if let Ok(place) = tokio::time::timeout(limits::NEED, Arc::clone(places).acquire_owned()).await {
            return place.ok();
        }
    }
}

/// Says at most once a minute that connections cannot be accepted, as that happens many times in a row.
#[derive(Debug, Default)]
struct Complaints {
    last: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    fn accept_failed(&mut self, error: &std::io::Error) {
        if self.last.is_some_and(|last| last.elapsed() < limits::COMPLAINT) {
            self.unsaid += 1;
            return;
        }
        tracing::warn!(%error, times_since_last_said = self.unsaid, "no connection could be accepted");
        *self = Self { last: Some(Instant::now()), unsaid: 0 };
    }
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

//! How does a connection begin, how long may it live without asking anything, and how does it end? The same for HTTP/1.1 and HTTP/2:
//! only requests are a sign of life, not bytes, as an HTTP/2 caller can send those for ever at no cost. What is asked on a
//! connection is answered elsewhere.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::held::{Asked, Held, Part};
use crate::limits;
use crate::metrics::Count;
use crate::unread::Unread;

/// What all connections are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing in particular.
    Serve,
    /// Others are waiting: those that ask nothing may go.
    MakeRoom,
    /// What runs may come to its end.
    Stop,
}

/// How connections are served.
pub(crate) struct Connections {
    builder: Builder<Streams>,
    held: Arc<Held>,
    /// A connection that asks nothing is closed after this long.
    idle: Duration,
    orders: watch::Sender<Order>,
}

impl Connections {
    /// `refused` counts the HTTP/2 requests for which there was no room.
    pub(crate) fn new(idle: Duration, http2: bool, refused: Count) -> Self {
        let held = Arc::new(Held::new(refused));
        let builder = builder(Streams);
        let builder = if http2 { builder } else { builder.http1_only() };
        Self { builder, held, idle, orders: watch::Sender::new(Order::Serve) }
    }

    /// Tells every connection.
    pub(crate) fn tell(&self, order: Order) {
        self.orders.send_replace(order);
    }

    /// Ready when all connections have ended.
    pub(crate) async fn ended(&self) {
        self.orders.closed().await;
    }

    /// One connection, to its end.
    pub(crate) fn serve<S, H, F>(&self, stream: S, peer: IpAddr, handler: H) -> impl Future<Output = ()> + Send + 'static
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Fn(Request<Incoming>, IpAddr) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        let talk = Arc::new(Talk { born: Instant::now(), open: AtomicUsize::new(0), quiet_since: AtomicU64::new(0) });
        let (of_connection, held) = (Arc::clone(&talk), Arc::new(Part::new(&self.held)));
        let stream = TokioIo::new(Unread::new(stream, Arc::clone(&held)));
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let asked = match request.version() {
                // The caller learns that nothing was done, and may ask again (RFC 9113 8.7).
                Version::HTTP_2 => held.request().map(Some).ok_or(Reason::REFUSED_STREAM),
                _ => Ok(None),
            };
            let begun = asked.map(|asked| (asked, Turn::begin(&talk), handler(request, peer)));
            async move {
                let (asked, turn, answering) = begun?;
                let response = answering.await;
                Ok::<_, h2::Error>(response.map(|body| Answer::new(body, asked, turn)))
            }
        });
        // In a box, as it is large and is held more than once otherwise.
        let connection = Box::pin(self.builder.serve_connection(stream, service).into_owned());
        let mut orders = self.orders.subscribe();
        orders.mark_unchanged();
        attend(connection, of_connection, orders, self.idle)
    }
}

fn builder(streams: Streams) -> Builder<Streams> {
    let mut builder = Builder::new(streams);
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
        .initial_stream_window_size(limits::STREAM_WINDOW)
        .initial_connection_window_size(limits::CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(limits::HEAD).unwrap_or(u32::MAX))
        .max_send_buf_size(limits::SEND_BUFFER)
        .max_concurrent_streams(limits::STREAMS);
    builder
}

/// Sees a connection through: it ends by itself, when it was told to, or when it has asked nothing for `idle`.
async fn attend<C>(mut connection: Pin<Box<C>>, talk: Arc<Talk>, mut orders: watch::Receiver<Order>, idle: Duration)
where
    C: hyper_util::server::graceful::GracefulConnection<Error = Box<dyn std::error::Error + Send + Sync>>,
{
    let mut alarm = pin!(sleep_until(talk.born + idle));
    let mut leaving = false;
    loop {
        let limit = tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            told = orders.changed() => match *orders.borrow_and_update() {
                // Nobody is there any more who could wait for the end.
                _ if told.is_err() => return,
                Order::MakeRoom if !leaving => limits::IDLE_IN_NEED,
                Order::Serve | Order::MakeRoom => continue,
                Order::Stop => Duration::ZERO,
            },
            () = &mut alarm => idle,
        };
        let now = Instant::now();
        let stops = limit.is_zero();
        match talk.quiet_since() {
            // It was asked to go and did not: an HTTP/2 caller may do so for ever.
            Some(_) if leaving && !stops => return,
            Some(since) if since + limit <= now => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
                alarm.as_mut().reset(now + limits::LINGER);
            }
            None if stops || leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
                alarm.as_mut().reset(now + limits::LINGER);
            }
            Some(since) => alarm.as_mut().reset(since + idle),
            None => alarm.as_mut().reset(now + idle),
        }
    }
}

/// What is going on on one connection.
#[derive(Debug)]
struct Talk {
    born: Instant,
    /// Requests that have not been answered to the end.
    open: AtomicUsize,
    /// The end of the last one, in ms since the connection was born.
    quiet_since: AtomicU64,
}

impl Talk {
    /// Since when nothing is open; nothing if something is.
    fn quiet_since(&self) -> Option<Instant> {
        let quiet = self.open.load(Ordering::Acquire) == 0;
        quiet.then(|| self.born + Duration::from_millis(self.quiet_since.load(Ordering::Relaxed)))
    }
}

/// One request on a connection, from its head to the last byte of its answer.
#[derive(Debug)]
struct Turn(Arc<Talk>);

impl Turn {
    fn begin(talk: &Arc<Talk>) -> Self {
        talk.open.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(talk))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let ms = u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.quiet_since.store(ms, Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The body of an answer.
///
/// Over HTTP/2 the last byte comes alone: the library fetches what is next only when the caller has room for it, and then its part of
/// the work is done. So as long as the caller does not make room for the last byte, the request is still there to be counted and
/// ended.
#[derive(Debug)]
struct Answer {
    rest: Bytes,
    /// Of HTTP/2.
    asked: Option<Asked>,
    _turn: Turn,
}

impl Answer {
    /// Over HTTP/2, the time in which it must be taken begins.
    fn new(body: Bytes, asked: Option<Asked>, turn: Turn) -> Self {
        let Some(asked) = asked else { return Self { rest: body, asked: None, _turn: turn } };
        let patience = asked.patience();
        let limit = if patience.is_zero() { patience } else { patience + limits::time_for(body.len()) };
        // Without the task of a stream around it, nobody waits for the word.
        let _ = ANSWERED.try_with(|tell| tell.take().map(|tell| tell.send(limit)));
        Self { rest: asked.body(body), asked: Some(asked), _turn: turn }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = match self.rest.len() {
            0 => return Poll::Ready(None),
            length if self.asked.is_some() && length > 1 => self.rest.split_to(length - 1),
            _ => std::mem::take(&mut self.rest),
        };
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

tokio::task_local! {
    /// Says that there is an answer, and how long it may wait to be taken.
    static ANSWERED: Cell<Option<oneshot::Sender<Duration>>>;
}

/// Where the requests of HTTP/2 connections run, each as a task.
#[derive(Clone)]
struct Streams;

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let (tell, told) = oneshot::channel();
        let stream = Box::pin(ANSWERED.scope(Cell::new(Some(tell)), stream));
        tokio::spawn(async move {
            let late = async {
                match told.await {
                    Ok(limit) => sleep(limit).await,
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stream => {}
                () = late => tracing::debug!("an answer was not taken in time"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Empty};
    use hyper::client::conn::http2::{self, SendRequest};
    use hyper_util::rt::TokioExecutor;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    const LONG: usize = 10_000;

    /// Answers with a text as long as the path says, or not before an hour has gone.
    async fn answer(request: Request<Incoming>) -> Response<Bytes> {
        match request.uri().path().trim_start_matches('/').parse() {
            Ok(length) => Response::new(Bytes::from(vec![b'x'; length])),
            Err(_) => {
                sleep(Duration::from_secs(3600)).await;
                Response::new(Bytes::from_static(b"late"))
            }
        }
    }

    fn serve(connections: &Connections) -> (DuplexStream, JoinHandle<()>) {
        let (far, near) = duplex(1 << 16);
        let serving = connections.serve(near, Ipv4Addr::LOCALHOST.into(), |request, _| answer(request));
        (far, tokio::spawn(serving))
    }

    /// A caller that answers PINGs, and sends some of its own.
    async fn caller(stream: DuplexStream, window: u32) -> SendRequest<Empty<Bytes>> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(10)).keep_alive_while_idle(true);
        let (sender, connection) = builder.initial_stream_window_size(window).handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn ask(path: &str) -> Request<Empty<Bytes>> {
        Request::get(format!("http://localhost/{path}")).body(Empty::new()).unwrap()
    }

    fn connections() -> Connections {
        Connections::new(limits::IDLE, true, Count::default())
    }

    #[tokio::test(start_paused = true)]
    async fn pings_are_no_sign_of_life() {
        let connections = connections();
        let begin = Instant::now();
        let (far, ended) = serve(&connections);
        let mut sender = caller(far, 1 << 16).await;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(sender.send_request(ask("5")).await.unwrap().into_body().collect().await.unwrap().to_bytes().len(), 5);
        ended.await.unwrap();
        let took = begin.elapsed();
        assert!((60 + limits::IDLE.as_secs()..80 + limits::IDLE.as_secs()).contains(&took.as_secs()), "{took:?}");
    }

    /// Says hello in frames and then nothing but acknowledgements of PINGs, not even of the wish to end.
    #[tokio::test(start_paused = true)]
    async fn a_caller_that_does_not_let_go_is_cut_off() {
        let connections = connections();
        let begin = Instant::now();
        let (mut far, ended) = serve(&connections);
        far.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let pinging = tokio::spawn(async move {
            while far.write_all(b"\0\0\x08\x06\0\0\0\0\0pingpong").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
                let mut buffer = [0; 1024];
                let _ = far.read(&mut buffer).await;
            }
        });
        ended.await.unwrap();
        pinging.await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), (limits::IDLE + limits::LINGER).as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_are_not_taken_are_given_up() {
        for window in [0, 1, 100] {
            let connections = connections();
            let (far, _ended) = serve(&connections);
            let sender = caller(far, window).await;
            let asked: Vec<_> = (0..limits::STREAMS).map(|_| sender.clone().send_request(ask(&LONG.to_string()))).collect();
            let begin = Instant::now();
            let mut answers = Vec::new();
            for answer in asked {
                answers.push(answer.await.unwrap());
            }
            let streams = limits::STREAMS as usize;
            assert!(connections.held.bytes() >= streams * (LONG + limits::HELD_BY_REQUEST), "window {window}");
            sleep(limits::ANSWER + limits::time_for(LONG) + Duration::from_secs(1)).await;
            assert_eq!(connections.held.bytes(), 0, "window {window}");
            for answer in answers {
                assert!(answer.into_body().collect().await.is_err(), "window {window}");
            }
            assert!(begin.elapsed() < limits::IDLE, "window {window}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_are_taken_bit_by_bit_are_whole() {
        for length in [1, 2, 99, 100, 101, 300, LONG] {
            let connections = connections();
            let (far, _ended) = serve(&connections);
            let mut sender = caller(far, 100).await;
            let answer = sender.send_request(ask(&length.to_string())).await.unwrap();
            assert_eq!(answer.headers()["content-length"], length.to_string());
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), length);
            tokio::task::yield_now().await;
            assert_eq!(connections.held.bytes(), 0, "{length}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_is_refused_and_soon_over() {
        let connections = connections();
        let mut callers = Vec::new();
        let mut waiting = Vec::new();
        // 64 requests for 100 KB each are 6.4 MB for a connection.
        const CALLERS: usize = 30;
        for _ in 0..CALLERS {
            let (far, _ended) = serve(&connections);
            let sender = caller(far, 0).await;
            for _ in 0..limits::STREAMS {
                waiting.push(tokio::spawn(sender.clone().send_request(ask("100000"))));
            }
            callers.push(sender);
        }
        let mut answers = Vec::new();
        for answer in waiting {
            answers.push(answer.await.unwrap());
        }
        sleep(Duration::from_millis(2)).await;
        assert!(connections.held.bytes() <= limits::HELD_MOST + CALLERS * limits::HELD_FAIR, "{}", connections.held.bytes());
        sleep(limits::ANSWER_IN_NEED + limits::time_for(100_000)).await;
        assert!(connections.held.bytes() <= limits::HELD_MUCH + 120_000, "{}", connections.held.bytes());
        let (far, _ended) = serve(&connections);
        assert!(caller(far, 1 << 16).await.send_request(ask("1")).await.is_ok());
    }

    /// Those who ask for more than one may hold are told so in the way that lets them ask again; others do not notice.
    #[tokio::test(start_paused = true)]
    async fn a_refused_request_was_not_begun() {
        let connections = connections();
        let (far, _ended) = serve(&connections);
        let sender = caller(far, 0).await;
        let large = limits::HELD_BY_CONNECTION.to_string();
        let mut answers = Vec::new();
        for _ in 0..limits::REQUESTS_ANYWAY {
            answers.push(sender.clone().send_request(ask(&large)).await.unwrap());
        }
        let refused = sender.clone().send_request(ask("1")).await.unwrap_err();
        let reason = std::error::Error::source(&refused).and_then(|cause| cause.downcast_ref::<h2::Error>());
        assert_eq!(reason.and_then(h2::Error::reason), Some(Reason::REFUSED_STREAM), "{refused:?}");
        let (far, _ended) = serve(&connections);
        assert!(caller(far, 1 << 16).await.send_request(ask("1")).await.is_ok());
        drop(answers);
    }

    #[tokio::test(start_paused = true)]
    async fn without_anybody_to_give_orders_a_connection_ends() {
        let connections = connections();
        let (_far, ended) = serve(&connections);
        sleep(Duration::from_secs(1)).await;
        assert!(!ended.is_finished());
        let begin = Instant::now();
        drop(connections);
        ended.await.unwrap();
        assert!(begin.elapsed().is_zero());
    }

    /// What the server says to these bytes, and after how many seconds it hangs up.
    async fn said_to(connections: &Connections, bytes: &[u8]) -> (String, u64) {
        let begin = Instant::now();
        let (mut far, ended) = serve(connections);
        far.write_all(bytes).await.unwrap();
        let mut said = String::new();
        far.read_to_string(&mut said).await.unwrap();
        ended.await.unwrap();
        (said, begin.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_connection_of_any_kind() {
        let idle = limits::IDLE.as_secs();
        for bytes in
            [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\n", b"GET /5 HTTP/1.1\r\nHost: a\r\n", b"GET /5 HTTP/1.1\r\nHost: a\r\n\r\n"]
        {
            let (said, seconds) = said_to(&connections(), bytes).await;
            assert!((idle..=idle + limits::LINGER.as_secs()).contains(&seconds), "{bytes:?}: {seconds} s, {said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn http2_can_be_switched_off() {
        let connections = Connections::new(limits::IDLE, false, Count::default());
        let (said, seconds) = said_to(&connections, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert!(said.starts_with("HTTP/1.1 400") || said.starts_with("HTTP/1.1 505") || said.is_empty(), "{said}");
        assert_eq!(seconds, 0);
        let (said, _) = said_to(&connections, b"GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(said.ends_with("\r\n\r\nxxxxx"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_ask_nothing_make_room_for_others() {
        let connections = connections();
        let (_quiet, quiet_ended) = serve(&connections);
        let (mut busy, busy_ended) = serve(&connections);
        busy.write_all(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        sleep(limits::IDLE_IN_NEED).await;
        let (_new, new_ended) = serve(&connections);
        let begin = Instant::now();
        connections.tell(Order::MakeRoom);
        quiet_ended.await.unwrap();
        assert!(begin.elapsed() <= limits::LINGER, "{:?}", begin.elapsed());
        assert!(!busy_ended.is_finished() && !new_ended.is_finished());
        new_ended.await.unwrap();
        assert!(begin.elapsed() >= limits::IDLE - limits::LINGER);
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_what_runs_is_finished() {
        let connections = connections();
        let (mut quiet, _) = serve(&connections);
        let (far, _) = serve(&connections);
        let mut sender = caller(far, 1 << 16).await;
        let (mut busy, _) = serve(&connections);
        busy.write_all(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let running = tokio::spawn(sender.send_request(ask("later")));
        sleep(Duration::from_secs(1)).await;
        let begin = Instant::now();
        connections.tell(Order::Stop);
        let mut nothing = String::new();
        quiet.read_to_string(&mut nothing).await.unwrap();
        assert!(nothing.is_empty() && begin.elapsed() <= limits::LINGER);
        let mut said = String::new();
        busy.read_to_string(&mut said).await.unwrap();
        assert!(said.ends_with("\r\n\r\nlate"), "{said}");
        assert_eq!(running.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes(), "late");
        connections.ended().await;
        assert!(begin.elapsed() < Duration::from_secs(3600 + 10));
    }
}

//! Who answers while the core is not open yet, perhaps because its database is being waited for? Whoever looks after the process
//! may know that it lives; everything else is told to come back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use supertokens_core::error::text_response;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::limits;
use crate::serve::accept;

/// Connections at a time. They are short.
const CONNECTIONS: usize = 100;
/// A caller may take so long to ask.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers until it is dropped. `base_path` is normalised.
pub(crate) async fn answer(listeners: &[TcpListener], base_path: &str) -> Infallible {
    let live: Arc<str> = format!("{base_path}/livez").into();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let Ok((stream, _)) = accept(listeners).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let live = Arc::clone(&live);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(PATIENCE, converse(stream, &live)).await;
            drop(place);
        });
    }
}

/// One request and its answer. The next one should find the core.
async fn converse(stream: TcpStream, live: &str) {
    let service =
        hyper::service::service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(respond(request.uri().path(), live)));
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).max_buf_size(limits::HEAD).keep_alive(false);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn respond(path: &str, live: &str) -> Response<Full<Bytes>> {
    let (status, line) = match path.strip_suffix('/').unwrap_or(path) == live {
        true => (StatusCode::OK, "OK"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
    };
    text_response(status, line).map(Full::new)
}

//! The side of browsers: HTTP/1 and HTTP/2 on one socket.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::event::{Gateway, own};

/// A function: an event in, its answer out; `None`, if it failed.
pub type Invoke = Arc<dyn Fn(Value) -> Pin<Box<dyn Future<Output = Option<Value>> + Send>> + Send + Sync>;

/// What Lambda takes of a caller who waits for the answer, in bytes.
const LIMIT: usize = 6 * 1024 * 1024;

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, gateway: Gateway, invoke: Invoke) {
    let gateway = Arc::new(gateway);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (gateway, invoke) = (Arc::clone(&gateway), Arc::clone(&invoke));
        let service = service_fn(move |request| {
            let (gateway, invoke) = (Arc::clone(&gateway), Arc::clone(&invoke));
            async move { Ok::<_, Infallible>(pass(&gateway, &invoke, request).await.map(Full::new)) }
        });
        tokio::spawn(async move {
            // A client that breaks off is no concern of the others.
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(gateway: &Gateway, invoke: &Invoke, request: Request<Incoming>) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LIMIT).collect().await else {
        return own(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    };
    match gateway.event(&Request::from_parts(parts, body.to_bytes())) {
        Ok(event) => gateway.response(invoke(event).await.as_ref()),
        Err(answer) => *answer,
    }
}

//! The side of the function: the Lambda Runtime API ("Using the Lambda runtime API" of its manual). A function asks for the next event, and
//! posts its answer; one at a time, as Lambda has it for each of its processes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::Invoke;

const PREFIX: &str = "/2018-06-01/runtime/";

type Answer = oneshot::Sender<Option<Value>>;

/// Events that wait for the function, and callers that wait for its answers.
#[derive(Clone)]
struct Runtime(Arc<Inside>);

struct Inside {
    waiting: mpsc::Sender<(Value, Answer)>,
    events: tokio::sync::Mutex<mpsc::Receiver<(Value, Answer)>>,
    asked: Mutex<HashMap<String, Answer>>,
    number: AtomicU64,
}

/// Serves the Runtime API on this socket; what comes back calls the function that asks there.
pub fn listen(listener: TcpListener) -> Invoke {
    let (waiting, events) = mpsc::channel(1024);
    let inside = Inside { waiting, events: events.into(), asked: Mutex::default(), number: AtomicU64::new(1) };
    let runtime = Runtime(Arc::new(inside));
    let api = runtime.clone();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let api = api.clone();
            let service = service_fn(move |request| {
                let api = api.clone();
                async move { Ok::<_, Infallible>(api.answer(request).await.map(Full::new)) }
            });
            tokio::spawn(async move {
                // The function ends with its process; then nobody asks here any more.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Arc::new(move |event| {
        let runtime = runtime.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            runtime.0.waiting.send((event, answer)).await.ok()?;
            answered.await.ok()?
        })
    })
}

impl Runtime {
    async fn answer(&self, request: Request<Incoming>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let Some(what) = parts.uri.path().strip_prefix(PREFIX) else { return plain(StatusCode::NOT_FOUND) };
        if (parts.method == Method::GET) && what == "invocation/next" {
            return self.next().await;
        }
        let asked = what.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'));
        let Some((id, kind)) = asked.filter(|_| parts.method == Method::POST) else { return plain(StatusCode::NOT_FOUND) };
        let Some(waits) = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(id) else {
            return plain(StatusCode::BAD_REQUEST);
        };
        let Ok(body) = body.collect().await else { return plain(StatusCode::BAD_REQUEST) };
        let answer = if kind == "response" { serde_json::from_slice(&body.to_bytes()).ok() } else { None };
        // Whoever asked may have left.
        let _ = waits.send(answer);
        plain(StatusCode::ACCEPTED)
    }

    async fn next(&self) -> Response<Bytes> {
        let Some((event, answer)) = self.0.events.lock().await.recv().await else { return plain(StatusCode::GONE) };
        let id = self.0.number.fetch_add(1, Ordering::Relaxed).to_string();
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), answer);
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", id)
            .header("lambda-runtime-deadline-ms", i64::MAX.to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:local:123456789012:function:local")
            .header("content-type", "application/json")
            .body(Bytes::from(event.to_string()));
        response.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

fn plain(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

//! What could HTTP itself reach at most? A server that reads a request and answers with so many bytes, and nothing else, in a
//! process of its own, made with the same library and runtime as the program; and the worker that asks it.

use std::convert::Infallible;
use std::path::Path;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use supertokens_testkit::program::{Caller, Program};
use tokio::net::{TcpListener, TcpStream};

use crate::load::{Operation, Worker};

/// The command by which this program is the bare server; the one by which `Program` starts any.
pub(crate) const START: &str = "start";

/// Serves until it is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("Started SuperTokens on localhost:{} with PID: {}", listener.local_addr()?.port(), std::process::id());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(converse(stream));
    }
}

async fn converse(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
    // A caller that is done closes; there is nobody to tell more.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// As many bytes as the path says.
async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let wanted = request.uri().path().trim_start_matches('/').parse().unwrap_or(0);
    let read = request.into_body().collect().await;
    let body = if read.is_ok() { Bytes::from(vec![b'x'; wanted]) } else { Bytes::new() };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

/// The bare server as a process.
pub(crate) fn start(folder: &Path) -> anyhow::Result<Program> {
    Program::start(&std::env::current_exe().context("where is the bench?")?, "", folder)
}

/// One keep-alive connection to the bare server, asking and answered with as much as each operation is.
pub(crate) struct BareWorker {
    caller: Caller,
    body: String,
}

impl BareWorker {
    pub(crate) async fn connect(port: u16) -> anyhow::Result<Self> {
        Ok(Self { caller: Caller::connect(port).await?, body: "x".repeat(1024) })
    }
}

impl BareWorker {
    /// Asks with so many bytes and is answered with so many.
    pub(crate) async fn exchange(&mut self, method: &str, asked: usize, answered: usize) -> anyhow::Result<()> {
        let body = self.body.get(..asked).context("a longer body")?;
        let (status, answer) = self.caller.ask(method, &format!("/{answered}"), body).await?;
        ensure!(status == 200 && answer.len() == answered, "the bare server answered {status}");
        Ok(())
    }
}

impl Worker for BareWorker {
    type Operation = Operation;

    async fn step(&mut self, operation: Operation) -> anyhow::Result<bool> {
        // The bodies of question and answer, measured at CDI 5.6 with the payloads that the other workers send.
        let (method, asked, answered) = match operation {
            Operation::Create => ("POST", 154, 1305),
            Operation::Refresh => ("POST", 436, 1305),
            Operation::Verify => ("POST", 712, 220),
            Operation::Get => ("GET", 0, 280),
            Operation::Revoke => ("POST", 60, 77),
        };
        self.exchange(method, asked, answered).await?;
        Ok(true)
    }
}

//! A core that knows fewer versions of its interface than ours does: an older one, to the SDK.
//!
//! Everything passes through to the world's core, the way the stage reaches it; only the answer about versions is cut.

use bytes::Bytes;
use http::{Request, Response, Uri};
use serde_json::{Value, json};
use supertokens::{BoxFuture, CoreTransport, TransportError};
use supertokens_core::Core;

/// The transport to such a core.
pub struct Narrow {
    /// What it offers.
    pub versions: &'static [&'static str],
    /// The core itself.
    pub way: Way,
}

/// How the core is reached.
pub enum Way {
    /// By a call.
    Call(Core),
    /// Through a socket.
    Socket(reqwest::Client),
}

impl CoreTransport for Narrow {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let asks_for_versions = request.uri().path().ends_with("/apiversion");
            let mut response = self.way.send(request).await?;
            if asks_for_versions {
                let offered: Value = serde_json::from_slice(response.body()).expect("the core's versions");
                let all = offered["versions"].as_array().expect("a list");
                let left: Vec<_> = all.iter().filter(|v| self.versions.iter().any(|kept| *v == kept)).collect();
                *response.body_mut() = Bytes::from(json!({ "versions": left }).to_string());
            }
            Ok(response)
        })
    }
}

impl Way {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match self {
            Self::Call(core) => {
                let (mut parts, body) = request.into_parts();
                parts.uri = parts.uri.path_and_query().cloned().map(Uri::from).unwrap_or_default();
                Ok(core.handle(Request::from_parts(parts, body), None).await)
            }
            Self::Socket(client) => {
                let broken = |error: reqwest::Error| TransportError::Broken(error.into());
                let request = reqwest::Request::try_from(request).map_err(broken)?;
                let mut answer = client.execute(request).await.map_err(broken)?;
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = answer.status();
                *response.headers_mut() = std::mem::take(answer.headers_mut());
                *response.body_mut() = answer.bytes().await.map_err(broken)?;
                Ok(response)
            }
        }
    }
}

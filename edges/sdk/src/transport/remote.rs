//! A core over the network: one pooled client for all hosts, no redirects, a limit on time and on the size of an answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::CoreTransport;
use crate::error::{BuildError, TransportError};
use crate::future::BoxFuture;

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// No answer of a core comes near this. Larger ones are refused rather than kept in memory.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

pub(crate) struct Remote {
    client: reqwest::Client,
}

impl Remote {
    pub(crate) fn new(timeout: Duration) -> Result<Self, BuildError> {
        let problem = |error: Box<dyn std::error::Error + Send + Sync>| BuildError::HttpClient(error);
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| problem(error.into()))?
            .with_platform_verifier()
            .map_err(|error| problem(error.into()))?
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(timeout)
            // A host that swallows packets is one that cannot be reached: the next one is tried soon.
            .connect_timeout(timeout.min(CONNECTING))
            // What goes to a core goes there and nowhere else, whatever the environment says about proxies.
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .map_err(|error| problem(error.into()))?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(failure)?;
        let mut response = self.client.execute(request).await.map_err(failure)?;
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(TransportError::Broken("the answer is larger than 64 MiB".into()));
            }
            body.extend_from_slice(&chunk);
        }
        *answer.body_mut() = body.freeze();
        Ok(answer)
    }
}

impl CoreTransport for Remote {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// The address is left out of what is shown: it may hold credentials.
fn failure(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    // A time-out while connecting reached nobody either.
    if error.is_connect() {
        TransportError::Unreachable(error.into())
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Broken(error.into())
    }
}

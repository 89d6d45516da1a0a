//! The one seam between the SDK and a core: an HTTP request goes in, an HTTP response comes out (decision 19). The remote transport
//! sends it over the network, the embedded one hands it to the core in the same process.

use bytes::Bytes;
use http::{Request, Response};

use crate::error::TransportError;
use crate::future::BoxFuture;

#[cfg(feature = "embedded")]
pub(crate) mod embedded;
#[cfg(feature = "remote")]
pub(crate) mod remote;

/// Brings a request to a core. The request's address is absolute; an implementation that knows only one core may ignore its host.
pub trait CoreTransport: Send + Sync + 'static {
    /// Sends it and gathers the answer. Redirects are not followed.
    ///
    /// # Errors
    /// See [`TransportError`]; only [`TransportError::Unreachable`] makes the SDK try another core.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>>;
}

//! The one type of future in the SDK's own interfaces.

use std::pin::Pin;

/// A future that travels between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

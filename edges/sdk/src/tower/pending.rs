//! Refusing from deep inside the application: an empty response that carries the error to
//! [`SuperTokensLayer`](super::SuperTokensLayer).

use http::Response;

use crate::adapter::{Pending, status_of};
use crate::error::Error;

/// A response that carries an error to [`SuperTokensLayer`](super::SuperTokensLayer), which replaces it by the error's answer; what the
/// request did to sessions before is part of that answer. Without the layer, the response has a fitting status and nothing else.
pub fn refusal<B: Default>(error: Error) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = status_of(&error);
    response.extensions_mut().insert(Pending::new(error));
    response
}

/// What stands in for a session where no layer is.
pub fn without_layer() -> Error {
    const MISSING: &str = "SuperTokensLayer is missing: add it to the router with .layer(SuperTokensLayer::new(supertokens)), after the \
                           routes and after all layers that want a session";
    Error::Settings(MISSING.to_owned())
}

/// Takes the error out of a response that carries one.
pub(super) fn take<B>(response: &mut Response<B>) -> Option<Error> {
    response.extensions_mut().remove::<Pending>()?.take()
}

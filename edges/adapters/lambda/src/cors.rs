//! Which pages may talk to the API (sdk-session.md 3.6, 3.9, 9.1): the website's, with cookies, and nobody else's. Only the public keys
//! and the discovery document are for every page.

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderValue, Uri};
use supertokens::{SuperTokens, tower};
use tower_http::cors::CorsLayer;

pub use supertokens::tower::cors_headers;

use crate::address::without_stage;

/// The CORS layer that browsers need when the website and the API have different origins, and API Gateway passes preflights on. It
/// stands outside of [`SuperTokensLayer`](crate::SuperTokensLayer), so that it puts its headers on refusals too. An HTTP API can answer
/// preflights by itself; then it must allow the website's origin and no other, credentials, and [`cors_headers`]. What a gateway refuses
/// by itself, as after an [`Authorizer`](crate::Authorizer), has the headers of its own settings.
///
/// It allows the website's origin and no other, credentials, the usual methods, `content-type`, and the headers that the website's library
/// sends. Further request headers: [`CorsLayer::allow_headers`], which replaces the list.
///
/// Do not give it `expose_headers`: that would replace the header by which the SDK shows its tokens to the website's library. Set
/// `Access-Control-Expose-Headers` on responses instead; the SDK adds its own names to what it finds there.
pub fn cors_layer(supertokens: &SuperTokens) -> CorsLayer {
    tower::cors_layer_by(supertokens, address)
}

/// As [`cors_layer`], for several websites: `is_allowed` is told the request's origin. Say yes to origins that are yours only, because
/// their pages act with the user's session.
pub fn cors_layer_for(
    supertokens: &SuperTokens,
    is_allowed: impl Fn(&HeaderValue, &Parts) -> bool + Send + Sync + 'static,
) -> CorsLayer {
    tower::cors_layer_for_by(supertokens, is_allowed, address)
}

fn address(parts: &Parts) -> Cow<'_, Uri> {
    without_stage(&parts.uri, &parts.extensions).map_or(Cow::Borrowed(&parts.uri), Cow::Owned)
}

//! Which pages may talk to the API (sdk-session.md 3.6, 3.9, 9.1): the website's, with cookies, and nobody else's. Only the public keys
//! and the discovery document are for every page.

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use supertokens::adapter::Cors;
use supertokens::{RequestView, SuperTokens};
use tower_http::cors::{AllowOrigin, CorsLayer};

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
    let rules = Cors::new(supertokens);
    cors_layer_for(supertokens, move |origin, parts| rules.is_website(origin.as_bytes(), || view(parts)))
}

/// As [`cors_layer`], for several websites: `is_allowed` is told the request's origin. Say yes to origins that are yours only, because
/// their pages act with the user's session.
pub fn cors_layer_for(
    supertokens: &SuperTokens,
    is_allowed: impl Fn(&HeaderValue, &Parts) -> bool + Send + Sync + 'static,
) -> CorsLayer {
    let rules = Cors::new(supertokens);
    // The layer replaces what is inside of it, and so the `*` that the SDK puts on these documents.
    let is_public = move |parts: &Parts| rules.is_public(parts.method.as_str(), view(parts).path());
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, parts| is_allowed(origin, parts) || is_public(parts)))
        .allow_credentials(true)
        .allow_headers(cors_headers(supertokens))
        .allow_methods(Cors::METHODS)
}

/// The request headers that the website's library sends, and `content-type`.
pub fn cors_headers(supertokens: &SuperTokens) -> Vec<HeaderName> {
    Cors::headers(supertokens).collect()
}

fn view(parts: &Parts) -> RequestView {
    let uri = without_stage(&parts.uri, &parts.extensions).unwrap_or_else(|| parts.uri.clone());
    RequestView::new(parts.method.clone(), uri, parts.headers.clone())
}

//! Which pages may talk to the API (sdk-session.md 3.6, 3.9, 9.1): the website's, with cookies, and nobody else's. Only the public keys
//! and the discovery document are for every page.

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Uri};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::SuperTokens;
use crate::adapter::Cors;
use crate::request::RequestView;

/// The CORS layer that browsers need when the website and the API have different origins. Add it last, so that it stands outside of
/// [`SuperTokensLayer`](super::SuperTokensLayer): it answers preflights by itself, and puts its headers on refusals too.
///
/// It allows the website's origin and no other, credentials, the usual methods, `content-type`, and the headers that the website's library
/// sends. Where a function finds the website out for each request, that function is asked. An application whose own requests carry
/// further headers allows them with [`CorsLayer::allow_headers`], which replaces the list: [`cors_headers`] has what must be in it.
///
/// Do not give it `expose_headers`: that would replace the header by which the SDK shows its tokens to the website's library. Set
/// `Access-Control-Expose-Headers` on responses instead; the SDK adds its own names to what it finds there.
pub fn cors_layer(supertokens: &SuperTokens) -> CorsLayer {
    cors_layer_by(supertokens, own_address)
}

/// As [`cors_layer`], for several websites: `is_allowed` is told the request's origin. Say yes to origins that are yours only, because
/// their pages act with the user's session.
pub fn cors_layer_for(
    supertokens: &SuperTokens,
    is_allowed: impl Fn(&HeaderValue, &Parts) -> bool + Send + Sync + 'static,
) -> CorsLayer {
    cors_layer_for_by(supertokens, is_allowed, own_address)
}

/// As [`cors_layer`], where a request's address is not the one that the website asked for: `address` says that one.
pub fn cors_layer_by(supertokens: &SuperTokens, address: fn(&Parts) -> Cow<'_, Uri>) -> CorsLayer {
    let rules = Cors::new(supertokens);
    let view = move |parts: &Parts| RequestView::new(parts.method.clone(), address(parts).into_owned(), parts.headers.clone());
    cors_layer_for_by(supertokens, move |origin, parts| rules.is_website(origin.as_bytes(), || view(parts)), address)
}

/// As [`cors_layer_for`], where a request's address is not the one that the website asked for: `address` says that one.
pub fn cors_layer_for_by(
    supertokens: &SuperTokens,
    is_allowed: impl Fn(&HeaderValue, &Parts) -> bool + Send + Sync + 'static,
    address: fn(&Parts) -> Cow<'_, Uri>,
) -> CorsLayer {
    let rules = Cors::new(supertokens);
    // The layer replaces what is inside of it, and so the `*` that the SDK puts on these documents.
    let is_public = move |parts: &Parts| rules.is_public(parts.method.as_str(), address(parts).path());
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, parts| is_allowed(origin, parts) || is_public(parts)))
        .allow_credentials(true)
        .allow_headers(cors_headers(supertokens))
        .allow_methods(Cors::METHODS)
}

fn own_address(parts: &Parts) -> Cow<'_, Uri> {
    Cow::Borrowed(&parts.uri)
}

/// The request headers that the website's library sends, and `content-type`.
pub fn cors_headers(supertokens: &SuperTokens) -> Vec<HeaderName> {
    Cors::headers(supertokens).collect()
}

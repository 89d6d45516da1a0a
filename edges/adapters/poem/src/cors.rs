//! Which pages may talk to the API (sdk-session.md 3.9, 9.1): the website's, with cookies, and nobody else's.

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use poem::middleware::Cors;
use supertokens::{RequestView, SuperTokens, adapter};

/// Poem's CORS middleware, as browsers need it when the website and the API have different origins. Add it last, so that it stands
/// outside of [`SuperTokensMiddleware`](crate::SuperTokensMiddleware): it answers preflights by itself, and puts its headers on refusals
/// too.
///
/// It allows the website's origin, credentials, the usual methods, `content-type`, and the headers that the website's library sends.
/// An application whose own requests carry further headers adds them with [`Cors::allow_header`]. Where a function finds the website
/// out for each request, that function is asked with a request that has no more than the `Origin`: Poem shows no more.
///
/// Poem refuses every other origin with 403, and the application does not hear of the request: also where a page that the API serves
/// itself, under another address than the website's, posts to it, and where the public keys are fetched by a foreign page.
///
/// Do not give it `expose_header`: that would replace the header by which the SDK shows its tokens to the website's library. Set
/// `Access-Control-Expose-Headers` on responses instead; the SDK adds its own names to what it finds there.
pub fn cors(supertokens: &SuperTokens) -> Cors {
    let rules = adapter::Cors::new(supertokens);
    cors_for(supertokens, move |origin| rules.is_website(origin.as_bytes(), || asking(origin)))
}

/// As [`cors`], for several websites: `is_allowed` is told the request's origin. Say yes to origins that are yours only, because their
/// pages act with the user's session.
pub fn cors_for(supertokens: &SuperTokens, is_allowed: impl Fn(&str) -> bool + Send + Sync + 'static) -> Cors {
    Cors::new()
        .allow_origins_fn(is_allowed)
        .allow_credentials(true)
        .allow_methods(adapter::Cors::METHODS)
        .allow_headers(adapter::Cors::headers(supertokens))
}

/// A request from this origin, of which nothing else is known.
fn asking(origin: &str) -> RequestView {
    let origin = HeaderValue::from_str(origin).ok().map(|origin| (header::ORIGIN, origin));
    RequestView::new(Method::GET, Uri::default(), HeaderMap::from_iter(origin))
}

//! Which pages may talk to the API (sdk-session.md 3.6, 3.9, 9.1): the website's, with cookies, and nobody else's. Only the public keys
//! and the discovery document are for every page.

use http::HeaderValue;
use salvo::Request;
use salvo::cors::{AllowHeaders, AllowMethods, AllowOrigin, Cors};
use supertokens::{SuperTokens, adapter};

use crate::hoop::view;

/// Salvo's CORS component, as browsers need it when the website and the API have different origins. Its handler is the first hoop of the
/// [`Service`](salvo::Service), before [`SuperTokensHoop`](crate::SuperTokensHoop): `.hoop(cors(&supertokens).into_handler())`.
///
/// It allows the website's origin and no other, credentials, the usual methods, `content-type`, and the headers that the website's library
/// sends. Where a function finds the website out for each request, that function is asked. An application whose own requests carry
/// further headers allows them with [`Cors::allow_headers`], which replaces the list: [`adapter::Cors::headers`] has what must be in it.
/// Salvo asks the handlers inside first, on preflights too, and then writes the preflight's answer over theirs.
///
/// Do not give it `expose_headers`: that would replace the header by which the SDK shows its tokens to the website's library. Set
/// `Access-Control-Expose-Headers` on responses instead; the SDK adds its own names to what it finds there.
pub fn cors(supertokens: &SuperTokens) -> Cors {
    let rules = adapter::Cors::new(supertokens);
    cors_for(supertokens, move |origin, request| rules.is_website(origin.as_bytes(), || view(request)))
}

/// As [`cors`], for several websites: `is_allowed` is told the request's origin. Say yes to origins that are yours only, because their
/// pages act with the user's session.
pub fn cors_for(supertokens: &SuperTokens, is_allowed: impl Fn(&HeaderValue, &Request) -> bool + Send + Sync + 'static) -> Cors {
    let rules = adapter::Cors::new(supertokens);
    // The component replaces what is inside of it, and so the `*` that the SDK puts on the public documents.
    let allowed = AllowOrigin::dynamic(move |origin, request, _| {
        let is_public = || rules.is_public(request.method().as_str(), request.uri().path());
        origin.filter(|origin| is_allowed(origin, request) || is_public()).cloned()
    });
    Cors::new()
        .allow_origin(allowed)
        .allow_credentials(true)
        .allow_methods(AllowMethods::list(adapter::Cors::METHODS))
        .allow_headers(AllowHeaders::list(adapter::Cors::headers(supertokens)))
}

//! The rules of [`supertokens::adapter::Cors`], in actix's own CORS component.

use actix_cors::Cors;
use actix_web::dev::RequestHead;
use actix_web::http::header::HeaderValue;
use supertokens::{SuperTokens, adapter};

use crate::translate::view;

/// The CORS component that browsers need when the website and the API have different origins. Wrap it last, so that it stands outside of
/// [`SuperTokensMiddleware`](crate::SuperTokensMiddleware): it answers preflights by itself, and puts its headers on refusals too.
///
/// It allows the website's origin and no other, credentials, the usual methods, `content-type`, and the headers that the website's library
/// sends; [`Cors::allowed_header`] adds to these. Where a function finds the website out for each request, that function is asked.
///
/// Do not give it `expose_headers`: that would hide the tokens from the website's library. Set `Access-Control-Expose-Headers` on
/// responses instead; the SDK adds its own names to what it finds there.
pub fn cors(supertokens: &SuperTokens) -> Cors {
    let rules = adapter::Cors::new(supertokens);
    cors_for(supertokens, move |origin, head| rules.is_website(origin.as_bytes(), || view(head)))
}

/// As [`cors`], for several websites: `is_allowed` is told the request's origin. Say yes to origins that are yours only, because their
/// pages act with the user's session.
pub fn cors_for(supertokens: &SuperTokens, is_allowed: impl Fn(&HeaderValue, &RequestHead) -> bool + 'static) -> Cors {
    let rules = adapter::Cors::new(supertokens);
    // The component replaces what is inside of it, and so the `*` that the SDK puts on documents for every page.
    let is_public = move |head: &RequestHead| rules.is_public(head.method.as_str(), head.uri.path());
    let methods: Vec<_> = adapter::Cors::METHODS.iter().map(|method| method.as_str().to_owned()).collect();
    Cors::default()
        .allowed_origin_fn(move |origin, head| is_allowed(origin, head) || is_public(head))
        .block_on_origin_mismatch(false)
        .supports_credentials()
        .allowed_headers(cors_headers(supertokens))
        .allowed_methods(methods.iter().map(String::as_str))
}

/// The request headers that the website's library sends, and `content-type`.
pub fn cors_headers(supertokens: &SuperTokens) -> Vec<&'static str> {
    std::iter::once("content-type").chain(supertokens.all_cors_headers().iter().copied()).collect()
}

//! The rules of [`supertokens::adapter::Cors`] as a fairing. Rocket has no CORS component of its own.

use std::sync::Arc;

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Header, Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Data, Request, Response, Rocket};
use supertokens::{SuperTokens, adapter};

use crate::translate::view;

type IsAllowed = dyn Fn(&str, &Request<'_>) -> bool + Send + Sync;

/// The fairing that browsers need when the website and the API have different origins. Attach it after
/// [`SuperTokensFairing`](crate::SuperTokensFairing): it answers preflights by itself, and puts its headers on refusals too.
///
/// It allows the website's origin and no other, credentials, the usual methods, `content-type`, and the headers that the website's library
/// sends. Where a function finds the website out for each request, that function is asked.
#[derive(Clone)]
pub struct Cors {
    rules: adapter::Cors,
    headers: String,
    is_allowed: Option<Arc<IsAllowed>>,
}

impl Cors {
    /// For the website of this SDK's application.
    pub fn new(supertokens: &SuperTokens) -> Self {
        let headers: Vec<_> = adapter::Cors::headers(supertokens).collect();
        let headers = headers.iter().map(http::HeaderName::as_str).collect::<Vec<_>>().join(",");
        Self { rules: adapter::Cors::new(supertokens), headers, is_allowed: None }
    }

    /// For several websites: `is_allowed` is told the request's origin. Say yes to origins that are yours only, because their pages act
    /// with the user's session.
    #[must_use]
    pub fn allow_origins(mut self, is_allowed: impl Fn(&str, &Request<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.is_allowed = Some(Arc::new(is_allowed));
        self
    }

    /// Lets the website send one more header.
    #[must_use]
    pub fn allow_header(mut self, name: &str) -> Self {
        self.headers.push(',');
        self.headers.push_str(name);
        self
    }

    fn allows(&self, origin: &str, request: &Request<'_>) -> bool {
        let website = match &self.is_allowed {
            Some(is_allowed) => is_allowed(origin, request),
            None => self.rules.is_website(origin.as_bytes(), || view(request)),
        };
        website || self.rules.is_public(request.method().as_str(), request.uri().path().as_str())
    }
}

impl std::fmt::Debug for Cors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cors").field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// The origin of a request that asks whether another may come.
fn preflight<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let asks = request.method() == Method::Options && request.headers().contains("access-control-request-method");
    request.headers().get_one("origin").filter(|_| asks)
}

/// Before everything else that takes `OPTIONS`.
const RANK: isize = -2000;

#[derive(Clone)]
struct Preflights;

#[rocket::async_trait]
impl Handler for Preflights {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match preflight(request) {
            Some(_) => Outcome::Success(Response::build().status(Status::NoContent).finalize()),
            None => Outcome::Forward((data, Status::NotFound)),
        }
    }
}

#[rocket::async_trait]
impl Fairing for Cors {
    fn info(&self) -> Info {
        Info { name: "SuperTokens CORS", kind: Kind::Ignite | Kind::Response | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> rocket::fairing::Result {
        Ok(rocket.mount("/", [Route::ranked(RANK, Method::Options, "/<_..>", Preflights)]))
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        response.adjoin_header(Header::new("vary", "origin"));
        let Some(origin) = request.headers().get_one("origin") else { return };
        if !self.allows(origin, request) {
            return;
        }
        response.set_header(Header::new("access-control-allow-origin", origin.to_owned()));
        response.set_header(Header::new("access-control-allow-credentials", "true"));
        if preflight(request).is_some() {
            let methods = adapter::Cors::METHODS.map(|method| method.to_string()).join(",");
            response.set_header(Header::new("access-control-allow-methods", methods));
            response.set_header(Header::new("access-control-allow-headers", self.headers.clone()));
        }
    }
}

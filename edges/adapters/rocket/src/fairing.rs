//! The fairing around the whole application (sdk-session.md 9.1): the SDK's endpoints, one scope for each request, and what happened to
//! sessions on the response.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Data, Request, Response, Rocket};
use supertokens::adapter::{CheckedSession, Pending, status_of};
use supertokens::{Scope, SuperTokens};

use crate::Error;
use crate::translate::{answer, finish, replace, view};

/// Makes a Rocket application know sessions. Attach it once, before [`Cors`](crate::Cors).
#[derive(Debug, Clone)]
pub struct SuperTokensFairing(SuperTokens);

impl SuperTokensFairing {
    /// The fairing of this SDK.
    pub fn new(supertokens: SuperTokens) -> Self {
        Self(supertokens)
    }
}

/// What is kept with a request, for guards, handlers and the response.
pub(crate) struct Visit {
    scope: Option<Scope>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    pending: Option<Pending>,
    checked: Option<CheckedSession>,
}

impl Visit {
    fn new(scope: Option<Scope>) -> Self {
        Self { scope, inside: Mutex::default() }
    }

    /// The visit that this request is.
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| Self::new(None))
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn scope(&self) -> Result<&Scope, supertokens::Error> {
        const MISSING: &str =
            "SuperTokensFairing is missing: add it to the rocket with .attach(SuperTokensFairing::new(supertokens))";
        self.scope.as_ref().ok_or_else(|| supertokens::Error::Settings(MISSING.to_owned()))
    }

    /// Leaves an error to be answered.
    pub(crate) fn leave(&self, error: &Error) {
        // Without the fairing nobody would look, and the error itself says so in the log when it goes.
        if self.scope.is_some() {
            self.lock().pending = Some(error.pending());
        }
    }

    pub(crate) fn checked(&self) -> Option<CheckedSession> {
        self.lock().checked.clone()
    }

    /// What a guard has found is there for the next one.
    pub(crate) fn keep(&self, found: CheckedSession) {
        self.lock().checked = Some(found);
    }
}

/// Before the application's routes.
const RANK: isize = -1000;

/// The SDK's endpoints. What is not for them goes on to the application.
#[derive(Clone)]
struct Endpoints;

#[rocket::async_trait]
impl Handler for Endpoints {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        match Visit::of(request).scope.as_ref().and_then(Scope::answering) {
            Some(written) => Outcome::Success(answer(written.await)),
            None => Outcome::Forward((data, Status::NotFound)),
        }
    }
}

#[rocket::async_trait]
impl Fairing for SuperTokensFairing {
    fn info(&self) -> Info {
        Info { name: "SuperTokens", kind: Kind::Ignite | Kind::Request | Kind::Response | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> rocket::fairing::Result {
        let endpoints = [Method::Get, Method::Post].map(|verb| Route::ranked(RANK, verb, "/<_..>", Endpoints));
        Ok(rocket.mount("/", endpoints))
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let scope = Scope::new(self.0.clone(), view(request));
        request.local_cache(|| Visit::new(Some(scope)));
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let visit = Visit::of(request);
        let Ok(scope) = visit.scope() else { return };
        let error = visit.lock().pending.take().and_then(|pending| pending.take());
        // A handler that looked at the refusal and answered by itself, or a catcher that made something else of it, has another status.
        let refused = error.filter(|error| status_of(error).as_u16() == response.status().code);
        match refused {
            Some(error) => replace(response, scope.error_response(error).await),
            None => finish(scope, response),
        }
    }
}

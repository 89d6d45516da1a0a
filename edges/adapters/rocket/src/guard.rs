//! What handlers take: the session, a session if there is one, the means to create one, and the SDK (sdk-session.md 9.4).

use rocket::Request;
use rocket::request::{FromRequest, Outcome};
use supertokens::Scope;
use supertokens::adapter::{self, CheckedSession, VerifyPolicy};
use supertokens::session::VerifyOptions;

use crate::Error;
use crate::fairing::Visit;

supertokens::handler_types! {
    /// The session of the request. A handler that takes it is not called without one. How it is checked, a [`VerifyPolicy`] says.
    ///
    /// ```
    /// use rocket::delete;
    /// use supertokens::session::VerifyOptions;
    /// use supertokens_rocket::{Session, VerifyPolicy};
    ///
    /// struct StillAlive;
    ///
    /// impl VerifyPolicy for StillAlive {
    ///     fn options() -> VerifyOptions {
    ///         VerifyOptions::new().check_database()
    ///     }
    /// }
    ///
    /// #[delete("/account")]
    /// async fn delete_account(session: Session<StillAlive>) {}
    /// ```
    ///
    /// It is a [`supertokens::session::Session`] and can do all that one can. Two guards of one request check once, unless a policy says
    /// otherwise.
    Session;
    /// The session of the request, if it has one. A request with an expired one is refused, so that the browser refreshes it and comes
    /// again; it is not taken for one without.
    MaybeSession;
    /// What a login handler takes: the request as the SDK sees it, for which sessions can be created.
    ///
    /// ```
    /// use rocket::post;
    /// use supertokens::session::NewSession;
    /// use supertokens_rocket::{Auth, Result};
    ///
    /// #[post("/login")]
    /// async fn login(auth: Auth) -> Result<&'static str> {
    ///     // The application has found out by itself who it is.
    ///     auth.create_new_session(NewSession::of("anna")).await?;
    ///     Ok("welcome") // the fairing puts the tokens into this response
    /// }
    /// ```
    Auth;
    /// The SDK, for what concerns no session of this request: revoking others, looking sessions up, making JWTs.
    Engine;
}

/// For guards of your own: checks the request's session with options that are made at run time. `OPTIONS` and `TRACE` pass without one,
/// because preflights carry no cookies. What it has found, a [`Session`] behind it among the handler's arguments takes as it is: where the
/// options are laxer than a route needs, give that route a policy.
///
/// ```
/// use rocket::Request;
/// use rocket::request::{FromRequest, Outcome};
/// use supertokens::session::VerifyOptions;
///
/// /// Lets only those in whose session is in the database.
/// struct Known;
///
/// #[rocket::async_trait]
/// impl<'r> FromRequest<'r> for Known {
///     type Error = supertokens_rocket::Error;
///
///     async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
///         supertokens_rocket::verify_session(request, &VerifyOptions::new().check_database()).await.map(|_| Self)
///     }
/// }
/// ```
pub async fn verify_session(
    request: &Request<'_>,
    options: &VerifyOptions,
) -> Outcome<Option<supertokens::session::Session>, Error> {
    let visit = Visit::of(request);
    let checked = match visit.scope() {
        Ok(scope) => scope.verify_session(options).await,
        Err(missing) => Err(missing),
    };
    if let (Ok(found), Ok(scope)) = (&checked, visit.scope()) {
        visit.keep(CheckedSession::new(scope, found.clone()));
    }
    outcome(visit, checked)
}

fn outcome<T>(visit: &Visit, result: Result<T, supertokens::Error>) -> Outcome<T, Error> {
    match result {
        Ok(found) => Outcome::Success(found),
        Err(error) => {
            let error = Error::from(error);
            visit.leave(&error);
            Outcome::Error((error.status(), error))
        }
    }
}

#[rocket::async_trait]
impl<'r, P: VerifyPolicy> FromRequest<'r> for Session<P> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let visit = Visit::of(request);
        let found = match visit.scope() {
            Ok(scope) => adapter::required::<P>(scope, visit.checked()).await,
            Err(missing) => Err(missing),
        };
        // What a laxer policy has let in is nothing that others may trust.
        if let (Ok(session), Ok(scope), true) = (&found, visit.scope(), P::TRUSTS_GUARD) {
            visit.keep(CheckedSession::new(scope, Some(session.clone())));
        }
        outcome(visit, found).map(Self::of)
    }
}

#[rocket::async_trait]
impl<'r, P: VerifyPolicy> FromRequest<'r> for MaybeSession<P> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let visit = Visit::of(request);
        let found = match visit.scope() {
            Ok(scope) => adapter::optional::<P>(scope, visit.checked()).await,
            Err(missing) => Err(missing),
        };
        if let (Ok(session), Ok(scope), true) = (&found, visit.scope(), P::TRUSTS_GUARD) {
            visit.keep(CheckedSession::new(scope, session.clone()));
        }
        outcome(visit, found).map(|session| Self(session.map(Session::of)))
    }
}

fn scope(request: &Request<'_>) -> Outcome<Scope, Error> {
    let visit = Visit::of(request);
    outcome(visit, visit.scope().cloned())
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Auth {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        scope(request).map(Self)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Engine {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        scope(request).map(|scope| Self(scope.supertokens().clone()))
    }
}

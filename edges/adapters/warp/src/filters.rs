//! What extracts the session, a session if there is one, the means to create one, and the SDK (sdk-session.md 9.4).

use std::sync::Arc;

use supertokens::adapter::{self, Usual, VerifyPolicy};
use supertokens::session::{Session, VerifyOptions};
use supertokens::{Scope, SuperTokens};
use warp::Filter;
use warp::reject::Rejection;

use crate::Error;

/// The request as the SDK sees it, for which sessions can be created: what a login handler takes.
///
/// ```
/// use supertokens::{Scope, session::NewSession};
/// use supertokens_warp::{Result, auth};
/// use warp::Filter;
///
/// async fn login(auth: Scope) -> Result<&'static str> {
///     // The application has found out by itself who it is.
///     auth.create_new_session(NewSession::of("anna")).await?;
///     Ok("welcome") // the tokens are put into this reply
/// }
///
/// let routes = warp::path!("login").and(warp::post()).and(auth()).then(login);
/// ```
pub fn auth() -> impl Filter<Extract = (Scope,), Error = Rejection> + Copy + Send + Sync + 'static {
    warp::ext::optional::<Scope>().and_then(|scope: Option<Scope>| async { scope.ok_or_else(without_layer) })
}

fn without_layer() -> Rejection {
    const MISSING: &str = "the SDK's layer is missing: serve the routes with supertokens_warp::serve(&supertokens, routes) in the \
                           place of warp::serve(routes)";
    Error::from(supertokens::Error::Settings(MISSING.to_owned())).into()
}

/// The SDK, for what concerns no session of this request: revoking others, looking sessions up, making JWTs.
pub fn engine() -> impl Filter<Extract = (SuperTokens,), Error = Rejection> + Copy + Send + Sync + 'static {
    auth().map(|scope: Scope| scope.supertokens().clone())
}

/// The session of the request. Requests without a good one are refused.
pub fn session() -> impl Filter<Extract = (Session,), Error = Rejection> + Copy + Send + Sync + 'static {
    session_by::<Usual>()
}

/// As [`session()`], checked as a policy says.
///
/// ```
/// use supertokens::session::{Session, VerifyOptions};
/// use supertokens_warp::{VerifyPolicy, session_by};
/// use warp::Filter;
///
/// struct StillAlive;
///
/// impl VerifyPolicy for StillAlive {
///     fn options() -> VerifyOptions {
///         VerifyOptions::new().check_database()
///     }
/// }
///
/// let routes = warp::path!("account").and(warp::delete()).and(session_by::<StillAlive>()).map(|_: Session| "gone");
/// ```
pub fn session_by<P: VerifyPolicy>() -> impl Filter<Extract = (Session,), Error = Rejection> + Copy + Send + Sync + 'static {
    auth().and_then(|scope: Scope| async move { adapter::required::<P>(&scope, None).await.map_err(rejected) })
}

/// The session of the request, if it has one. A request with an expired one is refused, so that the browser refreshes it and comes
/// again; it is not taken for one without.
pub fn maybe_session() -> impl Filter<Extract = (Option<Session>,), Error = Rejection> + Copy + Send + Sync + 'static {
    auth().and_then(|scope: Scope| async move { adapter::optional::<Usual>(&scope, None).await.map_err(rejected) })
}

/// The session of the request, checked with options that are made at run time. `None`, if these let requests without a session through,
/// and for `OPTIONS` and `TRACE`, because preflights carry no cookies.
pub fn verify_session(
    options: VerifyOptions,
) -> impl Filter<Extract = (Option<Session>,), Error = Rejection> + Clone + Send + Sync + 'static {
    let options = Arc::new(options);
    auth().and_then(move |scope: Scope| {
        let options = Arc::clone(&options);
        async move { scope.verify_session(&options).await.map_err(rejected) }
    })
}

fn rejected(error: supertokens::Error) -> Rejection {
    Error::from(error).into()
}

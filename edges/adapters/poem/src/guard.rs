//! The guard of a route: lets requests through whose session is good, and gives that session to the handler.

use std::sync::Arc;

use poem::{Endpoint, Middleware, Request};
use supertokens::adapter::CheckedSession;
use supertokens::session::VerifyOptions;

use crate::Error;
use crate::extract::scope;

/// Lets requests through to these routes only if their session satisfies the options.
///
/// `OPTIONS` and `TRACE` pass without a session, because preflights carry no cookies: around an endpoint that answers every verb, let the
/// handler take a [`Session`](crate::Session) too.
///
/// ```
/// use poem::{EndpointExt, Route, handler, post};
/// use supertokens::session::VerifyOptions;
/// use supertokens_poem::{Session, verify_session};
///
/// #[handler]
/// async fn pay(session: Session) -> String {
///     format!("{} pays", session.user_id())
/// }
///
/// let paying = Route::new().at("/pay", post(pay).with(verify_session(VerifyOptions::new().check_database())));
/// ```
///
/// What it found is also among the request's extensions, as [`supertokens::session::Session`], for middleware inside of it.
pub fn verify_session(options: VerifyOptions) -> VerifySession {
    VerifySession { options: Arc::new(options) }
}

/// The guard that [`verify_session`] makes.
#[derive(Debug, Clone)]
pub struct VerifySession {
    options: Arc<VerifyOptions>,
}

impl<E: Endpoint> Middleware<E> for VerifySession {
    type Output = VerifySessionEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        VerifySessionEndpoint { inner, options: Arc::clone(&self.options) }
    }
}

/// An endpoint with [`VerifySession`] around it.
#[derive(Debug)]
pub struct VerifySessionEndpoint<E> {
    inner: E,
    options: Arc<VerifyOptions>,
}

impl<E: Endpoint> Endpoint for VerifySessionEndpoint<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> poem::Result<E::Output> {
        let scope = scope(&request)?.clone();
        let checked = CheckedSession::of_guard(&scope, request.method().as_str(), &self.options).await.map_err(Error::from)?;
        if let Some(session) = checked.session() {
            request.extensions_mut().insert(session.clone());
        }
        request.extensions_mut().insert(checked);
        self.inner.call(request).await
    }
}

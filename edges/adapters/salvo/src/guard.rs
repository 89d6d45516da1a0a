//! The guard of a router: lets requests through whose session is good, and gives that session to the handlers.

use std::sync::Arc;

use salvo::{Depot, FlowCtrl, Handler, Request, Response, Writer as _, async_trait};
use supertokens::adapter::CheckedSession;
use supertokens::session::VerifyOptions;

use crate::Error;
use crate::extract::scope;

/// Lets requests through to these routes only if their session satisfies the options.
///
/// `OPTIONS` and `TRACE` pass without a session, because preflights carry no cookies: where a handler is the `goal` of every verb, let it
/// take a [`Session`](crate::Session) too.
///
/// ```
/// use salvo::prelude::{Router, Writer, handler};
/// use supertokens::session::VerifyOptions;
/// use supertokens_salvo::{Session, verify_session};
///
/// #[handler]
/// async fn pay(session: Session) -> String {
///     format!("{} pays", session.user_id())
/// }
///
/// let paying = Router::with_path("pay").hoop(verify_session(VerifyOptions::new().check_database())).post(pay);
/// ```
pub fn verify_session(options: VerifyOptions) -> VerifySession {
    VerifySession { options: Arc::new(options) }
}

/// The hoop that [`verify_session`] makes.
#[derive(Debug, Clone)]
pub struct VerifySession {
    options: Arc<VerifyOptions>,
}

#[async_trait]
impl Handler for VerifySession {
    async fn handle(&self, request: &mut Request, depot: &mut Depot, response: &mut Response, ctrl: &mut FlowCtrl) {
        let found = match scope(depot) {
            Ok(scope) => CheckedSession::of_guard(scope, request.method().as_str(), &self.options).await.map_err(Error::from),
            Err(missing) => Err(missing),
        };
        match found {
            Ok(checked) => {
                if let Some(session) = checked.session() {
                    depot.insert_typed(session.clone());
                }
                depot.insert_typed(checked);
            }
            Err(error) => {
                error.write(request, depot, response).await;
                ctrl.skip_rest();
            }
        }
    }
}

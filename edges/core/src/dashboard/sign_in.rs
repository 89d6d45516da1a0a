//! POST /recipe/dashboard/signin. The SDKs hand it on to whoever comes by, so that passwords may be guessed here: a throttle counts them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use supertokens_domain::dashboard::throttle::{Throttle, Wait, Whose};
use supertokens_domain::dashboard::{SESSION_LIFETIME, Session};
use supertokens_domain::ids::AppId;
use supertokens_domain::secret::Secret;
use supertokens_domain::time::SECOND;
use supertokens_wire::cdi::dashboard::{SignInToDashboard, SignedInToDashboard};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

/// How often which password was tried. Each core counts for itself.
#[derive(Debug, Default)]
pub(crate) struct Tries(Mutex<Throttle>);

impl Tries {
    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn forget(&self, app: &AppId) {
        self.throttle().forget(app);
    }
}

impl UseCase for SignInToDashboard {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignedInToDashboard, Error> {
        let tries = &cx.core.dashboard_tries;
        let whose = Whose::new(&cx.at().app, &self.email);
        let taken = tries.throttle().take(whose.clone(), cx.now);
        if let Err(Wait(ms)) = taken {
            // Waiting times are whole seconds, and none is too short.
            return Ok(SignedInToDashboard::TriedTooOften { retry_after: ms.saturating_add(SECOND - 1) / SECOND });
        }
        match session(cx, self.email, self.password).await {
            Ok(Some(id)) => {
                tries.throttle().give_back(&whose);
                Ok(SignedInToDashboard::Ok(id))
            }
            Ok(None) => {
                if tries.throttle().is_used_up(&whose, cx.now) {
                    let app = cx.at().app.as_str();
                    tracing::warn!(app, "many wrong passwords in a row for one address of the dashboard; it has to wait");
                }
                Ok(SignedInToDashboard::WrongCredentials)
            }
            // No password was looked at, or whoever asked does not hear of it.
            Err(error) => {
                tries.throttle().give_back(&whose);
                Err(error)
            }
        }
    }
}

/// A new session, if the password is right.
async fn session(cx: &Cx<'_>, email: String, password: Secret<String>) -> Result<Option<Secret<String>>, Error> {
    let (app, asked) = (cx.at().app.clone(), email.clone());
    let found = cx.db().read(async move |tx| tx.dashboard_password(&app, &asked).await).await?;
    let (user_id, hash) = found.unzip();
    // Whoever is unknown waits as long as whoever is not.
    let is_right = cx.verifies(password, hash.clone()).await?;
    let (true, Some(user_id), Some(hash)) = (is_right, user_id, hash) else { return Ok(None) };
    let id = cx.uuid();
    let session = Session { user_id, id: id.clone(), created: cx.now, expiry: cx.now.saturating_add(SESSION_LIFETIME) };
    let app = cx.at().app.clone();
    // Hashing takes its time: a password that was replaced meanwhile, or whose user is gone, lets nobody in.
    let is_in = cx.db().single(async move |tx| tx.insert_dashboard_session(&app, &session, &email, &hash).await).await?;
    Ok(is_in.then(|| Secret::new(id)))
}

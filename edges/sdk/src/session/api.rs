//! The recipe's two endpoints: refresh and sign out (sdk-session.md 3.4, 3.5). What they do can be overridden, and they can be switched
//! off.

use super::object::Session;
use super::verify::VerifyOptions;
use crate::SuperTokens;
use crate::context::Scope;
use crate::error::Error;
use crate::overriding::Function;

/// `POST <base path>/session/refresh`: new tokens for the request's refresh token.
#[derive(Debug, Clone)]
pub struct RefreshPost {
    /// The request.
    pub scope: Scope,
}

impl Function for RefreshPost {
    const NAME: &'static str = "refreshPOST";
    type Output = Session;

    async fn run(self, _: &SuperTokens) -> Result<Session, Error> {
        self.scope.refresh_session().await
    }
}

/// `POST <base path>/signout`: ends the request's session.
#[derive(Debug, Clone)]
pub struct SignOutPost {
    /// The session. Its claims were not looked at: whoever fails them may leave all the same.
    pub session: Session,
    /// The request.
    pub scope: Scope,
}

/// What an endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedOut {
    /// It is done.
    Ok,
    /// The application says why not; the browser shows it.
    GeneralError {
        /// For the person in front of the browser.
        message: String,
    },
}

impl Function for SignOutPost {
    const NAME: &'static str = "signOutPOST";
    type Output = SignedOut;

    async fn run(self, _: &SuperTokens) -> Result<SignedOut, Error> {
        self.session.revoke().await?;
        Ok(SignedOut::Ok)
    }
}

/// Signs out whoever sent the request.
pub(crate) async fn sign_out(scope: &Scope) -> Result<SignedOut, Error> {
    let options = VerifyOptions::new().override_global_claim_validators(|_, _| async { Ok(Vec::new()) });
    match scope.get_session(&options).await? {
        Some(session) => scope.supertokens().call(SignOutPost { session, scope: scope.clone() }).await,
        // An override of GetSession may find none although one is required.
        None => Err(Error::no_session("no session")),
    }
}

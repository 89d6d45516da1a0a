//! What handlers take: the session, a session if there is one, the means to create one, and the SDK (sdk-session.md 9.4).

use std::sync::LazyLock;

use salvo::extract::Metadata;
use salvo::{Depot, Extractible, Request};
use supertokens::Scope;
use supertokens::adapter::{self, CheckedSession, VerifyPolicy};

use crate::Error;

supertokens::handler_types! {
    /// The session of the request. A handler that takes it is not called without one. How it is checked, a [`VerifyPolicy`] says.
    ///
    /// ```
    /// use salvo::{Writer, handler};
    /// use supertokens::session::VerifyOptions;
    /// use supertokens_salvo::{Session, VerifyPolicy};
    ///
    /// struct StillAlive;
    ///
    /// impl VerifyPolicy for StillAlive {
    ///     fn options() -> VerifyOptions {
    ///         VerifyOptions::new().check_database()
    ///     }
    /// }
    ///
    /// #[handler]
    /// async fn delete_account(session: Session<StillAlive>) {}
    /// ```
    ///
    /// It is a [`supertokens::session::Session`] and can do all that one can.
    Session;
    /// The session of the request, if it has one. A request with an expired one is refused, so that the browser refreshes it and comes
    /// again; it is not taken for one without.
    MaybeSession;
    /// What a login handler takes: the request as the SDK sees it, for which sessions can be created.
    ///
    /// ```
    /// use salvo::{Writer, handler};
    /// use supertokens::session::NewSession;
    /// use supertokens_salvo::{Auth, Result};
    ///
    /// #[handler]
    /// async fn login(auth: Auth) -> Result<&'static str> {
    ///     // The application has found out by itself who it is.
    ///     auth.create_new_session(NewSession::of("anna")).await?;
    ///     Ok("welcome") // the hoop puts the tokens into this response
    /// }
    /// ```
    Auth;
    /// The SDK, for what concerns no session of this request: revoking others, looking sessions up, making JWTs.
    Engine;
}

/// The scope that the hoop has left in the depot.
pub(crate) fn scope(depot: &Depot) -> Result<&Scope, Error> {
    const MISSING: &str = "SuperTokensHoop is missing: add it to the service with .hoop(SuperTokensHoop::new(supertokens)), before all \
                           hoops that want a session";
    depot.get_typed().map_err(|_| supertokens::Error::Settings(MISSING.to_owned()).into())
}

fn checked(depot: &Depot) -> Option<CheckedSession> {
    depot.get_typed().ok().cloned()
}

/// What Salvo wants to know of an extractor that reads neither query nor body: its name.
macro_rules! metadata {
    ($name:literal) => {
        fn metadata() -> &'static Metadata {
            static METADATA: LazyLock<Metadata> = LazyLock::new(|| Metadata::new($name));
            &METADATA
        }
    };
}

impl<'ex, P: VerifyPolicy> Extractible<'ex> for Session<P> {
    metadata!("Session");

    #[allow(refining_impl_trait, reason = "the error has a name")]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, Error> {
        let session = adapter::required::<P>(scope(depot)?, checked(depot)).await?;
        Ok(Self::of(session))
    }
}

impl<'ex, P: VerifyPolicy> Extractible<'ex> for MaybeSession<P> {
    metadata!("MaybeSession");

    #[allow(refining_impl_trait, reason = "the error has a name")]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, Error> {
        let session = adapter::optional::<P>(scope(depot)?, checked(depot)).await?;
        Ok(Self(session.map(Session::of)))
    }
}

impl<'ex> Extractible<'ex> for Auth {
    metadata!("Auth");

    #[allow(refining_impl_trait, reason = "the error has a name")]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, Error> {
        Ok(Self(scope(depot)?.clone()))
    }
}

impl<'ex> Extractible<'ex> for Engine {
    metadata!("Engine");

    #[allow(refining_impl_trait, reason = "the error has a name")]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, Error> {
        Ok(Self(scope(depot)?.supertokens().clone()))
    }
}

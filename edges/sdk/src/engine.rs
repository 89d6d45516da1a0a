//! The running SDK: one immutable value, cheap to clone, that everything else is called on.

use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use supertokens_domain::time::Millis;
use supertokens_web::address::Domain;
use supertokens_web::app_info::AppInfo;
use supertokens_web::session_settings::{AntiCsrfMode, SameSite};
use supertokens_wire::ask::Ask;

use crate::app_info::OriginFunction;
use crate::context::{OwnAnswer, Scope, UserContext};
use crate::core_client::{Asking, CoreClient, Introduction, Keeping, Place};
use crate::error::{CoreError, Error};
use crate::figures::Tally;
use crate::jwks::Jwks;
use crate::overriding::Overrides;
use crate::request::RequestView;
use crate::session::SessionFeature;
use crate::session::turns::Turns;
use crate::session::verified::VerifiedTokens;
use crate::surroundings::Surroundings;

/// Tells the time, in ms since 1970-01-01 UTC.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Answers a fault in the application's own way.
pub(crate) type OnFault = Arc<dyn Fn(&Error, &Scope) -> Option<OwnAnswer> + Send + Sync>;

/// The SDK of one application. Clones are the same SDK.
///
/// Made by [`SuperTokens::builder`]. There is no hidden global: keep it in the application's state, or hand it to a framework's adapter.
#[derive(Clone)]
pub struct SuperTokens(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) app: AppInfo,
    pub(crate) origin: Option<OriginFunction>,
    pub(crate) client: CoreClient,
    pub(crate) jwks: Jwks,
    pub(crate) verified: Option<VerifiedTokens>,
    pub(crate) session: Option<SessionFeature>,
    /// In s.
    pub(crate) jwt_validity: i64,
    pub(crate) overrides: Overrides,
    pub(crate) clock: Clock,
    pub(crate) on_fault: Option<OnFault>,
    pub(crate) figures: Tally,
    pub(crate) surroundings: Surroundings,
    /// Questions about tokens that nothing here shows to be genuine.
    pub(crate) unproven: tokio::sync::Semaphore,
    /// Whose turn it is to change a session's payload.
    pub(crate) turns: Turns,
    /// What follows from the website's address, where that is the same for every request.
    pub(crate) website: OnceLock<Website>,
}

/// What follows from where the website is.
#[derive(Debug, Clone)]
pub(crate) struct Website {
    pub(crate) same_site: SameSite,
    pub(crate) anti_csrf: AntiCsrfMode,
}

impl SuperTokens {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The application as it was understood: addresses normalised, paths with the gateway's prefix.
    pub fn app_info(&self) -> &AppInfo {
        &self.0.app
    }

    /// The request headers that a CORS layer must allow, besides the application's own.
    pub fn all_cors_headers(&self) -> &'static [&'static str] {
        match self.0.session {
            Some(_) => &["rid", "fdi-version", "anti-csrf", "authorization", "st-auth-mode"],
            None => &["rid", "fdi-version"],
        }
    }

    /// Where the website is: the value of the `Origin` header of requests from its pages. With a function for it, which one it is may
    /// depend on the request that `context` was made for.
    ///
    /// # Errors
    /// [`Error::Settings`], if the website's address cannot be used.
    pub fn website_origin(&self, context: &UserContext) -> Result<String, Error> {
        self.website_domain(context).map(|domain| domain.as_str().to_owned())
    }

    /// Whether the website is the same for every request.
    pub fn has_one_website(&self) -> bool {
        self.0.origin.is_none()
    }

    /// Whether both are one and the same SDK. For adapters, whose layer may stand around a part and around the whole.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn overrides(&self) -> &Overrides {
        &self.0.overrides
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn now(&self) -> Millis {
        (self.0.clock)()
    }

    /// The session recipe.
    pub(crate) fn feature(&self) -> Result<&SessionFeature, Error> {
        const MISSING: &str = "the session recipe was not initialised: add .recipe(SessionRecipe::default()) to the builder";
        self.0.session.as_ref().ok_or_else(|| Error::Settings(MISSING.to_owned()))
    }

    /// Where the website is, for a request.
    pub(crate) fn website_domain(&self, context: &UserContext) -> Result<Domain, Error> {
        let inner = &*self.0;
        let found = inner.origin.as_ref().map(|origin| origin(context.request(), context));
        inner.app.origin(found.as_deref()).map_err(|error| Error::Settings(error.to_string()))
    }

    /// What follows from where the website is. Computed once where it is the same for every request.
    pub(crate) fn website(&self, context: &UserContext) -> Result<Website, Error> {
        if self.0.origin.is_none()
            && let Some(known) = self.0.website.get()
        {
            return Ok(known.clone());
        }
        let settings = &self.feature()?.settings;
        let domain = self.website_domain(context)?;
        let same_site = settings.same_site(&self.0.app, &domain);
        let mut anti_csrf = settings.anti_csrf(&self.0.app, &domain);
        // With several websites, cookies of one may be `SameSite=None` while a forged request makes the function name another, for which
        // nothing would be asked. The websites' library always sends the header.
        if self.0.origin.is_some() && settings.anti_csrf.is_none() && settings.cookie_same_site.is_none() {
            anti_csrf = AntiCsrfMode::ViaCustomHeader;
        }
        let website = Website { same_site, anti_csrf };
        match self.0.origin {
            Some(_) => Ok(website),
            None => Ok(self.0.website.get_or_init(|| website).clone()),
        }
    }

    /// The anti-CSRF mode for a request: the configured one, or what follows from the website's address.
    pub(crate) fn anti_csrf_mode(&self, context: &UserContext) -> Result<AntiCsrfMode, Error> {
        match self.feature()?.settings.anti_csrf {
            Some(mode) => Ok(mode),
            None => self.website(context).map(|website| website.anti_csrf),
        }
    }

    /// The configured mode. One that follows from the website's address never asks for tokens: where only those matter, that address
    /// need not be known.
    pub(crate) fn configured_anti_csrf_mode(&self) -> Result<AntiCsrfMode, Error> {
        Ok(self.feature()?.settings.anti_csrf.unwrap_or(AntiCsrfMode::None))
    }

    pub(crate) async fn ask<O: Ask>(
        &self,
        question: &O,
        place: Place<'_>,
        context: &UserContext,
    ) -> Result<O::ClientAnswer, CoreError> {
        self.ask_as(question, place, context, Keeping::ForThisContext).await.map(|(answer, _)| answer)
    }

    pub(crate) async fn ask_with_headers<O: Ask>(
        &self,
        question: &O,
        context: &UserContext,
    ) -> Result<(O::ClientAnswer, HeaderMap), CoreError> {
        self.ask_as(question, Place::App, context, Keeping::Never).await
    }

    async fn ask_as<O: Ask>(
        &self,
        question: &O,
        place: Place<'_>,
        context: &UserContext,
        keeping: Keeping,
    ) -> Result<(O::ClientAnswer, HeaderMap), CoreError> {
        let introduce = || Introduction {
            api_domain: self.0.app.api_domain.as_str().to_owned(),
            // A website's address that cannot be used is no reason not to ask the core.
            website_domain: self.website_domain(context).map(|domain| domain.as_str().to_owned()).unwrap_or_default(),
        };
        self.0.client.ask(question, Asking { place, keeping, context, introduce: &introduce }).await
    }

    /// The request that caused a call, if one did.
    pub fn request_of(context: &UserContext) -> Option<&RequestView> {
        context.request()
    }
}

impl std::fmt::Debug for SuperTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SuperTokens").field("app", &self.0.app.app_name).field("core", &self.0.client).finish_non_exhaustive()
    }
}

//! Settings of the session recipe as an application writes them (sdk-session.md 4). They are checked when the SDK is built.

use std::borrow::Cow;
use std::sync::Arc;

use supertokens_web::response_changes::TokenKind;
use supertokens_web::session_settings::{AntiCsrfMode, SameSite, SessionSettings, SessionSettingsInput};
use supertokens_web::transfer::{self, AllowedTransfer};

use super::claims::{ClaimValidator, SessionClaim};
use super::handlers::Handlers;
use crate::context::{Scope, UserContext};
use crate::request::RequestView;

/// What a transfer method is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session is about to be created.
    NewSession,
    /// A request may carry one.
    ExistingSession,
}

type TransferFunction = Arc<dyn Fn(&RequestView, Purpose, &UserContext) -> AllowedTransfer + Send + Sync>;
type NameFunction = Arc<dyn Fn(&RequestView, TokenKind, &UserContext) -> String + Send + Sync>;

/// The session recipe. `SessionRecipe::default()` has good settings for most applications.
#[derive(Clone, Default)]
pub struct SessionRecipe {
    pub(crate) input: SessionSettingsInput,
    pub(crate) transfer: Option<TransferFunction>,
    pub(crate) cookie_name: Option<NameFunction>,
    pub(crate) header_name: Option<NameFunction>,
    pub(crate) handlers: Handlers,
    pub(crate) claims: Vec<Arc<dyn SessionClaim>>,
    pub(crate) validators: Vec<Arc<dyn ClaimValidator>>,
    pub(crate) verified_tokens: Option<usize>,
}

impl SessionRecipe {
    /// Good settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether cookies are `Secure`. If not said: when the API's address begins with `https`.
    #[must_use]
    pub fn cookie_secure(mut self, secure: bool) -> Self {
        self.input.cookie_secure = Some(secure);
        self
    }

    /// The cookies' `SameSite`. If not said: `None` if the website is another site than the API, else `Lax`.
    #[must_use]
    pub fn cookie_same_site(mut self, same_site: SameSite) -> Self {
        self.input.cookie_same_site = Some(same_site);
        self
    }

    /// The domain of the cookies, to share sessions with sub-domains: `.example.com`. If not said, only the API's own host gets them.
    #[must_use]
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.input.cookie_domain = Some(domain.into());
        self
    }

    /// What `cookie_domain` was before it was changed; `""` if it was not set. Browsers that still hold cookies of the older domain
    /// get rid of them at their next refresh.
    #[must_use]
    pub fn older_cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.input.older_cookie_domain = Some(domain.into());
        self
    }

    /// The status of "no session" and "refresh first". 401 if not said; the website must be told of another.
    #[must_use]
    pub fn session_expired_status_code(mut self, status: u16) -> Self {
        self.input.session_expired_status = Some(status);
        self
    }

    /// The status of failed claims. 403 if not said; the website must be told of another.
    #[must_use]
    pub fn invalid_claim_status_code(mut self, status: u16) -> Self {
        self.input.invalid_claim_status = Some(status);
        self
    }

    /// How requests prove that they come from the website. If not said: by a custom header where cookies are `SameSite=None`, else not.
    #[must_use]
    pub fn anti_csrf(mut self, mode: AntiCsrfMode) -> Self {
        self.input.anti_csrf = Some(mode);
        self
    }

    /// The path of the access token's cookie. `/` if not said.
    #[must_use]
    pub fn access_token_path(mut self, path: impl Into<String>) -> Self {
        self.input.access_token_path = Some(path.into());
        self
    }

    /// Shows the access token to the website's scripts even where cookies carry it. Off if not said.
    #[must_use]
    pub fn expose_access_token_to_frontend_in_cookie_based_auth(mut self, expose: bool) -> Self {
        self.input.expose_access_token = Some(expose);
        self
    }

    /// Access tokens are signed with keys that rotate. On if not said.
    #[must_use]
    pub fn use_dynamic_access_token_signing_key(mut self, dynamic: bool) -> Self {
        self.input.use_dynamic_signing_key = Some(dynamic);
        self
    }

    /// How long, in s, the core's public keys are kept before they are fetched again. 14400 (4 h) if not said.
    #[must_use]
    pub fn jwks_refresh_interval_sec(mut self, seconds: u64) -> Self {
        self.input.jwks_refresh_interval_s = Some(seconds);
        self
    }

    /// Which transfer method a request may use. If not said: new sessions as the header `st-auth-mode` wishes, existing ones any.
    #[must_use]
    pub fn token_transfer_method(
        mut self,
        choose: impl Fn(&RequestView, Purpose, &UserContext) -> AllowedTransfer + Send + Sync + 'static,
    ) -> Self {
        self.transfer = Some(Arc::new(choose));
        self
    }

    /// What the cookies are called. `sAccessToken` and `sRefreshToken` if not said.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Fn(&RequestView, TokenKind, &UserContext) -> String + Send + Sync + 'static) -> Self {
        self.cookie_name = Some(Arc::new(name));
        self
    }

    /// What the response headers are called. `st-access-token` and `st-refresh-token` if not said, and the stock website package
    /// follows no change.
    #[must_use]
    pub fn response_header_name(
        mut self,
        name: impl Fn(&RequestView, TokenKind, &UserContext) -> String + Send + Sync + 'static,
    ) -> Self {
        self.header_name = Some(Arc::new(name));
        self
    }

    /// Answers session errors in the application's own way.
    #[must_use]
    pub fn error_handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = handlers;
        self
    }

    /// A claim that every new session gets.
    #[must_use]
    pub fn claim(mut self, claim: impl SessionClaim) -> Self {
        self.claims.push(Arc::new(claim));
        self
    }

    /// A validator that every check of a session runs.
    #[must_use]
    pub fn claim_validator(mut self, validator: impl ClaimValidator) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// How many verified access tokens are remembered, so that checking one again is a look-up: 10,000 if not said, 0 to check each
    /// signature each time. A token is forgotten when it expires and whenever the core's keys change. Each may take 2 KiB; one with a larger
    /// payload counts as several.
    #[must_use]
    pub fn verified_tokens_kept(mut self, tokens: usize) -> Self {
        self.verified_tokens = Some(tokens);
        self
    }
}

impl std::fmt::Debug for SessionRecipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRecipe").field("input", &self.input).finish_non_exhaustive()
    }
}

/// The session recipe of a running SDK.
pub(crate) struct SessionFeature {
    pub(crate) settings: SessionSettings,
    pub(crate) transfer: Option<TransferFunction>,
    pub(crate) cookie_name: Option<NameFunction>,
    pub(crate) header_name: Option<NameFunction>,
    pub(crate) handlers: Handlers,
    pub(crate) claims: Vec<Arc<dyn SessionClaim>>,
    pub(crate) validators: Vec<Arc<dyn ClaimValidator>>,
}

impl SessionFeature {
    /// Which transfer methods a request may use.
    pub(crate) fn allowed(&self, scope: &Scope, purpose: Purpose) -> AllowedTransfer {
        match (&self.transfer, purpose) {
            (Some(choose), _) => choose(scope.request(), purpose, scope.context()),
            (None, Purpose::ExistingSession) => AllowedTransfer::Any,
            (None, Purpose::NewSession) => transfer::wanted_by_header(scope.request().header("st-auth-mode").as_deref()),
        }
    }

    pub(crate) fn cookie_name(&self, scope: &Scope, token: TokenKind) -> Cow<'static, str> {
        match (&self.cookie_name, token) {
            (Some(name), _) => Cow::Owned(name(scope.request(), token, scope.context())),
            (None, TokenKind::Access) => Cow::Borrowed("sAccessToken"),
            (None, TokenKind::Refresh) => Cow::Borrowed("sRefreshToken"),
        }
    }

    pub(crate) fn header_name(&self, scope: &Scope, token: TokenKind) -> Cow<'static, str> {
        match (&self.header_name, token) {
            (Some(name), _) => Cow::Owned(name(scope.request(), token, scope.context())),
            (None, TokenKind::Access) => Cow::Borrowed("st-access-token"),
            (None, TokenKind::Refresh) => Cow::Borrowed("st-refresh-token"),
        }
    }
}

//! New tokens for old ones: on the refresh endpoint, and on a refresh token alone (sdk-session.md 7.4).

use supertokens_domain::secret::Secret;
use supertokens_web::anti_csrf::{self, RefreshDecision};
use supertokens_web::response_changes::{LEGACY_COOKIE, TokenKind};
use supertokens_web::session_settings::{AntiCsrfMode, OlderCookieDomain};
use supertokens_web::transfer::{self, AllowedTransfer, TransferMethod};
use supertokens_wire::cdi::session as wire;

use super::object::{Held, Session};
use super::recipe::Purpose;
use crate::SuperTokens;
use crate::context::{Scope, UserContext};
use crate::core_client::Place;
use crate::error::Error;
use crate::overriding::Function;

/// Asks the core for new tokens.
#[derive(Clone)]
pub struct RefreshSession {
    /// The refresh token.
    pub refresh_token: Secret<String>,
    /// What came in the `anti-csrf` header.
    pub anti_csrf_token: Option<String>,
    /// Neither check nor make an anti-CSRF token, whatever the mode.
    pub disable_anti_csrf: bool,
    /// The context of the call.
    pub context: UserContext,
}

impl RefreshSession {
    /// As [`SuperTokens::refresh_session`] asks, to be called with the context of a request.
    pub fn new(
        refresh_token: impl Into<String>,
        disable_anti_csrf: bool,
        anti_csrf_token: Option<String>,
        context: UserContext,
    ) -> Self {
        Self { refresh_token: Secret::new(refresh_token.into()), anti_csrf_token, disable_anti_csrf, context }
    }
}

impl std::fmt::Debug for RefreshSession {
    /// Both tokens are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshSession").field("disable_anti_csrf", &self.disable_anti_csrf).finish_non_exhaustive()
    }
}

impl Function for RefreshSession {
    const NAME: &'static str = "refreshSession";
    type Output = Session;

    async fn run(self, engine: &SuperTokens) -> Result<Session, Error> {
        let settings = &engine.feature()?.settings;
        if anti_csrf::needs_a_request(settings.anti_csrf, !self.disable_anti_csrf) {
            return Err(Error::Settings(
                "anti-CSRF is VIA_CUSTOM_HEADER, which cannot be checked without a request: check the header yourself and disable the check".to_owned(),
            ));
        }
        let mode = engine.configured_anti_csrf_mode()?;
        let question = wire::RefreshSession {
            refresh_token: self.refresh_token.expose().clone(),
            anti_csrf_token: self.anti_csrf_token,
            enable_anti_csrf: anti_csrf::gives_a_token(mode, self.disable_anti_csrf),
            use_dynamic_signing_key: Some(settings.use_dynamic_signing_key),
            access_token_validity: None,
        };
        let asked = engine.now();
        let answer = match engine.ask(&question, Place::App, &self.context).await {
            // Only the core knows which tenant the token is of.
            Err(error) if error.is_unknown_tenant() => {
                return Err(Error::unauthorised("the session's tenant does not exist any more"));
            }
            answer => answer?,
        };
        match answer {
            wire::Refreshed::Ok(tokens) => {
                engine.inner().client.clock.heard(tokens.access.created, asked, engine.now());
                Ok(Session::new(engine.clone(), Held::issued(*tokens)?))
            }
            wire::Refreshed::Unauthorised { message, .. } => Err(Error::unauthorised(message)),
            wire::Refreshed::TokenTheftDetected { handle, user_id, recipe_user_id, .. } => {
                Err(Error::TokenTheftDetected { session_handle: handle.as_str().to_owned(), user_id, recipe_user_id })
            }
        }
    }
}

impl SuperTokens {
    /// New tokens for a refresh token that did not come with a request of this SDK's. The caller carries them to the client.
    ///
    /// # Errors
    /// [`Error::Unauthorised`], [`Error::TokenTheftDetected`], or a fault.
    pub async fn refresh_session(
        &self,
        refresh_token: impl Into<String>,
        disable_anti_csrf: bool,
        anti_csrf_token: Option<String>,
    ) -> Result<Session, Error> {
        self.call(RefreshSession::new(refresh_token, disable_anti_csrf, anti_csrf_token, UserContext::new())).await
    }
}

/// What to do with a refresh request.
struct Chosen {
    method: TransferMethod,
    token: Secret<String>,
    /// The other method carries a refresh token too: it is of no use any more.
    clear_other: bool,
    disable_anti_csrf: bool,
}

impl Scope {
    /// Refreshes the session of this request; its response will carry the new tokens.
    ///
    /// # Errors
    /// [`Error::Unauthorised`], [`Error::TokenTheftDetected`], [`Error::ClearDuplicateSessionCookies`], or a fault.
    pub async fn refresh_session(&self) -> Result<Session, Error> {
        let engine = self.supertokens();
        let settled = self.settle_duplicates()?;
        let chosen = self.choose(settled)?;
        let call = RefreshSession {
            refresh_token: chosen.token,
            anti_csrf_token: self.request().header("anti-csrf").map(std::borrow::Cow::into_owned),
            disable_anti_csrf: chosen.disable_anti_csrf,
            context: self.context().clone(),
        };
        // Found out before the core gives the old tokens up: how the new ones travel.
        self.look_for(chosen.method)?;
        let session = match engine.call(call).await {
            Ok(session) => session,
            Err(error) => {
                if matches!(error, Error::Unauthorised { clear_tokens: true, .. } | Error::TokenTheftDetected { .. }) {
                    self.clear_legacy()?;
                }
                return Err(error);
            }
        };
        if chosen.clear_other {
            let look = self.look_for(chosen.method.other())?;
            self.change(|changes| changes.clear(chosen.method.other(), look.of()));
        }
        session.attach(self, chosen.method)?;
        self.clear_legacy()?;
        Ok(session)
    }

    fn choose(&self, settled: Option<String>) -> Result<Chosen, Error> {
        let engine = self.supertokens();
        let feature = engine.feature()?;
        let allowed = feature.allowed(self, Purpose::ExistingSession);
        let header = self.bearer();
        let cookie = settled.or_else(|| self.cookie(&feature.cookie_name(self, TokenKind::Refresh)));
        let Some(method) = transfer::for_refresh(allowed, header.as_deref(), cookie.as_deref()) else {
            self.clear_legacy()?;
            let has_access = self.cookie(&feature.cookie_name(self, TokenKind::Access)).is_some();
            let why = match has_access && allowed != AllowedTransfer::Only(TransferMethod::Header) {
                true => "the refresh token is missing, although an access token's cookie is there",
                false => "the refresh token is missing",
            };
            return Err(Error::unauthorised(why));
        };
        let has_rid = self.request().headers().contains_key("rid");
        // Headers are never checked: for them the mode, and the website's address, do not matter.
        let mode = match method {
            TransferMethod::Cookie => engine.anti_csrf_mode(self.context())?,
            TransferMethod::Header => AntiCsrfMode::None,
        };
        let disable_anti_csrf = match anti_csrf::decide_for_refresh(mode, method, has_rid) {
            RefreshDecision::Unauthorised => {
                self.clear_legacy()?;
                return Err(Error::unauthorised("the rid header is missing"));
            }
            RefreshDecision::Proceed { disable } => disable,
        };
        let (token, other) = match method {
            TransferMethod::Header => (header, cookie),
            TransferMethod::Cookie => (cookie, header),
        };
        Ok(Chosen { method, token: Secret::new(token.unwrap_or_default()), clear_other: other.is_some(), disable_anti_csrf })
    }

    /// Two cookies of one name. Where one is surely another application's, the own refresh token is given back. Of two from before and
    /// after a change of their domain, which one is newer cannot be seen: the older domain's go, and the browser comes again.
    fn settle_duplicates(&self) -> Result<Option<String>, Error> {
        let feature = self.supertokens().feature()?;
        if feature.allowed(self, Purpose::ExistingSession) == AllowedTransfer::Only(TransferMethod::Header) {
            return Ok(None);
        }
        let several = [TokenKind::Access, TokenKind::Refresh].map(|token| (token, feature.cookie_name(self, token)));
        let several: Vec<_> = several.into_iter().filter(|(_, name)| self.count_cookies(name) > 1).collect();
        let Some((_, name)) = several.first() else { return Ok(None) };
        if let Some(own) = self.own_refresh_token(feature, name) {
            return Ok(Some(own));
        }
        for (token, _) in several {
            let domain = match &feature.settings.older_cookie_domain {
                OlderCookieDomain::Unset => {
                    return Err(Error::Settings(
                        "the request carries several session cookies, because cookieDomain was changed: set older_cookie_domain of the session recipe to what it was (\"\" if it was not set). If it never was, another application on a parent domain uses the same names: set cookie_name. See docs/when-sessions-do-not-last.md".to_owned(),
                    ));
                }
                OlderCookieDomain::HostOnly => None,
                OlderCookieDomain::Domain(domain) => Some(domain.as_str()),
            };
            let look = self.look()?;
            self.change(|changes| changes.clear_older_cookie(token, domain, look.of()));
        }
        Err(Error::ClearDuplicateSessionCookies {
            message: "The request contains multiple session cookies. We are clearing the cookie from olderCookieDomain. Session will be refreshed in the next refresh call.".to_owned(),
        })
    }

    fn clear_legacy(&self) -> Result<(), Error> {
        if self.cookie(LEGACY_COOKIE).is_some() {
            let look = self.look()?;
            self.change(|changes| changes.clear_legacy_cookie(look.of()));
        }
        Ok(())
    }
}

//! Is this session good? On a token alone, and on a request: what to read from where, which checks apply, when the core must be asked
//! (sdk-session.md 6).

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use supertokens_domain::session::signing_key::VerifyingKey;
use supertokens_web::anti_csrf::{self, RequestDecision};
use supertokens_web::response_changes::TokenKind;
use supertokens_web::routing;
use supertokens_web::session_settings::AntiCsrfMode;
use supertokens_web::token::{self, TokenClaims, TokenVersion};
use supertokens_web::transfer::{self, AllowedTransfer, TransferMethod};
use supertokens_wire::cdi::session as wire;

use super::claims::ClaimValidator;
use super::object::{Held, Session};
use super::recipe::Purpose;
use super::token::PresentedToken;
use super::{GetGlobalClaimValidators, RefreshPost};
use crate::SuperTokens;
use crate::context::{Scope, UserContext};
use crate::core_client::Place;
use crate::error::{Error, with_causes};
use crate::future::BoxFuture;
use crate::interface::Cdi;
use crate::jwks::NoKey;
use crate::overriding::Function;

/// What the application asks instead of, or besides, the validators that always apply.
pub(crate) type ChooseValidators = Arc<
    dyn Fn(Vec<Arc<dyn ClaimValidator>>, Session) -> BoxFuture<'static, Result<Vec<Arc<dyn ClaimValidator>>, Error>>
        + Send
        + Sync,
>;

/// How a session is checked. `VerifyOptions::default()`: there must be one, anti-CSRF as configured, without the database.
#[derive(Clone)]
pub struct VerifyOptions {
    pub(crate) session_required: bool,
    pub(crate) anti_csrf_check: Option<bool>,
    pub(crate) check_database: bool,
    pub(crate) choose_validators: Option<ChooseValidators>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { session_required: true, anti_csrf_check: None, check_database: false, choose_validators: None }
    }
}

impl VerifyOptions {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// A request without a session is let through too. One with an expired token is not: its browser must refresh.
    #[must_use]
    pub fn session_optional(mut self) -> Self {
        self.session_required = false;
        self
    }

    /// Checks, or does not check, against cross-site requests, whatever the verb. If not said: all verbs but GET.
    #[must_use]
    pub fn anti_csrf_check(mut self, check: bool) -> Self {
        self.anti_csrf_check = Some(check);
        self
    }

    /// Asks the core whether the session still lives, and what its payload says now: revoking it, and changing its claims by handle, then
    /// take effect at once, for one exchange with the core. The first request after such a change costs a second one, for a new token.
    #[must_use]
    pub fn check_database(mut self) -> Self {
        self.check_database = true;
        self
    }

    /// Replaces the claim validators that always apply. `choose` gets those, and the session.
    #[must_use]
    pub fn override_global_claim_validators<F, R>(mut self, choose: F) -> Self
    where
        F: Fn(Vec<Arc<dyn ClaimValidator>>, Session) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<Arc<dyn ClaimValidator>>, Error>> + Send + 'static,
    {
        self.choose_validators = Some(Arc::new(move |validators, session| Box::pin(choose(validators, session))));
        self
    }

    /// What is asked for, but for validators. For overrides, and for hosts that hand them on.
    pub fn described(&self) -> Asked {
        Asked {
            session_required: self.session_required,
            anti_csrf_check: self.anti_csrf_check,
            check_database: self.check_database,
        }
    }

    /// Asks for this claim too, besides those that always apply.
    #[must_use]
    pub fn require(self, validator: impl ClaimValidator) -> Self {
        let validator: Arc<dyn ClaimValidator> = Arc::new(validator);
        let earlier = self.choose_validators.clone();
        self.override_global_claim_validators(move |validators, session| {
            let (earlier, validator) = (earlier.clone(), Arc::clone(&validator));
            async move {
                let mut chosen = match earlier {
                    Some(choose) => choose(validators, session).await?,
                    None => validators,
                };
                chosen.push(validator);
                Ok(chosen)
            }
        })
    }
}

/// What options ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Whether a request without a session is refused.
    pub session_required: bool,
    /// Whether cross-site requests are looked for; `None`: by the verb.
    pub anti_csrf_check: Option<bool>,
    /// Whether the core is asked.
    pub check_database: bool,
}

impl std::fmt::Debug for VerifyOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyOptions")
            .field("session_required", &self.session_required)
            .field("anti_csrf_check", &self.anti_csrf_check)
            .field("check_database", &self.check_database)
            .finish_non_exhaustive()
    }
}

/// Checks a token: form, signature, time, anti-CSRF, and with the core if that is needed or wished. Claims are the caller's.
///
/// Gives `None` only if no session is required and the token is absent or not one of ours.
#[derive(Clone)]
pub struct GetSession {
    /// The access token, if there is one.
    pub access_token: Option<PresentedToken>,
    /// What came in the `anti-csrf` header.
    pub anti_csrf_token: Option<String>,
    /// How to check.
    pub options: VerifyOptions,
    /// The context of the call.
    pub context: UserContext,
}

impl std::fmt::Debug for GetSession {
    /// The anti-CSRF token is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let present = self.access_token.is_some();
        f.debug_struct("GetSession").field("has_token", &present).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Function for GetSession {
    const NAME: &'static str = "getSession";
    type Output = Option<Session>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let checks_token = self.options.anti_csrf_check != Some(false);
        if anti_csrf::needs_a_request(engine.feature()?.settings.anti_csrf, checks_token) {
            return Err(Error::Settings(
                "anti-CSRF is VIA_CUSTOM_HEADER, which cannot be checked without a request: check the header yourself and pass anti_csrf_check(false)".to_owned(),
            ));
        }
        let absent = |why: &str| match self.options.session_required {
            true => Err(Error::no_session(why)),
            false => Ok(None),
        };
        let Some(presented) = &self.access_token else { return absent("no access token") };
        let claims = match engine.verify_locally(presented).await {
            Ok(claims) => claims,
            Err(LocalFailure::NotOurs) => return absent("the token is not an access token of a session"),
            Err(LocalFailure::TryRefresh(why)) => return Err(Error::try_refresh(why)),
            // Nothing shows that such a token is genuine, so few may keep the core busy at a time.
            Err(LocalFailure::AskCore) => match engine.inner().unproven.try_acquire() {
                Ok(permit) => {
                    let session = self.ask_core(engine, presented, None, checks_token).await;
                    drop(permit);
                    return session.map(Some);
                }
                Err(_) => return Err(Error::try_refresh("too many tokens of an old kind with an unknown key at once")),
            },
        };
        let via_token = checks_token && engine.configured_anti_csrf_mode()? == AntiCsrfMode::ViaToken;
        self.check_claims(engine, &claims, via_token)?;
        let is_settled = claims.parent_refresh_token_hash1.is_none() || engine.inner().client.agreed() == Some(Cdi::V5_6);
        if is_settled && !self.options.check_database {
            let held = Held::verified(presented, claims, self.anti_csrf_token.clone());
            return Ok(Some(Session::new(engine.clone(), held)));
        }
        self.ask_core(engine, presented, Some(claims), checks_token).await.map(Some)
    }
}

impl GetSession {
    fn check_claims(&self, engine: &SuperTokens, claims: &TokenClaims, via_token: bool) -> Result<(), Error> {
        let dynamic = engine.feature()?.settings.use_dynamic_signing_key;
        if claims.signed_by_dynamic_key.is_some_and(|signed| signed != dynamic) {
            return Err(Error::try_refresh("the access token is signed with the other kind of key than configured"));
        }
        if via_token && !anti_csrf::check_token(claims.anti_csrf_token.as_deref(), self.anti_csrf_token.as_deref()) {
            return Err(Error::try_refresh("the anti-CSRF token is missing or wrong"));
        }
        Ok(())
    }

    async fn ask_core(
        &self,
        engine: &SuperTokens,
        presented: &PresentedToken,
        local: Option<Arc<TokenClaims>>,
        checks_token: bool,
    ) -> Result<Session, Error> {
        let question = wire::VerifySession {
            access_token: presented.expose().to_owned(),
            anti_csrf_token: self.anti_csrf_token.clone(),
            do_anti_csrf_check: checks_token,
            enable_anti_csrf: engine.configured_anti_csrf_mode()? == AntiCsrfMode::ViaToken,
            check_database: Some(self.options.check_database),
        };
        let answer = match engine.ask(&question, Place::App, &self.context).await {
            Err(error) if error.is_unknown_tenant() && local.as_ref().is_some_and(|claims| claims.tenant_id != "public") => {
                return Err(Error::unauthorised("the session's tenant does not exist any more"));
            }
            answer => answer?,
        };
        match answer {
            wire::Verified::Unauthorised(message) => Err(Error::unauthorised(message)),
            wire::Verified::TryRefreshToken { message, .. } => Err(Error::try_refresh(message)),
            wire::Verified::Ok { session, access, payload_update_available, .. } => {
                let held = Held::checked_by_core(presented, *session, access, local, self.anti_csrf_token.clone())?;
                let session = Session::new(engine.clone(), held);
                // Whoever asks the core wants to know what is true now; the token has what was true when it was made.
                if payload_update_available == Some(true) {
                    session.take_stored_payload(self.context.clone()).await?;
                }
                Ok(session)
            }
        }
    }
}

/// Why a token cannot be accepted without the core.
pub(crate) enum LocalFailure {
    NotOurs,
    TryRefresh(String),
    /// A V2 token whose key may be newer than ours.
    AskCore,
}

impl SuperTokens {
    /// Form, signature and time of a token, with the keys that this process has.
    pub(crate) async fn verify_locally(&self, presented: &PresentedToken) -> Result<Arc<TokenClaims>, LocalFailure> {
        let inner = self.inner();
        inner.jwks.renew(&inner.client, || self.now()).await;
        let now = self.now();
        let generation = inner.jwks.generation();
        let verified = inner.verified.as_ref().filter(|_| inner.jwks.is_fresh(now));
        if let Some(claims) = verified.and_then(|verified| verified.find(presented.fingerprint(), generation, now)) {
            presented.is_ours();
            inner.figures.known.add();
            return Ok(claims);
        }
        let parsed = token::parse(presented.expose()).map_err(|_| LocalFailure::NotOurs)?;
        presented.is_ours();
        if let Err(why) = self.check_signature(&parsed).await {
            inner.figures.refused.add();
            match &why {
                // The browser is told to refresh, as if nothing were wrong: the operator must see what is.
                BadSignature::Key(NoKey::Fetch(error)) => {
                    tracing::error!(target: "com.supertokens", error = with_causes(&**error), "sessions cannot be verified: the core's public keys cannot be fetched");
                }
                why => tracing::debug!(target: "com.supertokens", %why, "an access token was not accepted"),
            }
            return Err(self.local_failure(parsed.claims(), why));
        }
        inner.figures.verified.add();
        let claims = Arc::new(parsed.into_claims());
        inner.client.clock.saw_token_of(claims.issued_at, now);
        if let Some(verified) = &inner.verified {
            verified.keep(*presented.fingerprint(), generation, &claims);
        }
        Ok(claims)
    }

    /// What a token says that a known key has signed, be it over or not.
    async fn verify_without_time(&self, presented: &PresentedToken) -> Result<Arc<TokenClaims>, Error> {
        let inner = self.inner();
        let known = inner
            .verified
            .as_ref()
            .and_then(|verified| verified.find(presented.fingerprint(), inner.jwks.generation(), self.now()));
        if let Some(claims) = known {
            return Ok(claims);
        }
        let parsed =
            token::parse(presented.expose()).map_err(|_| Error::no_session("the token is not an access token of a session"))?;
        let signs = |key: &VerifyingKey| parsed.kid().is_none_or(|kid| key.kid() == kid) && parsed.signed_by(key);
        if inner.jwks.last_known(|set| set.keys.iter().any(signs).then_some(())).is_some() {
            return Ok(Arc::new(parsed.into_claims()));
        }
        match self.check_signature(&parsed).await {
            Ok(()) | Err(BadSignature::Expired) => Ok(Arc::new(parsed.into_claims())),
            Err(why) => Err(Error::try_refresh(why.to_string())),
        }
    }

    async fn check_signature(&self, parsed: &token::ParsedToken<'_>) -> Result<(), BadSignature> {
        let inner = self.inner();
        let now = || self.now();
        match parsed.kid() {
            Some(kid) => {
                let named = |set: &crate::jwks::KeySet| set.keys.iter().find(|key| key.kid() == kid).cloned();
                let key = inner.jwks.find(&inner.client, now, named).await?;
                if !parsed.signed_by(&key) {
                    return Err(BadSignature::Wrong);
                }
            }
            None => {
                let fits = |set: &crate::jwks::KeySet| set.keys.iter().any(|key| parsed.signed_by(key)).then_some(());
                inner.jwks.find(&inner.client, now, fits).await?;
            }
        }
        match parsed.claims() {
            claims if claims.is_expired(self.now()) => Err(BadSignature::Expired),
            claims if claims.is_too_early(self.now()) => Err(BadSignature::NotYet),
            _ => Ok(()),
        }
    }

    /// A V2 token names no key: if it is young, the core may know a key that we do not.
    fn local_failure(&self, claims: &TokenClaims, why: BadSignature) -> LocalFailure {
        let interval = self.feature().map_or(0, |feature| feature.settings.jwks_refresh_interval_ms);
        // One from the future is not young: anybody could write such a date.
        let is_young = claims.issued_at > self.now().saturating_sub(interval) && claims.issued_at <= self.now();
        if claims.version == TokenVersion::V2 && !claims.is_expired(self.now()) && is_young {
            return LocalFailure::AskCore;
        }
        LocalFailure::TryRefresh(why.to_string())
    }
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
enum BadSignature {
    #[error(transparent)]
    Key(#[from] NoKey),
    #[error("the signature is wrong")]
    Wrong,
    #[error("the access token has expired")]
    Expired,
    #[error("the access token is not valid yet")]
    NotYet,
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/grpc"))
}

/// The check of a request, as adapters and [`Scope::verify_session`] start it; an override may change it for all routes.
#[derive(Debug, Clone)]
pub struct VerifySession {
    /// How to check.
    pub options: VerifyOptions,
    /// The request.
    pub scope: Scope,
}

impl Function for VerifySession {
    const NAME: &'static str = "verifySession";
    type Output = Option<Session>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let request = self.scope.request();
        // A preflight carries no cookies; it is the CORS layer's. Servers of gRPC do not look at the verb, and would do what is asked.
        if [Method::OPTIONS, Method::TRACE].contains(request.method()) && !is_grpc(request.headers()) {
            return Ok(None);
        }
        if routing::is_refresh_request(engine.app_info(), request.method().as_str(), request.path()) {
            return engine.call(RefreshPost { scope: self.scope.clone() }).await.map(Some);
        }
        self.scope.get_session(&self.options).await
    }
}

impl Scope {
    /// Checks the request's session. On the refresh endpoint's own path it refreshes; preflights pass without a session.
    ///
    /// # Errors
    /// [`Error::Unauthorised`], [`Error::TryRefreshToken`], [`Error::InvalidClaims`], or a fault.
    pub async fn verify_session(&self, options: &VerifyOptions) -> Result<Option<Session>, Error> {
        self.supertokens().call(VerifySession { options: options.clone(), scope: self.clone() }).await
    }

    /// Reads the request's session and checks it, its claims included. Most callers want [`verify_session`](Self::verify_session).
    ///
    /// # Errors
    /// As there.
    pub async fn get_session(&self, options: &VerifyOptions) -> Result<Option<Session>, Error> {
        let engine = self.supertokens();
        let (method, access_token, allowed) = self.select()?;
        let is_get = self.request().method() == Method::GET;
        let has_rid = self.request().headers().contains_key("rid");
        // Only cookies are checked; where none counts, the mode is not worth finding out.
        let mode = match method {
            Some(TransferMethod::Cookie) if options.anti_csrf_check.unwrap_or(!is_get) => {
                engine.anti_csrf_mode(self.context())?
            }
            _ => AntiCsrfMode::None,
        };
        let check = match anti_csrf::decide_for_request(mode, options.anti_csrf_check, is_get, method, has_rid) {
            RequestDecision::TryRefresh => return Err(Error::try_refresh("the rid header is missing")),
            RequestDecision::Proceed { check } => check,
        };
        let call = GetSession {
            access_token,
            anti_csrf_token: self.request().header("anti-csrf").map(std::borrow::Cow::into_owned),
            options: VerifyOptions { anti_csrf_check: Some(check), ..options.clone() },
            context: self.context().clone(),
        };
        let Some(session) = engine.call(call).await? else { return Ok(None) };
        let validators = session.validators(options, self.context()).await?;
        session.assert_claims_with(&validators, self.context()).await?;
        session.attach(self, method.unwrap_or(allowed.or_header()))?;
        Ok(Some(session))
    }

    /// The session that a check of this request has found a moment ago, to do something with it: neither the time, nor anti-CSRF, nor
    /// claims, nor the database are looked at again, and it is attached to this scope. The signature is, unless the token is remembered,
    /// so that nobody is given a session that no check could have found. For adapters that do not keep what a check gave.
    ///
    /// # Errors
    /// [`Error::Unauthorised`], which takes no tokens away, without a token; [`Error::TryRefreshToken`], if no known key has signed it.
    pub async fn resume_session(&self) -> Result<Session, Error> {
        let engine = self.supertokens();
        let (method, token, allowed) = self.select()?;
        let token = token.ok_or_else(|| Error::no_session("no access token"))?;
        let claims = engine.verify_without_time(&token).await?;
        let anti_csrf = self.request().header("anti-csrf").map(std::borrow::Cow::into_owned);
        let session = Session::new(engine.clone(), Held::verified(&token, claims, anti_csrf));
        session.attach(self, method.unwrap_or(allowed.or_header()))?;
        Ok(session)
    }

    /// Which token counts, where it stands, and which methods are allowed.
    fn select(&self) -> Result<(Option<TransferMethod>, Option<PresentedToken>, AllowedTransfer), Error> {
        if self.cookie("sIdRefreshToken").is_some() {
            return Err(Error::try_refresh("the request carries cookies of a very old SDK"));
        }
        let feature = self.supertokens().feature()?;
        let allowed = feature.allowed(self, Purpose::ExistingSession);
        let name = feature.cookie_name(self, TokenKind::Access);
        let ours = |text: String| Some(PresentedToken::from(text)).filter(|token| self.supertokens().recognises(token));
        let header = self.bearer().and_then(ours);
        // The cookie matters only where no header does.
        let header_wins = header.is_some() && allowed != AllowedTransfer::Only(TransferMethod::Cookie);
        let cookie = if header_wins || allowed == AllowedTransfer::Only(TransferMethod::Header) {
            None
        } else if self.count_cookies(&name) > 1 {
            let own = self.own_access_token(&name);
            if own.is_none() && self.brings_access_tokens(&name) {
                return Err(Error::try_refresh("the request carries several access token cookies"));
            }
            own
        } else {
            self.cookie(&name).and_then(ours)
        };
        let method = transfer::for_request(allowed, header.is_some(), cookie.is_some());
        let token = match method {
            Some(TransferMethod::Header) => header,
            Some(TransferMethod::Cookie) => cookie,
            None => None,
        };
        Ok((method, token, allowed))
    }
}

impl SuperTokens {
    /// Whether a token has our form; one that was verified a moment ago has.
    fn recognises(&self, token: &PresentedToken) -> bool {
        let inner = self.inner();
        let known = |verified: &super::verified::VerifiedTokens| {
            verified.find(token.fingerprint(), inner.jwks.generation(), self.now()).is_some()
        };
        if inner.verified.as_ref().is_some_and(known) {
            token.is_ours();
        }
        token.looks_like_ours()
    }

    /// Checks a token that did not come with a request of this SDK's: in a WebSocket message, a queue, a test. Claims are checked too.
    ///
    /// # Errors
    /// As [`Scope::verify_session`].
    pub async fn get_session(
        &self,
        access_token: impl Into<PresentedToken>,
        anti_csrf_token: Option<String>,
        options: &VerifyOptions,
    ) -> Result<Option<Session>, Error> {
        self.get_session_of(Some(access_token.into()), anti_csrf_token, options).await
    }

    /// The same, where there may be no token: then nobody is logged in, unless an override knows better.
    ///
    /// # Errors
    /// As [`Scope::verify_session`].
    pub async fn get_session_of(
        &self,
        access_token: Option<PresentedToken>,
        anti_csrf_token: Option<String>,
        options: &VerifyOptions,
    ) -> Result<Option<Session>, Error> {
        let context = UserContext::new();
        let call = GetSession { access_token, anti_csrf_token, options: options.clone(), context: context.clone() };
        let Some(session) = self.call(call).await? else { return Ok(None) };
        let validators = session.validators(options, &context).await?;
        session.assert_claims_with(&validators, &context).await?;
        Ok(Some(session))
    }

    /// What an access token says, if it is genuine and valid: for rendering a page on the server, where no new token could reach the
    /// browser. Asks the core for nothing but its public keys, and checks neither anti-CSRF nor claims.
    pub async fn peek_access_token(&self, access_token: impl Into<PresentedToken>) -> Option<supertokens_web::payload::Payload> {
        self.verify_locally(&access_token.into()).await.ok().map(|claims| claims.payload())
    }
}

impl Session {
    async fn validators(&self, options: &VerifyOptions, context: &UserContext) -> Result<Vec<Arc<dyn ClaimValidator>>, Error> {
        let registered = &self.engine().feature()?.validators;
        let is_plain = options.choose_validators.is_none() && !self.engine().overrides().has::<GetGlobalClaimValidators>();
        // So it is in most applications, on each of their requests.
        if is_plain && registered.is_empty() {
            return Ok(Vec::new());
        }
        let global = GetGlobalClaimValidators {
            tenant_id: self.tenant_id().to_owned(),
            user_id: self.user_id().to_owned(),
            recipe_user_id: self.recipe_user_id().to_owned(),
            claim_validators_added_by_other_recipes: registered.clone(),
            context: context.clone(),
        };
        let validators = self.engine().call(global).await?;
        match &options.choose_validators {
            Some(choose) => choose(validators, self.clone()).await,
            None => Ok(validators),
        }
    }
}

//! A session as the application holds it: who, what the access token says, and what can be done with it (sdk-session.md 7.5).
//!
//! Clones are the same session. One that is attached to a request writes every change of its tokens into that request's scope.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;
use supertokens_web::front_token;
use supertokens_web::payload::{self, Payload};
use supertokens_web::token::{self, TokenClaims};
use supertokens_web::transfer::TransferMethod;
use supertokens_wire::cdi::session as wire;

use super::token::PresentedToken;
use crate::SuperTokens;
use crate::context::{RememberedScope, Scope, UserContext};
use crate::error::Error;
use crate::json::payload_text;

/// A session.
#[derive(Clone)]
pub struct Session(Arc<Inside>);

struct Inside {
    engine: SuperTokens,
    /// Who; this never changes in the life of a session.
    identity: Arc<TokenClaims>,
    held: Mutex<Held>,
}

/// What a session has in hand.
pub(crate) struct Held {
    identity: Arc<TokenClaims>,
    access_token: Arc<Secret<String>>,
    /// The payload's JSON text, if it is another than the identity's.
    newer_payload: Option<Box<str>>,
    parsed: Option<Arc<Payload>>,
    expires_at: Millis,
    refresh: Option<(Secret<String>, Millis)>,
    anti_csrf: Option<Secret<String>>,
    /// The browser does not have this access token yet.
    updated: bool,
    attached: Option<(TransferMethod, RememberedScope)>,
}

/// All tokens of a session, for an application that brings them to the client by itself. They are secrets.
#[derive(Clone)]
pub struct AllSessionTokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if the session was just created or refreshed.
    pub refresh_token: Option<String>,
    /// The anti-CSRF token, if there is one.
    pub anti_csrf_token: Option<String>,
    /// What the website's scripts may know.
    pub front_token: String,
    /// Whether the client does not have the access token yet.
    pub access_and_front_token_updated: bool,
}

impl std::fmt::Debug for AllSessionTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AllSessionTokens(***)")
    }
}

impl Held {
    fn of(identity: Arc<TokenClaims>, access_token: Arc<Secret<String>>) -> Self {
        Self {
            access_token,
            newer_payload: None,
            parsed: None,
            expires_at: identity.expires_at,
            refresh: None,
            anti_csrf: None,
            updated: false,
            attached: None,
            identity,
        }
    }

    /// A token that was verified here.
    pub(crate) fn verified(presented: &PresentedToken, claims: Arc<TokenClaims>, anti_csrf: Option<String>) -> Self {
        Self { anti_csrf: anti_csrf.map(Secret::new), ..Self::of(claims, presented.share()) }
    }

    /// A token that the core has looked at, and perhaps replaced.
    pub(crate) fn checked_by_core(
        presented: &PresentedToken,
        session: wire::SessionObject,
        access: Option<wire::Token>,
        local: Option<Arc<TokenClaims>>,
        anti_csrf: Option<String>,
    ) -> Result<Self, Error> {
        let updated = access.is_some();
        let text = access.map_or_else(|| presented.expose().to_owned(), |access| access.token);
        let mut claims = match local {
            Some(local) if !updated => (*local).clone(),
            _ => own(&text)?,
        };
        if claims.version == token::TokenVersion::V2 {
            claims.payload_text = payload_text(&session.payload)?;
        }
        name(&mut claims, session);
        Ok(Self { anti_csrf: anti_csrf.map(Secret::new), updated, ..Self::of(Arc::new(claims), Arc::new(Secret::new(text))) })
    }

    /// The tokens of a session that was just created or refreshed.
    pub(crate) fn issued(tokens: wire::SessionTokens) -> Result<Self, Error> {
        let mut claims = own(&tokens.access.token)?;
        if claims.version == token::TokenVersion::V2 {
            claims.payload_text = payload_text(&tokens.session.payload)?;
        }
        name(&mut claims, tokens.session);
        claims.expires_at = tokens.access.expiry;
        Ok(Self {
            refresh: Some((Secret::new(tokens.refresh.token), tokens.refresh.expiry)),
            anti_csrf: tokens.anti_csrf.map(Secret::new),
            updated: true,
            ..Self::of(Arc::new(claims), Arc::new(Secret::new(tokens.access.token)))
        })
    }

    fn payload_text(&self) -> &str {
        self.newer_payload.as_deref().unwrap_or(&self.identity.payload_text)
    }

    fn payload(&mut self) -> Arc<Payload> {
        if self.parsed.is_none() {
            self.parsed = Some(Arc::new(serde_json::from_str(self.payload_text()).unwrap_or_default()));
        }
        self.parsed.clone().unwrap_or_default()
    }

    fn front_token(&self) -> String {
        front_token::build(&self.identity.user_id, self.expires_at, self.payload_text())
    }
}

/// Reads a token that came from the core just now.
fn own(text: &str) -> Result<TokenClaims, Error> {
    let broken = |_| Error::BrokenToken("the core's own token does not have the form of an access token");
    token::parse(text).map(token::ParsedToken::into_claims).map_err(broken)
}

/// Takes over who it is from the core's answer.
fn name(claims: &mut TokenClaims, session: wire::SessionObject) {
    claims.session_handle = session.handle.as_str().to_owned();
    claims.user_id = session.user_id;
    claims.recipe_user_id = session.recipe_user_id;
    claims.tenant_id = session.tenant.as_str().to_owned();
}

impl Session {
    pub(crate) fn new(engine: SuperTokens, held: Held) -> Self {
        Self(Arc::new(Inside { engine, identity: Arc::clone(&held.identity), held: Mutex::new(held) }))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while it holds this, and it is never held across an await.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn engine(&self) -> &SuperTokens {
        &self.0.engine
    }

    /// The context of the request that it is attached to, or an empty one.
    pub(crate) fn context(&self) -> UserContext {
        self.attachment().map(|(_, scope)| scope.context().clone()).unwrap_or_default()
    }

    /// The primary user's id; the id of the user who logged in where accounts are not linked.
    pub fn user_id(&self) -> &str {
        &self.0.identity.user_id
    }

    /// The id of the user who logged in.
    pub fn recipe_user_id(&self) -> &str {
        &self.0.identity.recipe_user_id
    }

    /// The tenant.
    pub fn tenant_id(&self) -> &str {
        &self.0.identity.tenant_id
    }

    /// The session's public name.
    pub fn handle(&self) -> &str {
        &self.0.identity.session_handle
    }

    /// The access token. A secret: whoever has it is the user until it expires.
    pub fn access_token(&self) -> String {
        self.held().access_token.expose().clone()
    }

    /// Everything the access token says, the core's own members included.
    pub fn access_token_payload(&self) -> Arc<Payload> {
        self.held().payload()
    }

    /// The same as JSON text, as it stands in the token. For adapters that hand it on.
    pub fn access_token_payload_text(&self) -> String {
        self.held().payload_text().to_owned()
    }

    /// Whether it is just what the request brought: no token of it was made or changed since. For adapters, which need not keep such a
    /// session: [`Scope::resume_session`] finds it again.
    pub fn is_as_sent(&self) -> bool {
        let held = self.held();
        !held.updated && held.refresh.is_none() && held.newer_payload.is_none()
    }

    /// When the access token ends, in ms since 1970.
    pub fn access_token_expiry(&self) -> Millis {
        self.held().expires_at
    }

    /// All tokens. Call it only to carry them to the client in a way of your own.
    pub fn all_session_tokens_dangerously(&self) -> AllSessionTokens {
        let held = self.held();
        AllSessionTokens {
            access_token: held.access_token.expose().clone(),
            refresh_token: held.refresh.as_ref().map(|(token, _)| token.expose().clone()),
            anti_csrf_token: held.anti_csrf.as_ref().map(|token| token.expose().clone()),
            front_token: held.front_token(),
            access_and_front_token_updated: held.updated,
        }
    }

    /// Makes the session belong to a request: tokens that the browser does not have yet go into its response, and so do all later
    /// changes.
    ///
    /// # Errors
    /// [`Error::Settings`], if the website's address cannot be used.
    pub fn attach(&self, scope: &Scope, method: TransferMethod) -> Result<(), Error> {
        {
            let mut held = self.held();
            held.attached = Some((method, scope.remember()));
            if !held.updated && held.refresh.is_none() {
                return Ok(());
            }
        }
        // The application's own functions run here, so not while the session is locked.
        let (look, now) = (scope.look_for(method)?, self.0.engine.now());
        let held = self.held();
        let front = held.front_token();
        scope.change(|changes| {
            if held.updated {
                changes.set_access_token(method, held.access_token.expose(), &front, now, look.of());
            }
            if let Some((token, expires_at)) = &held.refresh {
                changes.set_refresh_token(method, token.expose(), *expires_at, look.of());
            }
            // A verified session holds what the request sent; only the core's own goes out.
            if let Some(token) = held.anti_csrf.as_ref().filter(|_| held.refresh.is_some()) {
                changes.set_anti_csrf(token.expose());
            }
        });
        Ok(())
    }

    /// Takes a new access token, as the core made it, and sends it to the browser.
    pub(crate) fn renew(&self, access: wire::Token, payload: &supertokens_domain::json::JsonObject) -> Result<(), Error> {
        let claims = own(&access.token)?;
        let text = if claims.version == token::TokenVersion::V2 { payload_text(payload)? } else { claims.payload_text };
        {
            let mut held = self.held();
            held.access_token = Arc::new(Secret::new(access.token));
            held.newer_payload = Some(text);
            held.parsed = None;
            held.expires_at = access.expiry;
            held.updated = true;
        }
        let Some((method, scope)) = self.attachment() else { return Ok(()) };
        let (look, now) = (scope.look_for(method)?, self.0.engine.now());
        let held = self.held();
        let front = held.front_token();
        scope.change(|changes| changes.set_access_token(method, held.access_token.expose(), &front, now, look.of()));
        Ok(())
    }

    /// The access token ended while the payload was changed: the change is in the core, and here only in memory.
    pub(crate) fn remember_payload(&self, stored: Payload) {
        let mut held = self.held();
        // A V2 nests the application's payload, and that is all of it that is seen here.
        let mut payload = match held.identity.version {
            token::TokenVersion::V2 => Payload::new(),
            _ => payload::only_protected((*held.payload()).clone()),
        };
        payload.extend(stored);
        held.newer_payload = serde_json::to_string(&payload).ok().map(String::into_boxed_str);
        held.parsed = Some(Arc::new(payload));
    }

    /// Lets later changes go into the response of this request, in the way in which the earlier ones went: for hosts whose overrides are
    /// called with a scope of their own. What went into that one stays there.
    pub fn follow(&self, scope: &Scope) {
        if let Some((_, to)) = &mut self.held().attached {
            *to = scope.remember();
        }
    }

    /// Where it is attached, while that request lasts.
    pub(crate) fn attachment(&self) -> Option<(TransferMethod, Scope)> {
        let held = self.held();
        let (method, scope) = held.attached.as_ref()?;
        Some((*method, scope.scope()?))
    }
}

impl std::fmt::Debug for Session {
    /// No token is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("handle", &self.handle()).field("user_id", &self.user_id()).finish_non_exhaustive()
    }
}

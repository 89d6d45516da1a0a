//! POST /recipe/session/refresh (core-session.md 2.5): two round trips, one to lock and read, one to write and commit. Signing comes
//! after the commit, so no lock waits for it.

use std::sync::Arc;

use supertokens_domain::ids::SessionHandle;
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{AccessClaims, AccessTokenVersion, MintError, collides};
use supertokens_domain::session::anti_csrf::may_refresh;
use supertokens_domain::session::hash::{hash1, hash2};
use supertokens_domain::session::refresh_token::{RefreshClaims, RefreshKey, open, seal};
use supertokens_domain::session::rotation::{
    Presented, REUSE_DETECTED, RefreshAttempt, RefreshDecision, RefreshPolicy, ReuseAnswer, ReuseBehaviour, ReuseSubtype,
    SESSION_GONE, decide_refresh,
};
use supertokens_domain::time::Millis;
use supertokens_store::LockedSession;
use supertokens_store::{StoreError, Tx};
use supertokens_wire::cdi::session::{RefreshSession, Refreshed, SessionTokens, Token};
use supertokens_wire::version::RotationRule;

use super::{Dice, activity, columns, kind, mint_refused, session_object, stored, token};
use crate::cx::Cx;
use crate::error::Error;
use crate::figures::Tally;
use crate::ports::Clock;
use crate::routes::{Scope, UseCase};

impl UseCase for RefreshSession {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Refreshed, Error> {
        let life = cx.access_token_life(self.access_token_validity)?;
        let key = cx.core.keys.refresh_key(&cx.at().app, cx.now).await?;
        let claims = match open(&self.refresh_token, &key) {
            Ok(claims) => claims,
            Err(error) => return Ok(unauthorised(error.to_string())),
        };
        if let Err(error) = may_refresh(self.enable_anti_csrf, claims.anti_csrf.as_deref(), self.anti_csrf_token.as_deref()) {
            return Ok(unauthorised(error.to_string()));
        }
        cx.tenant_named(&claims.tenant).await?;
        // Keys are made sure of before anything is written: without them no token could be given for the one taken.
        cx.keys().await?;

        let attempt = Attempt::new(cx, &self, claims, key)?;
        let shared = Arc::new(attempt);
        let inside = Arc::clone(&shared);
        let outcome = cx.db().tx(async move |tx| inside.run(tx).await).await?;
        shared.answer(cx, outcome, life).await
    }
}

fn unauthorised(message: impl Into<String>) -> Refreshed {
    Refreshed::Unauthorised { message: message.into(), subtype: None }
}

/// The audit row for marking a user active, if a mark is due.
type MarksDue = Arc<dyn Fn(&str) -> Option<supertokens_store::ActivityRow> + Send + Sync>;

/// Everything that the transaction needs; it may run more than once, so dice are rolled before.
struct Attempt {
    app: supertokens_domain::ids::AppId,
    clock: Arc<dyn Clock>,
    key: Arc<RefreshKey>,
    presented: Presented,
    handle: SessionHandle,
    fresh: RefreshClaims,
    fresh_token: String,
    iv: [u8; 12],
    use_static_key: Option<bool>,
    policy: RefreshPolicy,
    refresh_validity: Millis,
    version: AccessTokenVersion,
    marks_due: MarksDue,
}

/// What the transaction came to.
enum Outcome {
    Gone,
    Collides,
    Issued { issued: Box<Issued>, marked: bool },
    Reused { subtype: Option<ReuseSubtype>, answer: ReuseAnswer, deleted: bool, user_id: String, recipe_user_id: String },
}

struct Issued {
    row: LockedSession,
    payload: JsonObject,
    token: String,
    use_static_key: bool,
    now: Millis,
}

impl Attempt {
    fn new(cx: &Cx<'_>, asked: &RefreshSession, claims: RefreshClaims, key: Arc<RefreshKey>) -> Result<Self, Error> {
        let config = cx.config()?;
        let presented = Presented::new(&asked.refresh_token, claims.parent_hash1);
        let Dice { nonce, iv } = cx.dice();
        let fresh = RefreshClaims {
            session_handle: claims.session_handle.clone(),
            user_id: claims.user_id,
            parent_hash1: Some(presented.hash1.clone()),
            nonce,
            anti_csrf: asked.enable_anti_csrf.then(|| cx.uuid()),
            tenant: claims.tenant,
        };
        let fresh_token = seal(&fresh, &key, iv).map_err(Error::fault)?;
        let policy = match cx.rules.rotation {
            RotationRule::ParentChild => RefreshPolicy::ParentChild,
            RotationRule::AtRefresh => RefreshPolicy::Rotate {
                grace: config.grace_ms(),
                on_recent_reuse: match config.recent_token_reuse_behaviour {
                    supertokens_domain::config::ReuseBehaviour::TokenTheft => ReuseBehaviour::Theft,
                    supertokens_domain::config::ReuseBehaviour::Unauthorised => ReuseBehaviour::Unauthorised,
                },
            },
        };
        let (app, core_now) = (cx.at().app.clone(), cx.now);
        let (marks, mark_app) = (Arc::clone(&cx.core.marks), app.clone());
        let template = activity(cx, "user_last_active", "", "", None);
        Ok(Self {
            app,
            clock: Arc::clone(&cx.core.clock),
            key,
            presented,
            handle: claims.session_handle,
            fresh,
            fresh_token,
            iv,
            use_static_key: asked.use_dynamic_signing_key.map(|dynamic| !dynamic),
            policy,
            refresh_validity: config.refresh_token_validity_ms(),
            version: cx.rules.access_token,
            marks_due: Arc::new(move |id| {
                marks.is_due(&mark_app, id, core_now).then(|| {
                    let (recipe_user_id, primary_or_recipe_user_id) = (Some(id.to_owned()), Some(id.to_owned()));
                    supertokens_store::ActivityRow { recipe_user_id, primary_or_recipe_user_id, ..template.clone() }
                })
            }),
        })
    }

    /// The body of the transaction.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Outcome, StoreError> {
        let tenant = &self.fresh.tenant;
        let locked = tx.session_locked(&self.app, tenant, &self.handle).await?;
        let now = self.clock.now();
        let Some(locked) = locked else { return Ok(Outcome::Gone) };
        let row = stored(locked.session.clone(), tenant);
        let token = self.fresh_token_for(&row.user_id)?;
        let fresh_hash2 = hash2(&token);
        let attempt = RefreshAttempt {
            presented: &self.presented,
            fresh_hash2: &fresh_hash2,
            use_static_key: self.use_static_key,
            refresh_validity: self.refresh_validity,
        };
        let decision = decide_refresh(Some(&row), &attempt, self.policy, now);
        if let RefreshDecision::Reused { subtype, answer, delete } = decision {
            if delete {
                tx.delete_session(&self.app, tenant, &self.handle).await?;
            }
            let (user_id, recipe_user_id) = (locked.resolved_user_id, row.user_id);
            return Ok(Outcome::Reused { subtype, answer, deleted: delete, user_id, recipe_user_id });
        }
        if decision == RefreshDecision::Gone {
            return Ok(Outcome::Gone);
        }
        let payload = row.payload().map_err(|_| StoreError::Corrupt {
            table: "session_info".to_owned(),
            column: "jwt_user_payload".to_owned(),
            key: self.handle.to_string(),
        })?;
        // Before anything is written: a rotation whose token cannot be made would cost the client its session.
        if collides(&payload, self.version) {
            return Ok(Outcome::Collides);
        }
        let mut use_static_key = row.use_static_key;
        match decision {
            RefreshDecision::Rotate(rotation) | RefreshDecision::PromoteThenContinue(rotation) => {
                use_static_key = rotation.use_static_key;
                tx.rotate_session(&self.app, tenant, &self.handle, &columns(&rotation)).await?;
            }
            RefreshDecision::IssueChild { set_static: Some(flag) } => {
                use_static_key = flag;
                tx.set_use_static_key(&self.app, tenant, &self.handle, flag).await?;
            }
            _ => {}
        }
        let marked = self.mark(tx, &locked.last_active_id, now).await?;
        Ok(Outcome::Issued { issued: Box::new(Issued { row: locked, payload, token, use_static_key, now }), marked })
    }

    async fn mark(&self, tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<bool, StoreError> {
        let Some(row) = (self.marks_due)(id) else { return Ok(false) };
        tx.mark_last_active(&self.app, id, now).await?;
        tx.log_activity(&row).await?;
        Ok(true)
    }

    /// The user of a row is that of its tokens, but for a row that something else has changed.
    fn fresh_token_for(&self, user_id: &str) -> Result<String, StoreError> {
        if user_id == self.fresh.user_id {
            return Ok(self.fresh_token.clone());
        }
        let claims = RefreshClaims { user_id: user_id.to_owned(), ..self.fresh.clone() };
        seal(&claims, &self.key, self.iv).map_err(|_| StoreError::Corrupt {
            table: "session_info".to_owned(),
            column: "user_id".to_owned(),
            key: self.handle.to_string(),
        })
    }

    async fn answer(&self, cx: &Cx<'_>, outcome: Outcome, life: Millis) -> Result<Refreshed, Error> {
        match outcome {
            Outcome::Gone => Ok(unauthorised(SESSION_GONE)),
            Outcome::Collides => Ok(unauthorised(MintError::ProtectedClaim.to_string())),
            Outcome::Reused { subtype, answer, deleted, user_id, recipe_user_id } => {
                if deleted {
                    Tally::add(&cx.core.tally.revoked, 1);
                }
                let subtype = subtype.map(ReuseSubtype::as_str);
                match answer {
                    ReuseAnswer::Unauthorised => Ok(Refreshed::Unauthorised { message: REUSE_DETECTED.to_owned(), subtype }),
                    ReuseAnswer::Theft => {
                        Tally::add(&cx.core.tally.thefts, 1);
                        tracing::warn!(handle = %self.handle, subtype, "a refresh token was used again");
                        Ok(Refreshed::TokenTheftDetected { handle: self.handle.clone(), user_id, recipe_user_id, subtype })
                    }
                }
            }
            Outcome::Issued { issued, marked } => {
                if marked {
                    cx.was_marked(&issued.row.last_active_id);
                }
                self.tokens(cx, *issued, life).await
            }
        }
    }

    async fn tokens(&self, cx: &Cx<'_>, issued: Issued, life: Millis) -> Result<Refreshed, Error> {
        let Issued { row, payload, token: refresh, use_static_key, now } = issued;
        let parent = (self.policy == RefreshPolicy::ParentChild).then(|| self.presented.hash1.clone());
        let claims = AccessClaims {
            session_handle: self.handle.clone(),
            user_id: row.resolved_user_id,
            recipe_user_id: row.session.user_id,
            refresh_token_hash1: hash1(&refresh),
            parent_refresh_token_hash1: parent,
            anti_csrf: self.fresh.anti_csrf.clone(),
            expires_at: now.saturating_add(life),
            issued_at: now,
            tenant: self.fresh.tenant.clone(),
            payload,
        };
        let minted = match cx.mint(&claims, self.version, kind(use_static_key)).await? {
            Ok(minted) => minted,
            Err(error @ MintError::ProtectedClaim) => return Ok(unauthorised(error.to_string())),
            Err(error) => return Err(mint_refused(error)),
        };
        Tally::add(&cx.core.tally.refreshed, 1);
        let expiry = now.saturating_add(self.refresh_validity);
        Ok(Refreshed::Ok(Box::new(SessionTokens {
            session: session_object(&claims),
            access: token(minted),
            refresh: Token { token: refresh, expiry, created: now },
            id_refresh: cx.rules.id_refresh_token.then(|| Token { token: cx.uuid(), expiry, created: now }),
            anti_csrf: self.fresh.anti_csrf.clone(),
        })))
    }
}

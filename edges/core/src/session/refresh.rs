//! POST /recipe/session/refresh (core-session.md 2.5): two round trips, one to lock and read, one to write and commit. Signing goes on
//! while the commit does, so no lock waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use supertokens_domain::ids::SessionHandle;
use supertokens_domain::session::access_token::{AccessClaims, AccessTokenVersion, MintError, Minted, mint, mintable};
use supertokens_domain::session::anti_csrf::may_refresh;
use supertokens_domain::session::hash::{hash1, hash2};
use supertokens_domain::session::refresh_token::{RefreshClaims, RefreshKey, nonce_from_uuid, open, seal_alike};
use supertokens_domain::session::rotation::{
    Explained, Presented, REUSE_DETECTED, RefreshAttempt, RefreshDecision, RefreshPolicy, ReuseAnswer, ReuseBehaviour,
    ReuseSubtype, Rotation, SESSION_GONE, StoredSession, decide_refresh,
};
use supertokens_domain::time::Millis;
use supertokens_store::{StoreError, Tx};
use supertokens_wire::cdi::session::{RefreshSession, Refreshed, SessionTokens, Token};
use supertokens_wire::version::RotationRule;

use super::{columns, kind, mint_refused, payload_of, session_object, stored, token};
use crate::activity::{activity, may_be_for_the_log};
use crate::cx::Cx;
use crate::error::Error;
use crate::figures::Tally;
use crate::ports::Clock;
use crate::use_case::{Scope, UseCase};

impl UseCase for RefreshSession {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Refreshed, Error> {
        let key = cx.refresh_key().await?;
        let claims = match open(&self.refresh_token, &key) {
            Ok(claims) => claims,
            Err(error) => return Ok(unauthorised(error.to_string())),
        };
        if let Err(error) = may_refresh(self.enable_anti_csrf, claims.anti_csrf.as_deref(), self.anti_csrf_token.as_deref()) {
            return Ok(unauthorised(error.to_string()));
        }
        cx.tenant_named(&claims.tenant).await?;
        let life = cx.access_token_life(self.access_token_validity)?;
        // Keys are made sure of before anything is written: without them no token could be given for the one taken.
        let (keys, policy) = cx.keys().await?;

        let attempt = Attempt::new(cx, &self, claims, key, life)?;
        let shared = Arc::new(attempt);
        let sign = |outcome: &Outcome| -> Result<Signed, Error> {
            let Outcome::Issued { issued, .. } = outcome else { return Ok(None) };
            let key = keys.signing(kind(issued.use_static_key), &policy, cx.now)?;
            Ok(Some(mint(&issued.claims, shared.version, key)))
        };
        let write = |with_activity| {
            let inside = Arc::clone(&shared);
            async move |tx: &mut Tx<'_>| inside.run(tx, with_activity).await
        };
        let _turn = cx.turn(&shared.handle).await?;
        let mut written = cx.db().tx_beside(write(true), &sign).await;
        if shared.reached_activity.load(Ordering::Relaxed) && may_be_for_the_log(&written) {
            written = cx.db().tx_beside(write(false), &sign).await;
        }
        let (outcome, signed) = written?;
        shared.answer(cx, outcome, signed?)
    }
}

fn unauthorised(message: impl Into<String>) -> Refreshed {
    Refreshed::Unauthorised { message: message.into(), subtype: None }
}

/// The audit row for marking a user active, if a mark is due.
type MarksDue = Arc<dyn Fn(&str) -> Option<supertokens_store::ActivityRow> + Send + Sync>;

/// Everything that the transaction needs; it may run more than once, so what dice there are are rolled before.
struct Attempt {
    app: supertokens_domain::ids::AppId,
    clock: Arc<dyn Clock>,
    key: Arc<RefreshKey>,
    presented: Presented,
    handle: SessionHandle,
    fresh: RefreshClaims,
    fresh_token: String,
    use_static_key: Option<bool>,
    policy: RefreshPolicy,
    refresh_validity: Millis,
    life: Millis,
    version: AccessTokenVersion,
    marks_due: MarksDue,
    /// Whether the body has come as far as the log of activity.
    reached_activity: AtomicBool,
}

/// What the transaction came to.
enum Outcome {
    Gone,
    Unsignable(MintError),
    Issued { issued: Box<Issued>, marked: bool },
    Reused(Box<Reuse>),
}

/// A token that was used again.
struct Reuse {
    subtype: Option<ReuseSubtype>,
    answer: ReuseAnswer,
    deleted: bool,
    user_id: String,
    recipe_user_id: String,
    /// How long ago the row was rotated last, in ms.
    since_rotation: Option<Millis>,
}

/// The access token of a rotation, if there was one.
type Signed = Option<Result<Minted, MintError>>;

struct Issued {
    claims: AccessClaims,
    refresh: Token,
    use_static_key: bool,
    last_active_id: String,
}

/// What a decision gives out, and what is written for it.
struct Grant {
    /// When the refresh token was made, and its end.
    made_at: Millis,
    expires_at: Millis,
    use_static_key: bool,
    write: Write,
}

enum Write {
    Rotation(Rotation),
    /// The kind of key, and nothing else.
    Kind(bool),
    Nothing,
}

impl Grant {
    fn rotated(rotation: Rotation, now: Millis) -> Self {
        let (expires_at, use_static_key) = (rotation.expires_at, rotation.use_static_key);
        Self { made_at: now, expires_at, use_static_key, write: Write::Rotation(rotation) }
    }

    fn unrotated(row: &StoredSession, set_static: Option<bool>, made_at: Millis, expires_at: Millis) -> Self {
        let use_static_key = set_static.unwrap_or(row.use_static_key);
        Self { made_at, expires_at, use_static_key, write: set_static.map_or(Write::Nothing, Write::Kind) }
    }
}

impl Attempt {
    fn new(
        cx: &Cx<'_>,
        asked: &RefreshSession,
        claims: RefreshClaims,
        key: Arc<RefreshKey>,
        life: Millis,
    ) -> Result<Self, Error> {
        let config = cx.config()?;
        let presented = Presented::new(&asked.refresh_token, claims.parent_hash1);
        let (parent, session) = (&presented.hash1, &claims.session_handle);
        let anti_csrf = |made: &dyn Fn() -> String| asked.enable_anti_csrf.then(made);
        let (nonce, anti_csrf) = match cx.rules.rotation {
            RotationRule::AtRefresh => (key.next_nonce(parent, session), anti_csrf(&|| key.next_anti_csrf(parent, session))),
            RotationRule::ParentChild => (nonce_from_uuid(&cx.uuid()), anti_csrf(&|| cx.uuid())),
        };
        let fresh = RefreshClaims {
            session_handle: claims.session_handle.clone(),
            user_id: claims.user_id,
            parent_hash1: Some(presented.hash1.clone()),
            nonce,
            anti_csrf,
            tenant: claims.tenant,
        };
        let fresh_token = seal_alike(&fresh, &key).map_err(Error::fault)?;
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
            use_static_key: asked.use_dynamic_signing_key.map(|dynamic| !dynamic),
            policy,
            refresh_validity: config.refresh_token_validity_ms(),
            life,
            version: cx.rules.access_token,
            reached_activity: AtomicBool::new(false),
            marks_due: Arc::new(move |id| {
                marks.is_due(&mark_app, id, core_now).then(|| {
                    let (recipe_user_id, primary_or_recipe_user_id) = (Some(id.to_owned()), Some(id.to_owned()));
                    supertokens_store::ActivityRow { recipe_user_id, primary_or_recipe_user_id, ..template.clone() }
                })
            }),
        })
    }

    /// The body of the transaction: lock, decide, write.
    async fn run(&self, tx: &mut Tx<'_>, with_activity: bool) -> Result<Outcome, StoreError> {
        let tenant = &self.fresh.tenant;
        let locked = tx.session_locked(&self.app, tenant, &self.handle).await?;
        let now = self.clock.now();
        let Some(locked) = locked else { return Ok(Outcome::Gone) };
        let row = stored(locked.session, tenant);
        let token = self.fresh_token_for(&row.user_id)?;
        let grant = match self.decide(&row, &token, now) {
            RefreshDecision::Gone => return Ok(Outcome::Gone),
            RefreshDecision::Reused { subtype, answer, delete } => {
                if delete {
                    tx.delete_session(&self.app, tenant, &self.handle).await?;
                }
                let since_rotation = row.rotated_at.map(|rotated| now.saturating_sub(rotated));
                let (user_id, recipe_user_id) = (locked.resolved_user_id, row.user_id);
                let reuse = Reuse { subtype, answer, deleted: delete, user_id, recipe_user_id, since_rotation };
                return Ok(Outcome::Reused(Box::new(reuse)));
            }
            RefreshDecision::Rotate(rotation) | RefreshDecision::PromoteThenContinue(rotation) => Grant::rotated(rotation, now),
            RefreshDecision::Repeat { set_static, made_at, expires_at } => {
                Grant::unrotated(&row, set_static, made_at, expires_at)
            }
            // A child at CDI 5.5 and below promises the end that its first use will write.
            RefreshDecision::IssueChild { set_static } => {
                Grant::unrotated(&row, set_static, now, now.saturating_add(self.refresh_validity))
            }
        };
        let payload = payload_of(&row)?;
        // Before anything is written: a rotation whose token cannot be made would cost the client its session.
        if let Err(error) = mintable(&payload, self.version) {
            return Ok(Outcome::Unsignable(error));
        }
        self.write(tx, &grant.write).await?;
        let marked = with_activity && self.mark(tx, &locked.last_active_id, now).await?;
        let claims = AccessClaims {
            session_handle: self.handle.clone(),
            user_id: locked.resolved_user_id,
            recipe_user_id: row.user_id,
            refresh_token_hash1: hash1(&token),
            parent_refresh_token_hash1: (self.policy == RefreshPolicy::ParentChild).then(|| self.presented.hash1.clone()),
            anti_csrf: self.fresh.anti_csrf.clone(),
            expires_at: now.saturating_add(self.life),
            issued_at: now,
            tenant: tenant.clone(),
            payload,
        };
        let refresh = Token { token, created: grant.made_at, expiry: grant.expires_at };
        let last_active_id = locked.last_active_id;
        let issued = Issued { claims, refresh, use_static_key: grant.use_static_key, last_active_id };
        Ok(Outcome::Issued { issued: Box::new(issued), marked })
    }

    fn decide(&self, row: &StoredSession, token: &str, now: Millis) -> RefreshDecision {
        let attempt = RefreshAttempt {
            presented: &self.presented,
            fresh_hash2: &hash2(token),
            use_static_key: self.use_static_key,
            refresh_validity: self.refresh_validity,
        };
        decide_refresh(Some(row), &attempt, self.policy, now)
    }

    async fn write(&self, tx: &mut Tx<'_>, what: &Write) -> Result<(), StoreError> {
        let (app, tenant, handle) = (&self.app, &self.fresh.tenant, &self.handle);
        match what {
            Write::Rotation(rotation) => tx.rotate_session(app, tenant, handle, &columns(rotation)).await,
            Write::Kind(use_static_key) => tx.set_use_static_key(app, tenant, handle, *use_static_key).await,
            Write::Nothing => Ok(()),
        }
    }

    async fn mark(&self, tx: &mut Tx<'_>, id: &str, now: Millis) -> Result<bool, StoreError> {
        let Some(row) = (self.marks_due)(id) else { return Ok(false) };
        self.reached_activity.store(true, Ordering::Relaxed);
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
        seal_alike(&claims, &self.key).map_err(|_| StoreError::Corrupt {
            table: "session_info".to_owned(),
            column: "user_id".to_owned(),
            key: self.handle.to_string(),
        })
    }

    fn answer(&self, cx: &Cx<'_>, outcome: Outcome, signed: Signed) -> Result<Refreshed, Error> {
        match outcome {
            Outcome::Gone => Ok(unauthorised(SESSION_GONE)),
            Outcome::Unsignable(error) => Ok(unauthorised(error.to_string())),
            Outcome::Reused(reuse) => Ok(self.reused(cx, *reuse)),
            Outcome::Issued { issued, marked } => {
                if marked {
                    cx.was_marked(&issued.last_active_id);
                }
                match signed.ok_or_else(|| Error::fault("a rotation was not signed"))? {
                    Ok(minted) => Ok(self.tokens(cx, *issued, minted)),
                    Err(error) => Err(mint_refused(error)),
                }
            }
        }
    }

    fn reused(&self, cx: &Cx<'_>, reuse: Reuse) -> Refreshed {
        let Reuse { subtype, answer, deleted, user_id, recipe_user_id, since_rotation } = reuse;
        if deleted {
            Tally::add(&cx.core.tally.revoked, 1);
        }
        let explained = Explained { subtype, since_rotation, policy: self.policy };
        let subtype = subtype.map(ReuseSubtype::as_str);
        match answer {
            ReuseAnswer::Unauthorised => {
                tracing::info!(handle = %self.handle, subtype, "{explained}");
                Refreshed::Unauthorised { message: REUSE_DETECTED.to_owned(), subtype }
            }
            ReuseAnswer::Theft => {
                Tally::add(&cx.core.tally.thefts, 1);
                tracing::warn!(handle = %self.handle, subtype, "{explained}");
                Refreshed::TokenTheftDetected { handle: self.handle.clone(), user_id, recipe_user_id, subtype }
            }
        }
    }

    fn tokens(&self, cx: &Cx<'_>, issued: Issued, minted: Minted) -> Refreshed {
        let Issued { claims, refresh, .. } = issued;
        Tally::add(&cx.core.tally.refreshed, 1);
        Refreshed::Ok(Box::new(SessionTokens {
            session: session_object(&claims),
            access: token(minted),
            id_refresh: cx.rules.id_refresh_token.then(|| Token { token: cx.uuid(), ..refresh.clone() }),
            refresh,
            anti_csrf: claims.anti_csrf,
        }))
    }
}

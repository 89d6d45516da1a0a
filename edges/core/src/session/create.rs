//! POST /recipe/session (core-session.md 2.1): two round trips, one to find out who the user is and one to write.
//! Signing goes on while the commit does.

use std::sync::Arc;

use supertokens_domain::ids::{AppId, SessionHandle, TenantId};
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{AccessClaims, Minted, mint, mintable};
use supertokens_domain::session::hash::{hash1, hash2};
use supertokens_domain::session::refresh_token::{RefreshClaims, seal};
use supertokens_domain::time::Millis;
use supertokens_store::{ActivityRow, NewSession, ResolvedUser, StoreError, Tx};
use supertokens_wire::cdi::session::{CreateSession, Created, SessionTokens, Token};
use supertokens_wire::version::FlagReading;

use super::{kind, mint_refused, payload_text, session_object, token};
use crate::activity::{activity, may_be_for_the_log};
use crate::cx::Cx;
use crate::error::Error;
use crate::figures::Tally;
use crate::use_case::{Scope, UseCase};

impl UseCase for CreateSession {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Created, Error> {
        let life = cx.access_token_life(self.access_token_validity)?;
        mintable(&self.payload, cx.rules.access_token).map_err(mint_refused)?;
        let texts = Texts { payload: payload_text(&self.payload)?, data: self.data.to_text() };
        let use_static_key = match cx.rules.key_choice_on_create {
            FlagReading::NotRead => !cx.config()?.access_token_signing_key_dynamic,
            _ => !self.use_dynamic_signing_key.unwrap_or(true),
        };
        let (app, user_id) = (cx.at().app.clone(), self.user_id);
        let user = cx.db().read(async move |tx| tx.resolve_user(&app, &user_id).await).await?;
        let fresh = Fresh::new(cx, &user, self.enable_anti_csrf, self.payload, life).await?;
        let minted = fresh.store(cx, &user, texts, use_static_key).await?;
        Tally::add(&cx.core.tally.created, 1);

        let refresh = Token { token: fresh.refresh, expiry: fresh.refresh_expires_at, created: cx.now };
        let id_refresh = cx.rules.id_refresh_token.then(|| Token { token: cx.uuid(), ..refresh.clone() });
        Ok(Created {
            tokens: SessionTokens {
                session: session_object(&fresh.claims),
                access: token(minted),
                refresh,
                id_refresh,
                anti_csrf: fresh.claims.anti_csrf,
            },
            keys: cx.legacy_keys().await?,
        })
    }
}

/// The two objects as they are stored.
struct Texts {
    payload: String,
    data: String,
}

/// A session that is about to begin.
struct Fresh {
    claims: AccessClaims,
    refresh: String,
    refresh_expires_at: Millis,
}

impl Fresh {
    async fn new(
        cx: &Cx<'_>,
        user: &ResolvedUser,
        enable_anti_csrf: bool,
        payload: JsonObject,
        life: Millis,
    ) -> Result<Self, Error> {
        let tenant = cx.at().tenant.clone();
        let handle = SessionHandle::new(&cx.uuid(), &tenant);
        let anti_csrf = enable_anti_csrf.then(|| cx.uuid());
        let dice = cx.dice();
        let refresh_claims = RefreshClaims {
            session_handle: handle.clone(),
            user_id: user.recipe.clone(),
            parent_hash1: None,
            nonce: dice.nonce,
            anti_csrf: anti_csrf.clone(),
            tenant: tenant.clone(),
        };
        let refresh = seal(&refresh_claims, &*cx.refresh_key().await?, dice.iv).map_err(Error::fault)?;
        let claims = AccessClaims {
            session_handle: handle,
            user_id: user.primary.clone(),
            recipe_user_id: user.recipe.clone(),
            refresh_token_hash1: hash1(&refresh),
            parent_refresh_token_hash1: None,
            anti_csrf,
            expires_at: cx.now.saturating_add(life),
            issued_at: cx.now,
            tenant,
            payload,
        };
        let refresh_expires_at = cx.now.saturating_add(cx.config()?.refresh_token_validity_ms());
        Ok(Self { claims, refresh, refresh_expires_at })
    }

    /// Writes the session, and signs its access token.
    async fn store(&self, cx: &Cx<'_>, user: &ResolvedUser, texts: Texts, use_static_key: bool) -> Result<Minted, Error> {
        let (claims, version) = (&self.claims, cx.rules.access_token);
        let (keys, policy) = cx.keys().await?;
        let key = keys.signing(kind(use_static_key), &policy, cx.now)?;
        let mark = cx.mark_due(&user.last_active_id).map(|row| (user.last_active_id.clone(), row));
        let rows = Arc::new(Rows {
            app: cx.at().app.clone(),
            tenant: claims.tenant.clone(),
            session: NewSession {
                session_handle: claims.session_handle.clone(),
                user_id: user.recipe.clone(),
                refresh_token_hash_2: hash2(&self.refresh),
                session_data: texts.data,
                expires_at: self.refresh_expires_at,
                created_at_time: cx.now,
                jwt_user_payload: texts.payload,
                use_static_key,
            },
            created: activity(cx, "session_created", &user.recipe, &user.primary, Some(&claims.session_handle)),
            mark,
        });
        let write = |with_activity| {
            let inside = Arc::clone(&rows);
            async move |tx: &mut Tx<'_>| inside.write(tx, with_activity).await
        };
        let sign = |&(): &()| mint(claims, version, key);
        let mut written = cx.db().tx_beside(write(true), sign).await;
        if may_be_for_the_log(&written) {
            written = cx.db().tx_beside(write(false), sign).await;
        }
        let ((), minted) = match written {
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => return Err(Error::no_tenant(cx.at())),
            written => written?,
        };
        if let Some((id, _)) = &rows.mark {
            cx.was_marked(id);
        }
        minted.map_err(mint_refused)
    }
}

/// What is written of a new session.
struct Rows {
    app: AppId,
    tenant: TenantId,
    session: NewSession,
    created: ActivityRow,
    mark: Option<(String, ActivityRow)>,
}

impl Rows {
    async fn write(&self, tx: &mut Tx<'_>, with_activity: bool) -> Result<(), StoreError> {
        tx.insert_session(&self.app, &self.tenant, &self.session).await?;
        if !with_activity {
            return Ok(());
        }
        tx.log_activity(&self.created).await?;
        if let Some((id, row)) = &self.mark {
            tx.mark_last_active(&self.app, id, row.created_at).await?;
            tx.log_activity(row).await?;
        }
        Ok(())
    }
}

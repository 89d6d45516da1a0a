//! POST /recipe/session (core-session.md 2.1): two round trips, one to find out who the user is and one to write.

use supertokens_domain::ids::SessionHandle;
use supertokens_domain::session::access_token::{AccessClaims, collides};
use supertokens_domain::session::hash::{hash1, hash2};
use supertokens_domain::session::refresh_token::{RefreshClaims, seal};
use supertokens_store::NewSession;
use supertokens_store::StoreError;
use supertokens_wire::cdi::session::{CreateSession, Created, SessionTokens, Token};
use supertokens_wire::version::FlagReading;

use super::{activity, kind, mint_refused, session_object, token};
use crate::cx::Cx;
use crate::error::Error;
use crate::figures::Tally;
use crate::routes::{Scope, UseCase};

impl UseCase for CreateSession {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Created, Error> {
        let life = cx.access_token_life(self.access_token_validity)?;
        let version = cx.rules.access_token;
        if collides(&self.payload, version) {
            return Err(Error::bad("The user payload contains protected field"));
        }
        let use_static_key = match cx.rules.key_choice_on_create {
            FlagReading::NotRead => !cx.config()?.access_token_signing_key_dynamic,
            _ => !self.use_dynamic_signing_key.unwrap_or(true),
        };
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let handle = SessionHandle::new(&cx.uuid(), &tenant);
        let (asked_app, asked_user) = (app.clone(), self.user_id);
        let user = cx.db().read(async move |tx| tx.resolve_user(&asked_app, &asked_user).await).await?;

        let anti_csrf = self.enable_anti_csrf.then(|| cx.uuid());
        let dice = cx.dice();
        let refresh_claims = RefreshClaims {
            session_handle: handle.clone(),
            user_id: user.recipe.clone(),
            parent_hash1: None,
            nonce: dice.nonce,
            anti_csrf: anti_csrf.clone(),
            tenant: tenant.clone(),
        };
        let refresh_key = cx.core.keys.refresh_key(&app, cx.now).await?;
        let refresh = seal(&refresh_claims, &refresh_key, dice.iv).map_err(Error::fault)?;
        let expires_at = cx.now.saturating_add(cx.config()?.refresh_token_validity_ms());
        let claims = AccessClaims {
            session_handle: handle.clone(),
            user_id: user.primary.clone(),
            recipe_user_id: user.recipe.clone(),
            refresh_token_hash1: hash1(&refresh),
            parent_refresh_token_hash1: None,
            anti_csrf: anti_csrf.clone(),
            expires_at: cx.now.saturating_add(life),
            issued_at: cx.now,
            tenant: tenant.clone(),
            payload: self.payload,
        };
        let minted = cx.mint(&claims, version, kind(use_static_key)).await?.map_err(mint_refused)?;

        let new = NewSession {
            session_handle: handle.clone(),
            user_id: user.recipe.clone(),
            refresh_token_hash_2: hash2(&refresh),
            session_data: self.data.to_text(),
            expires_at,
            created_at_time: cx.now,
            jwt_user_payload: claims.payload.to_text(),
            use_static_key,
        };
        let created = activity(cx, "session_created", &user.recipe, &user.primary, Some(&handle));
        let mark = cx.mark_due(&user.last_active_id);
        let is_due = mark.is_some();
        let (at_tenant, now, id) = (tenant.clone(), cx.now, user.last_active_id.clone());
        let written = cx.db().tx(async move |tx| {
            tx.insert_session(&app, &at_tenant, &new).await?;
            tx.log_activity(&created).await?;
            if let Some(mark) = &mark {
                tx.mark_last_active(&app, &id, now).await?;
                tx.log_activity(mark).await?;
            }
            Ok(())
        });
        match written.await {
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => return Err(Error::no_tenant(cx.at())),
            other => other?,
        }
        if is_due {
            cx.was_marked(&user.last_active_id);
        }
        Tally::add(&cx.core.tally.created, 1);
        let id_refresh = cx.rules.id_refresh_token.then(|| Token { token: cx.uuid(), expiry: expires_at, created: cx.now });
        Ok(Created {
            tokens: SessionTokens {
                session: session_object(&claims),
                access: token(minted),
                refresh: Token { token: refresh, expiry: expires_at, created: cx.now },
                id_refresh,
                anti_csrf,
            },
            keys: cx.legacy_keys().await?,
        })
    }
}

//! Tokens for those who have lost all passkeys (core-recipes-2.md 2.4 k to m). A token adds no passkey: whoever takes it does that.

use supertokens_domain::accounts::{AuthRecipe, Group, LoginMethod};
use supertokens_domain::one_time_token::hash_of;
use supertokens_domain::webauthn::recovery_token::recovery_token;
use supertokens_store::{NewRecoveryToken, StoreError};
use supertokens_wire::cdi::webauthn::recovery::{
    ConsumeRecoveryToken, GetRecoveringUser, MakeRecoveryToken, RecoveringUser, RecoveryToken, RecoveryTokenConsumed,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for MakeRecoveryToken {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<RecoveryToken, Error> {
        let made = recovery_token(&cx.random());
        let lifetime = cx.config()?.webauthn_recover_account_token_lifetime;
        let Self { email, user_id } = self;
        let token = NewRecoveryToken { hash: made.hash, email, expires_at: cx.now.saturating_add(lifetime) };
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let known = match cx.db().single(async move |tx| tx.insert_recovery_token(&app, &tenant, &user_id, &token).await).await {
            // They were deleted at the same moment.
            Err(StoreError::MissingParent(_)) => false,
            known => known?,
        };
        Ok(if known { RecoveryToken::Ok(made.token) } else { RecoveryToken::UnknownUser })
    }
}

impl UseCase for GetRecoveringUser {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<RecoveringUser, Error> {
        let (app, tenant, now, hash) = (cx.at().app.clone(), cx.at().tenant.clone(), cx.now, hash_of(self.token.expose()));
        let found = cx.db().read(async move |tx| {
            let Some(user_id) = tx.recovery_token(&app, &tenant, &hash, now).await? else { return Ok(None) };
            Ok(tx.users_by_internal_ids(&app, &[user_id]).await?.into_iter().next())
        });
        let Some(user) = found.await? else { return Ok(RecoveringUser::Invalid) };
        let recipe_user_id = method_here(cx, &user).map(|method| method.shown_id().to_owned());
        Ok(RecoveringUser::Ok { user: Box::new(user), recipe_user_id })
    }
}

/// The login method by passkeys in this tenant; the last, if there are several.
fn method_here<'a>(cx: &Cx<'_>, user: &'a Group) -> Option<&'a LoginMethod> {
    let is_here = |method: &&LoginMethod| method.recipe() == AuthRecipe::Webauthn && method.tenants.contains(&cx.at().tenant);
    user.methods.iter().rev().find(is_here)
}

impl UseCase for ConsumeRecoveryToken {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<RecoveryTokenConsumed, Error> {
        let (app, tenant, now, hash) = (cx.at().app.clone(), cx.at().tenant.clone(), cx.now, hash_of(self.token.expose()));
        let taken = cx.db().single(async move |tx| tx.take_recovery_token(&app, &tenant, &hash, now).await).await?;
        Ok(taken.map_or(RecoveryTokenConsumed::Invalid, |taken| RecoveryTokenConsumed::Ok {
            user_id: taken.external_id.unwrap_or(taken.user_id),
            email: taken.email,
        }))
    }
}

//! A new password for whoever reads the mail (core-users.md 3.6, 3.7).

use supertokens_domain::accounts::AuthRecipe;
use supertokens_domain::emailpassword::reset_token::Taken;
use supertokens_domain::one_time_token::{hash_of, password_reset};
use supertokens_domain::tenancy::Recipe;
use supertokens_store::{NewResetToken, StoreError};
use supertokens_wire::cdi::emailpassword::{
    Addressee, ConsumeResetToken, MakeResetToken, PasswordReset, ResetPassword, ResetToken, ResetTokenConsumed,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for MakeResetToken {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<ResetToken, Error> {
        cx.require_recipe(Recipe::EmailPassword)?;
        let email = match self.addressee {
            Addressee::Named(Ok(email)) => Some(email),
            // Whether there is such a user is said first.
            Addressee::Named(Err(wrong)) => {
                return match cx.user_of(&self.user_id).await? {
                    Some(_) => Err(wrong.into()),
                    None => Ok(ResetToken::UnknownUser),
                };
            }
            Addressee::TheUsersOwn => {
                let Some(found) = cx.user_of(&self.user_id).await? else { return Ok(ResetToken::UnknownUser) };
                if found.group.methods.len() > 1 {
                    return Err(Error::bad("Please use CDI version >= 4.0"));
                }
                let method = found.group.method(&found.meant_id).filter(|method| method.recipe() == AuthRecipe::EmailPassword);
                match method.and_then(|method| method.login.email()) {
                    Some(email) => Some(email.to_owned()),
                    None => return Ok(ResetToken::UnknownUser),
                }
            }
        };
        let made = password_reset(&cx.random(), &cx.random());
        let lifetime = cx.tenant()?.config.password_reset_token_lifetime;
        let token = NewResetToken { hash: made.hash, email, expires_at: cx.now.saturating_add(lifetime) };
        let app = cx.at().app.clone();
        let known = match cx.db().single(async move |tx| tx.insert_reset_token(&app, &self.user_id, &token).await).await {
            // They were deleted at the same moment.
            Err(StoreError::MissingParent(_)) => false,
            known => known?,
        };
        Ok(if known { ResetToken::Ok(made.token) } else { ResetToken::UnknownUser })
    }
}

impl Cx<'_> {
    /// Takes a token and all others of its user; gives it if it was in time.
    async fn take_reset_token(&self, hash: String) -> Result<Option<Taken>, Error> {
        let app = self.at().app.clone();
        let taken = self.db().single(async move |tx| tx.take_reset_token(&app, &hash).await).await?;
        Ok(taken.filter(|taken| taken.is_in_time(self.now)))
    }
}

impl UseCase for ResetPassword {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<PasswordReset, Error> {
        let (app, hash) = (cx.at().app.clone(), hash_of(self.token.expose()));
        let sought = hash.clone();
        let expiry = cx.db().read(async move |tx| tx.reset_token_expiry(&app, &sought).await).await?;
        match expiry {
            None => return Ok(PasswordReset::InvalidToken),
            Some(expiry) if expiry < cx.now => {
                cx.take_reset_token(hash).await?;
                return Ok(PasswordReset::InvalidToken);
            }
            Some(_) => {}
        }
        let (app, now, password) = (cx.at().app.clone(), cx.now, cx.hash(self.new_password).await?);
        let taken = cx.db().tx(async move |tx| {
            let taken = tx.take_reset_token(&app, &hash).await?.filter(|taken| taken.is_in_time(now));
            if let Some(taken) = &taken {
                // Quirk: for somebody who has no password so far, nothing is changed, and the answer is the same.
                tx.keep_password(&app, &taken.user_id, &password).await?;
            }
            Ok(taken)
        });
        let taken = taken.await?;
        Ok(taken.map_or(PasswordReset::InvalidToken, |taken| PasswordReset::Ok { user_id: taken.shown_id().to_owned() }))
    }
}

impl UseCase for ConsumeResetToken {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<ResetTokenConsumed, Error> {
        let Some(taken) = cx.take_reset_token(hash_of(self.token.expose())).await? else {
            return Ok(ResetTokenConsumed::InvalidToken);
        };
        let user_id = taken.shown_id().to_owned();
        let email = match taken.email {
            Some(email) => Some(email),
            // A core before 4.0 made it, for the address of a user who had no other way to log in.
            None => {
                let (app, owner) = (cx.at().app.clone(), [taken.user_id.clone()]);
                let groups = cx.db().read(async move |tx| tx.users_by_internal_ids(&app, &owner).await).await?;
                groups.into_iter().next().and_then(|group| match group.methods.as_slice() {
                    [only] if only.recipe_user_id == taken.user_id && only.recipe() == AuthRecipe::EmailPassword => {
                        only.login.email().map(str::to_owned)
                    }
                    _ => None,
                })
            }
        };
        Ok(email.map_or(ResetTokenConsumed::InvalidToken, |email| ResetTokenConsumed::Ok { user_id, email }))
    }
}

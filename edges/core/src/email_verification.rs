//! Is an address somebody's (core-users.md 4)? Nothing here knows of users: an id is any text. Tokens are a tenant's, marks an app's.

use supertokens_domain::one_time_token::{email_verification, hash_of};
use supertokens_store::{StoreError, VerificationTokenRow};
use supertokens_wire::cdi::email_verification::{
    Address, CreateVerificationToken, EmailVerified, IsEmailVerified, RemoveVerificationTokens, Removed, Unverify,
    VerificationToken, Verified, VerifyEmail,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<CreateVerificationToken>(),
    Route::of::<VerifyEmail>(),
    Route::of::<IsEmailVerified>(),
    Route::of::<Unverify>(),
    Route::of::<RemoveVerificationTokens>(),
];

impl UseCase for CreateVerificationToken {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<VerificationToken, Error> {
        let token = email_verification(&cx.random());
        let lifetime = cx.tenant()?.config.email_verification_token_lifetime;
        let Address { user_id, email } = self.0;
        let expires_at = cx.now.saturating_add(lifetime);
        let new = VerificationTokenRow { user_id, email, token_hash: token.hash, expires_at };
        let at = cx.at().clone();
        match cx.db().single(async move |tx| tx.create_verification_token(&at.app, &at.tenant, &new).await).await {
            Ok(true) => Ok(VerificationToken::Ok(token.token)),
            Ok(false) => Ok(VerificationToken::AlreadyVerified),
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => Err(Error::no_tenant(cx.at())),
            Err(error) => Err(error.into()),
        }
    }
}

impl UseCase for VerifyEmail {
    const SCOPE: Scope = Scope::Tenant;

    /// Of two who bring the same token, or two tokens for the same address, the second finds none.
    async fn run(self, cx: &Cx<'_>) -> Result<EmailVerified, Error> {
        let (at, now, hash) = (cx.at().clone(), cx.now, hash_of(self.token.expose()));
        let consumed = cx.db().tx(async move |tx| {
            let found = tx.consume_verification_token(&at.app, &at.tenant, &hash).await?;
            let Some(token) = found.filter(|token| now <= token.expires_at) else { return Ok(None) };
            tx.verify_email(&at.app, &token.user_id, &token.email).await?;
            Ok(Some(Address { user_id: token.user_id, email: token.email }))
        });
        let consumed = cx.unless_removed(consumed.await.map_err(Error::from))?;
        Ok(consumed.map_or(EmailVerified::InvalidToken, EmailVerified::Ok))
    }
}

impl UseCase for IsEmailVerified {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Verified, Error> {
        let (app, Address { user_id, email }) = (cx.at().app.clone(), self.0);
        Ok(Verified(cx.db().read(async move |tx| tx.is_email_verified(&app, &user_id, &email).await).await?))
    }
}

impl UseCase for Unverify {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Removed, Error> {
        let (app, Address { user_id, email }) = (cx.at().app.clone(), self.0);
        cx.db().single(async move |tx| tx.unverify_email(&app, &user_id, &email).await).await?;
        Ok(Removed)
    }
}

impl UseCase for RemoveVerificationTokens {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Removed, Error> {
        let (at, Address { user_id, email }) = (cx.at().clone(), self.0);
        cx.db().single(async move |tx| tx.delete_verification_tokens(&at.app, &at.tenant, &user_id, &email).await).await?;
        Ok(Removed)
    }
}

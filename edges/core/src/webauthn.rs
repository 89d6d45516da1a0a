//! Passkeys (core-recipes-2.md 2): the options of a ceremony are made, shown and removed here. What is right about what an authenticator
//! brings is decided in `supertokens_domain::webauthn`.

use supertokens_domain::accounts::AccountInfo;
use supertokens_domain::webauthn::UserVerification;
use supertokens_domain::webauthn::options::{Options, challenge};
use supertokens_store::{OptionsRow, StoreError};
use supertokens_wire::cdi::webauthn::ceremony::{RegisterCredential, SignIn, SignUp};
use supertokens_wire::cdi::webauthn::credentials::{ChangeEmail, GetCredential, ListCredentials, RemoveCredential};
use supertokens_wire::cdi::webauthn::recovery::{ConsumeRecoveryToken, GetRecoveringUser, MakeRecoveryToken};
use supertokens_wire::cdi::webauthn::{
    GetOptions, MakeRegistrationOptions, MakeSignInOptions, OptionsFound, OptionsRemoved, RegistrationOptionsMade, RemoveOptions,
    SignInOptionsMade,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

mod ceremony;
mod credentials;
mod email;
mod recovery;
mod sign_in;
mod signatures;

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<MakeRegistrationOptions>(),
    Route::of::<MakeSignInOptions>(),
    Route::of::<GetOptions>(),
    Route::of::<RemoveOptions>(),
    Route::of::<SignUp>(),
    Route::of::<SignIn>(),
    Route::of::<RegisterCredential>(),
    Route::of::<GetCredential>(),
    Route::of::<ListCredentials>(),
    Route::of::<RemoveCredential>(),
    Route::of::<MakeRecoveryToken>(),
    Route::of::<GetRecoveringUser>(),
    Route::of::<ConsumeRecoveryToken>(),
    Route::of::<ChangeEmail>(),
];

impl UseCase for MakeRegistrationOptions {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<RegistrationOptionsMade, Error> {
        let options = match self.0.decide() {
            Ok(options) => options,
            Err(why) => return Ok(RegistrationOptionsMade::Refused(why)),
        };
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let info = AccountInfo::email(options.email.as_str());
        let row = new_row(cx, &options.of_both, Some(options.email.clone()), Some(options.algorithms.clone()));
        // Neither waits for the other.
        let (known, kept) =
            tokio::join!(cx.db().read(async move |tx| tx.users_by_info(&app, &tenant, &info).await), keep(cx, row.clone()));
        kept?;
        // The oldest; nobody compares it with who signs up.
        let user_id = known?.into_iter().next().map_or_else(|| row.id.clone(), |group| group.id);
        let OptionsRow { id, challenge, created_at, expires_at, .. } = row;
        Ok(RegistrationOptionsMade::Ok { id, challenge, options: Box::new(options), user_id, created_at, expires_at })
    }
}

impl UseCase for MakeSignInOptions {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignInOptionsMade, Error> {
        let options = match self.0.decide() {
            Ok(options) => options,
            Err(why) => return Ok(SignInOptionsMade::Refused(why)),
        };
        let row = new_row(cx, &options, None, None);
        keep(cx, row.clone()).await?;
        let OptionsRow { id, challenge, created_at, expires_at, .. } = row;
        Ok(SignInOptionsMade::Ok { id, challenge, options, created_at, expires_at })
    }
}

fn new_row(cx: &Cx<'_>, options: &Options, email: Option<String>, algorithms: Option<Vec<i64>>) -> OptionsRow {
    let Options { rp_id, rp_name, origin, timeout, user_verification, user_presence } = options.clone();
    OptionsRow {
        id: cx.uuid(),
        challenge: challenge(&cx.random()),
        email,
        rp_id,
        rp_name,
        origin,
        expires_at: cx.now.saturating_add(timeout),
        created_at: cx.now,
        user_presence,
        user_verification: user_verification.word().to_owned(),
        algorithms,
    }
}

/// Stores options.
async fn keep(cx: &Cx<'_>, row: OptionsRow) -> Result<(), Error> {
    let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
    match cx.db().tx(async move |tx| tx.insert_webauthn_options(&app, &tenant, &row).await).await {
        // The tenant was removed a moment ago.
        Err(StoreError::MissingParent(_)) => Err(Error::no_tenant(cx.at())),
        kept => Ok(kept?),
    }
}

/// Options of this tenant, whether they still hold or not.
async fn options(cx: &Cx<'_>, id: &str) -> Result<Option<OptionsRow>, Error> {
    let (app, tenant, id) = (cx.at().app.clone(), cx.at().tenant.clone(), id.to_owned());
    Ok(cx.db().read(async move |tx| tx.webauthn_options(&app, &tenant, &id).await).await?)
}

/// A word that no core writes may have asked for it.
fn verification(row: &OptionsRow) -> UserVerification {
    UserVerification::of_word(&row.user_verification).unwrap_or(UserVerification::Required)
}

impl UseCase for GetOptions {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<OptionsFound, Error> {
        let Some(row) = options(cx, &self.id).await? else { return Ok(OptionsFound::NotFound) };
        let user_verification = verification(&row);
        let OptionsRow { id, challenge, email, rp_id, rp_name, origin, expires_at, created_at, user_presence, .. } = row;
        let timeout = expires_at.saturating_sub(created_at);
        let options = Options { rp_id, rp_name, origin, timeout, user_verification, user_presence };
        Ok(OptionsFound::Ok { id, challenge, options, email, created_at, expires_at })
    }
}

impl UseCase for RemoveOptions {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<OptionsRemoved, Error> {
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let removed = cx.db().single(async move |tx| tx.delete_webauthn_options(&app, &tenant, &self.id).await);
        Ok(OptionsRemoved(removed.await?))
    }
}

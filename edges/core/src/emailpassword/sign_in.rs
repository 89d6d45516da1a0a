//! Letting in by a password, and looking somebody up (core-users.md 3.2, 3.3).

use supertokens_domain::accounts::{AccountInfo, AuthRecipe, Group};
use supertokens_domain::secret::Secret;
use supertokens_domain::tenancy::Recipe;
use supertokens_store::FoundLogin;
use supertokens_wire::cdi::emailpassword::{FoundUser, GetUser, SignIn, SignedIn};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for SignIn {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignedIn, Error> {
        cx.require_recipe(Recipe::EmailPassword)?;
        let hash = password_of(cx, &self.email).await?.and_then(|found| found.password_hash);
        // Whoever is unknown waits as long as whoever is not.
        let is_right = cx.verifies(self.password, hash.clone()).await?;
        // Hashing takes its time, and waiting for it may take seconds: a password that was replaced meanwhile, or whose user was deleted,
        // lets nobody in.
        let found = if is_right { password_of(cx, &self.email).await? } else { None };
        let found = found.filter(|now| now.password_hash.as_ref().map(Secret::expose) == hash.as_ref().map(Secret::expose));
        cx.core.tally.signed_in(AuthRecipe::EmailPassword, found.is_some());
        match found {
            Some(FoundLogin { group: user, recipe_user_id, .. }) => {
                cx.note(cx.notes_of_login("emailpassword_sign_in", &recipe_user_id, &user.id, "email", &self.email)).await;
                Ok(SignedIn::Ok { user, recipe_user_id })
            }
            None => Ok(SignedIn::WrongCredentials),
        }
    }
}

/// Who logs in with this address here, and by which hash.
async fn password_of(cx: &Cx<'_>, email: &str) -> Result<Option<FoundLogin>, Error> {
    let (app, tenant, info) = (cx.at().app.clone(), cx.at().tenant.clone(), AccountInfo::email(email));
    Ok(cx.db().read(async move |tx| tx.user_by_login(&app, &tenant, AuthRecipe::EmailPassword, &info).await).await?)
}

impl UseCase for GetUser {
    // By id anybody of the app is found, by address those of the tenant.
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<FoundUser, Error> {
        match self {
            Self::ById(id) => {
                let found = cx.login_method(&id, AuthRecipe::EmailPassword).await?;
                Ok(found.map_or(FoundUser::UnknownId, FoundUser::Ok))
            }
            Self::ByEmail(email) => {
                cx.tenant()?;
                if email.contains('\0') {
                    return Ok(FoundUser::UnknownEmail);
                }
                let (app, tenant, info) = (cx.at().app.clone(), cx.at().tenant.clone(), AccountInfo::email(email.as_str()));
                let users = cx.db().read(async move |tx| tx.users_by_info(&app, &tenant, &info).await).await?;
                let has_it = |user: &Group| {
                    let mut ours = user.methods.iter().filter(|method| method.recipe() == AuthRecipe::EmailPassword);
                    ours.any(|method| method.login.email() == Some(email.as_str()))
                };
                Ok(users.into_iter().find(has_it).map_or(FoundUser::UnknownEmail, FoundUser::Ok))
            }
        }
    }
}

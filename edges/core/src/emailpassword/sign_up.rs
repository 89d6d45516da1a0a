//! A new user with a password (core-users.md 3.1).

use std::sync::Arc;

use supertokens_domain::accounts::{AuthRecipe, Group, Login, LoginMethod};
use supertokens_domain::ids::AppId;
use supertokens_domain::secret::Secret;
use supertokens_domain::tenancy::Recipe;
use supertokens_domain::users::email::is_made_up;
use supertokens_store::{StoreError, Tx, taken_login};
use supertokens_wire::cdi::emailpassword::{SignUp, SignedUp};

use crate::activity::{Notes, may_be_for_the_log};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for SignUp {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignedUp, Error> {
        cx.require_recipe(Recipe::EmailPassword)?;
        let hash = cx.hash(self.password).await?;
        let made = cx.add_password_user(&self.email, &hash, Manner::SignUp).await?;
        if made.is_some() {
            cx.core.tally.signed_up(AuthRecipe::EmailPassword);
        }
        Ok(made.map_or(SignedUp::EmailTaken, |method| SignedUp::Ok {
            recipe_user_id: method.recipe_user_id.clone(),
            user: Group::alone(method),
        }))
    }
}

/// How a user comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Somebody signs up: that is noted, and an address that an SDK made up counts as verified.
    SignUp,
    /// Somebody's hash is imported.
    Import,
}

impl Cx<'_> {
    /// Makes a user in this tenant, unless somebody here logs in with this address and a password already.
    pub(super) async fn add_password_user(
        &self,
        email: &str,
        hash: &Secret<String>,
        manner: Manner,
    ) -> Result<Option<LoginMethod>, Error> {
        let login = Login::EmailPassword { email: email.to_owned() };
        let mut method = LoginMethod::new(self.uuid(), login, self.at().tenant.clone(), self.now);
        method.is_verified = manner == Manner::SignUp && is_made_up(email);
        let id = &method.recipe_user_id;
        let notes = (manner == Manner::SignUp).then(|| self.notes_of_login("emailpassword_sign_up", id, id, "email", email));
        let rows = Arc::new(Rows { app: self.at().app.clone(), method, hash: hash.clone(), notes });
        let write = |with_notes| {
            let inside = Arc::clone(&rows);
            async move |tx: &mut Tx<'_>| inside.write(tx, with_notes).await
        };
        let mut written = self.db().tx(write(true)).await;
        if may_be_for_the_log(&written) {
            written = self.db().tx(write(false)).await;
        }
        match written {
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => return Err(Error::no_tenant(self.at())),
            Err(error) if taken_login(&error, &rows.method.login).is_some() => return Ok(None),
            written => written?,
        }
        if let Some(notes) = &rows.notes {
            notes.are_written(self);
        }
        Ok(Some(rows.method.clone()))
    }
}

/// What is written of a new user.
struct Rows {
    app: AppId,
    method: LoginMethod,
    hash: Secret<String>,
    notes: Option<Notes>,
}

impl Rows {
    async fn write(&self, tx: &mut Tx<'_>, with_notes: bool) -> Result<(), StoreError> {
        tx.insert_user(&self.app, &self.method, Some(self.hash.expose())).await?;
        if let (true, Some(email)) = (self.method.is_verified, self.method.login.email()) {
            tx.insert_verified_email(&self.app, &self.method.recipe_user_id, email).await?;
        }
        match &self.notes {
            Some(notes) if with_notes => notes.write(tx).await,
            _ => Ok(()),
        }
    }
}

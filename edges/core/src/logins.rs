//! What all ways of logging in share: making a user, noting that somebody was here, and looking somebody up by an id.

use std::sync::Arc;

use supertokens_domain::accounts::{AuthRecipe, Group, LoginMethod};
use supertokens_domain::ids::AppId;
use supertokens_domain::secret::Secret;
use supertokens_store::{CredentialRow, FoundUser, StoreError, Tx, taken_login};

use crate::activity::{Notes, may_be_for_the_log};
use crate::cx::Cx;
use crate::error::{Error, chain};

/// What is written of a new user.
pub(crate) struct NewUser {
    pub(crate) app: AppId,
    pub(crate) method: LoginMethod,
    /// The password's hash, or whom a passkey is for.
    pub(crate) kept: Option<Secret<String>>,
    pub(crate) passkey: Option<CredentialRow>,
    pub(crate) notes: Option<Notes>,
}

impl NewUser {
    /// Writes it with the commit.
    pub(crate) async fn write(&self, tx: &mut Tx<'_>, with_notes: bool) -> Result<(), StoreError> {
        let kept = self.kept.as_ref().map(|kept| kept.expose().as_str());
        tx.insert_user(&self.app, &self.method, kept).await?;
        if let Some(passkey) = &self.passkey {
            tx.insert_credential(&self.app, &self.method.recipe_user_id, passkey).await?;
        }
        if let (true, Some(email)) = (self.method.is_verified, self.method.login.email()) {
            tx.verify_email(&self.app, &self.method.recipe_user_id, email).await?;
        }
        match &self.notes {
            Some(notes) if with_notes => notes.write(tx).await,
            _ => Ok(()),
        }
    }
}

/// Whether there is a new user.
pub(crate) enum Added {
    Yes(LoginMethod),
    /// Somebody in the tenant logs in so already.
    LoginTaken,
    /// Somebody in the app has the passkey already.
    PasskeyTaken,
}

impl Cx<'_> {
    /// Makes a user in this tenant. No, if somebody here logs in so already.
    pub(crate) async fn add_user(
        &self,
        method: LoginMethod,
        kept: Option<Secret<String>>,
        notes: Option<Notes>,
    ) -> Result<Option<LoginMethod>, Error> {
        let new = NewUser { app: self.at().app.clone(), method, kept, passkey: None, notes };
        Ok(match self.add(new).await? {
            Added::Yes(method) => Some(method),
            Added::LoginTaken | Added::PasskeyTaken => None,
        })
    }

    /// The same for somebody who brings a passkey.
    pub(crate) async fn add(&self, new: NewUser) -> Result<Added, Error> {
        let new = Arc::new(new);
        let write = |with_notes| {
            let inside = Arc::clone(&new);
            async move |tx: &mut Tx<'_>| inside.write(tx, with_notes).await
        };
        let mut written = self.db().tx(write(true)).await;
        if may_be_for_the_log(&written) {
            written = self.db().tx(write(false)).await;
        }
        match written {
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => return Err(Error::no_tenant(self.at())),
            Err(error) if taken_login(&error, &new.method.login).is_some() => return Ok(Added::LoginTaken),
            Err(StoreError::Duplicate(key)) if key.table == "webauthn_credentials" => return Ok(Added::PasskeyTaken),
            written => written?,
        }
        if let Some(notes) = &new.notes {
            notes.are_written(self);
        }
        Ok(Added::Yes(new.method.clone()))
    }

    /// Notes that somebody was here. It never changes an answer.
    pub(crate) async fn note(&self, notes: Notes) {
        if notes.is_empty() {
            return;
        }
        let notes = Arc::new(notes);
        let inside = Arc::clone(&notes);
        match self.db().tx(async move |tx| inside.write(tx).await).await {
            Ok(()) => notes.are_written(self),
            Err(error) => tracing::warn!(error = %chain(&error), "a sign-in is not in the log of activity"),
        }
    }

    /// Who is meant by an id, internal or external, of any of its login methods or its own.
    pub(crate) async fn user_of(&self, id: &str) -> Result<Option<FoundUser>, Error> {
        // No id has it, and PostgreSQL cannot be asked for it.
        if id.contains('\0') {
            return Ok(None);
        }
        let (app, id) = (self.at().app.clone(), id.to_owned());
        Ok(self.db().read(async move |tx| tx.user_by_id(&app, &id).await).await?)
    }

    /// A login method of a recipe, as a user of its own. It is the app that is asked: the app has to be there, and newer versions ask at its
    /// public tenant only.
    pub(crate) async fn login_method(&self, id: &str, recipe: AuthRecipe) -> Result<Option<Group>, Error> {
        self.config()?;
        self.require_public_tenant()?;
        let found = self.user_of(id).await?.and_then(|found| found.group.only(&found.meant_id));
        Ok(found.filter(|user| user.methods.iter().all(|method| method.recipe() == recipe)))
    }
}

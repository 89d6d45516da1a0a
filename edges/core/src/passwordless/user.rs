//! Users of this recipe: looking at one, and changing where codes are sent (core-recipes-1.md 2.8).

use std::collections::BTreeSet;
use std::sync::Arc;

use supertokens_domain::accounts::{
    AccountInfo, AuthRecipe, Group, InfoKind, Login, LoginChange, LoginMethod, change_login, gained,
};
use supertokens_domain::ids::AppId;
use supertokens_domain::passwordless::Contact;
use supertokens_store::{StoreError, Tx, taken_login};
use supertokens_wire::cdi::passwordless::{ContactUpdate, FoundUser, GetUser, PutUser, UpdatedUser, WhichUser};

use crate::accounts::{Locked, Plan, settle};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for GetUser {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<FoundUser, Error> {
        match self.0 {
            WhichUser::Id(id) => {
                let user = cx.login_method(&id, AuthRecipe::Passwordless).await?;
                Ok(user.map_or(FoundUser::UnknownId, FoundUser::Ok))
            }
            WhichUser::Contact(contact) => {
                cx.tenant()?;
                let kind = contact.kind();
                if contact.as_str().contains('\0') {
                    return Ok(FoundUser::UnknownContact(kind));
                }
                let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
                let search =
                    async move |tx: &mut Tx<'_>| tx.user_by_login(&app, &tenant, AuthRecipe::Passwordless, &contact.info()).await;
                let found = cx.db().read(search).await?;
                Ok(found.map_or(FoundUser::UnknownContact(kind), |found| FoundUser::Ok(found.group)))
            }
        }
    }
}

impl UseCase for PutUser {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<UpdatedUser, Error> {
        if self.user_id.contains('\0') {
            return Ok(UpdatedUser::UnknownId);
        }
        let change = Arc::new(Change { app: cx.at().app.clone(), put: self });
        let changing = || {
            let this = Arc::clone(&change);
            async move |tx: &mut Tx<'_>| this.run(tx).await
        };
        match settle(cx.db(), changing).await {
            Ok(Put::NothingLeft) => Err(Error::bad("You cannot clear both email and phone number of a user")),
            Ok(Put::Answer(answer)) => Ok(answer),
            // Another group has come to own one of them at the same moment.
            Err(StoreError::Duplicate(key)) if key.table == "primary_user_tenants" => {
                let has_email = matches!(change.put.email, ContactUpdate::Set(_));
                Ok(UpdatedUser::NotAllowed(if has_email { InfoKind::Email } else { InfoKind::Phone }))
            }
            Err(error) if is_taken(&error) => {
                Ok(change.taken(cx).await?.map_or(UpdatedUser::UnknownId, UpdatedUser::AlreadyExists))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Is it the key of this recipe? Which of two contacts has hurt it, not every mode says.
fn is_taken(error: &StoreError) -> bool {
    taken_login(error, &Login::Passwordless { email: None, phone: None }).is_some()
}

/// A change of contacts, to be done under locks.
struct Change {
    app: AppId,
    put: PutUser,
}

/// What came of it.
enum Put {
    Answer(UpdatedUser),
    /// Codes could be sent nowhere any more.
    NothingLeft,
}

impl Change {
    /// What a login is then.
    fn of(&self, login: &Login) -> Login {
        Login::Passwordless { email: self.put.email.apply(login.email()), phone: self.put.phone.apply(login.phone()) }
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Put, StoreError> {
        let unknown = Put::Answer(UpdatedUser::UnknownId);
        let Some(found) = tx.user_by_id(&self.app, &self.put.user_id).await? else { return Ok(unknown) };
        let id = &found.meant_id;
        let is_ours = |method: &&LoginMethod| method.recipe() == AuthRecipe::Passwordless;
        let Some(method) = found.group.method(id).filter(is_ours) else { return Ok(unknown) };
        if self.of(&method.login).infos().is_empty() {
            return Ok(Put::NothingLeft);
        }
        let gains = |groups: &[&Group]| -> BTreeSet<AccountInfo> {
            let grouped = groups.iter().filter(|group| group.is_primary).filter_map(|group| group.method(id));
            grouped.flat_map(|method| gained(&method.login, &self.of(&method.login))).collect()
        };
        let locked = Locked::around(tx, &self.app, &[&found], gains).await?;
        let Some((group, method)) = locked.of(id).and_then(|group| Some((group, group.method(id)?))) else { return Ok(unknown) };
        let login = self.of(&method.login);
        if login.infos().is_empty() {
            return Ok(Put::NothingLeft);
        }
        let after = match change_login(group, id, login, &locked.all) {
            LoginChange::Unknown => return Ok(unknown),
            LoginChange::Same => return Ok(Put::Answer(UpdatedUser::Ok)),
            LoginChange::NotAllowed(kind) => return Ok(Put::Answer(UpdatedUser::NotAllowed(kind))),
            LoginChange::Becomes(after) => after,
        };
        let Some(changed) = after.method(id) else { return Ok(unknown) };
        tx.change_login(&self.app, method, changed, &after).await?;
        for contact in contacts_between(&method.login, &changed.login) {
            for tenant in &changed.tenants {
                tx.delete_devices_of(&self.app, tenant, &contact).await?;
            }
        }
        Plan::regrouped(vec![group.clone()], vec![after]).write(tx, &self.app).await?;
        Ok(Put::Answer(UpdatedUser::Ok))
    }

    /// Which contact it is that somebody else has: the database says only that there is one. The address is asked about first.
    async fn taken(&self, cx: &Cx<'_>) -> Result<Option<InfoKind>, Error> {
        let Some(found) = cx.user_of(&self.put.user_id).await? else { return Ok(None) };
        let Some(method) = found.group.method(&found.meant_id) else { return Ok(None) };
        let email = gained(&method.login, &self.of(&method.login)).into_iter().find(|info| info.kind == InfoKind::Email);
        let Some(email) = email else { return Ok(Some(InfoKind::Phone)) };
        let (app, tenants) = (self.app.clone(), method.tenants.clone());
        let is_taken = cx.db().read(async move |tx| {
            for tenant in &tenants {
                if tx.user_by_login(&app, tenant, AuthRecipe::Passwordless, &email).await?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        Ok(Some(if is_taken.await? { InfoKind::Email } else { InfoKind::Phone }))
    }
}

/// The contacts that one of two logins has and the other has not, in one order: whoever deletes what waits for them waits for no circle.
fn contacts_between(before: &Login, after: &Login) -> Vec<Contact> {
    let infos: BTreeSet<AccountInfo> = gained(before, after).into_iter().chain(gained(after, before)).collect();
    infos
        .into_iter()
        .map(|info| if info.kind == InfoKind::Phone { Contact::Phone(info.value) } else { Contact::Email(info.value) })
        .collect()
}

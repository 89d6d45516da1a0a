//! PUT /recipe/webauthn/user/email: another address for somebody who logs in by passkeys, in all tenants that they are in
//! (core-recipes-2.md 2.4 n).

use std::collections::BTreeSet;
use std::sync::Arc;

use supertokens_domain::accounts::{AccountInfo, AuthRecipe, Group, Login, LoginChange, LoginMethod, change_login, gained};
use supertokens_domain::ids::AppId;
use supertokens_store::{StoreError, Tx, taken_login};
use supertokens_wire::cdi::webauthn::credentials::{ChangeEmail, EmailChanged};

use crate::accounts::{Locked, Plan, settle};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for ChangeEmail {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<EmailChanged, Error> {
        let login = Login::Webauthn { email: self.email.clone(), credential_ids: BTreeSet::new() };
        let change = Arc::new(Change { app: cx.at().app.clone(), asked: self });
        let changing = || {
            let this = Arc::clone(&change);
            async move |tx: &mut Tx<'_>| this.run(tx).await
        };
        match settle(cx.db(), changing).await {
            // Another group has come to own it at the same moment.
            Err(StoreError::Duplicate(key)) if key.table == "primary_user_tenants" => Ok(EmailChanged::OfAnotherUser),
            Err(error) if taken_login(&error, &login).is_some() => Ok(EmailChanged::Exists),
            changed => Ok(changed?),
        }
    }
}

/// A change of address, to be done under locks.
struct Change {
    app: AppId,
    asked: ChangeEmail,
}

impl Change {
    /// The passkeys stay.
    fn of(&self, login: &Login) -> Login {
        let credential_ids = login.credential_ids().cloned().unwrap_or_default();
        Login::Webauthn { email: self.asked.email.clone(), credential_ids }
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<EmailChanged, StoreError> {
        let unknown = EmailChanged::UnknownUser;
        let Some(found) = tx.user_by_id(&self.app, &self.asked.recipe_user_id).await? else { return Ok(unknown) };
        let id = &found.meant_id;
        let is_ours = |method: &&LoginMethod| method.recipe() == AuthRecipe::Webauthn;
        if found.group.method(id).filter(is_ours).is_none() {
            return Ok(unknown);
        }
        let gains = |groups: &[&Group]| -> BTreeSet<AccountInfo> {
            let grouped = groups.iter().filter(|group| group.is_primary).filter_map(|group| group.method(id));
            grouped.flat_map(|method| gained(&method.login, &self.of(&method.login))).collect()
        };
        let locked = Locked::around(tx, &self.app, &[&found], gains).await?;
        let Some((group, method)) = locked.of(id).and_then(|group| Some((group, group.method(id)?))) else { return Ok(unknown) };
        let after = match change_login(group, id, self.of(&method.login), &locked.all) {
            LoginChange::Unknown => return Ok(unknown),
            LoginChange::Same => return Ok(EmailChanged::Ok),
            LoginChange::NotAllowed(_) => return Ok(EmailChanged::OfAnotherUser),
            LoginChange::Becomes(after) => after,
        };
        let Some(changed) = after.method(id) else { return Ok(unknown) };
        tx.change_login(&self.app, method, changed, &after).await?;
        Plan::regrouped(vec![group.clone()], vec![after]).write(tx, &self.app).await?;
        Ok(EmailChanged::Ok)
    }
}

//! Another address or another password for a user (core-users.md 3.4, 3.5).

use std::collections::BTreeSet;

use supertokens_domain::accounts::{AccountInfo, AuthRecipe, Login, LoginChange, change_login};
use supertokens_domain::ids::AppId;
use supertokens_domain::secret::Secret;
use supertokens_store::{StoreError, Tx, taken_login};
use supertokens_wire::cdi::emailpassword::{ChangeUser, Changed};

use crate::accounts::{Locked, Plan};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for ChangeUser {
    // The app is asked for before the tenant.
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<Changed, Error> {
        cx.config()?;
        cx.require_public_tenant()?;
        let hash = match self.password {
            Some(password) => Some(cx.hash(password).await?),
            None => None,
        };
        let (app, id) = (cx.at().app.clone(), self.id);
        let Some(email) = self.email else {
            let Some(hash) = hash else { return Ok(Changed::Ok) };
            let is_there = cx.db().single(async move |tx| tx.set_password_of(&app, &id, &hash).await).await?;
            return Ok(if is_there { Changed::Ok } else { Changed::UnknownUser });
        };
        let login = Login::EmailPassword { email };
        let wanted = login.clone();
        match cx.db().tx(async move |tx| change(tx, &app, &id, &wanted, hash.as_ref()).await).await {
            // Another group has come to own it at the same moment.
            Err(StoreError::Duplicate(key)) if key.table == "primary_user_tenants" => Ok(Changed::EmailNotAllowed),
            Err(error) if taken_login(&error, &login).is_some() => Ok(Changed::EmailTaken),
            changed => Ok(changed?),
        }
    }
}

async fn change(
    tx: &mut Tx<'_>,
    app: &AppId,
    id: &str,
    login: &Login,
    hash: Option<&Secret<String>>,
) -> Result<Changed, StoreError> {
    let Some(found) = tx.user_by_id(app, id).await? else { return Ok(Changed::UnknownUser) };
    let is_ours = found.group.method(&found.meant_id).is_some_and(|method| method.recipe() == AuthRecipe::EmailPassword);
    if !is_ours {
        return Ok(Changed::UnknownUser);
    }
    let gains: BTreeSet<AccountInfo> = login.infos().into_iter().collect();
    let locked = Locked::around(tx, app, &[&found], |_| gains.clone()).await?;
    let Some(group) = locked.of(&found.meant_id) else { return Ok(Changed::UnknownUser) };
    match change_login(group, &found.meant_id, login.clone(), &locked.all) {
        LoginChange::Unknown => return Ok(Changed::UnknownUser),
        LoginChange::NotAllowed(_) => return Ok(Changed::EmailNotAllowed),
        LoginChange::Same => {}
        LoginChange::Becomes(after) => {
            if let (Some(was), Some(is)) = (group.method(&found.meant_id), after.method(&found.meant_id)) {
                tx.change_login(app, was, is, &after).await?;
            }
            Plan::regrouped(vec![group.clone()], vec![after]).write(tx, app).await?;
        }
    }
    if let Some(hash) = hash {
        tx.keep_password(app, &found.meant_id, hash).await?;
    }
    Ok(Changed::Ok)
}

//! Who is in a tenant: one login method joins it or leaves it, its group stays what it is (core-users.md 6).

use std::collections::BTreeSet;
use std::sync::Arc;

use supertokens_domain::accounts::{AccountInfo, AuthRecipe, Group, InfoKind, Join, Login, join, leave, why_not};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::Millis;
use supertokens_domain::user_id_mapping::Uses;
use supertokens_store::{StoreError, Tx, taken_login};
use supertokens_wire::cdi::tenancy::{AddUserToTenant, RemoveUserFromTenant, UserJoined, UserLeft};

use crate::accounts::{Locked, Plan, settle};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

/// Whose place in which tenant.
struct Asked {
    app: AppId,
    tenant: TenantId,
    user_id: String,
    now: Millis,
}

impl Asked {
    fn new(cx: &Cx<'_>, user_id: String) -> Arc<Self> {
        Arc::new(Self { app: cx.at().app.clone(), tenant: cx.at().tenant.clone(), user_id, now: cx.now })
    }
}

impl UseCase for AddUserToTenant {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<UserJoined, Error> {
        let asked = Asked::new(cx, self.user_id);
        let adding = || {
            let asked = Arc::clone(&asked);
            async move |tx: &mut Tx<'_>| asked.join(tx).await
        };
        match settle(cx.db(), adding).await {
            // The tenant was removed a moment ago.
            Err(StoreError::MissingParent(_)) => Err(Error::no_tenant(cx.at())),
            Err(error @ StoreError::Duplicate(_)) => {
                let wanted = cx.db().read(async move |tx| asked.what_was_wanted(tx).await).await?;
                // Nothing was written, and by now there is nobody who could come.
                let Some((login, email_is_taken)) = wanted else { return Ok(UserJoined::UnknownUser) };
                match what_is_taken(&error, &login, email_is_taken) {
                    Some(taken) => Ok(UserJoined::Taken(taken)),
                    None => Err(error.into()),
                }
            }
            joined => Ok(joined?),
        }
    }
}

/// What the group owns wherever one of its members is.
fn owned(groups: &[&Group]) -> BTreeSet<AccountInfo> {
    groups.iter().filter(|group| group.is_primary).flat_map(|group| group.infos()).collect()
}

impl Asked {
    async fn join(&self, tx: &mut Tx<'_>) -> Result<UserJoined, StoreError> {
        let Some(found) = tx.user_by_id(&self.app, &self.user_id).await? else { return Ok(UserJoined::UnknownUser) };
        if found.group.method(&found.meant_id).is_none() {
            return Ok(UserJoined::UnknownUser);
        }
        let locked = Locked::around(tx, &self.app, &[&found], owned).await?;
        let group = locked.of(&found.meant_id).ok_or(StoreError::Busy)?;
        let after = match join(group, &found.meant_id, &self.tenant, &locked.all) {
            Join::Unknown => return Ok(UserJoined::UnknownUser),
            Join::Conflict(conflict) => return Ok(UserJoined::NotAllowed { reason: why_not(&conflict) }),
            Join::Already => return Ok(UserJoined::Ok { already: true }),
            Join::Becomes(after) => after,
        };
        let joins = after.method(&found.meant_id).map(|method| (method.clone(), self.tenant.clone()));
        let plan = Plan { joins, ..Plan::regrouped(vec![group.clone()], vec![after]) };
        plan.write(tx, &self.app).await?;
        Ok(UserJoined::Ok { already: false })
    }

    /// By what the login method logs in, and whether somebody in this tenant has its address, where it has a number, too.
    async fn what_was_wanted(&self, tx: &mut Tx<'_>) -> Result<Option<(Login, bool)>, StoreError> {
        let Some(found) = tx.user_by_id(&self.app, &self.user_id).await? else { return Ok(None) };
        let Some(method) = found.group.method(&found.meant_id) else { return Ok(None) };
        let holder = match &method.login {
            Login::Passwordless { email: Some(email), phone: Some(_) } => {
                let email = AccountInfo::email(email);
                tx.user_by_login(&self.app, &self.tenant, AuthRecipe::Passwordless, &email).await?
            }
            _ => None,
        };
        Ok(Some((method.login.clone(), holder.is_some())))
    }
}

/// Which of what a login method has is somebody else's, when a key has said that something is. The newer tables have one key for
/// addresses and numbers.
fn what_is_taken(error: &StoreError, login: &Login, email_is_taken: bool) -> Option<InfoKind> {
    taken_login(error, login).map(|kind| match login {
        Login::Passwordless { email: Some(_), phone: Some(_) } if !email_is_taken => InfoKind::Phone,
        Login::Passwordless { email: Some(_), phone: Some(_) } => InfoKind::Email,
        _ => kind,
    })
}

impl UseCase for RemoveUserFromTenant {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<UserLeft, Error> {
        let asked = Asked::new(cx, self.user_id);
        Ok(cx.db().tx(async move |tx| asked.leave(tx).await).await?)
    }
}

impl Asked {
    async fn leave(&self, tx: &mut Tx<'_>) -> Result<UserLeft, StoreError> {
        let Some(found) = tx.user_by_id(&self.app, &self.user_id).await? else { return self.leave_unknown(tx).await };
        let locked = Locked::around(tx, &self.app, &[&found], |_| BTreeSet::new()).await?;
        let group = locked.of(&found.meant_id).ok_or(StoreError::Busy)?;
        // A login method that has gone is in no tenant, but its id may still be the group's, and what is kept under it.
        let external_id = group.method(&found.meant_id).map_or(&group.external_id, |method| &method.external_id).clone();
        let mut ids: Vec<String> = std::iter::once(found.meant_id.clone()).chain(external_id).collect();
        let others = tx.ids_of_others(&self.app, &ids, std::slice::from_ref(&found.meant_id)).await?;
        ids.retain(|id| !others.contains(id));
        let after = leave(group, &found.meant_id, &self.tenant);
        let was_associated = after.is_some() || tx.users_have_something_in(&self.app, &self.tenant, &ids).await?;
        if let Some(after) = after {
            let leaves = Some((found.meant_id, self.tenant.clone()));
            let plan = Plan { leaves, ..Plan::regrouped(vec![group.clone()], vec![after]) };
            plan.write(tx, &self.app).await?;
        }
        if was_associated {
            tx.delete_what_users_have_in(&self.app, &self.tenant, &ids).await?;
        }
        Ok(UserLeft::Ok { was_associated })
    }

    /// Recipes keep something about ids that nobody logs in with, too.
    async fn leave_unknown(&self, tx: &mut Tx<'_>) -> Result<UserLeft, StoreError> {
        if tx.uses_of_id(&self.app, &self.user_id, self.now).await? == Uses::default() {
            return Ok(UserLeft::UnknownUser);
        }
        let ids = [self.user_id.clone()];
        let was_associated = tx.users_have_something_in(&self.app, &self.tenant, &ids).await?;
        if was_associated {
            tx.delete_what_users_have_in(&self.app, &self.tenant, &ids).await?;
        }
        Ok(UserLeft::Ok { was_associated })
    }
}

//! How accounts are changed, whatever the change: looked at, locked, looked at again, decided, written (core-linking.md 2.8). What a
//! change means is decided in the domain.

use std::collections::BTreeSet;

use supertokens_domain::accounts::{AccountInfo, Changes, DeletedUser, Group, LoginMethod, ids_of};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_store::{Db, FoundUser, StoreError, Tx};

/// Makes a change, and makes it anew where another group has come to own one of the infos at the same moment, by a core that takes no
/// locks on them: now that owner can be seen.
pub(crate) async fn settle<T, F>(db: &Db, change: impl Fn() -> F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: AsyncFn(&mut Tx<'_>) -> Result<T, StoreError> + Send + Sync + 'static,
{
    match db.tx(change()).await {
        Err(StoreError::Duplicate(key)) if key.table == "primary_user_tenants" => db.tx(change()).await,
        outcome => outcome,
    }
}

/// What must be written for users to be as they were decided to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Those that take part, as they are.
    pub(crate) before: Vec<Group>,
    /// What they are then.
    pub(crate) after: Vec<Group>,
    /// The login methods that go.
    pub(crate) deleted: Vec<LoginMethod>,
    /// The users whose own rows go, by internal id.
    pub(crate) deleted_users: Vec<String>,
    /// A login method that comes into a tenant.
    pub(crate) joins: Option<(LoginMethod, TenantId)>,
    /// A login method, by internal id, that leaves a tenant.
    pub(crate) leaves: Option<(String, TenantId)>,
}

impl Plan {
    /// Users that stay, and belong together differently.
    pub(crate) fn regrouped(before: Vec<Group>, after: Vec<Group>) -> Self {
        Self { before, after, ..Self::default() }
    }

    /// Writes it with the commit.
    pub(crate) async fn write(&self, tx: &mut Tx<'_>, app: &AppId) -> Result<(), StoreError> {
        if let Some((method, tenant)) = &self.joins {
            for group in self.after.iter().filter(|group| group.method(&method.recipe_user_id).is_some()) {
                tx.insert_in_tenant(app, method, tenant, group).await?;
            }
        }
        if let Some((recipe_user_id, tenant)) = &self.leaves {
            tx.delete_from_tenant(app, recipe_user_id, tenant).await?;
        }
        if !self.deleted.is_empty() {
            tx.delete_logins(app, &self.deleted).await?;
        }
        tx.change_groups(app, &Changes::between(&self.before, &self.after), &self.after).await?;
        tx.delete_users(app, &self.deleted_users).await
    }
}

/// Deletes what is kept about users whose own rows go, under either of their ids, but for an id that is also that of somebody who stays.
pub(crate) async fn delete_what_they_had(tx: &mut Tx<'_>, app: &AppId, users: &[DeletedUser]) -> Result<(), StoreError> {
    let owned = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<String>>();
    let ids = owned(ids_of(users, |_| false));
    if ids.is_empty() {
        return Ok(());
    }
    let going: Vec<String> = users.iter().map(|user| user.id.clone()).collect();
    let others = tx.ids_of_others(app, &ids, &going).await?;
    tx.delete_what_users_have(app, &owned(ids_of(users, |id| others.iter().any(|other| other == id)))).await?;
    tx.delete_last_active(app, &going).await
}

/// Users under their locks, and all who own what one of them may gain.
pub(crate) struct Locked {
    /// Oldest first.
    pub(crate) all: Vec<Group>,
}

impl Locked {
    /// Locks what was looked at. `gains` says what a group may gain; it is asked again behind the locks, and if that is more than was
    /// locked, or somebody belongs to another group by now, the database is told to begin anew.
    pub(crate) async fn around(
        tx: &mut Tx<'_>,
        app: &AppId,
        looked_at: &[&FoundUser],
        gains: impl Fn(&[&Group]) -> BTreeSet<AccountInfo>,
    ) -> Result<Self, StoreError> {
        let groups: Vec<&Group> = looked_at.iter().map(|found| &found.group).collect();
        let locked = gains(&groups);
        let mut ids: Vec<String> = looked_at.iter().flat_map(|found| [found.meant_id.clone(), found.group.id.clone()]).collect();
        ids.sort_unstable();
        ids.dedup();
        let infos: Vec<AccountInfo> = locked.iter().cloned().collect();
        let all = tx.users_locked(app, &ids, &infos).await?;
        let now = Self { all };
        let mut groups = Vec::with_capacity(looked_at.len());
        for found in looked_at {
            match now.of(&found.meant_id) {
                Some(group) if ids.contains(&group.id) => groups.push(group),
                _ => return Err(StoreError::Busy),
            }
        }
        if gains(&groups).is_subset(&locked) { Ok(now) } else { Err(StoreError::Busy) }
    }

    /// The user of a login method, or of the id that one lent it.
    pub(crate) fn of(&self, id: &str) -> Option<&Group> {
        let by_method = self.all.iter().find(|group| group.method(id).is_some());
        by_method.or_else(|| self.all.iter().find(|group| group.id == id))
    }
}

//! Users of the older tables are written into the newer ones, batch by batch (core-users.md 2.5).
//!
//! Who is not done has no join time in `app_id_to_user_id`; that is written last, so whatever stopped half way is done again. A batch holds
//! the locks that a change of these users takes. What is out of date in the newer tables is found by `compare.rs`.

use std::collections::BTreeSet;

use supertokens_domain::ids::AppId;

use super::Mode;
use super::compare::{infos, infos_of, owned};
use crate::machinery::{Db, Dialect, Result, StoreError, Tx, args, statements};

/// When a recipe's user `m` joined; none if it is of another recipe, or a login method that has gone.
macro_rules! joined {
    ($user:literal) => {
        concat!(
            "COALESCE((SELECT u.time_joined FROM {emailpassword_users} u WHERE u.app_id = ",
            $user,
            ".app_id AND u.user_id = ",
            $user,
            ".user_id), (SELECT u.time_joined FROM {thirdparty_users} u WHERE u.app_id = ",
            $user,
            ".app_id AND u.user_id = ",
            $user,
            ".user_id), (SELECT u.time_joined FROM {passwordless_users} u WHERE u.app_id = ",
            $user,
            ".app_id AND u.user_id = ",
            $user,
            ".user_id), (SELECT u.time_joined FROM {webauthn_users} u WHERE u.app_id = ",
            $user,
            ".app_id AND u.user_id = ",
            $user,
            ".user_id))"
        )
    };
}

/// When the oldest login method of the group of `a` joined.
macro_rules! group_joined {
    () => {
        concat!(
            "(SELECT MIN(",
            joined!("m"),
            ") FROM {app_id_to_user_id} m WHERE m.app_id = a.app_id AND m.primary_or_recipe_user_id = a.primary_or_recipe_user_id)"
        )
    };
}

statements! { "app_id_to_user_id", S {
    Turn = "SELECT {try_lock $1}",
    Apps = "SELECT app_id, COUNT(*) FROM {app_id_to_user_id} WHERE time_joined = 0 GROUP BY app_id ORDER BY app_id",
    Pending = "SELECT CAST(user_id AS TEXT), CAST(primary_or_recipe_user_id AS TEXT) FROM {app_id_to_user_id}
             WHERE app_id = $1 AND time_joined = 0 AND user_id > CAST(CAST($2 AS TEXT) AS BPCHAR) ORDER BY user_id LIMIT $3",
    Lock = "SELECT CAST(user_id AS TEXT), CAST(primary_or_recipe_user_id AS TEXT), time_joined FROM {app_id_to_user_id}
             WHERE app_id = $1 AND user_id {ids $2} ORDER BY user_id {lock}",
    // Written anew, whatever was there: an older core may have changed these users since. (core-users.md 2.1: no key deletes for us.)
    ClearInfos = "DELETE FROM {recipe_user_account_infos} WHERE app_id = $1 AND recipe_user_id {ids $2}",
    ClearPlaces = "DELETE FROM {recipe_user_tenants} WHERE app_id = $1 AND recipe_user_id {ids $2}",
    ClearOwned = "DELETE FROM {primary_user_tenants} WHERE app_id = $1 AND primary_user_id {ids $2}",
    Infos = concat!(
        "INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value,
             third_party_id, third_party_user_id, primary_user_id) ",
        infos!(" WHERE a.app_id = $1 AND a.user_id {ids $2}"),
        " ON CONFLICT DO NOTHING"
    ),
    // From the recipes' tables, as those of infos are being filled.
    Places = concat!(
        "INSERT INTO {recipe_user_tenants} (app_id, tenant_id, recipe_user_id, recipe_id, account_info_type,
                 account_info_value, third_party_id, third_party_user_id)
             SELECT o.app_id, o.tenant_id, e.user_id, e.recipe_id, e.kind, e.value, e.provider, e.account FROM (",
        infos!(" WHERE a.app_id = $1 AND a.user_id {ids $2}"),
        ") e JOIN {all_auth_recipe_users} o ON o.app_id = e.app_id AND o.user_id = e.user_id
             WHERE o.app_id = $1 AND o.user_id {ids $2} ON CONFLICT DO NOTHING"
    ),
    // Whose place somebody else has.
    Unplaced = concat!(
        "SELECT DISTINCT CAST(o.user_id AS TEXT) FROM (",
        infos!(" WHERE a.app_id = $1 AND a.user_id {ids $2}"),
        ") e JOIN {all_auth_recipe_users} o ON o.app_id = e.app_id AND o.user_id = e.user_id
             WHERE o.app_id = $1 AND o.user_id {ids $2} AND NOT EXISTS (SELECT 1 FROM {recipe_user_tenants} n
                 WHERE n.app_id = o.app_id AND n.recipe_user_id = o.user_id AND n.tenant_id = o.tenant_id
                     AND n.account_info_type = e.kind AND n.account_info_value = e.value AND n.third_party_id = e.provider
                     AND n.third_party_user_id = e.account)"
    ),
    // Whatever one member has, in every tenant where some member is; of those who are done already.
    Owned = concat!(
        "INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type, account_info_value, primary_user_id)
             SELECT DISTINCT w.app_id, w.tenant_id, w.kind, w.value, w.group_id FROM (",
        owned!(" WHERE a.app_id = $1 AND a.primary_or_recipe_user_id {ids $2} AND a.is_linked_or_is_a_primary_user"),
        ") w ORDER BY w.tenant_id, w.kind, w.value ON CONFLICT DO NOTHING"
    ),
    // Of what another primary user has in the same tenant.
    Unowned = concat!(
        "SELECT DISTINCT CAST(w.group_id AS TEXT) FROM (",
        owned!(" WHERE a.app_id = $1 AND a.primary_or_recipe_user_id {ids $2} AND a.is_linked_or_is_a_primary_user"),
        ") w JOIN {primary_user_tenants} p ON p.app_id = w.app_id AND p.tenant_id = w.tenant_id AND p.account_info_type = w.kind
                 AND p.account_info_value = w.value AND p.primary_user_id <> w.group_id"
    ),
    // No time is 0, which would mean that there is none.
    Times = concat!(
        "UPDATE {app_id_to_user_id} AS a SET time_joined = COALESCE(NULLIF(COALESCE(",
        joined!("a"),
        ", (SELECT MIN(t.time_joined) FROM {all_auth_recipe_users} t WHERE t.app_id = a.app_id AND t.user_id = a.user_id), ",
        group_joined!(),
        "), 0), 1), primary_or_recipe_user_time_joined = COALESCE(NULLIF(",
        group_joined!(),
        ", 0), 1) WHERE a.app_id = $1 AND a.user_id {ids $2}"
    ),
} }

/// What a batch came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backfilled {
    /// So many users were written.
    pub users: u64,
    /// Behind this user the next batch begins; none if there is none.
    pub last: Option<String>,
    /// Another core is writing a batch at this moment, and nothing was done.
    pub busy: bool,
    /// Who was not written, by internal id: somebody else has their place in a tenant.
    pub unplaced: Vec<String>,
    /// Primary users, by internal id, of which something belongs to another primary user in the same tenant.
    pub unowned: Vec<String>,
}

impl Db {
    /// Do the older tables say who is in which tenant?
    pub fn reads_older_tables(&self) -> bool {
        Mode::of(self.migration_mode()).reads_old()
    }

    /// May there be users that only the older tables have, and are the newer ones written?
    pub fn backfills(&self) -> bool {
        self.dialect() == Dialect::Postgres && Mode::of(self.migration_mode()).writes_new()
    }
}

impl Tx<'_> {
    /// The apps with users that the newer tables do not have yet. Reads the whole table of users.
    pub async fn apps_to_backfill(&mut self) -> Result<Vec<AppId>> {
        self.all(S::Apps, &args![], |row| Ok(AppId::normalise(&row.text(0)?))).await
    }

    /// Writes up to `limit` users of an app into the newer tables, of those behind `after`. One core at a time does.
    pub async fn backfill(&mut self, app: &AppId, after: &str, limit: i64) -> Result<Backfilled> {
        if self.sql().dialect() == Dialect::Postgres {
            // A plan that is kept was made when the newer tables were empty, and would read them whole as they fill.
            self.ddl("SET LOCAL plan_cache_mode = force_custom_plan").await?;
        }
        if !self.opt(S::Turn, &args!["st_rs_backfill"], |row| row.flag(0)).await?.unwrap_or_default() {
            return Ok(Backfilled { busy: true, last: Some(after.to_owned()), ..Backfilled::default() });
        }
        self.size_up().await?;
        let pair = |row: &crate::machinery::Row<'_>| Ok((row.text(0)?, row.text(1)?));
        let pending = self.all(S::Pending, &args![app, after, limit], pair).await?;
        let Some((last, _)) = pending.last() else { return Ok(Backfilled::default()) };
        let last = Some(last.clone());
        let wanted: BTreeSet<&String> = pending.iter().map(|(id, _)| id).collect();
        let to_lock: Vec<String> =
            pending.iter().flat_map(|(id, group)| [id, group]).collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let locked =
            self.all(S::Lock, &args![app, to_lock.as_slice()], |row| Ok((row.text(0)?, row.text(1)?, row.int(2)?))).await?;
        let due: Vec<(String, String)> = locked
            .into_iter()
            .filter(|(id, _, time)| *time == 0 && wanted.contains(id))
            .map(|(id, group, _)| (id, group))
            .collect();
        // Somebody has been linked to a user that is not locked.
        if due.iter().any(|(_, group)| !to_lock.contains(group)) {
            return Err(StoreError::Busy);
        }
        let (ids, groups): (Vec<String>, Vec<String>) = due.into_iter().unzip();
        if ids.is_empty() {
            return Ok(Backfilled { last, ..Backfilled::default() });
        }
        self.write_anew(app, &ids, &groups).await?;
        let unplaced = self.all(S::Unplaced, &args![app, ids.as_slice()], |row| row.text(0)).await?;
        let unowned = self.all(S::Unowned, &args![app, groups.as_slice()], |row| row.text(0)).await?;
        let done: Vec<String> = ids.into_iter().filter(|id| !unplaced.contains(id)).collect();
        self.with_commit(S::Times, args![app, done.as_slice()].into()).await?;
        Ok(Backfilled { users: u64::try_from(done.len()).unwrap_or(u64::MAX), last, busy: false, unplaced, unowned })
    }

    /// Lets PostgreSQL see how large the newer tables have become, whenever that has doubled: it looks by itself once a minute, and until then
    /// takes whatever an app has there for a single row. Where the tables are somebody else's, it warns and goes on.
    async fn size_up(&mut self) -> Result<()> {
        if self.sql().dialect() != Dialect::Postgres {
            return Ok(());
        }
        let text = self.sql().render(
            "DO $$ BEGIN
                 IF (SELECT BOOL_OR(pg_relation_size(c.oid) > 2 * CAST(current_setting('block_size') AS BIGINT) * c.relpages)
                     FROM pg_catalog.pg_class c WHERE c.oid IN (CAST('{recipe_user_account_infos}' AS REGCLASS),
                         CAST('{recipe_user_tenants}' AS REGCLASS), CAST('{primary_user_tenants}' AS REGCLASS)))
                 THEN ANALYZE {recipe_user_account_infos}, {recipe_user_tenants}, {primary_user_tenants}; END IF;
             END $$",
        );
        self.ddl(&text).await
    }

    /// What the newer tables have of these login methods, and of these groups.
    async fn write_anew(&mut self, app: &AppId, ids: &[String], groups: &[String]) -> Result<()> {
        self.with_commit(S::ClearInfos, args![app, ids].into()).await?;
        // Where the older tables are not written, they do not know the tenants that somebody has joined since.
        if self.mode().writes_old() {
            self.with_commit(S::ClearPlaces, args![app, ids].into()).await?;
        }
        self.with_commit(S::ClearOwned, args![app, groups].into()).await?;
        for (statement, of) in [(S::Infos, ids), (S::Places, ids), (S::Owned, groups)] {
            self.with_commit(statement, args![app, of].into()).await?;
        }
        Ok(())
    }
}

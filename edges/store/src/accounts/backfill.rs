//! Users of the older tables are written into the newer ones, batch by batch (core-users.md 2.5).
//!
//! Who is not done has no join time in `app_id_to_user_id`; that is written last, so whatever stopped half way is done again. A batch holds
//! the locks that a change of these users takes. What is out of date in the newer tables is found by `compare.rs`.

use std::collections::BTreeSet;

use supertokens_domain::ids::AppId;

use super::Mode;
use super::compare::{infos, infos_of, owned};
use crate::machinery::{Db, Dialect, Result, StoreError, Tx, args, pair, statements};

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

/// What statements of this file and of `compare.rs` read.
const TABLES: [&str; 9] = [
    "app_id_to_user_id",
    "all_auth_recipe_users",
    "emailpassword_users",
    "thirdparty_users",
    "passwordless_users",
    "webauthn_users",
    "recipe_user_account_infos",
    "recipe_user_tenants",
    "primary_user_tenants",
];

/// What a user logs in by, `e`, is not that user's in a tenant.
macro_rules! no_place {
    ($tenant:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM {recipe_user_tenants} n WHERE n.app_id = e.app_id AND n.recipe_user_id = e.user_id
                 AND n.tenant_id = ",
            $tenant,
            " AND n.account_info_type = e.kind AND n.account_info_value = e.value AND n.third_party_id = e.provider
                 AND n.third_party_user_id = e.account)"
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
    // Where they are by the newer tables.
    Kept = "SELECT DISTINCT CAST(recipe_user_id AS TEXT), tenant_id FROM {recipe_user_tenants}
             WHERE app_id = $1 AND recipe_user_id {ids $2}",
    PlacesKept = concat!(
        "INSERT INTO {recipe_user_tenants} (app_id, tenant_id, recipe_user_id, recipe_id, account_info_type,
                 account_info_value, third_party_id, third_party_user_id)
             SELECT t.app_id, t.tenant_id, e.user_id, e.recipe_id, e.kind, e.value, e.provider, e.account FROM (",
        infos!(" WHERE a.app_id = $1 AND a.user_id {ids $2}"),
        ") e JOIN {tenants} t ON t.app_id = e.app_id
             WHERE t.app_id = $1 AND (CAST(e.user_id AS TEXT), t.tenant_id) IN {pairs $3} ON CONFLICT DO NOTHING"
    ),
    // Whose place somebody else has: by the older tables, and of those that were kept.
    Unplaced = concat!(
        "SELECT DISTINCT CAST(o.user_id AS TEXT) FROM (",
        infos!(" WHERE a.app_id = $1 AND a.user_id {ids $2}"),
        ") e JOIN {all_auth_recipe_users} o ON o.app_id = e.app_id AND o.user_id = e.user_id
             WHERE o.app_id = $1 AND o.user_id {ids $2} AND ",
        no_place!("o.tenant_id")
    ),
    UnplacedKept = concat!(
        "SELECT DISTINCT CAST(e.user_id AS TEXT) FROM (",
        infos!(" WHERE a.app_id = $1 AND a.user_id {ids $2}"),
        ") e JOIN {tenants} t ON t.app_id = e.app_id
             WHERE t.app_id = $1 AND (CAST(e.user_id AS TEXT), t.tenant_id) IN {pairs $3} AND ",
        no_place!("t.tenant_id")
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
    // All of a group have one, whoever of them was written when.
    GroupTimes = concat!(
        "UPDATE {app_id_to_user_id} AS a SET primary_or_recipe_user_time_joined = COALESCE(NULLIF(",
        group_joined!(),
        ", 0), 1) WHERE a.app_id = $1 AND a.primary_or_recipe_user_id {ids $2} AND a.time_joined <> 0
             AND a.primary_or_recipe_user_time_joined <> COALESCE(NULLIF(",
        group_joined!(),
        ", 0), 1)"
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

    /// Lets PostgreSQL see how large the tables of users have become, whenever that has doubled: it looks by itself once a minute, and until
    /// then takes whatever an app has there for a single row. Tables that are somebody else's, or that others hold, are left out.
    pub async fn size_up_tables_of_users(&self) -> Result<()> {
        if self.dialect() != Dialect::Postgres {
            return Ok(());
        }
        let one = |table: &&str| {
            format!(
                "IF (SELECT pg_relation_size(c.oid) > 2 * CAST(current_setting('block_size') AS BIGINT) * c.relpages
                     FROM pg_catalog.pg_class c WHERE c.oid = CAST('{{{table}}}' AS REGCLASS))
                 THEN ANALYZE (SKIP_LOCKED) {{{table}}}; END IF; "
            )
        };
        let all: String = TABLES.iter().map(one).collect();
        let text = self.sql().render(&format!("DO $$ BEGIN {all} END $$"));
        self.tx(async move |tx| tx.ddl(&text).await).await
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
        // One turn for each set of tables in a database.
        let turn = format!("st_rs_backfill of {}", self.sql().render("{app_id_to_user_id}"));
        if !self.opt(S::Turn, &args![&turn], |row| row.flag(0)).await?.unwrap_or_default() {
            return Ok(Backfilled { busy: true, last: Some(after.to_owned()), ..Backfilled::default() });
        }
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
        let unplaced = self.write_anew(app, &ids, &groups).await?;
        let unowned = self.all(S::Unowned, &args![app, groups.as_slice()], |row| row.text(0)).await?;
        let done: Vec<String> = ids.into_iter().filter(|id| !unplaced.contains(id)).collect();
        self.exec(S::Times, &args![app, done.as_slice()]).await?;
        self.exec(S::GroupTimes, &args![app, groups.as_slice()]).await?;
        Ok(Backfilled { users: u64::try_from(done.len()).unwrap_or(u64::MAX), last, busy: false, unplaced, unowned })
    }

    /// What the newer tables have of these login methods, and of these groups. Says who is not placed, as somebody else is there. One
    /// statement after the other: long lists that wait for a slow statement would be taken for a connection that is dead.
    async fn write_anew(&mut self, app: &AppId, ids: &[String], groups: &[String]) -> Result<Vec<String>> {
        // Where the newer tables say in which tenants somebody is, nothing takes that away, nor adds to it what the older ones say.
        let kept: Vec<(String, String)> = match self.mode().reads_old() {
            true => Vec::new(),
            false => self.all(S::Kept, &args![app, ids], |row| Ok((row.text(0)?, row.text(1)?))).await?,
        };
        let placed: BTreeSet<&String> = kept.iter().map(|(id, _)| id).collect();
        let by_older: Vec<String> = ids.iter().filter(|id| !placed.contains(id)).cloned().collect();
        let kept: Vec<String> = kept.iter().map(|(id, tenant)| pair(id, tenant)).collect();
        let (by_older, kept) = (by_older.as_slice(), kept.as_slice());
        for (clear, of) in [(S::ClearInfos, ids), (S::ClearPlaces, ids), (S::ClearOwned, groups)] {
            self.exec(clear, &args![app, of]).await?;
        }
        self.exec(S::Infos, &args![app, ids]).await?;
        self.exec(S::Places, &args![app, by_older]).await?;
        let mut unplaced = self.all(S::Unplaced, &args![app, by_older], |row| row.text(0)).await?;
        if !kept.is_empty() {
            self.exec(S::PlacesKept, &args![app, ids, kept]).await?;
            unplaced.extend(self.all(S::UnplacedKept, &args![app, ids, kept], |row| row.text(0)).await?);
        }
        self.exec(S::Owned, &args![app, groups]).await?;
        Ok(unplaced)
    }
}

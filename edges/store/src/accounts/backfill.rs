//! Users of the older tables are written into the newer ones, batch by batch (core-users.md 2.5).
//!
//! Who is not done has no join time in `app_id_to_user_id`; that is written last, so whatever stopped half way is done again. A batch holds
//! the locks that a change of these users takes.

use std::collections::BTreeSet;

use supertokens_domain::ids::AppId;

use super::Mode;
use crate::machinery::{Db, Dialect, Result, StoreError, Tx, args, statements};

/// The e-mail addresses, numbers and accounts of one recipe's users `u`: kind, value, and both halves of an account where they count.
macro_rules! infos_of {
    ($table:literal, $columns:literal) => {
        concat!(
            "SELECT a.app_id, a.user_id, a.recipe_id, ",
            $columns,
            ", CASE WHEN a.is_linked_or_is_a_primary_user THEN a.primary_or_recipe_user_id END
             FROM {app_id_to_user_id} a JOIN {",
            $table,
            "} u ON u.app_id = a.app_id AND u.user_id = a.user_id WHERE a.app_id = $1 AND a.user_id {ids $2}"
        )
    };
}

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
    Apps = "SELECT app_id, COUNT(*) FROM {app_id_to_user_id} WHERE time_joined = 0 GROUP BY app_id ORDER BY app_id",
    Pending = "SELECT CAST(user_id AS TEXT), CAST(primary_or_recipe_user_id AS TEXT) FROM {app_id_to_user_id}
             WHERE app_id = $1 AND time_joined = 0 AND user_id > CAST(CAST($2 AS TEXT) AS BPCHAR) ORDER BY user_id LIMIT $3",
    Lock = "SELECT CAST(user_id AS TEXT), CAST(primary_or_recipe_user_id AS TEXT), time_joined FROM {app_id_to_user_id}
             WHERE app_id = $1 AND user_id {ids $2} ORDER BY user_id {lock}",
    Infos = concat!(
        "INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value,
             third_party_id, third_party_user_id, primary_user_id) ",
        infos_of!("emailpassword_users", "'email', u.email, '', ''"),
        " UNION ALL ",
        infos_of!("webauthn_users", "'email', u.email, '', ''"),
        " UNION ALL ",
        infos_of!("passwordless_users", "'email', u.email, '', ''"),
        " AND u.email IS NOT NULL UNION ALL ",
        infos_of!("passwordless_users", "'phone', u.phone_number, '', ''"),
        " AND u.phone_number IS NOT NULL UNION ALL ",
        infos_of!("thirdparty_users", "'email', u.email, u.third_party_id, u.third_party_user_id"),
        " UNION ALL ",
        infos_of!("thirdparty_users", "'tparty', u.third_party_id || '::' || u.third_party_user_id, '', ''"),
        " ON CONFLICT DO NOTHING"
    ),
    TenantInfos = "INSERT INTO {recipe_user_tenants} (app_id, tenant_id, recipe_user_id, recipe_id, account_info_type,
                 account_info_value, third_party_id, third_party_user_id)
             SELECT t.app_id, t.tenant_id, i.recipe_user_id, i.recipe_id, i.account_info_type, i.account_info_value, i.third_party_id,
                 i.third_party_user_id
             FROM {recipe_user_account_infos} i
             JOIN {all_auth_recipe_users} t ON t.app_id = i.app_id AND t.user_id = i.recipe_user_id
             WHERE i.app_id = $1 AND i.recipe_user_id {ids $2} ON CONFLICT DO NOTHING",
    // Whatever one member has, in every tenant where some member is; of those who are done already.
    Owned = "INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type, account_info_value, primary_user_id)
             SELECT DISTINCT a.app_id, t.tenant_id, i.account_info_type, i.account_info_value, a.primary_or_recipe_user_id
             FROM {app_id_to_user_id} a
             JOIN {recipe_user_tenants} t ON t.app_id = a.app_id AND t.recipe_user_id = a.user_id
             JOIN {app_id_to_user_id} b ON b.app_id = a.app_id AND b.primary_or_recipe_user_id = a.primary_or_recipe_user_id
             JOIN {recipe_user_account_infos} i ON i.app_id = b.app_id AND i.recipe_user_id = b.user_id
             WHERE a.app_id = $1 AND a.primary_or_recipe_user_id {ids $2} AND a.is_linked_or_is_a_primary_user
             ORDER BY t.tenant_id, i.account_info_type, i.account_info_value ON CONFLICT DO NOTHING",
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
    // Who is in some tenant by the newer tables, and by the older ones in none.
    OnlyNew = "SELECT COUNT(*) FROM {app_id_to_user_id} a
             WHERE EXISTS (SELECT 1 FROM {recipe_user_tenants} t WHERE t.app_id = a.app_id AND t.recipe_user_id = a.user_id)
             AND NOT EXISTS (SELECT 1 FROM {all_auth_recipe_users} t WHERE t.app_id = a.app_id AND t.user_id = a.user_id)",
    Inconsistent = "SELECT COUNT(*) FROM {app_id_to_user_id} a WHERE (CAST($1 AS TEXT) IS NULL OR a.app_id = CAST($1 AS TEXT))
             AND NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} i WHERE i.app_id = a.app_id AND i.recipe_user_id = a.user_id)
             AND (EXISTS (SELECT 1 FROM {emailpassword_users} u WHERE u.app_id = a.app_id AND u.user_id = a.user_id)
                 OR EXISTS (SELECT 1 FROM {thirdparty_users} u WHERE u.app_id = a.app_id AND u.user_id = a.user_id)
                 OR EXISTS (SELECT 1 FROM {passwordless_users} u WHERE u.app_id = a.app_id AND u.user_id = a.user_id)
                 OR EXISTS (SELECT 1 FROM {webauthn_users} u WHERE u.app_id = a.app_id AND u.user_id = a.user_id))",
} }

/// What a batch came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backfilled {
    /// So many users were written.
    pub users: u64,
    /// Behind this user the next batch begins; none if there is none.
    pub last: Option<String>,
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

    /// Writes up to `limit` users of an app into the newer tables, of those behind `after`.
    pub async fn backfill(&mut self, app: &AppId, after: &str, limit: i64) -> Result<Backfilled> {
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
        if !ids.is_empty() {
            for (statement, of) in [(S::Infos, &ids), (S::TenantInfos, &ids), (S::Owned, &groups), (S::Times, &ids)] {
                self.with_commit(statement, args![app, of.as_slice()].into()).await?;
            }
        }
        Ok(Backfilled { users: u64::try_from(ids.len()).unwrap_or(u64::MAX), last })
    }

    /// How many users are in a tenant by the newer tables, and in none by the older ones. Reads the whole table of users.
    pub async fn users_of_newer_tables_only(&mut self) -> Result<i64> {
        Ok(self.opt(S::OnlyNew, &args![], |row| row.int(0)).await?.unwrap_or_default())
    }

    /// How many users of an app, or of all apps, can log in and are not in the newer tables. Reads the whole table of users.
    pub async fn inconsistent_users(&mut self, app: Option<&AppId>) -> Result<i64> {
        Ok(self.opt(S::Inconsistent, &args![app], |row| row.int(0)).await?.unwrap_or_default())
    }
}

//! Do the older tables, the recipes' own and the newer ones say the same of a user? By what they have, whatever any mark says.
//!
//! The recipes' tables and `app_id_to_user_id` are written in every mode, so what the newer ones have of addresses and groups is out of date
//! where it differs. In which tenants somebody is, only the mode decides: of that nothing is mended here.

use supertokens_domain::ids::AppId;

use crate::machinery::{Dialect, Result, Tx, args, statements};

/// The rows of `recipe_user_account_infos` that one recipe's users must have.
macro_rules! infos_of {
    ($table:literal, $columns:literal, $where:expr, $more:literal) => {
        concat!(
            "SELECT a.app_id, a.user_id, a.recipe_id, ",
            $columns,
            ", CASE WHEN a.is_linked_or_is_a_primary_user THEN a.primary_or_recipe_user_id END AS group_id
             FROM {app_id_to_user_id} a JOIN {",
            $table,
            "} u ON u.app_id = a.app_id AND u.user_id = a.user_id",
            $where,
            $more
        )
    };
}

/// The same of all recipes. `$where` is a condition on `a`, the users.
macro_rules! infos {
    ($where:expr) => {
        concat!(
            infos_of!("emailpassword_users", "'email' AS kind, u.email AS value, '' AS provider, '' AS account", $where, ""),
            " UNION ALL ",
            infos_of!("webauthn_users", "'email', u.email, '', ''", $where, ""),
            " UNION ALL ",
            infos_of!("passwordless_users", "'email', u.email, '', ''", $where, " AND u.email IS NOT NULL"),
            " UNION ALL ",
            infos_of!("passwordless_users", "'phone', u.phone_number, '', ''", $where, " AND u.phone_number IS NOT NULL"),
            " UNION ALL ",
            infos_of!("thirdparty_users", "'email', u.email, u.third_party_id, u.third_party_user_id", $where, ""),
            " UNION ALL ",
            infos_of!("thirdparty_users", "'tparty', u.third_party_id || '::' || u.third_party_user_id, '', ''", $where, "")
        )
    };
}

/// What groups own by the newer tables: whatever one member has, in every tenant where some member is. `$where` is a condition on `a`.
macro_rules! owned {
    ($where:expr) => {
        concat!(
            "SELECT a.app_id, t.tenant_id, i.account_info_type AS kind, i.account_info_value AS value,
                 a.primary_or_recipe_user_id AS group_id
             FROM {app_id_to_user_id} a
             JOIN {recipe_user_tenants} t ON t.app_id = a.app_id AND t.recipe_user_id = a.user_id
             JOIN {app_id_to_user_id} b ON b.app_id = a.app_id AND b.primary_or_recipe_user_id = a.primary_or_recipe_user_id
             JOIN {recipe_user_account_infos} i ON i.app_id = b.app_id AND i.recipe_user_id = b.user_id",
            $where
        )
    };
}
pub(super) use {infos, infos_of, owned};

/// The rows of a newer table, here `n`, that are not what their user has; or whose user is gone.
macro_rules! stale {
    ($table:literal) => {
        concat!(
            "SELECT n.app_id, n.recipe_user_id AS user_id FROM {",
            $table,
            "} n WHERE NOT EXISTS (SELECT 1 FROM {app_id_to_user_id} a
                 LEFT JOIN {emailpassword_users} ep ON ep.app_id = a.app_id AND ep.user_id = a.user_id
                 LEFT JOIN {thirdparty_users} tp ON tp.app_id = a.app_id AND tp.user_id = a.user_id
                 LEFT JOIN {passwordless_users} pl ON pl.app_id = a.app_id AND pl.user_id = a.user_id
                 LEFT JOIN {webauthn_users} wa ON wa.app_id = a.app_id AND wa.user_id = a.user_id
                 WHERE a.app_id = n.app_id AND a.user_id = n.recipe_user_id AND a.recipe_id = n.recipe_id
                     AND n.account_info_value = CASE n.account_info_type
                         WHEN 'email' THEN COALESCE(ep.email, tp.email, pl.email, wa.email) WHEN 'phone' THEN pl.phone_number
                         ELSE tp.third_party_id || '::' || tp.third_party_user_id END
                     AND n.third_party_id = CASE n.account_info_type WHEN 'email' THEN COALESCE(tp.third_party_id, '') ELSE '' END
                     AND n.third_party_user_id =
                         CASE n.account_info_type WHEN 'email' THEN COALESCE(tp.third_party_user_id, '') ELSE '' END)"
        )
    };
}

/// Users of whom the newer tables are behind what every mode writes, so that only a core which does not write them can have changed
/// them. `$owner` is a condition on `p`, what is owned already.
macro_rules! outdated {
    ($owner:literal) => {
        concat!(
            "SELECT e.app_id, e.user_id FROM (",
            infos!(""),
            ") e WHERE NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} i
                 WHERE i.app_id = e.app_id AND i.recipe_id = e.recipe_id AND i.recipe_user_id = e.user_id
                     AND i.account_info_type = e.kind AND i.account_info_value = e.value AND i.third_party_id = e.provider
                     AND i.third_party_user_id = e.account AND COALESCE(i.primary_user_id, '') = COALESCE(e.group_id, ''))
             UNION ",
            stale!("recipe_user_account_infos"),
            " UNION ",
            stale!("recipe_user_tenants"),
            " UNION SELECT w.app_id, w.group_id FROM (",
            owned!(" WHERE a.is_linked_or_is_a_primary_user"),
            ") w WHERE NOT EXISTS (SELECT 1 FROM {primary_user_tenants} p WHERE p.app_id = w.app_id AND p.tenant_id = w.tenant_id
                 AND p.account_info_type = w.kind AND p.account_info_value = w.value",
            $owner,
            ") UNION SELECT p.app_id, p.primary_user_id FROM {primary_user_tenants} p WHERE NOT EXISTS (SELECT 1 FROM (",
            owned!(" WHERE a.is_linked_or_is_a_primary_user"),
            ") w WHERE w.app_id = p.app_id AND w.group_id = p.primary_user_id AND w.tenant_id = p.tenant_id
                 AND w.kind = p.account_info_type AND w.value = p.account_info_value)"
        )
    };
}

/// What a newer table has, and nobody in `app_id_to_user_id`.
macro_rules! of_nobody {
    ($table:literal, $id:literal) => {
        concat!(
            "DELETE FROM {",
            $table,
            "} AS n WHERE NOT EXISTS (SELECT 1 FROM {app_id_to_user_id} a WHERE a.app_id = n.app_id AND a.user_id = n.",
            $id,
            ")"
        )
    };
}

statements! { "app_id_to_user_id", S {
    InfosOfNobody = of_nobody!("recipe_user_account_infos", "recipe_user_id"),
    PlacesOfNobody = of_nobody!("recipe_user_tenants", "recipe_user_id"),
    OwnedByNobody = of_nobody!("primary_user_tenants", "primary_user_id"),
    // Where two primary users have the same, writing one of them anew changes nothing. Whom the older tables have in no tenant is left
    // alone where those say it: they may never have known.
    MarkOutdated = concat!(
        "UPDATE {app_id_to_user_id} AS m SET time_joined = 0 WHERE m.time_joined <> 0 AND (NOT CAST($1 AS BOOLEAN) OR EXISTS
             (SELECT 1 FROM {all_auth_recipe_users} o WHERE o.app_id = m.app_id AND o.user_id = m.user_id))
             AND (m.app_id, m.user_id) IN (
             SELECT differing.app_id, differing.user_id FROM (",
        outdated!(""),
        ") AS differing)"
    ),
    Inconsistent = concat!(
        "SELECT COUNT(*) FROM (",
        outdated!(" AND p.primary_user_id = w.group_id"),
        " UNION SELECT o.app_id, o.user_id FROM {all_auth_recipe_users} o
             JOIN {recipe_user_account_infos} i ON i.app_id = o.app_id AND i.recipe_user_id = o.user_id
             WHERE CAST($2 AS BOOLEAN) AND NOT EXISTS (SELECT 1 FROM {recipe_user_tenants} n
                 WHERE n.app_id = o.app_id AND n.tenant_id = o.tenant_id AND n.recipe_user_id = o.user_id
                     AND n.account_info_type = i.account_info_type AND n.account_info_value = i.account_info_value)
         UNION SELECT n.app_id, n.recipe_user_id FROM {recipe_user_tenants} n
             WHERE CAST($2 AS BOOLEAN) AND NOT EXISTS (SELECT 1 FROM {all_auth_recipe_users} o
                 WHERE o.app_id = n.app_id AND o.tenant_id = n.tenant_id AND o.user_id = n.recipe_user_id)
         ) AS differing WHERE CAST($1 AS TEXT) IS NULL OR differing.app_id = CAST($1 AS TEXT)"
    ),
    // Who is in some tenant by the newer tables, and by the older ones in none.
    OnlyNew = "SELECT COUNT(*) FROM {app_id_to_user_id} a
             WHERE EXISTS (SELECT 1 FROM {recipe_user_tenants} t WHERE t.app_id = a.app_id AND t.recipe_user_id = a.user_id)
             AND NOT EXISTS (SELECT 1 FROM {all_auth_recipe_users} t WHERE t.app_id = a.app_id AND t.user_id = a.user_id)",
    // No mode but one writes these and not the older tables.
    Behind = "SELECT COUNT(*) FROM (
             SELECT o.app_id, o.user_id FROM {all_auth_recipe_users} o JOIN {app_id_to_user_id} a ON a.app_id = o.app_id AND a.user_id = o.user_id
                 WHERE o.primary_or_recipe_user_id <> a.primary_or_recipe_user_id
                     OR o.is_linked_or_is_a_primary_user <> a.is_linked_or_is_a_primary_user
             UNION SELECT t.app_id, t.user_id FROM {emailpassword_user_to_tenant} t
                 JOIN {emailpassword_users} u ON u.app_id = t.app_id AND u.user_id = t.user_id WHERE t.email <> u.email
             UNION SELECT t.app_id, t.user_id FROM {webauthn_user_to_tenant} t
                 JOIN {webauthn_users} u ON u.app_id = t.app_id AND u.user_id = t.user_id WHERE t.email <> u.email
             UNION SELECT t.app_id, t.user_id FROM {passwordless_user_to_tenant} t
                 JOIN {passwordless_users} u ON u.app_id = t.app_id AND u.user_id = t.user_id
                 WHERE COALESCE(t.email, '') <> COALESCE(u.email, '') OR COALESCE(t.phone_number, '') <> COALESCE(u.phone_number, '')
             ) AS differing",
} }

impl Tx<'_> {
    /// Deletes from the newer tables what is of no user at all, and says how many rows that was. Reads them whole, however long that takes.
    pub async fn forget_nobodies(&mut self) -> Result<u64> {
        self.take_time().await?;
        let mut rows = 0;
        for statement in [S::InfosOfNobody, S::PlacesOfNobody, S::OwnedByNobody] {
            rows += self.exec(statement, &args![]).await?;
        }
        Ok(rows)
    }

    /// Marks users to be written anew that a core has changed which does not write the newer tables, and says how many. Reads all tables of
    /// users, however long that takes.
    pub async fn mark_outdated(&mut self) -> Result<u64> {
        if !self.mode().writes_new() {
            return Ok(0);
        }
        self.take_time().await?;
        let older_say_where = self.mode().reads_old();
        self.exec(S::MarkOutdated, &args![older_say_where]).await
    }

    /// No limit of an operator's stops what has to read whole tables.
    async fn take_time(&mut self) -> Result<()> {
        match self.sql().dialect() {
            Dialect::Postgres => self.ddl("SET LOCAL statement_timeout = 0").await,
            Dialect::Sqlite => Ok(()),
        }
    }

    /// Of how many users of an app, or of all apps, the newer tables do not have what they must; nor the same tenants as the older ones,
    /// where a mode writes those. Reads all tables of users.
    pub async fn inconsistent_users(&mut self, app: Option<&AppId>) -> Result<i64> {
        let older_count = self.mode().writes_old();
        Ok(self.opt(S::Inconsistent, &args![app, older_count], |row| row.int(0)).await?.unwrap_or_default())
    }

    /// How many users are in a tenant by the newer tables, and in none by the older ones. Reads the whole table of users.
    pub async fn users_of_newer_tables_only(&mut self) -> Result<i64> {
        Ok(self.opt(S::OnlyNew, &args![], |row| row.int(0)).await?.unwrap_or_default())
    }

    /// How many users were changed by a core that does not write the older tables. Reads all tables of users.
    pub async fn users_ahead_of_older_tables(&mut self) -> Result<i64> {
        Ok(self.opt(S::Behind, &args![], |row| row.int(0)).await?.unwrap_or_default())
    }
}

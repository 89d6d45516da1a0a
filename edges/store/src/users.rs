//! What is asked about users before any recipe stores one: who exists, how many, in which order
//! (core-server.md 7.5, 7.6, 7.9; core-session.md 6.2).

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Tx, args, statements};

/// A place in the list of users: the group's first join time and its primary user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPlace {
    /// The primary user id.
    pub primary_user_id: String,
    /// When the first of its login methods joined.
    pub time_joined: Millis,
}

/// Which way the list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinOrder {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// What of the list is wanted.
#[derive(Debug, Clone)]
pub struct UserPage {
    /// Which way.
    pub order: JoinOrder,
    /// How many at most.
    pub limit: i64,
    /// The first one wanted; none begins at the beginning.
    pub from: Option<UserPlace>,
    /// Login methods of these recipes only; empty means all.
    pub recipe_ids: Vec<String>,
}

macro_rules! page {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT CAST(primary_or_recipe_user_id AS TEXT) AS id, MIN(primary_or_recipe_user_time_joined) AS joined
             FROM {all_auth_recipe_users} WHERE app_id = $1 AND tenant_id = $2 AND (CAST($3 AS BOOLEAN) OR recipe_id {in $4})
             GROUP BY primary_or_recipe_user_id
             HAVING CAST($5 AS BIGINT) IS NULL OR MIN(primary_or_recipe_user_time_joined) ",
            $beyond,
            " CAST($5 AS BIGINT) OR (MIN(primary_or_recipe_user_time_joined) = CAST($5 AS BIGINT)
                 AND primary_or_recipe_user_id <= CAST(CAST($6 AS TEXT) AS BPCHAR))
             ORDER BY joined ",
            $order,
            ", id DESC LIMIT $7"
        )
    };
}

statements! { "app_id_to_user_id", S {
    Exists = "SELECT 1 = 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    Primary = "SELECT CAST(a.primary_or_recipe_user_id AS TEXT) FROM {app_id_to_user_id} a WHERE a.app_id = $1 AND a.user_id =
             COALESCE((SELECT m.supertokens_user_id FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.supertokens_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)),
             (SELECT m.supertokens_user_id FROM {userid_mapping} m WHERE m.app_id = $1 AND m.external_user_id = CAST($2 AS TEXT)),
             CAST(CAST($2 AS TEXT) AS BPCHAR))",
    Count = "SELECT COUNT(DISTINCT primary_or_recipe_user_id) FROM {all_auth_recipe_users} WHERE app_id = $1
             AND (CAST($2 AS TEXT) IS NULL OR tenant_id = CAST($2 AS TEXT)) AND (CAST($3 AS BOOLEAN) OR recipe_id {in $4})",
    CountOfApp = "SELECT COUNT(DISTINCT primary_or_recipe_user_id) FROM {app_id_to_user_id}
             WHERE (CAST($1 AS TEXT) IS NULL OR app_id = CAST($1 AS TEXT)) AND (CAST($2 AS BOOLEAN) OR recipe_id {in $3})",
    ToBackfill = "SELECT COUNT(*) FROM {app_id_to_user_id} WHERE time_joined = 0
             AND (CAST($1 AS TEXT) IS NULL OR app_id = CAST($1 AS TEXT))",
    PageAscending = page!(">", "ASC"),
    PageDescending = page!("<", "DESC"),
} }

impl Tx<'_> {
    /// Is there a user with this SuperTokens id?
    pub async fn user_exists(&mut self, app: &AppId, user_id: &str) -> Result<bool> {
        Ok(self.opt(S::Exists, &args![app, user_id], |row| row.flag(0)).await?.is_some())
    }

    /// The primary user of a user, found by its SuperTokens id or its external one.
    pub async fn primary_user_id(&mut self, app: &AppId, user_id: &str) -> Result<Option<String>> {
        self.opt(S::Primary, &args![app, user_id], |row| row.text(0)).await
    }

    /// How many users there are, linked ones counted once, in one tenant or all, with login methods of these recipes;
    /// no recipes means all.
    pub async fn count_users(&mut self, app: &AppId, tenant: Option<&TenantId>, recipe_ids: &[String]) -> Result<i64> {
        let params = args![app, tenant, recipe_ids.is_empty(), recipe_ids];
        Ok(self.opt(S::Count, &params, |row| row.int(0)).await?.unwrap_or_default())
    }

    /// How many users an app has, or all apps have, linked ones counted once, in whichever tenants; no recipes means all. Right in
    /// every migration mode (core-server.md 11), unlike what is read from `all_auth_recipe_users`.
    pub async fn count_users_of_app(&mut self, app: Option<&AppId>, recipe_ids: &[String]) -> Result<i64> {
        let params = args![app, recipe_ids.is_empty(), recipe_ids];
        Ok(self.opt(S::CountOfApp, &params, |row| row.int(0)).await?.unwrap_or_default())
    }

    /// How many users of an app, or of all apps, have not got their join times in `app_id_to_user_id` (core-server.md 7.16).
    pub async fn users_to_backfill(&mut self, app: Option<&AppId>) -> Result<i64> {
        Ok(self.opt(S::ToBackfill, &args![app], |row| row.int(0)).await?.unwrap_or_default())
    }

    /// A part of a tenant's list of users.
    pub async fn users_page(&mut self, app: &AppId, tenant: &TenantId, page: &UserPage) -> Result<Vec<UserPlace>> {
        let statement = match page.order {
            JoinOrder::Ascending => S::PageAscending,
            JoinOrder::Descending => S::PageDescending,
        };
        let (from_time, from_id) = match &page.from {
            Some(from) => (Some(from.time_joined), Some(&from.primary_user_id)),
            None => (None, None),
        };
        let recipes = page.recipe_ids.as_slice();
        let params = args![app, tenant, recipes.is_empty(), recipes, from_time, from_id, page.limit];
        self.all(statement, &params, |row| Ok(UserPlace { primary_user_id: row.text(0)?, time_joined: row.int(1)? })).await
    }
}

//! What is asked about users whatever their recipes: who exists, how many, in which order
//! (core-server.md 7.5, 7.6, 7.9; core-session.md 6.2).

use supertokens_domain::accounts::AuthRecipe;
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

/// All rows of a group have the group's time, so the index gives the list in its order, from any place in it. `$5` and `$6` are the
/// place, and before everything if there is none. What stands for a tenant's login methods depends on the migration mode.
macro_rules! page {
    ($table:literal, $in_tenant:literal, $beyond:literal, $order:literal) => {
        concat!(
            "SELECT CAST(p.id AS TEXT), p.joined FROM (
                 SELECT DISTINCT a.primary_or_recipe_user_time_joined AS joined, a.primary_or_recipe_user_id AS id
                 FROM {",
            $table,
            "} a WHERE a.app_id = $1 AND ",
            $in_tenant,
            " AND (CAST($3 AS BOOLEAN) OR a.recipe_id {in $4}) AND a.primary_or_recipe_user_time_joined ",
            $beyond,
            "= CAST($5 AS BIGINT) AND (a.primary_or_recipe_user_time_joined ",
            $beyond,
            " CAST($5 AS BIGINT) OR a.primary_or_recipe_user_id <= CAST(CAST($6 AS TEXT) AS BPCHAR))
                 ORDER BY joined ",
            $order,
            ", id DESC LIMIT $7) p ORDER BY p.joined ",
            $order,
            ", p.id DESC"
        )
    };
}
macro_rules! page_old {
    ($beyond:literal, $order:literal) => {
        page!("all_auth_recipe_users", "a.tenant_id = $2", $beyond, $order)
    };
}
macro_rules! page_new {
    ($beyond:literal, $order:literal) => {
        page!(
            "app_id_to_user_id",
            "EXISTS (SELECT 1 FROM {recipe_user_tenants} t WHERE t.app_id = a.app_id AND t.recipe_user_id = a.user_id AND t.tenant_id = $2)",
            $beyond,
            $order
        )
    };
}

statements! { "app_id_to_user_id", S {
    Count = "SELECT COUNT(DISTINCT primary_or_recipe_user_id) FROM {all_auth_recipe_users} WHERE app_id = $1
             AND (CAST($2 AS TEXT) IS NULL OR tenant_id = CAST($2 AS TEXT)) AND (CAST($3 AS BOOLEAN) OR recipe_id {in $4})",
    ToBackfill = "SELECT COUNT(*) FROM {app_id_to_user_id} WHERE time_joined = 0
             AND (CAST($1 AS TEXT) IS NULL OR app_id = CAST($1 AS TEXT))",
    CountLogins = "SELECT (SELECT COUNT(*) FROM {emailpassword_users}), (SELECT COUNT(*) FROM {passwordless_users}),
             (SELECT COUNT(*) FROM {thirdparty_users}), (SELECT COUNT(*) FROM {webauthn_users})",
    CountNew = "SELECT COUNT(DISTINCT a.primary_or_recipe_user_id) FROM {recipe_user_tenants} t
             JOIN {app_id_to_user_id} a ON a.app_id = t.app_id AND a.user_id = t.recipe_user_id
             WHERE t.app_id = $1 AND t.tenant_id = $2 AND (CAST($3 AS BOOLEAN) OR a.recipe_id {in $4})",
    CountNewOfApp = "SELECT COUNT(DISTINCT a.primary_or_recipe_user_id) FROM {app_id_to_user_id} a
             WHERE a.app_id = $1 AND (CAST($2 AS BOOLEAN) OR a.recipe_id {in $3}) AND EXISTS (SELECT 1 FROM {recipe_user_tenants} t
                 WHERE t.app_id = a.app_id AND t.recipe_user_id = a.user_id)",
    PageAscendingOld = page_old!(">", "ASC"),
    PageDescendingOld = page_old!("<", "DESC"),
    PageAscendingNew = page_new!(">", "ASC"),
    PageDescendingNew = page_new!("<", "DESC"),
} }

impl Tx<'_> {
    /// How many users there are, linked ones counted once, in one tenant or in any, with login methods of these recipes; no recipes
    /// means all. Those in no tenant are not counted.
    pub async fn count_users(&mut self, app: &AppId, tenant: Option<&TenantId>, recipe_ids: &[String]) -> Result<i64> {
        if tenant.is_none() && !self.reads_old_accounts() {
            let params = args![app, recipe_ids.is_empty(), recipe_ids];
            return Ok(self.opt(S::CountNewOfApp, &params, |row| row.int(0)).await?.unwrap_or_default());
        }
        let params = args![app, tenant, recipe_ids.is_empty(), recipe_ids];
        let statement = if self.reads_old_accounts() { S::Count } else { S::CountNew };
        Ok(self.opt(statement, &params, |row| row.int(0)).await?.unwrap_or_default())
    }

    /// How many login methods there are of each recipe, in all apps. Reads an index of each of their tables from end to end.
    pub async fn count_logins(&mut self) -> Result<[(AuthRecipe, u64); 4]> {
        let counts = self.opt(S::CountLogins, &args![], |row| Ok([row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?])).await?;
        let [passwords, passwordless, third_parties, passkeys] =
            counts.unwrap_or_default().map(|count| u64::try_from(count).unwrap_or_default());
        Ok([
            (AuthRecipe::EmailPassword, passwords),
            (AuthRecipe::Passwordless, passwordless),
            (AuthRecipe::ThirdParty, third_parties),
            (AuthRecipe::Webauthn, passkeys),
        ])
    }

    /// How many users of an app, or of all apps, have not got their join times in `app_id_to_user_id` (core-server.md 7.16).
    pub async fn users_to_backfill(&mut self, app: Option<&AppId>) -> Result<i64> {
        Ok(self.opt(S::ToBackfill, &args![app], |row| row.int(0)).await?.unwrap_or_default())
    }

    /// A part of a tenant's list of users.
    pub async fn users_page(&mut self, app: &AppId, tenant: &TenantId, page: &UserPage) -> Result<Vec<UserPlace>> {
        let (statement, beginning) = match (page.order, self.reads_old_accounts()) {
            (JoinOrder::Ascending, true) => (S::PageAscendingOld, Millis::MIN),
            (JoinOrder::Ascending, false) => (S::PageAscendingNew, Millis::MIN),
            (JoinOrder::Descending, true) => (S::PageDescendingOld, Millis::MAX),
            (JoinOrder::Descending, false) => (S::PageDescendingNew, Millis::MAX),
        };
        let (from_time, from_id) = match &page.from {
            Some(from) => (from.time_joined, from.primary_user_id.as_str()),
            None => (beginning, ""),
        };
        let recipes = page.recipe_ids.as_slice();
        let params = args![app, tenant, recipes.is_empty(), recipes, from_time, from_id, page.limit];
        self.all(statement, &params, |row| Ok(UserPlace { primary_user_id: row.text(0)?, time_joined: row.int(1)? })).await
    }
}

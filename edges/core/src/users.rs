//! What SDKs ask about users beside sessions (core-server.md 7.5, 7.6, 7.7, 7.9, 7.10).
//!
//! The recipes that make users are not served yet, so a database of ours has none and the answers say so. In a database taken over
//! from the Java core there may be some: they are counted, but a question that needs their login methods is refused rather than
//! answered wrongly. So is one about a tenant where the Java core has stopped writing the tables that we know (core-server.md 11).

use http::StatusCode;
use supertokens_domain::json::{Json, JsonObject};
use supertokens_store::{Dialect, JoinOrder, UserPage, UserPlace};
use supertokens_wire::cdi::users::{CountActiveUsers, CountUsers, GetUserById, ListUsers, UsersByAccountInfo};
use supertokens_wire::operation::{Body, ok, status};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<ListUsers>(),
    Route::of::<CountUsers>(),
    Route::of::<CountActiveUsers>(),
    Route::of::<GetUserById>(),
    Route::of::<UsersByAccountInfo>(),
];

fn not_served() -> Error {
    Error::refused(
        StatusCode::NOT_IMPLEMENTED,
        "This core does not serve the recipes of these users yet; ask the Java core for them",
    )
}

/// Is what stands in the old user tables out of date, because only the new ones are written?
fn is_stale(cx: &Cx<'_>) -> bool {
    cx.db().dialect() == Dialect::Postgres && cx.db().migration_mode() == "MIGRATED"
}

/// How many users of these recipes a tenant has. Where that cannot be known, all is well only if the whole app has none.
async fn count_in_tenant(cx: &Cx<'_>, recipes: Vec<String>) -> Result<i64, Error> {
    if is_stale(cx) {
        return if count_in_app(cx, recipes).await? == 0 { Ok(0) } else { Err(not_served()) };
    }
    let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
    Ok(cx.db().read_long(async move |tx| tx.count_users(&app, Some(&tenant), &recipes).await).await?)
}

async fn count_in_app(cx: &Cx<'_>, recipes: Vec<String>) -> Result<i64, Error> {
    let (app, is_stale) = (cx.at().app.clone(), is_stale(cx));
    let count = cx.db().read_long(async move |tx| match is_stale {
        true => tx.count_users_of_app(Some(&app), &recipes).await,
        false => tx.count_users(&app, None, &recipes).await,
    });
    Ok(count.await?)
}

fn no_users() -> JsonObject {
    JsonObject::new().with("users", Json::Array(Vec::new()))
}

impl UseCase for ListUsers {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        if is_stale(cx) {
            return count_in_tenant(cx, Vec::new()).await.map(|_| ok_first(no_users()));
        }
        let order = if self.ascending { JoinOrder::Ascending } else { JoinOrder::Descending };
        let from = self.cursor.map(|(time_joined, primary_user_id)| UserPlace { primary_user_id, time_joined });
        let page = if self.is_search {
            UserPage { order, limit: 1, from: None, recipe_ids: Vec::new() }
        } else {
            UserPage { order, limit: i64::from(self.limit), from, recipe_ids: self.recipe_ids }
        };
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let found = cx.db().read_long(async move |tx| tx.users_page(&app, &tenant, &page).await).await?;
        if found.is_empty() { Ok(ok_first(no_users())) } else { Err(not_served()) }
    }
}

/// Here the status stands in front.
fn ok_first(rest: JsonObject) -> Body {
    Body::Json(rest.into_iter().fold(status("OK"), |object, (name, value)| object.with(&name, value)))
}

impl UseCase for CountUsers {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let count = if self.all_tenants {
            cx.require_public_tenant()?;
            cx.config()?;
            count_in_app(cx, self.recipe_ids).await?
        } else {
            cx.tenant()?;
            count_in_tenant(cx, self.recipe_ids).await?
        };
        let counted = status("OK").with("count", count);
        Ok(Body::Json(if self.allow_approximate { counted.with("approximate", false).with("asOf", cx.now) } else { counted }))
    }
}

impl UseCase for CountActiveUsers {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let app = cx.at().app.clone();
        let count = cx.db().read_long(async move |tx| tx.active_users(&app, self.since).await).await?;
        Ok(Body::Json(status("OK").with("count", count)))
    }
}

impl UseCase for GetUserById {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let app = cx.at().app.clone();
        let found = cx.db().read(async move |tx| tx.primary_user_id(&app, &self.user_id).await).await?;
        if found.is_none() { Ok(Body::Json(status("UNKNOWN_USER_ID_ERROR"))) } else { Err(not_served()) }
    }
}

impl UseCase for UsersByAccountInfo {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        if self.is_empty {
            return Ok(ok(no_users()));
        }
        if count_in_tenant(cx, Vec::new()).await? == 0 { Ok(ok(no_users())) } else { Err(not_served()) }
    }
}

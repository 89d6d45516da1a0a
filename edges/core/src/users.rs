//! What SDKs ask about users beside sessions (core-server.md 7.5, 7.6, 7.7, 7.9, 7.10).
//!
//! The recipes that make users are not served yet, so a database of ours has none and the answers say so. In a database taken over
//! from the Java core there may be some: they are counted, but a question that needs their login methods is refused rather than
//! answered wrongly.

use http::StatusCode;
use supertokens_domain::json::{Json, JsonObject};
use supertokens_store::{JoinOrder, UserPage, UserPlace};
use supertokens_wire::cdi::users::{CountActiveUsers, CountUsers, GetUserById, ListUsers, UsersByAccountInfo};
use supertokens_wire::operation::{Body, ok, status};

use crate::cx::Cx;
use crate::error::Error;
use crate::routes::{Route, Scope, UseCase};

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

fn no_users() -> JsonObject {
    JsonObject::new().with("users", Json::Array(Vec::new()))
}

impl UseCase for ListUsers {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
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
        let tenant = if self.all_tenants {
            cx.config()?;
            cx.require_public_tenant()?;
            None
        } else {
            cx.tenant()?;
            Some(cx.at().tenant.clone())
        };
        let (app, recipes) = (cx.at().app.clone(), self.recipe_ids);
        let count = cx.db().read_long(async move |tx| tx.count_users(&app, tenant.as_ref(), &recipes).await).await?;
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
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let count = cx.db().read_long(async move |tx| tx.count_users(&app, Some(&tenant), &[]).await).await?;
        if count == 0 { Ok(ok(no_users())) } else { Err(not_served()) }
    }
}

//! What is asked about users whatever their recipes (core-users.md 5.1, 5.2, 5.5, 5.6).

use std::collections::BTreeMap;

use supertokens_domain::accounts::{AccountInfo, Group};
use supertokens_domain::json::JsonObject;
use supertokens_domain::users::page::PageToken;
use supertokens_store::{JoinOrder, UserPage, UserPlace};
use supertokens_wire::cdi::user_shape::{list_entry, whole_user};
use supertokens_wire::cdi::users::{CountActiveUsers, CountUsers, GetUserById, ListUsers, UserSearch, UsersByAccountInfo};
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

/// So many users a search finds at most.
const FOUND_AT_MOST: i64 = 1000;

impl UseCase for ListUsers {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let order = if self.ascending { JoinOrder::Ascending } else { JoinOrder::Descending };
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let (places, groups) = cx
            .db()
            .read_long(async move |tx| {
                let places = match &self.search {
                    Some(search) => {
                        let UserSearch { emails, phones, providers } = search;
                        tx.search_users(&app, &tenant, order, [emails.as_slice(), phones, providers], FOUND_AT_MOST).await?
                    }
                    None => {
                        let from = self
                            .cursor
                            .clone()
                            .map(|PageToken { user_id, time_joined }| UserPlace { primary_user_id: user_id, time_joined });
                        // One more tells where the next page begins.
                        let page =
                            UserPage { order, limit: i64::from(self.limit) + 1, from, recipe_ids: self.recipe_ids.clone() };
                        tx.users_page(&app, &tenant, &page).await?
                    }
                };
                let shown = if self.search.is_some() { places.len() } else { limit };
                let ids: Vec<String> = places.iter().take(shown).map(|place| place.primary_user_id.clone()).collect();
                let groups = if ids.is_empty() { Vec::new() } else { tx.users_by_internal_ids(&app, &ids).await? };
                let next = places.into_iter().nth(shown);
                Ok((ids, (groups, next)))
            })
            .await?;
        let (groups, next) = groups;
        let mut by_id: BTreeMap<String, Group> = groups.into_iter().map(|group| (group.id.clone(), group)).collect();
        // Whoever was deleted between the two looks is not there any more.
        let listed = places.iter().filter_map(|id| by_id.remove(id)).filter_map(|group| list_entry(&group, &cx.rules));
        let users = JsonObject::new().with("users", listed.collect::<Vec<_>>());
        let next = next.map(|UserPlace { primary_user_id: user_id, time_joined }| PageToken { user_id, time_joined }.to_text());
        Ok(ok_first(users.with_some("nextPaginationToken", next)))
    }
}

/// Here the status stands in front.
fn ok_first(rest: JsonObject) -> Body {
    Body::Json(rest.into_iter().fold(status("OK"), |object, (name, value)| object.with(&name, value)))
}

async fn count(cx: &Cx<'_>, all_tenants: bool, recipes: Vec<String>) -> Result<i64, Error> {
    let (app, tenant) = (cx.at().app.clone(), (!all_tenants).then(|| cx.at().tenant.clone()));
    Ok(cx.db().read_long(async move |tx| tx.count_users(&app, tenant.as_ref(), &recipes).await).await?)
}

impl UseCase for CountUsers {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let count = if self.all_tenants {
            cx.config()?;
            cx.require_public_tenant()?;
            count(cx, true, self.recipe_ids).await?
        } else {
            cx.tenant()?;
            count(cx, false, self.recipe_ids).await?
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
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        cx.require_public_tenant()?;
        let app = cx.at().app.clone();
        let found = cx.db().read(async move |tx| tx.user_by_id(&app, &self.user_id).await).await?;
        Ok(Body::Json(match found {
            Some(found) => status("OK").with("user", whole_user(&found.group, &cx.rules)),
            None => status("UNKNOWN_USER_ID_ERROR"),
        }))
    }
}

impl UseCase for UsersByAccountInfo {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
        let Self { any, infos, nobody_has_all, credential_id } = self;
        if nobody_has_all && !any {
            return Ok(ok(JsonObject::new().with("users", Vec::<JsonObject>::new())));
        }
        let (asked, passkey) = (infos.clone(), credential_id.clone());
        let found = cx.db().read(async move |tx| {
            let mut found = Vec::new();
            for info in &asked {
                found.extend(tx.users_by_info(&app, &tenant, info).await?);
            }
            // In whichever tenant.
            if let Some(id) = &passkey {
                found.extend(tx.users_by_passkey_id(&app, id).await?);
            }
            Ok(found)
        });
        let users = matching(found.await?, any, &infos, credential_id.as_deref());
        let users: Vec<JsonObject> = users.iter().map(|group| whole_user(group, &cx.rules)).collect();
        Ok(ok(JsonObject::new().with("users", users)))
    }
}

/// The users among those found that have any of what was asked for, or all of it, in whichever tenant; oldest first, each once.
fn matching(found: Vec<Group>, any: bool, infos: &[AccountInfo], credential_id: Option<&str>) -> Vec<Group> {
    let mut by_id: BTreeMap<String, Group> = found.into_iter().map(|group| (group.id.clone(), group)).collect();
    by_id.retain(|_, group| {
        let has = group.infos();
        let has_passkey = credential_id.is_none_or(|id| group.credential_ids().contains(id));
        any || (infos.iter().all(|info| has.contains(info)) && has_passkey)
    });
    let mut users: Vec<Group> = by_id.into_values().collect();
    users.sort_by(|a, b| (a.time_joined(), &a.id).cmp(&(b.time_joined(), &b.id)));
    users
}

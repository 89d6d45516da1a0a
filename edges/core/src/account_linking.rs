//! Making a user primary, linking another to it, and unlinking (core-linking.md 2.2, 2.4).

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use supertokens_domain::accounts::{
    AccountInfo, DeletedUser, Group, Link, MakePrimary, Unlink, as_internal, link, make_primary, unlink,
};
use supertokens_domain::ids::AppId;
use supertokens_domain::time::Millis;
use supertokens_store::{FoundUser, StoreError, Tx};
use supertokens_wire::cdi::account_linking::{
    CanLink, CanMakePrimary, LinkAnswer, LinkUsers, MakeUserPrimary, PrimaryAnswer, UnlinkUser, Unlinked,
};

use crate::accounts::{Locked, Plan, delete_what_they_had, settle};
use crate::activity::activity;
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<CanMakePrimary>(),
    Route::of::<MakeUserPrimary>(),
    Route::of::<CanLink>(),
    Route::of::<LinkUsers>(),
    Route::of::<UnlinkUser>(),
];

fn unknown() -> Error {
    Error::refused(StatusCode::BAD_REQUEST, "Unknown user ID provided")
}

/// What these users own, or would own together.
fn infos(groups: &[&Group]) -> BTreeSet<AccountInfo> {
    groups.iter().flat_map(|group| group.infos()).collect()
}

/// Reads those who may own what these users would. No id of theirs is named: what is not locked may be as old as the question.
async fn others(tx: &mut Tx<'_>, app: &AppId, groups: &[&Group]) -> Result<Vec<Group>, StoreError> {
    let gains: Vec<AccountInfo> = infos(groups).into_iter().collect();
    tx.users_around(app, &[], &gains).await
}

fn primary_answer(decided: &MakePrimary, group: &Group) -> PrimaryAnswer {
    match decided {
        MakePrimary::Already => PrimaryAnswer::Ok { already: true, user: None },
        MakePrimary::Becomes(_) => PrimaryAnswer::Ok { already: false, user: None },
        MakePrimary::Linked => PrimaryAnswer::Linked(group.shown_id().to_owned()),
        MakePrimary::Conflict(conflict) => PrimaryAnswer::Conflict(conflict.clone()),
    }
}

impl UseCase for CanMakePrimary {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<PrimaryAnswer, Error> {
        cx.require_public_tenant()?;
        let app = cx.at().app.clone();
        let answer = cx.db().read(async move |tx| {
            let Some(found) = tx.user_by_id(&app, &self.recipe_user_id).await? else { return Ok(None) };
            let group = &found.group;
            let others = if group.is_primary { Vec::new() } else { others(tx, &app, &[group]).await? };
            Ok(Some(primary_answer(&make_primary(group, &found.meant_id, &others), group)))
        });
        answer.await?.ok_or_else(unknown)
    }
}

impl UseCase for MakeUserPrimary {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<PrimaryAnswer, Error> {
        cx.require_public_tenant()?;
        let asked = Arc::new((cx.at().app.clone(), self.recipe_user_id));
        let making = || {
            let asked = Arc::clone(&asked);
            async move |tx: &mut Tx<'_>| primary(tx, &asked.0, &asked.1).await
        };
        settle(cx.db(), making).await?.ok_or_else(unknown)
    }
}

async fn primary(tx: &mut Tx<'_>, app: &AppId, recipe_user_id: &str) -> Result<Option<PrimaryAnswer>, StoreError> {
    let Some(found) = tx.user_by_id(app, recipe_user_id).await? else { return Ok(None) };
    if found.group.is_primary {
        return Ok(Some(made_primary(&make_primary(&found.group, &found.meant_id, []), &found.group)));
    }
    let locked = Locked::around(tx, app, &[&found], infos).await?;
    let group = locked.of(&found.meant_id).ok_or(StoreError::Busy)?;
    let decided = make_primary(group, &found.meant_id, &locked.all);
    if let MakePrimary::Becomes(primary) = &decided {
        Plan::regrouped(vec![group.clone()], vec![primary.clone()]).write(tx, app).await?;
    }
    Ok(Some(made_primary(&decided, group)))
}

/// The same, with the user as it is then.
fn made_primary(decided: &MakePrimary, group: &Group) -> PrimaryAnswer {
    match decided {
        MakePrimary::Already => PrimaryAnswer::Ok { already: true, user: Some(group.clone()) },
        MakePrimary::Becomes(primary) => PrimaryAnswer::Ok { already: false, user: Some(primary.clone()) },
        other => primary_answer(other, group),
    }
}

/// Both users, the primary first: whoever is not there is told of in this order.
async fn both(
    tx: &mut Tx<'_>,
    app: &AppId,
    recipe_user_id: &str,
    primary_user_id: &str,
) -> Result<Option<(FoundUser, FoundUser)>, StoreError> {
    let Some(recipe_user) = tx.user_by_id(app, recipe_user_id).await? else { return Ok(None) };
    // A login method that has gone is no recipe user, although its id still finds the group.
    if recipe_user.group.method(&recipe_user.meant_id).is_none() {
        return Ok(None);
    }
    Ok(tx.user_by_id(app, primary_user_id).await?.map(|primary| (recipe_user, primary)))
}

fn link_answer(decided: &Link, recipe_user: &Group, shows_user: bool) -> LinkAnswer {
    match decided {
        Link::NotPrimary => LinkAnswer::NotPrimary,
        Link::Already => LinkAnswer::Ok { already: true, user: shows_user.then(|| recipe_user.clone()) },
        Link::LinkedElsewhere => LinkAnswer::LinkedElsewhere { group: recipe_user.clone(), shows_user },
        Link::Conflict(conflict) => LinkAnswer::Conflict(conflict.clone()),
        Link::Becomes(group) => LinkAnswer::Ok { already: false, user: shows_user.then(|| group.clone()) },
    }
}

impl UseCase for CanLink {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<LinkAnswer, Error> {
        cx.require_public_tenant()?;
        let app = cx.at().app.clone();
        let answer = cx.db().read(async move |tx| {
            let Some((recipe_user, primary)) = both(tx, &app, &self.recipe_user_id, &self.primary_user_id).await? else {
                return Ok(None);
            };
            let (recipe_user, primary) = (recipe_user.group, primary.group);
            let at_once = link(&recipe_user, &primary, []);
            let decided = match at_once {
                Link::Becomes(_) => {
                    let others = others(tx, &app, &[&recipe_user, &primary]).await?;
                    link(&recipe_user, &primary, &others)
                }
                at_once => at_once,
            };
            Ok(Some(link_answer(&decided, &recipe_user, false)))
        });
        answer.await?.ok_or_else(unknown)
    }
}

/// What linking did, and the internal id of the user to whom it was linked.
type Linked = (LinkAnswer, Option<String>, Option<String>);

impl UseCase for LinkUsers {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<LinkAnswer, Error> {
        cx.require_public_tenant()?;
        let asked = Arc::new((cx.at().app.clone(), self));
        let now = cx.now;
        let linking = || {
            let asked = Arc::clone(&asked);
            async move |tx: &mut Tx<'_>| linked(&asked.1, tx, &asked.0, now).await
        };
        let (answer, recipe_user, primary) = settle(cx.db(), linking).await?.ok_or_else(unknown)?;
        if let Some((recipe_user, primary)) = recipe_user.zip(primary) {
            merge_activity(cx, recipe_user, primary).await;
        }
        Ok(answer)
    }
}

async fn linked(asked: &LinkUsers, tx: &mut Tx<'_>, app: &AppId, now: Millis) -> Result<Option<Linked>, StoreError> {
    let Some((recipe_user, primary)) = both(tx, app, &asked.recipe_user_id, &asked.primary_user_id).await? else {
        return Ok(None);
    };
    let at_once = link(&recipe_user.group, &primary.group, []);
    if !matches!(at_once, Link::Becomes(_)) {
        return Ok(Some((link_answer(&at_once, &recipe_user.group, true), None, None)));
    }
    let locked = Locked::around(tx, app, &[&recipe_user, &primary], infos).await?;
    let (alone, group) = locked.of(&recipe_user.meant_id).zip(locked.of(&primary.meant_id)).ok_or(StoreError::Busy)?;
    let decided = link(alone, group, &locked.all);
    let answer = link_answer(&decided, alone, true);
    let Link::Becomes(after) = decided else { return Ok(Some((answer, None, None))) };
    Plan::regrouped(vec![alone.clone(), group.clone()], vec![after]).write(tx, app).await?;
    end_sessions(tx, app, alone, &recipe_user.meant_id, now).await?;
    Ok(Some((answer, Some(recipe_user.meant_id), Some(primary.group.id))))
}

/// Ends the sessions of a login method, in every tenant, under both of its ids: some may be older than its mapping. Where the other id
/// is also somebody's own, the sessions under it may be theirs and stay (core-linking.md 6.2).
async fn end_sessions(tx: &mut Tx<'_>, app: &AppId, group: &Group, recipe_user_id: &str, now: Millis) -> Result<(), StoreError> {
    let Some(method) = group.method(recipe_user_id) else { return Ok(()) };
    tx.delete_sessions_of_user(app, None, recipe_user_id, false, now).await?;
    let Some(external_id) = &method.external_id else { return Ok(()) };
    let may_be_anothers = as_internal(external_id).is_some();
    if may_be_anothers {
        let (ids, own) = ([external_id.clone()], [recipe_user_id.to_owned()]);
        if !tx.ids_of_others(app, &ids, &own).await?.is_empty() {
            return Ok(());
        }
    }
    tx.delete_sessions_of_user(app, None, external_id, false, now).await.map(drop)
}

/// One user was last active now, and the other is none any more. Never changes the answer.
async fn merge_activity(cx: &Cx<'_>, recipe_user_id: String, primary_id: String) {
    let (app, now) = (cx.at().app.clone(), cx.now);
    let row = activity(cx, "user_last_active", &primary_id, &primary_id, None);
    let merged = cx.db().tx(async move |tx| {
        tx.forget_last_active(&app, &recipe_user_id).await?;
        tx.mark_last_active(&app, &primary_id, now).await?;
        tx.log_activity(&row).await
    });
    if let Err(error) = merged.await {
        tracing::warn!(error = %crate::error::chain(&error), "the time of last activity could not be stored");
    }
}

impl UseCase for UnlinkUser {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<Unlinked, Error> {
        cx.require_public_tenant()?;
        let (app, now) = (cx.at().app.clone(), cx.now);
        let answer = cx.db().tx(async move |tx| {
            let Some(found) = tx.user_by_id(&app, &self.recipe_user_id).await? else { return Ok(None) };
            if unlink(&found.group, &found.meant_id) == Unlink::NotLinked {
                return Ok(Some(Unlinked { was_deleted: false, was_linked: false }));
            }
            let locked = Locked::around(tx, &app, &[&found], |_| BTreeSet::new()).await?;
            let group = locked.of(&found.meant_id).ok_or(StoreError::Busy)?;
            unlinked(tx, &app, group, &found.meant_id, now).await
        });
        answer.await?.ok_or_else(unknown)
    }
}

async fn unlinked(
    tx: &mut Tx<'_>,
    app: &AppId,
    group: &Group,
    recipe_user_id: &str,
    now: Millis,
) -> Result<Option<Unlinked>, StoreError> {
    let before = vec![group.clone()];
    let (plan, was_deleted) = match unlink(group, recipe_user_id) {
        Unlink::Unknown => return Ok(None),
        Unlink::NotLinked => return Ok(Some(Unlinked { was_deleted: false, was_linked: false })),
        Unlink::Leaves { alone, rest, gone } => {
            let gone: Vec<DeletedUser> = gone.into_iter().collect();
            delete_what_they_had(tx, app, &gone).await?;
            let deleted_users = gone.into_iter().map(|user| user.id).collect();
            let after = std::iter::once(alone).chain(rest).collect();
            (Plan { deleted_users, ..Plan::regrouped(before, after) }, false)
        }
        Unlink::LoginDeleted { rest } => {
            let deleted = group.method(recipe_user_id).cloned().into_iter().collect();
            (Plan { deleted, ..Plan::regrouped(before, vec![rest]) }, true)
        }
    };
    plan.write(tx, app).await?;
    end_sessions(tx, app, group, recipe_user_id, now).await?;
    Ok(Some(Unlinked { was_deleted, was_linked: true }))
}

//! Deleting a user, alone or with all who are linked, and all that is stored about them (core-users.md 5.4).

use std::collections::BTreeSet;

use supertokens_domain::accounts::delete;
use supertokens_domain::ids::AppId;
use supertokens_store::{FoundUser, StoreError, Tx};
use supertokens_wire::cdi::users::RemoveUser;
use supertokens_wire::operation::{Body, status};

use crate::accounts::{Locked, Plan, delete_what_they_had};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[Route::of::<RemoveUser>()];

impl UseCase for RemoveUser {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        cx.require_public_tenant()?;
        if cx.place.app.is_none() {
            return Err(Error::no_app(&cx.app()));
        }
        let app = cx.at().app.clone();
        cx.db().tx(async move |tx| removed(tx, &app, &self.user_id, self.with_all_linked).await).await?;
        Ok(Body::Json(status("OK")))
    }
}

/// Whom an id means here: an internal id always means its own user, also where another is shown under it.
async fn meant(tx: &mut Tx<'_>, app: &AppId, id: &str) -> Result<Option<FoundUser>, StoreError> {
    match tx.users_by_internal_ids(app, &[id.to_owned()]).await?.into_iter().next() {
        Some(group) => Ok(Some(FoundUser { group, meant_id: id.to_owned() })),
        None => tx.user_by_id(app, id).await,
    }
}

async fn removed(tx: &mut Tx<'_>, app: &AppId, id: &str, with_all_linked: bool) -> Result<(), StoreError> {
    let Some(found) = meant(tx, app, id).await? else { return Ok(()) };
    let locked = Locked::around(tx, app, &[&found], |_| BTreeSet::new()).await?;
    let Some(group) = locked.of(&found.meant_id) else { return Ok(()) };
    let Some(deletion) = delete(group, &found.meant_id, with_all_linked) else { return Ok(()) };
    // First, so that who logs in by a code at this moment is waited for: what that writes about them goes as well.
    tx.delete_pending_devices(app, &deletion.methods).await?;
    let users: Vec<String> = deletion.users.iter().map(|user| user.id.clone()).collect();
    delete_what_they_had(tx, app, &deletion.users).await?;
    let plan = Plan {
        before: vec![group.clone()],
        after: deletion.rest.into_iter().collect(),
        deleted: deletion.methods,
        deleted_users: users,
        ..Plan::default()
    };
    plan.write(tx, app).await
}

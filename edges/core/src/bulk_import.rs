//! Users that come from elsewhere, many at once (core-linking.md 3): let to wait, looked at, taken back; and one at once. Those who wait are
//! imported by a job, `bulk_import/job.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use supertokens_domain::accounts::as_internal;
use supertokens_domain::bulk_import::{Admission, Context, Ids, ImportedUser, named_roles, named_tenants, read, shown};
use supertokens_domain::emailpassword::cost::Caps;
use supertokens_domain::ids::AppId;
use supertokens_domain::json::JsonObject;
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;
use supertokens_domain::users::page::PageToken;
use supertokens_store::{Db, StoreError, WaitingUser};
use supertokens_wire::cdi::bulk_import::{
    AddWaitingUsers, CountWaitingUsers, ImportUser, ListWaitingUsers, RemoveWaitingUsers, ShownWaitingUser, UserImported,
    UsersWait, WaitingUsersListed, WaitingUsersRemoved, not_taken, one_not_taken,
};
use supertokens_wire::operation::{Body, status};

use crate::cx::Cx;
use crate::error::Error;
use crate::ports::uuid;
use crate::use_case::{Route, Scope, UseCase};

mod entry;
mod file;
mod job;

use entry::{Places, let_in};
pub use file::Refusals;

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<AddWaitingUsers>(),
    Route::of::<ListWaitingUsers>(),
    Route::of::<CountWaitingUsers>(),
    Route::of::<RemoveWaitingUsers>(),
    Route::of::<ImportUser>(),
];

/// The largest body of a question that brings many users: they are 0.3 to 2 KiB each (decision 30).
const LARGEST_BODY: usize = 32 << 20;
/// So many times users are let in anew, as others come in meanwhile.
const TRIES: usize = 5;
/// Whoever brings more than so many keeps a thread busy by that.
const FEW: usize = 50;

/// Users that are taken, or what is wrong with the others, each by its place.
type Read = Result<Vec<ImportedUser>, Vec<(usize, Vec<String>)>>;

/// Reads users as they were sent.
async fn taken(cx: &Cx<'_>, users: Vec<Option<JsonObject>>) -> Result<Read, Error> {
    let config = cx.config()?;
    let (caps, has_signer_key) = (Caps::of(config), config.firebase_password_hashing_signer_key.is_some());
    let named: BTreeSet<String> = users.iter().flatten().flat_map(named_roles).map(str::to_owned).collect();
    let mut roles = BTreeSet::new();
    if !named.is_empty() {
        let (app, named) = (cx.at().app.clone(), named.into_iter().collect::<Vec<_>>());
        roles = cx.db().read(async move |tx| tx.roles_named(&app, &named).await).await?.into_iter().collect();
    }
    let mut tenants = BTreeMap::new();
    for tenant in users.iter().flatten().flat_map(named_tenants).collect::<BTreeSet<_>>() {
        // All that are served are in one database.
        if cx.core.tenants.find(&cx.app().tenant(tenant.clone()), cx.now).await?.is_some() {
            tenants.insert(tenant, String::new());
        }
    }
    let now = cx.now;
    let (dice, is_few) = (Arc::clone(&cx.core.dice), users.len() <= FEW);
    let mut new = move || uuid(&*dice);
    let mut reading = move || {
        let context = Context { roles: &roles, tenants: &tenants, has_signer_key, caps, now };
        let (mut external_ids, mut good, mut bad) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (index, user) in users.iter().enumerate() {
            let read = match user {
                Some(user) => read(user, &context, &mut external_ids, &mut Ids::New(&mut new)),
                None => Err(vec!["user should be an object.".to_owned()]),
            };
            match read {
                Ok(user) => good.push(user),
                Err(errors) => bad.push((index, errors)),
            }
        }
        if bad.is_empty() { Ok(good) } else { Err(bad) }
    };
    if is_few {
        return Ok(reading());
    }
    tokio::task::spawn_blocking(reading).await.map_err(Error::fault)
}

fn refused(errors: Vec<String>) -> Error {
    Error::bad(one_not_taken(errors))
}

impl UseCase for AddWaitingUsers {
    // Who sends nobody is answered wherever that is.
    const SCOPE: Scope = Scope::Any;
    const LARGEST_BODY: usize = LARGEST_BODY;

    async fn run(self, cx: &Cx<'_>) -> Result<UsersWait, Error> {
        if self.users.is_empty() {
            return Ok(UsersWait(Vec::new()));
        }
        cx.config()?;
        cx.require_public_tenant()?;
        let users = taken(cx, self.users).await?.map_err(|bad| Error::bad(not_taken(bad)))?;
        let rows: Vec<_> = users.iter().map(|user| (user.id.clone(), Secret::new(user.raw().to_text()))).collect();
        let (app, now) = (cx.at().app.clone(), cx.now);
        let waiting = cx.db().tx(async move |tx| tx.let_users_wait(&app, &rows, now).await).await;
        cx.unless_removed(waiting.map_err(Error::from))?;
        Ok(UsersWait(users))
    }
}

impl UseCase for ListWaitingUsers {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<WaitingUsersListed, Error> {
        let (app, status, limit) = (cx.at().app.clone(), self.status.map(str::to_owned), self.limit);
        let from = self.from.transpose()?;
        let found = cx.db().read_long(async move |tx| {
            let from = from.as_ref().map(|from| (from.time_joined, from.user_id.as_str()));
            // One more tells where the next page begins.
            tx.waiting_users(&app, status.as_deref(), from, i64::try_from(limit).unwrap_or(i64::MAX) + 1).await
        });
        let mut found = found.await?;
        let next = found.get(limit).map(|next| PageToken { user_id: next.id.clone(), time_joined: next.created_at });
        found.truncate(limit);
        Ok(WaitingUsersListed { users: found.into_iter().map(without_secrets).collect(), next })
    }
}

fn without_secrets(user: WaitingUser) -> ShownWaitingUser {
    let WaitingUser { id, raw, status, primary_user_id, error, created_at, updated_at } = user;
    // What is no JSON has been refused, and can be taken back by its id.
    let raw = JsonObject::parse(raw.expose()).map_or_else(|_| JsonObject::new().with("id", id), shown);
    ShownWaitingUser { raw, status, primary_user_id, error, created_at, updated_at }
}

impl UseCase for CountWaitingUsers {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let (app, status_of) = (cx.at().app.clone(), self.status.map(str::to_owned));
        let count = cx.db().read_long(async move |tx| tx.count_waiting_users(&app, status_of.as_deref()).await).await?;
        Ok(Body::Json(status("OK").with("count", count)))
    }
}

impl UseCase for RemoveWaitingUsers {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<WaitingUsersRemoved, Error> {
        let (app, ids) = (cx.at().app.clone(), self.ids);
        let rows: Vec<String> = ids.iter().filter_map(|id| as_internal(id)).map(str::to_owned).collect();
        let mut deleted = BTreeSet::new();
        if !rows.is_empty() {
            let removing = cx.db().tx(async move |tx| tx.remove_waiting_users(&app, &rows).await);
            deleted = removing.await?.into_iter().collect::<BTreeSet<String>>();
        }
        let (deleted, invalid) = ids.into_iter().partition(|id| deleted.contains(id));
        Ok(WaitingUsersRemoved { deleted, invalid })
    }
}

impl UseCase for ImportUser {
    const SCOPE: Scope = Scope::AppThenPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<UserImported, Error> {
        let mut users = match taken(cx, vec![Some(self.user)]).await? {
            Ok(users) => users,
            Err(bad) => return Err(refused(bad.into_iter().flat_map(|(_, errors)| errors).collect())),
        };
        for user in &mut users {
            let plain: Vec<_> = user.unhashed().map(|(at, password)| (at, password.clone())).collect();
            for (at, password) in plain {
                user.set_hash(at, cx.hash(password).await?);
            }
        }
        let main = users.first().map(|user| user.id.clone()).unwrap_or_default();
        let admissions = let_given_in(cx.db(), &cx.at().app, users, cx.now).await;
        match cx.unless_removed(admissions.map_err(Error::from))?.pop() {
            Some(Admission::Admitted(groups)) => {
                let group = groups.into_iter().find(|group| group.method(&main).is_some());
                group.map(UserImported).ok_or_else(|| Error::fault("an imported user is not there"))
            }
            Some(Admission::Refused(why)) => Err(refused(vec![why])),
            Some(Admission::Already) | None => Err(Error::fault("a new id is not new")),
        }
    }
}

/// Would it come again at the next time, and keep everybody behind it out?
fn is_of_a_row(error: &StoreError) -> bool {
    use StoreError::{Aborted, Corrupt, Driver, Duplicate, MissingParent};
    matches!(error, Aborted | Corrupt { .. } | Driver(_) | Duplicate(_) | MissingParent(_))
}

/// Lets users in that have nowhere waited, in one transaction; and anew, if others have come in meanwhile.
async fn let_given_in(db: &Db, app: &AppId, users: Vec<ImportedUser>, now: Millis) -> Result<Vec<Admission>, StoreError> {
    let users = Arc::new(users);
    let mut tries = 0;
    loop {
        let (app, users) = (app.clone(), Arc::clone(&users));
        let letting = db.tx(async move |tx| {
            let places = Places::of(tx, &app, &users).await?;
            let_in(tx, &app, &users, places, now).await
        });
        match letting.await {
            Err(StoreError::Duplicate(_)) if tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

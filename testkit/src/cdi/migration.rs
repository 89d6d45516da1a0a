//! From the older tables of users to the newer ones: the modes, the back-fill, and what is told of it (core-users.md 2.5, 2.6 and 11,
//! scenarios 127 to 129; core-linking.md 7, scenarios 122 to 124).

use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::ids::AppId;

use super::place::{count, put_tenant};
use super::users::{By, id, put_login, put_user};
use crate::target::Kind;
use crate::{World, scenarios};

pub(super) const PROGRESS: &str = "/migration/backfill/progress";
pub(super) const LINKING: &str = "/recipe/accountlinking/user";
pub(super) const BOTH: &str = "DUAL_WRITE_READ_OLD";

async fn the_migration_mode_is_told(w: &World) {
    let mode = if w.target().kind() == Kind::Postgres { "LEGACY" } else { "MIGRATED" };
    put_tenant(w, "a", "", json!({})).await;
    put_tenant(w, "a", "t1", json!({})).await;
    let base = json!({ "status": "OK", "cuds": [{ "connectionUriDomain": "", "mode": mode }] });
    assert_eq!(w.get("5.4", "/migration/mode").await.ok(), base);
    assert_eq!(w.get("5.4", "/public/migration/mode").await.ok(), base);
    for path in ["/appid-a/migration/mode", "/appid-a/t1/migration/mode"] {
        assert_eq!(w.get("5.4", path).await.ok(), json!({ "status": "OK", "mode": mode }), "{path}");
    }
    assert_eq!(w.get("5.4", "/appid-x/migration/mode").await.status, 400);
}

async fn users_that_wait_for_migration_are_counted(w: &World) {
    put_tenant(w, "a", "", json!({})).await;
    let is_old = w.target().kind() == Kind::Postgres;
    let mode = if is_old { "LEGACY" } else { "MIGRATED" };
    let none = json!({ "status": "OK", "cuds": [{ "connectionUriDomain": "", "mode": mode, "pendingUsers": 0 }] });
    assert_eq!(w.get("5.4", PROGRESS).await.ok(), none);
    put_user(w, "", 1, 1).await;
    put_user(w, "", 2, 2).await;
    w.write("update app_id_to_user_id set time_joined = 0").await;
    let pending = if is_old { 2 } else { 0 };
    assert_eq!(w.get("5.4", PROGRESS).await.ok()["cuds"][0]["pendingUsers"], pending);
    let verified = async |path: &str| w.get("5.4", &format!("{path}{PROGRESS}?verify=true")).await;
    let skipped = if is_old { "backfillIncomplete" } else { "migrated" };
    let entry = json!({ "connectionUriDomain": "", "mode": mode, "pendingUsers": pending, "verifySkipped": skipped });
    assert_eq!(verified("").await.ok(), json!({ "status": "OK", "cuds": [entry] }));
    // Another app has none; and the base tells of the public app alone.
    let said = verified("/appid-a").await;
    if is_old {
        assert_eq!(said.text, "{\"mode\":\"LEGACY\",\"pendingUsers\":0,\"inconsistentUsersCount\":0,\"status\":\"OK\"}\n");
    } else {
        assert_eq!(said.text, "{\"mode\":\"MIGRATED\",\"pendingUsers\":0,\"verifySkipped\":\"migrated\",\"status\":\"OK\"}\n");
    }
    w.post("5.4", "/appid-a/recipe/signup", json!({ "email": "a@x", "password": "p" })).await.ok();
    w.write("update app_id_to_user_id set time_joined = 1 where app_id = 'public'").await;
    assert_eq!(w.get("5.4", PROGRESS).await.ok(), none);
    if is_old {
        assert_eq!(w.get("5.4", &format!("/appid-a/t1{PROGRESS}")).await.ok()["pendingUsers"], 1);
        assert_eq!(verified("").await.ok()["cuds"][0]["inconsistentUsersCount"], 0);
        w.write(&format!("delete from recipe_user_account_infos where recipe_user_id = '{}'", id(2))).await;
        assert_eq!(verified("").await.ok()["cuds"][0]["inconsistentUsersCount"], 1);
    }
    // Only the exact word asks for it.
    assert_eq!(w.get("5.4", &format!("{PROGRESS}?verify=TRUE")).await.ok(), none);
    assert_eq!(w.get("5.4", &format!("/appid-ghost{PROGRESS}")).await.status, 400);
}

pub(super) async fn backfill(w: &World) -> u64 {
    w.core().run_chore(Chore::BackfillUsers).await.expect("the chore is done")
}

pub(super) async fn in_mode(w: &World, mode: &str) {
    w.with_config(json!({ "migration_mode": mode })).await;
}

/// Takes out of the newer tables what a core that knows the older ones alone would not have written.
pub(super) async fn forget_newer_tables(w: &World) {
    for table in ["recipe_user_account_infos", "recipe_user_tenants", "primary_user_tenants"] {
        w.write(&format!("delete from {table}")).await;
    }
    w.write("update app_id_to_user_id set time_joined = 0, primary_or_recipe_user_time_joined = 0").await;
}

async fn link(w: &World, n: u8, primary: u8) {
    w.post("5.4", &format!("{LINKING}/primary"), json!({ "recipeUserId": id(primary) })).await.done();
    w.post("5.4", &format!("{LINKING}/link"), json!({ "recipeUserId": id(n), "primaryUserId": id(primary) })).await.ok();
}

/// All rows of a table that is to be compared, sorted.
async fn table(w: &World, columns: &str, from: &str) -> Vec<Vec<Option<String>>> {
    let mut rows = w.rows(&format!("select {columns} from {from}")).await;
    rows.sort();
    rows
}

/// Every user and list as it is told.
pub(super) async fn told(w: &World) -> Vec<Value> {
    let mut told = Vec::new();
    let counts = ["/users/count", "/t1/users/count", "/users/count?includeAllTenants=true"];
    for path in ["/users", "/t1/users", "/users?timeJoinedOrder=DESC", "/users?email=a@"].into_iter().chain(counts) {
        told.push(w.get("5.4", path).await.ok());
    }
    for n in 1..=9 {
        told.push(w.get("5.4", &format!("/user/id?userId={}", id(n))).await.done());
    }
    told
}

/// What the recipes' own tables say that the newer ones must have.
pub(super) async fn agree(w: &World) {
    let infos = "(select app_id, user_id, 'email' as kind, email as value, '' as a, '' as b from emailpassword_users
         union all select app_id, user_id, 'email', email, '', '' from passwordless_users where email is not null
         union all select app_id, user_id, 'phone', phone_number, '', '' from passwordless_users where phone_number is not null
         union all select app_id, user_id, 'email', email, third_party_id, third_party_user_id from thirdparty_users
         union all select app_id, user_id, 'tparty', third_party_id || '::' || third_party_user_id, '', '' from thirdparty_users) i";
    let users = "app_id_to_user_id u on u.app_id = i.app_id and u.user_id = i.user_id";
    let expected = table(
        w,
        "i.app_id, i.user_id, u.recipe_id, i.kind, i.value, i.a, i.b,
         case when u.is_linked_or_is_a_primary_user then u.primary_or_recipe_user_id end",
        &format!("{infos} join {users}"),
    )
    .await;
    let columns = "recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id";
    let found = table(w, &format!("app_id, recipe_user_id, {columns}, primary_user_id"), "recipe_user_account_infos").await;
    assert_eq!(found, expected, "infos");
    let places = "all_auth_recipe_users t on t.app_id = i.app_id and t.user_id = i.user_id";
    let expected =
        table(w, "i.app_id, t.tenant_id, i.user_id, t.recipe_id, i.kind, i.value, i.a, i.b", &format!("{infos} join {places}"))
            .await;
    let found = table(w, &format!("app_id, tenant_id, recipe_user_id, {columns}"), "recipe_user_tenants").await;
    assert_eq!(found, expected, "places");
    let expected = table(
        w,
        "distinct t.app_id, t.tenant_id, i.kind, i.value, t.primary_or_recipe_user_id",
        &format!(
            "all_auth_recipe_users t join app_id_to_user_id u on u.app_id = t.app_id
                 and u.primary_or_recipe_user_id = t.primary_or_recipe_user_id
             join {infos} on i.app_id = u.app_id and i.user_id = u.user_id where t.is_linked_or_is_a_primary_user"
        ),
    )
    .await;
    let found =
        table(w, "app_id, tenant_id, account_info_type, account_info_value, primary_user_id", "primary_user_tenants").await;
    assert_eq!(found, expected, "owned");
    let differs = "t.primary_or_recipe_user_id <> u.primary_or_recipe_user_id
         or t.is_linked_or_is_a_primary_user <> u.is_linked_or_is_a_primary_user or t.time_joined <> u.time_joined
         or t.primary_or_recipe_user_time_joined <> u.primary_or_recipe_user_time_joined";
    let both = "all_auth_recipe_users t join app_id_to_user_id u on u.app_id = t.app_id and u.user_id = t.user_id";
    assert_eq!(count(w, &format!("{both} where {differs}")).await, 0, "both say the same of who belongs to whom, and since when");
}

/// Users of every kind: linked, in several tenants, in none, with a login method that has gone.
pub(super) async fn put_users_of_every_kind(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "t1", 2, By::Google("g", "b@x")).await;
    put_login(w, "", 3, By::Number("+3")).await;
    put_login(w, "", 4, By::Code("d@x")).await;
    put_login(w, "", 5, By::Password("e@x")).await;
    put_login(w, "t1", 6, By::Google("g6", "f@x")).await;
    put_login(w, "", 7, By::Password("nowhere@x")).await;
    put_login(w, "", 8, By::Password("alone@x")).await;
    link(w, 2, 1).await;
    link(w, 3, 1).await;
    link(w, 4, 5).await;
    link(w, 6, 5).await;
    let tenant = "/recipe/multitenancy/tenant/user";
    w.post("5.4", &format!("/t1{tenant}"), json!({ "recipeUserId": id(8) })).await.ok();
    w.post("5.4", &format!("{tenant}/remove"), json!({ "recipeUserId": id(7) })).await.ok();
    w.post("5.4", "/user/remove", json!({ "userId": id(5), "removeAllLinkedAccounts": false })).await.ok();
}

async fn users_move_to_the_newer_tables(w: &World) {
    put_users_of_every_kind(w).await;
    forget_newer_tables(w).await;
    assert_eq!(backfill(w).await, 0, "in this mode nothing is written to them");
    let before = told(w).await;
    let pending = async || w.get("5.4", &format!("{PROGRESS}?verify=true")).await.ok()["cuds"][0].clone();
    assert_eq!(pending().await["pendingUsers"], 8);
    in_mode(w, BOTH).await;
    assert_eq!((&pending().await["pendingUsers"], &pending().await["verifySkipped"]), (&json!(8), &json!("backfillIncomplete")));
    assert_eq!(backfill(w).await, 8);
    let done = json!({ "connectionUriDomain": "", "mode": BOTH, "pendingUsers": 0, "inconsistentUsersCount": 0 });
    assert_eq!(pending().await, done);
    agree(w).await;
    assert_eq!(told(w).await, before);
    assert_eq!(backfill(w).await, 0, "once");
    for mode in ["DUAL_WRITE_READ_NEW", "MIGRATED"] {
        in_mode(w, mode).await;
        assert_eq!(told(w).await, before, "{mode}");
        assert_eq!(
            pending().await,
            json!({ "connectionUriDomain": "", "mode": mode, "pendingUsers": 0, "verifySkipped": "migrated" })
        );
    }
    // Before that of the last mode, the way back is open.
    for mode in ["DUAL_WRITE_READ_NEW", BOTH, "LEGACY"] {
        in_mode(w, mode).await;
        assert_eq!(told(w).await, before, "{mode}");
    }
}

/// The rows that a Java core in both-writing mode would have written are those that the back-fill writes.
async fn what_is_written_is_what_signing_up_would_have_written(w: &World) {
    for (n, by) in [(1, By::Password("a@x")), (2, By::Code("b@x")), (3, By::Number("+3")), (4, By::Google("g", "d@x"))] {
        put_login(w, "", n, by).await;
    }
    let rows = async || {
        let mut rows = table(w, "*", "recipe_user_account_infos").await;
        for other in ["recipe_user_tenants", "primary_user_tenants", "app_id_to_user_id"] {
            rows.extend(table(w, "*", other).await);
        }
        rows
    };
    in_mode(w, BOTH).await;
    let before = rows().await;
    forget_newer_tables(w).await;
    assert_eq!((backfill(w).await, rows().await == before), (4, true));
    // Half of it was there already.
    w.write(&format!("delete from recipe_user_tenants where recipe_user_id = '{}'", id(4))).await;
    w.write("update app_id_to_user_id set time_joined = 0").await;
    assert_eq!((backfill(w).await, rows().await == before), (4, true));
}

async fn what_stopped_half_way_goes_on(w: &World) {
    put_users_of_every_kind(w).await;
    forget_newer_tables(w).await;
    in_mode(w, BOTH).await;
    let db = w.core();
    let db = db.db();
    let batch = async |after: &str, limit: i64| {
        let after = after.to_owned();
        db.tx(async move |tx| tx.backfill(&AppId::default(), &after, limit).await).await.expect("a batch")
    };
    let first = batch("", 2).await;
    assert_eq!((first.users, first.last.as_deref()), (2, Some(id(2).as_str())));
    // A batch that is not kept leaves nothing behind.
    let broken = db.tx(async |tx| {
        tx.backfill(&AppId::default(), "", 100).await?;
        Err::<(), _>(supertokens_store::StoreError::Aborted)
    });
    broken.await.expect_err("it was broken off");
    assert_eq!(w.get("5.4", PROGRESS).await.ok()["cuds"][0]["pendingUsers"], 6);
    assert_eq!(batch(&id(8), 100).await, supertokens_store::Backfilled::default());
    assert_eq!(backfill(w).await, 6);
    agree(w).await;
}

/// A user that joined at the very beginning of time, and one whose every trace but its row has gone.
async fn nobody_waits_for_ever(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Password("b@x")).await;
    for table in ["emailpassword_users", "all_auth_recipe_users", "app_id_to_user_id"] {
        w.write(&format!("update {table} set time_joined = 0 where user_id = '{}'", id(1))).await;
    }
    for table in ["emailpassword_user_to_tenant", "all_auth_recipe_users", "emailpassword_users"] {
        w.write(&format!("delete from {table} where user_id = '{}'", id(2))).await;
    }
    forget_newer_tables(w).await;
    in_mode(w, BOTH).await;
    assert_eq!((backfill(w).await, backfill(w).await), (2, 0));
    let said = w.get("5.4", &format!("{PROGRESS}?verify=true")).await.ok();
    assert_eq!((&said["cuds"][0]["pendingUsers"], &said["cuds"][0]["inconsistentUsersCount"]), (&json!(0), &json!(0)));
    assert_eq!(w.get("5.4", &format!("/user/id?userId={}", id(1))).await.ok()["user"]["timeJoined"], 0);
}

/// Users that are not done yet can be changed while both are written, and are done afterwards.
async fn users_are_changed_while_others_are_written(w: &World) {
    const USERS: u8 = 24;
    put_tenant(w, "", "t1", json!({})).await;
    for n in 1..=USERS {
        let email = format!("u{n}@x");
        let account = format!("g{n}");
        put_login(w, "", n, if n % 3 == 0 { By::Google(&account, &email) } else { By::Password(&email) }).await;
    }
    forget_newer_tables(w).await;
    in_mode(w, BOTH).await;
    let other = w.second_core().await;
    let ask = async |w: &World, path: &str, body: Value| {
        let answer = w.post("5.4", path, body).await;
        assert!(answer.status == 200 || answer.status == 400, "{path}: {}", answer.text);
    };
    let change = |n: u8| {
        let (turn, member) = (n / 2, n + 1);
        let w = if turn.is_multiple_of(2) { w } else { &other };
        async move {
            ask(w, "/recipe/accountlinking/user/primary", json!({ "recipeUserId": id(n) })).await;
            ask(w, "/recipe/accountlinking/user/link", json!({ "recipeUserId": id(member), "primaryUserId": id(n) })).await;
            ask(w, "/t1/recipe/multitenancy/tenant/user", json!({ "recipeUserId": id(member) })).await;
            let changed = json!({ "recipeUserId": id(n), "email": format!("new{n}@x") });
            w.put("5.4", "/recipe/user", changed).await.done();
            ask(w, "/recipe/multitenancy/tenant/user/remove", json!({ "recipeUserId": id(member) })).await;
            match turn % 4 {
                0 => ask(w, "/recipe/accountlinking/user/unlink", json!({ "recipeUserId": id(member) })).await,
                1 => ask(w, "/user/remove", json!({ "userId": id(n), "removeAllLinkedAccounts": false })).await,
                2 => ask(w, "/user/remove", json!({ "userId": id(member) })).await,
                _ => {}
            }
        }
    };
    let batches = |core: &World| {
        let core = core.core();
        async move {
            let mut after = String::new();
            loop {
                let behind = after.clone();
                let batch =
                    core.db().tx(async move |tx| tx.backfill(&AppId::default(), &behind, 3).await).await.expect("a batch");
                let Some(last) = batch.last else { break };
                after = last;
            }
        }
    };
    let changes = futures_util::future::join_all((1..USERS).step_by(2).map(change));
    futures_util::join!(changes, batches(w), batches(&other), batches(w));
    backfill(w).await;
    agree(w).await;
}

scenarios!(World:
    the_migration_mode_is_told,
    users_that_wait_for_migration_are_counted,
    users_move_to_the_newer_tables needs AJavaCoresPast,
    what_is_written_is_what_signing_up_would_have_written needs AJavaCoresPast,
    what_stopped_half_way_goes_on needs AJavaCoresPast,
    nobody_waits_for_ever needs AJavaCoresPast,
    users_are_changed_while_others_are_written needs AJavaCoresPast,
);

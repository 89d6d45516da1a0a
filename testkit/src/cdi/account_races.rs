//! Changes of users at once, in every migration mode (decision 22), and what a walk through all tables finds.

use serde_json::json;

use super::place::put_tenant;
use super::session::locks::{holding, until_held_up};
use super::users::{By, id, put_login};
use crate::accounts_walk::{Written, lines, question};
use crate::interleavings;
use crate::target::Kind;
use crate::{World, scenarios};

/// The migration modes.
pub const MODES: [&str; 4] = ["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"];
/// How many sequences run with all tests, in each mode; ten thousand are run by `interleave`.
const FEW: u64 = 10;

async fn of_changes_at_once_some_order_tells_all(w: &World) {
    let modes = if w.target().kind() == Kind::Postgres { &MODES[..] } else { &MODES[3..] };
    for mode in modes {
        w.with_config(json!({ "migration_mode": mode })).await;
        let report = interleavings::run(w, mode, 0..FEW, || {}).await;
        assert!(report.answers.len() >= 12, "{mode}: {:#?}", report.answers);
        assert_eq!(report.busy, 0, "{mode}");
        interleavings::empty(w).await;
    }
}

/// A Java core locks the row of whom it makes primary, and no address.
async fn what_a_java_core_does_meanwhile_is_waited_for_and_seen(w: &World) {
    w.with_config(json!({ "migration_mode": "LEGACY" })).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Google("g", "a@x")).await;
    let path = "/recipe/accountlinking/user/primary";
    let update = |table: &str| format!("update {table} set is_linked_or_is_a_primary_user = true where user_id = '{}'", id(1));
    let holder = holding(
        w,
        &format!(
            "select 1 from app_id_to_user_id where app_id = 'public' and user_id = '{}' for update; {}; {}",
            id(1),
            update("app_id_to_user_id"),
            update("all_auth_recipe_users")
        ),
    )
    .await;
    let other = {
        let w = w.clone();
        tokio::spawn(async move { w.post("5.4", path, json!({ "recipeUserId": id(2) })).await })
    };
    until_held_up(&holder, 1).await;
    holder.batch_execute("commit").await.expect("it is done");
    let said = other.await.expect("no caller panics");
    let said = said.says("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
    assert_eq!(said["primaryUserId"], id(1));
}

/// What a walk through all tables finds, in the modes that write them all.
async fn walk(w: &World) -> Vec<String> {
    lines(w.rows(&question(Written { old: true, new: true })).await)
}

async fn a_row_that_is_missing_is_found_in_every_table(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    put_login(w, "t1", 3, By::Google("g", "c@x")).await;
    put_login(w, "", 4, By::Number("+1")).await;
    assert_eq!(walk(w).await, Vec::<String>::new());
    // As they are written when the first becomes primary.
    for table in ["app_id_to_user_id", "all_auth_recipe_users"] {
        w.write(&format!("update {table} set is_linked_or_is_a_primary_user = true where user_id = '{}'", id(1))).await;
    }
    assert!(!walk(w).await.is_empty());
    w.write(&format!("update recipe_user_account_infos set primary_user_id = '{0}' where recipe_user_id = '{0}'", id(1))).await;
    w.write(&format!("insert into primary_user_tenants values ('public', 'public', 'email', 'a@x', '{}')", id(1))).await;
    assert_eq!(walk(w).await, Vec::<String>::new());
    for (table, column, n) in [
        ("emailpassword_users", "user_id", 1),
        ("passwordless_users", "user_id", 2),
        ("thirdparty_users", "user_id", 3),
        ("emailpassword_user_to_tenant", "user_id", 1),
        ("passwordless_user_to_tenant", "user_id", 4),
        ("thirdparty_user_to_tenant", "user_id", 3),
        ("all_auth_recipe_users", "user_id", 2),
        ("recipe_user_account_infos", "recipe_user_id", 3),
        ("recipe_user_tenants", "recipe_user_id", 4),
        ("primary_user_tenants", "primary_user_id", 1),
    ] {
        let columns = w.rows(&format!("select * from {table} where {column} = '{}'", id(n))).await;
        assert!(!columns.is_empty(), "{table}");
        let one = if table.starts_with("recipe_user") && n == 3 { " and account_info_type = 'tparty'" } else { "" };
        w.write(&format!("create table kept as select * from {table} where {column} = '{}'{one}", id(n))).await;
        w.write(&format!("delete from {table} where {column} = '{}'{one}", id(n))).await;
        assert!(!walk(w).await.is_empty(), "without a row of {table}");
        // What hung on it is not put back, so its table comes first.
        if table != "all_auth_recipe_users" {
            w.write(&format!("insert into {table} select * from kept")).await;
            assert_eq!(walk(w).await, Vec::<String>::new(), "{table}");
        } else {
            w.write(&format!("insert into {table} select * from kept")).await;
            let key = "insert into passwordless_user_to_tenant values ('public', 'public'";
            w.write(&format!("{key}, '{}', 'b@x', null)", id(2))).await;
        }
        w.write("drop table kept").await;
    }
}

scenarios!(World:
    of_changes_at_once_some_order_tells_all,
    what_a_java_core_does_meanwhile_is_waited_for_and_seen needs ASharedDatabase,
    a_row_that_is_missing_is_found_in_every_table,
);

//! A core that does not write the newer tables has changed users that are in them; and one that reads them finds users that are not
//! (core-users.md 2.1, 2.3 and 2.5). What tables have is what counts, whatever marks say.

use serde_json::{Value, json};

use super::migration::{BOTH, LINKING, PROGRESS, agree, backfill, forget_newer_tables, in_mode, put_users_of_every_kind, told};
use super::place::{count, put_tenant};
use super::users::{By, id, put_login};
use crate::{World, scenarios};

const PLACE: &str = "/recipe/multitenancy/tenant/user";

async fn sign_up(w: &World, email: &str) -> String {
    let said = w.post("5.4", "/recipe/signup", json!({ "email": email, "password": "secret-1" })).await.done();
    assert_eq!(said["status"], "OK", "{email}: {said}");
    said["recipeUserId"].as_str().expect("an id").to_owned()
}

async fn sign_in(w: &World, tenant: &str, email: &str) -> String {
    let said = w.post("5.4", &format!("{tenant}/recipe/signin"), json!({ "email": email, "password": "secret-1" })).await.done();
    said["status"].as_str().expect("a status").to_owned()
}

async fn change_email(w: &World, user: &str, email: &str) {
    w.put("5.4", "/recipe/user", json!({ "recipeUserId": user, "email": email })).await.ok();
}

/// Users that wait, and of whom the tables differ.
async fn progress(w: &World) -> (Value, Value) {
    let said = w.get("5.4", &format!("{PROGRESS}?verify=true")).await.ok()["cuds"][0].clone();
    (said["pendingUsers"].clone(), said["inconsistentUsersCount"].clone())
}

async fn nobody_is_served_from_tables_that_lack_somebody(w: &World) {
    put_users_of_every_kind(w).await;
    let before = told(w).await;
    for mode in ["DUAL_WRITE_READ_NEW", "MIGRATED"] {
        in_mode(w, "LEGACY").await;
        let victim = sign_up(w, "victim@x").await;
        forget_newer_tables(w).await;
        in_mode(w, mode).await;
        let taken = w.post("5.4", "/recipe/signup", json!({ "email": "victim@x", "password": "p" })).await.done();
        assert_eq!(taken["status"], "EMAIL_ALREADY_EXISTS_ERROR", "{mode}");
        assert_eq!(sign_in(w, "", "victim@x").await, "OK", "{mode}");
        agree(w).await;
        assert_eq!(backfill(w).await, 0, "{mode}");
        in_mode(w, "LEGACY").await;
        w.post("5.4", "/user/remove", json!({ "userId": victim })).await.ok();
        in_mode(w, mode).await;
        backfill(w).await;
        assert_eq!(told(w).await, before, "{mode}");
    }
}

async fn cores_that_start_at_once_write_everybody(w: &World) {
    put_users_of_every_kind(w).await;
    let before = told(w).await;
    in_mode(w, "DUAL_WRITE_READ_NEW").await;
    forget_newer_tables(w).await;
    let (one, other) = futures_util::join!(w.second_core(), w.second_core());
    assert_eq!((told(&one).await == before, told(&other).await == before), (true, true));
    agree(w).await;
}

/// A core that reads the newer tables takes the tenants of what it writes into the older ones from the older ones.
async fn what_the_newer_tables_lack_is_written_to_the_older_ones_all_the_same(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let user = sign_up(w, "c@x").await;
    in_mode(w, "DUAL_WRITE_READ_NEW").await;
    w.write("delete from recipe_user_tenants").await;
    change_email(w, &user, "c2@x").await;
    assert_eq!(count(w, "emailpassword_user_to_tenant where email = 'c2@x'").await, 1);
    w.post("5.4", PLACE, json!({ "recipeUserId": user })).await.ok();
    assert_eq!(sign_in(w, "", "c2@x").await, "OK");
    agree(w).await;
}

async fn what_an_older_core_has_changed_is_written_anew(w: &World) {
    let [gone, mail, primary, linked] =
        [sign_up(w, "del@x").await, sign_up(w, "mail@x").await, sign_up(w, "p@x").await, sign_up(w, "unl@x").await];
    let link = json!({ "recipeUserId": linked, "primaryUserId": primary });
    w.post("5.4", &format!("{LINKING}/primary"), json!({ "recipeUserId": primary })).await.ok();
    w.post("5.4", &format!("{LINKING}/link"), link.clone()).await.ok();
    in_mode(w, BOTH).await;
    backfill(w).await;
    agree(w).await;
    let change = async |w: &World| {
        w.post("5.4", "/user/remove", json!({ "userId": gone })).await.ok();
        change_email(w, &mail, "mail2@x").await;
        w.post("5.4", &format!("{LINKING}/unlink"), json!({ "recipeUserId": linked })).await.ok();
    };
    in_mode(w, "LEGACY").await;
    change(w).await;
    in_mode(w, BOTH).await;
    let (pending, differ) = progress(w).await;
    assert_eq!((pending, differ), (json!(0), json!(4)), "the one that is gone, the address, both that were linked");
    // What the primary user owns by the newer tables is its own.
    w.post("5.4", &format!("{LINKING}/link"), link).await.ok();
    w.post("5.4", &format!("{LINKING}/unlink"), json!({ "recipeUserId": linked })).await.ok();
    backfill(w).await;
    assert_eq!(progress(w).await, (json!(0), json!(0)));
    agree(w).await;
    sign_up(w, "del@x").await;
    for mode in [BOTH, "DUAL_WRITE_READ_NEW"] {
        in_mode(w, mode).await;
        assert_eq!(sign_in(w, "", "mail2@x").await, "OK", "{mode}");
        assert_eq!(sign_in(w, "", "mail@x").await, "WRONG_CREDENTIALS_ERROR", "{mode}");
        assert_eq!(sign_in(w, "", "del@x").await, "OK", "{mode}");
    }
    agree(w).await;
}

async fn who_came_after_somebody_who_is_gone_gets_the_place(w: &World) {
    in_mode(w, BOTH).await;
    let first = sign_up(w, "a@x").await;
    in_mode(w, "LEGACY").await;
    w.post("5.4", "/user/remove", json!({ "userId": first })).await.ok();
    sign_up(w, "a@x").await;
    in_mode(w, BOTH).await;
    assert_eq!((backfill(w).await, progress(w).await), (1, (json!(0), json!(0))));
    agree(w).await;
    // And where there is no time for a job in between.
    in_mode(w, "LEGACY").await;
    let second = w.value("select user_id from emailpassword_users").await.expect("one user");
    w.post("5.4", "/user/remove", json!({ "userId": second })).await.ok();
    sign_up(w, "a@x").await;
    in_mode(w, "DUAL_WRITE_READ_NEW").await;
    assert_eq!(sign_in(w, "", "a@x").await, "OK");
    agree(w).await;
}

/// What is repaired where the newer tables are read takes nobody out of a tenant, although the older ones know of none.
async fn who_signed_up_in_the_last_mode_stays_where_they_are(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    in_mode(w, "MIGRATED").await;
    let first = sign_up(w, "a@x").await;
    w.post("5.4", &format!("/t1{PLACE}"), json!({ "recipeUserId": first })).await.ok();
    put_login(w, "", 2, By::Google("g", "b@x")).await;
    w.write("delete from all_auth_recipe_users").await;
    w.post("5.4", &format!("{LINKING}/primary"), json!({ "recipeUserId": first })).await.ok();
    w.post("5.4", &format!("{LINKING}/link"), json!({ "recipeUserId": id(2), "primaryUserId": first })).await.ok();
    w.write("delete from primary_user_tenants where account_info_value = 'b@x'").await;
    for mode in ["DUAL_WRITE_READ_NEW", "MIGRATED"] {
        in_mode(w, mode).await;
        backfill(w).await;
        assert_eq!(count(w, "primary_user_tenants where account_info_value = 'b@x'").await, 2, "{mode}");
        for tenant in ["", "/t1"] {
            assert_eq!(sign_in(w, tenant, "a@x").await, "OK", "{mode} {tenant}");
        }
        let taken = w.post("5.4", "/recipe/signup", json!({ "email": "a@x", "password": "p" })).await.done();
        assert_eq!(taken["status"], "EMAIL_ALREADY_EXISTS_ERROR", "{mode}");
    }
}

/// An address that an older core has given to somebody else is that one's from the first request on.
async fn nobody_is_served_by_what_an_older_core_has_changed(w: &World) {
    for (n, mode) in ["DUAL_WRITE_READ_NEW", "MIGRATED"].into_iter().enumerate() {
        let [old, new] = [format!("a{n}@x"), format!("c{n}@x")];
        in_mode(w, BOTH).await;
        let first = sign_up(w, &old).await;
        in_mode(w, "LEGACY").await;
        change_email(w, &first, &new).await;
        let second = sign_up(w, &old).await;
        in_mode(w, mode).await;
        for (email, user) in [(old, second), (new, first)] {
            let said = w.post("5.4", "/recipe/signin", json!({ "email": email, "password": "secret-1" })).await.done();
            assert_eq!((&said["status"], &said["recipeUserId"]), (&json!("OK"), &json!(user)), "{mode} {email}");
        }
    }
}

/// Whoever is linked by an older core to somebody who joined later brings the time along, for all of them.
async fn all_of_a_group_have_one_time(w: &World) {
    let early = sign_up(w, "a@x").await;
    w.clock.advance(10);
    put_login(w, "", 2, By::Google("g", "a@x")).await;
    w.post("5.4", &format!("{LINKING}/primary"), json!({ "recipeUserId": id(2) })).await.ok();
    in_mode(w, BOTH).await;
    backfill(w).await;
    in_mode(w, "LEGACY").await;
    w.post("5.4", &format!("{LINKING}/link"), json!({ "recipeUserId": early, "primaryUserId": id(2) })).await.ok();
    in_mode(w, BOTH).await;
    backfill(w).await;
    let times = "(select distinct primary_or_recipe_user_time_joined from app_id_to_user_id) as times";
    assert_eq!(count(w, times).await, 1);
    agree(w).await;
}

/// In which tenants somebody is, nothing but the mode decides: that is told, and mended when somebody says which tables are right.
async fn tenants_that_differ_are_told_and_mended_on_demand(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    in_mode(w, BOTH).await;
    let user = sign_up(w, "a@x").await;
    w.post("5.4", &format!("/t1{PLACE}"), json!({ "recipeUserId": user })).await.ok();
    in_mode(w, "LEGACY").await;
    w.post("5.4", &format!("/t1{PLACE}/remove"), json!({ "recipeUserId": user })).await.ok();
    in_mode(w, BOTH).await;
    assert_eq!((backfill(w).await, progress(w).await), (0, (json!(0), json!(1))));
    w.write("update app_id_to_user_id set time_joined = 0").await;
    assert_eq!((backfill(w).await, progress(w).await), (1, (json!(0), json!(0))));
    agree(w).await;
    in_mode(w, "DUAL_WRITE_READ_NEW").await;
    assert_eq!(sign_in(w, "/t1", "a@x").await, "WRONG_CREDENTIALS_ERROR");
}

/// Somebody else has what a user logs in by: that user waits, and is counted.
async fn whose_place_somebody_else_has_is_not_done(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    in_mode(w, "MIGRATED").await;
    for table in ["emailpassword_user_to_tenant", "all_auth_recipe_users"] {
        w.write(&format!("delete from {table}")).await;
    }
    in_mode(w, "LEGACY").await;
    let second = sign_up(w, "a@x").await;
    in_mode(w, BOTH).await;
    for _ in 0..2 {
        assert_eq!((backfill(w).await, progress(w).await.0), (0, json!(1)));
    }
    // It still starts where that cannot be helped.
    in_mode(w, "DUAL_WRITE_READ_NEW").await;
    in_mode(w, BOTH).await;
    w.post("5.4", "/user/remove", json!({ "userId": id(1) })).await.ok();
    assert_eq!((backfill(w).await, progress(w).await), (1, (json!(0), json!(0))));
    assert_eq!(count(w, &format!("recipe_user_tenants where recipe_user_id = '{second}'")).await, 1);
}

/// Two primary users who share an address in a tenant, as two changes at once of a Java core can leave them.
async fn primary_users_who_share_something_are_counted(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Google("g", "a@x")).await;
    for table in ["app_id_to_user_id", "all_auth_recipe_users"] {
        w.write(&format!("update {table} set is_linked_or_is_a_primary_user = true")).await;
    }
    forget_newer_tables(w).await;
    in_mode(w, BOTH).await;
    for written in [2, 0] {
        assert_eq!((backfill(w).await, progress(w).await), (written, (json!(0), json!(1))));
    }
    w.post("5.4", "/user/remove", json!({ "userId": id(2) })).await.ok();
    w.restart().await;
    backfill(w).await;
    assert_eq!(progress(w).await, (json!(0), json!(0)));
    agree(w).await;
}

async fn who_is_in_no_tenant_is_not_counted(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Password("b@x")).await;
    w.post("5.4", &format!("{PLACE}/remove"), json!({ "recipeUserId": id(2) })).await.ok();
    for path in ["/users/count", "/users/count?includeAllTenants=true"] {
        assert_eq!(w.get("5.4", path).await.ok()["count"], 1, "{path}");
    }
    assert_eq!(w.get("5.4", "/users/count?includeAllTenants=true&includeRecipeIds=thirdparty").await.ok()["count"], 0);
}

scenarios!(World:
    nobody_is_served_from_tables_that_lack_somebody needs AJavaCoresPast,
    cores_that_start_at_once_write_everybody needs AJavaCoresPast,
    what_the_newer_tables_lack_is_written_to_the_older_ones_all_the_same needs AJavaCoresPast,
    what_an_older_core_has_changed_is_written_anew needs AJavaCoresPast,
    who_came_after_somebody_who_is_gone_gets_the_place needs AJavaCoresPast,
    who_signed_up_in_the_last_mode_stays_where_they_are needs AJavaCoresPast,
    nobody_is_served_by_what_an_older_core_has_changed needs AJavaCoresPast,
    all_of_a_group_have_one_time needs AJavaCoresPast,
    tenants_that_differ_are_told_and_mended_on_demand needs AJavaCoresPast,
    whose_place_somebody_else_has_is_not_done needs AJavaCoresPast,
    primary_users_who_share_something_are_counted needs AJavaCoresPast,
    who_is_in_no_tenant_is_not_counted,
);

//! Many at the same moment, every migration mode, and tables that fail (core-recipes-1.md 6, scenarios 28 to 30, 37, 38).

use serde_json::json;

use super::{account, sign_in};
use crate::cdi::linking::link;
use crate::cdi::place::{count, migration_modes};
use crate::cdi::session::races::at_once;
use crate::{World, scenarios};

const SIGN_IN_UP: &str = "/recipe/signinup";

async fn of_many_who_come_for_the_first_time_one_is_new(w: &World) {
    for round in 0..20 {
        let callers = (0..4).map(|_| {
            let (w, user) = (w.clone(), format!("g{round}"));
            async move { sign_in(&w, "5.4", "", &user, "a@x.io", true).await }
        });
        let said = at_once(callers.collect()).await;
        assert_eq!(said.iter().filter(|said| said["createdNewUser"] == true).count(), 1, "{said:?}");
        assert!(said.iter().all(|one| one["user"] == said[0]["user"]), "{said:?}");
    }
    assert_eq!(count(w, "thirdparty_users").await, 20);
}

async fn two_primary_users_never_get_one_address(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        for round in 0..5 {
            let users = [0, 1].map(|n| format!("{mode}{round}{n}"));
            for user in &users {
                let said = sign_in(w, "5.4", "", user, &format!("{user}@x.io"), false).await;
                link(w, &[said["recipeUserId"].as_str().expect("an id")]).await;
            }
            let callers = users.map(|user| {
                let (w, wanted) = (w.clone(), format!("{mode}{round}@wanted.io"));
                async move { w.post("5.4", SIGN_IN_UP, account("google", &user, &wanted, false)).await.done() }
            });
            let said = at_once(callers.into()).await;
            let of = |status: &str| said.iter().filter(|said| said["status"] == status).count();
            assert_eq!((of("OK"), of("EMAIL_CHANGE_NOT_ALLOWED_ERROR")), (1, 1), "{mode}: {said:?}");
        }
    }
}

async fn of_many_addresses_at_once_each_is_taken_and_one_stays(w: &World) {
    let said = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    link(w, &[said["recipeUserId"].as_str().expect("an id")]).await;
    for round in 0..5 {
        let callers = (0..4).map(|n| {
            let w = w.clone();
            async move { sign_in(&w, "5.4", "", "g1", &format!("{round}{n}@x.io"), true).await }
        });
        for said in at_once(callers.collect()).await {
            assert_eq!((&said["createdNewUser"], &said["user"]["id"]), (&json!(false), &said["recipeUserId"]));
        }
    }
    let kept = w.value("select email from thirdparty_users").await.expect("an address");
    let found = w.get("5.4", &format!("/recipe/users/by-email?email={kept}")).await.ok()["users"].clone();
    assert_eq!(found[0]["emails"], json!([kept]));
    assert_eq!(found[0]["loginMethods"][0]["verified"], true, "whoever told of it has vouched for it");
}

async fn whoever_is_removed_while_they_log_in_is_new_or_gone(w: &World) {
    for round in 0..12 {
        let user = sign_in(w, "5.4", "", "g1", "a@x.io", false).await["recipeUserId"].clone();
        // With a new address every other time.
        let email = if round % 2 == 0 { "a@x.io" } else { "b@x.io" };
        let callers = [true, false].map(|logs_in| {
            let (w, user) = (w.clone(), user.clone());
            async move {
                if logs_in {
                    w.post("5.4", SIGN_IN_UP, account("google", "g1", email, false)).await.ok()
                } else {
                    w.post("5.4", "/user/remove", json!({ "userId": user })).await.ok()
                }
            }
        });
        let said = at_once(callers.into()).await;
        let left = count(w, "thirdparty_users").await;
        assert_eq!(left, u64::from(said[0]["createdNewUser"] == true), "{said:?}");
        assert_eq!(count(w, "app_id_to_user_id").await, left);
    }
}

async fn rows_are_those_of_the_mode(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        w.clock.advance(1);
        let (email, now) = (format!("{mode}@x.io").to_lowercase(), w.clock.now().to_string());
        let said = sign_in(w, "5.4", "", mode, &email, true).await;
        let id = said["recipeUserId"].as_str().expect("an id");
        let joined = format!("select time_joined from app_id_to_user_id where user_id = '{id}'");
        assert_eq!(w.value(&joined).await, Some(if *mode == "LEGACY" { "0".to_owned() } else { now }), "{mode}");
        let there = async |table: &str, column: &str| count(w, &format!("{table} where {column} = '{id}'")).await;
        let (old, new) = (u64::from(*mode != "MIGRATED"), u64::from(*mode != "LEGACY"));
        assert_eq!(there("all_auth_recipe_users", "user_id").await, old, "{mode}");
        assert_eq!(there("thirdparty_user_to_tenant", "user_id").await, old, "{mode}");
        assert_eq!(there("recipe_user_account_infos", "recipe_user_id").await, 2 * new, "{mode}");
        assert_eq!(there("recipe_user_tenants", "recipe_user_id").await, 2 * new, "{mode}");
        assert_eq!(there("thirdparty_users", "user_id").await, 1, "{mode}");
        if new == 1 {
            let columns = "account_info_type, third_party_id, third_party_user_id, account_info_value";
            let rows =
                w.rows(&format!("select {columns} from recipe_user_tenants where recipe_user_id = '{id}' order by 1")).await;
            let rows: Vec<String> = rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect();
            assert_eq!(rows, [format!("email google {mode} {email}"), format!("tparty   google::{mode}")], "{mode}");
        }
        let again = sign_in(w, "5.4", "", mode, &email, false).await;
        assert_eq!((&again["createdNewUser"], &again["user"]), (&json!(false), &said["user"]), "{mode}");
        let changed = sign_in(w, "5.4", "", mode, &format!("new-{email}"), false).await;
        assert_eq!(
            (&changed["recipeUserId"], &changed["user"]["emails"]),
            (&json!(id), &json!([format!("new-{email}")])),
            "{mode}"
        );
    }
}

async fn the_log_of_activity_stops_nobody(w: &World) {
    for table in ["activity_log", "user_last_active"] {
        w.write(&format!("alter table {table} rename to out_of_the_way")).await;
        for created in [true, false] {
            assert_eq!(sign_in(w, "5.4", "", table, "a@x.io", true).await["createdNewUser"], created, "{table}");
        }
        w.write(&format!("alter table out_of_the_way rename to {table}")).await;
    }
}

scenarios!(World:
    of_many_who_come_for_the_first_time_one_is_new,
    two_primary_users_never_get_one_address,
    of_many_addresses_at_once_each_is_taken_and_one_stays,
    whoever_is_removed_while_they_log_in_is_new_or_gone,
    rows_are_those_of_the_mode,
    the_log_of_activity_stops_nobody,
);

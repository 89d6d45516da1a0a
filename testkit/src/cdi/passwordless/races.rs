//! Many at the same moment, every migration mode, and tables that fail (core-recipes-1.md 6, scenarios 85, 86, 88 to 90, 97).

use serde_json::{Value, json};

use super::consuming::{id, log_in, log_in_by_phone};
use super::{by_code, by_link, code_for, consume, devices};
use crate::cdi::place::{count, migration_modes};
use crate::cdi::session::races::at_once;
use crate::target::Kind;
use crate::{Answer, World, scenarios};

const ROUNDS: usize = 50;

/// What each of two callers is answered who try these at the same moment.
async fn both(w: &World, shown: [Value; 2]) -> Vec<Answer> {
    let callers = shown.map(|shown| {
        let w = w.clone();
        async move { consume(&w, "5.4", "", shown).await }
    });
    at_once(callers.into()).await
}

fn one_of_two(said: &[Answer]) {
    let of = |status: &str| said.iter().filter(|said| said.done()["status"] == status).count();
    assert_eq!((of("OK"), of("RESTART_FLOW_ERROR")), (1, 1), "{said:?}");
}

async fn a_code_lets_one_of_two_in(w: &World) {
    for _ in 0..ROUNDS {
        let code = code_for(w, "", "a@x.io").await;
        let typed = code["userInputCode"].as_str().expect("a code");
        one_of_two(&both(w, [by_link(&code), by_code(&code, typed)]).await);
        assert!(devices(w, "", "email=a@x.io").await.is_empty());
    }
    assert_eq!(count(w, "passwordless_users").await, 1);
}

async fn two_codes_of_one_address_let_one_of_two_in(w: &World) {
    for _ in 0..ROUNDS {
        let (one, two) = (code_for(w, "", "a@x.io").await, code_for(w, "", "a@x.io").await);
        one_of_two(&both(w, [by_link(&one), by_link(&two)]).await);
    }
    assert_eq!(count(w, "passwordless_users").await, 1);
    if w.target().kind() == Kind::Postgres {
        // Connections tell what they have seen when they end.
        w.restart().await;
        let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
        assert_eq!(w.value(deadlocks).await.as_deref(), Some("0"), "nobody waited in a circle");
    }
}

/// Somebody comes by the link while something else is asked; both answers, in this order.
async fn consumed_beside(w: &World, code: &Value, path: &'static str, body: Value) -> Vec<Answer> {
    let callers = [("/recipe/signinup/code/consume", by_link(code)), (path, body)].map(|(path, body)| {
        let w = w.clone();
        async move { w.post("5.4", path, body).await }
    });
    at_once(callers.into()).await
}

async fn a_code_that_is_taken_back_meanwhile_lets_in_or_not(w: &World) {
    for _ in 0..ROUNDS {
        let code = code_for(w, "", "a@x.io").await;
        let said = consumed_beside(w, &code, "/recipe/signinup/code/remove", json!({ "codeId": code["codeId"] })).await;
        let status = said[0].done()["status"].clone();
        assert!(status == "OK" || status == "RESTART_FLOW_ERROR", "{said:?}");
        said[1].ok();
        consume(w, "5.4", "", by_link(&code)).await.says("RESTART_FLOW_ERROR");
    }
}

async fn a_code_that_is_sent_again_meanwhile_ends_with_the_others(w: &World) {
    for _ in 0..ROUNDS {
        let code = code_for(w, "", "a@x.io").await;
        let said = consumed_beside(w, &code, "/recipe/signinup/code", json!({ "deviceId": code["deviceId"] })).await;
        said[0].ok();
        let sent = said[1].done();
        assert!(sent["status"] == "OK" || sent["status"] == "RESTART_FLOW_ERROR", "{sent}");
        assert!(devices(w, "", "email=a@x.io").await.is_empty(), "whichever came first");
        if sent["status"] == "OK" {
            consume(w, "5.4", "", by_link(&sent)).await.says("RESTART_FLOW_ERROR");
        }
    }
}

async fn by_a_number_and_by_an_address_at_once_both_come_in(w: &World) {
    let user = id(&log_in(w, "5.4", "", "a@x.io").await);
    let both = json!({ "recipeUserId": user, "phoneNumber": "+442071838750" }).to_string();
    w.raw("PUT", "/recipe/user", &[("cdi-version", "5.4"), ("rid", "passwordless")], both).await.ok();
    for _ in 0..10 {
        let mail = code_for(w, "", "a@x.io").await;
        let text = w.post("5.4", "/recipe/signinup/code", json!({ "phoneNumber": "+442071838750" })).await.ok();
        // One of them may end the code of the other before it is used.
        let said: Vec<Value> = self::both(w, [by_link(&mail), by_link(&text)]).await.iter().map(Answer::done).collect();
        let came_in = said.iter().filter(|said| said["status"] == "OK" && said["recipeUserId"] == json!(user)).count();
        let came_late = said.iter().filter(|said| said["status"] == "RESTART_FLOW_ERROR").count();
        assert!(came_in >= 1 && came_in + came_late == 2, "{said:?}");
        assert_eq!(count(w, "passwordless_devices").await, 0);
    }
}

async fn what_is_undone_leaves_the_code_usable(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    w.write("alter table passwordless_users rename to out_of_the_way").await;
    assert_eq!(consume(w, "5.4", "", by_link(&code)).await.status, 500);
    w.write("alter table out_of_the_way rename to passwordless_users").await;
    assert_eq!((count(w, "app_id_to_user_id").await, devices(w, "", "email=a@x.io").await.len()), (0, 1));
    let said = consume(w, "5.4", "", by_link(&code)).await.ok();
    assert_eq!(said["createdNewUser"], true);
}

async fn the_log_of_activity_stops_nobody(w: &World) {
    for table in ["activity_log", "user_last_active"] {
        w.write(&format!("alter table {table} rename to out_of_the_way")).await;
        for created in [true, false] {
            assert_eq!(log_in(w, "5.4", "", &format!("{table}@x.io")).await["createdNewUser"], created, "{table}");
        }
        w.write(&format!("alter table out_of_the_way rename to {table}")).await;
    }
}

/// What was sent before must not make the account anew.
async fn whoever_is_removed_takes_what_was_sent_along(w: &World) {
    let user = id(&log_in(w, "5.4", "", "a@x.io").await);
    let both = json!({ "recipeUserId": user, "phoneNumber": "+442071838750" }).to_string();
    w.raw("PUT", "/recipe/user", &[("cdi-version", "5.4"), ("rid", "passwordless")], both).await.ok();
    let mail = code_for(w, "", "a@x.io").await;
    let text = w.post("5.4", "/recipe/signinup/code", json!({ "phoneNumber": "+442071838750" })).await.ok();
    let other = code_for(w, "", "b@x.io").await;
    w.post("5.4", "/user/remove", json!({ "userId": user })).await.ok();
    for code in [&mail, &text] {
        consume(w, "5.4", "", by_link(code)).await.says("RESTART_FLOW_ERROR");
        w.post("5.4", "/recipe/signinup/code", json!({ "deviceId": code["deviceId"] })).await.says("RESTART_FLOW_ERROR");
    }
    consume(w, "5.4", "", by_link(&other)).await.ok();
}

async fn rows_are_those_of_the_mode(w: &World) {
    for (n, mode) in migration_modes(w).iter().enumerate() {
        w.with_config(json!({ "migration_mode": mode })).await;
        w.clock.advance(1);
        let (email, phone, now) = (format!("{n}@x.io"), format!("+44207183875{n}"), w.clock.now().to_string());
        for said in [log_in(w, "5.4", "", &email).await, log_in_by_phone(w, "5.4", "", &phone).await] {
            let id = id(&said);
            let joined = format!("select time_joined from app_id_to_user_id where user_id = '{id}'");
            assert_eq!(w.value(&joined).await, Some(if *mode == "LEGACY" { "0".to_owned() } else { now.clone() }), "{mode}");
            let there = async |table: &str, column: &str| count(w, &format!("{table} where {column} = '{id}'")).await;
            let (old, new) = (u64::from(*mode != "MIGRATED"), u64::from(*mode != "LEGACY"));
            assert_eq!(there("all_auth_recipe_users", "user_id").await, old, "{mode}");
            assert_eq!(there("passwordless_user_to_tenant", "user_id").await, old, "{mode}");
            assert_eq!(there("recipe_user_account_infos", "recipe_user_id").await, new, "{mode}");
            assert_eq!(there("recipe_user_tenants", "recipe_user_id").await, new, "{mode}");
            assert_eq!(there("passwordless_users", "user_id").await, 1, "{mode}");
        }
        assert_eq!(log_in(w, "5.4", "", &email).await["createdNewUser"], false, "{mode}");
        assert_eq!(log_in_by_phone(w, "5.4", "", &phone).await["createdNewUser"], false, "{mode}");
    }
}

scenarios!(World:
    a_code_lets_one_of_two_in,
    two_codes_of_one_address_let_one_of_two_in,
    a_code_that_is_taken_back_meanwhile_lets_in_or_not,
    a_code_that_is_sent_again_meanwhile_ends_with_the_others,
    by_a_number_and_by_an_address_at_once_both_come_in,
    what_is_undone_leaves_the_code_usable,
    the_log_of_activity_stops_nobody,
    whoever_is_removed_takes_what_was_sent_along,
    rows_are_those_of_the_mode,
);

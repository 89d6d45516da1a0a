//! Who gets an account, and who does not (core-users.md 3.1).

use serde_json::{Value, json};

use super::{PASSWORD, sign_in, sign_in_with, sign_up, try_sign_up};
use crate::cdi::place::{count, make_app, migration_modes, put_tenant};
use crate::{World, members, scenarios};

async fn a_new_user_has_one_login_method(w: &World) {
    let said = try_sign_up(w, "5.4", "", "a@example.com").await.ok();
    let (id, now) = (&said["recipeUserId"], w.clock.now());
    assert_eq!(id.as_str().map(str::len), Some(36));
    assert_eq!(
        said,
        json!({ "status": "OK", "recipeUserId": id, "user": {
            "id": id, "isPrimaryUser": false, "tenantIds": ["public"], "timeJoined": now, "emails": ["a@example.com"],
            "phoneNumbers": [], "thirdParty": [], "webauthn": { "credentialIds": [] },
            "loginMethods": [{ "tenantIds": ["public"], "recipeUserId": id, "verified": false, "timeJoined": now,
                "recipeId": "emailpassword", "email": "a@example.com" }],
        } })
    );
    let text = try_sign_up(w, "5.4", "", "b@example.com").await.text;
    assert!(text.starts_with(r#"{"status":"OK","user":{"id":""#), "{text}");
    put_tenant(w, "", "t1", json!({})).await;
    let said = try_sign_up(w, "5.4", "/t1", "a@example.com").await.ok();
    assert_eq!(said["user"]["tenantIds"], json!(["t1"]));
    assert_eq!(said["user"]["loginMethods"][0]["tenantIds"], json!(["t1"]));
}

async fn every_version_has_its_shape(w: &World) {
    for (cdi, outside, inside) in [
        ("2.7", vec!["status", "user"], vec!["email", "id", "timeJoined"]),
        ("2.21", vec!["status", "user"], vec!["email", "id", "timeJoined"]),
        ("3.0", vec!["status", "user"], vec!["email", "id", "tenantIds", "timeJoined"]),
        ("4.0", vec!["recipeUserId", "status", "user"], vec![]),
        ("5.3", vec!["recipeUserId", "status", "user"], vec![]),
    ] {
        let email = format!("{cdi}@example.com");
        for said in [try_sign_up(w, cdi, "", &email).await.ok(), w.post(cdi, "/recipe/signin", credentials(&email)).await.ok()] {
            assert_eq!(members(&said), outside, "{cdi}");
            if inside.is_empty() {
                assert!(said["user"]["loginMethods"].is_array());
                assert_eq!(said["user"].get("webauthn").is_some(), cdi == "5.3");
                assert_eq!(said["user"]["loginMethods"][0].get("webauthn"), None);
            } else {
                assert_eq!(members(&said["user"]), inside, "{cdi}");
            }
        }
    }
}

fn credentials(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD })
}

async fn an_address_has_one_spelling(w: &World) {
    let said = try_sign_up(w, "5.4", "", " Test@Example.COM\n").await.ok();
    assert_eq!(said["user"]["emails"], json!(["test@example.com"]));
    for email in ["test@example.com", "TEST@EXAMPLE.COM", "\t\u{1}Test@example.com "] {
        assert_eq!(sign_in(w, "", email).await.ok()["user"]["id"], said["user"]["id"], "{email:?}");
    }
    // A blank that is no ASCII is part of the address.
    assert_eq!(
        try_sign_up(w, "5.4", "", "\u{a0}test@example.com").await.ok()["user"]["emails"],
        json!(["\u{a0}test@example.com"])
    );
    try_sign_up(w, "5.4", "", "\u{0}test@example.com").await.says("EMAIL_ALREADY_EXISTS_ERROR");
    // What an address looks like is the application's affair.
    assert_eq!(try_sign_up(w, "5.4", "", "").await.ok()["user"]["emails"], json!([""]));
}

async fn an_address_is_taken_once_a_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    make_app(w, "a1").await;
    let first = sign_up(w, "", "a@example.com").await;
    for cdi in ["2.7", "3.0", "5.4"] {
        assert_eq!(
            try_sign_up(w, cdi, "", "A@example.com").await.done(),
            json!({ "status": "EMAIL_ALREADY_EXISTS_ERROR" }),
            "{cdi}"
        );
    }
    let others = [sign_up(w, "/t1", "a@example.com").await, sign_up(w, "/appid-a1", "a@example.com").await];
    assert!(others[0] != first && others[1] != first && others[0] != others[1]);
    try_sign_up(w, "5.4", "/t1", "a@example.com").await.says("EMAIL_ALREADY_EXISTS_ERROR");
    assert_eq!(count(w, "emailpassword_users").await, 3);
    assert_eq!(count(w, "app_id_to_user_id").await, 3);
}

async fn what_is_wrong_is_said_in_order(w: &World) {
    let field = |name: &str| format!("Field name '{name}' is invalid in JSON input");
    for (body, words) in [
        (json!({}), field("email")),
        (json!({ "password": 1 }), field("email")),
        (json!({ "email": null, "password": "p" }), field("email")),
        (json!({ "email": 1, "password": "p" }), field("email")),
        (json!({ "email": "a@example.com" }), field("password")),
        (json!({ "email": "a@example.com", "password": null }), field("password")),
        (json!({ "email": "a\0@example.com", "password": "p" }), field("email")),
        (json!({ "email": format!("{}@example.com", "a".repeat(245)), "password": "" }), field("email")),
    ] {
        for path in ["/recipe/signup", "/ghost/recipe/signup", "/recipe/signin"] {
            w.post("5.4", path, body.clone()).await.refuses(400, &words);
        }
    }
    let empty = json!({ "email": "a@example.com", "password": "" });
    w.post("5.4", "/ghost/recipe/signup", empty.clone()).await.refuses(400, "Password cannot be an empty string");
    w.post("5.4", "/recipe/signin", empty).await.says("WRONG_CREDENTIALS_ERROR");
    for body in ["[]", "", "{", "\"a\""] {
        w.raw("POST", "/recipe/signup", &[("cdi-version", "5.4")], body).await.refuses(400, "Invalid Json Input");
    }
    // As long as the column, in characters.
    let email = format!("{}@example.com", "ä".repeat(244));
    assert_eq!(try_sign_up(w, "5.4", "", &email).await.ok()["user"]["emails"], json!([email]));
}

async fn any_password_will_do_but_none(w: &World) {
    for (n, password) in [" ", "p\0q", "ü", "\u{1f511}", &"x".repeat(100_000)].into_iter().enumerate() {
        let email = format!("{n}@example.com");
        w.post("5.4", "/recipe/signup", json!({ "email": email, "password": password })).await.ok();
        sign_in_with(w, "", &email, password).await.ok();
        for wrong in ["", "p", "u", "x"] {
            sign_in_with(w, "", &email, wrong).await.says("WRONG_CREDENTIALS_ERROR");
        }
    }
}

async fn one_of_many_at_once_gets_the_address(w: &World) {
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let w = w.clone();
            tokio::spawn(async move { try_sign_up(&w, "5.4", "", "a@example.com").await.done()["status"].clone() })
        })
        .collect();
    let mut said = Vec::new();
    for asked in asked {
        said.push(asked.await.expect("an answer"));
    }
    assert_eq!(said.iter().filter(|status| **status == "OK").count(), 1);
    assert_eq!(said.iter().filter(|status| **status == "EMAIL_ALREADY_EXISTS_ERROR").count(), 49);
    for table in ["app_id_to_user_id", "emailpassword_users"] {
        assert_eq!(count(w, table).await, 1, "{table}");
    }
}

async fn addresses_that_an_sdk_made_up_are_verified_at_once(w: &World) {
    for (email, verified) in [
        ("x@stfakeemail.supertokens.com", true),
        ("x@a.fakeemail.com", true),
        ("x@fakeemail.com", false),
        ("x@example.com", false),
    ] {
        let said = try_sign_up(w, "5.4", "", email).await.ok();
        assert_eq!(said["user"]["loginMethods"][0]["verified"], verified, "{email}");
        let id = said["recipeUserId"].as_str().expect("an id");
        let rows = format!("emailverification_verified_emails where user_id = '{id}' and email = '{email}'");
        assert_eq!(count(w, &rows).await, u64::from(verified), "{email}");
    }
}

async fn there_is_nobody_in_a_place_that_is_none(w: &World) {
    for path in ["/ghost", "/appid-ghost", "/appid-ghost/t1"] {
        let (app, tenant) = match path {
            "/ghost" => ("public", "ghost"),
            "/appid-ghost" => ("ghost", "public"),
            _ => ("ghost", "t1"),
        };
        let words = format!(
            "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: \
             (, {app}, {tenant})"
        );
        try_sign_up(w, "5.4", path, "a@example.com").await.refuses(400, &words);
        sign_in(w, path, "a@example.com").await.refuses(400, &words);
    }
    put_tenant(w, "", "t1", json!({})).await;
    try_sign_up(w, "2.21", "/t1", "a@example.com").await.refuses(404, "Not found");
}

async fn a_new_user_was_active(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let active = format!("select last_active_time from user_last_active where user_id = '{id}'");
    assert_eq!(w.value(&active).await, Some(w.clock.now().to_string()));
    let noted =
        w.rows("select event_type, auth_principal, identifier, recipe_user_id from activity_log order by event_type").await;
    let noted: Vec<String> = noted.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(noted, [format!("emailpassword_sign_up email a@example.com {id}"), format!("user_last_active {id}")]);
}

async fn rows_are_those_of_the_mode(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        w.clock.advance(1);
        let (email, now) = (format!("{mode}@example.com"), w.clock.now().to_string());
        let id = sign_up(w, "", &email).await;
        let joined = format!("select time_joined from app_id_to_user_id where user_id = '{id}'");
        assert_eq!(w.value(&joined).await, Some(if *mode == "LEGACY" { "0".to_owned() } else { now }), "{mode}");
        let there = async |table: &str, column: &str| count(w, &format!("{table} where {column} = '{id}'")).await;
        let (old, new) = (u64::from(*mode != "MIGRATED"), u64::from(*mode != "LEGACY"));
        assert_eq!(there("all_auth_recipe_users", "user_id").await, old, "{mode}");
        assert_eq!(there("emailpassword_user_to_tenant", "user_id").await, old, "{mode}");
        assert_eq!(there("recipe_user_account_infos", "recipe_user_id").await, new, "{mode}");
        assert_eq!(there("recipe_user_tenants", "recipe_user_id").await, new, "{mode}");
        assert_eq!(there("emailpassword_users", "user_id").await, 1, "{mode}");
        sign_in(w, "", &email).await.ok();
        try_sign_up(w, "5.4", "", &email).await.says("EMAIL_ALREADY_EXISTS_ERROR");
    }
}

scenarios!(World:
    a_new_user_has_one_login_method,
    every_version_has_its_shape,
    an_address_has_one_spelling,
    an_address_is_taken_once_a_tenant,
    what_is_wrong_is_said_in_order,
    any_password_will_do_but_none,
    one_of_many_at_once_gets_the_address,
    addresses_that_an_sdk_made_up_are_verified_at_once,
    there_is_nobody_in_a_place_that_is_none,
    a_new_user_was_active,
    rows_are_those_of_the_mode,
);

//! One user, looked up and changed, by the path that three recipes share (core-users.md 3.3 to 3.5).

use serde_json::{Value, json};

use super::{PASSWORD, sign_in, sign_in_with, sign_up, signs_in, stored_hash, text};
use crate::cdi::linking::{link, map};
use crate::cdi::passwordless::somebody;
use crate::cdi::place::{count, make_app, migration_modes, put_tenant};
use crate::cdi::session::create;
use crate::{Answer, World, members, scenarios};

const PATH: &str = "/recipe/user";
const TAKEN: &str = "EMAIL_ALREADY_EXISTS_ERROR";

async fn change(w: &World, user: &str, email: &str) -> Answer {
    w.put("5.4", PATH, json!({ "recipeUserId": user, "email": email })).await
}

async fn get(w: &World, cdi: &str, query: &str) -> Answer {
    w.get(cdi, &format!("{PATH}?{query}")).await
}

async fn a_user_is_found_by_id_or_address_but_not_by_both(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    for place in ["", "/appid-ghost"] {
        let both = w.get("5.4", &format!("{place}{PATH}?userId={id}&email=a@example.com")).await;
        both.refuses(400, "Please provide only one of userId or email");
        w.get("5.4", &format!("{place}{PATH}")).await.refuses(400, "Please provide one of userId or email");
    }
    let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: \
                 (, ghost, public)";
    w.get("5.4", &format!("/appid-ghost/t1{PATH}?userId={id}")).await.refuses(400, words);
    let by_id = get(w, "5.4", &format!("userId={id}")).await.ok();
    assert_eq!((members(&by_id), text(&by_id["user"], "id")), (vec!["status", "user"], id.as_str()));
    assert_eq!(get(w, "5.4", "email=%20A@example.com").await.ok(), by_id);
    assert_eq!(members(&get(w, "2.7", &format!("userId={id}")).await.ok()["user"]), ["email", "id", "timeJoined"]);
    get(w, "5.4", "userId=").await.says("UNKNOWN_USER_ID_ERROR");
    get(w, "5.4", "email=").await.says("UNKNOWN_EMAIL_ERROR");
    get(w, "5.4", "userId=a%00b").await.says("UNKNOWN_USER_ID_ERROR");
    get(w, "5.4", "email=a%00b").await.says("UNKNOWN_EMAIL_ERROR");
}

async fn an_id_is_the_whole_id(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    for other in [format!("{id}xxx"), format!("{id}%20"), id[..35].to_owned(), id.to_uppercase()] {
        get(w, "5.4", &format!("userId={other}")).await.says("UNKNOWN_USER_ID_ERROR");
        let put = json!({ "recipeUserId": other.replace("%20", " "), "password": "x" });
        w.put("5.4", PATH, put).await.says("UNKNOWN_USER_ID_ERROR");
    }
    map(w, &id, "ext").await;
    for known in [id.as_str(), "ext"] {
        assert_eq!(get(w, "5.4", &format!("userId={known}")).await.ok()["user"]["id"], "ext");
        w.put("5.4", PATH, json!({ "recipeUserId": known, "password": "x" })).await.ok();
    }
    assert!(signs_in(w, "", "a@example.com", "x").await);
}

async fn whoever_is_in_another_tenant_has_an_id_but_no_address_here(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let id = sign_up(w, "/t1", "a@example.com").await;
    get(w, "5.4", "email=a@example.com").await.says("UNKNOWN_EMAIL_ERROR");
    get(w, "5.4", &format!("userId={id}")).await.ok();
    w.get("5.4", &format!("/t1{PATH}?email=a@example.com")).await.ok();
    let words = "Only public tenantId can call this app specific API";
    w.get("5.0", &format!("/t1{PATH}?userId={id}")).await.refuses(403, words);
    w.get("4.0", &format!("/t1{PATH}?userId={id}")).await.ok();
    w.get("4.0", &format!("/ghost{PATH}?userId={id}")).await.ok();
    assert_eq!(w.get("4.0", &format!("/ghost{PATH}?email=a@example.com")).await.status, 400);
    let put = json!({ "recipeUserId": id, "password": "x" });
    w.put("5.0", &format!("/t1{PATH}"), put.clone()).await.refuses(403, words);
    w.put("4.0", &format!("/t1{PATH}"), put).await.ok();
    make_app(w, "a1").await;
    w.get("5.4", &format!("/appid-a1{PATH}?userId={id}")).await.says("UNKNOWN_USER_ID_ERROR");
}

async fn a_linked_user_is_shown_alone_by_id_and_whole_by_address(w: &World) {
    let a = sign_up(w, "", "a@example.com").await;
    w.clock.advance(1);
    let b = sign_up(w, "", "b@example.com").await;
    let phone = somebody(w, "", json!({ "phoneNumber": "+4917000000" })).await;
    link(w, &[&phone, &b, &a]).await;
    let said = get(w, "5.4", &format!("userId={b}")).await.ok();
    assert_eq!((text(&said["user"], "id"), &said["user"]["isPrimaryUser"]), (b.as_str(), &json!(true)));
    assert_eq!(said["user"]["loginMethods"].as_array().map(Vec::len), Some(1));
    let whole = get(w, "5.4", "email=b@example.com").await.ok();
    assert_eq!(text(&whole["user"], "id"), phone);
    assert_eq!(whole["user"]["loginMethods"].as_array().map(Vec::len), Some(3));
    get(w, "5.4", &format!("userId={phone}")).await.says("UNKNOWN_USER_ID_ERROR");
    w.put("5.4", PATH, json!({ "recipeUserId": phone, "password": "x" })).await.says("UNKNOWN_USER_ID_ERROR");
    change(w, &phone, "c@example.com").await.says("UNKNOWN_USER_ID_ERROR");
    change(w, "nobody", "c@example.com").await.says("UNKNOWN_USER_ID_ERROR");
}

async fn what_is_wrong_with_a_change_is_said(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let field = |name: &str| format!("Field name '{name}' is invalid in JSON input");
    for (cdi, body, words) in [
        ("3.0", json!({ "recipeUserId": id, "password": "x" }), field("userId")),
        ("4.0", json!({ "userId": id, "password": "x" }), field("recipeUserId")),
        ("4.0", json!({ "recipeUserId": id, "email": null, "password": "x" }), field("email")),
        ("4.0", json!({ "recipeUserId": id, "email": "x", "password": null }), field("password")),
        ("4.0", json!({ "recipeUserId": id, "email": "x".repeat(257) }), field("email")),
        ("4.0", json!({ "recipeUserId": id, "email": "a\0b" }), field("email")),
        ("4.0", json!({ "recipeUserId": id }), "You have to provide either email or password.".to_owned()),
        ("4.0", json!({ "recipeUserId": id, "password": "" }), "Password cannot be an empty string".to_owned()),
        (
            "4.0",
            json!({ "recipeUserId": "nobody", "email": "x", "password": "" }),
            "Password cannot be an empty string".to_owned(),
        ),
    ] {
        for place in ["", "/appid-ghost"] {
            w.put(cdi, &format!("{place}{PATH}"), body.clone()).await.refuses(400, &words);
        }
    }
    w.put("3.0", PATH, json!({ "userId": id, "password": "x" })).await.ok();
    assert!(signs_in(w, "", "a@example.com", "x").await);
}

async fn a_new_address_and_a_new_password_count_at_once(w: &World) {
    for (n, mode) in migration_modes(w).iter().enumerate() {
        w.with_config(json!({ "migration_mode": mode })).await;
        let [before, after] = ["a", "b"].map(|name| format!("{name}{n}@example.com"));
        let id = sign_up(w, "", &before).await;
        let body = json!({ "recipeUserId": id, "email": format!(" {} ", after.to_uppercase()), "password": "another one" });
        assert_eq!(w.put("5.4", PATH, body).await.done(), json!({ "status": "OK" }), "{mode}");
        assert!(signs_in(w, "", &after, "another one").await, "{mode}");
        assert!(!signs_in(w, "", &after, PASSWORD).await && !signs_in(w, "", &before, "another one").await, "{mode}");
        // The same address is no change, but the password beside it is.
        w.put("5.4", PATH, json!({ "recipeUserId": id, "email": after, "password": "a third one" })).await.ok();
        assert!(signs_in(w, "", &after, "a third one").await, "{mode}");
        // The old one is free.
        sign_up(w, "", &before).await;
    }
}

async fn an_address_that_is_taken_is_not_given_away_and_nothing_else_is_changed(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let a = sign_up(w, "", "a@example.com").await;
    sign_up(w, "", "b@example.com").await;
    sign_up(w, "/t1", "c@example.com").await;
    let before = stored_hash(w, &a).await;
    let body = json!({ "recipeUserId": a, "email": "b@example.com", "password": "another one" });
    assert_eq!(w.put("5.4", PATH, body).await.done(), json!({ "status": TAKEN }));
    assert_eq!(stored_hash(w, &a).await, before);
    sign_in(w, "", "a@example.com").await.ok();
    // In another tenant anybody may have it.
    change(w, &a, "c@example.com").await.ok();
    sign_in(w, "", "c@example.com").await.ok();
    sign_in(w, "/t1", "c@example.com").await.ok();
}

async fn an_address_of_another_recipe_is_not_taken_unless_two_groups_would_share_it(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let a = sign_up(w, "", "a@example.com").await;
    let rival = somebody(w, "", json!({ "email": "rival@example.com" })).await;
    let elsewhere = somebody(w, "/t1", json!({ "email": "elsewhere@example.com" })).await;
    somebody(w, "", json!({ "email": "stranger@example.com" })).await;
    link(w, &[&rival]).await;
    link(w, &[&elsewhere]).await;
    // Whoever stands alone shares an address with anybody of another recipe.
    change(w, &a, "rival@example.com").await.ok();
    change(w, &a, "a@example.com").await.ok();
    link(w, &[&a]).await;
    let refused = json!({
        "status": "EMAIL_CHANGE_NOT_ALLOWED_ERROR", "reason": "New email is associated with another primary user ID"
    });
    assert_eq!(change(w, &a, "rival@example.com").await.done(), refused);
    change(w, &a, "elsewhere@example.com").await.ok();
    change(w, &a, "stranger@example.com").await.ok();
    // A group's own addresses are its own.
    let own = somebody(w, "", json!({ "email": "own@example.com" })).await;
    link(w, &[&a, &own]).await;
    change(w, &a, "own@example.com").await.ok();
    // Another one with a password is told apart from another group.
    sign_up(w, "", "d@example.com").await;
    change(w, &a, "d@example.com").await.says(TAKEN);
}

async fn of_many_who_want_one_address_one_gets_it(w: &World) {
    let mut users = Vec::new();
    for n in 0..8 {
        users.push(sign_up(w, "", &format!("{n}@example.com")).await);
    }
    let asked: Vec<_> = users
        .into_iter()
        .map(|user| {
            let w = w.clone();
            tokio::spawn(async move { change(&w, &user, "all@example.com").await.done()["status"].clone() })
        })
        .collect();
    let mut said: Vec<Value> = Vec::new();
    for asked in asked {
        said.push(asked.await.expect("an answer"));
    }
    assert_eq!(said.iter().filter(|status| **status == "OK").count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|status| **status == TAKEN).count(), 7, "{said:?}");
    assert_eq!(count(w, "emailpassword_users where email = 'all@example.com'").await, 1);
}

async fn an_address_is_verified_as_long_as_it_is_the_same(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    w.write(&format!("insert into emailverification_verified_emails values ('public', '{id}', 'a@example.com')")).await;
    let verified = async || get(w, "5.4", &format!("userId={id}")).await.ok()["user"]["loginMethods"][0]["verified"].clone();
    assert_eq!(verified().await, true);
    change(w, &id, "b@example.com").await.ok();
    assert_eq!(verified().await, false);
    change(w, &id, "a@example.com").await.ok();
    assert_eq!(verified().await, true);
}

async fn a_change_leaves_sessions_and_reset_tokens_alone(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let session = create(w, "5.4", &id).await;
    let token = json!({ "userId": id, "email": "a@example.com" });
    let token = w.post("5.4", "/recipe/user/password/reset/token", token).await.ok()["token"].clone();
    w.put("5.4", PATH, json!({ "recipeUserId": id, "email": "b@example.com", "password": "x" })).await.ok();
    let handle = text(&session["session"], "handle");
    w.get("5.4", &format!("/recipe/session?sessionHandle={handle}")).await.ok();
    w.post("5.4", "/recipe/user/password/reset/token/consume", json!({ "token": token })).await.ok();
}

async fn other_values_of_the_header_rid_mean_this_recipe(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let body = json!({ "recipeUserId": id, "password": "x" }).to_string();
    for rid in ["emailpassword", "", "session"] {
        let headers = [("cdi-version", "5.4"), ("rid", rid)];
        w.raw("PUT", PATH, &headers, body.clone()).await.ok();
        w.raw("GET", &format!("{PATH}?userId={id}"), &headers, "").await.ok();
    }
    // Where another recipe is meant, it answers.
    let others = [("thirdparty", None), ("passwordless", Some("UNKNOWN_USER_ID_ERROR"))];
    for (rid, put) in others {
        let headers = [("cdi-version", "5.4"), ("rid", rid)];
        w.raw("GET", &format!("{PATH}?userId={id}"), &headers, "").await.says("UNKNOWN_USER_ID_ERROR");
        let changed = w.raw("PUT", PATH, &headers, body.clone()).await;
        match put {
            Some(status) => drop(changed.says(status)),
            None => changed.refuses(405, "Method not supported"),
        }
    }
    sign_in_with(w, "", "a@example.com", "x").await.ok();
}

scenarios!(World:
    a_user_is_found_by_id_or_address_but_not_by_both,
    an_id_is_the_whole_id,
    whoever_is_in_another_tenant_has_an_id_but_no_address_here,
    a_linked_user_is_shown_alone_by_id_and_whole_by_address,
    what_is_wrong_with_a_change_is_said,
    a_new_address_and_a_new_password_count_at_once,
    an_address_that_is_taken_is_not_given_away_and_nothing_else_is_changed,
    an_address_of_another_recipe_is_not_taken_unless_two_groups_would_share_it,
    of_many_who_want_one_address_one_gets_it,
    an_address_is_verified_as_long_as_it_is_the_same,
    a_change_leaves_sessions_and_reset_tokens_alone,
    other_values_of_the_header_rid_mean_this_recipe,
);

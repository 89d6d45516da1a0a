//! Who they are: made, shown, changed and removed.

use serde_json::{Value, json};

use super::{NOBODY, PASSWORD, change, create, created, sign_in, text, try_sign_in, whose};
use crate::cdi::costs::costs;
use crate::cdi::place::{count, in_query, make_app, put_tenant, remove_app};
use crate::cdi::session::races::at_once;
use crate::{World, scenarios};

const VECTORS: &str = include_str!("../../../vectors/dashboard_rules.json");
const BLANKS: fn(char) -> bool = |c| c <= ' ';

async fn stored(w: &World, email: &str) -> String {
    w.value(&format!("select password_hash from dashboard_users where email = '{email}'")).await.expect("a hash")
}

async fn delete(w: &World, query: &str) -> Value {
    w.delete("5.4", &format!("/recipe/dashboard/user?{query}")).await.ok()["didUserExist"].clone()
}

async fn somebody_is_made_and_the_hash_stays_inside(w: &World) {
    let made = create(w, "", " \tTEST@Example.com ", " testPass123\n").await;
    let (id, now) = (text(&made.ok()["user"], "userId"), w.clock.now());
    let user = format!("{{\"email\":\"test@example.com\",\"userId\":\"{id}\",\"timeJoined\":{now}}}");
    assert_eq!(made.text, format!("{{\"status\":\"OK\",\"user\":{user}}}\n"));
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'), "a random UUID");
    let listed = w.get("5.4", "/recipe/dashboard/users").await;
    assert_eq!(listed.text, format!("{{\"status\":\"OK\",\"users\":[{user}]}}\n"));
    let hash = stored(w, "test@example.com").await;
    assert!(hash.starts_with("$2a$04$") && hash.len() == 60, "{hash}");
    for typed in [PASSWORD, " testPass123 ", "\0testPass123"] {
        try_sign_in(w, "", "Test@example.COM\n", typed).await.ok();
    }
    // A user of an application is somebody else, and the other way round.
    w.post("5.4", "/recipe/signin", json!({ "email": "test@example.com", "password": PASSWORD }))
        .await
        .says("WRONG_CREDENTIALS_ERROR");
    w.get("5.4", &format!("/user/id?userId={id}")).await.says("UNKNOWN_USER_ID_ERROR");
    w.post("5.4", "/user/remove", json!({ "userId": id })).await.ok();
    try_sign_in(w, "", "test@example.com", PASSWORD).await.ok();
}

async fn every_address_and_password_is_judged_as_in_the_vectors(w: &World) {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let rows = |name: &str| vectors[name].as_array().expect("rows").clone();
    let (emails, passwords) = (rows("emails"), rows("passwords"));
    assert!(emails.len() >= 33 && passwords.len() >= 16);
    for row in emails {
        let email = text(&row, "email");
        // What is cut off here has been cut off there.
        let is_trimmed = email.trim_matches(BLANKS) == email;
        let said = if row["valid"] == true || !is_trimmed { "PASSWORD_WEAK_ERROR" } else { "INVALID_EMAIL_ERROR" };
        let made = create(w, "", &email, "short").await;
        assert_eq!(made.done()["status"], said, "{email:?}");
        let changed = change(w, json!({ "userId": NOBODY, "newEmail": email, "newPassword": "short" })).await;
        assert_eq!(changed.text, made.text);
    }
    for (n, row) in passwords.iter().enumerate() {
        let (password, email) = (text(row, "password"), format!("p{n}@example.com"));
        let made = create(w, "", &email, &password).await;
        if password.trim_matches(BLANKS).is_empty() {
            made.refuses(400, "Field name 'password' cannot be an empty String");
        } else if let Some(words) = row["error"].as_str().filter(|_| password.trim_matches(BLANKS) == password) {
            assert_eq!(made.done(), json!({ "status": "PASSWORD_WEAK_ERROR", "message": words }), "{password:?}");
            assert_eq!(change(w, json!({ "userId": NOBODY, "newPassword": password })).await.text, made.text);
        } else {
            made.ok();
            try_sign_in(w, "", &email, &password).await.ok();
        }
    }
}

async fn what_is_wrong_is_said_in_order(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let wrong = |field: &str| format!("Field name '{field}' is invalid in JSON input");
    let empty = |field: &str| format!("Field name '{field}' cannot be an empty String");
    let whom = || "Either field 'email' or 'userId' must be present".to_owned();
    let public = || "Only public tenantId can call this app specific API".to_owned();
    let nowhere = || {
        "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId \
         combination not found: (, ghost, public)"
            .to_owned()
    };
    let invalid = "{\"status\":\"INVALID_EMAIL_ERROR\"}";
    let weak = "{\"status\":\"PASSWORD_WEAK_ERROR\",\"message\":\"Password must contain at least one number\"}";
    let long = format!("{}@example.com", "a".repeat(245));
    let ghost = "/appid-ghost";
    let rows: Vec<(&str, &str, &str, Value, u16, String)> = vec![
        ("POST", "", "user", json!({}), 400, wrong("email")),
        ("POST", "", "user", json!({ "email": 1 }), 400, wrong("email")),
        ("POST", "", "user", json!({ "email": " \u{0} ", "password": 1 }), 400, empty("email")),
        ("POST", "", "user", json!({ "email": long, "password": PASSWORD }), 400, wrong("email")),
        ("POST", "", "user", json!({ "email": format!("{}@x.co", "İ".repeat(150)) }), 400, wrong("email")),
        ("POST", "", "user", json!({ "email": "a\u{0}@b.co", "password": PASSWORD }), 400, wrong("email")),
        ("POST", ghost, "user", json!({ "email": "a@b" }), 200, invalid.to_owned()),
        ("POST", ghost, "user", json!({ "email": "a@b.co" }), 400, wrong("password")),
        ("POST", ghost, "user", json!({ "email": "a@b.co", "password": "" }), 400, empty("password")),
        ("POST", ghost, "user", json!({ "email": "a@b.co", "password": "abcdefgh" }), 200, weak.to_owned()),
        ("POST", ghost, "user", json!({ "email": "a@b.co", "password": PASSWORD }), 400, nowhere()),
        ("POST", "/t1", "user", json!({ "email": "a@b.co", "password": PASSWORD }), 403, public()),
        ("PUT", ghost, "user", json!({ "newEmail": null }), 400, wrong("newEmail")),
        ("PUT", ghost, "user", json!({ "newEmail": "a@b", "newPassword": "" }), 200, invalid.to_owned()),
        ("PUT", ghost, "user", json!({ "newPassword": "abcdefgh", "userId": 1 }), 200, weak.to_owned()),
        ("PUT", ghost, "user", json!({ "userId": 1 }), 400, nowhere()),
        ("PUT", "/t1", "user", json!({ "userId": 1 }), 403, public()),
        ("PUT", "", "user", json!({ "userId": null, "email": "a@b.co" }), 400, wrong("userId")),
        ("PUT", "", "user", json!({ "userId": " ", "email": "a@b.co" }), 400, empty("userId")),
        ("PUT", "", "user", json!({ "email": "" }), 400, empty("email")),
        ("PUT", "", "user", json!({ "newPassword": PASSWORD }), 400, whom()),
        ("DELETE", ghost, "user", Value::Null, 400, whom()),
        ("DELETE", ghost, "user?userId=%20", Value::Null, 400, empty("userId")),
        ("DELETE", ghost, "user?email=", Value::Null, 400, empty("email")),
        ("DELETE", ghost, "user?email=a", Value::Null, 400, nowhere()),
        ("DELETE", "/t1", "user?email=a", Value::Null, 403, public()),
        ("GET", ghost, "users", Value::Null, 400, nowhere()),
        ("GET", "/t1", "users", Value::Null, 403, public()),
        ("POST", ghost, "signin", json!({ "email": " " }), 400, empty("email")),
        ("POST", ghost, "signin", json!({ "email": "a", "password": " " }), 400, empty("password")),
        ("POST", ghost, "signin", json!({ "email": "a", "password": "b" }), 400, nowhere()),
        ("POST", "/t1", "signin", json!({ "email": "a", "password": "b" }), 403, public()),
        ("GET", ghost, "user/sessions", Value::Null, 400, "Field name 'userId' is missing in GET request".to_owned()),
        ("GET", ghost, "user/sessions?userId=+", Value::Null, 400, empty("userId")),
        ("GET", "/t1", "user/sessions?userId=a", Value::Null, 403, public()),
        ("DELETE", ghost, "session", Value::Null, 400, "Field name 'sessionId' is missing in GET request".to_owned()),
        ("DELETE", ghost, "session?sessionId=%20", Value::Null, 400, empty("sessionId")),
        ("DELETE", "/t1", "session?sessionId=a", Value::Null, 403, public()),
        ("POST", ghost, "session/verify", json!({}), 400, wrong("sessionId")),
        ("POST", ghost, "session/verify", json!({ "sessionId": "\t" }), 400, empty("sessionId")),
        ("POST", ghost, "session/verify", json!({ "sessionId": "a" }), 400, nowhere()),
        ("POST", "/t1", "session/verify", json!({ "sessionId": "a" }), 403, public()),
    ];
    for (method, place, path, body, status, words) in rows {
        let (address, body) = (format!("{place}/recipe/dashboard/{path}"), body.to_string());
        let said =
            w.raw(method, &address, &[("cdi-version", "5.0")], if body == "null" { String::new() } else { body.clone() }).await;
        assert_eq!((said.status, said.text), (status, format!("{words}\n")), "{method} {address} {body}");
    }
    assert_eq!(count(w, "dashboard_users").await, 0);
}

async fn older_versions_ask_from_any_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let user = json!({ "email": "a@example.com", "password": PASSWORD });
    w.post("4.0", "/t1/recipe/dashboard/user", user.clone()).await.ok();
    let session = w.post("4.0", "/t1/recipe/dashboard/signin", user.clone()).await.ok()["sessionId"].clone();
    w.post("4.0", "/t1/recipe/dashboard/session/verify", json!({ "sessionId": session })).await.ok();
    assert_eq!(w.get("4.0", "/t1/recipe/dashboard/users").await.ok()["users"].as_array().map(Vec::len), Some(1));
    w.post("2.7", "/recipe/dashboard/signin", user).await.ok();
    w.get("5.4", "/t1/recipe/dashboard/tenant/core-config").await.ok();
}

async fn an_address_is_one_persons_in_each_app(w: &World) {
    make_app(w, "a1").await;
    created(w, "", "a@example.com").await;
    assert_eq!(create(w, "", " A@example.com", PASSWORD).await.text, "{\"status\":\"EMAIL_ALREADY_EXISTS_ERROR\"}\n");
    let there = created(w, "/appid-a1", "a@example.com").await;
    for round in 0..5 {
        let callers = (0..5).map(|_| {
            let w = w.clone();
            async move { create(&w, "", &format!("b{round}@example.com"), PASSWORD).await.done()["status"].clone() }
        });
        let said = at_once(callers.collect()).await;
        assert_eq!(said.iter().filter(|status| **status == "OK").count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|status| **status == "EMAIL_ALREADY_EXISTS_ERROR").count(), 4, "{said:?}");
    }
    // One app's people are nothing to another.
    assert_eq!(delete(w, &format!("userId={there}")).await, false);
    change(w, json!({ "userId": there, "newEmail": "x@example.com" })).await.says("UNKNOWN_USER_ERROR");
    let session = sign_in(w, "/appid-a1", "a@example.com").await;
    assert_eq!(w.get("5.4", &format!("/recipe/dashboard/user/sessions?userId={there}")).await.ok()["sessions"], json!([]));
    remove_app(w, "a1").await;
    assert_eq!((count(w, "dashboard_users where app_id = 'a1'").await, count(w, "dashboard_user_sessions").await), (0, 0));
    assert_eq!(whose(w, "", &session).await, None);
}

async fn there_may_be_any_number_of_them(w: &World) {
    let mut made = Vec::new();
    for n in 0..10 {
        w.clock.advance(1);
        made.push(created(w, "", &format!("{}@example.com", 9 - n)).await);
    }
    let users = w.get("5.4", "/recipe/dashboard/users").await.ok()["users"].clone();
    let listed: Vec<String> = users.as_array().expect("users").iter().map(|user| text(user, "userId")).collect();
    assert_eq!(listed, made);
    for n in 0..10 {
        sign_in(w, "", &format!("{n}@example.com")).await;
    }
}

async fn a_change_ends_all_sessions(w: &World) {
    let id = created(w, "", "a@example.com").await;
    created(w, "", "b@example.com").await;
    let others = sign_in(w, "", "b@example.com").await;
    let session = async |password: &str, email: &str| text(&try_sign_in(w, "", email, password).await.ok(), "sessionId");
    let old = [session(PASSWORD, "a@example.com").await, session(PASSWORD, "a@example.com").await];
    let joined = w.clock.now();
    w.clock.advance(1_000);

    let said = change(w, json!({ "userId": id, "newPassword": " newPass456 ", "email": "nobody@example.com" })).await;
    let user = format!("{{\"email\":\"a@example.com\",\"userId\":\"{id}\",\"timeJoined\":{joined}}}");
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"user\":{user}}}\n"));
    assert_eq!((whose(w, "", &old[0]).await, whose(w, "", &old[1]).await), (None, None));
    try_sign_in(w, "", "a@example.com", PASSWORD).await.says("INVALID_CREDENTIALS_ERROR");

    let new = session("newPass456", "a@example.com").await;
    let said = change(w, json!({ "email": " A@example.com", "newEmail": "C@example.com" })).await.ok();
    assert_eq!((&said["user"]["email"], &said["user"]["userId"]), (&json!("c@example.com"), &json!(id)));
    assert_eq!(whose(w, "", &new).await, None);
    try_sign_in(w, "", "a@example.com", "newPass456").await.says("INVALID_CREDENTIALS_ERROR");

    // Nothing new at all, and an address that is the own one.
    for body in [json!({ "userId": id }), json!({ "userId": id, "newEmail": "c@example.com" })] {
        let new = session("newPass456", "c@example.com").await;
        change(w, body).await.ok();
        assert_eq!(whose(w, "", &new).await, None);
    }
    assert_eq!(whose(w, "", &others).await.as_deref(), Some("b@example.com"));
}

async fn a_change_that_cannot_be_changes_nothing(w: &World) {
    let id = created(w, "", "a@example.com").await;
    created(w, "", "b@example.com").await;
    let (session, hash) = (sign_in(w, "", "a@example.com").await, stored(w, "a@example.com").await);
    for (whom, said) in [
        (json!({ "userId": id }), "EMAIL_ALREADY_EXISTS_ERROR"),
        (json!({ "email": "a@example.com" }), "EMAIL_ALREADY_EXISTS_ERROR"),
        (json!({ "userId": NOBODY }), "UNKNOWN_USER_ERROR"),
        (json!({ "userId": &id[..35] }), "UNKNOWN_USER_ERROR"),
        (json!({ "userId": "short", "email": "a@example.com" }), "UNKNOWN_USER_ERROR"),
        (json!({ "email": "c@example.com" }), "UNKNOWN_USER_ERROR"),
        (json!({ "email": "x".repeat(300) }), "UNKNOWN_USER_ERROR"),
    ] {
        let mut body = whom.clone();
        body["newEmail"] = json!("b@example.com");
        body["newPassword"] = json!("newPass456");
        assert_eq!(change(w, body).await.text, format!("{{\"status\":\"{said}\"}}\n"), "{whom}");
    }
    change(w, json!({ "userId": NOBODY })).await.says("UNKNOWN_USER_ERROR");
    assert_eq!(stored(w, "a@example.com").await, hash);
    assert_eq!(whose(w, "", &session).await.as_deref(), Some("a@example.com"));
}

async fn with_somebody_go_all_sessions_at_once(w: &World) {
    let id = created(w, "", "a@example.com").await;
    created(w, "", "b+c@example.com").await;
    let sessions = [sign_in(w, "", "a@example.com").await, sign_in(w, "", "b+c@example.com").await];
    assert_eq!(delete(w, &format!("userId={}", in_query(&format!("{id} ")))).await, true);
    assert_eq!((whose(w, "", &sessions[0]).await, count(w, "dashboard_user_sessions").await), (None, 1));
    assert_eq!(delete(w, &format!("userId={id}&email=b%2Bc@example.com")).await, false, "the id counts");
    assert_eq!(delete(w, "userId=b%2Bc@example.com").await, false);
    assert_eq!(delete(w, "email=%20B%2BC@EXAMPLE.com").await, true);
    assert_eq!(delete(w, "email=b%2Bc@example.com").await, false);
    assert_eq!((whose(w, "", &sessions[1]).await, count(w, "dashboard_user_sessions").await), (None, 0));
    assert_eq!(w.get("5.4", "/recipe/dashboard/users").await.ok()["users"], json!([]));
}

async fn hashes_are_made_as_the_app_says_and_older_ones_open(w: &World) {
    created(w, "", "a@example.com").await;
    w.with_config(json!({ "password_hashing_alg": "ARGON2", "argon2_memory_kb": 64 })).await;
    created(w, "", "b@example.com").await;
    assert!(stored(w, "b@example.com").await.starts_with("$argon2id$"));
    sign_in(w, "", "a@example.com").await;
    sign_in(w, "", "b@example.com").await;
    change(w, json!({ "email": "a@example.com", "newPassword": PASSWORD })).await.ok();
    assert!(stored(w, "a@example.com").await.starts_with("$argon2id$"));
    sign_in(w, "", "a@example.com").await;
}

async fn each_operation_costs_what_it_must(w: &World) {
    let dashboard = async |method: &str, path: &str, body: Value, statements: u64, trips: u64| {
        costs(w, ["dashboard", method, &format!("/recipe/dashboard/{path}")], body, statements, trips).await
    };
    let user = json!({ "email": "a@example.com", "password": PASSWORD });
    // A look that saves the hash, and the row.
    let id = text(&dashboard("POST", "user", user.clone(), 2, 2).await["user"], "userId");
    let session = text(&dashboard("POST", "signin", user.clone(), 2, 2).await, "sessionId");
    dashboard("POST", "session/verify", json!({ "sessionId": session }), 1, 1).await;
    dashboard("GET", &format!("user/sessions?userId={id}"), Value::Null, 1, 1).await;
    dashboard("DELETE", &format!("session?sessionId={session}"), Value::Null, 1, 1).await;
    dashboard("GET", "users", Value::Null, 1, 1).await;
    dashboard("PUT", "user", json!({ "email": "a@example.com", "newPassword": PASSWORD }), 2, 3).await;
    dashboard("DELETE", "user?email=a@example.com", Value::Null, 1, 1).await;
}

scenarios!(World:
    somebody_is_made_and_the_hash_stays_inside,
    every_address_and_password_is_judged_as_in_the_vectors,
    what_is_wrong_is_said_in_order,
    older_versions_ask_from_any_tenant,
    an_address_is_one_persons_in_each_app,
    there_may_be_any_number_of_them,
    a_change_ends_all_sessions,
    a_change_that_cannot_be_changes_nothing,
    with_somebody_go_all_sessions_at_once,
    hashes_are_made_as_the_app_says_and_older_ones_open needs AKeptDatabase,
    each_operation_costs_what_it_must,
);

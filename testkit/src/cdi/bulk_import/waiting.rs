//! Who waits, and what is said of whom does not: the five operations without the job.

use serde_json::{Value, json};

use super::{BCRYPT, hashed, import, listed, wait, waiting};
use crate::answer::members;
use crate::cdi::place::{count, in_query, make_app, put_tenant};
use crate::{World, scenarios};

async fn nobody_and_too_many_and_ten_thousand(w: &World) {
    assert_eq!(w.post("5.6", "/bulk-import/users", json!({ "users": [] })).await.text, "{\"status\":\"OK\"}\n");
    assert_eq!(w.post("5.6", "/t1/bulk-import/users", json!({ "users": [] })).await.ok(), json!({ "status": "OK" }));
    for body in [json!({}), json!({ "users": {} }), json!({ "users": null })] {
        w.post("5.6", "/bulk-import/users", body).await.refuses(400, "Field name 'users' is invalid in JSON input");
    }
    let many = json!({ "users": vec![json!({}); 10_001] });
    let refused = w.post("5.6", "/bulk-import/users", many).await;
    assert_eq!((refused.status, refused.text.as_str()), (400, "{\"error\":\"You can only add 10000 users at a time.\"}\n"));
    let phone = |n: usize| json!({ "loginMethods": [{ "recipeId": "passwordless", "email": format!("u{n}@x.io") }] });
    let most: Vec<Value> = (0..10_000).map(phone).collect();
    let said = wait(w, &most).await;
    assert_eq!(said["users"].as_array().map(Vec::len), Some(10_000));
    assert_eq!((waiting(w, "").await, waiting(w, "?status=NEW").await, waiting(w, "?status=FAILED").await), (10_000, 10_000, 0));
}

async fn one_that_is_wrong_keeps_all_out_and_is_named(w: &World) {
    let said = w.post("5.6", "/bulk-import/users", json!({ "users": [hashed("a@x.io"), {}, 5, hashed("b@x.io")] })).await;
    assert_eq!(said.status, 400);
    let expected = json!({
        "error": "Data has missing or invalid fields. Please check the users field for more details.",
        "users": [
            { "index": 1, "errors": ["loginMethods is required."] },
            { "index": 2, "errors": ["user should be an object."] },
        ],
    });
    assert_eq!(said.json(), expected);
    assert_eq!(waiting(w, "").await, 0);
    let types = json!({ "recipeId": [], "tenantIds": {}, "isPrimary": [], "isVerified": [], "timeJoinedInMSSinceEpoch": [] });
    let said = import(w, json!({ "loginMethods": [types] })).await;
    assert_eq!(
        said.json(),
        json!({ "errors": [
            "recipeId should be of type string for a loginMethod.",
            "tenantIds should be of type array of string for a loginMethod.",
            "isVerified should be of type boolean for a loginMethod.",
            "isPrimary should be of type boolean for a loginMethod.",
            "timeJoinedInMSSinceEpoch should be of type integer for a loginMethod",
        ] })
    );
    let unknown = json!({ "role": "r", "tenantIds": ["public", "t9"] });
    let said = import(w, json!({ "userRoles": [unknown], "loginMethods": hashed("a@x.io")["loginMethods"] })).await;
    let expected = ["Role r does not exist.", "Invalid tenantId: t9 for a user role."];
    assert_eq!((said.status, &said.json()["errors"]), (400, &json!(expected)));
    for body in ["[]", "5", "", "{"] {
        let sent = w.raw("POST", "/bulk-import/import", &[("cdi-version", "5.6")], body.to_owned()).await;
        sent.refuses(400, "Invalid Json Input");
    }
}

async fn who_waits_is_told_the_ids_that_will_be(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let methods = json!([
        { "recipeId": "emailpassword", "email": " A@X.io ", "plainTextPassword": "a secret", "tenantIds": ["public", " T1 "] },
        { "recipeId": "thirdparty", "email": "b@x.io", "thirdPartyId": "google", "thirdPartyUserId": "g", "isPrimary": true },
        { "recipeId": "passwordless", "phoneNumber": "+44 20 7183 8750" },
    ]);
    let user = json!({ "externalUserId": " ext ", "loginMethods": methods, "totpDevices": [{ "secretKey": "MFRGGZDF" }] });
    let said = wait(w, &[user]).await;
    let told = &said["users"][0];
    assert_eq!(told["userId"], "ext");
    let methods = told["loginMethods"].as_array().expect("login methods");
    assert_eq!(members(&methods[0]), ["email", "recipeId", "tenants", "userId"]);
    assert_eq!((&methods[0]["email"], &methods[0]["tenants"]), (&json!("a@x.io"), &json!(["public", "t1"])));
    assert_eq!(members(&methods[1]), ["email", "recipeId", "tenants", "thirdpartyId", "thirdpartyUserId", "userId"]);
    assert_eq!((&methods[2]["email"], &methods[2]["phoneNumber"]), (&Value::Null, &json!("+442071838750")));
    // The row has what a Java core writes, and the list no secrets.
    let raw = w.value("select raw_data from bulk_import_users").await.expect("a text");
    let stored: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(members(&stored), ["externalUserId", "id", "loginMethods", "totpDevices"]);
    assert_eq!(stored["id"], methods[1]["userId"]);
    assert!(raw.contains("a secret") && raw.contains("MFRGGZDF"));
    let answer = w.get("5.6", "/bulk-import/users").await;
    assert!(!answer.text.contains("a secret") && !answer.text.contains("MFRGGZDF"), "{}", answer.text);
    let shown = answer.ok()["users"][0].clone();
    assert_eq!(members(&shown), ["createdAt", "externalUserId", "id", "loginMethods", "status", "totpDevices", "updatedAt"]);
    assert_eq!((&shown["status"], &shown["createdAt"]), (&json!("NEW"), &json!(w.clock.now())));
    assert_eq!(shown["loginMethods"][1]["superTokensUserId"], methods[1]["userId"]);
}

async fn pages_have_everybody_once(w: &World) {
    for n in 0..5 {
        wait(w, &[hashed(&format!("u{n}@x.io"))]).await;
        w.clock.advance(if n % 2 == 0 { 0 } else { 1 });
    }
    let (mut query, mut found) = ("?limit=2".to_owned(), Vec::new());
    for page in 0.. {
        let said = w.get("5.6", &format!("/bulk-import/users{query}")).await.ok();
        let ids = said["users"].as_array().expect("users").iter().map(|user| user["id"].as_str().expect("an id").to_owned());
        found.extend(ids);
        let Some(token) = said["nextPaginationToken"].as_str() else {
            assert_eq!(page, 2);
            break;
        };
        query = format!("?limit=2&status=NEW&paginationToken={}", in_query(token));
    }
    let order = "select id from bulk_import_users order by created_at desc, id desc";
    let all: Vec<String> = w.rows(order).await.into_iter().map(|row| row[0].clone().expect("an id")).collect();
    assert_eq!(found, all);
    assert_eq!(found.len(), 5);
    for (query, words) in [
        ("?limit=501", "Max limit allowed is 500"),
        ("?limit=0", "limit must a positive integer with min value 1"),
        ("?limit=-1", "limit must a positive integer with min value 1"),
        ("?limit=a", "Field name 'limit' must be an int in the GET request"),
        ("?status=new", "Invalid value for status. Pass one of NEW, PROCESSING, or FAILED!"),
        ("/count?status=x", "Invalid value for status. Pass one of NEW, PROCESSING, or FAILED!"),
        ("?paginationToken=!!", "invalid pagination token"),
        ("?paginationToken=AAs7MQ", "invalid pagination token"),
    ] {
        w.get("5.6", &format!("/bulk-import/users{query}")).await.refuses(400, words);
    }
    assert_eq!(listed(w, "?status=FAILED").await, Vec::<Value>::new());
}

async fn rows_are_taken_back_in_any_state(w: &World) {
    let said = wait(w, &[hashed("a@x.io"), hashed("b@x.io")]).await;
    let id = |n: usize| said["users"][n]["userId"].as_str().expect("an id").to_owned();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let body = json!({ "ids": [unknown, id(1), "x", id(0), "a\u{0}b"] });
    let removed = w.post("5.6", "/bulk-import/users/remove", body).await;
    let expected = json!({ "deletedIds": [id(1), id(0)], "invalidIds": [unknown, "x", "a\u{0}b"] });
    assert_eq!((removed.status, removed.json()), (200, expected));
    assert_eq!(waiting(w, "").await, 0);
    let empty = w.post("5.6", "/bulk-import/users/remove", json!({ "ids": [] })).await;
    assert_eq!(empty.json(), json!({ "deletedIds": [], "invalidIds": [] }));
    for (body, words) in [
        (json!({}), "Field name 'ids' is invalid in JSON input"),
        (json!({ "ids": ["a", 1] }), "Field name 'ids' is invalid in JSON input"),
        (json!({ "ids": [""] }), "Field name 'ids' cannot contain an empty string"),
        (json!({ "ids": vec!["a"; 501] }), "Field name 'ids' cannot contain more than 500 elements"),
    ] {
        w.post("5.6", "/bulk-import/users/remove", body).await.refuses(400, words);
    }
}

async fn they_are_an_apps_and_asked_of_its_public_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    make_app(w, "a").await;
    let users = json!({ "users": [hashed("a@x.io")] });
    let asked = async |cdi: &str, path: &str| {
        [
            w.post(cdi, &format!("{path}/bulk-import/users"), users.clone()).await.status,
            w.get(cdi, &format!("{path}/bulk-import/users")).await.status,
            w.get(cdi, &format!("{path}/bulk-import/users/count")).await.status,
            w.post(cdi, &format!("{path}/bulk-import/users/remove"), json!({ "ids": ["x"] })).await.status,
            w.post(cdi, &format!("{path}/bulk-import/import"), hashed("b@x.io")).await.status,
        ]
    };
    assert_eq!(asked("5.6", "/t1").await, [403; 5]);
    assert_eq!(asked("3.0", "/t1").await, [200; 5]);
    assert_eq!(asked("2.7", "/appid-a").await, [200; 5]);
    assert_eq!(asked("5.6", "/appid-unknown").await, [400; 5]);
    assert_eq!(waiting(w, "").await, 1);
    assert_eq!(count(w, "bulk_import_users where app_id = 'a'").await, 1);
    assert_eq!(count(w, "emailpassword_users where app_id = 'a'").await, 1);
}

async fn a_hash_that_costs_too_much_and_one_cut_short_are_refused(w: &World) {
    for (hash, words) in [
        (BCRYPT.replace("$04$", "$17$"), "Password hash costs too much to check"),
        (BCRYPT[..20].to_owned(), "Password hash is in invalid BCrypt format"),
    ] {
        let method =
            json!({ "recipeId": "emailpassword", "email": "a@x.io", "passwordHash": hash, "hashingAlgorithm": "bcrypt" });
        let said = import(w, json!({ "loginMethods": [method] })).await;
        assert_eq!(said.status, 400);
        assert!(said.json()["errors"][0].as_str().expect("a text").starts_with(words), "{}", said.text);
    }
    assert_eq!(count(w, "emailpassword_users").await, 0);
}

scenarios!(World:
    nobody_and_too_many_and_ten_thousand,
    one_that_is_wrong_keeps_all_out_and_is_named,
    who_waits_is_told_the_ids_that_will_be,
    pages_have_everybody_once,
    rows_are_taken_back_in_any_state,
    they_are_an_apps_and_asked_of_its_public_tenant,
    a_hash_that_costs_too_much_and_one_cut_short_are_refused,
);

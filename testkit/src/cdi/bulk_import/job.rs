//! The job that imports those who wait.

use serde_json::{Value, json};
use supertokens_domain::time::MINUTE;

use super::{BCRYPT, hashed, listed, run, tables_agree, wait, waiting};
use crate::cdi::place::{count, in_query, make_app, migration_modes, put_tenant};
use crate::{World, scenarios};

const ARGON2: &str = "$argon2id$v=19$m=16,t=2,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A";

async fn all_come_in_and_nobody_waits_any_more(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        let user = |n: usize| {
            let mut user = hashed(&format!("u{n}@x.io"));
            user["externalUserId"] = json!(format!("ext{n}"));
            user["loginMethods"][0]["isPrimary"] = json!(n.is_multiple_of(3));
            user
        };
        let users: Vec<Value> = (0..120).map(user).collect();
        let told = wait(w, &users).await;
        assert_eq!(run(w).await, 120, "{mode}");
        assert_eq!((waiting(w, "").await, run(w).await), (0, 0));
        assert_eq!(w.get("5.6", "/users/count").await.ok()["count"], 120);
        for n in [0, 1, 119] {
            let shown = w.get("5.6", &format!("/user/id?userId=ext{n}")).await.ok()["user"].clone();
            assert_eq!((&shown["emails"], &shown["isPrimaryUser"]), (&json!([format!("u{n}@x.io")]), &json!(n % 3 == 0)));
            // The internal id is the one that was told.
            let internal = told["users"][n]["loginMethods"][0]["userId"].as_str().expect("an id");
            assert_eq!(count(w, &format!("app_id_to_user_id where user_id = '{internal}'")).await, 1);
        }
        tables_agree(w).await;
        w.write("delete from app_id_to_user_id").await;
        for table in ["recipe_user_account_infos", "recipe_user_tenants", "primary_user_tenants", "all_auth_recipe_users"] {
            w.write(&format!("delete from {table}")).await;
        }
    }
}

async fn whoever_logged_in_elsewhere_logs_in_here(w: &World) {
    w.with_config(json!({ "firebase_password_hashing_signer_key": "gRhC3eDeQOdyEn4bMd9c6kxguWVmcIVq" })).await;
    let method = |email: &str, rest: Value| {
        let mut method = json!({ "recipeId": "emailpassword", "email": email });
        method.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        json!({ "loginMethods": [method] })
    };
    let users = [
        method("plain@x.io", json!({ "plainTextPassword": "testPass123" })),
        method("bcrypt@x.io", json!({ "passwordHash": BCRYPT, "hashingAlgorithm": "BCRYPT" })),
        method("argon2@x.io", json!({ "passwordHash": ARGON2, "hashingAlgorithm": "argon2" })),
        method("both@x.io", json!({ "passwordHash": BCRYPT, "hashingAlgorithm": "bcrypt", "plainTextPassword": "testPass123" })),
    ];
    wait(w, &users).await;
    assert_eq!(run(w).await, 4);
    let sign_in = async |email: &str, password: &str| {
        w.post("5.6", "/recipe/signin", json!({ "email": email, "password": password })).await.done()["status"].clone()
    };
    assert_eq!(sign_in("plain@x.io", "testPass123").await, "OK");
    assert_eq!(sign_in("plain@x.io", "other").await, "WRONG_CREDENTIALS_ERROR");
    let stored = async |email: &str| {
        w.value(&format!("select password_hash from emailpassword_users where email = '{email}'")).await.expect("a hash")
    };
    assert_eq!((stored("bcrypt@x.io").await, stored("argon2@x.io").await), (BCRYPT.to_owned(), ARGON2.to_owned()));
    assert_eq!(stored("both@x.io").await, BCRYPT, "a hash that is there counts");
}

async fn one_of_many_who_may_not_come_in_is_refused_alone(w: &World) {
    w.post("5.6", "/recipe/signup", json!({ "email": "u50@x.io", "password": "a secret" })).await.ok();
    let mut users: Vec<Value> = (0..100).map(|n| hashed(&format!("u{n}@x.io"))).collect();
    users[70]["loginMethods"][0]["isPrimary"] = json!(true);
    // Of two primary users with one address the first comes in.
    users[80]["loginMethods"][0] = json!({ "recipeId": "passwordless", "email": "u70@x.io", "isPrimary": true });
    wait(w, &users).await;
    assert_eq!(run(w).await, 100);
    assert_eq!(w.get("5.6", "/users/count").await.ok()["count"], 99);
    let mut said: Vec<String> =
        listed(w, "?status=FAILED").await.iter().map(|user| user["errorMessage"].as_str().expect("why").to_owned()).collect();
    said.sort();
    let expected = [
        "E003: A user with email u50@x.io already exists in emailpassword loginMethod.",
        "E027: there is a conflicting account info",
    ];
    assert_eq!(said, expected);
    assert_eq!(run(w).await, 0, "nobody tries again");
    tables_agree(w).await;
}

async fn what_has_gone_since_is_said(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    w.put("5.6", "/recipe/role", json!({ "role": "r" })).await.ok();
    let mut with_role = hashed("a@x.io");
    with_role["userRoles"] = json!([{ "role": "r", "tenantIds": ["public"] }]);
    let mut in_tenant = hashed("b@x.io");
    in_tenant["loginMethods"][0]["tenantIds"] = json!(["t1"]);
    wait(w, &[with_role, in_tenant, hashed("c@x.io")]).await;
    w.post("5.6", "/recipe/role/remove", json!({ "role": "r" })).await.ok();
    w.post("5.6", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
    assert_eq!(run(w).await, 3);
    let mut said: Vec<Value> = listed(w, "?status=FAILED").await.iter().map(|user| user["errorMessage"].clone()).collect();
    said.sort_by_key(Value::to_string);
    assert_eq!(said, ["[Invalid tenantId: t1 for emailpassword recipe.]", "[Role r does not exist.]"]);
    assert_eq!(w.get("5.6", "/users/count").await.ok()["count"], 1);
}

async fn a_password_is_not_kept_of_who_is_refused(w: &World) {
    w.post("5.6", "/recipe/signup", json!({ "email": "a@x.io", "password": "another" })).await.ok();
    let method = json!({ "recipeId": "emailpassword", "email": "a@x.io", "plainTextPassword": "correct horse" });
    wait(w, &[json!({ "loginMethods": [method] })]).await;
    assert_eq!(run(w).await, 1);
    let raw = w.value("select raw_data from bulk_import_users where status = 'FAILED'").await.expect("a text");
    assert!(!raw.contains("correct horse") && raw.contains("\"passwordHash\":\"$2a$"), "{raw}");
}

async fn rows_of_a_java_core_are_imported_too(w: &World) {
    let id = "11111111-1111-4111-8111-111111111111";
    let raw = |id: &str, email: &str| {
        json!({ "id": id, "loginMethods": [{
            "tenantIds": ["public"], "isVerified": false, "isPrimary": false, "timeJoinedInMSSinceEpoch": 5, "recipeId": "passwordless",
            "email": email, "superTokensUserId": id,
        }] })
    };
    let put = async |id: &str, status: &str, raw: String| {
        w.write(&format!(
            "insert into bulk_import_users (app_id, id, raw_data, status, created_at, updated_at)
             values ('public', '{id}', '{raw}', '{status}', 1, 1)"
        ))
        .await;
    };
    put(id, "PROCESSING", raw(id, "a@x.io").to_string()).await;
    put("22222222-2222-4222-8222-222222222222", "NEW", "not JSON".to_owned()).await;
    put("33333333-3333-4333-8333-333333333333", "FAILED", raw("33333333-3333-4333-8333-333333333333", "b@x.io").to_string())
        .await;
    assert_eq!(run(w).await, 2);
    assert_eq!(count(w, "passwordless_users").await, 1);
    let failed = listed(w, "").await;
    let said: Vec<&Value> = failed.iter().map(|user| &user["errorMessage"]).collect();
    assert_eq!(said, [&Value::Null, &json!("[Invalid Json Input]")]);
    // It died between its two commits: whoever is there already has been imported.
    put(id, "PROCESSING", raw(id, "a@x.io").to_string()).await;
    assert_eq!(run(w).await, 1);
    assert_eq!((count(w, "passwordless_users").await, waiting(w, "?status=FAILED").await), (1, 2));
}

async fn what_the_database_does_not_take_is_refused_alone(w: &World) {
    let mut broken = hashed("a@x.io");
    (broken["externalUserId"], broken["userMetadata"]) = (json!("broken"), json!({ "a": 1 }));
    w.write("insert into user_metadata (app_id, user_id, user_metadata) values ('public', 'broken', 'not JSON')").await;
    let users: Vec<Value> = (0..5).map(|n| hashed(&format!("u{n}@x.io"))).chain([broken]).collect();
    wait(w, &users).await;
    assert_eq!(run(w).await, 6);
    let failed = listed(w, "").await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["errorMessage"], "E001: the user could not be stored; the log of the core says why");
    assert_eq!(w.get("5.6", "/users/count").await.ok()["count"], 5);
}

async fn each_app_has_its_own_queue_and_settings(w: &World) {
    make_app(w, "a").await;
    put_tenant(w, "b", "", json!({ "bulk_migration_parallelism": 1, "bulk_migration_batch_size": 3, "bulk_migration_sleep_between_rounds_in_batch_ms": 1 })).await;
    for app in ["/appid-a", "/appid-b", ""] {
        let users: Vec<Value> = (0..7).map(|n| hashed(&format!("u{n}@x.io"))).collect();
        w.post("5.6", &format!("{app}/bulk-import/users"), json!({ "users": users })).await.ok();
    }
    assert_eq!(run(w).await, 21);
    for app in ["public", "a", "b"] {
        assert_eq!(count(w, &format!("emailpassword_users where app_id = '{app}'")).await, 7);
    }
}

async fn two_cores_share_a_queue(w: &World) {
    let second = w.second_core().await;
    let mut users: Vec<Value> = (0..300).map(|n| hashed(&format!("u{n}@x.io"))).collect();
    for (n, user) in users.iter_mut().enumerate() {
        user["loginMethods"][0]["isPrimary"] = json!(n % 2 == 0);
        if n % 10 == 0 {
            user["loginMethods"][0] =
                json!({ "recipeId": "emailpassword", "email": format!("u{n}@x.io"), "plainTextPassword": "p" });
        }
    }
    wait(w, &users).await;
    let (one, other) = tokio::join!(run(w), run(&second));
    assert_eq!(one + other, 300);
    assert_eq!((waiting(w, "").await, count(w, "emailpassword_users").await), (0, 300));
    tables_agree(w).await;
}

async fn who_died_while_hashing_is_waited_for_and_not_for_ever(w: &World) {
    let method = json!({ "recipeId": "emailpassword", "email": "a@x.io", "plainTextPassword": "p" });
    wait(w, &[json!({ "loginMethods": [method] })]).await;
    w.write(&format!("update bulk_import_users set status = 'PROCESSING', updated_at = {}", w.clock.now())).await;
    assert_eq!((run(w).await, waiting(w, "?status=PROCESSING").await), (0, 1));
    w.clock.advance(2 * MINUTE + 1);
    assert_eq!((run(w).await, waiting(w, "").await), (1, 0));
    assert_eq!(count(w, "emailpassword_users").await, 1);
    assert_eq!(in_query("a"), "a");
}

scenarios!(World:
    all_come_in_and_nobody_waits_any_more,
    whoever_logged_in_elsewhere_logs_in_here,
    one_of_many_who_may_not_come_in_is_refused_alone,
    what_has_gone_since_is_said,
    a_password_is_not_kept_of_who_is_refused,
    rows_of_a_java_core_are_imported_too,
    what_the_database_does_not_take_is_refused_alone,
    each_app_has_its_own_queue_and_settings,
    two_cores_share_a_queue needs ASharedDatabase,
    who_died_while_hashing_is_waited_for_and_not_for_ever needs ASharedDatabase,
);

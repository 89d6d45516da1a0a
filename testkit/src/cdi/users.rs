//! What is asked about users before a recipe makes any (core-server.md 7.5, 7.6, 7.7, 7.9, 7.10).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use supertokens_domain::time::{MINUTE, SECOND};

use super::place::{count, put_tenant};
use super::session::create;
use crate::{World, members, scenarios};

const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";

/// The id of the n-th user.
fn id(n: u8) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// Puts a user into a tenant of the default app, as the Java core would have stored it: the n-th, linked with another or itself.
pub async fn put_user(w: &World, tenant: &str, n: u8, primary: u8) {
    let (user, primary, is_linked) = (id(n), id(primary), n != primary);
    let tenant = if tenant.is_empty() { "public" } else { tenant };
    w.write(&format!(
        "insert into app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user,
         time_joined, primary_or_recipe_user_time_joined)
         values ('public', '{user}', 'emailpassword', '{primary}', {is_linked}, {n}, {n})"
    ))
    .await;
    let recipe = if n.is_multiple_of(2) { "thirdparty" } else { "emailpassword" };
    w.write(&format!(
        "insert into all_auth_recipe_users (app_id, tenant_id, user_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user,
         recipe_id, time_joined, primary_or_recipe_user_time_joined)
         values ('public', '{tenant}', '{user}', '{primary}', {is_linked}, '{recipe}', {n}, {n})"
    ))
    .await;
}

async fn without_users_the_list_is_empty(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let nobody = json!({ "status": "OK", "users": [] });
    let token = STANDARD.encode(format!("{};5", id(1)));
    for query in [
        String::new(),
        "?limit=500&timeJoinedOrder=DESC".to_owned(),
        "?limit=1&includeRecipeIds=EmailPassword,thirdparty".to_owned(),
        "?includeRecipeIds=webauthn,%20passwordless".to_owned(),
        "?includeRecipeIds=,%20EMAILPASSWORD%20,,".to_owned(),
        "?includeRecipeIds=%20".to_owned(),
        "?email=a@b.example;c&limit=501".to_owned(),
        "?phone=;%20b&limit=501".to_owned(),
        format!("?paginationToken={}", token.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F")),
    ] {
        for cdi in ["2.7", "3.1", "5.6"] {
            assert_eq!(w.get(cdi, &format!("/users{query}")).await.ok(), nobody, "{query}");
        }
        assert_eq!(w.get("5.4", &format!("/t1/users{query}")).await.ok(), nobody, "{query}");
    }
    assert_eq!(w.get("5.4", "/users").await.text, "{\"status\":\"OK\",\"users\":[]}\n");
    assert_eq!(w.get("5.4", "/ghost/users").await.status, 400);
}

async fn what_is_wrong_with_a_page_is_said(w: &World) {
    for (query, words) in [
        ("limit=501", "max limit allowed is 500"),
        ("limit=0", "limit must a positive integer with min value 1"),
        ("limit=-1", "limit must a positive integer with min value 1"),
        ("limit=many", "Field name 'limit' must be an int in the GET request"),
        ("limit=3000000000", "Field name 'limit' must be an int in the GET request"),
        ("timeJoinedOrder=asc", "timeJoinedOrder can be either ASC OR DESC"),
        ("paginationToken=%2A%2A", "invalid pagination token"),
        ("paginationToken=YQ%3D%3D", "invalid pagination token"),
        ("paginationToken=YQA7MQ%3D%3D", "invalid pagination token"), // a, U+0000, a semicolon, 1
        ("includeRecipeIds=emailpassword,nonsense", "Unknown recipe ID: nonsense"),
        ("includeRecipeIds=emailpassword,%20Nonsense%20", "Unknown recipe ID: Nonsense"),
        ("email=%20;&provider=&limit=501", "max limit allowed is 500"),
    ] {
        w.get("5.4", &format!("/users?{query}")).await.refuses(400, words);
    }
    w.get("5.4", "/users/count?includeRecipeIds=nonsense").await.refuses(400, "Unknown recipe ID: nonsense");
    w.get("5.4", "/users/count?includeRecipeIds=webauthn,%20passwordless,").await.ok();
}

async fn users_are_counted(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let counted = async |cdi: &str, path: &str| w.get(cdi, path).await.ok();
    assert_eq!(w.get("5.4", "/users/count").await.text, "{\"status\":\"OK\",\"count\":0}\n");
    put_user(w, "", 1, 1).await;
    put_user(w, "", 2, 1).await;
    put_user(w, "", 3, 3).await;
    put_user(w, "t1", 4, 4).await;
    for (path, count) in [
        ("/users/count", 2),
        ("/t1/users/count", 1),
        ("/users/count?includeAllTenants=true", 3),
        ("/users/count?includeAllTenants=TRUE", 3),
        ("/users/count?includeAllTenants=1", 2),
        ("/users/count?includeRecipeIds=thirdparty", 1),
        ("/users/count?includeRecipeIds=ThirdParty&includeAllTenants=true", 2),
        ("/users/count?includeRecipeIds=emailpassword,thirdparty", 2),
        ("/users/count?includeRecipeIds=passwordless", 0),
    ] {
        assert_eq!(counted("5.4", path).await, json!({ "status": "OK", "count": count }), "{path}");
    }
    w.get("5.0", "/t1/users/count?includeAllTenants=true").await.refuses(403, ONLY_PUBLIC);
    assert_eq!(counted("4.0", "/t1/users/count?includeAllTenants=true").await["count"], 3);
    assert_eq!(w.get("5.4", "/ghost/users/count").await.status, 400);
}

async fn a_rough_count_may_be_exact(w: &World) {
    put_user(w, "", 1, 1).await;
    let path = "/users/count?allowApproximate=True&includeRecipeIds=emailpassword";
    let said = w.get("5.6", path).await.ok();
    assert_eq!(said, json!({ "status": "OK", "count": 1, "approximate": false, "asOf": w.clock.now() }));
    assert_eq!(members(&w.get("5.5", path).await.ok()), ["count", "status"]);
    assert_eq!(members(&w.get("5.6", "/users/count?allowApproximate=1").await.ok()), ["count", "status"]);
    let said = w.get("5.6", "/users/count?allowApproximate=true").await.ok();
    assert_eq!((members(&said), &said["count"]), (vec!["approximate", "asOf", "count", "status"], &json!(1)));
}

async fn active_users_are_counted(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "a", "", json!({})).await;
    let active = async |path: &str, since: i64| w.get("5.4", &format!("{path}?since={since}")).await.ok()["count"].clone();
    let first = w.clock.now();
    assert_eq!(active("/users/count/active", 0).await, 0);
    create(w, "5.4", "one").await;
    w.clock.advance(SECOND);
    create(w, "5.4", "two").await;
    create(w, "5.4", "two").await;
    for (since, count) in [(0, 2), (first, 2), (first + 1, 1), (first + SECOND, 1), (first + SECOND + 1, 0)] {
        assert_eq!(active("/users/count/active", since).await, count, "since {since}");
    }
    assert_eq!(active("/appid-a/users/count/active", 0).await, 0);
    let path = "/users/count/active";
    w.get("5.4", path).await.refuses(400, "Field name 'since' is missing in GET request");
    for since in ["", "soon", "1.5", "99999999999999999999"] {
        let words = "Field name 'since' must be a long in the GET request";
        w.get("5.4", &format!("{path}?since={since}")).await.refuses(400, words);
    }
    w.get("5.4", &format!("{path}?since=-1")).await.refuses(400, "'since' query parameter must be >= 0");
    w.get("5.4", &format!("/t1{path}?since=0")).await.refuses(403, ONLY_PUBLIC);
    assert_eq!(w.get("4.0", &format!("/t1{path}?since=0")).await.ok()["count"], 2);
}

async fn being_active_is_noted_every_five_minutes(w: &World) {
    let last = async || w.value("select last_active_time from user_last_active where user_id = 'u'").await.expect("a time");
    let lines = async || count(w, "activity_log where event_type = 'user_last_active' and recipe_user_id = 'u'").await;
    let begin = w.clock.now();
    create(w, "5.4", "u").await;
    assert_eq!((last().await, lines().await), (begin.to_string(), 1));
    w.clock.advance(5 * MINUTE - 1);
    create(w, "5.4", "u").await;
    assert_eq!((last().await, lines().await), (begin.to_string(), 1));
    w.clock.advance(1);
    create(w, "5.4", "u").await;
    assert_eq!((last().await, lines().await), ((begin + 5 * MINUTE).to_string(), 2));
}

async fn a_user_that_is_not_there_is_unknown(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    for user in ["nobody".to_owned(), id(1), String::new()] {
        let said = w.get("5.4", &format!("/user/id?userId={user}")).await.says("UNKNOWN_USER_ID_ERROR");
        assert_eq!(members(&said), ["status"]);
    }
    w.get("5.4", "/user/id").await.refuses(400, "Field name 'userId' is missing in GET request");
    w.get("5.4", "/t1/user/id?userId=u").await.refuses(403, ONLY_PUBLIC);
    w.get("4.0", "/t1/user/id?userId=u").await.says("UNKNOWN_USER_ID_ERROR");
}

async fn nobody_has_these_accounts(w: &World) {
    let path = "/users/by-accountinfo";
    let nobody = |body: Value| {
        assert_eq!(body["users"], json!([]));
        assert_eq!(members(&body), ["status", "users"]);
    };
    for query in
        ["", "&email=a@b.example", "&phoneNumber=%2B1234", "&thirdPartyId=a&thirdPartyUserId=b", "&webauthnCredentialId=x"]
    {
        for union in ["true", "false"] {
            nobody(w.get("5.4", &format!("{path}?doUnionOfAccountInfo={union}{query}")).await.ok());
        }
    }
    let missing = "Field name 'doUnionOfAccountInfo' is missing in GET request";
    w.get("5.4", &format!("{path}?email=a")).await.refuses(400, missing);
    for union in ["", "1", "yes", "TRUE"] {
        let words = "'doUnionOfAccountInfo' should be either 'true' or 'false'";
        w.get("5.4", &format!("{path}?doUnionOfAccountInfo={union}")).await.refuses(400, words);
    }
    for half in ["thirdPartyId=a", "thirdPartyUserId=a"] {
        let words = "If 'thirdPartyId' is provided, 'thirdPartyUserId' must also be provided, and vice versa";
        w.get("5.4", &format!("{path}?doUnionOfAccountInfo=true&{half}")).await.refuses(400, words);
    }
    assert_eq!(w.get("5.4", &format!("/ghost{path}?doUnionOfAccountInfo=true")).await.status, 400);
}

/// Until their recipes are served: an honest refusal, not a wrong answer.
async fn users_of_the_java_core_are_not_made_up(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_user(w, "", 1, 1).await;
    for path in [
        "/users".to_owned(),
        "/users?email=a".to_owned(),
        format!("/user/id?userId={}", id(1)),
        "/users/by-accountinfo?doUnionOfAccountInfo=true&email=a".to_owned(),
    ] {
        assert_eq!(w.get("5.4", &path).await.status, 501, "{path}");
    }
    assert_eq!(w.get("5.4", "/t1/users").await.ok()["users"], json!([]));
    assert_eq!(w.get("5.4", "/users?includeRecipeIds=passwordless").await.ok()["users"], json!([]));
    w.get("5.4", &format!("/user/id?userId={}", id(2))).await.says("UNKNOWN_USER_ID_ERROR");
}

/// The Java core has stopped writing the tables that we know: what is in them is not the truth any more.
async fn users_of_a_migrated_database_are_counted_or_refused(w: &World) {
    w.with_config(json!({ "migration_mode": "MIGRATED" })).await;
    let nobody = json!({ "status": "OK", "users": [] });
    let by_email = "/users/by-accountinfo?doUnionOfAccountInfo=true&email=a";
    assert_eq!(w.get("5.4", "/users").await.ok(), nobody);
    assert_eq!(w.get("5.4", "/users/count").await.ok()["count"], 0);
    w.get("5.4", by_email).await.ok();
    put_user(w, "", 1, 1).await;
    put_user(w, "", 2, 1).await;
    w.write("delete from all_auth_recipe_users").await;
    for path in ["/users", "/users/count", by_email] {
        assert_eq!(w.get("5.4", path).await.status, 501, "{path}");
    }
    assert_eq!(w.get("5.4", "/users/count?includeRecipeIds=passwordless").await.ok()["count"], 0);
    assert_eq!(w.get("5.4", "/users/count?includeAllTenants=true").await.ok()["count"], 1);
    w.with_config(json!({ "migration_mode": "DUAL_WRITE_READ_NEW" })).await;
    assert_eq!(w.get("5.4", "/users/count").await.ok()["count"], 0);
}

scenarios!(World:
    without_users_the_list_is_empty,
    what_is_wrong_with_a_page_is_said,
    users_are_counted,
    a_rough_count_may_be_exact,
    active_users_are_counted,
    being_active_is_noted_every_five_minutes,
    a_user_that_is_not_there_is_unknown,
    nobody_has_these_accounts,
    users_of_the_java_core_are_not_made_up,
    users_of_a_migrated_database_are_counted_or_refused needs ASharedDatabase,
);

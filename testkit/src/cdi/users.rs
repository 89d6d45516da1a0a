//! What is asked about users whatever their recipes (core-server.md 7.5, 7.6, 7.7, 7.9, 7.10).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use supertokens_domain::time::{MINUTE, SECOND};

use super::place::{count, put_tenant};
use super::session::create;
use super::session::races::at_once;
use crate::{World, members, scenarios};

const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";

/// The id of the n-th user.
pub fn id(n: u8) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// How somebody logs in, for `put_login`.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// An address and a password.
    Password(&'a str),
    /// An address that a code is sent to.
    Code(&'a str),
    /// A number that a code is sent to.
    Number(&'a str),
    /// An account at a provider, and its address.
    Google(&'a str, &'a str),
}

/// Puts a user into a tenant of the default app, as the Java core would have stored it in a database that is on its way from the older
/// tables to the newer ones: the n-th, standing alone.
pub async fn put_login(w: &World, tenant: &str, n: u8, by: By<'_>) {
    let tenant = if tenant.is_empty() { "public" } else { tenant };
    put(w, tenant, n, n, by).await;
}

/// The same, linked with another or itself, by an address that nobody else has.
pub async fn put_user(w: &World, tenant: &str, n: u8, primary: u8) {
    let tenant = if tenant.is_empty() { "public" } else { tenant };
    let (email, account) = (format!("u{n}@example.com"), format!("g{n}"));
    let by = if n.is_multiple_of(2) { By::Google(&account, &email) } else { By::Password(&email) };
    put(w, tenant, n, primary, by).await;
}

async fn put(w: &World, tenant: &str, n: u8, primary: u8, by: By<'_>) {
    let (user, is_linked) = (id(n), n != primary);
    let primary = id(primary);
    let (recipe, own, old, infos) = match by {
        By::Password(email) => (
            "emailpassword",
            format!(
                "emailpassword_users (app_id, user_id, email, password_hash, time_joined) values ('public', '{user}', '{email}', 'x', {n})"
            ),
            format!(
                "emailpassword_user_to_tenant (app_id, tenant_id, user_id, email) values ('public', '{tenant}', '{user}', '{email}')"
            ),
            vec![("email", email.to_owned(), "", "")],
        ),
        By::Code(email) => (
            "passwordless",
            format!("passwordless_users (app_id, user_id, email, time_joined) values ('public', '{user}', '{email}', {n})"),
            format!(
                "passwordless_user_to_tenant (app_id, tenant_id, user_id, email) values ('public', '{tenant}', '{user}', '{email}')"
            ),
            vec![("email", email.to_owned(), "", "")],
        ),
        By::Number(phone) => (
            "passwordless",
            format!(
                "passwordless_users (app_id, user_id, phone_number, time_joined) values ('public', '{user}', '{phone}', {n})"
            ),
            format!(
                "passwordless_user_to_tenant (app_id, tenant_id, user_id, phone_number) values ('public', '{tenant}', '{user}', '{phone}')"
            ),
            vec![("phone", phone.to_owned(), "", "")],
        ),
        By::Google(account, email) => (
            "thirdparty",
            format!(
                "thirdparty_users (app_id, user_id, third_party_id, third_party_user_id, email, time_joined)
                     values ('public', '{user}', 'google', '{account}', '{email}', {n})"
            ),
            format!(
                "thirdparty_user_to_tenant (app_id, tenant_id, user_id, third_party_id, third_party_user_id)
                     values ('public', '{tenant}', '{user}', 'google', '{account}')"
            ),
            vec![("email", email.to_owned(), "google", account), ("tparty", format!("google::{account}"), "", "")],
        ),
    };
    let in_group = if is_linked { format!("'{primary}'") } else { "null".to_owned() };
    let mut rows = vec![
        format!(
            "app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined,
             primary_or_recipe_user_time_joined) values ('public', '{user}', '{recipe}', '{primary}', {is_linked}, {n}, {n})"
        ),
        format!(
            "all_auth_recipe_users (app_id, tenant_id, user_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id,
             time_joined, primary_or_recipe_user_time_joined)
             values ('public', '{tenant}', '{user}', '{primary}', {is_linked}, '{recipe}', {n}, {n})"
        ),
        own,
        old,
    ];
    for (kind, value, first, second) in infos {
        let columns = "recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id";
        let values = format!("'{user}', '{recipe}', '{kind}', '{value}', '{first}', '{second}'");
        rows.push(format!(
            "recipe_user_account_infos (app_id, {columns}, primary_user_id) values ('public', {values}, {in_group})"
        ));
        rows.push(format!("recipe_user_tenants (app_id, tenant_id, {columns}) values ('public', '{tenant}', {values})"));
    }
    for row in rows {
        w.write(&format!("insert into {row}")).await;
    }
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
        ("timeJoinedOrder=asc&limit=many", "Field name 'limit' must be an int in the GET request"),
    ] {
        w.get("5.4", &format!("/users?{query}")).await.refuses(400, words);
        let unknown = w.get("5.4", &format!("/ghost/users?{query}")).await;
        assert_eq!(unknown.text.contains("ghost"), !query.starts_with("include"), "{query}: {}", unknown.text);
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
    // An app that is not there is said first.
    let nowhere = w.get("5.4", "/appid-ghost/t1/users/count?includeAllTenants=true").await;
    assert!(nowhere.status == 400 && nowhere.text.contains("(, ghost, public)"), "{}", nowhere.text);
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
    put_login(w, "", 1, By::Google(":g", "a@b.c")).await;
    for query in [
        "",
        "&email=a@b.example",
        "&phoneNumber=%2B1234",
        "&thirdPartyId=a&thirdPartyUserId=b",
        "&webauthnCredentialId=x",
        "&email=a%00b",
        "&phoneNumber=%2B12%0034",
        "&thirdPartyId=a&thirdPartyUserId=b%00",
        "&thirdPartyId=google:&thirdPartyUserId=g",
    ] {
        for union in ["true", "false"] {
            nobody(w.get("5.4", &format!("{path}?doUnionOfAccountInfo={union}{query}")).await.ok());
        }
    }
    for (union, found) in [("true", 1), ("false", 0)] {
        let said = w.get("5.4", &format!("{path}?doUnionOfAccountInfo={union}&email=a@b.c&phoneNumber=%00%2B%001")).await.ok();
        assert_eq!(said["users"].as_array().map(Vec::len), Some(found), "{union}");
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

async fn users_are_shown_with_all_their_logins(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_user(w, "", 1, 1).await;
    put_user(w, "t1", 2, 1).await;
    put_login(w, "", 3, By::Number("+4915112345678")).await;
    let (trips, said) = w.trips(w.get("5.4", &format!("/user/id?userId={}", id(2)))).await;
    assert!(trips <= 1, "{trips}");
    let user = said.ok()["user"].clone();
    assert_eq!((&user["id"], &user["isPrimaryUser"], &user["timeJoined"]), (&json!(id(1)), &json!(true), &json!(1)));
    assert_eq!(user["tenantIds"], json!(["public", "t1"]));
    assert_eq!(user["emails"], json!(["u1@example.com", "u2@example.com"]));
    assert_eq!(user["thirdParty"], json!([{ "id": "google", "userId": "g2" }]));
    assert_eq!(user["loginMethods"][1]["recipeUserId"], id(2));
    assert_eq!(user["webauthn"], json!({ "credentialIds": [] }));
    assert_eq!(w.get("5.2", &format!("/user/id?userId={}", id(2))).await.ok()["user"].get("webauthn"), None);
    let ids = async |cdi: &str, path: &str| -> Vec<Value> {
        let users = w.get(cdi, path).await.ok()["users"].as_array().cloned().unwrap_or_default();
        users.into_iter().map(|user| user.get("user").unwrap_or(&user)["id"].clone()).collect()
    };
    let path = "/users/by-accountinfo?doUnionOfAccountInfo";
    for (query, expected) in [
        ("/users", vec![1, 3]),
        ("/t1/users", vec![1]),
        ("/users?timeJoinedOrder=DESC", vec![3, 1]),
        ("/users?includeRecipeIds=passwordless", vec![3]),
        ("/users?includeRecipeIds=thirdparty", vec![]),
        ("/users?email=U1", vec![1]),
        ("/users?email=example", vec![1]),
        ("/users?email=xample", vec![]),
        ("/users?email=_1", vec![]),
        ("/users?email=%25", vec![]),
        ("/users?email=u2", vec![]),
        ("/users?email=u1%00", vec![1]),
        ("/users?email=u%001", vec![]),
        ("/users?email=u1;a%00b", vec![1]),
        ("/users?email=u1&phone=1%002", vec![]),
        ("/t1/users?email=u2&provider=goo", vec![1]),
        ("/t1/users?email=u1&provider=goo", vec![]),
        ("/users?phone=%2B49;x", vec![3]),
        ("/users?phone=%2B49&provider=google", vec![]),
        (&format!("{path}=true&email=u1@Example.com&phoneNumber=%2B4915112345678"), vec![1, 3]),
        (&format!("{path}=true&phoneNumber=%20%2B49%20(151)%20123-45678"), vec![3]),
        (&format!("{path}=false&email=u1@example.com&phoneNumber=%2B4915112345678"), vec![]),
        (&format!("{path}=false&email=u1@example.com&thirdPartyId=google&thirdPartyUserId=g2"), vec![1]),
        (&format!("{path}=true&thirdPartyId=google&thirdPartyUserId=g2"), vec![]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(|n| json!(id(n))).collect();
        assert_eq!(ids("5.4", query).await, expected, "{query}");
    }
    let listed = w.get("3.0", "/users").await.ok();
    assert_eq!(listed["users"][0]["recipeId"], "emailpassword");
    assert_eq!(members(&listed["users"][0]["user"]), ["email", "id", "tenantIds", "timeJoined"]);
}

async fn a_list_is_read_page_by_page(w: &World) {
    let all = 23;
    for n in 1..=all {
        put_user(w, "", n, n).await;
    }
    // Of equal age, too.
    for table in ["app_id_to_user_id", "all_auth_recipe_users"] {
        w.write(&format!("update {table} set primary_or_recipe_user_time_joined = primary_or_recipe_user_time_joined / 5")).await;
    }
    for (order, limit) in [("ASC", 5), ("DESC", 5), ("ASC", 23), ("DESC", 1)] {
        let (mut met, mut next, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (trips, said) = w.trips(w.get("5.4", &format!("/users?limit={limit}&timeJoinedOrder={order}{next}"))).await;
            assert!(trips <= 2, "{trips}");
            let said = said.ok();
            let users = said["users"].as_array().expect("a list");
            assert!(users.len() <= limit);
            met.extend(users.iter().map(|user| user["id"].as_str().expect("an id").to_owned()));
            pages += 1;
            let Some(token) = said["nextPaginationToken"].as_str() else { break };
            next = format!("&paginationToken={}", token.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"));
        }
        assert_eq!(pages, usize::from(all).div_ceil(limit), "{order} {limit}");
        let mut expected: Vec<u8> = (1..=all).collect();
        expected.sort_by_key(|n| (if order == "ASC" { i16::from(n / 5) } else { -i16::from(n / 5) }, -i16::from(*n)));
        assert_eq!(met, expected.into_iter().map(id).collect::<Vec<_>>(), "{order} {limit}");
    }
}

/// One user, by whichever of its recipes it is asked for.
async fn a_group_is_listed_once_by_each_of_its_recipes(w: &World) {
    put_login(w, "", 1, By::Code("a@x")).await;
    for n in 2..=3 {
        put_login(w, "", n, if n == 2 { By::Google("g", "b@x") } else { By::Password("c@x") }).await;
    }
    for (path, body) in
        [("primary", json!({ "recipeUserId": id(3) })), ("link", json!({ "recipeUserId": id(2), "primaryUserId": id(3) }))]
    {
        w.post("5.4", &format!("/recipe/accountlinking/user/{path}"), body).await.ok();
    }
    for (query, expected) in [
        ("", vec![1, 3]),
        ("?includeRecipeIds=thirdparty", vec![3]),
        ("?includeRecipeIds=emailpassword", vec![3]),
        ("?includeRecipeIds=emailpassword,thirdparty", vec![3]),
        ("?includeRecipeIds=passwordless,thirdparty&timeJoinedOrder=DESC", vec![3, 1]),
    ] {
        let users = w.get("5.4", &format!("/users{query}")).await.ok()["users"].as_array().cloned().unwrap_or_default();
        let ids: Vec<&str> = users.iter().filter_map(|user| user["id"].as_str()).collect();
        assert_eq!(ids, expected.into_iter().map(id).collect::<Vec<_>>(), "{query}");
    }
}

/// The list is read in two questions, and somebody may go between them.
async fn whoever_goes_while_the_list_is_read_is_listed_or_not(w: &World) {
    for n in 1..=30 {
        put_login(w, "", n, By::Password(&format!("u{n}@x"))).await;
    }
    for n in 1..=30 {
        let callers = [false, true, false].map(|goes| {
            let w = w.clone();
            async move {
                match goes {
                    true => w.post("5.4", "/user/remove", json!({ "userId": id(n) })).await.ok(),
                    false => w.get("5.4", "/users?limit=40").await.ok(),
                }
            }
        });
        for said in at_once(callers.into()).await.iter().filter(|said| said["users"].is_array()) {
            let listed = said["users"].as_array().map(Vec::len).unwrap_or_default();
            assert!((30 - usize::from(n)..=31 - usize::from(n)).contains(&listed), "{n}: {listed}");
        }
    }
}

/// Which tables say who is in which tenant depends on the migration mode, and nothing else does.
async fn users_are_the_same_in_every_migration_mode(w: &World) {
    put_user(w, "", 1, 1).await;
    put_user(w, "", 2, 1).await;
    put_login(w, "", 3, By::Code("c@example.com")).await;
    for mode in ["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"] {
        w.with_config(json!({ "migration_mode": mode })).await;
        assert_eq!(w.get("5.4", "/users/count").await.ok()["count"], 2, "{mode}");
        let listed = w.get("5.4", "/users").await.ok();
        assert_eq!(listed["users"].as_array().map(Vec::len), Some(2), "{mode}");
        assert_eq!(listed["users"][0]["tenantIds"], json!(["public"]), "{mode}");
        let found = w.get("5.4", "/users/by-accountinfo?doUnionOfAccountInfo=true&email=c@example.com").await.ok();
        assert_eq!(found["users"][0]["id"], id(3), "{mode}");
        assert_eq!(w.get("5.4", "/users?email=c@").await.ok()["users"][0]["id"], id(3), "{mode}");
    }
}

/// Makes a passkey of what a user has logged in with by now.
pub async fn make_passkey(w: &World, n: u8, email: &str) {
    let user = id(n);
    for sql in [
        format!(
            "insert into webauthn_users (app_id, user_id, email, rp_id, time_joined) values ('public', '{user}', '{email}', 'x', {n})"
        ),
        format!("delete from emailpassword_user_to_tenant where user_id = '{user}'"),
        format!("delete from emailpassword_users where user_id = '{user}'"),
        format!("update app_id_to_user_id set recipe_id = 'webauthn' where user_id = '{user}'"),
        format!("update all_auth_recipe_users set recipe_id = 'webauthn' where user_id = '{user}'"),
        format!("update recipe_user_account_infos set recipe_id = 'webauthn' where recipe_user_id = '{user}'"),
        format!("update recipe_user_tenants set recipe_id = 'webauthn' where recipe_user_id = '{user}'"),
    ] {
        w.write(&sql).await;
    }
}

/// Versions that know no passkeys list those who log in with anything else.
async fn users_with_passkeys_are_listed_for_who_knows_them(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Password("b@x")).await;
    make_passkey(w, 1, "a@x").await;
    let ids = async |cdi: &str| {
        let users = w.get(cdi, "/users").await.ok()["users"].as_array().cloned().unwrap_or_default();
        users.iter().map(|user| user.get("user").unwrap_or(user)["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((ids("3.1").await, ids("5.6").await), (vec![json!(id(2))], vec![json!(id(1)), json!(id(2))]));
    let shown = async |cdi: &str| w.get(cdi, &format!("/user/id?userId={}", id(1))).await.ok()["user"].clone();
    assert_eq!((&shown("5.2").await["emails"], &shown("5.6").await["emails"]), (&json!([]), &json!(["a@x"])));
    assert_eq!(shown("5.2").await["loginMethods"][0]["email"], "a@x");
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
    users_are_shown_with_all_their_logins,
    a_group_is_listed_once_by_each_of_its_recipes,
    whoever_goes_while_the_list_is_read_is_listed_or_not,
    a_list_is_read_page_by_page,
    users_with_passkeys_are_listed_for_who_knows_them,
    users_are_the_same_in_every_migration_mode needs AJavaCoresPast,
);

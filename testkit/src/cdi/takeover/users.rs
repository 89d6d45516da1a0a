//! Users of a Java core's database: they log in, are shown as before, are changed, and the rows that are left are those that the Java
//! core would have written (core-users.md 2.3, core-linking.md 2), in each mode of its way from the older tables to the newer ones.

use serde_json::{Value, json};

use super::java::{self, Made};
use crate::cdi::users::id;
use crate::{Answer, World, scenarios};

const PASSWORD: &str = "testPass123";
const FIREBASE: &str = "firebase_password_hashing_signer_key";

/// The tables of accounts, and what is looked at in them. Rows are told apart by all that they hold.
const TABLES: [(&str, &str); 15] = [
    (
        "app_id_to_user_id",
        "user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined",
    ),
    (
        "all_auth_recipe_users",
        "tenant_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined",
    ),
    ("emailpassword_users", "user_id, email, time_joined"),
    ("thirdparty_users", "user_id, third_party_id, third_party_user_id, email, time_joined"),
    ("passwordless_users", "user_id, email, phone_number, time_joined"),
    ("emailpassword_user_to_tenant", "tenant_id, user_id, email"),
    ("thirdparty_user_to_tenant", "tenant_id, user_id, third_party_id, third_party_user_id"),
    ("passwordless_user_to_tenant", "tenant_id, user_id, email, phone_number"),
    (
        "recipe_user_account_infos",
        "recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id, primary_user_id",
    ),
    (
        "recipe_user_tenants",
        "tenant_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id",
    ),
    ("primary_user_tenants", "tenant_id, account_info_type, account_info_value, primary_user_id"),
    ("userid_mapping", "supertokens_user_id, external_user_id, external_user_id_info"),
    ("emailverification_verified_emails", "user_id, email"),
    ("user_metadata", "user_id, user_metadata"),
    ("user_roles", "tenant_id, user_id, role"),
];

/// The database of a Java core that is in this mode.
pub fn database(mode: &str) -> String {
    let made = if mode == "LEGACY" { Made::By11 } else { Made::By12 };
    let mut sql = java::tables(made, crate::target::Kind::Postgres);
    // Who is in those tables for sessions has no way to log in.
    sql.push_str("delete from all_auth_recipe_users; delete from app_id_to_user_id;");
    for table in ["user_metadata", "user_roles", "emailverification_verified_emails", "emailverification_tokens"] {
        sql.push_str(&format!("delete from {table};"));
    }
    sql.push_str(include_str!("../../../fixtures/java_core_users.sql"));
    if mode != "MIGRATED" {
        sql.push_str(include_str!("../../../fixtures/java_core_users_old.sql"));
    }
    if mode != "LEGACY" {
        sql.push_str(include_str!("../../../fixtures/java_core_users_new.sql"));
    }
    sql
}

async fn take_over(w: &World, mode: &str) {
    w.take_over(&database(mode)).await;
    in_mode(w, mode).await;
}

/// Starts the core in a mode, with the key of the hashes.
pub async fn in_mode(w: &World, mode: &str) {
    let vectors: Value = serde_json::from_str(include_str!("../../../vectors/password_hashes.json")).expect("JSON");
    w.with_config(json!({ "migration_mode": mode, FIREBASE: vectors[FIREBASE] })).await;
}

async fn post(w: &World, path: &str, body: Value) -> Answer {
    w.post("5.4", path, body).await
}

async fn everybody_logs_in(w: &World) {
    for (tenant, email, user, recipe_user) in [
        ("", "Ada@example.com", "ext-ada", "ext-ada"),
        ("/t1", "ada@example.com", "ext-ada", "ext-ada"),
        ("", "ben@example.com", &id(2), &id(2)),
        ("", "dan@example.com", &id(6), &id(6)),
    ] {
        let path = format!("{tenant}/recipe/signin");
        let said = post(w, &path, json!({ "email": email, "password": PASSWORD })).await.ok();
        assert_eq!((&said["user"]["id"], &said["recipeUserId"]), (&json!(user), &json!(recipe_user)));
        post(w, &path, json!({ "email": email, "password": "testPass124" })).await.says("WRONG_CREDENTIALS_ERROR");
    }
    post(w, "/t1/recipe/signin", json!({ "email": "ben@example.com", "password": PASSWORD }))
        .await
        .says("WRONG_CREDENTIALS_ERROR");
    for (provider, account, email, user, recipe_user) in
        [("google", "ben-g", "ben@gmail.example", 2, 3), ("github", "eve-h", "eve@example.com", 7, 8)]
    {
        let body =
            json!({ "thirdPartyId": provider, "thirdPartyUserId": account, "email": { "id": email, "isVerified": false } });
        let said = post(w, "/recipe/signinup", body).await.ok();
        assert_eq!((&said["user"]["id"], &said["recipeUserId"]), (&json!(id(user)), &json!(id(recipe_user))));
        assert_eq!(said["createdNewUser"], false);
    }
    for (contact, user, recipe_user) in
        [(json!({ "phoneNumber": "+33612345678" }), 2, 4), (json!({ "email": "cat@example.com" }), 5, 5)]
    {
        let code = post(w, "/t1/recipe/signinup/code", contact).await.ok();
        let shown = json!({ "preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"] });
        let said = post(w, "/t1/recipe/signinup/code/consume", shown).await.ok();
        assert_eq!((&said["user"]["id"], &said["recipeUserId"]), (&json!(id(user)), &json!(id(recipe_user))));
        assert_eq!(said["createdNewUser"], false);
    }
}

async fn everybody_is_shown_as_before(w: &World) {
    let ben = json!({
        "id": id(2), "isPrimaryUser": true, "tenantIds": ["public", "t1"], "timeJoined": 2000,
        "emails": ["ben@example.com", "ben@gmail.example"], "phoneNumbers": ["+33612345678"],
        "thirdParty": [{ "id": "google", "userId": "ben-g" }],
        "loginMethods": [
            { "tenantIds": ["public"], "recipeUserId": id(2), "verified": true, "timeJoined": 2000, "recipeId": "emailpassword",
              "email": "ben@example.com" },
            { "tenantIds": ["public"], "recipeUserId": id(3), "verified": true, "timeJoined": 3000, "recipeId": "thirdparty",
              "email": "ben@gmail.example", "thirdParty": { "id": "google", "userId": "ben-g" } },
            { "tenantIds": ["t1"], "recipeUserId": id(4), "verified": true, "timeJoined": 4000, "recipeId": "passwordless",
              "phoneNumber": "+33612345678" },
        ],
    });
    for n in [2, 3, 4] {
        assert_eq!(w.get("5.2", &format!("/user/id?userId={}", id(n))).await.ok()["user"], ben);
    }
    let ada = json!({
        "id": "ext-ada", "isPrimaryUser": false, "tenantIds": ["public", "t1"], "timeJoined": 1000, "emails": ["ada@example.com"],
        "phoneNumbers": [], "thirdParty": [],
        "loginMethods": [{
            "tenantIds": ["public", "t1"], "recipeUserId": "ext-ada", "verified": true, "timeJoined": 1000,
            "recipeId": "emailpassword", "email": "ada@example.com",
        }],
    });
    for user in ["ext-ada", &id(1)] {
        assert_eq!(w.get("5.2", &format!("/user/id?userId={user}")).await.ok()["user"], ada);
    }
    let eve = w.get("5.2", &format!("/user/id?userId={}", id(7))).await.ok();
    assert_eq!((&eve["user"]["id"], &eve["user"]["timeJoined"]), (&json!(id(7)), &json!(8000)));
    assert_eq!(eve["user"]["loginMethods"].as_array().map(Vec::len), Some(1));
    // An SDK of 2022 sees the oldest way to log in.
    let old = w.get("2.9", "/recipe/user?userId=ext-ada").await.ok();
    assert_eq!(old["user"], json!({ "id": "ext-ada", "timeJoined": 1000, "email": "ada@example.com" }));
    let listed = w.get("5.2", "/users?timeJoinedOrder=ASC").await.ok();
    let ids: Vec<&str> = listed["users"].as_array().expect("users").iter().filter_map(|user| user["id"].as_str()).collect();
    assert_eq!(ids, ["ext-ada", &id(2), &id(6), &id(7)]);
    assert_eq!(w.get("5.2", "/t1/users").await.ok()["users"].as_array().map(Vec::len), Some(3));
    assert_eq!(w.get("5.2", "/users/count?includeAllTenants=true").await.ok()["count"], 5);
    assert_eq!(w.get("5.4", "/recipe/user/metadata?userId=ext-ada").await.ok()["metadata"], json!({ "theme": "light" }));
    assert_eq!(w.get("5.4", "/recipe/user/roles?userId=ext-ada").await.ok()["roles"], json!(["admin"]));
}

/// Answers the internal id of the user who is new.
async fn everything_is_changed(w: &World) -> String {
    w.put("5.4", "/recipe/user", json!({ "recipeUserId": "ext-ada", "email": "ada@new.example" })).await.ok();
    post(w, "/recipe/accountlinking/user/primary", json!({ "recipeUserId": id(5) })).await.ok();
    post(w, "/recipe/accountlinking/user/link", json!({ "recipeUserId": "ext-ada", "primaryUserId": id(5) })).await.ok();
    post(w, "/recipe/accountlinking/user/unlink", json!({ "recipeUserId": id(4) })).await.ok();
    post(w, "/t1/recipe/multitenancy/tenant/user", json!({ "recipeUserId": id(3) })).await.ok();
    post(w, "/recipe/multitenancy/tenant/user/remove", json!({ "recipeUserId": "ext-ada" })).await.ok();
    post(w, "/user/remove", json!({ "userId": id(6), "removeAllLinkedAccounts": true })).await.ok();
    post(w, "/user/remove", json!({ "userId": id(2), "removeAllLinkedAccounts": false })).await.ok();
    w.put("5.4", "/recipe/user/role", json!({ "userId": id(5), "role": "admin" })).await.ok();
    w.put("5.4", "/recipe/user/metadata", json!({ "userId": "ext-ada", "metadataUpdate": { "n": 1 } })).await.ok();
    let said = post(w, "/recipe/signup", json!({ "email": "fay@example.com", "password": PASSWORD })).await.ok();
    said["recipeUserId"].as_str().expect("an id").to_owned()
}

/// Rows as lines: `table: value, value`; the n-th user is `#n`, who is new is `#new`, now is `now`, nothing is `-`.
async fn rows(w: &World, new: &str) -> Vec<String> {
    let now = w.clock.now().to_string();
    let mut lines = Vec::new();
    for (table, columns) in TABLES {
        for row in w.rows(&format!("select {columns} from {table} where app_id = 'public'")).await {
            let values = row.into_iter().map(|value| match value {
                None => "-".to_owned(),
                Some(value) if value == new => "#new".to_owned(),
                Some(value) if value == now => "now".to_owned(),
                Some(value) if value == "t" => "true".to_owned(),
                Some(value) if value == "f" => "false".to_owned(),
                Some(value) => (1..=8).find(|n| id(*n) == value).map_or(value, |n| format!("#{n}")),
            });
            lines.push(format!("{table}: {}", values.collect::<Vec<_>>().join(", ")));
        }
    }
    lines.sort();
    lines
}

/// What every mode leaves. In the first line of each user are three answers: in the mode LEGACY nobody knows there when users joined.
fn expected(mode: &str) -> Vec<String> {
    let is_old = mode == "LEGACY";
    let first = |line: &str, joined: &str, group: &str| {
        let (joined, group) = if is_old { ("0", "0") } else { (joined, group) };
        format!("app_id_to_user_id: {line}, {joined}, {group}")
    };
    let mut lines = vec![
        first("#1, emailpassword, #5, true", "1000", "1000"),
        first("#2, emailpassword, #2, true", "2000", "3000"),
        first("#3, thirdparty, #2, true", "3000", "3000"),
        first("#4, passwordless, #4, false", "4000", "4000"),
        first("#5, passwordless, #5, true", "5000", "1000"),
        first("#7, emailpassword, #7, true", "7000", "7000"),
        first("#8, thirdparty, #7, true", "8000", "7000"),
        first("#new, emailpassword, #new, false", "now", "now"),
    ];
    let mut add = |text: &str| {
        lines.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    };
    add("emailpassword_users: #1, ada@new.example, 1000
        emailpassword_users: #new, fay@example.com, now
        thirdparty_users: #3, google, ben-g, ben@gmail.example, 3000
        thirdparty_users: #8, github, eve-h, eve@example.com, 8000
        passwordless_users: #4, -, +33612345678, 4000
        passwordless_users: #5, cat@example.com, -, 5000
        userid_mapping: #1, ext-ada, {\"from\":\"elsewhere\"}
        emailverification_verified_emails: ext-ada, ada@example.com
        emailverification_verified_emails: #2, ben@example.com
        emailverification_verified_emails: #3, ben@gmail.example
        emailverification_verified_emails: #5, cat@example.com
        user_metadata: ext-ada, {\"theme\":\"light\",\"n\":1}
        user_metadata: #2, {\"n\":1.0}
        user_roles: public, #2, admin
        user_roles: public, #5, admin");
    if mode != "MIGRATED" {
        add("all_auth_recipe_users: t1, #1, emailpassword, #5, true, 1000, 1000
            all_auth_recipe_users: t1, #5, passwordless, #5, true, 5000, 1000
            all_auth_recipe_users: public, #3, thirdparty, #2, true, 3000, 3000
            all_auth_recipe_users: t1, #3, thirdparty, #2, true, 3000, 3000
            all_auth_recipe_users: t1, #4, passwordless, #4, false, 4000, 4000
            all_auth_recipe_users: public, #8, thirdparty, #7, true, 8000, 7000
            all_auth_recipe_users: public, #new, emailpassword, #new, false, now, now
            emailpassword_user_to_tenant: t1, #1, ada@new.example
            emailpassword_user_to_tenant: public, #new, fay@example.com
            thirdparty_user_to_tenant: public, #3, google, ben-g
            thirdparty_user_to_tenant: t1, #3, google, ben-g
            thirdparty_user_to_tenant: public, #8, github, eve-h
            passwordless_user_to_tenant: t1, #4, -, +33612345678
            passwordless_user_to_tenant: t1, #5, cat@example.com, -");
    }
    if !is_old {
        add("recipe_user_account_infos: #1, emailpassword, email, ada@new.example, , , #5
            recipe_user_account_infos: #3, thirdparty, email, ben@gmail.example, google, ben-g, #2
            recipe_user_account_infos: #3, thirdparty, tparty, google::ben-g, , , #2
            recipe_user_account_infos: #4, passwordless, phone, +33612345678, , , -
            recipe_user_account_infos: #5, passwordless, email, cat@example.com, , , #5
            recipe_user_account_infos: #8, thirdparty, email, eve@example.com, github, eve-h, #7
            recipe_user_account_infos: #8, thirdparty, tparty, github::eve-h, , , #7
            recipe_user_account_infos: #new, emailpassword, email, fay@example.com, , , -
            recipe_user_tenants: t1, #1, emailpassword, email, ada@new.example, ,
            recipe_user_tenants: public, #3, thirdparty, email, ben@gmail.example, google, ben-g
            recipe_user_tenants: public, #3, thirdparty, tparty, google::ben-g, ,
            recipe_user_tenants: t1, #3, thirdparty, email, ben@gmail.example, google, ben-g
            recipe_user_tenants: t1, #3, thirdparty, tparty, google::ben-g, ,
            recipe_user_tenants: t1, #4, passwordless, phone, +33612345678, ,
            recipe_user_tenants: t1, #5, passwordless, email, cat@example.com, ,
            recipe_user_tenants: public, #8, thirdparty, email, eve@example.com, github, eve-h
            recipe_user_tenants: public, #8, thirdparty, tparty, github::eve-h, ,
            recipe_user_tenants: public, #new, emailpassword, email, fay@example.com, ,
            primary_user_tenants: public, email, ben@gmail.example, #2
            primary_user_tenants: public, tparty, google::ben-g, #2
            primary_user_tenants: t1, email, ben@gmail.example, #2
            primary_user_tenants: t1, tparty, google::ben-g, #2
            primary_user_tenants: t1, email, ada@new.example, #5
            primary_user_tenants: t1, email, cat@example.com, #5
            primary_user_tenants: public, email, eve@example.com, #7
            primary_user_tenants: public, tparty, github::eve-h, #7");
    }
    lines.sort();
    lines
}

async fn users_go_on(w: &World, mode: &str) {
    take_over(w, mode).await;
    everybody_is_shown_as_before(w).await;
    everybody_logs_in(w).await;
    let new = everything_is_changed(w).await;
    let (left, expected) = (rows(w, &new).await, expected(mode));
    let left: Vec<&str> = left.iter().map(|line| line.trim_end()).collect();
    let missing: Vec<_> = expected.iter().filter(|line| !left.contains(&line.as_str())).collect();
    let strange: Vec<_> = left.iter().filter(|line| !expected.iter().any(|other| other == *line)).collect();
    assert!(missing.is_empty() && strange.is_empty(), "{mode}: missing {missing:#?}, strange {strange:#?}");
    assert_eq!(left.len(), expected.len(), "{mode}");
    w.restart().await;
    post(w, "/recipe/signin", json!({ "email": "fay@example.com", "password": PASSWORD })).await.ok();
    post(w, "/t1/recipe/signin", json!({ "email": "ada@new.example", "password": PASSWORD })).await.ok();
}

async fn users_of_a_java_core_go_on_in_its_older_tables(w: &World) {
    users_go_on(w, "LEGACY").await;
}

async fn users_of_a_java_core_go_on_in_both(w: &World) {
    for mode in ["DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW"] {
        users_go_on(w, mode).await;
    }
}

async fn users_of_a_java_core_go_on_in_its_newer_tables(w: &World) {
    users_go_on(w, "MIGRATED").await;
}

scenarios!(World:
    users_of_a_java_core_go_on_in_its_older_tables needs AJavaCoresPast,
    users_of_a_java_core_go_on_in_both needs AJavaCoresPast,
    users_of_a_java_core_go_on_in_its_newer_tables needs AJavaCoresPast,
);

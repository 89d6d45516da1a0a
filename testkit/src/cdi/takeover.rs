//! A database of the Java core changes hands: scenario 101 of core-session.md 8.2, decisions 4 and 5.
//!
//! Sessions that live when our core opens it go on, whichever way their tokens were made, and what we leave is a database that
//! a Java core can open again: its tables, its columns, its types, its keys, rows that it can read.

use serde_json::{Value, json};

use super::session::rows::{access, handle, refreshing};
use super::session::{plain, text};
use crate::target::{Kind, TestDatabase};
use crate::{Answer, World, members, scenarios};
use java::{END, HANDLE, Made, PAYLOAD, STATIC_HANDLE, STATIC_USER};

pub mod java;
pub mod passkeys;
pub mod users;

const DYNAMIC_KID: &str = "d-1700000000000";

async fn verify(w: &World, cdi: &str, path: &str, token: &str) -> Value {
    let body = json!({ "accessToken": token, "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true });
    w.post(cdi, &format!("{path}/recipe/session/verify"), body).await.ok()
}

async fn refresh(w: &World, cdi: &str, token: &str, dynamic: bool) -> Answer {
    let body = json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": dynamic });
    w.post(cdi, "/recipe/session/refresh", body).await
}

async fn stored(w: &World, handle: &str) -> Vec<Option<String>> {
    let sql = "select refresh_token_hash_2, prev_refresh_token_hash_2, refresh_token_rotated_at, expires_at from session_info";
    w.rows(&format!("{sql} where session_handle = '{handle}'")).await.pop().expect("a row")
}

async fn sessions_of_a_java_core_11_go_on(w: &World) {
    w.take_over(&java::database(Made::By11, w.target().kind())).await;
    the_sessions_go_on(w, Made::By11).await;
}

async fn sessions_of_a_java_core_12_go_on(w: &World) {
    w.take_over(&java::database(Made::By12, w.target().kind())).await;
    the_sessions_go_on(w, Made::By12).await;
}

async fn the_sessions_go_on(w: &World, made: Made) {
    w.clock.advance(1000);
    tokens_made_before_verify(w).await;
    data_made_before_is_read_and_changed(w).await;
    tokens_made_before_refresh(w).await;
    a_tenants_session_goes_on(w, made).await;
    a_session_with_the_static_key_goes_on(w).await;
    sessions_made_before_are_listed_and_revoked(w).await;
}

async fn tokens_made_before_verify(w: &World) {
    let published = w.raw("GET", "/.well-known/jwks.json", &[], "").await.json();
    let kids: Vec<&str> = published["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids, [DYNAMIC_KID, &text(&java::vectors("keys"), "/static/kid")]);
    let tokens = java::vectors("access");
    let mut seen = Vec::new();
    for vector in tokens["valid"].as_array().unwrap() {
        let token = text(vector, "/token");
        // Those of other tenants, and those whose parent is another token, are not of the session in the table.
        if vector["expect"]["tenantId"] != "public" || !vector["expect"]["parentRefreshTokenHash1"].is_null() {
            continue;
        }
        for cdi in ["5.4", "5.6"] {
            let said = verify(w, cdi, "", &token).await;
            assert_eq!(said["session"]["handle"], HANDLE);
            assert_eq!(said["session"]["userId"], vector["expect"]["primaryUserId"]);
            assert_eq!(said["session"]["userDataInJWT"].to_string(), serde_json::from_str::<Value>(PAYLOAD).unwrap().to_string());
            assert_eq!(said.get("accessToken"), None, "nothing about it has changed");
        }
        seen.push(vector["version"].as_i64().unwrap());
    }
    assert_eq!(seen, [1, 2, 3, 5]);
}

async fn data_made_before_is_read_and_changed(w: &World) {
    let path = format!("/recipe/session?sessionHandle={HANDLE}");
    let said = w.get("5.4", &path).await;
    assert!(said.text.contains(r#""userDataInDatabase":{"in":"database","n":1.0}"#), "{}", said.text);
    assert!(said.text.contains(&format!(r#""userDataInJWT":{PAYLOAD}"#)), "{}", said.text);
    let said = said.ok();
    assert_eq!((said["userId"].as_str(), said["expiry"].as_i64()), (Some("user-1"), Some(END)));
    let body = json!({ "sessionHandle": HANDLE, "userDataInDatabase": { "new": [null] } });
    w.put("5.4", "/recipe/session/data", body).await.ok();
    assert_eq!(w.get("5.4", &path).await.ok()["userDataInDatabase"], json!({ "new": [null] }));
}

async fn tokens_made_before_refresh(w: &World) {
    let old = text(&java::vectors("refresh"), "/valid/0/token");
    let new = refresh(w, "5.6", &old, true).await.ok();
    assert_eq!((new["session"]["handle"].as_str(), new["session"]["userId"].as_str()), (Some(HANDLE), Some("user-1")));
    let now = w.clock.now();
    let row =
        [Some(java::hash2(&refreshing(&new))), Some(java::hash2(&old)), Some(now.to_string()), Some((END + 1000).to_string())];
    assert_eq!(stored(w, HANDLE).await, row);
    // What a Java core would see in the new tokens.
    let claims = java::verified(&access(&new), "dynamic");
    assert_eq!(
        (claims["sub"].as_str(), claims["rsub"].as_str(), claims["tId"].as_str()),
        (Some("user-1"), Some("user-1"), Some("public"))
    );
    assert_eq!(claims["refreshTokenHash1"], java::sha(&refreshing(&new)));
    let inside = java::opened(&refreshing(&new));
    assert_eq!(members(&inside), ["nonce", "parentRefreshTokenHash1", "sessionHandle", "userId"]);
    assert_eq!(inside["parentRefreshTokenHash1"], java::sha(&old));

    assert_eq!(verify(w, "5.6", "", &access(&new)).await["payloadUpdateAvailable"], false);
    // An access token of the generation before is still good, and the answer that was lost can be asked for again.
    verify(w, "5.6", "", &text(&java::vectors("access"), "/valid/4/token")).await;
    refresh(w, "5.6", &old, true).await.ok();

    let change = json!({ "sessionHandle": HANDLE, "userDataInJWT": { "k": "w" } });
    w.put("5.4", "/recipe/jwt/data", change).await.ok();
    let again = w.post("5.4", "/recipe/session/regenerate", json!({ "accessToken": access(&new) })).await.ok();
    assert_eq!(again["session"]["userDataInJWT"], json!({ "k": "w" }));
    assert_eq!(java::verified(&access(&again), "dynamic")["k"], "w");
}

async fn a_tenants_session_goes_on(w: &World, made: Made) {
    let tenant = w.get("5.4", "/t1/recipe/multitenancy/tenant/v2").await.ok();
    assert_eq!(tenant["firstFactors"], json!(["emailpassword"]));
    let vectors = java::vectors("refresh");
    let old = text(&vectors, "/valid/1/token");
    let anti_csrf = text(&vectors, "/valid/1/expect/antiCsrfToken");
    let ask = |given: String| {
        let body = json!({ "refreshToken": old, "antiCsrfToken": given, "enableAntiCsrf": true, "useDynamicSigningKey": true });
        async move { w.post("5.6", "/t1/recipe/session/refresh", body).await }
    };
    ask("another".to_owned()).await.says("UNAUTHORISED");
    let new = ask(anti_csrf).await.ok();
    let session = handle(&new);
    assert_eq!(session, format!("{HANDLE}_t1"));
    assert_eq!((new["session"]["tenantId"].as_str(), new["session"]["recipeUserId"].as_str()), (Some("t1"), Some("ext é user")));
    let [current, prev, rotated_at, expires_at] = stored(w, &session).await.try_into().unwrap();
    assert_eq!((current, prev), (Some(java::hash2(&refreshing(&new))), Some(java::hash2(&old))));
    // From 11.x it is a promotion and a rotation in one; from 12.x a repetition within the time of grace, which extends nothing.
    let (at, end) = match made {
        Made::By11 => (w.clock.now(), END + 1000),
        Made::By12 => (crate::ports::BEGINNING - 10_000, END),
    };
    assert_eq!((rotated_at, expires_at), (Some(at.to_string()), Some(end.to_string())));
    let inside = java::opened(&refreshing(&new));
    assert_eq!((inside["tenantId"].as_str(), &inside["antiCsrfToken"]), (Some("t1"), &new["antiCsrfToken"]));
    verify(w, "5.4", "/t1", &access(&new)).await;
    let next = json!({ "refreshToken": refreshing(&new), "enableAntiCsrf": false, "useDynamicSigningKey": true });
    w.post("5.6", "/t1/recipe/session/refresh", next).await.ok();
}

async fn a_session_with_the_static_key_goes_on(w: &World) {
    verify(w, "5.4", "", &java::static_access_token()).await;
    // As an SDK of 11.x goes on: the child counts when its access token is first verified.
    let child = refresh(w, "5.4", &java::static_refresh_token(), false).await.ok();
    let claims = java::verified(&access(&child), "static");
    assert_eq!(claims["parentRefreshTokenHash1"], java::sha(&java::static_refresh_token()));
    assert_eq!(stored(w, STATIC_HANDLE).await[0], Some(java::hash2(&java::static_refresh_token())));
    let promoted = verify(w, "5.4", "", &access(&child)).await;
    assert_eq!(java::verified(&access(&promoted), "static")["parentRefreshTokenHash1"], Value::Null);
    let row = stored(w, STATIC_HANDLE).await;
    assert_eq!(row[..2], [Some(java::hash2(&refreshing(&child))), Some(java::hash2(&java::static_refresh_token()))]);
    let old = refresh(w, "5.4", &java::static_refresh_token(), false).await;
    assert_eq!(old.says("TOKEN_THEFT_DETECTED")["session"]["handle"], STATIC_HANDLE);
}

async fn sessions_made_before_are_listed_and_revoked(w: &World) {
    let list =
        async |user: &str| w.get("5.4", &format!("/recipe/session/user?userId={user}")).await.ok()["sessionHandles"].clone();
    assert_eq!((list(STATIC_USER).await, list("user-1").await), (json!([STATIC_HANDLE]), json!([HANDLE])));
    assert_eq!(list("ext%20%C3%A9%20user").await, json!([format!("{HANDLE}_t1")]));
    let revoked = w.post("5.4", "/recipe/session/remove", json!({ "sessionHandles": [STATIC_HANDLE] })).await.ok();
    assert_eq!(revoked["sessionHandlesRevoked"], json!([STATIC_HANDLE]));
    let revoked = w.post("5.4", "/recipe/session/remove", json!({ "userId": "user-1" })).await.ok();
    assert_eq!(revoked["sessionHandlesRevoked"], json!([HANDLE]));
    let gone = refresh(w, "5.6", &text(&java::vectors("refresh"), "/valid/0/token"), true).await;
    gone.says("UNAUTHORISED");
}

/// Of users who are known by any text.
async fn what_a_java_core_kept_of_users_goes_on(w: &World) {
    w.take_over(&java::database(Made::By11, w.target().kind())).await;
    let (user, id) = ("ext%20%C3%A9%20user", "00000000-0000-4000-8000-00000000000a");
    let get = async |path: &str| w.get("5.4", path).await.ok();
    assert_eq!(get(&format!("/recipe/user/metadata?userId={user}")).await["metadata"], json!({ "theme": "dark" }));
    assert_eq!(get(&format!("/t1/recipe/user/roles?userId={user}")).await["roles"], json!(["admin"]));
    assert_eq!(get("/recipe/role/permissions?role=admin").await["permissions"], json!(["read", "write"]));
    let verified = format!("/recipe/user/email/verify?userId={user}&email=");
    assert_eq!(get(&format!("{verified}A@b.example")).await["isVerified"], true);
    let said = w.post("5.4", "/t1/recipe/user/email/verify", json!({ "method": "token", "token": "token" })).await.ok();
    assert_eq!((&said["userId"], &said["email"]), (&json!("ext é user"), &json!("z@b.example")));
    assert_eq!(get(&format!("{verified}z@b.example")).await["isVerified"], true);
    assert_eq!(get(&format!("/recipe/userid/map?userId={user}")).await["superTokensUserId"], id);
    let refused = w.post("5.4", "/recipe/userid/map/remove", json!({ "userId": id })).await;
    refused.refuses(400, "UserId is already in use in Session recipe");
}

/// What holds for tables that were there holds for those that we made, so that a Java core may come later.
async fn new_tables_are_those_of_a_java_core(w: &World) {
    let kind = w.target().kind();
    let reference = TestDatabase::make(if kind == Kind::Postgres { kind } else { Kind::File }).await.expect("a database");
    reference.replace(&java::tables(Made::By12, kind)).await.expect("the tables of 12.x");
    let of_java = reference.rows(shape_of(kind)).await.expect("the shape");
    reference.remove().await.expect("it is dropped");
    let ours = w.rows(shape_of(kind)).await;
    for table in [
        "user_metadata",
        "roles",
        "role_permissions",
        "user_roles",
        "emailverification_verified_emails",
        "emailverification_tokens",
        "userid_mapping",
        "emailpassword_users",
        "emailpassword_user_to_tenant",
        "emailpassword_pswd_reset_tokens",
        "thirdparty_users",
        "thirdparty_user_to_tenant",
        "passwordless_users",
        "passwordless_user_to_tenant",
        "passwordless_devices",
        "passwordless_codes",
        "dashboard_users",
        "dashboard_user_sessions",
        "webauthn_users",
        "webauthn_user_to_tenant",
        "webauthn_generated_options",
        "webauthn_credentials",
        "webauthn_account_recovery_tokens",
        "recipe_user_account_infos",
        "recipe_user_tenants",
        "primary_user_tenants",
    ] {
        let of = |shape: &[Vec<Option<String>>]| {
            shape.iter().filter(|line| line[0].as_deref() == Some(table)).cloned().collect::<Vec<_>>()
        };
        assert!(of(&ours).len() >= 2, "{table}");
        assert_eq!(of(&ours), of(&of_java), "{table}");
    }
}

async fn what_a_java_core_11_gets_back_is_its_own(w: &World) {
    what_it_gets_back_is_its_own(w, Made::By11).await;
}

async fn what_a_java_core_12_gets_back_is_its_own(w: &World) {
    what_it_gets_back_is_its_own(w, Made::By12).await;
}

async fn what_it_gets_back_is_its_own(w: &World, made: Made) {
    let kind = w.target().kind();
    let before = Untouched::of(made, kind).await;
    w.take_over(&java::database(made, kind)).await;
    for cdi in ["5.4", "5.6", "2.9"] {
        w.post(cdi, "/recipe/session", plain("user-2")).await.ok();
    }
    refresh(w, "5.6", &text(&java::vectors("refresh"), "/valid/0/token"), true).await.ok();
    w.restart().await;
    before.are_as_they_were(w, kind).await;
    a_java_core_reads_what_we_wrote(w).await;
    a_java_core_writes_as_ever(w, made).await;
}

/// What a Java core counts on, as it stands in databases that only it has seen.
struct Untouched {
    /// Columns and constraints as 12.x has them: what 11.x lacks is completed.
    shape: Vec<Vec<Option<String>>>,
    rows: Vec<Vec<Vec<Option<String>>>>,
}

/// What nobody has a reason to change when sessions come and go.
const KEPT: [&str; 15] = [
    "select * from apps order by 1",
    "select * from tenants order by 1, 2",
    "select * from tenant_configs order by 1, 2, 3",
    "select * from tenant_first_factors order by 1, 2, 3, 4",
    "select * from key_value where name = 'refresh_token_key' order by 1, 2",
    "select * from session_access_token_signing_keys order by 1, 2",
    "select * from jwt_signing_keys order by 1, 2",
    "select * from userid_mapping order by 1, 2",
    "select app_id, user_id, recipe_id, primary_or_recipe_user_id from app_id_to_user_id order by 1, 2",
    "select * from user_metadata order by 1, 2",
    "select * from roles order by 1, 2",
    "select * from role_permissions order by 1, 2, 3",
    "select * from user_roles order by 1, 2, 3, 4",
    "select * from emailverification_verified_emails order by 1, 2, 3",
    "select * from emailverification_tokens order by 1, 2, 3, 4, 5",
];

const POSTGRES_SHAPE: &str = "
    select table_name::text, column_name::text, ordinal_position::text, data_type::text, character_maximum_length::text,
        is_nullable::text, column_default::text, is_identity::text
    from information_schema.columns where table_schema = 'public'
    union all
    select conrelid::regclass::text, conname::text, contype::text, pg_get_constraintdef(oid), null, null, null, null
    from pg_constraint where connamespace = 'public'::regnamespace
    order by 1, 2, 3";
const SQLITE_SHAPE: &str = "
    select t.name, c.name, c.cid, c.type, c.\"notnull\", c.dflt_value, c.pk
    from sqlite_master t join pragma_table_info(t.name) c where t.type = 'table' and substr(t.name, 1, 7) <> 'sqlite_'
    order by 1, 3";

impl Untouched {
    async fn of(made: Made, kind: Kind) -> Self {
        let reference = TestDatabase::make(kind).await.expect("a database");
        reference.replace(&java::tables(Made::By12, kind)).await.expect("the tables of 12.x");
        let shape = reference.rows(shape_of(kind)).await.expect("the shape");
        reference.replace(&java::database(made, kind)).await.expect("the whole database");
        let mut rows = Vec::new();
        for sql in KEPT {
            rows.push(reference.rows(sql).await.expect("rows"));
        }
        reference.remove().await.expect("it is dropped");
        Self { shape, rows }
    }

    async fn are_as_they_were(&self, w: &World, kind: Kind) {
        let (known, strange): (Vec<_>, Vec<_>) = w.rows(shape_of(kind)).await.into_iter().partition(|line| {
            let table = &line[0];
            self.shape.iter().any(|of_java| of_java[0] == *table)
        });
        assert_eq!(known, self.shape);
        for line in strange {
            let table = line[0].as_deref().expect("a name");
            // The next month's part of the log, which a Java core makes just so, and on SQLite the log itself.
            let is_log = table.starts_with("activity_log");
            // A Java core's, too; the databases at hand were dumped without them.
            let is_left_out = table.starts_with("totp_") || table == "bulk_import_users";
            assert!(table.starts_with("st_rs_") || is_log || is_left_out, "{table} is neither Java's nor named as ours");
        }
        for (sql, rows) in KEPT.iter().zip(&self.rows) {
            assert_eq!(w.rows(sql).await, *rows, "{sql}");
            assert!(!rows.is_empty(), "{sql}");
        }
    }
}

fn shape_of(kind: Kind) -> &'static str {
    if kind == Kind::Postgres { POSTGRES_SHAPE } else { SQLITE_SHAPE }
}

async fn a_java_core_reads_what_we_wrote(w: &World) {
    for cdi in ["5.4", "5.6"] {
        let made = w.post(cdi, "/recipe/session", plain("user-2")).await.ok();
        assert_eq!(java::verified(&access(&made), "dynamic")["sessionHandle"], handle(&made));
        let inside = java::opened(&refreshing(&made));
        assert_eq!((inside["sessionHandle"].as_str(), inside["userId"].as_str()), (Some(handle(&made).as_str()), Some("user-2")));
        let row = stored(w, &handle(&made)).await;
        assert_eq!(row[..3], [Some(java::hash2(&refreshing(&made))), None, None]);
        let sql = format!("select session_data, jwt_user_payload from session_info where session_handle = '{}'", handle(&made));
        assert_eq!(w.rows(&sql).await, [[Some("{}".to_owned()), Some("{}".to_owned())]]);
    }
}

async fn a_java_core_writes_as_ever(w: &World, made: Made) {
    let session = "33333333-4444-4555-8666-777777777777";
    let token = java::sealed(&json!({ "sessionHandle": session, "userId": "user-4" }), 2);
    w.write(&java::session("public", session, "user-4", &java::hash2("before"), "{}", false)).await;
    // 11.x knows three columns of a rotation, 12.x five.
    let more = match made {
        Made::By11 => String::new(),
        Made::By12 => format!(", prev_refresh_token_hash_2 = '{}', refresh_token_rotated_at = 5", java::hash2("before")),
    };
    w.write(&format!(
        "update session_info set refresh_token_hash_2 = '{}', expires_at = {END}, use_static_key = false{more}
         where app_id = 'public' and tenant_id = 'public' and session_handle = '{session}'",
        java::hash2(&token)
    ))
    .await;
    w.write(
        "insert into app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id)
         values ('public', '00000000-0000-4000-8000-00000000000b', 'passwordless', '00000000-0000-4000-8000-00000000000b')",
    )
    .await;
    assert_eq!(handle(&refresh(w, "5.6", &token, true).await.ok()), session);
}

scenarios!(World:
    sessions_of_a_java_core_11_go_on needs AKeptDatabase,
    sessions_of_a_java_core_12_go_on needs AKeptDatabase,
    what_a_java_core_kept_of_users_goes_on needs AKeptDatabase,
    new_tables_are_those_of_a_java_core,
    what_a_java_core_11_gets_back_is_its_own needs AKeptDatabase,
    what_a_java_core_12_gets_back_is_its_own needs AKeptDatabase,
);

//! Signing keys (core-session.md 5 and 8.2): scenarios 83 to 91 and 94.

use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::{DAY, HOUR, Millis, SECOND};

use super::place::{count, make_app, put_dynamic_key, put_static_key, put_tenant, remove_app};
use super::session::{create, plain, text};
use crate::ports::BEGINNING;
use crate::{World, members, scenarios};

const KEYS: &str = include_str!("../../vectors/rsa_test_keys.json");
const SCHEDULE: &str = include_str!("../../vectors/signing_key_schedule.json");

/// A text of one of the published test keys.
fn test_key(name: &str, form: &str) -> String {
    text(&serde_json::from_str(KEYS).expect("JSON"), &format!("/{name}/{form}"))
}

/// The key ids of a key set, in its order.
fn kids(set: &Value) -> Vec<String> {
    set["keys"].as_array().expect("keys").iter().map(|key| text(key, "/kid")).collect()
}

/// The key set of an app, as SDKs ask for it.
async fn published(w: &World, app: &str) -> Value {
    w.raw("GET", &format!("/appid-{app}/.well-known/jwks.json"), &[], "").await.done()
}

/// The key id of a token.
pub fn kid_of(token: &str) -> String {
    text(&super::jwt::part(token, 0), "/kid")
}

async fn signed(w: &World, app: &str, with_static: bool) -> String {
    let body = json!({
        "algorithm": "RS256", "jwksDomain": "https://a.example", "payload": {}, "validity": 10, "useStaticSigningKey": with_static,
    });
    text(&w.post("5.4", &format!("/appid-{app}/recipe/jwt"), body).await.ok(), "/jwt")
}

async fn verify(w: &World, token: &str) -> Value {
    let body = json!({ "accessToken": token, "enableAntiCsrf": false, "doAntiCsrfCheck": false, "checkDatabase": false });
    w.post("5.4", "/recipe/session/verify", body).await.done()
}

async fn refresh(w: &World, made: &Value) -> Value {
    let body =
        json!({ "refreshToken": text(made, "/refreshToken/token"), "enableAntiCsrf": false, "useDynamicSigningKey": true });
    w.post("5.4", "/recipe/session/refresh", body).await.done()
}

async fn a_new_database_gets_one_key_of_each_kind(w: &World) {
    assert_eq!(count(w, "session_access_token_signing_keys").await, 1);
    assert_eq!(count(w, "jwt_signing_keys").await, 1);
    let sealing = w.value("select value from key_value where name = 'refresh_token_key'").await.expect("a key");
    let parts: Vec<&str> = sealing.split(':').collect();
    let is_hex = |text: &str| text.len() == 128 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    assert!(parts.len() == 3 && parts[0] == "1000" && is_hex(parts[1]) && is_hex(parts[2]), "not the form of the tables");
    let row = &w.rows("select key_id, algorithm, created_at from jwt_signing_keys").await[0];
    assert!(row[0].as_deref().is_some_and(|kid| kid.starts_with("s-") && kid.len() == 38), "{row:?}");
    assert_eq!((row[1].as_deref(), row[2].as_deref()), (Some("RS256"), Some(BEGINNING.to_string().as_str())));
}

async fn a_restart_makes_no_new_keys(w: &World) {
    let made = create(w, "5.4", "u").await;
    let before = w.rows("select key_id from jwt_signing_keys").await;
    w.restart().await;
    assert_eq!(verify(w, &text(&made, "/accessToken/token")).await["status"], "OK");
    assert_eq!(refresh(w, &made).await["status"], "OK");
    assert_eq!(w.rows("select key_id from jwt_signing_keys").await, before);
    assert_eq!(count(w, "session_access_token_signing_keys").await, 1);
    assert_eq!(count(w, "key_value where name = 'refresh_token_key'").await, 1);
}

async fn two_cores_that_start_together_agree(w: &World) {
    for table in ["key_value", "session_access_token_signing_keys", "jwt_signing_keys"] {
        w.write(&format!("delete from {table}")).await;
    }
    let (one, other) = tokio::join!(w.second_core(), w.second_core());
    assert_eq!(count(w, "key_value where name = 'refresh_token_key'").await, 1);
    assert_eq!(count(w, "session_access_token_signing_keys").await, 1);
    assert_eq!(count(w, "jwt_signing_keys").await, 1);
    for turn in [true, false] {
        let (here, there) = if turn { (&one, &other) } else { (&other, &one) };
        let made = create(here, "5.4", "u").await;
        assert_eq!(verify(there, &text(&made, "/accessToken/token")).await["status"], "OK");
        assert_eq!(refresh(there, &made).await["status"], "OK");
    }
}

async fn rotation_keeps_the_schedule(w: &World) {
    let schedule: Value = serde_json::from_str(SCHEDULE).expect("JSON");
    for (n, case) in schedule["cases"].as_array().expect("cases").iter().enumerate() {
        let (name, app) = (text(case, "/name"), format!("schedule{n}"));
        w.clock.set(case["now"].as_i64().expect("an instant"));
        put_tenant(w, &app, "", json!({})).await;
        let created: Vec<Millis> = case["created_at_time"].as_array().expect("a list").iter().filter_map(Value::as_i64).collect();
        for (n, at) in created.iter().enumerate() {
            put_dynamic_key(w, &app, *at, &test_key(["dynamic", "other"][n], "storage_string")).await;
        }
        put_static_key(w, &app, &format!("s-{app}"), &test_key("static", "storage_string"), 1).await;

        let answer = w.raw("GET", &format!("/appid-{app}/.well-known/jwks.json"), &[], "").await;
        let mut expected: Vec<String> =
            case["published"].as_array().expect("a list").iter().map(|kid| kid.as_str().expect("a kid").to_owned()).collect();
        expected.push(format!("s-{app}"));
        assert_eq!(kids(&answer.done()), expected, "{name}");
        let max_age = format!("max-age={}, must-revalidate", case["max_age_seconds"]);
        assert_eq!(answer.header("cache-control"), max_age, "{name}");
        assert_eq!(kid_of(&signed(w, &app, false).await), text(case, "/sign_with"), "{name}");

        let rows = created.len() as u64 + u64::from(case["generated"] == true);
        assert_eq!(count(w, &format!("session_access_token_signing_keys where app_id = '{app}'")).await, rows, "{name}");
        let shaken = w.post("2.20", &format!("/appid-{app}/recipe/handshake"), json!({})).await.ok();
        assert_eq!(shaken["jwtSigningPublicKeyExpiryTime"], case["jwtSigningPublicKeyExpiryTime"], "{name}");
        let list = shaken["jwtSigningPublicKeyList"].as_array().expect("a list");
        let expiries: Vec<Value> = list.iter().map(|key| key["expiryTime"].clone()).collect();
        assert_eq!(Value::from(expiries), case["expiry_of_published"], "{name}");
    }
}

async fn keys_of_older_cores_are_read(w: &World) {
    put_tenant(w, "old", "", json!({})).await;
    put_dynamic_key(w, "old", BEGINNING - HOUR, &test_key("other", "storage_string_legacy")).await;
    put_static_key(w, "old", "s-old", &test_key("static", "storage_string"), 1).await;
    w.write(
        "insert into jwt_signing_keys (app_id, key_id, key_string, algorithm, created_at)
         values ('old', 'symmetric', 'bm90IGEga2V5IHBhaXI', 'RS256', 2)",
    )
    .await;
    let set = published(w, "old").await;
    assert_eq!(kids(&set), [format!("d-{}", BEGINNING - HOUR), "s-old".to_owned()]);
    let keys: Value = serde_json::from_str(KEYS).expect("JSON");
    assert_eq!(set["keys"][0]["n"], keys["other"]["jwk"]["n"]);
    assert_eq!(set["keys"][1]["n"], keys["static"]["jwk"]["n"]);
    assert_eq!(kid_of(&signed(w, "old", true).await), "s-old");
}

/// Puts the one key that the oldest cores had.
async fn put_legacy_key(w: &World, app: &str, created: Millis) {
    let (app, value) = (AppId::normalise(app), test_key("other", "storage_string_legacy"));
    let name = "access_token_signing_key".to_owned();
    let put = w.core().db().tx(async move |tx| tx.put_key_value(&app, &TenantId::default(), &name, &value, created).await).await;
    put.expect("the key is stored");
}

async fn the_key_of_the_oldest_cores_moves_to_where_keys_are_now(w: &World) {
    let created = BEGINNING - HOUR;
    put_tenant(w, "rotating", "", json!({})).await;
    put_legacy_key(w, "rotating", created).await;
    assert_eq!(kids(&published(w, "rotating").await)[0], format!("d-{created}"));
    let rows = w.rows("select created_at_time from session_access_token_signing_keys where app_id = 'rotating'").await;
    assert_eq!(rows, [[Some(created.to_string())]]);

    put_tenant(w, "fixed", "", json!({ "access_token_signing_key_dynamic": false })).await;
    put_legacy_key(w, "fixed", created).await;
    let set = published(w, "fixed").await;
    let rows = w.rows("select key_id, created_at from jwt_signing_keys where app_id = 'fixed'").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let kid = rows[0][0].clone().expect("a kid");
    assert!(kid.starts_with("s-") && kid.len() == 38, "{kid}");
    assert_eq!(rows[0][1], Some(created.to_string()));
    assert_eq!(kids(&set), [format!("d-{BEGINNING}"), kid]);
    assert_eq!(count(w, "key_value where name = 'access_token_signing_key'").await, 0);
}

async fn the_key_set_is_exact(w: &World) {
    put_tenant(w, "exact", "", json!({})).await;
    put_dynamic_key(w, "exact", BEGINNING, &test_key("dynamic", "storage_string")).await;
    put_static_key(w, "exact", "s-exact", &test_key("static", "storage_string"), 1).await;
    let keys: Value = serde_json::from_str(KEYS).expect("JSON");
    let jwk = |kid: &str, name: &str| {
        let n = text(&keys, &format!("/{name}/jwk/n"));
        format!(r#"{{"kty":"RSA","kid":"{kid}","n":"{n}","e":"AQAB","alg":"RS256","use":"sig"}}"#)
    };
    let both = format!("[{},{}]", jwk(&format!("d-{BEGINNING}"), "dynamic"), jwk("s-exact", "static"));
    let answer = w.raw("GET", "/appid-exact/.well-known/jwks.json", &[], "").await;
    assert_eq!(answer.text, format!("{{\"keys\":{both}}}\n"));
    assert_eq!(answer.header("cache-control"), "max-age=604740, must-revalidate");
    let answer = w.get("5.4", "/appid-exact/recipe/jwt/jwks").await;
    assert_eq!(answer.text, format!("{{\"keys\":{both},\"status\":\"OK\"}}\n"));
    assert_eq!(answer.header("cache-control"), "");
}

async fn the_key_set_needs_neither_key_nor_version(w: &World) {
    w.with_config(json!({ "api_keys": "abcdefghijklmnopqrstuvwxyz" })).await;
    let path = "/.well-known/jwks.json";
    let answer = w.raw("GET", path, &[], "").await;
    assert_eq!(answer.done()["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer.header("cache-control"), "max-age=604740, must-revalidate");
    assert_eq!(w.get("2.6", path).await.done(), answer.json());
    w.get("abc", path).await.refuses(400, "cdi-version header is invalid");
    w.get("5.7", path).await.refuses(400, "cdi-version 5.7 not supported");
}

async fn a_key_that_another_core_made_is_found(w: &World) {
    create(w, "5.4", "u").await;
    w.clock.advance(HOUR);
    let made_there = w.clock.now() - 61 * SECOND;
    put_dynamic_key(w, "public", made_there, &test_key("other", "storage_string")).await;
    let other = w.second_core().await;
    let made = create(&other, "5.4", "u").await;
    let token = text(&made, "/accessToken/token");
    assert_eq!(kid_of(&token), format!("d-{made_there}"));
    assert_eq!(verify(w, &token).await["status"], "OK");
    let (trips, said) = w.trips(verify(w, &token)).await;
    assert_eq!((trips, &said["status"]), (0, &json!("OK")));
}

async fn tokens_with_unknown_keys_do_not_wear_the_database_out(w: &World) {
    let token = text(&create(w, "5.4", "u").await, "/accessToken/token");
    let (header, rest) = token.split_once('.').expect("a token");
    for n in 0..20 {
        let forged = format!(
            "{}.{rest}",
            super::jwt::encoded(&json!({ "kid": format!("d-{n}"), "typ": "JWT", "version": "5", "alg": "RS256" }))
        );
        assert_ne!(forged, format!("{header}.{rest}"));
        assert_ne!(verify(w, &forged).await["status"], "OK");
    }
    let forged =
        format!("{}.{rest}", super::jwt::encoded(&json!({ "kid": "d-99", "typ": "JWT", "version": "5", "alg": "RS256" })));
    let (trips, said) = w.trips(verify(w, &forged)).await;
    assert_eq!((trips, &said["status"]), (0, &json!("TRY_REFRESH_TOKEN")));
}

async fn sign(w: &World, times: u32) {
    for _ in 0..times {
        signed(w, "public", true).await;
    }
}

async fn signing_with_a_static_key_asks_the_database_nothing(w: &World) {
    signed(w, "public", true).await;
    let (trips, ()) = w.trips(sign(w, 1_000)).await;
    assert!(trips <= 1, "{trips} round trips");
}

async fn shaking_hands_is_for_old_sdks(w: &World) {
    let path = "/recipe/handshake";
    let lately = w.raw("POST", path, &[("cdi-version", "2.20")], "").await.ok();
    let long_ago = w.post("2.7", path, json!({})).await.ok();
    let shared =
        ["accessTokenBlacklistingEnabled", "accessTokenValidity", "jwtSigningPublicKey", "jwtSigningPublicKeyExpiryTime"];
    assert_eq!(members(&long_ago), [&shared[..], &["refreshTokenValidity", "status"]].concat());
    assert_eq!(members(&lately), [&shared[..], &["jwtSigningPublicKeyList", "refreshTokenValidity", "status"]].concat());
    assert_eq!(lately["accessTokenBlacklistingEnabled"], false);
    assert_eq!(lately["accessTokenValidity"], 3_600_000);
    assert_eq!(lately["refreshTokenValidity"], 8_640_000_000_i64);
    assert_eq!(lately["jwtSigningPublicKeyExpiryTime"], BEGINNING + 604_800_000);
    let made = w.post("2.9", "/recipe/session", plain("u")).await.ok();
    assert_eq!(made["jwtSigningPublicKey"], lately["jwtSigningPublicKey"]);
    w.post("2.21", path, json!({})).await.refuses(404, "Not found");
    w.post("5.6", path, json!({})).await.refuses(404, "Not found");
}

async fn old_sdks_get_the_static_key_if_keys_shall_not_rotate(w: &World) {
    w.with_config(json!({ "access_token_signing_key_dynamic": false })).await;
    let shaken = w.post("2.20", "/recipe/handshake", json!({})).await.ok();
    assert_eq!(shaken["jwtSigningPublicKeyExpiryTime"], 315_360_000_000_i64);
    let list = &shaken["jwtSigningPublicKeyList"];
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    assert_eq!(
        list[0],
        json!({
            "publicKey": shaken["jwtSigningPublicKey"], "expiryTime": BEGINNING + 315_360_000_000, "createdAt": BEGINNING,
        })
    );
}

async fn new_settings_of_an_app_change_the_rotation_of_its_keys(w: &World) {
    put_tenant(w, "daily", "", json!({ "access_token_dynamic_signing_key_update_interval": 24 })).await;
    let answer = w.raw("GET", "/appid-daily/.well-known/jwks.json", &[], "").await;
    assert_eq!(answer.header("cache-control"), "max-age=86340, must-revalidate");
    put_tenant(w, "daily", "", json!({ "access_token_dynamic_signing_key_update_interval": "1" })).await;
    w.core().run_chore(Chore::SyncTenants).await.expect("the list is read");
    let answer = w.raw("GET", "/appid-daily/.well-known/jwks.json", &[], "").await;
    assert_eq!(answer.header("cache-control"), "max-age=3540, must-revalidate");
}

async fn rows_that_are_no_keys_of_ours_do_not_stop_signing(w: &World) {
    put_tenant(w, "odd", "", json!({})).await;
    put_dynamic_key(w, "odd", BEGINNING - HOUR, "not a key").await;
    for (kid, value, algorithm) in
        [("symmetric", "bm90IGEga2V5IHBhaXI", "HS256"), ("s-odd", "a|b", "RS256"), ("bare", "x", "RS256")]
    {
        w.write(&format!(
            "insert into jwt_signing_keys (app_id, key_id, key_string, algorithm, created_at)
             values ('odd', '{kid}', '{value}', '{algorithm}', {})",
            BEGINNING + DAY
        ))
        .await;
    }
    let set = kids(&published(w, "odd").await);
    assert_eq!((set.len(), &set[0]), (2, &format!("d-{BEGINNING}")));
    assert!(set[1].starts_with("s-") && set[1].len() == 38, "{set:?}");
    assert_eq!(kid_of(&signed(w, "odd", true).await), set[1]);
    assert_eq!(kid_of(&signed(w, "odd", false).await), set[0]);
    w.restart().await;
    if w.target().kind() != crate::target::Kind::Memory {
        assert_eq!(kids(&published(w, "odd").await), set);
    }
}

/// Puts a table out of the core's sight, and back.
async fn rename(w: &World, from: &str, to: &str) {
    w.write(&format!("alter table {from} rename to {to}")).await;
}

async fn a_rotation_that_fails_stops_nobody(w: &World) {
    w.clock.advance(7 * DAY - 61 * SECOND);
    let token = text(&create(w, "5.6", "u").await, "/accessToken/token");
    w.clock.advance(2 * SECOND);
    rename(w, "session_access_token_signing_keys", "out_of_sight").await;
    assert_eq!(verify(w, &token).await["status"], "OK");
    // It is not tried again at once.
    let (trips, said) = w.trips(verify(w, &token)).await;
    assert_eq!((trips, &said["status"]), (0, &json!("OK")));
    rename(w, "out_of_sight", "session_access_token_signing_keys").await;
    w.clock.advance(SECOND);
    assert_eq!(verify(w, &token).await["status"], "OK");
    assert_eq!(count(w, "session_access_token_signing_keys").await, 2);
}

async fn a_key_that_cannot_be_looked_for_is_unknown(w: &World) {
    let token = text(&create(w, "5.4", "u").await, "/accessToken/token");
    let (_, rest) = token.split_once('.').expect("a token");
    let header = super::jwt::encoded(&json!({ "kid": "d-77", "typ": "JWT", "version": "5", "alg": "RS256" }));
    let forged = format!("{header}.{rest}");
    rename(w, "jwt_signing_keys", "out_of_sight").await;
    assert_eq!(verify(w, &forged).await, json!({ "status": "TRY_REFRESH_TOKEN", "message": "Key not found" }));
    let body = json!({ "accessToken": forged, "userDataInJWT": {} });
    w.post("5.4", "/recipe/session/regenerate", body).await.says("UNAUTHORISED");
    rename(w, "out_of_sight", "jwt_signing_keys").await;
    assert_eq!(verify(w, &token).await["status"], "OK");
}

async fn an_app_that_was_made_again_elsewhere_gets_its_new_keys(w: &World) {
    make_app(w, "again").await;
    let path = "/appid-again/recipe/session";
    w.post("5.4", path, plain("u")).await.ok();
    remove_app(w, "again").await;
    w.clock.advance(SECOND);
    make_app(w, "again").await;
    let other = w.second_core().await;
    let theirs = other.post("5.4", path, plain("u")).await.ok();
    assert_eq!(w.core().run_chore(Chore::SyncTenants).await.expect("the list is read"), 1);
    assert_eq!(w.core().run_chore(Chore::SyncTenants).await.expect("the list is read"), 0);
    let ours = w.post("5.4", path, plain("u")).await.ok();
    for (here, made) in [(w, &theirs), (&other, &ours)] {
        let body = json!({
            "accessToken": text(made, "/accessToken/token"), "enableAntiCsrf": false, "doAntiCsrfCheck": false, "checkDatabase": true,
        });
        here.post("5.4", &format!("{path}/verify"), body).await.ok();
        let body =
            json!({ "refreshToken": text(made, "/refreshToken/token"), "enableAntiCsrf": false, "useDynamicSigningKey": true });
        here.post("5.4", &format!("{path}/refresh"), body).await.ok();
    }
}

async fn an_app_that_was_removed_elsewhere_is_unknown_once_it_wants_keys(w: &World) {
    let unknown = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination \
                   not found: (, gone, public)";
    let refresh = json!({ "refreshToken": "no.such.V2", "enableAntiCsrf": false, "useDynamicSigningKey": true });
    for (path, body) in [("", plain("u")), ("/refresh", refresh)] {
        make_app(w, "gone").await;
        w.core().run_chore(Chore::SyncTenants).await.expect("the list is read");
        w.get("5.4", "/appid-gone/recipe/session?sessionHandle=none").await.says("UNAUTHORISED");
        remove_app(w, "gone").await;
        for _ in 0..2 {
            w.post("5.4", &format!("/appid-gone/recipe/session{path}"), body.clone()).await.refuses(400, unknown);
        }
        w.clock.advance(2 * SECOND);
    }
    make_app(w, "gone").await;
    w.core().run_chore(Chore::SyncTenants).await.expect("the list is read");
    remove_app(w, "gone").await;
    let body = json!({ "algorithm": "RS256", "jwksDomain": "d", "payload": {}, "validity": 10 });
    w.post("5.4", "/appid-gone/recipe/jwt", body).await.refuses(400, unknown);
}

/// What the chore of every minute does; how many apps it concerned.
async fn sync(w: &World) -> u64 {
    w.core().run_chore(Chore::SyncTenants).await.expect("the list is read")
}

async fn a_key_that_was_deleted_neither_signs_nor_verifies(w: &World) {
    let made = create(w, "5.4", "u").await;
    let stolen = text(&made, "/accessToken/token");
    let kept_static = kid_of(&signed(w, "public", true).await);
    put_tenant(w, "other", "", json!({})).await;
    let of_other = kids(&published(w, "other").await);
    sync(w).await;
    w.clock.advance(SECOND);
    w.write("delete from session_access_token_signing_keys where app_id = 'public'").await;
    assert_eq!(verify(w, &stolen).await["status"], "OK", "until the next look");
    assert_eq!(sync(w).await, 1);
    assert_eq!(verify(w, &stolen).await["status"], "TRY_REFRESH_TOKEN");
    let new = text(&create(w, "5.4", "u").await, "/accessToken/token");
    assert_eq!(kid_of(&new), format!("d-{}", w.clock.now()));
    assert_eq!(verify(w, &new).await["status"], "OK");
    assert_eq!(kids(&published(w, "public").await), [kid_of(&new), kept_static.clone()]);
    // Nobody is logged out by that, and no other app is concerned.
    let refreshed = refresh(w, &made).await;
    assert_eq!((refreshed["status"].as_str(), kid_of(&text(&refreshed, "/accessToken/token"))), (Some("OK"), kid_of(&new)));
    assert_eq!(kids(&published(w, "other").await), of_other);
    // Static ones as well.
    w.write("delete from jwt_signing_keys where app_id = 'public'").await;
    assert_eq!(sync(w).await, 1);
    assert_ne!(kid_of(&signed(w, "public", true).await), kept_static);
    assert_eq!(sync(w).await, 0);
}

async fn a_deleted_key_of_refresh_tokens_opens_none(w: &World) {
    let made = create(w, "5.4", "u").await;
    w.clock.advance(SECOND);
    w.write("delete from key_value where name = 'refresh_token_key'").await;
    assert_eq!(sync(w).await, 1);
    assert_eq!(refresh(w, &made).await["status"], "UNAUTHORISED");
    assert_eq!(refresh(w, &create(w, "5.4", "u").await).await["status"], "OK");
    assert_eq!(sync(w).await, 0);
}

async fn a_look_at_the_keys_of_many_apps_is_one_statement(w: &World) {
    create(w, "5.4", "u").await;
    let (alone, _) = w.trips(sync(w)).await;
    for n in 0..5 {
        put_tenant(w, &format!("a{n}"), "", json!({})).await;
        signed(w, &format!("a{n}"), true).await;
    }
    sync(w).await;
    let (many, concerned) = w.trips(sync(w)).await;
    assert_eq!((many, concerned), (alone, 0));
}

async fn a_key_that_another_core_replaced_is_given_up(w: &World) {
    let made = create(w, "5.4", "u").await;
    let other = w.second_core().await;
    w.clock.advance(SECOND);
    for table in ["session_access_token_signing_keys", "key_value"] {
        w.write(&format!("delete from {table}")).await;
    }
    sync(&other).await;
    let there = create(&other, "5.4", "u").await;
    assert_eq!(sync(w).await, 1);
    assert_eq!(kid_of(&text(&create(w, "5.4", "u").await, "/accessToken/token")), kid_of(&text(&there, "/accessToken/token")));
    assert_eq!(refresh(w, &there).await["status"], "OK");
    assert_eq!(refresh(w, &made).await["status"], "UNAUTHORISED");
}

scenarios!(World:
    a_key_that_was_deleted_neither_signs_nor_verifies,
    a_deleted_key_of_refresh_tokens_opens_none,
    a_look_at_the_keys_of_many_apps_is_one_statement,
    a_key_that_another_core_replaced_is_given_up needs ASharedDatabase,
    rows_that_are_no_keys_of_ours_do_not_stop_signing,
    a_rotation_that_fails_stops_nobody,
    a_key_that_cannot_be_looked_for_is_unknown,
    an_app_that_was_made_again_elsewhere_gets_its_new_keys needs ASharedDatabase,
    an_app_that_was_removed_elsewhere_is_unknown_once_it_wants_keys,
    a_new_database_gets_one_key_of_each_kind,
    a_restart_makes_no_new_keys needs AKeptDatabase,
    two_cores_that_start_together_agree needs ASharedDatabase,
    rotation_keeps_the_schedule,
    keys_of_older_cores_are_read,
    the_key_of_the_oldest_cores_moves_to_where_keys_are_now,
    the_key_set_is_exact,
    the_key_set_needs_neither_key_nor_version,
    a_key_that_another_core_made_is_found needs ASharedDatabase,
    tokens_with_unknown_keys_do_not_wear_the_database_out,
    signing_with_a_static_key_asks_the_database_nothing,
    shaking_hands_is_for_old_sdks,
    old_sdks_get_the_static_key_if_keys_shall_not_rotate,
    new_settings_of_an_app_change_the_rotation_of_its_keys,
);

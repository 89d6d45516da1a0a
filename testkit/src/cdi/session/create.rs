//! Creating sessions: scenarios 1 to 13 and 17 to 20 of core-session.md 8.2. Who the session belongs to (14 to 16) and wrong
//! input are in `create_around`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use supertokens_domain::session::access_token::parse;
use supertokens_domain::session::hash::{hash1, hash2};
use supertokens_domain::session::signing_key::SigningKey;
use supertokens_domain::time::{DAY, HOUR, MINUTE};

use super::forge::{everything, signing_key};
use super::rows::{access, count, handle, make_tenant, opened, part, refreshing, row, the_row};
use super::{create, plain, text};
use crate::{World, members, scenarios};

/// Every version that is served.
pub const VERSIONS: [&str; 25] = [
    "2.7", "2.8", "2.9", "2.10", "2.11", "2.12", "2.13", "2.14", "2.15", "2.16", "2.17", "2.18", "2.19", "2.20", "2.21", "3.0",
    "3.1", "4.0", "5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6",
];

/// A plain body with some members set.
pub fn with(members: Value) -> Value {
    let mut body = plain("u");
    body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    body
}

/// A part of a V1 or V2 token.
pub fn legacy_part(token: &str, n: usize) -> Value {
    let bytes = STANDARD.decode(token.split('.').nth(n).expect("a part")).expect("standard base64 with padding");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Does this look like a random UUID?
pub fn is_uuid(text: &str) -> bool {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() || ('a'..='f').contains(&c) { 'x' } else { c }).collect();
    form == "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" && text.as_bytes()[14] == b'4'
}

/// These members stand in this order in a text.
pub fn in_order(text: &str, names: &[&str]) {
    let found: Vec<_> = names.iter().map(|name| text.find(&format!("\"{name}\":"))).collect();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{names:?} in {text}");
}

async fn a_plain_session_has_exactly_its_members(w: &World) {
    let answer = w.post("5.4", "/recipe/session", plain("u")).await;
    let made = answer.ok();
    assert_eq!(members(&made), ["accessToken", "refreshToken", "session", "status"]);
    in_order(&answer.text, &["session", "handle", "recipeUserId", "tenantId", "accessToken", "refreshToken", "status"]);
    in_order(&answer.text, &["handle", "userId", "recipeUserId", "userDataInJWT", "tenantId"]);
    assert_eq!(
        made["session"],
        json!({ "handle": handle(&made), "userId": "u", "recipeUserId": "u", "userDataInJWT": {}, "tenantId": "public" })
    );
    for token in ["accessToken", "refreshToken"] {
        assert_eq!(members(&made[token]), ["createdTime", "expiry", "token"]);
    }
    assert!(is_uuid(&handle(&made)), "{made}");
}

async fn a_token_says_who_where_and_which_session(w: &World) {
    w.with_config(json!({ "access_token_validity_jitter": 0 })).await;
    let made = w.post("5.4", "/recipe/session", with(json!({ "userDataInJWT": { "role": "admin" } }))).await.ok();
    let key = signing_key(w).await;
    assert_eq!(part(&access(&made), 0), json!({ "kid": key.kid(), "typ": "JWT", "version": "5", "alg": "RS256" }));
    let now = w.clock.now() / 1000;
    assert_eq!(
        part(&access(&made), 1),
        json!({
            "iat": now, "exp": now + 3600, "sub": "u", "tId": "public", "rsub": "u", "sessionHandle": handle(&made),
            "refreshTokenHash1": hash1(&refreshing(&made)), "parentRefreshTokenHash1": null, "antiCsrfToken": null,
            "role": "admin",
        })
    );
    assert!(parse(&access(&made)).expect("a token").signed_by(&key.verifying()));
    let refresh = opened(w, &refreshing(&made)).await;
    assert_eq!((refresh.session_handle.as_str(), refresh.user_id.as_str()), (handle(&made).as_str(), "u"));
    assert_eq!((refresh.parent_hash1, refresh.anti_csrf), (None, None));
}

async fn an_anti_csrf_token_is_the_same_in_all_three_places(w: &World) {
    for cdi in ["2.9", "2.21", "5.6"] {
        let answer = w.post(cdi, "/recipe/session", with(json!({ "enableAntiCsrf": true }))).await;
        let made = answer.ok();
        let anti_csrf = text(&made, "/antiCsrfToken");
        in_order(&answer.text, &["refreshToken", "antiCsrfToken", "status"]);
        assert!(is_uuid(&anti_csrf), "{anti_csrf}");
        let claims = if cdi == "2.9" { legacy_part(&access(&made), 1) } else { part(&access(&made), 1) };
        assert_eq!(claims["antiCsrfToken"], anti_csrf);
        assert_eq!(opened(w, &refreshing(&made)).await.anti_csrf, Some(anti_csrf));
    }
}

async fn each_version_has_its_members_and_its_kind_of_token(w: &World) {
    for (n, cdi) in VERSIONS.into_iter().enumerate() {
        let answer = w.post(cdi, "/recipe/session", plain("u")).await;
        let made = answer.ok();
        let (in_session, token): (&[&str], _) = match n {
            ..=13 => (&["handle", "userDataInJWT", "userId"], "2"),
            14 => (&["handle", "userDataInJWT", "userId"], "3"),
            15..=16 => (&["handle", "tenantId", "userDataInJWT", "userId"], "4"),
            _ => (&["handle", "recipeUserId", "tenantId", "userDataInJWT", "userId"], "5"),
        };
        assert_eq!(members(&made["session"]), in_session, "{cdi}");
        if n > 13 {
            assert_eq!(members(&made), ["accessToken", "refreshToken", "session", "status"], "{cdi}");
            assert_eq!(part(&access(&made), 0)["version"], token, "{cdi}");
            continue;
        }
        assert!(access(&made).starts_with("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0=."), "{cdi}");
        let mut expected = vec!["accessToken", "idRefreshToken", "jwtSigningPublicKey", "jwtSigningPublicKeyExpiryTime"];
        expected.extend((n >= 2).then_some("jwtSigningPublicKeyList"));
        expected.extend(["refreshToken", "session", "status"]);
        assert_eq!(members(&made), expected, "{cdi}");
        in_order(&answer.text, &["session", "accessToken", "refreshToken", "idRefreshToken", "status", "jwtSigningPublicKey"]);
    }
}

async fn old_versions_get_the_public_keys_and_a_third_token(w: &World) {
    let made = create(w, "2.9", "u").await;
    let key = signing_key(w).await;
    let public = key.verifying().public_base64().to_owned();
    let now = w.clock.now();
    assert_eq!(made["jwtSigningPublicKey"], public);
    assert_eq!(made["jwtSigningPublicKeyExpiryTime"], now + 168 * HOUR);
    let listed = json!([{ "publicKey": public, "expiryTime": now + 168 * HOUR + 2 * HOUR, "createdAt": now }]);
    assert_eq!(made["jwtSigningPublicKeyList"], listed);
    assert!(is_uuid(&text(&made, "/idRefreshToken/token")));
    for time in ["expiry", "createdTime"] {
        assert_eq!(made["idRefreshToken"][time], made["refreshToken"][time]);
    }
    assert!(parse(&access(&made)).expect("a token").signed_by(&key.verifying()));
    let claims = legacy_part(&access(&made), 1);
    assert_eq!(
        members(&claims),
        ["expiryTime", "refreshTokenHash1", "sessionHandle", "timeCreated", "userData", "userId"],
        "no parent, no anti-CSRF token"
    );
    assert_eq!((&claims["userId"], &claims["timeCreated"]), (&json!("u"), &json!(now)));
}

async fn the_row_holds_hashes_and_the_times_of_the_refresh_token(w: &World) {
    let body = with(json!({ "userDataInJWT": { "j": 1 }, "userDataInDatabase": { "d": 2 } }));
    let made = w.post("5.4", "/recipe/session", body).await.ok();
    let stored = the_row(w, &handle(&made)).await;
    assert_eq!(stored.current, hash2(&refreshing(&made)));
    assert_eq!((stored.prev, stored.rotated_at, stored.is_static), (None, None, false));
    assert_eq!(stored.expires_at, made["refreshToken"]["expiry"].as_i64().expect("a time"));
    assert_eq!(stored.expires_at, w.clock.now() + 100 * DAY);
    assert_eq!((stored.user_id.as_str(), stored.payload.as_str()), ("u", r#"{"j":1}"#));
    let rest = w.rows("select created_at_time, session_data, tenant_id from session_info").await;
    let created = made["refreshToken"]["createdTime"].to_string();
    assert_eq!(rest, [[Some(created), Some(r#"{"d":2}"#.to_owned()), Some("public".to_owned())]]);
}

async fn data_is_kept_as_it_was_written(w: &World) {
    let written = r#"{"a":null,"b":1.0,"c":1e3,"z":[{"y":"é<&'"}],"k":-0.0}"#;
    let body = format!(
        r#"{{"userId":"u","enableAntiCsrf":false,"userDataInJWT":{written},"userDataInDatabase":{written},"extra":[1,2]}}"#
    );
    let answer = w.raw("POST", "/recipe/session", &[("cdi-version", "5.4")], body).await;
    answer.ok();
    assert!(answer.text.contains(&format!(r#""userDataInJWT":{written}"#)), "{}", answer.text);
    let rows = w.rows("select jwt_user_payload, session_data from session_info").await;
    assert_eq!(rows, [[Some(written.to_owned()), Some(written.to_owned())]]);
}

async fn claims_of_the_server_cannot_be_overwritten(w: &World) {
    let common =
        ["sub", "exp", "iat", "sessionHandle", "refreshTokenHash1", "parentRefreshTokenHash1", "antiCsrfToken", "tId", "rsub"];
    let before = everything(w).await;
    for (cdi, protected) in [("2.21", 7), ("3.0", 8), ("3.1", 8), ("4.0", 9), ("5.4", 9), ("5.6", 9)] {
        for claim in &common[..protected] {
            for value in [json!("x"), json!(null)] {
                let body = with(json!({ "userDataInJWT": { *claim: value } }));
                w.post(cdi, "/recipe/session", body).await.refuses(400, "The user payload contains protected field");
            }
        }
    }
    assert_eq!(everything(w).await, before);
}

async fn a_claim_that_is_free_at_a_version_is_user_data(w: &World) {
    for (cdi, claim) in [("3.0", "rsub"), ("2.21", "tId"), ("2.21", "rsub")] {
        let data = json!({ claim: "x" });
        let made = w.post(cdi, "/recipe/session", with(json!({ "userDataInJWT": data }))).await.ok();
        assert_eq!(part(&access(&made), 1)[claim], "x");
        let body = json!({
            "accessToken": access(&made), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true,
        });
        let verified = w.post("5.6", "/recipe/session/verify", body).await.ok();
        assert_eq!(verified["session"]["userDataInJWT"], data, "{cdi}");
        assert_eq!(verified["session"]["tenantId"], "public", "{cdi}");
    }
    let made = w.post("2.9", "/recipe/session", with(json!({ "userDataInJWT": { "userId": "x" } }))).await.ok();
    let claims = legacy_part(&access(&made), 1);
    assert_eq!((&claims["userId"], &claims["userData"]), (&json!("u"), &json!({ "userId": "x" })));
}

async fn the_caller_chooses_the_kind_of_key(w: &World) {
    for cdi in ["2.21", "3.0", "5.6"] {
        for (flag, is_static) in
            [(json!({ "useDynamicSigningKey": false }), true), (json!({ "useDynamicSigningKey": true }), false)]
        {
            let made = w.post(cdi, "/recipe/session", with(flag)).await.ok();
            let kid = text(&part(&access(&made), 0), "/kid");
            assert!(kid.starts_with(if is_static { "s-" } else { "d-" }), "{cdi} {kid}");
            assert_eq!(the_row(w, &handle(&made)).await.is_static, is_static, "{cdi}");
        }
        let made = create(w, cdi, "u").await;
        assert!(text(&part(&access(&made), 0), "/kid").starts_with("d-"), "{cdi}");
        assert!(!the_row(w, &handle(&made)).await.is_static, "{cdi}");
    }
    // Not read below 2.21, even if it is nonsense.
    let made = w.post("2.20", "/recipe/session", with(json!({ "useDynamicSigningKey": "no" }))).await.ok();
    assert!(!the_row(w, &handle(&made)).await.is_static);
}

async fn below_2_21_the_configuration_chooses_the_kind_of_key(w: &World) {
    w.with_config(json!({ "access_token_signing_key_dynamic": false })).await;
    let made = create(w, "2.9", "u").await;
    let rows = w.rows("select key_id, key_string, created_at from jwt_signing_keys").await;
    let [kid, stored, created] = rows[0].clone().try_into().expect("three columns");
    let key = SigningKey::from_stored(&kid.expect("an id"), &stored.expect("a key")).expect("a readable key").verifying();
    assert!(parse(&access(&made)).expect("a token").signed_by(&key));
    assert_eq!(made["jwtSigningPublicKey"], key.public_base64());
    assert_eq!(made["jwtSigningPublicKeyExpiryTime"], 315_360_000_000_i64);
    let created: i64 = created.expect("a time").parse().expect("a number");
    let expiry = created + 315_360_000_000;
    let listed = json!([{ "publicKey": key.public_base64(), "expiryTime": expiry, "createdAt": created }]);
    assert_eq!(made["jwtSigningPublicKeyList"], listed);
    assert!(the_row(w, &handle(&made)).await.is_static);
    assert!(!the_row(w, &handle(&create(w, "2.21", "u").await)).await.is_static);
}

async fn a_session_belongs_to_the_tenant_of_the_path(w: &World) {
    make_tenant(w, "public", "t1").await;
    for path in ["/t1/recipe/session", "/T1/Recipe/Session/", "/appid-public/t1/recipe/session"] {
        let made = w.post("5.4", path, plain("u")).await.ok();
        assert!(handle(&made).ends_with("_t1") && is_uuid(handle(&made).trim_end_matches("_t1")), "{made}");
        assert_eq!(made["session"]["tenantId"], "t1");
        assert_eq!(part(&access(&made), 1)["tId"], "t1");
        assert_eq!(opened(w, &refreshing(&made)).await.tenant.as_str(), "t1");
        assert_eq!(count(w, &format!("session_info where tenant_id = 't1' and session_handle = '{}'", handle(&made))).await, 1);
    }
    let made = create(w, "5.4", "u").await;
    assert!(opened(w, &refreshing(&made)).await.tenant.is_default());
    assert_eq!(count(w, "session_info where tenant_id = 'public'").await, 1);
}

async fn a_tenant_must_be_there_and_old_versions_know_none(w: &World) {
    make_tenant(w, "public", "t1").await;
    let before = everything(w).await;
    for cdi in ["2.7", "2.21"] {
        w.post(cdi, "/t1/recipe/session", plain("u")).await.refuses(404, "Not found");
    }
    let missing = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId \
                   combination not found: ";
    for (path, place) in [
        ("/ghost/recipe/session", "(, public, ghost)"),
        ("/appid-ghost/recipe/session", "(, ghost, public)"),
        ("/appid-ghost/t1/recipe/session", "(, ghost, t1)"),
    ] {
        w.post("5.4", path, plain("u")).await.refuses(400, &format!("{missing}{place}"));
    }
    assert_eq!(everything(w).await, before);
}

async fn an_access_token_may_live_shorter_from_5_6_on(w: &World) {
    w.with_config(json!({ "access_token_validity_jitter": 0.25 })).await;
    let lifetime = |made: &Value, token: &str| {
        made[token]["expiry"].as_i64().expect("a time") - made[token]["createdTime"].as_i64().expect("a time")
    };
    for (asked, expected) in [(json!(600_000), 600_000), (json!(3_600_000), 3_600_000), (json!("600000"), 600_000)] {
        let made = w.post("5.6", "/recipe/session", with(json!({ "accessTokenValidity": asked }))).await.ok();
        assert_eq!(lifetime(&made, "accessToken"), expected);
        assert_eq!(lifetime(&made, "refreshToken"), 100 * DAY);
        assert_eq!(part(&access(&made), 1)["exp"], (w.clock.now() + expected) / 1000);
    }
    let before = everything(w).await;
    for asked in [3_600_001_i64, 0, -1, i64::MAX, i64::MIN] {
        let answer = w.post("5.6", "/recipe/session", with(json!({ "accessTokenValidity": asked }))).await;
        let words = "accessTokenValidity must be greater than 0 and at most the configured access_token_validity (3600000 ms)";
        answer.refuses(400, words);
    }
    for asked in [json!(null), json!("x"), json!({}), json!(true)] {
        let answer = w.post("5.6", "/recipe/session", with(json!({ "accessTokenValidity": asked }))).await;
        answer.refuses(400, "Field name 'accessTokenValidity' is invalid in JSON input");
    }
    assert_eq!(everything(w).await, before);
    let made = w.post("5.5", "/recipe/session", with(json!({ "accessTokenValidity": null }))).await.ok();
    assert!(lifetime(&made, "accessToken") > 2_699_000);
}

async fn lifetimes_are_spread_by_the_jitter(w: &World) {
    w.with_config(json!({ "access_token_validity_jitter": 0.25, "access_token_validity": 3600 })).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let made = create(w, "5.4", "u").await;
        let expiry = made["accessToken"]["expiry"].as_i64().expect("a time");
        seen.insert(expiry - made["accessToken"]["createdTime"].as_i64().expect("a time"));
        assert_eq!(part(&access(&made), 1)["exp"], expiry / 1000);
    }
    assert!(seen.len() >= 2, "{seen:?}");
    assert!(seen.iter().all(|lifetime| (2_699_000..=3_600_000).contains(lifetime)), "{seen:?}");
}

async fn times_in_answers_are_those_of_the_token(w: &World) {
    w.with_config(json!({ "access_token_validity_jitter": 0 })).await;
    w.clock.advance(123);
    let now = w.clock.now();
    let token = |made: Value| made["accessToken"].clone();
    let old = token(create(w, "2.9", "u").await);
    assert_eq!((&old["createdTime"], &old["expiry"]), (&json!(now), &json!(now + HOUR)));
    let new = create(w, "5.4", "u").await;
    let whole = now - 123;
    assert_eq!(new["refreshToken"]["createdTime"], now);
    let new = token(new);
    assert_eq!((&new["createdTime"], &new["expiry"]), (&json!(whole), &json!(whole + HOUR)));
}

async fn a_creation_is_in_the_audit_log_and_marks_the_user_active(w: &World) {
    let made = create(w, "5.4", "u").await;
    let now = w.clock.now();
    let rows = w
        .rows(
            "select app_id, tenant_id, recipe_user_id, primary_or_recipe_user_id, status, auth_principal, identifier,
             created_at, payload from activity_log where event_type = 'session_created'",
        )
        .await;
    let is = |text: &str| Some(text.to_owned());
    let (session, at) = (Some(handle(&made)), is(&now.to_string()));
    assert_eq!(rows, [[is("public"), is("public"), is("u"), is("u"), is("success"), None, session, at.clone(), None]]);
    assert_eq!(
        w.rows("select app_id, user_id, last_active_time from user_last_active").await,
        [[is("public"), is("u"), at.clone()]]
    );

    for _ in 0..10 {
        w.clock.advance(MINUTE / 3);
        create(w, "5.4", "u").await;
    }
    assert_eq!(count(w, "activity_log where event_type = 'session_created'").await, 11);
    assert_eq!(count(w, "activity_log where event_type = 'user_last_active'").await, 1);
    assert_eq!(w.value("select last_active_time from user_last_active").await, at);

    w.clock.set(now + 5 * MINUTE);
    create(w, "5.4", "u").await;
    assert_eq!(count(w, "activity_log where event_type = 'user_last_active'").await, 2);
    assert_eq!(w.value("select last_active_time from user_last_active").await, is(&(now + 5 * MINUTE).to_string()));
}

async fn an_audience_of_one_is_written_as_text_into_the_token_only(w: &World) {
    let made = w.post("5.6", "/recipe/session", with(json!({ "userDataInJWT": { "aud": ["x"] } }))).await.ok();
    assert_eq!(part(&access(&made), 1)["aud"], "x");
    assert_eq!(row(w, &handle(&made)).await.expect("a row").payload, r#"{"aud":["x"]}"#);
    let body = json!({
        "accessToken": access(&made), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true,
    });
    let verified = w.post("5.6", "/recipe/session/verify", body).await.ok();
    assert_eq!(verified["payloadUpdateAvailable"], true);
    assert_eq!(verified["session"]["userDataInJWT"], json!({ "aud": "x" }));
}

async fn a_creation_costs_at_most_two_round_trips(w: &World) {
    for cdi in ["2.9", "5.4", "5.6"] {
        create(w, cdi, "warm").await;
        for user in [cdi, cdi, "warm"] {
            let (trips, _) = w.trips(create(w, cdi, user)).await;
            assert!(trips <= 2, "{trips} for {user} at {cdi}");
        }
        let (trips, made) = w.trips(w.post(cdi, "/recipe/session", with(json!({ "useDynamicSigningKey": false })))).await;
        made.ok();
        assert!(trips <= 2, "{trips} with the static key at {cdi}");
    }
}

scenarios!(World:
    a_plain_session_has_exactly_its_members,
    a_token_says_who_where_and_which_session,
    an_anti_csrf_token_is_the_same_in_all_three_places,
    each_version_has_its_members_and_its_kind_of_token,
    old_versions_get_the_public_keys_and_a_third_token,
    the_row_holds_hashes_and_the_times_of_the_refresh_token,
    data_is_kept_as_it_was_written,
    claims_of_the_server_cannot_be_overwritten,
    a_claim_that_is_free_at_a_version_is_user_data,
    the_caller_chooses_the_kind_of_key,
    below_2_21_the_configuration_chooses_the_kind_of_key,
    a_session_belongs_to_the_tenant_of_the_path,
    a_tenant_must_be_there_and_old_versions_know_none,
    an_access_token_may_live_shorter_from_5_6_on,
    lifetimes_are_spread_by_the_jitter,
    times_in_answers_are_those_of_the_token,
    a_creation_is_in_the_audit_log_and_marks_the_user_active,
    an_audience_of_one_is_written_as_text_into_the_token_only,
    a_creation_costs_at_most_two_round_trips,
);

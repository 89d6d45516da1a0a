//! Verifying: scenarios 28 to 39, 41 and 42 of core-session.md 8.2, and what a verification costs. Tokens of every kind, genuine
//! and forged, are in `verify_tokens`; the table of decisions in `verify_table`.

use serde_json::{Value, json};
use supertokens_domain::session::hash::hash2;
use supertokens_domain::time::{DAY, HOUR};

use super::create::with;
use super::forge::everything;
use super::rows::{access, handle, make_tenant, part, refresh, refreshing, row, the_row};
use super::{create, plain, text};
use crate::{Answer, World, members, scenarios};

/// The body of a verification without anti-CSRF.
pub fn question(token: &str, check_database: bool) -> Value {
    json!({ "accessToken": token, "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": check_database })
}

/// Verifies a token without anti-CSRF.
pub async fn verify(w: &World, cdi: &str, token: &str, check_database: bool) -> Answer {
    w.post(cdi, "/recipe/session/verify", question(token, check_database)).await
}

/// The answer has this status, this message, and nothing else.
#[track_caller]
pub fn is(answer: &Answer, status: &str, message: &str) {
    assert_eq!(answer.done(), json!({ "status": status, "message": message }));
}

const ENDED: &str = "Either the session has ended or has been blacklisted";

async fn remove(w: &World, handle: &str) {
    let body = json!({ "sessionHandles": [handle] });
    assert_eq!(w.post("5.4", "/recipe/session/remove", body).await.ok()["sessionHandlesRevoked"], json!([handle]));
}

async fn put_payload(w: &World, handle: &str, payload: Value) {
    w.put("5.4", "/recipe/jwt/data", json!({ "sessionHandle": handle, "userDataInJWT": payload })).await.ok();
}

async fn a_fresh_token_is_accepted_as_it_is(w: &World) {
    let data = json!({ "n": null, "f": 1.5, "o": { "a": [1, "é"] } });
    let made = w.post("5.4", "/recipe/session", with(json!({ "userDataInJWT": data }))).await.ok();
    let before = everything(w).await;
    for (cdi, in_session) in [
        ("2.21", vec!["handle", "userDataInJWT", "userId"]),
        ("3.0", vec!["handle", "tenantId", "userDataInJWT", "userId"]),
        ("5.4", vec!["handle", "recipeUserId", "tenantId", "userDataInJWT", "userId"]),
        ("5.6", vec!["handle", "recipeUserId", "tenantId", "userDataInJWT", "userId"]),
    ] {
        for check in [false, true] {
            let verified = verify(w, cdi, &access(&made), check).await.ok();
            let with_hint = ["payloadUpdateAvailable", "session", "status"];
            let expected = if cdi == "5.6" && check { &with_hint[..] } else { &with_hint[1..] };
            assert_eq!(members(&verified), expected, "{cdi} {check}");
            assert_eq!(members(&verified["session"]), in_session, "{cdi}");
            assert_eq!(verified["session"]["userDataInJWT"], data);
            assert_eq!(verified["session"]["handle"], handle(&made));
        }
    }
    assert_eq!(everything(w).await, before);
}

async fn old_versions_get_the_public_keys_with_every_answer(w: &World) {
    let made = create(w, "2.9", "u").await;
    let keys = ["jwtSigningPublicKey", "jwtSigningPublicKeyExpiryTime", "jwtSigningPublicKeyList"];
    for (cdi, shown) in [("2.7", 2), ("2.9", 3), ("2.20", 3), ("2.21", 0), ("5.4", 0)] {
        let accepted = verify(w, cdi, &access(&made), false).await.ok();
        let refused = verify(w, cdi, "a.b.c", false).await.says("TRY_REFRESH_TOKEN");
        for (n, key) in keys.into_iter().enumerate() {
            let expected = if n < shown { made.get(key) } else { None };
            assert_eq!(accepted.get(key), expected, "{cdi} {key}");
            assert_eq!(refused.get(key), expected, "{cdi} {key}");
        }
    }
}

async fn a_token_is_valid_up_to_its_last_millisecond(w: &World) {
    for cdi in ["2.9", "5.4"] {
        let made = create(w, cdi, "u").await;
        let end = made["accessToken"]["expiry"].as_i64().expect("a time");
        w.clock.set(end);
        for cdi in ["5.4", "5.6"] {
            verify(w, cdi, &access(&made), true).await.ok();
        }
        w.clock.set(end + 1);
        for cdi in ["5.4", "5.6"] {
            is(&verify(w, cdi, &access(&made), true).await, "TRY_REFRESH_TOKEN", "Access token expired");
        }
    }
}

async fn the_anti_csrf_token_is_compared_if_both_flags_ask_for_it(w: &World) {
    let bare = access(&create(w, "5.4", "u").await);
    let made = w.post("5.4", "/recipe/session", with(json!({ "enableAntiCsrf": true }))).await.ok();
    let (token, secret) = (access(&made), text(&made, "/antiCsrfToken"));
    let ask = async |token: &str, given: Option<&str>, check: bool, enabled: bool| {
        let mut body = question(token, false);
        body["doAntiCsrfCheck"] = json!(check);
        body["enableAntiCsrf"] = json!(enabled);
        if let Some(given) = given {
            body["antiCsrfToken"] = json!(given);
        }
        w.post("5.6", "/recipe/session/verify", body).await
    };
    ask(&token, Some(&secret), true, true).await.ok();
    let upper = secret.to_uppercase();
    for wrong in [None, Some(""), Some("wrong"), Some(upper.as_str()), Some(&secret[1..])] {
        is(&ask(&token, wrong, true, true).await, "TRY_REFRESH_TOKEN", "anti-csrf check failed");
        for (check, enabled) in [(false, true), (true, false), (false, false)] {
            ask(&token, wrong, check, enabled).await.ok();
        }
    }
    let structure = "Access token does not contain all the information. Maybe the structure has changed?";
    for given in [None, Some(secret.as_str())] {
        is(&ask(&bare, given, true, true).await, "TRY_REFRESH_TOKEN", structure);
    }
}

async fn below_2_21_the_configuration_asks_the_database(w: &World) {
    w.with_config(json!({ "access_token_blacklisting": true })).await;
    let made = create(w, "2.9", "u").await;
    let mut body = question(&access(&made), false);
    body.as_object_mut().expect("an object").remove("checkDatabase");
    w.post("5.4", "/recipe/session/verify", body.clone())
        .await
        .refuses(400, "Field name 'checkDatabase' is invalid in JSON input");
    w.post("2.9", "/recipe/session/verify", body.clone()).await.ok();
    body["checkDatabase"] = json!("not read");
    w.post("2.20", "/recipe/session/verify", body.clone()).await.ok();
    remove(w, &handle(&made)).await;
    is(&w.post("2.9", "/recipe/session/verify", body.clone()).await, "UNAUTHORISED", ENDED);
    w.with_config(json!({ "access_token_blacklisting": null })).await;
    let made = create(w, "2.9", "u").await;
    body["accessToken"] = json!(access(&made));
    remove(w, &handle(&made)).await;
    w.post("2.9", "/recipe/session/verify", body).await.ok();
}

async fn a_removed_session_lives_on_where_nobody_asks_the_database(w: &World) {
    for cdi in ["2.21", "5.4", "5.5", "5.6"] {
        let made = create(w, cdi, "u").await;
        remove(w, &handle(&made)).await;
        verify(w, cdi, &access(&made), false).await.ok();
        is(&verify(w, cdi, &access(&made), true).await, "UNAUTHORISED", ENDED);
    }
}

async fn an_expired_row_never_verifies_when_the_database_is_asked(w: &World) {
    let made = create(w, "5.4", "u").await;
    let at = |end: i64| format!("update session_info set expires_at = {end} where session_handle = '{}'", handle(&made));
    w.write(&at(w.clock.now() - 1)).await;
    for cdi in ["5.4", "5.6"] {
        is(&verify(w, cdi, &access(&made), true).await, "UNAUTHORISED", ENDED);
        verify(w, cdi, &access(&made), false).await.ok();
    }
    w.write(&at(w.clock.now() + 1)).await;
    for cdi in ["5.4", "5.6"] {
        verify(w, cdi, &access(&made), true).await.ok();
    }
}

async fn from_5_6_on_only_the_public_tenant_verifies(w: &World) {
    make_tenant(w, "public", "t1").await;
    let here = create(w, "5.4", "u").await;
    let there = w.post("5.4", "/t1/recipe/session", plain("u")).await.ok();
    for made in [&here, &there] {
        let ask = async |cdi: &str, path: &str| w.post(cdi, path, question(&access(made), true)).await;
        for path in ["/t1/recipe/session/verify", "/ghost/recipe/session/verify"] {
            ask("5.6", path).await.refuses(403, "Only public tenantId can call this app specific API");
            for cdi in ["3.0", "5.4", "5.5"] {
                assert_eq!(ask(cdi, path).await.ok()["session"]["tenantId"], made["session"]["tenantId"]);
            }
        }
        for path in ["/public/recipe/session/verify", "/appid-public/recipe/session/verify", "/Recipe/Session/Verify/"] {
            assert_eq!(ask("5.6", path).await.ok()["session"]["tenantId"], made["session"]["tenantId"]);
        }
        ask("2.21", "/t1/recipe/session/verify").await.refuses(404, "Not found");
        let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId \
                     combination not found: (, ghost, public)";
        for cdi in ["5.4", "5.6"] {
            ask(cdi, "/appid-ghost/recipe/session/verify").await.refuses(400, words);
        }
    }
}

async fn a_token_of_another_app_is_not_accepted(w: &World) {
    make_tenant(w, "a1", "public").await;
    let before = w.clock.now();
    w.clock.advance(1);
    let theirs = w.post("5.4", "/appid-a1/recipe/session", plain("u")).await.ok();
    let ours = create(w, "5.4", "u").await;
    assert_eq!(part(&access(&ours), 0)["kid"], format!("d-{before}"));
    for cdi in ["5.4", "5.6"] {
        is(&verify(w, cdi, &access(&theirs), false).await, "TRY_REFRESH_TOKEN", "Key not found");
        let answer = w.post(cdi, "/appid-a1/recipe/session/verify", question(&access(&ours), false)).await;
        is(&answer, "TRY_REFRESH_TOKEN", "Key not found");
        w.post(cdi, "/appid-a1/recipe/session/verify", question(&access(&theirs), true)).await.ok();
    }
    // Two apps whose keys were made in the same millisecond name them alike; the keys differ all the same.
    w.clock.set(before);
    make_tenant(w, "a2", "public").await;
    let twin = w.post("5.4", "/appid-a2/recipe/session", plain("u")).await.ok();
    assert_eq!(part(&access(&twin), 0)["kid"], part(&access(&ours), 0)["kid"]);
    let failed = "io.supertokens.session.jwt.JWT$JWTException: JWT verification failed";
    is(&verify(w, "5.6", &access(&twin), false).await, "TRY_REFRESH_TOKEN", failed);
}

async fn below_5_6_the_first_use_makes_a_child_current(w: &World) {
    let made = w.post("5.4", "/recipe/session", with(json!({ "userDataInJWT": { "a": 1 }, "enableAntiCsrf": true }))).await.ok();
    w.clock.advance(DAY);
    let body = json!({
        "refreshToken": refreshing(&made), "enableAntiCsrf": true, "antiCsrfToken": made["antiCsrfToken"],
        "useDynamicSigningKey": true,
    });
    let child = w.post("5.4", "/recipe/session/refresh", body).await.ok();
    assert_eq!(the_row(w, &handle(&made)).await.current, hash2(&refreshing(&made)));
    w.clock.advance(1_500);
    let verified = verify(w, "5.4", &access(&child), false).await.ok();
    assert_eq!(members(&verified), ["accessToken", "session", "status"]);
    let whole = w.clock.now() / 1000;
    assert_eq!(verified["accessToken"]["createdTime"], whole * 1000);
    // No jitter here, though it is on by default.
    assert_eq!(verified["accessToken"]["expiry"], (w.clock.now() + HOUR) / 1000 * 1000);
    let (old, new) = (part(&access(&child), 1), part(&access(&verified), 1));
    assert!(old["parentRefreshTokenHash1"].is_string() && new["parentRefreshTokenHash1"].is_null());
    for same in ["sub", "rsub", "tId", "sessionHandle", "refreshTokenHash1", "antiCsrfToken", "a"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    assert_eq!(part(&access(&child), 0), part(&access(&verified), 0));
    let stored = the_row(w, &handle(&made)).await;
    assert_eq!((stored.current, stored.prev), (hash2(&refreshing(&child)), Some(hash2(&refreshing(&made)))));
    assert_eq!((stored.rotated_at, stored.expires_at), (Some(w.clock.now()), w.clock.now() + 100 * DAY));

    let before = everything(w).await;
    let again = verify(w, "5.4", &access(&verified), true).await.ok();
    assert_eq!(members(&again), ["session", "status"]);
    // The child's own token may come once more, from a parallel request: another replacement, and no write.
    let late = verify(w, "5.4", &access(&child), false).await.ok();
    assert_eq!(members(&late), ["accessToken", "session", "status"]);
    assert_eq!(everything(w).await, before);
}

async fn from_5_6_on_verifying_writes_nothing(w: &World) {
    let made = create(w, "5.4", "u").await;
    let child = refresh(w, "5.4", &refreshing(&made)).await.ok();
    let before = everything(w).await;
    for check in [true, false] {
        let verified = verify(w, "5.6", &access(&child), check).await.ok();
        assert!(verified.get("accessToken").is_none());
        assert_eq!(verified.get("payloadUpdateAvailable"), check.then_some(&json!(false)));
    }
    assert_eq!(everything(w).await, before);
}

async fn below_5_6_a_new_payload_comes_with_a_new_token(w: &World) {
    for cdi in ["2.9", "2.21", "3.0", "5.5"] {
        let made = w.post(cdi, "/recipe/session", with(json!({ "userDataInJWT": { "a": 1 } }))).await.ok();
        put_payload(w, &handle(&made), json!({ "a": 2, "b": null })).await;
        let before = everything(w).await;
        let verified = verify(w, "5.4", &access(&made), false).await.ok();
        assert_eq!(members(&verified), ["session", "status"]);
        assert_eq!(verified["session"]["userDataInJWT"], json!({ "a": 1 }));
        let verified = verify(w, "5.4", &access(&made), true).await.ok();
        assert_eq!(verified["session"]["userDataInJWT"], json!({ "a": 2, "b": null }), "{cdi}");
        // The kind of token stays what it was.
        let header = |token: &str| token.split('.').next().map(str::to_owned);
        assert_eq!(header(&access(&verified)), header(&access(&made)), "{cdi}");
        let again = verify(w, "5.4", &access(&verified), true).await.ok();
        assert_eq!((members(&again), &again["session"]), (vec!["session", "status"], &verified["session"]));
        assert_eq!(everything(w).await, before);
    }
}

async fn from_5_6_on_a_new_payload_is_only_announced(w: &World) {
    let made = w.post("5.6", "/recipe/session", with(json!({ "userDataInJWT": { "a": 1, "b": 2 } }))).await.ok();
    for (payload, differs) in [
        (json!({ "a": 2, "b": 2 }), true),
        (json!({ "b": 2.0, "a": 1 }), false),
        (json!({ "a": 1, "b": 2, "c": null }), true),
        (json!({ "a": "1", "b": 2 }), true),
    ] {
        put_payload(w, &handle(&made), payload).await;
        let verified = verify(w, "5.6", &access(&made), true).await.ok();
        assert_eq!(members(&verified), ["payloadUpdateAvailable", "session", "status"]);
        assert_eq!(verified["payloadUpdateAvailable"], differs);
        assert_eq!(verified["session"]["userDataInJWT"], json!({ "a": 1, "b": 2 }));
        assert_eq!(members(&verify(w, "5.6", &access(&made), false).await.ok()), ["session", "status"]);
    }
}

async fn a_payload_that_collides_cannot_be_put_into_a_new_token(w: &World) {
    let made = create(w, "5.4", "u").await;
    let body = json!({ "sessionHandle": handle(&made), "userDataInJWT": { "sub": "x" } });
    w.put("2.9", "/recipe/jwt/data", body).await.ok();
    let before = everything(w).await;
    verify(w, "5.4", &access(&made), true).await.refuses(400, "The user payload contains protected field");
    assert_eq!(verify(w, "5.6", &access(&made), true).await.ok()["payloadUpdateAvailable"], true);
    assert_eq!(everything(w).await, before);
}

async fn from_5_6_on_a_token_two_rotations_old_is_refused(w: &World) {
    let zero = create(w, "5.6", "u").await;
    let one = refresh(w, "5.6", &refreshing(&zero)).await.ok();
    let two = refresh(w, "5.6", &refreshing(&one)).await.ok();
    let before = everything(w).await;
    is(&verify(w, "5.6", &access(&zero), true).await, "UNAUTHORISED", "rotated-out token branch; refresh required");
    verify(w, "5.6", &access(&zero), false).await.ok();
    for made in [&one, &two] {
        verify(w, "5.6", &access(made), true).await.ok();
    }
    verify(w, "5.4", &access(&zero), true).await.ok();
    assert_eq!(everything(w).await, before);
}

async fn a_token_of_a_tenant_that_was_removed_is_refused(w: &World) {
    make_tenant(w, "public", "t1").await;
    let made = w.post("5.4", "/t1/recipe/session", plain("u")).await.ok();
    verify(w, "5.6", &access(&made), true).await.ok();
    w.write("delete from tenant_configs where tenant_id = 't1'").await;
    w.write("delete from tenants where tenant_id = 't1'").await;
    w.core().tenants().reload().await.expect("the list of tenants");
    assert_eq!(row(w, &handle(&made)).await, None);
    let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination \
                 not found: (, public, t1)";
    for cdi in ["5.4", "5.6"] {
        for check in [true, false] {
            verify(w, cdi, &access(&made), check).await.refuses(400, words);
        }
    }
}

async fn an_old_token_is_accepted_at_every_version(w: &World) {
    let made = w.post("2.9", "/recipe/session", with(json!({ "userDataInJWT": { "sub": "mine" } }))).await.ok();
    for cdi in ["2.7", "2.21", "3.1", "4.0", "5.4", "5.6"] {
        let session = verify(w, cdi, &access(&made), true).await.ok()["session"].clone();
        assert_eq!((&session["userId"], &session["userDataInJWT"]), (&json!("u"), &json!({ "sub": "mine" })), "{cdi}");
        if cdi.starts_with('5') {
            assert_eq!((&session["tenantId"], &session["recipeUserId"]), (&json!("public"), &json!("u")));
        }
    }
}

async fn verifying_costs_no_round_trip_and_with_the_database_one(w: &World) {
    make_tenant(w, "public", "t1").await;
    for prefix in ["", "/t1"] {
        for cdi in ["2.21", "5.4", "5.6"] {
            let created_at = if prefix.is_empty() { cdi } else { "5.4" };
            let made = w.post(created_at, &format!("{prefix}/recipe/session"), plain("u")).await.ok();
            for check in [true, false] {
                verify(w, cdi, &access(&made), check).await.ok();
            }
            for (check, expected) in [(false, 0), (true, 1)] {
                let (trips, verified) = w.trips(verify(w, cdi, &access(&made), check)).await;
                verified.ok();
                assert_eq!(trips, expected, "{cdi} {check}");
            }
        }
    }
    let made = create(w, "2.9", "u").await;
    let (trips, verified) = w.trips(verify(w, "2.9", &access(&made), false)).await;
    verified.ok();
    assert_eq!(trips, 0);
}

scenarios!(World:
    a_fresh_token_is_accepted_as_it_is,
    old_versions_get_the_public_keys_with_every_answer,
    a_token_is_valid_up_to_its_last_millisecond,
    the_anti_csrf_token_is_compared_if_both_flags_ask_for_it,
    below_2_21_the_configuration_asks_the_database,
    a_removed_session_lives_on_where_nobody_asks_the_database,
    an_expired_row_never_verifies_when_the_database_is_asked,
    from_5_6_on_only_the_public_tenant_verifies,
    a_token_of_another_app_is_not_accepted,
    below_5_6_the_first_use_makes_a_child_current,
    from_5_6_on_verifying_writes_nothing,
    below_5_6_a_new_payload_comes_with_a_new_token,
    from_5_6_on_a_new_payload_is_only_announced,
    a_payload_that_collides_cannot_be_put_into_a_new_token,
    from_5_6_on_a_token_two_rotations_old_is_refused,
    a_token_of_a_tenant_that_was_removed_is_refused,
    an_old_token_is_accepted_at_every_version,
    verifying_costs_no_round_trip_and_with_the_database_one,
);

//! What a refresh reads, refuses and leaves behind: scenarios 54 to 66 of core-session.md 8.2, without the decisions.

use serde_json::{Value, json};
use supertokens_domain::session::hash::{hash1, hash2};
use supertokens_domain::time::{MINUTE, SECOND};

use super::rows::{GONE, access, count, handle, make_tenant, make_user, part, refresh, refreshing, row, the_row, user_id};
use super::{create, plain, text};
use crate::cdi::linking::map;
use crate::{World, members, scenarios};

const PATH: &str = "/recipe/session/refresh";
const PROTECTED: &str = "The user payload contains protected field";

async fn the_anti_csrf_token_must_match_where_there_is_one(w: &World) {
    let mut body = plain("u");
    body["enableAntiCsrf"] = json!(true);
    let made = w.post("5.6", "/recipe/session", body).await.ok();
    let (token, csrf) = (refreshing(&made), text(&made, "/antiCsrfToken"));
    let before = the_row(w, &handle(&made)).await;
    let body = |enable: bool| json!({ "refreshToken": token, "enableAntiCsrf": enable, "useDynamicSigningKey": true });
    for wrong in [None, Some("not it"), Some("")] {
        let mut body = body(true);
        if let Some(wrong) = wrong {
            body["antiCsrfToken"] = json!(wrong);
        }
        let refused = w.post("5.6", PATH, body).await.says("UNAUTHORISED");
        assert_eq!(refused["message"], "Anti CSRF token missing, or not matching");
    }
    assert_eq!(the_row(w, &handle(&made)).await, before);
    let mut right = body(true);
    right["antiCsrfToken"] = json!(csrf);
    let next = w.post("5.6", PATH, right).await.ok();
    let fresh = text(&next, "/antiCsrfToken");
    assert_ne!(fresh, csrf);
    assert_eq!(part(&access(&next), 1)["antiCsrfToken"], fresh);
    // Who does not ask for a check gets none, and no new token either.
    let next = w.post("5.6", PATH, body(false)).await.ok();
    assert_eq!(next.get("antiCsrfToken"), None);
}

async fn a_session_without_an_anti_csrf_token_gets_one_when_asked_for(w: &World) {
    let made = create(w, "5.4", "u").await;
    let body = json!({ "refreshToken": refreshing(&made), "enableAntiCsrf": true, "useDynamicSigningKey": true });
    let next = w.post("5.4", PATH, body).await.ok();
    assert_eq!(part(&access(&next), 1)["antiCsrfToken"], text(&next, "/antiCsrfToken"));
}

async fn tokens_that_cannot_be_read_never_reach_the_database(w: &World) {
    let vectors: Value = serde_json::from_str(include_str!("../../../vectors/refresh_tokens.json")).expect("JSON");
    make_tenant(w, "a1", "t1").await;
    let key = text(&vectors, "/master_key_generation/result");
    w.write(&format!(
        "insert into key_value (app_id, tenant_id, name, value, created_at_time)
         values ('a1', 'public', 'refresh_token_key', '{key}', 1)"
    ))
    .await;
    let path = format!("/appid-a1{PATH}");
    let body = |token: &str| json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": true });
    // These can be read: the database is asked, and has no such session.
    let valid = vectors["valid"].as_array().expect("valid ones");
    assert!(valid.len() >= 6);
    for case in valid {
        let refused = w.post("5.6", &path, body(&text(case, "/token"))).await.says("UNAUTHORISED");
        assert_eq!(refused["message"], GONE, "{}", case["name"]);
    }
    let invalid = vectors["invalid"].as_array().expect("invalid ones");
    assert!(invalid.len() >= 10);
    for case in invalid {
        let (trips, answer) = w.trips(w.post("5.6", &path, body(&text(case, "/token")))).await;
        let refused = answer.says("UNAUTHORISED");
        let message = text(case, "/java_message");
        // Of one message the vectors say that only its beginning is certain.
        let certain = message.split(": null-or-empty").next().unwrap_or_default();
        assert_eq!(refused["message"], certain, "{}", case["name"]);
        assert_eq!(trips, 0, "{}", case["name"]);
    }
}

/// Browsers send what they like, and an SDK hands it on: a text that PostgreSQL cannot store is no token, and no fault of the SDK's.
async fn whatever_a_token_holds_it_is_only_no_token(w: &World) {
    for token in ["\0", "a.b\0", "\0.\0.V2", "\u{7f}", "", ".", "\u{feff}"] {
        let body = json!({ "refreshToken": token, "antiCsrfToken": "\0", "enableAntiCsrf": true, "useDynamicSigningKey": true });
        w.post("5.6", PATH, body).await.says("UNAUTHORISED");
        let body = json!({ "accessToken": token, "antiCsrfToken": "\0", "doAntiCsrfCheck": true, "enableAntiCsrf": true, "checkDatabase": false });
        w.post("5.4", "/recipe/session/verify", body).await.says("TRY_REFRESH_TOKEN");
        w.post("5.6", "/recipe/session/regenerate", json!({ "accessToken": token })).await.says("UNAUTHORISED");
    }
}

async fn a_token_of_another_app_is_refused(w: &World) {
    make_tenant(w, "a1", "public").await;
    let made = w.post("5.6", "/appid-a1/recipe/session", plain("u")).await.ok();
    let refused = refresh(w, "5.6", &refreshing(&made)).await.says("UNAUTHORISED");
    assert_eq!(refused["message"], "javax.crypto.AEADBadTagException: Tag mismatch");
    let body = json!({ "refreshToken": refreshing(&made), "enableAntiCsrf": false, "useDynamicSigningKey": true });
    w.post("5.6", "/appid-a1/recipe/session/refresh", body).await.ok();
}

async fn the_kind_of_key_follows_the_flag_as_each_version_reads_it(w: &World) {
    let kind = |answer: &Value| text(&part(&access(answer), 0), "/kid")[..2].to_owned();
    let bare = |token: &str| json!({ "refreshToken": token, "enableAntiCsrf": false });
    let with = |token: &str, flag: Value| json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": flag });
    let mut body = plain("u");
    body["useDynamicSigningKey"] = json!(false);
    for cdi in ["3.0", "4.0"] {
        let of_static = w.post(cdi, "/recipe/session", body.clone()).await.ok();
        assert_eq!(kind(&w.post(cdi, PATH, bare(&refreshing(&of_static))).await.ok()), "s-");
        let of_dynamic = create(w, cdi, "u").await;
        assert_eq!(kind(&w.post(cdi, PATH, bare(&refreshing(&of_dynamic))).await.ok()), "d-");
        assert!(!the_row(w, &handle(&of_dynamic)).await.is_static);
        let switched = w.post(cdi, PATH, with(&refreshing(&of_dynamic), json!(false))).await.ok();
        assert_eq!(kind(&switched), "s-");
        assert!(the_row(w, &handle(&of_dynamic)).await.is_static);
    }
    let made = create(w, "5.6", "u").await;
    for cdi in ["5.0", "5.4", "5.6"] {
        let missing = w.post(cdi, PATH, bare(&refreshing(&made))).await;
        missing.refuses(400, "Field name 'useDynamicSigningKey' is invalid in JSON input");
        let null = w.post(cdi, PATH, with(&refreshing(&made), json!(null))).await;
        null.refuses(400, "Field name 'useDynamicSigningKey' is invalid in JSON input");
    }
    let switched = w.post("5.6", PATH, with(&refreshing(&made), json!(false))).await.ok();
    assert_eq!(kind(&switched), "s-");
    assert!(the_row(w, &handle(&made)).await.is_static);
    // Before 3.0 nobody looks at it.
    let made = create(w, "2.21", "u").await;
    assert_eq!(kind(&w.post("2.21", PATH, with(&refreshing(&made), json!("no flag"))).await.ok()), "d-");
}

async fn a_refresh_brings_the_token_version_of_the_request(w: &World) {
    let made = create(w, "5.4", "u").await;
    let down = refresh(w, "2.21", &refreshing(&made)).await.ok();
    assert_eq!(part(&access(&down), 0)["version"], "3");
    assert_eq!(members(&down["session"]), ["handle", "userDataInJWT", "userId"]);
    assert_eq!(
        members(&part(&access(&down), 1)),
        ["antiCsrfToken", "exp", "iat", "parentRefreshTokenHash1", "refreshTokenHash1", "sessionHandle", "sub"]
    );
    let old = create(w, "2.9", "u").await;
    let up = refresh(w, "5.4", &refreshing(&old)).await.ok();
    let (header, claims) = (part(&access(&up), 0), part(&access(&up), 1));
    assert_eq!(header["version"], "5");
    assert_eq!((&claims["sub"], &claims["rsub"], &claims["tId"]), (&json!("u"), &json!("u"), &json!("public")));
    assert_eq!(members(&up), ["accessToken", "refreshToken", "session", "status"]);
    assert_eq!(members(&up["session"]), ["handle", "recipeUserId", "tenantId", "userDataInJWT", "userId"]);
    // The oldest clients get a third token, but no keys.
    for cdi in ["2.7", "2.9", "2.20"] {
        let next = refresh(w, cdi, &refreshing(&old)).await.ok();
        assert_eq!(members(&next), ["accessToken", "idRefreshToken", "refreshToken", "session", "status"]);
        assert_eq!(next["idRefreshToken"]["expiry"], next["refreshToken"]["expiry"]);
        assert_eq!(access(&next).split('.').next(), Some("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0="));
    }
}

async fn a_payload_that_collides_with_the_new_version_changes_nothing(w: &World) {
    let mut body = plain("u");
    body["userDataInJWT"] = json!({ "tId": "x" });
    let made = w.post("2.21", "/recipe/session", body).await.ok();
    let before = the_row(w, &handle(&made)).await;
    for cdi in ["5.4", "5.6", "3.0"] {
        let refused = refresh(w, cdi, &refreshing(&made)).await.done();
        assert_eq!(refused, json!({ "status": "UNAUTHORISED", "message": PROTECTED }));
    }
    assert_eq!(the_row(w, &handle(&made)).await, before);
    refresh(w, "2.21", &refreshing(&made)).await.ok();
}

async fn an_access_token_may_be_asked_to_live_shorter(w: &World) {
    w.with_config(json!({ "access_token_validity_jitter": 0 })).await;
    let made = create(w, "5.6", "u").await;
    let before = the_row(w, &handle(&made)).await;
    let body = |validity: Value| json!({ "refreshToken": refreshing(&made), "enableAntiCsrf": false, "useDynamicSigningKey": true, "accessTokenValidity": validity });
    let range = "accessTokenValidity must be greater than 0 and at most the configured access_token_validity (3600000 ms)";
    for bad in [0, -1, 3_600_001] {
        w.post("5.6", PATH, body(json!(bad))).await.refuses(400, range);
    }
    let null = w.post("5.6", PATH, body(json!(null))).await;
    null.refuses(400, "Field name 'accessTokenValidity' is invalid in JSON input");
    assert_eq!(the_row(w, &handle(&made)).await, before);

    let life =
        |made: &Value, token: &str| made[token]["expiry"].as_i64().zip(made[token]["createdTime"].as_i64()).map(|(e, c)| e - c);
    let next = w.post("5.6", PATH, body(json!(600_000))).await.ok();
    assert_eq!(life(&next, "accessToken"), Some(600_000));
    assert_eq!(life(&next, "refreshToken"), Some(144_000 * MINUTE));
    let next = w.post("5.6", PATH, body(json!("3600000"))).await.ok();
    assert_eq!(life(&next, "accessToken"), Some(3_600_000));
    // Older versions do not look at it.
    let made = create(w, "5.5", "u").await;
    let mut unread = body(json!("no number"));
    unread["refreshToken"] = json!(refreshing(&made));
    assert_eq!(life(&w.post("5.5", PATH, unread).await.ok(), "accessToken"), Some(3_600_000));
}

async fn the_path_must_name_a_tenant_but_the_token_decides(w: &World) {
    make_tenant(w, "public", "t1").await;
    make_tenant(w, "public", "t2").await;
    let made = w.post("5.6", "/t1/recipe/session", plain("u")).await.ok();
    let before = the_row(w, &handle(&made)).await;
    let body = |token: &str| json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": true });
    w.post("5.6", "/ghost/recipe/session/refresh", body(&refreshing(&made))).await.refuses(
        400,
        "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: (, public, ghost)",
    );
    assert_eq!(the_row(w, &handle(&made)).await, before);
    let mut token = refreshing(&made);
    for path in ["/t2/recipe/session/refresh", "/recipe/session/refresh", "/t1/recipe/session/refresh"] {
        let next = w.post("5.6", path, body(&token)).await.ok();
        assert_eq!(text(&next, "/session/tenantId"), "t1");
        assert_eq!(part(&access(&next), 1)["tId"], "t1");
        token = refreshing(&next);
    }
}

async fn the_user_is_found_again_at_every_refresh(w: &World) {
    let (primary, recipe) = (user_id(1), user_id(2));
    make_user(w, &primary, &primary).await;
    make_user(w, &recipe, &primary).await;
    let made = create(w, "5.4", &recipe).await;
    assert_eq!((text(&made, "/session/userId"), text(&made, "/session/recipeUserId")), (primary.clone(), recipe.clone()));
    map(w, &primary, "outside").await;
    let next = refresh(w, "5.4", &refreshing(&made)).await.ok();
    assert_eq!((text(&next, "/session/userId"), text(&next, "/session/recipeUserId")), ("outside".to_owned(), recipe.clone()));
    let claims = part(&access(&next), 1);
    assert_eq!((&claims["sub"], &claims["rsub"]), (&json!("outside"), &json!(recipe)));
    assert_eq!(the_row(w, &handle(&made)).await.user_id, recipe);
    // Theft names both too.
    let child = refreshing(&next);
    refresh(w, "5.4", &child).await.ok();
    let theft = refresh(w, "5.4", &refreshing(&made)).await.says("TOKEN_THEFT_DETECTED");
    assert_eq!(theft["session"], json!({ "handle": handle(&made), "userId": "outside", "recipeUserId": recipe }));
}

async fn the_time_of_last_activity_is_written_once_in_five_minutes(w: &World) {
    let made = create(w, "5.6", "u").await;
    w.clock.advance(5 * MINUTE);
    let first_mark = w.clock.now();
    let mut token = refreshing(&made);
    for _ in 0..10 {
        token = refreshing(&refresh(w, "5.6", &token).await.ok());
        w.clock.advance(20 * SECOND);
    }
    let times = w.rows("select user_id, last_active_time from user_last_active").await;
    assert_eq!(times, [[Some("u".to_owned()), Some(first_mark.to_string())]]);
    // One for the creation, one for the ten refreshes.
    assert_eq!(count(w, "activity_log where event_type = 'user_last_active'").await, 2);
    w.clock.advance(5 * MINUTE);
    refresh(w, "5.6", &token).await.ok();
    let time = w.value("select last_active_time from user_last_active").await;
    assert_eq!(time, Some(w.clock.now().to_string()));
    assert_eq!(count(w, "activity_log where event_type = 'session_created'").await, 1);
}

async fn a_refresh_takes_few_round_trips(w: &World) {
    for (cdi, repeat) in [("5.6", "5.6"), ("5.4", "5.4")] {
        let made = create(w, cdi, "u").await;
        let warm = refresh(w, cdi, &refreshing(&made)).await.ok();
        let (trips, next) = w.trips(refresh(w, cdi, &refreshing(&warm))).await;
        next.ok();
        assert!(trips <= 3, "{trips} at {cdi}");
        let (trips, reused) = w.trips(refresh(w, repeat, &format!("{}.", refreshing(&made)))).await;
        reused.says("TOKEN_THEFT_DETECTED");
        assert!(trips <= 3, "{trips} for reuse at {cdi}");
        let (trips, gone) = w.trips(refresh(w, "5.6", "not.a.token.V2")).await;
        gone.says("UNAUTHORISED");
        assert_eq!(trips, 0);
    }
    // Also when the time of last activity is due.
    let made = create(w, "5.6", "u").await;
    w.clock.advance(6 * MINUTE);
    let (trips, next) = w.trips(refresh(w, "5.6", &refreshing(&made))).await;
    next.ok();
    assert!(trips <= 3, "{trips} with a mark");
}

async fn fields_of_a_wrong_type_are_named(w: &World) {
    let made = create(w, "5.6", "u").await;
    let good = json!({ "refreshToken": refreshing(&made), "enableAntiCsrf": false, "useDynamicSigningKey": true });
    let wrong = [
        ("refreshToken", json!(5)),
        ("refreshToken", json!(null)),
        ("enableAntiCsrf", json!("true")),
        ("enableAntiCsrf", json!(null)),
        ("antiCsrfToken", json!(null)),
        ("antiCsrfToken", json!(7)),
        ("useDynamicSigningKey", json!("false")),
        ("accessTokenValidity", json!({})),
    ];
    for (field, value) in wrong {
        let mut body = good.clone();
        body[field] = value;
        w.post("5.6", PATH, body).await.refuses(400, &format!("Field name '{field}' is invalid in JSON input"));
    }
    for field in ["refreshToken", "enableAntiCsrf", "useDynamicSigningKey"] {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(field);
        w.post("5.6", PATH, body).await.refuses(400, &format!("Field name '{field}' is invalid in JSON input"));
    }
    w.raw("POST", PATH, &[("cdi-version", "5.6")], "").await.refuses(400, "Invalid Json Input");
    w.post("5.6", PATH, good).await.ok();
}

async fn the_new_payload_and_the_hashes_agree_after_a_change_of_data(w: &World) {
    let made = create(w, "5.6", "u").await;
    let change = json!({ "sessionHandle": handle(&made), "userDataInJWT": { "role": "admin", "n": null } });
    w.put("5.6", "/recipe/jwt/data", change).await.ok();
    let next = refresh(w, "5.6", &refreshing(&made)).await.ok();
    assert_eq!(next["session"]["userDataInJWT"], json!({ "role": "admin", "n": null }));
    let claims = part(&access(&next), 1);
    assert_eq!((&claims["role"], &claims["n"]), (&json!("admin"), &json!(null)));
    assert_eq!(claims["refreshTokenHash1"], hash1(&refreshing(&next)));
    assert_eq!(row(w, &handle(&made)).await.map(|row| row.current), Some(hash2(&refreshing(&next))));
}

scenarios!(World:
    the_anti_csrf_token_must_match_where_there_is_one,
    a_session_without_an_anti_csrf_token_gets_one_when_asked_for,
    tokens_that_cannot_be_read_never_reach_the_database,
    whatever_a_token_holds_it_is_only_no_token,
    a_token_of_another_app_is_refused,
    the_kind_of_key_follows_the_flag_as_each_version_reads_it,
    a_refresh_brings_the_token_version_of_the_request,
    a_payload_that_collides_with_the_new_version_changes_nothing,
    an_access_token_may_be_asked_to_live_shorter,
    the_path_must_name_a_tenant_but_the_token_decides,
    the_user_is_found_again_at_every_refresh,
    the_time_of_last_activity_is_written_once_in_five_minutes,
    a_refresh_takes_few_round_trips,
    fields_of_a_wrong_type_are_named,
    the_new_payload_and_the_hashes_agree_after_a_change_of_data,
);

//! Whose session it is (scenarios 14 to 16 of core-session.md 8.2), and creations that are refused (10, 11 and worse).

use serde_json::json;
use supertokens_domain::time::MINUTE;

use super::create::with;
use super::forge::everything;
use super::rows::{access, count, handle, make_tenant, make_user, opened, part, refreshing, the_row, user_id};
use super::{create, plain, text};
use crate::cdi::linking::map;
use crate::{World, scenarios};

async fn a_session_of_a_linked_user_belongs_to_the_primary_one(w: &World) {
    let (primary, recipe) = (user_id(1), user_id(2));
    make_user(w, &primary, &primary).await;
    make_user(w, &recipe, &primary).await;
    let made = create(w, "5.4", &recipe).await;
    assert_eq!((&made["session"]["userId"], &made["session"]["recipeUserId"]), (&json!(primary), &json!(recipe)));
    let claims = part(&access(&made), 1);
    assert_eq!((&claims["sub"], &claims["rsub"]), (&json!(primary), &json!(recipe)));
    assert_eq!(the_row(w, &handle(&made)).await.user_id, recipe);
    assert_eq!(opened(w, &refreshing(&made)).await.user_id, recipe);
    assert_eq!(w.rows("select user_id from user_last_active").await, [[Some(primary.clone())]]);
    let audit = w.rows("select recipe_user_id, primary_or_recipe_user_id from activity_log where event_type = 'session_created'");
    assert_eq!(audit.await, [[Some(recipe.clone()), Some(primary.clone())]]);

    let own = create(w, "5.4", &primary).await;
    assert_eq!((&own["session"]["userId"], &own["session"]["recipeUserId"]), (&json!(primary), &json!(primary)));
    assert_eq!(create(w, "3.0", &recipe).await["session"]["userId"], json!(primary));
}

async fn a_mapped_user_is_known_by_the_other_id_whichever_was_given(w: &World) {
    let (primary, recipe) = (user_id(1), user_id(2));
    make_user(w, &primary, &primary).await;
    make_user(w, &recipe, &primary).await;
    map(w, &recipe, "X").await;
    for given in [recipe.as_str(), "X"] {
        let made = create(w, "5.4", given).await;
        assert_eq!((&made["session"]["userId"], &made["session"]["recipeUserId"]), (&json!(primary), &json!("X")));
        let claims = part(&access(&made), 1);
        assert_eq!((&claims["sub"], &claims["rsub"]), (&json!(primary), &json!("X")));
        assert_eq!(the_row(w, &handle(&made)).await.user_id, "X");
        assert_eq!(opened(w, &refreshing(&made)).await.user_id, "X");
    }
    map(w, &primary, "Y").await;
    w.clock.advance(supertokens_domain::time::HOUR);
    let made = create(w, "5.4", &recipe).await;
    assert_eq!((&made["session"]["userId"], &made["session"]["recipeUserId"]), (&json!("Y"), &json!("X")));
    // Activity is kept under the id that never changes.
    assert_eq!(w.rows("select user_id from user_last_active").await, [[Some(primary)]]);
    let audit = "select distinct primary_or_recipe_user_id from activity_log where event_type = 'session_created' order by 1";
    assert!(w.rows(audit).await.contains(&vec![Some("Y".to_owned())]));
}

async fn any_text_may_be_a_user(w: &World) {
    let long = "ü".repeat(128);
    for user in ["foo bar", "", "'; drop table session_info; --", "%_\\", "\u{2028}\u{1F600}", " x ", &long] {
        let made = create(w, "5.4", user).await;
        assert_eq!((&made["session"]["userId"], &made["session"]["recipeUserId"]), (&json!(user), &json!(user)));
        assert_eq!(the_row(w, &handle(&made)).await.user_id, user);
        assert_eq!(opened(w, &refreshing(&made)).await.user_id, user);
        let found = w.get("5.4", &format!("/recipe/session?sessionHandle={}", handle(&made))).await.ok();
        assert_eq!(found["userId"], user);
    }
    assert_eq!(count(w, "session_info").await, 7);
}

async fn a_wrong_field_is_named_and_nothing_is_written(w: &World) {
    let before = everything(w).await;
    let wrong = [
        ("userId", vec![json!(null), json!(5), json!(true), json!({}), json!([]), json!(["a", "b"]), json!("nul\0")]),
        ("enableAntiCsrf", vec![json!(null), json!("true"), json!(""), json!({}), json!([])]),
        ("userDataInJWT", vec![json!(null), json!([]), json!("{}"), json!(1), json!([{}])]),
        ("userDataInDatabase", vec![json!(null), json!([]), json!("{}"), json!(false)]),
        ("useDynamicSigningKey", vec![json!(null), json!("false"), json!({})]),
        ("accessTokenValidity", vec![json!(null), json!("1.0"), json!("")]),
    ];
    for (field, values) in wrong {
        let words = format!("Field name '{field}' is invalid in JSON input");
        for value in values {
            w.post("5.6", "/recipe/session", with(json!({ field: value }))).await.refuses(400, &words);
        }
        if plain("u").get(field).is_some() {
            let mut body = plain("u");
            body.as_object_mut().expect("an object").remove(field);
            w.post("2.7", "/recipe/session", body).await.refuses(400, &words);
        }
    }
    w.post("5.4", "/recipe/session", json!({})).await.refuses(400, "Field name 'userId' is invalid in JSON input");
    assert_eq!(everything(w).await, before);
}

async fn values_that_upstream_takes_for_others_are_accepted(w: &World) {
    // Quirk: one element for an array of it, any number for false.
    let made = w.post("5.4", "/recipe/session", with(json!({ "userId": ["u"], "enableAntiCsrf": [true] }))).await.ok();
    assert_eq!(made["session"]["userId"], "u");
    assert!(made["antiCsrfToken"].is_string());
    let made = w.post("5.4", "/recipe/session", with(json!({ "enableAntiCsrf": 1, "useDynamicSigningKey": 1 }))).await.ok();
    assert!(made.get("antiCsrfToken").is_none());
    assert!(the_row(w, &handle(&made)).await.is_static);
}

async fn what_is_no_object_is_refused(w: &World) {
    let before = everything(w).await;
    let deep = format!(r#"{{"userId":"u","userDataInJWT":{}1{}}}"#, r#"{"a":"#.repeat(50_000), "}".repeat(50_000));
    let plain = plain("u").to_string();
    let bodies: Vec<Vec<u8>> = [
        "",
        "   ",
        "null",
        "[]",
        "1",
        "\"x\"",
        "{",
        "{\"userId\":",
        "{\"a\":1,}",
        "userId=u",
        "\u{feff}{}",
        "<xml/>",
        "{'a':'b'}",
        &deep,
        &format!("{plain} x"),
        &format!("[{plain}]"),
        "{\"userId\":\"a\nb\"}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([b"{\"userId\":\"\xff\"}".to_vec(), b"\0\0\0".to_vec(), vec![0x1f, 0x8b, 8, 0]])
    .collect();
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = w.raw("POST", "/recipe/session", &[("cdi-version", "5.4")], body).await;
        assert_eq!((answer.status, answer.text.as_str()), (400, "Invalid Json Input\n"), "{shown}");
    }
    assert_eq!(everything(w).await, before);
}

async fn what_does_not_fit_is_refused(w: &World) {
    let before = everything(w).await;
    let too_long = "ü".repeat(129);
    let answer = w.post("5.4", "/recipe/session", plain(&too_long)).await;
    answer.refuses(400, "Field name 'userId' must have at most 128 characters");
    // A token cannot carry it, so nobody gets a session with it.
    let body = r#"{"userId":"u","enableAntiCsrf":false,"userDataInJWT":{"n":99999999999999999999},"userDataInDatabase":{}}"#;
    for cdi in ["2.21", "5.6"] {
        let answer = w.raw("POST", "/recipe/session", &[("cdi-version", cdi)], body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    assert_eq!(everything(w).await, before);
}

async fn other_methods_are_not_served(w: &World) {
    let before = everything(w).await;
    for (method, path) in [
        ("PUT", "/recipe/session"),
        ("DELETE", "/recipe/session"),
        ("GET", "/recipe/session/verify"),
        ("PUT", "/recipe/session/verify"),
        ("POST", "/recipe/session/data"),
        ("DELETE", "/recipe/jwt/data"),
    ] {
        w.raw(method, path, &[("cdi-version", "5.4")], plain("u").to_string()).await.refuses(405, "Method not supported");
    }
    assert_eq!(everything(w).await, before);
}

async fn the_log_of_activity_stops_no_session(w: &World) {
    for table in ["activity_log", "user_last_active"] {
        w.write(&format!("alter table {table} rename to out_of_the_way")).await;
        let made = create(w, "5.6", table).await;
        assert_eq!(the_row(w, &handle(&made)).await.user_id, table);
        w.clock.advance(6 * MINUTE);
        super::rows::refresh(w, "5.6", &refreshing(&made)).await.ok();
        w.write(&format!("alter table out_of_the_way rename to {table}")).await;
    }
    // Back again, it is used again.
    create(w, "5.6", "later").await;
    assert_eq!(count(w, "activity_log where recipe_user_id = 'later' and event_type = 'session_created'").await, 1);
    assert_eq!(count(w, "user_last_active where user_id = 'later'").await, 1);
}

async fn an_unknown_place_is_told_before_the_last_field(w: &World) {
    make_tenant(w, "public", "t1").await;
    let mut body = plain("u");
    body["useDynamicSigningKey"] = json!(null);
    let unknown = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination \
                   not found: (, public, ghost)";
    w.post("5.4", "/ghost/recipe/session", body.clone()).await.refuses(400, unknown);
    let wrong = "Field name 'useDynamicSigningKey' is invalid in JSON input";
    w.post("5.4", "/t1/recipe/session", body.clone()).await.refuses(400, wrong);
    body["userDataInDatabase"] = json!(null);
    let wrong = "Field name 'userDataInDatabase' is invalid in JSON input";
    w.post("5.4", "/ghost/recipe/session", body).await.refuses(400, wrong);

    let made = create(w, "5.6", "u").await;
    let body = json!({ "accessToken": access(&made), "doAntiCsrfCheck": false, "enableAntiCsrf": false });
    let forbidden = "Only public tenantId can call this app specific API";
    w.post("5.6", "/t1/recipe/session/verify", body.clone()).await.refuses(403, forbidden);
    w.post("5.6", "/recipe/session/verify", body).await.refuses(400, "Field name 'checkDatabase' is invalid in JSON input");
    let body = json!({
        "refreshToken": "no.such.V2", "enableAntiCsrf": false, "useDynamicSigningKey": true, "accessTokenValidity": 0,
    });
    w.post("5.6", "/recipe/session/refresh", body).await.says("UNAUTHORISED");
}

async fn a_text_cut_within_a_character_is_refused_by_its_place(w: &World) {
    let reason = "is invalid in JSON input: it holds half of a surrogate pair (such as \\ud83d alone), which is no character; cut \
                  texts between characters";
    let made = create(w, "5.4", "u").await;
    let (handle, token) = (text(&made, "/session/handle"), text(&made, "/accessToken/token"));
    // As `JSON.stringify` writes a text that was cut, for whatever is stored or signed.
    let cut = r#""\ud83d""#;
    let bodies = [
        (
            "POST",
            "/recipe/session",
            format!(r#"{{"userId":{cut},"enableAntiCsrf":false,"userDataInJWT":{{}},"userDataInDatabase":{{}}}}"#),
            "userId",
        ),
        (
            "POST",
            "/recipe/session",
            format!(
                r#"{{"userId":"v","enableAntiCsrf":false,"userDataInJWT":{{"a":{{"nick":{cut}}}}},"userDataInDatabase":{{}}}}"#
            ),
            "userDataInJWT.a.nick",
        ),
        (
            "PUT",
            "/recipe/session/data",
            format!(r#"{{"sessionHandle":"{handle}","userDataInDatabase":{{"l":[{cut}]}}}}"#),
            "userDataInDatabase.l",
        ),
        (
            "PUT",
            "/recipe/jwt/data",
            format!(r#"{{"sessionHandle":"{handle}","userDataInJWT":{{"n":{cut}}}}}"#),
            "userDataInJWT.n",
        ),
        (
            "POST",
            "/recipe/session/regenerate",
            format!(r#"{{"accessToken":"{token}","userDataInJWT":{{"n":{cut}}}}}"#),
            "userDataInJWT.n",
        ),
        (
            "POST",
            "/recipe/jwt",
            format!(r#"{{"algorithm":"RS256","jwksDomain":"x","validity":1,"payload":{{"n":{cut}}}}}"#),
            "payload.n",
        ),
        (
            "PUT",
            "/recipe/multitenancy/app/v2",
            format!(r#"{{"appId":"a1","coreConfig":{{"saml_sp_entity_id":{cut}}}}}"#),
            "coreConfig.saml_sp_entity_id",
        ),
        (
            "PUT",
            "/recipe/multitenancy/config/thirdparty",
            format!(r#"{{"config":{{"thirdPartyId":"x","name":{cut}}}}}"#),
            "config.name",
        ),
    ];
    for (method, path, body, place) in bodies {
        let answer = w.raw(method, path, &[("cdi-version", "5.4")], body).await;
        answer.refuses(400, &format!("Field name '{place}' {reason}"));
    }
    assert_eq!(count(w, "session_info").await, 1);
    assert_eq!(count(w, "tenant_configs").await, 1);
    // Both halves together are a character like any other.
    let body = format!(r#"{{"sessionHandle":"{handle}","userDataInDatabase":{{"n":"\ud83d\ude00"}}}}"#);
    w.raw("PUT", "/recipe/session/data", &[("cdi-version", "5.4")], body).await.ok();
    let found = w.get("5.4", &format!("/recipe/session/data?sessionHandle={handle}")).await.ok();
    assert_eq!(found["userDataInDatabase"]["n"], "\u{1f600}");
}

scenarios!(World:
    a_text_cut_within_a_character_is_refused_by_its_place,
    the_log_of_activity_stops_no_session,
    an_unknown_place_is_told_before_the_last_field,
    a_session_of_a_linked_user_belongs_to_the_primary_one,
    a_mapped_user_is_known_by_the_other_id_whichever_was_given,
    any_text_may_be_a_user,
    a_wrong_field_is_named_and_nothing_is_written,
    values_that_upstream_takes_for_others_are_accepted,
    what_is_no_object_is_refused,
    what_does_not_fit_is_refused,
    other_methods_are_not_served,
);

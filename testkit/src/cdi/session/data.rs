//! Reading a session and its two objects, and replacing them: scenarios 21 to 25 of core-session.md 8.2, and wrong input.

use serde_json::{Value, json};
use supertokens_domain::time::DAY;

use super::create::{in_order, with};
use super::forge::everything;
use super::rows::{access, handle, make_tenant, make_user, refresh, refreshing, the_row, user_id};
use super::{create, plain};
use crate::cdi::linking::map;
use crate::{Answer, World, members, scenarios};

const PATHS: [(&str, &str); 2] = [("/recipe/session/data", "userDataInDatabase"), ("/recipe/jwt/data", "userDataInJWT")];

/// The answer says that there is no such session.
fn is_gone(answer: &Answer) {
    assert_eq!(answer.text, "{\"status\":\"UNAUTHORISED\",\"message\":\"Session does not exist.\"}\n");
    answer.says("UNAUTHORISED");
}

/// All of a session that may be seen.
async fn get(w: &World, cdi: &str, handle: &str) -> Answer {
    w.get(cdi, &format!("/recipe/session?sessionHandle={handle}")).await
}

async fn a_session_is_shown_with_the_members_of_the_version(w: &World) {
    let body = with(json!({ "userDataInJWT": { "j": null }, "userDataInDatabase": { "d": [1.0, null] } }));
    let made = w.post("5.4", "/recipe/session", body).await.ok();
    let common = ["expiry", "sessionHandle", "status", "timeCreated", "userDataInDatabase", "userDataInJWT", "userId"];
    for (cdi, more) in [
        ("2.7", vec![]),
        ("2.8", vec![]),
        ("2.21", vec![]),
        ("3.0", vec!["tenantId"]),
        ("3.1", vec!["tenantId"]),
        ("4.0", vec!["recipeUserId", "tenantId"]),
        ("5.6", vec!["recipeUserId", "tenantId"]),
    ] {
        let mut expected = [&common[..], &more].concat();
        expected.sort_unstable();
        assert_eq!(members(&get(w, cdi, &handle(&made)).await.ok()), expected, "{cdi}");
    }
    let answer = get(w, "5.4", &handle(&made)).await;
    assert_eq!(
        answer.ok(),
        json!({
            "sessionHandle": handle(&made), "userId": "u", "recipeUserId": "u", "userDataInDatabase": { "d": [1.0, null] },
            "expiry": made["refreshToken"]["expiry"], "userDataInJWT": { "j": null },
            "timeCreated": made["refreshToken"]["createdTime"], "status": "OK", "tenantId": "public",
        })
    );
    let order = [
        "sessionHandle",
        "userId",
        "recipeUserId",
        "userDataInDatabase",
        "expiry",
        "userDataInJWT",
        "timeCreated",
        "status",
        "tenantId",
    ];
    in_order(&answer.text, &order);
    assert!(answer.text.contains("[1.0,null]"), "{}", answer.text);
    for (path, member) in PATHS {
        let read = w.get("5.4", &format!("{path}?sessionHandle={}", handle(&made))).await.ok();
        assert_eq!(members(&read), ["status", member]);
        assert_eq!(read[member], get(w, "5.4", &handle(&made)).await.ok()[member]);
    }
}

async fn a_refreshed_session_shows_nothing_more(w: &World) {
    let made = create(w, "5.6", "u").await;
    let before = members(&get(w, "5.6", &handle(&made)).await.ok()).join(",");
    w.clock.advance(DAY);
    refresh(w, "5.6", &refreshing(&made)).await.ok();
    let after = get(w, "5.6", &handle(&made)).await;
    assert_eq!(members(&after.ok()).join(","), before);
    let stored = the_row(w, &handle(&made)).await;
    for secret in [stored.current, stored.prev.expect("it was rotated")] {
        assert!(!after.text.contains(&secret));
    }
    assert_eq!(after.ok()["expiry"], stored.expires_at);
}

async fn a_session_that_is_not_there_is_said_to_be_gone(w: &World) {
    create(w, "5.4", "u").await;
    let before = everything(w).await;
    let long = "h".repeat(300);
    let bogus = ["", "ghost", "_", "___", "a_", "%20", "%F0%9F%98%80", "%27%3B--", "11111111-2222-4333-8444-555555555555", &long];
    for cdi in ["2.8", "5.4", "5.6"] {
        for name in bogus {
            is_gone(&get(w, cdi, name).await);
            for (path, _) in PATHS {
                is_gone(&w.get(cdi, &format!("{path}?sessionHandle={name}")).await);
            }
        }
    }
    for (path, member) in PATHS {
        for name in ["ghost", "", "_", &long] {
            is_gone(&w.put("5.4", path, json!({ "sessionHandle": name, member: {} })).await);
        }
    }
    assert_eq!(everything(w).await, before);
}

async fn a_handle_must_be_given(w: &World) {
    let before = everything(w).await;
    for path in ["/recipe/session", "/recipe/session/data", "/recipe/jwt/data"] {
        for query in ["", "?", "?sessionhandle=x", "?handle=x", "?=x"] {
            let answer = w.get("5.4", &format!("{path}{query}")).await;
            answer.refuses(400, "Field name 'sessionHandle' is missing in GET request");
        }
        let nul = w.get("5.4", &format!("{path}?sessionHandle=a%00b")).await;
        assert!(nul.status < 500, "{} {}", nul.status, nul.text);
    }
    assert_eq!(everything(w).await, before);
}

async fn the_tenant_comes_from_the_handle_and_not_from_the_path(w: &World) {
    make_tenant(w, "public", "t1").await;
    make_tenant(w, "public", "t2").await;
    let made = w.post("5.4", "/t1/recipe/session", plain("u")).await.ok();
    let expected = get(w, "5.4", &handle(&made)).await.ok();
    assert_eq!(expected["tenantId"], "t1");
    for prefix in ["/t1", "/t2", "/ghost", "/appid-public/t2"] {
        let path = format!("{prefix}/recipe/session?sessionHandle={}", handle(&made));
        assert_eq!(w.get("5.4", &path).await.ok(), expected, "{prefix}");
        let path = format!("{prefix}/recipe/session/data");
        let body = json!({ "sessionHandle": handle(&made), "userDataInDatabase": {} });
        w.put("5.4", &path, body).await.ok();
    }
    let missing = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId \
                   combination not found: ";
    let path = format!("/appid-ghost/recipe/session?sessionHandle={}", handle(&made));
    w.get("5.4", &path).await.refuses(400, &format!("{missing}(, ghost, public)"));
}

/// A handle may come from anybody: whatever it names as its tenant, there is no such session, and nothing of it is repeated.
async fn a_handle_of_no_tenant_names_no_session(w: &World) {
    let made = create(w, "5.4", "u").await;
    let before = everything(w).await;
    let long = format!("x_{}", "t".repeat(3_000));
    let names = ["x_ghost", "x_<script>alert(1)</script>", "x_t\n2026-11-28 ERROR", "x_..", "_x", "x_\u{1f600}", "x_'--", &long];
    for cdi in ["5.6", "5.4", "3.0", "2.9"] {
        for name in names {
            let name_in_query: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
            is_gone(&get(w, cdi, &name_in_query).await);
            for (path, member) in PATHS {
                is_gone(&w.get(cdi, &format!("{path}?sessionHandle={name_in_query}")).await);
                is_gone(&w.put(cdi, path, json!({ "sessionHandle": name, member: {} })).await);
            }
        }
    }
    assert_eq!(everything(w).await, before);
    let body = json!({ "sessionHandles": names });
    assert_eq!(w.post("5.4", "/recipe/session/remove", body).await.ok()["sessionHandlesRevoked"], json!([]));
    get(w, "5.4", &handle(&made)).await.ok();
}

async fn a_handle_of_another_app_is_not_known(w: &World) {
    make_tenant(w, "a1", "public").await;
    let made = w.post("5.4", "/appid-a1/recipe/session", plain("u")).await.ok();
    let before = everything(w).await;
    is_gone(&get(w, "5.4", &handle(&made)).await);
    for (path, member) in PATHS {
        is_gone(&w.put("5.4", path, json!({ "sessionHandle": handle(&made), member: { "x": 1 } })).await);
    }
    assert_eq!(everything(w).await, before);
    w.get("5.4", &format!("/appid-a1/recipe/session?sessionHandle={}", handle(&made))).await.ok();
}

async fn a_session_is_over_at_its_end(w: &World) {
    let made = create(w, "5.4", "u").await;
    let end = made["refreshToken"]["expiry"].as_i64().expect("a time");
    w.clock.set(end - 1);
    get(w, "5.4", &handle(&made)).await.ok();
    for (path, member) in PATHS {
        w.get("5.4", &format!("{path}?sessionHandle={}", handle(&made))).await.ok();
        w.put("5.4", path, json!({ "sessionHandle": handle(&made), member: { "in": "time" } })).await.ok();
    }
    let before = everything(w).await;
    for now in [end, end + 1] {
        w.clock.set(now);
        is_gone(&get(w, "5.4", &handle(&made)).await);
        for (path, member) in PATHS {
            is_gone(&w.get("5.4", &format!("{path}?sessionHandle={}", handle(&made))).await);
            is_gone(&w.put("5.4", path, json!({ "sessionHandle": handle(&made), member: {} })).await);
        }
    }
    assert_eq!(everything(w).await, before);
}

async fn a_put_replaces_the_whole_object(w: &World) {
    let made = w.post("5.4", "/recipe/session", with(json!({ "userDataInJWT": { "a": 1 }, "userDataInDatabase": { "a": 1 } })));
    let made = made.await.ok();
    let before = the_row(w, &handle(&made)).await;
    for (n, (path, member)) in PATHS.into_iter().enumerate() {
        let written = r#"{"b":null,"n":1.0,"z":{}}"#;
        let body = format!(r#"{{"sessionHandle":"{}","{member}":{written}}}"#, handle(&made));
        let answer = w.raw("PUT", path, &[("cdi-version", "5.4")], body).await;
        assert_eq!(answer.ok(), json!({ "status": "OK" }));
        let column = ["session_data", "jwt_user_payload"][n];
        let stored = w.value(&format!("select {column} from session_info")).await;
        assert_eq!(stored.as_deref(), Some(written));
    }
    let after = the_row(w, &handle(&made)).await;
    assert_eq!((after.current, after.expires_at, after.prev), (before.current, before.expires_at, None));
    // The token that is out keeps its own.
    let body = json!({
        "accessToken": access(&made), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": false,
    });
    assert_eq!(w.post("5.4", "/recipe/session/verify", body).await.ok()["session"]["userDataInJWT"], json!({ "a": 1 }));
}

async fn claims_of_the_server_are_refused_before_the_session_is_looked_for(w: &World) {
    let made = create(w, "2.9", "u").await;
    let put = async |cdi: &str, handle: &str, claim: &str| {
        w.put(cdi, "/recipe/jwt/data", json!({ "sessionHandle": handle, "userDataInJWT": { claim: 1 } })).await
    };
    let before = everything(w).await;
    for (cdi, claim) in [("5.4", "sub"), ("5.6", "rsub"), ("3.0", "tId"), ("2.21", "exp")] {
        for name in ["ghost", "x_ghost", &handle(&made)] {
            put(cdi, name, claim).await.refuses(400, "The user payload contains protected field");
        }
    }
    assert_eq!(everything(w).await, before);
    for (cdi, claim) in [("3.0", "rsub"), ("2.21", "tId"), ("2.9", "sub"), ("2.20", "exp")] {
        put(cdi, &handle(&made), claim).await.ok();
    }
    // What only the database knows is the caller's own affair.
    let body = json!({ "sessionHandle": handle(&made), "userDataInDatabase": { "sub": 1 } });
    w.put("5.4", "/recipe/session/data", body).await.ok();
}

async fn wrong_fields_are_named_and_nothing_is_written(w: &World) {
    let made = create(w, "5.4", "u").await;
    let before = everything(w).await;
    for (path, member) in PATHS {
        let good = json!({ "sessionHandle": handle(&made), member: {} });
        let wrong: Vec<(&str, Vec<Value>)> = vec![
            ("sessionHandle", vec![json!(null), json!(1), json!({}), json!([]), json!("nul\0")]),
            (member, vec![json!(null), json!("{}"), json!([]), json!(1)]),
        ];
        for (field, values) in wrong {
            let words = format!("Field name '{field}' is invalid in JSON input");
            for value in values {
                let mut body = good.clone();
                body[field] = value;
                w.put("5.4", path, body).await.refuses(400, &words);
            }
            let mut body = good.clone();
            body.as_object_mut().expect("an object").remove(field);
            w.put("5.4", path, body).await.refuses(400, &words);
        }
        for body in ["", "[]", "null", "{", "x"] {
            w.raw("PUT", path, &[("cdi-version", "5.4")], body).await.refuses(400, "Invalid Json Input");
        }
    }
    assert_eq!(everything(w).await, before);
}

async fn the_user_is_shown_by_the_id_that_never_changes(w: &World) {
    let (primary, recipe, lone) = (user_id(1), user_id(2), user_id(3));
    for (id, of) in [(&primary, &primary), (&recipe, &primary), (&lone, &lone)] {
        make_user(w, id, of).await;
    }
    map(w, &primary, "P").await;
    let made = create(w, "5.4", &recipe).await;
    assert_eq!(made["session"]["userId"], "P");
    let found = get(w, "5.4", &handle(&made)).await.ok();
    // Quirk: not translated here, though it is on creation.
    assert_eq!((&found["userId"], &found["recipeUserId"]), (&json!(primary), &json!(recipe)));
    map(w, &lone, "L").await;
    let found = get(w, "5.4", &handle(&create(w, "5.4", &lone).await)).await.ok();
    assert_eq!((&found["userId"], &found["recipeUserId"]), (&json!("L"), &json!("L")));
}

async fn reading_and_writing_cost_one_round_trip(w: &World) {
    make_tenant(w, "public", "t1").await;
    for prefix in ["", "/t1"] {
        let made = w.post("5.4", &format!("{prefix}/recipe/session"), plain("u")).await.ok();
        get(w, "5.4", &handle(&made)).await.ok();
        let (trips, found) = w.trips(get(w, "5.4", &handle(&made))).await;
        found.ok();
        assert_eq!(trips, 1);
        for (path, member) in PATHS {
            let (trips, read) = w.trips(w.get("5.4", &format!("{path}?sessionHandle={}", handle(&made)))).await;
            read.ok();
            assert_eq!(trips, 1, "{path}");
            let body = json!({ "sessionHandle": handle(&made), member: { "x": 1 } });
            let (trips, written) = w.trips(w.put("5.4", path, body)).await;
            written.ok();
            assert_eq!(trips, 1, "{path}");
        }
    }
}

async fn a_number_that_cannot_be_signed_is_refused_where_payloads_are_merged(w: &World) {
    let made = create(w, "5.6", "u").await;
    let before = the_row(w, &handle(&made)).await;
    for number in ["123456789012345678901234567890", "9223372036854775808", "1e999"] {
        let body = format!(r#"{{"sessionHandle":"{}","userDataInJWT":{{"a":[{{"n":{number}}}]}}}}"#, handle(&made));
        for cdi in ["2.21", "5.4", "5.6"] {
            let refused = w.raw("PUT", "/recipe/jwt/data", &[("cdi-version", cdi)], body.clone()).await;
            refused.refuses(400, "The user payload contains a number that is too large");
        }
        assert_eq!(the_row(w, &handle(&made)).await, before);
        let body = format!(r#"{{"accessToken":"{}","userDataInJWT":{{"n":{number}}}}}"#, access(&made));
        let refused = w.raw("POST", "/recipe/session/regenerate", &[("cdi-version", "5.6")], body).await;
        refused.refuses(400, "The user payload contains a number that is too large");
        assert_eq!(the_row(w, &handle(&made)).await, before);
    }
}

async fn a_payload_that_cannot_be_signed_costs_no_session(w: &World) {
    let payload = |number: &str| format!(r#"{{"n":{number}}}"#);
    let body = |number: &str| {
        let payload = payload(number);
        format!(r#"{{"userId":"u","enableAntiCsrf":false,"userDataInDatabase":{{}},"userDataInJWT":{payload}}}"#)
    };
    let big = "100000000000000000000";
    // Old tokens carry it as it is.
    let made = w.raw("POST", "/recipe/session", &[("cdi-version", "2.9")], body(big)).await.ok();
    let before = the_row(w, &handle(&made)).await;
    for cdi in ["5.4", "5.6"] {
        let refused = refresh(w, cdi, &refreshing(&made)).await.says("UNAUTHORISED");
        assert_eq!(refused["message"], "The user payload contains a number that is too large");
        assert_eq!(the_row(w, &handle(&made)).await, before);
    }
    refresh(w, "2.9", &refreshing(&made)).await.ok();
    let change = format!(r#"{{"sessionHandle":"{}","userDataInJWT":{}}}"#, handle(&made), payload("1"));
    w.raw("PUT", "/recipe/jwt/data", &[("cdi-version", "5.6")], change).await.ok();
    refresh(w, "5.6", &refreshing(&made)).await.ok();
}

async fn a_child_is_not_promoted_for_a_token_that_cannot_be_made(w: &World) {
    let made = create(w, "5.4", "u").await;
    let child = refresh(w, "5.4", &refreshing(&made)).await.ok();
    for (payload, message) in [
        (r#"{"n":1e999}"#, "The user payload contains a number that is too large"),
        (r#"{"sub":1}"#, "The user payload contains protected field"),
    ] {
        let change = format!(r#"{{"sessionHandle":"{}","userDataInJWT":{payload}}}"#, handle(&made));
        w.raw("PUT", "/recipe/jwt/data", &[("cdi-version", "2.9")], change).await.ok();
        let before = the_row(w, &handle(&made)).await;
        super::verify::verify(w, "5.4", &access(&child), false).await.refuses(400, message);
        assert_eq!(the_row(w, &handle(&made)).await, before);
    }
}

scenarios!(World:
    a_number_that_cannot_be_signed_is_refused_where_payloads_are_merged,
    a_payload_that_cannot_be_signed_costs_no_session,
    a_child_is_not_promoted_for_a_token_that_cannot_be_made,
    a_session_is_shown_with_the_members_of_the_version,
    a_refreshed_session_shows_nothing_more,
    a_session_that_is_not_there_is_said_to_be_gone,
    a_handle_must_be_given,
    the_tenant_comes_from_the_handle_and_not_from_the_path,
    a_handle_of_no_tenant_names_no_session,
    a_handle_of_another_app_is_not_known,
    a_session_is_over_at_its_end,
    a_put_replaces_the_whole_object,
    claims_of_the_server_are_refused_before_the_session_is_looked_for,
    wrong_fields_are_named_and_nothing_is_written,
    the_user_is_shown_by_the_id_that_never_changes,
    reading_and_writing_cost_one_round_trip,
);

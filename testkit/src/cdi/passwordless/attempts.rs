//! Trying codes: what is right, what is wrong, what counts, and when it ends (core-recipes-1.md 6, scenarios 48, 61 to 73).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{LIFETIME, by_code, by_link, check, code_for, devices, resend, wrong};
use crate::cdi::place::count;
use crate::cdi::session::races::at_once;
use crate::{World, members, scenarios};

/// Where somebody may try a code.
const OPERATIONS: [&str; 2] = ["check", "consume"];

fn vectors(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("vectors");
    file["cases"].as_array().expect("cases").clone()
}

/// Tries a wrong code for people, which counts.
async fn fail(w: &World, code: &Value) -> Value {
    check(w, "", by_code(code, wrong(code))).await.done()
}

async fn codes_belong_to_devices_as_the_vectors_have_it(w: &World) {
    for (n, case) in vectors(include_str!("../../../vectors/passwordless_codes.json")).iter().enumerate() {
        let text = |name: &str| case[name].as_str().expect("a text").replace('\'', "''");
        w.write("delete from passwordless_devices").await;
        w.write(&format!(
            "insert into passwordless_devices (app_id, tenant_id, device_id_hash, email, link_code_salt, failed_attempts)
             values ('public', 'public', '{}', 'a@x.io', '{}', 0)",
            text("preAuthSessionId"),
            text("link_code_salt")
        ))
        .await;
        w.write(&format!(
            "insert into passwordless_codes (app_id, tenant_id, code_id, device_id_hash, link_code_hash, created_at)
             values ('public', 'public', '{n:08}-0000-4000-8000-000000000000', '{}', '{}', {})",
            text("preAuthSessionId"),
            text("link_code_hash"),
            w.clock.now()
        ))
        .await;
        check(w, "", by_link(case)).await.ok();
        check(w, "", by_code(case, case["userInputCode"].as_str().expect("a code"))).await.ok();
    }
}

/// Puts what the rows of a case say into the database: the device's wrong codes so far, and how old its code is.
async fn put_case(w: &World, case: &Value) -> Value {
    let code = code_for(w, "", "a@x.io").await;
    if let Some(failed) = case["failed_attempts"].as_i64() {
        w.write(&format!("update passwordless_devices set failed_attempts = {failed}")).await;
    }
    if let Some(age) = case["code_age_ms"].as_i64() {
        w.write(&format!("update passwordless_codes set created_at = {}", w.clock.now() - age)).await;
    }
    if case["device"] == false {
        w.write("delete from passwordless_devices").await;
    }
    code
}

async fn decisions_are_those_of_the_vectors(w: &World) {
    for case in vectors(include_str!("../../../vectors/passwordless_decisions.json")) {
        for what in OPERATIONS {
            w.write("delete from passwordless_devices").await;
            let code = put_case(w, &case).await;
            let is_there = case["code"] == "found";
            let typed = if is_there { code["userInputCode"].as_str().expect("a code") } else { wrong(&code) };
            let mut shown = match case["by"].as_str() {
                Some("linkCode") if is_there => by_link(&code),
                Some("linkCode") => json!({ "preAuthSessionId": code["preAuthSessionId"], "linkCode": "AAAA" }),
                _ => by_code(&code, typed),
            };
            if case["preAuthSessionId_matches"] == false {
                shown["preAuthSessionId"] = json!("other");
            }
            let answer = w.post("5.4", &format!("/recipe/signinup/code/{what}"), shown).await;
            let expected = case["answer"].as_str().expect("an answer");
            if expected == "400 mismatch" {
                answer.refuses(400, "preAuthSessionId and deviceId doesn't match");
            } else {
                let said = answer.done();
                let counts =
                    |said: &Value| format!(" {}/{}", said["failedCodeInputAttemptCount"], said["maximumCodeInputAttempts"]);
                let counts = if said.get("maximumCodeInputAttempts").is_some() { counts(&said) } else { String::new() };
                assert_eq!(format!("{}{counts}", said["status"].as_str().expect("a status")), expected, "{what} {case}");
            }
            let devices = w.rows("select failed_attempts from passwordless_devices").await;
            let left = devices.first().map(|row| row[0].clone().expect("a number"));
            let failed = case["failed_attempts"].as_i64().unwrap_or_default();
            let expected = match (case["effect"].as_str().expect("an effect"), what) {
                ("delete device", _) => None,
                ("failed_attempts + 1", _) => Some((failed + 1).to_string()),
                (effect, "consume") if effect.starts_with("consume") => None,
                _ if case["device"] == false => None,
                _ => Some(failed.to_string()),
            };
            assert_eq!(left, expected, "{what} {case}");
        }
    }
}

async fn wrong_codes_are_counted_until_the_device_goes(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    for failed in 1..=4 {
        let said = fail(w, &code).await;
        let expected = json!({ "status": "INCORRECT_USER_INPUT_CODE_ERROR", "failedCodeInputAttemptCount": failed, "maximumCodeInputAttempts": 5 });
        assert_eq!(said, expected);
    }
    assert_eq!(fail(w, &code).await, json!({ "status": "RESTART_FLOW_ERROR" }));
    assert!(devices(w, "", "email=a@x.io").await.is_empty());
    let typed = code["userInputCode"].as_str().expect("a code");
    check(w, "", by_code(&code, typed)).await.says("RESTART_FLOW_ERROR");
    w.with_config(json!({ "passwordless_max_code_input_attempts": 1 })).await;
    let code = code_for(w, "", "a@x.io").await;
    assert_eq!(fail(w, &code).await["status"], "RESTART_FLOW_ERROR");
}

async fn wrong_codes_at_once_are_counted_one_by_one(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    let attempts = (0..12).map(|n| {
        let (w, shown) = (w.clone(), by_code(&code, wrong(&code)));
        let path = format!("/recipe/signinup/code/{}", OPERATIONS[n % 2]);
        async move { w.post("5.4", &path, shown).await.done() }
    });
    let mut counts = Vec::new();
    for said in at_once(attempts.collect()).await {
        match said["status"].as_str() {
            Some("INCORRECT_USER_INPUT_CODE_ERROR") => {
                counts.push(said["failedCodeInputAttemptCount"].as_i64().expect("a count"));
            }
            status => assert_eq!(status, Some("RESTART_FLOW_ERROR")),
        }
    }
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3, 4]);
    assert_eq!(count(w, "passwordless_devices").await, 0);
}

async fn what_is_right_counts_nothing(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    fail(w, &code).await;
    assert_eq!(fail(w, &code).await["failedCodeInputAttemptCount"], 2);
    resend(w, "", &code).await;
    let typed = code["userInputCode"].as_str().expect("a code");
    for shown in [by_code(&code, typed), by_link(&code), by_code(&code, typed)] {
        let said = check(w, "", shown).await.ok();
        assert_eq!(members(&said), ["consumedDevice", "status"]);
        let device = json!({ "preAuthSessionId": code["preAuthSessionId"], "failedCodeInputAttemptCount": 2, "email": "a@x.io" });
        assert_eq!(said["consumedDevice"], device);
    }
}

async fn a_limit_that_was_lowered_counts_for_those_who_wait(w: &World) {
    let with = async |most: i64| {
        let body = json!({ "tenantId": "t1", "coreConfig": { "passwordless_max_code_input_attempts": most } });
        w.put("5.4", "/recipe/multitenancy/tenant/v2", body).await.ok();
    };
    with(5).await;
    let code = code_for(w, "/t1", "a@x.io").await;
    w.write("update passwordless_devices set failed_attempts = 4").await;
    let typed = code["userInputCode"].as_str().expect("a code");
    check(w, "/t1", by_code(&code, typed)).await.ok();
    with(2).await;
    check(w, "/t1", by_code(&code, typed)).await.says("RESTART_FLOW_ERROR");
    assert_eq!(count(w, "passwordless_devices").await, 0);
}

async fn a_code_lasts_its_time_to_the_millisecond(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    let typed = code["userInputCode"].as_str().expect("a code");
    w.clock.advance(LIFETIME);
    check(w, "", by_code(&code, typed)).await.ok();
    check(w, "", by_link(&code)).await.ok();
    w.clock.advance(1);
    check(w, "", by_link(&code)).await.says("RESTART_FLOW_ERROR");
    let said = check(w, "", by_code(&code, typed)).await.says("EXPIRED_USER_INPUT_CODE_ERROR");
    assert_eq!((&said["failedCodeInputAttemptCount"], &said["maximumCodeInputAttempts"]), (&json!(1), &json!(5)));
    let fresh = resend(w, "", &code).await;
    check(w, "", by_code(&code, typed)).await.says("EXPIRED_USER_INPUT_CODE_ERROR");
    check(w, "", by_link(&fresh)).await.ok();
}

async fn a_wrong_link_counts_nothing(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    for _ in 0..10 {
        let shown = json!({ "preAuthSessionId": code["preAuthSessionId"], "linkCode": code["preAuthSessionId"] });
        check(w, "", shown).await.says("RESTART_FLOW_ERROR");
    }
    assert_eq!(devices(w, "", "email=a@x.io").await[0]["failedCodeInputAttemptCount"], 0);
}

async fn another_device_is_refused_and_nothing_counted(w: &World) {
    let (code, other) = (code_for(w, "", "a@x.io").await, code_for(w, "", "b@x.io").await);
    let session = code["preAuthSessionId"].as_str().expect("a text").to_owned();
    let typed = code["userInputCode"].as_str().expect("a code");
    let shown_as = |mut shown: Value, session: &str| {
        shown["preAuthSessionId"] = json!(session);
        shown
    };
    let (start, end) = session.split_at(7);
    for spelled in [format!("{session}="), format!("{start}=={end}")] {
        check(w, "", shown_as(by_link(&code), &spelled)).await.ok();
        check(w, "", shown_as(by_code(&code, typed), &spelled)).await.ok();
    }
    for session in [format!("{session}A"), String::new(), other["preAuthSessionId"].as_str().expect("a text").to_owned()] {
        for shown in [by_link(&code), by_code(&code, typed), by_code(&code, wrong(&code))] {
            let answer = check(w, "", shown_as(shown, &session)).await;
            answer.refuses(400, "preAuthSessionId and deviceId doesn't match");
        }
    }
    assert_eq!(devices(w, "", "email=a@x.io").await[0]["failedCodeInputAttemptCount"], 0);
    let nobody = json!({ "deviceId": STANDARD.encode([7; 32]), "preAuthSessionId": "x", "userInputCode": "1" });
    check(w, "", nobody).await.says("RESTART_FLOW_ERROR");
    w.clock.advance(LIFETIME + 1);
    check(w, "", shown_as(by_link(&code), "x")).await.says("RESTART_FLOW_ERROR");
}

async fn what_is_wrong_with_an_attempt_is_said(w: &World) {
    let one = "Please provide exactly one of linkCode or deviceId+userInputCode";
    let invalid = |field: &str| format!("Field name '{field}' is invalid in JSON input");
    for (body, words) in [
        (json!({ "linkCode": "x" }), invalid("preAuthSessionId")),
        (json!({ "preAuthSessionId": null, "linkCode": "x" }), invalid("preAuthSessionId")),
        (json!({ "preAuthSessionId": "x" }), one.to_owned()),
        (json!({ "preAuthSessionId": "x", "deviceId": "x" }), one.to_owned()),
        (json!({ "preAuthSessionId": "x", "userInputCode": "x" }), one.to_owned()),
        (json!({ "preAuthSessionId": "x", "linkCode": "x", "deviceId": "x" }), one.to_owned()),
        (json!({ "preAuthSessionId": "x", "linkCode": null, "deviceId": "x" }), one.to_owned()),
        (json!({ "preAuthSessionId": "x", "linkCode": null }), invalid("linkCode")),
        (json!({ "preAuthSessionId": "x", "deviceId": "x", "userInputCode": 5 }), invalid("userInputCode")),
    ] {
        for what in OPERATIONS {
            w.post("5.4", &format!("/ghost/recipe/signinup/code/{what}"), body.clone()).await.refuses(400, &words);
        }
    }
    for (method, what) in [("GET", "check"), ("PUT", "check")] {
        let path = format!("/recipe/signinup/code/{what}");
        w.raw(method, &path, &[("cdi-version", "5.4")], "").await.refuses(405, "Method not supported");
    }
}

async fn secrets_are_read_as_the_vectors_have_it(w: &World) {
    for case in vectors(include_str!("../../../vectors/passwordless_base64.json")) {
        let text = &case["text"];
        let link = check(w, "", json!({ "preAuthSessionId": "x", "linkCode": text })).await;
        let device = check(w, "", json!({ "preAuthSessionId": "x", "deviceId": text, "userInputCode": "1" })).await;
        for (alphabet, field, answer) in [("url", "linkCode", link), ("standard", "deviceId", device)] {
            if case[alphabet].is_null() {
                answer.refuses(400, &format!("Input encoding error in {field}"));
            } else {
                answer.says("RESTART_FLOW_ERROR");
            }
        }
    }
    let code = code_for(w, "", "a@x.io").await;
    let mut shown = by_link(&code);
    shown["linkCode"] = json!(format!("{}=", code["linkCode"].as_str().expect("a code")));
    check(w, "", shown).await.ok();
}

scenarios!(World:
    codes_belong_to_devices_as_the_vectors_have_it,
    decisions_are_those_of_the_vectors,
    wrong_codes_are_counted_until_the_device_goes,
    wrong_codes_at_once_are_counted_one_by_one,
    what_is_right_counts_nothing,
    a_limit_that_was_lowered_counts_for_those_who_wait,
    a_code_lasts_its_time_to_the_millisecond,
    a_wrong_link_counts_nothing,
    another_device_is_refused_and_nothing_counted,
    what_is_wrong_with_an_attempt_is_said,
    secrets_are_read_as_the_vectors_have_it,
);

//! Making codes (core-recipes-1.md 6, scenarios 47 to 60).

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{LIFETIME, by_code, by_link, check, code_for, devices, resend};
use crate::cdi::place::put_tenant;
use crate::{World, members, scenarios};

const CREATE: &str = "/recipe/signinup/code";

fn invalid(field: &str) -> String {
    format!("Field name '{field}' is invalid in JSON input")
}

async fn a_code_has_all_that_is_sent(w: &World) {
    put_tenant(w, "", "t1", json!({ "passwordless_code_lifetime": 1234 })).await;
    for (cdi, tenant, lifetime) in [("2.11", "", LIFETIME), ("5.6", "", LIFETIME), ("5.6", "/t1", 1234)] {
        let said = w.post(cdi, &format!("{tenant}{CREATE}"), json!({ "email": "a@x.io" })).await;
        assert!(said.text.starts_with(r#"{"status":"OK","preAuthSessionId":""#), "{}", said.text);
        let said = said.ok();
        assert_eq!(
            members(&said),
            ["codeId", "codeLifetime", "deviceId", "linkCode", "preAuthSessionId", "status", "timeCreated", "userInputCode"]
        );
        let text = |name: &str| said[name].as_str().expect("a text");
        let session = text("preAuthSessionId");
        assert!(session.len() == 43 && !session.contains('='), "{session}");
        assert_eq!(STANDARD.decode(text("deviceId")).map(|bytes| bytes.len()), Ok(32));
        assert_eq!((text("codeId").len(), text("linkCode").len()), (36, 43));
        let code = text("userInputCode");
        assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
        assert_eq!((&said["timeCreated"], &said["codeLifetime"]), (&json!(w.clock.now()), &json!(lifetime)));
    }
}

async fn the_database_has_hashes_only(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    let stored =
        w.rows("select device_id_hash, email, phone_number, link_code_salt, failed_attempts from passwordless_devices").await;
    let device: Vec<&str> = stored[0].iter().map(|column| column.as_deref().unwrap_or("null").trim_end()).collect();
    assert_eq!(device[..3], [code["preAuthSessionId"].as_str().expect("a text"), "a@x.io", "null"]);
    assert!(device[3].len() == 44 && device[3].ends_with('=') && device[4] == "0", "{device:?}");
    let hash = w.value("select link_code_hash from passwordless_codes").await.expect("a hash");
    assert!(hash.len() == 44 && hash.ends_with('=') && !hash.contains(['+', '/']), "{hash}");
    let all = w.rows("select * from passwordless_devices").await.concat();
    let all = all.into_iter().chain(w.rows("select * from passwordless_codes").await.concat()).flatten().collect::<Vec<_>>();
    for secret in ["deviceId", "linkCode", "userInputCode"] {
        assert!(!all.iter().any(|column| code[secret] == column.as_str()), "{secret} is nowhere");
    }
}

async fn every_digit_comes_up_everywhere(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    let mut seen = HashSet::new();
    for _ in 0..200 {
        let typed = resend(w, "", &code).await["userInputCode"].as_str().expect("a code").to_owned();
        seen.extend(typed.char_indices());
    }
    assert_eq!(seen.len(), 60, "{seen:?}");
}

async fn what_is_wrong_is_said(w: &World) {
    let one = "Please provide exactly one of email, phoneNumber or deviceId";
    let empty = "userInputCode cannot be an empty string.";
    for (body, words) in [
        (json!({}), one.to_owned()),
        (json!({ "email": "a", "phoneNumber": "+1" }), one.to_owned()),
        (json!({ "email": "a", "deviceId": "x", "userInputCode": "" }), one.to_owned()),
        (json!({ "email": null }), invalid("email")),
        (json!({ "email": 5 }), invalid("email")),
        (json!({ "phoneNumber": null }), invalid("phoneNumber")),
        (json!({ "deviceId": null }), invalid("deviceId")),
        (json!({ "email": "a", "userInputCode": null }), invalid("userInputCode")),
        (json!({ "email": "a", "userInputCode": 5 }), invalid("userInputCode")),
        (json!({ "email": "a", "userInputCode": "" }), empty.to_owned()),
        (json!({ "email": "é".repeat(257) }), invalid("email")),
        (json!({ "email": "a\0b" }), invalid("email")),
        (json!({ "phoneNumber": "1".repeat(257) }), invalid("phoneNumber")),
        (json!({ "phoneNumber": "1\u{0}1" }), invalid("phoneNumber")),
    ] {
        for place in ["", "/ghost"] {
            w.post("5.4", &format!("{place}{CREATE}"), body.clone()).await.refuses(400, &words);
        }
    }
    w.post("5.4", CREATE, json!({ "deviceId": "%%" })).await.refuses(400, "Input encoding error in deviceId");
    let nowhere = w.post("5.4", &format!("/ghost{CREATE}"), json!({ "deviceId": "%%" })).await;
    assert!(nowhere.text.starts_with("AppId or tenantId not found"), "{}", nowhere.text);
    for unknown in [STANDARD.encode([7; 32]), String::new()] {
        let said = w.post("5.4", CREATE, json!({ "deviceId": unknown })).await.says("RESTART_FLOW_ERROR");
        assert_eq!(members(&said), ["status"]);
    }
}

async fn a_code_of_the_callers_own_is_used_as_it_came(w: &World) {
    for typed in [" ", " é", "a longer one, with blanks and \u{1F511}"] {
        let said = w.post("5.4", CREATE, json!({ "email": "a@x.io", "userInputCode": typed })).await.ok();
        assert_eq!(said["userInputCode"], typed);
        check(w, "", by_code(&said, typed)).await.ok();
    }
}

async fn a_contact_is_kept_in_one_spelling(w: &World) {
    code_for(w, "", " A@X.io ").await;
    assert_eq!(devices(w, "", "email=%20a@x.IO").await[0]["email"], "a@x.io");
    let vectors: Value = serde_json::from_str(include_str!("../../../vectors/phone_numbers.json")).expect("vectors");
    for case in vectors["cases"].as_array().expect("cases") {
        let said = w.post("5.4", CREATE, json!({ "phoneNumber": case["in"] })).await.ok();
        let session = format!("preAuthSessionId={}", said["preAuthSessionId"].as_str().expect("a text"));
        let device = &devices(w, "", &session).await[0];
        assert_eq!((&device["phoneNumber"], device.get("email")), (&case["out"], None), "{case}");
    }
    for query in ["phoneNumber=%2B44%2020%207183%208750", "phoneNumber=%2B442071838750"] {
        assert!(devices(w, "", query).await.len() >= 4, "{query}");
    }
}

async fn another_code_is_of_the_same_device(w: &World) {
    let first = code_for(w, "", "a@x.io").await;
    w.clock.advance(1);
    let second = resend(w, "", &first).await;
    assert_eq!((&second["preAuthSessionId"], &second["deviceId"]), (&first["preAuthSessionId"], &first["deviceId"]));
    assert_ne!(second["codeId"], first["codeId"]);
    let bare = first["deviceId"].as_str().expect("a text").trim_end_matches('=');
    let third = w.post("5.4", CREATE, json!({ "deviceId": bare })).await.ok();
    assert_eq!(third["deviceId"], first["deviceId"], "with all that belongs to it");
    let listed = devices(w, "", "email=a@x.io").await;
    assert_eq!(listed.len(), 1);
    let ids: Vec<&Value> = listed[0]["codes"].as_array().expect("codes").iter().map(|code| &code["codeId"]).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0], &first["codeId"], "oldest first");
    for code in [&first, &second, &third] {
        check(w, "", by_link(code)).await.ok();
        check(w, "", by_code(code, code["userInputCode"].as_str().expect("a code"))).await.ok();
    }
}

async fn a_device_has_each_code_once(w: &World) {
    let first = code_for(w, "", "a@x.io").await;
    let again = |code: &Value| json!({ "deviceId": first["deviceId"], "userInputCode": code });
    w.post("5.4", CREATE, again(&first["userInputCode"])).await.says("USER_INPUT_CODE_ALREADY_USED_ERROR");
    w.post("5.4", CREATE, again(&json!("abc"))).await.ok();
    w.clock.advance(2 * LIFETIME);
    w.post("5.4", CREATE, again(&json!("abc"))).await.says("USER_INPUT_CODE_ALREADY_USED_ERROR");
    w.post("5.4", CREATE, json!({ "email": "a@x.io", "userInputCode": "abc" })).await.ok();
}

async fn a_tenant_can_do_without_codes_at_some_versions(w: &World) {
    for (cdi, tenant) in [("4.0", "t1"), ("5.0", "t2")] {
        let off = json!({ "tenantId": tenant, "emailPasswordEnabled": true, "passwordlessEnabled": false });
        w.put(cdi, "/recipe/multitenancy/tenant", off).await.ok();
    }
    let off = "Passwordless login not enabled for tenant";
    let shown = json!({ "preAuthSessionId": "x", "linkCode": "%%" });
    for (cdi, tenant) in [("3.0", "/t1"), ("4.0", "/t1"), ("5.0", "/t2")] {
        w.post(cdi, &format!("{tenant}{CREATE}"), json!({ "deviceId": "%%" })).await.refuses(403, off);
        w.post(cdi, &format!("{tenant}{CREATE}/check"), shown.clone()).await.refuses(403, off);
        w.get(cdi, &format!("{tenant}/recipe/signinup/codes?email=a")).await.ok();
        w.post(cdi, &format!("{tenant}{CREATE}/remove"), json!({ "codeId": "x" })).await.ok();
        w.post(cdi, &format!("{tenant}/recipe/signinup/codes/remove"), json!({ "email": "x" })).await.ok();
    }
    for tenant in ["/t1", "/t2"] {
        w.post("5.1", &format!("{tenant}{CREATE}"), json!({ "email": "a@x.io" })).await.ok();
    }
}

async fn a_code_is_of_one_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let code = code_for(w, "/t1", "a@x.io").await;
    assert!(devices(w, "", "email=a@x.io").await.is_empty());
    check(w, "", by_link(&code)).await.says("RESTART_FLOW_ERROR");
    let typed = code["userInputCode"].as_str().expect("a code");
    check(w, "", by_code(&code, typed)).await.says("RESTART_FLOW_ERROR");
    check(w, "/t1", by_code(&code, typed)).await.ok();
    w.post("5.4", CREATE, json!({ "deviceId": code["deviceId"] })).await.says("RESTART_FLOW_ERROR");
}

scenarios!(World:
    a_code_has_all_that_is_sent,
    the_database_has_hashes_only,
    every_digit_comes_up_everywhere,
    what_is_wrong_is_said,
    a_code_of_the_callers_own_is_used_as_it_came,
    a_contact_is_kept_in_one_spelling,
    another_code_is_of_the_same_device,
    a_device_has_each_code_once,
    a_tenant_can_do_without_codes_at_some_versions,
    a_code_is_of_one_tenant,
);

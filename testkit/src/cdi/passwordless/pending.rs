//! Codes that wait: looking at them, and taking them back (core-recipes-1.md 6, scenarios 92 to 96, 109 to 111).

use serde_json::{Value, json};
use supertokens_core::chores::Chore;

use super::{LIFETIME, by_code, by_link, check, code_for, consume, devices, resend, wrong};
use crate::cdi::place::{count, put_tenant};
use crate::cdi::session::races::at_once;
use crate::target::Kind;
use crate::{World, members, scenarios};

const REMOVE: &str = "/recipe/signinup/code/remove";

async fn one_way_of_asking_at_a_time(w: &World) {
    let one = "Please provide exactly one of email, phoneNumber, deviceId or preAuthSessionId";
    for query in ["", "?email=&phoneNumber=", "?email=a&deviceId=%25%25", "?deviceId=&preAuthSessionId=x"] {
        w.get("5.4", &format!("/ghost/recipe/signinup/codes{query}")).await.refuses(400, one);
    }
    w.get("5.4", "/recipe/signinup/codes?deviceId=%25%25").await.refuses(400, "Input encoding error in deviceId");
    for query in
        ["email=nobody", "email=", "email=a%00b", "phoneNumber=%2B1", "deviceId=AAAA", "deviceId=", "preAuthSessionId=x%00"]
    {
        assert_eq!(w.get("5.4", &format!("/recipe/signinup/codes?{query}")).await.text, "{\"status\":\"OK\",\"devices\":[]}\n");
    }
}

async fn who_waits_is_listed_with_all_codes(w: &World) {
    let first = code_for(w, "", "a@x.io").await;
    w.clock.advance(1);
    let other = code_for(w, "", "a@x.io").await;
    w.clock.advance(LIFETIME);
    let second = resend(w, "", &first).await;
    let listed = |code: &Value| json!({ "codeId": code["codeId"], "timeCreated": code["timeCreated"], "codeLifetime": LIFETIME });
    let device = |codes: &[&Value]| {
        json!({
            "preAuthSessionId": codes[0]["preAuthSessionId"], "failedCodeInputAttemptCount": 0, "email": "a@x.io",
            "codes": codes.iter().map(|code| listed(code)).collect::<Vec<_>>(),
        })
    };
    let all = devices(w, "", "email=A@x.io").await;
    assert_eq!(all, [device(&[&first, &second]), device(&[&other])], "expired ones too, the oldest first");
    let session = first["preAuthSessionId"].as_str().expect("a text");
    assert_eq!(devices(w, "", &format!("preAuthSessionId={session}")).await, all[..1]);
    assert!(devices(w, "", &format!("preAuthSessionId={session}%3D")).await.is_empty());
    let id = first["deviceId"].as_str().expect("a text").replace('+', "%2B").replace('/', "%2F");
    assert_eq!(devices(w, "", &format!("deviceId={}", id.replace('=', "%3D"))).await, all[..1]);
    assert_eq!(devices(w, "", &format!("deviceId={}", id.replace('=', ""))).await, all[..1]);
}

async fn a_code_is_taken_back_and_a_device_with_its_last(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let first = code_for(w, "", "a@x.io").await;
    let second = resend(w, "", &first).await;
    let remove = async |tenant: &str, code: &str| {
        let said = w.post("5.4", &format!("{tenant}{REMOVE}"), json!({ "codeId": code })).await.ok();
        assert_eq!(members(&said), ["status"]);
    };
    let id = |code: &Value| code["codeId"].as_str().expect("an id").to_owned();
    for unknown in ["", "nothing", "a\0b", &format!("{}xxxx", id(&first)), &format!("{}  ", id(&first))] {
        remove("", unknown).await;
    }
    remove("/t1", &id(&first)).await;
    assert_eq!(count(w, "passwordless_codes").await, 2);
    remove("", &id(&first)).await;
    check(w, "", by_link(&first)).await.says("RESTART_FLOW_ERROR");
    check(w, "", by_link(&second)).await.ok();
    remove("", &id(&second)).await;
    assert_eq!((count(w, "passwordless_codes").await, count(w, "passwordless_devices").await), (0, 0));
}

async fn a_device_is_taken_back_at_some_versions(w: &World) {
    let (code, other) = (code_for(w, "", "a@x.io").await, code_for(w, "", "a@x.io").await);
    let session = &code["preAuthSessionId"];
    let invalid = "Field name 'codeId' is invalid in JSON input";
    let (neither, both) =
        ("Please provide either 'codeId' or 'preAuthSessionId'", "Please provide only one of 'codeId' or 'preAuthSessionId'");
    for (cdi, body, words) in [
        ("4.0", json!({ "preAuthSessionId": session }), invalid),
        ("4.0", json!({}), invalid),
        ("5.0", json!({}), neither),
        ("5.0", json!({ "codeId": "x", "preAuthSessionId": session }), both),
        ("5.0", json!({ "codeId": null }), invalid),
        ("5.0", json!({ "preAuthSessionId": 5 }), "Field name 'preAuthSessionId' is invalid in JSON input"),
    ] {
        w.post(cdi, &format!("/ghost{REMOVE}"), body).await.refuses(400, words);
    }
    w.post("4.0", REMOVE, json!({ "codeId": "x", "preAuthSessionId": session })).await.ok();
    w.post("5.0", REMOVE, json!({ "preAuthSessionId": format!("{}=", session.as_str().expect("a text")) })).await.ok();
    assert_eq!(count(w, "passwordless_devices").await, 2);
    w.post("5.0", REMOVE, json!({ "preAuthSessionId": session })).await.ok();
    check(w, "", by_link(&code)).await.says("RESTART_FLOW_ERROR");
    check(w, "", by_link(&other)).await.ok();
}

async fn all_codes_of_a_contact_are_taken_back(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let path = "/recipe/signinup/codes/remove";
    let one = "Please provide exactly one of email or phoneNumber";
    for body in [json!({}), json!({ "email": "a", "phoneNumber": "+1" }), json!({ "deviceId": "x" })] {
        w.post("5.4", path, body).await.refuses(400, one);
    }
    w.post("5.4", path, json!({ "email": null })).await.refuses(400, "Field name 'email' is invalid in JSON input");
    code_for(w, "", "a@x.io").await;
    code_for(w, "", "a@x.io").await;
    let (other, elsewhere) = (code_for(w, "", "b@x.io").await, code_for(w, "/t1", "a@x.io").await);
    w.post("5.4", "/recipe/signinup/code", json!({ "phoneNumber": "+44 20 7183 8750" })).await.ok();
    w.post("5.4", path, json!({ "email": "A@X.IO" })).await.ok();
    w.post("5.4", path, json!({ "email": "A@X.IO" })).await.ok();
    assert!(devices(w, "", "email=a@x.io").await.is_empty());
    check(w, "", by_link(&other)).await.ok();
    check(w, "/t1", by_link(&elsewhere)).await.ok();
    w.post("5.4", path, json!({ "phoneNumber": "+442071838750" })).await.ok();
    assert_eq!(count(w, "passwordless_devices where phone_number is not null").await, 0);
}

async fn who_has_waited_too_long_is_forgotten(w: &World) {
    put_tenant(w, "", "t1", json!({ "passwordless_code_lifetime": 1000 })).await;
    put_tenant(w, "", "t2", json!({})).await;
    let forgotten = async || w.core().run_chore(Chore::DeleteOldDevices).await.expect("the chore is done");
    code_for(w, "", "old@x.io").await;
    code_for(w, "/t1", "short@x.io").await;
    let revived = code_for(w, "/t2", "revived@x.io").await;
    w.clock.advance(1);
    code_for(w, "", "kept@x.io").await;
    w.clock.advance(LIFETIME);
    resend(w, "/t2", &revived).await;
    assert_eq!(forgotten().await, 2);
    assert_eq!(forgotten().await, 0);
    let left = w.rows("select email from passwordless_devices order by email").await;
    assert_eq!(left, [[Some("kept@x.io".to_owned())], [Some("revived@x.io".to_owned())]]);
    assert_eq!(count(w, "passwordless_codes").await, 3, "an old code of a device that lives is told apart from a wrong one");
}

/// Each turn takes so many that nobody waits long for it, and the last one is found too.
async fn ten_thousand_who_waited_too_long_are_forgotten_in_turns(w: &World) {
    const OLD: u64 = 10_000;
    let numbers = format!(
        "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {OLD})
         select 'public', 'public', "
    );
    let made = w.clock.now();
    // So many rows in one moment are more than PostgreSQL has heard of.
    let is_told = async |table: &str| {
        if w.target().kind() == Kind::Postgres {
            w.write(&format!("analyze {table}")).await;
        }
    };
    w.write(&format!(
        "insert into passwordless_devices (app_id, tenant_id, device_id_hash, email, link_code_salt, failed_attempts)
         {numbers} 'd' || n, 'u' || n || '@x.io', 's', 0 from numbers"
    ))
    .await;
    is_told("passwordless_devices").await;
    w.write(&format!(
        "insert into passwordless_codes (app_id, tenant_id, code_id, device_id_hash, link_code_hash, created_at)
         {numbers} '00000000-0000-4000-8000-' || substr(cast(1000000000000 + n as text), 2), 'd' || n, 'l' || n, {made} from numbers"
    ))
    .await;
    is_told("passwordless_codes").await;
    w.clock.advance(1);
    let kept = code_for(w, "", "kept@x.io").await;
    w.clock.advance(LIFETIME);
    let core = w.core();
    let before = core.db().statements();
    assert_eq!(core.run_chore(Chore::DeleteOldDevices).await.expect("the chore is done"), OLD);
    let statements = core.db().statements() - before;
    assert!((20..100).contains(&statements), "{statements}: some at a time, and not one by one");
    assert_eq!((count(w, "passwordless_devices").await, count(w, "passwordless_codes").await), (1, 1));
    check(w, "", by_link(&kept)).await.ok();
}

/// Whoever was sent a code can use it, however old the device is.
async fn who_is_sent_another_code_meanwhile_is_not_forgotten(w: &World) {
    for round in 0..50 {
        let first = code_for(w, "", "a@x.io").await;
        w.clock.advance(LIFETIME + 1);
        let callers = [round % 2 == 0, round % 2 == 1].map(|sends| {
            let (w, device) = (w.clone(), first["deviceId"].clone());
            async move {
                if sends {
                    return Some(w.post("5.4", "/recipe/signinup/code", json!({ "deviceId": device })).await.done());
                }
                w.core().run_chore(Chore::DeleteOldDevices).await.expect("the chore is done");
                None
            }
        });
        let sent = at_once(callers.into()).await.into_iter().flatten().next().expect("an answer");
        if sent["status"] == "OK" {
            check(w, "", by_link(&sent)).await.ok();
            consume(w, "5.4", "", by_link(&sent)).await.ok();
        } else {
            assert_eq!(sent["status"], "RESTART_FLOW_ERROR", "{round}");
        }
        assert_eq!((count(w, "passwordless_devices").await, count(w, "passwordless_codes").await), (0, 0), "{round}");
    }
}

async fn each_verb_is_that_of_its_operation(w: &World) {
    let words = "Method not supported";
    for path in ["code", "code/check", "code/consume", "code/remove", "codes/remove"] {
        w.get("5.4", &format!("/recipe/signinup/{path}")).await.refuses(405, words);
        w.put("5.4", &format!("/recipe/signinup/{path}"), json!({})).await.refuses(405, words);
        w.delete("5.4", &format!("/recipe/signinup/{path}")).await.refuses(405, words);
    }
    w.post("5.4", "/recipe/signinup/codes", json!({})).await.refuses(405, words);
}

/// The most statements, and the most round trips to PostgreSQL (core-recipes-1.md 2.11).
async fn each_operation_costs_what_it_must(w: &World) {
    let code = code_for(w, "", "a@x.io").await;
    let session = &code["preAuthSessionId"];
    let typed = |typed: &str| by_code(&code, typed);
    let right = code["userInputCode"].as_str().expect("a code");
    let by_session = format!("/recipe/signinup/codes?preAuthSessionId={}", session.as_str().expect("a text"));
    let create = "/recipe/signinup/code";
    for (method, path, body, statements, trips) in [
        ("POST", create, json!({ "email": "b@x.io" }), 2, 1),
        ("POST", create, json!({ "deviceId": code["deviceId"] }), 2, 2),
        ("POST", "/recipe/signinup/code/check", typed(right), 1, 1),
        ("POST", "/recipe/signinup/code/check", by_link(&code), 1, 1),
        ("POST", "/recipe/signinup/code/check", typed(wrong(&code)), 4, 4),
        ("GET", &by_session, Value::Null, 1, 1),
        ("GET", "/recipe/signinup/codes?email=a@x.io", Value::Null, 1, 1),
        ("POST", REMOVE, json!({ "codeId": code["codeId"] }), 3, 2),
        ("POST", REMOVE, json!({ "preAuthSessionId": session }), 1, 1),
        ("POST", "/recipe/signinup/codes/remove", json!({ "email": "b@x.io" }), 1, 1),
    ] {
        let core = w.core();
        let before = (core.db().statements(), core.db().trips());
        let text = if body.is_null() { String::new() } else { body.to_string() };
        w.raw(method, path, &[("cdi-version", "5.4")], text).await.done();
        let cost = (core.db().statements() - before.0, core.db().trips() - before.1);
        assert!(cost.0 > 0 && cost.0 <= statements && cost.1 <= trips, "{method} {path} {body}: {cost:?}");
    }
}

async fn a_tenant_takes_its_codes_along(w: &World) {
    w.put("5.4", "/recipe/multitenancy/tenant/v2", json!({ "tenantId": "t1" })).await.ok();
    code_for(w, "/t1", "a@x.io").await;
    w.post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
    assert_eq!((count(w, "passwordless_codes").await, count(w, "passwordless_devices").await), (0, 0));
}

scenarios!(World:
    one_way_of_asking_at_a_time,
    who_waits_is_listed_with_all_codes,
    a_code_is_taken_back_and_a_device_with_its_last,
    a_device_is_taken_back_at_some_versions,
    all_codes_of_a_contact_are_taken_back,
    who_has_waited_too_long_is_forgotten,
    ten_thousand_who_waited_too_long_are_forgotten_in_turns,
    who_is_sent_another_code_meanwhile_is_not_forgotten,
    each_verb_is_that_of_its_operation,
    each_operation_costs_what_it_must,
    a_tenant_takes_its_codes_along,
);

//! Devices that make codes, and the codes: scenarios 1 to 42 of core-recipes-2.md.

use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::secret::Secret;
use supertokens_domain::totp::code::Key;

use super::place::{count, in_query, make_app, put_tenant};
use super::session::races::at_once;
use super::users::{By, id, put_login};
use crate::answer::members;
use crate::{Answer, World, scenarios};

/// Of the RFCs.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Of a code, in ms.
const STEP: i64 = 30_000;
const COOLDOWN: i64 = 900_000;

async fn create(w: &World, body: Value) -> Answer {
    w.post("5.4", "/recipe/totp/device", body).await
}

/// A device of this name that is not verified; its secret.
async fn device(w: &World, user: &str, name: &str) -> String {
    let said = create(w, json!({ "userId": user, "deviceName": name, "skew": 1, "period": 30 })).await.ok();
    assert_eq!(said["deviceName"], name);
    said["secret"].as_str().expect("a secret").to_owned()
}

async fn import(w: &World, user: &str, name: &str, secret: &str) -> Answer {
    let body = json!({ "userId": user, "deviceName": name, "skew": 1, "period": 30, "secretKey": secret });
    w.post("5.4", "/recipe/totp/device/import", body).await
}

/// The code so many steps from now.
fn code(w: &World, secret: &str, steps: i64) -> String {
    let key = Key::of_secret(&Secret::new(secret.to_owned())).expect("a key");
    key.code(u64::try_from(w.clock.now() / STEP + steps).expect("after 1970"))
}

/// None of the codes around now.
fn wrong(w: &World, secret: &str) -> String {
    let right: Vec<String> = (-2..=2).map(|steps| code(w, secret, steps)).collect();
    (0..).map(|n| format!("{n:06}")).find(|code| !right.contains(code)).expect("a code")
}

async fn verify_device(w: &World, user: &str, name: &str, code: &str) -> Value {
    let body = json!({ "userId": user, "deviceName": name, "totp": code });
    w.post("5.4", "/recipe/totp/device/verify", body).await.done()
}

async fn verify_in(w: &World, tenant: &str, user: &str, code: &str) -> Value {
    w.post("5.4", &format!("{tenant}/recipe/totp/verify"), json!({ "userId": user, "totp": code })).await.done()
}

async fn verify(w: &World, user: &str, code: &str) -> Value {
    verify_in(w, "", user, code).await
}

fn invalid(failed: u64) -> Value {
    json!({ "status": "INVALID_TOTP_ERROR", "currentNumberOfFailedAttempts": failed, "maxNumberOfFailedAttempts": 5 })
}

fn limited(retry_after: i64) -> Value {
    json!({
        "status": "LIMIT_REACHED_ERROR", "retryAfterMs": retry_after, "currentNumberOfFailedAttempts": 5, "maxNumberOfFailedAttempts": 5
    })
}

async fn devices(w: &World, user: &str) -> Value {
    w.get("5.4", &format!("/recipe/totp/device/list?userId={}", in_query(user))).await.ok()["devices"].clone()
}

async fn remove(w: &World, user: &str, name: &str) -> Value {
    let body = json!({ "userId": user, "deviceName": name });
    w.post("5.4", "/recipe/totp/device/remove", body).await.ok()["didDeviceExist"].clone()
}

async fn a_device_without_a_name_gets_the_next_one(w: &World) {
    let made = async || create(w, json!({ "userId": "u", "skew": 1, "period": 30 })).await.ok();
    let first = made().await;
    assert_eq!((members(&first), &first["deviceName"]), (vec!["deviceName", "secret", "status"], &json!("TOTP Device 0")));
    let secret = first["secret"].as_str().expect("a secret");
    assert!(secret.len() == 32 && secret.bytes().all(|letter| letter.is_ascii_uppercase() || (b'2'..=b'7').contains(&letter)));
    let second = made().await;
    assert_eq!(second["deviceName"], "TOTP Device 0");
    assert_ne!(second["secret"], first["secret"]);
    assert_eq!(devices(w, "u").await, json!([{ "name": "TOTP Device 0", "period": 30, "skew": 1, "verified": false }]));
    let secret = second["secret"].as_str().expect("a secret");
    assert_eq!(
        verify_device(w, "u", "TOTP Device 0", &code(w, secret, 0)).await,
        json!({ "status": "OK", "wasAlreadyVerified": false })
    );
    assert_eq!(made().await["deviceName"], "TOTP Device 1");
    import(w, "v", "TOTP Device 1", SECRET).await.ok();
    import(w, "v", "a", SECRET).await.ok();
    assert_eq!(create(w, json!({ "userId": "v", "skew": 0, "period": 1 })).await.ok()["deviceName"], "TOTP Device 2");
}

async fn only_a_device_that_is_not_verified_is_made_anew(w: &World) {
    let old = device(w, "u", "d").await;
    let new = device(w, "u", "d").await;
    assert_eq!(verify_device(w, "u", "d", &code(w, &old, 0)).await, invalid(1));
    assert_eq!(verify_device(w, "u", "d", &code(w, &new, 0)).await["status"], "OK");
    let again = json!({ "userId": "u", "deviceName": "d", "skew": 0, "period": 60 });
    assert_eq!(create(w, again).await.text, "{\"status\":\"DEVICE_ALREADY_EXISTS_ERROR\"}\n");
    assert_eq!(devices(w, "u").await, json!([{ "name": "d", "period": 30, "skew": 1, "verified": true }]));
    w.clock.advance(3 * STEP);
    assert_eq!(verify(w, "u", &code(w, &new, 0)).await, json!({ "status": "OK" }), "the secret is the same");
    // An import is verified at once, also in place of what is not.
    device(w, "v", "d").await;
    assert_eq!(import(w, "v", "d", SECRET).await.text, "{\"status\":\"OK\",\"deviceName\":\"d\"}\n");
    assert_eq!(verify(w, "v", &code(w, SECRET, 0)).await["status"], "OK");
    assert_eq!(import(w, "v", "d", SECRET).await.done()["status"], "DEVICE_ALREADY_EXISTS_ERROR");
}

async fn secrets_are_read_as_the_java_core_reads_them(w: &World) {
    import(w, "u", "d", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq").await.ok();
    assert_eq!(verify(w, "u", &code(w, SECRET, 0)).await["status"], "OK");
    for secret in ["!!!", "1", "=MFRGGZDF", "é"] {
        import(w, "u", "e", secret).await.refuses(400, "secretKey is not valid Base32");
    }
    // One that an older core has let in makes no codes, and is in no other's way.
    w.write(
        "insert into totp_user_devices (app_id, user_id, device_name, secret_key, period, skew, verified)
         values ('public', 'u', 'a', '!!!', 2147483647, 2147483647, true)",
    )
    .await;
    w.clock.advance(3 * STEP);
    assert_eq!(verify(w, "u", "").await, invalid(1));
    assert_eq!(verify(w, "u", &code(w, SECRET, 0)).await["status"], "OK");
    assert_eq!(devices(w, "u").await[0]["name"], "a", "which has no time");
}

async fn what_is_wrong_with_a_device_is_said_in_order(w: &World) {
    let wrong = |field: &str| format!("Field name '{field}' is invalid in JSON input");
    let long = "é".repeat(257);
    for (body, words) in [
        (json!({}), wrong("userId")),
        (json!({ "userId": "" }), wrong("skew")),
        (json!({ "userId": "u", "deviceName": null, "skew": 1, "period": 1 }), wrong("deviceName")),
        (json!({ "userId": "", "skew": 1 }), wrong("period")),
        (json!({ "userId": "", "deviceName": "", "skew": -1, "period": 0 }), "userId cannot be empty".into()),
        (json!({ "userId": "u", "deviceName": "", "skew": -1, "period": 0 }), "deviceName cannot be empty".into()),
        (json!({ "userId": "u", "skew": -1, "period": 0 }), "skew must be >= 0".into()),
        (json!({ "userId": "u", "skew": 0, "period": 0 }), "period must be > 0".into()),
        (json!({ "userId": "u", "skew": 101, "period": 1 }), "skew must be at most 100".into()),
        (json!({ "userId": "u", "skew": 100, "period": 86_401 }), "period must be at most 86400".into()),
        (json!({ "userId": "u", "skew": 4_294_967_296_i64, "period": 1 }), "skew must be at most 100".into()),
        (json!({ "userId": "x".repeat(129), "skew": 1, "period": 1 }), wrong("userId")),
        (json!({ "userId": "u", "deviceName": long, "skew": 1, "period": 1 }), wrong("deviceName")),
        (json!({ "userId": "u", "deviceName": "a\u{0}b", "skew": 1, "period": 1 }), wrong("deviceName")),
    ] {
        create(w, body).await.refuses(400, &words);
    }
    assert_eq!((count(w, "totp_users").await, count(w, "totp_user_devices").await), (0, 0));
    for (path, body, words) in [
        ("device/import", json!({ "userId": "u", "skew": 1, "period": 1 }), wrong("secretKey")),
        ("device/import", json!({ "userId": "u", "skew": -1, "period": 1, "secretKey": "" }), "secretKey cannot be empty".into()),
        ("device/import", json!({ "userId": "u", "skew": -1, "period": 1, "secretKey": "MY" }), "skew must be >= 0".into()),
        ("device/import", json!({ "userId": "u", "skew": 1, "period": 1, "secretKey": "A".repeat(257) }), wrong("secretKey")),
        ("device/remove", json!({ "userId": "", "deviceName": "" }), "userId cannot be empty".into()),
        ("device/remove", json!({ "userId": "u", "deviceName": "" }), "deviceName cannot be empty".into()),
        ("device/verify", json!({ "userId": "u", "deviceName": "" }), wrong("totp")),
        ("device/verify", json!({ "userId": "u", "deviceName": "", "totp": "" }), "deviceName cannot be empty".into()),
        ("verify", json!({ "userId": "", "totp": "" }), "userId cannot be empty".into()),
        ("verify", json!({ "userId": "u", "totp": 123_456 }), wrong("totp")),
    ] {
        w.post("5.4", &format!("/recipe/totp/{path}"), body).await.refuses(400, &words);
    }
    for (body, words) in [
        (json!({ "userId": "", "existingDeviceName": "", "newDeviceName": "" }), "userId cannot be empty"),
        (json!({ "userId": "u", "existingDeviceName": "", "newDeviceName": "" }), "existingDeviceName cannot be empty"),
        (json!({ "userId": "u", "existingDeviceName": "a", "newDeviceName": "" }), "newDeviceName cannot be empty"),
    ] {
        w.put("5.4", "/recipe/totp/device", body).await.refuses(400, words);
    }
    w.get("5.4", "/recipe/totp/device/list").await.refuses(400, "Field name 'userId' is missing in GET request");
    w.get("5.4", "/recipe/totp/device/list?userId=").await.refuses(400, "userId cannot be empty");
    // Numbers as upstream takes them; and what just fits.
    let odd = json!({ "userId": "é".repeat(128), "deviceName": "é".repeat(256), "skew": "1", "period": 30.9 });
    create(w, odd).await.ok();
    assert_eq!(devices(w, &"é".repeat(128)).await[0]["period"], 30);
}

async fn a_device_gets_another_name(w: &World) {
    let rename = async |from: &str, to: &str| {
        let body = json!({ "userId": "u", "existingDeviceName": from, "newDeviceName": to });
        w.put("5.4", "/recipe/totp/device", body).await.text
    };
    device(w, "u", "a").await;
    device(w, "u", "b").await;
    assert_eq!(rename("a", "c").await, "{\"status\":\"OK\"}\n");
    assert_eq!(rename("c", "c").await, "{\"status\":\"OK\"}\n");
    for (from, to) in [("a", "d"), ("a", "b")] {
        assert_eq!(rename(from, to).await, "{\"status\":\"UNKNOWN_DEVICE_ERROR\"}\n");
    }
    assert_eq!(rename("c", "b").await, "{\"status\":\"DEVICE_ALREADY_EXISTS_ERROR\"}\n");
    assert_eq!(devices(w, "unknown").await, json!([]));
    assert_eq!(members(&devices(w, "u").await[0]), ["name", "period", "skew", "verified"]);
}

async fn with_the_last_device_goes_everything(w: &World) {
    for user in ["u", "v"] {
        import(w, user, "a", SECRET).await.ok();
        import(w, user, "b", SECRET).await.ok();
        assert_eq!(verify(w, user, &code(w, SECRET, 0)).await["status"], "OK");
    }
    assert_eq!((remove(w, "u", "x").await, remove(w, "nobody", "a").await), (json!(false), json!(false)));
    assert_eq!(remove(w, "u", "a").await, true);
    assert_eq!(count(w, "totp_used_codes where user_id = 'u'").await, 1);
    assert_eq!(remove(w, "u", "b").await, true);
    let left = (count(w, "totp_users").await, count(w, "totp_user_devices").await, count(w, "totp_used_codes").await);
    assert_eq!(left, (1, 2, 1), "the other's");
    assert_eq!(verify(w, "u", "1").await, json!({ "status": "UNKNOWN_USER_ID_ERROR" }));
}

async fn only_the_public_tenant_asks_for_devices(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let body = json!({ "userId": "u", "skew": 1, "period": 30 });
    let words = "Only public tenantId can call this app specific API";
    w.post("5.0", "/t1/recipe/totp/device", body.clone()).await.refuses(403, words);
    w.post("4.0", "/t1/recipe/totp/device", body.clone()).await.ok();
    w.post("2.7", "/recipe/totp/device", body.clone()).await.ok();
    let nowhere = w.post("5.4", "/appid-ghost/t1/recipe/totp/device", body).await;
    assert!(nowhere.status == 400 && nowhere.text.starts_with("AppId or tenantId not found => "), "{}", nowhere.text);
    for path in ["verify", "device/verify"] {
        let body = json!({ "userId": "u", "deviceName": "d", "totp": "1" });
        let nowhere = w.post("5.4", &format!("/t9/recipe/totp/{path}"), body).await;
        assert!(nowhere.status == 400 && nowhere.text.contains("(, public, t9)"), "{}", nowhere.text);
    }
    make_app(w, "a1").await;
    assert_eq!(w.get("5.4", "/appid-a1/recipe/totp/device/list?userId=u").await.ok()["devices"], json!([]));
}

async fn many_are_asked_for_at_once(w: &World) {
    let asked = async |path: &str, body: Value| w.post("5.4", &format!("{path}/recipe/totp/device/status/bulk"), body).await;
    import(w, "a", "d", SECRET).await.ok();
    device(w, "a", "e").await;
    device(w, "b", "d").await;
    let said = asked("", json!({ "userIds": ["a", "b", "c", "a"] })).await;
    let user = |id: &str, has: &str| format!("{{\"userId\":\"{id}\",\"hasVerifiedDevice\":{has}}}");
    let users = [user("a", "true"), user("b", "false"), user("c", "null"), user("a", "true")].join(",");
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"users\":[{users}]}}\n"));
    assert_eq!(asked("/t9", json!({ "userIds": [] })).await.ok()["users"], json!([]));
    asked("/t9", json!({ "userIds": ["a"] })).await.refuses(403, "Only public tenantId can call this app specific API");
    let words = "You can only query up to 500 users at a time.";
    asked("", json!({ "userIds": vec!["a"; 501] })).await.refuses(400, words);
    asked("", json!({ "userIds": vec!["a"; 500] })).await.ok();
    asked("", json!({ "userIds": [1] })).await.refuses(400, "userIds array must contain only strings");
    asked("", json!({ "userIds": "a" })).await.refuses(400, "Field name 'userIds' is invalid in JSON input");
}

async fn a_code_is_right_once(w: &World) {
    let secret = device(w, "u", "d").await;
    assert_eq!(verify(w, "u", &code(w, &secret, 0)).await, invalid(1), "the device is not verified");
    assert_eq!(count(w, "totp_used_codes where expiry_time_ms = created_time_ms and not is_valid").await, 1);
    w.clock.advance(STEP);
    let first = code(w, &secret, 0);
    assert_eq!(verify_device(w, "u", "d", &first).await, json!({ "status": "OK", "wasAlreadyVerified": false }));
    let before = count(w, "totp_used_codes").await;
    for any in ["", &first, "letters"] {
        assert_eq!(verify_device(w, "u", "d", any).await, json!({ "status": "OK", "wasAlreadyVerified": true }));
    }
    assert_eq!(count(w, "totp_used_codes").await, before);
    assert_eq!(verify(w, "u", &first).await, invalid(1));
    for (steps, status) in
        [(-2, "INVALID_TOTP_ERROR"), (2, "INVALID_TOTP_ERROR"), (-1, "OK"), (1, "OK"), (1, "INVALID_TOTP_ERROR")]
    {
        assert_eq!(verify(w, "u", &code(w, &secret, steps)).await["status"], status, "{steps}");
    }
    assert_eq!(verify_device(w, "u", "x", "1").await, json!({ "status": "UNKNOWN_DEVICE_ERROR" }));
    assert_eq!(verify(w, "nobody", "1").await, json!({ "status": "UNKNOWN_USER_ID_ERROR" }));
}

async fn a_code_lives_as_long_as_its_device_says(w: &World) {
    import(w, "u", "a", SECRET).await.ok();
    let other = json!({ "userId": "u", "deviceName": "b", "skew": 0, "period": 600, "secretKey": "JBSWY3DPEHPK3PXP" });
    w.post("5.4", "/recipe/totp/device/import", other).await.ok();
    assert_eq!(verify(w, "u", &code(w, SECRET, 0)).await["status"], "OK");
    w.clock.advance(1);
    assert_eq!(verify(w, "u", "wrong").await["status"], "INVALID_TOTP_ERROR");
    let lives =
        async |what: &str| w.value(&format!("select expiry_time_ms - created_time_ms from totp_used_codes where {what}")).await;
    assert_eq!((lives("is_valid").await.as_deref(), lives("not is_valid").await.as_deref()), (Some("90000"), Some("600000")));
}

async fn too_many_wrong_codes_are_followed_by_a_pause(w: &World) {
    import(w, "u", "d", SECRET).await.ok();
    for failed in 1..=5 {
        assert_eq!(verify(w, "u", &wrong(w, SECRET)).await, invalid(failed));
    }
    let rows = count(w, "totp_used_codes").await;
    let newest: i64 =
        w.value("select max(created_time_ms) from totp_used_codes").await.expect("a time").parse().expect("a number");
    w.clock.advance(10_000);
    for code in [wrong(w, SECRET), code(w, SECRET, 0), "9".repeat(200)] {
        assert_eq!(verify(w, "u", &code).await, limited(COOLDOWN - (w.clock.now() - newest)));
    }
    assert_eq!((rows, count(w, "totp_used_codes").await), (5, 5));
    let body = json!({ "userId": "u", "totp": "1" });
    assert_eq!(members(&w.post("4.0", "/recipe/totp/verify", body.clone()).await.done()), ["retryAfterMs", "status"]);
    assert_eq!(w.core().run_chore(Chore::DeleteExpiredTotpCodes).await.expect("a chore"), 0, "it is still limited afterwards");
    w.clock.advance(newest + COOLDOWN - w.clock.now() - 1);
    assert_eq!(verify(w, "u", &code(w, SECRET, 0)).await, limited(1));
    w.clock.advance(1);
    assert_eq!(verify(w, "u", &wrong(w, SECRET)).await, invalid(1));
    assert_eq!(members(&w.post("4.0", "/recipe/totp/verify", body).await.done()), ["status"]);
    assert_eq!(verify(w, "u", &code(w, SECRET, 0)).await["status"], "OK");
    assert_eq!(verify(w, "u", &wrong(w, SECRET)).await, invalid(1), "a right one is a new beginning");
    // One that is longer than any code is wrong, and counts for nothing.
    for _ in 0..9 {
        assert_eq!(verify(w, "u", "123456789").await, invalid(2));
    }
    assert_eq!(verify(w, "u", "12345678").await, invalid(2));
}

async fn each_tenant_has_its_own_codes_and_limits(w: &World) {
    put_tenant(w, "", "t1", json!({ "totp_max_attempts": 1, "totp_rate_limit_cooldown_sec": 3_000_000 })).await;
    put_tenant(w, "", "t2", json!({})).await;
    import(w, "u", "d", SECRET).await.ok();
    let code = code(w, SECRET, 0);
    for tenant in ["/t1", "/t2", ""] {
        assert_eq!(verify_in(w, tenant, "u", &code).await["status"], "OK", "{tenant}");
    }
    assert_eq!(verify_in(w, "/t2", "u", &code).await, invalid(1));
    assert_eq!(verify_in(w, "/t1", "u", &code).await["maxNumberOfFailedAttempts"], 1);
    // A pause that is longer than 32 bits of milliseconds.
    w.clock.advance(2_999_999_000);
    let said = verify_in(w, "/t1", "u", &code).await;
    assert_eq!(
        (&said["status"], said["retryAfterMs"].as_i64().is_some_and(|ms| ms <= 1_001)),
        (&json!("LIMIT_REACHED_ERROR"), true)
    );
    assert_eq!(verify_in(w, "/t2", "u", "x").await, invalid(2));
}

async fn what_counts_for_nothing_any_more_is_deleted(w: &World) {
    import(w, "u", "d", SECRET).await.ok();
    let now = w.clock.now();
    for (n, expiry) in [now - COOLDOWN - 1, now - COOLDOWN, now].into_iter().enumerate() {
        w.write(&format!(
            "insert into totp_used_codes (app_id, tenant_id, user_id, code, is_valid, expiry_time_ms, created_time_ms)
             values ('public', 'public', 'u', '1', false, {expiry}, {n})"
        ))
        .await;
    }
    assert_eq!(w.core().run_chore(Chore::DeleteExpiredTotpCodes).await.expect("a chore"), 1);
    assert_eq!(count(w, "totp_used_codes").await, 2);
    assert_eq!(count(w, "totp_used_codes where created_time_ms = 0").await, 0);
}

async fn of_many_who_try_one_code_one_is_let_in(w: &World) {
    for round in 0..5 {
        let user = format!("u{round}");
        import(w, &user, "d", SECRET).await.ok();
        let code = code(w, SECRET, 0);
        let callers = (0..20).map(|_| {
            let (w, user, code) = (w.clone(), user.clone(), code.clone());
            async move { verify(&w, &user, &code).await["status"] == "OK" }
        });
        assert_eq!(at_once(callers.collect()).await.into_iter().filter(|ok| *ok).count(), 1);
    }
}

async fn those_who_guess_at_once_have_no_more_attempts(w: &World) {
    import(w, "u", "d", SECRET).await.ok();
    let wrong = wrong(w, SECRET);
    let callers = (0..50).map(|_| {
        let (w, wrong) = (w.clone(), wrong.clone());
        async move { verify(&w, "u", &wrong).await["status"] == "INVALID_TOTP_ERROR" }
    });
    assert_eq!(at_once(callers.collect()).await.into_iter().filter(|looked_at| *looked_at).count(), 5);
    assert_eq!(count(w, "totp_used_codes").await, 5);
}

async fn devices_made_and_removed_at_once_are_whole_or_gone(w: &World) {
    for round in 0..10 {
        let user = format!("u{round}");
        import(w, &user, "a", SECRET).await.ok();
        import(w, &user, "b", SECRET).await.ok();
        let callers = (0..2).map(|n| {
            let (w, user) = (w.clone(), user.clone());
            async move { remove(&w, &user, ["a", "b"][n]).await == true }
        });
        assert_eq!(at_once(callers.collect()).await, [true, true]);
        assert_eq!(count(w, &format!("totp_users where user_id = '{user}'")).await, 0);
        // The last goes while one comes, and while a code of it is looked at.
        import(w, &user, "a", SECRET).await.ok();
        let code = code(w, SECRET, 0);
        let callers = (0..6).map(|n| {
            let (w, user, code) = (w.clone(), user.clone(), code.clone());
            async move {
                match n % 3 {
                    0 => drop(device(&w, &user, "d").await),
                    1 => drop(remove(&w, &user, "a").await),
                    _ => {
                        let said = verify(&w, &user, &code).await["status"].clone();
                        assert!(["OK", "UNKNOWN_USER_ID_ERROR", "INVALID_TOTP_ERROR"].map(Value::from).contains(&said), "{said}");
                    }
                }
            }
        });
        at_once(callers.collect()).await;
        assert_eq!(devices(w, &user).await.as_array().map(Vec::len), Some(1), "the one that came");
    }
}

async fn what_belongs_to_a_user_goes_along(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    let user = id(1);
    w.post("5.4", "/t1/recipe/multitenancy/tenant/user", json!({ "recipeUserId": user })).await.ok();
    import(w, &user, "d", SECRET).await.ok();
    import(w, "other", "d", SECRET).await.ok();
    for tenant in ["", "/t1"] {
        for user in [user.as_str(), "other"] {
            assert_eq!(verify_in(w, tenant, user, &code(w, SECRET, 0)).await["status"], "OK");
        }
    }
    let map = json!({ "superTokensUserId": user, "externalUserId": "x" });
    w.post("5.4", "/recipe/userid/map", map).await.refuses(400, "UserId is already in use in TOTP recipe");
    w.post("5.4", "/t1/recipe/multitenancy/tenant/user/remove", json!({ "recipeUserId": user })).await.ok();
    let codes = async |what: &str| count(w, &format!("totp_used_codes where {what}")).await;
    assert_eq!((codes("tenant_id = 't1'").await, codes("tenant_id = 'public'").await), (1, 2), "the other's stay");
    w.post("5.4", "/user/remove", json!({ "userId": user })).await.ok();
    assert_eq!((devices(w, &user).await, codes("user_id <> 'other'").await), (json!([]), 0));
    assert_eq!(devices(w, "other").await.as_array().map(Vec::len), Some(1));
    let forced = json!({ "superTokensUserId": id(2), "externalUserId": "y", "force": true });
    put_login(w, "", 2, By::Password("b@x")).await;
    import(w, &id(2), "d", SECRET).await.ok();
    w.post("5.4", "/recipe/userid/map", forced).await.ok();
    assert_eq!(devices(w, "y").await, json!([]), "made under the other id");
}

scenarios!(World:
    a_device_without_a_name_gets_the_next_one,
    only_a_device_that_is_not_verified_is_made_anew,
    secrets_are_read_as_the_java_core_reads_them,
    what_is_wrong_with_a_device_is_said_in_order,
    a_device_gets_another_name,
    with_the_last_device_goes_everything,
    only_the_public_tenant_asks_for_devices,
    many_are_asked_for_at_once,
    a_code_is_right_once,
    a_code_lives_as_long_as_its_device_says,
    too_many_wrong_codes_are_followed_by_a_pause,
    each_tenant_has_its_own_codes_and_limits,
    what_counts_for_nothing_any_more_is_deleted,
    of_many_who_try_one_code_one_is_let_in,
    those_who_guess_at_once_have_no_more_attempts,
    devices_made_and_removed_at_once_are_whole_or_gone,
    what_belongs_to_a_user_goes_along,
);

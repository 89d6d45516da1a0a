//! What a ceremony begins with: scenarios 43 to 55.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use supertokens_core::chores::Chore;

use super::{WEBAUTHN, options_at, options_for, put_passkey_user, registering, signing_in};
use crate::answer::members;
use crate::cdi::linking::link;
use crate::cdi::place::{count, put_tenant};
use crate::cdi::users::{By, id, put_login};
use crate::{Answer, World, scenarios};

async fn register(w: &World, body: Value) -> Answer {
    w.post("5.4", &format!("{WEBAUTHN}/options/register"), body).await
}

/// The four that must be there, with others beside them or in their place.
fn with(more: Value) -> Value {
    let mut body = json!({
        "email": "a@b.co", "relyingPartyName": "Example", "relyingPartyId": "example.com", "origin": "https://example.com",
    });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

async fn reason(w: &World, more: Value) -> Value {
    register(w, with(more)).await.says("INVALID_OPTIONS_ERROR")["reason"].clone()
}

fn decoded(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("a text")).expect("base64url")
}

async fn what_is_left_open_is_filled_in(w: &World) {
    let now = w.clock.now();
    for cdi in ["2.7", "4.0", "5.3", "5.6"] {
        let said = w.post(cdi, &format!("{WEBAUTHN}/options/register"), with(json!({}))).await;
        let mut expected = json!({
            "rp": { "id": "example.com", "name": "Example" }, "email": "a@b.co", "timeout": 6000, "attestation": "none",
            "createdAt": now, "expiresAt": now + 6000, "excludeCredentials": [], "status": "OK",
            "pubKeyCredParams": [
                { "alg": -8, "type": "public-key" }, { "alg": -7, "type": "public-key" }, { "alg": -257, "type": "public-key" },
            ],
            "authenticatorSelection": { "requireResidentKey": true, "residentKey": "required", "userVerification": "preferred" },
        });
        let body = said.ok();
        for made in ["webauthnGeneratedOptionsId", "challenge"] {
            expected[made] = body[made].clone();
        }
        let options_id = body["webauthnGeneratedOptionsId"].as_str().expect("an id");
        let user = json!({ "id": URL_SAFE_NO_PAD.encode(options_id), "name": "a@b.co", "displayName": "a@b.co" });
        expected["user"] = user;
        assert_eq!(body, expected);
        assert_eq!(decoded(&body["challenge"]).len(), 32);
        let order =
            ["\"webauthnGeneratedOptionsId\"", "\"rp\"", "\"user\"", "\"challenge\"", "\"pubKeyCredParams\"", "\"status\""];
        let places = order.map(|name| said.text.find(name).expect("it is there"));
        assert!(places.is_sorted(), "{}", said.text);
    }
    assert_eq!(count(w, "webauthn_generated_options").await, 4);
}

async fn what_is_missing_is_said_in_order(w: &World) {
    let mut body = json!({});
    for (name, value) in [("email", "a@b"), ("relyingPartyName", "E"), ("relyingPartyId", "b.co"), ("origin", "https://b.co")] {
        register(w, body.clone()).await.refuses(400, &format!("Field name '{name}' is invalid in JSON input"));
        body[name] = json!(value);
    }
    register(w, body).await.ok();
    let mut body = json!({});
    for (name, value) in [("relyingPartyId", "b.co"), ("relyingPartyName", "E"), ("origin", "https://b.co")] {
        let said = w.post("5.4", &format!("{WEBAUTHN}/options/signin"), body.clone()).await;
        said.refuses(400, &format!("Field name '{name}' is invalid in JSON input"));
        body[name] = json!(value);
    }
    for name in
        ["timeout", "attestation", "residentKey", "userVerification", "userPresence", "supportedAlgorithmIDs", "displayName"]
    {
        register(w, with(json!({ name: null }))).await.refuses(400, &format!("Field name '{name}' is invalid in JSON input"));
    }
    for name in ["relyingPartyName", "relyingPartyId", "origin", "email"] {
        for text in ["a".repeat(257), "a\u{0}b".to_owned()] {
            register(w, with(json!({ name: text }))).await.refuses(400, &format!("Field name '{name}' is invalid in JSON input"));
        }
    }
    // The body is read before it is known where this is, its members after that.
    let nowhere = w.post("5.4", &format!("/ghost{WEBAUTHN}/options/register"), json!({})).await;
    assert_eq!(nowhere.status, 400);
    assert!(nowhere.text.contains("AppId or tenantId not found"), "{}", nowhere.text);
    w.raw("POST", &format!("/ghost{WEBAUTHN}/options/register"), &[], "x").await.refuses(400, "Invalid Json Input");
    assert_eq!(count(w, "webauthn_generated_options").await, 1);
}

async fn an_address_is_kept_as_it_is_looked_for(w: &World) {
    let said = register(w, with(json!({ "email": " A@B.co ", "displayName": "" }))).await.ok();
    assert_eq!(
        (&said["email"], &said["user"]["name"], &said["user"]["displayName"]),
        (&json!("a@b.co"), &json!("a@b.co"), &json!("a@b.co"))
    );
    let said = register(w, with(json!({ "displayName": "Ada Ü" }))).await.ok();
    assert_eq!(said["user"]["displayName"], "Ada Ü");
}

async fn the_oldest_user_of_the_address_is_whom_the_passkey_is_kept_for(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 5, By::Password("a@b.co")).await;
    put_login(w, "", 3, By::Code("a@b.co")).await;
    put_login(w, "t1", 1, By::Password("a@b.co")).await;
    let whom = async || String::from_utf8(decoded(&register(w, with(json!({}))).await.ok()["user"]["id"])).expect("a text");
    assert_eq!(whom().await, id(3));
    put_passkey_user(w, "", 2, "a@b.co", "k").await;
    assert_eq!(whom().await, id(2));
    link(w, &[&id(5), &id(2)]).await;
    assert_eq!(whom().await, id(5), "of a group the id that it has inside");
    w.write(&format!(
        "insert into userid_mapping (app_id, supertokens_user_id, external_user_id) values ('public', '{}', 'ext')",
        id(5)
    ))
    .await;
    assert_eq!(whom().await, id(5));
}

async fn what_cannot_be_asked_for_is_refused_with_a_reason(w: &World) {
    for (more, words) in [
        (
            json!({ "attestation": "Direct" }),
            "Invalid value 'Direct' for attestation. Must be one of: none, indirect, direct, enterprise",
        ),
        (json!({ "residentKey": "no" }), "Invalid value 'no' for residentKey. Must be one of: required, discouraged, preferred"),
        (
            json!({ "userVerification": "x" }),
            "Invalid value 'x' for userVerification. Must be one of: required, discouraged, preferred",
        ),
        (json!({ "timeout": -1, "attestation": "x" }), "Timeout must be a positive value"),
        (json!({ "origin": "example.com", "timeout": -1 }), "Origin has to be a valid url!"),
        (json!({ "origin": "http://example.org" }), "Origin does not match RelyingParty Id"),
        (json!({ "origin": "https://evilexample.com" }), "Origin does not match RelyingParty Id"),
        (json!({ "origin": "https://example.com.evil.org" }), "Origin does not match RelyingParty Id"),
        (json!({ "origin": "https://example.com@evil.org" }), "Origin has to be a valid url!"),
        (json!({ "relyingPartyId": "" }), "Origin does not match RelyingParty Id"),
        (json!({ "supportedAlgorithmIDs": ["x"] }), "For input string: \"x\""),
        (json!({ "supportedAlgorithmIds": ["x"] }), "For input string: \"x\""),
        (json!({ "origin": "android:apk-key-hash:" }), "Android origin must contain a valid base64 hash"),
        (json!({ "origin": "android:apk-key-hash:a+b" }), "Android origin hash must be valid URL-safe base64 (no padding)"),
        (json!({ "origin": "android:apk-key-hash:abcd" }), "Android origin hash must be 43 characters (base64url SHA-256)"),
    ] {
        assert_eq!(reason(w, more.clone()).await, words, "{more}");
    }
    let sign_in = w.post("5.4", &format!("{WEBAUTHN}/options/signin"), with(json!({ "userVerification": "x" }))).await;
    assert_eq!(members(&sign_in.says("INVALID_OPTIONS_ERROR")), ["reason", "status"]);
    assert_eq!(count(w, "webauthn_generated_options").await, 0);
    for more in [
        json!({ "origin": "https://sub.example.com" }),
        json!({ "origin": "https://EXAMPLE.com" }),
        json!({ "origin": "http://example.com:8080/login" }),
        json!({ "origin": "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" }),
        json!({ "timeout": "1000" }),
    ] {
        register(w, with(more)).await.ok();
    }
}

async fn algorithms_are_asked_for_by_either_name(w: &World) {
    let listed = async |more: Value| register(w, with(more)).await.ok()["pubKeyCredParams"].clone();
    let es256 = json!([{ "alg": -7, "type": "public-key" }]);
    assert_eq!(listed(json!({ "supportedAlgorithmIDs": [-7] })).await, es256);
    assert_eq!(listed(json!({ "supportedAlgorithmIds": ["-7"] })).await, es256);
    assert_eq!(listed(json!({ "supportedAlgorithmIDs": [], "supportedAlgorithmIds": [-7] })).await, json!([]));
    assert_eq!(listed(json!({ "supportedAlgorithmIDs": [7.9] })).await, json!([{ "alg": 7, "type": "public-key" }]));
    let mut kept = w.rows("select algorithms from st_rs_webauthn_algorithms").await;
    kept.sort();
    assert_eq!(kept, ["", "-7", "-7", "7"].map(|text| vec![Some(text.to_owned())]));
    let preferred = register(w, with(json!({ "residentKey": "preferred" }))).await.ok();
    assert_eq!(preferred["authenticatorSelection"]["requireResidentKey"], false);
}

async fn options_are_found_again(w: &World) {
    let made = options_for(w, "", "signin", signing_in()).await;
    assert_eq!(
        members(&made),
        [
            "challenge",
            "createdAt",
            "expiresAt",
            "relyingPartyId",
            "status",
            "timeout",
            "userPresence",
            "userVerification",
            "webauthnGeneratedOptionsId"
        ]
    );
    let found = options_at(w, "", made["webauthnGeneratedOptionsId"].as_str().expect("an id")).await.ok();
    let mut expected = made.clone();
    expected["relyingPartyName"] = json!("Example");
    expected["origin"] = json!("https://example.com");
    expected["email"] = json!(null);
    assert_eq!(found, expected);
    let made = options_for(w, "", "register", registering("A@b.co")).await;
    let found = options_at(w, "", made["webauthnGeneratedOptionsId"].as_str().expect("an id")).await.ok();
    assert_eq!((&found["email"], &found["challenge"], &found["timeout"]), (&json!("a@b.co"), &made["challenge"], &json!(60_000)));
}

async fn options_are_of_one_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "a", "", json!({})).await;
    let made = options_for(w, "/t1", "signin", signing_in()).await;
    let id = made["webauthnGeneratedOptionsId"].as_str().expect("an id").to_owned();
    let remove = async |tenant: &str| {
        w.delete("5.4", &format!("{tenant}{WEBAUTHN}/options/remove?webauthnGeneratedOptionsId={id}")).await.done()["status"]
            .clone()
    };
    for elsewhere in ["", "/appid-a"] {
        options_at(w, elsewhere, &id).await.says("OPTIONS_NOT_FOUND_ERROR");
        assert_eq!(remove(elsewhere).await, "OPTIONS_NOT_FOUND_ERROR");
    }
    for odd in [format!("{id} "), id[..35].to_owned(), String::new(), "x".repeat(3000), format!("{id}x")] {
        options_at(w, "/t1", &odd).await.says("OPTIONS_NOT_FOUND_ERROR");
    }
    options_at(w, "/t1", &id).await.ok();
    assert_eq!([remove("/t1").await, remove("/t1").await], ["OK", "OPTIONS_NOT_FOUND_ERROR"]);
    for (method, path) in [("GET", "options"), ("DELETE", "options/remove")] {
        let words = "Field name 'webauthnGeneratedOptionsId' is missing in GET request";
        w.raw(method, &format!("{WEBAUTHN}/{path}"), &[("cdi-version", "5.4")], "").await.refuses(400, words);
        assert_eq!(w.raw(method, &format!("/ghost{WEBAUTHN}/{path}"), &[("cdi-version", "5.4")], "").await.status, 400);
    }
    options_for(w, "/t1", "register", registering("a@b.co")).await;
    w.put("5.4", "/recipe/multitenancy/tenant", json!({ "tenantId": "t2" })).await.ok();
    w.post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
    assert_eq!((count(w, "webauthn_generated_options").await, count(w, "st_rs_webauthn_algorithms").await), (0, 0));
}

async fn old_options_go_in_time(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let mut timeouts = registering("a@b.co");
    let mut made = Vec::new();
    for tenant in ["", "/t1"] {
        for timeout in [0, 999, 1000] {
            timeouts["timeout"] = json!(timeout);
            made.push((tenant, options_for(w, tenant, "register", timeouts.clone()).await["webauthnGeneratedOptionsId"].clone()));
        }
    }
    w.clock.advance(1000);
    options_at(w, "", made[0].1.as_str().expect("an id")).await.ok();
    assert_eq!(w.core().run_chore(Chore::DeleteExpiredPasskeyData).await.expect("it is done"), 4);
    for (n, (tenant, id)) in made.iter().enumerate() {
        let status = options_at(w, tenant, id.as_str().expect("an id")).await.done()["status"].clone();
        assert_eq!(status, if n % 3 == 2 { "OK" } else { "OPTIONS_NOT_FOUND_ERROR" });
    }
    assert_eq!(w.core().run_chore(Chore::DeleteExpiredPasskeyData).await.expect("it is done"), 0);
    assert_eq!(count(w, "st_rs_webauthn_algorithms").await, 2);
}

scenarios!(World:
    what_is_left_open_is_filled_in,
    what_is_missing_is_said_in_order,
    an_address_is_kept_as_it_is_looked_for,
    the_oldest_user_of_the_address_is_whom_the_passkey_is_kept_for,
    what_cannot_be_asked_for_is_refused_with_a_reason,
    algorithms_are_asked_for_by_either_name,
    options_are_found_again,
    options_are_of_one_tenant,
    old_options_go_in_time,
);

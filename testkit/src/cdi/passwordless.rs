//! Logging in with a code or a link that was sent (core-recipes-1.md 2, scenarios 47 to 111).

use serde_json::{Value, json};
use supertokens_domain::time::Millis;

use crate::{Answer, World};

pub mod attempts;
pub mod consuming;
pub mod contacts;
pub mod creating;
pub mod pending;
pub mod races;

/// How long a code is good for, unless a tenant says otherwise, in ms.
pub const LIFETIME: Millis = 900_000;

/// Makes a code for somebody who begins.
pub async fn code_for(w: &World, tenant: &str, email: &str) -> Value {
    w.post("5.4", &format!("{tenant}/recipe/signinup/code"), json!({ "email": email })).await.ok()
}

/// Makes another code for somebody who has begun.
pub async fn resend(w: &World, tenant: &str, device: &Value) -> Value {
    w.post("5.4", &format!("{tenant}/recipe/signinup/code"), json!({ "deviceId": device["deviceId"] })).await.ok()
}

/// What an SDK asks with somebody's link.
pub fn by_link(code: &Value) -> Value {
    json!({ "preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"] })
}

/// What an SDK asks with what somebody has typed.
pub fn by_code(device: &Value, typed: &str) -> Value {
    json!({ "preAuthSessionId": device["preAuthSessionId"], "deviceId": device["deviceId"], "userInputCode": typed })
}

/// Some code that is not this one.
pub fn wrong(code: &Value) -> &'static str {
    if code["userInputCode"] == "000000" { "111111" } else { "000000" }
}

/// Looks whether a code is right.
pub async fn check(w: &World, tenant: &str, shown: Value) -> Answer {
    w.post("5.4", &format!("{tenant}/recipe/signinup/code/check"), shown).await
}

/// Logs in.
pub async fn consume(w: &World, cdi: &str, tenant: &str, shown: Value) -> Answer {
    w.post(cdi, &format!("{tenant}/recipe/signinup/code/consume"), shown).await
}

/// Somebody who has logged in by what was sent to them, for example `{ "email": "a@x.io" }`, and nobody else. Gives back the id.
pub async fn somebody(w: &World, place: &str, contact: Value) -> String {
    let code = w.post("5.4", &format!("{place}/recipe/signinup/code"), contact).await.ok();
    let said = consume(w, "5.4", place, by_link(&code)).await.ok();
    said["recipeUserId"].as_str().expect("an id").to_owned()
}

/// Who waits: `email=a@x.io`, for example.
pub async fn devices(w: &World, tenant: &str, query: &str) -> Vec<Value> {
    let said = w.get("5.4", &format!("{tenant}/recipe/signinup/codes?{query}")).await.ok();
    said["devices"].as_array().expect("an array").clone()
}

//! JWTs with a caller's claims (core-session.md 1.11, 3.4, 5.6 and 8.2): scenarios 92 and 93.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use supertokens_domain::time::Millis;

use super::place::{put_dynamic_key, put_static_key, put_tenant};
use super::session::text;
use crate::{Answer, World, scenarios};

const VECTORS: &str = include_str!("../../vectors/jwt_recipe.json");
const KEYS: &str = include_str!("../../vectors/rsa_test_keys.json");

/// The text of a part of a token: 0 is the header, 1 the claims.
pub fn part_text(token: &str, n: usize) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(n).expect("a part")).expect("base64url");
    String::from_utf8(bytes).expect("text")
}

/// A part of a token.
pub fn part(token: &str, n: usize) -> Value {
    serde_json::from_str(&part_text(token, n)).expect("JSON")
}

/// A part of a token, from what it says.
pub fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn vectors() -> Value {
    serde_json::from_str(VECTORS).expect("JSON")
}

/// An order for a JWT, with some members replaced; null takes one out.
fn order(changes: &Value) -> Value {
    let mut order = json!({ "algorithm": "RS256", "jwksDomain": "https://a.example", "payload": {}, "validity": 100 });
    let members = order.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    order
}

async fn ask(w: &World, cdi: &str, changes: Value) -> Answer {
    w.post(cdi, "/recipe/jwt", order(&changes)).await
}

/// The text of the claims of a JWT whose payload has this text.
async fn claims_of(w: &World, payload: &str) -> String {
    let body = format!(r#"{{"algorithm":"RS256","jwksDomain":"d","validity":1,"payload":{payload}}}"#);
    let answer = w.raw("POST", "/recipe/jwt", &[("cdi-version", "5.4")], body).await;
    part_text(&text(&answer.ok(), "/jwt"), 1)
}

async fn tokens_are_exactly_those_of_the_java_core(w: &World) {
    let keys: Value = serde_json::from_str(KEYS).expect("JSON");
    put_tenant(w, "java", "", json!({})).await;
    for case in vectors()["cases"].as_array().expect("cases") {
        w.clock.set(case["now_ms"].as_i64().expect("an instant"));
        if case["name"] == "plain claim" {
            let created: Millis = text(&keys, "/dynamic/kid")[2..].parse().expect("an instant");
            put_dynamic_key(w, "java", created, &text(&keys, "/dynamic/storage_string")).await;
            put_static_key(w, "java", &text(&keys, "/static/kid"), &text(&keys, "/static/storage_string"), created).await;
        }
        let body = order(&json!({
            "jwksDomain": case["jwksDomain"], "payload": case["payload"], "validity": case["validity"],
            "useStaticSigningKey": case["key"] == "static",
        }));
        let made = w.post("5.4", "/appid-java/recipe/jwt", body).await.ok();
        assert_eq!(made["jwt"], case["jwt"], "{}: {}", case["name"], part_text(&text(&made, "/jwt"), 1));
    }
}

async fn audiences_take_the_form_of_the_java_core(w: &World) {
    for case in vectors()["aud_normalisation"].as_array().expect("cases") {
        let claims: Value = serde_json::from_str(&claims_of(w, &json!({ "aud": case["in"] }).to_string()).await).expect("JSON");
        if case["out"] == "<claim omitted>" {
            assert_eq!(claims.get("aud"), None, "{case}");
        } else {
            assert_eq!(claims["aud"], case["out"], "{case}");
        }
    }
}

async fn numbers_are_written_as_java_writes_them(w: &World) {
    for case in vectors()["number_serialisation_in_tokens"].as_array().expect("cases") {
        let (given, written) = (text(case, "/in"), text(case, "/out"));
        if written.starts_with("HTTP") {
            let body = format!(r#"{{"algorithm":"RS256","jwksDomain":"d","validity":1,"payload":{{"x":{given}}}}}"#);
            let answer = w.raw("POST", "/recipe/jwt", &[("cdi-version", "5.4")], body).await;
            assert_eq!(answer.status, 400, "what cannot be signed is the caller's fault: {}", answer.text);
            continue;
        }
        let claims = claims_of(w, &format!(r#"{{"x":{given}}}"#)).await;
        assert!(claims.ends_with(&format!(r#","x":{written}}}"#)), "{given}: {claims}");
    }
}

async fn a_token_lives_from_now_on(w: &World) {
    w.clock.advance(999);
    let made = ask(w, "5.4", json!({ "payload": { "a": "b" }, "validity": 86_400 })).await;
    assert!(made.text.starts_with(r#"{"status":"OK","jwt":""#), "{}", made.text);
    let token = text(&made.ok(), "/jwt");
    let claims = r#"{"iat":1700000000,"exp":1700086400,"iss":"https://a.example","a":"b"}"#;
    assert_eq!(part_text(&token, 1), claims);
    assert_eq!(crate::members(&part(&token, 0)), ["alg", "kid", "typ"]);
}

async fn a_token_without_a_life_is_refused(w: &World) {
    for validity in [0, -1] {
        let answer = ask(w, "5.4", json!({ "validity": validity })).await;
        answer.refuses(400, "validity must be greater than or equal to 0");
    }
    let answer = w.post("5.4", "/t1/recipe/jwt", order(&json!({ "validity": 0 }))).await;
    answer.refuses(400, "validity must be greater than or equal to 0");
}

async fn the_algorithm_is_rs256(w: &World) {
    for algorithm in ["RS256", "rs256", "Rs256"] {
        ask(w, "5.4", json!({ "algorithm": algorithm })).await.ok();
    }
    for algorithm in ["HS256", "none", "", "RS512"] {
        let said = ask(w, "5.4", json!({ "algorithm": algorithm })).await.says("UNSUPPORTED_ALGORITHM_ERROR");
        assert_eq!(crate::members(&said), ["status"]);
    }
}

async fn every_field_of_an_order_is_needed(w: &World) {
    for field in ["algorithm", "jwksDomain", "payload", "validity"] {
        let words = format!("Field name '{field}' is invalid in JSON input");
        ask(w, "5.4", json!({ field: null })).await.refuses(400, &words);
        ask(w, "5.4", json!({ field: true })).await.refuses(400, &words);
    }
    let words = "Field name 'useStaticSigningKey' is invalid in JSON input";
    ask(w, "5.4", json!({ "useStaticSigningKey": "true" })).await.refuses(400, words);
    w.raw("POST", "/recipe/jwt", &[("cdi-version", "5.4")], "").await.refuses(400, "Invalid Json Input");
}

async fn the_caller_chooses_the_key_since_2_21(w: &World) {
    let kid = async |cdi: &str, changes: Value| super::keys::kid_of(&text(&ask(w, cdi, changes).await.ok(), "/jwt"));
    assert!(kid("5.4", json!({})).await.starts_with("s-"));
    assert!(kid("5.4", json!({ "useStaticSigningKey": true })).await.starts_with("s-"));
    assert!(kid("5.4", json!({ "useStaticSigningKey": false })).await.starts_with("d-"));
    assert!(kid("2.21", json!({ "useStaticSigningKey": false })).await.starts_with("d-"));
    assert!(kid("2.20", json!({ "useStaticSigningKey": false })).await.starts_with("s-"));
    assert!(kid("2.9", json!({ "useStaticSigningKey": "nonsense" })).await.starts_with("s-"));
}

async fn tenants_do_not_sign_since_5_0(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let words = "Only public tenantId can call this app specific API";
    w.post("5.0", "/t1/recipe/jwt", order(&json!({}))).await.refuses(403, words);
    w.post("4.0", "/t1/recipe/jwt", order(&json!({}))).await.ok();
    w.get("5.0", "/t1/recipe/jwt/jwks").await.refuses(403, words);
    let there = w.get("4.0", "/t1/recipe/jwt/jwks").await.ok();
    let known = w.get("5.0", "/t1/.well-known/jwks.json").await.done();
    assert_eq!(there["keys"], known["keys"]);
    assert_eq!(w.get("5.0", "/public/recipe/jwt/jwks").await.ok()["keys"], known["keys"]);
    w.get("2.21", "/t1/.well-known/jwks.json").await.refuses(404, "Not found");
}

scenarios!(World:
    tokens_are_exactly_those_of_the_java_core,
    audiences_take_the_form_of_the_java_core,
    numbers_are_written_as_java_writes_them,
    a_token_lives_from_now_on,
    a_token_without_a_life_is_refused,
    the_algorithm_is_rs256,
    every_field_of_an_order_is_needed,
    the_caller_chooses_the_key_since_2_21,
    tenants_do_not_sign_since_5_0,
);

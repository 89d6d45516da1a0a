//! Tokens that no core made, the published test keys, and the proof that a request wrote nothing.

use aws_lc_rs::{hmac, rand::SystemRandom, signature};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use supertokens_domain::session::signing_key::SigningKey;
use supertokens_domain::time::DAY;

use crate::World;
use crate::ports::BEGINNING;

/// The vectors of access tokens.
pub fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../vectors/access_tokens.json")).expect("the vectors are JSON")
}

/// One of the published keys (`dynamic`, `static`, `other`), as a database holds it.
pub fn test_key(name: &str) -> String {
    let keys: Value = serde_json::from_str(include_str!("../../../vectors/rsa_test_keys.json")).expect("the vectors are JSON");
    keys[name]["storage_string"].as_str().expect("a key").to_owned()
}

/// Puts the published `dynamic` and `static` keys in the place of the world's own, for the default app alone. The core finds them
/// when a token names a key that it does not know.
pub async fn use_test_keys(w: &World) {
    let keys: Value = serde_json::from_str(include_str!("../../../vectors/rsa_test_keys.json")).expect("the vectors are JSON");
    // The first key of a world has the key id of the published one. Seen from the next month it is gone, and forgotten.
    w.clock.set(BEGINNING + 30 * DAY);
    w.get("5.4", "/recipe/jwt/jwks").await.ok();
    w.clock.set(BEGINNING);
    // Which of the pool's keys the world has drawn is not settled, and one of them may be the published `other`.
    w.write(&format!("delete from session_access_token_signing_keys where created_at_time <> {BEGINNING}")).await;
    w.write("delete from jwt_signing_keys").await;
    w.write(&format!(
        "update session_access_token_signing_keys set value = '{}' where app_id = 'public' and created_at_time = {BEGINNING}",
        test_key("dynamic")
    ))
    .await;
    w.write(&format!(
        "insert into jwt_signing_keys (app_id, key_id, key_string, algorithm, created_at)
         values ('public', '{}', '{}', 'RS256', {BEGINNING})",
        keys["static"]["kid"].as_str().expect("a key id"),
        test_key("static")
    ))
    .await;
}

/// The key that signs now in the default app.
pub async fn signing_key(w: &World) -> SigningKey {
    let rows = w.rows("select created_at_time, value from session_access_token_signing_keys where app_id = 'public'").await;
    let [created, value] = &rows.first().expect("a key")[..] else { panic!("two columns") };
    let kid = format!("d-{}", created.as_deref().expect("a time"));
    SigningKey::from_stored(&kid, value.as_deref().expect("a key")).expect("a readable key")
}

/// The same key, as the database holds it.
pub async fn stored_key(w: &World) -> String {
    let rows = w.rows("select value from session_access_token_signing_keys where app_id = 'public'").await;
    rows.first().and_then(|row| row[0].clone()).expect("a key")
}

/// The two parts of a token that are signed.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The header of a V5 token.
pub fn header(kid: &str) -> Value {
    json!({ "kid": kid, "typ": "JWT", "version": "5", "alg": "RS256" })
}

/// Signs a token with an RSA key as databases hold it.
pub fn rs256(header: &Value, claims: &Value, key: &str) -> String {
    let signed = unsigned(header, claims);
    let private = STANDARD.decode(key.split_once('|').expect("two halves").1).expect("base64");
    let pair = signature::RsaKeyPair::from_pkcs8(&private).expect("an RSA key");
    let mut bytes = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut bytes).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Signs a token with a shared secret.
pub fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let signed = unsigned(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The same token with one character changed to another of its alphabet.
pub fn bit_flipped(token: &str, at: usize) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("ASCII")
}

/// Everything that these endpoints may write, as it stands.
pub async fn everything(w: &World) -> Vec<Vec<Option<String>>> {
    let mut all = w
        .rows(
            "select app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, prev_refresh_token_hash_2,
             refresh_token_rotated_at, expires_at, created_at_time, session_data, jwt_user_payload,
             case when use_static_key then 1 else 0 end from session_info order by app_id, tenant_id, session_handle",
        )
        .await;
    all.extend(w.rows("select app_id, user_id, last_active_time from user_last_active order by app_id, user_id").await);
    all.extend(w.rows("select event_type, identifier, created_at from activity_log order by id").await);
    all.extend(w.rows("select app_id, key_id from jwt_signing_keys order by app_id, key_id").await);
    all.extend(w.rows("select app_id, created_at_time from session_access_token_signing_keys order by 1, 2").await);
    all.extend(w.rows("select app_id, tenant_id, name from key_value order by 1, 2, 3").await);
    all
}

//! What a Java core leaves behind: its tables, its rows, and tokens as it made them (core-session.md 3, 4 and 6).
//!
//! Nothing here calls the code under test. Tokens are the published vectors' or are sealed, signed and opened here from the
//! primitives, as the pages describe them, so that what is taken over was not made by whoever takes it over.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA512, derive};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::cdi::session::forge::{rs256, test_key};
use crate::cdi::session::text;
use crate::ports::BEGINNING;
use crate::target::Kind;

/// When the sessions end: a hundred days after the beginning.
pub const END: i64 = BEGINNING + 8_640_000_000;
/// The session of the vectors, and its user.
pub const HANDLE: &str = "11111111-2222-4333-8444-555555555555";
/// The payload in the vectors' access tokens.
pub const PAYLOAD: &str = r#"{"k":"v","nul":null,"nested":{"a":[1,2.5,"x"]},"uni":"é"}"#;
/// A session that signs with the static key; its tokens are made here.
pub const STATIC_HANDLE: &str = "22222222-3333-4444-8555-666666666666";
/// The user of [`STATIC_HANDLE`].
pub const STATIC_USER: &str = "user-3";

/// Which Java core made the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// 11.x: sessions without the columns of a rotation.
    By11,
    /// 12.x: with them, and with the log of activity.
    By12,
}

/// A vector file.
pub fn vectors(name: &str) -> Value {
    let text = match name {
        "access" => include_str!("../../../vectors/access_tokens.json"),
        "refresh" => include_str!("../../../vectors/refresh_tokens.json"),
        _ => include_str!("../../../vectors/rsa_test_keys.json"),
    };
    serde_json::from_str(text).expect("the vectors are JSON")
}

/// The tables and the rows around sessions.
pub fn tables(made: Made, kind: Kind) -> String {
    let mut sql = include_str!("../../../fixtures/java_core_11.sql").to_owned();
    if made == Made::By12 {
        sql.push_str(include_str!("../../../fixtures/java_core_12.sql"));
        if kind == Kind::Postgres {
            sql.push_str(include_str!("../../../fixtures/java_core_12_postgres.sql"));
        }
    }
    // SQLite has no arrays.
    if kind == Kind::Postgres { sql } else { sql.replace("VARCHAR(128)[]", "TEXT") }
}

/// The whole database: tables, keys, and three sessions in the middle of their lives.
pub fn database(made: Made, kind: Kind) -> String {
    let keys = vectors("keys");
    // Older cores joined the halves of a key with a semicolon.
    let form = if made == Made::By11 { "storage_string_legacy" } else { "storage_string" };
    let dynamic = text(&keys, &format!("/dynamic/{form}"));
    let kid = text(&keys, "/static/kid");
    let mut sql = tables(made, kind);
    sql.push_str(&format!(
        "insert into key_value values ('public', 'public', 'refresh_token_key', '{}', {BEGINNING});
         insert into session_access_token_signing_keys values ('public', {BEGINNING}, '{dynamic}');
         insert into jwt_signing_keys values ('public', '{kid}', '{}', 'RS256', {BEGINNING});",
        master_key(),
        test_key("static"),
    ));
    let refresh = vectors("refresh");
    let (tenant_hash2, parent) = (text(&refresh, "/valid/1/hash2"), text(&refresh, "/valid/1/expect/parentRefreshTokenHash1"));
    sql.push_str(&session("public", HANDLE, "user-1", &text(&refresh, "/valid/0/hash2"), PAYLOAD, false));
    // Its token is the child that was handed out last; its parent is still the current one, as 11.x leaves it.
    sql.push_str(&session("t1", &format!("{HANDLE}_t1"), "ext é user", &sha(&parent), "{}", false));
    sql.push_str(&session("public", STATIC_HANDLE, STATIC_USER, &hash2(&static_refresh_token()), "{}", true));
    if made == Made::By12 {
        // It was rotated ten seconds ago, and the answer with the new token was lost on its way.
        sql.push_str(&format!(
            "update session_info set refresh_token_hash_2 = '{}', prev_refresh_token_hash_2 = '{tenant_hash2}',
             refresh_token_rotated_at = {} where tenant_id = 't1';",
            hash2("an answer that was lost"),
            BEGINNING - 10_000,
        ));
    }
    sql
}

/// The Java core's insert of a session, with the ten columns that every version has.
pub fn session(tenant: &str, handle: &str, user: &str, hash2: &str, payload: &str, is_static: bool) -> String {
    format!(
        "insert into session_info (app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, session_data, expires_at,
         created_at_time, jwt_user_payload, use_static_key) values ('public', '{tenant}', '{handle}', '{user}', '{hash2}',
         '{{\"in\":\"database\",\"n\":1.0}}', {END}, {BEGINNING}, '{payload}', {is_static});"
    )
}

/// The key of the vectors that seals refresh tokens.
pub fn master_key() -> String {
    text(&vectors("refresh"), "/master_key_generation/result")
}

/// The refresh token of [`STATIC_HANDLE`].
pub fn static_refresh_token() -> String {
    sealed(&json!({ "sessionHandle": STATIC_HANDLE, "userId": STATIC_USER }), 1)
}

/// The access token that came with it.
pub fn static_access_token() -> String {
    let kid = text(&vectors("keys"), "/static/kid");
    let header = json!({ "kid": kid, "typ": "JWT", "version": "5", "alg": "RS256" });
    let (iat, exp) = (BEGINNING / 1000, BEGINNING / 1000 + 3600);
    let claims = json!({
        "iat": iat, "exp": exp, "sub": STATIC_USER, "tId": "public", "rsub": STATIC_USER, "sessionHandle": STATIC_HANDLE,
        "refreshTokenHash1": sha(&static_refresh_token()), "parentRefreshTokenHash1": null, "antiCsrfToken": null,
    });
    rs256(&header, &claims, &test_key("static"))
}

/// Lower-case hex of SHA-256 of a text.
pub fn sha(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the table holds of a refresh token.
pub fn hash2(token: &str) -> String {
    sha(&sha(token))
}

/// Seals a refresh token. The number makes it differ from others.
pub fn sealed(members: &Value, number: u8) -> String {
    let nonce = sha(&format!("nonce {number}"));
    let mut members = members.clone();
    members["nonce"] = json!(nonce);
    let (iv, mut bytes) = ([number; 12], members.to_string().into_bytes());
    let key = token_key(iv);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut bytes).expect("sealed");
    format!("{}.{nonce}.V2", STANDARD.encode([&iv[..], &bytes].concat()))
}

/// Opens a refresh token as a Java core would.
pub fn opened(token: &str) -> Value {
    let [sealed, nonce, suffix] = token.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    assert_eq!(suffix, "V2");
    let bytes = STANDARD.decode(sealed).expect("base64 with its padding");
    let (iv, rest) = bytes.split_at(12);
    let (iv, mut rest): ([u8; 12], _) = (iv.try_into().expect("twelve bytes"), rest.to_vec());
    let plain = token_key(iv).open_in_place(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut rest).expect("it opens");
    let members: Value = serde_json::from_slice(plain).expect("JSON");
    assert_eq!(members["nonce"], nonce);
    members
}

/// The claims of an access token whose signature holds for one of the published keys.
pub fn verified(token: &str, key: &str) -> Value {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let keys = vectors("keys");
    let spki = STANDARD.decode(text(&keys, &format!("/{key}/pub"))).expect("base64");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    // The library takes the key without the 24 bytes that say that it is an RSA key.
    let holds = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki[24..]).verify(signed.as_bytes(), &signature);
    assert!(holds.is_ok(), "the signature does not hold for the {key} key");
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON");
    assert_eq!(json(header)["kid"], keys[key]["kid"]);
    json(claims)
}

fn token_key(iv: [u8; 12]) -> LessSafeKey {
    let mut key = [0; 32];
    derive(PBKDF2_HMAC_SHA512, 100.try_into().expect("not zero"), &iv, master_key().as_bytes(), &mut key);
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"))
}

//! Tokens of every version from the vectors, and tokens that must never pass: scenarios 26, 27 and 43 of core-session.md 8.2, forged
//! signatures and wrong input.

use serde_json::{Value, json};
use supertokens_domain::session::hash::rehash;
use supertokens_domain::time::DAY;

use super::create::with;
use super::forge::{bit_flipped, everything, header, hs256, rs256, signing_key, stored_key, test_key, use_test_keys, vectors};
use super::rows::{access, make_tenant, part};
use super::verify::{is, question, verify};
use super::{create, text};
use crate::ports::BEGINNING;
use crate::{World, scenarios};

const NO_VERSION: &str = "io.supertokens.session.jwt.JWT$JWTException: JWT header missing - version";
const BAD_SIGNATURE: &str = "io.supertokens.session.jwt.JWT$JWTException: JWT verification failed";

/// The row of the session that the vectors speak of.
async fn write_session(w: &World, tenant: &str, expect: &Value) {
    w.write("delete from session_info").await;
    w.write(&format!(
        "insert into session_info (app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, session_data, expires_at,
         created_at_time, jwt_user_payload, use_static_key)
         values ('public', '{tenant}', '{}', '{}', '{}', '{{}}', {}, {BEGINNING}, '{}', false)",
        expect["sessionHandle"].as_str().expect("a handle"),
        expect["recipeUserId"].as_str().expect("a user"),
        rehash(expect["refreshTokenHash1"].as_str().expect("a hash")),
        BEGINNING + DAY,
        expect["userData"],
    ))
    .await;
}

async fn every_genuine_token_of_the_vectors_is_accepted(w: &World) {
    use_test_keys(w).await;
    make_tenant(w, "public", "t1").await;
    let vectors = vectors();
    let valid = vectors["valid"].as_array().expect("a list");
    assert!(valid.len() >= 8);
    for case in valid {
        let (token, expect) = (case["token"].as_str().expect("a token"), &case["expect"]);
        write_session(w, expect["tenantId"].as_str().expect("a tenant"), expect).await;
        w.clock.set(expect["expiryTimeMs"].as_i64().expect("a time"));
        let mut body = question(token, true);
        if let Some(anti_csrf) = expect["antiCsrfToken"].as_str() {
            body["doAntiCsrfCheck"] = json!(true);
            body["enableAntiCsrf"] = json!(true);
            body["antiCsrfToken"] = json!(anti_csrf);
        }
        let verified = w.post("5.6", "/recipe/session/verify", body).await.ok();
        let session = json!({
            "handle": expect["sessionHandle"], "userId": expect["primaryUserId"], "recipeUserId": expect["recipeUserId"],
            "userDataInJWT": expect["userData"], "tenantId": expect["tenantId"],
        });
        // That the row fits shows that the hash in the token was read, too.
        let expected = json!({ "session": session, "payloadUpdateAvailable": false, "status": "OK" });
        assert_eq!(verified, expected, "{}", case["name"]);
        w.clock.advance(1);
        is(&verify(w, "5.6", token, false).await, "TRY_REFRESH_TOKEN", "Access token expired");
    }
}

async fn every_bad_token_of_the_vectors_is_refused_in_the_right_words(w: &World) {
    use_test_keys(w).await;
    make_tenant(w, "public", "t1").await;
    let vectors = vectors();
    let good = vectors["expiry_boundary"]["token"].as_str().expect("a token");
    verify(w, "5.6", good, false).await.ok();
    let before = everything(w).await;
    let invalid = vectors["invalid"].as_array().expect("a list");
    assert!(invalid.len() >= 27);
    for case in invalid {
        let token = case["token"].as_str().expect("a token");
        // The Java core fails on this one; here it is a bad signature like any other.
        let mut words =
            if case.get("recommended").is_some() { BAD_SIGNATURE } else { case["message"].as_str().expect("a message") };
        // The Java core looks for the claims of a session in this one, which its maker may have put there.
        if case["name"].as_str().is_some_and(|name| name.starts_with("JWT-recipe token")) {
            words = NO_VERSION;
        }
        for cdi in ["5.4", "5.6"] {
            let answer = verify(w, cdi, token, true).await;
            assert_eq!(answer.says("TRY_REFRESH_TOKEN")["message"], words, "{}", case["name"]);
            is(&answer, "TRY_REFRESH_TOKEN", words);
        }
        assert_eq!(verify(w, "2.9", token, true).await.says("TRY_REFRESH_TOKEN")["message"], words, "{}", case["name"]);
    }
    assert_eq!(everything(w).await, before);
}

async fn a_token_is_only_as_good_as_its_signature(w: &World) {
    let made = create(w, "5.4", "u").await;
    let key = signing_key(w).await;
    let claims = part(&access(&made), 1);
    let own = stored_key(w).await;
    let foreign = if own == test_key("other") { test_key("static") } else { test_key("other") };
    let public = key.verifying().public_base64().to_owned();
    let with_header = |name: &str, value: Value| {
        let mut header = header(key.kid());
        header[name] = value;
        header
    };
    verify(w, "5.6", &rs256(&header(key.kid()), &claims, &own), true).await.ok();
    let before = everything(w).await;

    // A key that the token brings along is no key.
    let jwk = json!({ "kty": "RSA", "kid": key.kid(), "n": "AQAB", "e": "AQAB" });
    let jku = json!("http://127.0.0.1:1/jwks.json");
    for header in [header(key.kid()), with_header("jwk", jwk), with_header("jku", jku.clone()), with_header("x5u", jku)] {
        is(&verify(w, "5.6", &rs256(&header, &claims, &foreign), false).await, "TRY_REFRESH_TOKEN", BAD_SIGNATURE);
    }
    is(&verify(w, "5.6", &rs256(&header("d-1"), &claims, &own), false).await, "TRY_REFRESH_TOKEN", "Key not found");
    let kids = ["", "../../etc/passwd", "' or 1=1 --", "s-"];
    for kid in kids {
        is(&verify(w, "5.6", &rs256(&header(kid), &claims, &own), false).await, "TRY_REFRESH_TOKEN", "Key not found");
    }

    let mismatch = "io.supertokens.session.jwt.JWT$JWTException: JWT header mismatch - alg";
    for algorithm in ["none", "None", "HS256", "RS384", "PS256", "ES256", "rs256", ""] {
        for secret in [public.as_bytes(), own.as_bytes(), b"secret"] {
            let token = hs256(&with_header("alg", json!(algorithm)), &claims, secret);
            is(&verify(w, "5.6", &token, false).await, "TRY_REFRESH_TOKEN", mismatch);
        }
    }
    // The public key as a shared secret, under the right name of the algorithm.
    let confused = hs256(&header(key.kid()), &claims, public.as_bytes());
    is(&verify(w, "5.6", &confused, false).await, "TRY_REFRESH_TOKEN", BAD_SIGNATURE);
    let unsigned = hs256(&with_header("alg", json!("none")), &claims, b"x");
    let end = unsigned.rfind('.').expect("three parts");
    let invalid = "io.supertokens.session.jwt.JWT$JWTException: Invalid JWT";
    is(&verify(w, "5.6", &unsigned[..=end], false).await, "TRY_REFRESH_TOKEN", invalid);
    is(&verify(w, "5.6", &unsigned[..end], false).await, "TRY_REFRESH_TOKEN", invalid);
    assert_eq!(everything(w).await, before);
}

async fn a_token_that_was_touched_is_refused(w: &World) {
    let before = w.clock.now();
    for (cdi, step) in [("2.9", 13), ("2.21", 17), ("5.4", 11)] {
        let token = access(&create(w, cdi, "u").await);
        w.clock.set(before);
        let untouched = everything(w).await;
        for at in (0..token.len() - 3).step_by(step).filter(|at| token.as_bytes()[*at] != b'.') {
            for cdi in ["5.4", "5.6"] {
                verify(w, cdi, &bit_flipped(&token, at), true).await.says("TRY_REFRESH_TOKEN");
            }
        }
        for end in (0..token.len()).step_by(step).chain([token.len() - 4, token.len() - 10]) {
            verify(w, "5.6", &token[..end], true).await.says("TRY_REFRESH_TOKEN");
        }
        for touched in [format!("{token}A.A"), format!("A{token}"), format!(".{token}"), format!("{token} x"), token.repeat(2)] {
            verify(w, "5.6", &touched, true).await.says("TRY_REFRESH_TOKEN");
        }
        assert_eq!(everything(w).await, untouched);
        verify(w, "5.6", &token, true).await.ok();
    }
}

async fn claims_of_the_wrong_type_are_refused(w: &World) {
    let made = create(w, "5.4", "u").await;
    let (key, own) = (signing_key(w).await, stored_key(w).await);
    let claims = part(&access(&made), 1);
    let before = everything(w).await;
    for (claim, values) in [
        ("exp", vec![json!(null), json!("x"), json!({})]),
        ("sub", vec![json!({}), json!([1, 2])]),
        ("sessionHandle", vec![json!({}), json!([])]),
        ("refreshTokenHash1", vec![json!({}), json!([])]),
        ("parentRefreshTokenHash1", vec![json!({})]),
        ("tId", vec![json!({})]),
    ] {
        for value in values {
            let mut claims = claims.clone();
            claims[claim] = value;
            let answer = verify(w, "5.6", &rs256(&header(key.kid()), &claims, &own), false).await;
            assert!(answer.status < 500, "{claim} {}", answer.text);
            assert_ne!(answer.json()["status"], "OK", "{claim}");
        }
    }
    for claims in [json!([]), json!(null), json!("x"), json!({}), json!(1)] {
        verify(w, "5.6", &rs256(&header(key.kid()), &claims, &own), true).await.says("TRY_REFRESH_TOKEN");
    }
    assert_eq!(everything(w).await, before);
}

/// Not even one with all the claims of a session, of one that lives.
async fn a_jwt_of_the_jwt_recipe_is_no_access_token(w: &World) {
    let made = create(w, "5.6", "mallory").await;
    let mut of_a_session = part(&access(&made), 1);
    for (claim, value) in [("sub", json!("admin")), ("rsub", json!("admin")), ("version", json!("5"))] {
        of_a_session[claim] = value;
    }
    let before = everything(w).await;
    for payload in [json!({ "a": 1, "tId": "public" }), of_a_session] {
        for is_static in [false, true] {
            let body = json!({
                "algorithm": "RS256", "jwksDomain": "https://x", "validity": 3600, "payload": payload, "useStaticSigningKey": is_static,
            });
            let jwt = text(&w.post("5.4", "/recipe/jwt", body).await.ok(), "/jwt");
            for cdi in ["2.9", "2.21", "5.4", "5.6"] {
                for check_database in [false, true] {
                    let said = verify(w, cdi, &jwt, check_database).await.says("TRY_REFRESH_TOKEN");
                    assert_eq!(said["message"], NO_VERSION, "{cdi}");
                }
            }
            for payload in [None, Some(json!({ "role": "admin" }))] {
                let mut body = json!({ "accessToken": jwt });
                if let Some(payload) = payload {
                    body["userDataInJWT"] = payload;
                }
                let said = w.post("5.6", "/recipe/session/regenerate", body).await.says("UNAUTHORISED");
                assert_eq!(said["message"], NO_VERSION);
            }
        }
    }
    assert_eq!(everything(w).await, before);
}

async fn wrong_fields_are_named_and_nothing_is_written(w: &World) {
    let made = w.post("5.4", "/recipe/session", with(json!({ "enableAntiCsrf": true }))).await.ok();
    let good = question(&access(&made), true);
    let before = everything(w).await;
    let not_boolean = || vec![json!(null), json!("true"), json!({}), json!([])];
    for (field, values) in [
        ("accessToken", vec![json!(null), json!(1), json!({}), json!([])]),
        ("antiCsrfToken", vec![json!(null), json!(1), json!({})]),
        ("doAntiCsrfCheck", not_boolean()),
        ("enableAntiCsrf", not_boolean()),
        ("checkDatabase", not_boolean()),
    ] {
        let words = format!("Field name '{field}' is invalid in JSON input");
        for cdi in ["2.21", "5.4", "5.6"] {
            for value in &values {
                let mut body = good.clone();
                body[field] = value.clone();
                w.post(cdi, "/recipe/session/verify", body).await.refuses(400, &words);
            }
            if field != "antiCsrfToken" {
                let mut body = good.clone();
                body.as_object_mut().expect("an object").remove(field);
                w.post(cdi, "/recipe/session/verify", body).await.refuses(400, &words);
            }
        }
    }
    for body in ["", "[]", "null", "{", "x", "{\"accessToken\":\"a\"} 1"] {
        w.raw("POST", "/recipe/session/verify", &[("cdi-version", "5.6")], body).await.refuses(400, "Invalid Json Input");
    }
    for token in ["", ".", "..", "...", "a.b.c", "\u{1F600}.b.c", &"x".repeat(100_000), &"a.".repeat(50_000)] {
        verify(w, "5.6", token, true).await.says("TRY_REFRESH_TOKEN");
    }
    assert_eq!(everything(w).await, before);
}

async fn unknown_key_ids_do_not_keep_the_database_busy(w: &World) {
    let made = create(w, "5.4", "u").await;
    let (own, claims) = (stored_key(w).await, part(&access(&made), 1));
    let (trips, ()) = w
        .trips(async {
            for n in 0..50 {
                let token = rs256(&header(&format!("d-{n}")), &claims, &own);
                is(&verify(w, "5.6", &token, false).await, "TRY_REFRESH_TOKEN", "Key not found");
            }
        })
        .await;
    assert!((1..=20).contains(&trips), "{trips}");
    let (trips, verified) = w.trips(verify(w, "5.6", &access(&made), false)).await;
    verified.ok();
    assert_eq!(trips, 0);
}

scenarios!(World:
    every_genuine_token_of_the_vectors_is_accepted,
    every_bad_token_of_the_vectors_is_refused_in_the_right_words,
    a_token_is_only_as_good_as_its_signature,
    a_token_that_was_touched_is_refused,
    claims_of_the_wrong_type_are_refused,
    a_jwt_of_the_jwt_recipe_is_no_access_token,
    wrong_fields_are_named_and_nothing_is_written,
    unknown_key_ids_do_not_keep_the_database_busy,
);

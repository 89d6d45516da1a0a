//! The known answers of the vectors, and attacks: no altered, unsigned or foreign token may pass, and no text may panic.

use super::*;
use crate::session::test_vectors::{self as vectors, Lcg};

const VECTORS: &str = include_str!("../../../../../testkit/vectors/access_tokens.json");
const NOW: Millis = 1_700_000_000_123;
use AccessTokenVersion::{V1, V2, V3, V4, V5};
const VERSIONS: [AccessTokenVersion; 5] = [V1, V2, V3, V4, V5];

fn keys() -> Vec<VerifyingKey> {
    vec![vectors::key("dynamic").verifying(), vectors::key("static").verifying()]
}

fn version(case: &JsonObject) -> AccessTokenVersion {
    let number = vectors::number(case, "version");
    VERSIONS.into_iter().find(|version| i64::from(version.number()) == number).unwrap()
}

fn expected(case: &JsonObject) -> AccessClaims {
    let expect = vectors::object(case, "expect");
    AccessClaims {
        session_handle: SessionHandle::presented(vectors::text(expect, "sessionHandle")),
        user_id: vectors::text(expect, "primaryUserId").into(),
        recipe_user_id: vectors::text(expect, "recipeUserId").into(),
        refresh_token_hash1: vectors::text(expect, "refreshTokenHash1").into(),
        parent_refresh_token_hash1: vectors::optional(expect, "parentRefreshTokenHash1").map(Into::into),
        anti_csrf: vectors::optional(expect, "antiCsrfToken").map(Into::into),
        expires_at: vectors::number(expect, "expiryTimeMs"),
        issued_at: vectors::number(expect, "timeCreatedMs"),
        tenant: TenantId::normalise(vectors::text(expect, "tenantId")),
        payload: vectors::object(expect, "userData").clone(),
    }
}

fn claims() -> AccessClaims {
    AccessClaims {
        session_handle: SessionHandle::presented("h_t1"),
        user_id: "primary".into(),
        recipe_user_id: "recipe".into(),
        refresh_token_hash1: "r".repeat(64),
        parent_refresh_token_hash1: Some("p".repeat(64)),
        anti_csrf: Some("anti".into()),
        expires_at: NOW + 3_600_000,
        issued_at: NOW,
        tenant: TenantId::normalise("t1"),
        payload: JsonObject::parse(r#"{"role":"admin","n":1.0}"#).unwrap(),
    }
}

fn minted(version: AccessTokenVersion) -> String {
    mint(&claims(), version, &vectors::key("dynamic")).unwrap().token
}

fn check(token: &str) -> Result<AccessClaims, VerifyError> {
    verify(token, &keys(), NOW, AntiCsrfCheck::Skip)
}

#[test]
fn valid_tokens_of_the_vectors_verify_and_are_minted_again_byte_for_byte() {
    let file = vectors::file(VECTORS);
    let cases = vectors::array(&file, "valid");
    assert!(cases.len() >= 8);
    for case in cases {
        let (name, token, expected) = (vectors::text(case, "name"), vectors::text(case, "token"), expected(case));
        assert_eq!(check(token).as_ref(), Ok(&expected), "{name}");
        let parsed = parse(token).unwrap();
        assert_eq!(parsed.kid(), vectors::optional(vectors::object(case, "expect"), "kid"), "{name}");
        assert_eq!(parsed.version(), version(case), "{name}");
        let key = vectors::key(vectors::text(case, "sign_key"));
        let unrounded = AccessClaims { expires_at: NOW + 3_600_000, issued_at: NOW, ..expected.clone() };
        let minted = mint(&unrounded, version(case), &key).unwrap();
        assert_eq!(minted.token, token, "{name}");
        assert_eq!((minted.expires_at, minted.issued_at), (expected.expires_at, expected.issued_at), "{name}");
    }
}

#[test]
fn legacy_headers_are_those_of_the_vectors() {
    let file = vectors::file(VECTORS);
    let headers = vectors::object(&file, "legacy_headers");
    assert_eq!((HEADER_V1, HEADER_V2), (vectors::text(headers, "V1"), vectors::text(headers, "V2")));
}

const NO_VERSION: &str = "io.supertokens.session.jwt.JWT$JWTException: JWT header missing - version";

#[test]
fn invalid_tokens_of_the_vectors_are_refused_with_their_messages() {
    let file = vectors::file(VECTORS);
    let cases = vectors::array(&file, "invalid");
    assert!(cases.len() >= 27);
    for case in cases {
        let message = match vectors::optional(case, "recommended") {
            // Upstream looks for the claims of a session in it, and a caller of the JWT recipe may have put them there.
            None if vectors::text(case, "name").starts_with("JWT-recipe token") => NO_VERSION,
            Some(_) => "io.supertokens.session.jwt.JWT$JWTException: JWT verification failed",
            None => vectors::text(case, "message"),
        };
        let refused = check(vectors::text(case, "token")).unwrap_err();
        assert_eq!(refused.to_string(), message, "{}", vectors::text(case, "name"));
        let of_unknown_key = ["unknown kid (after one key reload)", "V2 signed by an unknown key"];
        assert_eq!(refused.may_pass_with_newer_keys(), of_unknown_key.contains(&vectors::text(case, "name")));
    }
}

#[test]
fn a_token_is_good_until_the_last_millisecond() {
    let file = vectors::file(VECTORS);
    let boundary = vectors::object(&file, "expiry_boundary");
    for case in vectors::array(boundary, "cases") {
        let answer = verify(vectors::text(boundary, "token"), &keys(), vectors::number(case, "now"), AntiCsrfCheck::Skip);
        match vectors::optional(case, "message") {
            Some(message) => assert_eq!(answer.unwrap_err().to_string(), message),
            None => assert_eq!(answer.unwrap().expires_at, vectors::number(boundary, "expiryTimeMs")),
        }
    }
}

#[test]
fn responses_round_as_in_the_vectors() {
    let file = vectors::file(VECTORS);
    let rounding = vectors::object(&file, "response_rounding");
    let issued_at = vectors::number(rounding, "minted_at");
    let claims = AccessClaims { issued_at, expires_at: issued_at + vectors::number(rounding, "validity_ms"), ..claims() };
    for (name, version) in [("V2", V2), ("V5", V5)] {
        let minted = mint(&claims, version, &vectors::key("static")).unwrap();
        let expected = vectors::object(rounding, name);
        assert_eq!(minted.issued_at, vectors::number(expected, "createdTime"));
        assert_eq!(minted.expires_at, vectors::number(expected, "expiry"));
    }
}

#[test]
fn a_token_says_what_its_version_can_say() {
    let full = claims();
    for version in VERSIONS {
        let read = check(&minted(version)).unwrap();
        let tenant = if version >= V4 { full.tenant.clone() } else { TenantId::default() };
        let recipe_user_id = if version == V5 { "recipe" } else { "primary" }.to_owned();
        let round = |time: Millis| if version.is_legacy() { time } else { time / 1000 * 1000 };
        let (expires_at, issued_at) = (round(full.expires_at), round(full.issued_at));
        assert_eq!(read, AccessClaims { tenant, recipe_user_id, expires_at, issued_at, ..full.clone() }, "{version:?}");
    }
}

#[test]
fn protected_claims_are_refused_where_the_payload_is_merged() {
    assert_eq!(protected_claims(V3).len(), 7);
    assert_eq!(protected_claims(V4).last(), Some(&"tId"));
    for version in VERSIONS {
        for name in protected_claims(version) {
            let payload = JsonObject::new().with(name, Json::Null);
            assert_eq!(collides(&payload, version), !version.is_legacy(), "{version:?} {name}");
            assert!(collides_strictly(&payload, version), "{version:?} {name}");
            let answer = mint(&AccessClaims { payload, ..claims() }, version, &vectors::key("dynamic"));
            assert_eq!(answer.err(), (!version.is_legacy()).then_some(MintError::ProtectedClaim), "{version:?} {name}");
            let mintable = mintable(&JsonObject::new().with(name, Json::Null), version);
            assert_eq!(mintable.err(), (!version.is_legacy()).then_some(MintError::ProtectedClaim), "{version:?} {name}");
        }
        for name in ["iss", "aud", "nbf", "jti", "stt", "userId"] {
            assert!(!collides(&JsonObject::new().with(name, "x"), version));
        }
    }
    assert_eq!(MintError::ProtectedClaim.to_string(), "The user payload contains protected field");
}

#[test]
fn names_of_later_versions_belong_to_the_user_in_earlier_ones() {
    let payload = JsonObject::new().with("tId", "mine").with("rsub", "too");
    let token = mint(&AccessClaims { payload: payload.clone(), ..claims() }, V3, &vectors::key("dynamic")).unwrap().token;
    let read = check(&token).unwrap();
    assert!(read.tenant.is_default());
    assert_eq!((read.payload, read.recipe_user_id.as_str()), (payload, "primary"));
}

#[test]
fn payloads_are_normalised_from_v3_on_only() {
    let payload = JsonObject::parse(r#"{"aud":["one"],"n":1e3,"l":[1e16]}"#).unwrap();
    for (version, expected) in [(V2, r#"{"aud":["one"],"n":1e3,"l":[1e16]}"#), (V5, r#"{"aud":"one","n":1000.0,"l":[1.0E16]}"#)] {
        let token =
            mint(&AccessClaims { payload: payload.clone(), ..claims() }, version, &vectors::key("dynamic")).unwrap().token;
        assert_eq!(check(&token).unwrap().payload.to_text(), expected);
    }
    let payload = JsonObject::parse(r#"{"a":{"b":99999999999999999999}}"#).unwrap();
    let refused = mint(&AccessClaims { payload, ..claims() }, V5, &vectors::key("dynamic")).unwrap_err();
    assert_eq!(refused, MintError::NumberTooLarge);
}

#[test]
fn what_is_called_mintable_can_be_minted_and_nothing_else() {
    for (payload, fits) in [
        (r#"{"n":9223372036854775807,"d":1e308,"deep":[{"aud":[1]}]}"#, true),
        (r#"{"n":9223372036854775808}"#, false),
        (r#"{"n":1e999}"#, false),
        (r#"{"deep":[{"aud":[123456789012345678901234567890]}]}"#, false),
        (r#"{"aud":[1e999,"a"]}"#, true),
        (r#"{"aud":1e999}"#, true),
    ] {
        let payload = JsonObject::parse(payload).unwrap();
        for version in VERSIONS {
            let minted = mint(&AccessClaims { payload: payload.clone(), ..claims() }, version, &vectors::key("dynamic"));
            assert_eq!(mintable(&payload, version), minted.map(drop), "{version:?} {}", payload.to_text());
            assert_eq!(mintable(&payload, version).is_ok(), fits || version.is_legacy(), "{version:?} {}", payload.to_text());
        }
    }
}

#[test]
fn the_anti_csrf_token_is_compared_last() {
    let token = minted(V5);
    let ask = |given, now| verify(&token, &keys(), now, AntiCsrfCheck::new(true, true, given));
    assert!(ask(Some("anti"), NOW).is_ok());
    assert_eq!(ask(Some("other"), NOW).unwrap_err().to_string(), "anti-csrf check failed");
    assert_eq!(ask(None, NOW).unwrap_err().to_string(), "anti-csrf check failed");
    assert_eq!(ask(None, i64::MAX).unwrap_err(), VerifyError::Expired);
    let without = mint(&AccessClaims { anti_csrf: None, ..claims() }, V5, &vectors::key("dynamic")).unwrap().token;
    let refused = verify(&without, &keys(), NOW, AntiCsrfCheck::new(true, true, Some("anti"))).unwrap_err();
    assert_eq!(refused.to_string(), "Access token does not contain all the information. Maybe the structure has changed?");
}

#[test]
fn claims_of_the_wrong_type_are_refused() {
    let key = vectors::key("dynamic");
    let good = r#"{"iat":1,"exp":2,"sub":"s","tId":"public","rsub":"r","sessionHandle":"h","refreshTokenHash1":"x","parentRefreshTokenHash1":null,"antiCsrfToken":null}"#;
    let changes = [
        (r#""sub":"s""#, r#""sub":null"#, "sub"),
        (r#""exp":2"#, r#""exp":"2""#, "exp"),
        (r#""exp":2"#, r#""exp":9223372036854775807"#, "exp"),
        (r#""iat":1"#, r#""iat":1e300"#, "iat"),
        (r#""antiCsrfToken":null"#, r#""antiCsrfToken":5"#, "antiCsrfToken"),
        (r#""tId":"public""#, r#""tId":[]"#, "tId"),
        (r#""tId":"public""#, r#""tId":"a\u0000b""#, "tId"),
        (r#""sessionHandle":"h""#, r#""sessionHandle":"\u0000""#, "sessionHandle"),
    ];
    for (from, to, name) in changes {
        let token = sign(key.access_header(V5), &good.replace(from, to), &URL_SAFE_NO_PAD, &key).unwrap();
        assert_eq!(check(&token).unwrap_err(), VerifyError::Token(AccessTokenError::MissingClaim(name)));
    }
    for body in ["[]", "null", "{", "", "{\"sub\":1} x"] {
        let token = sign(key.access_header(V5), body, &URL_SAFE_NO_PAD, &key).unwrap();
        let refused = check(&token).unwrap_err();
        let text = "io.supertokens.session.jwt.JWT$JWTException: Invalid JWT";
        assert_eq!(refused.to_string(), text, "{body}");
    }
}

/// A token with this header, a good body, and this signature.
fn forged(header: &str, signature: &[u8]) -> String {
    let body = minted(V5);
    let body = body.split('.').nth(1).unwrap();
    format!("{}.{body}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn the_algorithm_is_never_taken_from_the_token() {
    let kid = "d-1700000000000";
    for alg in ["none", "None", "", "HS256", "RS512", "PS256", "ES256", "rs256"] {
        let header = format!(r#"{{"kid":"{kid}","typ":"JWT","version":"5","alg":"{alg}"}}"#);
        for signature in [b"".as_slice(), b"x", &[0; 256]] {
            assert!(check(&forged(&header, signature)).is_err(), "{alg}");
        }
    }
    // An HMAC with the public key for its secret, in every form the key is published in.
    let key = vectors::key("dynamic").verifying();
    for alg in ["HS256", "RS256"] {
        let header = format!(r#"{{"kid":"{kid}","typ":"JWT","version":"5","alg":"{alg}"}}"#);
        let unsigned = forged(&header, b"");
        let unsigned = unsigned.trim_end_matches('.');
        let spki = STANDARD.decode(key.public_base64()).unwrap();
        for secret in [key.public_base64().as_bytes(), &spki, key.jwk().to_text().as_bytes()] {
            let hmac_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
            let tag = aws_lc_rs::hmac::sign(&hmac_key, unsigned.as_bytes());
            assert!(check(&format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))).is_err());
        }
    }
}

#[test]
fn a_key_that_a_token_brings_along_is_no_key() {
    let attacker = vectors::key("other");
    let jwk = attacker.verifying().jwk().to_text();
    for extra in
        [format!(r#""jwk":{jwk}"#), r#""jku":"https://evil.example/jwks.json""#.into(), r#""x5u":"https://evil.example""#.into()]
    {
        let header = format!(r#"{{"kid":"d-1700000000000","typ":"JWT","version":"5","alg":"RS256",{extra}}}"#);
        let body = minted(V5);
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), body.split('.').nth(1).unwrap());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(attacker.sign(&signed).unwrap()));
        assert_eq!(check(&token).unwrap_err(), VerifyError::BadSignature);
    }
}

#[test]
fn of_duplicate_header_names_the_last_counts() {
    let key = vectors::key("dynamic");
    let token = |header: &str| {
        let header = URL_SAFE_NO_PAD.encode(header);
        let body = minted(V5);
        let signed = format!("{header}.{}", body.split('.').nth(1).unwrap());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(&signed).unwrap()))
    };
    let good_last = token(r#"{"kid":"x","alg":"none","typ":"JWT","version":"5","alg":"RS256","kid":"d-1700000000000"}"#);
    assert!(check(&good_last).is_ok());
    let bad_last = token(r#"{"kid":"d-1700000000000","alg":"RS256","typ":"JWT","version":"5","alg":"none"}"#);
    assert!(check(&bad_last).is_err());
}

#[test]
fn a_signature_does_not_travel_between_versions_or_keys() {
    // V5 under a legacy header, and legacy under a V5 header, with the signatures they came with.
    let (modern, legacy) = (minted(V5), minted(V2));
    let part = |token: &str, n| token.split('.').nth(n).unwrap().to_owned();
    for token in [
        format!("{HEADER_V2}.{}.{}", part(&modern, 1), part(&modern, 2)),
        format!("{}.{}.{}", part(&modern, 0), part(&legacy, 1), part(&legacy, 2)),
        format!("{HEADER_V1}.{}.{}", part(&legacy, 1), part(&legacy, 2)),
    ] {
        assert!(check(&token).is_err());
    }
    let only_static = [vectors::key("static").verifying()];
    assert_eq!(verify(&modern, &only_static, NOW, AntiCsrfCheck::Skip).unwrap_err(), VerifyError::UnknownKey);
    assert_eq!(verify(&legacy, &only_static, NOW, AntiCsrfCheck::Skip).unwrap_err(), VerifyError::NoKeyFits);
    assert!(verify(&modern, &[], NOW, AntiCsrfCheck::Skip).is_err());
}

#[test]
fn no_flipped_bit_and_no_truncation_verifies() {
    for version in [V2, V5] {
        let token = minted(version);
        for at in 0..token.len() {
            // One bit of each character, and each bit of the last ones: they spell bits that mean nothing.
            let bits = if at + 4 < token.len() { at % 7..at % 7 + 1 } else { 0..7 };
            for bit in bits {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                assert!(check(&String::from_utf8(bytes).unwrap()).is_err(), "{version:?}: bit {bit} of byte {at}");
            }
            assert!(check(&token[..at]).is_err(), "{version:?}: cut at {at}");
        }
    }
}

#[test]
fn thousands_of_mutations_neither_verify_nor_panic() {
    let mut dice = Lcg(20_240_229);
    let keys = keys();
    let mut reached_the_signature = 0;
    for version in VERSIONS {
        let token = minted(version);
        for _ in 0..3_000 {
            let mutant = dice.mutate(&token);
            let same = mutant.trim_end_matches('.') == token;
            let answer = verify(&mutant, &keys, NOW, AntiCsrfCheck::Skip);
            assert_eq!(answer.is_ok(), same, "{mutant}");
            reached_the_signature += usize::from(answer == Err(VerifyError::BadSignature));
            if let Ok(parsed) = parse(&mutant) {
                let _ = parsed.claims();
            }
        }
    }
    assert!(reached_the_signature > 1_000, "the mutations do not reach the signature: {reached_the_signature}");
}

#[test]
fn debug_shows_no_token() {
    let minted = mint(&claims(), V5, &vectors::key("dynamic")).unwrap();
    let shown = format!("{minted:?} {:?}", parse(&minted.token).unwrap());
    assert!(minted.token.split('.').all(|part| !shown.contains(part)));
    let check = AntiCsrfCheck::new(true, true, Some("anti"));
    let shown = format!("{:?} {check:?}", claims());
    for secret in ["\"anti\"", "rrrr", "pppp", "admin"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_parsing_panic(text in "\\PC{0,120}(\\.\\PC{0,40}){0,3}") {
        if let Ok(parsed) = parse(&text) {
            let _ = parsed.claims();
        }
        proptest::prop_assert!(check(&text).is_err());
    }

    #[test]
    fn no_header_or_body_makes_parsing_panic(header in "\\PC{0,80}", body in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
        for header in [URL_SAFE_NO_PAD.encode(&header), HEADER_V1.to_owned()] {
            if let Ok(parsed) = parse(&format!("{header}.{}.c2ln", URL_SAFE_NO_PAD.encode(&body))) {
                let _ = parsed.claims();
            }
        }
    }
}

//! The known answers of the vectors, and attacks: no altered token may open to other claims, and no text may panic.

use super::*;
use crate::session::hash::{hash1, hash2};
use crate::session::test_vectors::{self as vectors, Lcg};

fn file() -> JsonObject {
    vectors::file(include_str!("../../../../../testkit/vectors/refresh_tokens.json"))
}

fn key() -> RefreshKey {
    let file = file();
    let made = vectors::object(&file, "master_key_generation");
    RefreshKey::generate(&vectors::bytes(made, "random_64_bytes_hex"), &vectors::bytes(made, "salt_64_bytes_hex"))
}

fn claims() -> RefreshClaims {
    RefreshClaims {
        session_handle: SessionHandle::presented("11111111-2222-4333-8444-555555555555_t1"),
        user_id: "user=<é>".into(),
        parent_hash1: Some(hash1("parent")),
        nonce: nonce_from_uuid("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        anti_csrf: Some("anti".into()),
        tenant: TenantId::normalise("t1"),
    }
}

#[test]
fn keys_and_nonces_are_those_of_the_vectors() {
    let file = file();
    assert_eq!(key().stored(), vectors::text(vectors::object(&file, "master_key_generation"), "result"));
    let nonce = vectors::object(&file, "nonce_derivation");
    assert_eq!(nonce_from_uuid(vectors::text(nonce, "uuid")), vectors::text(nonce, "nonce"));
    let derived_key = vectors::object(&file, "derived_key_for_iv");
    let iv: [u8; IV] = vectors::bytes(derived_key, "iv_hex");
    let expected: [u8; 32] = vectors::bytes(derived_key, "aes_key_hex");
    assert_eq!(derived::<32>(TOKEN_ROUNDS, &iv, &key().stored).expose(), &expected);
}

#[test]
fn valid_tokens_of_the_vectors_open() {
    let file = file();
    let cases = vectors::array(&file, "valid");
    assert!(cases.len() >= 6);
    for case in cases {
        let (name, token) = (vectors::text(case, "name"), vectors::text(case, "token"));
        let (claims, expect) = (open(token, &key()).unwrap(), vectors::object(case, "expect"));
        assert_eq!(claims.session_handle.as_str(), vectors::text(expect, "sessionHandle"), "{name}");
        if case.contains("iv_hex") {
            assert_eq!(claims.user_id, vectors::text(expect, "userId"), "{name}");
            assert_eq!(claims.parent_hash1.as_deref(), vectors::optional(expect, "parentRefreshTokenHash1"), "{name}");
            assert_eq!(claims.anti_csrf.as_deref(), vectors::optional(expect, "antiCsrfToken"), "{name}");
            assert_eq!(claims.tenant.as_str(), vectors::text(expect, "tenantId"), "{name}");
            assert_eq!(seal(&claims, &key(), vectors::bytes(case, "iv_hex")).unwrap(), token, "{name}");
            assert_eq!(hash1(token), vectors::text(case, "hash1"), "{name}");
            assert_eq!(hash2(token), vectors::text(case, "hash2"), "{name}");
        }
    }
}

#[test]
fn invalid_tokens_of_the_vectors_are_refused_with_their_messages() {
    let file = file();
    let cases = vectors::array(&file, "invalid");
    assert!(cases.len() >= 10);
    for case in cases {
        let expected = vectors::text(case, "java_message");
        // The vector leaves the rest of this one text open.
        let expected = expected.split(": null-or-empty").next().unwrap();
        let refused = open(vectors::text(case, "token"), &key()).unwrap_err();
        assert_eq!(refused.to_string(), expected, "{}", vectors::text(case, "name"));
    }
}

#[test]
fn odd_spellings_of_a_token_still_open() {
    let token = seal(&claims(), &key(), [7; IV]).unwrap();
    let (sealed, rest) = token.split_once('.').unwrap();
    for spelling in [format!("{token}."), format!("{token}..."), format!("{}.{rest}", sealed.trim_end_matches('='))] {
        assert_eq!(open(&spelling, &key()), Ok(claims()));
    }
}

#[test]
fn another_key_opens_nothing() {
    let token = seal(&claims(), &key(), [7; IV]).unwrap();
    assert_eq!(open(&token, &RefreshKey::from_stored("another".into())), Err(RefreshTokenError::Tampered));
    assert_eq!(open(&token, &RefreshKey::from_stored(String::new())), Err(RefreshTokenError::Tampered));
}

#[test]
fn sealed_text_that_is_no_refresh_token_is_invalid() {
    let (key, nonce) = (key(), nonce_from_uuid("u"));
    let odd = [
        "",
        "null",
        "[]",
        "{",
        "\u{feff}{}",
        r#"{"sessionHandle":"h","userId":"u"}"#,
        r#"{"sessionHandle":"h","userId":5,"nonce":"NONCE"}"#,
        r#"{"sessionHandle":null,"userId":"u","nonce":"NONCE"}"#,
        r#"{"sessionHandle":"h","userId":"u","nonce":["NONCE"]}"#,
    ];
    let sealed = |plain: &[u8]| {
        let (iv, mut plain) = ([9; IV], plain.to_vec());
        let made = key.for_iv(iv).unwrap();
        made.seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut plain).unwrap();
        format!("{}.{nonce}.V2", STANDARD.encode([iv.as_slice(), &plain].concat()))
    };
    for plain in odd {
        assert_eq!(open(&sealed(plain.replace("NONCE", &nonce).as_bytes()), &key), Err(RefreshTokenError::Invalid), "{plain}");
    }
    assert_eq!(open(&sealed(b"\xff\xfe"), &key), Err(RefreshTokenError::Invalid));
    // Escapes as upstream writes them are ordinary JSON.
    let escaped = r#"{"sessionHandle":"h","userId":"a\u003db","nonce":"NONCE","tenantId":null}"#.replace("NONCE", &nonce);
    let claims = open(&sealed(escaped.as_bytes()), &key).unwrap();
    assert_eq!((claims.user_id.as_str(), claims.tenant.is_default()), ("a=b", true));
}

#[test]
fn oddities_of_form_have_their_names() {
    let key = key();
    let refused = |token: &str| open(token, &key).unwrap_err();
    for token in ["", ".", "...", "V3", "a.b.V22", "a.b.", "é.é.é"] {
        assert_eq!(refused(token), RefreshTokenError::UnknownVersion, "{token}");
    }
    assert_eq!(refused("V2"), RefreshTokenError::Parts(1));
    assert_eq!(refused(&format!("{}V2", ".".repeat(100_000))), RefreshTokenError::Parts(100_001));
    assert_eq!(refused(".n.V2"), RefreshTokenError::TooShort);
    assert_eq!(refused(&format!("{}.n.V2", STANDARD.encode([0; IV + TAG - 1]))), RefreshTokenError::TooShort);
    assert_eq!(refused(&format!("{}.n.V2", STANDARD.encode([0; IV + TAG]))), RefreshTokenError::Tampered);
    assert_eq!(refused("AAAAA.n.V2"), RefreshTokenError::BadBase64End);
    assert_eq!(refused("AA=A.n.V2"), RefreshTokenError::BadBase64End);
}

#[test]
fn thousands_of_mutations_open_to_the_same_claims_or_not_at_all() {
    let mut dice = Lcg(20_240_301);
    let (key, claims) = (key(), claims());
    let token = seal(&claims, &key, [1; IV]).unwrap();
    let mut opened = 0;
    for _ in 0..10_000 {
        if let Ok(read) = open(&dice.mutate(&token), &key) {
            assert_eq!(read, claims);
            opened += 1;
        }
    }
    assert!(opened < 1_000, "{opened} of 10000 opened: the mutations do not reach the seal");
}

#[test]
fn no_flipped_bit_of_the_sealed_bytes_opens() {
    let (key, claims) = (key(), claims());
    let token = seal(&claims, &key, [1; IV]).unwrap();
    let (sealed, rest) = token.split_once('.').unwrap();
    let sealed = STANDARD.decode(sealed).unwrap();
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1 << (at % 8);
        assert_eq!(open(&format!("{}.{rest}", STANDARD.encode(flipped)), &key), Err(RefreshTokenError::Tampered));
        assert!(open(&format!("{}.{rest}", STANDARD.encode(&sealed[..at])), &key).is_err());
    }
}

#[test]
fn debug_shows_neither_key_nor_token() {
    let shown = format!("{:?} {:?}", key(), claims());
    for secret in [key().stored(), "anti\"", &claims().nonce, &hash1("parent")] {
        assert!(!shown.contains(secret));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_opening_panic(text in "\\PC{0,100}(\\.\\PC{0,40}){0,2}(\\.V[0-3])?") {
        proptest::prop_assert!(open(&text, &RefreshKey::from_stored("k".into())).is_err());
    }

    #[test]
    fn what_is_sealed_opens(
        handle in "\\PC{1,60}", user in "\\PC{0,60}", parent in proptest::option::of("[0-9a-f]{64}"),
        anti_csrf in proptest::option::of("\\PC{0,40}"), tenant in "[a-z0-9-]{0,12}", iv in proptest::array::uniform12(proptest::num::u8::ANY)
    ) {
        let claims = RefreshClaims {
            session_handle: SessionHandle::presented(handle),
            user_id: user,
            parent_hash1: parent,
            nonce: nonce_from_uuid("u"),
            anti_csrf,
            tenant: TenantId::normalise(&tenant),
        };
        let key = RefreshKey::from_stored("k".into());
        let token = seal(&claims, &key, iv).unwrap();
        proptest::prop_assert_eq!(open(&token, &key), Ok(claims));
    }
}

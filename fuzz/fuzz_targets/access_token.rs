//! No text makes reading an access token panic, and none verifies but the tokens that were really signed.
//!
//! The first byte chooses: the rest is a whole token, or header and claims before they are encoded, so that the fuzzer does not
//! have to learn base64.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{parse, verify};
use supertokens_domain::session::anti_csrf::AntiCsrfCheck;
use supertokens_domain::session::signing_key::{SigningKey, VerifyingKey};

const LEGACY_HEADER: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0=";
const KEYS: &str = include_str!("../../testkit/vectors/rsa_test_keys.json");
const TOKENS: &str = include_str!("../../testkit/vectors/access_tokens.json");

static KNOWN: LazyLock<(Vec<VerifyingKey>, Vec<String>)> = LazyLock::new(|| {
    let file = JsonObject::parse(KEYS).unwrap();
    let text = |of: &JsonObject, name: &str| of.get(name).unwrap().as_str().unwrap().to_owned();
    let key = |name| {
        let key = file.get(name).unwrap().as_object().unwrap();
        SigningKey::from_stored(&text(key, "kid"), &text(key, "storage_string")).unwrap().verifying()
    };
    let tokens = JsonObject::parse(TOKENS).unwrap();
    let valid = tokens.get("valid").unwrap().as_array().unwrap().iter();
    (vec![key("dynamic"), key("static")], valid.map(|case| text(case.as_object().unwrap(), "token")).collect())
});

fn check(token: &str) {
    let (keys, signed) = &*KNOWN;
    if let Ok(parsed) = parse(token) {
        let _ = parsed.claims();
    }
    if verify(token, keys, 0, AntiCsrfCheck::Skip).is_ok() {
        assert!(signed.iter().any(|signed| signed == token.trim_end_matches('.')), "an unsigned token verifies");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice % 3 {
        0 => check(&String::from_utf8_lossy(rest)),
        1 => check(&format!("{LEGACY_HEADER}.{}.c2ln", STANDARD.encode(rest))),
        _ => {
            let mut halves = rest.splitn(2, |byte| *byte == 0);
            let (header, claims) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            check(&format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)));
        }
    }
});

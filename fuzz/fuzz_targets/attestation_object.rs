//! No bytes make reading an attestation object panic, and whatever is read of it, no registration of a made-up key comes of it unless
//! the statement's signature was looked at.
//!
//! The first byte chooses: the rest is the whole object, or the members that stand before the data of a good registration.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use supertokens_domain::json::JsonObject;
use supertokens_domain::webauthn::attestation::{Attestation, AttestationObject};
use supertokens_domain::webauthn::claimed::Claimed;
use supertokens_domain::webauthn::signed::Verdict;
use supertokens_domain::webauthn::{Expected, UserVerification, registration};

const VECTORS: &str = include_str!("../../testkit/vectors/webauthn_registrations.json");

/// The first registration of the vectors, its options, and its authenticator data as CBOR with its name.
static GOOD: LazyLock<(JsonObject, Expected, Vec<u8>)> = LazyLock::new(|| {
    let file = JsonObject::parse(VECTORS).unwrap();
    let case = file.get("cases").unwrap().as_array().unwrap()[0].as_object().unwrap();
    let options = case.get("options").unwrap().as_object().unwrap();
    let text = |name: &str| options.get(name).unwrap().as_str().unwrap().to_owned();
    let expected = Expected {
        challenge: text("challenge"),
        origin: text("origin"),
        rp_id: text("relyingPartyId"),
        user_verification: UserVerification::Preferred,
        user_presence: false,
        algorithms: None,
    };
    let credential = case.get("credential").unwrap().as_object().unwrap().clone();
    let response = credential.get("response").unwrap().as_object().unwrap();
    let object = URL_SAFE_NO_PAD.decode(response.get("attestationObject").unwrap().as_str().unwrap()).unwrap();
    let at = object.windows(9).position(|part| part == b"\x68authData").unwrap();
    (credential, expected, object[at..].to_vec())
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let (credential, expected, behind) = &*GOOD;
    let object = match choice % 2 {
        0 => rest.to_vec(),
        _ => [&b"\xa3"[..], rest, behind].concat(),
    };
    let _ = AttestationObject::read(&object);
    let mut credential = credential.clone();
    let response = credential.get("response").unwrap().as_object().unwrap().clone();
    credential.insert("response", response.with("attestationObject", URL_SAFE_NO_PAD.encode(&object)));
    let Ok(decided) = registration::decide(&Claimed::read(&credential).unwrap(), expected) else { return };
    let mut asked = false;
    let settled = decided.settle(|_| {
        asked = true;
        Verdict::Holds
    });
    let signed = matches!(settled.unwrap().attestation, Attestation::SelfSigned | Attestation::Certified);
    assert_eq!(asked, signed, "a signature was passed over");
});

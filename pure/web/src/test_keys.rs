//! The fixed test keys of the vectors, for tests: verifying as the SDK gets them, and signing whatever a test wants signed.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use supertokens_domain::session::signing_key::{SigningKey, VerifyingKey};

/// The `kid` of the key `dynamic`.
pub(crate) const DYNAMIC_KID: &str = "d-1700000000000";

fn key(name: &str) -> Value {
    let keys: Value = serde_json::from_str(include_str!("../../../testkit/vectors/rsa_test_keys.json")).unwrap();
    keys[name].clone()
}

/// A key as the core has it: `dynamic`, `static` or `other`.
pub(crate) fn signing(name: &str) -> SigningKey {
    let key = key(name);
    SigningKey::from_stored(key["kid"].as_str().unwrap(), key["storage_string"].as_str().unwrap()).unwrap()
}

/// A key as the core publishes it.
pub(crate) fn published(name: &str) -> VerifyingKey {
    let key = key(name);
    let text = |name: &str| key["jwk"][name].as_str().unwrap().to_owned();
    VerifyingKey::from_jwk(&text("kid"), &text("n"), &text("e")).unwrap()
}

/// A PKCS#1 v1.5 signature by the key `dynamic`.
pub(crate) fn sign(message: &str) -> Vec<u8> {
    sign_as(message, &RSA_PKCS1_SHA256)
}

/// A PSS signature by the key `dynamic`.
pub(crate) fn sign_pss(message: &str) -> Vec<u8> {
    sign_as(message, &RSA_PSS_SHA256)
}

fn sign_as(message: &str, encoding: &'static dyn RsaEncoding) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(key("dynamic")["pri"].as_str().unwrap()).unwrap()).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    signature
}

/// A token of this header and payload, signed by the key `dynamic`.
pub(crate) fn token(header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(sign(&signed)))
}

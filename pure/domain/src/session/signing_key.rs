//! Keys that sign tokens and keys that check them: from the text in the tables to a parsed key, and on to a JWK
//! (core-session.md 5.1, 5.4).
//!
//! A key is parsed once and kept; parsing costs more than a signature. RS256 is the only algorithm, and it belongs to the
//! key: nothing that a token says can change it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{PublicKey, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_NO_PAD};

use crate::json::JsonObject;
use crate::secret::Secret;
use crate::session::token_version::{AccessTokenVersion, HEADER_V1, HEADER_V2};

/// A private key with its public half. Cheap to clone.
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Signing>,
}

struct Signing {
    pair: RsaKeyPair,
    verifying: VerifyingKey,
    /// Encoded headers of access tokens V3, V4 and V5.
    access_headers: [String; 3],
    /// Encoded header of the JWT recipe.
    jwt_header: String,
}

/// A public key under its name. Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey {
    inner: Arc<Verifying>,
}

struct Verifying {
    kid: String,
    parsed: ParsedPublicKey,
    /// The SubjectPublicKeyInfo, in standard base64, as it is stored.
    stored: String,
    modulus: String,
    exponent: String,
}

/// Why a stored key is of no use. Never shows the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// No separator: a symmetric key, to be ignored.
    #[error("a symmetric key")]
    Symmetric,
    /// One of the halves is not base64.
    #[error("not base64")]
    NotBase64,
    /// Not an RSA key of at least 2048 bits.
    #[error("not an RSA key of 2048 bits or more")]
    NotRsa,
    /// The two halves do not belong together.
    #[error("the public key is not that of the private key")]
    Mismatch,
}

/// The library refused to sign. With a parsed key this only happens when memory runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signing failed")]
pub struct SigningFailed;

impl SigningKey {
    /// Reads a key as the tables have it: public, `|` (or `;` in old rows), private.
    pub fn from_stored(kid: &str, stored: &str) -> Result<Self, BadKey> {
        let (public, private) = stored.split_once(['|', ';']).ok_or(BadKey::Symmetric)?;
        let (verifying, public) = VerifyingKey::from_base64(kid, public)?;
        let private = Secret::new(STANDARD_PAD_INDIFFERENT.decode(private.trim()).map_err(|_| BadKey::NotBase64)?);
        let pair = RsaKeyPair::from_pkcs8(private.expose()).map_err(|_| BadKey::NotRsa)?;
        if pair.public_key().as_ref() != public.as_ref() {
            return Err(BadKey::Mismatch);
        }
        let header = |version: Option<AccessTokenVersion>| {
            let version = version.map(|version| version.number().to_string());
            let header = JsonObject::new().with("kid", kid).with("typ", "JWT").with_some("version", version).with("alg", "RS256");
            URL_SAFE_NO_PAD.encode(header.to_text())
        };
        use AccessTokenVersion::{V3, V4, V5};
        let access_headers = [header(Some(V3)), header(Some(V4)), header(Some(V5))];
        Ok(Self { inner: Arc::new(Signing { pair, verifying, access_headers, jwt_header: header(None) }) })
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        self.inner.verifying.kid()
    }

    /// The public half.
    pub fn verifying(&self) -> VerifyingKey {
        self.inner.verifying.clone()
    }

    /// The encoded header of an access token signed with this key; V1 and V2 have fixed ones that do not name it.
    pub(crate) fn access_header(&self, version: AccessTokenVersion) -> &str {
        let [v3, v4, v5] = &self.inner.access_headers;
        match version {
            AccessTokenVersion::V1 => HEADER_V1,
            AccessTokenVersion::V2 => HEADER_V2,
            AccessTokenVersion::V3 => v3,
            AccessTokenVersion::V4 => v4,
            AccessTokenVersion::V5 => v5,
        }
    }

    /// The encoded header of a token of the JWT recipe.
    pub(crate) fn jwt_header(&self) -> &str {
        &self.inner.jwt_header
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256: the same message always gives the same signature.
    pub(crate) fn sign(&self, message: &str) -> Result<Vec<u8>, SigningFailed> {
        // The call copies into a buffer of exactly this length, and would panic on any other. It uses no random numbers.
        let mut signature = vec![0; self.inner.pair.public_modulus_len()];
        self.inner
            .pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| SigningFailed)?;
        Ok(signature)
    }
}

impl VerifyingKey {
    /// The key, and its two numbers in the form in which halves of a pair can be compared.
    fn from_base64(kid: &str, stored: &str) -> Result<(Self, PublicKey), BadKey> {
        let stored = stored.trim();
        let der = STANDARD_PAD_INDIFFERENT.decode(stored).map_err(|_| BadKey::NotBase64)?;
        let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der).map_err(|_| BadKey::NotRsa)?;
        let key = PublicKey::from_der(&der).map_err(|_| BadKey::NotRsa)?;
        let (modulus, exponent) = numbers(key.as_ref()).ok_or(BadKey::NotRsa)?;
        if modulus.len() < 256 {
            return Err(BadKey::NotRsa);
        }
        let (modulus, exponent) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
        let inner = Arc::new(Verifying { kid: kid.to_owned(), parsed, stored: stored.to_owned(), modulus, exponent });
        Ok((Self { inner }, key))
    }

    /// A published key: its name, and modulus and exponent as a JWK spells them. An encoding that RFC 7518 6.3.1 forbids
    /// (padding, the other alphabet, stray bits at the end, zeros in front) is refused, and so are fewer than 2048 bits.
    pub fn from_jwk(kid: &str, n: &str, e: &str) -> Result<Self, BadKey> {
        let number = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| BadKey::NotBase64);
        let numbers = PublicKeyComponents { n: number(n)?, e: number(e)? };
        let der: PublicKeyX509Der<'_> = numbers.as_der().map_err(|_| BadKey::NotRsa)?;
        Ok(Self::from_base64(kid, &STANDARD.encode(der.as_ref()))?.0)
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.inner.kid
    }

    /// The public key as clients before CDI 2.21 get it (`jwtSigningPublicKey`): SubjectPublicKeyInfo in standard base64.
    pub fn public_base64(&self) -> &str {
        &self.inner.stored
    }

    /// The key as a JWK.
    pub fn jwk(&self) -> JsonObject {
        JsonObject::new()
            .with("kty", "RSA")
            .with("kid", self.kid())
            .with("n", self.inner.modulus.as_str())
            .with("e", self.inner.exponent.as_str())
            .with("alg", "RS256")
            .with("use", "sig")
    }

    /// Is this an RS256 signature of the message by this key?
    pub fn verifies(&self, message: impl AsRef<[u8]>, signature: &[u8]) -> bool {
        self.inner.parsed.verify_sig(message.as_ref(), signature).is_ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// The text under which a new key is stored.
pub fn stored_from_der(spki_der: &[u8], pkcs8_der: &[u8]) -> Secret<String> {
    // Sized beforehand, so that no half-written copy of the private key stays behind in freed memory.
    let mut stored = String::with_capacity((spki_der.len() + pkcs8_der.len()) / 3 * 4 + 16);
    STANDARD.encode_string(spki_der, &mut stored);
    stored.push('|');
    STANDARD.encode_string(pkcs8_der, &mut stored);
    Secret::new(stored)
}

/// Modulus and exponent, without leading zeros, of an RSAPublicKey: a DER sequence of two integers.
fn numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (0x30, body, []) = element(der)? else { return None };
    let (0x02, modulus, rest) = element(body)? else { return None };
    let (0x02, exponent, []) = element(rest)? else { return None };
    Some((unsigned(modulus), unsigned(exponent)))
}

fn unsigned(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.get(zeros..).unwrap_or_default()
}

/// Splits off the first DER element: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = der else { return None };
    let (length, rest) = match length {
        short @ 0..=0x7f => (usize::from(*short), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::session::test_vectors as vectors;

    const KEYS: &str = include_str!("../../../../testkit/vectors/rsa_test_keys.json");
    const JWKS: &str = include_str!("../../../../testkit/vectors/jwks.json");

    #[test]
    fn both_stored_forms_give_the_jwk_of_the_vectors() {
        let keys = vectors::file(KEYS);
        for name in ["dynamic", "static", "other"] {
            let key = vectors::object(&keys, name);
            for form in ["storage_string", "storage_string_legacy"] {
                let parsed = SigningKey::from_stored(vectors::text(key, "kid"), vectors::text(key, form)).unwrap();
                assert_eq!(parsed.verifying().jwk().to_text(), vectors::object(key, "jwk").to_text());
                assert_eq!(parsed.verifying().public_base64(), vectors::text(key, "pub"));
            }
        }
    }

    #[test]
    fn rows_of_the_tables_become_the_jwks_of_the_vectors() {
        let file = vectors::file(JWKS);
        let mut keys: Vec<Json> = Vec::new();
        for row in vectors::array(&file, "dynamic_keys") {
            let kid = format!("d-{}", vectors::number(row, "created_at_time"));
            keys.push(SigningKey::from_stored(&kid, vectors::text(row, "value")).unwrap().verifying().jwk().into());
        }
        for row in vectors::array(&file, "static_keys") {
            let key = SigningKey::from_stored(vectors::text(row, "key_id"), vectors::text(row, "key_string")).unwrap();
            keys.push(key.verifying().jwk().into());
        }
        let body = JsonObject::new().with("keys", keys);
        assert_eq!(body.to_text(), vectors::object(&file, "well_known_body").to_text());
        assert_eq!(body.with("status", "OK").to_text(), vectors::object(&file, "recipe_jwks_body").to_text());
    }

    #[test]
    fn a_key_read_from_its_jwk_is_the_same_key() {
        for name in ["dynamic", "static", "other"] {
            let key = vectors::key(name);
            let jwk = key.verifying().jwk();
            let read = VerifyingKey::from_jwk(key.kid(), vectors::text(&jwk, "n"), vectors::text(&jwk, "e")).unwrap();
            assert_eq!(read.jwk().to_text(), jwk.to_text());
            assert_eq!(read.public_base64(), key.verifying().public_base64());
            assert!(read.verifies("message", &key.sign("message").unwrap()));
        }
    }

    #[test]
    fn a_jwk_must_be_spelled_canonically_and_be_long_enough() {
        let jwk = vectors::key("dynamic").verifying().jwk();
        let n = vectors::text(&jwk, "n");
        let bytes = URL_SAFE_NO_PAD.decode(n).unwrap();
        let refused = |n: &str, e: &str| VerifyingKey::from_jwk("k", n, e).unwrap_err();
        assert_eq!(refused(&format!("{n}=="), "AQAB"), BadKey::NotBase64);
        assert_eq!(refused(&STANDARD.encode(&bytes), "AQAB"), BadKey::NotBase64);
        assert_eq!(refused(n, "AQAB="), BadKey::NotBase64);
        assert_eq!(refused(n, "AQ AB"), BadKey::NotBase64);
        assert_eq!(refused(n, "AR"), BadKey::NotBase64, "stray bits");
        assert_eq!(
            refused(&URL_SAFE_NO_PAD.encode([&[0], bytes.as_slice()].concat()), "AQAB"),
            BadKey::NotRsa,
            "a zero in front"
        );
        assert_eq!(refused(n, "AAEAAQ"), BadKey::NotRsa, "a zero in front");
        assert_eq!(refused(&URL_SAFE_NO_PAD.encode(&bytes[..128]), "AQAB"), BadKey::NotRsa, "1024 bits");
        assert_eq!(refused("", "AQAB"), BadKey::NotRsa);
        assert_eq!(refused(n, ""), BadKey::NotRsa);
        assert_eq!(refused(n, "AA"), BadKey::NotRsa, "exponent 0");
        assert_eq!(refused(n, "AQ"), BadKey::NotRsa, "exponent 1");
        assert_eq!(refused(n, "Ag"), BadKey::NotRsa, "an even exponent");
    }

    #[test]
    fn bad_keys_are_refused_by_name() {
        let keys = vectors::file(KEYS);
        let (public, private) =
            (vectors::text(vectors::object(&keys, "dynamic"), "pub"), vectors::text(vectors::object(&keys, "dynamic"), "pri"));
        let other = vectors::text(vectors::object(&keys, "other"), "pri");
        let refused = |stored: &str| SigningKey::from_stored("k", stored).unwrap_err();
        assert_eq!(refused("c2VjcmV0"), BadKey::Symmetric);
        assert_eq!(refused(""), BadKey::Symmetric);
        assert_eq!(refused(&format!("!|{private}")), BadKey::NotBase64);
        assert_eq!(refused(&format!("{public}|!")), BadKey::NotBase64);
        assert_eq!(refused(&format!("AAAA|{private}")), BadKey::NotRsa);
        assert_eq!(refused(&format!("{public}|AAAA")), BadKey::NotRsa);
        assert_eq!(refused(&format!("{public}|{other}")), BadKey::Mismatch);
    }

    #[test]
    fn the_stored_form_of_a_new_key_is_that_of_the_vectors() {
        let keys = vectors::file(KEYS);
        let key = vectors::object(&keys, "static");
        let der = |name: &str| STANDARD.decode(vectors::text(key, name)).unwrap();
        assert_eq!(stored_from_der(&der("pub"), &der("pri")).expose(), vectors::text(key, "storage_string"));
    }

    #[test]
    fn debug_shows_the_name_and_nothing_else() {
        let key = vectors::key("dynamic");
        assert_eq!(format!("{key:?}"), "SigningKey { kid: \"d-1700000000000\", .. }");
        assert_eq!(format!("{:?}", key.verifying()), "VerifyingKey { kid: \"d-1700000000000\", .. }");
    }

    #[test]
    fn a_signature_verifies_only_as_it_was_made() {
        let (key, other) = (vectors::key("dynamic"), vectors::key("other"));
        let signature = key.sign("message").unwrap();
        assert!(key.verifying().verifies("message", &signature));
        assert!(!key.verifying().verifies("messagE", &signature));
        assert!(!other.verifying().verifies("message", &signature));
        assert!(!key.verifying().verifies("message", &[]));
        assert!(!key.verifying().verifies("message", signature.get(1..).unwrap()));
    }
}

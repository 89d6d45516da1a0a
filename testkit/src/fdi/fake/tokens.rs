//! Access tokens as a scenario wants them: good, old, of any version, or malformed in one place. Signed by the test keys
//! of the vectors, put together by hand so that nothing of the code under test decides what is possible.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// The first part of a V1 token.
pub const LEGACY_V1: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIxIn0=";
/// The first part of a V2 token.
pub const LEGACY_V2: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0=";

/// An hour, in ms.
pub const HOUR: i64 = 3_600_000;

/// One of the test keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestKey {
    /// A key that changes; the one that signs unless a scenario says otherwise.
    Dynamic,
    /// The key that does not change.
    Static,
    /// Another one that changes.
    Other,
}

struct Kept {
    kid: String,
    n: Value,
    e: Value,
    pair: RsaKeyPair,
}

fn kept(key: TestKey) -> &'static Kept {
    static KEYS: OnceLock<BTreeMap<TestKey, Kept>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let all: Value = serde_json::from_str(include_str!("../../../vectors/rsa_test_keys.json")).expect("JSON");
        let read = |(key, name): (TestKey, &str)| {
            let of = &all[name];
            let pkcs8 = BASE64_STANDARD.decode(of["pri"].as_str().expect("pri")).expect("base64");
            let kid = of["kid"].as_str().expect("kid").to_owned();
            let pair = RsaKeyPair::from_pkcs8(&pkcs8).expect("a key");
            (key, Kept { kid, n: of["jwk"]["n"].clone(), e: of["jwk"]["e"].clone(), pair })
        };
        [(TestKey::Dynamic, "dynamic"), (TestKey::Static, "static"), (TestKey::Other, "other")].into_iter().map(read).collect()
    });
    &keys[&key]
}

impl TestKey {
    /// Its name in the vectors.
    pub fn kid(self) -> &'static str {
        &kept(self).kid
    }

    /// As the core publishes it, under this name.
    pub fn jwk(self, kid: &str) -> Value {
        let key = kept(self);
        json!({ "kty": "RSA", "kid": kid, "n": key.n, "e": key.e, "alg": "RS256", "use": "sig" })
    }

    fn sign(self, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
        let pair = &kept(self).pair;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("signed");
        signature
    }
}

/// An access token that is being put together. [`Token::valid`] is the one that section 11 calls valid.
#[derive(Clone, Debug)]
#[must_use]
pub struct Token {
    header: Map<String, Value>,
    payload: Map<String, Value>,
    legacy: Option<&'static str>,
    key: TestKey,
    signing: Signing,
}

#[derive(Clone, Debug)]
enum Signing {
    Pkcs1,
    Pss,
    Nothing,
    AnotherText,
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

impl Token {
    /// V5, RS256, by the key that the fake core publishes, over in an hour.
    pub fn valid(now: i64) -> Self {
        let seconds = now / 1_000;
        Self {
            header: object(json!({ "alg": "RS256", "typ": "JWT", "version": "5", "kid": TestKey::Dynamic.kid() })),
            payload: object(json!({
                "sub": "user1", "rsub": "user1", "tId": "public", "iat": seconds, "exp": seconds + 3_600,
                "sessionHandle": "handle1", "refreshTokenHash1": "hash1", "parentRefreshTokenHash1": null,
                "antiCsrfToken": null, "iss": "http://api.example.com/auth",
            })),
            legacy: None,
            key: TestKey::Dynamic,
            signing: Signing::Pkcs1,
        }
    }

    /// Without version and without members, as the JWT recipe makes them.
    pub fn bare() -> Self {
        Self { payload: Map::new(), ..Self::valid(0).without_header("version") }
    }

    /// A good V2, made just now.
    pub fn legacy(now: i64) -> Self {
        Self {
            payload: object(json!({
                "sessionHandle": "handle2", "userId": "user2", "refreshTokenHash1": "hash2",
                "userData": { "old": true }, "expiryTime": now + HOUR, "timeCreated": now,
            })),
            legacy: Some(LEGACY_V2),
            ..Self::valid(now)
        }
    }

    /// As a version `version` core made it: what that version does not know is left out.
    pub fn version(self, version: u8) -> Self {
        let token = self.header("version", version.to_string());
        match version {
            3 => token.without("tId").without("rsub"),
            4 => token.without("rsub"),
            _ => token,
        }
    }

    /// Over for a second.
    pub fn expired(mut self, now: i64) -> Self {
        let name = if self.legacy.is_some() { "expiryTime" } else { "exp" };
        let then = if self.legacy.is_some() { now - 1_000 } else { now / 1_000 - 1 };
        self.payload.insert(name.to_owned(), then.into());
        self
    }

    /// Another value of a member of the payload.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.payload.insert(member.to_owned(), value.into());
        self
    }

    /// Without a member of the payload.
    pub fn without(mut self, member: &str) -> Self {
        self.payload.remove(member);
        self
    }

    /// Another value of a member of the header.
    pub fn header(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.header.insert(member.to_owned(), value.into());
        self
    }

    /// Without a member of the header.
    pub fn without_header(mut self, member: &str) -> Self {
        self.header.remove(member);
        self
    }

    /// With this first part of a legacy token.
    pub fn legacy_header(mut self, header: &'static str) -> Self {
        self.legacy = Some(header);
        self
    }

    /// Signed by this key, under whatever name the header gives.
    pub fn signed_by(mut self, key: TestKey) -> Self {
        self.key = key;
        self
    }

    /// Signed by this key and under its name.
    pub fn of_key(self, key: TestKey) -> Self {
        self.signed_by(key).header("kid", key.kid())
    }

    /// With a signature of another text.
    pub fn forged(mut self) -> Self {
        self.signing = Signing::AnotherText;
        self
    }

    /// With an RSA-PSS signature.
    pub fn signed_with_pss(mut self) -> Self {
        self.signing = Signing::Pss;
        self
    }

    /// With an empty signature.
    pub fn unsigned(mut self) -> Self {
        self.signing = Signing::Nothing;
        self
    }

    /// What it says.
    pub fn payload(&self) -> Value {
        Value::Object(self.payload.clone())
    }

    /// The token.
    pub fn text(&self) -> String {
        let payload = Value::Object(self.payload.clone()).to_string();
        let signed = match self.legacy {
            Some(header) => format!("{header}.{}", BASE64_STANDARD.encode(payload)),
            None => {
                let header = Value::Object(self.header.clone()).to_string();
                format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload))
            }
        };
        let signature = match self.signing {
            Signing::Pkcs1 => self.key.sign(&RSA_PKCS1_SHA256, &signed),
            Signing::Pss => self.key.sign(&RSA_PSS_SHA256, &signed),
            Signing::AnotherText => self.key.sign(&RSA_PKCS1_SHA256, "another text"),
            Signing::Nothing => Vec::new(),
        };
        let signature = match self.legacy {
            Some(_) => BASE64_STANDARD.encode(signature),
            None => BASE64_URL_SAFE_NO_PAD.encode(signature),
        };
        format!("{signed}.{signature}")
    }
}

/// The payload of a token that was seen somewhere.
#[track_caller]
pub fn payload_of(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap_or_else(|| panic!("not a token: {} bytes", token.len()));
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).or_else(|_| BASE64_STANDARD.decode(part)).expect("base64");
    serde_json::from_slice(&bytes).expect("a JSON payload")
}

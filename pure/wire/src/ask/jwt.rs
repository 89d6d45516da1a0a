//! JWTs and the key set, from the client's side (sdk-session.md 6.5, 7.8, appendix A). What the keys verify is for
//! `supertokens_domain::session::signing_key`.

use supertokens_domain::json::{Json, JsonObject};

use super::{Ask, Members, Question, UnreadableAnswer};
use crate::cdi::jwt::{CreateJwt, GetWellKnownJwks, JwtCreated};

impl Ask for CreateJwt {
    const RECIPE: Option<&'static str> = Some("jwt");
    type ClientAnswer = JwtCreated;

    fn question(&self) -> Question {
        Question::of_body(
            JsonObject::new()
                .with("payload", self.payload.clone())
                .with("validity", self.validity)
                .with_some("useStaticSigningKey", self.use_static_signing_key)
                .with("algorithm", self.algorithm.as_str())
                .with("jwksDomain", self.jwks_domain.as_str()),
        )
    }

    fn read_answer(answer: JsonObject) -> Result<JwtCreated, UnreadableAnswer> {
        let mut answer = Members::of(answer);
        match answer.status()?.as_str() {
            "OK" => Ok(JwtCreated::Ok(answer.string("jwt")?)),
            "UNSUPPORTED_ALGORITHM_ERROR" => Ok(JwtCreated::UnsupportedAlgorithm),
            other => Err(UnreadableAnswer::unknown_status(other)),
        }
    }
}

/// The answer has no status. How long it may be kept stands in a header: see [`max_age_seconds`].
impl Ask for GetWellKnownJwks {
    const RECIPE: Option<&'static str> = None;
    type ClientAnswer = KeySet;

    fn question(&self) -> Question {
        Question::bare()
    }

    fn read_answer(answer: JsonObject) -> Result<KeySet, UnreadableAnswer> {
        let keys = Members::of(answer).array("keys")?;
        let keys = keys.into_iter().enumerate().map(|(at, key)| match key {
            Json::Object(object) => Jwk::read(Members { object, within: format!("keys[{at}].").into() }),
            _ => Err(UnreadableAnswer::WrongType { member: format!("keys[{at}]"), expected: "an object" }),
        });
        Ok(KeySet { keys: keys.collect::<Result<_, _>>()? })
    }
}

/// Public keys, in the order in which the core lists them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    /// Every published key, of whatever kind.
    pub keys: Vec<Jwk>,
}

/// A public key as it is published (RFC 7517). Members that we do not know are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    /// `kty`: which kind of key.
    pub kind: String,
    /// `kid`: its name.
    pub kid: Option<String>,
    /// `n`: the modulus of an RSA key, in base64url.
    pub n: Option<String>,
    /// `e`: the exponent of an RSA key, in base64url.
    pub e: Option<String>,
    /// `alg`: the only algorithm to use it with.
    pub algorithm: Option<String>,
    /// `use`: `sig` or `enc`.
    pub purpose: Option<String>,
}

/// A key that may verify RS256 signatures. Its numbers are not checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rs256Key<'a> {
    /// Its name. A key without one can only verify tokens that name no key.
    pub kid: Option<&'a str>,
    /// The modulus, in base64url.
    pub n: &'a str,
    /// The exponent, in base64url.
    pub e: &'a str,
}

impl KeySet {
    /// The keys that may verify RS256 signatures; keys for anything else are passed over, as RFC 7517 section 5 asks.
    pub fn rs256_keys(&self) -> impl Iterator<Item = Rs256Key<'_>> {
        self.keys.iter().filter_map(Jwk::rs256)
    }
}

impl Jwk {
    fn read(mut members: Members) -> Result<Self, UnreadableAnswer> {
        Ok(Self {
            kind: members.string("kty")?,
            kid: members.optional_string("kid")?,
            n: members.optional_string("n")?,
            e: members.optional_string("e")?,
            algorithm: members.optional_string("alg")?,
            purpose: members.optional_string("use")?,
        })
    }

    /// The key, if it is an RSA key for RS256 and for signatures (sdk-session.md 6.5, "key choice").
    pub fn rs256(&self) -> Option<Rs256Key<'_>> {
        let is_meant = self.kind == "RSA"
            && self.algorithm.as_deref() == Some("RS256")
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        if !is_meant {
            return None;
        }
        Some(Rs256Key { kid: self.kid.as_deref(), n: self.n.as_deref()?, e: self.e.as_deref()? })
    }
}

/// As it is published: `kty`, `kid`, `n`, `e`, `alg`, `use`; what is absent is left out.
impl From<Jwk> for JsonObject {
    fn from(key: Jwk) -> Self {
        Self::new()
            .with("kty", key.kind)
            .with_some("kid", key.kid)
            .with_some("n", key.n)
            .with_some("e", key.e)
            .with_some("alg", key.algorithm)
            .with_some("use", key.purpose)
    }
}

/// The `max-age` of a `Cache-Control` header; `None` if there is none that is a number.
pub fn max_age_seconds(cache_control: &str) -> Option<u64> {
    cache_control.split(',').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("max-age") {
            return None;
        }
        let value = value.trim().trim_matches('"');
        // `parse` alone would take a sign.
        if value.bytes().all(|b| b.is_ascii_digit()) { value.parse().ok() } else { None }
    })
}

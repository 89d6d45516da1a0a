//! JWTs with a caller's claims, the key sets that verify them, and the handshake of old SDKs (core-session.md 1.10 to 1.13).

use supertokens_domain::json::JsonObject;
use supertokens_domain::time::Millis;

use super::session::{SigningKeys, key_choice};
use crate::input::{BadInput, Input};
use crate::operation::{Answer, Body, Operation, ok, status};
use crate::version::Rules;

/// POST /recipe/handshake: keys and lifetimes for old SDKs. The body is not looked at.
#[derive(Debug)]
pub struct Handshake;

impl Operation for Handshake {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/handshake";
    type Answer = HandshakeAnswer;

    fn read(_: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
        Ok(Self)
    }
}

/// Answers [`Handshake`].
#[derive(Debug)]
pub struct HandshakeAnswer {
    /// Public keys.
    pub keys: SigningKeys,
    /// Verifying asks the database.
    pub blacklisting: bool,
    /// In ms.
    pub access_token_validity: Millis,
    /// In ms.
    pub refresh_token_validity: Millis,
}

impl Answer for HandshakeAnswer {
    fn write(self, rules: &Rules) -> Body {
        let object = self.keys.append_to(status("OK"), rules);
        Body::Json(
            object
                .with("accessTokenBlacklistingEnabled", self.blacklisting)
                .with("accessTokenValidity", self.access_token_validity)
                .with("refreshTokenValidity", self.refresh_token_validity),
        )
    }
}

/// POST /recipe/jwt
#[derive(Debug, Clone, PartialEq)]
pub struct CreateJwt {
    /// Only `RS256`, in any case.
    pub algorithm: String,
    /// The issuer, unless the payload names one.
    pub jwks_domain: String,
    /// The claims.
    pub payload: JsonObject,
    /// In seconds; above 0.
    pub validity: i64,
    /// Sign with the key that never rotates; absent means yes.
    pub use_static_signing_key: Option<bool>,
}

impl Operation for CreateJwt {
    const METHOD: &'static str = "POST";
    const PATH: &'static str = "/recipe/jwt";
    type Answer = JwtCreated;

    fn read(input: &Input<'_>, rules: &Rules) -> Result<Self, BadInput> {
        let body = input.body()?;
        let jwt = Self {
            algorithm: body.string("algorithm")?,
            jwks_domain: body.string("jwksDomain")?,
            payload: body.json_object("payload")?,
            validity: body.long("validity")?,
            use_static_signing_key: key_choice(&body, "useStaticSigningKey", rules.key_choice_on_jwt)?,
        };
        // Quirk: the sentence says "or equal", the check does not.
        if jwt.validity <= 0 { Err(BadInput::rule("validity must be greater than or equal to 0")) } else { Ok(jwt) }
    }
}

/// Answers [`CreateJwt`].
#[derive(Clone, PartialEq)]
pub enum JwtCreated {
    /// The token.
    Ok(String),
    /// Not `RS256`.
    UnsupportedAlgorithm,
}

impl Answer for JwtCreated {
    fn write(self, _: &Rules) -> Body {
        Body::Json(match self {
            Self::Ok(jwt) => status("OK").with("jwt", jwt),
            Self::UnsupportedAlgorithm => status("UNSUPPORTED_ALGORITHM_ERROR"),
        })
    }
}

macro_rules! key_set_operation {
    ($(#[$doc:meta])* $name:ident, $path:literal, $answer:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name;

        impl Operation for $name {
            const METHOD: &'static str = "GET";
            const PATH: &'static str = $path;
            type Answer = $answer;

            fn read(_: &Input<'_>, _: &Rules) -> Result<Self, BadInput> {
                Ok(Self)
            }
        }
    };
}

key_set_operation!(
    /// GET /recipe/jwt/jwks
    GetJwks, "/recipe/jwt/jwks", Jwks);
key_set_operation!(
    /// GET /.well-known/jwks.json: for verifiers, with a time for which it may be kept.
    GetWellKnownJwks, "/.well-known/jwks.json", WellKnownJwks);

/// Answers [`GetJwks`]: every published key, rotating ones first, newest first.
#[derive(Debug)]
pub struct Jwks(pub Vec<JsonObject>);

fn key_set(keys: Vec<JsonObject>) -> JsonObject {
    JsonObject::new().with("keys", keys)
}

impl Answer for Jwks {
    fn write(self, _: &Rules) -> Body {
        ok(key_set(self.0))
    }
}

/// Answers [`GetWellKnownJwks`].
#[derive(Debug, Clone, PartialEq)]
pub struct WellKnownJwks {
    /// Every published key.
    pub keys: Vec<JsonObject>,
    /// For how many seconds a cache may keep them.
    pub max_age_seconds: i64,
}

impl Answer for WellKnownJwks {
    fn write(self, _: &Rules) -> Body {
        Body::CachedJson { json: key_set(self.keys), cache_control: format!("max-age={}, must-revalidate", self.max_age_seconds) }
    }
}

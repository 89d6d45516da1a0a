//! JWTs that are no sessions, and the public keys that verify both (sdk-session.md 7.8, 3.6).

use serde_json::Value;
use supertokens_domain::json::JsonObject;
use supertokens_web::discovery;
use supertokens_web::payload::Payload;
use supertokens_wire::cdi::jwt as wire;

use crate::context::{Scope, UserContext};
use crate::core_client::Place;
use crate::error::{BuildError, Error};
use crate::overriding::Function;
use crate::{SuperTokens, json};

/// 100 years, in s.
const CENTURY: i64 = 3_153_600_000;

/// The JWT recipe. It is always there; list it to change its setting.
#[derive(Debug, Clone, Default)]
pub struct JwtRecipe {
    validity: Option<i64>,
}

impl JwtRecipe {
    /// The default: JWTs that say nothing else are valid for 100 years.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long JWTs are valid, in s, if their maker does not say.
    #[must_use]
    pub fn validity_seconds(mut self, seconds: i64) -> Self {
        self.validity = Some(seconds);
        self
    }

    pub(crate) fn validity(self) -> Result<i64, BuildError> {
        match self.validity.unwrap_or(CENTURY) {
            seconds if seconds > 0 => Ok(seconds),
            seconds => Err(BuildError::Setting {
                field: "jwtValiditySeconds",
                why: format!("{seconds} is not above 0: give a time in seconds"),
            }),
        }
    }
}

/// Makes a JWT.
#[derive(Debug, Clone)]
pub struct CreateJwt {
    /// The claims.
    pub payload: Payload,
    /// How long it is valid, in s; `None`: as the recipe says.
    pub validity_seconds: Option<i64>,
    /// Sign with the key that never rotates. `None`: yes.
    pub use_static_signing_key: Option<bool>,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for CreateJwt {
    const NAME: &'static str = "createJWT";
    /// `None`: the core does not know the algorithm.
    type Output = Option<String>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let question = wire::CreateJwt {
            algorithm: "RS256".to_owned(),
            jwks_domain: engine.app_info().api_domain.as_str().to_owned(),
            payload: json::from_payload(&self.payload)?,
            validity: self.validity_seconds.unwrap_or(engine.inner().jwt_validity),
            use_static_signing_key: Some(self.use_static_signing_key.unwrap_or(true)),
        };
        Ok(match engine.ask(&question, Place::App, &self.context).await? {
            wire::JwtCreated::Ok(jwt) => Some(jwt),
            wire::JwtCreated::UnsupportedAlgorithm => None,
        })
    }
}

/// The public keys of the core, as JSON Web Keys.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonWebKeySet {
    /// The keys.
    pub keys: Vec<Value>,
    /// How long, in s, they may be kept; `None`: the endpoint does not say.
    pub validity_in_seconds: Option<u64>,
}

/// Reads the public keys from the core.
#[derive(Debug, Clone)]
pub struct GetJwks {
    /// The context of the call.
    pub context: UserContext,
}

impl Function for GetJwks {
    const NAME: &'static str = "getJWKS";
    type Output = JsonWebKeySet;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let (set, headers) = engine.ask_with_headers(&wire::GetWellKnownJwks, &self.context).await?;
        let cache_control = headers.get(http::header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
        let keys = set.keys.into_iter().map(|key| json::to_payload(&JsonObject::from(key)).map(Value::Object));
        let validity_in_seconds = Some(discovery::max_age(cache_control));
        Ok(JsonWebKeySet { keys: keys.collect::<Result<_, _>>()?, validity_in_seconds })
    }
}

/// `GET <base path>/jwt/jwks.json`.
#[derive(Debug, Clone)]
pub struct GetJwksGet {
    /// The request.
    pub scope: Scope,
}

impl Function for GetJwksGet {
    const NAME: &'static str = "getJWKSGET";
    type Output = JsonWebKeySet;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        engine.call(GetJwks { context: self.scope.context().clone() }).await
    }
}

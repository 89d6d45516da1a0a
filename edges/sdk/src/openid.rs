//! Who issues the tokens, told to other services (OpenID Connect Discovery 1.0; sdk-session.md 3.6, 7.8).

use serde_json::Value;
use supertokens_web::discovery;
use supertokens_web::payload::Payload;

use crate::SuperTokens;
use crate::context::{Scope, UserContext};
use crate::error::Error;
use crate::jwt::CreateJwt;
use crate::overriding::Function;

/// The discovery document. An override may add members or change them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdConfiguration(pub Payload);

impl OpenIdConfiguration {
    /// Who issues: the claim `iss` of every session.
    pub fn issuer(&self) -> &str {
        self.0.get("issuer").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Says where everything is.
#[derive(Debug, Clone)]
pub struct GetOpenIdDiscoveryConfiguration {
    /// The context of the call.
    pub context: UserContext,
}

impl Function for GetOpenIdDiscoveryConfiguration {
    const NAME: &'static str = "getOpenIdDiscoveryConfiguration";
    type Output = OpenIdConfiguration;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        match discovery::openid_configuration(engine.app_info()) {
            Value::Object(document) => Ok(OpenIdConfiguration(document)),
            _ => Ok(OpenIdConfiguration(Payload::new())),
        }
    }
}

/// `GET <base path>/.well-known/openid-configuration`.
#[derive(Debug, Clone)]
pub struct GetOpenIdDiscoveryConfigurationGet {
    /// The request.
    pub scope: Scope,
}

impl Function for GetOpenIdDiscoveryConfigurationGet {
    const NAME: &'static str = "getOpenIdDiscoveryConfigurationGET";
    type Output = OpenIdConfiguration;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        engine.call(GetOpenIdDiscoveryConfiguration { context: self.scope.context().clone() }).await
    }
}

impl SuperTokens {
    /// Makes a JWT that other services can verify with the keys of `<base path>/jwt/jwks.json`. It carries `iss`, unless the payload
    /// has one. `validity_seconds` and `use_static_signing_key`: `None` for the default (100 years, yes).
    ///
    /// # Errors
    /// [`Error::Core`], if the core refuses the payload or the time, or cannot be reached.
    pub async fn create_jwt(
        &self,
        payload: Payload,
        validity_seconds: Option<i64>,
        use_static_signing_key: Option<bool>,
    ) -> Result<Option<String>, Error> {
        let context = UserContext::new();
        let issuer = self.call(GetOpenIdDiscoveryConfiguration { context: context.clone() }).await?.issuer().to_owned();
        let mut claims = Payload::from_iter([("iss".to_owned(), Value::String(issuer))]);
        claims.extend(payload);
        self.call(CreateJwt { payload: claims, validity_seconds, use_static_signing_key, context }).await
    }
}

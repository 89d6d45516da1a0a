//! What is a valid third-party provider, and how is it shown? (core-multitenancy.md 4)
//!
//! A provider is kept as it was sent: unknown members are dropped, nulls inside the parameter objects stay.

use std::collections::BTreeSet;
use std::fmt;

use crate::json::{Json, JsonObject};

/// The most providers of a tenant, clients of a provider, and scopes of a client. The Java server has no limits.
const MOST: usize = 256;

/// A third-party provider of a tenant. `Debug` shows its id only: clients hold secrets.
#[derive(Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the fields are the members of the configuration, under their own names")]
pub struct Provider {
    pub third_party_id: String,
    pub name: Option<String>,
    pub clients: Vec<Client>,
    pub authorization_endpoint: Option<String>,
    pub authorization_endpoint_query_params: Option<JsonObject>,
    pub token_endpoint: Option<String>,
    pub token_endpoint_body_params: Option<JsonObject>,
    pub user_info_endpoint: Option<String>,
    pub user_info_endpoint_query_params: Option<JsonObject>,
    pub user_info_endpoint_headers: Option<JsonObject>,
    pub jwks_uri: Option<String>,
    pub oidc_discovery_endpoint: Option<String>,
    pub require_email: Option<bool>,
    pub from_id_token_payload: UserInfoMap,
    pub from_user_info_api: UserInfoMap,
}

/// Where a provider's answer holds what we want to know of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are the members of the configuration, under their own names")]
pub struct UserInfoMap {
    pub user_id: Option<String>,
    pub email: Option<String>,
    pub email_verified: Option<String>,
}

/// One application's registration with a provider. `Debug` shows nothing that is secret.
#[derive(Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the fields are the members of the configuration, under their own names")]
pub struct Client {
    /// Absent for the only client of a provider; an empty one means the same.
    pub client_type: Option<String>,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub scope: Option<Vec<String>>,
    pub force_pkce: Option<bool>,
    pub additional_config: Option<JsonObject>,
}

/// Why a provider is refused. Displays as upstream's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Missing, or not of the type it should be.
    #[error("Field name '{0}' is invalid in JSON input")]
    Field(&'static str),
    /// What it says makes no sense.
    #[error("Invalid third party config: {0}")]
    Config(&'static str),
    /// Longer than its column. The Java server fails with a 500 here.
    #[error("Invalid third party config: {0} must not be longer than {1} characters")]
    TooLong(&'static str, usize),
    /// More than anyone needs.
    #[error("Invalid third party config: there must not be more than {MOST} {0}")]
    TooMany(&'static str),
}

/// How much of a provider is looked at (`skipValidation`). What the tables cannot hold is refused in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderChecks {
    /// All rules.
    All,
    /// Not the rules about what certain providers need.
    Skip,
}

const NO_CLIENT_ID: ProviderError = ProviderError::Config("clientId cannot be null");
const NULL_SCOPE: ProviderError = ProviderError::Config("scope array cannot contain a null");

impl Provider {
    /// Reads the `config` member of a request.
    pub fn parse(config: &JsonObject) -> Result<Self, ProviderError> {
        let id = text(config, "thirdPartyId")?.ok_or(ProviderError::Field("thirdPartyId"))?;
        let map = object(config, "userInfoMap")?.unwrap_or_default();
        let provider = Self {
            third_party_id: id.trim().to_owned(),
            name: text(config, "name")?,
            clients: parse_clients(config)?,
            authorization_endpoint: text(config, "authorizationEndpoint")?,
            authorization_endpoint_query_params: object(config, "authorizationEndpointQueryParams")?,
            token_endpoint: text(config, "tokenEndpoint")?,
            token_endpoint_body_params: object(config, "tokenEndpointBodyParams")?,
            user_info_endpoint: text(config, "userInfoEndpoint")?,
            user_info_endpoint_query_params: object(config, "userInfoEndpointQueryParams")?,
            user_info_endpoint_headers: object(config, "userInfoEndpointHeaders")?,
            jwks_uri: text(config, "jwksURI")?,
            oidc_discovery_endpoint: text(config, "oidcDiscoveryEndpoint")?,
            require_email: boolean(config, "requireEmail")?,
            from_id_token_payload: UserInfoMap::parse(&map, "fromIdTokenPayload")?,
            from_user_info_api: UserInfoMap::parse(&map, "fromUserInfoAPI")?,
        };
        provider.check_lengths()?;
        Ok(provider)
    }

    /// The provider as it is shown: null members left out, except inside the parameter objects.
    pub fn to_json(&self) -> JsonObject {
        let clients: Vec<Json> = self.clients.iter().map(|client| client.to_json().into()).collect();
        let map = JsonObject::new()
            .with("fromIdTokenPayload", self.from_id_token_payload.to_json())
            .with("fromUserInfoAPI", self.from_user_info_api.to_json());
        JsonObject::new()
            .with("thirdPartyId", self.third_party_id.as_str())
            .with_some("name", self.name.as_deref())
            .with("clients", clients)
            .with_some("authorizationEndpoint", self.authorization_endpoint.as_deref())
            .with_some("authorizationEndpointQueryParams", self.authorization_endpoint_query_params.clone())
            .with_some("tokenEndpoint", self.token_endpoint.as_deref())
            .with_some("tokenEndpointBodyParams", self.token_endpoint_body_params.clone())
            .with_some("userInfoEndpoint", self.user_info_endpoint.as_deref())
            .with_some("userInfoEndpointQueryParams", self.user_info_endpoint_query_params.clone())
            .with_some("userInfoEndpointHeaders", self.user_info_endpoint_headers.clone())
            .with_some("jwksURI", self.jwks_uri.as_deref())
            .with_some("oidcDiscoveryEndpoint", self.oidc_discovery_endpoint.as_deref())
            .with_some("requireEmail", self.require_email)
            .with("userInfoMap", map)
    }

    fn check_lengths(&self) -> Result<(), ProviderError> {
        limit("thirdPartyId", Some(&self.third_party_id), 28)?;
        limit("name", self.name.as_ref(), 64)?;
        for map in [&self.from_id_token_payload, &self.from_user_info_api] {
            limit("userInfoMap.userId", map.user_id.as_ref(), 64)?;
            limit("userInfoMap.email", map.email.as_ref(), 64)?;
            limit("userInfoMap.emailVerified", map.email_verified.as_ref(), 64)?;
        }
        for client in &self.clients {
            limit("clientType", client.client_type.as_ref(), 64)?;
            limit("clientId", Some(&client.client_id), 256)?;
            for scope in client.scope.iter().flatten() {
                limit("scope", Some(scope), 128)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("third_party_id", &self.third_party_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("client_type", &self.client_type).finish_non_exhaustive()
    }
}

impl UserInfoMap {
    fn parse(map: &JsonObject, name: &'static str) -> Result<Self, ProviderError> {
        let map = object(map, name)?.unwrap_or_default();
        Ok(Self { user_id: text(&map, "userId")?, email: text(&map, "email")?, email_verified: text(&map, "emailVerified")? })
    }

    fn to_json(&self) -> JsonObject {
        JsonObject::new()
            .with_some("userId", self.user_id.as_deref())
            .with_some("email", self.email.as_deref())
            .with_some("emailVerified", self.email_verified.as_deref())
    }
}

impl Client {
    fn parse(client: &JsonObject) -> Result<Self, ProviderError> {
        Ok(Self {
            client_type: text(client, "clientType")?.filter(|kind| !kind.is_empty()),
            client_id: text(client, "clientId")?.ok_or(NO_CLIENT_ID)?,
            client_secret: text(client, "clientSecret")?,
            scope: parse_scope(client)?,
            force_pkce: boolean(client, "forcePKCE")?,
            additional_config: object(client, "additionalConfig")?,
        })
    }

    fn to_json(&self) -> JsonObject {
        let scope: Option<Vec<Json>> = self.scope.as_ref().map(|scope| scope.iter().map(|s| s.as_str().into()).collect());
        JsonObject::new()
            .with_some("clientType", self.client_type.as_deref())
            .with("clientId", self.client_id.as_str())
            .with_some("clientSecret", self.client_secret.as_deref())
            .with_some("scope", scope)
            .with_some("forcePKCE", self.force_pkce)
            .with_some("additionalConfig", self.additional_config.clone())
    }

    fn additional_text(&self, name: &str) -> Option<&str> {
        self.additional_config.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn has_additional(&self, name: &str) -> bool {
        self.additional_config.as_ref().is_some_and(|config| config.contains(name))
    }
}

/// Adds a provider, or replaces the one with the same id in its place. Says whether the id was new.
pub fn put_provider(providers: &mut Vec<Provider>, provider: Provider) -> bool {
    match providers.iter_mut().find(|old| old.third_party_id == provider.third_party_id) {
        Some(old) => {
            *old = provider;
            false
        }
        None => {
            providers.push(provider);
            true
        }
    }
}

/// Takes a provider out. Says whether there was one.
pub fn remove_provider(providers: &mut Vec<Provider>, third_party_id: &str) -> bool {
    let before = providers.len();
    providers.retain(|provider| provider.third_party_id != third_party_id);
    providers.len() < before
}

/// Checks all providers of a tenant together.
pub fn check_providers(providers: &[Provider], checks: ProviderChecks) -> Result<(), ProviderError> {
    if providers.len() > MOST {
        return Err(ProviderError::TooMany("providers"));
    }
    if has_twice(providers.iter().map(|provider| &provider.third_party_id)) {
        return Err(ProviderError::Config("Duplicate ThirdPartyId was specified in the providers list."));
    }
    for provider in providers {
        if checks == ProviderChecks::All && provider.third_party_id.is_empty() {
            return Err(ProviderError::Config("thirdPartyId cannot be null or empty"));
        }
        if has_twice(provider.clients.iter().map(|client| &client.client_type)) {
            return Err(ProviderError::Config("Duplicate clientType was specified in the clients list."));
        }
        if checks == ProviderChecks::All {
            provider.clients.iter().try_for_each(|client| check_needs(&provider.third_party_id, client))?;
        }
    }
    Ok(())
}

fn has_twice<T: Ord>(items: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    items.into_iter().any(|item| !seen.insert(item))
}

/// What certain providers need in their `additionalConfig`.
fn check_needs(third_party_id: &str, client: &Client) -> Result<(), ProviderError> {
    let missing = |name: &str| client.additional_text(name).is_none();
    let present_but_bad = |name: &str| client.has_additional(name) && missing(name);
    let problem = if third_party_id.starts_with("apple") && ["keyId", "teamId", "privateKey"].into_iter().any(missing) {
        "a non empty string value must be specified for keyId, teamId and privateKey in the additionalConfig for Apple provider"
    } else if third_party_id.starts_with("google-workspaces") && present_but_bad("hd") {
        "hd in additionalConfig must be a non empty string value"
    } else if third_party_id.starts_with("boxy-saml") && present_but_bad("boxyURL") {
        "a non empty string value must be specified for boxyURL in the additionalConfig for Boxy SAML provider"
    } else {
        return Ok(());
    };
    Err(ProviderError::Config(problem))
}

fn parse_clients(config: &JsonObject) -> Result<Vec<Client>, ProviderError> {
    let wrong = ProviderError::Field("clients");
    match config.get("clients") {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(clients)) if clients.len() > MOST => Err(ProviderError::TooMany("clients")),
        Some(Json::Array(clients)) => {
            clients.iter().map(|client| Client::parse(client.as_object().ok_or(wrong.clone())?)).collect()
        }
        Some(_) => Err(wrong),
    }
}

fn parse_scope(client: &JsonObject) -> Result<Option<Vec<String>>, ProviderError> {
    let item = |item: &Json| match item {
        Json::String(text) if !text.contains('\0') => Ok(text.clone()),
        Json::Null => Err(NULL_SCOPE),
        _ => Err(ProviderError::Field("scope")),
    };
    match client.get("scope") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Array(items)) if items.len() > MOST => Err(ProviderError::TooMany("scopes")),
        Some(Json::Array(items)) => items.iter().map(item).collect::<Result<_, _>>().map(Some),
        Some(_) => Err(ProviderError::Field("scope")),
    }
}

/// A text of its own never holds U+0000: PostgreSQL cannot store it.
fn text(from: &JsonObject, name: &'static str) -> Result<Option<String>, ProviderError> {
    match from.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if !text.contains('\0') => Ok(Some(text.clone())),
        Some(_) => Err(ProviderError::Field(name)),
    }
}

fn object(from: &JsonObject, name: &'static str) -> Result<Option<JsonObject>, ProviderError> {
    match from.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object.clone())),
        Some(_) => Err(ProviderError::Field(name)),
    }
}

fn boolean(from: &JsonObject, name: &'static str) -> Result<Option<bool>, ProviderError> {
    match from.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(ProviderError::Field(name)),
    }
}

fn limit(name: &'static str, text: Option<&String>, longest: usize) -> Result<(), ProviderError> {
    if text.is_some_and(|text| text.chars().count() > longest) { Err(ProviderError::TooLong(name, longest)) } else { Ok(()) }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;

//! Between rows and values: a tenant as the tables hold it, and as the rules want to see it.

use supertokens_domain::json::JsonObject;
use supertokens_domain::tenancy::provider::{Client, UserInfoMap};
use supertokens_domain::tenancy::{PerRecipe, Provider, Tenant};
use supertokens_store::{ClientRecord, ProviderRecord, TenantRecord, UserInfoMap as MapRecord};

use crate::error::Error;

/// Stored JSON as a value.
pub(super) fn object(text: &str) -> Result<JsonObject, Error> {
    JsonObject::parse(text).map_err(|_| Error::fault("a tenant's stored JSON cannot be read"))
}

fn optional(text: Option<&String>) -> Result<Option<JsonObject>, Error> {
    text.filter(|text| *text != "null").map(|text| object(text)).transpose()
}

/// A stored tenant as a value.
pub(super) fn tenant(record: &TenantRecord) -> Result<Tenant, Error> {
    Ok(Tenant {
        id: record.id.clone(),
        recipes: PerRecipe {
            email_password: record.email_password_enabled,
            third_party: record.third_party_enabled,
            passwordless: record.passwordless_enabled,
        },
        first_factors: record.first_factors.clone(),
        required_secondary_factors: record.required_secondary_factors.clone(),
        providers: record.providers.iter().map(provider).collect::<Result<_, _>>()?,
        core_config: object(&record.core_config)?,
    })
}

/// A tenant as it will be stored. Factors, providers and clients are sets: they stand in one order, so that an answer is the same
/// before and after a restart.
pub(super) fn record(tenant: &Tenant) -> TenantRecord {
    let sorted = |factors: &Option<Vec<String>>| {
        let mut factors = factors.clone();
        factors.iter_mut().for_each(|factors| factors.sort_unstable());
        factors
    };
    let mut providers: Vec<ProviderRecord> = tenant.providers.iter().map(provider_record).collect();
    providers.sort_unstable_by(|a, b| a.third_party_id.cmp(&b.third_party_id));
    TenantRecord {
        id: tenant.id.clone(),
        email_password_enabled: tenant.recipes.email_password,
        passwordless_enabled: tenant.recipes.passwordless,
        third_party_enabled: tenant.recipes.third_party,
        first_factors: sorted(&tenant.first_factors),
        required_secondary_factors: sorted(&tenant.required_secondary_factors),
        core_config: tenant.core_config.to_text(),
        providers,
    }
}

fn provider(record: &ProviderRecord) -> Result<Provider, Error> {
    Ok(Provider {
        third_party_id: record.third_party_id.clone(),
        name: record.name.clone(),
        clients: record.clients.iter().map(client).collect::<Result<_, _>>()?,
        authorization_endpoint: record.authorization_endpoint.clone(),
        authorization_endpoint_query_params: optional(record.authorization_endpoint_query_params.as_ref())?,
        token_endpoint: record.token_endpoint.clone(),
        token_endpoint_body_params: optional(record.token_endpoint_body_params.as_ref())?,
        user_info_endpoint: record.user_info_endpoint.clone(),
        user_info_endpoint_query_params: optional(record.user_info_endpoint_query_params.as_ref())?,
        user_info_endpoint_headers: optional(record.user_info_endpoint_headers.as_ref())?,
        jwks_uri: record.jwks_uri.clone(),
        oidc_discovery_endpoint: record.oidc_discovery_endpoint.clone(),
        require_email: record.require_email,
        from_id_token_payload: map(&record.user_info_map_from_id_token_payload),
        from_user_info_api: map(&record.user_info_map_from_user_info_endpoint),
    })
}

fn provider_record(provider: &Provider) -> ProviderRecord {
    let text = |object: &Option<JsonObject>| object.as_ref().map(JsonObject::to_text);
    let mut clients: Vec<ClientRecord> = provider.clients.iter().map(client_record).collect();
    clients.sort_unstable_by(|a, b| a.client_type.cmp(&b.client_type));
    ProviderRecord {
        third_party_id: provider.third_party_id.clone(),
        name: provider.name.clone(),
        authorization_endpoint: provider.authorization_endpoint.clone(),
        authorization_endpoint_query_params: text(&provider.authorization_endpoint_query_params),
        token_endpoint: provider.token_endpoint.clone(),
        token_endpoint_body_params: text(&provider.token_endpoint_body_params),
        user_info_endpoint: provider.user_info_endpoint.clone(),
        user_info_endpoint_query_params: text(&provider.user_info_endpoint_query_params),
        user_info_endpoint_headers: text(&provider.user_info_endpoint_headers),
        jwks_uri: provider.jwks_uri.clone(),
        oidc_discovery_endpoint: provider.oidc_discovery_endpoint.clone(),
        require_email: provider.require_email,
        user_info_map_from_id_token_payload: map_record(&provider.from_id_token_payload),
        user_info_map_from_user_info_endpoint: map_record(&provider.from_user_info_api),
        clients,
    }
}

fn client(record: &ClientRecord) -> Result<Client, Error> {
    Ok(Client {
        // No type and an empty one are the same row.
        client_type: Some(record.client_type.clone()).filter(|kind| !kind.is_empty()),
        client_id: record.client_id.clone(),
        client_secret: record.client_secret.clone(),
        scope: record.scope.clone(),
        force_pkce: record.force_pkce,
        additional_config: optional(record.additional_config.as_ref())?,
    })
}

fn client_record(client: &Client) -> ClientRecord {
    ClientRecord {
        client_type: client.client_type.clone().unwrap_or_default(),
        client_id: client.client_id.clone(),
        client_secret: client.client_secret.clone(),
        scope: client.scope.clone(),
        force_pkce: client.force_pkce,
        additional_config: client.additional_config.as_ref().map(JsonObject::to_text),
    }
}

fn map(record: &MapRecord) -> UserInfoMap {
    UserInfoMap { user_id: record.user_id.clone(), email: record.email.clone(), email_verified: record.email_verified.clone() }
}

fn map_record(map: &UserInfoMap) -> MapRecord {
    MapRecord { user_id: map.user_id.clone(), email: map.email.clone(), email_verified: map.email_verified.clone() }
}

#[cfg(test)]
mod tests {
    use supertokens_domain::ids::TenantIdentifier;
    use supertokens_domain::tenancy::TenantShape;

    use super::*;

    #[test]
    fn a_tenant_comes_back_out_of_its_record() {
        let parse = |text| JsonObject::parse(text).unwrap();
        let mut before = Tenant::new(TenantIdentifier::default(), TenantShape::V2);
        before.first_factors = Some(vec!["otp-email".into(), "custom".into()]);
        before.core_config = parse(r#"{"access_token_validity":"2","x":null}"#);
        let full = r#"{"thirdPartyId":"b","clients":[{"clientType":"web","clientId":"i","scope":[],"additionalConfig":{"k":null}},{"clientId":"j"}],"tokenEndpointBodyParams":{"gone":null,"n":1.0},"userInfoMap":{"fromIdTokenPayload":{"email":"e"}}}"#;
        before.providers.push(Provider::parse(&parse(full)).unwrap());
        before.providers.push(Provider::parse(&parse(r#"{"thirdPartyId":"a"}"#)).unwrap());
        let stored = record(&before);
        let back = tenant(&stored).unwrap();
        assert_eq!(record(&back), stored);
        assert_eq!(back.core_config.to_text(), before.core_config.to_text());
        assert_eq!(back.first_factors, Some(vec!["custom".into(), "otp-email".into()]));
        assert_eq!(back.providers[0], before.providers[1]);
        let kinds: Vec<_> = back.providers[1].clients.iter().map(|client| client.client_type.clone()).collect();
        assert_eq!(kinds, [None, Some("web".to_owned())]);
        assert_eq!(back.providers[1].token_endpoint_body_params, before.providers[0].token_endpoint_body_params);
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_that_does_not_show_it() {
        let stored = TenantRecord { core_config: "hunter2".into(), ..TenantRecord::base() };
        let Err(Error::Fault(cause)) = tenant(&stored) else { panic!("a fault") };
        assert!(!cause.to_string().contains("hunter2"));
    }
}

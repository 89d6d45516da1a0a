//! Apps and tenants, and how each tenant is configured (core-multitenancy.md 6, 7, 8).
//!
//! A tenant has a row in `tenants`, on which all its data hangs, and one in `tenant_configs`, on which its configuration
//! hangs. Data tables know no connection URI domain.

use std::collections::BTreeMap;

use supertokens_domain::ids::{AppId, AppIdentifier, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Row, Tx, Val, args, statements};

/// A tenant's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantRecord {
    /// Which tenant.
    pub id: TenantIdentifier,
    /// Whether email and password is on.
    pub email_password_enabled: bool,
    /// Whether passwordless is on.
    pub passwordless_enabled: bool,
    /// Whether third party is on.
    pub third_party_enabled: bool,
    /// The first factors; nothing is not the same as none.
    pub first_factors: Option<Vec<String>>,
    /// The required secondary factors. The tables cannot tell none from nothing: none reads back as nothing.
    pub required_secondary_factors: Option<Vec<String>>,
    /// What the tenant overrides of the core's configuration: a JSON object as text.
    pub core_config: String,
    /// The third-party providers.
    pub providers: Vec<ProviderRecord>,
}

/// A third-party provider of a tenant. The columns named `…_params` and `…_headers` hold JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are the columns of tenant_thirdparty_providers, by the same names")]
pub struct ProviderRecord {
    pub third_party_id: String,
    pub name: Option<String>,
    pub authorization_endpoint: Option<String>,
    pub authorization_endpoint_query_params: Option<String>,
    pub token_endpoint: Option<String>,
    pub token_endpoint_body_params: Option<String>,
    pub user_info_endpoint: Option<String>,
    pub user_info_endpoint_query_params: Option<String>,
    pub user_info_endpoint_headers: Option<String>,
    pub jwks_uri: Option<String>,
    pub oidc_discovery_endpoint: Option<String>,
    pub require_email: Option<bool>,
    pub user_info_map_from_id_token_payload: UserInfoMap,
    pub user_info_map_from_user_info_endpoint: UserInfoMap,
    pub clients: Vec<ClientRecord>,
}

/// Where in an answer of the provider the user's properties are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserInfoMap {
    /// The member that holds the user's id.
    pub user_id: Option<String>,
    /// The member that holds the email address.
    pub email: Option<String>,
    /// The member that says whether it is verified.
    pub email_verified: Option<String>,
}

/// A client of a third-party provider.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientRecord {
    /// The kind of client; empty for none.
    pub client_type: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret. Not printed.
    pub client_secret: Option<String>,
    /// The scopes.
    pub scope: Option<Vec<String>>,
    /// Whether PKCE is forced.
    pub force_pkce: Option<bool>,
    /// More, as JSON text. Not printed: for some providers it holds a private key.
    pub additional_config: Option<String>,
}

impl std::fmt::Debug for ClientRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientRecord")
            .field("client_type", &self.client_type)
            .field("client_id", &self.client_id)
            .field("scope", &self.scope)
            .field("force_pkce", &self.force_pkce)
            .finish_non_exhaustive()
    }
}

impl TenantRecord {
    /// The base tenant as it is made at the first start: everything on (core-multitenancy.md 7).
    pub fn base() -> Self {
        Self {
            id: TenantIdentifier::default(),
            email_password_enabled: true,
            passwordless_enabled: true,
            third_party_enabled: true,
            first_factors: None,
            required_secondary_factors: None,
            core_config: "{}".into(),
            providers: Vec::new(),
        }
    }
}

macro_rules! one_tenant {
    ($columns:expr, $table:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM {",
            $table,
            "} WHERE connection_uri_domain = $1 AND app_id = $2 AND tenant_id = $3",
            $order
        )
    };
}
macro_rules! of_app {
    ($columns:expr, $table:literal, $order:literal) => {
        concat!("SELECT ", $columns, " FROM {", $table, "} WHERE connection_uri_domain = $1 AND app_id = $2", $order)
    };
}
macro_rules! every_tenant {
    ($columns:expr, $table:literal, $order:literal) => {
        concat!("SELECT ", $columns, " FROM {", $table, "}", $order)
    };
}
macro_rules! config_columns {
    () => {
        "connection_uri_domain, app_id, tenant_id, core_config, email_password_enabled, passwordless_enabled, third_party_enabled,
         is_first_factors_null"
    };
}
macro_rules! provider_columns {
    () => {
        "connection_uri_domain, app_id, tenant_id, third_party_id, name, authorization_endpoint, authorization_endpoint_query_params,
         token_endpoint, token_endpoint_body_params, user_info_endpoint, user_info_endpoint_query_params,
         user_info_endpoint_headers, jwks_uri, oidc_discovery_endpoint, require_email,
         user_info_map_from_id_token_payload_user_id, user_info_map_from_id_token_payload_email,
         user_info_map_from_id_token_payload_email_verified, user_info_map_from_user_info_endpoint_user_id,
         user_info_map_from_user_info_endpoint_email, user_info_map_from_user_info_endpoint_email_verified"
    };
}
macro_rules! client_columns {
    () => {
        "connection_uri_domain, app_id, tenant_id, third_party_id, client_type, client_id, client_secret, scope, force_pkce,
         additional_config"
    };
}
macro_rules! factor_columns {
    () => {
        "connection_uri_domain, app_id, tenant_id, factor_id"
    };
}

statements! { "tenant_configs", S {
    AllConfigs = every_tenant!(config_columns!(), "tenant_configs", " ORDER BY connection_uri_domain, app_id, tenant_id"),
    AllProviders = every_tenant!(provider_columns!(), "tenant_thirdparty_providers", " ORDER BY third_party_id"),
    AllClients = every_tenant!(client_columns!(), "tenant_thirdparty_provider_clients", " ORDER BY client_type"),
    AllFirst = every_tenant!(factor_columns!(), "tenant_first_factors", " ORDER BY factor_id"),
    AllSecondary = every_tenant!(factor_columns!(), "tenant_required_secondary_factors", " ORDER BY factor_id"),
    Config = one_tenant!(config_columns!(), "tenant_configs", ""),
    Providers = one_tenant!(provider_columns!(), "tenant_thirdparty_providers", " ORDER BY third_party_id"),
    Clients = one_tenant!(client_columns!(), "tenant_thirdparty_provider_clients", " ORDER BY client_type"),
    First = one_tenant!(factor_columns!(), "tenant_first_factors", " ORDER BY factor_id"),
    Secondary = one_tenant!(factor_columns!(), "tenant_required_secondary_factors", " ORDER BY factor_id"),
    AppConfigs = of_app!(config_columns!(), "tenant_configs", " ORDER BY tenant_id"),
    AppProviders = of_app!(provider_columns!(), "tenant_thirdparty_providers", " ORDER BY third_party_id"),
    AppClients = of_app!(client_columns!(), "tenant_thirdparty_provider_clients", " ORDER BY client_type"),
    AppFirst = of_app!(factor_columns!(), "tenant_first_factors", " ORDER BY factor_id"),
    AppSecondary = of_app!(factor_columns!(), "tenant_required_secondary_factors", " ORDER BY factor_id"),
    Ids = "SELECT connection_uri_domain, app_id, tenant_id FROM {tenant_configs} WHERE connection_uri_domain = $1
             AND (CAST($2 AS TEXT) IS NULL OR app_id = CAST($2 AS TEXT))",
    Overrides = "SELECT core_config FROM {tenant_configs} WHERE connection_uri_domain = $1 AND app_id = $2 AND tenant_id = $3",
    OverridesOfTenants = "SELECT DISTINCT core_config FROM {tenant_configs} WHERE connection_uri_domain = $1 AND app_id = $2
             AND tenant_id <> 'public' AND core_config IS NOT NULL",
    DeleteConfig = "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1 AND app_id = $2 AND tenant_id = $3",
    DeleteConfigsOfApp = "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1 AND app_id = $2",
    DeleteConfigsOfDomain = "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1",
    InsertConfig = concat!("INSERT INTO {tenant_configs} (", config_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
    InsertProvider = concat!("INSERT INTO {tenant_thirdparty_providers} (", provider_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6,
             $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)"),
    InsertClient = concat!("INSERT INTO {tenant_thirdparty_provider_clients} (", client_columns!(), ") VALUES ($1, $2, $3, $4, $5,
             $6, $7, $8, $9, $10)"),
    InsertFirst = concat!("INSERT INTO {tenant_first_factors} (", factor_columns!(), ") VALUES ($1, $2, $3, $4)
             ON CONFLICT (connection_uri_domain, app_id, tenant_id, factor_id) DO NOTHING"),
    InsertSecondary = concat!("INSERT INTO {tenant_required_secondary_factors} (", factor_columns!(), ") VALUES ($1, $2, $3, $4)
             ON CONFLICT (connection_uri_domain, app_id, tenant_id, factor_id) DO NOTHING"),
    InsertApp = "INSERT INTO {apps} (app_id, created_at_time) VALUES ($1, $2) ON CONFLICT (app_id) DO NOTHING",
    InsertTenant = "INSERT INTO {tenants} (app_id, tenant_id, created_at_time) VALUES ($1, $2, $3)
             ON CONFLICT (app_id, tenant_id) DO NOTHING",
    DeleteTenant = "DELETE FROM {tenants} WHERE app_id = $1 AND tenant_id = $2",
    // No key ties them to the tenant: they would count in the next one of this name.
    DeleteRecoveryTokens = "DELETE FROM {webauthn_account_recovery_tokens} WHERE tenant_id = $2 AND app_id = $1",
    DeleteApp = "DELETE FROM {apps} WHERE app_id = $1",
    Apps = "SELECT app_id, created_at_time FROM {apps}",
    AppCreated = "SELECT created_at_time FROM {apps} WHERE app_id = $1",
    TenantExists = "SELECT 1 = 1 FROM {tenants} WHERE app_id = $1 AND tenant_id = $2",
} }

/// The statements that read tenants: configurations, providers, clients, first factors, secondary factors.
type Reads = [S; 5];
const EVERY_TENANT: Reads = [S::AllConfigs, S::AllProviders, S::AllClients, S::AllFirst, S::AllSecondary];
const OF_APP: Reads = [S::AppConfigs, S::AppProviders, S::AppClients, S::AppFirst, S::AppSecondary];
const ONE_TENANT: Reads = [S::Config, S::Providers, S::Clients, S::First, S::Secondary];

impl Tx<'_> {
    /// Every tenant of the installation, in the order of their ids; five statements, however many there are.
    pub async fn tenants(&mut self) -> Result<Vec<TenantRecord>> {
        self.read_tenants(EVERY_TENANT, &[]).await
    }

    /// Every tenant of an app, in the order of their ids.
    pub async fn tenants_of(&mut self, app: &AppIdentifier) -> Result<Vec<TenantRecord>> {
        self.read_tenants(OF_APP, &args![&app.cud, &app.app]).await
    }

    /// The ids of the tenants of a domain, or of one of its apps.
    pub async fn tenant_ids(&mut self, cud: &ConnectionUriDomain, app: Option<&AppId>) -> Result<Vec<TenantIdentifier>> {
        self.all(S::Ids, &args![cud, app], read_id).await
    }

    /// One tenant.
    pub async fn tenant(&mut self, id: &TenantIdentifier) -> Result<Option<TenantRecord>> {
        Ok(self.read_tenants(ONE_TENANT, &args![&id.cud, &id.app, &id.tenant]).await?.pop())
    }

    /// What a tenant overrides of the configuration, as stored.
    pub async fn overrides_of(&mut self, id: &TenantIdentifier) -> Result<Option<String>> {
        let found = self.opt(S::Overrides, &args![&id.cud, &id.app, &id.tenant], |row| row.opt_text(0)).await?;
        Ok(found.map(|text| text.unwrap_or_else(|| "{}".into())))
    }

    /// What an app's tenants override, the public one left out; each configuration once.
    pub async fn overrides_of_tenants(&mut self, app: &AppIdentifier) -> Result<Vec<String>> {
        self.all(S::OverridesOfTenants, &args![&app.cud, &app.app], |row| row.text(0)).await
    }

    /// Does the tenant have its row in `tenants`, on which its data hangs?
    pub async fn tenant_exists(&mut self, app: &AppId, tenant: &TenantId) -> Result<bool> {
        Ok(self.opt(S::TenantExists, &args![app, tenant], |row| row.flag(0)).await?.is_some())
    }

    /// Every app and when it was made; the column may be NULL.
    pub async fn apps(&mut self) -> Result<Vec<(AppId, Option<Millis>)>> {
        self.all(S::Apps, &[], |row| Ok((AppId::normalise(&row.text(0)?), row.opt_int(1)?))).await
    }

    /// When an app was made, if it exists. An app that is made again by the same name has another time.
    pub async fn app_created(&mut self, app: &AppId) -> Result<Option<Millis>> {
        Ok(self.opt(S::AppCreated, &args![app], |row| row.opt_int(0)).await?.flatten())
    }

    /// Stores a tenant, new or known, under the lock of its name; makes the rows that its data hangs on, where they are
    /// missing. Two trips on PostgreSQL.
    pub async fn save_tenant(&mut self, record: &TenantRecord, now: Millis) -> Result<()> {
        let id = &record.id;
        self.advisory_lock(&format!("{}~{}~{}", id.cud, id.app, id.tenant)).await?;
        self.with_commit(S::DeleteConfig, args![&id.cud, &id.app, &id.tenant].into()).await?;
        let params = args![
            &id.cud,
            &id.app,
            &id.tenant,
            &record.core_config,
            record.email_password_enabled,
            record.passwordless_enabled,
            record.third_party_enabled,
            record.first_factors.is_none()
        ];
        self.with_commit(S::InsertConfig, params.into()).await?;
        self.insert_factors(S::InsertFirst, id, record.first_factors.as_deref()).await?;
        self.insert_factors(S::InsertSecondary, id, record.required_secondary_factors.as_deref()).await?;
        for provider in &record.providers {
            self.insert_provider(id, provider).await?;
        }
        self.insert_app_and_tenant(&id.app, &id.tenant, now).await
    }

    /// Makes the base tenant if it is not configured yet, and the rows that its data hangs on if they are missing.
    pub async fn ensure_base_tenant(&mut self, now: Millis) -> Result<()> {
        let base = TenantRecord::base();
        self.advisory_lock("~public~public").await?;
        if self.tenant(&base.id).await?.is_none() {
            return self.save_tenant(&base, now).await;
        }
        self.insert_app_and_tenant(&base.id.app, &base.id.tenant, now).await
    }

    /// Makes the rows that a tenant's data hangs on, where they are missing, with the commit.
    pub async fn insert_app_and_tenant(&mut self, app: &AppId, tenant: &TenantId, now: Millis) -> Result<()> {
        self.with_commit(S::InsertApp, args![app, now].into()).await?;
        self.with_commit(S::InsertTenant, args![app, tenant, now].into()).await
    }

    /// Removes a tenant with everything that belongs to it. False if it had no configuration.
    pub async fn delete_tenant(&mut self, id: &TenantIdentifier) -> Result<bool> {
        self.with_commit(S::DeleteRecoveryTokens, args![&id.app, &id.tenant].into()).await?;
        self.with_commit(S::DeleteTenant, args![&id.app, &id.tenant].into()).await?;
        self.delete_tenant_config(id).await
    }

    /// Removes a tenant's configuration and leaves its data. False if it had none.
    pub async fn delete_tenant_config(&mut self, id: &TenantIdentifier) -> Result<bool> {
        Ok(self.exec(S::DeleteConfig, &args![&id.cud, &id.app, &id.tenant]).await? > 0)
    }

    /// Removes an app with all its tenants and everything that belongs to them. False if it had no configuration.
    pub async fn delete_app(&mut self, id: &AppIdentifier) -> Result<bool> {
        self.with_commit(S::DeleteApp, args![&id.app].into()).await?;
        Ok(self.exec(S::DeleteConfigsOfApp, &args![&id.cud, &id.app]).await? > 0)
    }

    /// Removes the configurations of a connection URI domain; its data is in a database of its own. False if it had none.
    pub async fn delete_domain_configs(&mut self, cud: &ConnectionUriDomain) -> Result<bool> {
        Ok(self.exec(S::DeleteConfigsOfDomain, &args![cud]).await? > 0)
    }

    async fn read_tenants(&mut self, reads: Reads, params: &[Val<'_>]) -> Result<Vec<TenantRecord>> {
        let [configs, providers, clients, first, secondary] = reads;
        let configs = self.all(configs, params, read_config).await?;
        if configs.is_empty() {
            // The other tables hang on this one.
            return Ok(Vec::new());
        }
        // Most tenants have nothing else, but a single look at each table is all it takes to know.
        let mut clients_of = grouped(self.all(clients, params, read_client).await?);
        let mut providers_of = BTreeMap::<TenantIdentifier, Vec<ProviderRecord>>::new();
        for (id, mut provider) in self.all(providers, params, read_provider).await? {
            provider.clients = clients_of.remove(&(id.clone(), provider.third_party_id.clone())).unwrap_or_default();
            providers_of.entry(id).or_default().push(provider);
        }
        let mut first_of = grouped(self.all(first, params, read_factor).await?);
        let mut secondary_of = grouped(self.all(secondary, params, read_factor).await?);
        let fill = |(mut record, no_first_factors): (TenantRecord, bool)| {
            let factors = first_of.remove(&record.id);
            record.first_factors = if no_first_factors { None } else { Some(factors.unwrap_or_default()) };
            record.required_secondary_factors = secondary_of.remove(&record.id);
            record.providers = providers_of.remove(&record.id).unwrap_or_default();
            record
        };
        Ok(configs.into_iter().map(fill).collect())
    }

    async fn insert_factors(&mut self, statement: S, id: &TenantIdentifier, factors: Option<&[String]>) -> Result<()> {
        for factor in factors.unwrap_or_default() {
            self.with_commit(statement, args![&id.cud, &id.app, &id.tenant, factor].into()).await?;
        }
        Ok(())
    }

    async fn insert_provider(&mut self, id: &TenantIdentifier, provider: &ProviderRecord) -> Result<()> {
        let (token_map, api_map) =
            (&provider.user_info_map_from_id_token_payload, &provider.user_info_map_from_user_info_endpoint);
        let params = args![
            &id.cud,
            &id.app,
            &id.tenant,
            &provider.third_party_id,
            provider.name.as_ref(),
            provider.authorization_endpoint.as_ref(),
            provider.authorization_endpoint_query_params.as_ref(),
            provider.token_endpoint.as_ref(),
            provider.token_endpoint_body_params.as_ref(),
            provider.user_info_endpoint.as_ref(),
            provider.user_info_endpoint_query_params.as_ref(),
            provider.user_info_endpoint_headers.as_ref(),
            provider.jwks_uri.as_ref(),
            provider.oidc_discovery_endpoint.as_ref(),
            provider.require_email,
            token_map.user_id.as_ref(),
            token_map.email.as_ref(),
            token_map.email_verified.as_ref(),
            api_map.user_id.as_ref(),
            api_map.email.as_ref(),
            api_map.email_verified.as_ref()
        ];
        self.with_commit(S::InsertProvider, params.into()).await?;
        for client in &provider.clients {
            let params = args![
                &id.cud,
                &id.app,
                &id.tenant,
                &provider.third_party_id,
                &client.client_type,
                &client.client_id,
                client.client_secret.as_ref(),
                client.scope.as_deref(),
                client.force_pkce,
                client.additional_config.as_ref()
            ];
            self.with_commit(S::InsertClient, params.into()).await?;
        }
        Ok(())
    }
}

/// The rows of each owner, in their order.
fn grouped<K: Ord, V>(rows: Vec<(K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups = BTreeMap::<K, Vec<V>>::new();
    for (owner, row) in rows {
        groups.entry(owner).or_default().push(row);
    }
    groups
}

fn read_id(row: &Row<'_>) -> Result<TenantIdentifier> {
    Ok(TenantIdentifier {
        cud: ConnectionUriDomain::normalise(&row.text(0)?),
        app: AppId::normalise(&row.text(1)?),
        tenant: TenantId::normalise(&row.text(2)?),
    })
}

/// The record without what hangs on it, and whether its first factors are nothing rather than none.
fn read_config(row: &Row<'_>) -> Result<(TenantRecord, bool)> {
    let record = TenantRecord {
        id: read_id(row)?,
        core_config: row.opt_text(3)?.unwrap_or_else(|| "{}".into()),
        // The columns may be NULL, which Java reads as false.
        email_password_enabled: row.opt_flag(4)?.unwrap_or_default(),
        passwordless_enabled: row.opt_flag(5)?.unwrap_or_default(),
        third_party_enabled: row.opt_flag(6)?.unwrap_or_default(),
        first_factors: None,
        required_secondary_factors: None,
        providers: Vec::new(),
    };
    Ok((record, row.opt_flag(7)?.unwrap_or_default()))
}

fn read_factor(row: &Row<'_>) -> Result<(TenantIdentifier, String)> {
    Ok((read_id(row)?, row.text(3)?))
}

fn read_client(row: &Row<'_>) -> Result<((TenantIdentifier, String), ClientRecord)> {
    let client = ClientRecord {
        client_type: row.text(4)?,
        client_id: row.text(5)?,
        client_secret: row.opt_text(6)?,
        scope: row.opt_list(7)?,
        force_pkce: row.opt_flag(8)?,
        additional_config: row.opt_text(9)?,
    };
    Ok(((read_id(row)?, row.text(3)?), client))
}

fn read_provider(row: &Row<'_>) -> Result<(TenantIdentifier, ProviderRecord)> {
    let map =
        |at| Ok(UserInfoMap { user_id: row.opt_text(at)?, email: row.opt_text(at + 1)?, email_verified: row.opt_text(at + 2)? });
    let provider = ProviderRecord {
        third_party_id: row.text(3)?,
        name: row.opt_text(4)?,
        authorization_endpoint: row.opt_text(5)?,
        authorization_endpoint_query_params: row.opt_text(6)?,
        token_endpoint: row.opt_text(7)?,
        token_endpoint_body_params: row.opt_text(8)?,
        user_info_endpoint: row.opt_text(9)?,
        user_info_endpoint_query_params: row.opt_text(10)?,
        user_info_endpoint_headers: row.opt_text(11)?,
        jwks_uri: row.opt_text(12)?,
        oidc_discovery_endpoint: row.opt_text(13)?,
        require_email: row.opt_flag(14)?,
        user_info_map_from_id_token_payload: map(15)?,
        user_info_map_from_user_info_endpoint: map(18)?,
        clients: Vec::new(),
    };
    Ok((read_id(row)?, provider))
}

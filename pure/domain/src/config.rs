//! Which settings count for one tenant (core-server.md 9, core-multitenancy.md 2.4)? Layers of JSON go in, typed values or all
//! the problems at once come out. Reading files, the environment and flags is the program's; storing overrides is the core's.
//!
//! `key` says what a key is, `core_keys` and `database_keys` are the keys, `table` all of them, `reading` types values, `ranges` checks
//! them, `rules` are those about addresses, `overrides` has the rules for a `coreConfig`, `database` the choice and address of the
//! database, `dashboard` the list for people.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use crate::json::JsonObject;
use crate::secret::Secret;
use crate::time::Millis;

mod address;
mod core_keys;
mod dashboard;
mod database;
mod database_keys;
mod key;
mod obsolete;
mod overrides;
mod ranges;
mod reading;
mod rules;
mod table;
#[cfg(test)]
mod tests;

pub use address::{BadAddress, DatabaseAddress, FORMS, PostgresAddress, encode, trimmed};
pub use dashboard::{DashboardView, dashboard_items};
pub use database::{DatabaseChoice, PostgresConfig};
pub use key::{Key, Kind, Owner, Preset, Scope, Value, Variable};
pub use obsolete::{Instead, obsolete_key};
pub use overrides::{
    Protected, app_scope_conflict, app_scope_conflict_in, check_overrides, hide_protected, merge_overrides, names_app_settings,
    names_own_database, own_database_refusal, set_protected, touched_protected,
};
pub(crate) use ranges::rule_refused;
pub use ranges::{CDI_VERSIONS, Checks};
pub use reading::ConfigProblem;
pub(crate) use rules::NoRule;
pub use rules::{AddressRule, AddressRules, address_text};
pub use table::{key, keys, nearest_key};

use ranges::{Rules, api_keys, check, host_of_domain};
use reading::{Values, resolve};

/// No length of time in a configuration counts for more than this, so that adding one to an instant cannot overflow.
const LONGEST: f64 = 1e15;

/// What happens when a refresh token is used again after its grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReuseBehaviour {
    /// The session is revoked and the caller is told of a theft.
    TokenTheft,
    /// The caller is told that there is no such session.
    Unauthorised,
}

/// How new passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashingAlgorithm {
    /// Argon2id.
    Argon2,
    /// bcrypt.
    Bcrypt,
}

/// The least important messages that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What is odd.
    Warn,
    /// What fails.
    Error,
    /// Nothing.
    None,
}

/// The effective settings of one tenant. Cheap to clone: all clones share one [`Settings`].
#[derive(Debug, Clone)]
pub struct CoreConfig(Arc<Settings>);

impl Deref for CoreConfig {
    type Target = Settings;
    fn deref(&self) -> &Settings {
        &self.0
    }
}

/// The values behind a [`CoreConfig`], named as their keys, in the units of their keys.
#[expect(missing_docs, reason = "a field is described by the row of its key in the table")]
#[derive(Debug)]
pub struct Settings {
    pub port: u16,
    pub host: String,
    /// Normalised: empty, or one `/` in front and none behind.
    pub base_path: String,
    pub max_server_pool_size: i64,
    pub log_level: LogLevel,
    pub info_log_path: Option<String>,
    pub error_log_path: Option<String>,
    pub api_keys: Vec<Secret<String>>,
    pub supertokens_saas_secret: Option<Secret<String>>,
    /// The host alone.
    pub supertokens_saas_load_only_cud: Option<String>,
    pub supertokens_max_cdi_version: Option<String>,
    pub supertokens_min_cdi_version: Option<String>,
    pub ip_allow_regex: Option<AddressRule>,
    pub ip_deny_regex: Option<AddressRule>,
    pub disable_telemetry: bool,
    pub access_token_validity: i64,
    pub access_token_validity_jitter: f64,
    pub access_token_blacklisting: bool,
    pub access_token_signing_key_dynamic: bool,
    pub access_token_dynamic_signing_key_update_interval: f64,
    pub refresh_token_validity: f64,
    pub refresh_token_rotation_grace_period: i64,
    pub recent_token_reuse_behaviour: ReuseBehaviour,
    pub password_reset_token_lifetime: Millis,
    pub email_verification_token_lifetime: Millis,
    pub passwordless_max_code_input_attempts: i64,
    pub passwordless_code_lifetime: Millis,
    pub totp_max_attempts: i64,
    pub totp_rate_limit_cooldown_sec: i64,
    pub password_hashing_alg: HashingAlgorithm,
    pub bcrypt_log_rounds: i64,
    pub argon2_iterations: i64,
    pub argon2_memory_kb: i64,
    pub argon2_parallelism: i64,
    pub argon2_hashing_pool_size: i64,
    pub firebase_password_hashing_pool_size: i64,
    pub firebase_password_hashing_signer_key: Option<Secret<String>>,
    pub oauth_provider_public_service_url: Option<String>,
    pub oauth_provider_admin_service_url: Option<String>,
    pub oauth_provider_consent_login_base_url: Option<String>,
    /// Not set means the public service URL.
    pub oauth_provider_url_configured_in_oauth_provider: Option<String>,
    pub oauth_client_secret_encryption_key: Option<Secret<String>>,
    pub saml_legacy_acs_url: Option<String>,
    pub saml_sp_entity_id: String,
    pub saml_claims_validity: Millis,
    pub saml_relay_state_validity: Millis,
    /// Not set means one per processor.
    pub bulk_migration_parallelism: Option<i64>,
    pub bulk_migration_batch_size: i64,
    pub bulk_migration_sleep_between_rounds_in_batch_ms: Option<Millis>,
    pub webauthn_recover_account_token_lifetime: Millis,
    /// Ours: log lines are JSON objects.
    pub log_json: bool,
    /// Ours: `/metrics` answers.
    pub metrics: bool,
    /// Ours: open connections at a time.
    pub max_connections: usize,
    /// Ours: a request is given up after so many seconds.
    pub request_timeout_seconds: u64,
    /// Ours: what runs has so many seconds to finish when the server stops.
    pub shutdown_timeout_seconds: u64,
    /// Ours: HTTP/2 is spoken beside HTTP/1.1.
    pub http2: bool,
}

impl CoreConfig {
    /// The settings of a tenant: for each key the first override that sets it, else the base configuration, else the default.
    ///
    /// Problems come all at once: first values of a wrong type, then values out of range, each in the order of the table. An API
    /// answers with the first. Keys of the database are not looked at, see [`PostgresConfig`]; nor are unknown names, see
    /// [`check_overrides`].
    pub fn effective(
        base: &JsonObject,
        overrides_most_specific_first: &[&JsonObject],
        checks: Checks,
    ) -> Result<Self, Vec<ConfigProblem>> {
        Self::effective_sharing(base, overrides_most_specific_first, checks, &AddressRules::default())
    }

    /// As [`effective`](Self::effective); rules about addresses are those of others, where they are the same.
    pub fn effective_sharing(
        base: &JsonObject,
        overrides_most_specific_first: &[&JsonObject],
        checks: Checks,
        rules: &AddressRules,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let levels: Vec<&JsonObject> = overrides_most_specific_first.iter().copied().chain([base]).collect();
        // A number that no range check can mind; it is taken out again below.
        let (values, mut problems) = resolve(keys().filter(|key| key.owner != Owner::Database), &levels, i64::MAX);
        let rules = Rules::of(&values, rules);
        problems.extend(
            check(&values, checks, &rules)
                .into_iter()
                .filter(|p| !problems.iter().any(|known| known.key() == p.key()))
                .collect::<Vec<_>>(),
        );
        if problems.is_empty() { Ok(Self(Arc::new(Settings::of(&values, rules)))) } else { Err(problems) }
    }

    /// Everything at its default.
    pub fn defaults() -> Self {
        let (values, _) = resolve(keys().filter(|key| key.owner != Owner::Database), &[], i64::MAX);
        Self(Arc::new(Settings::of(&values, Rules::default())))
    }

    /// The whole lifetime of an access token, before any jitter.
    pub fn access_token_validity_ms(&self) -> Millis {
        self.access_token_validity.saturating_mul(1000)
    }

    /// The lifetime of a refresh token.
    pub fn refresh_token_validity_ms(&self) -> Millis {
        millis(self.refresh_token_validity * 60.0 * 1000.0)
    }

    /// After this long a new dynamic key signs.
    pub fn signing_key_interval_ms(&self) -> Millis {
        millis(self.access_token_dynamic_signing_key_update_interval * 3600.0 * 1000.0)
    }

    /// For this long a refresh token that was just replaced is still taken.
    pub fn grace_ms(&self) -> Millis {
        self.refresh_token_rotation_grace_period.saturating_mul(1000)
    }

    /// May this address call? Deny rules come first (core-server.md 6).
    pub fn lets_in(&self, peer: IpAddr) -> bool {
        let text = address_text(peer);
        let matches = |rule: &Option<AddressRule>| rule.as_ref().map(|rule| rule.matches(&text));
        matches(&self.ip_deny_regex) != Some(true) && matches(&self.ip_allow_regex) != Some(false)
    }
}

impl Settings {
    fn of(v: &Values, rules: Rules) -> Self {
        let text = |name: &str| v.text_or_null(name).map(str::to_owned);
        let secret = |name: &str| v.text_or_null(name).map(|text| Secret::new(text.trim().to_owned()));
        let log_path = |name: &str| text(name).filter(|path| !path.trim().is_empty() && path != "null");
        Self {
            port: u16::try_from(v.int("port")).unwrap_or(3567),
            host: v.text("host").trim().to_owned(),
            base_path: base_path(v.text("base_path")),
            max_server_pool_size: v.int("max_server_pool_size"),
            log_level: log_level(v.text("log_level")),
            info_log_path: log_path("info_log_path"),
            error_log_path: log_path("error_log_path"),
            api_keys: v.text_or_null("api_keys").map(api_keys).unwrap_or_default().into_iter().map(Secret::new).collect(),
            supertokens_saas_secret: secret("supertokens_saas_secret"),
            supertokens_saas_load_only_cud: v.text_or_null("supertokens_saas_load_only_cud").and_then(host_of_domain),
            supertokens_max_cdi_version: text("supertokens_max_cdi_version"),
            supertokens_min_cdi_version: text("supertokens_min_cdi_version"),
            ip_allow_regex: rules.allow.and_then(Result::ok),
            ip_deny_regex: rules.deny.and_then(Result::ok),
            disable_telemetry: v.bool("disable_telemetry"),
            access_token_validity: v.int("access_token_validity"),
            access_token_validity_jitter: v.double("access_token_validity_jitter"),
            access_token_blacklisting: v.bool("access_token_blacklisting"),
            access_token_signing_key_dynamic: v.bool("access_token_signing_key_dynamic"),
            access_token_dynamic_signing_key_update_interval: v.double("access_token_dynamic_signing_key_update_interval"),
            refresh_token_validity: v.double("refresh_token_validity"),
            refresh_token_rotation_grace_period: v.int("refresh_token_rotation_grace_period"),
            recent_token_reuse_behaviour: match v.text("recent_token_reuse_behaviour") {
                "UNAUTHORISED" => ReuseBehaviour::Unauthorised,
                _ => ReuseBehaviour::TokenTheft,
            },
            password_reset_token_lifetime: v.int("password_reset_token_lifetime"),
            email_verification_token_lifetime: v.int("email_verification_token_lifetime"),
            passwordless_max_code_input_attempts: v.int("passwordless_max_code_input_attempts"),
            passwordless_code_lifetime: v.int("passwordless_code_lifetime"),
            totp_max_attempts: v.int("totp_max_attempts"),
            totp_rate_limit_cooldown_sec: v.int("totp_rate_limit_cooldown_sec"),
            password_hashing_alg: if v.text("password_hashing_alg") == "ARGON2" {
                HashingAlgorithm::Argon2
            } else {
                HashingAlgorithm::Bcrypt
            },
            bcrypt_log_rounds: v.int("bcrypt_log_rounds"),
            argon2_iterations: v.int("argon2_iterations"),
            argon2_memory_kb: v.int("argon2_memory_kb"),
            argon2_parallelism: v.int("argon2_parallelism"),
            argon2_hashing_pool_size: v.int("argon2_hashing_pool_size").max(1),
            firebase_password_hashing_pool_size: v.int("firebase_password_hashing_pool_size").max(1),
            firebase_password_hashing_signer_key: secret("firebase_password_hashing_signer_key"),
            oauth_provider_public_service_url: text("oauth_provider_public_service_url"),
            oauth_provider_admin_service_url: text("oauth_provider_admin_service_url"),
            oauth_provider_consent_login_base_url: text("oauth_provider_consent_login_base_url"),
            oauth_provider_url_configured_in_oauth_provider: text("oauth_provider_url_configured_in_oauth_provider")
                .or_else(|| text("oauth_provider_public_service_url")),
            oauth_client_secret_encryption_key: secret("oauth_client_secret_encryption_key"),
            saml_legacy_acs_url: text("saml_legacy_acs_url"),
            saml_sp_entity_id: v.text("saml_sp_entity_id").to_owned(),
            saml_claims_validity: v.int("saml_claims_validity"),
            saml_relay_state_validity: v.int("saml_relay_state_validity"),
            bulk_migration_parallelism: v.int_or_null("bulk_migration_parallelism").filter(|n| *n != i64::MAX),
            bulk_migration_batch_size: v.int("bulk_migration_batch_size"),
            bulk_migration_sleep_between_rounds_in_batch_ms: v.int_or_null("bulk_migration_sleep_between_rounds_in_batch_ms"),
            webauthn_recover_account_token_lifetime: v.int("webauthn_recover_account_token_lifetime"),
            log_json: v.text("log_format") == "JSON",
            metrics: v.bool("metrics"),
            max_connections: usize::try_from(v.int("max_connections")).unwrap_or(1),
            request_timeout_seconds: v.int("request_timeout_seconds").unsigned_abs(),
            shutdown_timeout_seconds: v.int("shutdown_timeout_seconds").unsigned_abs(),
            http2: v.bool("http2"),
        }
    }
}

/// One `/` in front, none behind, none doubled; `/` alone is nothing.
fn base_path(text: &str) -> String {
    text.trim().split('/').filter(|piece| !piece.is_empty()).map(|piece| format!("/{piece}")).collect()
}

fn log_level(text: &str) -> LogLevel {
    match text {
        "DEBUG" => LogLevel::Debug,
        "WARN" => LogLevel::Warn,
        "ERROR" => LogLevel::Error,
        "NONE" => LogLevel::None,
        _ => LogLevel::Info,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped first")]
fn millis(value: f64) -> Millis {
    value.clamp(-LONGEST, LONGEST) as Millis
}

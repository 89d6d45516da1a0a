//! The rows of core-server.md 9.3 in its order, and the keys that only this server has (`OURS`). Ours are set like the others:
//! in config.yaml, or by a variable that starts with `SUPERTOKENS_`. The Java core ignores them in a shared file.

use super::key::Kind::{Bool, Double, Int, Long, NullableInt, OneOf, Text};
use super::key::Preset::{self, Processors, Unset};
use super::key::Scope::{App, Base, Tenant};
use super::key::{Key, Owner, row};

const LOG_LEVELS: &[&str] = &["DEBUG", "INFO", "WARN", "ERROR", "NONE"];
const REUSE: &[&str] = &["TOKEN_THEFT", "UNAUTHORISED"];
const HASHING: &[&str] = &["ARGON2", "BCRYPT"];
const API_KEY: &str = "at least 20 characters each: letters, digits, '=' and '-'";
const CDI: &str = "a supported CDI version, such as 5.4";

pub(super) const KEYS: &[Key] = &[
    row("core_config_version", Int, Preset::Int(0), Base, "Format of the configuration file.").no_variable().hidden(),
    row("port", Int, Preset::Int(3567), Base, "TCP port that the server listens on.")
        .variable("SUPERTOKENS_PORT")
        .allowed("0 to 65535"),
    row("host", Text, Preset::Text("localhost"), Base, "Name or address that the server listens on.")
        .variable("SUPERTOKENS_HOST"),
    row("base_path", Text, Preset::Text(""), Base, "Path in front of every endpoint.").allowed("a path without spaces"),
    row(
        "max_server_pool_size",
        Int,
        Preset::Int(10),
        Base,
        "Upper limit for threads that hash passwords by one algorithm; the Java core's number of worker threads.",
    )
    .allowed("1 or more")
    .names_file(),
    row("webserver_https_enabled", Bool, Preset::Bool(false), Base, "Has no effect; kept so that old files are accepted.")
        .no_variable(),
    row("log_level", OneOf(LOG_LEVELS), Preset::Text("INFO"), Base, "The least important messages that are still logged.")
        .allowed("DEBUG, INFO, WARN, ERROR or NONE"),
    row("info_log_path", Text, Unset, Base, "File for DEBUG and INFO messages; standard output if it is not set or null."),
    row("error_log_path", Text, Unset, Base, "File for WARN and ERROR messages; standard error if it is not set or null."),
    row("api_keys", Text, Unset, App, "API keys, separated by commas; without any, every caller is let in.")
        .secret()
        .hidden()
        .allowed(API_KEY),
    row("supertokens_saas_secret", Text, Unset, Base, "Key of the owner of a shared installation; needs api_keys.")
        .secret()
        .hidden()
        .allowed("at least 40 characters: letters, digits, '=' and '-'"),
    row("supertokens_saas_load_only_cud", Text, Unset, Base, "The one connection URI domain that this process serves.")
        .allowed("a host name"),
    row("supertokens_max_cdi_version", Text, Unset, App, "Newest CDI version that is served, also when a caller names none.")
        .hidden()
        .allowed(CDI),
    row("supertokens_min_cdi_version", Text, Unset, App, "Oldest CDI version that is served.").hidden().allowed(CDI),
    row("ip_allow_regex", Text, Unset, Tenant, "Only addresses that match this regular expression as a whole are let in.")
        .protected()
        .allowed("a regular expression"),
    row("ip_deny_regex", Text, Unset, Tenant, "Addresses that match this regular expression as a whole are turned away.")
        .protected()
        .allowed("a regular expression"),
    row(
        "disable_telemetry",
        Bool,
        Preset::Bool(false),
        App,
        "Keeps `/telemetry` from having an id. Nothing is ever sent either way.",
    ),
    row("access_token_validity", Long, Preset::Int(3600), App, "Seconds for which an access token is valid.")
        .allowed("1 to 86400000 seconds")
        .names_file(),
    row(
        "access_token_validity_jitter",
        Double,
        Preset::Double(0.05),
        App,
        "Share by which the lifetime of access tokens varies at random.",
    )
    .allowed("0 to 0.25")
    .names_file(),
    row(
        "access_token_blacklisting",
        Bool,
        Preset::Bool(false),
        App,
        "Verify looks into the database; for CDI versions before 2.21 only.",
    )
    .hidden(),
    row(
        "access_token_signing_key_dynamic",
        Bool,
        Preset::Bool(true),
        App,
        "Access tokens are signed by changing keys; for CDI versions before 2.21 only.",
    )
    .hidden(),
    row(
        "access_token_dynamic_signing_key_update_interval",
        Double,
        Preset::Double(168.0),
        App,
        "Hours after which a new key signs access tokens.",
    )
    .alias("access_token_signing_key_update_interval")
    .allowed("1 hour or more")
    .names_file(),
    row("refresh_token_validity", Double, Preset::Double(144_000.0), App, "Minutes for which a refresh token is valid.")
        .allowed("more than access_token_validity")
        .names_file(),
    row(
        "refresh_token_rotation_grace_period",
        Int,
        Preset::Int(60),
        App,
        "Seconds in which a replaced refresh token still gets its successor (CDI 5.6); a repeat after them is taken for theft.",
    )
    .allowed("0 to 300 seconds")
    .names_file(),
    row(
        "recent_token_reuse_behaviour",
        OneOf(REUSE),
        Preset::Text("TOKEN_THEFT"),
        Base,
        "What a late reuse of a replaced refresh token is called.",
    )
    .allowed("TOKEN_THEFT or UNAUTHORISED"),
    row(
        "password_reset_token_lifetime",
        Long,
        Preset::Int(3_600_000),
        Tenant,
        "Milliseconds for which a password reset token is valid.",
    )
    .allowed("more than 0"),
    row(
        "email_verification_token_lifetime",
        Long,
        Preset::Int(86_400_000),
        Tenant,
        "Milliseconds for which an e-mail verification token is valid.",
    )
    .allowed("more than 0"),
    row(
        "passwordless_max_code_input_attempts",
        Int,
        Preset::Int(5),
        Tenant,
        "Wrong codes a person may enter before a new one is needed.",
    )
    .allowed("more than 0"),
    row("passwordless_code_lifetime", Long, Preset::Int(900_000), Tenant, "Milliseconds for which a passwordless code is valid.")
        .allowed("more than 0"),
    row("totp_max_attempts", Int, Preset::Int(5), Tenant, "Wrong TOTP codes in a row before a pause is forced.")
        .allowed("more than 0"),
    row("totp_rate_limit_cooldown_sec", Int, Preset::Int(900), Tenant, "Seconds of the pause after too many wrong TOTP codes.")
        .allowed("more than 0"),
    row("password_hashing_alg", OneOf(HASHING), Preset::Text("BCRYPT"), App, "How new passwords are hashed.")
        .allowed("ARGON2 or BCRYPT"),
    row("bcrypt_log_rounds", Int, Preset::Int(11), Base, "Cost of a bcrypt hash, as a power of two.").allowed("4 to 30"),
    row("argon2_iterations", Int, Preset::Int(1), Base, "Passes of an Argon2 hash.").allowed("1 or more"),
    row("argon2_memory_kb", Int, Preset::Int(87_795), Base, "Memory of an Argon2 hash, in KiB.")
        .allowed("8 or more for each lane"),
    row("argon2_parallelism", Int, Preset::Int(2), Base, "Lanes of an Argon2 hash.").allowed("1 or more"),
    row("argon2_hashing_pool_size", Int, Preset::Int(1), Base, "Argon2 hashes that are made at the same time.")
        .allowed("up to max_server_pool_size"),
    row("firebase_password_hashing_pool_size", Int, Preset::Int(1), Base, "Firebase hashes that are checked at the same time."),
    row("firebase_password_hashing_signer_key", Text, Unset, App, "Signer key of imported Firebase hashes.").secret(),
    row("oauth_provider_public_service_url", Text, Unset, App, "Public address of the OAuth provider.")
        .protected()
        .hidden()
        .allowed("a URL"),
    row("oauth_provider_admin_service_url", Text, Unset, App, "Administration address of the OAuth provider.")
        .protected()
        .hidden()
        .allowed("a URL"),
    row(
        "oauth_provider_consent_login_base_url",
        Text,
        Unset,
        App,
        "Address of the login and consent pages of the OAuth provider.",
    )
    .protected()
    .hidden()
    .allowed("a URL"),
    row("oauth_provider_url_configured_in_oauth_provider", Text, Unset, App, "Address that the OAuth provider believes it has.")
        .protected()
        .hidden()
        .allowed("a URL"),
    row("oauth_client_secret_encryption_key", Text, Unset, Base, "Key that OAuth client secrets are encrypted with.")
        .secret()
        .hidden(),
    row("saml_legacy_acs_url", Text, Unset, App, "Address for answers of SAML identity providers set up the old way.")
        .protected()
        .hidden(),
    row(
        "saml_sp_entity_id",
        Text,
        Preset::Text("https://saml.supertokens.com"),
        Tenant,
        "Name by which SAML identity providers know this server.",
    ),
    row(
        "saml_claims_validity",
        Long,
        Preset::Int(300_000),
        Tenant,
        "Milliseconds for which claims of a SAML login can be fetched.",
    ),
    row("saml_relay_state_validity", Long, Preset::Int(300_000), Tenant, "Milliseconds for which a SAML login may take."),
    row("bulk_migration_parallelism", Int, Processors, App, "Users that a bulk import handles at the same time.")
        .allowed("1 or more"),
    row("bulk_migration_batch_size", Int, Preset::Int(8000), App, "Users that a bulk import takes from its queue at once.")
        .allowed("1 or more"),
    row(
        "bulk_migration_sleep_between_rounds_in_batch_ms",
        NullableInt,
        Preset::Int(1000),
        App,
        "Milliseconds of rest between the rounds of a bulk import.",
    ),
    row(
        "webauthn_recover_account_token_lifetime",
        Long,
        Preset::Int(3_600_000),
        App,
        "Milliseconds for which an account recovery token is valid.",
    )
    .allowed("more than 0"),
    row(
        "otel_collector_connection_uri",
        Text,
        Unset,
        Base,
        "Address of an OpenTelemetry collector; nothing is sent in this version.",
    ),
    row("deadlock_logger_enable", Bool, Preset::Bool(false), Base, "Has no effect; kept so that old files are accepted."),
];

const FORMATS: &[&str] = &["TEXT", "JSON"];

pub(super) const OURS: &[Key] = &[
    ours(
        "database_url",
        Text,
        Unset,
        "Where the data is: sqlite:PATH, sqlite::memory: or postgresql://…; comes before the PostgreSQL keys.",
    )
    .variable("SUPERTOKENS_DATABASE_URL")
    .secret()
    .allowed(super::address::FORMS),
    ours("log_format", OneOf(FORMATS), Preset::Text("TEXT"), "Form of the log lines.")
        .variable("SUPERTOKENS_LOG_FORMAT")
        .allowed("text or json"),
    ours("metrics", Bool, Preset::Bool(true), "Answer GET /metrics, without an API key.").variable("SUPERTOKENS_METRICS"),
    ours("max_connections", Int, Preset::Int(10_000), "Connections that are open at the same time; more have to wait.")
        .variable("SUPERTOKENS_MAX_CONNECTIONS")
        .allowed("1 or more"),
    ours("request_timeout_seconds", Int, Preset::Int(60), "Seconds after which a request is given up with a 503.")
        .variable("SUPERTOKENS_REQUEST_TIMEOUT_SECONDS")
        .allowed("1 or more"),
    ours(
        "shutdown_timeout_seconds",
        Int,
        Preset::Int(5),
        "Seconds that running requests have to finish when the server is told to stop; keep it below what your platform waits.",
    )
    .variable("SUPERTOKENS_SHUTDOWN_TIMEOUT_SECONDS")
    .allowed("0 or more"),
    ours("http2", Bool, Preset::Bool(true), "Speak HTTP/2 with those who begin with it; HTTP/1.1 is always spoken.")
        .variable("SUPERTOKENS_HTTP2"),
];

const fn ours(name: &'static str, kind: super::key::Kind, preset: Preset, description: &'static str) -> Key {
    row(name, kind, preset, Base, description).owner(Owner::Ours).hidden()
}

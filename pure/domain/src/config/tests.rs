//! Every limit at, just inside and just outside; conversions; layers; the rules for overrides.

use std::net::IpAddr;

use super::*;
use crate::json::Json;

fn object(text: &str) -> JsonObject {
    JsonObject::parse(text).unwrap()
}

fn read(text: &str) -> Result<CoreConfig, Vec<ConfigProblem>> {
    CoreConfig::effective(&object(text), &[], Checks::Normal)
}

fn sentences(text: &str, checks: Checks) -> Vec<String> {
    match CoreConfig::effective(&object(text), &[], checks) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn defaults_are_those_of_the_table() {
    let config = read("{}").unwrap();
    assert_eq!((config.port, config.host.as_str(), config.base_path.as_str()), (3567, "localhost", ""));
    assert_eq!(config.access_token_validity_ms(), 3_600_000);
    assert_eq!(config.refresh_token_validity_ms(), 100 * crate::time::DAY);
    assert_eq!(config.signing_key_interval_ms(), 168 * crate::time::HOUR);
    assert_eq!(config.grace_ms(), 60_000);
    assert_eq!(config.recent_token_reuse_behaviour, ReuseBehaviour::TokenTheft);
    assert!(config.access_token_signing_key_dynamic && !config.access_token_blacklisting && config.metrics);
    assert!(
        config.api_keys.is_empty() && config.supertokens_saas_secret.is_none() && config.bulk_migration_parallelism.is_none()
    );
    assert_eq!(config.bulk_migration_sleep_between_rounds_in_batch_ms, Some(1000));
    assert_eq!(CoreConfig::defaults().saml_sp_entity_id, "https://saml.supertokens.com");
}

/// A key, values and whether each of them is fine, and what is said of those that are not.
type Limit = (&'static str, &'static [(&'static str, bool)], &'static str);

const LIMITS: &[Limit] = &[
    (
        "access_token_validity",
        &[("0", false), ("1", true), ("2", true), ("86399999", true), ("86400000", true), ("86400001", false), ("-1", false)],
        "'access_token_validity' must be between 1 and 86400000 seconds inclusive.",
    ),
    (
        "access_token_validity_jitter",
        &[("-0.001", false), ("0", true), ("0.001", true), ("0.249", true), ("0.25", true), ("0.2501", false)],
        "'access_token_validity_jitter' must be between 0 and 0.25 inclusive.",
    ),
    (
        "access_token_dynamic_signing_key_update_interval",
        &[("0.999", false), ("1", true), ("1.001", true), ("\"1\"", true), ("0", false)],
        "'access_token_dynamic_signing_key_update_interval' must be greater than, equal to 1 hour.",
    ),
    (
        "refresh_token_validity",
        &[("59", false), ("60", false), ("60.001", true), ("61", true), ("0", false)],
        "'refresh_token_validity' must be strictly greater than 'access_token_validity'.",
    ),
    (
        "refresh_token_rotation_grace_period",
        &[("-1", false), ("0", true), ("1", true), ("299", true), ("300", true), ("301", false)],
        "'refresh_token_rotation_grace_period' must be between 0 and 300 seconds inclusive.",
    ),
    ("max_server_pool_size", &[("0", false), ("1", true), ("2", true)], "'max_server_pool_size' must be >= 1."),
    (
        "password_reset_token_lifetime",
        &[("-1", false), ("0", false), ("1", true)],
        "'password_reset_token_lifetime' must be >= 0",
    ),
    (
        "email_verification_token_lifetime",
        &[("-1", false), ("0", false), ("1", true)],
        "'email_verification_token_lifetime' must be >= 0",
    ),
    ("passwordless_max_code_input_attempts", &[("0", false), ("1", true)], "'passwordless_max_code_input_attempts' must be > 0"),
    ("passwordless_code_lifetime", &[("0", false), ("1", true)], "'passwordless_code_lifetime' must be > 0"),
    ("totp_max_attempts", &[("0", false), ("1", true)], "'totp_max_attempts' must be > 0"),
    ("totp_rate_limit_cooldown_sec", &[("0", false), ("1", true)], "'totp_rate_limit_cooldown_sec' must be > 0"),
    ("bcrypt_log_rounds", &[("-1", false), ("0", false)], "'bcrypt_log_rounds' must be >= 1"),
    (
        "bcrypt_log_rounds",
        &[("1", false), ("3", false), ("4", true), ("30", true), ("31", false)],
        "'bcrypt_log_rounds' must be between 4 and 30 inclusive.",
    ),
    ("bulk_migration_parallelism", &[("0", false), ("1", true)], "Provided bulk_migration_parallelism must be >= 1"),
    ("bulk_migration_batch_size", &[("0", false), ("1", true)], "Provided bulk_migration_batch_size must be >= 1"),
    (
        "webauthn_recover_account_token_lifetime",
        &[("0", false), ("1", true)],
        "Provided webauthn_recover_account_token_lifetime must be > 0",
    ),
    (
        "log_level",
        &[("\"debug\"", true), ("\"NONE\"", true), ("\"LOUD\"", false)],
        "'log_level' config must be one of \"NONE\",\"DEBUG\", \"INFO\", \"WARN\" or \"ERROR\".",
    ),
    (
        "recent_token_reuse_behaviour",
        &[("\"unauthorised\"", true), ("\"Token_Theft\"", true), ("\"theft\"", false)],
        "recent_token_reuse_behaviour property is not set correctly. It must be one of [TOKEN_THEFT, UNAUTHORISED]",
    ),
    (
        "password_hashing_alg",
        &[("\"argon2\"", true), ("\"md5\"", false)],
        "'password_hashing_alg' must be one of 'ARGON2' or 'BCRYPT'",
    ),
    ("base_path", &[("\"/a b\"", false), ("\"/ab/\"", true), ("\"\"", true)], "Invalid characters in base_path config"),
    ("port", &[("-1", false), ("0", true), ("65535", true), ("65536", false)], "'port' must be between 0 and 65535 inclusive."),
    (
        "ip_allow_regex",
        &[("\"(\"", false), ("\"127.*\"", true), ("\" \"", true), ("\"a)|(b\"", false)],
        "Provided regular expression is invalid for ip_allow_regex config",
    ),
    ("ip_deny_regex", &[("\"[\"", false), ("\"::1\"", true)], "Provided regular expression is invalid for ip_deny_regex config"),
    (
        "supertokens_saas_load_only_cud",
        &[("\"a.b.com:80\"", true), ("\"http://a.com\"", false), ("\"a/b\"", false), ("\"127.0.0.1\"", true)],
        "supertokens_saas_load_only_cud is invalid",
    ),
    (
        "supertokens_max_cdi_version",
        &[("\"5.6\"", true), ("\"2.7\"", true), ("\"5.7\"", false), ("\"5.6.0\"", false)],
        "supertokens_max_cdi_version is not a supported version",
    ),
    (
        "supertokens_max_cdi_version",
        &[("\"5.\"", false), ("\"v5\"", false)],
        "supertokens_max_cdi_version is not a valid semantic version",
    ),
    (
        "supertokens_min_cdi_version",
        &[("\"5.4\"", true), ("\"2.6\"", false)],
        "supertokens_min_cdi_version is not a supported version",
    ),
    ("max_connections", &[("0", false), ("1", true)], "'max_connections' must be >= 1"),
    ("shutdown_timeout_seconds", &[("-1", false), ("0", true)], "'shutdown_timeout_seconds' must be >= 0"),
    ("log_format", &[("\"json\"", true), ("\"xml\"", false)], "'log_format' must be one of 'text' or 'json'"),
    (
        "api_keys",
        &[
            ("\"0123456789012345678\"", false),
            ("\"01234567890123456789\"", true),
            ("\"01234567890123456789,short\"", false),
            ("\"\"", false),
        ],
        "One of the API keys is too short. Please use at least 20 characters",
    ),
    (
        "api_keys",
        &[("\"01234567890123456789_\"", false), ("\"abcABC=-90123456789 0\"", true)],
        "Invalid characters in API key. Please only use '=', '-' and alpha-numeric (including capitals)",
    ),
];

#[test]
fn every_limit_holds_at_the_value_beside_it_and_not_at_it() {
    for (key, values, sentence) in LIMITS {
        for (value, fine) in *values {
            let mut base = object(&format!("{{\"{key}\":{value}}}"));
            // The upper limit of the access token needs a longer refresh token to be seen alone.
            if *key == "access_token_validity" {
                base.insert("refresh_token_validity", 1_440_001i64);
            }
            let found = sentences(&base.to_text(), Checks::Normal);
            assert_eq!(found, if *fine { vec![] } else { vec![(*sentence).to_owned()] }, "{key} = {value}");
        }
    }
}

#[test]
fn test_mode_lifts_three_limits_and_no_other() {
    let lifted = r#"{"access_token_dynamic_signing_key_update_interval":"0.001","refresh_token_validity":"0.01","refresh_token_rotation_grace_period":301}"#;
    assert_eq!(sentences(lifted, Checks::TestMode), Vec::<String>::new());
    assert_eq!(sentences(lifted, Checks::Normal).len(), 3);
    let kept = r#"{"access_token_validity":0,"access_token_validity_jitter":0.3,"totp_max_attempts":0}"#;
    assert_eq!(sentences(kept, Checks::TestMode).len(), 3);
    let config = CoreConfig::effective(&object(lifted), &[], Checks::TestMode).unwrap();
    assert_eq!(config.signing_key_interval_ms(), 3600);
    assert_eq!(config.refresh_token_validity_ms(), 600);
}

#[test]
fn lengths_of_time_cannot_overflow() {
    let config = read(r#"{"refresh_token_validity":1e300,"access_token_dynamic_signing_key_update_interval":1e300}"#).unwrap();
    assert!(config.refresh_token_validity_ms() < i64::MAX / 4 && config.signing_key_interval_ms() < i64::MAX / 4);
    assert!(config.refresh_token_validity_ms() > 0);
}

#[test]
fn values_convert_as_upstream_converts_them() {
    let table = [
        ("access_token_validity", "2", None),
        ("access_token_validity", "2.0", None),
        ("access_token_validity", "\"2\"", None),
        ("access_token_validity", "null", None),
        ("access_token_validity", "2.5", Some("'access_token_validity' must be of type long")),
        ("access_token_validity", "\"2.0\"", Some("'access_token_validity' must be of type long")),
        ("access_token_validity", "\"two\"", Some("'access_token_validity' must be of type long")),
        ("access_token_validity", "true", Some("'access_token_validity' must be of type long")),
        ("access_token_validity", "{}", Some("'access_token_validity' must be of type long")),
        ("totp_max_attempts", "2147483648", Some("'totp_max_attempts' must be of type int")),
        ("totp_max_attempts", "\"\"", Some("'totp_max_attempts' must be of type int")),
        ("refresh_token_validity", "\"1e5\"", None),
        ("refresh_token_validity", "\"NaN\"", Some("'refresh_token_validity' must be of type double")),
        ("refresh_token_validity", "[]", Some("'refresh_token_validity' must be of type double")),
        ("disable_telemetry", "\"TRUE\"", None),
        ("disable_telemetry", "1", Some("'disable_telemetry' must be of type boolean")),
        ("disable_telemetry", "\"yes\"", Some("'disable_telemetry' must be of type boolean")),
        ("saml_sp_entity_id", "7", None),
        ("saml_sp_entity_id", "true", None),
        ("saml_sp_entity_id", "[]", Some("'saml_sp_entity_id' must be of type String")),
        (
            "bulk_migration_sleep_between_rounds_in_batch_ms",
            "\"x\"",
            Some("'bulk_migration_sleep_between_rounds_in_batch_ms' must be of type Integer"),
        ),
    ];
    for (key, value, problem) in table {
        let found = sentences(&format!("{{\"{key}\":{value}}}"), Checks::Normal);
        assert_eq!(found, problem.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{key} = {value}");
    }
    assert_eq!(read(r#"{"access_token_validity":"2"}"#).unwrap().access_token_validity, 2);
    assert_eq!(read(r#"{"saml_sp_entity_id":7}"#).unwrap().saml_sp_entity_id, "7");
    assert!(read(r#"{"disable_telemetry":"TRUE"}"#).unwrap().disable_telemetry);
}

#[test]
fn all_problems_come_at_once_types_first_and_secrets_are_not_among_them() {
    let problems = read(r#"{"totp_max_attempts":0,"port":"x","access_token_validity":0,"api_keys":"hunter2"}"#).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(ConfigProblem::key).collect();
    assert_eq!(keys, ["port", "api_keys", "access_token_validity", "totp_max_attempts"]);
    assert!(!format!("{problems:?}").contains("hunter2"));
    assert_eq!((problems[2].value(), problems[2].allowed()), ("0", "1 to 86400000 seconds"));
    assert!(
        problems[2]
            .sentence_for_base("/x/config.yaml")
            .ends_with("seconds inclusive. The config file can be found here: /x/config.yaml")
    );
    assert_eq!(problems[3].sentence_for_base("/x/config.yaml"), "'totp_max_attempts' must be > 0");
}

#[test]
fn settings_that_depend_on_each_other() {
    let key = "k".repeat(20);
    let secret = "s".repeat(40);
    let check = |text: String| sentences(&text, Checks::Normal);
    assert_eq!(
        check(format!(r#"{{"supertokens_saas_secret":"{secret}"}}"#)),
        ["supertokens_saas_secret can only be used when api_key is also defined"]
    );
    assert_eq!(
        check(format!(r#"{{"api_keys":"{key}","supertokens_saas_secret":"{}"}}"#, &secret[1..])),
        ["supertokens_saas_secret is too short. Please use at least 40 characters"]
    );
    assert!(check(format!(r#"{{"api_keys":"{key}","supertokens_saas_secret":"{secret}"}}"#)).is_empty());
    assert_eq!(
        check(r#"{"supertokens_min_cdi_version":"5.4","supertokens_max_cdi_version":"5.3"}"#.to_owned()),
        ["supertokens_min_cdi_version cannot be greater than supertokens_max_cdi_version"]
    );
    assert_eq!(
        check(r#"{"oauth_provider_admin_service_url":"http://a"}"#.to_owned()),
        [
            "If any of the following is set, all of them has to be set: oauth_provider_public_service_url, oauth_provider_admin_service_url, oauth_provider_consent_login_base_url"
        ]
    );
    assert_eq!(
        check(r#"{"oauth_provider_url_configured_in_oauth_provider":"nowhere"}"#.to_owned()),
        ["oauth_provider_url_configured_in_oauth_provider is not a valid URL"]
    );
    // Argon2's limits count only where Argon2 does, and bcrypt's likewise.
    assert!(check(r#"{"argon2_iterations":0}"#.to_owned()).is_empty());
    assert_eq!(
        check(r#"{"password_hashing_alg":"ARGON2","argon2_iterations":0,"bcrypt_log_rounds":0}"#.to_owned()),
        ["'argon2_iterations' must be >= 1"]
    );
    assert_eq!(
        check(r#"{"password_hashing_alg":"ARGON2","argon2_hashing_pool_size":11}"#.to_owned()),
        ["'argon2_hashing_pool_size' must be <= 'max_server_pool_size'"]
    );
}

#[test]
fn the_most_special_level_wins_and_null_says_nothing() {
    let base = object(r#"{"access_token_validity":10,"totp_max_attempts":3}"#);
    let app = object(r#"{"access_token_validity":"20"}"#);
    let tenant = object(r#"{"access_token_validity":null,"totp_max_attempts":4}"#);
    let config = CoreConfig::effective(&base, &[&tenant, &app], Checks::Normal).unwrap();
    assert_eq!((config.access_token_validity, config.totp_max_attempts), (20, 4));
}

#[test]
fn the_old_name_of_the_update_interval_counts() {
    let config = read(r#"{"access_token_signing_key_update_interval":5}"#).unwrap();
    assert_eq!(config.signing_key_interval_ms(), 5 * crate::time::HOUR);
    // On its own level, a tenant's old name beats the base's new one; on the same level the new name wins.
    let base = object(r#"{"access_token_dynamic_signing_key_update_interval":7}"#);
    let app = object(r#"{"access_token_signing_key_update_interval":5}"#);
    assert_eq!(
        CoreConfig::effective(&base, &[&app], Checks::Normal).unwrap().access_token_dynamic_signing_key_update_interval,
        5.0
    );
    let both = object(r#"{"access_token_signing_key_update_interval":5,"access_token_dynamic_signing_key_update_interval":7}"#);
    assert_eq!(CoreConfig::effective(&both, &[], Checks::Normal).unwrap().access_token_dynamic_signing_key_update_interval, 7.0);
}

#[test]
fn api_keys_are_split_at_commas_and_freed_of_white_space() {
    let config = read(r#"{"api_keys":" aaaaaaaaaaaaaaaaaaaa , bbbbbbbbbb bbbbbbbbbb ,"}"#).unwrap();
    let keys: Vec<&str> = config.api_keys.iter().map(|key| key.expose().as_str()).collect();
    assert_eq!(keys, ["a".repeat(20), "b".repeat(20)]);
    assert!(!format!("{config:?}").contains("aaaa"));
}

#[test]
fn base_paths_are_normalised() {
    for (given, expected) in [("", ""), ("/", ""), ("a", "/a"), ("//a//b/", "/a/b"), (" /x ", "/x")] {
        assert_eq!(read(&format!("{{\"base_path\":\"{given}\"}}")).unwrap().base_path, expected, "{given}");
    }
}

#[test]
fn address_rules_match_the_whole_address_and_deny_comes_first() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let config = read(r#"{"ip_allow_regex":"127\\.0\\.0\\.1|0:0:0:0:0:0:0:1","ip_deny_regex":" "}"#).unwrap();
    for (address, let_in) in
        [("127.0.0.1", true), ("127.0.0.11", false), ("::1", true), ("::ffff:127.0.0.1", true), ("10.0.0.1", false)]
    {
        assert_eq!(config.lets_in(ip(address)), let_in, "{address}");
    }
    let both = read(r#"{"ip_allow_regex":".*","ip_deny_regex":"10\\..*"}"#).unwrap();
    assert!(!both.lets_in(ip("10.1.2.3")) && both.lets_in(ip("110.1.2.3")));
    let deny = read(r#"{"ip_deny_regex":"a|10.0.0.1"}"#).unwrap();
    assert!(!deny.lets_in(ip("10.0.0.1")) && deny.lets_in(ip("10.0.0.12")));
    assert_eq!(address_text(ip("2001:db8::ff")), "2001:db8:0:0:0:0:0:ff");
}

#[test]
fn overrides_may_only_name_what_an_app_or_tenant_can_set() {
    let check = |text: &str| check_overrides(&object(text));
    assert_eq!(
        check(r#"{"access_token_validity":1,"access_token_signing_key_update_interval":2,"postgresql_host":"x"}"#),
        Ok(())
    );
    assert_eq!(check(r#"{"isNormalizedAndValid":true}"#), Err("Invalid config key: isNormalizedAndValid".to_owned()));
    assert_eq!(check(r#"{"database_url":"sqlite:x"}"#), Err("Invalid config key: database_url".to_owned()));
    assert_eq!(check(r#"{"port":1}"#), Err("port can only be set via the core's base config setting".to_owned()));
    assert_eq!(check(r#"{"port":1,"x":null}"#), Err("Invalid config key: x".to_owned()));
}

#[test]
fn protected_settings_are_noticed_and_hidden() {
    assert_eq!(touched_protected(&object(r#"{"ip_allow_regex":"x","postgresql_host":"y"}"#)), Some(Protected::Database));
    assert_eq!(touched_protected(&object(r#"{"ip_allow_regex":null}"#)), Some(Protected::Core));
    assert_eq!(touched_protected(&object(r#"{"migration_mode":"LEGACY","access_token_validity":1}"#)), None);
    let hidden =
        hide_protected(&object(r#"{"ip_deny_regex":"x","access_token_validity":"2","postgresql_user":"u","unknown":1}"#));
    assert_eq!(hidden.to_text(), r#"{"access_token_validity":"2","unknown":1}"#);
    let names: Vec<&str> = keys().filter(|key| key.protected && key.owner == Owner::Core).map(|key| key.name).collect();
    assert_eq!(names.len(), 7);
    assert_eq!(keys().filter(|key| key.protected && key.owner == Owner::Database).count(), 13);
}

#[test]
fn a_tenant_may_not_differ_from_its_app() {
    let base = object("{}");
    let app = object(r#"{"access_token_validity":2}"#);
    let conflict = |tenant: &str| app_scope_conflict(&[&app, &base], &[&object(tenant), &app, &base]);
    assert_eq!(conflict(r#"{"access_token_validity":"2"}"#), None);
    assert_eq!(conflict(r#"{"totp_max_attempts":1}"#), None);
    assert_eq!(
        conflict(r#"{"access_token_validity":3}"#),
        Some("You cannot set different values for access_token_validity for the same appId".to_owned())
    );
    // An app that changes under a tenant's stored value is the same conflict.
    let tenant = object(r#"{"access_token_validity":3600}"#);
    assert_eq!(app_scope_conflict(&[&base], &[&tenant, &base]), None);
    assert!(app_scope_conflict(&[&app, &base], &[&tenant, &app, &base]).is_some());
}

#[test]
fn overrides_merge_member_by_member() {
    let merge = |old: &str, given: &str| merge_overrides(&object(old), &object(given)).to_text();
    assert_eq!(merge(r#"{"a":1,"b":2}"#, r#"{"b":"3","c":4}"#), r#"{"a":1,"b":"3","c":4}"#);
    assert_eq!(merge(r#"{"a":1,"b":2}"#, r#"{"a":null}"#), r#"{"b":2}"#);
    assert_eq!(merge("{}", r#"{"a":null}"#), r#"{"a":null}"#);
}

#[test]
fn a_database_of_its_own_is_noticed() {
    assert_eq!(
        names_own_database(&object(r#"{"access_token_validity":1,"postgresql_connection_uri":"x"}"#)),
        Some("postgresql_connection_uri")
    );
    assert_eq!(names_own_database(&object(r#"{"postgresql_connection_uri":null}"#)), None);
    assert!(own_database_refusal("postgresql_host").contains("postgresql_host"));
}

#[test]
fn names_that_are_nearly_right_are_recognised() {
    assert_eq!(nearest_key("access_token_validty"), Some("access_token_validity"));
    assert_eq!(nearest_key("Host"), Some("host"));
    assert_eq!(nearest_key("something_else_entirely"), None);
    let problem = ConfigProblem::unknown_key("api_key");
    assert_eq!((problem.key(), problem.allowed()), ("api_key", "no such key; did you mean api_keys?"));
}

#[test]
fn variables_are_named_as_upstream_names_them() {
    let of = |name: &str| key(name).unwrap().variable_name();
    assert_eq!(of("access_token_validity").as_deref(), Some("ACCESS_TOKEN_VALIDITY"));
    assert_eq!(of("host").as_deref(), Some("SUPERTOKENS_HOST"));
    assert_eq!(of("migration_mode").as_deref(), Some("SUPERTOKENS_MIGRATION_MODE"));
    assert_eq!(of("core_config_version"), None);
    let mut names: Vec<String> = keys().filter_map(Key::variable_name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_dashboard_lists_ten_members_per_key_and_no_secret_of_the_database() {
    let attributes = "sslmode=require&password=hunter2&sslPassword=hunter2";
    let base = object(&format!(
        r#"{{"postgresql_connection_uri":"postgresql://u:hunter2@db:1/x","postgresql_connection_attributes":"{attributes}","ip_deny_regex":"z"}}"#
    ));
    let tenant = object(r#"{"totp_max_attempts":9}"#);
    let postgres = PostgresConfig::effective(&base).unwrap();
    let list = |postgres, protected_caller| {
        let items = dashboard_items(&[&tenant, &base], DashboardView { postgres, protected_caller, processors: 2 });
        assert!(items.iter().all(|item| item.len() == 10));
        items.iter().map(JsonObject::to_text).collect::<Vec<_>>()
    };
    let all = list(Some(&postgres), false);
    assert!(all.iter().any(|item| item.starts_with(r#"{"key":"totp_max_attempts","valueType":"number","value":9,"#)));
    assert!(all.iter().any(|item| item.contains(r#""key":"postgresql_host","valueType":"string","value":"db""#)));
    assert!(all.iter().any(|item| item.contains(r#""possibleValues":["ARGON2","BCRYPT"]"#)));
    assert!(
        all.iter().any(|item| item.contains(r#""key":"access_token_dynamic_signing_key_update_interval""#)
            && item.contains(r#""value":168.0"#))
    );
    assert!(all.iter().any(|item| item.contains(r#""key":"bulk_migration_parallelism","valueType":"number","value":2"#)));
    assert!(
        all.iter()
            .any(|item| item
                .contains(r#""key":"postgresql_connection_attributes","valueType":"string","value":"sslmode=require""#))
    );
    assert!(!all.join("").contains("hunter2") && !format!("{postgres:?}").contains("hunter2"));
    for absent in ["api_keys", "port", "core_config_version", "access_token_blacklisting", "saml_legacy_acs_url", "database_url"]
    {
        assert!(!all.iter().any(|item| item.contains(&format!(r#""key":"{absent}""#))), "{absent}");
    }
    assert!(!all.iter().any(|item| item.contains("_table_name\"")));
    let protected = list(Some(&postgres), true);
    assert!(!protected.iter().any(|item| item.contains("ip_deny_regex") || item.contains(r#""key":"postgresql_"#)));
    assert!(!list(None, false).iter().any(|item| item.contains(r#""isPluginProperty":true"#)));
}

#[test]
fn no_listing_has_a_secret_whoever_set_it() {
    let secrets: JsonObject =
        keys().filter(|key| key.secret).map(|key| (key.name.to_owned(), format!("hunter2-{}", key.name).into())).collect();
    assert!(secrets.len() >= 7);
    let (own, app, nothing) = (&secrets, &secrets, &JsonObject::new());
    let postgres = PostgresConfig::effective(&object(r#"{"postgresql_user":"u"}"#)).unwrap();
    for levels in [[nothing, nothing, &secrets], [nothing, app, nothing], [own, nothing, nothing]] {
        for protected_caller in [true, false] {
            let view = DashboardView { postgres: Some(&postgres), protected_caller, processors: 2 };
            let items: Vec<String> = dashboard_items(&levels, view).iter().map(JsonObject::to_text).collect();
            assert!(!items.join("").contains("hunter2"), "{items:?}");
            let signer = items.iter().find(|item| item.contains("firebase_password_hashing_signer_key")).unwrap();
            assert!(signer.contains(r#""value":null"#), "{signer}");
        }
    }
}

#[test]
fn the_database_is_chosen_by_url_then_by_keys_then_by_default() {
    let choose = |text: &str| DatabaseChoice::of(&object(text), "/here/supertokens.db").unwrap();
    assert!(matches!(choose("{}"), DatabaseChoice::SqliteFile(path) if path == "/here/supertokens.db"));
    assert!(matches!(choose(r#"{"database_url":"sqlite::memory:","postgresql_user":"u"}"#), DatabaseChoice::SqliteMemory));
    assert!(matches!(choose(r#"{"database_url":"sqlite:/a/b.db"}"#), DatabaseChoice::SqliteFile(path) if path == "/a/b.db"));
    assert!(matches!(choose(r#"{"database_url":"sqlite:///a/b.db"}"#), DatabaseChoice::SqliteFile(path) if path == "/a/b.db"));
    assert!(matches!(choose(r#"{"postgresql_user":"u"}"#), DatabaseChoice::Postgres(_)));
    assert!(matches!(choose(r#"{"database_url":"sqlite://a.db?mode=rwc"}"#), DatabaseChoice::SqliteFile(path) if path == "a.db"));
    // In every file of the Java core, and set to nothing: neither means PostgreSQL.
    let nothing = r#"{"postgresql_config_version":0,"postgresql_user":null,"migration_mode":"LEGACY"}"#;
    assert!(matches!(choose(nothing), DatabaseChoice::SqliteFile(_)));
    for half in
        ["postgresql_host", "postgresql_database_name", "postgresql_port", "postgresql_table_schema", "postgresql_password"]
    {
        let problems = DatabaseChoice::of(&object(&format!("{{\"{half}\":\"5432\"}}")), "x").unwrap_err();
        assert_eq!((problems.len(), problems[0].key(), problems[0].value()), (1, "postgresql_user", "not set"), "{half}");
    }
    assert!(
        matches!(choose(r#"{"database_url":"postgres://u@h/d"}"#), DatabaseChoice::Postgres(c) if c.host == "h" && c.database_name == "d")
    );
    let wrong = DatabaseChoice::of(&object(r#"{"database_url":"mysql://u:hunter2@h"}"#), "x").unwrap_err();
    assert_eq!(wrong[0].key(), "database_url");
    assert!(!format!("{wrong:?}").contains("hunter2"));
}

#[test]
fn the_parts_of_an_address_beat_the_keys() {
    let config = PostgresConfig::effective(&object(
        r#"{"postgresql_connection_uri":"postgresql://us%40er:p%3Aw@db.example:6000/name?sslmode=require&currentSchema=own","postgresql_host":"other",
            "postgresql_table_names_prefix":" pre ","postgresql_session_info_table_name":"sess","postgresql_connection_pool_size":"4"}"#,
    ))
    .unwrap();
    assert_eq!((config.host.as_str(), config.port, config.database_name.as_str()), ("db.example", 6000, "name"));
    assert_eq!((config.user.as_deref(), config.password.as_ref().map(|p| p.expose().as_str())), (Some("us@er"), Some("p:w")));
    assert_eq!(
        (config.table_schema.as_str(), config.table_names_prefix.as_str(), config.connection_pool_size),
        ("own", "pre", 4)
    );
    assert_eq!(config.table_names, [("session_info".to_owned(), "sess".to_owned())]);
    assert_eq!(config.url().expose(), "postgresql://us%40er:p%3Aw@db.example:6000/name?sslmode=require&currentSchema=own");
    let plain =
        PostgresConfig::effective(&object(r#"{"postgresql_user":"u","postgresql_password":"p","postgresql_host":"h"}"#)).unwrap();
    assert_eq!((plain.port, plain.database_name.as_str(), plain.table_schema.as_str()), (5432, "supertokens", "public"));
    assert!(!format!("{config:?}").contains("p:w"));
    let v6 = PostgresConfig::effective(&object(r#"{"postgresql_connection_uri":"postgresql://u@[::1]:9/d"}"#)).unwrap();
    assert_eq!((v6.host.as_str(), v6.port), ("::1", 9));
    let several = r#"{"postgresql_connection_uri":"postgres://u@a:1,b,[::1]:3/d","postgresql_port":6}"#;
    let several = PostgresConfig::effective(&object(several)).unwrap();
    assert_eq!(several.more_hosts, [("b".to_owned(), 6), ("::1".to_owned(), 3)]);
    assert_eq!(several.url().expose(), "postgresql://u@a:1,b:6,[::1]:3/d?allowPublicKeyRetrieval=true&currentSchema=public");
    let keyed = r#"{"postgresql_user":"u","postgresql_host":"a,b:7","postgresql_port":6}"#;
    let keyed = PostgresConfig::effective(&object(keyed)).unwrap();
    assert_eq!((keyed.host.as_str(), keyed.port, keyed.more_hosts), ("a", 6, vec![("b".to_owned(), 7)]));
    let hostless = object(r#"{"postgresql_connection_uri":"postgresql://u@/d","postgresql_host":"from.key"}"#);
    assert_eq!(PostgresConfig::effective(&hostless).unwrap().host, "from.key");
}

#[test]
fn what_is_wrong_with_a_postgresql_setting_is_said_as_upstream_says_it() {
    let table = [
        (
            r#""postgresql_connection_uri":"postgres:bad""#,
            "The provided postgresql connection URI has an incorrect format. Please use a format like postgresql://[user[:[password]]@]host[:port][/dbname][?attr1=val1&attr2=val2...",
        ),
        (
            r#""postgresql_connection_uri":"postgresql://h:port/d""#,
            "The provided postgresql connection URI has an incorrect format. Please use a format like postgresql://[user[:[password]]@]host[:port][/dbname][?attr1=val1&attr2=val2...",
        ),
        (
            r#""postgresql_password":"p""#,
            "'postgresql_user' and 'postgresql_connection_uri' are not set. Please set at least one of these values",
        ),
        (
            r#""postgresql_user":"u","postgresql_connection_pool_size":0"#,
            "'postgresql_connection_pool_size' in the config.yaml file must be > 0",
        ),
        (
            r#""postgresql_user":"u","postgresql_minimum_idle_connections":-1"#,
            "'postgresql_minimum_idle_connections' must be >= 0",
        ),
        (
            r#""postgresql_user":"u","postgresql_minimum_idle_connections":11"#,
            "'postgresql_minimum_idle_connections' must be less than or equal to 'postgresql_connection_pool_size'",
        ),
        (
            r#""postgresql_user":"u","migration_mode":"Later""#,
            "Invalid migration_mode value: 'Later'. Must be one of: LEGACY, DUAL_WRITE_READ_OLD, DUAL_WRITE_READ_NEW, MIGRATED",
        ),
        (r#""postgresql_user":"u","postgresql_port":"x""#, "'postgresql_port' must be of type int"),
        (
            r#""postgresql_user":"u","postgresql_host":"h:1""#,
            "'postgresql_host' holds a name or an address alone: its port is 'postgresql_port'",
        ),
        (
            r#""postgresql_user":"u","postgresql_connection_attributes":"a=%""#,
            "'postgresql_connection_attributes' has a percent sign that encodes nothing: a percent sign itself is written %25",
        ),
    ];
    for (members, sentence) in table {
        let problems = PostgresConfig::effective(&object(&format!("{{{members}}}"))).unwrap_err();
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [sentence], "{members}");
    }
    let modes = PostgresConfig::effective(&object(r#"{"postgresql_user":"u","migration_mode":"migrated"}"#)).unwrap();
    assert_eq!(modes.migration_mode, "MIGRATED");
}

proptest::proptest! {
    #[test]
    fn no_value_of_any_key_makes_it_panic(at in 0usize..80, text in "\\PC{0,40}", number in proptest::num::f64::ANY) {
        let key = keys().nth(at % keys().count()).unwrap();
        for value in [Json::String(text.clone()), Json::Number(format!("{number}").into()), Json::Null] {
            let base = JsonObject::new().with(key.name, value);
            let _ = CoreConfig::effective(&base, &[], Checks::Normal);
            let _ = DatabaseChoice::of(&base, "x");
        }
    }
}

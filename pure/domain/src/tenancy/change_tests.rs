//! Changes of tenants: what is refused before anything is read, what after, and in which order.

use super::*;
use crate::tenancy::tests::tenant_id;

fn object(text: &str) -> JsonObject {
    JsonObject::parse(text).unwrap()
}

fn change(level: Level, source: &str, target: &str, given: Option<&str>) -> TenantChange {
    TenantChange {
        level,
        source: tenant_id(source),
        target: tenant_id(target),
        shape: TenantShape::V2,
        given: given.map(object),
        settings: Settings::parse(&JsonObject::new(), TenantShape::V2).unwrap(),
        protected_caller: false,
    }
}

fn sentence<T>(result: Result<T, ChangeRefused>) -> String {
    result.err().map(|refused| refused.to_string()).unwrap_or_default()
}

#[test]
fn what_can_be_said_of_a_change_alone() {
    let cases = [
        (Level::Tenant, "/a1/", "/a1/t1", Some(r#"{"nonsense":1}"#), "Invalid core config: Invalid config key: nonsense"),
        (
            Level::Tenant,
            "/a1/t1",
            "/a1/t2",
            Some(r#"{"nonsense":1}"#),
            "You must use the public or same tenant to add/update a tenant",
        ),
        (Level::App, "//", "//", Some(r#"{"nonsense":1}"#), "Cannot modify base config"),
        (Level::App, "//", "//", Some("{}"), ""),
        (
            Level::App,
            "//",
            "/a1/",
            Some(r#"{"port":1}"#),
            "Invalid core config: port can only be set via the core's base config setting",
        ),
        (Level::App, "//", "/a1/", Some(r#"{"access_token_validity":"what"}"#), ""),
        (Level::App, "/a1/", "//", None, "You must use the public or same app to add/update an app"),
        (Level::App, "/a1/", "/a1/", None, ""),
    ];
    for (level, source, target, given, expected) in cases {
        assert_eq!(sentence(change(level, source, target, given).check_alone()), expected, "{source} -> {target} {given:?}");
    }
}

#[test]
fn a_hundred_thousand_unknown_names_are_refused_without_being_laid_over_anything() {
    let members: Vec<String> = (0..100_000).map(|n| format!(r#""k{n}":1"#)).collect();
    let given = format!("{{{}}}", members.join(","));
    let refused = change(Level::App, "//", "/a1/", Some(&given)).check_alone();
    assert_eq!(sentence(refused), "Invalid core config: Invalid config key: k0");
}

/// The overrides that are inherited, those of an heir, what was stored, what is given, and the refusal.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str);

#[test]
fn a_tenant_agrees_with_its_app_and_an_app_with_its_tenants() {
    let differ = "Invalid core config: You cannot set different values for access_token_validity for the same appId";
    let cases: [Case<'_>; 9] = [
        ("/a1/t1", "{}", "", "{}", r#"{"access_token_validity":60}"#, differ),
        ("/a1/t1", r#"{"access_token_validity":60}"#, "", "{}", r#"{"access_token_validity":"60"}"#, ""),
        ("/a1/t1", r#"{"access_token_validity":61}"#, "", "{}", r#"{"access_token_validity":60}"#, differ),
        ("/a1/t1", r#"{"access_token_validity":61}"#, "", "{}", r#"{"passwordless_code_lifetime":1}"#, ""),
        (
            "/a1/",
            "",
            r#"{"access_token_validity":60}"#,
            r#"{"access_token_validity":60}"#,
            r#"{"access_token_validity":61}"#,
            differ,
        ),
        ("/a1/", "", r#"{"access_token_validity":60}"#, r#"{"access_token_validity":61}"#, r#"{"access_token_validity":60}"#, ""),
        ("/a1/", "", "{}", "{}", r#"{"access_token_validity":61}"#, ""),
        // This heir did not hold before either.
        ("/a1/", "", r#"{"access_token_validity":0}"#, "{}", r#"{"access_token_validity":61}"#, ""),
        (
            "/a1/",
            "",
            "",
            "{}",
            r#"{"access_token_validity":0}"#,
            "Invalid core config: 'access_token_validity' must be between 1 and 86400000 seconds inclusive.",
        ),
    ];
    for (target, inherited, heir, stored, given, expected) in cases {
        let level = if target == "/a1/" { Level::App } else { Level::Tenant };
        let change = change(level, "/a1/", target, Some(given));
        let mut tenant = Tenant::new(tenant_id(target), TenantShape::V2);
        tenant.core_config = object(stored);
        let objects = |text: &str| if text.is_empty() { Vec::new() } else { vec![object(text)] };
        let (inherited, heirs, base) = (objects(inherited), objects(heir), JsonObject::new());
        let rules = AddressRules::default();
        let around = Around { inherited: &inherited, heirs: &heirs, base: &base, checks: Checks::Normal, rules: &rules };
        assert_eq!(change.check_alone(), Ok(()));
        assert_eq!(sentence(change.apply(Some(tenant), &around)), expected, "{target} {stored} {given}");
    }
}

#[test]
fn protected_settings_are_not_touched_by_others() {
    let base = JsonObject::new();
    let rules = AddressRules::default();
    let around = Around { inherited: &[], heirs: &[], base: &base, checks: Checks::Normal, rules: &rules };
    for (stored, given, expected) in [
        ("{}", r#"{"ip_deny_regex":"1"}"#, "Not allowed to modify protected configs."),
        (r#"{"ip_deny_regex":"1"}"#, r#"{"ip_deny_regex":null}"#, "Not allowed to modify protected configs."),
        (r#"{"ip_deny_regex":"1"}"#, r#"{"ip_deny_regex":"1"}"#, ""),
        ("{}", r#"{"postgresql_host":"h","ip_deny_regex":"1"}"#, "Not allowed to modify DB related configs."),
    ] {
        let change = TenantChange { protected_caller: true, ..change(Level::App, "//", "/a1/", Some(given)) };
        let mut tenant = Tenant::new(tenant_id("/a1/"), TenantShape::V2);
        tenant.core_config = object(stored);
        assert_eq!(sentence(change.apply(Some(tenant), &around)), expected, "{stored} {given}");
    }
}

#[test]
fn a_change_compiles_the_rules_that_it_is_about_and_no_others() {
    let rules = AddressRules::default();
    let (base, other) =
        (object(r#"{"ip_allow_regex":"1.*"}"#), object(r#"{"passwordless_code_lifetime":9,"totp_max_attempts":1}"#));
    let rule = |n: usize| object(&format!(r#"{{"ip_allow_regex":"(?i)(?:\\w{{1,4}}){{1,4}}|{n}","ip_deny_regex":"x{n}"}}"#));
    let heirs: Vec<JsonObject> = (0..150).map(rule).chain([other]).collect();
    let around = Around { inherited: &[], heirs: &heirs, base: &base, checks: Checks::Normal, rules: &rules };
    let compiled = |given: &str, stored: &str| {
        let change = change(Level::App, "/a1/", "/a1/", Some(given));
        let mut tenant = Tenant::new(tenant_id("/a1/"), TenantShape::V2);
        tenant.core_config = object(stored);
        let before = rules.compiled();
        change.apply(Some(tenant), &around).unwrap();
        rules.compiled() - before
    };
    // The base's rule counts for the app, and is compiled where nobody else has it.
    assert_eq!(compiled(r#"{"saml_sp_entity_id":"x"}"#, "{}"), 1);
    let _base = CoreConfig::effective_sharing(&base, &[], Checks::Normal, &rules).unwrap();
    assert_eq!(compiled(r#"{"saml_sp_entity_id":"x"}"#, "{}"), 0);
    assert_eq!(compiled(r#"{"access_token_validity":60}"#, "{}"), 0);
    assert_eq!(compiled(r#"{"ip_allow_regex":"2.*"}"#, "{}"), 1);
}

#[test]
fn heirs_are_asked_only_where_they_must_agree() {
    for (target, given, concerned) in [
        ("/a1/", Some(r#"{"saml_sp_entity_id":"x","ip_deny_regex":"1"}"#), false),
        ("/a1/", Some(r#"{"saml_sp_entity_id":"x","access_token_validity":null}"#), true),
        ("/a1/", Some(r#"{"access_token_signing_key_update_interval":2}"#), true),
        ("/a1/t1", Some(r#"{"access_token_validity":60}"#), false),
        ("/a1/", Some("{}"), false),
        ("/a1/", None, false),
    ] {
        assert_eq!(change(Level::App, "/a1/", target, given).concerns_heirs(), concerned, "{target} {given:?}");
    }
}

#[test]
fn a_rule_of_an_app_or_tenant_has_less_room_than_one_of_the_base() {
    let large = r"(?:.{1,30}){1,30}";
    let base = object(&format!(r#"{{"ip_deny_regex":"{large}"}}"#));
    let rules = AddressRules::default();
    let around = Around { inherited: &[], heirs: &[], base: &base, checks: Checks::Normal, rules: &rules };
    let outcome = |stored: &str, given: &str| {
        let change = change(Level::App, "/a1/", "/a1/", Some(given));
        let mut tenant = Tenant::new(tenant_id("/a1/"), TenantShape::V2);
        tenant.core_config = object(stored);
        sentence(change.apply(Some(tenant), &around))
    };
    let own = format!(r#"{{"ip_allow_regex":"{large}|1"}}"#);
    assert!(
        outcome("{}", &own)
            .starts_with("Invalid core config: Provided regular expression is too large for ip_allow_regex config: ")
    );
    let invalid = "Invalid core config: Provided regular expression is invalid for ip_allow_regex config";
    assert_eq!(outcome("{}", r#"{"ip_allow_regex":"("}"#), invalid);
    // One that is stored stays, and does not stand in the way of other changes.
    assert_eq!(outcome(&own, r#"{"saml_sp_entity_id":"x"}"#), "");
    assert_eq!(outcome(&own, &own), "");
}

#[test]
fn a_change_prints_nothing_that_may_be_secret() {
    let change = change(Level::App, "//", "/a1/", Some(r#"{"api_keys":"hunter2hunter2hunter2"}"#));
    assert!(!format!("{change:?}").contains("hunter2"));
}

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
        let around = Around { inherited: &inherited, heirs: &heirs, base: &base, checks: Checks::Normal };
        assert_eq!(change.check_alone(), Ok(()));
        assert_eq!(sentence(change.apply(Some(tenant), &around)), expected, "{target} {stored} {given}");
    }
}

#[test]
fn protected_settings_are_not_touched_by_others() {
    let base = JsonObject::new();
    let around = Around { inherited: &[], heirs: &[], base: &base, checks: Checks::Normal };
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
fn a_change_prints_nothing_that_may_be_secret() {
    let change = change(Level::App, "//", "/a1/", Some(r#"{"api_keys":"hunter2hunter2hunter2"}"#));
    assert!(!format!("{change:?}").contains("hunter2"));
}

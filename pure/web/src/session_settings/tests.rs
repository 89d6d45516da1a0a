//! The tables of sdk-session.md 4.1, 4.3 and 4.6.

use super::*;
use crate::app_info::AppInfoInput;

fn app(api_domain: &str) -> AppInfo {
    let text = |text: &str| Some(text.to_owned());
    let input = AppInfoInput {
        app_name: text("Shop"),
        api_domain: text(api_domain),
        website_domain: text("example.com"),
        ..Default::default()
    };
    input.normalise().expect("good")
}

fn settings(input: SessionSettingsInput) -> SessionSettings {
    input.normalise(&app("https://api.example.com")).expect("good")
}

fn refused(input: SessionSettingsInput) -> SettingsError {
    input.normalise(&app("https://api.example.com")).expect_err("refused")
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).expect("a domain")
}

#[test]
fn defaults() {
    let expected = SessionSettings {
        cookie_secure: true,
        secure_for_other_sites: false,
        cookie_same_site: None,
        cookie_domain: None,
        older_cookie_domain: OlderCookieDomain::Unset,
        session_expired_status: 401,
        invalid_claim_status: 403,
        anti_csrf: None,
        access_token_path: "/".to_owned(),
        refresh_token_path: "/auth/session/refresh".to_owned(),
        expose_access_token: false,
        use_dynamic_signing_key: true,
        jwks_refresh_interval_ms: 14_400_000,
    };
    assert_eq!(settings(SessionSettingsInput::default()), expected);
    assert!(!SessionSettingsInput::default().normalise(&app("http://api.example.com")).expect("good").cookie_secure);
}

#[test]
fn what_is_given_is_kept() {
    let text = |text: &str| Some(text.to_owned());
    let given = settings(SessionSettingsInput {
        cookie_secure: Some(false),
        cookie_same_site: Some(SameSite::Strict),
        cookie_domain: text(".Example.com"),
        older_cookie_domain: text("api.example.com"),
        session_expired_status: Some(440),
        invalid_claim_status: Some(404),
        anti_csrf: Some(AntiCsrfMode::ViaToken),
        access_token_path: text("access/"),
        expose_access_token: Some(true),
        use_dynamic_signing_key: Some(false),
        jwks_refresh_interval_s: Some(20),
    });
    assert_eq!((given.cookie_secure, given.cookie_same_site), (false, Some(SameSite::Strict)));
    assert_eq!(given.cookie_domain.as_ref().map(CookieDomain::as_str), Some(".example.com"));
    assert_eq!(given.older_cookie_domain, OlderCookieDomain::Domain(CookieDomain::parse("api.example.com").expect("good")));
    assert_eq!((given.session_expired_status, given.invalid_claim_status), (440, 404));
    assert_eq!((given.anti_csrf, given.access_token_path.as_str()), (Some(AntiCsrfMode::ViaToken), "/access"));
    assert_eq!((given.expose_access_token, given.use_dynamic_signing_key, given.jwks_refresh_interval_ms), (true, false, 20_000));
    let forever = settings(SessionSettingsInput { jwks_refresh_interval_s: Some(u64::MAX), ..Default::default() });
    assert_eq!(forever.jwks_refresh_interval_ms, Millis::MAX);
}

#[test]
fn an_empty_older_domain_is_not_an_absent_one() {
    let older = |text: &str| SessionSettingsInput { older_cookie_domain: Some(text.to_owned()), ..Default::default() };
    assert_eq!(settings(older("")).older_cookie_domain, OlderCookieDomain::HostOnly);
    assert!(matches!(refused(older(" ")), SettingsError::Address { field: "olderCookieDomain", .. }));
}

#[test]
fn words() {
    for (text, expected) in [("strict", SameSite::Strict), (" LAX ", SameSite::Lax), ("none", SameSite::None)] {
        assert_eq!(text.parse(), Ok(expected));
    }
    assert_eq!([SameSite::Strict, SameSite::Lax, SameSite::None].map(SameSite::as_str), ["Strict", "Lax", "None"]);
    for mode in [AntiCsrfMode::None, AntiCsrfMode::ViaToken, AntiCsrfMode::ViaCustomHeader] {
        assert_eq!(mode.as_str().parse(), Ok(mode));
    }
    let same_site = "relaxed".parse::<SameSite>().expect_err("no such");
    assert_eq!(same_site.to_string(), "cookieSameSite is \"relaxed\": choose strict, lax or none");
    for text in ["via_token", " NONE", "", "TOKEN"] {
        assert!(matches!(text.parse::<AntiCsrfMode>(), Err(SettingsError::NotAnAntiCsrfMode(_))), "{text}");
    }
}

#[test]
fn the_two_statuses_differ() {
    let with = |expired, claim| SessionSettingsInput {
        session_expired_status: expired,
        invalid_claim_status: claim,
        ..Default::default()
    };
    for (expired, claim, status) in [(Some(440), Some(440), 440), (Some(403), None, 403), (None, Some(401), 401)] {
        assert_eq!(refused(with(expired, claim)), SettingsError::EqualStatusCodes(status));
    }
    assert_eq!(settings(with(Some(403), Some(401))).session_expired_status, 403);
    for (expired, claim, field) in [(Some(200), None, "sessionExpiredStatusCode"), (None, Some(600), "invalidClaimStatusCode")] {
        let error = refused(with(expired, claim));
        assert!(matches!(error, SettingsError::NotAStatusOfRefusal { field: named, .. } if named == field), "{error}");
    }
}

#[test]
fn addresses_that_are_none_are_named() {
    let bad = SessionSettingsInput { cookie_domain: Some("http://".to_owned()), ..Default::default() };
    let error = refused(bad);
    assert!(
        matches!(error, SettingsError::Address { field: "cookieDomain", source: AddressError::InvalidCookieDomain { .. } }),
        "{error}"
    );
    let bad = SessionSettingsInput { access_token_path: Some("http://".to_owned()), ..Default::default() };
    assert!(matches!(refused(bad), SettingsError::Address { field: "accessTokenPath", .. }));
}

#[test]
fn no_path_ends_a_cookies_attribute() {
    let bad = SessionSettingsInput { access_token_path: Some("/a; Domain=evil.com".to_owned()), ..Default::default() };
    assert!(matches!(refused(bad), SettingsError::NotACookiePath { field: "accessTokenPath", .. }));
    let mut other = app("https://api.example.com");
    other.api_base_path = BasePath::parse("/a;b").expect("a path");
    let error = SessionSettingsInput::default().normalise(&other).expect_err("refused");
    assert!(matches!(error, SettingsError::NotACookiePath { field: "apiBasePath", .. }), "{error}");
}

#[test]
fn same_site_and_anti_csrf_follow_from_the_two_addresses() {
    let rows = [
        ("https://api.example.com", "https://example.com", SameSite::Lax, AntiCsrfMode::None),
        ("https://api.example.com", "http://example.com", SameSite::None, AntiCsrfMode::ViaCustomHeader),
        ("https://api.a.com", "https://b.com", SameSite::None, AntiCsrfMode::ViaCustomHeader),
        ("http://localhost:3001", "http://127.0.0.1:3000", SameSite::Lax, AntiCsrfMode::None),
        ("https://a.vercel.app", "https://b.vercel.app", SameSite::None, AntiCsrfMode::ViaCustomHeader),
        ("http://localhost:3001", "https://localhost:3000", SameSite::None, AntiCsrfMode::ViaCustomHeader),
        // An origin without a site is no part of the API's.
        ("https://api.example.com", "https://com", SameSite::None, AntiCsrfMode::ViaCustomHeader),
    ];
    for (api, origin, same_site, anti_csrf) in rows {
        let (app, origin) = (app(api), domain(origin));
        let settings = SessionSettingsInput::default().normalise(&app).expect("good");
        assert_eq!(
            (settings.same_site(&app, &origin), settings.anti_csrf(&app, &origin)),
            (same_site, anti_csrf),
            "{api} {origin}"
        );
    }
}

#[test]
fn what_is_fixed_is_not_computed() {
    let (app, near, far) = (app("https://api.example.com"), domain("https://example.com"), domain("https://other.com"));
    let lax = settings(SessionSettingsInput { cookie_same_site: Some(SameSite::Lax), ..Default::default() });
    assert_eq!((lax.same_site(&app, &far), lax.anti_csrf(&app, &far)), (SameSite::Lax, AntiCsrfMode::None));
    let none = settings(SessionSettingsInput { cookie_same_site: Some(SameSite::None), ..Default::default() });
    assert_eq!((none.same_site(&app, &near), none.anti_csrf(&app, &near)), (SameSite::None, AntiCsrfMode::ViaCustomHeader));
    let open = settings(SessionSettingsInput {
        cookie_same_site: Some(SameSite::None),
        anti_csrf: Some(AntiCsrfMode::None),
        ..Default::default()
    });
    assert_eq!(open.anti_csrf(&app, &far), AntiCsrfMode::None, "accepted, though nothing protects it");
}

#[test]
fn one_setting_serves_origins_of_both_kinds() {
    let app = app("https://api.example.com");
    let settings = settings(SessionSettingsInput::default());
    for _ in 0..2 {
        assert_eq!(settings.same_site(&app, &domain("https://other.com")), SameSite::None);
        assert_eq!(settings.same_site(&app, &domain("https://example.com")), SameSite::Lax);
    }
}

#[test]
fn a_cookie_domain_must_be_one_that_browsers_keep_from_this_api() {
    let input = |domain: &str| SessionSettingsInput { cookie_domain: Some(domain.to_owned()), ..Default::default() };
    let rows = [
        (".other.org", "neither this domain nor below", "\".example.com\""),
        (".com", "many owners", "\".example.com\""),
        ("*.example.com", "browsers keep no cookie", "\".example.com\""),
        ("app.example.com", "neither this domain nor below", "leave it out"),
    ];
    for (domain, why, remedy) in rows {
        let words = refused(input(domain)).to_string();
        for part in ["cookieDomain", domain, why, remedy] {
            assert!(words.contains(part), "{part} in {words}");
        }
    }
    let words = refused(input(".other.org")).to_string();
    assert!(words.contains("https://api.example.com"), "both values: {words}");
    let words = input("localhost").normalise(&app("http://api.localhost:3001")).expect_err("refused").to_string();
    assert!(words.contains("Leave it out"), "{words}");
    let older = SessionSettingsInput { older_cookie_domain: Some("old.example.org".to_owned()), ..Default::default() };
    let words = refused(older).to_string();
    assert!(words.contains("olderCookieDomain is \"old.example.org\"") && words.contains("Leave it out"), "{words}");
}

#[test]
fn names_below_localhost_are_sites_of_their_own_whose_cookies_are_kept_if_they_are_secure() {
    let (app, near, far) =
        (app("http://api.localhost:3001"), domain("http://api.localhost"), domain("http://app.localhost:3000"));
    let given = |cookie_secure| SessionSettingsInput { cookie_secure, ..Default::default() }.normalise(&app).expect("good");
    let secure = |settings: &SessionSettings, origin| settings.secure(settings.same_site(&app, origin));
    assert_eq!(given(None).same_site(&app, &far), SameSite::None);
    assert_eq!((secure(&given(None), &near), secure(&given(None), &far)), (false, true));
    assert_eq!([Some(true), Some(false)].map(|wish| secure(&given(wish), &far)), [true, false], "what is said counts");
}

#[test]
fn cookies_that_no_browser_keeps() {
    let none = Some(SameSite::None);
    let rows = [
        // api, origin, SameSite, secure, refused
        ("http://api.example.com", "http://other.com", None, None, true),
        ("http://api.example.com", "http://example.com", None, None, false),
        ("https://api.example.com", "https://other.com", None, None, false),
        ("https://api.example.com", "https://other.com", None, Some(false), true),
        ("http://localhost:3001", "http://127.0.0.1:3000", none, None, false),
        ("http://localhost:3001", "http://example.com", none, None, true),
        ("http://api.example.com", "http://localhost:3000", None, None, true),
        ("http://api.example.com", "http://example.com", none, Some(true), false),
        ("http://api.localhost:3001", "http://app.localhost:3000", None, None, false),
        ("http://api.localhost:3001", "http://api.localhost:3000", None, None, false),
        ("http://api.localhost:3001", "http://app.localhost:3000", None, Some(false), true),
        ("http://localhost:3001", "http://app.localhost:3000", None, None, true),
    ];
    for (api, origin, cookie_same_site, cookie_secure, expected) in rows {
        let (app, origin) = (app(api), domain(origin));
        let input = SessionSettingsInput { cookie_same_site, cookie_secure, ..Default::default() };
        let found = input.normalise(&app).expect("good").insecure_cookie_combination(&app, &origin);
        assert_eq!(found.is_some(), expected, "{api} {origin} {cookie_same_site:?} {cookie_secure:?}");
    }
    assert!(InsecureCookies.to_string().contains("https"));
}

//! The rules of sdk-session.md 3.2, and the scenarios 35 to 45 as far as they are about paths.

use super::*;
use crate::app_info::AppInfoInput;

const fn endpoint(recipe: &'static str, method: &'static str, path: &'static str) -> Endpoint<'static> {
    Endpoint { recipe, method, path, enabled: true }
}

const SESSION: [Endpoint<'_>; 4] = [
    endpoint("session", "POST", "/session/refresh"),
    endpoint("session", "POST", "/signout"),
    endpoint("jwt", "GET", "/jwt/jwks.json"),
    endpoint("openid", "GET", "/.well-known/openid-configuration"),
];

/// The path that was matched and its tenant, or nothing.
fn found<'e>(endpoints: &'e [Endpoint<'_>], base: &str, method: &str, url: &str, rid: Option<&str>) -> Option<(&'e str, String)> {
    let base = BasePath::parse(base).expect("a path");
    let path = normalise_request_path(url, &BasePath::default()).expect("a path");
    let matched = find(&base, endpoints, Target { method, path: &path, rid }).expect("no contradiction")?;
    Some((endpoints[matched.endpoint].path, matched.tenant.to_owned()))
}

fn is_handled(method: &str, url: &str) -> bool {
    found(&SESSION, "/auth", method, url, None).is_some()
}

#[test]
fn one_slash_at_the_end_and_a_query_do_not_matter_and_all_else_does() {
    let same = [
        "/auth/signout",
        "/auth/signout/",
        "/auth/signout?x=1",
        "/auth/signout/?x=1#y",
        "https://api.example.com/auth/signout?x=1",
    ];
    for url in same {
        assert_eq!(found(&SESSION, "/auth", "POST", url, None), Some(("/signout", "public".to_owned())), "{url}");
    }
    for url in [
        "/AUTH/signout",
        "/auth/Signout",
        "/authx/signout",
        "//auth/signout",
        "/auth//signout",
        "/auth/signout//",
        "/auth/sign%6fut",
        "/auth",
        "/",
    ] {
        assert!(!is_handled("POST", url), "{url}");
    }
    assert!(!is_handled("GET", "/auth/signout"));
    assert!(is_handled("post", "/auth/signout"));
}

#[test]
fn a_tenant_may_stand_in_the_path() {
    let t1 = "t1".to_owned();
    assert_eq!(found(&SESSION, "/auth", "POST", "/auth/t1/session/refresh", None), Some(("/session/refresh", t1.clone())));
    assert_eq!(found(&SESSION, "/auth", "GET", "/auth/t1/jwt/jwks.json", None), Some(("/jwt/jwks.json", t1)));
    assert_eq!(found(&SESSION, "/auth", "POST", "/auth/Shop-2/signout", None), Some(("/signout", "Shop-2".to_owned())));
    for url in [
        "/auth/t_1/signout",
        "/auth/t.1/signout",
        "/auth/%741/signout",
        "/auth/t1/t2/signout",
        "/auth/tä/signout",
        "/auth/-1/x/signout",
    ] {
        assert!(!is_handled("POST", url), "{url}");
    }
}

#[test]
fn no_rid_keeps_a_request_from_its_endpoint() {
    for rid in [None, Some("session"), Some("anti-csrf"), Some("foo"), Some("emailpassword"), Some("jwt"), Some("")] {
        assert!(found(&SESSION, "/auth", "POST", "/auth/signout", rid).is_some(), "{rid:?}");
    }
}

#[test]
fn other_paths_and_methods_reach_the_application() {
    for url in ["/", "/api/user", "/auth/unknown", "/auth/.well-known/jwks.json", "/x/auth/signout"] {
        assert!(!is_handled("POST", url) && !is_handled("GET", url), "{url}");
    }
    for method in ["OPTIONS", "HEAD", "TRACE", "PUT", "DELETE", ""] {
        for url in ["/auth/session/refresh", "/auth/jwt/jwks.json"] {
            assert!(!is_handled(method, url), "{method} {url}");
        }
    }
}

#[test]
fn an_empty_base_path_is_the_root() {
    assert!(found(&SESSION, "/", "POST", "/signout", None).is_some());
    assert!(found(&SESSION, "/", "POST", "/t1/signout", None).is_some());
    for url in ["/", "/api/user", "//signout", "/auth"] {
        assert!(found(&SESSION, "/", "POST", url, None).is_none(), "{url}");
    }
}

#[test]
fn a_base_path_is_no_pattern() {
    assert!(found(&SESSION, "/a.(b)+", "POST", "/a.(b)+/signout", None).is_some());
    for url in ["/axb/signout", "/a.bb/signout", "/a.(b)/signout"] {
        assert!(found(&SESSION, "/a.(b)+", "POST", url, None).is_none(), "{url}");
    }
}

#[test]
fn a_disabled_endpoint_does_not_exist() {
    for index in 0..SESSION.len() {
        let mut endpoints = SESSION;
        endpoints[index].enabled = false;
        let Endpoint { method, path, .. } = SESSION[index];
        for url in [format!("/auth{path}"), format!("/auth/t1{path}")] {
            assert!(found(&SESSION, "/auth", method, &url, None).is_some(), "{url}");
            assert!(found(&endpoints, "/auth", method, &url, None).is_none(), "{url}");
            assert!(found(&endpoints, "/auth", method, &url, Some("session")).is_none(), "{url}");
        }
    }
}

#[test]
fn a_path_without_tenant_goes_before_one_with() {
    let endpoints = [endpoint("a", "POST", "/b"), endpoint("c", "POST", "/a/b")];
    for rid in [None, Some("unknown")] {
        assert_eq!(found(&endpoints, "/auth", "POST", "/auth/a/b", rid), Some(("/a/b", "public".to_owned())), "{rid:?}");
    }
    let same = [endpoint("a", "POST", "/b"), endpoint("a", "POST", "/a/b")];
    assert_eq!(found(&same, "/auth", "POST", "/auth/a/b", Some("a")), Some(("/a/b", "public".to_owned())));
}

#[test]
fn the_first_recipe_wins_and_a_rid_chooses_another() {
    let endpoints = [endpoint("emailpassword", "POST", "/signup"), endpoint("thirdparty", "POST", "/signup")];
    let recipe = |rid, url: &str| {
        let (base, path) = (BasePath::parse("/auth").expect("a path"), BasePath::parse(url).expect("a path"));
        find(&base, &endpoints, Target { method: "POST", path: &path, rid })
            .map(|found| found.map(|found| endpoints[found.endpoint].recipe))
    };
    for url in ["/auth/signup", "/auth/t1/signup"] {
        assert_eq!(recipe(None, url), Ok(Some("emailpassword")));
        assert_eq!(recipe(Some("thirdparty"), url), Ok(Some("thirdparty")));
        assert_eq!(recipe(Some("thirdpartypasswordless"), url), Ok(Some("thirdparty")));
        assert_eq!(recipe(Some("thirdpartyemailpassword"), url), Err(AmbiguousEndpoint));
    }
}

#[test]
fn of_two_recipes_of_one_rid_the_exact_one_is_meant() {
    let rid = Some("thirdpartypasswordless");
    let url = "/auth/a/b";
    let tenant_first = [endpoint("thirdparty", "POST", "/b"), endpoint("passwordless", "POST", "/a/b")];
    assert_eq!(found(&tenant_first, "/auth", "POST", url, rid), Some(("/a/b", "public".to_owned())));
    let exact_first = [endpoint("passwordless", "POST", "/a/b"), endpoint("thirdparty", "POST", "/b")];
    let (base, path) = (BasePath::parse("/auth").expect("a path"), BasePath::parse(url).expect("a path"));
    assert_eq!(find(&base, &exact_first, Target { method: "POST", path: &path, rid }), Err(AmbiguousEndpoint));
}

fn app(base: &str, gateway: &str) -> AppInfo {
    let text = |text: &str| Some(text.to_owned());
    let input = AppInfoInput {
        app_name: text("Shop"),
        api_domain: text("https://api.example.com"),
        website_domain: text("example.com"),
        api_base_path: text(base),
        api_gateway_path: text(gateway),
        ..Default::default()
    };
    input.normalise().expect("good")
}

#[test]
fn the_gateways_prefix_is_put_back() {
    let app = app("/auth", "/gw");
    let path = normalise_request_path("/auth/session/refresh?x", &app.api_gateway_path).expect("a path");
    assert_eq!(path.as_str(), "/gw/auth/session/refresh");
    let target = Target { method: "POST", path: &path, rid: None };
    assert_eq!(find(&app.api_base_path, &SESSION, target), Ok(Some(Matched { endpoint: 0, tenant: "public", exact: true })));
    let outside = normalise_request_path("/gw/auth/session/refresh", &app.api_gateway_path).expect("a path");
    assert_eq!(find(&app.api_base_path, &SESSION, Target { path: &outside, ..target }), Ok(None));
}

#[test]
fn a_refresh_is_recognised_by_its_whole_path() {
    let plain = app("/auth", "");
    for (method, url, expected) in [
        ("POST", "/auth/session/refresh", true),
        ("post", "/auth/session/refresh/?x=1", true),
        ("GET", "/auth/session/refresh", false),
        ("POST", "/auth/t1/session/refresh", false),
        ("POST", "/session/refresh", false),
        ("POST", "HTTP://api.example.com/auth/session/refresh?x=/y", true),
        ("POST", "http://api.example.com", false),
        // The paths of other routes, whatever they come to.
        ("POST", "/auth/session/refresh//", false),
        ("POST", "/data/../auth/session/refresh", false),
        ("POST", "/auth/./session/refresh", false),
        ("POST", "/data/%2e%2E/auth/session/refresh", false),
        ("POST", "/data/.%2e/auth/session/refresh", false),
        ("POST", "/data\\..\\auth/session/refresh", false),
        ("POST", "/data/..\\auth/session/refresh", false),
        ("POST", "/auth/session/\trefresh", false),
        ("POST", "http://api.example.com/data/../auth/session/refresh", false),
    ] {
        assert_eq!(is_refresh_request(&plain, method, url), expected, "{method} {url}");
    }
    let behind = app("/auth", "/gw");
    assert!(!is_refresh_request(&behind, "POST", "/auth/session/refresh"));
    assert!(is_refresh_request(&behind, "POST", "/gw/auth/session/refresh"));
}

proptest::proptest! {
    #[test]
    fn no_url_panics(url in "\\PC{0,30}", method in "\\PC{0,5}", rid in proptest::option::of("\\PC{0,8}")) {
        if let Ok(path) = normalise_request_path(&url, &BasePath::default()) {
            let target = Target { method: &method, path: &path, rid: rid.as_deref() };
            let matched = find(&BasePath::default(), &SESSION, target).expect("no contradiction");
            let tenant = matched.map_or("public", |matched| matched.tenant);
            proptest::prop_assert!(!tenant.is_empty() && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        }
    }
}

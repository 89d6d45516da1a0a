//! Every row of the table of situations (sdk-session.md 5.10), and what replaces what.

use super::TransferMethod::{Cookie, Header};
use super::*;
use crate::address::CookieDomain;
use crate::session_settings::OlderCookieDomain;

const NOW: Millis = 1_700_000_000_000;
const EXPOSE: bool = true;

fn settings(expose_access_token: bool) -> SessionSettings {
    SessionSettings {
        cookie_secure: true,
        secure_for_other_sites: false,
        cookie_same_site: None,
        cookie_domain: Some(CookieDomain::parse(".a.com").unwrap()),
        older_cookie_domain: OlderCookieDomain::Unset,
        session_expired_status: 401,
        invalid_claim_status: 403,
        anti_csrf: None,
        access_token_path: "/".into(),
        refresh_token_path: "/auth/session/refresh".into(),
        expose_access_token,
        use_dynamic_signing_key: true,
        jwks_refresh_interval_ms: 1,
    }
}

/// What a response would have: cookies, headers (removed ones left out), exposed names.
#[derive(Debug, PartialEq)]
struct Seen {
    cookies: String,
    headers: String,
    exposed: String,
}

fn seen(changes: &ResponseChanges) -> Seen {
    let cookies: Vec<String> = changes
        .cookies()
        .iter()
        .map(|cookie| if cookie.clears() { format!("-{}", cookie.name) } else { format!("{}={}", cookie.name, cookie.value) })
        .collect();
    let mut headers: Vec<String> =
        changes.headers().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))).collect();
    headers.sort();
    Seen { cookies: cookies.join(" "), headers: headers.join(" "), exposed: changes.exposed().join(", ") }
}

/// A new pair of tokens goes out, as it does when a session is made or refreshed.
fn attach(changes: &mut ResponseChanges, method: TransferMethod, look: CookieLook<'_>) {
    changes.set_access_token(method, "A", "FT", NOW, look);
    changes.set_refresh_token(method, "R", NOW + 5, look);
}

#[test]
fn what_goes_out_by_situation() {
    type Steps = fn(&mut ResponseChanges, CookieLook<'_>);
    let (both, none) = ("sAccessToken=A sRefreshToken=R", "-sAccessToken -sRefreshToken");
    let by_header = "front-token=FT st-access-token=A st-refresh-token=R";
    let all = "front-token, st-access-token, st-refresh-token";
    let rows: [(&str, bool, Steps, [&str; 3]); 17] = [
        ("create, C", false, |c, l| attach(c, Cookie, l), [both, "front-token=FT", "front-token"]),
        (
            "create, C, VIA_TOKEN",
            false,
            |c, l| {
                attach(c, Cookie, l);
                c.set_anti_csrf("X");
            },
            [both, "anti-csrf=X front-token=FT", "front-token, anti-csrf"],
        ),
        (
            "create, C, expose option",
            EXPOSE,
            |c, l| attach(c, Cookie, l),
            [both, "front-token=FT st-access-token=A", "front-token, st-access-token"],
        ),
        ("create, H", false, |c, l| attach(c, Header, l), ["", by_header, all]),
        ("create, H, expose option", EXPOSE, |c, l| attach(c, Header, l), ["", by_header, all]),
        (
            "create, H, request carried an access cookie",
            false,
            |c, l| {
                c.clear(Cookie, l);
                attach(c, Header, l);
            },
            [none, by_header, all],
        ),
        (
            "create, C, request carried any bearer token",
            false,
            |c, l| {
                c.clear(Header, l);
                attach(c, Cookie, l);
            },
            [both, "front-token=FT st-access-token= st-refresh-token=", "st-access-token, st-refresh-token, front-token"],
        ),
        ("nothing changed", false, |_, _| {}, ["", "", ""]),
        (
            "new access token or merged payload, C",
            false,
            |c, l| c.set_access_token(Cookie, "A", "FT", NOW, l),
            ["sAccessToken=A", "front-token=FT", "front-token"],
        ),
        (
            "new access token or merged payload, H",
            false,
            |c, l| c.set_access_token(Header, "A", "FT", NOW, l),
            ["", "front-token=FT st-access-token=A", "front-token, st-access-token"],
        ),
        (
            "refresh ok, H, a refresh cookie was also sent",
            false,
            |c, l| {
                c.clear(Cookie, l);
                attach(c, Header, l);
            },
            [none, by_header, all],
        ),
        (
            "refresh ok, C, bearer also sent",
            false,
            |c, l| {
                c.clear(Header, l);
                attach(c, Cookie, l);
            },
            [both, "front-token=FT st-access-token= st-refresh-token=", "st-access-token, st-refresh-token, front-token"],
        ),
        (
            "unauthorised with clearing, theft",
            false,
            |c, l| c.clear_both(l),
            [none, "front-token=remove st-access-token= st-refresh-token=", all],
        ),
        ("revoke, C", false, |c, l| c.clear(Cookie, l), [none, "front-token=remove", "front-token"]),
        ("revoke, C, expose option", EXPOSE, |c, l| c.clear(Cookie, l), [none, "front-token=remove", "front-token"]),
        (
            "revoke, H",
            false,
            |c, l| c.clear(Header, l),
            ["", "front-token=remove st-access-token= st-refresh-token=", "st-access-token, st-refresh-token, front-token"],
        ),
        (
            "an application logs out after the tokens were set",
            false,
            |c, l| {
                attach(c, Cookie, l);
                c.set_anti_csrf("X");
                c.clear_both(l);
            },
            [
                none,
                "front-token=remove st-access-token= st-refresh-token=",
                "front-token, anti-csrf, st-access-token, st-refresh-token",
            ],
        ),
    ];
    for (situation, expose, steps, [cookies, headers, exposed]) in rows {
        let (settings, names) = (settings(expose), TokenNames::default());
        let mut changes = ResponseChanges::new();
        steps(&mut changes, CookieLook { settings: &settings, same_site: SameSite::Lax, names: &names });
        let expected = Seen { cookies: cookies.into(), headers: headers.into(), exposed: exposed.into() };
        assert_eq!(seen(&changes), expected, "{situation}");
        assert_eq!(changes.is_empty(), situation == "nothing changed", "{situation}");
    }
}

fn default_look(check: impl FnOnce(CookieLook<'_>)) {
    let (settings, names) = (settings(false), TokenNames::default());
    check(CookieLook { settings: &settings, same_site: SameSite::None, names: &names });
}

#[test]
fn cookies_have_their_path_domain_and_time() {
    default_look(|look| {
        let mut changes = ResponseChanges::new();
        attach(&mut changes, Cookie, look);
        changes.clear_legacy_cookie(look);
        let headers: Vec<String> = changes.cookies().iter().map(SetCookie::to_header).collect();
        assert_eq!(
            headers,
            [
                "sAccessToken=A; Domain=.a.com; Path=/; Expires=Wed, 13 Nov 2024 22:13:20 GMT; HttpOnly; Secure; SameSite=None",
                "sRefreshToken=R; Domain=.a.com; Path=/auth/session/refresh; Expires=Tue, 14 Nov 2023 22:13:20 GMT; HttpOnly; Secure; SameSite=None",
                "sIdRefreshToken=; Domain=.a.com; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None",
            ]
        );
        changes.clear(Cookie, look);
        let cleared = changes.cookies()[1].to_header();
        assert_eq!(
            cleared,
            "sRefreshToken=; Domain=.a.com; Path=/auth/session/refresh; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; \
             SameSite=None"
        );
        let mut late = ResponseChanges::new();
        late.set_access_token(Cookie, "A", "FT", Millis::MAX, look);
        assert_eq!(late.cookies()[0].expires, Millis::MAX);
    });
}

#[test]
fn clearing_takes_the_anti_csrf_header_off_whoever_set_it() {
    default_look(|look| {
        for method in [Cookie, Header] {
            let mut changes = ResponseChanges::new();
            changes.clear(method, look);
            assert!(changes.headers().any(|header| header == (ANTI_CSRF, None)), "{method:?}");
            assert!(!changes.exposed().contains(&ANTI_CSRF.to_owned()));
        }
        let mut again = ResponseChanges::new();
        again.clear(Cookie, look);
        again.set_anti_csrf("X");
        assert!(again.headers().any(|header| header == (ANTI_CSRF, Some("X"))));
    });
}

#[test]
fn an_older_cookie_is_cleared_where_it_was_and_nothing_else_happens() {
    default_look(|look| {
        for (older, attribute) in [(Some("old.a.com"), "; Domain=old.a.com"), (None, ""), (Some(""), "")] {
            for (kind, name, path) in
                [(TokenKind::Access, "sAccessToken", "/"), (TokenKind::Refresh, "sRefreshToken", "/auth/session/refresh")]
            {
                let mut changes = ResponseChanges::new();
                changes.clear_older_cookie(kind, older, look);
                assert_eq!((changes.headers().count(), changes.exposed().len(), changes.cookies().len()), (0, 0, 1));
                let start = format!("{name}={attribute}; Path={path}; Expires=Thu, 01 Jan 1970 00:00:00 GMT;");
                assert!(changes.cookies()[0].to_header().starts_with(&start), "{start}");
            }
        }
    });
}

#[test]
fn own_names_are_used_throughout() {
    let settings = settings(EXPOSE);
    let names = TokenNames {
        access_cookie: "ac".into(),
        refresh_cookie: "rc".into(),
        access_header: "ah".into(),
        refresh_header: "rh".into(),
    };
    let look = CookieLook { settings: &settings, same_site: SameSite::Strict, names: &names };
    let mut changes = ResponseChanges::new();
    attach(&mut changes, Cookie, look);
    let expected = Seen { cookies: "ac=A rc=R".into(), headers: "ah=A front-token=FT".into(), exposed: "front-token, ah".into() };
    assert_eq!(seen(&changes), expected);
    changes.clear_both(look);
    let expected =
        Seen { cookies: "-ac -rc".into(), headers: "ah= front-token=remove rh=".into(), exposed: "front-token, ah, rh".into() };
    assert_eq!(seen(&changes), expected);
}

#[test]
fn later_changes_win_and_only_by_exact_name() {
    default_look(|look| {
        let mut changes = ResponseChanges::new();
        changes.set_cookie(SetCookie { name: "sAccessTokenX".into(), ..look.cookie(TokenKind::Access, "mine", 1) });
        for token in ["1", "2", "3"] {
            changes.set_access_token(Cookie, token, token, NOW, look);
        }
        let mut later = ResponseChanges::new();
        later.set_access_token(Cookie, "4", "5", NOW, look);
        later.set_header("ST-Access-Token", "6");
        later.remove_header("gone");
        changes.set_header("st-access-token", "0");
        changes.merge(later);
        let expected = Seen {
            cookies: "sAccessTokenX=mine sAccessToken=4".into(),
            headers: "front-token=5 st-access-token=6".into(),
            exposed: "front-token, st-access-token, ST-Access-Token".into(),
        };
        assert_eq!(seen(&changes), expected);
        assert!(changes.headers().any(|header| header == ("gone", None)));
        let before = changes.clone();
        changes.merge(ResponseChanges::new());
        assert_eq!(changes, before);
    });
}

#[test]
fn debug_names_things_and_shows_no_value() {
    default_look(|look| {
        let mut changes = ResponseChanges::new();
        changes.set_access_token(Cookie, "SECRET", "SECRET", NOW, look);
        changes.set_refresh_token(Header, "SECRET", NOW, look);
        changes.set_anti_csrf("SECRET");
        changes.clear_legacy_cookie(look);
        changes.remove_header("x");
        assert_eq!(
            format!("{changes:?}"),
            "ResponseChanges { headers: [\"front-token\", \"st-refresh-token\", \"anti-csrf\"], removed_headers: [\"x\"], \
             cookies: [\"sAccessToken\"], cleared_cookies: [\"sIdRefreshToken\"], .. }"
        );
    });
}

#[test]
fn exposed_names_join_those_of_the_application() {
    let rows: [(Option<&str>, &[&str], &str); 10] = [
        (None, &[], ""),
        (None, &["a"], "a"),
        (None, &["a", "b", "a"], "a, b"),
        (Some(""), &["a"], "a"),
        (Some("x"), &[], "x"),
        (Some("x"), &["a"], "x, a"),
        (Some("a"), &["a"], "a"),
        (Some("x,a ,y"), &["a", "b"], "x,a ,y, b"),
        (Some("my-front-token"), &["front-token"], "my-front-token, front-token"),
        (Some("*"), &["a"], "*, a"),
    ];
    for (existing, added, value) in rows {
        let added: Vec<String> = added.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(expose_header_value(existing, &added), value, "{existing:?} {added:?}");
    }
}

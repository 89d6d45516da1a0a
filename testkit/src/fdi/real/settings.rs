//! Settings of the session recipe whose effect the core takes part in: anti-CSRF tokens, the kind of key, cookie domains.

use http::Method;
use serde_json::json;
use supertokens::session::AntiCsrfMode;
use supertokens_domain::time::{HOUR, SECOND};

use super::{Cdi, token_header};
use crate::fdi::{Answer, Browser, Mode, Plan, Stage, routes};
use crate::scenarios;

/// 62, 94 and 104 on a real core.
async fn an_anti_csrf_token_comes_with_cookies_and_is_asked_for(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let via_token = |plan: Plan| cdi.of(stage, plan).sessions(|s| s.anti_csrf(AntiCsrfMode::ViaToken));
        let app = stage.app(via_token, routes::standard()).await;
        let browser = app.browser(Mode::Cookie);
        let login = browser.log_in("ada").await;
        assert_eq!(login.exposed(), ["front-token", "anti-csrf"]);
        let post = || app.post("/session").cookie("sAccessToken", &browser.access_token());
        post().send().await.refuses(401, "try refresh token");
        post().header("anti-csrf", "wrong").send().await.refuses(401, "try refresh token");
        browser.post("/session").await.ok();
        app.get("/session").cookie("sAccessToken", &browser.access_token()).send().await.ok();

        stage.clock.advance(HOUR + SECOND);
        let refresh = || app.post("/auth/session/refresh").cookie("sRefreshToken", &browser.refresh_token());
        let refused = refresh().header("anti-csrf", "wrong").send().await;
        refused.refuses(401, "unauthorised");
        refused.clears_both();
        let refreshed = browser.refresh().await;
        assert!(refreshed.status == 200 && refreshed.header("anti-csrf").is_some());
        browser.post("/session").await.ok();
        browser.post("/session").await.ok();
        assert_eq!(browser.post("/auth/signout").await.ok(), json!({ "status": "OK" }));

        let headers = app.browser(Mode::Header);
        assert_eq!(headers.log_in("ada").await.header("anti-csrf"), None);
        headers.post("/session").await.ok();
        assert_eq!(headers.refresh().await.header("anti-csrf"), None);
        headers.post("/session").await.ok();
    }
}

/// 87 and 115 on a real core.
async fn changing_the_kind_of_key_makes_browsers_refresh_once(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let kinds = [(true, "d-"), (false, "s-"), (true, "d-")];
        let mut kept: Option<Browser> = None;
        for (dynamic, prefix) in kinds {
            let change = |plan| cdi.of(stage, plan).sessions(|s| s.use_dynamic_access_token_signing_key(dynamic));
            let app = stage.app(change, routes::standard()).await;
            let browser = kept.map_or_else(|| app.browser(Mode::Cookie), |browser| browser.visiting(&app));
            if browser.has_session() {
                browser.once(Method::GET, "/session").await.refuses(401, "try refresh token");
            } else {
                browser.log_in("ada").await;
            }
            assert_eq!(browser.get("/session").await.ok()["userId"], "ada");
            let kid = token_header(&browser.access_token())["kid"].clone();
            assert!(kid.as_str().is_some_and(|kid| kid.starts_with(prefix)), "{kid}");
            browser.get("/session").await.touches_no_token();
            kept = Some(browser);
        }
    }
}

/// 108 on a real core: after the cookies' domain was changed, a browser has two of each, and gets rid of the older ones.
async fn a_changed_cookie_domain_costs_one_more_request(stage: &Stage) {
    let change = |plan: Plan| plan.sessions(|s| s.cookie_domain(".example.com").older_cookie_domain(""));
    let before = stage.app(|plan| plan, routes::standard()).await;
    let after = stage.app(change, routes::standard()).await;
    let browser = before.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let browser = browser.visiting(&after);
    browser.log_in("bob").await;
    browser.once(Method::GET, "/session").await.refuses(401, "try refresh token");
    let cleared = browser.refresh().await;
    assert_eq!((cleared.status, cleared.front_token()), (200, None));
    // Of the refresh tokens there are two as well.
    assert!(cleared.set_cookies().iter().all(|cookie| cookie.is_cleared() && cookie.attribute("domain").is_none()));
    assert_eq!(cleared.set_cookies().len(), 2);
    assert_eq!(browser.get("/session").await.ok()["userId"], "bob");
    browser.refresh().await.ok();
    assert_eq!(browser.get("/session").await.ok()["userId"], "bob");
}

/// 69 on a real core.
async fn an_access_token_is_shown_to_scripts_where_that_is_wanted(stage: &Stage) {
    let change = |plan: Plan| plan.sessions(|s| s.expose_access_token_to_frontend_in_cookie_based_auth(true));
    let app = stage.app(change, routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    for answer in [browser.log_in("ada").await, browser.refresh().await, browser.post("/merge").await] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("st-access-token"), Some(browser_token(&answer).as_str()));
        assert_eq!(answer.header("st-refresh-token"), None);
        assert_eq!(answer.exposed(), ["front-token", "st-access-token"]);
    }
}

fn browser_token(answer: &Answer) -> String {
    answer.set_cookie("sAccessToken").expect("a cookie").decoded()
}

scenarios!(Stage:
    an_anti_csrf_token_comes_with_cookies_and_is_asked_for,
    changing_the_kind_of_key_makes_browsers_refresh_once,
    a_changed_cookie_domain_costs_one_more_request,
    an_access_token_is_shown_to_scripts_where_that_is_wanted,
);

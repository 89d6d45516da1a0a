//! The website is another origin than the API: scenario 145.

use std::collections::BTreeSet;

use http::Method;

use crate::fdi::{Answer, App, Mode, Stage, routes};
use crate::scenarios;

const WEBSITE: &str = "http://example.com";
const WANTED: &str = "rid,fdi-version,anti-csrf,authorization,st-auth-mode,content-type";

async fn preflight(app: &App, path: &str, origin: &str) -> Answer {
    let call = app.call(Method::OPTIONS, path).header("origin", origin).header("access-control-request-method", "POST");
    call.header("access-control-request-headers", WANTED).send().await
}

fn list<'a>(answer: &'a Answer, name: &str) -> BTreeSet<&'a str> {
    answer.header(name).unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

/// 145.
async fn preflights_are_answered_by_the_cors_layer(stage: &Stage) {
    let app = stage.app(super::super::stage::Plan::with_cors, routes::standard()).await;
    for path in ["/auth/session/refresh", "/auth/signout", "/session", "/nested/session"] {
        let answer = preflight(&app, path, WEBSITE).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(WEBSITE), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{path}");
        let allowed = list(&answer, "access-control-allow-headers");
        assert!(WANTED.split(',').all(|name| allowed.contains(name)), "{path}: {allowed:?}");
        let methods = list(&answer, "access-control-allow-methods");
        assert!(["GET", "POST", "PUT", "DELETE", "PATCH"].iter().all(|method| methods.contains(method)), "{path}: {methods:?}");
        answer.touches_no_token();
    }
}

/// Another website is not let in, and `*` is never said: a browser would not send cookies then.
async fn other_origins_are_not_allowed(stage: &Stage) {
    let app = stage.app(super::super::stage::Plan::with_cors, routes::standard()).await;
    for origin in ["http://evil.example", "https://example.com", "http://example.com.evil.example", "null"] {
        let answer = preflight(&app, "/session", origin).await;
        let allowed = answer.header("access-control-allow-origin");
        assert!(allowed.is_none_or(|allowed| allowed != origin && allowed != "*"), "{origin}: {allowed:?}");
    }
}

/// What the scripts need to read is exposed in the answers themselves, refusals included.
async fn answers_and_refusals_can_be_read_by_the_website(stage: &Stage) {
    let app = stage.app(super::super::stage::Plan::with_cors, routes::standard()).await;
    let browser = app.browser(Mode::Header);
    let login = browser.log_in("ada").await;
    assert_eq!(login.exposed(), ["front-token", "st-access-token", "st-refresh-token"]);
    let refused = app.get("/session").header("origin", WEBSITE).send().await;
    refused.refuses(401, "unauthorised");
    for answer in [login, refused, browser.refresh().await, browser.get("/session").await] {
        assert_eq!(answer.header("access-control-allow-origin"), Some(WEBSITE));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    }
}

scenarios!(Stage:
    preflights_are_answered_by_the_cors_layer,
    other_origins_are_not_allowed,
    answers_and_refusals_can_be_read_by_the_website,
);

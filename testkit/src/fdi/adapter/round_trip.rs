//! A whole life of a session, from the browser's side: scenarios 141 and 150.

use http::Method;
use serde_json::json;
use supertokens_domain::time::{HOUR, SECOND};

use crate::fdi::{FrontToken, Mode, Stage, routes};
use crate::scenarios;

/// Log in, ask, expire, refresh, ask, sign out, and find everything gone.
async fn live(stage: &Stage, mode: Mode) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let browser = app.browser(mode);
    browser.get("/session").await.refuses(401, "unauthorised");

    let login = browser.log_in("ada").await;
    let by_cookie = mode == Mode::Cookie;
    assert_eq!(login.set_cookies().len(), if by_cookie { 2 } else { 0 });
    assert_eq!(login.header("st-access-token").is_some(), !by_cookie);
    let handle = login.ok()["handle"].clone();
    let seen = browser.get("/session").await;
    assert_eq!(seen.ok()["userId"], "ada");
    seen.touches_no_token();
    assert_eq!(browser.post("/session").await.ok()["handle"], handle);

    stage.clock.advance(HOUR + SECOND);
    let refused = browser.once(Method::GET, "/session").await;
    refused.refuses(401, "try refresh token");
    refused.touches_no_token();
    let before = (browser.access_token(), browser.refresh_token());
    let seen = browser.get("/session").await;
    assert_eq!((seen.ok()["handle"].clone(), browser.refreshes()), (handle.clone(), 1));
    assert!(browser.access_token() != before.0 && browser.refresh_token() != before.1, "both tokens are new");
    assert_eq!(browser.get("/nested/session").await.ok()["userId"], "ada");
    assert_eq!(browser.refreshes(), 1);

    let out = browser.post("/auth/signout").await;
    assert_eq!(out.ok(), json!({ "status": "OK" }));
    assert_eq!(out.front_token(), Some(FrontToken::Remove));
    assert!(!browser.has_session() && browser.access_token().is_empty() && browser.refresh_token().is_empty());
    browser.get("/session").await.refuses(401, "unauthorised");
    let handle = handle.as_str().expect("a handle");
    assert_eq!(app.engine.session_information(handle).await.expect("an answer"), None);
}

/// 141, with a cookie jar.
async fn a_session_lives_in_cookies_from_login_to_sign_out(stage: &Stage) {
    live(stage, Mode::Cookie).await;
}

/// 141, with headers.
async fn a_session_lives_in_headers_from_login_to_sign_out(stage: &Stage) {
    live(stage, Mode::Header).await;
}

/// 150, after 56, 57 and 104.
async fn new_tokens_come_with_a_front_token_that_scripts_can_read(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        let login = browser.log_in("ada").await;
        let refreshed = browser.refresh().await;
        assert_eq!(refreshed.ok(), json!({}));
        for answer in [login, refreshed] {
            let Some(FrontToken::Says { uid, ate, up }) = answer.front_token() else { panic!("no front token") };
            assert!(answer.exposed().contains(&"front-token"));
            assert_eq!((uid.as_str(), &up["sub"], &up["dropped"]), ("ada", &json!("ada"), &json!("soon")));
            let expected = up["exp"].as_i64().expect("exp") * 1000;
            assert!((ate - expected).abs() < SECOND, "{ate} is not exp, {expected}");
        }
    }
}

/// 150, after 105.
async fn a_refresh_without_a_refresh_token_takes_everything_away(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let refused = app.post("/auth/session/refresh").header("rid", "anti-csrf").send().await;
    refused.refuses(401, "unauthorised");
    refused.clears_both();
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let only_access = app.post("/auth/session/refresh").cookie("sAccessToken", &browser.access_token()).send().await;
    only_access.refuses(401, "unauthorised");
    only_access.clears_both();
}

/// 150, after 111: the core knows the session no more.
async fn a_refresh_of_a_session_that_ended_takes_everything_away(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        let login = browser.log_in("ada").await.ok();
        assert!(app.engine.revoke_session(login["handle"].as_str().expect("a handle")).await.expect("an answer"));
        let refused = browser.refresh().await;
        refused.refuses(401, "unauthorised");
        refused.clears_both();
        assert!(!browser.has_session());
    }
}

/// 150, after 116, in each method.
async fn signing_out_takes_the_tokens_of_its_method_away(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    for (mode, exposed) in
        [(Mode::Cookie, &["front-token"][..]), (Mode::Header, &["st-access-token", "st-refresh-token", "front-token"])]
    {
        let browser = app.browser(mode);
        browser.log_in("ada").await;
        let out = browser.post("/auth/signout").await;
        assert_eq!((out.front_token(), out.exposed()), (Some(FrontToken::Remove), exposed.to_vec()));
        let cleared = out.set_cookies().iter().filter(|cookie| cookie.is_cleared()).count();
        assert_eq!(cleared, if mode == Mode::Cookie { 2 } else { 0 });
    }
}

/// The application's own way to end a session, in a handler.
async fn a_session_that_a_handler_ends_is_gone_from_the_browser(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        browser.log_in("ada").await;
        let out = browser.post("/logout").await;
        assert_eq!((out.ok(), out.front_token()), (json!({ "status": "OK" }), Some(FrontToken::Remove)));
        assert!(!browser.has_session() && browser.access_token().is_empty());
    }
}

scenarios!(Stage:
    a_session_lives_in_cookies_from_login_to_sign_out,
    a_session_lives_in_headers_from_login_to_sign_out,
    new_tokens_come_with_a_front_token_that_scripts_can_read,
    a_refresh_without_a_refresh_token_takes_everything_away,
    a_refresh_of_a_session_that_ended_takes_everything_away,
    signing_out_takes_the_tokens_of_its_method_away,
    a_session_that_a_handler_ends_is_gone_from_the_browser,
);

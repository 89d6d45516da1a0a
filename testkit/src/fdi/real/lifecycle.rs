//! A session from its creation to its end, as the core's rules for refreshing have it: reuse, grace and theft.

use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::json;
use supertokens::session::{Handlers, Theft};
use supertokens_domain::time::{DAY, HOUR, SECOND};

use super::{Cdi, text, token_payload};
use crate::fdi::{FrontToken, Mode, Stage, routes};
use crate::scenarios;

const MODES: [Mode; 2] = [Mode::Cookie, Mode::Header];

/// With 5.4 the first check after a refresh goes to the core and brings the browser an access token without a parent.
async fn at_5_4_the_first_check_after_a_refresh_renews_the_access_token(stage: &Stage) {
    let app = Cdi::V5_4.app(stage, routes::standard()).await;
    for mode in MODES {
        let browser = app.browser(mode);
        browser.log_in("ada").await;
        browser.get("/session").await.touches_no_token();
        browser.refresh().await.ok();
        let child = browser.access_token();
        assert!(token_payload(&child)["parentRefreshTokenHash1"].is_string());
        let first = browser.get("/session").await;
        assert_eq!(first.ok()["payload"]["parentRefreshTokenHash1"], json!(null));
        assert!(first.access_token().is_some_and(|token| token != child) && first.refresh_token().is_none());
        assert!(matches!(first.front_token(), Some(FrontToken::Says { .. })));
        browser.get("/session").await.touches_no_token();
        browser.get("/database").await.touches_no_token();
    }
}

/// With 5.6 a check never brings anything, before and after a refresh, with and without the database.
async fn at_5_6_a_check_never_renews_anything(stage: &Stage) {
    let app = Cdi::V5_6.app(stage, routes::standard()).await;
    for mode in MODES {
        let browser = app.browser(mode);
        browser.log_in("ada").await;
        for _ in 0..2 {
            for path in ["/session", "/database", "/maybe", "/session"] {
                let seen = browser.get(path).await;
                assert_eq!(seen.ok()["userId"], "ada");
                seen.touches_no_token();
            }
            browser.refresh().await.ok();
            assert_eq!(token_payload(&browser.access_token())["parentRefreshTokenHash1"], json!(null));
        }
    }
}

/// With 5.6, checking asks the core for its keys once and then for nothing.
async fn at_5_6_a_check_costs_no_trip_to_the_database(stage: &Stage) {
    let app = Cdi::V5_6.app(stage, routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    browser.refresh().await.ok();
    browser.get("/session").await.ok();
    let (trips, ()) = stage
        .world()
        .trips(async {
            for _ in 0..20 {
                browser.get("/session").await.ok();
            }
        })
        .await;
    assert_eq!(trips, 0);
}

/// 111 on a real core: whoever comes with an old refresh token is taken for a thief, and the session is over for both.
async fn an_old_refresh_token_is_theft(stage: &Stage) {
    for cdi in Cdi::BOTH {
        for mode in MODES {
            let app = cdi.app(stage, routes::standard()).await;
            let browser = app.browser(mode);
            let handle = text(&browser.log_in("ada").await.ok()["handle"]);
            let thief = browser.copy();
            browser.refresh().await.ok();
            browser.get("/session").await.ok();
            stage.clock.advance(61 * SECOND);
            let refused = thief.refresh().await;
            refused.refuses(401, "token theft detected");
            refused.clears_both();
            assert!(!thief.has_session());
            assert_eq!(app.engine.session_information(&handle).await.expect("an answer"), None);
            // The owner's access token is good until it ends or the database is asked; then the owner is out too.
            browser.get("/session").await.ok();
            let refused = browser.once(Method::GET, "/database").await;
            refused.refuses(401, "unauthorised");
            refused.clears_both();
            assert!(!browser.has_session());
        }
    }
}

/// With 5.6, for a minute two answers to one refresh token are no theft, and bring the same successor: the first may have been lost on
/// its way, or two tabs may have asked. Both go on.
async fn within_the_grace_an_old_refresh_token_is_good(stage: &Stage) {
    let app = Cdi::V5_6.app(stage, routes::standard()).await;
    for mode in MODES {
        let browser = app.browser(mode);
        browser.log_in("ada").await;
        let other = browser.copy();
        browser.refresh().await.ok();
        stage.clock.advance(59 * SECOND);
        other.refresh().await.ok();
        assert_eq!(other.get("/database").await.ok()["userId"], "ada");
        other.refresh().await.ok();
        browser.refresh().await.ok();
        assert_eq!(browser.get("/database").await.ok()["userId"], "ada");
    }
}

/// The application hears of a theft, and who was robbed.
async fn a_theft_is_told_to_the_application(stage: &Stage) {
    let told: Arc<Mutex<Vec<Theft>>> = Arc::default();
    let handlers = || {
        let told = Arc::clone(&told);
        Handlers::new().on_token_theft_detected(move |theft, scope| {
            told.lock().expect("nobody panics here").push(theft.clone());
            async move {
                scope.supertokens().revoke_session(theft.session_handle).await?;
                scope.respond_json(http::StatusCode::UNAUTHORIZED, &json!({ "message": "thief!" }));
                Ok(())
            }
        })
    };
    let app = stage.app(|plan| plan.sessions(|sessions| sessions.error_handlers(handlers())), routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    let handle = text(&browser.log_in("ada").await.ok()["handle"]);
    let thief = browser.copy();
    browser.refresh().await.ok();
    stage.clock.advance(61 * SECOND);
    let refused = thief.refresh().await;
    refused.refuses(401, "thief!");
    refused.clears_both();
    let expected = Theft { session_handle: handle, user_id: "ada".to_owned(), recipe_user_id: "ada".to_owned() };
    assert_eq!(*told.lock().expect("nobody panics here"), [expected]);
}

/// 93 on a real core: a session that was ended elsewhere is good until it is looked up.
async fn a_session_ended_elsewhere_is_found_out_by_asking_the_database(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, routes::standard()).await;
        for mode in MODES {
            let browser = app.browser(mode);
            let handle = text(&browser.log_in("ada").await.ok()["handle"]);
            browser.get("/database").await.ok();
            assert!(app.engine.revoke_session(&handle).await.expect("an answer"));
            assert!(!app.engine.revoke_session(&handle).await.expect("an answer"));
            browser.get("/session").await.ok();
            let refused = browser.once(Method::GET, "/database").await;
            refused.refuses(401, "unauthorised");
            refused.clears_both();
        }
    }
}

/// Nobody who refreshes in time is logged out, and whoever does not is.
async fn a_session_lasts_as_long_as_it_is_refreshed(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, routes::standard()).await;
        for mode in MODES {
            let browser = app.browser(mode);
            let handle = browser.log_in("ada").await.ok()["handle"].clone();
            for round in 1..=3 {
                stage.clock.advance(99 * DAY);
                assert_eq!(browser.get("/session").await.ok()["handle"], handle);
                assert_eq!(browser.refreshes(), round);
            }
            stage.clock.advance(101 * DAY);
            browser.get("/session").await.refuses(401, "try refresh token");
            assert!(!browser.has_session());
            browser.get("/session").await.refuses(401, "unauthorised");
        }
    }
}

/// 124 on a real core.
async fn a_changed_payload_reaches_the_browser_and_stays(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, routes::standard()).await;
        for mode in MODES {
            let browser = app.browser(mode);
            let handle = text(&browser.log_in("ada").await.ok()["handle"]);
            let before = browser.access_token();
            let merged = browser.post("/merge").await;
            assert_eq!(merged.ok()["payload"]["merged"], true);
            let expected: &[&str] = if mode == Mode::Cookie { &["front-token"] } else { &["front-token", "st-access-token"] };
            assert_eq!((merged.exposed(), merged.refresh_token()), (expected.to_vec(), None));
            assert!(merged.access_token().is_some_and(|token| token != before));
            let shown = merged.front_payload();
            assert_eq!((&shown["merged"], shown.get("dropped"), &shown["sub"]), (&json!(true), None, &json!("ada")));
            let stored = app.engine.session_information(&handle).await.expect("an answer").expect("a session");
            assert_eq!(stored.custom_claims_in_access_token_payload.get("merged"), Some(&json!(true)));
            assert!(!stored.custom_claims_in_access_token_payload.contains_key("dropped"));
            for _ in 0..2 {
                let seen = browser.get("/database").await.ok();
                assert_eq!((&seen["payload"]["merged"], seen["payload"].get("dropped")), (&json!(true), None));
                browser.refresh().await.ok();
            }
        }
    }
}

/// Changing the payload does not make an access token live longer.
async fn a_changed_payload_keeps_the_tokens_end(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, routes::standard()).await;
        let browser = app.browser(Mode::Header);
        browser.log_in("ada").await;
        let end = token_payload(&browser.access_token())["exp"].clone();
        stage.clock.advance(HOUR / 2);
        browser.post("/merge").await.ok();
        assert_eq!(token_payload(&browser.access_token())["exp"], end);
        stage.clock.advance(HOUR / 2 + SECOND);
        browser.once(Method::GET, "/session").await.refuses(401, "try refresh token");
    }
}

/// A browser whose tokens are those of another method than the last: what is left over does not stay.
async fn a_browser_that_changes_its_method_keeps_nothing_of_the_old_one(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let cookies = app.browser(Mode::Cookie);
    cookies.log_in("ada").await;
    let login = app.post("/login").header("st-auth-mode", "header").cookie("sAccessToken", &cookies.access_token()).send().await;
    assert!(["sAccessToken", "sRefreshToken"].iter().all(|name| login.set_cookie(name).is_some_and(|set| set.is_cleared())));
    let token = login.header("st-access-token").expect("a token by header").to_owned();
    assert!(matches!(login.front_token(), Some(FrontToken::Says { .. })));
    let login = app.post("/login").header("st-auth-mode", "cookie").bearer(&token).send().await;
    assert_eq!((login.header("st-access-token"), login.header("st-refresh-token")), (Some(""), Some("")));
    assert_eq!(login.set_cookies().len(), 2);
}

scenarios!(Stage:
    at_5_4_the_first_check_after_a_refresh_renews_the_access_token,
    at_5_6_a_check_never_renews_anything,
    at_5_6_a_check_costs_no_trip_to_the_database,
    an_old_refresh_token_is_theft,
    within_the_grace_an_old_refresh_token_is_good,
    a_theft_is_told_to_the_application,
    a_session_ended_elsewhere_is_found_out_by_asking_the_database,
    a_session_lasts_as_long_as_it_is_refreshed,
    a_changed_payload_reaches_the_browser_and_stays,
    a_changed_payload_keeps_the_tokens_end,
    a_browser_that_changes_its_method_keeps_nothing_of_the_old_one,
);

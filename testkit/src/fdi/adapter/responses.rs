//! What reaches the response, and who writes it: scenarios 142 to 144.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use supertokens::Error;
use supertokens::session::{NewSession, VerifyOptions};

use crate::fdi::{AppAnswer, AppRoute, Guard, HandlerError, Mode, Stage, routes};
use crate::scenarios;

/// 142.
async fn a_session_made_in_a_handler_reaches_the_response(stage: &Stage) {
    let mut list = routes::standard();
    list.push(AppRoute::post("/sign-in-somehow", Guard::Open, |scope, _| async move {
        scope.create_new_session(NewSession::of("ada")).await?;
        Ok(AppAnswer::json(json!({ "mine": true })).status(201).header("set-cookie", "theme=dark").header("x-mine", "kept"))
    }));
    let app = stage.app(|plan| plan, list).await;
    let answer = app.post("/sign-in-somehow").header("st-auth-mode", "cookie").send().await;
    assert_eq!((answer.status, answer.json()), (201, json!({ "mine": true })));
    assert_eq!((answer.header("x-mine"), answer.exposed()), (Some("kept"), vec!["front-token"]));
    let lines: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(lines.len(), 3, "each cookie has a header of its own, and the application's stays: {lines:?}");
    assert_eq!(answer.set_cookie("theme").expect("the application's").value, "dark");
    let token = answer.access_token().expect("an access token");
    assert_eq!(app.get("/session").cookie("sAccessToken", &token).send().await.ok()["userId"], "ada");
}

/// 70, through a framework: what the application exposes stays exposed.
async fn headers_that_the_application_exposes_stay_exposed(stage: &Stage) {
    let route = AppRoute::post("/sign-in-somehow", Guard::Open, |scope, _| async move {
        scope.create_new_session(NewSession::of("ada")).await?;
        Ok(AppAnswer::ok().header("access-control-expose-headers", "X-Foo"))
    });
    let app = stage.app(|plan| plan, vec![route]).await;
    let answer = app.post("/sign-in-somehow").header("st-auth-mode", "cookie").send().await;
    assert_eq!(answer.exposed(), ["X-Foo", "front-token"]);
}

/// What is for one browser is kept by no cache that many share, whatever the application has said.
async fn answers_that_carry_tokens_are_kept_by_no_cache(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        let made = browser.log_in("ada").await;
        let (seen, merged, refreshed) = (browser.get("/session").await, browser.post("/merge").await, browser.refresh().await);
        let gone = browser.post("/auth/signout").await;
        for (what, answer) in [("log in", made), ("merge", merged), ("refresh", refreshed), ("sign out", gone)] {
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{what}");
        }
        assert_eq!((seen.status, seen.header("cache-control")), (200, None), "nothing of a session is in it");
    }
}

/// What the application says itself stays if no cache that many share may keep the answer by it, and goes otherwise.
async fn what_would_let_a_shared_cache_keep_tokens_is_replaced(stage: &Stage) {
    const PRIVATE: &str = "private, max-age=1";
    let says = |path, lines: &'static [(&'static str, &'static str)], login: bool| {
        AppRoute::post(path, Guard::Open, move |scope, _| async move {
            if login {
                scope.create_new_session(NewSession::of("ada")).await?;
            }
            Ok(lines.iter().fold(AppAnswer::ok(), |answer, (name, value)| answer.header(name, value)))
        })
    };
    let public: &[_] = &[("cache-control", "public"), ("cache-control", "max-age=60"), ("cdn-cache-control", "max-age=60")];
    let elsewhere: &[_] = &[("cache-control", PRIVATE), ("surrogate-control", "max-age=60"), ("x-accel-expires", "60")];
    let list = vec![
        says("/private", &[("cache-control", PRIVATE), ("cdn-cache-control", "no-store")], true),
        says("/public", public, true),
        says("/elsewhere", elsewhere, true),
        says("/nobody", public, false),
    ];
    let app = stage.app(|plan| plan, list).await;
    for mode in ["cookie", "header"] {
        for (path, kept, others) in [
            ("/private", &[PRIVATE][..], ["no-store", "", ""]),
            ("/public", &["no-store"], ["", "", ""]),
            ("/elsewhere", &[PRIVATE], ["", "", ""]),
            ("/nobody", &["public", "max-age=60"], ["max-age=60", "", ""]),
        ] {
            let answer = app.post(path).header("st-auth-mode", mode).send().await;
            assert_eq!(answer.ok()["status"], "OK");
            assert_eq!(answer.access_token().is_some(), path != "/nobody", "{mode} {path}");
            // One line or several: it is one list.
            let lines: Vec<_> =
                answer.headers.get_all("cache-control").iter().map(|value| value.to_str().expect("text")).collect();
            assert_eq!(lines.join(", "), kept.join(", "), "{mode} {path}");
            let found =
                ["cdn-cache-control", "surrogate-control", "x-accel-expires"].map(|name| answer.header(name).unwrap_or_default());
            assert_eq!(found, others, "{mode} {path}");
        }
    }
}

/// 143.
async fn after_an_error_only_the_clearing_survives(stage: &Stage) {
    let route = AppRoute::post("/changes-its-mind", Guard::Open, |scope, _| async move {
        scope.create_new_session(NewSession::of("ada")).await?;
        Err(Error::unauthorised("not after all").into())
    });
    let app = stage.app(|plan| plan, vec![route]).await;
    for mode in ["cookie", "header"] {
        let answer = app.post("/changes-its-mind").header("st-auth-mode", mode).send().await;
        answer.refuses(401, "unauthorised");
        answer.clears_both();
        assert_eq!(answer.set_cookies().len(), 2);
    }
}

/// 144: the first half.
async fn a_request_that_a_guard_refuses_never_reaches_the_handler(stage: &Stage) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counting = |path, guard| {
        let runs = Arc::clone(&runs);
        AppRoute::get(path, guard, move |_, _| {
            runs.fetch_add(1, Ordering::SeqCst);
            async { Ok(AppAnswer::ok()) }
        })
    };
    let list = vec![
        counting("/required", Guard::Required),
        counting("/optional", Guard::Optional),
        counting("/with", Guard::With(VerifyOptions::new())),
        counting("/with-optional", Guard::With(VerifyOptions::new().session_optional())),
        counting("/nested/with", Guard::With(VerifyOptions::new().check_database())),
    ];
    let app = stage.app(|plan| plan, list).await;
    for path in ["/required", "/with", "/nested/with"] {
        let answer = app.get(path).send().await;
        answer.refuses(401, "unauthorised");
        answer.touches_no_token();
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    for path in ["/optional", "/with-optional"] {
        assert_eq!(app.get(path).send().await.ok()["status"], "OK");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    // One with cookies of a very old SDK is refused even where no session is needed.
    for path in ["/required", "/optional", "/with", "/with-optional"] {
        app.get(path).cookie("sIdRefreshToken", "x").send().await.refuses(401, "try refresh token");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// 144: the second half.
async fn an_error_of_the_applications_own_is_answered_by_the_application(stage: &Stage) {
    let mut list = routes::standard();
    list.push(AppRoute::get("/open", Guard::Open, |_, _| async { Err(HandlerError::Foreign("no milk either".to_owned())) }));
    let app = stage.app(|plan| plan, list).await;
    let browser = app.browser(Mode::Header);
    browser.log_in("ada").await;
    for (path, words) in [("/fails", "out of tea"), ("/open", "no milk either")] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.text().as_str()), (418, words));
        answer.touches_no_token();
    }
    assert!(browser.has_session());
}

/// A fault is nobody's session: it is a bare 500, and the browser keeps what it has.
async fn a_fault_is_a_bare_500_that_tells_nothing(stage: &Stage) {
    let route = AppRoute::get("/faulty", Guard::Required, |_, _| async {
        Err(Error::application("the password of the database is hunter2").into())
    });
    let mut list = routes::standard();
    list.push(route);
    let app = stage.app(|plan| plan, list).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let answer = browser.get("/faulty").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    answer.touches_no_token();
    assert_eq!(browser.get("/session").await.ok()["userId"], "ada");
}

/// What a guard found is what the handler gets, and changes of it reach the response.
async fn a_guarded_handler_changes_its_session(stage: &Stage) {
    let mut list = routes::standard();
    let options = VerifyOptions::new().check_database();
    list.push(AppRoute::post("/guarded-merge", Guard::With(options), |_, session| async move {
        let session = routes::there(session);
        let update = json!({ "seen": 1 }).as_object().cloned().unwrap_or_default();
        session.merge_into_access_token_payload(update).await?;
        Ok(AppAnswer::ok())
    }));
    let app = stage.app(|plan| plan, list).await;
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        browser.log_in("ada").await;
        let answer = browser.post("/guarded-merge").await;
        assert_eq!((answer.ok()["status"].clone(), answer.front_payload()["seen"].clone()), (json!("OK"), json!(1)));
        assert_eq!(browser.get("/session").await.ok()["payload"]["seen"], 1);
    }
}

scenarios!(Stage:
    a_session_made_in_a_handler_reaches_the_response,
    headers_that_the_application_exposes_stay_exposed,
    after_an_error_only_the_clearing_survives,
    answers_that_carry_tokens_are_kept_by_no_cache,
    what_would_let_a_shared_cache_keep_tokens_is_replaced,
    a_request_that_a_guard_refuses_never_reaches_the_handler,
    an_error_of_the_applications_own_is_answered_by_the_application,
    a_fault_is_a_bare_500_that_tells_nothing,
    a_guarded_handler_changes_its_session,
);

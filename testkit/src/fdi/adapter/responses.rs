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

/// What is for one browser is kept by no cache that many share, unless the application has said who may keep it.
async fn answers_that_carry_tokens_are_kept_by_no_cache(stage: &Stage) {
    let said = AppRoute::post("/says-itself", Guard::Open, |scope, _| async move {
        scope.create_new_session(NewSession::of("ada")).await?;
        Ok(AppAnswer::ok().header("cache-control", "private, max-age=1"))
    });
    let mut list = routes::standard();
    list.push(said);
    let app = stage.app(|plan| plan, list).await;
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
    let own = app.post("/says-itself").send().await;
    assert!(own.access_token().is_some());
    assert_eq!(own.headers.get_all("cache-control").iter().collect::<Vec<_>>(), ["private, max-age=1"]);
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
    a_request_that_a_guard_refuses_never_reaches_the_handler,
    an_error_of_the_applications_own_is_answered_by_the_application,
    a_fault_is_a_bare_500_that_tells_nothing,
    a_guarded_handler_changes_its_session,
);

//! What keeps sessions from lasting although nobody ended them: clocks, cookies of other applications, cookie domains, sizes. Each is
//! healed or refused where that is possible, and counted and said once where it is not.

use std::sync::Arc;

use serde_json::json;
use supertokens::session::{NewSession, SessionRecipe};
use supertokens::{AppInfo, Builder};
use supertokens_domain::session::hash;

use super::super::app::{AppAnswer, AppRoute, Guard};
use super::super::call::{Answer, FrontToken};
use super::super::fake_core::{FakeCore, Reply};
use super::super::stage::{App, Stage};
use super::ground::{Carrying, app, app_as, app_with, fault, no_session, try_refresh, valid};
use super::lines::logged;
use super::tokens::{TestKey, Token};
use crate::scenarios;

scenarios!(Stage:
    a_foreign_cookie_beside_the_own_one_is_passed_over,
    two_cookies_of_which_none_is_surely_the_own_one_ask_for_a_refresh,
    a_foreign_refresh_cookie_beside_the_own_one_is_passed_over,
    refresh_cookies_that_cannot_be_told_apart_are_never_tried_out,
    an_older_domain_is_cleared_unless_the_other_cookie_is_surely_foreign,
    a_crowd_of_cookies_costs_nothing,
    a_clock_that_differs_from_the_cores_is_counted,
    a_clock_that_is_behind_shows_in_genuine_tokens,
    an_application_that_only_verifies_hears_the_cores_date,
    tokens_that_do_not_fit_are_counted,
    each_is_said_once_with_cause_remedy_and_page,
    names_below_localhost_work,
);

/// The token of another application that uses the same names, on a parent domain.
fn foreign(stage: &Stage) -> Token {
    valid(stage)
        .with("iss", "https://other.example.com/auth")
        .with("sub", "stranger")
        .signed_by(TestKey::Other)
        .header("kid", "d-foreign")
}

/// An access token that came with this refresh token.
fn partner(stage: &Stage, refresh: &str) -> Token {
    valid(stage).with("refreshTokenHash1", hash::hash1(refresh))
}

/// The keys are here, as they are in a process that has seen a request.
async fn warm(app: &App, stage: &Stage) {
    app.get("/session").access(&valid(stage).text()).send().await.ok();
}

async fn a_foreign_cookie_beside_the_own_one_is_passed_over(stage: &Stage) {
    let (app, core) = app(stage).await;
    let (own, other) = (valid(stage).text(), foreign(stage).text());
    // Also before any key is known: it names this application.
    assert_eq!(app.get("/session").access(&other).access(&own).send().await.ok()["userId"], "user1");
    for path in ["/session", "/maybe"] {
        for foreign in [other.as_str(), "garbage", "a.b.c", &foreign(stage).expired(stage.clock.now()).text()] {
            for call in [app.get(path).access(foreign).access(&own), app.get(path).access(&own).access(foreign)] {
                let answer = call.send().await;
                assert_eq!(answer.ok()["userId"], "user1", "{foreign}");
                answer.touches_no_token();
            }
        }
    }
    app.get("/session").access(&other).access("garbage").access(&own).send().await.ok();
    app.get("/session").access(&own).cookie("%73AccessToken", "x").send().await.ok();
    // Nobody can have our name on it and be passed over: such a one is judged like ours.
    let forged = valid(stage).forged().text();
    app.get("/session").access(&forged).access(&own).send().await.ok();
    assert_eq!(core.paths(), Vec::<String>::new());
    assert!(core.times("GET", "/.well-known/jwks.json") < 3, "foreign keys are not looked for");
    assert!(app.engine.figures().several_session_cookies >= 16);
}

async fn two_cookies_of_which_none_is_surely_the_own_one_ask_for_a_refresh(stage: &Stage) {
    let (app, _) = app(stage).await;
    warm(&app, stage).await;
    let (own, old) = (valid(stage), valid(stage).with("sub", "earlier").expired(stage.clock.now()));
    // An older one of one's own that has ended may be the newer session: it is no foreign one.
    try_refresh(&app.get("/session").access(&old.text()).access(&own.text()).send().await);
    try_refresh(&app.get("/session").access(&foreign(stage).text()).access(&foreign(stage).text()).send().await);
    try_refresh(&app.get("/session").access("x").access(&foreign(stage).text()).send().await);
    try_refresh(&app.get("/session").access("x").access(&own.expired(stage.clock.now()).text()).send().await);
    no_session(&app.get("/session").access("x").access("y").send().await);
}

fn refreshed_as(answer: &Answer, user: &str) {
    answer.ok();
    assert!(matches!(answer.front_token(), Some(FrontToken::Says { uid, .. }) if uid == user), "{:?}", answer.front_token());
}

async fn a_foreign_refresh_cookie_beside_the_own_one_is_passed_over(stage: &Stage) {
    let (app, core) = app(stage).await;
    let own = core.refresh_token();
    let access = partner(stage, &own);
    let path = "/auth/session/refresh";
    // Twice: without keys, and with them.
    for _ in 0..2 {
        for access in [access.clone().text(), access.clone().expired(stage.clock.now()).text()] {
            let with = || app.post(path).access(&foreign(stage).text()).access(&access);
            refreshed_as(&with().refresh("foreign").refresh(&own).send().await, "user1");
            refreshed_as(&with().refresh(&own).refresh("foreign").send().await, "user1");
            refreshed_as(&with().refresh(&own).send().await, "user1");
            refreshed_as(&app.post(path).access(&access).refresh("foreign").refresh(&own).send().await, "user1");
        }
        warm(&app, stage).await;
    }
    for asked in core.asked_at("POST", "/recipe/session/refresh") {
        assert_eq!(asked.body["refreshToken"], own, "no other one goes to the core");
    }
    refreshed_as(&app.post(path).access("x").access("y").refresh(&own).send().await, "user1");
}

async fn refresh_cookies_that_cannot_be_told_apart_are_never_tried_out(stage: &Stage) {
    let (app, core) = app(stage).await;
    warm(&app, stage).await;
    let own = core.refresh_token();
    let path = "/auth/session/refresh";
    let (access, earlier) = (partner(stage, &own).text(), valid(stage).with("sub", "earlier").text());
    fault(&app.post(path).refresh("a").refresh(&own).send().await);
    fault(&app.post(path).access(&valid(stage).text()).refresh("a").refresh(&own).send().await);
    fault(&app.post(path).access(&access).access(&earlier).refresh("a").refresh(&own).send().await);
    fault(&app.post(path).access(&access).access(&earlier).refresh(&own).send().await);
    assert_eq!(core.times("POST", "/recipe/session/refresh"), 0);
}

async fn an_older_domain_is_cleared_unless_the_other_cookie_is_surely_foreign(stage: &Stage) {
    let change = |recipe: SessionRecipe| recipe.cookie_domain(".example.com").older_cookie_domain("");
    let (app, core) = app_as(stage, |plan| plan.sessions(change)).await;
    let own = core.refresh_token();
    let access = partner(stage, &own).text();
    let path = "/auth/session/refresh";
    let cleared = app.post(path).access(&access).refresh("older").refresh(&own).send().await;
    assert_eq!((cleared.status, cleared.front_token(), cleared.set_cookies().len()), (200, None, 1));
    let cleared =
        app.post(path).access(&access).access(&valid(stage).forged().text()).refresh("older").refresh(&own).send().await;
    assert_eq!((cleared.front_token(), cleared.set_cookies().len()), (None, 2));
    assert!(core.asked().iter().all(|asked| !asked.path.ends_with("refresh")));
    // Clearing would not reach it, and the browser would come again with both, for ever.
    refreshed_as(&app.post(path).access(&access).access(&foreign(stage).text()).refresh("f").refresh(&own).send().await, "user1");
}

async fn a_crowd_of_cookies_costs_nothing(stage: &Stage) {
    let (app, core) = app(stage).await;
    warm(&app, stage).await;
    let own = core.refresh_token();
    let crowd = |path: &str| (0..9).fold(app.call(http::Method::POST, path), |call, _| call.access(&foreign(stage).text()));
    try_refresh(&crowd("/session").access(&valid(stage).text()).send().await);
    fault(&crowd("/auth/session/refresh").refresh("a").refresh(&own).access(&partner(stage, &own).text()).send().await);
}

fn clock_off(stage: &Stage, by: i64) -> impl FnOnce(Builder) -> Builder + 'static {
    let clock = Arc::clone(&stage.clock);
    move |builder| builder.clock(Arc::new(move || clock.now().saturating_add(by)))
}

async fn a_clock_that_differs_from_the_cores_is_counted(stage: &Stage) {
    for (by, counted) in [(0, false), (2_999, false), (-2_999, false), (3_000, true), (-3_000, true), (i64::MAX, true)] {
        let (app, core) = app_as(stage, |plan| plan.builder(clock_off(stage, by))).await;
        app.post("/login").header("st-auth-mode", "header").send().await.ok();
        assert_eq!(app.engine.figures().clock_differences, u64::from(counted), "{by}");
        app.post("/auth/session/refresh").bearer(&core.refresh_token()).send().await.ok();
        assert_eq!(app.engine.figures().clock_differences, 2 * u64::from(counted), "{by}");
    }
    // What passes while the core is busy is no difference.
    let (app, core) = app(stage).await;
    let clock = Arc::clone(&stage.clock);
    let made = json!({ "token": valid(stage).text(), "expiry": clock.now() + 3_600_000, "createdTime": clock.now() });
    core.answers_by("POST", "/public/recipe/session", move |_| {
        clock.advance(20_000);
        let session = json!({ "handle": "h", "userId": "u", "recipeUserId": "u", "userDataInJWT": {}, "tenantId": "public" });
        let refresh = json!({ "token": "r", "expiry": clock.now() + 1, "createdTime": clock.now() });
        Reply::Json(json!({ "status": "OK", "session": session, "accessToken": made, "refreshToken": refresh }))
    });
    app.post("/login").header("st-auth-mode", "header").send().await.ok();
    assert_eq!(app.engine.figures().clock_differences, 0);
}

async fn a_clock_that_is_behind_shows_in_genuine_tokens(stage: &Stage) {
    for (by, counted) in [(0, 0), (-2_000, 0), (-60_000, 1)] {
        let (app, _) = app_as(stage, |plan| plan.builder(clock_off(stage, by))).await;
        warm(&app, stage).await;
        try_refresh(&app.get("/session").access(&valid(stage).forged().text()).send().await);
        assert_eq!(app.engine.figures().clock_differences, counted, "{by}");
    }
}

fn dated(core: &FakeCore, date: &'static str, age: Option<&'static str>) {
    core.answers_by("GET", "/.well-known/jwks.json", move |_| {
        let keys = json!({ "keys": [TestKey::Dynamic.jwk(TestKey::Dynamic.kid())] });
        let mut response = http::Response::new(keys.to_string().into());
        response.headers_mut().insert("date", http::HeaderValue::from_static(date));
        if let Some(age) = age {
            response.headers_mut().insert("age", http::HeaderValue::from_static(age));
        }
        Reply::Raw(response)
    });
}

async fn an_application_that_only_verifies_hears_the_cores_date(stage: &Stage) {
    stage.clock.set(1_700_000_000_500);
    let rows = [
        ("Tue, 14 Nov 2023 22:13:20 GMT", None, 0),
        ("Tue, 14 Nov 2023 22:13:18 GMT", None, 0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", None, 1),
        ("Tue, 14 Nov 2023 22:13:30 GMT", None, 1),
        ("Tue, 14 Nov 2023 21:13:20 GMT", None, 1),
        ("yesterday", None, 0),
        // A cache in between has kept it for a while, and says so.
        ("Tue, 14 Nov 2023 21:13:20 GMT", Some("3600"), 0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", Some("0"), 0),
    ];
    for (date, age, counted) in rows {
        let (app, core) = app(stage).await;
        dated(&core, date, age);
        warm(&app, stage).await;
        assert_eq!(app.engine.figures().clock_differences, counted, "{date} {age:?}");
    }
}

/// A login whose access token has this many more characters, and headers of the application's own.
fn logging_in(more: usize, own_header: usize) -> Vec<AppRoute> {
    vec![AppRoute::post("/login", Guard::Open, move |scope, _| async move {
        scope.create_new_session(NewSession::of("u").claim("x", "y".repeat(more))).await?;
        Ok(AppAnswer::ok().header("x-own", &"z".repeat(own_header)))
    })]
}

async fn tokens_that_do_not_fit_are_counted(stage: &Stage) {
    let rows = [
        ("cookie", 0, 0, 0),
        ("cookie", 1_000, 0, 1),
        ("cookie", 6_000, 0, 1),
        ("cookie", 0, 3_000, 1),
        ("header", 0, 0, 0),
        ("header", 1_000, 0, 1),
        ("header", 7_000, 0, 1),
    ];
    for (mode, more, own_header, counted) in rows {
        let (app, _) = app_with(stage, |plan| plan, logging_in(more, own_header)).await;
        let answer = app.post("/login").header("st-auth-mode", mode).send().await;
        answer.ok();
        assert_eq!(app.engine.figures().oversized_tokens, counted, "{mode} {more} {own_header}");
        // What is taken away weighs nothing, and neither does an answer that touches no token.
        app.post("/auth/session/refresh").send().await;
        assert_eq!(app.engine.figures().oversized_tokens, counted);
    }
}

async fn each_is_said_once_with_cause_remedy_and_page(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let (own, other) = (valid(stage).text(), foreign(stage).text());
    let lines = logged(|| async move {
        let core = FakeCore::new(Arc::clone(&clock));
        let way = supertokens::Core::transport(core, "http://core.test");
        let ahead = Arc::new(move || clock.now() + 10_000);
        let builder = supertokens::SuperTokens::builder(super::super::stage::standard_app_info()).core(way).clock(ahead);
        let engine = builder.recipe(SessionRecipe::new()).build().await.unwrap();
        for _ in 0..3 {
            let cookies = format!("sAccessToken={other}; sAccessToken={own}");
            let request = http::Request::get("/x").header("st-auth-mode", "cookie").header("cookie", cookies).body(()).unwrap();
            let scope = supertokens::Scope::new(engine.clone(), supertokens::RequestView::of(&request));
            scope.verify_session(&supertokens::session::VerifyOptions::new()).await.unwrap().unwrap();
            scope.create_new_session(NewSession::of("u").claim("x", "y".repeat(5_000))).await.unwrap();
            scope.finish(&mut http::HeaderMap::new());
        }
        let figures = engine.figures();
        assert_eq!((figures.clock_differences, figures.several_session_cookies, figures.oversized_tokens), (3, 3, 3));
    });
    let parts = [
        ["clock is 10 s ahead of", "NTP", "\"Clocks\""],
        ["several session cookies", "cookie_name", "\"Several cookies of one name\""],
        ["browsers drop a cookie", "Keep less", "\"Sizes\""],
    ];
    for [cause, remedy, section] in parts {
        let found: Vec<_> = lines.iter().filter(|line| line.contains(cause)).collect();
        assert_eq!(found.len(), 1, "{cause}: {lines:?}");
        for part in ["WARN", remedy, section, "docs/when-sessions-do-not-last.md"] {
            assert!(found[0].contains(part), "{part} in {}", found[0]);
        }
    }
    let page = include_str!("../../../../docs/when-sessions-do-not-last.md");
    for section in ["Clocks", "Several cookies of one name", "Sizes", "Lost answers", "https and SameSite"] {
        assert!(page.contains(&format!("## {section}\n")), "{section}");
    }
}

/// RFC 6761, 6.3: each is a name of this machine, and to browsers a site of its own, whose cookies they keep if they are secure.
async fn names_below_localhost_work(stage: &Stage) {
    let info = |_: AppInfo| AppInfo::new("a").api_domain("api.localhost:3001").website_domain("app.localhost:3000");
    let (app, _) = app_as(stage, |plan| plan.info(info)).await;
    assert_eq!(app.engine.app_info().api_domain.as_str(), "http://api.localhost:3001");
    let answer = app.post("/login").header("st-auth-mode", "cookie").send().await;
    answer.ok();
    for cookie in answer.set_cookies() {
        assert!(cookie.line.ends_with("; HttpOnly; Secure; SameSite=None"), "{}", cookie.name);
    }
    let near = |_: AppInfo| AppInfo::new("a").api_domain("http://api.localhost:3001").website_domain("http://api.localhost:3000");
    let (app, _) = app_as(stage, |plan| plan.info(near)).await;
    for cookie in app.post("/login").header("st-auth-mode", "cookie").send().await.set_cookies() {
        assert!(cookie.line.ends_with("; HttpOnly; SameSite=Lax"), "{}", cookie.name);
    }
}

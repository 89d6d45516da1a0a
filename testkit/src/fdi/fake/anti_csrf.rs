//! Requests that another site may have caused: which modes ask for what (sdk-session.md 11, scenarios 94 to 97; section 6.6).

use http::Method;
use serde_json::Value;
use supertokens::session::{AntiCsrfMode, SameSite, SessionRecipe, VerifyOptions};

use super::super::app::{AppRoute, Guard};
use super::super::call::Call;
use super::super::routes;
use super::super::stage::{App, Plan, Stage};
use super::ground::{Carrying, app_with, no_session, try_refresh, valid};
use crate::scenarios;

scenarios!(Stage:
    with_tokens_every_verb_but_get_needs_the_right_one,
    a_token_that_was_made_for_headers_is_no_good_as_a_cookie,
    with_the_custom_header_any_value_will_do,
    without_a_session_nothing_is_checked,
    without_a_mode_nothing_is_checked,
    the_mode_follows_from_the_website_of_each_request,
);

fn all_routes() -> Vec<AppRoute> {
    let who =
        |method: Method, path, guard| AppRoute::new(method, path, guard, |_, session| async move { Ok(routes::who(session)) });
    let checked = || Guard::With(VerifyOptions::new().anti_csrf_check(true));
    let unchecked = || Guard::With(VerifyOptions::new().anti_csrf_check(false));
    vec![
        who(Method::GET, "/plain", Guard::Required),
        who(Method::POST, "/plain", Guard::Required),
        who(Method::PUT, "/plain", Guard::Required),
        who(Method::PATCH, "/plain", Guard::Required),
        who(Method::DELETE, "/plain", Guard::Required),
        who(Method::POST, "/optional", Guard::Optional),
        who(Method::GET, "/checked", checked()),
        who(Method::POST, "/unchecked", unchecked()),
    ]
}

async fn app(stage: &Stage, mode: AntiCsrfMode) -> App {
    let change = |plan: Plan| plan.sessions(|recipe: SessionRecipe| recipe.anti_csrf(mode));
    app_with(stage, change, all_routes()).await.0
}

async fn accepted(call: Call) {
    let answer = call.send().await;
    assert_eq!(answer.ok()["userId"], "user1");
    answer.touches_no_token();
}

/// 94.
async fn with_tokens_every_verb_but_get_needs_the_right_one(stage: &Stage) {
    let app = app(stage, AntiCsrfMode::ViaToken).await;
    let token = valid(stage).with("antiCsrfToken", "right").text();
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let call = || app.call(method.clone(), "/plain").access(&token);
        try_refresh(&call().send().await);
        for wrong in ["wrong", "", "Right", "right ish", "righ"] {
            try_refresh(&call().header("anti-csrf", wrong).send().await);
        }
        try_refresh(&call().header("rid", "anti-csrf").send().await);
        accepted(call().header("anti-csrf", "right")).await;
        accepted(app.call(method.clone(), "/plain").bearer(&token)).await;
    }
    accepted(app.get("/plain").access(&token)).await;
    try_refresh(&app.get("/checked").access(&token).send().await);
    accepted(app.get("/checked").access(&token).header("anti-csrf", "right")).await;
    accepted(app.get("/checked").bearer(&token)).await;
    accepted(app.post("/unchecked").access(&token)).await;
    try_refresh(&app.post("/optional").access(&token).send().await);
}

/// 95.
async fn a_token_that_was_made_for_headers_is_no_good_as_a_cookie(stage: &Stage) {
    let app = app(stage, AntiCsrfMode::ViaToken).await;
    for token in [valid(stage), valid(stage).without("antiCsrfToken"), valid(stage).with("antiCsrfToken", 1)] {
        let token = token.text();
        try_refresh(&app.post("/plain").access(&token).send().await);
        try_refresh(&app.post("/plain").access(&token).header("anti-csrf", "").send().await);
        try_refresh(&app.post("/plain").access(&token).header("anti-csrf", "null").send().await);
        accepted(app.post("/plain").bearer(&token)).await;
        accepted(app.get("/plain").access(&token)).await;
    }
}

/// 96.
async fn with_the_custom_header_any_value_will_do(stage: &Stage) {
    let fixed = app(stage, AntiCsrfMode::ViaCustomHeader).await;
    let website = |plan: Plan| plan.info(|info| info.api_domain("https://api.a.test").website_domain("https://b.test"));
    let computed = app_with(stage, website, all_routes()).await.0;
    let token = valid(stage).text();
    for app in [fixed, computed] {
        try_refresh(&app.post("/plain").access(&token).send().await);
        try_refresh(&app.post("/plain").access(&token).header("anti-csrf", "x").send().await);
        for rid in ["anti-csrf", "session", "anything", ""] {
            accepted(app.post("/plain").access(&token).header("rid", rid)).await;
        }
        accepted(app.get("/plain").access(&token)).await;
        try_refresh(&app.get("/checked").access(&token).send().await);
        accepted(app.get("/checked").access(&token).header("rid", "x")).await;
        accepted(app.post("/unchecked").access(&token)).await;
        accepted(app.post("/plain").bearer(&token)).await;
        no_session(&app.post("/plain").send().await);
        try_refresh(&app.post("/optional").access(&token).send().await);
    }
}

/// 97, 96.
async fn without_a_session_nothing_is_checked(stage: &Stage) {
    for mode in [AntiCsrfMode::None, AntiCsrfMode::ViaToken, AntiCsrfMode::ViaCustomHeader] {
        let app = app(stage, mode).await;
        assert_eq!(app.post("/optional").send().await.ok()["userId"], Value::Null, "{mode:?}");
        assert_eq!(app.post("/optional").access("garbage").send().await.ok()["userId"], Value::Null, "{mode:?}");
        no_session(&app.post("/plain").send().await);
        no_session(&app.get("/checked").send().await);
    }
}

/// 6.6.
async fn without_a_mode_nothing_is_checked(stage: &Stage) {
    let app = app(stage, AntiCsrfMode::None).await;
    let token = valid(stage).text();
    accepted(app.post("/plain").access(&token)).await;
    accepted(app.get("/checked").access(&token)).await;
}

/// 4.3, but for one thing: where a function names the website, the header is asked for even on the API's own site. What the function
/// answers for a forged request proves nothing.
async fn the_mode_follows_from_the_website_of_each_request(stage: &Stage) {
    let website = |plan: Plan| {
        plan.info(|info| {
            info.api_domain("https://api.a.test").origin_of(|request, _| {
                let origin = request.and_then(|request| request.header("origin").map(|origin| origin.into_owned()));
                origin.unwrap_or_else(|| "https://a.test".to_owned())
            })
        })
    };
    let token = valid(stage).text();
    let app = app_with(stage, website, all_routes()).await.0;
    for origin in ["https://a.test", "https://www.a.test", "https://b.test", "http://a.test"] {
        try_refresh(&app.post("/plain").access(&token).header("origin", origin).send().await);
        accepted(app.post("/plain").access(&token).header("origin", origin).header("rid", "x")).await;
    }
    try_refresh(&app.post("/plain").access(&token).send().await);
    // With cookies of a fixed kind the mode follows from that kind.
    let strict = |plan: Plan| website(plan).sessions(|recipe: SessionRecipe| recipe.cookie_same_site(SameSite::Strict));
    let app = app_with(stage, strict, all_routes()).await.0;
    accepted(app.post("/plain").access(&token).header("origin", "https://b.test")).await;
}

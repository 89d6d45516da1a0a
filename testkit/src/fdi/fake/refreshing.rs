//! New tokens for old ones (sdk-session.md 11, scenarios 103 to 115; section 7.4).

use http::StatusCode;
use serde_json::{Value, json};
use supertokens::Error;
use supertokens::session::{AllowedTransfer, AntiCsrfMode, RefreshPost, SessionRecipe, TransferMethod};

use super::super::call::{Answer, Call, FrontToken};
use super::super::fake_core::Reply;
use super::super::stage::{App, Stage};
use super::ground::{Carrying, app, app_as, encoded, engine, engine_as, fault, logged_out, valid};
use super::tokens::payload_of;
use crate::scenarios;

scenarios!(Stage:
    every_row_of_the_table,
    a_refresh_by_cookie_asks_and_answers_like_this,
    a_refresh_by_header_asks_and_answers_like_this,
    an_access_token_is_no_refresh_token,
    an_empty_cookie_is_none,
    the_cookie_of_very_old_sdks_is_cleared_whatever_comes_of_it,
    two_cookies_are_cleared_from_the_older_domain,
    two_cookies_without_an_older_domain_are_a_fault_that_says_what_to_do,
    duplicates_do_not_matter_where_only_headers_count,
    the_custom_header_is_needed_for_cookies,
    anti_csrf_tokens_are_the_cores_to_judge,
    the_core_may_refuse_or_see_a_theft,
    an_override_may_end_the_new_session,
    an_override_may_log_the_browser_out,
    an_override_may_write_its_own_refusal_and_the_tokens_stay,
    a_core_that_is_down_takes_nothing_from_anybody,
    without_a_request_tokens_are_refreshed_alike,
    claims_are_neither_built_nor_judged,
);

const REFRESH: &str = "/recipe/session/refresh";
const PATH: &str = "/auth/session/refresh";

fn only(allowed: AllowedTransfer) -> impl FnOnce(SessionRecipe) -> SessionRecipe {
    move |recipe| recipe.token_transfer_method(move |_, _, _| allowed)
}

fn cookies_set(answer: &Answer) -> bool {
    let set = |name: &str| answer.set_cookie(name).is_some_and(|cookie| !cookie.is_cleared());
    assert_eq!(set("sAccessToken"), set("sRefreshToken"));
    set("sAccessToken")
}

fn cookies_cleared(answer: &Answer) -> bool {
    let cleared = |name: &str| answer.set_cookie(name).is_some_and(|cookie| cookie.is_cleared());
    assert_eq!(cleared("sAccessToken"), cleared("sRefreshToken"));
    cleared("sAccessToken")
}

fn headers(answer: &Answer) -> Option<bool> {
    let (access, refresh) = (answer.header("st-access-token"), answer.header("st-refresh-token"));
    assert_eq!(access.map(str::is_empty), refresh.map(str::is_empty));
    access.map(|token| !token.is_empty())
}

fn carrying(app: &App, header: Option<&str>, cookie: Option<&str>) -> Call {
    let call = app.post(PATH);
    let call = if let Some(token) = header { call.bearer(token) } else { call };
    if let Some(token) = cookie { call.refresh(token) } else { call }
}

/// 103: bearer, cookie, what is allowed, and by which method it is refreshed.
async fn every_row_of_the_table(stage: &Stage) {
    use AllowedTransfer::{Any, Only};
    use TransferMethod::{Cookie, Header};
    let rows = [
        (false, false, Any, None),
        (false, false, Only(Header), None),
        (false, false, Only(Cookie), None),
        (false, true, Any, Some(Cookie)),
        (false, true, Only(Cookie), Some(Cookie)),
        (false, true, Only(Header), None),
        (true, false, Any, Some(Header)),
        (true, false, Only(Header), Some(Header)),
        (true, false, Only(Cookie), None),
        (true, true, Any, Some(Header)),
        (true, true, Only(Header), Some(Header)),
        (true, true, Only(Cookie), Some(Cookie)),
    ];
    for (header, cookie, allowed, method) in rows {
        let (app, core) = app_as(stage, |plan| plan.sessions(only(allowed))).await;
        let token = core.refresh_token();
        let (header, cookie) = (header.then_some(token.as_str()), cookie.then_some(token.as_str()));
        let answer = carrying(&app, header, cookie).send().await;
        let row = format!("{} {} {allowed:?}", header.is_some(), cookie.is_some());
        let Some(method) = method else {
            logged_out(&answer);
            assert_eq!(core.times("POST", REFRESH), 0, "{row}");
            continue;
        };
        assert_eq!((answer.ok(), core.times("POST", REFRESH)), (json!({}), 1), "{row}");
        assert!(matches!(answer.front_token(), Some(FrontToken::Says { .. })), "{row}");
        let both = header.is_some() && cookie.is_some();
        let exposed: &[&str] = match (method, both) {
            (Cookie, false) => &["front-token"],
            (Header, _) => &["front-token", "st-access-token", "st-refresh-token"],
            (Cookie, true) => &["st-access-token", "st-refresh-token", "front-token"],
        };
        assert_eq!(answer.exposed(), exposed, "{row}");
        assert_eq!(cookies_set(&answer), method == Cookie, "{row}");
        assert_eq!(cookies_cleared(&answer), method == Header && both, "{row}");
        let in_headers = if method == Header { Some(true) } else { both.then_some(false) };
        assert_eq!(headers(&answer), in_headers, "{row}");
        core.answers("POST", REFRESH, Reply::Json(json!({ "status": "UNAUTHORISED", "message": "no" })));
        logged_out(&carrying(&app, header, cookie).send().await);
    }
}

/// 104, 150.
async fn a_refresh_by_cookie_asks_and_answers_like_this(stage: &Stage) {
    let (app, core) = app(stage).await;
    let token = core.refresh_token();
    let answer = app.post(PATH).refresh(&token).send().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    let body = json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": true });
    assert_eq!(core.only("POST", REFRESH).body, body);
    let names: Vec<String> = answer.set_cookies().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["sAccessToken", "sRefreshToken"]);
    assert_eq!((answer.exposed(), answer.header("anti-csrf")), (vec!["front-token"], None));
    assert_eq!(answer.front_payload(), payload_of(&answer.access_token().unwrap()));
    core.forget();
    app.post(PATH).refresh(&token).header("anti-csrf", "a").send().await.ok();
    assert_eq!(core.only("POST", REFRESH).body["antiCsrfToken"], "a");
}

/// 104.
async fn a_refresh_by_header_asks_and_answers_like_this(stage: &Stage) {
    let (app, core) = app(stage).await;
    let token = core.refresh_token();
    let answer = app.post(PATH).bearer(&token).send().await;
    assert_eq!(answer.text(), "{}");
    assert_eq!(core.only("POST", REFRESH).body["refreshToken"], Value::String(token));
    assert!(answer.set_cookies().is_empty());
    assert_eq!(headers(&answer), Some(true));
}

/// 105.
async fn an_access_token_is_no_refresh_token(stage: &Stage) {
    let (app, core) = app(stage).await;
    let now = stage.clock.now();
    for access in [valid(stage).text(), valid(stage).expired(now).text(), "garbage".to_owned()] {
        logged_out(&app.post(PATH).access(&access).send().await);
    }
    assert!(core.asked().is_empty());
    // By header it cannot be told apart, and the core does not know it.
    logged_out(&app.post(PATH).bearer(&valid(stage).text()).send().await);
    assert_eq!(core.times("POST", REFRESH), 1);
}

/// 106.
async fn an_empty_cookie_is_none(stage: &Stage) {
    let (app, core) = app(stage).await;
    logged_out(&app.post(PATH).cookie("sRefreshToken", "").send().await);
    logged_out(&app.post(PATH).cookie("sRefreshToken", "\"\"").send().await);
    assert!(core.asked().is_empty());
}

/// 107.
async fn the_cookie_of_very_old_sdks_is_cleared_whatever_comes_of_it(stage: &Stage) {
    let (app, core) = app(stage).await;
    let is_gone = |answer: &Answer| {
        let cookie = answer.set_cookie("sIdRefreshToken").expect("it is cleared");
        assert!(cookie.is_cleared() && cookie.attribute("path") == Some("/"), "{}", cookie.line);
    };
    let old = |call: Call| call.cookie("sIdRefreshToken", "x");
    let answer = old(app.post(PATH)).refresh(&core.refresh_token()).send().await;
    assert!(cookies_set(&answer));
    is_gone(&answer);
    let answer = old(app.post(PATH)).send().await;
    logged_out(&answer);
    is_gone(&answer);
    let answer = old(app.post(PATH)).refresh("unknown").send().await;
    logged_out(&answer);
    is_gone(&answer);
    core.answers("POST", REFRESH, stolen());
    let answer = old(app.post(PATH)).refresh("r").send().await;
    answer.refuses(401, "token theft detected");
    is_gone(&answer);
    assert_eq!(app.post(PATH).send().await.set_cookie("sIdRefreshToken"), None, "only if it came");
}

const TWICE: &str = "The request contains multiple session cookies. We are clearing the cookie from olderCookieDomain. Session will be refreshed in the next refresh call.";

/// 108.
async fn two_cookies_are_cleared_from_the_older_domain(stage: &Stage) {
    for (older, domain) in
        [("api.example.com", Some("api.example.com")), (".api.example.com", Some(".api.example.com")), ("", None)]
    {
        let change = |recipe: SessionRecipe| recipe.cookie_domain("example.com").older_cookie_domain(older);
        let (app, core) = app_as(stage, |plan| plan.sessions(change)).await;
        let good = core.refresh_token();
        let refresh_twice = || app.post(PATH).refresh(&good).refresh(&good);
        let rows = [
            (refresh_twice(), vec!["sRefreshToken"]),
            (app.post(PATH).access("a").access("b").refresh(&good), vec!["sAccessToken"]),
            (refresh_twice().access("a").access("b"), vec!["sAccessToken", "sRefreshToken"]),
        ];
        for (call, names) in rows {
            let answer = call.send().await;
            assert_eq!((answer.status, answer.json()), (200, json!({ "message": TWICE })));
            let cookies = answer.set_cookies();
            assert_eq!(cookies.iter().map(|cookie| cookie.name.as_str()).collect::<Vec<_>>(), names, "{older:?}");
            for cookie in cookies {
                assert!(cookie.is_cleared());
                assert_eq!(cookie.attribute("domain"), domain);
                let path = if cookie.name == "sAccessToken" { "/" } else { PATH };
                assert_eq!(cookie.attribute("path"), Some(path));
            }
            assert_eq!((answer.front_token(), answer.exposed().len()), (None, 0));
        }
        assert!(core.asked().is_empty());
        app.post(PATH).refresh(&good).send().await.ok();
    }
}

/// 108.
async fn two_cookies_without_an_older_domain_are_a_fault_that_says_what_to_do(stage: &Stage) {
    let (app, core) = app(stage).await;
    let good = core.refresh_token();
    let answer = app.post(PATH).refresh(&good).refresh(&good).send().await;
    fault(&answer);
    answer.touches_no_token();
    assert!(core.asked().is_empty());
    let request = http::Request::post(PATH).header("cookie", "sRefreshToken=a; sRefreshToken=b").body(()).unwrap();
    let scope = supertokens::Scope::new(app.engine.clone(), supertokens::RequestView::of(&request));
    let error = scope.refresh_session().await.unwrap_err();
    assert!(matches!(&error, Error::Settings(words) if words.contains("older_cookie_domain")), "{error:?}");
}

/// 109.
async fn duplicates_do_not_matter_where_only_headers_count(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.sessions(only(AllowedTransfer::Only(TransferMethod::Header)))).await;
    let good = core.refresh_token();
    let answer = app.post(PATH).bearer(&good).refresh(&good).refresh(&good).send().await;
    answer.ok();
    assert_eq!((headers(&answer), core.times("POST", REFRESH)), (Some(true), 1));
}

/// 110.
async fn the_custom_header_is_needed_for_cookies(stage: &Stage) {
    let via_header = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaCustomHeader);
    let (app, core) = app_as(stage, |plan| plan.sessions(via_header)).await;
    let good = core.refresh_token();
    logged_out(&app.post(PATH).refresh(&good).send().await);
    assert!(core.asked().is_empty());
    app.post(PATH).refresh(&good).header("rid", "anti-csrf").send().await.ok();
    assert_eq!(core.only("POST", REFRESH).body["enableAntiCsrf"], false);
    app.post(PATH).bearer(&good).send().await.ok();
}

/// 6.6, 104.
async fn anti_csrf_tokens_are_the_cores_to_judge(stage: &Stage) {
    let via_token = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaToken);
    let (app, core) = app_as(stage, |plan| plan.sessions(via_token)).await;
    let good = core.refresh_token();
    let answer = app.post(PATH).refresh(&good).header("anti-csrf", "old").send().await;
    let asked = core.only("POST", REFRESH).body;
    assert_eq!((&asked["enableAntiCsrf"], &asked["antiCsrfToken"]), (&json!(true), &json!("old")));
    assert_eq!(answer.header("anti-csrf"), answer.front_payload()["antiCsrfToken"].as_str());
    assert_eq!(answer.exposed(), ["front-token", "anti-csrf"]);
    core.forget();
    let answer = app.post(PATH).bearer(&good).send().await;
    assert_eq!((core.only("POST", REFRESH).body["enableAntiCsrf"].as_bool(), answer.header("anti-csrf")), (Some(false), None));
}

fn stolen() -> Reply {
    Reply::Json(json!({
        "status": "TOKEN_THEFT_DETECTED", "session": { "handle": "stolen", "userId": "u", "recipeUserId": "r" },
    }))
}

/// 111, 150. What the callback is told is in `errors`.
async fn the_core_may_refuse_or_see_a_theft(stage: &Stage) {
    let (app, core) = app(stage).await;
    logged_out(&app.post(PATH).refresh("unknown").send().await);
    core.answers("POST", REFRESH, stolen());
    for call in [app.post(PATH).refresh("r"), app.post(PATH).bearer("r")] {
        core.forget();
        let answer = call.send().await;
        answer.refuses(401, "token theft detected");
        answer.clears_both();
        assert_eq!(answer.exposed(), ["front-token", "st-access-token", "st-refresh-token"]);
        assert_eq!(core.paths(), ["POST /recipe/session/refresh", "POST /recipe/session/remove"]);
        assert_eq!(core.only("POST", "/recipe/session/remove").body, json!({ "sessionHandles": ["stolen"] }));
    }
}

async fn overridden<F, R>(stage: &Stage, after: F) -> (App, Answer)
where
    F: Fn(supertokens::session::Session, supertokens::Scope) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<supertokens::session::Session, Error>> + Send + 'static,
{
    let change = move |builder: supertokens::Builder| {
        builder.with_override(move |call: RefreshPost, next| {
            let (after, scope) = (after.clone(), call.scope.clone());
            async move {
                let session = next.run(call).await?;
                after(session, scope).await
            }
        })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(change)).await;
    let answer = app.post(PATH).refresh(&core.refresh_token()).send().await;
    (app, answer)
}

/// 112, 150.
async fn an_override_may_end_the_new_session(stage: &Stage) {
    let (_, answer) = overridden(stage, |session, _| async move {
        session.revoke().await?;
        Ok(session)
    })
    .await;
    assert_eq!(answer.ok(), json!({}));
    assert!(cookies_cleared(&answer));
    assert_eq!(answer.front_token(), Some(FrontToken::Remove));
}

/// 112, 150.
async fn an_override_may_log_the_browser_out(stage: &Stage) {
    let (_, answer) = overridden(stage, |_, _| async { Err(Error::unauthorised("not today")) }).await;
    logged_out(&answer);
}

/// 112.
async fn an_override_may_write_its_own_refusal_and_the_tokens_stay(stage: &Stage) {
    let (_, answer) = overridden(stage, |session, scope| async move {
        scope.respond_json(StatusCode::UNAUTHORIZED, &json!({ "own": true }));
        Ok(session)
    })
    .await;
    assert_eq!((answer.status, answer.json()), (401, json!({ "own": true })));
    assert!(cookies_set(&answer));
    assert!(matches!(answer.front_token(), Some(FrontToken::Says { .. })));
}

/// 113.
async fn a_core_that_is_down_takes_nothing_from_anybody(stage: &Stage) {
    for trouble in
        [Reply::Refused, Reply::TimedOut, Reply::Broken, Reply::text(500, "boom"), Reply::Json(json!({ "status": "OK" }))]
    {
        let (app, core) = app(stage).await;
        core.answers("POST", REFRESH, trouble);
        for call in [app.post(PATH).refresh("r"), app.post(PATH).bearer("r")] {
            let answer = call.cookie("sIdRefreshToken", "x").send().await;
            fault(&answer);
            answer.touches_no_token();
        }
    }
}

/// 114.
async fn without_a_request_tokens_are_refreshed_alike(stage: &Stage) {
    let (plain, core) = engine(stage).await;
    let error = plain.refresh_session("unknown", true, None).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorised { clear_tokens: true, .. }), "{error:?}");
    let session = plain.refresh_session(core.refresh_token(), false, Some("a".to_owned())).await.unwrap();
    let tokens = session.all_session_tokens_dangerously();
    assert!(tokens.refresh_token.is_some() && tokens.access_and_front_token_updated);
    assert_eq!((session.user_id(), session.handle(), session.tenant_id()), ("user1", "handle1", "public"));
    core.answers("POST", REFRESH, stolen());
    let error = plain.refresh_session("r", true, None).await.unwrap_err();
    let named = matches!(&error, Error::TokenTheftDetected { session_handle, user_id, recipe_user_id }
        if session_handle == "stolen" && user_id == "u" && recipe_user_id == "r");
    assert!(named, "{error:?}");
    assert_eq!(core.times("POST", "/recipe/session/remove"), 0, "that is for who asked to decide");

    let via_header = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaCustomHeader);
    let (fixed, core) = engine_as(stage, |plan| plan.sessions(via_header)).await;
    let error = fixed.refresh_session(core.refresh_token(), false, None).await.unwrap_err();
    assert!(matches!(error, Error::Settings(_)), "{error:?}");
    fixed.refresh_session(core.refresh_token(), true, None).await.unwrap();
}

/// 7.4: a refresh copies the stored payload.
async fn claims_are_neither_built_nor_judged(stage: &Stage) {
    let claim = supertokens::session::Claim::new("never", |_| async { Err(Error::application("must not be fetched")) });
    let strict = |recipe: SessionRecipe| recipe.claim_validator(claim.has_value(1)).claim(claim);
    let (app, core) = app_as(stage, |plan| plan.sessions(strict)).await;
    let answer = app.post(PATH).cookie("sRefreshToken", &encoded(&core.refresh_token())).send().await;
    assert_eq!(answer.ok(), json!({}));
    assert_eq!(core.paths(), ["POST /recipe/session/refresh"]);
}

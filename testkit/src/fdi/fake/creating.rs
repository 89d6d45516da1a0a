//! New sessions: what the core is asked, and what reaches the browser (sdk-session.md 11, scenarios 54 to 74).

use http::Method;
use serde_json::{Value, json};
use supertokens::session::{
    AllowedTransfer, AntiCsrfMode, Claim, CreateNewSession, NewSession, Purpose, SameSite, SessionRecipe, TokenKind,
    TransferMethod,
};

use super::super::app::{AppAnswer, AppRoute, Guard};
use super::super::call::{Answer, FrontToken};
use super::super::fake_core::{FakeCore, REFRESH_LIFETIME, Reply};
use super::super::routes;
use super::super::stage::{App, Stage};
use super::ground::{Carrying, app, app_as, app_with, encoded, engine, engine_as, fault, payload, try_refresh, valid};
use super::tokens::{HOUR, payload_of};
use crate::scenarios;

scenarios!(Stage:
    the_client_chooses_how_tokens_travel_and_headers_are_the_default,
    the_application_may_choose_instead_of_the_client,
    cookies_are_written_exactly_like_this,
    headers_are_written_exactly_like_this,
    the_front_token_says_who_until_when_and_everything_in_the_payload,
    names_that_belong_to_the_core_are_left_out_of_the_payload,
    the_core_is_asked_with_these_members,
    an_unknown_user_gets_a_session_and_a_linked_one_gets_claims_of_the_primary,
    an_anti_csrf_token_is_made_for_cookies_only,
    a_new_header_session_clears_the_cookies_of_the_old_one,
    a_new_cookie_session_clears_the_headers_of_the_old_one,
    another_site_makes_cookies_same_site_none_and_secure,
    cookies_that_no_browser_would_keep_are_refused_before_the_core_is_asked,
    on_one_machine_insecure_cookies_are_fine,
    domain_and_path_of_cookies_are_configurable,
    the_access_token_can_be_exposed_and_the_refresh_token_never_is,
    what_the_application_exposes_stays_exposed,
    claims_are_built_one_after_the_other,
    an_override_may_add_to_the_payload,
    a_session_without_a_request_keeps_its_tokens_until_it_is_attached,
    names_of_cookies_and_headers_can_be_chosen,
    the_applications_own_cookies_and_headers_survive,
    a_payload_too_large_for_a_cookie_is_sent_all_the_same,
    a_session_of_another_tenant_is_made_there,
    a_core_that_refuses_leaves_no_tokens,
);

const CREATE: &str = "/public/recipe/session";

async fn log_in(app: &App, mode: &str) -> Answer {
    let answer = app.post("/login").header("st-auth-mode", mode).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn by_cookie(answer: &Answer) -> bool {
    answer.set_cookie("sAccessToken").is_some_and(|cookie| !cookie.is_cleared())
}

fn by_header(answer: &Answer) -> bool {
    answer.header("st-access-token").is_some_and(|token| !token.is_empty())
}

/// 54.
async fn the_client_chooses_how_tokens_travel_and_headers_are_the_default(stage: &Stage) {
    let (app, _) = app(stage).await;
    let without = app.post("/login").send().await;
    assert!(by_header(&without) && !by_cookie(&without));
    for (mode, cookie) in [("bad", false), ("header", false), ("HEADER", false), ("", false), ("Cookie", true), ("cookie", true)]
    {
        let answer = log_in(&app, mode).await;
        assert_eq!((by_cookie(&answer), by_header(&answer)), (cookie, !cookie), "{mode}");
    }
}

fn only(allowed: AllowedTransfer) -> impl FnOnce(SessionRecipe) -> SessionRecipe {
    move |recipe| {
        recipe.token_transfer_method(move |_, purpose, _| match purpose {
            Purpose::NewSession => allowed,
            Purpose::ExistingSession => AllowedTransfer::Any,
        })
    }
}

/// 55.
async fn the_application_may_choose_instead_of_the_client(stage: &Stage) {
    use AllowedTransfer::{Any, Only};
    let rows = [
        (Only(TransferMethod::Header), "cookie", false),
        (Only(TransferMethod::Header), "header", false),
        (Only(TransferMethod::Cookie), "cookie", true),
        (Only(TransferMethod::Cookie), "header", true),
        (Only(TransferMethod::Cookie), "bad", true),
        (Any, "cookie", true),
        (Any, "header", false),
        (Any, "bad", false),
    ];
    for (allowed, mode, cookie) in rows {
        let (app, _) = app_as(stage, |plan| plan.sessions(only(allowed))).await;
        let answer = log_in(&app, mode).await;
        assert_eq!((by_cookie(&answer), by_header(&answer)), (cookie, !cookie), "{allowed:?} {mode}");
    }
}

/// 56, 142. The clock stands at 2023-11-14 22:13:20 UTC.
async fn cookies_are_written_exactly_like_this(stage: &Stage) {
    let (app, core) = app(stage).await;
    let answer = log_in(&app, "cookie").await;
    let cookies = answer.set_cookies();
    let (access, refresh) = (&cookies[0], &cookies[1]);
    assert_eq!(cookies.len(), 2);
    let value = encoded(&refresh.decoded());
    assert!(value.contains("%2B") || value.contains("%2F") || value.contains("%3D"), "the value needs encoding: {value}");
    assert_eq!(
        refresh.line,
        format!(
            "sRefreshToken={value}; Path=/auth/session/refresh; Expires=Thu, 22 Feb 2024 22:13:20 GMT; HttpOnly; SameSite=Lax"
        )
    );
    let token = access.decoded();
    assert_eq!(
        access.line,
        format!("sAccessToken={token}; Path=/; Expires=Wed, 13 Nov 2024 22:13:20 GMT; HttpOnly; SameSite=Lax")
    );
    assert_eq!(answer.exposed(), ["front-token"]);
    for name in ["st-access-token", "st-refresh-token", "anti-csrf"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    // What came in the cookie is what the core gave, and it takes it back.
    app.post("/auth/session/refresh").refresh(&refresh.decoded()).send().await.ok();
    assert_eq!(core.only("POST", "/recipe/session/refresh").body["refreshToken"], Value::String(refresh.decoded()));
    assert_eq!(REFRESH_LIFETIME, 100 * 24 * HOUR);
}

/// 57.
async fn headers_are_written_exactly_like_this(stage: &Stage) {
    let (app, core) = app(stage).await;
    let answer = log_in(&app, "header").await;
    assert!(answer.set_cookies().is_empty());
    assert_eq!(answer.exposed(), ["front-token", "st-access-token", "st-refresh-token"]);
    assert_eq!(answer.header("anti-csrf"), None);
    let token = answer.header("st-access-token").unwrap();
    assert_eq!(app.get("/session").bearer(token).send().await.ok()["userId"], "user-1");
    app.post("/auth/session/refresh").bearer(answer.header("st-refresh-token").unwrap()).send().await.ok();
    assert_eq!(core.times("POST", "/recipe/session/refresh"), 1);
}

/// 58.
async fn the_front_token_says_who_until_when_and_everything_in_the_payload(stage: &Stage) {
    let (app, _) = app(stage).await;
    for user in ["a", "ab", "abc", "äöü", "\"quoted\""] {
        let answer = app.post("/login").header("x-user", user).send().await;
        let Some(FrontToken::Says { uid, ate, up }) = answer.front_token() else { panic!("no front token") };
        assert_eq!((uid.as_str(), ate), (user, stage.clock.now() / 1_000 * 1_000 + HOUR));
        assert_eq!(up, payload_of(&answer.access_token().unwrap()));
        for member in ["sub", "rsub", "tId", "iat", "exp", "sessionHandle", "refreshTokenHash1", "antiCsrfToken", "iss"] {
            assert!(up.get(member).is_some(), "{member} in {up}");
        }
        assert_eq!(answer.header("front-token").unwrap().len() % 4, 0, "padded");
    }
}

fn creating(payload_of_it: Value) -> Vec<AppRoute> {
    vec![AppRoute::new(Method::POST, "/create", Guard::Open, move |scope, _| {
        let payload_of_it = payload(payload_of_it.clone());
        async move {
            let session = scope.create_new_session(NewSession::of("u").payload(payload_of_it)).await?;
            Ok(routes::who(Some(session)))
        }
    })]
}

/// 59.
async fn names_that_belong_to_the_core_are_left_out_of_the_payload(stage: &Stage) {
    let given = json!({
        "custom": 1, "sub": "evil", "tId": "x", "stt": 1, "iss": "evil", "iat": 1, "exp": 2, "sessionHandle": "x",
        "parentRefreshTokenHash1": "x", "refreshTokenHash1": "x", "antiCsrfToken": "x", "rsub": "x",
    });
    let (app, core) = app_with(stage, |plan| plan, creating(given)).await;
    app.post("/create").send().await.ok();
    let asked = core.only("POST", CREATE).body;
    assert_eq!(asked["userDataInJWT"], json!({ "custom": 1, "iss": "http://api.example.com/auth" }));
}

/// 60.
async fn the_core_is_asked_with_these_members(stage: &Stage) {
    let (app, core) = app(stage).await;
    log_in(&app, "cookie").await;
    assert_eq!(
        core.only("POST", CREATE).body,
        json!({
            "userId": "user-1",
            "userDataInJWT": { "dropped": "soon", "iss": "http://api.example.com/auth" },
            "userDataInDatabase": {},
            "useDynamicSigningKey": true,
            "enableAntiCsrf": false,
        })
    );
    let (app, core) = app_as(stage, |plan| plan.sessions(|recipe| recipe.use_dynamic_access_token_signing_key(false))).await;
    log_in(&app, "cookie").await;
    assert_eq!(core.only("POST", CREATE).body["useDynamicSigningKey"], false);
}

fn remembering() -> Claim {
    Claim::new("who", |subject| async move { Ok(Some(json!([subject.user_id, subject.recipe_user_id, subject.tenant_id]))) })
}

/// 61.
async fn an_unknown_user_gets_a_session_and_a_linked_one_gets_claims_of_the_primary(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.sessions(|recipe| recipe.claim(remembering()))).await;
    log_in(&app, "header").await;
    assert_eq!(core.only("GET", "/user/id").query["userId"], "user-1");
    let asked = core.only("POST", CREATE).body;
    assert_eq!(asked["userDataInJWT"]["who"]["v"], json!(["user-1", "user-1", "public"]));

    core.forget();
    core.answers("GET", "/user/id", Reply::Json(json!({ "status": "OK", "user": { "id": "primary" } })));
    log_in(&app, "header").await;
    let asked = core.only("POST", CREATE).body;
    assert_eq!(asked["userDataInJWT"]["who"], json!({ "v": ["primary", "user-1", "public"], "t": stage.clock.now() }));
    assert_eq!(asked["userId"], "user-1", "the core finds the primary user by itself");
}

fn via_token(recipe: SessionRecipe) -> SessionRecipe {
    recipe.anti_csrf(AntiCsrfMode::ViaToken)
}

/// 62.
async fn an_anti_csrf_token_is_made_for_cookies_only(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.sessions(via_token)).await;
    let answer = log_in(&app, "cookie").await;
    assert_eq!(core.only("POST", CREATE).body["enableAntiCsrf"], true);
    assert_eq!(answer.exposed(), ["front-token", "anti-csrf"]);
    assert_eq!(answer.header("anti-csrf"), answer.front_payload()["antiCsrfToken"].as_str());
    core.forget();
    let answer = log_in(&app, "header").await;
    assert_eq!(core.only("POST", CREATE).body["enableAntiCsrf"], false);
    assert_eq!((answer.header("anti-csrf"), answer.exposed().len()), (None, 3));
    for mode in [AntiCsrfMode::None, AntiCsrfMode::ViaCustomHeader] {
        let (app, core) = app_as(stage, |plan| plan.sessions(|recipe| recipe.anti_csrf(mode))).await;
        let answer = log_in(&app, "cookie").await;
        assert_eq!((core.only("POST", CREATE).body["enableAntiCsrf"].as_bool(), answer.header("anti-csrf")), (Some(false), None));
    }
}

/// 63.
async fn a_new_header_session_clears_the_cookies_of_the_old_one(stage: &Stage) {
    let (app, _) = app(stage).await;
    for old in [valid(stage).text(), "garbage".to_owned()] {
        let answer = app.post("/login").header("st-auth-mode", "header").access(&old).send().await;
        assert_eq!(answer.status, 200);
        for name in ["sAccessToken", "sRefreshToken"] {
            assert!(answer.set_cookie(name).unwrap().is_cleared(), "{name}");
        }
        assert!(by_header(&answer) && answer.refresh_token().is_some());
        assert_eq!(answer.front_payload()["sub"], "user-1", "the front token is the real one");
        assert_eq!(answer.exposed(), ["front-token", "st-access-token", "st-refresh-token"]);
    }
}

/// 64.
async fn a_new_cookie_session_clears_the_headers_of_the_old_one(stage: &Stage) {
    let (app, _) = app(stage).await;
    for old in [valid(stage).text(), "of another system".to_owned()] {
        let answer = app.post("/login").header("st-auth-mode", "cookie").bearer(&old).send().await;
        assert_eq!((answer.header("st-access-token"), answer.header("st-refresh-token")), (Some(""), Some("")));
        assert!(by_cookie(&answer) && !answer.set_cookie("sRefreshToken").unwrap().is_cleared());
        assert_eq!(answer.front_payload()["sub"], "user-1");
        assert_eq!(answer.exposed(), ["st-access-token", "st-refresh-token", "front-token"]);
    }
}

/// 65.
async fn another_site_makes_cookies_same_site_none_and_secure(stage: &Stage) {
    let info = |info: supertokens::AppInfo| info.api_domain("https://api.a.test").website_domain("https://b.test");
    let (app, _) = app_as(stage, |plan| plan.info(info)).await;
    for cookie in log_in(&app, "cookie").await.set_cookies() {
        assert!(cookie.line.ends_with("; HttpOnly; Secure; SameSite=None"), "{}", cookie.name);
    }
    let (app, _) = app_as(stage, |plan| plan.info(info).sessions(|recipe| recipe.cookie_same_site(SameSite::Strict))).await;
    for cookie in log_in(&app, "cookie").await.set_cookies() {
        assert!(cookie.line.ends_with("; HttpOnly; Secure; SameSite=Strict"), "{}", cookie.name);
    }
}

/// 66.
async fn cookies_that_no_browser_would_keep_are_refused_before_the_core_is_asked(stage: &Stage) {
    let info = |info: supertokens::AppInfo| info.api_domain("http://api.a.test").website_domain("http://b.test");
    let (app, core) = app_as(stage, |plan| plan.info(info)).await;
    fault(&app.post("/login").header("st-auth-mode", "cookie").send().await);
    assert_eq!(core.times("POST", CREATE), 0);
    log_in(&app, "header").await;
    assert_eq!(core.times("POST", CREATE), 1);
}

/// 67.
async fn on_one_machine_insecure_cookies_are_fine(stage: &Stage) {
    let info = |info: supertokens::AppInfo| info.api_domain("http://localhost:3001").website_domain("http://127.0.0.1:3000");
    let none = |recipe: SessionRecipe| recipe.cookie_same_site(SameSite::None);
    let (app, _) = app_as(stage, |plan| plan.info(info).sessions(none)).await;
    for cookie in log_in(&app, "cookie").await.set_cookies() {
        assert!(cookie.line.ends_with("; HttpOnly; SameSite=None"), "{}", cookie.name);
    }
    let (app, _) = app_as(stage, |plan| plan.info(info)).await;
    assert!(log_in(&app, "cookie").await.set_cookies().iter().all(|cookie| cookie.attribute("samesite") == Some("Lax")));
}

/// 68.
async fn domain_and_path_of_cookies_are_configurable(stage: &Stage) {
    let change = |recipe: SessionRecipe| recipe.cookie_domain(".example.com").access_token_path("/access");
    let (app, _) = app_as(stage, |plan| plan.sessions(change)).await;
    let answer = log_in(&app, "cookie").await;
    for (name, path) in [("sAccessToken", "/access"), ("sRefreshToken", "/auth/session/refresh")] {
        let cookie = answer.set_cookie(name).unwrap();
        assert_eq!((cookie.attribute("domain"), cookie.attribute("path")), (Some(".example.com"), Some(path)));
    }
    // What is cleared must look like what was set, or browsers keep it.
    let cleared = app.post("/auth/session/refresh").send().await;
    for (name, path) in [("sAccessToken", "/access"), ("sRefreshToken", "/auth/session/refresh")] {
        let cookie = cleared.set_cookie(name).unwrap();
        assert!(cookie.is_cleared());
        assert_eq!((cookie.attribute("domain"), cookie.attribute("path")), (Some(".example.com"), Some(path)));
    }
}

/// 69.
async fn the_access_token_can_be_exposed_and_the_refresh_token_never_is(stage: &Stage) {
    let expose = |recipe: SessionRecipe| recipe.expose_access_token_to_frontend_in_cookie_based_auth(true);
    let (app, core) = app_as(stage, |plan| plan.sessions(expose)).await;
    let created = log_in(&app, "cookie").await;
    let refreshed = app.post("/auth/session/refresh").refresh(&core.refresh_token()).send().await;
    let merged = app.post("/merge").access(&core.keeps(valid(stage).text())).send().await;
    for (what, answer) in [("create", created), ("refresh", refreshed), ("merge", merged)] {
        let token = answer.set_cookie("sAccessToken").unwrap().decoded();
        assert_eq!(answer.header("st-access-token"), Some(token.as_str()), "{what}");
        assert_eq!(answer.header("st-refresh-token"), None, "{what}");
        assert_eq!(answer.exposed(), ["front-token", "st-access-token"], "{what}");
    }
}

/// 70.
async fn what_the_application_exposes_stays_exposed(stage: &Stage) {
    let exposing = |value: &'static str| {
        AppRoute::post("/create", Guard::Open, move |scope, _| async move {
            scope.create_new_session(NewSession::of("u")).await?;
            Ok(AppAnswer::ok().header("access-control-expose-headers", value))
        })
    };
    for (given, result) in
        [("X-Foo", "X-Foo, front-token"), ("front-token", "front-token"), ("X-front-token", "X-front-token, front-token")]
    {
        let (app, _) = app_with(stage, |plan| plan, vec![exposing(given)]).await;
        let answer = app.post("/create").header("st-auth-mode", "cookie").send().await;
        assert_eq!(answer.header("access-control-expose-headers"), Some(result));
        assert_eq!(answer.headers.get_all("access-control-expose-headers").iter().count(), 1);
    }
}

/// 71.
async fn claims_are_built_one_after_the_other(stage: &Stage) {
    let first = Claim::new("first", |_| async { Ok(Some(1.into())) });
    let nothing = Claim::new("nothing", |_| async { Ok(None) });
    let second = Claim::new("second", |subject| async move { Ok(Some(subject.payload["first"]["v"].clone())) });
    let claims = |recipe: SessionRecipe| recipe.claim(first).claim(nothing).claim(second);
    let (app, core) = app_as(stage, |plan| plan.sessions(claims)).await;
    log_in(&app, "header").await;
    let now = stage.clock.now();
    assert_eq!(
        core.only("POST", CREATE).body["userDataInJWT"],
        json!({
            "dropped": "soon", "iss": "http://api.example.com/auth",
            "first": { "v": 1, "t": now }, "second": { "v": 1, "t": now },
        })
    );
}

/// 72.
async fn an_override_may_add_to_the_payload(stage: &Stage) {
    let change = |builder: supertokens::Builder| {
        builder.with_override(|mut call: CreateNewSession, next| async move {
            call.access_token_payload.insert("added".to_owned(), true.into());
            next.run(call).await
        })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(change)).await;
    log_in(&app, "header").await;
    assert_eq!(core.only("POST", CREATE).body["userDataInJWT"]["added"], true);
}

/// 73.
async fn a_session_without_a_request_keeps_its_tokens_until_it_is_attached(stage: &Stage) {
    let attaching = AppRoute::post("/attach", Guard::Open, |scope, _| async move {
        let session = scope.supertokens().create_new_session(NewSession::of("u").data(json!({ "kept": 1 }))).await?;
        session.attach(&scope, TransferMethod::Cookie)?;
        Ok(AppAnswer::json(json!({ "token": session.access_token() })))
    });
    let (app, core) = app_with(stage, |plan| plan.sessions(via_token), vec![attaching]).await;
    let session = app.engine.create_new_session(NewSession::of("u")).await.unwrap();
    let tokens = session.all_session_tokens_dangerously();
    assert!(tokens.access_and_front_token_updated && tokens.refresh_token.is_some());
    assert_eq!(tokens.anti_csrf_token.as_deref(), session.access_token_payload()["antiCsrfToken"].as_str());
    assert_eq!(session.access_token(), tokens.access_token);
    let bare = app.engine.create_new_session(NewSession::of("u").without_anti_csrf()).await.unwrap();
    assert_eq!(bare.all_session_tokens_dangerously().anti_csrf_token, None);

    core.forget();
    let answer = app.post("/attach").send().await;
    assert_eq!(answer.access_token().as_deref(), answer.ok()["token"].as_str());
    assert!(answer.refresh_token().is_some() && answer.header("anti-csrf").is_some());
    let asked = core.only("POST", CREATE).body;
    assert_eq!((&asked["userDataInDatabase"], &asked["enableAntiCsrf"]), (&json!({ "kept": 1 }), &json!(true)));
}

fn own_names(recipe: SessionRecipe) -> SessionRecipe {
    let name = |kind, access: &str, refresh: &str| match kind {
        TokenKind::Access => access.to_owned(),
        TokenKind::Refresh => refresh.to_owned(),
    };
    let recipe = recipe.older_cookie_domain("");
    let recipe = recipe.cookie_name(move |_, kind, _| name(kind, "__Host-a", "__Host-r"));
    recipe.response_header_name(move |_, kind, _| name(kind, "x-access", "x-refresh"))
}

/// 74.
async fn names_of_cookies_and_headers_can_be_chosen(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.sessions(own_names)).await;
    let by_cookie = log_in(&app, "cookie").await;
    let names: Vec<String> = by_cookie.set_cookies().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["__Host-a", "__Host-r"]);
    let by_header = log_in(&app, "header").await;
    assert_eq!(by_header.exposed(), ["front-token", "x-access", "x-refresh"]);
    let token = by_header.header("x-access").unwrap().to_owned();
    app.get("/session").cookie("__Host-a", &token).send().await.ok();
    assert_eq!(app.get("/session").access(&token).send().await.status, 401, "the usual name is not ours");
    try_refresh(&app.get("/session").cookie("__Host-a", &token).cookie("__Host-a", &token).send().await);
    let refresh = encoded(&core.refresh_token());
    let refreshed = app.post("/auth/session/refresh").cookie("__Host-r", &refresh).send().await;
    assert!(refreshed.set_cookie("__Host-a").is_some_and(|cookie| !cookie.is_cleared()));
    let cleared = app.post("/auth/session/refresh").send().await;
    assert!(cleared.set_cookies().iter().all(|cookie| cookie.is_cleared() && cookie.name.starts_with("__Host-")));
    assert_eq!((cleared.header("x-access"), cleared.header("x-refresh")), (Some(""), Some("")));
    let twice = app.post("/auth/session/refresh").cookie("__Host-r", &refresh).cookie("__Host-r", &refresh).send().await;
    assert_eq!(twice.status, 200);
    let names: Vec<String> = twice.set_cookies().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["__Host-r"]);
}

/// 5.1: other cookies and headers are untouched, also those whose names only begin like ours.
async fn the_applications_own_cookies_and_headers_survive(stage: &Stage) {
    let own = AppRoute::post("/create", Guard::Open, |scope, _| async move {
        scope.create_new_session(NewSession::of("u")).await?;
        let answer = AppAnswer::ok().header("set-cookie", "sAccessTokenX=1; Path=/").header("set-cookie", "own=2");
        Ok(answer.header("set-cookie", "sAccessToken=mine").header("x-own", "3").header("set-cookie", "own=4"))
    });
    let (app, _) = app_with(stage, |plan| plan, vec![own]).await;
    let answer = app.post("/create").header("st-auth-mode", "cookie").send().await;
    let lines: Vec<String> = answer.set_cookies().into_iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
    assert_eq!(lines[..3], ["sAccessTokenX=1", "own=2", "own=4"]);
    assert_eq!(lines.len(), 5, "ours replaces the one of the same name");
    assert_eq!(answer.header("x-own"), Some("3"));
    assert_eq!(answer.ok(), json!({ "status": "OK" }));
}

/// 5.9.
async fn a_payload_too_large_for_a_cookie_is_sent_all_the_same(stage: &Stage) {
    let (app, _) = app_with(stage, |plan| plan, creating(json!({ "large": "x".repeat(6_000) }))).await;
    let answer = app.post("/create").header("st-auth-mode", "cookie").send().await;
    assert!(answer.set_cookie("sAccessToken").unwrap().line.len() > 6_000);
}

/// 60: the tenant is in the path.
async fn a_session_of_another_tenant_is_made_there(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let session = engine.create_new_session(NewSession::of("u").tenant("t1")).await.unwrap();
    assert_eq!(core.times("POST", "/t1/recipe/session"), 1);
    assert_eq!((session.tenant_id(), session.user_id(), session.recipe_user_id()), ("t1", "u", "u"));
}

async fn engine_over(stage: &Stage, reply: Reply) -> (supertokens::SuperTokens, std::sync::Arc<FakeCore>) {
    let (engine, core) = engine_as(stage, |plan| plan).await;
    core.answers("POST", CREATE, reply);
    (engine, core)
}

/// 7.3, errors.
async fn a_core_that_refuses_leaves_no_tokens(stage: &Stage) {
    let (engine, _) = engine_over(stage, Reply::text(400, "the payload has a protected field")).await;
    let error = engine.create_new_session(NewSession::of("u")).await.unwrap_err();
    assert!(error.to_string().ends_with("with status code: 400 and message: the payload has a protected field"), "{error}");
    let (app, core) = app(stage).await;
    core.answers("POST", CREATE, Reply::text(400, "no"));
    let answer = app.post("/login").header("st-auth-mode", "cookie").access("old").send().await;
    fault(&answer);
    answer.touches_no_token();
}

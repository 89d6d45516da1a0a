//! Before the first request: what settings are taken, how they are understood, and which are refused (sdk-session.md 11,
//! scenarios 1 to 19). The tables of addresses and paths are tested row by row in `pure/web`. Scenario 18 has nothing to
//! look at: nothing is reported to anybody. Scenario 5's second half (an empty entry of the list) cannot be written in Rust.

use std::sync::{Arc, Mutex};

use serde_json::json;
use supertokens::session::{GetSessionInformation, SessionInformation, SessionRecipe};
use supertokens::{AppInfo, BuildError, Builder, Core, CoreError, Error, SuperTokens};

use super::super::call::FrontToken;
use super::super::fake_core::{FakeCore, Reply};
use super::super::routes;
use super::super::stage::{Stage, standard_app_info};
use super::ground::{Carrying, app, app_as, encoded, engine_as, fake, fault, payload, try_refresh, valid, way_to};
use super::lines::logged;
use super::tokens::TestKey;
use crate::scenarios;

scenarios!(Stage:
    each_missing_field_is_named_by_an_error_of_its_own,
    a_website_without_a_usable_address_fails_only_when_a_cookie_needs_it,
    an_api_without_a_site_is_refused,
    no_recipe_is_refused,
    a_recipe_listed_twice_is_refused,
    two_applications_in_one_process_keep_their_own_settings,
    base_paths_are_normalised,
    the_gateways_path_stands_before_the_base_path_and_in_the_refresh_cookie,
    a_request_without_the_gateways_path_is_still_ours,
    every_core_has_its_own_address_for_its_keys,
    blank_addresses_of_cores_are_skipped,
    a_core_without_a_scheme_is_refused_by_name,
    without_a_core_only_what_is_overridden_works,
    an_empty_list_of_cores_is_refused,
    settings_that_come_from_unset_variables_are_refused_by_name,
    a_core_that_is_down_does_not_keep_the_application_from_starting,
    the_origin_function_sees_the_request_and_wins,
    building_leaves_a_line_in_the_log_with_the_version,
    nothing_from_outside_forges_a_line_of_the_log,
    settings_that_contradict_each_other_are_refused,
);

async fn refused(builder: Builder) -> String {
    match builder.build().await {
        Ok(_) => panic!("it was built"),
        Err(error) => error.to_string(),
    }
}

fn sessions(info: AppInfo) -> Builder {
    SuperTokens::builder(info).recipe(SessionRecipe::new())
}

/// 2.
async fn each_missing_field_is_named_by_an_error_of_its_own(_: &Stage) {
    let no_name = AppInfo::default().api_domain("http://api.example.com").website_domain("http://example.com");
    let rows = [
        (AppInfo::default(), "apiDomain"),
        (AppInfo::new("a").website_domain("http://example.com"), "apiDomain"),
        (no_name, "appName"),
        (AppInfo::new("a").api_domain("http://api.example.com"), "websiteDomain"),
        (AppInfo::new("a").api_domain("http://api.example.com"), "origin"),
        (AppInfo::new("a").api_domain("example").website_domain("http://example.com"), "apiDomain"),
    ];
    for (info, named) in rows {
        let words = refused(sessions(info)).await;
        assert!(words.contains(named), "{named} in {words}");
    }
}

/// 3.
async fn a_website_without_a_usable_address_fails_only_when_a_cookie_needs_it(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.info(|info| info.website_domain("/x"))).await;
    fault(&app.post("/login").header("st-auth-mode", "cookie").send().await);
    assert_eq!(core.times("POST", "/public/recipe/session"), 0);
    // Headers need no website: nothing there depends on it.
    let created = app.post("/login").header("st-auth-mode", "header").send().await;
    let (token, refresh) = (created.access_token().unwrap(), created.refresh_token().unwrap());
    app.post("/session").bearer(&token).send().await.ok();
    app.post("/auth/session/refresh").bearer(&refresh).send().await.ok();
    app.post("/auth/signout").bearer(&token).send().await.ok();
    assert_eq!(app.get("/maybe").send().await.ok()["userId"], serde_json::Value::Null);
}

/// 4.
async fn an_api_without_a_site_is_refused(_: &Stage) {
    for (domain, host) in [("https://com", "com"), ("https://internal", "internal"), ("http://[::1]:3000", "::1")] {
        let words = refused(sessions(standard_app_info().api_domain(domain))).await;
        assert!(words.starts_with("apiDomain") && words.contains(host), "{words}");
    }
}

/// 5.
async fn no_recipe_is_refused(_: &Stage) {
    let error = SuperTokens::builder(standard_app_info()).build().await.map(drop);
    assert!(matches!(error, Err(BuildError::NoRecipe)), "{error:?}");
}

/// 6.
async fn a_recipe_listed_twice_is_refused(_: &Stage) {
    let error = sessions(standard_app_info()).recipe(SessionRecipe::new()).build().await.map(drop);
    assert!(matches!(error, Err(BuildError::RecipeTwice("session"))), "{error:?}");
    assert!(error.is_err_and(|error| error.to_string().contains("already been initialised")));
}

/// 7: there is no hidden global that a second one could disturb.
async fn two_applications_in_one_process_keep_their_own_settings(stage: &Stage) {
    let (first, first_core) = app(stage).await;
    let (second, second_core) = app_as(stage, |plan| plan.info(|info| info.api_base_path("/other"))).await;
    assert_eq!(first.engine.app_info().api_base_path.as_str(), "/auth");
    first.post("/login").send().await.ok();
    assert_eq!((first_core.times("POST", "/public/recipe/session"), second_core.asked().len()), (1, 0));
    assert_eq!((first.post("/other/signout").send().await.status, second.post("/other/signout").send().await.status), (404, 401));
}

/// 8.
async fn base_paths_are_normalised(stage: &Stage) {
    let rows = [(None, "/auth"), (Some("/"), ""), (Some("custom/a/"), "/custom/a"), (Some("/Auth"), "/Auth")];
    for (given, stored) in rows {
        let change = |info: AppInfo| given.map_or(info.clone(), |path| info.api_base_path(path));
        let (engine, _) = engine_as(stage, |plan| plan.info(change)).await;
        assert_eq!(engine.app_info().api_base_path.as_str(), stored, "{given:?}");
    }
}

/// 9.
async fn the_gateways_path_stands_before_the_base_path_and_in_the_refresh_cookie(stage: &Stage) {
    let (app, _) = app_as(stage, |plan| plan.info(|info| info.api_gateway_path("/gw").api_base_path("/custom/a"))).await;
    assert_eq!(app.engine.app_info().api_base_path.as_str(), "/gw/custom/a");
    let answer = app.post("/login").header("st-auth-mode", "cookie").send().await;
    let path = |name| answer.set_cookie(name).and_then(|cookie| cookie.attribute("path").map(str::to_owned));
    assert_eq!(path("sRefreshToken").as_deref(), Some("/gw/custom/a/session/refresh"));
    assert_eq!(path("sAccessToken").as_deref(), Some("/"));
}

/// 10.
async fn a_request_without_the_gateways_path_is_still_ours(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.info(|info| info.api_gateway_path("/gw"))).await;
    let answer = app.post("/auth/session/refresh").refresh(&core.refresh_token()).send().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    assert!(matches!(answer.front_token(), Some(FrontToken::Says { .. })));
    assert_eq!(answer.set_cookie("sRefreshToken").unwrap().attribute("path"), Some("/gw/auth/session/refresh"));
}

/// 11.
async fn every_core_has_its_own_address_for_its_keys(stage: &Stage) {
    let core = fake(stage);
    let app = stage.app(|plan| plan.core(way_to(&core, "http://a:1;;http://b:2/base/")), routes::standard()).await;
    // A key that neither core has makes the SDK look at both.
    try_refresh(&app.get("/session").access(&valid(stage).of_key(TestKey::Other).text()).send().await);
    let fetched: Vec<String> = core.asked().iter().map(|asked| format!("{}{}", asked.host, asked.path)).collect();
    assert_eq!(fetched, ["a:1/.well-known/jwks.json", "b:2/base/.well-known/jwks.json"]);
}

/// 12, as decision 15 has it.
async fn blank_addresses_of_cores_are_skipped(stage: &Stage) {
    let core = fake(stage);
    let engine = stage.engine(|plan| plan.core(way_to(&core, "http://a; ;http://b"))).await;
    for _ in 0..3 {
        engine.session_information("h").await.unwrap();
    }
    let hosts: Vec<String> = core.asked().into_iter().map(|asked| asked.host).collect();
    assert_eq!(hosts, ["a", "b", "a", "b"]);
}

/// 13, as decision 15 has it.
async fn a_core_without_a_scheme_is_refused_by_name(stage: &Stage) {
    let core = fake(stage);
    for address in ["core.example.com:3567", "http://a;core.example.com:3567"] {
        let words = refused(sessions(standard_app_info()).core(way_to(&core, address))).await;
        assert!(words.contains("connectionURI") && words.contains("core.example.com:3567"), "{words}");
        assert!(words.contains("http"), "it says what to do: {words}");
    }
}

fn information(handle: &str) -> SessionInformation {
    SessionInformation {
        session_handle: handle.to_owned(),
        user_id: "u".to_owned(),
        recipe_user_id: "u".to_owned(),
        tenant_id: "public".to_owned(),
        session_data_in_database: payload(serde_json::json!({})),
        custom_claims_in_access_token_payload: payload(serde_json::json!({ "plan": "free" })),
        expiry: 2,
        time_created: 1,
    }
}

/// 14.
async fn without_a_core_only_what_is_overridden_works(stage: &Stage) {
    let engine = stage.engine(|plan| plan.without_core()).await;
    let error = engine.session_information("h").await.unwrap_err();
    assert!(matches!(error, Error::Core(CoreError::NotConfigured)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "No SuperTokens core available to query. Please pass supertokens > connectionURI to the init function, or override all the functions of the recipe you are using."
    );
    let overridden = stage
        .engine(|plan| {
            plan.without_core().builder(|builder| {
                builder.with_override(|call: GetSessionInformation, _| async move { Ok(Some(information(&call.session_handle))) })
            })
        })
        .await;
    let found = overridden.session_information("h").await.unwrap().unwrap();
    assert_eq!(
        (found.session_handle.as_str(), found.custom_claims_in_access_token_payload["plan"].as_str()),
        ("h", Some("free"))
    );
}

/// 15, but when the SDK is built: an address from a variable that nobody has set would otherwise be found by the first user.
async fn an_empty_list_of_cores_is_refused(stage: &Stage) {
    let core = fake(stage);
    for address in ["", " ", " ; "] {
        for way in [way_to(&core, address), Core::remote(address)] {
            let words = refused(sessions(standard_app_info()).core(way)).await;
            assert!(words.starts_with("connectionURI: no core is named: write its address"), "{words}");
        }
    }
    assert!(core.asked().is_empty());
}

async fn settings_that_come_from_unset_variables_are_refused_by_name(stage: &Stage) {
    let core = fake(stage);
    let memory = || Core::embedded("sqlite::memory:");
    let cores = [
        (Core::embedded(""), "Core::embedded"),
        (Core::embedded(" \n"), "Core::embedded"),
        (memory().app_id(""), "app_id"),
        (way_to(&core, "http://a").api_key("a\u{7f}b"), "api_key"),
    ];
    for (core, named) in cores {
        let words = refused(sessions(standard_app_info()).core(core)).await;
        assert!(words.contains(named), "{named} in {words}");
    }
    let info = || AppInfo::new("a").api_domain("http://api.example.com");
    for (info, named) in [
        (AppInfo::new("a").api_domain("").website_domain("http://example.com"), "apiDomain"),
        (info().website_domain(" "), "websiteDomain"),
        (info().website_domain("http://example.com").origin(""), "origin"),
    ] {
        let words = refused(sessions(info).core(way_to(&core, "http://a"))).await;
        assert!(words.contains(named), "{named} in {words}");
    }
    let recipe = SessionRecipe::new().cookie_domain("");
    let words = refused(SuperTokens::builder(standard_app_info()).recipe(recipe).core(way_to(&core, "http://a"))).await;
    assert!(words.contains("cookieDomain"), "{words}");
    // A file with a secret ends in a line end.
    let engine = stage.engine(|plan| plan.core(way_to(&core, "http://a").api_key("secret\n"))).await;
    engine.session_information("h").await.unwrap();
    assert_eq!(core.only("GET", "/recipe/session").header("api-key"), Some("secret"));
}

/// 16.
async fn a_core_that_is_down_does_not_keep_the_application_from_starting(stage: &Stage) {
    let core = fake(stage);
    core.everything(Reply::Refused);
    let app = stage.app(|plan| plan.core(way_to(&core, "http://a;http://b")), routes::standard()).await;
    assert!(core.asked().is_empty());
    fault(&app.post("/login").send().await);
    core.as_usual();
    app.post("/login").send().await.ok();
}

/// 17.
async fn the_origin_function_sees_the_request_and_wins(stage: &Stage) {
    let change = |info: AppInfo| {
        info.api_domain("https://api.example.com").origin_of(|request, _| {
            let website = request.and_then(|request| request.header("x-website").map(|website| website.into_owned()));
            website.unwrap_or_else(|| "https://nobody.example".to_owned())
        })
    };
    let (app, core) = app_as(stage, |plan| plan.info(change)).await;
    let rows = [("https://example.com", "Lax"), ("https://other.test", "None"), ("http://example.com", "None")];
    for (website, same_site) in rows {
        let call = app.post("/login").header("st-auth-mode", "cookie").header("x-website", website);
        let answer = call.send().await;
        assert_eq!(answer.set_cookie("sAccessToken").unwrap().attribute("samesite"), Some(same_site), "{website}");
    }
    let asked = core.only("GET", "/apiversion");
    assert_eq!(asked.query["websiteDomain"], "https://example.com");
}

/// 19: and whatever is logged later, no token is in it.
async fn building_leaves_a_line_in_the_log_with_the_version(stage: &Stage) {
    let (clock, token) = (Arc::clone(&stage.clock), valid(stage).text());
    let forged = valid(stage).forged().text();
    let refresh = "secret-refresh-token".to_owned();
    let secrets = [token.clone(), forged.clone(), refresh.clone(), "secret-key".to_owned()];
    let lines = logged(|| async move {
        let core = FakeCore::new(clock.clone());
        let way = Core::transport(core, "http://core.test").api_key("secret-key");
        let engine = sessions(standard_app_info()).core(way).clock(Arc::new(move || clock.now())).build().await.unwrap();
        let options = supertokens::session::VerifyOptions::new();
        engine.get_session(token, None, &options).await.unwrap();
        engine.get_session(forged, None, &options).await.unwrap_err();
        engine.refresh_session(refresh, true, None).await.unwrap_err();
    });
    assert!(lines.iter().any(|line| line.contains("version=") && line.contains(env!("CARGO_PKG_VERSION"))), "{lines:?}");
    assert!(lines.len() > 1, "refusals are logged too: {lines:?}");
    let spelled = secrets.iter().flat_map(|secret| [secret.clone(), encoded(secret)]);
    for secret in spelled {
        assert!(!lines.iter().any(|line| line.contains(&secret)), "a secret is in the log");
    }
}

/// What a core, a browser or a handle says is read in the log, and nothing else.
async fn nothing_from_outside_forges_a_line_of_the_log(stage: &Stage) {
    const EVIL: &str = "x\r\n2026-11-28T02:40:00Z ERROR com.supertokens: forged \u{1b}[2J\u{9b}\u{85}\u{2028}\u{202e}";
    let clock = Arc::clone(&stage.clock);
    let texts: Arc<Mutex<Vec<String>>> = Arc::default();
    let said = Arc::clone(&texts);
    let lines = logged(|| async move {
        let core = FakeCore::new(clock.clone());
        let way = Core::transport(Arc::<FakeCore>::clone(&core), "http://core.test");
        let engine = sessions(standard_app_info()).core(way).clock(Arc::new(move || clock.now())).build().await.unwrap();
        let long = format!("{EVIL}{}", "y".repeat(100_000));
        let evil = |status: &str| {
            Reply::Json(
                json!({ "status": status, "message": long, "session": { "handle": EVIL, "userId": EVIL, "recipeUserId": EVIL } }),
            )
        };
        let view = supertokens::RequestView::new(http::Method::GET, http::Uri::from_static("/"), http::HeaderMap::new());
        let scope = supertokens::Scope::new(engine.clone(), view);
        core.answers("GET", "/recipe/session", Reply::text(400, &long));
        let refreshing = || engine.refresh_session("token", true, None);
        let mut errors = vec![engine.session_information(EVIL).await.map(drop).unwrap_err()];
        for answer in [evil("UNAUTHORISED"), evil("TOKEN_THEFT_DETECTED"), Reply::text(418, &long), evil(EVIL)] {
            core.answers("POST", "/recipe/session/refresh", answer);
            errors.push(refreshing().await.map(drop).unwrap_err());
        }
        errors.push(Error::application(std::io::Error::other(long.clone())));
        errors.push(Error::BadInput { message: long });
        for error in errors {
            // What an application may do with it: print it, and hand it to the layer.
            if !matches!(error, Error::Application(_)) {
                said.lock().unwrap().push(error.to_string());
            }
            scope.error_response(error).await;
        }
    });
    let texts = texts.lock().unwrap().clone();
    assert!(lines.iter().any(|line| line.starts_with("ERROR")) && lines.iter().any(|line| line.starts_with("WARN")), "{lines:?}");
    assert!(lines.iter().filter(|line| line.contains("forged")).count() >= 6, "{lines:?}");
    for line in lines.iter().chain(&texts) {
        let unseen = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
        assert!(!line.contains(unseen) && line.chars().count() < 1_500, "{line:?}");
    }
}

/// 50, the half of it that is about settings; 4.6.
async fn settings_that_contradict_each_other_are_refused(_: &Stage) {
    let rows = [
        (SessionRecipe::new().session_expired_status_code(403), "sessionExpiredStatusCode"),
        (SessionRecipe::new().invalid_claim_status_code(401), "invalidClaimStatusCode"),
        (SessionRecipe::new().invalid_claim_status_code(200), "invalidClaimStatusCode"),
        (SessionRecipe::new().cookie_domain("http://"), "cookieDomain"),
        (SessionRecipe::new().older_cookie_domain("http://"), "olderCookieDomain"),
        (
            SessionRecipe::new().cookie_domain(".other.org"),
            "cookieDomain is \".other.org\" and apiDomain is \"http://api.example.com\"",
        ),
        (SessionRecipe::new().cookie_domain(".com"), "many owners"),
        (SessionRecipe::new().cookie_domain("*.example.com"), "write \".example.com\""),
        (SessionRecipe::new().older_cookie_domain("old.example.org"), "olderCookieDomain"),
    ];
    for (recipe, named) in rows {
        let words = refused(SuperTokens::builder(standard_app_info()).recipe(recipe)).await;
        assert!(words.contains(named), "{named} in {words}");
    }
    // A cookie for no site over http is no contradiction in itself: it may never be made.
    sessions(standard_app_info().website_domain("https://elsewhere.test")).build().await.unwrap();
}

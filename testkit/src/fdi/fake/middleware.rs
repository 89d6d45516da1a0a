//! Which requests are the SDK's, what its endpoints answer, and how errors become answers (sdk-session.md 11, scenarios 35
//! to 48). Errors are in `errors`.

use http::Method;
use serde_json::{Value, json};
use supertokens::jwt::{GetJwks, GetJwksGet, JwtRecipe};
use supertokens::openid::{GetOpenIdDiscoveryConfiguration, GetOpenIdDiscoveryConfigurationGet};
use supertokens::session::{RefreshPost, SignOutPost, SignedOut};

use super::super::app::{AppAnswer, AppRoute, Guard};
use super::super::fake_core::Reply;
use super::super::routes;
use super::super::stage::{App, Stage};
use super::ground::{Carrying, app, app_as, app_with, engine, engine_as, logged_out, no_session, valid};
use super::tokens::TestKey;
use crate::scenarios;

scenarios!(Stage:
    an_endpoint_is_found_however_its_path_ends_and_nothing_that_only_looks_like_it,
    a_tenant_may_stand_before_the_endpoint,
    no_rid_keeps_a_request_from_its_endpoint,
    paths_outside_the_base_path_are_the_applications,
    with_an_empty_base_path_only_the_endpoints_are_ours,
    an_endpoint_that_is_switched_off_is_the_applications,
    a_guarded_route_is_checked_whatever_its_path_comes_to,
    the_keys_are_published_with_the_cores_own_lifetime,
    the_keys_lifetime_is_a_minute_if_the_core_says_none_and_absent_if_an_override_says_none,
    the_discovery_document_has_exactly_these_members,
    the_discovery_document_can_be_changed_and_the_issuer_with_it,
    there_is_no_key_set_at_the_cores_own_path,
    keys_and_discovery_need_no_sessions,
    other_verbs_are_the_applications,
    the_list_of_headers_for_cors_is_short_and_ordered,
    sign_out_may_answer_a_general_error,
    an_override_may_write_the_whole_answer_and_tokens_still_change,
    an_override_of_an_endpoint_sees_what_the_original_made,
);

/// Ours, and there is no session: 401. Anything else is the application's, which has no such route.
async fn status(app: &App, method: Method, path: &str) -> u16 {
    app.call(method, path).send().await.status
}

/// 35.
async fn an_endpoint_is_found_however_its_path_ends_and_nothing_that_only_looks_like_it(stage: &Stage) {
    let (app, _) = app(stage).await;
    for path in ["/auth/signout", "/auth/signout/", "/auth/signout?x=1", "/auth/signout/?x=1"] {
        no_session(&app.post(path).send().await);
    }
    for path in ["/AUTH/signout", "/auth/SignOut", "/authx/signout", "//auth/signout", "/auth//signout", "/auth/signout//"] {
        assert_eq!(status(&app, Method::POST, path).await, 404, "{path}");
    }
    for path in ["/auth/%73ignout", "/x/auth/signout", "/auth/signout/x", "/auth", "/auth/", "/signout"] {
        assert_eq!(status(&app, Method::POST, path).await, 404, "{path}");
    }
    assert_eq!(status(&app, Method::GET, "/auth/signout").await, 404);
}

/// 36.
async fn a_tenant_may_stand_before_the_endpoint(stage: &Stage) {
    let (app, core) = app(stage).await;
    let refreshed = app.post("/auth/t1/session/refresh").refresh(&core.refresh_token()).send().await;
    assert_eq!((refreshed.status, refreshed.text().as_str()), (200, "{}"));
    assert!(app.get("/auth/t1/jwt/jwks.json").send().await.ok()["keys"].is_array());
    no_session(&app.post("/auth/T-1/signout").send().await);
    for tenant in ["t_1", "t.1", "", "t%31", "t1/t2"] {
        assert_eq!(status(&app, Method::POST, &format!("/auth/{tenant}/signout")).await, 404, "{tenant}");
    }
}

/// 37.
async fn no_rid_keeps_a_request_from_its_endpoint(stage: &Stage) {
    let (app, _) = app(stage).await;
    no_session(&app.post("/auth/signout").send().await);
    for rid in ["session", "anti-csrf", "foo", "emailpassword", "jwt", "thirdpartyemailpassword", ""] {
        no_session(&app.post("/auth/signout").header("rid", rid).send().await);
    }
}

/// 38.
async fn paths_outside_the_base_path_are_the_applications(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.info(|info| info.api_base_path("/a/b"))).await;
    for path in ["/auth/signout", "/a/signout", "/b/signout", "/a/bc/signout"] {
        assert_eq!(status(&app, Method::POST, path).await, 404, "{path}");
    }
    no_session(&app.post("/a/b/signout").send().await);
    assert_eq!(app.get("/maybe").send().await.ok()["userId"], Value::Null);
    assert!(core.asked().is_empty());
}

/// 39.
async fn with_an_empty_base_path_only_the_endpoints_are_ours(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.info(|info| info.api_base_path("/"))).await;
    no_session(&app.post("/signout").send().await);
    no_session(&app.post("/t1/signout").send().await);
    assert_eq!(app.post("/session/refresh").refresh(&core.refresh_token()).send().await.status, 200);
    assert_eq!(app.get("/maybe").send().await.ok()["userId"], Value::Null);
    assert_eq!(status(&app, Method::POST, "/auth/x/signout").await, 404);
}

fn own_route(method: Method, path: &'static str) -> AppRoute {
    AppRoute::new(method, path, Guard::Open, |_, _| async { Ok(AppAnswer::json(json!({ "own": true })).status(202)) })
}

/// 6.1: frameworks choose a route by the path as it was sent, so only as it was sent is it the refresh endpoint's.
async fn a_guarded_route_is_checked_whatever_its_path_comes_to(stage: &Stage) {
    const DOTS: &str = "/data/../auth/session/refresh";
    let off = |builder: supertokens::Builder| builder.disable::<RefreshPost>();
    let route = AppRoute::post(DOTS, Guard::Required, |_, session| async move { Ok(routes::who(session)) });
    let (app, core) = app_with(stage, |plan| plan.builder(off), vec![route]).await;
    for call in [app.post(DOTS).refresh(&core.refresh_token()), app.post(DOTS).bearer(&core.refresh_token())] {
        let answer = call.send().await;
        no_session(&answer);
        answer.touches_no_token();
    }
    assert!(core.paths().is_empty(), "nothing is refreshed");
    assert_eq!(app.post(DOTS).bearer(&valid(stage).text()).send().await.ok()["userId"], "user1", "the route is there");
}

/// 40.
async fn an_endpoint_that_is_switched_off_is_the_applications(stage: &Stage) {
    let paths = [
        (Method::POST, "/auth/session/refresh"),
        (Method::POST, "/auth/signout"),
        (Method::GET, "/auth/jwt/jwks.json"),
        (Method::GET, "/auth/.well-known/openid-configuration"),
    ];
    let all_off = |builder: supertokens::Builder| {
        let builder = builder.disable::<RefreshPost>().disable::<SignOutPost>();
        builder.disable::<GetJwksGet>().disable::<GetOpenIdDiscoveryConfigurationGet>()
    };
    let routes = paths.iter().map(|(method, path)| own_route(method.clone(), path)).collect();
    let (with_routes, core) = app_with(stage, |plan| plan.builder(all_off), routes).await;
    let (without, _) = app_with(stage, |plan| plan.builder(all_off), Vec::new()).await;
    for (method, path) in paths {
        let answer = with_routes.call(method.clone(), path).send().await;
        assert_eq!((answer.status, answer.json()["own"].as_bool()), (202, Some(true)), "{path}");
        assert_eq!(status(&without, method, path).await, 404, "{path}");
    }
    assert!(core.asked().is_empty());
}

/// 41.
async fn the_keys_are_published_with_the_cores_own_lifetime(stage: &Stage) {
    let (app, core) = app(stage).await;
    let answer = app.get("/auth/jwt/jwks.json").send().await;
    let expected = [TestKey::Dynamic, TestKey::Static].map(|key| key.jwk(key.kid()));
    assert_eq!(answer.ok(), json!({ "keys": expected }));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("cache-control"), Some("max-age=3600, must-revalidate"));
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    app.get("/auth/jwt/jwks.json").send().await.ok();
    assert_eq!(core.times("GET", "/.well-known/jwks.json"), 2, "it is not kept");
}

/// 41.
async fn the_keys_lifetime_is_a_minute_if_the_core_says_none_and_absent_if_an_override_says_none(stage: &Stage) {
    let (app, core) = app(stage).await;
    core.answers("GET", "/.well-known/jwks.json", Reply::Json(json!({ "keys": [] })));
    let answer = app.get("/auth/jwt/jwks.json").send().await;
    assert_eq!(answer.ok(), json!({ "keys": [] }));
    assert_eq!(answer.header("cache-control"), Some("max-age=60, must-revalidate"));

    let forgetful = |builder: supertokens::Builder| {
        builder.with_override(|call: GetJwks, next| async move {
            let mut set = next.run(call).await?;
            set.validity_in_seconds = None;
            Ok(set)
        })
    };
    let (app, _) = app_as(stage, |plan| plan.builder(forgetful)).await;
    let answer = app.get("/auth/jwt/jwks.json").send().await;
    answer.ok();
    assert_eq!((answer.header("cache-control"), answer.header("access-control-allow-origin")), (None, Some("*")));
}

/// 42.
async fn the_discovery_document_has_exactly_these_members(stage: &Stage) {
    let rows = [(None, None, "/auth"), (Some("/gw"), Some("/custom/a"), "/gw/custom/a")];
    for (gateway, base, path) in rows {
        let change = |mut info: supertokens::AppInfo| {
            if let (Some(gateway), Some(base)) = (gateway, base) {
                info = info.api_gateway_path(gateway).api_base_path(base);
            }
            info
        };
        let (app, _) = app_as(stage, |plan| plan.info(change)).await;
        let below = path.trim_start_matches("/gw");
        let answer = app.get(&format!("{below}/.well-known/openid-configuration")).send().await;
        let at = |end: &str| format!("http://api.example.com{path}{end}");
        let expected = json!({
            "issuer": at(""),
            "jwks_uri": at("/jwt/jwks.json"),
            "authorization_endpoint": at("/oauth/auth"),
            "token_endpoint": at("/oauth/token"),
            "userinfo_endpoint": at("/oauth/userinfo"),
            "revocation_endpoint": at("/oauth/revoke"),
            "token_introspection_endpoint": at("/oauth/introspect"),
            "end_session_endpoint": at("/oauth/end_session"),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "id_token token"],
        });
        assert_eq!(answer.ok(), expected);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
}

/// 7.3 step 2: the issuer of sessions comes from the overridable function.
async fn the_discovery_document_can_be_changed_and_the_issuer_with_it(stage: &Stage) {
    let elsewhere = |builder: supertokens::Builder| {
        builder.with_override(|call: GetOpenIdDiscoveryConfiguration, next| async move {
            let mut document = next.run(call).await?;
            document.0.insert("issuer".to_owned(), "https://issuer.test".into());
            Ok(document)
        })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(elsewhere)).await;
    assert_eq!(app.get("/auth/.well-known/openid-configuration").send().await.ok()["issuer"], "https://issuer.test");
    app.post("/login").send().await.ok();
    assert_eq!(core.only("POST", "/public/recipe/session").body["userDataInJWT"]["iss"], "https://issuer.test");
    app.engine.create_jwt(supertokens::Payload::new(), None, None).await.unwrap();
    assert_eq!(core.only("POST", "/recipe/jwt").body["payload"], json!({ "iss": "https://issuer.test" }));
}

/// 43.
async fn there_is_no_key_set_at_the_cores_own_path(stage: &Stage) {
    let (app, _) = app(stage).await;
    for path in ["/auth/.well-known/jwks.json", "/.well-known/jwks.json", "/jwt/jwks.json"] {
        assert_eq!(status(&app, Method::GET, path).await, 404, "{path}");
    }
}

/// 44.
async fn keys_and_discovery_need_no_sessions(stage: &Stage) {
    let only_jwt = |plan: super::super::stage::Plan| {
        plan.without_sessions().builder(|builder| builder.recipe(JwtRecipe::new().validity_seconds(9)))
    };
    let (app, core) = app_with(stage, only_jwt, Vec::new()).await;
    assert!(app.get("/auth/jwt/jwks.json").send().await.ok()["keys"].is_array());
    assert!(app.get("/auth/.well-known/openid-configuration").send().await.ok()["issuer"].is_string());
    for path in ["/auth/signout", "/auth/session/refresh"] {
        assert_eq!(status(&app, Method::POST, path).await, 404, "{path}");
    }
    app.engine.create_jwt(supertokens::Payload::new(), None, None).await.unwrap();
    assert_eq!(core.only("POST", "/recipe/jwt").body["validity"], 9);
    assert_eq!(app.engine.all_cors_headers(), ["rid", "fdi-version"]);
}

/// 45.
async fn other_verbs_are_the_applications(stage: &Stage) {
    let (app, core) = app(stage).await;
    for method in [Method::OPTIONS, Method::HEAD, Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(status(&app, method.clone(), "/auth/session/refresh").await, 404, "{method}");
    }
    for path in ["/auth/jwt/jwks.json", "/auth/.well-known/openid-configuration"] {
        for method in [Method::OPTIONS, Method::HEAD, Method::POST] {
            assert_eq!(status(&app, method.clone(), path).await, 404, "{method} {path}");
        }
    }
    assert!(core.asked().is_empty());
}

/// 46.
async fn the_list_of_headers_for_cors_is_short_and_ordered(stage: &Stage) {
    let (engine, _) = engine(stage).await;
    assert_eq!(engine.all_cors_headers(), ["rid", "fdi-version", "anti-csrf", "authorization", "st-auth-mode"]);
    let (other, _) = engine_as(stage, |plan| plan.builder(|builder| builder.recipe(JwtRecipe::new()))).await;
    assert_eq!(other.all_cors_headers(), engine.all_cors_headers());
}

/// 47.
async fn sign_out_may_answer_a_general_error(stage: &Stage) {
    let change = |builder: supertokens::Builder| {
        builder.with_override(|_: SignOutPost, _| async { Ok(SignedOut::GeneralError { message: "m".to_owned() }) })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(change)).await;
    let answer = app.post("/auth/signout").access(&valid(stage).text()).send().await;
    assert_eq!(answer.ok(), json!({ "status": "GENERAL_ERROR", "message": "m" }));
    answer.touches_no_token();
    assert!(core.paths().is_empty());
}

/// 48.
async fn an_override_may_write_the_whole_answer_and_tokens_still_change(stage: &Stage) {
    let change = |builder: supertokens::Builder| {
        let builder = builder.with_override(|call: SignOutPost, next| async move {
            let status = http::StatusCode::ACCEPTED;
            call.scope.respond_json(status, &json!({ "first": true }));
            call.scope.respond_json(http::StatusCode::OK, &json!({ "second": true }));
            next.run(call).await
        });
        builder.with_override(|call: RefreshPost, next| async move {
            call.scope.respond_json(http::StatusCode::IM_A_TEAPOT, &json!({ "own": true }));
            next.run(call).await
        })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(change)).await;
    let answer = app.post("/auth/signout").bearer(&valid(stage).text()).send().await;
    assert_eq!((answer.status, answer.json()), (202, json!({ "first": true })));
    assert_eq!(answer.header("st-access-token"), Some(""));
    let answer = app.post("/auth/session/refresh").bearer(&core.refresh_token()).send().await;
    assert_eq!((answer.status, answer.json()), (418, json!({ "own": true })));
    assert!(answer.access_token().is_some());
    // An answer that was begun stays even if an error follows; the tokens are cleared all the same.
    let answer = app.post("/auth/session/refresh").send().await;
    assert_eq!((answer.status, answer.json()), (418, json!({ "own": true })));
    answer.clears_both();
}

/// 1.11: the override is outermost, and the original is its `next`.
async fn an_override_of_an_endpoint_sees_what_the_original_made(stage: &Stage) {
    let change = |builder: supertokens::Builder| {
        let builder = builder.with_override(|call: RefreshPost, next| async move {
            let session = next.run(call.clone()).await?;
            call.scope.context().insert(format!("inner saw {}", session.user_id()));
            Ok(session)
        });
        builder.with_override(|call: RefreshPost, next| async move {
            let session = next.run(call.clone()).await?;
            let seen: Option<String> = call.scope.context().get();
            call.scope.respond_json(http::StatusCode::OK, &json!({ "seen": seen }));
            Ok(session)
        })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(change)).await;
    let answer = app.post("/auth/session/refresh").refresh(&core.refresh_token()).send().await;
    assert_eq!(answer.ok(), json!({ "seen": "inner saw user1" }));
    logged_out_without_a_word(&app).await;
}

async fn logged_out_without_a_word(app: &App) {
    logged_out(&app.post("/auth/session/refresh").send().await);
}

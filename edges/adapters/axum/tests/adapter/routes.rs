//! The SDK's endpoints, extractors, guards, nested routers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::{any, get, post};
use axum::{Extension, Router};
use http::{StatusCode, Uri};
use supertokens::session::{GetSession, NewSession, VerifyOptions};
use supertokens_axum::{Auth, Engine, MaybeSession, Result, Session, SuperTokensLayer, VerifyPolicy, verify_session};

use crate::world::{World, app_info, ask, by_anna, by_browser, late, request};

async fn me(session: Session) -> String {
    session.user_id().to_owned()
}

async fn perhaps(MaybeSession(session): MaybeSession) -> String {
    session.map_or_else(|| "nobody".to_owned(), |session| session.user_id().to_owned())
}

async fn optional(session: Option<Session>) -> String {
    perhaps(MaybeSession(session)).await
}

async fn login(auth: Auth) -> Result<&'static str> {
    auth.create_new_session(NewSession::of("anna")).await?;
    Ok("welcome")
}

struct StillAlive;

impl VerifyPolicy for StillAlive {
    fn options() -> VerifyOptions {
        VerifyOptions::new().check_database()
    }
}

/// A world that counts how often a session is looked for.
async fn counting() -> (World, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let world = World::with(app_info(), |builder| {
        builder.with_override(move |call: GetSession, next| {
            counted.fetch_add(1, Ordering::Relaxed);
            next.run(call)
        })
    });
    (world.await, count)
}

fn app(world: &World) -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/perhaps", get(perhaps))
        .route("/optional", get(optional))
        .route("/login", post(login))
        .layer(SuperTokensLayer::new(world.engine.clone()))
}

#[tokio::test]
async fn a_handler_gets_the_session() {
    let world = World::new().await;
    let answer = ask(&app(&world), by_anna("GET", "/me")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "anna"));
    assert!(answer.cookies().is_empty(), "{answer:?}");
    assert_eq!(world.core.times("POST /recipe/session/verify"), 0);
}

#[tokio::test]
async fn without_a_session_the_handler_is_not_called_and_nothing_is_cleared() {
    let world = World::new().await;
    let answer = ask(&app(&world), request("GET", "/me")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::UNAUTHORIZED, r#"{"message":"unauthorised"}"#));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert!(answer.cookies().is_empty() && answer.header("front-token").is_none(), "{answer:?}");
}

#[tokio::test]
async fn an_optional_session_may_be_missing_but_not_be_over() {
    let world = World::new().await;
    for path in ["/perhaps", "/optional"] {
        assert_eq!(ask(&app(&world), request("GET", path)).await.body, "nobody", "{path}");
        assert_eq!(ask(&app(&world), by_anna("GET", path)).await.body, "anna", "{path}");
        let over = ask(&app(&world), late("GET", path)).await;
        assert_eq!((over.status, over.body.as_str()), (StatusCode::UNAUTHORIZED, r#"{"message":"try refresh token"}"#), "{path}");
    }
}

#[tokio::test]
async fn a_login_puts_the_tokens_into_the_response() {
    let world = World::new().await;
    let answer = ask(&app(&world), by_browser("POST", "/login")).await;
    assert_eq!(answer.body, "welcome");
    let names: Vec<&str> = answer.cookies().iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
    assert_eq!(names, ["sAccessToken", "sRefreshToken"]);
    assert!(answer.header("front-token").is_some());

    let answer = ask(&app(&world), request("POST", "/login").header("st-auth-mode", "header")).await;
    assert!(answer.cookies().is_empty(), "{answer:?}");
    assert!(answer.header("st-access-token").is_some() && answer.header("st-refresh-token").is_some(), "{answer:?}");
}

#[tokio::test]
async fn the_sdk_answers_its_own_endpoints_and_no_others() {
    let world = World::new().await;
    let app = app(&world);
    let keys = ask(&app, request("GET", "/auth/jwt/jwks.json")).await;
    assert_eq!((keys.status, keys.header("access-control-allow-origin")), (StatusCode::OK, Some("*")));
    let left = ask(&app, by_anna("POST", "/auth/signout")).await;
    assert_eq!((left.status, left.body.as_str(), left.logs_out()), (StatusCode::OK, r#"{"status":"OK"}"#, true), "{left:?}");
    let refused = ask(&app, request("POST", "/auth/session/refresh").header("cookie", "sRefreshToken=old")).await;
    assert_eq!((refused.status, refused.logs_out()), (StatusCode::UNAUTHORIZED, true), "{refused:?}");
    for (method, path) in
        [("GET", "/auth/signout"), ("POST", "/signout"), ("POST", "/auth/nothing"), ("OPTIONS", "/auth/signout")]
    {
        assert_eq!(ask(&app, request(method, path)).await.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}

#[tokio::test]
async fn behind_a_guard_the_session_is_checked_once() {
    let (world, count) = counting().await;
    async fn all(session: Session, maybe: MaybeSession, Extension(plain): Extension<supertokens::session::Session>) -> String {
        [session.user_id(), maybe.0.unwrap().user_id(), plain.user_id()].join(" ")
    }
    let guarded = Router::new().route("/", get(all)).route_layer(verify_session(VerifyOptions::new().check_database()));
    let app = Router::new().nest("/guarded", guarded).layer(SuperTokensLayer::new(world.engine.clone()));
    assert_eq!(ask(&app, by_anna("GET", "/guarded")).await.body, "anna anna anna");
    assert_eq!((count.load(Ordering::Relaxed), world.core.times("POST /recipe/session/verify")), (1, 1));
}

/// Customers outside, and among their routes those of the staff.
#[tokio::test]
async fn what_the_guard_of_one_sdk_has_found_is_nothing_to_another() {
    let (customers, staff) = (
        World::new().await,
        World::with(app_info(), |builder| {
            builder.with_override(|_: GetSession, _| async { Err(supertokens::Error::unauthorised("not of the staff")) })
        })
        .await,
    );
    let routes = || Router::new().route("/me", get(me)).route("/perhaps", get(perhaps));
    let app = Router::new()
        .nest("/staff", routes().layer(SuperTokensLayer::new(staff.engine.clone())))
        .nest("/shop", routes())
        .layer(verify_session(VerifyOptions::new()))
        .layer(SuperTokensLayer::new(customers.engine.clone()));
    for (path, status) in [("/shop/me", 200), ("/shop/perhaps", 200), ("/staff/me", 401), ("/staff/perhaps", 401)] {
        assert_eq!(ask(&app, by_anna("GET", path)).await.status, status, "{path}");
    }
}

/// Between the two, something lets a header say which verb is meant.
#[tokio::test]
async fn a_verb_that_was_changed_on_the_way_is_not_checked_as_the_one_that_came() {
    let world = World::new().await;
    async fn never() -> StatusCode {
        panic!("the handler was called")
    }
    let guarded = Router::new().route("/", post(never)).route_layer(verify_session(VerifyOptions::new()));
    let app = Router::new().fallback_service(ChangesVerbs(guarded)).layer(SuperTokensLayer::new(world.engine.clone()));
    for verb in ["OPTIONS", "TRACE", "GET"] {
        assert_eq!(ask(&app, by_anna(verb, "/")).await.status, StatusCode::INTERNAL_SERVER_ERROR, "{verb}");
    }
    assert_eq!(ask(&app, request("PUT", "/")).await.status, StatusCode::UNAUTHORIZED);
}

#[derive(Clone)]
struct ChangesVerbs(Router);

impl tower_service::Service<http::Request<axum::body::Body>> for ChangesVerbs {
    type Response = axum::response::Response;
    type Error = std::convert::Infallible;
    type Future = <Router as tower_service::Service<http::Request<axum::body::Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        tower_service::Service::<http::Request<axum::body::Body>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: http::Request<axum::body::Body>) -> Self::Future {
        *request.method_mut() = http::Method::POST;
        self.0.call(request)
    }
}

#[tokio::test]
async fn a_guard_refuses_before_the_handler_runs() {
    let world = World::new().await;
    async fn never() -> StatusCode {
        panic!("the handler was called")
    }
    let app = Router::new()
        .route("/guarded", any(never))
        .route_layer(verify_session(VerifyOptions::new()))
        .route("/open", get(|| async { "open" }))
        .layer(SuperTokensLayer::new(world.engine.clone()));
    assert_eq!(ask(&app, request("GET", "/guarded")).await.body, r#"{"message":"unauthorised"}"#);
    assert_eq!(ask(&app, late("POST", "/guarded")).await.body, r#"{"message":"try refresh token"}"#);
    assert_eq!(ask(&app, request("GET", "/open")).await.body, "open");
}

#[tokio::test]
async fn what_an_optional_guard_found_is_all_there_is() {
    let (world, count) = counting().await;
    let app = Router::new()
        .route("/me", get(me))
        .route("/perhaps", get(perhaps))
        .route_layer(verify_session(VerifyOptions::new().session_optional()))
        .layer(SuperTokensLayer::new(world.engine.clone()));
    assert_eq!(ask(&app, request("GET", "/perhaps")).await.body, "nobody");
    assert_eq!(ask(&app, request("GET", "/me")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&app, by_anna("GET", "/me")).await.body, "anna");
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_policy_of_its_own_is_followed_even_behind_a_guard() {
    let (world, count) = counting().await;
    let app = Router::new()
        .route("/", get(|session: Session<StillAlive>| async move { session.user_id().to_owned() }))
        .route("/maybe", get(|session: MaybeSession<StillAlive>| async move { session.0.is_some().to_string() }))
        .route_layer(verify_session(VerifyOptions::new().session_optional()))
        .layer(SuperTokensLayer::new(world.engine.clone()));
    assert_eq!(ask(&app, by_anna("GET", "/")).await.body, "anna");
    assert_eq!((count.load(Ordering::Relaxed), world.core.times("POST /recipe/session/verify")), (2, 1));
    assert_eq!(ask(&app, request("GET", "/")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&app, request("GET", "/maybe")).await.body, "false");
}

#[tokio::test]
async fn a_layer_on_a_nested_router_knows_the_original_address() {
    let world = World::new().await;
    let inner = Router::new()
        .route("/me", get(me))
        .route("/where", get(|auth: Auth, uri: Uri| async move { format!("{} {uri}", auth.request().path()) }))
        // Without it, axum gives what has no route to the outer router, around which there is no layer here.
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(SuperTokensLayer::new(world.engine.clone()));
    let app = Router::new().nest("/auth", inner);
    assert_eq!(ask(&app, by_anna("GET", "/auth/me")).await.body, "anna");
    assert_eq!(ask(&app, request("GET", "/auth/where")).await.body, "/auth/where /where");
    assert_eq!(ask(&app, by_anna("POST", "/auth/signout")).await.body, r#"{"status":"OK"}"#);
}

#[tokio::test]
async fn two_layers_are_one() {
    let (world, count) = counting().await;
    let layer = SuperTokensLayer::new(world.engine.clone());
    let inner = Router::new().route("/me", get(me)).route("/login", post(login)).layer(layer.clone());
    let app = Router::new().nest("/api", inner).layer(layer);
    assert_eq!(ask(&app, by_anna("GET", "/api/me")).await.body, "anna");
    assert_eq!(ask(&app, request("GET", "/api/me")).await.body, r#"{"message":"unauthorised"}"#);
    assert_eq!(ask(&app, by_browser("POST", "/api/login")).await.cookies().len(), 2);
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn sessions_of_others_are_ended_with_the_engine() {
    let world = World::new().await;
    async fn end(Engine(engine): Engine) -> Result<String> {
        Ok(engine.revoke_session("handle").await?.to_string())
    }
    let app = Router::new().route("/", post(end)).layer(SuperTokensLayer::new(world.engine.clone()));
    assert_eq!(ask(&app, request("POST", "/")).await.body, "true");
}

#[tokio::test]
async fn a_changed_clock_ends_a_session_that_was_known() {
    let world = World::new().await;
    let app = app(&world);
    assert_eq!(ask(&app, by_anna("GET", "/me")).await.status, StatusCode::OK);
    world.clock.fetch_add(2 * supertokens_domain::time::HOUR, Ordering::Relaxed);
    assert_eq!(ask(&app, by_anna("GET", "/me")).await.body, r#"{"message":"try refresh token"}"#);
}

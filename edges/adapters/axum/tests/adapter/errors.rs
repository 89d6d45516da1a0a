//! Errors of handlers, and what happens to what they had done before.

use std::sync::atomic::Ordering;

use axum::Router;
use axum::http::HeaderName;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde_json::json;
use supertokens::session::{Handlers, NewSession, SessionRecipe, VerifyOptions};
use supertokens_axum::{Auth, Engine, Error, MaybeSession, Result, Session, SuperTokensLayer, verify_session};

use crate::world::{World, app_info, ask, by_anna, by_browser, request};

#[tokio::test]
async fn an_error_after_a_login_logs_out_again() {
    let world = World::new().await;
    async fn fails(auth: Auth) -> Result<&'static str> {
        auth.create_new_session(NewSession::of("anna")).await?;
        Err(Error::unauthorised("on second thoughts"))
    }
    let app = Router::new().route("/", post(fails)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, by_browser("POST", "/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::UNAUTHORIZED, r#"{"message":"unauthorised"}"#));
    assert!(answer.logs_out(), "{answer:?}");
    assert_eq!(answer.cookies().len(), 2, "no token of the login goes out: {answer:?}");
}

#[tokio::test]
async fn a_claim_error_keeps_what_the_login_did() {
    let world = World::new().await;
    async fn fails(auth: Auth) -> Result<&'static str> {
        auth.create_new_session(NewSession::of("anna")).await?;
        let failures =
            vec![supertokens::ClaimFailure { id: "role".to_owned(), reason: Some(json!({ "message": "wrong value" })) }];
        Err(supertokens::Error::InvalidClaims { failures }.into())
    }
    let app = Router::new().route("/", post(fails)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, by_browser("POST", "/")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains(r#""id":"role""#), "{answer:?}");
    assert!(answer.cookies().iter().any(|cookie| cookie.starts_with("sAccessToken=ey")), "{answer:?}");
}

#[tokio::test]
async fn nothing_of_a_refused_handlers_own_response_is_kept() {
    let world = World::new().await;
    async fn fails() -> Response {
        let extra = AppendHeaders([(header::SET_COOKIE, "app=1"), (HeaderName::from_static("x-app"), "1")]);
        (extra, Error::unauthorised("out")).into_response()
    }
    let app = Router::new().route("/", get(fails)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, request("GET", "/")).await;
    assert!(answer.logs_out() && answer.header("x-app").is_none(), "{answer:?}");
    assert!(answer.cookies().iter().all(|cookie| !cookie.starts_with("app=")), "{answer:?}");
}

#[tokio::test]
async fn errors_of_the_application_are_its_own() {
    let world = World::new().await;
    async fn fails(auth: Auth) -> std::result::Result<&'static str, (StatusCode, &'static str)> {
        auth.create_new_session(NewSession::of("anna")).await.map_err(|_| (StatusCode::BAD_GATEWAY, "core"))?;
        Err((StatusCode::IM_A_TEAPOT, "short and stout"))
    }
    let app = Router::new().route("/", post(fails)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, by_browser("POST", "/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::IM_A_TEAPOT, "short and stout"));
    assert_eq!(answer.cookies().len(), 2, "the session was created all the same: {answer:?}");
}

#[tokio::test]
async fn a_fault_tells_nothing() {
    let world = World::new().await;
    world.core.is_down.store(true, Ordering::Relaxed);
    async fn ends(Engine(engine): Engine) -> Result<String> {
        Ok(engine.revoke_session("handle").await?.to_string())
    }
    let app = Router::new().route("/", post(ends)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, by_browser("POST", "/")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.body.contains("core"), "{answer:?}");
}

#[tokio::test]
async fn callbacks_write_the_answer() {
    let handlers = Handlers::new().on_unauthorised(|_, scope| async move {
        scope.respond_json(StatusCode::IM_A_TEAPOT, &json!({ "login": "please" }));
        Ok(())
    });
    let world = World::with(app_info(), |_| {
        supertokens::SuperTokens::builder(app_info()).recipe(SessionRecipe::new().error_handlers(handlers))
    })
    .await;
    let app = Router::new().route("/", get(|_: Session| async {})).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, request("GET", "/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::IM_A_TEAPOT, r#"{"login":"please"}"#));
}

#[tokio::test]
async fn handlers_may_look_at_a_refusal() {
    let world = World::new().await;
    async fn looks(session: Result<Session>) -> String {
        match session {
            Ok(session) => session.user_id().to_owned(),
            Err(error) => format!("my own page, because {:?}", error.kind().has_answer()),
        }
    }
    let app = Router::new().route("/", get(looks)).layer(SuperTokensLayer::new(world.engine.clone()));
    let answer = ask(&app, request("GET", "/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "my own page, because true"));
}

#[tokio::test]
async fn without_the_layer_everything_is_a_500_and_nothing_panics() {
    let app = Router::new()
        .route("/session", get(|_: Session| async {}))
        .route("/maybe", get(|_: MaybeSession| async {}))
        .route("/option", get(|_: Option<Session>| async {}))
        .route("/auth", get(|_: Auth| async {}))
        .route("/engine", get(|_: Engine| async {}))
        .merge(Router::new().route("/guard", get(|| async {})).route_layer(verify_session(VerifyOptions::new())));
    for path in ["/session", "/maybe", "/option", "/auth", "/engine", "/guard"] {
        let answer = ask(&app, by_anna("GET", path)).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""), "{path}");
    }
}

#[tokio::test]
async fn without_the_layer_an_error_still_has_its_status() {
    let app = Router::new().route("/", get(|| async { Err::<(), _>(Error::unauthorised("out")) }));
    assert_eq!(ask(&app, request("GET", "/")).await.status, StatusCode::UNAUTHORIZED);
}

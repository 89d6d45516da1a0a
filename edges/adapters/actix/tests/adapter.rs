//! What only actix has: middleware of the application's own that fails, and somebody who forgets ours.
#![allow(clippy::expect_used, reason = "a failed expectation is how a test fails")]

use std::fmt;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, HttpResponse, ResponseError, test, web};
use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_actix::{Auth, Session, SuperTokensMiddleware, verify_session};
use supertokens_testkit::errors_logged::ErrorsLogged;

async fn engine() -> SuperTokens {
    let app = AppInfo::new("Shop").api_domain("https://api.example.com").website_domain("https://example.com");
    let builder = SuperTokens::builder(app).core(Core::embedded("sqlite::memory:"));
    builder.recipe(SessionRecipe::new()).build().await.expect("an SDK")
}

async fn ok() -> &'static str {
    "ok"
}

#[actix_web::test]
async fn a_missing_middleware_is_logged_once() {
    let (log, _until_the_end) = ErrorsLogged::listen();
    let guarded = web::resource("/guarded").wrap(verify_session(VerifyOptions::new())).to(ok);
    let app = test::init_service(App::new().route("/", web::get().to(|_: Session| ok())).service(guarded)).await;
    for path in ["/", "/guarded", "/"] {
        let response = test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    log.says_once(".wrap(SuperTokensMiddleware::new(supertokens))");
}

/// Middleware that logs in, and then fails in its own way.
#[derive(Debug)]
struct OutOfTea;

impl fmt::Display for OutOfTea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of tea")
    }
}

impl ResponseError for OutOfTea {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::ImATeapot().insert_header(("x-tea", "none")).body("out of tea")
    }
}

async fn logs_in_and_fails(
    mut request: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse<actix_web::body::BoxBody>, actix_web::Error> {
    let auth = request.extract::<Auth>().await?;
    auth.create_new_session(NewSession::of("ada")).await.map_err(supertokens_actix::Error::from)?;
    Err(OutOfTea.into())
}

/// Middleware that fails with a response that can be had only once.
async fn fails_with_a_response(
    _: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse<actix_web::body::BoxBody>, actix_web::Error> {
    let response = HttpResponse::Conflict().insert_header(("x-tea", "none")).body("taken");
    Err(InternalError::from_response("taken", response).into())
}

async fn needs_a_session(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    request.extract::<Session>().await?;
    next.call(request).await
}

#[actix_web::test]
async fn an_error_of_middleware_stays_the_error_that_it_is_and_carries_the_tokens() {
    let sessions = SuperTokensMiddleware::new(engine().await);
    let app = App::new().service(web::resource("/").wrap(from_fn(logs_in_and_fails)).to(ok)).wrap(sessions);
    let app = test::init_service(app).await;
    let request = test::TestRequest::get().uri("/").insert_header(("st-auth-mode", "cookie")).to_request();
    let error = test::try_call_service(&app, request).await.expect_err("middleware fails");
    assert!(error.as_error::<OutOfTea>().is_some());
    for _ in 0..2 {
        let response = error.error_response();
        assert_eq!((response.status(), response.headers().contains_key("x-tea")), (StatusCode::IM_A_TEAPOT, true));
        assert_eq!(response.headers().get_all("set-cookie").count(), 2);
    }
}

#[actix_web::test]
async fn a_response_that_an_error_gives_only_once_is_the_answer() {
    let sessions = SuperTokensMiddleware::new(engine().await);
    let app = App::new().service(web::resource("/").wrap(from_fn(fails_with_a_response)).to(ok)).wrap(sessions);
    let app = test::init_service(app).await;
    let error = test::try_call_service(&app, test::TestRequest::get().uri("/").to_request()).await.expect_err("middleware fails");
    let response = error.error_response();
    assert_eq!((response.status(), response.headers().contains_key("x-tea")), (StatusCode::CONFLICT, true));
    assert_eq!(actix_web::body::to_bytes(response.into_body()).await.expect("a body"), "taken");
}

#[actix_web::test]
async fn a_session_error_that_middleware_returns_is_answered() {
    let sessions = SuperTokensMiddleware::new(engine().await);
    let app = App::new().service(web::resource("/").wrap(from_fn(needs_a_session)).to(ok)).wrap(sessions);
    let app = test::init_service(app).await;
    let error = test::try_call_service(&app, test::TestRequest::get().uri("/").to_request()).await.expect_err("no session");
    let response = error.error_response();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body = actix_web::body::to_bytes(response.into_body()).await.expect("a body");
    assert_eq!(body, r#"{"message":"unauthorised"}"#);
}

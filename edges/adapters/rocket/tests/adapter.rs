//! What only Rocket has: catchers, handlers that look at a refused guard, and somebody who forgets the fairing.
#![allow(clippy::expect_used, reason = "a failed expectation is how a test fails")]

use rocket::config::{Config, LogLevel};
use rocket::http::{Header, Status};
use rocket::local::asynchronous::Client;
use rocket::response::Redirect;
use rocket::{Build, Rocket, catch, catchers, get, post, routes};
use supertokens::adapter::VerifyPolicy;
use supertokens::session::{AntiCsrfMode, NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_rocket::{Auth, Error, MaybeSession, Result, Session, SuperTokensFairing};
use supertokens_testkit::errors_logged::ErrorsLogged;

async fn engine() -> SuperTokens {
    let app = AppInfo::new("Shop").api_domain("https://api.example.com").website_domain("https://example.com");
    let builder = SuperTokens::builder(app).core(Core::embedded("sqlite::memory:"));
    builder.recipe(SessionRecipe::new()).build().await.expect("an SDK")
}

fn rocket() -> Rocket<Build> {
    let config = Config { log_level: LogLevel::Off, ..Config::debug_default() };
    rocket::custom(config).mount("/", routes![me, looks, login])
}

#[get("/me")]
async fn me(session: Session) -> String {
    session.user_id().to_owned()
}

/// Looks at the refusal, and answers by itself.
#[get("/looks")]
async fn looks(session: std::result::Result<Session, Error>) -> &'static str {
    match session {
        Ok(_) => "in",
        Err(_) => "a page for strangers",
    }
}

#[post("/login")]
async fn login(auth: Auth) -> Result<()> {
    auth.create_new_session(NewSession::of("ada")).await?;
    Ok(())
}

/// Does not ask whether the request comes from a page of ours.
struct Lax;

impl VerifyPolicy for Lax {
    fn options() -> VerifyOptions {
        VerifyOptions::new().anti_csrf_check(false)
    }
}

#[post("/lax-first")]
async fn lax_first(lax: MaybeSession<Lax>, session: Session) -> String {
    format!("{} {}", lax.0.is_some(), session.user_id())
}

#[post("/lax")]
async fn lax(session: Session<Lax>) -> String {
    session.user_id().to_owned()
}

#[catch(401)]
fn page() -> &'static str {
    "a page that knows nothing of refreshing"
}

#[catch(401)]
fn elsewhere() -> Redirect {
    Redirect::to("/login-page")
}

#[rocket::async_test]
async fn a_missing_fairing_is_logged_once() {
    let client = Client::untracked(rocket()).await.expect("a rocket");
    let (log, _until_the_end) = ErrorsLogged::listen();
    for _ in 0..3 {
        assert_eq!(client.get("/me").dispatch().await.status(), Status::InternalServerError);
    }
    log.says_once(".attach(SuperTokensFairing::new(supertokens))");
}

#[rocket::async_test]
async fn a_handler_that_looks_at_the_refusal_answers_by_itself() {
    let rocket = rocket().attach(SuperTokensFairing::new(engine().await));
    let client = Client::untracked(rocket).await.expect("a rocket");
    let response = client.get("/looks").dispatch().await;
    assert_eq!((response.status(), response.into_string().await.as_deref()), (Status::Ok, Some("a page for strangers")));
}

#[rocket::async_test]
async fn what_a_laxer_policy_has_let_in_is_checked_again_for_others() {
    let app = AppInfo::new("Shop").api_domain("https://api.example.com").website_domain("https://example.com");
    let builder = SuperTokens::builder(app).core(Core::embedded("sqlite::memory:"));
    let engine = builder.recipe(SessionRecipe::new().anti_csrf(AntiCsrfMode::ViaCustomHeader)).build().await.expect("an SDK");
    let token = engine.create_new_session(NewSession::of("ada")).await.expect("a session").access_token();
    let rocket = rocket().mount("/", routes![lax, lax_first]).attach(SuperTokensFairing::new(engine));
    let client = Client::untracked(rocket).await.expect("a rocket");
    let asked = [("/lax", false, Status::Ok), ("/lax-first", false, Status::Unauthorized), ("/lax-first", true, Status::Ok)];
    for (path, is_of_a_page, expected) in asked {
        let mut request = client.post(path).header(Header::new("cookie", format!("sAccessToken={token}")));
        if is_of_a_page {
            request.add_header(Header::new("rid", "session"));
        }
        assert_eq!(request.dispatch().await.status(), expected, "{path}");
    }
}

#[rocket::async_test]
async fn a_catcher_that_keeps_the_status_is_replaced_and_one_that_makes_another_is_not() {
    let engine = engine().await;
    let sessions = || SuperTokensFairing::new(engine.clone());
    let client = Client::untracked(rocket().attach(sessions()).register("/", catchers![page])).await.expect("a rocket");
    let response = client.get("/me").dispatch().await;
    assert_eq!(
        (response.status(), response.content_type()),
        (Status::Unauthorized, Some(rocket::http::ContentType::JSON.with_params(("charset", "utf-8"))))
    );
    assert_eq!(response.into_string().await.as_deref(), Some(r#"{"message":"unauthorised"}"#));
    let client = Client::untracked(rocket().attach(sessions()).register("/", catchers![elsewhere])).await.expect("a rocket");
    let response = client.get("/me").dispatch().await;
    assert_eq!((response.status(), response.headers().get_one("location")), (Status::SeeOther, Some("/login-page")));
}

/// Rocket's own headers and those of its shield stay beside the tokens.
#[rocket::async_test]
async fn headers_of_other_fairings_stay() {
    let rocket = rocket().attach(SuperTokensFairing::new(engine().await));
    let client = Client::untracked(rocket).await.expect("a rocket");
    let response = client.post("/login").header(Header::new("st-auth-mode", "cookie")).dispatch().await;
    assert_eq!((response.status(), response.headers().get("set-cookie").count()), (Status::Ok, 2));
    assert!(response.headers().get_one("x-content-type-options").is_some());
}

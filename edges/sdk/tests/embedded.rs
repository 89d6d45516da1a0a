//! The whole life of a session against a core in this process, without any framework: what a new adapter builds on.
#![cfg(feature = "embedded")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what is missing fails it"
)]

use http::header::SET_COOKIE;
use http::{HeaderMap, Request};
use serde_json::json;
use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, Error, RequestView, Scope, SuperTokens};

async fn sdk() -> SuperTokens {
    let app = AppInfo::new("test").api_domain("http://localhost:3000").website_domain("http://localhost:3000");
    let builder = SuperTokens::builder(app).core(Core::embedded("sqlite::memory:")).recipe(SessionRecipe::default());
    builder.build().await.unwrap()
}

/// A browser: keeps cookies.
#[derive(Default, Clone)]
struct Jar(Vec<(String, String)>);

impl Jar {
    fn take(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.0.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn request(&self, engine: &SuperTokens, method: &str, path: &str) -> Scope {
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header("st-auth-mode", "cookie");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        Scope::new(engine.clone(), RequestView::of(&request.body(()).unwrap()))
    }
}

fn finish(scope: &Scope, jar: &mut Jar) -> HeaderMap {
    let mut headers = HeaderMap::new();
    scope.finish(&mut headers);
    jar.take(&headers);
    headers
}

#[tokio::test]
async fn a_session_is_created_verified_refreshed_and_ended() {
    let engine = sdk().await;
    let mut jar = Jar::default();
    let login = jar.request(&engine, "POST", "/login");
    let session =
        login.create_new_session(NewSession::of("user-1").claim("role", "admin").data(json!({"device": "test"}))).await.unwrap();
    assert_eq!(session.user_id(), "user-1");
    finish(&login, &mut jar);
    assert_eq!(jar.0.len(), 2);

    let read = jar.request(&engine, "GET", "/me");
    let found = read.verify_session(&VerifyOptions::default()).await.unwrap().expect("a session");
    assert_eq!(found.access_token_payload()["role"], "admin");
    assert_eq!(found.data_from_database().await.unwrap()["device"], "test");
    assert!(finish(&read, &mut jar).is_empty());

    let old = jar.clone();
    let refresh = jar.request(&engine, "POST", "/auth/session/refresh");
    let response = refresh.handle().await.expect("ours");
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, b"{}".as_slice()));
    jar.take(response.headers());
    assert_ne!(old.0, jar.0);

    let merge = jar.request(&engine, "POST", "/promote");
    let session = merge.verify_session(&VerifyOptions::default()).await.unwrap().unwrap();
    session.merge_into_access_token_payload(json!({"role": null, "plan": "pro"}).as_object().unwrap().clone()).await.unwrap();
    assert!(finish(&merge, &mut jar).contains_key("front-token"));

    let out = jar.request(&engine, "POST", "/auth/signout");
    let response = out.handle().await.expect("ours");
    assert_eq!(response.body().as_ref(), br#"{"status":"OK"}"#);
    assert_eq!(response.headers()["front-token"], "remove");
    jar.take(response.headers());
    assert!(jar.0.is_empty());
    let gone = old.request(&engine, "GET", "/me").verify_session(&VerifyOptions::new().check_database()).await;
    assert!(matches!(gone, Err(Error::Unauthorised { clear_tokens: true, .. })), "{gone:?}");
}

#[tokio::test]
async fn an_old_refresh_token_is_theft_and_ends_the_session() {
    let engine = sdk().await;
    let mut jar = Jar::default();
    let login = jar.request(&engine, "POST", "/login");
    login.create_new_session(NewSession::of("user-1")).await.unwrap();
    finish(&login, &mut jar);
    let stolen = jar.clone();
    for _ in 0..2 {
        let response = jar.request(&engine, "POST", "/auth/session/refresh").handle().await.unwrap();
        assert_eq!(response.status(), 200);
        jar.take(response.headers());
    }
    let response = stolen.request(&engine, "POST", "/auth/session/refresh").handle().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.body().as_ref(), br#"{"message":"token theft detected"}"#);
    assert_eq!(response.headers()["front-token"], "remove");
    let honest = jar.request(&engine, "POST", "/auth/session/refresh").handle().await.unwrap();
    assert_eq!((honest.status().as_u16(), honest.body().as_ref()), (401, br#"{"message":"unauthorised"}"#.as_slice()));
}

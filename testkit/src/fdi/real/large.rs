//! Payloads that outgrow access tokens: the application learns it before anything is stored, and no session becomes a prison.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use supertokens::session::{Claim, NewSession, Session, VerifyOptions};
use supertokens::{Error, Payload};

use super::{Cdi, payload, text};
use crate::fdi::{Answer, AppRoute, Guard, Mode, Stage, routes};
use crate::scenarios;

/// As when somebody has so many permissions.
fn permissions(many: usize) -> Value {
    json!((0..many).map(|n| format!("p{n:04}:read")).collect::<Vec<_>>())
}

fn grown(many: usize) -> Payload {
    payload(json!({ "permissions": permissions(many) }))
}

#[track_caller]
fn too_large<T: std::fmt::Debug>(done: Result<T, Error>) {
    assert!(matches!(&done, Err(Error::PayloadTooLarge(_))), "{done:?}");
}

/// Size, limit and remedy.
#[track_caller]
fn says_what_to_do(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    let words = text(&answer.json()["message"]);
    assert!(words.contains("22") && words.contains("16384") && words.contains("userDataInDatabase"), "{words}");
    answer.touches_no_token();
}

async fn a_payload_that_is_too_large_is_refused_before_anything_is_stored(stage: &Stage) {
    let held = Arc::new(AtomicUsize::new(1));
    let counted = Arc::clone(&held);
    let claim = Claim::new("permissions", move |_| {
        let many = counted.load(Ordering::SeqCst);
        async move { Ok(Some(permissions(many))) }
    });
    let growing = VerifyOptions::new().require(claim.includes("p0000:read").max_age_in_seconds(0));
    let mut list = routes::standard();
    list.push(AppRoute::get("/growing", Guard::With(growing), |_, session| async move { Ok(routes::who(session)) }));
    list.push(AppRoute::post("/grow", Guard::Required, |_, session| async move {
        let session: Session = routes::there(session);
        session.merge_into_access_token_payload(grown(1_200)).await?;
        Ok(routes::who(Some(session)))
    }));
    list.push(AppRoute::post("/begin", Guard::Open, |scope, _| async move {
        let session = scope.create_new_session(NewSession::of("bob").payload(grown(1_200))).await?;
        Ok(routes::who(Some(session)))
    }));
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, list.clone()).await;
        let browser = app.browser(Mode::Header);
        let handle = text(&browser.log_in("ada").await.ok()["handle"]);
        let stored = || async {
            let found = app.engine.session_information(&handle).await.expect("an answer").expect("a session");
            found.custom_claims_in_access_token_payload
        };
        let before = stored().await;
        says_what_to_do(&app.post("/begin").send().await);
        assert_eq!(app.engine.session_handles_of_user("bob").await.expect("a list"), Vec::<String>::new());
        too_large(app.engine.create_new_session(NewSession::of("bob").payload(grown(1_200))).await);
        too_large(app.engine.merge_into_access_token_payload(&handle, grown(1_200)).await);
        says_what_to_do(&browser.post("/grow").await);
        assert_eq!(stored().await, before);
        // A claim that has grown: refused, and the session goes on as it was.
        held.store(1, Ordering::SeqCst);
        stage.clock.advance(1_000);
        browser.get("/growing").await.ok();
        let before = stored().await;
        held.store(1_200, Ordering::SeqCst);
        stage.clock.advance(1_000);
        says_what_to_do(&browser.get("/growing").await);
        assert_eq!(stored().await, before);
        browser.refresh().await.ok();
        browser.get("/session").await.ok();
        assert_eq!(browser.post("/auth/signout").await.status, 200);
    }
}

async fn a_session_that_is_too_large_already_is_refreshed_shrunk_and_ended(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let engine = stage.engine(|plan| cdi.of(stage, plan)).await;
        let session = engine.create_new_session(NewSession::of("ada")).await.expect("a session");
        let handle = session.handle().to_owned();
        let behind = json!({ "permissions": permissions(1_200), "plan": "free" });
        let sql = format!("update session_info set jwt_user_payload = '{behind}' where session_handle = '{handle}'");
        stage.world().write(&sql).await;
        // One that has an older token and asks the core has the payload at once, like one that refreshes.
        let options = VerifyOptions::new().check_database();
        let seen = engine.get_session(session.access_token(), None, &options).await.expect("good").expect("a session");
        assert_eq!(seen.access_token_payload()["permissions"].as_array().map(Vec::len), Some(1_200));
        let refresh = session.all_session_tokens_dangerously().refresh_token.expect("a refresh token");
        let refreshed = engine.refresh_session(refresh, true, None).await.expect("new tokens");
        assert!(refreshed.access_token().len() > 16 * 1024);
        let token = refreshed.access_token();
        engine.get_session(token.as_str(), None, &VerifyOptions::new()).await.expect("good").expect("a session");
        too_large(refreshed.merge_into_access_token_payload(payload(json!({ "plan": "paid" }))).await);
        let shrunk = engine.get_session(token.as_str(), None, &options).await.expect("good").expect("a session");
        shrunk.merge_into_access_token_payload(payload(json!({ "permissions": null }))).await.expect("a change");
        assert!(shrunk.access_token().len() < 2_048);
        assert_eq!(shrunk.access_token_payload()["plan"], "free");
        stage.world().write(&sql).await;
        assert!(
            engine.merge_into_access_token_payload(&handle, payload(json!({ "permissions": null }))).await.expect("an answer")
        );
        stage.world().write(&sql).await;
        assert!(engine.revoke_session(&handle).await.expect("an answer"));
    }
}

scenarios!(Stage:
    a_payload_that_is_too_large_is_refused_before_anything_is_stored,
    a_session_that_is_too_large_already_is_refreshed_shrunk_and_ended,
);

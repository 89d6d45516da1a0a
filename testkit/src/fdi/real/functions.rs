//! Functions on handles, users and tokens, without a request or beside one.

use http::Method;
use serde_json::json;
use supertokens::Error;
use supertokens::session::{
    AllSessionTokens, CreateNewSession, GetAllSessionHandlesForUser, NewSession, RevokeAllSessionsForUser, TransferMethod,
    VerifyOptions,
};
use supertokens::{SuperTokens, UserContext};
use supertokens_domain::time::{DAY, HOUR, SECOND};

use super::{Cdi, payload, text, token_payload};
use crate::cdi::place::put_tenant;
use crate::fdi::{AppAnswer, AppRoute, Guard, Mode, Stage, routes};
use crate::scenarios;

async fn new_session(engine: &SuperTokens, user: &str) -> (String, AllSessionTokens) {
    let session = engine.create_new_session(NewSession::of(user)).await.expect("a session");
    (session.handle().to_owned(), session.all_session_tokens_dangerously())
}

/// A user's sessions are listed, looked at and ended, from one place, for all devices.
async fn all_sessions_of_a_user_are_listed_and_ended(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, routes::standard()).await;
        let user = format!("ada-{cdi:?}");
        let browsers = [app.browser(Mode::Cookie), app.browser(Mode::Header)];
        let mut handles = Vec::new();
        for browser in &browsers {
            handles.push(text(&browser.log_in(&user).await.ok()["handle"]));
        }
        let other = app.browser(Mode::Header);
        other.log_in("bob").await;
        handles.sort();
        let mut listed = app.engine.session_handles_of_user(&user).await.expect("a list");
        listed.sort();
        assert_eq!(listed, handles);
        let mut ended = app.engine.revoke_all_sessions_of_user(&user).await.expect("a list");
        ended.sort();
        assert_eq!(ended, handles);
        assert_eq!(app.engine.session_handles_of_user(&user).await.expect("a list"), Vec::<String>::new());
        for browser in &browsers {
            browser.refresh().await.refuses(401, "unauthorised");
            assert!(!browser.has_session());
        }
        other.refresh().await.ok();
        assert_eq!(app.engine.revoke_all_sessions_of_user(&user).await.expect("a list"), Vec::<String>::new());
    }
}

/// What the core keeps of a session, and how its data is changed.
async fn a_session_is_looked_at_and_its_data_changed(stage: &Stage) {
    let engine = stage.engine(|plan| plan).await;
    let began = stage.clock.now();
    let new = NewSession::of("ada").claim("plan", "free").data(json!({ "cart": [1, 2] }));
    let session = engine.create_new_session(new).await.expect("a session");
    let found = engine.session_information(session.handle()).await.expect("an answer").expect("a session");
    assert_eq!((found.user_id.as_str(), found.recipe_user_id.as_str(), found.tenant_id.as_str()), ("ada", "ada", "public"));
    assert_eq!((found.time_created, found.expiry), (began, began + 100 * DAY));
    assert_eq!(found.session_data_in_database, payload(json!({ "cart": [1, 2] })));
    let claims = json!({ "plan": "free", "iss": "http://api.example.com/auth" });
    assert_eq!(found.custom_claims_in_access_token_payload, payload(claims));
    assert_eq!(session.data_from_database().await.expect("data"), payload(json!({ "cart": [1, 2] })));

    session.update_data_in_database(json!({ "cart": [] })).await.expect("an update");
    assert_eq!(session.data_from_database().await.expect("data"), payload(json!({ "cart": [] })));
    assert!(engine.update_session_data(session.handle(), json!(null)).await.expect("an answer"));
    assert_eq!(session.data_from_database().await.expect("data"), payload(json!({})));
    assert!(
        engine
            .merge_into_access_token_payload(session.handle(), payload(json!({ "plan": null, "n": 1 })))
            .await
            .expect("an answer")
    );
    let found = session.information().await.expect("a session");
    assert_eq!(found.custom_claims_in_access_token_payload, payload(json!({ "n": 1, "iss": "http://api.example.com/auth" })));

    session.revoke().await.expect("an end");
    session.revoke().await.expect("nothing to end, and that is fine");
    for gone in [session.data_from_database().await, session.information().await.map(|found| found.session_data_in_database)] {
        assert!(matches!(gone, Err(Error::Unauthorised { .. })), "{gone:?}");
    }
    assert!(!engine.update_session_data(session.handle(), json!({})).await.expect("an answer"));
    assert!(!engine.merge_into_access_token_payload(session.handle(), payload(json!({}))).await.expect("an answer"));
    for nonsense in ["", "nonsense", "11111111-1111-4111-8111-111111111111"] {
        assert_eq!(engine.session_information(nonsense).await.expect("an answer"), None, "{nonsense:?}");
        assert!(!engine.revoke_session(nonsense).await.expect("an answer"), "{nonsense:?}");
    }
}

/// The payload that was changed by handle is in the next access token.
async fn a_payload_changed_by_handle_is_in_the_next_token(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, routes::standard()).await;
        let browser = app.browser(Mode::Header);
        let handle = text(&browser.log_in("ada").await.ok()["handle"]);
        assert!(
            app.engine.merge_into_access_token_payload(&handle, payload(json!({ "plan": "paid" }))).await.expect("an answer")
        );
        assert_eq!(browser.get("/session").await.ok()["payload"]["plan"], json!(null));
        browser.refresh().await.ok();
        assert_eq!(browser.get("/session").await.ok()["payload"]["plan"], "paid");
    }
}

/// 122 and 60 on a real core: a tenant's sessions are the tenant's.
async fn sessions_of_a_tenant_are_listed_and_ended_by_tenant(stage: &Stage) {
    put_tenant(stage.world(), "", "t1", json!({})).await;
    stage.world().core().tenants().reload().await.expect("the tenants");
    for cdi in Cdi::BOTH {
        let engine = stage.engine(|plan| cdi.of(stage, plan)).await;
        let user = format!("ada-{cdi:?}");
        let here = engine.create_new_session(NewSession::of(&user).tenant("t1")).await.expect("a session");
        let (there, _) = new_session(&engine, &user).await;
        assert_eq!((here.tenant_id(), token_payload(&here.access_token())["tId"].as_str()), ("t1", Some("t1")));
        let options = VerifyOptions::new().check_database();
        let checked = engine.get_session(here.access_token(), None, &options).await.expect("good").expect("a session");
        assert_eq!(checked.tenant_id(), "t1");
        let list = |tenant: Option<&str>| {
            engine.call(GetAllSessionHandlesForUser {
                user_id: user.clone(),
                fetch_sessions_for_all_linked_accounts: true,
                tenant_id: tenant.map(str::to_owned),
                context: UserContext::new(),
            })
        };
        assert_eq!(list(Some("t1")).await.expect("a list"), [here.handle()]);
        assert_eq!(list(Some("public")).await.expect("a list"), [there.as_str()]);
        assert_eq!(list(None).await.expect("a list").len(), 2);
        let ended = engine
            .call(RevokeAllSessionsForUser {
                user_id: user.clone(),
                revoke_sessions_for_linked_accounts: true,
                tenant_id: Some("t1".to_owned()),
                context: UserContext::new(),
            })
            .await;
        assert_eq!(ended.expect("a list"), [here.handle()]);
        assert_eq!(list(None).await.expect("a list"), [there.as_str()]);
    }
}

/// An access token that came some other way than with a request.
async fn a_token_is_checked_without_a_request(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let engine = stage.engine(|plan| cdi.of(stage, plan)).await;
        let (handle, tokens) = new_session(&engine, "ada").await;
        let options = VerifyOptions::new();
        let good = engine.get_session(tokens.access_token.as_str(), None, &options).await.expect("good").expect("a session");
        assert_eq!((good.handle(), good.user_id()), (handle.as_str(), "ada"));
        assert!(!good.all_session_tokens_dangerously().access_and_front_token_updated);

        let (rest, signature) = tokens.access_token.rsplit_once('.').expect("three parts");
        let turned = if signature.starts_with('A') { "B" } else { "A" };
        let altered = format!("{rest}.{turned}{}", &signature[1..]);
        let refused = engine.get_session(altered.as_str(), None, &options).await;
        assert!(matches!(refused, Err(Error::TryRefreshToken { .. })), "{refused:?}");
        for nonsense in ["", "a.b.c", "nonsense"] {
            let refused = engine.get_session(nonsense, None, &options).await;
            assert!(matches!(refused, Err(Error::Unauthorised { clear_tokens: false, .. })), "{nonsense:?}: {refused:?}");
            let optional = engine.get_session(nonsense, None, &VerifyOptions::new().session_optional()).await;
            assert!(optional.expect("no error").is_none());
        }

        let refresh = tokens.refresh_token.as_deref().expect("a refresh token");
        let newer = engine.refresh_session(refresh, false, None).await.expect("new tokens");
        assert_eq!(newer.handle(), handle);
        let gone = engine.refresh_session("nonsense", false, None).await;
        assert!(matches!(gone, Err(Error::Unauthorised { .. })), "{gone:?}");

        stage.clock.advance(HOUR + SECOND);
        for options in [VerifyOptions::new(), VerifyOptions::new().session_optional(), VerifyOptions::new().check_database()] {
            let refused = engine.get_session(tokens.access_token.as_str(), None, &options).await;
            assert!(matches!(refused, Err(Error::TryRefreshToken { .. })), "{refused:?}");
        }
        assert!(engine.peek_access_token(tokens.access_token.as_str()).await.is_none());
    }
}

/// 73 on a real core.
async fn a_session_made_without_a_request_is_attached_to_one_later(stage: &Stage) {
    let attach = AppRoute::post("/attach", Guard::Open, |scope, _| async move {
        let session = scope.supertokens().create_new_session(NewSession::of("ada")).await?;
        let tokens = session.all_session_tokens_dangerously();
        assert!(tokens.access_and_front_token_updated && tokens.refresh_token.is_some());
        let cookie = scope.request().header("st-auth-mode").as_deref() == Some("cookie");
        session.attach(&scope, if cookie { TransferMethod::Cookie } else { TransferMethod::Header })?;
        Ok(AppAnswer::json(json!({ "handle": session.handle() })))
    });
    let mut list = routes::standard();
    list.push(attach);
    let app = stage.app(|plan| plan, list).await;
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        let handle = browser.once(Method::POST, "/attach").await.ok()["handle"].clone();
        assert_eq!(browser.get("/session").await.ok()["handle"], handle);
        browser.refresh().await.ok();
        assert_eq!(browser.get("/session").await.ok()["handle"], handle);
    }
}

/// 72 on a real core: what an override adds is in the session.
async fn an_override_of_creating_a_session_counts(stage: &Stage) {
    let change = |plan: crate::fdi::Plan| {
        plan.builder(|builder| {
            builder.with_override(|mut call: CreateNewSession, next| async move {
                call.access_token_payload.insert("plan".to_owned(), json!(format!("of {}", call.user_id)));
                next.run(call).await
            })
        })
    };
    let app = stage.app(change, routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    assert_eq!(browser.log_in("ada").await.ok()["payload"]["plan"], "of ada");
    browser.refresh().await.ok();
    assert_eq!(browser.get("/session").await.ok()["payload"]["plan"], "of ada");
}

/// 59 on a real core: names that are the core's own cannot be forged, and large and odd payloads survive.
async fn payloads_survive_and_protected_names_do_not(stage: &Stage) {
    let engine = stage.engine(|plan| plan).await;
    let odd = json!({
        "text": "Grüße \u{1F600} \"quoted\" \\ \u{0}", "big": 9_007_199_254_740_993_i64, "float": 1.5, "list": [1, [2, {}], null],
        "nested": { "a": { "b": [true, false] } }, "": "empty name", "null": null, "long": "x".repeat(3000),
    });
    let mut wanted = payload(odd.clone());
    wanted.extend(payload(json!({ "sub": "evil", "tId": "x", "sessionHandle": "y", "rsub": "z", "stt": 1 })));
    let session = engine.create_new_session(NewSession::of("ada").payload(wanted)).await.expect("a session");
    let seen = engine.get_session(session.access_token(), None, &VerifyOptions::new()).await.expect("good").expect("a session");
    let seen = seen.access_token_payload();
    for (name, value) in odd.as_object().expect("an object") {
        assert_eq!(seen.get(name), Some(value), "{name}");
    }
    assert_eq!((&seen["sub"], &seen["tId"]), (&json!("ada"), &json!("public")));
    assert_eq!((seen["rsub"].as_str(), seen["sessionHandle"].as_str()), (Some("ada"), Some(session.handle())));
    assert_ne!(seen.get("stt"), Some(&json!(1)));
}

scenarios!(Stage:
    all_sessions_of_a_user_are_listed_and_ended,
    a_session_is_looked_at_and_its_data_changed,
    a_payload_changed_by_handle_is_in_the_next_token,
    sessions_of_a_tenant_are_listed_and_ended_by_tenant,
    a_token_is_checked_without_a_request,
    a_session_made_without_a_request_is_attached_to_one_later,
    an_override_of_creating_a_session_counts,
    payloads_survive_and_protected_names_do_not,
);

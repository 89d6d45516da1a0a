//! What an application takes away by handle, from whom it is no longer true, stays away: whatever the browser still has in its token.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use supertokens::UserContext;
use supertokens::session::{Claim, ClaimValidator, NewSession, SetClaimValue, VerifyOptions};

use super::{Cdi, payload, text};
use crate::fdi::{App, AppRoute, Browser, Guard, Mode, Stage, routes};
use crate::scenarios;

/// A claim whose source says what the scenario wants.
#[derive(Clone, Default)]
struct Source(Arc<Mutex<Option<&'static str>>>);

impl Source {
    fn says(&self, value: Option<&'static str>) {
        *self.0.lock().expect("nobody panics here") = value;
    }

    fn claim(&self, key: &str) -> Claim {
        let source = self.clone();
        Claim::new(key, move |_| {
            let now = *source.0.lock().expect("nobody panics here");
            async move { Ok(now.map(Value::from)) }
        })
    }
}

/// The claim `role`, which nobody can find out again.
fn role() -> Claim {
    Source::default().claim("role")
}

fn admin() -> VerifyOptions {
    // Not one that would be fetched: the claim is judged as it stands.
    struct IsAdmin;
    impl ClaimValidator for IsAdmin {
        fn id(&self) -> &str {
            "role"
        }

        fn validate<'a>(
            &'a self,
            payload: &'a supertokens::Payload,
            now: i64,
            context: &'a UserContext,
        ) -> supertokens::BoxFuture<'a, Result<supertokens::session::Verdict, supertokens::Error>> {
            Box::pin(async move { role().has_value("admin").validate(payload, now, context).await })
        }
    }
    VerifyOptions::new().require(IsAdmin)
}

/// Routes for admins, one of which asks the core, and others that change something else.
fn with_admins(plan: &Source) -> Vec<AppRoute> {
    let mut list = routes::standard();
    let refetching = plan.claim("plan").has_value("paid");
    for (path, options) in [
        ("/admin", admin()),
        ("/certain", admin().check_database()),
        ("/refetching", VerifyOptions::new().require(refetching.clone())),
        ("/admin-refetching", admin().require(refetching)),
    ] {
        list.push(AppRoute::get(path, Guard::With(options), |_, session| async move { Ok(routes::who(session)) }));
    }
    list.push(AppRoute::post("/log-in-admin", Guard::Open, |scope, _| async move {
        let role = json!({ "v": "admin", "t": 0 });
        Ok(routes::who(Some(scope.create_new_session(NewSession::of("mallory").claim("role", role)).await?)))
    }));
    for path in ["/plan/fetch", "/plan/set", "/plan/remove", "/plan/merge"] {
        let plan = plan.claim("plan");
        list.push(AppRoute::post(path, Guard::Required, move |_, session| {
            let plan = plan.clone();
            async move {
                let session = routes::there(session);
                match path {
                    "/plan/fetch" => session.fetch_and_set_claim(&plan).await?,
                    "/plan/set" => session.set_claim_value(&plan, "set").await?,
                    "/plan/remove" => session.remove_claim(&plan).await?,
                    _ => session.merge_into_access_token_payload(payload(json!({ "theme": "dark" }))).await?,
                }
                Ok(routes::who(Some(session)))
            }
        }));
    }
    list
}

/// An admin who is none any more, but has a token that says so.
async fn dismissed(app: &App, mode: Mode) -> (Browser, String) {
    let browser = app.browser(mode);
    let handle = text(&browser.once(Method::POST, "/log-in-admin").await.ok()["handle"]);
    browser.get("/certain").await.ok();
    assert!(app.engine.merge_into_access_token_payload(&handle, payload(json!({ "role": null }))).await.expect("an answer"));
    (browser, handle)
}

async fn row(app: &App, handle: &str) -> supertokens::Payload {
    let found = app.engine.session_information(handle).await.expect("an answer").expect("a session");
    found.custom_claims_in_access_token_payload
}

/// How many questions to the core an act costs.
async fn costs<T>(app: &App, act: impl Future<Output = T>) -> (u64, T) {
    let before = app.engine.figures().core_calls;
    let done = act.await;
    (app.engine.figures().core_calls - before, done)
}

async fn what_was_taken_away_counts_at_once_where_the_core_is_asked(stage: &Stage) {
    for cdi in Cdi::BOTH {
        for mode in [Mode::Cookie, Mode::Header] {
            let app = cdi.app(stage, with_admins(&Source::default())).await;
            let (browser, _) = dismissed(&app, mode).await;
            let (calls, seen) = costs(&app, browser.get("/admin")).await;
            assert_eq!(
                (calls, seen.ok()["payload"]["role"]["v"].as_str()),
                (0, Some("admin")),
                "the token is believed where nobody asks"
            );
            let refused = browser.get("/certain").await;
            assert_eq!(
                (refused.status, refused.json()["claimValidationErrors"][0]["id"].as_str()),
                (403, Some("role")),
                "{cdi:?}"
            );
            // Who has no such claim to fail gets a new token with the answer, and the next request costs one question again.
            let (calls, seen) = costs(&app, browser.get("/database")).await;
            assert_eq!((calls, seen.ok()["payload"].get("role")), (if cdi == Cdi::V5_6 { 2 } else { 1 }, None));
            assert!(seen.access_token().is_some() && seen.refresh_token().is_none());
            assert_eq!(seen.front_payload().get("role"), None);
            let (calls, seen) = costs(&app, browser.get("/database")).await;
            seen.touches_no_token();
            assert_eq!(calls, 1);
            assert_eq!(browser.get("/admin").await.status, 403);
            assert_eq!(browser.post("/auth/signout").await.status, 200);
        }
    }
}

/// Without a request: the token of a message, or of another service.
async fn a_token_alone_is_judged_by_what_is_stored_too(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let engine = stage.engine(|plan| cdi.of(stage, plan)).await;
        let new = NewSession::of("mallory").claim("role", json!({ "v": "admin", "t": 0 }));
        let session = engine.create_new_session(new).await.expect("a session");
        let set = SetClaimValue {
            session_handle: session.handle().to_owned(),
            claim: Arc::new(role()),
            value: json!("guest"),
            context: UserContext::new(),
        };
        assert!(engine.call(set).await.expect("an answer"));
        let token = session.access_token();
        engine.get_session(token.as_str(), None, &admin()).await.expect("the token says so");
        let refused = engine.get_session(token.as_str(), None, &admin().check_database()).await;
        assert!(matches!(refused, Err(supertokens::Error::InvalidClaims { .. })), "{refused:?}");
        let seen = engine.get_session(token.as_str(), None, &VerifyOptions::new().check_database()).await;
        let seen = seen.expect("good").expect("a session");
        assert_eq!(seen.claim_value(&role()), Some(json!("guest")));
        assert!(seen.all_session_tokens_dangerously().access_and_front_token_updated && seen.access_token() != token);
        engine.revoke_session(session.handle()).await.expect("an end");
        let gone = engine.get_session(token.as_str(), None, &VerifyOptions::new().check_database()).await;
        assert!(matches!(gone, Err(supertokens::Error::Unauthorised { .. })), "{gone:?}");
    }
}

async fn nothing_that_changes_another_claim_brings_it_back(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let plan = Source::default();
        plan.says(Some("paid"));
        let app = cdi.app(stage, with_admins(&plan)).await;
        for (how, left) in
            [("/plan/fetch", Some("paid")), ("/plan/set", Some("set")), ("/plan/remove", None), ("/plan/merge", None)]
        {
            let (browser, handle) = dismissed(&app, Mode::Cookie).await;
            let (calls, seen) = costs(&app, browser.post(how)).await;
            assert_eq!((calls, seen.ok()["payload"].get("role")), (2, None), "{how}");
            assert_eq!(seen.front_payload().get("role"), None, "{how}");
            let stored = row(&app, &handle).await;
            assert_eq!((stored.get("role"), stored.get("plan").and_then(|plan| plan["v"].as_str())), (None, left), "{how}");
            assert_eq!(stored.get("theme").is_some(), how == "/plan/merge");
        }
        // A value that a route has fetched again, and a route that asks for both: what storing it shows is judged too.
        let (browser, handle) = dismissed(&app, Mode::Cookie).await;
        assert_eq!(browser.get("/refetching").await.ok()["payload"].get("role"), None);
        assert_eq!((row(&app, &handle).await.get("role"), &row(&app, &handle).await["plan"]["v"]), (None, &json!("paid")));
        let (browser, handle) = dismissed(&app, Mode::Cookie).await;
        let refused = browser.get("/admin-refetching").await;
        assert_eq!((refused.status, refused.json()["claimValidationErrors"][0]["id"].as_str()), (403, Some("role")));
        assert_eq!((row(&app, &handle).await.get("role"), &row(&app, &handle).await["plan"]["v"]), (None, &json!("paid")));
        browser.refresh().await.ok();
        assert_eq!(browser.get("/admin").await.status, 403);
    }
}

async fn changes_of_one_session_at_once_lose_nothing(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let engine = stage.engine(|plan| cdi.of(stage, plan)).await;
        let session = engine.create_new_session(NewSession::of("ada").claim("kept", true)).await.expect("a session");
        let by_handle = (0..8).map(|n| engine.merge_into_access_token_payload(session.handle(), one(format!("h{n}"))));
        let in_hand = (0..8).map(|n| session.merge_into_access_token_payload(one(format!("s{n}"))));
        let (by_handle, in_hand) = futures_util::join!(join_all(by_handle), join_all(in_hand));
        assert!(by_handle.into_iter().all(|done| done.expect("an answer")) && in_hand.into_iter().all(|done| done.is_ok()));
        let stored = session.information().await.expect("a session").custom_claims_in_access_token_payload;
        let missing: Vec<String> =
            (0..8).flat_map(|n| [format!("h{n}"), format!("s{n}")]).filter(|name| !stored.contains_key(name)).collect();
        assert_eq!((missing, stored.get("kept")), (Vec::new(), Some(&json!(true))));
    }
}

fn one(name: String) -> supertokens::Payload {
    supertokens::Payload::from_iter([(name, json!(1))])
}

async fn a_claim_whose_source_says_that_there_is_none_is_removed(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let plan = Source::default();
        plan.says(Some("paid"));
        let recipe_claim = plan.claim("plan");
        let app = stage.app(|of| cdi.of(stage, of).sessions(|sessions| sessions.claim(recipe_claim)), with_admins(&plan)).await;
        let claim: Arc<dyn supertokens::session::SessionClaim> = Arc::new(plan.claim("plan"));
        let log_in = || async {
            let browser = app.browser(Mode::Header);
            let seen = browser.log_in("ada").await.ok();
            (browser, text(&seen["handle"]), seen["payload"].get("plan").is_some())
        };
        // In a handler, by handle, found out by a validator, judged by handle, and when a session begins.
        let (browser, handle, had) = log_in().await;
        plan.says(None);
        let seen = browser.post("/plan/fetch").await;
        assert_eq!((had, seen.ok()["payload"].get("plan"), row(&app, &handle).await.get("plan")), (true, None, None));

        plan.says(Some("paid"));
        let (_, handle, _) = log_in().await;
        plan.says(None);
        let fetch = supertokens::session::FetchAndSetClaim {
            session_handle: handle.clone(),
            claim: Arc::clone(&claim),
            context: UserContext::new(),
        };
        assert!(app.engine.call(fetch).await.expect("an answer"));
        assert_eq!(row(&app, &handle).await.get("plan"), None);

        plan.says(Some("paid"));
        let (_, handle, _) = log_in().await;
        plan.says(None);
        let old = plan.claim("plan").has_value("paid").max_age_in_seconds(0);
        stage.clock.advance(1_000);
        let failed = app.engine.validate_claims_for_session_handle(&handle, |_, _| vec![Arc::new(old)]).await;
        assert_eq!(failed.expect("an answer").expect("a session").len(), 1);
        assert_eq!(row(&app, &handle).await.get("plan"), None);

        let (browser, _, had) = log_in().await;
        assert!(!had);
        assert_eq!(browser.get("/refetching").await.status, 403);
    }
}

scenarios!(Stage:
    what_was_taken_away_counts_at_once_where_the_core_is_asked,
    a_token_alone_is_judged_by_what_is_stored_too,
    nothing_that_changes_another_claim_brings_it_back,
    changes_of_one_session_at_once_lose_nothing,
    a_claim_whose_source_says_that_there_is_none_is_removed,
);

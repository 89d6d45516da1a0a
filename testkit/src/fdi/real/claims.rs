//! Claims on a real core: fetched, kept, fetched again, judged.

use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::{Value, json};
use supertokens::UserContext;
use supertokens::session::{
    Claim, ClaimValidator, FetchAndSetClaim, GetClaimValue, RemoveClaim, SessionClaim, SetClaimValue, VerifyOptions,
};
use supertokens_domain::time::SECOND;

use super::{Cdi, payload, text};
use crate::fdi::{AppAnswer, AppRoute, FrontToken, Guard, Mode, Plan, Stage, routes};
use crate::scenarios;

/// What the application's own database says of everybody's roles.
#[derive(Clone, Default)]
struct Roles(Arc<Mutex<Vec<&'static str>>>);

impl Roles {
    fn set(&self, roles: &[&'static str]) {
        *self.0.lock().expect("nobody panics here") = roles.to_vec();
    }

    /// The claim `roles`.
    fn claim(&self) -> Claim {
        let roles = self.clone();
        Claim::new("roles", move |_| {
            let now = roles.0.lock().expect("nobody panics here").clone();
            async move { Ok(Some(json!(now))) }
        })
    }

    /// Every session has the claim, and must include `admin`; a minute is how long a value is believed.
    fn demanded(&self, plan: Plan) -> Plan {
        let claim = self.claim();
        let validator = claim.includes("admin").max_age_in_seconds(60);
        plan.sessions(|sessions| sessions.claim(claim).claim_validator(validator))
    }
}

fn failing(answer: &crate::fdi::Answer) -> Vec<String> {
    assert_eq!(answer.status, 403, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["message"], "invalid claim");
    body["claimValidationErrors"].as_array().expect("a list").iter().map(|failure| text(&failure["id"])).collect()
}

/// 131 and 71 on a real core.
async fn a_claim_that_became_true_is_found_out_when_it_is_too_old(stage: &Stage) {
    for cdi in Cdi::BOTH {
        for mode in [Mode::Cookie, Mode::Header] {
            let roles = Roles::default();
            let app = stage.app(|plan| roles.demanded(cdi.of(stage, plan)), routes::standard()).await;
            let browser = app.browser(mode);
            let login = browser.log_in("ada").await;
            assert_eq!(login.front_payload()["roles"], json!({ "v": [], "t": stage.clock.now() }));
            roles.set(&["admin"]);
            let refused = browser.get("/session").await;
            assert_eq!(failing(&refused), ["roles"]);
            refused.touches_no_token();
            stage.clock.advance(61 * SECOND);
            let seen = browser.get("/session").await;
            assert_eq!(seen.ok()["payload"]["roles"]["v"], json!(["admin"]));
            assert_eq!(seen.front_payload()["roles"], json!({ "v": ["admin"], "t": stage.clock.now() }));
            assert!(seen.access_token().is_some() && seen.refresh_token().is_none());
            browser.get("/session").await.touches_no_token();
            assert_eq!(browser.post("/auth/signout").await.status, 200);
        }
    }
}

/// 132 on a real core: what was fetched is kept, and the refusal carries no tokens.
async fn a_refusal_keeps_what_was_fetched_and_sends_no_token(stage: &Stage) {
    let roles = Roles::default();
    let app = stage.app(|plan| roles.demanded(plan), routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    let handle = text(&browser.log_in("ada").await.ok()["handle"]);
    roles.set(&["editor"]);
    stage.clock.advance(61 * SECOND);
    let refused = browser.get("/session").await;
    assert_eq!(failing(&refused), ["roles"]);
    let reason = &refused.json()["claimValidationErrors"][0]["reason"];
    assert_eq!(reason, &json!({ "message": "wrong value", "expectedToInclude": "admin", "actualValue": ["editor"] }));
    refused.touches_no_token();
    let stored = app.engine.session_information(&handle).await.expect("an answer").expect("a session");
    assert_eq!(stored.custom_claims_in_access_token_payload["roles"]["v"], json!(["editor"]));
    assert!(browser.has_session());
    assert_eq!(browser.post("/auth/signout").await.ok(), json!({ "status": "OK" }), "whoever fails claims may leave");
}

/// 136 on a real core.
async fn claims_asserted_in_a_handler_may_fail_after_new_tokens_were_made(stage: &Stage) {
    let roles = Roles::default();
    let validator: Arc<dyn ClaimValidator> = Arc::new(roles.claim().includes("admin").max_age_in_seconds(60));
    let mut list = routes::standard();
    list.push(AppRoute::get("/admin", Guard::Required, move |_, session| {
        let validator = Arc::clone(&validator);
        async move {
            routes::there(session).assert_claims(&[validator]).await?;
            Ok(AppAnswer::ok())
        }
    }));
    let app = stage.app(|plan| plan, list).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    let refused = browser.get("/admin").await;
    assert_eq!(failing(&refused), ["roles"]);
    assert!(matches!(refused.front_token(), Some(FrontToken::Says { .. })) && refused.access_token().is_some());
    roles.set(&["admin"]);
    browser.get("/admin").await.touches_no_token();
    stage.clock.advance(61 * SECOND);
    assert_eq!(browser.get("/admin").await.ok(), json!({ "status": "OK" }));
}

/// 134 and per-route demands on a real core.
async fn a_route_asks_for_more_or_for_less(stage: &Stage) {
    let roles = Roles::default();
    let none = VerifyOptions::new().override_global_claim_validators(|global, session| async move {
        assert_eq!((global.len(), session.user_id()), (1, "ada"));
        Ok(Vec::new())
    });
    let more = VerifyOptions::new().require(roles.claim().excludes("banned").id("not-banned"));
    let mut list = routes::standard();
    list.push(AppRoute::get("/anybody", Guard::With(none), |_, session| async move { Ok(routes::who(session)) }));
    list.push(AppRoute::get("/strict", Guard::With(more), |_, session| async move { Ok(routes::who(session)) }));
    let app = stage.app(|plan| roles.demanded(plan), list).await;
    roles.set(&["banned"]);
    let browser = app.browser(Mode::Header);
    browser.log_in("ada").await;
    browser.get("/anybody").await.ok();
    assert_eq!(failing(&browser.get("/strict").await), ["roles", "not-banned"]);
    roles.set(&["admin", "banned"]);
    stage.clock.advance(61 * SECOND);
    browser.get("/session").await.ok();
    assert_eq!(failing(&browser.get("/strict").await), ["not-banned"]);
    roles.set(&["admin"]);
    stage.clock.advance(61 * SECOND);
    assert_eq!(browser.get("/strict").await.ok()["userId"], "ada");
}

/// 138 on a real core, by handle.
async fn claims_are_set_read_and_removed_by_handle(stage: &Stage) {
    let roles = Roles::default();
    let app = stage.app(|plan| plan, routes::standard()).await;
    let (engine, claim): (_, Arc<dyn SessionClaim>) = (&app.engine, Arc::new(roles.claim()));
    let browser = app.browser(Mode::Header);
    let handle = text(&browser.log_in("ada").await.ok()["handle"]);
    let context = UserContext::new;
    for (session_handle, there) in [(handle.clone(), true), ("00000000-0000-4000-8000-000000000000".to_owned(), false)] {
        let read = || {
            engine.call(GetClaimValue { session_handle: session_handle.clone(), claim: Arc::clone(&claim), context: context() })
        };
        let expected = |value: Option<Value>| there.then_some(value);
        assert_eq!(read().await.expect("an answer"), expected(None));
        let set = SetClaimValue {
            session_handle: session_handle.clone(),
            claim: Arc::clone(&claim),
            value: json!(["editor"]),
            context: context(),
        };
        assert_eq!(engine.call(set).await.expect("an answer"), there);
        assert_eq!(read().await.expect("an answer"), expected(Some(json!(["editor"]))));
        roles.set(&["author"]);
        let fetch = FetchAndSetClaim { session_handle: session_handle.clone(), claim: Arc::clone(&claim), context: context() };
        assert_eq!(engine.call(fetch).await.expect("an answer"), there);
        assert_eq!(read().await.expect("an answer"), expected(Some(json!(["author"]))));
        let remove = RemoveClaim { session_handle: session_handle.clone(), claim: Arc::clone(&claim), context: context() };
        assert_eq!(engine.call(remove).await.expect("an answer"), there);
        assert_eq!(read().await.expect("an answer"), expected(None));
    }
    browser.refresh().await.ok();
    assert_eq!(browser.get("/session").await.ok()["payload"].get("roles"), None);
}

/// 137 on a real core.
async fn stored_claims_are_judged_by_handle_and_refreshed(stage: &Stage) {
    let roles = Roles::default();
    let app = stage.app(|plan| roles.demanded(plan), routes::standard()).await;
    let browser = app.browser(Mode::Header);
    let handle = text(&browser.log_in("ada").await.ok()["handle"]);
    let judge = |handle: String| {
        let engine = app.engine.clone();
        async move { engine.validate_claims_for_session_handle(handle, |global, _| global).await.expect("an answer") }
    };
    let failed = judge(handle.clone()).await.expect("a session");
    assert_eq!(failed.iter().map(|failure| failure.id.as_str()).collect::<Vec<_>>(), ["roles"]);
    roles.set(&["admin"]);
    stage.clock.advance(61 * SECOND);
    assert_eq!(judge(handle.clone()).await, Some(Vec::new()));
    let stored = app.engine.session_information(&handle).await.expect("an answer").expect("a session");
    assert_eq!(stored.custom_claims_in_access_token_payload["roles"], json!({ "v": ["admin"], "t": stage.clock.now() }));
    app.engine.revoke_session(&handle).await.expect("an answer");
    assert_eq!(judge(handle).await, None);
}

/// A session in hand: its claims reach the browser.
async fn claims_changed_in_a_handler_reach_the_browser(stage: &Stage) {
    let roles = Roles::default();
    roles.set(&["author"]);
    let claim = roles.claim();
    let mut list = routes::standard();
    list.push(AppRoute::post("/claims", Guard::Required, move |_, session| {
        let claim = claim.clone();
        async move {
            let session = routes::there(session);
            session.set_claim_value(&claim, json!(["editor"])).await?;
            let set = session.claim_value(&claim);
            session.fetch_and_set_claim(&claim).await?;
            let fetched = session.claim_value(&claim);
            session.merge_into_access_token_payload(payload(json!({ "seen": true }))).await?;
            Ok(AppAnswer::json(json!([set, fetched])))
        }
    }));
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, list.clone()).await;
        let browser = app.browser(Mode::Cookie);
        browser.log_in("ada").await;
        browser.refresh().await.ok();
        let answer = browser.once(Method::POST, "/claims").await;
        assert_eq!(answer.ok(), json!([["editor"], ["author"]]));
        let shown = answer.front_payload();
        assert_eq!((&shown["roles"]["v"], &shown["seen"]), (&json!(["author"]), &json!(true)));
        assert_eq!(answer.set_cookies().len(), 1);
        assert_eq!(browser.get("/session").await.ok()["payload"]["roles"]["v"], json!(["author"]));
    }
}

scenarios!(Stage:
    a_claim_that_became_true_is_found_out_when_it_is_too_old,
    a_refusal_keeps_what_was_fetched_and_sends_no_token,
    claims_asserted_in_a_handler_may_fail_after_new_tokens_were_made,
    a_route_asks_for_more_or_for_less,
    claims_are_set_read_and_removed_by_handle,
    stored_claims_are_judged_by_handle_and_refreshed,
    claims_changed_in_a_handler_reach_the_browser,
);

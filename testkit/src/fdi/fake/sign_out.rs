//! Ending sessions: by the endpoint, by handle, and by user (sdk-session.md 11, scenarios 116 to 123).

use serde_json::{Value, json};
use supertokens::session::{
    AntiCsrfMode, Claim, GetAllSessionHandlesForUser, RevokeAllSessionsForUser, RevokeSession, SessionRecipe, VerifyOptions,
};
use supertokens::{Payload, UserContext};

use super::super::call::FrontToken;
use super::super::fake_core::Reply;
use super::super::stage::Stage;
use super::ground::{Carrying, app, app_as, engine, engine_as, no_session, try_refresh, valid};
use crate::scenarios;

scenarios!(Stage:
    signing_out_takes_the_tokens_of_the_method_that_was_used,
    signing_out_in_the_application_does_the_same,
    signing_out_without_a_session_clears_nothing,
    a_session_that_is_gone_already_can_be_left,
    failing_claims_keep_nobody_from_leaving,
    signing_out_is_checked_against_other_sites,
    revoking_tells_whether_there_was_something_to_revoke,
    all_sessions_of_a_user_are_ended_in_one_tenant_or_in_all,
    all_sessions_of_a_user_are_listed_in_one_tenant_or_in_all,
    outside_of_a_request_revoking_changes_no_response,
    an_override_of_revoking_counts_everywhere,
);

const REMOVE: &str = "/recipe/session/remove";

/// 116, 150.
async fn signing_out_takes_the_tokens_of_the_method_that_was_used(stage: &Stage) {
    let expose = |recipe: SessionRecipe| recipe.expose_access_token_to_frontend_in_cookie_based_auth(true);
    for exposes in [false, true] {
        let (app, core) = app_as(stage, |plan| if exposes { plan.sessions(expose) } else { plan }).await;
        let answer = app.post("/auth/signout").access(&valid(stage).text()).send().await;
        assert_eq!(answer.ok(), json!({ "status": "OK" }));
        for (name, path) in [("sAccessToken", "/"), ("sRefreshToken", "/auth/session/refresh")] {
            let cookie = answer.set_cookie(name).unwrap();
            assert_eq!((cookie.is_cleared(), cookie.attribute("path")), (true, Some(path)));
        }
        assert_eq!(answer.front_token(), Some(FrontToken::Remove));
        assert_eq!((answer.header("st-access-token"), answer.exposed()), (None, vec!["front-token"]));
        assert_eq!(core.only("POST", REMOVE).body, json!({ "sessionHandles": ["handle1"] }));

        let answer = app.post("/auth/signout").bearer(&valid(stage).text()).send().await;
        assert_eq!(answer.ok(), json!({ "status": "OK" }));
        assert!(answer.set_cookies().is_empty());
        assert_eq!((answer.header("st-access-token"), answer.header("st-refresh-token")), (Some(""), Some("")));
        assert_eq!(answer.front_token(), Some(FrontToken::Remove));
        assert_eq!(answer.exposed(), ["st-access-token", "st-refresh-token", "front-token"]);
    }
}

/// 116, with `session.revoke` in a handler.
async fn signing_out_in_the_application_does_the_same(stage: &Stage) {
    let (app, core) = app(stage).await;
    let by_cookie = app.post("/logout").access(&valid(stage).text()).send().await;
    assert!(by_cookie.set_cookies().len() == 2 && by_cookie.set_cookies().iter().all(|cookie| cookie.is_cleared()));
    assert_eq!((by_cookie.exposed(), by_cookie.status), (vec!["front-token"], 200));
    let by_header = app.post("/logout").bearer(&valid(stage).text()).send().await;
    assert_eq!(by_header.exposed(), ["st-access-token", "st-refresh-token", "front-token"]);
    assert_eq!(core.times("POST", REMOVE), 2);
}

/// 117.
async fn signing_out_without_a_session_clears_nothing(stage: &Stage) {
    let (app, core) = app(stage).await;
    no_session(&app.post("/auth/signout").send().await);
    no_session(&app.post("/auth/signout").access("garbage").send().await);
    let expired = valid(stage).expired(stage.clock.now()).text();
    try_refresh(&app.post("/auth/signout").access(&expired).send().await);
    try_refresh(&app.post("/auth/signout").bearer(&expired).send().await);
    assert!(core.paths().is_empty());
}

/// 118.
async fn a_session_that_is_gone_already_can_be_left(stage: &Stage) {
    let (app, core) = app(stage).await;
    core.answers("POST", REMOVE, Reply::Json(json!({ "status": "OK", "sessionHandlesRevoked": [] })));
    let answer = app.post("/auth/signout").access(&valid(stage).text()).send().await;
    assert_eq!(answer.ok(), json!({ "status": "OK" }));
    assert_eq!(answer.front_token(), Some(FrontToken::Remove));
}

/// 119.
async fn failing_claims_keep_nobody_from_leaving(stage: &Stage) {
    let claim = Claim::new("verified", |_| async { Ok(Some(false.into())) });
    let strict = |recipe: SessionRecipe| recipe.claim_validator(claim.is_true());
    let (app, core) = app_as(stage, |plan| plan.sessions(strict)).await;
    let token = core.keeps(valid(stage).text());
    assert_eq!(app.get("/session").access(&token).send().await.status, 403);
    core.forget();
    assert_eq!(app.post("/auth/signout").access(&token).send().await.ok(), json!({ "status": "OK" }));
    assert_eq!(core.paths(), ["POST /recipe/session/remove"], "and no claim was fetched for it");
}

/// 120.
async fn signing_out_is_checked_against_other_sites(stage: &Stage) {
    let token = valid(stage).with("antiCsrfToken", "right").text();
    let via_token = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaToken);
    let (app, _) = app_as(stage, |plan| plan.sessions(via_token)).await;
    try_refresh(&app.post("/auth/signout").access(&token).send().await);
    try_refresh(&app.post("/auth/signout").access(&token).header("anti-csrf", "wrong").send().await);
    app.post("/auth/signout").access(&token).header("anti-csrf", "right").send().await.ok();
    let via_header = |recipe: SessionRecipe| recipe.anti_csrf(AntiCsrfMode::ViaCustomHeader);
    let (app, _) = app_as(stage, |plan| plan.sessions(via_header)).await;
    try_refresh(&app.post("/auth/signout").access(&token).send().await);
    app.post("/auth/signout").access(&token).header("rid", "anti-csrf").send().await.ok();
}

/// 121.
async fn revoking_tells_whether_there_was_something_to_revoke(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    assert!(engine.revoke_session("h").await.unwrap());
    let revoked = |handles: Value| Reply::Json(json!({ "status": "OK", "sessionHandlesRevoked": handles }));
    core.answers("POST", REMOVE, revoked(json!([])));
    assert!(!engine.revoke_session("h").await.unwrap());
    core.answers("POST", REMOVE, revoked(json!(["b", "a"])));
    core.forget();
    let handles = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(engine.revoke_sessions(handles).await.unwrap(), ["b", "a"]);
    assert_eq!(core.only("POST", REMOVE).body, json!({ "sessionHandles": ["a", "b", "c"] }));
}

fn all_of(tenant: Option<&str>, linked: bool) -> RevokeAllSessionsForUser {
    RevokeAllSessionsForUser {
        user_id: "u".to_owned(),
        revoke_sessions_for_linked_accounts: linked,
        tenant_id: tenant.map(str::to_owned),
        context: UserContext::new(),
    }
}

/// 122.
async fn all_sessions_of_a_user_are_ended_in_one_tenant_or_in_all(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    assert_eq!(engine.revoke_all_sessions_of_user("u").await.unwrap(), ["handle1", "handle2"]);
    let body = |linked: bool, across: bool| json!({ "userId": "u", "revokeSessionsForLinkedAccounts": linked, "revokeAcrossAllTenants": across });
    assert_eq!(core.only("POST", REMOVE).body, body(true, true));
    engine.call(all_of(Some("t9"), false)).await.unwrap();
    assert_eq!(core.only("POST", "/t9/recipe/session/remove").body, body(false, false));
    core.forget();
    engine.call(all_of(None, false)).await.unwrap();
    assert_eq!(core.only("POST", REMOVE).body, body(false, true));
}

/// 122.
async fn all_sessions_of_a_user_are_listed_in_one_tenant_or_in_all(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    assert_eq!(engine.session_handles_of_user("u").await.unwrap(), ["handle1", "handle2"]);
    let listed = |tenant: Option<&str>, linked| GetAllSessionHandlesForUser {
        user_id: "u".to_owned(),
        fetch_sessions_for_all_linked_accounts: linked,
        tenant_id: tenant.map(str::to_owned),
        context: UserContext::new(),
    };
    engine.call(listed(Some("t9"), false)).await.unwrap();
    for (path, linked, across) in [("/recipe/session/user", "true", "true"), ("/t9/recipe/session/user", "false", "false")] {
        let asked = core.only("GET", path);
        let value = |name: &str| asked.query.get(name).cloned();
        assert_eq!(value("userId").as_deref(), Some("u"));
        assert_eq!(value("fetchSessionsForAllLinkedAccounts").as_deref(), Some(linked), "{path}");
        assert_eq!(value("fetchAcrossAllTenants").as_deref(), Some(across), "{path}");
    }
}

/// 123.
async fn outside_of_a_request_revoking_changes_no_response(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let session = engine.get_session(valid(stage).text(), None, &VerifyOptions::new()).await.unwrap().unwrap();
    session.revoke().await.unwrap();
    assert_eq!(core.only("POST", REMOVE).body, json!({ "sessionHandles": ["handle1"] }));
    assert!(!session.all_session_tokens_dangerously().access_and_front_token_updated);
}

/// 1.11: self-calls go to the overridden version.
async fn an_override_of_revoking_counts_everywhere(stage: &Stage) {
    let change = |builder: supertokens::Builder| {
        builder.with_override(|mut call: RevokeSession, next| async move {
            call.session_handle = format!("overridden-{}", call.session_handle);
            next.run(call).await
        })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(change)).await;
    core.answers(
        "POST",
        "/recipe/session/refresh",
        Reply::Json(json!({
            "status": "TOKEN_THEFT_DETECTED", "session": { "handle": "stolen", "userId": "u", "recipeUserId": "u" },
        })),
    );
    app.post("/auth/signout").access(&valid(stage).text()).send().await.ok();
    app.post("/auth/session/refresh").refresh("r").send().await.refuses(401, "token theft detected");
    app.engine.revoke_session("direct").await.unwrap();
    let handles: Vec<Value> =
        core.asked_at("POST", REMOVE).into_iter().map(|asked| asked.body["sessionHandles"][0].clone()).collect();
    assert_eq!(handles, ["overridden-handle1", "overridden-stolen", "overridden-direct"]);
    let (plain, _) = engine_as(stage, |plan| plan).await;
    assert!(plain.merge_into_access_token_payload("gone", Payload::new()).await.is_ok_and(|there| !there));
}

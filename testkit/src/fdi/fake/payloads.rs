//! What sessions carry: changing the access token's payload and the data in the database, on a session and by handle
//! (sdk-session.md 11, scenarios 124 to 127, 138 and 140).

use http::Method;
use serde_json::{Value, json};
use supertokens::session::{
    Claim, FetchAndSetClaim, GetClaimValue, GetSessionInformation, RemoveClaim, SessionClaim, SetClaimValue, VerifyOptions,
};
use supertokens::{Error, UserContext};

use super::super::app::{AppAnswer, AppRoute, Guard};
use super::super::fake_core::{FakeCore, Reply};
use super::super::routes::{there, who};
use super::super::stage::Stage;
use super::ground::{Carrying, app, app_with, engine, engine_as, logged_out, payload, valid};
use super::tokens::{Token, payload_of};
use crate::scenarios;

scenarios!(Stage:
    a_changed_payload_reaches_the_browser_by_the_method_it_used,
    objects_are_replaced_null_removes_and_protected_names_stay_home,
    a_payload_that_is_changed_thrice_is_sent_once,
    a_session_that_is_gone_while_its_payload_is_changed_logs_out,
    an_access_token_that_ended_meanwhile_changes_only_in_memory,
    a_legacy_tokens_payload_is_its_user_data,
    by_handle_the_stored_payload_is_changed,
    a_tenant_that_an_older_core_does_not_know_has_no_sessions,
    an_app_that_the_core_does_not_know_is_a_fault_for_sessions_of_every_tenant,
    an_override_of_looking_at_a_session_is_what_changing_sees,
    what_a_vanished_session_was_cannot_be_asked,
    data_in_the_database_is_replaced_whole,
    claims_can_be_set_fetched_read_and_removed_on_a_session,
    claims_can_be_set_fetched_read_and_removed_by_handle,
    a_claim_of_a_session_that_is_not_there_is_false_or_nothing,
);

const REGENERATE: &str = "/recipe/session/regenerate";
const INFORMATION: &str = "/recipe/session";
const STORE: &str = "/recipe/jwt/data";

fn stored(payload: Value) -> Reply {
    Reply::Json(json!({
        "status": "OK", "sessionHandle": "h", "userId": "u", "recipeUserId": "r", "tenantId": "t1",
        "userDataInDatabase": { "kept": 1 }, "userDataInJWT": payload, "expiry": 20, "timeCreated": 10,
    }))
}

/// 124.
async fn a_changed_payload_reaches_the_browser_by_the_method_it_used(stage: &Stage) {
    let (app, core) = app(stage).await;
    let token = core.keeps(valid(stage).with("dropped", "soon").with("kept", 1).text());
    let answer = app.post("/merge").access(&token).send().await;
    assert_eq!(core.paths(), ["GET /recipe/session", "POST /recipe/session/regenerate"], "what a change costs");
    let asked = core.only("POST", REGENERATE).body;
    let expected = json!({ "iss": "http://api.example.com/auth", "kept": 1, "merged": true });
    assert_eq!(asked, json!({ "accessToken": token, "userDataInJWT": expected }));
    let new = answer.set_cookie("sAccessToken").unwrap().decoded();
    let says = payload_of(&new);
    assert_eq!((&says["merged"], says.get("dropped"), &says["kept"]), (&json!(true), None, &json!(1)));
    assert_eq!((answer.front_payload(), answer.ok()["payload"].clone()), (says.clone(), says));
    assert_eq!((answer.set_cookie("sRefreshToken"), answer.exposed()), (None, vec!["front-token"]));
    assert_eq!(answer.header("anti-csrf"), None);

    let answer = app.post("/merge").bearer(&token).send().await;
    assert!(answer.set_cookies().is_empty() && answer.header("st-refresh-token").is_none());
    assert_eq!(answer.exposed(), ["front-token", "st-access-token"]);
    assert_eq!(answer.front_payload(), payload_of(answer.header("st-access-token").unwrap()));
}

fn merging(update: Value) -> Vec<AppRoute> {
    vec![AppRoute::new(Method::POST, "/change", Guard::Required, move |_, session| {
        let update = payload(update.clone());
        async move {
            let session = there(session);
            session.merge_into_access_token_payload(update).await?;
            Ok(who(Some(session)))
        }
    })]
}

/// 124.
async fn objects_are_replaced_null_removes_and_protected_names_stay_home(stage: &Stage) {
    let update = json!({ "nested": { "b": 2 }, "absent": null, "sub": null, "list": [] });
    let (app, core) = app_with(stage, |plan| plan, merging(update)).await;
    let token = core.keeps(valid(stage).with("nested", json!({ "a": 1 })).with("list", json!([1])).with("stt", 0).text());
    app.post("/change").access(&token).send().await.ok();
    assert_eq!(
        core.only("POST", REGENERATE).body["userDataInJWT"],
        json!({ "iss": "http://api.example.com/auth", "nested": { "b": 2 }, "list": [] })
    );
    // A protected name with a value is the core's to refuse.
    let (app, core) = app_with(stage, |plan| plan, merging(json!({ "sub": "evil" }))).await;
    core.answers("POST", REGENERATE, Reply::text(400, "protected"));
    let answer = app.post("/change").access(&core.keeps(valid(stage).text())).send().await;
    super::ground::fault(&answer);
    answer.touches_no_token();
}

/// 5.1: the last one wins, and there is one cookie.
async fn a_payload_that_is_changed_thrice_is_sent_once(stage: &Stage) {
    let thrice = AppRoute::post("/thrice", Guard::Required, |_, session| async move {
        let session = there(session);
        for n in 1..=3 {
            session.merge_into_access_token_payload(payload(json!({ "n": n }))).await?;
        }
        Ok(AppAnswer::json(json!({ "token": session.access_token() })))
    });
    let (app, core) = app_with(stage, |plan| plan, vec![thrice]).await;
    let answer = app.post("/thrice").access(&core.keeps(valid(stage).text())).send().await;
    let token = answer.set_cookie("sAccessToken").unwrap().decoded();
    assert_eq!((payload_of(&token)["n"].as_i64(), answer.ok()["token"].as_str()), (Some(3), Some(token.as_str())));
    assert_eq!((core.times("POST", REGENERATE), answer.set_cookies().len()), (3, 1));
    assert_ne!(
        core.asked_at("POST", REGENERATE)[0].body["accessToken"],
        core.asked_at("POST", REGENERATE)[1].body["accessToken"]
    );
}

/// 125.
async fn a_session_that_is_gone_while_its_payload_is_changed_logs_out(stage: &Stage) {
    let (app, core) = app(stage).await;
    core.answers("POST", REGENERATE, Reply::Json(json!({ "status": "UNAUTHORISED", "message": "gone" })));
    let token = valid(stage).text();
    for row in [false, true] {
        logged_out(&app.post("/merge").access(&token).send().await);
        logged_out(&app.post("/merge").bearer(&token).send().await);
        assert_eq!(core.times("POST", REGENERATE), if row { 2 } else { 0 });
        core.keeps(&token);
    }
}

/// 125.
async fn an_access_token_that_ended_meanwhile_changes_only_in_memory(stage: &Stage) {
    let (app, core) = app(stage).await;
    core.answers("POST", REGENERATE, Reply::Json(json!({
        "status": "OK",
        "session": { "handle": "handle1", "userId": "user1", "recipeUserId": "user1", "tenantId": "public", "userDataInJWT": { "stored": 1 } },
    })));
    let token = valid(stage).without("iss");
    let answer = app.post("/merge").access(&core.keeps(token.clone().with("gone", "in the row").text())).send().await;
    answer.touches_no_token();
    // Quirk of upstream's SDKs that is not ours: they lay the row's payload over the token's, so what was taken away stays.
    let mut expected = token.payload();
    expected["stored"] = json!(1);
    assert_eq!(answer.ok()["payload"], expected);
}

/// 124, for V2.
async fn a_legacy_tokens_payload_is_its_user_data(stage: &Stage) {
    let (app, core) = app(stage).await;
    let token = core.keeps(Token::legacy(stage.clock.now()).text());
    app.post("/merge").bearer(&token).send().await.ok();
    assert_eq!(core.only("POST", REGENERATE).body["userDataInJWT"], json!({ "old": true, "merged": true }));
}

/// 126.
async fn by_handle_the_stored_payload_is_changed(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let update = payload(json!({ "b": null, "c": { "new": 1 }, "d": 4 }));
    assert!(!engine.merge_into_access_token_payload("h", update.clone()).await.unwrap(), "there is no such session");
    assert_eq!(core.times("PUT", STORE), 0);
    core.answers("GET", INFORMATION, stored(json!({ "a": 1, "b": 2, "c": { "old": 1 }, "sub": "x", "exp": 1, "tId": "y" })));
    assert!(engine.merge_into_access_token_payload("h", update.clone()).await.unwrap());
    let expected = json!({ "sessionHandle": "h", "userDataInJWT": { "a": 1, "c": { "new": 1 }, "d": 4 } });
    assert_eq!(core.only("PUT", STORE).body, expected);
    core.answers("PUT", STORE, Reply::status("UNAUTHORISED"));
    assert!(!engine.merge_into_access_token_payload("h", update).await.unwrap(), "it went between reading and writing");
}

/// 140.
async fn an_override_of_looking_at_a_session_is_what_changing_sees(stage: &Stage) {
    let change = |builder: supertokens::Builder| {
        builder.with_override(|call: GetSessionInformation, next| async move {
            let mut found = next.run(call).await?;
            if let Some(found) = &mut found {
                found.custom_claims_in_access_token_payload = payload(json!({ "overridden": true }));
            }
            Ok(found)
        })
    };
    let (engine, core) = engine_as(stage, |plan| plan.builder(change)).await;
    core.answers("GET", INFORMATION, stored(json!({ "a": 1 })));
    engine.merge_into_access_token_payload("h", payload(json!({ "b": 2 }))).await.unwrap();
    assert_eq!(core.only("PUT", STORE).body["userDataInJWT"], json!({ "overridden": true, "b": 2 }));
}

/// 127.
async fn what_a_vanished_session_was_cannot_be_asked(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let session = engine.get_session(valid(stage).text(), None, &VerifyOptions::new()).await.unwrap().unwrap();
    let gone = |error: Error| assert!(matches!(error, Error::Unauthorised { clear_tokens: true, .. }), "{error:?}");
    gone(session.information().await.unwrap_err());
    gone(session.data_from_database().await.unwrap_err());
    core.answers("PUT", "/recipe/session/data", Reply::status("UNAUTHORISED"));
    gone(session.update_data_in_database(json!({ "a": 1 })).await.unwrap_err());
    core.answers("GET", INFORMATION, stored(json!({ "a": 1 })));
    let found = session.information().await.unwrap();
    assert_eq!((found.time_created, found.expiry, found.tenant_id.as_str()), (10, 20, "t1"));
    assert_eq!((found.user_id.as_str(), found.recipe_user_id.as_str()), ("u", "r"));
    assert_eq!(session.data_from_database().await.unwrap(), payload(json!({ "kept": 1 })));
    assert_eq!(core.asked_at("GET", INFORMATION)[0].query["sessionHandle"], "handle1");

    let asking = AppRoute::get("/data", Guard::Required, |_, session| async move {
        let data = there(session).data_from_database().await?;
        Ok(AppAnswer::json(Value::Object(data)))
    });
    let (app, _) = app_with(stage, |plan| plan, vec![asking]).await;
    logged_out(&app.get("/data").access(&valid(stage).text()).send().await);
}

/// 127.
async fn data_in_the_database_is_replaced_whole(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let session = engine.get_session(valid(stage).text(), None, &VerifyOptions::new()).await.unwrap().unwrap();
    session.update_data_in_database(Value::Null).await.unwrap();
    assert!(engine.update_session_data("other", json!({ "a": { "b": 1 } })).await.unwrap());
    let asked: Vec<Value> = core.asked_at("PUT", "/recipe/session/data").into_iter().map(|asked| asked.body).collect();
    let body = |handle: &str, data: Value| json!({ "sessionHandle": handle, "userDataInDatabase": data });
    assert_eq!(asked, [body("handle1", json!({})), body("other", json!({ "a": { "b": 1 } }))]);
    let error = engine.update_session_data("h", json!([1])).await.unwrap_err();
    assert!(matches!(error, Error::BadInput { .. }), "{error:?}");
    core.answers("PUT", "/recipe/session/data", Reply::status("UNAUTHORISED"));
    assert!(!engine.update_session_data("gone", Value::Null).await.unwrap());
}

fn place() -> Claim {
    Claim::new("place", |who| async move { Ok(Some(json!([who.user_id, who.recipe_user_id, who.tenant_id]))) })
}

fn sent(core: &FakeCore) -> Value {
    core.asked_at("POST", REGENERATE).last().map(|asked| asked.body["userDataInJWT"].clone()).unwrap_or_default()
}

/// 138.
async fn claims_can_be_set_fetched_read_and_removed_on_a_session(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let token = core.keeps(valid(stage).without("iss").with("rsub", "r").with("tId", "t1").text());
    let session = engine.get_session(token, None, &VerifyOptions::new()).await.unwrap().unwrap();
    let (claim, now) = (place(), stage.clock.now());
    assert_eq!(session.claim_value(&claim), None);
    session.fetch_and_set_claim(&claim).await.unwrap();
    assert_eq!(sent(&core), json!({ "place": { "v": ["user1", "r", "t1"], "t": now } }));
    assert_eq!(session.claim_value(&claim), Some(json!(["user1", "r", "t1"])));
    stage.clock.advance(5);
    session.set_claim_value(&claim, "set").await.unwrap();
    assert_eq!(sent(&core), json!({ "place": { "v": "set", "t": now + 5 } }));
    assert_eq!(session.claim_value(&claim), Some(json!("set")));
    session.remove_claim(&claim).await.unwrap();
    assert_eq!((sent(&core), session.claim_value(&claim)), (json!({}), None));
}

fn on<T>(claim: &Claim, make: impl FnOnce(String, std::sync::Arc<dyn SessionClaim>, UserContext) -> T) -> T {
    make("h".to_owned(), std::sync::Arc::new(claim.clone()), UserContext::new())
}

/// 138.
async fn claims_can_be_set_fetched_read_and_removed_by_handle(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let (claim, now) = (place(), stage.clock.now());
    core.answers("GET", INFORMATION, stored(json!({ "other": 1, "place": { "v": "old", "t": 1 } })));
    let put = || core.asked_at("PUT", STORE).last().unwrap().body["userDataInJWT"].clone();
    let fetch = on(&claim, |session_handle, claim, context| FetchAndSetClaim { session_handle, claim, context });
    assert!(engine.call(fetch).await.unwrap());
    assert_eq!(put(), json!({ "other": 1, "place": { "v": ["u", "r", "t1"], "t": now } }));
    let set = on(&claim, |session_handle, claim, context| SetClaimValue { session_handle, claim, value: json!(7), context });
    assert!(engine.call(set).await.unwrap());
    assert_eq!(put(), json!({ "other": 1, "place": { "v": 7, "t": now } }));
    let get = on(&claim, |session_handle, claim, context| GetClaimValue { session_handle, claim, context });
    assert_eq!(engine.call(get).await.unwrap(), Some(Some(json!("old"))));
    let remove = on(&claim, |session_handle, claim, context| RemoveClaim { session_handle, claim, context });
    assert!(engine.call(remove).await.unwrap());
    assert_eq!(put(), json!({ "other": 1 }));
    core.answers("GET", INFORMATION, stored(json!({})));
    let get = on(&claim, |session_handle, claim, context| GetClaimValue { session_handle, claim, context });
    assert_eq!(engine.call(get).await.unwrap(), Some(None));
}

/// 138.
async fn a_claim_of_a_session_that_is_not_there_is_false_or_nothing(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let claim = place();
    let fetch = on(&claim, |session_handle, claim, context| FetchAndSetClaim { session_handle, claim, context });
    let set = on(&claim, |session_handle, claim, context| SetClaimValue { session_handle, claim, value: json!(7), context });
    let remove = on(&claim, |session_handle, claim, context| RemoveClaim { session_handle, claim, context });
    let get = on(&claim, |session_handle, claim, context| GetClaimValue { session_handle, claim, context });
    assert!(!engine.call(fetch).await.unwrap() && !engine.call(set).await.unwrap() && !engine.call(remove).await.unwrap());
    assert_eq!(engine.call(get).await.unwrap(), None);
    assert_eq!(core.times("PUT", STORE), 0);
}

/// Older cores, and the Java core, answer 400 to a handle or token of a tenant that is not there.
fn knows_no_tenant(core: &FakeCore, tenant: &str) {
    let words =
        "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found";
    let unknown = Reply::Text(400, format!("{words}: (, shop, {tenant})\n"));
    for (method, path) in [
        ("GET", INFORMATION),
        ("PUT", STORE),
        ("PUT", "/recipe/session/data"),
        ("POST", REGENERATE),
        ("POST", "/recipe/session/verify"),
        ("POST", "/recipe/session/refresh"),
    ] {
        core.answers(method, path, unknown.clone());
    }
    let is_public = tenant == "public";
    core.answers_by("POST", "/recipe/session/remove", move |asked| {
        let handles = asked.body["sessionHandles"].as_array().expect("handles");
        let known = !is_public && handles.iter().all(|handle| !handle.as_str().expect("a text").contains('_'));
        if known { Reply::Json(json!({ "status": "OK", "sessionHandlesRevoked": handles })) } else { unknown.clone() }
    });
}

async fn a_tenant_that_an_older_core_does_not_know_has_no_sessions(stage: &Stage) {
    for tenant in ["t", "t, public"] {
        let (engine, core) = engine(stage).await;
        knows_no_tenant(&core, tenant);
        let handle = format!("x_{tenant}");
        assert_eq!(engine.session_information(&handle).await.unwrap(), None);
        assert!(!engine.update_session_data(&handle, json!({})).await.unwrap());
        assert!(!engine.merge_into_access_token_payload(&handle, payload(json!({}))).await.unwrap());
        assert!(!engine.revoke_session(&handle).await.unwrap());
        assert_eq!(core.times("POST", "/recipe/session/remove"), 1);
        let handles = [handle.as_str(), "good", "y_u"].map(str::to_owned).to_vec();
        assert_eq!(engine.revoke_sessions(handles).await.unwrap(), ["good"]);
        let options = VerifyOptions::new().check_database();
        let gone = |error: Error| assert!(matches!(error, Error::Unauthorised { clear_tokens: true, .. }), "{error:?}");
        let token = valid(stage).with("tId", tenant).with("sessionHandle", handle).text();
        gone(engine.get_session(token.as_str(), None, &options).await.unwrap_err());
        let session = engine.get_session(token.as_str(), None, &VerifyOptions::new()).await.unwrap().unwrap();
        gone(session.merge_into_access_token_payload(payload(json!({ "a": 1 }))).await.unwrap_err());
        gone(engine.refresh_session("token", true, None).await.unwrap_err());
    }
}

/// The public tenant is missing only where the whole app is, and the core names it whatever the tenant of a session. That is a mistake of
/// the settings: it is said, and logs nobody out.
async fn an_app_that_the_core_does_not_know_is_a_fault_for_sessions_of_every_tenant(stage: &Stage) {
    let (app, core) = app(stage).await;
    knows_no_tenant(&core, "public");
    let engine = &app.engine;
    let fault = |error: Error| {
        assert!(matches!(error, Error::Core(_)), "{error:?}");
        assert!(error.to_string().contains("does not know this app: check the app's id"), "{error}");
    };
    for (handle, token) in [("x", valid(stage)), ("x_t", valid(stage).with("tId", "t").with("sessionHandle", "x_t"))] {
        let token = token.text();
        fault(engine.session_information(handle).await.unwrap_err());
        fault(engine.update_session_data(handle, json!({})).await.unwrap_err());
        fault(engine.merge_into_access_token_payload(handle, payload(json!({}))).await.unwrap_err());
        fault(engine.revoke_session(handle).await.unwrap_err());
        fault(engine.revoke_sessions(vec![handle.to_owned(), "good".to_owned(), "y_u".to_owned()]).await.unwrap_err());
        fault(engine.validate_claims_for_session_handle(handle, |global, _| global).await.unwrap_err());
        let (plain, asking) = (VerifyOptions::new(), VerifyOptions::new().check_database());
        fault(engine.get_session(token.as_str(), None, &asking).await.unwrap_err());
        let session = engine.get_session(token.as_str(), None, &plain).await.unwrap().unwrap();
        fault(session.merge_into_access_token_payload(payload(json!({ "a": 1 }))).await.unwrap_err());
        fault(session.update_data_in_database(json!({ "a": 1 })).await.unwrap_err());
        fault(session.information().await.unwrap_err());
        fault(session.revoke().await.unwrap_err());
        fault(engine.refresh_session("token", true, None).await.unwrap_err());
        for call in [app.get("/database"), app.post("/merge"), app.post("/auth/signout"), app.post("/auth/session/refresh")] {
            let answer = call.access(&token).refresh("token").send().await;
            assert_eq!(answer.status, 500, "{handle}");
            answer.touches_no_token();
        }
    }
    let words =
        "AppId or tenantId not found => App with the following connectionURIDomain and appId combination not found: (, shop)";
    core.answers("GET", INFORMATION, Reply::text(400, words));
    fault(engine.session_information("x_t").await.unwrap_err());
}

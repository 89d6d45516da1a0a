//! What routes ask of a session's payload: values that are fetched, validators that judge them, and what a browser is told
//! (sdk-session.md 11, scenarios 128 to 137 and 139). Each validator's every case is tested in `pure/web`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use supertokens::session::{
    CheckedClaim, Claim, ClaimValidator, GetGlobalClaimValidators, SessionRecipe, Verdict, VerifyOptions,
};
use supertokens::{BoxFuture, BuildError, Error, Payload, SuperTokens, UserContext};

use super::super::app::{AppAnswer, AppRoute, Guard};
use super::super::call::{Answer, FrontToken};
use super::super::fake_core::Reply;
use super::super::routes::{there, who};
use super::super::stage::{Stage, standard_app_info};
use super::ground::{Carrying, app_as, app_with, engine_as, valid};
use super::tokens::{Token, payload_of};
use crate::scenarios;

scenarios!(Stage:
    one_value_is_judged_strictly_and_the_reason_says_what_was_expected,
    lists_are_judged_and_the_reason_says_what_was_expected,
    a_value_is_fetched_again_when_it_is_absent_or_too_old,
    a_claim_that_becomes_valid_by_fetching_costs_one_change,
    a_failing_claim_keeps_the_others_from_the_browser_and_not_from_the_core,
    all_failures_are_reported_in_order,
    a_route_may_replace_the_validators,
    a_route_may_add_to_the_validators,
    an_override_may_add_a_validator_for_everybody,
    what_a_handler_asserts_itself_is_sent_even_if_it_fails,
    by_handle_the_stored_claims_are_judged,
    one_key_can_have_one_claim,
    a_validator_that_breaks_is_a_fault,
    a_session_that_goes_while_its_claims_are_stored_is_logged_out,
);

const REGENERATE: &str = "/recipe/session/regenerate";

/// A claim with this value, and how often it was fetched.
fn claim(key: &str, value: Value) -> (Claim, Arc<AtomicUsize>) {
    let times: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&times);
    let claim = Claim::new(key, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let value = value.clone();
        async move { Ok(Some(value).filter(|value| !value.is_null())) }
    });
    (claim, times)
}

/// A claim that never finds a value.
fn silent(key: &str) -> Claim {
    claim(key, Value::Null).0
}

fn strict(validator: CheckedClaim) -> impl FnOnce(SessionRecipe) -> SessionRecipe {
    move |recipe| recipe.claim_validator(validator)
}

fn with_claim(stage: &Stage, key: &str, value: Value, age_in_seconds: i64) -> Token {
    valid(stage).with(key, json!({ "v": value, "t": stage.clock.now() - age_in_seconds * 1_000 }))
}

fn failures(answer: &Answer) -> Value {
    assert_eq!((answer.status, &answer.json()["message"]), (403, &json!("invalid claim")), "{}", answer.text());
    answer.touches_no_token();
    answer.json()["claimValidationErrors"].clone()
}

async fn judge(stage: &Stage, validator: CheckedClaim, token: &Token) -> Option<Value> {
    let (app, core) = app_as(stage, |plan| plan.sessions(strict(validator))).await;
    let answer = app.get("/session").access(&core.keeps(token.text())).send().await;
    (answer.status != 200).then(|| failures(&answer))
}

/// 128.
async fn one_value_is_judged_strictly_and_the_reason_says_what_was_expected(stage: &Stage) {
    let silent = silent("c");
    let one = |age| with_claim(stage, "c", json!(1), age);
    assert_eq!(judge(stage, silent.has_value(1), &one(0)).await, None);
    assert_eq!(
        judge(stage, silent.has_value("1"), &one(0)).await,
        Some(json!([{ "id": "c", "reason": { "message": "wrong value", "expectedValue": "1", "actualValue": 1 } }]))
    );
    for absent in [valid(stage), with_claim(stage, "c", Value::Null, 0), valid(stage).with("c", 1)] {
        assert_eq!(
            judge(stage, silent.is_true(), &absent).await,
            Some(json!([{ "id": "c", "reason": { "message": "value does not exist", "expectedValue": true } }]))
        );
    }
    // Too old, and whoever is asked for a newer one says that there is none: upstream's SDKs keep the old one and call it expired.
    let old = judge(stage, silent.has_value(1).max_age_in_seconds(10).id("own"), &one(12)).await;
    let reason = json!({ "message": "value does not exist", "expectedValue": 1 });
    assert_eq!(old, Some(json!([{ "id": "own", "reason": reason }])));
    assert_eq!(judge(stage, silent.has_value(1).max_age_in_seconds(10), &one(10)).await, None);
    assert!(judge(stage, silent.is_false(), &with_claim(stage, "c", json!(false), 0)).await.is_none());
}

/// 129.
async fn lists_are_judged_and_the_reason_says_what_was_expected(stage: &Stage) {
    let silent = silent("c");
    let list = with_claim(stage, "c", json!(["a", "b"]), 0);
    let good = [
        silent.includes("a"),
        silent.excludes("c"),
        silent.includes_all(["a", "b"]),
        silent.includes_all(Vec::<Value>::new()),
        silent.includes_any(["x", "b"]),
        silent.excludes_all(["x"]),
        silent.excludes_all(Vec::<Value>::new()),
    ];
    for validator in good {
        assert_eq!(judge(stage, validator.clone(), &list).await, None, "{validator:?}");
    }
    let bad = [
        (silent.includes("x"), "expectedToInclude", json!("x"), "expectedToInclude"),
        (silent.excludes("a"), "expectedToNotInclude", json!("a"), "expectedToNotInclude"),
        (silent.includes_all(["a", "x"]), "expectedToInclude", json!(["a", "x"]), "expectedToInclude"),
        (silent.includes_any(["x"]), "expectedToIncludeAtLeastOneOf", json!(["x"]), "expectedToIncludeAtLeastOneOf"),
        (silent.includes_any(Vec::<Value>::new()), "expectedToIncludeAtLeastOneOf", json!([]), "expectedToIncludeAtLeastOneOf"),
        (silent.excludes_all(["x", "a"]), "expectedToNotInclude", json!(["x", "a"]), "expectedToNotInclude"),
    ];
    for (validator, member, expected, when_absent) in bad {
        let mut reason = json!({ "message": "wrong value", "actualValue": ["a", "b"] });
        reason[member] = expected.clone();
        assert_eq!(judge(stage, validator.clone(), &list).await, Some(json!([{ "id": "c", "reason": reason }])), "{validator:?}");
        let mut reason = json!({ "message": "value does not exist" });
        reason[when_absent] = expected;
        assert_eq!(judge(stage, validator.clone(), &valid(stage)).await, Some(json!([{ "id": "c", "reason": reason }])));
        let old = with_claim(stage, "c", json!(["a", "b"]), 100);
        let old = judge(stage, validator.max_age_in_seconds(1), &old).await.unwrap();
        assert_eq!(old[0]["reason"]["message"], "value does not exist");
    }
}

/// 130.
async fn a_value_is_fetched_again_when_it_is_absent_or_too_old(stage: &Stage) {
    let rows = [
        (None, None, None, 1),
        (Some(0), None, None, 0),
        (Some(1_000_000), None, None, 0),
        (Some(10), None, Some(10), 0),
        (Some(11), None, Some(10), 1),
        (Some(11), Some(10), None, 1),
        (Some(11), Some(10), Some(20), 0),
        (Some(1), None, Some(0), 1),
    ];
    for (age, default, own, fetched) in rows {
        let (claim, times) = claim("c", json!(1));
        let claim = if let Some(seconds) = default { claim.default_max_age_in_seconds(seconds) } else { claim };
        let validator = claim.has_value(1);
        let validator = if let Some(seconds) = own { validator.max_age_in_seconds(seconds) } else { validator };
        let (app, core) = app_as(stage, |plan| plan.sessions(strict(validator))).await;
        let token = age.map_or_else(|| valid(stage), |age| with_claim(stage, "c", json!(1), age));
        app.get("/session").access(&core.keeps(token.text())).send().await.ok();
        assert_eq!(times.load(Ordering::SeqCst), fetched, "{age:?} {default:?} {own:?}");
    }
}

/// 131.
async fn a_claim_that_becomes_valid_by_fetching_costs_one_change(stage: &Stage) {
    let (one, other) = (claim("one", json!(1)).0, claim("other", json!(["a"])).0);
    let both = |recipe: SessionRecipe| recipe.claim_validator(one.has_value(1)).claim_validator(other.includes("a"));
    let (app, core) = app_as(stage, |plan| plan.sessions(both)).await;
    let answer = app.get("/session").access(&core.keeps(valid(stage).with("old", 1).text())).send().await;
    let now = stage.clock.now();
    let expected = json!({
        "iss": "http://api.example.com/auth", "old": 1,
        "one": { "v": 1, "t": now }, "other": { "v": ["a"], "t": now },
    });
    assert_eq!(core.only("POST", REGENERATE).body["userDataInJWT"], expected);
    assert_eq!(core.paths(), ["GET /recipe/session", "POST /recipe/session/regenerate"]);
    let new = payload_of(&answer.set_cookie("sAccessToken").unwrap().decoded());
    assert_eq!((&new["one"]["v"], answer.front_payload()), (&json!(1), new.clone()));
    assert_eq!(answer.ok()["payload"], new, "the handler sees it");
    let by_header = app.get("/session").bearer(&core.keeps(valid(stage).text())).send().await;
    assert_eq!(by_header.exposed(), ["front-token", "st-access-token"]);
}

/// 132.
async fn a_failing_claim_keeps_the_others_from_the_browser_and_not_from_the_core(stage: &Stage) {
    let (one, failing) = (claim("one", json!(1)).0, claim("failing", json!(1)).0);
    let both = |recipe: SessionRecipe| recipe.claim_validator(one.has_value(1)).claim_validator(failing.has_value(2));
    let (app, core) = app_as(stage, |plan| plan.sessions(both)).await;
    let answer = app.get("/session").access(&core.keeps(valid(stage).text())).send().await;
    let expected = json!([{ "id": "failing", "reason": { "message": "wrong value", "expectedValue": 2, "actualValue": 1 } }]);
    assert_eq!(failures(&answer), expected);
    assert_eq!(core.only("POST", REGENERATE).body["userDataInJWT"]["one"]["v"], 1);
}

/// A validator of the application's own.
struct Own(&'static str, Verdict);

impl ClaimValidator for Own {
    fn id(&self) -> &str {
        self.0
    }

    fn validate<'a>(&'a self, _: &'a Payload, _: i64, _: &'a UserContext) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move { Ok(self.1.clone()) })
    }
}

/// 133.
async fn all_failures_are_reported_in_order(stage: &Stage) {
    let three = |recipe: SessionRecipe| {
        let recipe = recipe.claim_validator(Own("z", Verdict::Invalid(None))).claim_validator(Own("fine", Verdict::Valid));
        let recipe = recipe.claim_validator(Own("a", Verdict::Invalid(Some(json!("text")))));
        recipe.claim_validator(Own("z", Verdict::Invalid(Some(json!({ "message": "m" })))))
    };
    let (app, core) = app_as(stage, |plan| plan.sessions(three)).await;
    let answer = app.get("/session").access(&valid(stage).text()).send().await;
    assert_eq!(
        answer.text(),
        r#"{"claimValidationErrors":[{"id":"z"},{"id":"a","reason":"text"},{"id":"z","reason":{"message":"m"}}],"message":"invalid claim"}"#
    );
    assert_eq!(core.paths(), Vec::<String>::new());
}

/// 134.
async fn a_route_may_replace_the_validators(stage: &Stage) {
    let (never, times) = claim("never", json!(1));
    let nobody = VerifyOptions::new().override_global_claim_validators(|global, session| async move {
        assert_eq!((global.len(), global[0].id(), session.user_id()), (1, "never", "user1"));
        Ok(Vec::new())
    });
    let swapped = VerifyOptions::new().override_global_claim_validators(|_, _| async {
        Ok(vec![Arc::new(Own("swapped", Verdict::Invalid(None))) as Arc<dyn ClaimValidator>])
    });
    let routes = vec![
        AppRoute::get("/none", Guard::With(nobody), |_, session| async move { Ok(who(session)) }),
        AppRoute::get("/swapped", Guard::With(swapped), |_, session| async move { Ok(who(session)) }),
    ];
    let (app, core) = app_with(stage, |plan| plan.sessions(strict(never.has_value(2))), routes).await;
    app.get("/none").access(&valid(stage).text()).send().await.ok();
    assert_eq!(failures(&app.get("/swapped").access(&valid(stage).text()).send().await), json!([{ "id": "swapped" }]));
    assert_eq!((times.load(Ordering::SeqCst), core.paths().len()), (0, 0));
}

/// 134.
async fn a_route_may_add_to_the_validators(stage: &Stage) {
    let options = VerifyOptions::new().require(Own("one", Verdict::Invalid(None))).require(Own("two", Verdict::Invalid(None)));
    let route = AppRoute::get("/more", Guard::With(options), |_, session| async move { Ok(who(session)) });
    let global = silent("global").has_value(1);
    let (app, _) = app_with(stage, |plan| plan.sessions(strict(global)), vec![route]).await;
    let found = failures(&app.get("/more").access(&valid(stage).text()).send().await);
    let ids: Vec<&str> = found.as_array().unwrap().iter().map(|failure| failure["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["global", "one", "two"]);
}

fn everybody(builder: supertokens::Builder) -> supertokens::Builder {
    builder.with_override(|call: GetGlobalClaimValidators, next| async move {
        let tenant = call.tenant_id.clone();
        let mut validators = next.run(call).await?;
        if tenant == "strict" {
            validators.push(Arc::new(Own("everybody", Verdict::Invalid(None))));
        }
        Ok(validators)
    })
}

fn stored(tenant: &str, payload: Value) -> Reply {
    Reply::Json(json!({
        "status": "OK", "sessionHandle": "h", "userId": "u", "recipeUserId": "r", "tenantId": tenant,
        "userDataInDatabase": {}, "userDataInJWT": payload, "expiry": 20, "timeCreated": 10,
    }))
}

/// 135.
async fn an_override_may_add_a_validator_for_everybody(stage: &Stage) {
    let (app, core) = app_as(stage, |plan| plan.builder(everybody)).await;
    let strict = valid(stage).with("tId", "strict").text();
    for path in ["/session", "/maybe", "/nested/session"] {
        assert_eq!(failures(&app.get(path).access(&strict).send().await), json!([{ "id": "everybody" }]));
        app.get(path).access(&valid(stage).text()).send().await.ok();
    }
    let error = app.engine.get_session(strict, None, &VerifyOptions::new()).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidClaims { failures } if failures[0].id == "everybody"), "{error:?}");
    core.answers("GET", "/recipe/session", stored("strict", json!({})));
    let found = app.engine.validate_claims_for_session_handle("h", |global, _| global).await.unwrap().unwrap();
    assert_eq!((found.len(), found[0].id.as_str()), (1, "everybody"));
}

/// 136.
async fn what_a_handler_asserts_itself_is_sent_even_if_it_fails(stage: &Stage) {
    let (one, failing) = (claim("one", json!(1)).0, silent("failing"));
    let validators: Vec<Arc<dyn ClaimValidator>> = vec![Arc::new(one.has_value(1)), Arc::new(failing.has_value(2))];
    let route = AppRoute::get("/assert", Guard::Required, move |_, session| {
        let validators = validators.clone();
        async move {
            there(session).assert_claims(&validators).await?;
            Ok(AppAnswer::ok())
        }
    });
    let (app, core) = app_with(stage, |plan| plan, vec![route]).await;
    let answer = app.get("/assert").access(&core.keeps(valid(stage).text())).send().await;
    assert_eq!((answer.status, answer.json()["claimValidationErrors"][0]["id"].as_str()), (403, Some("failing")));
    assert_eq!(payload_of(&answer.access_token().unwrap())["one"]["v"], 1);
    assert!(matches!(answer.front_token(), Some(FrontToken::Says { .. })));
    assert_eq!(core.paths(), ["GET /recipe/session", "POST /recipe/session/regenerate"]);
}

/// 137.
async fn by_handle_the_stored_claims_are_judged(stage: &Stage) {
    let (one, failing) = (claim("one", json!(1)).0, silent("failing"));
    let both = |recipe: SessionRecipe| recipe.claim_validator(one.has_value(1)).claim_validator(failing.has_value(2));
    let (engine, core) = engine_as(stage, |plan| plan.sessions(both)).await;
    let judged = || engine.validate_claims_for_session_handle("h", |global, _| global);
    assert_eq!(judged().await.unwrap(), None, "there is no such session");
    core.answers("GET", "/recipe/session", stored("public", json!({ "old": 1, "sub": "x" })));
    let found = judged().await.unwrap().unwrap();
    assert_eq!((found.len(), found[0].id.as_str()), (1, "failing"));
    assert_eq!(found[0].reason, Some(json!({ "message": "value does not exist", "expectedValue": 2 })));
    let put = core.only("PUT", "/recipe/jwt/data").body;
    assert_eq!((&put["userDataInJWT"]["one"]["v"], &put["userDataInJWT"]["old"]), (&json!(1), &json!(1)));
    assert_eq!(put["userDataInJWT"].get("sub").filter(|sub| *sub != "x"), None);
    core.answers("PUT", "/recipe/jwt/data", Reply::status("UNAUTHORISED"));
    assert_eq!(judged().await.unwrap(), None, "it went between reading and writing");
    let nobody = engine.validate_claims_for_session_handle("h", |global, found| {
        assert_eq!((global.len(), found.user_id.as_str()), (2, "u"));
        Vec::new()
    });
    assert_eq!(nobody.await.unwrap(), Some(Vec::new()));
}

/// 139.
async fn one_key_can_have_one_claim(_: &Stage) {
    let recipe = SessionRecipe::new().claim(silent("a")).claim(silent("b")).claim(silent("a"));
    let error = SuperTokens::builder(standard_app_info()).recipe(recipe).build().await.map(drop).unwrap_err();
    assert!(matches!(&error, BuildError::ClaimTwice(key) if key == "a"), "{error:?}");
}

/// 53, for validators.
async fn a_validator_that_breaks_is_a_fault(stage: &Stage) {
    let broken = Claim::new("broken", |_| async { Err(Error::application("the directory is down")) });
    let (app, _) = app_as(stage, |plan| plan.sessions(strict(broken.has_value(1)))).await;
    let answer = app.get("/session").access(&valid(stage).text()).send().await;
    super::ground::fault(&answer);
    answer.touches_no_token();
    // An error of a session's kind, raised by whoever fetches, is an answer like everywhere.
    let over = Claim::new("over", |_| async { Err(Error::unauthorised("banned")) });
    let (app, _) = app_as(stage, |plan| plan.sessions(strict(over.has_value(1)))).await;
    super::ground::logged_out(&app.get("/session").access(&valid(stage).text()).send().await);
}

/// 125, in the middle of a check.
async fn a_session_that_goes_while_its_claims_are_stored_is_logged_out(stage: &Stage) {
    let (one, _) = claim("one", json!(1));
    let (app, core) = app_as(stage, |plan| plan.sessions(strict(one.has_value(1)))).await;
    super::ground::logged_out(&app.get("/session").access(&valid(stage).text()).send().await);
    let token = core.keeps(valid(stage).text());
    core.answers_once("POST", REGENERATE, Reply::Json(json!({ "status": "UNAUTHORISED", "message": "gone" })));
    super::ground::logged_out(&app.get("/session").access(&token).send().await);
    app.get("/session").access(&token).send().await.ok();
}

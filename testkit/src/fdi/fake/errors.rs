//! How errors become answers, wherever they come from (sdk-session.md 11, scenarios 49 to 53; section 3.7).

use std::sync::{Arc, Mutex};

use http::StatusCode;
use serde_json::{Value, json};
use supertokens::session::{Handlers, NewSession, SessionRecipe, Theft};
use supertokens::{ClaimFailure, CoreError, Error, OwnAnswer, Scope};

use super::super::app::{AppAnswer, AppRoute, Guard, HandlerError};
use super::super::call::Answer;
use super::super::fake_core::Reply;
use super::super::stage::Stage;
use super::ground::{Carrying, app, app_as, app_with, fault, logged_out, no_session, try_refresh, valid};
use crate::scenarios;

scenarios!(Stage:
    every_error_that_a_handler_raises_has_its_answer,
    the_same_errors_after_a_session_was_created_leave_the_right_tokens,
    other_status_codes_are_used_throughout,
    a_callbacks_answer_does_not_keep_tokens_from_being_cleared,
    every_callback_is_told_what_happened,
    a_callback_that_fails_is_a_fault_and_tokens_are_cleared,
    a_stolen_session_that_cannot_be_ended_is_a_fault,
    a_fault_in_an_endpoint_tells_nothing_and_can_be_answered_by_the_application,
    an_applications_own_error_goes_its_own_way_with_the_tokens_that_were_set,
);

/// The errors of section 3.7, in the order of its table.
fn table() -> Vec<(&'static str, Error)> {
    let failures = vec![
        ClaimFailure { id: "role".to_owned(), reason: Some(json!({ "message": "wrong value" })) },
        ClaimFailure { id: "plan".to_owned(), reason: None },
    ];
    let theft = Error::TokenTheftDetected {
        session_handle: "stolen".to_owned(),
        user_id: "u".to_owned(),
        recipe_user_id: "r".to_owned(),
    };
    vec![
        ("unauthorised", Error::unauthorised("gone")),
        ("unauthorised_keeping", Error::Unauthorised { message: "none".to_owned(), clear_tokens: false }),
        ("try_refresh", Error::TryRefreshToken { message: "old".to_owned() }),
        ("theft", theft),
        ("claims", Error::InvalidClaims { failures }),
        ("duplicates", Error::ClearDuplicateSessionCookies { message: "two of them".to_owned() }),
        ("bad_input", Error::BadInput { message: "what is this".to_owned() }),
        ("core", Error::Core(CoreError::NotConfigured)),
        ("application", Error::application("own trouble")),
    ]
}

fn named(scope: &Scope) -> Error {
    let name = scope.request().header("x-error").unwrap_or_default().into_owned();
    table().into_iter().find(|(known, _)| *known == name).map_or_else(|| Error::application("no such error"), |(_, error)| error)
}

fn raising() -> Vec<AppRoute> {
    vec![
        AppRoute::get("/raise", Guard::Open, |scope, _| async move { Err(named(&scope).into()) }),
        AppRoute::get("/create-and-raise", Guard::Open, |scope, _| async move {
            scope.create_new_session(NewSession::of("u")).await?;
            Err(named(&scope).into())
        }),
    ]
}

const CLAIMS: &str =
    r#"{"message":"invalid claim","claimValidationErrors":[{"id":"role","reason":{"message":"wrong value"}},{"id":"plan"}]}"#;

fn body(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// What the table says: name, status, body, and whether both methods are cleared.
fn expected() -> Vec<(&'static str, u16, Value, bool)> {
    let message = |text: &str| json!({ "message": text });
    vec![
        ("unauthorised", 401, message("unauthorised"), true),
        ("unauthorised_keeping", 401, message("unauthorised"), false),
        ("try_refresh", 401, message("try refresh token"), false),
        ("theft", 401, message("token theft detected"), true),
        ("claims", 403, body(CLAIMS), false),
        ("duplicates", 200, message("two of them"), false),
        ("bad_input", 400, message("what is this"), false),
        ("core", 500, message("internal server error"), false),
        ("application", 500, message("internal server error"), false),
    ]
}

/// 49.
async fn every_error_that_a_handler_raises_has_its_answer(stage: &Stage) {
    let (app, core) = app_with(stage, |plan| plan, raising()).await;
    for (name, status, body, clears) in expected() {
        core.forget();
        let answer = app.get("/raise").header("x-error", name).send().await;
        assert_eq!((answer.status, answer.json()), (status, body), "{name}");
        if clears {
            answer.clears_both();
        } else {
            answer.touches_no_token();
        }
        let ended: Vec<Value> = core.asked_at("POST", "/recipe/session/remove").into_iter().map(|asked| asked.body).collect();
        let stolen = if name == "theft" { vec![json!({ "sessionHandles": ["stolen"] })] } else { Vec::new() };
        assert_eq!(ended, stolen, "{name}");
    }
}

/// 49, 3.7: clearing overwrites what is there; everything else leaves the new tokens on the response.
async fn the_same_errors_after_a_session_was_created_leave_the_right_tokens(stage: &Stage) {
    let (app, _) = app_with(stage, |plan| plan, raising()).await;
    for mode in ["cookie", "header"] {
        for (name, status, _, clears) in expected() {
            let call = app.get("/create-and-raise").header("x-error", name).header("st-auth-mode", mode);
            let answer = call.send().await;
            assert_eq!(answer.status, status, "{name}");
            if clears {
                answer.clears_both();
            } else {
                assert!(answer.access_token().is_some() && answer.refresh_token().is_some(), "{name} {mode}");
            }
        }
    }
}

/// 50.
async fn other_status_codes_are_used_throughout(stage: &Stage) {
    let change = |recipe: SessionRecipe| recipe.session_expired_status_code(440).invalid_claim_status_code(404);
    let (app, _) = app_with(stage, |plan| plan.sessions(change), raising()).await;
    let statuses = [("unauthorised", 440), ("unauthorised_keeping", 440), ("try_refresh", 440), ("theft", 440), ("claims", 404)];
    for (name, status) in statuses {
        assert_eq!(app.get("/raise").header("x-error", name).send().await.status, status, "{name}");
    }
    assert_eq!(app.post("/auth/session/refresh").send().await.status, 440);
    assert_eq!(app.post("/auth/signout").send().await.status, 440);
}

fn teapot(scope: &Scope, body: &Value) {
    scope.respond_json(StatusCode::FORBIDDEN, body);
}

/// 51.
async fn a_callbacks_answer_does_not_keep_tokens_from_being_cleared(stage: &Stage) {
    let handlers = Handlers::new().on_unauthorised(|message, scope| async move {
        teapot(&scope, &json!({ "told": message }));
        Ok(())
    });
    let (app, _) = app_with(stage, |plan| plan.sessions(|recipe| recipe.error_handlers(handlers)), raising()).await;
    let answer = app.get("/create-and-raise").header("x-error", "unauthorised").send().await;
    assert_eq!((answer.status, answer.json()), (403, json!({ "told": "gone" })));
    answer.clears_both();
    let answer = app.post("/auth/session/refresh").send().await;
    assert_eq!(answer.status, 403);
    answer.clears_both();
    let answer = app.get("/raise").header("x-error", "unauthorised_keeping").send().await;
    assert_eq!(answer.status, 403);
    answer.touches_no_token();
}

/// 4.2.
async fn every_callback_is_told_what_happened(stage: &Stage) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = |told: &Arc<Mutex<Vec<String>>>| {
        let told = Arc::clone(told);
        move |what: String| told.lock().unwrap().push(what)
    };
    let notes = [note(&told), note(&told), note(&told), note(&told), note(&told)];
    let [unauthorised, refresh, theft, claims, duplicates] = notes;
    let handlers = Handlers::new()
        .on_unauthorised(move |message, _| {
            unauthorised(format!("unauthorised {message}"));
            async { Ok(()) }
        })
        .on_try_refresh_token(move |message, _| {
            refresh(format!("refresh {message}"));
            async { Ok(()) }
        })
        .on_token_theft_detected(move |who: Theft, _| {
            theft(format!("theft {} {} {}", who.session_handle, who.user_id, who.recipe_user_id));
            async { Ok(()) }
        })
        .on_invalid_claim(move |failures: Vec<ClaimFailure>, _| {
            claims(format!("claims {} {}", failures[0].id, failures[1].id));
            async { Ok(()) }
        })
        .on_clear_duplicate_session_cookies(move |message, _| {
            duplicates(format!("duplicates {message}"));
            async { Ok(()) }
        });
    let (app, core) = app_with(stage, |plan| plan.sessions(|recipe| recipe.error_handlers(handlers)), raising()).await;
    for (name, status, body, _) in expected() {
        let answer = app.get("/raise").header("x-error", name).send().await;
        assert_eq!((answer.status, answer.json()), (status, body), "a callback that writes nothing changes nothing: {name}");
    }
    let told = told.lock().unwrap().clone();
    let expected = [
        "unauthorised gone",
        "unauthorised none",
        "refresh old",
        "theft stolen u r",
        "claims role plan",
        "duplicates two of them",
    ];
    assert_eq!(told, expected);
    assert!(core.paths().is_empty(), "the theft callback is there instead of ending the session");
}

/// 3.7.
async fn a_callback_that_fails_is_a_fault_and_tokens_are_cleared(stage: &Stage) {
    let handlers = Handlers::new().on_unauthorised(|_, _| async { Err(Error::application("callback")) });
    let (app, _) = app_with(stage, |plan| plan.sessions(|recipe| recipe.error_handlers(handlers)), raising()).await;
    let answer = app.get("/create-and-raise").header("x-error", "unauthorised").send().await;
    fault(&answer);
    answer.clears_both();
}

/// 52.
async fn a_stolen_session_that_cannot_be_ended_is_a_fault(stage: &Stage) {
    let (app, core) = app(stage).await;
    core.answers("POST", "/recipe/session/refresh", stolen());
    core.answers("POST", "/recipe/session/remove", Reply::text(500, "boom"));
    let answer = app.post("/auth/session/refresh").refresh("old").send().await;
    fault(&answer);
    answer.clears_both();
    assert!(!answer.text().contains("boom"));
}

fn stolen() -> Reply {
    Reply::Json(json!({
        "status": "TOKEN_THEFT_DETECTED", "session": { "handle": "stolen", "userId": "u", "recipeUserId": "r" },
    }))
}

/// 53.
async fn a_fault_in_an_endpoint_tells_nothing_and_can_be_answered_by_the_application(stage: &Stage) {
    let (plain, core) = app(stage).await;
    core.everything(Reply::text(500, "secret detail"));
    let answer = plain.post("/auth/session/refresh").refresh("r").send().await;
    fault(&answer);
    assert!(!answer.text().contains("secret"));
    answer.touches_no_token();

    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let hook = move |builder: supertokens::Builder| {
        builder.on_fault(move |error, scope| {
            noted.lock().unwrap().push(error.to_string());
            let wanted = scope.request().headers().contains_key("x-own");
            wanted.then(|| OwnAnswer::json(StatusCode::BAD_GATEWAY, &json!({ "message": "later" })))
        })
    };
    let (app, core) = app_as(stage, |plan| plan.builder(hook)).await;
    core.everything(Reply::text(500, "secret detail"));
    fault(&app.post("/auth/session/refresh").refresh("r").send().await);
    let answer = app.post("/auth/session/refresh").refresh("r").header("x-own", "1").send().await;
    assert_eq!((answer.status, answer.json()), (502, json!({ "message": "later" })));
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() == 2 && seen.iter().all(|error| error.contains("secret detail")), "{seen:?}");
}

fn carries_new_tokens(answer: &Answer) {
    assert!(answer.access_token().is_some() && answer.refresh_token().is_some());
}

/// 53, 3.8, 144.
async fn an_applications_own_error_goes_its_own_way_with_the_tokens_that_were_set(stage: &Stage) {
    let routes = vec![
        AppRoute::get("/tea", Guard::Open, |scope, _| async move {
            scope.create_new_session(NewSession::of("u")).await?;
            Err::<AppAnswer, _>(HandlerError::Foreign("out of tea".to_owned()))
        }),
        AppRoute::get("/guarded", Guard::Required, |_, _| async { Err(HandlerError::Foreign("ran".to_owned())) }),
    ];
    let (app, _) = app_with(stage, |plan| plan, routes).await;
    for mode in ["cookie", "header"] {
        let answer = app.get("/tea").header("st-auth-mode", mode).send().await;
        assert_eq!((answer.status, answer.text().as_str()), (418, "out of tea"));
        carries_new_tokens(&answer);
    }
    no_session(&app.get("/guarded").send().await);
    try_refresh(&app.get("/guarded").access(&valid(stage).expired(stage.clock.now()).text()).send().await);
    assert_eq!(app.get("/guarded").access(&valid(stage).text()).send().await.status, 418);
    logged_out(&app.post("/auth/session/refresh").send().await);
}

//! How the SDK talks to cores: which version, which host, how often, what is kept, and what it says when nothing helps
//! (sdk-session.md 11, scenarios 20 to 34).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use supertokens::session::{
    GetAllSessionHandlesForUser, GetSessionInformation, RevokeSession, SessionRecipe, UpdateSessionDataInDatabase, VerifyOptions,
};
use supertokens::{CoreError, Error, RequestView, SuperTokens, TransportError, UserContext};
use tokio::time::Instant;

use super::super::fake_core::{Asked, FakeCore, Reply};
use super::super::stage::{Stage, standard_app_info};
use super::ground::{CORE, app, engine, engine_as, fake, in_paused_time, payload, valid, way_to};
use crate::ports::TestClock;
use crate::scenarios;

scenarios!(Stage:
    one_negotiation_precedes_all_calls_and_says_who_asks,
    a_hundred_first_calls_negotiate_once,
    a_core_that_does_not_answer_holds_nobody_up_for_long,
    the_newest_common_version_is_used,
    without_a_common_version_nothing_is_asked_and_the_next_call_tries_again,
    only_calls_of_a_recipe_name_it,
    another_core_is_tried_when_one_cannot_be_reached,
    only_an_unreachable_core_is_replaced_by_another,
    calls_go_round_all_cores,
    a_busy_core_is_asked_six_times_with_growing_pauses,
    a_busy_core_beside_a_free_one_costs_one_short_pause,
    a_core_that_is_busy_twice_costs_two_pauses,
    parallel_calls_count_their_own_attempts,
    a_cores_refusal_is_quoted_word_by_word,
    a_redirect_is_not_followed,
    the_same_read_in_one_context_is_asked_once,
    a_write_forgets_what_its_context_has_read,
    a_write_outside_of_requests_makes_every_context_read_again,
    what_a_caller_does_to_an_answer_stays_his_own,
    an_answer_that_was_overtaken_by_a_write_serves_nobody_again,
    an_interceptor_may_change_every_part_of_a_call,
    fetching_the_keys_passes_no_interceptor,
    an_interceptor_that_fails_is_named,
    an_interceptor_that_hangs_stops_no_other_call,
    a_tenants_name_stays_one_segment_of_the_path,
    garbage_from_a_core_is_an_error_and_no_panic,
);

const VERIFY: &str = "/recipe/session/verify";

fn look(context: &UserContext) -> GetSessionInformation {
    GetSessionInformation { session_handle: "h".to_owned(), context: context.clone() }
}

fn of_a_request() -> UserContext {
    UserContext::of_request(RequestView::of(&http::Request::get("/x").body(()).unwrap()))
}

fn reads(core: &FakeCore) -> usize {
    core.times("GET", "/recipe/session")
}

/// 20.
async fn one_negotiation_precedes_all_calls_and_says_who_asks(stage: &Stage) {
    let core = fake(stage);
    let engine = stage.engine(|plan| plan.core(way_to(&core, CORE).api_key("key"))).await;
    engine.session_information("h").await.unwrap();
    engine.revoke_session("h").await.unwrap();
    let asked = core.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("GET", "/apiversion"));
    assert_eq!(asked[0].header("api-key"), Some("key"));
    assert_eq!((asked[0].header("cdi-version"), asked[0].header("rid")), (None, None));
    assert_eq!(asked[0].query["apiDomain"], "http://api.example.com");
    assert_eq!(asked[0].query["websiteDomain"], "http://example.com");
    for later in &asked[1..] {
        assert_eq!((later.header("api-key"), later.header("cdi-version")), (Some("key"), Some("5.4")));
    }
    assert_eq!(asked[1].header("content-type"), None, "a GET has no body");
    assert_eq!(asked[2].header("content-type"), Some("application/json; charset=utf-8"));
}

/// 20, at once.
async fn a_hundred_first_calls_negotiate_once(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let calls = (0..100).map(|_| engine.session_information("h"));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }
    assert_eq!((core.times("GET", "/apiversion"), reads(&core)), (1, 100));
}

/// 2.3: one negotiation at a time must not mean one time-out after the other.
async fn a_core_that_does_not_answer_holds_nobody_up_for_long(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    in_paused_time(|| async {
        let core = FakeCore::new(Arc::clone(&clock));
        let builder = SuperTokens::builder(standard_app_info()).core(way_to(&core, CORE)).recipe(SessionRecipe::new());
        let engine = builder.clock(Arc::new(move || clock.now())).build().await.unwrap();
        core.everything(Reply::After(Duration::from_secs(30), Box::new(Reply::TimedOut)));
        let began = Instant::now();
        let outcomes = futures_util::future::join_all((0..100).map(|_| engine.session_information("h"))).await;
        assert!(outcomes.iter().all(Result::is_err));
        assert!(began.elapsed() <= Duration::from_secs(61), "{:?}", began.elapsed());
        core.as_usual();
        engine.session_information("h").await.unwrap();
    });
}

/// 21, with decision 9: 5.4 and 5.6 are spoken, the newer is preferred.
async fn the_newest_common_version_is_used(stage: &Stage) {
    let rows: [(&[&str], &str); 5] = [
        (&["5.3", "5.4", "5.5"], "5.4"),
        (&["5.4", "5.5", "5.6"], "5.6"),
        (&["5.6", "5.4"], "5.6"),
        (&["5.6"], "5.6"),
        (&["5.4", "5.10", "6.0"], "5.4"),
    ];
    for (offered, used) in rows {
        let (engine, core) = engine(stage).await;
        core.offer(offered);
        engine.session_information("h").await.unwrap();
        assert_eq!(core.only("GET", "/recipe/session").header("cdi-version"), Some(used), "{offered:?}");
    }
}

/// 21.
async fn without_a_common_version_nothing_is_asked_and_the_next_call_tries_again(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    core.offer(&["5.5", "4.0"]);
    for _ in 0..2 {
        let error = engine.session_information("h").await.unwrap_err();
        assert!(matches!(error, Error::Core(CoreError::Incompatible { .. })), "{error:?}");
        assert!(error.to_string().contains("5.5, 4.0"), "{error}");
    }
    assert_eq!((core.times("GET", "/apiversion"), reads(&core)), (2, 0));
    core.answers_once("GET", "/apiversion", Reply::text(500, "boom"));
    let error = engine.session_information("h").await.unwrap_err();
    assert!(error.to_string().contains("GET request to path: '/apiversion' with status code: 500"), "{error}");
    core.offer(&["5.4"]);
    engine.session_information("h").await.unwrap();
    assert_eq!((core.times("GET", "/apiversion"), reads(&core)), (4, 1));
}

/// 22.
async fn only_calls_of_a_recipe_name_it(stage: &Stage) {
    let (app, core) = app(stage).await;
    app.post("/login").send().await.ok();
    app.engine.create_jwt(payload(json!({ "a": 1 })), Some(60), None).await.unwrap();
    app.get("/auth/jwt/jwks.json").send().await.ok();
    let rid = |method, path| core.only(method, path).header("rid").map(str::to_owned);
    assert_eq!(rid("POST", "/public/recipe/session").as_deref(), Some("session"));
    assert_eq!(rid("POST", "/recipe/jwt").as_deref(), Some("jwt"));
    assert_eq!(rid("GET", "/user/id"), None);
    assert_eq!(rid("GET", "/apiversion"), None);
    assert_eq!(rid("GET", "/.well-known/jwks.json"), None);
}

/// 23.
async fn another_core_is_tried_when_one_cannot_be_reached(stage: &Stage) {
    let core = fake(stage);
    let engine = stage.engine(|plan| plan.core(way_to(&core, "http://a:1;http://b:2"))).await;
    core.host("a:1", Reply::Refused);
    for _ in 0..4 {
        engine.revoke_session("h").await.unwrap();
    }
    core.host("b:2", Reply::Refused);
    core.forget();
    let error = engine.revoke_session("h").await.unwrap_err();
    assert!(matches!(error, Error::Core(CoreError::NoneReachable(Some(TransportError::Unreachable(_))))), "{error:?}");
    assert_eq!(error.to_string(), "No SuperTokens core available to query");
    assert_eq!(core.asked().len(), 2, "each was tried once");
}

/// 2.4: a question that may have been answered is not asked twice.
async fn only_an_unreachable_core_is_replaced_by_another(stage: &Stage) {
    for trouble in [Reply::TimedOut, Reply::Broken, Reply::text(500, "boom"), Reply::text(502, ""), Reply::text(401, "key")] {
        let core = fake(stage);
        let engine = stage.engine(|plan| plan.core(way_to(&core, "http://a:1;http://b:2"))).await;
        engine.session_information("h").await.unwrap();
        core.forget();
        core.everything(trouble.clone());
        engine.revoke_session("h").await.unwrap_err();
        assert_eq!(core.asked().len(), 1, "{trouble:?}");
    }
}

/// 24.
async fn calls_go_round_all_cores(stage: &Stage) {
    let core = fake(stage);
    let engine = stage.engine(|plan| plan.core(way_to(&core, "http://a:1;http://b:2"))).await;
    for _ in 0..4 {
        engine.session_information("h").await.unwrap();
    }
    let hosts: Vec<String> = core.asked().into_iter().map(|asked| asked.host).collect();
    assert_eq!(hosts, ["a:1", "b:2", "a:1", "b:2", "a:1"], "the negotiation takes its turn too");
}

/// An engine in paused time, over these addresses; it has negotiated already.
async fn paused_engine(clock: Arc<TestClock>, addresses: &str) -> (SuperTokens, Arc<FakeCore>) {
    let core = FakeCore::new(Arc::clone(&clock));
    let builder = SuperTokens::builder(standard_app_info()).core(way_to(&core, addresses)).recipe(SessionRecipe::new());
    let engine = builder.clock(Arc::new(move || clock.now())).build().await.unwrap();
    engine.session_information("h").await.unwrap();
    core.forget();
    (engine, core)
}

fn pauses(asked: &[Asked]) -> Vec<u128> {
    asked.windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis()).collect()
}

/// The timer of the runtime has a grain of one ms.
#[track_caller]
fn about(pauses: &[u128], expected: &[u128]) {
    assert_eq!(pauses.len(), expected.len(), "{pauses:?}");
    let near = pauses.iter().zip(expected).all(|(pause, expected)| (*expected..=expected + 2).contains(pause));
    assert!(near, "{pauses:?} instead of {expected:?}");
}

/// 25.
async fn a_busy_core_is_asked_six_times_with_growing_pauses(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let (asked, error, took) = in_paused_time(|| async {
        let (engine, core) = paused_engine(clock, CORE).await;
        core.answers("POST", "/recipe/session/remove", Reply::text(429, "slow down"));
        let began = Instant::now();
        let error = engine.revoke_session("h").await.unwrap_err().to_string();
        (core.asked(), error, began.elapsed())
    });
    assert_eq!(asked.len(), 6);
    about(&pauses(&asked), &[10, 260, 510, 760, 1_010]);
    assert!(took >= Duration::from_millis(2_550), "{took:?}");
    assert_eq!(
        error,
        "SuperTokens core threw an error for a POST request to path: '/recipe/session/remove' with status code: 429 and message: slow down"
    );
}

/// 26.
async fn a_busy_core_beside_a_free_one_costs_one_short_pause(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let asked = in_paused_time(|| async {
        let (engine, core) = paused_engine(clock, "http://a:1;http://b:2").await;
        core.host("a:1", Reply::text(429, "slow down"));
        engine.revoke_session("h").await.unwrap();
        core.asked()
    });
    let hosts: Vec<&str> = asked.iter().map(|asked| asked.host.as_str()).collect();
    assert_eq!(hosts, ["a:1", "b:2"]);
    about(&pauses(&asked), &[10]);
}

/// 27.
async fn a_core_that_is_busy_twice_costs_two_pauses(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let asked = in_paused_time(|| async {
        let (engine, core) = paused_engine(clock, CORE).await;
        for _ in 0..2 {
            core.answers_once("POST", "/recipe/session/remove", Reply::text(429, "slow down"));
        }
        engine.revoke_session("h").await.unwrap();
        core.asked()
    });
    about(&pauses(&asked), &[10, 260]);
}

/// 28.
async fn parallel_calls_count_their_own_attempts(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let (asked, took) = in_paused_time(|| async {
        let (engine, core) = paused_engine(clock, CORE).await;
        core.everything(Reply::text(429, "slow down"));
        let began = Instant::now();
        let (one, other) = tokio::join!(engine.revoke_session("h"), engine.revoke_session("i"));
        assert!(one.is_err() && other.is_err());
        (core.asked(), began.elapsed())
    });
    for handle in ["h", "i"] {
        assert_eq!(asked.iter().filter(|asked| asked.body["sessionHandles"] == json!([handle])).count(), 6, "{handle}");
    }
    assert!(took < Duration::from_millis(2_600), "they waited at the same time: {took:?}");
}

/// 29.
async fn a_cores_refusal_is_quoted_word_by_word(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    core.answers("POST", VERIFY, Reply::text(500, "boom"));
    let options = VerifyOptions::new().check_database();
    let error = engine.get_session(valid(stage).text(), None, &options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "SuperTokens core threw an error for a POST request to path: '/recipe/session/verify' with status code: 500 and message: boom"
    );
    assert!(!error.has_answer(), "it is a fault, not an answer");
}

/// 2.2.
async fn a_redirect_is_not_followed(stage: &Stage) {
    for status in [301, 302, 307] {
        let (engine, core) = engine(stage).await;
        let moved = Response::builder().status(status).header("location", "http://elsewhere.test/").body(Bytes::new()).unwrap();
        core.answers("GET", "/recipe/session", Reply::Raw(moved));
        let error = engine.session_information("h").await.unwrap_err();
        assert!(matches!(error, Error::Core(CoreError::Status { status: found, .. }) if found == status), "{error:?}");
        assert!(core.asked().iter().all(|asked| asked.host == "core.test:3567"));
    }
}

/// 30.
async fn the_same_read_in_one_context_is_asked_once(stage: &Stage) {
    let (one, core) = engine(stage).await;
    let (first, second) = (UserContext::new(), UserContext::new());
    for _ in 0..2 {
        one.call(look(&first)).await.unwrap();
    }
    assert_eq!(reads(&core), 1);
    one.call(look(&second)).await.unwrap();
    assert_eq!(reads(&core), 2);
    one.call(GetSessionInformation { session_handle: "other".to_owned(), context: first.clone() }).await.unwrap();
    assert_eq!(reads(&core), 3, "another question is another question");

    let core = fake(stage);
    let without = stage.engine(|plan| plan.core(way_to(&core, CORE).without_call_cache())).await;
    for _ in 0..2 {
        without.call(look(&first)).await.unwrap();
    }
    assert_eq!(reads(&core), 2);
}

/// 31.
async fn a_write_forgets_what_its_context_has_read(stage: &Stage) {
    for context in [UserContext::new(), of_a_request()] {
        let (engine, core) = engine(stage).await;
        engine.call(look(&context)).await.unwrap();
        let write = UpdateSessionDataInDatabase {
            session_handle: "h".to_owned(),
            new_session_data: Value::Null,
            context: context.clone(),
        };
        engine.call(write).await.unwrap();
        engine.call(look(&context)).await.unwrap();
        assert_eq!(reads(&core), 2);
    }
}

/// 32.
async fn a_write_outside_of_requests_makes_every_context_read_again(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let (kept, free) = (of_a_request(), UserContext::new());
    let write = |context: UserContext| engine.call(RevokeSession { session_handle: "x".to_owned(), context });
    for context in [&kept, &free] {
        engine.call(look(context)).await.unwrap();
    }
    write(of_a_request()).await.unwrap();
    for context in [&kept, &free] {
        engine.call(look(context)).await.unwrap();
    }
    assert_eq!(reads(&core), 2, "another request's write leaves them alone");
    write(UserContext::new()).await.unwrap();
    for context in [&kept, &free] {
        engine.call(look(context)).await.unwrap();
        engine.call(look(context)).await.unwrap();
    }
    assert_eq!(reads(&core), 4, "a write of nobody's makes both read again, once");
}

/// 33.
async fn what_a_caller_does_to_an_answer_stays_his_own(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    core.answers("GET", "/recipe/session", found_session());
    let context = UserContext::new();
    let mut first = engine.call(look(&context)).await.unwrap().unwrap();
    first.session_data_in_database.insert("changed".to_owned(), true.into());
    let second = engine.call(look(&context)).await.unwrap().unwrap();
    assert_eq!((second.session_data_in_database, reads(&core)), (payload(json!({ "kept": 1 })), 1));
}

fn found_session() -> Reply {
    Reply::Json(json!({
        "status": "OK", "sessionHandle": "h", "userId": "u", "recipeUserId": "r", "tenantId": "public",
        "userDataInDatabase": { "kept": 1 }, "userDataInJWT": { "plan": "free" }, "expiry": 2, "timeCreated": 1,
    }))
}

/// 2.7: what was read before a write, though it arrived after it, is stale.
async fn an_answer_that_was_overtaken_by_a_write_serves_nobody_again(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let times = in_paused_time(|| async {
        let (engine, core) = paused_engine(clock, CORE).await;
        core.answers("GET", "/recipe/session", Reply::After(Duration::from_secs(1), Box::new(Reply::Usual)));
        let context = of_a_request();
        let write = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            engine.revoke_session("x").await
        };
        let (read, written) = tokio::join!(engine.call(look(&context)), write);
        assert!(read.is_ok() && written.is_ok());
        engine.call(look(&context)).await.unwrap();
        reads(&core)
    });
    assert_eq!(times, 2);
}

/// 34.
async fn an_interceptor_may_change_every_part_of_a_call(stage: &Stage) {
    let core = fake(stage);
    let way = way_to(&core, CORE).with_interceptor(|mut call, context| async move {
        call.headers.insert("x-added", "yes".parse()?);
        call.query.push(("added".to_owned(), "a b&c".to_owned()));
        if context.get::<&str>() == Some("elsewhere") {
            call.url = call.url.replace("core.test:3567", "dead.test:1");
        }
        Ok(call)
    });
    let engine = stage.engine(|plan| plan.core(way)).await;
    core.host("dead.test:1", Reply::Refused);
    let handles = |context: &UserContext| GetAllSessionHandlesForUser {
        user_id: "u".to_owned(),
        fetch_sessions_for_all_linked_accounts: true,
        tenant_id: None,
        context: context.clone(),
    };
    engine.call(handles(&UserContext::new())).await.unwrap();
    for asked in core.asked() {
        assert_eq!((asked.header("x-added"), asked.query["added"].as_str()), (Some("yes"), "a b&c"), "{}", asked.path);
    }
    let context = UserContext::new();
    context.insert("elsewhere");
    let error = engine.call(handles(&context)).await.unwrap_err();
    assert_eq!(error.to_string(), "No SuperTokens core available to query");
}

/// 34.
async fn fetching_the_keys_passes_no_interceptor(stage: &Stage) {
    let core = fake(stage);
    let way = way_to(&core, CORE).api_key("key").with_interceptor(|mut call, _| async move {
        call.headers.insert("x-added", "yes".parse()?);
        Ok(call)
    });
    let engine = stage.engine(|plan| plan.core(way)).await;
    engine.get_session(valid(stage).text(), None, &VerifyOptions::new()).await.unwrap().unwrap();
    let fetched = core.only("GET", "/.well-known/jwks.json");
    assert_eq!((fetched.header("x-added"), fetched.header("api-key"), fetched.header("cdi-version")), (None, None, None));
    assert_eq!(core.asked().len(), 1, "and nothing else was asked");
}

/// 2.8.
async fn an_interceptor_that_fails_is_named(stage: &Stage) {
    let core = fake(stage);
    let way = way_to(&core, CORE).with_interceptor(|_, _| async { Err("no entry".into()) });
    let engine = stage.engine(|plan| plan.core(way)).await;
    let error = engine.session_information("h").await.unwrap_err();
    assert!(matches!(&error, Error::Core(CoreError::Interceptor(source)) if source.to_string() == "no entry"), "{error:?}");
    assert!(core.asked().is_empty());
}

/// 2.8: the first call finds out the version for all others, and passes the interceptor too.
async fn an_interceptor_that_hangs_stops_no_other_call(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    in_paused_time(|| async {
        let core = FakeCore::new(Arc::clone(&clock));
        let way = way_to(&core, CORE).with_interceptor(|call, context| async move {
            match context.get::<&str>() {
                Some("hang") => std::future::pending().await,
                _ => Ok(call),
            }
        });
        let builder = SuperTokens::builder(standard_app_info()).core(way).recipe(SessionRecipe::new());
        let engine = builder.clock(Arc::new(move || clock.now())).build().await.unwrap();
        let context = UserContext::new();
        context.insert("hang");
        let began = Instant::now();
        let (hanging, meanwhile) = tokio::join!(engine.call(look(&context)), engine.session_information("h"));
        assert!(matches!(hanging, Err(Error::Core(CoreError::Interceptor(_)))) && meanwhile.is_err());
        assert!(began.elapsed() <= Duration::from_secs(31), "{:?}", began.elapsed());
        engine.session_information("h").await.unwrap();
    });
}

/// 2.1.
async fn a_tenants_name_stays_one_segment_of_the_path(stage: &Stage) {
    let (engine, core) = engine(stage).await;
    let of = |tenant: &str| GetAllSessionHandlesForUser {
        user_id: "u".to_owned(),
        fetch_sessions_for_all_linked_accounts: false,
        tenant_id: Some(tenant.to_owned()),
        context: UserContext::new(),
    };
    engine.call(of("t-1")).await.unwrap();
    assert_eq!(core.asked().last().unwrap().path, "/t-1/recipe/session/user");
    core.forget();
    for tenant in ["", ".", "..", "a/b", "a?c", "a#d", "%2e%2e", "ü", "a b", "appid-other", "APPID-other", "a\0"] {
        let error = engine.call(of(tenant)).await.unwrap_err();
        assert!(matches!(error, Error::Core(CoreError::NotATenant)), "{tenant:?}: {error:?}");
    }
    assert!(core.asked().is_empty(), "none of these reached the core, in whatever app");
}

/// Issue 3, "answers garbage".
async fn garbage_from_a_core_is_an_error_and_no_panic(stage: &Stage) {
    let bodies: [&[u8]; 9] =
        [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b"{\"status\":1}", b"{\"status\":\"WHAT\"}", b"{\"status\":\"OK\"}"];
    for body in bodies {
        let (engine, core) = engine_as(stage, |plan| plan).await;
        engine.session_handles_of_user("u").await.unwrap();
        core.everything(Reply::Raw(Response::new(Bytes::copy_from_slice(body))));
        let shown = String::from_utf8_lossy(body).into_owned();
        let failed = |what: &str, error: Error| assert!(!error.has_answer(), "{what} {shown:?}: {error:?}");
        failed("information", engine.session_information("h").await.map(drop).unwrap_err());
        failed("handles", engine.session_handles_of_user("u").await.map(drop).unwrap_err());
        failed("revoke", engine.revoke_session("h").await.map(drop).unwrap_err());
        failed("refresh", engine.refresh_session("r", true, None).await.map(drop).unwrap_err());
        failed("create", engine.create_new_session(supertokens::session::NewSession::of("u")).await.map(drop).unwrap_err());
        failed("jwt", engine.create_jwt(payload(json!({})), None, None).await.map(drop).unwrap_err());
        // The keys are fetched before the core is asked: without keys, "try refresh token" (decision 14).
        let options = VerifyOptions::new().check_database();
        let error = engine.get_session(valid(stage).text(), None, &options).await.map(drop).unwrap_err();
        assert!(matches!(error, Error::TryRefreshToken { .. }), "{error:?}");
    }
}

//! The core's public keys in the SDK: when they are fetched, from where, and what happens when they cannot be, or change
//! (sdk-session.md 11, scenarios 84 to 86; 6.5; issue 3, "a core that is down, slow, answers garbage, or changes its keys").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::json;
use supertokens::session::{SessionRecipe, VerifyOptions};
use supertokens::{Error, SuperTokens};

use super::super::fake_core::{FakeCore, Reply};
use super::super::routes;
use super::super::stage::{App, Stage, standard_app_info};
use super::ground::{CORE, Carrying, app, app_as, fake, in_paused_time, try_refresh, valid, way_to};
use super::tokens::{TestKey, Token};
use crate::scenarios;

scenarios!(Stage:
    an_unknown_key_is_looked_for_once_in_half_a_second,
    old_keys_are_fetched_again_and_never_used_when_that_fails,
    another_host_is_asked_when_one_has_no_usable_keys,
    a_wrong_signature_does_not_move_on_to_the_next_host,
    many_requests_at_once_fetch_the_keys_once,
    callers_with_a_good_key_never_wait_for_a_fetch,
    a_slow_core_is_waited_for_five_seconds,
    every_kind_of_broken_key_set_asks_for_a_refresh,
    keys_for_other_purposes_are_passed_over,
    a_key_that_is_gone_verifies_nothing_any_more,
    a_key_of_the_same_name_but_another_number_is_another_key,
    a_token_that_was_verified_is_not_remembered_beyond_its_time,
    the_memory_of_verified_tokens_can_be_switched_off,
    a_clock_that_is_off_refuses_and_recovers,
);

const KEYS: &str = "/.well-known/jwks.json";

fn fetched(core: &FakeCore) -> usize {
    core.times("GET", KEYS)
}

async fn ask(app: &App, token: &Token) -> u16 {
    let answer = app.get("/session").access(&token.text()).send().await;
    if answer.status != 200 {
        try_refresh(&answer);
    }
    answer.status
}

/// 84.
async fn an_unknown_key_is_looked_for_once_in_half_a_second(stage: &Stage) {
    let (app, core) = app(stage).await;
    assert_eq!((ask(&app, &valid(stage)).await, fetched(&core)), (200, 1));
    let new = valid(stage).of_key(TestKey::Other);
    core.publish(&[(TestKey::Dynamic, TestKey::Dynamic.kid()), (TestKey::Other, TestKey::Other.kid())]);
    stage.clock.advance(499);
    assert_eq!((ask(&app, &new).await, fetched(&core)), (401, 1), "too soon");
    stage.clock.advance(1);
    assert_eq!((ask(&app, &new).await, fetched(&core)), (200, 2));
    for _ in 0..5 {
        assert_eq!((ask(&app, &valid(stage).header("kid", "d-nobody")).await, fetched(&core)), (401, 2));
    }
    stage.clock.advance(500);
    for _ in 0..5 {
        assert_eq!(ask(&app, &valid(stage).header("kid", "d-nobody")).await, 401);
    }
    assert_eq!(fetched(&core), 3, "tokens with names of keys that nobody has cannot flood the core");
}

/// 85.
async fn old_keys_are_fetched_again_and_never_used_when_that_fails(stage: &Stage) {
    let twenty = |recipe: SessionRecipe| recipe.jwks_refresh_interval_sec(20);
    let (app, core) = app_as(stage, |plan| plan.sessions(twenty)).await;
    let token = valid(stage);
    assert_eq!((ask(&app, &token).await, fetched(&core)), (200, 1));
    stage.clock.advance(17_999);
    assert_eq!((ask(&app, &token).await, fetched(&core)), (200, 1));
    stage.clock.advance(1);
    assert_eq!((ask(&app, &token).await, fetched(&core)), (200, 2), "fetched before they are too old");
    stage.clock.advance(21_000);
    assert_eq!((ask(&app, &token).await, fetched(&core)), (200, 3), "too old: fetched again");
    core.everything(Reply::Refused);
    stage.clock.advance(20_000);
    assert_eq!(ask(&app, &token).await, 200, "the old ones still count");
    stage.clock.advance(1_000);
    assert_eq!(ask(&app, &token).await, 401);
    core.as_usual();
    assert_eq!(ask(&app, &token).await, 401, "half a second after a fetch that failed there is no other");
    stage.clock.advance(500);
    assert_eq!(ask(&app, &token).await, 200);
}

/// 86.
async fn another_host_is_asked_when_one_has_no_usable_keys(stage: &Stage) {
    let broken = [
        Reply::Refused,
        Reply::Broken,
        Reply::TimedOut,
        Reply::text(500, "x"),
        Reply::Json(json!({ "keys": 1 })),
        Reply::Json(json!({ "keys": [] })),
    ];
    for trouble in broken {
        let core = fake(stage);
        let app = stage.app(|plan| plan.core(way_to(&core, "http://a:1;http://b:2")), routes::standard()).await;
        core.host("a:1", trouble.clone());
        assert_eq!(ask(&app, &valid(stage)).await, 200, "{trouble:?}");
        let hosts: Vec<String> = core.asked().into_iter().map(|asked| asked.host).collect();
        assert_eq!(hosts, ["a:1", "b:2"], "{trouble:?}");
    }
}

/// 6.5.
async fn a_wrong_signature_does_not_move_on_to_the_next_host(stage: &Stage) {
    let core = fake(stage);
    let app = stage.app(|plan| plan.core(way_to(&core, "http://a:1;http://b:2")), routes::standard()).await;
    assert_eq!(ask(&app, &valid(stage).forged()).await, 401);
    let hosts: Vec<String> = core.asked().into_iter().map(|asked| asked.host).collect();
    assert_eq!(hosts, ["a:1"]);
}

async fn paused_engine(clock: Arc<crate::ports::TestClock>, addresses: &str) -> (SuperTokens, Arc<FakeCore>) {
    let core = FakeCore::new(Arc::clone(&clock));
    let builder = SuperTokens::builder(standard_app_info()).core(way_to(&core, addresses)).recipe(SessionRecipe::new());
    (builder.clock(Arc::new(move || clock.now())).build().await.unwrap(), core)
}

fn later(by: Duration, reply: Reply) -> Reply {
    Reply::After(by, Box::new(reply))
}

async fn check(engine: &SuperTokens, token: &str) -> Result<(), Error> {
    engine.get_session(token, None, &VerifyOptions::new()).await.map(drop)
}

/// 86.
async fn many_requests_at_once_fetch_the_keys_once(stage: &Stage) {
    let (clock, token) = (Arc::clone(&stage.clock), valid(stage).text());
    let counts = in_paused_time(|| async {
        let mut counts = Vec::new();
        for (reply, good) in [(Reply::Usual, true), (Reply::text(500, "x"), false)] {
            let (engine, core) = paused_engine(Arc::clone(&clock), "http://a:1;http://b:2").await;
            core.answers("GET", KEYS, later(Duration::from_millis(50), reply));
            let checks = (0..50).map(|_| check(&engine, &token));
            let outcomes = futures_util::future::join_all(checks).await;
            assert!(outcomes.iter().all(|outcome| outcome.is_ok() == good));
            counts.push(fetched(&core));
        }
        counts
    });
    assert_eq!(counts, [1, 2], "one fetch for each host that was tried");
}

/// Issue 3, part 2: "never blocking callers that have a good key".
async fn callers_with_a_good_key_never_wait_for_a_fetch(stage: &Stage) {
    let clock = Arc::clone(&stage.clock);
    let (good, unknown) = (valid(stage).text(), valid(stage).header("kid", "d-nobody").text());
    let others: Vec<String> = (0..20).map(|n| valid(stage).with("n", n).text()).collect();
    in_paused_time(|| async {
        let (engine, core) = paused_engine(Arc::clone(&clock), CORE).await;
        check(&engine, &good).await.unwrap();
        clock.advance(1_000);
        core.answers("GET", KEYS, later(Duration::from_secs(4), Reply::Usual));
        let began = tokio::time::Instant::now();
        let slow = async {
            let outcome = check(&engine, &unknown).await;
            (outcome, began.elapsed())
        };
        let fast = async {
            tokio::task::yield_now().await;
            for other in &others {
                check(&engine, other).await.unwrap();
            }
            began.elapsed()
        };
        let ((outcome, slow), fast) = tokio::join!(slow, fast);
        assert!(matches!(outcome, Err(Error::TryRefreshToken { .. })));
        assert!(slow >= Duration::from_secs(4) && fast < Duration::from_millis(1), "{slow:?} {fast:?}");
    });
}

/// 6.5.
async fn a_slow_core_is_waited_for_five_seconds(stage: &Stage) {
    let (clock, token) = (Arc::clone(&stage.clock), valid(stage).text());
    in_paused_time(|| async {
        let (engine, core) = paused_engine(Arc::clone(&clock), CORE).await;
        core.answers_once("GET", KEYS, later(Duration::from_secs(3_600), Reply::Usual));
        let began = tokio::time::Instant::now();
        let outcome = check(&engine, &token).await;
        assert!(matches!(outcome, Err(Error::TryRefreshToken { .. })), "{outcome:?}");
        let took = began.elapsed();
        assert!((Duration::from_secs(5)..Duration::from_millis(5_100)).contains(&took), "{took:?}");
        clock.advance(500);
        check(&engine, &token).await.unwrap();
    });
}

/// Decision 14: a core outage asks for a refresh; the session is not lost.
async fn every_kind_of_broken_key_set_asks_for_a_refresh(stage: &Stage) {
    let raw = |body: &'static [u8]| Reply::Raw(Response::new(Bytes::from_static(body)));
    let replies = [
        Reply::Refused,
        Reply::TimedOut,
        Reply::Broken,
        Reply::text(404, "not here"),
        Reply::text(503, ""),
        raw(b""),
        raw(b"<html>"),
        raw(b"[]"),
        raw(b"null"),
        raw(b"\xff\xfe{}"),
        raw(b"{\"keys\":[1]}"),
        raw(b"{\"keys\":[{\"kty\":1}]}"),
        raw(b"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"d-1700000000000\",\"alg\":\"RS256\",\"n\":\"!\",\"e\":\"AQAB\"}]}"),
        raw(b"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"d-1700000000000\",\"alg\":\"RS256\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}"),
    ];
    for reply in replies {
        let (app, core) = app(stage).await;
        core.answers("GET", KEYS, reply.clone());
        assert_eq!(ask(&app, &valid(stage)).await, 401, "{reply:?}");
        core.as_usual();
        stage.clock.advance(500);
        assert_eq!(ask(&app, &valid(stage)).await, 200, "it recovers: {reply:?}");
    }
}

/// 6.5, key choice.
async fn keys_for_other_purposes_are_passed_over(stage: &Stage) {
    let jwk = |member: &str, value: serde_json::Value| {
        let mut jwk = TestKey::Dynamic.jwk(TestKey::Dynamic.kid());
        jwk[member] = value;
        jwk
    };
    let unusable = [("use", json!("enc")), ("alg", json!("RS512")), ("kty", json!("EC")), ("kid", json!("d-other"))];
    for (member, value) in unusable {
        let (app, core) = app(stage).await;
        core.answers("GET", KEYS, Reply::Json(json!({ "keys": [jwk(member, value)] })));
        assert_eq!(ask(&app, &valid(stage)).await, 401, "{member}");
    }
    let (app, core) = app(stage).await;
    let (elliptic, no_use) = (json!({ "kty": "EC", "crv": "P-256", "x": "a", "y": "b" }), jwk("use", json!("sig")));
    core.answers("GET", KEYS, Reply::Json(json!({ "keys": [elliptic, jwk("use", json!("enc")), no_use], "more": 1 })));
    assert_eq!(ask(&app, &valid(stage)).await, 200);
}

/// Issue 3, part 2: what was remembered is forgotten when the keys change.
async fn a_key_that_is_gone_verifies_nothing_any_more(stage: &Stage) {
    let twenty = |recipe: SessionRecipe| recipe.jwks_refresh_interval_sec(20);
    let (app, core) = app_as(stage, |plan| plan.sessions(twenty)).await;
    let old = valid(stage);
    for _ in 0..2 {
        assert_eq!(ask(&app, &old).await, 200);
    }
    core.publish(&[(TestKey::Other, TestKey::Other.kid())]);
    stage.clock.advance(21_000);
    assert_eq!(ask(&app, &old).await, 401);
    assert_eq!(ask(&app, &valid(stage).of_key(TestKey::Other)).await, 200);
    assert_eq!(ask(&app, &old).await, 401);
}

/// As above, when only the number behind the name changes.
async fn a_key_of_the_same_name_but_another_number_is_another_key(stage: &Stage) {
    let (app, core) = app(stage).await;
    let old = valid(stage);
    assert_eq!(ask(&app, &old).await, 200);
    core.publish(&[(TestKey::Other, TestKey::Dynamic.kid())]);
    stage.clock.advance(5 * super::tokens::HOUR);
    let now = stage.clock.now() / 1_000;
    let old = old.with("exp", now + 60);
    assert_eq!(ask(&app, &old).await, 401);
    assert_eq!(ask(&app, &valid(stage).signed_by(TestKey::Other)).await, 200);
}

/// Issue 3, part 2: never beyond its expiry.
async fn a_token_that_was_verified_is_not_remembered_beyond_its_time(stage: &Stage) {
    let (app, core) = app(stage).await;
    // What was verified while the keys came in is verified once more: the keys it began with were others.
    assert_eq!(ask(&app, &valid(stage)).await, 200);
    let token = valid(stage).with("exp", stage.clock.now() / 1_000 + 10);
    for _ in 0..3 {
        assert_eq!(ask(&app, &token).await, 200);
        stage.clock.advance(3_000);
    }
    stage.clock.advance(999);
    assert_eq!(ask(&app, &token).await, 200);
    stage.clock.advance(1);
    assert_eq!(ask(&app, &token).await, 401);
    assert_eq!(fetched(&core), 1);
    let figures = app.engine.figures();
    assert_eq!((figures.tokens_verified, figures.tokens_known, figures.tokens_refused), (2, 3, 1));
}

/// Issue 3, part 2.
async fn the_memory_of_verified_tokens_can_be_switched_off(stage: &Stage) {
    let (app, _) = app_as(stage, |plan| plan.sessions(|recipe| recipe.verified_tokens_kept(0))).await;
    for _ in 0..3 {
        assert_eq!(ask(&app, &valid(stage)).await, 200);
    }
    let figures = app.engine.figures();
    assert_eq!((figures.tokens_verified, figures.tokens_known), (3, 0));
}

/// Issue 3, "a clock that is off".
async fn a_clock_that_is_off_refuses_and_recovers(stage: &Stage) {
    let (app, core) = app(stage).await;
    let token = valid(stage);
    assert_eq!(ask(&app, &token).await, 200);
    let day = 24 * super::tokens::HOUR;
    for (by, status) in [(day, 401), (-day, 200), (-day, 200), (day, 200), (i64::from(i32::MAX) * 1_000, 401)] {
        stage.clock.advance(by);
        assert_eq!(ask(&app, &token).await, status, "{by}");
    }
    for instant in [0, -1, i64::MIN, i64::MAX] {
        stage.clock.set(instant);
        let status = app.get("/session").access(&token.text()).send().await.status;
        assert!([200, 401].contains(&status), "{instant}: {status}");
        let login = app.post("/login").header("st-auth-mode", "cookie").send().await.status;
        assert!([200, 500].contains(&login), "{instant}: {login}");
    }
    drop(core);
}

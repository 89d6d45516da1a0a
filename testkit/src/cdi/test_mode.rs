//! Test mode: what `--test-mode` lifts, and that nothing else changes (core-server.md 10.1, decision 12). The test suites of the
//! official SDKs need it; production must never have it.

use serde_json::{Value, json};
use supertokens_domain::time::SECOND;

use super::place::count;
use super::session::plain;
use super::session::rows::{access, part};
use crate::{World, scenarios};

const APP: &str = "/recipe/multitenancy/app/v2";

/// The three limits that are lifted, each with a value beyond it and the words about it.
fn lifted() -> [(Value, &'static str); 3] {
    [
        (
            json!({ "access_token_dynamic_signing_key_update_interval": "0.001" }),
            "'access_token_dynamic_signing_key_update_interval' must be greater than, equal to 1 hour.",
        ),
        (
            json!({ "refresh_token_validity": 0.5 }),
            "'refresh_token_validity' must be strictly greater than 'access_token_validity'.",
        ),
        (
            json!({ "refresh_token_rotation_grace_period": 301 }),
            "'refresh_token_rotation_grace_period' must be between 0 and 300 seconds inclusive.",
        ),
    ]
}

async fn three_limits_are_lifted_and_no_other(w: &World) {
    for (config, words) in lifted() {
        let answer = w.put("5.4", APP, json!({ "appId": "a1", "coreConfig": config })).await;
        assert!(answer.status == 400 && answer.text.contains(words), "{} {}", answer.status, answer.text);
        assert!(w.try_config(config.clone()).await.is_err_and(|said| said.contains(words)), "{words}");
        w.with_config(config.as_object().unwrap().keys().map(|key| (key.clone(), Value::Null)).collect()).await;
    }
    w.in_test_mode().await;
    for (config, words) in lifted() {
        w.put("5.4", APP, json!({ "appId": "a1", "coreConfig": config })).await.ok();
        assert_eq!(w.try_config(config).await, Ok(()), "{words}");
    }
    for beyond in
        [json!({ "access_token_validity": 0 }), json!({ "access_token_validity_jitter": 0.5 }), json!({ "nonsense": 1 })]
    {
        assert_eq!(w.put("5.4", APP, json!({ "appId": "a2", "coreConfig": beyond })).await.status, 400, "{beyond}");
    }
    let wrong = json!({ "refresh_token_rotation_grace_period": "long" });
    assert_eq!(w.put("5.4", APP, json!({ "appId": "a2", "coreConfig": wrong })).await.status, 400);
}

/// The key id of a new session's access token.
async fn signs(w: &World) -> String {
    let made = w.post("5.4", "/appid-fast/recipe/session", plain("u")).await.ok();
    part(&access(&made), 0)["kid"].as_str().expect("a key id").to_owned()
}

async fn published(w: &World) -> usize {
    let keys = w.raw("GET", "/appid-fast/.well-known/jwks.json", &[], "").await.json();
    keys["keys"].as_array().unwrap().iter().filter(|key| key["kid"].as_str().unwrap().starts_with("d-")).count()
}

async fn keys_may_rotate_within_seconds_and_the_overlap_shrinks_with_them(w: &World) {
    w.in_test_mode().await;
    // 0.001 hours are 3.6 seconds, and a fifth of them is the overlap.
    let (interval, overlap) = (3_600, 720);
    let config = json!({ "access_token_dynamic_signing_key_update_interval": "0.001" });
    w.put("5.4", APP, json!({ "appId": "fast", "coreConfig": config })).await.ok();
    let first = signs(w).await;
    w.clock.advance(interval - overlap);
    assert_eq!((signs(w).await, published(w).await), (first.clone(), 1));
    w.clock.advance(1);
    assert_eq!((signs(w).await, published(w).await), (first.clone(), 2), "the next key is shown before it signs");
    w.clock.advance(overlap);
    let second = signs(w).await;
    assert_ne!(second, first);
    assert_eq!(published(w).await, 2);
}

async fn activity_is_marked_every_time(w: &World) {
    let marks = async || count(w, "activity_log where event_type = 'user_last_active'").await;
    for _ in 0..3 {
        w.post("5.4", "/recipe/session", plain("normal")).await.ok();
    }
    assert_eq!(marks().await, 1);
    w.in_test_mode().await;
    w.write("delete from activity_log").await;
    for _ in 0..3 {
        w.clock.advance(SECOND);
        w.post("5.4", "/recipe/session", plain("tested")).await.ok();
    }
    assert_eq!(marks().await, 3);
    let at = w.value("select last_active_time from user_last_active where user_id = 'tested'").await;
    assert_eq!(at, Some(w.clock.now().to_string()));
}

async fn greetings_that_do_not_look_say_so(w: &World) {
    let say = async |times: usize| {
        let mut last = String::new();
        for _ in 0..times {
            last = w.raw("GET", "/hello", &[], "").await.text;
        }
        last
    };
    assert_eq!(say(6).await, "Hello\n");
    w.in_test_mode().await;
    assert_eq!(say(5).await, "Hello\n");
    assert_eq!(say(1).await, "RateLimitedHello\n");
    w.clock.advance(SECOND);
    assert_eq!(say(1).await, "Hello\n");
}

scenarios!(World:
    three_limits_are_lifted_and_no_other,
    keys_may_rotate_within_seconds_and_the_overlap_shrinks_with_them,
    activity_is_marked_every_time,
    greetings_that_do_not_look_say_so,
);

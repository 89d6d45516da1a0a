//! Many callers at the same moment: the races of core-session.md 2.9, and scenarios 64, 65, 85 and 102 of 8.2.
//!
//! Callers are tasks on several threads that start together. What must hold is what holds in every order.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use supertokens_domain::session::hash::hash2;
use tokio::sync::Barrier;

use super::rows::{GONE, access, count, handle, make_tenant, refresh, refresh_guarded, refreshing, row, the_row};
use super::{create, plain};
use crate::target::Kind;
use crate::{Answer, World, scenarios};

/// How many callers want the same thing.
const CALLERS: usize = 16;
/// More than are ever expected, so that they may be too many.
const CROWD: usize = 50;

/// Runs these at the same time, each on a task of its own, and gives back what came out in the order they were given.
pub async fn at_once<T, F>(callers: Vec<F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(callers.len()));
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|caller| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                caller.await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.expect("no caller panics"));
    }
    outcomes
}

/// Refreshes these tokens, all at once.
async fn refresh_all(w: &World, cdi: &'static str, tokens: &[String]) -> Vec<Answer> {
    let again = Again::among(tokens.len());
    let callers = tokens.iter().cloned().map(|token| {
        let (w, again) = (w.clone(), again.clone());
        async move { refresh_in_a_crowd(&w, cdi, &token, &again).await }
    });
    at_once(callers.collect()).await
}

/// How many callers may still be told that the core is too busy.
#[derive(Clone)]
struct Again(Arc<AtomicUsize>);

impl Again {
    /// On a slow machine the last of [`CROWD`] may wait for their turn longer than any may, but not most of them. Fewer must all be
    /// answered the first time.
    fn among(callers: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(if callers < CROWD { 0 } else { callers / 2 })))
    }

    fn may(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// As [`refresh`], and once more if the core was too busy.
async fn refresh_in_a_crowd(w: &World, cdi: &str, token: &str, again: &Again) -> Answer {
    let first = refresh(w, cdi, token).await;
    if first.status == 503 && again.may() { refresh(w, cdi, token).await } else { first }
}

fn statuses(answers: &[Answer], status: &str) -> usize {
    answers.iter().filter(|answer| answer.done()["status"] == status).count()
}

/// All were given the same refresh token, and it is current.
async fn one_successor(w: &World, parent: &str, session: &str, answers: &[Answer]) -> String {
    let tokens: HashSet<String> = answers.iter().map(|answer| refreshing(&answer.ok())).collect();
    assert_eq!(tokens.len(), 1, "of {}", answers.len());
    let token = tokens.into_iter().next().expect("one");
    let after = the_row(w, session).await;
    assert_eq!((after.current, after.prev), (hash2(&token), Some(hash2(parent))));
    assert_eq!(after.rotated_at, Some(w.clock.now()));
    let ends: HashSet<i64> = answers.iter().filter_map(|answer| answer.ok()["refreshToken"]["expiry"].as_i64()).collect();
    assert_eq!(ends, HashSet::from([after.expires_at]));
    token
}

async fn at_5_6_all_who_refresh_one_token_at_once_get_the_same_successor(w: &World) {
    for callers in [2, 3, 7, CALLERS, CROWD] {
        let made = create(w, "5.6", "u").await;
        let mut token = refreshing(&made);
        // And all go on with it together, as tabs do.
        for _ in 0..3 {
            let answers = refresh_all(w, "5.6", &vec![token.clone(); callers]).await;
            let next = one_successor(w, &token, &handle(&made), &answers).await;
            let check = |access: String| json!({ "accessToken": access, "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true });
            for answer in answers.iter().take(3) {
                w.post("5.6", "/recipe/session/verify", check(access(&answer.ok()))).await.ok();
            }
            token = next;
        }
        refresh(w, "5.6", &refreshing(&made)).await.says("TOKEN_THEFT_DETECTED");
        assert_eq!(row(w, &handle(&made)).await, None);
    }
}

/// Whoever comes with the parent once the child is used is a thief, in every order of arrival.
async fn a_parent_and_its_child_at_once_never_leave_two_lines(w: &World) {
    for _ in 0..8 {
        let made = create(w, "5.6", "u").await;
        let (parent, child) = (refreshing(&made), refreshing(&refresh(w, "5.6", &refreshing(&made)).await.ok()));
        let answers = refresh_all(w, "5.6", &[parent, child.clone()]).await;
        let (of_parent, of_child) = (answers[0].done(), answers[1].done());
        match of_parent["status"].as_str() {
            // It came first, and got the child that is in use since.
            Some("OK") => {
                assert_eq!(refreshing(&of_parent), child);
                assert_eq!(the_row(w, &handle(&made)).await.current, hash2(&refreshing(&of_child)));
            }
            Some("TOKEN_THEFT_DETECTED") => assert_eq!(row(w, &handle(&made)).await, None),
            other => panic!("{other:?}"),
        }
    }
}

async fn an_orphan_used_by_all_at_once_ends_the_session_once(w: &World) {
    let made = create(w, "5.6", "u").await;
    let orphan = refreshing(&refresh(w, "5.6", &refreshing(&made)).await.ok());
    let current = refreshing(&refresh_guarded(w, "5.6", &refreshing(&made)).await.ok());
    let answers = refresh_all(w, "5.6", &vec![orphan; CALLERS]).await;
    assert_eq!(statuses(&answers, "TOKEN_THEFT_DETECTED"), 1);
    let gone = answers.iter().filter(|answer| answer.done() == json!({ "status": "UNAUTHORISED", "message": GONE }));
    assert_eq!(gone.count(), CALLERS - 1);
    refresh(w, "5.6", &current).await.says("UNAUTHORISED");
}

async fn below_5_6_siblings_are_made_and_only_one_of_them_survives(w: &World) {
    let made = create(w, "5.4", "u").await;
    let before = the_row(w, &handle(&made)).await;
    let answers = refresh_all(w, "5.4", &vec![refreshing(&made); CALLERS]).await;
    let siblings: Vec<String> = answers.iter().map(|answer| refreshing(&answer.ok())).collect();
    assert_eq!(siblings.iter().collect::<HashSet<_>>().len(), CALLERS);
    assert_eq!(the_row(w, &handle(&made)).await, before);

    let answers = refresh_all(w, "5.4", &siblings).await;
    assert_eq!((statuses(&answers, "OK"), statuses(&answers, "TOKEN_THEFT_DETECTED")), (1, CALLERS - 1));
    let winner = answers.iter().position(|answer| answer.done()["status"] == "OK").expect("a winner");
    let after = the_row(w, &handle(&made)).await;
    assert_eq!((after.current, after.prev), (hash2(&siblings[winner]), Some(before.current)));
}

async fn below_5_6_a_child_and_its_access_token_agree_on_one_promotion(w: &World) {
    for _ in 0..4 {
        let made = create(w, "5.4", "u").await;
        let child = refresh(w, "5.4", &refreshing(&made)).await.ok();
        let callers = (0..CALLERS).map(|n| {
            let (w, child) = (w.clone(), child.clone());
            async move {
                if n % 2 == 0 {
                    return refresh(&w, "5.4", &refreshing(&child)).await;
                }
                let body = json!({
                    "accessToken": access(&child), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": false
                });
                w.post("5.4", "/recipe/session/verify", body).await
            }
        });
        let outcomes = at_once(callers.collect()).await;
        assert_eq!(statuses(&outcomes, "OK"), CALLERS, "{outcomes:?}");
        let after = the_row(w, &handle(&made)).await;
        assert_eq!((after.current, after.prev), (hash2(&refreshing(&child)), Some(hash2(&refreshing(&made)))));
    }
}

async fn a_refresh_never_brings_a_revoked_session_back(w: &World) {
    for cdi in ["5.6", "5.4"] {
        let mut callers = Vec::new();
        let mut sessions = Vec::new();
        for n in 0..CALLERS {
            let made = create(w, cdi, &format!("u{n}")).await;
            sessions.push((handle(&made), refreshing(&made)));
            for is_refresh in [true, false] {
                let (w, made) = (w.clone(), made.clone());
                callers.push(async move {
                    if is_refresh {
                        refresh(&w, cdi, &refreshing(&made)).await
                    } else {
                        w.post(cdi, "/recipe/session/remove", json!({ "sessionHandles": [handle(&made)] })).await
                    }
                });
            }
        }
        let answers = at_once(callers).await;
        for ((session, token), pair) in sessions.iter().zip(answers.chunks(2)) {
            let refreshed = pair[0].done();
            let gone = json!({ "status": "UNAUTHORISED", "message": GONE });
            assert!(refreshed["status"] == "OK" || refreshed == gone, "{refreshed}");
            assert_eq!(pair[1].ok()["sessionHandlesRevoked"], json!([session]));
            assert_eq!(row(w, session).await, None);
            assert_eq!(refresh(w, cdi, token).await.done(), gone);
            if refreshed["status"] == "OK" {
                assert_eq!(refresh(w, cdi, &refreshing(&refreshed)).await.done(), gone);
            }
        }
    }
}

async fn a_regeneration_never_brings_a_revoked_session_back(w: &World) {
    let mut callers = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..CALLERS {
        let made = create(w, "5.6", "u").await;
        sessions.push(handle(&made));
        for is_regeneration in [true, false] {
            let (w, made) = (w.clone(), made.clone());
            callers.push(async move {
                if is_regeneration {
                    let body = json!({ "accessToken": access(&made), "userDataInJWT": { "a": 1 } });
                    w.post("5.6", "/recipe/session/regenerate", body).await
                } else {
                    w.post("5.6", "/recipe/session/remove", json!({ "sessionHandles": [handle(&made)] })).await
                }
            });
        }
    }
    let answers = at_once(callers).await;
    for (session, pair) in sessions.iter().zip(answers.chunks(2)) {
        let gone = json!({ "status": "UNAUTHORISED", "message": "Session does not exist." });
        let regenerated = pair[0].done();
        assert!(regenerated["status"] == "OK" || regenerated == gone, "{regenerated}");
        assert_eq!(pair[1].ok()["sessionHandlesRevoked"], json!([session]));
    }
    assert_eq!(count(w, "session_info").await, 0);
}

async fn one_session_is_revoked_by_exactly_one_of_many(w: &World) {
    let made = create(w, "5.6", "u").await;
    let callers = (0..CALLERS).map(|_| {
        let (w, session) = (w.clone(), handle(&made));
        async move { w.post("5.6", "/recipe/session/remove", json!({ "sessionHandles": [session] })).await }
    });
    let answers = at_once(callers.collect()).await;
    let winners = answers.iter().filter(|answer| answer.ok()["sessionHandlesRevoked"] == json!([handle(&made)])).count();
    let others = answers.iter().filter(|answer| answer.ok()["sessionHandlesRevoked"] == json!([])).count();
    assert_eq!((winners, others), (1, CALLERS - 1));
}

async fn many_sessions_are_made_at_once(w: &World) {
    let callers = (0..4 * CALLERS).map(|n| {
        let w = w.clone();
        async move { create(&w, "5.6", &format!("u{}", n % 4)).await }
    });
    let made = at_once(callers.collect()).await;
    let handles: HashSet<String> = made.iter().map(handle).collect();
    assert_eq!(handles.len(), 4 * CALLERS);
    assert_eq!(count(w, "session_info").await, 64);
    assert_eq!(count(w, "activity_log where event_type = 'session_created'").await, 64);
    assert_eq!(count(w, "user_last_active").await, 4);
    for n in 0..4 {
        let listed = w.get("5.6", &format!("/recipe/session/user?userId=u{n}")).await.ok();
        assert_eq!(listed["sessionHandles"].as_array().map(Vec::len), Some(CALLERS));
    }
    let tokens: Vec<String> = made.iter().map(refreshing).collect();
    assert_eq!(statuses(&refresh_all(w, "5.6", &tokens).await, "OK"), 4 * CALLERS);
}

async fn distinct_sessions_with_the_static_key_do_not_exhaust_the_pool(w: &World) {
    let mut body = plain("u");
    body["useDynamicSigningKey"] = json!(false);
    for cdi in ["5.6", "5.4"] {
        let mut tokens = Vec::new();
        for _ in 0..50 {
            tokens.push(refreshing(&w.post(cdi, "/recipe/session", body.clone()).await.ok()));
        }
        let callers = tokens.into_iter().map(|token| {
            let w = w.clone();
            async move {
                let body = json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": false });
                w.post(cdi, "/recipe/session/refresh", body).await
            }
        });
        assert_eq!(statuses(&at_once(callers.collect()).await, "OK"), 50);
    }
}

/// The queue of the one who writes is filled past the door; what comes through it then is told so, and is well again afterwards.
async fn more_writes_than_can_wait_are_told_that_they_are_too_many(w: &World) {
    const WAITING: usize = 4_096;
    let made = create(w, "5.6", "u").await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let (begun, mut told) = tokio::sync::mpsc::channel::<()>(1);
    let core = w.core();
    let first = tokio::spawn(async move {
        let held = core.db().tx(async move |_| {
            let _ = begun.try_send(());
            // On the writer's own thread.
            drop(wait.lock().map(|wait| wait.recv()));
            Ok(())
        });
        held.await
    });
    told.recv().await.expect("the writer has begun");
    let queue: Vec<_> = (0..=WAITING)
        .map(|_| {
            let core = w.core();
            tokio::spawn(async move { core.db().tx(async |_| Ok(())).await })
        })
        .collect();
    let is_full = async {
        while !queue.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), is_full).await.expect("one too many");
    w.post("5.6", "/recipe/session", plain("u")).await.refuses(503, "Too many requests at a time");
    refresh(w, "5.6", &refreshing(&made)).await.refuses(503, "Too many requests at a time");
    go.send(()).expect("the writer waits");
    first.await.expect("no panic").expect("it was only held up");
    for one in queue {
        let _ = one.await.expect("no panic");
    }
    refresh(w, "5.6", &refreshing(&made)).await.ok();
    create(w, "5.6", "u").await;
}

/// How many keys an app has: for refresh tokens, rotating, static.
async fn keys_of(w: &World, app: &str) -> [i64; 3] {
    [
        count(w, &format!("key_value where app_id = '{app}' and name = 'refresh_token_key'")).await,
        count(w, &format!("session_access_token_signing_keys where app_id = '{app}'")).await,
        count(w, &format!("jwt_signing_keys where app_id = '{app}'")).await,
    ]
}

async fn the_first_callers_of_an_app_agree_on_its_keys(w: &World) {
    make_tenant(w, "a1", "public").await;
    assert_eq!(keys_of(w, "a1").await, [0, 0, 0]);
    // Two processes where the database allows it, else two callers of one.
    let second = if w.target().kind() == Kind::Postgres { w.second_core().await } else { w.clone() };
    let callers = (0..CALLERS).map(|n| {
        let w = if n % 2 == 0 { w.clone() } else { second.clone() };
        async move { w.post("5.6", "/appid-a1/recipe/session", plain("u")).await.ok() }
    });
    let made = at_once(callers.collect()).await;
    assert_eq!(keys_of(w, "a1").await, [1, 1, 1]);
    for (n, made) in made.iter().enumerate() {
        let other = if n % 2 == 0 { &second } else { w };
        let check =
            json!({ "accessToken": access(made), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true });
        other.post("5.6", "/appid-a1/recipe/session/verify", check).await.ok();
        let body = json!({ "refreshToken": refreshing(made), "enableAntiCsrf": false, "useDynamicSigningKey": true });
        other.post("5.6", "/appid-a1/recipe/session/refresh", body).await.ok();
    }
}

async fn two_cores_that_start_on_emptied_key_tables_agree(w: &World) {
    for table in ["key_value", "session_access_token_signing_keys", "jwt_signing_keys"] {
        w.write(&format!("delete from {table}")).await;
    }
    assert_eq!(keys_of(w, "public").await, [0, 0, 0]);
    if w.target().kind() != Kind::Postgres {
        // A SQLite database belongs to one process: the core starts again on what it finds. In memory it finds nothing.
        w.restart().await;
        assert_eq!(keys_of(w, "public").await, [1, 1, 1]);
        create(w, "5.6", "u").await;
        return;
    }
    let starts = (0..4).map(|_| {
        let w = w.clone();
        async move { w.second_core().await }
    });
    let cores = at_once(starts.collect()).await;
    assert_eq!(keys_of(w, "public").await, [1, 1, 1]);
    for (one, other) in cores.iter().zip(cores.iter().cycle().skip(1)) {
        let made = create(one, "5.6", "u").await;
        let check =
            json!({ "accessToken": access(&made), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true });
        other.post("5.6", "/recipe/session/verify", check).await.ok();
        refresh(other, "5.6", &refreshing(&made)).await.ok();
    }
}

async fn two_cores_refresh_one_token_as_one_would(w: &World) {
    let second = w.second_core().await;
    for (cdi, callers) in [("5.6", 2), ("5.6", CALLERS), ("5.6", CROWD), ("5.4", CALLERS)] {
        let made = create(w, cdi, "u").await;
        let mut token = refreshing(&made);
        for _ in 0..2 {
            let again = Again::among(callers);
            let all = (0..callers).map(|n| {
                let (w, token, again) = (if n % 2 == 0 { w.clone() } else { second.clone() }, token.clone(), again.clone());
                async move { refresh_in_a_crowd(&w, cdi, &token, &again).await }
            });
            let answers = at_once(all.collect()).await;
            if cdi == "5.4" {
                assert_eq!(statuses(&answers, "OK"), CALLERS);
                assert_eq!(the_row(w, &handle(&made)).await.current, hash2(&token));
                break;
            }
            token = one_successor(w, &token, &handle(&made), &answers).await;
        }
        if cdi == "5.6" {
            refresh(&second, cdi, &refreshing(&made)).await.says("TOKEN_THEFT_DETECTED");
            refresh(w, cdi, &token).await.says("UNAUTHORISED");
        }
    }
}

scenarios!(World:
    at_5_6_all_who_refresh_one_token_at_once_get_the_same_successor,
    a_parent_and_its_child_at_once_never_leave_two_lines,
    an_orphan_used_by_all_at_once_ends_the_session_once,
    below_5_6_siblings_are_made_and_only_one_of_them_survives,
    below_5_6_a_child_and_its_access_token_agree_on_one_promotion,
    a_refresh_never_brings_a_revoked_session_back,
    a_regeneration_never_brings_a_revoked_session_back,
    one_session_is_revoked_by_exactly_one_of_many,
    many_sessions_are_made_at_once,
    distinct_sessions_with_the_static_key_do_not_exhaust_the_pool,
    more_writes_than_can_wait_are_told_that_they_are_too_many needs OneWriter,
    the_first_callers_of_an_app_agree_on_its_keys,
    two_cores_that_start_on_emptied_key_tables_agree,
    two_cores_refresh_one_token_as_one_would needs ASharedDatabase,
);

//! Many at once: scenario 149, and the hundred tabs of issue 3.

use std::sync::Arc;

use supertokens_domain::session::hash::hash2;
use supertokens_domain::time::{HOUR, SECOND};
use tokio::sync::{Barrier, Mutex, Semaphore};

use crate::fdi::{AppAnswer, AppRoute, Guard, Mode, Stage, routes};
use crate::scenarios;

/// One crowd at a time: two would only wait for each other, on the machine and in the database's queue.
static STREET: Mutex<()> = Mutex::const_new(());

/// How many ask the core for a new session at once: more would wait for its database longer than it lets them.
const DOOR: usize = 50;

/// Runs these at the same time, each on a task of its own; what comes out is in the order they were given.
async fn at_once<T, F>(callers: Vec<F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(callers.len()));
    let waiting = callers.into_iter().map(|caller| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            caller.await
        })
    });
    let mut outcomes = Vec::new();
    for task in waiting.collect::<Vec<_>>() {
        outcomes.push(task.await.expect("no caller panics"));
    }
    outcomes
}

/// What a handler leaves in the user context.
#[derive(Clone)]
struct Mine(String);

/// 149.
async fn a_thousand_sessions_never_see_each_other(stage: &Stage) {
    let _alone = STREET.lock().await;
    let mut list = routes::standard();
    list.push(AppRoute::get("/mine", Guard::Required, |scope, session| async move {
        let session = routes::there(session);
        assert!(scope.context().insert(Mine(session.user_id().to_owned())).is_none(), "a context of another request");
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        let mine = scope.context().get::<Mine>().map(|mine| mine.0);
        Ok(AppAnswer::json(serde_json::json!({ "mine": mine, "handle": session.handle() })))
    }));
    let app = stage.app(|plan| plan, list).await;
    let (door, everybody_in) = (Arc::new(Semaphore::new(DOOR)), Arc::new(Barrier::new(1000)));
    let callers = (0..1000).map(|number| {
        let browser = app.browser(if number % 2 == 0 { Mode::Cookie } else { Mode::Header });
        let (door, everybody_in) = (Arc::clone(&door), Arc::clone(&everybody_in));
        async move {
            let user = format!("user-{number}");
            let turn = door.acquire().await;
            let login = browser.log_in(&user).await;
            drop(turn);
            assert_eq!((login.ok()["userId"].as_str(), login.front_payload()["sub"].as_str()), (Some(&*user), Some(&*user)));
            let handle = login.ok()["handle"].clone();
            everybody_in.wait().await;
            let seen = browser.get("/mine").await;
            assert_eq!((seen.ok()["mine"].as_str(), &seen.ok()["handle"]), (Some(&*user), &handle));
            seen.touches_no_token();
            if number % 10 == 0 {
                let _turn = door.acquire().await;
                let refreshed = browser.refresh().await;
                assert_eq!((refreshed.status, refreshed.front_payload()["sub"].as_str()), (200, Some(&*user)));
                let merged = browser.post("/merge").await;
                assert_eq!((&merged.ok()["handle"], merged.front_payload()["sub"].as_str()), (&handle, Some(&*user)));
            }
            handle.to_string()
        }
    });
    let mut handles = at_once(callers.collect()).await;
    handles.sort();
    handles.dedup();
    assert_eq!(handles.len(), 1000);
}

/// Issue 3: with the stock website package, whose tabs take turns.
async fn a_hundred_tabs_refresh_once_and_none_is_logged_out(stage: &Stage) {
    let _alone = STREET.lock().await;
    let app = stage.app(|plan| plan, routes::standard()).await;
    for mode in [Mode::Cookie, Mode::Header] {
        let browser = app.browser(mode);
        browser.log_in("ada").await;
        stage.clock.advance(HOUR + SECOND);
        let tabs = (0..100).map(|_| {
            let tab = browser.clone();
            async move { tab.get("/session").await }
        });
        for seen in at_once(tabs.collect()).await {
            assert_eq!(seen.ok()["userId"], "ada");
        }
        assert_eq!(browser.refreshes(), 1);
        stage.clock.advance(HOUR + SECOND);
        assert_eq!(browser.get("/session").await.ok()["userId"], "ada");
    }
}

/// Issue 3: with clients that take no turns. All of them get tokens that work, nobody is taken for a thief, and the session
/// goes on.
async fn a_hundred_refreshes_of_one_token_at_once_all_succeed(stage: &Stage) {
    let _alone = STREET.lock().await;
    let app = stage.app(|plan| plan, routes::standard()).await;
    let browser = app.browser(Mode::Header);
    let handle = browser.log_in("ada").await.ok()["handle"].clone();
    stage.clock.advance(HOUR + SECOND);
    let tabs = (0..100).map(|_| {
        let tab = browser.copy();
        async move { tab.refresh().await }
    });
    let answers = at_once(tabs.collect()).await;
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.access_token().expect("an access token");
        assert_eq!(app.get("/session").bearer(&token).send().await.ok()["handle"], handle);
    }
    let current = stage.world().value("select refresh_token_hash_2 from session_info").await;
    let tokens: Vec<String> = answers.iter().filter_map(super::super::Answer::refresh_token).collect();
    let last: Vec<_> = tokens.iter().filter(|token| Some(hash2(token)) == current).collect();
    assert_eq!((tokens.len(), last.len()), (100, 100), "one token has one successor");
    let next = app.post("/auth/session/refresh").bearer(last[0]).send().await;
    assert_eq!(next.status, 200);
    let token = next.access_token().expect("an access token");
    assert_eq!(app.get("/database").bearer(&token).send().await.ok()["handle"], handle);
}

scenarios!(Stage:
    a_thousand_sessions_never_see_each_other,
    a_hundred_tabs_refresh_once_and_none_is_logged_out,
    a_hundred_refreshes_of_one_token_at_once_all_succeed,
);

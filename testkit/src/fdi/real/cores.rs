//! Which core it is makes no difference: embedded and remote see the same sessions, restarts and new keys are survived,
//! and an app's core is not another app's.

use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;
use serde_json::json;
use supertokens::session::VerifyOptions;
use supertokens::{Core, CoreError, Error};
use supertokens_domain::time::{DAY, HOUR, MINUTE, SECOND};

use super::{Cdi, payload, text, token_header};
use crate::cdi::place::put_tenant;
use crate::fdi::{App, Browser, Mode, Stage, routes};
use crate::scenarios;
use crate::target::{Kind, TestDatabase};

/// Changing one line of the application changes nothing for its users.
async fn switching_between_remote_and_embedded_keeps_every_session(stage: &Stage) {
    let world = stage.world();
    // On PostgreSQL the embedded one is another core on the same database, as it would be in production.
    let beside = if world.target().kind() == Kind::Postgres { world.second_core().await } else { world.clone() };
    let embedded = Core::opened((*beside.core()).clone());
    let remote = stage.app(|plan| plan, routes::standard()).await;
    let embedded = stage.app(|plan| plan.core(embedded), routes::standard()).await;
    for mode in [Mode::Cookie, Mode::Header] {
        for (first, second) in [(&remote, &embedded), (&embedded, &remote)] {
            let browser = first.browser(mode);
            let handle = text(&browser.log_in("ada").await.ok()["handle"]);
            let moved = browser.visiting(second);
            assert_eq!(moved.get("/database").await.ok()["handle"], handle.as_str());
            assert_eq!(moved.post("/merge").await.ok()["payload"]["merged"], true);
            moved.refresh().await.ok();
            assert_eq!(browser.get("/database").await.ok()["payload"]["merged"], true);
            browser.refresh().await.ok();
            let here = first.engine.session_information(&handle).await.expect("an answer");
            assert_eq!(here, second.engine.session_information(&handle).await.expect("an answer"));
            assert!(second.engine.revoke_session(&handle).await.expect("an answer"));
            browser.refresh().await.refuses(401, "unauthorised");
        }
    }
}

/// The whole core is in the application: when that stops and starts again, sessions are there as they were.
async fn an_embedded_core_is_opened_again_with_all_its_sessions(stage: &Stage) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    // A core that the SDK opens by itself looks at the machine's clock.
    stage.clock.set(i64::try_from(now).expect("an instant"));
    let database = TestDatabase::make(stage.world().target().kind()).await.expect("a database");
    let open = || stage.app(|plan| plan.core(Core::embedded(database.url())), routes::standard());
    let mut kept: Option<Browser> = None;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let app = open().await;
        let browser = kept.map_or_else(|| app.browser(Mode::Cookie), |browser| browser.visiting(&app));
        if !browser.has_session() {
            browser.log_in("ada").await;
        }
        seen.push(text(&browser.get("/database").await.ok()["handle"]));
        browser.refresh().await.ok();
        // The application is gone at the end of this round, and its core with it.
        kept = Some(browser.visiting_nobody());
    }
    assert!(seen.iter().all(|handle| *handle == seen[0]), "{seen:?}");
    database.remove().await.expect("the database is dropped");
}

/// A remote core that is started again, with nothing in its memory.
async fn a_restart_of_the_core_is_not_noticed(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let handle;
    let browser = {
        let browser = app.browser(Mode::Cookie);
        handle = text(&browser.log_in("ada").await.ok()["handle"]);
        browser.visiting_nobody()
    };
    drop(app);
    stage.world().restart().await;
    let app = stage.app(|plan| plan, routes::standard()).await;
    let browser = browser.visiting(&app);
    assert_eq!(browser.get("/database").await.ok()["handle"], handle.as_str());
    stage.clock.advance(HOUR + SECOND);
    assert_eq!(browser.get("/session").await.ok()["handle"], handle.as_str());
}

/// 84 on a real core, with many at once: while the core changes its key, nobody is refused, with an old token or a new one.
async fn new_keys_are_found_while_everybody_refreshes(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let app = cdi.app(stage, routes::standard()).await;
        let mut browsers = Vec::new();
        for number in 0..20 {
            let browser = app.browser(if number % 2 == 0 { Mode::Cookie } else { Mode::Header });
            browser.log_in(&format!("user-{number}")).await;
            browsers.push(browser);
        }
        // Just before the key's week is over everybody comes once, so that the keys are known and young.
        stage.clock.advance(7 * DAY - 5 * MINUTE);
        let before = come_all(&browsers).await;
        stage.clock.advance(6 * MINUTE);
        // One half refreshes, and so gets tokens of a new key; the other half comes with what it has.
        let (refreshing, staying) = browsers.split_at(10);
        let tasks: Vec<_> =
            refreshing.iter().cloned().map(|browser| tokio::spawn(async move { browser.refresh().await.status })).collect();
        let meanwhile = come_all(staying).await;
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), 200);
        }
        let after = come_all(refreshing).await;
        let old = before[0].clone();
        assert!(before.iter().chain(&meanwhile).all(|kid| *kid == old), "{before:?} {meanwhile:?}");
        // Whoever came while the new key was being made has a token of the old one still.
        assert!(after.iter().any(|kid| *kid != old), "{after:?}");
        for browser in &browsers {
            browser.refresh().await.ok();
        }
        let last = come_all(&browsers).await;
        assert!(last.iter().all(|kid| *kid == last[0] && *kid != old), "{last:?}");
    }
}

/// All ask at the same time, and all are let in. The key of each one's token.
async fn come_all(browsers: &[Browser]) -> Vec<String> {
    let tasks: Vec<_> = browsers
        .iter()
        .cloned()
        .map(|browser| {
            tokio::spawn(async move {
                let answer = browser.get("/session").await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                text(&token_header(&browser.access_token())["kid"])
            })
        })
        .collect();
    let mut kids = Vec::new();
    for task in tasks {
        kids.push(task.await.expect("no panic"));
    }
    kids
}

/// The core's key, where it asks for one.
async fn a_core_with_an_api_key_answers_who_has_it(stage: &Stage) {
    const KEY: &str = "a-key-of-at-least-20-characters";
    stage.world().with_config(json!({ "api_keys": KEY })).await;
    let app = stage.app(|plan| plan.core(stage.core().api_key(KEY)), routes::standard()).await;
    let browser = app.browser(Mode::Cookie);
    browser.log_in("ada").await;
    browser.refresh().await.ok();
    assert_eq!(browser.get("/database").await.ok()["userId"], "ada");
    for core in [stage.core(), stage.core().api_key("another-key-of-20-characters")] {
        let stranger = stage.app(|plan| plan.core(core), routes::standard()).await;
        assert_eq!(stranger.post("/login").send().await.status, 500);
        let refused = stranger.engine.session_information("x").await.expect_err("an error");
        assert!(matches!(refused, Error::Core(CoreError::Status { status: 401, .. })), "{refused:?}");
        let shown = format!("{refused:?} {refused}");
        assert!(!shown.contains(KEY) && !shown.contains("another-key"), "{shown}");
        // The keys are public: what is good is good for everybody.
        assert_eq!(browser.visiting(&stranger).get("/session").await.ok()["userId"], "ada");
    }
}

/// Two apps of one core know nothing of each other.
async fn the_sessions_of_another_app_are_none(stage: &Stage) {
    put_tenant(stage.world(), "shop", "", json!({})).await;
    stage.world().core().tenants().reload().await.expect("the tenants");
    let core = match stage.world().address() {
        Some(address) => Core::remote(format!("http://{address}/appid-shop")),
        None => stage.core().app_id("shop"),
    };
    let here = stage.app(|plan| plan, routes::standard()).await;
    let shop = stage.app(|plan| plan.core(core), routes::standard()).await;
    for (own, other) in [(&here, &shop), (&shop, &here)] {
        let browser = own.browser(Mode::Cookie);
        let handle = text(&browser.log_in("ada").await.ok()["handle"]);
        assert_eq!(browser.get("/database").await.ok()["handle"], handle.as_str());
        browser.copy().visiting(other).once(Method::GET, "/session").await.refuses(401, "try refresh token");
        browser.copy().visiting(other).refresh().await.refuses(401, "unauthorised");
        assert_eq!(other.engine.session_information(&handle).await.expect("an answer"), None);
        assert!(!other.engine.revoke_session(&handle).await.expect("an answer"));
        assert!(!other.engine.merge_into_access_token_payload(&handle, payload(json!({}))).await.expect("an answer"));
        assert_eq!(other.engine.session_handles_of_user("nobody").await.expect("a list"), Vec::<String>::new());
        let refused = other.engine.get_session(browser.access_token(), None, &VerifyOptions::new().check_database()).await;
        assert!(matches!(refused, Err(Error::TryRefreshToken { .. })), "{refused:?}");
        browser.refresh().await.ok();
        own.engine.revoke_session(&handle).await.expect("an answer");
    }
}

/// What a core may be asked with: names with every kind of letter arrive as they were sent.
async fn user_ids_of_any_letters_arrive(stage: &Stage) {
    let app = stage.app(|plan| plan, Vec::new()).await;
    for user in
        ["ada@example.com", "Zoë & Søren", "a/b?c=d;e#f%20", "用户", "\u{1F600}", " leading and trailing ", "+1 (555) 0100"]
    {
        one_user(&app, user).await;
    }
}

async fn one_user(app: &App, user: &str) {
    let session = app.engine.create_new_session(supertokens::session::NewSession::of(user)).await.expect("a session");
    assert_eq!(session.user_id(), user);
    assert_eq!(app.engine.session_handles_of_user(user).await.expect("a list"), [session.handle()]);
    let seen = app.engine.get_session(session.access_token(), None, &VerifyOptions::new().check_database()).await;
    assert_eq!(seen.expect("good").expect("a session").user_id(), user);
    assert_eq!(app.engine.revoke_all_sessions_of_user(user).await.expect("a list"), [session.handle()]);
}

scenarios!(Stage:
    switching_between_remote_and_embedded_keeps_every_session needs ASocket,
    an_embedded_core_is_opened_again_with_all_its_sessions,
    a_restart_of_the_core_is_not_noticed,
    new_keys_are_found_while_everybody_refreshes,
    a_core_with_an_api_key_answers_who_has_it,
    the_sessions_of_another_app_are_none,
    user_ids_of_any_letters_arrive,
);

//! Periodic work and the limits of the settings (core-session.md 7 and 8.2): scenarios 95 to 97 and 100. A database that
//! the Java core wrote is in `takeover`.

use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::ids::{TenantId, TenantIdentifier};
use supertokens_domain::time::{DAY, HOUR, MINUTE, SECOND};

use super::place::{count, make_app, put_dynamic_key, put_tenant, remove_app};
use super::session::{create, plain, text};
use crate::ports::BEGINNING;
use crate::{World, scenarios};

async fn run(w: &World, chore: Chore) -> u64 {
    w.core().run_chore(chore).await.expect("the chore is done")
}

async fn refresh(w: &World, cdi: &str, made: &Value) -> crate::Answer {
    let body = json!({
        "refreshToken": text(made, "/refreshToken/token"), "enableAntiCsrf": false, "useDynamicSigningKey": true,
    });
    w.post(cdi, "/recipe/session/refresh", body).await
}

async fn sessions_whose_time_is_over_are_deleted_everywhere(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "a", "", json!({})).await;
    let now = w.clock.now();
    let mut kept = Vec::new();
    for path in ["/recipe/session", "/t1/recipe/session", "/appid-a/recipe/session"] {
        for expires_at in [now - 1, now, now + 1] {
            let handle = text(&w.post("5.4", path, plain("u")).await.ok(), "/session/handle");
            w.write(&format!("update session_info set expires_at = {expires_at} where session_handle = '{handle}'")).await;
            if expires_at > now {
                kept.push(vec![Some(handle)]);
            }
        }
    }
    assert_eq!(run(w, Chore::DeleteExpiredSessions).await, 6);
    kept.sort();
    let mut left = w.rows("select session_handle from session_info").await;
    left.sort();
    assert_eq!(left, kept);
    assert_eq!(run(w, Chore::DeleteExpiredSessions).await, 0);
}

async fn keys_of_which_no_token_lives_are_deleted(w: &World) {
    put_tenant(w, "short", "", json!({ "access_token_dynamic_signing_key_update_interval": 1 })).await;
    w.raw("GET", "/appid-short/.well-known/jwks.json", &[], "").await.done();
    let (of_public, of_short) = (170 * HOUR, 3 * HOUR);
    for (app, age) in [("public", of_public), ("short", of_short)] {
        for created in [BEGINNING - age - 1, BEGINNING - age] {
            put_dynamic_key(w, app, created, "never read").await;
        }
    }
    assert_eq!(run(w, Chore::DeleteExpiredSigningKeys).await, 2);
    for (app, age) in [("public", of_public), ("short", of_short)] {
        let keys = format!("select created_at_time from session_access_token_signing_keys where app_id = '{app}'");
        let left = w.rows(&format!("{keys} order by created_at_time")).await;
        let expected = [[Some((BEGINNING - age).to_string())], [Some(BEGINNING.to_string())]];
        assert_eq!(left, expected, "{app}");
    }
}

async fn activity_is_forgotten_after_a_month(w: &World) {
    create(w, "5.4", "early").await;
    assert!(count(w, "activity_log").await > 0);
    run(w, Chore::ActivityPartitions).await;
    assert!(count(w, "activity_log where recipe_user_id = 'early'").await > 0);
    w.clock.advance(70 * DAY);
    run(w, Chore::ActivityPartitions).await;
    create(w, "5.4", "late").await;
    run(w, Chore::ActivityPartitions).await;
    assert_eq!(count(w, "activity_log where recipe_user_id = 'early'").await, 0);
    assert!(count(w, "activity_log where recipe_user_id = 'late'").await > 0);
}

async fn what_other_processes_change_is_seen(w: &World) {
    put_tenant(w, "a", "", json!({})).await;
    assert_eq!(w.get("5.4", "/appid-a/telemetry").await.status, 200);
    put_tenant(w, "a", "", json!({ "supertokens_max_cdi_version": "4.0" })).await;
    assert_eq!(run(w, Chore::SyncTenants).await, 1);
    w.get("5.4", "/appid-a/telemetry").await.refuses(400, "cdi-version 5.4 not supported");
    put_tenant(w, "a", "", json!({ "access_token_validity": "nonsense" })).await;
    run(w, Chore::SyncTenants).await;
    assert_eq!(w.get("5.4", "/telemetry").await.status, 200);
}

async fn what_is_kept_of_an_app_goes_with_it(w: &World) {
    let (sessions, active) = ("/appid-again/recipe/session", "/appid-again/users/count/active?since=0");
    let log_in = async || {
        w.post("5.4", sessions, plain("u")).await.ok();
        assert_eq!(w.get("5.4", active).await.ok()["count"], 1, "a user of the new app is active");
    };
    make_app(w, "again").await;
    run(w, Chore::SyncTenants).await;
    w.clock.advance(40 * SECOND); // the begin of a minute
    log_in().await;
    remove_app(w, "again").await;
    run(w, Chore::SyncTenants).await;
    w.clock.advance(MINUTE);
    make_app(w, "again").await;
    run(w, Chore::SyncTenants).await;
    log_in().await;
    w.clock.advance(MINUTE);
    let stats = w.get("5.4", "/appid-again/requests/stats").await.ok();
    assert_eq!(stats["peakRequestsPerSecond"].as_array().expect("a day")[1438..], [json!(-1), json!(2)]);
    // Gone and back before this core looked; the second time with other settings.
    for settings in [json!({}), json!({ "access_token_validity": 60 })] {
        remove_app(w, "again").await;
        w.clock.advance(MINUTE);
        make_app(w, "again").await;
        put_tenant(w, "again", "", settings).await;
        run(w, Chore::SyncTenants).await;
        log_in().await;
        w.clock.advance(MINUTE);
        let stats = w.get("5.4", "/appid-again/requests/stats").await.ok();
        assert_eq!(stats["peakRequestsPerSecond"].as_array().expect("a day")[1438..], [json!(-1), json!(2)]);
    }
}

async fn chores_may_be_done_twice(w: &World) {
    for chore in Chore::ALL {
        run(w, chore).await;
        assert_eq!(run(w, chore).await, 0, "{}", chore.name());
        let (core, again) = (w.core(), w.core());
        let (one, other) = tokio::join!(core.run_chore(chore), again.run_chore(chore));
        assert!(one.is_ok() && other.is_ok(), "{}", chore.name());
    }
}

/// Starts with a value, or refuses it in these words.
async fn check(w: &World, key: &str, value: Value, words: Option<&str>) {
    let outcome = w.try_config(json!({ key: value.clone() })).await;
    match (outcome, words) {
        (Ok(()), None) => {}
        (Err(said), Some(words)) => assert!(said.contains(words), "{key} = {value}: {said}"),
        (outcome, _) => panic!("{key} = {value}: {outcome:?}"),
    }
}

async fn each_setting_has_its_limits(w: &World) {
    let limits = [
        (
            "access_token_validity",
            "'access_token_validity' must be between 1 and 86400000 seconds inclusive.",
            vec![json!(1), json!(2), json!("2"), json!(86_400)],
            vec![json!(0), json!(-1), json!(86_400_001)],
        ),
        (
            "access_token_validity_jitter",
            "'access_token_validity_jitter' must be between 0 and 0.25 inclusive.",
            vec![json!(0), json!(0.01), json!(0.24), json!(0.25)],
            vec![json!(-0.01), json!(0.26)],
        ),
        (
            "refresh_token_rotation_grace_period",
            "'refresh_token_rotation_grace_period' must be between 0 and 300 seconds inclusive.",
            vec![json!(0), json!(1), json!(299), json!(300)],
            vec![json!(-1), json!(301)],
        ),
        (
            "access_token_dynamic_signing_key_update_interval",
            "'access_token_dynamic_signing_key_update_interval' must be greater than, equal to 1 hour.",
            vec![json!(1), json!(1.01)],
            vec![json!(0.99), json!("0.001"), json!(0)],
        ),
        (
            "refresh_token_validity",
            "'refresh_token_validity' must be strictly greater than 'access_token_validity'.",
            vec![json!(60.1), json!(61)],
            vec![json!(60), json!(59.9)],
        ),
        (
            "recent_token_reuse_behaviour",
            "recent_token_reuse_behaviour property is not set correctly. It must be one of [TOKEN_THEFT, UNAUTHORISED]",
            vec![json!("TOKEN_THEFT"), json!("unauthorised")],
            vec![json!("NOTHING")],
        ),
        (
            "supertokens_max_cdi_version",
            "supertokens_max_cdi_version is not a supported version",
            vec![json!("5.6"), json!("2.7")],
            vec![json!("2.6"), json!("5.7")],
        ),
    ];
    for (key, words, good, bad) in limits {
        for value in bad {
            check(w, key, value, Some(words)).await;
        }
        for value in good {
            check(w, key, value, None).await;
        }
        w.try_config(json!({ key: null })).await.expect("the default holds");
    }
}

async fn a_longer_access_token_wants_a_longer_refresh_token(w: &World) {
    let (key, words) =
        ("access_token_validity", "'refresh_token_validity' must be strictly greater than 'access_token_validity'.");
    check(w, key, json!(144_000 * 60 - 1), None).await;
    check(w, key, json!(144_000 * 60), Some(words)).await;
    w.with_config(json!({ key: 86_400_000, "refresh_token_validity": 1_440_001 })).await;
}

async fn a_setting_of_the_wrong_type_is_named(w: &World) {
    check(w, "access_token_validity", json!("soon"), Some("'access_token_validity' must be of type long")).await;
    check(w, "access_token_validity", json!(1.5), Some("'access_token_validity' must be of type long")).await;
    check(w, "access_token_validity", json!(null), None).await;
    check(w, "refresh_token_validity", json!("soon"), Some("'refresh_token_validity' must be of type double")).await;
}

async fn sessions_go_with_their_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let made = w.post("5.4", "/t1/recipe/session", plain("u")).await.ok();
    let kept = create(w, "5.4", "u").await;
    let id = TenantIdentifier { tenant: TenantId::normalise("t1"), ..TenantIdentifier::default() };
    let gone = id.clone();
    let core = w.core();
    assert!(core.db().tx(async move |tx| tx.delete_tenant(&gone).await).await.expect("the tenant is deleted"));
    assert_eq!(count(w, "session_info where tenant_id = 't1'").await, 0);
    for cdi in ["5.4", "5.6"] {
        // First as a process that has not heard of it, then as one that has.
        let before = refresh(w, cdi, &made).await;
        assert!(before.status == 400 || before.says("UNAUTHORISED").is_object(), "{}", before.text);
        core.tenants().remove(&id);
        let after = refresh(w, cdi, &made).await;
        assert!(after.status == 400 || after.says("UNAUTHORISED").is_object(), "{}", after.text);
    }
    refresh(w, "5.4", &kept).await.ok();
}

async fn rows_are_written_in_the_form_of_the_java_core(w: &World) {
    for (cdi, next) in [("5.4", "5.4"), ("5.4", "5.6"), ("5.6", "5.6")] {
        let made = w.post(cdi, "/recipe/session", plain("u")).await.ok();
        let handle = text(&made, "/session/handle");
        let row = format!(
            "select refresh_token_hash_2, prev_refresh_token_hash_2, refresh_token_rotated_at, session_data, jwt_user_payload,
             case when use_static_key then 1 else 0 end from session_info where session_handle = '{handle}'"
        );
        let row = w.rows(&row).await;
        let hash = row[0][0].clone().expect("a hash");
        assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()), "{hash}");
        let rest: Vec<Option<&str>> = row[0][1..].iter().map(Option::as_deref).collect();
        assert_eq!(rest, [None, None, Some("{}"), Some("{}"), Some("0")]);
        assert_eq!(refresh(w, next, &made).await.ok()["session"]["handle"], handle.as_str());
    }
}

async fn activity_goes_on_when_nobody_made_room_for_the_month(w: &World) {
    w.clock.advance(70 * DAY);
    create(w, "5.4", "late").await;
    run(w, Chore::ActivityPartitions).await;
    create(w, "5.4", "later").await;
    assert!(count(w, "activity_log where recipe_user_id = 'late'").await > 0);
    assert!(count(w, "activity_log where recipe_user_id = 'later'").await > 0);
}

/// When each piece of work was done last, how much it was; who there is, and who came in.
async fn what_work_came_to_is_noted(w: &World) {
    let of = |name: &str| w.core().figures().jobs.into_iter().find(|job| job.name == name).expect("a job");
    for chore in Chore::ALL {
        assert_eq!((of(chore.name()).last, of(chore.name()).failures), (None, 0));
    }
    assert!(w.core().figures().recipes.iter().all(|recipe| recipe.users.is_none()), "nobody has counted");
    for email in ["a@x", "b@x"] {
        w.post("5.4", "/recipe/signup", json!({ "email": email, "password": "p" })).await.ok();
    }
    super::users::put_login(w, "", 1, super::users::By::Number("+1")).await;
    w.post("5.4", "/recipe/signup", json!({ "email": "a@x", "password": "p" })).await.says("EMAIL_ALREADY_EXISTS_ERROR");
    for (email, password) in [("a@x", "p"), ("a@x", "q"), ("c@x", "p")] {
        w.post("5.4", "/recipe/signin", json!({ "email": email, "password": password })).await.done();
    }
    w.clock.advance(MINUTE);
    assert_eq!(run(w, Chore::CountUsers).await, 3);
    let last = of(Chore::CountUsers.name()).last.expect("it was done");
    assert_eq!((last.at, last.rows), (w.clock.now(), 3));
    let recipes = w.core().figures().recipes;
    let users: Vec<_> = recipes.iter().map(|recipe| (recipe.recipe, recipe.users)).collect();
    let expected = [("emailpassword", 2), ("passwordless", 1), ("thirdparty", 0), ("webauthn", 0)];
    assert_eq!(users, expected.map(|(recipe, users)| (recipe, Some(users))));
    let passwords = recipes[0];
    assert_eq!((passwords.signed_up, passwords.signed_in, passwords.refused), (2, 1, 2));
}

scenarios!(World:
    what_work_came_to_is_noted,
    activity_goes_on_when_nobody_made_room_for_the_month,
    sessions_whose_time_is_over_are_deleted_everywhere,
    keys_of_which_no_token_lives_are_deleted,
    activity_is_forgotten_after_a_month,
    what_other_processes_change_is_seen,
    what_is_kept_of_an_app_goes_with_it,
    chores_may_be_done_twice,
    each_setting_has_its_limits,
    a_longer_access_token_wants_a_longer_refresh_token,
    a_setting_of_the_wrong_type_is_named,
    sessions_go_with_their_tenant,
    rows_are_written_in_the_form_of_the_java_core,
);

//! That somebody is signed in: for thirty days, and no longer than there is such a user with that password.

use serde_json::{Value, json};
use supertokens_core::chores::Chore;

use super::{NOBODY, PASSWORD, change, created, sign_in, text, try_sign_in, whose};
use crate::cdi::place::{count, make_app};
use crate::cdi::session::races::at_once;
use crate::cdi::takeover::java::{self, Made};
use crate::{World, scenarios};

/// Thirty days.
const LIFETIME: i64 = 2_592_000_000;

async fn sessions(w: &World, id: &str) -> Value {
    w.get("5.4", &format!("/recipe/dashboard/user/sessions?userId={id}")).await.ok()["sessions"].clone()
}

async fn revoke(w: &World, session: &str) {
    let said = w.delete("5.4", &format!("/recipe/dashboard/session?sessionId={session}")).await;
    assert_eq!((said.status, said.text.as_str()), (200, "{\"status\":\"OK\"}\n"));
}

async fn a_session_ends_when_it_expires_whatever_the_jobs_do(w: &World) {
    let id = created(w, "", "a@example.com").await;
    let begin = w.clock.now();
    let session = sign_in(w, "", "a@example.com").await;
    let row = json!({ "userId": id, "sessionId": session, "timeCreated": begin, "expiry": begin + LIFETIME });
    assert_eq!((sessions(w, &id).await, session.len()), (json!([row]), 36));
    let listed = w.get("5.4", &format!("/recipe/dashboard/user/sessions?userId={id}")).await.text;
    let shown =
        format!("\"userId\":\"{id}\",\"sessionId\":\"{session}\",\"timeCreated\":{begin},\"expiry\":{}", begin + LIFETIME);
    assert_eq!(listed, format!("{{\"status\":\"OK\",\"sessions\":[{{{shown}}}]}}\n"));
    w.clock.advance(LIFETIME);
    assert_eq!(whose(w, "", &session).await.as_deref(), Some("a@example.com"));
    assert_eq!(sessions(w, &id).await, json!([row]));
    w.clock.advance(1);
    assert_eq!((whose(w, "", &session).await, sessions(w, &id).await), (None, json!([])));
    assert_eq!(count(w, "dashboard_user_sessions").await, 1, "no job has been there");
}

async fn the_job_removes_what_is_over_and_nothing_else(w: &World) {
    let id = created(w, "", "a@example.com").await;
    let now = w.clock.now();
    for (n, expiry) in [now - LIFETIME, now - 1, now, now + 1].into_iter().enumerate() {
        w.write(&format!(
            "insert into dashboard_user_sessions (app_id, session_id, user_id, time_created, expiry)
             values ('public', '{n}0000000-0000-4000-8000-000000000000', '{id}', {n}, {expiry})"
        ))
        .await;
    }
    assert_eq!(w.core().run_chore(Chore::DeleteExpiredDashboardSessions).await.expect("a chore"), 2);
    assert_eq!(count(w, &format!("dashboard_user_sessions where expiry >= {now}")).await, 2);
    assert_eq!(count(w, "dashboard_user_sessions").await, 2);
}

async fn whoever_asks_whose_it_is_is_told_from_3_0_on(w: &World) {
    created(w, "", "a@example.com").await;
    let session = sign_in(w, "", "a@example.com").await;
    let body = json!({ "sessionId": format!(" {session}\n") });
    for (cdi, said) in [
        ("2.7", r#"{"status":"OK"}"#),
        ("2.18", r#"{"status":"OK"}"#),
        ("2.21", r#"{"status":"OK"}"#),
        ("3.0", r#"{"status":"OK","email":"a@example.com"}"#),
        ("5.6", r#"{"status":"OK","email":"a@example.com"}"#),
    ] {
        let told = w.post(cdi, "/recipe/dashboard/session/verify", body.clone()).await;
        assert_eq!((told.status, told.text), (200, format!("{said}\n")), "{cdi}");
    }
}

async fn what_is_no_session_of_this_app_lets_nobody_in(w: &World) {
    make_app(w, "a1").await;
    created(w, "", "a@example.com").await;
    created(w, "/appid-a1", "a@example.com").await;
    let (here, there) = (sign_in(w, "", "a@example.com").await, sign_in(w, "/appid-a1", "a@example.com").await);
    for (place, session) in [("", there.as_str()), ("/appid-a1", here.as_str()), ("", NOBODY), ("", &here.to_uppercase())] {
        assert_eq!(whose(w, place, session).await, None, "{place} {session}");
    }
    for id in ["a", &here[..35], &format!("{here}0"), &format!("{here}\u{a0}"), "' OR '1'='1", "%", &"é".repeat(36)] {
        assert_eq!(whose(w, "", id).await, None, "{id}");
        revoke(w, &crate::cdi::place::in_query(id)).await;
        assert_eq!(sessions(w, &crate::cdi::place::in_query(id)).await, json!([]));
    }
    // Nor does it end one.
    revoke(w, &there).await;
    w.delete("5.4", &format!("/appid-a1/recipe/dashboard/session?sessionId={here}")).await.ok();
    assert_eq!(whose(w, "", &here).await.as_deref(), Some("a@example.com"));
    assert_eq!(whose(w, "/appid-a1", &there).await.as_deref(), Some("a@example.com"));
}

async fn whoever_signs_out_is_out(w: &World) {
    let id = created(w, "", "a@example.com").await;
    let mut made = Vec::new();
    for _ in 0..3 {
        w.clock.advance(1);
        made.push(sign_in(w, "", "a@example.com").await);
    }
    let listed = async || {
        let all = sessions(w, &id).await;
        all.as_array().expect("sessions").iter().map(|session| text(session, "sessionId")).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, made, "oldest first");
    revoke(w, &format!("%20{}", made[1])).await;
    revoke(w, &made[1]).await;
    revoke(w, NOBODY).await;
    assert_eq!(whose(w, "", &made[1]).await, None);
    made.remove(1);
    assert_eq!(listed().await, made);
}

async fn who_signs_in_while_the_password_changes_has_the_new_one_or_nothing(w: &World) {
    let id = created(w, "", "a@example.com").await;
    let mut old = PASSWORD.to_owned();
    for round in 0..8 {
        let new = format!("newPass{round}");
        let callers = (0..6).map(|n| {
            let (w, id, old, new) = (w.clone(), id.clone(), old.clone(), new.clone());
            async move {
                if n == 2 {
                    change(&w, json!({ "userId": id, "newPassword": new })).await.ok();
                    return None;
                }
                let said = try_sign_in(&w, "", "a@example.com", &old).await.done();
                said["sessionId"].as_str().map(str::to_owned)
            }
        });
        for session in at_once(callers.collect()).await.into_iter().flatten() {
            assert_eq!(whose(w, "", &session).await, None, "round {round}");
        }
        assert_eq!(count(w, "dashboard_user_sessions").await, 0, "round {round}");
        old = new;
        w.clock.advance(600_000);
    }
    // And while the user goes.
    for round in 0..8 {
        let email = format!("u{round}@example.com");
        created(w, "", &email).await;
        let callers = (0..4).map(|n| {
            let (w, email) = (w.clone(), email.clone());
            async move {
                if n == 1 {
                    w.delete("5.4", &format!("/recipe/dashboard/user?email={email}")).await.ok();
                } else {
                    let said = try_sign_in(&w, "", &email, PASSWORD).await.done()["status"].clone();
                    assert!(said == "OK" || said == "INVALID_CREDENTIALS_ERROR", "{said}");
                }
            }
        });
        at_once(callers.collect()).await;
        assert_eq!(count(w, "dashboard_user_sessions").await, 0);
    }
}

async fn many_sign_in_at_once_and_each_is_in(w: &World) {
    let id = created(w, "", "a@example.com").await;
    let callers = (0..10).map(|_| {
        let w = w.clone();
        async move { sign_in(&w, "", "a@example.com").await }
    });
    let mut made = at_once(callers.collect()).await;
    for session in &made {
        assert_eq!(whose(w, "", session).await.as_deref(), Some("a@example.com"));
    }
    made.sort();
    made.dedup();
    assert_eq!((made.len(), sessions(w, &id).await.as_array().map(Vec::len)), (10, Some(10)));
}

/// Hashes as a Java core makes them, ids as it writes them.
async fn those_of_a_java_core_stay_signed_in(w: &World) {
    let (user, session) = ("10000000-0000-4000-8000-00000000000a", "20000000-0000-4000-8000-00000000000a");
    let (begin, hash) = (crate::ports::BEGINNING, "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm");
    let sql = java::database(Made::By11, w.target().kind());
    w.take_over(&format!(
        "{sql} insert into dashboard_users values ('public', '{user}', 'a@example.com', '{hash}', {begin});
         insert into dashboard_user_sessions values ('public', '{session}', '{user}', {begin}, {});",
        begin + LIFETIME
    ))
    .await;
    assert_eq!(whose(w, "", session).await.as_deref(), Some("a@example.com"));
    assert_eq!(sessions(w, user).await[0]["sessionId"], session);
    let listed = w.get("5.4", "/recipe/dashboard/users").await.ok()["users"].clone();
    assert_eq!(listed, json!([{ "email": "a@example.com", "userId": user, "timeJoined": begin }]));
    // What the other core finds again is what it would have written.
    let new = sign_in(w, "", "a@example.com").await;
    let row = format!(
        "select app_id, user_id, time_created, expiry - time_created from dashboard_user_sessions where session_id = '{new}'"
    );
    let now = w.clock.now();
    let expected = ["public", user, &now.to_string(), &LIFETIME.to_string()].map(|value| Some(value.to_owned()));
    assert_eq!(w.rows(&row).await, [expected]);
    change(w, json!({ "userId": user, "newEmail": "b@example.com" })).await.ok();
    assert_eq!((whose(w, "", session).await, whose(w, "", &new).await), (None, None));
    sign_in(w, "", "b@example.com").await;
}

scenarios!(World:
    a_session_ends_when_it_expires_whatever_the_jobs_do,
    the_job_removes_what_is_over_and_nothing_else,
    whoever_asks_whose_it_is_is_told_from_3_0_on,
    what_is_no_session_of_this_app_lets_nobody_in,
    whoever_signs_out_is_out,
    who_signs_in_while_the_password_changes_has_the_new_one_or_nothing,
    many_sign_in_at_once_and_each_is_in,
    those_of_a_java_core_stay_signed_in needs AKeptDatabase,
);

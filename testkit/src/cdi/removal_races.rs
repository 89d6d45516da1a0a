//! Users who are deleted while something else is done with them: nothing of them is left, and nobody waits in a circle.

use serde_json::{Value, json};

use super::emailpassword::{PASSWORD, sign_up};
use super::linking::{link, map};
use super::passwordless::{by_link, code_for, somebody};
use super::place::{count, migration_modes, put_tenant};
use super::session::races::at_once;
use super::thirdparty::{account, sign_in};
use crate::answer::Answer;
use crate::target::Kind;
use crate::{World, scenarios};

const ROUNDS: u32 = 12;

/// Everything at once; the answers in this order, none of which is a fault.
async fn together(w: &World, asked: Vec<(String, Value)>) -> Vec<Answer> {
    let callers = asked.into_iter().map(|(path, body)| {
        let w = w.clone();
        async move { w.post("5.4", &path, body).await }
    });
    let answers = at_once(callers.collect()).await;
    for answer in &answers {
        assert!(answer.status < 500, "{} {}", answer.status, answer.text);
    }
    answers
}

fn removal(user: &str) -> (String, Value) {
    ("/user/remove".to_owned(), json!({ "userId": user }))
}

/// Connections tell what they have seen when they end.
async fn nobody_waited_in_a_circle(w: &World) {
    if w.target().kind() == Kind::Postgres {
        w.restart().await;
        let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
        assert_eq!(w.value(deadlocks).await.as_deref(), Some("0"));
    }
}

async fn no_mark_of_a_verified_address_outlives_its_user(w: &World) {
    for n in 0..ROUNDS {
        let shown = format!("x{n}");
        let google = format!("g{n}");
        let user = sign_in(w, "5.4", "", &google, "a@x.io", false).await["recipeUserId"].as_str().expect("an id").to_owned();
        map(w, &user, &shown).await;
        let verified = ("/recipe/signinup".to_owned(), account("google", &google, "a@x.io", true));
        together(w, vec![verified, removal(&shown)]).await;
        let marks = format!("emailverification_verified_emails where user_id in ('{shown}', '{user}')");
        assert_eq!(count(w, &marks).await, 0, "round {n}");
    }
}

async fn a_mark_by_a_token_goes_with_its_user(w: &World) {
    for n in 0..ROUNDS {
        let user = sign_up(w, "", &format!("u{n}@x.io")).await;
        let asked = json!({ "userId": user, "email": "a@x.io" });
        let token = w.post("5.4", "/recipe/user/email/verify/token", asked).await.ok()["token"].clone();
        let verify = ("/recipe/user/email/verify".to_owned(), json!({ "method": "token", "token": token }));
        together(w, vec![verify, removal(&user)]).await;
        assert_eq!(count(w, "emailverification_verified_emails").await, 0, "round {n}");
        assert_eq!(count(w, "emailverification_tokens").await, 0, "round {n}");
    }
}

async fn whoever_logs_in_by_a_code_leaves_nothing_behind(w: &World) {
    for n in 0..ROUNDS {
        let email = format!("u{n}@x.io");
        let user = somebody(w, "", json!({ "email": email })).await;
        w.write("delete from emailverification_verified_emails").await;
        let codes = [code_for(w, "", &email).await, code_for(w, "", &email).await];
        let consume = ("/recipe/signinup/code/consume".to_owned(), by_link(&codes[n as usize % 2]));
        let answers = together(w, vec![consume, removal(&user)]).await;
        // Whoever came behind is somebody new, and has a mark of their own.
        let marks = format!("emailverification_verified_emails where user_id = '{user}'");
        assert_eq!(count(w, &marks).await, 0, "round {n}: {}", answers[0].text);
    }
    nobody_waited_in_a_circle(w).await;
}

async fn a_token_for_a_password_is_for_nobody_then(w: &World) {
    for n in 0..ROUNDS {
        let email = format!("u{n}@x.io");
        let user = sign_up(w, "", &email).await;
        let token = ("/recipe/user/password/reset/token".to_owned(), json!({ "userId": user, "email": email }));
        let answers = together(w, vec![token, removal(&user)]).await;
        let said = answers[0].done()["status"].clone();
        assert!(said == "OK" || said == "UNKNOWN_USER_ID_ERROR", "round {n}: {said}");
        assert_eq!(count(w, "emailpassword_pswd_reset_tokens").await, 0, "round {n}");
    }
}

async fn a_group_goes_while_its_members_leave_a_tenant(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        put_tenant(w, "", "t1", json!({})).await;
        for n in 0..ROUNDS {
            let mut users = Vec::new();
            for member in 0..4 {
                users.push(sign_up(w, "/t1", &format!("{mode}{n}m{member}@x.io")).await);
            }
            users.sort();
            users.reverse();
            link(w, &users.iter().map(String::as_str).collect::<Vec<_>>()).await;
            let leaving =
                |user: &String| ("/t1/recipe/multitenancy/tenant/user/remove".to_owned(), json!({ "recipeUserId": user }));
            let mut asked = vec![removal(&users[0])];
            asked.extend(users[1..].iter().map(leaving));
            together(w, asked).await;
            let left: Vec<String> = users.iter().map(|user| format!("'{user}'")).collect();
            assert_eq!(count(w, &format!("app_id_to_user_id where user_id in ({})", left.join(", "))).await, 0, "{mode}");
        }
    }
    nobody_waited_in_a_circle(w).await;
}

/// The hash takes much longer than all else, and is begun when the database has been asked once.
async fn a_password_that_is_replaced_while_it_is_checked_lets_nobody_in(w: &World) {
    w.with_config(json!({ "bcrypt_log_rounds": 11 })).await;
    for (email, end) in
        [("a@x.io", "update emailpassword_users set password_hash = 'x'"), ("b@x.io", "delete from app_id_to_user_id")]
    {
        sign_up(w, "", email).await;
        let before = w.core().db().trips();
        let mut coming = {
            let w = w.clone();
            tokio::spawn(async move { w.post("5.4", "/recipe/signin", json!({ "email": email, "password": PASSWORD })).await })
        };
        while w.core().db().trips() == before {
            assert!(!coming.is_finished(), "the hash was too fast for this scenario");
            tokio::task::yield_now().await;
        }
        w.write(end).await;
        let answer = (&mut coming).await.expect("an answer");
        assert_eq!(answer.done(), json!({ "status": "WRONG_CREDENTIALS_ERROR" }), "{end}");
    }
}

scenarios!(World:
    no_mark_of_a_verified_address_outlives_its_user,
    a_mark_by_a_token_goes_with_its_user,
    whoever_logs_in_by_a_code_leaves_nothing_behind,
    a_token_for_a_password_is_for_nobody_then,
    a_group_goes_while_its_members_leave_a_tenant,
    a_password_that_is_replaced_while_it_is_checked_lets_nobody_in,
);

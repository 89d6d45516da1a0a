//! A new password for whoever reads the mail (core-users.md 3.6, 3.7).

use serde_json::{Value, json};
use supertokens_core::chores::Chore;

use super::{PASSWORD, hashes_done, sign_up, signs_in, stored_hash};
use crate::cdi::linking::{link, map};
use crate::cdi::passwordless::somebody;
use crate::cdi::place::{count, make_app, put_tenant};
use crate::{Answer, World, scenarios};

const TOKEN: &str = "/recipe/user/password/reset/token";
const CONSUME: &str = "/recipe/user/password/reset/token/consume";
const RESET: &str = "/recipe/user/password/reset";
const INVALID: &str = "RESET_PASSWORD_INVALID_TOKEN_ERROR";
const HOUR: i64 = 3_600_000;

async fn token(w: &World, user: &str) -> String {
    let said = w.post("5.4", TOKEN, json!({ "userId": user, "email": "a@example.com" })).await.ok();
    said["token"].as_str().expect("a token").to_owned()
}

async fn consume(w: &World, token: &str) -> Answer {
    w.post("5.4", CONSUME, json!({ "token": token })).await
}

async fn reset(w: &World, cdi: &str, token: &str, password: &str) -> Answer {
    w.post(cdi, RESET, json!({ "method": "token", "token": token, "newPassword": password })).await
}

async fn a_token_is_kept_as_its_hash_only(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let token = token(w, &id).await;
    assert!(token.len() == 128 && token.bytes().all(|b| b.is_ascii_alphanumeric()), "{token}");
    let rows = w.rows("select user_id, token, email, token_expiry from emailpassword_pswd_reset_tokens").await;
    let row: Vec<String> = rows[0].iter().flatten().cloned().collect();
    let hash = supertokens_domain::one_time_token::hash_of(&token);
    assert_eq!(row, [id, hash, "a@example.com".to_owned(), (w.clock.now() + HOUR).to_string()]);
}

async fn whoever_has_the_token_is_told_whose_it_is(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let said = w.post("4.0", TOKEN, json!({ "userId": id, "email": " Some@Address " })).await.ok();
    let token = said["token"].as_str().expect("a token");
    let expected = json!({ "status": "OK", "userId": id, "email": " Some@Address " });
    assert_eq!(consume(w, token).await.done(), expected, "the address as it was named");
    assert_eq!(consume(w, token).await.done(), json!({ "status": INVALID }));
    assert!(signs_in(w, "", "a@example.com", PASSWORD).await, "that is for the application to change");
}

async fn the_old_way_sets_the_password_itself(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    for (cdi, named) in [("2.7", false), ("2.11", false), ("2.12", true), ("3.0", true)] {
        let made = w.post(cdi, TOKEN, json!({ "userId": id })).await.ok();
        let said = reset(w, cdi, made["token"].as_str().expect("a token"), cdi).await.done();
        assert_eq!(said, if named { json!({ "status": "OK", "userId": id }) } else { json!({ "status": "OK" }) }, "{cdi}");
        assert!(signs_in(w, "", "a@example.com", cdi).await);
        reset(w, cdi, made["token"].as_str().expect("a token"), "x").await.says(INVALID);
    }
    assert!(!signs_in(w, "", "a@example.com", PASSWORD).await);
}

async fn a_wrong_token_costs_no_hash(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let (good, before) = (token(w, &id).await, hashes_done(w, "bcrypt"));
    for wrong in ["", "x", &good[1..], "a\0b", &"x".repeat(10_000)] {
        assert_eq!(reset(w, "5.4", wrong, "x").await.done(), json!({ "status": INVALID }));
        assert_eq!(consume(w, wrong).await.done(), json!({ "status": INVALID }));
    }
    w.clock.advance(HOUR + 1);
    reset(w, "5.4", &good, "x").await.says(INVALID);
    assert_eq!(hashes_done(w, "bcrypt"), before);
    assert_eq!(count(w, "emailpassword_pswd_reset_tokens").await, 0, "what is over goes");
}

async fn what_is_wrong_is_said_in_order(w: &World) {
    let field = |name: &str| format!("Field name '{name}' is invalid in JSON input");
    for (path, body, words) in [
        (RESET, json!({}), field("method")),
        (RESET, json!({ "method": "x" }), field("token")),
        (RESET, json!({ "method": "x", "token": "t" }), field("newPassword")),
        (RESET, json!({ "method": "x", "token": "t", "newPassword": "" }), "Unsupported method for password reset".to_owned()),
        (RESET, json!({ "method": "token", "token": "t", "newPassword": "" }), "Password cannot be an empty string".to_owned()),
        (CONSUME, json!({ "token": null }), field("token")),
        (TOKEN, json!({ "email": "a@example.com" }), field("userId")),
    ] {
        w.post("5.4", &format!("/ghost{path}"), body).await.refuses(400, &words);
    }
    let bodies = [(CONSUME, json!({ "token": "t" })), (TOKEN, json!({ "userId": "u" }))];
    for (path, body) in bodies {
        let said = w.post("5.4", &format!("/ghost{path}"), body).await;
        assert!(said.status == 400 && said.text.contains("AppId or tenantId not found"), "{}", said.text);
    }
}

async fn the_address_is_looked_at_once_the_user_is_known(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let words = "Field name 'email' is invalid in JSON input";
    for wrong in [json!({}), json!({ "email": null }), json!({ "email": 1 }), json!({ "email": "x".repeat(257) })] {
        let with = |user: &str| {
            let mut body = wrong.clone();
            body["userId"] = json!(user);
            body
        };
        w.post("4.0", TOKEN, with(&id)).await.refuses(400, words);
        w.post("4.0", TOKEN, with("nobody")).await.says("UNKNOWN_USER_ID_ERROR");
    }
    w.post("4.0", TOKEN, json!({ "userId": "nobody", "email": "a@example.com" })).await.says("UNKNOWN_USER_ID_ERROR");
    assert_eq!(count(w, "emailpassword_pswd_reset_tokens").await, 0);
}

async fn old_versions_know_users_with_one_password_only(w: &World) {
    let (a, other) = (sign_up(w, "", "a@example.com").await, somebody(w, "", json!({ "email": "b@example.com" })).await);
    assert_eq!(w.post("3.0", TOKEN, json!({ "userId": other })).await.done(), json!({ "status": "UNKNOWN_USER_ID_ERROR" }));
    w.post("3.0", TOKEN, json!({ "userId": "nobody" })).await.says("UNKNOWN_USER_ID_ERROR");
    w.post("3.0", TOKEN, json!({ "userId": a })).await.ok();
    let named = w.value("select email from emailpassword_pswd_reset_tokens").await;
    assert_eq!(named.as_deref(), Some("a@example.com"));
    // Somebody who logs in otherwise may get a password by a new version.
    let token = token(w, &other).await;
    assert_eq!(consume(w, &token).await.ok()["userId"], other.as_str());
    link(w, &[&a, &other]).await;
    for user in [&a, &other] {
        w.post("3.0", TOKEN, json!({ "userId": user })).await.refuses(400, "Please use CDI version >= 4.0");
        w.post("4.0", TOKEN, json!({ "userId": user, "email": "a@example.com" })).await.ok();
    }
}

async fn a_token_of_a_core_before_4_names_the_users_own_address(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    let nameless = async |user: &str| {
        let token = token(w, user).await;
        w.write("update emailpassword_pswd_reset_tokens set email = null").await;
        token
    };
    let token = nameless(&id).await;
    assert_eq!(consume(w, &token).await.ok()["email"], "a@example.com");
    let other = somebody(w, "", json!({ "email": "b@example.com" })).await;
    let token = nameless(&other).await;
    consume(w, &token).await.says(INVALID);
    link(w, &[&id, &other]).await;
    let token = nameless(&id).await;
    consume(w, &token).await.says(INVALID);
    assert_eq!(count(w, "emailpassword_pswd_reset_tokens").await, 0);
}

async fn a_mapped_user_goes_by_either_id(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    map(w, &id, "ext").await;
    for known in [id.as_str(), "ext"] {
        let made = token(w, known).await;
        assert_eq!(consume(w, &made).await.ok()["userId"], "ext");
        let made = token(w, known).await;
        assert_eq!(reset(w, "5.4", &made, known).await.ok()["userId"], "ext");
        assert!(signs_in(w, "", "a@example.com", known).await);
    }
}

async fn one_token_takes_the_others_along_even_when_it_is_late(w: &World) {
    let (a, b) = (sign_up(w, "", "a@example.com").await, sign_up(w, "", "b@example.com").await);
    let tokens = [token(w, &a).await, token(w, &a).await, token(w, &a).await];
    let of_another = token(w, &b).await;
    consume(w, &tokens[1]).await.ok();
    for gone in &tokens {
        consume(w, gone).await.says(INVALID);
    }
    let early = token(w, &a).await;
    w.clock.advance(HOUR);
    let late = token(w, &a).await;
    // The millisecond of the expiry is in time.
    consume(w, &of_another).await.ok();
    w.clock.advance(1);
    consume(w, &early).await.says(INVALID);
    consume(w, &late).await.says(INVALID);
    assert_eq!(count(w, "emailpassword_pswd_reset_tokens").await, 0);
}

async fn of_many_who_come_at_once_one_is_let_in(w: &World) {
    for same in [true, false] {
        let id = sign_up(w, "", &format!("{same}@example.com")).await;
        let mut tokens: Vec<String> = Vec::new();
        for n in 0..8 {
            tokens.push(if same && n > 0 { tokens[0].clone() } else { token(w, &id).await });
        }
        let asked: Vec<_> = tokens
            .into_iter()
            .enumerate()
            .map(|(n, token)| {
                let w = w.clone();
                tokio::spawn(async move {
                    let answer = if n % 2 == 0 { consume(&w, &token).await } else { reset(&w, "5.4", &token, "x").await };
                    answer.done()["status"].clone()
                })
            })
            .collect();
        let mut said: Vec<Value> = Vec::new();
        for asked in asked {
            said.push(asked.await.expect("an answer"));
        }
        assert_eq!(said.iter().filter(|status| **status == "OK").count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|status| **status == INVALID).count(), 7, "{said:?}");
    }
}

async fn a_token_is_good_in_every_tenant_of_its_app_and_in_no_other_app(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "", "t2", json!({})).await;
    make_app(w, "a1").await;
    let id = sign_up(w, "/t1", "a@example.com").await;
    let at_t1 = async || {
        let said = w.post("5.4", &format!("/t1{TOKEN}"), json!({ "userId": id, "email": "a@example.com" })).await.ok();
        json!({ "token": said["token"] })
    };
    let token = at_t1().await;
    w.post("5.4", &format!("/appid-a1{CONSUME}"), token.clone()).await.says(INVALID);
    w.post("5.4", &format!("/t2{CONSUME}"), token.clone()).await.ok();
    w.post("5.4", &format!("/t1{CONSUME}"), token).await.says(INVALID);
    w.post("5.4", CONSUME, at_t1().await).await.ok();
}

async fn what_is_over_is_swept_and_what_is_not_stays(w: &World) {
    let (a, b) = (sign_up(w, "", "a@example.com").await, sign_up(w, "", "b@example.com").await);
    token(w, &a).await;
    w.clock.advance(1);
    let good = token(w, &b).await;
    w.clock.advance(HOUR);
    assert_eq!(w.core().run_chore(Chore::DeleteExpiredPasswordResetTokens).await.expect("it is done"), 1);
    consume(w, &good).await.ok();
}

async fn a_users_tokens_go_with_the_user(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    token(w, &id).await;
    w.write(&format!("delete from app_id_to_user_id where user_id = '{id}'")).await;
    assert_eq!(count(w, "emailpassword_pswd_reset_tokens").await, 0);
}

async fn how_long_a_token_lives_is_the_tenants_affair(w: &World) {
    put_tenant(w, "", "t1", json!({ "password_reset_token_lifetime": 5_000 })).await;
    w.core().run_chore(Chore::SyncTenants).await.expect("it is seen");
    let id = sign_up(w, "", "a@example.com").await;
    let body = json!({ "userId": id, "email": "a@example.com" });
    for (place, lifetime) in [("/t1", 5_000), ("", HOUR)] {
        w.post("5.4", &format!("{place}{TOKEN}"), body.clone()).await.ok();
        let expiry = w.value("select max(token_expiry) from emailpassword_pswd_reset_tokens").await;
        assert_eq!(expiry, Some((w.clock.now() + lifetime).to_string()), "{place}");
    }
    let before = stored_hash(w, &id).await;
    reset(w, "5.4", "x", "y").await.says(INVALID);
    assert_eq!(stored_hash(w, &id).await, before);
}

scenarios!(World:
    a_token_is_kept_as_its_hash_only,
    whoever_has_the_token_is_told_whose_it_is,
    the_old_way_sets_the_password_itself,
    a_wrong_token_costs_no_hash,
    what_is_wrong_is_said_in_order,
    the_address_is_looked_at_once_the_user_is_known,
    old_versions_know_users_with_one_password_only,
    a_token_of_a_core_before_4_names_the_users_own_address,
    a_mapped_user_goes_by_either_id,
    one_token_takes_the_others_along_even_when_it_is_late,
    of_many_who_come_at_once_one_is_let_in,
    a_token_is_good_in_every_tenant_of_its_app_and_in_no_other_app,
    what_is_over_is_swept_and_what_is_not_stays,
    a_users_tokens_go_with_the_user,
    how_long_a_token_lives_is_the_tenants_affair,
);

//! Tokens for those who have lost all passkeys: scenarios 90 to 93.

use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::one_time_token::hash_of;

use super::{WEBAUTHN, put_passkey_user};
use crate::answer::members;
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, in_query, put_tenant};
use crate::cdi::session::races::at_once;
use crate::cdi::users::{By, id, put_login};
use crate::{Answer, World, scenarios};

const HOUR: i64 = 3_600_000;

async fn token(w: &World, tenant: &str, user: &str, email: &str) -> String {
    let body = json!({ "email": email, "userId": user });
    let said = w.post("5.4", &format!("{tenant}{WEBAUTHN}/user/recover/token"), body).await.ok();
    assert_eq!(members(&said), ["status", "token"]);
    said["token"].as_str().expect("a token").to_owned()
}

async fn look(w: &World, tenant: &str, token: &str) -> Answer {
    w.get("5.4", &format!("{tenant}{WEBAUTHN}/user/recover?token={}", in_query(token))).await
}

async fn consume(w: &World, tenant: &str, token: &str) -> Value {
    w.post("5.4", &format!("{tenant}{WEBAUTHN}/user/recover/token/consume"), json!({ "token": token })).await.done()
}

const INVALID: &str = "RECOVER_ACCOUNT_TOKEN_INVALID_ERROR";

async fn a_token_is_kept_as_its_hash(w: &World) {
    put_login(w, "", 1, By::Password("a@b.co")).await;
    map(w, &id(1), "ext").await;
    for user in [id(1), "ext".to_owned()] {
        let made = token(w, "", &user, " A@B.co ").await;
        assert_eq!(made.len(), 43);
        let columns = "select user_id, email, expires_at from webauthn_account_recovery_tokens";
        let row = w.rows(&format!("{columns} where token = '{}'", hash_of(&made))).await;
        assert_eq!(row, [[Some(id(1)), Some("a@b.co".to_owned()), Some((w.clock.now() + HOUR).to_string())]]);
    }
    for user in ["nobody", "", &id(2), &format!("{} ", id(1))] {
        let body = json!({ "email": "a@b.co", "userId": user });
        w.post("5.4", &format!("{WEBAUTHN}/user/recover/token"), body).await.says("UNKNOWN_USER_ID_ERROR");
    }
    w.with_config(json!({ "webauthn_recover_account_token_lifetime": 5 })).await;
    put_login(w, "", 2, By::Password("c@b.co")).await;
    let made = token(w, "", &id(2), "a@b.co").await;
    w.clock.advance(5);
    look(w, "", &made).await.ok();
    w.clock.advance(1);
    look(w, "", &made).await.says(INVALID);
    assert_eq!(consume(w, "", &made).await["status"], INVALID);
    for (body, name) in
        [(json!({}), "email"), (json!({ "email": "a" }), "userId"), (json!({ "email": "a".repeat(257) }), "email")]
    {
        let said = w.post("5.4", &format!("/ghost{WEBAUTHN}/user/recover/token"), body).await;
        said.refuses(400, &format!("Field name '{name}' is invalid in JSON input"));
    }
    let said = w.get("5.4", &format!("/ghost{WEBAUTHN}/user/recover")).await;
    said.refuses(400, "Field name 'token' is missing in GET request");
    w.post("5.4", &format!("{WEBAUTHN}/user/recover/token/consume"), json!({}))
        .await
        .refuses(400, "Field name 'token' is invalid in JSON input");
}

async fn whoever_brings_a_token_is_told_whose_it_is(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 1, By::Password("a@b.co")).await;
    put_passkey_user(w, "t1", 2, "b@b.co", "k").await;
    let made = token(w, "", &id(1), "a@b.co").await;
    for _ in 0..2 {
        let said = look(w, "", &made).await.ok();
        assert_eq!(members(&said), ["recipeUserId", "status", "user"]);
        assert_eq!((&said["recipeUserId"], &said["user"]["id"]), (&json!(null), &json!(id(1))));
    }
    for elsewhere in ["/t1"] {
        look(w, elsewhere, &made).await.says(INVALID);
        assert_eq!(consume(w, elsewhere, &made).await["status"], INVALID);
    }
    for odd in ["", "x", "a\u{0}b", &format!("{made} ")] {
        look(w, "", odd).await.says(INVALID);
        assert_eq!(consume(w, "", odd).await["status"], INVALID);
    }
    link(w, &[&id(1), &id(2)]).await;
    map(w, &id(1), "one").await;
    map(w, &id(2), "two").await;
    let there = token(w, "/t1", "one", "a@b.co").await;
    let said = look(w, "/t1", &there).await.ok();
    assert_eq!((&said["recipeUserId"], &said["user"]["id"]), (&json!("two"), &json!("one")));
    assert_eq!(look(w, "", &made).await.ok()["recipeUserId"], json!(null), "there is no passkey in this tenant");
    let older = w.get("5.2", &format!("/t1{WEBAUTHN}/user/recover?token={there}")).await.ok();
    assert_eq!((older["user"].get("webauthn"), &older["user"]["emails"]), (None, &json!(["a@b.co"])));
    assert_eq!(consume(w, "/t1", &there).await, json!({ "status": "OK", "userId": "one", "email": "a@b.co" }));
}

async fn a_token_takes_its_siblings_along_and_nobody_elses(w: &World) {
    put_login(w, "", 1, By::Password("a@b.co")).await;
    put_login(w, "", 2, By::Password("b@b.co")).await;
    let (first, second) = (token(w, "", &id(1), "a@b.co").await, token(w, "", &id(1), "a@b.co").await);
    let (of_another_address, of_another) = (token(w, "", &id(1), "c@b.co").await, token(w, "", &id(2), "a@b.co").await);
    assert_eq!(consume(w, "", &first).await, json!({ "status": "OK", "userId": id(1), "email": "a@b.co" }));
    for used in [&first, &second] {
        assert_eq!(consume(w, "", used).await["status"], INVALID);
        look(w, "", used).await.says(INVALID);
    }
    look(w, "", &of_another_address).await.ok();
    assert_eq!(consume(w, "", &of_another).await["userId"], id(2));
    assert_eq!(count(w, "webauthn_account_recovery_tokens").await, 1);
}

async fn one_of_many_takes_a_token(w: &World) {
    put_login(w, "", 1, By::Password("a@b.co")).await;
    for round in 0..5 {
        let one = token(w, "", &id(1), "a@b.co").await;
        let other = token(w, "", &id(1), "a@b.co").await;
        let callers = (0..20).map(|n| {
            let (w, brought) = (w.clone(), if n % 2 == 0 || round % 2 == 0 { one.clone() } else { other.clone() });
            async move { consume(&w, "", &brought).await }
        });
        let said = at_once(callers.collect()).await;
        let taken = said.iter().filter(|said| said["status"] == "OK").count();
        assert_eq!(taken, 1, "{said:?}");
        assert!(said.iter().all(|said| said["status"] == "OK" || said["status"] == INVALID), "{said:?}");
    }
    assert_eq!(count(w, "webauthn_account_recovery_tokens").await, 0);
}

async fn tokens_go_with_their_time_and_their_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_passkey_user(w, "t1", 1, "a@b.co", "k").await;
    token(w, "", &id(1), "a@b.co").await;
    w.clock.advance(1);
    let kept = token(w, "", &id(1), "a@b.co").await;
    w.clock.advance(HOUR);
    assert_eq!(w.core().run_chore(Chore::DeleteExpiredPasskeyData).await.expect("it is done"), 1);
    look(w, "", &kept).await.ok();
    let there = token(w, "/t1", &id(1), "a@b.co").await;
    w.post("5.4", "/t1/recipe/multitenancy/tenant/user/remove", json!({ "recipeUserId": id(1) })).await.ok();
    look(w, "/t1", &there).await.says(INVALID);
    look(w, "", &kept).await.ok();
    token(w, "/t1", &id(1), "a@b.co").await;
    w.post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
    assert_eq!(count(w, "webauthn_account_recovery_tokens").await, 1);
}

scenarios!(World:
    a_token_is_kept_as_its_hash,
    whoever_brings_a_token_is_told_whose_it_is,
    a_token_takes_its_siblings_along_and_nobody_elses,
    one_of_many_takes_a_token,
    tokens_go_with_their_time_and_their_tenant,
);

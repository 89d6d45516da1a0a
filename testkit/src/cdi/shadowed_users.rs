//! A user who is shown under the internal id of another, who is thereby shadowed (state A4 of core-linking.md 1.5): every operation means
//! the same user by that id, and nothing of the other is touched.

use serde_json::json;

use super::emailpassword::{sign_up, signs_in};
use super::linking::link;
use super::place::count;
use super::session::create;
use crate::{World, scenarios};

const NEW: &str = "another password";

async fn map_by_force(w: &World, user: &str, external: &str) {
    let body = json!({ "superTokensUserId": user, "externalUserId": external, "force": true });
    w.post("5.4", "/recipe/userid/map", body).await.ok();
}

/// Somebody, and somebody else who is shown under their id.
async fn shadowed(w: &World) -> (String, String) {
    let (first, second) = (sign_up(w, "", "a@x.io").await, sign_up(w, "", "b@x.io").await);
    map_by_force(w, &second, &first).await;
    (first, second)
}

async fn a_password_is_changed_of_whoever_is_shown(w: &World) {
    let (first, _) = shadowed(w).await;
    w.put("5.4", "/recipe/user", json!({ "recipeUserId": first, "password": NEW })).await.ok();
    assert!(signs_in(w, "", "b@x.io", NEW).await && !signs_in(w, "", "a@x.io", NEW).await);
    w.put("5.4", "/recipe/user", json!({ "recipeUserId": first, "email": "c@x.io", "password": NEW })).await.ok();
    assert!(signs_in(w, "", "c@x.io", NEW).await && !signs_in(w, "", "b@x.io", NEW).await);
}

async fn a_password_is_reset_of_whoever_is_shown(w: &World) {
    let (first, second) = shadowed(w).await;
    for (cdi, asked) in [("5.4", json!({ "userId": first, "email": "b@x.io" })), ("3.1", json!({ "userId": first }))] {
        let token = w.post(cdi, "/recipe/user/password/reset/token", asked).await.ok()["token"].clone();
        let owner = w.value("select user_id from emailpassword_pswd_reset_tokens").await.expect("whose it is");
        assert_eq!(owner.trim_end(), second, "{cdi}");
        let reset = json!({ "method": "token", "token": token, "newPassword": NEW });
        w.post("3.1", "/recipe/user/password/reset", reset).await.ok();
        assert!(signs_in(w, "", "b@x.io", NEW).await && !signs_in(w, "", "a@x.io", NEW).await, "{cdi}");
        w.put("5.4", "/recipe/user", json!({ "recipeUserId": second, "password": "x" })).await.ok();
    }
}

async fn a_token_without_an_address_is_for_the_address_of_its_own_user(w: &World) {
    let (first, second) = (sign_up(w, "", "a@x.io").await, sign_up(w, "", "b@x.io").await);
    let asked = json!({ "userId": first, "email": "a@x.io" });
    let token = w.post("5.4", "/recipe/user/password/reset/token", asked).await.ok()["token"].clone();
    w.write("update emailpassword_pswd_reset_tokens set email = null").await;
    map_by_force(w, &second, &first).await;
    let said = w.post("5.4", "/recipe/user/password/reset/token/consume", json!({ "token": token })).await.ok();
    assert_eq!((&said["email"], &said["userId"]), (&json!("a@x.io"), &json!(first)));
}

async fn linking_leaves_the_sessions_of_the_other(w: &World) {
    let (first, second) = (sign_up(w, "", "a@x.io").await, sign_up(w, "", "b@x.io").await);
    let primary = sign_up(w, "", "p@x.io").await;
    create(w, "5.4", &first).await;
    create(w, "5.4", &second).await;
    map_by_force(w, &second, &first).await;
    link(w, &[&primary, &second]).await;
    assert_eq!(w.rows("select user_id from session_info").await, [[Some(first.clone())]], "the login's own has ended");
    w.post("5.4", "/recipe/accountlinking/user/unlink", json!({ "recipeUserId": second })).await.ok();
    assert_eq!(w.rows("select user_id from session_info").await, [[Some(first)]]);
}

async fn whoever_is_deleted_is_active_no_longer(w: &World) {
    let (_, second) = shadowed(w).await;
    assert_eq!(count(w, "user_last_active").await, 2);
    w.post("5.4", "/user/remove", json!({ "userId": second })).await.ok();
    assert_eq!(count(w, "user_last_active").await, 1);
}

scenarios!(World:
    a_password_is_changed_of_whoever_is_shown,
    a_password_is_reset_of_whoever_is_shown,
    a_token_without_an_address_is_for_the_address_of_its_own_user,
    linking_leaves_the_sessions_of_the_other,
    whoever_is_deleted_is_active_no_longer,
);

//! Logging in with an e-mail address and a password (core-users.md 11): one file for each group of operations.

use serde_json::{Value, json};

use crate::{Answer, World};

pub mod change;
pub mod costs;
pub mod hashing;
pub mod import;
pub mod linked;
pub mod reset;
pub mod sign_in;
pub mod sign_up;

/// What is asked of the hashes that come and go in these scenarios: little.
pub const PASSWORD: &str = "correct horse battery staple";

/// Signs up in a place (`""`, `/t1`, `/appid-a`, …).
pub async fn try_sign_up(w: &World, cdi: &str, place: &str, email: &str) -> Answer {
    w.post(cdi, &format!("{place}/recipe/signup"), json!({ "email": email, "password": PASSWORD })).await
}

/// Signs up, and gives back the new user's id.
pub async fn sign_up(w: &World, place: &str, email: &str) -> String {
    let said = try_sign_up(w, "5.4", place, email).await.ok();
    said["recipeUserId"].as_str().expect("an id").to_owned()
}

/// Signs in with some password.
pub async fn sign_in_with(w: &World, place: &str, email: &str, password: &str) -> Answer {
    w.post("5.4", &format!("{place}/recipe/signin"), json!({ "email": email, "password": password })).await
}

/// Signs in with the usual password.
pub async fn sign_in(w: &World, place: &str, email: &str) -> Answer {
    sign_in_with(w, place, email, PASSWORD).await
}

/// Whether somebody can sign in so.
pub async fn signs_in(w: &World, place: &str, email: &str, password: &str) -> bool {
    let said = sign_in_with(w, place, email, password).await.done();
    match said["status"].as_str() {
        Some("OK") => true,
        Some("WRONG_CREDENTIALS_ERROR") => false,
        _ => panic!("{said}"),
    }
}

/// How many hashes of an algorithm were worked out so far.
pub fn hashes_done(w: &World, algorithm: &str) -> u64 {
    let hashing = w.core().figures().hashing;
    hashing.iter().find(|(name, _)| *name == algorithm).expect("an algorithm").1.done
}

/// The stored hash of a user.
pub async fn stored_hash(w: &World, user: &str) -> String {
    let sql = format!("select password_hash from emailpassword_users where user_id = '{user}'");
    w.value(&sql).await.expect("a hash")
}

/// Gives a user a hash, as another core, or an older one, would have left it.
pub async fn put_hash(w: &World, user: &str, hash: &str) {
    w.write(&format!("update emailpassword_users set password_hash = '{hash}' where user_id = '{user}'")).await;
}

/// A member that is a text.
pub fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("no text {name} in {of}"))
}

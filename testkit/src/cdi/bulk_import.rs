//! Users that come from elsewhere, many at once: scenarios 95 to 120 of core-linking.md.

use serde_json::{Value, json};

use crate::World;
use crate::accounts_walk::{Written, lines, question};

pub mod importing;
pub mod job;
pub mod waiting;

/// Of "a password", as cheap as it gets.
pub const BCRYPT: &str = "$2a$04$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG";

/// A user who logs in by a password of which the hash is known.
pub fn hashed(email: &str) -> Value {
    json!({ "loginMethods": [{
        "recipeId": "emailpassword", "email": email, "passwordHash": BCRYPT, "hashingAlgorithm": "bcrypt",
    }] })
}

/// Lets users wait; what is answered.
pub async fn wait(w: &World, users: &[Value]) -> Value {
    w.post("5.6", "/bulk-import/users", json!({ "users": users })).await.ok()
}

/// Runs the job once, and says how many rows there were.
pub async fn run(w: &World) -> u64 {
    w.core().run_chore(supertokens_core::chores::Chore::ImportUsers).await.expect("the job is done")
}

/// Who waits or was refused.
pub async fn listed(w: &World, query: &str) -> Vec<Value> {
    let said = w.get("5.6", &format!("/bulk-import/users{query}")).await.ok();
    said["users"].as_array().expect("users").clone()
}

/// How many there are.
pub async fn waiting(w: &World, query: &str) -> i64 {
    w.get("5.6", &format!("/bulk-import/users/count{query}")).await.ok()["count"].as_i64().expect("a count")
}

/// Imports one at once.
pub async fn import(w: &World, user: Value) -> crate::Answer {
    w.post("5.6", "/bulk-import/import", user).await
}

/// The tables of accounts are as they must be.
pub async fn tables_agree(w: &World) {
    let mode = w.core().db().migration_mode().to_owned();
    let mode = if w.target().kind() == crate::target::Kind::Postgres { mode } else { "MIGRATED".to_owned() };
    assert_eq!(lines(w.rows(&question(Written::in_mode(&mode))).await), Vec::<String>::new(), "{mode}");
}

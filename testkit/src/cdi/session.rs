//! Sessions (core-session.md 8.2): one file for each operation.

use serde_json::{Value, json};

use crate::World;

pub mod create;
pub mod create_around;
pub mod data;
pub mod decisions;
pub mod forge;
pub mod large;
pub mod locks;
pub mod races;
pub mod refresh;
pub mod refresh_around;
pub mod regenerate;
pub mod remove;
pub mod rows;
pub mod successor;
pub mod verify;
pub mod verify_table;
pub mod verify_tokens;

/// The body of a creation that wants nothing special.
pub fn plain(user: &str) -> Value {
    json!({ "userId": user, "enableAntiCsrf": false, "userDataInJWT": {}, "userDataInDatabase": {} })
}

/// A new session of a user at a version.
pub async fn create(w: &World, cdi: &str, user: &str) -> Value {
    w.post(cdi, "/recipe/session", plain(user)).await.ok()
}

/// A text member, found by a pointer.
pub fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} in {value}")).to_owned()
}

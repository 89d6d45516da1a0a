//! Logging in with an account at a provider (core-recipes-1.md 1, scenarios 1 to 46).

use serde_json::{Value, json};

use crate::World;

pub mod finding;
pub mod linked;
pub mod races;
pub mod signing_in;

/// Logs in with an account at Google.
pub async fn sign_in(w: &World, cdi: &str, tenant: &str, user_id: &str, email: &str, is_verified: bool) -> Value {
    w.post(cdi, &format!("{tenant}/recipe/signinup"), account("google", user_id, email, is_verified)).await.ok()
}

/// What an SDK says of somebody whom a provider knows.
pub fn account(id: &str, user_id: &str, email: &str, is_verified: bool) -> Value {
    json!({ "thirdPartyId": id, "thirdPartyUserId": user_id, "email": { "id": email, "isVerified": is_verified } })
}

//! Users who belong together, and users who are shown under another id.

use serde_json::json;

use crate::World;

/// Makes users of the default app one group, which has the first one's id.
pub async fn link(w: &World, users: &[&str]) {
    let [primary, others @ ..] = users else { return };
    let path = "/recipe/accountlinking/user";
    w.post("5.4", &format!("{path}/primary"), json!({ "recipeUserId": primary })).await.ok();
    for other in others {
        let both = json!({ "recipeUserId": other, "primaryUserId": primary });
        w.post("5.4", &format!("{path}/link"), both).await.ok();
    }
}

/// Gives a user an external id.
pub async fn map(w: &World, user: &str, external: &str) {
    w.write(&format!(
        "insert into userid_mapping (app_id, supertokens_user_id, external_user_id) values ('public', '{user}', '{external}')"
    ))
    .await;
}

//! Creating sessions: scenarios 1 to 20.

use super::{create, text};
use crate::{World, members, scenarios};

async fn a_plain_session_has_exactly_its_members(w: &World) {
    let made = create(w, "5.4", "u").await;
    assert_eq!(members(&made), ["accessToken", "refreshToken", "session", "status"]);
    assert_eq!(members(&made["session"]), ["handle", "recipeUserId", "tenantId", "userDataInJWT", "userId"]);
    assert_eq!(text(&made, "/session/tenantId"), "public");
}

scenarios!(World: a_plain_session_has_exactly_its_members);

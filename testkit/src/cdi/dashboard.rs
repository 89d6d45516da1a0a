//! People who look after an app by the dashboard: scenarios 100 to 115 of core-recipes-2.md.

use serde_json::{Value, json};

use crate::{Answer, World};

pub mod sessions;
pub mod sign_in;
pub mod users;

/// Good enough for everybody here.
pub const PASSWORD: &str = "testPass123";
/// An id that is as long as one.
pub const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Makes somebody in a place (`""`, `/t1`, `/appid-a`, …).
pub async fn create(w: &World, place: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    w.post("5.4", &format!("{place}/recipe/dashboard/user"), body).await
}

/// Makes somebody with the usual password; the id.
pub async fn created(w: &World, place: &str, email: &str) -> String {
    text(&create(w, place, email, PASSWORD).await.ok()["user"], "userId")
}

/// Signs in with some password.
pub async fn try_sign_in(w: &World, place: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    w.post("5.4", &format!("{place}/recipe/dashboard/signin"), body).await
}

/// Signs in with the usual password; the session.
pub async fn sign_in(w: &World, place: &str, email: &str) -> String {
    text(&try_sign_in(w, place, email, PASSWORD).await.ok(), "sessionId")
}

/// Whose a session is, if it is anybody's.
pub async fn whose(w: &World, place: &str, session: &str) -> Option<String> {
    let body = json!({ "sessionId": session });
    let said = w.post("5.4", &format!("{place}/recipe/dashboard/session/verify"), body).await.done();
    match said["status"].as_str() {
        Some("OK") => Some(text(&said, "email")),
        _ => {
            assert_eq!(said, json!({ "status": "INVALID_SESSION_ERROR" }));
            None
        }
    }
}

/// Changes somebody.
pub async fn change(w: &World, body: Value) -> Answer {
    w.put("5.4", "/recipe/dashboard/user", body).await
}

/// A member that is a text.
#[track_caller]
pub fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_else(|| panic!("no text {name} in {of}")).to_owned()
}

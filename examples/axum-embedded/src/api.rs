//! The application's own routes: for everybody, for the signed in, for those whose session surely still lives, for admins.

use std::cmp::Reverse;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use supertokens::session::{Claim, NewSession, VerifyOptions};
use supertokens_axum::{Auth, Engine, MaybeSession, Result, Session, VerifyPolicy, verify_session};

use crate::devices::{Device, seen};

pub(crate) fn routes() -> Router {
    // A guard on a route, or on many. The SDK answers 403 and says which claim failed.
    let only_admins = verify_session(VerifyOptions::new().require(role().has_value("admin")));
    Router::new()
        .route("/greeting", get(greeting))
        .route("/login", post(log_in))
        .route("/session", get(show_session))
        .route("/certain", get(certain))
        .route("/admin", get(for_admins).route_layer(only_admins))
        .route("/devices", get(list_devices))
        .route("/devices/{handle}", delete(sign_out_device))
}

/// A claim is a fact about the user that travels in the access token: checking it asks nobody. It is fetched when a session begins; yours
/// would come from a database.
pub(crate) fn role() -> Claim {
    Claim::new("role", |who| async move {
        let role = if who.user_id == "admin" { "admin" } else { "visitor" };
        Ok(Some(role.into()))
    })
    // Sessions live for months: a role that was taken away must not count for as long. It is looked up again every five minutes.
    .default_max_age_in_seconds(300)
}

#[derive(Deserialize)]
struct LogIn {
    name: String,
}

/// THE DEMO'S LOGIN: it believes every name. Put your own check here (a password, a code by mail, a passkey, …), and create the session
/// only when it has succeeded.
async fn log_in(auth: Auth, Json(input): Json<LogIn>) -> Result<Json<Value>> {
    let name = input.name.trim();
    if name.is_empty() || name.chars().count() > 64 {
        return Err(supertokens::Error::BadInput { message: "a name has 1 to 64 characters".to_owned() }.into());
    }
    let new = NewSession::of(name).data(seen(auth.request()));
    auth.create_new_session(new).await?;
    Ok(Json(json!({ "status": "OK" }))) // the layer puts the tokens into this response
}

/// Open to everybody, and friendlier to those it knows.
async fn greeting(MaybeSession(session): MaybeSession) -> String {
    match session {
        Some(session) => format!("Hello, {}.", session.user_id()),
        None => "Hello, whoever you are.".to_owned(),
    }
}

/// Only for the signed in: the extractor refuses everybody else, before this is called. It checks the token's signature and asks nobody.
async fn show_session(session: Session) -> Json<Value> {
    Json(json!({
        "userId": session.user_id(),
        "handle": session.handle(),
        "role": session.claim_value(&role()),
        "accessTokenEnds": session.access_token_expiry(),
        "payload": &*session.access_token_payload(),
    }))
}

/// Where it matters that nobody has revoked the session a minute ago, the core is asked too.
struct StillAlive;

impl VerifyPolicy for StillAlive {
    fn options() -> VerifyOptions {
        VerifyOptions::new().check_database()
    }
}

async fn certain(session: Session<StillAlive>) -> String {
    format!("{}, your session is in the database.", session.user_id())
}

async fn for_admins(session: Session) -> String {
    format!("Welcome to the engine room, {}.", session.user_id())
}

/// The sessions of whoever asks.
async fn list_devices(session: Session, Engine(supertokens): Engine) -> Result<Json<Vec<Device>>> {
    let mut devices = Vec::new();
    for handle in supertokens.session_handles_of_user(session.user_id()).await? {
        // One that has ended since is left out.
        if let Some(found) = supertokens.session_information(handle).await? {
            devices.push(Device::of(found, session.handle()));
        }
    }
    devices.sort_by_key(|device| Reverse(device.last_use));
    Ok(Json(devices))
}

/// Ends one session of whoever asks.
async fn sign_out_device(
    session: Session<StillAlive>,
    Engine(supertokens): Engine,
    Path(handle): Path<String>,
) -> Result<StatusCode> {
    // Whose is it? Without this question, whoever learns a handle could sign other people out.
    let is_own = |user_id: &str| user_id == session.user_id();
    if !supertokens.session_information(&handle).await?.is_some_and(|found| is_own(&found.user_id)) {
        return Ok(StatusCode::NOT_FOUND);
    }
    if handle == session.handle() {
        session.revoke().await?; // clears this browser's tokens too
    } else {
        supertokens.revoke_session(handle).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

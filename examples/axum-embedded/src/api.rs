//! The application's own routes: for everybody, for the signed in, for those whose session surely still lives, for admins.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::Value;
use supertokens_axum::{Auth, Engine, MaybeSession, Result, Session, verify_session};

use crate::app::{self, LogIn, StillAlive, only_admins};
use crate::devices::Device;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/greeting", get(greeting))
        .route("/login", post(log_in))
        .route("/session", get(show_session))
        .route("/certain", get(certain))
        // A guard on a route, or on many.
        .route("/admin", get(for_admins).route_layer(verify_session(only_admins())))
        .route("/devices", get(list_devices))
        .route("/devices/{handle}", delete(sign_out_device))
}

/// The layer puts the tokens into this response.
async fn log_in(auth: Auth, Json(input): Json<LogIn>) -> Result<Json<Value>> {
    Ok(Json(app::log_in(&auth, &input).await?))
}

/// Open to everybody.
async fn greeting(MaybeSession(session): MaybeSession) -> String {
    app::greeting(session.as_deref())
}

/// Only for the signed in: the extractor refuses everybody else, before this is called. It checks the token's signature and asks nobody.
async fn show_session(session: Session) -> Json<Value> {
    Json(app::shown(&session))
}

/// The core is asked, too.
async fn certain(session: Session<StillAlive>) -> String {
    app::certain(&session)
}

/// The session that the guard has found.
async fn for_admins(session: Session) -> String {
    app::for_admins(&session)
}

async fn list_devices(session: Session, engine: Engine) -> Result<Json<Vec<Device>>> {
    Ok(Json(app::list_devices(&session, &engine).await?))
}

async fn sign_out_device(session: Session<StillAlive>, engine: Engine, Path(handle): Path<String>) -> Result<StatusCode> {
    let signed_out = app::sign_out_device(&session, &engine, &handle).await?;
    Ok(if signed_out { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

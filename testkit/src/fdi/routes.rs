//! The routes that most scenarios use: a login that believes everybody, and pages that say who is asking.

use serde_json::{Value, json};
use supertokens::Scope;
use supertokens::session::{NewSession, Session, VerifyOptions};

use super::app::{AppAnswer, AppRoute, Guard, HandlerError};

/// `POST /login` for the user named in the header `x-user`, `/session`, `/maybe`, `/database`, `/nested/session`,
/// `POST /logout`, `POST /merge` and `/fails`.
pub fn standard() -> Vec<AppRoute> {
    vec![
        AppRoute::post("/login", Guard::Open, |scope, _| async move { log_in(&scope).await }),
        AppRoute::get("/session", Guard::Required, |_, session| async move { Ok(who(session)) }),
        AppRoute::post("/session", Guard::Required, |_, session| async move { Ok(who(session)) }),
        AppRoute::get("/maybe", Guard::Optional, |_, session| async move { Ok(who(session)) }),
        AppRoute::get(
            "/database",
            Guard::With(VerifyOptions::new().check_database()),
            |_, session| async move { Ok(who(session)) },
        ),
        AppRoute::get("/nested/session", Guard::Required, |_, session| async move { Ok(who(session)) }),
        AppRoute::post("/logout", Guard::Required, |_, session| async move {
            there(session).revoke().await?;
            Ok(AppAnswer::ok())
        }),
        AppRoute::post("/merge", Guard::Required, |_, session| async move {
            let session = there(session);
            let update = json!({ "merged": true, "dropped": null });
            session.merge_into_access_token_payload(update.as_object().cloned().unwrap_or_default()).await?;
            Ok(who(Some(session)))
        }),
        AppRoute::get("/fails", Guard::Required, |_, _| async { Err(HandlerError::Foreign("out of tea".to_owned())) }),
    ]
}

/// Makes a session for the user in the header `x-user`, with `dropped: "soon"` in its payload.
pub async fn log_in(scope: &Scope) -> Result<AppAnswer, HandlerError> {
    let user = scope.request().header("x-user").map_or_else(|| "user-1".to_owned(), std::borrow::Cow::into_owned);
    let session = scope.create_new_session(NewSession::of(user).claim("dropped", "soon")).await?;
    Ok(who(Some(session)))
}

/// Says who a session is of; `userId` is null without one.
pub fn who(session: Option<Session>) -> AppAnswer {
    AppAnswer::json(match session {
        None => json!({ "userId": Value::Null }),
        Some(session) => json!({
            "userId": session.user_id(),
            "recipeUserId": session.recipe_user_id(),
            "tenantId": session.tenant_id(),
            "handle": session.handle(),
            "payload": *session.access_token_payload(),
        }),
    })
}

/// The session that a guard has let through.
#[track_caller]
pub fn there(session: Option<Session>) -> Session {
    session.expect("the guard lets nobody through without a session")
}

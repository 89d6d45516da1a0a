//! What do the tables and the tokens of a session say, read past the core, and who else lives in the database?

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use supertokens_domain::ids::{AppId, TenantId, TenantIdentifier};
use supertokens_domain::session::refresh_token::{RefreshClaims, RefreshKey, open};
use supertokens_store::TenantRecord;

use super::text;
use crate::{Answer, World};

/// What a rotation may change, and the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `refresh_token_hash_2`
    pub current: String,
    /// `prev_refresh_token_hash_2`
    pub prev: Option<String>,
    /// `refresh_token_rotated_at`
    pub rotated_at: Option<i64>,
    /// `expires_at`
    pub expires_at: i64,
    /// `use_static_key`
    pub is_static: bool,
    /// `jwt_user_payload`
    pub payload: String,
    /// `user_id`
    pub user_id: String,
}

/// The row of a session of the default app.
pub async fn row(w: &World, handle: &str) -> Option<Row> {
    let sql = format!(
        "select refresh_token_hash_2, prev_refresh_token_hash_2, refresh_token_rotated_at, expires_at,
         case when use_static_key then 1 else 0 end, jwt_user_payload, user_id
         from session_info where app_id = 'public' and session_handle = '{handle}'"
    );
    let [current, prev, rotated_at, expires_at, is_static, payload, user_id] =
        w.rows(&sql).await.pop()?.try_into().expect("seven columns");
    Some(Row {
        current: current.expect("a hash"),
        prev,
        rotated_at: rotated_at.map(|at| at.parse().expect("a number")),
        expires_at: expires_at.expect("an end").parse().expect("a number"),
        is_static: is_static.as_deref() == Some("1"),
        payload: payload.expect("a payload"),
        user_id: user_id.expect("a user"),
    })
}

/// The row of a session that must be there.
pub async fn the_row(w: &World, handle: &str) -> Row {
    row(w, handle).await.expect("the session has its row")
}

/// Writes what a rotation may change, behind the core's back.
pub async fn write_row(w: &World, handle: &str, to: &Row) {
    let prev = to.prev.as_ref().map_or("null".to_owned(), |hash| format!("'{hash}'"));
    let rotated_at = to.rotated_at.map_or("null".to_owned(), |at| at.to_string());
    w.write(&format!(
        "update session_info set refresh_token_hash_2 = '{}', prev_refresh_token_hash_2 = {prev},
         refresh_token_rotated_at = {rotated_at}, expires_at = {}, use_static_key = {} where session_handle = '{handle}'",
        to.current, to.expires_at, to.is_static
    ))
    .await;
}

/// Makes a tenant, and its app where it is new.
pub async fn make_tenant(w: &World, app: &str, tenant: &str) {
    let at = |tenant| TenantIdentifier { app: AppId::normalise(app), tenant, ..TenantIdentifier::default() };
    for id in [at(TenantId::default()), at(TenantId::normalise(tenant))] {
        let record = TenantRecord { id, ..TenantRecord::base() };
        w.core().db().tx(async move |tx| tx.save_tenant(&record, 1).await).await.expect("the tenant is stored");
    }
}

/// A user id of the 36 characters that the tables want.
pub fn user_id(n: u8) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// Makes a user of the default app, linked with a primary user or by itself.
pub async fn make_user(w: &World, id: &str, primary: &str) {
    let is_linked = id != primary;
    w.write(&format!(
        "insert into app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user)
         values ('public', '{id}', 'emailpassword', '{primary}', {is_linked})"
    ))
    .await;
}

/// How many rows of a table fit a condition.
pub async fn count(w: &World, what: &str) -> i64 {
    w.value(&format!("select count(*) from {what}")).await.expect("a count").parse().expect("a number")
}

/// The key that seals an app's refresh tokens.
pub async fn refresh_key(w: &World, app: &str) -> RefreshKey {
    let sql = format!("select value from key_value where app_id = '{app}' and name = 'refresh_token_key'");
    RefreshKey::from_stored(w.value(&sql).await.expect("the app has a key"))
}

/// What a refresh token of the default app says.
pub async fn opened(w: &World, token: &str) -> RefreshClaims {
    open(token, &refresh_key(w, "public").await).expect("the core's own token")
}

/// A part of a token with a key id: 0 is the header, 1 the claims.
pub fn part(token: &str, n: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(n).expect("a part")).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The access token of an answer.
pub fn access(made: &Value) -> String {
    text(made, "/accessToken/token")
}

/// The refresh token of an answer.
pub fn refreshing(made: &Value) -> String {
    text(made, "/refreshToken/token")
}

/// The session handle of an answer.
pub fn handle(made: &Value) -> String {
    text(made, "/session/handle")
}

/// Asks for new tokens as an SDK does that wants nothing special.
pub async fn refresh(w: &World, cdi: &str, token: &str) -> Answer {
    let body = json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": true });
    w.post(cdi, "/recipe/session/refresh", body).await
}

/// The same from an SDK that wants an anti-CSRF token, for a token that has none: its successor is another one.
pub async fn refresh_guarded(w: &World, cdi: &str, token: &str) -> Answer {
    let body = json!({ "refreshToken": token, "enableAntiCsrf": true, "useDynamicSigningKey": true });
    w.post(cdi, "/recipe/session/refresh", body).await
}

/// For how long a replaced refresh token gets its successor if nothing else is configured, in ms.
pub const GRACE: i64 = 60_000;

/// The message for a session that is not there or over.
pub const GONE: &str = "Session missing in db or has expired";

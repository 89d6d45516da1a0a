//! What a session remembers about the device it lives on. It stays in the database, where the browser cannot change it.

use serde::Serialize;
use serde_json::{Value, json};
use supertokens::session::{RefreshPost, Session, SessionInformation};
use supertokens::{Error, Next, RequestView};

/// One session, as the list on the page shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    handle: String,
    user_agent: String,
    signed_in: i64,
    pub(crate) last_use: i64,
    is_this_one: bool,
}

impl Device {
    pub(crate) fn of(session: SessionInformation, this_one: &str) -> Self {
        let data = &session.session_data_in_database;
        Self {
            user_agent: data.get("userAgent").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
            last_use: data.get("lastUse").and_then(Value::as_i64).unwrap_or(session.time_created),
            signed_in: session.time_created,
            is_this_one: session.session_handle == this_one,
            handle: session.session_handle,
        }
    }
}

/// What to keep. The browser says who it is, so this is for people to recognise their devices by, and proof of nothing.
pub(crate) fn seen(request: &RequestView) -> Value {
    let user_agent: String = request.header("user-agent").unwrap_or_default().chars().take(300).collect();
    json!({ "userAgent": user_agent, "lastUse": now() })
}

/// Wraps the SDK's refresh endpoint. Checking a session writes nothing, and should not; a refresh writes anyway, and happens once in the
/// life of every access token, which is often enough to say when a device was last used.
pub(crate) async fn remember_last_use(call: RefreshPost, next: Next<RefreshPost>) -> Result<Session, Error> {
    let seen = seen(call.scope.request());
    let session = next.run(call).await?;
    // The session is refreshed; that its data is not is no reason to tell the browser otherwise.
    if let Err(error) = session.update_data_in_database(seen).await {
        tracing::warn!(%error, "the time of last use was not kept");
    }
    Ok(session)
}

fn now() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

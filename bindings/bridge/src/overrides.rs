//! What the host overrides is asked for; whatever it leaves alone costs nothing. The host's override calls an original by its name
//! (`original.createNewSession`), from wherever it wants and as often as it wants.

use serde_json::{Map, Value, json};
use supertokens::jwt::{CreateJwt, GetJwks, GetJwksGet, JsonWebKeySet};
use supertokens::openid::{GetOpenIdDiscoveryConfiguration, GetOpenIdDiscoveryConfigurationGet, OpenIdConfiguration};
use supertokens::session::{
    CreateNewSession, GetAllSessionHandlesForUser, GetGlobalClaimValidators, GetSession, GetSessionInformation, Handlers,
    MergeIntoAccessTokenPayload, RefreshPost, RefreshSession, RegenerateAccessToken, RevokeAllSessionsForUser,
    RevokeMultipleSessions, RevokeSession, SignOutPost, SignedOut, UpdateSessionDataInDatabase, ValidateClaims,
};
use supertokens::{Builder, CoreCall, Error};

use crate::Held;
use crate::ask::{Answered, ask};
use crate::convert::{to_claims_validated, to_information, to_regenerated};
use crate::failure::claims;
use crate::functions::{names, validators};

/// Every function that a host may override, by its name in the official SDKs.
pub(crate) const NAMES: [&str; 19] = [
    "createNewSession",
    "getSession",
    "refreshSession",
    "getGlobalClaimValidators",
    "getSessionInformation",
    "getAllSessionHandlesForUser",
    "revokeAllSessionsForUser",
    "revokeSession",
    "revokeMultipleSessions",
    "updateSessionDataInDatabase",
    "mergeIntoAccessTokenPayload",
    "regenerateAccessToken",
    "refreshPOST",
    "signOutPOST",
    "createJWT",
    "getJWKS",
    "getOpenIdDiscoveryConfiguration",
    "getJWKSGET",
    "getOpenIdDiscoveryConfigurationGET",
];

/// Puts the host in front of those that it names.
pub(crate) fn install(builder: Builder, overridden: impl Fn(&str) -> bool) -> Builder {
    // Validators are the host's own, so it judges them whether it overrides this or not.
    let builder = builder.with_override(|call: ValidateClaims, _| async move {
        let input = json!({
            "userId": call.user_id, "recipeUserId": call.recipe_user_id, "accessTokenPayload": call.access_token_payload,
            "validators": names(&call.claim_validators),
        });
        let judged = ask("validateClaims", input, None).await?;
        to_claims_validated(&judged.value).ok_or_else(|| judged.wrong("{ invalidClaims, accessTokenPayloadUpdate? }"))
    });
    let builder = of_tokens(builder, &overridden);
    let builder = by_handle(builder, &overridden);
    of_endpoints(of_issuer(builder, &overridden), &overridden)
}

fn of_tokens(mut builder: Builder, overridden: &impl Fn(&str) -> bool) -> Builder {
    if overridden("createNewSession") {
        builder = builder.with_override(|call: CreateNewSession, _| async move {
            let input = json!({
                "userId": call.user_id, "recipeUserId": call.recipe_user_id, "tenantId": call.tenant_id,
                "accessTokenPayload": call.access_token_payload, "sessionDataInDatabase": call.session_data_in_database,
                "disableAntiCsrf": call.disable_anti_csrf,
            });
            Ok(ask("createNewSession", input, None).await?.the_session()?.session)
        });
    }
    if overridden("getSession") {
        builder = builder.with_override(|call: GetSession, _| async move {
            let options = call.options.described();
            let input = json!({
                "accessToken": call.access_token.as_ref().map(|token| token.expose()), "antiCsrfToken": call.anti_csrf_token,
                "options": {
                    "sessionRequired": options.session_required, "antiCsrfCheck": options.anti_csrf_check,
                    "checkDatabase": options.check_database,
                },
            });
            Ok(ask("getSession", input, None).await?.session.map(|held| held.session))
        });
    }
    if overridden("refreshSession") {
        builder = builder.with_override(|call: RefreshSession, _| async move {
            let input = json!({
                "refreshToken": call.refresh_token.expose(), "antiCsrfToken": call.anti_csrf_token,
                "disableAntiCsrf": call.disable_anti_csrf,
            });
            Ok(ask("refreshSession", input, None).await?.the_session()?.session)
        });
    }
    if overridden("regenerateAccessToken") {
        builder = builder.with_override(|call: RegenerateAccessToken, _| async move {
            let input = json!({ "accessToken": call.access_token, "newAccessTokenPayload": call.new_access_token_payload });
            let made = ask("regenerateAccessToken", input, None).await?;
            match &made.value {
                Value::Null => Ok(None),
                value => to_regenerated(value).ok_or_else(|| made.wrong("{ session, accessToken? } or nothing"))?.map(Some),
            }
        });
    }
    if overridden("getGlobalClaimValidators") {
        builder = builder.with_override(|call: GetGlobalClaimValidators, _| async move {
            let input = json!({
                "tenantId": call.tenant_id, "userId": call.user_id, "recipeUserId": call.recipe_user_id,
                "validators": names(&call.claim_validators_added_by_other_recipes),
            });
            ask("getGlobalClaimValidators", input, None).await?.the_texts().map(validators)
        });
    }
    builder
}

fn by_handle(mut builder: Builder, overridden: &impl Fn(&str) -> bool) -> Builder {
    if overridden("getSessionInformation") {
        builder = builder.with_override(|call: GetSessionInformation, _| async move {
            let found = ask("getSessionInformation", json!({ "sessionHandle": call.session_handle }), None).await?;
            match &found.value {
                Value::Null => Ok(None),
                value => to_information(value).ok_or_else(|| found.wrong("information of a session, or nothing")).map(Some),
            }
        });
    }
    if overridden("getAllSessionHandlesForUser") {
        builder = builder.with_override(|call: GetAllSessionHandlesForUser, _| async move {
            let input = json!({
                "userId": call.user_id, "fetchSessionsForAllLinkedAccounts": call.fetch_sessions_for_all_linked_accounts,
                "fetchAcrossAllTenants": call.tenant_id.is_none(), "tenantId": call.tenant_id.unwrap_or_else(|| "public".to_owned()),
            });
            ask("getAllSessionHandlesForUser", input, None).await?.the_texts()
        });
    }
    if overridden("revokeAllSessionsForUser") {
        builder = builder.with_override(|call: RevokeAllSessionsForUser, _| async move {
            let input = json!({
                "userId": call.user_id, "revokeSessionsForLinkedAccounts": call.revoke_sessions_for_linked_accounts,
                "revokeAcrossAllTenants": call.tenant_id.is_none(), "tenantId": call.tenant_id.unwrap_or_else(|| "public".to_owned()),
            });
            ask("revokeAllSessionsForUser", input, None).await?.the_texts()
        });
    }
    if overridden("revokeSession") {
        builder = builder.with_override(|call: RevokeSession, _| async move {
            ask("revokeSession", json!({ "sessionHandle": call.session_handle }), None).await?.the_bool()
        });
    }
    if overridden("revokeMultipleSessions") {
        builder = builder.with_override(|call: RevokeMultipleSessions, _| async move {
            ask("revokeMultipleSessions", json!({ "sessionHandles": call.session_handles }), None).await?.the_texts()
        });
    }
    if overridden("updateSessionDataInDatabase") {
        builder = builder.with_override(|call: UpdateSessionDataInDatabase, _| async move {
            let input = json!({ "sessionHandle": call.session_handle, "newSessionData": call.new_session_data });
            ask("updateSessionDataInDatabase", input, None).await?.the_bool()
        });
    }
    if overridden("mergeIntoAccessTokenPayload") {
        builder = builder.with_override(|call: MergeIntoAccessTokenPayload, _| async move {
            let input =
                json!({ "sessionHandle": call.session_handle, "accessTokenPayloadUpdate": call.access_token_payload_update });
            ask("mergeIntoAccessTokenPayload", input, None).await?.the_bool()
        });
    }
    builder
}

fn of_issuer(mut builder: Builder, overridden: &impl Fn(&str) -> bool) -> Builder {
    if overridden("createJWT") {
        builder = builder.with_override(|call: CreateJwt, _| async move {
            let input = json!({
                "payload": call.payload, "validitySeconds": call.validity_seconds,
                "useStaticSigningKey": call.use_static_signing_key,
            });
            let made = ask("createJWT", input, None).await?;
            match made.value.get("status").and_then(Value::as_str) {
                Some("OK") => match made.value.get("jwt").and_then(Value::as_str) {
                    Some(jwt) => Ok(Some(jwt.to_owned())),
                    None => Err(made.wrong("{ status: \"OK\", jwt }")),
                },
                Some("UNSUPPORTED_ALGORITHM_ERROR") => Ok(None),
                _ => Err(made.wrong("{ status }")),
            }
        });
    }
    if overridden("getJWKS") {
        builder = builder
            .with_override(|_: GetJwks, _| async move { key_set(&ask("getJWKS", Value::Object(Map::new()), None).await?) });
    }
    if overridden("getOpenIdDiscoveryConfiguration") {
        builder = builder.with_override(|_: GetOpenIdDiscoveryConfiguration, _| async move {
            document(&ask("getOpenIdDiscoveryConfiguration", Value::Object(Map::new()), None).await?)
        });
    }
    if overridden("getJWKSGET") {
        builder = builder
            .with_override(|_: GetJwksGet, _| async move { key_set(&ask("getJWKSGET", Value::Object(Map::new()), None).await?) });
    }
    if overridden("getOpenIdDiscoveryConfigurationGET") {
        builder = builder.with_override(|_: GetOpenIdDiscoveryConfigurationGet, _| async move {
            document(&ask("getOpenIdDiscoveryConfigurationGET", Value::Object(Map::new()), None).await?)
        });
    }
    builder
}

fn key_set(answered: &Answered) -> Result<JsonWebKeySet, Error> {
    let keys = answered.value.get("keys").and_then(Value::as_array).cloned();
    let validity_in_seconds = answered.value.get("validityInSeconds").and_then(Value::as_u64);
    keys.map(|keys| JsonWebKeySet { keys, validity_in_seconds }).ok_or_else(|| answered.wrong("{ keys }"))
}

fn document(answered: &Answered) -> Result<OpenIdConfiguration, Error> {
    let mut document = answered.value.as_object().cloned().ok_or_else(|| answered.wrong("an object"))?;
    // The official functions answer with a status besides, which is no part of the document.
    document.remove("status");
    Ok(OpenIdConfiguration(document))
}

fn of_endpoints(mut builder: Builder, overridden: &impl Fn(&str) -> bool) -> Builder {
    if overridden("refreshPOST") {
        builder = builder.with_override(|call: RefreshPost, _| async move {
            let session = ask("refreshPOST", Value::Object(Map::new()), None).await?.the_session()?.session;
            // The original had a scope of its own.
            session.follow(&call.scope);
            Ok(session)
        });
    }
    if overridden("signOutPOST") {
        builder = builder.with_override(|call: SignOutPost, _| async move {
            let session = Held { session: call.session, scope: Some(call.scope) };
            let done = ask("signOutPOST", Value::Object(Map::new()), Some(session)).await?;
            match done.value.get("status").and_then(Value::as_str) {
                Some("OK") => Ok(SignedOut::Ok),
                Some("GENERAL_ERROR") => {
                    let message = done.value.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
                    Ok(SignedOut::GeneralError { message })
                }
                _ => Err(done.wrong("{ status: \"OK\" } or { status: \"GENERAL_ERROR\", message }")),
            }
        });
    }
    builder
}

/// The host's ways to answer errors. It writes its answer by itself, when it is asked.
pub(crate) fn handlers(of_host: impl Fn(&str) -> bool) -> Handlers {
    async fn told(name: &'static str, input: Value) -> Result<(), Error> {
        ask(name, input, None).await.map(drop)
    }
    let mut handlers = Handlers::new();
    if of_host("onUnauthorised") {
        handlers = handlers.on_unauthorised(|message, _| told("onUnauthorised", json!({ "message": message })));
    }
    if of_host("onTryRefreshToken") {
        handlers = handlers.on_try_refresh_token(|message, _| told("onTryRefreshToken", json!({ "message": message })));
    }
    if of_host("onTokenTheftDetected") {
        handlers = handlers.on_token_theft_detected(|theft, _| {
            let who =
                json!({ "sessionHandle": theft.session_handle, "userId": theft.user_id, "recipeUserId": theft.recipe_user_id });
            told("onTokenTheftDetected", who)
        });
    }
    if of_host("onInvalidClaim") {
        handlers = handlers.on_invalid_claim(|failures, _| told("onInvalidClaim", json!({ "errors": claims(&failures) })));
    }
    if of_host("onClearDuplicateSessionCookies") {
        handlers = handlers.on_clear_duplicate_session_cookies(|message, _| {
            told("onClearDuplicateSessionCookies", json!({ "message": message }))
        });
    }
    handlers
}

/// A call to the core on its way past the host.
pub(crate) async fn intercept(call: CoreCall) -> Result<CoreCall, Box<dyn std::error::Error + Send + Sync>> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Map<String, Value> =
        call.headers.iter().map(|(name, value)| (name.as_str().to_owned(), Value::String(text(value)))).collect();
    let query: Map<String, Value> = call.query.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let input = json!({
        "url": call.url, "method": call.method.as_str().to_ascii_lowercase(), "headers": headers, "params": query,
        "body": body,
    });
    let answered = ask("networkInterceptor", input, None).await.map_err(|error| match error {
        Error::Application(inner) => inner,
        error => error.into(),
    })?;
    changed(&answered.value).ok_or_else(|| answered.wrong("{ url, method, headers, params?, body? }").into())
}

fn changed(value: &Value) -> Option<CoreCall> {
    let method = http::Method::from_bytes(value.get("method")?.as_str()?.to_ascii_uppercase().as_bytes()).ok()?;
    let mut headers = http::HeaderMap::new();
    for (name, value) in value.get("headers")?.as_object()? {
        let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
        for text in texts_of(value) {
            headers.append(&name, http::HeaderValue::from_str(&text).ok()?);
        }
    }
    let mut query = Vec::new();
    for (name, value) in value.get("params").and_then(Value::as_object).into_iter().flatten() {
        query.extend(texts_of(value).into_iter().map(|text| (name.clone(), text)));
    }
    let body = match value.get("body") {
        None | Some(Value::Null) => bytes::Bytes::new(),
        Some(body) => body.to_string().into(),
    };
    Some(CoreCall { url: value.get("url")?.as_str()?.to_owned(), method, headers, query, body })
}

/// A text, a number or a list of them, as hosts write headers and parameters. Nothing for null.
fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts_of).collect(),
        other => vec![other.to_string()],
    }
}

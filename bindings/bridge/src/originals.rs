//! The SDK's own functions, without the overrides around them: what a host's override calls when it goes on.

use serde_json::{Value, json};
use supertokens::jwt::{CreateJwt, GetJwks, GetJwksGet, JsonWebKeySet};
use supertokens::openid::{GetOpenIdDiscoveryConfiguration, GetOpenIdDiscoveryConfigurationGet};
use supertokens::session::{
    CreateNewSession, GetAllSessionHandlesForUser, GetSession, GetSessionInformation, MergeIntoAccessTokenPayload, RefreshPost,
    RefreshSession, RegenerateAccessToken, RevokeAllSessionsForUser, RevokeMultipleSessions, RevokeSession,
    UpdateSessionDataInDatabase, VerifyOptions,
};
use supertokens::{Function as _, RequestView, Scope, SuperTokens, UserContext};

use crate::convert::{Input, information, regenerated};
use crate::failure::{self, Failure};
use crate::{Done, Held, call};

fn session(session: supertokens::session::Session) -> Done {
    Done { value: json!(true), session: Some(Held { session, scope: None }) }
}

/// Runs one by its name.
pub(crate) async fn run(engine: &SuperTokens, name: &str, input: &Input<'_>, view: Option<RequestView>) -> Result<Done, Failure> {
    // The same request's context, as far as it is known: what it asked the core already, it need not ask again.
    let context = view.clone().map_or_else(UserContext::new, UserContext::of_request);
    match name {
        "createNewSession" => Ok(session(create(input, context)?.run(engine).await?)),
        "getSession" => {
            let call = GetSession {
                access_token: input.maybe_text("accessToken")?.map(Into::into),
                anti_csrf_token: input.maybe_text("antiCsrfToken")?,
                options: options(input)?,
                context,
            };
            Ok(call.run(engine).await?.map(session).unwrap_or_default())
        }
        "refreshSession" => {
            let (token, anti_csrf) = (input.text("refreshToken")?, input.maybe_text("antiCsrfToken")?);
            let call = RefreshSession::new(token, input.flag("disableAntiCsrf", false)?, anti_csrf, context);
            Ok(session(call.run(engine).await?))
        }
        "refreshPOST" => {
            let scope = Scope::new(engine.clone(), view.ok_or_else(failure::needs_a_request)?);
            if let Some(cell) = call::current() {
                cell.serves(&scope);
            }
            let made = RefreshPost { scope: scope.clone() }.run(engine).await?;
            Ok(Done { value: json!(true), session: Some(Held { session: made, scope: Some(scope) }) })
        }
        "getJWKSGET" => {
            let scope = Scope::new(engine.clone(), view.ok_or_else(failure::needs_a_request)?);
            Ok(Done { value: keys(&GetJwksGet { scope }.run(engine).await?), session: None })
        }
        "getOpenIdDiscoveryConfigurationGET" => {
            let scope = Scope::new(engine.clone(), view.ok_or_else(failure::needs_a_request)?);
            let document = GetOpenIdDiscoveryConfigurationGet { scope }.run(engine).await?;
            Ok(Done { value: Value::Object(document.0), session: None })
        }
        _ => by_handle(engine, name, input, context).await.map(|value| Done { value, session: None }),
    }
}

fn create(input: &Input<'_>, context: UserContext) -> Result<CreateNewSession, Failure> {
    Ok(CreateNewSession {
        user_id: input.text("userId")?,
        recipe_user_id: input.text("recipeUserId")?,
        tenant_id: input.text("tenantId")?,
        access_token_payload: input.object("accessTokenPayload")?,
        session_data_in_database: input.value("sessionDataInDatabase"),
        disable_anti_csrf: input.flag("disableAntiCsrf", false)?,
        context,
    })
}

fn options(input: &Input<'_>) -> Result<VerifyOptions, Failure> {
    let value = input.value("options");
    let given = Input(&value);
    let mut options = VerifyOptions::new();
    if !given.flag("sessionRequired", true)? {
        options = options.session_optional();
    }
    if given.flag("checkDatabase", false)? {
        options = options.check_database();
    }
    if let Some(check) = given.maybe_flag("antiCsrfCheck")? {
        options = options.anti_csrf_check(check);
    }
    Ok(options)
}

/// A JWT in the words of the official SDKs.
pub(crate) fn jwt(made: Option<String>) -> Value {
    match made {
        Some(jwt) => json!({ "status": "OK", "jwt": jwt }),
        None => json!({ "status": "UNSUPPORTED_ALGORITHM_ERROR" }),
    }
}

fn keys(set: &JsonWebKeySet) -> Value {
    json!({ "keys": set.keys, "validityInSeconds": set.validity_in_seconds })
}

async fn by_handle(engine: &SuperTokens, name: &str, input: &Input<'_>, context: UserContext) -> Result<Value, Failure> {
    let session_handle = || input.text("sessionHandle");
    Ok(match name {
        "getSessionInformation" => {
            let found = GetSessionInformation { session_handle: session_handle()?, context }.run(engine).await?;
            found.as_ref().map(information).unwrap_or_default()
        }
        "getAllSessionHandlesForUser" => {
            let call = GetAllSessionHandlesForUser {
                user_id: input.text("userId")?,
                fetch_sessions_for_all_linked_accounts: input.flag("fetchSessionsForAllLinkedAccounts", true)?,
                tenant_id: tenant(input, "fetchAcrossAllTenants")?,
                context,
            };
            json!(call.run(engine).await?)
        }
        "revokeAllSessionsForUser" => {
            let call = RevokeAllSessionsForUser {
                user_id: input.text("userId")?,
                revoke_sessions_for_linked_accounts: input.flag("revokeSessionsForLinkedAccounts", true)?,
                tenant_id: tenant(input, "revokeAcrossAllTenants")?,
                context,
            };
            json!(call.run(engine).await?)
        }
        "revokeSession" => json!(RevokeSession { session_handle: session_handle()?, context }.run(engine).await?),
        "revokeMultipleSessions" => {
            json!(RevokeMultipleSessions { session_handles: input.texts("sessionHandles")?, context }.run(engine).await?)
        }
        "updateSessionDataInDatabase" => {
            let new_session_data = input.value("newSessionData");
            json!(UpdateSessionDataInDatabase { session_handle: session_handle()?, new_session_data, context }.run(engine).await?)
        }
        "mergeIntoAccessTokenPayload" => {
            let access_token_payload_update = input.object("accessTokenPayloadUpdate")?;
            let session_handle = session_handle()?;
            json!(MergeIntoAccessTokenPayload { session_handle, access_token_payload_update, context }.run(engine).await?)
        }
        "regenerateAccessToken" => {
            let call = RegenerateAccessToken {
                access_token: input.text("accessToken")?,
                new_access_token_payload: match input.value("newAccessTokenPayload") {
                    Value::Null => None,
                    _ => Some(input.object("newAccessTokenPayload")?),
                },
                context,
            };
            call.run(engine).await?.as_ref().map(regenerated).unwrap_or_default()
        }
        "createJWT" => {
            let call = CreateJwt {
                payload: input.object("payload")?,
                validity_seconds: input.maybe_seconds("validitySeconds")?,
                use_static_signing_key: input.maybe_flag("useStaticSigningKey")?,
                context,
            };
            jwt(call.run(engine).await?)
        }
        "getJWKS" => keys(&GetJwks { context }.run(engine).await?),
        "getOpenIdDiscoveryConfiguration" => Value::Object(GetOpenIdDiscoveryConfiguration { context }.run(engine).await?.0),
        _ => return Err(failure::of_host("there is no such function of the SDK")),
    })
}

/// The tenant, unless all are meant: so it is where no tenant is named.
fn tenant(input: &Input<'_>, all: &str) -> Result<Option<String>, Failure> {
    match input.flag(all, false)? {
        true => Ok(None),
        false => input.maybe_text("tenantId"),
    }
}

//! What can be done with sessions by their handles and users: look at them, end them, change what they hold (sdk-session.md 7.1, 7.2).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::time::Millis;
use supertokens_web::payload::{self, Payload};
use supertokens_web::token;
use supertokens_wire::cdi::session as wire;

use super::claims::ClaimValidator;
use crate::context::UserContext;
use crate::core_client::Place;
use crate::error::{CoreError, Error};
use crate::overriding::Function;
use crate::{SuperTokens, json};

/// All that the core keeps of a session, but for its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionInformation {
    /// The session's public name.
    pub session_handle: String,
    /// The primary user.
    pub user_id: String,
    /// The user who logged in.
    pub recipe_user_id: String,
    /// The tenant.
    pub tenant_id: String,
    /// What stays in the database.
    pub session_data_in_database: Payload,
    /// The payload without what the core adds.
    pub custom_claims_in_access_token_payload: Payload,
    /// When it ends unless it is refreshed, in ms since 1970.
    pub expiry: Millis,
    /// When it began, in ms since 1970.
    pub time_created: Millis,
}

/// Looks at a session. `None`: there is none, or not any more.
#[derive(Debug, Clone)]
pub struct GetSessionInformation {
    /// Its name.
    pub session_handle: String,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for GetSessionInformation {
    const NAME: &'static str = "getSessionInformation";
    type Output = Option<SessionInformation>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let question = wire::GetSession { handle: SessionHandle::presented(self.session_handle) };
        let answer = engine.ask(&question, Place::App, &self.context).await;
        let Some(wire::SessionFound::Ok(found)) = of_known_tenant(answer, &question.handle)? else { return Ok(None) };
        let wire::SessionDetails { session, data, expiry, created } = *found;
        Ok(Some(SessionInformation {
            session_handle: session.handle.as_str().to_owned(),
            user_id: session.user_id,
            recipe_user_id: session.recipe_user_id,
            tenant_id: session.tenant.as_str().to_owned(),
            session_data_in_database: json::to_payload(&data)?,
            custom_claims_in_access_token_payload: json::to_payload(&session.payload)?,
            expiry,
            time_created: created,
        }))
    }
}

/// Lists the handles of a user's sessions.
#[derive(Debug, Clone)]
pub struct GetAllSessionHandlesForUser {
    /// The user.
    pub user_id: String,
    /// Those of linked accounts too.
    pub fetch_sessions_for_all_linked_accounts: bool,
    /// Only in this tenant; `None`: in all.
    pub tenant_id: Option<String>,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for GetAllSessionHandlesForUser {
    const NAME: &'static str = "getAllSessionHandlesForUser";
    type Output = Vec<String>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let question = wire::ListSessions(wire::SessionsOf {
            user_id: self.user_id,
            across_all_tenants: self.tenant_id.is_none(),
            linked_accounts: self.fetch_sessions_for_all_linked_accounts,
        });
        let place = self.tenant_id.as_deref().map_or(Place::App, Place::Tenant);
        Ok(texts(engine.ask(&question, place, &self.context).await?.0))
    }
}

/// Ends a user's sessions. Gives the handles of those that were ended.
#[derive(Debug, Clone)]
pub struct RevokeAllSessionsForUser {
    /// The user.
    pub user_id: String,
    /// Those of linked accounts too.
    pub revoke_sessions_for_linked_accounts: bool,
    /// Only in this tenant; `None`: in all.
    pub tenant_id: Option<String>,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for RevokeAllSessionsForUser {
    const NAME: &'static str = "revokeAllSessionsForUser";
    type Output = Vec<String>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let question = wire::RemoveSessions::Of(wire::SessionsOf {
            user_id: self.user_id,
            across_all_tenants: self.tenant_id.is_none(),
            linked_accounts: self.revoke_sessions_for_linked_accounts,
        });
        let place = self.tenant_id.as_deref().map_or(Place::App, Place::Tenant);
        Ok(texts(engine.ask(&question, place, &self.context).await?.0))
    }
}

/// Ends a session. `false`: there was none.
#[derive(Debug, Clone)]
pub struct RevokeSession {
    /// Its name.
    pub session_handle: String,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for RevokeSession {
    const NAME: &'static str = "revokeSession";
    type Output = bool;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        Ok(revoke(engine, vec![self.session_handle], &self.context).await?.len() == 1)
    }
}

/// Ends sessions. Gives the handles of those that were ended.
#[derive(Debug, Clone)]
pub struct RevokeMultipleSessions {
    /// Their names.
    pub session_handles: Vec<String>,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for RevokeMultipleSessions {
    const NAME: &'static str = "revokeMultipleSessions";
    type Output = Vec<String>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        revoke(engine, self.session_handles, &self.context).await
    }
}

async fn revoke(engine: &SuperTokens, handles: Vec<String>, context: &UserContext) -> Result<Vec<String>, Error> {
    let mut groups = vec![handles.into_iter().map(SessionHandle::presented).collect::<Vec<_>>()];
    let mut ended = Vec::new();
    while let Some(handles) = groups.pop() {
        let question = wire::RemoveSessions::Handles(handles.clone());
        match engine.ask(&question, Place::App, context).await {
            Ok(of_these) => ended.extend(texts(of_these.0)),
            // The core ends none if one of them names a tenant that is not there. Then it is asked for each tenant's.
            Err(error) if error.is_unknown_tenant() && !is_of_one_tenant(&handles) => groups = by_tenant(handles),
            Err(error) if error.is_unknown_tenant() && handles.first().is_some_and(names_a_tenant) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ended)
}

fn is_of_one_tenant(handles: &[SessionHandle]) -> bool {
    handles.windows(2).all(|pair| matches!(pair, [one, next] if one.tenant() == next.tenant()))
}

fn by_tenant(handles: Vec<SessionHandle>) -> Vec<Vec<SessionHandle>> {
    let mut groups: HashMap<TenantId, Vec<SessionHandle>> = HashMap::new();
    for handle in handles {
        groups.entry(handle.tenant()).or_default().push(handle);
    }
    groups.into_values().collect()
}

/// Any text can come in as a handle, and it names the session's tenant: where there is no such tenant, there is no such session.
fn of_known_tenant<T>(answer: Result<T, CoreError>, handle: &SessionHandle) -> Result<Option<T>, Error> {
    match answer {
        Err(error) if error.is_unknown_tenant() && names_a_tenant(handle) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}

fn names_a_tenant(handle: &SessionHandle) -> bool {
    handle.tenant() != TenantId::default()
}

fn texts(handles: Vec<SessionHandle>) -> Vec<String> {
    handles.into_iter().map(|handle| handle.as_str().to_owned()).collect()
}

/// Replaces what a session keeps in the database. `false`: there is no such session.
#[derive(Debug, Clone)]
pub struct UpdateSessionDataInDatabase {
    /// Its name.
    pub session_handle: String,
    /// The whole new object; null for an empty one.
    pub new_session_data: Value,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for UpdateSessionDataInDatabase {
    const NAME: &'static str = "updateSessionDataInDatabase";
    type Output = bool;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let handle = SessionHandle::presented(self.session_handle);
        let question = wire::PutSessionData { handle, data: json::from_value(self.new_session_data)? };
        let answer = engine.ask(&question, Place::App, &self.context).await;
        Ok(matches!(of_known_tenant(answer, &question.handle)?, Some(wire::DataAnswer::Ok(_))))
    }
}

/// Changes the payload that a session's next access token will have. `false`: there is no such session.
#[derive(Debug, Clone)]
pub struct MergeIntoAccessTokenPayload {
    /// Its name.
    pub session_handle: String,
    /// Members to set; null removes one.
    pub access_token_payload_update: Payload,
    /// The context of the call.
    pub context: UserContext,
}

impl Function for MergeIntoAccessTokenPayload {
    const NAME: &'static str = "mergeIntoAccessTokenPayload";
    type Output = bool;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let (session_handle, context) = (self.session_handle, self.context);
        let change = async {
            let Some(stored) = stored_payload(engine, &session_handle, &context).await? else { return Ok(false) };
            let merged = payload::merge(stored, self.access_token_payload_update);
            let handle = SessionHandle::presented(session_handle.as_str());
            let question = wire::PutJwtData { handle, data: json::from_token_payload(&merged)? };
            let answer = engine.ask(&question, Place::App, &context).await;
            Ok(matches!(of_known_tenant(answer, &question.handle)?, Some(wire::DataAnswer::Ok(_))))
        };
        engine.inner().turns.take(&session_handle, change).await
    }
}

/// The payload in a session's row, which a change of it starts from, less the names of the core. `None`: there is no such session.
///
/// A token has what the row had when it was made: whoever starts from a token brings back what was taken away since.
pub(super) async fn stored_payload(
    engine: &SuperTokens,
    session_handle: &str,
    context: &UserContext,
) -> Result<Option<Payload>, Error> {
    // What this request read earlier may be out of date by now.
    context.cache().clear();
    let found =
        engine.call(GetSessionInformation { session_handle: session_handle.to_owned(), context: context.clone() }).await?;
    Ok(found.map(|found| payload::without_protected(found.custom_claims_in_access_token_payload)))
}

/// A session whose payload was changed.
#[derive(Clone)]
pub struct Regenerated {
    /// What the core's answer says of the payload.
    pub stored_payload: Payload,
    pub(crate) access: Option<wire::Token>,
    pub(crate) payload: supertokens_domain::json::JsonObject,
}

impl Regenerated {
    /// What an override gives that asks no core by itself: the payload that is stored now, and the new access token with its end and its
    /// beginning, both in ms since 1970.
    ///
    /// # Errors
    /// [`Error::BadInput`], if the payload is nested too deeply.
    pub fn new(stored_payload: Payload, access: Option<(String, Millis, Millis)>) -> Result<Self, Error> {
        let payload = json::from_payload(&stored_payload)?;
        let access = access.map(|(token, expiry, created)| wire::Token { token, expiry, created });
        Ok(Self { stored_payload, access, payload })
    }

    /// The new access token with its end and its beginning, if the old one was not over already. A secret.
    pub fn access_token(&self) -> Option<(&str, Millis, Millis)> {
        self.access.as_ref().map(|access| (access.token.as_str(), access.expiry, access.created))
    }
}

impl std::fmt::Debug for Regenerated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Regenerated").field("has_access_token", &self.access.is_some()).finish_non_exhaustive()
    }
}

/// Gives a session a new payload, and a new access token that carries it. `None`: the session is gone.
#[derive(Clone)]
pub struct RegenerateAccessToken {
    /// The present access token.
    pub access_token: String,
    /// The new payload, without what the core adds; `None` keeps the stored one.
    pub new_access_token_payload: Option<Payload>,
    /// The context of the call.
    pub context: UserContext,
}

impl std::fmt::Debug for RegenerateAccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegenerateAccessToken").finish_non_exhaustive()
    }
}

impl Function for RegenerateAccessToken {
    const NAME: &'static str = "regenerateAccessToken";
    type Output = Option<Regenerated>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let payload = self.new_access_token_payload.as_ref().map(json::from_token_payload).transpose()?;
        let question = wire::RegenerateSession { access_token: self.access_token, payload };
        match engine.ask(&question, Place::App, &self.context).await {
            // The tenant that the token names is gone, and its sessions with it.
            Err(error) if error.is_unknown_tenant() && is_of_a_tenant(&question.access_token) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(wire::Regenerated::Unauthorised(_)) => Ok(None),
            Ok(wire::Regenerated::Ok { session, access }) => {
                let stored_payload = json::to_payload(&session.payload)?;
                Ok(Some(Regenerated { stored_payload, access, payload: session.payload }))
            }
        }
    }
}

fn is_of_a_tenant(access_token: &str) -> bool {
    token::parse(access_token).is_ok_and(|token| token.claims().tenant_id != TenantId::default().as_str())
}

/// Which validators every check of a session runs. The original gives those that recipes and settings registered.
#[derive(Clone)]
pub struct GetGlobalClaimValidators {
    /// The session's tenant.
    pub tenant_id: String,
    /// Its primary user.
    pub user_id: String,
    /// The user who logged in.
    pub recipe_user_id: String,
    /// Those that were registered.
    pub claim_validators_added_by_other_recipes: Vec<Arc<dyn ClaimValidator>>,
    /// The context of the call.
    pub context: UserContext,
}

impl std::fmt::Debug for GetGlobalClaimValidators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GetGlobalClaimValidators").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl Function for GetGlobalClaimValidators {
    const NAME: &'static str = "getGlobalClaimValidators";
    type Output = Vec<Arc<dyn ClaimValidator>>;

    async fn run(self, _: &SuperTokens) -> Result<Self::Output, Error> {
        Ok(self.claim_validators_added_by_other_recipes)
    }
}

/// By handle and by user, for calls that no request caused. Inside a request, [`SuperTokens::call`] takes the request's context along.
impl SuperTokens {
    /// Looks at a session. `None`: there is none, or not any more.
    ///
    /// # Errors
    /// [`Error::Core`], or what an override says. So for all of these.
    pub async fn session_information(&self, session_handle: impl Into<String>) -> Result<Option<SessionInformation>, Error> {
        self.call(GetSessionInformation { session_handle: session_handle.into(), context: UserContext::new() }).await
    }

    /// The handles of all sessions of a user, linked accounts included, in all tenants.
    ///
    /// # Errors
    /// As [`session_information`](Self::session_information).
    pub async fn session_handles_of_user(&self, user_id: impl Into<String>) -> Result<Vec<String>, Error> {
        self.call(GetAllSessionHandlesForUser {
            user_id: user_id.into(),
            fetch_sessions_for_all_linked_accounts: true,
            tenant_id: None,
            context: UserContext::new(),
        })
        .await
    }

    /// Ends all sessions of a user, linked accounts included, in all tenants. Gives their handles.
    ///
    /// # Errors
    /// As [`session_information`](Self::session_information).
    pub async fn revoke_all_sessions_of_user(&self, user_id: impl Into<String>) -> Result<Vec<String>, Error> {
        self.call(RevokeAllSessionsForUser {
            user_id: user_id.into(),
            revoke_sessions_for_linked_accounts: true,
            tenant_id: None,
            context: UserContext::new(),
        })
        .await
    }

    /// Ends a session. `false`: there was none.
    ///
    /// # Errors
    /// As [`session_information`](Self::session_information).
    pub async fn revoke_session(&self, session_handle: impl Into<String>) -> Result<bool, Error> {
        self.call(RevokeSession { session_handle: session_handle.into(), context: UserContext::new() }).await
    }

    /// Ends sessions. Gives the handles of those that were ended.
    ///
    /// # Errors
    /// As [`session_information`](Self::session_information).
    pub async fn revoke_sessions(&self, session_handles: Vec<String>) -> Result<Vec<String>, Error> {
        self.call(RevokeMultipleSessions { session_handles, context: UserContext::new() }).await
    }

    /// Replaces what a session keeps in the database. `false`: there is no such session.
    ///
    /// # Errors
    /// As [`session_information`](Self::session_information).
    pub async fn update_session_data(&self, session_handle: impl Into<String>, data: impl Into<Value>) -> Result<bool, Error> {
        self.call(UpdateSessionDataInDatabase {
            session_handle: session_handle.into(),
            new_session_data: data.into(),
            context: UserContext::new(),
        })
        .await
    }

    /// Changes the payload that a session's next access token will have. `false`: there is no such session.
    ///
    /// # Errors
    /// As [`session_information`](Self::session_information).
    pub async fn merge_into_access_token_payload(
        &self,
        session_handle: impl Into<String>,
        update: Payload,
    ) -> Result<bool, Error> {
        self.call(MergeIntoAccessTokenPayload {
            session_handle: session_handle.into(),
            access_token_payload_update: update,
            context: UserContext::new(),
        })
        .await
    }
}

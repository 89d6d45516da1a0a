//! Claims of sessions that exist: judged, fetched, set, read and removed, on a session in hand and by handle (sdk-session.md 7.5, 7.6,
//! 8.5 to 8.7).

use std::sync::Arc;

use serde_json::Value;
use supertokens_web::payload::{self, Payload};

use super::claims::{ClaimSubject, ClaimValidator, SessionClaim, Verdict};
use super::functions::{
    GetGlobalClaimValidators, GetSessionInformation, MergeIntoAccessTokenPayload, RegenerateAccessToken, RevokeSession,
    SessionInformation, UpdateSessionDataInDatabase, stored_payload,
};
use super::object::Session;
use crate::SuperTokens;
use crate::context::UserContext;
use crate::error::{ClaimFailure, Error};
use crate::overriding::Function;

/// Judges a payload. Values that a validator finds absent or too old are fetched before anything is judged.
#[derive(Clone)]
pub struct ValidateClaims {
    /// The primary user.
    pub user_id: String,
    /// The user who logged in.
    pub recipe_user_id: String,
    /// What is judged.
    pub access_token_payload: Payload,
    /// By whom.
    pub claim_validators: Vec<Arc<dyn ClaimValidator>>,
    /// The context of the call.
    pub context: UserContext,
}

impl std::fmt::Debug for ValidateClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValidateClaims").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// What was found.
#[derive(Clone, PartialEq)]
pub struct ClaimsValidated {
    /// All that failed, in order.
    pub invalid_claims: Vec<ClaimFailure>,
    /// The whole payload, if fetching changed it.
    pub access_token_payload_update: Option<Payload>,
}

impl std::fmt::Debug for ClaimsValidated {
    /// The payload of an access token holds the anti-CSRF token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClaimsValidated").field("invalid_claims", &self.invalid_claims).finish_non_exhaustive()
    }
}

impl Function for ValidateClaims {
    const NAME: &'static str = "validateClaims";
    type Output = ClaimsValidated;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let mut current = self.access_token_payload.clone();
        for validator in &self.claim_validators {
            let Some(claim) = validator.claim().filter(|_| validator.should_refetch(&current, engine.now())) else { continue };
            let tenant_id = current.get("tId").and_then(Value::as_str).unwrap_or("public").to_owned();
            let subject = ClaimSubject {
                user_id: self.user_id.clone(),
                recipe_user_id: self.recipe_user_id.clone(),
                tenant_id,
                payload: current.clone(),
                context: self.context.clone(),
            };
            match claim.fetch_value(subject).await? {
                Some(value) => current = claim.add_to_payload(current, value, engine.now()),
                None => drop(current.remove(claim.key())),
            }
        }
        let mut invalid_claims = Vec::new();
        for validator in &self.claim_validators {
            if let Verdict::Invalid(reason) = validator.validate(&current, engine.now(), &self.context).await? {
                invalid_claims.push(ClaimFailure { id: validator.id().to_owned(), reason });
            }
        }
        let access_token_payload_update = (current != self.access_token_payload).then_some(current);
        Ok(ClaimsValidated { invalid_claims, access_token_payload_update })
    }
}

macro_rules! on_a_claim {
    ($(#[$doc:meta])* $name:ident, $words:literal, { $($(#[$field_doc:meta])* $field:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            /// The session's name.
            pub session_handle: String,
            /// The claim.
            pub claim: Arc<dyn SessionClaim>,
            $($(#[$field_doc])* pub $field: $type,)*
            /// The context of the call.
            pub context: UserContext,
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct($words).field("session", &self.session_handle).field("claim", &self.claim.key()).finish_non_exhaustive()
            }
        }
    };
}

on_a_claim!(
    /// Fetches a claim's value and keeps it. `false`: there is no such session.
    FetchAndSetClaim, "FetchAndSetClaim", {}
);
on_a_claim!(
    /// Sets a claim's value. `false`: there is no such session.
    SetClaimValue, "SetClaimValue", {
        /// The value.
        value: Value
    }
);
on_a_claim!(
    /// Reads a claim's value. The outer `None`: there is no such session.
    GetClaimValue, "GetClaimValue", {}
);
on_a_claim!(
    /// Removes a claim. `false`: there is no such session.
    RemoveClaim, "RemoveClaim", {}
);

impl Function for FetchAndSetClaim {
    const NAME: &'static str = "fetchAndSetClaim";
    type Output = bool;

    async fn run(self, engine: &SuperTokens) -> Result<bool, Error> {
        let Some(found) = look(engine, &self.session_handle, &self.context).await? else { return Ok(false) };
        let subject = ClaimSubject {
            user_id: found.user_id,
            recipe_user_id: found.recipe_user_id,
            tenant_id: found.tenant_id,
            payload: found.custom_claims_in_access_token_payload,
            context: self.context.clone(),
        };
        let update = match self.claim.fetch_value(subject).await? {
            Some(value) => self.claim.add_to_payload(Payload::new(), value, engine.now()),
            None => removal(&*self.claim),
        };
        merge(engine, self.session_handle, update, self.context).await
    }
}

impl Function for SetClaimValue {
    const NAME: &'static str = "setClaimValue";
    type Output = bool;

    async fn run(self, engine: &SuperTokens) -> Result<bool, Error> {
        let update = self.claim.add_to_payload(Payload::new(), self.value, engine.now());
        merge(engine, self.session_handle, update, self.context).await
    }
}

impl Function for GetClaimValue {
    const NAME: &'static str = "getClaimValue";
    type Output = Option<Option<Value>>;

    async fn run(self, engine: &SuperTokens) -> Result<Self::Output, Error> {
        let found = look(engine, &self.session_handle, &self.context).await?;
        Ok(found.map(|found| self.claim.value(&found.custom_claims_in_access_token_payload)))
    }
}

impl Function for RemoveClaim {
    const NAME: &'static str = "removeClaim";
    type Output = bool;

    async fn run(self, engine: &SuperTokens) -> Result<bool, Error> {
        merge(engine, self.session_handle, removal(&*self.claim), self.context).await
    }
}

async fn look(engine: &SuperTokens, handle: &str, context: &UserContext) -> Result<Option<SessionInformation>, Error> {
    engine.call(GetSessionInformation { session_handle: handle.to_owned(), context: context.clone() }).await
}

async fn merge(engine: &SuperTokens, session_handle: String, update: Payload, context: UserContext) -> Result<bool, Error> {
    engine.call(MergeIntoAccessTokenPayload { session_handle, access_token_payload_update: update, context }).await
}

fn removal(claim: &dyn SessionClaim) -> Payload {
    Payload::from_iter([(claim.key().to_owned(), Value::Null)])
}

impl SuperTokens {
    /// Judges the claims that are stored for a session, and stores what was fetched. `None`: there is no such session.
    ///
    /// # Errors
    /// [`Error::Core`], or what a validator or an override says.
    pub async fn validate_claims_for_session_handle(
        &self,
        session_handle: impl Into<String>,
        choose: impl FnOnce(Vec<Arc<dyn ClaimValidator>>, &SessionInformation) -> Vec<Arc<dyn ClaimValidator>>,
    ) -> Result<Option<Vec<ClaimFailure>>, Error> {
        let (handle, context) = (session_handle.into(), UserContext::new());
        let Some(found) = look(self, &handle, &context).await? else { return Ok(None) };
        let global = GetGlobalClaimValidators {
            tenant_id: found.tenant_id.clone(),
            user_id: found.user_id.clone(),
            recipe_user_id: found.recipe_user_id.clone(),
            claim_validators_added_by_other_recipes: self.feature()?.validators.clone(),
            context: context.clone(),
        };
        let claim_validators = choose(self.call(global).await?, &found);
        let judged = found.custom_claims_in_access_token_payload;
        let validated = self
            .call(ValidateClaims {
                user_id: found.user_id,
                recipe_user_id: found.recipe_user_id,
                access_token_payload: judged.clone(),
                claim_validators,
                context: context.clone(),
            })
            .await?;
        if let Some(update) = validated.access_token_payload_update
            && !merge(self, handle, payload::difference(&judged, &update), context).await?
        {
            return Ok(None);
        }
        Ok(Some(validated.invalid_claims))
    }
}

impl Session {
    /// Ends the session. If it is attached to a request, its response takes the tokens from the browser.
    ///
    /// # Errors
    /// [`Error::Core`], or what an override says. So for all of these.
    pub async fn revoke(&self) -> Result<(), Error> {
        // Whether there was still one to end makes no difference to who wanted it ended.
        self.engine().call(RevokeSession { session_handle: self.handle().to_owned(), context: self.context() }).await?;
        if let Some((method, scope)) = self.attachment() {
            let look = scope.look_for(method)?;
            scope.change(|changes| changes.clear(method, look.of()));
        }
        Ok(())
    }

    /// What the core keeps of the session.
    ///
    /// # Errors
    /// [`Error::Unauthorised`] if it is gone.
    pub async fn information(&self) -> Result<SessionInformation, Error> {
        look(self.engine(), self.handle(), &self.context()).await?.ok_or_else(gone)
    }

    /// What the session keeps in the database.
    ///
    /// # Errors
    /// [`Error::Unauthorised`] if it is gone.
    pub async fn data_from_database(&self) -> Result<Payload, Error> {
        Ok(self.information().await?.session_data_in_database)
    }

    /// Replaces what the session keeps in the database: an object, or null for an empty one.
    ///
    /// # Errors
    /// [`Error::Unauthorised`] if it is gone.
    pub async fn update_data_in_database(&self, data: impl Into<Value>) -> Result<(), Error> {
        let call = UpdateSessionDataInDatabase {
            session_handle: self.handle().to_owned(),
            new_session_data: data.into(),
            context: self.context(),
        };
        if self.engine().call(call).await? { Ok(()) } else { Err(gone()) }
    }

    /// Sets members of the access token's payload; null removes one. Objects are replaced, not merged. The browser gets a new access
    /// token with the response.
    ///
    /// # Errors
    /// [`Error::Unauthorised`] if the session is gone; [`Error::Core`] if the core refuses the payload.
    pub async fn merge_into_access_token_payload(&self, update: Payload) -> Result<(), Error> {
        self.merge_with(update, self.context()).await
    }

    async fn merge_with(&self, update: Payload, context: UserContext) -> Result<(), Error> {
        let change = async {
            let stored = stored_payload(self.engine(), self.handle(), &context).await?.ok_or_else(gone)?;
            self.regenerate(Some(payload::merge(stored, update)), context.clone()).await
        };
        self.engine().inner().turns.take(self.handle(), change).await
    }

    /// Takes over the payload in the session's row, which is another than the token's.
    pub(super) async fn take_stored_payload(&self, context: UserContext) -> Result<(), Error> {
        self.regenerate(None, context).await
    }

    async fn regenerate(&self, new_access_token_payload: Option<Payload>, context: UserContext) -> Result<(), Error> {
        let call = RegenerateAccessToken { access_token: self.access_token(), new_access_token_payload, context };
        let regenerated = self.engine().call(call).await?.ok_or_else(gone)?;
        match regenerated.access {
            Some(access) => self.renew(access, &regenerated.payload),
            None => {
                self.remember_payload(regenerated.stored_payload);
                Ok(())
            }
        }
    }

    /// Judges the session's claims.
    ///
    /// # Errors
    /// [`Error::InvalidClaims`] with all that failed.
    pub async fn assert_claims(&self, validators: &[Arc<dyn ClaimValidator>]) -> Result<(), Error> {
        self.assert_claims_with(validators, &self.context()).await
    }

    pub(crate) async fn assert_claims_with(
        &self,
        validators: &[Arc<dyn ClaimValidator>],
        context: &UserContext,
    ) -> Result<(), Error> {
        if validators.is_empty() {
            return Ok(());
        }
        let (mut invalid_claims, judged) = self.validate_claims(validators, context).await?;
        // Storing what was fetched has shown what the row says. If that is not what was judged, it is judged again, once: whoever changes
        // the row all the time has the next request's verdict.
        if judged.is_some_and(|judged| !payload::same_claims(&judged, &self.access_token_payload())) {
            (invalid_claims, _) = self.validate_claims(validators, context).await?;
        }
        match invalid_claims {
            none if none.is_empty() => Ok(()),
            failures => Err(Error::InvalidClaims { failures }),
        }
    }

    /// What fails, and the payload that was judged if it is not what the token said: values that were fetched are kept, whatever fails.
    async fn validate_claims(
        &self,
        validators: &[Arc<dyn ClaimValidator>],
        context: &UserContext,
    ) -> Result<(Vec<ClaimFailure>, Option<Payload>), Error> {
        let payload = self.access_token_payload();
        let call = ValidateClaims {
            user_id: self.user_id().to_owned(),
            recipe_user_id: self.recipe_user_id().to_owned(),
            access_token_payload: (*payload).clone(),
            claim_validators: validators.to_vec(),
            context: context.clone(),
        };
        let validated = self.engine().call(call).await?;
        let Some(judged) = validated.access_token_payload_update else { return Ok((validated.invalid_claims, None)) };
        let changed = payload::without_protected(payload::difference(&payload, &judged));
        self.merge_with(changed, context.clone()).await?;
        Ok((validated.invalid_claims, Some(judged)))
    }

    /// Fetches a claim's value and puts it into the payload.
    ///
    /// # Errors
    /// What fetching says, and as [`merge_into_access_token_payload`](Self::merge_into_access_token_payload).
    pub async fn fetch_and_set_claim(&self, claim: &dyn SessionClaim) -> Result<(), Error> {
        let subject = ClaimSubject {
            user_id: self.user_id().to_owned(),
            recipe_user_id: self.recipe_user_id().to_owned(),
            tenant_id: self.tenant_id().to_owned(),
            payload: (*self.access_token_payload()).clone(),
            context: self.context(),
        };
        let update = match claim.fetch_value(subject).await? {
            Some(value) => claim.add_to_payload(Payload::new(), value, self.engine().now()),
            None => removal(claim),
        };
        self.merge_into_access_token_payload(update).await
    }

    /// Sets a claim's value.
    ///
    /// # Errors
    /// As [`merge_into_access_token_payload`](Self::merge_into_access_token_payload).
    pub async fn set_claim_value(&self, claim: &dyn SessionClaim, value: impl Into<Value>) -> Result<(), Error> {
        let update = claim.add_to_payload(Payload::new(), value.into(), self.engine().now());
        self.merge_into_access_token_payload(update).await
    }

    /// A claim's value, as the access token has it.
    pub fn claim_value(&self, claim: &dyn SessionClaim) -> Option<Value> {
        claim.value(&self.access_token_payload())
    }

    /// Removes a claim.
    ///
    /// # Errors
    /// As [`merge_into_access_token_payload`](Self::merge_into_access_token_payload).
    pub async fn remove_claim(&self, claim: &dyn SessionClaim) -> Result<(), Error> {
        self.merge_into_access_token_payload(removal(claim)).await
    }
}

fn gone() -> Error {
    Error::unauthorised("the session does not exist any more")
}

//! What comes of a new passkey: somebody signs up, or has one more (core-recipes-2.md 2.4 e, g). Its options are not used up by that.

use std::collections::BTreeSet;

use supertokens_domain::accounts::{AuthRecipe, Group, Login, LoginMethod};
use supertokens_domain::secret::Secret;
use supertokens_domain::webauthn::claimed::Claimed;
use supertokens_domain::webauthn::options::not_expired;
use supertokens_domain::webauthn::registration::{self, Registered};
use supertokens_domain::webauthn::{Expected, Refused};
use supertokens_store::{CredentialRow, OptionsRow, StoreError};
use supertokens_wire::cdi::webauthn::ceremony::{Brought, CredentialRegistered, Failed, RegisterCredential, SignUp, SignedUp};

use super::{options, signatures, verification};
use crate::cx::Cx;
use crate::error::Error;
use crate::logins::{Added, NewUser};
use crate::use_case::{Scope, UseCase};

/// What the stored options say that it must be like.
pub(super) fn expected(options: &OptionsRow) -> Expected {
    Expected {
        challenge: options.challenge.clone(),
        origin: options.origin.clone(),
        rp_id: options.rp_id.clone(),
        user_verification: verification(options),
        user_presence: options.user_presence,
        algorithms: options.algorithms.clone(),
    }
}

/// What an authenticator has made for these options.
fn registered(brought: &Brought, options: &OptionsRow, now: i64) -> Result<Registered, Refused> {
    let claimed = Claimed::read(&brought.credential)?;
    not_expired(options.expires_at, now)?;
    signatures::registered(registration::decide(&claimed, &expected(options))?)
}

fn row(cx: &Cx<'_>, rp_id: &str, registered: Registered) -> CredentialRow {
    let Registered { credential_id, public_key, counter, transports, .. } = registered;
    CredentialRow {
        id: credential_id,
        rp_id: rp_id.to_owned(),
        counter: i64::from(counter),
        public_key,
        transports,
        created_at: cx.now,
        updated_at: cx.now,
    }
}

impl UseCase for SignUp {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignedUp, Error> {
        let found = options(cx, &self.0.options_id).await?;
        // Those for a sign-in name nobody who could sign up.
        let Some((options, email)) = found.and_then(|options| options.email.clone().map(|email| (options, email))) else {
            return Ok(SignedUp::Failed(Failed::OptionsNotFound));
        };
        let registered = match registered(&self.0, &options, cx.now) {
            Ok(registered) => registered,
            Err(why) => return Ok(SignedUp::Failed(why.into())),
        };
        let passkey = row(cx, &options.rp_id, registered);
        let credential_id = passkey.id.clone();
        let login = Login::Webauthn { email, credential_ids: BTreeSet::from([credential_id.clone()]) };
        let method = LoginMethod::new(cx.uuid(), login, cx.at().tenant.clone(), cx.now);
        let new = NewUser {
            app: cx.at().app.clone(),
            notes: Some(cx.notes_of_activity(&method.recipe_user_id)),
            method,
            kept: Some(Secret::new(options.rp_id.clone())),
            passkey: Some(passkey),
        };
        Ok(match cx.add(new).await? {
            Added::Yes(method) => {
                cx.core.tally.signed_up(AuthRecipe::Webauthn);
                let OptionsRow { rp_id, rp_name, .. } = options;
                SignedUp::Ok { user: Box::new(Group::alone(method)), credential_id, rp_id, rp_name }
            }
            Added::LoginTaken => SignedUp::EmailExists,
            Added::PasskeyTaken => SignedUp::Failed(Refused::credential("credential already exists").into()),
        })
    }
}

impl UseCase for RegisterCredential {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<CredentialRegistered, Error> {
        let Some(options) = options(cx, &self.brought.options_id).await? else {
            return Ok(CredentialRegistered::Failed(Failed::OptionsNotFound));
        };
        let registered = match registered(&self.brought, &options, cx.now) {
            Ok(registered) => registered,
            Err(why) => return Ok(CredentialRegistered::Failed(why.into())),
        };
        let passkey = row(cx, &options.rp_id, registered);
        let credential_id = passkey.id.clone();
        let app = cx.at().app.clone();
        // A primary user's id stands for that login method alone.
        let is_ours = |method: &&LoginMethod| method.recipe() == AuthRecipe::Webauthn;
        let found = cx.user_of(&self.recipe_user_id).await?;
        let user_id = found.and_then(|found| found.group.method(&found.meant_id).filter(is_ours).map(|_| found.meant_id.clone()));
        let Some(user_id) = user_id else {
            // Whoever has it is said first.
            let exists = cx.db().read(async move |tx| tx.has_credential(&app, &passkey.rp_id, &passkey.id).await).await?;
            return Ok(if exists { CredentialRegistered::Exists } else { CredentialRegistered::UnknownUser });
        };
        match cx.db().single(async move |tx| tx.insert_credential(&app, &user_id, &passkey).await).await {
            Err(StoreError::Duplicate(_)) => return Ok(CredentialRegistered::Exists),
            // Removed a moment ago.
            Err(StoreError::MissingParent(_)) => return Ok(CredentialRegistered::UnknownUser),
            inserted => inserted?,
        }
        let OptionsRow { email, rp_id, rp_name, .. } = options;
        Ok(CredentialRegistered::Ok { credential_id, recipe_user_id: self.recipe_user_id, email, rp_id, rp_name })
    }
}

//! POST /recipe/webauthn/signin: looked at without a lock, as checking a signature takes its time; then the options and the passkey are
//! locked, looked at again, and what has changed is written (core-recipes-2.md 2.4 f).

use std::sync::Arc;

use supertokens_domain::accounts::{AuthRecipe, LoginMethod};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::Millis;
use supertokens_domain::webauthn::assertion;
use supertokens_domain::webauthn::claimed::Claimed;
use supertokens_domain::webauthn::options::not_expired;
use supertokens_store::{StoreError, Tx};
use supertokens_wire::cdi::webauthn::ceremony::{Failed, SignIn, SignedIn};

use super::ceremony::expected;
use super::{options, signatures};
use crate::activity::{Notes, may_be_for_the_log};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for SignIn {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<SignedIn, Error> {
        let said = sign_in(self, cx).await?;
        cx.core.tally.signed_in(AuthRecipe::Webauthn, matches!(said, SignedIn::Ok { .. }));
        Ok(said)
    }
}

async fn sign_in(asked: SignIn, cx: &Cx<'_>) -> Result<SignedIn, Error> {
    let options_id = asked.0.options_id;
    let claimed = match Claimed::read(&asked.0.credential) {
        Ok(claimed) => claimed,
        // Whether there are such options is said first.
        Err(why) => {
            let found = options(cx, &options_id).await?;
            return Ok(SignedIn::Failed(found.map_or(Failed::OptionsNotFound, |_| why.into())));
        }
    };
    let (app, tenant) = (cx.at().app.clone(), cx.at().tenant.clone());
    // Quirk: options that were made for a registration are as good: the table knows no kinds.
    let (of, id) = (options_id.clone(), claimed.id().to_owned());
    let found = cx.db().read(async move |tx| tx.user_by_passkey(&app, &tenant, &of, &id).await).await?;
    // A passkey of somebody who is not in this tenant is none here.
    let is_here = |method: &LoginMethod| method.tenants.contains(&cx.at().tenant);
    let Some(found) = found.filter(|found| found.user.group.method(&found.user.meant_id).is_some_and(is_here)) else {
        return not_there(cx, &options_id).await;
    };
    let checked = not_expired(found.options.expires_at, cx.now)
        .and_then(|()| assertion::decide(&claimed, &expected(&found.options), &found.public_key))
        .and_then(|decided| signatures::signed_in(decided, found.counter));
    let counter = match checked {
        Ok(counter) => counter,
        Err(why) => return Ok(SignedIn::Failed(why.into())),
    };
    let user = found.user.group;
    let used = Arc::new(Used {
        app: cx.at().app.clone(),
        tenant: cx.at().tenant.clone(),
        options_id,
        options_go: cx.rules.passkey_options_once,
        rp_id: found.options.rp_id,
        credential_id: claimed.id().to_owned(),
        counter,
        now: cx.now,
        notes: cx.notes_of_activity(&user.id),
    });
    let write = |with_notes| {
        let this = Arc::clone(&used);
        async move |tx: &mut Tx<'_>| this.write(tx, with_notes).await
    };
    let mut written = cx.db().tx(write(true)).await;
    if may_be_for_the_log(&written) {
        written = cx.db().tx(write(false)).await;
    }
    match written? {
        Written::Gone => not_there(cx, &used.options_id).await,
        Written::Cloned => Ok(SignedIn::Failed(assertion::cloned().into())),
        Written::Yes => {
            used.notes.are_written(cx);
            Ok(SignedIn::Ok { user: Box::new(user), recipe_user_id: found.user.meant_id })
        }
    }
}

/// Which of the two there is not: the options, or else the passkey.
async fn not_there(cx: &Cx<'_>, options_id: &str) -> Result<SignedIn, Error> {
    Ok(match options(cx, options_id).await? {
        Some(_) => SignedIn::CredentialNotFound,
        None => SignedIn::Failed(Failed::OptionsNotFound),
    })
}

/// What came of the second look.
#[derive(Debug, Clone, Copy)]
enum Written {
    Yes,
    /// The options or the passkey, by whoever was here in between.
    Gone,
    /// The counter has moved in between.
    Cloned,
}

/// A passkey that was used, to be noted under locks.
struct Used {
    app: AppId,
    tenant: TenantId,
    options_id: String,
    /// One assertion is good for one sign-in.
    options_go: bool,
    rp_id: String,
    credential_id: String,
    counter: u32,
    now: Millis,
    notes: Notes,
}

impl Used {
    async fn write(&self, tx: &mut Tx<'_>, with_notes: bool) -> Result<Written, StoreError> {
        let Self { app, tenant, options_id, credential_id, .. } = self;
        let Some(stored) = tx.lock_for_sign_in(app, tenant, options_id, credential_id).await? else { return Ok(Written::Gone) };
        if !assertion::counter_moves(stored, self.counter) {
            return Ok(Written::Cloned);
        }
        let used_up = self.options_go.then_some(options_id.as_str());
        tx.note_sign_in_by_passkey(app, tenant, [&self.rp_id, credential_id], (self.counter, self.now), used_up).await?;
        if with_notes {
            self.notes.write(tx).await?;
        }
        Ok(Written::Yes)
    }
}

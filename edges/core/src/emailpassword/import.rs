//! Hashes that other programs made (core-users.md 3.9).

use supertokens_domain::accounts::{AccountInfo, AuthRecipe, Group};
use supertokens_domain::emailpassword::cost::Caps;
use supertokens_domain::emailpassword::import::{Refused, check};
use supertokens_domain::tenancy::Recipe;
use supertokens_store::FoundLogin;
use supertokens_wire::cdi::emailpassword::{HashImported, ImportHash};

use super::sign_up::Manner;
use crate::cx::Cx;
use crate::error::Error;
use crate::hashing::no_signer_key;
use crate::use_case::{Scope, UseCase};

/// So often it is tried to make a user, or to change the one who is there: others may make and remove it meanwhile.
const TRIES: usize = 3;

impl UseCase for ImportHash {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<HashImported, Error> {
        cx.require_recipe(Recipe::EmailPassword)?;
        let config = cx.config()?;
        let has_signer_key = config.firebase_password_hashing_signer_key.is_some();
        match check(&self.hash, has_signer_key, &Caps::of(config)) {
            Ok(()) => {}
            Err(Refused::NoSignerKey) => return Err(no_signer_key()),
            Err(refused) => return Err(Error::bad(refused.to_string())),
        }
        for _ in 0..TRIES {
            if let Some(method) = cx.add_password_user(&self.email, &self.hash.hash, Manner::Import).await? {
                let recipe_user_id = method.recipe_user_id.clone();
                return Ok(HashImported { user: Group::alone(method), recipe_user_id, existed: false });
            }
            if let Some(found) = replace(cx, &self).await? {
                return Ok(HashImported { user: found.group, recipe_user_id: found.recipe_user_id, existed: true });
            }
        }
        Err(Error::fault("a user comes and goes while its hash is imported"))
    }
}

/// Gives whoever logs in here with this address another hash, if there still is somebody.
async fn replace(cx: &Cx<'_>, import: &ImportHash) -> Result<Option<FoundLogin>, Error> {
    let (app, tenant, info) = (cx.at().app.clone(), cx.at().tenant.clone(), AccountInfo::email(import.email.as_str()));
    let found = cx.db().read(async move |tx| tx.user_by_login(&app, &tenant, AuthRecipe::EmailPassword, &info).await).await?;
    let Some(found) = found else { return Ok(None) };
    let (app, id, hash) = (cx.at().app.clone(), found.recipe_user_id.clone(), import.hash.hash.clone());
    let is_there = cx.db().single(async move |tx| tx.set_password(&app, &id, &hash).await).await?;
    Ok(is_there.then_some(found))
}

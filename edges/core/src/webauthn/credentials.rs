//! A user's passkeys: shown, listed, removed (core-recipes-2.md 2.4 h to j). The last one may go: the user stays, and gets a new one by
//! recovery.

use supertokens_store::CredentialRow;
use supertokens_wire::cdi::webauthn::credentials::{
    CredentialFound, CredentialRemoved, CredentialsListed, GetCredential, ListCredentials, RemoveCredential, ShownCredential,
};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

async fn of(cx: &Cx<'_>, recipe_user_id: &str) -> Result<Vec<CredentialRow>, Error> {
    let (app, id) = (cx.at().app.clone(), recipe_user_id.to_owned());
    Ok(cx.db().read(async move |tx| tx.credentials_of(&app, &id).await).await?)
}

fn shown(row: CredentialRow, recipe_user_id: &str) -> ShownCredential {
    let CredentialRow { id, rp_id, created_at, .. } = row;
    ShownCredential { id, recipe_user_id: recipe_user_id.to_owned(), rp_id, created_at }
}

impl UseCase for GetCredential {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<CredentialFound, Error> {
        let found = of(cx, &self.0.recipe_user_id).await?.into_iter().find(|row| row.id == self.0.credential_id);
        Ok(CredentialFound(found.map(|row| {
            let updated_at = row.updated_at;
            (shown(row, &self.0.recipe_user_id), updated_at)
        })))
    }
}

impl UseCase for ListCredentials {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<CredentialsListed, Error> {
        let rows = of(cx, &self.recipe_user_id).await?;
        Ok(CredentialsListed(rows.into_iter().map(|row| shown(row, &self.recipe_user_id)).collect()))
    }
}

impl UseCase for RemoveCredential {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<CredentialRemoved, Error> {
        let app = cx.at().app.clone();
        let removed =
            cx.db().single(async move |tx| tx.delete_credential(&app, &self.0.recipe_user_id, &self.0.credential_id).await);
        Ok(CredentialRemoved(removed.await?))
    }
}

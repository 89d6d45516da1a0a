//! What an application keeps about its users (core-recipes-1.md 3). An id is any text: it need not be a user's, and none is looked up.

use std::collections::HashMap;

use http::StatusCode;
use supertokens_domain::json::JsonObject;
use supertokens_domain::user_metadata::merged;
use supertokens_store::StoreError;
use supertokens_wire::cdi::user_metadata::{
    GetUserMetadata, GetUserMetadataBulk, PutUserMetadata, RemoveUserMetadata, UserMetadata, UserMetadataBulk,
};
use supertokens_wire::operation::{Body, status};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<GetUserMetadata>(),
    Route::of::<PutUserMetadata>(),
    Route::of::<RemoveUserMetadata>(),
    Route::of::<GetUserMetadataBulk>(),
];

/// The longest object that is kept of a user, in bytes: each update may be as long as a body, and their sum must end somewhere.
const LONGEST: usize = 1024 * 1024;

/// A stored object.
fn read(text: &str, user_id: &str) -> Result<JsonObject, StoreError> {
    let unreadable = |_| StoreError::Corrupt {
        table: "user_metadata".to_owned(),
        column: "user_metadata".to_owned(),
        key: user_id.to_owned(),
    };
    JsonObject::parse(text).map_err(unreadable)
}

impl UseCase for GetUserMetadata {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<UserMetadata, Error> {
        let app = cx.at().app.clone();
        let found = cx.db().read(async move |tx| {
            let text = tx.user_metadata(&app, &self.user_id).await?;
            text.map_or_else(|| Ok(JsonObject::new()), |text| read(&text, &self.user_id))
        });
        Ok(UserMetadata(found.await?))
    }
}

impl UseCase for PutUserMetadata {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    /// The lock on the row orders all who change it, and those who remove it; where there is none yet, the key decides who is first.
    async fn run(self, cx: &Cx<'_>) -> Result<UserMetadata, Error> {
        let (app, Self { user_id, update }) = (cx.at().app.clone(), self);
        let merging = cx.db().tx(async move |tx| {
            let mut stored = tx.user_metadata_locked(&app, &user_id).await?;
            if stored.is_none() {
                let first = merged(JsonObject::new(), update.clone());
                let text = first.to_text();
                if text.len() > LONGEST {
                    return Ok(None);
                }
                if tx.insert_user_metadata(&app, &user_id, &text).await? {
                    return Ok(Some(first));
                }
                stored = tx.user_metadata_locked(&app, &user_id).await?;
            }
            // Made and removed by others within a moment: once more from the beginning.
            let stored = stored.ok_or(StoreError::Busy)?;
            let after = merged(read(&stored, &user_id)?, update.clone());
            let text = after.to_text();
            // One that was longer before may become shorter.
            if text.len() > LONGEST.max(stored.len()) {
                return Ok(None);
            }
            tx.update_user_metadata(&app, &user_id, &text).await?;
            Ok(Some(after))
        });
        let after = cx.unless_removed(merging.await.map_err(Error::from))?;
        after.map(UserMetadata).ok_or_else(too_long)
    }
}

fn too_long() -> Error {
    Error::refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("The metadata of a user may have at most {LONGEST} bytes as JSON; remove some of it (null takes a member out)"),
    )
}

impl UseCase for RemoveUserMetadata {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let app = cx.at().app.clone();
        cx.db().single(async move |tx| tx.delete_user_metadata(&app, &self.user_id).await).await?;
        Ok(Body::Json(status("OK")))
    }
}

impl UseCase for GetUserMetadataBulk {
    const SCOPE: Scope = Scope::Any;

    async fn run(self, cx: &Cx<'_>) -> Result<UserMetadataBulk, Error> {
        // Quirk: whoever asks for nobody is answered, wherever it is asked.
        if self.user_ids.is_empty() {
            return Ok(UserMetadataBulk(Vec::new()));
        }
        cx.require_public_tenant()?;
        cx.config()?;
        let (app, asked) = (cx.at().app.clone(), self.user_ids.clone());
        let found = cx.db().read_long(async move |tx| {
            let found = tx.user_metadata_of(&app, &asked).await?;
            found.into_iter().map(|(id, text)| read(&text, &id).map(|object| (id, object))).collect::<Result<HashMap<_, _>, _>>()
        });
        let found = found.await?;
        let user = |id: String| {
            let metadata = found.get(&id).cloned();
            (id, metadata)
        };
        Ok(UserMetadataBulk(self.user_ids.into_iter().map(user).collect()))
    }
}

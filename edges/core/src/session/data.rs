//! Reading a session and its two objects, and replacing them: one round trip each (core-session.md 1.2, 1.8, 1.9).

use supertokens_domain::ids::SessionHandle;
use supertokens_domain::session::access_token::mintable;
use supertokens_store::SessionRow;
use supertokens_wire::cdi::session::{
    DataAnswer, GetJwtData, GetSession, GetSessionData, PutJwtData, PutSessionData, SessionDetails, SessionFound, SessionObject,
};

use super::{mint_refused, payload_text, read_payload};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

/// A session that has not ended. The tenant comes from the handle; one that does not exist has no sessions.
async fn living(cx: &Cx<'_>, handle: &SessionHandle) -> Result<Option<SessionRow>, Error> {
    let (app, tenant, handle) = (cx.at().app.clone(), handle.tenant(), handle.clone());
    let row = cx.db().read(async move |tx| tx.session(&app, &tenant, &handle).await).await?;
    Ok(row.filter(|row| row.expires_at > cx.now))
}

impl UseCase for GetSession {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<SessionFound, Error> {
        let Some(row) = living(cx, &self.handle).await? else { return Ok(SessionFound::Unauthorised) };
        Ok(SessionFound::Ok(Box::new(SessionDetails {
            data: read_payload(&row.session_data)?,
            expiry: row.expires_at,
            created: row.created_at_time,
            session: SessionObject {
                tenant: self.handle.tenant(),
                handle: self.handle,
                // Quirk: the id of the primary user as it is stored; an external id is not looked up here.
                user_id: row.primary_user_id,
                recipe_user_id: row.user_id,
                payload: read_payload(&row.jwt_user_payload)?,
            },
        })))
    }
}

impl UseCase for GetSessionData {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<DataAnswer, Error> {
        Ok(match living(cx, &self.handle).await? {
            Some(row) => DataAnswer::Ok(Some((Self::MEMBER, read_payload(&row.session_data)?))),
            None => DataAnswer::Unauthorised,
        })
    }
}

impl UseCase for GetJwtData {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<DataAnswer, Error> {
        Ok(match living(cx, &self.handle).await? {
            Some(row) => DataAnswer::Ok(Some((Self::MEMBER, read_payload(&row.jwt_user_payload)?))),
            None => DataAnswer::Unauthorised,
        })
    }
}

impl UseCase for PutSessionData {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<DataAnswer, Error> {
        let (app, tenant, handle, now) = (cx.at().app.clone(), self.handle.tenant(), self.handle.clone(), cx.now);
        let _turn = cx.turn(&self.handle).await?;
        let text = self.data.to_text();
        let updated = cx.db().single(async move |tx| tx.update_session_data(&app, &tenant, &handle, &text, now).await).await?;
        Ok(if updated { DataAnswer::Ok(None) } else { DataAnswer::Unauthorised })
    }
}

impl UseCase for PutJwtData {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<DataAnswer, Error> {
        // Old SDKs' tokens nest the payload, and nothing is refused.
        mintable(&self.data, cx.rules.access_token).map_err(mint_refused)?;
        let text = payload_text(&self.data)?;
        let (app, tenant, handle, now) = (cx.at().app.clone(), self.handle.tenant(), self.handle.clone(), cx.now);
        let _turn = cx.turn(&self.handle).await?;
        let updated = cx.db().single(async move |tx| tx.update_jwt_payload(&app, &tenant, &handle, &text, now).await).await?;
        Ok(if updated { DataAnswer::Ok(None) } else { DataAnswer::Unauthorised })
    }
}

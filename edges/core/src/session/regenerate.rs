//! POST /recipe/session/regenerate (core-session.md 2.6, with the hole of its first step closed: decision 10). One round trip to read,
//! and one to write if there is a new payload.

use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{
    AccessClaims, AccessTokenVersion, ParsedAccessToken, collides_strictly, is_expired, mintable, parse,
};
use supertokens_domain::session::provenance::{Provenance, provenance};
use supertokens_domain::session::rotation::StoredSession;
use supertokens_domain::session::verify_row::belongs_to;
use supertokens_wire::cdi::session::{NO_SESSION, RegenerateSession, Regenerated, SessionObject};

use super::{kind, mint_refused, payload_text, read_payload, session_object, stored, token};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

const NOT_OURS: &str = "The access token was not signed by this core";

impl UseCase for RegenerateSession {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<Regenerated, Error> {
        let unauthorised = |message: &str| Ok(Regenerated::Unauthorised(message.to_owned()));
        let parsed = match parse(&self.access_token) {
            Ok(parsed) => parsed,
            Err(error) => return unauthorised(&error.to_string()),
        };
        let claims = match parsed.claims() {
            Ok(claims) => claims,
            Err(error) => return unauthorised(&error.to_string()),
        };
        let expired = is_expired(&claims, cx.now);
        let maker = maker(cx, &parsed, expired).await?;
        if matches!(maker, Provenance::Forged | Provenance::Unknown) {
            return unauthorised(NOT_OURS);
        }
        let Some(row) = living(cx, &claims).await? else { return unauthorised(NO_SESSION) };
        if maker == Provenance::KeyIsGone {
            return if belongs_to(&claims, &row) { unsigned(cx, row, self.payload).await } else { unauthorised(NOT_OURS) };
        }
        let version = parsed.version();
        let text = checked(cx, self.payload.as_ref(), version)?;
        let payload = match self.payload {
            Some(payload) => payload,
            None => read_payload(&row.jwt_payload)?,
        };
        let fresh = AccessClaims { issued_at: cx.now, payload, ..claims };
        protect(cx, &fresh.payload, version)?;
        let minted =
            if expired { None } else { Some(cx.mint(&fresh, version, kind(row.use_static_key)).await?.map_err(mint_refused)?) };
        // Without a new payload nothing is written: what was read may be out of date by now.
        if let Some(text) = text
            && !store(cx, &row, text).await?
        {
            return unauthorised(NO_SESSION);
        }
        Ok(Regenerated::Ok { session: Box::new(session_object(&fresh)), access: minted.map(token) })
    }
}

/// For a token that nobody can verify any more, and that names the session's lineage: the row says whose session it is, the request what
/// kind of token the payload is for, and nothing is signed.
async fn unsigned(cx: &Cx<'_>, row: StoredSession, payload: Option<JsonObject>) -> Result<Regenerated, Error> {
    let text = checked(cx, payload.as_ref(), cx.rules.access_token)?;
    let (app, user_id) = (cx.at().app.clone(), row.user_id.clone());
    let user = cx.db().read(async move |tx| tx.resolve_user(&app, &user_id).await).await?;
    if let Some(text) = text
        && !store(cx, &row, text).await?
    {
        return Ok(Regenerated::Unauthorised(NO_SESSION.to_owned()));
    }
    let payload = match payload {
        Some(payload) => payload,
        None => read_payload(&row.jwt_payload)?,
    };
    let StoredSession { handle, tenant, user_id: recipe_user_id, .. } = row;
    let session = SessionObject { handle, user_id: user.primary, recipe_user_id, payload, tenant };
    Ok(Regenerated::Ok { session: Box::new(session), access: None })
}

/// Who made the token? Keys are loaded once more if that may change the answer.
async fn maker(cx: &Cx<'_>, token: &ParsedAccessToken<'_>, expired: bool) -> Result<Provenance, Error> {
    let (keys, policy) = cx.keys().await?;
    let first = provenance(token, expired, &keys.published(&policy, cx.now), &policy, cx.now);
    if !first.may_change_with_newer_keys() {
        return Ok(first);
    }
    Ok(match cx.newer_keys().await? {
        Some(keys) => provenance(token, expired, &keys.published(&policy, cx.now), &policy, cx.now),
        None => first,
    })
}

/// The text of a new payload, if there is one and it may be stored.
fn checked(cx: &Cx<'_>, payload: Option<&JsonObject>, version: AccessTokenVersion) -> Result<Option<String>, Error> {
    let Some(payload) = payload else { return Ok(None) };
    protect(cx, payload, version)?;
    mintable(payload, version).map_err(mint_refused)?;
    payload_text(payload).map(Some)
}

/// Refuses a payload that names a claim of ours, at versions that look.
fn protect(cx: &Cx<'_>, payload: &JsonObject, version: AccessTokenVersion) -> Result<(), Error> {
    if cx.rules.protected_claims && collides_strictly(payload, version) {
        return Err(Error::bad("The user payload contains protected field"));
    }
    Ok(())
}

/// The session of a token, unless it has ended.
async fn living(cx: &Cx<'_>, claims: &AccessClaims) -> Result<Option<StoredSession>, Error> {
    let (app, tenant, handle) = (cx.at().app.clone(), claims.tenant.clone(), claims.session_handle.clone());
    let row = cx.db().read(async move |tx| tx.session(&app, &tenant, &handle).await).await?;
    Ok(row.filter(|row| row.expires_at > cx.now).map(|row| stored(row, &claims.tenant)))
}

/// Stores the payload. False if the session has ended meanwhile.
async fn store(cx: &Cx<'_>, row: &StoredSession, payload: String) -> Result<bool, Error> {
    let (app, tenant, handle, now) = (cx.at().app.clone(), row.tenant.clone(), row.handle.clone(), cx.now);
    let _turn = cx.turn(&row.handle).await?;
    Ok(cx.db().single(async move |tx| tx.update_jwt_payload(&app, &tenant, &handle, &payload, now).await).await?)
}

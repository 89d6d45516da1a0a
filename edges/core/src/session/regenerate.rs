//! POST /recipe/session/regenerate (core-session.md 2.6, with the hole of its first step closed: decision 10). One round trip to read,
//! and one to write if there is a new payload.

use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{
    AccessClaims, AccessTokenVersion, ParsedAccessToken, collides_strictly, is_expired, mintable, parse,
};
use supertokens_domain::session::provenance::{Provenance, provenance};
use supertokens_domain::session::rotation::StoredSession;
use supertokens_domain::session::verify_row::belongs_to;
use supertokens_wire::cdi::session::{NO_SESSION, RegenerateSession, Regenerated};

use super::{kind, mint_refused, read_payload, session_object, stored, token};
use crate::cx::Cx;
use crate::error::Error;
use crate::routes::{Scope, UseCase};

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
        cx.tenant_named(&claims.tenant).await?;
        let version = parsed.version();
        if let Some(payload) = &self.payload {
            check(cx, payload, version)?;
            mintable(payload, version).map_err(mint_refused)?;
        }
        let Some(row) = living(cx, &claims).await? else { return unauthorised(NO_SESSION) };
        if maker == Provenance::KeyIsGone && !belongs_to(&claims, &row) {
            return unauthorised(NOT_OURS);
        }
        let fresh = match &self.payload {
            Some(payload) => AccessClaims { issued_at: cx.now, payload: payload.clone(), ..claims },
            None => AccessClaims { issued_at: cx.now, payload: read_payload(&row.jwt_payload)?, ..claims },
        };
        check(cx, &fresh.payload, version)?;
        let minted =
            if expired { None } else { Some(cx.mint(&fresh, version, kind(row.use_static_key)).await?.map_err(mint_refused)?) };
        // Without a new payload nothing is written: what was read may be out of date by now.
        if self.payload.is_some() && !store(cx, &fresh).await? {
            return unauthorised(NO_SESSION);
        }
        Ok(Regenerated::Ok { session: Box::new(session_object(&fresh)), access: minted.map(token) })
    }
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

/// Refuses a payload that names a claim of ours, at versions that look.
fn check(cx: &Cx<'_>, payload: &JsonObject, version: AccessTokenVersion) -> Result<(), Error> {
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
async fn store(cx: &Cx<'_>, claims: &AccessClaims) -> Result<bool, Error> {
    let (app, tenant, handle, now) = (cx.at().app.clone(), claims.tenant.clone(), claims.session_handle.clone(), cx.now);
    let text = claims.payload.to_text();
    let _turn = cx.turn(&claims.session_handle).await?;
    Ok(cx.db().single(async move |tx| tx.update_jwt_payload(&app, &tenant, &handle, &text, now).await).await?)
}

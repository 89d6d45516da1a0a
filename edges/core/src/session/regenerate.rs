//! POST /recipe/session/regenerate (core-session.md 2.6, with the hole of its first step closed: decision 10).

use supertokens_domain::session::access_token::{AccessClaims, ParsedAccessToken, collides_strictly, is_expired, parse};
use supertokens_wire::cdi::session::{NO_SESSION, RegenerateSession, Regenerated};

use super::{kind, mint_refused, read_payload, session_object, token};
use crate::cx::Cx;
use crate::error::Error;
use crate::routes::{Scope, UseCase};

impl UseCase for RegenerateSession {
    const SCOPE: Scope = Scope::App;

    async fn run(self, cx: &Cx<'_>) -> Result<Regenerated, Error> {
        let unauthorised = |message: String| Ok(Regenerated::Unauthorised(message));
        let parsed = match parse(&self.access_token) {
            Ok(parsed) => parsed,
            Err(error) => return unauthorised(error.to_string()),
        };
        let claims = match parsed.claims() {
            Ok(claims) => claims,
            Err(error) => return unauthorised(error.to_string()),
        };
        let expired = is_expired(&claims, cx.now);
        if !is_genuine(cx, &parsed, expired).await? {
            return unauthorised("The access token was not signed by this core".to_owned());
        }
        cx.tenant_named(&claims.tenant).await?;
        let version = parsed.version();
        if cx.rules.protected_claims && self.payload.as_ref().is_some_and(|payload| collides_strictly(payload, version)) {
            return Err(Error::bad("The user payload contains protected field"));
        }
        let (app, tenant, handle) = (cx.at().app.clone(), claims.tenant.clone(), claims.session_handle.clone());
        let row = cx.db().read(async move |tx| tx.session(&app, &tenant, &handle).await).await?;
        let Some(row) = row.filter(|row| row.expires_at > cx.now) else { return unauthorised(NO_SESSION.to_owned()) };
        let payload = match self.payload {
            Some(payload) => payload,
            None => read_payload(&row.jwt_user_payload)?,
        };
        if cx.rules.protected_claims && collides_strictly(&payload, version) {
            return Err(Error::bad("The user payload contains protected field"));
        }
        let text = payload.to_text();
        let fresh = AccessClaims { issued_at: cx.now, payload, ..claims.clone() };
        let minted =
            if expired { None } else { Some(cx.mint(&fresh, version, kind(row.use_static_key)).await?.map_err(mint_refused)?) };
        let (app, tenant, handle, now) = (cx.at().app.clone(), claims.tenant, claims.session_handle, cx.now);
        let updated = cx.db().single(async move |tx| tx.update_jwt_payload(&app, &tenant, &handle, &text, now).await).await?;
        if !updated {
            return unauthorised(NO_SESSION.to_owned());
        }
        Ok(Regenerated::Ok { session: Box::new(session_object(&fresh)), access: minted.map(token) })
    }
}

/// Was the token signed by a key of ours? A key that is no longer published signed only tokens that have expired: such a token is
/// believed, but nothing is signed for it.
async fn is_genuine(cx: &Cx<'_>, parsed: &ParsedAccessToken<'_>, expired: bool) -> Result<bool, Error> {
    let (keys, policy) = cx.keys().await?;
    let mut published = keys.published(&policy, cx.now);
    let names = |key: &supertokens_domain::session::signing_key::VerifyingKey| parsed.kid().is_none_or(|kid| kid == key.kid());
    if !published.iter().any(|key| names(key) && parsed.signed_by(key))
        && !published.iter().any(|key| parsed.kid() == Some(key.kid()))
        && let Some(keys) = cx.core.keys.reload(&cx.at().app, &cx.key_settings()?, cx.now).await?
    {
        published = keys.published(&policy, cx.now);
    }
    let mut known = published.iter().filter(|key| names(key)).peekable();
    if parsed.kid().is_some() && known.peek().is_none() {
        return Ok(expired);
    }
    Ok(known.any(|key| parsed.signed_by(key)) || (parsed.kid().is_none() && expired))
}

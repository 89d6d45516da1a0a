//! POST /recipe/session/verify (core-session.md 2.4): no round trip without the database, one with it; two more where an old SDK's
//! token makes its refresh token the current one.

use std::sync::Arc;

use supertokens_domain::ids::AppId;
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{AccessClaims, AccessTokenVersion, MintError, mintable, parse};
use supertokens_domain::session::anti_csrf::AntiCsrfCheck;
use supertokens_domain::session::rotation::StoredSession;
use supertokens_domain::session::verify_row::{
    DatabaseCheck, Promoted, Promotion, RowRefusal, decide_verify_promotion, decide_verify_start, decide_verify_stateless,
};
use supertokens_domain::time::Millis;
use supertokens_store::{StoreError, Tx};
use supertokens_wire::cdi::session::{Token, Verified, VerifySession};
use supertokens_wire::version::RotationRule;

use super::{columns, kind, mint_refused, payload_of, session_object, stored, token};
use crate::cx::Cx;
use crate::error::Error;
use crate::ports::Clock;
use crate::use_case::{Scope, UseCase};

impl UseCase for VerifySession {
    const SCOPE: Scope = Scope::Verifying;

    async fn run(self, cx: &Cx<'_>) -> Result<Verified, Error> {
        let check_database = match self.check_database {
            Some(check) => check,
            None => cx.config()?.access_token_blacklisting,
        };
        let check = AntiCsrfCheck::new(self.enable_anti_csrf, self.do_anti_csrf_check, self.anti_csrf_token.as_deref());
        let claims = match cx.verify_access_token(&self.access_token, check).await? {
            Ok(claims) => claims,
            Err(error) => return Ok(Verified::TryRefreshToken { message: error.to_string(), keys: cx.legacy_keys().await? }),
        };
        cx.tenant_named(&claims.tenant).await?;
        let row = if check_database { Some(row(cx, &claims).await?) } else { None };
        let found = row.as_ref().map_or(DatabaseCheck::Skipped, |row| DatabaseCheck::Read(row.as_ref()));
        match cx.rules.rotation {
            RotationRule::AtRefresh => match decide_verify_stateless(&claims, found, cx.now) {
                Ok(available) => ok(cx, &claims, None, available).await,
                Err(refusal) => Ok(unauthorised(refusal)),
            },
            RotationRule::ParentChild => match decide_verify_start(&claims, found, cx.now) {
                Ok(Promotion::NotNeeded) => ok(cx, &claims, None, None).await,
                Ok(Promotion::LockRow { payload_changed }) => promote(cx, &self.access_token, claims, payload_changed).await,
                Err(refusal) => Ok(unauthorised(refusal)),
            },
        }
    }
}

async fn ok(cx: &Cx<'_>, claims: &AccessClaims, access: Option<Token>, available: Option<bool>) -> Result<Verified, Error> {
    Ok(Verified::Ok {
        session: Box::new(session_object(claims)),
        access,
        payload_update_available: available,
        keys: cx.legacy_keys().await?,
    })
}

fn unauthorised(refusal: RowRefusal) -> Verified {
    Verified::Unauthorised(match refusal {
        RowRefusal::Ended => "Either the session has ended or has been blacklisted",
        RowRefusal::Missing => "Session missing in db",
        RowRefusal::RotatedOut => "rotated-out token branch; refresh required",
    })
}

async fn row(cx: &Cx<'_>, claims: &AccessClaims) -> Result<Option<StoredSession>, Error> {
    let (app, tenant, handle) = (cx.at().app.clone(), claims.tenant.clone(), claims.session_handle.clone());
    let found = cx.db().read(async move |tx| tx.session(&app, &tenant, &handle).await).await?;
    Ok(found.map(|row| stored(row, &claims.tenant)))
}

/// What was found under the lock.
enum Locked {
    Refused(RowRefusal),
    OldGeneration,
    Unsignable(MintError),
    Remint { payload: JsonObject, use_static_key: bool },
}

/// What the transaction needs.
struct Attempt {
    app: AppId,
    clock: Arc<dyn Clock>,
    claims: AccessClaims,
    version: AccessTokenVersion,
    payload_changed: bool,
    refresh_validity: Millis,
}

impl Attempt {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Locked, StoreError> {
        let (tenant, handle) = (&self.claims.tenant, &self.claims.session_handle);
        let row = tx.session_locked(&self.app, tenant, handle).await?.map(|locked| stored(locked.session, tenant));
        let now = self.clock.now();
        let decision = decide_verify_promotion(row.as_ref(), &self.claims, self.payload_changed, self.refresh_validity, now);
        Ok(match (decision, row) {
            (Err(refusal), _) => Locked::Refused(refusal),
            (Ok(_), None) => Locked::Refused(RowRefusal::Missing),
            (Ok(Promoted::OldGeneration), _) => Locked::OldGeneration,
            (Ok(Promoted::Remint { rotation }), Some(row)) => {
                // Before anything is written: a promotion whose token cannot be made would leave the client with a token of the past.
                let payload = payload_of(&row)?;
                if let Err(error) = mintable(&payload, self.version) {
                    return Ok(Locked::Unsignable(error));
                }
                if let Some(rotation) = &rotation {
                    tx.rotate_session(&self.app, tenant, handle, &columns(rotation)).await?;
                }
                Locked::Remint { payload, use_static_key: row.use_static_key }
            }
        })
    }
}

async fn promote(cx: &Cx<'_>, access_token: &str, claims: AccessClaims, payload_changed: bool) -> Result<Verified, Error> {
    let attempt = Arc::new(Attempt {
        app: cx.at().app.clone(),
        clock: Arc::clone(&cx.core.clock),
        claims,
        version: parse(access_token).map(|token| token.version()).map_err(Error::fault)?,
        payload_changed,
        refresh_validity: cx.config()?.refresh_token_validity_ms(),
    });
    let inside = Arc::clone(&attempt);
    let turn = cx.turn(&attempt.claims.session_handle).await?;
    let locked = cx.db().tx(async move |tx| inside.run(tx).await).await?;
    drop(turn);
    let claims = &attempt.claims;
    match locked {
        Locked::Refused(refusal) => Ok(unauthorised(refusal)),
        Locked::Unsignable(error) => Err(mint_refused(error)),
        Locked::OldGeneration => ok(cx, claims, None, None).await,
        Locked::Remint { payload, use_static_key } => {
            let (claims, access) = remint(cx, claims, payload, attempt.version, use_static_key).await?;
            ok(cx, &claims, Some(access), None).await
        }
    }
}

/// The same token with the stored payload, no parent, and a whole new life without jitter.
async fn remint(
    cx: &Cx<'_>,
    old: &AccessClaims,
    payload: JsonObject,
    version: AccessTokenVersion,
    use_static_key: bool,
) -> Result<(AccessClaims, Token), Error> {
    let claims = AccessClaims {
        parent_refresh_token_hash1: None,
        expires_at: cx.now.saturating_add(cx.config()?.access_token_validity_ms()),
        issued_at: cx.now,
        payload,
        ..old.clone()
    };
    // The oldest format was always signed by the rotating key.
    let kind = kind(use_static_key && version != AccessTokenVersion::V1);
    let minted = cx.mint(&claims, version, kind).await?.map_err(mint_refused)?;
    Ok((claims, token(minted)))
}

//! Sessions: load, decide, save, answer (core-session.md 1 and 2). What is decided is in `supertokens_domain::session`; this file and
//! its folder do the rest.

mod create;
mod data;
mod jwt;
mod refresh;
mod regenerate;
mod remove;
mod turns;
mod verify;

pub(crate) use turns::SessionTurns;

use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::access_token::{AccessClaims, AccessTokenVersion, MintError, Minted, VerifyError, mint};
use supertokens_domain::session::anti_csrf::AntiCsrfCheck;
use supertokens_domain::session::key_schedule::STATIC_KEY_LEGACY_EXPIRY;
use supertokens_domain::session::lifetime::{jittered, may_override};
use supertokens_domain::session::rotation::{Rotation, StoredSession};
use supertokens_domain::session::{access_token, refresh_token};
use supertokens_domain::time::Millis;
use supertokens_store::{RotationColumns, SessionRow, StoreError};
use supertokens_wire::cdi::jwt as wire_jwt;
use supertokens_wire::cdi::session as wire;
use supertokens_wire::version::LegacyKeys;

use crate::cx::Cx;
use crate::error::Error;
use crate::keys::Kind;
use crate::use_case::Route;

/// What this recipe answers.
pub const ROUTES: &[Route] = &[
    Route::of::<wire::CreateSession>(),
    Route::of::<wire::GetSession>(),
    Route::of::<wire::VerifySession>(),
    Route::of::<wire::RefreshSession>(),
    Route::of::<wire::RegenerateSession>(),
    Route::of::<wire::RemoveSessions>(),
    Route::of::<wire::ListSessions>(),
    Route::of::<wire::GetSessionData>(),
    Route::of::<wire::PutSessionData>(),
    Route::of::<wire::GetJwtData>(),
    Route::of::<wire::PutJwtData>(),
    Route::of::<wire_jwt::Handshake>(),
    Route::of::<wire_jwt::CreateJwt>(),
    Route::of::<wire_jwt::GetJwks>(),
    Route::of::<wire_jwt::GetWellKnownJwks>(),
];

/// A row as the rules want to see it.
fn stored(row: SessionRow, tenant: &TenantId) -> StoredSession {
    StoredSession {
        user_id: row.user_id,
        current_hash2: row.refresh_token_hash_2,
        prev_hash2: row.prev_refresh_token_hash_2,
        rotated_at: row.refresh_token_rotated_at,
        session_data: row.session_data,
        jwt_payload: row.jwt_user_payload,
        expires_at: row.expires_at,
        created_at: row.created_at_time,
        use_static_key: row.use_static_key,
        handle: SessionHandle::presented(row.session_handle),
        tenant: tenant.clone(),
    }
}

/// The payload of a row, inside a transaction.
fn payload_of(row: &StoredSession) -> Result<JsonObject, StoreError> {
    row.payload().map_err(|_| StoreError::Corrupt {
        table: "session_info".to_owned(),
        column: "jwt_user_payload".to_owned(),
        key: row.handle.to_string(),
    })
}

fn columns(rotation: &Rotation) -> RotationColumns {
    RotationColumns {
        current_hash2: rotation.current_hash2.clone(),
        prev_hash2: rotation.prev_hash2.clone(),
        rotated_at: rotation.rotated_at,
        expires_at: rotation.expires_at,
        use_static_key: rotation.use_static_key,
    }
}

/// A payload from the database. One that cannot be read is our fault, never the caller's.
fn read_payload(text: &str) -> Result<JsonObject, Error> {
    JsonObject::parse(text).map_err(|_| Error::fault("a session's stored JSON cannot be read"))
}

fn kind(use_static_key: bool) -> Kind {
    if use_static_key { Kind::Static } else { Kind::Dynamic }
}

fn session_object(claims: &AccessClaims) -> wire::SessionObject {
    wire::SessionObject {
        handle: claims.session_handle.clone(),
        user_id: claims.user_id.clone(),
        recipe_user_id: claims.recipe_user_id.clone(),
        payload: claims.payload.clone(),
        tenant: claims.tenant.clone(),
    }
}

fn token(minted: Minted) -> wire::Token {
    wire::Token { token: minted.token, expiry: minted.expires_at, created: minted.issued_at }
}

/// The text of a new payload, as it is to be stored.
///
/// # Errors
/// 400 if no access token should be as large as it makes one.
fn payload_text(payload: &JsonObject) -> Result<String, Error> {
    let text = payload.to_text();
    access_token::payload_fits(text.len()).map_err(|refused| Error::bad(refused.to_string()))?;
    Ok(text)
}

/// A payload that cannot be signed is the caller's fault; everything else is ours.
fn mint_refused(error: MintError) -> Error {
    match error {
        MintError::ProtectedClaim | MintError::NumberTooLarge => Error::bad(error.to_string()),
        MintError::Signing(_) => Error::fault(error),
    }
}

/// Everything that a new refresh token needs besides the claims.
struct Dice {
    nonce: String,
    iv: [u8; 12],
}

impl Cx<'_> {
    fn dice(&self) -> Dice {
        Dice { nonce: refresh_token::nonce_from_uuid(&self.uuid()), iv: self.random() }
    }

    /// How long a new access token lives, in ms: as asked for, or as configured less the jitter.
    fn access_token_life(&self, asked: Option<i64>) -> Result<Millis, Error> {
        let config = self.config()?;
        let configured = config.access_token_validity_ms();
        match asked {
            Some(asked) => may_override(asked, configured).map_err(|refused| Error::bad(refused.to_string())),
            None => Ok(jittered(configured, config.access_token_validity_jitter, self.unit())),
        }
    }

    async fn mint(
        &self,
        claims: &AccessClaims,
        version: AccessTokenVersion,
        kind: Kind,
    ) -> Result<Result<Minted, MintError>, Error> {
        let (keys, policy) = self.keys().await?;
        Ok(mint(claims, version, keys.signing(kind, &policy, self.now)?))
    }

    /// Is this access token genuine and valid? Keys are loaded once more if it names one that is not known.
    async fn verify_access_token(
        &self,
        token: &str,
        check: AntiCsrfCheck<'_>,
    ) -> Result<Result<AccessClaims, VerifyError>, Error> {
        let (keys, policy) = self.keys().await?;
        let first = access_token::verify(token, &keys.published(&policy, self.now), self.now, check);
        match first {
            Err(error) if error.may_pass_with_newer_keys() => match self.newer_keys().await? {
                Some(keys) => Ok(access_token::verify(token, &keys.published(&policy, self.now), self.now, check)),
                None => Ok(first),
            },
            _ => Ok(first),
        }
    }

    /// Public keys for SDKs that know no key set; nothing for the others.
    async fn legacy_keys(&self) -> Result<Option<wire::SigningKeys>, Error> {
        if self.rules.legacy_keys == LegacyKeys::Absent {
            return Ok(None);
        }
        let (keys, policy) = self.keys().await?;
        if !self.config()?.access_token_signing_key_dynamic {
            let key = keys.signing(Kind::Static, &policy, self.now)?.verifying();
            let created = keys.static_created();
            let published = wire::PublishedKey {
                public_key: key.public_base64().to_owned(),
                expiry: created.saturating_add(STATIC_KEY_LEGACY_EXPIRY),
                created,
            };
            // Quirk: ten years as a bare number, not counted from any instant.
            let expiry = STATIC_KEY_LEGACY_EXPIRY;
            return Ok(Some(wire::SigningKeys { public_key: published.public_key.clone(), expiry, all: vec![published] }));
        }
        let signing = keys.signing(Kind::Dynamic, &policy, self.now)?;
        let mut expiry = 0;
        let mut all = Vec::new();
        for (created, key) in keys.published_dynamic(&policy, self.now) {
            if key.kid() == signing.kid() {
                expiry = policy.legacy_expiry(created);
            }
            let public_key = key.verifying().public_base64().to_owned();
            all.push(wire::PublishedKey { public_key, expiry: policy.legacy_list_expiry(created), created });
        }
        Ok(Some(wire::SigningKeys { public_key: signing.verifying().public_base64().to_owned(), expiry, all }))
    }
}

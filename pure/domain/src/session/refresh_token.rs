//! Refresh tokens: sealed so that only a core can read them, and never trusted for more than finding the row
//! (core-session.md 4). Whether one is still good is for `rotation` to say; expiry is not in the token.
//!
//! Deriving the key of a token costs 100 rounds of PBKDF2 each time: the salt is the token's own.

mod successor;

use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA512, derive};
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, PAD_INDIFFERENT, STANDARD};
use base64::{DecodeError, Engine};

use super::hash::{equal, hex, sha256_hex};
use crate::ids::{SessionHandle, TenantId};
use crate::json::{Json, JsonObject};
use crate::secret::Secret;

pub use successor::seal_alike;

const IV: usize = 12;
const TAG: usize = 16;
const TOKEN_ROUNDS: NonZeroU32 = NonZeroU32::new(100).unwrap();
const KEY_ROUNDS: NonZeroU32 = NonZeroU32::new(1000).unwrap();

// Quirk: the last character may carry bits that mean nothing, and the padding may be left off. Such a spelling opens, but
// hashes differently from the token that was handed out, and so counts as reuse.
const LAX: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PAD_INDIFFERENT.with_decode_allow_trailing_bits(true));

/// The key of an app that seals its refresh tokens. Never rotated; losing it ends every session of the app.
#[derive(Clone, Debug)]
pub struct RefreshKey {
    stored: Secret<String>,
    /// Derived from it, once: see `successor`.
    successors: Secret<[u8; 32]>,
}

/// What a refresh token says.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshClaims {
    /// The session.
    pub session_handle: SessionHandle,
    /// The user, as the row has it.
    pub user_id: String,
    /// First hash of the token that was presented to obtain this one; none in the first token of a session.
    pub parent_hash1: Option<String>,
    /// Makes equal claims different tokens. See [`nonce_from_uuid`].
    pub nonce: String,
    /// The token that a browser must send besides the cookie.
    pub anti_csrf: Option<String>,
    /// The tenant.
    pub tenant: TenantId,
}

impl std::fmt::Debug for RefreshClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshClaims")
            .field("session_handle", &self.session_handle)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// Why a refresh token could not be read. `Display` is upstream's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshTokenError {
    /// The last part is no known version.
    #[error(
        "io.supertokens.session.refreshToken.RefreshToken$InvalidRefreshTokenFormatException: version of refresh token not recognised"
    )]
    UnknownVersion,
    /// Not three parts, but so many.
    #[error(
        "io.supertokens.session.refreshToken.RefreshToken$InvalidRefreshTokenFormatException: Refresh token split with dot yielded an array of length: {0}"
    )]
    Parts(usize),
    /// A character that standard base64 does not have.
    #[error("java.lang.IllegalArgumentException: Illegal base64 character {0:x}")]
    NotBase64(u8),
    /// Characters are left over at the end, or the padding is wrong.
    #[error("java.lang.IllegalArgumentException: Input byte array has wrong 4-byte ending unit")]
    BadBase64End,
    /// Shorter than what the seal needs to begin with.
    #[error("java.nio.BufferUnderflowException")]
    TooShort,
    /// Sealed with another key, or changed.
    #[error("javax.crypto.AEADBadTagException: Tag mismatch")]
    Tampered,
    /// Ours, but not what a refresh token must say.
    #[error("Invalid refresh token")]
    Invalid,
}

/// The library refused to seal: the claims are beyond all reason in size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealing the refresh token failed")]
pub struct SealFailed;

impl RefreshKey {
    /// The key as it stands in the database. Any text is used as it is.
    pub fn from_stored(stored: String) -> Self {
        Self { successors: successor::key_of_successors(&stored), stored: Secret::new(stored) }
    }

    /// A new key out of random bytes.
    pub fn generate(random: &[u8; 64], salt: &[u8; 64]) -> Self {
        let password = Secret::new(hex(random));
        let key = derived::<64>(KEY_ROUNDS, salt, &password);
        let derived_hex = Secret::new(hex(key.expose()));
        // Built in one piece, so that no shorter copy of it stays behind in freed memory.
        Self::from_stored(["1000:", &hex(salt), ":", derived_hex.expose()].concat())
    }

    /// The text to store.
    pub fn stored(&self) -> &str {
        self.stored.expose()
    }

    /// The key of one token.
    fn for_iv(&self, iv: [u8; IV]) -> Option<LessSafeKey> {
        let bytes = derived::<32>(TOKEN_ROUNDS, &iv, &self.stored);
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes.expose()).ok()?))
    }
}

fn derived<const N: usize>(rounds: NonZeroU32, salt: &[u8], password: &Secret<String>) -> Secret<[u8; N]> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    derive(PBKDF2_HMAC_SHA512, rounds, salt, password.expose().as_bytes(), &mut *bytes);
    Secret::new(*bytes)
}

/// The nonce that belongs to a random UUID.
pub fn nonce_from_uuid(uuid: &str) -> String {
    sha256_hex(uuid)
}

/// Makes a token. `iv` must be random and never used before with this key; [`seal_alike`] needs none.
pub fn seal(claims: &RefreshClaims, key: &RefreshKey, iv: [u8; IV]) -> Result<String, SealFailed> {
    seal_text(plaintext(claims), &claims.nonce, key, iv)
}

fn plaintext(claims: &RefreshClaims) -> String {
    let tenant = (!claims.tenant.is_default()).then(|| claims.tenant.as_str());
    JsonObject::new()
        .with("sessionHandle", claims.session_handle.as_str())
        .with("userId", claims.user_id.as_str())
        .with_some("parentRefreshTokenHash1", claims.parent_hash1.as_deref())
        .with("nonce", claims.nonce.as_str())
        .with_some("antiCsrfToken", claims.anti_csrf.as_deref())
        .with_some("tenantId", tenant)
        .to_text()
}

fn seal_text(text: String, nonce: &str, key: &RefreshKey, iv: [u8; IV]) -> Result<String, SealFailed> {
    let mut sealed = text.into_bytes();
    let tag = key
        .for_iv(iv)
        .ok_or(SealFailed)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), &mut sealed)
        .map_err(|_| SealFailed)?;
    let sealed = [iv.as_slice(), &sealed, tag.as_ref()].concat();
    Ok(format!("{}.{nonce}.V2", STANDARD.encode(sealed)))
}

/// Reads a token. No input makes it panic; every refusal means: not authorised.
pub fn open(token: &str, key: &RefreshKey) -> Result<RefreshClaims, RefreshTokenError> {
    // Quirk: dots at the end are not counted, and the version is compared without case.
    let token = token.trim_end_matches('.');
    let version = token.rsplit('.').next().unwrap_or_default();
    if !["V0", "V1", "V2"].iter().any(|known| known.eq_ignore_ascii_case(version)) {
        return Err(RefreshTokenError::UnknownVersion);
    }
    let mut parts = token.split('.');
    let (Some(sealed), Some(nonce), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(RefreshTokenError::Parts(token.split('.').count()));
    };
    let plain = unseal(sealed, key)?;
    let claims = read(plain.expose()).ok_or(RefreshTokenError::Invalid)?;
    if equal(&claims.nonce, nonce) { Ok(claims) } else { Err(RefreshTokenError::Invalid) }
}

fn unseal(sealed: &str, key: &RefreshKey) -> Result<Secret<Vec<u8>>, RefreshTokenError> {
    let sealed = LAX.decode(sealed).map_err(|error| match error {
        DecodeError::InvalidByte(_, b'=') => RefreshTokenError::BadBase64End,
        DecodeError::InvalidByte(_, byte) => RefreshTokenError::NotBase64(byte),
        _ => RefreshTokenError::BadBase64End,
    })?;
    let (iv, rest) = sealed.split_first_chunk::<IV>().ok_or(RefreshTokenError::TooShort)?;
    if rest.len() < TAG {
        return Err(RefreshTokenError::TooShort);
    }
    let mut rest = rest.to_vec();
    let key = key.for_iv(*iv).ok_or(RefreshTokenError::Tampered)?;
    let plain = key.open_in_place(Nonce::assume_unique_for_key(*iv), Aad::empty(), &mut rest);
    let length = plain.map_err(|_| RefreshTokenError::Tampered)?.len();
    rest.truncate(length);
    Ok(Secret::new(rest))
}

fn read(plain: &[u8]) -> Option<RefreshClaims> {
    let object = JsonObject::parse(std::str::from_utf8(plain).ok()?).ok()?;
    let text = |name: &str| object.get(name).and_then(Json::as_str).map(str::to_owned);
    Some(RefreshClaims {
        session_handle: SessionHandle::presented(text("sessionHandle")?),
        user_id: text("userId")?,
        parent_hash1: text("parentRefreshTokenHash1"),
        nonce: text("nonce")?,
        anti_csrf: text("antiCsrfToken"),
        tenant: text("tenantId").map_or_else(TenantId::default, |tenant| TenantId::normalise(&tenant)),
    })
}

#[cfg(test)]
mod tests;

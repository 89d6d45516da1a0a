//! Access tokens, versions 1 to 5: what they look like, and whether one is genuine (core-session.md 3).
//!
//! Checking needs no database: a token, the published keys, an instant. The texts of errors are upstream's.

mod size;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_NO_PAD};

pub use size::{MAX_ACCESS_TOKEN_BYTES, MAX_READ_ACCESS_TOKEN_BYTES, PayloadTooLarge, payload_fits};

use super::anti_csrf::{AntiCsrfCheck, AntiCsrfError};
use super::claim_text::{self, NumberTooLarge};
use super::signing_key::{SigningFailed, SigningKey, VerifyingKey};
pub use super::token_version::AccessTokenVersion;
use super::token_version::{HEADER_V1, HEADER_V2};
use crate::ids::{SessionHandle, TenantId};
use crate::json::{Json, JsonObject};
use crate::time::{Millis, SECOND};

/// What an access token says.
#[derive(Clone, PartialEq)]
pub struct AccessClaims {
    /// The session.
    pub session_handle: SessionHandle,
    /// The primary user's id; the recipe user's id where accounts are not linked.
    pub user_id: String,
    /// The id of the user of the recipe that signed in. Only V5 carries it; before, it is [`user_id`](Self::user_id).
    pub recipe_user_id: String,
    /// First hash of the refresh token that came with this access token.
    pub refresh_token_hash1: String,
    /// First hash of the refresh token that was presented for it; only in tokens of CDI 5.5 and below.
    pub parent_refresh_token_hash1: Option<String>,
    /// The token that a browser must send besides the cookie.
    pub anti_csrf: Option<String>,
    /// End of validity; whole seconds in a token from V3 on.
    pub expires_at: Millis,
    /// When it was made; whole seconds in a token from V3 on.
    pub issued_at: Millis,
    /// The tenant; public in tokens before V4.
    pub tenant: TenantId,
    /// The user's own claims.
    pub payload: JsonObject,
}

/// Shows neither hashes and the anti-CSRF token nor the user's own claims.
impl std::fmt::Debug for AccessClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessClaims")
            .field("session_handle", &self.session_handle)
            .field("tenant", &self.tenant)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A new access token. `token` is a secret: show it to nobody but the client.
#[derive(Clone, PartialEq, Eq)]
pub struct Minted {
    /// The token itself.
    pub token: String,
    /// Its end of validity as responses have it: whole seconds from V3 on.
    pub expires_at: Millis,
    /// Its time of making, likewise.
    pub issued_at: Millis,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted").field("expires_at", &self.expires_at).field("issued_at", &self.issued_at).finish_non_exhaustive()
    }
}

/// Why no token could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The user's payload names a claim that is ours.
    #[error("The user payload contains protected field")]
    ProtectedClaim,
    /// The user's payload holds an integer beyond 64 bits, or a number beyond doubles.
    #[error("The user payload contains a number that is too large")]
    NumberTooLarge,
    /// See [`SigningFailed`].
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

impl From<NumberTooLarge> for MintError {
    fn from(_: NumberTooLarge) -> Self {
        Self::NumberTooLarge
    }
}

/// What is wrong with a token before any key is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// It does not have the form of a token; the text says where.
    #[error("io.supertokens.session.jwt.JWT$JWTException: {0}")]
    Structure(&'static str),
    /// This claim is not there, or not of its type.
    #[error("Access token does not contain all the information. Maybe the structure has changed? {0}")]
    MissingClaim(&'static str),
}

/// Why a token is not accepted. `Display` is upstream's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Form or claims.
    #[error(transparent)]
    Token(#[from] AccessTokenError),
    /// None of the keys has this name. The caller may load keys once more and try again.
    #[error("Key not found")]
    UnknownKey,
    /// A token without a key id (V1, V2) fits none of the keys. Here too, newer keys may help.
    #[error("io.supertokens.session.jwt.JWT$JWTException: JWT verification failed")]
    NoKeyFits,
    /// The key is known and the signature is not its own.
    #[error("io.supertokens.session.jwt.JWT$JWTException: JWT verification failed")]
    BadSignature,
    /// Genuine, but over.
    #[error("Access token expired")]
    Expired,
    /// Genuine, but see the anti-CSRF token.
    #[error(transparent)]
    AntiCsrf(#[from] AntiCsrfError),
}

impl VerifyError {
    /// Could a key that was made since the keys were loaded change the answer?
    pub fn may_pass_with_newer_keys(self) -> bool {
        matches!(self, Self::UnknownKey | Self::NoKeyFits)
    }
}

/// The claims that are ours: they must be in a token, and a user's payload may not name them.
pub fn protected_claims(version: AccessTokenVersion) -> &'static [&'static str] {
    const V5: [&str; 9] =
        ["sub", "exp", "iat", "sessionHandle", "refreshTokenHash1", "parentRefreshTokenHash1", "antiCsrfToken", "tId", "rsub"];
    const LEGACY: [&str; 5] = ["userId", "expiryTime", "timeCreated", "sessionHandle", "refreshTokenHash1"];
    match version {
        AccessTokenVersion::V1 | AccessTokenVersion::V2 => &LEGACY,
        AccessTokenVersion::V3 => V5.split_at(7).0,
        AccessTokenVersion::V4 => V5.split_at(8).0,
        AccessTokenVersion::V5 => &V5,
    }
}

/// Does the payload name a claim that minting this version writes itself? Never so for V1 and V2, which nest the payload.
pub fn collides(payload: &JsonObject, version: AccessTokenVersion) -> bool {
    !version.is_legacy() && collides_strictly(payload, version)
}

/// Does the payload name a protected claim of this version? Regenerating from CDI 2.21 on refuses that.
// Quirk: unlike minting, this includes V1 and V2, although there the payload is nested and could do no harm.
pub fn collides_strictly(payload: &JsonObject, version: AccessTokenVersion) -> bool {
    protected_claims(version).iter().any(|name| payload.contains(name))
}

/// Could a token of this version carry the payload? To be asked before anything is stored or rotated: a session whose payload cannot be
/// signed cannot be refreshed any more.
pub fn mintable(payload: &JsonObject, version: AccessTokenVersion) -> Result<(), MintError> {
    // V1 and V2 nest the payload as it is.
    if version.is_legacy() {
        return Ok(());
    }
    if collides(payload, version) {
        return Err(MintError::ProtectedClaim);
    }
    Ok(claim_text::check_members(payload.iter())?)
}

/// Makes and signs a token. Byte for byte what upstream makes of the same claims and key.
pub fn mint(claims: &AccessClaims, version: AccessTokenVersion, key: &SigningKey) -> Result<Minted, MintError> {
    if collides(&claims.payload, version) {
        return Err(MintError::ProtectedClaim);
    }
    let header = key.access_header(version);
    if version.is_legacy() {
        let token = sign(header, &legacy_body(claims), &STANDARD, key)?;
        return Ok(Minted { token, expires_at: claims.expires_at, issued_at: claims.issued_at });
    }
    let (expires, issued) = (claims.expires_at.div_euclid(SECOND), claims.issued_at.div_euclid(SECOND));
    let mut body = JsonObject::new().with("iat", issued).with("exp", expires).with("sub", claims.user_id.as_str());
    if version >= AccessTokenVersion::V4 {
        body.insert("tId", claims.tenant.as_str());
    }
    if version >= AccessTokenVersion::V5 {
        body.insert("rsub", claims.recipe_user_id.as_str());
    }
    body.insert("sessionHandle", claims.session_handle.as_str());
    body.insert("refreshTokenHash1", claims.refresh_token_hash1.as_str());
    body.insert("parentRefreshTokenHash1", or_null(claims.parent_refresh_token_hash1.as_deref()));
    body.insert("antiCsrfToken", or_null(claims.anti_csrf.as_deref()));
    let mut text = String::from("{");
    body.write_members(&mut text);
    claim_text::write_members(claims.payload.iter(), &mut text)?;
    text.push('}');
    let token = sign(header, &text, &URL_SAFE_NO_PAD, key)?;
    Ok(Minted { token, expires_at: expires.saturating_mul(SECOND), issued_at: issued.saturating_mul(SECOND) })
}

fn legacy_body(claims: &AccessClaims) -> String {
    JsonObject::new()
        .with("userId", claims.user_id.as_str())
        .with("expiryTime", claims.expires_at)
        .with("timeCreated", claims.issued_at)
        .with("sessionHandle", claims.session_handle.as_str())
        .with("refreshTokenHash1", claims.refresh_token_hash1.as_str())
        .with_some("parentRefreshTokenHash1", claims.parent_refresh_token_hash1.as_deref())
        .with_some("antiCsrfToken", claims.anti_csrf.as_deref())
        .with("userData", claims.payload.clone())
        .to_text()
}

/// Puts the three parts together: an encoded header, the text of the claims, and a signature over both.
pub(crate) fn sign(header: &str, claims: &str, encoding: &impl Engine, key: &SigningKey) -> Result<String, SigningFailed> {
    let mut token = String::with_capacity(header.len() + claims.len() / 3 * 4 + 360);
    token.push_str(header);
    token.push('.');
    encoding.encode_string(claims, &mut token);
    let signature = key.sign(&token)?;
    token.push('.');
    encoding.encode_string(signature, &mut token);
    Ok(token)
}

fn or_null(text: Option<&str>) -> Json {
    text.map_or(Json::Null, Json::from)
}

/// A token whose form and header are in order. Nothing in it is to be trusted before [`signed_by`](Self::signed_by).
#[derive(Clone)]
pub struct ParsedAccessToken<'a> {
    version: AccessTokenVersion,
    kid: Option<String>,
    signed: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl std::fmt::Debug for ParsedAccessToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParsedAccessToken").field("version", &self.version).field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Reads form and header of a token. Only `typ`, `alg`, `version` and `kid` of the header are looked at: a key that a token
/// brings along or points to is no key.
pub fn parse(token: &str) -> Result<ParsedAccessToken<'_>, AccessTokenError> {
    // Quirk: dots at the end are not counted, so a token with some behind it is the same token.
    let token = token.trim_end_matches('.');
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(AccessTokenError::Structure("Invalid JWT"));
    };
    let (signed, _) = token.rsplit_once('.').ok_or(AccessTokenError::Structure("Invalid JWT"))?;
    let (version, kid) = match header {
        HEADER_V1 => (AccessTokenVersion::V1, None),
        HEADER_V2 => (AccessTokenVersion::V2, None),
        header => {
            let (version, kid) = read_header(header).map_err(AccessTokenError::Structure)?;
            (version, Some(kid))
        }
    };
    Ok(ParsedAccessToken { version, kid, signed, claims, signature })
}

fn read_header(part: &str) -> Result<(AccessTokenVersion, String), &'static str> {
    let header = object(part).ok_or("Invalid JWT")?;
    match member_text(&header, "typ") {
        None => return Err("JWT header missing - typ"),
        Some(Some("JWT")) => {}
        Some(_) => return Err("JWT header mismatch - typ"),
    }
    match member_text(&header, "alg") {
        None => return Err("JWT header missing - alg"),
        Some(Some("RS256")) => {}
        Some(_) => return Err("JWT header mismatch - alg"),
    }
    let version = match header.get("version").map(Json::as_str) {
        // Of the JWT recipe, whose claims are a caller's choice and may be those of a session. Every core writes a version into its access
        // tokens; upstream reads such a one as the newest kind all the same.
        None => Err("JWT header missing - version"),
        Some(None | Some("1" | "2")) => return Err("JWT header mismatch - version"),
        Some(Some("3")) => Ok(AccessTokenVersion::V3),
        Some(Some("4")) => Ok(AccessTokenVersion::V4),
        Some(Some("5")) => Ok(AccessTokenVersion::V5),
        Some(Some(_)) => Err("JWT header mismatch - version"),
    };
    let kid = match member_text(&header, "kid") {
        None => return Err("JWT header missing - kid"),
        Some(None) => return Err("JWT header mismatch - kid"),
        Some(Some(kid)) => kid.to_owned(),
    };
    // An unknown number is told only after a bad kid: that is upstream's order.
    Ok((version?, kid))
}

/// The member's text: `None` if it is not there or cannot be text at all, `Some(None)` if it is a number or a boolean.
fn member_text<'a>(header: &'a JsonObject, name: &str) -> Option<Option<&'a str>> {
    match header.get(name)? {
        Json::String(text) => Some(Some(text)),
        Json::Number(_) | Json::Bool(_) => Some(None),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Base64 of either alphabet, padded or not, of a JSON object.
fn object(part: &str) -> Option<JsonObject> {
    let bytes = if part.contains(['-', '_']) {
        STANDARD_PAD_INDIFFERENT.decode(part.replace('-', "+").replace('_', "/"))
    } else {
        STANDARD_PAD_INDIFFERENT.decode(part)
    };
    JsonObject::parse(std::str::from_utf8(&bytes.ok()?).ok()?).ok()
}

impl ParsedAccessToken<'_> {
    /// The name of the key that is said to have signed it; tokens of V1 and V2 name none.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The layout.
    pub fn version(&self) -> AccessTokenVersion {
        self.version
    }

    /// Is the signature that of this key? The name of the key plays no part here.
    ///
    /// The signature must be encoded as minting encodes it. A laxer reading would give one token several spellings.
    pub fn signed_by(&self, key: &VerifyingKey) -> bool {
        let signature =
            if self.version.is_legacy() { STANDARD.decode(self.signature) } else { URL_SAFE_NO_PAD.decode(self.signature) };
        signature.is_ok_and(|signature| key.verifies(self.signed, &signature))
    }

    /// What the token says. Checks neither signature nor expiry.
    pub fn claims(&self) -> Result<AccessClaims, AccessTokenError> {
        let mut body = object(self.claims).ok_or(AccessTokenError::Structure("Invalid JWT"))?;
        if let Some(missing) = protected_claims(self.version).iter().find(|name| !body.contains(name)) {
            return Err(AccessTokenError::MissingClaim(missing));
        }
        if self.version.is_legacy() { legacy_claims(&mut body) } else { modern_claims(body, self.version) }
    }
}

fn legacy_claims(body: &mut JsonObject) -> Result<AccessClaims, AccessTokenError> {
    let payload = match body.remove("userData") {
        Some(Json::Object(payload)) => payload,
        None => JsonObject::new(),
        Some(_) => return Err(AccessTokenError::MissingClaim("userData")),
    };
    let user_id = take_text(body, "userId")?;
    Ok(AccessClaims {
        session_handle: SessionHandle::presented(take_name(body, "sessionHandle")?),
        recipe_user_id: user_id.clone(),
        user_id,
        refresh_token_hash1: take_text(body, "refreshTokenHash1")?,
        parent_refresh_token_hash1: take_optional_text(body, "parentRefreshTokenHash1")?,
        anti_csrf: take_optional_text(body, "antiCsrfToken")?,
        expires_at: take_integer(body, "expiryTime")?,
        issued_at: take_integer(body, "timeCreated")?,
        tenant: TenantId::default(),
        payload,
    })
}

fn modern_claims(mut body: JsonObject, version: AccessTokenVersion) -> Result<AccessClaims, AccessTokenError> {
    let seconds = |seconds: i64, name| seconds.checked_mul(SECOND).ok_or(AccessTokenError::MissingClaim(name));
    let user_id = take_text(&mut body, "sub")?;
    // In a token of an older version these two names are claims of the user.
    let tenant = match version >= AccessTokenVersion::V4 {
        true => TenantId::normalise(&take_name(&mut body, "tId")?),
        false => TenantId::default(),
    };
    let recipe_user_id = if version >= AccessTokenVersion::V5 { take_text(&mut body, "rsub")? } else { user_id.clone() };
    Ok(AccessClaims {
        session_handle: SessionHandle::presented(take_name(&mut body, "sessionHandle")?),
        user_id,
        recipe_user_id,
        refresh_token_hash1: take_text(&mut body, "refreshTokenHash1")?,
        parent_refresh_token_hash1: take_optional_text(&mut body, "parentRefreshTokenHash1")?,
        anti_csrf: take_optional_text(&mut body, "antiCsrfToken")?,
        expires_at: seconds(take_integer(&mut body, "exp")?, "exp")?,
        issued_at: seconds(take_integer(&mut body, "iat")?, "iat")?,
        tenant,
        payload: body,
    })
}

fn take_text(body: &mut JsonObject, name: &'static str) -> Result<String, AccessTokenError> {
    match body.remove(name) {
        Some(Json::String(text)) => Ok(text),
        _ => Err(AccessTokenError::MissingClaim(name)),
    }
}

/// A text by which a row is looked for. PostgreSQL knows no text with U+0000, so there is no such row.
fn take_name(body: &mut JsonObject, name: &'static str) -> Result<String, AccessTokenError> {
    take_text(body, name).and_then(|text| if text.contains('\0') { Err(AccessTokenError::MissingClaim(name)) } else { Ok(text) })
}

fn take_optional_text(body: &mut JsonObject, name: &'static str) -> Result<Option<String>, AccessTokenError> {
    match body.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(AccessTokenError::MissingClaim(name)),
    }
}

fn take_integer(body: &mut JsonObject, name: &'static str) -> Result<i64, AccessTokenError> {
    body.remove(name).as_ref().and_then(Json::as_i64).ok_or(AccessTokenError::MissingClaim(name))
}

/// Is its time over? The last millisecond still counts.
pub fn is_expired(claims: &AccessClaims, now: Millis) -> bool {
    claims.expires_at < now
}

/// Is this token genuine, valid now, and sent by whom it was given to? `keys` are the published ones, newest first.
pub fn verify(
    token: &str,
    keys: &[VerifyingKey],
    now: Millis,
    anti_csrf: AntiCsrfCheck<'_>,
) -> Result<AccessClaims, VerifyError> {
    let token = parse(token)?;
    match token.kid() {
        Some(kid) => {
            let key = keys.iter().find(|key| key.kid() == kid).ok_or(VerifyError::UnknownKey)?;
            if !token.signed_by(key) {
                return Err(VerifyError::BadSignature);
            }
        }
        None if !keys.iter().any(|key| token.signed_by(key)) => return Err(VerifyError::NoKeyFits),
        None => {}
    }
    let claims = token.claims()?;
    if is_expired(&claims, now) {
        return Err(VerifyError::Expired);
    }
    anti_csrf.apply(claims.anti_csrf.as_deref())?;
    Ok(claims)
}

#[cfg(test)]
mod tests;

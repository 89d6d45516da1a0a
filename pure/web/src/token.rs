//! Is this text one of our access tokens, what does it say, and did this key sign it? (sdk-session.md 6.3, 6.4, 6.5)
//!
//! Parsing reads form and structure and trusts nothing: a token that fails here "does not look like ours" and counts as absent.
//! Only RS256 is ever verified, whatever a header says, and a key that a token brings along (`jwk`, `jku`, `x5u`) is no key.
//! A token of more than [`MAX_LENGTH`] bytes is refused unread.

mod members;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_NO_PAD, URL_SAFE_PAD_INDIFFERENT};
use serde_json::value::RawValue;
use supertokens_domain::session::signing_key::VerifyingKey;
use supertokens_domain::time::{Millis, SECOND};

use self::members::Scalar;
use crate::payload::Payload;

/// The longest token that is looked at, in bytes: longer than any that is written, see `access_token::MAX_ACCESS_TOKEN_BYTES`.
pub const MAX_LENGTH: usize = supertokens_domain::session::access_token::MAX_READ_ACCESS_TOKEN_BYTES;

/// The two first parts that a V2 token may have. Compared as text, never decoded.
const LEGACY_HEADERS: [&str; 2] =
    ["eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIxIn0=", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0="];

/// The tenant of a token that names none.
const PUBLIC_TENANT: &str = "public";

/// The layout of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenVersion {
    /// No key id, times in milliseconds, the application's claims in a member of their own.
    V2,
    /// Key id; the application's claims stand beside ours.
    V3,
    /// With the tenant.
    V4,
    /// With the recipe user id. Every later version is read as this one.
    V5,
}

/// Why a text is not one of our access tokens. Never shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// More than [`MAX_LENGTH`] bytes.
    #[error("the access token is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Not three parts with dots between them.
    #[error("the access token does not have three parts")]
    NotThreeParts,
    /// The first part is not base64 of a JSON object, or lacks what a header must have.
    #[error("the access token's header is not that of a session: {0}")]
    Header(&'static str),
    /// The second part is not base64 of a JSON object with every name once.
    #[error("the access token's payload is not a JSON object")]
    Payload,
    /// The payload lacks this member, or has it with another type.
    #[error("the access token's payload has no proper {0}")]
    Member(&'static str),
}

/// What an access token says.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenClaims {
    /// The layout.
    pub version: TokenVersion,
    /// The primary user's id; the recipe user's id where accounts are not linked.
    pub user_id: String,
    /// The id of the user that signed in; [`user_id`](Self::user_id) where the token has none.
    pub recipe_user_id: String,
    /// The tenant; `public` before V4.
    pub tenant_id: String,
    /// The session.
    pub session_handle: String,
    /// First hash of the refresh token that came with this access token.
    pub refresh_token_hash1: String,
    /// First hash of the refresh token that was presented for it. As long as a token has one, the core must be asked.
    pub parent_refresh_token_hash1: Option<String>,
    /// The token that a browser must send besides the cookie.
    pub anti_csrf_token: Option<String>,
    /// End of validity.
    pub expires_at: Millis,
    /// When it was made.
    pub issued_at: Millis,
    /// Before this it is not valid. A token that has the member without a number in it is never valid.
    pub not_before: Option<Millis>,
    /// A JSON object as text: the whole payload from V3 on, `userData` of a V2.
    pub payload_text: Box<str>,
    /// Is the key that it names one of those that change? `None` for a V2, which names none.
    pub signed_by_dynamic_key: Option<bool>,
}

/// A token whose form and structure are in order. Nothing in it is to be trusted before [`signed_by`](Self::signed_by).
#[derive(Clone)]
pub struct ParsedToken<'a> {
    kid: Option<String>,
    /// RS256, and no extension that a reader would have to understand.
    verifiable: bool,
    signed: &'a str,
    signature: &'a str,
    claims: TokenClaims,
}

/// Reads form, header and structure of a token.
pub fn parse(token: &str) -> Result<ParsedToken<'_>, BadToken> {
    if token.len() > MAX_LENGTH {
        return Err(BadToken::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(BadToken::NotThreeParts)?;
    let (header, payload) = signed.split_once('.').ok_or(BadToken::NotThreeParts)?;
    if payload.contains('.') {
        return Err(BadToken::NotThreeParts);
    }
    if LEGACY_HEADERS.contains(&header) {
        let claims = legacy_claims(&decode(payload).ok_or(BadToken::Payload)?)?;
        return Ok(ParsedToken { kid: None, verifiable: true, signed, signature, claims });
    }
    let header = Header::read(header)?;
    let payload = decode(payload).ok_or(BadToken::Payload)?;
    let claims = modern_claims(payload, header.version, header.kid.starts_with("d-"))?;
    Ok(ParsedToken { kid: Some(header.kid), verifiable: header.verifiable, signed, signature, claims })
}

/// Base64 of either alphabet, padded or not, of UTF-8.
fn decode(part: &str) -> Option<String> {
    let bytes = URL_SAFE_PAD_INDIFFERENT.decode(part).or_else(|_| STANDARD_PAD_INDIFFERENT.decode(part));
    String::from_utf8(bytes.ok()?).ok()
}

struct Header {
    version: TokenVersion,
    kid: String,
    verifiable: bool,
}

impl Header {
    fn read(part: &str) -> Result<Self, BadToken> {
        let text = decode(part).ok_or(BadToken::Header("not base64"))?;
        let members = members::read(&text, ["typ", "alg", "version", "kid", "crit"]);
        let [typ, alg, version, kid, crit] = members.ok_or(BadToken::Header("not a JSON object"))?;
        if !is_text(typ.as_ref(), "JWT") {
            return Err(BadToken::Header("typ is not JWT"));
        }
        let version = match version {
            // Every core writes one. The JWT recipe does not: whoever may have such tokens made may not make sessions.
            None => return Err(BadToken::Header("no version")),
            Some(Scalar::Text(text)) => version_of(&text).ok_or(BadToken::Header("version is not a number from 3 on"))?,
            Some(_) => return Err(BadToken::Header("version is not a string")),
        };
        let Some(Scalar::Text(kid)) = kid else { return Err(BadToken::Header("no kid")) };
        // An unknown extension is no reason to ignore the token, but one not to verify it (RFC 7515 4.1.11).
        let verifiable = is_text(alg.as_ref(), "RS256") && crit.is_none();
        Ok(Self { version, kid: kid.into_owned(), verifiable })
    }
}

fn is_text(member: Option<&Scalar<'_>>, expected: &str) -> bool {
    matches!(member, Some(Scalar::Text(text)) if text == expected)
}

/// `"3"` and up, in plain digits; there is no highest version.
fn version_of(text: &str) -> Option<TokenVersion> {
    match text.as_bytes() {
        [b'3'] => Some(TokenVersion::V3),
        [b'4'] => Some(TokenVersion::V4),
        [b'5'..=b'9'] => Some(TokenVersion::V5),
        [b'1'..=b'9', rest @ ..] if !rest.is_empty() && rest.iter().all(u8::is_ascii_digit) => Some(TokenVersion::V5),
        _ => None,
    }
}

fn modern_claims(payload: String, version: TokenVersion, dynamic: bool) -> Result<TokenClaims, BadToken> {
    let members = members::read(
        &payload,
        [
            "iat",
            "exp",
            "sub",
            "tId",
            "rsub",
            "sessionHandle",
            "refreshTokenHash1",
            "parentRefreshTokenHash1",
            "antiCsrfToken",
            "stt",
            "nbf",
        ],
    );
    let [iat, exp, sub, tenant, rsub, handle, hash1, parent, anti_csrf, stt, nbf] = members.ok_or(BadToken::Payload)?;
    if !is_session(stt.as_ref()) {
        return Err(BadToken::Member("stt"));
    }
    let user_id = text(sub, "sub")?;
    // In a V3 this name is a claim of the application.
    let tenant_id = if version >= TokenVersion::V4 { text(tenant, "tId")? } else { PUBLIC_TENANT.to_owned() };
    let recipe_user_id = if version >= TokenVersion::V5 { Some(text(rsub, "rsub")?) } else { optional_text(rsub) };
    let seconds = |number, name| millis(number, 1_000.0).ok_or(BadToken::Member(name));
    Ok(TokenClaims {
        version,
        recipe_user_id: recipe_user_id.unwrap_or_else(|| user_id.clone()),
        user_id,
        tenant_id,
        session_handle: text(handle, "sessionHandle")?,
        refresh_token_hash1: text(hash1, "refreshTokenHash1")?,
        parent_refresh_token_hash1: optional_text(parent),
        anti_csrf_token: optional_text(anti_csrf),
        expires_at: seconds(exp.as_ref(), "exp")?,
        issued_at: seconds(iat.as_ref(), "iat")?,
        not_before: nbf.map(|nbf| millis(Some(&nbf), 1_000.0).unwrap_or(Millis::MAX)),
        payload_text: payload.into_boxed_str(),
        signed_by_dynamic_key: Some(dynamic),
    })
}

fn legacy_claims(payload: &str) -> Result<TokenClaims, BadToken> {
    let members = members::read(
        payload,
        [
            "sessionHandle",
            "userId",
            "refreshTokenHash1",
            "expiryTime",
            "timeCreated",
            "parentRefreshTokenHash1",
            "antiCsrfToken",
            "stt",
        ],
    );
    let [handle, user, hash1, expiry, created, parent, anti_csrf, stt] = members.ok_or(BadToken::Payload)?;
    if !is_session(stt.as_ref()) {
        return Err(BadToken::Member("stt"));
    }
    let user_id = text(user, "userId")?;
    Ok(TokenClaims {
        version: TokenVersion::V2,
        recipe_user_id: user_id.clone(),
        user_id,
        tenant_id: PUBLIC_TENANT.to_owned(),
        session_handle: text(handle, "sessionHandle")?,
        refresh_token_hash1: text(hash1, "refreshTokenHash1")?,
        parent_refresh_token_hash1: optional_text(parent),
        anti_csrf_token: optional_text(anti_csrf),
        expires_at: millis(expiry.as_ref(), 1.0).ok_or(BadToken::Member("expiryTime"))?,
        issued_at: millis(created.as_ref(), 1.0).ok_or(BadToken::Member("timeCreated"))?,
        not_before: None,
        payload_text: user_data(payload).ok_or(BadToken::Member("userData"))?,
        signed_by_dynamic_key: None,
    })
}

/// The text of the member `userData`, which must be an object.
fn user_data(payload: &str) -> Option<Box<str>> {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(borrow, rename = "userData")]
        user_data: &'a RawValue,
    }
    let text = serde_json::from_str::<Body<'_>>(payload).ok()?.user_data.get();
    text.starts_with('{').then(|| text.into())
}

/// A token of another purpose (OAuth2) says so in `stt`, and must not pass as a session.
fn is_session(stt: Option<&Scalar<'_>>) -> bool {
    match stt {
        None | Some(Scalar::Integer(0)) => true,
        Some(Scalar::Real(number)) => *number == 0.0,
        Some(_) => false,
    }
}

fn text(member: Option<Scalar<'_>>, name: &'static str) -> Result<String, BadToken> {
    optional_text(member).ok_or(BadToken::Member(name))
}

fn optional_text(member: Option<Scalar<'_>>) -> Option<String> {
    match member {
        Some(Scalar::Text(text)) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// A number as milliseconds. Whatever does not fit ends at the last instant there is, never beyond it.
fn millis(member: Option<&Scalar<'_>>, unit: f64) -> Option<Millis> {
    #[expect(clippy::cast_possible_truncation, reason = "a conversion from float to integer saturates, which is what is wanted")]
    match member? {
        Scalar::Integer(number) => Some(number.saturating_mul(unit as Millis)),
        Scalar::Real(number) => Some((number * unit).floor() as Millis),
        Scalar::Text(_) | Scalar::Null | Scalar::Other => None,
    }
}

impl ParsedToken<'_> {
    /// The name of the key that is said to have signed it; a V2 names none.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The layout.
    pub fn version(&self) -> TokenVersion {
        self.claims.version
    }

    /// What the token says, proven or not.
    pub fn claims(&self) -> &TokenClaims {
        &self.claims
    }

    /// A JSON object as text: the whole payload from V3 on, `userData` of a V2.
    pub fn payload_text(&self) -> &str {
        &self.claims.payload_text
    }

    /// What the token says, proven or not.
    pub fn into_claims(self) -> TokenClaims {
        self.claims
    }

    /// Is the signature RS256 by this key? The name of the key plays no part here.
    ///
    /// The signature must be encoded as the core encodes it. A laxer reading would give one token several spellings.
    pub fn signed_by(&self, key: &VerifyingKey) -> bool {
        let signature = match self.claims.version {
            TokenVersion::V2 => STANDARD.decode(self.signature),
            TokenVersion::V3 | TokenVersion::V4 | TokenVersion::V5 => URL_SAFE_NO_PAD.decode(self.signature),
        };
        self.verifiable && signature.is_ok_and(|signature| key.verifies(self.signed, &signature))
    }
}

impl TokenClaims {
    /// Is its time over? From V3 on, the second in which it expires no longer counts.
    pub fn is_expired(&self, now: Millis) -> bool {
        match self.version {
            TokenVersion::V2 => self.expires_at < now,
            TokenVersion::V3 | TokenVersion::V4 | TokenVersion::V5 => self.expires_at <= whole_seconds(now),
        }
    }

    /// Is it a token for later?
    pub fn is_too_early(&self, now: Millis) -> bool {
        self.not_before.is_some_and(|not_before| not_before > whole_seconds(now))
    }

    /// The payload, parsed.
    pub fn payload(&self) -> Payload {
        serde_json::from_str(&self.payload_text).unwrap_or_default()
    }
}

fn whole_seconds(now: Millis) -> Millis {
    now.saturating_sub(now.rem_euclid(SECOND))
}

impl fmt::Debug for TokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClaims")
            .field("version", &self.version)
            .field("user_id", &self.user_id)
            .field("tenant_id", &self.tenant_id)
            .field("session_handle", &self.session_handle)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ParsedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedToken").field("kid", &self.kid).field("claims", &self.claims).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod known_answers;
#[cfg(test)]
mod tests;

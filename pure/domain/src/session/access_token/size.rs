//! How long may an access token be? What is written is held to one limit, before it is stored; what is read may be longer, because
//! a database may hold payloads that were stored without a limit, and such a session must still be refreshed, shrunk and revoked.

/// The longest access token that a new payload may lead to, in bytes. Longer ones fit into hardly any server's room for headers.
pub const MAX_ACCESS_TOKEN_BYTES: usize = 16 * 1024;

/// The longest access token that is looked at, in bytes.
pub const MAX_READ_ACCESS_TOKEN_BYTES: usize = 4 * MAX_ACCESS_TOKEN_BYTES;

/// What a token has beside the payload, in bytes: header, our claims with ids of ordinary length, signature, dots. An exact count would
/// let the same payload pass for one user and not for another.
const BESIDE_THE_PAYLOAD: usize = 1536;

/// A payload is too large for an access token. The text is for whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "The payload of the access token (userDataInJWT) is too large: the token would have about {token_bytes} bytes, and the limit is \
     {MAX_ACCESS_TOKEN_BYTES}. Keep in it what every request needs, and the rest in userDataInDatabase or in a database of your own"
)]
pub struct PayloadTooLarge {
    /// About how long the token would be, in bytes.
    pub token_bytes: usize,
}

/// Does a payload whose JSON text has this many bytes fit into an access token? To be asked wherever a payload is written, before it
/// is stored; never on a refresh, which only carries on with what is stored.
pub fn payload_fits(text_bytes: usize) -> Result<(), PayloadTooLarge> {
    let token_bytes = text_bytes.div_ceil(3).saturating_mul(4).saturating_add(BESIDE_THE_PAYLOAD);
    if token_bytes <= MAX_ACCESS_TOKEN_BYTES { Ok(()) } else { Err(PayloadTooLarge { token_bytes }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SessionHandle, TenantId};
    use crate::json::JsonObject;
    use crate::session::access_token::{AccessClaims, AccessTokenVersion, mint, parse};
    use crate::session::hash::hash1;
    use crate::session::test_vectors as vectors;

    fn token(payload: JsonObject, user_id: &str, version: AccessTokenVersion) -> String {
        let claims = AccessClaims {
            session_handle: SessionHandle::presented(format!("{}_{}", "h".repeat(36), "t".repeat(12))),
            user_id: user_id.into(),
            recipe_user_id: user_id.into(),
            refresh_token_hash1: hash1("r"),
            parent_refresh_token_hash1: Some(hash1("p")),
            anti_csrf: Some("a".repeat(36)),
            expires_at: 1_800_000_000_000,
            issued_at: 1_700_000_000_000,
            tenant: TenantId::normalise(&"t".repeat(12)),
            payload,
        };
        mint(&claims, version, &vectors::key("dynamic")).unwrap().token
    }

    /// The largest payload that fits.
    fn largest() -> JsonObject {
        let room = (MAX_ACCESS_TOKEN_BYTES - BESIDE_THE_PAYLOAD) / 4 * 3;
        JsonObject::new().with("p", "x".repeat(room - r#"{"p":""}"#.len()))
    }

    #[test]
    fn the_largest_payload_makes_a_token_below_the_limit_and_one_byte_more_is_refused() {
        let text = largest().to_text();
        assert_eq!(payload_fits(text.len()), Ok(()));
        for version in [AccessTokenVersion::V2, AccessTokenVersion::V3, AccessTokenVersion::V4, AccessTokenVersion::V5] {
            let length = token(largest(), &"u".repeat(36), version).len();
            assert!((MAX_ACCESS_TOKEN_BYTES - 700..=MAX_ACCESS_TOKEN_BYTES).contains(&length), "{version:?}: {length}");
        }
        let refused = payload_fits(text.len() + 1).unwrap_err();
        assert_eq!(refused.token_bytes, MAX_ACCESS_TOKEN_BYTES + 4);
        assert!(refused.to_string().contains("about 16388 bytes, and the limit is 16384."), "{refused}");
        assert!(payload_fits(usize::MAX).is_err());
    }

    #[test]
    fn what_was_let_through_can_be_read_whatever_the_ids_are() {
        let longest = token(largest(), &"\u{1}".repeat(128), AccessTokenVersion::V5);
        assert!((MAX_ACCESS_TOKEN_BYTES + 1..MAX_READ_ACCESS_TOKEN_BYTES).contains(&longest.len()), "{}", longest.len());
        assert!(parse(&longest).unwrap().claims().is_ok());
    }
}

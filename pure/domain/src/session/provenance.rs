//! Whose is an access token that is to be regenerated? (core-session.md 2.6, with its hole closed: decision 10)
//!
//! A token outlives the key that signed it, so nobody can check the signature of an old one. Nothing of it is used but the session's
//! handle and tenant, which find the row, and the hashes, which the row must know; nothing is signed in its place.

use super::access_token::ParsedAccessToken;
use super::key_schedule::KeyPolicy;
use super::signing_key::VerifyingKey;
use crate::time::Millis;

/// Who made a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Signed by a published key.
    Ours,
    /// Names a published key, and the signature is not its own.
    Forged,
    /// Over, and of a key that nobody has any more, as far as it says: the row must know it (`verify_row::belongs_to`).
    KeyIsGone,
    /// Of a key that we do not know and cannot have had.
    Unknown,
}

impl Provenance {
    /// Could a key that was made since the keys were loaded change the answer?
    pub fn may_change_with_newer_keys(self) -> bool {
        matches!(self, Self::KeyIsGone | Self::Unknown)
    }
}

/// Who made this token? `expired` is that of its claims; `keys` are the published ones.
///
/// Only rotating keys are ever given up. Their names tell when they were made, and so from when on they cannot be known any more.
/// Tokens of V1 and V2 name no key.
pub fn provenance(
    token: &ParsedAccessToken<'_>,
    expired: bool,
    keys: &[VerifyingKey],
    policy: &KeyPolicy,
    now: Millis,
) -> Provenance {
    let Some(kid) = token.kid() else {
        return match keys.iter().any(|key| token.signed_by(key)) {
            true => Provenance::Ours,
            false if expired => Provenance::KeyIsGone,
            false => Provenance::Unknown,
        };
    };
    match keys.iter().find(|key| key.kid() == kid) {
        Some(key) if token.signed_by(key) => Provenance::Ours,
        Some(_) => Provenance::Forged,
        None if expired && is_given_up(kid, policy, now) => Provenance::KeyIsGone,
        None => Provenance::Unknown,
    }
}

/// Is this the name of a rotating key that is not published any more?
fn is_given_up(kid: &str, policy: &KeyPolicy, now: Millis) -> bool {
    let made = kid.strip_prefix("d-").and_then(|made| made.parse::<Millis>().ok());
    made.is_some_and(|made| kid == format!("d-{made}") && (0..now).contains(&made) && !policy.is_published(made, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SessionHandle, TenantId};
    use crate::json::JsonObject;
    use crate::session::access_token::{AccessClaims, AccessTokenVersion, mint, parse};
    use crate::session::signing_key::SigningKey;
    use crate::session::test_vectors as vectors;
    use crate::time::{DAY, HOUR, MINUTE};

    const NOW: Millis = 1_700_000_000_000;
    const POLICY: KeyPolicy = KeyPolicy { interval: 7 * DAY, access_token_validity: HOUR, overlap: MINUTE };

    fn token(version: AccessTokenVersion, key: &SigningKey) -> String {
        let claims = AccessClaims {
            session_handle: SessionHandle::presented("h"),
            user_id: "u".into(),
            recipe_user_id: "u".into(),
            refresh_token_hash1: "r".into(),
            parent_refresh_token_hash1: None,
            anti_csrf: None,
            expires_at: NOW - 1,
            issued_at: 0,
            tenant: TenantId::default(),
            payload: JsonObject::new(),
        };
        mint(&claims, version, key).unwrap().token
    }

    #[test]
    fn only_an_expired_token_of_a_rotating_key_that_is_given_up_may_be_ours_unsigned() {
        use Provenance::{Forged, KeyIsGone, Ours, Unknown};
        let published = vectors::key("dynamic");
        let keys = [published.verifying()];
        let other = |kid: &str| vectors::key_named("other", kid);
        let given_up = NOW - POLICY.lifetime() - 1;
        let v5 = AccessTokenVersion::V5;
        let cases = [
            ("the published key", v5, published.clone(), Ours, Ours),
            ("its name alone", v5, other(published.kid()), Forged, Forged),
            ("a key given up", v5, other(&format!("d-{given_up}")), KeyIsGone, Unknown),
            ("a key that would still be published", v5, other(&format!("d-{}", given_up + 1)), Unknown, Unknown),
            ("a key of the future", v5, other(&format!("d-{}", NOW + 1)), Unknown, Unknown),
            ("a key of a time before time", v5, other("d--5"), Unknown, Unknown),
            ("another spelling", v5, other(&format!("d-+{given_up}")), Unknown, Unknown),
            ("a number that is none", v5, other("d-99999999999999999999"), Unknown, Unknown),
            ("a static key", v5, other("s-0a3c5d58-6c0e-4f0c-8d27-1f1f5d0e2b77"), Unknown, Unknown),
            ("a static key named like a rotating one", v5, other(&format!("s-{given_up}")), Unknown, Unknown),
            ("no prefix", v5, other(&given_up.to_string()), Unknown, Unknown),
            ("V2, signed", AccessTokenVersion::V2, published.clone(), Ours, Ours),
            ("V2, not signed", AccessTokenVersion::V2, other("x"), KeyIsGone, Unknown),
            ("V1, not signed", AccessTokenVersion::V1, other("x"), KeyIsGone, Unknown),
        ];
        for (name, version, key, if_expired, if_not) in cases {
            let token = token(version, &key);
            let parsed = parse(&token).unwrap();
            assert_eq!(provenance(&parsed, true, &keys, &POLICY, NOW), if_expired, "{name}");
            assert_eq!(provenance(&parsed, false, &keys, &POLICY, NOW), if_not, "{name}");
        }
    }
}

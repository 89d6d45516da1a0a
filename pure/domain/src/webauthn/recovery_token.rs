//! Tokens by which somebody who has lost all passkeys gets a new one in (core-recipes-2.md 2.4, k).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::one_time_token::{OneTimeToken, hash_of};
use crate::secret::Secret;

/// A token of random bytes: 43 characters; the database keeps its hash.
pub fn recovery_token(random: &[u8; 32]) -> OneTimeToken {
    let token = URL_SAFE_NO_PAD.encode(random);
    OneTimeToken { hash: hash_of(&token), token: Secret::new(token) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_43_characters_and_is_stored_as_its_hash() {
        let made = recovery_token(&[0; 32]);
        assert_eq!(*made.token.expose(), "A".repeat(43));
        assert_eq!(made.hash, "0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a");
    }
}

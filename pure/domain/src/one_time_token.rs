//! Tokens that are mailed to somebody and used once: to reset a password, to verify an address. The database keeps their hashes only
//! (core-users.md 3.6, 3.8).

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::session::hash::{hex, sha256_hex};

/// Both kinds are the hexadecimal text of so many bytes, in base64: 128 letters and digits.
const BYTES: usize = 48;
/// Of upstream's format. They add nothing, as what goes in is random.
const ROUNDS: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// A new token.
#[derive(Debug)]
pub struct OneTimeToken {
    /// For whoever gets the mail. 128 letters and digits.
    pub token: Secret<String>,
    /// For the database: see [`hash_of`].
    pub hash: String,
}

/// What is stored, and looked up when a token comes back: SHA-256 of its text, as 64 lower-case hexadecimal characters.
pub fn hash_of(token: &str) -> String {
    sha256_hex(token)
}

/// A token that lets somebody choose a new password, of random bytes.
pub fn password_reset(random: &[u8; 64], salt: &[u8; 64]) -> OneTimeToken {
    let password = Zeroizing::new(hex(random));
    let mut derived = Zeroizing::new([0; BYTES]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, ROUNDS, salt, password.as_bytes(), &mut *derived);
    of_bytes(&derived)
}

/// A token that shows that somebody reads what is sent to an address, of random bytes.
pub fn email_verification(random: &[u8; BYTES]) -> OneTimeToken {
    of_bytes(random)
}

fn of_bytes(bytes: &[u8; BYTES]) -> OneTimeToken {
    let token = STANDARD.encode(Zeroizing::new(hex(bytes)).as_bytes());
    OneTimeToken { hash: hash_of(&token), token: Secret::new(token) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonObject;
    use crate::session::test_vectors as vectors;

    #[test]
    fn tokens_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../testkit/vectors/one_time_tokens.json"));
        let (resets, verifications) = (vectors::array(&file, "password_reset"), vectors::array(&file, "email_verification"));
        assert!(resets.len() >= 3 && verifications.len() >= 3);
        let same = |made: OneTimeToken, case: &JsonObject| {
            assert_eq!(made.token.expose(), vectors::text(case, "token"));
            assert_eq!(made.hash, vectors::text(case, "hash"));
            assert!(made.token.expose().len() == 128 && made.token.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
            assert!(!format!("{made:?}").contains(made.token.expose().as_str()));
        };
        for case in resets {
            same(password_reset(&vectors::bytes(case, "random_hex"), &vectors::bytes(case, "salt_hex")), case);
        }
        for case in verifications {
            same(email_verification(&vectors::bytes(case, "random_hex")), case);
        }
    }
}

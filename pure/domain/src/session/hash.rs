//! Hashes of tokens: what stands in the database and inside other tokens instead of a refresh token (core-session.md 2.3).

use aws_lc_rs::digest;
use subtle::ConstantTimeEq;

/// SHA-256 of the UTF-8 bytes, as 64 lower-case hexadecimal characters.
pub fn sha256_hex(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// The first hash of a refresh token: travels inside access tokens and child refresh tokens.
pub fn hash1(token: &str) -> String {
    sha256_hex(token)
}

/// The second hash of a refresh token: the one that is stored.
pub fn hash2(token: &str) -> String {
    rehash(&hash1(token))
}

/// From a first hash to the second. It is taken over the 64 characters, not over the 32 bytes they stand for.
pub fn rehash(hash1: &str) -> String {
    sha256_hex(hash1)
}

/// Are they the same? Takes equally long wherever they differ; only a different length shows.
pub fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;

    #[test]
    fn hashes_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/hashes.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 5);
        for case in cases {
            let token = vectors::text(case, "token");
            assert_eq!(hash1(token), vectors::text(case, "hash1"));
            assert_eq!(hash2(token), vectors::text(case, "hash2"));
            assert_eq!(rehash(&hash1(token)), hash2(token));
            assert_ne!(hash2(token), vectors::text(&file, "wrong_hash2_if_raw_bytes_are_hashed"));
        }
    }

    #[test]
    fn equality_is_that_of_strings() {
        assert!(equal("", "") && equal("abc", "abc"));
        assert!(!equal("abc", "abd") && !equal("abc", "ab") && !equal("", "a"));
    }
}

//! Secrets and the codes that they make: HMAC-SHA1, six digits (RFC 4226, RFC 6238; core-recipes-2.md 1.4).

use std::fmt;

use aws_lc_rs::hmac;
use subtle::{Choice, ConstantTimeEq as _};

use super::{LONGEST_PERIOD, MOST_SKEW};
use crate::secret::Secret;
use crate::time::{Millis, SECOND};

const ALPHABET: [u8; 32] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Of letters in a new secret: 160 bits.
pub const LETTERS: usize = 32;
/// Six digits.
const CODES: u32 = 1_000_000;

/// A new secret in Base32 (RFC 4648), of as many random bytes as it gets letters.
pub fn new_secret(random: &[u8; LETTERS]) -> Secret<String> {
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'A');
    Secret::new(random.iter().map(letter).map(char::from).collect())
}

/// The bytes behind a secret.
pub struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Reads a secret as the Java core does: letters of either case, what is not of the alphabet is skipped, `=` ends it, and bits that
    /// make no byte are dropped. None if nothing is left: such a secret makes no code.
    pub fn of_secret(secret: &Secret<String>) -> Option<Self> {
        let bytes = zeroize::Zeroizing::new(decoded(secret.expose()));
        (!bytes.is_empty()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes)))
    }

    /// The code of a step (RFC 4226 5.3).
    pub fn code(&self, step: u64) -> String {
        let tag = hmac::sign(&self.0, &step.to_be_bytes());
        let at = |index: usize| tag.as_ref().get(index).copied().map_or(0, u32::from);
        let offset = (at(19) & 15) as usize;
        let number = (at(offset) & 0x7f) << 24 | at(offset + 1) << 16 | at(offset + 2) << 8 | at(offset + 3);
        format!("{:06}", number % CODES)
    }
}

fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    let mut letters = 0_usize;
    for letter in text.bytes().take_while(|&byte| byte != b'=') {
        let Some(value) = ALPHABET.iter().position(|&known| known == letter.to_ascii_uppercase()) else { continue };
        held = held << 5 | u32::try_from(value).unwrap_or_default();
        (bits, letters) = (bits + 5, letters + 1);
        if bits >= 8 {
            bits -= 8;
            bytes.extend((held >> bits).to_be_bytes().last());
        }
    }
    // Quirk: a single letter behind whole groups of eight makes a byte of its five bits and those that it finds before them.
    if letters % 8 == 1 {
        bytes.extend((held >> 2).to_be_bytes().last());
    }
    bytes
}

/// How a device counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    period: i64,
    skew: i64,
}

impl Steps {
    /// `period` in seconds, and how many steps a clock may be wrong; what is beyond the limits of this module counts as the limit, as
    /// rows of a Java core may be.
    pub fn of_row(period: i64, skew: i64) -> Self {
        Self { period: period.clamp(1, LONGEST_PERIOD), skew: skew.clamp(0, MOST_SKEW) }
    }

    /// For how long a code can be right, in ms.
    pub fn life(self) -> Millis {
        SECOND * self.period * (2 * self.skew + 1)
    }

    /// Is this the code of a step around now? Compares with all of them, and takes equally long for each.
    pub fn match_code(self, key: &Key, code: &str, now: Millis) -> bool {
        let current = now.div_euclid(SECOND * self.period);
        let right = (-self.skew..=self.skew)
            .filter_map(|around| u64::try_from(current + around).ok())
            .fold(Choice::from(0), |found, step| found | key.code(step).as_bytes().ct_eq(code.as_bytes()));
        right.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::session::hash::hex;
    use crate::session::test_vectors as vectors;

    fn key(secret: &str) -> Option<Key> {
        Key::of_secret(&Secret::new(secret.to_owned()))
    }

    #[test]
    fn codes_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/totp_codes.json"));
        let cases = vectors::array(&file, "codes");
        assert!(cases.len() >= 18);
        for case in cases {
            let steps = Steps::of_row(vectors::number(case, "period"), 0);
            let key = key(vectors::text(case, "secret")).unwrap();
            let (code, now) = (vectors::text(case, "code"), vectors::number(case, "ms"));
            assert!(steps.match_code(&key, code, now), "{case:?}");
            assert!(!steps.match_code(&key, code, now + steps.life()), "{case:?}");
        }
        let of_the_rfc = vectors::member(&file, "rfc4226").as_array().unwrap();
        assert_eq!(of_the_rfc.len(), 10);
        let key = key("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        for (step, code) in (0..).zip(of_the_rfc) {
            assert_eq!(Json::String(key.code(step)), *code);
        }
    }

    #[test]
    fn secrets_are_read_as_in_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/totp_codes.json"));
        let cases = vectors::array(&file, "base32");
        assert!(cases.len() >= 20);
        for case in cases {
            let secret = vectors::text(case, "secret");
            assert_eq!(hex(&decoded(secret)), vectors::text(case, "upstream_key_hex"), "{secret}");
            assert_eq!(Some(key(secret).is_some()), case.get("usable").and_then(Json::as_bool), "{secret}");
        }
    }

    #[test]
    fn a_new_secret_is_read_again() {
        let random = std::array::from_fn(|n| u8::try_from(n).unwrap() | 0xe0);
        let secret = new_secret(&random);
        assert_eq!(secret.expose(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
        assert_eq!(decoded(secret.expose()).len(), 20);
        assert_eq!(format!("{:?}", key(secret.expose()).unwrap()), "Key(…)");
    }

    #[test]
    fn a_clock_may_be_wrong_by_so_many_steps() {
        let (key, now) = (key("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap(), 1_700_000_000_000);
        for (skew, steps_off, right) in [
            (0, 0, true),
            (0, 1, false),
            (0, -1, false),
            (1, 1, true),
            (1, -1, true),
            (1, 2, false),
            (1, -2, false),
            (100, 100, true),
        ] {
            let code = key.code(u64::try_from(now / 30_000 + steps_off).unwrap());
            assert_eq!(Steps::of_row(30, skew).match_code(&key, &code, now), right, "{skew} {steps_off}");
        }
        // Before 1970, and beyond every limit.
        assert!(!Steps::of_row(30, 1).match_code(&key, "755224", -60_000));
        let widest = Steps::of_row(i64::MAX, i64::MAX);
        assert_eq!(widest, Steps { period: LONGEST_PERIOD, skew: MOST_SKEW });
        assert_eq!(widest.life(), 201 * 86_400_000);
        assert_eq!(Steps::of_row(-5, -5), Steps { period: 1, skew: 0 });
    }
}

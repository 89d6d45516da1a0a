//! `$f_scrypt$<digest>$<salt>$m=<memory cost>$r=<rounds>$s=<separator>`; the last three in any order.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::number;
use crate::secret::Secret;

const LENIENT_CONFIG: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_CONFIG);
/// A cost beyond this has no number of 64 bits.
const MOST_COST: u32 = 63;

/// How a Firebase digest comes from a password: scrypt (with p = 1, 64 bytes) of its UTF-8 bytes gives a key in its first 32 bytes, and
/// that key encrypts the signer key with AES-256 in counter mode from zero.
#[derive(Debug)]
pub struct Firebase {
    /// Binary logarithm of scrypt's N.
    pub memory_cost: u32,
    /// scrypt's r.
    pub rounds: u32,
    /// Salt and separator, one behind the other.
    pub salt: Secret<Vec<u8>>,
}

impl Firebase {
    pub(super) fn read(stored: &str) -> Option<(Self, Vec<u8>)> {
        let mut parts = stored.strip_prefix("$f_scrypt$")?.split('$');
        // What came out is compared with this text, in the one spelling that it has.
        let digest = STANDARD.decode(parts.next()?).ok().filter(|digest| !digest.is_empty())?;
        let salt = parts.next()?;
        let parameters: [&str; 3] = parts.collect::<Vec<_>>().try_into().ok()?;
        let parameter = |name: &str| parameters.iter().find_map(|text| text.strip_prefix(name)).filter(|text| !text.is_empty());
        let memory_cost = number(parameter("m=")?).filter(|cost| (1..=MOST_COST).contains(cost))?;
        let rounds = number(parameter("r=")?).filter(|rounds| *rounds >= 1)?;
        let mut salt = lenient(salt);
        salt.extend(lenient(parameter("s=")?));
        Some((Self { memory_cost, rounds, salt: Secret::new(salt) }, digest))
    }
}

/// The bytes of `firebase_password_hashing_signer_key`.
pub fn signer_key(setting: &str) -> Secret<Vec<u8>> {
    Secret::new(lenient(setting))
}

/// Either alphabet, padding or none; whatever else stands between is passed over, and nothing counts behind a `=`.
fn lenient(text: &str) -> Vec<u8> {
    let standard = |c: char| match c {
        '-' => Some('+'),
        '_' => Some('/'),
        '+' | '/' => Some(c),
        _ => c.is_ascii_alphanumeric().then_some(c),
    };
    let mut letters: String = text.chars().take_while(|c| *c != '=').filter_map(standard).collect();
    // One letter alone is less than a byte.
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    LENIENT.decode(letters).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_hashes_are_read() {
        let hash = "$f_scrypt$aGFzaA==$c2FsdA==$m=14$r=8$s=Bw==";
        let (firebase, digest) = Firebase::read(hash).unwrap();
        assert_eq!((firebase.memory_cost, firebase.rounds, &**firebase.salt.expose()), (14, 8, &b"salt\x07"[..]));
        assert_eq!(digest, b"hash");
        let instead = |of: &str, this: &str| hash.replace(of, this);
        for (what, wrong) in [
            ("another name", instead("f_scrypt", "F_SCRYPT")),
            ("something in front", format!("x{hash}")),
            ("something behind", format!("{hash}$x")),
            ("a digest without its padding", instead("aGFzaA==", "aGFzaA")),
            ("no digest", instead("aGFzaA==", "")),
            ("one parameter too few", instead("$r=8", "")),
            ("one twice", instead("r=8", "m=8")),
            ("an empty one", instead("s=Bw==", "s=")),
            ("no number", instead("m=14", "m=x")),
            ("a number below one", instead("m=14", "m=0")),
            ("a number below zero", instead("r=8", "r=-8")),
            ("a number above all", instead("m=14", "m=64")),
        ] {
            assert!(Firebase::read(&wrong).is_none(), "{what}: {wrong}");
        }
    }

    #[test]
    fn base64_is_read_leniently() {
        for (text, bytes) in [
            ("c2FsdA==", &b"salt"[..]),
            ("c2FsdA", b"salt"),
            ("c2 Fs\ndA==", b"salt"),
            ("c2FsdB", b"salt"),
            ("c2Fsd", b"sal"),
            ("-_-_", b"\xfb\xff\xbf"),
            ("+/+/", b"\xfb\xff\xbf"),
            ("c2Fs=dA", b"sal"),
            ("", b""),
            ("=", b""),
            ("ü", b""),
        ] {
            assert_eq!(lenient(text), bytes, "{text}");
        }
    }
}

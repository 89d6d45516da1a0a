//! `$2a$<cost>$<salt><digest>`: two digits, 22 characters for 16 bytes, 31 characters for 23 bytes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;

use super::{SALT, number};
use crate::secret::Secret;

/// All four are verified alike, as `$2a$`. `$2$` is none of them.
pub(super) const PREFIXES: [&str; 4] = ["$2a", "$2b", "$2x", "$2y"];
/// What upstream's library can work with.
pub(super) const COSTS: std::ops::RangeInclusive<u32> = 4..=30;
const DIGEST: usize = 23;
/// Refuses bits that are left over at the end: such a text is never what comes out of hashing.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// How a bcrypt digest comes from a password: from its UTF-8 bytes and one zero behind them, of which the first 72 count.
#[derive(Debug)]
pub struct Bcrypt {
    /// Rounds, as a power of two.
    pub cost: u32,
    /// Random.
    pub salt: Secret<[u8; SALT]>,
}

impl Bcrypt {
    pub(super) fn read(stored: &str) -> Option<(Self, Vec<u8>)> {
        let mut parts = PREFIXES.iter().find_map(|prefix| stored.strip_prefix(prefix))?.strip_prefix('$')?.split('$');
        let (cost, rest, None) = (parts.next()?, parts.next()?, parts.next()) else { return None };
        let cost = number(cost).filter(|n| cost.len() == 2 && COSTS.contains(n))?;
        let (salt, digest) = rest.split_at_checked(22)?;
        let salt = BASE64.decode(salt).ok()?.try_into().ok()?;
        let digest = BASE64.decode(digest).ok().filter(|digest| digest.len() == DIGEST)?;
        Some((Self { cost, salt: Secret::new(salt) }, digest))
    }

    pub(super) fn text(&self, digest: &[u8]) -> Option<Secret<String>> {
        if digest.len() != DIGEST {
            return None;
        }
        let mut text = format!("$2a${:02}$", self.cost);
        text.reserve_exact(53);
        BASE64.encode_string(self.salt.expose(), &mut text);
        BASE64.encode_string(digest, &mut text);
        Some(Secret::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_hashes_are_read() {
        let hash = "$2a$04$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG";
        assert!(Bcrypt::read(hash).is_some());
        for (what, wrong) in [
            ("a cost below what can be made", hash.replace("$04$", "$03$")),
            ("a cost above it", hash.replace("$04$", "$31$")),
            ("one digit", hash.replace("$04$", "$4$")),
            ("three digits", hash.replace("$04$", "$004$")),
            ("a sign", hash.replace("$04$", "$+4$")),
            ("no letter", hash.replace("$2a$", "$2$")),
            ("another letter", hash.replace("$2a$", "$2c$")),
            ("two letters", hash.replace("$2a$", "$2aa$")),
            ("a last character of the salt that has bits left over", hash.replace("stuud", "stuvd")),
            ("a last character of the digest that has bits left over", hash.replace("tLG", "tLH")),
            ("one character less", hash[..59].to_owned()),
            ("one character more", format!("{hash}.")),
            ("something behind it", format!("{hash}$")),
            ("a character of another alphabet", hash.replace("dMeg", "d+eg")),
            ("a character of two bytes across the salt's end", hash.replace("uudM", "uüM")),
            ("nothing", "$2a$04$".to_owned()),
        ] {
            assert!(Bcrypt::read(&wrong).is_none(), "{what}: {wrong}");
        }
    }
}

//! `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<tag>`, and the same with `argon2i` and `argon2d`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::number;
use crate::secret::Secret;

pub(super) const PREFIXES: [&str; 3] = ["$argon2id", "$argon2i", "$argon2d"];
/// Of the algorithm (RFC 9106, 3.1).
const LEAST_SALT: usize = 8;
const LEAST_TAG: usize = 4;
const MOST_LANES: u32 = 0x00ff_ffff;
/// KiB for each lane.
const LEAST_MEMORY: u32 = 8;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Argon2d.
    D,
    /// Argon2i.
    I,
    /// Argon2id.
    Id,
}

/// Which version of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0, also where none is named.
    V16,
    /// 1.3.
    V19,
}

/// How an Argon2 tag comes from the UTF-8 bytes of a password.
#[derive(Debug)]
pub struct Argon2 {
    /// Which of the three.
    pub kind: Kind,
    /// Which version.
    pub version: Version,
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
    /// Random.
    pub salt: Secret<Vec<u8>>,
    /// Bytes of the tag.
    pub tag: usize,
}

impl Argon2 {
    pub(super) fn read(stored: &str) -> Option<(Self, Vec<u8>)> {
        let mut parts = stored.strip_prefix('$')?.split('$');
        let kind = match parts.next()? {
            "argon2id" => Kind::Id,
            "argon2i" => Kind::I,
            "argon2d" => Kind::D,
            _ => return None,
        };
        let mut costs = parts.next()?;
        let version = match costs.strip_prefix("v=") {
            None => Version::V16,
            Some(version) => {
                costs = parts.next()?;
                match version {
                    "16" => Version::V16,
                    "19" => Version::V19,
                    _ => return None,
                }
            }
        };
        let [memory, passes, lanes]: [&str; 3] = costs.split(',').collect::<Vec<_>>().try_into().ok()?;
        let cost = |name: &str, text: &str| canonical(text.strip_prefix(name)?);
        let (memory_kib, iterations, lanes) = (cost("m=", memory)?, cost("t=", passes)?, cost("p=", lanes)?);
        let makable = (1..=MOST_LANES).contains(&lanes) && iterations >= 1 && memory_kib / LEAST_MEMORY >= lanes;
        let decode = |text: &str| STANDARD_NO_PAD.decode(text).ok();
        let salt = decode(parts.next()?).filter(|salt| salt.len() >= LEAST_SALT)?;
        let tag = decode(parts.next()?).filter(|tag| tag.len() >= LEAST_TAG)?;
        if !makable || parts.next().is_some() {
            return None;
        }
        Some((Self { kind, version, memory_kib, iterations, lanes, salt: Secret::new(salt), tag: tag.len() }, tag))
    }

    pub(super) fn text(&self, tag: &[u8]) -> Secret<String> {
        let kind = match self.kind {
            Kind::D => "argon2d",
            Kind::I => "argon2i",
            Kind::Id => "argon2id",
        };
        let version = match self.version {
            Version::V16 => 16,
            Version::V19 => 19,
        };
        let Self { memory_kib, iterations, lanes, .. } = self;
        let mut text = format!("${kind}$v={version}$m={memory_kib},t={iterations},p={lanes}$");
        text.reserve_exact(self.salt.expose().len().saturating_add(tag.len()).saturating_mul(2));
        STANDARD_NO_PAD.encode_string(self.salt.expose(), &mut text);
        text.push('$');
        STANDARD_NO_PAD.encode_string(tag, &mut text);
        Secret::new(text)
    }
}

/// A number in the one spelling that the format has for it.
fn canonical(text: &str) -> Option<u32> {
    number(text).filter(|_| text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_hashes_are_read() {
        let hash = "$argon2id$v=19$m=16,t=2,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A";
        assert!(Argon2::read(hash).is_some());
        let (without_version, tag) = Argon2::read(&hash.replace("v=19$", "")).unwrap();
        assert_eq!((without_version.version, tag.len()), (Version::V16, 16));
        let instead = |of: &str, this: &str| hash.replace(of, this);
        for (what, wrong) in [
            ("another kind", instead("argon2id", "argon2ix")),
            ("no kind", instead("argon2id", "argon2")),
            ("a version that there is not", instead("v=19", "v=18")),
            ("memory for less than the lanes", instead("m=16", "m=7")),
            ("two lanes with the memory of one", instead("m=16,t=2,p=1", "m=15,t=2,p=2")),
            ("no pass", instead("t=2", "t=0")),
            ("no lane", instead("p=1", "p=0")),
            ("more than there can be", instead("m=16", "m=4294967296")),
            ("a leading zero", instead("m=16", "m=016")),
            ("a sign", instead("t=2", "t=+2")),
            ("another order", instead("m=16,t=2", "t=2,m=16")),
            ("one too few", instead(",p=1", "")),
            ("one too many", instead("p=1", "p=1,q=1")),
            ("a salt of 7 bytes", instead("VG1Oa1lMbzZLbzk5azQ2Qg", "VG1Oa1lMbw")),
            ("a tag of 3 bytes", instead("kjcNNtZ/b0t/8HgXUiQ76A", "kjcN")),
            ("padding", format!("{hash}==")),
            ("bits left over", instead("Q76A", "Q76B")),
            ("no tag", instead("$kjcNNtZ/b0t/8HgXUiQ76A", "")),
            ("something behind it", format!("{hash}$")),
        ] {
            assert!(Argon2::read(&wrong).is_none(), "{what}: {wrong}");
        }
    }
}

//! A stored password hash, taken apart: which of the three formats, what it is derived with, and what must come out (core-users.md 3.8).
//! Deriving takes a tenth of a second and more, on threads of its own, and is not done here.

use subtle::ConstantTimeEq as _;

use crate::secret::Secret;

mod argon2;
mod bcrypt;
mod firebase;

pub use argon2::{Argon2, Kind, Version};
pub use bcrypt::Bcrypt;
pub use firebase::{Firebase, signer_key};

/// Bytes of salt in the hashes that are made here.
pub const SALT: usize = 16;

/// How a digest comes from a password.
#[derive(Debug)]
pub enum Derivation {
    /// bcrypt.
    Bcrypt(Bcrypt),
    /// Argon2.
    Argon2(Argon2),
    /// Firebase's scrypt, which a signer key belongs to.
    Firebase(Firebase),
}

impl Derivation {
    /// The text that is stored for what came out. None if it is of a length that the format does not have, or of a format that is
    /// never made here.
    pub fn text(&self, digest: &[u8]) -> Option<Secret<String>> {
        match self {
            Self::Bcrypt(bcrypt) => bcrypt.text(digest),
            Self::Argon2(argon2) => Some(argon2.text(digest)),
            Self::Firebase(_) => None,
        }
    }
}

/// A hash of a password.
#[derive(Debug)]
pub struct PasswordHash {
    /// How to get at the digest.
    pub derivation: Derivation,
    digest: Secret<Vec<u8>>,
}

/// The formats, as a caller names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `ARGON2`.
    Argon2,
    /// `BCRYPT`.
    Bcrypt,
    /// `FIREBASE_SCRYPT`.
    Firebase,
}

impl Format {
    /// The format that a text begins like. Whatever begins like none of the others may be Firebase's.
    pub fn of(stored: &str) -> Self {
        let begins = |with: &[&str]| with.iter().any(|prefix| stored.starts_with(prefix));
        if begins(&argon2::PREFIXES) {
            Self::Argon2
        } else if begins(&bcrypt::PREFIXES) {
            Self::Bcrypt
        } else {
            Self::Firebase
        }
    }
}

impl PasswordHash {
    /// Reads a stored text, whole. None: nothing verifies against it, as no such hash can be made.
    pub fn read(stored: &str) -> Option<Self> {
        match Format::of(stored) {
            Format::Argon2 => Argon2::read(stored)
                .map(|(argon2, tag)| Self { derivation: Derivation::Argon2(argon2), digest: Secret::new(tag) }),
            Format::Bcrypt => Bcrypt::read(stored)
                .map(|(bcrypt, digest)| Self { derivation: Derivation::Bcrypt(bcrypt), digest: Secret::new(digest) }),
            Format::Firebase => Firebase::read(stored)
                .map(|(firebase, digest)| Self { derivation: Derivation::Firebase(firebase), digest: Secret::new(digest) }),
        }
    }

    /// Is this what came out? Takes equally long wherever they differ.
    pub fn is(&self, digest: &[u8]) -> bool {
        self.digest.expose().ct_eq(digest).into()
    }

    /// Which of the formats it is.
    pub fn format(&self) -> Format {
        match self.derivation {
            Derivation::Argon2(_) => Format::Argon2,
            Derivation::Bcrypt(_) => Format::Bcrypt,
            Derivation::Firebase(_) => Format::Firebase,
        }
    }
}

/// A whole number without sign, as the formats write them.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::test_vectors as vectors;
    use proptest::prelude::*;

    fn cases() -> Vec<(String, bool)> {
        let file = vectors::file(include_str!("../../../../testkit/vectors/password_hashes.json"));
        let cases = vectors::array(&file, "cases");
        let case = |case: &&_| (vectors::text(case, "stored").to_owned(), vectors::boolean(case, "verifies"));
        cases.iter().map(case).collect()
    }

    #[test]
    fn whatever_verifies_is_read_and_what_is_not_read_does_not_verify() {
        let cases = cases();
        assert!(cases.len() >= 50);
        let mut unread = 0;
        for (stored, verifies) in cases {
            let read = PasswordHash::read(&stored);
            assert!(read.is_some() || !verifies, "{stored}");
            unread += usize::from(read.is_none());
        }
        assert!(unread >= 6, "{unread}");
    }

    #[test]
    fn a_hash_that_is_made_here_is_read_as_what_it_was_made_of() {
        let salt = || Secret::new((0..16).collect::<Vec<u8>>());
        let bcrypt = Bcrypt { cost: 4, salt: Secret::new(std::array::from_fn(|i| i.try_into().unwrap())) };
        let text = Derivation::Bcrypt(bcrypt).text(&[7; 23]).unwrap();
        assert!(text.expose().starts_with("$2a$04$") && text.expose().len() == 60);
        let read = PasswordHash::read(text.expose()).unwrap();
        assert!(read.is(&[7; 23]) && !read.is(&[8; 23]) && !read.is(&[7; 22]) && read.format() == Format::Bcrypt);
        let Derivation::Bcrypt(Bcrypt { cost: 4, salt: same }) = read.derivation else { panic!("another format") };
        assert_eq!(same.expose().as_slice(), salt().expose());

        let argon2 =
            Argon2 { kind: Kind::Id, version: Version::V19, memory_kib: 87_795, iterations: 1, lanes: 2, salt: salt(), tag: 32 };
        let text = Derivation::Argon2(argon2).text(&[7; 32]).unwrap();
        let parts: Vec<&str> = text.expose().split('$').collect();
        assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=87795,t=1,p=2"]);
        assert_eq!([parts[4].len(), parts[5].len()], [22, 43]);
        let read = PasswordHash::read(text.expose()).unwrap();
        assert!(read.is(&[7; 32]) && read.format() == Format::Argon2);
    }

    #[test]
    fn no_hash_prints() {
        for (stored, _) in cases() {
            let shown = format!("{:?}", PasswordHash::read(&stored));
            for part in stored.split(['$', ',', '=']).filter(|part| part.len() > 7 && *part != "argon2id") {
                assert!(!shown.contains(part), "{shown}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,120}") {
            let _ = PasswordHash::read(&text);
        }

        #[test]
        fn nor_does_one_that_is_nearly_a_hash(which in 0_usize..52, seed: u64) {
            let cases = cases();
            let _ = PasswordHash::read(&vectors::Lcg(seed).mutate(&cases[which % cases.len()].0));
        }
    }
}

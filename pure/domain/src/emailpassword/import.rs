//! Which hashes of other programs are taken (core-users.md 3.9)? Upstream looks at their first characters only, and stores what can never
//! verify, or would take hours; here they are read whole.

use super::cost::Caps;
use super::password_hash::{Format, PasswordHash};
use crate::secret::Secret;
use crate::users::email::trimmed;

/// `emailpassword_users.password_hash` has room for so many characters.
const LONGEST: usize = 256;

/// What a caller sent, as far as it can be judged before anything is known about the place.
#[derive(Debug)]
pub struct Named {
    /// Trimmed, and not empty.
    pub hash: Secret<String>,
    /// The format, if the caller named one.
    pub format: Option<Format>,
}

/// Why a hash is not taken. `Display` is the sentence on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No hash.
    #[error("Password hash cannot be an empty string")]
    EmptyHash,
    /// A name that is none.
    #[error("Hashing Algorithm cannot be an empty string")]
    EmptyAlgorithm,
    /// A name that nobody knows.
    #[error("Unsupported password hashing algorithm")]
    UnknownAlgorithm,
    /// None of the formats.
    #[error("Password hash is in invalid format")]
    NoFormat,
    /// Not of the named format.
    #[error("Password hash is in invalid Argon2 format")]
    NotArgon2,
    /// Not of the named format.
    #[error("Password hash is in invalid BCrypt format")]
    NotBcrypt,
    /// Not of the named format.
    #[error("Password hash is in invalid Firebase SCrypt format")]
    NotFirebase,
    /// It would take too long, or too much memory, whenever somebody logs in.
    #[error(
        "Password hash costs too much to check: bcrypt may have a cost of 16, Argon2 1 GiB of memory, 100 iterations, 64 lanes and 16 \
         GiB in all its iterations, Firebase SCrypt 1 GiB of memory, or what the settings of this core make new hashes with"
    )]
    TooCostly,
    /// A fault of the settings, not of the caller: Firebase's hashes mean nothing without the key.
    #[error("{}", NO_SIGNER_KEY)]
    NoSignerKey,
}

/// What upstream answers, with 500, where a Firebase hash is to be checked or imported without the key.
pub const NO_SIGNER_KEY: &str = "java.lang.IllegalStateException: 'firebase_password_hashing_signer_key' cannot be null";

/// The first look: is there a hash at all, and a format of that name?
///
/// # Errors
/// [`Refused::EmptyHash`], then [`Refused::EmptyAlgorithm`], then [`Refused::UnknownAlgorithm`].
pub fn named(hash: &str, algorithm: Option<&str>) -> Result<Named, Refused> {
    let hash = trimmed(hash);
    if hash.is_empty() {
        return Err(Refused::EmptyHash);
    }
    let format = match algorithm.map(|algorithm| trimmed(algorithm).to_uppercase()).as_deref() {
        None => None,
        Some("") => return Err(Refused::EmptyAlgorithm),
        Some("ARGON2") => Some(Format::Argon2),
        Some("BCRYPT") => Some(Format::Bcrypt),
        Some("FIREBASE_SCRYPT") => Some(Format::Firebase),
        Some(_) => return Err(Refused::UnknownAlgorithm),
    };
    Ok(Named { hash: Secret::new(hash.to_owned()), format })
}

/// The second look: can it be checked here?
///
/// # Errors
/// Not of the format, too costly, or of Firebase without the signer key: which comes before the format where the caller named it.
pub fn check(named: &Named, has_signer_key: bool, caps: &Caps) -> Result<(), Refused> {
    if named.format == Some(Format::Firebase) && !has_signer_key {
        return Err(Refused::NoSignerKey);
    }
    let wrong = match named.format {
        None => Refused::NoFormat,
        Some(Format::Argon2) => Refused::NotArgon2,
        Some(Format::Bcrypt) => Refused::NotBcrypt,
        Some(Format::Firebase) => Refused::NotFirebase,
    };
    let text = named.hash.expose();
    if text.chars().count() > LONGEST {
        return Err(wrong);
    }
    let hash = PasswordHash::read(text).filter(|hash| named.format.is_none_or(|format| format == hash.format()));
    let hash = hash.ok_or(wrong)?;
    if hash.format() == Format::Firebase && !has_signer_key {
        return Err(Refused::NoSignerKey);
    }
    if caps.allow(&hash.derivation) { Ok(()) } else { Err(Refused::TooCostly) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CoreConfig;
    use crate::session::test_vectors as vectors;

    fn verdict(hash: &str, algorithm: Option<&str>, has_signer_key: bool) -> Result<Named, Refused> {
        let named = named(hash, algorithm)?;
        check(&named, has_signer_key, &Caps::of(&CoreConfig::defaults()))?;
        Ok(named)
    }

    #[test]
    fn verdicts_are_those_of_the_vectors() {
        let file = vectors::file(include_str!("../../../../testkit/vectors/password_hash_import.json"));
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 32);
        for case in cases {
            let (hash, algorithm) = (vectors::text(case, "passwordHash"), vectors::optional(case, "hashingAlgorithm"));
            let expected = vectors::optional(case, "recommended").unwrap_or_else(|| vectors::text(case, "java"));
            let said = match verdict(hash, algorithm, true) {
                Ok(named) => {
                    assert_eq!(named.hash.expose(), hash.trim());
                    "accepted".to_owned()
                }
                Err(refused) => format!("400 {refused}"),
            };
            assert_eq!(said, expected, "{hash} as {algorithm:?}");
        }
    }

    #[test]
    fn firebase_needs_its_key_and_others_do_not() {
        let firebase = "$f_scrypt$aGFzaA==$c2FsdA==$m=14$r=8$s=Bw==";
        for (hash, algorithm, expected) in [
            (firebase, None, Err(Refused::NoSignerKey)),
            (firebase, Some("firebase_scrypt"), Err(Refused::NoSignerKey)),
            ("nonsense", Some("firebase_scrypt"), Err(Refused::NoSignerKey)),
            ("nonsense", None, Err(Refused::NoFormat)),
            (firebase, Some("bcrypt"), Err(Refused::NotBcrypt)),
            ("$2a$04$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG", None, Ok(())),
        ] {
            assert_eq!(verdict(hash, algorithm, false).map(drop), expected, "{hash}");
        }
    }

    #[test]
    fn absurd_costs_and_lengths_are_refused() {
        for (hash, expected) in [
            ("$2a$31$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG", Refused::NoFormat),
            ("$2a$17$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG", Refused::TooCostly),
            ("$argon2id$v=19$m=4194304,t=1,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A", Refused::TooCostly),
            ("$f_scrypt$aGFzaA==$c2FsdA==$m=30$r=8$s=Bw==", Refused::TooCostly),
        ] {
            assert_eq!(verdict(hash, None, true).err(), Some(expected), "{hash}");
        }
        let salted = |n: usize| format!("$argon2id$v=19$m=16,t=2,p=1${}$kjcNNtZ/b0t/8HgXUiQ76A", "A".repeat(n));
        assert_eq!([salted(204).len(), salted(208).len()], [255, 259]);
        assert!(verdict(&salted(204), None, true).is_ok());
        assert_eq!(verdict(&salted(208), Some("argon2"), true).err(), Some(Refused::NotArgon2));
    }
}

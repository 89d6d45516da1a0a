//! From a password to a digest, by one of the three algorithms. Takes a tenth of a second and more, and as much memory as the hash says.

use argon2::{Algorithm, Params};
use aws_lc_rs::cipher::{AES_256, AES_256_KEY_LEN, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use supertokens_domain::emailpassword::password_hash::{Argon2, Bcrypt, Derivation, Firebase, Kind, Version};
use supertokens_domain::secret::Secret;
use zeroize::Zeroizing;

/// bcrypt looks at no more of a password.
const BCRYPT_BYTES: usize = 72;
/// Of Firebase's scrypt, of which the first half is used.
const SCRYPT_BYTES: usize = 64;

/// A library refused what a hash asks for: memory that is not there, or a number that it does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub(super) struct CannotDerive(&'static str);

/// What comes out. `signer_key` is for Firebase's hashes.
pub(super) fn derive(
    derivation: &Derivation,
    password: &Secret<String>,
    signer_key: Option<&Secret<Vec<u8>>>,
) -> Result<Secret<Vec<u8>>, CannotDerive> {
    let password = password.expose().as_bytes();
    let digest = match derivation {
        Derivation::Bcrypt(bcrypt) => by_bcrypt(bcrypt, password),
        Derivation::Argon2(argon2) => by_argon2(argon2, password)?,
        Derivation::Firebase(firebase) => {
            let signer_key = signer_key.ok_or(CannotDerive("there is no signer key"))?;
            by_firebase(firebase, password, signer_key.expose())?
        }
    };
    Ok(Secret::new(digest))
}

fn by_bcrypt(bcrypt: &Bcrypt, password: &[u8]) -> Vec<u8> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(BCRYPT_BYTES + 1));
    bytes.extend(password.iter().take(BCRYPT_BYTES));
    bytes.push(0);
    bytes.truncate(BCRYPT_BYTES);
    let digest = bcrypt::bcrypt(bcrypt.cost, *bcrypt.salt.expose(), &bytes);
    // The last byte is not part of the format.
    digest.into_iter().take(23).collect()
}

fn by_argon2(argon2: &Argon2, password: &[u8]) -> Result<Vec<u8>, CannotDerive> {
    let algorithm = match argon2.kind {
        Kind::D => Algorithm::Argon2d,
        Kind::I => Algorithm::Argon2i,
        Kind::Id => Algorithm::Argon2id,
    };
    let version = match argon2.version {
        Version::V16 => argon2::Version::V0x10,
        Version::V19 => argon2::Version::V0x13,
    };
    let refused = |_| CannotDerive("Argon2 cannot do it, or there is not enough memory");
    let params = Params::new(argon2.memory_kib, argon2.iterations, argon2.lanes, Some(argon2.tag)).map_err(refused)?;
    let mut tag = vec![0; argon2.tag];
    argon2::Argon2::new(algorithm, version, params)
        .hash_password_into(password, argon2.salt.expose(), &mut tag)
        .map_err(refused)?;
    Ok(tag)
}

fn by_firebase(firebase: &Firebase, password: &[u8], signer_key: &[u8]) -> Result<Vec<u8>, CannotDerive> {
    let cost = u8::try_from(firebase.memory_cost).map_err(|_| CannotDerive("scrypt's cost is too large"))?;
    let params = scrypt::Params::new(cost, firebase.rounds, 1).map_err(|_| CannotDerive("scrypt's cost is too large"))?;
    let mut key = Zeroizing::new([0; SCRYPT_BYTES]);
    scrypt::scrypt(password, firebase.salt.expose(), &params, &mut *key).map_err(|_| CannotDerive("scrypt failed"))?;
    let refused = |_| CannotDerive("AES failed");
    let half = key.get(..AES_256_KEY_LEN).unwrap_or_default();
    let encrypting = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, half).map_err(refused)?).map_err(refused)?;
    let mut digest = signer_key.to_vec();
    // The format begins to count at zero: a key encrypts this one text only.
    encrypting.less_safe_encrypt(&mut digest, EncryptionContext::Iv128(FixedLength::from([0; 16]))).map_err(refused)?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use supertokens_domain::emailpassword::password_hash::{PasswordHash, signer_key};

    use super::*;

    fn verifies(stored: &str, password: &str, key: &str) -> bool {
        let Some(hash) = PasswordHash::read(stored) else { return false };
        let digest = derive(&hash.derivation, &Secret::new(password.to_owned()), Some(&signer_key(key))).unwrap();
        hash.is(digest.expose())
    }

    #[test]
    fn hashes_verify_as_in_the_vectors() {
        let file: Value = serde_json::from_str(include_str!("../../../../testkit/vectors/password_hashes.json")).unwrap();
        let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
        let key = text(&file, "firebase_password_hashing_signer_key");
        let cases = file["cases"].as_array().unwrap();
        assert!(cases.len() >= 50);
        for case in cases {
            let verified = verifies(&text(case, "stored"), &text(case, "password"), &key);
            assert_eq!(verified, case["verifies"].as_bool().unwrap(), "{case}");
        }
        let published = &file["firebase_published_example"];
        assert!(verifies(&text(published, "stored"), &text(published, "password"), &text(published, "signer_key")));
        // A password is not taken for another one that looks alike in ASCII.
        let quirk = &file["java_nonascii_firebase_quirk"];
        assert!(!verifies(&text(quirk, "java_would_accept"), &text(quirk, "password"), &key));
        assert!(verifies(&text(quirk, "java_would_accept"), "p?ss", &key));
    }

    #[test]
    fn without_memory_or_a_key_there_is_no_digest_and_no_panic() {
        let derived = |stored: &str| {
            let hash = PasswordHash::read(stored).unwrap();
            derive(&hash.derivation, &Secret::new("p".to_owned()), None).map(drop)
        };
        assert!(derived("$f_scrypt$aGFzaA==$c2FsdA==$m=14$r=8$s=Bw==").is_err());
        // 4 TiB.
        assert!(derived("$argon2id$v=19$m=4294967295,t=1,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A").is_err());
    }
}

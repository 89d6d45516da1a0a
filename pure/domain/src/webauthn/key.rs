//! Keys of passkeys: from COSE (RFC 9053) to one that can check a signature. An algorithm belongs to a key; nothing that comes with a
//! signature can change it.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, VerificationAlgorithm,
};

use crate::webauthn::cbor::{self, Map, Value};

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384. The library takes it from 2048 bits on, the other three from 1024 on.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PKCS1-v1_5 with SHA-1: only for keys that are stored already.
    Rs1,
}

const ALL: [Algorithm; 8] = [
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Rs1,
];

impl Algorithm {
    /// Its number in COSE.
    pub fn number(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::Es512 => -36,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
            Self::Rs384 => -258,
            Self::Rs512 => -259,
            Self::Rs1 => -65535,
        }
    }

    /// The one with a number, if we can check it.
    pub fn of_number(number: i64) -> Option<Self> {
        ALL.into_iter().find(|algorithm| algorithm.number() == number)
    }

    fn of_library(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &ECDSA_P256_SHA256_ASN1,
            Self::Es384 => &ECDSA_P384_SHA384_ASN1,
            Self::Es512 => &ECDSA_P521_SHA512_ASN1,
            Self::EdDsa => &ED25519,
            Self::Rs256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
            Self::Rs1 => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        }
    }

    /// Key type and curve of its keys: 2 are points, 1 is a point in one number, 3 is RSA. RFC 9053 lets a key of ES256 lie on other
    /// curves; WebAuthn does not.
    fn shape(self) -> (i64, Option<Curve>) {
        match self {
            Self::Es256 => (2, Some(Curve { number: 1, size: 32 })),
            Self::Es384 => (2, Some(Curve { number: 2, size: 48 })),
            Self::Es512 => (2, Some(Curve { number: 3, size: 66 })),
            Self::EdDsa => (1, Some(Curve { number: 6, size: 32 })),
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Rs1 => (3, None),
        }
    }
}

struct Curve {
    number: i64,
    /// Of one coordinate, in bytes.
    size: usize,
}

/// A key that can check signatures.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    parsed: ParsedPublicKey,
    /// What it was parsed from: for ECDSA the point, `4 ‖ x ‖ y`.
    bytes: Vec<u8>,
}

/// What a key in COSE is.
#[derive(Debug, Clone)]
pub enum CoseKey {
    /// One that can check signatures.
    Usable(PublicKey),
    /// It does not say how it signs.
    WithoutAlgorithm,
    /// It signs in a way that we cannot check.
    Unknown(i64),
}

/// Bytes that are no key: no CBOR, or numbers that are no point of the curve or too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key")]
pub struct NoKey;

impl CoseKey {
    /// Reads a key, and whether its numbers can be one.
    pub fn read(bytes: &[u8]) -> Result<Self, NoKey> {
        let value = cbor::whole(bytes).map_err(|_| NoKey)?;
        let map = value.as_map().ok_or(NoKey)?;
        let number = match map.number(3) {
            None => return Ok(Self::WithoutAlgorithm),
            Some(Value::Int(number)) => *number,
            Some(_) => return Err(NoKey),
        };
        match Algorithm::of_number(number) {
            None => Ok(Self::Unknown(number)),
            Some(algorithm) => PublicKey::of_members(algorithm, map).map(Self::Usable),
        }
    }
}

impl PublicKey {
    fn of_members(algorithm: Algorithm, map: &Map) -> Result<Self, NoKey> {
        let int = |name| map.number(name).and_then(Value::as_int);
        let bytes = |name| map.number(name).and_then(Value::as_bytes).ok_or(NoKey);
        let (kind, curve) = algorithm.shape();
        if int(1) != Some(kind) || curve.as_ref().is_some_and(|curve| int(-1) != Some(curve.number)) {
            return Err(NoKey);
        }
        let coordinate =
            |name| bytes(name).and_then(|n| if curve.as_ref().is_some_and(|c| c.size == n.len()) { Ok(n) } else { Err(NoKey) });
        let bytes = match kind {
            1 => coordinate(-2)?.to_vec(),
            2 => [&[4], coordinate(-2)?, coordinate(-3)?].concat(),
            _ => rsa(bytes(-1)?, bytes(-2)?)?,
        };
        Self::of_bytes(algorithm, bytes)
    }

    /// The key of a certificate: a SubjectPublicKeyInfo in DER.
    pub fn of_certificate(algorithm: Algorithm, info: &[u8]) -> Result<Self, NoKey> {
        Self::of_bytes(algorithm, info.to_vec())
    }

    fn of_bytes(algorithm: Algorithm, bytes: Vec<u8>) -> Result<Self, NoKey> {
        let parsed = ParsedPublicKey::new(algorithm.of_library(), &bytes).map_err(|_| NoKey)?;
        Ok(Self { algorithm, parsed, bytes })
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The point, as FIDO U2F signs it, of a key on P-256 that was read from COSE.
    pub(super) fn point(&self) -> Option<&[u8]> {
        (self.algorithm == Algorithm::Es256).then_some(self.bytes.as_slice()).filter(|bytes| bytes.len() == 65)
    }

    /// Is this a signature of the message by this key? ECDSA in DER, the others as they are.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The DER of an RSA key of 1024 to 8192 bits. What is checked here the library would only say when it is asked about a signature.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, NoKey> {
    let strip = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    let (n, e) = (strip(modulus), strip(exponent));
    let bits = n.first().map_or(0, |first| 8 * n.len() - first.leading_zeros() as usize);
    // An even modulus has the factor two, an even exponent no private half; 1 signs everything. The library allows 33 bits.
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !(1024..=8192).contains(&bits) || !odd(&n) || !odd(&e) || e == [1] || e.len() > 4 {
        return Err(NoKey);
    }
    let der: PublicKeyX509Der<'_> = PublicKeyComponents { n, e }.as_der().map_err(|_| NoKey)?;
    Ok(der.as_ref().to_vec())
}

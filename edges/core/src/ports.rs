//! What the core asks of the world besides its database: the time, and dice.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use supertokens_domain::secret::Secret;
use supertokens_domain::session::signing_key::stored_from_der;
use supertokens_domain::time::Millis;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01 UTC.
    fn now(&self) -> Millis;
}

/// Rolls dice.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out` with bytes that nobody can guess.
    fn fill(&self, out: &mut [u8]);

    /// A new RSA key of 2048 bits in the text form of the tables. Takes some 100 ms; called off the async workers.
    ///
    /// # Errors
    /// The crypto library could not make one.
    fn rsa_key(&self) -> Result<Secret<String>, NoKey>;
}

/// The crypto library failed to make a key.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the crypto library could not make an RSA key")]
pub struct NoKey;

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The random source of the crypto library, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no token is safe; the library documents that its source does not fail once seeded"
    )]
    fn fill(&self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).expect("the operating system gives randomness");
    }

    fn rsa_key(&self) -> Result<Secret<String>, NoKey> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| NoKey)?;
        let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| NoKey)?;
        Ok(stored_from_der(public.as_ref(), private.as_ref()))
    }
}

/// A random UUID (version 4), lower case with hyphens.
pub(crate) fn uuid(dice: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    dice.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A number drawn evenly from 0 (inclusive) to 1 (exclusive).
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
pub(crate) fn unit(dice: &dyn Entropy) -> f64 {
    let mut bytes = [0; 8];
    dice.fill(&mut bytes);
    (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
}

//! The world's clock and dice: what time is it, and what is thrown, when a test decides?
//!
//! The clock stands still until it is turned. The dice count, so two throws never agree and a whole run can be repeated.
//! RSA keys are not made, which would take seconds on a busy machine, longer than an SDK waits for a core's keys: all worlds draw from
//! one small pool of keys for tests, each from its beginning.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde_json::Value;
use supertokens_core::ports::{Clock, Entropy, NoKey};
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

/// The instant at which every world begins: 2023-11-14 22:13:20 UTC, the one of the spec's vectors.
pub const BEGINNING: Millis = 1_700_000_000_000;

/// A clock that only a scenario moves.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(BEGINNING))
    }
}

impl TestClock {
    /// What it shows.
    pub fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }

    /// Turns it forward (or, with a negative number, back).
    pub fn advance(&self, by: Millis) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets it.
    pub fn set(&self, to: Millis) {
        self.0.store(to, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        Self::now(self)
    }
}

/// Dice whose n-th throw is always the same.
#[derive(Debug, Default)]
pub struct CountingDice {
    throws: AtomicU64,
    keys: AtomicU64,
}

impl CountingDice {
    /// How many RSA keys were asked for so far.
    pub fn keys_made(&self) -> u64 {
        self.keys.load(Ordering::SeqCst)
    }
}

impl Entropy for CountingDice {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let thrown = spread(self.throws.fetch_add(1, Ordering::SeqCst)).to_le_bytes();
            chunk.copy_from_slice(&thrown[..chunk.len()]);
        }
    }

    fn rsa_key(&self) -> Result<Secret<String>, NoKey> {
        Ok(pooled_key(self.keys.fetch_add(1, Ordering::SeqCst)))
    }
}

/// Turns a count into bits that look random to whoever takes some of them (the finaliser of "splitmix64").
fn spread(count: u64) -> u64 {
    let mut bits = count.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// The keys of the spec's vectors, then others; all of them in the form in which a database holds them. A world rarely has more; the next
/// one would get the first key again.
static POOL: LazyLock<Vec<String>> = LazyLock::new(|| {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/rsa_test_keys.json")).expect("the vectors are JSON");
    let known = ["dynamic", "static", "other"].map(|name| vectors[name]["storage_string"].as_str().expect("a key").to_owned());
    known.into_iter().chain(include_str!("ports/rsa_keys.txt").lines().map(str::to_owned)).collect()
});

fn pooled_key(drawn: u64) -> Secret<String> {
    let place = usize::try_from(drawn).unwrap_or_default() % POOL.len();
    Secret::new(POOL[place].clone())
}

#[cfg(test)]
mod tests {
    use supertokens_domain::session::signing_key::SigningKey;

    use super::*;

    #[test]
    fn throws_differ_from_each_other_and_agree_between_worlds() {
        let throw = |dice: &CountingDice| {
            let mut bytes = [0; 20];
            dice.fill(&mut bytes);
            bytes
        };
        let (one, other) = (CountingDice::default(), CountingDice::default());
        let first = throw(&one);
        assert_ne!(first, throw(&one));
        assert_eq!(first, throw(&other));
    }

    #[test]
    fn keys_come_from_the_pool_in_order() {
        let draw = |dice: &CountingDice| dice.rsa_key().unwrap().expose().clone();
        let (one, other) = (CountingDice::default(), CountingDice::default());
        let first = draw(&one);
        assert_ne!(first, draw(&one));
        assert_eq!(first, draw(&other));
        assert_eq!(one.keys_made(), 2);
    }

    #[test]
    fn each_key_of_the_pool_is_good_and_another_one() {
        let keys: Vec<String> = (0..POOL.len()).map(|place| pooled_key(place.try_into().unwrap()).expose().clone()).collect();
        let mut names: Vec<String> =
            keys.iter().map(|key| SigningKey::from_stored("k", key).unwrap().verifying().public_base64().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 16);
        assert_eq!(pooled_key(16).expose(), &keys[0]);
    }
}

//! The world's clock and dice: what time is it, and what is thrown, when a test decides?
//!
//! The clock stands still until it is turned. The dice count, so two throws never agree and a whole run can be repeated.
//! RSA keys are slow to make, so all worlds of a process draw from one small pool, each from its beginning.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use supertokens_core::ports::{Clock, Entropy, NoKey, SystemEntropy};
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
        let drawn = self.keys.fetch_add(1, Ordering::SeqCst);
        pooled_key(usize::try_from(drawn).unwrap_or(0) % POOL_SIZE)
    }
}

/// Turns a count into bits that look random to whoever takes some of them (the finaliser of "splitmix64").
fn spread(count: u64) -> u64 {
    let mut bits = count.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A world rarely has more keys than this; the next one would get the first key again.
const POOL_SIZE: usize = 16;

static POOL: [OnceLock<String>; POOL_SIZE] = [const { OnceLock::new() }; POOL_SIZE];
static MAKING: Mutex<()> = Mutex::new(());

/// The key at this place. The first ones are the spec's test keys, the others are made when first needed.
fn pooled_key(place: usize) -> Result<Secret<String>, NoKey> {
    if let Some(key) = POOL[place].get() {
        return Ok(Secret::new(key.clone()));
    }
    // One at a time: eight worlds that begin together would otherwise make the same key eight times.
    let _turn = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = match (POOL[place].get(), test_keys().get(place)) {
        (Some(key), _) | (None, Some(key)) => key.clone(),
        (None, None) => SystemEntropy.rsa_key()?.expose().clone(),
    };
    Ok(Secret::new(POOL[place].get_or_init(|| key).clone()))
}

/// The published test keys, as a database holds them.
fn test_keys() -> Vec<String> {
    let keys: Value = serde_json::from_str(include_str!("../vectors/rsa_test_keys.json")).expect("the vectors are JSON");
    ["dynamic", "static", "other"].iter().filter_map(|name| keys[name]["storage_string"].as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
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
        assert_eq!(first, test_keys()[0]);
        assert_ne!(first, draw(&one));
        assert_eq!(first, draw(&other));
        assert_eq!(one.keys_made(), 2);
    }
}

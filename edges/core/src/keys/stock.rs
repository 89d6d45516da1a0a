//! Signing keys that are ready before anybody asks for one. A new app needs two, each takes some 15 to 100 ms of a processor, and nobody
//! should wait for that.
//!
//! How many lie ready follows what was used lately, within bounds. They are made one at a time, in the background; whoever finds none
//! makes one, as many at a time as there are processors, in the order of asking.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use supertokens_domain::secret::Secret;
use supertokens_domain::time::{MINUTE, Millis};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::ports::Entropy;

/// What counts as lately, in ms.
const LATELY: Millis = 10 * MINUTE;
const LONG_AGO: Millis = 2 * LATELY;

/// How many signing keys lie ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpareKeys {
    /// Always.
    pub least: usize,
    /// Never more than these.
    pub most: usize,
    /// For each that was used in the last ten minutes.
    pub for_each_used: usize,
}

impl SpareKeys {
    /// As production needs them: an app is made now and then.
    pub const NORMAL: Self = Self { least: 2, most: 32, for_each_used: 1 };
    /// As a test suite needs them, which makes an app for each of its tests.
    pub const FOR_SUITES: Self = Self { least: 2, most: 128, for_each_used: 8 };
}

/// How many keys were used in this stretch of time, and in the one before.
#[derive(Debug, Default)]
struct Usage {
    since: Millis,
    these: usize,
    before: usize,
}

impl Usage {
    fn count(&mut self, now: Millis) {
        match now.saturating_sub(self.since) {
            0..LATELY => {}
            LATELY..LONG_AGO => (self.since, self.before, self.these) = (now, self.these, 0),
            // Long ago, or a clock that was set back.
            _ => (self.since, self.before, self.these) = (now, 0, 0),
        }
        self.these = self.these.saturating_add(1);
    }

    fn wanted(&self, spare: SpareKeys) -> usize {
        let wanted = self.these.max(self.before).saturating_mul(spare.for_each_used);
        wanted.max(spare.least).min(spare.most)
    }
}

#[derive(Default)]
struct Ready {
    keys: Vec<Secret<String>>,
    usage: Usage,
    is_filling: bool,
}

struct Shelf {
    dice: Arc<dyn Entropy>,
    spare: SpareKeys,
    ready: Mutex<Ready>,
    makers: Arc<Semaphore>,
}

impl Shelf {
    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys that lie ready. What is left of them when it is dropped is wiped, and none is made any more.
pub(crate) struct Stock(Arc<Shelf>);

impl Stock {
    pub(crate) fn new(dice: Arc<dyn Entropy>, spare: SpareKeys) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let makers = Arc::new(Semaphore::new(processors));
        Self(Arc::new(Shelf { dice, spare, ready: Mutex::default(), makers }))
    }

    /// A key pair nobody else has.
    pub(crate) async fn take(&self, now: Millis) -> Result<Secret<String>, Error> {
        let found = {
            let mut ready = self.0.ready();
            ready.usage.count(now);
            ready.keys.pop()
        };
        self.refill();
        if let Some(key) = found {
            return Ok(key);
        }
        let turn = Arc::clone(&self.0.makers).acquire_owned().await.map_err(Error::fault)?;
        let made_meanwhile = self.0.ready().keys.pop();
        if let Some(key) = made_meanwhile {
            // Whoever filled may have ended meanwhile, with this one on the shelf.
            self.refill();
            return Ok(key);
        }
        let dice = Arc::clone(&self.0.dice);
        // The turn ends with the work, even if the caller is gone by then.
        let making = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            dice.rsa_key()
        });
        making.await.map_err(Error::fault)?.map_err(Error::fault)
    }

    /// Makes what is wanting, in the background.
    pub(crate) fn refill(&self) {
        {
            let mut ready = self.0.ready();
            if ready.is_filling || ready.keys.len() >= ready.usage.wanted(self.0.spare) {
                return;
            }
            ready.is_filling = true;
        }
        tokio::spawn(fill(Filling(Some(Arc::downgrade(&self.0)))));
    }
}

/// Whoever fills. When it fails, or is given up with its runtime, another one may begin; when it has ended, another one may have begun.
struct Filling(Option<Weak<Shelf>>);

impl Filling {
    fn shelf(&self) -> Option<Arc<Shelf>> {
        self.0.as_ref()?.upgrade()
    }

    /// What makes the next one, if one is wanted. Otherwise it ends here and now, under the lock: whoever takes one a moment later
    /// finds that nobody fills.
    fn next(&mut self) -> Option<Arc<dyn Entropy>> {
        let shelf = self.shelf()?;
        let mut ready = shelf.ready();
        ready.is_filling = ready.keys.len() < ready.usage.wanted(shelf.spare);
        if !ready.is_filling {
            self.0 = None;
            return None;
        }
        Some(Arc::clone(&shelf.dice))
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if let Some(shelf) = self.shelf() {
            shelf.ready().is_filling = false;
        }
    }
}

/// One key after the other. Between two of them it holds nothing, so that a core that nobody needs any more ends.
async fn fill(mut filling: Filling) {
    while let Some(dice) = filling.next() {
        match tokio::task::spawn_blocking(move || dice.rsa_key()).await {
            Ok(Ok(key)) => {
                let Some(shelf) = filling.shelf() else { return };
                shelf.ready().keys.push(key);
            }
            Ok(Err(error)) => return tracing::error!(%error, "no spare signing key"),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::ports::NoKey;

    /// Makes numbered "keys", while the door is open, and counts how many are made at the same time.
    #[derive(Default)]
    struct Maker {
        made: AtomicUsize,
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
        door: Mutex<()>,
    }

    impl Entropy for Maker {
        fn fill(&self, _: &mut [u8]) {}

        fn rsa_key(&self) -> Result<Secret<String>, NoKey> {
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            let _open = self.door.lock().unwrap_or_else(PoisonError::into_inner);
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Ok(Secret::new(self.made.fetch_add(1, Ordering::SeqCst).to_string()))
        }
    }

    fn stock(spare: SpareKeys) -> (Arc<Maker>, Stock) {
        let maker = Arc::new(Maker::default());
        (Arc::clone(&maker), Stock::new(maker, spare))
    }

    async fn until(condition: impl Fn() -> bool) {
        let waiting = async {
            while !condition() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it happens in time");
    }

    fn ready(stock: &Stock) -> usize {
        stock.0.ready().keys.len()
    }

    #[test]
    fn as_many_lie_ready_as_were_used_lately_within_bounds() {
        let spare = SpareKeys { least: 2, most: 5, for_each_used: 1 };
        let mut usage = Usage::default();
        assert_eq!(usage.wanted(spare), 2);
        let mut use_at = |now, times: usize| {
            (0..times).for_each(|_| usage.count(now));
            usage.wanted(spare)
        };
        let start = 1_000 * LATELY;
        assert_eq!([use_at(start, 1), use_at(start + 1, 3), use_at(start + 2, 9)], [2, 4, 5]);
        // What was used in the stretch before counts as well, and not what was used before that.
        assert_eq!([use_at(start + LATELY, 1), use_at(start + 2 * LATELY, 1), use_at(start + 9 * LATELY, 1)], [5, 2, 2]);
        assert_eq!([use_at(start, 4), use_at(start - 3 * LATELY, 1)], [4, 2]);
        assert_eq!(SpareKeys::FOR_SUITES.least, 2);
        let mut in_suite = Usage::default();
        let wanted = [2, 1, 20].map(|times| {
            (0..times).for_each(|_| in_suite.count(start));
            in_suite.wanted(SpareKeys::FOR_SUITES)
        });
        assert_eq!(wanted, [16, 24, 128]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_that_lies_ready_is_not_waited_for() {
        let (maker, stock) = stock(SpareKeys { least: 3, most: 3, for_each_used: 1 });
        stock.refill();
        until(|| ready(&stock) == 3 && !stock.0.ready().is_filling).await;
        let taken = {
            let maker = Arc::clone(&maker);
            let door = maker.door.lock().unwrap();
            // Nobody can make a key now.
            let mut taking = Box::pin(stock.take(0));
            let waker = std::task::Waker::noop();
            let polled = std::future::Future::poll(taking.as_mut(), &mut std::task::Context::from_waker(waker));
            drop(door);
            polled
        };
        assert!(taken.is_ready());
        // And what was taken is made anew.
        until(|| ready(&stock) == 3).await;
        assert_eq!(maker.made.load(Ordering::SeqCst), 4);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_do_not_crowd_the_processors_and_all_get_another_one() {
        let (maker, stock) = stock(SpareKeys { least: 2, most: 8, for_each_used: 1 });
        let stock = Arc::new(stock);
        let mut takers = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let stock = Arc::clone(&stock);
            takers.spawn(async move { stock.take(0).await.unwrap().expose().clone() });
        }
        let mut keys = takers.join_all().await;
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 100);
        let processors = std::thread::available_parallelism().unwrap().get();
        assert!(maker.most_at_once.load(Ordering::SeqCst) <= processors + 1);
        until(|| ready(&stock) == 8 && !stock.0.ready().is_filling).await;
    }

    #[tokio::test]
    async fn who_takes_one_as_filling_ends_begins_it_anew() {
        let (_, stock) = stock(SpareKeys { least: 1, most: 1, for_each_used: 1 });
        let mut filling = Filling(Some(Arc::downgrade(&stock.0)));
        *stock.0.ready() = Ready { keys: vec![Secret::new("a".to_owned())], is_filling: true, ..Ready::default() };
        assert!(filling.next().is_none());
        // One that has ended is still there, and another one begins beside it.
        stock.take(0).await.unwrap();
        drop(filling);
        assert!(stock.0.ready().is_filling);
        until(|| ready(&stock) == 1).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn when_the_core_is_gone_no_more_keys_are_made() {
        let (maker, stock) = stock(SpareKeys { least: 50, most: 50, for_each_used: 8 });
        {
            let door = maker.door.lock().unwrap();
            stock.refill();
            let begun = std::time::Instant::now();
            while maker.at_once.load(Ordering::SeqCst) == 0 && begun.elapsed() < Duration::from_secs(30) {
                std::thread::yield_now();
            }
            drop(stock);
            drop(door);
        }
        // The one in work is finished, and nothing holds the dice afterwards.
        until(|| Arc::strong_count(&maker) == 1).await;
        assert!(maker.made.load(Ordering::SeqCst) <= 1);
    }
}

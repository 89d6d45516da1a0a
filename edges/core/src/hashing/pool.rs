//! Threads that hash, and the queue in front of them. A hash takes a processor for a tenth of a second and more, so it neither runs on
//! the runtime's threads nor waits there; and those who only look up a session come first.
//!
//! No thread starts before the first hash, and one that had nothing to do for a while ends. Who leaves takes its place in the queue along;
//! what has begun cannot be interrupted.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// A thread without work ends after this long.
const LINGER: Duration = Duration::from_secs(10);
/// So many wait for each thread: with the usual costs, some ten seconds. Who would wait longer is told so at once.
const WAITING_FOR_EACH: usize = 64;
/// More never wait, however many threads there are: each of them is a request that is worked on.
const MOST_WAITING: usize = 256;
/// Frames of a build without optimisation are large; of the others a tenth of this is used.
const STACK: usize = 512 * 1024;
/// Enough that others are served first, and little enough that hashing gets its share where others never rest.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotDone {
    /// Too many wait. Whoever began last had waited so many milliseconds.
    #[error("too many passwords wait to be hashed; the last one waited {waited_ms} ms")]
    Full {
        /// In ms.
        waited_ms: u64,
    },
    /// The work panicked, or no thread could start.
    #[error("a thread that hashes passwords failed")]
    Failed,
}

/// What a pool has done since the start, and what it does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolFigures {
    /// Hashes that were worked out.
    pub done: u64,
    /// Those that were turned away, as too many waited.
    pub refused: u64,
    /// Those whose caller left while they waited.
    pub left: u64,
    /// How long those that began had waited in all, in ms.
    pub waited_ms: u64,
    /// How many wait now.
    pub waiting: usize,
    /// How many are worked on now.
    pub running: usize,
}

struct Job {
    since: Instant,
    work: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct State {
    /// By number, which is the order of coming.
    waiting: BTreeMap<u64, Job>,
    next: u64,
    /// Threads that there are, and how many of them have nothing to do.
    threads: usize,
    idle: usize,
    last_waited_ms: u64,
    closed: bool,
}

struct Shared {
    name: &'static str,
    threads: usize,
    most_waiting: usize,
    linger: Duration,
    state: Mutex<State>,
    wake: Condvar,
    done: AtomicU64,
    refused: AtomicU64,
    left: AtomicU64,
    waited_ms: AtomicU64,
}

impl Shared {
    /// What is inside is whole whenever nobody holds the lock: work does not run under it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads for one algorithm. When it is dropped, what waits is dropped, and the threads end with what they are at.
pub(super) struct Pool(Arc<Shared>);

impl Pool {
    /// At most so many threads. Nothing starts yet.
    pub(super) fn new(name: &'static str, threads: usize) -> Self {
        let threads = threads.max(1);
        Self::with(name, threads, threads.saturating_mul(WAITING_FOR_EACH).min(MOST_WAITING), LINGER)
    }

    fn with(name: &'static str, threads: usize, most_waiting: usize, linger: Duration) -> Self {
        let zero = || AtomicU64::new(0);
        let (state, wake) = (Mutex::default(), Condvar::new());
        let (done, refused, left, waited_ms) = (zero(), zero(), zero(), zero());
        Self(Arc::new(Shared { name, threads, most_waiting, linger, state, wake, done, refused, left, waited_ms }))
    }

    /// Does the work when it is its turn. A future that is dropped before takes it out of the queue.
    ///
    /// # Errors
    /// See [`NotDone`].
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        let (answer, answered) = oneshot::channel();
        let counted = Arc::clone(&self.0);
        let work = Box::new(move || {
            let result = work();
            // First counted, then told: whoever has an answer finds it among the numbers.
            counted.done.fetch_add(1, Ordering::Relaxed);
            drop(answer.send(result));
        });
        let mut place = Place { shared: &self.0, number: Some(self.enter(work)?) };
        let outcome = answered.await;
        place.number = None;
        outcome.map_err(|_| NotDone::Failed)
    }

    fn enter(&self, work: Box<dyn FnOnce() + Send>) -> Result<u64, NotDone> {
        let shared = &self.0;
        let mut state = shared.state();
        // Those that a thread is about to take do not wait.
        let free = state.idle.saturating_add(shared.threads.saturating_sub(state.threads));
        if state.waiting.len() >= shared.most_waiting.saturating_add(free) {
            shared.refused.fetch_add(1, Ordering::Relaxed);
            return Err(NotDone::Full { waited_ms: state.last_waited_ms });
        }
        let number = state.next;
        state.next = number.wrapping_add(1);
        state.waiting.insert(number, Job { since: Instant::now(), work });
        if state.waiting.len() > state.idle && state.threads < shared.threads && !self.start(&mut state) {
            state.waiting.remove(&number);
            return Err(NotDone::Failed);
        }
        drop(state);
        shared.wake.notify_one();
        Ok(number)
    }

    /// One thread more. False if there is none at all.
    fn start(&self, state: &mut State) -> bool {
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name(format!("hash-{}", shared.name)).stack_size(STACK);
        match thread.spawn(move || work_off(&shared)) {
            Ok(_) => state.threads = state.threads.saturating_add(1),
            Err(error) => tracing::error!(%error, "a thread that hashes passwords could not start"),
        }
        state.threads > 0
    }

    pub(super) fn figures(&self) -> PoolFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (waiting, running) = {
            let state = self.0.state();
            (state.waiting.len(), state.threads.saturating_sub(state.idle))
        };
        PoolFigures {
            done: read(&self.0.done),
            refused: read(&self.0.refused),
            left: read(&self.0.left),
            waited_ms: read(&self.0.waited_ms),
            waiting,
            running,
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.state();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        self.0.wake.notify_all();
        drop(waiting);
    }
}

/// Somebody's place in the queue.
struct Place<'a> {
    shared: &'a Shared,
    number: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        // Dropped behind the lock: it holds a password, which is wiped then.
        let job = self.shared.state().waiting.remove(&number);
        if job.is_some() {
            self.shared.left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What a thread does: one job after the other, until it has had none for a while, or the pool is gone.
fn work_off(shared: &Shared) {
    step_back();
    while let Some(job) = next(shared) {
        // A panic is the job's: its caller learns that there is no answer.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(job.work));
    }
}

fn next(shared: &Shared) -> Option<Job> {
    let mut state = shared.state();
    loop {
        if let Some((_, job)) = state.waiting.pop_first() {
            let waited = u64::try_from(job.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            state.last_waited_ms = waited;
            shared.waited_ms.fetch_add(waited, Ordering::Relaxed);
            return Some(job);
        }
        let mut rested = false;
        if !state.closed {
            state.idle = state.idle.saturating_add(1);
            let woken = shared.wake.wait_timeout(state, shared.linger).unwrap_or_else(PoisonError::into_inner);
            (state, rested) = (woken.0, woken.1.timed_out());
            state.idle = state.idle.saturating_sub(1);
        }
        if state.waiting.is_empty() && (rested || state.closed) {
            state.threads = state.threads.saturating_sub(1);
            return None;
        }
    }
}

/// Whoever only looks up a session shall not wait behind a hash. On Linux a thread has a niceness of its own; elsewhere it is the number
/// of threads that leaves room. A system that forbids it is no reason not to hash.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        let stepped =
            getpriority_process(None).and_then(|before| setpriority_process(None, before.saturating_add(NICENESS).min(19)));
        if let Err(error) = stepped {
            tracing::debug!(%error, "the threads that hash passwords are as important as the others");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// Waits for something that other threads bring about.
    fn until(what: &str, condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            assert!(begun.elapsed() < LONG, "{what}");
            std::thread::yield_now();
        }
    }

    /// Work that goes on until the sender is dropped.
    fn gate() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
        let (open, opened) = mpsc::channel::<()>();
        let wait = move || {
            let _ = opened.recv_timeout(LONG);
        };
        (open, wait)
    }

    async fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match future.as_mut().poll(cx) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn no_thread_starts_before_it_is_needed_and_none_stays_for_ever() {
        let pool = Pool::with("test", 2, 8, Duration::from_millis(20));
        assert_eq!(pool.0.state().threads, 0);
        let name = pool.run(|| std::thread::current().name().map(str::to_owned)).await.unwrap();
        assert_eq!(name.as_deref(), Some("hash-test"));
        assert_eq!(pool.figures().done, 1);
        until("the thread ends", || pool.0.state().threads == 0);
        assert_eq!(pool.run(|| 7).await, Ok(7), "and another one starts");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn so_many_work_at_once_and_no_more_in_the_order_of_coming() {
        for threads in [1, 3] {
            let pool = Arc::new(Pool::with("test", threads, 100, LONG));
            let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..50 {
                let (pool, at_once, most) = (Arc::clone(&pool), Arc::clone(&at_once), Arc::clone(&most));
                all.spawn(async move {
                    let work = move || {
                        let working = at_once.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(working, Ordering::SeqCst);
                        (0..100).for_each(|_| std::thread::yield_now());
                        at_once.fetch_sub(1, Ordering::SeqCst);
                    };
                    pool.run(work).await.unwrap();
                });
            }
            all.join_all().await;
            assert!((1..=threads).contains(&most.load(Ordering::SeqCst)), "{threads}");
            assert_eq!((pool.figures().done, pool.figures().waiting), (50, 0));
            assert!(pool.0.state().threads <= threads);
        }
    }

    #[tokio::test]
    async fn a_full_queue_turns_others_away_at_once_and_they_come_again() {
        let pool = Pool::with("test", 1, 2, LONG);
        let (open, shut) = gate();
        let mut running = Box::pin(pool.run(shut));
        assert!(now(running.as_mut()).await.is_none());
        until("the first one is worked on", || pool.figures().waiting == 0);
        let (mut second, mut third) = (Box::pin(pool.run(|| 2)), Box::pin(pool.run(|| 3)));
        assert!(now(second.as_mut()).await.is_none() && now(third.as_mut()).await.is_none());
        assert!(matches!(now(pool.run(|| 4)).await, Some(Err(NotDone::Full { .. }))));
        assert_eq!((pool.figures().refused, pool.figures().waiting, pool.figures().running), (1, 2, 1));
        drop(open);
        assert_eq!((running.await, second.await, third.await), (Ok(()), Ok(2), Ok(3)));
        assert_eq!(pool.run(|| 5).await, Ok(5));
    }

    #[tokio::test]
    async fn who_leaves_takes_its_place_along() {
        let pool = Pool::with("test", 1, 2, LONG);
        let (open, shut) = gate();
        let mut running = Box::pin(pool.run(shut));
        assert!(now(running.as_mut()).await.is_none());
        until("the first one is worked on", || pool.figures().waiting == 0);
        let secret = Arc::new(());
        for _ in 0..100 {
            let held = Arc::clone(&secret);
            assert!(now(pool.run(move || drop(held))).await.is_none());
        }
        assert_eq!((pool.figures().left, pool.figures().waiting), (100, 0));
        assert_eq!(Arc::strong_count(&secret), 1, "what was to be hashed is gone with them");
        drop(open);
        assert_eq!(running.await, Ok(()));
        assert_eq!(pool.run(|| 5).await, Ok(5));
        assert_eq!(pool.figures().done, 2);
    }

    #[tokio::test]
    async fn a_panic_costs_nobody_else_anything() {
        let pool = Pool::with("test", 1, 2, LONG);
        for _ in 0..3 {
            assert_eq!(pool.run(|| -> u8 { panic!("as expected") }).await, Err(NotDone::Failed));
        }
        assert_eq!(pool.run(|| 5).await, Ok(5));
        assert_eq!(pool.0.state().threads, 1);
    }

    #[tokio::test]
    async fn when_the_pool_is_gone_its_threads_end_and_what_waits_is_dropped() {
        let pool = Pool::with("test", 1, 2, LONG);
        let shared = Arc::downgrade(&pool.0);
        let (open, shut) = gate();
        let secret = Arc::new(());
        let held = Arc::clone(&secret);
        {
            let mut running = Box::pin(pool.run(shut));
            assert!(now(running.as_mut()).await.is_none());
            until("the first one is worked on", || pool.figures().waiting == 0);
            pool.enter(Box::new(move || drop(held))).unwrap();
        }
        drop(pool);
        assert_eq!(Arc::strong_count(&secret), 1);
        drop(open);
        until("the thread is gone", || shared.strong_count() == 0);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_that_hash_step_back_and_no_others() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        let there = Pool::new("test", 1).run(niceness).await.unwrap();
        assert_eq!((there, niceness()), ((before + NICENESS).min(19), before));
    }
}

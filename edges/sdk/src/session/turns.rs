//! Whose turn is it to change a session's payload? A change is two questions to the core, one that reads the row and one that writes
//! the whole payload back. Two of them on one session, one inside the other, would lose what the first one wrote, so within one
//! process they follow one another. Between processes nothing keeps them apart: the interface of the core has no conditional write.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

/// When one change has held the turn for so long, one of those who wait goes on without it: an override that waits for a change in another
/// task, from within a change, would never get it. However long the row of those who wait, it moves on: that is no reason to go.
const PATIENCE: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The payloads that this task is changing already, by whose turns they are and their sessions: an override of a part of the change may
    /// make changes of its own.
    static INSIDE: Vec<(usize, String)>;
}

/// The turns of all sessions that are being changed.
#[derive(Default)]
pub(crate) struct Turns {
    turns: std::sync::Mutex<HashMap<String, Row>>,
}

/// Those who change one session, or wait for it.
#[derive(Default)]
struct Row {
    turn: Arc<Turn>,
    length: usize,
}

#[derive(Default)]
struct Turn {
    turn: Mutex<()>,
    /// How often it has been taken, given back, or done without.
    moves: AtomicU64,
}

impl Turns {
    /// Runs a change of this session's payload when it is its turn.
    pub(crate) async fn take<T>(&self, handle: &str, change: impl Future<Output = T>) -> T {
        let mut inside = INSIDE.try_with(Vec::clone).unwrap_or_default();
        let this = (std::ptr::from_ref(self).addr(), handle.to_owned());
        if inside.contains(&this) {
            return change.await;
        }
        inside.push(this);
        let place = self.place(handle);
        let _held = place.turn.wait().await;
        INSIDE.scope(inside, change).await
    }

    fn place<'a>(&'a self, handle: &'a str) -> Place<'a> {
        let mut all = self.all();
        let row = all.entry(handle.to_owned()).or_default();
        row.length += 1;
        Place { turns: self, handle, turn: Arc::clone(&row.turn) }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Row>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody's place in the row of one session. The last to leave takes the row along.
struct Place<'a> {
    turns: &'a Turns,
    handle: &'a str,
    turn: Arc<Turn>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = self.turns.all();
        let Some(row) = all.get_mut(self.handle) else { return };
        row.length -= 1;
        if row.length == 0 {
            all.remove(self.handle);
        }
    }
}

impl Turn {
    async fn wait(&self) -> Option<Held<'_>> {
        let mut turn = pin!(self.turn.lock());
        loop {
            let seen = self.moves.load(Ordering::Acquire);
            if let Ok(turn) = timeout(PATIENCE, &mut turn).await {
                self.moves.fetch_add(1, Ordering::Release);
                return Some(Held { moves: &self.moves, _turn: turn });
            }
            // Who goes on without it has moved the row, so that nobody else goes at once.
            if self.moves.compare_exchange(seen, seen + 1, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return None;
            }
        }
    }
}

struct Held<'a> {
    moves: &'a AtomicU64,
    _turn: tokio::sync::MutexGuard<'a, ()>,
}

impl Drop for Held<'_> {
    /// Before the turn goes on: it goes to the next in the row before that one is awake to say so.
    fn drop(&mut self) {
        self.moves.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// One change after the other on a slow core, in the runtime's own time.
    #[tokio::test(start_paused = true)]
    async fn a_long_row_of_slow_changes_stays_in_turn() {
        let (turns, inside, most) = (Turns::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let changes = (0..50).map(|_| {
            turns.take("handle", async {
                most.fetch_max(inside.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(Duration::from_secs(4)).await;
                inside.fetch_sub(1, Ordering::Relaxed);
            })
        });
        let began = Instant::now();
        join_all(changes).await;
        assert_eq!((most.into_inner(), began.elapsed().as_secs()), (1, 200));
        assert!(turns.all().is_empty(), "nothing is kept of sessions that nobody changes");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_the_changes_of_another_session() {
        let turns = Turns::default();
        let began = Instant::now();
        let mut slow = pin!(turns.take("slow", sleep(Duration::from_secs(60))));
        assert!(timeout(Duration::from_secs(1), &mut slow).await.is_err());
        let before = began.elapsed();
        for n in 0..1_000 {
            turns.take(&n.to_string(), async {}).await;
        }
        assert_eq!(began.elapsed(), before);
    }

    /// The holder ends at the moment at which the patience of those in the row does.
    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_given_back_at_the_last_moment_goes_to_one() {
        let (turns, inside, most) = (Turns::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let changes = (0..20).map(|_| {
            turns.take("handle", async {
                most.fetch_max(inside.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(PATIENCE).await;
                inside.fetch_sub(1, Ordering::Relaxed);
            })
        });
        join_all(changes).await;
        assert_eq!(most.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_waits_for_one_in_another_task_does_not_wait_for_ever() {
        let turns = Arc::new(Turns::default());
        let began = Instant::now();
        let other = Arc::clone(&turns);
        let inner = turns.take("handle", async { tokio::spawn(async move { other.take("handle", async {}).await }).await });
        assert!(inner.await.is_ok());
        assert_eq!(began.elapsed(), PATIENCE);
    }

    /// One change hangs: those who wait for it go one by one.
    #[tokio::test(start_paused = true)]
    async fn those_who_go_without_the_turn_do_not_go_at_once() {
        let (turns, inside, most) = (Turns::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let hangs = turns.take("handle", sleep(PATIENCE * 100));
        let others = join_all((0..10).map(|_| {
            turns.take("handle", async {
                most.fetch_max(inside.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                inside.fetch_sub(1, Ordering::Relaxed);
            })
        }));
        let began = Instant::now();
        tokio::select! {
            biased;
            () = hangs => panic!("the one that hangs was waited for"),
            _ = others => (),
        }
        assert_eq!((most.into_inner(), began.elapsed()), (1, PATIENCE * 10 + Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_another_session_inside_a_change_waits_for_its_turn() {
        let turns = Turns::default();
        let began = Instant::now();
        let (one, other) = (
            turns.take("one", turns.take("other", async { began.elapsed() })),
            turns.take("other", async {
                sleep(Duration::from_secs(2)).await;
                turns.take("other", async {}).await;
            }),
        );
        let ((), waited) = tokio::join!(other, one);
        assert_eq!(waited, Duration::from_secs(2));
    }
}

//! Whose turn is it to change a session's payload? A change is two questions to the core, one that reads the row and one that writes
//! the whole payload back. Two of them on one session, one inside the other, would lose what the first one wrote, so within one
//! process they follow one another. Between processes nothing keeps them apart: the interface of the core has no conditional write.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

/// Sessions that share a place wait for each other without need; with this many places that is rare.
const PLACES: u64 = 256;
/// After this one goes on without the turn: an override that waits for a change in another task, from within a change, would never
/// get it.
const PATIENCE: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// This task is changing a payload already: an override of a part of the change may make changes of its own.
    static INSIDE: ();
}

/// The turns of all sessions.
pub(crate) struct Turns {
    places: Vec<Mutex<()>>,
    /// Seeded by chance: nobody can choose handles that share a place.
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Runs a change of this session's payload when it is its turn.
    pub(crate) async fn take<T>(&self, handle: &str, change: impl Future<Output = T>) -> T {
        let _turn = if INSIDE.try_with(|()| ()).is_ok() { None } else { self.wait(handle).await };
        INSIDE.scope((), change).await
    }

    async fn wait(&self, handle: &str) -> Option<MutexGuard<'_, ()>> {
        let place = usize::try_from(self.hasher.hash_one(handle) % PLACES).ok()?;
        tokio::time::timeout(PATIENCE, self.places.get(place)?.lock()).await.ok()
    }
}

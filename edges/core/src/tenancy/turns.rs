//! Who writes next? Writers of one app take turns within this process, so that what is kept in memory changes in the order in which
//! the database does. Between processes the database's locks decide.

use std::hash::{DefaultHasher, Hash, Hasher};

use supertokens_domain::ids::AppIdentifier;
use tokio::sync::{Mutex, MutexGuard};

/// Two apps that share a turn wait for each other for nothing; that is all.
const TURNS: usize = 64;

/// The turns of every app.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// Waits until nobody else here writes to the app. Held until memory has followed the database.
    pub(super) async fn of(&self, app: &AppIdentifier) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        app.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default();
        match self.0.get(at) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

//! Who writes next? Writers of one app take turns within this process, so that what is kept in memory changes in the order in which
//! the database does. Between processes the database's locks decide.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use supertokens_domain::ids::AppIdentifier;
use supertokens_store::StoreError;
use tokio::sync::{Mutex, MutexGuard};

use crate::error::Error;

/// Two apps that share a turn wait for each other for nothing; that is all.
const TURNS: usize = 64;
/// As long as the database lets one wait for a lock. Whoever stands in front may wait for a database that says nothing any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// The turns of every app.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// Waits until nobody else here writes to the app, for 5 s at most. Held until memory has followed the database.
    pub(super) async fn of(&self, app: &AppIdentifier) -> Result<Option<MutexGuard<'_, ()>>, Error> {
        let mut hasher = DefaultHasher::new();
        app.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or_default();
        let Some(turn) = self.0.get(at) else { return Ok(None) };
        let turn = tokio::time::timeout(PATIENCE, turn.lock()).await;
        turn.map(Some).map_err(|_| Error::fault(StoreError::Overloaded))
    }
}

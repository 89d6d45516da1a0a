//! Who works on a session's row next? Only on PostgreSQL: there, everybody who waits for a row holds a connection meanwhile, and many
//! requests for one session could keep the connections from all others. So within a process they wait before they take one. What is
//! true of the row is decided by the database alone.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use supertokens_domain::ids::{AppId, SessionHandle};
use supertokens_store::Dialect;
use tokio::sync::{Mutex, MutexGuard};

use crate::cx::Cx;
use crate::error::Error;

/// Two sessions that share a turn wait for each other for nothing; that is all.
const TURNS: usize = 1024;
/// As long as the database lets one wait for a lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// The turns of every session.
pub(crate) struct SessionTurns(Vec<Mutex<()>>);

impl Default for SessionTurns {
    fn default() -> Self {
        Self((0..TURNS).map(|_| Mutex::default()).collect())
    }
}

impl SessionTurns {
    fn of(&self, app: &AppId, handle: &SessionHandle) -> Option<&Mutex<()>> {
        let mut hasher = DefaultHasher::new();
        (app, handle).hash(&mut hasher);
        self.0.get(usize::try_from(hasher.finish() % TURNS as u64).ok()?)
    }
}

impl Cx<'_> {
    /// Waits until nobody else here works on the row of this session. To be held until the database has answered.
    pub(super) async fn turn(&self, handle: &SessionHandle) -> Result<Option<MutexGuard<'_, ()>>, Error> {
        if self.db().dialect() != Dialect::Postgres {
            return Ok(None);
        }
        let Some(turn) = self.core.session_turns.of(&self.at().app, handle) else { return Ok(None) };
        let turn = tokio::time::timeout(PATIENCE, turn.lock()).await;
        turn.map(Some).map_err(|_| Error::fault("other requests for the session did not come to an end"))
    }
}

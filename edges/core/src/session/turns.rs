//! Who works on a session's row next? Only on PostgreSQL: there, everybody who waits for a row holds a connection meanwhile, and many
//! requests for one session could keep the connections from all others. So within a process they wait before they take one. What is
//! true of the row is decided by the database alone.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use supertokens_domain::ids::{AppId, SessionHandle};
use supertokens_store::{Dialect, StoreError};
use tokio::sync::{Mutex, MutexGuard};

use crate::cx::Cx;
use crate::error::Error;

/// Two sessions that share a turn wait for each other for nothing; that is all.
const TURNS: usize = 1024;
/// As long as the database lets one wait for a lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// The turns of every session. Which of them share one is another in every process: who could work it out could look for a session of
/// his own that shares a turn with somebody else's, and keep it busy.
pub(crate) struct SessionTurns {
    turns: Vec<Mutex<()>>,
    shared_by: RandomState,
}

impl Default for SessionTurns {
    fn default() -> Self {
        Self { turns: (0..TURNS).map(|_| Mutex::default()).collect(), shared_by: RandomState::new() }
    }
}

impl SessionTurns {
    fn of(&self, app: &AppId, handle: &SessionHandle) -> Option<&Mutex<()>> {
        self.turns.get(self.place(app, handle)?)
    }

    fn place(&self, app: &AppId, handle: &SessionHandle) -> Option<usize> {
        usize::try_from(self.shared_by.hash_one((app, handle)) % TURNS as u64).ok()
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
        turn.map(Some).map_err(|_| Error::fault(StoreError::Overloaded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_tell_which_sessions_share_a_turn() {
        let (one, other) = (SessionTurns::default(), SessionTurns::default());
        let places = |turns: &SessionTurns| -> Vec<Option<usize>> {
            (0..64).map(|n| turns.place(&AppId::default(), &SessionHandle::presented(format!("h{n}")))).collect()
        };
        assert_eq!(places(&one), places(&one));
        assert_ne!(places(&one), places(&other));
        assert!(places(&one).iter().all(|place| place.is_some_and(|place| place < TURNS)));
    }
}

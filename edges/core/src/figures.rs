//! What happened since the start, in numbers. The core counts; whoever runs it shows the numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Core;
use crate::hashing::PoolFigures;

/// Counters, increased where things happen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) created: AtomicU64,
    pub(crate) refreshed: AtomicU64,
    pub(crate) revoked: AtomicU64,
    pub(crate) thefts: AtomicU64,
}

impl Tally {
    pub(crate) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Numbers since the start of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Sessions that were created.
    pub sessions_created: u64,
    /// Sessions that were refreshed.
    pub sessions_refreshed: u64,
    /// Sessions that were revoked, on request or after theft.
    pub sessions_revoked: u64,
    /// Refresh tokens that came a second time and were answered as theft.
    pub thefts_detected: u64,
    /// Rotating signing keys that this process made.
    pub signing_keys_created: u64,
    /// Round trips to the database.
    pub database_trips: u64,
    /// Hashes of passwords, by the name of the algorithm.
    pub hashing: [(&'static str, PoolFigures); 3],
}

impl Core {
    /// The numbers so far.
    pub fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.0.tally;
        Figures {
            sessions_created: read(&tally.created),
            sessions_refreshed: read(&tally.refreshed),
            sessions_revoked: read(&tally.revoked),
            thefts_detected: read(&tally.thefts),
            signing_keys_created: self.0.keys.rotations(),
            database_trips: self.0.db.trips(),
            hashing: self.0.hashing.figures(),
        }
    }
}

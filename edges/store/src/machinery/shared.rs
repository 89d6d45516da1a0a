//! What all connections of a database share: its statements, the count of what was sent, and whether writes are accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::machinery::health::Health;
use crate::machinery::sql::Sql;

/// What all connections of a database share.
pub(crate) struct Shared {
    pub(crate) sql: Sql,
    pub(crate) trips: AtomicU64,
    pub(crate) statements: AtomicU64,
    pub(crate) health: Health,
    /// Which of the tables of users are read and written (core-server.md 11).
    pub(crate) migration_mode: String,
}

impl Shared {
    pub(crate) fn new(sql: Sql, place: String, migration_mode: String) -> Arc<Self> {
        let health = Health::new(place);
        Arc::new(Self { sql, trips: AtomicU64::new(0), statements: AtomicU64::new(0), health, migration_mode })
    }

    /// One trip with so many statements.
    pub(crate) fn count(&self, statements: usize) {
        self.trips.fetch_add(1, Ordering::Relaxed);
        self.statements.fetch_add(statements as u64, Ordering::Relaxed);
    }
}

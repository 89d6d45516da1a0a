//! PostgreSQL: a pool for transactions, and two shared connections on which reads are pipelined (dependencies.md 3.3, 4).
//!
//! All of them together are never more than the setting says; where there can be no shared ones, reads use the pool. Connections
//! lost in a restart of the database are replaced when they are next wanted, and those that do not answer any more are given up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::machinery::error::{Result, StoreError};
use crate::machinery::options::{Patience, PostgresOptions};
use crate::machinery::shared::Shared;

pub(crate) mod connection;
pub(crate) mod pool;
mod tls;
mod way;

use connection::{Connection, Connector, Pooler, Terms};
use pool::{Lease, Pool, keep_closing};

/// A shared connection that could not be made is not tried again for so long, as there are others.
const REST: Duration = Duration::from_secs(10);

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    pool: Arc<Pool>,
    connector: Arc<Connector>,
    terms: Arc<Terms>,
    readers: Vec<Reader>,
    next: AtomicUsize,
    acquire_timeout: Duration,
    patience: Patience,
    max: usize,
    /// Long reads may not take all connections of the pool.
    long_reads: Semaphore,
}

/// A shared connection, replaced when it is found closed.
#[derive(Default)]
struct Reader {
    connection: RwLock<Option<Arc<Connection>>>,
    connecting: tokio::sync::Mutex<()>,
    rests_until: Mutex<Option<Instant>>,
}

/// The connections, as metrics show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// The most connections there may be.
    pub max: usize,
    /// Those that exist, with those that reads share.
    pub size: usize,
    /// Those of them that are free.
    pub available: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

/// How many of the connections reads share.
fn readers_of(max: usize) -> usize {
    match max {
        0 | 1 => 0,
        2 | 3 => 1,
        _ => 2,
    }
}

impl Postgres {
    /// Connects, so that a wrong address or password is known at once, and finds out how the database is to be spoken to.
    pub(crate) async fn open(options: &PostgresOptions, shared: &Arc<Shared>) -> Result<Self> {
        let connector = Arc::new(Connector::new(options, shared)?);
        let max = options.pool_size.max(1);
        let beside = readers_of(max);
        let one = connector.bare().await?;
        let other = if beside > 0 { connector.bare().await.ok() } else { None };
        let terms = Arc::new(connector.terms(&one.0, other.as_ref().map(|(client, _)| client)).await?);
        let pool = Pool::new(&connector, &terms, max - beside, beside, options.acquire_timeout);
        pool.add(connector.adopt(one, &terms, false).await?);
        if let Some(idle) = options.idle {
            tokio::spawn(keep_closing(Arc::downgrade(&pool), idle));
        }
        let readers: Vec<Reader> = (0..beside).map(|_| Reader::default()).collect();
        if let (Some(other), Some(reader)) = (other, readers.first()) {
            reader.put(Arc::new(connector.adopt(other, &terms, true).await?));
        }
        let long_reads = Semaphore::new(((max - beside) / 2).max(1));
        let (next, acquire_timeout, patience) = (AtomicUsize::new(0), options.acquire_timeout, options.patience);
        Ok(Self { pool, connector, terms, readers, next, acquire_timeout, patience, max, long_reads })
    }

    /// A connection of the pool.
    pub(crate) async fn lease(&self) -> Result<Lease> {
        self.pool.lease().await
    }

    /// Waits until one more long read may take a connection of the pool.
    pub(crate) async fn long_read(&self) -> Result<SemaphorePermit<'_>> {
        let permit = tokio::time::timeout(self.acquire_timeout, self.long_reads.acquire()).await;
        let permit = permit.map_err(|_| StoreError::unavailable("other long reads did not come to an end in time"))?;
        permit.map_err(|_| StoreError::unavailable("the database is being closed"))
    }

    /// How long a read on a shared connection may take before the connection is given up: longer than the server takes to end it.
    pub(crate) fn read_limit(&self) -> Duration {
        self.patience.shared_read + self.patience.shared_read / 5
    }

    /// How long a read may take in all, with the connections that it gives up.
    pub(crate) fn reading_limit(&self) -> Duration {
        self.patience.shared_read * 3
    }

    /// Waits for work on a connection of the pool for as long as the database answers others. Work may take its time, but a database that
    /// has fallen silent is not waited for: then there is nothing.
    pub(crate) async fn while_alive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            if let Ok(done) = tokio::time::timeout(self.read_limit(), &mut work).await {
                return Some(done);
            }
            let alive = tokio::select! {
                biased;
                done = &mut work => return Some(done),
                alive = tokio::time::timeout(self.patience.shared_read / 2, self.is_alive()) => alive.unwrap_or(false),
            };
            if !alive {
                return None;
            }
        }
    }

    /// Does the database answer anybody?
    async fn is_alive(&self) -> bool {
        let answers = async |at: usize| {
            let live = self.readers.get(at).and_then(Reader::live);
            match live {
                Some(connection) => connection.check_connection().await.is_ok() || self.connector.is_answered().await,
                None => self.connector.is_answered().await,
            }
        };
        if self.readers.len() < 2 {
            return answers(0).await;
        }
        // One of them may have a long read in front.
        tokio::select! {
            one = answers(0) => one,
            other = answers(1) => other,
        }
    }

    /// Gives up a shared connection. Whoever reads on it now goes on doing so, for what it is worth.
    pub(crate) fn give_up(&self, connection: &Arc<Connection>) {
        for reader in &self.readers {
            let mut held = reader.connection.write().unwrap_or_else(PoisonError::into_inner);
            held.take_if(|held| Arc::ptr_eq(held, connection));
        }
    }

    /// One of the shared connections, in turn. Nothing if there is none and none can be made now: then the pool has to do.
    pub(crate) async fn reader(&self) -> Option<Arc<Connection>> {
        let reader = self.readers.get(self.next.fetch_add(1, Ordering::Relaxed) % self.readers.len().max(1))?;
        match reader.live() {
            Some(connection) => Some(connection),
            None => Box::pin(self.renew(reader)).await,
        }
    }

    async fn renew(&self, reader: &Reader) -> Option<Arc<Connection>> {
        let another = || self.readers.iter().find_map(Reader::live);
        // Writing needs the connections that there are more than reading does.
        if reader.rests() || self.pool.counts().0 == 0 {
            return another();
        }
        let _connecting = reader.connecting.lock().await;
        if let Some(connection) = reader.live() {
            return Some(connection);
        }
        if reader.rests() {
            return another();
        }
        match self.connector.connect(&self.terms, true).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                reader.put(Arc::clone(&connection));
                Some(connection)
            }
            Err(error) => {
                tracing::debug!(%error, "no connection for reads; they use those of the pool");
                reader.rest();
                another()
            }
        }
    }

    pub(crate) fn pooler(&self) -> Pooler {
        self.terms.pooler()
    }

    /// Was the last connection that was made over TCP encrypted?
    pub(crate) fn encrypted(&self) -> bool {
        self.connector.encrypted()
    }

    pub(crate) fn state(&self) -> PoolState {
        let (existing, available, waiting) = self.pool.counts();
        let shared = self.readers.iter().filter(|reader| reader.live().is_some()).count();
        PoolState { max: self.max, size: existing + shared, available, waiting }
    }
}

impl Reader {
    fn live(&self) -> Option<Arc<Connection>> {
        let connection = self.connection.read().unwrap_or_else(PoisonError::into_inner);
        connection.as_ref().filter(|connection| !connection.is_closed()).map(Arc::clone)
    }

    fn put(&self, connection: Arc<Connection>) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    fn rest(&self) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }

    fn rests(&self) -> bool {
        let until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }
}

//! The connections that work one caller at a time: who waits gets the first that becomes free or is newly made.
//!
//! Making one more is nobody's errand: it happens beside those who wait, and where it fails they go on waiting for those that
//! exist. Only when there is none at all is the failure theirs. A connection that may hold an open transaction never comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::connection::{Connection, Connector, Terms};
use crate::error::{Result, StoreError};
use crate::options::IdleConnections;

/// After a failure, so long nothing more is tried, as long as there are connections.
const REST: Duration = Duration::from_secs(10);

/// The pool.
pub(crate) struct Pool {
    connector: Arc<Connector>,
    terms: Arc<Terms>,
    max: usize,
    /// How many there are beside those of the pool, for the words of the warning.
    beside: usize,
    patience: Duration,
    /// A permit for each free connection.
    free: Semaphore,
    waiting: AtomicUsize,
    state: Mutex<State>,
    /// Why the last attempt failed when there was no connection and none on its way.
    failed: watch::Sender<Option<StoreError>>,
}

#[derive(Default)]
struct State {
    free: Vec<Connection>,
    /// Free or in use.
    existing: usize,
    growing: usize,
    rests_until: Option<Instant>,
    warned: bool,
}

/// A connection in use. Unless it is handed back, it is closed: nobody inherits an open transaction.
pub(crate) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
}

impl Lease {
    pub(crate) fn client(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| StoreError::driver("the connection was given back already"))
    }

    /// Back to the pool, free of any transaction.
    pub(crate) fn give_back(mut self) {
        if let Some(connection) = self.connection.take_if(|connection| !connection.is_closed()) {
            self.pool.put(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.connection.take().is_some() {
            self.pool.lost();
        }
    }
}

/// Counts a caller as waiting for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// A pool with one connection to begin with.
    pub(crate) fn new(
        connector: &Arc<Connector>,
        terms: &Arc<Terms>,
        max: usize,
        beside: usize,
        patience: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            connector: Arc::clone(connector),
            terms: Arc::clone(terms),
            max,
            beside,
            patience,
            free: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            state: Mutex::default(),
            failed: watch::Sender::new(None),
        })
    }

    /// One more, which was made elsewhere.
    pub(crate) fn add(&self, connection: Connection) {
        self.state().existing += 1;
        self.put(connection);
    }

    /// A free connection, or the next that is: waits as long as the setting says.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        loop {
            let permit = match self.free.try_acquire() {
                Ok(permit) => permit,
                Err(_) => Box::pin(self.wait()).await?,
            };
            permit.forget();
            let Some(connection) = self.state().free.pop() else { continue };
            let lease = Lease { connection: Some(connection), pool: Arc::clone(self) };
            if !lease.client()?.is_closed() {
                return Ok(lease);
            }
        }
    }

    async fn wait(self: &Arc<Self>) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let mut failed = self.failed.subscribe();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        self.grow();
        let closed = || StoreError::unavailable("the database is being closed");
        let waited = async {
            tokio::select! {
                biased;
                permit = self.free.acquire() => permit.map_err(|_| closed()),
                changed = failed.changed() => match changed {
                    Ok(()) => Err(failed.borrow().clone().unwrap_or_else(closed)),
                    Err(_) => Err(closed()),
                },
            }
        };
        let too_long = |_| StoreError::unavailable("no connection became free in time");
        tokio::time::timeout(self.patience, waited).await.map_err(too_long)?
    }

    /// Makes connections for those who wait, if there may be more.
    fn grow(self: &Arc<Self>) {
        let mut state = self.state();
        let resting = state.rests_until.is_some_and(|until| Instant::now() < until) && state.existing > 0;
        while !resting && state.growing < self.waiting.load(Ordering::Relaxed) && state.existing + state.growing < self.max {
            let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
            state.growing += 1;
            runtime.spawn(Arc::clone(self).grow_by_one());
        }
    }

    async fn grow_by_one(self: Arc<Self>) {
        let made = self.connector.connect(&self.terms, false).await;
        let mut state = self.state();
        state.growing -= 1;
        match made {
            Ok(connection) => {
                state.existing += 1;
                state.rests_until = None;
                state.warned &= state.existing < self.max;
                drop(state);
                self.put(connection);
            }
            Err(error) if state.existing > 0 => {
                state.rests_until = Some(Instant::now() + REST);
                let (there, warned) = (state.existing + self.beside, std::mem::replace(&mut state.warned, true));
                drop(state);
                if !warned {
                    let wanted = self.max + self.beside;
                    tracing::warn!(
                        error = chain(&error),
                        "only {there} connections to PostgreSQL could be made of the {wanted} that postgresql_connection_pool_size \
                         allows; requests wait for these. Allow more (max_connections, CONNECTION LIMIT of the role or the database, \
                         the pooler), or set postgresql_connection_pool_size: {there}"
                    );
                }
            }
            Err(error) if state.growing == 0 => {
                drop(state);
                self.failed.send_replace(Some(error));
            }
            // Another attempt decides what becomes of those who wait.
            Err(_) => {}
        }
    }

    fn put(&self, mut connection: Connection) {
        connection.last_used = Instant::now();
        self.state().free.push(connection);
        self.free.add_permits(1);
    }

    fn lost(self: &Arc<Self>) {
        self.state().existing -= 1;
        self.grow();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that exist, those of them that are free, and the callers that wait.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let state = self.state();
        (state.existing, state.free.len(), self.waiting.load(Ordering::Relaxed))
    }

    /// Closes what nobody has used for that long, but for those that are to stay.
    fn close_unused(&self, idle: IdleConnections) {
        let mut state = self.state();
        let old: Vec<usize> = (0..state.free.len())
            .filter(|at| state.free.get(*at).is_some_and(|connection| connection.last_used.elapsed() >= idle.timeout))
            .take(state.free.len().saturating_sub(idle.kept))
            .collect();
        for at in old.into_iter().rev() {
            // Without a permit, the connection is somebody's who is about to take it.
            let Ok(permit) = self.free.try_acquire() else { return };
            permit.forget();
            drop(state.free.remove(at));
            state.existing -= 1;
        }
    }
}

/// Looks at the unused connections twice in the time that they may stay, for as long as there is a pool.
pub(crate) async fn keep_closing(pool: Weak<Pool>, idle: IdleConnections) {
    let mut beat = tokio::time::interval(idle.timeout / 2);
    loop {
        beat.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        pool.close_unused(idle);
    }
}

/// The error and its cause.
fn chain(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable(cause) | StoreError::Driver(cause) => format!("{error}: {cause}"),
        other => other.to_string(),
    }
}

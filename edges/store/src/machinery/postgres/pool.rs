//! The connections that work one caller at a time: who waits gets the first that becomes free or is newly made.
//!
//! Making one more is nobody's errand: it happens beside those who wait, and where it fails they go on waiting for those that
//! exist. Only when there is none at all is the failure theirs. A connection that may hold an open transaction never comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::machinery::error::{Result, StoreError};
use crate::machinery::options::IdleConnections;
use crate::machinery::postgres::connection::{Connection, Connector, Terms};

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

/// One more connection that is being made. Given up with the runtime in which it was, it counts no longer, and may be made in another.
struct Growing {
    pool: Option<Arc<Pool>>,
}

impl Growing {
    async fn by_one(mut self) {
        let Some(pool) = &self.pool else { return };
        let made = pool.connector.connect(&pool.terms, false).await;
        if let Some(pool) = self.pool.take() {
            pool.grown(made);
        }
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        let Some(pool) = self.pool.take() else { return };
        let mut state = pool.state();
        state.growing -= 1;
        let was_the_last = state.growing == 0 && state.existing == 0;
        drop(state);
        if was_the_last {
            // Whoever waits in another runtime would otherwise wait for nothing.
            pool.failed.send_replace(Some(StoreError::unavailable("the attempt to connect was given up")));
        }
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
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // A runtime that is ending drops each of them here and now, which ends its count: so not while the state is locked, and not for
        // as long as there may be one more.
        for growing in (0..self.max).map_while(|_| self.may_grow()) {
            runtime.spawn(growing.by_one());
        }
    }

    /// Counts one more that is being made, if somebody waits for it and it may be made.
    fn may_grow(self: &Arc<Self>) -> Option<Growing> {
        let mut state = self.state();
        let resting = state.rests_until.is_some_and(|until| Instant::now() < until) && state.existing > 0;
        let wanted = state.growing < self.waiting.load(Ordering::Relaxed) && state.existing + state.growing < self.max;
        (wanted && !resting).then(|| {
            state.growing += 1;
            Growing { pool: Some(Arc::clone(self)) }
        })
    }

    /// What an attempt to make one came to.
    fn grown(&self, made: Result<Connection>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machinery::contents::Contents;
    use crate::machinery::naming::{Dialect, TableNames};
    use crate::machinery::options::DatabaseOptions;
    use crate::machinery::shared::Shared;
    use crate::machinery::sql::Sql;

    /// A pool of three, of a server that takes connections and says nothing.
    fn pool(port: u16) -> Arc<Pool> {
        let url = format!("postgresql://u@127.0.0.1:{port}/d?connect_timeout=60");
        let DatabaseOptions::Postgres(options) = DatabaseOptions::parse(&url).unwrap() else { panic!("not PostgreSQL") };
        let shared =
            Shared::new(Sql::new(Dialect::Postgres, TableNames::default(), &Contents::NOTHING), String::new(), String::new());
        let connector = Arc::new(Connector::new(&options, &shared).unwrap());
        Pool::new(&connector, &Arc::default(), 3, 0, Duration::from_secs(60))
    }

    /// Somebody whose end is that of a connection.
    struct Loses(Arc<Pool>);

    impl Drop for Loses {
        fn drop(&mut self) {
            self.0.lost();
        }
    }

    #[test]
    fn a_runtime_that_ends_does_not_take_places_of_the_pool_with_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let pool = pool(listener.local_addr().unwrap().port());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (waits, loses) = (Arc::clone(&pool), Loses(Arc::clone(&pool)));
            pool.state().existing = 1;
            tokio::spawn(async move { waits.lease().await.map(drop) });
            tokio::spawn(async move {
                let _loses = loses;
                std::future::pending::<()>().await;
            });
            while pool.state().growing == 0 {
                tokio::task::yield_now().await;
            }
        });
        // Somebody waits elsewhere, too.
        pool.waiting.fetch_add(1, Ordering::Relaxed);
        let elsewhere = pool.failed.subscribe();
        drop(runtime);
        assert!(elsewhere.has_changed().unwrap(), "who waits elsewhere is told");
        let state = pool.state();
        assert_eq!((state.existing, state.growing, pool.waiting.load(Ordering::Relaxed)), (0, 0, 1));
    }
}

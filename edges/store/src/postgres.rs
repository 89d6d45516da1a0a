//! PostgreSQL: a pool for transactions, and two shared connections on which reads are pipelined (dependencies.md 3.3, 4).
//!
//! A connection that may hold an open transaction never returns to the pool. Connections lost in a restart of the
//! database are replaced when they are next wanted, and shared ones that do not answer any more are given up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{Result, StoreError, from_pool, from_postgres};
use crate::options::{IdleConnections, Patience, PostgresOptions};
use crate::tx::Shared;
use crate::way::Way;

/// How many connections reads share.
const READERS: usize = 2;

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    pool: Pool,
    readers: [Reader; READERS],
    next: AtomicUsize,
    config: tokio_postgres::Config,
    way: Way,
    connect_timeout: Duration,
    patience: Patience,
    /// Long reads may not take all connections of the pool.
    long_reads: Semaphore,
    shared: Arc<Shared>,
}

/// A shared connection, replaced when it is found closed.
#[derive(Default)]
struct Reader {
    client: RwLock<Option<Arc<ClientWrapper>>>,
    connecting: tokio::sync::Mutex<()>,
}

/// The pool, as metrics show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// The most connections there may be.
    pub max: usize,
    /// Those that exist.
    pub size: usize,
    /// Those of them that are free.
    pub available: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

/// A connection of the pool in use. Unless it is handed back, it is closed: nobody inherits an open transaction.
pub(crate) struct Lease {
    object: Option<Object>,
}

impl Lease {
    pub(crate) fn client(&self) -> Result<&ClientWrapper> {
        self.object.as_deref().ok_or_else(|| StoreError::driver("the connection was given back already"))
    }

    /// Back to the pool, free of any transaction.
    pub(crate) fn give_back(mut self) {
        drop(self.object.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

impl Postgres {
    /// Connects once, so that a wrong address or password is known at once.
    pub(crate) async fn open(options: &PostgresOptions, shared: &Arc<Shared>) -> Result<Self> {
        let way = Way::new(options)?;
        let config = driver_config(options, &way);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let patience = options.patience;
        let pool = Pool::builder(Manager::from_config(config.clone(), way.clone(), recycling))
            .max_size(options.pool_size.max(1))
            .wait_timeout(Some(options.acquire_timeout))
            .create_timeout(Some(options.connect_limit()))
            .recycle_timeout(Some(options.connect_timeout))
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(move |client: &mut ClientWrapper, _| {
                Box::pin(async move { client.batch_execute(&patience.sql(false)).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|e| StoreError::driver(e.to_string()))?;
        if let Some(idle) = options.idle {
            tokio::spawn(close_unused(pool.weak(), idle));
        }
        let (readers, next, shared) = (Default::default(), AtomicUsize::new(0), Arc::clone(shared));
        let long_reads = Semaphore::new((options.pool_size / 2).max(1));
        let connect_timeout = options.connect_limit();
        let this = Self { pool, readers, next, config, way, connect_timeout, patience, long_reads, shared };
        this.reader().await?;
        Ok(this)
    }

    /// A connection of the pool.
    pub(crate) async fn lease(&self) -> Result<Lease> {
        let object = Box::pin(self.pool.get()).await.map_err(|e| from_pool(e, &self.shared.sql))?;
        Ok(Lease { object: Some(object) })
    }

    /// Waits until one more long read may take a connection of the pool.
    pub(crate) async fn long_read(&self) -> Result<SemaphorePermit<'_>> {
        self.long_reads.acquire().await.map_err(|_| StoreError::unavailable("the database is being closed"))
    }

    /// How long a read on a shared connection may take before the connection is given up: longer than the server takes to end it.
    pub(crate) fn read_limit(&self) -> Duration {
        self.patience.shared_read + self.patience.shared_read / 5
    }

    /// Gives up a shared connection. Whoever reads on it now goes on doing so, for what it is worth.
    pub(crate) fn give_up(&self, client: &Arc<ClientWrapper>) {
        for reader in &self.readers {
            let mut held = reader.client.write().unwrap_or_else(PoisonError::into_inner);
            held.take_if(|held| Arc::ptr_eq(held, client));
        }
    }

    /// One of the shared connections, in turn.
    pub(crate) async fn reader(&self) -> Result<Arc<ClientWrapper>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
        let reader = self.readers.get(turn).or(self.readers.first()).ok_or_else(|| StoreError::driver("no readers"))?;
        if let Some(client) = reader.live() {
            return Ok(client);
        }
        let _connecting = reader.connecting.lock().await;
        if let Some(client) = reader.live() {
            return Ok(client);
        }
        let client = Arc::new(Box::pin(self.connect()).await?);
        *reader.client.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn connect(&self) -> Result<ClientWrapper> {
        let connecting = tokio::time::timeout(self.connect_timeout, Box::pin(self.config.connect(self.way.clone())));
        let connected = connecting.await.map_err(|_| StoreError::unavailable("connecting took too long"))?;
        let (client, connection) = connected.map_err(|e| from_postgres(&e, &self.shared.sql))?;
        let task = tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::warn!(error = %e, "a connection to PostgreSQL ended");
            }
        });
        let client = ClientWrapper::new(client, task);
        let prepared = tokio::time::timeout(self.connect_timeout, client.batch_execute(&self.patience.sql(true))).await;
        let prepared = prepared.map_err(|_| StoreError::unavailable("connecting took too long"))?;
        prepared.map_err(|e| from_postgres(&e, &self.shared.sql))?;
        Ok(client)
    }

    /// Was the last connection that was made over TCP encrypted?
    pub(crate) fn encrypted(&self) -> bool {
        self.way.encrypted()
    }

    pub(crate) fn state(&self) -> PoolState {
        let status = self.pool.status();
        PoolState { max: status.max_size, size: status.size, available: status.available, waiting: status.waiting }
    }
}

impl Patience {
    /// Tells a new connection, unless it has been told by the operator of the database.
    fn sql(self, shared: bool) -> String {
        let limits = [
            ("lock_timeout", self.lock),
            ("idle_in_transaction_session_timeout", self.idle_in_transaction),
            ("statement_timeout", if shared { self.shared_read } else { Duration::ZERO }),
        ];
        let set = |(name, limit): (&str, Duration)| {
            format!("SELECT set_config('{name}', '{}', false) WHERE current_setting('{name}') = '0';", limit.as_millis())
        };
        limits.into_iter().map(set).collect()
    }
}

/// Looks at the unused connections twice in the time that they may stay, for as long as there is a pool.
async fn close_unused(pool: deadpool_postgres::WeakPool, idle: IdleConnections) {
    let mut beat = tokio::time::interval(idle.timeout / 2);
    loop {
        beat.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        let mut kept = 0;
        pool.retain(|_, metrics| {
            let stays = kept < idle.kept || metrics.last_used() < idle.timeout;
            kept += usize::from(stays);
            stays
        });
    }
}

impl Reader {
    fn live(&self) -> Option<Arc<ClientWrapper>> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client.as_ref().filter(|client| !client.is_closed()).map(Arc::clone)
    }
}

fn driver_config(options: &PostgresOptions, way: &Way) -> tokio_postgres::Config {
    use tokio_postgres::config::{LoadBalanceHosts, TargetSessionAttrs};
    let mut config = tokio_postgres::Config::new();
    config.dbname(&options.dbname);
    for (host, port) in options.hosts() {
        config.host(host).port(port);
    }
    if options.any_order {
        config.load_balance_hosts(LoadBalanceHosts::Random);
    }
    // One of several may be a standby, where nothing can be stored.
    if !options.any_session.unwrap_or(options.more_hosts.is_empty()) {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.application_name(&options.application_name).connect_timeout(options.connect_timeout);
    let keepalive = &options.keepalive;
    config.keepalives(keepalive.on).keepalives_idle(keepalive.idle).keepalives_interval(keepalive.interval);
    config.keepalives_retries(keepalive.count).tcp_user_timeout(keepalive.user_timeout);
    way.tell(options, &mut config);
    if let Some(user) = &options.user {
        config.user(user);
    }
    if let Some(password) = &options.password {
        config.password(password.expose());
    }
    config
}

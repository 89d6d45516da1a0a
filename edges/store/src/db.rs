//! A database: opened once, shared by all, and three ways to work on it: `read`, `single`, `tx`.
//!
//! A body may run more than once and may travel to another thread: it owns its inputs, awaits nothing but its `Tx`, and
//! has no effect but on the database.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Result, StoreError};
use crate::options::{DatabaseOptions, SqlitePlace};
use crate::postgres::{PoolState, Postgres};
use crate::sqlite::{Sqlite, run_now};
use crate::statement::{Dialect, Sql, statements};
use crate::tx::{Begin, Shared, Tx};

statements! { 0, "st_rs_migrations", S {
    Ping = "SELECT 1 = 1",
    // Changes no row, but is refused where writing is.
    TryWriting = "UPDATE {st_rs_migrations} SET name = name WHERE number < 0",
} }

/// How often a transaction is tried (core-session.md 2.9).
const ATTEMPTS: u32 = 50;
/// How often work is begun again because its connection turned out to be dead, as after a restart of the database.
const RECONNECTS: u32 = 2;

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    backend: Backend,
    shared: Arc<Shared>,
    place: String,
    migration_mode: String,
    in_memory: bool,
}

enum Backend {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({})", self.0.place)
    }
}

impl Db {
    /// Opens a database: makes the SQLite file if there is none and takes it for this process, or connects to
    /// PostgreSQL. Tables are made by `migrate`.
    pub async fn open(options: DatabaseOptions) -> Result<Self> {
        options.tables().check().map_err(StoreError::BadOptions)?;
        let (place, migration_mode) = (options.redacted(), options.migration_mode().to_owned());
        let in_memory = matches!(&options, DatabaseOptions::Sqlite(sqlite) if sqlite.place == SqlitePlace::Memory);
        let dialect = match &options {
            DatabaseOptions::Sqlite(_) => Dialect::Sqlite,
            DatabaseOptions::Postgres(_) => Dialect::Postgres,
        };
        let sql = Sql::new(dialect, options.tables().clone());
        let shared = Arc::new(Shared { sql, trips: AtomicU64::new(0), statements: AtomicU64::new(0) });
        let backend = match &options {
            DatabaseOptions::Sqlite(sqlite) => Backend::Sqlite(Sqlite::open(&sqlite.place, &shared)?),
            DatabaseOptions::Postgres(postgres) => Backend::Postgres(Box::new(Postgres::open(postgres, &shared).await?)),
        };
        Ok(Self(Arc::new(Inner { backend, shared, place, migration_mode, in_memory })))
    }

    /// Reads, outside of any transaction: each statement is one trip and sees what was committed before it. On
    /// PostgreSQL these share two connections, so a body must neither lock nor write.
    pub async fn read<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        match &self.0.backend {
            Backend::Sqlite(sqlite) if sqlite.has_readers() => {
                sqlite.read(|connection| run_now(body(&mut Tx::sqlite(connection, self.counting_reads(), Begin::Never))))
            }
            Backend::Sqlite(sqlite) => self.on_writer(sqlite, &Arc::new(body), Begin::Never).await,
            Backend::Postgres(postgres) => {
                for _ in 0..RECONNECTS {
                    match self.read_once(postgres, &body).await {
                        Err(StoreError::Unavailable(e)) => tracing::debug!(error = %e, "reading again on a new connection"),
                        answer => return answer,
                    }
                }
                self.read_once(postgres, &body).await
            }
        }
    }

    /// One statement that writes, atomic by itself: one trip. A second statement is an error.
    pub async fn single<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        self.repeat(body, Begin::Single).await
    }

    /// A transaction, READ COMMITTED. Tried again when the database asks for it, and when its connection was dead.
    pub async fn tx<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        self.repeat(body, Begin::Pending).await
    }

    /// Is the database there and answering?
    pub async fn ping(&self) -> Result<()> {
        self.read(async |tx| tx.opt(S::Ping, &[], |row| row.flag(0)).await.map(|_| ())).await
    }

    /// Would a write be accepted? Needs the tables.
    pub async fn writable(&self) -> Result<()> {
        self.single(async |tx| tx.exec(S::TryWriting, &[]).await.map(|_| ())).await
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.0.shared.sql.dialect()
    }

    /// Round trips so far: what was sent and waited for as one. Preparing statements does not count.
    pub fn trips(&self) -> u64 {
        self.0.shared.trips.load(Ordering::Relaxed)
    }

    /// Statements so far.
    pub fn statements(&self) -> u64 {
        self.0.shared.statements.load(Ordering::Relaxed)
    }

    /// The pool of connections; nothing for SQLite, which has none.
    pub fn pool_state(&self) -> Option<PoolState> {
        match &self.0.backend {
            Backend::Sqlite(_) => None,
            Backend::Postgres(postgres) => Some(postgres.state()),
        }
    }

    /// Where the database is, without passwords.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// Is it gone with this process?
    pub fn is_in_memory(&self) -> bool {
        self.0.in_memory
    }

    /// Which user tables are in use (core-server.md 11).
    pub fn migration_mode(&self) -> &str {
        &self.0.migration_mode
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.0.shared.sql
    }

    /// Work of migrations on the writer's connection or on one of the pool.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// Every statement as this database gets it: the bench sends the same ones without this crate in between.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.sql().all_texts()
    }

    /// The statement of every text of this crate must be known to the database. For tests.
    pub async fn prepare_all(&self) -> Result<usize> {
        let texts: Vec<String> = self.sql().all_texts().map(str::to_owned).collect();
        let count = texts.len();
        match &self.0.backend {
            Backend::Sqlite(sqlite) => {
                let shared = Arc::clone(self.shared());
                let prepare = move |connection: &mut rusqlite::Connection| {
                    let failed = |e: rusqlite::Error| crate::error::from_sqlite(&e, &shared.sql);
                    texts.iter().try_for_each(|text| connection.prepare(text).map(|_| ()).map_err(failed))
                };
                sqlite.write(prepare).await?;
            }
            Backend::Postgres(postgres) => {
                let lease = postgres.lease().await?;
                for text in &texts {
                    let prepared = lease.client()?.prepare(text).await;
                    prepared.map_err(|e| crate::error::from_postgres(&e, self.sql()))?;
                }
                lease.give_back();
            }
        }
        Ok(count)
    }

    /// The rows of one statement, as text, from the one connection to a database in memory. For tests, which can read every
    /// other database past this process.
    pub async fn rows_in_memory(&self, text: &str) -> Result<Vec<Vec<Option<String>>>> {
        let Backend::Sqlite(sqlite) = &self.0.backend else { return Err(StoreError::driver("not a database in memory")) };
        let (text, shared) = (text.to_owned(), Arc::clone(self.shared()));
        let read = move |connection: &mut rusqlite::Connection| {
            let mut statement = connection.prepare(&text)?;
            let columns = statement.column_count();
            let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| Ok(as_text(row.get_ref(column)?))).collect();
            statement.query_map([], row)?.collect::<rusqlite::Result<_>>()
        };
        sqlite.write(move |connection| read(connection).map_err(|e| crate::error::from_sqlite(&e, &shared.sql))).await
    }

    fn counting_reads(&self) -> &Shared {
        self.0.shared.trips.fetch_add(1, Ordering::Relaxed);
        &self.0.shared
    }

    async fn read_once<T, F: AsyncFn(&mut Tx<'_>) -> Result<T>>(&self, postgres: &Postgres, body: &F) -> Result<T> {
        let client = postgres.reader().await?;
        let mut tx = Tx::postgres(&client, &self.0.shared, Begin::Never);
        let answer = body(&mut tx).await;
        tx.end(answer).await.answer
    }

    async fn repeat<T, F>(&self, body: F, begin: Begin) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        let body = Arc::new(body);
        let mut dead = 0;
        for attempt in 1..=ATTEMPTS {
            let (answer, commit_sent) = match &self.0.backend {
                Backend::Sqlite(sqlite) => (self.on_writer(sqlite, &body, begin).await, true),
                Backend::Postgres(postgres) => self.on_pool(postgres, &*body, begin).await,
            };
            match answer {
                Err(StoreError::Busy) if attempt < ATTEMPTS => tokio::time::sleep(back_off(attempt)).await,
                Err(StoreError::Unavailable(_)) if !commit_sent && dead < RECONNECTS => dead += 1,
                answer => return answer,
            }
        }
        Err(StoreError::Busy)
    }

    async fn on_writer<T, F>(&self, sqlite: &Sqlite, body: &Arc<F>, begin: Begin) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        let (body, shared) = (Arc::clone(body), Arc::clone(&self.0.shared));
        let work = move |connection: &mut rusqlite::Connection| {
            let mut tx = Tx::sqlite(connection, &shared, begin);
            let answer = run_now(body(&mut tx));
            if tx.failed() { answer.and(Err(StoreError::Aborted)) } else { answer }
        };
        sqlite.write(work).await
    }

    /// One attempt on PostgreSQL, and whether its commit may have gone out.
    async fn on_pool<T, F: AsyncFn(&mut Tx<'_>) -> Result<T>>(
        &self,
        postgres: &Postgres,
        body: &F,
        begin: Begin,
    ) -> (Result<T>, bool) {
        let lease = match postgres.lease().await {
            Ok(lease) => lease,
            Err(e) => return (Err(e), false),
        };
        let client = match lease.client() {
            Ok(client) => client,
            Err(e) => return (Err(e), false),
        };
        let mut tx = Tx::postgres(client, &self.0.shared, begin);
        let answer = body(&mut tx).await;
        let ended = tx.end(answer).await;
        if ended.clean {
            lease.give_back();
        }
        // A statement by itself may have been carried out before the connection broke.
        (ended.answer, ended.commit_sent || begin == Begin::Single)
    }

    /// Migrations need the connection itself.
    pub(crate) async fn on_connection<T: Send + 'static>(
        &self,
        on_sqlite: impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static,
        on_postgres: impl AsyncFnOnce(&tokio_postgres::Client) -> Result<T>,
    ) -> Result<T> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.write(on_sqlite).await,
            Backend::Postgres(postgres) => {
                let lease = postgres.lease().await?;
                let answer = on_postgres(lease.client()?).await;
                if answer.is_ok() {
                    lease.give_back();
                }
                answer
            }
        }
    }
}

fn as_text(value: rusqlite::types::ValueRef<'_>) -> Option<String> {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// How long to wait before trying again, with chance in it so that two do not meet again (core-session.md 2.9).
fn back_off(attempt: u32) -> Duration {
    let span = 250 + 2_u64.saturating_pow(attempt.min(12)).min(3000);
    let chance = std::collections::hash_map::RandomState::new().build_hasher().finish();
    Duration::from_millis(10 + chance % span)
}

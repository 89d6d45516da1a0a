//! A database: opened once, shared by all, and three ways to work on it: `read`, `single`, `tx`.
//!
//! A body may run more than once and may travel to another thread: it owns its inputs, awaits nothing but its `Tx`, and
//! has no effect but on the database.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use supertokens_domain::time::Millis;

use crate::machinery::contents::Contents;
use crate::machinery::error::{Result, StoreError};
use crate::machinery::failure::{from_postgres, from_sqlite};
use crate::machinery::fit::fit;
use crate::machinery::naming::Dialect;
use crate::machinery::options::{DatabaseOptions, SqliteOptions, SqlitePlace};
use crate::machinery::postgres::connection::{Connection, Pooler};
use crate::machinery::postgres::pool::Lease;
use crate::machinery::postgres::{PoolState, Postgres};
use crate::machinery::shared::Shared;
use crate::machinery::sql::Sql;
use crate::machinery::sqlite::{Sqlite, run_now};
use crate::machinery::tx::{Begin, Tx};

/// How often a transaction is tried (core-session.md 2.9).
const ATTEMPTS: u32 = 50;
/// How often work is begun again because its connection turned out to be dead, as after a restart of the database.
const RECONNECTS: u32 = 2;

/// Within this time of the beginning.
const SOON: Duration = Duration::from_secs(1);

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    backend: Backend,
    shared: Arc<Shared>,
    place: String,
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
    /// Opens a database for these contents.
    pub(crate) async fn open_with(options: DatabaseOptions, contents: &'static Contents) -> Result<Self> {
        options.tables().check().map_err(StoreError::BadOptions)?;
        if matches!(&options, DatabaseOptions::Postgres(_)) {
            fit(options.tables(), contents).map_err(StoreError::BadOptions)?;
        }
        let (place, migration_mode) = (options.redacted(), options.migration_mode().to_owned());
        let in_memory = matches!(&options, DatabaseOptions::Sqlite(sqlite) if sqlite.place == SqlitePlace::Memory);
        let dialect = match &options {
            DatabaseOptions::Sqlite(_) => Dialect::Sqlite,
            DatabaseOptions::Postgres(_) => Dialect::Postgres,
        };
        let sql = Sql::new(dialect, options.tables().clone(), contents);
        let shared = Shared::new(sql, place.clone(), migration_mode);
        let backend = match &options {
            DatabaseOptions::Sqlite(sqlite) => Backend::Sqlite(Sqlite::open(&sqlite.place, &shared)?),
            DatabaseOptions::Postgres(postgres) => {
                Backend::Postgres(Box::new(Box::pin(Postgres::open(postgres, &shared)).await?))
            }
        };
        Ok(Self(Arc::new(Inner { backend, shared, place, in_memory })))
    }

    /// Opens a database to look at it.
    pub(crate) async fn open_to_look_with(options: DatabaseOptions, contents: &'static Contents) -> Result<Self> {
        let DatabaseOptions::Sqlite(SqliteOptions { place: SqlitePlace::File(path), tables }) = &options else {
            return Self::open_with(options, contents).await;
        };
        tables.check().map_err(StoreError::BadOptions)?;
        let (place, migration_mode) = (options.redacted(), options.migration_mode().to_owned());
        let shared = Shared::new(Sql::new(Dialect::Sqlite, tables.clone(), contents), place.clone(), migration_mode);
        let backend = Backend::Sqlite(Sqlite::look(path, &shared)?);
        Ok(Self(Arc::new(Inner { backend, shared, place, in_memory: false })))
    }

    /// Is the way to the database encrypted? SQLite has none.
    pub fn encrypted(&self) -> Option<bool> {
        match &self.0.backend {
            Backend::Sqlite(_) => None,
            Backend::Postgres(postgres) => Some(postgres.encrypted()),
        }
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
            Backend::Sqlite(sqlite) => sqlite.write(self.on_writer(&Arc::new(body), Begin::Never)).await,
            Backend::Postgres(postgres) => Box::pin(self.read_there(postgres, &body)).await,
        }
    }

    /// Reads what may take long, or wait for others: lists, counts, whole tables. On PostgreSQL that happens on a connection of the
    /// pool, where no other read stands behind it; on SQLite off the async workers. Otherwise like [`read`](Self::read).
    pub async fn read_long<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        match &self.0.backend {
            Backend::Postgres(postgres) => {
                let _permit = postgres.long_read().await?;
                self.repeat(body, Begin::Never, None::<fn(&T)>).await.map(|(value, _)| value)
            }
            Backend::Sqlite(sqlite) if sqlite.has_readers() => {
                let db = self.clone();
                let reading = tokio::task::spawn_blocking(move || match &db.0.backend {
                    Backend::Sqlite(sqlite) => {
                        sqlite.read(|connection| run_now(body(&mut Tx::sqlite(connection, db.counting_reads(), Begin::Never))))
                    }
                    Backend::Postgres(_) => Err(StoreError::driver("not SQLite any more")),
                });
                reading.await.map_err(|_| StoreError::driver("a read panicked"))?
            }
            Backend::Sqlite(_) => self.read(body).await,
        }
    }

    /// One statement that writes, atomic by itself: one trip. A second statement is an error.
    pub async fn single<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        self.repeat(body, Begin::Single, None::<fn(&T)>).await.map(|(value, _)| value)
    }

    /// A transaction, READ COMMITTED. Tried again when the database asks for it, and when its connection was dead.
    pub async fn tx<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        self.repeat(body, Begin::Pending, None::<fn(&T)>).await.map(|(value, _)| value)
    }

    /// A transaction, and what is worked out from its answer while the commit is under way: a signature takes as long as a commit,
    /// and neither needs to wait for the other. If the commit fails, so does all of this.
    pub async fn tx_beside<T, U, F>(&self, body: F, beside: impl FnMut(&T) -> U + Send) -> Result<(T, U)>
    where
        T: Send + 'static,
        U: Send,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        let (value, made) = self.repeat(body, Begin::Pending, Some(beside)).await?;
        Ok((value, made.ok_or_else(|| StoreError::driver("nothing was worked out beside the commit"))?))
    }

    /// Would a write be accepted? Needs the tables.
    pub async fn writable(&self) -> Result<()> {
        let tries_writing = self.sql().contents().tries_writing;
        self.single(async move |tx| tx.exec(tries_writing(), &[]).await.map(|_| ())).await
    }

    /// A write by which [`ready`](Self::ready) judges.
    pub(crate) async fn try_writing(&self) -> Result<()> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.try_writing().await,
            Backend::Postgres(_) => self.writable().await,
        }
    }

    /// Does [`try_writing`](Self::try_writing) find out that the disk is full?
    pub(crate) fn finds_a_full_disk(&self) -> bool {
        self.dialect() == Dialect::Sqlite
    }

    /// What the machine of the database takes the time to be. Nothing for SQLite, which runs on this one.
    pub async fn clock(&self) -> Result<Option<Millis>> {
        let on_postgres = async |client: &Connection| {
            let text = "SELECT CAST(EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000 AS BIGINT)";
            let row = client.query_typed_one(text, &[]).await.and_then(|row| row.try_get(0));
            row.map(Some).map_err(|e| from_postgres(&e, self.sql()))
        };
        self.on_connection(|_| Ok(None), on_postgres).await
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

    /// What was found between us and PostgreSQL; nothing for SQLite.
    pub fn pooler(&self) -> Option<Pooler> {
        match &self.0.backend {
            Backend::Sqlite(_) => None,
            Backend::Postgres(postgres) => Some(postgres.pooler()),
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
        &self.0.shared.migration_mode
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
                    let failed = |e: rusqlite::Error| from_sqlite(&e, &shared.sql);
                    texts.iter().try_for_each(|text| connection.prepare(text).map(|_| ()).map_err(failed))
                };
                sqlite.write(prepare).await?;
            }
            Backend::Postgres(postgres) => {
                let lease = postgres.lease().await?;
                for text in &texts {
                    let prepared = lease.client()?.prepare(text).await;
                    prepared.map_err(|e| from_postgres(&e, self.sql()))?;
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
        sqlite.write(move |connection| read(connection).map_err(|e| from_sqlite(&e, &shared.sql))).await
    }

    fn counting_reads(&self) -> &Shared {
        self.0.shared.trips.fetch_add(1, Ordering::Relaxed);
        &self.0.shared
    }

    /// Reads over the network. In a box, like everything that has to do with connections: such futures are large, and would be copied
    /// from hand to hand with every future around them, also where the database is a file.
    async fn read_there<T, F: AsyncFn(&mut Tx<'_>) -> Result<T>>(&self, postgres: &Postgres, body: &F) -> Result<T> {
        let reading = async {
            for _ in 0..RECONNECTS {
                match self.read_once(postgres, body).await {
                    Err(StoreError::Unavailable(e)) => tracing::debug!(error = %e, "reading again on a new connection"),
                    // A pooler turned out to keep no statements.
                    Err(StoreError::Busy) => {}
                    answer => return answer,
                }
            }
            self.read_once(postgres, body).await
        };
        let answer = tokio::time::timeout(postgres.reading_limit(), reading).await;
        answer.unwrap_or_else(|_| Err(self.silent("a read was not answered in time")))
    }

    /// Nothing was answered. Writes will not fare better, which is said once.
    fn silent(&self, what: &str) -> StoreError {
        let silence = StoreError::unavailable(what);
        self.0.shared.health.silent(&silence);
        silence
    }

    async fn read_once<T, F: AsyncFn(&mut Tx<'_>) -> Result<T>>(&self, postgres: &Postgres, body: &F) -> Result<T> {
        let on = async |client: &Connection| {
            let mut tx = Tx::postgres(client, &self.0.shared, Begin::Never);
            let answer = body(&mut tx).await;
            tx.end(answer).await
        };
        let Some(client) = postgres.reader().await else {
            let lease = postgres.lease().await?;
            let ended = on(lease.client()?).await;
            if ended.clean {
                lease.give_back();
            }
            return ended.answer;
        };
        match tokio::time::timeout(postgres.read_limit(), on(&client)).await {
            Ok(ended) => ended.answer,
            Err(_) => {
                // The connection may have died without a word.
                postgres.give_up(&client);
                Err(StoreError::unavailable("a read was not answered in time"))
            }
        }
    }

    /// With what was worked out beside the commit, if anything was to be.
    async fn repeat<T, U, F, B>(&self, body: F, begin: Begin, mut beside: Option<B>) -> Result<(T, Option<U>)>
    where
        T: Send + 'static,
        U: Send,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
        B: FnMut(&T) -> U + Send,
    {
        let body = Arc::new(body);
        let (mut dead, begun) = (0, Instant::now());
        for attempt in 1..=ATTEMPTS {
            let (answer, commit_sent) = match &self.0.backend {
                Backend::Sqlite(sqlite) => {
                    let work = self.on_writer(&body, begin);
                    let answer = match &mut beside {
                        Some(beside) => sqlite.write_beside(work, beside).await.map(|(value, made)| (value, Some(made))),
                        None => sqlite.write(work).await.map(|value| (value, None)),
                    };
                    (answer, true)
                }
                Backend::Postgres(postgres) => Box::pin(self.on_pool(postgres, &*body, begin, beside.as_mut())).await,
            };
            match answer {
                Err(StoreError::Busy) if attempt < ATTEMPTS => tokio::time::sleep(back_off(attempt)).await,
                // That a connection is dead shows at once. What has taken long, has been waited for.
                Err(StoreError::Unavailable(_)) if !commit_sent && dead < RECONNECTS && begun.elapsed() < SOON => dead += 1,
                Err(error) => {
                    self.0.shared.health.failed(&error);
                    return Err(error);
                }
                answer => return answer,
            }
        }
        Err(StoreError::Busy)
    }

    /// The body as work for the connection of the writer.
    fn on_writer<T, F>(
        &self,
        body: &Arc<F>,
        begin: Begin,
    ) -> impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static + use<T, F>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        let (body, shared) = (Arc::clone(body), Arc::clone(&self.0.shared));
        move |connection| {
            let mut tx = Tx::sqlite(connection, &shared, begin);
            let answer = run_now(body(&mut tx));
            if tx.failed() { answer.and(Err(StoreError::Aborted)) } else { answer }
        }
    }

    /// One attempt on PostgreSQL, and whether its commit may have gone out.
    async fn on_pool<T: Send, U: Send, F: AsyncFn(&mut Tx<'_>) -> Result<T>>(
        &self,
        postgres: &Postgres,
        body: &F,
        begin: Begin,
        beside: Option<impl FnMut(&T) -> U + Send>,
    ) -> (Result<(T, Option<U>)>, bool) {
        let lease = match postgres.lease().await {
            Ok(lease) => lease,
            Err(e) => return (Err(e), false),
        };
        // A silent database may have carried out anything.
        let done = postgres.while_alive(Box::pin(self.on_lease(lease, body, begin, beside))).await;
        done.unwrap_or_else(|| (Err(self.silent("the database has fallen silent")), true))
    }

    async fn on_lease<T: Send, U: Send, F: AsyncFn(&mut Tx<'_>) -> Result<T>>(
        &self,
        lease: Lease,
        body: &F,
        begin: Begin,
        beside: Option<impl FnMut(&T) -> U + Send>,
    ) -> (Result<(T, Option<U>)>, bool) {
        let client = match lease.client() {
            Ok(client) => client,
            Err(e) => return (Err(e), false),
        };
        let mut tx = Tx::postgres(client, &self.0.shared, begin);
        let (value, outcome) = match body(&mut tx).await {
            Ok(value) => (Some(value), Ok(())),
            Err(e) => (None, Err(e)),
        };
        let beside = async {
            let value = value?;
            let Some(mut beside) = beside else { return Some((value, None)) };
            // First the connection sends the commit, which may be a task of this very thread.
            tokio::task::yield_now().await;
            let made = beside(&value);
            Some((value, Some(made)))
        };
        let (ended, value) = tokio::join!(biased; tx.end(outcome), beside);
        if ended.clean {
            lease.give_back();
        }
        if ended.wrote {
            self.0.shared.health.kept();
        }
        // A statement by itself may have been carried out before the connection broke.
        let gone = || StoreError::driver("a body ended without an answer");
        let answer = ended.answer.and_then(|()| value.ok_or_else(gone));
        (answer, ended.commit_sent || begin == Begin::Single)
    }

    /// Migrations need the connection itself.
    pub(crate) async fn on_connection<T: Send + 'static>(
        &self,
        on_sqlite: impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static,
        on_postgres: impl AsyncFnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) if sqlite.only_looks() => sqlite.read(on_sqlite),
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

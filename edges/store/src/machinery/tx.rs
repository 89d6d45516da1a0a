//! What a body works on: statements of either database, one at a time or queued for the commit (dependencies.md 4).
//!
//! Round trips are counted here and nowhere else. PostgreSQL gets BEGIN together with the first statement, and all
//! queued writes together with COMMIT; a transaction of queued writes alone is one trip.

use std::future::Future;
use std::pin::Pin;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::Poll;

use tokio_postgres::types::{ToSql, Type};

use crate::machinery::error::{Result, StoreError};
use crate::machinery::failure::{from_postgres, from_sqlite};
use crate::machinery::postgres::connection::Connection;
use crate::machinery::row::Row;
use crate::machinery::shared::Shared;
use crate::machinery::sql::Sql;
use crate::machinery::statement::{Q, Val};

/// A connection in use: a transaction, or a place for single statements. Its methods are in the files by subject.
///
/// A statement that fails spoils the whole body: whatever the body answers, nothing is kept.
pub struct Tx<'c> {
    place: Place<'c>,
    shared: &'c Shared,
    failed: bool,
    /// Whether one statement is all there may be, and whether that has been sent or queued.
    single: Option<bool>,
}

enum Place<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(OnPostgres<'c>),
}

/// How far a body on PostgreSQL has come.
pub(crate) struct OnPostgres<'c> {
    client: &'c Connection,
    begin: Begin,
    queue: Vec<(Q, Vec<Val<'static>>)>,
    /// Has a row been changed? Of what gives rows back, that is not known.
    wrote: bool,
}

/// Whether there is a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Single statements, any number of them.
    Never,
    /// One statement, which is atomic by itself.
    Single,
    /// Goes out with the first statement.
    Pending,
    /// Has gone out.
    Sent,
}

/// Reads one row into what the caller wants.
type Read<T> = fn(&Row<'_>) -> Result<T>;

/// What a statement gave back.
enum Gave {
    Rows(Vec<tokio_postgres::Row>),
    Count(u64),
}

/// The last statement of a batch, and whether its rows are wanted or their number.
struct Last<'a, 'v> {
    q: Q,
    params: &'a [Val<'v>],
    rows: bool,
}

type Sent<'a> = Pin<Box<dyn Future<Output = std::result::Result<Gave, tokio_postgres::Error>> + Send + 'a>>;

impl<'c> Tx<'c> {
    pub(crate) fn sqlite(connection: &'c mut rusqlite::Connection, shared: &'c Shared, begin: Begin) -> Self {
        Self { place: Place::Sqlite(connection), shared, failed: false, single: (begin == Begin::Single).then_some(false) }
    }

    pub(crate) fn postgres(client: &'c Connection, shared: &'c Shared, begin: Begin) -> Self {
        let place = Place::Postgres(OnPostgres { client, begin, queue: Vec::new(), wrote: false });
        Self { place, shared, failed: false, single: (begin == Begin::Single).then_some(false) }
    }

    /// Refuses a second statement where only one is atomic. Both databases do, so that any test finds it.
    fn one_more(&mut self) -> Result<()> {
        match self.single.replace(true) {
            None => self.single = None,
            Some(false) => {}
            Some(true) => {
                self.failed = true;
                return Err(StoreError::NotSingle);
            }
        }
        Ok(())
    }

    pub(crate) fn sql(&self) -> &'c Sql {
        &self.shared.sql
    }

    /// Which of the tables of users are read and written (core-server.md 11).
    pub(crate) fn migration_mode(&self) -> &'c str {
        &self.shared.migration_mode
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// All rows of a statement.
    pub(crate) async fn all<T>(&mut self, q: impl Into<Q>, params: &[Val<'_>], read: Read<T>) -> Result<Vec<T>> {
        self.one_more()?;
        let q = q.into();
        let shared = self.shared;
        let answer = match &mut self.place {
            Place::Sqlite(connection) => sqlite_rows(connection, shared, q, params, read),
            Place::Postgres(on) => on.rows(shared, q, params, read).await,
        };
        self.failed |= answer.is_err();
        answer.map_err(|e| e.at(shared.sql.table_of(q), || ids(params)))
    }

    /// The first row of a statement.
    pub(crate) async fn opt<T>(&mut self, q: impl Into<Q>, params: &[Val<'_>], read: Read<T>) -> Result<Option<T>> {
        Ok(self.all(q, params, read).await?.into_iter().next())
    }

    /// Runs a statement now and says how many rows it changed.
    pub(crate) async fn exec(&mut self, q: impl Into<Q>, params: &[Val<'_>]) -> Result<u64> {
        self.one_more()?;
        let q = q.into();
        let shared = self.shared;
        let answer = match &mut self.place {
            Place::Sqlite(connection) => sqlite_exec(connection, shared, q, params),
            Place::Postgres(on) => on.exec(shared, q, params).await,
        };
        self.failed |= answer.is_err();
        answer
    }

    /// Queues a write whose result nobody waits for: it goes out with the next statement or with the commit. SQLite
    /// runs it at once. If it fails, the transaction fails.
    pub(crate) async fn with_commit(&mut self, q: impl Into<Q>, params: Vec<Val<'_>>) -> Result<()> {
        self.one_more()?;
        let q = q.into();
        let answer = match &mut self.place {
            Place::Sqlite(connection) => sqlite_exec(connection, self.shared, q, &params).map(|_| ()),
            Place::Postgres(on) => {
                on.queue.push((q, params.into_iter().map(Val::owned).collect()));
                Ok(())
            }
        };
        self.failed |= answer.is_err();
        answer
    }

    /// Runs statements that are not known beforehand and answer nothing (partitions).
    pub(crate) async fn ddl(&mut self, text: &str) -> Result<()> {
        let shared = self.shared;
        let answer = match &mut self.place {
            Place::Sqlite(connection) => connection.execute_batch(text).map_err(|e| from_sqlite(&e, &shared.sql)),
            Place::Postgres(on) => on.ddl(shared, text).await,
        };
        self.failed |= answer.is_err();
        answer
    }
}

impl<'c> Tx<'c> {
    /// Ends a body on PostgreSQL: commits what succeeded, undoes what did not.
    pub(crate) async fn end<T>(self, answer: Result<T>) -> Ended<T> {
        let (failed, shared) = (self.failed, self.shared);
        let Place::Postgres(mut on) = self.place else {
            return Ended { answer, commit_sent: false, clean: true, wrote: false };
        };
        match answer {
            Ok(value) if !failed => {
                let commit_sent = on.begin == Begin::Sent || !on.queue.is_empty();
                let committed = on.commit(shared).await;
                // A connection that failed to commit may be left in a transaction.
                let clean = committed.is_ok() || on.rollback(shared).await;
                let wrote = on.wrote && committed.is_ok();
                Ended { answer: committed.map(|()| value), commit_sent, clean, wrote }
            }
            answer => {
                let clean = on.rollback(shared).await;
                // A body that swallowed the failure of a statement has nothing to be proud of either.
                let answer = answer.and(Err(StoreError::Aborted));
                Ended { answer, commit_sent: false, clean, wrote: false }
            }
        }
    }
}

/// How a body ended.
pub(crate) struct Ended<T> {
    pub(crate) answer: Result<T>,
    /// Whether a failure may have come after the commit had been sent, so that nobody knows.
    pub(crate) commit_sent: bool,
    /// Whether the connection is free of any transaction.
    pub(crate) clean: bool,
    /// Whether a row was changed, and that was kept.
    pub(crate) wrote: bool,
}

impl<'c> OnPostgres<'c> {
    async fn rows<T>(&mut self, shared: &Shared, q: Q, params: &[Val<'_>], read: Read<T>) -> Result<Vec<T>> {
        match self.send(shared, Some(Last { q, params, rows: true }), false).await? {
            Gave::Rows(rows) => rows.iter().map(|row| read(&Row::Postgres(row))).collect(),
            Gave::Count(_) => Ok(Vec::new()),
        }
    }

    async fn exec(&mut self, shared: &Shared, q: Q, params: &[Val<'_>]) -> Result<u64> {
        match self.send(shared, Some(Last { q, params, rows: false }), false).await? {
            Gave::Rows(_) => Ok(0),
            Gave::Count(count) => Ok(count),
        }
    }

    async fn ddl(&mut self, shared: &Shared, text: &str) -> Result<()> {
        if self.begin == Begin::Pending || !self.queue.is_empty() {
            self.send(shared, None, false).await?;
        }
        shared.count(1);
        self.client.batch_execute(text).await.map_err(|e| from_postgres(&e, &shared.sql))
    }

    async fn commit(&mut self, shared: &Shared) -> Result<()> {
        match (self.begin, self.queue.len()) {
            (Begin::Pending | Begin::Never | Begin::Single, 0) => Ok(()),
            // One write is a transaction by itself.
            (Begin::Pending, 1) => {
                self.begin = Begin::Single;
                self.send(shared, None, false).await.map(|_| ())
            }
            (Begin::Never | Begin::Single, _) => self.send(shared, None, false).await.map(|_| ()),
            (Begin::Pending | Begin::Sent, _) => self.send(shared, None, true).await.map(|_| ()),
        }
    }

    /// Undoes an open transaction. False if that did not work, and the connection must not be used again.
    async fn rollback(&mut self, shared: &Shared) -> bool {
        if self.begin != Begin::Sent {
            return !self.client.is_closed();
        }
        shared.count(1);
        self.client.batch_execute("ROLLBACK").await.is_ok()
    }

    /// Sends everything that is due in one go and waits for all of it: BEGIN if it is still pending, the queue, the
    /// last statement, COMMIT. The first failure is the answer; PostgreSQL refuses what comes after it. Behind a pooler, what
    /// is no transaction becomes one.
    async fn send(&mut self, shared: &Shared, last: Option<Last<'_, '_>>, commit: bool) -> Result<Gave> {
        let queue = std::mem::take(&mut self.queue);
        let mut prepared = Vec::with_capacity(queue.len() + 1);
        for q in queue.iter().map(|(q, _)| *q).chain(last.iter().map(|last| last.q)) {
            let text = shared.sql.text(q);
            let named = self.client.named(q, text).await.map_err(|e| self.failure(&e, shared))?;
            prepared.push(named.map_or(Spoken::Text(text), Spoken::Named));
        }
        let client = self.client;
        let params = queue.iter().map(|(_, params)| params.as_slice()).chain(last.iter().map(|last| last.params));
        let wants_rows = last.as_ref().is_some_and(|last| last.rows);
        let mut batch: Vec<Sent<'_>> = Vec::with_capacity(prepared.len() + 2);
        let alone = matches!(self.begin, Begin::Never | Begin::Single) && client.terms().is_pooled();
        if self.begin == Begin::Pending || alone {
            batch.push(Box::pin(async { client.batch_execute(client.begin()).await.map(|()| Gave::Count(0)) }));
        }
        if self.begin == Begin::Pending {
            self.begin = Begin::Sent;
        }
        for (n, (statement, params)) in prepared.iter().zip(params).enumerate() {
            batch.push(Box::pin(statement.run(client, params, wants_rows && n == queue.len())));
        }
        let asked = batch.len();
        if commit || alone {
            batch.push(Box::pin(async { client.batch_execute("COMMIT").await.map(|()| Gave::Count(0)) }));
        }
        shared.count(prepared.len());
        let fence = alone.then_some(&client.fence);
        let answer = in_order(batch, asked, fence).await.map_err(|e| self.failure(&e, shared));
        let answer = answer.map(|(gave, changed)| {
            self.wrote |= changed;
            gave
        });
        if commit && (answer.is_ok() || !self.client.is_closed()) {
            // COMMIT ends the transaction even where it had to undo it.
            self.begin = Begin::Never;
        }
        answer
    }
}

impl OnPostgres<'_> {
    fn failure(&self, error: &tokio_postgres::Error, shared: &Shared) -> StoreError {
        if self.client.terms().learn(error) { StoreError::Busy } else { from_postgres(error, &shared.sql) }
    }
}

/// A statement as it is sent: by a name that the connection knows, or as a text.
enum Spoken<'a> {
    Named(tokio_postgres::Statement),
    Text(&'a str),
}

impl Spoken<'_> {
    async fn run(&self, client: &Connection, values: &[Val<'_>], rows: bool) -> std::result::Result<Gave, tokio_postgres::Error> {
        match (self, rows) {
            (Self::Named(statement), true) => client.query(statement, &pg(values)).await.map(Gave::Rows),
            (Self::Named(statement), false) => client.execute(statement, &pg(values)).await.map(Gave::Count),
            (Self::Text(text), true) => client.query_typed(text, &typed(values)).await.map(Gave::Rows),
            (Self::Text(text), false) => client.execute_typed(text, &typed(values)).await.map(Gave::Count),
        }
    }
}

fn pg<'a>(params: &'a [Val<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The same with types, for a statement that the server sees for the first time each time. A text is left for the server to type.
fn typed<'a>(params: &'a [Val<'_>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    let typed = |value: &'a Val<'_>| {
        let ty = match value {
            Val::Null | Val::Text(_) => Type::UNKNOWN,
            Val::Int(_) => Type::INT8,
            Val::Bool(_) => Type::BOOL,
            Val::List(_) => Type::TEXT_ARRAY,
            Val::Bytes(_) => Type::BYTEA,
        };
        (value as &(dyn ToSql + Sync), ty)
    };
    params.iter().map(typed).collect()
}

/// Starts the futures in their order, so that their messages leave in that order, and waits for all. Where there is a fence, no
/// messages of others come between them. Answers the first failure, else what the one before `asked` gave, and whether rows were
/// changed.
async fn in_order(
    mut batch: Vec<Sent<'_>>,
    asked: usize,
    mut fence: Option<&std::sync::Mutex<()>>,
) -> std::result::Result<(Gave, bool), tokio_postgres::Error> {
    let mut answers: Vec<Option<std::result::Result<Gave, tokio_postgres::Error>>> = batch.iter().map(|_| None).collect();
    // One connection answers in order: once all have been sent, none behind one that waits needs to be asked.
    let (mut sent, mut through) = (false, 0);
    std::future::poll_fn(|context| {
        let _fence = fence.take().map(|fence| fence.lock().unwrap_or_else(PoisonError::into_inner));
        let mut pending = false;
        let rest = batch.iter_mut().zip(answers.iter_mut()).skip(through);
        for (future, answer) in rest.filter(|(_, answer)| answer.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(gave) => *answer = Some(gave),
                Poll::Pending => {
                    pending = true;
                    if sent {
                        break;
                    }
                }
            }
        }
        sent = true;
        through += answers.iter().skip(through).take_while(|answer| answer.is_some()).count();
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    let (mut wanted, mut changed) = (Gave::Count(0), false);
    for (n, answer) in answers.into_iter().flatten().enumerate() {
        let gave = answer?;
        changed |= matches!(gave, Gave::Count(1..));
        if n + 1 == asked {
            wanted = gave;
        }
    }
    Ok((wanted, changed))
}

fn sqlite_rows<T>(
    connection: &mut rusqlite::Connection,
    shared: &Shared,
    q: Q,
    params: &[Val<'_>],
    read: Read<T>,
) -> Result<Vec<T>> {
    let failed = |e: rusqlite::Error| from_sqlite(&e, &shared.sql);
    shared.statements.fetch_add(1, Ordering::Relaxed);
    let mut statement = connection.prepare_cached(shared.sql.text(q)).map_err(failed)?;
    let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        all.push(read(&Row::Sqlite(row))?);
    }
    Ok(all)
}

fn sqlite_exec(connection: &mut rusqlite::Connection, shared: &Shared, q: Q, params: &[Val<'_>]) -> Result<u64> {
    let failed = |e: rusqlite::Error| from_sqlite(&e, &shared.sql);
    shared.statements.fetch_add(1, Ordering::Relaxed);
    let mut statement = connection.prepare_cached(shared.sql.text(q)).map_err(failed)?;
    statement.execute(rusqlite::params_from_iter(params)).map(|count| count as u64).map_err(failed)
}

/// The ids by which a row was looked for: app, tenant and one more.
fn ids(params: &[Val<'_>]) -> String {
    let texts = params.iter().take(3).filter_map(|value| if let Val::Text(text) = value { Some(text.as_ref()) } else { None });
    texts.collect::<Vec<_>>().join("~")
}

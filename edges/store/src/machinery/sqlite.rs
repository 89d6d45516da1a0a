//! SQLite: one writer thread that lets concurrent transactions share a commit, and reads on connections of their own
//! (dependencies.md 3.2, 4).
//!
//! A commit is on disk before anybody is answered: WAL with `synchronous=FULL`. A file belongs to one process at a time, and one
//! that is not under its name any more is used no further.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::machinery::error::{Result, StoreError};
use crate::machinery::failure::from_sqlite;
use crate::machinery::options::SqlitePlace;
use crate::machinery::shared::Shared;
use crate::machinery::sql::Sql;

pub(crate) mod file;
mod watch;

use file::{Identity, Owned};
use watch::Watch;

/// The most jobs that share one commit.
const BATCH: usize = 256;
/// The most jobs that wait for the writer: about a second's. The program lets in fewer; an application with a core in it may ask for
/// more at once than can be done in time.
const QUEUE: usize = 4_096;
/// So often the writer looks whether its file is still there, told of a change or not, busy or not.
const LOOK: Duration = Duration::from_secs(1);
/// After so many looks without a job in between, what was written is moved from the log to the file, and the log is emptied.
const LOOKS_BEFORE_TIDYING: u32 = 5;
/// So long another program that holds the file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most connections kept for reads; more are made when needed and closed afterwards.
const READERS_KEPT: usize = 16;
/// So many statements of our own are prepared once per connection, beside those of the contents: they begin and end what a job does.
const COMMANDS_KEPT: usize = 16;

/// Runs with the connection, or with the reason why there is none to run with.
type Job = Box<dyn FnOnce(Result<&mut Connection>) -> Done + Send>;

/// What a job did, to be answered when the commit is through.
struct Done {
    keep: bool,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

/// An open SQLite database.
pub(crate) struct Sqlite {
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Option<Readers>,
    shared: Arc<Shared>,
}

/// Connections that only read.
struct Readers {
    path: PathBuf,
    /// The writer's file, which theirs must be; nobody writes where there is none.
    identity: Option<Arc<Identity>>,
    /// Is everything in the file itself? Then it is read as it lies there, and nothing is put beside it.
    alone: bool,
    idle: Mutex<Vec<Connection>>,
    /// Keeps a core from starting.
    _lock: Option<File>,
}

impl Sqlite {
    pub(crate) fn open(place: &SqlitePlace, shared: &Arc<Shared>) -> Result<Self> {
        let failed = |e: rusqlite::Error| from_sqlite(&e, &shared.sql);
        let (connection, lock, identity) = match place {
            SqlitePlace::Memory => (Connection::open_in_memory().map_err(failed)?, None, None),
            SqlitePlace::File(path) => {
                let Owned { path, lock } = file::take(path)?;
                let connection = open_for_writing(&path, shared)?;
                (connection, Some(lock), Some((Arc::new(Identity::of_opened(&path)?), path)))
            }
        };
        configure(&connection, &shared.sql).map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", "ON").map_err(failed)?;
        let (jobs, queue) = crossbeam_channel::bounded(QUEUE);
        let of_writer = identity.as_ref().map(|(identity, _)| OpenFile::new(Arc::clone(identity)));
        let writer = Writer { connection, shared: Arc::clone(shared), file: of_writer, untidy: true, looks: 0 };
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                writer.run(&queue);
                // The connection is closed by now: the next owner finds a file at rest.
                drop(lock);
            })
            .map_err(|e| StoreError::driver(format!("the writer thread could not start: {e}")))?;
        let readers = identity.map(|(identity, path)| Readers {
            path,
            identity: Some(identity),
            alone: false,
            idle: Mutex::default(),
            _lock: None,
        });
        Ok(Self { jobs: Some(jobs), writer: Some(writer), readers, shared: Arc::clone(shared) })
    }

    /// Opens a file that is there, to be read only.
    pub(crate) fn look(path: &Path, shared: &Arc<Shared>) -> Result<Self> {
        let path =
            path.canonicalize().map_err(|e| StoreError::BadPlace(format!("{} cannot be looked at: {e}", path.display())))?;
        let lock = file::at_rest(&path)?;
        let readers = Readers { alone: !file::has_unsaved(&path), path, identity: None, idle: Mutex::default(), _lock: lock };
        Ok(Self { jobs: None, writer: None, readers: Some(readers), shared: Arc::clone(shared) })
    }

    /// Runs work on the writer, within a commit that it may share with others. All of it is kept, or nothing.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel::<Result<T>>();
        self.send(Box::new(move |connection| {
            let outcome = connection.and_then(work);
            Done {
                keep: outcome.is_ok(),
                answer: Box::new(move |committed| {
                    // A caller that went away does not want to know.
                    drop(tell.send(outcome.and_then(|value| committed.map(|()| value))));
                }),
            }
        }))?;
        told.await.map_err(panicked)?
    }

    /// The same, with something beside it: `beside` is worked out on this thread from what the work gave, while the commit is under
    /// way.
    pub(crate) async fn write_beside<T: Send + 'static, U: Send>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
        mut beside: impl FnMut(&T) -> U + Send,
    ) -> Result<(T, U)> {
        let (tell_value, value) = oneshot::channel::<Result<T>>();
        let (tell, told) = oneshot::channel::<Result<()>>();
        self.send(Box::new(move |connection| {
            let outcome = connection.and_then(work);
            let keep = outcome.is_ok();
            drop(tell_value.send(outcome));
            Done { keep, answer: Box::new(move |committed| drop(tell.send(committed))) }
        }))?;
        let value = value.await.map_err(panicked)??;
        let made = beside(&value);
        told.await.map_err(panicked)??;
        Ok((value, made))
    }

    fn send(&self, job: Job) -> Result<()> {
        let stopped = || StoreError::unavailable("the SQLite writer has stopped");
        self.jobs.as_ref().ok_or_else(stopped)?.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        self.shared.count(0);
        Ok(())
    }

    /// Writes a page, and with it no row: a number in the head of the file that nobody reads.
    pub(crate) async fn try_writing(&self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let turn = |connection: &mut Connection| {
            let number: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            connection.pragma_update(None, "user_version", number ^ 1)
        };
        self.write(move |connection| turn(connection).map_err(|e| from_sqlite(&e, &shared.sql))).await
    }

    /// Is it opened to be looked at?
    pub(crate) fn only_looks(&self) -> bool {
        self.writer.is_none()
    }

    /// Is there a connection apart from the writer's? In memory there is not: reads queue with the writes.
    pub(crate) fn has_readers(&self) -> bool {
        self.readers.is_some()
    }

    /// Runs work on a connection that only reads, at once and on this thread: a few microseconds from the page cache.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let readers = self.readers.as_ref().ok_or_else(|| StoreError::driver("this database has no readers"))?;
        if let Some(lost) = self.shared.health.lost() {
            return Err(lost);
        }
        let mut connection = match readers.take() {
            Some(connection) => connection,
            None => readers.connect(&self.shared)?,
        };
        let answer = work(&mut connection);
        readers.give_back(connection);
        answer
    }
}

/// A job that ends without a word.
fn panicked(_: oneshot::error::RecvError) -> StoreError {
    StoreError::driver("a transaction body panicked")
}

/// Waits until the writer has finished and let go of the file.
impl Drop for Sqlite {
    fn drop(&mut self) {
        self.readers = None;
        self.jobs = None;
        if let Some(writer) = self.writer.take()
            && writer.thread().id() != std::thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!("the SQLite writer thread panicked");
        }
    }
}

impl Readers {
    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS_KEPT {
            idle.push(connection);
        }
    }

    fn connect(&self, shared: &Shared) -> Result<Connection> {
        let failed = |e: rusqlite::Error| from_sqlite(&e, &shared.sql);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = match self.alone {
            true => Connection::open_with_flags(as_it_lies(&self.path), flags | OpenFlags::SQLITE_OPEN_URI),
            false => Connection::open_with_flags(&self.path, flags),
        };
        let connection = connection.map_err(failed)?;
        if let Some(identity) = &self.identity {
            identity.check()?;
        }
        configure(&connection, &shared.sql).map_err(failed)?;
        Ok(connection)
    }
}

/// The URI by which SQLite reads a file without locking it or putting anything beside it.
fn as_it_lies(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte);
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match plain(byte) {
            true => uri.push(char::from(*byte)),
            false => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

/// The connection of the writer. The file is there, and ours.
fn open_for_writing(path: &Path, shared: &Shared) -> Result<Connection> {
    let failed = |e: rusqlite::Error| from_sqlite(&e, &shared.sql);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    // SQLite is content with reading where it may not write.
    if connection.is_readonly("main").map_err(failed)? {
        let text = "may only be read by this process; make the file and its folder writable for it, or name another place";
        return Err(StoreError::BadPlace(format!("the database file {} {text}", path.display())));
    }
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    // What is deleted is overwritten, so that keys and personal data do not stay in unused parts of the file.
    connection.pragma_update(None, "secure_delete", "ON").map_err(failed)?;
    // The first look into the file makes those beside it.
    connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(())).map_err(failed)?;
    Ok(connection)
}

pub(crate) fn configure(connection: &Connection, sql: &Sql) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(sql.group_sizes().sum::<usize>() + COMMANDS_KEPT);
    // A plan holds for all values. Otherwise some statements are compiled anew whenever a parameter changes, which takes far longer
    // than running them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(PATIENCE)
}

/// Takes what has gathered, runs each job so that it can be undone by itself, commits once, then answers all.
struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    file: Option<OpenFile>,
    /// Has anything been written since the log was emptied?
    untidy: bool,
    /// Looks at the file since the last job.
    looks: u32,
}

impl Writer {
    fn run(mut self, queue: &Receiver<Job>) {
        loop {
            match queue.recv_timeout(LOOK) {
                Ok(first) => self.batch(first, queue),
                Err(RecvTimeoutError::Timeout) => self.rest(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn batch(&mut self, first: Job, queue: &Receiver<Job>) {
        self.looks = 0;
        let shared = Arc::clone(&self.shared);
        let batch = std::iter::once(first).chain(std::iter::from_fn(|| queue.try_recv().ok())).take(BATCH);
        let changes = self.connection.total_changes();
        let there = self.is_there();
        let begun = there.clone().and_then(|()| command(&self.connection, &shared, "BEGIN IMMEDIATE"));
        let mut all_done = Vec::new();
        for (number, job) in batch.enumerate() {
            // A full disk or an I/O error may have ended the transaction under us.
            let open = begun.clone().and_then(|()| still_open(&self.connection));
            let undo = if number == 0 { Undo::All } else { Undo::ToSavepoint };
            let done = match open.and_then(|()| undo.prepare(&self.connection, &shared)) {
                Ok(()) => run_job(job, &mut self.connection, &shared, undo),
                Err(e) => Some(job(Err(e))),
            };
            all_done.extend(done);
        }
        let open = begun.clone().and_then(|()| still_open(&self.connection));
        let committed = open.and_then(|()| command(&self.connection, &shared, "COMMIT"));
        if committed.is_err() && !self.connection.is_autocommit() && command(&self.connection, &shared, "ROLLBACK").is_err() {
            tracing::error!("a failed SQLite transaction could not be rolled back");
        }
        match &committed {
            Ok(()) if self.connection.total_changes() == changes => {}
            Ok(()) => {
                self.untidy = true;
                shared.health.kept();
            }
            Err(error) => shared.health.commit_failed(error),
        }
        for done in all_done {
            (done.answer)(committed.clone());
        }
    }

    /// Nobody wants anything.
    fn rest(&mut self) {
        if self.file.is_none() || self.is_there().is_err() {
            return;
        }
        self.looks = self.looks.saturating_add(1);
        if self.untidy && self.looks >= LOOKS_BEFORE_TIDYING {
            self.looks = 0;
            self.tidy();
        }
    }

    /// Is the file still the one that was opened?
    fn is_there(&mut self) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if !file.is_to_be_looked_at(&self.shared) {
            return Ok(());
        }
        let found = file.identity.check();
        let was_lost = self.shared.health.lost().is_some();
        if !self.shared.health.file_is(&found) && !was_lost {
            // What was answered belongs into the file, wherever that is now; and a log that stayed behind would be taken for one of
            // the file that is put in its place.
            self.tidy();
        }
        found
    }

    /// Moves everything from the log to the file and empties the log, which has what was deleted. Not while somebody reads from it;
    /// that is not waited for.
    fn tidy(&mut self) {
        let quiet = self.connection.busy_timeout(Duration::ZERO);
        let busy: rusqlite::Result<bool> =
            quiet.and_then(|()| self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)));
        self.untidy = !matches!(busy, Ok(false));
        let patient = self.connection.busy_timeout(PATIENCE);
        if let Err(error) = busy.and(patient) {
            tracing::debug!(%error, "the log of the database could not be emptied yet");
        }
    }
}

/// The file of the writer, and when to look whether it is still there.
struct OpenFile {
    identity: Arc<Identity>,
    watch: Watch,
    /// When it was looked at last; never yet at first, since what happened before the watch is not told.
    looked: Option<Instant>,
}

impl OpenFile {
    fn new(identity: Arc<Identity>) -> Self {
        let watch = Watch::over(identity.files());
        Self { identity, watch, looked: None }
    }

    /// If something was told, if the last look is a while ago, and always as long as it is lost.
    fn is_to_be_looked_at(&mut self, shared: &Shared) -> bool {
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK);
        let look = self.watch.has_news() || due || shared.health.lost().is_some();
        if look {
            self.looked = Some(Instant::now());
        }
        look
    }
}

fn still_open(connection: &Connection) -> Result<()> {
    if connection.is_autocommit() {
        Err(StoreError::driver("the transaction was ended by an error of the file system"))
    } else {
        Ok(())
    }
}

/// How a job is taken out of its transaction.
#[derive(Clone, Copy)]
enum Undo {
    /// Nothing is before it: it needs no savepoint, which is a tenth of the work of a small job.
    All,
    /// To the savepoint before it.
    ToSavepoint,
}

impl Undo {
    fn prepare(self, connection: &Connection, shared: &Shared) -> Result<()> {
        match self {
            Self::All => Ok(()),
            Self::ToSavepoint => command(connection, shared, "SAVEPOINT job"),
        }
    }

    fn end(self, connection: &Connection, shared: &Shared, keep: bool) -> Result<()> {
        match (self, keep) {
            (Self::All, true) => Ok(()),
            (Self::All, false) => {
                command(connection, shared, "ROLLBACK").and_then(|()| command(connection, shared, "BEGIN IMMEDIATE"))
            }
            (Self::ToSavepoint, true) => command(connection, shared, "RELEASE job"),
            (Self::ToSavepoint, false) => {
                command(connection, shared, "ROLLBACK TO job").and_then(|()| command(connection, shared, "RELEASE job"))
            }
        }
    }
}

/// A job that panics is undone; the drop of its channel tells its caller.
fn run_job(job: Job, connection: &mut Connection, shared: &Shared, undo: Undo) -> Option<Done> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(Ok(&mut *connection)))).ok();
    if connection.is_autocommit() {
        return done;
    }
    let keep = done.as_ref().is_some_and(|done| done.keep);
    match undo.end(connection, shared, keep) {
        Ok(()) => done,
        // What this job left behind cannot be taken out: nothing of the batch may be committed.
        Err(_) => {
            drop(command(connection, shared, "ROLLBACK"));
            done
        }
    }
}

fn command(connection: &Connection, shared: &Shared, text: &str) -> Result<()> {
    let run = connection.prepare_cached(text).and_then(|mut statement| statement.execute([]));
    run.map(|_| ()).map_err(|e| from_sqlite(&e, &shared.sql))
}

/// Runs a body to its end. Every await in a SQLite body is ready at once, so one poll does it.
pub(crate) fn run_now<T>(body: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(body).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(StoreError::Suspended),
    }
}

//! SQLite: one writer thread that lets concurrent transactions share a commit, and reads on connections of their own
//! (dependencies.md 3.2, 4).
//!
//! A commit is on disk before anybody is answered: WAL with `synchronous=FULL`. A file belongs to one process at a time.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::error::{Result, StoreError, from_sqlite};
use crate::options::SqlitePlace;
use crate::tx::Shared;

/// The most jobs that share one commit.
const BATCH: usize = 256;
/// The most connections kept for reads; more are made when needed and closed afterwards.
const READERS_KEPT: usize = 16;
/// All statements of this crate, prepared once per connection.
const STATEMENTS_KEPT: usize = 256;

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
    idle: Mutex<Vec<Connection>>,
}

impl Sqlite {
    pub(crate) fn open(place: &SqlitePlace, shared: &Arc<Shared>) -> Result<Self> {
        let failed = |e: rusqlite::Error| from_sqlite(&e, &shared.sql);
        let (connection, lock, readers) = match place {
            SqlitePlace::Memory => (Connection::open_in_memory().map_err(failed)?, None, None),
            SqlitePlace::File(path) => {
                let lock = own(path)?;
                keep_private(path)?;
                let connection = Connection::open(path).map_err(failed)?;
                connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
                connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
                (connection, Some(lock), Some(Readers { path: path.clone(), idle: Mutex::default() }))
            }
        };
        configure(&connection).map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", "ON").map_err(failed)?;
        let (jobs, queue) = crossbeam_channel::unbounded();
        let for_writer = Arc::clone(shared);
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                write_all(connection, &queue, &for_writer);
                // The connection is closed by now: the next owner finds a file at rest.
                drop(lock);
            })
            .map_err(|e| StoreError::driver(format!("the writer thread could not start: {e}")))?;
        Ok(Self { jobs: Some(jobs), writer: Some(writer), readers, shared: Arc::clone(shared) })
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
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())?;
        self.shared.count(0);
        Ok(())
    }

    /// Is there a connection apart from the writer's? In memory there is not: reads queue with the writes.
    pub(crate) fn has_readers(&self) -> bool {
        self.readers.is_some()
    }

    /// Runs work on a connection that only reads, at once and on this thread: a few microseconds from the page cache.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let readers = self.readers.as_ref().ok_or_else(|| StoreError::driver("this database has no readers"))?;
        let mut connection = match readers.take() {
            Some(connection) => connection,
            None => readers.connect().map_err(|e| from_sqlite(&e, &self.shared.sql))?,
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

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        configure(&connection)?;
        Ok(connection)
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // A plan holds for all values. Otherwise some statements are compiled anew whenever a parameter changes, which takes far longer
    // than running them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))
}

/// The file holds private keys, so one that is made here is for its owner alone; the files that SQLite puts beside it are like it. An
/// older one is left as its operator has it.
#[cfg(unix)]
fn keep_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let cannot = |e: std::io::Error| StoreError::driver(format!("the database file {} cannot be used: {e}", path.display()));
    match File::options().create_new(true).write(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let mode = std::fs::metadata(path).map_err(cannot)?.permissions().mode();
            if mode & 0o077 != 0 {
                tracing::warn!(path = %path.display(), mode = format!("{:o}", mode & 0o777), "others than the owner may read the database file, which holds private keys; chmod 600 keeps them out");
            }
            Ok(())
        }
        Err(e) => Err(cannot(e)),
    }
}

/// Elsewhere a new file is for whom its folder says.
#[cfg(not(unix))]
fn keep_private(_: &Path) -> Result<()> {
    Ok(())
}

/// Makes the file ours until the handle is dropped or the process ends, however it ends.
fn own(path: &Path) -> Result<File> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let cannot =
        |e: std::io::Error| StoreError::driver(format!("the lock file {} cannot be used: {e}", Path::new(&lock_path).display()));
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.display().to_string() }),
        Err(std::fs::TryLockError::Error(e)) => Err(cannot(e)),
    }
}

/// The writer: takes what has gathered, runs each job in a savepoint of its own, commits once, then answers all.
fn write_all(mut connection: Connection, queue: &Receiver<Job>, shared: &Shared) {
    while let Ok(first) = queue.recv() {
        let batch = std::iter::once(first).chain(std::iter::from_fn(|| queue.try_recv().ok())).take(BATCH);
        let begun = command(&connection, shared, "BEGIN IMMEDIATE");
        let mut all_done = Vec::new();
        for job in batch {
            // A full disk or an I/O error may have ended the transaction under us.
            let open = begun.clone().and_then(|()| still_open(&connection));
            let done = match open.and_then(|()| command(&connection, shared, "SAVEPOINT job")) {
                Ok(()) => run_job(job, &mut connection, shared),
                Err(e) => Some(job(Err(e))),
            };
            all_done.extend(done);
        }
        let committed = begun.and_then(|()| still_open(&connection)).and_then(|()| command(&connection, shared, "COMMIT"));
        if committed.is_err() && !connection.is_autocommit() && command(&connection, shared, "ROLLBACK").is_err() {
            tracing::error!("a failed SQLite transaction could not be rolled back");
        }
        for done in all_done {
            (done.answer)(committed.clone());
        }
    }
}

fn still_open(connection: &Connection) -> Result<()> {
    if connection.is_autocommit() {
        Err(StoreError::driver("the transaction was ended by an error of the file system"))
    } else {
        Ok(())
    }
}

/// A job that panics is undone; the drop of its channel tells its caller.
fn run_job(job: Job, connection: &mut Connection, shared: &Shared) -> Option<Done> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(Ok(&mut *connection)))).ok();
    if connection.is_autocommit() {
        return done;
    }
    let keep = done.as_ref().is_some_and(|done| done.keep);
    let undone = if keep { Ok(()) } else { command(connection, shared, "ROLLBACK TO job") };
    match undone.and_then(|()| command(connection, shared, "RELEASE job")) {
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

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::options::TableNames;
    use crate::statement::{Dialect, Sql};

    #[test]
    fn no_statement_is_compiled_anew_because_its_parameters_change() {
        let sql = Sql::new(Dialect::Sqlite, TableNames::default());
        let mut connection = Connection::open_in_memory().unwrap();
        configure(&connection).unwrap();
        crate::migrations::migrate_sqlite(&mut connection, &sql, 0).unwrap();
        for text in sql.all_texts() {
            for round in 0..3 {
                let mut statement = connection.prepare_cached(text).unwrap();
                let values = (0..statement.parameter_count()).map(|parameter| format!(r#"["{parameter} {round}"]"#));
                // Some of them do not like these values; that is told while they run, and so after they were compiled.
                let mut rows = statement.query(rusqlite::params_from_iter(values)).unwrap();
                while let Ok(Some(_)) = rows.next() {}
                drop(rows);
                assert_eq!((statement.get_status(StatementStatus::RePrepare), text), (0, text));
            }
        }
    }
}

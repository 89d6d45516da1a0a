//! What can go wrong while storing, in words a use case can act on (house.md 5).
//!
//! Nothing here carries a value from a row or a parameter of a write: messages are safe to log.

use crate::statement::Sql;

/// The result of everything that touches the database.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Which rule of the schema was hurt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The table, by its standard name (without schema, prefix or renaming). Empty where the database does not say.
    pub table: String,
    /// The constraint's name on PostgreSQL; the columns on SQLite, which names no constraint. Empty where unknown.
    pub constraint: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.table, self.constraint)
    }
}

/// What the driver said, without row values and without passwords.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct DriverError {
    /// SQLSTATE on PostgreSQL, the extended result code on SQLite.
    pub code: Option<String>,
    /// The message, without the detail line in which PostgreSQL repeats row values.
    pub message: String,
}

/// A failure of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A row with this key exists already.
    #[error("a row with the key {0} exists already")]
    Duplicate(Key),
    /// The row that this one belongs to does not exist. SQLite says neither table nor constraint.
    #[error("the row that {0} refers to does not exist")]
    MissingParent(Key),
    /// Somebody else holds what this needs; the same work may succeed a moment later. `Db::tx` has tried that already.
    #[error("the database is busy")]
    Busy,
    /// Somebody else has held what this needs for longer than anybody waits. Not tried again: that would only take connections.
    #[error("another transaction holds what this one needs")]
    Locked,
    /// A stored value is not what its column promises.
    #[error("the column {column} of {table} holds something unreadable (key {key})")]
    Corrupt {
        /// The table, by its standard name.
        table: String,
        /// The column.
        column: String,
        /// The ids by which the row was looked for.
        key: String,
    },
    /// Another process has opened this SQLite file.
    #[error("the database file {path} is in use by another process; stop it, or give this one a file of its own")]
    InUse {
        /// The database file.
        path: String,
    },
    /// The file of a SQLite database, its folder or what lies beside it cannot be used, or must not be. The text says what to do.
    #[error("{0}")]
    BadPlace(String),
    /// The SQLite file that was opened is not there any more under its name. Nothing is written, and nothing is read.
    #[error("the file {path} {what}: {remedy}")]
    Lost {
        /// The file.
        path: String,
        /// What has happened to it.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Another program holds the SQLite file, and has been waited for.
    #[error("another program has held the database file for too long; end what it does with it")]
    Held(#[source] DriverError),
    /// There is no room on the disk of the database, or its quota is used up.
    #[error("there is no room for more in the database")]
    Full(#[source] DriverError),
    /// The database may only be read: a standby, a setting, the rights of a file, or how its file system is mounted.
    #[error("the database takes no writes")]
    ReadOnly(#[source] DriverError),
    /// So many writes wait already that one more would have to wait too long.
    #[error("too many writes wait for the database")]
    Overloaded,
    /// A transaction body awaited something other than its `Tx`. A defect of the caller, found on SQLite.
    #[error("a transaction body awaited something other than the database")]
    Suspended,
    /// A body went on after one of its statements had failed; nothing of it was kept.
    #[error("a statement of the transaction had failed before, so nothing was kept")]
    Aborted,
    /// A body given to `Db::single` sent more than one statement. A defect of the caller.
    #[error("more than one statement where only one is atomic")]
    NotSingle,
    /// The database cannot be reached at the moment. Nothing was written, unless the message says that the commit was lost.
    #[error("the database cannot be reached")]
    Unavailable(#[source] DriverError),
    /// The role lacks rights that what is due needs; the text names them and the `GRANT`.
    #[error("{0}")]
    Rights(String),
    /// Table names, schema or other options that cannot be used.
    #[error("{0}")]
    BadOptions(String),
    /// The connection would not be as safe as it is wanted. Trying again changes nothing.
    #[error("{0}")]
    Unsafe(String),
    /// Anything else.
    #[error("the database refused")]
    Driver(#[source] DriverError),
}

impl StoreError {
    /// May the same work succeed when it is simply done again?
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy)
    }

    pub(crate) fn driver(message: impl Into<String>) -> Self {
        Self::Driver(DriverError { code: None, message: message.into() })
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(DriverError { code: None, message: message.into() })
    }

    /// Fills in where a corrupt value was found.
    pub(crate) fn at(self, in_table: &str, with_key: impl FnOnce() -> String) -> Self {
        match self {
            Self::Corrupt { table, column, .. } if table.is_empty() => {
                Self::Corrupt { table: in_table.to_owned(), column, key: with_key() }
            }
            other => other,
        }
    }
}

/// The whole chain of an error in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

pub(crate) fn from_postgres(error: &tokio_postgres::Error, sql: &Sql) -> StoreError {
    let Some(said) = error.as_db_error() else {
        if let Some(refusal) = crate::way::refusal(error) {
            return StoreError::Unsafe(refusal);
        }
        let message = chain(error);
        let reached = !error.is_closed() && !caused_by_io(error);
        let driver = DriverError { code: None, message };
        return if reached { StoreError::Driver(driver) } else { StoreError::Unavailable(driver) };
    };
    let key = || Key {
        table: sql.standard_name(said.table().unwrap_or_default()),
        constraint: said.constraint().unwrap_or_default().to_owned(),
    };
    let driver = || DriverError { code: Some(said.code().code().to_owned()), message: said.message().to_owned() };
    match said.code().code() {
        "23505" => StoreError::Duplicate(key()),
        "23503" => StoreError::MissingParent(key()),
        code if code.starts_with("40") => StoreError::Busy,
        // `lock_timeout`
        "55P03" => StoreError::Locked,
        "53100" => StoreError::Full(driver()),
        // A standby, or `default_transaction_read_only`.
        "25006" => StoreError::ReadOnly(driver()),
        // Shutting down, crashed, starting up, too many connections, connection exceptions, idle for too long in a transaction.
        code if code.starts_with("57P") || code.starts_with("08") || code == "53300" || code == "25P03" => {
            StoreError::Unavailable(driver())
        }
        _ if says_try_again(said.message()) => StoreError::Busy,
        _ => StoreError::Driver(driver()),
    }
}

/// The messages on which the Java core tries again, whatever the code (core-session.md 2.9).
fn says_try_again(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["deadlock", "concurrent update", "concurrent delete", "the transaction might succeed if retried"]
        .iter()
        .any(|sign| message.contains(sign))
}

fn caused_by_io(error: &tokio_postgres::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        if source.is::<std::io::Error>() {
            return true;
        }
        next = source.source();
    }
    false
}

pub(crate) fn from_sqlite(error: &rusqlite::Error, sql: &Sql) -> StoreError {
    use rusqlite::ffi::{self, ErrorCode};
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return StoreError::driver(error.to_string());
    };
    let message = message.clone().unwrap_or_else(|| failure.to_string());
    let driver = |message| DriverError { code: Some(failure.extended_code.to_string()), message };
    match (failure.code, failure.extended_code) {
        // We write on one thread and lock each other out of the file at the start: it is somebody else.
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => StoreError::Held(driver(message)),
        (ErrorCode::DiskFull, _) => StoreError::Full(driver(message)),
        (ErrorCode::ReadOnly, _) => StoreError::ReadOnly(driver(message)),
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => StoreError::Duplicate(columns(&message, sql)),
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => {
            StoreError::MissingParent(Key { table: String::new(), constraint: String::new() })
        }
        _ => StoreError::Driver(driver(message)),
    }
}

/// `UNIQUE constraint failed: t.a, t.b` names the table and its columns.
fn columns(message: &str, sql: &Sql) -> Key {
    let list = message.rsplit_once(": ").map_or("", |(_, list)| list);
    let mut table = "";
    let columns: Vec<&str> = list
        .split(", ")
        .map(|column| match column.split_once('.') {
            Some((of, name)) => {
                table = of;
                name
            }
            None => column,
        })
        .collect();
    Key { table: sql.standard_name(table), constraint: columns.join(", ") }
}

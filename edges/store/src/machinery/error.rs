//! What can go wrong while storing, in words a use case can act on (house.md 5).
//!
//! Nothing here carries a value from a row or a parameter of a write: messages are safe to log.

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

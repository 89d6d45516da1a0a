//! On what does a scenario run, and who makes and removes the database?
//!
//! Every world has a database of its own: in memory, a file in a temporary directory, or a PostgreSQL database made on
//! the server named by `TEST_POSTGRES_URL` and dropped afterwards (databases and not schemas, because advisory locks
//! are per database and worlds must not wait for each other).

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::postgres::URL_VARIABLE;

/// Where a scenario runs: which database, and by direct call or over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// SQLite in memory, by direct call.
    SqliteMemory,
    /// SQLite on a file, by direct call.
    SqliteFile,
    /// PostgreSQL, by direct call.
    Postgres,
    /// SQLite on a file, over TCP.
    SqliteFileTcp,
    /// PostgreSQL, over TCP.
    PostgresTcp,
}

/// What a target lacks on this machine, in words.
#[derive(Clone, Copy, Debug)]
pub struct Missing(pub &'static str);

/// The kind of database behind a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SQLite in memory.
    Memory,
    /// SQLite on a file.
    File,
    /// PostgreSQL.
    Postgres,
}

impl Target {
    /// All of them.
    pub const ALL: &[Self] = &[Self::SqliteMemory, Self::SqliteFile, Self::Postgres, Self::SqliteFileTcp, Self::PostgresTcp];

    /// The last part of a test's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SqliteMemory => "sqlite_memory",
            Self::SqliteFile => "sqlite_file",
            Self::Postgres => "postgres",
            Self::SqliteFileTcp => "sqlite_file_tcp",
            Self::PostgresTcp => "postgres_tcp",
        }
    }

    /// Which database it is.
    pub fn kind(self) -> Kind {
        match self {
            Self::SqliteMemory => Kind::Memory,
            Self::SqliteFile | Self::SqliteFileTcp => Kind::File,
            Self::Postgres | Self::PostgresTcp => Kind::Postgres,
        }
    }

    /// Whether requests go through a socket.
    pub fn is_tcp(self) -> bool {
        matches!(self, Self::SqliteFileTcp | Self::PostgresTcp)
    }

    /// What is missing for it here, if anything.
    pub fn missing(self) -> Option<Missing> {
        (self.kind() == Kind::Postgres && server_url().is_none()).then_some(Missing("TEST_POSTGRES_URL is not set"))
    }
}

/// The superuser's URL, if the run has a PostgreSQL.
pub fn server_url() -> Option<String> {
    std::env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty())
}

/// A database made for one world.
#[derive(Debug)]
pub enum TestDatabase {
    /// SQLite in memory; only the core that opened it can see it.
    Memory,
    /// A file in a directory that goes when this goes.
    File(tempfile::TempDir),
    /// A database of this name on the test server.
    Postgres {
        /// The database's own URL.
        url: String,
        /// Its name.
        name: String,
    },
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl TestDatabase {
    /// Makes an empty database.
    pub async fn make(kind: Kind) -> anyhow::Result<Self> {
        match kind {
            Kind::Memory => Ok(Self::Memory),
            Kind::File => Ok(Self::File(tempfile::Builder::new().prefix("supertokens-world-").tempdir()?)),
            Kind::Postgres => {
                let server = server_url().context("TEST_POSTGRES_URL is not set")?;
                let name = Self::new_name();
                // Two databases cannot be copied from one template at the same moment unless it is the untouched one.
                on_postgres(&server, &format!("create database {name} template template0")).await?;
                Self::named(&server, name)
            }
        }
    }

    /// A database on this server that has the name already.
    pub fn named(server: &str, name: String) -> anyhow::Result<Self> {
        Ok(Self::Postgres { url: with_database(server, &name)?, name })
    }

    /// A name that no other database of this run has.
    pub fn new_name() -> String {
        format!("world_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
    }

    /// The URL a core is started with.
    pub fn url(&self) -> String {
        match self {
            Self::Memory => "sqlite::memory:".to_owned(),
            Self::File(directory) => format!("sqlite:{}", directory.path().join("core.db").display()),
            Self::Postgres { url, .. } => url.clone(),
        }
    }

    /// The rows of one statement, as text, read past the core.
    pub async fn rows(&self, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
        match self {
            Self::Memory => bail!("only the core sees a database in memory; ask the core's own"),
            Self::File(directory) => on_sqlite(&directory.path().join("core.db"), sql),
            Self::Postgres { url, .. } => on_postgres(url, sql).await,
        }
    }

    /// Empties it and runs this SQL in it, any number of statements. No core may be open on it.
    pub async fn replace(&self, sql: &str) -> anyhow::Result<()> {
        match self {
            Self::Memory => bail!("a database in memory is its core's alone"),
            Self::File(directory) => {
                for file in ["core.db", "core.db-wal", "core.db-shm"] {
                    if let Err(error) = std::fs::remove_file(directory.path().join(file)) {
                        anyhow::ensure!(error.kind() == std::io::ErrorKind::NotFound, "{file}: {error}");
                    }
                }
                Connection::open(directory.path().join("core.db"))?.execute_batch(sql)?;
            }
            Self::Postgres { url, .. } => {
                on_postgres(url, "drop schema public cascade; create schema public").await?;
                on_postgres(url, sql).await?;
            }
        }
        Ok(())
    }

    /// Removes it, whoever is still connected. The server must not keep hundreds of databases of a long run.
    pub async fn remove(&self) -> anyhow::Result<()> {
        if let (Self::Postgres { name, .. }, Some(server)) = (self, server_url()) {
            on_postgres(&server, &format!("drop database if exists {name} with (force)")).await?;
        }
        Ok(())
    }
}

/// Runs plain SQL on a connection of its own and gives back the rows as text.
pub async fn on_postgres(url: &str, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
    // What is asked here is asked once: compiling it takes longer than any answer.
    let config = url.parse::<tokio_postgres::Config>()?.options("-c jit=off").clone();
    let (client, connection) = config.connect(NoTls).await?;
    let driver = tokio::spawn(connection);
    let messages = client.simple_query(sql).await.with_context(|| format!("in: {sql}"))?;
    drop(client);
    driver.await??;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()),
        _ => None,
    });
    Ok(rows.collect())
}

/// Runs one statement on a connection of its own to the file and gives back the rows as text.
fn on_sqlite(path: &Path, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    let mut statement = connection.prepare(sql).with_context(|| format!("in: {sql}"))?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| Ok(text_of(row.get_ref(column)?))).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A value as PostgreSQL would print it, as far as the tables need it: booleans are `t` and `f` there, 1 and 0 here.
fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Some(format!("{bytes:02x?}")),
    }
}

/// The same server, another database: the last segment of the path, attributes kept.
fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let (address, attributes) = url.split_once('?').map_or((url, ""), |(address, attributes)| (address, attributes));
    let after_scheme = address.find("://").map(|at| at + 3).context("TEST_POSTGRES_URL is not a URL")?;
    let end = address[after_scheme..].find('/').map_or(address.len(), |at| after_scheme + at);
    let attributes = if attributes.is_empty() { String::new() } else { format!("?{attributes}") };
    Ok(format!("{}/{name}{attributes}", &address[..end]))
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_worlds_url_differs_from_the_servers_only_in_the_database() {
        let other = |url| with_database(url, "w").unwrap();
        assert_eq!(other("postgresql://postgres@127.0.0.1:5432/postgres"), "postgresql://postgres@127.0.0.1:5432/w");
        assert_eq!(other("postgresql://a:b@h"), "postgresql://a:b@h/w");
        assert_eq!(other("postgres://h:1/x?sslmode=disable"), "postgres://h:1/w?sslmode=disable");
        assert!(with_database("nonsense", "w").is_err());
    }
}

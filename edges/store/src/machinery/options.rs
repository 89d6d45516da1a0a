//! Which database to open, and how (core-server.md 9.4).

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use supertokens_domain::config::encode;
use supertokens_domain::secret::Secret;

use crate::machinery::naming::TableNames;

/// Which database to open, and how.
#[derive(Debug, Clone)]
pub enum DatabaseOptions {
    /// A file, or the memory of this process.
    Sqlite(SqliteOptions),
    /// A PostgreSQL server.
    Postgres(Box<PostgresOptions>),
}

/// SQLite.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Where the rows are.
    pub place: SqlitePlace,
    /// How tables are called; the schema is not used.
    pub tables: TableNames,
}

/// Where SQLite keeps its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlitePlace {
    /// In memory: gone with the last `Db` that shares it.
    Memory,
    /// In a file, which is made if it is not there.
    File(PathBuf),
}

/// PostgreSQL. The defaults are the Java core's.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// A host name, an address, or the folder of a Unix socket (it begins with `/`).
    pub host: String,
    /// The port.
    pub port: u16,
    /// Where else the server may be, tried in this order after `host`.
    pub more_hosts: Vec<(String, u16)>,
    /// The role.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret<String>>,
    /// The database.
    pub dbname: String,
    /// How tables are called.
    pub tables: TableNames,
    /// Whether to encrypt.
    pub tls: TlsMode,
    /// It was said by `sslmode`, which counts more than `ssl`.
    pub tls_is_said: bool,
    /// A PEM file of authorities to trust instead of the system's.
    pub root_certificates: Option<PathBuf>,
    /// The system's authorities are to be asked, whatever the mode.
    pub system_certificates: bool,
    /// The only version of TLS that will do; 1.2 and 1.3 both do if it is not said.
    pub tls_version: Option<TlsVersion>,
    /// The name of the host is not told to whoever listens before the connection is encrypted.
    pub hides_name: bool,
    /// Whether the password must be bound to the encrypted connection.
    pub channel_binding: ChannelBinding,
    /// What the server's lists call this program.
    pub application_name: String,
    /// A session that may only read will do, or will not; unless it is said, it will not where there are several hosts.
    pub any_session: Option<bool>,
    /// Hosts are tried in any order.
    pub any_order: bool,
    /// How it is found out that the other end is gone.
    pub keepalive: Keepalive,
    /// Attributes that mean nothing here.
    pub passed_over: Vec<String>,
    /// The most connections in all. From four on, two of them are shared by reads.
    pub pool_size: usize,
    /// How long making a connection to one address may take, until it is ready for statements.
    pub connect_timeout: Duration,
    /// How long to wait for a connection of the pool.
    pub acquire_timeout: Duration,
    /// Which of the unused connections are closed; without it, none are.
    pub idle: Option<IdleConnections>,
    /// How long anything is waited for on a connection.
    pub patience: Patience,
    /// Which user tables the Java core reads and writes in this database (core-server.md 11).
    pub migration_mode: String,
}

/// For how long a connection may be held up. What the role or the database sets (`ALTER ROLE … SET lock_timeout`) counts instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// By a lock that somebody else has: `lock_timeout`.
    pub lock: Duration,
    /// By a transaction of ours that does not go on: `idle_in_transaction_session_timeout`.
    pub idle_in_transaction: Duration,
    /// By a statement, where others share the connection: `statement_timeout`. A connection that says nothing for longer is given up.
    pub shared_read: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lock: seconds(5), idle_in_transaction: seconds(10), shared_read: seconds(5) }
    }
}

/// What becomes of connections of the pool that nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleConnections {
    /// So many stay open.
    pub kept: usize,
    /// The others are closed after this long.
    pub timeout: Duration,
}

/// Whether to encrypt the way to PostgreSQL. The words are `sslmode`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// If the server offers it; its certificate is not looked at.
    #[default]
    Prefer,
    /// Always; the certificate is not looked at.
    Require,
    /// Always, and the certificate must be signed by one of the named authorities (`verify-ca`).
    VerifyAuthority,
    /// Always, and the certificate must be good for the host name too (`verify-full`).
    Verify,
}

impl TlsMode {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyAuthority => "verify-ca",
            Self::Verify => "verify-full",
        }
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2 and no other.
    Only12,
    /// 1.3 and no other.
    Only13,
}

/// Whether the password must be bound to the encrypted connection (`channel_binding`): then nobody in between can use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If the server can.
    #[default]
    Prefer,
    /// Always: the server must ask for SCRAM, over an encrypted connection.
    Require,
}

/// How it is found out that the other end of a connection is gone. By default within half a minute, and sooner if something was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether the system asks.
    pub on: bool,
    /// So long nothing was heard before it does.
    pub idle: Duration,
    /// So long between one time and the next.
    pub interval: Duration,
    /// So often.
    pub count: u32,
    /// So long may pass before what was sent has arrived.
    pub user_timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { on: true, idle: seconds(15), interval: seconds(5), count: 3, user_timeout: seconds(15) }
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            host: "localhost".into(),
            port: 5432,
            more_hosts: Vec::new(),
            user: None,
            password: None,
            dbname: "supertokens".into(),
            tables: TableNames::default(),
            tls: TlsMode::default(),
            tls_is_said: false,
            root_certificates: None,
            system_certificates: false,
            tls_version: None,
            hides_name: false,
            channel_binding: ChannelBinding::default(),
            application_name: "supertokens-rs".into(),
            any_session: None,
            any_order: false,
            keepalive: Keepalive::default(),
            passed_over: Vec::new(),
            pool_size: 10,
            connect_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(5),
            idle: None,
            patience: Patience::default(),
            migration_mode: "LEGACY".into(),
        }
    }
}

impl DatabaseOptions {
    /// SQLite in memory.
    pub fn memory() -> Self {
        Self::Sqlite(SqliteOptions { place: SqlitePlace::Memory, tables: TableNames::default() })
    }

    /// SQLite in a file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        let place = SqlitePlace::File(path.as_ref().to_owned());
        Self::Sqlite(SqliteOptions { place, tables: TableNames::default() })
    }

    /// The table names, whichever the database.
    pub fn tables(&self) -> &TableNames {
        match self {
            Self::Sqlite(options) => &options.tables,
            Self::Postgres(options) => &options.tables,
        }
    }

    /// Which user tables are in use (core-server.md 11). SQLite was never another core's, so nothing is left to migrate.
    pub fn migration_mode(&self) -> &str {
        match self {
            Self::Sqlite(_) => "MIGRATED",
            Self::Postgres(options) => &options.migration_mode,
        }
    }

    /// The options as a URL without the password.
    pub fn redacted(&self) -> String {
        match self {
            Self::Sqlite(SqliteOptions { place: SqlitePlace::Memory, .. }) => "sqlite::memory:".into(),
            Self::Sqlite(SqliteOptions { place: SqlitePlace::File(path), .. }) => format!("sqlite:{}", path.display()),
            Self::Postgres(options) => options.redacted(),
        }
    }
}

impl fmt::Display for DatabaseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl PostgresOptions {
    /// Where the server may be, in the order in which that is tried.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        let more = self.more_hosts.iter().map(|(host, port)| (host.as_str(), *port));
        std::iter::once((self.host.as_str(), self.port)).chain(more)
    }

    /// What is looked at, all attributes taken together. Who names authorities wants them to be asked; a certificate that anybody can
    /// get from a public authority says nothing without its name.
    pub(crate) fn tls_mode(&self) -> TlsMode {
        match (self.tls, &self.root_certificates, self.system_certificates) {
            (TlsMode::Disable, _, _) => TlsMode::Disable,
            (_, _, true) | (TlsMode::VerifyAuthority, None, _) => TlsMode::Verify,
            (TlsMode::Require, Some(_), _) => TlsMode::VerifyAuthority,
            (mode, _, _) => mode,
        }
    }

    /// What is to be said of the safety of a connection that is encrypted, or not; nothing if it is as it should be.
    pub fn unsafe_way(&self, encrypted: bool) -> Option<&'static str> {
        if self.hosts().all(|(host, _)| is_local(host)) {
            return None;
        }
        match (encrypted, self.tls_mode()) {
            (false, _) => {
                Some("not encrypted: whoever is between here and the database reads along; sslmode=verify-full protects")
            }
            (true, TlsMode::Verify | TlsMode::VerifyAuthority) => None,
            (true, _) if self.root_certificates.is_some() => None,
            (true, _) => Some(
                "encrypted, but nobody looks at the server's certificate: sslmode=verify-full with sslrootcert finds out who answers",
            ),
        }
    }

    fn redacted(&self) -> String {
        let user = self.user.as_deref().map(encode).unwrap_or_default();
        let password = if self.password.is_some() { ":***" } else { "" };
        let at = if user.is_empty() && password.is_empty() { "" } else { "@" };
        let schema = match self.tables.schema.as_str() {
            "public" => String::new(),
            schema => format!("?currentSchema={schema}"),
        };
        let one = |(host, port): (&str, u16)| match host {
            host if host.contains(':') => format!("[{host}]:{port}"),
            host => format!("{}:{port}", encode(host)),
        };
        let hosts: Vec<String> = self.hosts().map(one).collect();
        format!("postgresql://{user}{password}{at}{}/{}{schema}", hosts.join(","), encode(&self.dbname))
    }
}

/// Is this host this machine, so that nobody can be in between?
pub(crate) fn is_local(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (host, local) in
            [("/run/pg", true), ("localhost", true), ("127.9.9.9", true), ("::1", true), ("0.0.0.0", false), ("db", false)]
        {
            assert_eq!(is_local(host), local, "{host}");
        }
    }
}

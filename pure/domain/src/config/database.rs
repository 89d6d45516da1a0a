//! Which database is meant, and with which settings (core-server.md 9.4, core-session.md 6.1)? What an address says is read in
//! `address`; connecting is the store's.

use std::fmt;

use super::address::{DatabaseAddress, PostgresAddress, encode, host_fault, hosts, pairs};
use super::key::{Key, Owner, Value};
use super::reading::{ConfigProblem, Values, find, resolve, shown};
use super::table::{key, keys};
use crate::json::{Json, JsonObject};
use crate::secret::Secret;

const BAD_URI: &str = "The provided postgresql connection URI has an incorrect format. Please use a format like \
                       postgresql://[user[:[password]]@]host[:port][/dbname][?attr1=val1&attr2=val2...";

/// Where the data is.
#[derive(Debug, Clone)]
pub enum DatabaseChoice {
    /// In memory, gone with the process.
    SqliteMemory,
    /// In one file.
    SqliteFile(String),
    /// On a PostgreSQL server.
    Postgres(Box<PostgresConfig>),
}

/// The PostgreSQL settings of the base configuration, with the parts of the address put in.
/// `Debug` shows what people may see.
#[expect(missing_docs, reason = "a field is described by the row of its key in the table")]
#[derive(Clone)]
pub struct PostgresConfig {
    pub host: String,
    pub port: u16,
    /// Where to try next, in this order.
    pub more_hosts: Vec<(String, u16)>,
    pub user: Option<String>,
    pub password: Option<Secret<String>>,
    pub database_name: String,
    pub table_schema: String,
    pub connection_pool_size: usize,
    pub minimum_idle_connections: Option<usize>,
    pub idle_connection_timeout_ms: i64,
    pub migration_mode: String,
    /// Trimmed, without the `_` that follows it in table names.
    pub table_names_prefix: String,
    /// Attributes of the address or of `postgresql_connection_attributes`, decoded, in order.
    pub attributes: Vec<(String, String)>,
    /// Standard name (`session_info`) and the name to use instead, for the tables that were given one.
    pub table_names: Vec<(String, String)>,
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.shown()).finish()
    }
}

impl DatabaseChoice {
    /// `database_url` first; then PostgreSQL if any of its keys is set; then the file at `default_file`. Half a PostgreSQL
    /// configuration is refused: a file that nobody meant would be written, and be gone with the next deployment.
    pub fn of(base: &JsonObject, default_file: &str) -> Result<Self, Vec<ConfigProblem>> {
        match key("database_url").and_then(|key| find(key, &[base])).map(shown) {
            Some(url) => Self::of_url(&url, base),
            None if names_postgres(base) => Ok(Self::Postgres(Box::new(PostgresConfig::effective(base)?))),
            None => Ok(Self::SqliteFile(default_file.to_owned())),
        }
    }

    fn of_url(url: &str, base: &JsonObject) -> Result<Self, Vec<ConfigProblem>> {
        match DatabaseAddress::parse(url) {
            Ok(DatabaseAddress::SqliteMemory) => Ok(Self::SqliteMemory),
            Ok(DatabaseAddress::SqliteFile(path)) => Ok(Self::SqliteFile(path)),
            Ok(DatabaseAddress::Postgres(_)) => {
                let base = base.clone().with("postgresql_connection_uri", url);
                Ok(Self::Postgres(Box::new(PostgresConfig::effective(&base)?)))
            }
            Err(error) => Err(problem("database_url", Some(url), &format!("'database_url' {error}")).into_iter().collect()),
        }
    }
}

/// Do the keys say that PostgreSQL is meant? One that is in every file of the Java core says nothing.
fn names_postgres(base: &JsonObject) -> bool {
    let says = |(name, value): (&str, &Json)| {
        let of_database = key(name).filter(|key| key.owner == Owner::Database && key.name.starts_with("postgresql_"));
        of_database.is_some_and(|key| key.name != "postgresql_config_version") && !value.is_null()
    };
    base.iter().any(says)
}

impl PostgresConfig {
    /// Reads and checks all PostgreSQL keys; problems come all at once.
    pub fn effective(base: &JsonObject) -> Result<Self, Vec<ConfigProblem>> {
        let (values, mut problems) = resolve(keys().filter(|key| key.owner == Owner::Database), &[base], 1);
        let given = |name: &str| values.text_or_null(name).filter(|text| !text.trim().is_empty());
        let address = match given("postgresql_connection_uri").map(PostgresAddress::parse) {
            None => PostgresAddress::default(),
            Some(Ok(address)) => address,
            Some(Err(error)) => {
                let bad = problem("postgresql_connection_uri", Some("given"), BAD_URI);
                problems.extend(bad.map(|bad| bad.advising(format!("the address {error}"))));
                PostgresAddress::default()
            }
        };
        let attributes = attributes(&values, &address).unwrap_or_else(|bad| {
            problems.extend(bad);
            Vec::new()
        });
        let places = places(&values, &address).unwrap_or_else(|bad| {
            problems.extend(bad);
            Vec::new()
        });
        problems.extend(check(&values, base));
        if problems.is_empty() { Ok(Self::of(&values, address, attributes, places)) } else { Err(problems) }
    }

    fn of(v: &Values, address: PostgresAddress, attributes: Vec<(String, String)>, mut places: Vec<(String, u16)>) -> Self {
        let text = |name: &str| v.text_or_null(name).map(str::to_owned);
        let schema = attributes.iter().find(|(name, _)| name == "currentSchema").map(|(_, value)| value.clone());
        let trimmed = |text: &str| text.trim().to_owned();
        let more_hosts = places.split_off(places.len().min(1));
        let (host, port) = places.pop().unwrap_or_default();
        Self {
            host,
            port,
            more_hosts,
            user: address.user.or_else(|| text("postgresql_user")),
            password: address.password.or_else(|| text("postgresql_password").map(Secret::new)),
            database_name: address.database.unwrap_or_else(|| trimmed(v.text("postgresql_database_name"))),
            table_schema: trimmed(&schema.unwrap_or_else(|| v.text("postgresql_table_schema").to_owned())),
            connection_pool_size: usize::try_from(v.int("postgresql_connection_pool_size")).unwrap_or(10),
            minimum_idle_connections: v.int_or_null("postgresql_minimum_idle_connections").and_then(|n| usize::try_from(n).ok()),
            idle_connection_timeout_ms: v.int("postgresql_idle_connection_timeout"),
            migration_mode: v.text("migration_mode").to_owned(),
            table_names_prefix: trimmed(v.text("postgresql_table_names_prefix")),
            attributes,
            table_names: table_names(v),
        }
    }

    /// All hosts with their ports, as an address has them.
    fn authority(&self) -> String {
        let first = (self.host.clone(), self.port);
        let one = |(host, port): &(String, u16)| match host.contains(':') {
            true => format!("[{}]:{port}", host.replace('%', "%25")),
            false => format!("{}:{port}", encode(host)),
        };
        [first].iter().chain(&self.more_hosts).map(one).collect::<Vec<_>>().join(",")
    }

    /// The values of the PostgreSQL keys as people may see them, with the parts of the address put in: no password is among them.
    pub fn shown(&self) -> Vec<(&'static str, Json)> {
        let number = |n: Option<usize>| n.and_then(|n| i64::try_from(n).ok()).map_or(Json::Null, Json::from);
        let text = |text: &Option<String>| text.clone().map_or(Json::Null, Json::from);
        let hosts = if self.more_hosts.is_empty() { self.host.clone() } else { self.authority() };
        vec![
            ("postgresql_host", hosts.into()),
            ("postgresql_port", i64::from(self.port).into()),
            ("postgresql_database_name", self.database_name.clone().into()),
            ("postgresql_table_schema", self.table_schema.clone().into()),
            ("postgresql_user", text(&self.user)),
            ("postgresql_connection_pool_size", number(Some(self.connection_pool_size))),
            ("postgresql_minimum_idle_connections", number(self.minimum_idle_connections)),
            ("postgresql_idle_connection_timeout", self.idle_connection_timeout_ms.into()),
            ("postgresql_connection_attributes", shown_attributes(&self.attributes).into()),
            ("migration_mode", self.migration_mode.clone().into()),
            ("postgresql_table_names_prefix", self.table_names_prefix.clone().into()),
        ]
    }

    /// The address in one text, with the password in it: for the store, never for people.
    pub fn url(&self) -> Secret<String> {
        let mut url = "postgresql://".to_owned();
        if let Some(user) = &self.user {
            url.push_str(&encode(user));
            if let Some(password) = &self.password {
                url.push(':');
                url.push_str(&encode(password.expose()));
            }
            url.push('@');
        }
        url.push_str(&format!("{}/{}", self.authority(), encode(&self.database_name)));
        let others = self
            .attributes
            .iter()
            .filter(|(name, _)| name != "currentSchema")
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (at, (name, value)) in others.chain([("currentSchema", self.table_schema.as_str())]).enumerate() {
            url.push_str(&format!("{}{}={}", if at == 0 { '?' } else { '&' }, encode(name), encode(value)));
        }
        Secret::new(url)
    }
}

fn check(values: &Values, base: &JsonObject) -> Vec<ConfigProblem> {
    let given = |name: &str| key(name).and_then(|key| find(key, &[base])).map(shown);
    let mut problems = Vec::new();
    let blank = |name: &str| values.text(name).trim().is_empty();
    let neither = blank("postgresql_connection_uri") && blank("postgresql_user");
    if neither {
        let missing = problem(
            "postgresql_user",
            None,
            "'postgresql_user' and 'postgresql_connection_uri' are not set. Please set at least one of these values",
        );
        problems.extend(missing.map(|missing| {
            missing.advising("the name of a role, as other PostgreSQL settings are there; for SQLite, take those out".to_owned())
        }));
    }
    let mut require = |ok: bool, name: &str, sentence: &str| {
        if !ok {
            problems.extend(problem(name, given(name).as_deref(), sentence));
        }
    };
    let port = values.int("postgresql_port");
    require((1..=65_535).contains(&port), "postgresql_port", "'postgresql_port' must be between 1 and 65535 inclusive.");
    let pool = values.int("postgresql_connection_pool_size");
    require(pool > 0, "postgresql_connection_pool_size", "'postgresql_connection_pool_size' in the config.yaml file must be > 0");
    if let Some(idle) = values.int_or_null("postgresql_minimum_idle_connections") {
        let name = "postgresql_minimum_idle_connections";
        require(idle >= 0, name, "'postgresql_minimum_idle_connections' must be >= 0");
        require(
            idle <= pool,
            name,
            "'postgresql_minimum_idle_connections' must be less than or equal to 'postgresql_connection_pool_size'",
        );
    }
    let mode = values.text("migration_mode");
    let modes = super::database_keys::MODES;
    let wrong = format!(
        "Invalid migration_mode value: '{}'. Must be one of: {}",
        given("migration_mode").unwrap_or_default(),
        modes.join(", ")
    );
    require(modes.contains(&mode), "migration_mode", &wrong);
    problems
}

fn problem(name: &str, given: Option<&str>, sentence: &str) -> Option<ConfigProblem> {
    key(name).map(|key| ConfigProblem::new(key, given, sentence))
}

/// The attributes of the address, or those of the key of their own.
fn attributes(values: &Values, address: &PostgresAddress) -> Result<Vec<(String, String)>, Option<ConfigProblem>> {
    let name = "postgresql_connection_attributes";
    match &address.attributes {
        Some(attributes) => Ok(attributes.clone()),
        None => pairs(values.text(name)).map_err(|error| problem(name, Some("given"), &format!("'{name}' {error}"))),
    }
}

/// The hosts of the address, or those of the keys; a port that the address does not name is the key's.
fn places(values: &Values, address: &PostgresAddress) -> Result<Vec<(String, u16)>, Option<ConfigProblem>> {
    let port = u16::try_from(values.int("postgresql_port")).unwrap_or(5432);
    let named = values.text("postgresql_host");
    let wrong = |fault: &str| problem("postgresql_host", Some(named), &format!("'postgresql_host' {fault}"));
    let mut own = if named.contains(',') || named.starts_with('[') {
        hosts(named).map_err(|error| wrong(&error.to_string()))?
    } else if named.matches(':').count() == 1 {
        return Err(wrong("holds a name or an address alone: its port is 'postgresql_port'"));
    } else {
        vec![(named.to_owned(), None)]
    };
    if let Some(fault) = own.iter().find_map(|(host, _)| host_fault(host)) {
        return Err(wrong(&fault));
    }
    match address.hosts.as_slice() {
        [] => {}
        [(host, port)] if host.is_empty() => own.iter_mut().for_each(|own| own.1 = own.1.or(*port)),
        hosts => own = hosts.to_vec(),
    }
    Ok(own.into_iter().map(|(host, own)| (host, own.unwrap_or(port))).collect())
}

/// The tables that were given another name, which counts without the prefix.
fn table_names(values: &Values) -> Vec<(String, String)> {
    let standard = |key: &Key| key.name.strip_prefix("postgresql_")?.strip_suffix("_table_name").map(str::to_owned);
    keys()
        .filter_map(|key| match (standard(key), values.get(key.name)) {
            (Some(standard), Value::Text(name)) if !name.trim().is_empty() => Some((standard, name.trim().to_owned())),
            _ => None,
        })
        .collect()
}

/// Is this the name of an attribute that holds a password?
fn is_password(name: &str) -> bool {
    name.to_ascii_lowercase().contains("password")
}

/// Attributes as one text, without those that are nobody's to read.
fn shown_attributes(attributes: &[(String, String)]) -> String {
    let shown = attributes.iter().filter(|(name, _)| !is_password(name));
    shown.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

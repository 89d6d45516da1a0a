//! Which database is meant, and with which settings (core-server.md 9.4, core-session.md 6.1)? Reads the address of a
//! PostgreSQL database into its parts; connecting is the store's.

use std::fmt;

use super::reading::{ConfigProblem, Values, find, resolve, shown};
use super::table::{Key, Owner, Value, key, keys};
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
    /// `database_url` first; then PostgreSQL if its address, user or password is set; then the file at `default_file`.
    pub fn of(base: &JsonObject, default_file: &str) -> Result<Self, Vec<ConfigProblem>> {
        let set = |name: &str| key(name).and_then(|key| find(key, &[base])).map(shown);
        match set("database_url") {
            Some(url) => Self::of_url(url.trim(), base),
            None if ["postgresql_connection_uri", "postgresql_user", "postgresql_password"]
                .iter()
                .any(|name| set(name).is_some()) =>
            {
                Ok(Self::Postgres(Box::new(PostgresConfig::effective(base)?)))
            }
            None => Ok(Self::SqliteFile(default_file.to_owned())),
        }
    }

    fn of_url(url: &str, base: &JsonObject) -> Result<Self, Vec<ConfigProblem>> {
        if url == "sqlite::memory:" {
            return Ok(Self::SqliteMemory);
        }
        if let Some(path) =
            url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest)).filter(|path| !path.is_empty())
        {
            return Ok(Self::SqliteFile(path.to_owned()));
        }
        if url.starts_with("postgresql://") || url.starts_with("postgres://") {
            let mut base = base.clone();
            base.insert("postgresql_connection_uri", url.replacen("postgres://", "postgresql://", 1));
            return Ok(Self::Postgres(Box::new(PostgresConfig::effective(&base)?)));
        }
        Err(problem("database_url", Some(url), "'database_url' must be sqlite:PATH, sqlite::memory: or postgresql://…")
            .into_iter()
            .collect())
    }
}

impl PostgresConfig {
    /// Reads and checks all PostgreSQL keys; problems come all at once.
    pub fn effective(base: &JsonObject) -> Result<Self, Vec<ConfigProblem>> {
        let (values, mut problems) = resolve(keys().filter(|key| key.owner == Owner::Database), &[base], 1);
        let address = match values.text_or_null("postgresql_connection_uri").map(Address::parse) {
            None => Address::default(),
            Some(Some(address)) => address,
            Some(None) => {
                problems.extend(problem("postgresql_connection_uri", Some("given"), BAD_URI));
                Address::default()
            }
        };
        problems.extend(check(&values, base));
        if problems.is_empty() { Ok(Self::of(&values, address)) } else { Err(problems) }
    }

    fn of(v: &Values, address: Address) -> Self {
        let text = |name: &str| v.text_or_null(name).map(str::to_owned);
        let attributes = address.attributes.unwrap_or_else(|| pairs(v.text("postgresql_connection_attributes")));
        let schema = attributes.iter().find(|(name, _)| name == "currentSchema").map(|(_, value)| value.clone());
        let trimmed = |text: &str| text.trim().to_owned();
        Self {
            host: address.host.unwrap_or_else(|| v.text("postgresql_host").to_owned()),
            port: address.port.or_else(|| u16::try_from(v.int("postgresql_port")).ok()).unwrap_or(5432),
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

    /// The values of the PostgreSQL keys as people may see them, with the parts of the address put in: no password is among them.
    pub fn shown(&self) -> Vec<(&'static str, Json)> {
        let number = |n: Option<usize>| n.and_then(|n| i64::try_from(n).ok()).map_or(Json::Null, Json::from);
        let text = |text: &Option<String>| text.clone().map_or(Json::Null, Json::from);
        vec![
            ("postgresql_host", self.host.clone().into()),
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
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { encode(&self.host) };
        url.push_str(&format!("{host}:{}/{}", self.port, encode(&self.database_name)));
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
    let mut require = |ok: bool, name: &str, sentence: &str| {
        if !ok {
            problems.extend(problem(name, given(name).as_deref(), sentence));
        }
    };
    let neither = values.text_or_null("postgresql_connection_uri").is_none() && values.text_or_null("postgresql_user").is_none();
    require(
        !neither,
        "postgresql_user",
        "'postgresql_user' and 'postgresql_connection_uri' are not set. Please set at least one of these values",
    );
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

/// The parts that a PostgreSQL address names.
#[derive(Debug, Default)]
struct Address {
    user: Option<String>,
    password: Option<Secret<String>>,
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    attributes: Option<Vec<(String, String)>>,
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix("postgresql://")?;
        let (rest, attributes) = match rest.split_once('?') {
            Some((rest, attributes)) => (rest, Some(pairs(attributes))),
            None => (rest, None),
        };
        let (authority, database) = match rest.split_once('/') {
            Some((authority, database)) => (authority, Some(decode(database)?)),
            None => (rest, None),
        };
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (Some(decode(user)?), Some(decode(password)?)),
            None => (None, None),
        };
        let (host, port) = host_and_port(place)?;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(Self {
            user: some(user),
            password: some(password).map(Secret::new),
            host: some(Some(host)),
            port,
            database: some(database),
            attributes,
        })
    }
}

/// An empty host is one that is not named: it may be in another key or in an attribute.
fn host_and_port(place: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse().ok()?),
    };
    Some((decode(host)?, port))
}

/// `a=1&b=2`, decoded. What has no `=` has an empty value.
fn pairs(text: &str) -> Vec<(String, String)> {
    let plain = |text: &str| decode(text).unwrap_or_else(|| text.to_owned());
    text.trim()
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// Percent decoding; `None` if an escape is broken or the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

/// Percent encoding of all that is not unreserved.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
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

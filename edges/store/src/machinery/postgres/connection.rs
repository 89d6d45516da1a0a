//! One connection to PostgreSQL: how it is made, what it is told, and how it is spoken to where a pooler stands between.
//!
//! No schema is trusted: the search path is `pg_catalog` alone, so that nothing which another role has put elsewhere is ever taken for
//! a function, an operator or a table that a statement means; statements name the schema of each table. A pooler that gives every
//! transaction another connection of the server keeps no settings for us, and would show ours to others. Behind one, each statement
//! travels in a transaction that brings its settings along, in the same trip.

use std::fmt::Display;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};

use crate::machinery::error::{Result, StoreError};
use crate::machinery::failure::from_postgres;
use crate::machinery::options::{Patience, PostgresOptions};
use crate::machinery::postgres::way::Way;
use crate::machinery::shared::Shared;
use crate::machinery::statement::Q;

pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// Unless it is named, the schema of temporary tables comes first.
pub(crate) const SEARCH_PATH: &str = "search_path = pg_catalog, pg_temp";

/// What makes connections.
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    hosts: Vec<(String, u16)>,
    any_order: bool,
    way: Way,
    timeout: Duration,
    patience: Patience,
    shared: Arc<Shared>,
}

/// How the database is spoken to.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// Each transaction may be on another connection of the server.
    pooled: AtomicBool,
    /// Statements are prepared once for each connection, under a name.
    named: AtomicBool,
    /// What opens a transaction behind a pooler, on a connection of its own and on a shared one.
    opening: [String; 2],
}

/// What was found between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// None, or one that keeps a connection of the server for each of ours.
    None,
    /// One that gives each transaction any connection of the server, and keeps prepared statements.
    Transaction,
    /// The same, without prepared statements: every statement is parsed and planned each time.
    TransactionWithoutNames,
}

impl Pooler {
    /// What to do about a pooler without prepared statements.
    pub const REMEDY: &str = "each statement is parsed anew, which costs the database time: with PgBouncer, use 1.21 or later and set \
        max_prepared_statements above 0";
}

/// An open connection. Closed when it is dropped.
pub(crate) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    terms: Arc<Terms>,
    prepared: Vec<Vec<OnceLock<Statement>>>,
    /// Whether many read on it at once.
    shared: bool,
    /// Held while the messages of a transaction are put into the queue of a shared connection, so that none of another's come between.
    pub(crate) fence: Mutex<()>,
    pub(crate) last_used: Instant,
}

impl Deref for Connection {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Without this it would wait for answers that may never come.
        self.task.abort();
    }
}

impl Connection {
    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What opens a transaction.
    pub(crate) fn begin(&self) -> &str {
        let [own, shared] = &self.terms.opening;
        match self.terms.is_pooled() {
            false => BEGIN,
            true if self.shared => shared,
            true => own,
        }
    }

    /// A statement under its name, or nothing where there are no names.
    pub(crate) async fn named(&self, q: Q, text: &str) -> std::result::Result<Option<Statement>, tokio_postgres::Error> {
        let place = self.prepared.get(q.group).and_then(|group| group.get(q.number));
        let Some(place) = place.filter(|_| self.terms.has_names()) else { return Ok(None) };
        if let Some(statement) = place.get() {
            return Ok(Some(statement.clone()));
        }
        let statement = self.client.prepare(text).await?;
        Ok(Some(place.get_or_init(|| statement).clone()))
    }
}

impl Terms {
    pub(crate) fn is_pooled(&self) -> bool {
        self.pooled.load(Ordering::Relaxed)
    }

    pub(crate) fn has_names(&self) -> bool {
        self.named.load(Ordering::Relaxed)
    }

    pub(crate) fn pooler(&self) -> Pooler {
        match (self.is_pooled(), self.has_names()) {
            (false, _) => Pooler::None,
            (true, true) => Pooler::Transaction,
            (true, false) => Pooler::TransactionWithoutNames,
        }
    }

    /// Looks at a failure: a name that the server does not know, or knows from somebody else, comes from a pooler that was not found
    /// out when the database was opened. True if so; from now on there are no names.
    pub(crate) fn learn(&self, error: &tokio_postgres::Error) -> bool {
        let told = error.code().is_some_and(|code| ["26000", "42P05"].contains(&code.code()));
        if told && self.has_names() {
            self.pooled.store(true, Ordering::Relaxed);
            self.named.store(false, Ordering::Relaxed);
            tracing::warn!("a pooler in transaction mode keeps no prepared statements; from now on, statements are sent without");
        }
        told
    }
}

impl Connector {
    pub(crate) fn new(options: &PostgresOptions, shared: &Arc<Shared>) -> Result<Self> {
        let way = Way::new(options)?;
        let (config, timeout, patience) = (driver_config(options, &way), options.connect_timeout, options.patience);
        let hosts = options.hosts().map(|(host, port)| (host.to_owned(), port)).collect();
        Ok(Self { config, hosts, any_order: options.any_order, way, timeout, patience, shared: Arc::clone(shared) })
    }

    /// Was the last connection that was made over TCP encrypted?
    pub(crate) fn encrypted(&self) -> bool {
        self.way.encrypted()
    }

    /// A connection that has been told nothing yet, to the first address that gives one. Each has the same time for all of it, as one may
    /// take connections and then say nothing; the driver counts only until it takes them.
    pub(crate) async fn bare(&self) -> Result<(Client, JoinHandle<()>)> {
        let mut last = StoreError::unavailable("the host has no address");
        for (host, port) in self.in_order(self.hosts.iter().collect()) {
            let addresses = match self.addresses(host, *port).await {
                Ok(addresses) => addresses,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            for address in self.in_order(addresses) {
                let mut target = self.config.clone();
                target.host(host).port(*port);
                if let Some(address) = address {
                    target.hostaddr(address);
                }
                match self.reach(&target).await {
                    Ok(reached) => return Ok(reached),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    /// As they are to be tried.
    fn in_order<T: Hash>(&self, mut list: Vec<T>) -> Vec<T> {
        if self.any_order {
            let dice = RandomState::new();
            list.sort_by_cached_key(|one| dice.hash_one(one));
        }
        list
    }

    /// The addresses of a host; a socket has none.
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<Option<IpAddr>>> {
        if host.starts_with('/') {
            return Ok(vec![None]);
        }
        let failed = |why: &dyn Display| StoreError::unavailable(format!("the host {host} cannot be found: {why}"));
        let found = tokio::time::timeout(self.timeout, tokio::net::lookup_host((host, port))).await;
        let addresses = found.map_err(|_| failed(&"there was no answer in time"))?.map_err(|e| failed(&e))?;
        Ok(addresses.map(|address| Some(address.ip())).collect())
    }

    async fn reach(&self, target: &tokio_postgres::Config) -> Result<(Client, JoinHandle<()>)> {
        let connecting = tokio::time::timeout(self.timeout, Box::pin(target.connect(self.way.clone())));
        let connected = connecting.await.map_err(|_| StoreError::unavailable("connecting took too long"))?;
        let (client, connection) = connected.map_err(|e| from_postgres(&e, &self.shared.sql))?;
        check_encoding(connection.parameter("server_encoding"), self.config.get_dbname().unwrap_or_default())?;
        let task = tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::warn!(error = %e, "a connection to PostgreSQL ended");
            }
        });
        Ok((client, task))
    }

    /// Tells a connection what it needs to be told, which is nothing behind a pooler.
    pub(crate) async fn adopt(&self, bare: (Client, JoinHandle<()>), terms: &Arc<Terms>, shared: bool) -> Result<Connection> {
        let (client, task) = bare;
        let prepared = self.shared.sql.group_sizes().map(|size| (0..size).map(|_| OnceLock::new()).collect()).collect();
        let (terms, fence, last_used) = (Arc::clone(terms), Mutex::default(), Instant::now());
        let connection = Connection { client, task, terms, prepared, shared, fence, last_used };
        if !connection.terms.is_pooled() {
            let told = tokio::time::timeout(self.timeout, connection.batch_execute(&self.patience.session(shared))).await;
            let told = told.map_err(|_| StoreError::unavailable("connecting took too long"))?;
            told.map_err(|e| from_postgres(&e, &self.shared.sql))?;
        }
        Ok(connection)
    }

    pub(crate) async fn connect(&self, terms: &Arc<Terms>, shared: bool) -> Result<Connection> {
        self.adopt(self.bare().await?, terms, shared).await
    }

    /// Does the server talk to somebody who comes new? A refusal is an answer, too.
    pub(crate) async fn is_answered(&self) -> bool {
        !matches!(self.bare().await, Err(StoreError::Unavailable(error)) if error.code.is_none())
    }

    /// Finds out what stands between, with two connections where there can be two.
    pub(crate) async fn terms(&self, one: &Client, other: Option<&Client>) -> Result<Terms> {
        let failed = |e: tokio_postgres::Error| from_postgres(&e, &self.shared.sql);
        let limits = ["lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout"];
        let asked = limits.map(|name| format!("pg_catalog.current_setting('{name}')")).join(", ");
        let asked = format!("SELECT {asked}, pg_catalog.current_setting('jit', true)");
        let told = one.query_typed(&asked, &[]).await.map_err(failed)?;
        let has = |at: usize, value: &str| told.first().and_then(|row| row.try_get::<_, &str>(at).ok()) == Some(value);
        let is_unset = |at: usize| has(at, "0");
        // Compiling a statement takes longer than any answer here, and where the planner has outdated sizes it would be done each time.
        let no_jit = if has(limits.len(), "on") { "; SET LOCAL jit = off" } else { "" };
        let opening = |shared: bool| {
            let set =
                self.patience.limits(shared).into_iter().enumerate().filter(|(at, (_, limit))| is_unset(*at) && !limit.is_zero());
            let set: String = set.map(|(_, (name, limit))| format!("; SET LOCAL {name} = {}", limit.as_millis())).collect();
            format!("{BEGIN}; SET LOCAL {SEARCH_PATH}{set}{no_jit}")
        };
        let pooled = match other {
            Some(other) => share_a_backend(one, other).await.map_err(failed)?,
            None => false,
        };
        let named = !pooled || keeps_names(one).await.map_err(failed)?;
        let opening = [opening(false), opening(true)];
        Ok(Terms { pooled: AtomicBool::new(pooled), named: AtomicBool::new(named), opening })
    }
}

/// How often two connections are looked at. A pooler that nobody else uses is found out the first time, one that others use sooner or
/// later: each time somebody else may take what one of the two has left.
const LOOKS: usize = 3;

/// Do two of our connections get the same one of the server, or one of them two? Then somebody deals them out by transactions.
async fn share_a_backend(one: &Client, other: &Client) -> std::result::Result<bool, tokio_postgres::Error> {
    const BACKEND: &str = "SELECT pg_catalog.pg_backend_pid()";
    let pid = async |client: &Client| client.query_typed_one(BACKEND, &[]).await?.try_get::<_, i32>(0);
    let first = pid(one).await?;
    for _ in 0..LOOKS {
        if pid(other).await? == first || pid(one).await? != first {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Does the pooler give prepared statements names of its own, as one must that keeps them?
async fn keeps_names(client: &Client) -> std::result::Result<bool, tokio_postgres::Error> {
    const PROBE: &str = "SELECT 1 AS supertokens_probe";
    client.batch_execute(BEGIN).await?;
    let prepared = client.prepare(PROBE).await?;
    let named = format!("SELECT name FROM pg_catalog.pg_prepared_statements WHERE statement = '{PROBE}'");
    let ours = |name: &&str| name.strip_prefix('s').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let rows = client.query_typed(&named, &[]).await?;
    let names = rows.iter().filter_map(|row| row.try_get::<_, &str>(0).ok());
    let as_sent: Vec<&str> = names.filter(ours).collect();
    for name in &as_sent {
        client.batch_execute(&format!("DEALLOCATE {name}")).await?;
    }
    drop(prepared);
    client.batch_execute("COMMIT").await?;
    Ok(as_sent.is_empty())
}

/// JSON is Unicode. Another encoding refuses some of it, or keeps bytes that it does not understand.
fn check_encoding(encoding: Option<&str>, database: &str) -> Result<()> {
    match encoding {
        None | Some("UTF8") => Ok(()),
        Some(other) => Err(StoreError::BadOptions(format!(
            "the database {database} has the encoding {other}, which cannot hold every text of a session; make another one with \
             CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and take the tables there with pg_dump and pg_restore"
        ))),
    }
}

impl Patience {
    /// The limits by the names of their settings, in the order in which they are asked for.
    fn limits(self, shared: bool) -> [(&'static str, Duration); 3] {
        [
            ("lock_timeout", self.lock),
            ("idle_in_transaction_session_timeout", self.idle_in_transaction),
            ("statement_timeout", if shared { self.shared_read } else { Duration::ZERO }),
        ]
    }

    /// What a new connection is told. The limits only where the operator of the database has set none.
    fn session(self, shared: bool) -> String {
        let set = |(name, limit): (&str, Duration)| {
            let limit = limit.as_millis();
            format!("; SELECT set_config('{name}', '{limit}', false) WHERE current_setting('{name}') = '0'")
        };
        let limits: String = self.limits(shared).into_iter().map(set).collect();
        format!("SET {SEARCH_PATH}{limits}; SELECT set_config('jit', 'off', false) WHERE current_setting('jit', true) = 'on'")
    }
}

/// All but where the server is.
fn driver_config(options: &PostgresOptions, way: &Way) -> tokio_postgres::Config {
    use tokio_postgres::config::TargetSessionAttrs;
    let mut config = tokio_postgres::Config::new();
    config.dbname(&options.dbname);
    // One of several may be a standby, where nothing can be stored.
    if !options.any_session.unwrap_or(options.more_hosts.is_empty()) {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.application_name(&options.application_name).connect_timeout(options.connect_timeout);
    let keepalive = &options.keepalive;
    config.keepalives(keepalive.on).keepalives_idle(keepalive.idle).keepalives_interval(keepalive.interval);
    config.keepalives_retries(keepalive.count).tcp_user_timeout(keepalive.user_timeout);
    way.tell(options, &mut config);
    if let Some(user) = &options.user {
        config.user(user);
    }
    if let Some(password) = &options.password {
        config.password(password.expose());
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unicode_will_do() {
        assert!(check_encoding(Some("UTF8"), "d").is_ok() && check_encoding(None, "d").is_ok());
        for other in ["SQL_ASCII", "LATIN1", "EUC_JP"] {
            let said = check_encoding(Some(other), "d").unwrap_err().to_string();
            assert!(said.contains(other) && said.contains("ENCODING 'UTF8'"), "{said}");
        }
    }
}

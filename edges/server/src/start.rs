//! `supertokens start`: opens, listens, tells so, does the periodic work, and ends when told to (core-server.md 10.2, 10.3).

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use supertokens_core::chores::{Chore, keep_doing};
use supertokens_core::{Core, CoreOptions, OpenError};
use supertokens_store::{DatabaseOptions, StoreError};
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::watch;

use crate::config::{Config, Notice};
use crate::serve::{Door, Terms, serve};
use crate::{Place, Settings, Stop, files, logs, opening, pages, say};

/// A database that is not there yet is tried again after this long, for so long in all, as upstream does.
const RETRY: Duration = Duration::from_secs(5);
const GIVE_UP: Duration = Duration::from_secs(3600);

/// Keys that a Java core's file may have, and that nothing here depends on.
const NOT_HEEDED: [&str; 3] = ["core_config_version", "postgresql_config_version", "postgresql_connection_scheme"];

pub(crate) async fn run(settings: &Settings, place: &Place, ignored_flags: &[&str]) -> Result<(), Stop> {
    let config = Config::load(settings, place)?;
    let logs = logs::start(&config.core)?;
    for notice in &config.gathered.notices {
        match notice {
            Notice::Info(text) => tracing::info!("{text}"),
            Notice::Warning(text) => tracing::warn!("{text}"),
        }
    }
    for name in config.passed_over() {
        tracing::warn!("the attribute {name} of the database's address is not known here and passed over");
    }
    for flag in ignored_flags {
        tracing::info!("{flag} is a flag of the Java core and means nothing here");
    }
    for key in NOT_HEEDED.iter().filter(|key| config.gathered.sources.contains_key(**key)) {
        tracing::info!("{key} is a key of the Java core and means nothing here");
    }
    if settings.test_mode {
        tracing::warn!("test mode: some limits are lifted; never use this in production");
    }
    let told = signals(logs).map_err(|e| Stop::new(format!("signals cannot be listened for: {e}")))?;
    let mut stop = std::pin::pin!(times(told.clone(), 1));
    let host = config.core.host.clone();
    let listeners = listen(&host, config.core.port).await?;
    let port = listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(config.core.port, |at| at.port());
    let local = |listener: &TcpListener| listener.local_addr().is_ok_and(|at| at.ip().is_loopback());
    let within_machine = listeners.iter().all(local);
    tell_who_is_let_in(&config, within_machine);
    let core = tokio::select! {
        core = open(&config, settings.test_mode, within_machine) => core?,
        never = opening::answer(&listeners, &config.core.base_path) => match never {},
        () = &mut stop => return Ok(()),
    };
    pages::as_given();
    for chore in Chore::ALL.into_iter().filter(is_wanted) {
        tokio::spawn(keep_doing(&core, chore));
    }
    say(&format!("Database: {}", config.database.redacted()));
    say(&format!("Started SuperTokens on {host}:{port} with PID: {}", std::process::id()));
    let patience = Duration::from_secs(config.core.request_timeout_seconds);
    let door = Arc::new(Door::new(core, config.core.base_path.clone(), config.core.metrics, patience));
    let farewell = Duration::from_secs(config.core.shutdown_timeout_seconds);
    let stop = async {
        stop.await;
        tracing::info!("stopping: no new connections, waiting at most {} s for running requests", farewell.as_secs());
    };
    let most_connections = files::most_connections(config.core.max_connections, to_database(&config.database));
    let terms = Terms { most_connections, http2: config.core.http2, farewell };
    if serve(listeners, door, terms, stop, times(told, 2)).await {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped, although some requests had not come to their end");
    }
    Ok(())
}

/// The one job that can be switched off, by the Java core's own variable.
fn is_wanted(chore: &Chore) -> bool {
    *chore != Chore::ImportUsers
        || !std::env::var("BULK_MIGRATION_CRON_ENABLED").is_ok_and(|text| text.trim().eq_ignore_ascii_case("false"))
}

/// Without a key everybody who reaches the port may make sessions for anybody.
fn tell_who_is_let_in(config: &Config, within_machine: bool) {
    if !config.core.api_keys.is_empty() {
        return;
    }
    if within_machine {
        tracing::warn!("no api_keys are set: every program on this machine may make and end sessions of anybody; set API_KEYS");
    } else {
        tracing::warn!(
            "NO API_KEYS ARE SET, and {} is not an address of this machine alone: everybody who reaches it may make and end sessions \
             of anybody; set API_KEYS (20 characters or more), here and in the SDK",
            config.core.host
        );
    }
}

/// Opens the core. A database that cannot be reached is waited for; anything else is final.
async fn open(config: &Config, test_mode: bool, within_machine: bool) -> Result<Core, Stop> {
    let begin = Instant::now();
    loop {
        let mut options = CoreOptions::new(config.database.clone());
        options.base = config.gathered.base.clone();
        options.test_mode = test_mode;
        options.config_path.clone_from(&config.gathered.file);
        // Where others can reach it, it may be asked by any name that leads there.
        options.own_names_and = within_machine.then(|| config.core.host.clone());
        match Core::open(options).await {
            Ok(core) => return Ok(core),
            Err(OpenError::Store(StoreError::Unavailable(error))) if begin.elapsed() < GIVE_UP => {
                tracing::warn!(%error, database = config.database.redacted(), "the database cannot be reached; trying again in {} s", RETRY.as_secs());
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(Stop::caused("the core cannot start", &error)),
        }
    }
}

/// All addresses of a name that can be listened on, on one port; IPv4 first, as upstream prefers it.
async fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>, Stop> {
    let refused = |at: &str, error: &io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => Stop::new(format!(
            "{at} is in use by another program; stop it, or choose another port with --port or SUPERTOKENS_PORT"
        )),
        io::ErrorKind::PermissionDenied => Stop::new(format!("listening on {at} is not allowed for this user: {error}")),
        _ => Stop::new(format!("cannot listen on {at}: {error}")),
    };
    let at = format!("{host}:{port}");
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mut addresses: Vec<SocketAddr> = lookup_host((bare, port)).await.map_err(|e| refused(&at, &e))?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    let Some((first, others)) = addresses.split_first() else { return Err(Stop::new(format!("the name {host} has no address"))) };
    let first = TcpListener::bind(first).await.map_err(|e| refused(&at, &e))?;
    let port = first.local_addr().map_err(|e| refused(&at, &e))?.port();
    let mut listeners = vec![first];
    let mut others: Vec<SocketAddr> = others.iter().map(|other| SocketAddr::new(other.ip(), port)).collect();
    if bare == "localhost" && !others.iter().any(SocketAddr::is_ipv6) {
        // Clients differ in which of its two addresses they take `localhost` for.
        others.push((Ipv6Addr::LOCALHOST, port).into());
    }
    for other in others {
        match TcpListener::bind(other).await {
            Ok(listener) => listeners.push(listener),
            Err(error) => tracing::debug!(%error, %other, "not listening on this address of {host}"),
        }
    }
    Ok(listeners)
}

/// Connections to the database, and files of one.
fn to_database(database: &DatabaseOptions) -> usize {
    /// Those of SQLite: the file, its journals, the lock, for each of its connections.
    const FILES: usize = 32;
    match database {
        DatabaseOptions::Postgres(options) => options.pool_size,
        _ => FILES,
    }
}

/// Ready when the program was told to stop so many times.
async fn times(mut told: watch::Receiver<u32>, wanted: u32) {
    if told.wait_for(|times| *times >= wanted).await.is_err() {
        // Nobody listens for signals, so none will come.
        std::future::pending::<()>().await;
    }
}

/// How often the program was told to stop. A hangup, by which log rotation and lost terminals make themselves known, makes it open
/// its log files anew and nothing else. Listens from the call on.
#[cfg(unix)]
fn signals(logs: logs::Logs) -> io::Result<watch::Receiver<u32>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (tell, told) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => logs.reopen(),
                _ = terminate.recv() => tell.send_modify(|times| *times += 1),
                _ = interrupt.recv() => tell.send_modify(|times| *times += 1),
            }
        }
    });
    Ok(told)
}

/// How often the program was told to stop.
#[cfg(not(unix))]
fn signals(_: logs::Logs) -> io::Result<watch::Receiver<u32>> {
    let (tell, told) = watch::channel(0);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            tell.send_modify(|times| *times += 1);
        }
    });
    Ok(told)
}

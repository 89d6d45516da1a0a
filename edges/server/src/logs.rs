//! Where do log lines go, and in which form? Up to INFO to standard output or `info_log_path`, WARN and ERROR to standard error
//! or `error_log_path` (core-server.md 9.3, 10.4); text, or one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use supertokens_domain::config::{LogLevel, Settings};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::Stop;

/// Sends all log lines of this process where the settings say. A panic becomes a log line that names its place; its message is
/// left out, as it may repeat any value.
pub(crate) fn start(settings: &Settings) -> Result<Logs, Stop> {
    let sinks = Sinks {
        info: Sink::open(settings.info_log_path.as_deref(), Sink::Output)?,
        error: Sink::open(settings.error_log_path.as_deref(), Sink::Errors)?,
    };
    let line = tracing_subscriber::fmt()
        .with_env_filter(filter(settings.log_level))
        .with_writer(sinks.clone())
        .with_ansi(false)
        .with_target(false);
    let installed = if settings.log_json {
        line.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        line.try_init()
    };
    installed.map_err(|error| Stop::new(format!("logging cannot start: {error}")))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
        tracing::error!(place, "panicked");
    }));
    Ok(Logs(sinks))
}

/// Where the log lines of this process go.
pub(crate) struct Logs(Sinks);

impl Logs {
    /// Opens each log file anew under its name, as what was under it may have been moved away. One that cannot be opened is written
    /// to as before.
    pub(crate) fn reopen(&self) {
        let mut files = 0;
        for sink in [&self.0.info, &self.0.error] {
            let Sink::File(log) = sink else { continue };
            files += 1;
            match open(&log.path) {
                Ok(file) => *log.file.lock().unwrap_or_else(PoisonError::into_inner) = file,
                Err(error) => tracing::error!(path = log.path, %error, "the log file cannot be opened anew"),
            }
        }
        match files {
            0 => tracing::info!("a hangup was signalled; there are no log files to open anew"),
            _ => tracing::info!("a hangup was signalled; the log files are open anew"),
        }
    }
}

fn open(path: &str) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

struct LogFile {
    path: String,
    file: Mutex<File>,
}

/// Our crates at the level asked for; those we use only from WARN on, as what they say may hold anything.
fn filter(level: LogLevel) -> EnvFilter {
    let directives = match level {
        LogLevel::Debug => "warn,supertokens=debug,supertokens_core=debug,supertokens_store=debug",
        LogLevel::Info => "warn,supertokens=info,supertokens_core=info,supertokens_store=info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        LogLevel::None => "off",
    };
    EnvFilter::new(directives)
}

#[derive(Clone)]
enum Sink {
    Output,
    Errors,
    File(Arc<LogFile>),
}

#[derive(Clone)]
struct Sinks {
    info: Sink,
    error: Sink,
}

impl Sink {
    fn open(path: Option<&str>, otherwise: Self) -> Result<Self, Stop> {
        let Some(path) = path else { return Ok(otherwise) };
        let file = open(path).map_err(|error| Stop::new(format!("the log file {path} cannot be opened: {error}")))?;
        Ok(Self::File(Arc::new(LogFile { path: path.to_owned(), file: Mutex::new(file) })))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The whole line at once, so that lines of two threads do not mix.
        match self {
            Self::Output => io::stdout().lock().write_all(bytes)?,
            Self::Errors => io::stderr().lock().write_all(bytes)?,
            Self::File(log) => log.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Output => io::stdout().lock().flush(),
            Self::Errors => io::stderr().lock().flush(),
            Self::File(log) => log.file.lock().unwrap_or_else(PoisonError::into_inner).flush(),
        }
    }
}

impl<'a> MakeWriter<'a> for Sinks {
    type Writer = Sink;

    fn make_writer(&'a self) -> Sink {
        self.info.clone()
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Sink {
        if *event.level() <= Level::WARN { self.error.clone() } else { self.info.clone() }
    }
}

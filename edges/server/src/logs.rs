//! Where do log lines go, and in which form? Up to INFO to standard output or `info_log_path`, WARN and ERROR to standard error
//! or `error_log_path` (core-server.md 9.3, 10.4); text, or one JSON object a line.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use supertokens_domain::config::{LogLevel, Settings};
use supertokens_domain::printable::{is_plain, is_seen};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::Stop;

/// Sends all log lines of this process where the settings say. A panic becomes a log line that names its place; its message is
/// left out, as it may repeat any value.
pub(crate) fn start(settings: &Settings) -> Result<Logs, Stop> {
    let sinks = Sinks {
        json: settings.log_json,
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
    json: bool,
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
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { json: self.json, sink: self.info.clone() }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line {
        let sink = if *event.level() <= Level::WARN { self.error.clone() } else { self.info.clone() };
        Line { json: self.json, sink }
    }
}

/// Where one line goes.
struct Line {
    json: bool,
    sink: Sink,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write_all(&one_line(bytes, self.json))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// An event as it is written: whatever came into it from outside, it is one line, and what cannot be seen is spelled.
fn one_line(bytes: &[u8], json: bool) -> Cow<'_, [u8]> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if line.iter().copied().all(is_plain) {
        return Cow::Borrowed(bytes);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for c in String::from_utf8_lossy(line).chars() {
        match is_seen(c) {
            true => out.push(c),
            false if json => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            false => out.extend(c.escape_debug()),
        }
    }
    out.push('\n');
    Cow::Owned(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        for (event, text) in [
            ("INFO plain \"x\"\n", "INFO plain \"x\"\n"),
            ("INFO Grüße\n", "INFO Grüße\n"),
            ("INFO a\r\n2026 ERROR forged\n\n", "INFO a\\r\\n2026 ERROR forged\\n\n"),
            ("INFO \u{1b}[2J\u{85}\u{202e}\u{e0041}\n", "INFO \\u{1b}[2J\\u{85}\\u{202e}\\u{e0041}\n"),
        ] {
            assert_eq!(one_line(event.as_bytes(), false), text.as_bytes());
        }
        assert_eq!(one_line(b"INFO \xff\n", false), "INFO \u{fffd}\n".as_bytes());
        let event = "{\"m\":\"\u{7f}\u{9b}\u{2028}\u{202e}\u{e0041}ü\\n\"}\n";
        let line = one_line(event.as_bytes(), true);
        assert_eq!(line, "{\"m\":\"\\u007f\\u009b\\u2028\\u202e\\udb40\\udc41ü\\n\"}\n".as_bytes());
        let (read, meant): (serde_json::Value, serde_json::Value) =
            (serde_json::from_slice(&line).unwrap(), serde_json::from_str(event).unwrap());
        assert_eq!(read, meant, "a reader of the log sees what was said");
    }
}

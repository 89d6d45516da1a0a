//! Gathers what is logged as an error, for tests of what operators are told.

use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// The errors that were logged since, by this thread.
#[derive(Clone, Default)]
pub struct ErrorsLogged(Arc<Mutex<Vec<String>>>);

impl ErrorsLogged {
    /// From now on, until the second is dropped.
    pub fn listen() -> (Self, DefaultGuard) {
        let log = Self::default();
        let until = tracing::subscriber::set_default(log.clone());
        (log, until)
    }

    /// One line for each.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no test panics in here").clone()
    }

    /// There is one line, and this stands in it.
    #[track_caller]
    pub fn says_once(&self, what: &str) {
        let lines = self.lines();
        assert!(lines.len() == 1 && lines.iter().all(|line| line.contains(what)), "{lines:?}");
    }
}

impl Subscriber for ErrorsLogged {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR && metadata.target() == "com.supertokens"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().expect("no test panics in here").push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

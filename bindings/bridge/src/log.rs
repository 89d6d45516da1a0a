//! The SDK's log for hosts: a ring of lines that the host takes when it is told the number 0, and writes by its own means.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::Notify;

/// Lines that wait; older ones give way.
const KEPT: usize = 1_024;
/// What the SDK and a core in this process say; their libraries have their own affairs.
const OURS: [&str; 2] = ["com.supertokens", "supertokens"];

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `ERROR`, `WARN`, `INFO` or `DEBUG`.
    pub level: &'static str,
    /// In words, fields included. No token is in it.
    pub text: String,
}

struct Ring {
    lines: VecDeque<Line>,
    /// Who is told, as long as he is there.
    told: Vec<Weak<dyn Fn(u64) + Send + Sync>>,
}

static RING: Mutex<Ring> = Mutex::new(Ring { lines: VecDeque::new(), told: Vec::new() });
static EVERYTHING: AtomicBool = AtomicBool::new(false);

fn ring() -> MutexGuard<'static, Ring> {
    RING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells this host of lines from now on. Where the program has a log of its own (tests of the bridge), that one keeps them.
pub(crate) fn listen(everything: bool, notify: &Notify) {
    if everything {
        EVERYTHING.store(true, Ordering::Relaxed);
    }
    {
        let mut ring = ring();
        ring.told.retain(|told| told.strong_count() > 0);
        ring.told.push(Arc::downgrade(notify));
    }
    // Fails for the second host of a process, for which the first one's does too.
    let _ = tracing::subscriber::set_global_default(Lines);
    tracing::callsite::rebuild_interest_cache();
}

/// The lines since the last time.
pub fn take_lines() -> Vec<Line> {
    ring().lines.drain(..).collect()
}

struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let most = if EVERYTHING.load(Ordering::Relaxed) { Level::DEBUG } else { Level::WARN };
        let is_ours = OURS.iter().any(|of| metadata.target().starts_with(of));
        metadata.is_event() && is_ours && *metadata.level() <= most
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let line = Line { level: event.metadata().level().as_str(), text: format!("{}{}", text.message, text.fields) };
        let told: Vec<_> = {
            let mut ring = ring();
            if ring.lines.len() == KEPT {
                ring.lines.pop_front();
            }
            ring.lines.push_back(line);
            ring.told.iter().filter_map(Weak::upgrade).collect()
        };
        for notify in told {
            notify(0);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A message, and what stands beside it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing into a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

//! Where a host that waits is told the numbers of its calls: an event loop watches a pipe, a thread waits for a condition. Telling takes
//! no lock of Python's, so no thread of ours ever waits for the interpreter.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use pyo3::prelude::*;
use supertokens_bridge::{Notify, take_lines};

/// How often a thread that waits looks whether the process was sent a signal.
const LOOKS_FOR_SIGNALS: Duration = Duration::from_millis(200);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Inside {
    /// In another process, which was forked, the pipe is its parent's still.
    process: u32,
    numbers: Mutex<Vec<u64>>,
    some: Condvar,
    /// One byte is in it as long as there are numbers.
    pipe: Option<(PipeReader, PipeWriter)>,
}

impl Inside {
    fn tell(&self, number: u64) {
        if self.process != std::process::id() {
            return;
        }
        let mut numbers = lock(&self.numbers);
        numbers.push(number);
        if numbers.len() == 1 {
            match &self.pipe {
                // With nobody at its other end nobody waits.
                Some((_, writing)) => drop((&mut &*writing).write(&[1])),
                None => self.some.notify_one(),
            }
        }
    }

    fn take(&self) -> Vec<u64> {
        let mut numbers = lock(&self.numbers);
        if let (Some((reading, _)), false) = (&self.pipe, numbers.is_empty()) {
            let _ = (&mut &*reading).read(&mut [0; 1]);
        }
        std::mem::take(&mut *numbers)
    }
}

/// One for each event loop, and one for each call of a thread without.
#[pyclass(frozen)]
pub(crate) struct Notifier {
    inside: Arc<Inside>,
    notify: Notify,
}

impl Notifier {
    pub(crate) fn notify(&self) -> &Notify {
        &self.notify
    }
}

#[pymethods]
impl Notifier {
    /// With a pipe that an event loop can watch, or without.
    #[new]
    fn new(watched: bool) -> PyResult<Self> {
        let pipe = if watched { Some(std::io::pipe()?) } else { None };
        let inside = Arc::new(Inside { process: std::process::id(), numbers: Mutex::default(), some: Condvar::new(), pipe });
        if watched {
            let mut watching = lock(&WATCHING);
            watching.retain(|inside| inside.strong_count() > 0);
            watching.push(Arc::downgrade(&inside));
        }
        let told = Arc::clone(&inside);
        Ok(Self { inside, notify: Arc::new(move |number| told.tell(number)) })
    }

    /// Readable while there are numbers to take; -1 without a pipe.
    #[cfg(unix)]
    fn fileno(&self) -> i32 {
        use std::os::fd::AsRawFd as _;
        self.inside.pipe.as_ref().map_or(-1, |(reading, _)| reading.as_raw_fd())
    }

    /// The numbers so far.
    fn take(&self) -> Vec<u64> {
        self.inside.take()
    }

    /// Waits for numbers, without the interpreter, and looks for signals now and then.
    fn wait(&self, py: Python<'_>) -> PyResult<Vec<u64>> {
        loop {
            let some = py.detach(|| {
                let numbers = lock(&self.inside.numbers);
                let waited = self.inside.some.wait_timeout_while(numbers, LOOKS_FOR_SIGNALS, |numbers| numbers.is_empty());
                let (numbers, _) = waited.unwrap_or_else(PoisonError::into_inner);
                !numbers.is_empty()
            });
            if some {
                return Ok(self.inside.take());
            }
            py.check_signals()?;
        }
    }
}

/// Event loops, which can write lines of the log when nobody calls.
static WATCHING: Mutex<Vec<Weak<Inside>>> = Mutex::new(Vec::new());
static LINES: AtomicBool = AtomicBool::new(false);

/// Tells one event loop, if there is any, that there are lines; whoever calls next looks for them too.
pub(crate) fn of_log() -> Notify {
    Arc::new(|_| {
        LINES.store(true, Ordering::Release);
        let watching: Vec<_> = lock(&WATCHING).iter().filter_map(Weak::upgrade).collect();
        if let Some(inside) = watching.iter().find(|inside| inside.process == std::process::id()) {
            inside.tell(0);
        }
    })
}

/// The lines of the log since the last time: level and text of each.
#[pyfunction]
pub(crate) fn log_lines() -> Vec<(&'static str, String)> {
    if !LINES.swap(false, Ordering::AcqRel) {
        return Vec::new();
    }
    take_lines().into_iter().map(|line| (line.level, line.text)).collect()
}

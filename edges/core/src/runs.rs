//! When periodic work was done last, how long it took, and how much it was.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use supertokens_domain::time::Millis;

/// What became of a piece of periodic work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobFigures {
    /// Which work it is.
    pub name: &'static str,
    /// How often it failed.
    pub failures: u64,
    /// When it succeeded last.
    pub last: Option<LastRun>,
}

/// A run of periodic work that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRun {
    /// When it ended, in ms.
    pub at: Millis,
    /// How long it took.
    pub took: Duration,
    /// How many rows or tenants it concerned.
    pub rows: u64,
}

/// What became of each piece of periodic work, by its place in the list.
#[derive(Debug)]
pub(crate) struct Runs<const N: usize>(Mutex<[JobFigures; N]>);

impl<const N: usize> Runs<N> {
    pub(crate) fn new(names: [&'static str; N]) -> Self {
        Self(Mutex::new(names.map(|name| JobFigures { name, failures: 0, last: None })))
    }

    /// Work has ended; without a run it has failed.
    pub(crate) fn note(&self, name: &'static str, run: Option<LastRun>) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(job) = jobs.iter_mut().find(|job| job.name == name) else { return };
        match run {
            Some(run) => job.last = Some(run),
            None => job.failures += 1,
        }
    }

    pub(crate) fn figures(&self) -> [JobFigures; N] {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

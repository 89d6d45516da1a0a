//! Counters of what the SDK did, for the application's own metrics (decision 14: an outage of the core is visible).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::SuperTokens;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted besides the client's calls.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) verified: Count,
    pub(crate) known: Count,
    pub(crate) refused: Count,
}

/// What happened since the SDK was built. Every number only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Access tokens whose signature was checked and good.
    pub tokens_verified: u64,
    /// Access tokens that were known from a check a moment before.
    pub tokens_known: u64,
    /// Access tokens that were ours in form and not accepted.
    pub tokens_refused: u64,
    /// Exchanges with cores, those for public keys included.
    pub core_calls: u64,
    /// Of these, those that broke off or were answered with 5xx. While it grows, the core is in trouble.
    pub core_failures: u64,
}

impl SuperTokens {
    /// The counters, to be shown wherever the application shows its own.
    pub fn figures(&self) -> Figures {
        let inner = self.inner();
        Figures {
            tokens_verified: inner.figures.verified.read(),
            tokens_known: inner.figures.known.read(),
            tokens_refused: inner.figures.refused.read(),
            core_calls: inner.client.calls.read(),
            core_failures: inner.client.failures.read(),
        }
    }
}

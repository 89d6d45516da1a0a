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

    /// Counts, and says whether it was the first time.
    pub(crate) fn is_first(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) == 0
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
    /// Instants from the core that this machine's clock does not explain, by 3 s or more. Not 0: one of the two clocks is wrong.
    pub clock_differences: u64,
    /// Requests with several session cookies of one name. While it grows, another application uses the same names on a parent domain, or
    /// the cookies' domain was changed.
    pub several_session_cookies: u64,
    /// Answers with new tokens that are too large for browsers, or for proxies with their defaults.
    pub oversized_tokens: u64,
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
            clock_differences: inner.client.clock.differences.read(),
            several_session_cookies: inner.surroundings.several_cookies.read(),
            oversized_tokens: inner.surroundings.too_large.read(),
        }
    }
}

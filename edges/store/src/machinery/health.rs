//! Are writes accepted, as far as is known? A write that was kept says so, and one that was refused says why not. What changes is said in
//! the log, once, with what to do. Whoever has to know it for sure asks `ready.rs`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::machinery::error::{Result, StoreError, chain};

/// So long an answer holds.
pub(super) const HOLDS: Duration = Duration::from_secs(1);
/// So long a refused write counts although others are kept: a disk that is nearly full takes some and refuses others. And so long a
/// full disk counts where trying a write does not find it.
const REMEMBERED: Duration = Duration::from_secs(10);

/// What is known of a database.
pub(crate) struct Health {
    /// Without passwords.
    place: String,
    began: Instant,
    /// When a write was last kept, in ms since `began`; 0 is never.
    kept_at: AtomicU64,
    /// Is there a trouble?
    pub(super) troubled: AtomicBool,
    trouble: Mutex<Option<Trouble>>,
    /// The last trial. Whoever holds it tries, and the others wait for what comes out.
    pub(super) tried: tokio::sync::Mutex<Option<(Instant, Result<()>)>>,
}

struct Trouble {
    kind: Kind,
    since: Instant,
    error: StoreError,
}

/// What keeps writes from being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lost,
    Full,
    ReadOnly,
    Held,
    Unreachable,
    Other,
}

impl Kind {
    fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Lost { .. } => Self::Lost,
            StoreError::Full(_) => Self::Full,
            StoreError::ReadOnly(_) => Self::ReadOnly,
            StoreError::Held(_) => Self::Held,
            StoreError::Unavailable(_) => Self::Unreachable,
            _ => Self::Other,
        }
    }

    /// Does this one stay when the other one is found? A lost file is looked at before every write, and what comes of using it, or of
    /// not using it, is no other trouble.
    fn says_more_than(self, other: Self) -> bool {
        self == Self::Lost && other != Self::Lost
    }

    /// What to do. The text of a lost file says it already.
    fn remedy(self) -> &'static str {
        match self {
            Self::Lost => "nothing is written or read until then",
            Self::Full => "make room on the disk, or raise the quota; writes go on by themselves then",
            Self::ReadOnly => {
                "a standby, default_transaction_read_only, a file that may only be read or a file system mounted so; name a database that takes writes, or let this one take them"
            }
            Self::Held => "end the other program, or its transaction",
            Self::Unreachable => "see that the database runs, can be reached, and has connections left",
            Self::Other => "look at the rights of this user, and at the log of the database or the disk",
        }
    }
}

impl Health {
    pub(crate) fn new(place: String) -> Self {
        Self {
            place,
            began: Instant::now(),
            kept_at: AtomicU64::new(0),
            troubled: AtomicBool::new(false),
            trouble: Mutex::default(),
            tried: tokio::sync::Mutex::default(),
        }
    }

    /// A write was kept. Costs a look at the clock.
    pub(crate) fn kept(&self) {
        self.kept_at.store(self.now(), Ordering::Relaxed);
        if self.troubled.load(Ordering::Relaxed)
            && self.trouble().as_ref().is_some_and(|trouble| trouble.since.elapsed() > REMEMBERED)
        {
            self.is_well_again();
        }
    }

    /// A write was not kept, because of the database and not because of what was to be written.
    pub(crate) fn refused(&self, error: &StoreError) {
        self.found(error, self.trouble());
    }

    fn found(&self, error: &StoreError, mut trouble: MutexGuard<'_, Option<Trouble>>) {
        let kind = Kind::of(error);
        let old = trouble.as_ref().map(|trouble| trouble.kind);
        if old.is_some_and(|old| old.says_more_than(kind)) {
            return;
        }
        *trouble = Some(Trouble { kind, since: Instant::now(), error: error.clone() });
        self.troubled.store(true, Ordering::Relaxed);
        if old != Some(kind) {
            tracing::error!(database = self.place, error = chain(error), "writes are not accepted: {}", kind.remedy());
        }
    }

    /// Nothing was answered in time, to a read or a write. What is known already says more.
    pub(crate) fn silent(&self, error: &StoreError) {
        let trouble = self.trouble();
        if trouble.is_none() {
            self.found(error, trouble);
        }
    }

    /// The same, of a failure that may have to do with what was to be written.
    pub(crate) fn failed(&self, error: &StoreError) {
        if matches!(error, StoreError::Full(_) | StoreError::ReadOnly(_)) {
            self.refused(error);
        }
    }

    /// The commit of a SQLite transaction was refused. What has no code is our own, of a body that had failed before.
    pub(crate) fn commit_failed(&self, error: &StoreError) {
        match error {
            StoreError::Driver(said) if said.code.is_some() => self.refused(error),
            StoreError::Full(_) | StoreError::ReadOnly(_) | StoreError::Held(_) => self.refused(error),
            _ => {}
        }
    }

    /// The file was looked for, and is there or not. True if it is.
    pub(crate) fn file_is(&self, found: &Result<()>) -> bool {
        match found {
            Ok(()) if self.lost().is_some() => self.is_well_again(),
            Ok(()) => {}
            Err(lost) => self.refused(lost),
        }
        found.is_ok()
    }

    /// Why the file is not to be used any more. Costs a look at a number as long as all is well.
    pub(crate) fn lost(&self) -> Option<StoreError> {
        if !self.troubled.load(Ordering::Relaxed) {
            return None;
        }
        self.trouble().as_ref().filter(|trouble| trouble.kind == Kind::Lost).map(|trouble| trouble.error.clone())
    }

    pub(super) fn is_well_again(&self) {
        if self.trouble().take().is_some() {
            self.troubled.store(false, Ordering::Relaxed);
            tracing::info!(database = self.place, "writes are accepted again");
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn was_kept_lately(&self) -> bool {
        let (at, now) = (self.kept_at.load(Ordering::Relaxed), self.now());
        let lately = u128::from(now.saturating_sub(at)) < HOLDS.as_millis();
        at > 0 && lately && !self.troubled.load(Ordering::Relaxed)
    }

    pub(super) fn was_full_lately(&self) -> Option<StoreError> {
        let trouble = self.trouble();
        let full = trouble.as_ref().filter(|trouble| trouble.kind == Kind::Full && trouble.since.elapsed() < REMEMBERED);
        full.map(|trouble| trouble.error.clone())
    }

    /// In ms since the beginning, and never 0.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machinery::error::DriverError;

    fn said() -> DriverError {
        DriverError { code: None, message: "no".into() }
    }

    fn lost() -> StoreError {
        StoreError::Lost { path: "a.db".into(), what: "has been deleted", remedy: "put it back" }
    }

    fn kind(health: &Health) -> Option<Kind> {
        health.trouble().as_ref().map(|trouble| trouble.kind)
    }

    #[test]
    fn what_says_more_stays() {
        use Kind::{Full, Held, Lost, ReadOnly, Unreachable};
        let silent = || StoreError::unavailable("no answer");
        // What is known, what is found then, whether that is silence, and what is known afterwards.
        for (known, found, is_silence, then) in [
            (None, silent(), true, Unreachable),
            (Some(lost()), silent(), true, Lost),
            (Some(lost()), silent(), false, Lost),
            (Some(lost()), StoreError::ReadOnly(said()), false, Lost),
            (Some(lost()), lost(), false, Lost),
            (Some(StoreError::Held(said())), silent(), true, Held),
            (Some(StoreError::Held(said())), silent(), false, Unreachable),
            (Some(StoreError::Full(said())), silent(), true, Full),
            (Some(StoreError::Full(said())), StoreError::ReadOnly(said()), false, ReadOnly),
            (Some(silent()), StoreError::Full(said()), false, Full),
            (Some(silent()), lost(), false, Lost),
        ] {
            let health = Health::new("a.db".into());
            if let Some(known) = &known {
                health.refused(known);
            }
            match is_silence {
                true => health.silent(&found),
                false => health.refused(&found),
            }
            assert_eq!(kind(&health), Some(then), "{known:?}, then {found:?}");
        }
    }

    #[test]
    fn a_lost_file_is_lost_until_it_is_found() {
        let health = Health::new("a.db".into());
        assert!(!health.file_is(&Err(lost())));
        health.silent(&StoreError::unavailable("no answer"));
        health.failed(&StoreError::Full(said()));
        assert!(health.lost().is_some());
        assert!(health.file_is(&Ok(())));
        assert!(health.lost().is_none() && kind(&health).is_none());
    }
}

//! Users of the older tables are written into the newer ones (core-users.md 2.5): all of them before anybody is served from the newer ones,
//! and otherwise as a job.
//!
//! Batch by batch, each kept by itself: what stops half way goes on from there at the next time. One core at a time writes a batch.

use std::time::{Duration, Instant};

use supertokens_store::{Backfilled, StoreError};

use crate::Core;
use crate::chores::Chore;
use crate::error::{Error, chain};

/// Of users, whose rows are locked while they are written.
const USERS_AT_ONCE: i64 = 1_000;
/// While another core writes a batch.
const WAIT: Duration = Duration::from_millis(250);
/// How often a batch is tried for whose users somebody holds a lock. Each time that lock is waited for, too.
const TRIES: u32 = 20;
/// From one line about how far it is to the next.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// So many ids are named in the log.
const NAMED: usize = 50;

/// May whoever waits for this wait for others?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// What others hold is left to them, or to the next time.
    Job,
    /// Nobody is served before everybody is written.
    Start,
}

impl Core {
    /// The job: who is waiting; and, at its first time in this process, whom an older core has changed behind the newer tables' back.
    pub(crate) async fn backfill_users(&self) -> Result<u64, Error> {
        let db = &self.0.db;
        if !db.backfills() {
            return Ok(0);
        }
        let is_first = self.0.runs.figures().iter().any(|job| job.name == Chore::BackfillUsers.name() && job.last.is_none());
        if is_first {
            // Whoever came after somebody who is gone waits for the place.
            self.forget_nobodies().await;
        }
        let mut users = self.write_waiting(Patience::Job, 0).await?;
        if users > 0 && !db.reads_older_tables() {
            tracing::error!(users, "users were in the older tables only, and could not log in: the newer ones are read");
        }
        // Of the last mode there is nothing to compare with: the older tables are as they were left.
        if is_first && db.migration_mode() != "MIGRATED" && self.mark_outdated().await {
            users += self.write_waiting(Patience::Job, 0).await?;
        }
        if users > 0 || is_first {
            let left = db.read_long(async |tx| tx.inconsistent_users(None).await).await;
            match left {
                Ok(0) => {}
                Ok(users) => tracing::error!(
                    users,
                    "users are not in the newer tables as they must be; `supertokens doctor` says what to do"
                ),
                Err(error) => tracing::warn!(error = chain(&error), "users of the newer tables could not be checked"),
            }
        }
        Ok(users)
    }

    /// Writes everybody, where the newer tables are read. Who has no place there cannot log in, and somebody else can take it. That there
    /// are some shows that an older core was at work: so all is compared.
    pub(crate) async fn write_all_before_serving(&self) -> Result<(), Error> {
        let db = &self.0.db;
        if !db.backfills() || db.reads_older_tables() {
            return Ok(());
        }
        let waiting = db.read_long(async |tx| tx.users_to_backfill(None).await).await?;
        if waiting == 0 {
            return Ok(());
        }
        tracing::warn!(
            users = waiting,
            "users are in the older tables only; they are written into the newer ones before anybody is served"
        );
        let began = Instant::now();
        self.forget_nobodies().await;
        self.mark_outdated().await;
        let users = self.write_waiting(Patience::Start, waiting).await?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(users, took_ms, "users were written into the newer tables");
        Ok(())
    }

    /// What goes wrong here, and in marking, is told, and stops nothing.
    async fn forget_nobodies(&self) {
        self.size_up().await;
        match self.0.db.tx(async |tx| tx.forget_nobodies().await).await {
            Ok(0) => {}
            Ok(rows) => tracing::warn!(rows, "what the newer tables had of users that are gone was deleted"),
            Err(error) => tracing::error!(error = chain(&error), "what the newer tables have of users that are gone stays there"),
        }
    }

    /// Is there somebody to be written anew?
    async fn mark_outdated(&self) -> bool {
        match self.0.db.tx(async |tx| tx.mark_outdated().await).await {
            Ok(0) => false,
            Ok(users) => {
                tracing::warn!(users, "users were changed by a core that does not write the newer tables; writing them anew");
                true
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "whom an older core has changed could not be found");
                false
            }
        }
    }

    async fn size_up(&self) {
        if let Err(error) = self.0.db.size_up_tables_of_users().await {
            tracing::debug!(error = chain(&error), "the database was not told how large its tables are");
        }
    }

    /// As long as that gets somebody written: who gives up a place may be behind who takes it.
    async fn write_waiting(&self, patience: Patience, waiting: i64) -> Result<u64, Error> {
        let mut users = 0;
        loop {
            let pass = self.write_each_once(patience, waiting).await?;
            users += pass.users;
            if pass.unplaced.is_empty() || pass.users == 0 {
                tell_conflicts(&pass);
                return Ok(users);
            }
        }
    }

    async fn write_each_once(&self, patience: Patience, waiting: i64) -> Result<Backfilled, Error> {
        let db = &self.0.db;
        let (mut pass, mut told) = (Backfilled::default(), Instant::now());
        for app in db.read_long(async |tx| tx.apps_to_backfill().await).await? {
            let (mut after, mut tries) = (String::new(), 0);
            loop {
                self.size_up().await;
                let (of, behind) = (app.clone(), after.clone());
                let batch = match db.tx(async move |tx| tx.backfill(&of, &behind, USERS_AT_ONCE).await).await {
                    Err(StoreError::Locked | StoreError::Busy) if patience == Patience::Start && tries < TRIES => {
                        tries += 1;
                        tracing::warn!("another transaction holds users that are to be written; trying again");
                        continue;
                    }
                    batch => batch?,
                };
                let is_time = patience == Patience::Start && told.elapsed() >= TELL_EVERY;
                if batch.busy {
                    if patience == Patience::Job {
                        return Ok(pass);
                    }
                    if is_time {
                        tracing::info!("another core is writing users into the newer tables; waiting for it");
                        told = Instant::now();
                    }
                    tokio::time::sleep(WAIT).await;
                    continue;
                }
                tries = 0;
                pass.users += batch.users;
                pass.unplaced.extend(batch.unplaced);
                pass.unowned.extend(batch.unowned);
                if is_time {
                    tracing::info!(written = pass.users, of = waiting, "writing users into the newer tables");
                    told = Instant::now();
                }
                let Some(last) = batch.last else { break };
                after = last;
            }
        }
        Ok(pass)
    }
}

fn tell_conflicts(pass: &Backfilled) {
    let named = |ids: &[String]| ids.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(" ");
    if !pass.unplaced.is_empty() {
        tracing::error!(
            users = pass.unplaced.len(),
            ids = named(&pass.unplaced),
            "somebody else has what these log in by in a tenant, by the newer tables; delete or change one of the two"
        );
    }
    if !pass.unowned.is_empty() {
        tracing::error!(
            users = pass.unowned.len(),
            ids = named(&pass.unowned),
            "these primary users share an address, number or account with another one in a tenant; unlink, delete or change one of the two"
        );
    }
}

//! Does the database answer, and would a write be accepted now? A write that was kept a moment ago says so; where there is none, one is
//! tried, at most once a second whoever asks.
//!
//! On SQLite the trial is a write of one page, to the disk and back to no rows: nothing less finds a full disk, a used-up quota or
//! a file system that became read-only. On PostgreSQL it deletes no row, which a standby, a read-only session and a role
//! without rights refuse; a full disk there is known by the writes that it refused, which count for a while.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::machinery::db::Db;
use crate::machinery::error::{Result, StoreError};
use crate::machinery::health::HOLDS;
use crate::machinery::statement::statements;

statements! { "st_rs_migrations", S {
    Ping = "SELECT 1 = 1",
} }

impl Db {
    /// Is the database there and answering?
    pub async fn ping(&self) -> Result<()> {
        self.read(async |tx| tx.opt(S::Ping, &[], |row| row.flag(0)).await.map(|_| ())).await
    }

    /// Would a write be accepted now? The answer is at most a second old. What is not known after `patience` is an error.
    ///
    /// # Errors
    /// Why not. The log has it already, with what to do.
    pub async fn ready(&self, patience: Duration) -> Result<()> {
        let health = &self.shared().health;
        if health.was_kept_lately() {
            return Ok(());
        }
        let mut tried = health.tried.lock().await;
        if let Some((at, answer)) = &*tried
            && at.elapsed() < HOLDS
        {
            return answer.clone();
        }
        if !self.finds_a_full_disk()
            && let Some(full) = health.was_full_lately()
        {
            return Err(full);
        }
        let answer = match tokio::time::timeout(patience, Box::pin(self.try_writing())).await {
            Ok(answer) => {
                match &answer {
                    Ok(()) => health.is_well_again(),
                    Err(error) => health.refused(error),
                }
                answer
            }
            Err(_) => {
                let waited = patience.as_millis();
                let silence = StoreError::unavailable(format!("there was no answer in {waited} ms"));
                health.silent(&silence);
                Err(silence)
            }
        };
        *tried = Some((Instant::now(), answer.clone()));
        answer
    }

    /// Was the last write that was tried accepted, as far as is known? Asks nobody.
    pub fn takes_writes(&self) -> bool {
        !self.shared().health.troubled.load(Ordering::Relaxed)
    }
}

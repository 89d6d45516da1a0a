//! Locks by name, on which servers agree whatever the rows.

use crate::machinery::error::{Result, StoreError};
use crate::machinery::statement::{args, statements};
use crate::machinery::tx::Tx;

statements! { "st_rs_migrations", S {
    TryLock = "SELECT {try_lock $1}",
} }

impl Tx<'_> {
    /// Takes the lock of a name (`<app>~<tenant>~<name>`) until the transaction ends: the one the Java core takes. If
    /// another holds it the transaction begins again. SQLite has one writer and needs none.
    pub async fn advisory_lock(&mut self, name: &str) -> Result<()> {
        let taken = self.opt(S::TryLock, &args![name], |row| row.flag(0)).await?;
        if taken == Some(true) { Ok(()) } else { Err(StoreError::Busy) }
    }
}

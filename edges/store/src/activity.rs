//! Who was active when, and what happened: tables `user_last_active` and `activity_log` (core-session.md 2.8, 6.2, 7).
//!
//! PostgreSQL keeps the log in one partition for each UTC month, SQLite in one table. Either way a month's worth is kept.

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::{DAY, Millis};

use crate::machinery::{Db, Dialect, Result, StoreError, Tx, args, statements};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    /// The app.
    pub app: AppId,
    /// The tenant.
    pub tenant: TenantId,
    /// The recipe user.
    pub recipe_user_id: Option<String>,
    /// The primary user.
    pub primary_or_recipe_user_id: Option<String>,
    /// What happened.
    pub event_type: String,
    /// How it ended.
    pub status: Option<String>,
    /// By whom.
    pub auth_principal: Option<String>,
    /// On what.
    pub identifier: Option<String>,
    /// When.
    pub created_at: Millis,
    /// More, as text.
    pub payload: Option<String>,
}

statements! { "activity_log", S {
    Mark = "INSERT INTO {user_last_active} (app_id, user_id, last_active_time) VALUES ($1, $2, $3)
             ON CONFLICT (app_id, user_id) DO UPDATE SET last_active_time = EXCLUDED.last_active_time",
    Forget = "DELETE FROM {user_last_active} WHERE app_id = $1 AND user_id = $2",
    Log = "INSERT INTO {activity_log} (app_id, tenant_id, recipe_user_id, primary_or_recipe_user_id, event_type, status,
             auth_principal, identifier, created_at, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    // By time: what has an app's name before it goes through all who were ever there.
    ActiveUsers = "SELECT COUNT(*) FROM {user_last_active} WHERE app_id || '' = $1 AND last_active_time >= $2",
    DeleteOld = "DELETE FROM {activity_log} WHERE id IN (SELECT id FROM {activity_log} WHERE created_at < $1 LIMIT $2)",
    Owned = "SELECT {owned activity_log}",
    Partitions = "SELECT name FROM {partition_list activity_log}",
} }

/// A new partition would have to take rows that the default one holds.
const CHECK_VIOLATION: &str = "23514";

/// The tables belong to another role.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Whoever waits for the whole log keeps everybody else from writing to it meanwhile.
const BRIEFLY: &str = "SET LOCAL lock_timeout = '1s'";

impl Db {
    /// Makes the partitions of this month and the next. Does nothing on SQLite.
    pub async fn ensure_activity_partitions(&self, now: Millis) -> Result<()> {
        if self.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let this_month = Month::of(now);
        for month in [this_month, this_month.next()] {
            match self.tx(async move |tx| tx.make_partition(month).await).await {
                // Rows of the month are in the default partition already. They are safe there, and so are those to come.
                Err(StoreError::Driver(error)) if error.code.as_deref() == Some(CHECK_VIOLATION) => {
                    tracing::warn!(month = month.digits(), "the activity of this month stays in the default partition");
                }
                // The role that runs the core need not be the one that makes tables.
                Err(StoreError::Driver(error)) if error.code.as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
                    tracing::info!(month = month.digits(), "this role makes no partitions; the month is kept in the default one");
                }
                Err(StoreError::Locked) => {
                    tracing::warn!(month = month.digits(), "the log of activity is in use; this month has no partition yet");
                }
                made => made?,
            }
        }
        Ok(())
    }

    /// Drops what is older than this: months that are wholly so on PostgreSQL, lines on SQLite. Says how many of either.
    pub async fn drop_old_activity(&self, before: Millis) -> Result<u64> {
        let day = before.div_euclid(DAY) * DAY;
        if self.dialect() == Dialect::Sqlite {
            return self.delete_old_lines(day).await;
        }
        // Another role's tables cannot be dropped, but their rows can be deleted.
        let owned = self.read_long(async |tx| tx.opt(S::Owned, &[], |row| row.flag(0)).await).await?;
        if owned == Some(false) {
            return self.delete_old_lines(day).await;
        }
        self.tx(async move |tx| {
            tx.ddl(BRIEFLY).await?;
            let mut dropped = 0;
            for month in tx.activity_partitions().await? {
                let last_day = month.next().start() - DAY;
                if last_day < day {
                    let partition = tx.partition(month);
                    tx.ddl(&format!("DROP TABLE IF EXISTS {partition}")).await?;
                    dropped += 1;
                }
            }
            Ok(dropped)
        })
        .await
    }
}

impl Db {
    /// In steps, between which others write: there is one writer.
    async fn delete_old_lines(&self, before: Millis) -> Result<u64> {
        const STEP: u64 = 2_000;
        let mut deleted = 0;
        loop {
            let these = self.single(async move |tx| tx.exec(S::DeleteOld, &args![before, STEP.cast_signed()]).await).await?;
            deleted += these;
            if these < STEP {
                return Ok(deleted);
            }
        }
    }
}

impl Tx<'_> {
    /// Under a lock: two servers that start together would both try.
    async fn make_partition(&mut self, month: Month) -> Result<()> {
        self.ddl(BRIEFLY).await?;
        self.advisory_lock("st_rs~activity_log~partitions").await?;
        if self.activity_partitions().await?.contains(&month) {
            return Ok(());
        }
        let (of, from, to) = (self.sql().render("{activity_log}"), month.start(), month.next().start());
        let partition = self.partition(month);
        let text = format!("CREATE TABLE IF NOT EXISTS {partition} PARTITION OF {of} FOR VALUES FROM ({from}) TO ({to})");
        self.ddl(&text).await
    }

    /// A user is none any more, or not under this id: it was never active.
    pub async fn forget_last_active(&mut self, app: &AppId, user_id: &str) -> Result<()> {
        self.with_commit(S::Forget, args![app, user_id].into()).await
    }

    /// Notes that a user was active now, with the commit. Any text is a user id.
    pub async fn mark_last_active(&mut self, app: &AppId, user_id: &str, now: Millis) -> Result<()> {
        self.with_commit(S::Mark, args![app, user_id, now].into()).await
    }

    /// Writes a line of the log, with the commit.
    pub async fn log_activity(&mut self, row: &ActivityRow) -> Result<()> {
        let params = args![
            &row.app,
            &row.tenant,
            row.recipe_user_id.as_ref(),
            row.primary_or_recipe_user_id.as_ref(),
            &row.event_type,
            row.status.as_ref(),
            row.auth_principal.as_ref(),
            row.identifier.as_ref(),
            row.created_at,
            row.payload.as_ref()
        ];
        self.with_commit(S::Log, params.into()).await
    }

    /// How many users of an app were active since then.
    pub async fn active_users(&mut self, app: &AppId, since: Millis) -> Result<i64> {
        Ok(self.opt(S::ActiveUsers, &args![app, since], |row| row.int(0)).await?.unwrap_or_default())
    }

    /// The text of the table that `month` fills.
    fn partition(&self, month: Month) -> String {
        self.sql().render(&format!("{{activity_log}}_p{}", month.digits()))
    }

    /// The months that have a partition. The default partition and strangers are passed over.
    async fn activity_partitions(&mut self) -> Result<Vec<Month>> {
        let prefix = format!("{}_p", self.sql().names().unqualified("activity_log").to_lowercase());
        let names = self.all(S::Partitions, &[], |row| row.text(0)).await?;
        Ok(names.iter().filter_map(|name| Month::from_digits(name.to_lowercase().strip_prefix(&prefix)?)).collect())
    }
}

/// A month of the UTC calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Month {
    year: i64,
    /// 1 to 12.
    month: i64,
}

impl Month {
    /// The month an instant is in.
    fn of(now: Millis) -> Self {
        // Near enough to begin with, then one step at most.
        let days = now.div_euclid(DAY);
        let mut month = Self { year: 1970 + days.div_euclid(366), month: 1 };
        while month.next().start() <= now {
            month = month.next();
        }
        month
    }

    fn next(self) -> Self {
        if self.month == 12 { Self { year: self.year + 1, month: 1 } } else { Self { month: self.month + 1, ..self } }
    }

    /// Its first instant. Days are counted from March, so that a leap day ends a year.
    fn start(self) -> Millis {
        let (year, month) = if self.month > 2 { (self.year, self.month - 3) } else { (self.year - 1, self.month + 9) };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = 365 * year + leap_days + (153 * month + 2).div_euclid(5);
        // From the first of March of the year 0 to 1970 are 719468 days.
        (days - 719_468) * DAY
    }

    fn digits(self) -> String {
        format!("{:04}{:02}", self.year, self.month)
    }

    fn from_digits(digits: &str) -> Option<Self> {
        let (year, month) = digits.split_at_checked(4)?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (digits.len() == 6 && (1..=12).contains(&month)).then_some(Self { year, month })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_where_the_calendar_says() {
        let start = |year, month| Month { year, month }.start();
        assert_eq!(start(1970, 1), 0);
        assert_eq!(start(2000, 3), 951_868_800_000);
        assert_eq!(start(2024, 3) - start(2024, 2), 29 * DAY);
        assert_eq!(start(2026, 3) - start(2026, 2), 28 * DAY);
        assert_eq!(start(2026, 11), 1_793_491_200_000);
        assert_eq!(Month { year: 2026, month: 12 }.next(), Month { year: 2027, month: 1 });
    }

    #[test]
    fn an_instant_is_in_its_month() {
        let november = Month { year: 2026, month: 11 };
        assert_eq!(Month::of(november.start()), november);
        assert_eq!(Month::of(november.start() - 1), Month { year: 2026, month: 10 });
        assert_eq!(Month::of(november.next().start() - 1), november);
        assert_eq!(Month::of(0), Month { year: 1970, month: 1 });
        assert_eq!(november.digits(), "202611");
        assert_eq!(Month::from_digits("202611"), Some(november));
        assert_eq!(Month::from_digits("2026115"), None);
        assert_eq!(Month::from_digits("default"), None);
    }
}

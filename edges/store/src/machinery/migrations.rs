//! How the tables come to be: numbered texts, run at start under a lock, each recorded once (house.md 6, decisions 4 and 5).

use std::time::{SystemTime, UNIX_EPOCH};

use supertokens_domain::time::Millis;

use tokio_postgres::types::{ToSql, Type};

use crate::machinery::contents::RECORDS;
use crate::machinery::db::Db;
use crate::machinery::due::{PlannedMigration, begin, plan_sqlite, unrecorded};
use crate::machinery::error::Result;
use crate::machinery::failure::{from_postgres, from_sqlite};
use crate::machinery::postgres::connection::{Connection, Pooler};
use crate::machinery::rights;
use crate::machinery::sql::Sql;
use crate::machinery::statistics;

/// A migration that has been run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
}

const RECORD: &str = "INSERT INTO {st_rs_migrations} (number, name, applied_at) VALUES ($1, $2, $3)";

impl Db {
    /// Brings the tables up to date and says what had to be done. Several processes may do this at once.
    pub async fn migrate(&self) -> Result<Vec<Applied>> {
        let now = now();
        let shared = self.shared().clone();
        let on_sqlite = move |connection: &mut rusqlite::Connection| migrate_sqlite(connection, &shared.sql, now);
        let applied = self.on_connection(on_sqlite, async |client| migrate_postgres(client, self.sql(), now).await).await?;
        self.warn().await?;
        Ok(applied)
    }

    /// What an operator should know at every start.
    async fn warn(&self) -> Result<()> {
        for lack in self.lacking().await? {
            tracing::warn!("this role lacks {}; requests that need it will fail: {}", lack.right, lack.grant);
        }
        for creator in self.creators().await? {
            let (role, schema) = (&creator.role, &creator.schema);
            tracing::warn!("{role} may make tables and functions in the schema {schema} of the tables; {}", creator.revoke);
        }
        if self.pooler() == Some(Pooler::TransactionWithoutNames) {
            tracing::warn!("a pooler in transaction mode keeps no prepared statements; {}", Pooler::REMEDY);
        }
        Ok(())
    }

    /// What `migrate` would run. Changes nothing.
    pub async fn plan(&self) -> Result<Vec<PlannedMigration>> {
        let shared = self.shared().clone();
        let on_sqlite = move |connection: &mut rusqlite::Connection| plan_sqlite(connection, &shared.sql);
        self.on_connection(on_sqlite, async |client| plan_postgres(client, self.sql()).await).await
    }
}

pub(crate) fn migrate_sqlite(connection: &mut rusqlite::Connection, sql: &Sql, now: Millis) -> Result<Vec<Applied>> {
    let failed = |e: rusqlite::Error| from_sqlite(&e, sql);
    connection.execute_batch(&sql.render(RECORDS)).map_err(failed)?;
    let mut applied = Vec::new();
    for due in plan_sqlite(connection, sql)? {
        connection.execute_batch(&due.sql).map_err(failed)?;
        connection.execute(&sql.render(RECORD), (due.number, due.name, now)).map_err(failed)?;
        applied.push(Applied { number: due.number, name: due.name });
    }
    statistics::tell(connection, sql.contents().shared_columns).map_err(failed)?;
    Ok(applied)
}

/// Where nothing is due, nothing is demanded but to read what has been done. Each step is kept by itself, so that what it locks is free
/// for others while the next one works; what stops half way goes on behind the last one recorded.
async fn migrate_postgres(client: &Connection, sql: &Sql, now: Millis) -> Result<Vec<Applied>> {
    let mut applied = Vec::new();
    let mut due = plan_postgres(client, sql).await?.len();
    while due > 0 {
        let (done, left) = migrate_one(client, sql, now).await?;
        applied.extend(done);
        due = left;
    }
    Ok(applied)
}

/// The next step, if one is due, and how many are behind it. Another server may do one in between.
async fn migrate_one(client: &Connection, sql: &Sql, now: Millis) -> Result<(Option<Applied>, usize)> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    begin(client, sql).await?;
    rights::may_migrate(client, sql).await?;
    // Another server may be migrating, and take its time.
    client.batch_execute("SET LOCAL lock_timeout = 0").await.map_err(failed)?;
    let lock = "SELECT pg_catalog.pg_advisory_xact_lock(CAST(pg_catalog.hashtext('st_rs_migrations') AS BIGINT))";
    client.batch_execute(lock).await.map_err(failed)?;
    let schema = &sql.names().schema;
    if !has_schema(client, sql).await? {
        client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await.map_err(failed)?;
    }
    let mut due = unrecorded(client, sql).await?.into_iter();
    let mut applied = None;
    if let Some(step) = due.next() {
        client.batch_execute(&sql.render(RECORDS)).await.map_err(failed)?;
        client.batch_execute(&step.sql).await.map_err(failed)?;
        let record = [(&step.number as &(dyn ToSql + Sync), Type::INT8), (&step.name, Type::UNKNOWN), (&now, Type::INT8)];
        client.execute_typed(&sql.render(RECORD), &record).await.map_err(failed)?;
        applied = Some(Applied { number: step.number, name: step.name });
    }
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok((applied, due.len()))
}

async fn plan_postgres(client: &Connection, sql: &Sql) -> Result<Vec<PlannedMigration>> {
    begin(client, sql).await?;
    let plan = unrecorded(client, sql).await?;
    client.batch_execute("COMMIT").await.map_err(|e| from_postgres(&e, sql))?;
    Ok(plan)
}

async fn has_schema(client: &Connection, sql: &Sql) -> Result<bool> {
    let text = format!("SELECT 1 FROM pg_namespace WHERE nspname = lower('{}')", sql.names().schema);
    client.query_typed(&text, &[]).await.map(|rows| !rows.is_empty()).map_err(|e| from_postgres(&e, sql))
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

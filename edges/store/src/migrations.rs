//! How the tables come to be: numbered texts, run at start under a lock, each recorded once (house.md 6, decisions 4 and 5).
//!
//! A text is in PostgreSQL's dialect. What stands behind a line `-- sqlite:` or `-- postgres:` is for that database only,
//! until the next such line or `-- both:`. A database of the Java core is completed, never rewritten: SQLite, which does not
//! know `ADD COLUMN IF NOT EXISTS`, gets such a line without the condition, and only where the column is missing.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use supertokens_domain::time::Millis;

use tokio_postgres::types::{ToSql, Type};

use crate::connection::{BEGIN, Connection, Pooler, SEARCH_PATH};
use crate::db::Db;
use crate::error::{Result, StoreError, from_postgres, from_sqlite};
use crate::rights;
use crate::statement::{Dialect, Sql};

/// In their order. A text is never changed once it has been released.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "tenancy", include_str!("../migrations/0001_tenancy.sql")),
    (2, "users", include_str!("../migrations/0002_users.sql")),
    (3, "session", include_str!("../migrations/0003_session.sql")),
    (4, "activity", include_str!("../migrations/0004_activity.sql")),
];

/// A migration that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMigration {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
    /// What it will run, as the database will see it.
    pub sql: String,
}

/// A migration that has been run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
}

const RECORDS: &str = "CREATE TABLE IF NOT EXISTS {st_rs_migrations} (
    number BIGINT NOT NULL, name VARCHAR(128) NOT NULL, applied_at BIGINT NOT NULL,
    CONSTRAINT {name st_rs_migrations}_pkey PRIMARY KEY (number))";
const RECORDED: &str = "SELECT number FROM {st_rs_migrations}";
const RECORD: &str = "INSERT INTO {st_rs_migrations} (number, name, applied_at) VALUES ($1, $2, $3)";

/// All texts that make something, as they stand here.
pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|(_, _, text)| *text).chain([RECORDS])
}

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
    Ok(applied)
}

fn plan_sqlite(connection: &mut rusqlite::Connection, sql: &Sql) -> Result<Vec<PlannedMigration>> {
    let failed = |e: rusqlite::Error| from_sqlite(&e, sql);
    let table = sql.names().unqualified("st_rs_migrations");
    let there: bool = connection
        .query_row("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)", [table], |row| row.get(0))
        .map_err(failed)?;
    let mut recorded = BTreeSet::new();
    if there {
        let mut statement = connection.prepare(&sql.render(RECORDED)).map_err(failed)?;
        let numbers = statement.query_map([], |row| row.get::<_, i64>(0)).map_err(failed)?;
        for number in numbers {
            recorded.insert(number.map_err(failed)?);
        }
    }
    let mut plan = due(sql, &recorded);
    for step in &mut plan {
        step.sql = only_missing_columns(connection, &step.sql).map_err(failed)?;
    }
    Ok(plan)
}

/// A table that is not there yet is made with all its columns.
fn only_missing_columns(connection: &rusqlite::Connection, text: &str) -> rusqlite::Result<String> {
    const IF_MISSING: &str = " ADD COLUMN IF NOT EXISTS ";
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let Some((alter, column)) = line.split_once(IF_MISSING) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let table = alter.rsplit(' ').next().unwrap_or_default();
        let name = column.split(' ').next().unwrap_or_default();
        let count = "SELECT COUNT(*), COUNT(*) FILTER (WHERE name = ?2) FROM pragma_table_info(?1)";
        let (columns, found): (i64, i64) = connection.query_row(count, [table, name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if columns > 0 && found == 0 {
            out.push_str(&format!("{alter} ADD COLUMN {column}\n"));
        }
    }
    Ok(out)
}

/// Where nothing is due, nothing is demanded but to read what has been done.
async fn migrate_postgres(client: &Connection, sql: &Sql, now: Millis) -> Result<Vec<Applied>> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    if plan_postgres(client, sql).await?.is_empty() {
        return Ok(Vec::new());
    }
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
    let due = unrecorded(client, sql).await?;
    client.batch_execute(&sql.render(RECORDS)).await.map_err(failed)?;
    let mut applied = Vec::new();
    for due in due {
        client.batch_execute(&due.sql).await.map_err(failed)?;
        let record = [(&due.number as &(dyn ToSql + Sync), Type::INT8), (&due.name, Type::UNKNOWN), (&now, Type::INT8)];
        client.execute_typed(&sql.render(RECORD), &record).await.map_err(failed)?;
        applied.push(Applied { number: due.number, name: due.name });
    }
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(applied)
}

async fn plan_postgres(client: &Connection, sql: &Sql) -> Result<Vec<PlannedMigration>> {
    begin(client, sql).await?;
    let plan = unrecorded(client, sql).await?;
    client.batch_execute("COMMIT").await.map_err(|e| from_postgres(&e, sql))?;
    Ok(plan)
}

/// A transaction in which no schema is searched, whatever stands between us and the server.
pub(crate) async fn begin(client: &Connection, sql: &Sql) -> Result<()> {
    client.batch_execute(&format!("{BEGIN}; SET LOCAL {SEARCH_PATH}")).await.map_err(|e| from_postgres(&e, sql))
}

async fn has_schema(client: &Connection, sql: &Sql) -> Result<bool> {
    let text = format!("SELECT 1 FROM pg_namespace WHERE nspname = lower('{}')", sql.names().schema);
    client.query_typed(&text, &[]).await.map(|rows| !rows.is_empty()).map_err(|e| from_postgres(&e, sql))
}

pub(crate) async fn unrecorded(client: &Connection, sql: &Sql) -> Result<Vec<PlannedMigration>> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    let there = |table: &str| format!("SELECT to_regclass('{}') IS NOT NULL", sql.names().qualified(table, Dialect::Postgres));
    let is_there = async |table: &str| -> Result<bool> {
        client.query_typed_one(&there(table), &[]).await.and_then(|row| row.try_get(0)).map_err(failed)
    };
    let mut recorded = BTreeSet::new();
    crate::rights::may_look(client, sql).await?;
    if is_there("st_rs_migrations").await? {
        for row in client.query_typed(&sql.render(RECORDED), &[]).await.map_err(failed)? {
            recorded.insert(row.try_get(0).map_err(failed)?);
        }
    } else if !is_there("session_info").await? {
        refuse_other_schema(client, sql).await?;
    }
    Ok(due(sql, &recorded))
}

/// Before tables are made anew: those of a core that went by the search path of the role or the database may be somewhere else.
async fn refuse_other_schema(client: &Connection, sql: &Sql) -> Result<()> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    client.batch_execute("SET LOCAL search_path TO DEFAULT").await.map_err(failed)?;
    let path = "SELECT CAST(pg_catalog.current_schemas(false) AS TEXT[])";
    let path: Vec<String> = client.query_typed_one(path, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    client.batch_execute(&format!("SET LOCAL {SEARCH_PATH}")).await.map_err(failed)?;
    let found = "SELECT CAST(n.nspname AS TEXT) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE CAST(c.relname AS TEXT) = lower($1) AND CAST(n.nspname AS TEXT) = ANY($2) LIMIT 1";
    let table = sql.names().unqualified("session_info");
    let params = [(&table as &(dyn ToSql + Sync), Type::TEXT), (&path, Type::TEXT_ARRAY)];
    let Some(row) = client.query_typed(found, &params).await.map_err(failed)?.into_iter().next() else { return Ok(()) };
    let (found, ours): (String, &str) = (row.try_get(0).map_err(failed)?, &sql.names().schema);
    Err(StoreError::BadOptions(format!(
        "there are no tables in the schema {ours}, but the search path of this role names the schema {found}, which has a table {table}; \
         the search path is not heeded. If those are the tables, set postgresql_table_schema: {found}"
    )))
}

fn due(sql: &Sql, recorded: &BTreeSet<i64>) -> Vec<PlannedMigration> {
    if let Some(newest) = recorded.last().filter(|newest| MIGRATIONS.iter().all(|(number, _, _)| number < newest)) {
        tracing::warn!(migration = newest, "the database has been migrated by a newer version of this program");
    }
    let plan = |&(number, name, text): &(i64, &'static str, &str)| PlannedMigration {
        number,
        name,
        sql: sql.render(&for_dialect(text, sql.dialect())),
    };
    MIGRATIONS.iter().filter(|(number, _, _)| !recorded.contains(number)).map(plan).collect()
}

/// The lines that are for this database.
fn for_dialect(text: &str, dialect: Dialect) -> String {
    let mut ours = true;
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        match line.trim() {
            "-- both:" => ours = true,
            "-- sqlite:" => ours = dialect == Dialect::Sqlite,
            "-- postgres:" => ours = dialect == Dialect::Postgres,
            _ if ours => {
                out.push_str(line);
                out.push('\n');
            }
            _ => {}
        }
    }
    out
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::TableNames;

    #[test]
    fn blocks_are_for_their_database() {
        let text = "a\n-- sqlite:\nb\n-- postgres:\nc\n-- both:\nd";
        assert_eq!(for_dialect(text, Dialect::Sqlite), "a\nb\nd\n");
        assert_eq!(for_dialect(text, Dialect::Postgres), "a\nc\nd\n");
    }

    #[test]
    fn constraints_are_named_after_the_table_without_schema_and_indexes_have_fixed_names() {
        let names = TableNames { schema: "auth".into(), prefix: "st".into(), ..TableNames::default() };
        let sql = Sql::new(Dialect::Postgres, names);
        let all: String = due(&sql, &BTreeSet::new()).into_iter().map(|migration| migration.sql).collect();
        assert!(all.contains("CREATE TABLE IF NOT EXISTS auth.st_session_info ("));
        assert!(all.contains("CONSTRAINT st_session_info_pkey PRIMARY KEY"));
        assert!(all.contains("CONSTRAINT st_session_info_tenant_id_fkey"));
        assert!(all.contains("CREATE INDEX IF NOT EXISTS session_expiry_index ON auth.st_session_info"));
        assert!(!all.contains('{'), "a directive was left in a migration");
    }

    #[test]
    fn numbers_rise_by_one() {
        assert!(MIGRATIONS.iter().zip(1..).all(|((number, _, _), expected)| *number == expected));
    }
}

//! How the tables come to be: numbered texts, run at start under a lock, each recorded once (house.md 6, decisions 4 and 5).
//!
//! A text is in PostgreSQL's dialect. What stands behind a line `-- sqlite:` or `-- postgres:` is for that database only,
//! until the next such line or `-- both:`. A database of the Java core is completed, never rewritten: SQLite, which does not
//! know `ADD COLUMN IF NOT EXISTS`, gets such a line without the condition, and only where the column is missing.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use supertokens_domain::time::Millis;

use crate::db::Db;
use crate::error::{Result, from_postgres, from_sqlite};
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
        self.on_connection(on_sqlite, async |client| migrate_postgres(client, self.sql(), now).await).await
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

async fn migrate_postgres(client: &tokio_postgres::Client, sql: &Sql, now: Millis) -> Result<Vec<Applied>> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    // Another server may be migrating, and take its time.
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0").await.map_err(failed)?;
    client.batch_execute("SELECT pg_advisory_xact_lock(hashtext('st_rs_migrations'))").await.map_err(failed)?;
    if let Some(schema) = own_schema(sql) {
        let there = client.query("SELECT 1 FROM pg_namespace WHERE nspname = lower($1)", &[&schema]).await.map_err(failed)?;
        if there.is_empty() {
            client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await.map_err(failed)?;
        }
    }
    client.batch_execute(&sql.render(RECORDS)).await.map_err(failed)?;
    let mut applied = Vec::new();
    for due in plan_postgres(client, sql).await? {
        client.batch_execute(&due.sql).await.map_err(failed)?;
        client.execute(&sql.render(RECORD), &[&due.number, &due.name, &now]).await.map_err(failed)?;
        applied.push(Applied { number: due.number, name: due.name });
    }
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(applied)
}

async fn plan_postgres(client: &tokio_postgres::Client, sql: &Sql) -> Result<Vec<PlannedMigration>> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    let table = sql.names().qualified("st_rs_migrations", Dialect::Postgres);
    let there = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await.map_err(failed)?;
    let mut recorded = BTreeSet::new();
    if there.try_get(0).map_err(failed)? {
        for row in client.query(&sql.render(RECORDED), &[]).await.map_err(failed)? {
            recorded.insert(row.try_get(0).map_err(failed)?);
        }
    }
    Ok(due(sql, &recorded))
}

/// The schema that is to be made, if it is not the one that every database has.
fn own_schema(sql: &Sql) -> Option<String> {
    Some(sql.names().schema.clone()).filter(|schema| schema != "public")
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

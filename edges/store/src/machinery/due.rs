//! Which migrations are due, and may this role look whether they are? Changes nothing.
//!
//! A text is in PostgreSQL's dialect. What stands behind a line `-- sqlite:` or `-- postgres:` is for that database only,
//! until the next such line or `-- both:`. A database of the Java core is completed, never rewritten: a line with
//! `ADD COLUMN IF NOT EXISTS` is run only where the column is missing. SQLite, which does not know the condition, gets it without.

use std::collections::BTreeSet;

use tokio_postgres::types::{ToSql, Type};

use crate::machinery::contents::Migration;
use crate::machinery::error::{Result, StoreError};
use crate::machinery::failure::{from_postgres, from_sqlite};
use crate::machinery::naming::Dialect;
use crate::machinery::postgres::connection::{BEGIN, Connection, SEARCH_PATH};
use crate::machinery::sql::Sql;

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

/// What the role lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The rights and what they are on: `UPDATE on public.st_rs_migrations`.
    pub right: String,
    /// The statement that gives them.
    pub grant: String,
}

const RECORDED: &str = "SELECT number FROM {st_rs_migrations}";

/// What is due on SQLite.
pub(crate) fn plan_sqlite(connection: &mut rusqlite::Connection, sql: &Sql) -> Result<Vec<PlannedMigration>> {
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

/// A column that is to be added where it is missing.
struct Added<'a> {
    table: &'a str,
    name: &'a str,
    alter: &'a str,
    column: &'a str,
}

const IF_MISSING: &str = " ADD COLUMN IF NOT EXISTS ";

impl<'a> Added<'a> {
    fn by(line: &'a str) -> Option<Self> {
        let (alter, column) = line.split_once(IF_MISSING)?;
        let (table, name) = (alter.rsplit(' ').next()?, column.split(' ').next()?);
        Some(Self { table, name, alter, column })
    }
}

/// A table that is not there yet is made with all its columns.
fn only_missing_columns(connection: &rusqlite::Connection, text: &str) -> rusqlite::Result<String> {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let Some(Added { table, name, alter, column }) = Added::by(line) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let count = "SELECT COUNT(*), COUNT(*) FILTER (WHERE name = ?2) FROM pragma_table_info(?1)";
        let (columns, found): (i64, i64) = connection.query_row(count, [table, name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if columns > 0 && found == 0 {
            out.push_str(&format!("{alter} ADD COLUMN {column}\n"));
        }
    }
    Ok(out)
}

/// The same: PostgreSQL would lock the table against everybody, also to find out that nothing is missing.
async fn only_columns_missing_there(client: &Connection, sql: &Sql, text: &str) -> Result<String> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if let Some(added) = Added::by(line) {
            let count = "SELECT COUNT(*), COUNT(*) FILTER (WHERE CAST(attname AS TEXT) = lower($2)) FROM pg_attribute
                WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
            let params = [(&added.table as &(dyn ToSql + Sync), Type::TEXT), (&added.name, Type::TEXT)];
            let row = client.query_typed_one(count, &params).await.map_err(failed)?;
            let (columns, found): (i64, i64) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
            if columns == 0 || found > 0 {
                continue;
            }
        }
        out.push_str(line);
        out.push('\n');
    }
    Ok(out)
}

/// A transaction in which no schema is searched, whatever stands between us and the server.
pub(crate) async fn begin(client: &Connection, sql: &Sql) -> Result<()> {
    client.batch_execute(&format!("{BEGIN}; SET LOCAL {SEARCH_PATH}")).await.map_err(|e| from_postgres(&e, sql))
}

/// The rows of a statement that gives texts.
pub(crate) async fn rows(client: &Connection, sql: &Sql, text: &str) -> Result<Vec<Vec<String>>> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    let rows = client.query_typed(text, &[]).await.map_err(failed)?;
    rows.iter()
        .map(|row| (0..row.len()).map(|at| row.try_get(at)).collect::<std::result::Result<_, _>>().map_err(failed))
        .collect()
}

/// Refuses in words where it cannot be seen which steps are due.
async fn may_look(client: &Connection, sql: &Sql) -> Result<()> {
    let Some(lack) = lacking_to_look(client, sql).await? else { return Ok(()) };
    Err(StoreError::Rights(format!("this role lacks {}; run: {}", lack.right, lack.grant)))
}

/// What this role lacks to see which steps are due.
pub(crate) async fn lacking_to_look(client: &Connection, sql: &Sql) -> Result<Option<Lack>> {
    let (schema, recorded) = (&sql.names().schema, sql.names().unqualified("st_rs_migrations"));
    let text = format!(
        "SELECT CAST(quote_ident(current_user) AS TEXT), 'USAGE', 'SCHEMA ' || nspname FROM pg_namespace
         WHERE nspname = lower('{schema}') AND NOT has_schema_privilege(oid, 'USAGE')
         UNION ALL SELECT CAST(quote_ident(current_user) AS TEXT), 'SELECT', n.nspname || '.' || c.relname
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = lower('{schema}')
         AND CAST(c.relname AS TEXT) = lower('{recorded}') AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY 2 DESC"
    );
    let lack = |row: Vec<String>| match row.as_slice() {
        [role, right, on] => Some(Lack { right: format!("{right} on {on}"), grant: format!("GRANT {right} ON {on} TO {role}") }),
        _ => None,
    };
    Ok(rows(client, sql, &text).await?.into_iter().next().and_then(lack))
}

/// What is due on PostgreSQL.
pub(crate) async fn unrecorded(client: &Connection, sql: &Sql) -> Result<Vec<PlannedMigration>> {
    let failed = |e: tokio_postgres::Error| from_postgres(&e, sql);
    let there = |table: &str| format!("SELECT to_regclass('{}') IS NOT NULL", sql.names().qualified(table, Dialect::Postgres));
    let is_there = async |table: &str| -> Result<bool> {
        client.query_typed_one(&there(table), &[]).await.and_then(|row| row.try_get(0)).map_err(failed)
    };
    let mut recorded = BTreeSet::new();
    may_look(client, sql).await?;
    if is_there("st_rs_migrations").await? {
        for row in client.query_typed(&sql.render(RECORDED), &[]).await.map_err(failed)? {
            recorded.insert(row.try_get(0).map_err(failed)?);
        }
    } else if !is_there(sql.contents().landmark).await? {
        refuse_other_schema(client, sql).await?;
    }
    let mut due = due(sql, &recorded);
    for step in &mut due {
        step.sql = only_columns_missing_there(client, sql, &step.sql).await?;
    }
    Ok(due)
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
    let table = sql.names().unqualified(sql.contents().landmark);
    let params = [(&table as &(dyn ToSql + Sync), Type::TEXT), (&path, Type::TEXT_ARRAY)];
    let Some(row) = client.query_typed(found, &params).await.map_err(failed)?.into_iter().next() else { return Ok(()) };
    let (found, ours): (String, &str) = (row.try_get(0).map_err(failed)?, &sql.names().schema);
    Err(StoreError::BadOptions(format!(
        "there are no tables in the schema {ours}, but the search path of this role names the schema {found}, which has a table {table}; \
         the search path is not heeded. If those are the tables, set postgresql_table_schema: {found}"
    )))
}

/// What is due where these have been run.
pub(crate) fn due(sql: &Sql, recorded: &BTreeSet<i64>) -> Vec<PlannedMigration> {
    let all = sql.contents().migrations;
    if let Some(newest) = recorded.last().filter(|newest| all.iter().all(|migration| migration.number < **newest)) {
        tracing::warn!(migration = newest, "the database has been migrated by a newer version of this program");
    }
    let plan = |&Migration { number, name, text }: &Migration| PlannedMigration {
        number,
        name,
        sql: sql.render(&for_dialect(text, sql.dialect())),
    };
    all.iter().filter(|migration| !recorded.contains(&migration.number)).map(plan).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_for_their_database() {
        let text = "a\n-- sqlite:\nb\n-- postgres:\nc\n-- both:\nd";
        assert_eq!(for_dialect(text, Dialect::Sqlite), "a\nb\nd\n");
        assert_eq!(for_dialect(text, Dialect::Postgres), "a\nc\nd\n");
    }
}

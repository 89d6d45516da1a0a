//! Who gets the PostgreSQL database that a world has left, and is it as good as new?
//!
//! Making a database and its hundred tables takes fifteen times as long as the scenario in it. So a world that leaves
//! empties its tables, and the next one takes the database over, under another name: a core that somebody forgot to
//! close cannot come back to it. What cannot be emptied, or whose tables, settings or list of migrations are no longer
//! those that the first start made, is dropped; so is what has grown, or was analysed: there the planner sees other sizes.

use std::sync::{Mutex, PoisonError};

use anyhow::Context;

use crate::target::{Kind, TestDatabase, on_postgres, server_url};

/// Everything about a database but its rows, as one line of text.
pub type Shape = String;

/// Those that wait for a world: at most as many as worlds were open at the same time.
static SPARE: Mutex<Vec<(TestDatabase, Shape)>> = Mutex::new(Vec::new());

/// Sends away who is still connected, and deletes every row but the list of migrations. The role is a superuser, so the
/// order of the tables does not matter: foreign keys are not looked at.
const EMPTY: &str = "
    set lock_timeout = '5s';
    set session_replication_role = replica;
    select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
    do $$ declare t regclass; begin
        for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
            and not relispartition and relname <> 'st_rs_migrations' loop
            execute 'delete from ' || t;
        end loop;
    end $$";

/// Tables, columns, indexes, constraints, functions, triggers, schemas, rights, settings, migrations.
const SHAPE: &str = "
    select md5(string_agg(line, ';' order by line)) from (
        select concat_ws(' ', relnamespace::regnamespace, relname, relkind, relowner, relacl, reloptions, relrowsecurity) from pg_class
            where relnamespace::regnamespace::text !~ '^pg_' and relnamespace <> 'information_schema'::regnamespace
        union all select concat_ws(' ', c.relname, attname, atttypid, atttypmod, attnotnull, attisdropped, attcollation)
            from pg_attribute a join pg_class c on c.oid = a.attrelid where relnamespace = 'public'::regnamespace and attnum > 0
        union all select indexdef from pg_indexes where schemaname = 'public'
        union all select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
            where connamespace = 'public'::regnamespace
        union all select proname from pg_proc where pronamespace = 'public'::regnamespace
        union all select concat_ws(' ', tgrelid::regclass, tgname) from pg_trigger where not tgisinternal
        union all select concat_ws(' ', nspname, nspowner, nspacl) from pg_namespace where nspname !~ '^pg_(toast_)?temp'
        union all select concat_ws(' ', setrole, setconfig) from pg_db_role_setting
            where setdatabase = (select oid from pg_database where datname = current_database())
        union all select concat_ws(' ', datacl, datallowconn, datconnlimit, datdba) from pg_database where datname = current_database()
        union all select concat_ws(' ', relname, 'has grown') from pg_class
            where relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 65536
        union all select concat_ws(' ', starelid::regclass, staattnum) from pg_statistic
            where starelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
        union all select concat_ws(' ', number, name) from public.st_rs_migrations) as lines (line)";

/// A database for a world, with its shape if it has been one's already.
pub async fn take(kind: Kind) -> anyhow::Result<(TestDatabase, Option<Shape>)> {
    let spare = if kind == Kind::Postgres { spare().pop() } else { None };
    match spare {
        Some((database, shape)) => Ok((database, Some(shape))),
        None => Ok((TestDatabase::make(kind).await?, None)),
    }
}

/// What the first start has made of it. `None` for a database that is not handed on.
pub async fn shape(database: &TestDatabase) -> anyhow::Result<Option<Shape>> {
    match database {
        TestDatabase::Postgres { url, .. } => only_value(on_postgres(url, SHAPE).await?).map(Some),
        TestDatabase::Memory | TestDatabase::File(_) => Ok(None),
    }
}

/// Empties the database for the next world, or drops it. The core that had it is closed.
pub async fn hand_on(database: &TestDatabase, as_made: Option<&Shape>) -> anyhow::Result<()> {
    if let (TestDatabase::Postgres { url, name }, Some(as_made)) = (database, as_made)
        && let Ok(rows) = on_postgres(url, &format!("{EMPTY}; {SHAPE}")).await
        && rows.last().is_some_and(|row| row.first().and_then(Option::as_ref) == Some(as_made))
        && let Ok(renamed) = renamed(name).await
    {
        spare().push((renamed, as_made.clone()));
        return Ok(());
    }
    database.remove().await
}

/// Drops those that wait. At the end of a run: the server may be somebody's own.
pub async fn clear() -> anyhow::Result<()> {
    let waiting = std::mem::take(&mut *spare());
    for (database, _) in waiting {
        database.remove().await?;
    }
    Ok(())
}

async fn renamed(name: &str) -> anyhow::Result<TestDatabase> {
    let server = server_url().context("TEST_POSTGRES_URL is not set")?;
    let new = TestDatabase::new_name();
    let leave = format!("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'");
    on_postgres(&server, &leave).await?;
    on_postgres(&server, &format!("alter database {name} rename to {new}")).await?;
    TestDatabase::named(&server, new)
}

fn only_value(rows: Vec<Vec<Option<String>>>) -> anyhow::Result<String> {
    rows.into_iter().flatten().next().flatten().context("no shape")
}

fn spare() -> std::sync::MutexGuard<'static, Vec<(TestDatabase, Shape)>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

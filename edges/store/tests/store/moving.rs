//! From tables as a core left them to tables as they are wanted: what others may do meanwhile, and what it costs.

use std::time::{Duration, Instant};

use supertokens_domain::ids::AppId;
use supertokens_store::{DatabaseOptions, Db};

use crate::world::{Kind, Outcome, World, connect, steps, tests};

tests! {
    what_is_filled_is_not_read_while_it_is_filled on &[Kind::Postgres],
    tables_are_read_while_migrations_run on &[Kind::Postgres],
    each_migration_is_kept_by_itself on &[Kind::Postgres],
    a_batch_is_written_by_one_at_a_time on &[Kind::Postgres],
}

const LIMIT: Duration = Duration::from_secs(30);
const USERS: i64 = 6_000;

async fn writing_both(w: &World) -> Result<Db, Box<dyn std::error::Error + Send + Sync>> {
    let mut options = w.postgres();
    options.migration_mode = "DUAL_WRITE_READ_OLD".to_owned();
    Ok(Db::open(DatabaseOptions::Postgres(Box::new(options))).await?)
}

/// Users as a core in the oldest mode leaves them; every fifth one is primary.
async fn put_users(w: &World) -> Outcome {
    w.with_base().await?;
    let rows = format!(
        "(SELECT n, 'u' || n || '@x.io' AS email, '00000000-0000-4000-8000-' || SUBSTR(CAST(1000000000000 + n AS TEXT), 2) AS id
             FROM generate_series(1, {USERS}) n) rows"
    );
    for (table, values) in [
        (
            "app_id_to_user_id (user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user)",
            "id, 'emailpassword', id, n % 5 = 0",
        ),
        (
            "all_auth_recipe_users (user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined,
                 primary_or_recipe_user_time_joined)",
            "id, 'emailpassword', id, n % 5 = 0, n, n",
        ),
        ("emailpassword_users (user_id, email, password_hash, time_joined)", "id, email, 'x', n"),
        ("emailpassword_user_to_tenant (user_id, email)", "id, email"),
    ] {
        w.raw(&format!("INSERT INTO {table} SELECT {values} FROM {rows}")).await?;
    }
    // What plans are made from is what is there while the tables are filled.
    for table in ["recipe_user_account_infos", "recipe_user_tenants", "primary_user_tenants"] {
        w.raw(&format!("ALTER TABLE {table} SET (autovacuum_enabled = false)")).await?;
    }
    Ok(())
}

async fn what_is_filled_is_not_read_while_it_is_filled(w: &World) -> Outcome {
    const CONNECTED: &str =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    put_users(w).await?;
    // As of many users: what is read whole then, no index helps with.
    let name = w.postgres().dbname;
    for dear in ["seqscan", "hashjoin", "mergejoin"] {
        w.raw(&format!("ALTER DATABASE {name} SET enable_{dear} = off")).await?;
    }
    let before = w.number(CONNECTED).await;
    let db = writing_both(w).await?;
    let (mut after, mut written) = (String::new(), 0);
    loop {
        let behind = after.clone();
        db.size_up_tables_of_users().await?;
        let batch = db.tx(async move |tx| tx.backfill(&AppId::default(), &behind, 300).await).await?;
        written += batch.users;
        let Some(last) = batch.last else { break };
        after = last;
    }
    assert_eq!(i64::try_from(written)?, USERS);
    // Its connections tell what they have read at the latest when they end.
    drop(db);
    let deadline = Instant::now() + LIMIT;
    while w.number(CONNECTED).await > before {
        assert!(Instant::now() < deadline, "a connection did not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let read = w
        .number(
            "SELECT CAST(SUM(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0)) AS BIGINT) FROM pg_stat_user_tables
             WHERE relname IN ('recipe_user_account_infos', 'recipe_user_tenants', 'primary_user_tenants')",
        )
        .await;
    // Some of each batch, whatever has been written before. Where the planner does not know how much that is, it is thousands a user.
    assert!((USERS..USERS * 60).contains(&read), "{read} rows were read to write {USERS} users");
    assert_eq!(w.number("SELECT COUNT(*) FROM recipe_user_tenants").await, USERS);
    assert_eq!(w.number("SELECT COUNT(*) FROM primary_user_tenants").await, USERS / 5);
    Ok(())
}

async fn tables_are_read_while_migrations_run(w: &World) -> Outcome {
    put_users(w).await?;
    // As a database of a Java core, which has all of it.
    w.raw("DELETE FROM st_rs_migrations").await?;
    let mut reader = connect(&w.postgres()).await?;
    let reading = reader.transaction().await?;
    reading.query("SELECT 1 FROM app_id_to_user_id LIMIT 1", &[]).await?;
    let db = Db::open(w.options.clone()).await?;
    let applied = tokio::time::timeout(LIMIT, db.migrate()).await.map_err(|_| "migrations wait for whoever reads users")??;
    assert_eq!(applied.len(), steps().await?);
    reading.commit().await?;
    Ok(())
}

async fn each_migration_is_kept_by_itself(w: &World) -> Outcome {
    put_users(w).await?;
    w.raw("DELETE FROM st_rs_migrations").await?;
    // The step behind the eighth is not done as long as somebody writes where it wants an index.
    const BEFORE: i64 = 8;
    let mut writer = connect(&w.postgres()).await?;
    let writing = writer.transaction().await?;
    writing.batch_execute("LOCK TABLE passwordless_codes, passwordless_devices IN ROW EXCLUSIVE MODE").await?;
    let db = Db::open(w.options.clone()).await?;
    let migrating = tokio::spawn(async move { db.migrate().await });
    let (all, deadline) = (i64::try_from(steps().await?)?, Instant::now() + LIMIT);
    while w.number("SELECT COUNT(*) FROM st_rs_migrations").await < BEFORE {
        assert!(Instant::now() < deadline, "nothing is kept before all is done");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    w.raw("SET lock_timeout = '2s'; UPDATE app_id_to_user_id SET time_joined = 1; LOCK TABLE app_id_to_user_id IN ACCESS EXCLUSIVE MODE").await?;
    writing.commit().await?;
    assert_eq!(i64::try_from(migrating.await??.len())?, all);
    Ok(())
}

async fn a_batch_is_written_by_one_at_a_time(w: &World) -> Outcome {
    put_users(w).await?;
    let db = writing_both(w).await?;
    let mut other = connect(&w.postgres()).await?;
    let turn = other.transaction().await?;
    turn.batch_execute("SELECT pg_advisory_xact_lock(CAST(hashtext('st_rs_backfill of public.app_id_to_user_id') AS BIGINT))")
        .await?;
    let batch = async || db.tx(async |tx| tx.backfill(&AppId::default(), "", 10).await).await;
    let meanwhile = batch().await?;
    assert_eq!((meanwhile.busy, meanwhile.users, meanwhile.last.as_deref()), (true, 0, Some("")));
    turn.commit().await?;
    let then = batch().await?;
    assert_eq!((then.busy, then.users), (false, 10));
    Ok(())
}

//! From tables as a core left them to tables as they are wanted: what others may do meanwhile, and what it costs.

use std::time::{Duration, Instant};

use supertokens_store::Db;

use crate::world::{Kind, Outcome, World, connect, steps, tests};

tests! {
    tables_are_read_while_migrations_run on &[Kind::Postgres],
    each_migration_is_kept_by_itself on &[Kind::Postgres],
}

const LIMIT: Duration = Duration::from_secs(30);
const USERS: i64 = 6_000;

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

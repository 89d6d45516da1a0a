//! How the store behaves whatever the statement: trips, failures, cancellation, locks on files, restarts.

use std::future::Future;
use std::pin::Pin;

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::secret::Secret;
use supertokens_store::{
    DatabaseOptions, Db, Dialect, IdleConnections, PostgresOptions, RotationColumns, StoreError, TableNames, TenantRecord, Tx,
};

use crate::world::{ALL, Kind, Outcome, World, a_session, connect, handle, public, steps, tests};

const SQLITE: &[Kind] = &[Kind::Memory, Kind::File];
const POSTGRES: &[Kind] = &[Kind::Postgres];

tests! {
    round_trips_are_as_promised on ALL,
    a_failing_body_keeps_nothing on ALL,
    what_fails_among_others_is_undone_alone on ALL,
    what_is_worked_out_beside_a_commit_comes_with_it_or_not_at_all on ALL,
    a_swallowed_failure_keeps_nothing on ALL,
    a_second_statement_in_single_is_refused on ALL,
    a_statement_sees_what_was_queued_before_it on ALL,
    the_database_can_be_pinged_and_written on ALL,
    the_database_tells_its_clock on ALL,
    migrating_twice_does_nothing on ALL,
    a_cancelled_body_leaves_nothing_open on ALL,
    a_body_that_waits_for_something_else_is_refused on SQLITE,
    a_body_that_panics_harms_nobody_else on SQLITE,
    a_file_has_one_owner on &[Kind::File],
    a_file_keeps_its_rows on &[Kind::File],
    reading_cannot_write on &[Kind::File],
    lost_connections_are_replaced on POSTGRES,
    schema_prefix_and_names_are_followed on POSTGRES,
    an_error_names_no_password on POSTGRES,
    unused_connections_are_closed_but_for_those_to_be_kept on POSTGRES,
}

fn rotation(hash: &str) -> RotationColumns {
    RotationColumns { current_hash2: hash.into(), prev_hash2: None, rotated_at: None, expires_at: 5000, use_static_key: false }
}

fn insert<'a>(db: &'a Db, at: &'a str) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
    let new = a_session(at, "u");
    Box::pin(db.tx(async move |tx| tx.insert_session(&AppId::default(), &public(), &new).await))
}

/// Boxed, sendable and with what it borrows, as the core hands its answers on.
fn exists<'a>(db: &'a Db, at: &'a str) -> Pin<Box<dyn Future<Output = Result<bool, StoreError>> + Send + 'a>> {
    let at = handle(at);
    Box::pin(async move { Ok(db.read(async move |tx| tx.session(&AppId::default(), &public(), &at).await).await?.is_some()) })
}

async fn round_trips_are_as_promised(w: &World) -> Outcome {
    w.with_base().await?;
    let on_postgres = |trips: u64| if w.kind == Kind::Postgres { trips } else { 1 };
    let mut before = w.db.trips();
    let mut since = || {
        let (trips, now) = (w.db.trips() - before, w.db.trips());
        before = now;
        trips
    };
    exists(&w.db, "h").await?;
    assert_eq!(since(), 1, "a read");
    w.db.tx(async |tx| {
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await?;
        tx.mark_last_active(&AppId::default(), "u", 1).await
    })
    .await?;
    assert_eq!(since(), 1, "a create of queued writes");
    insert(&w.db, "h2").await?;
    assert_eq!(since(), 1, "a create of one write");
    w.db.tx(async |tx| {
        tx.session_locked(&AppId::default(), &public(), &handle("h")).await?;
        tx.rotate_session(&AppId::default(), &public(), &handle("h"), &rotation("x")).await?;
        tx.mark_last_active(&AppId::default(), "u", 2).await
    })
    .await?;
    assert_eq!(since(), on_postgres(2), "a refresh");
    w.db.tx(async |tx| tx.session_locked(&AppId::default(), &public(), &handle("h")).await).await?;
    assert_eq!(since(), on_postgres(2), "a look under lock");
    w.db.single(async |tx| tx.delete_sessions(&AppId::default(), &[(public(), handle("h"))]).await).await?;
    assert_eq!(since(), 1, "a removal by handle");
    w.db.tx(async |tx| tx.save_tenant(&TenantRecord::base(), 1).await).await?;
    assert_eq!(since(), on_postgres(2), "a tenant");
    w.db.tx(async |_| Ok(())).await?;
    assert_eq!(since(), u64::from(w.kind != Kind::Postgres), "nothing at all");
    Ok(())
}

async fn a_failing_body_keeps_nothing(w: &World) -> Outcome {
    w.with_base().await?;
    let failed = w.db.tx(async |tx| {
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await?;
        // So that it has been sent.
        tx.session(&AppId::default(), &public(), &handle("h")).await?;
        Err::<(), _>(StoreError::NotSingle)
    });
    assert!(matches!(failed.await, Err(StoreError::NotSingle)));
    assert!(!exists(&w.db, "h").await?);
    let failed = w.db.tx(async |tx| {
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await?;
        tx.insert_session(&AppId::normalise("nowhere"), &public(), &a_session("h", "u")).await?;
        tx.mark_last_active(&AppId::default(), "u", 1).await
    });
    assert!(matches!(failed.await, Err(StoreError::MissingParent(_))));
    assert!(!exists(&w.db, "h").await?);
    insert(&w.db, "h").await?;
    Ok(())
}

/// On SQLite they share commits, in which each has failures before it and behind it, or is the first.
async fn what_fails_among_others_is_undone_alone(w: &World) -> Outcome {
    w.with_base().await?;
    let mut all = tokio::task::JoinSet::new();
    for number in 0..90_usize {
        let (db, new) = (w.db.clone(), a_session(&format!("h{number}"), "u"));
        let fails = number.is_multiple_of(3);
        all.spawn(async move {
            let ended = db.tx(async move |tx| {
                tx.insert_session(&AppId::default(), &public(), &new).await?;
                if fails { Err(StoreError::NotSingle) } else { Ok(()) }
            });
            (number, fails, ended.await)
        });
    }
    for (number, fails, ended) in all.join_all().await {
        assert_eq!(ended.is_err(), fails, "{number}: {ended:?}");
        assert_eq!(exists(&w.db, &format!("h{number}")).await?, !fails, "{number}");
    }
    Ok(())
}

async fn a_swallowed_failure_keeps_nothing(w: &World) -> Outcome {
    w.with_base().await?;
    insert(&w.db, "h").await?;
    let failed = w.db.tx(async |tx| {
        tx.mark_last_active(&AppId::default(), "u", 1).await?;
        // Whether queued or at once, this one fails when the next is sent.
        drop(tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await);
        drop(tx.session(&AppId::default(), &public(), &handle("h")).await);
        Ok(())
    });
    assert!(matches!(failed.await, Err(StoreError::Aborted)));
    assert_eq!(w.db.read(async |tx| tx.active_users(&AppId::default(), 0).await).await?, 0);
    insert(&w.db, "h2").await?;
    Ok(())
}

async fn a_second_statement_in_single_is_refused(w: &World) -> Outcome {
    w.with_base().await?;
    let failed = w.db.single(async |tx| {
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await?;
        tx.mark_last_active(&AppId::default(), "u", 1).await
    });
    assert!(matches!(failed.await, Err(StoreError::NotSingle)));
    assert!(!exists(&w.db, "h").await?);
    Ok(())
}

async fn a_statement_sees_what_was_queued_before_it(w: &World) -> Outcome {
    w.with_base().await?;
    let seen = w.db.tx(async |tx| {
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await?;
        tx.rotate_session(&AppId::default(), &public(), &handle("h"), &rotation("new")).await?;
        tx.session(&AppId::default(), &public(), &handle("h")).await
    });
    assert_eq!(seen.await?.unwrap().refresh_token_hash_2, "new");
    Ok(())
}

async fn the_database_can_be_pinged_and_written(w: &World) -> Outcome {
    w.db.ping().await?;
    w.db.writable().await?;
    assert_eq!(w.db.dialect() == Dialect::Postgres, w.kind == Kind::Postgres);
    assert_eq!(w.db.pool_state().is_some(), w.kind == Kind::Postgres);
    assert_eq!(w.db.is_in_memory(), w.kind == Kind::Memory);
    assert_eq!(w.db.place(), w.options.redacted());
    assert!(w.db.statements() > 0);
    Ok(())
}

async fn migrating_twice_does_nothing(w: &World) -> Outcome {
    assert_eq!(w.db.migrate().await?, []);
    assert_eq!(w.db.plan().await?, []);
    if w.kind == Kind::Memory {
        let fresh = Db::open(DatabaseOptions::memory()).await?;
        let plan = fresh.plan().await?;
        assert!(plan.len() > 4 && plan.is_sorted_by(|one, next| one.number < next.number));
        assert!(plan.iter().all(|step| step.sql.contains("CREATE ")));
        // Planning has changed nothing: there is still all to do, and nothing can be written.
        assert!(fresh.writable().await.is_err());
        assert_eq!(fresh.migrate().await?.len(), plan.len());
        fresh.writable().await?;
    }
    Ok(())
}

async fn a_cancelled_body_leaves_nothing_open(w: &World) -> Outcome {
    w.with_base().await?;
    insert(&w.db, "h").await?;
    let db = match &w.options {
        DatabaseOptions::Postgres(options) => {
            let one = PostgresOptions { pool_size: 1, ..(**options).clone() };
            Db::open(DatabaseOptions::Postgres(Box::new(one))).await?
        }
        DatabaseOptions::Sqlite(_) => w.db.clone(),
    };
    let (locked, told) = tokio::sync::mpsc::channel::<()>(1);
    let on = db.clone();
    let waits = w.kind == Kind::Postgres;
    let task = tokio::spawn(async move {
        on.tx(async move |tx| {
            tx.session_locked(&AppId::default(), &public(), &handle("h")).await?;
            tx.rotate_session(&AppId::default(), &public(), &handle("h"), &rotation("lost")).await?;
            tx.session(&AppId::default(), &public(), &handle("h")).await?;
            locked.try_send(()).map_err(|_| StoreError::Aborted)?;
            if waits {
                std::future::pending::<()>().await;
            }
            Err::<(), _>(StoreError::NotSingle)
        })
        .await
    });
    let mut told = told;
    told.recv().await;
    task.abort();
    drop(task.await);
    // The only connection of the pool, and the lock of the row, are free again.
    db.tx(async |tx| {
        let row = tx.session_locked(&AppId::default(), &public(), &handle("h")).await?.unwrap();
        assert_eq!(row.session.refresh_token_hash_2, "hash-0");
        tx.rotate_session(&AppId::default(), &public(), &handle("h"), &rotation("kept")).await
    })
    .await?;
    let row = w.db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h")).await).await?.unwrap();
    assert_eq!(row.refresh_token_hash_2, "kept");
    Ok(())
}

async fn a_body_that_waits_for_something_else_is_refused(w: &World) -> Outcome {
    w.with_base().await?;
    let failed = w.db.tx(async |tx| {
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await?;
        tokio::task::yield_now().await;
        Ok(())
    });
    assert!(matches!(failed.await, Err(StoreError::Suspended)));
    assert!(!exists(&w.db, "h").await?);
    Ok(())
}

async fn a_body_that_panics_harms_nobody_else(w: &World) -> Outcome {
    w.with_base().await?;
    let failed = w.db.tx(async |tx| {
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await?;
        if tx.session(&AppId::default(), &public(), &handle("h")).await?.is_some() {
            panic!("as the test wants it");
        }
        Ok(())
    });
    assert!(matches!(failed.await, Err(StoreError::Driver(_))));
    assert!(!exists(&w.db, "h").await?);
    insert(&w.db, "h").await?;
    Ok(())
}

async fn a_file_has_one_owner(w: &World) -> Outcome {
    let path = w.path().display().to_string();
    match Db::open(w.options.clone()).await {
        Err(StoreError::InUse { path: named }) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    }
    let other = DatabaseOptions::file(w.path().with_file_name("other.db"));
    let first = Db::open(other.clone()).await?;
    let clone = first.clone();
    drop(first);
    assert!(matches!(Db::open(other.clone()).await, Err(StoreError::InUse { .. })));
    drop(clone);
    Db::open(other).await?;
    Ok(())
}

async fn a_file_keeps_its_rows(w: &World) -> Outcome {
    let options = DatabaseOptions::file(w.path().with_file_name("kept.db"));
    let db = Db::open(options.clone()).await?;
    db.migrate().await?;
    db.tx(async |tx| tx.save_tenant(&TenantRecord::base(), 1).await).await?;
    insert(&db, "h").await?;
    drop(db);
    let db = Db::open(options).await?;
    assert_eq!(db.migrate().await?, []);
    assert!(exists(&db, "h").await?);
    Ok(())
}

async fn reading_cannot_write(w: &World) -> Outcome {
    w.with_base().await?;
    let failed = w.db.read(async |tx| tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await).await;
    assert!(matches!(failed, Err(StoreError::ReadOnly(_))));
    assert!(!exists(&w.db, "h").await?);
    Ok(())
}

async fn lost_connections_are_replaced(w: &World) -> Outcome {
    w.with_base().await?;
    insert(&w.db, "h").await?;
    let options = w.postgres();
    for round in 0..5 {
        // As a restart does, and without waiting for anybody to notice.
        connect(&options)
            .await?
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
                &[&options.dbname],
            )
            .await?;
        assert!(exists(&w.db, "h").await?, "{round}");
        w.db.tx(async |tx| {
            tx.session_locked(&AppId::default(), &public(), &handle("h")).await?;
            tx.rotate_session(&AppId::default(), &public(), &handle("h"), &rotation("x")).await
        })
        .await?;
    }
    Ok(())
}

async fn schema_prefix_and_names_are_followed(w: &World) -> Outcome {
    let renamed = [("session_info".to_owned(), "my_sessions".to_owned())].into();
    let tables = TableNames { schema: "auth".into(), prefix: "st".into(), renamed };
    let options = PostgresOptions { tables, ..w.postgres() };
    let db = Db::open(DatabaseOptions::Postgres(Box::new(options))).await?;
    assert_eq!(db.migrate().await?.len(), steps().await?);
    db.prepare_all().await?;
    db.tx(async |tx| tx.save_tenant(&TenantRecord::base(), 1).await).await?;
    db.ensure_activity_partitions(0).await?;
    insert(&db, "h").await?;
    match insert(&db, "h").await {
        Err(StoreError::Duplicate(key)) => {
            assert_eq!((key.table.as_str(), key.constraint.as_str()), ("session_info", "my_sessions_pkey"));
        }
        other => panic!("{other:?}"),
    }
    assert!(exists(&db, "h").await?);
    let one = "SELECT COUNT(*) FROM auth.my_sessions s JOIN auth.st_tenants t USING (app_id, tenant_id)";
    assert_eq!(w.number(one).await, 1);
    assert_eq!(
        w.number("SELECT COUNT(*) FROM pg_class WHERE relname IN ('st_activity_log_p197001', 'st_activity_log_p197002')").await,
        2
    );
    assert_eq!(db.drop_old_activity(86_400_000 * 365).await?, 2);
    Ok(())
}

async fn an_error_names_no_password(w: &World) -> Outcome {
    let secret = || Some(Secret::new("hunter2".to_owned()));
    let nobody = PostgresOptions { user: Some("no_such_role".into()), password: secret(), ..w.postgres() };
    let nowhere = PostgresOptions { host: "127.0.0.1".into(), port: 1, password: secret(), ..w.postgres() };
    let refused = Db::open(DatabaseOptions::Postgres(Box::new(nobody))).await.unwrap_err();
    let unreachable = Db::open(DatabaseOptions::Postgres(Box::new(nowhere))).await.unwrap_err();
    assert!(matches!(refused, StoreError::Driver(_)), "{refused:?}");
    assert!(matches!(unreachable, StoreError::Unavailable(_)), "{unreachable:?}");
    for error in [refused, unreachable] {
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    Ok(())
}

async fn the_database_tells_its_clock(w: &World) -> Outcome {
    let ours = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map(|since| since.as_millis());
    let (before, told, after) = (ours()?, w.db.clock().await?, ours()?);
    match told {
        // The test's server runs on this machine, whose clock it tells to the millisecond, rounded.
        Some(told) => assert!(w.kind == Kind::Postgres && (before - 1..=after + 1).contains(&u128::try_from(told)?), "{told}"),
        None => assert_ne!(w.kind, Kind::Postgres),
    }
    Ok(())
}

async fn unused_connections_are_closed_but_for_those_to_be_kept(w: &World) -> Outcome {
    let idle = IdleConnections { kept: 1, timeout: std::time::Duration::from_millis(100) };
    let db = Db::open(DatabaseOptions::Postgres(Box::new(PostgresOptions { idle: Some(idle), ..w.postgres() }))).await?;
    let at_once: Vec<_> = (0..6)
        .map(|_| {
            tokio::spawn({
                let db = db.clone();
                async move { db.writable().await }
            })
        })
        .collect();
    for one in at_once {
        one.await??;
    }
    let state = || db.pool_state().map(|state| (state.size, state.available));
    // The wait ends by itself as soon as it is so; only a pool that never closes any takes all of it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while state() != Some((2, 1)) && std::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    // One of the pool, and one that reads share.
    assert_eq!(state(), Some((2, 1)));
    Ok(())
}

async fn what_is_worked_out_beside_a_commit_comes_with_it_or_not_at_all(w: &World) -> Outcome {
    w.with_base().await?;
    let stored = |at: &'static str, tenant: TenantId| {
        let new = a_session(at, "u");
        async move |tx: &mut Tx<'_>| {
            tx.insert_session(&AppId::default(), &tenant, &new).await?;
            Ok(20)
        }
    };
    assert_eq!(w.db.tx_beside(stored("h1", public()), |n| n + 1).await?, (20, 21));
    assert!(exists(&w.db, "h1").await?);
    // On PostgreSQL the commit fails, with the work beside it done already.
    let failed = w.db.tx_beside(stored("h2", TenantId::normalise("t9")), |n| n + 1).await;
    assert!(matches!(failed, Err(StoreError::MissingParent(_))), "{failed:?}");
    assert!(!exists(&w.db, "h2").await?);
    assert!(w.db.tx_beside(stored("h2", public()), |_| ()).await.is_ok(), "the connection is free of any transaction");
    Ok(())
}

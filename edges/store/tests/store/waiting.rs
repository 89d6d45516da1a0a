//! What is waited for, for how long, and who else may read the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use supertokens_domain::ids::AppId;
use supertokens_store::{DatabaseOptions, Db, Patience, PostgresOptions, StoreError};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{Kind, Outcome, World, a_session, connect, handle, public, tests};

tests! {
    a_lock_is_waited_for_only_so_long on &[Kind::Postgres],
    what_the_operator_sets_counts on &[Kind::Postgres],
    a_transaction_that_does_not_go_on_is_ended on &[Kind::Postgres],
    a_shared_connection_that_does_not_answer_is_given_up on &[Kind::Postgres],
    a_database_that_says_nothing_is_told_of on &[Kind::Postgres],
    a_commit_without_a_write_proves_nothing on &[Kind::Postgres],
    partitions_wait_for_nobody on &[Kind::Postgres],
    a_new_file_is_for_its_owner_alone on &[Kind::File],
    neither_hashes_nor_data_are_printed on &[Kind::Memory],
}

const LONG: Duration = Duration::from_secs(60);

async fn open(w: &World, patience: Patience) -> Result<Db, StoreError> {
    Db::open(DatabaseOptions::Postgres(Box::new(PostgresOptions { patience, ..w.postgres() }))).await
}

async fn insert(w: &World) -> Outcome {
    w.with_base().await?;
    w.db.tx(async |tx| tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await).await?;
    Ok(())
}

async fn a_lock_is_waited_for_only_so_long(w: &World) -> Outcome {
    insert(w).await?;
    let db = open(w, Patience { lock: Duration::from_millis(100), ..Patience::default() }).await?;
    let holder = connect(&w.postgres()).await?;
    holder.batch_execute("BEGIN; SELECT 1 FROM session_info FOR UPDATE").await?;
    let (before, since) = (db.statements(), std::time::Instant::now());
    let refused = db.tx(async |tx| tx.session_locked(&AppId::default(), &public(), &handle("h")).await).await;
    assert!(matches!(refused, Err(StoreError::Locked)), "{refused:?}");
    // Once, and not fifty times over.
    assert!(db.statements() - before <= 2 && since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    let refused = db.single(async |tx| tx.update_jwt_payload(&AppId::default(), &public(), &handle("h"), "{}", 1).await).await;
    assert!(matches!(refused, Err(StoreError::Locked)), "{refused:?}");
    holder.batch_execute("ROLLBACK").await?;
    assert!(db.single(async |tx| tx.update_jwt_payload(&AppId::default(), &public(), &handle("h"), "{}", 1).await).await?);
    Ok(())
}

async fn what_the_operator_sets_counts(w: &World) -> Outcome {
    insert(w).await?;
    let name = w.postgres().dbname;
    connect(&w.postgres()).await?.batch_execute(&format!("ALTER DATABASE {name} SET lock_timeout = '50ms'")).await?;
    let db = open(w, Patience { lock: LONG, ..Patience::default() }).await?;
    let holder = connect(&w.postgres()).await?;
    holder.batch_execute("BEGIN; SELECT 1 FROM session_info FOR UPDATE").await?;
    let refused = db.tx(async |tx| tx.session_locked(&AppId::default(), &public(), &handle("h")).await);
    assert!(matches!(tokio::time::timeout(LONG / 2, refused).await?, Err(StoreError::Locked)));
    Ok(())
}

async fn a_transaction_that_does_not_go_on_is_ended(w: &World) -> Outcome {
    insert(w).await?;
    let db = open(w, Patience { idle_in_transaction: Duration::from_millis(100), ..Patience::default() }).await?;
    let stuck = tokio::spawn(async move {
        db.tx(async |tx| {
            tx.session_locked(&AppId::default(), &public(), &handle("h")).await?;
            std::future::pending::<Result<(), StoreError>>().await
        })
        .await
    });
    // The row is free again although the body still holds its connection.
    let other = open(w, Patience { lock: LONG, ..Patience::default() }).await?;
    let update = other.single(async |tx| tx.update_jwt_payload(&AppId::default(), &public(), &handle("h"), "{}", 1).await);
    assert!(tokio::time::timeout(LONG / 2, update).await??);
    stuck.abort();
    Ok(())
}

/// From now on no connection passes on anything, also none that is made later.
const FOR_EVER: usize = usize::MAX;

/// Passes bytes on to the server. Connections that were made before the last freeze pass on nothing any more, and are not closed.
async fn proxy(to: String, frozen: Arc<AtomicUsize>) -> Result<u16, std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (to, frozen) = (to.clone(), Arc::clone(&frozen));
            tokio::spawn(async move {
                let age = frozen.load(Ordering::SeqCst);
                if age == FOR_EVER {
                    return std::future::pending().await;
                }
                let Ok(mut far) = TcpStream::connect(to).await else { return };
                let is_frozen = async {
                    while frozen.load(Ordering::SeqCst) == age {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                    () = is_frozen => {}
                }
                std::future::pending::<()>().await;
            });
        }
    });
    Ok(port)
}

/// Behind such a proxy.
async fn behind(w: &World, frozen: &Arc<AtomicUsize>) -> Result<Db, Box<dyn std::error::Error + Send + Sync>> {
    let server = w.postgres();
    let port = proxy(format!("{}:{}", server.host, server.port), Arc::clone(frozen)).await?;
    let patience = Patience { shared_read: Duration::from_secs(1), ..Patience::default() };
    let options = PostgresOptions { host: "127.0.0.1".into(), port, patience, ..server };
    Ok(Db::open(DatabaseOptions::Postgres(Box::new(options))).await?)
}

async fn a_database_that_says_nothing_is_told_of(w: &World) -> Outcome {
    insert(w).await?;
    let write = async |db: &Db| {
        db.single(async |tx| tx.update_jwt_payload(&AppId::default(), &public(), &handle("h"), "{}", 1).await).await
    };
    for reads in [true, false] {
        let frozen = Arc::new(AtomicUsize::new(0));
        let db = behind(w, &frozen).await?;
        assert!(write(&db).await? && db.takes_writes());
        frozen.store(FOR_EVER, Ordering::SeqCst);
        let answer = match reads {
            true => db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h")).await).await.map(|_| ()),
            false => write(&db).await.map(|_| ()),
        };
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        assert!(!db.takes_writes(), "reads: {reads}");
    }
    Ok(())
}

async fn a_commit_without_a_write_proves_nothing(w: &World) -> Outcome {
    insert(w).await?;
    let (name, operator) = (w.postgres().dbname, connect(&w.postgres()).await?);
    operator.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await?;
    let db = open(w, Patience::default()).await?;
    assert!(db.tx(async |tx| tx.session(&AppId::default(), &public(), &handle("h")).await).await?.is_some());
    let ready = db.ready(LONG).await;
    assert!(matches!(ready, Err(StoreError::ReadOnly(_))), "{ready:?}");
    operator.batch_execute(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await?;
    let db = open(w, Patience::default()).await?;
    // One that finds no row is none either: a write is tried.
    let before = db.statements();
    assert!(!db.single(async |tx| tx.update_jwt_payload(&AppId::default(), &public(), &handle("nobody"), "{}", 1).await).await?);
    db.ready(LONG).await?;
    assert_eq!(db.statements() - before, 2);
    Ok(())
}

async fn a_shared_connection_that_does_not_answer_is_given_up(w: &World) -> Outcome {
    insert(w).await?;
    let server = w.postgres();
    if server.host.starts_with('/') {
        return Err("this test wants a server on TCP".into());
    }
    let frozen = Arc::new(AtomicUsize::new(0));
    let db = behind(w, &frozen).await?;
    let read = || db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h")).await);
    // Both of them.
    assert!(read().await?.is_some() && read().await?.is_some());
    frozen.fetch_add(1, Ordering::SeqCst);
    for _ in 0..4 {
        assert!(tokio::time::timeout(LONG / 2, read()).await??.is_some());
    }
    Ok(())
}

async fn partitions_wait_for_nobody(w: &World) -> Outcome {
    let db = open(w, Patience { lock: LONG, ..Patience::default() }).await?;
    let holder = connect(&w.postgres()).await?;
    // As a copy of the database does for hours.
    holder
        .batch_execute(
            "BEGIN; LOCK TABLE activity_log IN ACCESS SHARE MODE; LOCK TABLE activity_log_default IN ACCESS SHARE MODE",
        )
        .await?;
    tokio::time::timeout(LONG / 2, db.ensure_activity_partitions(1_700_000_000_000)).await??;
    holder.batch_execute("ROLLBACK").await?;
    db.ensure_activity_partitions(1_700_000_000_000).await?;
    let months = "SELECT COUNT(*) FROM pg_class WHERE relname IN ('activity_log_p202311', 'activity_log_p202312')";
    assert_eq!(w.number(months).await, 2);
    Ok(())
}

#[cfg(unix)]
async fn a_new_file_is_for_its_owner_alone(w: &World) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    insert(w).await?;
    let mode = |path: &std::path::Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.permissions().mode() & 0o777);
    let beside = |end: &str| format!("{}{end}", w.path().display());
    for end in ["", "-wal", "-shm"] {
        assert_eq!(mode(beside(end).as_ref())?, 0o600, "{end}");
    }
    // An older file stays as it is.
    let older = beside("-older");
    std::fs::write(&older, "")?;
    std::fs::set_permissions(&older, std::fs::Permissions::from_mode(0o640))?;
    Db::open(DatabaseOptions::file(&older)).await?.migrate().await?;
    assert_eq!(mode(older.as_ref())?, 0o640);
    Ok(())
}

#[cfg(not(unix))]
async fn a_new_file_is_for_its_owner_alone(_: &World) -> Outcome {
    Ok(())
}

async fn neither_hashes_nor_data_are_printed(w: &World) -> Outcome {
    insert(w).await?;
    let new = a_session("h", "u");
    let locked = w.db.tx(async |tx| tx.session_locked(&AppId::default(), &public(), &handle("h")).await).await?;
    let to = supertokens_store::RotationColumns {
        current_hash2: "hash-1".into(),
        prev_hash2: Some("hash-0".into()),
        rotated_at: Some(1),
        expires_at: 2,
        use_static_key: false,
    };
    let shown = format!("{new:?} {locked:?} {to:?}");
    for secret in ["hash-", "in\\\"", "jwt\\\""] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("expires_at: 5000"), "{shown}");
    Ok(())
}

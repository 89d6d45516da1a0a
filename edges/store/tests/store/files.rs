//! Files that were lost, are full, belong to somebody else, have two names, or must not keep what was deleted.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use supertokens_domain::ids::AppId;
use supertokens_store::{DatabaseOptions, Db, StoreError, examine};

use crate::world::{Kind, Outcome, World, a_session, connect, handle, public, tests};

const FILE: &[Kind] = &[Kind::File];

tests! {
    a_database_that_takes_writes_is_ready on crate::world::ALL,
    a_file_that_was_moved_is_not_used_until_it_is_back on FILE,
    a_file_that_was_replaced_is_not_used_and_has_all_that_was_answered on FILE,
    a_log_that_was_deleted_is_noticed_and_nothing_is_lost on FILE,
    a_file_that_is_lost_is_noticed_although_nobody_writes on FILE,
    a_database_without_room_refuses_whole_writes_and_goes_on_later on FILE,
    a_full_disk_is_found_and_room_on_it_too on &[Kind::SmallDisk],
    another_program_is_waited_for_once on FILE,
    more_writes_than_can_wait_are_refused on FILE,
    a_file_has_one_name on FILE,
    the_lock_is_for_this_user_alone_and_no_link on FILE,
    what_was_deleted_is_in_no_file on FILE,
    looking_changes_nothing on FILE,
    looking_sees_what_a_killed_core_left on FILE,
    a_server_that_takes_no_writes_is_not_ready on &[Kind::Postgres],
}

const PATIENCE: Duration = Duration::from_secs(20);

async fn insert(db: &Db, at: &str) -> Result<(), StoreError> {
    let new = a_session(at, "u");
    db.tx(async move |tx| tx.insert_session(&AppId::default(), &public(), &new).await).await
}

async fn exists(db: &Db, at: &str) -> Result<bool, StoreError> {
    let at = handle(at);
    Ok(db.read(async move |tx| tx.session(&AppId::default(), &public(), &at).await).await?.is_some())
}

/// Waits until it is so.
async fn until<F: Future<Output = bool>>(mut so: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !so().await {
        assert!(Instant::now() < deadline, "it never came to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    format!("{}{end}", path.display()).into()
}

fn lost<T: std::fmt::Debug>(answer: Result<T, StoreError>, words: &str) {
    let Err(error @ StoreError::Lost { .. }) = answer else { panic!("not lost: {answer:?}") };
    assert!(error.to_string().contains(words), "{error}");
}

async fn a_database_that_takes_writes_is_ready(w: &World) -> Outcome {
    let before = w.db.trips();
    for _ in 0..50 {
        w.db.ready(PATIENCE).await?;
    }
    assert!(w.db.takes_writes());
    assert!(w.db.trips() - before <= 2, "tried more often than once a second");
    Ok(())
}

async fn a_file_that_was_moved_is_not_used_until_it_is_back(w: &World) -> Outcome {
    w.with_base().await?;
    insert(&w.db, "kept").await?;
    let away = beside(&w.path(), ".away");
    std::fs::rename(w.path(), &away)?;
    lost(insert(&w.db, "h").await, "deleted or moved away: put it back");
    lost(exists(&w.db, "kept").await, "deleted or moved away");
    assert!(w.db.ready(PATIENCE).await.is_err() && !w.db.takes_writes());
    std::fs::rename(&away, w.path())?;
    until(async || w.db.ready(PATIENCE).await.is_ok()).await;
    insert(&w.db, "h").await?;
    assert!(exists(&w.db, "kept").await? && exists(&w.db, "h").await? && w.db.takes_writes());
    Ok(())
}

async fn a_file_that_was_replaced_is_not_used_and_has_all_that_was_answered(w: &World) -> Outcome {
    w.with_base().await?;
    // A backup from before the session.
    let (backup, old) = (beside(&w.path(), ".backup"), w.path().with_file_name("old.db"));
    w.raw(&format!("VACUUM INTO '{}'", backup.display())).await?;
    insert(&w.db, "kept").await?;
    std::fs::hard_link(w.path(), &old)?;
    std::fs::rename(&backup, w.path())?;
    lost(insert(&w.db, "h").await, "replaced by another: restart the core");
    lost(exists(&w.db, "kept").await, "replaced");
    assert_eq!(std::fs::metadata(beside(&w.path(), "-wal"))?.len(), 0, "a log that would be taken for one of the backup");
    let sessions = |path: &Path| -> rusqlite::Result<i64> {
        rusqlite::Connection::open(path)?.query_row("SELECT COUNT(*) FROM session_info", [], |row| row.get(0))
    };
    assert_eq!((sessions(&old)?, sessions(&w.path())?), (1, 0));
    Ok(())
}

async fn a_log_that_was_deleted_is_noticed_and_nothing_is_lost(w: &World) -> Outcome {
    let path = w.path().with_file_name("log.db");
    let db = Db::open(DatabaseOptions::file(&path)).await?;
    db.migrate().await?;
    db.tx(async |tx| tx.save_tenant(&supertokens_store::TenantRecord::base(), 1).await).await?;
    insert(&db, "kept").await?;
    std::fs::remove_file(beside(&path, "-wal"))?;
    lost(insert(&db, "h").await, "-wal belongs to the database");
    drop(db);
    let db = Db::open(DatabaseOptions::file(&path)).await?;
    assert!(exists(&db, "kept").await? && !exists(&db, "h").await?);
    Ok(())
}

async fn a_file_that_is_lost_is_noticed_although_nobody_writes(w: &World) -> Outcome {
    w.with_base().await?;
    insert(&w.db, "h").await?;
    std::fs::remove_file(w.path())?;
    until(async || !w.db.takes_writes()).await;
    lost(exists(&w.db, "h").await, "deleted or moved away");
    Ok(())
}

/// Fills the database until it refuses: what was answered, in order, and the refusal.
async fn fill(db: &Db) -> (Vec<String>, StoreError) {
    let mut kept = Vec::new();
    for n in 0..100_000 {
        let at = format!("session-{n}");
        match insert(db, &at).await {
            Ok(()) => kept.push(at),
            Err(error) => return (kept, error),
        }
    }
    panic!("it was never full");
}

async fn a_database_without_room_refuses_whole_writes_and_goes_on_later(w: &World) -> Outcome {
    w.with_base().await?;
    let pages = w.number("PRAGMA page_count").await + 4;
    w.db.rows_in_memory(&format!("PRAGMA max_page_count = {pages}")).await?;
    let (kept, refused) = fill(&w.db).await;
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    assert!(!kept.is_empty() && !w.db.takes_writes());
    assert_eq!(w.number("SELECT COUNT(*) FROM session_info").await, i64::try_from(kept.len())?);
    w.db.rows_in_memory("PRAGMA max_page_count = 1000000").await?;
    insert(&w.db, "later").await?;
    w.db.ready(PATIENCE).await?;
    assert!(w.db.takes_writes());
    Ok(())
}

async fn a_full_disk_is_found_and_room_on_it_too(w: &World) -> Outcome {
    w.with_base().await?;
    let (kept, refused) = fill(&w.db).await;
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    assert!(!w.db.takes_writes() && !kept.is_empty());
    let ballast = w.path().with_file_name("ballast");
    // Nothing that is free may help: the log, too, is there to be written over.
    while insert(&w.db, &format!("small-{}", w.db.trips())).await.is_ok() {}
    assert_eq!(std::fs::write(&ballast, vec![0; 1 << 20]).map_err(|e| e.kind()), Err(std::io::ErrorKind::StorageFull));
    until(async || matches!(w.db.ready(PATIENCE).await, Err(StoreError::Full(_)))).await;
    for at in &kept {
        assert!(exists(&w.db, at).await?, "{at}");
    }
    w.more_room()?;
    until(async || w.db.ready(PATIENCE).await.is_ok()).await;
    insert(&w.db, "later").await?;
    assert!(w.db.takes_writes());
    Ok(())
}

async fn another_program_is_waited_for_once(w: &World) -> Outcome {
    w.with_base().await?;
    let shell = rusqlite::Connection::open(w.path())?;
    shell.execute_batch("BEGIN IMMEDIATE")?;
    let since = Instant::now();
    let held = insert(&w.db, "h").await;
    assert!(matches!(held, Err(StoreError::Held(_))), "{held:?}");
    assert!(since.elapsed() < PATIENCE && !w.db.takes_writes(), "{:?}", since.elapsed());
    shell.execute_batch("ROLLBACK")?;
    until(async || w.db.ready(PATIENCE).await.is_ok()).await;
    insert(&w.db, "h").await?;
    Ok(())
}

async fn more_writes_than_can_wait_are_refused(w: &World) -> Outcome {
    w.with_base().await?;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let db = w.db.clone();
    let (begun, told) = tokio::sync::mpsc::channel::<()>(1);
    let first = tokio::spawn(async move {
        db.tx(async move |_| {
            begun.try_send(()).map_err(|_| StoreError::Aborted)?;
            // On the writer's own thread.
            drop(wait.lock().map(|wait| wait.recv()));
            Ok(())
        })
        .await
    });
    let mut told = told;
    told.recv().await;
    let waiting: Vec<_> = (0..5_000)
        .map(|n| {
            let db = w.db.clone();
            tokio::spawn(async move { insert(&db, &format!("h{n}")).await })
        })
        .collect();
    until(async || waiting.iter().filter(|one| one.is_finished()).count() >= 5_000 - 4_096).await;
    go.send(())?;
    first.await??;
    let mut refused = 0;
    for one in waiting {
        match one.await? {
            Ok(()) => {}
            Err(StoreError::Overloaded) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 5_000 - 4_096);
    assert_eq!(w.number("SELECT COUNT(*) FROM session_info").await, 4_096);
    Ok(())
}

async fn what_was_deleted_is_in_no_file(w: &World) -> Outcome {
    w.with_base().await?;
    let secret = format!("secret-{}", "x".repeat(3_000));
    for n in 0..40 {
        let mut new = a_session(&format!("h{n}"), "u");
        new.session_data = format!("{secret}{n}");
        w.db.tx(async move |tx| tx.insert_session(&AppId::default(), &public(), &new).await).await?;
    }
    let contains = || {
        let all = ["", "-wal"].map(|end| std::fs::read(beside(&w.path(), end)).unwrap_or_default());
        all.iter().any(|bytes| bytes.windows(7).any(|seven| seven == b"secret-"))
    };
    assert!(contains());
    for n in 0..40 {
        let at = handle(&format!("h{n}"));
        w.db.single(async move |tx| tx.delete_sessions(&AppId::default(), &[(public(), at.clone())]).await).await?;
    }
    // At rest, the log is emptied by itself.
    until(async || std::fs::metadata(beside(&w.path(), "-wal")).is_ok_and(|log| log.len() == 0)).await;
    assert!(!contains());
    Ok(())
}

/// Names and contents.
fn contents(folder: &Path) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    all.sort();
    all.into_iter().map(|path| std::fs::read(&path).map(|bytes| (path, bytes))).collect()
}

async fn looking_changes_nothing(w: &World) -> Outcome {
    // With everything in its name that means something in a URI.
    let folder = w.path().with_file_name("a % ? # ü");
    std::fs::create_dir(&folder)?;
    let options = DatabaseOptions::file(folder.join("look.db"));
    assert!(Db::open_to_look(options.clone()).await.is_err());
    assert_eq!(contents(&folder)?, []);
    let db = Db::open(options.clone()).await?;
    db.migrate().await?;
    assert!(matches!(Db::open_to_look(options.clone()).await, Err(StoreError::InUse { .. })));
    drop(db);
    let before = contents(&folder)?;
    let looking = Db::open_to_look(options.clone()).await?;
    looking.ping().await?;
    assert_eq!((looking.plan().await?.len(), looking.clock().await?), (0, None));
    assert!(looking.writable().await.is_err());
    assert!(matches!(Db::open(options.clone()).await, Err(StoreError::InUse { .. })), "a core must not start meanwhile");
    drop(looking);
    assert!(contents(&folder)? == before);
    Db::open(options).await?;
    Ok(())
}

async fn looking_sees_what_a_killed_core_left(w: &World) -> Outcome {
    w.with_base().await?;
    insert(&w.db, "h").await?;
    // What a power cut leaves: the file and the log.
    let left = w.path().with_file_name("left.db");
    for end in ["", "-wal"] {
        std::fs::copy(beside(&w.path(), end), beside(&left, end))?;
    }
    let bytes = || ["", "-wal"].map(|end| std::fs::read(beside(&left, end)).unwrap_or_default());
    let before = bytes();
    assert!(!before[1].is_empty());
    let looking = Db::open_to_look(DatabaseOptions::file(&left)).await?;
    assert!(exists(&looking, "h").await?);
    drop(looking);
    assert!(bytes() == before);
    Ok(())
}

async fn a_server_that_takes_no_writes_is_not_ready(w: &World) -> Outcome {
    let options = w.postgres();
    let sql = format!("ALTER DATABASE {} SET default_transaction_read_only = on", options.dbname);
    connect(&options).await?.batch_execute(&sql).await?;
    let db = Db::open(w.options.clone()).await?;
    db.ping().await?;
    assert!(matches!(db.ready(PATIENCE).await, Err(StoreError::ReadOnly(_))));
    assert!(!db.takes_writes());
    let sql = format!("ALTER DATABASE {} RESET default_transaction_read_only", options.dbname);
    let operator = connect(&options).await?;
    // Counts from the next transaction on.
    operator.batch_execute("SET default_transaction_read_only = off").await?;
    operator.batch_execute(&sql).await?;
    Db::open(w.options.clone()).await?.ready(PATIENCE).await?;
    Ok(())
}

#[cfg(not(unix))]
async fn a_file_has_one_name(_: &World) -> Outcome {
    Ok(())
}

#[cfg(unix)]
async fn a_file_has_one_name(w: &World) -> Outcome {
    let at = |name: &str| w.path().with_file_name(name);
    std::os::unix::fs::symlink(w.path(), at("link.db"))?;
    std::os::unix::fs::symlink(at("nothing.db"), at("dangling.db"))?;
    assert!(matches!(Db::open(DatabaseOptions::file(at("link.db"))).await, Err(StoreError::InUse { .. })));
    let refused = |answer: Result<Db, StoreError>, words: &str| {
        let Err(error @ StoreError::BadPlace(_)) = answer else { panic!("{answer:?}") };
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(Db::open(DatabaseOptions::file(at("dangling.db"))).await, "leads to no file");
    refused(Db::open(DatabaseOptions::file(at("no/such/folder.db"))).await, "make the folder first");
    std::fs::hard_link(w.path(), at("hard.db"))?;
    refused(Db::open(DatabaseOptions::file(at("hard.db"))).await, "has 2 names");
    std::fs::create_dir(at("folder.db"))?;
    refused(Db::open(DatabaseOptions::file(at("folder.db"))).await, "is not a file");
    Ok(())
}

#[cfg(not(unix))]
async fn the_lock_is_for_this_user_alone_and_no_link(_: &World) -> Outcome {
    Ok(())
}

#[cfg(unix)]
async fn the_lock_is_for_this_user_alone_and_no_link(w: &World) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.permissions().mode() & 0o777);
    assert_eq!(mode(&beside(&w.path(), ".lock"))?, 0o600);
    // One that an older version made.
    let path = w.path().with_file_name("older.db");
    std::fs::write(beside(&path, ".lock"), "")?;
    std::fs::set_permissions(beside(&path, ".lock"), std::fs::Permissions::from_mode(0o644))?;
    Db::open(DatabaseOptions::file(&path)).await?;
    assert_eq!(mode(&beside(&path, ".lock"))?, 0o600);
    for end in [".lock", "-wal", "-shm", "-journal"] {
        let path = w.path().with_file_name(format!("planted{end}.db"));
        let victim = w.path().with_file_name(format!("victim{end}"));
        std::os::unix::fs::symlink(&victim, beside(&path, end))?;
        let refused = Db::open(DatabaseOptions::file(&path)).await;
        assert!(matches!(&refused, Err(StoreError::BadPlace(text)) if text.contains("is not a file")), "{end} {refused:?}");
        assert!(!victim.exists() && !path.exists(), "{end}");
        assert!(examine(&path).problems.iter().any(|problem| problem.grave), "{end}");
    }
    Ok(())
}

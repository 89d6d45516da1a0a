//! Many callers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use supertokens_domain::ids::AppId;
use supertokens_store::{Db, RotationColumns, StoreError, TenantRecord};
use tokio::task::JoinSet;

use crate::world::{ALL, Kind, Outcome, World, a_session, handle, public, steps, tests};

tests! {
    one_of_many_rotations_sees_the_old_hash on ALL,
    of_two_creations_of_a_handle_one_wins on ALL,
    failing_bodies_do_not_touch_the_others on ALL,
    what_was_answered_can_be_read_at_once on ALL,
    under_the_lock_a_name_is_made_once on ALL,
    a_tenant_can_be_saved_by_many_at_once on ALL,
    two_processes_migrate_at_once on &[Kind::Postgres],
}

async fn one_of_many_rotations_sees_the_old_hash(w: &World) -> Outcome {
    w.with_base().await?;
    w.db.tx(async |tx| tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await).await?;
    let mut tasks = JoinSet::new();
    for n in 0..64 {
        let db = w.db.clone();
        tasks.spawn(async move {
            db.tx(async move |tx| {
                let row = tx.session_locked(&AppId::default(), &public(), &handle("h")).await?.ok_or(StoreError::Busy)?;
                if row.session.refresh_token_hash_2 != "hash-0" {
                    return Ok(false);
                }
                let to = RotationColumns {
                    current_hash2: format!("hash-of-{n}"),
                    prev_hash2: Some("hash-0".into()),
                    rotated_at: Some(2000),
                    expires_at: 6000,
                    use_static_key: false,
                };
                tx.rotate_session(&AppId::default(), &public(), &handle("h"), &to).await?;
                Ok(true)
            })
            .await
        });
    }
    let mut saw_the_old = 0;
    while let Some(done) = tasks.join_next().await {
        saw_the_old += usize::from(done??);
    }
    assert_eq!(saw_the_old, 1);
    Ok(())
}

async fn create(db: Db, at: String) -> Result<bool, StoreError> {
    let made = db.tx(async move |tx| tx.insert_session(&AppId::default(), &public(), &a_session(&at, "u")).await).await;
    match made {
        Ok(()) => Ok(true),
        Err(StoreError::Duplicate(_)) => Ok(false),
        Err(e) => Err(e),
    }
}

async fn of_two_creations_of_a_handle_one_wins(w: &World) -> Outcome {
    w.with_base().await?;
    let mut tasks = JoinSet::new();
    for n in 0..1000 {
        tasks.spawn(create(w.db.clone(), format!("h{}", n / 2)));
    }
    let mut won = 0;
    while let Some(done) = tasks.join_next().await {
        won += usize::from(done??);
    }
    assert_eq!(won, 500);
    let stored = w.db.read(async |tx| tx.session_handles_of_user(&AppId::default(), None, "u", false, 0).await).await?;
    assert_eq!(stored.len(), 500);
    Ok(())
}

async fn failing_bodies_do_not_touch_the_others(w: &World) -> Outcome {
    w.with_base().await?;
    let mut tasks = JoinSet::new();
    for n in 0..600 {
        let db = w.db.clone();
        tasks.spawn(async move {
            db.tx(async move |tx| {
                tx.insert_session(&AppId::default(), &public(), &a_session(&format!("h{n}"), "u")).await?;
                match n % 3 {
                    0 => Err(StoreError::NotSingle),
                    _ => Ok(()),
                }
            })
            .await
            .is_ok()
        });
    }
    let mut kept = 0;
    while let Some(done) = tasks.join_next().await {
        kept += usize::from(done?);
    }
    let stored = w.db.read(async |tx| tx.session_handles_of_user(&AppId::default(), None, "u", false, 0).await).await?;
    assert_eq!((kept, stored.len()), (400, 400));
    Ok(())
}

async fn what_was_answered_can_be_read_at_once(w: &World) -> Outcome {
    w.with_base().await?;
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let db = w.db.clone();
        tasks.spawn(async move {
            let at = format!("h{n}");
            create(db.clone(), at.clone()).await?;
            db.read(async move |tx| tx.session(&AppId::default(), &public(), &handle(&at)).await).await
        });
    }
    while let Some(found) = tasks.join_next().await {
        assert!(found??.is_some());
    }
    Ok(())
}

async fn under_the_lock_a_name_is_made_once(w: &World) -> Outcome {
    w.with_base().await?;
    let made = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let (db, made) = (w.db.clone(), Arc::clone(&made));
        tasks.spawn(async move {
            let is_mine = db
                .tx(async move |tx| {
                    tx.advisory_lock("public~public~name").await?;
                    if tx.key_value(&AppId::default(), &public(), "name").await?.is_some() {
                        return Ok(false);
                    }
                    tx.put_key_value(&AppId::default(), &public(), "name", &format!("of {n}"), 1).await?;
                    Ok(true)
                })
                .await?;
            made.fetch_add(usize::from(is_mine), Ordering::Relaxed);
            Ok::<_, StoreError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    assert_eq!(made.load(Ordering::Relaxed), 1);
    Ok(())
}

async fn a_tenant_can_be_saved_by_many_at_once(w: &World) -> Outcome {
    let mut tasks = JoinSet::new();
    for n in 0..6 {
        let db = w.db.clone();
        tasks.spawn(async move {
            let factors = Some(vec![format!("factor-{n}")]);
            let record = TenantRecord { first_factors: factors, ..TenantRecord::base() };
            db.tx(async move |tx| tx.save_tenant(&record, n).await).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let stored = w.db.read(async |tx| tx.tenants().await).await?;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].first_factors.as_ref().map(Vec::len), Some(1));
    Ok(())
}

async fn two_processes_migrate_at_once(w: &World) -> Outcome {
    w.raw("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await?;
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let db = Db::open(w.options.clone()).await?;
        tasks.spawn(async move { db.migrate().await });
    }
    let mut applied = Vec::new();
    while let Some(done) = tasks.join_next().await {
        applied.push(done??.len());
    }
    assert_eq!(applied.iter().sum::<usize>(), steps().await?, "each step is done once");
    Ok(())
}

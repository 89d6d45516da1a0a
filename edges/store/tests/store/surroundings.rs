//! Who else is there: other roles in the schema, few rights, few connections, encodings, search paths of others.

use supertokens_domain::ids::AppId;
use supertokens_store::{DatabaseOptions, Db, PostgresOptions, StoreError};
use tokio::task::JoinSet;

use crate::world::{Kind, Outcome, World, a_session, connect, handle, public, tests};

tests! {
    what_another_role_puts_into_the_schema_is_never_called on POSTGRES,
    who_else_may_make_things_in_the_schema_is_told on POSTGRES,
    a_role_that_reads_and_writes_rows_is_enough on POSTGRES,
    a_role_with_few_connections_makes_callers_wait on POSTGRES,
    an_encoding_that_is_not_unicode_is_refused on POSTGRES,
    tables_that_a_search_path_names_are_not_passed_over on POSTGRES,
}

const POSTGRES: &[Kind] = &[Kind::Postgres];

/// A role of this test alone, and the options with which it connects.
async fn role(w: &World, name: &str, attributes: &str) -> Result<PostgresOptions, Box<dyn std::error::Error + Send + Sync>> {
    let options = w.postgres();
    let name = format!("{name}_{}", options.dbname);
    connect(&options).await?.batch_execute(&format!("CREATE ROLE {name} LOGIN {attributes}")).await?;
    Ok(PostgresOptions { user: Some(name), ..options })
}

async fn open(options: PostgresOptions) -> Result<Db, StoreError> {
    Db::open(DatabaseOptions::Postgres(Box::new(options))).await
}

async fn what_another_role_puts_into_the_schema_is_never_called(w: &World) -> Outcome {
    w.with_base().await?;
    let attacker = role(w, "attacker", "").await?;
    w.raw("GRANT CREATE ON SCHEMA public TO PUBLIC").await?;
    // Each is a better match for what statements say than PostgreSQL's own.
    connect(&attacker)
        .await?
        .batch_execute(
            "CREATE TABLE loot (what TEXT); GRANT INSERT ON loot TO PUBLIC;
             CREATE FUNCTION pg_try_advisory_xact_lock(k INTEGER) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
                 BEGIN INSERT INTO public.loot VALUES ('lock'); RETURN true; END $$;
             CREATE FUNCTION hashtext(k VARCHAR) RETURNS INTEGER LANGUAGE plpgsql AS $$
                 BEGIN INSERT INTO public.loot VALUES ('hash'); RETURN 1; END $$;
             CREATE FUNCTION set_config(a TEXT, b TEXT, c BOOLEAN, d INTEGER DEFAULT 0) RETURNS TEXT LANGUAGE plpgsql AS $$
                 BEGIN INSERT INTO public.loot VALUES ('config'); RETURN ''; END $$;
             CREATE FUNCTION same(a VARCHAR, b VARCHAR) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
                 BEGIN INSERT INTO public.loot VALUES ('operator'); RETURN true; END $$;
             CREATE OPERATOR = (LEFTARG = VARCHAR, RIGHTARG = VARCHAR, PROCEDURE = same)",
        )
        .await?;
    let db = open(w.postgres()).await?;
    assert_eq!(db.migrate().await?, []);
    db.tx(async |tx| {
        tx.advisory_lock("public~public~x").await?;
        tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await
    })
    .await?;
    assert!(db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h")).await).await?.is_some());
    db.tx(async |tx| tx.session_locked(&AppId::default(), &public(), &handle("h")).await).await?;
    db.prepare_all().await?;
    assert_eq!(w.number("SELECT COUNT(*) FROM loot").await, 0);
    Ok(())
}

async fn who_else_may_make_things_in_the_schema_is_told(w: &World) -> Outcome {
    assert_eq!(w.db.creators().await?, []);
    let other = role(w, "other", "").await?.user.unwrap_or_default();
    w.raw(&format!("GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT CREATE ON SCHEMA public TO {other}")).await?;
    let told = w.db.creators().await?;
    assert_eq!(told.iter().map(|creator| creator.role.as_str()).collect::<Vec<_>>(), ["PUBLIC", other.as_str()]);
    for creator in told {
        w.raw(&creator.revoke).await?;
    }
    assert_eq!(w.db.creators().await?, []);
    Ok(())
}

async fn a_role_that_reads_and_writes_rows_is_enough(w: &World) -> Outcome {
    w.with_base().await?;
    let options = role(w, "dml", "").await?;
    let name = options.user.clone().unwrap_or_default();
    let all = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}");
    w.raw(&all).await?;
    let db = open(options.clone()).await?;
    assert_eq!((db.migrate().await?.len(), db.lacking().await?), (0, vec![]));
    db.ensure_activity_partitions(0).await?;
    db.drop_old_activity(86_400_000 * 365).await?;
    db.tx(async |tx| tx.insert_session(&AppId::default(), &public(), &a_session("h", "u")).await).await?;
    w.raw(&format!("REVOKE UPDATE, DELETE ON session_info FROM {name}")).await?;
    let lacking = db.lacking().await?;
    assert_eq!(lacking.len(), 1);
    assert_eq!(lacking[0].right, "DELETE, UPDATE on public.session_info");
    w.raw(&lacking[0].grant).await?;
    assert_eq!(db.lacking().await?, []);
    // Nobody can say what is due: said as such, at the start too.
    w.raw(&format!("REVOKE SELECT ON st_rs_migrations FROM {name}")).await?;
    let lacking = db.lacking().await?;
    assert_eq!((lacking.len(), lacking[0].right.as_str()), (1, "SELECT on public.st_rs_migrations"));
    match db.migrate().await {
        Err(StoreError::Rights(said)) => assert!(said.contains(&lacking[0].grant), "{said}"),
        other => panic!("{other:?}"),
    }
    w.raw(&lacking[0].grant).await?;
    // Something is due now, and this role must not do it.
    w.raw("DELETE FROM st_rs_migrations WHERE number = 4").await?;
    let lacking = db.lacking().await?;
    assert_eq!(lacking[0].grant, format!("GRANT CREATE ON SCHEMA public TO {name}"));
    match db.migrate().await {
        Err(StoreError::Rights(said)) => {
            assert!(said.contains("supertokens migrate") && said.contains(&lacking[0].grant), "{said}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(w.db.migrate().await?.len(), 1);
    assert_eq!(db.migrate().await?, []);
    Ok(())
}

async fn a_role_with_few_connections_makes_callers_wait(w: &World) -> Outcome {
    w.with_base().await?;
    for limit in [1, 2, 3, 5] {
        let options = role(w, &format!("few{limit}"), &format!("CONNECTION LIMIT {limit}")).await?;
        let name = options.user.clone().unwrap_or_default();
        w.raw(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")).await?;
        let db = open(options).await?;
        let mut tasks = JoinSet::new();
        for n in 0..60 {
            let db = db.clone();
            tasks.spawn(async move {
                let at = format!("h{limit}-{n}");
                let new = a_session(&at, "u");
                db.tx(async move |tx| tx.insert_session(&AppId::default(), &public(), &new).await).await?;
                db.read(async move |tx| tx.session(&AppId::default(), &public(), &handle(&at)).await).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            assert!(done??.is_some(), "{limit}");
        }
        let state = db.pool_state().ok_or("no pool")?;
        assert!(state.size <= limit && state.max == 10, "{limit}: {state:?}");
    }
    // All are counted where the setting is the limit.
    for max in [1, 2, 4] {
        let db = open(PostgresOptions { pool_size: max, ..w.postgres() }).await?;
        let mut tasks = JoinSet::new();
        for _ in 0..30 {
            let db = db.clone();
            tasks.spawn(async move { db.writable().await.and(db.ping().await) });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
            let state = db.pool_state().ok_or("no pool")?;
            assert!(state.size <= max, "{max}: {state:?}");
        }
    }
    Ok(())
}

async fn an_encoding_that_is_not_unicode_is_refused(w: &World) -> Outcome {
    let options = w.postgres();
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let dbname = format!("{}_{}", options.dbname, encoding.to_lowercase());
        let make = format!("CREATE DATABASE {dbname} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
        connect(&options).await?.batch_execute(&make).await?;
        match open(PostgresOptions { dbname: dbname.clone(), ..options.clone() }).await {
            Err(StoreError::BadOptions(said)) => assert!(said.contains(encoding) && said.contains("UTF8"), "{said}"),
            other => panic!("{other:?}"),
        }
        connect(&options).await?.batch_execute(&format!("DROP DATABASE {dbname} WITH (FORCE)")).await?;
    }
    Ok(())
}

async fn tables_that_a_search_path_names_are_not_passed_over(w: &World) -> Outcome {
    w.raw("CREATE SCHEMA auth; CREATE TABLE auth.session_info (a TEXT)").await?;
    w.raw("DROP TABLE session_info CASCADE; DROP TABLE st_rs_migrations").await?;
    w.raw(&format!("ALTER DATABASE {} SET search_path = auth", w.postgres().dbname)).await?;
    let db = open(w.postgres()).await?;
    match db.migrate().await {
        Err(StoreError::BadOptions(said)) => assert!(said.contains("postgresql_table_schema: auth"), "{said}"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

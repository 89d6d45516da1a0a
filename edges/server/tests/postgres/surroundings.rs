//! What stands around the tables: a pooler before them, rights on them, others beside them. What the core does there, and what the
//! doctor says.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, ensure};
use supertokens_testkit::pgbouncer::PgBouncer;
use supertokens_testkit::postgres::{Durability, PostgresServer};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::on_postgres;

use super::{CALLERS, created, creation, refresh, run, verification};

/// What the doctor says of a database, and whether all is well.
fn doctor(url: &str) -> anyhow::Result<(bool, String)> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    let said = command.arg("doctor").env_clear().env("SUPERTOKENS_DATABASE_URL", url).current_dir(folder.path()).output()?;
    Ok((said.status.success(), String::from_utf8(said.stdout)?))
}

fn start(url: &str, folder: &Path) -> anyhow::Result<Program> {
    Program::start(Path::new(env!("CARGO_BIN_EXE_supertokens")), url, folder)
}

/// A server with the tables of a core.
fn with_tables() -> anyhow::Result<PostgresServer> {
    let server = PostgresServer::start(Durability::Fast)?;
    drop(start(&server.url(), tempfile::tempdir()?.path())?);
    Ok(server)
}

pub(super) fn a_pooler_in_transaction_mode() -> anyhow::Result<()> {
    let server = PostgresServer::start(Durability::Fast)?;
    let pooler = PgBouncer::start(&server)?;
    let folder = tempfile::tempdir()?;
    let program = Arc::new(start(&pooler.url(), folder.path())?);
    run(async {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let program = Arc::clone(&program);
                tokio::spawn(async move {
                    let mut own = Caller::connect(program.port()).await?;
                    for _ in 0..20 {
                        let made = own.json("POST", "/recipe/session", &creation()).await?;
                        ensure!(refresh(&mut own, &made).await?.0 == 200);
                        let said = own.json("POST", "/recipe/session/verify", &verification(&created(&made), true)).await?;
                        ensure!(said["status"] == "OK", "{said}");
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        Ok(())
    })?;
    let (well, said) = doctor(&pooler.url())?;
    assert!(well && said.contains("ok     pooler: in transaction mode, with"), "{said}");
    let (well, said) = doctor(&server.url())?;
    assert!(well && said.contains("ok     pooler: none"), "{said}");
    Ok(())
}

/// The line of the doctor about this, which is a wrong one, and the statement that it ends with.
fn remedy(url: &str, question: &str) -> anyhow::Result<(String, String)> {
    let (well, said) = doctor(url)?;
    let line = said.lines().find(|line| line.starts_with(&format!("wrong  {question}: ")));
    let line = line.with_context(|| format!("nothing is wrong about {question}: {said}"))?;
    ensure!(!well, "{said}");
    let (what, statement) = line.rsplit_once("; ").context("no remedy")?;
    Ok((what.to_owned(), statement.to_owned()))
}

pub(super) fn rights_that_are_lacking() -> anyhow::Result<()> {
    let server = with_tables()?;
    let prepare = "create role app login; grant usage on schema public to app;
        grant select, insert, update, delete on all tables in schema public to app; revoke update on session_info from app";
    run(on_postgres(&server.url(), prepare))?;
    let url = server.url().replace("postgres@", "app@");
    let (what, grant) = remedy(&url, "rights")?;
    assert!(what.contains("this role lacks UPDATE on") && what.contains("session_info"), "{what}");
    run(on_postgres(&server.url(), &grant)).with_context(|| grant.clone())?;
    let (well, said) = doctor(&url)?;
    assert!(well && said.contains("ok     rights: all that `supertokens start` needs"), "{said}");
    start(&url, tempfile::tempdir()?.path()).map(|_| ())
}

pub(super) fn others_in_the_schema() -> anyhow::Result<()> {
    let server = with_tables()?;
    run(on_postgres(&server.url(), "create role other; revoke create on schema public from public"))?;
    let (well, said) = doctor(&server.url())?;
    assert!(well && said.contains("ok     others in the schema: nobody but its owners"), "{said}");
    for role in ["PUBLIC", "other"] {
        run(on_postgres(&server.url(), &format!("grant create on schema public to {role}")))?;
        let (what, revoke) = remedy(&server.url(), "others in the schema")?;
        assert!(what.contains(&format!("{role} may make tables and functions in")), "{what}");
        run(on_postgres(&server.url(), &revoke)).with_context(|| revoke.clone())?;
        assert!(doctor(&server.url())?.0, "{revoke}");
    }
    Ok(())
}

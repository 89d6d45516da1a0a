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
    doctor_with(url, "BCRYPT_LOG_ROUNDS", "11")
}

/// The same, with a setting.
fn doctor_with(url: &str, name: &str, value: &str) -> anyhow::Result<(bool, String)> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    command.arg("doctor").env_clear().env("SUPERTOKENS_DATABASE_URL", url).env(name, value);
    let said = command.current_dir(folder.path()).output()?;
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

pub(super) fn people_of_the_dashboard() -> anyhow::Result<()> {
    let server = PostgresServer::start(Durability::Fast)?;
    let folder = tempfile::tempdir()?;
    let core = start(&server.url(), folder.path())?;
    std::fs::write(folder.path().join("password"), "testPass123\n")?;
    let dashboard_user = |url: &str, arguments: &[&str]| -> anyhow::Result<(Option<i32>, String, String)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
        command.arg("dashboard-user").args(arguments).env_clear().env("SUPERTOKENS_DATABASE_URL", url);
        let said = command.current_dir(folder.path()).output()?;
        Ok((said.status.code(), String::from_utf8(said.stdout)?, String::from_utf8(said.stderr)?))
    };
    let add = ["add", "a@example.com", "--password-file", "password"];
    let (code, _, complaint) = dashboard_user(&server.url(), &add)?;
    ensure!(code == Some(0), "{complaint}");
    run(async {
        let mut own = Caller::connect(core.port()).await?;
        let credentials = serde_json::json!({ "email": "a@example.com", "password": "testPass123" });
        let said = own.json("POST", "/recipe/dashboard/signin", &credentials.to_string()).await?;
        ensure!(said["status"] == "OK", "{said}");
        let session = serde_json::json!({ "sessionId": said["sessionId"] });
        ensure!(dashboard_user(&server.url(), &["remove", "a@example.com"])?.0 == Some(0));
        let said = own.json("POST", "/recipe/dashboard/session/verify", &session.to_string()).await?;
        ensure!(said["status"] == "INVALID_SESSION_ERROR", "{said}");
        Ok(())
    })?;
    // A role that lacks a right is told which, in the doctor's words, and those words help.
    let prepare = "create role app login; grant usage on schema public to app;
        grant select, insert, update, delete on all tables in schema public to app; revoke insert on dashboard_users from app";
    run(on_postgres(&server.url(), prepare))?;
    let url = server.url().replace("postgres@", "app@");
    let (code, _, complaint) = dashboard_user(&url, &add)?;
    assert!(code == Some(1) && complaint.contains("this role lacks INSERT on public.dashboard_users; "), "{complaint}");
    let (_, grant) = remedy(&url, "rights")?;
    assert!(complaint.contains(&grant), "{complaint}");
    run(on_postgres(&server.url(), &grant)).with_context(|| grant.clone())?;
    let (code, _, complaint) = dashboard_user(&url, &add)?;
    assert_eq!(code, Some(0), "{complaint}");
    assert!(dashboard_user(&url, &["list"])?.1.starts_with("a@example.com\t"));
    // Where nobody listens.
    let nowhere = "postgresql://postgres@127.0.0.1:1/postgres?sslmode=disable";
    let (code, _, complaint) = dashboard_user(nowhere, &add)?;
    assert!(
        code == Some(1) && complaint.contains("start the database, and look at host, port, user and password"),
        "{complaint}"
    );
    Ok(())
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

/// A user as the Java core stores one in its older mode, with a password that came from Firebase.
const A_USER: &str = "insert into app_id_to_user_id (user_id, recipe_id, primary_or_recipe_user_id)
         values ('0fa1b2c3-0000-4000-8000-000000000001', 'emailpassword', '0fa1b2c3-0000-4000-8000-000000000001');
     insert into all_auth_recipe_users (user_id, recipe_id, primary_or_recipe_user_id, time_joined, primary_or_recipe_user_time_joined)
         values ('0fa1b2c3-0000-4000-8000-000000000001', 'emailpassword', '0fa1b2c3-0000-4000-8000-000000000001', 7, 7);
     insert into emailpassword_users (user_id, email, password_hash, time_joined)
         values ('0fa1b2c3-0000-4000-8000-000000000001', 'a@x', '$f_scrypt$x$y$m=14$r=8$s=Bw==', 7);
     insert into emailpassword_user_to_tenant (user_id, email) values ('0fa1b2c3-0000-4000-8000-000000000001', 'a@x')";

pub(super) fn tables_of_users() -> anyhow::Result<()> {
    let server = with_tables()?;
    let url = server.url();
    run(on_postgres(&url, A_USER))?;
    let (well, said) = doctor(&url)?;
    assert!(!well && said.contains("wrong  passwords: 1 of app public are Firebase's"), "{said}");
    assert!(said.contains("ok     migration mode: LEGACY: the older tables alone"), "{said}");
    let (well, said) = doctor_with(&url, "FIREBASE_PASSWORD_HASHING_SIGNER_KEY", "Bw==")?;
    assert!(well && said.contains("ok     passwords: every hash"), "{said}");
    let mode = "SUPERTOKENS_MIGRATION_MODE";
    let (_, said) = doctor_with(&url, mode, "DUAL_WRITE_READ_OLD")?;
    assert!(said.contains("note   migration mode: DUAL_WRITE_READ_OLD: 1 users are not in the newer tables yet"), "{said}");
    let (well, said) = doctor_with(&url, mode, "MIGRATED")?;
    assert!(!well && said.contains("wrong  migration mode: MIGRATED, but 1 users are not in the newer tables"), "{said}");
    // A core that writes both sees to it, and says so.
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("config.yaml"), "migration_mode: DUAL_WRITE_READ_OLD\n")?;
    let program = start(&url, folder.path())?;
    run(async {
        let mut caller = Caller::connect(program.port()).await?;
        let deadline = std::time::Instant::now() + super::PATIENCE;
        for line in [
            "supertokens_job_last_rows{job=\"backfill users\"} 1\n",
            "supertokens_job_last_duration_seconds{job=\"backfill users\"} ",
            "supertokens_job_last_success_timestamp_seconds{job=\"backfill users\"} ",
            "supertokens_users{recipe=\"emailpassword\"} 1\n",
        ] {
            loop {
                let (_, body) = caller.ask("GET", "/metrics", "").await?;
                if String::from_utf8_lossy(body).contains(line) {
                    break;
                }
                ensure!(std::time::Instant::now() < deadline, "{line} never came");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
        Ok(())
    })?;
    let (_, said) = doctor_with(&url, mode, "DUAL_WRITE_READ_OLD")?;
    assert!(said.contains("ok     migration mode: DUAL_WRITE_READ_OLD: every user is in both"), "{said}");
    // A place that only the newer tables have proves nothing; an address that the older ones do not have does.
    run(on_postgres(&url, "create table kept as select * from all_auth_recipe_users; delete from all_auth_recipe_users"))?;
    let (_, said) = doctor(&url)?;
    assert!(said.contains("note   migration mode: LEGACY: the older tables alone. 1 users"), "{said}");
    let (_, said) = doctor_with(&url, mode, "DUAL_WRITE_READ_OLD")?;
    assert!(
        said.contains("wrong  migration mode: DUAL_WRITE_READ_OLD: the newer tables have something else of 1 users"),
        "{said}"
    );
    let back = "insert into all_auth_recipe_users select * from kept;
         insert into emailpassword_user_to_tenant (user_id, email) select user_id, 'b@x' from kept; drop table kept";
    run(on_postgres(&url, back))?;
    let (_, said) = doctor(&url)?;
    assert!(said.contains("wrong  migration mode: LEGACY, but 1 users were changed"), "{said}");
    // What an older core changed since is out of date, although it has a mark.
    run(on_postgres(&url, "update emailpassword_users set email = 'b@x'"))?;
    for (of, expected) in [("DUAL_WRITE_READ_NEW", "wrong"), ("MIGRATED", "wrong"), ("LEGACY", "ok   ")] {
        let (_, said) = doctor_with(&url, mode, of)?;
        assert!(said.contains(&format!("{expected}  migration mode: {of}: ")), "{of}: {said}");
    }
    Ok(())
}

//! How does the program live with a PostgreSQL that goes away, comes back, or wants to be spoken to in secret?
//!
//! Each test has a server of its own, which it may stop. Where programs of PostgreSQL or PgBouncer are missing the tests are listed as
//! ignored, and fail when `CI=true`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use supertokens_store::{DatabaseOptions, Db};
use supertokens_testkit::pgbouncer;
use supertokens_testkit::postgres::{Durability, PostgresServer, binaries};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::on_postgres;

#[path = "postgres/surroundings.rs"]
mod surroundings;
#[path = "program/transfer.rs"]
mod transfer;

type Test = fn() -> anyhow::Result<()>;

const TESTS: &[(&str, Test)] = &[
    ("an_orderly_stop_of_the_database_is_survived", || survives(PostgresServer::stop)),
    ("a_crash_of_the_database_is_survived", || survives(PostgresServer::kill)),
    ("a_frozen_database_is_not_waited_for", a_frozen_database_is_not_waited_for),
    ("work_is_finished_before_the_end_although_its_caller_has_left", work_without_a_caller),
    ("who_waits_for_another_before_a_frozen_database_is_told_so", who_waits_before_a_frozen_database),
    ("the_doctor_compares_clocks", the_doctor_compares_clocks),
    ("sslmode_means_what_it_means_to_other_clients", every_mode),
    ("a_certificate_that_is_not_good_ends_the_start", a_wrong_certificate_ends_the_start),
    ("names_that_postgresql_would_cut_are_refused", long_prefixes),
    ("the_doctor_names_the_rights_that_are_lacking", surroundings::rights_that_are_lacking),
    ("people_of_the_dashboard_are_named_beside_a_running_core", surroundings::people_of_the_dashboard),
    ("the_doctor_names_others_who_may_make_tables", surroundings::others_in_the_schema),
    ("an_import_that_is_killed_ends_as_one_that_was_not", killed_imports),
    ("the_doctor_knows_which_tables_of_users_are_whole", surroundings::tables_of_users),
];

/// Those that need PgBouncer too.
const WITH_POOLER: &[(&str, Test)] =
    &[("a_pooler_in_transaction_mode_is_lived_with_and_named", surroundings::a_pooler_in_transaction_mode)];

/// However long a machine is busy, this is enough; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);
const CALLERS: usize = 8;

fn main() -> ExitCode {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let trial = |&(name, test): &(&'static str, Test), missing: Option<&'static str>| match missing {
        None => Trial::test(name, move || test().map_err(|error| Failed::from(format!("{error:#}")))),
        Some(what) => Trial::test(name, move || Err(format!("{what} is not installed").into())).with_ignored_flag(!in_ci),
    };
    let server = binaries().is_none().then_some("PostgreSQL");
    let pooler = server.or_else(|| pgbouncer::program().is_none().then_some("PgBouncer"));
    let trials = TESTS.iter().map(|test| trial(test, server)).chain(WITH_POOLER.iter().map(|test| trial(test, pooler)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn run<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(future)
}

/// What the callers of a core saw while its database came and went.
#[derive(Default)]
struct Seen {
    over: AtomicBool,
    answered: AtomicU64,
    refused: AtomicU64,
}

fn killed_imports() -> anyhow::Result<()> {
    let server = PostgresServer::start(Durability::Real)?;
    let name = |name: &str| format!("CREATE DATABASE {name}");
    let url = server.url();
    run(async {
        for database in ["undisturbed", "killed"] {
            on_postgres(&url, &name(database)).await?;
        }
        Ok(())
    })?;
    let of = |name: &str| url.rsplit_once('/').map_or_else(|| url.clone(), |(server, _)| format!("{server}/{name}"));
    transfer::killed_imports_end_as_others_do(&of("undisturbed"), &of("killed"));
    Ok(())
}

fn survives(end: fn(&mut PostgresServer) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut server = PostgresServer::start(Durability::Real)?;
    let folder = tempfile::tempdir()?;
    let binary = Path::new(env!("CARGO_BIN_EXE_supertokens"));
    let program = Program::start_logging(binary, &server.url(), folder.path(), "NONE")?;
    run(async {
        let mut own = Caller::connect(program.port()).await?;
        let first = created(&own.json("POST", "/recipe/session", &creation()).await?);
        let seen = Arc::new(Seen::default());
        let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(goes_on(program.port(), Arc::clone(&seen)))).collect();
        until(&mut own, "/readyz", 200).await?;
        passes(&seen.answered, 50).await?;

        end(&mut server)?;
        until(&mut own, "/readyz", 503).await?;
        passes(&seen.refused, 50).await?;
        assert_eq!(own.ask("GET", "/livez", "").await?.0, 200, "the process is well");
        assert_eq!(
            own.ask("POST", "/recipe/session/verify", &verification(&first, false)).await?.0,
            200,
            "no database is needed"
        );
        assert_eq!(own.ask("POST", "/recipe/session/verify", &verification(&first, true)).await?.0, 500);

        server.launch()?;
        until(&mut own, "/readyz", 200).await?;
        seen.over.store(true, Ordering::SeqCst);
        let mut made = vec![first];
        for caller in callers {
            made.extend(caller.await??);
        }
        // From here on all is well, for new connections and old ones, and nothing that was answered is lost.
        for session in &made {
            let said = own.json("POST", "/recipe/session/verify", &verification(session, true)).await?;
            ensure!(said["status"] == "OK", "a session whose creation was answered: {said}");
        }
        for _ in 0..50 {
            let made = own.json("POST", "/recipe/session", &creation()).await?;
            let again = refresh(&mut own, &made).await?;
            ensure!(again.0 == 200, "after all came back, a refresh is answered with {}", again.0);
        }
        Ok(())
    })
}

/// Creates and refreshes sessions until told to stop. Each answer is a success or a clean refusal; no connection is cut.
async fn goes_on(port: u16, seen: Arc<Seen>) -> anyhow::Result<Vec<Session>> {
    let (mut caller, mut made) = (Caller::connect(port).await?, Vec::new());
    while !seen.over.load(Ordering::SeqCst) {
        let begun = Instant::now();
        let (status, body) = caller.ask("POST", "/recipe/session", &creation()).await?;
        ensure!(begun.elapsed() < PATIENCE, "an answer took {:?}", begun.elapsed());
        if status != 200 {
            ensure!((status, body) == (500, b"Internal error\n"), "{status} {:?}", String::from_utf8_lossy(body));
            seen.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let body: Value = serde_json::from_slice(body)?;
        made.push(created(&body));
        let (status, _) = refresh(&mut caller, &body).await?;
        ensure!(status == 200 || status == 500, "a refresh was answered with {status}");
        seen.answered.fetch_add(1, Ordering::SeqCst);
    }
    Ok(made)
}

/// The access token of a session.
struct Session(String);

fn created(answer: &Value) -> Session {
    Session(answer["accessToken"]["token"].as_str().expect("a token").to_owned())
}

fn creation() -> String {
    json!({ "userId": "u", "enableAntiCsrf": false, "userDataInJWT": {}, "userDataInDatabase": {} }).to_string()
}

/// Asking the database, the session's own access token is one of its two last ones, whatever became of a refresh.
fn verification(session: &Session, database: bool) -> String {
    json!({ "accessToken": session.0, "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": database }).to_string()
}

async fn refresh(caller: &mut Caller, made: &Value) -> anyhow::Result<(u16, Vec<u8>)> {
    let token = &made["refreshToken"]["token"];
    let body = json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": true }).to_string();
    let (status, body) = caller.ask("POST", "/recipe/session/refresh", &body).await?;
    Ok((status, body.to_vec()))
}

/// Asks until the answer has this status.
async fn until(caller: &mut Caller, path: &str, status: u16) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while caller.ask("GET", path, "").await?.0 != status {
        ensure!(Instant::now() < deadline, "{path} did not come to answer {status}");
    }
    Ok(())
}

/// Waits until this many more have been counted.
async fn passes(count: &AtomicU64, more: u64) -> anyhow::Result<()> {
    let (goal, deadline) = (count.load(Ordering::SeqCst) + more, Instant::now() + PATIENCE);
    while count.load(Ordering::SeqCst) < goal {
        ensure!(Instant::now() < deadline, "only {} of {goal}", count.load(Ordering::SeqCst));
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn a_frozen_database_is_not_waited_for() -> anyhow::Result<()> {
    /// What the page on storage promises for a request, and a little for a busy machine.
    const PROMISED: Duration = Duration::from_secs(25);
    let server = PostgresServer::start(Durability::Fast)?;
    let folder = tempfile::tempdir()?;
    let program = Program::start_logging(Path::new(env!("CARGO_BIN_EXE_supertokens")), &server.url(), folder.path(), "NONE")?;
    run(async {
        let mut own = Caller::connect(program.port()).await?;
        let made = own.json("POST", "/recipe/session", &creation()).await?;
        let session = created(&made);
        server.freeze()?;
        let mut asked = Vec::new();
        for n in 0..24 {
            let (port, made, session) = (program.port(), made.clone(), Session(session.0.clone()));
            asked.push(tokio::spawn(async move {
                let mut caller = Caller::connect(port).await?;
                let begun = Instant::now();
                let (status, body) = match n % 3 {
                    0 => refresh(&mut caller, &made).await?,
                    1 => (caller.ask("POST", "/recipe/session", &creation()).await?.0, Vec::new()),
                    _ => (caller.ask("POST", "/recipe/session/verify", &verification(&session, true)).await?.0, Vec::new()),
                };
                ensure!(begun.elapsed() < PROMISED, "{n} was answered after {:?}", begun.elapsed());
                // Refreshes of one session take turns: whoever waits for the first is told that it is busy.
                let busy = n % 3 == 0 && status == 503;
                ensure!(!busy || body == b"Too many requests at a time\n", "{}", String::from_utf8_lossy(&body));
                ensure!(busy || status == 500, "{n} was answered {status}");
                Ok(busy)
            }));
        }
        let mut busy = 0;
        for one in asked {
            busy += usize::from(one.await??);
        }
        ensure!(busy > 0, "none of the refreshes was told that its session is busy");
        server.thaw()?;
        until(&mut own, "/readyz", 200).await?;
        let made = own.json("POST", "/recipe/session", &creation()).await?;
        ensure!(refresh(&mut own, &made).await?.0 == 200, "a refresh after all came back");
        Ok(())
    })
}

/// What takes several statements, the first of which waits for a lock while its caller leaves and the program is told to stop.
fn work_without_a_caller() -> anyhow::Result<()> {
    const LOCKS: &str = "select pid from pg_locks where relation = 'apps'::regclass and mode like '%ExclusiveLock' and granted =";
    let server = PostgresServer::start(Durability::Fast)?;
    let folder = tempfile::tempdir()?;
    let mut program = Program::start_logging(Path::new(env!("CARGO_BIN_EXE_supertokens")), &server.url(), folder.path(), "NONE")?;
    let url = server.url();
    run(async {
        let ask = async |sql: &str| on_postgres(&url, sql).await;
        let comes_true = async |sql: &str| {
            let deadline = Instant::now() + PATIENCE;
            while ask(sql).await?.is_empty() {
                ensure!(Instant::now() < deadline, "it never came true: {sql}");
            }
            anyhow::Ok(())
        };
        let of_holder = url.clone();
        let holder = tokio::spawn(async move {
            on_postgres(&of_holder, "begin; lock table apps in exclusive mode; select pg_sleep(600)").await
        });
        comes_true(&format!("{LOCKS} true")).await?;
        let port = program.port();
        let caller = tokio::spawn(async move {
            Caller::connect(port).await?.json("PUT", "/recipe/multitenancy/app/v2", r#"{"appId":"late"}"#).await
        });
        comes_true(&format!("{LOCKS} false")).await?;
        caller.abort();
        ensure!(caller.await.is_err_and(|error| error.is_cancelled()), "the caller had an answer");
        program.tell_to_stop()?;
        while Caller::connect(port).await.is_ok() {}
        ask("select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()")
            .await?;
        ensure!(holder.await?.is_err(), "the lock is held no longer");
        program.wait()?;
        let made = ask("select app_id from apps where app_id = 'late'").await?;
        ensure!(made.len() == 1, "what was begun is not there");
        Ok(())
    })
}

/// The first loads keys of an app, or writes to it, and the others wait for that one.
fn who_waits_before_a_frozen_database() -> anyhow::Result<()> {
    const PROMISED: Duration = Duration::from_secs(25);
    let server = PostgresServer::start(Durability::Fast)?;
    let folder = tempfile::tempdir()?;
    let program = Program::start_logging(Path::new(env!("CARGO_BIN_EXE_supertokens")), &server.url(), folder.path(), "NONE")?;
    run(async {
        let mut own = Caller::connect(program.port()).await?;
        own.json("PUT", "/recipe/multitenancy/app/v2", r#"{"appId":"a1"}"#).await?;
        let made = own.json("POST", "/recipe/session", &creation()).await?;
        let token = &made["refreshToken"]["token"];
        let refreshing = json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": true }).to_string();
        server.freeze()?;
        let mut asked = Vec::new();
        for n in 0..24 {
            let (port, refreshing) = (program.port(), refreshing.clone());
            asked.push(tokio::spawn(async move {
                let mut caller = Caller::connect(port).await?;
                let begun = Instant::now();
                let status = match n % 3 {
                    0 => caller.ask("GET", "/appid-a1/.well-known/jwks.json", "").await?.0,
                    1 => caller.ask("POST", "/appid-a1/recipe/session/refresh", &refreshing).await?.0,
                    _ => caller.ask("PUT", "/appid-a1/recipe/multitenancy/tenant/v2", r#"{"tenantId":"t1"}"#).await?.0,
                };
                ensure!(begun.elapsed() < PROMISED, "{n} was answered {status} after {:?}", begun.elapsed());
                Ok((n % 3, status))
            }));
        }
        let mut busy = [0; 3];
        for one in asked {
            let (kind, status) = one.await??;
            ensure!(status == 500 || status == 503, "{kind} was answered {status}");
            busy[kind] += u32::from(status == 503);
        }
        // All but the first of each, unless they came so late that the first was through.
        ensure!(busy.iter().all(|busy| (1..=7).contains(busy)), "{busy:?} were told that it is busy");
        server.thaw()?;
        until(&mut own, "/readyz", 200).await?;
        own.json("POST", "/appid-a1/recipe/session", &creation()).await?;
        Ok(())
    })
}

fn the_doctor_compares_clocks() -> anyhow::Result<()> {
    let server = PostgresServer::start(Durability::Fast)?;
    let folder = tempfile::tempdir()?;
    let binary = Path::new(env!("CARGO_BIN_EXE_supertokens"));
    drop(Program::start(binary, &server.url(), folder.path())?);
    let doctor = || -> anyhow::Result<(Option<i32>, String)> {
        let mut command = Command::new(binary);
        let command = command.arg("doctor").env("SUPERTOKENS_DATABASE_URL", server.url()).current_dir(folder.path());
        let said = command.output()?;
        Ok((said.status.code(), String::from_utf8(said.stdout)?))
    };
    let (code, said) = doctor()?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok     clock of the database: not more than 5 s from this machine's"), "{said}");
    assert!(said.contains("ok     encryption: not encrypted, and within this machine"), "{said}");
    // Nothing but the server's own function is asked, so it is that one which has to be put in another's place.
    let an_hour_ahead = "alter function pg_catalog.clock_timestamp() rename to true_clock_timestamp;
        create function pg_catalog.clock_timestamp() returns timestamptz language sql
            as 'select pg_catalog.true_clock_timestamp() + interval ''1 hour'''";
    run(on_postgres(&server.url(), an_hour_ahead))?;
    let (code, said) = doctor()?;
    assert_eq!(code, Some(1), "{said}");
    // An hour, less what passed between telling the time and reading it.
    assert!(
        said.contains("wrong  clock of the database: 3599 s ahead")
            || said.contains("wrong  clock of the database: 3600 s ahead"),
        "{said}"
    );
    assert!(said.contains("ok     clock: not behind any other core"), "{said}");
    Ok(())
}

/// An authority, and a certificate of its for a server on the loopback address: PEM texts.
struct Certificates {
    authority: String,
    server: String,
    key: String,
}

fn certificates() -> anyhow::Result<Certificates> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "an authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let server = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &authority)?;
    Ok(Certificates { authority: authority.pem(), server: server.pem(), key: key.serialize_pem() })
}

fn every_mode() -> anyhow::Result<()> {
    let (ours, another) = (certificates()?, certificates()?);
    let folder = tempfile::tempdir()?;
    let file = |name: &str, text: &str| -> anyhow::Result<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_str().context("a path in UTF-8")?.to_owned())
    };
    let alone = itself()?;
    let own = file("own.pem", &alone.server)?;
    let signed_itself = PostgresServer::start_encrypted(&alone.server, &alone.key)?;
    let (right, wrong) = (file("right.pem", &ours.authority)?, file("wrong.pem", &another.authority)?);
    let verify = |host: &str, roots: &str| format!("{host} sslmode=verify-full&sslrootcert={roots}");
    let plain = PostgresServer::start(Durability::Fast)?;
    let encrypted = PostgresServer::start_encrypted(&ours.server, &ours.key)?;
    // The place, the attributes, and whether the connection is encrypted; nothing if there is none.
    let table = [
        (&plain, "127.0.0.1 sslmode=disable".to_owned(), Some(false)),
        (&plain, "127.0.0.1 sslmode=prefer".to_owned(), Some(false)),
        (&plain, "127.0.0.1 sslmode=require".to_owned(), None),
        (&plain, verify("127.0.0.1", &right), None),
        (&encrypted, "127.0.0.1 sslmode=disable".to_owned(), None),
        (&encrypted, "127.0.0.1 connect_timeout=9".to_owned(), Some(true)),
        (&encrypted, "127.0.0.1 sslmode=prefer".to_owned(), Some(true)),
        (&encrypted, "127.0.0.1 sslmode=require".to_owned(), Some(true)),
        (&encrypted, verify("127.0.0.1", &right), Some(true)),
        (&encrypted, format!("127.0.0.1 ssl=true&sslrootcert={right}"), Some(true)),
        (&encrypted, verify("127.0.0.1", &wrong), None),
        // The certificate does not have this name, though it is the same server.
        (&encrypted, verify("localhost", &right), None),
        // Nobody whom this machine trusts has signed it.
        (&encrypted, "127.0.0.1 sslmode=verify-full".to_owned(), None),
        (&encrypted, format!("localhost sslmode=verify-ca&sslrootcert={right}"), Some(true)),
        (&encrypted, format!("127.0.0.1 sslmode=verify-ca&sslrootcert={wrong}"), None),
        (&encrypted, "127.0.0.1 sslmode=verify-ca".to_owned(), None),
        // Who names an authority has it asked.
        (&encrypted, format!("localhost sslmode=require&sslrootcert={right}"), Some(true)),
        (&encrypted, format!("127.0.0.1 sslmode=require&sslrootcert={wrong}"), None),
        (&encrypted, format!("127.0.0.1 sslmode=prefer&sslrootcert={wrong}"), None),
        (&encrypted, format!("127.0.0.1 sslmode=verify-full&sslrootcert={right}.gone"), None),
        // It asks for no password, so that none can be bound to the connection.
        (&encrypted, "127.0.0.1 sslmode=require&channel_binding=require".to_owned(), None),
        // A certificate that signed itself is trusted by those who have it.
        (&signed_itself, "127.0.0.1 sslmode=require".to_owned(), Some(true)),
        (&signed_itself, verify("127.0.0.1", &own), Some(true)),
        (&signed_itself, verify("localhost", &own), None),
        (&signed_itself, format!("localhost sslmode=verify-ca&sslrootcert={own}"), Some(true)),
        (&signed_itself, verify("127.0.0.1", &right), None),
    ];
    run(async {
        for (server, way, expected) in table {
            let (host, attributes) = way.split_once(' ').context("a host and attributes")?;
            let url = format!("postgresql://postgres:hunter2@{host}:{}/postgres?{attributes}", server.port());
            let found = is_encrypted(server, &url).await;
            let found = found.map_err(|error| {
                assert!(!error.contains("hunter2"), "{error}");
                assert!(!error.contains("Unavailable"), "{way}: another try would be of no use: {error}");
            });
            let found = found.ok();
            // JDBC's word, which psql does not know.
            if !attributes.starts_with("ssl=") {
                let expected = of_psql(&url, folder.path()).context("psql")?;
                assert!(expected.is_none_or(|expected| found == expected), "{way}: psql says {expected:?}");
            }
            assert_eq!(
                found,
                expected,
                "{way}, where the server {}",
                if server.port() == plain.port() { "does not encrypt" } else { "does" }
            );
        }
        Ok(())
    })
}

/// Whether the connection that this URL opens is encrypted, in the server's own words, or why there is none.
async fn is_encrypted(server: &PostgresServer, url: &str) -> Result<bool, String> {
    let options = DatabaseOptions::parse(url).map_err(|error| error.to_string())?;
    let db = Db::open(options).await.map_err(|error| format!("{error:?} {error}"))?;
    db.migrate().await.map_err(|error| format!("{error:?} {error}"))?;
    let sql = "select bool_and(ssl), count(*) > 1 from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'postgres'
        and application_name = 'supertokens-rs'";
    let rows = on_postgres(&server.socket_url(), sql).await.map_err(|error| format!("{error:#}"))?;
    let [encrypted, several] = &rows[0][..] else { panic!("two columns") };
    assert_eq!(several.as_deref(), Some("t"), "a reader and one of the pool");
    Ok(encrypted.as_deref() == Some("t"))
}

/// What psql makes of the same URL; nothing if there is no psql.
fn of_psql(url: &str, home: &Path) -> anyhow::Result<Option<Option<bool>>> {
    let beside = binaries().map(|folder| folder.join("psql"));
    let Some(psql) = beside.into_iter().chain(["/usr/bin/psql".into()]).find(|path| path.is_file()) else { return Ok(None) };
    let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let output = Command::new(psql).env_clear().env("HOME", home).args(["-XAtc", sql, url]).output()?;
    Ok(Some(output.status.success().then(|| output.stdout.starts_with(b"t"))))
}

/// A certificate that nobody has signed but itself, and that may sign others, as `openssl req -x509` makes them.
fn itself() -> anyhow::Result<Certificates> {
    let key = KeyPair::generate()?;
    let mut certificate = CertificateParams::new(["127.0.0.1".to_owned()])?;
    certificate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = certificate.self_signed(&key)?.pem();
    Ok(Certificates { authority: certificate.clone(), server: certificate, key: key.serialize_pem() })
}

fn a_wrong_certificate_ends_the_start() -> anyhow::Result<()> {
    let (ours, another) = (certificates()?, certificates()?);
    let server = PostgresServer::start_encrypted(&ours.server, &ours.key)?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("another.pem"), &another.authority)?;
    for (attributes, words) in [
        ("sslmode=verify-full&sslrootcert=another.pem", "is signed by nobody who is trusted"),
        ("sslmode=verify-full&sslrootcert=missing.pem", "missing.pem"),
    ] {
        let url = format!("postgresql://postgres:hunter2@127.0.0.1:{}/postgres?{attributes}", server.port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
        let command = command.args(["start", "--port=0"]).env("SUPERTOKENS_DATABASE_URL", url).current_dir(folder.path());
        let said = command.output()?;
        let text = String::from_utf8(said.stderr)?;
        assert!(said.status.code() == Some(1) && text.contains(words) && !text.contains("trying again"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    Ok(())
}

fn long_prefixes() -> anyhow::Result<()> {
    let server = PostgresServer::start(Durability::Fast)?;
    let prefixed = |prefix: &str| -> anyhow::Result<DatabaseOptions> {
        let DatabaseOptions::Postgres(mut options) = DatabaseOptions::parse(&server.url())? else { unreachable!() };
        options.tables.prefix = prefix.to_owned();
        Ok(DatabaseOptions::Postgres(options))
    };
    run(async {
        let error = Db::open(prefixed("company_authentication_service")?).await.unwrap_err().to_string();
        assert!(error.contains("postgresql_table_names_prefix"), "{error}");
        let fits = error.split('"').nth(1).context("a prefix that fits")?;
        let db = Db::open(prefixed(fits)?).await?;
        db.migrate().await?;
        assert!(db.plan().await?.is_empty());
        assert!(Db::open(prefixed(&format!("{fits}x"))?).await.is_err());
        Ok(())
    })
}

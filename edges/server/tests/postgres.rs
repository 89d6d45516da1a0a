//! How does the program live with a PostgreSQL that goes away, comes back, or wants to be spoken to in secret?
//!
//! Each test has a server of its own, which it may stop. Where PostgreSQL's programs are missing the tests are listed as
//! ignored, and fail when `CI=true`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use supertokens_store::{DatabaseOptions, Db};
use supertokens_testkit::postgres::{Durability, PostgresServer, binaries};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::on_postgres;

type Test = fn() -> anyhow::Result<()>;

const TESTS: &[(&str, Test)] = &[
    ("an_orderly_stop_of_the_database_is_survived", || survives(PostgresServer::stop)),
    ("a_crash_of_the_database_is_survived", || survives(PostgresServer::kill)),
    ("the_doctor_compares_clocks", the_doctor_compares_clocks),
    ("sslmode_means_what_it_means_to_other_clients", every_mode),
];

/// However long a machine is busy, this is enough; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);
const CALLERS: usize = 8;

fn main() -> ExitCode {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let trial = |&(name, test): &(&'static str, Test)| {
        if binaries().is_some() {
            return Trial::test(name, move || test().map_err(|error| Failed::from(format!("{error:#}"))));
        }
        Trial::test(name, || Err("PostgreSQL's programs are not installed".into())).with_ignored_flag(!in_ci)
    };
    libtest_mimic::run(&Arguments::from_args(), TESTS.iter().map(trial).collect()).exit_code()
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
    // A function of the same name that is found first.
    let an_hour_ahead = "create schema fake;
        create function fake.clock_timestamp() returns timestamptz language sql
            as 'select pg_catalog.clock_timestamp() + interval ''1 hour''';
        alter database postgres set search_path = fake, public, pg_catalog";
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
        (&encrypted, "127.0.0.1 application_name=x".to_owned(), Some(true)),
        (&encrypted, "127.0.0.1 sslmode=prefer".to_owned(), Some(true)),
        (&encrypted, "127.0.0.1 sslmode=require".to_owned(), Some(true)),
        (&encrypted, verify("127.0.0.1", &right), Some(true)),
        (&encrypted, format!("127.0.0.1 ssl=true&sslrootcert={right}"), Some(true)),
        (&encrypted, verify("127.0.0.1", &wrong), None),
        // The certificate does not have this name, though it is the same server.
        (&encrypted, verify("localhost", &right), None),
        // Nobody whom this machine trusts has signed it.
        (&encrypted, "127.0.0.1 sslmode=verify-full".to_owned(), None),
    ];
    run(async {
        for (server, way, expected) in table {
            let (host, attributes) = way.split_once(' ').context("a host and attributes")?;
            let url = format!("postgresql://postgres:hunter2@{host}:{}/postgres?{attributes}", server.port());
            let found = is_encrypted(server, &url).await;
            let found = found.map_err(|error| assert!(!error.contains("hunter2"), "{error}")).ok();
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

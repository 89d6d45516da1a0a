//! `crash (sqlite|postgres|URL) [ROUNDS [BINARY [SEED]]]`: is anything that was answered lost when the program is killed?
//!
//! Each round drives the program with concurrent callers, some of sessions and some of users, kills it with SIGKILL after a
//! pseudo-random number of answers, starts it again on the same database and looks: what was answered is there, what was on its way at
//! the kill happened whole or not at all, and no table of accounts has anything half done (`accounts_walk`). `sqlite` is a new file,
//! `postgres` a new database on the server of TEST_POSTGRES_URL, on which both halves of the accounts' tables are written.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;
use sessions::{Session, State};
use supertokens_testkit::accounts_walk::{self, Written};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::{Kind, TestDatabase, on_postgres};
use users::Family;

mod sessions;
mod users;

/// Concurrent callers of sessions, and so many of users.
const CALLERS: u64 = 6;
/// What the program is started with beside the database: hashes that cost little, as it is not they that can be lost, and on PostgreSQL
/// one of the two modes that write all tables; a mode follows the other without anything to do.
const SETTINGS: [&[(&str, &str)]; 2] = [
    &[("BCRYPT_LOG_ROUNDS", "4"), ("SUPERTOKENS_MIGRATION_MODE", "DUAL_WRITE_READ_OLD")],
    &[("BCRYPT_LOG_ROUNDS", "4"), ("SUPERTOKENS_MIGRATION_MODE", "DUAL_WRITE_READ_NEW")],
];
/// Whoever came by a code has an address that is known to be theirs, under one of the two ids: both are written at once.
const UNVERIFIED: &str = "SELECT 'a code let somebody in whose address nobody verified', CAST(p.user_id AS TEXT)
    FROM passwordless_users p WHERE NOT EXISTS (SELECT 1 FROM emailverification_verified_emails v
        WHERE v.app_id = p.app_id AND v.email = p.email AND (v.user_id = p.user_id OR v.user_id IN (
            SELECT m.external_user_id FROM userid_mapping m WHERE m.app_id = p.app_id AND m.supertokens_user_id = p.user_id)))";
/// Answers until the kill.
const ANSWERS: std::ops::Range<u64> = 20..400;
/// Sessions of earlier rounds that a caller goes on with.
const TAKEN_ALONG: usize = 12;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("crash: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> anyhow::Result<bool> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().context("usage: crash (sqlite|postgres|URL) [ROUNDS [BINARY [SEED]]]")?;
    let rounds: u64 = arguments.next().map_or(Ok(50), |text| text.parse()).context("ROUNDS is a number")?;
    let binary = arguments.next().map_or_else(|| PathBuf::from("target/debug/supertokens"), PathBuf::from);
    let binary = binary.canonicalize().with_context(|| format!("no program at {}", binary.display()))?;
    let seed: u64 = arguments.next().map_or(Ok(1), |text| text.parse()).context("SEED is a number")?;
    let (url, made) = match place.as_str() {
        "sqlite" => made(Kind::File).await?,
        "postgres" => made(Kind::Postgres).await?,
        url => (url.to_owned(), None),
    };
    let folder = tempfile::tempdir()?;
    let mut crash = Crash { binary, url, folder, dice: Dice(seed), ledger: Vec::new(), strangers: 0, families: Vec::new() };
    let passed = crash.rounds(rounds).await;
    if let Some(made) = made {
        made.remove().await?;
    }
    let passed = passed?;
    println!("{passed} passed, {} failed", rounds - passed);
    Ok(passed == rounds)
}

async fn made(kind: Kind) -> anyhow::Result<(String, Option<TestDatabase>)> {
    let made = TestDatabase::make(kind).await?;
    Ok((made.url(), Some(made)))
}

struct Crash {
    binary: PathBuf,
    url: String,
    folder: tempfile::TempDir,
    dice: Dice,
    ledger: Vec<Session>,
    /// The most sessions that may be there without an answered creation.
    strangers: usize,
    families: Vec<Family>,
}

impl Crash {
    /// How many rounds passed.
    async fn rounds(&mut self, rounds: u64) -> anyhow::Result<u64> {
        let mut passed = 0;
        let mut program = self.start(0)?;
        self.prepare(&program).await?;
        for round in 1..=rounds {
            let target = self.dice.within(ANSWERS);
            let (answered, touched) = self.drive(program, target).await?;
            let again = Instant::now();
            program = self.start(round)?;
            let took = again.elapsed().as_millis();
            let mut wrong = self.look(&program, &touched).await?;
            wrong.extend(self.look_at_users(&program, round).await?);
            let count = |state| self.ledger.iter().filter(|session| session.state == state).count();
            let (lives, revoked) = (count(State::Lives), count(State::Revoked));
            let users: usize = self.families.iter().map(Family::size).sum();
            let verdict = if wrong.is_empty() { "ok" } else { "FAILED" };
            println!(
                "round {round}: killed after {answered} answers, up again in {took} ms, {lives} live, {revoked} revoked, {users} users: {verdict}"
            );
            for line in &wrong {
                println!("    {line}");
            }
            passed += u64::from(wrong.is_empty());
        }
        Ok(passed)
    }

    fn start(&self, round: u64) -> anyhow::Result<Program> {
        let [one, other] = SETTINGS;
        let settings = if round.is_multiple_of(2) { one } else { other };
        // SQLite has one mode.
        let settings = if self.url.starts_with("sqlite:") { settings.get(..1).unwrap_or_default() } else { settings };
        Program::start_with(&self.binary, &self.url, self.folder.path(), settings)
    }

    /// What the callers of users find.
    async fn prepare(&mut self, program: &Program) -> anyhow::Result<()> {
        let mut caller = Caller::connect(program.port()).await?;
        for role in users::ROLES {
            caller.json("PUT", "/recipe/role", &format!(r#"{{"role":"{role}"}}"#)).await?;
        }
        caller.json("PUT", "/recipe/multitenancy/tenant/v2", &format!(r#"{{"tenantId":"{}"}}"#, users::TENANT)).await?;
        self.families = (0..CALLERS).map(|number| Family::new(format!("f{number}"))).collect();
        Ok(())
    }

    /// Lets callers at the program until it is killed. Says how many answers there were and which sessions were touched.
    async fn drive(&mut self, program: Program, target: u64) -> anyhow::Result<(u64, Vec<String>)> {
        let port = program.port();
        let kill = Arc::new(Kill { program: Mutex::new(program), answered: AtomicU64::new(0), target });
        let mut callers = Vec::new();
        for number in 0..CALLERS {
            let sessions = self.take_along();
            let dice = Dice(self.dice.next());
            callers.push(tokio::spawn(sessions::call(port, number, sessions, dice, Arc::clone(&kill))));
        }
        let mut relatives = Vec::new();
        for family in std::mem::take(&mut self.families) {
            relatives.push(tokio::spawn(users::call(port, family, Dice(self.dice.next()), Arc::clone(&kill))));
        }
        let mut touched = Vec::new();
        for caller in callers {
            let (sessions, lost_creation) = caller.await??;
            self.strangers += usize::from(lost_creation);
            touched.extend(sessions.iter().map(|session| session.handle.clone()));
            self.ledger.extend(sessions);
        }
        for caller in relatives {
            self.families.push(caller.await??);
        }
        kill.program.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
        Ok((kill.answered.load(Ordering::SeqCst), touched))
    }

    /// Some live sessions of earlier rounds, taken out of the ledger.
    fn take_along(&mut self) -> Vec<Session> {
        let mut taken = Vec::new();
        for _ in 0..TAKEN_ALONG.min(self.ledger.len()) {
            let at = self.dice.below(self.ledger.len());
            if self.ledger.get(at).is_some_and(|session| session.state == State::Lives) {
                taken.push(self.ledger.swap_remove(at));
            }
        }
        taken
    }

    /// Everything that is wrong after a start. Doubts are resolved by what is found.
    async fn look(&mut self, program: &Program, touched: &[String]) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let found = on_sqlite(Path::new(path), "PRAGMA integrity_check")?;
            if found != [[Some("ok".to_owned())]] {
                wrong.push(format!("the file is damaged: {found:?}"));
            }
        }
        let rows = sessions::stored(&self.url).await?;
        let known = self.ledger.iter().filter(|session| rows.contains_key(&session.handle)).count();
        if rows.len() - known > self.strangers {
            wrong.push(format!("{} sessions nobody made, at most {} can be", rows.len() - known, self.strangers));
        }
        let mut caller = Caller::connect(program.port()).await?;
        for session in &mut self.ledger {
            if let Err(what) = sessions::in_database(session, rows.get(&session.handle)) {
                wrong.push(format!("{}: {what}", session.handle));
            }
            if touched.contains(&session.handle)
                && let Err(what) = sessions::over_http(session, &mut caller).await
            {
                wrong.push(format!("{}: {what:#}", session.handle));
            }
        }
        Ok(wrong)
    }

    /// Everything that is wrong with users: with those of each caller, and in any table. Whoever was wronged begins anew.
    async fn look_at_users(&mut self, program: &Program, round: u64) -> anyhow::Result<Vec<String>> {
        let written = Written { old: !self.url.starts_with("sqlite:"), new: true };
        let mut wrong = accounts_walk::lines(rows(&self.url, &accounts_walk::question(written)).await?);
        wrong.extend(accounts_walk::lines(rows(&self.url, UNVERIFIED).await?));
        let seen = users::seen(&self.url).await?;
        let mut caller = Caller::connect(program.port()).await?;
        for (number, family) in self.families.iter_mut().enumerate() {
            let mut found = family.settle(&seen);
            // Each in its turn, so that a round does not take longer with their number.
            if found.is_ok() && round % CALLERS == number as u64 {
                found = family.over_http(&mut caller).await.map_err(|error| format!("{error:#}"));
            }
            if let Err(what) = found {
                wrong.push(format!("{}: {what}", family.name()));
                *family = Family::new(format!("f{number}r{round}"));
            }
        }
        Ok(wrong)
    }
}

/// Rows of the database, read past the program.
pub(crate) async fn rows(url: &str, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
    match url.strip_prefix("sqlite:") {
        Some(path) => on_sqlite(Path::new(path), sql),
        None => on_postgres(url, sql).await,
    }
}

fn on_sqlite(path: &Path, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
    let connection = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn status(answer: &Value) -> &str {
    answer.get("status").and_then(Value::as_str).unwrap_or("no status")
}

/// The program, and when to kill it.
pub(crate) struct Kill {
    program: Mutex<Program>,
    answered: AtomicU64,
    target: u64,
}

impl Kill {
    /// Counts an answer; the one that makes the number full kills.
    pub(crate) fn answered(&self) -> anyhow::Result<()> {
        if self.answered.fetch_add(1, Ordering::SeqCst) + 1 == self.target {
            self.program.lock().unwrap_or_else(PoisonError::into_inner).kill()?;
        }
        Ok(())
    }

    /// Whether a failure of a request is what is wanted, and not a fault.
    pub(crate) fn is_over(&self) -> bool {
        self.answered.load(Ordering::SeqCst) >= self.target
    }
}

/// Pseudo-random numbers that a seed repeats (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }
}

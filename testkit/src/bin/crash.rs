//! `crash (sqlite|postgres|URL) [ROUNDS [BINARY [SEED]]]`: is anything that was answered lost when the program is killed?
//!
//! Each round drives the program with concurrent callers, kills it with SIGKILL after a pseudo-random number of answers,
//! starts it again on the same database and looks: created sessions are there, refreshes hold, revoked sessions stay
//! gone. What was on its way at the kill may be either. `sqlite` is a new file, `postgres` a new database on the server of
//! TEST_POSTGRES_URL.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;
use supertokens_domain::session::hash::hash2;
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::{Kind, TestDatabase, on_postgres};

/// Concurrent callers.
const CALLERS: u64 = 8;
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
    let mut crash = Crash { binary, url, folder, dice: Dice(seed), ledger: Vec::new(), strangers: 0 };
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

/// A session whose creation was answered.
struct Session {
    handle: String,
    /// The refresh token of the last answer.
    refresh: String,
    state: State,
}

/// What is known of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Lives,
    Revoked,
    /// A refresh was on its way.
    PerhapsRefreshed,
    /// A revocation was on its way.
    PerhapsRevoked,
    /// Cannot be known any more: its new token was never seen.
    Forgotten,
}

struct Crash {
    binary: PathBuf,
    url: String,
    folder: tempfile::TempDir,
    dice: Dice,
    ledger: Vec<Session>,
    /// The most sessions that may be there without an answered creation.
    strangers: usize,
}

impl Crash {
    /// How many rounds passed.
    async fn rounds(&mut self, rounds: u64) -> anyhow::Result<u64> {
        let mut passed = 0;
        let mut program = Program::start(&self.binary, &self.url, self.folder.path())?;
        for round in 1..=rounds {
            let target = self.dice.within(ANSWERS);
            let (answered, touched) = self.drive(program, target).await?;
            let again = Instant::now();
            program = Program::start(&self.binary, &self.url, self.folder.path())?;
            let took = again.elapsed().as_millis();
            let wrong = self.look(&program, &touched).await?;
            let count = |state| self.ledger.iter().filter(|session| session.state == state).count();
            let (lives, revoked) = (count(State::Lives), count(State::Revoked));
            let verdict = if wrong.is_empty() { "ok" } else { "FAILED" };
            println!(
                "round {round}: killed after {answered} answers, up again in {took} ms, {lives} live, {revoked} revoked: {verdict}"
            );
            for line in &wrong {
                println!("    {line}");
            }
            passed += u64::from(wrong.is_empty());
        }
        Ok(passed)
    }

    /// Lets callers at the program until it is killed. Says how many answers there were and which sessions were touched.
    async fn drive(&mut self, program: Program, target: u64) -> anyhow::Result<(u64, Vec<String>)> {
        let port = program.port();
        let kill = Arc::new(Kill { program: Mutex::new(program), answered: AtomicU64::new(0), target });
        let mut callers = Vec::new();
        for number in 0..CALLERS {
            let sessions = self.take_along();
            let dice = Dice(self.dice.next());
            callers.push(tokio::spawn(call(port, number, sessions, dice, Arc::clone(&kill))));
        }
        let mut touched = Vec::new();
        for caller in callers {
            let (sessions, lost_creation) = caller.await??;
            self.strangers += usize::from(lost_creation);
            touched.extend(sessions.iter().map(|session| session.handle.clone()));
            self.ledger.extend(sessions);
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
        let rows = stored(&self.url).await?;
        let known = self.ledger.iter().filter(|session| rows.contains_key(&session.handle)).count();
        if rows.len() - known > self.strangers {
            wrong.push(format!("{} sessions nobody made, at most {} can be", rows.len() - known, self.strangers));
        }
        let mut caller = Caller::connect(program.port()).await?;
        for session in &mut self.ledger {
            if let Err(what) = in_database(session, rows.get(&session.handle)) {
                wrong.push(format!("{}: {what}", session.handle));
            }
            if touched.contains(&session.handle)
                && let Err(what) = over_http(session, &mut caller).await
            {
                wrong.push(format!("{}: {what:#}", session.handle));
            }
        }
        Ok(wrong)
    }
}

/// Stored hashes of the current and the previous refresh token.
type Hashes = (String, Option<String>);

/// All sessions, read past the program.
async fn stored(url: &str) -> anyhow::Result<HashMap<String, Hashes>> {
    let sql = "SELECT session_handle, refresh_token_hash_2, prev_refresh_token_hash_2 FROM session_info";
    let rows = match url.strip_prefix("sqlite:") {
        Some(path) => on_sqlite(Path::new(path), sql)?,
        None => on_postgres(url, sql).await?,
    };
    let mut sessions = HashMap::new();
    for row in rows {
        let [handle, current, previous] = <[Option<String>; 3]>::try_from(row).ok().context("three columns")?;
        sessions.insert(handle.context("no handle")?, (current.context("no hash")?, previous));
    }
    Ok(sessions)
}

fn on_sqlite(path: &Path, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
    let connection = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Does what is stored agree with what was answered?
fn in_database(session: &mut Session, row: Option<&Hashes>) -> Result<(), &'static str> {
    let hash = hash2(&session.refresh);
    let is_current = row.is_some_and(|(current, _)| *current == hash);
    let is_previous = row.is_some_and(|(_, previous)| previous.as_ref() == Some(&hash));
    let (state, verdict) = match (session.state, row.is_some()) {
        (State::Lives | State::PerhapsRefreshed, false) => (State::Forgotten, Err("an answered creation is lost")),
        (State::Lives, true) if !is_current => (State::Forgotten, Err("an answered refresh is undone")),
        (State::Revoked, true) => (State::Forgotten, Err("an answered revocation is undone")),
        (State::PerhapsRefreshed, true) if is_current => (State::Lives, Ok(())),
        (State::PerhapsRefreshed, true) if is_previous => (State::Forgotten, Ok(())),
        (State::PerhapsRefreshed, true) => (State::Forgotten, Err("an answered refresh is undone")),
        (State::PerhapsRevoked, false) => (State::Revoked, Ok(())),
        (State::PerhapsRevoked, true) if is_current => (State::Lives, Ok(())),
        (State::PerhapsRevoked, true) => (State::Forgotten, Err("an answered refresh is undone")),
        (state, _) => (state, Ok(())),
    };
    session.state = state;
    verdict
}

/// Does the program say the same? A live session is refreshed once, so its token proves to be the current one.
async fn over_http(session: &mut Session, caller: &mut Caller) -> anyhow::Result<()> {
    if session.state == State::Forgotten {
        return Ok(());
    }
    let found = caller.json("GET", &format!("/recipe/session?sessionHandle={}", session.handle), "").await?;
    let lives = session.state == State::Lives;
    ensure!(status(&found) == if lives { "OK" } else { "UNAUTHORISED" }, "GET says {}", status(&found));
    if lives {
        session.refresh = refresh(session, caller).await?;
    }
    Ok(())
}

fn status(answer: &Value) -> &str {
    answer.get("status").and_then(Value::as_str).unwrap_or("no status")
}

/// The program, and when to kill it.
struct Kill {
    program: Mutex<Program>,
    answered: AtomicU64,
    target: u64,
}

impl Kill {
    /// Counts an answer; the one that makes the number full kills.
    fn answered(&self) -> anyhow::Result<()> {
        if self.answered.fetch_add(1, Ordering::SeqCst) + 1 == self.target {
            self.program.lock().unwrap_or_else(PoisonError::into_inner).kill()?;
        }
        Ok(())
    }

    /// Whether a failure of a request is what is wanted, and not a fault.
    fn is_over(&self) -> bool {
        self.answered.load(Ordering::SeqCst) >= self.target
    }
}

/// One caller: its sessions when the program was gone, and whether a creation was on its way then.
async fn call(
    port: u16,
    number: u64,
    mut sessions: Vec<Session>,
    mut dice: Dice,
    kill: Arc<Kill>,
) -> anyhow::Result<(Vec<Session>, bool)> {
    let mut caller = match Caller::connect(port).await {
        Ok(caller) => caller,
        Err(_) if kill.is_over() => return Ok((sessions, false)),
        Err(error) => return Err(error),
    };
    loop {
        let at = dice.below(sessions.len().max(1));
        let session = sessions.get_mut(at).filter(|session| session.state == State::Lives);
        let outcome = match (session, dice.below(100)) {
            (Some(session), 0..45) => {
                session.state = State::PerhapsRefreshed;
                refresh(session, &mut caller).await.map(|token| {
                    session.refresh = token;
                    session.state = State::Lives;
                    false
                })
            }
            (Some(session), 45..65) => {
                session.state = State::PerhapsRevoked;
                revoke(session, &mut caller).await.map(|()| {
                    session.state = State::Revoked;
                    false
                })
            }
            _ => create(number, &mut caller).await.map(|session| {
                sessions.push(session);
                true
            }),
        };
        // A failed creation leaves no session in doubt; any other failure does.
        match outcome {
            Ok(_) => kill.answered()?,
            Err(_) if kill.is_over() => {
                let in_doubt = sessions.iter().any(|s| matches!(s.state, State::PerhapsRefreshed | State::PerhapsRevoked));
                return Ok((sessions, !in_doubt));
            }
            Err(error) => return Err(error.context("before the kill")),
        }
    }
}

async fn create(number: u64, caller: &mut Caller) -> anyhow::Result<Session> {
    let body = format!(
        r#"{{"userId":"user{number}","userDataInJWT":{{}},"userDataInDatabase":{{"n":{number}}},"enableAntiCsrf":false,"useDynamicSigningKey":true}}"#
    );
    let answer = caller.json("POST", "/recipe/session", &body).await?;
    ensure!(status(&answer) == "OK", "create was answered with {}", status(&answer));
    let handle = answer.pointer("/session/handle").and_then(Value::as_str).context("no handle")?.to_owned();
    Ok(Session { handle, refresh: token_of(&answer)?, state: State::Lives })
}

/// The new token.
async fn refresh(session: &Session, caller: &mut Caller) -> anyhow::Result<String> {
    let body = format!(r#"{{"refreshToken":"{}","enableAntiCsrf":false,"useDynamicSigningKey":true}}"#, session.refresh);
    let answer = caller.json("POST", "/recipe/session/refresh", &body).await?;
    ensure!(status(&answer) == "OK", "refresh was answered with {}", status(&answer));
    token_of(&answer)
}

async fn revoke(session: &Session, caller: &mut Caller) -> anyhow::Result<()> {
    let body = format!(r#"{{"sessionHandles":["{}"]}}"#, session.handle);
    let answer = caller.json("POST", "/recipe/session/remove", &body).await?;
    let removed = answer.pointer("/sessionHandlesRevoked/0").and_then(Value::as_str);
    ensure!(removed == Some(&session.handle), "remove was answered with {}", status(&answer));
    Ok(())
}

fn token_of(answer: &Value) -> anyhow::Result<String> {
    Ok(answer.pointer("/refreshToken/token").and_then(Value::as_str).context("no refresh token")?.to_owned())
}

/// Pseudo-random numbers that a seed repeats (SplitMix64).
struct Dice(u64);

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

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Hashes, Session, State, hash2, in_database};

    fn seen(state: State, row: Option<Hashes>) -> (Result<(), &'static str>, bool) {
        let mut session = Session { handle: "h".into(), refresh: "t".into(), state };
        let verdict = in_database(&mut session, row.as_ref());
        (verdict, session.state == State::Lives)
    }

    #[test]
    fn what_was_answered_must_be_there_and_what_was_not_may_be_either() {
        let current = || Some((hash2("t"), None));
        let undone = || Some((hash2("older"), None));
        let gone_on = || Some((hash2("newer"), Some(hash2("t"))));
        assert_eq!(seen(State::Lives, current()), (Ok(()), true));
        assert_eq!(seen(State::Lives, None).0, Err("an answered creation is lost"));
        assert_eq!(seen(State::Lives, undone()).0, Err("an answered refresh is undone"));
        assert_eq!(seen(State::Revoked, current()).0, Err("an answered revocation is undone"));
        assert_eq!(seen(State::Revoked, None), (Ok(()), false));
        assert_eq!(seen(State::PerhapsRefreshed, current()), (Ok(()), true));
        assert_eq!(seen(State::PerhapsRefreshed, gone_on()), (Ok(()), false));
        assert_eq!(seen(State::PerhapsRefreshed, undone()).0, Err("an answered refresh is undone"));
        assert_eq!(seen(State::PerhapsRevoked, None), (Ok(()), false));
        assert_eq!(seen(State::PerhapsRevoked, current()), (Ok(()), true));
    }
}

//! `growth (sqlite|postgres) [LARGE [MODE [BINARY]]]`: does what names one user cost more, the more users there are?
//!
//! Fills two databases, with ten thousand users and with LARGE (1,000,000), starts the program on each and asks both in turn, so that what
//! else the machine does falls on both. Prints the median of each question and what it is of that with few users; says no where one
//! costs more than 1.3 times as much. Then pages of users by cursor, from the beginning to the end of the larger list, beside the
//! first. `postgres` is two new databases on the server of TEST_POSTGRES_URL.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use supertokens_testkit::crowd::{self, By, Member, PASSWORD};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::{Kind, TestDatabase};

const FEW: u64 = 10_000;
/// How often each question is asked of each of the two, and how often before that is measured.
const TIMES: usize = 400;
const BEFORE: usize = 40;
/// What a question may cost of what it costs with few users.
const MOST: f64 = 1.3;

/// Verb, path and body.
type Question = (&'static str, String, Value);

/// A question that names one user, for the n-th time.
type Ask = fn(Member, usize) -> Question;

/// All of them. Those that change something take another user each time.
const QUESTIONS: &[(&str, Ask)] = &[
    ("user by id", |m, _| ("GET", format!("/user/id?userId={}", m.id()), Value::Null)),
    ("user by external id", |m, _| ("GET", format!("/user/id?userId={}", m.shown_id()), Value::Null)),
    ("user by account info", |m, _| ("GET", format!("/users/by-accountinfo?email={}", m.email()), Value::Null)),
    ("sign-in", |m, _| ("POST", "/recipe/signin".into(), json!({ "email": with_password(m).email(), "password": PASSWORD }))),
    ("sign-up", |m, n| {
        ("POST", "/recipe/signup".into(), json!({ "email": format!("new{n}-{}@crowd.example", m.0), "password": PASSWORD }))
    }),
    ("roles of a user", |m, _| ("GET", format!("/recipe/user/roles?userId={}", m.shown_id()), Value::Null)),
    ("role given", |m, _| ("PUT", "/recipe/user/role".into(), json!({ "userId": m.shown_id(), "role": crowd::ROLE }))),
    ("metadata read", |m, _| ("GET", format!("/recipe/user/metadata?userId={}", m.shown_id()), Value::Null)),
    ("metadata merged", |m, n| {
        ("PUT", "/recipe/user/metadata".into(), json!({ "userId": m.shown_id(), "metadataUpdate": { "k": n } }))
    }),
    ("verified?", |m, _| ("GET", format!("/recipe/user/email/verify?userId={}&email={}", m.shown_id(), m.email()), Value::Null)),
    ("mapping read", |m, _| ("GET", format!("/recipe/userid/map?userId={}&userIdType=ANY", m.id()), Value::Null)),
    ("mapped", |m, n| {
        let body = json!({ "superTokensUserId": unmapped(m).id(), "externalUserId": format!("other{n}-{}", m.0), "force": true });
        ("POST", "/recipe/userid/map".into(), body)
    }),
    ("address changed", |m, n| {
        let body = json!({ "recipeUserId": with_password(m).id(), "email": format!("other{n}-{}@crowd.example", m.0) });
        ("PUT", "/recipe/user".into(), body)
    }),
    ("reset token", |m, _| {
        let m = with_password(m);
        ("POST", "/recipe/user/password/reset/token".into(), json!({ "userId": m.id(), "email": m.email() }))
    }),
    ("made primary", |m, _| ("POST", "/recipe/accountlinking/user/primary".into(), json!({ "recipeUserId": alone(m, 5).id() }))),
    ("linked", |m, _| {
        let body = json!({ "recipeUserId": alone(m, 7).id(), "primaryUserId": alone(m, 5).head().id() });
        ("POST", "/recipe/accountlinking/user/link".into(), body)
    }),
    ("unlinked", |m, _| ("POST", "/recipe/accountlinking/user/unlink".into(), json!({ "recipeUserId": alone(m, 2).id() }))),
    ("session created", |m, _| {
        let body = json!({
            "userId": m.id(), "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": false, "useDynamicSigningKey": true,
        });
        ("POST", "/recipe/session".into(), body)
    }),
    ("sessions of a user", |m, _| ("GET", format!("/recipe/session/user?userId={}", m.id()), Value::Null)),
    ("removed", |m, _| ("POST", "/user/remove".into(), json!({ "userId": alone(m, 8).id(), "removeAllLinkedAccounts": true }))),
];

/// The one of its ten that has this last digit: 0 to 2 belong together, the others stand alone.
fn alone(m: Member, digit: u64) -> Member {
    Member(m.0 - m.0 % 10 + digit)
}

/// One near it that has a password.
fn with_password(m: Member) -> Member {
    [m.0, m.0 + 1, m.0 + 2].map(Member).into_iter().find(|m| m.by() == By::Password).unwrap_or(m)
}

/// One near it that has no id of the application's own.
fn unmapped(m: Member) -> Member {
    if m.external_id().is_some() { Member(m.0 + 1) } else { m }
}

/// A database with users, and the program on it.
struct Side {
    count: u64,
    database: TestDatabase,
    caller: Caller,
    _program: Program,
}

impl Side {
    async fn open(kind: Kind, count: u64, mode: &str, binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        let database = TestDatabase::make(kind).await?;
        let began = Instant::now();
        crowd::load(&database.url(), count, mode).await?;
        eprintln!("growth: {count} users were loaded in {} s", began.elapsed().as_secs());
        let settings = [("BCRYPT_LOG_ROUNDS", "4"), ("SUPERTOKENS_MIGRATION_MODE", mode)];
        let settings = if kind == Kind::Postgres { &settings[..] } else { &settings[..1] };
        let program = Program::start_with(binary, &database.url(), folder, settings)?;
        Ok(Self { count, database, caller: Caller::connect(program.port()).await?, _program: program })
    }

    /// The user of the n-th question: all over the list, and another one each time.
    fn member(&self, n: usize) -> Member {
        let tens = (self.count / 10).max(2) - 1;
        // Coprime to the tens of both, so none comes twice.
        Member((n as u64).wrapping_mul(7_919) % tens * 10 + (n as u64 % 10))
    }

    /// How long an answer takes, in microseconds.
    async fn ask(&mut self, (verb, path, body): &Question) -> anyhow::Result<f64> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let began = Instant::now();
        let (status, answer) = self.caller.ask(verb, path, &body).await?;
        let took = began.elapsed().as_secs_f64() * 1e6;
        ensure!(status == 200, "{verb} {path} {body} was answered with {status}: {}", String::from_utf8_lossy(answer));
        Ok(took)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("growth: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> anyhow::Result<bool> {
    let mut arguments = std::env::args().skip(1);
    let kind = match arguments.next().as_deref() {
        Some("sqlite") => Kind::File,
        Some("postgres") => Kind::Postgres,
        _ => anyhow::bail!("usage: growth (sqlite|postgres) [LARGE [MODE [BINARY]]]"),
    };
    let large: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse()).context("LARGE is a number")?;
    let mode = arguments.next().unwrap_or_else(|| "LEGACY".to_owned());
    let binary = arguments.next().map_or_else(|| PathBuf::from("target/release/supertokens"), PathBuf::from);
    let binary = binary.canonicalize().with_context(|| format!("no program at {}", binary.display()))?;
    let folder = tempfile::tempdir()?;
    let mut few = Side::open(kind, FEW, &mode, &binary, folder.path()).await?;
    let mut many = Side::open(kind, large, &mode, &binary, folder.path()).await?;
    let done = match both(&mut few, &mut many).await {
        Ok(good) => pages(&mut many).await.map(|pages| good && pages),
        failed => failed,
    };
    for side in [few, many] {
        drop(side._program);
        side.database.remove().await?;
    }
    done
}

/// Every question of both, in turn.
async fn both(few: &mut Side, many: &mut Side) -> anyhow::Result<bool> {
    println!("| one user is named | µs of {} | µs of {} | times |\n|---|--:|--:|--:|", few.count, many.count);
    let mut is_good = true;
    for (name, question) in QUESTIONS {
        let mut times = [Vec::new(), Vec::new()];
        for n in 0..BEFORE + TIMES {
            let (one, other) = (few.member(n), many.member(n));
            let took = [few.ask(&question(one, n)).await?, many.ask(&question(other, n)).await?];
            if n >= BEFORE {
                times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
            }
        }
        let [one, other] = times.map(median);
        is_good &= other / one <= MOST;
        println!("| {name} | {one:.0} | {other:.0} | {:.2} |", other / one);
    }
    Ok(is_good)
}

/// A page of a hundred at several places of the list, beside the first.
async fn pages(side: &mut Side) -> anyhow::Result<bool> {
    println!("\n| page of 100 after | µs | times |\n|---|--:|--:|");
    let (mut first, mut is_good) = (None, true);
    for percent in [0, 1, 50, 99] {
        let from = Member(side.count / 100 * percent / 10 * 10 + 5);
        let token = STANDARD.encode(format!("{};{}", from.id(), from.joined()));
        let token = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let mut times = Vec::new();
        for n in 0..BEFORE / 4 + TIMES / 8 {
            let path = format!("/users?limit=100&timeJoinedOrder=ASC&paginationToken={token}");
            let took = side.ask(&("GET", path, Value::Null)).await?;
            if n >= BEFORE / 4 {
                times.push(took);
            }
        }
        let took = median(times);
        let share = took / *first.get_or_insert(took);
        is_good &= share <= MOST;
        println!("| {percent} % | {took:.0} | {share:.2} |");
    }
    Ok(is_good)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

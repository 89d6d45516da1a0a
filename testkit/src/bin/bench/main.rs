//! `bench [BINARY [SECONDS]]`: how fast is the program over real HTTP, and how much of what the machine could do is that?
//!
//! Prints a Markdown table: create, refresh, verify with the database, get and revoke, with 1, 16 and 64 keep-alive
//! connections on loopback, beside the limit measured in the same run; then memory, start and size. PostgreSQL is
//! measured if TEST_POSTGRES_URL is set: `with-postgres --durable bench`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

mod limits;
mod load;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use supertokens_store::{DatabaseOptions, Db};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::{Kind, TestDatabase, server_url};

use crate::limits::{DriverWorker, StoreWorker, signatures};
use crate::load::{Figures, HttpWorker, Operation, Worker, measure};

/// Concurrent callers.
const CALLERS: [usize; 3] = [1, 16, 64];
/// Each combination runs this long beforehand without being measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// Starts on an existing file, of which the median is told.
const STARTS: usize = 11;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().map_or_else(|| PathBuf::from("target/release/supertokens"), PathBuf::from);
    let binary = binary.canonicalize().with_context(|| format!("no program at {}", binary.display()))?;
    let seconds: f64 = arguments.next().map_or(Ok(2.0), |text| text.parse()).context("SECONDS is a number")?;
    let bench = Bench { binary, span: Duration::from_secs_f64(seconds), folder: tempfile::tempdir()? };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if let Some(load) = load_average().filter(|load| *load > 0.5) {
        eprintln!("bench: the machine has other work (load {load}); these figures will say little");
    }
    let one_core = signatures(bench.span)?;
    println!(
        "{cores} cores, shared by the callers, the program and the database. RSA-2048 signatures: {one_core:.0}/s on one core.\n"
    );
    println!(
        "| database | operation | callers | per second | p50 ms | p99 ms | statements alone, per second | limit | share of the limit |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|---|--:|");
    let sign = one_core * cores as f64;
    bench.database(Kind::File, "SQLite", sign).await?;
    if server_url().is_some() {
        bench.database(Kind::Postgres, "PostgreSQL", sign).await?;
    } else {
        eprintln!("bench: no PostgreSQL, as TEST_POSTGRES_URL is not set");
    }
    println!();
    bench.sizes().await
}

/// How many processes wanted a core during the last minute (Linux).
fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

struct Bench {
    binary: PathBuf,
    span: Duration,
    folder: tempfile::TempDir,
}

impl Bench {
    /// The lines of one database.
    async fn database(&self, kind: Kind, name: &str, sign: f64) -> anyhow::Result<()> {
        let (served, alone) = (TestDatabase::make(kind).await?, TestDatabase::make(kind).await?);
        // The program makes the tables and the first tenant; then the file is let go.
        let mut maker = Program::start(&self.binary, &alone.url(), self.folder.path())?;
        maker.kill()?;
        maker.wait()?;
        let store = Arc::new(Db::open(DatabaseOptions::parse(&alone.url())?).await?);
        let program = Program::start(&self.binary, &served.url(), self.folder.path())?;
        for callers in CALLERS {
            let mut http = Vec::new();
            for number in 0..callers {
                http.push(HttpWorker::connect(program.port(), number + callers * 100).await?);
            }
            let reached = self.all(http).await?;
            let limits = match kind {
                Kind::Postgres => {
                    let mut workers = Vec::new();
                    for number in 0..callers {
                        workers.push(DriverWorker::connect(&alone.url(), &store, number + callers * 100).await?);
                    }
                    self.all(workers).await?
                }
                _ => {
                    self.all((0..callers).map(|number| StoreWorker::new(Arc::clone(&store), number + callers * 100)).collect())
                        .await?
                }
            };
            for (operation, (reached, limit)) in Operation::ALL.into_iter().zip(reached.into_iter().zip(limits)) {
                print_line(name, operation, callers, reached, limit, sign);
            }
        }
        eprintln!("bench: {name}: {:.1} MiB resident after the load", mebibytes(program.resident_kib()?));
        drop(program);
        drop(store);
        served.remove().await?;
        alone.remove().await
    }

    /// Every operation in turn with the same workers.
    async fn all<W: Worker>(&self, mut workers: Vec<W>) -> anyhow::Result<Vec<Figures>> {
        let mut figures = Vec::new();
        for operation in Operation::ALL {
            // What is to be revoked is not there a second time.
            if operation != Operation::Revoke {
                workers = measure(workers, operation, WARM_UP).await?.1;
            }
            let (reached, back) = measure(workers, operation, self.span).await?;
            workers = back;
            figures.push(reached);
        }
        Ok(figures)
    }

    /// Memory, time of start and size, on an existing SQLite file.
    async fn sizes(&self) -> anyhow::Result<()> {
        let database = TestDatabase::make(Kind::File).await?;
        first_answer(&self.start(&database)?).await?;
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let program = self.start(&database)?;
            times.push(first_answer(&program).await?);
        }
        times.sort_unstable();
        let median = times.get(STARTS / 2).copied().unwrap_or_default();
        let program = self.start(&database)?;
        first_answer(&program).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let idle = mebibytes(program.resident_kib()?);
        println!("| | measured | aim |\n|---|--:|--:|");
        println!("| resident memory, idle | {idle:.1} MiB | ≤ 25 |");
        println!("| start to the first 200 on an existing SQLite file, median of {STARTS} | {} ms | ≤ 150 |", median.as_millis());
        println!("| size of the binary | {:.1} MiB | ≤ 30 |", mebibytes(std::fs::metadata(&self.binary)?.len() / 1024));
        Ok(())
    }

    fn start(&self, database: &TestDatabase) -> anyhow::Result<Program> {
        Program::start(&self.binary, &database.url(), self.folder.path())
    }
}

/// From the start of the process to the first 200.
async fn first_answer(program: &Program) -> anyhow::Result<Duration> {
    let mut caller = Caller::connect(program.port()).await?;
    let (status, _) = caller.ask("GET", "/hello", "").await?;
    anyhow::ensure!(status == 200, "/hello was answered with {status}");
    Ok(program.age())
}

fn print_line(database: &str, operation: Operation, callers: usize, reached: Figures, alone: Figures, sign: f64) {
    let signing_is_tighter = operation.signs() && sign < alone.per_second;
    let (limit, which) = if signing_is_tighter { (sign, "signatures") } else { (alone.per_second, "statements") };
    let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
    println!(
        "| {database} | {} | {callers} | {:.0} | {:.2} | {:.2} | {:.0} | {which} {limit:.0} | {:.0} % |",
        operation.name(),
        reached.per_second,
        milliseconds(reached.p50),
        milliseconds(reached.p99),
        alone.per_second,
        100.0 * reached.per_second / limit,
    );
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

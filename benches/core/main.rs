//! `cargo bench -p supertokens-benches --bench core -- [SECONDS [WORD…]]`: how fast is the program over real HTTP, and how much of what
//! the machine could do is that?
//!
//! Prints Markdown tables: what is done with sessions and users, with 1, 16 and 64 keep-alive connections on loopback, beside the limits
//! measured in the same run; sessions while others sign in; then memory, start and size of `target/release/supertokens`, or of what
//! SUPERTOKENS_BINARY names. With SUPERTOKENS_BESIDE, a second program, the two are set beside each other instead. PostgreSQL is measured
//! if TEST_POSTGRES_URL is set. docs/bench.md has the command, and the words that choose lines; without words all are measured.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

mod bare;
mod beside;
mod flood;
mod limits;
mod load;
mod table;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use supertokens_store::{DatabaseOptions, Db};
use supertokens_testkit::program::{Caller, Program};
use supertokens_testkit::target::{Kind, TestDatabase, server_url};

use crate::bare::BareWorker;
use crate::limits::{Cryptography, DriverWorker, StoreWorker};
use crate::load::{Figures, HttpWorker, Named as _, Operation, Worker, measure};
use crate::table::{Line, Machine};
use crate::users::UserOperation;

/// The one that the program has: the bare server and the store shall not lose by theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Concurrent callers.
const CALLERS: [usize; 3] = [1, 16, 64];
/// Each combination runs this long beforehand without being measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// Starts on an existing file, of which the median is told.
const STARTS: usize = 11;

#[tokio::main]
async fn main() -> ExitCode {
    let is_bare = std::env::args().nth(1).is_some_and(|first| first == bare::START);
    match if is_bare { bare::serve().await } else { run().await } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut arguments = supertokens_benches::words();
    let binary = supertokens_benches::program();
    let seconds: f64 = arguments.next().map_or(Ok(2.0), |text| text.parse()).context("SECONDS is a number")?;
    let words: Vec<String> = arguments.map(|word| word.to_lowercase()).collect();
    let bench = Bench { binary, span: Duration::from_secs_f64(seconds), folder: tempfile::tempdir()?, words };
    if let Some(load) = load_average().filter(|load| *load > 0.5) {
        eprintln!("bench: the machine has other work (load {load}); these figures will say little");
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let other = supertokens_benches::beside();
    let machine = match &other {
        None => Some(Machine { cores, cryptography: Cryptography::measure(bench.span / 2)? }),
        Some(_) => None,
    };
    machine.as_ref().map_or_else(beside::print_head, table::print_head);
    let mut databases = vec![(Kind::File, "SQLite"), (Kind::Postgres, "PostgreSQL")];
    databases.retain(|(_, name)| bench.wants(name, &["SQLite", "PostgreSQL"]));
    if databases.iter().any(|(kind, _)| *kind == Kind::Postgres) && server_url().is_none() {
        eprintln!("bench: no PostgreSQL, as TEST_POSTGRES_URL is not set");
        databases.retain(|(kind, _)| *kind != Kind::Postgres);
    }
    let Some(machine) = machine else {
        for (kind, name) in databases {
            if let Some(other) = &other {
                bench.beside(other, kind, name).await?;
            }
        }
        return Ok(());
    };
    for (kind, name) in &databases {
        if bench.wants_one_of("sessions", &Operation::ALL.map(Operation::name)) {
            bench.database(*kind, name, &machine).await?;
        }
    }
    for (kind, name) in &databases {
        if bench.wants_one_of("users", &UserOperation::ALL.map(UserOperation::name)) {
            bench.users(*kind, name, &machine).await?;
        }
    }
    if bench.wants_one_of("flood", &["flood"]) {
        flood::print_head();
        for (kind, name) in &databases {
            bench.flood(*kind, name).await?;
        }
    }
    println!();
    if bench.words.is_empty() { bench.sizes().await } else { Ok(()) }
}

/// How many processes wanted a core during the last minute (Linux).
fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

struct Bench {
    binary: PathBuf,
    span: Duration,
    folder: tempfile::TempDir,
    words: Vec<String>,
}

impl Bench {
    /// The name of an operation may be told by its first word; a number is told whole.
    fn names(&self, name: &str) -> bool {
        self.words.iter().any(|word| name.to_lowercase().split(' ').next() == Some(word))
    }

    /// Was this one of its kind asked for? All are if none was.
    fn wants(&self, one: &str, all: &[&str]) -> bool {
        self.names(one) || !all.iter().any(|name| self.names(name))
    }

    fn wants_callers(&self, callers: usize) -> bool {
        self.wants(&callers.to_string(), &CALLERS.map(|n| n.to_string()).each_ref().map(String::as_str))
    }

    /// One that is named by no word is wanted with its whole part, or if no operation is named at all.
    fn wants_operation(&self, operation: &str) -> bool {
        let all = Operation::ALL.map(Operation::name).into_iter().chain(UserOperation::ALL.map(UserOperation::name));
        self.names(operation) || !all.into_iter().any(|name| self.names(name))
    }

    /// Is one of these operations wanted, which make a part of the whole that has a name too?
    fn wants_one_of(&self, part: &str, operations: &[&str]) -> bool {
        self.wants(part, &["sessions", "users", "flood"]) && operations.iter().any(|operation| self.wants_operation(operation))
    }

    /// The lines of sessions of one database.
    async fn database(&self, kind: Kind, name: &'static str, machine: &Machine) -> anyhow::Result<()> {
        let (served, alone) = (TestDatabase::make(kind).await?, TestDatabase::make(kind).await?);
        // The program makes the tables and the first tenant; then the file is let go.
        let mut maker = Program::start(&self.binary, &alone.url(), self.folder.path())?;
        maker.kill()?;
        maker.wait()?;
        let store = Arc::new(Db::open(DatabaseOptions::parse(&alone.url())?).await?);
        let program = Program::start(&self.binary, &served.url(), self.folder.path())?;
        let bare = bare::start(self.folder.path())?;
        for callers in CALLERS {
            if !self.wants_callers(callers) {
                continue;
            }
            let mut workers = (Vec::new(), Vec::new());
            for number in (0..callers).map(|number| number + callers * 100) {
                workers.0.push(HttpWorker::connect(program.port(), number).await?);
                workers.1.push(BareWorker::connect(bare.port()).await?);
            }
            let reached = self.all(workers.0, Some(&program)).await?;
            let bare = self.all(workers.1, None).await?;
            let statements = self.statements(kind, &alone, &store, callers).await?;
            for (number, operation) in Operation::ALL.into_iter().enumerate() {
                let (Some(reached), Some(bare), Some(statements)) = (
                    reached.get(number).copied().flatten(),
                    bare.get(number).copied().flatten(),
                    statements.get(number).copied().flatten(),
                ) else {
                    continue;
                };
                let cryptography =
                    machine.cryptography.of(operation).map(|one_core| one_core * machine.cores_for(callers) as f64);
                let operation = operation.name();
                table::print_line(&Line { database: name, operation, callers, reached, bare, statements, cryptography });
            }
        }
        eprintln!("bench: {name}: {:.1} MiB resident after the load", mebibytes(program.resident_kib()?));
        drop((program, bare, store));
        served.remove().await?;
        alone.remove().await
    }

    /// The database without the program.
    async fn statements(
        &self,
        kind: Kind,
        alone: &TestDatabase,
        store: &Arc<Db>,
        callers: usize,
    ) -> anyhow::Result<Vec<Option<Figures>>> {
        let numbers = (0..callers).map(|number| number + callers * 100);
        if kind != Kind::Postgres {
            return self.all(numbers.map(|number| StoreWorker::new(Arc::clone(store), number)).collect(), None).await;
        }
        let mut workers = Vec::new();
        for number in numbers {
            workers.push(DriverWorker::connect(&alone.url(), store, number).await?);
        }
        self.all(workers, None).await
    }

    /// Every operation in turn with the same workers; nothing for those that were not asked for.
    async fn all<W: Worker<Operation = Operation>>(
        &self,
        mut workers: Vec<W>,
        program: Option<&Program>,
    ) -> anyhow::Result<Vec<Option<Figures>>> {
        let mut figures = Vec::new();
        for operation in Operation::ALL {
            let wanted = self.wants_operation(operation.name());
            // What is to be revoked is not there a second time; without anything made there is nothing to work on.
            if operation == Operation::Create || (wanted && operation != Operation::Revoke) {
                workers = measure(workers, operation, WARM_UP).await?.1;
            }
            if !wanted {
                figures.push(None);
                continue;
            }
            let before = program.map(Program::cpu_time).transpose()?;
            let (mut reached, back) = measure(workers, operation, self.span).await?;
            if let (Some(program), Some(before)) = (program, before) {
                reached.cpu = (program.cpu_time()? - before).as_secs_f64() * 1e6 / reached.count;
            }
            workers = back;
            figures.push(Some(reached));
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

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let two = [figures.get(middle.saturating_sub(1)), figures.get(middle)];
    two.into_iter().flatten().sum::<f64>() / 2.0
}

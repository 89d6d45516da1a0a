//! How long do those wait who only look up or refresh a session, while others sign in without pause? Each in turn alone and beside the
//! flood, several times, and the median of the shares counts.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks to its user")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use supertokens_testkit::program::Program;
use supertokens_testkit::target::Kind;
use tokio::task::JoinSet;

use crate::load::{Figures, HttpWorker, Named as _, Operation, Worker as _, measure};
use crate::median;
use crate::users::{UserOperation, UserWorker, crowded};
use crate::{Bench, WARM_UP};

/// Callers with sessions, and those that sign in.
const CALLERS: usize = 8;
const FLOOD: usize = 64;
const ROUNDS: usize = 5;
/// Until all of the flood wait for their hashes, and until the last hash of one that was stopped is done.
const SETTLE: Duration = Duration::from_millis(500);

pub(crate) fn print_head() {
    println!(
        "\n{CALLERS} callers with sessions, alone and while {FLOOD} others sign in without pause:\n\n\
         | database | operation | p50 ms alone | p50 ms then | p99 ms alone | p99 ms then | times (aim: < 3) | per second alone | then | \
         sign-ins per second |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
}

/// Those who sign in, until this is dropped.
struct Flood {
    done: Arc<AtomicU64>,
    began: Instant,
    _callers: JoinSet<anyhow::Result<()>>,
}

impl Flood {
    async fn begin(port: u16) -> anyhow::Result<Self> {
        let (done, mut callers) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        for number in 0..FLOOD {
            let mut worker = UserWorker::connect(port, number, FLOOD).await?;
            let done = Arc::clone(&done);
            callers.spawn(async move {
                loop {
                    worker.step(UserOperation::SignIn).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(SETTLE).await;
        done.store(0, Ordering::Relaxed);
        ensure!(callers.try_join_next().is_none(), "somebody could not sign in");
        Ok(Self { done, began: Instant::now(), _callers: callers })
    }

    fn a_second(&self) -> f64 {
        self.done.load(Ordering::Relaxed) as f64 / self.began.elapsed().as_secs_f64()
    }
}

/// Of one round.
struct Round {
    alone: Figures,
    then: Figures,
    sign_ins: f64,
}

impl Bench {
    /// The lines of one database.
    pub(crate) async fn flood(&self, kind: Kind, name: &str) -> anyhow::Result<()> {
        let database = crowded(self, kind).await?;
        let program = Program::start(&self.binary, &database.url(), self.folder.path())?;
        let mut workers = Vec::new();
        for number in 0..CALLERS {
            workers.push(HttpWorker::connect(program.port(), number).await?);
        }
        workers = measure(workers, Operation::Create, WARM_UP).await?.1;
        for operation in [Operation::Get, Operation::Refresh] {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                let (alone, back) = measure(workers, operation, self.span / 2).await?;
                let flood = Flood::begin(program.port()).await?;
                let (then, back) = measure(back, operation, self.span / 2).await?;
                let sign_ins = flood.a_second();
                drop(flood);
                tokio::time::sleep(SETTLE).await;
                workers = back;
                rounds.push(Round { alone, then, sign_ins });
            }
            print_line(name, operation, &rounds);
        }
        drop(program);
        database.remove().await
    }
}

fn print_line(name: &str, operation: Operation, rounds: &[Round]) {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    println!(
        "| {name} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} | {:.0} | {:.1} |",
        operation.name(),
        of(|round| round.alone.p50 as f64) / 1000.0,
        of(|round| round.then.p50 as f64) / 1000.0,
        of(|round| round.alone.p99 as f64) / 1000.0,
        of(|round| round.then.p99 as f64) / 1000.0,
        of(|round| round.then.p99 as f64 / round.alone.p99 as f64),
        of(|round| round.alone.per_second),
        of(|round| round.then.per_second),
        of(|round| round.sign_ins),
    );
}

//! Is this program as fast as that one? Both run at the same time on databases of their own and are asked in turn, so that what else the
//! machine does falls on both.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks to its user")]

use std::path::Path;

use supertokens_testkit::program::Program;
use supertokens_testkit::target::{Kind, TestDatabase};

use crate::load::{Figures, HttpWorker, Named as _, Operation, measure};
use crate::{Bench, CALLERS, WARM_UP, median};

/// Each round measures both; who goes first changes. Even, so that both go first as often, and many: what disturbs a machine lasts
/// longer than a round.
const ROUNDS: usize = 24;
/// A round takes this part of the time of a measurement.
const SLICES: u32 = 8;

/// One of the two, with what it was asked.
struct Side {
    program: Program,
    database: TestDatabase,
    workers: Vec<HttpWorker>,
    /// For each operation, one for each round.
    reached: [Vec<Figures>; Operation::ALL.len()],
}

impl Side {
    async fn start(bench: &Bench, binary: &Path, kind: Kind) -> anyhow::Result<Self> {
        let database = TestDatabase::make(kind).await?;
        let program = Program::start(binary, &database.url(), bench.folder.path())?;
        Ok(Self { program, database, workers: Vec::new(), reached: Default::default() })
    }

    async fn connect(&mut self, callers: usize) -> anyhow::Result<()> {
        self.workers.clear();
        self.reached = Default::default();
        for number in 0..callers {
            self.workers.push(HttpWorker::connect(self.program.port(), number + callers * 100).await?);
        }
        self.workers = measure(std::mem::take(&mut self.workers), Operation::Create, WARM_UP).await?.1;
        Ok(())
    }

    async fn ask(&mut self, bench: &Bench, at: usize, operation: Operation) -> anyhow::Result<()> {
        let before = self.program.cpu_time()?;
        let (mut reached, back) = measure(std::mem::take(&mut self.workers), operation, bench.span / SLICES).await?;
        reached.cpu = (self.program.cpu_time()? - before).as_secs_f64() * 1e6 / reached.count;
        self.workers = back;
        self.reached.get_mut(at).into_iter().for_each(|rounds| rounds.push(reached));
        Ok(())
    }
}

impl Bench {
    /// The lines of one database: `self.binary` set beside `other`.
    pub(crate) async fn beside(&self, other: &Path, kind: Kind, name: &str) -> anyhow::Result<()> {
        let mut sides = [Side::start(self, &self.binary, kind).await?, Side::start(self, other, kind).await?];
        for callers in CALLERS {
            if !self.wants_callers(callers) {
                continue;
            }
            for side in &mut sides {
                side.connect(callers).await?;
            }
            for round in 0..ROUNDS {
                for (at, operation) in Operation::ALL.into_iter().enumerate() {
                    // Creating fills what revoking empties.
                    if operation != Operation::Create && !self.wants_operation(operation.name()) {
                        continue;
                    }
                    for turn in 0..sides.len() {
                        let next = (round + turn) % sides.len();
                        if let Some(side) = sides.get_mut(next) {
                            side.ask(self, at, operation).await?;
                        }
                    }
                }
            }
            for (at, operation) in Operation::ALL.into_iter().enumerate() {
                if let (true, [Some(this), Some(that)]) =
                    (self.wants_operation(operation.name()), sides.each_ref().map(|side| side.reached.get(at)))
                {
                    print_line(name, operation, callers, this, that);
                }
            }
        }
        let [this, that] = sides;
        drop((this.program, that.program));
        this.database.remove().await?;
        that.database.remove().await
    }
}

pub(crate) fn print_head() {
    println!("| database | operation | callers | per second | of the other | CPU µs | of the other |");
    println!("|---|---|--:|--:|--:|--:|--:|");
}

/// Figures are medians of the rounds; shares are medians of the rounds' own shares.
fn print_line(name: &str, operation: Operation, callers: usize, this: &[Figures], that: &[Figures]) {
    let of = |figure: fn(&Figures) -> f64| {
        let share = median(this.iter().zip(that).map(|(this, that)| 100.0 * figure(this) / figure(that)).collect());
        (median(this.iter().map(figure).collect()), share)
    };
    let ((rate, rates), (cpu, cpus)) = (of(|figures| figures.per_second), of(|figures| figures.cpu));
    println!("| {name} | {} | {callers} | {rate:.0} | {rates:.1} % | {cpu:.0} | {cpus:.1} % |", operation.name());
}

//! How is what was measured set beside what could be reached? The columns of the table, and how its shares are worked out.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks to its user")]

use crate::limits::Cryptography;
use crate::load::Figures;

/// What the machine can do without any database or socket.
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cryptography: Cryptography,
}

/// A line, as it was measured.
pub(crate) struct Line {
    pub(crate) database: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) callers: usize,
    pub(crate) reached: Figures,
    /// HTTP alone.
    pub(crate) bare: Figures,
    /// The database alone.
    pub(crate) statements: Figures,
    /// The cryptography alone, on as many cores as there are callers; nothing where none is needed.
    pub(crate) cryptography: Option<f64>,
}

pub(crate) fn print_head(machine: &Machine) {
    let Machine { cores, cryptography } = machine;
    println!(
        "{cores} cores, shared by the callers, the program and the database. One core makes {:.0} RSA-2048 signatures a second, verifies \
         {:.0}, and derives {:.0} keys of refresh tokens.\n",
        cryptography.signatures, cryptography.verifications, cryptography.derivations
    );
    println!(
        "| database | operation | callers | per second | p50 ms | p99 ms | CPU µs | statements | HTTP | cryptography | of the tightest | \
         of all in turn |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
}

impl Machine {
    /// How many cores work for so many callers: one caller waits for one thing after the other.
    pub(crate) fn cores_for(&self, callers: usize) -> usize {
        self.cores.min(callers)
    }
}

pub(crate) fn print_line(line: &Line) {
    let Line { database, operation, callers, reached, bare, statements, cryptography } = line;
    let limits = [Some(statements.per_second), Some(bare.per_second), *cryptography];
    let tightest = limits.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    // The parts share the cores, so no program can do all of them as fast as one of them is done alone.
    let in_turn = 1.0 / limits.iter().flatten().map(|limit| 1.0 / limit).sum::<f64>();
    let share = |limit: f64| 100.0 * reached.per_second / limit;
    let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
    println!(
        "| {database} | {operation} | {callers} | {} | {:.2} | {:.2} | {:.0} | {} | {} | {} | {:.0} % | {:.0} % |",
        rate(reached.per_second),
        milliseconds(reached.p50),
        milliseconds(reached.p99),
        reached.cpu,
        rate(statements.per_second),
        rate(bare.per_second),
        cryptography.map_or_else(String::new, rate),
        share(tightest),
        share(in_turn),
    );
}

/// What happens a few times a second is told by tenths.
fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

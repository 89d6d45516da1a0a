//! `interleave [sqlite|postgres] [COUNT [SEED]]`: COUNT (10,000) sequences of changes at once (`interleavings`), on SQLite or in each of
//! the four migration modes of PostgreSQL (on the server of TEST_POSTGRES_URL), all modes side by side.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its user")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context;
use futures_util::future::join_all;
use serde_json::json;
use supertokens_testkit::cdi::account_races::MODES;
use supertokens_testkit::interleavings::{self, Report};
use supertokens_testkit::{Target, World};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interleave: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: interleave (sqlite|postgres) [COUNT [SEED]]";
    let (target, modes) = match arguments.next().as_deref() {
        Some("sqlite") => (Target::SqliteFile, &MODES[3..]),
        Some("postgres") => (Target::Postgres, &MODES[..]),
        _ => anyhow::bail!(usage),
    };
    if let Some(missing) = target.missing() {
        anyhow::bail!("{}", missing.0);
    }
    let count: u64 = arguments.next().map_or(Ok(10_000), |text| text.parse()).context("COUNT is a number")?;
    let seed: u64 = arguments.next().map_or(Ok(0), |text| text.parse()).context("SEED is a number")?;
    let (done, began, all) = (AtomicU64::new(0), Instant::now(), count * modes.len() as u64);
    let after_each = || {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done % (all / 50).max(1) == 0 {
            println!("{done} of {all} after {} s", began.elapsed().as_secs());
        }
    };
    let run = |mode: &'static str| async move {
        let w = World::open(target).await;
        w.with_config(json!({ "migration_mode": mode })).await;
        let report = interleavings::run(&w, mode, seed..seed + count, after_each).await;
        w.close().await;
        (mode, report)
    };
    for (mode, Report { answers, busy }) in join_all(modes.iter().map(|mode| run(mode))).await {
        println!("{mode}: an order tells all of {count} sequences; {} different answers, {busy} times too busy", answers.len());
    }
    Ok(())
}

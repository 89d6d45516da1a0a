//! `load-users URL [COUNT [MODE]]`: fills a database that has no users with COUNT of them (1,000,000), linked and mapped in part, in the
//! tables of a migration mode (LEGACY; SQLite has one). See `crowd`.
#![expect(clippy::print_stderr, reason = "a command-line tool speaks to its user")]

use std::process::ExitCode;

use anyhow::Context;
use supertokens_testkit::crowd;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load-users: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().context("usage: load-users URL [COUNT [MODE]]")?;
    let count = arguments.next().map_or(Ok(1_000_000), |text| text.parse()).context("COUNT is a number")?;
    crowd::load(&url, count, arguments.next().as_deref().unwrap_or("LEGACY")).await
}

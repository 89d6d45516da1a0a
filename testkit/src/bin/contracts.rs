//! `contracts LOG`: has every scenario of the SDK run in every framework, with every kind of core? Reads what `cargo test` printed, says
//! one line for each framework and kind of core, and ends with 1 if a combination did not run or failed. The frameworks are the folders of
//! `edges/adapters`, and the engine alone.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it speaks to its user")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use supertokens_testkit::fdi::{self, bare::BARE};

/// Those that have a folder with another one: REST APIs send other events than HTTP APIs.
const BESIDE: &[&str] = &["lambda_rest"];

fn main() -> Result<ExitCode> {
    let log = std::env::args().nth(1).context("contracts LOG")?;
    let log = std::fs::read_to_string(log).context("the log cannot be read")?;
    let outcomes: HashMap<String, Outcome> = log.lines().flat_map(outcomes).collect();
    let (mut counts, mut missing) = (BTreeMap::<(String, &str), [usize; 2]>::new(), Vec::new());
    for framework in frameworks()? {
        for case in fdi::all() {
            let (name, kind) = (case.name(&framework), case.kind().name());
            let [ran, left_out] = counts.entry((framework.clone(), kind)).or_default();
            match outcomes.get(name.as_str()).copied() {
                Some(Outcome::Ran) => *ran += 1,
                Some(Outcome::LeftOut) => *left_out += 1,
                Some(Outcome::Failed) => missing.push(format!("{name}: failed")),
                None => missing.push(format!("{name}: did not run")),
            }
        }
    }
    for ((framework, kind), [ran, left_out]) in counts {
        println!("{framework:<10} {kind:<18} {ran:>4} ran, {left_out:>3} not applicable or without their target");
    }
    for line in &missing {
        eprintln!("{line}");
    }
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of a test.
#[derive(Clone, Copy)]
enum Outcome {
    Ran,
    LeftOut,
    Failed,
}

/// `test NAME ... OUTCOME`. Before the test and between its name and its outcome may stand what frameworks have printed meanwhile, which may
/// also have cut off the word `ok`: that a test has failed, `cargo test` itself says.
fn outcomes(line: &str) -> impl Iterator<Item = (String, Outcome)> {
    line.split("test fdi::").skip(1).filter_map(|test| {
        let name = format!("fdi::{}", test.split_whitespace().next()?);
        let outcome = match test {
            failed if failed.contains("FAILED") => Outcome::Failed,
            left_out if left_out.contains("ignored") => Outcome::LeftOut,
            _ => Outcome::Ran,
        };
        Some((name, outcome))
    })
}

fn frameworks() -> Result<Vec<String>> {
    let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edges/adapters");
    let mut found: Vec<String> = [&[BARE.name], BESIDE].concat().into_iter().map(str::to_owned).collect();
    for entry in adapters.read_dir()? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

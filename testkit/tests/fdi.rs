//! What any application with the SDK must do, with the engine alone: what fails on a framework and not here is the
//! adapter's fault.

use std::process::ExitCode;

use supertokens_testkit::fdi::{bare::BARE, run_contract};

fn main() -> ExitCode {
    run_contract(BARE)
}

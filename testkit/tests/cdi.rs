//! What any core must do, on every database and over both ways of asking.

use std::process::ExitCode;

use supertokens_testkit::{cdi, coverage, scenario};

fn main() -> ExitCode {
    scenario::run_everywhere(
        "cdi",
        cdi::SUBJECTS,
        ("every_served_operation_was_asked_for", coverage::every_served_operation_was_asked_for),
    )
}

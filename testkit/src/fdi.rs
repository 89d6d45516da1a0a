//! What any application with the SDK must do, whatever its framework: scenarios by subject, and the runner that each
//! adapter's `tests/contract.rs` calls.
//!
//! Subjects on real cores run four times (in the process and over HTTP, on SQLite and PostgreSQL); those with a scripted
//! core run once. A test is named `fdi::<subject>::<scenario>::<framework>::<core>`.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt as _;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Runtime;

pub mod adapter;
pub mod app;
pub mod bare;
pub mod browser;
pub mod call;
pub mod fake;
pub mod fake_core;
pub mod narrow;
pub mod real;
pub mod routes;
pub mod stage;

pub use app::{AppAnswer, AppRoute, FOREIGN, Framework, Guard, Handler, HandlerError, Serve, StandardApp};
pub use browser::{Browser, Mode};
pub use call::{Answer, Call, CookieSet, FrontToken};
pub use stage::{App, CoreKind, Plan, Stage, standard_app_info};

use crate::scenario::Scenario;
use crate::target::Missing;

/// A file's scenarios under the file's name.
pub type Subject = (&'static str, &'static [Scenario<Stage>]);

/// How many scenarios run at the same time.
const AT_ONCE: usize = 8;

/// Runs everything on a framework, as the `main` of its test binary.
pub fn run_contract(framework: Framework) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let runtime = Runtime::new().map(Arc::new).expect("a runtime");
    let real = adapter::SUBJECTS.iter().chain(real::SUBJECTS).map(|subject| (subject, CoreKind::REAL));
    let fake = fake::SUBJECTS.iter().map(|subject| (subject, [CoreKind::Fake].as_slice()));
    let mut trials = Vec::new();
    for ((subject, scenarios), kinds) in real.chain(fake) {
        for scenario in scenarios.iter() {
            for kind in kinds {
                let name = format!("fdi::{subject}::{}::{}::{}", scenario.name, framework.name, kind.name());
                if framework.name == bare::BARE.name && *subject == "adapter::cors" {
                    let why = "not applicable: without a framework there is no CORS helper";
                    trials.push(Trial::ignorable_test(name, move || Ok(Completion::ignored_with(why))));
                    continue;
                }
                trials.push(trial(name, scenario, (framework, *kind), Arc::clone(&runtime)));
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    runtime.block_on(crate::spares::clear()).expect("the databases are dropped");
    conclusion.exit_code()
}

fn trial(name: String, scenario: &'static Scenario<Stage>, on: (Framework, CoreKind), runtime: Arc<Runtime>) -> Trial {
    let target = on.1.target();
    if let Some(why) = target.and_then(|target| scenario.needs.denied_by(target)) {
        return Trial::ignorable_test(name, move || Ok(Completion::ignored_with(why)));
    }
    match target.and_then(crate::target::Target::missing) {
        None => Trial::test(name, move || runtime.block_on(play(scenario, on))),
        Some(Missing(what)) => {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            Trial::test(name, move || Err(Failed::from(format!("{what}, and in CI no target may be missing"))))
                .with_ignored_flag(!in_ci)
        }
    }
}

/// Opens a stage, lets the scenario happen on it and clears it away, whatever happened.
async fn play(scenario: &'static Scenario<Stage>, (framework, kind): (Framework, CoreKind)) -> Result<(), Failed> {
    let stage = Stage::open(framework, kind).await;
    let outcome = AssertUnwindSafe((scenario.run)(&stage)).catch_unwind().await;
    stage.close().await;
    match outcome {
        Ok(()) => Ok(()),
        // The message and the line were already printed where it happened.
        Err(panic) => resume_unwind(panic),
    }
}

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
pub mod listening;
pub mod narrow;
pub mod real;
pub mod routes;
pub mod stage;

pub use app::{AppAnswer, AppRoute, ECHO_LIMIT, FOREIGN, Framework, Guard, Handler, HandlerError, Pieces, Serve, StandardApp};
pub use browser::{Browser, Mode};
pub use call::{Answer, Call, CookieSet, FrontToken};
pub use listening::{Connection, Listening, Served, over_http};
pub use stage::{App, CoreKind, Plan, Stage, standard_app_info};

use crate::scenario::Scenario;
use crate::target::Missing;

/// A file's scenarios under the file's name.
pub type Subject = (&'static str, &'static [Scenario<Stage>]);

/// How many scenarios run at the same time.
const AT_ONCE: usize = 8;

/// Runs everything on a framework, as the `main` of its test binary.
pub fn run_contract(framework: Framework) -> ExitCode {
    run_contract_and(&[], framework)
}

/// As [`run_contract`], and scenarios that only this framework knows, on real cores.
pub fn run_contract_and(own: &'static [Subject], framework: Framework) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let runtime = Runtime::new().map(Arc::new).expect("a runtime");
    let mut trials: Vec<_> = all_and(own).map(|case| case.trial(framework, Arc::clone(&runtime))).collect();
    trials.extend(framework.lacks.iter().filter_map(|(what, _)| names_nothing(framework, what)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    runtime.block_on(crate::spares::clear()).expect("the databases are dropped");
    conclusion.exit_code()
}

/// The framework that also runs on PostgreSQL when not every target is asked for.
const ON_POSTGRES: &str = "axum";

/// One scenario on one kind of core: a line of the report on each framework.
#[derive(Clone, Copy)]
pub struct Case {
    subject: &'static str,
    scenario: &'static Scenario<Stage>,
    kind: CoreKind,
}

/// Everything that every framework has to answer for.
pub fn all() -> impl Iterator<Item = Case> {
    all_and(&[])
}

fn all_and(own: &'static [Subject]) -> impl Iterator<Item = Case> {
    let real = adapter::SUBJECTS.iter().chain(real::SUBJECTS).chain(own).map(|subject| (subject, CoreKind::REAL));
    let fake = fake::SUBJECTS.iter().map(|subject| (subject, [CoreKind::Fake].as_slice()));
    real.chain(fake).flat_map(|((subject, scenarios), kinds)| {
        let each = move |scenario| kinds.iter().map(move |kind| Case { subject, scenario, kind: *kind });
        scenarios.iter().flat_map(each)
    })
}

impl Case {
    /// The test's name on a framework.
    pub fn name(&self, framework: &str) -> String {
        format!("fdi::{}::{}::{framework}::{}", self.subject, self.scenario.name, self.kind.name())
    }

    /// With what core.
    pub fn kind(&self) -> CoreKind {
        self.kind
    }

    /// Whether it is the subject, or the scenario, that is meant.
    fn is_of(&self, what: &str) -> bool {
        what == self.subject
            || what.strip_suffix(self.scenario.name).and_then(|rest| rest.strip_suffix("::")) == Some(self.subject)
    }

    fn trial(self, framework: Framework, runtime: Arc<Runtime>) -> Trial {
        let name = self.name(framework.name);
        let lacks = framework.lacks.iter().find(|(what, _)| self.is_of(what)).map(|(_, why)| *why);
        let target = self.kind.target();
        if let Some(why) = lacks.or_else(|| target.and_then(|target| self.scenario.needs.denied_by(target))) {
            let why = format!("not applicable: {}", why.strip_prefix("not applicable: ").unwrap_or(why));
            return Trial::ignorable_test(name, move || Ok(Completion::ignored_with(why)));
        }
        // Which database it is, shows in the one framework as in the others.
        let is_postgres = target.is_some_and(|target| target.kind() == crate::target::Kind::Postgres);
        if is_postgres && framework.name != ON_POSTGRES && !crate::scenario::every_target() {
            return Trial::ignorable_test(name, || Ok(Completion::ignored_with(crate::scenario::LEFT_OUT)));
        }
        match target.and_then(crate::target::Target::missing) {
            None => Trial::test(name, move || runtime.block_on(play(self.scenario, (framework, self.kind)))),
            Some(Missing(what)) => {
                let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
                Trial::test(name, move || Err(Failed::from(format!("{what}, and in CI no target may be missing"))))
                    .with_ignored_flag(!in_ci)
            }
        }
    }
}

/// A test that fails, if there is no such scenario.
fn names_nothing(framework: Framework, what: &'static str) -> Option<Trial> {
    let unknown = !all().any(|case| case.is_of(what));
    let why = format!("{} says that it lacks {what}, and there is no such scenario", framework.name);
    unknown.then(|| Trial::test(format!("fdi::lacks::{}", framework.name), move || Err(Failed::from(why))))
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

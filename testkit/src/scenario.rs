//! How does one sentence become one named test on every target?
//!
//! A scenario is an async function with a sentence for a name and one argument, the world it happens in. The macro makes
//! a list of a file's scenarios; the runner makes one test per scenario and target out of the lists, named
//! `cdi::session::reuse_is_theft::postgres`. Nothing is silently skipped: a target that is not there is reported as
//! ignored, by name, and as failed when `CI=true`; a scenario that says what it needs is reported as ignored, with the
//! reason, on a target that can never give it, in CI too. See section 7 of the house rules.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Runtime;

use crate::spares;
use crate::target::{Kind, Missing, Target};
use crate::world::World;

/// A scenario on its way. It stays on its test's own thread, so it need not be `Send`: the compiler cannot always see
/// that a future over a borrowed world is. What it spawns travels, and is a [`Running`].
pub type Playing<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A caller of a scenario, ready to be spawned.
pub type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One sentence about a `W`, and the function that shows it is true.
#[derive(Debug)]
pub struct Scenario<W: ?Sized> {
    /// The function's name.
    pub name: &'static str,
    /// What it cannot do without.
    pub needs: Needs,
    /// The function.
    pub run: for<'a> fn(&'a W) -> Playing<'a>,
}

/// What a scenario cannot do without, and only some targets have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any target will do.
    Nothing,
    /// A database that is still there when its core is not.
    AKeptDatabase,
    /// A database that several cores may open at once.
    ASharedDatabase,
    /// What only a database that may have been the Java core's has: migration modes, and keys from older days.
    AJavaCoresPast,
    /// A database to which one writes at a time.
    OneWriter,
    /// A core that listens.
    ASocket,
    /// A machine that does nothing else meanwhile, so that times can be compared: whoever has one says so by `TIMES_COUNT=1`.
    AQuietMachine,
}

impl Needs {
    /// Why a target can never give it, if that is so.
    pub fn denied_by(self, target: Target) -> Option<&'static str> {
        match (self, target.kind()) {
            (Self::AKeptDatabase, Kind::Memory) => Some("not applicable: a database in memory is gone with its core"),
            (Self::ASharedDatabase, Kind::Memory | Kind::File) => Some("not applicable: a SQLite database belongs to one core"),
            (Self::AJavaCoresPast, Kind::Memory | Kind::File) => {
                Some("not applicable: SQLite has one migration mode, and no keys of older days")
            }
            (Self::OneWriter, Kind::Postgres) => Some("not applicable: PostgreSQL is written to by many at a time"),
            (Self::ASocket, _) if !target.is_tcp() => Some("not applicable: this core does not listen"),
            (Self::AQuietMachine, _) if std::env::var_os("TIMES_COUNT").is_none() => {
                Some("not measured: needs a machine that does nothing else, and TIMES_COUNT=1")
            }
            _ => None,
        }
    }
}

/// Makes `ALL`, the list of a file's scenarios: `scenarios!(World: sessions_are_created, twins_agree needs ASharedDatabase);`
#[macro_export]
macro_rules! scenarios {
    ($world:ty: $($name:ident $(needs $need:ident)?),* $(,)?) => {
        /// The scenarios of this file.
        pub static ALL: &[$crate::Scenario<$world>] = &[$($crate::Scenario {
            name: stringify!($name),
            needs: [$($crate::scenario::Needs::$need,)? $crate::scenario::Needs::Nothing][0],
            run: |w| Box::pin($name(w)),
        }),*];
    };
}

/// A file's scenarios under the file's name.
pub type Subject = (&'static str, &'static [Scenario<World>]);

/// Set, PostgreSQL over TCP is run too. What it adds to PostgreSQL by direct call and to TCP on SQLite is seldom worth a third of the time.
pub(crate) fn every_target() -> bool {
    std::env::var_os("EVERY_TARGET").is_some()
}

/// Of what is left out for that.
pub(crate) const LEFT_OUT: &str = "left to ./test-slow: EVERY_TARGET is not set";

/// How many scenarios run at the same time. They mostly wait for databases, so more than there are cores.
const AT_ONCE: usize = 8;

/// Runs every scenario of every subject on every target, as the test binary's `main`. `afterwards` is one more test, run
/// at the end and only if nothing was filtered out: it may look at what the whole run has touched.
pub fn run_everywhere(suite: &str, subjects: &[Subject], afterwards: (&'static str, fn() -> Result<(), String>)) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let runtime = Runtime::new().map(Arc::new).expect("a runtime");
    let trials = subjects
        .iter()
        .flat_map(|(subject, scenarios)| scenarios.iter().map(move |scenario| (subject, scenario)))
        .flat_map(|(subject, scenario)| Target::ALL.iter().map(move |target| (subject, scenario, *target)))
        .map(|(subject, scenario, target)| {
            let name = format!("{suite}::{subject}::{}::{}", scenario.name, target.name());
            trial(name, scenario, target, Arc::clone(&runtime))
        })
        .collect();
    let whole_run = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list && !arguments.ignored;
    let conclusion = libtest_mimic::run(&arguments, trials);
    runtime.block_on(spares::clear()).expect("the databases are dropped");
    if conclusion.has_failed() || !whole_run {
        return conclusion.exit_code();
    }
    let (name, check) = afterwards;
    let check = Trial::test(format!("{suite}::{name}"), move || check().map_err(Failed::from));
    libtest_mimic::run(&arguments, vec![check]).exit_code()
}

fn trial(name: String, scenario: &'static Scenario<World>, target: Target, runtime: Arc<Runtime>) -> Trial {
    if let Some(why) = scenario.needs.denied_by(target) {
        return Trial::ignorable_test(name, move || Ok(Completion::ignored_with(why)));
    }
    if target == Target::PostgresTcp && scenario.needs != Needs::ASocket && !every_target() {
        return Trial::ignorable_test(name, || Ok(Completion::ignored_with(LEFT_OUT)));
    }
    match target.missing() {
        None => Trial::test(name, move || runtime.block_on(play(scenario, target))),
        Some(Missing(what)) => {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            Trial::test(name, move || Err(Failed::from(format!("{what}, and in CI no target may be missing"))))
                .with_ignored_flag(!in_ci)
        }
    }
}

/// Opens a world, lets the scenario happen in it and clears the world away, whatever happened.
async fn play(scenario: &'static Scenario<World>, target: Target) -> Result<(), Failed> {
    let world = World::open(target).await;
    let outcome = AssertUnwindSafe((scenario.run)(&world)).catch_unwind().await;
    world.close().await;
    match outcome {
        Ok(()) => Ok(()),
        // The message and the line were already printed where it happened; the name of the test belongs to them.
        Err(panic) => resume_unwind(panic),
    }
}

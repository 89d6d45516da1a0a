//! Every method of the store on every database: SQLite in memory, SQLite in a file, PostgreSQL (house.md 7).
//!
//! Each row is named `<test>::<database>`. Those on PostgreSQL want `TEST_POSTGRES_URL`, the URL of a superuser, and are
//! reported as ignored without it; with `CI=true` they fail then. Those on a small disk want to mount one, which takes root, and are
//! reported as ignored elsewhere.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod accounts;
mod behaviour;
mod files;
mod moving;
mod plans;
mod races;
mod rows;
mod surroundings;
mod takeover;
mod waiting;
mod world;

use libtest_mimic::{Arguments, Failed, Trial};
use world::{Kind, Test, World};

fn main() {
    let arguments = Arguments::from_args();
    let tests = rows::TESTS
        .iter()
        .chain(behaviour::TESTS)
        .chain(races::TESTS)
        .chain(takeover::TESTS)
        .chain(waiting::TESTS)
        .chain(files::TESTS)
        .chain(surroundings::TESTS)
        .chain(accounts::TESTS)
        .chain(moving::TESTS)
        .chain(plans::TESTS);
    let trials = tests.flat_map(|test| test.on.iter().map(|kind| trial(test, *kind))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(test: &'static Test, kind: Kind) -> Trial {
    let missing = match kind {
        Kind::Postgres => world::postgres_url().is_none(),
        Kind::SmallDisk => !world::may_mount(),
        Kind::Memory | Kind::File => false,
    };
    // Not everybody can be root, also in CI.
    let in_ci = kind == Kind::Postgres && std::env::var("CI").is_ok_and(|value| value == "true");
    let name = format!("{}::{}", test.name, kind.name());
    let run = move || {
        if missing {
            return Err(Failed::from("TEST_POSTGRES_URL is not set"));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let world = World::open(kind).await?;
            // A test that panics leaves its database behind; the server it is on is a test's own.
            (test.run)(&world).await?;
            world.close().await
        })?;
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(missing && !in_ci)
}

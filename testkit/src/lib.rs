//! The shared test kit: how every implementation is brought to the same scenarios, and every scenario to every target.
//!
//! `postgres` starts a throw-away PostgreSQL, `scenario` turns lists of sentences into named tests, `world` is the core
//! under test with a clock to turn and dice that count. Never published; an assertion here is meant to panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the test kit is test code: its assertions panic"
)]

pub mod accounts_model;
pub mod accounts_walk;
pub mod answer;
pub mod authenticator;
pub mod cdi;
pub mod coverage;
pub mod crowd;
pub mod door;
pub mod errors_logged;
pub mod fdi;
pub mod interleavings;
pub mod pgbouncer;
pub mod ports;
pub mod postgres;
pub mod program;
pub mod scenario;
pub mod spares;
pub mod target;
pub mod world;

pub use answer::{Answer, members};
pub use scenario::Scenario;
pub use target::Target;
pub use world::World;

//! `cargo bench -p supertokens-benches-frameworks [-- FRAMEWORK…]`: what does the middleware add to a request, and what a session whose
//! token is known already, in each framework? Requests are made in process, without a socket.
//!
//! The three applications of a framework take turns in short slices, several rounds, and the median counts. What matters is the
//! difference to the same route without anything: it shall stay below the limit, and the bench ends with an error if it does not.
//! BENCH_MILLISECONDS is the length of a slice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench speaks to its user"
)]

mod frameworks;
mod known_token;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::frameworks::{ALL, Ask};

/// The allocator that the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 7;

/// What sessions may add to a request, in µs.
const LIMIT: f64 = 20.0;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let slice = std::env::var("BENCH_MILLISECONDS").ok().and_then(|slice| slice.parse().ok()).unwrap_or(400);
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (engine, cookie) = runtime.block_on(known_token::known_token());
    println!("\n## A request in process, the token known already\n");
    println!("| | the route alone, µs | the middleware adds, µs | and a session, µs |\n|---|--:|--:|--:|");
    let mut over = Vec::new();
    for (name, build) in ALL.iter().filter(|(name, _)| words.is_empty() || words.iter().any(|word| word == name)) {
        let mut bare = build(&runtime, None, &cookie);
        let mut with = build(&runtime, Some(engine.clone()), &cookie);
        let [alone, layered, verified] = median(&runtime, (&mut bare, &mut with), Duration::from_millis(slice));
        println!("| {name} | {alone:.2} | {:.2} | {:.2} |", layered - alone, verified - alone);
        if verified - alone > LIMIT {
            over.push(*name);
        }
    }
    if over.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\nMore than {LIMIT} µs: {}", over.join(", "));
    ExitCode::FAILURE
}

/// Of the route alone, of the same with the middleware, and of one that takes a session: µs each, after one round that does not count.
fn median(runtime: &Runtime, (bare, with): (&mut Ask, &mut Ask), slice: Duration) -> [f64; 3] {
    let mut times = [const { Vec::new() }; 3];
    for round in 0..=ROUNDS {
        let measured = [
            one_slice(runtime, bare, "/hello", slice),
            one_slice(runtime, with, "/hello", slice),
            one_slice(runtime, with, "/me", slice),
        ];
        if round > 0 {
            for (times, time) in times.iter_mut().zip(measured) {
                times.push(time);
            }
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

fn one_slice(runtime: &Runtime, ask: &mut Ask, path: &'static str, slice: Duration) -> f64 {
    let (begin, mut times) = (Instant::now(), 0_u32);
    while begin.elapsed() < slice {
        for _ in 0..8 {
            let status = runtime.block_on(ask(path));
            assert_eq!(status, 200, "{path}");
        }
        times += 8;
    }
    begin.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

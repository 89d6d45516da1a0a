//! How often does a request that wants no session ask for memory, with the SDK's middleware around it? What is added to the same route
//! alone is the request's scope, with its view of the headers, and what the framework itself allocates for one more middleware.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test: what is missing fails it")]

#[path = "../frameworks.rs"]
mod frameworks;
#[path = "../known_token.rs"]
mod known_token;

use tokio::runtime::{Builder, Runtime};

use crate::frameworks::{ALL, Ask};

/// What each may add.
const MOST: &[(&str, i64)] =
    &[("axum", 15), ("actix", 11), ("lambda", 12), ("poem", 10), ("rocket", 16), ("salvo", 14), ("warp", 13)];

#[test]
fn a_request_that_wants_no_session_allocates_little_more_than_its_scope() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (engine, cookie) = runtime.block_on(known_token::known_token());
    let mut added = Vec::new();
    for (name, build) in ALL {
        let mut bare = build(&runtime, None, &cookie);
        let mut with = build(&runtime, Some(engine.clone()), &cookie);
        let counts = [of_one_request(&runtime, &mut bare), of_one_request(&runtime, &mut with)];
        added.push((*name, counts[1] - counts[0]));
    }
    let most = |name: &str| MOST.iter().find(|(limited, _)| *limited == name).map(|(_, most)| *most);
    let over = added.iter().filter(|(name, count)| most(name).is_none_or(|most| *count > most));
    assert_eq!(over.count(), 0, "{added:?}");
}

/// Of one that is like many before it.
fn of_one_request(runtime: &Runtime, ask: &mut Ask) -> i64 {
    let once = |ask: &mut Ask| assert_eq!(runtime.block_on(ask("/hello")), 200);
    for _ in 0..10 {
        once(ask);
    }
    let least = (0..5).map(|_| allocation_counter::measure(|| once(ask)).count_total).min().unwrap();
    i64::try_from(least).unwrap()
}

//! The adapter by itself, over a core that is scripted: what a router with the layer does with requests, sessions and errors.
//! The scenarios that hold for every framework are elsewhere.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed expectation is how a test fails")]

mod bodies;
mod cors;
mod errors;
mod routes;
mod wire;
mod world;

//! What only an adapter can get wrong: how requests come in, how responses go out, and who answers what. Scenarios 141 to
//! 150 of sdk-session.md 11, without 148, which is about Lambda events.

use super::Subject;

pub mod cors;
pub mod crowd;
pub mod requests;
pub mod responses;
pub mod round_trip;
pub mod wire;

/// Every subject.
pub static SUBJECTS: &[Subject] = &[
    ("adapter::round_trip", round_trip::ALL),
    ("adapter::requests", requests::ALL),
    ("adapter::responses", responses::ALL),
    ("adapter::cors", cors::ALL),
    ("adapter::crowd", crowd::ALL),
    ("adapter::wire", wire::ALL),
];

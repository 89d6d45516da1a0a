//! What any core must do: scenarios by subject, each run on every target.

use crate::scenario::Subject;

pub mod session;

/// Every subject.
pub static SUBJECTS: &[Subject] = &[("session::create", session::create::ALL)];

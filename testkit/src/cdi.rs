//! What any core must do: scenarios by subject, each run on every target.

use crate::scenario::Subject;

pub mod session;

/// Every subject.
pub static SUBJECTS: &[Subject] = &[
    ("session::refresh", session::refresh::ALL),
    ("session::refresh_around", session::refresh_around::ALL),
    ("session::decisions", session::decisions::ALL),
    ("session::regenerate", session::regenerate::ALL),
    ("session::remove", session::remove::ALL),
    ("session::races", session::races::ALL),
    ("session::create", session::create::ALL),
    ("session::data", session::data::ALL), ("session::verify", session::verify::ALL), ("session::create_around", session::create_around::ALL),
];

//! What goes over the line between an SDK and the core: questions, answers, and what a version of the interface means.

pub mod ask;
pub mod cdi;
pub mod input;
pub mod operation;
pub mod version;

//! What is true about sessions: tokens, the keys that sign them, and what each request may do to the stored row.
//!
//! The store and the clock are elsewhere; here a row and an instant go in and a decision comes out (core-session.md 2 to 5).

pub mod access_token;
pub mod anti_csrf;
mod claim_text;
pub mod hash;
pub mod jwt;
pub mod key_schedule;
pub mod lifetime;
pub mod provenance;
pub mod refresh_token;
pub mod rotation;
pub mod signing_key;
#[cfg(test)]
pub(crate) mod test_vectors;
mod token_version;
pub mod verify_row;

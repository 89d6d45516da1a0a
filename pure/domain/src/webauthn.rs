//! Passkeys: what a browser brings back from an authenticator, and whether it is what was asked for (core-recipes-2.md 2).
//!
//! A ceremony is decided in two halves. [`registration::decide`] and [`assertion::decide`] read and compare everything; what they answer
//! has a signature in it that is still to be checked, and gives nothing away until somebody says whether it holds.

pub mod assertion;
pub mod attestation;
pub mod authenticator_data;
mod cbor;
pub mod certificate;
pub mod claimed;
pub mod client_data;
mod expected;
pub mod key;
pub mod options;
pub mod origin;
pub mod recovery_token;
mod refused;
pub mod registration;
mod response;
pub mod signed;
#[cfg(test)]
mod tests;

pub use expected::{Expected, UserVerification};
pub use refused::Refused;

//! What is true about sessions, tokens, keys and tenants. No IO, no async, no clock, no dice: time, randomness and settings are
//! arguments.

pub mod config;
pub mod ids;
pub mod json;
pub mod printable;
pub mod secret;
pub mod session;
pub mod tenancy;
pub mod time;

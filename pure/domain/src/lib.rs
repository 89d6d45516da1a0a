//! What is true about sessions, tokens, keys, tenants and users. No IO, no async, no clock, no dice: time, randomness and settings are
//! arguments.

pub mod accounts;
mod base64_text;
pub mod bulk_import;
pub mod config;
pub mod dashboard;
pub mod emailpassword;
pub mod ids;
pub mod json;
pub mod one_time_token;
pub mod passwordless;
pub mod printable;
pub mod secret;
pub mod session;
pub mod tenancy;
pub mod time;
pub mod totp;
pub mod user_id_mapping;
pub mod user_metadata;
pub mod users;
pub mod webauthn;

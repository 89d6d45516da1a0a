//! What the core is asked, and what it answers: one file per recipe.

pub mod account_linking;
pub mod bulk_import;
pub mod dashboard;
pub mod email_verification;
pub mod emailpassword;
pub mod jwt;
pub mod passwordless;
pub mod server;
pub mod session;
pub mod tenancy;
pub mod thirdparty;
pub mod totp;
pub mod user_id_mapping;
pub mod user_metadata;
pub mod user_roles;
pub mod user_shape;
pub mod users;
pub mod webauthn;

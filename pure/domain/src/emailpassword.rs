//! What is true about logins with an e-mail address and a password: which hashes there are, what they may cost, which of them are imported,
//! and when a reset token is still good (core-users.md 3).

pub mod cost;
pub mod import;
pub mod password_hash;
pub mod reset_token;

//! Rules between a browser and an application: which address is meant, how a token travels, what a cookie looks like, whether a
//! session's claims satisfy a route. No IO, no async, no clock, no dice: time and settings are arguments (sdk-session.md 1, 3 to 6, 8).
//!
//! Apart from `domain`, because the core must not carry a URL parser and the public suffix list for rules that only an SDK has.

pub mod address;
pub mod anti_csrf;
pub mod app_info;
pub mod caching;
pub mod carriage;
pub mod claims;
pub mod clock;
pub mod cookie;
pub mod core_address;
pub mod discovery;
pub mod front_token;
pub mod outcome;
pub mod own_cookie;
pub mod payload;
pub mod response_changes;
pub mod routing;
pub mod session_settings;
#[cfg(test)]
mod test_keys;
pub mod token;
pub mod transfer;

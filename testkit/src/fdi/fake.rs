//! What the SDK does with a core that is scripted: every answer a core may give, and some it may not
//! (sdk-session.md 11, scenarios 1 to 140, and the bad input of issue 3).

use super::Subject;

pub mod anti_csrf;
pub mod claims;
pub mod core_client;
pub mod creating;
pub mod errors;
pub mod ground;
pub mod hostile;
pub mod init;
pub mod keys;
pub mod lines;
pub mod middleware;
pub mod payloads;
pub mod refreshing;
pub mod sign_out;
pub mod surroundings;
pub mod tokens;
pub mod verifying;

/// Every subject.
pub static SUBJECTS: &[Subject] = &[
    ("init", init::ALL),
    ("core_client", core_client::ALL),
    ("middleware", middleware::ALL),
    ("errors", errors::ALL),
    ("creating", creating::ALL),
    ("verifying", verifying::ALL),
    ("keys", keys::ALL),
    ("anti_csrf", anti_csrf::ALL),
    ("refreshing", refreshing::ALL),
    ("sign_out", sign_out::ALL),
    ("payloads", payloads::ALL),
    ("claims", claims::ALL),
    ("hostile", hostile::ALL),
    ("surroundings", surroundings::ALL),
];

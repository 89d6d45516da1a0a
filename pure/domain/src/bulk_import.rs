//! Users that come from elsewhere, many at once (core-linking.md 3): what one of them is, as it was sent and as it waits; which are taken;
//! and who of them may come in, next to those who are there.

mod admission;
mod fields;
pub mod file;
pub mod foreign;
mod read;
mod user;

pub use admission::{Admission, Occupied, Seen, groups_of};
pub use read::{Context, Ids, named_roles, named_tenants, read};
pub use user::{ImportedDevice, ImportedMethod, ImportedPassword, ImportedRole, ImportedUser, shown};

/// So many users are sent at once, at most.
pub const MOST_USERS: usize = 10_000;

/// Beside the list of those that were not taken.
pub const NOT_TAKEN: &str = "Data has missing or invalid fields. Please check the users field for more details.";

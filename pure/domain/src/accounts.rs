//! Accounts: the ways in which somebody logs in, and the groups of them that are one user (core-users.md 1 and 2, core-linking.md 2).
//!
//! A *recipe user* is one login method. A *group* is what answers call a user: the login methods that share a primary id. The id of a
//! group is the internal id of one member, which may have gone since (a *ghost*): the group keeps its id.

mod changes;
mod conflict;
mod deletion;
mod group;
mod ids;
mod info;
mod linking;
mod login_change;
mod method;
mod rows;
mod tenants;

pub use changes::{Changes, Membership};
pub use conflict::{Conflict, taken};
pub use deletion::{DeletedUser, Deletion, delete, ids_of};
pub use group::{Group, Reservation};
pub use ids::{FoundIds, IdKind, IdMapping, MappingRemoval, MeantId, as_internal};
pub use info::{AccountInfo, AccountInfoRow, InfoKind};
pub use linking::{Link, MakePrimary, Unlink, link, make_primary, unlink};
pub use login_change::{LoginChange, change_login, gained};
pub use method::{AuthRecipe, Login, LoginMethod, ThirdParty};
pub use rows::{AccountRow, groups};
pub use tenants::{Join, join, leave, why_not};

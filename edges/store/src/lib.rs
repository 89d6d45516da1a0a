//! SQL, and nothing else: one text for each statement, two databases (house.md 6, dependencies.md 4).
//!
//! Open a [`Db`], bring its tables up to date with `migrate`, and work on it with `read`, `single` and `tx`, whose
//! bodies get a [`Tx`]. Its methods are in one file for each subject. Nothing here decides anything.

pub mod accounts;
pub mod activity;
pub mod bulk_import;
mod contents;
pub mod dashboard;
pub mod email_verification;
pub mod emailpassword;
pub mod key_value;
pub mod keys;
mod machinery;
pub mod passwordless;
pub mod session;
pub mod tenancy;
pub mod totp;
pub mod user_id_mapping;
pub mod user_metadata;
pub mod user_removal;
pub mod user_roles;
pub mod user_search;
pub mod user_transfer;
pub mod users;
pub mod webauthn;

pub use accounts::{Backfilled, FoundLogin, FoundPasskey, FoundUser, taken_login};
pub use activity::ActivityRow;
pub use bulk_import::{TakenRow, WaitingUser};
pub use dashboard::DashboardWhom;
pub use email_verification::VerificationTokenRow;
pub use emailpassword::NewResetToken;
pub use key_value::KeyValueRow;
pub use keys::{DynamicKeyRow, StaticKeyRow};
pub use machinery::{
    Applied, BadUrl, ChannelBinding, Creator, DatabaseOptions, Db, Dialect, DriverError, Examined, FileProblem, IdleConnections,
    Keepalive, Key, Lack, Patience, PlannedMigration, PoolState, Pooler, PostgresOptions, Result, SqliteOptions, SqlitePlace,
    StoreError, TableNames, TlsMode, TlsVersion, Tx, examine,
};
pub use passwordless::{CodeRow, DeviceRow};
pub use session::{LockedSession, NewSession, ResolvedUser, RotationColumns, SessionRow};
pub use tenancy::{ClientRecord, ProviderRecord, TenantRecord, UserInfoMap};
pub use totp::TotpDevice;
pub use user_roles::RoleOfUser;
pub use user_transfer::FilePosition;
pub use users::{JoinOrder, UserPage, UserPlace};
pub use webauthn::{CredentialRow, NewRecoveryToken, OptionsRow, TakenRecoveryToken};

//! SQL, and nothing else: one text for each statement, two databases (house.md 6, dependencies.md 4).
//!
//! Open a [`Db`], bring its tables up to date with `migrate`, and work on it with `read`, `single` and `tx`, whose
//! bodies get a [`Tx`]. Its methods are in one file for each subject. Nothing here decides anything.

pub mod activity;
mod attributes;
mod connection;
mod db;
mod error;
mod health;
pub mod key_value;
pub mod keys;
mod migrations;
mod names;
mod options;
mod pool;
mod postgres;
mod rights;
mod row;
pub mod session;
mod sqlite;
mod statement;
pub mod tenancy;
mod tls;
mod tx;
pub mod users;
mod way;

pub use activity::ActivityRow;
pub use connection::Pooler;
pub use db::Db;
pub use error::{DriverError, Key, Result, StoreError};
pub use key_value::KeyValueRow;
pub use keys::{DynamicKeyRow, StaticKeyRow};
pub use migrations::{Applied, PlannedMigration};
pub use options::{
    BadUrl, ChannelBinding, DatabaseOptions, IdleConnections, Keepalive, Patience, PostgresOptions, SqliteOptions, SqlitePlace,
    TableNames, TlsMode, TlsVersion,
};
pub use postgres::PoolState;
pub use rights::{Creator, Lack};
pub use session::{LockedSession, NewSession, ResolvedUser, RotationColumns, SessionRow};
pub use sqlite::file::{Examined, FileProblem, examine};
pub use statement::Dialect;
pub use tenancy::{ClientRecord, ProviderRecord, TenantRecord, UserInfoMap};
pub use tx::Tx;
pub use users::{JoinOrder, UserPage, UserPlace};

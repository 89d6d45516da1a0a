//! The machinery: two databases behind one way to work on them. It names no recipe and no table of one; what is kept in a database is
//! handed down when it is opened.

mod address;
pub(crate) mod contents;
mod db;
pub(crate) mod due;
mod error;
mod failure;
pub(crate) mod fit;
mod health;
pub(crate) mod lock;
pub(crate) mod migrations;
mod naming;
mod options;
mod postgres;
pub(crate) mod ready;
pub(crate) mod rights;
mod row;
mod shared;
pub(crate) mod sql;
pub(crate) mod sqlite;
pub(crate) mod statement;
mod statistics;
mod tx;

// What the program and the core are told.
pub use address::BadUrl;
pub use due::{Lack, PlannedMigration};
pub use error::{DriverError, Key};
pub use migrations::Applied;
pub use naming::TableNames;
pub use options::{
    ChannelBinding, DatabaseOptions, IdleConnections, Keepalive, Patience, PostgresOptions, SqliteOptions, SqlitePlace, TlsMode,
    TlsVersion,
};
pub use postgres::PoolState;
pub use postgres::connection::Pooler;
pub use rights::Creator;
pub use sqlite::file::{Examined, FileProblem, examine};

// What a recipe needs, too.
pub use db::Db;
pub use error::{Result, StoreError};
pub use naming::Dialect;
pub(crate) use row::Row;
pub(crate) use statement::{Val, args, pair, statements};
pub use tx::Tx;

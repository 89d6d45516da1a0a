//! What the drivers say, as a failure of the store: the only file that knows their codes.

use std::io;

use crate::machinery::error::{DriverError, Key, StoreError, chain};
use crate::machinery::sql::Sql;

/// Why a connection is not made that could be made. Trying again changes nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) String);

/// The refusal, or what TLS says, behind an error of the driver.
pub(crate) fn refusal(error: &tokio_postgres::Error) -> Option<String> {
    let io = std::error::Error::source(error)?.downcast_ref::<io::Error>()?.get_ref()?;
    let refusal = io.downcast_ref::<Refusal>().map(ToString::to_string);
    let of_tls = io.downcast_ref::<rustls::Error>().filter(|error| is_lasting(error));
    refusal.or_else(|| of_tls.map(|error| format!("the server ends the encrypted connection: {error}")))
}

/// Would the same attempt fail in a minute, too? Other alerts are what proxies send while the server behind them is being replaced.
pub(crate) fn is_lasting(error: &rustls::Error) -> bool {
    use rustls::{AlertDescription as Alert, Error};
    matches!(
        error,
        Error::InvalidCertificate(_)
            | Error::PeerIncompatible(_)
            | Error::NoCertificatesPresented
            | Error::AlertReceived(
                Alert::CertificateRequired
                    | Alert::BadCertificate
                    | Alert::UnknownCA
                    | Alert::AccessDenied
                    | Alert::ProtocolVersion
                    | Alert::InsufficientSecurity
            )
    )
}

pub(crate) fn from_postgres(error: &tokio_postgres::Error, sql: &Sql) -> StoreError {
    let Some(said) = error.as_db_error() else {
        if let Some(refusal) = refusal(error) {
            return StoreError::Unsafe(refusal);
        }
        let message = chain(error);
        let reached = !error.is_closed() && !caused_by_io(error);
        let driver = DriverError { code: None, message };
        return if reached { StoreError::Driver(driver) } else { StoreError::Unavailable(driver) };
    };
    let key = || Key {
        table: sql.standard_name(said.table().unwrap_or_default()),
        constraint: said.constraint().unwrap_or_default().to_owned(),
    };
    let driver = || DriverError { code: Some(said.code().code().to_owned()), message: said.message().to_owned() };
    match said.code().code() {
        "23505" => StoreError::Duplicate(key()),
        "23503" => StoreError::MissingParent(key()),
        code if code.starts_with("40") => StoreError::Busy,
        // `lock_timeout`
        "55P03" => StoreError::Locked,
        "53100" => StoreError::Full(driver()),
        // A standby, or `default_transaction_read_only`.
        "25006" => StoreError::ReadOnly(driver()),
        // Shutting down, crashed, starting up, too many connections, connection exceptions, idle for too long in a transaction.
        code if code.starts_with("57P") || code.starts_with("08") || code == "53300" || code == "25P03" => {
            StoreError::Unavailable(driver())
        }
        _ if says_try_again(said.message()) => StoreError::Busy,
        _ => StoreError::Driver(driver()),
    }
}

/// The messages on which the Java core tries again, whatever the code (core-session.md 2.9).
fn says_try_again(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["deadlock", "concurrent update", "concurrent delete", "the transaction might succeed if retried"]
        .iter()
        .any(|sign| message.contains(sign))
}

fn caused_by_io(error: &tokio_postgres::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        if source.is::<std::io::Error>() {
            return true;
        }
        next = source.source();
    }
    false
}

pub(crate) fn from_sqlite(error: &rusqlite::Error, sql: &Sql) -> StoreError {
    use rusqlite::ffi::{self, ErrorCode};
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return StoreError::driver(error.to_string());
    };
    let message = message.clone().unwrap_or_else(|| failure.to_string());
    let driver = |message| DriverError { code: Some(failure.extended_code.to_string()), message };
    match (failure.code, failure.extended_code) {
        // We write on one thread and lock each other out of the file at the start: it is somebody else.
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => StoreError::Held(driver(message)),
        (ErrorCode::DiskFull, _) => StoreError::Full(driver(message)),
        (ErrorCode::ReadOnly, _) => StoreError::ReadOnly(driver(message)),
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => StoreError::Duplicate(columns(&message, sql)),
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => {
            StoreError::MissingParent(Key { table: String::new(), constraint: String::new() })
        }
        _ => StoreError::Driver(driver(message)),
    }
}

/// `UNIQUE constraint failed: t.a, t.b` names the table and its columns.
fn columns(message: &str, sql: &Sql) -> Key {
    let list = message.rsplit_once(": ").map_or("", |(_, list)| list);
    let mut table = "";
    let columns: Vec<&str> = list
        .split(", ")
        .map(|column| match column.split_once('.') {
            Some((of, name)) => {
                table = of;
                name
            }
            None => column,
        })
        .collect();
    Key { table: sql.standard_name(table), constraint: columns.join(", ") }
}

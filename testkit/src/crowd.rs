//! A million users, or as many as are wanted: rows for a database that has none, made from numbers and written in bulk.
//!
//! Three in ten belong together by three, every fourth has an id of the application's own, half have a role and a verified address,
//! whoever is shown has metadata. Which tables are written is the migration mode's affair, as ever. Nothing is random: a number means the same user always.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use futures_util::SinkExt;
use supertokens_store::{DatabaseOptions, Db, TenantRecord};
use tokio_postgres::NoTls;

use crate::accounts_walk::Written;

/// The password of everybody who has one.
pub const PASSWORD: &str = "a passphrase";
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuutJ2RyAufs74z0O.Qp2tLTGZ/9JVQq0O";
/// When the first one joined, in ms.
const FIRST: i64 = 1_600_000_000_000;
/// The role of every second user.
pub const ROLE: &str = "reader";
/// So many rows are written between two looks at the progress.
const STEP: u64 = 20_000;

/// The user of a number.
#[derive(Debug, Clone, Copy)]
pub struct Member(pub u64);

/// By what somebody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// An address and a password.
    Password,
    /// An account at a provider, with an address.
    Provider,
    /// A code that is sent to an address.
    Code,
}

impl Member {
    /// The internal id. Neighbours have ids far from each other, as they have in life.
    pub fn id(self) -> String {
        let mixed = |salt: u64| {
            let z = self.0.wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z ^ (z >> 27)
        };
        let (high, low) = (mixed(0), mixed(1 << 40));
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }

    /// The address.
    pub fn email(self) -> String {
        format!("u{}@crowd.example", self.0)
    }

    /// How it logs in.
    pub fn by(self) -> By {
        match self.0 % 3 {
            0 => By::Password,
            1 => By::Provider,
            _ => By::Code,
        }
    }

    fn recipe(self) -> &'static str {
        match self.by() {
            By::Password => "emailpassword",
            By::Provider => "thirdparty",
            By::Code => "passwordless",
        }
    }

    /// When it joined, in ms.
    pub fn joined(self) -> i64 {
        FIRST + i64::try_from(self.0).unwrap_or_default() * 10
    }

    /// Does it belong to others?
    pub fn is_linked(self) -> bool {
        self.0 % 10 < 3
    }

    /// The one that gave its group the id: itself, or up to two before.
    pub fn head(self) -> Self {
        if self.is_linked() { Self(self.0 - self.0 % 10) } else { self }
    }

    /// The id of the application's own.
    pub fn external_id(self) -> Option<String> {
        self.0.is_multiple_of(4).then(|| format!("customer-{}", self.0))
    }

    /// The id under which it is shown where it is not linked.
    pub fn shown_id(self) -> String {
        self.external_id().unwrap_or_else(|| self.id())
    }

    fn account(self) -> String {
        format!("account-{}", self.0)
    }

    /// The rows of infos: kind, value, and both halves of the account where the row has them.
    fn infos(self) -> Vec<[String; 4]> {
        let row = |kind: &str, value: String, first: &str, second: String| [kind.to_owned(), value, first.to_owned(), second];
        match self.by() {
            By::Provider => vec![
                row("email", self.email(), "google", self.account()),
                row("tparty", format!("google::{}", self.account()), "", String::new()),
            ],
            By::Password | By::Code => vec![row("email", self.email(), "", String::new())],
        }
    }
}

/// A table's columns, whether it is written, and the rows of a user in it.
struct Table {
    name: &'static str,
    columns: &'static str,
    rows: fn(Member) -> Vec<Vec<Option<String>>>,
}

/// One row of these values, all there.
macro_rules! row {
    ($($value:expr),+) => { vec![$(Some($value.to_string())),+] };
}

/// A row, where this is so.
fn only(is_so: bool, row: impl FnOnce() -> Vec<Option<String>>) -> Vec<Vec<Option<String>>> {
    if is_so { vec![row()] } else { Vec::new() }
}

const P: &str = "public";

/// In an order in which foreign keys hold, if they are looked at.
const ALWAYS: &[Table] = &[
    Table {
        name: "app_id_to_user_id",
        columns: "app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined,
            primary_or_recipe_user_time_joined",
        rows: |m| vec![row![P, m.id(), m.recipe(), m.head().id(), u8::from(m.is_linked()), m.joined(), m.head().joined()]],
    },
    Table {
        name: "emailpassword_users",
        columns: "app_id, user_id, email, password_hash, time_joined",
        rows: |m| only(m.by() == By::Password, || row![P, m.id(), m.email(), HASH, m.joined()]),
    },
    Table {
        name: "thirdparty_users",
        columns: "app_id, third_party_id, third_party_user_id, user_id, email, time_joined",
        rows: |m| only(m.by() == By::Provider, || row![P, "google", m.account(), m.id(), m.email(), m.joined()]),
    },
    Table {
        name: "passwordless_users",
        columns: "app_id, user_id, email, time_joined",
        rows: |m| only(m.by() == By::Code, || row![P, m.id(), m.email(), m.joined()]),
    },
    Table {
        name: "userid_mapping",
        columns: "app_id, supertokens_user_id, external_user_id",
        rows: |m| only(m.external_id().is_some(), || row![P, m.id(), m.shown_id()]),
    },
    Table {
        name: "user_metadata",
        columns: "app_id, user_id, user_metadata",
        rows: |m| only(m.head().0 == m.0, || row![P, m.shown_id(), format!(r#"{{"n":{}}}"#, m.0)]),
    },
    Table {
        name: "user_roles",
        columns: "app_id, tenant_id, user_id, role",
        rows: |m| only(m.0.is_multiple_of(2), || row![P, P, m.shown_id(), ROLE]),
    },
    Table {
        name: "emailverification_verified_emails",
        columns: "app_id, user_id, email",
        rows: |m| only(m.0.is_multiple_of(2), || row![P, m.shown_id(), m.email()]),
    },
];

const OLD: &[Table] = &[
    Table {
        name: "all_auth_recipe_users",
        columns: "app_id, tenant_id, user_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,
            primary_or_recipe_user_time_joined",
        rows: |m| vec![row![P, P, m.id(), m.head().id(), u8::from(m.is_linked()), m.recipe(), m.joined(), m.head().joined()]],
    },
    Table {
        name: "emailpassword_user_to_tenant",
        columns: "app_id, tenant_id, user_id, email",
        rows: |m| only(m.by() == By::Password, || row![P, P, m.id(), m.email()]),
    },
    Table {
        name: "thirdparty_user_to_tenant",
        columns: "app_id, tenant_id, user_id, third_party_id, third_party_user_id",
        rows: |m| only(m.by() == By::Provider, || row![P, P, m.id(), "google", m.account()]),
    },
    Table {
        name: "passwordless_user_to_tenant",
        columns: "app_id, tenant_id, user_id, email",
        rows: |m| only(m.by() == By::Code, || row![P, P, m.id(), m.email()]),
    },
];

const NEW: &[Table] = &[
    Table {
        name: "recipe_user_account_infos",
        columns: "app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id,
            primary_user_id",
        rows: |m| {
            let row = |[kind, value, first, second]: [String; 4]| {
                let mut row = row![P, m.id(), m.recipe(), kind, value, first, second];
                row.push(m.is_linked().then(|| m.head().id()));
                row
            };
            m.infos().into_iter().map(row).collect()
        },
    },
    Table {
        name: "recipe_user_tenants",
        columns: "app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id,
            third_party_user_id",
        rows: |m| {
            let row = |[kind, value, first, second]: [String; 4]| row![P, m.id(), P, m.recipe(), kind, value, first, second];
            m.infos().into_iter().map(row).collect()
        },
    },
    Table {
        name: "primary_user_tenants",
        columns: "app_id, tenant_id, account_info_type, account_info_value, primary_user_id",
        rows: |m| {
            let row = |[kind, value, ..]: [String; 4]| row![P, P, kind, value, m.head().id()];
            m.infos().into_iter().filter(|_| m.is_linked()).map(row).collect()
        },
    },
];

/// Fills a database that has no users. Makes its tables if there are none. A bar on standard error says how far it is.
///
/// # Errors
/// If the address is none, or the database says no.
pub async fn load(url: &str, count: u64, mode: &str) -> anyhow::Result<()> {
    let db = Db::open(DatabaseOptions::parse(url)?).await?;
    db.migrate().await?;
    db.tx(async |tx| tx.save_tenant(&TenantRecord::base(), 1).await).await?;
    drop(db);
    let written = Written::in_mode(if url.starts_with("sqlite:") { "MIGRATED" } else { mode });
    let (old, new) = (if written.old { OLD } else { &[] }, if written.new { NEW } else { &[] });
    let tables: Vec<&Table> = ALWAYS.iter().chain(old).chain(new).collect();
    let mut bar = Bar { done: 0, all: count * tables.len() as u64, shown: u64::MAX };
    match url.strip_prefix("sqlite:") {
        Some(path) => into_sqlite(Path::new(path), &tables, count, &mut bar),
        None => into_postgres(url, &tables, count, &mut bar).await,
    }
}

fn into_sqlite(path: &Path, tables: &[&Table], count: u64, bar: &mut Bar) -> anyhow::Result<()> {
    let mut connection = rusqlite::Connection::open(path)?;
    // What is half loaded is loaded again.
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000")?;
    connection.execute("INSERT INTO roles (app_id, role) VALUES ('public', ?1)", [ROLE])?;
    for table in tables {
        let values = (1..=table.columns.split(',').count()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let transaction = connection.transaction()?;
        let mut insert = transaction.prepare(&format!("INSERT INTO {} ({}) VALUES ({values})", table.name, table.columns))?;
        for number in 0..count {
            for row in (table.rows)(Member(number)) {
                insert.execute(rusqlite::params_from_iter(row))?;
            }
            bar.step(table.name);
        }
        drop(insert);
        transaction.commit()?;
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    bar.end();
    Ok(())
}

async fn into_postgres(url: &str, tables: &[&Table], count: u64, bar: &mut Bar) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    // The rows are right; to look each of them up takes longer than to write them.
    client.batch_execute("SET session_replication_role = replica; SET synchronous_commit = off").await?;
    client.execute("INSERT INTO roles (app_id, role) VALUES ('public', $1)", &[&ROLE]).await?;
    for table in tables {
        let sink = client.copy_in::<_, Bytes>(&format!("COPY {} ({}) FROM STDIN", table.name, table.columns)).await?;
        let mut sink = std::pin::pin!(sink);
        let mut lines = Vec::new();
        for number in 0..count {
            for row in (table.rows)(Member(number)) {
                // No value has anything that this format would take for its own.
                let values: Vec<String> = row.into_iter().map(|value| value.unwrap_or_else(|| r"\N".to_owned())).collect();
                writeln!(lines, "{}", values.join("\t"))?;
            }
            bar.step(table.name);
            if number % 1000 == 999 {
                sink.send(std::mem::take(&mut lines).into()).await?;
            }
        }
        sink.send(lines.into()).await?;
        sink.as_mut().finish().await.with_context(|| table.name)?;
    }
    bar.end();
    client.batch_execute("VACUUM ANALYZE").await?;
    drop(client);
    driver.await??;
    Ok(())
}

/// How far it is.
struct Bar {
    done: u64,
    all: u64,
    shown: u64,
}

impl Bar {
    fn step(&mut self, table: &str) {
        self.done += 1;
        let percent = self.done * 100 / self.all.max(1);
        if self.done.is_multiple_of(STEP) && percent != self.shown {
            self.shown = percent;
            let full = usize::try_from(percent / 4).unwrap_or_default();
            let _ = write!(std::io::stderr(), "\r[{:<25}] {percent:>3} % {table:<40}", "#".repeat(full));
        }
    }

    fn end(&self) {
        let _ = writeln!(std::io::stderr(), "\r[{:<25}] 100 % {:<40}", "#".repeat(25), "all tables");
    }
}

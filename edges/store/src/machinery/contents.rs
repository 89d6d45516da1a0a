//! What a table of contents says. The one that there is stands above the recipes and is handed down when a database is opened, so that
//! nothing here names a recipe or a table of one.

use crate::machinery::statement::{Group, Q};

/// Everything that is kept in a database.
pub(crate) struct Contents {
    /// The statements of each file, in the order of the numbers that the table of contents gives them.
    pub(crate) groups: &'static [Group],
    /// In their order.
    pub(crate) migrations: &'static [Migration],
    /// A statement that changes no row, but is refused where writing is: of a table that a core must be allowed to write to.
    pub(crate) tries_writing: fn() -> Q,
    /// A table that every core has had: where it is, tables have been made.
    pub(crate) landmark: &'static str,
    /// Columns in which many rows have the same value.
    pub(crate) shared_columns: &'static [&'static str],
}

/// A step that makes tables or changes them. It is never changed once it has been released.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// Where it is written down which of them have been run.
pub(crate) const RECORDS: &str = "CREATE TABLE IF NOT EXISTS {st_rs_migrations} (
    number BIGINT NOT NULL, name VARCHAR(128) NOT NULL, applied_at BIGINT NOT NULL,
    CONSTRAINT {name st_rs_migrations}_pkey PRIMARY KEY (number))";

impl Migration {
    /// From the name of its file (`0001_name`) and what is in it.
    pub(crate) const fn of(file: &'static str, text: &'static str) -> Self {
        let (digits, name) = file.split_at(4);
        let (_, name) = name.split_at(1);
        // What is no number is found by the test that they rise.
        let number = match i64::from_str_radix(digits, 10) {
            Ok(number) => number,
            Err(_) => 0,
        };
        Self { number, name, text }
    }
}

impl Contents {
    /// Every statement before it is rendered.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.groups.iter().flat_map(|group| group.texts).copied()
    }

    /// All texts that make something.
    pub(crate) fn makers(&self) -> impl Iterator<Item = &'static str> {
        self.migrations.iter().map(|migration| migration.text).chain([RECORDS])
    }

    /// Every table, by its standard name: read from what makes them.
    pub(crate) fn tables(&self) -> Vec<&'static str> {
        let mut tables = Vec::new();
        for made in self.makers().flat_map(|text| text.split("CREATE TABLE IF NOT EXISTS {").skip(1)) {
            let table = made.split('}').next().unwrap_or_default();
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }
}

#[cfg(test)]
impl Contents {
    /// A database without anything.
    pub(crate) const NOTHING: Self =
        Self { groups: &[], migrations: &[], tries_writing: || Q { group: 0, number: 0 }, landmark: "", shared_columns: &[] };
}

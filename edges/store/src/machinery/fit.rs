//! Do the names fit? PostgreSQL cuts what is longer than 63 bytes without an error, and two names that are the same afterwards are one.

use std::collections::BTreeSet;

use crate::machinery::contents::Contents;
use crate::machinery::naming::TableNames;

/// Bytes of a name that PostgreSQL keeps.
const KEPT: usize = 63;

/// Is every table called by its whole name, and are all that is cut (constraints, indexes) still different names?
pub(crate) fn fit(names: &TableNames, contents: &Contents) -> Result<(), String> {
    if let Some(long) = std::iter::once(&names.schema).chain(names.renamed.values()).find(|name| name.len() > KEPT) {
        return Err(format!(
            "the name {long:?} is longer than the {KEPT} bytes that PostgreSQL keeps of it: choose a shorter one"
        ));
    }
    if clash(names, contents).is_none() {
        return Ok(());
    }
    let prefix = names.prefix.trim();
    let shorter = |length: usize| TableNames { prefix: prefix.get(..length).unwrap_or_default().to_owned(), ..names.clone() };
    let longest = (1..prefix.len()).rev().map(shorter).find(|names| clash(names, contents).is_none());
    Err(match longest {
        Some(fits) => format!(
            "'postgresql_table_names_prefix' is too long, as PostgreSQL keeps {KEPT} bytes of the names of tables and constraints: \
             at most {} of its {} characters fit, such as {:?}",
            fits.prefix.len(),
            prefix.len(),
            fits.prefix
        ),
        None => {
            "the names that were given to tables are too long for their constraints to be told apart: choose shorter ones".into()
        }
    })
}

/// A name that PostgreSQL would take for another one, or cut although a table is called by it.
fn clash(names: &TableNames, contents: &Contents) -> Option<String> {
    let tables = contents.tables();
    if let Some(long) = tables.iter().map(|table| names.unqualified(table)).find(|name| name.len() > KEPT) {
        return Some(long);
    }
    // Tables and indexes of a schema have different names, and so have the constraints of a table. Keys are both.
    let (mut relations, mut constraints) = (BTreeSet::new(), BTreeSet::new());
    let cut = |name: &str| name.get(..KEPT).unwrap_or(name).to_ascii_lowercase();
    let indexes = contents.makers().flat_map(|text| text.split("INDEX IF NOT EXISTS ").skip(1)).map(word);
    let of_schema = tables.iter().map(|table| names.unqualified(table)).chain(indexes);
    if let Some(twice) = of_schema.into_iter().find(|name| !relations.insert(cut(name))) {
        return Some(twice);
    }
    let twice = of_constraints(names, contents).find(|(table, name, is_key)| {
        let is_new = constraints.insert((*table, cut(name)));
        !is_new || (*is_key && !relations.insert(cut(name)))
    });
    twice.map(|(_, name, _)| name)
}

/// The names that migrations give to constraints, `{name table}_what_it_is`, each with its table and whether it is a key.
pub(crate) fn of_constraints(names: &TableNames, contents: &Contents) -> impl Iterator<Item = (&'static str, String, bool)> {
    let pieces = contents.makers().flat_map(|text| text.split("CONSTRAINT {name ").skip(1));
    pieces.filter_map(|piece| {
        let (table, rest) = piece.split_once('}')?;
        let suffix = word(rest);
        let kind = rest.get(suffix.len()..).unwrap_or_default().trim_start();
        let is_key = kind.starts_with("PRIMARY KEY") || kind.starts_with("UNIQUE");
        Some((table, format!("{}{suffix}", names.unqualified(table)), is_key))
    })
}

/// The word with which a text begins.
fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

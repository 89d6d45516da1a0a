//! Do the names fit? PostgreSQL cuts what is longer than 63 bytes without an error, and two names that are the same afterwards are one.

use std::collections::BTreeSet;

use crate::migrations;
use crate::options::TableNames;
use crate::statement::TABLES;

/// Bytes of a name that PostgreSQL keeps.
const KEPT: usize = 63;

/// Is every table called by its whole name, and are all that is cut (constraints, indexes) still different names?
pub(crate) fn fit(names: &TableNames) -> Result<(), String> {
    if let Some(long) = [Some(&names.schema), names.session_info.as_ref(), names.key_value.as_ref()]
        .into_iter()
        .flatten()
        .find(|name| name.len() > KEPT)
    {
        return Err(format!(
            "the name {long:?} is longer than the {KEPT} bytes that PostgreSQL keeps of it: choose a shorter one"
        ));
    }
    if clash(names).is_none() {
        return Ok(());
    }
    let prefix = names.prefix.trim();
    let shorter = |length: usize| TableNames { prefix: prefix.get(..length).unwrap_or_default().to_owned(), ..names.clone() };
    let longest = (1..prefix.len()).rev().map(shorter).find(|names| clash(names).is_none());
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
fn clash(names: &TableNames) -> Option<String> {
    if let Some(long) = TABLES.iter().map(|table| names.unqualified(table)).find(|name| name.len() > KEPT) {
        return Some(long);
    }
    // Tables and indexes of a schema have different names, and so have the constraints of a table. Keys are both.
    let (mut relations, mut constraints) = (BTreeSet::new(), BTreeSet::new());
    let cut = |name: &str| name.get(..KEPT).unwrap_or(name).to_ascii_lowercase();
    let indexes = migrations::texts().flat_map(|text| text.split("CREATE INDEX IF NOT EXISTS ").skip(1)).map(word);
    let of_schema = TABLES.iter().map(|table| names.unqualified(table)).chain(indexes);
    if let Some(twice) = of_schema.into_iter().find(|name| !relations.insert(cut(name))) {
        return Some(twice);
    }
    let twice = of_constraints(names).find(|(table, name, is_key)| {
        let is_new = constraints.insert((*table, cut(name)));
        !is_new || (*is_key && !relations.insert(cut(name)))
    });
    twice.map(|(_, name, _)| name)
}

/// The names that migrations give to constraints, `{name table}_what_it_is`, each with its table and whether it is a key.
fn of_constraints(names: &TableNames) -> impl Iterator<Item = (&'static str, String, bool)> {
    let pieces = migrations::texts().flat_map(|text| text.split("CONSTRAINT {name ").skip(1));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixed(length: usize) -> TableNames {
        TableNames { prefix: "p".repeat(length), ..TableNames::default() }
    }

    #[test]
    fn a_prefix_that_is_too_long_is_refused_with_the_longest_that_fits() {
        assert!(of_constraints(&prefixed(1)).count() > 20);
        assert_eq!(fit(&TableNames::default()), Ok(()));
        let longest = (1..63).rev().find(|length| fit(&prefixed(*length)).is_ok()).unwrap_or_default();
        assert!((20..30).contains(&longest), "{longest}");
        let said = fit(&prefixed(30)).unwrap_err();
        assert!(
            said.contains("'postgresql_table_names_prefix'") && said.contains(&format!("at most {longest} of its 30")),
            "{said}"
        );
    }

    #[test]
    fn only_what_is_one_name_to_postgresql_is_refused() {
        let named = |session_info: &str| TableNames { session_info: Some(session_info.to_owned()), ..TableNames::default() };
        for (name, fits) in [
            ("tenants", false),
            // A key has an index of the same name, a foreign key has none; and that of another table is another.
            ("tenants_pkey", false),
            ("userid_mapping_external_user_id_key", false),
            ("tenants_app_id_fkey", true),
            ("SESSION_EXPIRY_INDEX", false),
            ("sessions", true),
        ] {
            assert_eq!(fit(&named(name)).is_ok(), fits, "{name}");
        }
        let keys = of_constraints(&TableNames::default()).filter(|(_, _, is_key)| *is_key).count();
        assert!((10..of_constraints(&TableNames::default()).count()).contains(&keys), "{keys}");
    }

    #[test]
    fn names_of_their_own_are_measured_too() {
        let long = |length| TableNames { session_info: Some("s".repeat(length)), ..TableNames::default() };
        assert!(fit(&long(40)).is_ok());
        assert!(fit(&long(64)).unwrap_err().contains("63 bytes"));
        assert!(fit(&long(62)).unwrap_err().contains("told apart"));
        assert!(fit(&TableNames { schema: "s".repeat(64), ..TableNames::default() }).is_err());
    }
}

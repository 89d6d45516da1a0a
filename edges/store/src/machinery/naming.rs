//! How the databases are called, and the tables in them (core-session.md 6.1).

use std::collections::BTreeMap;

/// Which database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// The name, as metrics and `doctor` print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// How tables are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// The schema.
    pub schema: String,
    /// Put in front of every name, with `_` between, unless empty.
    pub prefix: String,
    /// Tables that have another name, which then gets no prefix: by their standard names.
    pub renamed: BTreeMap<String, String>,
}

impl Default for TableNames {
    fn default() -> Self {
        Self { schema: "public".into(), prefix: String::new(), renamed: BTreeMap::new() }
    }
}

impl TableNames {
    /// A table's name without schema.
    pub fn unqualified(&self, table: &str) -> String {
        match (self.renamed.get(table), self.prefix.trim()) {
            (Some(name), _) => name.clone(),
            (None, "") => table.to_owned(),
            (None, prefix) => format!("{prefix}_{table}"),
        }
    }

    /// A table's name as statements have it. On PostgreSQL with its schema, as no search path is relied upon.
    pub(crate) fn qualified(&self, table: &str, dialect: Dialect) -> String {
        let name = self.unqualified(table);
        if dialect == Dialect::Sqlite { name } else { format!("{}.{name}", self.schema) }
    }

    /// Names go into statements as they are, so they must be plain words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let renamed = self.renamed.values().map(String::as_str);
        let prefix = Some(self.prefix.trim()).filter(|prefix| !prefix.is_empty());
        for name in renamed.chain(prefix).chain([self.schema.as_str()]) {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !plain || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(format!("{name:?} cannot be part of a table name: letters, digits and underscores only"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_schema_and_prefix_and_renamed_ones_no_prefix() {
        let renamed = [("drawers".to_owned(), "d".to_owned())].into();
        let names = TableNames { schema: "s".into(), prefix: " p ".into(), renamed };
        assert_eq!(names.qualified("shelves", Dialect::Postgres), "s.p_shelves");
        assert_eq!(names.qualified("drawers", Dialect::Postgres), "s.d");
        assert_eq!(names.qualified("shelves", Dialect::Sqlite), "p_shelves");
        assert_eq!(TableNames::default().qualified("shelves", Dialect::Postgres), "public.shelves");
        assert!(names.check().is_ok());
        assert!(TableNames { prefix: "a;b".into(), ..TableNames::default() }.check().is_err());
        assert!(TableNames { renamed: [("drawers".to_owned(), "1d".to_owned())].into(), ..names }.check().is_err());
    }
}

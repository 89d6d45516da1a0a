//! One text per statement, in PostgreSQL's dialect, rendered once when a database is opened (dependencies.md 4).
//!
//! In a text, `{table}` is a table's configured name, `$n` a parameter, `{lock}` a row lock where there are rows to lock,
//! `{share}` one that others may take too, `{take}` one past rows that others have locked, `{once}` makes a step be worked out once, `{in $n}` is membership in a list (`{ids $n}` of ids in
//! a CHAR(36) column, `{id t.column}` a text that may be such an id), `{each $n}` the list as a table, `{locks $n}` takes advisory locks in their order, `{pairs $n}` the pairs of a list of pairs
//! (`pair`), `{try_lock $n}` an advisory lock, `{bytes}` the order of bytes, and `{behind_at column}` an address behind its first `@`, in
//! lower case.

use crate::machinery::contents::Contents;
use crate::machinery::naming::{Dialect, TableNames};
use crate::machinery::statement::{Group, Q};

/// The directives that may stand in braces in a statement, beside the names of tables.
#[cfg(test)]
pub(crate) const DIRECTIVES: [&str; 15] = [
    "lock",
    "take",
    "share",
    "once",
    "in",
    "ids",
    "id",
    "each",
    "locks",
    "pairs",
    "try_lock",
    "partition_list",
    "owned",
    "bytes",
    "behind_at",
];

/// The rendered statements of one database.
pub(crate) struct Sql {
    dialect: Dialect,
    texts: Vec<Vec<String>>,
    names: TableNames,
    /// By their standard names.
    tables: Vec<&'static str>,
    contents: &'static Contents,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect, names: TableNames, contents: &'static Contents) -> Self {
        let render_group = |group: &Group| group.texts.iter().map(|text| render(text, dialect, &names)).collect();
        Self { dialect, texts: contents.groups.iter().map(render_group).collect(), names, tables: contents.tables(), contents }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn names(&self) -> &TableNames {
        &self.names
    }

    /// Every table, by its standard name.
    pub(crate) fn tables(&self) -> &[&'static str] {
        &self.tables
    }

    /// What this is rendered from.
    pub(crate) fn contents(&self) -> &'static Contents {
        self.contents
    }

    /// The text of a statement. Every `Q` comes from an enum that has one text for each variant.
    pub(crate) fn text(&self, q: Q) -> &str {
        self.texts.get(q.group).and_then(|group| group.get(q.number)).map_or("", String::as_str)
    }

    /// The table a statement is mainly about.
    pub(crate) fn table_of(&self, q: Q) -> &'static str {
        self.contents.groups.get(q.group).map_or("", |group| group.table)
    }

    /// Every text, for the test that prepares them all.
    pub(crate) fn all_texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().flatten().map(String::as_str)
    }

    /// How many statements each group has.
    pub(crate) fn group_sizes(&self) -> impl Iterator<Item = usize> {
        self.texts.iter().map(Vec::len)
    }

    /// Renders a text that is not known before the program runs (migrations, partitions).
    pub(crate) fn render(&self, text: &str) -> String {
        render(text, self.dialect, &self.names)
    }

    /// The standard name of a table that the database called by its own name.
    pub(crate) fn standard_name(&self, table: &str) -> String {
        let known = self.tables.iter().find(|known| self.names.unqualified(known).eq_ignore_ascii_case(table));
        known.map_or(table, |known| known).to_owned()
    }
}

/// Replaces the directives of a text.
fn render(text: &str, dialect: Dialect, names: &TableNames) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(at) = rest.find(['{', '$']) {
        let (before, directive) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(parameter) = directive.strip_prefix('$') {
            out.push(if dialect == Dialect::Sqlite { '?' } else { '$' });
            parameter
        } else {
            let (inside, after) = directive.strip_prefix('{').and_then(|d| d.split_once('}')).unwrap_or((directive, ""));
            out.push_str(&directive_text(inside, dialect, names));
            after
        };
    }
    out.push_str(rest);
    out
}

fn directive_text(inside: &str, dialect: Dialect, names: &TableNames) -> String {
    let mut words = inside.split_whitespace();
    let (name, first) = (words.next().unwrap_or_default(), words.next());
    let parameter = |word: Option<&str>| word.unwrap_or_default().trim_start_matches('$').to_owned();
    match (name, dialect) {
        ("lock", Dialect::Sqlite) => String::new(),
        ("lock", Dialect::Postgres) => "FOR UPDATE".to_owned(),
        ("take", Dialect::Sqlite) => String::new(),
        ("take", Dialect::Postgres) => "FOR UPDATE SKIP LOCKED".to_owned(),
        // Others may take the same lock, but nobody may delete the row.
        ("share", Dialect::Sqlite) => String::new(),
        ("share", Dialect::Postgres) => "FOR KEY SHARE".to_owned(),
        ("once", Dialect::Sqlite) => String::new(),
        ("once", Dialect::Postgres) => "MATERIALIZED".to_owned(),
        ("in", Dialect::Sqlite) => format!("IN (SELECT value FROM json_each(?{}))", parameter(first)),
        ("in", Dialect::Postgres) => format!("= ANY(${})", parameter(first)),
        // A list of texts would turn a CHAR(36) column into texts, past its index.
        ("ids", Dialect::Sqlite) => format!("IN (SELECT value FROM json_each(?{}))", parameter(first)),
        ("ids", Dialect::Postgres) => format!("= ANY(CAST(${} AS BPCHAR[]))", parameter(first)),
        // As `as_internal` has it: the column takes no notice of blanks at the end of what it is compared with.
        ("id", _) => {
            let text = first.unwrap_or_default();
            format!("CAST(CASE WHEN length({text}) = 36 THEN {text} END AS BPCHAR)")
        }
        ("each", Dialect::Sqlite) => format!("(SELECT value AS it FROM json_each(?{}))", parameter(first)),
        ("each", Dialect::Postgres) => {
            format!("(SELECT it FROM pg_catalog.unnest(CAST(${} AS TEXT[])) AS it)", parameter(first))
        }
        ("locks", Dialect::Sqlite) => format!("?{} IS NOT NULL", parameter(first)),
        ("locks", Dialect::Postgres) => format!(
            "pg_catalog.pg_advisory_xact_lock(CAST(key AS BIGINT)) FROM pg_catalog.unnest(CAST(${} AS TEXT[])) AS key",
            parameter(first)
        ),
        ("pairs", Dialect::Sqlite) => {
            format!("(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?{}))", parameter(first))
        }
        ("pairs", Dialect::Postgres) => format!(
            "(SELECT CAST(pair AS JSON) ->> 0, CAST(pair AS JSON) ->> 1 FROM pg_catalog.unnest(CAST(${} AS TEXT[])) AS pair)",
            parameter(first)
        ),
        // One writer needs no lock; the parameter is there all the same.
        ("try_lock", Dialect::Sqlite) => format!("?{} IS NOT NULL", parameter(first)),
        ("try_lock", Dialect::Postgres) => {
            format!(
                "pg_catalog.pg_try_advisory_xact_lock(CAST(pg_catalog.hashtext(CAST(${} AS TEXT)) AS BIGINT))",
                parameter(first)
            )
        }
        ("partition_list", Dialect::Sqlite) => "(SELECT '' AS name) WHERE 1 = 0".to_owned(),
        ("partition_list", Dialect::Postgres) => format!(
            "(SELECT CAST(c.relname AS TEXT) AS name FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = pg_catalog.to_regclass('{}')) partitions",
            names.qualified(first.unwrap_or_default(), dialect)
        ),
        ("owned", Dialect::Sqlite) => "1 = 1".to_owned(),
        ("owned", Dialect::Postgres) => format!(
            "(SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_class c
             WHERE c.oid = pg_catalog.to_regclass('{}'))",
            names.qualified(first.unwrap_or_default(), dialect)
        ),
        // As SQLite compares anyway: an index in any other order does not give what begins with a text.
        ("bytes", Dialect::Sqlite) => String::new(),
        ("bytes", Dialect::Postgres) => "COLLATE \"C\"".to_owned(),
        ("behind_at", dialect) => {
            let (column, find) = (first.unwrap_or_default(), if dialect == Dialect::Sqlite { "INSTR" } else { "STRPOS" });
            format!("SUBSTR(LOWER({column}), {find}({column}, '@') + 1)")
        }
        ("text_array", Dialect::Sqlite) => "TEXT".to_owned(),
        ("text_array", Dialect::Postgres) => "VARCHAR(128)[]".to_owned(),
        ("name", _) => names.unqualified(first.unwrap_or_default()),
        (table, _) => names.qualified(table, dialect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_rendered_for_each_database() {
        let text = "SELECT a FROM {shelves} WHERE b = $1 AND c {in $2} {lock}";
        let names = TableNames { schema: "auth".into(), prefix: "st".into(), ..TableNames::default() };
        let postgres = "SELECT a FROM auth.st_shelves WHERE b = $1 AND c = ANY($2) FOR UPDATE";
        assert_eq!(render(text, Dialect::Postgres, &names), postgres);
        let sqlite = "SELECT a FROM st_shelves WHERE b = ?1 AND c IN (SELECT value FROM json_each(?2)) ";
        assert_eq!(render(text, Dialect::Sqlite, &names), sqlite);
    }
}

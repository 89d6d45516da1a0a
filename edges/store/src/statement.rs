//! One text per statement, in PostgreSQL's dialect, rendered once when a database is opened (dependencies.md 4).
//!
//! In a text, `{table}` is a table's configured name, `$n` a parameter, `{lock}` a row lock where there are rows to lock,
//! `{once}` makes a step be worked out once, `{in $n}` is membership in a list, `{pairs $n}` the pairs of a list of pairs
//! (`pair`), `{try_lock $n}` an advisory lock.

use std::borrow::Cow;

use crate::options::TableNames;

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

/// A statement: which group (a file of this crate), and which of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Q {
    pub(crate) group: usize,
    pub(crate) number: usize,
}

/// The statements of one file, with the table they are mainly about.
pub(crate) struct Group {
    pub(crate) table: &'static str,
    pub(crate) texts: &'static [&'static str],
}

/// Declares the statements of a file as an enum that turns into `Q`.
macro_rules! statements {
    ($group:literal, $table:literal, $name:ident { $($statement:ident = $text:expr,)+ }) => {
        #[derive(Debug, Clone, Copy)]
        enum $name { $($statement),+ }
        impl From<$name> for $crate::statement::Q {
            fn from(which: $name) -> Self { Self { group: $group, number: which as usize } }
        }
        pub(crate) const STATEMENTS: $crate::statement::Group =
            $crate::statement::Group { table: $table, texts: &[$($text),+] };
    };
}
pub(crate) use statements;

/// In the order of the numbers that the files give themselves.
const GROUPS: [Group; 7] = [
    crate::db::STATEMENTS,
    crate::session::STATEMENTS,
    crate::keys::STATEMENTS,
    crate::key_value::STATEMENTS,
    crate::activity::STATEMENTS,
    crate::tenancy::STATEMENTS,
    crate::users::STATEMENTS,
];

/// Every statement before it is rendered.
pub(crate) fn raw_texts() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.texts).copied()
}

/// How many statements each group has.
pub(crate) fn group_sizes() -> impl Iterator<Item = usize> {
    GROUPS.iter().map(|group| group.texts.len())
}

/// Every table that can be named in a statement or a migration.
pub(crate) const TABLES: [&str; 17] = [
    "apps",
    "tenants",
    "tenant_configs",
    "tenant_thirdparty_providers",
    "tenant_thirdparty_provider_clients",
    "tenant_first_factors",
    "tenant_required_secondary_factors",
    "key_value",
    "session_info",
    "session_access_token_signing_keys",
    "jwt_signing_keys",
    "app_id_to_user_id",
    "all_auth_recipe_users",
    "userid_mapping",
    "user_last_active",
    "activity_log",
    "st_rs_migrations",
];

/// The rendered statements of one database.
pub(crate) struct Sql {
    dialect: Dialect,
    texts: Vec<Vec<String>>,
    names: TableNames,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect, names: TableNames) -> Self {
        let render_group = |group: &Group| group.texts.iter().map(|text| render(text, dialect, &names)).collect();
        Self { dialect, texts: GROUPS.iter().map(render_group).collect(), names }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn names(&self) -> &TableNames {
        &self.names
    }

    /// The text of a statement. Every `Q` comes from an enum that has one text for each variant.
    pub(crate) fn text(&self, q: Q) -> &str {
        self.texts.get(q.group).and_then(|group| group.get(q.number)).map_or("", String::as_str)
    }

    /// The table a statement is mainly about.
    pub(crate) fn table_of(&self, q: Q) -> &'static str {
        GROUPS.get(q.group).map_or("", |group| group.table)
    }

    /// Every text, for the test that prepares them all.
    pub(crate) fn all_texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().flatten().map(String::as_str)
    }

    /// Renders a text that is not known before the program runs (migrations, partitions).
    pub(crate) fn render(&self, text: &str) -> String {
        render(text, self.dialect, &self.names)
    }

    /// The standard name of a table that the database called by its own name.
    pub(crate) fn standard_name(&self, table: &str) -> String {
        let known = TABLES.iter().find(|known| self.names.unqualified(known).eq_ignore_ascii_case(table));
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
        ("once", Dialect::Sqlite) => String::new(),
        ("once", Dialect::Postgres) => "MATERIALIZED".to_owned(),
        ("in", Dialect::Sqlite) => format!("IN (SELECT value FROM json_each(?{}))", parameter(first)),
        ("in", Dialect::Postgres) => format!("= ANY(${})", parameter(first)),
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
        ("text_array", Dialect::Sqlite) => "TEXT".to_owned(),
        ("text_array", Dialect::Postgres) => "VARCHAR(128)[]".to_owned(),
        ("name", _) => names.unqualified(first.unwrap_or_default()),
        (table, _) => names.qualified(table, dialect),
    }
}

/// A parameter. Borrowed where it can be, so that nothing is copied on the way to the driver.
#[derive(Clone)]
pub(crate) enum Val<'a> {
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Bool(bool),
    /// A text array on PostgreSQL, a JSON array on SQLite.
    List(Cow<'a, [String]>),
}

impl Val<'_> {
    pub(crate) fn owned(self) -> Val<'static> {
        match self {
            Val::Null => Val::Null,
            Val::Text(text) => Val::Text(Cow::Owned(text.into_owned())),
            Val::Int(number) => Val::Int(number),
            Val::Bool(flag) => Val::Bool(flag),
            Val::List(list) => Val::List(Cow::Owned(list.into_owned())),
        }
    }
}

impl<'a> From<&'a str> for Val<'a> {
    fn from(text: &'a str) -> Self {
        Val::Text(Cow::Borrowed(text))
    }
}
impl<'a> From<&'a String> for Val<'a> {
    fn from(text: &'a String) -> Self {
        Val::Text(Cow::Borrowed(text))
    }
}
impl<'a> From<&'a [String]> for Val<'a> {
    fn from(list: &'a [String]) -> Self {
        Val::List(Cow::Borrowed(list))
    }
}
impl From<i64> for Val<'_> {
    fn from(number: i64) -> Self {
        Val::Int(number)
    }
}
impl From<bool> for Val<'_> {
    fn from(flag: bool) -> Self {
        Val::Bool(flag)
    }
}
impl<'a, T: Into<Val<'a>>> From<Option<T>> for Val<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Val::Null, Into::into)
    }
}
macro_rules! from_name {
    ($($name:ty),+) => { $(
        impl<'a> From<&'a $name> for Val<'a> {
            fn from(name: &'a $name) -> Self { Val::Text(Cow::Borrowed(name.as_str())) }
        }
    )+ };
}
from_name!(
    supertokens_domain::ids::AppId,
    supertokens_domain::ids::TenantId,
    supertokens_domain::ids::ConnectionUriDomain,
    supertokens_domain::ids::SessionHandle
);

/// The parameters of a statement.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::statement::Val::from($value)),*] };
}
pub(crate) use args;

impl rusqlite::ToSql for Val<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value, ValueRef};
        Ok(match self {
            Val::Null => ToSqlOutput::Owned(Value::Null),
            Val::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Val::Int(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Val::Bool(flag) => ToSqlOutput::Owned(Value::Integer(i64::from(*flag))),
            Val::List(list) => ToSqlOutput::Owned(Value::Text(json_list(list))),
        })
    }
}

/// An element of a list of pairs.
pub(crate) fn pair(first: &str, second: &str) -> String {
    json_list(&[first.to_owned(), second.to_owned()])
}

/// A JSON array of strings.
fn json_list(list: &[String]) -> String {
    use supertokens_domain::json::Json;
    Json::Array(list.iter().map(|text| Json::from(text.as_str())).collect()).to_text()
}

impl tokio_postgres::types::ToSql for Val<'_> {
    fn to_sql(
        &self,
        ty: &tokio_postgres::types::Type,
        out: &mut bytes::BytesMut,
    ) -> std::result::Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        use tokio_postgres::types::{IsNull, Type};
        match self {
            Val::Null => Ok(IsNull::Yes),
            Val::Text(text) => text.as_ref().to_sql(ty, out),
            Val::Bool(flag) => flag.to_sql(ty, out),
            Val::Int(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Val::Int(number) => number.to_sql(ty, out),
            Val::List(list) => list.as_ref().to_sql(ty, out),
        }
    }

    // A statement and its parameters stand side by side in one file, and every statement is run by a test.
    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

impl std::fmt::Debug for Val<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Val(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_rendered_for_each_database() {
        let text = "SELECT a FROM {session_info} WHERE b = $1 AND c {in $2} {lock}";
        let names = TableNames { schema: "auth".into(), prefix: "st".into(), ..TableNames::default() };
        let postgres = "SELECT a FROM auth.st_session_info WHERE b = $1 AND c = ANY($2) FOR UPDATE";
        assert_eq!(render(text, Dialect::Postgres, &names), postgres);
        let sqlite = "SELECT a FROM st_session_info WHERE b = ?1 AND c IN (SELECT value FROM json_each(?2)) ";
        assert_eq!(render(text, Dialect::Sqlite, &names), sqlite);
    }

    #[test]
    fn only_tables_and_directives_stand_in_braces() {
        let known = |inside: &str| {
            let word = inside.split_whitespace().next().unwrap_or_default();
            TABLES.contains(&word) || ["lock", "once", "in", "pairs", "try_lock", "partition_list", "owned"].contains(&word)
        };
        for text in GROUPS.iter().flat_map(|group| group.texts) {
            for inside in text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default()) {
                assert!(known(inside), "{{{inside}}} in {text}");
            }
        }
    }

    #[test]
    fn parameters_do_not_print() {
        assert_eq!(format!("{:?}", Val::from("secret")), "Val(***)");
    }
}

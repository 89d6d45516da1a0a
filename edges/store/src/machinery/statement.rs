//! What a statement is: a text of a group, and the parameters that go with it (dependencies.md 4). Texts are rendered by `sql.rs`, and the
//! table of contents numbers the groups.

use std::borrow::Cow;

/// A statement: which group, by its place in the table of contents, and which of the group.
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

/// Declares the statements of a file as an enum. The table of contents, which lists it, turns it into a `Q`.
macro_rules! statements {
    ($table:literal, $name:ident { $($statement:ident = $text:expr,)+ }) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum $name { $($statement),+ }
        impl $name {
            pub(crate) const GROUP: $crate::machinery::statement::Group =
                $crate::machinery::statement::Group { table: $table, texts: &[$($text),+] };
        }
    };
}
pub(crate) use statements;

/// A parameter. Borrowed where it can be, so that nothing is copied on the way to the driver.
#[derive(Clone)]
pub(crate) enum Val<'a> {
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Bool(bool),
    /// A text array on PostgreSQL, a JSON array on SQLite.
    List(Cow<'a, [String]>),
    Bytes(Cow<'a, [u8]>),
}

impl Val<'_> {
    pub(crate) fn owned(self) -> Val<'static> {
        match self {
            Val::Null => Val::Null,
            Val::Text(text) => Val::Text(Cow::Owned(text.into_owned())),
            Val::Int(number) => Val::Int(number),
            Val::Bool(flag) => Val::Bool(flag),
            Val::List(list) => Val::List(Cow::Owned(list.into_owned())),
            Val::Bytes(bytes) => Val::Bytes(Cow::Owned(bytes.into_owned())),
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
impl<'a> From<&'a [u8]> for Val<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Val::Bytes(Cow::Borrowed(bytes))
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
    ($($value:expr),* $(,)?) => { [$($crate::machinery::statement::Val::from($value)),*] };
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
            Val::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
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
            Val::Bytes(bytes) => bytes.as_ref().to_sql(ty, out),
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
    fn parameters_do_not_print() {
        assert_eq!(format!("{:?}", Val::from("secret")), "Val(***)");
    }
}

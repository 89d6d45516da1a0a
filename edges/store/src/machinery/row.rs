//! A row of either database, read by position.
//!
//! A NULL where none may be, or a value of another type, is `StoreError::Corrupt` with the column's name.

use supertokens_domain::json::Json;

use crate::machinery::error::{Result, StoreError};

/// A row.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// What both drivers can read.
pub(crate) trait Column: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a> {}
impl<T: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a>> Column for T {}

impl Row<'_> {
    fn read<T: Column>(&self, at: usize) -> Result<T> {
        match self {
            Row::Sqlite(row) => row.get(at).map_err(|_| self.corrupt(at)),
            Row::Postgres(row) => row.try_get(at).map_err(|_| self.corrupt(at)),
        }
    }

    pub(crate) fn text(&self, at: usize) -> Result<String> {
        self.read(at)
    }

    pub(crate) fn opt_text(&self, at: usize) -> Result<Option<String>> {
        self.read(at)
    }

    pub(crate) fn int(&self, at: usize) -> Result<i64> {
        self.read(at)
    }

    pub(crate) fn opt_int(&self, at: usize) -> Result<Option<i64>> {
        self.read(at)
    }

    pub(crate) fn flag(&self, at: usize) -> Result<bool> {
        self.read(at)
    }

    pub(crate) fn opt_flag(&self, at: usize) -> Result<Option<bool>> {
        self.read(at)
    }

    pub(crate) fn bytes(&self, at: usize) -> Result<Vec<u8>> {
        self.read(at)
    }

    /// A text array: native on PostgreSQL, JSON on SQLite.
    pub(crate) fn opt_list(&self, at: usize) -> Result<Option<Vec<String>>> {
        if let Row::Postgres(row) = self {
            return row.try_get(at).map_err(|_| self.corrupt(at));
        }
        let Some(text) = self.opt_text(at)? else { return Ok(None) };
        let json = Json::parse(&text).map_err(|_| self.corrupt(at))?;
        let items = json.as_array().ok_or_else(|| self.corrupt(at))?;
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| self.corrupt(at))).collect::<Result<_>>().map(Some)
    }

    /// The caller of a statement fills in the table and the key.
    pub(crate) fn corrupt(&self, at: usize) -> StoreError {
        let column = match self {
            Row::Sqlite(row) => row.as_ref().column_name(at).unwrap_or_default().to_owned(),
            Row::Postgres(row) => row.columns().get(at).map(|column| column.name().to_owned()).unwrap_or_default(),
        };
        StoreError::Corrupt { table: String::new(), column, key: String::new() }
    }
}

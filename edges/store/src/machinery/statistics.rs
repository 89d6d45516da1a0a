//! What SQLite's planner is told about the tables. Left to itself it takes every first column of an index to leave ten rows, also one that
//! is the same in all of them, and then goes through all of an app's rows to find one. Counting the rows would make plans change while
//! the core runs; so it is told once and for all how many rows the columns leave in a large database.

use rusqlite::Connection;

/// Rows of a large table.
const MANY: u64 = 1_000_000;

/// Tells it of every index that it has not been told of. `shared` are the columns that many rows have the same value in.
pub(crate) fn tell(connection: &Connection, shared: &[&str]) -> rusqlite::Result<()> {
    let has_any = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'";
    if connection.query_row(has_any, [], |row| row.get::<_, i64>(0))? == 0 {
        // There is no other way to make the table.
        connection.execute_batch("ANALYZE sqlite_schema")?;
    }
    let untold = "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' AND name NOT IN (SELECT idx FROM sqlite_stat1)";
    let untold: Vec<(String, String)> =
        connection.prepare(untold)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    if untold.is_empty() {
        return Ok(());
    }
    for (index, table) in untold {
        let columns = "SELECT name FROM pragma_index_info(?1) ORDER BY seqno";
        let columns: Vec<Option<String>> =
            connection.prepare(columns)?.query_map([&index], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let is_unique = "SELECT \"unique\" FROM pragma_index_list(?1) WHERE name = ?2";
        let is_unique: bool = connection.query_row(is_unique, [&table, &index], |row| row.get(0))?;
        connection.execute(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)",
            [&table, &index, &told(&columns, is_unique, shared)],
        )?;
    }
    connection.execute_batch("ANALYZE sqlite_schema")
}

/// How many rows there are, and how many are left for each column more.
fn told(columns: &[Option<String>], is_unique: bool, shared: &[&str]) -> String {
    let (mut left, mut told) = (MANY, MANY.to_string());
    for (number, column) in columns.iter().enumerate() {
        let is_whole_key = is_unique && number + 1 == columns.len();
        if is_whole_key || !column.as_deref().is_some_and(|column| shared.contains(&column)) {
            // A few, where it is no key.
            left = if is_unique { 1 } else { 4.min(left) };
        }
        told.push_str(&format!(" {left}"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_column_that_all_share_leaves_all() {
        let columns = |names: &[&str]| names.iter().map(|name| Some((*name).to_owned())).collect::<Vec<_>>();
        let shared = ["app_id", "tenant_id"];
        assert_eq!(told(&columns(&["app_id", "email"]), false, &shared), "1000000 1000000 4");
        assert_eq!(told(&columns(&["app_id", "user_id", "role"]), true, &shared), "1000000 1000000 1 1");
        assert_eq!(told(&columns(&["app_id", "tenant_id"]), true, &shared), "1000000 1000000 1");
    }
}

//! What may this role do on PostgreSQL, what does it lack, and who else may put things beside the tables?

use std::collections::{BTreeMap, BTreeSet};

use crate::machinery::contents::Contents;
use crate::machinery::db::Db;
use crate::machinery::due::{Lack, begin, lacking_to_look, rows, unrecorded};
use crate::machinery::error::{Result, StoreError};
use crate::machinery::failure::from_postgres;
use crate::machinery::postgres::connection::Connection;
use crate::machinery::sql::Sql;

/// A role that owns neither the schema of the tables nor the tables, and may make things there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creator {
    /// `PUBLIC`, or a role.
    pub role: String,
    /// The schema.
    pub schema: String,
    /// The statement that takes the right away.
    pub revoke: String,
}

impl Db {
    /// What this role lacks of the rights that running needs or, where migrations are due, making the tables. Nothing on SQLite.
    pub async fn lacking(&self) -> Result<Vec<Lack>> {
        let on_postgres = async |client: &Connection| {
            let failed = |e: tokio_postgres::Error| from_postgres(&e, self.sql());
            begin(client, self.sql()).await?;
            let lacking = lacking(client, self.sql()).await?;
            client.batch_execute("COMMIT").await.map_err(failed)?;
            Ok(lacking)
        };
        self.on_connection(|_| Ok(Vec::new()), on_postgres).await
    }

    /// Who else may make functions, operators and tables in the schema of the tables. Statements find nothing of that; but whoever makes a
    /// table before we do, owns it. Nothing on SQLite.
    pub async fn creators(&self) -> Result<Vec<Creator>> {
        let on_postgres = async |client: &Connection| {
            let failed = |e: tokio_postgres::Error| from_postgres(&e, self.sql());
            begin(client, self.sql()).await?;
            let creators = creators(client, self.sql()).await?;
            client.batch_execute("COMMIT").await.map_err(failed)?;
            Ok(creators)
        };
        self.on_connection(|_| Ok(Vec::new()), on_postgres).await
    }
}

/// Refuses in words where a step that is due would fail.
pub(crate) async fn may_migrate(client: &Connection, sql: &Sql) -> Result<()> {
    let lacking = lacking_to_make(client, sql).await?;
    let Some(first) = lacking.first() else { return Ok(()) };
    let grants: Vec<&str> = lacking.iter().map(|lack| lack.grant.as_str()).collect();
    Err(StoreError::Rights(format!(
        "tables must be made or changed, and this role lacks {}; run `supertokens migrate` once as a role that may, or run: {}",
        first.right,
        grants.join("; ")
    )))
}

/// In a transaction that `begin` began. All texts are built from names that `TableNames::check` let pass.
async fn lacking(client: &Connection, sql: &Sql) -> Result<Vec<Lack>> {
    let schema = &sql.names().schema;
    if let Some(lack) = lacking_to_look(client, sql).await? {
        return Ok(vec![lack]);
    }
    if !unrecorded(client, sql).await?.is_empty() {
        return lacking_to_make(client, sql).await;
    }
    let mut wanted = String::new();
    for (table, rights) in needed(sql.contents()) {
        for right in rights {
            let comma = if wanted.is_empty() { "" } else { ", " };
            wanted.push_str(&format!("{comma}('{}', '{right}')", sql.names().unqualified(table)));
        }
    }
    let text = format!(
        "SELECT CAST(quote_ident(current_user) AS TEXT), CAST(c.relname AS TEXT), string_agg(w.right, ', ' ORDER BY w.right)
         FROM (VALUES {wanted}) AS w (name, \"right\") JOIN pg_namespace n ON n.nspname = lower('{schema}')
         JOIN pg_class c ON c.relnamespace = n.oid AND CAST(c.relname AS TEXT) = lower(w.name)
         WHERE NOT has_table_privilege(c.oid, w.right) GROUP BY c.relname ORDER BY c.relname"
    );
    let lack = |row: Vec<String>| match row.as_slice() {
        [role, table, rights] => {
            let on = format!("{schema}.{table}");
            Some(Lack { right: format!("{rights} on {on}"), grant: format!("GRANT {rights} ON {on} TO {role}") })
        }
        _ => None,
    };
    Ok(rows(client, sql, &text).await?.into_iter().filter_map(lack).collect())
}

/// The right to make things in the schema, or the schema itself; and tables that are there must be the role's own to be completed.
async fn lacking_to_make(client: &Connection, sql: &Sql) -> Result<Vec<Lack>> {
    let schema = &sql.names().schema;
    let place = format!(
        "SELECT CAST(quote_ident(current_user) AS TEXT), 'SCHEMA {schema}' FROM pg_namespace
         WHERE nspname = lower('{schema}') AND NOT has_schema_privilege(oid, 'CREATE')
         UNION ALL SELECT CAST(quote_ident(current_user) AS TEXT), 'DATABASE ' || quote_ident(current_database())
         WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = lower('{schema}'))
         AND NOT has_database_privilege(current_database(), 'CREATE')"
    );
    let lack = |row: Vec<String>| match row.as_slice() {
        [role, place] => {
            Some(Lack { right: format!("CREATE on the {place}"), grant: format!("GRANT CREATE ON {place} TO {role}") })
        }
        _ => None,
    };
    let mut lacking: Vec<Lack> = rows(client, sql, &place).await?.into_iter().filter_map(lack).collect();
    let ours: Vec<String> = sql.tables().iter().map(|table| format!("lower('{}')", sql.names().unqualified(table))).collect();
    let owners = format!(
        "SELECT DISTINCT CAST(quote_ident(current_user) AS TEXT), CAST(quote_ident(pg_get_userbyid(c.relowner)) AS TEXT)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = lower('{schema}')
         AND CAST(c.relname AS TEXT) IN ({}) AND NOT pg_has_role(c.relowner, 'USAGE')",
        ours.join(", ")
    );
    let lack = |row: Vec<String>| match row.as_slice() {
        [role, owner] => {
            Some(Lack { right: format!("the ownership of tables of {owner}"), grant: format!("GRANT {owner} TO {role}") })
        }
        _ => None,
    };
    lacking.extend(rows(client, sql, &owners).await?.into_iter().filter_map(lack));
    Ok(lacking)
}

pub(crate) async fn creators(client: &Connection, sql: &Sql) -> Result<Vec<Creator>> {
    let schema = &sql.names().schema;
    let recorded = sql.names().unqualified("st_rs_migrations");
    let text = format!(
        "SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE CAST(quote_ident(pg_get_userbyid(a.grantee)) AS TEXT) END
         FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = lower('{schema}') AND a.privilege_type = 'CREATE'
         AND a.grantee <> n.nspowner
         AND NOT EXISTS (SELECT 1 FROM pg_roles r WHERE r.oid = a.grantee AND (r.rolsuper OR r.rolname = current_user))
         AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relowner = a.grantee
                         AND CAST(c.relname AS TEXT) = lower('{recorded}')) ORDER BY 1"
    );
    let creator = |row: Vec<String>| {
        let role = row.into_iter().next()?;
        Some(Creator { schema: schema.clone(), revoke: format!("REVOKE CREATE ON SCHEMA {schema} FROM {role}"), role })
    };
    Ok(rows(client, sql, &text).await?.into_iter().filter_map(creator).collect())
}

/// The rights that the statements need, by table: read from their texts.
pub(crate) fn needed(contents: &Contents) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let tables = contents.tables();
    let mut needed: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
    for text in contents.statements() {
        for (at, _) in text.match_indices('{') {
            let (before, behind) = text.split_at(at);
            let name = behind.trim_start_matches('{').split('}').next().unwrap_or_default();
            let Some(table) = tables.iter().find(|table| **table == name) else { continue };
            let rights = needed.entry(table).or_default();
            let mut words = before.split_whitespace().rev();
            let (last, one_before) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            rights.extend(match (one_before, last) {
                ("INSERT", "INTO") if text.contains("DO UPDATE") => &["INSERT", "SELECT", "UPDATE"][..],
                ("INSERT", "INTO") => &["INSERT", "SELECT"],
                ("DELETE", "FROM") => &["DELETE", "SELECT"],
                (_, "UPDATE") => &["SELECT", "UPDATE"],
                _ if is_locked(behind) => &["SELECT", "UPDATE"],
                _ => &["SELECT"],
            });
        }
    }
    needed
}

/// Does a lock follow at the depth of parentheses at which this text begins? It locks the tables that are read there, and no others.
fn is_locked(behind: &str) -> bool {
    let lock = ["{lock}", "{share}"].into_iter().find_map(|lock| behind.split_once(lock));
    let Some((between, _)) = lock else { return false };
    let mut depth = 0_i32;
    for character in between.chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_for_the_tables_of_its_own_level() {
        let locked = |text: &str| is_locked(&text[text.find("{a}").unwrap()..]);
        assert!(locked("SELECT x FROM {a} WHERE y IN (1) {lock}"));
        assert!(locked("WITH s AS (SELECT x FROM {a} {lock}) SELECT x FROM s"));
        assert!(locked("INSERT INTO b SELECT x FROM {a} {share} ON CONFLICT DO NOTHING"));
        assert!(!locked("WITH s AS (SELECT x FROM b {lock}) SELECT x FROM {a}"));
        assert!(!locked("SELECT (SELECT x FROM {a}) FROM b {lock}"));
        assert!(!locked("SELECT x FROM {a} WHERE y = (SELECT z FROM b {lock})"));
        assert!(!locked("SELECT x FROM {a}"));
    }
}

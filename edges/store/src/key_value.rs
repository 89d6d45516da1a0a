//! Named values of a tenant: table `key_value` (core-session.md 6.2, core-server.md 12).

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Tx, args, statements};

/// A stored value. Some are keys, so none is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyValueRow {
    /// The value.
    pub value: String,
    /// When it was stored.
    pub created_at: Millis,
}

impl std::fmt::Debug for KeyValueRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyValueRow").field("created_at", &self.created_at).finish_non_exhaustive()
    }
}

statements! { "key_value", S {
    Value = "SELECT value, created_at_time FROM {key_value} WHERE app_id = $1 AND tenant_id = $2 AND name = $3",
    Put = "INSERT INTO {key_value} (app_id, tenant_id, name, value, created_at_time) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (app_id, tenant_id, name) DO UPDATE SET value = EXCLUDED.value, created_at_time = EXCLUDED.created_at_time",
    // The update changes nothing; it makes the row that is there come back.
    Keep = "INSERT INTO {key_value} (app_id, tenant_id, name, value, created_at_time) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (app_id, tenant_id, name) DO UPDATE SET name = EXCLUDED.name RETURNING value",
    Delete = "DELETE FROM {key_value} WHERE app_id = $1 AND tenant_id = $2 AND name = $3",
} }

impl Tx<'_> {
    /// The value of a name.
    pub async fn key_value(&mut self, app: &AppId, tenant: &TenantId, name: &str) -> Result<Option<KeyValueRow>> {
        self.opt(S::Value, &args![app, tenant, name], |row| {
            Ok(KeyValueRow { value: row.text(0)?, created_at: row.opt_int(1)?.unwrap_or_default() })
        })
        .await
    }

    /// Sets the value of a name, with the commit. `MissingParent` if the tenant does not exist.
    pub async fn put_key_value(&mut self, app: &AppId, tenant: &TenantId, name: &str, value: &str, now: Millis) -> Result<()> {
        self.with_commit(S::Put, args![app, tenant, name, value, now].into()).await
    }

    /// The value of a name; if it has none, this one is stored and answered. One statement.
    pub async fn key_value_or_insert(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        name: &str,
        value: &str,
        now: Millis,
    ) -> Result<String> {
        let stored = self.opt(S::Keep, &args![app, tenant, name, value, now], |row| row.text(0)).await?;
        Ok(stored.unwrap_or_else(|| value.to_owned()))
    }

    /// Removes a name and its value. False if there was none.
    pub async fn delete_key_value(&mut self, app: &AppId, tenant: &TenantId, name: &str) -> Result<bool> {
        Ok(self.exec(S::Delete, &args![app, tenant, name]).await? > 0)
    }
}

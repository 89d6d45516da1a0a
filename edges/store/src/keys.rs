//! Signing keys, dynamic and static (core-session.md 5.2, 5.3, 6.3).

use supertokens_domain::ids::AppId;
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Row, Tx, args, statements};

/// A row of `session_access_token_signing_keys`.
#[derive(Clone, PartialEq, Eq)]
pub struct DynamicKeyRow {
    /// When the key was made; within an app this is also its identity.
    pub created_at: Millis,
    /// Both halves of the key as text. Not printed.
    pub value: String,
}

/// A row of `jwt_signing_keys`.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticKeyRow {
    /// The `kid`.
    pub key_id: String,
    /// Both halves of the key as text. Not printed.
    pub key_string: String,
    /// The algorithm, in any case of letters.
    pub algorithm: String,
    /// When the key was made.
    pub created_at: Millis,
}

impl std::fmt::Debug for DynamicKeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamicKeyRow").field("created_at", &self.created_at).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StaticKeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticKeyRow").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

statements! { "session_access_token_signing_keys", S {
    Dynamic = "SELECT created_at_time, value FROM {session_access_token_signing_keys} WHERE app_id = $1
             ORDER BY created_at_time DESC",
    DynamicLocked = "SELECT created_at_time, value FROM {session_access_token_signing_keys} WHERE app_id = $1
             ORDER BY created_at_time DESC {lock}",
    InsertDynamic = "INSERT INTO {session_access_token_signing_keys} (app_id, created_at_time, value) VALUES ($1, $2, $3)",
    DeleteDynamic = "DELETE FROM {session_access_token_signing_keys} WHERE app_id = $1 AND created_at_time < $2",
    Static = "SELECT key_id, key_string, algorithm, created_at FROM {jwt_signing_keys} WHERE app_id = $1 ORDER BY created_at DESC",
    StaticLocked = "SELECT key_id, key_string, algorithm, created_at FROM {jwt_signing_keys} WHERE app_id = $1
             ORDER BY created_at DESC {lock}",
    InsertStatic = "INSERT INTO {jwt_signing_keys} (app_id, key_id, key_string, algorithm, created_at) VALUES ($1, $2, $3, $4, $5)",
    Names = "SELECT app_id, 'd-' || CAST(created_at_time AS TEXT) FROM {session_access_token_signing_keys}
             UNION ALL SELECT app_id, key_id FROM {jwt_signing_keys}
             UNION ALL SELECT app_id, 'r-' || CAST(COALESCE(created_at_time, 0) AS TEXT) FROM {key_value}
             WHERE tenant_id = 'public' AND name = 'refresh_token_key'",
} }

impl Tx<'_> {
    /// The dynamic keys of an app, newest first.
    pub async fn dynamic_keys(&mut self, app: &AppId) -> Result<Vec<DynamicKeyRow>> {
        self.all(S::Dynamic, &args![app], read_dynamic).await
    }

    /// The dynamic keys of an app, newest first, locked. Another server's new key is not kept out by that.
    pub async fn dynamic_keys_locked(&mut self, app: &AppId) -> Result<Vec<DynamicKeyRow>> {
        self.all(S::DynamicLocked, &args![app], read_dynamic).await
    }

    /// Stores a new dynamic key, with the commit. `Duplicate` if the app has one of the same millisecond,
    /// `MissingParent` if there is no such app.
    pub async fn insert_dynamic_key(&mut self, app: &AppId, created_at: Millis, value: &str) -> Result<()> {
        self.with_commit(S::InsertDynamic, args![app, created_at, value].into()).await
    }

    /// Removes the dynamic keys made before `limit` and says how many.
    pub async fn delete_dynamic_keys_before(&mut self, app: &AppId, limit: Millis) -> Result<u64> {
        self.exec(S::DeleteDynamic, &args![app, limit]).await
    }

    /// The static keys of an app, newest first.
    pub async fn static_keys(&mut self, app: &AppId) -> Result<Vec<StaticKeyRow>> {
        self.all(S::Static, &args![app], read_static).await
    }

    /// The static keys of an app, newest first, locked.
    pub async fn static_keys_locked(&mut self, app: &AppId) -> Result<Vec<StaticKeyRow>> {
        self.all(S::StaticLocked, &args![app], read_static).await
    }

    /// Stores a new static key, with the commit. `Duplicate` if the app has one of that id.
    pub async fn insert_static_key(
        &mut self,
        app: &AppId,
        key_id: &str,
        key_string: &str,
        algorithm: &str,
        created_at: Millis,
    ) -> Result<()> {
        self.with_commit(S::InsertStatic, args![app, key_id, key_string, algorithm, created_at].into()).await
    }

    /// The names of all keys of all apps, in one statement: `d-` and the time of making of a dynamic key, the id of a static one, `r-`
    /// and the time of making of the key of refresh tokens. No key itself.
    pub async fn key_names(&mut self) -> Result<Vec<(AppId, String)>> {
        self.all(S::Names, &[], |row| Ok((AppId::normalise(&row.text(0)?), row.text(1)?))).await
    }
}

fn read_dynamic(row: &Row<'_>) -> Result<DynamicKeyRow> {
    Ok(DynamicKeyRow { created_at: row.int(0)?, value: row.text(1)? })
}

fn read_static(row: &Row<'_>) -> Result<StaticKeyRow> {
    Ok(StaticKeyRow {
        key_id: row.text(0)?,
        key_string: row.text(1)?,
        algorithm: row.text(2)?,
        // Quirk: the column may be NULL; such a key counts as the oldest.
        created_at: row.opt_int(3)?.unwrap_or_default(),
    })
}

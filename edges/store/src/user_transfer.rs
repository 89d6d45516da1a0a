//! Files of users: how far one has been imported (`st_rs_imports`), and what an export reads page by page.

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Tx, args, statements};
use crate::totp::TotpDevice;

/// How far a file has been imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilePosition {
    /// Bytes that are done.
    pub position: i64,
    /// Lines that are done.
    pub line: i64,
    /// Users that came in.
    pub imported: i64,
    /// Users that did not.
    pub refused: i64,
}

statements! { "st_rs_imports", S {
    Get = "SELECT position, line, imported, refused FROM {st_rs_imports} WHERE app_id = $1 AND source = $2",
    Put = "INSERT INTO {st_rs_imports} (app_id, source, position, line, imported, refused, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (app_id, source) DO UPDATE SET position = excluded.position, line = excluded.line, imported = excluded.imported,
                 refused = excluded.refused, updated_at = excluded.updated_at",
    Groups = "SELECT DISTINCT CAST(primary_or_recipe_user_id AS TEXT) FROM {app_id_to_user_id}
             WHERE app_id = $1 AND primary_or_recipe_user_id > CAST(CAST($2 AS TEXT) AS BPCHAR) ORDER BY 1 LIMIT $3",
    Hashes = "SELECT CAST(user_id AS TEXT), password_hash FROM {emailpassword_users} WHERE app_id = $1 AND user_id {ids $2}",
    Roles = "SELECT u.user_id, u.tenant_id, u.role FROM {tenants} t
             JOIN {user_roles} u ON u.app_id = t.app_id AND u.tenant_id = t.tenant_id
             WHERE t.app_id = $1 AND u.user_id {in $2} ORDER BY u.user_id, u.role, u.tenant_id",
    Devices = "SELECT user_id, device_name, secret_key, CAST(period AS BIGINT), CAST(skew AS BIGINT), created_at FROM {totp_user_devices}
             WHERE app_id = $1 AND user_id {in $2} AND verified ORDER BY user_id, created_at, device_name",
} }

impl Tx<'_> {
    /// How far a file has been imported, if it has been begun.
    pub async fn file_position(&mut self, app: &AppId, source: &str) -> Result<Option<FilePosition>> {
        self.opt(S::Get, &args![app, source], |row| {
            Ok(FilePosition { position: row.int(0)?, line: row.int(1)?, imported: row.int(2)?, refused: row.int(3)? })
        })
        .await
    }

    /// Notes it, with the commit.
    pub async fn put_file_position(&mut self, app: &AppId, source: &str, at: FilePosition, now: Millis) -> Result<()> {
        let FilePosition { position, line, imported, refused } = at;
        self.with_commit(S::Put, args![app, source, position, line, imported, refused, now].into()).await
    }

    /// The internal ids of users behind one, in their order.
    pub async fn users_behind(&mut self, app: &AppId, after: &str, limit: i64) -> Result<Vec<String>> {
        self.all(S::Groups, &args![app, after, limit], |row| row.text(0)).await
    }

    /// Hashes of passwords, by internal ids.
    pub async fn hashes_of(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<(String, Secret<String>)>> {
        self.all(S::Hashes, &args![app, ids], |row| Ok((row.text(0)?, Secret::new(row.text(1)?)))).await
    }

    /// Roles, by the ids under which they were given.
    pub async fn roles_of(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<(String, TenantId, String)>> {
        self.all(S::Roles, &args![app, ids], |row| Ok((row.text(0)?, TenantId::normalise(&row.text(1)?), row.text(2)?))).await
    }

    /// Devices that are verified, by the ids under which they were made.
    pub async fn devices_of_users(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<(String, TotpDevice)>> {
        self.all(S::Devices, &args![app, ids], |row| {
            let device = TotpDevice {
                name: row.text(1)?,
                secret: Secret::new(row.text(2)?),
                period: row.int(3)?,
                skew: row.int(4)?,
                verified: true,
                created_at: row.opt_int(5)?.unwrap_or_default(),
            };
            Ok((row.text(0)?, device))
        })
        .await
    }
}

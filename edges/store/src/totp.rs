//! Devices that make codes, and the codes that were tried: tables `totp_users`, `totp_user_devices` and `totp_used_codes`
//! (core-recipes-2.md 1). Who looks at a code holds the user's row, so that no two looks see the same attempts.

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;
use supertokens_domain::totp::attempt::Used;

use crate::machinery::{Result, Row, Tx, args, statements};

/// A device as it is stored.
#[derive(Debug, Clone)]
pub struct TotpDevice {
    /// Its name, one of each for a user.
    pub name: String,
    /// What its codes are made of.
    pub secret: Secret<String>,
    /// For how long a code is shown, in seconds.
    pub period: i64,
    /// By how many periods its clock may be wrong.
    pub skew: i64,
    /// A code of it was right once.
    pub verified: bool,
    /// When it was made, in ms.
    pub created_at: Millis,
}

macro_rules! devices {
    ($from:expr) => {
        concat!(
            "SELECT d.device_name, d.secret_key, CAST(d.period AS BIGINT), CAST(d.skew AS BIGINT), d.verified, d.created_at FROM ",
            $from
        )
    };
}

statements! { "totp_users", S {
    // Locks the row if it is there, so that it does not go before its device comes.
    PutUser = "INSERT INTO {totp_users} (app_id, user_id) VALUES ($1, $2)
             ON CONFLICT (app_id, user_id) DO UPDATE SET user_id = excluded.user_id",
    PutDevice = "INSERT INTO {totp_user_devices} AS d (app_id, user_id, device_name, secret_key, period, skew, verified, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (app_id, user_id, device_name) DO UPDATE SET secret_key = excluded.secret_key, period = excluded.period,
                 skew = excluded.skew, verified = excluded.verified, created_at = excluded.created_at WHERE NOT d.verified",
    Replace = "INSERT INTO {totp_user_devices} (app_id, user_id, device_name, secret_key, period, skew, verified, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (app_id, user_id, device_name) DO UPDATE SET secret_key = excluded.secret_key, period = excluded.period,
                 skew = excluded.skew, verified = excluded.verified, created_at = excluded.created_at",
    Names = "SELECT user_id, device_name FROM {totp_user_devices} WHERE app_id = $1 AND user_id {in $2}",
    Verified = "SELECT device_name FROM {totp_user_devices} WHERE app_id = $1 AND user_id = $2 AND verified",
    Rename = "UPDATE {totp_user_devices} SET device_name = $4 WHERE app_id = $1 AND user_id = $2 AND device_name = $3",
    Devices = devices!("{totp_user_devices} d WHERE d.app_id = $1 AND d.user_id = $2"),
    LockUser = "SELECT 1 = 1 FROM {totp_users} WHERE app_id = $1 AND user_id = $2 {lock}",
    LockWithDevices = devices!(
        "(SELECT app_id, user_id FROM {totp_users} WHERE app_id = $1 AND user_id = $2 {lock}) u
             LEFT JOIN {totp_user_devices} d ON d.app_id = u.app_id AND d.user_id = u.user_id"
    ),
    DeleteDevice = "DELETE FROM {totp_user_devices} WHERE app_id = $1 AND user_id = $2 AND device_name = $3",
    DeleteUserWithout = "DELETE FROM {totp_users} WHERE app_id = $1 AND user_id = $2 AND NOT EXISTS
             (SELECT 1 FROM {totp_user_devices} d WHERE d.app_id = $1 AND d.user_id = $2)",
    Status = "SELECT user_id, MAX(CASE WHEN verified THEN 1 ELSE 0 END) = 1 FROM {totp_user_devices}
             WHERE app_id = $1 AND user_id {in $2} GROUP BY user_id",
    // The newest `$6 + 1`, and whichever right one with this code has not expired.
    Used = "SELECT code, is_valid, created_time_ms, expiry_time_ms FROM {totp_used_codes}
             WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3 AND (is_valid AND code = $4 AND expiry_time_ms > $5
                 OR created_time_ms >= COALESCE((SELECT n.created_time_ms FROM {totp_used_codes} n
                     WHERE n.app_id = $1 AND n.tenant_id = $2 AND n.user_id = $3
                     ORDER BY n.created_time_ms DESC LIMIT 1 OFFSET CAST($6 AS BIGINT)), 0))
             ORDER BY created_time_ms DESC",
    Note = "INSERT INTO {totp_used_codes} (app_id, tenant_id, user_id, code, is_valid, expiry_time_ms, created_time_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
    // A device that was made anew meanwhile has another secret.
    Verify = "UPDATE {totp_user_devices} SET verified = TRUE WHERE app_id = $1 AND user_id = $2 AND device_name = $3 AND secret_key = $4",
    DeleteExpired = "DELETE FROM {totp_used_codes} WHERE app_id = $1 AND tenant_id = $2 AND (user_id, created_time_ms) IN
             (SELECT user_id, created_time_ms FROM {totp_used_codes}
                 WHERE app_id = $1 AND tenant_id = $2 AND expiry_time_ms < $3 LIMIT $4)",
} }

impl Tx<'_> {
    /// Stores a device, in place of one of the same name that is not verified. False if that one is verified. `MissingParent` if the app
    /// does not exist.
    pub async fn put_totp_device(&mut self, app: &AppId, user_id: &str, device: &TotpDevice) -> Result<bool> {
        self.exec(S::PutUser, &args![app, user_id]).await?;
        let TotpDevice { name, secret, period, skew, verified, created_at } = device;
        let params = args![app, user_id, name, secret.expose(), *period, *skew, *verified, *created_at];
        Ok(self.exec(S::PutDevice, &params).await? > 0)
    }

    /// Stores a device in place of whichever has its name, with the commit.
    pub async fn replace_totp_device(&mut self, app: &AppId, user_id: &str, device: &TotpDevice) -> Result<()> {
        self.with_commit(S::PutUser, args![app, user_id].into()).await?;
        let TotpDevice { name, secret, period, skew, verified, created_at } = device;
        let params = args![app, user_id, name, secret.expose(), *period, *skew, *verified, *created_at];
        self.with_commit(S::Replace, params.into()).await
    }

    /// The devices of some users: whose, and what they are called.
    pub async fn totp_names(&mut self, app: &AppId, user_ids: &[String]) -> Result<Vec<(String, String)>> {
        self.all(S::Names, &args![app, user_ids], |row| Ok((row.text(0)?, row.text(1)?))).await
    }

    /// The names of a user's verified devices.
    pub async fn verified_totp_devices(&mut self, app: &AppId, user_id: &str) -> Result<Vec<String>> {
        self.all(S::Verified, &args![app, user_id], |row| row.text(0)).await
    }

    /// Gives a device another name. False if there is no such device, `Duplicate` if another one has that name.
    pub async fn rename_totp_device(&mut self, app: &AppId, user_id: &str, name: &str, new_name: &str) -> Result<bool> {
        Ok(self.exec(S::Rename, &args![app, user_id, name, new_name]).await? > 0)
    }

    /// A user's devices, oldest first, and by name among those of one millisecond.
    pub async fn totp_devices(&mut self, app: &AppId, user_id: &str) -> Result<Vec<TotpDevice>> {
        Ok(sorted(self.all(S::Devices, &args![app, user_id], read).await?))
    }

    /// Locks a user, and says which devices there are, oldest first; nothing, if nothing is known of the user.
    pub async fn lock_totp_devices(&mut self, app: &AppId, user_id: &str) -> Result<Option<Vec<TotpDevice>>> {
        let rows =
            self.all(S::LockWithDevices, &args![app, user_id], |row| row.opt_text(0)?.map(|_| read(row)).transpose()).await?;
        Ok(if rows.is_empty() { None } else { Some(sorted(rows.into_iter().flatten().collect())) })
    }

    /// Removes a device; with the last one goes all that is known of the user. False if there was none of that name.
    pub async fn delete_totp_device(&mut self, app: &AppId, user_id: &str, name: &str) -> Result<bool> {
        if self.opt(S::LockUser, &args![app, user_id], |row| row.flag(0)).await?.is_none() {
            return Ok(false);
        }
        if self.exec(S::DeleteDevice, &args![app, user_id, name]).await? == 0 {
            return Ok(false);
        }
        self.with_commit(S::DeleteUserWithout, args![app, user_id].into()).await?;
        Ok(true)
    }

    /// Who of these users has devices, and whether one of them is verified.
    pub async fn totp_status(&mut self, app: &AppId, user_ids: &[String]) -> Result<Vec<(String, bool)>> {
        self.all(S::Status, &args![app, user_ids], |row| Ok((row.text(0)?, row.flag(1)?))).await
    }

    /// Attempts of a user in a tenant, newest first: the newest `most` at least, and every right one with this code that has not expired.
    pub async fn totp_codes_used(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        user_id: &str,
        code: &str,
        now: Millis,
        most: usize,
    ) -> Result<Vec<Used>> {
        let offset = i64::try_from(most.saturating_sub(1)).unwrap_or(i64::MAX);
        self.all(S::Used, &args![app, tenant, user_id, code, now, offset], |row| {
            Ok(Used { code: row.text(0)?, is_valid: row.flag(1)?, created: row.int(2)?, expiry: row.int(3)? })
        })
        .await
    }

    /// Notes an attempt, with the commit. `MissingParent` if the tenant does not exist. Whoever calls holds the user's lock.
    pub async fn note_totp_code(&mut self, app: &AppId, tenant: &TenantId, user_id: &str, used: &Used) -> Result<()> {
        let params = args![app, tenant, user_id, &used.code, used.is_valid, used.expiry, used.created];
        self.with_commit(S::Note, params.into()).await
    }

    /// Marks a device as verified. False if it is gone, or was made anew.
    pub async fn verify_totp_device(&mut self, app: &AppId, user_id: &str, device: &TotpDevice) -> Result<bool> {
        Ok(self.exec(S::Verify, &args![app, user_id, &device.name, device.secret.expose()]).await? > 0)
    }

    /// Removes attempts of a tenant that expired before `limit`, so many at most, and says how many there were.
    pub async fn delete_expired_totp_codes(&mut self, app: &AppId, tenant: &TenantId, limit: Millis, most: u32) -> Result<u64> {
        self.exec(S::DeleteExpired, &args![app, tenant, limit, i64::from(most)]).await
    }
}

fn read(row: &Row<'_>) -> Result<TotpDevice> {
    Ok(TotpDevice {
        name: row.text(0)?,
        secret: Secret::new(row.text(1)?),
        period: row.int(2)?,
        skew: row.int(3)?,
        verified: row.flag(4)?,
        created_at: row.opt_int(5)?.unwrap_or_default(),
    })
}

fn sorted(mut devices: Vec<TotpDevice>) -> Vec<TotpDevice> {
    devices.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    devices
}

//! Who waits for a code: tables `passwordless_devices` and `passwordless_codes` (core-recipes-1.md 2.1). Of several devices that are locked
//! or deleted at once, all statements take the same order, so that nobody waits in a circle.

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::passwordless::Contact;
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Row, Tx, args, statements};

/// An attempt to log in, as it is stored.
#[derive(Debug, Clone)]
pub struct DeviceRow {
    /// `device_id_hash`, 43 characters.
    pub id_hash: String,
    /// Where its codes go.
    pub contact: Contact,
    /// `link_code_salt`.
    pub salt: Secret<String>,
    /// Wrong codes so far.
    pub failed_attempts: u32,
}

/// A code, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// Its name: a UUID.
    pub code_id: String,
    /// Of which device.
    pub device_id_hash: String,
    /// `link_code_hash`, 44 characters.
    pub link_code_hash: String,
    /// When it was made, in ms.
    pub created_at: Millis,
}

/// The columns of a device, and of one of its codes, in the order of [`read`].
macro_rules! devices {
    ($rest:literal) => {
        concat!(
            "SELECT CAST(d.device_id_hash AS TEXT), d.email, d.phone_number, CAST(d.link_code_salt AS TEXT),
             CAST(d.failed_attempts AS BIGINT), CAST(c.code_id AS TEXT), CAST(c.link_code_hash AS TEXT), c.created_at
             FROM {passwordless_devices} d LEFT JOIN {passwordless_codes} c
                 ON c.app_id = d.app_id AND c.tenant_id = d.tenant_id AND c.device_id_hash = d.device_id_hash
             WHERE d.app_id = $1 AND d.tenant_id = $2 AND ",
            $rest
        )
    };
}

/// In the one order. It is that of an expression, or SQLite reads all devices for it that wait in the tenant.
macro_rules! locked {
    ($rest:literal) => {
        concat!(
            "SELECT CAST(d.device_id_hash AS TEXT), d.email, d.phone_number, CAST(d.link_code_salt AS TEXT),
             CAST(d.failed_attempts AS BIGINT), NULL, NULL, NULL
             FROM {passwordless_devices} d WHERE d.app_id = $1 AND d.tenant_id = $2 AND ",
            $rest,
            " ORDER BY d.device_id_hash || '' {lock}"
        )
    };
}

macro_rules! delete {
    ($which:literal) => {
        concat!(
            "DELETE FROM {passwordless_devices} WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash IN
             (SELECT d.device_id_hash FROM {passwordless_devices} d WHERE d.app_id = $1 AND d.tenant_id = $2 AND d.",
            $which,
            " = $3 ORDER BY d.device_id_hash || '' {lock})"
        )
    };
}

statements! { "passwordless_devices", S {
    InsertDevice = "INSERT INTO {passwordless_devices}
             (app_id, tenant_id, device_id_hash, email, phone_number, link_code_salt, failed_attempts) VALUES ($1, $2, $3, $4, $5, $6, 0)",
    InsertCode = "INSERT INTO {passwordless_codes} (app_id, tenant_id, code_id, device_id_hash, link_code_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
    Device = devices!("d.device_id_hash = $3"),
    OfEmail = devices!("d.email = $3"),
    OfPhone = devices!("d.phone_number = $3"),
    OfLink = devices!("c.link_code_hash = $3"),
    LockDevice = locked!("d.device_id_hash = $3"),
    LockOfCode = locked!(
        "d.device_id_hash = (SELECT c.device_id_hash FROM {passwordless_codes} c
             WHERE c.app_id = $1 AND c.tenant_id = $2 AND c.code_id = $3)"
    ),
    LockOfEmail = locked!("d.email = $3"),
    LockOfPhone = locked!("d.phone_number = $3"),
    CodeMade = "SELECT created_at FROM {passwordless_codes} WHERE app_id = $1 AND tenant_id = $2 AND link_code_hash = $3
             AND device_id_hash = $4",
    CountFailure = "UPDATE {passwordless_devices} SET failed_attempts = $4
             WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash = $3",
    DeleteDevices = "DELETE FROM {passwordless_devices} WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash {in $3}",
    DeleteOfEmail = delete!("email"),
    DeleteOfPhone = delete!("phone_number"),
    DeleteCode = "DELETE FROM {passwordless_codes} WHERE app_id = $1 AND tenant_id = $2 AND code_id = $3",
    DeleteIfEmpty = "DELETE FROM {passwordless_devices} WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash = $3
             AND NOT EXISTS (SELECT 1 FROM {passwordless_codes} c
                 WHERE c.app_id = $1 AND c.tenant_id = $2 AND c.device_id_hash = $3)",
    // The sum keeps SQLite from going through all old codes for each device.
    LockOld = "SELECT CAST(d.device_id_hash AS TEXT) FROM {passwordless_devices} d WHERE d.app_id = $1 AND d.tenant_id = $2
             AND EXISTS (SELECT 1 FROM {passwordless_codes} c WHERE c.app_id = d.app_id AND c.tenant_id = d.tenant_id
                 AND c.device_id_hash = d.device_id_hash AND c.created_at + 0 < $3)
             AND NOT EXISTS (SELECT 1 FROM {passwordless_codes} c WHERE c.app_id = d.app_id AND c.tenant_id = d.tenant_id
                 AND c.device_id_hash = d.device_id_hash AND c.created_at + 0 >= $3)
             ORDER BY d.device_id_hash LIMIT $4 {lock}",
    DeleteOld = "DELETE FROM {passwordless_devices} WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash {in $4}
             AND NOT EXISTS (SELECT 1 FROM {passwordless_codes} c WHERE c.app_id = $1 AND c.tenant_id = $2
                 AND c.device_id_hash = {passwordless_devices}.device_id_hash AND c.created_at + 0 >= $3)",
} }

impl Tx<'_> {
    /// Stores a device, with the commit. `Duplicate` if there is one of that hash, `MissingParent` if the tenant does not exist.
    pub async fn insert_device(&mut self, app: &AppId, tenant: &TenantId, device: &DeviceRow) -> Result<()> {
        let (email, phone) = (device.contact.email(), device.contact.phone());
        self.with_commit(S::InsertDevice, args![app, tenant, &device.id_hash, email, phone, device.salt.expose()].into()).await
    }

    /// Stores a code, with the commit. `Duplicate` if there is one of that name or hash, `MissingParent` if the device is gone.
    pub async fn insert_code(&mut self, app: &AppId, tenant: &TenantId, code: &CodeRow) -> Result<()> {
        let params = args![app, tenant, &code.code_id, &code.device_id_hash, &code.link_code_hash, code.created_at];
        self.with_commit(S::InsertCode, params.into()).await
    }

    /// A device with its codes, oldest first.
    pub async fn device(&mut self, app: &AppId, tenant: &TenantId, id_hash: &str) -> Result<Option<(DeviceRow, Vec<CodeRow>)>> {
        Ok(grouped(self.all(S::Device, &args![app, tenant, id_hash], read).await?).pop())
    }

    /// All devices of a contact with their codes: those with the oldest code first, and the oldest code first in each.
    pub async fn devices_of(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        contact: &Contact,
    ) -> Result<Vec<(DeviceRow, Vec<CodeRow>)>> {
        let statement = if contact.email().is_some() { S::OfEmail } else { S::OfPhone };
        Ok(grouped(self.all(statement, &args![app, tenant, contact.as_str()], read).await?))
    }

    /// The device that a link belongs to, with that code alone.
    pub async fn device_of_link(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        link_code_hash: &str,
    ) -> Result<Option<(DeviceRow, Vec<CodeRow>)>> {
        Ok(grouped(self.all(S::OfLink, &args![app, tenant, link_code_hash], read).await?).pop())
    }

    /// A device, locked.
    pub async fn lock_device(&mut self, app: &AppId, tenant: &TenantId, id_hash: &str) -> Result<Option<DeviceRow>> {
        Ok(self.opt(S::LockDevice, &args![app, tenant, id_hash], read).await?.map(|(device, _)| device))
    }

    /// All devices of a contact, locked in the one order.
    pub async fn lock_devices_of(&mut self, app: &AppId, tenant: &TenantId, contact: &Contact) -> Result<Vec<DeviceRow>> {
        let statement = if contact.email().is_some() { S::LockOfEmail } else { S::LockOfPhone };
        let rows = self.all(statement, &args![app, tenant, contact.as_str()], read).await?;
        Ok(rows.into_iter().map(|(device, _)| device).collect())
    }

    /// When the code of this hash and device was made, in ms. Under the device's lock nobody takes it away.
    pub async fn code_made(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        link_code_hash: &str,
        device_id_hash: &str,
    ) -> Result<Option<Millis>> {
        self.opt(S::CodeMade, &args![app, tenant, link_code_hash, device_id_hash], |row| row.int(0)).await
    }

    /// Notes how many codes were wrong, with the commit.
    pub async fn note_failed_attempts(&mut self, app: &AppId, tenant: &TenantId, id_hash: &str, failed: u32) -> Result<()> {
        self.with_commit(S::CountFailure, args![app, tenant, id_hash, i64::from(failed)].into()).await
    }

    /// Removes devices with all their codes, with the commit. Whoever removes several holds their locks.
    pub async fn delete_devices(&mut self, app: &AppId, tenant: &TenantId, id_hashes: &[String]) -> Result<()> {
        self.with_commit(S::DeleteDevices, args![app, tenant, id_hashes].into()).await
    }

    /// Removes all devices of a contact, with the commit.
    pub async fn delete_devices_of(&mut self, app: &AppId, tenant: &TenantId, contact: &Contact) -> Result<()> {
        let statement = if contact.email().is_some() { S::DeleteOfEmail } else { S::DeleteOfPhone };
        self.with_commit(statement, args![app, tenant, contact.as_str()].into()).await
    }

    /// Removes a code, and its device with the last one.
    pub async fn delete_code(&mut self, app: &AppId, tenant: &TenantId, code_id: &str) -> Result<()> {
        let Some((device, _)) = self.opt(S::LockOfCode, &args![app, tenant, code_id], read).await? else { return Ok(()) };
        self.with_commit(S::DeleteCode, args![app, tenant, code_id].into()).await?;
        self.with_commit(S::DeleteIfEmpty, args![app, tenant, &device.id_hash].into()).await
    }

    /// Removes devices of which all codes were made before `limit`, so many at most, and says how many were looked at. The second statement
    /// sees a code that came before the first had the lock.
    pub async fn delete_old_devices(&mut self, app: &AppId, tenant: &TenantId, limit: Millis, most: u32) -> Result<u64> {
        let old = self.all(S::LockOld, &args![app, tenant, limit, i64::from(most)], |row| row.text(0)).await?;
        if old.is_empty() {
            return Ok(0);
        }
        self.with_commit(S::DeleteOld, args![app, tenant, limit, old.as_slice()].into()).await?;
        Ok(old.len() as u64)
    }
}

fn read(row: &Row<'_>) -> Result<(DeviceRow, Option<CodeRow>)> {
    let id_hash = row.text(0)?.trim_end().to_owned();
    let contact = Contact::of_row(row.opt_text(1)?, row.opt_text(2)?).ok_or_else(|| row.corrupt(1))?;
    let failed_attempts = u32::try_from(row.int(4)?).map_err(|_| row.corrupt(4))?;
    let code = match row.opt_text(5)? {
        None => None,
        Some(code_id) => {
            Some(CodeRow { code_id, device_id_hash: id_hash.clone(), link_code_hash: row.text(6)?, created_at: row.int(7)? })
        }
    };
    Ok((DeviceRow { id_hash, contact, salt: Secret::new(row.text(3)?), failed_attempts }, code))
}

/// Rows of devices and codes as devices with codes.
fn grouped(rows: Vec<(DeviceRow, Option<CodeRow>)>) -> Vec<(DeviceRow, Vec<CodeRow>)> {
    let mut devices: Vec<(DeviceRow, Vec<CodeRow>)> = Vec::new();
    for (device, code) in rows {
        match devices.iter_mut().find(|(known, _)| known.id_hash == device.id_hash) {
            Some((_, codes)) => codes.extend(code),
            None => devices.push((device, code.into_iter().collect())),
        }
    }
    for (_, codes) in &mut devices {
        codes.sort_by(|a, b| (a.created_at, &a.code_id).cmp(&(b.created_at, &b.code_id)));
    }
    devices.sort_by(|(a, of_a), (b, of_b)| {
        let oldest = |codes: &[CodeRow]| codes.first().map(|code| code.created_at);
        (oldest(of_a), &a.id_hash).cmp(&(oldest(of_b), &b.id_hash))
    });
    devices
}

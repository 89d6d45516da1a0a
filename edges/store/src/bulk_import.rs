//! Users that wait to be imported: table `bulk_import_users` (core-linking.md 3.1); and what is looked up before they come in.
//!
//! A row is taken by locking it, past those that others have locked, and goes in the transaction that makes its users. Rows with a password
//! that must be hashed first are lent instead: they are marked, and whoever marked them comes back, or others take them after a while.

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Row, Tx, args, statements};

/// A user that waits, or was refused, as it is listed.
#[derive(Debug, Clone)]
pub struct WaitingUser {
    /// Its row.
    pub id: String,
    /// The user, as JSON. There may be passwords in it.
    pub raw: Secret<String>,
    /// `NEW`, `PROCESSING` or `FAILED`.
    pub status: String,
    /// `primary_user_id`, which only older Java cores write.
    pub primary_user_id: Option<String>,
    /// Why it was refused.
    pub error: Option<String>,
    /// Since when, in ms.
    pub created_at: Millis,
    /// When its status changed last, in ms.
    pub updated_at: Millis,
}

/// A row that was taken.
#[derive(Debug, Clone)]
pub struct TakenRow {
    /// Its row.
    pub id: String,
    /// The user, as JSON.
    pub raw: Secret<String>,
    /// Since when it waits, in ms.
    pub created_at: Millis,
}

macro_rules! page {
    ($and:literal) => {
        concat!(
            "SELECT CAST(id AS TEXT), raw_data, COALESCE(status, 'NEW'), primary_user_id, error_msg, created_at, updated_at
             FROM {bulk_import_users} WHERE app_id = $1 AND (created_at, id) <= (CAST($2 AS BIGINT), CAST(CAST($3 AS TEXT) AS BPCHAR))",
            $and,
            " ORDER BY created_at DESC, id DESC LIMIT $4"
        )
    };
}

statements! { "bulk_import_users", S {
    Insert = "INSERT INTO {bulk_import_users} (app_id, id, raw_data, status, created_at, updated_at) VALUES ($1, $2, $3, 'NEW', $4, $4)",
    Page = page!(""),
    PageOf = page!(" AND status = $5"),
    Count = "SELECT COUNT(*) FROM {bulk_import_users} WHERE app_id = $1",
    CountOf = "SELECT COUNT(*) FROM {bulk_import_users} WHERE app_id = $1 AND status = $2",
    Remove = "DELETE FROM {bulk_import_users} WHERE app_id = $1 AND id {ids $2} RETURNING CAST(id AS TEXT)",
    Apps = "SELECT a.app_id FROM {apps} a
             WHERE EXISTS (SELECT 1 FROM {bulk_import_users} b WHERE b.app_id = a.app_id AND b.status = 'NEW')
             OR EXISTS (SELECT 1 FROM {bulk_import_users} b WHERE b.app_id = a.app_id AND b.status = 'PROCESSING')",
    Take = "SELECT CAST(id AS TEXT), raw_data, created_at FROM {bulk_import_users} WHERE app_id = $1 AND status = 'NEW'
             AND (created_at, id) > (CAST($2 AS BIGINT), CAST(CAST($3 AS TEXT) AS BPCHAR)) ORDER BY created_at, id LIMIT $4 {take}",
    TakeLeft = "SELECT CAST(id AS TEXT), raw_data, created_at FROM {bulk_import_users} WHERE app_id = $1 AND status = 'PROCESSING'
             AND updated_at < $2 ORDER BY updated_at LIMIT $3 {take}",
    Lend = "UPDATE {bulk_import_users} SET status = 'PROCESSING', updated_at = $3 WHERE app_id = $1 AND id {ids $2}",
    TakeLent = "SELECT CAST(id AS TEXT), raw_data, created_at FROM {bulk_import_users} WHERE app_id = $1 AND id {ids $2}
             AND status = 'PROCESSING' AND updated_at = $3 ORDER BY id {take}",
    TakeThese = "SELECT CAST(id AS TEXT), raw_data, created_at FROM {bulk_import_users} WHERE app_id = $1 AND id {ids $2}
             AND status <> 'FAILED' ORDER BY id {take}",
    Fail = "UPDATE {bulk_import_users} SET status = 'FAILED', error_msg = $3, raw_data = $4, updated_at = $5
             WHERE app_id = $1 AND id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    Done = "DELETE FROM {bulk_import_users} WHERE app_id = $1 AND id {ids $2}",
    Internal = "SELECT CAST(user_id AS TEXT) FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id {ids $2}",
    Mapped = "SELECT external_user_id, CAST(supertokens_user_id AS TEXT) FROM {userid_mapping}
             WHERE app_id = $1 AND external_user_id {in $2}",
    RolesNamed = "SELECT role FROM {roles} WHERE app_id = $1 AND role {in $2}",
    Roles = "SELECT role FROM {roles} WHERE app_id = $1 AND role {in $2} ORDER BY role {share}",
    Tenants = "SELECT tenant_id FROM {tenants} WHERE app_id = $1 AND tenant_id {in $2} ORDER BY tenant_id {share}",
} }

/// So many statements go out at a time.
const AT_ONCE: usize = 100;

fn taken(row: &Row<'_>) -> Result<TakenRow> {
    Ok(TakenRow { id: row.text(0)?, raw: Secret::new(row.text(1)?), created_at: row.int(2)? })
}

impl Tx<'_> {
    /// Lets users wait. `MissingParent` if the app does not exist.
    pub async fn let_users_wait(&mut self, app: &AppId, users: &[(String, Secret<String>)], now: Millis) -> Result<()> {
        for part in users.chunks(AT_ONCE) {
            let Some(((last, last_raw), before)) = part.split_last() else { continue };
            for (id, raw) in before {
                self.with_commit(S::Insert, args![app, id, raw.expose(), now].into()).await?;
            }
            self.exec(S::Insert, &args![app, last, last_raw.expose(), now]).await?;
        }
        Ok(())
    }

    /// Those who wait or were refused, the last first, from a place on: the time and the row of the first.
    pub async fn waiting_users(
        &mut self,
        app: &AppId,
        status: Option<&str>,
        from: Option<(Millis, &str)>,
        limit: i64,
    ) -> Result<Vec<WaitingUser>> {
        let (time, id) = from.unwrap_or((Millis::MAX, ""));
        let read = |row: &Row<'_>| {
            Ok(WaitingUser {
                id: row.text(0)?,
                raw: Secret::new(row.text(1)?),
                status: row.text(2)?,
                primary_user_id: row.opt_text(3)?,
                error: row.opt_text(4)?,
                created_at: row.int(5)?,
                updated_at: row.int(6)?,
            })
        };
        match status {
            None => self.all(S::Page, &args![app, time, id, limit], read).await,
            Some(status) => self.all(S::PageOf, &args![app, time, id, limit, status], read).await,
        }
    }

    /// How many there are.
    pub async fn count_waiting_users(&mut self, app: &AppId, status: Option<&str>) -> Result<i64> {
        let count = match status {
            None => self.opt(S::Count, &args![app], |row| row.int(0)).await?,
            Some(status) => self.opt(S::CountOf, &args![app, status], |row| row.int(0)).await?,
        };
        Ok(count.unwrap_or_default())
    }

    /// Removes rows, whatever their status, and says which there were. One that is being imported is waited for.
    pub async fn remove_waiting_users(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<String>> {
        self.all(S::Remove, &args![app, ids], |row| row.text(0)).await
    }

    /// The apps in which somebody waits.
    pub async fn apps_with_waiting_users(&mut self) -> Result<Vec<AppId>> {
        self.all(S::Apps, &args![], |row| Ok(AppId::normalise(&row.text(0)?))).await
    }

    /// Takes some of those who wait, the first first, behind a place in their order; past those whom others have taken.
    pub async fn take_waiting_users(&mut self, app: &AppId, after: &(Millis, String), limit: i64) -> Result<Vec<TakenRow>> {
        self.all(S::Take, &args![app, after.0, &after.1, limit], taken).await
    }

    /// Takes some that were lent before a time, and are not given back.
    pub async fn take_left_users(&mut self, app: &AppId, before: Millis, limit: i64) -> Result<Vec<TakenRow>> {
        self.all(S::TakeLeft, &args![app, before, limit], taken).await
    }

    /// Lends rows that were taken, with the commit.
    pub async fn lend_waiting_users(&mut self, app: &AppId, ids: &[String], now: Millis) -> Result<()> {
        self.with_commit(S::Lend, args![app, ids, now].into()).await
    }

    /// Takes those of them that nobody else has taken since.
    pub async fn take_lent_users(&mut self, app: &AppId, ids: &[String], lent_at: Millis) -> Result<Vec<TakenRow>> {
        self.all(S::TakeLent, &args![app, ids, lent_at], taken).await
    }

    /// Takes these, if they still wait.
    pub async fn take_these_users(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<TakenRow>> {
        self.all(S::TakeThese, &args![app, ids], taken).await
    }

    /// Refuses a user, with the commit. What is kept of it is `raw`.
    pub async fn refuse_waiting_user(
        &mut self,
        app: &AppId,
        id: &str,
        why: &str,
        raw: &Secret<String>,
        now: Millis,
    ) -> Result<()> {
        self.with_commit(S::Fail, args![app, id, why, raw.expose(), now].into()).await
    }

    /// Removes the rows of those that have come in, with the commit.
    pub async fn end_waiting(&mut self, app: &AppId, ids: &[String]) -> Result<()> {
        self.with_commit(S::Done, args![app, ids].into()).await
    }

    /// Which of these internal ids are somebody's.
    pub async fn internal_ids_there(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<String>> {
        self.all(S::Internal, &args![app, ids], |row| row.text(0)).await
    }

    /// Which of these external ids are somebody's, with the internal ones.
    pub async fn external_ids_there(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<(String, String)>> {
        self.all(S::Mapped, &args![app, ids], |row| Ok((row.text(0)?, row.text(1)?))).await
    }

    /// Which of these roles there are.
    pub async fn roles_named(&mut self, app: &AppId, roles: &[String]) -> Result<Vec<String>> {
        self.all(S::RolesNamed, &args![app, roles], |row| row.text(0)).await
    }

    /// Which of these roles there are; none of them goes before the transaction ends.
    pub async fn roles_there(&mut self, app: &AppId, roles: &[String]) -> Result<Vec<String>> {
        self.all(S::Roles, &args![app, roles], |row| row.text(0)).await
    }

    /// The same of tenants.
    pub async fn tenants_there(&mut self, app: &AppId, tenants: &[String]) -> Result<Vec<TenantId>> {
        self.all(S::Tenants, &args![app, tenants], |row| Ok(TenantId::normalise(&row.text(0)?))).await
    }
}

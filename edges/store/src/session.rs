//! The rows of sessions: table `session_info`, and the users a session belongs to (core-session.md 2, 6.4).

use std::fmt;

use supertokens_domain::accounts::as_internal;
use supertokens_domain::ids::{AppId, SessionHandle, TenantId};
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Row, Tx, args, pair, statements};

/// A user id on its way into a new session (core-session.md 2.1 step 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedUser {
    /// The primary user's id, external where mapped.
    pub primary: String,
    /// The recipe user's id, external where mapped.
    pub recipe: String,
    /// The SuperTokens id under which the primary user's last activity is kept.
    pub last_active_id: String,
}

/// A session as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The handle.
    pub session_handle: String,
    /// The recipe user's id, external where it was mapped at creation.
    pub user_id: String,
    /// Hash of the current refresh token.
    pub refresh_token_hash_2: String,
    /// The caller's data in the database, compact JSON.
    pub session_data: String,
    /// When the session ends.
    pub expires_at: Millis,
    /// When it began.
    pub created_at_time: Millis,
    /// The caller's data in the access token, compact JSON.
    pub jwt_user_payload: String,
    /// Whether its access tokens are signed with the static key.
    pub use_static_key: bool,
    /// Hash of the refresh token that the last rotation retired.
    pub prev_refresh_token_hash_2: Option<String>,
    /// When that was.
    pub refresh_token_rotated_at: Option<Millis>,
    /// The primary user id of `user_id` where that is a known user, else `user_id`. No id mapping.
    pub primary_user_id: String,
}

/// Shows neither hashes nor the caller's data.
impl fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRow")
            .field("session_handle", &self.session_handle)
            .field("expires_at", &self.expires_at)
            .field("use_static_key", &self.use_static_key)
            .field("refresh_token_rotated_at", &self.refresh_token_rotated_at)
            .finish_non_exhaustive()
    }
}

/// A session whose row is locked until the transaction ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSession {
    /// The row.
    pub session: SessionRow,
    /// The user the session is for: the primary user's external id, else its id, else the row's `user_id`.
    pub resolved_user_id: String,
    /// The SuperTokens id under which that user's last activity is kept.
    pub last_active_id: String,
}

/// A session to be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The handle; its tenant must be the tenant it is stored under.
    pub session_handle: SessionHandle,
    /// The recipe user's id, external where mapped.
    pub user_id: String,
    /// Hash of the first refresh token.
    pub refresh_token_hash_2: String,
    /// Compact JSON.
    pub session_data: String,
    /// When the session ends.
    pub expires_at: Millis,
    /// Now.
    pub created_at_time: Millis,
    /// Compact JSON.
    pub jwt_user_payload: String,
    /// Whether access tokens are signed with the static key.
    pub use_static_key: bool,
}

/// Shows neither the hash nor the caller's data.
impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("session_handle", &self.session_handle)
            .field("expires_at", &self.expires_at)
            .field("use_static_key", &self.use_static_key)
            .finish_non_exhaustive()
    }
}

/// What a rotation writes. All five columns, always: a session may hop between CDI versions (core-session.md 2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct RotationColumns {
    /// Hash of the new refresh token.
    pub current_hash2: String,
    /// Hash of the retired one.
    pub prev_hash2: Option<String>,
    /// When it was retired.
    pub rotated_at: Option<Millis>,
    /// When the session ends.
    pub expires_at: Millis,
    /// Whether access tokens are signed with the static key.
    pub use_static_key: bool,
}

/// Shows no hash.
impl fmt::Debug for RotationColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationColumns")
            .field("rotated_at", &self.rotated_at)
            .field("expires_at", &self.expires_at)
            .field("use_static_key", &self.use_static_key)
            .finish_non_exhaustive()
    }
}

/// The columns of a session in the order `read_session` reads them, but for the primary user's id behind them.
macro_rules! columns {
    () => {
        "s.session_handle, s.user_id, s.refresh_token_hash_2, s.session_data, s.expires_at, s.created_at_time, s.jwt_user_payload,
         s.use_static_key, s.prev_refresh_token_hash_2, s.refresh_token_rotated_at"
    };
}

/// The user ids whose sessions `$2` stands for, which is `$6` where it can be an internal id: itself and, if `$4`, every login method of its primary user.
macro_rules! candidates {
    () => {
        "SELECT CAST($2 AS TEXT) UNION SELECT CAST(b.user_id AS TEXT) FROM {app_id_to_user_id} a
         JOIN {app_id_to_user_id} b ON b.app_id = a.app_id AND b.primary_or_recipe_user_id = a.primary_or_recipe_user_id
         WHERE a.app_id = $1 AND a.user_id = CAST(CAST($6 AS TEXT) AS BPCHAR) AND CAST($4 AS BOOLEAN)"
    };
}

// CHAR(36) columns are compared as BPCHAR, which has no length, and only with what is as long as an id: a cast to CHAR(36) would cut longer
// ones, blanks at the end would not count, and a comparison as TEXT would pass by the index. SQLite reads BPCHAR as TEXT. `{once}` is MATERIALIZED on PostgreSQL, which otherwise writes each
// step out again wherever it is used and plans dozens of lookups instead of eight; to SQLite it would cost a table for each step.
statements! { "session_info", S {
    ResolveUser =
        "WITH r AS {once} (SELECT COALESCE((SELECT CAST(m.supertokens_user_id AS TEXT) FROM {userid_mapping} m
                        WHERE m.app_id = $1 AND m.external_user_id = CAST($2 AS TEXT)), CAST($2 AS TEXT)) AS recipe),
              p AS {once} (SELECT r.recipe, COALESCE((SELECT CAST(a.primary_or_recipe_user_id AS TEXT) FROM {app_id_to_user_id} a
                        WHERE a.app_id = $1 AND a.user_id = {id r.recipe}), r.recipe) AS prime FROM r),
              e AS {once} (SELECT COALESCE((SELECT CAST(m.external_user_id AS TEXT) FROM {userid_mapping} m
                        WHERE m.app_id = $1 AND m.supertokens_user_id = {id p.prime}), p.prime) AS prime,
                    COALESCE((SELECT CAST(m.external_user_id AS TEXT) FROM {userid_mapping} m
                        WHERE m.app_id = $1 AND m.supertokens_user_id = {id p.recipe}), p.recipe) AS recipe FROM p)
         SELECT e.prime, e.recipe, COALESCE(
             (SELECT CAST(m.supertokens_user_id AS TEXT) FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.supertokens_user_id = {id e.prime}),
             (SELECT CAST(m.supertokens_user_id AS TEXT) FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.external_user_id = e.prime), e.prime)
         FROM e",
    Session = concat!("SELECT ", columns!(), ", COALESCE(CAST(a.primary_or_recipe_user_id AS TEXT), s.user_id) FROM {session_info} s
         LEFT JOIN {app_id_to_user_id} a ON a.app_id = s.app_id AND a.user_id = {id s.user_id}
         WHERE s.app_id = $1 AND s.tenant_id = $2 AND s.session_handle = $3"),
    // The lock is taken inside `s`, so what stands behind it is computed once the row is ours.
    SessionLocked = concat!("WITH s AS {once} (SELECT ", columns!(), " FROM {session_info} s
              WHERE s.app_id = $1 AND s.tenant_id = $2 AND s.session_handle = $3 {lock}),
              u AS {once} (SELECT (SELECT CAST(a.primary_or_recipe_user_id AS TEXT) FROM {app_id_to_user_id} a
                        WHERE a.app_id = $1 AND a.user_id = {id s.user_id}) AS own_prime,
                    (SELECT CAST(a.primary_or_recipe_user_id AS TEXT) FROM {userid_mapping} m
                        JOIN {app_id_to_user_id} a ON a.app_id = m.app_id AND a.user_id = m.supertokens_user_id
                        WHERE m.app_id = $1 AND m.external_user_id = s.user_id) AS mapped_prime FROM s),
              x AS {once} (SELECT u.own_prime, COALESCE((SELECT CAST(m.external_user_id AS TEXT) FROM {userid_mapping} m
                        WHERE m.app_id = $1 AND m.supertokens_user_id = {id u.mapped_prime}),
                    (SELECT CAST(m.external_user_id AS TEXT) FROM {userid_mapping} m
                        WHERE m.app_id = $1 AND m.supertokens_user_id = {id u.own_prime}),
                    u.mapped_prime, u.own_prime) AS resolved FROM u),
              y AS {once} (SELECT x.own_prime, COALESCE(x.resolved, CAST(s.user_id AS TEXT)) AS resolved FROM x, s)
         SELECT ", columns!(), ", COALESCE(y.own_prime, s.user_id), y.resolved, COALESCE(
             (SELECT CAST(m.supertokens_user_id AS TEXT) FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.supertokens_user_id = {id y.resolved}),
             (SELECT CAST(m.supertokens_user_id AS TEXT) FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.external_user_id = y.resolved), y.resolved)
         FROM s, y"),
    Insert = "INSERT INTO {session_info} (app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, session_data,
             expires_at, created_at_time, jwt_user_payload, use_static_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    Rotate = "UPDATE {session_info} SET refresh_token_hash_2 = $4, prev_refresh_token_hash_2 = $5, refresh_token_rotated_at = $6,
             expires_at = $7, use_static_key = $8 WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3",
    SetUseStaticKey = "UPDATE {session_info} SET use_static_key = $4 WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3",
    Delete = "DELETE FROM {session_info} WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3",
    UpdateSessionData = "UPDATE {session_info} SET session_data = $4
             WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3 AND expires_at > $5",
    UpdateJwtPayload = "UPDATE {session_info} SET jwt_user_payload = $4
             WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3 AND expires_at > $5",
    // One is what is asked for nearly always, and it needs no list to be taken apart and joined.
    DeleteOne = "DELETE FROM {session_info} WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3 RETURNING session_handle",
    DeleteMany = "DELETE FROM {session_info} WHERE app_id = $1 AND (tenant_id, session_handle) IN {pairs $2} RETURNING session_handle",
    DeleteOfUser = concat!("DELETE FROM {session_info} WHERE app_id = $1 AND user_id IN (", candidates!(), ") AND expires_at >= $3
             AND (CAST($5 AS TEXT) IS NULL OR tenant_id = CAST($5 AS TEXT)) RETURNING session_handle"),
    HandlesOfUser = concat!("SELECT session_handle FROM {session_info} WHERE app_id = $1 AND user_id IN (", candidates!(), ")
             AND expires_at >= $3 AND (CAST($5 AS TEXT) IS NULL OR tenant_id = CAST($5 AS TEXT))"),
    DeleteExpired = "DELETE FROM {session_info} WHERE (app_id, tenant_id, session_handle) IN
             (SELECT app_id, tenant_id, session_handle FROM {session_info} WHERE expires_at <= $1 LIMIT $2)",
    // Changes no row, but is refused where writing is.
    TryWriting = "DELETE FROM {session_info} WHERE app_id = '' AND tenant_id = '' AND session_handle = ''",
} }

impl Tx<'_> {
    /// The ids under which a new session of this user is stored, whichever of its ids is given. Any text is a user id.
    pub async fn resolve_user(&mut self, app: &AppId, user_id: &str) -> Result<ResolvedUser> {
        let found = self
            .opt(S::ResolveUser, &args![app, user_id], |row| {
                Ok(ResolvedUser { primary: row.text(0)?, recipe: row.text(1)?, last_active_id: row.text(2)? })
            })
            .await?;
        let unknown = || ResolvedUser { primary: user_id.into(), recipe: user_id.into(), last_active_id: user_id.into() };
        Ok(found.unwrap_or_else(unknown))
    }

    /// A session, expired or not.
    pub async fn session(&mut self, app: &AppId, tenant: &TenantId, handle: &SessionHandle) -> Result<Option<SessionRow>> {
        self.opt(S::Session, &args![app, tenant, handle], read_session).await
    }

    /// A session, expired or not, locked until the transaction ends.
    pub async fn session_locked(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        handle: &SessionHandle,
    ) -> Result<Option<LockedSession>> {
        self.opt(S::SessionLocked, &args![app, tenant, handle], |row| {
            Ok(LockedSession { session: read_session(row)?, resolved_user_id: row.text(11)?, last_active_id: row.text(12)? })
        })
        .await
    }

    /// Stores a new session, with the commit. `MissingParent` if the tenant does not exist.
    pub async fn insert_session(&mut self, app: &AppId, tenant: &TenantId, new: &NewSession) -> Result<()> {
        let params = args![
            app,
            tenant,
            &new.session_handle,
            &new.user_id,
            &new.refresh_token_hash_2,
            &new.session_data,
            new.expires_at,
            new.created_at_time,
            &new.jwt_user_payload,
            new.use_static_key
        ];
        self.with_commit(S::Insert, params.into()).await
    }

    /// Changes the current refresh token, with the commit.
    pub async fn rotate_session(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        handle: &SessionHandle,
        to: &RotationColumns,
    ) -> Result<()> {
        let (prev, at) = (to.prev_hash2.as_ref(), to.rotated_at);
        let params = args![app, tenant, handle, &to.current_hash2, prev, at, to.expires_at, to.use_static_key];
        self.with_commit(S::Rotate, params.into()).await
    }

    /// Changes the kind of key of a session and nothing else, with the commit.
    pub async fn set_use_static_key(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        handle: &SessionHandle,
        use_static_key: bool,
    ) -> Result<()> {
        self.with_commit(S::SetUseStaticKey, args![app, tenant, handle, use_static_key].into()).await
    }

    /// Ends a session, with the commit.
    pub async fn delete_session(&mut self, app: &AppId, tenant: &TenantId, handle: &SessionHandle) -> Result<()> {
        self.with_commit(S::Delete, args![app, tenant, handle].into()).await
    }

    /// Replaces the data in the database of a session that has not expired. False if there is none.
    pub async fn update_session_data(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        handle: &SessionHandle,
        data: &str,
        now: Millis,
    ) -> Result<bool> {
        Ok(self.exec(S::UpdateSessionData, &args![app, tenant, handle, data, now]).await? > 0)
    }

    /// Replaces the access token data of a session that has not expired. False if there is none.
    pub async fn update_jwt_payload(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        handle: &SessionHandle,
        payload: &str,
        now: Millis,
    ) -> Result<bool> {
        Ok(self.exec(S::UpdateJwtPayload, &args![app, tenant, handle, payload, now]).await? > 0)
    }

    /// Ends sessions of any tenants of an app and answers the handles that existed, in no particular order.
    pub async fn delete_sessions(&mut self, app: &AppId, sessions: &[(TenantId, SessionHandle)]) -> Result<Vec<String>> {
        if let [(tenant, handle)] = sessions {
            return self.all(S::DeleteOne, &args![app, tenant, handle], |row| row.text(0)).await;
        }
        let pairs: Vec<String> = sessions.iter().map(|(tenant, handle)| pair(tenant.as_str(), handle.as_str())).collect();
        self.all(S::DeleteMany, &args![app, pairs.as_slice()], |row| row.text(0)).await
    }

    /// Ends the sessions of a user that have not expired, in one tenant or in all, with those of linked login methods or
    /// without. No id mapping is applied (core-session.md 2.7).
    pub async fn delete_sessions_of_user(
        &mut self,
        app: &AppId,
        tenant: Option<&TenantId>,
        user_id: &str,
        linked: bool,
        now: Millis,
    ) -> Result<Vec<String>> {
        self.all(S::DeleteOfUser, &args![app, user_id, now, linked, tenant, as_internal(user_id)], |row| row.text(0)).await
    }

    /// The handles that `delete_sessions_of_user` would delete.
    pub async fn session_handles_of_user(
        &mut self,
        app: &AppId,
        tenant: Option<&TenantId>,
        user_id: &str,
        linked: bool,
        now: Millis,
    ) -> Result<Vec<String>> {
        self.all(S::HandlesOfUser, &args![app, user_id, now, linked, tenant, as_internal(user_id)], |row| row.text(0)).await
    }

    /// Removes expired sessions of all apps and tenants, so many at most, and says how many there were.
    pub async fn delete_expired_sessions(&mut self, now: Millis, most: u32) -> Result<u64> {
        self.exec(S::DeleteExpired, &args![now, i64::from(most)]).await
    }
}

fn read_session(row: &Row<'_>) -> Result<SessionRow> {
    Ok(SessionRow {
        session_handle: row.text(0)?,
        user_id: row.text(1)?,
        refresh_token_hash_2: row.text(2)?,
        session_data: row.text(3)?,
        expires_at: row.int(4)?,
        created_at_time: row.int(5)?,
        jwt_user_payload: row.text(6)?,
        use_static_key: row.flag(7)?,
        prev_refresh_token_hash_2: row.opt_text(8)?,
        refresh_token_rotated_at: row.opt_int(9)?,
        primary_user_id: row.text(10)?,
    })
}

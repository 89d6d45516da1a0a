//! People who look after an app by the dashboard, and their sessions: tables `dashboard_users` and `dashboard_user_sessions`
//! (core-recipes-2.md 3.1). Ids are 36 characters long; whoever calls has seen to that.

use supertokens_domain::dashboard::{Session, User};
use supertokens_domain::ids::AppId;
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Row, Tx, args, statements};

macro_rules! change {
    ($whom:expr) => {
        concat!(
            "UPDATE {dashboard_users} SET email = COALESCE(CAST($3 AS TEXT), email),
                 password_hash = COALESCE(CAST($4 AS TEXT), password_hash) WHERE app_id = $1 AND ",
            $whom,
            " RETURNING CAST(user_id AS TEXT), email, time_joined"
        )
    };
}

statements! { "dashboard_users", S {
    IsTaken = "SELECT 1 = 1 FROM {dashboard_users} WHERE app_id = $1 AND email = $2",
    Insert = "INSERT INTO {dashboard_users} (app_id, user_id, email, password_hash, time_joined) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (app_id, email) DO NOTHING",
    ChangeById = change!("user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)"),
    ChangeByEmail = change!("email = CAST($2 AS TEXT)"),
    DeleteById = "DELETE FROM {dashboard_users} WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    DeleteByEmail = "DELETE FROM {dashboard_users} WHERE app_id = $1 AND email = $2",
    All = "SELECT CAST(user_id AS TEXT), email, time_joined FROM {dashboard_users} WHERE app_id = $1 ORDER BY time_joined, user_id",
    Password = "SELECT CAST(user_id AS TEXT), password_hash FROM {dashboard_users} WHERE app_id = $1 AND email = $2",
    // Whoever changes the password meanwhile is waited for, and comes behind this one otherwise: sessions end with the password.
    InsertSession = "INSERT INTO {dashboard_user_sessions} (app_id, session_id, user_id, time_created, expiry)
             SELECT u.app_id, CAST($5 AS TEXT), u.user_id, CAST($6 AS BIGINT), CAST($7 AS BIGINT) FROM {dashboard_users} u
             WHERE u.app_id = $1 AND u.user_id = CAST(CAST($2 AS TEXT) AS BPCHAR) AND u.email = $3 AND u.password_hash = $4 {lock}",
    Whose = "SELECT u.email, s.expiry FROM {dashboard_user_sessions} s
             JOIN {dashboard_users} u ON u.app_id = s.app_id AND u.user_id = s.user_id
             WHERE s.app_id = $1 AND s.session_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    Sessions = "SELECT CAST(user_id AS TEXT), CAST(session_id AS TEXT), time_created, expiry FROM {dashboard_user_sessions}
             WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR) AND expiry >= $3 ORDER BY time_created, session_id",
    DeleteSession = "DELETE FROM {dashboard_user_sessions} WHERE app_id = $1 AND session_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    DeleteSessions = "DELETE FROM {dashboard_user_sessions} WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    DeleteExpired = "DELETE FROM {dashboard_user_sessions} WHERE (app_id, session_id) IN
             (SELECT app_id, session_id FROM {dashboard_user_sessions} WHERE expiry < $1 LIMIT $2)",
} }

/// Who is meant.
#[derive(Debug, Clone, Copy)]
pub enum DashboardWhom<'a> {
    /// By id.
    Id(&'a str),
    /// By address, normalised.
    Email(&'a str),
}

impl Tx<'_> {
    /// Has somebody of the app this address?
    pub async fn is_dashboard_email(&mut self, app: &AppId, email: &str) -> Result<bool> {
        Ok(self.opt(S::IsTaken, &args![app, email], |row| row.flag(0)).await?.is_some())
    }

    /// Stores somebody. False if the address is taken; `MissingParent` if the app does not exist.
    pub async fn insert_dashboard_user(&mut self, app: &AppId, user: &User, hash: &Secret<String>) -> Result<bool> {
        let User { email, id, time_joined } = user;
        Ok(self.exec(S::Insert, &args![app, id, email, hash.expose(), *time_joined]).await? > 0)
    }

    /// Gives somebody another address, another password, both or neither, and ends all sessions. Nothing if there is nobody, `Duplicate` if
    /// the address is taken.
    pub async fn change_dashboard_user(
        &mut self,
        app: &AppId,
        whom: DashboardWhom<'_>,
        email: Option<&str>,
        hash: Option<&Secret<String>>,
    ) -> Result<Option<User>> {
        let (statement, known) = match whom {
            DashboardWhom::Id(id) => (S::ChangeById, id),
            DashboardWhom::Email(email) => (S::ChangeByEmail, email),
        };
        let hash = hash.map(|hash| hash.expose().as_str());
        let Some(user) = self.opt(statement, &args![app, known, email, hash], read_user).await? else { return Ok(None) };
        self.with_commit(S::DeleteSessions, args![app, &user.id].into()).await?;
        Ok(Some(user))
    }

    /// Removes somebody, with all sessions. False if there is nobody.
    pub async fn delete_dashboard_user(&mut self, app: &AppId, whom: DashboardWhom<'_>) -> Result<bool> {
        let (statement, known) = match whom {
            DashboardWhom::Id(id) => (S::DeleteById, id),
            DashboardWhom::Email(email) => (S::DeleteByEmail, email),
        };
        Ok(self.exec(statement, &args![app, known]).await? > 0)
    }

    /// Everybody, in the order in which they came.
    pub async fn dashboard_users(&mut self, app: &AppId) -> Result<Vec<User>> {
        self.all(S::All, &args![app], read_user).await
    }

    /// The id and the hash of whoever has this address.
    pub async fn dashboard_password(&mut self, app: &AppId, email: &str) -> Result<Option<(String, Secret<String>)>> {
        self.opt(S::Password, &args![app, email], |row| Ok((row.text(0)?, Secret::new(row.text(1)?)))).await
    }

    /// Signs somebody in who still has this address and this hash. False otherwise.
    pub async fn insert_dashboard_session(
        &mut self,
        app: &AppId,
        session: &Session,
        email: &str,
        hash: &Secret<String>,
    ) -> Result<bool> {
        let Session { user_id, id, created, expiry } = session;
        Ok(self.exec(S::InsertSession, &args![app, user_id, email, hash.expose(), id, *created, *expiry]).await? > 0)
    }

    /// Whose session it is, by address, and until when.
    pub async fn dashboard_session(&mut self, app: &AppId, session: &Secret<String>) -> Result<Option<(String, Millis)>> {
        self.opt(S::Whose, &args![app, session.expose()], |row| Ok((row.text(0)?, row.int(1)?))).await
    }

    /// Somebody's sessions that are not over, oldest first.
    pub async fn dashboard_sessions(&mut self, app: &AppId, user_id: &str, now: Millis) -> Result<Vec<Session>> {
        self.all(S::Sessions, &args![app, user_id, now], |row| {
            Ok(Session { user_id: row.text(0)?, id: row.text(1)?, created: row.int(2)?, expiry: row.int(3)? })
        })
        .await
    }

    /// Ends a session, if there is one.
    pub async fn delete_dashboard_session(&mut self, app: &AppId, session: &Secret<String>) -> Result<()> {
        self.exec(S::DeleteSession, &args![app, session.expose()]).await.map(drop)
    }

    /// Removes sessions that were over before `now`, so many at most, and says how many there were.
    pub async fn delete_expired_dashboard_sessions(&mut self, now: Millis, most: u32) -> Result<u64> {
        self.exec(S::DeleteExpired, &args![now, i64::from(most)]).await
    }
}

fn read_user(row: &Row<'_>) -> Result<User> {
    Ok(User { id: row.text(0)?, email: row.text(1)?, time_joined: row.int(2)? })
}

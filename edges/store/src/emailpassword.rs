//! Passwords and the tokens that let somebody choose a new one: tables `emailpassword_users` and `emailpassword_pswd_reset_tokens`
//! (core-users.md 3.6 to 3.9, 10). Making users, and their addresses, is the accounts' affair.

use supertokens_domain::accounts::as_internal;
use supertokens_domain::emailpassword::reset_token::Taken;
use supertokens_domain::ids::AppId;
use supertokens_domain::secret::Secret;
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Tx, args, statements};

/// How hashes of each kind begin. `_` is any character there.
const OF_BCRYPT: &str = "$2%";
const OF_ARGON2: &str = "$argon2%";
const OF_FIREBASE: &str = "$f_scrypt$%";

/// The internal id of whoever is meant by an id of either kind, as everywhere (core-linking.md 1.2): a mapping of its own, then whoever
/// is shown under it, then the id itself. $2 is the id, $3 the same if it may be an internal one.
macro_rules! meant {
    () => {
        "COALESCE((SELECT m.supertokens_user_id FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.supertokens_user_id = CAST(CAST($3 AS TEXT) AS BPCHAR)),
             (SELECT m.supertokens_user_id FROM {userid_mapping} m WHERE m.app_id = $1 AND m.external_user_id = CAST($2 AS TEXT)),
             CAST(CAST($3 AS TEXT) AS BPCHAR))"
    };
}

statements! { "emailpassword_pswd_reset_tokens", S {
    SetPassword = "UPDATE {emailpassword_users} SET password_hash = $3 WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    SetPasswordOf = concat!("UPDATE {emailpassword_users} SET password_hash = $4 WHERE app_id = $1 AND user_id = ", meant!()),
    InsertToken = concat!("INSERT INTO {emailpassword_pswd_reset_tokens} (app_id, user_id, token, email, token_expiry)
             SELECT a.app_id, a.user_id, CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT) FROM {app_id_to_user_id} a
             WHERE a.app_id = $1 AND a.user_id = ", meant!()),
    PeekToken = "SELECT token_expiry FROM {emailpassword_pswd_reset_tokens} WHERE app_id = $1 AND token = $2",
    TakeTokens = "DELETE FROM {emailpassword_pswd_reset_tokens} WHERE app_id = $1 AND user_id =
             (SELECT t.user_id FROM {emailpassword_pswd_reset_tokens} t WHERE t.app_id = $1 AND t.token = $2)
             RETURNING token, CAST(user_id AS TEXT), email, token_expiry,
             (SELECT m.external_user_id FROM {userid_mapping} m WHERE m.app_id = $1 AND m.supertokens_user_id = user_id)",
    HashesOfFirebase = "SELECT app_id, COUNT(*) FROM {emailpassword_users} WHERE password_hash LIKE $1 GROUP BY app_id ORDER BY app_id",
    UnknownHashes = "SELECT COUNT(*) FROM {emailpassword_users} WHERE password_hash NOT LIKE $1 AND password_hash NOT LIKE $2
             AND password_hash NOT LIKE $3",
    DeleteExpired = "DELETE FROM {emailpassword_pswd_reset_tokens} WHERE (app_id, user_id, token) IN
             (SELECT app_id, user_id, token FROM {emailpassword_pswd_reset_tokens} WHERE token_expiry < $1 LIMIT $2)",
} }

/// A reset token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewResetToken {
    /// Of its text.
    pub hash: String,
    /// For whom it is. Cores before 4.0 did not say.
    pub email: Option<String>,
    /// When its time is over, in ms.
    pub expires_at: Millis,
}

impl Tx<'_> {
    /// Gives a user of this recipe, found by the internal id, another password. Says whether there is one.
    pub async fn set_password(&mut self, app: &AppId, user_id: &str, hash: &Secret<String>) -> Result<bool> {
        Ok(self.exec(S::SetPassword, &args![app, user_id, hash.expose()]).await? > 0)
    }

    /// The same with the commit, for one who is known to be there; nothing is done for others.
    pub async fn keep_password(&mut self, app: &AppId, user_id: &str, hash: &Secret<String>) -> Result<()> {
        self.with_commit(S::SetPassword, args![app, user_id, hash.expose()].into()).await
    }

    /// The same at once, found by the internal or the external id.
    pub async fn set_password_of(&mut self, app: &AppId, id: &str, hash: &Secret<String>) -> Result<bool> {
        Ok(self.exec(S::SetPasswordOf, &args![app, id, as_internal(id), hash.expose()]).await? > 0)
    }

    /// Stores a token for a user of any recipe, found by the internal or the external id. Says whether there is one.
    pub async fn insert_reset_token(&mut self, app: &AppId, id: &str, token: &NewResetToken) -> Result<bool> {
        let params = args![app, id, as_internal(id), &token.hash, token.email.as_ref(), token.expires_at];
        Ok(self.exec(S::InsertToken, &params).await? > 0)
    }

    /// When a token's time is over, if there is one.
    pub async fn reset_token_expiry(&mut self, app: &AppId, hash: &str) -> Result<Option<Millis>> {
        self.opt(S::PeekToken, &args![app, hash], |row| row.int(0)).await
    }

    /// Takes a token, and all others of its user with it. Of those who ask at once, for it or for one of the others, one is given it.
    pub async fn take_reset_token(&mut self, app: &AppId, hash: &str) -> Result<Option<Taken>> {
        let taken = self
            .all(S::TakeTokens, &args![app, hash], |row| {
                let taken = Taken {
                    user_id: row.text(1)?,
                    external_id: row.opt_text(4)?,
                    email: row.opt_text(2)?,
                    expires_at: row.int(3)?,
                };
                Ok((row.text(0)?, taken))
            })
            .await?;
        Ok(taken.into_iter().find(|(token, _)| token == hash).map(|(_, taken)| taken))
    }

    /// How many passwords of each app are kept by Firebase's hashes, which need a key to be checked. Reads the whole table.
    pub async fn hashes_of_firebase(&mut self) -> Result<Vec<(AppId, i64)>> {
        self.all(S::HashesOfFirebase, &args![OF_FIREBASE], |row| Ok((AppId::normalise(&row.text(0)?), row.int(1)?))).await
    }

    /// How many passwords are kept by hashes that nothing is known of. Reads the whole table.
    pub async fn unknown_hashes(&mut self) -> Result<i64> {
        Ok(self.opt(S::UnknownHashes, &args![OF_BCRYPT, OF_ARGON2, OF_FIREBASE], |row| row.int(0)).await?.unwrap_or_default())
    }

    /// Deletes at most so many tokens whose time was over before now. Says how many there were.
    pub async fn delete_expired_reset_tokens(&mut self, now: Millis, at_most: u32) -> Result<u64> {
        self.exec(S::DeleteExpired, &args![now, i64::from(at_most)]).await
    }
}

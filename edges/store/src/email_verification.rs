//! Whose address has been verified, and the tokens for it: tables `emailverification_verified_emails` and `emailverification_tokens`
//! (core-users.md 4). A user is any text.

use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Tx, args, statements};

/// A token as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct VerificationTokenRow {
    /// Whose.
    pub user_id: String,
    /// For which address.
    pub email: String,
    /// Hash of the token.
    pub token_hash: String,
    /// The last ms in which it is good.
    pub expires_at: Millis,
}

/// Shows no hash.
impl std::fmt::Debug for VerificationTokenRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerificationTokenRow").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

statements! { "emailverification_tokens", S {
    CreateToken = "INSERT INTO {emailverification_tokens} (app_id, tenant_id, user_id, email, token, token_expiry)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT)
             WHERE NOT EXISTS (SELECT 1 FROM {emailverification_verified_emails}
                 WHERE app_id = CAST($1 AS TEXT) AND user_id = CAST($3 AS TEXT) AND email = CAST($4 AS TEXT))",
    // All tokens for the same address go with this one.
    Consume = "DELETE FROM {emailverification_tokens} WHERE app_id = $1 AND tenant_id = $2 AND (user_id, email) =
             (SELECT t.user_id, t.email FROM {emailverification_tokens} t WHERE t.app_id = $1 AND t.tenant_id = $2 AND t.token = $3)
             RETURNING user_id, email, token, token_expiry",
    DeleteTokens = "DELETE FROM {emailverification_tokens} WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3 AND email = $4",
    DeleteExpired = "DELETE FROM {emailverification_tokens} WHERE token IN
             (SELECT token FROM {emailverification_tokens} WHERE token_expiry < $1 LIMIT $2)",
    IsVerified = "SELECT EXISTS (SELECT 1 FROM {emailverification_verified_emails}
             WHERE app_id = $1 AND user_id = $2 AND email = $3)",
    Verify = "INSERT INTO {emailverification_verified_emails} (app_id, user_id, email) VALUES ($1, $2, $3)
             ON CONFLICT (app_id, user_id, email) DO NOTHING",
    VerifyUsers = "INSERT INTO {emailverification_verified_emails} (app_id, user_id, email)
             SELECT a.app_id, CAST($3 AS TEXT), CAST($4 AS TEXT) FROM {app_id_to_user_id} a
             WHERE a.app_id = $1 AND a.user_id = CAST(CAST($2 AS TEXT) AS BPCHAR) {share}
             ON CONFLICT (app_id, user_id, email) DO NOTHING",
    Unverify = "DELETE FROM {emailverification_verified_emails} WHERE app_id = $1 AND user_id = $2 AND email = $3",
} }

impl Tx<'_> {
    /// Stores a token for an address that is not verified. False if it is. `MissingParent` if the tenant does not exist.
    pub async fn create_verification_token(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        new: &VerificationTokenRow,
    ) -> Result<bool> {
        let params = args![app, tenant, &new.user_id, &new.email, &new.token_hash, new.expires_at];
        Ok(self.exec(S::CreateToken, &params).await? > 0)
    }

    /// Removes a token of a tenant, and with it all that it has for the same user and address; gives it back, expired or not.
    pub async fn consume_verification_token(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        token_hash: &str,
    ) -> Result<Option<VerificationTokenRow>> {
        let params = args![app, tenant, token_hash];
        let consumed = self.all(S::Consume, &params, |row| {
            Ok(VerificationTokenRow {
                user_id: row.text(0)?,
                email: row.text(1)?,
                token_hash: row.text(2)?,
                expires_at: row.int(3)?,
            })
        });
        Ok(consumed.await?.into_iter().find(|row| row.token_hash == token_hash))
    }

    /// Removes a tenant's tokens for a user and an address.
    pub async fn delete_verification_tokens(&mut self, app: &AppId, tenant: &TenantId, user_id: &str, email: &str) -> Result<()> {
        self.with_commit(S::DeleteTokens, args![app, tenant, user_id, email].into()).await
    }

    /// Removes expired tokens of all apps and tenants, so many at most, and says how many there were.
    pub async fn delete_expired_verification_tokens(&mut self, now: Millis, most: u32) -> Result<u64> {
        self.exec(S::DeleteExpired, &args![now, i64::from(most)]).await
    }

    /// Is this user's address verified?
    pub async fn is_email_verified(&mut self, app: &AppId, user_id: &str, email: &str) -> Result<bool> {
        Ok(self.opt(S::IsVerified, &args![app, user_id, email], |row| row.flag(0)).await?.unwrap_or_default())
    }

    /// Marks a user's address as verified, with the commit, if it is not. `MissingParent` if the app does not exist.
    pub async fn verify_email(&mut self, app: &AppId, user_id: &str, email: &str) -> Result<()> {
        self.with_commit(S::Verify, args![app, user_id, email].into()).await
    }

    /// The same at once for the address of a login method, by its internal id and the one under which it is shown, if it is still there:
    /// the mark of one who is being deleted would be another's who comes to be shown under the id.
    pub async fn verify_email_of(&mut self, app: &AppId, internal_id: &str, shown_id: &str, email: &str) -> Result<()> {
        self.exec(S::VerifyUsers, &args![app, internal_id, shown_id, email]).await.map(drop)
    }

    /// Takes the mark away, with the commit, if there is one.
    pub async fn unverify_email(&mut self, app: &AppId, user_id: &str, email: &str) -> Result<()> {
        self.with_commit(S::Unverify, args![app, user_id, email].into()).await
    }
}

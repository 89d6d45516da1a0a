//! Passkeys: tables `webauthn_generated_options`, `webauthn_credentials` and `webauthn_account_recovery_tokens` (core-recipes-2.md 2.1).
//! Making users, and their addresses, is the accounts' affair.

use supertokens_domain::accounts::as_internal;
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::time::Millis;

use crate::machinery::{Result, Row, Tx, args, statements};

/// What a ceremony has to be like, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsRow {
    /// A UUID.
    pub id: String,
    /// Base64url of 32 bytes.
    pub challenge: String,
    /// Who signs up; none where somebody signs in.
    pub email: Option<String>,
    /// Whom the passkey is for.
    pub rp_id: String,
    /// What that one is called.
    pub rp_name: String,
    /// Where the page is.
    pub origin: String,
    /// Until then they hold, in ms.
    pub expires_at: Millis,
    /// When they were made, in ms.
    pub created_at: Millis,
    /// Whether somebody has to be there.
    pub user_presence: bool,
    /// `required`, `preferred` or `discouraged`.
    pub user_verification: String,
    /// The algorithms that a new key may have. Nobody has said so where a Java core made them, or somebody signs in.
    pub algorithms: Option<Vec<i64>>,
}

/// A passkey, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// Base64url.
    pub id: String,
    /// Whom it is for.
    pub rp_id: String,
    /// How often it was used, as far as it counts.
    pub counter: i64,
    /// The attested credential data: AAGUID, length, id, COSE key.
    pub public_key: Vec<u8>,
    /// How it is reached: a JSON text.
    pub transports: String,
    /// When it was added, in ms.
    pub created_at: Millis,
    /// When somebody signed in by it last, in ms.
    pub updated_at: Millis,
}

/// A token for whoever has lost all passkeys, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecoveryToken {
    /// Of its text.
    pub hash: String,
    /// Where it is sent.
    pub email: String,
    /// Until then it counts, in ms.
    pub expires_at: Millis,
}

/// A token that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenRecoveryToken {
    /// For whom it was, by internal id.
    pub user_id: String,
    /// The id that is shown instead.
    pub external_id: Option<String>,
    /// Where it was sent.
    pub email: String,
}

/// The internal id of whoever is meant by an id of either kind, as in `emailpassword.rs`: `$2` is the id, `$3` the same if it may be an
/// internal one.
macro_rules! meant {
    () => {
        "COALESCE((SELECT m.supertokens_user_id FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.supertokens_user_id = CAST(CAST($3 AS TEXT) AS BPCHAR)),
             (SELECT m.supertokens_user_id FROM {userid_mapping} m WHERE m.app_id = $1 AND m.external_user_id = CAST($2 AS TEXT)),
             CAST(CAST($3 AS TEXT) AS BPCHAR))"
    };
}

/// The columns of options, in the order of [`read_options`].
macro_rules! options {
    () => {
        "CAST(o.id AS TEXT), o.challenge, o.email, o.rp_id, o.rp_name, o.origin, o.expires_at, o.created_at,
                 o.user_presence_required, o.user_verification"
    };
}

/// What identifies options, as `$3` of an app and a tenant.
macro_rules! by_id {
    ($table:literal) => {
        concat!($table, ".app_id = $1 AND ", $table, ".tenant_id = $2 AND ", $table, ".id = CAST(CAST($3 AS TEXT) AS BPCHAR)")
    };
}

statements! { "webauthn_credentials", S {
    InsertOptions = "INSERT INTO {webauthn_generated_options} (app_id, tenant_id, id, challenge, email, rp_id, rp_name, origin,
             expires_at, created_at, user_presence_required, user_verification)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    InsertAlgorithms = "INSERT INTO {st_rs_webauthn_algorithms} (app_id, tenant_id, options_id, algorithms) VALUES ($1, $2, $3, $4)",
    Options = concat!("SELECT ", options!(), ", a.algorithms FROM {webauthn_generated_options} o
             LEFT JOIN {st_rs_webauthn_algorithms} a ON a.app_id = o.app_id AND a.tenant_id = o.tenant_id AND a.options_id = o.id
             WHERE ", by_id!("o")),
    DeleteOptions = concat!("DELETE FROM {webauthn_generated_options} AS o WHERE ", by_id!("o")),
    DeleteExpiredOptions = "DELETE FROM {webauthn_generated_options} WHERE app_id = $1 AND tenant_id = $2 AND id IN
             (SELECT o.id FROM {webauthn_generated_options} o
                 WHERE o.app_id = $1 AND o.tenant_id = $2 AND o.expires_at < $3 ORDER BY o.expires_at LIMIT $4)",
    // Both: of many who bring one assertion, the next finds the options gone, or the counter moved.
    LockForSignIn = concat!("SELECT c.counter FROM {webauthn_generated_options} o
             JOIN {webauthn_credentials} c ON c.app_id = o.app_id AND c.rp_id = o.rp_id WHERE ", by_id!("o"), " AND c.id = $4 {lock}"),
    SetCounter = "UPDATE {webauthn_credentials} SET counter = $4, updated_at = $5 WHERE app_id = $1 AND rp_id = $2 AND id = $3",
    InsertCredential = "INSERT INTO {webauthn_credentials} (app_id, rp_id, id, user_id, counter, public_key, transports, created_at,
             updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    HasCredential = "SELECT 1 = 1 FROM {webauthn_credentials} WHERE app_id = $1 AND rp_id = $2 AND id = $3",
    CredentialsOf = concat!("SELECT c.id, c.rp_id, c.created_at, c.updated_at FROM {webauthn_credentials} c
             WHERE c.app_id = $1 AND c.user_id = ", meant!()),
    DeleteCredential = concat!("DELETE FROM {webauthn_credentials} WHERE app_id = $1 AND id = $4 AND user_id = ", meant!()),
    InsertToken = concat!("INSERT INTO {webauthn_account_recovery_tokens} (app_id, tenant_id, user_id, email, token, expires_at)
             SELECT a.app_id, CAST($4 AS TEXT), a.user_id, CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS BIGINT)
             FROM {app_id_to_user_id} a WHERE a.app_id = $1 AND a.user_id = ", meant!()),
    Token = "SELECT CAST(user_id AS TEXT) FROM {webauthn_account_recovery_tokens}
             WHERE app_id = $1 AND tenant_id = $2 AND token = $3 AND expires_at >= $4",
    TakeTokens = "DELETE FROM {webauthn_account_recovery_tokens} WHERE app_id = $1 AND tenant_id = $2 AND (user_id, email) IN
             (SELECT t.user_id, t.email FROM {webauthn_account_recovery_tokens} t
                 WHERE t.app_id = $1 AND t.tenant_id = $2 AND t.token = $3 AND t.expires_at >= $4)
             RETURNING token, CAST(user_id AS TEXT), email,
             (SELECT m.external_user_id FROM {userid_mapping} m WHERE m.app_id = $1 AND m.supertokens_user_id = user_id)",
    DeleteExpiredTokens = "DELETE FROM {webauthn_account_recovery_tokens} WHERE (app_id, tenant_id, user_id, token) IN
             (SELECT app_id, tenant_id, user_id, token FROM {webauthn_account_recovery_tokens} WHERE expires_at < $1 LIMIT $2)",
} }

impl Tx<'_> {
    /// Stores options, with the commit. `Duplicate` if there are some of that id, `MissingParent` if the tenant does not exist.
    pub async fn insert_webauthn_options(&mut self, app: &AppId, tenant: &TenantId, options: &OptionsRow) -> Result<()> {
        let OptionsRow { id, challenge, email, rp_id, rp_name, origin, expires_at, created_at, .. } = options;
        let params = args![
            app,
            tenant,
            id,
            challenge,
            email.as_deref(),
            rp_id,
            rp_name,
            origin,
            *expires_at,
            *created_at,
            options.user_presence,
            &options.user_verification
        ];
        self.with_commit(S::InsertOptions, params.into()).await?;
        let Some(algorithms) = &options.algorithms else { return Ok(()) };
        let listed = algorithms.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
        self.with_commit(S::InsertAlgorithms, args![app, tenant, id, &listed].into()).await
    }

    /// Options, whether they still hold or not.
    pub async fn webauthn_options(&mut self, app: &AppId, tenant: &TenantId, id: &str) -> Result<Option<OptionsRow>> {
        self.opt(S::Options, &args![app, tenant, as_internal(id)], |row| {
            let listed = row.opt_text(10)?;
            let numbers = |text: String| text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>();
            let algorithms = listed.map(numbers).transpose().map_err(|_| row.corrupt(10))?;
            Ok(OptionsRow { algorithms, ..read_options(row, 0)? })
        })
        .await
    }

    /// Removes options. Says whether there were any.
    pub async fn delete_webauthn_options(&mut self, app: &AppId, tenant: &TenantId, id: &str) -> Result<bool> {
        Ok(self.exec(S::DeleteOptions, &args![app, tenant, as_internal(id)]).await? > 0)
    }

    /// Removes at most so many options of a tenant that held until before now. Says how many there were.
    pub async fn delete_expired_webauthn_options(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        now: Millis,
        most: u32,
    ) -> Result<u64> {
        self.exec(S::DeleteExpiredOptions, &args![app, tenant, now, i64::from(most)]).await
    }

    /// Locks options and a passkey of their relying party, and says how often the passkey was used. Nothing, if one of them is gone.
    pub async fn lock_for_sign_in(&mut self, app: &AppId, tenant: &TenantId, options_id: &str, id: &str) -> Result<Option<i64>> {
        self.opt(S::LockForSignIn, &args![app, tenant, as_internal(options_id), id], |row| row.int(0)).await
    }

    /// Notes that somebody signed in by a passkey, with the commit; `used_up` are options that are of no use any more. Whoever calls
    /// holds the locks of both.
    pub async fn note_sign_in_by_passkey(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        [rp_id, id]: [&str; 2],
        (counter, now): (u32, Millis),
        used_up: Option<&str>,
    ) -> Result<()> {
        if let Some(options_id) = used_up {
            self.with_commit(S::DeleteOptions, args![app, tenant, as_internal(options_id)].into()).await?;
        }
        self.with_commit(S::SetCounter, args![app, rp_id, id, i64::from(counter), now].into()).await
    }

    /// Stores a passkey of a user of this recipe, by internal id, with the commit. `Duplicate` if it is there, of whichever user,
    /// `MissingParent` if the user is not.
    pub async fn insert_credential(&mut self, app: &AppId, user_id: &str, credential: &CredentialRow) -> Result<()> {
        let CredentialRow { id, rp_id, counter, public_key, transports, created_at, updated_at } = credential;
        let key = public_key.as_slice();
        let params = args![app, rp_id, id, user_id, *counter, key, transports, *created_at, *updated_at];
        self.with_commit(S::InsertCredential, params.into()).await
    }

    /// Is there such a passkey, of whichever user?
    pub async fn has_credential(&mut self, app: &AppId, rp_id: &str, id: &str) -> Result<bool> {
        Ok(self.opt(S::HasCredential, &args![app, rp_id, id], |row| row.flag(0)).await?.unwrap_or_default())
    }

    /// The passkeys of a user, found by the internal or the external id, without their keys: oldest first, then by id.
    pub async fn credentials_of(&mut self, app: &AppId, user_id: &str) -> Result<Vec<CredentialRow>> {
        let mut found = self
            .all(S::CredentialsOf, &args![app, user_id, as_internal(user_id)], |row| {
                Ok(CredentialRow {
                    id: row.text(0)?,
                    rp_id: row.text(1)?,
                    counter: 0,
                    public_key: Vec::new(),
                    transports: String::new(),
                    created_at: row.int(2)?,
                    updated_at: row.int(3)?,
                })
            })
            .await?;
        found.sort_by(|a, b| (a.created_at, &a.id, &a.rp_id).cmp(&(b.created_at, &b.id, &b.rp_id)));
        Ok(found)
    }

    /// Removes a passkey of a user, found by the internal or the external id. Says whether there was one.
    pub async fn delete_credential(&mut self, app: &AppId, user_id: &str, id: &str) -> Result<bool> {
        Ok(self.exec(S::DeleteCredential, &args![app, user_id, as_internal(user_id), id]).await? > 0)
    }

    /// Stores a token for a user of any recipe, found by the internal or the external id. Says whether there is one.
    pub async fn insert_recovery_token(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        user_id: &str,
        token: &NewRecoveryToken,
    ) -> Result<bool> {
        let NewRecoveryToken { hash, email, expires_at } = token;
        let params = args![app, user_id, as_internal(user_id), tenant, email, hash, *expires_at];
        Ok(self.exec(S::InsertToken, &params).await? > 0)
    }

    /// For whom, by internal id, a token is that counts now.
    pub async fn recovery_token(&mut self, app: &AppId, tenant: &TenantId, hash: &str, now: Millis) -> Result<Option<String>> {
        self.opt(S::Token, &args![app, tenant, hash, now], |row| row.text(0)).await
    }

    /// Takes a token that counts now, and all others of its user and address with it. Of those who ask at once one is given it.
    pub async fn take_recovery_token(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        hash: &str,
        now: Millis,
    ) -> Result<Option<TakenRecoveryToken>> {
        let taken = self
            .all(S::TakeTokens, &args![app, tenant, hash, now], |row| {
                Ok((
                    row.text(0)?,
                    TakenRecoveryToken { user_id: row.text(1)?, email: row.text(2)?, external_id: row.opt_text(3)? },
                ))
            })
            .await?;
        Ok(taken.into_iter().find(|(token, _)| token == hash).map(|(_, taken)| taken))
    }

    /// Removes at most so many tokens that counted until before now. Says how many there were.
    pub async fn delete_expired_recovery_tokens(&mut self, now: Millis, most: u32) -> Result<u64> {
        self.exec(S::DeleteExpiredTokens, &args![now, i64::from(most)]).await
    }
}

/// Options from column `from` on, without the algorithms.
pub(crate) fn read_options(row: &Row<'_>, from: usize) -> Result<OptionsRow> {
    Ok(OptionsRow {
        id: row.text(from)?,
        challenge: row.text(from + 1)?,
        email: row.opt_text(from + 2)?,
        rp_id: row.text(from + 3)?,
        rp_name: row.text(from + 4)?,
        origin: row.text(from + 5)?,
        expires_at: row.int(from + 6)?,
        created_at: row.int(from + 7)?,
        user_presence: row.flag(from + 8)?,
        user_verification: row.text(from + 9)?,
        algorithms: None,
    })
}

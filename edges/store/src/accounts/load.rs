//! Users as they are shown: all login methods of a group by one statement, wherever the search begins (core-users.md 10).
//!
//! The search comes first in each text, and its result is joined to the rest: the other way round whole tables are read.

use supertokens_domain::accounts::{AccountInfo, AccountRow, AuthRecipe, Group, InfoKind, as_internal, groups};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::secret::Secret;

use crate::machinery::{Dialect, Result, Row, Tx, Val, args, pair, statements};
use crate::webauthn::{OptionsRow, read_options};

/// A user, and which of its login methods was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUser {
    /// The user.
    pub group: Group,
    /// The internal id that the one asked for means: of a login method, or of one that has gone and lent the group its id.
    pub meant_id: String,
}

/// A user that may log in this way.
#[derive(Debug, Clone)]
pub struct FoundLogin {
    /// The user.
    pub group: Group,
    /// The login method.
    pub recipe_user_id: String,
    /// `emailpassword_users.password_hash`.
    pub password_hash: Option<Secret<String>>,
}

/// A passkey, whose it is, and the options that it was looked for by.
#[derive(Debug, Clone)]
pub struct FoundPasskey {
    /// Whose; the login method is that of the passkey.
    pub user: FoundUser,
    /// The attested credential data.
    pub public_key: Vec<u8>,
    /// How often it was used, as far as it counts.
    pub counter: i64,
    /// The options.
    pub options: OptionsRow,
}

/// What a row has: the columns of `AccountRow`, the user id that the search found, and its password hash. Ids of passkeys are one text: a
/// row for each of them would be one for each in each tenant.
macro_rules! load {
    ($found:literal, $search:expr, $tenants:literal) => {
        concat!(
            "SELECT CAST(a.user_id AS TEXT), CAST(a.primary_or_recipe_user_id AS TEXT), a.is_linked_or_is_a_primary_user, a.recipe_id,
                 COALESCE(ep.time_joined, tp.time_joined, pl.time_joined, wa.time_joined),
                 COALESCE(ep.email, tp.email, pl.email, wa.email), pl.phone_number, tp.third_party_id, tp.third_party_user_id,
                 m.external_user_id, pm.external_user_id, t.tenant_id, v.email IS NOT NULL,
                 (SELECT STRING_AGG(c.id, '\n') FROM {webauthn_credentials} c WHERE c.app_id = wa.app_id AND c.user_id = wa.user_id), ",
            $found,
            " FROM (",
            $search,
            ") g
             JOIN {app_id_to_user_id} a ON a.app_id = g.app_id AND a.primary_or_recipe_user_id = g.group_id
             LEFT JOIN {emailpassword_users} ep ON ep.app_id = a.app_id AND ep.user_id = a.user_id
             LEFT JOIN {thirdparty_users} tp ON tp.app_id = a.app_id AND tp.user_id = a.user_id
             LEFT JOIN {passwordless_users} pl ON pl.app_id = a.app_id AND pl.user_id = a.user_id
             LEFT JOIN {webauthn_users} wa ON wa.app_id = a.app_id AND wa.user_id = a.user_id
             LEFT JOIN {userid_mapping} m ON m.app_id = a.app_id AND m.supertokens_user_id = a.user_id
             LEFT JOIN {userid_mapping} pm ON pm.app_id = a.app_id AND pm.supertokens_user_id = a.primary_or_recipe_user_id
             LEFT JOIN ",
            $tenants,
            " = a.user_id
             LEFT JOIN {emailverification_verified_emails} v ON v.app_id = a.app_id
                 AND v.user_id = COALESCE(m.external_user_id, CAST(a.user_id AS TEXT))
                 AND v.email = COALESCE(ep.email, tp.email, pl.email, wa.email)"
        )
    };
}

/// By what the tables of the mode say about tenants.
macro_rules! load_old {
    ($found:literal, $search:expr) => {
        load!($found, $search, "{all_auth_recipe_users} t ON t.app_id = a.app_id AND t.user_id")
    };
}
macro_rules! load_new {
    ($found:literal, $search:expr) => {
        load!($found, $search, "{recipe_user_tenants} t ON t.app_id = a.app_id AND t.recipe_user_id")
    };
}

/// One user id; `$2` is the id where it can be an internal one.
macro_rules! by_id {
    () => {
        "SELECT s.app_id, s.primary_or_recipe_user_id AS group_id, s.user_id AS found FROM {app_id_to_user_id} s
             WHERE s.app_id = $1 AND s.user_id = COALESCE(
                 (SELECT o.supertokens_user_id FROM {userid_mapping} o
                     WHERE o.app_id = $1 AND o.supertokens_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)),
                 (SELECT o.supertokens_user_id FROM {userid_mapping} o
                     WHERE o.app_id = $1 AND o.external_user_id = CAST($3 AS TEXT)),
                 CAST(CAST($2 AS TEXT) AS BPCHAR))"
    };
}

/// What the groups of some users are found by: a condition on `s`, the rows of `app_id_to_user_id`.
macro_rules! groups_where {
    ($condition:expr) => {
        concat!(
            "SELECT DISTINCT s.app_id, s.primary_or_recipe_user_id AS group_id FROM {app_id_to_user_id} s WHERE s.app_id = $1 AND ",
            $condition
        )
    };
}

/// Who has an info in a tenant: `$2` the tenant, `$3` the kind, `$4` the value, `$5` and `$6` both halves of an account at a provider.
macro_rules! holders_old {
    () => {
        "s.user_id IN (
             SELECT k.user_id FROM {emailpassword_user_to_tenant} k
                 WHERE CAST($3 AS TEXT) = 'email' AND k.app_id = $1 AND k.tenant_id = $2 AND k.email = $4
             UNION ALL SELECT k.user_id FROM {passwordless_user_to_tenant} k
                 WHERE CAST($3 AS TEXT) = 'email' AND k.app_id = $1 AND k.tenant_id = $2 AND k.email = $4
             UNION ALL SELECT k.user_id FROM {webauthn_user_to_tenant} k
                 WHERE CAST($3 AS TEXT) = 'email' AND k.app_id = $1 AND k.tenant_id = $2 AND k.email = $4
             UNION ALL SELECT k.user_id FROM {thirdparty_users} u
                 JOIN {thirdparty_user_to_tenant} k ON k.app_id = u.app_id AND k.user_id = u.user_id
                 WHERE CAST($3 AS TEXT) = 'email' AND u.app_id = $1 AND u.email = $4 AND k.tenant_id = $2
             UNION ALL SELECT k.user_id FROM {passwordless_user_to_tenant} k
                 WHERE CAST($3 AS TEXT) = 'phone' AND k.app_id = $1 AND k.tenant_id = $2 AND k.phone_number = $4
             UNION ALL SELECT k.user_id FROM {thirdparty_user_to_tenant} k
                 WHERE CAST($3 AS TEXT) = 'tparty' AND k.app_id = $1 AND k.tenant_id = $2 AND k.third_party_id = $5
                     AND k.third_party_user_id = $6)"
    };
}

/// Who logs in by an info, in a tenant and by a recipe, which is `$7`.
macro_rules! login_old {
    () => {
        "SELECT s.app_id, s.primary_or_recipe_user_id AS group_id, s.user_id AS found FROM (
             SELECT k.app_id, k.user_id FROM {emailpassword_user_to_tenant} k
                 WHERE CAST($7 AS TEXT) = 'emailpassword' AND k.app_id = $1 AND k.tenant_id = $2 AND k.email = $4
             UNION ALL SELECT k.app_id, k.user_id FROM {webauthn_user_to_tenant} k
                 WHERE CAST($7 AS TEXT) = 'webauthn' AND k.app_id = $1 AND k.tenant_id = $2 AND k.email = $4
             UNION ALL SELECT k.app_id, k.user_id FROM {passwordless_user_to_tenant} k
                 WHERE CAST($7 AS TEXT) = 'passwordless' AND CAST($3 AS TEXT) = 'email' AND k.app_id = $1 AND k.tenant_id = $2
                     AND k.email = $4
             UNION ALL SELECT k.app_id, k.user_id FROM {passwordless_user_to_tenant} k
                 WHERE CAST($7 AS TEXT) = 'passwordless' AND CAST($3 AS TEXT) = 'phone' AND k.app_id = $1 AND k.tenant_id = $2
                     AND k.phone_number = $4
             UNION ALL SELECT k.app_id, k.user_id FROM {thirdparty_user_to_tenant} k
                 WHERE CAST($7 AS TEXT) = 'thirdparty' AND k.app_id = $1 AND k.tenant_id = $2 AND k.third_party_id = $5
                     AND k.third_party_user_id = $6) h
         JOIN {app_id_to_user_id} s ON s.app_id = h.app_id AND s.user_id = h.user_id"
    };
}
macro_rules! login_new {
    () => {
        "SELECT s.app_id, s.primary_or_recipe_user_id AS group_id, s.user_id AS found FROM {recipe_user_tenants} k
         JOIN {app_id_to_user_id} s ON s.app_id = k.app_id AND s.user_id = k.recipe_user_id
         WHERE k.app_id = $1 AND k.tenant_id = $2 AND k.account_info_type = $3 AND k.account_info_value = $4 AND k.recipe_id = $5"
    };
}

/// Who has the passkey `$4` of the relying party of the options `$3`, which come along.
macro_rules! passkey {
    () => {
        "SELECT s.app_id, s.primary_or_recipe_user_id AS group_id, s.user_id AS found, c.counter, c.public_key, o.id, o.challenge, o.email,
             o.rp_id, o.rp_name, o.origin, o.expires_at, o.created_at, o.user_presence_required, o.user_verification
         FROM {webauthn_generated_options} o
         JOIN {webauthn_credentials} c ON c.app_id = o.app_id AND c.rp_id = o.rp_id
         JOIN {app_id_to_user_id} s ON s.app_id = c.app_id AND s.user_id = c.user_id
         WHERE o.app_id = $1 AND o.tenant_id = $2 AND o.id = CAST(CAST($3 AS TEXT) AS BPCHAR) AND c.id = $4"
    };
}

/// Who has a passkey of this id, whoever it is for.
macro_rules! passkey_id {
    () => {
        "s.user_id IN (SELECT c.user_id FROM {webauthn_credentials} c WHERE c.app_id = $1 AND c.id = $2)"
    };
}

/// The groups of `$2` and of whoever has one of some infos, in whichever tenants: what a change has to look at. `$more` may name others.
macro_rules! around_old {
    ($more:expr) => {
        concat!(
            "s.user_id IN (SELECT x.user_id FROM {app_id_to_user_id} x WHERE x.app_id = $1 AND x.user_id {ids $2}
                 UNION ALL SELECT u.user_id FROM {emailpassword_users} u WHERE u.app_id = $1 AND u.email {in $3}
                 UNION ALL SELECT u.user_id FROM {passwordless_users} u WHERE u.app_id = $1 AND u.email {in $3}
                 UNION ALL SELECT u.user_id FROM {thirdparty_users} u WHERE u.app_id = $1 AND u.email {in $3}
                 UNION ALL SELECT u.user_id FROM {webauthn_users} u WHERE u.app_id = $1 AND u.email {in $3}
                 UNION ALL SELECT u.user_id FROM {passwordless_users} u WHERE u.app_id = $1 AND u.phone_number {in $4}
                 UNION ALL SELECT u.user_id FROM {thirdparty_users} u
                     WHERE u.app_id = $1 AND (u.third_party_id, u.third_party_user_id) IN {pairs $5}",
            $more,
            ")"
        )
    };
}
macro_rules! around_new {
    ($more:expr) => {
        concat!(
            "s.user_id IN (SELECT x.user_id FROM {app_id_to_user_id} x WHERE x.app_id = $1 AND x.user_id {ids $2}
             UNION ALL SELECT i.recipe_user_id FROM {recipe_user_account_infos} i
                 WHERE i.app_id = $1 AND (i.account_info_type, i.account_info_value) IN {pairs $3}",
            $more,
            ")"
        )
    };
}

/// All members of the groups that change: their rows are written together, so nobody may hold one of them and wait for another.
macro_rules! members {
    () => {
        " UNION ALL SELECT x.user_id FROM {app_id_to_user_id} x WHERE x.app_id = $1 AND x.primary_or_recipe_user_id {ids $2}"
    };
}

statements! { "app_id_to_user_id", S {
    ByIdOld = load_old!("CAST(g.found AS TEXT), NULL", by_id!()),
    ByIdNew = load_new!("CAST(g.found AS TEXT), NULL", by_id!()),
    ByIdsOld = load_old!("NULL, NULL", groups_where!("s.user_id {ids $2}")),
    ByIdsNew = load_new!("NULL, NULL", groups_where!("s.user_id {ids $2}")),
    ByInfoOld = load_old!("NULL, NULL", groups_where!(holders_old!())),
    ByInfoNew = load_new!("NULL, NULL", groups_where!("s.user_id IN (SELECT k.recipe_user_id FROM {recipe_user_tenants} k
             WHERE k.app_id = $1 AND k.tenant_id = $2 AND k.account_info_type = $3 AND k.account_info_value = $4)")),
    ByLoginOld = load_old!("CAST(g.found AS TEXT), CASE WHEN a.user_id = g.found THEN ep.password_hash END", login_old!()),
    ByLoginNew = load_new!("CAST(g.found AS TEXT), CASE WHEN a.user_id = g.found THEN ep.password_hash END", login_new!()),
    ByPasskeyOld = load_old!("CAST(g.found AS TEXT), NULL, g.counter, g.public_key, CAST(g.id AS TEXT), g.challenge, g.email, g.rp_id, g.rp_name, g.origin,
                 g.expires_at, g.created_at, g.user_presence_required, g.user_verification", passkey!()),
    ByPasskeyNew = load_new!("CAST(g.found AS TEXT), NULL, g.counter, g.public_key, CAST(g.id AS TEXT), g.challenge, g.email, g.rp_id, g.rp_name, g.origin,
                 g.expires_at, g.created_at, g.user_presence_required, g.user_verification", passkey!()),
    ByPasskeyIdOld = load_old!("NULL, NULL", groups_where!(passkey_id!())),
    ByPasskeyIdNew = load_new!("NULL, NULL", groups_where!(passkey_id!())),
    AroundOld = load_old!("NULL, NULL", groups_where!(around_old!(""))),
    AroundNew = load_new!("NULL, NULL", groups_where!(around_new!(""))),
    LockOld = concat!("SELECT s.user_id FROM {app_id_to_user_id} s WHERE s.app_id = $1 AND ", around_old!(members!()), " ORDER BY s.user_id {lock}"),
    LockNew = concat!("SELECT s.user_id FROM {app_id_to_user_id} s WHERE s.app_id = $1 AND ", around_new!(members!()), " ORDER BY s.user_id {lock}"),
    LockInfos = "SELECT {locks $1}",
} }

/// A row, and what came with it.
struct Loaded {
    row: AccountRow,
    found: Option<String>,
    password_hash: Option<String>,
}

fn loaded(row: &Row<'_>) -> Result<Loaded> {
    Ok(Loaded {
        row: AccountRow {
            recipe_user_id: row.text(0)?,
            group_id: row.text(1)?,
            is_primary: row.flag(2)?,
            recipe_id: row.text(3)?,
            time_joined: row.opt_int(4)?,
            email: row.opt_text(5)?,
            phone: row.opt_text(6)?,
            third_party_id: row.opt_text(7)?,
            third_party_user_id: row.opt_text(8)?,
            external_id: row.opt_text(9)?,
            group_external_id: row.opt_text(10)?,
            tenant: row.opt_text(11)?.map(|id| TenantId::normalise(&id)),
            is_verified: row.flag(12)?,
            credential_ids: row.opt_text(13)?.map(|ids| ids.lines().map(str::to_owned).collect()).unwrap_or_default(),
        },
        found: row.opt_text(14)?,
        password_hash: row.opt_text(15)?,
    })
}

fn users(rows: Vec<Loaded>) -> Vec<Group> {
    groups(rows.into_iter().map(|loaded| loaded.row))
}

/// Both halves of an account at a provider, whose info has them joined. An id of a provider has no colon pair.
fn halves(info: &AccountInfo) -> (&str, &str) {
    match info.kind {
        InfoKind::ThirdParty => info.value.split_once("::").unwrap_or_default(),
        InfoKind::Email | InfoKind::Phone => ("", ""),
    }
}

impl Tx<'_> {
    /// The user of an id, internal or external, of any of its login methods or its own (core-linking.md 1.2).
    pub async fn user_by_id(&mut self, app: &AppId, id: &str) -> Result<Option<FoundUser>> {
        let statement = if self.mode().reads_old() { S::ByIdOld } else { S::ByIdNew };
        let rows = self.all(statement, &args![app, as_internal(id), id], loaded).await?;
        let meant_id = rows.iter().find_map(|row| row.found.clone());
        let group = users(rows).into_iter().next();
        Ok(group.zip(meant_id).map(|(group, meant_id)| FoundUser { group, meant_id }))
    }

    /// The users that these login methods belong to, oldest first. Internal ids only: what cannot be one is passed over.
    pub async fn users_by_internal_ids(&mut self, app: &AppId, ids: &[String]) -> Result<Vec<Group>> {
        let ids: Vec<String> = ids.iter().filter_map(|id| as_internal(id)).map(str::to_owned).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let statement = if self.mode().reads_old() { S::ByIdsOld } else { S::ByIdsNew };
        Ok(users(self.all(statement, &args![app, ids.as_slice()], loaded).await?))
    }

    /// The users with a login method in this tenant that has this info, whatever its recipe, oldest first.
    pub async fn users_by_info(&mut self, app: &AppId, tenant: &TenantId, info: &AccountInfo) -> Result<Vec<Group>> {
        let (kind, value) = (info.kind.as_str(), info.value.as_str());
        let rows = if self.mode().reads_old() {
            let (first, second) = halves(info);
            self.all(S::ByInfoOld, &args![app, tenant, kind, value, first, second], loaded).await?
        } else {
            self.all(S::ByInfoNew, &args![app, tenant, kind, value], loaded).await?
        };
        Ok(users(rows))
    }

    /// Who logs in at this tenant by this recipe and info: an e-mail address, a phone number, an account at a provider.
    pub async fn user_by_login(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        recipe: AuthRecipe,
        info: &AccountInfo,
    ) -> Result<Option<FoundLogin>> {
        let (kind, value, recipe) = (info.kind.as_str(), info.value.as_str(), recipe.as_str());
        let rows = if self.mode().reads_old() {
            let (first, second) = halves(info);
            self.all(S::ByLoginOld, &args![app, tenant, kind, value, first, second, recipe], loaded).await?
        } else {
            self.all(S::ByLoginNew, &args![app, tenant, kind, value, recipe], loaded).await?
        };
        let recipe_user_id = rows.iter().find_map(|row| row.found.clone());
        let password_hash = rows.iter().find_map(|row| row.password_hash.clone()).map(Secret::new);
        let group = users(rows).into_iter().next();
        Ok(group.zip(recipe_user_id).map(|(group, recipe_user_id)| FoundLogin { group, recipe_user_id, password_hash }))
    }

    /// Who has a passkey of this id, at whichever relying party, wherever they are: oldest first.
    pub async fn users_by_passkey_id(&mut self, app: &AppId, credential_id: &str) -> Result<Vec<Group>> {
        let statement = if self.mode().reads_old() { S::ByPasskeyIdOld } else { S::ByPasskeyIdNew };
        Ok(users(self.all(statement, &args![app, credential_id], loaded).await?))
    }

    /// Who has a passkey of the relying party that these options are for, and both; wherever they are.
    pub async fn user_by_passkey(
        &mut self,
        app: &AppId,
        tenant: &TenantId,
        options_id: &str,
        credential_id: &str,
    ) -> Result<Option<FoundPasskey>> {
        let statement = if self.mode().reads_old() { S::ByPasskeyOld } else { S::ByPasskeyNew };
        let rows = self
            .all(statement, &args![app, tenant, as_internal(options_id), credential_id], |row| {
                Ok((loaded(row)?, row.int(16)?, row.bytes(17)?, read_options(row, 18)?))
            })
            .await?;
        let Some((counter, public_key, options)) =
            rows.first().map(|(_, counter, key, options)| (*counter, key.clone(), options.clone()))
        else {
            return Ok(None);
        };
        let rows: Vec<Loaded> = rows.into_iter().map(|(loaded, ..)| loaded).collect();
        let meant_id = rows.iter().find_map(|row| row.found.clone());
        let group = users(rows).into_iter().next();
        Ok(group.zip(meant_id).map(|(group, meant_id)| FoundPasskey {
            user: FoundUser { group, meant_id },
            public_key,
            counter,
            options,
        }))
    }

    /// Before a change of users: locks these login methods, what a group is about to gain, and whoever has something of it now, then
    /// reads the users of all of them, oldest first. `ids` are internal, with those of the groups. Whoever finds that a group has changed
    /// since it was looked at begins anew: no info is locked behind a row (core-linking.md 2.8).
    ///
    /// A Java core beside locks users and no infos; the holders' locks keep it from making one of them primary meanwhile.
    pub async fn users_locked(&mut self, app: &AppId, ids: &[String], gains: &[AccountInfo]) -> Result<Vec<Group>> {
        self.lock_owners(app, ids, gains).await?;
        self.users_around(app, ids, gains).await
    }

    /// The locks alone.
    pub async fn lock_owners(&mut self, app: &AppId, ids: &[String], gains: &[AccountInfo]) -> Result<()> {
        if self.sql().dialect() == Dialect::Postgres {
            let mut keys: Vec<i64> = gains.iter().map(|info| info.lock_key(app)).collect();
            keys.sort_unstable();
            keys.dedup();
            if !keys.is_empty() {
                let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
                self.with_commit(S::LockInfos, args![keys.as_slice()].into()).await?;
            }
            let lists = self.lists(ids, gains);
            let lock = if self.mode().reads_old() { S::LockOld } else { S::LockNew };
            self.with_commit(lock, with_app(app, &lists)).await?;
        }
        Ok(())
    }

    /// The same without locks: for a question about what would be.
    pub async fn users_around(&mut self, app: &AppId, ids: &[String], gains: &[AccountInfo]) -> Result<Vec<Group>> {
        let lists = self.lists(ids, gains);
        let around = if self.mode().reads_old() { S::AroundOld } else { S::AroundNew };
        Ok(users(self.all(around, &with_app(app, &lists), loaded).await?))
    }

    /// The parameters behind the app.
    fn lists(&self, ids: &[String], gains: &[AccountInfo]) -> Vec<Vec<String>> {
        if !self.mode().reads_old() {
            let infos = gains.iter().map(|info| pair(info.kind.as_str(), &info.value)).collect();
            return vec![ids.to_vec(), infos];
        }
        let of = |kind| gains.iter().filter(move |info| info.kind == kind);
        let values = |kind| of(kind).map(|info| info.value.clone()).collect();
        let accounts = of(InfoKind::ThirdParty).map(halves).map(|(first, second)| pair(first, second)).collect();
        vec![ids.to_vec(), values(InfoKind::Email), values(InfoKind::Phone), accounts]
    }
}

fn with_app<'a>(app: &'a AppId, lists: &'a [Vec<String>]) -> Vec<Val<'a>> {
    std::iter::once(Val::from(app)).chain(lists.iter().map(|list| Val::from(list.as_slice()))).collect()
}

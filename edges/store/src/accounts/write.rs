//! What is written when accounts change: everything in every table that the migration mode knows, queued for one trip with the commit
//! (core-users.md 2.3).

use supertokens_domain::accounts::{AccountInfoRow, AuthRecipe, Changes, Group, InfoKind, Login, LoginMethod, Reservation};
use supertokens_domain::ids::{AppId, TenantId};

use crate::machinery::{Result, StoreError, Tx, args, statements};

statements! { "app_id_to_user_id", S {
    InsertUser = "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id,
             is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined) VALUES ($1, $2, $3, $2, FALSE, $4, $4)",
    InsertMember = "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id,
             is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    InsertOld = "INSERT INTO {all_auth_recipe_users} (app_id, tenant_id, user_id, primary_or_recipe_user_id,
             is_linked_or_is_a_primary_user, recipe_id, time_joined, primary_or_recipe_user_time_joined)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING",
    InsertInfo = "INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id, account_info_type,
             account_info_value, third_party_id, third_party_user_id, primary_user_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    InsertTenantInfo = "INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type,
             account_info_value, third_party_id, third_party_user_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    // What the group owns already is no conflict; what another owns is one.
    Reserve = "INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type, account_info_value, primary_user_id)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT)
             WHERE NOT EXISTS (SELECT 1 FROM {primary_user_tenants} p WHERE p.app_id = CAST($1 AS TEXT) AND p.tenant_id = CAST($2 AS TEXT)
                 AND p.account_info_type = CAST($3 AS TEXT) AND p.account_info_value = CAST($4 AS TEXT)
                 AND p.primary_user_id = CAST(CAST($5 AS TEXT) AS BPCHAR))",
    Release = "DELETE FROM {primary_user_tenants} WHERE app_id = $1 AND tenant_id = $2 AND account_info_type = $3
             AND account_info_value = $4 AND primary_user_id = CAST(CAST($5 AS TEXT) AS BPCHAR)",

    InsertPassword = "INSERT INTO {emailpassword_users} (app_id, user_id, email, password_hash, time_joined)
             VALUES ($1, $2, $3, $4, $5)",
    InsertPasswordless = "INSERT INTO {passwordless_users} (app_id, user_id, email, phone_number, time_joined)
             VALUES ($1, $2, $3, $4, $5)",
    InsertThirdParty = "INSERT INTO {thirdparty_users} (app_id, user_id, email, third_party_id, third_party_user_id, time_joined)
             VALUES ($1, $2, $3, $4, $5, $6)",
    InsertWebauthn = "INSERT INTO {webauthn_users} (app_id, user_id, email, rp_id, time_joined) VALUES ($1, $2, $3, $4, $5)",
    PasswordInTenant = "INSERT INTO {emailpassword_user_to_tenant} (app_id, tenant_id, user_id, email) VALUES ($1, $2, $3, $4)
             ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING",
    PasswordlessInTenant = "INSERT INTO {passwordless_user_to_tenant} (app_id, tenant_id, user_id, email, phone_number)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING",
    ThirdPartyInTenant = "INSERT INTO {thirdparty_user_to_tenant} (app_id, tenant_id, user_id, third_party_id, third_party_user_id)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING",
    WebauthnInTenant = "INSERT INTO {webauthn_user_to_tenant} (app_id, tenant_id, user_id, email) VALUES ($1, $2, $3, $4)
             ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING",

    SetPasswordEmail = "UPDATE {emailpassword_users} SET email = $3 WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    SetThirdPartyEmail = "UPDATE {thirdparty_users} SET email = $3 WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    SetWebauthnEmail = "UPDATE {webauthn_users} SET email = $3 WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    SetContacts = "UPDATE {passwordless_users} SET email = $3, phone_number = $4
             WHERE app_id = $1 AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    // By tenants, as the key has them before the user.
    SetPasswordEmailOld = "UPDATE {emailpassword_user_to_tenant} SET email = $3
             WHERE app_id = $1 AND tenant_id IN (SELECT o.tenant_id FROM {all_auth_recipe_users} o WHERE o.app_id = $1
                 AND o.user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)) AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    SetWebauthnEmailOld = "UPDATE {webauthn_user_to_tenant} SET email = $3
             WHERE app_id = $1 AND tenant_id IN (SELECT o.tenant_id FROM {all_auth_recipe_users} o WHERE o.app_id = $1
                 AND o.user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)) AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    SetContactsOld = "UPDATE {passwordless_user_to_tenant} SET email = $3, phone_number = $4
             WHERE app_id = $1 AND tenant_id IN (SELECT o.tenant_id FROM {all_auth_recipe_users} o WHERE o.app_id = $1
                 AND o.user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)) AND user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)",
    SetInfo = "UPDATE {recipe_user_account_infos} SET account_info_value = $4
             WHERE app_id = $1 AND recipe_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR) AND account_info_type = $3",
    SetTenantInfo = "UPDATE {recipe_user_tenants} SET account_info_value = $4
             WHERE app_id = $1 AND recipe_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR) AND account_info_type = $3",
    DeleteInfo = "DELETE FROM {recipe_user_account_infos}
             WHERE app_id = $1 AND recipe_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR) AND account_info_type = $3",
    DeleteTenantInfo = "DELETE FROM {recipe_user_tenants}
             WHERE app_id = $1 AND recipe_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR) AND account_info_type = $3",

    SetMembership = "UPDATE {app_id_to_user_id} SET primary_or_recipe_user_id = $3, is_linked_or_is_a_primary_user = $4
             WHERE app_id = $1 AND user_id {ids $2}",
    SetMembershipOld = "UPDATE {all_auth_recipe_users} SET primary_or_recipe_user_id = $3, is_linked_or_is_a_primary_user = $4
             WHERE app_id = $1 AND user_id {ids $2}",
    SetPrimary = "UPDATE {recipe_user_account_infos} SET primary_user_id = $3 WHERE app_id = $1 AND recipe_user_id {ids $2}",
    SetTime = "UPDATE {app_id_to_user_id} SET primary_or_recipe_user_time_joined = $3
             WHERE app_id = $1 AND primary_or_recipe_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)
             AND primary_or_recipe_user_time_joined <> $3",
    SetTimeOld = "UPDATE {all_auth_recipe_users} SET primary_or_recipe_user_time_joined = $3
             WHERE app_id = $1 AND primary_or_recipe_user_id = CAST(CAST($2 AS TEXT) AS BPCHAR)
             AND primary_or_recipe_user_time_joined <> $3",

    LeaveOld = "DELETE FROM {all_auth_recipe_users} WHERE app_id = $1 AND tenant_id = $2
             AND user_id = CAST(CAST($3 AS TEXT) AS BPCHAR)",
    LeaveNew = "DELETE FROM {recipe_user_tenants} WHERE app_id = $1 AND tenant_id = $2
             AND recipe_user_id = CAST(CAST($3 AS TEXT) AS BPCHAR)",

    DeletePasswords = "DELETE FROM {emailpassword_users} WHERE app_id = $1 AND user_id {ids $2}",
    DeletePasswordless = "DELETE FROM {passwordless_users} WHERE app_id = $1 AND user_id {ids $2}",
    DeleteThirdParties = "DELETE FROM {thirdparty_users} WHERE app_id = $1 AND user_id {ids $2}",
    DeleteWebauthn = "DELETE FROM {webauthn_users} WHERE app_id = $1 AND user_id {ids $2}",
    DeleteResetTokens = "DELETE FROM {emailpassword_pswd_reset_tokens} WHERE app_id = $1 AND user_id {ids $2}",
    DeleteRecoveryTokens = "DELETE FROM {webauthn_account_recovery_tokens} WHERE app_id = $1 AND user_id {ids $2}",
    DeleteOld = "DELETE FROM {all_auth_recipe_users} WHERE app_id = $1 AND user_id {ids $2}",
    DeleteInfos = "DELETE FROM {recipe_user_account_infos} WHERE app_id = $1 AND recipe_user_id {ids $2}",
    DeleteTenantInfos = "DELETE FROM {recipe_user_tenants} WHERE app_id = $1 AND recipe_user_id {ids $2}",
    DeleteUsers = "DELETE FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id {ids $2}",
} }

/// Which key of its recipe a login method has hurt in a tenant, if that is what the error says. `login` is what was being written.
pub fn taken_login(error: &StoreError, login: &Login) -> Option<InfoKind> {
    let StoreError::Duplicate(key) = error else { return None };
    let only = |login: &Login| match login {
        Login::ThirdParty { .. } => InfoKind::ThirdParty,
        Login::Passwordless { email: None, .. } => InfoKind::Phone,
        Login::EmailPassword { .. } | Login::Webauthn { .. } | Login::Passwordless { .. } => InfoKind::Email,
    };
    match key.table.as_str() {
        "passwordless_user_to_tenant" if key.constraint.contains("phone_number") => Some(InfoKind::Phone),
        "passwordless_user_to_tenant" => Some(InfoKind::Email),
        "emailpassword_user_to_tenant" | "thirdparty_user_to_tenant" | "webauthn_user_to_tenant" | "recipe_user_tenants" => {
            Some(only(login))
        }
        _ => None,
    }
}

impl Tx<'_> {
    /// Stores a new user with one login method, which is in one tenant. `kept` is the password hash, or the relying party of a passkey.
    /// `Duplicate` if its recipe's key is taken there ([`taken_login`] tells which), `MissingParent` if there is no such tenant; both
    /// may come with the commit.
    pub async fn insert_user(&mut self, app: &AppId, method: &LoginMethod, kept: Option<&str>) -> Result<()> {
        let (mode, id, recipe) = (self.mode(), method.recipe_user_id.as_str(), method.recipe().as_str());
        let time = if mode.writes_new() { method.time_joined } else { 0 };
        self.with_commit(S::InsertUser, args![app, id, recipe, time].into()).await?;
        self.insert_login(app, method, kept.unwrap_or_default()).await?;
        if mode.writes_new() {
            for row in method.login.info_rows() {
                self.insert_info(app, method, &row, None).await?;
            }
        }
        let alone = Group::alone(method.clone());
        for tenant in &method.tenants {
            self.insert_in_tenant(app, method, tenant, &alone).await?;
        }
        Ok(())
    }

    /// Stores a new user with all its login methods, each in all its tenants, and what it owns if it is a primary one. `hashes` are those of
    /// passwords, by the ids of the login methods. `Duplicate` and `MissingParent` as [`insert_user`](Self::insert_user).
    pub async fn insert_group(&mut self, app: &AppId, group: &Group, hashes: &[(&str, &str)]) -> Result<()> {
        let mode = self.mode();
        let (id, is_primary) = (group.id.as_str(), group.is_primary);
        let time = |time: i64| if mode.writes_new() { time } else { 0 };
        // The one that the others refer to comes first.
        let (first, rest): (Vec<_>, Vec<_>) = group.methods.iter().partition(|method| method.recipe_user_id == group.id);
        for method in first.into_iter().chain(rest) {
            let (own, recipe) = (method.recipe_user_id.as_str(), method.recipe().as_str());
            let times = (time(method.time_joined), time(group.time_joined()));
            self.with_commit(S::InsertMember, args![app, own, recipe, id, is_primary, times.0, times.1].into()).await?;
            let hash = hashes.iter().find(|(of, _)| *of == own).map(|(_, hash)| *hash);
            self.insert_login(app, method, hash.unwrap_or_default()).await?;
            if mode.writes_new() {
                for row in method.login.info_rows() {
                    self.insert_info(app, method, &row, is_primary.then_some(id)).await?;
                }
            }
            for tenant in &method.tenants {
                self.place_in_tenant(app, method, tenant, group).await?;
            }
        }
        if mode.writes_new() {
            for owned in group.reservations() {
                self.with_commit(S::Reserve, reservation(app, &owned).into()).await?;
            }
        }
        Ok(())
    }

    async fn insert_login(&mut self, app: &AppId, method: &LoginMethod, kept: &str) -> Result<()> {
        let (id, time) = (method.recipe_user_id.as_str(), method.time_joined);
        match &method.login {
            Login::EmailPassword { email } => self.with_commit(S::InsertPassword, args![app, id, email, kept, time].into()).await,
            Login::Webauthn { email, .. } => self.with_commit(S::InsertWebauthn, args![app, id, email, kept, time].into()).await,
            Login::Passwordless { email, phone } => {
                let params = args![app, id, email.as_deref(), phone.as_deref(), time];
                self.with_commit(S::InsertPasswordless, params.into()).await
            }
            Login::ThirdParty { third_party, email } => {
                let params = args![app, id, email, &third_party.id, &third_party.user_id, time];
                self.with_commit(S::InsertThirdParty, params.into()).await
            }
        }
    }

    async fn insert_info(
        &mut self,
        app: &AppId,
        method: &LoginMethod,
        row: &AccountInfoRow,
        primary: Option<&str>,
    ) -> Result<()> {
        let (id, recipe) = (method.recipe_user_id.as_str(), method.recipe().as_str());
        let (kind, value) = (row.info.kind.as_str(), row.info.value.as_str());
        let params = args![app, id, recipe, kind, value, &row.third_party_id, &row.third_party_user_id, primary];
        self.with_commit(S::InsertInfo, params.into()).await
    }

    /// Puts a login method into a tenant. `group` is its user, as it is then.
    pub async fn insert_in_tenant(&mut self, app: &AppId, method: &LoginMethod, tenant: &TenantId, group: &Group) -> Result<()> {
        // The Java core leaves a group the time of an oldest member that has gone; pages by time need one time for all rows of a group.
        if group.methods.len() > 1 {
            self.set_time(app, &group.id, group.time_joined()).await?;
        }
        self.place_in_tenant(app, method, tenant, group).await
    }

    async fn place_in_tenant(&mut self, app: &AppId, method: &LoginMethod, tenant: &TenantId, group: &Group) -> Result<()> {
        let (mode, id, recipe) = (self.mode(), method.recipe_user_id.as_str(), method.recipe().as_str());
        if mode.writes_old() {
            let times = (method.time_joined, group.time_joined());
            let params = args![app, tenant, id, &group.id, group.is_primary, recipe, times.0, times.1];
            self.with_commit(S::InsertOld, params.into()).await?;
            let (which, params) = match &method.login {
                Login::EmailPassword { email } => (S::PasswordInTenant, Vec::from(args![app, tenant, id, email])),
                Login::Webauthn { email, .. } => (S::WebauthnInTenant, args![app, tenant, id, email].into()),
                Login::Passwordless { email, phone } => {
                    (S::PasswordlessInTenant, args![app, tenant, id, email.as_deref(), phone.as_deref()].into())
                }
                Login::ThirdParty { third_party, .. } => {
                    (S::ThirdPartyInTenant, args![app, tenant, id, &third_party.id, &third_party.user_id].into())
                }
            };
            self.with_commit(which, params).await?;
        }
        if mode.writes_new() {
            for row in method.login.info_rows() {
                self.insert_tenant_info(app, method, tenant, &row).await?;
            }
        }
        Ok(())
    }

    async fn insert_tenant_info(
        &mut self,
        app: &AppId,
        method: &LoginMethod,
        tenant: &TenantId,
        row: &AccountInfoRow,
    ) -> Result<()> {
        let (id, recipe) = (method.recipe_user_id.as_str(), method.recipe().as_str());
        let (kind, value) = (row.info.kind.as_str(), row.info.value.as_str());
        let params = args![app, id, tenant, recipe, kind, value, &row.third_party_id, &row.third_party_user_id];
        self.with_commit(S::InsertTenantInfo, params.into()).await
    }

    /// Takes a login method out of a tenant.
    pub async fn delete_from_tenant(&mut self, app: &AppId, recipe_user_id: &str, tenant: &TenantId) -> Result<()> {
        if self.mode().writes_old() {
            self.with_commit(S::LeaveOld, args![app, tenant, recipe_user_id].into()).await?;
        }
        if self.mode().writes_new() {
            self.with_commit(S::LeaveNew, args![app, tenant, recipe_user_id].into()).await?;
        }
        Ok(())
    }

    /// Gives a login method another e-mail address or phone number. `Duplicate` if its recipe's key is taken in one of its tenants
    /// ([`taken_login`]). Where both change, the caller writes one after the other, to know which it was.
    pub async fn change_login(&mut self, app: &AppId, before: &LoginMethod, after: &LoginMethod, group: &Group) -> Result<()> {
        let (mode, id) = (self.mode(), after.recipe_user_id.as_str());
        let (set, old, params) = match &after.login {
            Login::EmailPassword { email } => {
                (S::SetPasswordEmail, Some(S::SetPasswordEmailOld), Vec::from(args![app, id, email]))
            }
            Login::Webauthn { email, .. } => (S::SetWebauthnEmail, Some(S::SetWebauthnEmailOld), args![app, id, email].into()),
            Login::ThirdParty { email, .. } => (S::SetThirdPartyEmail, None, args![app, id, email].into()),
            Login::Passwordless { email, phone } => {
                (S::SetContacts, Some(S::SetContactsOld), args![app, id, email.as_deref(), phone.as_deref()].into())
            }
        };
        if mode.writes_old()
            && let Some(old) = old
        {
            self.with_commit(old, params.clone()).await?;
        }
        self.with_commit(set, params).await?;
        if !mode.writes_new() {
            return Ok(());
        }
        let of_kind = |login: &Login, kind| login.info_rows().into_iter().find(|row| row.info.kind == kind);
        for kind in [InfoKind::Email, InfoKind::Phone] {
            match (of_kind(&before.login, kind), of_kind(&after.login, kind)) {
                (Some(old), Some(new)) if old != new => {
                    let value = new.info.value.as_str();
                    self.with_commit(S::SetTenantInfo, args![app, id, kind.as_str(), value].into()).await?;
                    self.with_commit(S::SetInfo, args![app, id, kind.as_str(), value].into()).await?;
                }
                (Some(_), None) => {
                    self.with_commit(S::DeleteTenantInfo, args![app, id, kind.as_str()].into()).await?;
                    self.with_commit(S::DeleteInfo, args![app, id, kind.as_str()].into()).await?;
                }
                (None, Some(new)) => {
                    for tenant in &after.tenants {
                        self.insert_tenant_info(app, after, tenant, &new).await?;
                    }
                    self.insert_info(app, after, &new, group.is_primary.then_some(group.id.as_str())).await?;
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        Ok(())
    }

    /// Writes who belongs to whom, since when, and what groups own. `after` are the users as they are then.
    pub async fn change_groups(&mut self, app: &AppId, changes: &Changes, after: &[Group]) -> Result<()> {
        let mode = self.mode();
        for group in after {
            let joined = |id: &&String| changes.memberships.get(*id).is_some_and(|membership| membership.group_id == group.id);
            let ids: Vec<String> = changes.memberships.keys().filter(joined).cloned().collect();
            let (id, is_primary) = (group.id.as_str(), group.is_primary);
            if !ids.is_empty() {
                self.with_commit(S::SetMembership, args![app, ids.as_slice(), id, is_primary].into()).await?;
                if mode.writes_old() {
                    self.with_commit(S::SetMembershipOld, args![app, ids.as_slice(), id, is_primary].into()).await?;
                }
                if mode.writes_new() {
                    let primary = is_primary.then_some(id);
                    self.with_commit(S::SetPrimary, args![app, ids.as_slice(), primary].into()).await?;
                }
            }
            if !ids.is_empty() || changes.times_joined.contains_key(id) {
                self.set_time(app, id, group.time_joined()).await?;
            }
        }
        if mode.writes_new() {
            for owned in &changes.released {
                self.with_commit(S::Release, reservation(app, owned).into()).await?;
            }
            for owned in &changes.reserved {
                self.with_commit(S::Reserve, reservation(app, owned).into()).await?;
            }
        }
        Ok(())
    }

    async fn set_time(&mut self, app: &AppId, group_id: &str, time: i64) -> Result<()> {
        if self.mode().writes_new() {
            self.with_commit(S::SetTime, args![app, group_id, time].into()).await?;
        }
        if self.mode().writes_old() {
            self.with_commit(S::SetTimeOld, args![app, group_id, time].into()).await?;
        }
        Ok(())
    }

    /// Deletes login methods, with what only they have: their places in tenants, their infos, tokens that would
    /// set their password or let a passkey in. What
    /// their groups owned through them is among the changes of the group.
    pub async fn delete_logins(&mut self, app: &AppId, methods: &[LoginMethod]) -> Result<()> {
        let mode = self.mode();
        let ids_of = |recipe: AuthRecipe| -> Vec<String> {
            methods.iter().filter(|method| method.recipe() == recipe).map(|method| method.recipe_user_id.clone()).collect()
        };
        for (recipe, statement) in [
            (AuthRecipe::EmailPassword, S::DeletePasswords),
            (AuthRecipe::Passwordless, S::DeletePasswordless),
            (AuthRecipe::ThirdParty, S::DeleteThirdParties),
            (AuthRecipe::Webauthn, S::DeleteWebauthn),
        ] {
            let ids = ids_of(recipe);
            if !ids.is_empty() {
                self.with_commit(statement, args![app, ids.as_slice()].into()).await?;
            }
        }
        let ids: Vec<String> = methods.iter().map(|method| method.recipe_user_id.clone()).collect();
        let mut everywhere = vec![S::DeleteResetTokens, S::DeleteRecoveryTokens];
        if mode.writes_old() {
            everywhere.push(S::DeleteOld);
        }
        if mode.writes_new() {
            everywhere.extend([S::DeleteInfos, S::DeleteTenantInfos]);
        }
        for statement in everywhere {
            self.with_commit(statement, args![app, ids.as_slice()].into()).await?;
        }
        Ok(())
    }

    /// Deletes users' own rows, and with them their mappings. Nobody may be left who is linked to one of them.
    pub async fn delete_users(&mut self, app: &AppId, ids: &[String]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.with_commit(S::DeleteUsers, args![app, ids].into()).await
    }
}

fn reservation<'a>(app: &'a AppId, owned: &'a Reservation) -> [crate::machinery::Val<'a>; 5] {
    args![app, &owned.tenant, owned.info.kind.as_str(), owned.info.value.as_str(), &owned.group_id]
}

//! What goes with a user, or with its leaving a tenant, whichever recipe keeps it (core-users.md 5.4, 6). This file stands above the
//! recipes: each table that has rows of users is listed here.

use std::collections::BTreeSet;

use supertokens_domain::accounts::{InfoKind, LoginMethod, as_internal};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::passwordless::Contact;

use crate::machinery::{Result, Tx, args, statements};

/// Everything of these users in one table, in all tenants. What hangs on it goes by itself.
macro_rules! of_users {
    ($table:literal) => {
        concat!("DELETE FROM {", $table, "} WHERE app_id = $1 AND user_id {in $2}")
    };
}

/// Everything of these users in one table, in one tenant.
macro_rules! of_users_in {
    ($table:literal) => {
        concat!("DELETE FROM {", $table, "} WHERE app_id = $1 AND tenant_id = $2 AND user_id {in $3}")
    };
}

statements! { "app_id_to_user_id", S {
    // Who else has one of these ids, which are `$4` as far as they can be internal, or is shown under it: `$3` are the internal ids of
    // those who go.
    Others = "SELECT CAST(a.user_id AS TEXT) FROM {app_id_to_user_id} a
                 WHERE a.app_id = $1 AND a.user_id {ids $4} AND NOT (a.user_id {ids $3})
             UNION SELECT m.external_user_id FROM {userid_mapping} m
                 WHERE m.app_id = $1 AND m.external_user_id {in $2} AND NOT (m.supertokens_user_id {ids $3})",
    Metadata = of_users!("user_metadata"),
    Sessions = of_users!("session_info"),
    VerifiedEmails = of_users!("emailverification_verified_emails"),
    // Tenant by tenant, as the key begins with it.
    VerificationTokens = "DELETE FROM {emailverification_tokens} WHERE app_id = $1 AND user_id {in $2}
             AND tenant_id IN (SELECT t.tenant_id FROM {tenants} t WHERE t.app_id = $1)",
    Roles = of_users!("user_roles"),
    // With devices and codes.
    Totp = of_users!("totp_users"),
    LastActive = of_users!("user_last_active"),
    AnyInTenant = "SELECT EXISTS (SELECT 1 FROM {session_info} WHERE app_id = $1 AND tenant_id = $2 AND user_id {in $3})
             OR EXISTS (SELECT 1 FROM {emailverification_tokens} WHERE app_id = $1 AND tenant_id = $2 AND user_id {in $3})
             OR EXISTS (SELECT 1 FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND user_id {in $3})
             OR EXISTS (SELECT 1 FROM {totp_used_codes} WHERE app_id = $1 AND tenant_id = $2 AND user_id {in $3})",
    SessionsInTenant = of_users_in!("session_info"),
    VerificationTokensInTenant = of_users_in!("emailverification_tokens"),
    RolesInTenant = of_users_in!("user_roles"),
    TotpCodesInTenant = of_users_in!("totp_used_codes"),
    // Of internal ids.
    RecoveryTokensInTenant = "DELETE FROM {webauthn_account_recovery_tokens} WHERE app_id = $1 AND tenant_id = $2 AND user_id {ids $3}",
} }

impl Tx<'_> {
    /// Which of these ids, internal or external, mean a user who stays when those with the internal ids `going` go.
    pub async fn ids_of_others(&mut self, app: &AppId, ids: &[String], going: &[String]) -> Result<Vec<String>> {
        let internal: Vec<String> = ids.iter().filter_map(|id| as_internal(id)).map(str::to_owned).collect();
        self.all(S::Others, &args![app, ids, going, internal.as_slice()], |row| row.text(0)).await
    }

    /// Deletes what the recipes keep under these ids, in every tenant.
    pub async fn delete_what_users_have(&mut self, app: &AppId, ids: &[String]) -> Result<()> {
        // The tokens before the marks: whoever uses one at this moment is waited for, and the mark goes too.
        for statement in [S::Metadata, S::Sessions, S::VerificationTokens, S::VerifiedEmails, S::Roles, S::Totp] {
            self.with_commit(statement, args![app, ids].into()).await?;
        }
        Ok(())
    }

    /// Forgets when these users, by internal id, were last active.
    pub async fn delete_last_active(&mut self, app: &AppId, internal_ids: &[String]) -> Result<()> {
        self.with_commit(S::LastActive, args![app, internal_ids].into()).await
    }

    /// Is there anything under these ids that goes with leaving the tenant?
    pub async fn users_have_something_in(&mut self, app: &AppId, tenant: &TenantId, ids: &[String]) -> Result<bool> {
        Ok(self.opt(S::AnyInTenant, &args![app, tenant, ids], |row| row.flag(0)).await?.unwrap_or_default())
    }

    /// Deletes what goes with leaving a tenant: sessions, roles, tokens for addresses and for new passkeys, TOTP codes that were tried. What
    /// is the app's stays, as do marks of verified addresses, metadata and devices.
    pub async fn delete_what_users_have_in(&mut self, app: &AppId, tenant: &TenantId, ids: &[String]) -> Result<()> {
        for statement in [S::SessionsInTenant, S::VerificationTokensInTenant, S::RolesInTenant, S::TotpCodesInTenant] {
            self.with_commit(statement, args![app, tenant, ids].into()).await?;
        }
        let internal: Vec<String> = ids.iter().filter_map(|id| as_internal(id)).map(str::to_owned).collect();
        self.with_commit(S::RecoveryTokensInTenant, args![app, tenant, internal.as_slice()].into()).await
    }

    /// Deletes the devices, with their codes, that wait for the contacts of these login methods, in the tenants that they were in.
    pub async fn delete_pending_devices(&mut self, app: &AppId, methods: &[LoginMethod]) -> Result<()> {
        // In one order: two who are deleted at once may have one contact.
        let mut waiting = BTreeSet::new();
        for method in methods {
            for tenant in &method.tenants {
                waiting.extend(method.login.email().map(|email| (tenant, InfoKind::Email, email)));
                waiting.extend(method.login.phone().map(|phone| (tenant, InfoKind::Phone, phone)));
            }
        }
        for (tenant, kind, contact) in waiting {
            let contact = contact.to_owned();
            let contact = if kind == InfoKind::Email { Contact::Email(contact) } else { Contact::Phone(contact) };
            self.delete_devices_of(app, tenant, &contact).await?;
        }
        Ok(())
    }
}

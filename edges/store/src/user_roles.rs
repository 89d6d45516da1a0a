//! Roles of an app, and who has them in which tenant: tables `roles`, `role_permissions` and `user_roles` (core-recipes-1.md 4).

use supertokens_domain::ids::{AppId, TenantId};

use crate::machinery::{Result, StoreError, Tx, args, statements};

/// What there is of a role and one user of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleOfUser {
    /// There is such a role.
    pub role_exists: bool,
    /// The user has it.
    pub user_has_it: bool,
}

statements! { "user_roles", S {
    PutRole = "INSERT INTO {roles} (app_id, role) VALUES ($1, $2) ON CONFLICT (app_id, role) DO NOTHING",
    PutPermissions = "INSERT INTO {role_permissions} (app_id, role, permission)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), given.it FROM {each $3} AS given WHERE 1 = 1
             ON CONFLICT (app_id, role, permission) DO NOTHING",
    Roles = "SELECT role FROM {roles} WHERE app_id = $1",
    DeleteRole = "DELETE FROM {roles} WHERE app_id = $1 AND role = $2",
    DeleteHoldersOfRole = "DELETE FROM {user_roles} WHERE app_id = $1 AND role = $2",
    Permissions = "SELECT p.permission FROM {roles} r
             LEFT JOIN {role_permissions} p ON p.app_id = r.app_id AND p.role = r.role WHERE r.app_id = $1 AND r.role = $2",
    DeletePermissions = "DELETE FROM {role_permissions} WHERE app_id = $1 AND role = $2 AND permission {in $3}",
    DeleteAllPermissions = "DELETE FROM {role_permissions} WHERE app_id = $1 AND role = $2",
    RolesWithPermission = "SELECT role FROM {role_permissions} WHERE app_id = $1 AND permission = $2",
    // Whoever removes the role waits for the lock on it, or is waited for: nobody is left with a role that is not there.
    AddToUser = "INSERT INTO {user_roles} (app_id, tenant_id, user_id, role)
             SELECT r.app_id, CAST($2 AS TEXT), CAST($3 AS TEXT), r.role FROM {roles} r WHERE r.app_id = $1 AND r.role = $4 {share}
             ON CONFLICT (app_id, tenant_id, user_id, role) DO NOTHING",
    OfUser = "SELECT EXISTS (SELECT 1 FROM {roles} WHERE app_id = $1 AND role = $4),
             EXISTS (SELECT 1 FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3 AND role = $4)",
    TakeFromUser = "DELETE FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3 AND role = $4
             AND EXISTS (SELECT 1 FROM {roles} WHERE app_id = $1 AND role = $4)",
    RolesOfUser = "SELECT role FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3",
    UsersWithRole = "SELECT u.user_id FROM {roles} r
             LEFT JOIN {user_roles} u ON u.app_id = r.app_id AND u.tenant_id = $2 AND u.role = r.role
             WHERE r.app_id = $1 AND r.role = $3",
    RoleExists = "SELECT 1 = 1 FROM {roles} WHERE app_id = $1 AND role = $2",
} }

impl Tx<'_> {
    /// Makes a role. False if it is there. `MissingParent` if the app does not exist.
    pub async fn put_role(&mut self, app: &AppId, role: &str) -> Result<bool> {
        Ok(self.exec(S::PutRole, &args![app, role]).await? > 0)
    }

    /// Lets a role that is there permit these things too. `Busy` if somebody removes it at this moment.
    pub async fn add_permissions(&mut self, app: &AppId, role: &str, permissions: &[String]) -> Result<()> {
        match self.exec(S::PutPermissions, &args![app, role, permissions]).await {
            Err(StoreError::MissingParent(_)) => Err(StoreError::Busy),
            outcome => outcome.map(|_| ()),
        }
    }

    /// All roles of an app.
    pub async fn roles(&mut self, app: &AppId) -> Result<Vec<String>> {
        self.all(S::Roles, &args![app], |row| row.text(0)).await
    }

    /// Is there such a role?
    pub async fn role_exists(&mut self, app: &AppId, role: &str) -> Result<bool> {
        Ok(self.opt(S::RoleExists, &args![app, role], |row| row.flag(0)).await?.is_some())
    }

    /// Removes a role and takes it from everybody, in every tenant. False if neither was there.
    pub async fn delete_role(&mut self, app: &AppId, role: &str) -> Result<bool> {
        // The role first: that waits for those who are giving it to somebody. What they gave is seen by the next statement.
        let existed = self.exec(S::DeleteRole, &args![app, role]).await? > 0;
        if existed {
            self.with_commit(S::DeleteHoldersOfRole, args![app, role].into()).await?;
            return Ok(true);
        }
        Ok(self.exec(S::DeleteHoldersOfRole, &args![app, role]).await? > 0)
    }

    /// What a role permits. Nothing, if there is no such role.
    pub async fn permissions_of_role(&mut self, app: &AppId, role: &str) -> Result<Option<Vec<String>>> {
        let rows = self.all(S::Permissions, &args![app, role], |row| row.opt_text(0)).await?;
        Ok(if rows.is_empty() { None } else { Some(rows.into_iter().flatten().collect()) })
    }

    /// Takes some of a role's permissions away, or all. False if it had none of them.
    pub async fn delete_permissions(&mut self, app: &AppId, role: &str, permissions: Option<&[String]>) -> Result<bool> {
        let deleted = match permissions {
            Some(some) => self.exec(S::DeletePermissions, &args![app, role, some]).await?,
            None => self.exec(S::DeleteAllPermissions, &args![app, role]).await?,
        };
        Ok(deleted > 0)
    }

    /// The roles that permit something.
    pub async fn roles_with_permission(&mut self, app: &AppId, permission: &str) -> Result<Vec<String>> {
        self.all(S::RolesWithPermission, &args![app, permission], |row| row.text(0)).await
    }

    /// Gives a role to a user of a tenant. False if the user had it, or if there is no such role. `MissingParent` if the tenant does not
    /// exist.
    pub async fn add_user_role(&mut self, app: &AppId, tenant: &TenantId, user_id: &str, role: &str) -> Result<bool> {
        Ok(self.exec(S::AddToUser, &args![app, tenant, user_id, role]).await? > 0)
    }

    /// Gives a role that is there to a user of a tenant, with the commit, if the user has it not.
    pub async fn give_role(&mut self, app: &AppId, tenant: &TenantId, user_id: &str, role: &str) -> Result<()> {
        self.with_commit(S::AddToUser, args![app, tenant, user_id, role].into()).await
    }

    /// What there is of a role and a user of a tenant.
    pub async fn role_of_user(&mut self, app: &AppId, tenant: &TenantId, user_id: &str, role: &str) -> Result<RoleOfUser> {
        let params = args![app, tenant, user_id, role];
        let found = self.opt(S::OfUser, &params, |row| Ok(RoleOfUser { role_exists: row.flag(0)?, user_has_it: row.flag(1)? }));
        Ok(found.await?.unwrap_or(RoleOfUser { role_exists: false, user_has_it: false }))
    }

    /// Takes a role from a user of a tenant. False if the user had it not, or if there is no such role.
    pub async fn take_user_role(&mut self, app: &AppId, tenant: &TenantId, user_id: &str, role: &str) -> Result<bool> {
        Ok(self.exec(S::TakeFromUser, &args![app, tenant, user_id, role]).await? > 0)
    }

    /// The roles of a user in a tenant.
    pub async fn roles_of_user(&mut self, app: &AppId, tenant: &TenantId, user_id: &str) -> Result<Vec<String>> {
        self.all(S::RolesOfUser, &args![app, tenant, user_id], |row| row.text(0)).await
    }

    /// The users of a tenant that have a role. Nothing, if there is no such role.
    pub async fn users_with_role(&mut self, app: &AppId, tenant: &TenantId, role: &str) -> Result<Option<Vec<String>>> {
        let rows = self.all(S::UsersWithRole, &args![app, tenant, role], |row| row.opt_text(0)).await?;
        Ok(if rows.is_empty() { None } else { Some(rows.into_iter().flatten().collect()) })
    }
}

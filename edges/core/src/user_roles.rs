//! Roles, what they permit, and who has them (core-recipes-1.md 4). Roles are an app's, who has them is a tenant's; lists are in the order
//! of their bytes.

use std::sync::Arc;

use supertokens_store::{RoleOfUser, StoreError};
use supertokens_wire::cdi::user_roles::{
    AddUserRole, Added, ListRoles, OfRole, PermissionsListed, PermissionsOfRole, PutRole, RemovePermissions, RemoveRole,
    RemoveUserRole, RolesListed, RolesOfPermission, RolesOfUser, Taken, UsersListed, UsersOfRole,
};
use supertokens_wire::operation::{Body, status};

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this file answers.
pub const ROUTES: &[Route] = &[
    Route::of::<PutRole>(),
    Route::of::<ListRoles>(),
    Route::of::<RemoveRole>(),
    Route::of::<PermissionsOfRole>(),
    Route::of::<RemovePermissions>(),
    Route::of::<RolesOfPermission>(),
    Route::of::<AddUserRole>(),
    Route::of::<RemoveUserRole>(),
    Route::of::<RolesOfUser>(),
    Route::of::<UsersOfRole>(),
];

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

impl UseCase for PutRole {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let app = cx.at().app.clone();
        let putting = cx.db().tx(async move |tx| {
            let is_new = tx.put_role(&app, &self.role).await?;
            if !self.permissions.is_empty() {
                tx.add_permissions(&app, &self.role, &self.permissions).await?;
            }
            Ok(is_new)
        });
        let is_new = cx.unless_removed(putting.await.map_err(Error::from))?;
        Ok(Body::Json(status("OK").with("createdNewRole", is_new)))
    }
}

impl UseCase for ListRoles {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<RolesListed, Error> {
        let app = cx.at().app.clone();
        Ok(RolesListed(sorted(cx.db().read_long(async move |tx| tx.roles(&app).await).await?)))
    }
}

impl UseCase for RemoveRole {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Body, Error> {
        let app = cx.at().app.clone();
        let existed = cx.db().tx(async move |tx| tx.delete_role(&app, &self.role).await).await?;
        Ok(Body::Json(status("OK").with("didRoleExist", existed)))
    }
}

impl UseCase for PermissionsOfRole {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<PermissionsListed, Error> {
        let app = cx.at().app.clone();
        let found = cx.db().read(async move |tx| tx.permissions_of_role(&app, &self.role).await).await?;
        Ok(PermissionsListed(found.map(sorted)))
    }
}

impl UseCase for RemovePermissions {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<OfRole<()>, Error> {
        let (app, role) = (cx.at().app.clone(), self.role.clone());
        let takes_something = self.permissions.as_ref().is_none_or(|some| !some.is_empty());
        if takes_something {
            let permissions = self.permissions;
            let taken = cx.db().single(async move |tx| tx.delete_permissions(&app, &role, permissions.as_deref()).await);
            if taken.await? {
                return Ok(OfRole(Some(())));
            }
        }
        let app = cx.at().app.clone();
        let exists = cx.db().read(async move |tx| tx.role_exists(&app, &self.role).await).await?;
        Ok(OfRole(exists.then_some(())))
    }
}

impl UseCase for RolesOfPermission {
    const SCOPE: Scope = Scope::AppFromPublicTenant;

    async fn run(self, cx: &Cx<'_>) -> Result<RolesListed, Error> {
        let app = cx.at().app.clone();
        let found = cx.db().read_long(async move |tx| tx.roles_with_permission(&app, &self.permission).await).await?;
        Ok(RolesListed(sorted(found)))
    }
}

/// So often may others change, between two statements, what both of them look at.
const UNDECIDED: usize = 16;

impl UseCase for AddUserRole {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<OfRole<Added>, Error> {
        let asked = Arc::new((cx.at().clone(), self));
        for _ in 0..UNDECIDED {
            let these = Arc::clone(&asked);
            let adding = cx.db().single(async move |tx| {
                let (at, Self { user_id, role }) = &*these;
                tx.add_user_role(&at.app, &at.tenant, user_id, role).await
            });
            match adding.await {
                Ok(true) => return Ok(OfRole(Some(Added { had_it: false }))),
                Ok(false) => {}
                // The tenant was removed a moment ago.
                Err(StoreError::MissingParent(_)) => return Err(Error::no_tenant(cx.at())),
                Err(error) => return Err(error.into()),
            }
            let these = Arc::clone(&asked);
            let looking = cx.db().read(async move |tx| {
                let (at, Self { user_id, role }) = &*these;
                tx.role_of_user(&at.app, &at.tenant, user_id, role).await
            });
            match looking.await? {
                RoleOfUser { role_exists: false, .. } => return Ok(OfRole(None)),
                RoleOfUser { user_has_it: true, .. } => return Ok(OfRole(Some(Added { had_it: true }))),
                // Between the two the role was made, or taken from the user: once more.
                RoleOfUser { .. } => {}
            }
        }
        Err(StoreError::Busy.into())
    }
}

impl UseCase for RemoveUserRole {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<OfRole<Taken>, Error> {
        let (at, Self { user_id, role }) = (cx.at().clone(), self);
        let (app, asked) = (at.app.clone(), role.clone());
        let taking = cx.db().single(async move |tx| tx.take_user_role(&at.app, &at.tenant, &user_id, &role).await);
        if taking.await? {
            return Ok(OfRole(Some(Taken { had_it: true })));
        }
        let exists = cx.db().read(async move |tx| tx.role_exists(&app, &asked).await).await?;
        Ok(OfRole(exists.then_some(Taken { had_it: false })))
    }
}

impl UseCase for RolesOfUser {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<RolesListed, Error> {
        let at = cx.at().clone();
        let found = cx.db().read(async move |tx| tx.roles_of_user(&at.app, &at.tenant, &self.user_id).await).await?;
        Ok(RolesListed(sorted(found)))
    }
}

impl UseCase for UsersOfRole {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<UsersListed, Error> {
        let at = cx.at().clone();
        let found = cx.db().read_long(async move |tx| tx.users_with_role(&at.app, &at.tenant, &self.role).await).await?;
        Ok(UsersListed(found.map(sorted)))
    }
}

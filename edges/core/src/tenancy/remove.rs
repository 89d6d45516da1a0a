//! How is a domain, app or tenant removed, with everything that belongs to it (core-multitenancy.md 6)?
//!
//! Removing takes the lock that writing takes: nothing is added to an app while it goes.

use supertokens_domain::ids::{AppIdentifier, TenantIdentifier};
use supertokens_domain::tenancy::permission::{may_remove_app, may_remove_domain, may_remove_settings, may_remove_tenant};
use supertokens_store::{StoreError, Tx};
use supertokens_wire::cdi::tenancy::{RemoveApp, RemoveDomain, RemoveTenant, Removed};

use super::{lock_of, records};
use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Scope, UseCase};

impl UseCase for RemoveTenant {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Removed, Error> {
        may_remove_tenant(cx.at(), &self.id)?;
        let target = cx.app().tenant(self.id);
        let _turn = cx.core.turns.of(&cx.app()).await?;
        let (gone, by_owner) = (target.clone(), !cx.protected_caller);
        let did_exist = cx.db().tx(async move |tx| {
            tx.advisory_lock(&lock_of(&gone.app_identifier())).await?;
            match may_remove_config(tx, &gone, by_owner).await? {
                Ok(()) => tx.delete_tenant(&gone).await.map(Ok),
                Err(denied) => Ok(Err(denied)),
            }
        });
        let did_exist = did_exist.await??;
        cx.core.tenants.remove(&target);
        Ok(Removed { did_exist })
    }
}

impl UseCase for RemoveApp {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Removed, Error> {
        may_remove_app(cx.at(), &self.id, 0)?;
        let target = AppIdentifier { cud: cx.at().cud.clone(), app: self.id };
        let _turn = cx.core.turns.of(&target).await?;
        let (source, gone, by_owner) = (cx.at().clone(), target.clone(), !cx.protected_caller);
        let did_exist = cx.db().tx(async move |tx| {
            tx.advisory_lock(&lock_of(&gone)).await?;
            let tenants = tx.tenant_ids(&gone.cud, Some(&gone.app)).await?;
            let others = tenants.iter().filter(|id| !id.tenant.is_default()).count();
            if let Err(denied) = may_remove_app(&source, &gone.app, others) {
                return Ok(Err(denied.into()));
            }
            if let Err(error) = may_remove_config(tx, &gone.public(), by_owner).await? {
                return Ok(Err(error));
            }
            // The data of apps knows no domain: an app that this domain does not have must not take another's with it.
            let exists = tenants.len() > others;
            Ok(Ok(exists && tx.delete_app(&gone).await?))
        });
        let did_exist = did_exist.await??;
        cx.core.tenants.remove(&target.public());
        cx.core.forget_app(&target.app);
        Ok(Removed { did_exist })
    }
}

impl UseCase for RemoveDomain {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Removed, Error> {
        may_remove_domain(cx.at(), &self.id, 0)?;
        let target = TenantIdentifier { cud: self.id, ..TenantIdentifier::default() };
        let _turn = cx.core.turns.of(&target.app_identifier()).await?;
        let (source, gone, by_owner) = (cx.at().clone(), target.clone(), !cx.protected_caller);
        let did_exist = cx.db().tx(async move |tx| {
            tx.advisory_lock(&lock_of(&gone.app_identifier())).await?;
            let others = tx.tenant_ids(&gone.cud, None).await?.iter().filter(|id| **id != gone).count();
            if let Err(denied) = may_remove_domain(&source, &gone.cud, others) {
                return Ok(Err(denied.into()));
            }
            if let Err(error) = may_remove_config(tx, &gone, by_owner).await? {
                return Ok(Err(error));
            }
            // Its data is in a database of its own, which this core does not reach.
            tx.delete_domain_configs(&gone.cud).await.map(Ok)
        });
        let did_exist = did_exist.await??;
        cx.core.tenants.remove(&target);
        Ok(Removed { did_exist })
    }
}

/// What the owner of a shared installation has set is not taken away by others. The owner is not asked, nor is the database.
async fn may_remove_config(tx: &mut Tx<'_>, at: &TenantIdentifier, by_owner: bool) -> Result<Result<(), Error>, StoreError> {
    if by_owner {
        return Ok(Ok(()));
    }
    let Some(text) = tx.overrides_of(at).await? else { return Ok(Ok(())) };
    Ok(records::object(&text).and_then(|overrides| may_remove_settings(&overrides).map_err(Error::from)))
}

//! Who may create, list and remove tenants, apps and connection URI domains? (core-multitenancy.md 2.1)
//!
//! The source is the tenant that a request was sent to, the target the one that it is about. Keys are checked before.

use crate::config::{Protected, set_protected};
use crate::ids::{AppId, ConnectionUriDomain, TenantId, TenantIdentifier};
use crate::json::JsonObject;

/// Why something is not allowed. Displays as upstream's sentence, which is the body of the 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence says it")]
pub enum Denied {
    #[error("You must use the public or same tenant to add/update a tenant")]
    WriteTenant,
    #[error("You must use the same app to create/update a tenant")]
    WriteTenantOfAnotherApp,
    #[error("You must use the public or same app to add/update an app")]
    WriteApp,
    #[error("You must use the same connection URI domain to create/update an app")]
    WriteAppOfAnotherDomain,
    #[error("You must use the default or same connectionUriDomain to create/update a connectionUriDomain")]
    WriteDomain,
    #[error(
        "Only the public tenantId, public appId and default connectionUriDomain is allowed to list all connectionUriDomains \
         and appIds associated with this core"
    )]
    ListDomains,
    #[error("Only the public tenantId and public appId is allowed to list all apps associated with this connection uri domain")]
    ListApps,
    #[error("Only the public tenantId is allowed to list all tenants associated with this app")]
    ListTenants,
    #[error("Only the public tenantId is allowed to delete a tenant")]
    RemoveTenant,
    #[error("Cannot delete public tenant, use remove app API instead")]
    RemovePublicTenant,
    #[error("Only the public tenantId and public appId is allowed to delete an app")]
    RemoveApp,
    #[error("Cannot delete the public app, use remove connection uri domain API instead")]
    RemovePublicApp,
    #[error("Please delete all tenants except the public tenant for this app before calling the delete API")]
    TenantsLeft,
    #[error("Only the public tenantId, public appId and default connectionUriDomain is allowed to delete a connectionUriDomain")]
    RemoveDomain,
    #[error("Cannot delete the default connectionUriDomain")]
    RemoveDefaultDomain,
    #[error("Please delete all apps except the public appID for this connectionUriDomain before calling the delete API.")]
    AppsLeft,
    #[error("Not allowed to modify DB related configs.")]
    DatabaseConfig,
    #[error("Not allowed to modify protected configs.")]
    ProtectedConfig,
}

/// What a PUT creates or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// A connection URI domain.
    Domain,
    /// An app.
    App,
    /// A tenant.
    Tenant,
}

/// May a request to `source` create or change `target`?
pub fn may_write(level: Level, source: &TenantIdentifier, target: &TenantIdentifier) -> Result<(), Denied> {
    match level {
        Level::Tenant => {
            allow(source.tenant.is_default() || source.tenant == target.tenant, Denied::WriteTenant)?;
            allow(source.app_identifier() == target.app_identifier(), Denied::WriteTenantOfAnotherApp)
        }
        Level::App => {
            allow(source.tenant.is_default() && (source.app.is_default() || source.app == target.app), Denied::WriteApp)?;
            allow(source.cud == target.cud, Denied::WriteAppOfAnotherDomain)
        }
        // The row of a domain is the row of its public app. The Java core lets any app or tenant of the domain change it; whoever
        // holds the key of one app must not change another (decision 10).
        Level::Domain => {
            let speaks_for_its_domain = source.app.is_default() && source.tenant.is_default();
            allow(source.is_base() || (source.cud == target.cud && speaks_for_its_domain), Denied::WriteDomain)
        }
    }
}

/// May a request to `source` list all connection URI domains?
pub fn may_list_domains(source: &TenantIdentifier) -> Result<(), Denied> {
    allow(source.is_base(), Denied::ListDomains)
}

/// May a request to `source` list the apps of its domain?
pub fn may_list_apps(source: &TenantIdentifier) -> Result<(), Denied> {
    allow(source.tenant.is_default() && source.app.is_default(), Denied::ListApps)
}

/// May a request to `source` list the tenants of its app?
pub fn may_list_tenants(source: &TenantIdentifier) -> Result<(), Denied> {
    allow(source.tenant.is_default(), Denied::ListTenants)
}

/// May a request to `source` remove this tenant of its app?
pub fn may_remove_tenant(source: &TenantIdentifier, target: &TenantId) -> Result<(), Denied> {
    allow(source.tenant.is_default(), Denied::RemoveTenant)?;
    allow(!target.is_default(), Denied::RemovePublicTenant)
}

/// May a request to `source` remove this app of its domain? `other_tenants` counts those that are not public.
pub fn may_remove_app(source: &TenantIdentifier, target: &AppId, other_tenants: usize) -> Result<(), Denied> {
    allow(source.tenant.is_default() && source.app.is_default(), Denied::RemoveApp)?;
    allow(!target.is_default(), Denied::RemovePublicApp)?;
    allow(other_tenants == 0, Denied::TenantsLeft)
}

/// May a request to `source` remove this domain? `other_apps` counts what is left besides its public app's public tenant.
pub fn may_remove_domain(source: &TenantIdentifier, target: &ConnectionUriDomain, other_apps: usize) -> Result<(), Denied> {
    allow(source.is_base(), Denied::RemoveDomain)?;
    allow(!target.is_default(), Denied::RemoveDefaultDomain)?;
    allow(other_apps == 0, Denied::AppsLeft)
}

/// May somebody who is not the owner of a shared installation remove what has these settings? Removed and made again, it would be
/// without what the owner has set.
pub fn may_remove_settings(overrides: &JsonObject) -> Result<(), Denied> {
    set_protected(overrides).map_or(Ok(()), |protected| Err(protected.into()))
}

impl From<Protected> for Denied {
    fn from(protected: Protected) -> Self {
        match protected {
            Protected::Database => Self::DatabaseConfig,
            Protected::Core => Self::ProtectedConfig,
        }
    }
}

fn allow(condition: bool, otherwise: Denied) -> Result<(), Denied> {
    if condition { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenancy::tests::tenant_id;

    const TENANT: &str = "You must use the public or same tenant to add/update a tenant";
    const OTHER_APP: &str = "You must use the same app to create/update a tenant";
    const APP: &str = "You must use the public or same app to add/update an app";
    const OTHER_CUD: &str = "You must use the same connection URI domain to create/update an app";
    const CUD: &str = "You must use the default or same connectionUriDomain to create/update a connectionUriDomain";

    #[test]
    fn who_may_write_what() {
        let cases: [(Level, &str, &str, Option<&str>); 30] = [
            (Level::Tenant, "//", "//t1", None),
            (Level::Tenant, "//t1", "//t1", None),
            (Level::Tenant, "//t2", "//t1", Some(TENANT)),
            (Level::Tenant, "//t1", "//", Some(TENANT)),
            (Level::Tenant, "/a1/", "/a1/t1", None),
            (Level::Tenant, "/a1/t2", "/a1/t1", Some(TENANT)),
            (Level::Tenant, "//", "/a1/t1", Some(OTHER_APP)),
            (Level::Tenant, "/a1/t1", "/a2/t1", Some(OTHER_APP)),
            (Level::Tenant, "c1/a1/", "c2/a1/t1", Some(OTHER_APP)),
            (Level::App, "//", "/a1/", None),
            (Level::App, "//", "//", None),
            (Level::App, "/a1/", "/a1/", None),
            (Level::App, "/a1/", "/a2/", Some(APP)),
            (Level::App, "/a1/", "//", Some(APP)),
            (Level::App, "//t1", "/a1/", Some(APP)),
            (Level::App, "/a1/t1", "/a1/", Some(APP)),
            (Level::App, "c1//", "c1/a1/", None),
            (Level::App, "c1//", "c2/a1/", Some(OTHER_CUD)),
            (Level::App, "//", "c1/a1/", Some(OTHER_CUD)),
            (Level::Domain, "//", "c1//", None),
            (Level::Domain, "//", "//", None),
            (Level::Domain, "c1//", "c1//", None),
            (Level::Domain, "c1//", "c2//", Some(CUD)),
            (Level::Domain, "c1//", "//", Some(CUD)),
            (Level::Domain, "/a1/", "c1//", Some(CUD)),
            (Level::Domain, "//t1", "c1//", Some(CUD)),
            (Level::Domain, "/a1/", "//", Some(CUD)),
            (Level::Domain, "//t1", "//", Some(CUD)),
            (Level::Domain, "c1/a1/", "c1//", Some(CUD)),
            (Level::Domain, "c1//t1", "c1//", Some(CUD)),
        ];
        for (level, source, target, expected) in cases {
            let got = may_write(level, &tenant_id(source), &tenant_id(target)).map_err(|denied| denied.to_string());
            assert_eq!(got.err().as_deref(), expected, "{level:?} {source} -> {target}");
        }
    }

    #[test]
    fn who_may_list_what() {
        let cases = [
            ("//", [true, true, true]),
            ("//t1", [false, false, false]),
            ("/a1/", [false, false, true]),
            ("/a1/t1", [false, false, false]),
            ("c1//", [false, true, true]),
            ("c1/a1/", [false, false, true]),
        ];
        for (source, [domains, apps, tenants]) in cases {
            let source = tenant_id(source);
            assert_eq!(may_list_domains(&source), if domains { Ok(()) } else { Err(Denied::ListDomains) }, "{source}");
            assert_eq!(may_list_apps(&source), if apps { Ok(()) } else { Err(Denied::ListApps) }, "{source}");
            assert_eq!(may_list_tenants(&source), if tenants { Ok(()) } else { Err(Denied::ListTenants) }, "{source}");
        }
        assert_eq!(
            Denied::ListDomains.to_string(),
            "Only the public tenantId, public appId and default connectionUriDomain is allowed to list all \
             connectionUriDomains and appIds associated with this core"
        );
    }

    #[test]
    fn who_may_remove_what() {
        let (public, t1) = (TenantId::default(), TenantId::normalise("t1"));
        assert_eq!(may_remove_tenant(&tenant_id("/a1/"), &t1), Ok(()));
        assert_eq!(may_remove_tenant(&tenant_id("/a1/"), &public), Err(Denied::RemovePublicTenant));
        assert_eq!(may_remove_tenant(&tenant_id("/a1/t1"), &t1), Err(Denied::RemoveTenant));
        assert_eq!(may_remove_tenant(&tenant_id("/a1/t1"), &public), Err(Denied::RemoveTenant));

        let (public, a1) = (AppId::default(), AppId::normalise("a1"));
        assert_eq!(may_remove_app(&tenant_id("c1//"), &a1, 0), Ok(()));
        assert_eq!(may_remove_app(&tenant_id("//"), &a1, 1), Err(Denied::TenantsLeft));
        assert_eq!(may_remove_app(&tenant_id("//"), &public, 0), Err(Denied::RemovePublicApp));
        assert_eq!(may_remove_app(&tenant_id("/a1/"), &a1, 0), Err(Denied::RemoveApp));
        assert_eq!(may_remove_app(&tenant_id("//t1"), &a1, 0), Err(Denied::RemoveApp));

        let c1 = ConnectionUriDomain::normalise("c1");
        assert_eq!(may_remove_domain(&tenant_id("//"), &c1, 0), Ok(()));
        assert_eq!(may_remove_domain(&tenant_id("//"), &c1, 1), Err(Denied::AppsLeft));
        assert_eq!(may_remove_domain(&tenant_id("c1//"), &c1, 0), Err(Denied::RemoveDomain));
        assert_eq!(may_remove_domain(&tenant_id("//"), &ConnectionUriDomain::default(), 0), Err(Denied::RemoveDefaultDomain));
    }
}

//! Apps and tenants: who may ask, what is there, what is shown (core-multitenancy.md). Writing is in `save`,
//! removing in `remove`, rows and values in `records`, who is in a tenant in `users`.
//!
//! Connection URI domains need a database each, which is not served yet: one that a taken-over database holds can be listed and
//! removed, none can be made.

mod records;
mod remove;
mod save;
mod turns;
mod users;

use std::collections::BTreeMap;

use supertokens_domain::config::{DashboardView, DatabaseChoice, PostgresConfig, dashboard_items, hide_protected};
use supertokens_domain::ids::{AppId, AppIdentifier, ConnectionUriDomain};
use supertokens_domain::json::JsonObject;
use supertokens_domain::tenancy::permission::{may_list_apps, may_list_domains, may_list_tenants};
use supertokens_domain::tenancy::{Denied, TenantShape};
use supertokens_store::{Dialect, TenantRecord};
use supertokens_wire::cdi::tenancy as wire;
use supertokens_wire::cdi::tenancy::{AppList, CoreConfigList, DomainList, OneTenant, TenantList};

pub(crate) use turns::Turns;

use crate::cx::Cx;
use crate::error::Error;
use crate::use_case::{Route, Scope, UseCase};

/// What this recipe answers.
pub const ROUTES: &[Route] = &[
    Route::of::<wire::PutDomain>(),
    Route::of::<wire::PutDomainV2>(),
    Route::of::<wire::PutApp>(),
    Route::of::<wire::PutAppV2>(),
    Route::of::<wire::PutTenant>(),
    Route::of::<wire::PutTenantV2>(),
    Route::of::<wire::ListDomains>(),
    Route::of::<wire::ListDomainsV2>(),
    Route::of::<wire::ListApps>(),
    Route::of::<wire::ListAppsV2>(),
    Route::of::<wire::ListTenants>(),
    Route::of::<wire::ListTenantsV2>(),
    Route::of::<wire::GetTenant>(),
    Route::of::<wire::GetTenantV2>(),
    Route::of::<wire::RemoveDomain>(),
    Route::of::<wire::RemoveApp>(),
    Route::of::<wire::RemoveTenant>(),
    Route::of::<wire::PutProvider>(),
    Route::of::<wire::RemoveProvider>(),
    Route::of::<wire::AddUserToTenant>(),
    Route::of::<wire::RemoveUserFromTenant>(),
    Route::of::<wire::ListCoreConfig>(),
];

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::forbidden(denied.to_string())
    }
}

/// The name of the lock under which an app and its tenants are written and removed.
fn lock_of(app: &AppIdentifier) -> String {
    let public = app.public();
    format!("{}~{}~{}", public.cud, public.app, public.tenant)
}

/// Every tenant, from the database: lists show what other processes have done, too.
async fn every_record(cx: &Cx<'_>) -> Result<Vec<TenantRecord>, Error> {
    Ok(cx.db().read_long(async |tx| tx.tenants().await).await?)
}

/// A tenant as this caller may see it.
fn shown(cx: &Cx<'_>, record: &TenantRecord, shape: TenantShape) -> Result<JsonObject, Error> {
    let tenant = records::tenant(record)?;
    let hidden = cx.protected_caller.then(|| hide_protected(&tenant.core_config));
    Ok(tenant.to_json(shape, hidden.as_ref().unwrap_or(&tenant.core_config)))
}

fn all_shown<'r>(cx: &Cx<'_>, records: impl Iterator<Item = &'r TenantRecord>, shape: TenantShape) -> Result<TenantList, Error> {
    records.map(|record| shown(cx, record, shape)).collect::<Result<_, _>>().map(TenantList)
}

fn apps_of(cx: &Cx<'_>, records: &[TenantRecord], cud: &ConnectionUriDomain, shape: TenantShape) -> Result<AppList, Error> {
    let mut apps: BTreeMap<AppId, Vec<&TenantRecord>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.id.cud == *cud) {
        apps.entry(record.id.app.clone()).or_default().push(record);
    }
    let listed = apps.into_iter().map(|(app, tenants)| Ok((app, all_shown(cx, tenants.into_iter(), shape)?)));
    listed.collect::<Result<_, Error>>().map(AppList)
}

macro_rules! lists {
    ($($name:ident => $answer:ty, $list:ident;)+) => {$(
        impl UseCase for wire::$name {
            const SCOPE: Scope = Scope::Tenant;

            async fn run(self, cx: &Cx<'_>) -> Result<$answer, Error> {
                $list(cx, self.shape).await
            }
        }
    )+};
}

lists! {
    ListDomains => DomainList, list_domains;
    ListDomainsV2 => DomainList, list_domains;
    ListApps => AppList, list_apps;
    ListAppsV2 => AppList, list_apps;
    ListTenants => TenantList, list_tenants;
    ListTenantsV2 => TenantList, list_tenants;
}

async fn list_domains(cx: &Cx<'_>, shape: TenantShape) -> Result<DomainList, Error> {
    may_list_domains(cx.at())?;
    let records = every_record(cx).await?;
    let mut domains: Vec<&ConnectionUriDomain> = records.iter().map(|record| &record.id.cud).collect();
    domains.sort();
    domains.dedup();
    let listed = domains.into_iter().map(|domain| Ok((domain.clone(), apps_of(cx, &records, domain, shape)?)));
    listed.collect::<Result<_, Error>>().map(DomainList)
}

async fn list_apps(cx: &Cx<'_>, shape: TenantShape) -> Result<AppList, Error> {
    may_list_apps(cx.at())?;
    apps_of(cx, &every_record(cx).await?, &cx.at().cud, shape)
}

async fn list_tenants(cx: &Cx<'_>, shape: TenantShape) -> Result<TenantList, Error> {
    may_list_tenants(cx.at())?;
    let app = cx.app();
    let records = cx.db().read_long(async move |tx| tx.tenants_of(&app).await).await?;
    all_shown(cx, records.iter(), shape)
}

macro_rules! one {
    ($($name:ident),+) => {$(
        impl UseCase for wire::$name {
            const SCOPE: Scope = Scope::Any;

            async fn run(self, cx: &Cx<'_>) -> Result<OneTenant, Error> {
                match &cx.place.tenant {
                    Some(entry) => Ok(OneTenant::Found(shown(cx, &entry.record, self.shape)?)),
                    None => Ok(OneTenant::NotFound),
                }
            }
        }
    )+};
}

one!(GetTenant, GetTenantV2);

/// The database's settings as the base configuration has them, or as the address says that the core was opened with.
fn postgres_settings(base: &JsonObject, place: &str) -> Option<PostgresConfig> {
    if let Ok(DatabaseChoice::Postgres(config)) = DatabaseChoice::of(base, "") {
        return Some(*config);
    }
    PostgresConfig::effective(&base.clone().with("postgresql_connection_uri", place))
        .inspect_err(|problems| {
            tracing::warn!(problem = problems.first().map(ToString::to_string), "the settings of the database cannot be shown");
        })
        .ok()
}

impl UseCase for wire::ListCoreConfig {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<CoreConfigList, Error> {
        let tenants = &cx.core.tenants;
        let own = &cx.tenant()?.overrides;
        let inherited = tenants.inherited(cx.at());
        let mut levels = vec![own];
        levels.extend(inherited.iter());
        levels.push(tenants.base());
        let postgres = match cx.db().dialect() {
            Dialect::Sqlite => None,
            Dialect::Postgres => postgres_settings(tenants.base(), cx.db().place()),
        };
        let processors = std::thread::available_parallelism().map_or(1, |n| i64::try_from(n.get()).unwrap_or(1));
        let view = DashboardView { postgres: postgres.as_ref(), protected_caller: cx.protected_caller, processors };
        Ok(CoreConfigList(dashboard_items(&levels, view)))
    }
}

//! Creating and changing domains, apps, tenants and their providers (core-multitenancy.md 2.2 to 2.4, 3, 4).
//!
//! What is stored is read, changed and written in one transaction under the lock of the app's name, so two callers never undo each
//! other and exactly one of two creators is told that it created. No signing key is made here: keys come with the first use.

use std::sync::Arc;

use supertokens_domain::config::{
    Checks, CoreConfig, app_scope_conflict, check_overrides, merge_overrides, names_own_database, own_database_refusal,
    touched_protected,
};
use supertokens_domain::ids::{AppId, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_domain::json::JsonObject;
use supertokens_domain::tenancy::permission::{Level, may_write};
use supertokens_domain::tenancy::provider::{ProviderChecks, check_providers, put_provider, remove_provider};
use supertokens_domain::tenancy::{Provider, Settings, Tenant, TenantShape};
use supertokens_domain::time::Millis;
use supertokens_store::{StoreError, TenantRecord, Tx};
use supertokens_wire::cdi::tenancy::{
    Change, ProviderRemoved, PutApp, PutAppV2, PutDomain, PutDomainV2, PutProvider, PutTenant, PutTenantV2, RemoveProvider, Saved,
};

use super::{lock_of, records};
use crate::cx::Cx;
use crate::error::Error;
use crate::routes::{Scope, UseCase};

macro_rules! puts {
    ($($name:ident: $level:expr, $target:expr;)+) => {$(
        impl UseCase for $name {
            const SCOPE: Scope = Scope::Tenant;

            async fn run(self, cx: &Cx<'_>) -> Result<Saved, Error> {
                let target: fn(&TenantIdentifier, Self) -> (TenantIdentifier, Change) = $target;
                let (target, change) = target(cx.at(), self);
                put(cx, $level, target, change).await
            }
        }
    )+};
}

fn domain(id: Option<ConnectionUriDomain>) -> TenantIdentifier {
    TenantIdentifier { cud: id.unwrap_or_default(), ..TenantIdentifier::default() }
}

fn app(source: &TenantIdentifier, id: Option<AppId>) -> TenantIdentifier {
    TenantIdentifier { cud: source.cud.clone(), app: id.unwrap_or_default(), tenant: TenantId::default() }
}

fn tenant(source: &TenantIdentifier, id: Option<TenantId>) -> TenantIdentifier {
    TenantIdentifier { tenant: id.unwrap_or_default(), ..source.clone() }
}

puts! {
    PutDomain: Level::Domain, |_, put| (domain(put.id), put.change);
    PutDomainV2: Level::Domain, |_, put| (domain(put.id), put.change);
    PutApp: Level::App, |source, put| (app(source, put.id), put.change);
    PutAppV2: Level::App, |source, put| (app(source, put.id), put.change);
    PutTenant: Level::Tenant, |source, put| (tenant(source, put.id), put.change);
    PutTenantV2: Level::Tenant, |source, put| (tenant(source, put.id), put.change);
}

/// Everything that changing a tenant needs besides what is stored.
struct Plan {
    level: Level,
    source: TenantIdentifier,
    target: TenantIdentifier,
    shape: TenantShape,
    given: Option<JsonObject>,
    settings: Settings,
    /// What the target inherits, nearest first, without the base.
    inherited: Vec<JsonObject>,
    /// The overrides of those that inherit from the target.
    heirs: Vec<JsonObject>,
    base: JsonObject,
    checks: Checks,
    protected_caller: bool,
}

async fn put(cx: &Cx<'_>, level: Level, target: TenantIdentifier, change: Change) -> Result<Saved, Error> {
    if let Some(only) = &cx.core.base_config.supertokens_saas_load_only_cud
        && !target.cud.is_default()
        && target.cud.as_str() != only
    {
        return Err(Error::bad("Creation of connection uri domain or app or tenant is disallowed"));
    }
    let given = change.core_config()?;
    let settings = Settings::parse(change.body.object(), change.shape).map_err(|error| Error::bad(error.to_string()))?;
    let tenants = &cx.core.tenants;
    let plan = Plan {
        level,
        source: cx.at().clone(),
        shape: change.shape,
        given,
        settings,
        inherited: tenants.inherited(&target),
        heirs: if change.body.contains("coreConfig") { heirs(cx, &target) } else { Vec::new() },
        base: tenants.base().clone(),
        checks: tenants.checks(),
        protected_caller: cx.protected_caller,
        target: target.clone(),
    };
    let created_new = store(cx, target, move |stored| plan.apply(stored)).await?.created;
    Ok(Saved { created_new })
}

/// The overrides of an app's other tenants, as far as they are known here. Domains have no heirs: none can be made.
fn heirs(cx: &Cx<'_>, app: &TenantIdentifier) -> Vec<JsonObject> {
    let inherits = |id: &TenantIdentifier| app.tenant.is_default() && id != app && id.app_identifier() == app.app_identifier();
    let tenants = cx.core.tenants.all().into_iter().filter(|entry| inherits(&entry.record.id));
    tenants.map(|entry| entry.overrides.clone()).collect()
}

/// What differs between two configurations, removed members included.
fn difference(before: &JsonObject, after: &JsonObject) -> JsonObject {
    let same = |name: &str| match (before.get(name), after.get(name)) {
        (Some(a), Some(b)) => a.same(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let all = before.iter().chain(after.iter());
    all.filter(|(name, _)| !same(name)).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

fn invalid(reason: impl std::fmt::Display) -> Error {
    Error::bad(format!("Invalid core config: {reason}"))
}

impl Plan {
    /// The tenant as it will be, or why it may not be so. In the order in which upstream looks.
    fn apply(&self, stored: Option<Tenant>) -> Result<(Tenant, bool), Error> {
        let mut tenant = stored.unwrap_or_else(|| Tenant::new(self.target.clone(), self.shape));
        let before = tenant.core_config.clone();
        if let Some(given) = &self.given {
            tenant.core_config = merge_overrides(&tenant.core_config, given);
        }
        self.settings.clone().apply(&mut tenant).map_err(|error| Error::bad(error.to_string()))?;
        may_write(self.level, &self.source, &self.target)?;
        self.check_config(&before, &tenant.core_config)?;
        check_providers(&tenant.providers, ProviderChecks::All).map_err(|error| Error::bad(error.to_string()))?;
        Ok((tenant, true))
    }

    fn check_config(&self, before: &JsonObject, overrides: &JsonObject) -> Result<(), Error> {
        if self.target.is_base() && !overrides.is_empty() {
            return Err(Error::bad("Cannot modify base config"));
        }
        check_overrides(overrides).map_err(invalid)?;
        if self.protected_caller
            && let Some(touched) = touched_protected(&difference(before, overrides))
        {
            return Err(Error::forbidden(touched.sentence()));
        }
        if let Some(key) = names_own_database(overrides) {
            return Err(invalid(own_database_refusal(key)));
        }
        if !self.target.cud.is_default() {
            let default = ConnectionUriDomain::default();
            let (new, sentence) = (&self.target.cud, "cannot be mapped to the same user pool as");
            return Err(invalid(format!("ConnectionUriDomain: {new} {sentence} {default}")));
        }
        let inherited: Vec<&JsonObject> = self.inherited.iter().collect();
        self.check_levels(overrides, &inherited, !self.target.tenant.is_default())?;
        let for_heirs: Vec<&JsonObject> = [overrides].into_iter().chain(inherited).collect();
        self.heirs.iter().try_for_each(|heir| self.check_levels(heir, &for_heirs, true))
    }

    /// Do the settings hold, and does a tenant agree with its app where it must? `above` is what is inherited, nearest first.
    fn check_levels(&self, own: &JsonObject, above: &[&JsonObject], of_app: bool) -> Result<(), Error> {
        let mut levels = vec![own];
        levels.extend(above);
        CoreConfig::effective(&self.base, &levels, self.checks)
            .map_err(|problems| invalid(problems.first().map(ToString::to_string).unwrap_or_default()))?;
        levels.push(&self.base);
        match app_scope_conflict(levels.get(1..).unwrap_or_default(), &levels).filter(|_| of_app) {
            Some(reason) => Err(invalid(reason)),
            None => Ok(()),
        }
    }
}

/// What became of a write.
struct Stored {
    /// There was no such tenant before.
    created: bool,
    /// What `change` said besides the tenant.
    said: bool,
}

/// Reads a tenant, changes it and writes it, under the lock of its app, and takes it up here.
async fn store(
    cx: &Cx<'_>,
    target: TenantIdentifier,
    change: impl Fn(Option<Tenant>) -> Result<(Tenant, bool), Error> + Send + Sync + 'static,
) -> Result<Stored, Error> {
    let _turn = cx.core.turns.of(&target.app_identifier()).await;
    let write = Arc::new(Write { target: target.clone(), now: cx.now, change: Box::new(change) });
    let done = cx.db().tx(async move |tx| write.run(tx).await).await?;
    let (record, stored) = done?;
    if target.tenant.is_default() && !stored.created {
        cx.core.keys.forget(&target.app);
    }
    cx.core.tenants.put(record);
    Ok(stored)
}

type ChangeTenant = dyn Fn(Option<Tenant>) -> Result<(Tenant, bool), Error> + Send + Sync;

struct Write {
    target: TenantIdentifier,
    now: Millis,
    change: Box<ChangeTenant>,
}

impl Write {
    /// A refusal is an answer of the transaction, which then writes nothing.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Result<(TenantRecord, Stored), Error>, StoreError> {
        let id = &self.target;
        let app = id.app_identifier().public();
        tx.advisory_lock(&lock_of(&id.app_identifier())).await?;
        if app != *id && !tx.tenant_exists(&app.app, &app.tenant).await? {
            return Ok(Err(Error::no_tenant(&app)));
        }
        let found = tx.tenant(id).await?;
        let created = found.is_none();
        let before = match found.as_ref().map(records::tenant).transpose() {
            Ok(before) => before,
            Err(error) => return Ok(Err(error)),
        };
        let (tenant, said) = match (self.change)(before) {
            Ok(changed) => changed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let record = records::record(&tenant);
        tx.save_tenant(&record, self.now).await?;
        Ok(Ok((record, Stored { created, said })))
    }
}

fn existing(tenant: Option<Tenant>, at: &TenantIdentifier) -> Result<Tenant, Error> {
    tenant.ok_or_else(|| Error::no_tenant(at))
}

impl UseCase for PutProvider {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<Saved, Error> {
        let (at, provider, checks): (_, Provider, _) = (cx.at().clone(), self.provider, self.checks);
        let stored = store(cx, at.clone(), move |tenant| {
            let mut tenant = existing(tenant, &at)?;
            let is_new = put_provider(&mut tenant.providers, provider.clone());
            check_providers(&tenant.providers, checks).map_err(|error| Error::bad(error.to_string()))?;
            Ok((tenant, is_new))
        });
        Ok(Saved { created_new: stored.await?.said })
    }
}

impl UseCase for RemoveProvider {
    const SCOPE: Scope = Scope::Tenant;

    async fn run(self, cx: &Cx<'_>) -> Result<ProviderRemoved, Error> {
        let (at, id) = (cx.at().clone(), self.third_party_id);
        let stored = store(cx, at.clone(), move |tenant| {
            let mut tenant = existing(tenant, &at)?;
            let did_exist = remove_provider(&mut tenant.providers, &id);
            Ok((tenant, did_exist))
        });
        Ok(ProviderRemoved { did_config_exist: stored.await?.said })
    }
}

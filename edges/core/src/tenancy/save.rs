//! Creating and changing domains, apps, tenants and their providers (core-multitenancy.md 2.2 to 2.4, 3, 4).
//!
//! What is stored is read, changed and written in one transaction under the lock of the app's name, so two callers never undo each
//! other and exactly one of two creators is told that it created. No signing key is made here: keys come with the first use.

use std::sync::Arc;

use supertokens_domain::ids::{AppId, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_domain::json::JsonObject;
use supertokens_domain::tenancy::permission::Level;
use supertokens_domain::tenancy::provider::{check_providers, put_provider, remove_provider};
use supertokens_domain::tenancy::{Around, ChangeRefused, Provider, Settings, Tenant, TenantChange};
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

async fn put(cx: &Cx<'_>, level: Level, target: TenantIdentifier, change: Change) -> Result<Saved, Error> {
    if let Some(only) = &cx.core.base_config.supertokens_saas_load_only_cud
        && !target.cud.is_default()
        && target.cud.as_str() != only
    {
        return Err(Error::bad("Creation of connection uri domain or app or tenant is disallowed"));
    }
    let given = change.core_config()?;
    let settings = Settings::parse(change.body.object(), change.shape).map_err(|error| Error::bad(error.to_string()))?;
    let (source, shape, protected_caller) = (cx.at().clone(), change.shape, cx.protected_caller);
    let change = TenantChange { level, source, target: target.clone(), shape, given, settings, protected_caller };
    change.check_alone()?;
    let (base, checks) = (cx.core.tenants.base().clone(), cx.core.tenants.checks());
    // Who else is concerned must be known when the turn is ours, not before.
    let reads = match &change.given {
        Some(given) if target.tenant.is_default() && !given.is_empty() => Neighbours::Heirs,
        _ if target.tenant.is_default() => Neighbours::None,
        _ => Neighbours::Parent,
    };
    let stored = store(cx, target, reads, move |stored, found| {
        let around = Around { inherited: &found.inherited, heirs: &found.heirs, base: &base, checks };
        Ok((change.apply(stored, &around)?, true))
    });
    Ok(Saved { created_new: stored.await?.created })
}

impl From<ChangeRefused> for Error {
    fn from(refused: ChangeRefused) -> Self {
        match refused {
            ChangeRefused::Denied(denied) => denied.into(),
            other => Self::bad(other.to_string()),
        }
    }
}

/// Whose settings a change depends on, besides the tenant's own. Domains have no heirs here: none can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neighbours {
    None,
    /// The app's, for one of its tenants.
    Parent,
    /// Those of an app's other tenants.
    Heirs,
}

/// The settings of the neighbours, as they are stored while we write.
#[derive(Default)]
struct Found {
    inherited: Vec<JsonObject>,
    heirs: Vec<JsonObject>,
}

impl Neighbours {
    async fn read(self, tx: &mut Tx<'_>, of: &TenantIdentifier) -> Result<Result<Found, Error>, StoreError> {
        let app = of.app_identifier();
        let objects = |texts: Vec<String>| texts.iter().map(|text| records::object(text)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Self::None => Ok(Found::default()),
            Self::Parent => objects(tx.overrides_of(&app.public()).await?.into_iter().collect())
                .map(|inherited| Found { inherited, heirs: Vec::new() }),
            Self::Heirs => objects(tx.overrides_of_tenants(&app).await?).map(|heirs| Found { inherited: Vec::new(), heirs }),
        })
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
    reads: Neighbours,
    change: impl Fn(Option<Tenant>, &Found) -> Result<(Tenant, bool), Error> + Send + Sync + 'static,
) -> Result<Stored, Error> {
    let _turn = cx.core.turns.of(&target.app_identifier()).await;
    let write = Arc::new(Write { target: target.clone(), reads, now: cx.now, change: Box::new(change) });
    let done = cx.db().tx(async move |tx| write.run(tx).await).await?;
    let (record, stored) = done?;
    if target.tenant.is_default() && !stored.created {
        cx.core.keys.forget(&target.app);
    }
    cx.core.tenants.put(record);
    Ok(stored)
}

type ChangeTenant = dyn Fn(Option<Tenant>, &Found) -> Result<(Tenant, bool), Error> + Send + Sync;

struct Write {
    target: TenantIdentifier,
    reads: Neighbours,
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
        // A new app has no tenants yet.
        let reads = if created && self.reads == Neighbours::Heirs { Neighbours::None } else { self.reads };
        let neighbours = match reads.read(tx, id).await? {
            Ok(neighbours) => neighbours,
            Err(error) => return Ok(Err(error)),
        };
        let (tenant, said) = match (self.change)(before, &neighbours) {
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
        let stored = store(cx, at.clone(), Neighbours::None, move |tenant, _| {
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
        let stored = store(cx, at.clone(), Neighbours::None, move |tenant, _| {
            let mut tenant = existing(tenant, &at)?;
            let did_exist = remove_provider(&mut tenant.providers, &id);
            Ok((tenant, did_exist))
        });
        Ok(ProviderRemoved { did_config_exist: stored.await?.said })
    }
}

//! Creating and changing domains, apps, tenants and their providers (core-multitenancy.md 2.2 to 2.4, 3, 4).
//!
//! What is stored is compared and written in one transaction under the lock of the app's name, so two callers never undo each other
//! and exactly one of two creators is told that it created. What becomes of it is worked out before, of what is known here: on SQLite
//! everybody waits for a transaction. No signing key is made here: keys come with the first use.

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
use crate::use_case::{Scope, UseCase};

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
    let tenants = &cx.core.tenants;
    let reads = match target.tenant.is_default() {
        true if change.concerns_heirs() => Neighbours::Heirs,
        true => Neighbours::None,
        false => Neighbours::Parent,
    };
    let stored = store(cx, target, reads, |stored, found| {
        let (base, checks, rules) = (tenants.base(), tenants.checks(), tenants.rules());
        let around = Around { inherited: &found.inherited, heirs: &found.heirs, base, checks, rules };
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

/// The settings of the neighbours.
#[derive(Default)]
struct Found {
    inherited: Vec<JsonObject>,
    heirs: Vec<JsonObject>,
}

/// A tenant and its neighbours as they are stored, or were when somebody looked.
#[derive(Clone, PartialEq)]
struct Seen {
    tenant: Option<TenantRecord>,
    /// What the app overrides, for one of its tenants.
    parent: Option<String>,
    /// What the tenants of an app override; each configuration once, in the order of the texts.
    heirs: Vec<String>,
}

impl Seen {
    /// As this process knows them.
    fn here(cx: &Cx<'_>, of: &TenantIdentifier, reads: Neighbours) -> Self {
        let (tenants, app) = (&cx.core.tenants, of.app_identifier());
        let tenant = tenants.record(of);
        // A new app has no tenants yet.
        let heirs = if tenant.is_some() && reads == Neighbours::Heirs { tenants.overrides_of_tenants(&app) } else { Vec::new() };
        let parent = if reads == Neighbours::Parent { tenants.record(&app.public()) } else { None };
        Self { tenant, parent: parent.map(|record| record.core_config), heirs }
    }

    async fn stored(tx: &mut Tx<'_>, of: &TenantIdentifier, reads: Neighbours) -> Result<Self, StoreError> {
        let (app, tenant) = (of.app_identifier(), tx.tenant(of).await?);
        let mut seen = Self { tenant, parent: None, heirs: Vec::new() };
        match reads {
            Neighbours::Parent => seen.parent = tx.overrides_of(&app.public()).await?,
            Neighbours::Heirs if seen.tenant.is_some() => {
                seen.heirs = tx.overrides_of_tenants(&app).await?;
                seen.heirs.sort_unstable();
            }
            Neighbours::Heirs | Neighbours::None => {}
        }
        Ok(seen)
    }

    /// What becomes of the tenant, and what `change` says besides.
    fn changed(&self, change: &ChangeTenant<'_>) -> Result<(TenantRecord, bool), Error> {
        let objects =
            |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| records::object(text)).collect::<Result<_, _>>();
        let found = Found { inherited: objects(&mut self.parent.iter())?, heirs: objects(&mut self.heirs.iter())? };
        let (tenant, said) = change(self.tenant.as_ref().map(records::tenant).transpose()?, &found)?;
        Ok((records::record(&tenant), said))
    }
}

/// What became of a write.
struct Stored {
    /// There was no such tenant before.
    created: bool,
    /// What `change` said besides the tenant.
    said: bool,
}

type ChangeTenant<'a> = dyn Fn(Option<Tenant>, &Found) -> Result<(Tenant, bool), Error> + Send + Sync + 'a;

/// So often it may turn out that another process has changed what we looked at.
const ATTEMPTS: usize = 10;

/// Changes a tenant and writes it, under the lock of its app, and takes it up here.
async fn store(
    cx: &Cx<'_>,
    target: TenantIdentifier,
    reads: Neighbours,
    change: impl Fn(Option<Tenant>, &Found) -> Result<(Tenant, bool), Error> + Send + Sync,
) -> Result<Stored, Error> {
    let _turn = cx.core.turns.of(&target.app_identifier()).await?;
    let mut seen = Seen::here(cx, &target, reads);
    for _ in 0..ATTEMPTS {
        let changed = seen.changed(&change);
        let record = changed.as_ref().ok().map(|(record, _)| record.clone());
        let created = seen.tenant.is_none();
        let write = Arc::new(Write { target: target.clone(), reads, now: cx.now, seen, record });
        match cx.db().tx(async move |tx| write.run(tx).await).await?? {
            Some(stored) => seen = stored,
            None => {
                let (record, said) = changed?;
                if target.tenant.is_default() && !created {
                    cx.core.keys.forget(&target.app);
                }
                cx.core.tenants.put(record);
                return Ok(Stored { created, said });
            }
        }
    }
    Err(Error::fault("other processes changed the same tenants again and again"))
}

struct Write {
    target: TenantIdentifier,
    reads: Neighbours,
    now: Millis,
    seen: Seen,
    /// Nothing, if the change is refused: then it is only made sure that it is refused for what is stored.
    record: Option<TenantRecord>,
}

impl Write {
    /// What is stored, if it is not what was seen; then nothing is written. A refusal is an answer of the transaction.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Result<Option<Seen>, Error>, StoreError> {
        let id = &self.target;
        let app = id.app_identifier().public();
        tx.advisory_lock(&lock_of(&id.app_identifier())).await?;
        if app != *id && !tx.tenant_exists(&app.app, &app.tenant).await? {
            return Ok(Err(Error::no_tenant(&app)));
        }
        let stored = Seen::stored(tx, id, self.reads).await?;
        if stored != self.seen {
            return Ok(Ok(Some(stored)));
        }
        if let Some(record) = &self.record {
            tx.save_tenant(record, self.now).await?;
        }
        Ok(Ok(None))
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

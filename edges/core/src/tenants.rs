//! Which tenants there are, and the settings of each, kept in memory (core-multitenancy.md 1 and 7).
//!
//! Staleness: what another process creates is found at once (a miss asks the database, at most once a second for a name, and for a
//! bounded number of names a second); what it changes or removes is seen within 60 s, when the list is read again.
//!
//! A tenant that cannot be served is kept too, as left out: it is not there, and nobody asks again until its settings change.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use supertokens_domain::config::{AddressRules, Checks, CoreConfig, names_own_database};
use supertokens_domain::ids::{AppId, AppIdentifier, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_domain::json::JsonObject;
use supertokens_domain::tenancy::names::may_exist;
use supertokens_domain::time::{Millis, SECOND};
use supertokens_store::Db;
use supertokens_store::TenantRecord;
use supertokens_wire::version::{CdiVersion, served_version};

use crate::error::Error;

/// For so many unknown names a second the database is asked; it is taken for granted that others are not there. Nobody needs a key to
/// ask for one.
const MISSES_A_SECOND: usize = 200;

/// A tenant with its effective settings.
#[derive(Debug)]
pub struct Entry {
    /// As it is stored.
    pub record: TenantRecord,
    /// Its own settings, parsed: the overrides only.
    pub overrides: JsonObject,
    /// What counts for it: own settings, then the app's, then the domain's, then the base settings.
    pub config: CoreConfig,
    pub(crate) max_version: Option<CdiVersion>,
    pub(crate) min_version: Option<CdiVersion>,
}

/// A stored tenant as this process has it.
#[derive(Debug, Clone)]
enum Stored {
    Served(Arc<Entry>),
    /// Its settings do not hold, or its database is not ours: it answers to nobody.
    LeftOut(Arc<TenantRecord>),
}

impl Stored {
    fn record(&self) -> &TenantRecord {
        match self {
            Self::Served(entry) => &entry.record,
            Self::LeftOut(record) => record,
        }
    }

    fn served(&self) -> Option<&Arc<Entry>> {
        match self {
            Self::Served(entry) => Some(entry),
            Self::LeftOut(_) => None,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Served(a), Self::Served(b)) => Arc::ptr_eq(a, b),
            (Self::LeftOut(a), Self::LeftOut(b)) => a == b,
            _ => false,
        }
    }
}

type ById = HashMap<TenantIdentifier, Stored>;

#[derive(Debug, Default)]
struct Known {
    tenants: ById,
    /// Every domain but the default one of which something is stored, left out or not.
    domains: HashSet<ConnectionUriDomain>,
}

impl From<ById> for Known {
    fn from(tenants: ById) -> Self {
        let domains = tenants.keys().map(|id| &id.cud).filter(|cud| !cud.is_default()).cloned().collect();
        Self { tenants, domains }
    }
}

/// What was different when the list was read again.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// Apps whose settings changed.
    pub changed: Vec<AppIdentifier>,
    /// Apps that are not there any more.
    pub gone: Vec<AppIdentifier>,
}

/// Every tenant that this process knows.
pub struct Tenants {
    db: Db,
    base: JsonObject,
    checks: Checks,
    rules: AddressRules,
    known: RwLock<Known>,
    misses: Mutex<HashMap<TenantIdentifier, Millis>>,
    /// How often `known` was changed one by one. A list that was read before such a change is read again.
    changes: AtomicU64,
}

/// How often a list is read when changes keep coming in between.
const READS: usize = 5;

/// A read lock on the known tenants survives a panic elsewhere: the map is always whole.
fn unpoisoned<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

impl Tenants {
    pub(crate) fn new(db: Db, base: JsonObject, checks: Checks, rules: AddressRules) -> Self {
        Self { db, base, checks, rules, known: RwLock::default(), misses: Mutex::default(), changes: AtomicU64::new(0) }
    }

    /// The settings that count where nothing overrides them.
    pub fn base(&self) -> &JsonObject {
        &self.base
    }

    /// Which range checks apply.
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// The rules about addresses of all tenants.
    pub fn rules(&self) -> &AddressRules {
        &self.rules
    }

    /// A tenant as it is stored, as far as this process knows, left out or not. No IO.
    pub(crate) fn record(&self, at: &TenantIdentifier) -> Option<TenantRecord> {
        unpoisoned(self.known.read()).tenants.get(at).map(|stored| stored.record().clone())
    }

    /// What the tenants of an app override, the public one left out; each configuration once, in the order of the texts. No IO.
    pub(crate) fn overrides_of_tenants(&self, app: &AppIdentifier) -> Vec<String> {
        let known = unpoisoned(self.known.read());
        let of_app = |id: &&TenantIdentifier| id.app == app.app && id.cud == app.cud && !id.tenant.is_default();
        let records = known.tenants.iter().filter(|(id, _)| of_app(id)).map(|(_, stored)| stored.record());
        let mut texts: Vec<String> = records.map(|record| record.core_config.clone()).collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    /// The domain that a host name selects: itself if something is configured for it, the default otherwise.
    pub(crate) fn domain_of(&self, host: &str) -> ConnectionUriDomain {
        let known = unpoisoned(self.known.read());
        if known.domains.is_empty() {
            return ConnectionUriDomain::default();
        }
        let named = ConnectionUriDomain::normalise(host);
        if known.domains.contains(&named) { named } else { ConnectionUriDomain::default() }
    }

    /// A tenant, if it is known here. No IO.
    pub fn known(&self, at: &TenantIdentifier) -> Option<Arc<Entry>> {
        unpoisoned(self.known.read()).tenants.get(at)?.served().cloned()
    }

    fn stored(&self, at: &TenantIdentifier) -> Option<Stored> {
        unpoisoned(self.known.read()).tenants.get(at).cloned()
    }

    /// May the database be asked for this one, which is not known here?
    fn may_ask(&self, at: &TenantIdentifier, now: Millis) -> bool {
        if !may_exist(at) {
            return false;
        }
        let is_fresh = |missed: &Millis| (0..SECOND).contains(&(now - *missed));
        let mut misses = unpoisoned(self.misses.lock());
        if misses.get(at).is_some_and(is_fresh) {
            return false;
        }
        if misses.len() >= MISSES_A_SECOND {
            misses.retain(|_, missed| is_fresh(missed));
        }
        misses.len() < MISSES_A_SECOND
    }

    /// A tenant, asking the database if it is not known here.
    pub async fn find(&self, at: &TenantIdentifier, now: Millis) -> Result<Option<Arc<Entry>>, Error> {
        if let Some(stored) = self.stored(at) {
            return Ok(stored.served().cloned());
        }
        // In a box: nearly every request ends above, and all of them would carry the room for this about.
        if self.may_ask(at, now) { Box::pin(self.ask(at, now)).await } else { Ok(None) }
    }

    /// Asks the database for a tenant that is not known here.
    async fn ask(&self, at: &TenantIdentifier, now: Millis) -> Result<Option<Arc<Entry>>, Error> {
        let wanted = at.clone();
        let parent = TenantIdentifier { tenant: TenantId::default(), ..at.clone() };
        let (record, parent_record) = self
            .db
            .read(async move |tx| {
                let record = tx.tenant(&wanted).await?;
                let parent = if record.is_some() && parent != wanted { tx.tenant(&parent).await? } else { None };
                Ok((record, parent))
            })
            .await?;
        let Some(record) = record else {
            unpoisoned(self.misses.lock()).insert(at.clone(), now);
            return Ok(None);
        };
        // Somebody may have stored a newer one while we were reading.
        for found in parent_record.into_iter().chain([record]) {
            if self.stored(&found.id).is_none() {
                self.put(found);
            }
        }
        Ok(self.known(at))
    }

    /// Reads the whole list again. A tenant whose settings do not hold is left out, with an error in the log; the rest goes on.
    pub async fn reload(&self) -> Result<Reloaded, Error> {
        for _ in 0..READS {
            let changes = self.changes.load(Ordering::SeqCst);
            let records = self.db.read_long(async |tx| tx.tenants().await).await?;
            let before = unpoisoned(self.known.read()).tenants.clone();
            let fresh = self.all_stored(records, &before);
            let mut known = unpoisoned(self.known.write());
            if self.changes.load(Ordering::SeqCst) != changes {
                continue;
            }
            let reloaded = difference(&before, &fresh);
            *known = Known::from(fresh);
            drop(known);
            unpoisoned(self.misses.lock()).clear();
            return Ok(reloaded);
        }
        // Every change so far was taken up by itself; the next reload sees the rest.
        Ok(Reloaded::default())
    }

    /// One that has not changed, nor what it inherits, is kept as it is.
    fn all_stored(&self, records: Vec<TenantRecord>, before: &ById) -> ById {
        let by_id: HashMap<TenantIdentifier, TenantRecord> =
            records.into_iter().map(|record| (record.id.clone(), record)).collect();
        let inherited = |id: &TenantIdentifier| by_id.get(id).map(|record| record.core_config.clone());
        let stored = |(id, record): (&TenantIdentifier, &TenantRecord)| {
            let kept = before.get(id).filter(|old| old.record() == record && Self::parents_unchanged(id, before, &by_id));
            (id.clone(), kept.cloned().unwrap_or_else(|| self.entry(record.clone(), inherited)))
        };
        by_id.iter().map(stored).collect()
    }

    fn parents_unchanged(id: &TenantIdentifier, before: &ById, now: &HashMap<TenantIdentifier, TenantRecord>) -> bool {
        parents(id).iter().all(|id| before.get(id).map(|old| &old.record().core_config) == now.get(id).map(|r| &r.core_config))
    }

    /// Takes up a tenant that was just stored. Those that inherit from it follow.
    pub fn put(&self, record: TenantRecord) {
        let id = record.id.clone();
        unpoisoned(self.misses.lock()).remove(&id);
        let heirs: Vec<TenantRecord> = {
            let known = unpoisoned(self.known.read());
            let changed = known.tenants.get(&id).is_some_and(|old| old.record().core_config != record.core_config);
            let inherits = |heir: &&TenantRecord| changed && heir.id != id && parents(&heir.id).contains(&id);
            known.tenants.values().map(Stored::record).filter(inherits).cloned().collect()
        };
        self.put_one(record);
        for heir in heirs {
            self.put_one(heir);
        }
    }

    fn put_one(&self, record: TenantRecord) {
        let id = record.id.clone();
        let stored = self.entry(record, |parent| self.stored(parent).map(|parent| parent.record().core_config.clone()));
        let mut known = unpoisoned(self.known.write());
        if known.tenants.get(&id).is_some_and(|old| old.is_same(&stored)) {
            return;
        }
        self.changes.fetch_add(1, Ordering::SeqCst);
        if !id.cud.is_default() {
            known.domains.insert(id.cud.clone());
        }
        known.tenants.insert(id, stored);
    }

    /// Forgets a tenant that was just removed.
    pub fn remove(&self, at: &TenantIdentifier) {
        let mut known = unpoisoned(self.known.write());
        self.changes.fetch_add(1, Ordering::SeqCst);
        known.tenants.remove(at);
        if !at.cud.is_default() && !known.tenants.keys().any(|id| id.cud == at.cud) {
            known.domains.remove(&at.cud);
        }
    }

    /// Forgets an app of which a write has shown that it is not there any more. Whoever asks for it next asks the database.
    pub(crate) fn remove_app(&self, app: &AppIdentifier) {
        let mut known = unpoisoned(self.known.write());
        self.changes.fetch_add(1, Ordering::SeqCst);
        known.tenants.retain(|id, _| id.app != app.app || id.cud != app.cud);
    }

    /// Every tenant that is known.
    pub fn all(&self) -> Vec<Arc<Entry>> {
        unpoisoned(self.known.read()).tenants.values().filter_map(Stored::served).cloned().collect()
    }

    /// The overrides that a tenant inherits, nearest first, without the base settings.
    pub fn inherited(&self, at: &TenantIdentifier) -> Vec<JsonObject> {
        parents(at).iter().filter_map(|id| self.known(id)).map(|entry| entry.overrides.clone()).collect()
    }

    fn entry(&self, record: TenantRecord, parent_config: impl Fn(&TenantIdentifier) -> Option<String>) -> Stored {
        let read = |text: &str| JsonObject::parse(text).unwrap_or_default();
        let overrides = read(&record.core_config);
        let inherited: Vec<JsonObject> = parents(&record.id).iter().filter_map(parent_config).map(|text| read(&text)).collect();
        let mut layers = vec![&overrides];
        layers.extend(inherited.iter());
        let key = layers.iter().find_map(|layer| names_own_database(layer));
        if key.is_some() || !record.id.cud.is_default() {
            let key = key.unwrap_or("connectionUriDomain");
            tracing::error!(tenant = %record.id, key, "the tenant has its own database, which this core does not serve yet; it is left out");
            return Stored::LeftOut(Arc::new(record));
        }
        match CoreConfig::effective_sharing(&self.base, &layers, self.checks, &self.rules) {
            Ok(config) => Stored::Served(Arc::new(Entry {
                max_version: config.supertokens_max_cdi_version.as_deref().and_then(served_version),
                min_version: config.supertokens_min_cdi_version.as_deref().and_then(served_version),
                overrides,
                config,
                record,
            })),
            Err(problems) => {
                let problem = problems.first().map(ToString::to_string).unwrap_or_default();
                tracing::error!(tenant = %record.id, problem, "the tenant's settings do not hold; it is left out");
                Stored::LeftOut(Arc::new(record))
            }
        }
    }
}

/// Which apps are not what they were.
fn difference(before: &ById, now: &ById) -> Reloaded {
    let mut reloaded = Reloaded::default();
    for (id, old) in before.iter().filter(|(id, _)| id.tenant.is_default()) {
        match now.get(id) {
            None => reloaded.gone.push(id.app_identifier()),
            Some(new) if !new.is_same(old) => reloaded.changed.push(id.app_identifier()),
            Some(_) => {}
        }
    }
    reloaded
}

/// From whom a tenant inherits settings, nearest first: its app, then its domain.
fn parents(id: &TenantIdentifier) -> Vec<TenantIdentifier> {
    let app = TenantIdentifier { tenant: TenantId::default(), ..id.clone() };
    let domain = TenantIdentifier { app: AppId::default(), ..app.clone() };
    let mut parents = Vec::new();
    for parent in [app, domain] {
        // The base tenant's own settings are the base settings; it has no overrides.
        if parent != *id && !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    parents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_the_app_and_then_from_the_domain() {
        let id = |cud: &str, app: &str, tenant: &str| TenantIdentifier {
            cud: ConnectionUriDomain::normalise(cud),
            app: AppId::normalise(app),
            tenant: TenantId::normalise(tenant),
        };
        assert_eq!(parents(&id("c", "a", "t")), [id("c", "a", ""), id("c", "", "")]);
        assert_eq!(parents(&id("c", "", "t")), [id("c", "", "")]);
        assert_eq!(parents(&id("c", "", "")), []);
    }
}

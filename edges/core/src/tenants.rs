//! Which tenants there are, and the settings of each, kept in memory (core-multitenancy.md 1 and 7).
//!
//! Staleness: what another process creates is found at once (a miss asks the database, at most once a second for a name); what it
//! changes or removes is seen within 60 s, when the list is read again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use supertokens_domain::config::{Checks, CoreConfig, names_own_database};
use supertokens_domain::ids::{AppId, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_domain::json::JsonObject;
use supertokens_domain::time::{Millis, SECOND};
use supertokens_store::Db;
use supertokens_store::TenantRecord;
use supertokens_wire::version::{CdiVersion, served_version};

use crate::error::Error;

const MISSES_KEPT: usize = 10_000;

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

type Known = HashMap<TenantIdentifier, Arc<Entry>>;

/// Every tenant that this process knows.
pub struct Tenants {
    db: Db,
    base: JsonObject,
    checks: Checks,
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
    pub(crate) fn new(db: Db, base: JsonObject, checks: Checks) -> Self {
        Self { db, base, checks, known: RwLock::default(), misses: Mutex::default(), changes: AtomicU64::new(0) }
    }

    /// The settings that count where nothing overrides them.
    pub fn base(&self) -> &JsonObject {
        &self.base
    }

    /// Which range checks apply.
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// The domain that a host name selects: itself if something is configured for it, the default otherwise.
    pub(crate) fn domain_of(&self, host: &str) -> ConnectionUriDomain {
        let named = ConnectionUriDomain::normalise(host);
        let known = unpoisoned(self.known.read());
        let has = known.contains_key(&TenantIdentifier { cud: named.clone(), ..TenantIdentifier::default() });
        if has { named } else { ConnectionUriDomain::default() }
    }

    /// A tenant, if it is known here. No IO.
    pub fn known(&self, at: &TenantIdentifier) -> Option<Arc<Entry>> {
        unpoisoned(self.known.read()).get(at).cloned()
    }

    /// A tenant, asking the database if it is not known here.
    pub async fn find(&self, at: &TenantIdentifier, now: Millis) -> Result<Option<Arc<Entry>>, Error> {
        if let Some(entry) = self.known(at) {
            return Ok(Some(entry));
        }
        {
            let misses = unpoisoned(self.misses.lock());
            if misses.get(at).is_some_and(|missed| (0..SECOND).contains(&(now - missed))) {
                return Ok(None);
            }
        }
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
            let mut misses = unpoisoned(self.misses.lock());
            if misses.len() >= MISSES_KEPT {
                misses.clear();
            }
            misses.insert(at.clone(), now);
            return Ok(None);
        };
        // Somebody may have stored a newer one while we were reading.
        for found in parent_record.into_iter().chain([record]) {
            if self.known(&found.id).is_none() {
                self.put(found);
            }
        }
        Ok(self.known(at))
    }

    /// Reads the whole list again. A tenant whose settings do not hold is left out, with an error in the log; the rest goes on.
    /// Returns the apps whose settings changed or that are gone.
    pub async fn reload(&self) -> Result<Vec<AppId>, Error> {
        for _ in 0..READS {
            let changes = self.changes.load(Ordering::SeqCst);
            let records = self.db.read(async |tx| tx.tenants().await).await?;
            let before = unpoisoned(self.known.read()).clone();
            let fresh = self.entries(records, &before);
            let mut known = unpoisoned(self.known.write());
            if self.changes.load(Ordering::SeqCst) != changes {
                continue;
            }
            let apps = before.iter().filter(|(id, _)| id.tenant.is_default());
            let changed = apps.filter(|(id, entry)| !fresh.get(id).is_some_and(|now| Arc::ptr_eq(now, entry)));
            let changed = changed.map(|(id, _)| id.app.clone()).collect();
            *known = fresh;
            drop(known);
            unpoisoned(self.misses.lock()).clear();
            return Ok(changed);
        }
        // Every change so far was taken up by itself; the next reload sees the rest.
        Ok(Vec::new())
    }

    /// Entries of records; one that has not changed, nor what it inherits, is kept.
    fn entries(&self, records: Vec<TenantRecord>, before: &Known) -> Known {
        let by_id: HashMap<TenantIdentifier, TenantRecord> =
            records.into_iter().map(|record| (record.id.clone(), record)).collect();
        let mut fresh = HashMap::with_capacity(by_id.len());
        for (id, record) in &by_id {
            let kept = before.get(id).filter(|entry| entry.record == *record && Self::parents_unchanged(id, before, &by_id));
            let inherited = |id: &TenantIdentifier| by_id.get(id).map(|record| record.core_config.clone());
            if let Some(entry) = kept.cloned().or_else(|| self.entry(record.clone(), inherited)) {
                fresh.insert(id.clone(), entry);
            }
        }
        fresh
    }

    fn parents_unchanged(id: &TenantIdentifier, before: &Known, now: &HashMap<TenantIdentifier, TenantRecord>) -> bool {
        parents(id).iter().all(|id| before.get(id).map(|entry| &entry.record.core_config) == now.get(id).map(|r| &r.core_config))
    }

    /// Takes up a tenant that was just stored. Those that inherit from it follow.
    pub fn put(&self, record: TenantRecord) {
        let id = record.id.clone();
        unpoisoned(self.misses.lock()).remove(&id);
        let heirs: Vec<TenantRecord> = {
            let known = unpoisoned(self.known.read());
            let changed = known.get(&id).is_some_and(|entry| entry.record.core_config != record.core_config);
            let heirs =
                known.values().filter(|entry| changed && entry.record.id != id && parents(&entry.record.id).contains(&id));
            heirs.map(|entry| entry.record.clone()).collect()
        };
        self.put_one(record);
        for heir in heirs {
            self.put_one(heir);
        }
    }

    fn put_one(&self, record: TenantRecord) {
        let id = record.id.clone();
        let entry = self.entry(record, |parent| self.known(parent).map(|entry| entry.record.core_config.clone()));
        let mut known = unpoisoned(self.known.write());
        self.changes.fetch_add(1, Ordering::SeqCst);
        match entry {
            Some(entry) => known.insert(id, entry),
            None => known.remove(&id),
        };
    }

    /// Forgets a tenant that was just removed.
    pub fn remove(&self, at: &TenantIdentifier) {
        let mut known = unpoisoned(self.known.write());
        self.changes.fetch_add(1, Ordering::SeqCst);
        known.remove(at);
    }

    /// Every tenant that is known.
    pub fn all(&self) -> Vec<Arc<Entry>> {
        unpoisoned(self.known.read()).values().cloned().collect()
    }

    /// The overrides that a tenant inherits, nearest first, without the base settings.
    pub fn inherited(&self, at: &TenantIdentifier) -> Vec<JsonObject> {
        parents(at).iter().filter_map(|id| self.known(id)).map(|entry| entry.overrides.clone()).collect()
    }

    fn entry(&self, record: TenantRecord, parent_config: impl Fn(&TenantIdentifier) -> Option<String>) -> Option<Arc<Entry>> {
        let read = |text: &str| JsonObject::parse(text).unwrap_or_default();
        let overrides = read(&record.core_config);
        if let Some(key) = names_own_database(&overrides) {
            tracing::error!(tenant = %record.id, key, "the tenant has its own database, which this core does not serve yet; it is left out");
            return None;
        }
        let inherited: Vec<JsonObject> = parents(&record.id).iter().filter_map(parent_config).map(|text| read(&text)).collect();
        let mut layers = vec![&overrides];
        layers.extend(inherited.iter());
        match CoreConfig::effective(&self.base, &layers, self.checks) {
            Ok(config) => Some(Arc::new(Entry {
                max_version: config.supertokens_max_cdi_version.as_deref().and_then(served_version),
                min_version: config.supertokens_min_cdi_version.as_deref().and_then(served_version),
                overrides,
                config,
                record,
            })),
            Err(problems) => {
                let problem = problems.first().map(ToString::to_string).unwrap_or_default();
                tracing::error!(tenant = %record.id, problem, "the tenant's settings do not hold; it is left out");
                None
            }
        }
    }
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

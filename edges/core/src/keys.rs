//! The keys of each app: rotating and static signing keys, and the key of refresh tokens. Where they come from, how long they are kept,
//! and how two processes that start at once agree (core-session.md 4.5, 5.1 to 5.4; decision 13).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::secret::Secret;
use supertokens_domain::session::key_schedule::KeyPolicy;
use supertokens_domain::session::refresh_token::RefreshKey;
use supertokens_domain::session::signing_key::{SigningKey, VerifyingKey};
use supertokens_domain::time::{Millis, SECOND};
use supertokens_store::{Db, DynamicKeyRow, StaticKeyRow, StoreError};
use tokio::sync::{Mutex as Queue, MutexGuard};

use crate::error::Error;
use crate::ports::{Entropy, uuid};

mod stock;

pub use stock::SpareKeys;
use stock::Stock;

const REFRESH_KEY: &str = "refresh_token_key";
const LEGACY_KEY: &str = "access_token_signing_key";

/// At most this many reloads at once because of an unknown key id, and one more a second: such tokens cost an attacker nothing.
const RELOAD_BURST: u32 = 5;

/// So long anybody waits for another who is fetching the same keys: as long as the database lets one wait for a lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the keys of an app depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeySettings {
    pub(crate) policy: KeyPolicy,
    /// Where a key in the oldest format goes.
    pub(crate) legacy_is_dynamic: bool,
}

/// Which kind of key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rotates.
    Dynamic,
    /// Never changes.
    Static,
}

/// All keys of an app at one instant. Cheap to share.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    /// Newest first, with the time of creation.
    dynamic: Vec<(Millis, Arc<SigningKey>)>,
    /// Newest first, with the time of creation.
    statics: Vec<(Millis, Arc<SigningKey>)>,
}

impl KeySet {
    fn created(&self) -> Vec<Millis> {
        self.dynamic.iter().map(|(created, _)| *created).collect()
    }

    fn newest(&self) -> Option<Millis> {
        self.dynamic.first().map(|(created, _)| *created)
    }

    /// The key that signs now.
    pub(crate) fn signing(&self, kind: Kind, policy: &KeyPolicy, now: Millis) -> Result<&SigningKey, Error> {
        let key = match kind {
            Kind::Static => self.statics.first(),
            Kind::Dynamic => policy.signing_index(&self.created(), now).and_then(|i| self.dynamic.get(i)),
        };
        key.map(|(_, key)| &**key).ok_or_else(|| Error::fault("the app has no signing key"))
    }

    /// Everything that is accepted now: rotating keys newest first, then static ones.
    pub(crate) fn published(&self, policy: &KeyPolicy, now: Millis) -> Vec<VerifyingKey> {
        let dynamic = self.published_dynamic(policy, now).map(|(_, key)| key.verifying());
        dynamic.chain(self.statics.iter().map(|(_, key)| key.verifying())).collect()
    }

    /// The rotating keys that are accepted now, newest first.
    pub(crate) fn published_dynamic(&self, policy: &KeyPolicy, now: Millis) -> impl Iterator<Item = (Millis, &SigningKey)> {
        let policy = *policy;
        self.dynamic
            .iter()
            .filter(move |(created, _)| policy.is_published(*created, now))
            .map(|(created, key)| (*created, &**key))
    }

    /// For how long a cache may keep the set, in seconds.
    pub(crate) fn max_age_seconds(&self, policy: &KeyPolicy, now: Millis) -> i64 {
        self.newest().map_or(1, |newest| policy.max_age_seconds(newest, now))
    }

    /// When the newest static key was made, in ms.
    pub(crate) fn static_created(&self) -> Millis {
        self.statics.first().map_or(0, |(created, _)| *created)
    }

    fn wants_dynamic(&self, settings: &KeySettings, now: Millis) -> bool {
        settings.policy.needs_new(self.newest(), now)
    }

    fn is_wanting(&self, settings: &KeySettings, now: Millis) -> bool {
        self.statics.is_empty() || self.wants_dynamic(settings, now)
    }

    fn kids(&self) -> impl Iterator<Item = &str> {
        self.dynamic.iter().chain(&self.statics).map(|(_, key)| key.kid())
    }

    fn known(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.dynamic.iter().chain(&self.statics).map(|(_, key)| key).find(|key| key.kid() == kid).cloned()
    }
}

#[derive(Default)]
struct AppKeys {
    set: ArcSwapOption<KeySet>,
    /// The key of refresh tokens, and when it was made.
    refresh: OnceLock<(Millis, Arc<RefreshKey>)>,
    /// When the app was made, as it stood in the database whenever keys were loaded.
    born: Mutex<HashSet<Option<Millis>>>,
    loading: Queue<()>,
    loading_refresh: Queue<()>,
    /// When a new key was last due and could not be made; 0 for never.
    failed: AtomicI64,
    reloads: Mutex<Bucket>,
}

impl AppKeys {
    /// Waits until nobody else fetches the same.
    async fn turn(queue: &Queue<()>) -> Result<MutexGuard<'_, ()>, Error> {
        let turn = tokio::time::timeout(PATIENCE, queue.lock()).await;
        turn.map_err(|_| Error::fault(StoreError::Overloaded))
    }

    fn was_born(&self, at: Option<Millis>) {
        self.born.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
    }
}

/// What was kept of an app's keys at one instant.
pub(crate) struct Kept {
    app: AppId,
    keys: Arc<AppKeys>,
    set: Option<Arc<KeySet>>,
    /// When its key of refresh tokens was made.
    sealing: Option<Millis>,
}

struct Bucket {
    left: u32,
    since: Millis,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { left: RELOAD_BURST, since: 0 }
    }
}

impl Bucket {
    fn take(&mut self, now: Millis) -> bool {
        // A clock that was set back must not stop the refilling until it has caught up.
        self.since = self.since.min(now);
        let refill = now.saturating_sub(self.since) / SECOND;
        if refill > 0 {
            self.left = RELOAD_BURST.min(self.left.saturating_add(u32::try_from(refill).unwrap_or(u32::MAX)));
            self.since = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

/// The keys of every app that was used since the start.
pub(crate) struct Keys {
    db: Db,
    dice: Arc<dyn Entropy>,
    apps: RwLock<HashMap<AppId, Arc<AppKeys>>>,
    stock: Stock,
    rotations: AtomicU64,
}

impl Keys {
    pub(crate) fn new(db: Db, dice: Arc<dyn Entropy>, spare: SpareKeys) -> Self {
        let stock = Stock::new(Arc::clone(&dice), spare);
        Self { db, dice, apps: RwLock::default(), stock, rotations: AtomicU64::new(0) }
    }

    /// Sees to it that the next app finds its keys ready.
    pub(crate) fn prepare_spares(&self) {
        self.stock.refill();
    }

    /// How many rotating keys this process has made.
    pub(crate) fn rotations(&self) -> u64 {
        self.rotations.load(Ordering::Relaxed)
    }

    /// Forgets an app: it was removed, or its settings changed.
    pub(crate) fn forget(&self, app: &AppId) {
        self.apps.write().unwrap_or_else(PoisonError::into_inner).remove(app);
    }

    /// Forgets the apps that were made anew since their keys were loaded, or are gone, and says which. `born` has the time of making of
    /// every app.
    pub(crate) fn forget_reborn(&self, born: &HashMap<AppId, Option<Millis>>) -> Vec<AppId> {
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        let reborn = apps.extract_if(|app, keys| {
            let seen = keys.born.lock().unwrap_or_else(PoisonError::into_inner);
            seen.iter().any(|seen| born.get(app) != Some(seen))
        });
        reborn.map(|(app, _)| app).collect()
    }

    /// The keys of every app, to be compared with what is in the database a moment later.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        let kept = |(app, keys): (&AppId, &Arc<AppKeys>)| Kept {
            app: app.clone(),
            keys: Arc::clone(keys),
            set: keys.set.load_full(),
            sealing: keys.refresh.get().map(|(made, _)| *made),
        };
        apps.iter().map(kept).collect()
    }

    /// Gives up the keys that somebody has deleted from the database, and says of which apps: they neither sign nor verify nor open
    /// anything from now on. Whoever needs one next loads the others, or makes new ones.
    pub(crate) fn give_up_deleted(&self, kept: Vec<Kept>, stored: &HashMap<AppId, HashSet<String>>) -> Vec<AppId> {
        let given_up = kept.into_iter().filter_map(|Kept { app, keys, set, sealing }| {
            let is_gone = |name: &str| !stored.get(&app).is_some_and(|names| names.contains(name));
            if sealing.is_some_and(|made| is_gone(&format!("r-{made}"))) {
                let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
                if apps.get(&app).is_some_and(|now| Arc::ptr_eq(now, &keys)) {
                    apps.remove(&app);
                }
                return Some(app);
            }
            let set = set.filter(|set| set.kids().any(is_gone))?;
            // One that was loaded meanwhile comes from the database.
            keys.set.rcu(|now| now.clone().filter(|now| !Arc::ptr_eq(now, &set)));
            Some(app)
        });
        given_up
            .inspect(|app| tracing::info!(%app, "keys of the app are not in the database any more, and are given up"))
            .collect()
    }

    fn of(&self, app: &AppId) -> Arc<AppKeys> {
        if let Some(keys) = self.apps.read().unwrap_or_else(PoisonError::into_inner).get(app) {
            return Arc::clone(keys);
        }
        Arc::clone(self.apps.write().unwrap_or_else(PoisonError::into_inner).entry(app.clone()).or_default())
    }

    /// The keys of an app, loaded or made if need be. No IO while what is kept will do.
    pub(crate) async fn set(&self, app: &AppId, settings: &KeySettings, now: Millis) -> Result<Arc<KeySet>, Error> {
        let keys = self.of(app);
        let fresh = || keys.set.load_full().filter(|set| !settings.policy.is_stale(set.newest(), now));
        if let Some(set) = fresh() {
            return Ok(set);
        }
        let kept = keys.set.load_full();
        let still_signs = |set: &Arc<KeySet>| set.newest().is_some_and(|newest| settings.policy.is_published(newest, now));
        let Some(kept) = kept.filter(still_signs) else {
            let _one = Box::pin(AppKeys::turn(&keys.loading)).await?;
            return match fresh() {
                Some(set) => Ok(set),
                // In a box: nearly always the keys are there, and every request would carry the room for this about.
                None => Box::pin(self.load(app, &keys, settings, now)).await,
            };
        };
        // A new key is due, but the old ones do for the moment. So nobody waits for whoever is fetching it already, and when that has
        // failed, nobody tries again at once: an outage of the database must not end logins.
        let failed_ago = now.saturating_sub(keys.failed.load(Ordering::Relaxed));
        let Some(_one) = keys.loading.try_lock().ok().filter(|_| !(0..SECOND).contains(&failed_ago)) else { return Ok(kept) };
        if let Some(set) = fresh() {
            return Ok(set);
        }
        Ok(Box::pin(self.load(app, &keys, settings, now)).await.unwrap_or_else(|error| {
            keys.failed.store(now, Ordering::Relaxed);
            tracing::error!(%app, error = %error.causes(), "signing keys could not be rotated; the old ones go on");
            kept
        }))
    }

    /// Loads again because a token names a key that is not known here. `None`: too soon after the last time, or the database did not
    /// answer; then what is known has to do.
    pub(crate) async fn reload(&self, app: &AppId, settings: &KeySettings, now: Millis) -> Option<Arc<KeySet>> {
        let keys = self.of(app);
        if !keys.reloads.lock().unwrap_or_else(PoisonError::into_inner).take(now) {
            return None;
        }
        let before = keys.set.load_full();
        let _one = AppKeys::turn(&keys.loading).await.ok()?;
        // Somebody else has just done it.
        if let (Some(before), Some(set)) = (before, keys.set.load_full())
            && !Arc::ptr_eq(&before, &set)
        {
            return Some(set);
        }
        let loaded = Box::pin(self.load(app, &keys, settings, now)).await;
        let failed = |error: &Error| tracing::error!(%app, error = %error.causes(), "signing keys could not be loaded again");
        loaded.inspect_err(failed).ok()
    }

    async fn load(&self, app: &AppId, keys: &AppKeys, settings: &KeySettings, now: Millis) -> Result<Arc<KeySet>, Error> {
        let kept = keys.set.load_full();
        let mut rows = self.read_rows(app, kept.is_none()).await?;
        keys.was_born(rows.born);
        let mut set = rows.usable(app, kept.as_deref(), settings, now);
        if rows.has_legacy || set.is_wanting(settings, now) {
            let wanted = Wanted { dynamic: !rows.has_legacy, fixed: set.statics.is_empty() };
            rows = self.complete(app, kept.as_ref(), wanted, *settings, now).await?;
            set = rows.usable(app, kept.as_deref(), settings, now);
        }
        let set = Arc::new(set);
        keys.set.store(Some(Arc::clone(&set)));
        Ok(set)
    }

    async fn read_rows(&self, app: &AppId, look_for_legacy: bool) -> Result<Rows, Error> {
        let app = app.clone();
        Ok(self
            .db
            .read(async move |tx| {
                let born = tx.app_created(&app).await?;
                let legacy = if look_for_legacy { tx.key_value(&app, &TenantId::default(), LEGACY_KEY).await? } else { None };
                Ok(Rows {
                    born,
                    dynamic: tx.dynamic_keys(&app).await?,
                    statics: tx.static_keys(&app).await?,
                    has_legacy: legacy.is_some(),
                })
            })
            .await?)
    }

    /// Makes what is missing, under a lock that our other processes take too, and looks again behind it.
    async fn complete(
        &self,
        app: &AppId,
        kept: Option<&Arc<KeySet>>,
        wanted: Wanted,
        settings: KeySettings,
        now: Millis,
    ) -> Result<Rows, Error> {
        let fresh_dynamic = if wanted.dynamic { Some(self.stock.take(now).await?) } else { None };
        let fresh_static = if wanted.fixed { Some(self.stock.take(now).await?) } else { None };
        let (kid, legacy_kid) = (format!("s-{}", uuid(&*self.dice)), format!("s-{}", uuid(&*self.dice)));
        let (app_id, known) = (app.clone(), kept.cloned());
        let (rows, made_dynamic) = self
            .db
            .tx(async move |tx| {
                tx.advisory_lock(&format!("{app_id}~public~{LEGACY_KEY}")).await?;
                if let Some(legacy) = tx.key_value(&app_id, &TenantId::default(), LEGACY_KEY).await? {
                    if settings.legacy_is_dynamic {
                        tx.insert_dynamic_key(&app_id, legacy.created_at, &legacy.value).await?;
                    } else {
                        tx.insert_static_key(&app_id, &legacy_kid, &legacy.value, "RS256", legacy.created_at).await?;
                    }
                    tx.delete_key_value(&app_id, &TenantId::default(), LEGACY_KEY).await?;
                }
                let mut rows = Rows {
                    born: None,
                    dynamic: tx.dynamic_keys_locked(&app_id).await?,
                    statics: tx.static_keys_locked(&app_id).await?,
                    has_legacy: false,
                };
                let set = rows.usable(&app_id, known.as_deref(), &settings, now);
                let mut made_dynamic = false;
                if let Some(key) = fresh_dynamic.as_ref().filter(|_| set.wants_dynamic(&settings, now)) {
                    tx.insert_dynamic_key(&app_id, now, key.expose()).await?;
                    rows.dynamic.insert(0, DynamicKeyRow { created_at: now, value: key.expose().clone() });
                    made_dynamic = true;
                }
                if let Some(key) = fresh_static.as_ref().filter(|_| set.statics.is_empty()) {
                    tx.insert_static_key(&app_id, &kid, key.expose(), "RS256", now).await?;
                    let (key_id, key_string) = (kid.clone(), key.expose().clone());
                    rows.statics.insert(0, StaticKeyRow { key_id, key_string, algorithm: "RS256".to_owned(), created_at: now });
                }
                Ok((rows, made_dynamic))
            })
            .await?;
        if made_dynamic {
            self.rotations.fetch_add(1, Ordering::Relaxed);
        }
        // A legacy key may have been too old to sign, or a static one gone meanwhile; then a second round makes a new one.
        let is_wanting = || rows.usable(app, kept.map(|set| &**set), &settings, now).is_wanting(&settings, now);
        if wanted != Wanted::BOTH && is_wanting() {
            return Box::pin(self.complete(app, kept, Wanted::BOTH, settings, now)).await;
        }
        Ok(rows)
    }

    /// The key that seals refresh tokens; made once in the life of an app and never changed.
    pub(crate) async fn refresh_key(&self, app: &AppId, now: Millis) -> Result<Arc<RefreshKey>, Error> {
        let keys = self.of(app);
        if let Some((_, key)) = keys.refresh.get() {
            return Ok(Arc::clone(key));
        }
        let _one = Box::pin(AppKeys::turn(&keys.loading_refresh)).await?;
        if let Some((_, key)) = keys.refresh.get() {
            return Ok(Arc::clone(key));
        }
        let first = Box::pin(self.first_refresh_key(app, &keys, now)).await?;
        let (_, key) = keys.refresh.get_or_init(|| first);
        Ok(Arc::clone(key))
    }

    /// The key that seals refresh tokens, from the database, where it is made if there is none.
    async fn first_refresh_key(&self, app: &AppId, keys: &AppKeys, now: Millis) -> Result<(Millis, Arc<RefreshKey>), Error> {
        let (mut random, mut salt) = ([0; 64], [0; 64]);
        self.dice.fill(&mut random);
        self.dice.fill(&mut salt);
        let app = app.clone();
        let at = app.clone();
        let found = self
            .db
            .read(async move |tx| Ok((tx.app_created(&at).await?, tx.key_value(&at, &TenantId::default(), REFRESH_KEY).await?)));
        let (born, row) = found.await?;
        keys.was_born(born);
        if let Some(row) = row {
            return Ok((row.created_at, Arc::new(RefreshKey::from_stored(row.value))));
        }
        let fresh = Secret::new(RefreshKey::generate(&random, &salt).stored().to_owned());
        let (made, stored) = self
            .db
            .tx(async move |tx| {
                tx.advisory_lock(&format!("{app}~public~{REFRESH_KEY}")).await?;
                if let Some(row) = tx.key_value(&app, &TenantId::default(), REFRESH_KEY).await? {
                    return Ok((row.created_at, row.value));
                }
                tx.put_key_value(&app, &TenantId::default(), REFRESH_KEY, fresh.expose(), now).await?;
                Ok((now, fresh.expose().clone()))
            })
            .await?;
        Ok((made, Arc::new(RefreshKey::from_stored(stored))))
    }
}

/// Which keys may have to be made. If there is a legacy key, no rotating one is made before that has been looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wanted {
    dynamic: bool,
    fixed: bool,
}

impl Wanted {
    const BOTH: Self = Self { dynamic: true, fixed: true };
}

struct Rows {
    /// When the app was made, if it is there.
    born: Option<Millis>,
    dynamic: Vec<DynamicKeyRow>,
    statics: Vec<StaticKeyRow>,
    has_legacy: bool,
}

impl Rows {
    /// The keys that can sign or verify. A row that cannot be read is left out, and does not take the others down with it.
    fn usable(&self, app: &AppId, kept: Option<&KeySet>, settings: &KeySettings, now: Millis) -> KeySet {
        let parsed = |kid: &str, stored: &str| match kept.and_then(|set| set.known(kid)) {
            Some(key) => Some(key),
            None => match SigningKey::from_stored(kid, stored) {
                Ok(key) => Some(Arc::new(key)),
                Err(error) => {
                    tracing::warn!(%app, kid, %error, "a stored signing key is of no use and is left out");
                    None
                }
            },
        };
        let mut set = KeySet::default();
        for row in self.dynamic.iter().filter(|row| settings.policy.loadable(row.created_at, now)) {
            set.dynamic.extend(parsed(&format!("d-{}", row.created_at), &row.value).map(|key| (row.created_at, key)));
        }
        set.dynamic.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        for row in self.statics.iter().filter(|row| row.algorithm.eq_ignore_ascii_case("RS256")) {
            set.statics.extend(parsed(&row.key_id, &row.key_string).map(|key| (row.created_at, key)));
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_may_be_looked_for_five_times_and_then_once_a_second() {
        let mut bucket = Bucket::default();
        let mut taken = |now| (0..9).filter(|_| bucket.take(now)).count();
        assert_eq!([taken(1_000_000), taken(1_000_999), taken(1_001_000), taken(1_003_500)], [5, 0, 1, 2]);
        assert_eq!(taken(2_000_000), 5);
        // An hour back: it goes on from there.
        assert_eq!([taken(2_000_000 - 3_600_000), taken(2_001_000 - 3_600_000), taken(2_002_000 - 3_600_000)], [0, 1, 1]);
    }
}

//! The keys of each app: rotating and static signing keys, and the key of refresh tokens. Where they come from, how long they are kept,
//! and how two processes that start at once agree (core-session.md 4.5, 5.1 to 5.4; decision 13).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arc_swap::ArcSwapOption;
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_domain::secret::Secret;
use supertokens_domain::session::key_schedule::KeyPolicy;
use supertokens_domain::session::refresh_token::RefreshKey;
use supertokens_domain::session::signing_key::{BadKey, SigningKey, VerifyingKey};
use supertokens_domain::time::{Millis, SECOND};
use supertokens_store::{Db, DynamicKeyRow, StaticKeyRow};
use tokio::sync::OnceCell;

use crate::error::Error;
use crate::ports::{Entropy, uuid};

const REFRESH_KEY: &str = "refresh_token_key";
const LEGACY_KEY: &str = "access_token_signing_key";

/// At most this many reloads at once because of an unknown key id, and one more a second: such tokens cost an attacker nothing.
const RELOAD_BURST: u32 = 5;

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
    /// Newest first.
    statics: Vec<Arc<SigningKey>>,
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
            Kind::Dynamic => policy.signing_index(&self.created(), now).and_then(|i| self.dynamic.get(i)).map(|(_, key)| key),
        };
        key.map(|key| &**key).ok_or_else(|| Error::fault("the app has no signing key"))
    }

    /// Everything that is accepted now: rotating keys newest first, then static ones.
    pub(crate) fn published(&self, policy: &KeyPolicy, now: Millis) -> Vec<VerifyingKey> {
        let dynamic = self.published_dynamic(policy, now).map(|(_, key)| key.verifying());
        dynamic.chain(self.statics.iter().map(|key| key.verifying())).collect()
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

    fn known(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.dynamic.iter().map(|(_, key)| key).chain(&self.statics).find(|key| key.kid() == kid).cloned()
    }
}

#[derive(Default)]
struct AppKeys {
    set: ArcSwapOption<KeySet>,
    static_created: AtomicU64,
    refresh: OnceCell<Arc<RefreshKey>>,
    loading: tokio::sync::Mutex<()>,
    reloads: Mutex<Bucket>,
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
        let refill = (now - self.since).max(0) / SECOND;
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
    spare: Arc<Mutex<Vec<Secret<String>>>>,
    rotations: AtomicU64,
}

impl Keys {
    pub(crate) fn new(db: Db, dice: Arc<dyn Entropy>) -> Self {
        Self { db, dice, apps: RwLock::default(), spare: Arc::default(), rotations: AtomicU64::new(0) }
    }

    /// How many rotating keys this process has made.
    pub(crate) fn rotations(&self) -> u64 {
        self.rotations.load(Ordering::Relaxed)
    }

    /// Forgets an app: it was removed, or its settings changed.
    pub(crate) fn forget(&self, app: &AppId) {
        self.apps.write().unwrap_or_else(PoisonError::into_inner).remove(app);
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
        if let Some(set) = keys.set.load_full().filter(|set| !settings.policy.is_stale(set.newest(), now)) {
            return Ok(set);
        }
        let _one = keys.loading.lock().await;
        let kept = keys.set.load_full();
        if let Some(set) = kept.clone().filter(|set| !settings.policy.is_stale(set.newest(), now)) {
            return Ok(set);
        }
        match self.load(app, &keys, settings, now).await {
            Ok(set) => Ok(set),
            // A key that is merely due for rotation still signs; an outage of the database must not end logins.
            Err(error) => match kept.filter(|set| set.newest().is_some_and(|newest| settings.policy.is_published(newest, now))) {
                Some(set) => {
                    tracing::error!(%app, %error, "signing keys could not be rotated; the old ones go on");
                    Ok(set)
                }
                None => Err(error),
            },
        }
    }

    /// Loads again because a token names a key that is not known here. `None`: too soon after the last time.
    pub(crate) async fn reload(&self, app: &AppId, settings: &KeySettings, now: Millis) -> Result<Option<Arc<KeySet>>, Error> {
        let keys = self.of(app);
        if !keys.reloads.lock().unwrap_or_else(PoisonError::into_inner).take(now) {
            return Ok(None);
        }
        let _one = keys.loading.lock().await;
        self.load(app, &keys, settings, now).await.map(Some)
    }

    /// When the newest static key was made, in ms.
    pub(crate) fn static_created(&self, app: &AppId) -> Millis {
        i64::try_from(self.of(app).static_created.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }

    async fn load(&self, app: &AppId, keys: &AppKeys, settings: &KeySettings, now: Millis) -> Result<Arc<KeySet>, Error> {
        let kept = keys.set.load_full();
        let mut rows = self.read_rows(app, kept.is_none()).await?;
        if rows.is_wanting(settings, now) {
            rows = self.complete(app, &rows, *settings, now).await?;
        }
        let mut set = KeySet::default();
        for row in rows.dynamic.iter().filter(|row| settings.policy.loadable(row.created_at, now)) {
            let kid = format!("d-{}", row.created_at);
            set.dynamic.push((row.created_at, parsed(kept.as_deref(), &kid, &row.value)?));
        }
        set.dynamic.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        for row in rows.statics.iter().filter(|row| row.algorithm.eq_ignore_ascii_case("RS256")) {
            match parsed(kept.as_deref(), &row.key_id, &row.key_string) {
                Ok(key) => set.statics.push(key),
                Err(BadKey::Symmetric) => tracing::warn!(%app, "a symmetric key among the signing keys is ignored"),
                Err(error) => return Err(Error::fault(error)),
            }
        }
        let newest_static = rows.statics.first().map_or(0, |row| row.created_at);
        keys.static_created.store(u64::try_from(newest_static).unwrap_or(0), Ordering::Relaxed);
        let set = Arc::new(set);
        keys.set.store(Some(Arc::clone(&set)));
        Ok(set)
    }

    async fn read_rows(&self, app: &AppId, look_for_legacy: bool) -> Result<Rows, Error> {
        let app = app.clone();
        Ok(self
            .db
            .read(async move |tx| {
                let legacy = if look_for_legacy { tx.key_value(&app, &TenantId::default(), LEGACY_KEY).await? } else { None };
                Ok(Rows {
                    dynamic: tx.dynamic_keys(&app).await?,
                    statics: tx.static_keys(&app).await?,
                    has_legacy: legacy.is_some(),
                })
            })
            .await?)
    }

    /// Makes what is missing, under a lock that our other processes take too, and looks again behind it.
    async fn complete(&self, app: &AppId, seen: &Rows, settings: KeySettings, now: Millis) -> Result<Rows, Error> {
        let fresh_dynamic =
            if seen.wants_dynamic(&settings, now) && !seen.has_legacy { Some(self.take_key().await?) } else { None };
        let fresh_static = if seen.statics.is_empty() { Some(self.take_key().await?) } else { None };
        let (kid, legacy_kid) = (format!("s-{}", uuid(&*self.dice)), format!("s-{}", uuid(&*self.dice)));
        let app_id = app.clone();
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
                    dynamic: tx.dynamic_keys_locked(&app_id).await?,
                    statics: tx.static_keys_locked(&app_id).await?,
                    has_legacy: false,
                };
                let mut made_dynamic = false;
                if let Some(key) = fresh_dynamic.as_ref().filter(|_| rows.wants_dynamic(&settings, now)) {
                    tx.insert_dynamic_key(&app_id, now, key.expose()).await?;
                    rows.dynamic.insert(0, DynamicKeyRow { created_at: now, value: key.expose().clone() });
                    made_dynamic = true;
                }
                if let Some(key) = fresh_static.as_ref().filter(|_| rows.statics.is_empty()) {
                    tx.insert_static_key(&app_id, &kid, key.expose(), "RS256", now).await?;
                    rows.statics.push(StaticKeyRow {
                        key_id: kid.clone(),
                        key_string: key.expose().clone(),
                        algorithm: "RS256".to_owned(),
                        created_at: now,
                    });
                }
                Ok((rows, made_dynamic))
            })
            .await?;
        if made_dynamic {
            self.rotations.fetch_add(1, Ordering::Relaxed);
        }
        // A legacy key may have been too old to sign; then a second round makes a new one.
        if rows.is_wanting(&settings, now) && seen.has_legacy {
            return Box::pin(self.complete(app, &rows, settings, now)).await;
        }
        Ok(rows)
    }

    /// The key that seals refresh tokens; made once in the life of an app and never changed.
    pub(crate) async fn refresh_key(&self, app: &AppId, now: Millis) -> Result<Arc<RefreshKey>, Error> {
        let keys = self.of(app);
        let key = keys.refresh.get_or_try_init(|| async {
            let (mut random, mut salt) = ([0; 64], [0; 64]);
            self.dice.fill(&mut random);
            self.dice.fill(&mut salt);
            let app = app.clone();
            let at = app.clone();
            if let Some(row) = self.db.read(async move |tx| tx.key_value(&at, &TenantId::default(), REFRESH_KEY).await).await? {
                return Ok::<_, Error>(Arc::new(RefreshKey::from_stored(row.value)));
            }
            let fresh = Secret::new(RefreshKey::generate(&random, &salt).stored().to_owned());
            let stored = self
                .db
                .tx(async move |tx| {
                    tx.advisory_lock(&format!("{app}~public~{REFRESH_KEY}")).await?;
                    if let Some(row) = tx.key_value(&app, &TenantId::default(), REFRESH_KEY).await? {
                        return Ok(row.value);
                    }
                    tx.put_key_value(&app, &TenantId::default(), REFRESH_KEY, fresh.expose(), now).await?;
                    Ok(fresh.expose().clone())
                })
                .await?;
            Ok(Arc::new(RefreshKey::from_stored(stored)))
        });
        key.await.cloned()
    }

    /// A key pair from the small stock, or a new one. The stock is filled again in the background.
    async fn take_key(&self) -> Result<Secret<String>, Error> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        self.restock();
        match spare {
            Some(key) => Ok(key),
            None => {
                let dice = Arc::clone(&self.dice);
                tokio::task::spawn_blocking(move || dice.rsa_key()).await.map_err(Error::fault)?.map_err(Error::fault)
            }
        }
    }

    fn restock(&self) {
        const STOCK: usize = 2;
        let (spare, dice) = (Arc::clone(&self.spare), Arc::clone(&self.dice));
        drop(tokio::task::spawn_blocking(move || {
            while spare.lock().unwrap_or_else(PoisonError::into_inner).len() < STOCK {
                match dice.rsa_key() {
                    Ok(key) => spare.lock().unwrap_or_else(PoisonError::into_inner).push(key),
                    Err(error) => return tracing::error!(%error, "no spare signing key"),
                }
            }
        }));
    }
}

fn parsed(kept: Option<&KeySet>, kid: &str, stored: &str) -> Result<Arc<SigningKey>, BadKey> {
    match kept.and_then(|set| set.known(kid)) {
        Some(key) => Ok(key),
        None => SigningKey::from_stored(kid, stored).map(Arc::new),
    }
}

impl From<BadKey> for Error {
    fn from(error: BadKey) -> Self {
        Self::fault(error)
    }
}

struct Rows {
    dynamic: Vec<DynamicKeyRow>,
    statics: Vec<StaticKeyRow>,
    has_legacy: bool,
}

impl Rows {
    fn wants_dynamic(&self, settings: &KeySettings, now: Millis) -> bool {
        settings.policy.needs_new(self.dynamic.iter().map(|row| row.created_at).max(), now)
    }

    fn is_wanting(&self, settings: &KeySettings, now: Millis) -> bool {
        self.has_legacy || self.statics.is_empty() || self.wants_dynamic(settings, now)
    }
}

//! The cores' public keys, as this process knows them: fetched when first needed, again when they are old or when a token names a key
//! that is not among them (sdk-session.md 6.5).
//!
//! Whoever finds a good key does not wait. Those who do not, share one fetch; after one, good or not, none follows within half a
//! second, so forged key names cannot make us ask the core more often. Before keys get too old, one caller fetches them anew while all
//! others go on with what there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use http::header::{AGE, DATE};
use supertokens_domain::json::JsonObject;
use supertokens_domain::session::signing_key::VerifyingKey;
use supertokens_domain::time::Millis;
use supertokens_web::core_address::CoreAddress;
use supertokens_wire::ask::Ask as _;
use supertokens_wire::cdi::jwt::GetWellKnownJwks;

use crate::core_client::CoreClient;
use crate::error::CoreError;

/// At least this long between two fetches that an unknown key caused.
const COOL_DOWN: Millis = 500;
/// After this share of the interval somebody fetches, while the old keys still count.
const DUE: (Millis, Millis) = (9, 10);
/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);
const PATH: &str = "/.well-known/jwks.json";

/// The keys of one host.
pub(crate) struct KeySet {
    pub(crate) keys: Vec<VerifyingKey>,
    fetched_at: Millis,
    /// Grows when the keys become others.
    pub(crate) generation: u64,
}

struct Host {
    known: ArcSwapOption<KeySet>,
    /// Held while somebody fetches.
    fetching: tokio::sync::Mutex<Fetching>,
}

#[derive(Default)]
struct Fetching {
    /// When the last fetch failed, if it did, and at what.
    failed: Option<(Millis, Arc<CoreError>)>,
    /// When one began that has not ended: whoever asked has hung up.
    left: Option<Millis>,
}

/// The keys of all hosts.
pub(crate) struct Jwks {
    hosts: Vec<Host>,
    /// After this the keys are fetched again.
    interval: Millis,
    generation: AtomicU64,
}

/// Why there is no key for a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKey {
    #[error("no key of the core has this name")]
    Unknown,
    #[error("the keys of the core could not be fetched")]
    Fetch(#[source] Arc<CoreError>),
}

impl Jwks {
    pub(crate) fn new(hosts: usize, interval: Millis) -> Self {
        let host = || Host { known: ArcSwapOption::empty(), fetching: tokio::sync::Mutex::default() };
        Self { hosts: (0..hosts).map(|_| host()).collect(), interval, generation: AtomicU64::new(0) }
    }

    /// Counts the changes of the keys. What was concluded from older keys is not to be trusted under newer ones.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether some host's keys are known and not to be fetched again yet.
    pub(crate) fn is_fresh(&self, now: Millis) -> bool {
        self.hosts.iter().any(|host| host.known.load().as_ref().is_some_and(|set| !self.is_old(set, now)))
    }

    /// The first host's set in which `finds` finds something.
    pub(crate) async fn find<T>(
        &self,
        client: &CoreClient,
        now: impl Fn() -> Millis,
        finds: impl Fn(&KeySet) -> Option<T>,
    ) -> Result<T, NoKey> {
        let addresses = client.hosts.as_deref().unwrap_or_default();
        // First what is known, of any host: a good key must not wait for a host that is down.
        if let Some(found) = self.known(now(), &finds) {
            return Ok(found);
        }
        let mut last = NoKey::Fetch(Arc::new(CoreError::NoneReachable(None)));
        for (host, address) in self.hosts.iter().zip(addresses) {
            match self.find_at(host, address, client, &now, &finds).await {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The same among the keys that are known, without a question to anybody.
    pub(crate) fn known<T>(&self, now: Millis, finds: impl Fn(&KeySet) -> Option<T>) -> Option<T> {
        self.hosts.iter().find_map(|host| self.usable(host, now).and_then(|set| finds(&set)))
    }

    /// The same, however old the keys are: for what was found good with them a moment ago.
    pub(crate) fn last_known<T>(&self, finds: impl Fn(&KeySet) -> Option<T>) -> Option<T> {
        self.hosts.iter().find_map(|host| host.known.load_full().and_then(|set| finds(&set)))
    }

    async fn find_at<T>(
        &self,
        host: &Host,
        address: &CoreAddress,
        client: &CoreClient,
        now: &impl Fn() -> Millis,
        finds: &impl Fn(&KeySet) -> Option<T>,
    ) -> Result<T, NoKey> {
        let mut fetching = host.fetching.lock().await;
        // Somebody may have fetched while we waited; what he met a moment ago, we would meet too.
        if let Some((at, error)) = &fetching.failed
            && is_within(COOL_DOWN, *at, now())
        {
            return Err(NoKey::Fetch(Arc::clone(error)));
        }
        if let Some(set) = self.usable(host, now()) {
            if let Some(found) = finds(&set) {
                return Ok(found);
            }
            if is_within(COOL_DOWN, set.fetched_at, now()) {
                return Err(NoKey::Unknown);
            }
        }
        // Who asks and hangs up at once must not make us ask more often either.
        if let Some(began) = fetching.left.filter(|began| is_within(COOL_DOWN, *began, now())) {
            let rest = COOL_DOWN.saturating_sub(now().saturating_sub(began)).clamp(0, COOL_DOWN);
            tokio::time::sleep(Duration::from_millis(rest.unsigned_abs())).await;
        }
        let set = self.fetch_once(&mut fetching, host, address, client, &now).await.map_err(NoKey::Fetch)?;
        finds(&set).ok_or(NoKey::Unknown)
    }

    async fn fetch_once(
        &self,
        fetching: &mut Fetching,
        host: &Host,
        address: &CoreAddress,
        client: &CoreClient,
        now: &impl Fn() -> Millis,
    ) -> Result<Arc<KeySet>, Arc<CoreError>> {
        fetching.left = Some(now());
        let fetched = self.fetch(host, address, client, now()).await.map_err(Arc::new);
        let failed = fetched.as_ref().err().map(|error| (now(), Arc::clone(error)));
        *fetching = Fetching { failed, left: None };
        fetched
    }

    fn usable(&self, host: &Host, now: Millis) -> Option<Arc<KeySet>> {
        host.known.load_full().filter(|set| !self.is_old(set, now))
    }

    /// A set from the future is old too: the clock was set back, and nobody knows by how much.
    fn is_old(&self, set: &KeySet, now: Millis) -> bool {
        !(0..=self.interval).contains(&now.saturating_sub(set.fetched_at))
    }

    /// Fetches keys that will soon be too old, if nobody else is doing so. What goes wrong is left to those who need the keys.
    pub(crate) async fn renew(&self, client: &CoreClient, now: impl Fn() -> Millis) {
        let due = self.interval / DUE.1 * DUE.0;
        let is_due = |host: &Host| {
            let known = host.known.load();
            known.as_ref().is_some_and(|set| (due..=self.interval).contains(&now().saturating_sub(set.fetched_at)))
        };
        for (host, address) in self.hosts.iter().zip(client.hosts.as_deref().unwrap_or_default()) {
            if !is_due(host) {
                continue;
            }
            let Ok(mut fetching) = host.fetching.try_lock() else { continue };
            let lately = fetching.failed.as_ref().map(|(at, _)| *at).max(fetching.left);
            if is_due(host) && !lately.is_some_and(|at| is_within(COOL_DOWN, at, now())) {
                // Those who need the keys will hear of it.
                let _ = self.fetch_once(&mut fetching, host, address, client, &now).await;
            }
        }
    }

    async fn fetch(
        &self,
        host: &Host,
        address: &CoreAddress,
        client: &CoreClient,
        now: Millis,
    ) -> Result<Arc<KeySet>, CoreError> {
        let (began, fetching) = (Instant::now(), tokio::time::timeout(PATIENCE, client.fetch_keys(address, PATH)));
        let (headers, body) = fetching.await.map_err(|_| CoreError::Transport(crate::error::TransportError::TimedOut))??;
        // An application that only verifies hears nothing else of the core's clock.
        if let Some(told) = date(&headers) {
            client.clock.heard_date(told, now, now.saturating_add(Millis::try_from(began.elapsed().as_millis()).unwrap_or(0)));
        }
        let keys = read(&body)?;
        let before = host.known.load_full();
        let same = before.as_ref().is_some_and(|set| names(&set.keys).eq(names(&keys)));
        let generation = match (same, &before) {
            (true, Some(set)) => set.generation,
            _ => self.generation.fetch_add(1, Ordering::AcqRel) + 1,
        };
        let set = Arc::new(KeySet { keys, fetched_at: now, generation });
        host.known.store(Some(Arc::clone(&set)));
        tracing::debug!(target: "com.supertokens", keys = set.keys.len(), "the core's public keys were fetched");
        Ok(set)
    }
}

/// The `Date` of an answer that comes from the core itself. One that a cache has kept has an `Age`, and a date from earlier.
fn date(headers: &HeaderMap) -> Option<Millis> {
    if headers.contains_key(AGE) {
        return None;
    }
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Millis::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

fn is_within(span: Millis, since: Millis, now: Millis) -> bool {
    (0..span).contains(&now.saturating_sub(since))
}

/// A key's name and the key itself: under one name, another key is another key.
fn names(keys: &[VerifyingKey]) -> impl Iterator<Item = (&str, &str)> {
    keys.iter().map(|key| (key.kid(), key.public_base64()))
}

/// Keys of kinds that we do not use are passed over; a set that is none is an error.
fn read(body: &[u8]) -> Result<Vec<VerifyingKey>, CoreError> {
    let not_understood = || CoreError::NotUnderstood { path: PATH.to_owned(), expected: "a set of JSON Web Keys" };
    let text = std::str::from_utf8(body).map_err(|_| not_understood())?;
    let answer = GetWellKnownJwks::read_answer(JsonObject::parse(text).map_err(|_| not_understood())?)?;
    let keys = answer.rs256_keys().filter_map(|key| VerifyingKey::from_jwk(key.kid.unwrap_or_default(), key.n, key.e).ok());
    Ok(keys.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::sync::atomic::AtomicUsize;

    use bytes::Bytes;
    use http::{Request, Response};
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::error::TransportError;
    use crate::session::SessionRecipe;
    use crate::{AppInfo, BoxFuture, Core, CoreTransport, SuperTokens};

    /// A core that takes ten milliseconds for an answer.
    #[derive(Default)]
    struct Slow(AtomicUsize);

    impl CoreTransport for Slow {
        fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(Response::new(Bytes::from_static(br#"{"keys":[]}"#)))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_with_an_unknown_key_and_hangs_up_does_not_make_us_ask_more_often() {
        let core = Arc::new(Slow::default());
        let app = AppInfo::new("test").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
        let to = Core::transport(Arc::clone(&core) as Arc<dyn CoreTransport>, "http://core.localhost");
        let engine = SuperTokens::builder(app).core(to).recipe(SessionRecipe::new()).build().await.unwrap();
        let (inner, began) = (engine.inner(), Instant::now());
        let now = || Millis::try_from(began.elapsed().as_millis()).unwrap();
        let find = || inner.jwks.find(&inner.client, now, |_| None::<()>);
        for _ in 0..200 {
            assert!(timeout(Duration::from_millis(5), find()).await.is_err(), "they hang up before there is an answer");
        }
        let (asked, passed) = (core.0.load(Ordering::Relaxed), began.elapsed().as_millis());
        assert!((1..=3).contains(&asked), "{asked} questions in {passed} ms");
        assert!(matches!(find().await, Err(NoKey::Unknown)), "whoever stays gets an answer");
    }
}

//! How does a question get to one of the cores, and what does the answer mean? Negotiation of the version, rotation over several hosts,
//! patience with 429, the interceptor, and the cache of one user context (sdk-session.md 2).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use supertokens_domain::json::{BadJson, Json, JsonObject};
use supertokens_domain::secret::Secret;
use supertokens_web::core_address::CoreAddress;
use supertokens_wire::ask::Ask;
use tokio::time::timeout;

use crate::context::UserContext;
use crate::error::{CoreError, TransportError, with_causes};
use crate::figures::Count;
use crate::interface::Cdi;
use crate::surroundings::ClockWatch;
use crate::transport::CoreTransport;

mod call;

pub use call::{CoreCall, Interceptor};

/// How often one host is asked again after a 429.
const PATIENCE: u32 = 5;

/// How long an interceptor may take. All calls wait for the first one, which finds out the core's version, and it passes one too: without an
/// end, one that hangs would stop the whole application.
const INTERCEPTOR: Duration = Duration::from_secs(30);

/// Where a question goes: to a tenant, or to the app.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    App,
    Tenant(&'a str),
}

/// Whether the answer to a read may serve the same user context again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    ForThisContext,
    /// Its headers count too, or it must be fresh.
    Never,
}

/// What a question is asked with: whose it is, and who is asking.
pub(crate) struct Asking<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) keeping: Keeping,
    pub(crate) context: &'a UserContext,
    /// Made only for the first call, which negotiates.
    pub(crate) introduce: &'a (dyn Fn() -> Introduction + Sync),
}

/// The client of all cores of one application.
pub(crate) struct CoreClient {
    pub(crate) transport: Arc<dyn CoreTransport>,
    /// `None` if no core was named at all.
    pub(crate) hosts: Option<Vec<CoreAddress>>,
    pub(crate) api_key: Option<Secret<String>>,
    pub(crate) interceptor: Option<Interceptor>,
    pub(crate) caching: bool,
    pub(crate) calls: Count,
    pub(crate) failures: Count,
    pub(crate) clock: ClockWatch,
    turn: AtomicUsize,
    tag: AtomicU64,
    version: OnceLock<Cdi>,
    /// Held while somebody negotiates; what the last failed negotiation ran into.
    negotiating: tokio::sync::Mutex<Option<String>>,
    failed_negotiations: AtomicU64,
}

/// The queries of the negotiation: who is asking.
pub(crate) struct Introduction {
    pub(crate) api_domain: String,
    pub(crate) website_domain: String,
}

impl CoreClient {
    pub(crate) fn new(transport: Arc<dyn CoreTransport>, hosts: Option<Vec<CoreAddress>>) -> Self {
        Self {
            transport,
            hosts,
            api_key: None,
            interceptor: None,
            caching: true,
            calls: Count::default(),
            failures: Count::default(),
            clock: ClockWatch::default(),
            turn: AtomicUsize::new(0),
            tag: AtomicU64::new(0),
            version: OnceLock::new(),
            negotiating: tokio::sync::Mutex::new(None),
            failed_negotiations: AtomicU64::new(0),
        }
    }

    /// The version, if a call was already made.
    pub(crate) fn agreed(&self) -> Option<Cdi> {
        self.version.get().copied()
    }

    /// Asks a typed question.
    pub(crate) async fn ask<O: Ask>(&self, question: &O, asking: Asking<'_>) -> Result<(O::ClientAnswer, HeaderMap), CoreError> {
        let Asking { place, keeping, context, introduce } = asking;
        let cdi = self.version(context, introduce).await?;
        let asked = question.question();
        let path = path(place, O::PATH)?;
        let method = Method::from_bytes(O::METHOD.as_bytes()).unwrap_or(Method::GET);
        let is_read = method == Method::GET;
        let mut headers = self.headers(Some(cdi));
        if let Some(recipe) = O::RECIPE.filter(|_| path.split('/').take(3).any(|segment| segment == "recipe")) {
            headers.insert(HeaderName::from_static("rid"), HeaderValue::from_static(recipe));
        }
        if !is_read {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        }
        let query = asked.query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let body = asked.body.map(|body| Bytes::from(body.to_text())).unwrap_or_default();
        let call = CoreCall { url: String::new(), method, headers, query, body };
        let key = (is_read && self.caching && keeping == Keeping::ForThisContext).then(|| call::key(&path, &call));
        // Read before the exchange: a write during it makes this answer stale.
        let tag = self.settle_cache(is_read, context);
        if let Some(found) = key.as_ref().and_then(|key| context.cache().found(key)) {
            return Ok((O::read_answer(object(&path, &found)?)?, HeaderMap::new()));
        }
        let response = self.rotate(&path, call, context).await?;
        let (parts, body) = accepted(O::METHOD, &path, response)?;
        let answer = O::read_answer(object(&path, &body)?)?;
        if let Some(key) = key {
            context.cache().keep(key, body, tag);
        }
        Ok((answer, parts))
    }

    /// A context whose cache is older than somebody's write starts afresh; a write makes others stale, unless a request caused it.
    fn settle_cache(&self, is_read: bool, context: &UserContext) -> u64 {
        if is_read {
            let tag = self.tag.load(Ordering::Acquire);
            context.cache().forget_unless(tag);
            return tag;
        }
        context.cache().clear();
        match context.keeps_other_caches() {
            true => self.tag.load(Ordering::Acquire),
            false => self.tag.fetch_add(1, Ordering::AcqRel) + 1,
        }
    }

    async fn version(&self, context: &UserContext, introduce: &(dyn Fn() -> Introduction + Sync)) -> Result<Cdi, CoreError> {
        if let Some(known) = self.agreed() {
            return Ok(known);
        }
        let failed_before = self.failed_negotiations.load(Ordering::Acquire);
        let mut last_failure = self.negotiating.lock().await;
        if let Some(known) = self.agreed() {
            return Ok(known);
        }
        // Whoever has waited for one failure shares it: a core that does not answer would otherwise hold up a queue of callers for one
        // time-out each, or be asked by all of them at once. Who comes later tries again.
        if self.failed_negotiations.load(Ordering::Acquire) != failed_before
            && let Some(error) = &*last_failure
        {
            return Err(CoreError::Negotiation(error.clone()));
        }
        match self.negotiate(context, introduce).await {
            Ok(version) => Ok(*self.version.get_or_init(|| version)),
            Err(error) => {
                *last_failure = Some(with_causes(&error));
                self.failed_negotiations.fetch_add(1, Ordering::AcqRel);
                Err(error)
            }
        }
    }

    async fn negotiate(&self, context: &UserContext, introduce: &(dyn Fn() -> Introduction + Sync)) -> Result<Cdi, CoreError> {
        const PATH: &str = "/apiversion";
        if self.hosts.is_none() {
            return Err(CoreError::NotConfigured);
        }
        let Introduction { api_domain, website_domain } = introduce();
        let query = vec![("apiDomain".to_owned(), api_domain), ("websiteDomain".to_owned(), website_domain)];
        let call = CoreCall { url: String::new(), method: Method::GET, headers: self.headers(None), query, body: Bytes::new() };
        let response = self.rotate(PATH, call, context).await?;
        let (_, body) = accepted("GET", PATH, response)?;
        let answer = supertokens_wire::cdi::server::GetApiVersions::read_answer(object(PATH, &body)?)?;
        let offered = answer.0;
        let best = Cdi::ALL.into_iter().filter(|cdi| offered.iter().any(|version| version == cdi.number())).max();
        best.ok_or_else(|| CoreError::Incompatible { offered: offered.join(", ") })
    }

    fn headers(&self, cdi: Option<Cdi>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(cdi) = cdi {
            headers.insert(HeaderName::from_static("cdi-version"), HeaderValue::from_static(cdi.number()));
        }
        if let Some(mut key) = self.api_key.as_ref().and_then(|key| HeaderValue::from_str(key.expose()).ok()) {
            key.set_sensitive(true);
            headers.insert(HeaderName::from_static("api-key"), key);
        }
        headers
    }

    /// One host after the other, until one answers; a host that is busy is asked again later, up to five times.
    async fn rotate(&self, path: &str, call: CoreCall, context: &UserContext) -> Result<Response<Bytes>, CoreError> {
        let hosts = self.hosts.as_deref().ok_or(CoreError::NotConfigured)?;
        let mut busy = vec![0_u32; hosts.len()];
        let (mut left, mut last) = (hosts.len(), None);
        // A call's turns count on from its first: what others take in between must not bring it to the same dead host twice.
        let mut turn = self.turn.fetch_add(1, Ordering::Relaxed);
        while left > 0 {
            let at = turn % hosts.len();
            turn = turn.wrapping_add(1);
            let (Some(host), Some(busy)) = (hosts.get(at), busy.get_mut(at)) else { break };
            let call = CoreCall { url: format!("{}{}{path}", host.domain.as_str(), host.base_path.as_str()), ..call.clone() };
            match self.send(call, context).await {
                Err(CoreError::Transport(error @ TransportError::Unreachable(_))) => {
                    tracing::warn!(target: "com.supertokens", host = host.domain.as_str(), %error, "core not reachable");
                    (left, last) = (left - 1, Some(error));
                    self.turn.fetch_add(1, Ordering::Relaxed);
                }
                Ok(response) if response.status() == StatusCode::TOO_MANY_REQUESTS && *busy < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(10 + 250 * u64::from(*busy))).await;
                    *busy += 1;
                    self.turn.fetch_add(1, Ordering::Relaxed);
                }
                other => return other,
            }
        }
        Err(CoreError::NoneReachable(last))
    }

    async fn send(&self, mut call: CoreCall, context: &UserContext) -> Result<Response<Bytes>, CoreError> {
        if let Some(interceptor) = &self.interceptor {
            let late = |_| CoreError::Interceptor("it took longer than 30 seconds".into());
            let changed = timeout(INTERCEPTOR, interceptor(call, context.clone())).await.map_err(late)?;
            call = changed.map_err(CoreError::Interceptor)?;
        }
        self.exchange(call.into_request()?).await
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CoreError> {
        crate::inline::where_io_may_be().await;
        self.calls.add();
        let answer = self.transport.send(request).await;
        if answer.as_ref().map_or(true, |response| response.status().is_server_error()) {
            self.failures.add();
        }
        Ok(answer?)
    }

    /// Fetches the key set of one host: plainly, without API key, version or interceptor (6.5). Headers come along.
    pub(crate) async fn fetch_keys(&self, host: &CoreAddress, path: &str) -> Result<(HeaderMap, Bytes), CoreError> {
        let url = format!("{}{}{path}", host.domain.as_str(), host.base_path.as_str());
        let request = Request::get(url).body(Bytes::new()).map_err(|error| TransportError::Broken(error.into()))?;
        let response = self.exchange(request).await?;
        accepted("GET", path, response)
    }
}

impl std::fmt::Debug for CoreClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreClient").field("hosts", &self.hosts.as_ref().map(Vec::len)).finish_non_exhaustive()
    }
}

/// A tenant id is data, and may come from outside: one that would not be one segment of the path, or would name an app, is refused.
/// Encoding alone does not do: readers of paths decode `%2E%2E` before they resolve it.
fn path(place: Place<'_>, operation: &str) -> Result<String, CoreError> {
    let Place::Tenant(tenant) = place else { return Ok(operation.to_owned()) };
    let is_segment = !tenant.is_empty() && tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let names_app = tenant.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("appid-"));
    match is_segment && !names_app {
        true => Ok(format!("/{tenant}{operation}")),
        false => Err(CoreError::NotATenant),
    }
}

fn accepted(method: &str, path: &str, response: Response<Bytes>) -> Result<(HeaderMap, Bytes), CoreError> {
    let (parts, body) = response.into_parts();
    if parts.status == StatusCode::OK {
        return Ok((parts.headers, body));
    }
    Err(CoreError::Status {
        method: method.to_owned(),
        path: path.to_owned(),
        status: parts.status.as_u16(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn object(path: &str, body: &[u8]) -> Result<JsonObject, CoreError> {
    let expected = match std::str::from_utf8(body).map(Json::parse_sent) {
        Ok(Ok(Json::Object(object))) => return Ok(object),
        Ok(Err(BadJson::HalfCharacter(_))) => {
            r"a JSON object that can be read: a text in it holds half of a surrogate pair, as \ud83d, which is no character; write that session's payload or data anew, without it"
        }
        _ => "a JSON object",
    };
    Err(CoreError::NotUnderstood { path: path.to_owned(), expected })
}

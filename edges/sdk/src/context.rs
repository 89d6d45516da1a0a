//! What travels along with a call: the user context, which overrides use to talk to each other, and the scope of one request, which
//! collects what shall change on its response (sdk-session.md 1.12, 5.1).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use http::{Extensions, StatusCode};
use serde_json::Value;
use supertokens_web::response_changes::ResponseChanges;

use crate::SuperTokens;
use crate::call_cache::CallCache;
use crate::request::RequestView;

/// Passed through every function. Clones are the same context.
///
/// An override may leave values in it for other overrides of the same request. It also holds the answers of the core that were already
/// read during this request.
#[derive(Clone, Default)]
pub struct UserContext(Arc<Inside>);

#[derive(Default)]
struct Inside {
    request: Option<RequestView>,
    values: Mutex<Extensions>,
    cache: Mutex<CallCache>,
}

impl UserContext {
    /// An empty one, for calls that no request caused.
    pub fn new() -> Self {
        Self::default()
    }

    /// One for a request.
    pub fn of_request(request: RequestView) -> Self {
        Self(Arc::new(Inside { request: Some(request), ..Inside::default() }))
    }

    /// The request that caused the call, if one did.
    pub fn request(&self) -> Option<&RequestView> {
        self.0.request.as_ref()
    }

    /// Leaves a value; a value of the same type that was there is replaced and returned.
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        lock(&self.0.values).insert(value)
    }

    /// The value of this type, if somebody left one.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        lock(&self.0.values).get().cloned()
    }

    /// A write to the core made with this context leaves the caches of other contexts alone. So it is while a request is served;
    /// a write that no request caused cannot know which contexts it makes stale (2.7).
    pub(crate) fn keeps_other_caches(&self) -> bool {
        self.0.request.is_some()
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, CallCache> {
        lock(&self.0.cache)
    }
}

impl std::fmt::Debug for UserContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserContext").field("request", &self.0.request).finish_non_exhaustive()
    }
}

/// An answer that an override, or a callback for errors, wrote by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnAnswer {
    /// The status.
    pub status: StatusCode,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl OwnAnswer {
    /// A JSON answer.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self { status, content_type: "application/json; charset=utf-8", body: Bytes::from(body.to_string()) }
    }
}

impl std::fmt::Debug for OwnAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

/// One request on its way through the application: what it was, and what shall change on its response. Clones are the same scope.
///
/// The adapter of a framework makes one for each request and applies the changes once, at the very end; whatever happens to sessions
/// in between, and however deep, reaches the response.
#[derive(Clone)]
pub struct Scope(Arc<ScopeInside>);

struct ScopeInside {
    engine: SuperTokens,
    request: RequestView,
    context: UserContext,
    changes: Mutex<ResponseChanges>,
    answer: Mutex<Option<OwnAnswer>>,
}

/// A scope that is only remembered: whoever has it does not keep the request's context alive. A session that an override leaves in
/// that context would otherwise hold itself.
#[derive(Clone)]
pub(crate) struct RememberedScope(Weak<ScopeInside>);

impl RememberedScope {
    /// The scope, unless its request is over.
    pub(crate) fn scope(&self) -> Option<Scope> {
        self.0.upgrade().map(Scope)
    }
}

impl Scope {
    pub(crate) fn remember(&self) -> RememberedScope {
        RememberedScope(Arc::downgrade(&self.0))
    }

    /// The scope of a request.
    pub fn new(engine: SuperTokens, request: RequestView) -> Self {
        let context = UserContext::of_request(request.clone());
        Self(Arc::new(ScopeInside { engine, request, context, changes: Mutex::default(), answer: Mutex::default() }))
    }

    /// The SDK.
    pub fn supertokens(&self) -> &SuperTokens {
        &self.0.engine
    }

    /// The request.
    pub fn request(&self) -> &RequestView {
        &self.0.request
    }

    /// The context that every call made for this request shares.
    pub fn context(&self) -> &UserContext {
        &self.0.context
    }

    /// Writes a JSON answer instead of the SDK's own. The first one stays; what the SDK wants to do to tokens is applied to it too.
    pub fn respond_json(&self, status: StatusCode, body: &Value) {
        lock(&self.0.answer).get_or_insert_with(|| OwnAnswer::json(status, body));
    }

    /// The answer that was written, if one was.
    pub fn own_answer(&self) -> Option<OwnAnswer> {
        lock(&self.0.answer).clone()
    }

    /// The changes so far. For adapters and tests.
    pub fn changes(&self) -> ResponseChanges {
        lock(&self.0.changes).clone()
    }

    /// Whether anything shall change. For adapters whose framework has another map of headers, to be filled only then.
    pub fn has_changes(&self) -> bool {
        !lock(&self.0.changes).is_empty()
    }

    /// Takes the changes out, to be applied to the response. For adapters.
    pub fn take_changes(&self) -> ResponseChanges {
        std::mem::take(&mut *lock(&self.0.changes))
    }

    /// Notes changes.
    pub(crate) fn change(&self, change: impl FnOnce(&mut ResponseChanges)) {
        change(&mut lock(&self.0.changes));
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope")
            .field("request", &self.0.request)
            .field("changes", &*lock(&self.0.changes))
            .finish_non_exhaustive()
    }
}

/// Nothing below panics while it holds one of these, and none is held across an await.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Claims and validators as an application meets them: where a value comes from, and what a route asks of it (sdk-session.md 8).
//!
//! The rules (layout, comparison, reasons) are pure and in `supertokens_web::claims`; here are the parts that wait or are the
//! application's own.

use std::sync::Arc;

use serde_json::Value;
use supertokens_domain::time::Millis;
use supertokens_web::claims::{self, Expectation, ValueCheck};

use crate::context::UserContext;
use crate::error::Error;
use crate::future::BoxFuture;
use supertokens_web::payload::Payload;

/// Whose claim is to be fetched.
#[derive(Clone)]
pub struct ClaimSubject {
    /// The primary user.
    pub user_id: String,
    /// The user who logged in.
    pub recipe_user_id: String,
    /// The tenant.
    pub tenant_id: String,
    /// What the payload says so far.
    pub payload: Payload,
    /// The context of the call.
    pub context: UserContext,
}

impl std::fmt::Debug for ClaimSubject {
    /// The payload of an access token holds the anti-CSRF token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClaimSubject").field("user_id", &self.user_id).field("tenant_id", &self.tenant_id).finish_non_exhaustive()
    }
}

/// A fact about a session that is kept in its access token.
///
/// [`Claim`] does for most; implement this to lay the value out differently. Values are JSON.
pub trait SessionClaim: Send + Sync + 'static {
    /// The member of the payload.
    fn key(&self) -> &str;

    /// Finds the value out. `None`: there is none, and one that the payload has is removed.
    fn fetch_value(&self, subject: ClaimSubject) -> BoxFuture<'_, Result<Option<Value>, Error>>;

    /// Writes a value: `{"v": value, "t": now}` under the key.
    fn add_to_payload(&self, payload: Payload, value: Value, now: Millis) -> Payload {
        claims::add_to_payload(payload, self.key(), value, now)
    }

    /// The value, if there is one.
    fn value(&self, payload: &Payload) -> Option<Value> {
        claims::value(payload, self.key()).cloned()
    }
}

type Fetch = Arc<dyn Fn(ClaimSubject) -> BoxFuture<'static, Result<Option<Value>, Error>> + Send + Sync>;

/// A claim with one value: a text, a number, a boolean or a list.
#[derive(Clone)]
pub struct Claim {
    key: Arc<str>,
    fetch: Fetch,
    default_max_age: Option<i64>,
}

impl Claim {
    /// A claim under this key. `fetch` finds the value out when a session begins and when a validator finds it absent or too old; where it
    /// finds none, the session has none either.
    ///
    /// ```
    /// # use supertokens::session::Claim;
    /// let plan = Claim::new("plan", |who| async move { Ok(Some(format!("plan of {}", who.user_id).into())) });
    /// ```
    pub fn new<F, R>(key: impl Into<String>, fetch: F) -> Self
    where
        F: Fn(ClaimSubject) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Value>, Error>> + Send + 'static,
    {
        Self { key: key.into().into(), fetch: Arc::new(move |subject| Box::pin(fetch(subject))), default_max_age: None }
    }

    /// Validators that say nothing else find a value that is older than this, in s, too old.
    #[must_use]
    pub fn default_max_age_in_seconds(mut self, seconds: i64) -> Self {
        self.default_max_age = Some(seconds);
        self
    }

    fn check(&self, expectation: Expectation) -> CheckedClaim {
        let check =
            ValueCheck { id: self.key.to_string(), key: self.key.to_string(), expectation, max_age_s: self.default_max_age };
        CheckedClaim { claim: Arc::new(self.clone()), check }
    }

    /// The value must be this one, type included: `1` is not `"1"`.
    pub fn has_value(&self, value: impl Into<Value>) -> CheckedClaim {
        self.check(Expectation::Equals(value.into()))
    }

    /// The value must be `true`.
    pub fn is_true(&self) -> CheckedClaim {
        self.has_value(true)
    }

    /// The value must be `false`.
    pub fn is_false(&self) -> CheckedClaim {
        self.has_value(false)
    }

    /// The list must hold this.
    pub fn includes(&self, value: impl Into<Value>) -> CheckedClaim {
        self.check(Expectation::Includes(value.into()))
    }

    /// The list must not hold this.
    pub fn excludes(&self, value: impl Into<Value>) -> CheckedClaim {
        self.check(Expectation::Excludes(value.into()))
    }

    /// The list must hold all of these; none is always held.
    pub fn includes_all<V: Into<Value>>(&self, values: impl IntoIterator<Item = V>) -> CheckedClaim {
        self.check(Expectation::IncludesAll(values.into_iter().map(Into::into).collect()))
    }

    /// The list must hold at least one of these.
    pub fn includes_any<V: Into<Value>>(&self, values: impl IntoIterator<Item = V>) -> CheckedClaim {
        self.check(Expectation::IncludesAny(values.into_iter().map(Into::into).collect()))
    }

    /// The list must hold none of these.
    pub fn excludes_all<V: Into<Value>>(&self, values: impl IntoIterator<Item = V>) -> CheckedClaim {
        self.check(Expectation::ExcludesAll(values.into_iter().map(Into::into).collect()))
    }
}

impl SessionClaim for Claim {
    fn key(&self) -> &str {
        &self.key
    }

    fn fetch_value(&self, subject: ClaimSubject) -> BoxFuture<'_, Result<Option<Value>, Error>> {
        (self.fetch)(subject)
    }
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claim({})", self.key)
    }
}

/// What a validator found.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// As it should be.
    Valid,
    /// Not so, and why, if that can be said.
    Invalid(Option<Value>),
}

/// Something a route asks of a session's payload.
pub trait ClaimValidator: Send + Sync + 'static {
    /// Names it; the website finds its own validator by it.
    fn id(&self) -> &str;

    /// The claim it is about, if a value may be fetched again.
    fn claim(&self) -> Option<&Arc<dyn SessionClaim>> {
        None
    }

    /// Whether the claim's value should be fetched before it is judged.
    fn should_refetch(&self, payload: &Payload, now: Millis) -> bool {
        let _ = (payload, now);
        false
    }

    /// Judges.
    fn validate<'a>(
        &'a self,
        payload: &'a Payload,
        now: Millis,
        context: &'a UserContext,
    ) -> BoxFuture<'a, Result<Verdict, Error>>;
}

/// A claim and what is expected of it.
#[derive(Clone)]
pub struct CheckedClaim {
    claim: Arc<dyn SessionClaim>,
    check: ValueCheck,
}

impl CheckedClaim {
    /// A value that is older than this, in s, is fetched again, and does not do.
    #[must_use]
    pub fn max_age_in_seconds(mut self, seconds: i64) -> Self {
        self.check.max_age_s = Some(seconds);
        self
    }

    /// Another id than the claim's key.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.check.id = id.into();
        self
    }
}

impl ClaimValidator for CheckedClaim {
    fn id(&self) -> &str {
        &self.check.id
    }

    fn claim(&self) -> Option<&Arc<dyn SessionClaim>> {
        Some(&self.claim)
    }

    fn should_refetch(&self, payload: &Payload, now: Millis) -> bool {
        self.check.should_refetch(payload, now)
    }

    fn validate<'a>(&'a self, payload: &'a Payload, now: Millis, _: &'a UserContext) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move {
            Ok(match self.check.validate(payload, now) {
                Ok(()) => Verdict::Valid,
                Err(reason) => Verdict::Invalid(reason),
            })
        })
    }
}

impl std::fmt::Debug for CheckedClaim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CheckedClaim").field(&self.check).finish()
    }
}

//! The core as a function: an HTTP request in, an HTTP response out. A socket is one way to call it, a method call is the other.
//!
//! [`Core::open`] connects and migrates the database; [`Core::handle`] answers. Periodic work is a list ([`chores::Chore`]) whose
//! timer belongs to the caller.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use supertokens_domain::config::{AddressRules, Checks, ConfigProblem, CoreConfig};
use supertokens_domain::ids::{AppId, AppIdentifier, TenantIdentifier};
use supertokens_domain::json::JsonObject;
use supertokens_store::{DatabaseOptions, Db, StoreError};
use supertokens_wire::input::{Charset, Input};
use supertokens_wire::operation::Body;
use supertokens_wire::version::{LATEST, Rules};

pub mod account_linking;
pub mod bulk_import;
pub mod caller;
pub mod chores;
pub mod cx;
pub mod dashboard;
pub mod email_verification;
pub mod emailpassword;
pub mod error;
pub mod figures;
pub mod passwordless;
pub mod ports;
pub mod routes;
pub mod server;
pub mod session;
pub mod tenancy;
pub mod tenants;
pub mod thirdparty;
pub mod totp;
pub mod use_case;
pub mod user_id_mapping;
pub mod user_metadata;
pub mod user_removal;
pub mod user_roles;
pub mod users;
pub mod webauthn;

mod accounts;
mod activity;
mod backfill;
mod hashing;
mod keys;
mod logins;
mod request;
mod runs;
mod stats;

pub use hashing::PoolFigures;
pub use keys::SpareKeys;
pub use runs::{JobFigures, LastRun};

use caller::Caller;
use cx::{Cx, Place, key_settings};
use error::{Error, respond, text_response};
use ports::{Clock, Entropy, SystemClock, SystemEntropy};
use use_case::{Door, Route};

/// What a core is made of.
pub struct CoreOptions {
    /// Where everything is kept.
    pub database: DatabaseOptions,
    /// Settings that count where no app or tenant overrides them, by upstream's names.
    pub base: JsonObject,
    /// Lifts some range checks, for test suites. Never for production.
    pub test_mode: bool,
    /// Names this process to `GET /config`.
    pub process_id: String,
    /// The configuration file, if there is one.
    pub config_path: Option<PathBuf>,
    /// Without an API key, answers over the network only to names of the machine itself, to this one, and to configured domains;
    /// without a name, to all.
    pub own_names_and: Option<String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Dice.
    pub entropy: Arc<dyn Entropy>,
    /// How many signing keys lie ready; by default as production needs them, or in test mode as a test suite does.
    pub spare_keys: Option<SpareKeys>,
}

impl CoreOptions {
    /// Default settings, the machine's clock and dice.
    pub fn new(database: DatabaseOptions) -> Self {
        Self {
            database,
            base: JsonObject::new(),
            test_mode: false,
            process_id: ports::uuid(&SystemEntropy),
            config_path: None,
            own_names_and: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            spare_keys: None,
        }
    }
}

/// Why a core did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The base settings do not hold; every problem is listed.
    #[error("the settings do not hold: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Config(Vec<ConfigProblem>),
    /// The database.
    #[error("the database could not be opened")]
    Store(#[from] StoreError),
    /// The base tenant or its keys.
    #[error("the base tenant could not be prepared")]
    Base(#[source] Error),
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Entropy>,
    pub(crate) tenants: tenants::Tenants,
    pub(crate) turns: tenancy::Turns,
    pub(crate) session_turns: session::SessionTurns,
    pub(crate) keys: keys::Keys,
    pub(crate) hashing: hashing::Hashing,
    pub(crate) marks: Arc<activity::Marks>,
    pub(crate) stats: stats::Stats,
    pub(crate) tally: figures::Tally,
    pub(crate) importing: tokio::sync::Mutex<()>,
    pub(crate) runs: runs::Runs<{ chores::Chore::ALL.len() }>,
    pub(crate) greetings: server::Greetings,
    pub(crate) dashboard_tries: dashboard::Tries,
    pub(crate) base_config: CoreConfig,
    pub(crate) test_mode: bool,
    pub(crate) process_id: String,
    pub(crate) config_path: Option<PathBuf>,
    pub(crate) own_names_and: Option<String>,
}

impl Inner {
    /// Drops what is kept in memory of an app that was removed.
    pub(crate) fn forget_app(&self, app: &AppId) {
        self.keys.forget(app);
        self.stats.forget(app);
        self.greetings.forget(app);
        self.dashboard_tries.forget(app);
        self.marks.forget(app);
    }
}

/// A core. Cheap to clone; clones are the same core.
#[derive(Clone)]
pub struct Core(pub(crate) Arc<Inner>);

impl Core {
    /// Connects, migrates, reads the tenants, makes the base tenant and its keys if they are not there. Where the newer tables of users are
    /// read, those whom only the older ones have are written there first. Dropping the future stops that between two batches.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: CoreOptions) -> Result<Self, OpenError> {
        let checks = if options.test_mode { Checks::TestMode } else { Checks::Normal };
        let rules = AddressRules::default();
        let config = CoreConfig::effective_sharing(&options.base, &[], checks, &rules).map_err(OpenError::Config)?;
        let db = Db::open(options.database).await?;
        db.migrate().await?;
        let now = options.clock.now();
        let spare = options.spare_keys.unwrap_or(if options.test_mode { SpareKeys::FOR_SUITES } else { SpareKeys::NORMAL });
        let core = Self(Arc::new(Inner {
            tenants: tenants::Tenants::new(db.clone(), options.base, checks, rules),
            turns: tenancy::Turns::default(),
            session_turns: session::SessionTurns::default(),
            hashing: hashing::Hashing::new(&config),
            keys: keys::Keys::new(db.clone(), Arc::clone(&options.entropy), spare),
            marks: Arc::new(activity::Marks::new(!options.test_mode)),
            stats: stats::Stats::default(),
            tally: figures::Tally::default(),
            importing: tokio::sync::Mutex::default(),
            runs: runs::Runs::new(chores::Chore::ALL.map(chores::Chore::name)),
            greetings: server::Greetings::default(),
            dashboard_tries: dashboard::Tries::default(),
            base_config: config.clone(),
            test_mode: options.test_mode,
            process_id: options.process_id,
            config_path: options.config_path,
            own_names_and: options.own_names_and,
            clock: options.clock,
            dice: options.entropy,
            db,
        }));
        core.prepare(&config, now).await.map_err(OpenError::Base)?;
        Ok(core)
    }

    async fn prepare(&self, config: &CoreConfig, now: i64) -> Result<(), Error> {
        let inner = &self.0;
        inner.tenants.reload().await?;
        let base = TenantIdentifier::default();
        if inner.tenants.known(&base).is_none() {
            inner.db.tx(async move |tx| tx.ensure_base_tenant(now).await).await?;
            inner.tenants.reload().await?;
        }
        inner.db.ensure_activity_partitions(now).await?;
        let settings = key_settings(config, inner.test_mode);
        inner.keys.set(&base.app, &settings, now).await?;
        inner.keys.refresh_key(&base.app, now).await?;
        self.write_all_before_serving().await?;
        inner.keys.prepare_spares();
        Ok(())
    }

    /// The database, for looking after it.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// Do the base tenant's rules let this address in?
    pub fn lets_in(&self, peer: IpAddr) -> bool {
        self.0.tenants.known(&TenantIdentifier::default()).is_none_or(|base| base.config.lets_in(peer))
    }

    /// The tenants that this process knows.
    pub fn tenants(&self) -> &tenants::Tenants {
        &self.0.tenants
    }

    /// Answers a request. `peer` is the address of the caller where there is one; without it, rules about addresses do not apply.
    ///
    /// Never fails: what goes wrong is a response. A panic inside is the caller's to catch.
    pub async fn handle(&self, request: Request<Bytes>, peer: Option<IpAddr>) -> Response<Bytes> {
        self.handle_named(request, peer).await.1
    }

    /// [`handle`](Self::handle), and the operation that answered (`POST /recipe/session`), for logs and metrics; the operation of an
    /// unknown path is empty. The names are a closed set and carry nothing of the request.
    pub async fn handle_named(&self, request: Request<Bytes>, peer: Option<IpAddr>) -> (Operation, Response<Bytes>) {
        let (head, body) = request.into_parts();
        match self.admit(head, peer).await {
            Ok(admitted) => self.answer(admitted, body).await,
            Err(refused) => refused,
        }
    }

    /// The first half of [`handle_named`](Self::handle_named), which needs the head of a request only: address rules, key, version.
    /// Whoever reads bodies need not read one of somebody who is not let in.
    ///
    /// # Errors
    /// The refusal, which is the answer.
    pub async fn admit(
        &self,
        head: http::request::Parts,
        peer: Option<IpAddr>,
    ) -> Result<Admitted, (Operation, Response<Bytes>)> {
        let inner = &*self.0;
        let Some(address) = request::address(head.uri.path(), &inner.base_config.base_path) else {
            return Err((Operation::default(), text_response(StatusCode::NOT_FOUND, "Not found")));
        };
        let now = inner.clock.now();
        let mut visit = Visit { inner, parts: &head, peer, now, address, operation: Operation::default(), counted: None };
        match visit.enter().await {
            Ok(entered) => {
                let Visit { address, operation, counted, .. } = visit;
                Ok(Admitted { head, address, operation, counted, entered, caller: Caller::default() })
            }
            Err(error) => {
                let (operation, counted) = (visit.operation, visit.counted);
                Err((operation, self.send(&head.method, counted, error.into_response())))
            }
        }
    }

    /// The second half: what was asked, answered.
    pub async fn answer(&self, admitted: Admitted, body: Bytes) -> (Operation, Response<Bytes>) {
        let Admitted { head, address, operation, counted, entered, caller } = admitted;
        let response = entered.run(&self.0, caller, &head, &address, &body).await.unwrap_or_else(Error::into_response);
        (operation, self.send(&head.method, counted, response))
    }

    fn send(&self, method: &http::Method, counted: Option<AppIdentifier>, mut response: Response<Bytes>) -> Response<Bytes> {
        if *method == http::Method::HEAD {
            *response.body_mut() = Bytes::new();
        }
        if let Some(app) = &counted {
            self.0.stats.count(app, self.0.clock.now());
        }
        response
    }
}

/// A request that was let in, without its body.
pub struct Admitted {
    head: http::request::Parts,
    address: request::Address,
    operation: Operation,
    counted: Option<AppIdentifier>,
    entered: Entered,
    caller: Caller,
}

impl Admitted {
    /// The same, for a caller of whom it is known whether it is still there.
    pub fn of(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// The operation that will answer.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Is its body of any use? Where nobody had to show a key, none is: whoever reads bodies need not read one of just anybody.
    pub fn reads_body(&self) -> bool {
        self.entered.route.is_some_and(|route| route.door.key)
    }

    /// The longest body that is read for it, in bytes.
    pub fn largest_body(&self) -> usize {
        self.entered.route.map_or(0, |route| route.largest_body)
    }
}

/// Where a request came in, and what follows from its head.
struct Entered {
    place: Place,
    route: Option<&'static Route>,
    rules: Rules,
    protected_caller: bool,
}

/// Every operation that is answered, as verb and path.
pub fn served_operations() -> impl Iterator<Item = (&'static str, &'static str)> {
    // The root is answered too, though no line of the table names it.
    let root = ["GET", "POST", "PUT", "DELETE"].map(|method| (method, "/"));
    routes::all().map(|route| (route.method, route.path)).chain(root)
}

/// Names an operation: its verb and its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Operation {
    /// `GET`, `POST`, `PUT` or `DELETE`; empty if there is no such operation.
    pub method: &'static str,
    /// The path behind the app and tenant segments.
    pub path: &'static str,
}

/// One request on its way through the door.
struct Visit<'a> {
    inner: &'a Inner,
    parts: &'a http::request::Parts,
    peer: Option<IpAddr>,
    now: i64,
    address: request::Address,
    operation: Operation,
    /// The app whose statistics this request belongs to.
    counted: Option<AppIdentifier>,
}

impl Visit<'_> {
    async fn enter(&mut self) -> Result<Entered, Error> {
        let place = self.place().await?;
        let who = place.tenant.as_deref().or(place.app.as_deref());
        request::check_address(self.peer, who)?;
        let (door, route) = self.find();
        let base = self.inner.tenants.known(&TenantIdentifier::default());
        let caller = request::caller(self.parts, place.app.as_ref().map(|e| &e.config), base.as_ref().map(|e| &e.config));
        self.counted = place.app.is_some().then(|| place.at.app_identifier());
        if door.key && !caller.has_key {
            return Err(Error::refused(StatusCode::UNAUTHORIZED, "Invalid API key"));
        }
        // Within a process there is no address, and no browser.
        if door.key && caller.keyless && self.peer.is_some() {
            request::check_site(self.parts, self.inner.own_names_and.as_deref(), &place.at.cud)?;
        }
        let requested = request::version(&self.parts.headers, place.app.as_deref())?;
        if requested.is_below(supertokens_wire::version::CdiVersion { major: 3, minor: 0 }) && !place.at.tenant.is_default() {
            self.counted = None;
            return Err(Error::not_found());
        }
        let rules = match requested.served() {
            Ok(version) => version.rules(),
            Err(refusal) if door.version => return Err(refusal.into()),
            Err(_) => LATEST.rules(),
        };
        Ok(Entered { place, route, rules, protected_caller: caller.is_protected })
    }

    async fn place(&self) -> Result<Place, Error> {
        let tenants = &self.inner.tenants;
        let domain = tenants.domain_of(&request::host(&self.parts.uri, &self.parts.headers));
        request::check_domain(&domain, self.inner.base_config.supertokens_saas_load_only_cud.as_deref())?;
        let at = self.address.at(domain);
        let app = tenants.find(&at.app_identifier().public(), self.now).await?;
        let tenant = match &app {
            Some(app) if at.tenant.is_default() => Some(Arc::clone(app)),
            // Before the key, because a tenant may have rules about addresses of its own, and those come first.
            Some(_) => tenants.find(&at, self.now).await?,
            None => None,
        };
        Ok(Place { at, app, tenant })
    }

    /// The route, and the checks that apply. A path that nobody serves is let in without a key, to be told so.
    fn find(&mut self) -> (Door, Option<&'static Route>) {
        let Some(methods) = self.address.methods() else { return (Door { key: false, version: true }, None) };
        let door = methods.first().map_or(Door::CLOSED, |route| route.door);
        let looks = self.address.path == "/hello" && server::LOOKS.contains(&self.parts.method.as_str());
        let method = if looks { "GET" } else { self.parts.method.as_str() };
        let rid = self.parts.headers.get("rid").and_then(|value| value.to_str().ok());
        // A recipe that has anything on this path answers for all of it, also by saying that there is no such method.
        let rid = rid.filter(|rid| methods.iter().any(|route| route.rid == Some(rid)));
        let route = methods.iter().find(|route| route.method == method && route.rid == rid);
        if let Some(route) = route {
            self.operation = Operation { method: route.method, path: route.path };
        }
        (door, route)
    }
}

impl Entered {
    async fn run(
        self,
        inner: &Inner,
        caller: Caller,
        head: &http::request::Parts,
        address: &request::Address,
        body: &Bytes,
    ) -> Result<Response<Bytes>, Error> {
        let Self { place, route, rules, protected_caller } = self;
        let cx = Cx { core: inner, place, rules, now: inner.clock.now(), protected_caller, caller };
        if let Some(route) = route {
            let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let charset = Charset::of_content_type(content_type.unwrap_or_default())
                .ok_or_else(|| Error::bad("the charset of the body is not supported; send UTF-8"))?;
            let input = Input::new(head.uri.query().unwrap_or_default(), body, charset);
            return Ok(write((route.run)(&cx, input).await?));
        }
        if address.methods().is_some() {
            return Err(Error::refused(StatusCode::METHOD_NOT_ALLOWED, "Method not supported"));
        }
        Ok(write(server::at_the_root(&cx, &address.path, head.method.as_str()).await?))
    }
}

fn write(body: Body) -> Response<Bytes> {
    const JSON: &str = "application/json;charset=UTF-8";
    match body {
        Body::Text(text) => text_response(StatusCode::OK, text),
        Body::Json(object) => respond(StatusCode::OK, JSON, line(&object)),
        Body::CachedJson { json, cache_control } => {
            let mut response = respond(StatusCode::OK, JSON, line(&json));
            if let Ok(value) = HeaderValue::from_str(&cache_control) {
                response.headers_mut().insert(header::CACHE_CONTROL, value);
            }
            response
        }
    }
}

fn line(object: &JsonObject) -> String {
    let mut text = String::with_capacity(1024);
    object.write(&mut text);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A future is copied from hand to hand on its way to the task that runs it. What is seldom needed, such as connecting to a database,
    /// belongs in a box.
    #[tokio::test]
    async fn the_future_of_a_request_is_light() {
        let core = Core::open(CoreOptions::new(DatabaseOptions::parse("sqlite::memory:").unwrap())).await.unwrap();
        let request = Request::get("/hello").body(Bytes::new()).unwrap();
        let bytes = size_of_val(&core.handle(request, None));
        // 2,304 with Rust 1.95.
        assert!(bytes <= 2_560, "{bytes} bytes");
    }
}

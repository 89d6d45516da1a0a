//! Where does a scenario about the SDK happen: a framework, a core of some kind, and a clock that both look at.
//!
//! `stage.app(|plan| plan, routes)` is the standard application on this stage; the closure changes what is to be other.
//! An application is asked with `app.get("/session").bearer(token).send().await`.

use std::sync::Arc;

use http::Method;
use supertokens::session::SessionRecipe;
use supertokens::{AppInfo, BuildError, Builder, Core, SuperTokens};
use tokio::sync::Notify;

use super::app::{AppRoute, Framework, Serve, StandardApp};
use super::browser::{Browser, Mode};
use super::call::Call;
use super::listening::Served;
use super::narrow::{Narrow, Way};
use crate::ports::TestClock;
use crate::target::Target;
use crate::world::World;

/// With what kind of core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreKind {
    /// In the application's process, on an SQLite file.
    EmbeddedSqlite,
    /// In the application's process, on PostgreSQL.
    EmbeddedPostgres,
    /// Over HTTP, on an SQLite file.
    RemoteSqlite,
    /// Over HTTP, on PostgreSQL.
    RemotePostgres,
    /// A scripted one that the scenario brings along; the stage has no world.
    Fake,
}

impl CoreKind {
    /// Those that are cores.
    pub const REAL: &[Self] = &[Self::EmbeddedSqlite, Self::EmbeddedPostgres, Self::RemoteSqlite, Self::RemotePostgres];

    /// The last part of a test's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::EmbeddedSqlite => "embedded_sqlite",
            Self::EmbeddedPostgres => "embedded_postgres",
            Self::RemoteSqlite => "remote_sqlite",
            Self::RemotePostgres => "remote_postgres",
            Self::Fake => "fake",
        }
    }

    /// The world's target, if it has a world.
    pub fn target(self) -> Option<Target> {
        match self {
            Self::EmbeddedSqlite => Some(Target::SqliteFile),
            Self::EmbeddedPostgres => Some(Target::Postgres),
            Self::RemoteSqlite => Some(Target::SqliteFileTcp),
            Self::RemotePostgres => Some(Target::PostgresTcp),
            Self::Fake => None,
        }
    }
}

/// Where a scenario happens.
pub struct Stage {
    /// What the SDK and the core look at; only the scenario turns it.
    pub clock: Arc<TestClock>,
    framework: Framework,
    kind: CoreKind,
    world: Option<World>,
}

/// What the standard application is made of, before it is built.
pub struct Plan {
    info: AppInfo,
    core: Option<Core>,
    sessions: Option<SessionRecipe>,
    cors: bool,
    socket: bool,
    more: Vec<Box<dyn FnOnce(Builder) -> Builder>>,
}

/// An application on a stage. Clones are the same application.
#[derive(Clone)]
pub struct App {
    /// Its SDK.
    pub engine: SuperTokens,
    /// What the second piece of its `/stream` waits for, and whatever else a scenario makes wait.
    pub gate: Arc<Notify>,
    serve: Serve,
    served: Option<Arc<Served>>,
    clock: Arc<TestClock>,
}

/// The standard application: API and website are two hosts of one site, without TLS. So cookies are `SameSite=Lax`, not
/// `Secure`, and anti-CSRF is off.
pub fn standard_app_info() -> AppInfo {
    AppInfo::new("scenario").api_domain("http://api.example.com").website_domain("http://example.com")
}

impl Stage {
    /// A stage with a fresh core. A stage for fake cores has only a clock.
    pub async fn open(framework: Framework, kind: CoreKind) -> Self {
        let world = match kind.target() {
            Some(target) => Some(World::open(target).await),
            None => None,
        };
        let clock = world.as_ref().map(|world| Arc::clone(&world.clock)).unwrap_or_default();
        Self { clock, framework, kind, world }
    }

    /// Clears it away. The last thing that happens on it.
    pub async fn close(&self) {
        if let Some(world) = self.world.clone() {
            world.close().await;
        }
    }

    /// What kind of core it has.
    pub fn kind(&self) -> CoreKind {
        self.kind
    }

    /// The world of its core.
    #[track_caller]
    pub fn world(&self) -> &World {
        self.world.as_ref().expect("a stage with a real core")
    }

    /// A way for an SDK to this stage's core, as its kind wants it.
    #[track_caller]
    pub fn core(&self) -> Core {
        match self.world().address() {
            Some(address) => Core::remote(format!("http://{address}")),
            None => Core::opened((*self.world().core()).clone()),
        }
    }

    /// The same core, and in it the app of this name, which nobody has to have made.
    #[track_caller]
    pub fn core_of_app(&self, app: &str) -> Core {
        match self.world().address() {
            Some(address) => Core::remote(format!("http://{address}/appid-{app}")),
            None => self.core().app_id(app),
        }
    }

    /// The same core, but it says that it knows no other versions of its interface than these.
    #[track_caller]
    pub fn core_speaking(&self, versions: &'static [&'static str]) -> Core {
        let (way, address) = match self.world().address() {
            Some(address) => {
                let client = reqwest::Client::builder().no_proxy().build().expect("a client");
                (Way::Socket(client), format!("http://{address}"))
            }
            None => (Way::Call((*self.world().core()).clone()), "http://core.test".to_owned()),
        };
        Core::transport(Arc::new(Narrow { versions, way }), address)
    }

    /// The standard application on this stage with these routes, as `change` wants it.
    pub async fn app(&self, change: impl FnOnce(Plan) -> Plan, routes: Vec<AppRoute>) -> App {
        self.try_app(change, routes).await.unwrap_or_else(|error| panic!("the SDK is not built: {error}"))
    }

    /// As [`app`](Self::app); gives back why the SDK refuses, if it does.
    pub async fn try_app(&self, change: impl FnOnce(Plan) -> Plan, routes: Vec<AppRoute>) -> Result<App, BuildError> {
        let core = self.world.is_some().then(|| self.core());
        let sessions = Some(SessionRecipe::new());
        let plan = change(Plan { info: standard_app_info(), core, sessions, cors: false, socket: false, more: Vec::new() });
        let clock = Arc::clone(&self.clock);
        let mut builder = SuperTokens::builder(plan.info).clock(Arc::new(move || clock.now()));
        if let Some(core) = plan.core {
            builder = builder.core(core);
        }
        if let Some(sessions) = plan.sessions {
            builder = builder.recipe(sessions);
        }
        let engine = plan.more.into_iter().fold(builder, |builder, change| change(builder)).build().await?;
        let gate = Arc::<Notify>::default();
        let standard = StandardApp { engine: engine.clone(), routes, cors: plan.cors, gate: Arc::clone(&gate) };
        let (serve, served) = match plan.socket {
            true => {
                let served = Served::start(self.framework.listen, standard);
                (Arc::clone(&served).serve(), Some(served))
            }
            false => ((self.framework.build)(standard), None),
        };
        Ok(App { engine, gate, serve, served, clock: Arc::clone(&self.clock) })
    }

    /// Only the SDK, without routes.
    pub async fn engine(&self, change: impl FnOnce(Plan) -> Plan) -> SuperTokens {
        self.app(change, Vec::new()).await.engine
    }
}

impl Plan {
    /// Another application.
    #[must_use]
    pub fn info(mut self, change: impl FnOnce(AppInfo) -> AppInfo) -> Self {
        self.info = change(self.info);
        self
    }

    /// Another core than the stage's.
    #[must_use]
    pub fn core(mut self, core: Core) -> Self {
        self.core = Some(core);
        self
    }

    /// No core at all.
    #[must_use]
    pub fn without_core(mut self) -> Self {
        self.core = None;
        self
    }

    /// Other settings of the session recipe.
    #[must_use]
    pub fn sessions(mut self, change: impl FnOnce(SessionRecipe) -> SessionRecipe) -> Self {
        self.sessions = self.sessions.map(change);
        self
    }

    /// No session recipe.
    #[must_use]
    pub fn without_sessions(mut self) -> Self {
        self.sessions = None;
        self
    }

    /// With the adapter's CORS helper in front.
    #[must_use]
    pub fn with_cors(mut self) -> Self {
        self.cors = true;
        self
    }

    /// Behind a socket of its own, whatever the framework's tests do otherwise.
    #[must_use]
    pub fn over_http(mut self) -> Self {
        self.socket = true;
        self
    }

    /// Anything else that a builder can do: recipes, overrides, a clock.
    #[must_use]
    pub fn builder(mut self, change: impl FnOnce(Builder) -> Builder + 'static) -> Self {
        self.more.push(Box::new(change));
        self
    }
}

impl App {
    /// Begins a `GET`.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// Begins a `POST`.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// Begins a request of any verb.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(Arc::clone(&self.serve), method, path)
    }

    /// Its socket, if it was planned with one.
    #[track_caller]
    pub fn served(&self) -> &Served {
        self.served.as_deref().expect("an application over HTTP")
    }

    /// A browser with the website open and nothing stored.
    pub fn browser(&self, mode: Mode) -> Browser {
        Browser::new(self.clone(), mode)
    }

    /// The time.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }
}

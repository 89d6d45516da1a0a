//! A core in the application's own process: no socket, no second service. The same router answers as in the program `supertokens`, so
//! every endpoint and every version works embedded by construction (decision 19).

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, PoisonError, Weak};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use supertokens_core::chores::{Chore, keep_doing};
use supertokens_core::{Core, CoreOptions};
use supertokens_domain::config::{self, AddressRules, Checks, CoreConfig, Owner, nearest_key};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_store::{DatabaseOptions, SqlitePlace};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinSet;

use super::CoreTransport;
use crate::error::{BuildError, TransportError, with_causes};
use crate::future::BoxFuture;

/// What an embedded core is opened with.
pub(crate) enum Source {
    /// Opens a database and does the periodic work.
    Database { url: String, settings: JsonObject },
    /// The same, unless this process has that database open already.
    OfProcess { url: String, settings: JsonObject },
    /// A core that somebody else opened and looks after.
    Opened(Core),
}

impl Source {
    /// What can be wrong with it before it is opened.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let (Self::Database { url, settings } | Self::OfProcess { url, settings }) = self else { return Ok(()) };
        DatabaseOptions::parse(url).map_err(|error| BuildError::Embedded(error.into()))?;
        if let Some((name, _)) = settings.iter().find(|(name, _)| !is_of_a_core(name)) {
            let meant =
                nearest_key(name).filter(|meant| is_of_a_core(meant)).map(|meant| format!("; {meant} was meant, perhaps"));
            let why = format!("{name} is no setting of an embedded core{}", meant.unwrap_or_default());
            return Err(BuildError::Setting { field: "settings", why });
        }
        let config = CoreConfig::effective_sharing(settings, &[], Checks::Normal, &AddressRules::default());
        config.map(drop).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            BuildError::Embedded(format!("the settings do not hold: {}", problems.join("; ")).into())
        })
    }
}

/// What is set by the database's address instead, an embedded core does not read.
fn is_of_a_core(name: &str) -> bool {
    name == POOL || config::key(name).is_some_and(|key| key.owner != Owner::Database)
}

const POOL: &str = "postgresql_connection_pool_size";
/// In a process of several, each has a pool of its own.
const POOL_OF_PROCESS: usize = 4;

pub(crate) struct Embedded {
    core: Core,
    /// Ends with this.
    _jobs: JoinSet<()>,
    /// The last to go, so that the next core of the database begins when this one has ended.
    _place: Option<OwnedMutexGuard<()>>,
}

/// The cores of this process that may be shared, by their databases.
type ByDatabase = HashMap<String, Known>;

#[derive(Default)]
struct Known {
    settings: String,
    core: Weak<Embedded>,
    place: Arc<Mutex<()>>,
}

/// One name for one database, however its file is written. `None` for memory: each is one of its own.
fn name_of(url: &str) -> Option<String> {
    let Ok(DatabaseOptions::Sqlite(options)) = DatabaseOptions::parse(url) else { return Some(url.to_owned()) };
    let SqlitePlace::File(path) = options.place else { return None };
    // The file need not be there yet, its folder must.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let inside = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    let whole = path.canonicalize().ok().or_else(inside).unwrap_or(path);
    Some(format!("{} {:?}", whole.display(), options.tables))
}

fn of_process() -> Arc<Mutex<ByDatabase>> {
    static OF_PROCESS: std::sync::Mutex<Option<(u32, Arc<Mutex<ByDatabase>>)>> = std::sync::Mutex::new(None);
    let mut kept = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    match &*kept {
        Some((of, cores)) if *of == process => Arc::clone(cores),
        // A process that was forked has none of its parent's cores: their threads are not in it.
        _ => {
            let cores = Arc::default();
            *kept = Some((process, Arc::clone(&cores)));
            cores
        }
    }
}

impl Embedded {
    pub(crate) async fn open(source: Source) -> Result<Arc<Self>, BuildError> {
        match source {
            Source::Opened(core) => Ok(Arc::new(Self { core, _jobs: JoinSet::new(), _place: None })),
            Source::Database { url, settings } => Self::of(&url, settings, None, None).await.map(Arc::new),
            Source::OfProcess { url, settings } => Self::shared(url, settings).await,
        }
    }

    async fn of(
        url: &str,
        settings: JsonObject,
        pool: Option<usize>,
        place: Option<OwnedMutexGuard<()>>,
    ) -> Result<Self, BuildError> {
        let mut database = DatabaseOptions::parse(url).map_err(|error| BuildError::Embedded(error.into()))?;
        let said = settings.get(POOL).and_then(Json::as_i64).and_then(|size| usize::try_from(size).ok());
        if let (DatabaseOptions::Postgres(options), Some(size)) = (&mut database, said.or(pool)) {
            options.pool_size = size;
        }
        let mut options = CoreOptions::new(database);
        options.base = settings;
        let core = Core::open(options).await.map_err(|error| BuildError::Embedded(with_causes(&error).into()))?;
        let mut jobs = JoinSet::new();
        for chore in Chore::ALL {
            jobs.spawn(keep_doing(&core, chore));
        }
        Ok(Self { core, _jobs: jobs, _place: place })
    }

    /// Held while one opens: whoever comes meanwhile wants what he gets.
    async fn shared(url: String, settings: JsonObject) -> Result<Arc<Self>, BuildError> {
        let Some(name) = name_of(&url) else {
            return Self::of(&url, settings, Some(POOL_OF_PROCESS), None).await.map(Arc::new);
        };
        let of_process = of_process();
        let mut all = of_process.lock().await;
        let wanted = settings.to_text();
        let known = all.entry(name).or_default();
        if let Some(core) = known.core.upgrade() {
            if known.settings == wanted {
                return Ok(core);
            }
            let why = "this process has the database open with other settings: give all that name it the same ones";
            return Err(BuildError::Setting { field: "settings", why: why.to_owned() });
        }
        // One that is ending has its database until it has ended.
        let place = Arc::clone(&known.place).lock_owned().await;
        let core = Arc::new(Self::of(&url, settings, Some(POOL_OF_PROCESS), Some(place)).await?);
        (known.settings, known.core) = (wanted, Arc::downgrade(&core));
        all.retain(|_, known| known.core.strong_count() > 0 || Arc::strong_count(&known.place) > 1);
        Ok(core)
    }
}

impl CoreTransport for Embedded {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
            parts.uri = Uri::from(path);
            let answer = AssertUnwindSafe(self.core.handle(Request::from_parts(parts, body), None)).catch_unwind().await;
            answer.map_err(|_| TransportError::Broken("the embedded core panicked".into()))
        })
    }
}

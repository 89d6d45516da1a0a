//! A core in the application's own process: no socket, no second service. The same router answers as in the program `supertokens`, so
//! every endpoint and every version works embedded by construction (decision 19).

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use supertokens_core::chores::{Chore, keep_doing};
use supertokens_core::{Core, CoreOptions};
use supertokens_store::DatabaseOptions;
use tokio::task::JoinSet;

use super::CoreTransport;
use crate::error::{BuildError, TransportError, with_causes};
use crate::future::BoxFuture;

/// What an embedded core is opened with.
pub(crate) enum Source {
    /// Opens a database and does the periodic work.
    Database { url: String, settings: supertokens_domain::json::JsonObject },
    /// A core that somebody else opened and looks after.
    Opened(Core),
}

pub(crate) struct Embedded {
    core: Core,
    /// Ends with this.
    _jobs: JoinSet<()>,
}

impl Embedded {
    pub(crate) async fn open(source: Source) -> Result<Self, BuildError> {
        let (url, base) = match source {
            Source::Opened(core) => return Ok(Self { core, _jobs: JoinSet::new() }),
            Source::Database { url, settings } => (url, settings),
        };
        let database = DatabaseOptions::parse(&url).map_err(|error| BuildError::Embedded(error.into()))?;
        let mut options = CoreOptions::new(database);
        options.base = base;
        let core = Core::open(options).await.map_err(|error| BuildError::Embedded(with_causes(&error).into()))?;
        let mut jobs = JoinSet::new();
        for chore in Chore::ALL {
            jobs.spawn(keep_doing(&core, chore));
        }
        Ok(Self { core, _jobs: jobs })
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

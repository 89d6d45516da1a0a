//! Which core the application uses: one in its own process, one or several over the network, or none. Changing it is one line.

use std::sync::Arc;
use std::time::Duration;

use supertokens_domain::secret::Secret;
use supertokens_web::core_address::{CoreAddress, parse_connection_uri};

use crate::context::UserContext;
use crate::core_client::{CoreCall, CoreClient, Interceptor};
use crate::error::BuildError;
use crate::transport::CoreTransport;

/// Names the core. Nothing is opened or asked before [`crate::Builder::build`].
pub struct Core {
    kind: Kind,
    api_key: Option<Secret<String>>,
    interceptor: Option<Interceptor>,
    caching: bool,
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only a remote core has one"))]
    timeout: Duration,
}

enum Kind {
    #[cfg(feature = "remote")]
    Remote {
        connection_uri: String,
    },
    #[cfg(feature = "embedded")]
    Embedded {
        source: crate::transport::embedded::Source,
        app: Option<String>,
    },
    Transport {
        transport: Arc<dyn CoreTransport>,
        connection_uri: String,
    },
}

/// An embedded core's address: the transport looks at the path only.
#[cfg(feature = "embedded")]
const EMBEDDED: &str = "http://embedded.localhost";

impl Core {
    fn of(kind: Kind) -> Self {
        Self { kind, api_key: None, interceptor: None, caching: true, timeout: Duration::from_secs(30) }
    }

    /// One or several cores over the network, their addresses separated by `;`. A path in an address counts:
    /// `https://core.example.com/appid-shop` is the app `shop`.
    #[cfg(feature = "remote")]
    pub fn remote(connection_uri: impl Into<String>) -> Self {
        Self::of(Kind::Remote { connection_uri: connection_uri.into() })
    }

    /// A core in this process. `database_url` is `sqlite:PATH` (the file is made if it is not there), `sqlite::memory:` (gone when the
    /// process ends) or `postgresql://user:password@host/database`. Tables are made and brought up to date when the SDK is built, and
    /// the periodic work runs on the application's tokio runtime until the last clone of the SDK is dropped.
    ///
    /// Several processes may share a PostgreSQL database with each other and with cores that run as programs; an SQLite file belongs to
    /// one process.
    #[cfg(feature = "embedded")]
    pub fn embedded(database_url: impl Into<String>) -> Self {
        let settings = supertokens_domain::json::JsonObject::new();
        let source = crate::transport::embedded::Source::Database { url: database_url.into(), settings };
        Self::of(Kind::Embedded { source, app: None })
    }

    /// As [`embedded`](Self::embedded), but several SDKs of this process that name the same database have one core, which ends with the last
    /// of them. For hosts with several instances in a process, as worker threads of Node are. All of them must be on one tokio runtime, and
    /// name the same settings.
    #[cfg(feature = "embedded")]
    pub fn embedded_of_process(database_url: impl Into<String>) -> Self {
        let settings = supertokens_domain::json::JsonObject::new();
        let source = crate::transport::embedded::Source::OfProcess { url: database_url.into(), settings };
        Self::of(Kind::Embedded { source, app: None })
    }

    /// An embedded core that the application opened by itself, and whose periodic work it does.
    #[cfg(feature = "embedded")]
    pub fn opened(core: supertokens_core::Core) -> Self {
        Self::of(Kind::Embedded { source: crate::transport::embedded::Source::Opened(core), app: None })
    }

    /// A way of your own to reach cores, for tests and unusual networks.
    pub fn transport(transport: Arc<dyn CoreTransport>, connection_uri: impl Into<String>) -> Self {
        Self::of(Kind::Transport { transport, connection_uri: connection_uri.into() })
    }

    /// The key that the core asks for, without the blanks and line ends around it. An empty one is none.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        let key: String = key.into();
        // No key ends in a blank; files with secrets end in a line end.
        let key = key.trim();
        self.api_key = (!key.is_empty()).then(|| Secret::new(key.to_owned()));
        self
    }

    /// A setting of an embedded core, by the name it has in the core's configuration file, e.g. `access_token_validity` (in s).
    /// Without effect on other cores, which have their own configuration.
    #[cfg(feature = "embedded")]
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<supertokens_domain::json::Json>) -> Self {
        use crate::transport::embedded::Source::{Database, OfProcess};
        if let Kind::Embedded { source: Database { settings, .. } | OfProcess { settings, .. }, .. } = &mut self.kind {
            settings.insert(name, value);
        }
        self
    }

    /// The app of an embedded core, if not the public one. It must exist.
    #[cfg(feature = "embedded")]
    #[must_use]
    pub fn app_id(mut self, id: impl Into<String>) -> Self {
        if let Kind::Embedded { app, .. } = &mut self.kind {
            *app = Some(id.into());
        }
        self
    }

    /// How long a call to a remote core may take. 30 s if not said.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sees every call to the core before it is made, and may change it. Fetching the public keys is none of them. After 30 seconds the call
    /// fails.
    #[must_use]
    pub fn with_interceptor<I, Running>(mut self, interceptor: I) -> Self
    where
        I: Fn(CoreCall, UserContext) -> Running + Send + Sync + 'static,
        Running: Future<Output = Result<CoreCall, Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        self.interceptor = Some(Arc::new(move |call, context| Box::pin(interceptor(call, context))));
        self
    }

    /// Asks the core again for what was already read during the same request.
    #[must_use]
    pub fn without_call_cache(mut self) -> Self {
        self.caching = false;
        self
    }

    /// What can be wrong with it before anything is opened.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let key_fits = self.api_key.as_ref().is_none_or(|key| http::HeaderValue::from_str(key.expose()).is_ok());
        if !key_fits {
            let why = "the key holds a character that no header can carry: write it as the core's configuration has it";
            return Err(BuildError::Setting { field: "api_key", why: why.to_owned() });
        }
        match &self.kind {
            #[cfg(feature = "remote")]
            Kind::Remote { connection_uri } => parse_connection_uri(connection_uri).map(drop).map_err(BuildError::ConnectionUri),
            #[cfg(feature = "embedded")]
            Kind::Embedded { source, app } => {
                check_embedded(source, app.as_deref())?;
                parse_connection_uri(&embedded_address(app.as_deref())).map_err(BuildError::ConnectionUri)?;
                source.check()
            }
            Kind::Transport { connection_uri, .. } => {
                parse_connection_uri(connection_uri).map(drop).map_err(BuildError::ConnectionUri)
            }
        }
    }

    pub(crate) async fn connect(self) -> Result<CoreClient, BuildError> {
        self.check()?;
        let (transport, hosts): (Arc<dyn CoreTransport>, Vec<CoreAddress>) = match self.kind {
            #[cfg(feature = "remote")]
            Kind::Remote { connection_uri } => {
                let hosts = parse_connection_uri(&connection_uri).map_err(BuildError::ConnectionUri)?;
                (Arc::new(crate::transport::remote::Remote::new(self.timeout)?), hosts)
            }
            #[cfg(feature = "embedded")]
            Kind::Embedded { source, app } => {
                let hosts = parse_connection_uri(&embedded_address(app.as_deref())).map_err(BuildError::ConnectionUri)?;
                (crate::transport::embedded::Embedded::open(source).await?, hosts)
            }
            Kind::Transport { transport, connection_uri } => {
                (transport, parse_connection_uri(&connection_uri).map_err(BuildError::ConnectionUri)?)
            }
        };
        let mut client = CoreClient::new(transport, Some(hosts));
        client.api_key = self.api_key;
        client.interceptor = self.interceptor;
        client.caching = self.caching;
        Ok(client)
    }
}

#[cfg(feature = "embedded")]
fn embedded_address(app: Option<&str>) -> String {
    app.map_or_else(|| EMBEDDED.to_owned(), |app| format!("{EMBEDDED}/appid-{app}"))
}

/// An empty text comes from a variable that nobody has set. It must mean neither some other database nor some other app.
#[cfg(feature = "embedded")]
fn check_embedded(source: &crate::transport::embedded::Source, app: Option<&str>) -> Result<(), BuildError> {
    let empty = |field, write: &str| {
        let why = format!("it is empty: write {write}. If it comes from a variable, that is not set");
        Err(BuildError::Setting { field, why })
    };
    match source {
        crate::transport::embedded::Source::Database { url, .. } | crate::transport::embedded::Source::OfProcess { url, .. }
            if url.trim().is_empty() =>
        {
            empty("database_url of Core::embedded", "sqlite:PATH or postgresql://user:password@host/database")
        }
        _ if app.is_some_and(|app| app.trim().is_empty()) => empty("app_id", "the app's id, or leave it out for the public app"),
        _ => Ok(()),
    }
}

impl std::fmt::Debug for Core {
    /// Database URLs and API keys are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.kind {
            #[cfg(feature = "remote")]
            Kind::Remote { .. } => "Core(remote)",
            #[cfg(feature = "embedded")]
            Kind::Embedded { .. } => "Core(embedded)",
            Kind::Transport { .. } => "Core(own transport)",
        })
    }
}

//! From settings to a running SDK: everything is checked before the first request (sdk-session.md 1.2, 1.3).

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::app_info::AppInfo;
use crate::context::{OwnAnswer, Scope};
use crate::core::Core;
use crate::core_client::CoreClient;
use crate::engine::{Clock, Inner, OnFault, SuperTokens};
use crate::error::{BuildError, Error};
use crate::figures::Tally;
use crate::jwks::Jwks;
use crate::jwt::JwtRecipe;
use crate::overriding::{Function, Next, Overrides};
use crate::session::turns::Turns;
use crate::session::verified::VerifiedTokens;
use crate::session::{SessionFeature, SessionRecipe};
use crate::surroundings::{PAGE, Surroundings};
use crate::transport::CoreTransport;

/// A recipe with its settings.
#[derive(Debug)]
#[non_exhaustive]
pub enum Recipe {
    /// Sessions.
    Session(Box<SessionRecipe>),
    /// JWTs that are no sessions.
    Jwt(JwtRecipe),
}

impl From<SessionRecipe> for Recipe {
    fn from(recipe: SessionRecipe) -> Self {
        Self::Session(Box::new(recipe))
    }
}

impl From<JwtRecipe> for Recipe {
    fn from(recipe: JwtRecipe) -> Self {
        Self::Jwt(recipe)
    }
}

/// Gathers settings; [`build`](Self::build) checks them.
pub struct Builder {
    app_info: AppInfo,
    core: Option<Core>,
    recipes: Vec<Recipe>,
    overrides: Overrides,
    clock: Clock,
    on_fault: Option<OnFault>,
}

/// How many tokens of version 2 that no known key has signed may be shown to the core at a time.
const UNPROVEN: usize = 8;
/// How many verified tokens are remembered, if not said.
const VERIFIED_TOKENS: usize = 10_000;

impl SuperTokens {
    /// Begins with what the application is.
    pub fn builder(app_info: AppInfo) -> Builder {
        Builder::new(app_info)
    }
}

impl Builder {
    fn new(app_info: AppInfo) -> Self {
        let clock =
            || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
        Self {
            app_info,
            core: None,
            recipes: Vec::new(),
            overrides: Overrides::default(),
            clock: Arc::new(clock),
            on_fault: None,
        }
    }

    /// The core. Without one, every function that needs it must be overridden.
    #[must_use]
    pub fn core(mut self, core: Core) -> Self {
        self.core = Some(core);
        self
    }

    /// Adds a recipe. At least one is needed.
    #[must_use]
    pub fn recipe(mut self, recipe: impl Into<Recipe>) -> Self {
        self.recipes.push(recipe.into());
        self
    }

    /// Changes a function or an endpoint: `wrapping` gets the call, and `next`, which goes on with it. The last one added is outermost.
    ///
    /// ```
    /// # use supertokens::{AppInfo, SuperTokens, session::CreateNewSession};
    /// # let builder = SuperTokens::builder(AppInfo::new("demo"));
    /// builder.with_override(|mut call: CreateNewSession, next| async move {
    ///     call.access_token_payload.insert("plan".into(), "free".into());
    ///     next.run(call).await
    /// });
    /// ```
    #[must_use]
    pub fn with_override<F, Wrapping, Running>(mut self, wrapping: Wrapping) -> Self
    where
        F: Function,
        Wrapping: Fn(F, Next<F>) -> Running + Send + Sync + 'static,
        Running: Future<Output = Result<F::Output, Error>> + Send + 'static,
    {
        self.overrides.wrap(wrapping);
        self
    }

    /// Switches one of the SDK's endpoints off: the application may answer at its path. Functions and
    /// [`VerifySession`](crate::session::VerifySession) have no path and stay.
    #[must_use]
    pub fn disable<F: Function>(mut self) -> Self {
        self.overrides.disable::<F>();
        self
    }

    /// Answers faults in the SDK's own endpoints and checks (a core that is down, a setting that cannot work) in the application's own
    /// way. `None` leaves the bare 500. The fault is logged in any case; do not show it to browsers.
    #[must_use]
    pub fn on_fault(mut self, answer: impl Fn(&Error, &Scope) -> Option<OwnAnswer> + Send + Sync + 'static) -> Self {
        self.on_fault = Some(Arc::new(answer));
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings as [`build`](Self::build) does, and opens nothing: for hosts that say at once what is wrong and open later.
    /// Whether the database is there, it does not know.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn check(&self) -> Result<(), BuildError> {
        let app = self.app_info.input.clone().normalise()?;
        self.settle(&app)?;
        self.core.as_ref().map_or(Ok(()), Core::check)
    }

    /// The recipes by their kinds: the sessions', the time of JWTs, and how many verified tokens are kept.
    fn settle(&self, app: &supertokens_web::app_info::AppInfo) -> Result<(Option<SessionFeature>, i64, usize), BuildError> {
        if self.recipes.is_empty() {
            return Err(BuildError::NoRecipe);
        }
        let (mut session, mut jwt) = (None, None);
        for recipe in &self.recipes {
            let twice = match recipe {
                Recipe::Session(recipe) => session.replace(recipe).map(|_| "session"),
                Recipe::Jwt(recipe) => jwt.replace(recipe).map(|_| "jwt"),
            };
            if let Some(name) = twice {
                return Err(BuildError::RecipeTwice(name));
            }
        }
        let jwt_validity = jwt.cloned().unwrap_or_default().validity()?;
        let kept = session.and_then(|recipe| recipe.verified_tokens).unwrap_or(VERIFIED_TOKENS);
        let session = session.map(|recipe| feature((**recipe).clone(), app)).transpose()?;
        Ok((session, jwt_validity, kept))
    }

    /// Checks the settings, and opens the core if it is embedded. A remote core is not asked yet: one that is down does not keep the
    /// application from starting.
    ///
    /// # Errors
    /// See [`BuildError`]; each names the setting and what to do.
    pub async fn build(self) -> Result<SuperTokens, BuildError> {
        let app = self.app_info.input.clone().normalise()?;
        let (session, jwt_validity, kept) = self.settle(&app)?;
        let origin = self.app_info.origin;
        if let (Some(feature), None) = (&session, &origin) {
            warn_of_cookies_that_nobody_keeps(feature, &app);
        }
        let client = match self.core {
            Some(core) => core.connect().await?,
            None => CoreClient::new(Arc::new(Nowhere), None),
        };
        let interval = session.as_ref().map_or(14_400_000, |session| session.settings.jwks_refresh_interval_ms);
        let jwks = Jwks::new(client.hosts.as_ref().map_or(0, Vec::len), interval);
        tracing::debug!(target: "com.supertokens", app = app.app_name, version = env!("CARGO_PKG_VERSION"), "the SDK is built");
        Ok(SuperTokens::new(Inner {
            app,
            origin,
            client,
            jwks,
            verified: (kept > 0).then(|| VerifiedTokens::new(kept)),
            session,
            jwt_validity,
            overrides: self.overrides,
            clock: self.clock,
            on_fault: self.on_fault,
            figures: Tally::default(),
            surroundings: Surroundings::default(),
            unproven: tokio::sync::Semaphore::new(UNPROVEN),
            turns: Turns::default(),
            website: OnceLock::new(),
        }))
    }
}

fn feature(recipe: SessionRecipe, app: &supertokens_web::app_info::AppInfo) -> Result<SessionFeature, BuildError> {
    let settings = recipe.input.normalise(app)?;
    for (place, claim) in recipe.claims.iter().enumerate() {
        if recipe.claims.iter().take(place).any(|earlier| earlier.key() == claim.key()) {
            return Err(BuildError::ClaimTwice(claim.key().to_owned()));
        }
    }
    Ok(SessionFeature {
        settings,
        transfer: recipe.transfer,
        cookie_name: recipe.cookie_name,
        header_name: recipe.header_name,
        handlers: recipe.handlers,
        claims: recipe.claims,
        validators: recipe.validators,
    })
}

/// No reason not to start: all sessions may travel in headers. Where one does not, its login fails with the same words.
fn warn_of_cookies_that_nobody_keeps(feature: &SessionFeature, app: &supertokens_web::app_info::AppInfo) {
    let problem = app.origin(None).ok().and_then(|website| feature.settings.insecure_cookie_combination(app, &website));
    if let Some(problem) = problem.filter(|_| feature.transfer.is_none()) {
        tracing::warn!(target: "com.supertokens", "{problem}. See {PAGE}, \"https and SameSite\"");
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("app_info", &self.app_info).field("core", &self.core).finish_non_exhaustive()
    }
}

/// Where an application's questions go that has named no core. Nobody asks it: the client refuses before.
struct Nowhere;

impl CoreTransport for Nowhere {
    fn send(
        &self,
        _: http::Request<bytes::Bytes>,
    ) -> crate::future::BoxFuture<'_, Result<http::Response<bytes::Bytes>, crate::error::TransportError>> {
        Box::pin(async { Err(crate::error::TransportError::Unreachable("no core was named".into())) })
    }
}

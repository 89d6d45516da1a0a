//! What can go wrong, from the application's side: the session errors, which have an answer of their own, and faults, which have none
//! (sdk-session.md 3.7).

use supertokens_domain::printable::printable;
pub(crate) use supertokens_domain::printable::with_causes;
pub use supertokens_domain::session::access_token::PayloadTooLarge;
pub use supertokens_web::outcome::ClaimFailure;
use supertokens_web::outcome::Refusal;
use supertokens_wire::ask::UnreadableAnswer;

/// Why a call did not give what was asked for.
///
/// The first seven are answers to the browser and every adapter writes them. An application may return them from its own handlers too,
/// for example [`Error::unauthorised`] to log somebody out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no session, or not any more: 401.
    #[error("unauthorised: {}", printable(.message))]
    Unauthorised {
        /// For logs and callbacks; the browser does not see it.
        message: String,
        /// Whether the browser shall forget its tokens.
        clear_tokens: bool,
    },
    /// The access token is over or not acceptable; the browser shall refresh and come again: 401.
    #[error("try refresh token: {}", printable(.message))]
    TryRefreshToken {
        /// For logs and callbacks; the browser does not see it.
        message: String,
    },
    /// A refresh token was used that had already been replaced: 401, and the session ends.
    #[error("token theft detected in session {}", printable(.session_handle))]
    TokenTheftDetected {
        /// The session.
        session_handle: String,
        /// Its primary user.
        user_id: String,
        /// The user who logged in.
        recipe_user_id: String,
    },
    /// The session is fine and its claims are not: 403.
    #[error("invalid claims: {}", printable(&.failures.iter().map(|failure| failure.id.as_str()).collect::<Vec<_>>().join(", ")))]
    InvalidClaims {
        /// All that failed, in order.
        failures: Vec<ClaimFailure>,
    },
    /// The browser sent cookies of two domains; those of the older one are being cleared: 200.
    #[error("{}", printable(.message))]
    ClearDuplicateSessionCookies {
        /// The browser sees it.
        message: String,
    },
    /// The request cannot be understood: 400.
    #[error("{}", printable(.message))]
    BadInput {
        /// The browser sees it.
        message: String,
    },
    /// The payload would make an access token that is too large: 400. Nothing was stored, and the session is as it was.
    #[error(transparent)]
    PayloadTooLarge(PayloadTooLarge),
    /// The core could not be asked, or said no.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The settings do not allow what was asked for. The text says which and what to do.
    #[error("{0}")]
    Settings(String),
    /// The session's tokens are not what they should be, though the core or a recipe function made them.
    #[error("an access token that should be good is not: {0}")]
    BrokenToken(&'static str),
    /// An override or a callback of the application failed.
    #[error(transparent)]
    Application(Box<dyn std::error::Error + Send + Sync>),
}

impl CoreError {
    /// Whether the core knows the app but not the tenant that was named, which it says with 400 whatever the operation. Where it does not
    /// know the app it names the public tenant, without which there is no app: that is a mistake of the settings, and nobody's session.
    pub(crate) fn is_unknown_tenant(&self) -> bool {
        matches!(self, Self::Status { status: 400, body, .. } if missing_tenant(body).is_some_and(|tenant| tenant != PUBLIC))
    }
}

const PUBLIC: &str = "public";

/// The tenant in the core's sentence `…: (domain, app, tenant)`. Domains and apps hold no comma; what came as a tenant may.
fn missing_tenant(body: &str) -> Option<&str> {
    const WORDS: &str = "Tenant with the following connectionURIDomain, appId and tenantId combination not found: (";
    body.split_once(WORDS)?.1.trim_end().strip_suffix(')')?.splitn(3, ", ").nth(2)
}

/// What to do where the core says that it does not know the app.
fn remedy(body: &str) -> &'static str {
    const NO_APP: &str = "App with the following connectionURIDomain and appId combination not found";
    match missing_tenant(body) == Some(PUBLIC) || body.contains(NO_APP) {
        true => {
            ". The core does not know this app: check the app's id in the settings of the SDK, which is the path of the connection URI (/appid-…) \
             or app_id of an embedded core, and that the connection URI names the core that has the app"
        }
        false => "",
    }
}

impl Error {
    /// Logs the browser out: its tokens are cleared.
    pub fn unauthorised(message: impl Into<String>) -> Self {
        Self::Unauthorised { message: message.into(), clear_tokens: true }
    }

    /// No session in this request; tokens stay, because another request of the same browser may be about to set them.
    pub(crate) fn no_session(message: impl Into<String>) -> Self {
        Self::Unauthorised { message: message.into(), clear_tokens: false }
    }

    pub(crate) fn try_refresh(message: impl Into<String>) -> Self {
        Self::TryRefreshToken { message: message.into() }
    }

    /// Wraps an error of the application's own.
    pub fn application(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Application(error.into())
    }

    /// Whether the SDK has an answer for it. If not, it belongs to the framework's own error handling.
    pub fn has_answer(&self) -> bool {
        self.refusal().is_some()
    }

    /// What the browser gets to see, if it is not a fault.
    pub(crate) fn refusal(&self) -> Option<Refusal<'_>> {
        Some(match self {
            Self::Unauthorised { clear_tokens, .. } => Refusal::Unauthorised { clear_tokens: *clear_tokens },
            Self::TryRefreshToken { .. } => Refusal::TryRefreshToken,
            Self::TokenTheftDetected { .. } => Refusal::TokenTheftDetected,
            Self::InvalidClaims { failures } => Refusal::InvalidClaims(failures),
            Self::ClearDuplicateSessionCookies { message } => Refusal::ClearDuplicateSessionCookies { message },
            Self::BadInput { message } => Refusal::BadInput { message },
            Self::PayloadTooLarge(refused) => Refusal::PayloadTooLarge(*refused),
            Self::Core(_) | Self::Settings(_) | Self::BrokenToken(_) | Self::Application(_) => return None,
        })
    }
}

/// What went wrong between the SDK and the core.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// No core was named.
    #[error(
        "No SuperTokens core available to query. Please pass supertokens > connectionURI to the init function, or override all the functions of the recipe you are using."
    )]
    NotConfigured,
    /// None of the cores could be reached.
    #[error("No SuperTokens core available to query")]
    NoneReachable(#[source] Option<TransportError>),
    /// A core answered with something else than 200.
    #[error(
        "SuperTokens core threw an error for a {method} request to path: '{}' with status code: {status} and message: {}{}",
        printable(.path), printable(.body.trim_end()), remedy(.body)
    )]
    Status {
        /// `GET`, `POST`, …
        method: String,
        /// Without domain and base path.
        path: String,
        /// The HTTP status.
        status: u16,
        /// What the core said.
        body: String,
    },
    /// No version of the interface is common to both.
    #[error(
        "The running SuperTokens core version is not compatible with this SDK: it speaks {}, and this SDK {}. Update the core or the SDK.",
        printable(.offered), crate::interface::SUPPORTED.join(", ")
    )]
    Incompatible {
        /// The versions that the core offers.
        offered: String,
    },
    /// The request broke off.
    #[error("the request to the SuperTokens core failed")]
    Transport(#[from] TransportError),
    /// An answer cannot be understood.
    #[error("the answer of the SuperTokens core cannot be read")]
    Unreadable(#[from] UnreadableAnswer),
    /// An answer is not what it should be.
    #[error("the answer of the SuperTokens core to {} is not {expected}", printable(.path))]
    NotUnderstood {
        /// Without domain and base path.
        path: String,
        /// What should have come.
        expected: &'static str,
    },
    /// A tenant's id that cannot be one.
    #[error("the tenant's id is not one: it may hold letters, digits, - and _, and may not begin with appid-")]
    NotATenant,
    /// The version could not be agreed upon; somebody else tried at that moment, and met this.
    #[error("no version of the interface could be agreed upon with the core: {0}")]
    Negotiation(String),
    /// The application's network interceptor failed.
    #[error("the network interceptor failed")]
    Interceptor(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a request did not reach a core, or its answer not us.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nothing was sent: another core may be tried.
    #[error("the core cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("the core did not answer in time")]
    TimedOut,
    /// The connection broke, or the answer was no HTTP, or too large.
    #[error("the exchange with the core broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why the SDK did not start. Each names the setting and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// About `AppInfo`.
    #[error(transparent)]
    AppInfo(#[from] supertokens_web::app_info::AppInfoError),
    /// About the core's address.
    #[error("connectionURI: {0}")]
    ConnectionUri(#[source] supertokens_web::address::AddressError),
    /// About the session recipe.
    #[error(transparent)]
    Session(#[from] supertokens_web::session_settings::SettingsError),
    /// About the list of recipes.
    #[error("Please provide at least one recipe to the builder: SuperTokens::builder(…).recipe(SessionRecipe::default())")]
    NoRecipe,
    /// A recipe stands in the list twice.
    #[error("the {0} recipe has already been initialised: list it once")]
    RecipeTwice(&'static str),
    /// Two claims have one key.
    #[error("two claims have the key {0:?}: give each its own")]
    ClaimTwice(String),
    /// A setting holds a value that cannot be used.
    #[error("{field}: {why}")]
    Setting {
        /// Which one.
        field: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The embedded core did not open.
    #[error("the embedded core did not open: {0}")]
    Embedded(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client for the remote core could not be made.
    #[error("the HTTP client could not be made: {0}")]
    HttpClient(#[source] Box<dyn std::error::Error + Send + Sync>),
}

//! SuperTokens sessions for Rust applications: safe by default, checked locally, revocable, with a core over HTTP or in the same process.
//!
//! This crate is the engine and knows no framework. Applications add an adapter, such as `supertokens-axum`, which brings extractors and a
//! layer; for anything else that speaks tower, the feature `tower` has the layer itself.
//!
//! The whole life of a session, without a framework:
//!
//! ```
//! # #[cfg(feature = "embedded")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
//! use supertokens::{AppInfo, Core, SuperTokens};
//!
//! let app = AppInfo::new("demo").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
//! let supertokens = SuperTokens::builder(app)
//!     .core(Core::embedded("sqlite::memory:")) // or Core::remote("http://localhost:3567")
//!     .recipe(SessionRecipe::default())
//!     .build()
//!     .await?;
//!
//! let session = supertokens.create_new_session(NewSession::of("anna").claim("role", "admin")).await?;
//! let token = session.access_token();
//!
//! let found = supertokens.get_session(token.as_str(), None, &VerifyOptions::default()).await?;
//! assert_eq!(found.map(|session| session.user_id().to_owned()).as_deref(), Some("anna"));
//!
//! session.revoke().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "embedded"))]
//! # fn main() {}
//! ```
//!
//! # What is where
//!
//! - [`SuperTokens`] is the SDK of one application; [`SuperTokens::builder`] makes it from [`AppInfo`], a [`Core`] and recipes.
//! - [`Scope`] is one request: what it was, and what shall change on its response. Adapters make one for each request;
//!   [`Scope::verify_session`] and [`Scope::create_new_session`] are what most of them call.
//! - [`session::Session`] is a session in hand. Clones are the same session.
//! - Every function and endpoint is a struct ([`Function`]), so that an application can change it: [`Builder::with_override`].
//! - [`Error`] has the session errors, which have an answer of their own ([`Scope::error_response`]), and faults, which have none.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `remote` (default) | a core over HTTP |
//! | `embedded` | a core in this process, on SQLite or PostgreSQL |
//! | `tower` | the layer and guard that axum, tonic, hyper and AWS Lambda share |
//!
//! # Where it is as the other SDKs are, and where not
//!
//! Cookies, headers, answers and calls to the core are those of the official SDKs (Node 24), so their libraries for websites and mobile
//! applications work unchanged. Different on purpose: there is no global instance; nothing is sent anywhere but to your core; a token of
//! version 4 or 5 must name its tenant; RS256 is the only algorithm, whatever a token or key says; comparisons of secrets take constant
//! time; with a core of CDI 5.6 checking a session never needs the core, and with 5.4 only once after each refresh.

pub mod adapter;
mod app_info;
mod builder;
mod call_cache;
mod context;
mod core;
mod core_client;
mod engine;
pub mod error;
mod figures;
mod future;
mod handle;
mod inline;
mod interface;
mod json;
mod jwks;
pub mod jwt;
pub mod openid;
mod overriding;
mod request;
pub mod session;
mod surroundings;
#[cfg(feature = "tower")]
pub mod tower;
mod transport;

pub use app_info::AppInfo;
pub use builder::{Builder, Recipe};
pub use context::{OwnAnswer, Scope, UserContext};
pub use core::Core;
pub use core_client::{CoreCall, Interceptor};
pub use engine::{Clock, SuperTokens};
pub use error::{BuildError, ClaimFailure, CoreError, Error, PayloadTooLarge, TransportError};
pub use figures::Figures;
pub use future::BoxFuture;
pub use overriding::{Function, Next};
pub use request::RequestView;
pub use supertokens_web::payload::Payload;
pub use transport::CoreTransport;

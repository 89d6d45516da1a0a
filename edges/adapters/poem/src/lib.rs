//! SuperTokens sessions in [Poem](poem) applications.
//!
//! A complete application, with a core that runs beside it:
//!
//! ```no_run
//! # #[cfg(feature = "remote")] mod example {
//! use poem::{EndpointExt, Route, Server, get, handler, listener::TcpListener};
//! use supertokens::{AppInfo, Core, SuperTokens, session::SessionRecipe};
//! use supertokens_poem::{Session, SuperTokensMiddleware, cors};
//!
//! #[handler]
//! async fn me(session: Session) -> String { session.user_id().to_owned() }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let app = AppInfo::new("Demo").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
//!     let supertokens = SuperTokens::builder(app).core(Core::remote("http://localhost:3567")).recipe(SessionRecipe::new()).build().await?;
//!     let routes = Route::new().at("/me", get(me));
//!     let app = routes.with(SuperTokensMiddleware::new(supertokens.clone())).with(cors(&supertokens));
//!     Ok(Server::new(TcpListener::bind("127.0.0.1:3001")).run(app).await?)
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! - [`SuperTokensMiddleware`] goes around all routes. It answers the SDK's own endpoints (`/auth/session/refresh`, `/auth/signout`, …),
//!   and writes what happens to sessions in a handler into that handler's response.
//! - [`cors`] goes around that, which in Poem means: it is added after it.
//! - A handler that takes a [`Session`] is only called with a good one; one that takes a [`MaybeSession`] also without any. Both may
//!   be told how to check, with a [`VerifyPolicy`]. `Option<Session>` is something else: Poem makes `None` of every refusal, so that
//!   a browser whose session has to be refreshed is not told.
//! - [`verify_session`] guards a route, or many, with options that are made at run time. The extractors then give what it found.
//! - [`Auth`] creates sessions: a login handler takes it.
//! - [`Error`] is what a handler returns, so that `?` works on everything the SDK does; `poem::Result` takes it too.
//!
//! It is Poem's own kind of middleware, and not the tower layer through the feature `tower-compat`: that one queues all requests before
//! one task, and knows nothing of Poem's errors.

mod cors;
mod error;
mod extract;
mod guard;
mod middleware;

pub use cors::{cors, cors_for};
pub use error::{Error, Result};
pub use extract::{Auth, Engine, MaybeSession, Session};
pub use guard::{VerifySession, VerifySessionEndpoint, verify_session};
pub use middleware::{SuperTokensEndpoint, SuperTokensMiddleware};
pub use supertokens;
pub use supertokens::adapter::{Usual, VerifyPolicy};

/// The program in the README is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

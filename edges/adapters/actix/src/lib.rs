//! SuperTokens sessions in [actix-web](actix_web) applications.
//!
//! A complete application, with a core that runs beside it:
//!
//! ```no_run
//! # #[cfg(feature = "remote")] mod example {
//! use actix_web::{App, HttpServer, web};
//! use supertokens::{AppInfo, Core, SuperTokens, session::SessionRecipe};
//! use supertokens_actix::{Session, SuperTokensMiddleware, cors};
//!
//! async fn me(session: Session) -> String { session.user_id().to_owned() }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let app = AppInfo::new("Demo").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
//!     let supertokens = SuperTokens::builder(app).core(Core::remote("http://localhost:3567")).recipe(SessionRecipe::new()).build().await?;
//!     let server = HttpServer::new(move || {
//!         App::new()
//!             .route("/me", web::get().to(me))
//!             .wrap(SuperTokensMiddleware::new(supertokens.clone()))
//!             .wrap(cors(&supertokens))
//!     });
//!     Ok(server.bind(("127.0.0.1", 3001))?.run().await?)
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! - [`SuperTokensMiddleware`] goes around the whole application. It answers the SDK's own endpoints (`/auth/session/refresh`,
//!   `/auth/signout`, …), and writes what happens to sessions in a handler into that handler's response.
//! - [`cors`] goes around that, which in actix means: it is wrapped after it.
//! - A handler that takes a [`Session`] is only called with a good one; one that takes a [`MaybeSession`] also without any. Both may
//!   be told how to check, with a [`VerifyPolicy`].
//! - [`verify_session`] guards a resource or a scope, with options that are made at run time. The extractors then give what it found.
//! - [`Auth`] creates sessions: a login handler takes it.
//! - [`Error`] is what a handler returns, so that `?` works on everything the SDK does.

mod cors;
mod error;
mod extract;
mod guard;
mod middleware;
mod translate;

pub use cors::{cors, cors_for, cors_headers};
pub use error::{Error, Result};
pub use extract::{Auth, Engine, MaybeSession, Session};
pub use guard::{VerifySession, VerifySessionService, verify_session};
pub use middleware::{Answering, SuperTokensMiddleware, SuperTokensService};
pub use supertokens;
pub use supertokens::adapter::{Usual, VerifyPolicy};

/// The program in the README is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

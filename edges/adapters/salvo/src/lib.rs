//! SuperTokens sessions in [Salvo](salvo) applications.
//!
//! A complete application, with a core that runs beside it:
//!
//! ```no_run
//! # #[cfg(feature = "remote")] mod example {
//! use salvo::prelude::{Listener, Router, Server, Service, TcpListener, Writer, handler};
//! use supertokens::{AppInfo, Core, SuperTokens, session::SessionRecipe};
//! use supertokens_salvo::{Session, SuperTokensHoop, cors};
//!
//! #[handler]
//! async fn me(session: Session) -> String { session.user_id().to_owned() }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let app = AppInfo::new("Demo").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
//!     let supertokens = SuperTokens::builder(app).core(Core::remote("http://localhost:3567")).recipe(SessionRecipe::new()).build().await?;
//!     let router = Router::new().push(Router::with_path("me").get(me));
//!     let service = Service::new(router).hoop(cors(&supertokens).into_handler()).hoop(SuperTokensHoop::new(supertokens));
//!     Server::new(TcpListener::new("127.0.0.1:3001").bind().await).serve(service).await;
//!     Ok(())
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! - [`SuperTokensHoop`] goes on the [`Service`](salvo::Service), around all routes. It answers the SDK's own endpoints
//!   (`/auth/session/refresh`, `/auth/signout`, …), and writes what happens to sessions in a handler into that handler's response.
//! - [`cors`] goes around that, which in Salvo means: it is the hoop before it.
//! - A handler that takes a [`Session`] is only called with a good one; one that takes a [`MaybeSession`] also without any. Both may
//!   be told how to check, with a [`VerifyPolicy`].
//! - [`verify_session`] is a hoop for a router, with options that are made at run time. The extractors then give what it found, and so
//!   does the depot: `depot.get_typed::<supertokens::session::Session>()`.
//! - [`Auth`] creates sessions: a login handler takes it.
//! - [`Error`] is what a handler returns, so that `?` works on everything the SDK does.

mod cors;
mod error;
mod extract;
mod guard;
mod hoop;

pub use cors::{cors, cors_for};
pub use error::{Error, Result};
pub use extract::{Auth, Engine, MaybeSession, Session};
pub use guard::{VerifySession, verify_session};
pub use hoop::SuperTokensHoop;
pub use supertokens;
pub use supertokens::adapter::{Usual, VerifyPolicy};

/// The program in the README is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

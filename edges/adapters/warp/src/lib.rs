//! SuperTokens sessions in [warp] applications.
//!
//! A complete application, with a core that runs beside it:
//!
//! ```no_run
//! # #[cfg(feature = "remote")] mod example {
//! use supertokens::{AppInfo, Core, SuperTokens, session::{Session, SessionRecipe}};
//! use supertokens_warp::{cors_layer, session};
//! use warp::Filter;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let app = AppInfo::new("Demo").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
//!     let supertokens = SuperTokens::builder(app).core(Core::remote("http://localhost:3567")).recipe(SessionRecipe::new()).build().await?;
//!     let me = warp::path!("me").and(warp::get()).and(session()).map(|session: Session| session.user_id().to_owned());
//!     supertokens_warp::serve(&supertokens, me).cors(cors_layer(&supertokens)).run(([127, 0, 0, 1], 3001)).await?;
//!     Ok(())
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! - [`serve`] is in the place of `warp::serve`. It answers the SDK's own endpoints (`/auth/session/refresh`, `/auth/signout`, …), and
//!   writes what happens to sessions in a handler into that handler's reply. [`service`] is the same without a server.
//! - [`cors_layer`] goes around that, by [`Server::cors`].
//! - [`session`] extracts a session that must be there, and [`maybe_session`] one that may be missing. [`verify_session`] has options
//!   that are made at run time, and [`session_by`] has them in a type, a [`VerifyPolicy`]. They come after what selects a route: warp tries
//!   the next route when a filter refuses.
//! - [`auth`] creates sessions: a login handler takes what it extracts.
//! - [`Error`] is what a handler returns, so that `?` works on everything the SDK does: as a reply with [`warp::Filter::then`], and as a
//!   rejection with [`warp::Filter::and_then`].
//!
//! A filter of warp cannot give anything to the filters inside of it, so what goes around all of them is a [tower](supertokens::tower)
//! layer. For the same reason the address of the client is not in `warp::filters::addr::remote` but in `warp::ext::get::<SocketAddr>()`.
//! Warp's own CORS filter is not used: it puts no headers on refusals, and refuses to show the public keys to other pages.

mod error;
mod filters;
mod serve;

pub use error::{Error, Result, recover};
pub use filters::{auth, engine, maybe_session, session, session_by, verify_session};
pub use serve::{Server, serve, service};
pub use supertokens;
pub use supertokens::adapter::{Usual, VerifyPolicy};
pub use supertokens::tower::{cors_headers, cors_layer, cors_layer_for};

/// The program in the README is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

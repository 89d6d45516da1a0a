//! SuperTokens sessions in [axum] applications.
//!
//! A complete application, with a core that runs beside it:
//!
//! ```no_run
//! # #[cfg(feature = "remote")] mod example {
//! use axum::{Router, routing::get};
//! use supertokens::{AppInfo, Core, SuperTokens, session::SessionRecipe};
//! use supertokens_axum::{Session, SuperTokensLayer, cors_layer};
//!
//! async fn me(session: Session) -> String { session.user_id().to_owned() }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let app = AppInfo::new("Demo").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
//!     let supertokens = SuperTokens::builder(app).core(Core::remote("http://localhost:3567")).recipe(SessionRecipe::new()).build().await?;
//!     let router = Router::new().route("/me", get(me)).layer(SuperTokensLayer::new(supertokens.clone())).layer(cors_layer(&supertokens));
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3001").await?, router).await?)
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! - [`SuperTokensLayer`] goes around all routes. It answers the SDK's own endpoints (`/auth/session/refresh`, `/auth/signout`, …),
//!   and writes what happens to sessions in a handler into that handler's response.
//! - [`cors_layer`] goes around that, which in axum means: it is added after it.
//! - A handler that takes a [`Session`] is only called with a good one; one that takes a [`MaybeSession`] also without any. Both may
//!   be told how to check, with a [`VerifyPolicy`].
//! - [`verify_session`] guards a route, or many, with options that are made at run time. The extractors then give what it found.
//! - [`Auth`] creates sessions: a login handler takes it.
//! - [`Error`] is what a handler returns, so that `?` works on everything the SDK does.
//!
//! For tonic, plain hyper and others that speak tower, [`supertokens::tower`] has the same layer and guard.

mod error;
mod extract;
#[cfg(any(doc, doctest))]
pub mod guides;
mod layer;

pub use error::{Error, Result};
pub use extract::{Auth, Engine, MaybeSession, Session};
pub use layer::{SuperTokensLayer, verify_session};
pub use supertokens;
pub use supertokens::adapter::{Usual, VerifyPolicy};
pub use supertokens::tower::{cors_headers, cors_layer, cors_layer_for};

/// The program in the README is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

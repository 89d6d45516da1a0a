//! SuperTokens sessions in [Rocket](rocket) applications.
//!
//! A complete application, with a core that runs beside it:
//!
//! ```no_run
//! # #[cfg(feature = "remote")] mod example {
//! use rocket::{get, routes};
//! use supertokens::{AppInfo, Core, SuperTokens, session::SessionRecipe};
//! use supertokens_rocket::{Cors, Session, SuperTokensFairing};
//!
//! #[get("/me")]
//! async fn me(session: Session) -> String { session.user_id().to_owned() }
//!
//! #[rocket::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let app = AppInfo::new("Demo").api_domain("http://localhost:8000").website_domain("http://localhost:3000");
//!     let supertokens = SuperTokens::builder(app).core(Core::remote("http://localhost:3567")).recipe(SessionRecipe::new()).build().await?;
//!     let rocket = rocket::build().mount("/", routes![me]).attach(SuperTokensFairing::new(supertokens.clone())).attach(Cors::new(&supertokens));
//!     rocket.launch().await?;
//!     Ok(())
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! - [`SuperTokensFairing`] is attached once. It mounts the SDK's own endpoints (`/auth/session/refresh`, `/auth/signout`, …), and writes
//!   what happens to sessions in a handler into that handler's response.
//! - [`Cors`] is attached after it.
//! - A handler that takes a [`Session`] is only called with a good one; one that takes a [`MaybeSession`] also without any. Both may
//!   be told how to check, with a [`VerifyPolicy`]. Do not take `Option<Session>`: Rocket makes every failure `None`, an expired session
//!   too, and the browser would not refresh it.
//! - [`verify_session`] checks with options that are made at run time.
//! - [`Auth`] creates sessions: a login handler takes it.
//! - [`Error`] is what a handler returns, so that `?` works on everything the SDK does.
//!
//! Rocket gives catchers the status of a refusal before the SDK writes its answer. A catcher that keeps the status is replaced by that
//! answer; one that makes another status of it has the last word.
//!
//! Rocket drops request headers that are not UTF-8, and so a `Cookie` line that holds such bytes, with all cookies in it.

mod cors;
mod error;
mod fairing;
mod guard;
mod translate;

pub use cors::Cors;
pub use error::{Error, Result};
pub use fairing::SuperTokensFairing;
pub use guard::{Auth, Engine, MaybeSession, Session, verify_session};
pub use supertokens;
pub use supertokens::adapter::{Usual, VerifyPolicy};

/// The program in the README is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

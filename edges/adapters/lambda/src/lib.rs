//! SuperTokens sessions in AWS Lambda functions that [lambda_http] runs: behind a REST or an HTTP API of API Gateway, a function URL or a
//! load balancer.
//!
//! A complete function, with a core that runs elsewhere:
//!
//! ```no_run
//! # #[cfg(feature = "remote")] mod example {
//! use lambda_http::{Body, Error, Request, RequestExt, Response, service_fn};
//! use supertokens::{AppInfo, Core, SuperTokens, session::SessionRecipe};
//! use supertokens_lambda::{SessionExt, not_found, run};
//!
//! async fn api(request: Request) -> Result<Response<Body>, Error> {
//!     match request.raw_http_path() {
//!         "/me" => Ok(Response::new(request.session().await?.user_id().into())),
//!         _ => not_found(request).await,
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     let app = AppInfo::new("Demo").api_domain("https://api.example.com").website_domain("https://www.example.com");
//!     let core = Core::remote("https://core.example.com").api_key("…");
//!     let supertokens = SuperTokens::builder(app).core(core).recipe(SessionRecipe::new()).build().await?;
//!     run(supertokens, service_fn(api)).await
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! - [`run`] puts [`SuperTokensLayer`] around the function and starts it. The layer answers the SDK's own endpoints
//!   (`/auth/session/refresh`, `/auth/signout`, …), and writes what happens to sessions in the function into its response. Whoever has
//!   more layers puts them together by themselves, and says `lambda_http::run`.
//! - [`SessionExt`] gives every request its session: [`session`](SessionExt::session), [`maybe_session`](SessionExt::maybe_session), or
//!   [`verify_session`](SessionExt::verify_session) with options. [`with_session`] does so before a handler is called.
//! - [`auth`](SessionExt::auth) creates sessions: a login handler asks for it.
//! - `?` works on everything the SDK does: a [`supertokens::Error`] that comes out of the function as its error is answered as the website's
//!   library expects. Any other error is the runtime's, as ever.
//! - [`cors_layer`] is for functions to which API Gateway passes preflights on.
//! - [`Authorizer`] is a function that API Gateway asks before it calls others.
//!
//! # Stages
//!
//! API Gateway puts the name of a stage before the path, unless there is a domain in front that takes it off. Say what browsers see:
//! `AppInfo::api_gateway_path("/prod")` for a stage `prod`, and nothing for `$default` or behind such a domain. The SDK's own endpoints
//! are found in both kinds of event.

mod address;
mod authorizer;
mod cors;
mod layer;
mod request;

pub use authorizer::Authorizer;
pub use cors::{cors_headers, cors_layer, cors_layer_for};
pub use layer::{LambdaFuture, SuperTokensLayer, SuperTokensService, not_found, run};
pub use request::{SessionExt, with_session};
pub use supertokens;
pub use supertokens::tower::VerifySessionLayer;

/// The program in the README is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

//! A whole application with sessions: axum in front, the SuperTokens core in the same process, one SQLite file behind it.
//!
//! This file builds the SDK and puts the layers around the routes; `api.rs` has the routes, `devices.rs` what a session remembers
//! about the device it lives on. README.md says how to start it, and what to change before it meets the world.

mod api;
mod devices;

use std::error::Error;
use std::io::IsTerminal;

use axum::Router;
use clap::Parser;
use supertokens::session::SessionRecipe;
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_axum::{SuperTokensLayer, cors_layer};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

/// Sessions in an axum application, with the core inside.
#[derive(Parser)]
struct Options {
    /// Where to listen; 0 takes any free port.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The SQLite file; it is made if it is not there.
    #[arg(long, default_value = "auth.db")]
    database: String,
    /// How long an access token lives. Short, so that you can watch it being refreshed; an hour is usual.
    #[arg(long, default_value_t = 30)]
    access_token_seconds: u32,
}

/// The page, and the published `supertokens-website` package beside it.
const WEBSITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/website");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(log).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).init();
    let options = Options::parse();
    let taken = |error| format!("port {} cannot be had ({error}): choose another with --port", options.port);
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(taken)?;
    let address = format!("http://localhost:{}", listener.local_addr()?.port());

    let supertokens = build(&options, &address).await?;
    // What is added last stands outermost: CORS around the SDK, the SDK around everything that may want a session.
    let app = Router::new()
        .nest("/api", api::routes())
        .fallback_service(ServeDir::new(WEBSITE))
        .layer(SuperTokensLayer::new(supertokens.clone()))
        .layer(cors_layer(&supertokens));

    #[expect(clippy::print_stdout, reason = "whoever starts it wants to know where to look")]
    {
        println!("Open {address} in a browser. Ctrl+C stops.");
    }
    axum::serve(listener, app).with_graceful_shutdown(stop_signal()).await?;
    Ok(())
}

/// The SDK: who we are, where the core is, and what we change.
async fn build(options: &Options, address: &str) -> Result<SuperTokens, supertokens::BuildError> {
    // For a core of its own: `Core::remote("http://localhost:3567")`, and nothing else changes.
    let core = Core::embedded(format!("sqlite:{}", options.database))
        .setting("access_token_validity", i64::from(options.access_token_seconds));
    // The API and the website have one address here. They may have two: `cors_layer` lets the website in.
    SuperTokens::builder(AppInfo::new("Devices").api_domain(address).website_domain(address))
        .core(core)
        .recipe(SessionRecipe::new().claim(api::role()))
        .with_override(devices::remember_last_use)
        .build()
        .await
}

async fn stop_signal() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl+C cannot be listened for");
        std::future::pending::<()>().await;
    }
}

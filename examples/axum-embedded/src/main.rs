//! A whole application with sessions: axum in front, the SuperTokens core in the same process, one SQLite file behind it.
//!
//! This file puts the layers around the routes; `api.rs` has the routes, and `app.rs` what they do, and the SDK. README.md says how to start it, and what to change before it meets the world.

mod api;
mod app;
mod devices;

use std::error::Error;

use axum::Router;
use supertokens_axum::{SuperTokensLayer, cors_layer};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

use crate::app::{Options, WEBSITE, announce};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::start();
    let (listener, address) = options.listen()?;
    let supertokens = options.supertokens(&address).await?;
    // What is added last stands outermost: CORS around the SDK, the SDK around everything that may want a session.
    let app = Router::new()
        .nest("/api", api::routes())
        .fallback_service(ServeDir::new(WEBSITE))
        .layer(SuperTokensLayer::new(supertokens.clone()))
        .layer(cors_layer(&supertokens));
    announce(&address);
    axum::serve(TcpListener::from_std(listener)?, app).with_graceful_shutdown(stop_signal()).await?;
    Ok(())
}

async fn stop_signal() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl+C cannot be listened for");
        std::future::pending::<()>().await;
    }
}

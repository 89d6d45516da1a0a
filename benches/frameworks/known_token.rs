//! What all measurements begin with.

use supertokens::session::{NewSession, SessionRecipe};
use supertokens::{AppInfo, Core, SuperTokens};

/// The SDK, and the cookie of a session that it has checked once.
pub(crate) async fn known_token() -> (SuperTokens, String) {
    let app = AppInfo::new("bench").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
    let builder = SuperTokens::builder(app).core(Core::embedded("sqlite::memory:"));
    let engine = builder.recipe(SessionRecipe::new().verified_tokens_kept(1_000)).build().await.unwrap();
    let session = engine.create_new_session(NewSession::of("bench")).await.unwrap();
    (engine, format!("sAccessToken={}", session.access_token()))
}

//! The small application of all examples, in Rocket: log in, like a comment, see your session, log out. README.md says how to start it.

use std::env;
use std::error::Error;

use rocket::config::{Config, LogLevel};
use rocket::serde::json::Json;
use rocket::{get, post, routes};
use serde::Deserialize;
use serde_json::{Value, json};
use supertokens::adapter::VerifyPolicy;
use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_rocket::{Auth, Cors, MaybeSession, Result, Session, SuperTokensFairing};

#[rocket::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port: u16 = env::var("PORT").map_or(Ok(3001), |port| port.parse())?;
    let supertokens = initialise(&format!("http://localhost:{port}")).await?;
    let config = Config { port, log_level: LogLevel::Critical, ..Config::default() };

    // Step 3: the SDK's routes and CORS.
    rocket::custom(config)
        .mount("/", routes![log_in, greeting, like_comment, session_info, log_out])
        .attach(SuperTokensFairing::new(supertokens.clone()))
        .attach(Cors::new(&supertokens))
        .launch()
        .await?;

    Ok(())
}

/// Step 2: who we are, and what we use.
async fn initialise(address: &str) -> std::result::Result<SuperTokens, Box<dyn Error>> {
    let app = AppInfo::new("Comments").api_domain(address).website_domain("http://localhost:3000");
    Ok(SuperTokens::builder(app).core(core()).recipe(SessionRecipe::new()).build().await?)
}

/// Step 6: the core, in this process or elsewhere.
fn core() -> Core {
    match env::var("CORE_URL") {
        Ok(url) => Core::remote(url).api_key(env::var("CORE_API_KEY").unwrap_or_default()),
        Err(_) => Core::embedded(env::var("DATABASE").unwrap_or_else(|_| "sqlite:auth.db".to_owned())),
    }
}

#[derive(Deserialize)]
struct LogIn {
    name: String,
}

/// It believes every name. Put your own check here, and create the session only when it has succeeded.
#[post("/login", data = "<input>")]
async fn log_in(auth: Auth, input: Json<LogIn>) -> Result<Json<Value>> {
    // Step 4: `?` hands errors of the SDK's to its fairing, which answers them.
    auth.create_new_session(NewSession::of(input.into_inner().name)).await?;
    Ok(Json(json!({ "status": "OK" })))
}

// Step 5: protect routes. A handler that takes a session is not called without one.
#[post("/like-comment")]
async fn like_comment(session: Session) -> Json<Value> {
    Json(json!({ "likedBy": session.user_id() }))
}

/// A session that the database was asked for, too.
struct StillAlive;

impl VerifyPolicy for StillAlive {
    fn options() -> VerifyOptions {
        VerifyOptions::new().check_database()
    }
}

#[get("/sessioninfo")]
async fn session_info(session: Session<StillAlive>) -> Json<Value> {
    Json(json!({
        "sessionHandle": session.handle(),
        "userId": session.user_id(),
        "accessTokenPayload": *session.access_token_payload(),
    }))
}

/// Open to everybody, and friendlier to those it knows.
#[get("/greeting")]
async fn greeting(session: MaybeSession) -> String {
    session.0.map_or_else(|| "Hello.".to_owned(), |session| format!("Hello, {}.", session.user_id()))
}

#[post("/logout")]
async fn log_out(session: Session) -> Result<Json<Value>> {
    session.revoke().await?;
    Ok(Json(json!({ "status": "OK" })))
}

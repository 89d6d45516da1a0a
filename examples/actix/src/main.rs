//! The small application of all examples, in actix-web: log in, like a comment, see your session, log out. README.md says how to start it.

use std::env;
use std::error::Error;

use actix_web::web::{self, Json};
use actix_web::{App, HttpServer};
use serde::Deserialize;
use serde_json::{Value, json};
use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_actix::{Auth, MaybeSession, Result, Session, SuperTokensMiddleware, cors, verify_session};

#[actix_web::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port: u16 = env::var("PORT").map_or(Ok(3001), |port| port.parse())?;
    let supertokens = initialise(&format!("http://localhost:{port}")).await?;

    let server = HttpServer::new(move || {
        let strict = verify_session(VerifyOptions::new().check_database());

        // Step 3: the SDK's routes and CORS. What is wrapped last stands outermost.
        App::new()
            .route("/login", web::post().to(log_in))
            .route("/greeting", web::get().to(greeting))
            .route("/like-comment", web::post().to(like_comment))
            .service(web::resource("/sessioninfo").wrap(strict).route(web::get().to(session_info)))
            .route("/logout", web::post().to(log_out))
            .wrap(SuperTokensMiddleware::new(supertokens.clone()))
            .wrap(cors(&supertokens))
    });
    Ok(server.bind(("127.0.0.1", port))?.run().await?)
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
async fn log_in(auth: Auth, Json(input): Json<LogIn>) -> Result<Json<Value>> {
    // Step 4: `?` hands errors of the SDK's to its middleware, which answers them.
    auth.create_new_session(NewSession::of(input.name)).await?;
    Ok(Json(json!({ "status": "OK" })))
}

// Step 5: protect routes. A handler that takes a session is not called without one.
async fn like_comment(session: Session) -> Json<Value> {
    Json(json!({ "likedBy": session.user_id() }))
}

/// What the guard on the route has found: it has asked the database, too.
async fn session_info(session: Session) -> Json<Value> {
    Json(json!({
        "sessionHandle": session.handle(),
        "userId": session.user_id(),
        "accessTokenPayload": *session.access_token_payload(),
    }))
}

/// Open to everybody, and friendlier to those it knows.
async fn greeting(MaybeSession(session): MaybeSession) -> String {
    session.map_or_else(|| "Hello.".to_owned(), |session| format!("Hello, {}.", session.user_id()))
}

async fn log_out(session: Session) -> Result<Json<Value>> {
    session.revoke().await?;
    Ok(Json(json!({ "status": "OK" })))
}

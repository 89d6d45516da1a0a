//! The small application of all examples, in Poem: log in, like a comment, see your session, log out. README.md says how to start it.

use std::env;
use std::error::Error;

use poem::listener::TcpListener;
use poem::web::Json;
use poem::{EndpointExt, Route, Server, get, handler, post};
use serde::Deserialize;
use serde_json::{Value, json};
use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_poem::{Auth, MaybeSession, Result, Session, SuperTokensMiddleware, cors, verify_session};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port = env::var("PORT").unwrap_or_else(|_| "3001".to_owned());
    let supertokens = initialise(&format!("http://localhost:{port}")).await?;

    // Step 3: the SDK's routes and CORS. What is added last stands outermost.
    let app = Route::new()
        .at("/login", post(log_in))
        .at("/greeting", get(greeting))
        .at("/like-comment", post(like_comment))
        .at("/sessioninfo", get(session_info).with(verify_session(VerifyOptions::new().check_database())))
        .at("/logout", post(log_out))
        .with(SuperTokensMiddleware::new(supertokens.clone()))
        .with(cors(&supertokens));

    Server::new(TcpListener::bind(format!("127.0.0.1:{port}"))).run(app).await?;
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
#[handler]
async fn log_in(auth: Auth, Json(input): Json<LogIn>) -> Result<Json<Value>> {
    // Step 4: `?` hands errors of the SDK's to its middleware, which answers them.
    auth.create_new_session(NewSession::of(input.name)).await?;
    Ok(Json(json!({ "status": "OK" })))
}

// Step 5: protect routes. A handler that takes a session is not called without one.
#[handler]
async fn like_comment(session: Session) -> Json<Value> {
    Json(json!({ "likedBy": session.user_id() }))
}

/// What the guard on the route has found: it has asked the database, too.
#[handler]
async fn session_info(session: Session) -> Json<Value> {
    Json(json!({
        "sessionHandle": session.handle(),
        "userId": session.user_id(),
        "accessTokenPayload": *session.access_token_payload(),
    }))
}

/// Open to everybody, and friendlier to those it knows.
#[handler]
async fn greeting(MaybeSession(session): MaybeSession) -> String {
    session.map_or_else(|| "Hello.".to_owned(), |session| format!("Hello, {}.", session.user_id()))
}

#[handler]
async fn log_out(session: Session) -> Result<Json<Value>> {
    session.revoke().await?;
    Ok(Json(json!({ "status": "OK" })))
}

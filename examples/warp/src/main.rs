//! The small application of all examples, in warp: log in, like a comment, see your session, log out. README.md says how to start it.

use std::env;
use std::error::Error;

use serde::Deserialize;
use serde_json::json;
use supertokens::session::{NewSession, Session, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, Scope, SuperTokens};
use supertokens_warp::{Result, auth, cors_layer, maybe_session, session, verify_session};
use warp::{Filter, Reply};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port: u16 = env::var("PORT").map_or(Ok(3001), |port| port.parse())?;
    let supertokens = initialise(&format!("http://localhost:{port}")).await?;
    let strict = verify_session(VerifyOptions::new().check_database());
    let login = warp::path!("login").and(warp::post()).and(auth()).and(warp::body::json()).then(log_in);
    let greeting = warp::path!("greeting").and(warp::get()).and(maybe_session()).map(greeting);
    let session_info = warp::path!("sessioninfo").and(warp::get()).and(strict).map(session_info);
    let logout = warp::path!("logout").and(warp::post()).and(session()).then(log_out);

    // Step 5: protect routes. A handler behind `session()` is not called without one.
    let like = warp::path!("like-comment").and(warp::post()).and(session()).map(like_comment);

    // Step 3: the SDK's routes and CORS.
    let routes = login.or(greeting).or(like).or(session_info).or(logout);
    let server = supertokens_warp::serve(&supertokens, routes).cors(cors_layer(&supertokens));

    Ok(server.run(([127, 0, 0, 1], port)).await?)
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
async fn log_in(auth: Scope, input: LogIn) -> Result<impl Reply> {
    // Step 4: `?` hands errors of the SDK's to its service, which answers them.
    auth.create_new_session(NewSession::of(input.name)).await?;
    Ok(warp::reply::json(&json!({ "status": "OK" })))
}

fn like_comment(session: Session) -> impl Reply {
    warp::reply::json(&json!({ "likedBy": session.user_id() }))
}

/// What the filter has found: it has asked the database, too.
fn session_info(session: Option<Session>) -> impl Reply {
    warp::reply::json(&session.map(|session| {
        json!({
            "sessionHandle": session.handle(),
            "userId": session.user_id(),
            "accessTokenPayload": *session.access_token_payload(),
        })
    }))
}

/// Open to everybody, and friendlier to those it knows.
fn greeting(session: Option<Session>) -> String {
    session.map_or_else(|| "Hello.".to_owned(), |session| format!("Hello, {}.", session.user_id()))
}

async fn log_out(session: Session) -> Result<impl Reply> {
    session.revoke().await?;
    Ok(warp::reply::json(&json!({ "status": "OK" })))
}

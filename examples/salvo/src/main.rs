//! The small application of all examples, in Salvo: log in, like a comment, see your session, log out. README.md says how to start it.

use std::env;
use std::error::Error;

use salvo::prelude::{Json, Listener, Request, Router, Server, Service, TcpListener, Writer, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_salvo::{Auth, MaybeSession, Result, Session, SuperTokensHoop, cors, verify_session};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port = env::var("PORT").unwrap_or_else(|_| "3001".to_owned());
    let supertokens = initialise(&format!("http://localhost:{port}")).await?;
    let strict = verify_session(VerifyOptions::new().check_database());
    let router = Router::new()
        .push(Router::with_path("login").post(log_in))
        .push(Router::with_path("greeting").get(greeting))
        .push(Router::with_path("like-comment").post(like_comment))
        .push(Router::with_path("sessioninfo").hoop(strict).get(session_info))
        .push(Router::with_path("logout").post(log_out));

    // Step 3: the SDK's routes and CORS. The first hoop stands outermost.
    let service = Service::new(router).hoop(cors(&supertokens).into_handler()).hoop(SuperTokensHoop::new(supertokens));

    Server::new(TcpListener::new(format!("127.0.0.1:{port}")).try_bind().await?).serve(service).await;
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
async fn log_in(auth: Auth, request: &mut Request) -> Result<Json<Value>> {
    // Step 4: `?` hands errors of the SDK's to its hoop, which answers them.
    let refused = |_| supertokens::Error::BadInput { message: "a name is missing".to_owned() };
    let input: LogIn = request.parse_json().await.map_err(refused)?;
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
async fn greeting(session: MaybeSession) -> String {
    session.0.map_or_else(|| "Hello.".to_owned(), |session| format!("Hello, {}.", session.user_id()))
}

#[handler]
async fn log_out(session: Session) -> Result<Json<Value>> {
    session.revoke().await?;
    Ok(Json(json!({ "status": "OK" })))
}

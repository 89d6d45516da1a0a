//! The small application of all examples, as an AWS Lambda function: log in, like a comment, see your session, log out. README.md says how
//! to start it on your machine.

use std::env;

use lambda_http::http::StatusCode;
use lambda_http::tower::Layer as _;
use lambda_http::{Body, Error, IntoResponse as _, Request, RequestPayloadExt as _, Response, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, SuperTokens};
use supertokens_lambda::{SessionExt as _, SuperTokensLayer, cors_layer, not_found};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let address = of_here("PUBLIC_ADDRESS", "http://localhost:3001")?;
    let supertokens = initialise(&address).await?;

    // Step 3: the SDK's routes and CORS. What is put around last stands outermost.
    let function = SuperTokensLayer::new(supertokens.clone()).layer(service_fn(api));
    lambda_http::run(cors_layer(&supertokens).layer(function)).await
}

/// An address, of your machine where none is given; on AWS it must be: cookies would be sent in clear, and the wrong website allowed.
fn of_here(name: &str, default: &str) -> Result<String, Error> {
    match env::var(name) {
        Ok(address) => Ok(address),
        Err(_) if env::var_os("LAMBDA_TASK_ROOT").is_none() => Ok(default.to_owned()),
        Err(_) => Err(format!("{name} is not set: give the function its address, as in https://api.example.com").into()),
    }
}

/// Step 2: who we are, and what we use. A stage before every path is the gateway's; browsers see it.
async fn initialise(address: &str) -> Result<SuperTokens, Error> {
    let stage = env::var("STAGE").map(|stage| format!("/{stage}")).unwrap_or_default();
    let website = of_here("WEBSITE", "http://localhost:3000")?;
    let app = AppInfo::new("Comments").api_domain(address).website_domain(website).api_gateway_path(stage);
    Ok(SuperTokens::builder(app).core(core()).recipe(SessionRecipe::new()).build().await?)
}

/// Step 6: the core, in this process or elsewhere.
fn core() -> Core {
    match env::var("CORE_URL") {
        Ok(url) => Core::remote(url).api_key(env::var("CORE_API_KEY").unwrap_or_default()),
        Err(_) => Core::embedded(env::var("DATABASE").unwrap_or_else(|_| "sqlite:auth.db".to_owned())),
    }
}

// Step 4: `?` hands errors of the SDK's to its layer, which answers them.
async fn api(request: Request) -> Result<Response<Body>, Error> {
    let asked = request.auth()?.request().clone();
    match (asked.method().as_str(), asked.path()) {
        ("POST", "/login") => log_in(request).await,
        ("GET", "/greeting") => greeting(request).await,
        ("POST", "/like-comment") => like_comment(request).await,
        ("GET", "/sessioninfo") => session_info(request).await,
        ("POST", "/logout") => log_out(request).await,
        _ => not_found(request).await,
    }
}

#[derive(Deserialize)]
struct LogIn {
    name: String,
}

/// It believes every name. Put your own check here, and create the session only when it has succeeded.
async fn log_in(request: Request) -> Result<Response<Body>, Error> {
    let Ok(Some(input)) = request.json::<LogIn>() else {
        return Ok((StatusCode::BAD_REQUEST, "a name is missing").into_response().await);
    };
    request.auth()?.create_new_session(NewSession::of(input.name)).await?;
    Ok(json!({ "status": "OK" }).into_response().await)
}

// Step 5: protect routes. Without a session, `?` refuses.
async fn like_comment(request: Request) -> Result<Response<Body>, Error> {
    let session = request.session().await?;
    Ok(json!({ "likedBy": session.user_id() }).into_response().await)
}

/// It asks the database, too.
async fn session_info(request: Request) -> Result<Response<Body>, Error> {
    let session = request.verify_session(VerifyOptions::new().check_database()).await?;
    let shown: Value = session.map_or(Value::Null, |session| {
        json!({
            "sessionHandle": session.handle(),
            "userId": session.user_id(),
            "accessTokenPayload": *session.access_token_payload(),
        })
    });
    Ok(shown.into_response().await)
}

/// Open to everybody, and friendlier to those it knows.
async fn greeting(request: Request) -> Result<Response<Body>, Error> {
    let session = request.maybe_session().await?;
    let text = session.map_or_else(|| "Hello.".to_owned(), |session| format!("Hello, {}.", session.user_id()));
    Ok(text.into_response().await)
}

async fn log_out(request: Request) -> Result<Response<Body>, Error> {
    request.session().await?.revoke().await?;
    Ok(json!({ "status": "OK" }).into_response().await)
}

//! A whole application with sessions: warp in front, the SuperTokens core in the same process, one SQLite file behind it.
//! `../shared` has what is the same in every framework: the SDK, and what the routes do.

use std::error::Error;

use example_shared::{LogIn, Options, StillAlive, WEBSITE, announce, only_admins};
use supertokens::session::Session;
use supertokens::{Scope, SuperTokens};
use supertokens_warp::{Result, auth, cors_layer, engine, maybe_session, session, session_by, verify_session};
use tokio::net::TcpListener;
use warp::http::StatusCode;
use warp::reject::Rejection;
use warp::{Filter, Reply};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let options = Options::start();
    let (listener, address) = options.listen()?;
    let supertokens = options.supertokens(&address).await?;
    let routes = warp::path("api").and(api()).or(warp::fs::dir(WEBSITE));
    announce(&address);
    let server = supertokens_warp::serve(&supertokens, routes).cors(cors_layer(&supertokens));
    Ok(server.incoming(TcpListener::from_std(listener)?).await?)
}

fn api() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    // Open to everybody.
    let greeting = warp::path!("greeting").and(warp::get()).and(maybe_session());
    let greeting = greeting.map(|session: Option<Session>| example_shared::greeting(session.as_ref()));
    let login = warp::path!("login").and(warp::post()).and(auth()).and(warp::body::json()).then(log_in);
    // Only for the signed in: the filter refuses everybody else. It checks the token's signature and asks nobody.
    let shown = warp::path!("session").and(warp::get()).and(session());
    let shown = shown.map(|session: Session| warp::reply::json(&example_shared::shown(&session)));
    // The core is asked, too.
    let certain = warp::path!("certain").and(warp::get()).and(session_by::<StillAlive>());
    let certain = certain.map(|session: Session| example_shared::certain(&session));
    // Options that are made at run time.
    let admin = warp::path!("admin").and(warp::get()).and(verify_session(only_admins()));
    let admin = admin.map(|session: Option<Session>| session.as_ref().map(example_shared::for_admins).unwrap_or_default());
    let devices = warp::path!("devices").and(warp::get()).and(session()).and(engine()).then(list_devices);
    let sign_out = warp::path!("devices" / String).and(warp::delete()).and(session_by::<StillAlive>()).and(engine());
    greeting.or(login).or(shown).or(certain).or(admin).or(devices).or(sign_out.then(sign_out_device))
}

/// The tokens are put into this reply.
async fn log_in(auth: Scope, input: LogIn) -> Result<impl Reply> {
    Ok(warp::reply::json(&example_shared::log_in(&auth, &input).await?))
}

async fn list_devices(session: Session, supertokens: SuperTokens) -> Result<impl Reply> {
    Ok(warp::reply::json(&example_shared::list_devices(&session, &supertokens).await?))
}

async fn sign_out_device(handle: String, session: Session, supertokens: SuperTokens) -> Result<StatusCode> {
    let signed_out = example_shared::sign_out_device(&session, &supertokens, &handle).await?;
    Ok(if signed_out { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

//! A whole application with sessions: Rocket in front, the SuperTokens core in the same process, one SQLite file behind it.
//! `../shared` has what is the same in every framework: the SDK, and what the routes do.

use std::error::Error;

use example_shared::{Device, LogIn, Options, StillAlive, WEBSITE, announce, only_admins};
use rocket::fairing::AdHoc;
use rocket::fs::FileServer;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::serde::json::Json;
use rocket::{Config, Request, delete, get, post, routes};
use serde_json::Value;
use supertokens_rocket::{Auth, Cors, Engine, MaybeSession, Result, Session, SuperTokensFairing, verify_session};

#[rocket::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let options = Options::start();
    // Rocket takes the port by itself; this one is free.
    let (listener, address) = options.listen()?;
    let port = listener.local_addr()?.port();
    drop(listener);
    let supertokens = options.supertokens(&address).await?;
    let config = Config { port, log_level: rocket::config::LogLevel::Critical, ..Config::default() };
    rocket::custom(config)
        .mount("/api", routes![greeting, log_in, show_session, certain, for_admins, list_devices, sign_out_device])
        .mount("/", FileServer::from(WEBSITE))
        .attach(SuperTokensFairing::new(supertokens.clone()))
        .attach(Cors::new(&supertokens))
        .attach(AdHoc::on_liftoff("announce", |_| Box::pin(async move { announce(&address) })))
        .launch()
        .await?;
    Ok(())
}

/// The fairing puts the tokens into this response.
#[post("/login", data = "<input>")]
async fn log_in(auth: Auth, input: Json<LogIn>) -> Result<Json<Value>> {
    Ok(Json(example_shared::log_in(&auth, &input).await?))
}

/// Open to everybody.
#[get("/greeting")]
async fn greeting(session: MaybeSession) -> String {
    example_shared::greeting(session.0.as_deref())
}

/// Only for the signed in: the guard refuses everybody else, before this is called. It checks the token's signature and asks nobody.
#[get("/session")]
async fn show_session(session: Session) -> Json<Value> {
    Json(example_shared::shown(&session))
}

/// The core is asked, too.
#[get("/certain")]
async fn certain(session: Session<StillAlive>) -> String {
    example_shared::certain(&session)
}

/// A guard of the application's own, with options that are made at run time.
struct Admin(supertokens_rocket::supertokens::session::Session);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admin {
    type Error = supertokens_rocket::Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        match verify_session(request, &only_admins()).await {
            Outcome::Success(Some(session)) => Outcome::Success(Self(session)),
            Outcome::Success(None) => Outcome::Forward(Status::Unauthorized),
            Outcome::Error(refused) => Outcome::Error(refused),
            Outcome::Forward(status) => Outcome::Forward(status),
        }
    }
}

#[get("/admin")]
async fn for_admins(admin: Admin) -> String {
    example_shared::for_admins(&admin.0)
}

#[get("/devices")]
async fn list_devices(session: Session, engine: Engine) -> Result<Json<Vec<Device>>> {
    Ok(Json(example_shared::list_devices(&session, &engine).await?))
}

#[delete("/devices/<handle>")]
async fn sign_out_device(session: Session<StillAlive>, engine: Engine, handle: &str) -> Result<Status> {
    let signed_out = example_shared::sign_out_device(&session, &engine, handle).await?;
    Ok(if signed_out { Status::NoContent } else { Status::NotFound })
}

//! A whole application with sessions: actix-web in front, the SuperTokens core in the same process, one SQLite file behind it.
//! `../shared` has what is the same in every framework: the SDK, and what the routes do.

use std::error::Error;

use actix_files::Files;
use actix_web::web::{self, Json, Path};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use example_shared::{LogIn, Options, StillAlive, WEBSITE, announce, only_admins};
use serde_json::Value;
use supertokens_actix::{Auth, Engine, MaybeSession, Result, Session, SuperTokensMiddleware, cors, verify_session};

#[actix_web::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let options = Options::start();
    let (listener, address) = options.listen()?;
    let supertokens = options.supertokens(&address).await?;
    let server = HttpServer::new(move || {
        // What is wrapped last stands outermost: CORS around the SDK, the SDK around everything that may want a session.
        App::new()
            .service(web::scope("/api").configure(routes))
            .service(Files::new("/", WEBSITE).index_file("index.html"))
            .wrap(SuperTokensMiddleware::new(supertokens.clone()))
            .wrap(cors(&supertokens))
    });
    announce(&address);
    Ok(server.listen(listener)?.run().await?)
}

fn routes(api: &mut web::ServiceConfig) {
    api.route("/greeting", web::get().to(greeting))
        .route("/login", web::post().to(log_in))
        .route("/session", web::get().to(show_session))
        .route("/certain", web::get().to(certain))
        // A guard on a resource, or on a scope.
        .service(web::resource("/admin").wrap(verify_session(only_admins())).route(web::get().to(for_admins)))
        .route("/devices", web::get().to(list_devices))
        .route("/devices/{handle}", web::delete().to(sign_out_device));
}

/// The middleware puts the tokens into this response.
async fn log_in(auth: Auth, input: Json<LogIn>) -> Result<Json<Value>> {
    Ok(Json(example_shared::log_in(&auth, &input).await?))
}

/// Open to everybody.
async fn greeting(MaybeSession(session): MaybeSession) -> String {
    example_shared::greeting(session.as_deref())
}

/// Only for the signed in: the extractor refuses everybody else, before this is called. It checks the token's signature and asks nobody.
async fn show_session(session: Session) -> Json<Value> {
    Json(example_shared::shown(&session))
}

/// The core is asked, too.
async fn certain(session: Session<StillAlive>) -> String {
    example_shared::certain(&session)
}

/// The session that the guard has found.
async fn for_admins(session: Session) -> String {
    example_shared::for_admins(&session)
}

async fn list_devices(session: Session, engine: Engine) -> Result<impl Responder> {
    Ok(Json(example_shared::list_devices(&session, &engine).await?))
}

async fn sign_out_device(session: Session<StillAlive>, engine: Engine, handle: Path<String>) -> Result<HttpResponse> {
    let signed_out = example_shared::sign_out_device(&session, &engine, &handle).await?;
    Ok(if signed_out { HttpResponse::NoContent().finish() } else { HttpResponse::NotFound().finish() })
}

//! The application as far as it knows no framework: its options, the SDK, and what its routes do.

use std::cmp::Reverse;
use std::io::{self, IsTerminal as _};
use std::net::TcpListener;

use clap::Parser;
use serde_json::{Value, json};
use supertokens::adapter::VerifyPolicy;
use supertokens::session::{Claim, NewSession, Session, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, BuildError, Core, Error, Scope, SuperTokens};

use crate::devices::{self, Device};

/// The page, and the published `supertokens-website` package beside it.
pub(crate) const WEBSITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../website");

/// Sessions in a web application, with the core inside.
#[derive(Parser)]
pub(crate) struct Options {
    /// Where to listen; 0 takes any free port.
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,
    /// The SQLite file; it is made if it is not there.
    #[arg(long, default_value = "auth.db")]
    pub(crate) database: String,
    /// How long an access token lives. Short, so that you can watch it being refreshed; an hour is usual.
    #[arg(long, default_value_t = 30)]
    pub(crate) access_token_seconds: u32,
    /// A core that runs somewhere else, such as http://localhost:3567, in the place of the one inside.
    #[arg(long, env = "CORE_URL")]
    pub(crate) core: Option<String>,
}

impl Options {
    /// Reads them, and lets the log be seen. `RUST_LOG` says how much of it.
    pub(crate) fn start() -> Self {
        let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
        tracing_subscriber::fmt().with_env_filter(log).with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).init();
        Self::parse()
    }

    /// The socket, and the address under which browsers find it.
    ///
    /// # Errors
    /// The port cannot be had.
    pub(crate) fn listen(&self) -> io::Result<(TcpListener, String)> {
        let taken = |error| io::Error::other(format!("port {} cannot be had ({error}): choose another with --port", self.port));
        let listener = TcpListener::bind(("127.0.0.1", self.port)).map_err(taken)?;
        listener.set_nonblocking(true)?;
        let address = format!("http://localhost:{}", listener.local_addr()?.port());
        Ok((listener, address))
    }

    /// The SDK: who we are, where the core is, and what we change.
    ///
    /// # Errors
    /// The core does not open, or the settings are wrong.
    pub(crate) async fn supertokens(&self, address: &str) -> Result<SuperTokens, BuildError> {
        let core = match &self.core {
            Some(core) => Core::remote(core),
            None => Core::embedded(format!("sqlite:{}", self.database))
                .setting("access_token_validity", i64::from(self.access_token_seconds)),
        };
        // The API and the website have one address here. They may have two, as those of the small examples do.
        SuperTokens::builder(AppInfo::new("Devices").api_domain(address).website_domain(address))
            .core(core)
            .recipe(SessionRecipe::new().claim(role()))
            .with_override(devices::remember_last_use)
            .build()
            .await
    }
}

/// Tells whoever has started it where to look.
#[expect(clippy::print_stdout, reason = "it is for people, and the browser test reads it")]
pub(crate) fn announce(address: &str) {
    println!("Open {address} in a browser. Ctrl+C stops.");
}

/// A claim is a fact about the user that travels in the access token: checking it asks nobody. It is fetched when a session begins; yours
/// would come from a database.
pub(crate) fn role() -> Claim {
    Claim::new("role", |who| async move {
        let role = if who.user_id == "admin" { "admin" } else { "visitor" };
        Ok(Some(role.into()))
    })
    // Sessions live for months: a role that was taken away must not count for as long. It is looked up again every five minutes.
    .default_max_age_in_seconds(300)
}

/// What a guard asks for that lets only admins in. The SDK answers 403 and says which claim failed.
pub(crate) fn only_admins() -> VerifyOptions {
    VerifyOptions::new().require(role().has_value("admin"))
}

/// Where it matters that nobody has revoked the session a minute ago, the core is asked too.
pub(crate) struct StillAlive;

impl VerifyPolicy for StillAlive {
    fn options() -> VerifyOptions {
        VerifyOptions::new().check_database()
    }
}

/// What the page sends to log in.
#[derive(serde::Deserialize)]
pub(crate) struct LogIn {
    /// Whoever they say they are.
    pub(crate) name: String,
}

/// THE DEMO'S LOGIN: it believes every name. Put your own check here (a password, a code by mail, a passkey, …), and create the session
/// only when it has succeeded.
///
/// # Errors
/// The name is none; or no session can be created.
pub(crate) async fn log_in(auth: &Scope, input: &LogIn) -> Result<Value, Error> {
    let name = input.name.trim();
    if name.is_empty() || name.chars().count() > 64 {
        return Err(Error::BadInput { message: "a name has 1 to 64 characters".to_owned() });
    }
    auth.create_new_session(NewSession::of(name).data(devices::seen(auth.request()))).await?;
    Ok(json!({ "status": "OK" }))
}

/// Open to everybody, and friendlier to those it knows.
pub(crate) fn greeting(session: Option<&Session>) -> String {
    match session {
        Some(session) => format!("Hello, {}.", session.user_id()),
        None => "Hello, whoever you are.".to_owned(),
    }
}

/// What the page shows of a session.
pub(crate) fn shown(session: &Session) -> Value {
    json!({
        "userId": session.user_id(),
        "handle": session.handle(),
        "role": session.claim_value(&role()),
        "accessTokenEnds": session.access_token_expiry(),
        "payload": &*session.access_token_payload(),
    })
}

/// For those whose session was found in the database.
pub(crate) fn certain(session: &Session) -> String {
    format!("{}, your session is in the database.", session.user_id())
}

/// For those whom a guard has let in.
pub(crate) fn for_admins(session: &Session) -> String {
    format!("Welcome to the engine room, {}.", session.user_id())
}

/// The sessions of whoever asks, the last used first.
///
/// # Errors
/// The core cannot be asked.
pub(crate) async fn list_devices(session: &Session, supertokens: &SuperTokens) -> Result<Vec<Device>, Error> {
    let mut devices = Vec::new();
    for handle in supertokens.session_handles_of_user(session.user_id()).await? {
        // One that has ended since is left out.
        if let Some(found) = supertokens.session_information(handle).await? {
            devices.push(Device::of(found, session.handle()));
        }
    }
    devices.sort_by_key(|device| Reverse(device.last_use));
    Ok(devices)
}

/// Ends one session of whoever asks. Whether they have such a session.
///
/// # Errors
/// The core cannot be asked.
pub(crate) async fn sign_out_device(session: &Session, supertokens: &SuperTokens, handle: &str) -> Result<bool, Error> {
    // Whose is it? Without this question, whoever learns a handle could sign other people out.
    let is_own = |user_id: &str| user_id == session.user_id();
    if !supertokens.session_information(handle).await?.is_some_and(|found| is_own(&found.user_id)) {
        return Ok(false);
    }
    if handle == session.handle() {
        session.revoke().await?; // clears this browser's tokens too
    } else {
        supertokens.revoke_session(handle).await?;
    }
    Ok(true)
}

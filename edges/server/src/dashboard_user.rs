//! `supertokens dashboard-user`: who may sign in to the dashboard. It is the core itself that is asked, opened on the database of the
//! settings, so that what it writes is what the interface would have written.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use supertokens_core::dashboard::Added;
use supertokens_core::{Core, CoreOptions, OpenError};
use supertokens_domain::dashboard::{User, check_password, is_address};
use supertokens_domain::ids::{AppId, AppIdentifier, ConnectionUriDomain};
use supertokens_domain::printable::printable;
use supertokens_domain::secret::Secret;
use supertokens_domain::users::email::{normalised, trimmed};
use supertokens_store::{DatabaseOptions, SqlitePlace, StoreError};

use crate::config::Config;
use crate::{Place, Settings, Stop, doctor, password, say};

pub(crate) const HELP: &str = "\
Exit codes: 0 when it is done, 1 when it is not (the reason is on standard error), 2 for a command line that cannot be read.

  supertokens dashboard-user add ops@example.com
  supertokens dashboard-user add ops@example.com < password.txt
  supertokens dashboard-user add ops@example.com --password-file /run/secrets/dashboard
  supertokens dashboard-user list --app a1

A password that was forgotten: remove the person and add them again. Their sessions end with that.";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Lets somebody in. The password is asked for where somebody types, without showing it, and is otherwise read from standard input;
    /// it is never an argument, which everybody on the machine could read.
    Add {
        /// The e-mail address by which they sign in.
        email: String,
        /// The password is what stands in this file.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        of: Of,
    },
    /// Prints one line for each person: address and id, with a tab between them, in the order in which they came.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Takes somebody's access away and ends all their sessions.
    Remove {
        /// The e-mail address by which they sign in.
        email: String,
        #[command(flatten)]
        of: Of,
    },
}

/// Of which app, on which database.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The app. Each has people of its own.
    #[arg(long, value_name = "ID", default_value = "public")]
    app: String,
    /// The connection URI domain that the app belongs to, if there are any.
    #[arg(long, value_name = "DOMAIN", default_value = "")]
    connection_uri_domain: String,
    #[command(flatten)]
    settings: Settings,
}

impl Of {
    fn app(&self) -> AppIdentifier {
        let cud = ConnectionUriDomain::normalise(&self.connection_uri_domain);
        AppIdentifier { cud, app: AppId::normalise(&self.app) }
    }

    /// The core that the settings name, with nobody asking it anything.
    async fn core(&self, makes_database: bool) -> Result<Core, Stop> {
        let config = Config::load(&self.settings, &Place::default())?;
        if let DatabaseOptions::Sqlite(sqlite) = &config.database {
            match &sqlite.place {
                SqlitePlace::Memory => {
                    return Err(Stop::new("a database in memory is within the core that has it; ask that core, or name a file"));
                }
                SqlitePlace::File(path) if !makes_database && !path.exists() => {
                    return Err(Stop::new(format!(
                        "{} is not there, so there is nobody yet; is it the database that `supertokens start` has? See \
                         `supertokens config`",
                        path.display()
                    )));
                }
                SqlitePlace::File(_) => {}
            }
        }
        let place = config.database.redacted();
        let mut options = CoreOptions::new(config.database.clone());
        options.base = config.gathered.base.clone();
        options.test_mode = self.settings.test_mode;
        let core = Core::open(options).await.map_err(|error| match error {
            OpenError::Store(StoreError::InUse { path }) => Stop::new(in_use(&path, &config)),
            OpenError::Store(error) => Stop::new(doctor::advice(&place, &error)),
            error => Stop::caused(&place, &error),
        })?;
        let lacking = core.db().lacking().await.map_err(|error| Stop::new(doctor::advice(&place, &error)))?;
        if lacking.is_empty() {
            return Ok(core);
        }
        let lacks: Vec<String> = lacking.iter().map(|lack| format!("this role lacks {}; {}", lack.right, lack.grant)).collect();
        Err(Stop::new(lacks.join("\n")))
    }
}

/// One process has a SQLite file, and its core can be asked.
fn in_use(path: &str, config: &Config) -> String {
    let key = if config.core.api_keys.is_empty() { "" } else { " with the header `api-key`" };
    format!(
        "{path} is in use by a running core, and a SQLite file has one process at a time. Stop that core, do this again and start it; or \
         leave it running and ask it, at port {}{}: POST{key} {{\"email\":\"…\",\"password\":\"…\"}} to /recipe/dashboard/user, GET \
         /recipe/dashboard/users, or DELETE /recipe/dashboard/user?email=…",
        config.core.port,
        if config.core.base_path.is_empty() { String::new() } else { format!(" below {}", config.core.base_path) },
    )
}

pub(crate) async fn run(action: Action) -> Result<(), Stop> {
    match action {
        Action::Add { email, password_file, of } => add(&email, password_file, &of).await,
        Action::List { of } => {
            for User { email, id, .. } in of.core(false).await?.dashboard_users(&of.app()).await.map_err(failed)? {
                say(&format!("{}\t{id}", printable(&email)));
            }
            Ok(())
        }
        Action::Remove { email, of } => {
            let existed = of.core(false).await?.remove_dashboard_user(&of.app(), &email).await.map_err(failed)?;
            let email = normalised(&email);
            if !existed {
                return Err(Stop::new(format!(
                    "nobody has the address {}; `supertokens dashboard-user list` shows all",
                    printable(&email)
                )));
            }
            say(&format!("{} may not sign in to the dashboard any more", printable(&email)));
            Ok(())
        }
    }
}

async fn add(email: &str, password_file: Option<PathBuf>, of: &Of) -> Result<(), Stop> {
    let email = normalised(email);
    let shown = printable(&email).into_owned();
    if !is_address(&email) || email.chars().nth(256).is_some() {
        return Err(Stop::new(format!("{shown} is no e-mail address")));
    }
    let password = match password_file {
        Some(path) => password::of_file(&path)?,
        None => password::typed_or_piped(&format!("Password for {shown}: "))?,
    };
    // Before the database is opened, and perhaps made.
    let password = Secret::new(trimmed(password.expose()).to_owned());
    check_password(password.expose()).map_err(|weakness| Stop::new(weakness.to_string()))?;
    match of.core(true).await?.add_dashboard_user(&of.app(), &email, password).await.map_err(failed)? {
        Added::Ok(User { email, .. }) => {
            say(&format!("{} may sign in to the dashboard", printable(&email)));
            Ok(())
        }
        Added::EmailTaken => {
            Err(Stop::new(format!("{shown} may sign in already; for another password, remove them first (their sessions end)")))
        }
        Added::Unfit => Err(Stop::new("the address or the password is none that somebody may have")),
    }
}

fn failed(error: supertokens_core::error::Error) -> Stop {
    Stop::caused("nothing was done", &error)
}

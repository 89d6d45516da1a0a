//! The program `supertokens`: sockets, files, signals and words for people around the core (core-server.md 10).
//!
//! This file has the command line; each command is a file of its own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

mod body;
mod config;
mod connections;
mod dashboard_user;
mod doctor;
mod files;
mod head;
mod healthcheck;
mod held;
mod limits;
mod logs;
mod metrics;
mod migrate;
mod opening;
mod pages;
mod password;
mod ready;
mod serve;
mod show_config;
mod start;
mod transfer;
mod unread;
mod work;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sessions, tenants and tokens for the SuperTokens SDKs, on SQLite or PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "supertokens", version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server until it is told to stop.
    Start(Start),
    /// Brings the tables up to date, or shows what that would run; `start` does it by itself. Run by the role that owns the tables, it
    /// leaves nothing for `start` to make: that may then be a role that only reads and writes rows.
    Migrate {
        #[command(flatten)]
        settings: Settings,
        /// Only print the statements.
        #[arg(long)]
        plan: bool,
    },
    /// Asks a running server whether it is ready; the exit code is the answer.
    Healthcheck {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        place: Place,
    },
    /// Looks at configuration, database, schema, clock and keys, and says what to do about what is wrong.
    Doctor {
        #[command(flatten)]
        settings: Settings,
    },
    /// Prints the effective configuration and where each value comes from. Secrets are not shown.
    Config {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        place: Place,
    },
    /// Who may sign in to the dashboard: adds, lists and removes people. Works on the database that `start` has by the same settings. On
    /// PostgreSQL cores may run meanwhile; on SQLite the one that runs must be stopped.
    #[command(after_help = dashboard_user::HELP)]
    DashboardUser {
        #[command(subcommand)]
        action: dashboard_user::Action,
    },
    /// Imports the users of a file. One that was ended goes on where it was. Exit code 0: all came in; 2: some were refused, and the report
    /// says why; 1: it could not be done.
    Import(transfer::Import),
    /// Writes all users of an app to a file that `import` takes.
    Export(transfer::Export),
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where settings come from. Each key of the configuration file has an environment variable too; a flag beats both.
#[derive(Debug, Clone, Default, Args)]
struct Settings {
    /// The configuration file. Default: config.yaml in the working directory, if it is there.
    #[arg(long, value_name = "FILE", env = "SUPERTOKENS_CONFIG", alias = "with-config")]
    config: Option<PathBuf>,
    /// sqlite:PATH, sqlite::memory: or postgresql://USER@HOST:PORT/NAME. A password does not belong here, where everybody on the
    /// machine can read it: put the whole address into the environment variable, or the password into a file that
    /// POSTGRESQL_PASSWORD_FILE names. Default: supertokens.db in the working directory. [env: SUPERTOKENS_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Lifts limits that test suites of SDKs need lifted. Never for production.
    #[arg(long, env = "SUPERTOKENS_TEST_MODE", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1,
          require_equals = true, default_value = "false", default_missing_value = "true")]
    test_mode: bool,
}

#[derive(Debug, Clone, Default, Args)]
struct Place {
    /// The port; 0 takes a free one and prints it. Default: 3567. [env: SUPERTOKENS_PORT]
    #[arg(long)]
    port: Option<u16>,
    /// The name or address to listen on. Default: localhost. [env: SUPERTOKENS_HOST]
    #[arg(long)]
    host: Option<String>,
}

#[derive(Debug, Args)]
struct Start {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    java: JavaFlags,
}

/// Flags of the Java core's command line that mean nothing here. They are taken, so that old scripts start, and noted.
#[derive(Debug, Args)]
struct JavaFlags {
    #[arg(long, hide = true)]
    with_space: Option<String>,
    #[arg(long, hide = true)]
    foreground: bool,
    #[arg(long, hide = true)]
    no_in_mem_db: bool,
    #[arg(long, hide = true)]
    with_temp_dir: Option<String>,
    #[arg(long, hide = true)]
    javaagent: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1)]
    jmx: Option<Option<String>>,
    #[arg(long, hide = true)]
    jmx_port: Option<String>,
    #[arg(long, hide = true)]
    jmx_authenticate: Option<String>,
    #[arg(long, hide = true)]
    jmx_ssl: Option<String>,
}

impl JavaFlags {
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("--with-space", self.with_space.is_some()),
            ("--foreground", self.foreground),
            ("--no-in-mem-db", self.no_in_mem_db),
            ("--with-temp-dir", self.with_temp_dir.is_some()),
            ("--javaagent", self.javaagent.is_some()),
            ("--jmx", self.jmx.is_some()),
            ("--jmx-port", self.jmx_port.is_some()),
            ("--jmx-authenticate", self.jmx_authenticate.is_some()),
            ("--jmx-ssl", self.jmx_ssl.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

fn main() -> ExitCode {
    pages::small();
    let line = Line::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("supertokens: the runtime cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = match line.command {
        Command::Start(start) => {
            let ignored = start.java.given();
            runtime.block_on(start::run(&start.settings, &start.place, &ignored))
        }
        Command::Migrate { settings, plan } => runtime.block_on(migrate::run(&settings, plan)),
        Command::Healthcheck { settings, place } => runtime.block_on(healthcheck::run(&settings, &place)),
        Command::Doctor { settings } => runtime.block_on(doctor::run(&settings)),
        Command::Config { settings, place } => show_config::run(&settings, &place),
        Command::DashboardUser { action } => runtime.block_on(dashboard_user::run(action)),
        Command::Import(import) => match runtime.block_on(transfer::import(&import)) {
            Ok(true) => Ok(()),
            Ok(false) => {
                runtime.shutdown_background();
                return ExitCode::from(2);
            }
            Err(stop) => Err(stop),
        },
        Command::Export(export) => runtime.block_on(transfer::export(&export)),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Line::command(), "supertokens", &mut std::io::stdout());
            Ok(())
        }
    };
    // What still runs is not waited for: `start` has waited for requests, and nothing else must be finished.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop(text)) => {
            if !text.is_empty() {
                complain(&format!("supertokens: {text}"));
            }
            ExitCode::FAILURE
        }
    }
}

/// Why the program ends with exit code 1, for people. Empty if all is said already.
#[derive(Debug)]
struct Stop(String);

impl Stop {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// An error and all its causes in one line.
    fn caused(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = format!("{what}: {error}");
        let mut next = error.source();
        while let Some(cause) = next {
            text.push_str(&format!(": {cause}"));
            next = cause.source();
        }
        Self(text)
    }
}

/// A line on standard output. A reader that went away is no reason to stop.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line on standard error.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn flags_of_the_java_core_are_taken() {
        let line =
            ["supertokens", "start", "--with-config=/a/b.yaml", "--foreground", "--with-space=200", "--no-in-mem-db", "--port=1"];
        let Command::Start(start) = Line::try_parse_from(line).unwrap().command else { panic!("another command") };
        assert_eq!(start.settings.config, Some(PathBuf::from("/a/b.yaml")));
        assert_eq!(start.java.given(), ["--with-space", "--foreground", "--no-in-mem-db"]);
        assert!(!start.settings.test_mode);
        assert!(Line::try_parse_from(["supertokens", "start", "--no-such-flag"]).is_err());
    }
}

//! `with-postgres [--durable] COMMAND…`: runs a command with a throw-away PostgreSQL beside it.
//!
//! Sets TEST_POSTGRES_URL for the command, stops the server afterwards and returns the command's exit code. Where
//! PostgreSQL is missing it installs the distribution's packages if it may, and otherwise says how to. A URL that is
//! already set is left alone.
#![expect(clippy::print_stderr, reason = "a command-line tool speaks to its user")]

use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use supertokens_testkit::postgres::{Durability, PostgresServer, URL_VARIABLE, binaries, is_root};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("with-postgres: {error:#}");
            ExitCode::from(125)
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let durability = if arguments.next_if(|first| first == "--durable").is_some() { Durability::Real } else { Durability::Fast };
    let program = arguments.next().context("which command? usage: with-postgres [--durable] COMMAND…")?;
    let mut command = Command::new(&program);
    command.args(arguments);
    let server = match std::env::var_os(URL_VARIABLE) {
        Some(_) => None,
        None => {
            install_if_missing()?;
            let server = PostgresServer::start(durability)?;
            command.env(URL_VARIABLE, server.url());
            Some(server)
        }
    };
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    drop(server);
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The distribution's own packages, without the cluster they would otherwise start.
fn install_if_missing() -> anyhow::Result<()> {
    if binaries().is_some() {
        return Ok(());
    }
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !has("apt-get") {
        let how = [
            ("dnf", "sudo dnf install postgresql-server"),
            ("apk", "sudo apk add postgresql"),
            ("brew", "brew install postgresql"),
        ];
        let how = how.iter().find(|(program, _)| has(program)).map_or("install the PostgreSQL server", |(_, line)| line);
        bail!("PostgreSQL is missing. Please run:\n  {how}");
    }
    if !is_root() {
        bail!("PostgreSQL is missing. Please run:\n  sudo apt-get install --no-install-recommends postgresql");
    }
    eprintln!("with-postgres: installing PostgreSQL from the distribution's packages");
    std::fs::create_dir_all("/etc/postgresql-common")?;
    let settings = std::path::Path::new("/etc/postgresql-common/createcluster.conf");
    if !settings.exists() {
        std::fs::write(settings, "create_main_cluster = false\n")?;
    }
    for arguments in
        [&["update"][..], &["install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "postgresql"]]
    {
        let status = Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status()?;
        anyhow::ensure!(status.success(), "apt-get {} failed", arguments.join(" "));
    }
    anyhow::ensure!(binaries().is_some(), "PostgreSQL was installed, but its programs are not where they were expected");
    Ok(())
}

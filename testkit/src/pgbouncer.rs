//! A throw-away PgBouncer in front of a throw-away PostgreSQL: what does a core meet where a pooler stands between?
//!
//! In transaction mode, as that is the one which shows. Run, as PostgreSQL is, by a user who is not root, and never longer than we run.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::postgres::{PostgresServer, free_port, unprivileged_user};

/// How long a start may take before we give up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the pooler as a child, and ends it and removes its files at the end of its input.
const KEEPER: &str = r#"
dir=$1; shift
"$@" & pooler=$!
read -r word
kill -TERM "$pooler" 2>/dev/null
wait "$pooler"
rm -rf "$dir"
"#;

/// A running pooler. Stopped and removed on drop.
#[derive(Debug)]
pub struct PgBouncer {
    directory: tempfile::TempDir,
    port: u16,
    keeper: Child,
}

impl PgBouncer {
    /// Starts one before this server.
    pub fn start(server: &PostgresServer) -> anyhow::Result<Self> {
        // Between finding a free port and using it somebody else may take it.
        let mut failure = None;
        for _ in 0..5 {
            match Self::try_start(server) {
                Ok(started) => return Ok(started),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.context("it was not tried")?)
    }

    fn try_start(server: &PostgresServer) -> anyhow::Result<Self> {
        let program = program().context("no PgBouncer found")?;
        let user = unprivileged_user()?;
        let directory = tempfile::Builder::new().prefix("supertokens-pool-").tempdir()?;
        let (at, port) = (directory.path().display(), free_port()?);
        std::fs::write(directory.path().join("users"), "\"postgres\" \"\"\n")?;
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {at}/users\npool_mode = transaction\ndefault_pool_size = 5\n",
            server.port()
        );
        std::fs::write(directory.path().join("settings"), settings)?;
        let log = std::fs::File::create(directory.path().join("log"))?;
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(KEEPER).arg("keeper").arg(directory.path()).arg(program).arg(directory.path().join("settings"));
        command.current_dir(directory.path()).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        if let Some((uid, gid)) = user {
            chown(directory.path(), Some(uid), Some(gid))?;
            command.uid(uid).gid(gid);
        }
        let mut pooler = Self { port, keeper: command.spawn().context("cannot start PgBouncer")?, directory };
        pooler.wait_until_ready()?;
        Ok(pooler)
    }

    /// URL of the superuser, through the pooler.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let log = self.log();
            if log.contains("FATAL") || Instant::now() > deadline {
                bail!("PgBouncer did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn log(&self) -> String {
        let mut text = String::new();
        // Without a log there is nothing to show.
        let _ = std::fs::File::open(self.directory.path().join("log")).and_then(|mut file| file.read_to_string(&mut text));
        text
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing can be done about a failure here.
        let _ = self.keeper.wait();
    }
}

/// The program: on the path, or where Debian puts it, which is on root's path only.
pub fn program() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let folders = on_path.into_iter().chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

//! A throw-away PostgreSQL: where do the tests get a real server from, and who stops it?
//!
//! One `initdb` in a temporary directory, a free loopback port, a socket directory inside the temporary one, an
//! unprivileged user when we are root (PostgreSQL refuses root). A small shell stands between us and the server and
//! stops it when our end of a pipe closes, so it never outlives us, not even when we are killed. Tests know only
//! `TEST_POSTGRES_URL`; those about outages start a server of their own.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// The variable that carries a superuser's URL to the tests.
pub const URL_VARIABLE: &str = "TEST_POSTGRES_URL";

/// How long a start or a stop may take before we give up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the server as a child; on "keep" or on the end of its input stops it, and in the latter case removes the files.
const KEEPER: &str = r#"
dir=$1; shift
"$@" & server=$!
word=end; read -r word || word=end
kill -INT "$server" 2>/dev/null
wait "$server"
[ "$word" = keep ] || rm -rf "$dir"
"#;

/// How much the server does for durability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// No fsync: for tests of behaviour.
    Fast,
    /// As in production: for benchmarks and for tests that pull the plug.
    Real,
}

/// A running server of our own. Stopped and removed on drop.
#[derive(Debug)]
pub struct PostgresServer {
    binaries: PathBuf,
    directory: tempfile::TempDir,
    user: Option<(u32, u32)>,
    durability: Durability,
    encrypted: bool,
    port: u16,
    keeper: Option<Child>,
}

impl PostgresServer {
    /// Makes a cluster and starts it.
    pub fn start(durability: Durability) -> anyhow::Result<Self> {
        Self::make(durability, None)
    }

    /// A server that shows this certificate and lets in over TCP only who encrypts. Both are PEM.
    pub fn start_encrypted(certificate: &str, key: &str) -> anyhow::Result<Self> {
        Self::make(Durability::Fast, Some((certificate, key)))
    }

    fn make(durability: Durability, encrypted: Option<(&str, &str)>) -> anyhow::Result<Self> {
        let binaries = binaries().context("no PostgreSQL server found (initdb, postgres)")?;
        let user = unprivileged_user()?;
        let directory = tempfile::Builder::new().prefix("supertokens-pg-").tempdir()?;
        if let Some((uid, gid)) = user {
            chown(directory.path(), Some(uid), Some(gid))?;
        }
        let mut server = Self { binaries, directory, user, durability, encrypted: encrypted.is_some(), port: 0, keeper: None };
        server.make_cluster()?;
        if let Some((certificate, key)) = encrypted {
            server.put("server.crt", certificate)?;
            server.put("server.key", key)?;
            server.put("pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 trust\n")?;
        }
        // Between finding a free port and using it somebody else may take it.
        for _ in 0..5 {
            server.port = free_port()?;
            if server.launch().is_ok() {
                return Ok(server);
            }
        }
        bail!("PostgreSQL did not start:\n{}", server.log())
    }

    /// URL of the superuser, over TCP on the loopback interface.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// URL of the superuser, over the socket in the server's directory, which is never encrypted.
    pub fn socket_url(&self) -> String {
        format!("postgresql:///postgres?user=postgres&port={}&host={}", self.port, self.directory.path().display())
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server, cutting off everyone connected, and starts it again on the same port with the same data.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.launch()
    }

    /// Stops the server and keeps its data.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut keeper) = self.keeper.take() else { return Ok(()) };
        if let Some(mut input) = keeper.stdin.take() {
            input.write_all(b"keep\n")?;
        }
        keeper.wait()?;
        Ok(())
    }

    /// Starts a stopped or killed server again, on the same port with the same data.
    pub fn launch(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        let log = std::fs::File::create(self.directory.path().join("log"))?;
        let fsync = if self.durability == Durability::Real { "fsync=on" } else { "fsync=off" };
        let mut command = self.command(Path::new("/bin/sh"));
        command.arg("-c").arg(KEEPER).arg("keeper").arg(self.directory.path()).arg(self.binaries.join("postgres"));
        command.arg("-D").arg(self.data()).args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]);
        command.args(["-c", fsync, "-c", &format!("port={}", self.port)]);
        if self.encrypted {
            command.args(["-c", "ssl=on"]);
        }
        command.arg("-c").arg(format!("unix_socket_directories={}", self.directory.path().display()));
        // Its own process group: a Ctrl-C at the terminal ends us, and our end ends the server in an orderly way.
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        self.keeper = Some(command.spawn().context("cannot start PostgreSQL")?);
        self.wait_until_ready()
    }

    /// Ends the server at once, as a crash would: no orderly shutdown, recovery at the next [`launch`](Self::launch).
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let pid = self.pid_file().and_then(|lines| lines.first().cloned()).context("PostgreSQL is not running")?;
        // QUIT is PostgreSQL's "immediate shutdown"; unlike KILL it leaves no shared memory behind on this machine.
        let sent = Command::new("/bin/sh").arg("-c").arg(format!("kill -QUIT {}", pid.parse::<u32>()?)).status()?;
        anyhow::ensure!(sent.success(), "could not signal PostgreSQL");
        let deadline = Instant::now() + PATIENCE;
        while self.pid_file().is_some() {
            anyhow::ensure!(Instant::now() < deadline, "PostgreSQL does not die:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.stop()
    }

    /// Stops every process of the server where it is, as a stalled machine does: it neither answers nor closes anything.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.signal_all("STOP")
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.signal_all("CONT")
    }

    fn signal_all(&self, signal: &str) -> anyhow::Result<()> {
        let pid = self.pid_file().and_then(|lines| lines.first().cloned()).context("PostgreSQL is not running")?;
        let mut pids = pid.parse::<u32>()?.to_string();
        for entry in std::fs::read_dir("/proc")?.flatten() {
            // Behind the name in brackets come the state and the parent.
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit_once(')').and_then(|(_, behind)| behind.split_whitespace().nth(1));
            if parent == Some(pid.as_str()) {
                pids.push_str(&format!(" {}", entry.file_name().to_string_lossy()));
            }
        }
        let sent = Command::new("/bin/sh").arg("-c").arg(format!("kill -{signal} {pids}")).status()?;
        anyhow::ensure!(sent.success(), "could not signal PostgreSQL");
        Ok(())
    }

    fn make_cluster(&self) -> anyhow::Result<()> {
        let mut command = self.command(&self.binaries.join("initdb"));
        command.arg("-D").arg(self.data()).args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let output = command.stdin(Stdio::null()).output().context("cannot run initdb")?;
        anyhow::ensure!(output.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Writes a file of the cluster, as nobody but the server may read it.
    fn put(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.data().join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        if let Some((uid, gid)) = self.user {
            chown(&path, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// The server writes "ready" into the eighth line of its lock file when it accepts connections.
    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.pid_file().is_some_and(|lines| lines.get(7).is_some_and(|state| state.trim() == "ready")) {
                return Ok(());
            }
            // A FATAL before "ready" means a port that is taken, or a broken installation.
            if Instant::now() > deadline || self.log().contains("FATAL:  could not") {
                let log = self.log();
                self.stop()?;
                bail!("PostgreSQL did not become ready:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path()).env("LC_ALL", "C").env_remove("PGDATA").env_remove("PGPORT");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn pid_file(&self) -> Option<Vec<String>> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        Some(text.lines().map(str::to_owned).collect())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            // A frozen server would not end; and one that is gone cannot be told to go on.
            let _ = self.signal_all("CONT");
            drop(keeper.stdin.take());
            // Nothing can be done about a failure here, and the keeper needs no one to wait for it.
            let _ = keeper.wait();
        }
    }
}

/// The directory with `initdb` and `postgres`: on the path, or where Debian and its kin put them (newest version first).
pub fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok())
        .map(|entry| (entry.file_name().to_string_lossy().parse().unwrap_or(0), entry.path().join("bin")))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let elsewhere = [PathBuf::from("/usr/pgsql/bin"), PathBuf::from("/opt/homebrew/bin")];
    on_path
        .into_iter()
        .chain(versions.into_iter().map(|(_, path)| path))
        .chain(elsewhere)
        .find(|directory| directory.join("initdb").is_file() && directory.join("postgres").is_file())
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Who runs the server: ourselves, or, when we are root, `postgres` or else `nobody`.
pub(crate) fn unprivileged_user() -> anyhow::Result<Option<(u32, u32)>> {
    if !is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("cannot read the list of users")?;
    let ids_of = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let found = fields.next() == Some(name);
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            found.then_some((uid, gid))
        })
    };
    let ids = ids_of("postgres").or_else(|| ids_of("nobody"));
    Ok(Some(ids.context("we are root, and there is neither a user 'postgres' nor 'nobody' to run PostgreSQL")?))
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without the programs there is nothing to test; with them all of it is.
    #[test]
    fn a_server_starts_restarts_dies_and_leaves_nothing_behind() {
        if binaries().is_none() {
            return;
        }
        let mut server = PostgresServer::start(Durability::Fast).unwrap();
        let directory = server.directory.path().to_owned();
        let connects = |server: &PostgresServer| std::net::TcpStream::connect(("127.0.0.1", server.port)).is_ok();
        assert!(connects(&server));
        server.restart().unwrap();
        assert!(connects(&server));
        server.kill().unwrap();
        assert!(!connects(&server));
        server.launch().unwrap();
        assert!(connects(&server));
        let port = server.port;
        drop(server);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(!directory.exists());
    }
}

//! The program itself, started as a process and asked over real sockets: for the crash test and the bench.
//!
//! `Program` starts `supertokens start` on a free port and can kill it as a power cut would. `Caller` is one keep-alive
//! HTTP/1.1 connection that does as little as possible, so that on a small machine the load costs less than the answers.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The CDI version that all callers speak.
pub const CDI: &str = "5.6";

/// A running program. Killed on drop.
#[derive(Debug)]
pub struct Program {
    child: Child,
    port: u16,
    began: Instant,
    /// Kept open: a program whose reader has gone must not be disturbed in what it prints.
    _stdout: BufReader<ChildStdout>,
}

impl Program {
    /// Starts the program on a free port and waits until it says that it listens.
    pub fn start(binary: &Path, database_url: &str, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(binary, database_url, folder, &[])
    }

    /// The same, with a log of this level: `NONE` where errors are the point.
    pub fn start_logging(binary: &Path, database_url: &str, folder: &Path, level: &str) -> anyhow::Result<Self> {
        Self::start_with(binary, database_url, folder, &[("LOG_LEVEL", level)])
    }

    /// The same with these settings in its environment. The log has errors only, if they do not say otherwise.
    pub fn start_with(binary: &Path, database_url: &str, folder: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut command = Command::new(binary);
        // The URL goes by the environment: a command line is seen by everyone on the machine.
        command.args(["start", "--port", "0"]).env("SUPERTOKENS_DATABASE_URL", database_url).current_dir(folder);
        command.env("LOG_LEVEL", "ERROR").envs(settings.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                let _ = child.wait();
                anyhow::bail!("the program ended before it was ready: {said}");
            }
            if let Some(port) = port_of(&line) {
                return Ok(Self { child, port, began, _stdout: stdout });
            }
            said.push_str(&line);
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Since the moment before it was started.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// SIGKILL: it does not get to finish anything.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().context("the program could not be killed")
    }

    /// SIGTERM: it finishes what it has begun.
    pub fn tell_to_stop(&self) -> anyhow::Result<()> {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(sent.success(), "the program could not be told to stop");
        Ok(())
    }

    /// Waits until it is gone.
    pub fn wait(&mut self) -> anyhow::Result<()> {
        self.child.wait().map(|_| ()).context("the program did not end")
    }

    /// The processor time it has used so far, in its own code and in the system's for it (Linux).
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        /// The unit of the file, which Linux keeps the same on all machines.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name before the bracket may hold anything; behind it utime and stime are the 12th and the 13th.
        let (_, behind) = stat.rsplit_once(')').context("no name in the status")?;
        let ticks = behind.split_whitespace().skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
        Ok(TICK * ticks)
    }

    /// Its resident memory in KiB, from the system's own books (Linux).
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        line.split_whitespace().next().context("no number")?.parse().context("no number")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From `Started SuperTokens on host:port with PID: n`.
fn port_of(line: &str) -> Option<u16> {
    let (at, _) = line.strip_prefix("Started SuperTokens on ")?.split_once(" with PID: ")?;
    at.rsplit_once(':')?.1.parse().ok()
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Caller {
    stream: TcpStream,
    out: Vec<u8>,
    input: Vec<u8>,
}

impl Caller {
    /// Connects to the loopback interface.
    pub async fn connect(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, out: Vec::with_capacity(4096), input: Vec::with_capacity(8192) })
    }

    /// Sends a request and reads the whole answer: its status and body.
    pub async fn ask(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, &[u8])> {
        use std::io::Write as _;
        self.out.clear();
        let length = body.len();
        write!(
            self.out,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncdi-version: {CDI}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
        self.stream.write_all(&self.out).await?;
        self.input.clear();
        let (head, length, status) = loop {
            if let Some(head) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                let text = std::str::from_utf8(&self.input[..head])?;
                break (head + 4, content_length(text)?, text.get(9..12).context("no status")?.parse::<u16>()?);
            }
            self.more().await?;
        };
        while self.input.len() < head + length {
            self.more().await?;
        }
        ensure!(self.input.len() == head + length, "more was answered than asked");
        Ok((status, &self.input[head..]))
    }

    /// The same, for an answer that must be a 200 with JSON.
    pub async fn json(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<serde_json::Value> {
        let (status, body) = self.ask(method, path, body).await?;
        ensure!(status == 200, "{method} {} was answered with {status}", path.split('?').next().unwrap_or_default());
        Ok(serde_json::from_slice(body)?)
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.input).await? > 0, "the connection was closed");
        Ok(())
    }
}

fn content_length(head: &str) -> anyhow::Result<usize> {
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    value.context("an answer without a length")?.trim().parse().context("a strange length")
}

#[cfg(test)]
mod tests {
    use super::{content_length, port_of};

    #[test]
    fn the_port_is_read_from_the_line_that_names_it() {
        assert_eq!(port_of("Started SuperTokens on localhost:4711 with PID: 12\n"), Some(4711));
        assert_eq!(port_of("Database: sqlite:/a\n"), None);
    }

    #[test]
    fn a_length_is_found_however_its_name_is_written() {
        assert_eq!(content_length("HTTP/1.1 200 OK\r\nContent-Length: 12\r\ndate: x").unwrap(), 12);
        assert!(content_length("HTTP/1.1 200 OK\r\ndate: x").is_err());
    }
}

//! What the program does when it is told things by signals.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Server, program};

/// Far less than the body of a stalled request is waited for, and far more than a busy machine needs.
const SOON: Duration = Duration::from_secs(8);

/// Reads what the server says until a line has these words.
fn hears(server: &mut Server, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(server.rest.read_line(&mut line).unwrap(), 0, "it ended without saying {words}");
    }
}

/// A caller whose request is known to run, and who never sends its body.
fn stalled(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    let head = "POST /recipe/session HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    stream
}

fn stopping_within(folder: &std::path::Path, seconds: &str) -> Server {
    let mut command = program(folder);
    command.args(["start", "--port=0", "--database-url", "sqlite::memory:"]);
    Server::start_with(command.env("SUPERTOKENS_SHUTDOWN_TIMEOUT_SECONDS", seconds))
}

#[test]
fn a_hangup_opens_the_log_files_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.args(["start", "--port=0", "--database-url", "sqlite::memory:"]);
    let mut server = Server::start_with(command.env("INFO_LOG_PATH", "info.log").env("ERROR_LOG_PATH", "error.log"));
    let at = |name: &str| folder.path().join(name);
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap_or_default();
    for round in 1..=2 {
        server.get("/hello");
        let moved = format!("info.log.{round}");
        std::fs::rename(at("info.log"), at(&moved)).unwrap();
        std::fs::rename(at("error.log"), at(&format!("error.log.{round}"))).unwrap();
        server.signal("HUP");
        let begin = Instant::now();
        while !read("info.log").contains("the log files are open anew") {
            assert!(begin.elapsed() < SOON);
            // Each is a line in a log, old or new.
            assert_eq!(server.get("/hello").0, 200);
        }
        assert_eq!(server.get("/recipe/nothing").0, 404);
        assert!(read("info.log").contains("status=404") && at("error.log").exists());
        // What was moved away has those of earlier rounds.
        assert_eq!(read(&moved).matches("status=404").count(), round - 1);
    }
    assert!(server.child.try_wait().unwrap().is_none());
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn a_hangup_without_log_files_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--database-url", "sqlite::memory:"]);
    server.signal("HUP");
    hears(&mut server, "there are no log files");
    assert_eq!(server.get("/hello").0, 200);
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn a_stalled_caller_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT"] {
        let mut server = stopping_within(folder.path(), "1");
        let _caller = stalled(&server);
        let begin = Instant::now();
        server.signal(signal);
        hears(&mut server, "waiting at most 1 s");
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(begin.elapsed() < SOON && begin.elapsed() >= Duration::from_secs(1), "{signal}: {:?}", begin.elapsed());
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = stopping_within(folder.path(), "600");
    let _caller = stalled(&server);
    let begin = Instant::now();
    server.signal("TERM");
    hears(&mut server, "waiting at most 600 s");
    server.signal("INT");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn callers_that_ask_nothing_do_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = stopping_within(folder.path(), "600");
    let mut quiet = server.connect();
    quiet.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut status = [0; 12];
    quiet.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let mut half = server.connect();
    half.write_all(b"GET /hello HTTP/1.1\r\n").unwrap();
    let begin = Instant::now();
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

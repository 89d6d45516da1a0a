//! What comes over a socket: bodies, heads that can be read in two ways, callers that a browser sends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use super::{Server, program};

pub(super) const KEY: &str = "a-key-of-twenty-chars-";
pub(super) const SESSION: &str = r#"{"userId":"u","userDataInJWT":{},"userDataInDatabase":{},"enableAntiCsrf":false}"#;

fn with_key(folder: &std::path::Path) -> Server {
    Server::start_with(program(folder).args(["start", "--port=0", "--database-url", "sqlite::memory:"]).env("API_KEYS", KEY))
}

#[test]
fn what_is_too_large_is_refused_and_what_fits_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--database-url", "sqlite::memory:"]);
    let (status, head, body) = server.post("/recipe/session", &"x".repeat((1 << 20) + 1));
    assert_eq!((status, body.as_str()), (413, "Request body is too large\n"), "{head}");
    let (status, _, body) = server.post("/recipe/session", &"x".repeat(1 << 20));
    assert_eq!((status, body.as_str()), (400, "Invalid Json Input\n"));
    let waits = "POST /recipe/session HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n";
    assert_eq!(server.ask(waits).0, 413);
    let long = format!("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: {}\r\n\r\n", "x".repeat(9000));
    assert_eq!(server.ask(&long).0, 431);
    assert!(server.ask("nonsense\r\n\r\n").0 == 400);
    assert_eq!(server.get("/hello").0, 200);
    assert!(!folder.path().join("supertokens.db").exists());
}

/// A request whose head is sent and whose body is announced: what the server says before it has the body.
fn announced(server: &Server, path: &str, headers: &str, length: usize, sent: &str) -> TcpStream {
    let mut stream = server.connect();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{sent}");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn status_line(stream: &TcpStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn a_body_is_read_only_of_those_who_are_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(program(folder.path()).args(["start", "--port=0"]).env("API_KEYS", KEY));
    let waits = "Expect: 100-continue\r\n";
    let stranger = announced(&server, "/recipe/session", waits, 1000, "");
    assert_eq!(status_line(&stranger), "HTTP/1.1 401 Unauthorized");
    let friend = announced(&server, "/recipe/session", &format!("{waits}api-key: {KEY}\r\n"), 1000, "");
    assert_eq!(status_line(&friend), "HTTP/1.1 100 Continue");
    // One that does not wait and is still writing sees the refusal nevertheless.
    let (status, _, body) = server.post("/recipe/session", &"x".repeat(1 << 20));
    assert_eq!((status, body.as_str()), (401, "Invalid API key\n"));
    assert_eq!(server.get("/livez").0, 200);
}

/// A caller's large session, made while others are at something.
fn makes_a_large_session(server: &Server) {
    let body = SESSION
        .replacen("{}", &format!(r#"{{"much":"{}"}}"#, "x".repeat(20_000)), 1)
        .replace("userDataInJWT", "userDataInDatabase");
    let body = body.replacen("userDataInDatabase\":{}", "userDataInJWT\":{}", 1);
    let length = body.len();
    let answer = server.ask(&format!(
        "POST /recipe/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\napi-key: {KEY}\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    assert_eq!(answer.0, 200, "{}", answer.2);
}

#[test]
fn bodies_that_do_not_come_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_key(folder.path());
    let slow = |path: &str, headers: &str| -> Vec<TcpStream> {
        // More than there would be room for.
        (0..80).map(|_| announced(&server, path, headers, 1_000_000, "{")).collect()
    };
    let _greeting = slow("/hello", "");
    let _nowhere = slow("/nothing/here/at/all", "");
    let _with_key = slow("/recipe/session", &format!("api-key: {KEY}\r\n"));
    // One that had to wait for room would be refused before the others are given up.
    makes_a_large_session(&server);
}

#[test]
fn a_body_that_is_of_no_use_is_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_key(folder.path());
    for (path, status) in
        [("/hello", "200 OK"), ("/", "200 OK"), ("/nothing/here", "404 Not Found"), ("/config", "405 Method Not Allowed")]
    {
        let waiting = announced(&server, path, "Expect: 100-continue\r\n", 1_000_000, "");
        assert_eq!(status_line(&waiting), format!("HTTP/1.1 {status}"), "{path}");
        let (said, _, _) = server.post(path, &"x".repeat(100_000));
        assert_eq!(said.to_string(), status[..3], "{path}");
    }
}

/// The statuses of all answers to these bytes, until the server hangs up.
fn statuses(server: &Server, bytes: &str) -> Vec<u16> {
    let mut stream = server.connect();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut text = Vec::new();
    // A server that refuses and hangs up while bytes are on their way resets the connection.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    text.split("HTTP/1.").skip(1).map(|answer| answer[2..5].parse().unwrap()).collect()
}

/// Each is one request of one reading. Where a second request is hidden in the first, it is never answered.
#[test]
fn a_request_is_read_in_one_way_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_key(folder.path());
    let hidden = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (get, post) = ("GET /hello HTTP/1.1\r\n", "POST /hello HTTP/1.1\r\nHost: a\r\n");
    let chunked = format!("5\r\nhello\r\n0\r\n\r\n{hidden}");
    for (bytes, answers) in [
        (format!("{get}Host: a\r\n\r\n{hidden}"), &[200, 200][..]),
        // Hosts.
        (format!("{get}\r\n"), &[400]),
        (format!("{get}Host: a\r\nHost: a\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: a\r\nhost: b\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: a b\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: a/b\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: u@a\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: a:b\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: \u{e9}\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host:\r\n\r\n{hidden}"), &[200, 200]),
        ("GET /hello HTTP/1.0\r\n\r\n".to_owned(), &[200]),
        (format!("GET http://a/hello HTTP/1.1\r\n\r\n{hidden}"), &[400]),
        (format!("GET http://a/hello HTTP/1.1\r\nHost: b\r\n\r\n{hidden}"), &[200, 200]),
        // Own paths are no exception.
        ("GET /livez HTTP/1.1\r\n\r\n".to_owned(), &[400]),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), &[400]),
        // Transfer codings.
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunked}"), &[200, 200]),
        (format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n{chunked}"), &[501]),
        (format!("{post}Transfer-Encoding: chunked, chunked\r\n\r\n{chunked}"), &[501]),
        (format!("{post}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"), &[501]),
        (format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"), &[501]),
        (format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n{chunked}"), &[400]),
        (format!("{post}Transfer-Encoding: gzip\r\n\r\n{chunked}"), &[400]),
        (format!("{post}Transfer-Encoding: xchunked\r\n\r\n{chunked}"), &[400]),
        (format!("{post}Transfer-Encoding : chunked\r\n\r\n{chunked}"), &[400]),
        (format!("POST /hello HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"), &[400]),
        // Both: chunked counts, and nothing is believed of what follows.
        (format!("{post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"), &[200]),
        (format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n{chunked}"), &[200]),
        // Lengths.
        (format!("{post}Content-Length: 5\r\n\r\nhello{hidden}"), &[200, 200]),
        (format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello{hidden}"), &[400]),
        (format!("{post}Content-Length: 5, 6\r\n\r\nhello{hidden}"), &[400]),
        (format!("{post}Content-Length: +5\r\n\r\nhello{hidden}"), &[400]),
        (format!("{post}Content-Length: -1\r\n\r\nhello{hidden}"), &[400]),
        (format!("{post}Content-Length: 0x5\r\n\r\nhello{hidden}"), &[400]),
        (format!("{post}Content-Length: 99999999999999999999\r\n\r\nhello{hidden}"), &[400]),
        // Chunks.
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n5x\r\nhello\r\n0\r\n\r\n{hidden}"), &[200]),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n{hidden}"), &[200]),
        // Heads.
        (format!("{get}Host: a\r\nX : y\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: a\r\nX: y\r\n z\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: a\r\nX: y\rz\r\n\r\n{hidden}"), &[400]),
        (format!("{get}Host: a\r\nX: y\0z\r\n\r\n{hidden}"), &[400]),
        ("GET /hello HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned(), &[400]),
        ("GET /hello HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(), &[400]),
        // Expectations.
        (format!("{post}Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello{hidden}"), &[417]),
        (format!("{get}Host: a\r\nExpect: a=b\r\n\r\n{hidden}"), &[417]),
    ] {
        assert_eq!(statuses(&server, &bytes), answers, "{bytes:?}");
    }
    assert_eq!(server.get("/hello").0, 200);
}

/// Where only this machine can ask, a name that a page made to lead here is not answered to, whether or not the address was chosen;
/// where others can, every name is.
#[test]
fn without_a_key_the_name_counts_where_only_this_machine_can_ask() {
    let folder = tempfile::tempdir().unwrap();
    let by_name = |server: &Server, host: &str, more: &str| {
        let request = format!("GET /telemetry HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n");
        server.ask(&request)
    };
    let at = |more: &[&str]| Server::start(folder.path(), &[&["--database-url", "sqlite::memory:"], more].concat());
    let within = [at(&[]), at(&["--host", "127.0.0.1"]), at(&["--host", "localhost"])];
    let open = at(&["--host", "0.0.0.0"]);
    let keyed = with_key(folder.path());
    let key = format!("api-key: {KEY}\r\n");
    for (host, within_machine) in [
        ("localhost:1", 200),
        ("core.localhost", 200),
        ("127.0.0.1", 200),
        ("[::1]:1", 200),
        ("evil.example", 403),
        ("host.docker.internal", 403),
    ] {
        for server in &within {
            let (status, _, text) = by_name(server, host, "");
            assert_eq!(status, within_machine, "{host}");
            assert!(status == 200 || text.contains("Set api_keys") && text.contains("set host to an address"), "{text}");
        }
        assert_eq!(by_name(&open, host, "").0, 200, "{host}");
        assert_eq!(by_name(&keyed, host, &key).0, 200, "{host}");
        let origin = format!("Origin: http://{host}\r\n");
        assert_eq!(by_name(&keyed, "localhost", &format!("{key}{origin}")).0, 200, "{host}");
        assert_eq!(by_name(&open, "core", &origin).0, 403, "{host}");
    }
}

#[test]
fn http2_can_be_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (setting, spoken) in [("true", true), ("false", false)] {
        let mut command = program(folder.path());
        command.args(["start", "--port=0", "--database-url", "sqlite::memory:"]).env("SUPERTOKENS_HTTP2", setting);
        let server = Server::start_with(&mut command);
        let mut stream = server.connect();
        stream.write_all(preface).unwrap();
        // SETTINGS is the first frame of a server that speaks it.
        let mut frame = [0; 9];
        let read = stream.read_exact(&mut frame).is_ok() && frame[3] == 4;
        assert_eq!(read, spoken);
        assert_eq!(server.get("/hello").0, 200);
    }
}

/// The program under a limit on open files, as a shell sets it.
#[test]
fn the_limit_on_open_files_is_raised_and_heeded() {
    let folder = tempfile::tempdir().unwrap();
    let own = program(folder.path());
    let mut command = Command::new("sh");
    command.env_clear().current_dir(folder.path()).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    command.args(["-c", "ulimit -Sn 256 && ulimit -Hn 2048 && exec \"$0\" \"$@\""]).arg(own.get_program());
    command.args(["start", "--port=0", "--database-url", "sqlite::memory:"]).env("ERROR_LOG_PATH", "error.log");
    let server = Server::start_with(&mut command);
    assert_eq!(server.get("/hello").0, 200);
    let log = std::fs::read_to_string(folder.path().join("error.log")).unwrap();
    assert!(log.contains("may have 2048 files open, so at most 1952 connections are taken instead of 10000"), "{log}");
    if let Ok(limits) = std::fs::read_to_string(format!("/proc/{}/limits", server.child.id())) {
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(line.split_whitespace().nth(3), Some("2048"), "{line}");
    }
    // Callers above the soft limit of before.
    let many: Vec<TcpStream> = (0..300).map(|_| server.connect()).collect();
    assert_eq!(server.get("/hello").0, 200);
    drop(many);
}

//! The program as a person meets it: started as a process, asked over sockets, stopped by signals.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is how a test fails")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

#[path = "program/attack.rs"]
mod attack;
#[path = "program/dashboard_user.rs"]
mod dashboard_user;
#[path = "program/http.rs"]
mod http;
#[path = "program/signals.rs"]
mod signals;
#[path = "program/transfer.rs"]
mod transfer;

use supertokens::session::{NewSession, SessionRecipe, VerifyOptions};
use supertokens::{AppInfo, Core, Error, SuperTokens};

/// The program with nothing but these settings: no variable of the test's own environment reaches it.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    command.env_clear().current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A start that must not succeed: its exit code and its complaint. One that does succeed is killed, not waited for.
fn refused(command: &mut Command) -> (Option<i32>, String) {
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while stdout.read_line(&mut line).unwrap() > 0 {
        if line.contains("Started SuperTokens") {
            let _ = child.kill();
        }
    }
    assert!(!line.contains("Started SuperTokens"), "{line}");
    let output = child.wait_with_output().unwrap();
    (output.status.code(), err(&output))
}

/// A running server, killed with the test if it has not been stopped.
struct Server {
    child: Child,
    port: u16,
    /// What it said until it was ready.
    lines: Vec<String>,
    rest: BufReader<ChildStdout>,
}

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(program(folder).args(["start", "--port", "0"]).args(arguments))
    }

    fn start_with(command: &mut Command) -> Self {
        // Nobody reads its errors while it runs.
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let rest = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, port: 0, lines: Vec::new(), rest };
        while server.port == 0 {
            let mut line = String::new();
            assert_ne!(server.rest.read_line(&mut line).unwrap(), 0, "ended before it was ready: {:?}", server.lines);
            if let Some(started) = line.strip_prefix("Started SuperTokens on ") {
                let (at, pid) = started.trim_end().split_once(" with PID: ").unwrap();
                assert_eq!(pid, server.child.id().to_string());
                server.port = at.rsplit_once(':').unwrap().1.parse().unwrap();
            }
            server.lines.push(line.trim_end().to_owned());
        }
        server
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// One request on a connection of its own: status, head and body.
    fn ask(&self, request: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status: {text}"));
        (status, head.to_lowercase(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    fn post(&self, path: &str, body: &str) -> (u16, String, String) {
        let length = body.len();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Tells it to stop and waits for its end: the exit code and what it said after its start.
    fn stop(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        let mut rest = String::new();
        self.rest.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_starts_on_a_file_answers_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let file = folder.path().canonicalize().unwrap().join("supertokens.db");
    assert!(
        server.lines.iter().any(|line| line.starts_with("Database: ") && line.contains(&file.display().to_string())),
        "{:?}",
        server.lines
    );
    assert!(file.exists());

    let (status, head, body) = server.get("/hello");
    assert_eq!((status, body.as_str()), (200, "Hello\n"));
    assert!(head.contains("content-type: text/plain;charset=utf-8"), "{head}");
    assert_eq!(server.get("/livez").0, 200);
    assert_eq!(server.get("/readyz/").2, "OK\n");

    let created =
        server.post("/recipe/session", r#"{"userId":"u","userDataInJWT":{},"userDataInDatabase":{},"enableAntiCsrf":false}"#);
    assert_eq!(created.0, 200, "{}", created.2);
    assert!(created.2.starts_with(r#"{"session":{"handle":""#), "{}", created.2);

    assert_eq!(server.post("/recipe/signup", r#"{"email":"a@x","password":"p"}"#).0, 200);
    for (email, password) in [("a@x", "p"), ("a@x", "q"), ("nobody@x", "p")] {
        assert_eq!(server.post("/recipe/signin", &format!(r#"{{"email":"{email}","password":"{password}"}}"#)).0, 200);
    }
    let (status, head, metrics) = server.get("/metrics");
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/openmetrics-text"), "{head}");
    for line in [
        r#"supertokens_requests_total{operation="/hello",method="GET",status="200"} 1"#,
        r#"supertokens_request_duration_seconds_count{operation="/recipe/session",method="POST"} 1"#,
        "supertokens_sessions_created_total 1",
        "supertokens_sessions_refreshed_total 0",
        "supertokens_thefts_detected_total 0",
        "supertokens_signing_keys_created_total 1",
        "supertokens_database_trips_total ",
        r#"supertokens_sign_ups_total{recipe="emailpassword"} 1"#,
        r#"supertokens_sign_ups_total{recipe="thirdparty"} 0"#,
        r#"supertokens_sign_ins_total{recipe="emailpassword",outcome="ok"} 1"#,
        r#"supertokens_sign_ins_total{recipe="emailpassword",outcome="refused"} 2"#,
        r#"supertokens_job_failures_total{job="backfill users"} 0"#,
        r#"supertokens_password_hashes_total{algorithm="bcrypt"} 4"#,
        r#"supertokens_password_hashes_refused_total{algorithm="argon2"} 0"#,
        r#"supertokens_password_hashes_left_total{algorithm="firebase_scrypt"} 0"#,
        r#"supertokens_password_hash_wait_seconds_total{algorithm="argon2"} 0.0"#,
        r#"supertokens_password_hashes_waiting{algorithm="bcrypt"} 0"#,
        r#"supertokens_password_hashes_running{algorithm="argon2"} 0"#,
        "supertokens_process_start_time_seconds ",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    for path in ["/livez", "/readyz", "/hello", "/"] {
        for method in ["HEAD", "OPTIONS"] {
            let (status, head, _) = server.ask(&format!("{method} {path} HTTP/1.0\r\n\r\n"));
            assert_eq!(status, 200, "{method} {path}");
            assert!(head.contains("x-content-type-options: nosniff") && head.contains("content-security-policy: "), "{head}");
        }
    }
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("path=\"/recipe/session\""), "{log}");
    assert!(log.contains("status=200") && log.contains("stopped"), "{log}");
}

#[test]
fn a_request_that_runs_is_finished_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut stream = server.connect();
    let body = r#"{"userId":"u","userDataInJWT":{},"userDataInDatabase":{},"enableAntiCsrf":false}"#;
    let head = "POST /recipe/session HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n";
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes()).unwrap();
    // The server asks for the body: now the request is known to run.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal("TERM");
    // The log line says that no new connections are taken.
    let mut server = server;
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert_ne!(server.rest.read_line(&mut line).unwrap(), 0);
    }
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_second_start_on_the_same_file_says_that_it_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (code, said) = refused(program(folder.path()).args(["start", "--port", "0"]));
    assert_eq!(code, Some(1));
    assert!(said.contains("supertokens.db is in use"), "{said}");
    // The doctor says the same without calling it a fault.
    let doctor = output(folder.path(), &["doctor"]);
    assert_eq!(doctor.status.code(), Some(0), "{}", out(&doctor));
    assert!(out(&doctor).contains("in use by a running core"), "{}", out(&doctor));
    assert_eq!(server.stop().0, Some(0));
    // Afterwards it is free again, with what was in it.
    assert_eq!(Server::start(folder.path(), &[]).stop().0, Some(0));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, said) = refused(program(folder.path()).args(["start", "--host", "127.0.0.1", "--port", &port]));
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("127.0.0.1:{port} is in use by another program")), "{said}");
    assert!(!folder.path().join("supertokens.db").exists());
}

#[test]
fn a_bad_configuration_is_refused_with_all_its_problems() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "access_token_validity: 0\nrefresh_token_valdity: 5\napi_keys: hunter2\nlog_level: LOUD\n";
    std::fs::write(folder.path().join("config.yaml"), yaml).unwrap();
    let mut command = program(folder.path());
    command
        .args(["start", "--port", "0"])
        .env("TOTP_MAX_ATTEMPTS", "many")
        .env("SUPERTOKENS_DATABASE_URL", "mysql://u:hunter2@h/d");
    let (code, said) = refused(&mut command);
    assert_eq!(code, Some(1));
    for part in [
        "the configuration has 6 problems",
        "'access_token_validity' must be between 1 and 86400000 seconds inclusive. The config file can be found here: /",
        "key access_token_validity, value 0, file /",
        "allowed: 1 to 86400000 seconds",
        "did you mean refresh_token_validity?",
        "One of the API keys is too short",
        "key log_level, value LOUD",
        "'totp_max_attempts' must be of type int",
        "value many, environment variable TOTP_MAX_ATTEMPTS",
        "key database_url, value (hidden), environment variable SUPERTOKENS_DATABASE_URL",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!folder.path().join("supertokens.db").exists());
    for command in ["doctor", "config", "migrate", "healthcheck"] {
        assert_eq!(output(folder.path(), &[command]).status.code(), Some(1), "{command}");
    }
}

#[test]
fn a_named_file_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = refused(program(folder.path()).args(["start", "--config", "missing.yaml"]));
    assert_eq!(code, Some(1));
    assert!(said.contains("missing.yaml cannot be read"), "{said}");
}

#[test]
fn health_is_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(program(folder.path()).args(["start", "--port=0"]).env("BASE_PATH", "/auth/"));
    let port = server.port.to_string();
    let ask = || program(folder.path()).args(["healthcheck", "--port", &port]).env("BASE_PATH", "/auth/").output().unwrap();
    assert_eq!(ask().status.code(), Some(0), "{}", err(&ask()));
    assert_eq!(
        (server.get("/auth/livez").0, server.get("/livez").0, server.get("/auth/hello").2.as_str()),
        (200, 404, "Hello\n")
    );
    // Without the base path it asks something else, which is not there.
    assert_eq!(output(folder.path(), &["healthcheck", "--port", &port]).status.code(), Some(1));
    assert_eq!(server.stop().0, Some(0));
    assert_eq!(ask().status.code(), Some(1));
}

#[test]
fn the_doctor_looks_at_a_database_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = output(folder.path(), &["doctor"]);
    assert_eq!(first.status.code(), Some(0), "{}", out(&first));
    assert!(out(&first).contains("is not there yet"), "{}", out(&first));
    assert!(!folder.path().join("supertokens.db").exists());
    assert_eq!(Server::start(folder.path(), &[]).stop().0, Some(0));
    let second = output(folder.path(), &["doctor"]);
    assert_eq!(second.status.code(), Some(0), "{}", out(&second));
    for line in [
        "ok     configuration: no file",
        "ok     database: ",
        "ok     schema: up to date",
        "ok     writing: allowed",
        "ok     keys: ",
        "ok     clock: ",
        "ok     clock of the database: the same machine's",
    ] {
        assert!(out(&second).contains(line), "{line} is not in\n{}", out(&second));
    }
    let gone = output(folder.path(), &["doctor", "--database-url", "postgresql://u:hunter2@127.0.0.1:1/d"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(out(&gone).contains("wrong  database: postgresql://u:***@127.0.0.1:1/d"), "{}", out(&gone));
    assert!(!out(&gone).contains("hunter2") && !err(&gone).contains("hunter2"));
}

#[test]
fn the_effective_configuration_has_sources_and_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), "host: 127.0.0.1\napi_keys: hunter2hunter2hunter2\n").unwrap();
    let mut command = program(folder.path());
    command
        .args(["config", "--port", "99"])
        .env("ACCESS_TOKEN_VALIDITY", "7")
        .env("POSTGRESQL_USER", "u")
        .env("POSTGRESQL_PASSWORD", "hunter2");
    let config = command.output().unwrap();
    assert_eq!(config.status.code(), Some(0), "{}", err(&config));
    let said = out(&config);
    for line in [
        "# database: postgresql://u:***@localhost:5432/supertokens",
        "port: 99  # flag --port",
        "access_token_validity: \"7\"  # environment variable ACCESS_TOKEN_VALIDITY",
        "api_keys: (hidden)  # file /",
        "refresh_token_validity: 144000  # default",
    ] {
        assert!(said.contains(line), "{line} is not in\n{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn migrations_can_be_read_before_they_run() {
    let folder = tempfile::tempdir().unwrap();
    let plan = output(folder.path(), &["migrate", "--plan"]);
    assert_eq!(plan.status.code(), Some(0), "{}", err(&plan));
    assert!(out(&plan).to_uppercase().contains("CREATE TABLE"), "{}", out(&plan));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a plan makes no file");
    let run = output(folder.path(), &["migrate"]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let again = output(folder.path(), &["migrate", "--plan"]);
    assert!(out(&again).contains("is up to date") && !out(&again).contains("CREATE"), "{}", out(&again));
}

#[test]
fn completions_version_and_help_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let completions = output(folder.path(), &["completions", shell]);
        assert_eq!(completions.status.code(), Some(0));
        assert!(out(&completions).contains("healthcheck"), "{shell}");
    }
    let version = output(folder.path(), &["--version"]);
    assert_eq!(out(&version), format!("supertokens {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(output(folder.path(), &[]).status.code(), Some(2));
    let help = out(&output(folder.path(), &["start", "--help"]));
    assert!(
        help.contains("--test-mode") && help.contains("SUPERTOKENS_DATABASE_URL") && !help.contains("--with-space"),
        "{help}"
    );
    assert!(help.contains("POSTGRESQL_PASSWORD_FILE") && !help.contains("PASSWORD@"), "{help}");
}

#[test]
fn the_test_mode_is_warned_about_and_logs_can_be_json_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    command.args(["start", "--port=0", "--test-mode", "--foreground"]);
    command.env("USE_STRUCTURED_LOGGING", "true").env("INFO_LOG_PATH", "info.log").env("ERROR_LOG_PATH", "error.log");
    command.env("ACCESS_TOKEN_DYNAMIC_SIGNING_KEY_UPDATE_INTERVAL", "0.001");
    let server = Server::start_with(&mut command);
    let secret = "hunter2.hunter2";
    let named = format!(
        "GET /hello?token={secret} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine-1\r\napi-key: {secret}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(server.ask(&named).0, 200);
    assert_eq!(server.stop().0, Some(0));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (info, error) = (read("info.log"), read("error.log"));
    assert!(error.contains("test mode"), "{error}");
    assert!(!info.contains("hunter2") && !error.contains("hunter2"));
    let line = info.lines().find(|line| line.contains("/hello")).unwrap_or_else(|| panic!("{info}"));
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (line["status"].as_u64(), line["method"].as_str(), line["path"].as_str()),
        (Some(200), Some("GET"), Some("/hello"))
    );
    assert_eq!(line["span"]["id"].as_str(), Some("mine-1"));
    assert!(info.contains("--foreground is a flag of the Java core"), "{info}");
}

#[test]
fn connections_are_kept_and_may_be_pipelined() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--database-url", "sqlite::memory:"]);
    let mut stream = server.connect();
    let request = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(format!("{request}{request}").as_bytes()).unwrap();
    let last = "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(last.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("Hello\n").count(), 3, "{text}");
}

#[tokio::test]
async fn http2_is_spoken_in_clear_text_by_those_who_know() {
    use http_body_util::{BodyExt as _, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--database-url", "sqlite::memory:"]);
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let ask = |path: &str| ::http::Request::get(format!("http://localhost{path}")).body(Full::new(bytes::Bytes::new())).unwrap();
    let (first, second) = tokio::join!(sender.clone().send_request(ask("/hello")), sender.send_request(ask("/no/such/path")));
    let first = first.unwrap();
    assert_eq!((first.status().as_u16(), first.version()), (200, ::http::Version::HTTP_2));
    assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), "Hello\n");
    assert_eq!(second.unwrap().status().as_u16(), 404);
}

#[test]
fn it_lives_while_it_waits_for_its_database() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut command = program(folder.path());
    command.args(["start", "--host=127.0.0.1", "--port", &port.to_string(), "--database-url", "postgresql://u@127.0.0.1:1/d"]);
    let mut child = command.spawn().unwrap();
    let (rest, mut log) = (BufReader::new(child.stdout.take().unwrap()), BufReader::new(child.stderr.take().unwrap()));
    let server = Server { child, port, lines: Vec::new(), rest };
    let mut line = String::new();
    while !line.contains("the database cannot be reached") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "ended instead of waiting");
    }
    for (path, status) in [("/livez", 200), ("/livez/", 200), ("/readyz", 503), ("/hello", 503), ("/metrics", 503)] {
        assert_eq!(server.get(path).0, status, "{path}");
    }
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn addresses_that_are_not_let_in_see_no_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(program(folder.path()).args(["start", "--port=0"]).env("IP_DENY_REGEX", r"127\..*"));
    assert_eq!((server.get("/metrics").0, server.get("/hello").0), (403, 403));
    assert_eq!((server.get("/livez").0, server.get("/readyz").0), (200, 200));
}

/// An application with our SDK keeps its sessions while its core is away, and goes on with the one that comes back.
#[tokio::test]
async fn an_application_outlives_its_core() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let port = server.port.to_string();
    let app = AppInfo::new("test").api_domain("http://localhost:3001").website_domain("http://localhost:3000");
    let engine = SuperTokens::builder(app).core(Core::remote(format!("http://localhost:{port}"))).recipe(SessionRecipe::new());
    let engine = engine.build().await.unwrap();
    let session = engine.create_new_session(NewSession::of("anna")).await.unwrap();
    let refresh_token = session.all_session_tokens_dangerously().refresh_token.unwrap();
    let locally = VerifyOptions::new().anti_csrf_check(false);
    let with_core = locally.clone().check_database();
    let check = async |options: &VerifyOptions| engine.get_session(session.access_token(), None, options).await;
    assert!(check(&locally).await.unwrap().is_some() && check(&with_core).await.unwrap().is_some());

    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(check(&locally).await.unwrap().is_some(), "checking a signature needs no core");
    // Nothing that would make a browser forget its tokens.
    for refused in [
        check(&with_core).await.err(),
        engine.refresh_session(refresh_token.clone(), true, None).await.err(),
        engine.create_new_session(NewSession::of("bert")).await.err(),
    ] {
        assert!(matches!(refused, Some(Error::Core(_))), "{refused:?}");
    }

    let server = Server::start_with(program(folder.path()).args(["start", "--port", &port]));
    assert_eq!(server.port.to_string(), port);
    assert!(check(&with_core).await.unwrap().is_some());
    let refreshed = engine.refresh_session(refresh_token, true, None).await.unwrap();
    assert_eq!(refreshed.handle(), session.handle());
}

#[test]
fn an_import_that_is_killed_ends_as_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    transfer::killed_imports_end_as_others_do(&url("undisturbed.db"), &url("killed.db"));
}

#[test]
fn who_leaves_comes_back_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) =
        (format!("sqlite:{}/one.db", folder.path().display()), format!("sqlite:{}/other.db", folder.path().display()));
    let with = |url: &str, arguments: &[&str]| {
        program(folder.path()).env("SUPERTOKENS_DATABASE_URL", url).args(arguments).output().unwrap()
    };
    let user = r#"[{"externalUserId":"e","userMetadata":{"a":[1.0,null]},"totpDevices":[{"secretKey":"MFRGGZDF","period":60,"skew":2}],
        "loginMethods":[{"recipeId":"emailpassword","email":"a@x.io","plainTextPassword":"p","isPrimary":true,"isVerified":true,
        "timeJoinedInMSSinceEpoch":7},{"recipeId":"thirdparty","email":"b@x.io","thirdPartyId":"google","thirdPartyUserId":"g",
        "timeJoinedInMSSinceEpoch":3}]}, {"loginMethods":[{"recipeId":"passwordless","phoneNumber":"+442071838750"}]}]"#;
    std::fs::write(folder.path().join("users.json"), user).unwrap();
    let imported = with(&one, &["import", "users.json"]);
    assert_eq!((imported.status.code(), out(&imported).as_str()), (Some(0), "2 users imported\n"), "{}", err(&imported));
    assert!(with(&one, &["export", "out.jsonl", "--with-secrets"]).status.success());
    let there = with(&one, &["export", "out.jsonl"]);
    assert_eq!(there.status.code(), Some(1), "a file that is there is not overwritten");
    assert_eq!(with(&other, &["import", "out.jsonl"]).status.code(), Some(0));
    assert!(with(&other, &["export", "again.jsonl", "--with-secrets"]).status.success());
    let read = |name: &str| {
        let mut lines: Vec<String> =
            std::fs::read_to_string(folder.path().join(name)).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(read("out.jsonl"), read("again.jsonl"));
    assert!(read("out.jsonl").concat().contains("MFRGGZDF") && read("out.jsonl").concat().contains("\"passwordHash\":\"$2a$"));
    let plain = with(&one, &["export", "-"]);
    assert!(!out(&plain).contains("MFRGGZDF") && !out(&plain).contains("passwordHash") && err(&plain).contains("--with-secrets"));
}

#[test]
fn an_import_beside_a_running_core_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--database-url", "sqlite:users.db"]);
    std::fs::write(folder.path().join("users.jsonl"), "{}\n").unwrap();
    let refused = output(folder.path(), &["import", "--database-url", "sqlite:users.db", "users.jsonl"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("POST /bulk-import/users"), "{}", err(&refused));
    assert_eq!(server.get("/hello").0, 200);
    let missing = output(folder.path(), &["import", "--database-url", "sqlite::memory:", "nothing.jsonl"]);
    assert!(err(&missing).contains("nothing.jsonl cannot be read"), "{}", err(&missing));
}

//! `supertokens dashboard-user`: the first people of a new installation, and what it says when that cannot be.
#![allow(clippy::indexing_slicing, reason = "tests")]

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Server, err, out, output, program};

const PASSWORD: &str = "testPass123";

/// With this on standard input.
fn piped(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = program(folder).arg("dashboard-user").args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    // One that complains first does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn sign_in(server: &Server, email: &str, password: &str) -> String {
    let body = format!(r#"{{"email":"{email}","password":"{password}"}}"#);
    let (status, _, said) = server.post("/recipe/dashboard/signin", &body);
    assert_eq!(status, 200, "{said}");
    said
}

#[test]
fn a_new_installation_needs_no_core_for_its_first_person() {
    let folder = tempfile::tempdir().unwrap();
    let added = piped(folder.path(), &["add", " Ops@Example.com "], &format!("{PASSWORD}\n"));
    assert_eq!((added.status.code(), out(&added).as_str()), (Some(0), "ops@example.com may sign in to the dashboard\n"));
    assert_eq!(err(&added), "");
    std::fs::write(folder.path().join("password"), "another12\r\n").unwrap();
    let added = output(folder.path(), &["dashboard-user", "add", "b@example.com", "--password-file", "password"]);
    assert_eq!(added.status.code(), Some(0), "{}", err(&added));

    let listed = output(folder.path(), &["dashboard-user", "list"]);
    let lines: Vec<String> = out(&listed).lines().map(str::to_owned).collect();
    let id = |line: &str, email: &str| line.strip_prefix(&format!("{email}\t")).map(str::len);
    assert_eq!(
        (id(&lines[0], "ops@example.com"), id(&lines[1], "b@example.com"), lines.len()),
        (Some(36), Some(36), 2),
        "{lines:?}"
    );

    let server = Server::start(folder.path(), &[]);
    assert!(sign_in(&server, "ops@example.com", PASSWORD).starts_with(r#"{"status":"OK","sessionId":""#));
    assert!(sign_in(&server, "b@example.com", "another12").starts_with(r#"{"status":"OK""#));
    assert_eq!(server.stop().0, Some(0));

    let removed = output(folder.path(), &["dashboard-user", "remove", "OPS@example.com"]);
    assert_eq!((removed.status.code(), out(&removed).contains("may not sign in")), (Some(0), true), "{}", err(&removed));
    let again = output(folder.path(), &["dashboard-user", "remove", "ops@example.com"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("nobody has the address ops@example.com"), "{}", err(&again));
    let server = Server::start(folder.path(), &[]);
    assert_eq!(sign_in(&server, "ops@example.com", PASSWORD), "{\"status\":\"INVALID_CREDENTIALS_ERROR\"}\n");
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn each_app_has_people_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let body = r#"{"appId":"a1","coreConfig":{}}"#;
    let length = body.len();
    let made = server.ask(&format!(
        "PUT /recipe/multitenancy/app/v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    assert_eq!(made.0, 200, "{}", made.2);
    assert_eq!(server.stop().0, Some(0));
    let added = piped(folder.path(), &["add", "a@example.com", "--app", "A1"], PASSWORD);
    assert_eq!(added.status.code(), Some(0), "{}", err(&added));
    assert_eq!(out(&output(folder.path(), &["dashboard-user", "list"])), "");
    assert!(out(&output(folder.path(), &["dashboard-user", "list", "--app=a1"])).starts_with("a@example.com\t"));
    let nowhere = piped(folder.path(), &["add", "a@example.com", "--app", "ghost"], PASSWORD);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(err(&nowhere).contains("combination not found: (, ghost, public)"), "{}", err(&nowhere));
}

#[test]
fn what_cannot_be_is_said_and_makes_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x1".repeat(3_000);
    for (arguments, input, said) in [
        (vec!["add", "a@b"], PASSWORD, "a@b is no e-mail address"),
        (vec!["add", "a@b.co"], "short1", "Password must contain at least 8 characters, including a number"),
        (vec!["add", "a@b.co"], "  testPas  ", "Password must contain at least 8 characters"),
        (vec!["add", "a@b.co"], "12345678", "at least one alphabet"),
        (vec!["add", "a@b.co"], "", "standard input holds no password"),
        (vec!["add", "a@b.co"], "testPass123\nand more\n", "standard input holds more than one line"),
        (vec!["add", "a@b.co"], long.as_str(), "standard input holds more than a password"),
        (vec!["add", "a@b.co", "--password-file", "missing"], "", "missing cannot be read"),
        (vec!["add", "a@b.co", "--database-url", "sqlite::memory:"], PASSWORD, "a database in memory is within the core"),
        (vec!["add", "a@b.co", "--config", "missing.yaml"], PASSWORD, "missing.yaml cannot be read"),
        (vec!["list"], "", "supertokens.db is not there, so there is nobody yet"),
        (vec!["remove", "a@b.co"], "", "supertokens.db is not there, so there is nobody yet"),
    ] {
        let output = piped(folder.path(), &arguments, input);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""), "{arguments:?}");
        assert!(err(&output).starts_with("supertokens: ") && err(&output).contains(said), "{arguments:?}: {}", err(&output));
        assert!(input.is_empty() || !err(&output).contains(input.trim()), "a password is not repeated");
    }
    assert!(!folder.path().join("supertokens.db").exists());
    // A password is no argument.
    for arguments in [vec!["add", "a@b.co", PASSWORD], vec!["add", "a@b.co", "--password", PASSWORD], vec!["add"], vec![]] {
        assert_eq!(piped(folder.path(), &arguments, "").status.code(), Some(2), "{arguments:?}");
    }
    let help = output(folder.path(), &["dashboard-user", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    for part in ["add", "list", "remove", "Exit codes: 0", "standard error", "remove the person and add them again"] {
        assert!(out(&help).contains(part), "{part} is not in {}", out(&help));
    }
    assert!(out(&output(folder.path(), &["dashboard-user", "add", "--help"])).contains("--password-file <FILE>"));
    let added = piped(folder.path(), &["add", "a@b.co"], PASSWORD);
    assert_eq!(added.status.code(), Some(0), "{}", err(&added));
    let twice = piped(folder.path(), &["add", "A@B.CO"], "another12");
    assert_eq!(twice.status.code(), Some(1));
    assert!(err(&twice).contains("a@b.co may sign in already"), "{}", err(&twice));
}

#[test]
fn a_core_that_has_the_file_is_named_and_how_to_ask_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    for arguments in [vec!["add", "a@b.co"], vec!["list"], vec!["remove", "a@b.co"]] {
        let mut command = program(folder.path());
        command.arg("dashboard-user").args(&arguments).env("SUPERTOKENS_PORT", server.port.to_string()).env("BASE_PATH", "/base");
        let mut child = command.env("API_KEYS", "a-key-that-is-secret").stdin(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(PASSWORD.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        for part in [
            "supertokens.db is in use by a running core",
            "Stop that core, do this again and start it",
            &format!("at port {} below /base: POST with the header `api-key`", server.port),
            "/recipe/dashboard/user",
        ] {
            assert!(err(&output).contains(part), "{part} is not in {}", err(&output));
        }
        assert!(!err(&output).contains("a-key-that-is-secret") && !err(&output).contains(PASSWORD));
    }
    assert_eq!(server.stop().0, Some(0));
}

/// A terminal, and what types there.
struct Terminal {
    keys: File,
    screen: File,
}

impl Terminal {
    fn open() -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let screen = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        Self { keys: keys.into(), screen }
    }

    /// Types an answer to each prompt of the program, when that has come. What the program said, and what the terminal showed.
    fn run(mut self, folder: &Path, answers: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let mut command = program(folder);
        command.args(["dashboard-user", "add", "a@b.co"]).stdin(self.screen.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        for (prompt, answer) in answers {
            while !said.ends_with(prompt) {
                let mut byte = [0];
                assert_eq!(words.read(&mut byte).unwrap(), 1, "{said}");
                said.push(char::from(byte[0]));
            }
            self.keys.write_all(answer.as_bytes()).unwrap();
        }
        words.read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        // Now it shows what is typed again, and so there is something to be read.
        self.keys.write_all(b"seen\n").unwrap();
        let mut shown = String::new();
        while !shown.contains("seen") {
            let mut bytes = [0; 256];
            let n = self.keys.read(&mut bytes).unwrap();
            shown.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
        drop(self.screen);
        (status.code(), said, shown)
    }
}

#[test]
fn a_terminal_asks_twice_and_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = ("Password for a@b.co: ", "The same again: ");
    let (code, said, shown) = Terminal::open().run(folder.path(), &[(first, "testPass123\n"), (second, "testPass124\n")]);
    assert_eq!((code, said.contains("these were two different passwords")), (Some(1), true), "{said}");
    assert!(!shown.contains("testPass") && !said.contains("testPass"), "{shown}{said}");
    // Ctrl-C leaves the terminal as it was.
    let (code, said, shown) = Terminal::open().run(folder.path(), &[(first, "test\u{3}\n")]);
    assert_eq!((code, said.contains("nothing was done"), shown.contains("test")), (Some(1), true, false), "{said}{shown}");
    assert!(!folder.path().join("supertokens.db").exists());
    let (code, said, shown) = Terminal::open().run(folder.path(), &[(first, "testPass123\n"), (second, "testPass123\n")]);
    assert_eq!((code, shown.contains("testPass")), (Some(0), false), "{said}");
    let server = Server::start(folder.path(), &[]);
    assert!(sign_in(&server, "a@b.co", PASSWORD).starts_with(r#"{"status":"OK""#));
    assert_eq!(server.stop().0, Some(0));
}

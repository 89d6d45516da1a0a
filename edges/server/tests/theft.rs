//! What does the log say of a refresh token that came too late? Time is the world's own here, so the window has no length: the first
//! repeat in another millisecond than the rotation is one too late.
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn post(port: u16, path: &str, body: &Value) -> Value {
    let (body, mut stream) = (body.to_string(), TcpStream::connect(("127.0.0.1", port)).unwrap());
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_repeat_that_is_too_late_is_told_with_its_age_and_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    command.env_clear().current_dir(folder.path()).args(["start", "--port=0"]).stdout(Stdio::piped());
    command.env("ERROR_LOG_PATH", "error.log").env("REFRESH_TOKEN_ROTATION_GRACE_PERIOD", "0");
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started =
        lines.find_map(|line| line.unwrap().strip_prefix("Started SuperTokens on localhost:").map(str::to_owned)).unwrap();
    let port: u16 = started.split(' ').next().unwrap().parse().unwrap();

    let new = json!({ "userId": "u", "enableAntiCsrf": false, "userDataInJWT": {}, "userDataInDatabase": {} });
    let made = post(port, "/recipe/session", &new);
    let refresh = json!({
        "refreshToken": made["refreshToken"]["token"], "enableAntiCsrf": false, "useDynamicSigningKey": true
    });
    let begun = Instant::now();
    let theft = loop {
        let answer = post(port, "/recipe/session/refresh", &refresh);
        if answer["status"] != "OK" || begun.elapsed() > Duration::from_secs(20) {
            break answer;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((&theft["status"], &theft["recentTokenReuseSubtype"]), (&json!("TOKEN_THEFT_DETECTED"), &json!("RECENT_PREV")));
    let log = std::fs::read_to_string(folder.path().join("error.log")).unwrap();
    let line = log.lines().find(|line| line.contains("a refresh token was used again")).unwrap_or_else(|| panic!("{log}"));
    for words in [
        " WARN ",
        " s after it was replaced",
        "refresh_token_rotation_grace_period (0 s)",
        "a longer period (up to 300 s)",
        "subtype=\"RECENT_PREV\"",
        &format!("handle={}", made["session"]["handle"].as_str().unwrap()),
    ] {
        assert!(line.contains(words), "{words} is not in {line}");
    }
}

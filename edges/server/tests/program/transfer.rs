//! Users come from a file, and leave: whoever kills an import finds nobody twice and nobody missing.
#![allow(clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const HASH: &str = "$2a$04$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG";

fn command(folder: &Path, url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    command.env_clear().env("SUPERTOKENS_DATABASE_URL", url).current_dir(folder).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(folder: &Path, url: &str, arguments: &[&str]) -> Output {
    command(folder, url, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// So many users, some of them linked, and a broken line now and then.
fn users(count: usize) -> String {
    let mut lines = String::new();
    for n in 0..count {
        let primary = n % 3 == 0;
        writeln!(
            lines,
            "{{\"externalUserId\":\"ext{n}\",\"userMetadata\":{{\"n\":{n}}},\"loginMethods\":[{{\"recipeId\":\"emailpassword\",\
             \"email\":\"u{n}@x.io\",\"passwordHash\":\"{HASH}\",\"hashingAlgorithm\":\"bcrypt\",\"isPrimary\":{primary},\
             \"isVerified\":true,\"timeJoinedInMSSinceEpoch\":{n}}},{{\"recipeId\":\"passwordless\",\"email\":\"p{n}@x.io\",\
             \"timeJoinedInMSSinceEpoch\":{n}}}]}}"
        )
        .unwrap();
        if n % 100 == 50 {
            lines.push_str("{\"broken\":\n");
        }
    }
    lines
}

/// All users of a database, in an order of their own.
fn all(folder: &Path, url: &str) -> Vec<String> {
    let exported = ended(folder, url, &["export", "-", "--with-secrets"]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let mut lines: Vec<String> = text(&exported.stdout).lines().filter(|line| line.starts_with('{')).map(shown).collect();
    lines.sort();
    lines
}

/// A user without the internal ids, which are made anew at each import: such login methods stand alone under them.
fn shown(line: &str) -> String {
    let mut user: serde_json::Value = serde_json::from_str(line).unwrap();
    if user["externalUserId"].as_str().is_some_and(|id| id.len() == 36) {
        user["externalUserId"] = serde_json::Value::Null;
    }
    user.to_string()
}

/// An import that is killed again and again ends as one that was not. Both databases are empty.
pub(super) fn killed_imports_end_as_others_do(undisturbed: &str, killed: &str) {
    const USERS: usize = 400;
    let kills = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3_usize);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users.jsonl"), users(USERS)).unwrap();
    let whole = ended(folder.path(), undisturbed, &["import", "users.jsonl"]);
    assert_eq!(whole.status.code(), Some(2), "{}{}", text(&whole.stdout), text(&whole.stderr));
    let said = text(&whole.stdout);
    assert!(said.contains(&format!("{USERS} users imported, 4 refused")), "{said}");
    let report = std::fs::read_to_string(folder.path().join("users.jsonl.refused.txt")).unwrap();
    assert!(report.starts_with("line 52: Invalid Json Input") && report.lines().count() == 4, "{report}");
    let mut done = 0;
    for n in 0..kills {
        let mut child = command(folder.path(), killed, &["import", "users.jsonl", "--report", "again.txt"]).spawn().unwrap();
        // Later from kill to kill, so that each of its stages is met.
        std::thread::sleep(Duration::from_millis(150 + 800 * n as u64 / kills as u64));
        if child.try_wait().unwrap().is_some() {
            done += 1;
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(done < kills, "no import was killed");
    let last = ended(folder.path(), killed, &["import", "users.jsonl", "--report", "again.txt"]);
    assert_eq!(last.status.code(), Some(2), "{}{}", text(&last.stdout), text(&last.stderr));
    assert_eq!(text(&last.stdout), said.replace("users.jsonl.refused.txt", "again.txt"));
    let (all_killed, all_whole) = (all(folder.path(), killed), all(folder.path(), undisturbed));
    assert_eq!(all_killed.len(), all_whole.len());
    assert!(all_killed == all_whole, "the users are not the same");
    // Once more, nothing happens; and from the beginning, nobody comes in twice.
    let again = ended(folder.path(), killed, &["import", "users.jsonl"]);
    assert_eq!(text(&again.stdout), said);
    let from_the_start = ended(folder.path(), killed, &["import", "users.jsonl", "--again", "--report", "twice.txt"]);
    assert!(text(&from_the_start.stdout).starts_with("0 users imported"), "{}", text(&from_the_start.stdout));
}

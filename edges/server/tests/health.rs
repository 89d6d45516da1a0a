//! Is what the program says of its health true? `/readyz`, the log, the numbers and the doctor, on files that were lost or are not
//! ours.
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use supertokens_testkit::program::{Caller, Program};

const SESSION: &str = r#"{"userId":"u","enableAntiCsrf":false,"userDataInJWT":{},"userDataInDatabase":{}}"#;

fn doctor(folder: &Path, url: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    command.env_clear().current_dir(folder).args(["doctor", "--database-url", url]).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The program on `core.db` in the folder, with its errors in `errors.log`.
async fn start(folder: &Path) -> (Program, Caller) {
    let log = folder.join("errors.log");
    std::fs::write(folder.join("config.yaml"), format!("error_log_path: {}\ninfo_log_path: {0}\n", log.display())).unwrap();
    let url = format!("sqlite:{}", folder.join("core.db").display());
    let program = Program::start_logging(env!("CARGO_BIN_EXE_supertokens").as_ref(), &url, folder, "INFO").unwrap();
    let caller = Caller::connect(program.port()).await.unwrap();
    (program, caller)
}

async fn ask(caller: &mut Caller, method: &str, path: &str, body: &str) -> (u16, String) {
    let (status, body) = caller.ask(method, path, body).await.unwrap();
    (status, String::from_utf8_lossy(body).into_owned())
}

/// Waits until the server is, or is not, ready.
async fn until(caller: &mut Caller, status: u16) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (found, body) = ask(caller, "GET", "/readyz", "").await;
        if found == status {
            return body;
        }
        assert!(Instant::now() < deadline, "{found} {body}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_lost_file_is_no_health_and_no_200() {
    let folder = tempfile::tempdir().unwrap();
    let (_program, mut caller) = start(folder.path()).await;
    assert_eq!(until(&mut caller, 200).await, "OK\n");
    assert_eq!(ask(&mut caller, "POST", "/recipe/session", SESSION).await.0, 200);
    let (file, away) = (folder.path().join("core.db"), folder.path().join("away.db"));
    std::fs::rename(&file, &away).unwrap();
    assert_eq!(ask(&mut caller, "POST", "/recipe/session", SESSION).await.0, 500);
    for _ in 0..20 {
        assert_eq!(until(&mut caller, 503).await, "the database does not take writes\n");
    }
    assert_eq!(ask(&mut caller, "GET", "/livez", "").await.0, 200);
    assert!(ask(&mut caller, "GET", "/metrics", "").await.1.contains("supertokens_database_takes_writes 0\n"));
    let log = std::fs::read_to_string(folder.path().join("errors.log")).unwrap();
    let told: Vec<_> = log.lines().filter(|line| line.contains("writes are not accepted")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told.iter().all(|line| line.contains("core.db") && line.contains("put it back")), "{told:?}");
    std::fs::rename(&away, &file).unwrap();
    until(&mut caller, 200).await;
    assert_eq!(ask(&mut caller, "POST", "/recipe/session", SESSION).await.0, 200);
    assert!(ask(&mut caller, "GET", "/metrics", "").await.1.contains("supertokens_database_takes_writes 1\n"));
}

#[tokio::test]
async fn what_was_deleted_with_an_app_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_program, mut caller) = start(folder.path()).await;
    let app = r#"{"appId":"gone","coreConfig":{"api_keys":"the-key-of-an-app-that-goes"}}"#;
    assert_eq!(ask(&mut caller, "PUT", "/recipe/multitenancy/app/v2", app).await.0, 200);
    let contains = || {
        let files = ["core.db", "core.db-wal"].map(|name| std::fs::read(folder.path().join(name)).unwrap_or_default());
        files.iter().any(|bytes| bytes.windows(27).any(|window| window == b"the-key-of-an-app-that-goes"))
    };
    assert!(contains());
    assert_eq!(ask(&mut caller, "POST", "/recipe/multitenancy/app/remove", r#"{"appId":"gone"}"#).await.0, 200);
    let deadline = Instant::now() + Duration::from_secs(30);
    while contains() {
        assert!(Instant::now() < deadline, "it is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_doctor_says_what_would_keep_a_core_from_writing() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("core.db");
    let at = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let (mut program, _) = start(folder.path()).await;
    program.kill().unwrap();
    program.wait().unwrap();
    let well = doctor(folder.path(), &at("core.db"));
    assert_eq!(well.status.code(), Some(0), "{}", said(&well));
    for line in [
        "ok     files: ",
        "core.db and what lies beside it can be read and written",
        "ok     writing: allowed",
        "ok     migration mode: MIGRATED, as on every SQLite database",
        "ok     passwords: ",
    ] {
        assert!(said(&well).contains(line), "{}", said(&well));
    }
    let wrong = |name: &str, words: &str| {
        let found = doctor(folder.path(), &at(name));
        assert_eq!(found.status.code(), Some(1), "{}", said(&found));
        assert!(said(&found).lines().any(|line| line.starts_with("wrong  files: ") && line.contains(words)), "{}", said(&found));
    };
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&file, 0o644);
    wrong("core.db", "chmod 600 keeps them out");
    mode(&file, 0o600);
    mode(folder.path(), 0o777);
    wrong("core.db", "chmod o-w keeps them out");
    mode(folder.path(), 0o700);
    std::os::unix::fs::symlink("nothing", folder.path().join("dangling.db")).unwrap();
    wrong("dangling.db", "leads to no file");
    wrong("no/such/folder.db", "make the folder first");
    std::os::unix::fs::symlink("nothing", folder.path().join("planted.db.lock")).unwrap();
    wrong("planted.db", "planted.db.lock is not a file");
    std::fs::hard_link(&file, folder.path().join("other.db")).unwrap();
    wrong("core.db", "has 2 names");
    std::fs::remove_file(folder.path().join("other.db")).unwrap();
    // What root may not do, and what everybody else may not: whoever runs this test sees one half of it.
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&file).unwrap()) == 0 {
        std::os::unix::fs::chown(&file, Some(65_534), None).unwrap();
        wrong("core.db", "neither the user of this process (0) nor root");
    } else {
        mode(&file, 0o400);
        wrong("core.db", "cannot be written by this process");
        mode(&file, 0o600);
        mode(folder.path(), 0o500);
        wrong("core.db", "cannot be written by this process");
        mode(folder.path(), 0o700);
    }
}

/// As whoever runs this test or, as root may write everywhere, as nobody.
#[cfg(unix)]
#[test]
fn a_start_where_nothing_may_be_written_ends_with_the_reason() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    let is_root = std::fs::metadata(folder.path()).unwrap().uid() == 0;
    let elsewhere = tempfile::tempdir().unwrap();
    let mut binary = Path::new(env!("CARGO_BIN_EXE_supertokens")).to_owned();
    if is_root {
        // Nobody may not be allowed to where it was built.
        std::fs::set_permissions(elsewhere.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let copy = elsewhere.path().join("supertokens");
        std::fs::copy(&binary, &copy).unwrap();
        binary = copy;
    }
    let program = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.env_clear().current_dir(folder.path()).args(arguments).args(["--database-url", "sqlite:core.db"]);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output().unwrap()
    };
    let mode = |path: &Path, mode| {
        if is_root {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let refused = || {
        let found = program(&["start", "--port=0"]);
        let text = String::from_utf8_lossy(&found.stderr).into_owned();
        assert_eq!(found.status.code(), Some(1), "{text}");
        assert!(text.contains("cannot be written by this process") && !text.contains("trying again"), "{text}");
        assert_eq!(program(&["doctor"]).status.code(), Some(1), "the doctor says so before");
    };
    mode(folder.path(), 0o500);
    refused();
    mode(folder.path(), 0o700);
    assert_eq!(program(&["migrate"]).status.code(), Some(0));
    let file = folder.path().join("core.db");
    mode(&file, 0o400);
    refused();
    mode(&file, 0o600);
    mode(folder.path(), 0o500);
    refused();
    mode(folder.path(), 0o700);
    assert_eq!(program(&["doctor"]).status.code(), Some(0));
}

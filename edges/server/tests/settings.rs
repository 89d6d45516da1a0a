//! Which settings does the program take, which does it refuse, and what does it say? Nothing is started that has to be waited for.
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// One run of the program with nothing but these variables: its exit code, and all that it said.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    command.env_clear().current_dir(folder).args(arguments).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// What `config` says about these variables, which it takes.
fn taken(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = run(folder.path(), &["config"], variables);
    assert_eq!(code, Some(0), "{said}");
    said
}

/// What `start` says about these variables, which it refuses at once; no file is made.
fn refused(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = run(folder.path(), &["start", "--port=0"], variables);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    said
}

#[test]
fn links_of_a_container_platform_are_no_settings() {
    let said = taken(&[
        ("SUPERTOKENS_PORT", "tcp://127.0.0.9:3567"),
        ("SUPERTOKENS_SERVICE_HOST", "127.0.0.9"),
        ("POSTGRESQL_PORT", "tcp://127.0.0.9:5432"),
        ("POSTGRESQL_SERVICE_HOST", "127.0.0.9"),
        ("POSTGRESQL_USER", "u"),
    ]);
    assert!(said.contains("port: 3567  # default") && said.contains("postgresql_port: 5432  # default"), "{said}");
    assert!(said.contains("# SUPERTOKENS_PORT is the address of a service"), "{said}");
    assert!(said.contains("# POSTGRESQL_PORT is the address of a service") && !said.contains("SERVICE_HOST"), "{said}");
}

#[test]
fn half_a_database_is_not_answered_with_a_file() {
    let said = refused(&[
        ("POSTGRESQL_HOST", "127.0.0.1"),
        ("POSTGRESQL_DATABASE_NAME", "auth"),
        ("POSTGRES_USER", "app"),
        ("POSTGRES_PASSWORD", "hunter2"),
    ]);
    for words in [
        "'postgresql_user' and 'postgresql_connection_uri' are not set",
        "postgresql_host (environment variable POSTGRESQL_HOST)",
        "POSTGRES_USER is not read; set POSTGRESQL_USER instead",
        "POSTGRES_PASSWORD is not read; set POSTGRESQL_PASSWORD instead",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    for (name, value) in
        [("DATABASE_URL", "postgres://u:hunter2@h/d"), ("PGHOST", "db"), ("POSTGRES_DB", "auth"), ("POSTGRESQL_USERNAME", "u")]
    {
        let said = refused(&[(name, value)]);
        assert!(said.contains(&format!("{name} is not read; set ")), "{said}");
    }
    assert!(taken(&[]).contains("# database: sqlite:/"));
    assert!(taken(&[("DATABASE_URL", "postgres://h/d"), ("SUPERTOKENS_DATABASE_URL", "sqlite:a.db")]).contains("/a.db\n"));
}

#[test]
fn an_address_is_taken_as_it_is_handed_out_or_refused_in_words() {
    for (address, place) in [
        ("postgres://u:hunter2@h/d", "postgresql://u:***@h:5432/d\n"),
        ("'postgresql://u:hunter2@h/d'", "postgresql://u:***@h:5432/d\n"),
        ("postgresql://u:hunter2@h/d\r\n", "postgresql://u:***@h:5432/d\n"),
        ("postgresql://u:hunter2@a:1,b:2/d", "postgresql://u:***@a:1,b:2/d\n"),
        ("jdbc:postgresql://h:1/d?user=u&password=hunter2", "postgresql://u:***@h:1/d\n"),
        ("postgresql:///d?host=/run/pg&user=u", "postgresql://u@%2Frun%2Fpg:5432/d\n"),
    ] {
        for name in ["SUPERTOKENS_DATABASE_URL", "POSTGRESQL_CONNECTION_URI"] {
            let said = taken(&[(name, address)]);
            assert!(said.contains(&format!("# database: {place}")) && !said.contains("hunter2"), "{address}: {said}");
        }
    }
    for (address, words) in [
        ("postgresql://u:hunter2/b@h/d", "%2F"),
        ("postgresql://u:hunter2%b@h/d", "%25"),
        ("postgresql+asyncpg://u:hunter2@h/d", "write postgresql://"),
        ("host=h password=hunter2", "key=value"),
    ] {
        for name in ["SUPERTOKENS_DATABASE_URL", "POSTGRESQL_CONNECTION_URI"] {
            let said = refused(&[(name, address)]);
            assert!(said.contains(words) && said.contains(&format!("environment variable {name}")), "{address}: {said}");
        }
    }
    assert!(taken(&[("SUPERTOKENS_DATABASE_URL", "sqlite://auth.db?mode=rwc")]).contains("/auth.db\n"));
    assert!(refused(&[("SUPERTOKENS_DATABASE_URL", "sqlite:auth.db?mode=ro")]).contains("mode=rwc"));
}

#[test]
fn a_file_of_an_older_core_is_taken_and_what_it_does_not_say_any_more_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("config.yaml"), text).unwrap();
    write("\u{feff}core_config_version: 0\r\ncookie_domain: example.com\r\napi_keys: 12345678901234567890123\r\n");
    let (code, said) = run(folder.path(), &["config"], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("# cookie_domain in /") && said.contains("set cookieDomain in the session recipe"), "{said}");
    assert!(said.contains("api_keys: (hidden)") && !said.contains("1234567890"), "{said}");
    write("host: localhost\nfirebase_signing_key: hunter2\n");
    let (code, said) = run(folder.path(), &["start"], &[]);
    assert!(code == Some(1) && said.contains("remove the line") && !said.contains("hunter2"), "{said}");
    write("host: localhost\nport: 1\nhost: 127.0.0.1\n");
    let (code, said) = run(folder.path(), &["start"], &[]);
    assert!(code == Some(1) && said.contains("has the key host twice") && said.contains("(line 3)"), "{said}");
}

/// What the log has of warnings when a server on this host has started.
fn warned(host: &str, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_supertokens"));
    command.env_clear().current_dir(folder.path()).args(["start", "--port=0", "--host", host, "--database-url=sqlite::memory:"]);
    command.env("ERROR_LOG_PATH", "error.log").envs(variables.iter().copied());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = lines.map_while(Result::ok).any(|line| line.contains("Started SuperTokens"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(started, "it did not start");
    std::fs::read_to_string(folder.path().join("error.log")).unwrap_or_default()
}

#[test]
fn a_start_without_keys_is_warned_about_and_loudly_where_others_reach_it() {
    let (alone, open) = (warned("127.0.0.1", &[]), warned("0.0.0.0", &[]));
    assert!(alone.contains("no api_keys are set") && alone.lines().count() == 1, "{alone}");
    assert!(open.contains("NO API_KEYS ARE SET") && open.lines().count() == 1, "{open}");
    assert_eq!(warned("0.0.0.0", &[("API_KEYS", "a-key-of-twenty-chars-")]), "");
}

#[test]
fn attributes_are_carried_out_refused_or_passed_over_with_a_word() {
    for attribute in ["require_auth=scram-sha-256", "sslcert=a.crt", "options=-c%20x%3Dy", "gssencmode=require"] {
        let said = refused(&[("SUPERTOKENS_DATABASE_URL", &format!("postgresql://u:hunter2@h/d?{attribute}"))]);
        assert!(said.contains(&format!("the attribute {}", attribute.split('=').next().unwrap())), "{said}");
        let said = refused(&[("POSTGRESQL_USER", "u"), ("POSTGRESQL_CONNECTION_ATTRIBUTES", attribute)]);
        assert!(said.contains("not carried out"), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let url = "postgresql://u:hunter2@127.0.0.1:1/d?prepareThreshold=0&channel_binding=require&application_name=x";
    let (code, said) = run(folder.path(), &["doctor", "--database-url", url], &[]);
    assert!(code == Some(1) && said.contains("note   configuration: the attribute prepareThreshold"), "{said}");
    assert!(!said.contains("channel_binding") && !said.contains("application_name"), "{said}");
}

#[test]
fn a_file_that_everybody_may_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "api_keys: a-key-of-twenty-chars-\n").unwrap();
    for (mode, words) in [(0o600, None), (0o644, Some("chmod o-r")), (0o666, Some("chmod o-w"))] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let (code, said) = run(folder.path(), &["doctor"], &[]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.contains("note   configuration"), words.is_some(), "{said}");
        assert!(words.is_none_or(|words| said.contains(words)), "{said}");
    }
}

/// As the help says, an address on the command line goes with a password from elsewhere.
#[test]
fn a_password_in_a_file_goes_with_an_address_without_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "hunter2\n").unwrap();
    let address = ["config", "--database-url", "postgresql://u@h:1/d"];
    for (variable, value) in [("POSTGRESQL_PASSWORD_FILE", "secret"), ("POSTGRESQL_PASSWORD", "hunter2")] {
        let (code, said) = run(folder.path(), &address, &[(variable, value)]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("# database: postgresql://u:***@h:1/d") && !said.contains("hunter2"), "{said}");
    }
}

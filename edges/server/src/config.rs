//! Where does each setting come from? File, environment and flags become one JSON object, with the source of every value
//! (core-server.md 9.1). What the values mean and whether they are allowed is decided in `supertokens_domain::config`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use supertokens_domain::config::{Checks, ConfigProblem, CoreConfig, DatabaseChoice, Key, PostgresConfig, key, keys};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_store::{DatabaseOptions, IdleConnections, PostgresOptions, TableNames};

use crate::{Place, Settings, Stop};

/// The file in the working directory that is read if no other is named.
const DEFAULT_FILE: &str = "config.yaml";
/// The database in the working directory that is used if no other is named.
const DEFAULT_DATABASE: &str = "supertokens.db";

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// By a flag.
    Flag(&'static str),
    /// By an environment variable.
    Variable(String),
    /// In the configuration file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// What file, environment and flags say.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Values by the names of their keys.
    pub(crate) base: JsonObject,
    /// Where each of them was set.
    pub(crate) sources: BTreeMap<String, Source>,
    /// The file that was read, with its full path.
    pub(crate) file: Option<PathBuf>,
    /// Names in the file that are no keys.
    unknown: Vec<String>,
}

/// Settings that are allowed, and the database they name.
#[derive(Debug)]
pub(crate) struct Config {
    /// What was gathered.
    pub(crate) gathered: Gathered,
    /// The same, typed.
    pub(crate) core: CoreConfig,
    /// The database.
    pub(crate) database: DatabaseOptions,
}

impl Config {
    /// Gathers and checks. All problems are reported at once.
    pub(crate) fn load(settings: &Settings, place: &Place) -> Result<Self, Stop> {
        let gathered = Gathered::gather(settings, place, |name| std::env::var(name).ok())?;
        let checks = if settings.test_mode { Checks::TestMode } else { Checks::Normal };
        let core = CoreConfig::effective(&gathered.base, &[], checks);
        let here = std::env::current_dir().unwrap_or_default();
        let database = DatabaseChoice::of(&gathered.base, &here.join(DEFAULT_DATABASE).to_string_lossy());
        match (core, database) {
            (Ok(core), Ok(database)) if gathered.unknown.is_empty() => {
                let database = options(database, &here)?;
                Ok(Self { gathered, core, database })
            }
            (core, database) => {
                let unknown = gathered.unknown.iter().map(|name| ConfigProblem::unknown_key(name));
                let problems: Vec<_> =
                    unknown.chain(core.err().into_iter().flatten()).chain(database.err().into_iter().flatten()).collect();
                Err(Stop::new(gathered.report(&problems)))
            }
        }
    }
}

impl Gathered {
    /// Reads the file, then the environment over it, then the flags. `variable` answers for the environment.
    pub(crate) fn gather(settings: &Settings, place: &Place, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Stop> {
        let mut gathered = Self::default();
        if let Some(path) = file_to_read(settings)? {
            gathered.read_file(&path)?;
            gathered.file = Some(path);
        }
        gathered.read_environment(&variable)?;
        let port = place.port.map(|port| Json::from(i64::from(port)));
        let host = place.host.as_deref().map(Json::from);
        let database_url = settings.database_url.as_deref().map(Json::from);
        for (name, flag, value) in
            [("port", "--port", port), ("host", "--host", host), ("database_url", "--database-url", database_url)]
        {
            if let Some(value) = value {
                gathered.set(name, value, Source::Flag(flag));
            }
        }
        Ok(gathered)
    }

    fn set(&mut self, name: &str, value: Json, source: Source) {
        self.base.insert(name, value);
        self.sources.insert(name.to_owned(), source);
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Stop> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Stop::new(format!("the configuration file {} cannot be read: {e}", path.display())))?;
        for (name, value) in
            yaml_members(&text).map_err(|why| Stop::new(format!("the configuration file {} {why}", path.display())))?
        {
            match key(&name) {
                // A key's new name beats its old one, wherever in the file they stand.
                Some(key) if key.name != name && self.base.contains(key.name) => {}
                Some(key) => self.set(key.name, value, Source::File(path.to_owned())),
                None => self.unknown.push(name),
            }
        }
        Ok(())
    }

    fn read_environment(&mut self, variable: &impl Fn(&str) -> Option<String>) -> Result<(), Stop> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        for key in keys() {
            for name in key.variable_name().into_iter().chain(key.alias.map(str::to_uppercase)) {
                if let Some(value) = set(&name) {
                    self.set(key.name, Json::String(unquoted(&value)), Source::Variable(name));
                    break;
                }
            }
        }
        if let Some(path) = set("POSTGRESQL_PASSWORD_FILE").filter(|_| set("POSTGRESQL_PASSWORD").is_none()) {
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Stop::new(format!("POSTGRESQL_PASSWORD_FILE names {path}, which cannot be read: {e}")))?;
            let password = text.trim_end_matches(['\n', '\r']);
            self.set("postgresql_password", password.into(), Source::Variable("POSTGRESQL_PASSWORD_FILE".to_owned()));
        }
        let structured = set("USE_STRUCTURED_LOGGING").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if structured && !self.base.contains("log_format") {
            self.set("log_format", "json".into(), Source::Variable("USE_STRUCTURED_LOGGING".to_owned()));
        }
        Ok(())
    }

    /// Where a key was set; nothing for a default.
    pub(crate) fn source(&self, key: &Key) -> Option<&Source> {
        self.sources.get(key.name)
    }

    /// All problems, each with its key, value, source and what is allowed.
    fn report(&self, problems: &[ConfigProblem]) -> String {
        let file = self.file.as_deref().map(|path| path.display().to_string());
        let many = if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
        let mut text = format!("the configuration has {many}; nothing was started");
        for problem in problems {
            let sentence = file.as_deref().map_or_else(|| problem.to_string(), |path| problem.sentence_for_base(path));
            let source = match (self.sources.get(problem.key()), &file) {
                (Some(source), _) => format!(", {source}"),
                (None, Some(file)) if self.unknown.iter().any(|name| name == problem.key()) => format!(", file {file}"),
                _ => String::new(),
            };
            text.push_str(&format!(
                "\n  {sentence}\n    key {}, value {}{source}; allowed: {}",
                problem.key(),
                problem.value(),
                problem.allowed()
            ));
        }
        text
    }
}

/// The file that was named, which must be there, or the one in the working directory, which need not.
fn file_to_read(settings: &Settings) -> Result<Option<PathBuf>, Stop> {
    let (path, named) = match &settings.config {
        Some(path) => (path.clone(), true),
        None => (PathBuf::from(DEFAULT_FILE), false),
    };
    match path.canonicalize() {
        Ok(path) => Ok(Some(path)),
        Err(_) if !named => Ok(None),
        Err(error) => Err(Stop::new(format!("the configuration file {} cannot be read: {error}", path.display()))),
    }
}

/// The members of a YAML mapping, in order. Errors complete the sentence "the file …".
fn yaml_members(text: &str) -> Result<Vec<(String, Json)>, String> {
    let value: yaml_serde::Value = yaml_serde::from_str(text).map_err(|error| match error.location() {
        Some(place) => format!("is not valid YAML (line {}, column {})", place.line(), place.column()),
        None => "is not valid YAML".to_owned(),
    })?;
    match value {
        yaml_serde::Value::Null => Ok(Vec::new()),
        yaml_serde::Value::Mapping(mapping) => mapping
            .into_iter()
            .map(|(name, value)| match name {
                yaml_serde::Value::String(name) => Ok((name, json(value))),
                _ => Err("has a key that is not a text".to_owned()),
            })
            .collect(),
        _ => Err("does not hold a mapping of keys to values".to_owned()),
    }
}

fn json(value: yaml_serde::Value) -> Json {
    match value {
        yaml_serde::Value::Null => Json::Null,
        yaml_serde::Value::Bool(value) => Json::Bool(value),
        yaml_serde::Value::Number(number) => Json::Number(number.to_string().into()),
        yaml_serde::Value::String(text) => Json::String(text),
        yaml_serde::Value::Sequence(items) => Json::Array(items.into_iter().map(json).collect()),
        // No key takes these; an empty object is refused for its type, whatever is in it.
        yaml_serde::Value::Mapping(_) | yaml_serde::Value::Tagged(_) => Json::Object(JsonObject::new()),
    }
}

/// A value in double quotes without them and with its escapes resolved; any other value as it is.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.clone().next() } else { None };
        let replaced = match escaped {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some(same @ ('"' | '\'' | '\\')) => same,
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push(replaced);
    }
    out
}

/// The store's options for a choice. A relative path counts from the working directory.
fn options(choice: DatabaseChoice, here: &Path) -> Result<DatabaseOptions, Stop> {
    match choice {
        DatabaseChoice::SqliteMemory => Ok(DatabaseOptions::memory()),
        DatabaseChoice::SqliteFile(path) => Ok(DatabaseOptions::file(here.join(path))),
        DatabaseChoice::Postgres(config) => postgres_options(*config).map(|options| DatabaseOptions::Postgres(Box::new(options))),
    }
}

fn postgres_options(config: PostgresConfig) -> Result<PostgresOptions, Stop> {
    let renamed = |table: &str| config.table_names.iter().find(|(standard, _)| standard == table).map(|(_, name)| name.clone());
    let tables = TableNames {
        schema: config.table_schema.clone(),
        prefix: config.table_names_prefix.clone(),
        session_info: renamed("session_info"),
        key_value: renamed("key_value"),
    };
    // Without a number of connections that stay, the pool keeps all it has, as the Java core's does.
    let timeout = u64::try_from(config.idle_connection_timeout_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
    let idle = config.minimum_idle_connections.zip(timeout).map(|(kept, timeout)| IdleConnections { kept, timeout });
    let mut options = PostgresOptions {
        host: config.host,
        port: config.port,
        user: config.user,
        password: config.password,
        dbname: config.database_name,
        tables,
        pool_size: config.connection_pool_size,
        idle,
        migration_mode: config.migration_mode,
        ..PostgresOptions::default()
    };
    for (name, value) in config.attributes {
        options.apply_attribute(&name, value).map_err(|error| Stop::new(error.to_string()))?;
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(yaml: &str, variables: &[(&str, &str)], place: &Place) -> Result<Gathered, Stop> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        std::fs::write(&path, yaml).unwrap();
        let settings = Settings { config: Some(path), ..Settings::default() };
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        Gathered::gather(&settings, place, variable)
    }

    #[test]
    fn flags_beat_variables_and_variables_beat_the_file() {
        let place = Place { port: Some(3), host: None };
        let yaml = "port: 1\nhost: file\naccess_token_validity: 7\n";
        let gathered =
            gather(yaml, &[("SUPERTOKENS_PORT", "2"), ("SUPERTOKENS_HOST", "variable"), ("LOG_LEVEL", "")], &place).unwrap();
        assert_eq!(gathered.base.to_text(), r#"{"port":3,"host":"variable","access_token_validity":7}"#);
        assert_eq!(gathered.sources["port"], Source::Flag("--port"));
        assert_eq!(gathered.sources["host"], Source::Variable("SUPERTOKENS_HOST".to_owned()));
        assert!(matches!(gathered.sources["access_token_validity"], Source::File(_)));
    }

    #[test]
    fn old_names_are_written_as_new_ones() {
        let old = "access_token_signing_key_update_interval: 5\n";
        let gathered = gather(old, &[], &Place::default()).unwrap();
        assert_eq!(gathered.base.to_text(), r#"{"access_token_dynamic_signing_key_update_interval":5}"#);
        let both = "access_token_dynamic_signing_key_update_interval: 6\naccess_token_signing_key_update_interval: 5\n";
        assert_eq!(
            gather(both, &[], &Place::default()).unwrap().base.to_text(),
            r#"{"access_token_dynamic_signing_key_update_interval":6}"#
        );
        let variable = [("ACCESS_TOKEN_SIGNING_KEY_UPDATE_INTERVAL", "4")];
        assert_eq!(
            gather(both, &variable, &Place::default()).unwrap().base.to_text(),
            r#"{"access_token_dynamic_signing_key_update_interval":"4"}"#
        );
    }

    #[test]
    fn all_problems_are_in_one_report_with_key_value_source_and_range() {
        let gathered = gather("access_token_validty: 1\nport: 70000\napi_keys: hunter2\n", &[], &Place::default()).unwrap();
        let problems = CoreConfig::effective(&gathered.base, &[], Checks::Normal).unwrap_err();
        let unknown = gathered.unknown.iter().map(|name| ConfigProblem::unknown_key(name));
        let report = gathered.report(&unknown.chain(problems).collect::<Vec<_>>());
        assert!(report.starts_with("the configuration has 3 problems"), "{report}");
        assert!(report.contains("key port, value 70000, file "), "{report}");
        assert!(report.contains("did you mean access_token_validity?") && report.contains("0 to 65535"), "{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }

    #[test]
    fn a_file_that_is_no_mapping_is_refused_and_an_empty_one_is_not() {
        assert!(gather("- 1\n", &[], &Place::default()).is_err());
        assert!(gather("a: [", &[], &Place::default()).unwrap_err().0.contains("not valid YAML (line"));
        assert!(gather("", &[], &Place::default()).unwrap().base.is_empty());
        assert!(gather("# only a comment\n", &[], &Place::default()).unwrap().base.is_empty());
        assert_eq!(gather("port: {}\n", &[], &Place::default()).unwrap().base.to_text(), r#"{"port":{}}"#);
    }

    #[test]
    fn quoted_variables_are_unquoted() {
        for (given, expected) in [
            ("plain", "plain"),
            (r#""a b""#, "a b"),
            (r#""a\"b\\c\n""#, "a\"b\\c\n"),
            (r#""x\y""#, r"x\y"),
            ("\"", "\""),
            (r#""tail\""#, r"tail\"),
        ] {
            assert_eq!(unquoted(given), expected, "{given}");
        }
    }

    #[test]
    fn a_password_file_and_structured_logging_are_taken_from_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "hunter2\n").unwrap();
        let path = path.to_string_lossy().into_owned();
        let gathered =
            gather("", &[("POSTGRESQL_PASSWORD_FILE", &path), ("USE_STRUCTURED_LOGGING", "true")], &Place::default()).unwrap();
        assert_eq!(gathered.base.to_text(), r#"{"postgresql_password":"hunter2","log_format":"json"}"#);
        let direct =
            gather("", &[("POSTGRESQL_PASSWORD_FILE", &path), ("POSTGRESQL_PASSWORD", "direct")], &Place::default()).unwrap();
        assert_eq!(direct.base.to_text(), r#"{"postgresql_password":"direct"}"#);
        assert!(gather("", &[("POSTGRESQL_PASSWORD_FILE", "/no/such/file")], &Place::default()).is_err());
    }

    #[test]
    fn postgresql_keys_become_options_of_the_store() {
        let base = JsonObject::parse(
            r#"{"postgresql_connection_uri":"postgresql://u:p@h:1/d?sslmode=require","postgresql_table_names_prefix":"x",
                "postgresql_table_schema":"s","postgresql_key_value_table_name":"kv","postgresql_connection_pool_size":3,
                "postgresql_minimum_idle_connections":2,"postgresql_idle_connection_timeout":700,"migration_mode":"MIGRATED"}"#,
        )
        .unwrap();
        let choice = DatabaseChoice::of(&base, "unused").unwrap();
        let DatabaseOptions::Postgres(options) = super::options(choice, Path::new("/")).unwrap() else {
            panic!("not PostgreSQL")
        };
        assert_eq!((options.host.as_str(), options.port, options.dbname.as_str(), options.pool_size), ("h", 1, "d", 3));
        assert_eq!((options.tables.schema.as_str(), options.tables.unqualified("apps")), ("s", "x_apps".to_owned()));
        assert_eq!(options.tables.key_value.as_deref(), Some("kv"));
        assert_eq!(options.tls, supertokens_store::TlsMode::Require);
        assert_eq!(options.idle, Some(IdleConnections { kept: 2, timeout: Duration::from_millis(700) }));
        assert_eq!(options.migration_mode, "MIGRATED");
    }
}

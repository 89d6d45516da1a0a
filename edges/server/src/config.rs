//! Where does each setting come from? File, environment and flags become one JSON object, with the source of every value
//! (core-server.md 9.1). What the values mean and whether they are allowed is decided in `supertokens_domain::config`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use supertokens_domain::config::{
    Checks, ConfigProblem, CoreConfig, DatabaseChoice, Key, Owner, PostgresConfig, key, keys, obsolete_key, trimmed,
};
use supertokens_domain::json::{Json, JsonObject};
use supertokens_store::{DatabaseOptions, IdleConnections, PostgresOptions, TableNames};

use crate::{Place, Settings, Stop};

mod environment;
mod trust;
mod yaml;

pub(crate) use environment::Environment;
use environment::{file_variable, meant};

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

/// A file with a secret holds no more than this.
const SECRET_FILE: u64 = 64 << 10;

/// Something that is worth telling, although nothing is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// As it should be, but perhaps not as somebody expects.
    Info(String),
    /// Probably not what was meant.
    Warning(String),
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
    /// What to tell once the log is open.
    pub(crate) notices: Vec<Notice>,
    /// Names in the file that are no keys.
    unknown: Vec<String>,
    /// Variables that are not read, and those that may have been meant.
    look_alikes: Vec<(String, &'static str)>,
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
        let gathered = Gathered::gather(settings, place, &Environment::own())?;
        let checks = if settings.test_mode { Checks::TestMode } else { Checks::Normal };
        let core = CoreConfig::effective(&gathered.base, &[], checks);
        let here = std::env::current_dir().unwrap_or_default();
        let database = DatabaseChoice::of(&gathered.base, &here.join(DEFAULT_DATABASE).to_string_lossy());
        match (core, database) {
            (Ok(core), Ok(database)) if gathered.unknown.is_empty() => {
                gathered.refuse_to_guess()?;
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

impl Config {
    /// Attributes of the database's address that are not known.
    pub(crate) fn passed_over(&self) -> &[String] {
        match &self.database {
            DatabaseOptions::Postgres(options) => &options.passed_over,
            DatabaseOptions::Sqlite(_) => &[],
        }
    }
}

impl Gathered {
    /// Reads the file, then the environment over it, then the flags.
    pub(crate) fn gather(settings: &Settings, place: &Place, environment: &Environment) -> Result<Self, Stop> {
        let mut gathered = Self::default();
        if let Some(path) = file_to_read(settings)? {
            gathered.read_file(&path)?;
            let secrets = keys().any(|key| key.secret && gathered.base.get(key.name).is_some_and(|value| !value.is_null()));
            let found = settings.config.is_none().then_some(Path::new(DEFAULT_FILE));
            gathered.notices.extend(trust::look_at(&path, found, secrets)?);
            gathered.file = Some(path);
        }
        gathered.read_environment(environment)?;
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
        gathered.note_what_is_not_read(environment);
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
            yaml::members(&text).map_err(|why| Stop::new(format!("the configuration file {} {why}", path.display())))?
        {
            match key(&name) {
                // A key's new name beats its old one, wherever in the file they stand.
                Some(key) if key.name != name && self.base.contains(key.name) => {}
                Some(key) => self.set(key.name, value, Source::File(path.to_owned())),
                None => match obsolete_key(&name) {
                    Some(instead) => self.notices.push(Notice::Warning(format!(
                        "{name} in {} is a key of older Java cores and means nothing here: {}",
                        path.display(),
                        instead.advice()
                    ))),
                    None => self.unknown.push(name),
                },
            }
        }
        Ok(())
    }

    fn read_environment(&mut self, environment: &Environment) -> Result<(), Stop> {
        let said = |name: &str| environment.get(name).map_err(Stop::new);
        for key in keys() {
            for name in key.variable_name().into_iter().chain(key.alias.map(str::to_uppercase)) {
                if let Some(value) = said(&name)? {
                    let value = meant(key, value).map_err(|why| Stop::new(format!("the environment variable {name} {why}")))?;
                    self.set(key.name, Json::String(value), Source::Variable(name));
                    break;
                }
                let file = file_variable(&name);
                if key.secret
                    && let Some(path) = said(&file)?
                {
                    self.set(key.name, secret_of(&file, path)?.into(), Source::Variable(file));
                    break;
                }
            }
        }
        let structured = said("USE_STRUCTURED_LOGGING")?.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if structured && !self.base.contains("log_format") {
            self.set("log_format", "json".into(), Source::Variable("USE_STRUCTURED_LOGGING".to_owned()));
        }
        Ok(())
    }

    /// Says what was not taken for a setting, and what the settings leave unheeded.
    fn note_what_is_not_read(&mut self, environment: &Environment) {
        for name in environment.service_links() {
            self.notices.push(Notice::Info(format!(
                "{name} is the address of a service, as container platforms put it there, and no setting: passed over \
                 (`enableServiceLinks: false` keeps it away)"
            )));
        }
        self.look_alikes = environment.look_alikes().into_iter().map(|(name, ours)| (name.to_owned(), ours)).collect();
        for (name, near) in environment.strays() {
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            self.notices.push(Notice::Warning(format!("the environment variable {name} is not read{near}")));
        }
        let unheeded = self.of_postgres();
        if self.base.get("database_url").and_then(Json::as_str).is_some_and(|url| trimmed(url).starts_with("sqlite"))
            && !unheeded.is_empty()
        {
            let text = format!("database_url names SQLite, so that these settings count for nothing: {}", unheeded.join(", "));
            self.notices.push(Notice::Warning(text));
        }
    }

    /// The settings of PostgreSQL, each with its source.
    fn of_postgres(&self) -> Vec<String> {
        let of_postgres = |name: &str| key(name).is_some_and(|key| key.owner == Owner::Database && key.variable_name().is_some());
        let set = self.sources.iter().filter(|(name, _)| of_postgres(name) && name.starts_with("postgresql_"));
        set.map(|(name, source)| format!("{name} ({source})")).collect()
    }

    /// A file in the working directory is the default only where nothing speaks of another database: with the next deployment the
    /// file is gone, and all sessions with it.
    fn refuse_to_guess(&self) -> Result<(), Stop> {
        if self.look_alikes.is_empty() || self.base.contains("database_url") || !self.of_postgres().is_empty() {
            return Ok(());
        }
        Err(Stop::new(format!(
            "no database is set, but the environment has what looks like one{}\nto go on with a SQLite file nevertheless, set \
             SUPERTOKENS_DATABASE_URL=sqlite:{DEFAULT_DATABASE}",
            self.unread()
        )))
    }

    /// The variables that look like settings of a database and are not read.
    fn unread(&self) -> String {
        let line = |(name, ours): &(String, &str)| format!("\n  {name} is not read; set {ours} instead");
        self.look_alikes.iter().map(line).collect()
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
            if problem.key() == "postgresql_user" && !self.sources.contains_key("postgresql_user") {
                text.push_str(&format!("\n    set are: {}{}", self.of_postgres().join(", "), self.unread()));
            }
        }
        text
    }
}

/// The file that was named, which must be there, or the one in the working directory, which need not.
fn file_to_read(settings: &Settings) -> Result<Option<PathBuf>, Stop> {
    let (path, named) = match &settings.config {
        Some(path) => (path.to_str().map_or_else(|| path.clone(), |path| PathBuf::from(trimmed(path))), true),
        None => (PathBuf::from(DEFAULT_FILE), false),
    };
    match path.canonicalize() {
        Ok(path) => Ok(Some(path)),
        Err(_) if !named => Ok(None),
        Err(error) => Err(Stop::new(format!("the configuration file {} cannot be read: {error}", path.display()))),
    }
}

/// What the file of a secret holds, without the end of its line.
fn secret_of(variable: &str, path: &str) -> Result<String, Stop> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(SECRET_FILE + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(Stop::new(format!("{variable} names {path}, which cannot be read: {error}"))),
        Ok(length) if length as u64 > SECRET_FILE => {
            Err(Stop::new(format!("{variable} names {path}, which is no file of a secret")))
        }
        Ok(_) if trimmed(&text).is_empty() => Err(Stop::new(format!("{variable} names {path}, which is empty"))),
        Ok(_) => Ok(trimmed(&text).to_owned()),
    }
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
    let tables = TableNames {
        schema: config.table_schema.clone(),
        prefix: config.table_names_prefix.clone(),
        renamed: config.table_names.into_iter().collect(),
    };
    // Without a number of connections that stay, the pool keeps all it has, as the Java core's does.
    let timeout = u64::try_from(config.idle_connection_timeout_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
    let idle = config.minimum_idle_connections.zip(timeout).map(|(kept, timeout)| IdleConnections { kept, timeout });
    let mut options = PostgresOptions {
        host: config.host,
        port: config.port,
        more_hosts: config.more_hosts,
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
        options.apply_attribute(&name, value).map_err(|error| {
            Stop::new(format!("{error}\n    see database_url, postgresql_connection_uri or postgresql_connection_attributes"))
        })?;
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
        Gathered::gather(&settings, place, &Environment::of(variables))
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
        let said = gather("host: a\nhost: b\n", &[], &Place::default()).unwrap_err().0;
        assert!(said.starts_with("the configuration file /") && said.contains("has the key host twice"), "{said}");
        assert!(gather("", &[], &Place::default()).unwrap().base.is_empty());
        assert!(gather("# only a comment\n", &[], &Place::default()).unwrap().base.is_empty());
        assert_eq!(gather("port: {}\n", &[], &Place::default()).unwrap().base.to_text(), r#"{"port":{}}"#);
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
    fn ends_of_lines_are_no_part_of_a_setting_wherever_it_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "\u{feff}hunter2 \r\n").unwrap();
        let path = format!("{}\n", path.display());
        let variables = [
            ("SUPERTOKENS_PORT", "3567\n"),
            ("POSTGRESQL_HOST", " db\r\n"),
            ("POSTGRESQL_PASSWORD", "\u{feff}hunter2\n"),
            ("POSTGRESQL_USER", "\n"),
            ("API_KEYS_FILE", path.as_str()),
            ("POSTGRESQL_CONNECTION_URI", "postgresql://u@h/d \n"),
        ];
        assert_eq!(
            gather("log_level: |\n  info\n", &variables, &Place::default()).unwrap().base.to_text(),
            r#"{"log_level":"info","port":"3567","api_keys":"hunter2","postgresql_connection_uri":"postgresql://u@h/d","postgresql_host":"db","postgresql_password":"hunter2"}"#
        );
        std::fs::write(path.trim_end(), "\n").unwrap();
        assert!(gather("", &[("API_KEYS_FILE", &path)], &Place::default()).unwrap_err().0.contains("is empty"));
    }

    #[test]
    fn keys_of_older_cores_are_passed_over_with_a_word_and_unknown_ones_are_refused_with_one() {
        let old = "core_config_version: 0\ncookie_domain: example.com\nrefresh_api_path: /refresh\nhost: localhost\n";
        let gathered = gather(old, &[], &Place::default()).unwrap();
        assert!(gathered.unknown.is_empty());
        let [Notice::Warning(domain), Notice::Warning(path)] = &gathered.notices[..] else { panic!("{:?}", gathered.notices) };
        assert!(
            domain.contains("cookie_domain") && domain.contains("cookieDomain") && path.contains("apiBasePath"),
            "{domain} {path}"
        );
        let gathered = gather("firebase_signing_key: hunter2\nmysql_user: u\n", &[], &Place::default()).unwrap();
        let unknown: Vec<_> = gathered.unknown.iter().map(|name| ConfigProblem::unknown_key(name)).collect();
        let report = gathered.report(&unknown);
        assert!(report.contains("key firebase_signing_key") && report.contains("remove the line"), "{report}");
        assert!(report.contains("no storage on mysql") && !report.contains("hunter2"), "{report}");
    }

    #[test]
    fn what_looks_like_another_database_is_not_answered_with_a_file() {
        let refused = |variables: &[(&str, &str)]| {
            let gathered = gather("", variables, &Place::default()).unwrap();
            match DatabaseChoice::of(&gathered.base, "file") {
                Ok(_) => gathered.refuse_to_guess().err().map(|stop| stop.0),
                Err(problems) => Some(gathered.report(&problems)),
            }
        };
        assert_eq!(refused(&[("PATH", "/bin"), ("DATABASE_URL", "mysql://h")]), None);
        assert_eq!(refused(&[("DATABASE_URL", "postgres://h/d"), ("SUPERTOKENS_DATABASE_URL", "sqlite:x")]), None);
        assert_eq!(refused(&[("DATABASE_URL", "postgres://h/d"), ("POSTGRESQL_USER", "u")]), None);
        assert_eq!(refused(&[("POSTGRESQL_PORT", "tcp://10.0.0.1:5432"), ("POSTGRESQL_SERVICE_HOST", "10.0.0.1")]), None);
        let said = refused(&[("DATABASE_URL", "postgres://u:hunter2@h/d"), ("PGPASSWORD", "hunter2")]).unwrap();
        assert!(said.contains("DATABASE_URL is not read; set SUPERTOKENS_DATABASE_URL"), "{said}");
        assert!(said.contains("PGPASSWORD") && said.contains("sqlite:supertokens.db") && !said.contains("hunter2"), "{said}");
        let said = refused(&[("POSTGRESQL_HOST", "db"), ("POSTGRESQL_PORT", "5432"), ("POSTGRES_USER", "app")]).unwrap();
        assert!(said.contains("key postgresql_user, value not set"), "{said}");
        assert!(said.contains("postgresql_host (environment variable POSTGRESQL_HOST), postgresql_port"), "{said}");
        assert!(said.contains("POSTGRES_USER is not read; set POSTGRESQL_USER instead"), "{said}");
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
        assert_eq!(options.tables.unqualified("key_value"), "kv");
        assert_eq!(options.tls, supertokens_store::TlsMode::Require);
        assert_eq!(options.idle, Some(IdleConnections { kept: 2, timeout: Duration::from_millis(700) }));
        assert_eq!(options.migration_mode, "MIGRATED");
    }
}

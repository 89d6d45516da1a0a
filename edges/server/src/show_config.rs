//! `supertokens config`: which value has each key, and where does it come from? Secrets are not shown.

use supertokens_domain::config::{DatabaseChoice, Key, Value, keys};
use supertokens_domain::json::Json;

use crate::config::{Config, Gathered, Notice};
use crate::{Place, Settings, Stop, say};

pub(crate) fn run(settings: &Settings, place: &Place) -> Result<(), Stop> {
    let config = Config::load(settings, place)?;
    let file = config.gathered.file.as_deref().map_or("none".to_owned(), |path| path.display().to_string());
    say(&format!(
        "# configuration file: {file}\n# database: {}\n# test mode: {}",
        config.database.redacted(),
        settings.test_mode
    ));
    for Notice::Info(text) | Notice::Warning(text) in &config.gathered.notices {
        say(&format!("# {text}"));
    }
    let processors = std::thread::available_parallelism().map_or(1, |n| i64::try_from(n.get()).unwrap_or(1));
    let parts = parts_of_address(&config.gathered);
    for key in keys() {
        say(&line(key, &config.gathered, &parts, processors));
    }
    Ok(())
}

/// What counts for the keys of the database, if that is PostgreSQL, and which key has its address.
#[derive(Default)]
struct Parts {
    values: Vec<(&'static str, Json)>,
    address: Option<&'static str>,
}

fn parts_of_address(gathered: &Gathered) -> Parts {
    let Ok(DatabaseChoice::Postgres(database)) = DatabaseChoice::of(&gathered.base, "") else { return Parts::default() };
    let address = ["database_url", "postgresql_connection_uri"].into_iter().find(|name| gathered.sources.contains_key(*name));
    Parts { values: database.shown(), address }
}

/// `key: value  # source`, which is YAML again. A part of the database's address counts before the key of its own.
fn line(key: &Key, gathered: &Gathered, parts: &Parts, processors: i64) -> String {
    let own = match gathered.base.get(key.name) {
        Some(value) if !value.is_null() => value.clone(),
        _ => Json::parse(&default(key, processors)).unwrap_or(Json::Null),
    };
    if let (Some((_, part)), Some(address)) = (parts.values.iter().find(|(name, _)| *name == key.name), parts.address)
        && as_text(part) != as_text(&own)
    {
        return format!("{}: {part}  # {address}", key.name);
    }
    match (gathered.base.get(key.name), gathered.source(key)) {
        (Some(Json::Null), Some(source)) => format!("{}: {}  # default ({source} says null)", key.name, default(key, processors)),
        (Some(_), Some(source)) if key.secret => format!("{}: (hidden)  # {source}", key.name),
        (Some(value), Some(source)) => format!("{}: {value}  # {source}", key.name),
        _ => format!("{}: {}  # default", key.name, default(key, processors)),
    }
}

/// `5` and `"5"` are the same setting.
fn as_text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_text(), |text| text.trim().to_owned())
}

fn default(key: &Key, processors: i64) -> String {
    match key.default_value(processors) {
        Value::Null => "null".to_owned(),
        Value::Int(n) => n.to_string(),
        Value::Double(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Text(text) => Json::String(text).to_text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;
    use supertokens_domain::config::key;

    #[test]
    fn a_line_has_value_and_source_and_hides_secrets() {
        let settings = Settings::default();
        let place = Place { port: Some(1), host: None };
        let environment = Environment::of(&[("API_KEYS", "hunter2"), ("ACCESS_TOKEN_VALIDITY", "5")]);
        let gathered = Gathered::gather(&settings, &place, &environment).unwrap();
        let line = |name: &str| super::line(key(name).unwrap(), &gathered, &parts_of_address(&gathered), 2);
        assert_eq!(line("port"), "port: 1  # flag --port");
        assert_eq!(line("api_keys"), "api_keys: (hidden)  # environment variable API_KEYS");
        assert_eq!(line("access_token_validity"), "access_token_validity: \"5\"  # environment variable ACCESS_TOKEN_VALIDITY");
        assert_eq!(line("host"), "host: \"localhost\"  # default");
        assert_eq!(line("bulk_migration_parallelism"), "bulk_migration_parallelism: 2  # default");
    }

    #[test]
    fn the_parts_of_an_address_are_shown_where_they_count_and_no_password() {
        let environment = Environment::of(&[
            ("POSTGRESQL_CONNECTION_URI", "postgresql://u:hunter2@db.example/d?sslpassword=hunter2&sslmode=require"),
            ("POSTGRESQL_HOST", "unheeded"),
            ("POSTGRESQL_PORT", "5433"),
            ("POSTGRESQL_DATABASE_NAME", "d"),
        ]);
        let gathered = Gathered::gather(&Settings::default(), &Place { port: None, host: None }, &environment).unwrap();
        let parts = parts_of_address(&gathered);
        let line = |name: &str| super::line(key(name).unwrap(), &gathered, &parts, 2);
        assert_eq!(line("postgresql_host"), "postgresql_host: \"db.example\"  # postgresql_connection_uri");
        assert_eq!(line("postgresql_user"), "postgresql_user: \"u\"  # postgresql_connection_uri");
        assert_eq!(line("postgresql_port"), "postgresql_port: \"5433\"  # environment variable POSTGRESQL_PORT");
        assert_eq!(
            line("postgresql_database_name"),
            "postgresql_database_name: \"d\"  # environment variable POSTGRESQL_DATABASE_NAME"
        );
        assert_eq!(
            line("postgresql_connection_attributes"),
            "postgresql_connection_attributes: \"sslmode=require\"  # postgresql_connection_uri"
        );
        for key in keys() {
            assert!(!super::line(key, &gathered, &parts, 2).contains("hunter2"), "{}", key.name);
        }
    }
}

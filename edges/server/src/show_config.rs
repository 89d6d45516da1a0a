//! `supertokens config`: which value has each key, and where does it come from? Secrets are not shown.

use supertokens_domain::config::{Key, Value, keys};
use supertokens_domain::json::Json;

use crate::config::{Config, Gathered};
use crate::{Place, Settings, Stop, say};

pub(crate) fn run(settings: &Settings, place: &Place) -> Result<(), Stop> {
    let config = Config::load(settings, place)?;
    let file = config.gathered.file.as_deref().map_or("none".to_owned(), |path| path.display().to_string());
    say(&format!(
        "# configuration file: {file}\n# database: {}\n# test mode: {}",
        config.database.redacted(),
        settings.test_mode
    ));
    let processors = std::thread::available_parallelism().map_or(1, |n| i64::try_from(n.get()).unwrap_or(1));
    for key in keys() {
        say(&line(key, &config.gathered, processors));
    }
    Ok(())
}

/// `key: value  # source`, which is YAML again.
fn line(key: &Key, gathered: &Gathered, processors: i64) -> String {
    match (gathered.base.get(key.name), gathered.source(key)) {
        (Some(Json::Null), Some(source)) => format!("{}: {}  # default ({source} says null)", key.name, default(key, processors)),
        (Some(_), Some(source)) if key.secret => format!("{}: (hidden)  # {source}", key.name),
        (Some(value), Some(source)) => format!("{}: {value}  # {source}", key.name),
        _ => format!("{}: {}  # default", key.name, default(key, processors)),
    }
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
    use supertokens_domain::config::key;

    #[test]
    fn a_line_has_value_and_source_and_hides_secrets() {
        let settings = Settings::default();
        let place = Place { port: Some(1), host: None };
        let variable = |name: &str| match name {
            "API_KEYS" => Some("hunter2".to_owned()),
            "ACCESS_TOKEN_VALIDITY" => Some("5".to_owned()),
            _ => None,
        };
        let gathered = Gathered::gather(&settings, &place, variable).unwrap();
        let line = |name: &str| super::line(key(name).unwrap(), &gathered, 2);
        assert_eq!(line("port"), "port: 1  # flag --port");
        assert_eq!(line("api_keys"), "api_keys: (hidden)  # environment variable API_KEYS");
        assert_eq!(line("access_token_validity"), "access_token_validity: \"5\"  # environment variable ACCESS_TOKEN_VALIDITY");
        assert_eq!(line("host"), "host: \"localhost\"  # default");
        assert_eq!(line("bulk_migration_parallelism"), "bulk_migration_parallelism: 2  # default");
    }
}

//! What does the environment say, and what only looks as if it said something? Container platforms put addresses of services where
//! settings are looked for, other programs' names stand where ours were meant, and secrets come with line ends and quotation marks.

use std::collections::{BTreeMap, BTreeSet};

use supertokens_domain::config::{Key, keys, trimmed};

/// The variables that are read and are no keys of the configuration.
const OTHERS: [&str; 5] =
    ["SUPERTOKENS_CONFIG", "SUPERTOKENS_TEST_MODE", "USE_STRUCTURED_LOGGING", "BULK_MIGRATION_CRON_ENABLED", "OTEL_SERVICE_NAME"];

/// Names by which other programs know the address of a PostgreSQL database.
const ADDRESSES: [&str; 9] = [
    "DATABASE_URL",
    "DATABASE_URI",
    "JDBC_DATABASE_URL",
    "PG_URL",
    "POSTGRES_URL",
    "POSTGRES_URI",
    "POSTGRES_CONNECTION_URI",
    "POSTGRESQL_URL",
    "POSTGRESQL_URI",
];

/// Names by which other programs know a part of it, and ours.
const PARTS: [(&str, &str); 15] = [
    ("PGHOST", "POSTGRESQL_HOST"),
    ("PGHOSTADDR", "POSTGRESQL_HOST"),
    ("PGUSER", "POSTGRESQL_USER"),
    ("PGPASSWORD", "POSTGRESQL_PASSWORD"),
    ("PGDATABASE", "POSTGRESQL_DATABASE_NAME"),
    ("PGSERVICE", "SUPERTOKENS_DATABASE_URL"),
    ("POSTGRES_HOST", "POSTGRESQL_HOST"),
    ("POSTGRES_USER", "POSTGRESQL_USER"),
    ("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"),
    ("POSTGRES_PASSWORD_FILE", "POSTGRESQL_PASSWORD_FILE"),
    ("POSTGRES_DB", "POSTGRESQL_DATABASE_NAME"),
    ("POSTGRES_DATABASE", "POSTGRESQL_DATABASE_NAME"),
    ("POSTGRESQL_DB", "POSTGRESQL_DATABASE_NAME"),
    ("POSTGRESQL_DATABASE", "POSTGRESQL_DATABASE_NAME"),
    ("POSTGRESQL_USERNAME", "POSTGRESQL_USER"),
];

/// The variables of a process.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    values: BTreeMap<String, String>,
    /// Those that are not UTF-8.
    unreadable: BTreeSet<String>,
}

impl Environment {
    /// Those of this process.
    pub(crate) fn own() -> Self {
        let mut own = Self::default();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => own.values.insert(name.to_owned(), value).is_some(),
                Err(_) => own.unreadable.insert(name.to_owned()),
            };
        }
        own
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let values = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { values, ..Self::default() }
    }

    /// What a variable says, if it says anything and does not say it about a service. The error is for people.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, String> {
        if self.unreadable.contains(name) {
            return Err(format!("the environment variable {name} is not UTF-8"));
        }
        let said = self.values.get(name).map(|value| trimmed(value)).filter(|value| !value.is_empty());
        Ok(said.filter(|value| !is_service_link(name, value)))
    }

    /// Variables that would be settings if a container platform had not put the address of a service there.
    pub(crate) fn service_links(&self) -> Vec<&str> {
        let is_link = |(name, value): &(&String, &String)| is_service_link(name, trimmed(value)) && is_known(name);
        self.values.iter().filter(is_link).map(|(name, _)| name.as_str()).collect()
    }

    /// Variables of other programs that may have been meant for this one, each with the name that is read here. Of their values
    /// nothing is told.
    pub(crate) fn look_alikes(&self) -> Vec<(&str, &'static str)> {
        let address = |value: &str| {
            let value = trimmed(value).trim_matches(['\'', '"']).to_ascii_lowercase();
            value.starts_with("postgres") || value.starts_with("jdbc:postgres")
        };
        let said = |name: &str| self.values.get_key_value(name).filter(|(_, value)| !trimmed(value).is_empty());
        let addresses = ADDRESSES.iter().filter_map(|name| said(name)).filter(|(_, value)| address(value));
        let addresses = addresses.map(|(name, _)| (name.as_str(), "SUPERTOKENS_DATABASE_URL"));
        let parts = PARTS.iter().filter_map(|(name, ours)| said(name).map(|(name, _)| (name.as_str(), *ours)));
        addresses.chain(parts).collect()
    }

    /// Variables that are named as settings are, but are none; with the name that may have been meant.
    pub(crate) fn strays(&self) -> Vec<(&str, Option<String>)> {
        let ours = |name: &str| name.starts_with("SUPERTOKENS_") || name.starts_with("POSTGRESQL_");
        let others = self.values.iter().filter(|(name, value)| !is_of_a_service(name, trimmed(value)) && !is_known(name));
        let strays = others.map(|(name, _)| (name.as_str(), nearest(name)));
        strays.filter(|(name, near)| near.is_some() || ours(name)).collect()
    }
}

/// `NAME_PORT=tcp://10.0.0.1:3567`, where `NAME_PORT` is a setting too.
fn is_service_link(name: &str, value: &str) -> bool {
    name.ends_with("_PORT") && ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// Any of the variables by which a platform tells of a service.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let numbered = |rest: &str| {
        let mut pieces = rest.split('_');
        pieces.next().is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
            && pieces.next().is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
    };
    is_service_link(name, value)
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.split_once("_PORT_").is_some_and(|(_, rest)| numbered(rest))
}

/// All names that are read: of keys, of the files of secrets, and of what is no key.
fn known() -> impl Iterator<Item = String> {
    let of_key = |key: &Key| {
        let names = key.variable_name().into_iter().chain(key.alias.map(str::to_uppercase));
        let file = key.variable_name().filter(|_| key.secret).map(|name| file_variable(&name));
        names.chain(file).collect::<Vec<_>>()
    };
    keys().flat_map(of_key).chain(OTHERS.map(str::to_owned))
}

fn is_known(name: &str) -> bool {
    known().any(|known| known == name)
}

/// The variable that names a file with what another variable would hold.
pub(crate) fn file_variable(name: &str) -> String {
    format!("{name}_FILE")
}

/// A known name that differs by one letter, or by a prefix that it does not have. Short names are like too many others.
fn nearest(name: &str) -> Option<String> {
    let bare = name.strip_prefix("SUPERTOKENS_").unwrap_or(name);
    known().find(|known| known == bare || (known.len() > 6 && one_letter_apart(known, name)))
}

fn one_letter_apart(a: &str, b: &str) -> bool {
    let (a, b) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let rest = |text: &str, from: usize| text.bytes().skip(from).collect::<Vec<_>>();
    match a.len() - b.len() {
        0 => a != b && rest(a, same + 1) == rest(b, same + 1),
        1 => rest(a, same + 1) == rest(b, same),
        _ => false,
    }
}

/// A value as it was meant: without double quotes and with its escapes resolved, as the Java core reads them. Single quotes come
/// from files that a shell was to read; around a secret they may be part of it, which is for people to say.
pub(crate) fn meant(key: &Key, value: &str) -> Result<String, String> {
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    match inner {
        Some(_) if key.secret && !key.name.ends_with("_uri") && !key.name.ends_with("_url") => Err(
            "stands in single quotes: leave them out, or, if they belong to the value, write double quotes around them: \"'…'\""
                .to_owned(),
        ),
        Some(inner) => Ok(trimmed(inner).to_owned()),
        None if key.secret => Ok(unquoted(value)),
        None => Ok(trimmed(&unquoted(value)).to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use supertokens_domain::config::key;

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
    fn single_quotes_are_taken_off_where_they_cannot_be_meant() {
        let of = |name: &str, value: &str| meant(key(name).unwrap(), value);
        assert_eq!(of("port", "'3567'").unwrap(), "3567");
        assert_eq!(of("port", "\" 3567 \"").unwrap(), "3567");
        assert_eq!(of("database_url", "'sqlite:a.db'").unwrap(), "sqlite:a.db");
        assert!(of("postgresql_password", "'hunter2'").is_err_and(|said| !said.contains("hunter2")));
        assert_eq!(of("postgresql_password", "\"'hunter2' \"").unwrap(), "'hunter2' ");
        assert_eq!(of("postgresql_password", "it's").unwrap(), "it's");
    }

    #[test]
    fn links_of_services_are_no_settings() {
        let links = [
            ("SUPERTOKENS_PORT", "tcp://10.0.0.1:3567"),
            ("POSTGRESQL_PORT", "udp://10.0.0.1:5432\n"),
            ("SUPERTOKENS_SERVICE_HOST", "10.0.0.1"),
            ("SUPERTOKENS_SERVICE_PORT", "3567"),
            ("SUPERTOKENS_SERVICE_PORT_HTTP", "3567"),
            ("SUPERTOKENS_PORT_3567_TCP", "tcp://10.0.0.1:3567"),
            ("SUPERTOKENS_PORT_3567_TCP_ADDR", "10.0.0.1"),
            ("POSTGRES_PORT", "tcp://10.0.0.1:5432"),
        ];
        let environment = Environment::of(&links);
        for (name, _) in links.iter().take(2) {
            assert_eq!(environment.get(name), Ok(None), "{name}");
        }
        assert_eq!(environment.service_links(), ["POSTGRESQL_PORT", "SUPERTOKENS_PORT"]);
        assert_eq!((environment.strays(), environment.look_alikes()), (vec![], vec![]));
        // A port is one, and what is neither a port nor a link is for the checks to refuse.
        let set = Environment::of(&[("SUPERTOKENS_PORT", " 3567\r\n"), ("POSTGRESQL_PORT", "http://x")]);
        assert_eq!((set.get("SUPERTOKENS_PORT"), set.get("POSTGRESQL_PORT")), (Ok(Some("3567")), Ok(Some("http://x"))));
    }

    #[test]
    fn names_of_other_programs_and_misspelt_ones_are_noticed() {
        let environment = Environment::of(&[
            ("DATABASE_URL", "\"postgres://u:hunter2@h/d\""),
            ("POSTGRES_URL", "mysql://h"),
            ("POSTGRES_USER", "u"),
            ("PGHOST", ""),
            ("PGPORT", "5432"),
        ]);
        assert_eq!(
            environment.look_alikes(),
            [("DATABASE_URL", "SUPERTOKENS_DATABASE_URL"), ("POSTGRES_USER", "POSTGRESQL_USER")]
        );
        let misspelt = Environment::of(&[
            ("API_KEY", "x"),
            ("SUPERTOKENS_LOG_LEVEL", "DEBUG"),
            ("POSTGRESQL_PASWORD", "x"),
            ("SUPERTOKENS_COLOUR", "x"),
            ("POSTGRESQL_PASSWORD_FILE", "x"),
            ("API_KEYS_FILE", "x"),
            ("SUPERTOKENS_CONFIG", "x"),
            ("PATH", "/bin"),
            ("HOST", "x"),
            ("HOME", "/"),
        ]);
        let meant = |name: &str| Some(name.to_owned());
        assert_eq!(
            misspelt.strays(),
            [
                ("API_KEY", meant("API_KEYS")),
                ("POSTGRESQL_PASWORD", meant("POSTGRESQL_PASSWORD")),
                ("SUPERTOKENS_COLOUR", None),
                ("SUPERTOKENS_LOG_LEVEL", meant("LOG_LEVEL")),
            ]
        );
    }
}

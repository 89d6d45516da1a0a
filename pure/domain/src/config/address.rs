//! What does the address of a database say? One reader for the program, the embedded core and the store. It takes what providers
//! print and what people paste, where that has one meaning; where it has two, or none that is carried out, the refusal says which
//! part is meant and what to write instead. No refusal repeats the address: it may hold a password.

use crate::secret::Secret;

/// The forms that are understood, for people.
pub const FORMS: &str = "sqlite:PATH, sqlite::memory: or postgresql://[user[:password]@]host[:port][/database][?attributes]";

/// Where an address points.
#[derive(Debug, Clone)]
pub enum DatabaseAddress {
    /// In the memory of the process.
    SqliteMemory,
    /// A file, by its decoded path.
    SqliteFile(String),
    /// A PostgreSQL server.
    Postgres(PostgresAddress),
}

/// The parts that a PostgreSQL address names, decoded. What is not named is left to other settings.
#[derive(Debug, Clone, Default)]
pub struct PostgresAddress {
    /// The role.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret<String>>,
    /// Hosts in the order in which they are to be tried, with their ports. A host that begins with `/` is the folder of a socket.
    pub hosts: Vec<(String, Option<u16>)>,
    /// The database.
    pub database: Option<String>,
    /// What stands behind the question mark, if there is one.
    pub attributes: Option<Vec<(String, String)>>,
}

/// An address that cannot be used. The text goes on where a sentence has named the address: "has a …", "names no …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(String);

type Result<T> = std::result::Result<T, BadAddress>;

fn bad<T>(text: impl Into<String>) -> Result<T> {
    Err(BadAddress(text.into()))
}

impl DatabaseAddress {
    /// Reads an address. Blanks, line ends and quotation marks around it are passed over.
    pub fn parse(text: &str) -> Result<Self> {
        let text = bare(text);
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite(rest),
            "postgresql" | "postgres" if rest.starts_with("//") => postgres(rest).map(Self::Postgres),
            "jdbc" => match rest.split_once(':') {
                Some((driver, rest)) if driver.eq_ignore_ascii_case("postgresql") && rest.starts_with("//") => {
                    postgres(rest).map(Self::Postgres)
                }
                _ => bad("begins with jdbc: and names no PostgreSQL server: write postgresql://…"),
            },
            scheme if scheme.starts_with("postgres") && scheme.contains(['+', '.']) => bad(
                "names a driver of another language in its scheme: write postgresql:// in front, without + and what follows it",
            ),
            "file" => bad("begins with file: write sqlite:PATH"),
            scheme if rest.starts_with("//") && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) => {
                bad(format!("has the scheme {scheme}, which is neither sqlite nor postgresql: write {FORMS}"))
            }
            _ if ["host=", "dbname=", "user="].iter().any(|word| text.contains(word)) => {
                bad(format!("is a list of key=value pairs: write {FORMS}"))
            }
            _ => bad(format!("has no scheme that is known: write {FORMS}")),
        }
    }
}

impl PostgresAddress {
    /// Reads the address of a PostgreSQL server; that of a SQLite database is refused.
    pub fn parse(text: &str) -> Result<Self> {
        match DatabaseAddress::parse(text)? {
            DatabaseAddress::Postgres(address) => Ok(address),
            _ => bad("names no PostgreSQL server: write postgresql://[user[:password]@]host[:port][/database][?attributes]"),
        }
    }
}

/// A text without blanks, line ends and byte order marks around it.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The same, and without quotation marks around it.
fn bare(text: &str) -> &str {
    let text = trimmed(text);
    let inner = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.map_or(text, trimmed)
}

/// `auth.db`, `//auth.db`, `///var/auth.db`, `:memory:`, with the parameters that other libraries know.
fn sqlite(rest: &str) -> Result<DatabaseAddress> {
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    let mut memory = path == ":memory:";
    for (name, value) in pairs(parameters)? {
        match (name.as_str(), value.as_str()) {
            ("mode", "rwc") | ("cache", "shared" | "private") => {}
            ("mode", "memory") => memory = true,
            ("mode", _) => return bad("has a mode that is not carried out: write mode=rwc, or leave it out, which is the same"),
            _ => {
                return bad(format!(
                    "has the parameter {name}, which is not carried out: leave it out (a ? in the name of a file is written %3F)"
                ));
            }
        }
    }
    let path = decode(path)?;
    match path.as_str() {
        _ if memory => Ok(DatabaseAddress::SqliteMemory),
        "" => bad("names no file: write sqlite:PATH or sqlite::memory:"),
        path if path.starts_with("file:") => bad("has file: behind sqlite: write sqlite:PATH"),
        path if path.ends_with('/') || path.contains('\0') => {
            bad("names a folder or no path at all: write sqlite:PATH with a file")
        }
        _ => Ok(DatabaseAddress::SqliteFile(path)),
    }
}

fn postgres(rest: &str) -> Result<PostgresAddress> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (before, attributes) = rest.split_once('?').map_or((rest, None), |(before, attributes)| (before, Some(attributes)));
    let (authority, database) = before.split_once('/').map_or((before, None), |(authority, name)| (authority, Some(name)));
    // Either belongs to what is in front of the host, or neither does; a guess would be a wrong password, or one sent to a wrong host.
    if database.is_some_and(|name| name.contains('@')) {
        return bad("has a / in front of an @: a / of a password is written %2F, an @ of a database's name %40");
    }
    if attributes.is_some_and(|all| all.split('&').any(|one| one.split('=').next().is_some_and(|name| name.contains('@')))) {
        return bad("has a ? in front of an @: a ? of a password is written %3F, an @ of an attribute's name %40");
    }
    let (login, place) = authority.rsplit_once('@').map_or((None, authority), |(login, place)| (Some(login), place));
    let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
        Some((user, password)) => (some(decode(user)?), some(decode(password)?)),
        None => (None, None),
    };
    Ok(PostgresAddress {
        user,
        password: password.map(Secret::new),
        hosts: hosts(place)?,
        database: database.map(decode).transpose()?.and_then(some),
        attributes: attributes.map(pairs).transpose()?,
    })
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// `a:1,b,[::1]:2`. Nothing is no host: it may be named elsewhere.
pub(super) fn hosts(place: &str) -> Result<Vec<(String, Option<u16>)>> {
    match place.split(',').collect::<Vec<_>>().as_slice() {
        [""] => Ok(Vec::new()),
        // A port without a host is for the host that is named elsewhere.
        [only] => host_and_port(only).map(|one| vec![one]),
        several => several
            .iter()
            .map(|one| {
                host_and_port(one).and_then(|one| if one.0.is_empty() { bad("has a comma without a host") } else { Ok(one) })
            })
            .collect(),
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>)> {
    let place = place.trim();
    let bracketed = place.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or("none"))),
        None if place.matches(':').count() > 1 => {
            return bad("has more than one colon in a host: an IPv6 address is written in brackets, as in [::1]:5432");
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => Some(port),
            _ => {
                return bad(
                    "has a port that is no number from 1 to 65535 (if that is a piece of a password: in a password / is \
                            written %2F, ? is %3F and @ is %40)",
                );
            }
        },
    };
    let host = decode(host)?;
    match host_fault(&host) {
        Some(fault) => bad(fault),
        None => Ok((host, port)),
    }
}

/// What is wrong with the name, the address or the socket's folder of a server, if anything is.
pub(super) fn host_fault(host: &str) -> Option<String> {
    let fits = |c: &char| c.is_alphanumeric() || ".-_:%".contains(*c);
    if host.starts_with('/') {
        return host.contains('\0').then(|| "has a NUL in the folder of a socket".to_owned());
    }
    let strange = host.chars().find(|c| !fits(c))?;
    Some(format!(
        "has a host with the character {strange:?}: write its name or address alone, and what belongs to a password encoded"
    ))
}

/// `a=1&b=2`, decoded. What has no `=` has an empty value.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    trimmed(text)
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| Ok((decode(name)?, decode(value)?)))
        .collect()
}

/// Undoes percent encoding. A percent sign that encodes nothing is an error: guessing would make a wrong password.
fn decode(text: &str) -> Result<String> {
    let wrong = || BadAddress("has a percent sign that encodes nothing: a percent sign itself is written %25".to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit())).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = after.get(2..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| BadAddress("has percent signs that do not encode UTF-8".to_owned()))
}

/// Percent encoding of all that is not unreserved.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address in one line, for the tables.
    fn read(text: &str) -> String {
        match DatabaseAddress::parse(text) {
            Err(error) => format!("! {error}"),
            Ok(DatabaseAddress::SqliteMemory) => "memory".to_owned(),
            Ok(DatabaseAddress::SqliteFile(path)) => format!("file {path}"),
            Ok(DatabaseAddress::Postgres(a)) => {
                let hosts: Vec<String> =
                    a.hosts.iter().map(|(h, p)| p.map_or_else(|| h.clone(), |p| format!("{h} {p}"))).collect();
                let password = a.password.as_ref().map(|p| p.expose().as_str());
                format!("{:?} {:?} {hosts:?} {:?} {:?}", a.user, password, a.database, a.attributes.unwrap_or_default())
                    .replace("Some(", "")
                    .replace([')', '('], "")
            }
        }
    }

    #[test]
    fn sqlite_is_named_as_libraries_name_it_and_no_file_gets_a_question_mark_by_accident() {
        for (text, expected) in [
            ("sqlite:auth.db", "file auth.db"),
            ("sqlite://auth.db", "file auth.db"),
            ("sqlite:///var/lib/auth.db", "file /var/lib/auth.db"),
            ("sqlite:/var/lib/auth.db", "file /var/lib/auth.db"),
            ("SQLite://auth.db?mode=rwc", "file auth.db"),
            ("sqlite:auth.db?mode=rwc&cache=shared", "file auth.db"),
            ("sqlite:a%20b%3F.db", "file a b?.db"),
            (" 'sqlite:auth.db'\r\n", "file auth.db"),
            ("\u{feff}sqlite:auth.db", "file auth.db"),
            ("sqlite::memory:", "memory"),
            ("sqlite://:memory:", "memory"),
            ("sqlite::memory:?cache=shared", "memory"),
            ("sqlite://x?mode=memory", "memory"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for (text, words) in [
            ("sqlite:", "names no file"),
            ("sqlite://", "names no file"),
            ("sqlite:?mode=rwc", "names no file"),
            ("sqlite:a.db?mode=ro", "mode=rwc"),
            ("sqlite:a.db?mode=rw", "mode=rwc"),
            ("sqlite:a.db?immutable=1", "the parameter immutable"),
            ("sqlite:what?.db", "%3F"),
            ("sqlite:100%.db", "%25"),
            ("sqlite:file:a.db", "sqlite:PATH"),
            ("sqlite:/var/lib/", "folder"),
            ("file:a.db", "sqlite:PATH"),
            ("a.db", "no scheme"),
        ] {
            let said = read(text);
            assert!(said.starts_with("! ") && said.contains(words), "{text}: {said}");
        }
    }

    #[test]
    fn postgresql_is_named_as_providers_name_it() {
        for (text, expected) in [
            ("postgresql://u:p@h:1/d?a=b", r#""u" "p" ["h 1"] "d" [("a", "b")]"#),
            ("postgres://u:p@h/d", r#""u" "p" ["h"] "d" []"#),
            ("PostgreSQL://u@h", r#""u" None ["h"] None []"#),
            ("\"postgres://u:p@h/d\"\n", r#""u" "p" ["h"] "d" []"#),
            ("jdbc:postgresql://h:1/d?user=u&password=p%26", r#"None None ["h 1"] "d" [("user", "u"), ("password", "p&")]"#),
            ("postgresql://u:p@a:1,b,[::1]:3/d", r#""u" "p" ["a 1", "b", "::1 3"] "d" []"#),
            ("postgresql://u@[fe80::1%25eth0]/d", r#""u" None ["fe80::1%eth0"] "d" []"#),
            ("postgresql://u@%2Frun%2Fpg/d", r#""u" None ["/run/pg"] "d" []"#),
            ("postgresql:///d?host=/run/pg", r#"None None [] "d" [("host", "/run/pg")]"#),
            ("postgresql://u@:6000/d", r#""u" None [" 6000"] "d" []"#),
            // What a password may hold as it is, because it can mean nothing else.
            ("postgresql://u:p:w@h/d", r#""u" "p:w" ["h"] "d" []"#),
            ("postgresql://u:p@w@h/d", r#""u" "p@w" ["h"] "d" []"#),
            ("postgresql://u:p#w$!*,;&=+~^|'`<>@h/d", r#""u" "p#w$!*,;&=+~^|'`<>" ["h"] "d" []"#),
            ("postgresql://u:p w@h/d", r#""u" "p w" ["h"] "d" []"#),
            ("postgresql://u%40s:p%2F%25%3A@h/d%2Fe", r#""u@s" "p/%:" ["h"] "d/e" []"#),
            ("postgresql://h/d?user=u@server", r#"None None ["h"] "d" [("user", "u@server")]"#),
        ] {
            assert_eq!(read(text), expected.replace([')', '('], ""), "{text}");
        }
    }

    #[test]
    fn what_has_two_meanings_is_refused_with_what_to_write_and_without_the_password() {
        for (text, words) in [
            ("postgresql://u:hunter2/b@h/d", "%2F"),
            ("postgresql://u:12/hunter2@h/d", "%2F"),
            ("postgresql://u:hun@ter2/b@h/d", "%2F"),
            ("postgresql://u:hunter2?b@h/d", "%3F"),
            ("postgresql://u:hunter2?b=c@h/d", "%3F"),
            ("postgresql://u:hunter2%zz@h/d", "%25"),
            ("postgresql://u:hunter2%@h/d", "%25"),
            ("postgresql://u:hunter2%ff@h/d", "UTF-8"),
            ("postgresql://u:hunter2@h:port/d", "1 to 65535"),
            ("postgresql://u:hunter2@h:0/d", "1 to 65535"),
            ("postgresql://u:hunter2@h:65536/d", "1 to 65535"),
            ("postgresql://u:hunter2@[::1]5432/d", "1 to 65535"),
            ("postgresql://u:hunter2@::1/d", "brackets"),
            ("postgresql://u:hunter2@a,,b/d", "comma"),
            ("postgresql://u:hunter2@<host>/d", "'<'"),
            ("postgresql+asyncpg://u:hunter2@h/d", "write postgresql://"),
            ("postgres.psycopg2://u:hunter2@h/d", "write postgresql://"),
            ("jdbc:mysql://u:hunter2@h/d", "jdbc:"),
            ("mysql://u:hunter2@h/d", "the scheme mysql"),
            ("host=h user=u password=hunter2", "key=value"),
            ("postgresql:u:hunter2@h", "no scheme"),
            ("u:hunter2@h", "no scheme"),
            ("hunter2", "no scheme"),
            ("", "no scheme"),
        ] {
            let said = read(text);
            assert!(said.starts_with("! ") && said.contains(words) && !said.contains("hunter2"), "{text}: {said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic_and_what_it_encodes_it_reads_again(text in "\\PC{0,30}") {
            for scheme in ["", "sqlite:", "sqlite://", "postgresql://", "jdbc:postgresql://"] {
                let _ = DatabaseAddress::parse(&format!("{scheme}{text}"));
            }
            proptest::prop_assert_eq!(decode(&encode(&text)).unwrap(), text.clone());
            let address = format!("postgresql://u:{}@h/d", encode(&text));
            let password = PostgresAddress::parse(&address).unwrap().password.map(|p| p.expose().clone());
            proptest::prop_assert_eq!(password.unwrap_or_default(), text);
        }
    }
}

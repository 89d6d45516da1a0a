//! The options that an address stands for (core-server.md 9.4).
//!
//! What do the attributes behind it ask for, by their names in libpq and JDBC? Each is carried out; or refused, where it is about safety
//! or chooses another server, as nobody would notice that it was not; or, where it is about neither, noted and passed over.

use std::time::Duration;

use supertokens_domain::config::{BadAddress, DatabaseAddress, PostgresAddress};
use supertokens_domain::secret::Secret;

use crate::machinery::options::{ChannelBinding, DatabaseOptions, PostgresOptions, TlsMode, TlsVersion};

/// What is not carried out and may not be passed over, with what to do instead.
const REFUSED: &[(&str, &str)] = &[
    ("hostaddr", "write the address as the host"),
    ("options", "tell the role what it sets: ALTER ROLE … SET …"),
    ("passfile", "that file is not read: write user and password here"),
    ("replication", "leave it out"),
    ("require_auth", "leave it out; channel_binding=require takes nothing but SCRAM over an encrypted connection"),
    ("requirepeer", "leave it out"),
    ("service", "that file is not read: write host, user and password here"),
    ("servicefile", "that file is not read: write host, user and password here"),
    ("sslcert", "clients have no certificates here: leave it out, and let the role log in with a password"),
    ("sslkey", "clients have no certificates here: leave it out, and let the role log in with a password"),
    ("sslpassword", "clients have no certificates here: leave it out, and let the role log in with a password"),
    ("sslcrl", "lists of revoked certificates are not read: leave it out"),
    ("sslcrldir", "lists of revoked certificates are not read: leave it out"),
];

/// How names begin that are about safety, whichever they are.
const SAFETY: [&str; 11] = ["ssl", "tls", "gss", "krb", "kerberos", "jaas", "auth", "require", "scram", "oauth", "socketfactory"];

/// A database URL that cannot be used. It does not repeat the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the database URL {0}")]
pub struct BadUrl(pub(crate) String);

impl From<BadAddress> for BadUrl {
    fn from(bad: BadAddress) -> Self {
        Self(bad.to_string())
    }
}

impl DatabaseOptions {
    /// Reads `sqlite:PATH`, `sqlite::memory:` or `postgresql://[user[:password]@]host[:port][/database][?attributes]`.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        match DatabaseAddress::parse(url)? {
            DatabaseAddress::SqliteMemory => Ok(Self::memory()),
            DatabaseAddress::SqliteFile(path) => Ok(Self::file(path)),
            DatabaseAddress::Postgres(address) => {
                let mut options = PostgresOptions::default();
                options.apply(address)?;
                Ok(Self::Postgres(Box::new(options)))
            }
        }
    }
}

impl PostgresOptions {
    /// Takes over what the URL says; what it leaves out stays as it is.
    pub fn apply_url(&mut self, url: &str) -> Result<(), BadUrl> {
        self.apply(PostgresAddress::parse(url)?)
    }

    fn apply(&mut self, address: PostgresAddress) -> Result<(), BadUrl> {
        self.user = address.user.or(self.user.take());
        self.password = address.password.or(self.password.take());
        self.dbname = address.database.unwrap_or(std::mem::take(&mut self.dbname));
        self.apply_hosts(address.hosts);
        for (name, value) in address.attributes.unwrap_or_default() {
            self.apply_attribute(&name, value)?;
        }
        Ok(())
    }

    fn apply_hosts(&mut self, hosts: Vec<(String, Option<u16>)>) {
        let default = self.port;
        let mut hosts = hosts.into_iter().map(|(host, port)| (host, port.unwrap_or(default)));
        if let Some((host, port)) = hosts.next() {
            self.port = port;
            self.host = Some(host).filter(|host| !host.is_empty()).unwrap_or(std::mem::take(&mut self.host));
            self.more_hosts = hosts.collect();
        }
    }

    /// One attribute of the address, by its name in libpq or JDBC.
    pub fn apply_attribute(&mut self, name: &str, value: String) -> Result<(), BadUrl> {
        match name {
            "currentSchema" if !value.is_empty() => self.tables.schema = value,
            "host" if !value.is_empty() => self.set_hosts(&value),
            "port" => self.set_ports(&value)?,
            "dbname" if !value.is_empty() => self.dbname = value,
            "user" => self.user = Some(value),
            "password" => self.password = Some(Secret::new(value)),
            "application_name" | "ApplicationName" if !value.is_empty() => self.application_name = value,
            // Elsewhere 0 and less is for ever; nobody waits for ever here.
            "connect_timeout" | "connectTimeout" => set(&mut self.connect_timeout, positive(name, &value)?),
            "target_session_attrs" | "targetServerType" => self.any_session = Some(any_session(name, &value)?),
            "load_balance_hosts" | "loadBalanceHosts" => self.any_order = matches!(value.as_str(), "random" | "true"),
            "keepalives" => self.keepalive.on = value != "0",
            "tcpKeepAlive" => self.keepalive.on = value == "true",
            // 0 and less: as if it were not said.
            "keepalives_idle" => set(&mut self.keepalive.idle, positive(name, &value)?),
            "keepalives_interval" => set(&mut self.keepalive.interval, positive(name, &value)?),
            "keepalives_count" => {
                let count = positive(name, &value)?.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
                self.keepalive.count = count.unwrap_or(self.keepalive.count);
            }
            // 0 is what the system does by itself.
            "tcp_user_timeout" => self.keepalive.user_timeout = Duration::from_millis(positive(name, &value)?.unwrap_or(0)),
            // What the Java core adds to every address, for a database that is not this one.
            "allowPublicKeyRetrieval" => {}
            _ => self.apply_safety(name, value)?,
        }
        Ok(())
    }

    fn apply_safety(&mut self, name: &str, value: String) -> Result<(), BadUrl> {
        match (name, value.as_str()) {
            ("sslmode", word) => (self.tls, self.tls_is_said) = (mode(word)?, true),
            // As JDBC has it, a mode says more than a switch, wherever it stands.
            ("ssl", _) if self.tls_is_said => {}
            ("ssl", "" | "true") => self.tls = TlsMode::Verify,
            ("ssl", "false") => self.tls = TlsMode::Prefer,
            ("ssl", _) => return Err(BadUrl("has an unknown ssl: true and false are known, and sslmode says more".into())),
            ("requiressl", _) if self.tls_is_said => {}
            ("requiressl", "1") => self.tls = TlsMode::Require,
            ("requiressl", "0") => self.tls = TlsMode::Prefer,
            ("sslrootcert", "system") => self.system_certificates = true,
            ("sslrootcert", "") => {}
            ("sslrootcert", _) => self.root_certificates = Some(value.into()),
            ("channel_binding" | "channelBinding", "disable") => self.channel_binding = ChannelBinding::Disable,
            ("channel_binding" | "channelBinding", "prefer") => self.channel_binding = ChannelBinding::Prefer,
            ("channel_binding" | "channelBinding", "require") => self.channel_binding = ChannelBinding::Require,
            ("channel_binding" | "channelBinding", _) => {
                return Err(BadUrl("has an unknown channel_binding: disable, prefer and require are known".into()));
            }
            ("sslsni", "0") => self.hides_name = true,
            ("sslsni", "1") => self.hides_name = false,
            ("ssl_min_protocol_version", "TLSv1.3") => self.only(TlsVersion::Only13)?,
            ("ssl_max_protocol_version", "TLSv1.2") => self.only(TlsVersion::Only12)?,
            // What is asked for is what is done anyway. Nothing is compressed, whether that may be or not; Kerberos is not spoken, and
            // there is nothing to be waited for; the answer to a request for TLS is waited for as long as for all of a connection.
            ("gssencmode" | "gssEncMode", "disable" | "allow" | "prefer")
            | ("gssdelegation", "0")
            | ("gssResponseTimeout" | "sslResponseTimeout", _)
            | ("sslnegotiation" | "sslNegotiation", "postgres")
            | ("sslcompression", "0" | "1")
            | ("sslcertmode", "disable" | "allow")
            | ("sslfactory", "" | "org.postgresql.ssl.LibPQFactory")
            | ("ssl_min_protocol_version", "" | "TLSv1" | "TLSv1.1" | "TLSv1.2")
            | ("ssl_max_protocol_version", "" | "TLSv1.3")
            | ("sslcert" | "sslkey" | "sslpassword" | "sslcrl" | "sslcrldir" | "require_auth" | "requireAuth", "")
            | ("replication", "" | "false" | "off" | "no" | "0")
            | ("options", "") => {}
            _ => {
                let advice = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, advice)| *advice);
                let lower = name.to_ascii_lowercase();
                let of_safety = SAFETY.iter().any(|start| lower.starts_with(start));
                if advice.is_none() && !of_safety {
                    self.passed_over.push(name.to_owned());
                    return Ok(());
                }
                let advice =
                    advice.unwrap_or("leave it out, or write sslmode, sslrootcert or channel_binding for what it is to do");
                return Err(BadUrl(format!("has the attribute {name}, which is not carried out in this form: {advice}")));
            }
        }
        Ok(())
    }

    fn only(&mut self, version: TlsVersion) -> Result<(), BadUrl> {
        if self.tls_version.is_some_and(|other| other != version) {
            return Err(BadUrl("has an ssl_min_protocol_version above ssl_max_protocol_version".into()));
        }
        self.tls_version = Some(version);
        Ok(())
    }

    /// `a,b`: the ports stay, or are those of the first.
    fn set_hosts(&mut self, value: &str) {
        let mut hosts = value.split(',').map(|host| host.trim().to_owned());
        self.host = hosts.next().unwrap_or_default();
        self.more_hosts = hosts.map(|host| (host, self.port)).collect();
    }

    /// `1` for all, or one for each.
    fn set_ports(&mut self, value: &str) -> Result<(), BadUrl> {
        let bad = || BadUrl("has a port that is no number from 1 to 65535".into());
        let port = |text: &str| text.trim().parse().ok().filter(|port| *port > 0).ok_or_else(bad);
        let ports = value.split(',').map(port).collect::<Result<Vec<u16>, _>>()?;
        let first = *ports.first().ok_or_else(bad)?;
        if ports.len() != 1 && ports.len() != self.more_hosts.len() + 1 {
            return Err(BadUrl("has not as many ports as hosts (host stands before port)".into()));
        }
        self.port = first;
        for (at, (_, port)) in self.more_hosts.iter_mut().enumerate() {
            *port = ports.get(at + 1).copied().unwrap_or(first);
        }
        Ok(())
    }
}

fn mode(word: &str) -> Result<TlsMode, BadUrl> {
    Ok(match word {
        "disable" => TlsMode::Disable,
        "allow" | "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyAuthority,
        "verify-full" => TlsMode::Verify,
        _ => return Err(BadUrl("has an unknown sslmode: disable, prefer, require, verify-ca or verify-full are known".into())),
    })
}

fn any_session(name: &str, value: &str) -> Result<bool, BadUrl> {
    match value {
        "any" | "prefer-standby" | "preferSecondary" | "preferSlave" => Ok(true),
        // On a standby nothing can be stored, so that one is of no use where there is no primary.
        "read-write" | "primary" | "master" | "preferPrimary" | "preferMaster" => Ok(false),
        _ => Err(BadUrl(format!("has a {name} on which nothing can be stored: write read-write, or any"))),
    }
}

/// A number above 0.
fn positive(name: &str, value: &str) -> Result<Option<u64>, BadUrl> {
    let number: i64 = value.trim().parse().map_err(|_| BadUrl(format!("has a {name} that is no whole number")))?;
    Ok(u64::try_from(number).ok().filter(|number| *number > 0))
}

fn set(place: &mut Duration, seconds: Option<u64>) {
    *place = seconds.map_or(*place, Duration::from_secs);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(attributes: &str) -> Result<PostgresOptions, String> {
        match DatabaseOptions::parse(&format!("postgresql://u:hunter2@h/d?{attributes}")) {
            Ok(DatabaseOptions::Postgres(options)) => Ok(*options),
            Ok(_) => panic!("not PostgreSQL"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn postgres(url: &str) -> PostgresOptions {
        match DatabaseOptions::parse(url) {
            Ok(DatabaseOptions::Postgres(options)) => *options,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn a_postgres_url_is_taken_apart() {
        let o = postgres(
            "postgresql://me:p%40ss:w@db.example:6000/auth?currentSchema=st&allowPublicKeyRetrieval=true&sslmode=require",
        );
        assert_eq!((o.host.as_str(), o.port, o.dbname.as_str(), o.user.as_deref()), ("db.example", 6000, "auth", Some("me")));
        assert_eq!(o.password.as_ref().map(|p| p.expose().as_str()), Some("p@ss:w"));
        assert_eq!((o.tables.schema.as_str(), o.tls), ("st", TlsMode::Require));
        let o = postgres("postgresql://localhost");
        assert_eq!((o.host.as_str(), o.port, o.dbname.as_str(), o.user), ("localhost", 5432, "supertokens", None));
        let o = postgres("postgres://u@[::1]:1234");
        assert_eq!((o.host.as_str(), o.port), ("::1", 1234));
        assert_eq!(postgres("postgresql://u@/db?host=%2Frun%2Fpg").host, "/run/pg");
    }

    #[test]
    fn what_the_url_leaves_out_stays() {
        let mut o = PostgresOptions { dbname: "kept".into(), port: 7, ..PostgresOptions::default() };
        o.apply_url("postgresql://u@h").unwrap();
        assert_eq!((o.dbname.as_str(), o.port, o.host.as_str()), ("kept", 7, "h"));
    }

    #[test]
    fn a_sqlite_url_names_a_file_or_memory() {
        assert_eq!(DatabaseOptions::parse("sqlite::memory:").unwrap().redacted(), "sqlite::memory:");
        assert_eq!(DatabaseOptions::parse("sqlite:a/b.db").unwrap().redacted(), "sqlite:a/b.db");
        assert_eq!(DatabaseOptions::parse("sqlite:///a/b.db").unwrap().redacted(), "sqlite:/a/b.db");
        assert!(DatabaseOptions::parse("sqlite:").is_err());
    }

    #[test]
    fn a_password_is_never_printed() {
        let url = "postgresql://me:hunter2@h:1/d";
        let options = DatabaseOptions::parse(url).unwrap();
        assert_eq!(options.redacted(), "postgresql://me:***@h:1/d");
        assert!(!format!("{options:?}").contains("hunter2"));
        for bad in ["mysql://me:hunter2@h", "postgresql://me:hunter2%zz@h", "postgresql://me:hunter2@h:port/"] {
            let error = DatabaseOptions::parse(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_carried_out() {
        let o =
            read("channel_binding=require&application_name=me&connect_timeout=3&target_session_attrs=any&keepalives=0").unwrap();
        assert_eq!((o.channel_binding, o.application_name.as_str()), (ChannelBinding::Require, "me"));
        assert_eq!((o.connect_timeout, o.any_session, o.keepalive.on), (Duration::from_secs(3), Some(true), false));
        let o =
            read("ssl_min_protocol_version=TLSv1.3&sslsni=0&keepalives_idle=7&keepalives_count=0&connect_timeout=-1").unwrap();
        assert_eq!((o.tls_version, o.hides_name, o.keepalive.idle), (Some(TlsVersion::Only13), true, Duration::from_secs(7)));
        assert_eq!((o.keepalive.count, o.connect_timeout), (3, Duration::from_secs(5)));
        let o = read("ssl_max_protocol_version=TLSv1.2&requiressl=1").unwrap();
        assert_eq!((o.tls_version, o.tls), (Some(TlsVersion::Only12), TlsMode::Require));
        for (wanted, any) in [("preferPrimary", false), ("primary", false), ("any", true), ("preferSecondary", true)] {
            assert_eq!(read(&format!("targetServerType={wanted}")).unwrap().any_session, Some(any), "{wanted}");
        }
        let o = read("host=a,b&port=1,2&load_balance_hosts=random&dbname=x").unwrap();
        assert_eq!((o.host.as_str(), o.port, o.dbname.as_str(), o.any_order), ("a", 1, "x", true));
        assert_eq!(o.more_hosts, [("b".to_owned(), 2)]);
        for harmless in [
            "allowPublicKeyRetrieval=true&gssencmode=prefer&gssEncMode=disable&gssdelegation=0&sslnegotiation=postgres",
            "sslResponseTimeout=5000&gssResponseTimeout=5000&ssl_min_protocol_version=TLSv1.2&ssl_max_protocol_version=TLSv1.3",
            "sslcompression=1&sslcertmode=allow&sslfactory=org.postgresql.ssl.LibPQFactory&sslcert=&require_auth=&options=",
            "replication=false&sslsni=1&tcpKeepAlive=true&ApplicationName=me&keepalives_interval=0&tcp_user_timeout=0",
        ] {
            assert!(read(harmless).unwrap().passed_over.is_empty(), "{harmless}");
        }
        assert_eq!(read("prepareThreshold=0&pgbouncer=true").unwrap().passed_over, ["prepareThreshold", "pgbouncer"]);
    }

    #[test]
    fn what_is_about_safety_and_not_carried_out_is_refused_by_name() {
        for attribute in [
            "require_auth=scram-sha-256",
            "sslcert=a.crt",
            "sslkey=a.key",
            "sslcrl=a.crl",
            "gssencmode=require",
            "options=-csearch_path%3Dx",
            "sslnegotiation=direct",
            "ssl_min_protocol_version=SSLv3",
            "sslcertmode=require",
            "sslfactory=org.postgresql.ssl.NonValidatingFactory",
            "sslMode=verify-full",
            "passfile=x",
            "service=x",
            "hostaddr=10.0.0.1",
            "authenticationPluginClassName=x",
        ] {
            let name = attribute.split('=').next().unwrap_or_default();
            let said = read(attribute).unwrap_err();
            assert!(said.contains(&format!("the attribute {name}, ")) && !said.contains("hunter2"), "{said}");
        }
        for (attribute, words) in [
            ("sslmode=verify", "unknown sslmode"),
            ("ssl=require", "unknown ssl"),
            ("ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2", "above"),
            ("channel_binding=yes", "unknown channel_binding"),
            ("target_session_attrs=read-only", "nothing can be stored"),
            ("connect_timeout=soon", "connect_timeout that is no whole number"),
            ("host=a,b&port=1,2,3", "as many ports"),
            ("port=0", "1 to 65535"),
        ] {
            assert!(read(attribute).unwrap_err().contains(words), "{attribute}");
        }
    }

    #[test]
    fn what_is_looked_at_in_a_certificate_is_what_it_is_for_other_clients() {
        for (attributes, mode) in [
            ("", TlsMode::Prefer),
            ("sslmode=disable&sslrootcert=a.pem", TlsMode::Disable),
            ("sslmode=require", TlsMode::Require),
            // As libpq: who names an authority wants it to be looked at.
            ("sslmode=require&sslrootcert=a.pem", TlsMode::VerifyAuthority),
            ("sslrootcert=a.pem&sslmode=verify-ca", TlsMode::VerifyAuthority),
            ("sslrootcert=a.pem&sslmode=verify-full", TlsMode::Verify),
            ("ssl=true", TlsMode::Verify),
            ("sslmode=disable&ssl=true", TlsMode::Disable),
            ("sslmode=require&ssl=false", TlsMode::Require),
            // Everybody can have a certificate of a public authority: without the name it says nothing.
            ("sslmode=verify-ca", TlsMode::Verify),
            ("sslrootcert=system&sslmode=require", TlsMode::Verify),
            ("sslrootcert=system", TlsMode::Verify),
        ] {
            assert_eq!(read(attributes).unwrap().tls_mode(), mode, "{attributes}");
        }
    }
}

//! What do the attributes behind an address ask for, by their names in libpq and JDBC? Each is carried out; or refused, where it is
//! about safety or chooses another server, as nobody would notice that it was not; or, where it is about neither, noted and passed over.

use std::time::Duration;

use supertokens_domain::secret::Secret;

use crate::options::{BadUrl, ChannelBinding, PostgresOptions, TlsMode};

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

impl PostgresOptions {
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
            "connect_timeout" | "connectTimeout" => {
                let seconds = number(name, &value)?;
                if seconds > 0 {
                    self.connect_timeout = Duration::from_secs(seconds);
                }
            }
            "target_session_attrs" | "targetServerType" => self.any_session = Some(any_session(name, &value)?),
            "load_balance_hosts" | "loadBalanceHosts" => self.any_order = matches!(value.as_str(), "random" | "true"),
            "keepalives" => self.keepalive.on = value != "0",
            "tcpKeepAlive" => self.keepalive.on = value == "true",
            "keepalives_idle" => self.keepalive.idle = Duration::from_secs(number(name, &value)?.max(1)),
            "keepalives_interval" => self.keepalive.interval = Duration::from_secs(number(name, &value)?.max(1)),
            "keepalives_count" => self.keepalive.count = u32::try_from(number(name, &value)?.max(1)).unwrap_or(u32::MAX),
            "tcp_user_timeout" => self.keepalive.user_timeout = Duration::from_millis(number(name, &value)?),
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
            ("ssl", _) => self.tls = TlsMode::Prefer,
            ("sslrootcert", "system") => self.system_certificates = true,
            ("sslrootcert", "") => {}
            ("sslrootcert", _) => self.root_certificates = Some(value.into()),
            ("channel_binding" | "channelBinding", "disable") => self.channel_binding = ChannelBinding::Disable,
            ("channel_binding" | "channelBinding", "prefer") => self.channel_binding = ChannelBinding::Prefer,
            ("channel_binding" | "channelBinding", "require") => self.channel_binding = ChannelBinding::Require,
            ("channel_binding" | "channelBinding", _) => {
                return Err(BadUrl("has an unknown channel_binding: disable, prefer and require are known".into()));
            }
            // What is asked for is what is done anyway.
            ("gssencmode" | "gssEncMode", "disable" | "allow" | "prefer")
            | ("sslnegotiation" | "sslNegotiation", "postgres")
            | ("sslcompression", "0")
            | ("sslsni", "1")
            | ("ssl_min_protocol_version", "TLSv1" | "TLSv1.1" | "TLSv1.2") => {}
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
        "any" | "prefer-standby" => Ok(true),
        "read-write" | "primary" | "master" => Ok(false),
        _ => Err(BadUrl(format!("has a {name} on which nothing can be stored: write read-write, or any"))),
    }
}

fn number(name: &str, value: &str) -> Result<u64, BadUrl> {
    value.parse().map_err(|_| BadUrl(format!("has a {name} that is no whole number")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::DatabaseOptions;

    fn read(attributes: &str) -> Result<PostgresOptions, String> {
        match DatabaseOptions::parse(&format!("postgresql://u:hunter2@h/d?{attributes}")) {
            Ok(DatabaseOptions::Postgres(options)) => Ok(*options),
            Ok(_) => panic!("not PostgreSQL"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn what_is_carried_out() {
        let o =
            read("channel_binding=require&application_name=me&connect_timeout=3&target_session_attrs=any&keepalives=0").unwrap();
        assert_eq!((o.channel_binding, o.application_name.as_str()), (ChannelBinding::Require, "me"));
        assert_eq!((o.connect_timeout, o.any_session, o.keepalive.on), (Duration::from_secs(3), Some(true), false));
        let o = read("host=a,b&port=1,2&load_balance_hosts=random&dbname=x").unwrap();
        assert_eq!((o.host.as_str(), o.port, o.dbname.as_str(), o.any_order), ("a", 1, "x", true));
        assert_eq!(o.more_hosts, [("b".to_owned(), 2)]);
        assert!(read("allowPublicKeyRetrieval=true&gssencmode=prefer&sslnegotiation=postgres").unwrap().passed_over.is_empty());
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
            "ssl_min_protocol_version=TLSv1.3",
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

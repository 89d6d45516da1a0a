//! Which names may a connection URI domain, an app or a tenant be created with? (core-multitenancy.md 1)
//!
//! Names that are only looked up are not refused: an impossible name is simply not found, and nobody needs to look for it.

use crate::ids::{AppId, ConnectionUriDomain, TenantId, TenantIdentifier};

/// Words that a path has in the place of a tenant.
pub const RESERVED_TENANTS: [&str; 4] = ["recipe", "config", "users", "hello"];

/// Characters that the tables hold for an app or tenant.
const LONGEST_ID: usize = 64;
/// Characters that the tables hold for a connection URI domain.
const LONGEST_DOMAIN: usize = 256;

/// Why a name cannot be used. Displays as upstream's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("{0} should not be an empty String")]
    Empty(&'static str),
    /// It would be taken for the app segment of a path.
    #[error("{0} must not start with 'appid-'")]
    AppPrefix(&'static str),
    /// A character that cannot stand in a path segment.
    #[error("{0} can only contain letters, numbers and hyphens")]
    Characters(&'static str),
    /// It would be taken for the beginning of an endpoint.
    #[error("Cannot use '{0}' as a tenantId")]
    Reserved(String),
    /// Not a host name.
    #[error("connectionUriDomain is invalid")]
    Domain,
    /// Longer than its column. The Java server fails with a 500 here; we say what is wrong.
    #[error("{0} must not be longer than {1} characters")]
    TooLong(&'static str, usize),
}

/// Reads the `appId` of a request.
pub fn parse_app_id(text: &str) -> Result<AppId, NameError> {
    let id = text.trim().to_lowercase();
    check_id("appId", &id)?;
    Ok(AppId::normalise(&id))
}

/// Reads the `tenantId` of a request.
pub fn parse_tenant_id(text: &str) -> Result<TenantId, NameError> {
    let id = text.trim().to_lowercase();
    if RESERVED_TENANTS.contains(&id.as_str()) {
        return Err(NameError::Reserved(id));
    }
    check_id("tenantId", &id)?;
    Ok(TenantId::normalise(&id))
}

/// Reads the `connectionUriDomain` of a request: a host name. A port may stand behind it and is dropped.
pub fn parse_connection_uri_domain(text: &str) -> Result<ConnectionUriDomain, NameError> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Err(NameError::Empty("connectionUriDomain"));
    }
    let host = match text.split_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) => return Err(NameError::Domain),
        None => &text,
    };
    if !host.split('.').all(|label| !label.is_empty() && label.bytes().all(is_id_byte)) {
        return Err(NameError::Domain);
    }
    if host.len() > LONGEST_DOMAIN {
        return Err(NameError::TooLong("connectionUriDomain", LONGEST_DOMAIN));
    }
    Ok(ConnectionUriDomain::normalise(host))
}

/// Can there be such an app and tenant at all? False for names that neither this core nor the Java one would have made.
pub fn may_exist(id: &TenantIdentifier) -> bool {
    let possible = |name: &str| name.len() <= LONGEST_ID && name.bytes().all(is_id_byte);
    possible(id.app.as_str()) && possible(id.tenant.as_str()) && id.cud.as_str().chars().count() <= LONGEST_DOMAIN
}

fn check_id(field: &'static str, id: &str) -> Result<(), NameError> {
    if id.is_empty() {
        return Err(NameError::Empty(field));
    }
    if id.starts_with("appid-") {
        return Err(NameError::AppPrefix(field));
    }
    if !id.bytes().all(is_id_byte) {
        return Err(NameError::Characters(field));
    }
    if id.len() > LONGEST_ID {
        return Err(NameError::TooLong(field, LONGEST_ID));
    }
    Ok(())
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_ids() {
        let long = "a".repeat(64);
        let too_long = "a".repeat(65);
        let cases: [(&str, Result<&str, &str>); 13] = [
            ("a1", Ok("a1")),
            ("  A-1 ", Ok("a-1")),
            ("public", Ok("public")),
            ("recipe", Ok("recipe")),
            ("appid", Ok("appid")),
            ("0b54c9a2-7d3e-4f61-9c58-1a2b3c4d5e6f", Ok("0b54c9a2-7d3e-4f61-9c58-1a2b3c4d5e6f")),
            (&long, Ok(&long)),
            ("", Err("appId should not be an empty String")),
            (" \t", Err("appId should not be an empty String")),
            ("AppId-x", Err("appId must not start with 'appid-'")),
            ("a_1", Err("appId can only contain letters, numbers and hyphens")),
            ("ä", Err("appId can only contain letters, numbers and hyphens")),
            (&too_long, Err("appId must not be longer than 64 characters")),
        ];
        for (text, expected) in cases {
            let got = parse_app_id(text).map(|id| id.as_str().to_owned()).map_err(|e| e.to_string());
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn tenant_ids() {
        let cases: [(&str, Result<&str, &str>); 11] = [
            ("t1", Ok("t1")),
            (" T1", Ok("t1")),
            ("public", Ok("public")),
            ("recipes", Ok("recipes")),
            ("", Err("tenantId should not be an empty String")),
            ("Recipe", Err("Cannot use 'recipe' as a tenantId")),
            ("config ", Err("Cannot use 'config' as a tenantId")),
            ("users", Err("Cannot use 'users' as a tenantId")),
            ("hello", Err("Cannot use 'hello' as a tenantId")),
            ("appid-t", Err("tenantId must not start with 'appid-'")),
            ("t/1", Err("tenantId can only contain letters, numbers and hyphens")),
        ];
        for (text, expected) in cases {
            let got = parse_tenant_id(text).map(|id| id.as_str().to_owned()).map_err(|e| e.to_string());
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn impossible_names_need_not_be_looked_for() {
        let at = |app: &str, tenant: &str| TenantIdentifier {
            app: AppId::normalise(app),
            tenant: TenantId::normalise(tenant),
            ..TenantIdentifier::default()
        };
        let (long, too_long) = ("a".repeat(64), "a".repeat(65));
        for (id, possible) in [
            (at("", ""), true),
            (at("a-1", "T1"), true),
            (at(&long, &long), true),
            (at(&too_long, ""), false),
            (at("", &too_long), false),
            (at("a_b", ""), false),
            (at("", "t\0"), false),
            (at("", "ä"), false),
        ] {
            assert_eq!(may_exist(&id), possible, "{id}");
        }
    }

    #[test]
    fn connection_uri_domains() {
        let invalid = Err("connectionUriDomain is invalid");
        let cases: [(&str, Result<&str, &str>); 16] = [
            ("localhost", Ok("localhost")),
            (" Example.COM ", Ok("example.com")),
            ("a.example.com:3567", Ok("a.example.com")),
            ("127.0.0.1", Ok("127.0.0.1")),
            ("127.0.0.1:80", Ok("127.0.0.1")),
            ("", Err("connectionUriDomain should not be an empty String")),
            ("http://example.com", invalid),
            ("example.com/path", invalid),
            ("example.com:", invalid),
            ("example.com:x", invalid),
            (":80", invalid),
            ("a..b", invalid),
            (".a", invalid),
            ("a_b.com", invalid),
            ("[::1]", invalid),
            ("a b", invalid),
        ];
        for (text, expected) in cases {
            let got = parse_connection_uri_domain(text).map(|id| id.as_str().to_owned()).map_err(|e| e.to_string());
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
        let long = vec!["a".repeat(50); 6].join(".");
        assert_eq!(parse_connection_uri_domain(&long), Err(NameError::TooLong("connectionUriDomain", 256)));
    }
}

//! What stands in a cookie's `Domain` attribute? A host name; with a dot in front if the setting has one, which old browsers need to
//! send the cookie to the hosts below (sdk-session.md 4.4).

use std::fmt;

use url::Url;

use super::{AddressError, is_dotted_ipv4, shown};

/// The host name of a cookie's `Domain` attribute: `api.example.com` or `.example.com`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CookieDomain(String);

impl CookieDomain {
    /// Reads a host name or a whole address. Fails if there is no host in it, or one that would end the attribute.
    pub fn parse(input: &str) -> Result<Self, AddressError> {
        Self::read(input).ok_or_else(|| AddressError::InvalidCookieDomain { input: shown(input) })
    }

    fn read(input: &str) -> Option<Self> {
        let text = input.trim().to_lowercase();
        let (dot, text) = text.strip_prefix('.').map_or(("", text.as_str()), |text| (".", text));
        let url = if text.starts_with("http://") || text.starts_with("https://") {
            Url::parse(text).ok()?
        } else {
            Url::parse(&format!("http://{text}")).ok()?
        };
        let host = url.host_str().filter(|host| !host.is_empty() && !host.contains([';', ',']))?;
        let dot = if host == "localhost" || is_dotted_ipv4(host) { "" } else { dot };
        Some(Self(format!("{dot}{host}")))
    }

    /// As it stands in the attribute.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CookieDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CookieDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        let rows = [
            ("api.example.com", "api.example.com"),
            ("http://api.example.com", "api.example.com"),
            ("https://api.example.com:8080/x?y#z", "api.example.com"),
            (".example.com", ".example.com"),
            (".Example.com", ".example.com"),
            (".example.com/", ".example.com"),
            (".example.com#r", ".example.com"),
            (" .example.com", ".example.com"),
            ("localhost", "localhost"),
            (".localhost", "localhost"),
            (".localhost:8080", "localhost"),
            ("localhost.org", "localhost.org"),
            (".localhost.org", ".localhost.org"),
            ("127.0.0.1", "127.0.0.1"),
            (".127.0.0.1", "127.0.0.1"),
        ];
        for (input, expected) in rows {
            let domain = CookieDomain::parse(input).unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(domain.as_str(), expected, "{input}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_gets_out_of_the_attribute(text in "\\.?\\PC{0,20}") {
            if let Ok(domain) = CookieDomain::parse(&text) {
                let safe = domain.as_str().bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b','));
                proptest::prop_assert!(safe && !domain.as_str().is_empty(), "{}", domain);
            }
        }
    }

    #[test]
    fn what_is_no_cookie_domain() {
        for input in ["", " ", ".", "http://", "a b", "a;b.com", "a,b.com"] {
            let refused = CookieDomain::parse(input);
            assert_eq!(refused, Err(AddressError::InvalidCookieDomain { input: input.trim().to_owned() }), "{input}");
        }
    }
}

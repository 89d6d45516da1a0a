//! What stands in a cookie's `Domain` attribute? A host name; with a dot in front if the setting has one, which old browsers need to
//! send the cookie to the hosts below (sdk-session.md 4.4).

use std::fmt;

use url::Url;

use super::{AddressError, Domain, is_dotted_ipv4, shown};

/// The host name of a cookie's `Domain` attribute: `api.example.com` or `.example.com`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CookieDomain(String);

impl CookieDomain {
    /// Reads a host name or a whole address. Fails if there is no host in it, one that would end the attribute, or a `*`.
    pub fn parse(input: &str) -> Result<Self, AddressError> {
        let domain = Self::read(input).ok_or_else(|| AddressError::InvalidCookieDomain { input: shown(input) })?;
        match domain.host().rsplit_once('*') {
            Some((_, rest)) => {
                let instead = format!(".{}", rest.trim_matches('.'));
                Err(AddressError::WildcardCookieDomain { input: shown(input), instead })
            }
            None => Ok(domain),
        }
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

    fn host(&self) -> &str {
        self.0.strip_prefix('.').unwrap_or(&self.0)
    }

    /// Why browsers drop every cookie with this domain that an API at this address sets; `None` if they keep it (RFC 6265, 5.3).
    pub fn dropped_from(&self, api: &Domain) -> Option<DroppedCookie> {
        let (host, wanted) = (api.host(), self.host());
        if host == wanted {
            return None;
        }
        if psl::suffix_str(wanted) == Some(wanted) {
            return Some(DroppedCookie::PublicSuffix);
        }
        let is_below = host.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.'));
        (!is_below || is_dotted_ipv4(host)).then_some(DroppedCookie::OtherHost)
    }
}

/// Why browsers do not keep a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DroppedCookie {
    /// The API is neither the domain nor below it.
    OtherHost,
    /// Below the domain are hosts of many owners.
    PublicSuffix,
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
    fn what_browsers_keep_from_an_api() {
        use DroppedCookie::{OtherHost, PublicSuffix};
        let rows = [
            ("https://api.example.com", "api.example.com", None),
            ("https://api.example.com", ".api.example.com", None),
            ("https://api.example.com:8443", ".example.com", None),
            ("https://api.example.com", "example.com", None),
            ("https://a.b.example.co.uk", ".example.co.uk", None),
            ("https://api.example.com", ".other.org", Some(OtherHost)),
            ("https://api.example.com", "app.example.com", Some(OtherHost)),
            ("https://api.example.com", "x.api.example.com", Some(OtherHost)),
            ("https://api.example.com", "ample.com", Some(OtherHost)),
            ("https://api.example.com", ".com", Some(PublicSuffix)),
            ("https://api.example.co.uk", "co.uk", Some(PublicSuffix)),
            ("https://shop.github.io", ".github.io", Some(PublicSuffix)),
            // A host that is a suffix itself gets a cookie for that host only.
            ("https://ec2.compute-1.amazonaws.com", "ec2.compute-1.amazonaws.com", None),
            ("https://api.machine.local", ".machine.local", None),
            ("https://api.machine.local", ".local", Some(PublicSuffix)),
            ("http://localhost:3000", "localhost", None),
            ("http://localhost:3000", ".example.com", Some(OtherHost)),
            ("http://api.localhost:3000", "api.localhost", None),
            ("http://v1.api.localhost:3000", ".api.localhost", None),
            ("http://api.localhost:3000", "localhost", Some(PublicSuffix)),
            ("http://127.0.0.1:3000", "127.0.0.1", None),
            ("http://127.0.0.1:3000", "localhost", Some(PublicSuffix)),
            ("http://10.0.0.1", "10.0.0.2", Some(OtherHost)),
            ("https://münchen.de", ".MÜNCHEN.de", None),
        ];
        for (api, domain, dropped) in rows {
            let (api, domain) = (Domain::parse(api).expect("a domain"), CookieDomain::parse(domain).expect("one for cookies"));
            assert_eq!(domain.dropped_from(&api), dropped, "{domain} from {api}");
        }
    }

    #[test]
    fn stars_are_told_what_to_write_instead() {
        for (input, expected) in
            [("*.example.com", ".example.com"), (".*.example.com", ".example.com"), ("https://*.a.de/", ".a.de")]
        {
            let refused = CookieDomain::parse(input).expect_err("a star");
            assert!(matches!(&refused, AddressError::WildcardCookieDomain { instead, .. } if instead == expected), "{refused}");
            assert!(refused.to_string().contains(&format!("write {expected:?}")), "{refused}");
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

//! What is the `scheme://host[:port]` of an address? Everything else that stands in it is dropped, and a missing scheme is supplied:
//! `http` for this machine, `https` for any other (sdk-session.md 1.4).

use std::fmt;

use url::Url;

use super::{AddressError, Site, is_dotted_ipv4, shown};

/// An address without path: `https://api.example.com`, `http://localhost:3000`. Always lower case, never with a slash at the end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Domain {
    text: String,
    scheme: Scheme,
    host: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
    SuperTokens,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::SuperTokens => "supertokens",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::Http, Self::Https, Self::SuperTokens]
            .into_iter()
            .find(|scheme| text.strip_prefix(scheme.as_str()).is_some_and(|rest| rest.starts_with("://")))
    }
}

impl Domain {
    /// Reads an address leniently: blanks around it, capital letters, a path, a query and credentials do not matter. Fails if there is no
    /// host in it, or a scheme other than `http`, `https` and `supertokens`.
    pub fn parse(input: &str) -> Result<Self, AddressError> {
        Self::read(input).ok_or_else(|| AddressError::InvalidDomain { input: shown(input) })
    }

    fn read(input: &str) -> Option<Self> {
        let text = input.trim_matches(|letter: char| letter.is_ascii_whitespace()).to_lowercase();
        if let Some(scheme) = Scheme::of(&text) {
            return Self::of(scheme, &Url::parse(&text).ok()?);
        }
        if text.starts_with('/') || has_scheme(&text) {
            return None;
        }
        let text = text.strip_prefix('.').unwrap_or(&text);
        if has_scheme(text) || !(text.contains('.') || text.starts_with("localhost")) {
            return None;
        }
        // Parsed under https whatever the scheme will be, so that a port 80 survives.
        let url = Url::parse(&format!("https://{text}")).ok()?;
        let host = url.host_str()?;
        let scheme = if is_local(host) || is_below_localhost(host) { Scheme::Http } else { Scheme::Https };
        Self::of(scheme, &url)
    }

    fn of(scheme: Scheme, url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|host| !host.is_empty())?.to_owned();
        let text = match url.port() {
            Some(port) => format!("{}://{host}:{port}", scheme.as_str()),
            None => format!("{}://{host}", scheme.as_str()),
        };
        Some(Self { text, scheme, host })
    }

    /// `scheme://host[:port]`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host name or address, without port; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `http`, `https` or `supertokens`.
    pub fn scheme(&self) -> &str {
        self.scheme.as_str()
    }

    /// Is it reached by TLS?
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Is it this machine or a bare IPv4 address? All of these count as one site. An IPv6 address does not.
    pub fn is_local(&self) -> bool {
        is_local(&self.host)
    }

    /// Is it a name of this machine that is a site of its own: `api.localhost`? (RFC 6761, 6.3)
    pub fn is_below_localhost(&self) -> bool {
        is_below_localhost(&self.host)
    }

    /// Which site it belongs to. Fails if the host is a public suffix itself, or an IPv6 address.
    pub fn site(&self) -> Result<Site, AddressError> {
        Site::of(self)
    }
}

// Quirk: any name that begins with `localhost` is taken for this machine, `localhost.org` too.
fn is_local(host: &str) -> bool {
    host.starts_with("localhost") || is_dotted_ipv4(host)
}

fn is_below_localhost(host: &str) -> bool {
    host.strip_suffix(".localhost").is_some_and(|name| !name.is_empty())
}

/// Does a scheme stand in front, known or not?
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        let rows = [
            ("http://api.example.com", "http://api.example.com"),
            ("https://api.example.com/", "https://api.example.com"),
            ("HTTP://API.Example.COM", "http://api.example.com"),
            (" https://api.example.com ", "https://api.example.com"),
            ("\t\nhttps://api.example.com\r\n", "https://api.example.com"),
            ("http://api.example.com?hello=1", "http://api.example.com"),
            ("http://api.example.com/one/two#x", "http://api.example.com"),
            ("http://api.example.com:8080", "http://api.example.com:8080"),
            ("http://api.example.com:80", "http://api.example.com"),
            ("https://api.example.com:443", "https://api.example.com"),
            ("https://api.example.com:80", "https://api.example.com:80"),
            ("api.example.com", "https://api.example.com"),
            ("api.example.com/", "https://api.example.com"),
            ("api.example.com#r", "https://api.example.com"),
            ("api.example.com/one/two", "https://api.example.com"),
            ("api.example.com:3000/x", "https://api.example.com:3000"),
            (".example.com", "https://example.com"),
            (".example.com/one", "https://example.com"),
            ("localhost", "http://localhost"),
            ("localhost/abc", "http://localhost"),
            ("localhost:4000", "http://localhost:4000"),
            ("LOCALHOST:80", "http://localhost:80"),
            ("localhost.org", "http://localhost.org"),
            ("api.localhost:3001", "http://api.localhost:3001"),
            ("https://api.localhost", "https://api.localhost"),
            ("https://localhost", "https://localhost"),
            ("http://localhost:3000/", "http://localhost:3000"),
            ("127.0.0.1", "http://127.0.0.1"),
            ("127.0.0.1:4000", "http://127.0.0.1:4000"),
            ("1.2.3.4/one/two", "http://1.2.3.4"),
            ("https://127.0.0.1:80/", "https://127.0.0.1:80"),
            ("https://1.2.3.4/one", "https://1.2.3.4"),
            ("supertokens://something", "supertokens://something"),
            ("https://user:pw@api.example.com/x", "https://api.example.com"),
            ("https://münchen.de", "https://xn--mnchen-3ya.de"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ];
        for (input, expected) in rows {
            let domain = Domain::parse(input).unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(domain.as_str(), expected, "{input}");
            // A port 80 of a host without scheme is kept once, and dropped as the scheme's own when the answer is read again.
            let again = Domain::parse(expected).expect("normal form");
            assert_eq!(
                again.as_str(),
                expected.strip_suffix(":80").filter(|_| input == "LOCALHOST:80").unwrap_or(expected),
                "{input}"
            );
        }
    }

    #[test]
    fn what_is_no_domain() {
        let rows = [
            "",
            " ",
            "/one/two",
            "/.netlify/functions/api",
            "http",
            "example",
            "http://",
            "https://",
            "[::1]:3000",
            "api example.com",
        ];
        let ours = [
            "ftp://example.com",
            ".ftp://example.com",
            "supertokens://",
            "http://a.b:99999",
            "//example.com",
            "localhost:x",
            ".",
            "http://a b.com",
        ];
        for input in rows.into_iter().chain(ours) {
            let refused = Domain::parse(input).map(|domain| domain.as_str().to_owned());
            assert_eq!(refused, Err(AddressError::InvalidDomain { input: input.trim().to_owned() }), "{input}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_plain(text in "(https?://|\\.)?\\PC{0,20}", port in "(:[0-9]{0,6})?") {
            if let Ok(domain) = Domain::parse(&format!("{text}{port}")) {
                proptest::prop_assert!(domain.as_str().starts_with(domain.scheme()) && domain.as_str().contains(domain.host()));
                proptest::prop_assert!(!domain.host().contains(['/', '?', '#', '@', ' ', '\\']), "{}", domain);
                proptest::prop_assert!(domain.site().is_ok_and(|site| !site.as_str().is_empty()) || !domain.is_local());
            }
        }
    }

    #[test]
    fn the_parts_of_a_domain() {
        let domain = Domain::parse("https://api.example.com:8080/x").expect("a domain");
        assert_eq!(
            (domain.scheme(), domain.host(), domain.is_https(), domain.is_local()),
            ("https", "api.example.com", true, false)
        );
        let machine = Domain::parse("127.0.0.1:3000").expect("a domain");
        assert_eq!(
            (machine.scheme(), machine.host(), machine.is_https(), machine.is_local()),
            ("http", "127.0.0.1", false, true)
        );
        let names = ["localhost", ".localhost", "localhost.org", "a.localhost.org", "alocalhost.de"].map(Domain::parse);
        assert!(names.iter().flatten().all(|domain| !domain.is_below_localhost()), "{names:?}");
        let below = Domain::parse("http://v1.api.localhost:3000").expect("a domain");
        assert!(below.is_below_localhost() && !below.is_local());
        let v6 = Domain::parse("http://[::1]:3000").expect("a domain");
        assert_eq!((v6.host(), v6.is_local()), ("[::1]", false));
        assert_eq!(format!("{machine} {machine:?}"), "http://127.0.0.1:3000 \"http://127.0.0.1:3000\"");
    }
}

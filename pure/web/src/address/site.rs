//! Do two hosts belong to one owner, as browsers see it? The registrable domain decides, by the public suffix list that is compiled in,
//! its private section included (sdk-session.md 1.6).

use std::fmt;

use super::{AddressError, Domain};

/// What all hosts of one owner have in common: `example.com`, or `localhost` for this machine and bare IPv4 addresses.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Site(String);

/// The site of this machine and of every dotted IPv4 address.
const LOCAL: &str = "localhost";

impl Site {
    pub(super) fn of(domain: &Domain) -> Result<Self, AddressError> {
        if domain.is_local() {
            return Ok(Self(LOCAL.to_owned()));
        }
        let host = domain.host();
        if host.starts_with('[') {
            return Err(AddressError::NoSite { host: host.to_owned() });
        }
        if let Some(registrable) = psl::domain_str(host) {
            return Ok(Self(registrable.to_owned()));
        }
        // Quirk: each host directly below a suffix of Amazon's is a site of its own, and so is any below .local that has no other.
        let amazon = host.ends_with(".amazonaws.com") && psl::suffix_str(host) == Some(host);
        if amazon || host.ends_with(".local") {
            return Ok(Self(host.to_owned()));
        }
        Err(AddressError::NoSite { host: host.to_owned() })
    }

    /// The registrable domain, or `localhost`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it this machine, or a bare IPv4 address?
    pub fn is_local(&self) -> bool {
        self.0 == LOCAL
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(domain: &str) -> Result<Site, AddressError> {
        Domain::parse(domain).expect("a domain").site()
    }

    #[test]
    fn every_row_of_the_table() {
        let rows = [
            ("http://localhost:3000", "localhost"),
            ("http://localhost.org", "localhost"),
            ("http://127.0.0.1", "localhost"),
            ("https://1.2.3.4:80", "localhost"),
            ("https://a.b.test.com", "test.com"),
            ("https://api.test.co.uk", "test.co.uk"),
            ("https://test.co.uk", "test.co.uk"),
            ("https://ec2-1-2-3-4.compute-1.amazonaws.com", "ec2-1-2-3-4.compute-1.amazonaws.com"),
            ("https://ec2-1-2-3-4.compute-1.amazonaws.com:3001", "ec2-1-2-3-4.compute-1.amazonaws.com"),
            ("https://machine.local", "machine.local"),
            ("https://a.machine.local", "machine.local"),
            ("https://app.vercel.app", "app.vercel.app"),
            ("https://x.github.io", "x.github.io"),
            ("https://foo.invalidtld", "foo.invalidtld"),
            ("https://a.b.invalidtld", "b.invalidtld"),
        ];
        for (domain, expected) in rows {
            let site = site(domain).unwrap_or_else(|error| panic!("{domain}: {error}"));
            assert_eq!(site.as_str(), expected, "{domain}");
            assert_eq!(site.is_local(), expected == "localhost", "{domain}");
        }
    }

    #[test]
    fn what_has_no_site() {
        for (domain, host) in
            [("https://com", "com"), ("https://internal", "internal"), ("http://[::1]:3000", "[::1]"), ("https://co.uk", "co.uk")]
        {
            assert_eq!(site(domain), Err(AddressError::NoSite { host: host.to_owned() }), "{domain}");
        }
    }
}

//! Where are the cores? The parts of a connection URI, each a domain and a base path (sdk-session.md 1.8, decision 15).

use crate::address::{AddressError, BasePath, Domain, begins_with, shown};

/// One core, or one app of it: `https://core.example.com` and `/appid-shop`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreAddress {
    /// Scheme, host and port.
    pub domain: Domain,
    /// What stands in front of every path of this core.
    pub base_path: BasePath,
}

impl CoreAddress {
    fn parse(segment: &str) -> Result<Self, AddressError> {
        if !begins_with(segment, "http://") && !begins_with(segment, "https://") {
            return Err(AddressError::NoScheme { input: shown(segment) });
        }
        Ok(Self { domain: Domain::parse(segment)?, base_path: BasePath::parse(segment)? })
    }
}

/// The cores of a connection URI, in its order; they are separated by `;`. Blank segments do not count.
/// Credentials, queries and fragments are dropped. Fails on a segment without `http://` or `https://`, and if there is none.
pub fn parse_connection_uri(uri: &str) -> Result<Vec<CoreAddress>, AddressError> {
    let segments = uri.split(';').map(str::trim).filter(|segment| !segment.is_empty());
    let cores: Vec<CoreAddress> = segments.map(CoreAddress::parse).collect::<Result<_, _>>()?;
    if cores.is_empty() { Err(AddressError::NoCore) } else { Ok(cores) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(uri: &str) -> Vec<String> {
        let parsed = parse_connection_uri(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
        parsed.iter().map(|core| format!("{} {}", core.domain, core.base_path)).collect()
    }

    #[test]
    fn each_segment_is_a_domain_and_a_base_path() {
        assert_eq!(addresses("https://core.example.com/appid-shop/"), ["https://core.example.com /appid-shop"]);
        assert_eq!(addresses("http://a:1;;http://b:2/base/"), ["http://a:1 ", "http://b:2 /base"]);
        assert_eq!(addresses(" HTTP://A:1 ; https://B/Base "), ["http://a:1 ", "https://b /Base"]);
    }

    #[test]
    fn blank_segments_are_skipped() {
        assert_eq!(addresses("http://a; ;http://b"), ["http://a ", "http://b "]);
    }

    #[test]
    fn at_least_one_core_is_named() {
        for uri in ["", " ", ";", " ; ;", "\t\n"] {
            assert_eq!(parse_connection_uri(uri), Err(AddressError::NoCore), "{uri:?}");
        }
        assert!(AddressError::NoCore.to_string().contains("http://localhost:3567"));
    }

    #[test]
    fn a_host_without_a_scheme_is_told_so() {
        for uri in
            ["core.example.com:3567", "localhost:3567", "http://a;b.example.com", "user:secret@core.example.com", "ftp://a.com"]
        {
            let error = parse_connection_uri(uri).expect_err(uri);
            assert!(matches!(error, AddressError::NoScheme { .. }), "{error}");
            assert!(error.to_string().contains("http:// or https://"), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_segment_without_a_host_is_refused() {
        for uri in ["http://", "http://a:99999", "https://a b"] {
            assert!(matches!(parse_connection_uri(uri), Err(AddressError::InvalidDomain { .. })), "{uri}");
        }
    }
}

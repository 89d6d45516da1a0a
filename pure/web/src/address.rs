//! Where is something on the web: the four ways in which settings and requests name a place, each parsed once and then trusted
//! (sdk-session.md 1.4 to 1.6, 4.4).
//!
//! A domain is `scheme://host[:port]`, a path is empty or `/a/b`, a site is the part of a host name that one owner holds, and a
//! cookie domain is a host name with or without a leading dot. What is done with them: [`crate::app_info`],
//! [`crate::core_address`], [`crate::session_settings`].

mod cookie_domain;
mod domain;
mod path;
mod site;

pub use cookie_domain::{CookieDomain, DroppedCookie};
pub use domain::Domain;
pub use path::BasePath;
pub use site::Site;

/// Why a text is no address. Inputs are kept without user names, passwords and queries, and shortened, so that they may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// No `scheme://host[:port]` can be made of it.
    #[error("invalid domain name {input:?}: write it like https://api.example.com or localhost:3000")]
    InvalidDomain {
        /// What was given.
        input: String,
    },
    /// No URL path can be made of it.
    #[error("invalid URL path {input:?}: write it like /auth")]
    InvalidPath {
        /// What was given.
        input: String,
    },
    /// The host is not below a public suffix, so nobody can say which other hosts belong to it.
    #[error(
        "apiDomain and websiteDomain must have correct values: {host:?} belongs to no site. Use a name below a public suffix, like \
         api.example.com, or localhost"
    )]
    NoSite {
        /// The host that was looked up.
        host: String,
    },
    /// No host name for a cookie's `Domain` can be made of it.
    #[error("invalid session scope {input:?}: write it like .example.com or api.example.com")]
    InvalidCookieDomain {
        /// What was given.
        input: String,
    },
    /// Browsers know no pattern in a cookie's domain: every name stands for the hosts below it too.
    #[error("{input:?} holds a *, and browsers keep no cookie of such a domain: write {instead:?} for all hosts below it")]
    WildcardCookieDomain {
        /// What was given.
        input: String,
        /// What says the same.
        instead: String,
    },
    /// A text of blanks and semicolons where cores should be named.
    #[error(
        "no core is named: write its address, like http://localhost:3567. If it comes from a variable, that is not set or empty"
    )]
    NoCore,
    /// The address of a core without `http://` or `https://` in front.
    #[error("{input:?} has no scheme, so it is not clear how to connect. Put http:// or https:// in front")]
    NoScheme {
        /// What was given.
        input: String,
    },
}

/// The most characters of an input that an error repeats.
const SHOWN: usize = 100;

/// An input as an error may repeat it: nothing from before an `@`, nothing from a query or fragment on, and not endless.
pub(crate) fn shown(input: &str) -> String {
    let address = input.split(['?', '#']).next().unwrap_or_default().trim();
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('@') => (Some(scheme), rest),
        _ => (None, address),
    };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let whole = scheme.map_or_else(|| host.to_owned(), |scheme| format!("{scheme}://{host}"));
    match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => whole.get(..end).unwrap_or_default().to_owned() + "…",
        None => whole,
    }
}

/// Four decimal groups of 0 to 255, each of at most three digits. An IPv6 address is none, nor is anything shorter or longer.
pub(crate) fn is_dotted_ipv4(host: &str) -> bool {
    let mut groups = 0;
    for group in host.split('.') {
        groups += 1;
        let digits = (1..=3).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || group.parse::<u8>().is_err() {
            return false;
        }
    }
    groups == 4
}

/// Does `text` begin with `prefix`, whatever the case of ASCII letters?
pub(crate) fn begins_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_ipv4_literals() {
        for host in ["127.0.0.1", "0.0.0.0", "255.255.255.255", "1.2.3.4", "001.02.3.004"] {
            assert!(is_dotted_ipv4(host), "{host}");
        }
        for host in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.0004",
            "1.2.3.",
            "a.b.c.d",
            "1.2.3.+4",
            "::1",
            "[::1]",
            "1.2.3.4.example.com",
        ] {
            assert!(!is_dotted_ipv4(host), "{host}");
        }
    }

    #[test]
    fn an_error_repeats_no_password_and_no_query() {
        for input in ["https://user:pw-secret@core .example.com/x?key=secret#secret", "user:pw-secret@core", "://user:secret@x"] {
            let error = AddressError::InvalidDomain { input: shown(input) };
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
        assert_eq!(shown("https://user:p@w@core .example.com/x?y"), "https://core .example.com/x");
        assert_eq!(shown(&"ü".repeat(500)).chars().count(), SHOWN + 1);
    }

    #[test]
    fn errors_say_what_was_wrong_and_what_to_do() {
        let domain = Domain::parse("example").expect_err("no dot");
        assert_eq!(
            domain.to_string(),
            "invalid domain name \"example\": write it like https://api.example.com or localhost:3000"
        );
        let site = Domain::parse("https://com").expect("a domain").site().expect_err("a public suffix");
        assert!(site.to_string().contains("apiDomain and websiteDomain must have correct values"), "{site}");
        let cookie = CookieDomain::parse("http://").expect_err("no host");
        assert!(cookie.to_string().contains("invalid session scope"), "{cookie}");
        let path = BasePath::parse("http://").expect_err("no host");
        assert!(path.to_string().contains("invalid URL path"), "{path}");
    }
}

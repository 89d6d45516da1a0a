//! Where a page is, and whether a relying party may speak for it (core-recipes-2.md 2.3, 2.4.2).

use core::net::Ipv4Addr;

use crate::base64_text;
use crate::webauthn::refused::Refused;

/// How the origin of an Android application begins; the hash of its certificate follows.
const ANDROID: &str = "android:apk-key-hash:";

/// The parts of an address by which origins are told apart.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    secure: bool,
    /// In lower case.
    host: String,
    port: u16,
}

/// An `http` or `https` address; what comes behind the port does not count. Whoever names a user in it wants to look like somebody else.
fn page(text: &str) -> Option<Page> {
    let (scheme, rest) = text.split_once("://")?;
    let secure = match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => true,
        _ if scheme.eq_ignore_ascii_case("http") => false,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match port {
        "" | ":" if secure => 443,
        "" | ":" => 80,
        port => port.strip_prefix(':').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?,
    };
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let usable = match inner {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.chars().any(|c| c.is_whitespace() || c.is_control() || "@\\:<>[]^|%\"`{}".contains(c)),
    };
    usable.then(|| Page { secure, host: host.to_ascii_lowercase(), port })
}

/// May options be made for this page and this relying party? The page's host is the relying party, or below it by whole labels: upstream
/// compares ends of texts, so that `evilexample.com` passes for `example.com`.
pub fn allowed(origin: &str, rp_id: &str) -> Result<(), Refused> {
    if let Some(hash) = origin.strip_prefix(ANDROID) {
        return android(hash);
    }
    let page = page(origin).ok_or_else(|| Refused::options("Origin has to be a valid url!"))?;
    let rp_id = rp_id.to_ascii_lowercase();
    // Numbers of an address have no labels below one another.
    let is_number = page.host.starts_with('[') || page.host.parse::<Ipv4Addr>().is_ok();
    let below = || page.host.strip_suffix(&rp_id).is_some_and(|rest| rest.ends_with('.') && !is_number);
    if !rp_id.is_empty() && (page.host == rp_id || below()) {
        Ok(())
    } else {
        Err(Refused::options("Origin does not match RelyingParty Id"))
    }
}

fn android(hash: &str) -> Result<(), Refused> {
    if hash.is_empty() {
        return Err(Refused::options("Android origin must contain a valid base64 hash"));
    }
    let bytes = base64_text::url_safe(hash).filter(|_| !hash.contains('='));
    let bytes = bytes.ok_or_else(|| Refused::options("Android origin hash must be valid URL-safe base64 (no padding)"))?;
    if hash.len() != 43 {
        return Err(Refused::options("Android origin hash must be 43 characters (base64url SHA-256)"));
    }
    if bytes.len() != 32 {
        return Err(Refused::options("Android origin hash must decode to 32 bytes (SHA-256)"));
    }
    Ok(())
}

/// Is what the browser says the page that options were made for? Pages by scheme, host and port; everything else by its whole text.
pub fn same(said: &str, expected: &str) -> bool {
    match (page(said), page(expected)) {
        (Some(said), Some(expected)) => said == expected,
        (None, None) => said == expected,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(origin: &str, rp_id: &str) -> String {
        allowed(origin, rp_id).err().map(|refused| refused.reason().to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_page_is_its_relying_party_or_below_it_by_whole_labels() {
        for (origin, rp_id) in [
            ("https://example.com", "example.com"),
            ("http://example.com", "example.com"),
            ("https://sub.example.com", "example.com"),
            ("https://a.b.example.com:8443/x?y#z", "example.com"),
            ("https://EXAMPLE.com", "example.com"),
            ("HTTPS://example.com", "EXAMPLE.com"),
            ("http://localhost:3000", "localhost"),
            ("http://127.0.0.1:3000", "127.0.0.1"),
            ("http://[::1]:3000", "[::1]"),
        ] {
            assert_eq!(reason(origin, rp_id), "", "{origin} {rp_id}");
        }
    }

    #[test]
    fn no_other_page_speaks_for_a_relying_party() {
        for (origin, rp_id) in [
            ("https://evilexample.com", "example.com"),
            ("http://example.org", "example.com"),
            ("https://example.com.evil.org", "example.com"),
            ("https://example.com", "sub.example.com"),
            ("https://example.com", ""),
            ("https://example.com.", ""),
            ("https://a.example.com", ".example.com"),
            ("https://evil.org/.example.com", "example.com"),
            ("https://evil.org?.example.com", "example.com"),
            ("https://evil.org#.example.com", "example.com"),
            ("http://127.0.0.1", "0.0.1"),
            ("http://[::1]", "1]"),
        ] {
            assert_eq!(reason(origin, rp_id), "Origin does not match RelyingParty Id", "{origin} {rp_id}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_page_is_refused() {
        for origin in [
            "",
            "example.com",
            "https://",
            "https:///example.com",
            "ftp://example.com",
            "file:///example.com",
            "mailto:a@example.com",
            "javascript://example.com",
            "https://example.com@evil.org",
            "https://evil.org\\.example.com",
            "https://evil.org%00.example.com",
            "https://evil.org .example.com",
            "https://evil.org:99999",
            "https://evil.org:+80",
            "https://evil.org:80:.example.com",
            "https://[::1",
            "https://[evil].example.com",
            "https://x[::1]",
            "Android:apk-key-hash:x",
        ] {
            assert_eq!(reason(origin, "example.com"), "Origin has to be a valid url!", "{origin}");
        }
    }

    #[test]
    fn an_android_application_is_known_by_the_hash_of_its_certificate() {
        let of = |hash: &str| reason(&format!("android:apk-key-hash:{hash}"), "example.com");
        let base64 = "Android origin hash must be valid URL-safe base64 (no padding)";
        assert_eq!(of("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"), "");
        assert_eq!(of(""), "Android origin must contain a valid base64 hash");
        assert_eq!(of("!!!"), base64);
        assert_eq!(of("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"), base64);
        assert_eq!(of("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="), base64);
        assert_eq!(of("AAAA"), "Android origin hash must be 43 characters (base64url SHA-256)");
        assert_eq!(of(&"A".repeat(44)), "Android origin hash must be 43 characters (base64url SHA-256)");
    }

    #[test]
    fn origins_are_the_same_by_scheme_host_and_port() {
        let page = "https://auth.example.com";
        for said in ["https://auth.example.com", "https://AUTH.example.com:443/", "HTTPS://auth.example.com/x?y"] {
            assert!(same(said, page), "{said}");
        }
        for said in [
            "http://auth.example.com",
            "https://auth.example.com:8443",
            "https://example.com",
            "https://auth.example.com@evil.org",
            "https://evil.org/auth.example.com",
            "auth.example.com",
            "null",
            "",
        ] {
            assert!(!same(said, page), "{said}");
        }
        let app = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        assert!(same(app, app));
        assert!(!same(&app.to_ascii_lowercase(), app));
        assert!(!same(app, page) && !same(page, app));
        assert!(same("http://a:80", "http://a") && !same("http://a:443", "http://a"));
    }
}

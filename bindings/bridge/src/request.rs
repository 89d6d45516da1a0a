//! Parts of a request as hosts give them, and what they have answered beforehand.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::Value;
use supertokens::RequestView;
use supertokens::session::{AllowedTransfer, Purpose, TokenKind, TransferMethod};

use crate::call;
use crate::failure::Failure;

/// The headers that the engine reads, in the order in which hosts give them.
pub const HEADERS: [&str; 6] = ["cookie", "authorization", "anti-csrf", "rid", "st-auth-mode", "fdi-version"];

/// A request, as far as the engine reads it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The verb, in capitals or not.
    pub method: &'a str,
    /// The address as the client sent it, whole or from the path on.
    pub url: &'a str,
    /// The values of [`HEADERS`].
    pub headers: [Option<&'a str>; 6],
}

impl Request<'_> {
    pub(crate) fn view(&self) -> Result<RequestView, Failure> {
        let bad = |what: &str| Failure::new("BAD_INPUT_ERROR", what);
        let method =
            Method::from_bytes(self.method.to_ascii_uppercase().as_bytes()).map_err(|_| bad("the request's verb is none"))?;
        let mut headers = HeaderMap::with_capacity(HEADERS.len());
        for (name, value) in HEADERS.iter().zip(self.headers) {
            // What no header can carry did not come in one.
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Ok(RequestView::new(method, address(self.url).ok_or_else(|| bad("the request's address is none"))?, headers))
    }
}

impl std::fmt::Debug for Request<'_> {
    /// Headers carry tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Frameworks hand on addresses that `http` refuses: a blank, a control character. They are encoded here, so that a check is not
/// at the mercy of a path.
fn address(url: &str) -> Option<Uri> {
    if let Ok(uri) = url.parse() {
        return Some(uri);
    }
    let mut encoded = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b'!' | b'$'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded.parse().ok()
}

/// How a request's session is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checks {
    /// A request without a session will do.
    pub optional: bool,
    /// Ask the core whether it still lives.
    pub check_database: bool,
    /// Check against cross-site requests, whatever the verb, or do not.
    pub anti_csrf: Option<bool>,
    /// The host chooses the validators.
    pub choose: bool,
    /// Only look for a session: on the path of the refresh endpoint nothing is refreshed, and preflights are none of our business.
    pub only_get: bool,
}

impl Checks {
    /// From numbers that cross: 1 optional, 2 database, 4 anti-CSRF on, 8 off, 16 validators are chosen, 32 only look.
    pub fn of(flags: u32) -> Self {
        let has = |flag: u32| flags & flag != 0;
        let anti_csrf = match (has(4), has(8)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        Self { optional: has(1), check_database: has(2), anti_csrf, choose: has(16), only_get: has(32) }
    }
}

/// What the host's own functions have answered before the call, since the engine cannot wait for them where it needs them.
fn choice<T>(read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
    call::current().and_then(|cell| read(cell.choices()))
}

/// Where the website is. Without a request an empty text, which the engine refuses where it matters.
pub(crate) fn chosen_origin() -> String {
    choice(|choices| choices.get("origin").and_then(Value::as_str).map(str::to_owned)).unwrap_or_default()
}

pub(crate) fn chosen_transfer(purpose: Purpose) -> AllowedTransfer {
    let name = match purpose {
        Purpose::NewSession => "new",
        Purpose::ExistingSession => "existing",
    };
    let chosen = choice(|choices| choices.get("transfer")?.get(name)?.as_str().map(str::to_owned));
    match chosen.as_deref() {
        Some("header") => AllowedTransfer::Only(TransferMethod::Header),
        Some("cookie") => AllowedTransfer::Only(TransferMethod::Cookie),
        _ => AllowedTransfer::Any,
    }
}

/// `what`: `cookies` or `headers`.
pub(crate) fn chosen_name(what: &str, token: TokenKind) -> Option<String> {
    let kind = match token {
        TokenKind::Access => "access",
        TokenKind::Refresh => "refresh",
    };
    choice(|choices| choices.get(what)?.get(kind)?.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_frameworks_hand_on_are_read() {
        for (url, path) in [
            ("/me?x=1", "/me"),
            ("http://localhost:3001/auth/signout", "/auth/signout"),
            ("/caf\u{e9}", "/caf\u{e9}"),
            ("/a b", "/a%20b"),
            ("/\0", "/%00"),
        ] {
            assert_eq!(address(url).map(|uri| uri.path().to_owned()).as_deref(), Some(path), "{url:?}");
        }
        assert!(address("").is_none() || address("").is_some_and(|uri| uri.path().len() < 2));
    }

    #[test]
    fn flags_are_what_the_table_says() {
        assert_eq!(Checks::of(0), Checks::default());
        assert_eq!(Checks::of(4).anti_csrf, Some(true));
        assert_eq!(Checks::of(8).anti_csrf, Some(false));
        let all = Checks::of(1 | 2 | 8 | 16 | 32);
        assert!(all.optional && all.check_database && all.choose && all.only_get);
    }
}

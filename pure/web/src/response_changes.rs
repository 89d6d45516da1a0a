//! What should change on a response? Kept as data until the response exists, whatever framework makes it
//! (sdk-session.md 5.1, 5.4 to 5.6, 5.8, 5.10).
//!
//! Later changes replace earlier ones: headers by name, cookies by exact name. So merging a payload three times in one handler
//! gives one cookie, and an error that clears tokens beats the tokens that were set before it.

use std::fmt;

use supertokens_domain::time::{DAY, Millis};

use crate::cookie::SetCookie;
use crate::front_token;
use crate::session_settings::{SameSite, SessionSettings};
use crate::transfer::TransferMethod;

/// The header with what a browser's own SDK may know.
pub const FRONT_TOKEN: &str = "front-token";
/// The header with the anti-CSRF token.
pub const ANTI_CSRF: &str = "anti-csrf";
/// The cookie of very old SDKs, which is only ever cleared.
pub const LEGACY_COOKIE: &str = "sIdRefreshToken";

/// How long a browser keeps the access cookie: far longer than the token in it is valid, so that its absence means something.
const ACCESS_COOKIE_LIFETIME: Millis = 365 * DAY;

/// Which of the two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// The short-lived one, for every request.
    Access,
    /// The one that is only sent to get a new pair.
    Refresh,
}

/// What tokens are called on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenNames {
    /// The cookie of the access token.
    pub access_cookie: String,
    /// The cookie of the refresh token.
    pub refresh_cookie: String,
    /// The response header of the access token.
    pub access_header: String,
    /// The response header of the refresh token.
    pub refresh_header: String,
}

impl Default for TokenNames {
    fn default() -> Self {
        Self {
            access_cookie: "sAccessToken".into(),
            refresh_cookie: "sRefreshToken".into(),
            access_header: "st-access-token".into(),
            refresh_header: "st-refresh-token".into(),
        }
    }
}

impl TokenNames {
    /// The cookie of a token.
    pub fn cookie(&self, kind: TokenKind) -> &str {
        match kind {
            TokenKind::Access => &self.access_cookie,
            TokenKind::Refresh => &self.refresh_cookie,
        }
    }

    /// The response header of a token.
    pub fn header(&self, kind: TokenKind) -> &str {
        match kind {
            TokenKind::Access => &self.access_header,
            TokenKind::Refresh => &self.refresh_header,
        }
    }
}

/// What tokens look like on the response to one request.
#[derive(Debug, Clone, Copy)]
pub struct CookieLook<'a> {
    /// Paths, domain, and what is exposed.
    pub settings: &'a SessionSettings,
    /// The SameSite attribute for this request.
    pub same_site: SameSite,
    /// The names for this request.
    pub names: &'a TokenNames,
}

impl CookieLook<'_> {
    fn cookie(&self, kind: TokenKind, value: &str, expires: Millis) -> SetCookie {
        let path = match kind {
            TokenKind::Access => &self.settings.access_token_path,
            TokenKind::Refresh => &self.settings.refresh_token_path,
        };
        SetCookie {
            name: self.names.cookie(kind).to_owned(),
            value: value.to_owned(),
            domain: self.settings.cookie_domain.as_ref().map(|domain| domain.as_str().to_owned()),
            path: path.clone(),
            expires,
            secure: self.settings.secure(self.same_site),
            same_site: self.same_site,
        }
    }
}

/// Headers and cookies to change on a response.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ResponseChanges {
    headers: Vec<(String, Option<String>)>,
    exposed: Vec<String>,
    cookies: Vec<SetCookie>,
}

impl ResponseChanges {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Is there nothing to change?
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.exposed.is_empty() && self.cookies.is_empty()
    }

    /// Headers by name: with a value, to replace what is there; without, to be removed.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// The names that `Access-Control-Expose-Headers` must have; see [`expose_header_value`].
    pub fn exposed(&self) -> &[String] {
        &self.exposed
    }

    /// Cookies, each a `Set-Cookie` header of its own.
    pub fn cookies(&self) -> &[SetCookie] {
        &self.cookies
    }

    /// Sets a header and exposes it to scripts.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.put_header(name, Some(value.to_owned()));
        if !self.exposed.iter().any(|exposed| exposed == name) {
            self.exposed.push(name.to_owned());
        }
    }

    /// Takes a header off the response. Its name may stay exposed.
    pub fn remove_header(&mut self, name: &str) {
        self.put_header(name, None);
    }

    fn put_header(&mut self, name: &str, value: Option<String>) {
        match self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, known)) => *known = value,
            None => self.headers.push((name.to_owned(), value)),
        }
    }

    /// Sets a cookie.
    pub fn set_cookie(&mut self, cookie: SetCookie) {
        match self.cookies.iter_mut().find(|known| known.name == cookie.name) {
            Some(known) => *known = cookie,
            None => self.cookies.push(cookie),
        }
    }

    /// A new access token, and the front token that goes with it.
    pub fn set_access_token(
        &mut self,
        method: TransferMethod,
        token: &str,
        front_token: &str,
        now: Millis,
        look: CookieLook<'_>,
    ) {
        self.set_header(FRONT_TOKEN, front_token);
        if method == TransferMethod::Cookie {
            self.set_cookie(look.cookie(TokenKind::Access, token, now.saturating_add(ACCESS_COOKIE_LIFETIME)));
        }
        if method == TransferMethod::Header || look.settings.expose_access_token {
            self.set_header(&look.names.access_header, token);
        }
    }

    /// A new refresh token.
    pub fn set_refresh_token(&mut self, method: TransferMethod, token: &str, expires_at: Millis, look: CookieLook<'_>) {
        match method {
            TransferMethod::Cookie => self.set_cookie(look.cookie(TokenKind::Refresh, token, expires_at)),
            TransferMethod::Header => self.set_header(&look.names.refresh_header, token),
        }
    }

    /// A new anti-CSRF token.
    pub fn set_anti_csrf(&mut self, token: &str) {
        self.set_header(ANTI_CSRF, token);
    }

    /// Takes away the tokens of one method.
    pub fn clear(&mut self, method: TransferMethod, look: CookieLook<'_>) {
        for kind in [TokenKind::Access, TokenKind::Refresh] {
            match method {
                TransferMethod::Cookie => self.set_cookie(look.cookie(kind, "", 0)),
                TransferMethod::Header => self.set_header(look.names.header(kind), ""),
            }
        }
        self.remove_header(ANTI_CSRF);
        self.set_header(FRONT_TOKEN, front_token::REMOVE);
    }

    /// Takes away the tokens of both methods.
    pub fn clear_both(&mut self, look: CookieLook<'_>) {
        self.clear(TransferMethod::Cookie, look);
        self.clear(TransferMethod::Header, look);
    }

    /// Takes away a token's cookie from the domain that the application used before; `None` for host-only cookies. Touches
    /// nothing else: the browser keeps the cookie of the present domain.
    pub fn clear_older_cookie(&mut self, kind: TokenKind, older_domain: Option<&str>, look: CookieLook<'_>) {
        let domain = older_domain.filter(|domain| !domain.is_empty()).map(str::to_owned);
        self.set_cookie(SetCookie { domain, ..look.cookie(kind, "", 0) });
    }

    /// Takes away the cookie of very old SDKs.
    pub fn clear_legacy_cookie(&mut self, look: CookieLook<'_>) {
        self.set_cookie(SetCookie { name: LEGACY_COOKIE.to_owned(), ..look.cookie(TokenKind::Access, "", 0) });
    }

    /// Adds changes that were asked for later.
    pub fn merge(&mut self, later: Self) {
        for (name, value) in later.headers {
            self.put_header(&name, value);
        }
        for name in later.exposed {
            if !self.exposed.contains(&name) {
                self.exposed.push(name);
            }
        }
        for cookie in later.cookies {
            self.set_cookie(cookie);
        }
    }
}

impl fmt::Debug for ResponseChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<&str> = self.headers().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect();
        let removed: Vec<&str> = self.headers().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        let names = |clears| -> Vec<&str> {
            self.cookies.iter().filter(|cookie| cookie.clears() == clears).map(|cookie| cookie.name.as_str()).collect()
        };
        f.debug_struct("ResponseChanges")
            .field("headers", &set)
            .field("removed_headers", &removed)
            .field("cookies", &names(false))
            .field("cleared_cookies", &names(true))
            .finish_non_exhaustive()
    }
}

/// The value of `Access-Control-Expose-Headers`: what the application put there, then what is missing of ours.
pub fn expose_header_value(existing: Option<&str>, added: &[String]) -> String {
    let existing = existing.map(str::trim).unwrap_or_default();
    let mut value = existing.to_owned();
    for name in added {
        if !value.split(',').any(|member| member.trim() == name) {
            value.push_str(if value.is_empty() { "" } else { ", " });
            value.push_str(name);
        }
    }
    value
}

#[cfg(test)]
mod tests;

//! How does this application want its sessions: cookies, status codes, protection against forged requests? The plain fields of the
//! session recipe's configuration, checked, and what follows from them for one request (sdk-session.md 4.1, 4.3, 4.6).
//!
//! Functions and callbacks among the fields are the edge's.

use std::str::FromStr;

use supertokens_domain::time::{HOUR, Millis, SECOND};

use crate::address::{AddressError, BasePath, CookieDomain, Domain, DroppedCookie};
use crate::app_info::AppInfo;

/// To which requests a browser adds the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// To none that another site caused.
    Strict,
    /// Of those that another site caused, only to navigations.
    Lax,
    /// To all.
    None,
}

impl SameSite {
    /// The value of a cookie's `SameSite` attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl FromStr for SameSite {
    type Err = SettingsError;

    /// `strict`, `lax` or `none`, whatever the case and the blanks around it.
    fn from_str(text: &str) -> Result<Self, SettingsError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "strict" => Ok(Self::Strict),
            "lax" => Ok(Self::Lax),
            "none" => Ok(Self::None),
            _ => Err(SettingsError::NotASameSite(crate::address::shown(text))),
        }
    }
}

/// How a request proves that a page of this application made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AntiCsrfMode {
    /// It need not: the cookies' `SameSite` is enough.
    None,
    /// By a token that only the page can have read.
    ViaToken,
    /// By a header that only a page of an allowed origin can set.
    ViaCustomHeader,
}

impl AntiCsrfMode {
    /// Its name in settings and in the core's answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::ViaToken => "VIA_TOKEN",
            Self::ViaCustomHeader => "VIA_CUSTOM_HEADER",
        }
    }
}

impl FromStr for AntiCsrfMode {
    type Err = SettingsError;

    /// Exactly `NONE`, `VIA_TOKEN` or `VIA_CUSTOM_HEADER`.
    fn from_str(text: &str) -> Result<Self, SettingsError> {
        [Self::None, Self::ViaToken, Self::ViaCustomHeader]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| SettingsError::NotAnAntiCsrfMode(crate::address::shown(text)))
    }
}

/// The session recipe's plain fields as given; what is absent gets the default that stands in [`SessionSettings`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionSettingsInput {
    /// Whether cookies travel by https only.
    pub cookie_secure: Option<bool>,
    /// The cookies' `SameSite`.
    pub cookie_same_site: Option<SameSite>,
    /// The cookies' `Domain`.
    pub cookie_domain: Option<String>,
    /// The cookies' `Domain` before it was changed; empty if they had none.
    pub older_cookie_domain: Option<String>,
    /// The status of the answer "log in or refresh".
    pub session_expired_status: Option<u16>,
    /// The status of the answer "not with these claims".
    pub invalid_claim_status: Option<u16>,
    /// How requests prove where they come from.
    pub anti_csrf: Option<AntiCsrfMode>,
    /// The path of the access token's cookie.
    pub access_token_path: Option<String>,
    /// Whether the page gets the access token when it travels as a cookie.
    pub expose_access_token: Option<bool>,
    /// Whether tokens are signed by the keys that change.
    pub use_dynamic_signing_key: Option<bool>,
    /// How old the fetched public keys may get, in seconds.
    pub jwks_refresh_interval_s: Option<u64>,
}

/// Under which domain duplicates of the cookies may still lie in browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OlderCookieDomain {
    /// The domain was never changed, or nobody said.
    Unset,
    /// They had no `Domain`.
    HostOnly,
    /// They had this one.
    Domain(CookieDomain),
}

/// The session recipe's plain fields, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// Whether cookies travel by https only. If not said: whether the API does.
    pub cookie_secure: bool,
    /// Whether cookies for other sites are secure all the same: browsers keep such cookies only so, and those of names below `localhost`
    /// without https.
    pub secure_for_other_sites: bool,
    /// The cookies' `SameSite`; `None` if it follows from the origin, see [`SessionSettings::same_site`].
    pub cookie_same_site: Option<SameSite>,
    /// The cookies' `Domain`; without one, a cookie belongs to the API's host only.
    pub cookie_domain: Option<CookieDomain>,
    /// Where older cookies may lie.
    pub older_cookie_domain: OlderCookieDomain,
    /// The status of the answer "log in or refresh", 401 if not said.
    pub session_expired_status: u16,
    /// The status of the answer "not with these claims", 403 if not said.
    pub invalid_claim_status: u16,
    /// How requests prove where they come from; `None` if it follows from the origin, see [`SessionSettings::anti_csrf`].
    pub anti_csrf: Option<AntiCsrfMode>,
    /// The path of the access token's cookie, never empty.
    pub access_token_path: String,
    /// The path of the refresh token's cookie: its endpoint, as browsers see it.
    pub refresh_token_path: String,
    /// Whether the page gets the access token when it travels as a cookie. If not said: no.
    pub expose_access_token: bool,
    /// Whether tokens are signed by the keys that change. If not said: yes.
    pub use_dynamic_signing_key: bool,
    /// How old the fetched public keys may get, 4 h if not said.
    pub jwks_refresh_interval_ms: Millis,
}

/// What is wrong with the session recipe's fields. Each names the field and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// `cookieSameSite` is none of the three.
    #[error("cookieSameSite is {0:?}: choose strict, lax or none")]
    NotASameSite(String),
    /// `antiCsrf` is none of the three.
    #[error("antiCsrf is {0:?}: choose NONE, VIA_TOKEN or VIA_CUSTOM_HEADER")]
    NotAnAntiCsrfMode(String),
    /// A browser could not tell the two answers from each other.
    #[error(
        "sessionExpiredStatusCode and invalidClaimStatusCode must be different, and both are {0}: give one of them another value"
    )]
    EqualStatusCodes(u16),
    /// A refusal with a status that says that all is well.
    #[error("{field} must be a status from 300 to 599, and is {status}")]
    NotAStatusOfRefusal {
        /// The field.
        field: &'static str,
        /// What was given.
        status: u16,
    },
    /// A field holds something that is no address.
    #[error("{field}: {source}")]
    Address {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: AddressError,
    },
    /// Browsers drop every cookie of this domain, so nobody would stay logged in.
    #[error("{field} is {domain:?} and apiDomain is {api:?}: browsers drop the cookies, because {why}. {remedy}")]
    DroppedCookies {
        /// The field.
        field: &'static str,
        /// What was given.
        domain: String,
        /// Where the API is.
        api: String,
        /// Their reason.
        why: &'static str,
        /// What to write instead.
        remedy: String,
    },
    /// A path that would end a cookie's `Path` attribute.
    #[error("{field}: {path:?} holds a semicolon, which a cookie's path cannot: choose another path")]
    NotACookiePath {
        /// The field.
        field: &'static str,
        /// What was given.
        path: String,
    },
}

/// Cookies with `SameSite=None` and without `Secure`: browsers throw them away, except on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "browsers do not keep this session's cookies: the website is on another site than the API, and the cookies are not secure. Give \
     apiDomain as an https address and leave cookieSecure out, or send the tokens in headers"
)]
pub struct InsecureCookies;

const SESSION_EXPIRED: u16 = 401;
const INVALID_CLAIM: u16 = 403;
const JWKS_REFRESH_INTERVAL: Millis = 4 * HOUR;

impl SessionSettingsInput {
    /// Checks the fields and fills in defaults.
    pub fn normalise(self, app: &AppInfo) -> Result<SessionSettings, SettingsError> {
        let session_expired_status = refusal_status(self.session_expired_status, SESSION_EXPIRED, "sessionExpiredStatusCode")?;
        let invalid_claim_status = refusal_status(self.invalid_claim_status, INVALID_CLAIM, "invalidClaimStatusCode")?;
        if session_expired_status == invalid_claim_status {
            return Err(SettingsError::EqualStatusCodes(invalid_claim_status));
        }
        let older_cookie_domain = match self.older_cookie_domain.as_deref() {
            None => OlderCookieDomain::Unset,
            Some("") => OlderCookieDomain::HostOnly,
            Some(domain) => OlderCookieDomain::Domain(cookie_domain(domain, app, "olderCookieDomain")?),
        };
        let path = BasePath::parse(self.access_token_path.as_deref().unwrap_or_default())
            .map_err(|source| SettingsError::Address { field: "accessTokenPath", source })?;
        let path = if path.is_empty() { "/" } else { path.as_str() };
        Ok(SessionSettings {
            cookie_secure: self.cookie_secure.unwrap_or_else(|| app.api_domain.is_https()),
            secure_for_other_sites: self.cookie_secure.is_none() && app.api_domain.is_below_localhost(),
            cookie_same_site: self.cookie_same_site,
            cookie_domain: self.cookie_domain.map(|domain| cookie_domain(&domain, app, "cookieDomain")).transpose()?,
            older_cookie_domain,
            session_expired_status,
            invalid_claim_status,
            anti_csrf: self.anti_csrf,
            access_token_path: cookie_path(path.to_owned(), "accessTokenPath")?,
            refresh_token_path: cookie_path(app.refresh_path(), "apiBasePath")?,
            expose_access_token: self.expose_access_token.unwrap_or(false),
            use_dynamic_signing_key: self.use_dynamic_signing_key.unwrap_or(true),
            jwks_refresh_interval_ms: self.jwks_refresh_interval_s.map_or(JWKS_REFRESH_INTERVAL, milliseconds),
        })
    }
}

fn refusal_status(given: Option<u16>, default: u16, field: &'static str) -> Result<u16, SettingsError> {
    match given.unwrap_or(default) {
        status @ 300..=599 => Ok(status),
        status => Err(SettingsError::NotAStatusOfRefusal { field, status }),
    }
}

fn cookie_domain(text: &str, app: &AppInfo, field: &'static str) -> Result<CookieDomain, SettingsError> {
    let domain = CookieDomain::parse(text).map_err(|source| SettingsError::Address { field, source })?;
    let why = match domain.dropped_from(&app.api_domain) {
        None => return Ok(domain),
        Some(DroppedCookie::OtherHost) => "the API's host is neither this domain nor below it",
        Some(DroppedCookie::PublicSuffix) => "hosts of many owners are below this domain",
    };
    // What was kept under such a domain, no browser sends to this API: there is nothing to take away.
    let remedy = match field {
        "olderCookieDomain" => "Leave it out, or correct apiDomain".to_owned(),
        _ if app.api_site.is_local() || app.api_site.as_str() == app.api_domain.host() => {
            "Leave it out, so that the API's host alone gets them, or correct apiDomain".to_owned()
        }
        _ => format!(
            "Write \".{}\" to share sessions with the API's sub-domains and sister domains, leave it out to keep them to the API's host, or \
             correct apiDomain",
            app.api_site
        ),
    };
    let (domain, api) = (domain.as_str().to_owned(), app.api_domain.as_str().to_owned());
    Err(SettingsError::DroppedCookies { field, domain, api, why, remedy })
}

fn cookie_path(path: String, field: &'static str) -> Result<String, SettingsError> {
    if path.contains(';') { Err(SettingsError::NotACookiePath { field, path }) } else { Ok(path) }
}

fn milliseconds(seconds: u64) -> Millis {
    Millis::try_from(seconds).unwrap_or(Millis::MAX).saturating_mul(SECOND)
}

impl SessionSettings {
    /// The cookies' `SameSite` for a request from this origin. An origin that belongs to no site is another site than the API's.
    pub fn same_site(&self, app: &AppInfo, origin: &Domain) -> SameSite {
        self.cookie_same_site.unwrap_or_else(|| {
            let one_site = origin.site().is_ok_and(|site| site == app.api_site) && origin.scheme() == app.api_domain.scheme();
            if one_site { SameSite::Lax } else { SameSite::None }
        })
    }

    /// Whether cookies with this `SameSite` are `Secure`.
    pub fn secure(&self, same_site: SameSite) -> bool {
        self.cookie_secure || (self.secure_for_other_sites && same_site == SameSite::None)
    }

    /// How a request from this origin proves where it comes from.
    pub fn anti_csrf(&self, app: &AppInfo, origin: &Domain) -> AntiCsrfMode {
        self.anti_csrf.unwrap_or_else(|| match self.same_site(app, origin) {
            SameSite::None => AntiCsrfMode::ViaCustomHeader,
            SameSite::Strict | SameSite::Lax => AntiCsrfMode::None,
        })
    }

    /// Whether a new session must not travel by cookies, because no browser would keep them. Tokens in headers are never concerned.
    pub fn insecure_cookie_combination(&self, app: &AppInfo, origin: &Domain) -> Option<InsecureCookies> {
        let local = app.api_site.is_local() && origin.is_local();
        let same_site = self.same_site(app, origin);
        (!self.secure(same_site) && !local && same_site == SameSite::None).then_some(InsecureCookies)
    }
}

#[cfg(test)]
mod tests;

//! What a scope knows about tokens in its request and response: where they stand, and how cookies shall look.

use std::borrow::Cow;

use supertokens_web::response_changes::{CookieLook, TokenKind, TokenNames};
use supertokens_web::session_settings::{SameSite, SessionSettings};
use supertokens_web::transfer::TransferMethod;
use supertokens_web::{cookie, transfer};

use super::recipe::SessionFeature;
use crate::context::Scope;
use crate::error::Error;

/// How the tokens of one response look.
pub(crate) struct Look<'a> {
    settings: &'a SessionSettings,
    same_site: SameSite,
    names: TokenNames,
}

impl Look<'_> {
    pub(crate) fn of(&self) -> CookieLook<'_> {
        CookieLook { settings: self.settings, same_site: self.same_site, names: &self.names }
    }
}

impl Scope {
    pub(crate) fn look(&self) -> Result<Look<'_>, Error> {
        let engine = self.supertokens();
        let feature: &SessionFeature = engine.feature()?;
        let same_site = match feature.settings.cookie_same_site {
            Some(same_site) => same_site,
            None => engine.website(self.context())?.same_site,
        };
        Ok(self.look_with(feature, same_site))
    }

    /// For taking tokens away, which must not fail: where the website's address cannot be used, browsers take any cookie that clears.
    pub(crate) fn look_for_clearing(&self) -> Result<Look<'_>, Error> {
        let feature = self.supertokens().feature()?;
        let fallback = if feature.settings.secure(SameSite::None) { SameSite::None } else { SameSite::Lax };
        Ok(self.look().unwrap_or_else(|_| self.look_with(feature, fallback)))
    }

    /// For the tokens of one method only: headers have no `SameSite`, and need no website.
    pub(crate) fn look_for(&self, method: TransferMethod) -> Result<Look<'_>, Error> {
        match method {
            TransferMethod::Cookie => self.look(),
            TransferMethod::Header => Ok(self.look_with(self.supertokens().feature()?, SameSite::Lax)),
        }
    }

    fn look_with<'a>(&self, feature: &'a SessionFeature, same_site: SameSite) -> Look<'a> {
        let cookie = |token| feature.cookie_name(self, token).into_owned();
        let header = |token| feature.header_name(self, token).into_owned();
        let names = TokenNames {
            access_cookie: cookie(TokenKind::Access),
            refresh_cookie: cookie(TokenKind::Refresh),
            access_header: header(TokenKind::Access),
            refresh_header: header(TokenKind::Refresh),
        };
        Look { settings: &feature.settings, same_site, names }
    }

    /// The token of the `Authorization` header, if it is a bearer's.
    pub(crate) fn bearer(&self) -> Option<String> {
        let header = self.request().header("authorization")?;
        transfer::bearer(&header).map(str::to_owned)
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines: Vec<Cow<'_, str>> = self.request().cookie_lines().collect();
        cookie::read(lines.iter().map(Cow::as_ref), name)
    }

    pub(crate) fn count_cookies(&self, name: &str) -> usize {
        let lines: Vec<Cow<'_, str>> = self.request().cookie_lines().collect();
        cookie::count(lines.iter().map(Cow::as_ref), name)
    }
}

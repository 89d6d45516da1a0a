//! Several session cookies of one name in one request: which one is this application's? What can be seen without asking the core is
//! gathered here; the choice is [`own_cookie`]'s.

use std::borrow::Cow;

use supertokens_domain::session::hash;
use supertokens_domain::session::signing_key::VerifyingKey;
use supertokens_web::own_cookie::{self, Cookies, Origin};
use supertokens_web::response_changes::TokenKind;
use supertokens_web::session_settings::OlderCookieDomain;
use supertokens_web::{cookie, token};

use super::recipe::SessionFeature;
use super::token::PresentedToken;
use crate::SuperTokens;
use crate::context::Scope;

/// More than this of one name come from nobody but an attacker, and each costs a signature.
const AT_MOST: usize = 8;

/// The cookies of access tokens, and the own one among them.
struct AccessCookies {
    tokens: Vec<String>,
    origins: Vec<Origin>,
    own: Option<usize>,
}

impl AccessCookies {
    fn of(scope: &Scope, name: &str) -> Self {
        let tokens = scope.all_cookies(name);
        let origins: Vec<Origin> = match tokens.len() <= AT_MOST {
            true => tokens.iter().map(|token| scope.supertokens().origin_of(token)).collect(),
            false => Vec::new(),
        };
        Self { own: own_cookie::own(&origins), tokens, origins }
    }

    fn into_own(mut self) -> Option<String> {
        let own = self.own?;
        (own < self.tokens.len()).then(|| self.tokens.swap_remove(own))
    }
}

impl Scope {
    fn all_cookies(&self, name: &str) -> Vec<String> {
        let lines: Vec<Cow<'_, str>> = self.request().cookie_lines().collect();
        cookie::read_all(lines.iter().map(Cow::as_ref), name).collect()
    }

    /// The own access token among several cookies of this name.
    pub(super) fn own_access_token(&self, name: &str) -> Option<PresentedToken> {
        let own = AccessCookies::of(self, name).into_own();
        self.supertokens().inner().surroundings.several_cookies(name, own.is_some());
        own.map(PresentedToken::from)
    }

    /// Whether any cookie of this name has the form of an access token.
    pub(super) fn brings_access_tokens(&self, name: &str) -> bool {
        self.all_cookies(name).iter().any(|text| token::parse(text).is_ok())
    }

    /// The refresh token to use although the request carries several session cookies of one name. No refresh token is tried out: one
    /// that was replaced already would count as stolen.
    pub(super) fn own_refresh_token(&self, feature: &SessionFeature, name: &str) -> Option<String> {
        let access = AccessCookies::of(self, &feature.cookie_name(self, TokenKind::Access));
        let mut refresh = self.all_cookies(&feature.cookie_name(self, TokenKind::Refresh));
        let partner = access.own.and_then(|own| access.tokens.get(own)).and_then(|text| token::parse(text).ok());
        let partner = partner.map(|parsed| parsed.into_claims().refresh_token_hash1);
        let hashes: Vec<String> = refresh.iter().take(AT_MOST).map(|token| hash::hash1(token)).collect();
        let moved = feature.settings.older_cookie_domain != OlderCookieDomain::Unset;
        let cookies = Cookies { access: &access.origins, partner: partner.as_deref(), refresh: &hashes, moved };
        let chosen = cookies.refresh_token().filter(|at| *at < refresh.len() && access.origins.len() == access.tokens.len());
        self.supertokens().inner().surroundings.several_cookies(name, chosen.is_some());
        chosen.map(|at| refresh.swap_remove(at))
    }
}

impl SuperTokens {
    /// By the keys that are known already: cookies of others must not make us ask the core for theirs.
    fn origin_of(&self, text: &str) -> Origin {
        let Ok(parsed) = token::parse(text) else { return Origin::Foreign };
        let is_signed = self.inner().jwks.known(self.now(), |set| {
            let signs = |key: &VerifyingKey| parsed.kid().is_none_or(|kid| key.kid() == kid) && parsed.signed_by(key);
            set.keys.iter().any(signs).then_some(())
        });
        if is_signed.is_some() {
            return Origin::Signed;
        }
        let issuer = self.app_info().issuer();
        let names_us = parsed.claims().payload().get("iss").is_some_and(|named| *named == issuer);
        if names_us { Origin::Named } else { Origin::Foreign }
    }
}

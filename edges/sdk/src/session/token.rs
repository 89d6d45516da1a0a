//! An access token as a request brought it: a secret whose fingerprint and form are found out once, however many ask.

use std::sync::{Arc, OnceLock};

use supertokens_domain::secret::Secret;
use supertokens_web::token;

use super::verified::{Fingerprint, VerifiedTokens};

/// An access token. Nothing in it is to be trusted before it is verified; it does not print.
#[derive(Debug)]
pub struct PresentedToken {
    text: Arc<Secret<String>>,
    fingerprint: OnceLock<Fingerprint>,
    looks_like_ours: OnceLock<bool>,
}

impl PresentedToken {
    /// The token itself.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// The token, to be kept without a copy.
    pub(crate) fn share(&self) -> Arc<Secret<String>> {
        Arc::clone(&self.text)
    }

    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        self.fingerprint.get_or_init(|| VerifiedTokens::fingerprint(self.expose()))
    }

    /// Whether it has the form of one of our tokens. Others, which some proxy or another library put there, are passed over.
    pub(crate) fn looks_like_ours(&self) -> bool {
        *self.looks_like_ours.get_or_init(|| token::parse(self.expose()).is_ok())
    }

    /// Spares the look, where the token is known already.
    pub(crate) fn is_ours(&self) {
        self.looks_like_ours.get_or_init(|| true);
    }
}

impl Clone for PresentedToken {
    fn clone(&self) -> Self {
        Self { text: self.share(), fingerprint: self.fingerprint.clone(), looks_like_ours: self.looks_like_ours.clone() }
    }
}

impl From<String> for PresentedToken {
    fn from(text: String) -> Self {
        Self { text: Arc::new(Secret::new(text)), fingerprint: OnceLock::new(), looks_like_ours: OnceLock::new() }
    }
}

impl From<&str> for PresentedToken {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

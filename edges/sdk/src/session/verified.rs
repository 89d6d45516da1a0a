//! Access tokens that were verified a moment ago: checking one again is a look-up instead of a signature.
//!
//! The key is the SHA-256 of the whole token, so one changed bit is another token. An entry counts only under the keys it was verified
//! with, and never beyond the token's time; what a look-up does not check (anti-CSRF, claims, the database) is checked each time.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;
use supertokens_domain::time::Millis;
use supertokens_web::token::TokenClaims;

/// Remembers verified tokens, the most recently used ones. It holds hashes and claims, no tokens.
pub(crate) struct VerifiedTokens {
    known: Cache<[u8; 32], Entry>,
}

#[derive(Clone)]
struct Entry {
    claims: Arc<TokenClaims>,
    generation: u64,
}

/// The name of a token in the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint([u8; 32]);

impl VerifiedTokens {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { known: Cache::new(capacity) }
    }

    pub(crate) fn fingerprint(token: &str) -> Fingerprint {
        let mut bytes = [0; 32];
        for (into, from) in bytes.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()) {
            *into = *from;
        }
        Fingerprint(bytes)
    }

    /// What the token says, if it was verified with the present keys and is still valid.
    pub(crate) fn find(&self, token: &Fingerprint, generation: u64, now: Millis) -> Option<Arc<TokenClaims>> {
        let entry = self.known.get(&token.0)?;
        if entry.generation != generation || entry.claims.is_expired(now) {
            self.known.remove(&token.0);
            return None;
        }
        Some(entry.claims)
    }

    /// `generation` is that of the keys which verified it, read before.
    pub(crate) fn keep(&self, token: Fingerprint, generation: u64, claims: &Arc<TokenClaims>) {
        self.known.insert(token.0, Entry { claims: Arc::clone(claims), generation });
    }
}

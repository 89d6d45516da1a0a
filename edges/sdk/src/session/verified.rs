//! Access tokens that were verified a moment ago: checking one again is a look-up instead of a signature.
//!
//! The key is the SHA-256 of the whole token, so one changed bit is another token. An entry counts only under the keys it was verified
//! with, and never beyond the token's time; what a look-up does not check (anti-CSRF, claims, the database) is checked each time.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use supertokens_domain::time::Millis;
use supertokens_web::token::TokenClaims;

/// Remembers verified tokens, the most recently used ones. It holds hashes and claims, no tokens.
pub(crate) struct VerifiedTokens {
    known: Cache<[u8; 32], Entry, Bytes>,
}

#[derive(Clone)]
struct Entry {
    claims: Arc<TokenClaims>,
    generation: u64,
}

/// What one entry may take, in bytes: one that is larger takes the place of several, so whoever has many tokens with large payloads
/// made does not fill the memory.
const PLACE: u64 = 2 * 1024;
/// What an entry takes besides its texts, in bytes.
const FRAME: usize = 400;

/// Weighs entries.
#[derive(Clone)]
struct Bytes;

impl Weighter<[u8; 32], Entry> for Bytes {
    fn weight(&self, _: &[u8; 32], entry: &Entry) -> u64 {
        let claims = &entry.claims;
        let ids = claims.user_id.len() + claims.recipe_user_id.len() + claims.session_handle.len();
        u64::try_from(FRAME + ids + claims.payload_text.len()).unwrap_or(u64::MAX).max(PLACE)
    }
}

/// The name of a token in the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint([u8; 32]);

impl VerifiedTokens {
    pub(crate) fn new(capacity: usize) -> Self {
        let bytes = u64::try_from(capacity).unwrap_or(u64::MAX).saturating_mul(PLACE);
        Self { known: Cache::with_weighter(capacity, bytes, Bytes) }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: usize) -> Arc<TokenClaims> {
        Arc::new(TokenClaims {
            version: supertokens_web::token::TokenVersion::V5,
            user_id: "user".to_owned(),
            recipe_user_id: "user".to_owned(),
            tenant_id: "public".to_owned(),
            session_handle: "handle".to_owned(),
            refresh_token_hash1: "0".repeat(64),
            parent_refresh_token_hash1: None,
            anti_csrf_token: None,
            expires_at: 1_000,
            issued_at: 0,
            not_before: None,
            payload_text: "x".repeat(payload).into_boxed_str(),
            signed_by_dynamic_key: Some(true),
        })
    }

    #[test]
    fn many_tokens_and_large_ones_stay_within_the_same_memory() {
        for (payload, at_least, at_most) in [(500, 9_000, 10_000), (12 * 1024, 1_000, 10_000 / 6)] {
            let kept = VerifiedTokens::new(10_000);
            let name = |n: u32| VerifiedTokens::fingerprint(&n.to_string());
            let claims = claims(payload);
            for n in 0..20_000 {
                kept.keep(name(n), 1, &claims);
            }
            let known = (0..20_000).filter(|n| kept.find(&name(*n), 1, 0).is_some()).count();
            assert!((at_least..=at_most).contains(&known), "{payload}: {known}");
            assert!(kept.known.weight() <= 10_000 * PLACE);
        }
    }
}

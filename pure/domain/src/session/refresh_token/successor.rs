//! The one successor of a refresh token. Whoever refreshes with a token, and however often, is given the same successor, and nothing
//! needs to be stored for it: what distinguishes it from other tokens is a keyed function of the token and its session.
//!
//! Two plaintexts must never be sealed under one IV. So the IV is a keyed function of the whole plaintext (as in AES-SIV): where another
//! user id or anti-CSRF choice gives another plaintext, it gives another IV too. HMAC-SHA256 is cut to 96 bits for it, which meet by
//! chance no sooner than random ones.

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};

use super::{IV, RefreshClaims, RefreshKey, SealFailed, plaintext, seal_text};
use crate::ids::SessionHandle;
use crate::secret::Secret;
use crate::session::hash::hex;

/// Keeps the key of successors apart from every other use of the app's key.
const PURPOSE: &[u8] = b"supertokens-rs: successors of refresh tokens, 1";

/// The key of successors. The app's key is text of high entropy, so one HMAC extracts it.
pub(super) fn key_of_successors(stored: &str) -> Secret<[u8; 32]> {
    Secret::new(tag(stored.as_bytes(), &[PURPOSE]))
}

/// HMAC-SHA256 over the parts, each with its length before it: no two lists of parts give one text.
fn tag(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::with_key(&Key::new(HMAC_SHA256, key));
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    for (into, from) in bytes.iter_mut().zip(context.sign().as_ref()) {
        *into = *from;
    }
    bytes
}

impl RefreshKey {
    fn of(&self, what: &[u8], parent_hash1: &str, session: &SessionHandle) -> [u8; 32] {
        tag(self.successors.expose(), &[what, session.as_str().as_bytes(), parent_hash1.as_bytes()])
    }

    /// The nonce of the token that follows the one with this first hash.
    pub fn next_nonce(&self, parent_hash1: &str, session: &SessionHandle) -> String {
        hex(&self.of(b"nonce", parent_hash1, session))
    }

    /// Its anti-CSRF token, in the form of a random UUID.
    pub fn next_anti_csrf(&self, parent_hash1: &str, session: &SessionHandle) -> String {
        let bytes = self.of(b"anti-csrf", parent_hash1, session);
        let mut half = [0; 16];
        half.copy_from_slice(bytes.split_at(16).0);
        half[6] = (half[6] & 0x0f) | 0x40;
        half[8] = (half[8] & 0x3f) | 0x80;
        let mut text = hex(&half);
        for at in [20, 16, 12, 8] {
            text.insert(at, '-');
        }
        text
    }
}

/// Makes a token without dice: the same claims give the same token, and other claims another IV.
pub fn seal_alike(claims: &RefreshClaims, key: &RefreshKey) -> Result<String, SealFailed> {
    let text = plaintext(claims);
    let mut iv = [0; IV];
    iv.copy_from_slice(tag(key.successors.expose(), &[b"iv", text.as_bytes()]).split_at(IV).0);
    seal_text(text, &claims.nonce, key, iv)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::open;
    use super::*;
    use crate::ids::TenantId;
    use crate::session::hash::hash1;

    fn key(text: &str) -> RefreshKey {
        RefreshKey::from_stored(text.into())
    }

    fn claims(key: &RefreshKey, parent: &str, with_anti_csrf: bool) -> RefreshClaims {
        let (session, parent) = (SessionHandle::presented("h"), hash1(parent));
        RefreshClaims {
            user_id: "u".into(),
            nonce: key.next_nonce(&parent, &session),
            anti_csrf: with_anti_csrf.then(|| key.next_anti_csrf(&parent, &session)),
            parent_hash1: Some(parent),
            session_handle: session,
            tenant: TenantId::default(),
        }
    }

    fn iv_of(token: &str) -> Vec<u8> {
        let sealed = STANDARD.decode(token.split('.').next().unwrap()).unwrap();
        sealed[..IV].to_vec()
    }

    #[test]
    fn one_parent_has_one_successor_that_is_a_token_like_every_other() {
        let key = key("k");
        let claims = claims(&key, "parent", true);
        let token = seal_alike(&claims, &key).unwrap();
        assert_eq!(token, seal_alike(&claims, &RefreshKey::from_stored("k".into())).unwrap());
        assert_eq!(open(&token, &key), Ok(claims.clone()));
        assert_eq!(claims.nonce.len(), 64);
        assert!(token.ends_with(&format!(".{}.V2", claims.nonce)));
    }

    #[test]
    fn tokens_stay_what_they_are_over_releases() {
        // Cores of different releases share a database: what one has handed out, the other must hand out again.
        let key = key("1000:00:00");
        let made = seal_alike(&claims(&key, "parent", true), &key).unwrap();
        assert_eq!(hash1(&made), "f5df8f73384d7412936519833b9a55990f29b2e699014a8e51b7b25dc76b4e9b");
    }

    #[test]
    fn whatever_differs_the_iv_differs() {
        let (one, other) = (key("k"), key("l"));
        let base = claims(&one, "parent", true);
        let cases = [
            base.clone(),
            claims(&one, "parent", false),
            claims(&one, "another parent", true),
            claims(&other, "parent", true),
            RefreshClaims { user_id: "v".into(), ..base.clone() },
            RefreshClaims { tenant: TenantId::normalise("t1"), ..base.clone() },
            RefreshClaims { session_handle: SessionHandle::presented("h_t1"), ..base.clone() },
            RefreshClaims { nonce: "n".into(), ..base.clone() },
            RefreshClaims { anti_csrf: Some("a".into()), ..base.clone() },
            RefreshClaims { parent_hash1: None, ..base },
        ];
        let sealed: Vec<String> = cases.iter().map(|claims| seal_alike(claims, &one).unwrap()).collect();
        let ivs: HashSet<Vec<u8>> = sealed.iter().map(|token| iv_of(token)).collect();
        assert_eq!(ivs.len(), cases.len());
        // The same claims under another app's key.
        assert_ne!(iv_of(&seal_alike(&cases[0], &other).unwrap()), iv_of(&sealed[0]));
    }

    #[test]
    fn what_is_derived_depends_on_key_session_parent_and_purpose() {
        let session = SessionHandle::presented;
        let all = [
            key("k").next_nonce("p", &session("h")),
            key("l").next_nonce("p", &session("h")),
            key("k").next_nonce("q", &session("h")),
            key("k").next_nonce("p", &session("i")),
            // Nothing moves from one part into the next.
            key("k").next_nonce("hp", &session("")),
            key("k").next_nonce("", &session("hp")),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        let anti_csrf = key("k").next_anti_csrf("p", &session("h"));
        assert_ne!(anti_csrf.replace('-', "")[..8], all[0][..8]);
        let parts: Vec<usize> = anti_csrf.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert!(anti_csrf[14..15] == *"4" && "89ab".contains(&anti_csrf[19..20]), "{anti_csrf}");
    }

    #[test]
    fn the_key_of_successors_is_not_the_key_of_the_app_and_is_not_shown() {
        let key = key("the key of the app");
        assert_ne!(&key.successors.expose()[..], &b"the key of the app"[..]);
        let shown = format!("{key:?}");
        assert!(!shown.contains("the key") && !shown.contains(&format!("{:?}", key.successors.expose())), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn other_plaintexts_have_other_ivs(a in "\\PC{0,20}", b in "\\PC{0,20}", same in proptest::bool::ANY) {
            let key = key("k");
            let with = |user: &str| RefreshClaims { user_id: user.into(), ..claims(&key, "parent", true) };
            let b = if same { a.clone() } else { b };
            let (one, other) = (seal_alike(&with(&a), &key).unwrap(), seal_alike(&with(&b), &key).unwrap());
            proptest::prop_assert_eq!(a == b, one == other);
            proptest::prop_assert_eq!(a == b, iv_of(&one) == iv_of(&other));
        }
    }
}

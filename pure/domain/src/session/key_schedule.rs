//! When are dynamic signing keys made, published, used and forgotten? (core-session.md 5.2, 5.5)
//!
//! A key is known by its time of making. All tables and caches of keys are kept by the callers.

use crate::time::{Millis, SECOND};

/// The end of a static key as clients before CDI 2.21 are told it.
// Quirk: ten years as a bare length of time; upstream forgot to add the present.
pub const STATIC_KEY_LEGACY_EXPIRY: Millis = 315_360_000_000;

/// The settings that rule dynamic keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPolicy {
    /// How long a key signs: `access_token_dynamic_signing_key_update_interval`.
    pub interval: Millis,
    /// How long an access token lives.
    pub access_token_validity: Millis,
    /// How long before its first signature a key is published; 60 s, less in test mode.
    pub overlap: Millis,
}

impl KeyPolicy {
    /// From the making of a key until no token of it can be valid any more, with one validity to spare.
    pub fn lifetime(&self) -> Millis {
        self.interval.saturating_add(self.access_token_validity.saturating_mul(2))
    }

    /// Should a stored key be loaded at all?
    pub fn loadable(&self, created: Millis, now: Millis) -> bool {
        created >= self.delete_before(now)
    }

    /// Do tokens of this key verify, and does the JWKS name it?
    pub fn is_published(&self, created: Millis, now: Millis) -> bool {
        created.saturating_add(self.lifetime()) >= now
    }

    /// While loading: must a new key be made? True from one overlap before the newest one's interval ends.
    pub fn needs_new(&self, newest: Option<Millis>, now: Millis) -> bool {
        newest.is_none_or(|newest| newest < now.saturating_sub(self.interval).saturating_add(self.overlap))
    }

    /// While using loaded keys: must they be loaded again, because a new key is due? `newest` is that of the published ones.
    pub fn is_stale(&self, newest: Option<Millis>, now: Millis) -> bool {
        newest.is_none_or(|newest| now.saturating_add(self.overlap) > newest.saturating_add(self.interval))
    }

    /// Which of the published keys signs. The newest; but while it is younger than the overlap, the one before it goes on, if
    /// its interval is not over. So a new key is known to everyone before it signs.
    pub fn signing_index(&self, created_newest_first: &[Millis], now: Millis) -> Option<usize> {
        match created_newest_first {
            [] => None,
            [newest, previous, ..]
                if newest.saturating_add(self.overlap) > now && now < previous.saturating_add(self.interval) =>
            {
                Some(1)
            }
            _ => Some(0),
        }
    }

    /// How long a client may keep the JWKS: until the next key is made, but always a second.
    pub fn max_age_seconds(&self, newest: Millis, now: Millis) -> i64 {
        let due = newest.saturating_add(self.interval).saturating_sub(self.overlap);
        (due.saturating_sub(now) / SECOND).max(1)
    }

    /// Stored keys made before this instant may be deleted.
    pub fn delete_before(&self, now: Millis) -> Millis {
        now.saturating_sub(self.lifetime())
    }

    /// `jwtSigningPublicKeyExpiryTime` of the signing key, as clients before CDI 2.21 are told it.
    pub fn legacy_expiry(&self, created: Millis) -> Millis {
        created.saturating_add(self.interval)
    }

    /// `expiryTime` of a key in `jwtSigningPublicKeyList`: the end of its publication.
    pub fn legacy_list_expiry(&self, created: Millis) -> Millis {
        created.saturating_add(self.lifetime())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Json, JsonObject};
    use crate::session::test_vectors as vectors;

    fn schedule() -> (JsonObject, KeyPolicy) {
        let file = vectors::file(include_str!("../../../../testkit/vectors/signing_key_schedule.json"));
        let policy = KeyPolicy {
            interval: vectors::number(&file, "interval_ms"),
            access_token_validity: vectors::number(&file, "access_token_validity_ms"),
            overlap: vectors::number(&file, "overlap_ms"),
        };
        (file, policy)
    }

    #[test]
    fn keys_live_as_in_the_vectors() {
        let (file, policy) = schedule();
        let cases = vectors::array(&file, "cases");
        assert!(cases.len() >= 11);
        for case in cases {
            let name = vectors::text(case, "name");
            let now = vectors::number(case, "now");
            let mut keys: Vec<Millis> =
                vectors::member(case, "created_at_time").as_array().unwrap().iter().map(|key| key.as_i64().unwrap()).collect();
            keys.sort_unstable_by(|a, b| b.cmp(a));
            keys.retain(|key| policy.loadable(*key, now));
            assert!(keys.iter().all(|key| policy.is_published(*key, now)), "{name}");
            let generated = policy.needs_new(keys.first().copied(), now);
            assert_eq!(policy.is_stale(keys.first().copied(), now), generated, "{name}");
            assert_eq!(generated, vectors::boolean(case, "generated"), "{name}");
            if generated {
                keys.insert(0, now);
            }
            let kids: Vec<Json> = keys.iter().map(|key| format!("d-{key}").into()).collect();
            assert_eq!(vectors::member(case, "published"), &Json::Array(kids), "{name}");
            let signing = keys[policy.signing_index(&keys, now).unwrap()];
            assert_eq!(format!("d-{signing}"), vectors::text(case, "sign_with"), "{name}");
            assert_eq!(policy.max_age_seconds(keys[0], now), vectors::number(case, "max_age_seconds"), "{name}");
            let ends: Vec<Json> = keys.iter().map(|key| policy.legacy_list_expiry(*key).into()).collect();
            assert_eq!(vectors::member(case, "expiry_of_published"), &Json::Array(ends), "{name}");
            assert_eq!(policy.legacy_expiry(signing), vectors::number(case, "jwtSigningPublicKeyExpiryTime"), "{name}");
        }
    }

    #[test]
    fn old_keys_are_deleted_as_in_the_vectors() {
        let (file, policy) = schedule();
        let cleanup = vectors::object(&file, "cleanup_cron");
        let (now, limit) = (vectors::number(cleanup, "now"), vectors::number(cleanup, "delete_strictly_before"));
        assert_eq!(policy.delete_before(now), limit);
        assert!(policy.loadable(limit, now) && policy.is_published(limit, now));
        assert!(!policy.loadable(limit - 1, now) && !policy.is_published(limit - 1, now));
    }

    #[test]
    fn without_keys_nothing_signs_and_one_is_due() {
        let (_, policy) = schedule();
        assert_eq!(policy.signing_index(&[], 0), None);
        assert!(policy.needs_new(None, 0) && policy.is_stale(None, 0));
    }

    proptest::proptest! {
        #[test]
        fn a_key_that_signs_is_published_and_no_instant_overflows(
            keys in proptest::collection::vec(0i64..2_000_000_000_000, 1..5), now in proptest::num::i64::ANY
        ) {
            let (_, policy) = schedule();
            let mut keys: Vec<Millis> = keys.into_iter().filter(|key| policy.is_published(*key, now)).collect();
            keys.sort_unstable_by(|a, b| b.cmp(a));
            if let Some(at) = policy.signing_index(&keys, now) {
                proptest::prop_assert!(policy.is_published(keys[at], now));
                proptest::prop_assert!(policy.max_age_seconds(keys[0], now) >= 1);
            }
            proptest::prop_assert_eq!(policy.needs_new(keys.first().copied(), 5), policy.is_stale(keys.first().copied(), 5));
        }
    }
}

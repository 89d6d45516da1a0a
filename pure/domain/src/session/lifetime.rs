//! How long does a new access token live? (core-session.md 2.1 step 1, 3.5)

use crate::time::Millis;

/// The requested validity is out of range; the text names the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("accessTokenValidity must be greater than 0 and at most the configured access_token_validity ({configured} ms)")]
pub struct ValidityOutOfRange {
    /// The configured validity, which is the most that can be asked for.
    pub configured: Millis,
}

/// A validity that a request asks for: only shorter than the configured one, or equal.
pub fn may_override(requested: Millis, configured: Millis) -> Result<Millis, ValidityOutOfRange> {
    if requested > 0 && requested <= configured { Ok(requested) } else { Err(ValidityOutOfRange { configured }) }
}

/// The configured validity, shortened by up to the share `jitter`, so that tokens made together do not end together. `dice` is
/// a random number in [0, 1).
#[expect(clippy::cast_possible_truncation, reason = "the casts saturate, and a validity is far below 2^53")]
#[expect(clippy::cast_precision_loss, reason = "a validity is far below 2^53")]
pub fn jittered(validity: Millis, jitter: f64, dice: f64) -> Millis {
    (validity as f64 * (1.0 - dice * jitter)).floor() as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_only_shorten() {
        assert_eq!(may_override(1, 3_600_000), Ok(1));
        assert_eq!(may_override(3_600_000, 3_600_000), Ok(3_600_000));
        for requested in [0, -1, 3_600_001, i64::MAX, i64::MIN] {
            assert_eq!(
                may_override(requested, 3_600_000).unwrap_err().to_string(),
                "accessTokenValidity must be greater than 0 and at most the configured access_token_validity (3600000 ms)"
            );
        }
    }

    #[test]
    fn jitter_takes_away_its_share_at_most() {
        assert_eq!(jittered(3_600_000, 0.0, 0.99), 3_600_000);
        assert_eq!(jittered(3_600_000, 0.05, 0.0), 3_600_000);
        assert_eq!(jittered(3_600_000, 0.05, 0.5), 3_510_000);
        assert_eq!(jittered(1_000, 0.25, 0.001), 999, "fractions are cut off");
    }

    proptest::proptest! {
        #[test]
        fn jittered_validity_stays_in_its_range(validity in 1i64..86_400_000_000, jitter in 0.0..=0.25f64, dice in 0.0..1.0f64) {
            let jittered = jittered(validity, jitter, dice);
            proptest::prop_assert!(jittered <= validity && jittered >= validity * 3 / 4 - 1);
        }
    }
}

//! What does an operator read of a refresh token that was used again? `Display` says what happened, and what can be done if it was no
//! theft. Nothing in it comes from outside.

use std::fmt;

use super::{RefreshPolicy, ReuseSubtype};
use crate::time::{Millis, SECOND};

/// A reuse, in words for the log.
#[derive(Debug, Clone, Copy)]
pub struct Explained {
    /// Where the token stood; none at CDI 5.5 and below.
    pub subtype: Option<ReuseSubtype>,
    /// How long ago the session's token was replaced last, in ms.
    pub since_rotation: Option<Millis>,
    /// How the client refreshes.
    pub policy: RefreshPolicy,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RefreshPolicy::Rotate { grace, .. } = self.policy else {
            return f.write_str(
                "a refresh token was used again although its successor is in use already: somebody else may hold it, or the client \
                 refreshed twice at the same time; ending the session is left to the SDK",
            );
        };
        match self.subtype {
            Some(ReuseSubtype::RecentPrev) => {
                f.write_str("a refresh token was used again ")?;
                if let Some(ago) = self.since_rotation {
                    write!(f, "{} after it was replaced, ", Seconds(ago))?;
                }
                write!(
                    f,
                    "later than refresh_token_rotation_grace_period ({}) allows: the session is ended. If it was no theft, the client \
                     lost the answer to its refresh and asked again too late; a longer period (up to 300 s) forgives that",
                    Seconds(grace)
                )
            }
            Some(ReuseSubtype::OrphanedBranch) => f.write_str(
                "a refresh token was used in whose place another one was handed out: the session is ended. If it was no theft, two \
                 clients refreshed one token differently, by cores of different releases or with and without anti-CSRF",
            ),
            Some(ReuseSubtype::StaleLineage) | None => f.write_str(
                "a refresh token was used again after its successor had been used, or in another spelling: the session is ended. If it \
                 was no theft, a client kept or restored an old token",
            ),
        }
    }
}

/// Whole seconds, and tenths below ten.
struct Seconds(Millis);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, tenths) = (self.0 / SECOND, self.0 % SECOND / 100);
        if tenths == 0 || whole >= 10 { write!(f, "{whole} s") } else { write!(f, "{whole}.{tenths} s") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReuseBehaviour;
    use super::*;

    fn text(subtype: Option<ReuseSubtype>, since_rotation: Option<Millis>, grace: Option<Millis>) -> String {
        let policy = grace
            .map_or(RefreshPolicy::ParentChild, |grace| RefreshPolicy::Rotate { grace, on_recent_reuse: ReuseBehaviour::Theft });
        Explained { subtype, since_rotation, policy }.to_string()
    }

    #[test]
    fn a_late_repeat_is_told_with_its_age_the_window_and_the_setting() {
        let said = text(Some(ReuseSubtype::RecentPrev), Some(75_900), Some(60_000));
        let start = "a refresh token was used again 75 s after it was replaced, later than refresh_token_rotation_grace_period (60 s) allows";
        assert!(said.starts_with(start) && said.contains("up to 300 s"), "{said}");
        let said = text(Some(ReuseSubtype::RecentPrev), Some(1_250), Some(0));
        assert!(said.contains("again 1.2 s after") && said.contains("(0 s)"), "{said}");
        assert!(text(Some(ReuseSubtype::RecentPrev), None, Some(0)).contains("again later than"));
    }

    #[test]
    fn every_other_reuse_names_its_own_cause() {
        let mut all: Vec<String> = [ReuseSubtype::RecentPrev, ReuseSubtype::OrphanedBranch, ReuseSubtype::StaleLineage]
            .map(|subtype| text(Some(subtype), Some(1), Some(0)))
            .to_vec();
        assert!(all.iter().all(|said| said.contains("the session is ended") && said.contains("If it was no theft")), "{all:?}");
        all.push(text(None, Some(1), None));
        assert!(!all[3].contains("is ended"));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }
}

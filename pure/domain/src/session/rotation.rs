//! What does a refresh do to the session's row? (core-session.md 2.3, 2.5)
//!
//! Two generations of clients share the rows. From CDI 5.6 on, a refresh rotates at once and forgives a repeat for a while; up to 5.5, it
//! only hands out a child, and the child's first use rotates. Every rotation leaves the old hash and the time behind, whoever made it,
//! so that a session may change between the two at any moment.
//!
//! From 5.6 on a token has one successor (`refresh_token::successor`), so a repeat gets what the first one got. Up to 5.5 children differ:
//! nothing there ends the time of a parent, and two who shared its one child would never be told apart.

mod explained;

use std::fmt;

pub use explained::Explained;

use super::hash::{equal, hash1, rehash};
use crate::ids::{SessionHandle, TenantId};
use crate::json::{JsonObject, NotJson};
use crate::time::Millis;

/// A row of `session_info`.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// `user_id`: the recipe user's id; the external one where a mapping exists.
    pub user_id: String,
    /// `refresh_token_hash_2`: second hash of the refresh token that is current.
    pub current_hash2: String,
    /// `prev_refresh_token_hash_2`: that of the token retired by the last rotation; none before the first.
    pub prev_hash2: Option<String>,
    /// `refresh_token_rotated_at`: when that was.
    pub rotated_at: Option<Millis>,
    /// `session_data`: JSON text that stays on the server.
    pub session_data: String,
    /// `jwt_user_payload`: JSON text that goes into access tokens.
    pub jwt_payload: String,
    /// `expires_at`: the end of the session, moved on by every rotation.
    pub expires_at: Millis,
    /// `created_at_time`.
    pub created_at: Millis,
    /// `use_static_key`: which kind of key signs its access tokens.
    pub use_static_key: bool,
    /// `session_handle`.
    pub handle: SessionHandle,
    /// `tenant_id`.
    pub tenant: TenantId,
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("handle", &self.handle)
            .field("tenant", &self.tenant)
            .field("expires_at", &self.expires_at)
            .field("rotated_at", &self.rotated_at)
            .field("use_static_key", &self.use_static_key)
            .finish_non_exhaustive()
    }
}

impl StoredSession {
    /// Is the session over, as far as tokens are concerned? Its last millisecond still counts.
    pub fn is_over(&self, now: Millis) -> bool {
        self.expires_at < now
    }

    /// The payload for access tokens, parsed.
    pub fn payload(&self) -> Result<JsonObject, NotJson> {
        JsonObject::parse(&self.jwt_payload)
    }
}

/// The refresh token that somebody presents, as far as the row knows of tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its first hash: what its children carry.
    pub hash1: String,
    /// Its second hash: what the row would hold.
    pub hash2: String,
    /// The first hash of the token it was handed out for, from inside it.
    pub parent_hash1: Option<String>,
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("has_parent", &self.parent_hash1.is_some()).finish_non_exhaustive()
    }
}

impl Presented {
    /// From the token's text, exactly as it was presented, and the parent hash inside it.
    pub fn new(token: &str, parent_hash1: Option<String>) -> Self {
        let hash1 = hash1(token);
        Self { hash2: rehash(&hash1), hash1, parent_hash1 }
    }

    fn is(&self, hash2: &str) -> bool {
        equal(&self.hash2, hash2)
    }

    fn is_child_of(&self, hash2: &str) -> bool {
        is_parent(self.parent_hash1.as_deref(), hash2)
    }
}

/// Is this first hash, if there is one, that of the token with the second hash?
pub(super) fn is_parent(parent_hash1: Option<&str>, hash2: &str) -> bool {
    parent_hash1.is_some_and(|parent| equal(&rehash(parent), hash2))
}

/// What a refresh brings besides the row.
#[derive(Debug, Clone, Copy)]
pub struct RefreshAttempt<'a> {
    /// The token presented.
    pub presented: &'a Presented,
    /// Second hash of the token that will be handed out, the presented one's successor; without meaning under
    /// [`RefreshPolicy::ParentChild`].
    pub fresh_hash2: &'a str,
    /// The kind of key asked for; none keeps the row's.
    pub use_static_key: Option<bool>,
    /// How long the session lives on from a rotation: `refresh_token_validity`.
    pub refresh_validity: Millis,
}

/// What a repeat of a token leads to, if it looks like a lost answer rather than a thief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReuseBehaviour {
    /// `TOKEN_THEFT`
    #[default]
    Theft,
    /// `UNAUTHORISED`
    Unauthorised,
}

/// How this generation of clients refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshPolicy {
    /// CDI 5.6: rotate in the same transaction.
    Rotate {
        /// For how long after a rotation the retired token is still good: `refresh_token_rotation_grace_period`.
        grace: Millis,
        /// `recent_token_reuse_behaviour`
        on_recent_reuse: ReuseBehaviour,
    },
    /// CDI 5.5 and below: hand out a child, rotate when the child is used.
    ParentChild,
}

/// New values of the five columns that a rotation writes.
#[derive(Clone, PartialEq, Eq)]
pub struct Rotation {
    /// `refresh_token_hash_2`
    pub current_hash2: String,
    /// `prev_refresh_token_hash_2`
    pub prev_hash2: Option<String>,
    /// `refresh_token_rotated_at`
    pub rotated_at: Option<Millis>,
    /// `expires_at`
    pub expires_at: Millis,
    /// `use_static_key`
    pub use_static_key: bool,
}

impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation")
            .field("rotated_at", &self.rotated_at)
            .field("expires_at", &self.expires_at)
            .field("use_static_key", &self.use_static_key)
            .finish_non_exhaustive()
    }
}

/// Where a reused token stood in the session's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReuseSubtype {
    /// It is the one that the last rotation retired, and the time of grace is over.
    RecentPrev,
    /// It was handed out for that one, and then another was handed out in its place.
    OrphanedBranch,
    /// It is older, or not of this session.
    StaleLineage,
}

impl ReuseSubtype {
    /// The name in `recentTokenReuseSubtype`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecentPrev => "RECENT_PREV",
            Self::OrphanedBranch => "ORPHANED_BRANCH",
            Self::StaleLineage => "STALE_LINEAGE",
        }
    }
}

/// What the caller of a refresh with a reused token is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReuseAnswer {
    /// `TOKEN_THEFT_DETECTED`
    Theft,
    /// `UNAUTHORISED` with [`REUSE_DETECTED`].
    Unauthorised,
}

/// The message for [`ReuseAnswer::Unauthorised`].
pub const REUSE_DETECTED: &str = "refresh token reuse detected";
/// The message for [`RefreshDecision::Gone`].
pub const SESSION_GONE: &str = "Session missing in db or has expired";

/// What a refresh does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshDecision {
    /// No row, or it is over: `UNAUTHORISED`, see [`SESSION_GONE`].
    Gone,
    /// Write this and hand out the fresh token. Its access token carries no parent hash.
    Rotate(Rotation),
    /// The fresh token was handed out before and is still current: hand it out again, with a new access token that carries no parent
    /// hash either. Of the row, write the kind of key at most.
    Repeat {
        /// The new `use_static_key`, if it changes.
        set_static: Option<bool>,
        /// When the fresh token was handed out first.
        made_at: Millis,
        /// Its end.
        expires_at: Millis,
    },
    /// Write this, which makes the presented token current; then hand out a child of it, whose access token carries the
    /// presented token's first hash as parent. Deciding again after the write gives `IssueChild { set_static: None }`.
    PromoteThenContinue(Rotation),
    /// Hand out a child of the presented token, likewise; of the row, write the kind of key at most.
    IssueChild {
        /// The new `use_static_key`, if it changes.
        set_static: Option<bool>,
    },
    /// The token was used before, or never was this session's.
    Reused {
        /// Told to clients from CDI 5.6 on; older ones never have one.
        subtype: Option<ReuseSubtype>,
        /// What to answer.
        answer: ReuseAnswer,
        /// Delete the session before answering? Up to CDI 5.5 that is left to the caller.
        delete: bool,
    },
}

/// What happens to the session when this token is presented now. The row must be locked until the decision is written.
pub fn decide_refresh(
    row: Option<&StoredSession>,
    attempt: &RefreshAttempt<'_>,
    policy: RefreshPolicy,
    now: Millis,
) -> RefreshDecision {
    let Some(row) = row.filter(|row| !row.is_over(now)) else { return RefreshDecision::Gone };
    match policy {
        RefreshPolicy::Rotate { grace, on_recent_reuse } => rotate(row, attempt, (grace, on_recent_reuse), now),
        RefreshPolicy::ParentChild => parent_child(row, attempt, now),
    }
}

fn rotate(
    row: &StoredSession,
    attempt: &RefreshAttempt<'_>,
    (grace, on_recent_reuse): (Millis, ReuseBehaviour),
    now: Millis,
) -> RefreshDecision {
    let presented = attempt.presented;
    let use_static_key = attempt.use_static_key.unwrap_or(row.use_static_key);
    if presented.is(&row.current_hash2) || presented.is_child_of(&row.current_hash2) {
        return RefreshDecision::Rotate(Rotation {
            current_hash2: attempt.fresh_hash2.to_owned(),
            prev_hash2: Some(presented.hash2.clone()),
            rotated_at: Some(now),
            expires_at: now.saturating_add(attempt.refresh_validity),
            use_static_key,
        });
    }
    let is_prev = row.prev_hash2.as_deref().is_some_and(|prev| presented.is(prev));
    let forgiven = row.rotated_at.filter(|rotated| is_prev && now <= rotated.saturating_add(grace));
    if let Some(made_at) = forgiven {
        if equal(attempt.fresh_hash2, &row.current_hash2) {
            return RefreshDecision::Repeat {
                set_static: changed_kind(row, use_static_key),
                made_at,
                expires_at: row.expires_at,
            };
        }
        // Another core, another release or another anti-CSRF choice made the current token. What was handed out then is an orphan now.
        return RefreshDecision::Rotate(Rotation {
            current_hash2: attempt.fresh_hash2.to_owned(),
            prev_hash2: row.prev_hash2.clone(),
            rotated_at: row.rotated_at,
            expires_at: row.expires_at,
            use_static_key,
        });
    }
    let subtype = if is_prev {
        ReuseSubtype::RecentPrev
    } else if row.prev_hash2.as_deref().is_some_and(|prev| presented.is_child_of(prev)) {
        ReuseSubtype::OrphanedBranch
    } else {
        ReuseSubtype::StaleLineage
    };
    let answer = match (subtype, on_recent_reuse) {
        (ReuseSubtype::StaleLineage, _) | (_, ReuseBehaviour::Theft) => ReuseAnswer::Theft,
        (_, ReuseBehaviour::Unauthorised) => ReuseAnswer::Unauthorised,
    };
    RefreshDecision::Reused { subtype: Some(subtype), answer, delete: true }
}

fn parent_child(row: &StoredSession, attempt: &RefreshAttempt<'_>, now: Millis) -> RefreshDecision {
    let presented = attempt.presented;
    let use_static_key = attempt.use_static_key.unwrap_or(row.use_static_key);
    if presented.is(&row.current_hash2) {
        return RefreshDecision::IssueChild { set_static: changed_kind(row, use_static_key) };
    }
    if presented.is_child_of(&row.current_hash2) {
        let validity = attempt.refresh_validity;
        return RefreshDecision::PromoteThenContinue(promotion(row, &presented.hash2, use_static_key, validity, now));
    }
    RefreshDecision::Reused { subtype: None, answer: ReuseAnswer::Theft, delete: false }
}

fn changed_kind(row: &StoredSession, use_static_key: bool) -> Option<bool> {
    (use_static_key != row.use_static_key).then_some(use_static_key)
}

/// Makes a child current.
pub(super) fn promotion(
    row: &StoredSession,
    child_hash2: &str,
    use_static_key: bool,
    refresh_validity: Millis,
    now: Millis,
) -> Rotation {
    Rotation {
        current_hash2: child_hash2.to_owned(),
        prev_hash2: Some(row.current_hash2.clone()),
        rotated_at: Some(now),
        expires_at: now.saturating_add(refresh_validity),
        use_static_key,
    }
}

#[cfg(test)]
pub(super) mod tests;

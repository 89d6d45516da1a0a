//! What does the session's row say about a genuine access token, and what does verifying do to the row?
//! (core-session.md 2.4; whether the token is genuine is for `access_token` to say)
//!
//! From CDI 5.6 on nothing is written. Up to 5.5, the first use of a child's access token makes the child current, and the
//! answer may carry a replacement token.

use super::access_token::AccessClaims;
use super::hash::{equal, rehash};
use super::rotation::{Rotation, StoredSession, is_parent, promotion};
use crate::time::Millis;

/// What is known of the row.
#[derive(Debug, Clone, Copy)]
pub enum DatabaseCheck<'a> {
    /// The request did not ask for the database to be read.
    Skipped,
    /// It did, and this was found.
    Read(Option<&'a StoredSession>),
}

/// Why a genuine token is not accepted: `UNAUTHORISED`. `Display` is upstream's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowRefusal {
    /// The database was asked and has no such session.
    #[error("Either the session has ended or has been blacklisted")]
    Ended,
    /// The row was to be locked and is not there.
    #[error("Session missing in db")]
    Missing,
    /// The token belongs to neither the current nor the previous refresh token.
    // Quirk: although the text asks for a refresh, the status makes clients drop the session.
    #[error("rotated-out token branch; refresh required")]
    RotatedOut,
}

/// CDI 5.6: accepts or refuses. The answer carries the token's own claims in any case; `Ok` tells what else to answer:
/// `payloadUpdateAvailable`, exactly if the database was asked.
///
/// A row that is over counts as gone. Upstream accepts it until it is swept away; that is a hole, and we close it.
pub fn decide_verify_stateless(claims: &AccessClaims, check: DatabaseCheck<'_>, now: Millis) -> Result<Option<bool>, RowRefusal> {
    let DatabaseCheck::Read(row) = check else { return Ok(None) };
    let row = row.filter(|row| !row.is_over(now)).ok_or(RowRefusal::Ended)?;
    if belongs_to(claims, row) { Ok(Some(payload_differs(claims, row))) } else { Err(RowRefusal::RotatedOut) }
}

/// Does the row know the refresh token that came with this access token, or the one that was presented for it? Current or previous.
pub fn belongs_to(claims: &AccessClaims, row: &StoredSession) -> bool {
    let known = |hash1: &str| {
        let hash2 = rehash(hash1);
        equal(&hash2, &row.current_hash2) || row.prev_hash2.as_deref().is_some_and(|prev| equal(&hash2, prev))
    };
    known(&claims.refresh_token_hash1) || claims.parent_refresh_token_hash1.as_deref().is_some_and(known)
}

/// CDI 5.5 and below, first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promotion {
    /// Accepted as it is: no transaction, no new token.
    NotNeeded,
    /// Lock the row in a transaction and go on with [`decide_verify_promotion`].
    LockRow {
        /// The stored payload is not that of the token; hand this on.
        payload_changed: bool,
    },
}

/// CDI 5.5 and below: does the row have to be locked?
pub fn decide_verify_start(claims: &AccessClaims, check: DatabaseCheck<'_>, now: Millis) -> Result<Promotion, RowRefusal> {
    let payload_changed = match check {
        DatabaseCheck::Skipped => false,
        DatabaseCheck::Read(row) => {
            let row = row.filter(|row| !row.is_over(now)).ok_or(RowRefusal::Ended)?;
            payload_differs(claims, row)
        }
    };
    if claims.parent_refresh_token_hash1.is_none() && !payload_changed {
        Ok(Promotion::NotNeeded)
    } else {
        Ok(Promotion::LockRow { payload_changed })
    }
}

/// CDI 5.5 and below, second step: what to do with the locked row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promoted {
    /// Write the rotation if there is one. Then answer with the row's payload and a replacement access token: the same
    /// version, ids, hash and anti-CSRF token, no parent hash, a full validity without jitter, the row's kind of key.
    Remint {
        /// New values of the row, if the token's refresh token becomes current.
        rotation: Option<Rotation>,
    },
    /// A token of an older generation: accepted with its own payload, without a replacement.
    OldGeneration,
}

/// CDI 5.5 and below: decides on the row under its lock. `payload_changed` comes from [`decide_verify_start`].
pub fn decide_verify_promotion(
    row: Option<&StoredSession>,
    claims: &AccessClaims,
    payload_changed: bool,
    refresh_validity: Millis,
    now: Millis,
) -> Result<Promoted, RowRefusal> {
    let row = row.filter(|row| !row.is_over(now)).ok_or(RowRefusal::Missing)?;
    let hash2 = rehash(&claims.refresh_token_hash1);
    if is_parent(claims.parent_refresh_token_hash1.as_deref(), &row.current_hash2) {
        let rotation = promotion(row, &hash2, row.use_static_key, refresh_validity, now);
        return Ok(Promoted::Remint { rotation: Some(rotation) });
    }
    if equal(&hash2, &row.current_hash2) || payload_changed {
        return Ok(Promoted::Remint { rotation: None });
    }
    Ok(Promoted::OldGeneration)
}

/// A stored payload that cannot be read differs from everything.
fn payload_differs(claims: &AccessClaims, row: &StoredSession) -> bool {
    !row.payload().is_ok_and(|stored| stored.same(&claims.payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SessionHandle, TenantId};
    use crate::json::JsonObject;
    use crate::session::rotation::tests::stored_row;
    use crate::session::test_vectors as vectors;

    const VALIDITY: Millis = 8_640_000_000;

    fn claims(case: &JsonObject) -> AccessClaims {
        AccessClaims {
            session_handle: SessionHandle::presented("h"),
            user_id: "u".into(),
            recipe_user_id: "u".into(),
            refresh_token_hash1: vectors::text(case, "access_token_refreshTokenHash1").into(),
            parent_refresh_token_hash1: vectors::optional(case, "access_token_parentRefreshTokenHash1").map(Into::into),
            anti_csrf: None,
            expires_at: 0,
            issued_at: 0,
            tenant: TenantId::default(),
            payload: vectors::object(case, "token_payload").clone(),
        }
    }

    fn row(case: &JsonObject) -> Option<StoredSession> {
        let columns = vectors::member(case, "row").as_object()?;
        let jwt_payload = vectors::object(case, "db_payload").to_text();
        Some(StoredSession { jwt_payload, ..stored_row(columns) })
    }

    fn cases() -> Vec<JsonObject> {
        let file = vectors::file(include_str!("../../../../testkit/vectors/verify_decisions.json"));
        let cases: Vec<JsonObject> = vectors::array(&file, "cases").into_iter().cloned().collect();
        assert!(cases.len() >= 10);
        cases
    }

    fn check<'a>(case: &JsonObject, row: Option<&'a StoredSession>) -> DatabaseCheck<'a> {
        if vectors::boolean(case, "checkDatabase") { DatabaseCheck::Read(row) } else { DatabaseCheck::Skipped }
    }

    fn refused(refusal: RowRefusal) -> JsonObject {
        JsonObject::new().with("status", "UNAUTHORISED").with("message", refusal.to_string())
    }

    #[test]
    fn stateless_decisions_are_those_of_the_vectors() {
        for case in cases() {
            let row = row(&case);
            let now = vectors::number(&case, "now");
            let answer = match decide_verify_stateless(&claims(&case), check(&case, row.as_ref()), now) {
                Ok(Some(update)) => JsonObject::new().with("status", "OK").with("payloadUpdateAvailable", update),
                Ok(None) => JsonObject::new().with("status", "OK").with("payloadUpdateAvailable", "<absent>"),
                Err(refusal) => refused(refusal),
            };
            assert_eq!(&answer, vectors::object(&case, "expect_cdi_5_6"), "{}", vectors::text(&case, "name"));
        }
    }

    /// Goes through both steps and says what happened in the words of the vectors.
    fn promote(case: &JsonObject) -> Result<JsonObject, RowRefusal> {
        let (row, claims, now) = (row(case), claims(case), vectors::number(case, "now"));
        let ok = |minted: bool, transaction: bool| {
            JsonObject::new().with("status", "OK").with("new_access_token", minted).with("db_transaction", transaction)
        };
        let Promotion::LockRow { payload_changed } = decide_verify_start(&claims, check(case, row.as_ref()), now)? else {
            return Ok(ok(false, false));
        };
        Ok(match decide_verify_promotion(row.as_ref(), &claims, payload_changed, VALIDITY, now)? {
            Promoted::OldGeneration => ok(false, true).with("payload_from", "token"),
            Promoted::Remint { rotation } => {
                let after = rotation.map(|rotation| crate::session::rotation::tests::columns(&rotation));
                ok(true, true)
                    .with("payload_from", "database")
                    .with("new_token_parent_hash1", crate::json::Json::Null)
                    .with_some("row_after", after)
            }
        })
    }

    #[test]
    fn promotion_decisions_are_those_of_the_vectors() {
        for case in cases() {
            let answer = promote(&case).unwrap_or_else(refused);
            assert_eq!(&answer, vectors::object(&case, "expect_cdi_up_to_5_5"), "{}", vectors::text(&case, "name"));
        }
    }

    #[test]
    fn a_row_that_is_over_is_gone_for_everyone_who_looks() {
        let case = &cases()[1];
        let (row, claims) = (row(case).unwrap(), claims(case));
        let (last, over) = (row.expires_at, row.expires_at + 1);
        let read = DatabaseCheck::Read(Some(&row));
        assert_eq!(decide_verify_stateless(&claims, read, last), Ok(Some(false)));
        assert_eq!(decide_verify_stateless(&claims, read, over), Err(RowRefusal::Ended));
        assert_eq!(decide_verify_start(&claims, read, over), Err(RowRefusal::Ended));
        assert_eq!(decide_verify_promotion(Some(&row), &claims, false, VALIDITY, over), Err(RowRefusal::Missing));
        assert!(decide_verify_promotion(Some(&row), &claims, false, VALIDITY, last).is_ok());
    }

    #[test]
    fn the_kind_of_key_survives_a_promotion() {
        let case = &cases()[1];
        let row = StoredSession { use_static_key: true, ..row(case).unwrap() };
        let decided = decide_verify_promotion(Some(&row), &claims(case), false, VALIDITY, 1_700_000_000_000).unwrap();
        assert!(matches!(decided, Promoted::Remint { rotation: Some(Rotation { use_static_key: true, .. }) }));
    }

    #[test]
    fn an_unreadable_stored_payload_differs() {
        let case = &cases()[2];
        let row = StoredSession { jwt_payload: "{".into(), ..row(case).unwrap() };
        let answer = decide_verify_stateless(&claims(case), DatabaseCheck::Read(Some(&row)), 1_700_000_000_000);
        assert_eq!(answer, Ok(Some(true)));
    }
}

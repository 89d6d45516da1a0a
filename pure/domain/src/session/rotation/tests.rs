//! The decision table of the vectors, and what must hold beyond it.

use super::*;
use crate::json::Json;
use crate::session::hash::hash2;
use crate::session::test_vectors as vectors;

const T: Millis = 1_700_000_000_000;
const VALIDITY: Millis = 8_640_000_000;
const ROTATE: RefreshPolicy = RefreshPolicy::Rotate { grace: 30_000, on_recent_reuse: ReuseBehaviour::Theft };

/// A row with the columns of the vectors.
pub(crate) fn stored_row(columns: &JsonObject) -> StoredSession {
    StoredSession {
        user_id: "u".into(),
        current_hash2: vectors::text(columns, "refresh_token_hash_2").into(),
        prev_hash2: vectors::optional(columns, "prev_refresh_token_hash_2").map(Into::into),
        rotated_at: vectors::member(columns, "refresh_token_rotated_at").as_i64(),
        session_data: "{}".into(),
        jwt_payload: "{}".into(),
        expires_at: vectors::number(columns, "expires_at"),
        created_at: 0,
        use_static_key: vectors::boolean(columns, "use_static_key"),
        handle: SessionHandle::presented("h"),
        tenant: TenantId::default(),
    }
}

/// The columns of a rotation in the words of the vectors.
pub(crate) fn columns(rotation: &Rotation) -> JsonObject {
    JsonObject::new()
        .with("refresh_token_hash_2", rotation.current_hash2.as_str())
        .with("prev_refresh_token_hash_2", rotation.prev_hash2.clone().map_or(Json::Null, Json::from))
        .with("refresh_token_rotated_at", rotation.rotated_at.map_or(Json::Null, Json::from))
        .with("expires_at", rotation.expires_at)
        .with("use_static_key", rotation.use_static_key)
}

fn apply(row: &mut StoredSession, rotation: Rotation) {
    row.current_hash2 = rotation.current_hash2;
    row.prev_hash2 = rotation.prev_hash2;
    row.rotated_at = rotation.rotated_at;
    row.expires_at = rotation.expires_at;
    row.use_static_key = rotation.use_static_key;
}

fn row_columns(row: &StoredSession) -> JsonObject {
    columns(&Rotation {
        current_hash2: row.current_hash2.clone(),
        prev_hash2: row.prev_hash2.clone(),
        rotated_at: row.rotated_at,
        expires_at: row.expires_at,
        use_static_key: row.use_static_key,
    })
}

fn policy(case: &JsonObject) -> RefreshPolicy {
    if vectors::text(case, "cdi") != "5.6" {
        return RefreshPolicy::ParentChild;
    }
    let on_recent_reuse = match vectors::text(case, "recent_token_reuse_behaviour") {
        "UNAUTHORISED" => ReuseBehaviour::Unauthorised,
        _ => ReuseBehaviour::Theft,
    };
    RefreshPolicy::Rotate { grace: vectors::number(case, "grace_ms"), on_recent_reuse }
}

/// Decides, applies, and says what became of it in the words of the vectors (without `case` and `note`).
fn answer(case: &JsonObject) -> JsonObject {
    let presented = Presented::new(
        vectors::text(case, "presented_token"),
        vectors::optional(case, "presented_parentRefreshTokenHash1").map(Into::into),
    );
    let fresh_hash2 = hash2(vectors::text(case, "new_token"));
    let attempt = RefreshAttempt {
        presented: &presented,
        fresh_hash2: &fresh_hash2,
        use_static_key: Some(vectors::boolean(case, "use_static_key_effective")),
        refresh_validity: VALIDITY,
    };
    let mut row = vectors::member(case, "row_before").as_object().map(stored_row);
    let (policy, now) = (policy(case), vectors::number(case, "now"));
    let mut decision = decide_refresh(row.as_ref(), &attempt, policy, now);
    let promoted = if let RefreshDecision::PromoteThenContinue(rotation) = &decision {
        apply(row.as_mut().unwrap(), rotation.clone());
        decision = decide_refresh(row.as_ref(), &attempt, policy, now);
        assert_eq!(decision, RefreshDecision::IssueChild { set_static: None });
        true
    } else {
        false
    };
    let hash1 = || Json::from(presented.hash1.as_str());
    let ok = |promoted: Option<bool>, parent: Json| {
        JsonObject::new()
            .with("result", "OK")
            .with_some("promoted", promoted)
            .with("new_token_parent_hash1", hash1())
            .with("access_token_parent_hash1", parent)
    };
    let said = match decision {
        RefreshDecision::Gone => JsonObject::new().with("result", "UNAUTHORISED").with("message", SESSION_GONE),
        RefreshDecision::Rotate(rotation) => {
            apply(row.as_mut().unwrap(), rotation);
            ok(None, Json::Null)
        }
        RefreshDecision::Repeat { .. } => panic!("no token of the vectors is derived from another"),
        RefreshDecision::IssueChild { set_static } => {
            let row = row.as_mut().unwrap();
            row.use_static_key = set_static.unwrap_or(row.use_static_key);
            ok(Some(promoted), hash1())
        }
        RefreshDecision::Reused { subtype, answer, delete } => {
            row = row.filter(|_| !delete);
            let said = match answer {
                ReuseAnswer::Theft => JsonObject::new().with("result", "TOKEN_THEFT_DETECTED"),
                ReuseAnswer::Unauthorised => JsonObject::new().with("result", "UNAUTHORISED").with("message", REUSE_DETECTED),
            };
            said.with_some("recentTokenReuseSubtype", subtype.map(ReuseSubtype::as_str))
        }
        RefreshDecision::PromoteThenContinue(_) => panic!("promoted twice"),
    };
    said.with("row", row.map_or(Json::Null, |row| row_columns(&row).into()))
}

#[test]
fn decisions_are_those_of_the_vectors() {
    let file = vectors::file(include_str!("../../../../../testkit/vectors/refresh_decisions.json"));
    assert_eq!(vectors::number(&file, "refresh_validity_ms"), VALIDITY);
    let cases = vectors::array(&file, "cases");
    assert!(cases.len() >= 22);
    for case in cases {
        let mut expected = vectors::object(case, "expect").clone();
        expected.remove("case");
        expected.remove("note");
        assert!(answer(case).same(&expected), "{}: {}", vectors::text(case, "name"), answer(case).to_text());
    }
}

fn row(current: &str, prev: Option<&str>) -> StoredSession {
    let columns = JsonObject::new()
        .with("refresh_token_hash_2", hash2(current))
        .with_some("prev_refresh_token_hash_2", prev.map(hash2))
        .with("refresh_token_rotated_at", prev.map_or(Json::Null, |_| Json::from(T)))
        .with("expires_at", T + VALIDITY)
        .with("use_static_key", true);
    stored_row(&columns)
}

fn decide(row: &StoredSession, token: (&str, Option<&str>), fresh: &str, policy: RefreshPolicy) -> RefreshDecision {
    let presented = Presented::new(token.0, token.1.map(hash1));
    let fresh_hash2 = hash2(fresh);
    let attempt =
        RefreshAttempt { presented: &presented, fresh_hash2: &fresh_hash2, use_static_key: None, refresh_validity: VALIDITY };
    decide_refresh(Some(row), &attempt, policy, T + 10)
}

#[test]
fn without_a_wish_the_kind_of_key_stays() {
    let row = row("A", Some("B"));
    assert!(matches!(decide(&row, ("A", None), "N", ROTATE), RefreshDecision::Rotate(Rotation { use_static_key: true, .. })));
    assert!(matches!(decide(&row, ("B", None), "N", ROTATE), RefreshDecision::Rotate(Rotation { use_static_key: true, .. })));
    assert_eq!(decide(&row, ("A", None), "N", RefreshPolicy::ParentChild), RefreshDecision::IssueChild { set_static: None });
    let RefreshDecision::PromoteThenContinue(rotation) = decide(&row, ("C", Some("A")), "N", RefreshPolicy::ParentChild) else {
        panic!("a child of the current token is promoted");
    };
    assert!(rotation.use_static_key);
}

/// Beyond the vectors, whose tokens do not follow from one another: the current token is the presented one's successor.
#[test]
fn a_repeat_gets_the_successor_that_is_current() {
    use RefreshDecision::{Repeat, Reused, Rotate};
    let rotated_at = T;
    let decide_at = |row: &StoredSession, token: &str, fresh: &str, wanted: Option<bool>, now: Millis| {
        let (presented, fresh_hash2) = (Presented::new(token, None), hash2(fresh));
        let attempt = RefreshAttempt {
            presented: &presented,
            fresh_hash2: &fresh_hash2,
            use_static_key: wanted,
            refresh_validity: VALIDITY,
        };
        decide_refresh(Some(row), &attempt, ROTATE, now)
    };
    let row = row("S", Some("P"));
    let repeat = |set_static| Repeat { set_static, made_at: rotated_at, expires_at: T + VALIDITY };
    for now in [T - 5, T, T + 1, T + 30_000] {
        assert_eq!(decide_at(&row, "P", "S", None, now), repeat(None), "{now}");
        assert_eq!(decide_at(&row, "P", "S", Some(true), now), repeat(None), "{now}");
        assert_eq!(decide_at(&row, "P", "S", Some(false), now), repeat(Some(false)), "{now}");
        // Made by another core, another release or for another anti-CSRF choice: upstream's rule.
        let Rotate(rotation) = decide_at(&row, "P", "S'", None, now) else { panic!("rotates at {now}") };
        assert_eq!((rotation.current_hash2, rotation.prev_hash2), (hash2("S'"), Some(hash2("P"))));
        assert_eq!((rotation.rotated_at, rotation.expires_at), (Some(T), T + VALIDITY));
    }
    let theft = |subtype| Reused { subtype: Some(subtype), answer: ReuseAnswer::Theft, delete: true };
    // The window is over, never was, or belongs to somebody else: what the successor is does not matter.
    assert_eq!(decide_at(&row, "P", "S", None, T + 30_001), theft(ReuseSubtype::RecentPrev));
    let undated = StoredSession { rotated_at: None, ..row.clone() };
    assert_eq!(decide_at(&undated, "P", "S", None, T), theft(ReuseSubtype::RecentPrev));
    assert_eq!(decide_at(&row, "Q", "S", None, T), theft(ReuseSubtype::StaleLineage));
    assert_eq!(decide_at(&row, "P", "S", None, T + VALIDITY + 1), RefreshDecision::Gone);
    // Once the successor is used, it has a window, and its parent has none.
    let mut row = row;
    let Rotate(rotation) = decide_at(&row, "S", "G", None, T + 1) else { panic!("rotates") };
    apply(&mut row, rotation);
    assert_eq!(decide_at(&row, "P", "S", None, T + 2), theft(ReuseSubtype::StaleLineage));
    let again = decide_at(&row, "S", "G", None, T + 2);
    assert_eq!(again, Repeat { set_static: None, made_at: T + 1, expires_at: T + 1 + VALIDITY });
    // At CDI 5.5 and below no successor is looked for.
    assert!(matches!(decide(&row, ("S", None), "G", RefreshPolicy::ParentChild), Reused { subtype: None, delete: false, .. }));
}

#[test]
fn who_shares_a_child_with_a_thief_is_told_apart_from_him() {
    let successor = |token: &str| format!("{token}+");
    let refresh = |session: &mut StoredSession, token: &str, now: Millis| {
        let (presented, fresh_hash2) = (Presented::new(token, None), hash2(&successor(token)));
        let attempt =
            RefreshAttempt { presented: &presented, fresh_hash2: &fresh_hash2, use_static_key: None, refresh_validity: VALIDITY };
        let decision = decide_refresh(Some(session), &attempt, ROTATE, now);
        match &decision {
            RefreshDecision::Rotate(rotation) => apply(session, rotation.clone()),
            RefreshDecision::Repeat { .. } => {}
            _ => return Err(decision),
        }
        Ok(successor(token))
    };
    let both_have_the_child = || {
        let mut session = row("t", None);
        let child = refresh(&mut session, "t", T).unwrap();
        assert_eq!(refresh(&mut session, "t", T + 10_000), Ok(child.clone()));
        (session, child)
    };
    let theft = |subtype| Err(RefreshDecision::Reused { subtype: Some(subtype), answer: ReuseAnswer::Theft, delete: true });
    // One uses it, the other comes after the window.
    let (mut session, child) = both_have_the_child();
    refresh(&mut session, &child, T + 60_000).unwrap();
    assert_eq!(refresh(&mut session, &child, T + 90_001), theft(ReuseSubtype::RecentPrev));
    // One uses it twice: the other is found out however soon he comes.
    let (mut session, child) = both_have_the_child();
    let grandchild = refresh(&mut session, &child, T + 60_000).unwrap();
    refresh(&mut session, &grandchild, T + 60_001).unwrap();
    assert_eq!(refresh(&mut session, &child, T + 60_002), theft(ReuseSubtype::StaleLineage));
    // They meet in each window, as two tabs do, until one of them is late.
    let (mut session, mut token) = both_have_the_child();
    let mut now = T + 60_000;
    for _ in 0..10 {
        let next = refresh(&mut session, &token, now).unwrap();
        assert_eq!(refresh(&mut session, &token, now + 30_000), Ok(next.clone()));
        (token, now) = (next, now + 3_600_000);
    }
    refresh(&mut session, &token, now).unwrap();
    assert_eq!(refresh(&mut session, &token, now + 30_001), theft(ReuseSubtype::RecentPrev));
}

#[test]
fn an_answer_with_another_successor_orphans_the_first_one() {
    let mut session = row("A", None);
    let RefreshDecision::Rotate(first) = decide(&session, ("A", None), "B1", ROTATE) else { panic!("rotates") };
    apply(&mut session, first);
    let RefreshDecision::Rotate(second) = decide(&session, ("A", None), "B2", ROTATE) else { panic!("within grace") };
    apply(&mut session, second);
    assert!(matches!(decide(&session, ("B2", Some("A")), "C", ROTATE), RefreshDecision::Rotate(_)));
    assert!(matches!(
        decide(&session, ("B1", Some("A")), "C", ROTATE),
        RefreshDecision::Reused { subtype: Some(ReuseSubtype::OrphanedBranch), delete: true, .. }
    ));
}

#[test]
fn a_session_may_change_between_generations_of_clients() {
    let mut session = row("A", None);
    // A 5.5 client gets a child, a 5.6 client refreshes with it, and the 5.5 client that kept the parent is found out.
    let RefreshDecision::Rotate(rotation) = decide(&session, ("C", Some("A")), "D", ROTATE) else { panic!("rotates") };
    apply(&mut session, rotation);
    assert!(matches!(
        decide(&session, ("A", None), "N", RefreshPolicy::ParentChild),
        RefreshDecision::Reused { subtype: None, answer: ReuseAnswer::Theft, delete: false }
    ));
    // What a 5.5 client promotes, a 5.6 client forgives for a while.
    let RefreshDecision::PromoteThenContinue(rotation) = decide(&session, ("E", Some("D")), "N", RefreshPolicy::ParentChild)
    else {
        panic!("promotes");
    };
    apply(&mut session, rotation);
    assert!(matches!(decide(&session, ("D", Some("C")), "N", ROTATE), RefreshDecision::Rotate(_)));
}

#[test]
fn another_spelling_of_the_current_token_is_reuse() {
    let session = row("sealed.nonce.V2", None);
    for spelling in ["sealed.nonce.v2", "sealed.nonce.V2.", "sealed.nonce.V1"] {
        assert!(matches!(
            decide(&session, (spelling, None), "N", ROTATE),
            RefreshDecision::Reused { subtype: Some(ReuseSubtype::StaleLineage), answer: ReuseAnswer::Theft, delete: true }
        ));
    }
}

#[test]
fn debug_shows_no_hashes() {
    let session = row("A", Some("B"));
    let RefreshDecision::Rotate(rotation) = decide(&session, ("A", None), "N", ROTATE) else { panic!("rotates") };
    let shown = format!("{session:?} {rotation:?} {:?}", Presented::new("A", Some(hash1("B"))));
    for secret in [hash1("A"), hash2("A"), hash1("B"), hash2("B"), hash2("N")] {
        assert!(!shown.contains(&secret));
    }
}

proptest::proptest! {
    /// However tokens are presented, each write keeps the rule that makes the generations compatible: whoever changes the
    /// current hash records a retired one and the time, unless it repeats a rotation within its time of grace.
    #[test]
    fn whatever_is_presented_the_retired_hash_is_recorded(moves in proptest::collection::vec((0usize..6, 0usize..6, proptest::bool::ANY), 1..20)) {
        let mut session = row("t0", None);
        for (step, (token, parent, rotates)) in moves.into_iter().enumerate() {
            let (token, parent, fresh) = (format!("t{token}"), format!("t{parent}"), format!("f{step}"));
            let policy = if rotates { ROTATE } else { RefreshPolicy::ParentChild };
            let before = session.clone();
            match decide(&session, (&token, Some(&parent)), &fresh, policy) {
                RefreshDecision::Rotate(rotation) | RefreshDecision::PromoteThenContinue(rotation) => apply(&mut session, rotation),
                _ => continue,
            }
            proptest::prop_assert_ne!(&session.current_hash2, &before.current_hash2);
            proptest::prop_assert!(session.prev_hash2.is_some() && session.rotated_at.is_some());
            proptest::prop_assert!(session.expires_at >= before.expires_at || session.expires_at == T + 10 + VALIDITY);
        }
    }
}

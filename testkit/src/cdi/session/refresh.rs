//! Refreshing: scenarios 45 to 60 of core-session.md 8.2. The table of decisions (44) is replayed by `decisions`, repeats of one
//! token at 5.6 are in `successor`, the input and everything around a refresh (54 to 66) is in `refresh_around`.

use serde_json::json;
use supertokens_domain::session::hash::hash2;
use supertokens_domain::time::SECOND;

use super::rows::{
    GONE, GRACE, Row, access, handle, opened, part, refresh, refresh_guarded, refreshing, row, the_row, write_row,
};
use super::{create, text};
use crate::{Answer, World, members, scenarios};

/// The answer is theft at a version below 5.6: no subtype, and the session by all three names.
fn is_plain_theft(answer: &Answer, of: &str) {
    let theft = answer.says("TOKEN_THEFT_DETECTED");
    assert_eq!(members(&theft), ["session", "status"]);
    assert_eq!(theft["session"], json!({ "handle": of, "userId": "u", "recipeUserId": "u" }));
}

/// The answer is theft at 5.6.
pub fn is_theft(answer: &Answer, of: &str, subtype: &str) {
    let theft = answer.says("TOKEN_THEFT_DETECTED");
    assert_eq!(members(&theft), ["recentTokenReuseSubtype", "session", "status"]);
    assert_eq!(theft["session"], json!({ "handle": of, "userId": "u", "recipeUserId": "u" }));
    assert_eq!(theft["recentTokenReuseSubtype"], subtype);
}

/// The answer says that there is no such session.
pub fn is_gone(answer: &Answer) {
    assert_eq!(answer.done(), json!({ "status": "UNAUTHORISED", "message": GONE }));
}

async fn below_5_6_children_wait_and_the_first_one_used_wins(w: &World) {
    let made = create(w, "5.4", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let before = the_row(w, &session).await;
    let one = refreshing(&refresh(w, "5.4", &first).await.ok());
    let other = refreshing(&refresh(w, "5.4", &first).await.ok());
    assert_ne!(one, other);
    assert_eq!(the_row(w, &session).await, before);

    w.clock.advance(5);
    let grandchild = refresh(w, "5.4", &one).await.ok();
    let promoted = the_row(w, &session).await;
    assert_eq!((promoted.current, promoted.prev), (hash2(&one), Some(hash2(&first))));
    assert_eq!(promoted.rotated_at, Some(w.clock.now()));
    assert_eq!(promoted.expires_at, before.expires_at + 5);
    assert_eq!(part(&access(&grandchild), 1)["parentRefreshTokenHash1"], supertokens_domain::session::hash::hash1(&one));

    let at_theft = the_row(w, &session).await;
    is_plain_theft(&refresh(w, "5.4", &other).await, &session);
    assert_eq!(the_row(w, &session).await, at_theft);
    refresh(w, "5.4", &refreshing(&grandchild)).await.ok();
}

async fn below_5_6_an_old_token_is_theft_and_revoking_is_left_to_the_caller(w: &World) {
    let made = create(w, "5.4", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let second = refreshing(&refresh(w, "5.4", &first).await.ok());
    let third = refreshing(&refresh(w, "5.4", &second).await.ok());
    let before = the_row(w, &session).await;
    for cdi in ["5.5", "5.4", "5.0", "4.0", "3.0", "2.21", "2.9", "2.7"] {
        is_plain_theft(&refresh(w, cdi, &first).await, &session);
    }
    assert_eq!(the_row(w, &session).await, before);
    refresh(w, "5.4", &third).await.ok();
}

async fn without_grace_a_repeat_ends_the_session(w: &World) {
    w.with_config(json!({ "refresh_token_rotation_grace_period": 0 })).await;
    let made = create(w, "5.6", "u").await;
    let first = refreshing(&made);
    refresh(w, "5.6", &first).await.ok();
    // Within one millisecond even no grace at all forgives.
    refresh(w, "5.6", &first).await.ok();
    w.clock.advance(2);
    is_theft(&refresh(w, "5.6", &first).await, &handle(&made), "RECENT_PREV");
    assert_eq!(row(w, &handle(&made)).await, None);
    is_gone(&refresh(w, "5.6", &first).await);
}

async fn recent_reuse_may_be_answered_as_unauthorised(w: &World) {
    let keys = json!({ "refresh_token_rotation_grace_period": 0, "recent_token_reuse_behaviour": "unauthorised" });
    w.with_config(keys).await;
    let made = create(w, "5.6", "u").await;
    refresh(w, "5.6", &refreshing(&made)).await.ok();
    w.clock.advance(2);
    let refused = refresh(w, "5.6", &refreshing(&made)).await.says("UNAUTHORISED");
    assert_eq!(
        refused,
        json!({ "status": "UNAUTHORISED", "message": "refresh token reuse detected", "recentTokenReuseSubtype": "RECENT_PREV" })
    );
    assert_eq!(row(w, &handle(&made)).await, None);

    let made = create(w, "5.6", "u").await;
    let orphan = refreshing(&refresh(w, "5.6", &refreshing(&made)).await.ok());
    refresh_guarded(w, "5.6", &refreshing(&made)).await.ok();
    let refused = refresh(w, "5.6", &orphan).await.says("UNAUTHORISED");
    assert_eq!(refused["recentTokenReuseSubtype"], "ORPHANED_BRANCH");
    assert_eq!(row(w, &handle(&made)).await, None);
}

async fn a_stale_lineage_is_theft_whatever_is_configured(w: &World) {
    for behaviour in ["TOKEN_THEFT", "UNAUTHORISED"] {
        w.with_config(json!({ "recent_token_reuse_behaviour": behaviour })).await;
        let made = create(w, "5.6", "u").await;
        let second = refreshing(&refresh(w, "5.6", &refreshing(&made)).await.ok());
        refresh(w, "5.6", &second).await.ok();
        is_theft(&refresh(w, "5.6", &refreshing(&made)).await, &handle(&made), "STALE_LINEAGE");
        assert_eq!(row(w, &handle(&made)).await, None);
    }
}

async fn a_child_from_an_older_version_is_rotated_at_5_6(w: &World) {
    let made = create(w, "5.4", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let child = refreshing(&refresh(w, "5.4", &first).await.ok());
    w.clock.advance(7);
    let next = refresh(w, "5.6", &child).await.ok();
    let rotated = the_row(w, &session).await;
    assert_eq!((rotated.current, rotated.prev), (hash2(&refreshing(&next)), Some(hash2(&child))));
    assert_eq!(rotated.rotated_at, Some(w.clock.now()));
    assert_eq!(part(&access(&next), 1)["parentRefreshTokenHash1"], json!(null));
    w.clock.advance(GRACE);
    assert_eq!(refreshing(&refresh(w, "5.6", &child).await.ok()), refreshing(&next));
    is_theft(&refresh(w, "5.6", &first).await, &session, "STALE_LINEAGE");
    assert_eq!(row(w, &session).await, None);
}

async fn a_session_that_was_rotated_at_5_6_goes_on_below(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let second = refreshing(&refresh(w, "5.6", &first).await.ok());
    let before = the_row(w, &session).await;
    refresh(w, "5.4", &second).await.ok();
    assert_eq!(the_row(w, &session).await, before);
    is_plain_theft(&refresh(w, "5.4", &first).await, &session);
    assert_eq!(the_row(w, &session).await, before);
}

async fn a_promotion_below_5_6_opens_a_window_at_5_6(w: &World) {
    let made = create(w, "5.4", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let child = refreshing(&refresh(w, "5.4", &first).await.ok());
    refresh(w, "5.4", &child).await.ok();
    let promoted = the_row(w, &session).await;
    assert_eq!((promoted.prev.as_deref(), promoted.rotated_at), (Some(hash2(&first).as_str()), Some(w.clock.now())));
    w.clock.advance(GRACE);
    let again = refreshing(&refresh(w, "5.6", &first).await.ok());
    let rotated = the_row(w, &session).await;
    assert_eq!(rotated, Row { current: hash2(&again), ..promoted });
    // The child of 5.4 was no successor of the first token; this one is.
    assert_eq!(refreshing(&refresh(w, "5.6", &first).await.ok()), again);
    assert_eq!(the_row(w, &session).await, rotated);
}

async fn the_last_millisecond_of_a_session_still_counts(w: &World) {
    for cdi in ["5.6", "5.4"] {
        let made = create(w, cdi, "u").await;
        let fresh = the_row(w, &handle(&made)).await;
        write_row(w, &handle(&made), &Row { expires_at: w.clock.now() - 1, ..fresh.clone() }).await;
        is_gone(&refresh(w, cdi, &refreshing(&made)).await);
        let late = Row { expires_at: w.clock.now(), ..fresh };
        write_row(w, &handle(&made), &late).await;
        refresh(w, cdi, &refreshing(&made)).await.ok();
        let after = the_row(w, &handle(&made)).await;
        let validity = 144_000 * 60 * SECOND;
        assert_eq!(after.expires_at, if cdi == "5.6" { w.clock.now() + validity } else { late.expires_at });
    }
}

async fn another_spelling_of_a_token_is_reuse(w: &World) {
    let spellings: [fn(&str) -> String; 3] =
        [|token| token.replace(".V2", ".v2"), |token| token.replace(".V2", ".V1"), |token| format!("{token}.")];
    for spelling in spellings {
        let made = create(w, "5.6", "u").await;
        is_theft(&refresh(w, "5.6", &spelling(&refreshing(&made))).await, &handle(&made), "STALE_LINEAGE");
        assert_eq!(row(w, &handle(&made)).await, None);
    }
    let made = create(w, "5.4", "u").await;
    is_plain_theft(&refresh(w, "5.4", &refreshing(&made).replace(".V2", ".v2")).await, &handle(&made));
    refresh(w, "5.4", &refreshing(&made)).await.ok();
}

async fn every_new_token_names_the_one_it_was_given_for(w: &World) {
    use supertokens_domain::session::hash::hash1;
    for cdi in ["5.6", "5.4"] {
        let made = create(w, cdi, "u").await;
        let first = refreshing(&made);
        assert_eq!(opened(w, &first).await.parent_hash1, None);
        let next = refresh(w, cdi, &first).await.ok();
        let claims = opened(w, &refreshing(&next)).await;
        assert_eq!(claims.parent_hash1, Some(hash1(&first)));
        assert_eq!((claims.session_handle.as_str(), claims.user_id.as_str()), (handle(&made).as_str(), "u"));
        assert_eq!(part(&access(&next), 1)["refreshTokenHash1"], hash1(&refreshing(&next)));
        let parent = part(&access(&next), 1)["parentRefreshTokenHash1"].clone();
        assert_eq!(parent, if cdi == "5.6" { json!(null) } else { json!(hash1(&first)) });
        assert_eq!(text(&next, "/session/handle"), handle(&made));
    }
}

scenarios!(World:
    below_5_6_children_wait_and_the_first_one_used_wins,
    below_5_6_an_old_token_is_theft_and_revoking_is_left_to_the_caller,
    without_grace_a_repeat_ends_the_session,
    recent_reuse_may_be_answered_as_unauthorised,
    a_stale_lineage_is_theft_whatever_is_configured,
    a_child_from_an_older_version_is_rotated_at_5_6,
    a_session_that_was_rotated_at_5_6_goes_on_below,
    a_promotion_below_5_6_opens_a_window_at_5_6,
    the_last_millisecond_of_a_session_still_counts,
    another_spelling_of_a_token_is_reuse,
    every_new_token_names_the_one_it_was_given_for,
);

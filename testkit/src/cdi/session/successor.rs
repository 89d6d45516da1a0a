//! At CDI 5.6 one token has one successor: whoever repeats a refresh within the window gets what was handed out first. And a thief is
//! still found. Scenarios 47 to 49 of core-session.md 8.2, where upstream hands out another token each time and orphans the one before.

use serde_json::{Value, json};
use supertokens_domain::session::hash::hash2;
use supertokens_domain::time::SECOND;

use super::refresh::{is_gone, is_theft};
use super::rows::{
    GRACE, Row, access, handle, make_tenant, opened, part, refresh, refresh_guarded, refreshing, row, the_row, write_row,
};
use super::{create, plain, text};
use crate::{World, scenarios};

async fn verifies(w: &World, answer: &Value) {
    let check =
        json!({ "accessToken": access(answer), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true });
    w.post("5.6", "/recipe/session/verify", check).await.ok();
}

async fn a_repeat_within_the_window_gets_the_same_successor(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let lost = refresh(w, "5.6", &first).await.ok();
    let rotated = the_row(w, &session).await;
    assert_eq!((&rotated.current, rotated.prev.as_deref()), (&hash2(&refreshing(&lost)), Some(hash2(&first).as_str())));
    for _ in 0..6 {
        w.clock.advance(GRACE / 6);
        let again = refresh(w, "5.6", &first).await.ok();
        assert_eq!(again["refreshToken"], lost["refreshToken"]);
        assert_eq!(the_row(w, &session).await, rotated);
        // What the client is told of the end is what the row says.
        assert_eq!(again["refreshToken"]["expiry"], rotated.expires_at);
        assert_eq!(again["refreshToken"]["createdTime"].as_i64(), rotated.rotated_at);
        // The access token is as fresh as any, of the same line.
        assert_ne!(access(&again), access(&lost));
        let claims = part(&access(&again), 1);
        assert_eq!(claims["iat"].as_i64(), Some(w.clock.now() / SECOND));
        assert_eq!(claims["refreshTokenHash1"], part(&access(&lost), 1)["refreshTokenHash1"]);
        assert_eq!(claims["parentRefreshTokenHash1"], json!(null));
        verifies(w, &again).await;
        verifies(w, &lost).await;
    }
    // Either copy goes on.
    let next = refresh(w, "5.6", &refreshing(&lost)).await.ok();
    assert_eq!(the_row(w, &session).await.expires_at, next["refreshToken"]["expiry"]);
    assert_eq!(refreshing(&refresh(w, "5.6", &refreshing(&lost)).await.ok()), refreshing(&next));
}

async fn the_window_ends_with_its_last_millisecond(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let child = refreshing(&refresh(w, "5.6", &first).await.ok());
    w.clock.advance(GRACE);
    refresh(w, "5.6", &first).await.ok();
    w.clock.advance(1);
    is_theft(&refresh(w, "5.6", &first).await, &session, "RECENT_PREV");
    assert_eq!(row(w, &session).await, None);
    is_gone(&refresh(w, "5.6", &child).await);
}

async fn a_child_that_was_used_closes_the_window_of_its_parent(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let child = refreshing(&refresh(w, "5.6", &first).await.ok());
    refresh(w, "5.6", &child).await.ok();
    is_theft(&refresh(w, "5.6", &first).await, &session, "STALE_LINEAGE");
    assert_eq!(row(w, &session).await, None);
}

/// A thief who came within the window holds what the victim holds.
async fn two_who_hold_the_same_child_are_told_apart(w: &World) {
    let shared = async || {
        let made = create(w, "5.6", "u").await;
        let child = refreshing(&refresh(w, "5.6", &refreshing(&made)).await.ok());
        w.clock.advance(GRACE / 2);
        assert_eq!(refreshing(&refresh(w, "5.6", &refreshing(&made)).await.ok()), child);
        (handle(&made), child)
    };
    let (session, child) = shared().await;
    refresh(w, "5.6", &child).await.ok();
    w.clock.advance(GRACE + 1);
    is_theft(&refresh(w, "5.6", &child).await, &session, "RECENT_PREV");
    assert_eq!(row(w, &session).await, None);

    let (session, child) = shared().await;
    let grandchild = refreshing(&refresh(w, "5.6", &child).await.ok());
    refresh(w, "5.6", &grandchild).await.ok();
    is_theft(&refresh(w, "5.6", &child).await, &session, "STALE_LINEAGE");
    assert_eq!(row(w, &session).await, None);

    let (session, child) = shared().await;
    let grandchild = refreshing(&refresh(w, "5.6", &child).await.ok());
    assert_eq!(refreshing(&refresh(w, "5.6", &child).await.ok()), grandchild);
    refresh(w, "5.6", &grandchild).await.ok();
    w.clock.advance(GRACE + 1);
    is_theft(&refresh(w, "5.6", &grandchild).await, &session, "RECENT_PREV");
    assert_eq!(row(w, &session).await, None);
}

async fn another_anti_csrf_choice_makes_another_successor(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let bare = refresh(w, "5.6", &first).await.ok();
    let rotated = the_row(w, &session).await;
    w.clock.advance(SECOND);
    let guarded = refresh_guarded(w, "5.6", &first).await.ok();
    assert_ne!(refreshing(&guarded), refreshing(&bare));
    // Two texts under one key never share an IV, which the token begins with.
    assert_ne!(refreshing(&guarded)[..16], refreshing(&bare)[..16]);
    let csrf = text(&guarded, "/antiCsrfToken");
    assert_eq!(opened(w, &refreshing(&guarded)).await.anti_csrf, Some(csrf.clone()));
    let switched = the_row(w, &session).await;
    assert_eq!(switched, Row { current: hash2(&refreshing(&guarded)), ..rotated });
    // The row keeps its end, and the client hears so.
    assert_eq!(guarded["refreshToken"]["expiry"], switched.expires_at);
    let again = refresh_guarded(w, "5.6", &first).await.ok();
    assert_eq!((refreshing(&again), text(&again, "/antiCsrfToken")), (refreshing(&guarded), csrf.clone()));
    assert_eq!(part(&access(&again), 1)["antiCsrfToken"], csrf);
    assert_eq!(the_row(w, &session).await, switched);
    is_theft(&refresh(w, "5.6", &refreshing(&bare)).await, &session, "ORPHANED_BRANCH");
    assert_eq!(row(w, &session).await, None);
    is_gone(&refresh(w, "5.6", &refreshing(&guarded)).await);
}

async fn a_repeat_may_ask_for_another_kind_of_key(w: &World) {
    let made = create(w, "5.6", "u").await;
    let child = refreshing(&refresh(w, "5.6", &refreshing(&made)).await.ok());
    let rotated = the_row(w, &handle(&made)).await;
    for is_static in [true, true, false] {
        let body = json!({ "refreshToken": refreshing(&made), "enableAntiCsrf": false, "useDynamicSigningKey": !is_static });
        let again = w.post("5.6", "/recipe/session/refresh", body).await.ok();
        assert_eq!(refreshing(&again), child);
        assert!(text(&part(&access(&again), 0), "/kid").starts_with(if is_static { "s-" } else { "d-" }));
        assert_eq!(the_row(w, &handle(&made)).await, Row { is_static, ..rotated.clone() });
    }
}

/// A Java core on the same database, or a release that rolled dice, has put its own token there.
async fn a_row_that_others_have_rotated_is_rotated_once_more(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    refresh(w, "5.6", &first).await.ok();
    let theirs = Row { current: hash2("of another core"), ..the_row(w, &session).await };
    write_row(w, &session, &theirs).await;
    w.clock.advance(GRACE);
    let ours = refreshing(&refresh(w, "5.6", &first).await.ok());
    assert_eq!(the_row(w, &session).await, Row { current: hash2(&ours), ..theirs.clone() });
    assert_eq!(refreshing(&refresh(w, "5.6", &first).await.ok()), ours);
    assert_eq!(the_row(w, &session).await, Row { current: hash2(&ours), ..theirs });
    refresh(w, "5.6", &ours).await.ok();
}

async fn a_user_id_that_changed_makes_another_successor(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (session, first) = (handle(&made), refreshing(&made));
    let of_u = refreshing(&refresh(w, "5.6", &first).await.ok());
    w.write(&format!("update session_info set user_id = 'v' where session_handle = '{session}'")).await;
    let of_v = refreshing(&refresh(w, "5.6", &first).await.ok());
    assert_ne!(of_u[..16], of_v[..16]);
    assert_eq!(opened(w, &of_v).await.user_id, "v");
    assert_eq!(refreshing(&refresh(w, "5.6", &first).await.ok()), of_v);
    refresh(w, "5.6", &of_v).await.ok();
}

async fn successors_differ_between_sessions_tenants_and_generations(w: &World) {
    make_tenant(w, "public", "t1").await;
    let mut seen = std::collections::HashSet::new();
    for path in ["", "/t1"] {
        for _ in 0..3 {
            let made = w.post("5.6", &format!("{path}/recipe/session"), plain("u")).await.ok();
            let mut token = refreshing(&made);
            for _ in 0..3 {
                let next = refresh(w, "5.6", &token).await.ok();
                assert_eq!(refreshing(&refresh(w, "5.6", &token).await.ok()), refreshing(&next));
                token = refreshing(&next);
                // The IV is the first 16 characters, the nonce the middle part.
                assert!(seen.insert(token[..16].to_owned()) && seen.insert(token.split('.').nth(1).expect("a nonce").to_owned()));
            }
        }
    }
}

async fn a_repeat_writes_nothing_and_costs_no_more_than_a_refresh(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (first, _) = w.trips(refresh(w, "5.6", &refreshing(&made))).await;
    let (repeat, again) = w.trips(refresh(w, "5.6", &refreshing(&made))).await;
    again.ok();
    assert!(first <= 2 && repeat <= 2, "{first}, {repeat}");
}

scenarios!(World:
    a_repeat_within_the_window_gets_the_same_successor,
    the_window_ends_with_its_last_millisecond,
    a_child_that_was_used_closes_the_window_of_its_parent,
    two_who_hold_the_same_child_are_told_apart,
    another_anti_csrf_choice_makes_another_successor,
    a_repeat_may_ask_for_another_kind_of_key,
    a_row_that_others_have_rotated_is_rotated_once_more,
    a_user_id_that_changed_makes_another_successor,
    successors_differ_between_sessions_tenants_and_generations,
    a_repeat_writes_nothing_and_costs_no_more_than_a_refresh,
);

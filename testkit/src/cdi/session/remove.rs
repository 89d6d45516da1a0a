//! Revoking and listing sessions: scenarios 74 to 82 of core-session.md 8.2.

use serde_json::{Value, json};
use supertokens_domain::time::SECOND;

use super::rows::{Row, count, handle, make_tenant, make_user, row, the_row, user_id, write_row};
use super::{create, plain};
use crate::cdi::linking::map;
use crate::{Answer, World, members, scenarios};

const PATH: &str = "/recipe/session/remove";
const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";

/// The sessions that were revoked, in the order of the answer.
#[track_caller]
fn revoked(answer: &Answer) -> Vec<String> {
    let body = answer.ok();
    assert_eq!(members(&body), ["sessionHandlesRevoked", "status"]);
    handles(&body["sessionHandlesRevoked"])
}

/// The sessions that were listed, sorted: the answer has no order.
#[track_caller]
fn listed(answer: &Answer) -> Vec<String> {
    let body = answer.ok();
    assert_eq!(members(&body), ["sessionHandles", "status"]);
    sorted(handles(&body["sessionHandles"]))
}

#[track_caller]
fn handles(list: &Value) -> Vec<String> {
    list.as_array().expect("an array").iter().map(|handle| handle.as_str().expect("text").to_owned()).collect()
}

fn sorted(mut handles: Vec<String>) -> Vec<String> {
    handles.sort();
    handles
}

async fn by_handles(w: &World, handles: &[&str]) -> Answer {
    w.post("5.6", PATH, json!({ "sessionHandles": handles })).await
}

async fn session_of(w: &World, user: &str) -> String {
    handle(&create(w, "5.6", user).await)
}

async fn session_at(w: &World, tenant: &str, user: &str) -> String {
    handle(&w.post("5.6", &format!("/{tenant}/recipe/session"), plain(user)).await.ok())
}

async fn list(w: &World, user: &str) -> Vec<String> {
    listed(&w.get("5.6", &format!("/recipe/session/user?userId={user}")).await)
}

async fn exactly_one_way_of_naming_sessions_is_taken(w: &World) {
    let one_of = "Invalid JSON input - use one of userId or sessionHandles array";
    for body in [json!({}), json!({ "userId": "u", "sessionHandles": [] }), json!({ "revokeAcrossAllTenants": true })] {
        w.post("5.6", PATH, body).await.refuses(400, one_of);
    }
    // The flags are looked at after that, one after the other.
    for flag in [json!("text"), json!(null), json!(true)] {
        let body = json!({ "userId": "u", "sessionHandles": [], "revokeAcrossAllTenants": flag });
        w.post("5.6", PATH, body).await.refuses(400, one_of);
    }
    let flags = json!({ "sessionHandles": [], "revokeAcrossAllTenants": true, "revokeSessionsForLinkedAccounts": "text" });
    let first = "Invalid JSON input - revokeAcrossAllTenants can only be set if userId is set";
    w.post("5.6", PATH, flags).await.refuses(400, first);
    for flag in ["revokeAcrossAllTenants", "revokeSessionsForLinkedAccounts"] {
        for value in [true, false] {
            let refused = w.post("5.6", PATH, json!({ "sessionHandles": [], flag: value })).await;
            refused.refuses(400, &format!("Invalid JSON input - {flag} can only be set if userId is set"));
        }
        let refused = w.post("5.6", PATH, json!({ "userId": "u", flag: null })).await;
        refused.refuses(400, &format!("Field name '{flag}' is invalid in JSON input"));
    }
    for wrong in [json!("text"), json!([1]), json!(["a", null]), json!(null), json!({})] {
        let refused = w.post("5.6", PATH, json!({ "sessionHandles": wrong })).await;
        refused.refuses(400, "Field name 'sessionHandles' is invalid in JSON input");
    }
    let refused = w.post("5.6", PATH, json!({ "userId": 5 })).await;
    refused.refuses(400, "Field name 'userId' is invalid in JSON input");
}

async fn only_what_was_there_is_reported(w: &World) {
    let (one, other, third) = (session_of(w, "u").await, session_of(w, "u").await, session_of(w, "u").await);
    assert_eq!(revoked(&by_handles(w, &[&one, "bogus"]).await), std::slice::from_ref(&one));
    assert_eq!(row(w, &one).await, None);
    assert_eq!(revoked(&by_handles(w, &["bogus"]).await), [""; 0]);
    assert_eq!(revoked(&by_handles(w, &[&one]).await), [""; 0]);
    assert_eq!(revoked(&by_handles(w, &[]).await), [""; 0]);
    assert_eq!(revoked(&by_handles(w, &["", "_", "__"]).await), [""; 0]);
    // One that has expired but is still stored counts.
    let over = Row { expires_at: w.clock.now() - 1, ..the_row(w, &other).await };
    write_row(w, &other, &over).await;
    assert_eq!(revoked(&by_handles(w, &[&other]).await), [other]);
    assert_eq!(revoked(&by_handles(w, &[&third, "bogus", &third]).await), [third.clone(), third]);
}

async fn handles_may_belong_to_several_tenants(w: &World) {
    make_tenant(w, "public", "t1").await;
    let (a, b, c) = (session_of(w, "u").await, session_at(w, "t1", "u").await, session_of(w, "u").await);
    assert!(b.ends_with("_t1"));
    assert_eq!(revoked(&by_handles(w, &["x_ghost"]).await), [""; 0]);
    // Tenant by tenant, and within one in the order of the request. A tenant that does not exist keeps nobody's session alive.
    assert_eq!(revoked(&by_handles(w, &["x_ghost", &c, &b, "y_ghost", &a]).await), [c, a, b]);
    assert_eq!(count(w, "session_info").await, 0);
}

async fn the_path_does_not_matter_for_handles(w: &World) {
    make_tenant(w, "public", "t1").await;
    let (a, b) = (session_of(w, "u").await, session_at(w, "t1", "u").await);
    for (path, session) in [("/t1", &a), ("/ghost", &b)] {
        let answer = w.post("5.6", &format!("{path}{PATH}"), json!({ "sessionHandles": [session] })).await;
        assert_eq!(revoked(&answer), std::slice::from_ref(session));
    }
}

async fn a_users_sessions_are_revoked_in_every_tenant_or_in_one(w: &World) {
    make_tenant(w, "public", "t1").await;
    make_tenant(w, "public", "t2").await;
    let everywhere = async || {
        let sessions = vec![session_of(w, "u").await, session_at(w, "t1", "u").await, session_at(w, "t2", "u").await];
        assert_eq!(list(w, "u").await, sorted(sessions.clone()));
        sorted(sessions)
    };
    let others = session_at(w, "t1", "v").await;

    let sessions = everywhere().await;
    assert_eq!(sorted(revoked(&w.post("5.6", PATH, json!({ "userId": "u" })).await)), sessions);
    assert_eq!(list(w, "u").await, [""; 0]);

    let sessions = everywhere().await;
    for cdi in ["5.0", "5.4", "5.6"] {
        w.post(cdi, "/t1/recipe/session/remove", json!({ "userId": "u" })).await.refuses(403, ONLY_PUBLIC);
        w.get(cdi, "/t1/recipe/session/user?userId=u").await.refuses(403, ONLY_PUBLIC);
    }
    assert_eq!(listed(&w.get("4.0", "/t1/recipe/session/user?userId=u").await), sessions);
    let answer = w.post("4.0", "/t1/recipe/session/remove", json!({ "userId": "u" })).await;
    assert_eq!(sorted(revoked(&answer)), sessions);

    everywhere().await;
    let at_t1 = listed(&w.get("5.6", "/t1/recipe/session/user?userId=u&fetchAcrossAllTenants=false").await);
    assert_eq!(at_t1.len(), 1);
    let only = json!({ "userId": "u", "revokeAcrossAllTenants": false });
    assert_eq!(revoked(&w.post("5.6", "/t1/recipe/session/remove", only.clone()).await), at_t1);
    assert_eq!(list(w, "u").await.len(), 2);
    assert_eq!(w.post("5.6", "/ghost/recipe/session/remove", only).await.status, 400);
    assert_eq!(list(w, "v").await, [others]);
}

async fn linked_login_methods_go_together_unless_told_otherwise(w: &World) {
    let (primary, recipe, alone) = (user_id(1), user_id(2), user_id(3));
    for (id, of) in [(&primary, &primary), (&recipe, &primary), (&alone, &alone)] {
        make_user(w, id, of).await;
    }
    let others = session_of(w, &alone).await;
    let both = async || sorted(vec![session_of(w, &primary).await, session_of(w, &recipe).await]);
    for id in [&primary, &recipe] {
        let sessions = both().await;
        assert_eq!(list(w, id).await, sessions);
        let of_one = w.get("5.6", &format!("/recipe/session/user?userId={id}&fetchSessionsForAllLinkedAccounts=false")).await;
        assert_eq!(listed(&of_one).len(), 1);
        assert_eq!(sorted(revoked(&w.post("5.6", PATH, json!({ "userId": id })).await)), sessions);
    }
    let sessions = both().await;
    let body = json!({ "userId": primary, "revokeSessionsForLinkedAccounts": false });
    let gone = revoked(&w.post("5.6", PATH, body).await);
    assert_eq!(gone.len(), 1);
    assert!(sessions.contains(&gone[0]));
    assert_eq!(list(w, &recipe).await.len(), 1);
    assert_eq!(the_row(w, &list(w, &recipe).await[0]).await.user_id, recipe);
    assert_eq!(list(w, &alone).await, [others]);
}

async fn a_mapped_user_is_found_by_the_external_id_only(w: &World) {
    let (primary, recipe) = (user_id(1), user_id(2));
    make_user(w, &primary, &primary).await;
    make_user(w, &recipe, &primary).await;
    map(w, &recipe, "outside").await;
    let (of_recipe, of_primary) = (session_of(w, &recipe).await, session_of(w, &primary).await);
    assert_eq!(list(w, "outside").await, std::slice::from_ref(&of_recipe));
    assert_eq!(list(w, &recipe).await, [of_primary]);
    let alone = w.get("5.6", &format!("/recipe/session/user?userId={recipe}&fetchSessionsForAllLinkedAccounts=false")).await;
    assert_eq!(listed(&alone), [""; 0]);
    assert_eq!(revoked(&w.post("5.6", PATH, json!({ "userId": "outside" })).await), [of_recipe]);
}

async fn a_list_has_what_has_not_expired(w: &World) {
    make_tenant(w, "public", "t1").await;
    let (here, there) = (session_of(w, "u").await, session_at(w, "t1", "u").await);
    let fetch =
        async |flag: &str| listed(&w.get("5.6", &format!("/recipe/session/user?userId=u&fetchAcrossAllTenants={flag}")).await);
    assert_eq!(fetch("TRUE").await, sorted(vec![here.clone(), there]));
    for not_true in ["1", "", "false", "yes"] {
        assert_eq!(fetch(not_true).await, std::slice::from_ref(&here), "{not_true:?}");
    }
    let fresh = the_row(w, &here).await;
    write_row(w, &here, &Row { expires_at: w.clock.now(), ..fresh.clone() }).await;
    assert_eq!(fetch("false").await, std::slice::from_ref(&here));
    write_row(w, &here, &Row { expires_at: w.clock.now() - 1, ..fresh }).await;
    assert_eq!(fetch("false").await, [""; 0]);
    // Nor does revoking a user's sessions look at those that are over.
    let body = json!({ "userId": "u", "revokeAcrossAllTenants": false });
    assert_eq!(revoked(&w.post("5.6", PATH, body).await), [""; 0]);
    assert_eq!(list(w, "nobody").await, [""; 0]);
    assert_eq!(list(w, "").await, [""; 0]);
    w.get("5.6", "/recipe/session/user").await.refuses(400, "Field name 'userId' is missing in GET request");
}

async fn revoking_by_user_marks_activity_and_by_handle_does_not(w: &World) {
    assert_eq!(revoked(&w.post("5.6", PATH, json!({ "userId": "nobody" })).await), [""; 0]);
    let marks = async || w.rows("select user_id, last_active_time from user_last_active order by user_id").await;
    let now = Some(w.clock.now().to_string());
    assert_eq!(marks().await, [[Some("nobody".to_owned()), now.clone()]]);
    assert_eq!(count(w, "activity_log where event_type = 'user_last_active' and recipe_user_id = 'nobody'").await, 1);

    let session = session_of(w, "u").await;
    let before = marks().await;
    w.clock.advance(600 * SECOND);
    assert_eq!(revoked(&by_handles(w, &[&session]).await), [session]);
    list(w, "u").await;
    assert_eq!(marks().await, before);
}

async fn revoking_and_listing_take_few_round_trips(w: &World) {
    make_tenant(w, "public", "t1").await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push(session_of(w, "u").await);
        sessions.push(session_at(w, "t1", "u").await);
    }
    list(w, "u").await;
    let (trips, all) = w.trips(list(w, "u")).await;
    assert_eq!(all, sorted(sessions.clone()));
    assert!(trips <= 2, "{trips} to list");
    let some: Vec<&str> = sessions[..10].iter().map(String::as_str).chain(["bogus"]).collect();
    let (trips, gone) = w.trips(by_handles(w, &some)).await;
    assert_eq!(revoked(&gone).len(), 10);
    assert_eq!(trips, 1, "to revoke by handles");
    let (trips, gone) = w.trips(w.post("5.6", PATH, json!({ "userId": "u" }))).await;
    assert_eq!(revoked(&gone).len(), 10);
    assert!(trips <= 2, "{trips} to revoke by user, where the activity is known");
    let (trips, none) = w.trips(by_handles(w, &[])).await;
    assert_eq!((trips, revoked(&none).len()), (0, 0));
}

async fn nobody_is_called_by_more_than_128_characters(w: &World) {
    for (length, marks) in [(129, 0), (5_000, 0), (128, 1)] {
        let answer = w.post("5.6", PATH, json!({ "userId": "é".repeat(length) })).await;
        assert_eq!(revoked(&answer), Vec::<String>::new());
        assert_eq!(count(w, "user_last_active").await, marks, "{length}");
        assert_eq!(count(w, "activity_log where event_type = 'user_last_active'").await, marks, "{length}");
    }
}

async fn tens_of_thousands_of_handles_are_revoked_in_time(w: &World) {
    // Within the limit of a body. Compared each with each, they took half a minute, and no other write was done meanwhile.
    const MANY: usize = 20_000;
    const IN_TIME: std::time::Duration = std::time::Duration::from_secs(8);
    let tenants: Vec<String> = (0..100).map(|n| format!("t{n}")).collect();
    for tenant in &tenants {
        make_tenant(w, "public", tenant).await;
    }
    let real = [session_of(w, "u").await, session_at(w, "t0", "u").await, session_at(w, "t99", "u").await];
    let made_up = |n: usize| format!("00000000-0000-4000-8000-{n:012}_{}", tenants[n % tenants.len()]);
    let mut handles: Vec<String> = (0..MANY).map(made_up).collect();
    handles.extend(real.clone());
    let since = std::time::Instant::now();
    let answer = w.post("5.6", PATH, json!({ "sessionHandles": handles })).await;
    let took = since.elapsed();
    assert_eq!(revoked(&answer), [real[1].clone(), real[2].clone(), real[0].clone()]);
    assert!(took < IN_TIME, "{took:?}");
}

scenarios!(World:
    tens_of_thousands_of_handles_are_revoked_in_time,
    nobody_is_called_by_more_than_128_characters,
    exactly_one_way_of_naming_sessions_is_taken,
    only_what_was_there_is_reported,
    handles_may_belong_to_several_tenants,
    the_path_does_not_matter_for_handles,
    a_users_sessions_are_revoked_in_every_tenant_or_in_one,
    linked_login_methods_go_together_unless_told_otherwise,
    a_mapped_user_is_found_by_the_external_id_only,
    a_list_has_what_has_not_expired,
    revoking_by_user_marks_activity_and_by_handle_does_not,
    revoking_and_listing_take_few_round_trips,
);

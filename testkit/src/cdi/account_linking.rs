//! Linking accounts (core-linking.md 2, 7).

use serde_json::{Value, json};

use super::place::{count, migration_modes, put_tenant};
use super::session::create;
use super::session::races::at_once;
use super::users::{By, id, put_login};
use crate::{Answer, World, members, scenarios};

const PATH: &str = "/recipe/accountlinking/user";

async fn make_primary(w: &World, n: u8) -> Answer {
    w.post("5.4", &format!("{PATH}/primary"), json!({ "recipeUserId": id(n) })).await
}

async fn may_be_primary(w: &World, n: u8) -> Answer {
    w.get("5.4", &format!("{PATH}/primary/check?recipeUserId={}", id(n))).await
}

async fn link(w: &World, n: u8, primary: u8) -> Answer {
    w.post("5.4", &format!("{PATH}/link"), json!({ "recipeUserId": id(n), "primaryUserId": id(primary) })).await
}

async fn may_be_linked(w: &World, n: u8, primary: u8) -> Answer {
    w.get("5.4", &format!("{PATH}/link/check?recipeUserId={}&primaryUserId={}", id(n), id(primary))).await
}

async fn unlink(w: &World, n: u8) -> Value {
    w.post("5.4", &format!("{PATH}/unlink"), json!({ "recipeUserId": id(n) })).await.ok()
}

async fn user(w: &World, n: u8) -> Value {
    w.get("5.4", &format!("/user/id?userId={}", id(n))).await.ok()["user"].clone()
}

/// How many things are owned, in the modes that write it down.
async fn owned(w: &World) -> usize {
    count(w, "primary_user_tenants").await.try_into().expect("a number")
}

async fn a_user_becomes_primary_once(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    assert_eq!(may_be_primary(w, 1).await.ok(), json!({ "status": "OK", "wasAlreadyAPrimaryUser": false }));
    let made = make_primary(w, 1).await;
    assert_eq!(members(&made.ok()), ["status", "user", "wasAlreadyAPrimaryUser"]);
    assert_eq!((&made.ok()["wasAlreadyAPrimaryUser"], &made.ok()["user"]), (&json!(false), &user(w, 1).await));
    assert_eq!(user(w, 1).await["isPrimaryUser"], true);
    assert_eq!(make_primary(w, 1).await.ok()["wasAlreadyAPrimaryUser"], true);
    assert_eq!(may_be_primary(w, 1).await.ok()["wasAlreadyAPrimaryUser"], true);
}

async fn who_has_the_same_address_in_a_tenant_is_in_the_way(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("a@x")).await;
    put_login(w, "t1", 3, By::Google("g", "a@x")).await;
    put_login(w, "t1", 4, By::Number("+1")).await;
    make_primary(w, 1).await.ok();
    for said in [may_be_primary(w, 2).await, make_primary(w, 2).await] {
        let said = said.says("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
        assert_eq!(said["primaryUserId"], id(1));
        assert_eq!(said["description"], "This user's email is already associated with another user ID");
    }
    make_primary(w, 3).await.ok();
    // With the address of the first, the second cannot come to the third, who is elsewhere; nor the fourth, whose tenant has the third.
    for (n, primary, rival) in [(2, 3, 1), (4, 1, 3)] {
        for said in [may_be_linked(w, n, primary).await, link(w, n, primary).await] {
            let said = said.says("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
            assert_eq!(said["primaryUserId"], id(rival), "{n} to {primary}");
        }
    }
    assert_eq!(user(w, 2).await["isPrimaryUser"], false);
}

async fn linked_users_are_one(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    put_login(w, "", 3, By::Number("+1")).await;
    link(w, 2, 1).await.says("INPUT_USER_IS_NOT_A_PRIMARY_USER");
    make_primary(w, 1).await.ok();
    assert_eq!(may_be_linked(w, 2, 1).await.ok(), json!({ "status": "OK", "accountsAlreadyLinked": false }));
    let said = link(w, 2, 1).await.ok();
    assert_eq!((&said["accountsAlreadyLinked"], &said["user"]), (&json!(false), &user(w, 2).await));
    assert_eq!(said["user"]["emails"], json!(["a@x", "b@x"]));
    // By any of its members.
    assert_eq!(link(w, 3, 2).await.ok()["user"]["phoneNumbers"], json!(["+1"]));
    assert_eq!(link(w, 3, 1).await.ok()["accountsAlreadyLinked"], true);
    assert_eq!(may_be_linked(w, 3, 1).await.ok()["accountsAlreadyLinked"], true);
    put_login(w, "", 4, By::Password("d@x")).await;
    make_primary(w, 4).await.ok();
    for (n, primary, whose) in [(4, 1, 4), (3, 4, 1)] {
        let said = link(w, n, primary).await.says("RECIPE_USER_ID_ALREADY_LINKED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
        assert_eq!((&said["primaryUserId"], &said["user"]["id"]), (&json!(id(whose)), &json!(id(whose))));
        let said = may_be_linked(w, n, primary).await.says("RECIPE_USER_ID_ALREADY_LINKED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
        assert_eq!(members(&said), ["description", "primaryUserId", "status"]);
    }
    let said = make_primary(w, 3).await.says("RECIPE_USER_ID_ALREADY_LINKED_WITH_PRIMARY_USER_ID_ERROR");
    assert_eq!(said["primaryUserId"], id(1));
    assert_eq!(w.get("5.4", "/users/count").await.ok()["count"], 2);
}

async fn unlinked_users_are_two(w: &World) {
    for (n, by) in [(1, By::Password("a@x")), (2, By::Code("b@x")), (3, By::Google("g", "c@x"))] {
        put_login(w, "", n, by).await;
    }
    assert_eq!(unlink(w, 1).await, json!({ "status": "OK", "wasRecipeUserDeleted": false, "wasLinked": false }));
    make_primary(w, 1).await.ok();
    link(w, 2, 1).await.ok();
    link(w, 3, 1).await.ok();
    let before = owned(w).await;
    assert_eq!(unlink(w, 2).await, json!({ "status": "OK", "wasRecipeUserDeleted": false, "wasLinked": true }));
    assert_eq!((&user(w, 2).await["id"], &user(w, 2).await["isPrimaryUser"]), (&json!(id(2)), &json!(false)));
    assert_eq!(before.saturating_sub(owned(w).await), usize::from(before > 0));
    // The group has its id from the first, so its login goes and the group stays.
    assert_eq!(unlink(w, 1).await, json!({ "status": "OK", "wasRecipeUserDeleted": true, "wasLinked": true }));
    assert_eq!((&user(w, 1).await["id"], &user(w, 1).await["emails"]), (&json!(id(1)), &json!(["c@x"])));
    let said = w.post("5.4", &format!("{PATH}/unlink"), json!({ "recipeUserId": id(1) })).await;
    said.refuses(400, "Unknown user ID provided");
    assert_eq!(unlink(w, 3).await["wasRecipeUserDeleted"], false);
    w.get("5.4", &format!("/user/id?userId={}", id(1))).await.says("UNKNOWN_USER_ID_ERROR");
    assert_eq!((user(w, 3).await["id"].clone(), owned(w).await), (json!(id(3)), 0));
}

async fn the_only_login_of_a_primary_user_is_alone_again(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    make_primary(w, 1).await.ok();
    assert_eq!(unlink(w, 1).await, json!({ "status": "OK", "wasRecipeUserDeleted": false, "wasLinked": true }));
    assert_eq!((user(w, 1).await["isPrimaryUser"].clone(), owned(w).await), (json!(false), 0));
}

async fn sessions_of_whoever_is_linked_or_unlinked_end(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    make_primary(w, 1).await.ok();
    let sessions = async |n: u8| count(w, &format!("session_info where user_id = '{}'", id(n))).await;
    for turn in ["linked", "unlinked"] {
        create(w, "5.4", &id(1)).await;
        create(w, "5.4", &id(2)).await;
        let others = sessions(1).await;
        if turn == "linked" {
            link(w, 2, 1).await.ok();
        } else {
            unlink(w, 2).await;
        }
        assert_eq!((sessions(1).await, sessions(2).await), (others, 0), "{turn}");
    }
    create(w, "5.4", &id(2)).await;
    link(w, 2, 1).await.ok();
    let active = async |n: u8| count(w, &format!("user_last_active where user_id = '{}'", id(n))).await;
    assert_eq!((active(1).await, active(2).await), (1, 0), "who is linked was never active");
}

async fn what_is_wrong_is_said_in_order(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    let nobody = id(9);
    let unknown = "Unknown user ID provided";
    for (path, body) in [
        ("primary", json!({ "recipeUserId": nobody })),
        ("primary", json!({ "recipeUserId": "" })),
        ("primary", json!({ "recipeUserId": format!("{}xxx", id(1)) })),
        ("primary", json!({ "recipeUserId": format!("{} ", id(1)) })),
        ("unlink", json!({ "recipeUserId": nobody })),
        ("link", json!({ "recipeUserId": nobody, "primaryUserId": id(1) })),
        ("link", json!({ "recipeUserId": id(1), "primaryUserId": nobody })),
    ] {
        w.post("5.4", &format!("{PATH}/{path}"), body).await.refuses(400, unknown);
    }
    for path in ["primary", "unlink", "link"] {
        let path = format!("{PATH}/{path}");
        w.post("5.4", &path, json!({})).await.refuses(400, "Field name 'recipeUserId' is invalid in JSON input");
        let public_only = json!({ "recipeUserId": id(1), "primaryUserId": id(1) });
        put_tenant(w, "", "t1", json!({})).await;
        let words = "Only public tenantId can call this app specific API";
        w.post("5.0", &format!("/t1{path}"), public_only).await.refuses(403, words);
    }
    let words = "Field name 'primaryUserId' is invalid in JSON input";
    w.post("5.4", &format!("{PATH}/link"), json!({ "recipeUserId": id(1) })).await.refuses(400, words);
    let words = "Field name 'primaryUserId' is missing in GET request";
    w.get("5.4", &format!("{PATH}/link/check?recipeUserId=x")).await.refuses(400, words);
    w.get("5.4", &format!("{PATH}/primary/check")).await.refuses(400, "Field name 'recipeUserId' is missing in GET request");
    let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: \
                 (, ghost, public)";
    w.get("5.4", &format!("/appid-ghost{PATH}/primary/check?recipeUserId=x")).await.refuses(400, words);
}

/// How often the database is asked: reading 2, becoming primary 4, linking 5 (core-linking.md 2.8, beside the time of last activity).
async fn linking_asks_the_database_seldom(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    for (what, limit, trips) in [
        ("may be primary", 2, w.trips(may_be_primary(w, 1)).await.0),
        ("primary", 4, w.trips(make_primary(w, 1)).await.0),
        ("may be linked", 3, w.trips(may_be_linked(w, 2, 1)).await.0),
        ("linked", 7, w.trips(link(w, 2, 1)).await.0),
        ("unlinked", 5, w.trips(unlink(w, 2)).await.0),
    ] {
        assert!(trips <= limit, "{what}: {trips}");
    }
}

async fn of_many_who_link_at_once_all_or_one_succeed(w: &World) {
    for n in 1..=6 {
        put_login(w, "", n, By::Code(&format!("u{n}@x"))).await;
    }
    make_primary(w, 1).await.ok();
    make_primary(w, 2).await.ok();
    // To the same user, all can.
    let all = futures_util::future::join_all((3..=5).map(|n| link(w, n, 1))).await;
    assert!(all.iter().all(|said| said.ok()["accountsAlreadyLinked"] == false));
    // To two users, one can.
    let both = futures_util::future::join_all([1, 2].map(|primary| link(w, 6, primary))).await;
    assert_eq!(both.iter().filter(|said| said.json()["status"] == "OK").count(), 1, "{both:?}");
    assert_eq!(user(w, 1).await["loginMethods"].as_array().map(Vec::len).unwrap_or_default() / 4, 1);
}

/// Whoever is first owns the address; it does not matter who was asked first.
async fn of_two_of_one_address_who_become_primary_at_once_one_does(w: &World) {
    const ROUNDS: u8 = 100;
    let modes = migration_modes(w);
    let of_each = ROUNDS / u8::try_from(modes.len()).expect("few");
    for round in 0..ROUNDS {
        if round % of_each == 0 {
            w.with_config(json!({ "migration_mode": modes[usize::from(round / of_each)] })).await;
        }
        let (email, pair) = (format!("u{round}@x"), [2 * round + 1, 2 * round + 2]);
        put_login(w, "", pair[0], By::Password(&email)).await;
        put_login(w, "", pair[1], By::Google(&format!("g{round}"), &email)).await;
        let mut callers: Vec<_> = pair.map(|n| (w.clone(), n)).map(|(w, n)| async move { make_primary(&w, n).await }).into();
        if round % 2 == 1 {
            callers.reverse();
        }
        let said = at_once(callers).await;
        let of = |status: &str| said.iter().filter(|said| said.done()["status"] == status).count();
        let taken = of("ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
        assert_eq!((of("OK"), taken), (1, 1), "{round}: {said:?}");
        let primary = [user(w, pair[0]).await, user(w, pair[1]).await].map(|user| user["isPrimaryUser"] == true);
        assert_ne!(primary[0], primary[1], "{round}");
    }
}

scenarios!(World:
    a_user_becomes_primary_once,
    who_has_the_same_address_in_a_tenant_is_in_the_way,
    linked_users_are_one,
    unlinked_users_are_two,
    the_only_login_of_a_primary_user_is_alone_again,
    sessions_of_whoever_is_linked_or_unlinked_end,
    what_is_wrong_is_said_in_order,
    linking_asks_the_database_seldom,
    of_many_who_link_at_once_all_or_one_succeed,
    of_two_of_one_address_who_become_primary_at_once_one_does,
);

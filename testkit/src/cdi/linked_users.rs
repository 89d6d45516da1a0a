//! Linked users as everything else sees them (core-linking.md 2.2 to 2.5, 4 and 7: scenarios 40, 47 to 55, 57 to 62, 66 to 74).

use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::time::SECOND;

use super::place::{count, migration_modes, put_tenant};
use super::session::create;
use super::users::{By, id, put_login};
use crate::{Answer, World, scenarios};

const PATH: &str = "/recipe/accountlinking/user";
const ADD: &str = "/recipe/multitenancy/tenant/user";
const TAKEN: &str = "ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR";

async fn make_primary(w: &World, user: &str) -> Answer {
    w.post("5.6", &format!("{PATH}/primary"), json!({ "recipeUserId": user })).await
}

async fn link(w: &World, user: &str, primary: &str) -> Answer {
    w.post("5.6", &format!("{PATH}/link"), json!({ "recipeUserId": user, "primaryUserId": primary })).await
}

async fn unlink(w: &World, user: &str) -> Answer {
    w.post("5.6", &format!("{PATH}/unlink"), json!({ "recipeUserId": user })).await
}

async fn shown(w: &World, user: &str) -> Value {
    w.get("5.6", &format!("/user/id?userId={user}")).await.ok()["user"].clone()
}

/// The group of the first and the second, with the id of the first.
async fn a_pair(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Password("b@x")).await;
    make_primary(w, &id(1)).await.ok();
    link(w, &id(2), &id(1)).await.ok();
}

async fn map(w: &World, n: u8, external: &str) {
    let asked = json!({ "superTokensUserId": id(n), "externalUserId": external });
    w.post("5.6", "/recipe/userid/map", asked).await.ok();
}

async fn whom_only_recipes_know_cannot_be_linked(w: &World) {
    a_pair(w).await;
    w.put("5.6", "/recipe/user/metadata", json!({ "userId": "stranger", "metadataUpdate": {} })).await.ok();
    let unknown = "Unknown user ID provided";
    make_primary(w, "stranger").await.refuses(400, unknown);
    unlink(w, "stranger").await.refuses(400, unknown);
    link(w, "stranger", &id(1)).await.refuses(400, unknown);
    link(w, &id(1), "stranger").await.refuses(400, unknown);
    for query in [
        "primary/check?recipeUserId=stranger".to_owned(),
        format!("link/check?recipeUserId=stranger&primaryUserId={}", id(1)),
        format!("link/check?recipeUserId={}&primaryUserId=stranger", id(1)),
    ] {
        w.get("5.6", &format!("{PATH}/{query}")).await.refuses(400, unknown);
    }
}

/// Users of two databases are never one: a tenant that has its own is not served, and nobody of it is known.
async fn whoever_is_in_a_database_of_another_tenant_is_nobody_here(w: &World) {
    a_pair(w).await;
    put_tenant(w, "", "t1", json!({ "postgresql_host": "h" })).await;
    w.core().run_chore(Chore::SyncTenants).await.expect("the list is read");
    let (theirs, unknown) = (id(9), "Unknown user ID provided");
    make_primary(w, &theirs).await.refuses(400, unknown);
    link(w, &theirs, &id(1)).await.refuses(400, unknown);
    link(w, &id(1), &theirs).await.refuses(400, unknown);
    unlink(w, &theirs).await.refuses(400, unknown);
    // And nobody of ours comes there.
    let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: \
                 (, public, t1)";
    w.post("5.6", &format!("/t1{ADD}"), json!({ "recipeUserId": id(2) })).await.refuses(400, words);
    w.post("5.6", "/t1/recipe/signup", json!({ "email": "c@x", "password": "p" })).await.refuses(400, words);
    assert_eq!(shown(w, &id(1)).await["tenantIds"], json!(["public"]));
}

async fn it_is_said_what_is_in_the_way_and_whose_it_is(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    for (n, by) in [(1, By::Password("a@x")), (2, By::Number("+2")), (3, By::Google("g", "c@x"))] {
        put_login(w, "", n, by).await;
        make_primary(w, &id(n)).await.ok();
        map(w, n, &format!("ext{n}")).await;
    }
    // The same in another tenant, which is then added to the first one's.
    for (n, by) in [(11, By::Google("other", "a@x")), (12, By::Number("+2")), (13, By::Google("g", "d@x"))] {
        put_login(w, "t1", n, by).await;
    }
    for n in 1..=3 {
        w.post("5.6", &format!("/t1{ADD}"), json!({ "recipeUserId": "nobody" })).await.says("UNKNOWN_USER_ID_ERROR");
        if n == 1 {
            w.post("5.6", &format!("/t1{ADD}"), json!({ "recipeUserId": "ext1" })).await.ok();
        }
    }
    for (n, what, whose) in [(11, "email", "ext1")] {
        let said = make_primary(w, &id(n)).await.says(TAKEN);
        let words = format!("This user's {what} is already associated with another user ID");
        assert_eq!((&said["description"], &said["primaryUserId"]), (&json!(words), &json!(whose)));
        assert!(link(w, &id(n), "ext1").await.ok()["accountsAlreadyLinked"] == false, "its owner may have it");
    }
    // A member in the tenant brings what the others have there.
    put_login(w, "t1", 4, By::Code("x4@x")).await;
    link(w, &id(4), "ext2").await.ok();
    put_login(w, "t1", 5, By::Code("x5@x")).await;
    link(w, &id(5), "ext3").await.ok();
    for (n, what, whose) in [(12, "phone number", "ext2"), (13, "third party login", "ext3")] {
        let said = make_primary(w, &id(n)).await.says(TAKEN);
        let words = format!("This user's {what} is already associated with another user ID");
        assert_eq!((&said["description"], &said["primaryUserId"]), (&json!(words), &json!(whose)));
        let said = link(w, &id(n), "ext1").await.says(TAKEN);
        assert_eq!(said["primaryUserId"], whose);
    }
}

async fn any_of_its_ids_names_a_user(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    put_login(w, "", 3, By::Number("+3")).await;
    map(w, 1, "one").await;
    map(w, 2, "two").await;
    assert_eq!(make_primary(w, "one").await.ok()["user"]["id"], "one");
    assert_eq!(link(w, "two", &id(1)).await.ok()["user"]["loginMethods"][1]["recipeUserId"], "two");
    assert_eq!(link(w, &id(3), "two").await.ok()["user"]["id"], "one");
    let whole = shown(w, "one").await;
    for user in [id(1), id(2), id(3), "two".to_owned()] {
        assert_eq!(shown(w, &user).await, whole);
    }
    let ids: Vec<&Value> =
        whole["loginMethods"].as_array().expect("a list").iter().map(|method| &method["recipeUserId"]).collect();
    assert_eq!(ids, [&json!("one"), &json!("two"), &json!(id(3))]);
    for query in ["email=a@x", "email=b@x", "phoneNumber=%2B3", "email=a@x&phoneNumber=%2B3"] {
        let found = w.get("5.6", &format!("/users/by-accountinfo?doUnionOfAccountInfo=false&{query}")).await.ok();
        assert_eq!(found["users"], json!([whole]), "{query}");
    }
    assert_eq!(w.get("5.6", "/recipe/user?email=a@x").await.ok()["user"], whole);
}

async fn tenants_keep_groups_of_one_address_apart(w: &World) {
    for tenant in ["t1", "t2"] {
        put_tenant(w, "", tenant, json!({})).await;
    }
    put_login(w, "t1", 1, By::Password("u@x")).await;
    put_login(w, "", 2, By::Google("g2", "u@x")).await;
    make_primary(w, &id(1)).await.ok();
    make_primary(w, &id(2)).await.ok();
    let said = w.post("5.6", &format!("/t1{ADD}"), json!({ "recipeUserId": id(2) })).await.says("ASSOCIATION_NOT_ALLOWED_ERROR");
    assert!(said["reason"].as_str().is_some_and(|reason| reason.ends_with(&id(1))));
    // An address would come to where it is another group's.
    put_login(w, "t2", 3, By::Password("a@x")).await;
    put_login(w, "t1", 4, By::Password("a@x")).await;
    put_login(w, "t2", 5, By::Code("b@x")).await;
    make_primary(w, &id(3)).await.ok();
    make_primary(w, &id(4)).await.ok();
    assert_eq!(link(w, &id(5), &id(4)).await.says(TAKEN)["primaryUserId"], id(3));
    // Who is nowhere meets nobody, until both are somewhere.
    for n in [6, 7] {
        put_login(w, "", n, By::Google(&format!("g{n}"), "n@x")).await;
        w.post("5.6", &format!("{ADD}/remove"), json!({ "recipeUserId": id(n) })).await.ok();
        make_primary(w, &id(n)).await.ok();
    }
    w.post("5.6", &format!("/t1{ADD}"), json!({ "recipeUserId": id(6) })).await.ok();
    w.post("5.6", &format!("/t1{ADD}"), json!({ "recipeUserId": id(7) })).await.says("ASSOCIATION_NOT_ALLOWED_ERROR");
    // Linking moves nobody.
    put_login(w, "t2", 8, By::Number("+8")).await;
    link(w, &id(8), &id(2)).await.ok();
    let whole = shown(w, &id(8)).await;
    assert_eq!((&whole["tenantIds"], &whole["loginMethods"][1]["tenantIds"]), (&json!(["public", "t2"]), &json!(["t2"])));
}

async fn a_group_is_as_old_as_its_oldest_login(w: &World) {
    for n in 1..=6 {
        put_login(w, "", n, By::Code(&format!("u{n}@x"))).await;
    }
    make_primary(w, &id(5)).await.ok();
    assert_eq!(link(w, &id(2), &id(5)).await.ok()["user"]["timeJoined"], 2);
    let listed = async || {
        let (mut met, mut next) = (Vec::new(), String::new());
        loop {
            let said = w.get("5.6", &format!("/users?limit=2{next}")).await.ok();
            met.extend(said["users"].as_array().expect("a list").iter().map(|user| user["id"].clone()));
            let Some(token) = said["nextPaginationToken"].as_str() else { return met };
            next = format!("&paginationToken={}", token.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"));
        }
    };
    assert_eq!(listed().await, [1, 5, 3, 4, 6].map(|n| json!(id(n))));
    unlink(w, &id(2)).await.ok();
    assert_eq!(
        (shown(w, &id(5)).await["timeJoined"].clone(), shown(w, &id(2)).await["timeJoined"].clone()),
        (json!(5), json!(2))
    );
    assert_eq!(listed().await, [1, 2, 3, 4, 5, 6].map(|n| json!(id(n))));
    // The oldest is deleted alone.
    link(w, &id(2), &id(5)).await.ok();
    w.post("5.6", "/user/remove", json!({ "userId": id(2), "removeAllLinkedAccounts": false })).await.ok();
    assert_eq!(listed().await, [1, 3, 4, 5, 6].map(|n| json!(id(n))));
}

async fn who_was_active_and_whose_address_is_verified(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Code("b@x")).await;
    w.write(&format!(
        "insert into emailverification_verified_emails (app_id, user_id, email) values ('public', '{}', 'b@x')",
        id(2)
    ))
    .await;
    create(w, "5.6", &id(2)).await;
    w.clock.advance(SECOND);
    let since = w.clock.now();
    make_primary(w, &id(1)).await.ok();
    link(w, &id(2), &id(1)).await.ok();
    let verified = |user: &Value| [0, 1].map(|n| user["loginMethods"][n]["verified"].clone());
    assert_eq!(verified(&shown(w, &id(1)).await), [json!(false), json!(true)], "linking verifies nothing");
    assert_eq!(w.get("5.6", &format!("/users/count/active?since={since}")).await.ok()["count"], 1);
    unlink(w, &id(2)).await.ok();
    assert_eq!(w.get("5.6", "/users/count/active?since=0").await.ok()["count"], 1, "it is not given back");
    assert_eq!(count(w, &format!("user_last_active where user_id = '{}'", id(2))).await, 0);
}

async fn a_login_that_gave_its_group_the_id_leaves_it_behind(w: &World) {
    a_pair(w).await;
    put_tenant(w, "", "t2", json!({})).await;
    w.put("5.6", "/recipe/user/metadata", json!({ "userId": id(1), "metadataUpdate": { "a": 1 } })).await.ok();
    create(w, "5.6", &id(1)).await;
    create(w, "5.6", &id(2)).await;
    assert_eq!(unlink(w, &id(1)).await.ok()["wasRecipeUserDeleted"], true);
    w.post("5.6", "/recipe/signin", json!({ "email": "a@x", "password": "p" })).await.says("WRONG_CREDENTIALS_ERROR");
    let left = shown(w, &id(1)).await;
    assert_eq!((&left["isPrimaryUser"], &left["emails"], shown(w, &id(2)).await), (&json!(true), &json!(["b@x"]), left.clone()));
    let sessions = async |n: u8| count(w, &format!("session_info where user_id = '{}'", id(n))).await;
    assert_eq!((sessions(1).await, sessions(2).await), (0, 1));
    // The id is the group's: it can be linked to, but is no login.
    for (n, to) in [(3, 2), (4, 1)] {
        put_login(w, "", n, By::Code(&format!("u{n}@x"))).await;
        assert_eq!(link(w, &id(n), &id(to)).await.ok()["user"]["id"], id(1));
    }
    w.post("5.6", &format!("/t2{ADD}"), json!({ "recipeUserId": id(1) })).await.says("UNKNOWN_USER_ID_ERROR");
    unlink(w, &id(1)).await.refuses(400, "Unknown user ID provided");
    w.put("5.6", "/recipe/user", json!({ "recipeUserId": id(1), "password": "q" })).await.says("UNKNOWN_USER_ID_ERROR");
    let asked = json!({ "superTokensUserId": id(2), "externalUserId": id(1) });
    let words = "Cannot create a userId mapping where the externalId is also a SuperTokens userID";
    w.post("5.6", "/recipe/userid/map", asked).await.refuses(400, words);
    let metadata = async || w.get("5.6", &format!("/recipe/user/metadata?userId={}", id(1))).await.ok()["metadata"].clone();
    assert_eq!(metadata().await, json!({ "a": 1 }));
    // Its address is free.
    w.post("5.6", "/recipe/signup", json!({ "email": "a@x", "password": "p" })).await.ok();
    // The last one takes the id along, and what is kept under it.
    w.post("5.6", "/user/remove", json!({ "userId": id(3), "removeAllLinkedAccounts": true })).await.ok();
    w.get("5.6", &format!("/user/id?userId={}", id(1))).await.says("UNKNOWN_USER_ID_ERROR");
    assert_eq!((metadata().await, count(w, &format!("app_id_to_user_id where user_id = '{}'", id(1))).await), (json!({}), 0));
}

async fn a_group_goes_on_being_shown_by_the_external_id(w: &World) {
    a_pair(w).await;
    map(w, 1, "x").await;
    assert_eq!(unlink(w, "x").await.ok()["wasRecipeUserDeleted"], true);
    for user in [id(1), id(2), "x".to_owned()] {
        assert_eq!(shown(w, &user).await["id"], "x", "{user}");
    }
}

/// Whoever gets the id afterwards must not find anything of those who were behind it.
async fn the_last_to_leave_ends_the_id_that_was_left_behind(w: &World) {
    for (round, mode) in (0..).step_by(3).zip(migration_modes(w)) {
        w.with_config(json!({ "migration_mode": mode })).await;
        let [one, other, next] = [1, 2, 3].map(|n| id(round + n));
        for n in 1..=3 {
            put_login(w, "", round + n, By::Password(&format!("u{}@x", round + n))).await;
        }
        make_primary(w, &one).await.ok();
        link(w, &other, &one).await.ok();
        map(w, round + 1, "x").await;
        unlink(w, "x").await.ok();
        w.put("5.6", "/recipe/role", json!({ "role": "admin" })).await.ok();
        for user in ["x", one.as_str(), other.as_str()] {
            create(w, "5.6", user).await;
            w.put("5.6", "/recipe/user/role", json!({ "userId": user, "role": "admin" })).await.ok();
            w.put("5.6", "/recipe/user/metadata", json!({ "userId": user, "metadataUpdate": { "a": 1 } })).await.ok();
        }
        let said = unlink(w, &other).await.ok();
        assert_eq!((&said["wasRecipeUserDeleted"], &said["wasLinked"]), (&json!(false), &json!(true)), "{mode}");
        w.get("5.6", "/user/id?userId=x").await.says("UNKNOWN_USER_ID_ERROR");
        assert_eq!(shown(w, &other).await["isPrimaryUser"], false, "{mode}");
        // Without force, as nothing stands under it.
        map(w, round + 3, "x").await;
        assert_eq!(shown(w, &next).await["id"], "x", "{mode}");
        for table in ["user_roles", "user_metadata", "session_info"] {
            let of = async |user: &str| count(w, &format!("{table} where user_id = '{user}'")).await;
            let kept = u64::from(table != "session_info");
            assert_eq!((of("x").await, of(&one).await, of(&other).await), (0, 0, kept), "{mode} {table}");
        }
        let asked = json!({ "userId": next, "userIdType": "SUPERTOKENS" });
        w.post("5.6", "/recipe/userid/map/remove", asked).await.ok();
    }
}

async fn what_was_linked_is_free_when_it_is_unlinked(w: &World) {
    a_pair(w).await;
    put_login(w, "", 3, By::Google("g3", "b@x")).await;
    make_primary(w, &id(3)).await.says(TAKEN);
    unlink(w, &id(2)).await.ok();
    let put = async |user: &str, email: &str| w.put("5.6", "/recipe/user", json!({ "recipeUserId": user, "email": email })).await;
    put(&id(2), "a@x").await.says("EMAIL_ALREADY_EXISTS_ERROR");
    make_primary(w, &id(3)).await.ok();
    // Of two members with one address, one goes and the other keeps it.
    put_login(w, "", 4, By::Code("a@x")).await;
    link(w, &id(4), &id(1)).await.ok();
    unlink(w, &id(4)).await.ok();
    make_primary(w, &id(4)).await.says(TAKEN);
    assert_eq!(put(&id(1), "a@x").await.ok(), json!({ "status": "OK" }), "its own");
    assert_eq!(put(&id(1), "b@x").await.done()["status"], "EMAIL_CHANGE_NOT_ALLOWED_ERROR");
}

/// A group in two tenants gains no address that another group has in one of them.
async fn an_address_is_looked_for_wherever_the_group_is(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "", "t2", json!({})).await;
    put_login(w, "t1", 1, By::Password("a@x")).await;
    put_login(w, "t2", 2, By::Code("b@x")).await;
    make_primary(w, &id(1)).await.ok();
    link(w, &id(2), &id(1)).await.ok();
    put_login(w, "t2", 3, By::Password("c@x")).await;
    make_primary(w, &id(3)).await.ok();
    let put = async |email: &str| w.put("5.6", "/recipe/user", json!({ "recipeUserId": id(1), "email": email })).await;
    let said = put("c@x").await.says("EMAIL_CHANGE_NOT_ALLOWED_ERROR");
    assert_eq!(said["reason"], "New email is associated with another primary user ID");
    // That of its own other member it may have, too.
    put("b@x").await.ok();
    assert_eq!(shown(w, &id(1)).await["emails"], json!(["b@x"]));
}

/// Nobody but those who log in by the same recipe keeps somebody from signing up.
async fn what_another_recipe_has_is_free_to_sign_up_with(w: &World) {
    put_login(w, "", 1, By::Code("a@x")).await;
    put_login(w, "", 2, By::Google("g", "a@x")).await;
    make_primary(w, &id(1)).await.ok();
    let made = w.post("5.6", "/recipe/signup", json!({ "email": "a@x", "password": "p" })).await.ok();
    assert_eq!(
        (&made["user"]["isPrimaryUser"], &made["user"]["loginMethods"][0]["recipeId"]),
        (&json!(false), &json!("emailpassword"))
    );
    let user = made["recipeUserId"].as_str().expect("an id");
    make_primary(w, user).await.says(TAKEN);
    assert_eq!(link(w, user, &id(1)).await.ok()["user"]["loginMethods"].as_array().map(Vec::len), Some(2));
}

scenarios!(World:
    whoever_is_in_a_database_of_another_tenant_is_nobody_here,
    whom_only_recipes_know_cannot_be_linked,
    it_is_said_what_is_in_the_way_and_whose_it_is,
    any_of_its_ids_names_a_user,
    tenants_keep_groups_of_one_address_apart,
    a_group_is_as_old_as_its_oldest_login,
    who_was_active_and_whose_address_is_verified,
    a_login_that_gave_its_group_the_id_leaves_it_behind,
    a_group_goes_on_being_shown_by_the_external_id,
    the_last_to_leave_ends_the_id_that_was_left_behind,
    what_was_linked_is_free_when_it_is_unlinked,
    an_address_is_looked_for_wherever_the_group_is,
    what_another_recipe_has_is_free_to_sign_up_with,
);

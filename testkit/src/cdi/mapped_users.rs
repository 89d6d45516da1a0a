//! Users with ids of an application's own: what is shown, and what is kept under which of the two (core-linking.md 1.5 to 1.7 and 7,
//! scenarios 23 to 26, 36, 37; core-recipes-1.md 6, 119 and 144; core-users.md 11, 76 and 80).

use serde_json::{Value, json};
use supertokens_domain::time::MINUTE;

use super::place::{count, put_tenant};
use super::session::create;
use super::users::{By, id, put_login};
use crate::{World, scenarios};

const MAP: &str = "/recipe/userid/map";

async fn map(w: &World, n: u8, external: &str) {
    w.post("5.6", MAP, json!({ "superTokensUserId": id(n), "externalUserId": external, "force": true })).await.ok();
}

async fn shown(w: &World, user: &str) -> Value {
    w.get("5.6", &format!("/user/id?userId={user}")).await.ok()["user"].clone()
}

async fn remove(w: &World, user: &str) {
    w.post("5.6", "/user/remove", json!({ "userId": user })).await.ok();
}

async fn put_metadata(w: &World, user: &str, value: &str) {
    w.put("5.6", "/recipe/user/metadata", json!({ "userId": user, "metadataUpdate": { "whose": value } })).await.ok();
}

async fn metadata(w: &World, user: &str) -> Value {
    w.get("5.6", &format!("/recipe/user/metadata?userId={user}")).await.ok()["metadata"]["whose"].clone()
}

/// Users with the addresses `a@x` and so on.
async fn some_users(w: &World, many: u8) {
    for n in 1..=many {
        put_login(w, "", n, By::Password(&format!("{}@x", char::from(b'a' + n - 1)))).await;
    }
}

async fn who_is_shown_as_somebody_else_goes_without_what_is_theirs(w: &World) {
    some_users(w, 2).await;
    put_metadata(w, &id(1), "the first").await;
    map(w, 2, &id(1)).await;
    assert_eq!(shown(w, &id(1)).await["loginMethods"][0]["email"], "b@x", "the second shadows the first");
    assert_eq!(shown(w, &id(2)).await["id"], id(1));
    remove(w, &id(2)).await;
    assert_eq!((count(w, "userid_mapping").await, metadata(w, &id(1)).await), (0, json!("the first")));
    assert_eq!(shown(w, &id(1)).await["loginMethods"][0]["email"], "a@x");
    w.get("5.6", &format!("/user/id?userId={}", id(2))).await.says("UNKNOWN_USER_ID_ERROR");
}

async fn ids_that_were_exchanged_are_shown_exchanged(w: &World) {
    some_users(w, 2).await;
    map(w, 1, "x").await;
    map(w, 2, &id(1)).await;
    // Each goes by its own id first.
    for (asked, email, id_shown) in
        [("x".to_owned(), "a@x", "x".to_owned()), (id(1), "a@x", "x".to_owned()), (id(2), "b@x", id(1))]
    {
        let user = shown(w, &asked).await;
        assert_eq!((&user["id"], &user["loginMethods"][0]["email"]), (&json!(id_shown), &json!(email)), "{asked}");
        assert_eq!(user["loginMethods"][0]["recipeUserId"], id_shown);
    }
    w.post("5.6", &format!("{MAP}/remove"), json!({ "userId": "x", "force": true })).await.ok();
    w.post("5.6", &format!("{MAP}/remove"), json!({ "userId": id(2), "force": true })).await.ok();
    map(w, 1, &id(2)).await;
    map(w, 2, &id(1)).await;
    for (n, email) in [(1, "a@x"), (2, "b@x")] {
        let user = shown(w, &id(n)).await;
        assert_eq!((&user["id"], &user["loginMethods"][0]["email"]), (&json!(id(3 - n)), &json!(email)));
    }
}

/// What is kept under either id goes with the user, who is known to have been active no longer.
async fn nothing_of_a_mapped_user_is_left(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    for asked in ["ext".to_owned(), id(1)] {
        // Who was active is noted every five minutes.
        w.clock.advance(5 * MINUTE);
        some_users(w, 1).await;
        create(w, "5.6", &id(1)).await;
        put_metadata(w, &id(1), "internal").await;
        map(w, 1, "ext").await;
        create(w, "5.6", "ext").await;
        put_metadata(w, "ext", "external").await;
        assert_eq!((metadata(w, &id(1)).await, metadata(w, "ext").await), (json!("internal"), json!("external")));
        w.put("5.6", "/recipe/role", json!({ "role": "r" })).await.ok();
        for path in ["", "/t1"] {
            w.put("5.6", &format!("{path}/recipe/user/role"), json!({ "userId": "ext", "role": "r" })).await.ok();
        }
        assert_eq!(w.get("5.6", "/users/count/active?since=0").await.ok()["count"], 1);
        remove(w, &asked).await;
        for (table, column) in [
            ("app_id_to_user_id", "user_id"),
            ("userid_mapping", "supertokens_user_id"),
            ("user_metadata", "user_id"),
            ("user_roles", "user_id"),
            ("session_info", "user_id"),
            ("user_last_active", "user_id"),
        ] {
            assert_eq!(count(w, &format!("{table} where {column} in ('ext', '{}')", id(1))).await, 0, "{table}, by {asked}");
        }
        assert_eq!(w.get("5.6", "/users/count/active?since=0").await.ok()["count"], 0);
        for table in ["all_auth_recipe_users", "recipe_user_account_infos", "recipe_user_tenants"] {
            w.write(&format!("delete from {table}")).await;
        }
    }
}

async fn an_address_is_verified_under_the_id_that_is_shown(w: &World) {
    some_users(w, 1).await;
    put_login(w, "", 2, By::Number("+4915112345678")).await;
    put_login(w, "", 3, By::Code("c@x")).await;
    let verified = async |user: &str| shown(w, user).await["loginMethods"][0]["verified"].clone();
    let put = async |user: &str| {
        w.write(&format!(
            "insert into emailverification_verified_emails (app_id, user_id, email) values ('public', '{user}', 'a@x')"
        ))
        .await;
    };
    put(&id(1)).await;
    assert_eq!(verified(&id(1)).await, true);
    map(w, 1, "ext").await;
    assert_eq!(verified(&id(1)).await, false, "by force nothing moves, and this row is another's now");
    put("ext").await;
    assert_eq!((verified(&id(1)).await, verified("ext").await), (json!(true), json!(true)));
    // A number needs none, an address does.
    assert_eq!((verified(&id(2)).await, verified(&id(3)).await), (json!(true), json!(false)));
}

/// With blanks behind it, an id is no user's; as such it can be anybody's who only has a session.
async fn an_id_with_blanks_behind_it_is_another(w: &World) {
    some_users(w, 2).await;
    w.post("5.6", "/recipe/accountlinking/user/primary", json!({ "recipeUserId": id(1) })).await.ok();
    let asked = json!({ "recipeUserId": id(2), "primaryUserId": id(1) });
    w.post("5.6", "/recipe/accountlinking/user/link", asked).await.ok();
    map(w, 1, "ext").await;
    for blanks in [" ", "   "] {
        let strange = format!("{}{blanks}", id(2));
        let made = create(w, "5.6", &strange).await;
        assert_eq!((&made["session"]["userId"], &made["session"]["recipeUserId"]), (&json!(strange), &json!(strange)));
        let handle = made["session"]["handle"].as_str().expect("a handle");
        let session = w.get("5.6", &format!("/recipe/session?sessionHandle={handle}")).await.ok();
        assert_eq!((&session["userId"], &session["recipeUserId"]), (&json!(strange), &json!(strange)));
        let listed = format!("/recipe/session/user?userId={}", strange.replace(' ', "%20"));
        assert_eq!(w.get("5.6", &listed).await.ok()["sessionHandles"], json!([handle]));
        w.get("5.6", &format!("/user/id?userId={}", strange.replace(' ', "%20"))).await.says("UNKNOWN_USER_ID_ERROR");
        let token = json!({ "userId": strange, "email": "b@x" });
        w.post("5.6", "/recipe/user/password/reset/token", token).await.says("UNKNOWN_USER_ID_ERROR");
        w.put("5.6", "/recipe/user", json!({ "recipeUserId": strange, "password": "q" })).await.says("UNKNOWN_USER_ID_ERROR");
    }
    // Of the user who is meant no session is there, and so none of others goes.
    let ended = w.post("5.6", "/recipe/session/remove", json!({ "userId": id(2), "revokeAcrossAllTenants": true })).await.ok();
    assert_eq!(ended["sessionHandlesRevoked"], json!([]));
    // Shown as such a text, which is not the other's id, a user goes with what is kept under it.
    put_login(w, "", 3, By::Password("c@x")).await;
    let external = format!("{} ", id(2));
    let columns = "app_id, supertokens_user_id, external_user_id";
    w.write(&format!("insert into userid_mapping ({columns}) values ('public', '{}', '{external}')", id(3))).await;
    put_metadata(w, &external, "the third").await;
    remove(w, &id(3)).await;
    assert_eq!(count(w, "user_metadata").await, 0);
}

scenarios!(World:
    who_is_shown_as_somebody_else_goes_without_what_is_theirs,
    ids_that_were_exchanged_are_shown_exchanged,
    nothing_of_a_mapped_user_is_left,
    an_address_is_verified_under_the_id_that_is_shown,
    an_id_with_blanks_behind_it_is_another,
);

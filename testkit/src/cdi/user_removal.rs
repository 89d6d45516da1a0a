//! Deleting users (core-users.md 5.4, 11).

use serde_json::{Value, json};

use super::place::{count, put_tenant};
use super::session::create;
use super::users::{By, id, make_passkey, put_login};
use crate::{World, scenarios};

const LINKING: &str = "/recipe/accountlinking/user";

async fn remove(w: &World, user: &str, all: Option<bool>) {
    let body = match all {
        Some(all) => json!({ "userId": user, "removeAllLinkedAccounts": all }),
        None => json!({ "userId": user }),
    };
    assert_eq!(w.post("5.4", "/user/remove", body).await.ok(), json!({ "status": "OK" }));
}

/// Login methods 1 and 2, which are one user with the id of the first.
async fn a_pair(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Google("g", "b@x")).await;
    w.post("5.4", &format!("{LINKING}/primary"), json!({ "recipeUserId": id(1) })).await.ok();
    w.post("5.4", &format!("{LINKING}/link"), json!({ "recipeUserId": id(2), "primaryUserId": id(1) })).await.ok();
}

/// What recipes keep about a user, under any text.
async fn put_belongings(w: &World, user: &str) {
    create(w, "5.4", user).await;
    for row in [
        format!("user_metadata (app_id, user_id, user_metadata) values ('public', '{user}', '{{}}')"),
        format!("user_roles (app_id, tenant_id, user_id, role) values ('public', 'public', '{user}', 'r')"),
        format!("emailverification_verified_emails (app_id, user_id, email) values ('public', '{user}', 'a@x')"),
        format!(
            "emailverification_tokens (app_id, tenant_id, user_id, email, token, token_expiry)
             values ('public', 'public', '{user}', 'a@x', '{user}', 1)"
        ),
    ] {
        w.write(&format!("insert into {row}")).await;
    }
}

/// In how many tables of recipes there is something about a user.
async fn belongings(w: &World, user: &str) -> usize {
    let mut found = 0;
    for table in ["session_info", "user_metadata", "user_roles", "emailverification_verified_emails", "emailverification_tokens"]
    {
        found += usize::from(count(w, &format!("{table} where user_id = '{user}'")).await > 0);
    }
    found
}

/// In how many tables of accounts there is something of a login method.
async fn rows(w: &World, n: u8) -> usize {
    let mut found = 0;
    for (table, column) in [
        ("app_id_to_user_id", "user_id"),
        ("all_auth_recipe_users", "user_id"),
        ("emailpassword_users", "user_id"),
        ("thirdparty_users", "user_id"),
        ("recipe_user_account_infos", "recipe_user_id"),
        ("recipe_user_tenants", "recipe_user_id"),
        ("primary_user_tenants", "primary_user_id"),
        ("userid_mapping", "supertokens_user_id"),
    ] {
        found += usize::from(count(w, &format!("{table} where {column} = '{}'", id(n))).await > 0);
    }
    found
}

async fn user(w: &World, n: u8) -> Value {
    w.get("5.4", &format!("/user/id?userId={}", id(n))).await.ok()["user"].clone()
}

async fn whoever_stands_alone_goes_with_everything(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Password("b@x")).await;
    put_belongings(w, &id(1)).await;
    put_belongings(w, &id(2)).await;
    put_belongings(w, "nobody").await;
    let (trips, ()) = w.trips(remove(w, &id(1), None)).await;
    assert!(trips <= 5, "{trips}");
    // The tables of the mode that the database is not in are not ours to write.
    w.get("5.4", &format!("/user/id?userId={}", id(1))).await.says("UNKNOWN_USER_ID_ERROR");
    assert_eq!((belongings(w, &id(1)).await, belongings(w, &id(2)).await), (0, 5));
    for (table, column) in [("app_id_to_user_id", "user_id"), ("emailpassword_users", "user_id")] {
        assert_eq!(count(w, &format!("{table} where {column} = '{}'", id(1))).await, 0, "{table}");
    }
    assert_eq!(count(w, &format!("user_last_active where user_id = '{}'", id(1))).await, 0);
    // Who is not there is gone already, and whom only recipes know is nobody.
    remove(w, &id(1), Some(false)).await;
    remove(w, "nobody", None).await;
    assert_eq!(belongings(w, "nobody").await, 5);
    for strange in [format!("{}xxx", id(2)), format!("{} ", id(2)), String::new(), "é".repeat(36)] {
        remove(w, &strange, None).await;
    }
    assert_eq!(user(w, 2).await["id"], id(2));
}

async fn a_linked_login_goes_alone(w: &World) {
    a_pair(w).await;
    put_belongings(w, &id(1)).await;
    put_belongings(w, &id(2)).await;
    remove(w, &id(2), Some(false)).await;
    assert_eq!(user(w, 1).await["emails"], json!(["a@x"]));
    assert_eq!((belongings(w, &id(1)).await, belongings(w, &id(2)).await), (5, 0));
    assert_eq!(count(w, "primary_user_tenants where account_info_value <> 'a@x'").await, 0, "what it owned is free");
    w.get("5.4", &format!("/user/id?userId={}", id(2))).await.says("UNKNOWN_USER_ID_ERROR");
}

async fn a_group_keeps_the_id_of_a_login_that_went(w: &World) {
    a_pair(w).await;
    put_belongings(w, &id(1)).await;
    remove(w, &id(1), Some(false)).await;
    let left = user(w, 1).await;
    assert_eq!((&left["id"], &left["emails"], &left["timeJoined"]), (&json!(id(1)), &json!(["b@x"]), &json!(2)));
    assert_eq!((belongings(w, &id(1)).await, count(w, "emailpassword_users").await), (5, 0));
    assert_eq!(user(w, 2).await, left);
    // The same again changes nothing; then the last one takes the id along.
    remove(w, &id(1), Some(false)).await;
    assert_eq!(user(w, 1).await, left);
    remove(w, &id(2), Some(false)).await;
    assert_eq!((count(w, "app_id_to_user_id").await, belongings(w, &id(1)).await), (0, 0));
    assert_eq!((count(w, "primary_user_tenants").await, count(w, "thirdparty_users").await), (0, 0));
}

async fn all_who_are_linked_go_together(w: &World) {
    for (name, all) in [(1, None), (2, Some(true))] {
        a_pair(w).await;
        put_login(w, "", 3, By::Password("c@x")).await;
        put_belongings(w, &id(1)).await;
        put_belongings(w, &id(2)).await;
        remove(w, &id(name), all).await;
        assert_eq!((belongings(w, &id(1)).await, belongings(w, &id(2)).await), (0, 0), "{name}");
        assert_eq!((count(w, "app_id_to_user_id").await, count(w, "primary_user_tenants").await), (1, 0), "{name}");
        remove(w, &id(3), None).await;
        for table in ["all_auth_recipe_users", "recipe_user_account_infos", "recipe_user_tenants"] {
            w.write(&format!("delete from {table}")).await;
        }
    }
}

/// An id may be shown for one user and be another's own; then what is kept under it belongs to the one who stays.
async fn what_is_kept_under_an_id_of_somebody_else_stays(w: &World) {
    put_login(w, "", 1, By::Password("a@x")).await;
    put_login(w, "", 2, By::Password("b@x")).await;
    let mapping = |n, external: &str| {
        format!(
            "insert into userid_mapping (app_id, supertokens_user_id, external_user_id) values ('public', '{}', '{external}')",
            id(n)
        )
    };
    w.write(&mapping(2, &id(1))).await;
    for user in [id(1), id(2)] {
        put_belongings(w, &user).await;
    }
    remove(w, &id(1), None).await;
    assert_eq!((belongings(w, &id(1)).await, rows(w, 2).await > 0), (5, true), "shown for the second, they are its own");
    assert_eq!(user(w, 1).await["loginMethods"][0]["email"], "b@x");
    remove(w, &id(1), None).await;
    assert_eq!((belongings(w, &id(1)).await, belongings(w, &id(2)).await), (0, 0));
    assert_eq!(count(w, "app_id_to_user_id").await, 0);
}

async fn a_user_is_removed_by_either_id(w: &World) {
    for name in [id(1), "external".to_owned()] {
        put_login(w, "", 1, By::Password("a@x")).await;
        let mapping = "insert into userid_mapping (app_id, supertokens_user_id, external_user_id)";
        w.write(&format!("{mapping} values ('public', '{}', 'external')", id(1))).await;
        put_belongings(w, "external").await;
        remove(w, &name, None).await;
        assert_eq!((belongings(w, "external").await, count(w, "userid_mapping").await), (0, 0), "{name}");
        for table in ["all_auth_recipe_users", "recipe_user_account_infos", "recipe_user_tenants"] {
            w.write(&format!("delete from {table}")).await;
        }
    }
}

async fn what_is_wrong_with_a_removal_is_said(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let path = "/user/remove";
    w.post("5.4", path, json!({})).await.refuses(400, "Field name 'userId' is invalid in JSON input");
    for all in [json!(null), json!("true"), json!({})] {
        let words = "Field name 'removeAllLinkedAccounts' is invalid in JSON input";
        w.post("5.4", path, json!({ "userId": "u", "removeAllLinkedAccounts": all })).await.refuses(400, words);
    }
    let words = "Only public tenantId can call this app specific API";
    w.post("5.4", &format!("/t1{path}"), json!({ "userId": "u" })).await.refuses(403, words);
    w.post("4.0", &format!("/t1{path}"), json!({ "userId": "u" })).await.ok();
    assert_eq!(w.post("5.4", &format!("/appid-ghost{path}"), json!({ "userId": "u" })).await.status, 400);
}

async fn a_passkey_goes_although_its_id_stays_with_the_group(w: &World) {
    a_pair(w).await;
    make_passkey(w, 1, "a@x").await;
    assert_eq!(user(w, 2).await["emails"], json!(["a@x", "b@x"]));
    remove(w, &id(1), Some(false)).await;
    let left = user(w, 1).await;
    assert_eq!((&left["emails"], left["loginMethods"].as_array().map(Vec::len)), (&json!(["b@x"]), Some(1)));
    assert_eq!(count(w, "webauthn_users").await, 0);
}

/// What waits for the contacts of whoever goes, in the tenants that they were in.
async fn codes_on_their_way_to_whoever_goes_are_good_for_nobody(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 1, By::Code("a@x")).await;
    put_login(w, "", 2, By::Number("+4915112345678")).await;
    for (tenant, contact) in [
        ("", json!({ "email": "a@x" })),
        ("/t1", json!({ "email": "a@x" })),
        ("", json!({ "email": "b@x" })),
        ("", json!({ "phoneNumber": "+4915112345678" })),
    ] {
        w.post("5.4", &format!("{tenant}/recipe/signinup/code"), contact).await.ok();
    }
    remove(w, &id(1), None).await;
    remove(w, &id(2), None).await;
    let mut left = w.rows("select tenant_id, email from passwordless_devices").await;
    left.sort();
    let expected = [("public", "b@x"), ("t1", "a@x")];
    assert_eq!(left, expected.map(|(tenant, email)| vec![Some(tenant.to_owned()), Some(email.to_owned())]));
}

/// Whoever is linked while being deleted, or while the other is, is one or the other; nobody belongs to a group that is not there.
async fn who_is_linked_while_somebody_goes_is_whole(w: &World) {
    for round in 0..8 {
        let (one, other) = (2 * round + 1, 2 * round + 2);
        put_login(w, "", one, By::Password(&format!("u{one}@x"))).await;
        put_login(w, "", other, By::Code(&format!("u{other}@x"))).await;
        w.post("5.4", &format!("{LINKING}/primary"), json!({ "recipeUserId": id(one) })).await.ok();
        let goes = if round % 4 < 2 { one } else { other };
        let asked = json!({ "recipeUserId": id(other), "primaryUserId": id(one) });
        let path = format!("{LINKING}/link");
        let gone = json!({ "userId": id(goes), "removeAllLinkedAccounts": false });
        let (linked, removed) = futures_util::join!(w.post("5.4", &path, asked), w.post("5.4", "/user/remove", gone));
        removed.ok();
        assert!(linked.status == 200 || linked.status == 400, "{}", linked.text);
        let orphans = "app_id_to_user_id a where not exists (select 1 from app_id_to_user_id g
             where g.app_id = a.app_id and g.user_id = a.primary_or_recipe_user_id)";
        assert_eq!(count(w, orphans).await, 0);
        let stays = if goes == one { other } else { one };
        assert_eq!(user(w, stays).await["loginMethods"].as_array().map(Vec::len), Some(1));
    }
}

scenarios!(World:
    whoever_stands_alone_goes_with_everything,
    a_linked_login_goes_alone,
    a_group_keeps_the_id_of_a_login_that_went,
    all_who_are_linked_go_together,
    what_is_kept_under_an_id_of_somebody_else_stays,
    a_user_is_removed_by_either_id,
    what_is_wrong_with_a_removal_is_said,
    a_passkey_goes_although_its_id_stays_with_the_group,
    codes_on_their_way_to_whoever_goes_are_good_for_nobody,
    who_is_linked_while_somebody_goes_is_whole,
);

//! Whom the dashboard's search finds (core-users.md 5.1, 11: scenarios 90 to 92), in every migration mode.

use serde_json::json;

use super::place::{in_query, is_forgetful, migration_modes, put_tenant};
use super::users::{By, id, make_passkey, put_login};
use crate::{World, scenarios};

/// The numbers of those who are found, oldest first.
async fn found(w: &World, at: &str, tags: &[(&str, &str)]) -> Vec<u8> {
    let query: Vec<String> = tags.iter().map(|(name, tag)| format!("{name}={}", in_query(tag))).collect();
    let said = w.get("5.4", &format!("{at}/users?{}", query.join("&"))).await.ok();
    let of = |user: &serde_json::Value| {
        let shown = user["id"].as_str().expect("an id");
        (1..=u8::MAX).find(|n| id(*n) == shown).expect("one of them")
    };
    said["users"].as_array().expect("a list").iter().map(of).collect()
}

/// A database in memory has one mode, and is gone with its core.
async fn in_mode(w: &World, mode: &str) {
    if !is_forgetful(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
    }
}

async fn whatever_begins_so_is_found(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    for (n, by) in [
        (1, By::Password("john@gmail.com")),
        (2, By::Code("jane@gmail.com")),
        (3, By::Google("g3", "johnny@mail.example")),
        (4, By::Password("pass@key.example")),
        (5, By::Number("+4915112345678")),
        // Stored by others, who do not write all in small letters, and take any text for an address.
        (6, By::Password("Ann@Example.COM")),
        (7, By::Google("g7", "odd@gmail.com@inner.example@last.example")),
        (8, By::Code("per%cent_sign!@x.example")),
        (9, By::Google("g9", "nowhere")),
        (10, By::Password("zo\u{e9}@x.example")),
        (11, By::Password("zo\u{10ffff}\u{10ffff}b@x.example")),
    ] {
        put_login(w, "", n, by).await;
    }
    put_login(w, "t1", 12, By::Password("john@gmail.com")).await;
    make_passkey(w, 4, "pass@key.example").await;
    for mode in migration_modes(w) {
        in_mode(w, mode).await;
        for (tag, expected) in [
            ("gmail", &[1, 2, 7][..]),
            (" GMail.Com ", &[1, 2, 7]),
            ("mail", &[3]),
            ("john", &[1, 3]),
            ("john@", &[1]),
            ("john@gmail.com", &[1]),
            ("john@gmail.com.", &[]),
            ("ohn", &[]),
            ("pass", &[4]),
            ("key.ex", &[4]),
            ("ann@example.com", &[6]),
            ("example.com", &[6]),
            // Behind any of them.
            ("odd", &[7]),
            ("inner", &[7]),
            ("last.example", &[7]),
            ("gmail.com@inner", &[7]),
            ("nowhere", &[9]),
            ("@", &[]),
            ("@gmail", &[]),
            // A text means itself.
            ("_", &[]),
            ("%", &[]),
            ("per%cent_sign!", &[8]),
            ("per%", &[8]),
            ("perXcent", &[]),
            ("zo", &[10, 11]),
            ("zo\u{e9}", &[10]),
            ("zo\u{10ffff}", &[11]),
            ("a\0n", &[]),
            ("john;jane;;", &[1, 2, 3]),
            ("a\0n;jane", &[2]),
        ] {
            assert_eq!(found(w, "", &[("email", tag)]).await, expected, "{mode} {tag:?}");
        }
        assert_eq!(found(w, "/t1", &[("email", "gmail")]).await, [12], "{mode}: those of another tenant are not");
    }
}

async fn one_login_method_must_have_all_that_is_asked_for(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_login(w, "", 1, By::Google("g1", "a@x")).await;
    put_login(w, "", 2, By::Number("+491511")).await;
    put_login(w, "", 3, By::Code("a@y")).await;
    put_login(w, "t1", 4, By::Google("g4", "a@x")).await;
    for (table, column) in [("passwordless_users", "user_id"), ("passwordless_user_to_tenant", "user_id")] {
        w.write(&format!("update {table} set phone_number = '+491512' where {column} = '{}'", id(3))).await;
    }
    w.write(&format!("update thirdparty_users set third_party_id = 'GooGle' where user_id = '{}'", id(4))).await;
    for mode in migration_modes(w) {
        in_mode(w, mode).await;
        for (at, tags, expected) in [
            ("", &[("phone", "+49151")][..], &[2, 3][..]),
            ("", &[("phone", "+491512")], &[3]),
            ("", &[("phone", "49")], &[]),
            ("", &[("phone", "+1;+491511")], &[2]),
            ("", &[("email", "a"), ("phone", "+49")], &[3]),
            ("", &[("email", "a"), ("phone", "+491511")], &[]),
            ("", &[("email", "a"), ("phone", "_491512")], &[]),
            ("", &[("provider", "goo")], &[1]),
            ("/t1", &[("provider", "Google")], &[4]),
            ("", &[("provider", "g1")], &[]),
            ("", &[("email", "x"), ("provider", "google")], &[1]),
            ("", &[("email", "y"), ("provider", "google")], &[]),
            ("", &[("phone", "+49"), ("provider", "google")], &[]),
            ("", &[("email", "a"), ("phone", "+49"), ("provider", "google")], &[]),
            ("", &[("email", "a"), ("phone", "+\x004")], &[]),
            ("/t1", &[("phone", "+49")], &[]),
        ] {
            assert_eq!(found(w, at, tags).await, expected, "{mode} {at} {tags:?}");
        }
    }
}

/// A group is found by any of its members here, once, and stands where its oldest puts it.
async fn a_group_is_found_once_in_its_place(w: &World) {
    put_login(w, "", 1, By::Code("a@x")).await;
    put_login(w, "", 2, By::Password("b@x")).await;
    put_login(w, "", 3, By::Google("g3", "a@x")).await;
    for mode in migration_modes(w) {
        in_mode(w, mode).await;
        for (order, expected) in [("ASC", [1, 2, 3]), ("DESC", [3, 2, 1])] {
            assert_eq!(found(w, "", &[("email", "x"), ("timeJoinedOrder", order)]).await, expected, "{mode}");
        }
    }
    for path in ["primary", "link"] {
        let asked = json!({ "recipeUserId": id(if path == "link" { 1 } else { 3 }), "primaryUserId": id(3) });
        w.post("5.4", &format!("/recipe/accountlinking/user/{path}"), asked).await.ok();
    }
    for (order, expected) in [("ASC", [3, 2]), ("DESC", [2, 3])] {
        assert_eq!(found(w, "", &[("email", "x;a"), ("timeJoinedOrder", order)]).await, expected);
    }
    let (trips, _) = w.trips(found(w, "", &[("email", "x"), ("provider", "google")])).await;
    assert!(trips <= 2, "{trips}");
}

scenarios!(World:
    whatever_begins_so_is_found,
    one_login_method_must_have_all_that_is_asked_for,
    a_group_is_found_once_in_its_place,
);

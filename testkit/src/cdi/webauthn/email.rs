//! Another address: scenarios 95 to 97, and 82 of core-linking.md.

use serde_json::{Value, json};

use super::{WEBAUTHN, put_passkey_user, user};
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, migration_modes, put_tenant};
use crate::cdi::session::races::at_once;
use crate::cdi::users::{By, id, put_login};
use crate::{World, scenarios};

async fn change(w: &World, id: &str, email: &str) -> Value {
    let said = w.put("5.4", &format!("{WEBAUTHN}/user/email"), json!({ "recipeUserId": id, "email": email })).await.done();
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(1), "{said}");
    said["status"].clone()
}

async fn of(w: &World, n: u8) -> Value {
    user(w, &id(n)).await["loginMethods"][0]["email"].clone()
}

async fn an_address_is_changed_in_every_tenant(w: &World) {
    let all = [
        "app_id_to_user_id",
        "all_auth_recipe_users",
        "recipe_user_tenants",
        "recipe_user_account_infos",
        "primary_user_tenants",
    ];
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        put_tenant(w, "", "t1", json!({})).await;
        for table in all {
            w.write(&format!("delete from {table}")).await;
        }
        put_passkey_user(w, "", 1, "a@b.co", "k").await;
        w.post("5.4", "/t1/recipe/multitenancy/tenant/user", json!({ "recipeUserId": id(1) })).await.ok();
        w.write("delete from emailverification_verified_emails").await;
        w.write(&format!(
            "insert into emailverification_verified_emails (app_id, user_id, email) values ('public', '{}', 'a@b.co')",
            id(1)
        ))
        .await;
        assert_eq!(user(w, &id(1)).await["loginMethods"][0]["verified"], true);
        assert_eq!(change(w, &id(1), " New@X.co ").await, "OK", "{mode}");
        assert_eq!(change(w, &id(1), "new@x.co").await, "OK", "{mode}: as it is");
        let shown = user(w, &id(1)).await;
        let method = &shown["loginMethods"][0];
        assert_eq!((&method["email"], &method["verified"]), (&json!("new@x.co"), &json!(false)), "{mode}");
        assert_eq!(method["webauthn"], json!({ "credentialIds": ["k"] }), "{mode}");
        for tenant in ["", "/t1"] {
            let found =
                w.get("5.4", &format!("{tenant}/users/by-accountinfo?doUnionOfAccountInfo=true&email=new@x.co")).await.ok();
            assert_eq!(found["users"][0]["id"], id(1), "{mode} {tenant}");
            let gone = w.get("5.4", &format!("{tenant}/users/by-accountinfo?doUnionOfAccountInfo=true&email=a@b.co")).await.ok();
            assert_eq!(gone["users"], json!([]), "{mode} {tenant}");
        }
        let (old, new) = (u64::from(*mode != "MIGRATED"), u64::from(*mode != "LEGACY"));
        assert_eq!(count(w, "webauthn_users where email = 'new@x.co'").await, 1, "{mode}");
        assert_eq!(count(w, "webauthn_user_to_tenant where email = 'new@x.co'").await, 2 * old, "{mode}");
        assert_eq!(count(w, "recipe_user_tenants where account_info_value = 'new@x.co'").await, 2 * new, "{mode}");
        assert_eq!(count(w, "recipe_user_account_infos where account_info_value = 'new@x.co'").await, new, "{mode}");
    }
}

async fn an_address_of_somebody_else_is_not_taken(w: &World) {
    for (password, mode) in (20..).zip(migration_modes(w)) {
        w.with_config(json!({ "migration_mode": mode })).await;
        put_tenant(w, "", "t1", json!({})).await;
        for n in (1..=5).chain([password - 1]) {
            w.post("5.4", "/user/remove", json!({ "userId": id(n) })).await.ok();
        }
        put_passkey_user(w, "", 1, "a@b.co", "k1").await;
        put_passkey_user(w, "", 2, "b@b.co", "k2").await;
        put_passkey_user(w, "t1", 3, "c@b.co", "k3").await;
        put_login(w, "", password, By::Password("d@b.co")).await;
        assert_eq!(change(w, &id(1), "b@b.co").await, "EMAIL_ALREADY_EXISTS_ERROR", "{mode}");
        assert_eq!(of(w, 1).await, "a@b.co", "{mode}");
        assert_eq!(change(w, &id(1), "c@b.co").await, "OK", "{mode}: in another tenant");
        assert_eq!(change(w, &id(1), "d@b.co").await, "OK", "{mode}: nobody is primary");
        assert_eq!(change(w, &id(1), "a@b.co").await, "OK", "{mode}");
        for (unknown, email) in [("nobody", "x@b.co"), (&id(password) as &str, "x@b.co"), (&id(99), "x@b.co"), ("", "x@b.co")] {
            assert_eq!(change(w, unknown, email).await, "UNKNOWN_USER_ID_ERROR", "{mode} {unknown}");
        }
        link(w, &[&id(1)]).await;
        assert_eq!(change(w, &id(1), "d@b.co").await, "OK", "{mode}: one is primary");
        assert_eq!(change(w, &id(1), "a@b.co").await, "OK", "{mode}");
        link(w, &[&id(password)]).await;
        assert_eq!(change(w, &id(1), "d@b.co").await, "USER_WITH_EMAIL_ALREADY_EXISTS_ERROR", "{mode}");
        // A member by its own id, and what its group has in any tenant.
        link(w, &[&id(1), &id(3)]).await;
        assert_eq!(change(w, &id(3), "d@b.co").await, "USER_WITH_EMAIL_ALREADY_EXISTS_ERROR", "{mode}");
        assert_eq!(change(w, &id(3), "e@b.co").await, "OK", "{mode}");
        assert_eq!(user(w, &id(1)).await["emails"], json!(["a@b.co", "e@b.co"]), "{mode}");
    }
    map(w, &id(3), "three").await;
    assert_eq!(change(w, "three", "f@b.co").await, "OK");
    let path = format!("{WEBAUTHN}/user/email");
    for (body, name) in [
        (json!({ "email": "x" }), "recipeUserId"),
        (json!({ "recipeUserId": "three" }), "email"),
        (json!({ "recipeUserId": "three", "email": "é".repeat(257) }), "email"),
    ] {
        w.put("5.4", &path, body).await.refuses(400, &format!("Field name '{name}' is invalid in JSON input"));
    }
    let nowhere = w.raw("PUT", &format!("/ghost{path}"), &[("cdi-version", "5.4")], "x").await;
    assert!(nowhere.status == 400 && nowhere.text.contains("not found"), "{}", nowhere.text);
}

async fn of_many_who_want_an_address_at_once_one_has_it(w: &World) {
    for (password, mode) in (20..).zip(migration_modes(w)) {
        w.with_config(json!({ "migration_mode": mode })).await;
        for n in 1..=8_u8 {
            w.post("5.4", "/user/remove", json!({ "userId": id(n) })).await.ok();
            put_passkey_user(w, "", n, &format!("{n}@b.co"), &format!("k{n}")).await;
        }
        let all = async |ids: Vec<u8>, email: &'static str| {
            let callers = ids.into_iter().map(|n| {
                let w = w.clone();
                async move { change(&w, &id(n), email).await }
            });
            at_once(callers.collect()).await
        };
        let said = all((1..=8).collect(), "wanted@b.co").await;
        assert_eq!(said.iter().filter(|said| **said == "OK").count(), 1, "{mode} {said:?}");
        assert_eq!(said.iter().filter(|said| **said == "EMAIL_ALREADY_EXISTS_ERROR").count(), 7, "{mode} {said:?}");
        // Of a passkey and a password, both primary: the address belongs to one of them.
        put_login(w, "", password, By::Password(&format!("{password}@b.co"))).await;
        link(w, &[&id(1)]).await;
        link(w, &[&id(password)]).await;
        let one = id(1);
        let (by_passkey, by_password) = futures_util::join!(
            change(w, &one, "both@b.co"),
            w.put("5.4", "/recipe/user", json!({ "recipeUserId": id(password), "email": "both@b.co" })),
        );
        let said = [by_passkey, by_password.done()["status"].clone()];
        assert_eq!(said.iter().filter(|said| **said == "OK").count(), 1, "{mode} {said:?}");
        w.post("5.4", "/user/remove", json!({ "userId": id(password) })).await.ok();
    }
}

scenarios!(World:
    an_address_is_changed_in_every_tenant,
    an_address_of_somebody_else_is_not_taken,
    of_many_who_want_an_address_at_once_one_has_it,
);

//! A user's passkeys: scenarios 86 to 89 and 99.

use serde_json::json;

use super::{WEBAUTHN, put_passkey, put_passkey_user, user};
use crate::answer::members;
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, migration_modes, put_tenant};
use crate::cdi::users::{By, id, put_login};
use crate::{World, scenarios};

fn path(end: &str, user: &str, credential: &str) -> String {
    format!("{WEBAUTHN}/user/credential{end}?recipeUserId={user}&webauthnCredentialId={credential}")
}

async fn a_passkey_is_shown_by_either_id_of_its_user(w: &World) {
    put_passkey_user(w, "", 1, "a@b.co", "one").await;
    let now = w.clock.now();
    map(w, &id(1), "ext").await;
    for asked in ["ext".to_owned(), id(1)] {
        for end in ["", "/"] {
            let said = w.get("5.4", &path(end, &asked, "one")).await.ok();
            let expected = json!({
                "webauthnCredentialId": "one", "recipeUserId": asked, "relyingPartyId": "example.com", "createdAt": now,
                "updatedAt": now, "status": "OK",
            });
            assert_eq!(said, expected);
        }
        let listed = w.get("5.4", &format!("{WEBAUTHN}/user/credential/list?recipeUserId={asked}")).await.ok();
        let one =
            json!({ "webauthnCredentialId": "one", "recipeUserId": asked, "relyingPartyId": "example.com", "createdAt": now });
        assert_eq!(listed, json!({ "credentials": [one], "status": "OK" }));
    }
    for (whose, which) in [("ext", "two"), (&id(2), "one"), ("nobody", "one"), ("", ""), (&format!("{}%20", id(1)), "one")] {
        w.get("5.4", &path("", whose, which)).await.says("CREDENTIAL_NOT_FOUND_ERROR");
        w.delete("5.4", &path("/remove", whose, which)).await.says("CREDENTIAL_NOT_FOUND_ERROR");
    }
    let nobodys = w.get("5.4", &format!("{WEBAUTHN}/user/credential/list?recipeUserId=nobody")).await.ok();
    assert_eq!(nobodys["credentials"], json!([]));
}

async fn passkeys_are_listed_in_their_order_and_removed(w: &World) {
    put_passkey_user(w, "", 1, "a@b.co", "b").await;
    put_passkey(w, 1, "example.com", "a").await;
    w.clock.advance(1);
    put_passkey(w, 1, "example.com", "0").await;
    put_passkey_user(w, "", 2, "b@b.co", "other").await;
    let listed = async || {
        let said = w.get("5.4", &format!("{WEBAUTHN}/user/credential/list?recipeUserId={}", id(1))).await.ok();
        let ids = said["credentials"].as_array().expect("a list").iter();
        ids.map(|one| one["webauthnCredentialId"].as_str().expect("an id").to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed().await, "a b 0");
    assert_eq!(user(w, &id(1)).await["webauthn"], json!({ "credentialIds": ["0", "a", "b"] }));
    let remove = async |which: &str| w.delete("5.4", &path("/remove", &id(1), which)).await.done()["status"].clone();
    assert_eq!(
        [remove("other").await, remove("a").await, remove("a").await],
        ["CREDENTIAL_NOT_FOUND_ERROR", "OK", "CREDENTIAL_NOT_FOUND_ERROR"]
    );
    assert_eq!([remove("b").await, remove("0").await], ["OK", "OK"]);
    assert_eq!((listed().await.as_str(), count(w, "webauthn_credentials").await), ("", 1));
    let left = user(w, &id(1)).await;
    assert_eq!(
        (&left["webauthn"], &left["loginMethods"][0]["webauthn"]),
        (&json!({ "credentialIds": [] }), &json!({ "credentialIds": [] }))
    );
}

async fn what_is_missing_is_said(w: &World) {
    for (method, end) in [("GET", ""), ("DELETE", "/remove")] {
        for (query, name) in [("", "recipeUserId"), ("?recipeUserId=x", "webauthnCredentialId")] {
            let said = w.raw(method, &format!("{WEBAUTHN}/user/credential{end}{query}"), &[("cdi-version", "5.4")], "").await;
            said.refuses(400, &format!("Field name '{name}' is missing in GET request"));
        }
        let nowhere = w.raw(method, &format!("/ghost{WEBAUTHN}/user/credential{end}"), &[("cdi-version", "5.4")], "").await;
        assert!(nowhere.text.contains("not found"), "{}", nowhere.text);
    }
    let words = "Field name 'recipeUserId' is missing in GET request";
    w.get("5.4", &format!("{WEBAUTHN}/user/credential/list")).await.refuses(400, words);
}

/// Of a group in several tenants each passkey is named once; versions that know none are not told.
async fn passkeys_are_part_of_the_user(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        for tenant in ["t1", "t2"] {
            put_tenant(w, "", tenant, json!({})).await;
        }
        w.write("delete from app_id_to_user_id").await;
        for table in ["all_auth_recipe_users", "recipe_user_tenants", "recipe_user_account_infos", "primary_user_tenants"] {
            w.write(&format!("delete from {table}")).await;
        }
        put_passkey_user(w, "", 1, "a@b.co", "k2").await;
        put_passkey(w, 1, "example.com", "k1").await;
        put_passkey_user(w, "t1", 2, "b@b.co", "k3").await;
        for tenant in ["t1", "t2"] {
            let said =
                w.post("5.4", &format!("/{tenant}/recipe/multitenancy/tenant/user"), json!({ "recipeUserId": id(1) })).await.ok();
            assert_eq!(said["wasAlreadyAssociated"], false, "{mode}");
        }
        link(w, &[&id(1), &id(2)]).await;
        let shown = user(w, &id(2)).await;
        assert_eq!(shown["webauthn"], json!({ "credentialIds": ["k1", "k2", "k3"] }), "{mode}");
        let first = &shown["loginMethods"][0];
        assert_eq!(first["webauthn"], json!({ "credentialIds": ["k1", "k2"] }), "{mode}");
        assert_eq!(first["tenantIds"], json!(["public", "t1", "t2"]), "{mode}");
        assert_eq!(shown["emails"], json!(["a@b.co", "b@b.co"]), "{mode}");
        let older = w.get("5.2", &format!("/user/id?userId={}", id(1))).await.ok()["user"].clone();
        assert_eq!((older.get("webauthn"), &older["emails"]), (None, &json!([])), "{mode}");
        assert_eq!(
            (older["loginMethods"][0].get("webauthn"), &older["loginMethods"][0]["email"]),
            (None, &json!("a@b.co")),
            "{mode}"
        );
        // One of this recipe has the address in the tenant.
        put_passkey_user(w, "t2", 3, "b@b.co", "k4").await;
        let taken = w.post("5.4", "/t2/recipe/multitenancy/tenant/user", json!({ "recipeUserId": id(2) })).await;
        taken.says("EMAIL_ALREADY_EXISTS_ERROR");
        let left = w.post("5.4", "/t1/recipe/multitenancy/tenant/user/remove", json!({ "recipeUserId": id(1) })).await.ok();
        assert_eq!(left["wasAssociated"], true, "{mode}");
        assert_eq!(user(w, &id(1)).await["loginMethods"][0]["tenantIds"], json!(["public", "t2"]), "{mode}");
        assert_eq!(w.get("5.4", "/users/count?includeRecipeIds=webauthn").await.ok()["count"], 1, "{mode}");
    }
}

async fn users_are_found_by_a_passkey(w: &World) {
    for (n, mode) in (1..).step_by(2).zip(migration_modes(w)) {
        w.with_config(json!({ "migration_mode": mode })).await;
        put_tenant(w, "", "t1", json!({})).await;
        let other = format!("c{n}@b.co");
        put_passkey_user(w, "t1", n, "a@b.co", "k").await;
        put_login(w, "", n + 1, By::Password(&other)).await;
        let found = async |query: &str| {
            let said = w.get("5.4", &format!("/users/by-accountinfo?{query}")).await.ok();
            said["users"].as_array().expect("a list").iter().map(|user| user["id"].clone()).collect::<Vec<_>>()
        };
        // In whichever tenant they are.
        for union in ["true", "false"] {
            assert_eq!(found(&format!("doUnionOfAccountInfo={union}&webauthnCredentialId=k")).await, [id(n)], "{mode}");
            assert!(found(&format!("doUnionOfAccountInfo={union}&webauthnCredentialId=none")).await.is_empty(), "{mode}");
            assert!(found(&format!("doUnionOfAccountInfo={union}&webauthnCredentialId=k%00")).await.is_empty(), "{mode}");
        }
        let of_two = format!("webauthnCredentialId=k&email={other}");
        assert_eq!(found(&format!("doUnionOfAccountInfo=true&{of_two}")).await.len(), 2, "{mode}");
        assert!(found(&format!("doUnionOfAccountInfo=false&{of_two}")).await.is_empty(), "{mode}");
        assert_eq!(found("doUnionOfAccountInfo=false&webauthnCredentialId=k&email=a@b.co").await, [id(n)], "{mode}");
        assert!(found(&format!("doUnionOfAccountInfo=false&webauthnCredentialId=&email={other}")).await.is_empty(), "{mode}");
        for user in [n, n + 1] {
            w.post("5.4", "/user/remove", json!({ "userId": id(user) })).await.ok();
        }
    }
}

async fn passkeys_go_with_their_user(w: &World) {
    for linked in [false, true] {
        put_passkey_user(w, "", 1, "a@b.co", "k").await;
        put_passkey_user(w, "", 2, "b@b.co", "other").await;
        for n in [1, 2] {
            let body = json!({ "email": "a@b.co", "userId": id(n) });
            w.post("5.4", &format!("{WEBAUTHN}/user/recover/token"), body).await.ok();
        }
        if linked {
            link(w, &[&id(1), &id(2)]).await;
        }
        w.post("5.4", "/user/remove", json!({ "userId": id(1), "removeAllLinkedAccounts": false })).await.ok();
        for table in ["webauthn_users", "webauthn_credentials", "webauthn_account_recovery_tokens"] {
            assert_eq!(count(w, &format!("{table} where user_id = '{}'", id(1))).await, 0, "{table}");
            assert_eq!(count(w, &format!("{table} where user_id = '{}'", id(2))).await, 1, "{table}");
        }
        assert_eq!(members(&user(w, &id(2)).await["webauthn"]), ["credentialIds"]);
        w.post("5.4", "/user/remove", json!({ "userId": id(2) })).await.ok();
    }
    assert_eq!(count(w, "app_id_to_user_id").await, 0);
}

scenarios!(World:
    a_passkey_is_shown_by_either_id_of_its_user,
    passkeys_are_listed_in_their_order_and_removed,
    what_is_missing_is_said,
    passkeys_are_part_of_the_user,
    users_are_found_by_a_passkey,
    passkeys_go_with_their_user,
);

//! Passkeys of a Java core's database: their owners sign in, and what is left is what the Java core would have written
//! (core-recipes-2.md 2.1).

use serde_json::{Value, json};

use super::users::{database, in_mode};
use crate::cdi::place::{count, in_query};
use crate::cdi::users::id;
use crate::cdi::webauthn::vectors::{brought, case, seed, stored_key};
use crate::cdi::webauthn::{WEBAUTHN, user};
use crate::{World, scenarios};

/// The key, with its members in the order in which the Java core writes them anew.
fn java_key() -> String {
    case("registrations", "rs256 none")["upstream"]["public_key"].as_str().expect("hex").to_owned()
}

/// Gia (9) with a passkey and no mapping, as a Java core stores her in this mode.
fn gia(mode: &str) -> String {
    let (user, key) = (id(9), java_key());
    let credential = case("assertions", "rs256, counter 0 and 0")["credential"]["id"].as_str().expect("an id").to_owned();
    let joined = if mode == "LEGACY" { 0 } else { 9000 };
    let mut sql = format!(
        "insert into app_id_to_user_id (user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined,
             primary_or_recipe_user_time_joined) values ('{user}', 'webauthn', '{user}', false, {joined}, {joined});
         insert into webauthn_users (user_id, email, rp_id, time_joined) values ('{user}', 'gia@example.com', 'example.com', 9000);
         insert into webauthn_credentials (id, app_id, rp_id, user_id, counter, public_key, transports, created_at, updated_at)
             values ('{credential}', 'public', 'example.com', '{user}', 0, decode('{key}', 'hex'), 'null', 9000, 9000);"
    );
    if mode == "LEGACY" {
        // Which has no such columns in the tables of 11.x.
        sql = sql
            .replace(", time_joined,\n             primary_or_recipe_user_time_joined)", ")")
            .replace(", false, 0, 0)", ", false)");
    }
    if mode != "MIGRATED" {
        sql.push_str(&format!(
            "insert into all_auth_recipe_users (tenant_id, user_id, recipe_id, primary_or_recipe_user_id,
                 is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined)
                 values ('public', '{user}', 'webauthn', '{user}', false, 9000, 9000);
             insert into webauthn_user_to_tenant (tenant_id, user_id, email) values ('public', '{user}', 'gia@example.com');"
        ));
    }
    if mode != "LEGACY" {
        sql.push_str(&format!(
            "insert into recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value,
                 third_party_id, third_party_user_id, primary_user_id)
                 values ('public', '{user}', 'webauthn', 'email', 'gia@example.com', '', '', null);
             insert into recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value,
                 third_party_id, third_party_user_id)
                 values ('public', '{user}', 'public', 'webauthn', 'email', 'gia@example.com', '', '');"
        ));
    }
    sql
}

async fn sign_in(w: &World, cdi: &str) -> Value {
    let shown = case("assertions", "rs256, counter 0 and 0");
    let options = seed(w, "", &shown, None).await;
    w.post(cdi, &format!("{WEBAUTHN}/signin"), brought(&options, &shown)).await.ok()
}

async fn passkeys_go_on_in_every_mode(w: &World) {
    for mode in ["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"] {
        w.take_over(&format!("{}{}", database(mode), gia(mode))).await;
        in_mode(w, mode).await;
        for cdi in ["5.4", "5.6"] {
            let said = sign_in(w, cdi).await;
            assert_eq!((&said["recipeUserId"], &said["user"]["emails"]), (&json!(id(9)), &json!(["gia@example.com"])), "{mode}");
        }
        assert_eq!(stored_key(w).await, java_key(), "{mode}: it is not written anew");
        let row = w.rows("select counter, transports, created_at from webauthn_credentials").await;
        assert_eq!(row, [["0", "null", "9000"].map(|value| Some(value.to_owned()))], "{mode}");
        let ben = json!({ "recipeUserId": id(9), "primaryUserId": id(2) });
        w.post("5.4", "/recipe/accountlinking/user/link", ben).await.ok();
        let said = sign_in(w, "5.6").await;
        assert_eq!((&said["user"]["id"], &said["recipeUserId"]), (&json!(id(2)), &json!(id(9))), "{mode}");
        let asked = json!({ "recipeUserId": id(9), "email": "G@new.example" });
        w.put("5.4", &format!("{WEBAUTHN}/user/email"), asked).await.ok();
        assert_eq!(user(w, &id(9)).await["webauthn"]["credentialIds"].as_array().map(Vec::len), Some(1), "{mode}");
        let new = case("registrations", "es256 none");
        let options = seed(w, "", &new, Some("hal@example.com")).await;
        w.post("5.4", &format!("{WEBAUTHN}/signup"), brought(&options, &new)).await.ok();
        w.restart().await;
        assert_eq!(sign_in(w, "5.6").await["user"]["emails"][2], "g@new.example", "{mode}");
    }
}

/// 11.x ties tokens to a user's place in a tenant. For somebody who is not there it has a fault; we have no such user.
async fn tokens_stand_in_the_table_of_an_older_core(w: &World) {
    let table = "create table webauthn_account_recovery_tokens (
            app_id varchar(64) not null default 'public', tenant_id varchar(64) not null default 'public', user_id char(36) not null,
            email varchar(256) not null, token varchar(256) not null, expires_at bigint not null,
            constraint webauthn_account_recovery_token_pkey primary key (app_id, tenant_id, user_id, token),
            constraint webauthn_account_recovery_token_user_id_fkey foreign key (app_id, tenant_id, user_id)
                references all_auth_recipe_users (app_id, tenant_id, user_id) on delete cascade);";
    w.take_over(&format!("{}{}{table}", database("LEGACY"), gia("LEGACY"))).await;
    in_mode(w, "LEGACY").await;
    let make = async |tenant: &str| {
        let body = json!({ "userId": id(9), "email": "gia@example.com" });
        w.post("5.4", &format!("{tenant}{WEBAUTHN}/user/recover/token"), body).await.done()
    };
    assert_eq!(make("/t1").await, json!({ "status": "UNKNOWN_USER_ID_ERROR" }));
    let token = make("").await["token"].as_str().expect("a token").to_owned();
    let found = w.get("5.4", &format!("{WEBAUTHN}/user/recover?token={}", in_query(&token))).await.ok();
    assert_eq!(found["recipeUserId"], id(9));
    let taken = w.post("5.4", &format!("{WEBAUTHN}/user/recover/token/consume"), json!({ "token": token })).await.ok();
    assert_eq!(taken["userId"], id(9));
    make("").await;
    w.post("5.4", "/user/remove", json!({ "userId": id(9) })).await.ok();
    assert_eq!(count(w, "webauthn_account_recovery_tokens").await, 0);
}

scenarios!(World:
    passkeys_go_on_in_every_mode needs AJavaCoresPast,
    tokens_stand_in_the_table_of_an_older_core needs AJavaCoresPast,
);

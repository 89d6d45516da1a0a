//! What an operation costs the database: one row for each (core-recipes-1.md 5, core-users.md 10).

use serde_json::{Value, json};
use supertokens_domain::one_time_token::hash_of;

use super::users::{id, put_user};
use crate::{World, scenarios};

/// Asks in this order; each row finds what those before it have left. The numbers are the most statements that may be run, and the most
/// round trips that PostgreSQL may see.
fn rows() -> Vec<(&'static str, &'static str, Value, u64, u64)> {
    let metadata = |value: i64| json!({ "userId": "u", "metadataUpdate": { "a": value } });
    vec![
        ("PUT", "/recipe/user/metadata", metadata(1), 2, 3),
        ("PUT", "/recipe/user/metadata", metadata(2), 2, 2),
        ("GET", "/recipe/user/metadata?userId=u", Value::Null, 1, 1),
        ("GET", "/recipe/user/metadata?userId=unknown", Value::Null, 1, 1),
        ("POST", "/recipe/user/metadata/bulk", json!({ "userIds": ["u", "unknown", "u"] }), 1, 1),
        ("POST", "/recipe/user/metadata/remove", json!({ "userId": "u" }), 1, 1),
        ("PUT", "/recipe/role", json!({ "role": "r" }), 1, 2),
        ("PUT", "/recipe/role", json!({ "role": "r", "permissions": ["a", "b", "c"] }), 2, 3),
        ("GET", "/recipe/roles", Value::Null, 1, 1),
        ("GET", "/recipe/role/permissions?role=r", Value::Null, 1, 1),
        ("POST", "/recipe/role/permissions/remove", json!({ "role": "r", "permissions": ["a", "z"] }), 1, 1),
        ("POST", "/recipe/role/permissions/remove", json!({ "role": "r", "permissions": ["a"] }), 2, 2),
        ("POST", "/recipe/role/permissions/remove", json!({ "role": "r", "permissions": [] }), 1, 1),
        ("GET", "/recipe/permission/roles?permission=b", Value::Null, 1, 1),
        ("PUT", "/recipe/user/role", json!({ "userId": "u", "role": "r" }), 1, 1),
        ("PUT", "/recipe/user/role", json!({ "userId": "u", "role": "r" }), 2, 2),
        ("GET", "/recipe/user/roles?userId=u", Value::Null, 1, 1),
        ("GET", "/recipe/role/users?role=r", Value::Null, 1, 1),
        ("POST", "/recipe/user/role/remove", json!({ "userId": "u", "role": "r" }), 1, 1),
        ("POST", "/recipe/user/role/remove", json!({ "userId": "u", "role": "r" }), 2, 2),
        ("POST", "/recipe/role/remove", json!({ "role": "r" }), 2, 2),
        ("POST", "/recipe/user/email/verify/token", address(), 1, 1),
        ("POST", "/recipe/user/email/verify/token/remove", address(), 1, 1),
        ("POST", "/recipe/user/email/verify", json!({ "method": "token", "token": TOKEN }), 2, 2),
        ("GET", "/recipe/user/email/verify?userId=u&email=a@b.c", Value::Null, 1, 1),
        ("POST", "/recipe/user/email/verify/remove", address(), 1, 1),
        ("POST", "/recipe/userid/map", json!({ "superTokensUserId": id(1), "externalUserId": "x" }), 2, 3),
        ("GET", "/recipe/userid/map?userId=x", Value::Null, 1, 1),
        ("PUT", "/recipe/userid/external-user-id-info", json!({ "userId": "x", "externalUserIdInfo": "i" }), 1, 1),
        ("POST", "/recipe/userid/map/remove", json!({ "userId": "x" }), 2, 3),
        ("POST", "/recipe/userid/map/remove", json!({ "userId": "x" }), 1, 2),
        ("POST", "/recipe/user/email/verify/token", json!({ "userId": id(1), "email": "a@b.c" }), 1, 1),
        ("POST", "/recipe/userid/map", json!({ "superTokensUserId": id(1), "externalUserId": "x" }), 4, 3),
        ("POST", "/recipe/totp/device", json!({ "userId": "t", "deviceName": "d", "skew": 1, "period": 30 }), 2, 4),
        ("POST", "/recipe/totp/device", json!({ "userId": "t", "skew": 1, "period": 30 }), 3, 5),
        ("PUT", "/recipe/totp/device", json!({ "userId": "t", "existingDeviceName": "d", "newDeviceName": "e" }), 1, 1),
        ("GET", "/recipe/totp/device/list?userId=t", Value::Null, 1, 1),
        ("POST", "/recipe/totp/device/status/bulk", json!({ "userIds": ["t", "x"] }), 1, 1),
        ("POST", "/recipe/totp/device/import", totp("f"), 2, 4),
        ("POST", "/recipe/totp/device/verify", json!({ "userId": "t", "deviceName": "f", "totp": "" }), 1, 3),
        ("POST", "/recipe/totp/device/remove", json!({ "userId": "t", "deviceName": "f" }), 3, 4),
    ]
}

fn totp(name: &str) -> Value {
    json!({ "userId": "t", "deviceName": name, "skew": 1, "period": 30, "secretKey": "MY" })
}

/// Of which the database is given the hash before it is asked for.
const TOKEN: &str = "a token";

fn address() -> Value {
    json!({ "userId": "u", "email": "a@b.c" })
}

/// Asks once, of the recipe that `rid` names where some share a path: at most so many statements are run, and PostgreSQL sees at most so
/// many round trips. A body that is null is none.
pub async fn costs(w: &World, [rid, method, path]: [&str; 3], body: Value, statements: u64, trips: u64) -> Value {
    let core = w.core();
    let before = (core.db().statements(), core.db().trips());
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = w.raw(method, path, &[("cdi-version", "5.4"), ("rid", rid)], body.clone()).await;
    let cost = (core.db().statements() - before.0, core.db().trips() - before.1);
    let said = answer.done();
    assert_eq!(said["status"], "OK", "{method} {path} {body}");
    assert!(cost.0 > 0 && cost.0 <= statements && cost.1 <= trips, "{method} {path} {body}: {cost:?}");
    said
}

async fn each_operation_costs_what_it_must(w: &World) {
    put_user(w, "", 1, 1).await;
    for (method, path, body, statements, trips) in rows() {
        if body["token"] == TOKEN {
            w.write(&format!(
                "insert into emailverification_tokens (app_id, tenant_id, user_id, email, token, token_expiry)
                 values ('public', 'public', 'u', 'a@b.c', '{}', {})",
                hash_of(TOKEN),
                w.clock.now()
            ))
            .await;
        }
        costs(w, ["", method, path], body, statements, trips).await;
    }
}

scenarios!(World: each_operation_costs_what_it_must);

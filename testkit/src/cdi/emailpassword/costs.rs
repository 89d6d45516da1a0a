//! What each operation costs the database (core-users.md 10).

use serde_json::{Value, json};

use super::{sign_up, stored_hash};
use crate::cdi::costs::costs;
use crate::{World, scenarios};

async fn each_operation_costs_what_it_must(w: &World) {
    sign_up(w, "", "other@example.com").await;
    let credentials = json!({ "email": "a@example.com", "password": "p" });
    // Four rows, the line of the log, when the user was last active, and the line for that.
    let said = costs(w, ["", "POST", "/recipe/signup"], credentials.clone(), 7, 3).await;
    let id = said["recipeUserId"].clone();
    // One before the hash, and one behind it.
    costs(w, ["", "POST", "/recipe/signin"], credentials, 3, 3).await;
    costs(w, ["", "GET", &format!("/recipe/user?userId={}", id.as_str().expect("an id"))], Value::Null, 1, 1).await;
    costs(w, ["", "GET", "/recipe/user?email=a@example.com"], Value::Null, 1, 1).await;
    costs(w, ["", "PUT", "/recipe/user"], json!({ "recipeUserId": id, "password": "q" }), 1, 1).await;
    costs(w, ["", "PUT", "/recipe/user"], json!({ "recipeUserId": id, "email": "b@example.com", "password": "q" }), 8, 4).await;
    let asked = json!({ "userId": id, "email": "b@example.com" });
    let token = costs(w, ["", "POST", "/recipe/user/password/reset/token"], asked.clone(), 1, 1).await["token"].clone();
    costs(w, ["", "POST", "/recipe/user/password/reset/token/consume"], json!({ "token": token }), 1, 1).await;
    let token = costs(w, ["", "POST", "/recipe/user/password/reset/token"], asked, 1, 1).await["token"].clone();
    let reset = json!({ "method": "token", "token": token, "newPassword": "r" });
    costs(w, ["", "POST", "/recipe/user/password/reset"], reset, 3, 3).await;
    let hash = stored_hash(w, id.as_str().expect("an id")).await;
    let import = |email: &str| json!({ "email": email, "passwordHash": hash });
    costs(w, ["", "POST", "/recipe/user/passwordhash/import"], import("c@example.com"), 4, 3).await;
    // The rows that were in vain, and then a look and a change.
    costs(w, ["", "POST", "/recipe/user/passwordhash/import"], import("b@example.com"), 6, 5).await;
}

scenarios!(World: each_operation_costs_what_it_must);

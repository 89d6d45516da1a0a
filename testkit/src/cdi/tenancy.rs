//! Apps and tenants (core-multitenancy.md): one file for each part of the page.

use serde_json::{Value, json};

use crate::{Answer, World};

pub mod apps;
pub mod configuration;
pub mod factors;
pub mod permissions;
pub mod providers;
pub mod removal;
pub mod removed_users;
pub mod tenants;
pub mod users;

const APP_V2: &str = "/recipe/multitenancy/app/v2";
const TENANT_V2: &str = "/recipe/multitenancy/tenant/v2";
const TENANT: &str = "/recipe/multitenancy/tenant";

/// Creates an app the way every SDK's test suite does, and gives back its path.
async fn app(w: &World, id: &str) -> String {
    let made = w.put("5.4", APP_V2, json!({ "appId": id, "coreConfig": {} })).await.ok();
    assert_eq!(made["createdNew"], true);
    format!("/appid-{id}")
}

/// Creates or changes a tenant of the app at this path by `/v2`.
async fn tenant(w: &World, at: &str, body: Value) -> Answer {
    w.put("5.4", &format!("{at}{TENANT_V2}"), body).await
}

/// A tenant as `/v2` shows it.
async fn shown(w: &World, at: &str) -> Value {
    w.get("5.4", &format!("{at}{TENANT_V2}")).await.ok()
}

/// The strings of a list, sorted: factors are sets.
fn sorted(list: &Value) -> Vec<&str> {
    let mut items: Vec<&str> = list.as_array().expect("a list").iter().map(|item| item.as_str().expect("a string")).collect();
    items.sort_unstable();
    items
}

/// A member of every item of a list, sorted.
fn each(list: &Value, member: &str) -> Vec<String> {
    let items = list.as_array().expect("a list").iter();
    let mut texts: Vec<String> = items.map(|item| item[member].as_str().expect("a string").to_owned()).collect();
    texts.sort_unstable();
    texts
}

async fn count(w: &World, from: &str) -> i64 {
    w.value(&format!("select count(*) from {from}")).await.expect("a number").parse().expect("a number")
}

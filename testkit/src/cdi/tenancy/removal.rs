//! Removing tenants and apps with everything that belongs to them (core-multitenancy.md 6).

use serde_json::{Value, json};
use supertokens_domain::ids::{ConnectionUriDomain, TenantIdentifier};
use supertokens_domain::time::SECOND;
use supertokens_store::TenantRecord;
use tokio::task::JoinSet;

use super::{APP_V2, TENANT_V2, app, count, shown, tenant};
use crate::cdi::session::plain;
use crate::{World, scenarios};

async fn remove_tenant(w: &World, at: &str, id: &str) -> Value {
    w.post("5.4", &format!("{at}/recipe/multitenancy/tenant/remove"), json!({ "tenantId": id })).await.ok()
}

async fn remove_app(w: &World, id: &str) -> Value {
    w.post("5.4", "/recipe/multitenancy/app/remove", json!({ "appId": id })).await.ok()
}

fn did_exist(did: bool) -> Value {
    json!({ "status": "OK", "didExist": did })
}

/// A session, and its handle.
async fn session(w: &World, at: &str) -> String {
    let made = w.post("5.4", &format!("{at}/recipe/session"), plain("u")).await.ok();
    made["session"]["handle"].as_str().unwrap().to_owned()
}

async fn a_tenant_goes_with_its_sessions(w: &World) {
    let at = app(w, "a1").await;
    tenant(w, &at, json!({ "tenantId": "t1", "firstFactors": ["totp"], "requiredSecondaryFactors": ["totp"] })).await.ok();
    let provider = json!({ "config": { "thirdPartyId": "c", "clients": [{ "clientId": "i" }] } });
    w.put("5.4", &format!("{at}/t1/recipe/multitenancy/config/thirdparty"), provider).await.ok();
    let (gone, kept) = (session(w, &format!("{at}/t1")).await, session(w, &at).await);
    assert_eq!(remove_tenant(w, &at, " T1 ").await, did_exist(true));
    assert_eq!(remove_tenant(w, &at, "t1").await, did_exist(false));
    for table in ["tenant_configs", "tenants", "tenant_first_factors", "tenant_thirdparty_provider_clients", "session_info"] {
        assert_eq!(count(w, &format!("{table} where tenant_id = 't1'")).await, 0, "{table}");
    }
    w.get("5.4", &format!("{at}/t1{TENANT_V2}")).await.says("TENANT_NOT_FOUND_ERROR");
    let refused = w.get("5.4", &format!("{at}/recipe/session?sessionHandle={gone}")).await;
    assert!(refused.status == 400 || refused.json()["status"] == "UNAUTHORISED", "{}", refused.text);
    w.get("5.4", &format!("{at}/recipe/session?sessionHandle={kept}")).await.ok();
    // A new one of the same name has nothing of the old.
    assert_eq!(tenant(w, &at, json!({ "tenantId": "t1" })).await.ok()["createdNew"], true);
    assert_eq!(shown(w, &format!("{at}/t1")).await["firstFactors"], json!([]));
    assert_eq!(shown(w, &format!("{at}/t1")).await["thirdParty"]["providers"], json!([]));
}

async fn an_app_goes_with_everything(w: &World) {
    let at = app(w, "a1").await;
    let gone = session(w, &at).await;
    assert!(count(w, "jwt_signing_keys where app_id = 'a1'").await > 0);
    assert_eq!(remove_app(w, "A1").await, did_exist(true));
    assert_eq!(remove_app(w, "a1").await, did_exist(false));
    for table in [
        "apps",
        "tenants",
        "tenant_configs",
        "session_info",
        "jwt_signing_keys",
        "session_access_token_signing_keys",
        "key_value",
    ] {
        assert_eq!(count(w, &format!("{table} where app_id = 'a1'")).await, 0, "{table}");
    }
    let answer = w.get("5.4", &format!("{at}/hello")).await;
    assert!(answer.status == 400 && answer.text.starts_with("AppId or tenantId not found => "), "{}", answer.text);
    // A new one of the same name has other keys, and knows nothing of the old one's sessions.
    assert_eq!(w.put("5.4", APP_V2, json!({ "appId": "a1" })).await.ok()["createdNew"], true);
    w.get("5.4", &format!("{at}/recipe/session?sessionHandle={gone}")).await.says("UNAUTHORISED");
    session(w, &at).await;
}

async fn an_app_that_another_core_removed_is_not_found(w: &World) {
    let other = w.second_core().await;
    for (name, question) in [("a1", "GET"), ("a2", "PUT"), ("a3", "DELETE")] {
        let at = app(w, name).await;
        shown(&other, &at).await;
        remove_app(w, name).await;
        let words =
            "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination";
        let expected = format!("{words} not found: (, {name}, public)");
        // The first to write finds out, for all the others.
        let answer = match question {
            "GET" => other.get("5.4", &format!("{at}/telemetry")).await,
            "PUT" => other.put("5.4", &format!("{at}/ee/license"), json!({ "licenseKey": "any" })).await,
            _ => other.delete("5.4", &format!("{at}/ee/license")).await,
        };
        answer.refuses(400, &expected);
        other.get("5.4", &format!("{at}/hello")).await.refuses(400, &expected);
        // And when it is made again it is there.
        app(w, name).await;
        other.clock.advance(SECOND);
        other.put("5.4", &format!("{at}/ee/license"), json!({ "licenseKey": "any" })).await.ok();
    }
}

async fn who_was_active_in_a_removed_app_is_not_remembered(w: &World) {
    for _ in 0..2 {
        let at = app(w, "a1").await;
        session(w, &at).await;
        assert_eq!(count(w, "user_last_active where app_id = 'a1'").await, 1);
        remove_app(w, "a1").await;
    }
}

async fn an_unknown_app_did_not_exist(w: &World) {
    assert_eq!(remove_app(w, "0b54c9a27d3e").await, did_exist(false));
    w.post("5.4", "/recipe/multitenancy/app/remove", json!({})).await.refuses(400, "Field name 'appId' is invalid in JSON input");
    w.post("5.4", "/recipe/multitenancy/app/remove", json!({ "appId": "appid-x" }))
        .await
        .refuses(400, "appId must not start with 'appid-'");
}

async fn an_unknown_domain_did_not_exist(w: &World) {
    let path = "/recipe/multitenancy/connectionuridomain/remove";
    assert_eq!(w.post("5.4", path, json!({ "connectionUriDomain": "c1.example" })).await.ok(), did_exist(false));
    w.post("5.4", path, json!({})).await.refuses(400, "Field name 'connectionUriDomain' is invalid in JSON input");
    w.post("5.4", path, json!({ "connectionUriDomain": " " }))
        .await
        .refuses(400, "connectionUriDomain should not be an empty String");
}

async fn an_app_waits_for_its_tenants(w: &World) {
    let at = app(w, "a1").await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    w.post("5.4", "/recipe/multitenancy/app/remove", json!({ "appId": "a1" }))
        .await
        .refuses(403, "Please delete all tenants except the public tenant for this app before calling the delete API");
    remove_tenant(w, &at, "t1").await;
    assert_eq!(remove_app(w, "a1").await, did_exist(true));
}

async fn an_app_removed_while_tenants_are_made_leaves_nothing_behind(w: &World) {
    for round in 0..5 {
        let name = format!("r{round}");
        let at = app(w, &name).await;
        let mut callers = JoinSet::new();
        for n in 0..4 {
            let (w, at) = (w.clone(), at.clone());
            callers.spawn(async move { tenant(&w, &at, json!({ "tenantId": format!("t{n}") })).await.status });
        }
        let removal = w.post("5.4", "/recipe/multitenancy/app/remove", json!({ "appId": name })).await;
        let made = callers.join_all().await;
        assert!(made.iter().all(|status| [200, 400].contains(status)), "{made:?}");
        let left = count(w, &format!("tenant_configs where app_id = '{name}'")).await;
        match removal.status {
            200 => assert_eq!(left, 0, "{made:?}"),
            403 => assert!(left > 1, "{made:?}"),
            _ => panic!("{}", removal.text),
        }
        assert_eq!(count(w, &format!("tenants where app_id = '{name}'")).await, left);
    }
}

async fn a_tenant_removed_many_times_at_once_existed_once(w: &World) {
    tenant(w, "", json!({ "tenantId": "t1" })).await.ok();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let w = w.clone();
        callers.spawn(async move { remove_tenant(&w, "", "t1").await["didExist"] == true });
    }
    assert_eq!(callers.join_all().await.into_iter().filter(|did| *did).count(), 1);
}

const SECRET: &str = "a-secret-for-operators-of-forty-characters";
const KEY: &str = "a-key-of-twenty-chars-";

async fn what_the_owner_protects_is_removed_by_the_owner(w: &World) {
    w.with_config(json!({ "api_keys": KEY, "supertokens_saas_secret": SECRET })).await;
    let ask = async |key: &str, method: &str, path: &str, body: Value| {
        w.raw(method, path, &[("api-key", key), ("cdi-version", "5.4")], body.to_string()).await
    };
    let remove = async |key: &str, at: &str, what: &str, body: Value| {
        ask(key, "POST", &format!("{at}/recipe/multitenancy/{what}/remove"), body).await
    };
    let rule = json!({ "ip_deny_regex": "10[.].*" });
    let tenant_t1 = json!({ "tenantId": "t1", "coreConfig": rule });
    ask(SECRET, "PUT", APP_V2, json!({ "appId": "a1", "coreConfig": rule })).await.ok();
    ask(SECRET, "PUT", &format!("/appid-a1{TENANT_V2}"), tenant_t1).await.ok();
    // One that only inherits the rule, and one in which a null sets nothing.
    for (name, own) in [("t2", json!({})), ("t3", json!({ "ip_deny_regex": null }))] {
        ask(SECRET, "PUT", &format!("/appid-a1{TENANT_V2}"), json!({ "tenantId": name, "coreConfig": own })).await.ok();
        assert_eq!(remove(KEY, "/appid-a1", "tenant", json!({ "tenantId": name })).await.ok(), did_exist(true));
    }
    let words = "Not allowed to modify protected configs.";
    remove(KEY, "/appid-a1", "tenant", json!({ "tenantId": "t1" })).await.refuses(403, words);
    assert_eq!(count(w, "tenant_configs where tenant_id = 't1'").await, 1);
    assert_eq!(remove(SECRET, "/appid-a1", "tenant", json!({ "tenantId": "t1" })).await.ok(), did_exist(true));
    assert_eq!(remove(KEY, "/appid-a1", "tenant", json!({ "tenantId": "t1" })).await.ok(), did_exist(false));
    remove(KEY, "", "app", json!({ "appId": "a1" })).await.refuses(403, words);
    assert_eq!(count(w, "apps where app_id = 'a1'").await, 1);
    assert_eq!(remove(SECRET, "", "app", json!({ "appId": "a1" })).await.ok(), did_exist(true));
    // A domain that was taken over names a database, which is protected too.
    let domain = TenantIdentifier { cud: ConnectionUriDomain::normalise("c1.example"), ..TenantIdentifier::default() };
    let record = TenantRecord { id: domain, core_config: r#"{"postgresql_host":"h"}"#.into(), ..TenantRecord::base() };
    w.core().db().tx(async move |tx| tx.save_tenant(&record, 1).await).await.expect("the domain is stored");
    let body = json!({ "connectionUriDomain": "c1.example" });
    remove(KEY, "", "connectionuridomain", body.clone()).await.refuses(403, "Not allowed to modify DB related configs.");
    assert_eq!(remove(SECRET, "", "connectionuridomain", body).await.ok(), did_exist(true));
}

async fn without_an_owner_whoever_has_the_key_removes(w: &World) {
    w.with_config(json!({ "api_keys": KEY })).await;
    let ask = async |method: &str, path: &str, body: Value| {
        w.raw(method, path, &[("api-key", KEY), ("cdi-version", "5.4")], body.to_string()).await
    };
    let body = json!({ "tenantId": "t1", "coreConfig": { "ip_deny_regex": "10[.].*" } });
    ask("PUT", TENANT_V2, body).await.ok();
    assert_eq!(ask("POST", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok(), did_exist(true));
}

scenarios!(World:
    what_the_owner_protects_is_removed_by_the_owner,
    without_an_owner_whoever_has_the_key_removes,
    a_tenant_goes_with_its_sessions,
    an_app_goes_with_everything,
    an_app_that_another_core_removed_is_not_found needs ASharedDatabase,
    who_was_active_in_a_removed_app_is_not_remembered,
    an_unknown_app_did_not_exist,
    an_unknown_domain_did_not_exist,
    an_app_waits_for_its_tenants,
    an_app_removed_while_tenants_are_made_leaves_nothing_behind,
    a_tenant_removed_many_times_at_once_existed_once,
);

//! Creating, changing and listing apps (core-multitenancy.md 1, 2, 7).

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{APP_V2, app, count, each, shown, tenant};
use crate::cdi::session::plain;
use crate::target::Kind;
use crate::{World, scenarios};

async fn an_app_is_new_once(w: &World) {
    for created in [true, false, false] {
        let answer = w.put("5.4", APP_V2, json!({ "appId": " A-1 ", "coreConfig": {} })).await;
        assert_eq!(answer.ok(), json!({ "status": "OK", "createdNew": created }));
    }
    assert_eq!(shown(w, "/appid-a-1").await["tenantId"], "public");
    assert_eq!(count(w, "apps where app_id = 'a-1'").await, 1);
    assert_eq!(count(w, "tenants where app_id = 'a-1' and tenant_id = 'public'").await, 1);
    assert_eq!(count(w, "tenant_configs where app_id = 'a-1' and connection_uri_domain = '' and tenant_id = 'public'").await, 1);
}

async fn a_test_suite_needs_no_headers(w: &World) {
    let answer = w.raw("PUT", APP_V2, &[("content-type", "application/json")], r#"{"appId":"suite","coreConfig":{}}"#).await;
    assert_eq!(answer.ok(), json!({ "status": "OK", "createdNew": true }));
}

async fn creating_an_app_makes_no_keys(w: &World) {
    let at = app(w, "a1").await;
    for table in ["jwt_signing_keys", "session_access_token_signing_keys", "key_value"] {
        assert_eq!(count(w, &format!("{table} where app_id = 'a1'")).await, 0, "{table}");
    }
    let keys = w.get("5.4", &format!("{at}/.well-known/jwks.json")).await.done();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
}

async fn an_app_is_made_in_one_short_transaction(w: &World) {
    let (trips, _) = w.trips(app(w, "a1")).await;
    let limit = if w.target().kind() == Kind::Postgres { 8 } else { 1 };
    assert!(trips <= limit, "{trips}");
}

async fn an_app_has_everything_on_and_nothing_set(w: &World) {
    let at = app(w, "a1").await;
    assert_eq!(
        shown(w, &at).await,
        json!({ "tenantId": "public", "thirdParty": { "providers": [] }, "coreConfig": {}, "status": "OK" })
    );
    for version in ["3.0", "4.0", "5.0", "5.6"] {
        let on = json!({ "enabled": true });
        let expected = json!({
            "tenantId": "public", "emailPassword": on, "passwordless": on, "thirdParty": { "enabled": true, "providers": [] },
            "coreConfig": {}, "status": "OK",
        });
        assert_eq!(w.get(version, &format!("{at}/recipe/multitenancy/tenant")).await.ok(), expected, "{version}");
    }
}

async fn sessions_of_two_apps_do_not_meet(w: &World) {
    let (one, two) = (app(w, "a1").await, app(w, "a2").await);
    let made = w.post("5.4", &format!("{one}/recipe/session"), plain("u")).await.ok();
    let handle = made["session"]["handle"].as_str().unwrap();
    w.get("5.4", &format!("{one}/recipe/session?sessionHandle={handle}")).await.ok();
    w.get("5.4", &format!("{two}/recipe/session?sessionHandle={handle}")).await.says("UNAUTHORISED");
}

async fn names_are_checked(w: &World) {
    for path in [APP_V2, "/recipe/multitenancy/app"] {
        let put = async |id: Value| w.put("5.4", path, json!({ "appId": id })).await;
        put(json!("")).await.refuses(400, "appId should not be an empty String");
        put(json!("  ")).await.refuses(400, "appId should not be an empty String");
        put(json!("APPID-x")).await.refuses(400, "appId must not start with 'appid-'");
        put(json!("a_b")).await.refuses(400, "appId can only contain letters, numbers and hyphens");
        put(json!("a".repeat(65))).await.refuses(400, "appId must not be longer than 64 characters");
        for bad in [json!(null), json!(1), json!({}), json!(true)] {
            put(bad).await.refuses(400, "Field name 'appId' is invalid in JSON input");
        }
        let raw = async |body: &'static str| w.raw("PUT", path, &[], body).await;
        for body in ["", "[]", "null", "{", "\"x\"", "{'appId':'x'}"] {
            raw(body).await.refuses(400, "Invalid Json Input");
        }
    }
    assert_eq!(count(w, "apps").await, 1);
}

async fn a_name_of_64_characters_is_a_name(w: &World) {
    let name = "a".repeat(64);
    let at = app(w, &name).await;
    assert_eq!(shown(w, &at).await["tenantId"], "public");
}

async fn without_a_name_it_is_the_public_app(w: &World) {
    for path in [APP_V2, "/recipe/multitenancy/app", "/recipe/multitenancy/connectionuridomain/v2"] {
        let answer = w.put("5.4", path, json!({})).await;
        assert_eq!(answer.ok()["createdNew"], false, "{path}");
    }
    w.put("5.4", "/recipe/multitenancy/connectionuridomain", json!({})).await.ok();
    assert_eq!(count(w, "tenant_configs").await, 1);
}

async fn lists_have_apps_and_their_tenants(w: &World) {
    let at = app(w, "a1").await;
    app(w, "a2").await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    for path in ["/recipe/multitenancy/app/list", "/recipe/multitenancy/app/list/v2"] {
        let list = w.get("5.4", path).await.ok();
        assert_eq!(each(&list["apps"], "appId"), ["a1", "a2", "public"]);
        let of_a1 = list["apps"].as_array().unwrap().iter().find(|app| app["appId"] == "a1").unwrap();
        assert_eq!(each(&of_a1["tenants"], "tenantId"), ["public", "t1"]);
        assert_eq!(of_a1["tenants"][0].get("emailPassword").is_some(), !path.ends_with("v2"), "{path}");
    }
    for path in ["/recipe/multitenancy/connectionuridomain/list", "/recipe/multitenancy/connectionuridomain/list/v2"] {
        let list = w.get("5.4", path).await.ok();
        assert_eq!(each(&list["connectionUriDomains"], "connectionUriDomain"), [""]);
        assert_eq!(each(&list["connectionUriDomains"][0]["apps"], "appId"), ["a1", "a2", "public"]);
    }
}

async fn a_domain_needs_a_database_of_its_own(w: &World) {
    for path in ["/recipe/multitenancy/connectionuridomain", "/recipe/multitenancy/connectionuridomain/v2"] {
        let put = async |name: &str| w.put("5.4", path, json!({ "connectionUriDomain": name })).await;
        let sentence = "Invalid core config: ConnectionUriDomain:  cannot be mapped to the same user pool as c1.example";
        put("C1.example:3567").await.refuses(400, sentence);
        put("").await.refuses(400, "connectionUriDomain should not be an empty String");
        put("http://c1.example").await.refuses(400, "connectionUriDomain is invalid");
        put("c1/x").await.refuses(400, "connectionUriDomain is invalid");
    }
    assert_eq!(count(w, "tenant_configs").await, 1);
}

async fn an_unknown_app_is_not_found(w: &World) {
    let not_found = |app: &str, tenant: &str| {
        format!(
            "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: \
             (, {app}, {tenant})"
        )
    };
    w.put("5.4", &format!("/appid-no{APP_V2}"), json!({ "appId": "no" })).await.refuses(400, &not_found("no", "public"));
    w.get("5.4", "/appid-no/recipe/multitenancy/tenant/list/v2").await.refuses(400, &not_found("no", "public"));
    w.get("5.4", "/nobody/recipe/multitenancy/tenant/list/v2").await.refuses(400, &not_found("public", "nobody"));
    for path in ["/appid-no", "/nobody", "/appid-no/nobody"] {
        w.get("5.4", &format!("{path}/recipe/multitenancy/tenant/v2")).await.says("TENANT_NOT_FOUND_ERROR");
        w.get("5.4", &format!("{path}/recipe/multitenancy/tenant")).await.says("TENANT_NOT_FOUND_ERROR");
    }
    // What is wrong with the body is said first.
    w.put("5.4", &format!("/appid-no{APP_V2}"), json!({ "appId": "a_b" }))
        .await
        .refuses(400, "appId can only contain letters, numbers and hyphens");
}

async fn an_app_created_many_times_at_once_is_new_once(w: &World) {
    let other = if w.target().kind() == Kind::Postgres { w.second_core().await } else { w.clone() };
    for round in 0..3 {
        let mut callers = JoinSet::new();
        for caller in 0..16 {
            let w = if caller % 2 == 0 { w.clone() } else { other.clone() };
            let body = json!({ "appId": format!("twin-{round}"), "coreConfig": { "access_token_validity": 100 + caller } });
            callers.spawn(async move { w.put("5.4", APP_V2, body).await.ok()["createdNew"] == true });
        }
        let new = callers.join_all().await.into_iter().filter(|new| *new).count();
        assert_eq!(new, 1);
        assert_eq!(count(w, &format!("tenant_configs where app_id = 'twin-{round}'")).await, 1);
    }
}

async fn changes_made_at_once_are_all_kept(w: &World) {
    let at = app(w, "a1").await;
    let names: Vec<String> = (0..12).map(|n| format!("p{n}")).collect();
    let mut callers = JoinSet::new();
    for name in names.clone() {
        let (w, at) = (w.clone(), at.clone());
        callers.spawn(async move {
            let body = json!({ "config": { "thirdPartyId": name } });
            w.put("5.4", &format!("{at}/recipe/multitenancy/config/thirdparty"), body).await.ok();
        });
    }
    callers.join_all().await;
    let mut expected = names;
    expected.sort_unstable();
    assert_eq!(each(&shown(w, &at).await["thirdParty"]["providers"], "thirdPartyId"), expected);
}

async fn apps_survive_a_restart(w: &World) {
    let at = app(w, "a1").await;
    tenant(w, &at, json!({ "tenantId": "t1", "firstFactors": ["otp-email", "custom"], "coreConfig": { "passwordless_code_lifetime": "1000" } }))
        .await
        .ok();
    let before = shown(w, &format!("{at}/t1")).await;
    w.restart().await;
    assert_eq!(shown(w, &format!("{at}/t1")).await, before);
    assert_eq!(w.put("5.4", APP_V2, json!({ "appId": "a1" })).await.ok()["createdNew"], false);
}

async fn what_another_core_creates_is_found_at_once(w: &World) {
    let other = w.second_core().await;
    let at = app(w, "a1").await;
    assert_eq!(shown(&other, &at).await["tenantId"], "public");
    tenant(&other, &at, json!({ "tenantId": "t1" })).await.ok();
    assert_eq!(shown(w, &format!("{at}/t1")).await["tenantId"], "t1");
    let list = w.get("5.4", &format!("{at}/recipe/multitenancy/tenant/list/v2")).await.ok();
    assert_eq!(each(&list["tenants"], "tenantId"), ["public", "t1"]);
}

async fn a_lost_key_is_repaired_from_the_root(w: &World) {
    let at = app(w, "a1").await;
    let key = "a-key-of-twenty-chars-";
    w.put("5.4", APP_V2, json!({ "appId": "a1", "coreConfig": { "api_keys": key } })).await.ok();
    let list = format!("{at}/recipe/multitenancy/tenant/list/v2");
    w.get("5.4", &list).await.refuses(401, "Invalid API key");
    w.raw("GET", &list, &[("api-key", key)], "").await.ok();
    let repaired = w.put("5.4", APP_V2, json!({ "appId": "a1", "coreConfig": { "api_keys": null } })).await.ok();
    assert_eq!(repaired["createdNew"], false);
    w.get("5.4", &list).await.ok();
    assert_eq!(shown(w, &at).await["coreConfig"], json!({}));
}

scenarios!(World:
    an_app_is_new_once,
    a_test_suite_needs_no_headers,
    creating_an_app_makes_no_keys,
    an_app_is_made_in_one_short_transaction,
    an_app_has_everything_on_and_nothing_set,
    sessions_of_two_apps_do_not_meet,
    names_are_checked,
    a_name_of_64_characters_is_a_name,
    without_a_name_it_is_the_public_app,
    lists_have_apps_and_their_tenants,
    a_domain_needs_a_database_of_its_own,
    an_unknown_app_is_not_found,
    an_app_created_many_times_at_once_is_new_once,
    changes_made_at_once_are_all_kept,
    apps_survive_a_restart needs AKeptDatabase,
    what_another_core_creates_is_found_at_once needs ASharedDatabase,
    a_lost_key_is_repaired_from_the_root,
);

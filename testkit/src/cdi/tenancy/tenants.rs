//! Creating, changing, showing and listing tenants, and users in them (core-multitenancy.md 2, 3.6, 5).

use serde_json::{Value, json};

use super::{TENANT, TENANT_V2, app, count, each, shown, tenant};
use crate::cdi::session::plain;
use crate::{World, scenarios};

async fn a_tenant_is_new_once(w: &World) {
    let at = app(w, "a1").await;
    for created in [true, false] {
        assert_eq!(tenant(w, &at, json!({ "tenantId": "T1" })).await.ok(), json!({ "status": "OK", "createdNew": created }));
    }
    assert_eq!(count(w, "tenants where app_id = 'a1' and tenant_id = 't1'").await, 1);
    assert_eq!(
        shown(w, &format!("{at}/t1")).await,
        json!({ "tenantId": "t1", "thirdParty": { "providers": [] }, "firstFactors": [], "coreConfig": {}, "status": "OK" })
    );
    w.get("5.4", &format!("/t1{TENANT_V2}")).await.says("TENANT_NOT_FOUND_ERROR");
}

async fn a_tenant_may_change_itself(w: &World) {
    let at = app(w, "a1").await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    let own = tenant(w, &format!("{at}/t1"), json!({ "tenantId": "t1", "firstFactors": ["emailpassword"] })).await;
    assert_eq!(own.ok()["createdNew"], false);
    assert_eq!(shown(w, &format!("{at}/t1")).await["firstFactors"], json!(["emailpassword"]));
}

async fn names_are_checked(w: &World) {
    for path in [TENANT, TENANT_V2] {
        let put = async |id: Value| w.put("5.4", path, json!({ "tenantId": id })).await;
        put(json!("")).await.refuses(400, "tenantId should not be an empty String");
        put(json!("appid-x")).await.refuses(400, "tenantId must not start with 'appid-'");
        put(json!("t.1")).await.refuses(400, "tenantId can only contain letters, numbers and hyphens");
        put(json!("t".repeat(65))).await.refuses(400, "tenantId must not be longer than 64 characters");
        for word in ["recipe", "config", "users", "hello"] {
            put(json!(word)).await.refuses(400, &format!("Cannot use '{word}' as a tenantId"));
        }
        put(json!(null)).await.refuses(400, "Field name 'tenantId' is invalid in JSON input");
    }
}

async fn without_a_name_it_is_the_public_tenant(w: &World) {
    let at = app(w, "a1").await;
    let answer = tenant(w, &at, json!({ "firstFactors": ["thirdparty"] })).await;
    assert_eq!(answer.ok()["createdNew"], false);
    assert_eq!(shown(w, &at).await["firstFactors"], json!(["thirdparty"]));
    assert_eq!(shown(w, "").await.get("firstFactors"), None);
}

async fn lists_have_the_public_tenant_too(w: &World) {
    let at = app(w, "a1").await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    tenant(w, "", json!({ "tenantId": "t2" })).await.ok();
    for (path, expected) in [(at.as_str(), ["public", "t1"]), ("", ["public", "t2"])] {
        for v2 in ["", "/v2"] {
            let list = w.get("5.4", &format!("{path}/recipe/multitenancy/tenant/list{v2}")).await.ok();
            assert_eq!(each(&list["tenants"], "tenantId"), expected);
        }
    }
}

async fn versions_before_tenants_know_only_the_public_one(w: &World) {
    tenant(w, "", json!({ "tenantId": "t1" })).await.ok();
    for version in ["2.7", "2.12", "2.21"] {
        w.get(version, &format!("/t1{TENANT}")).await.refuses(404, "Not found");
        w.get(version, TENANT).await.ok();
        assert_eq!(w.put(version, TENANT, json!({ "tenantId": "t1" })).await.ok()["createdNew"], false);
    }
}

async fn sessions_of_a_tenant_carry_its_name(w: &World) {
    let at = app(w, "a1").await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    let made = w.post("5.4", &format!("{at}/t1/recipe/session"), plain("u")).await.ok();
    assert_eq!(made["session"]["tenantId"], "t1");
    assert!(made["session"]["handle"].as_str().unwrap().ends_with("_t1"));
}

const USER: &str = "/recipe/multitenancy/tenant/user";
const USER_REMOVE: &str = "/recipe/multitenancy/tenant/user/remove";

async fn nobody_can_be_put_into_a_tenant_who_is_not_there(w: &World) {
    tenant(w, "", json!({ "tenantId": "t1" })).await.ok();
    for path in [USER, USER_REMOVE] {
        let path = format!("/t1{path}");
        w.post("5.4", &path, json!({ "recipeUserId": "nobody" })).await.says("UNKNOWN_USER_ID_ERROR");
        w.post("3.1", &path, json!({ "userId": "nobody" })).await.says("UNKNOWN_USER_ID_ERROR");
        w.post("4.0", &path, json!({ "userId": "u" })).await.refuses(400, "Field name 'recipeUserId' is invalid in JSON input");
        w.post("3.1", &path, json!({ "recipeUserId": "u" })).await.refuses(400, "Field name 'userId' is invalid in JSON input");
        w.post("4.0", &path, json!({ "recipeUserId": " " })).await.refuses(400, "Field name 'userId' cannot be an empty String");
        w.post("3.0", &path, json!({ "userId": "" })).await.refuses(400, "Field name 'userId' cannot be an empty String");
        w.post("5.4", &path, json!({ "recipeUserId": "x".repeat(5000) })).await.says("UNKNOWN_USER_ID_ERROR");
    }
    w.post("5.4", &format!("/t2{USER}"), json!({ "recipeUserId": "nobody" })).await.refuses(
        400,
        "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: \
         (, public, t2)",
    );
}

scenarios!(World:
    a_tenant_is_new_once,
    a_tenant_may_change_itself,
    names_are_checked,
    without_a_name_it_is_the_public_tenant,
    lists_have_the_public_tenant_too,
    versions_before_tenants_know_only_the_public_one,
    sessions_of_a_tenant_carry_its_name,
    nobody_can_be_put_into_a_tenant_who_is_not_there,
);

//! Who may do what (core-multitenancy.md 2.1), and what is said first (2.3).

use serde_json::json;

use super::{APP_V2, TENANT_V2, app, shown, tenant};
use crate::{World, scenarios};

const WRITE_TENANT: &str = "You must use the public or same tenant to add/update a tenant";
const WRITE_APP: &str = "You must use the public or same app to add/update an app";

/// Apps `a1` and `a2`, tenant `t1` of `a1` and of the public app.
async fn a_few(w: &World) {
    let at = app(w, "a1").await;
    app(w, "a2").await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    tenant(w, "", json!({ "tenantId": "t1" })).await.ok();
}

async fn tenants_are_written_from_the_public_or_the_same_one(w: &World) {
    a_few(w).await;
    for path in [TENANT_V2, "/recipe/multitenancy/tenant"] {
        w.put("5.4", &format!("/appid-a1/t1{path}"), json!({ "tenantId": "t2" })).await.refuses(403, WRITE_TENANT);
        w.put("5.4", &format!("/appid-a1/t1{path}"), json!({})).await.refuses(403, WRITE_TENANT);
        w.put("5.4", &format!("/appid-a1/t1{path}"), json!({ "tenantId": "t1" })).await.ok();
        w.put("5.4", &format!("/appid-a1{path}"), json!({ "tenantId": "t1" })).await.ok();
    }
}

async fn apps_are_written_from_the_public_or_the_same_one(w: &World) {
    a_few(w).await;
    for path in [APP_V2, "/recipe/multitenancy/app"] {
        for (from, target) in [("/appid-a1", "a2"), ("/appid-a1", "public"), ("/t1", "a3"), ("/appid-a1/t1", "a1")] {
            w.put("5.4", &format!("{from}{path}"), json!({ "appId": target })).await.refuses(403, WRITE_APP);
        }
        w.put("5.4", &format!("/appid-a1{path}"), json!({})).await.refuses(403, WRITE_APP);
        w.put("5.4", &format!("/appid-a1{path}"), json!({ "appId": "a1" })).await.ok();
        w.put("5.4", path, json!({ "appId": "a1" })).await.ok();
    }
}

async fn domains_are_written_from_the_base_tenant(w: &World) {
    a_few(w).await;
    let words = "You must use the default or same connectionUriDomain to create/update a connectionUriDomain";
    for from in ["/t1", "/appid-a1"] {
        for v2 in ["", "/v2"] {
            let path = format!("{from}/recipe/multitenancy/connectionuridomain{v2}");
            w.put("5.4", &path, json!({ "connectionUriDomain": "c1.example" })).await.refuses(403, words);
            // Without a name it would be the public app, which is not theirs either.
            w.put("5.4", &path, json!({ "firstFactors": ["otp-email"] })).await.refuses(403, words);
        }
    }
    assert_eq!(shown(w, "").await.get("firstFactors"), None);
    w.put("5.4", "/recipe/multitenancy/connectionuridomain/v2", json!({ "firstFactors": ["otp-email"] })).await.ok();
    assert_eq!(shown(w, "").await["firstFactors"], json!(["otp-email"]));
}

async fn what_is_refused_by_itself_opens_no_transaction(w: &World) {
    a_few(w).await;
    let many: serde_json::Map<_, _> = (0..20_000).map(|n| (format!("k{n}"), json!(n))).collect();
    for (from, body, status, words) in [
        ("/appid-a1", json!({ "appId": "a2", "coreConfig": many }), 403, WRITE_APP),
        ("", json!({ "appId": "a2", "coreConfig": many }), 400, "Invalid core config: Invalid config key: k0"),
        ("", json!({ "coreConfig": many }), 400, "Cannot modify base config"),
    ] {
        let (trips, answer) = w.trips(w.put("5.4", &format!("{from}{APP_V2}"), body)).await;
        answer.refuses(status, words);
        assert_eq!(trips, 0, "{words}");
    }
    let many: Vec<String> = (0..257).map(|n| format!("f{n}")).collect();
    let put = async |body| w.put("5.4", APP_V2, body).await;
    put(json!({ "appId": "a1", "firstFactors": many }))
        .await
        .refuses(400, "firstFactors should not contain more than 256 values");
    put(json!({ "appId": "a1", "firstFactors": many[..256] })).await.ok();
}

async fn lists_are_for_the_public_ones(w: &World) {
    a_few(w).await;
    let tenants = "Only the public tenantId is allowed to list all tenants associated with this app";
    let apps = "Only the public tenantId and public appId is allowed to list all apps associated with this connection uri domain";
    let domains = "Only the public tenantId, public appId and default connectionUriDomain is allowed to list all \
                   connectionUriDomains and appIds associated with this core";
    for v2 in ["", "/v2"] {
        for from in ["/t1", "/appid-a1/t1"] {
            w.get("5.4", &format!("{from}/recipe/multitenancy/tenant/list{v2}")).await.refuses(403, tenants);
        }
        for from in ["/t1", "/appid-a1", "/appid-a1/t1"] {
            w.get("5.4", &format!("{from}/recipe/multitenancy/app/list{v2}")).await.refuses(403, apps);
            w.get("5.4", &format!("{from}/recipe/multitenancy/connectionuridomain/list{v2}")).await.refuses(403, domains);
        }
    }
}

async fn removing_is_for_the_public_ones(w: &World) {
    a_few(w).await;
    let remove =
        async |from: &str, what: &str, body| w.post("5.4", &format!("{from}/recipe/multitenancy/{what}/remove"), body).await;
    let words = "Only the public tenantId is allowed to delete a tenant";
    remove("/appid-a1/t1", "tenant", json!({ "tenantId": "t1" })).await.refuses(403, words);
    let words = "Cannot delete public tenant, use remove app API instead";
    remove("/appid-a1", "tenant", json!({ "tenantId": "public" })).await.refuses(403, words);
    let words = "Only the public tenantId and public appId is allowed to delete an app";
    for from in ["/t1", "/appid-a1", "/appid-a1/t1"] {
        remove(from, "app", json!({ "appId": "a2" })).await.refuses(403, words);
    }
    let words = "Cannot delete the public app, use remove connection uri domain API instead";
    remove("", "app", json!({ "appId": "public" })).await.refuses(403, words);
    let words = "Please delete all tenants except the public tenant for this app before calling the delete API";
    remove("", "app", json!({ "appId": "a1" })).await.refuses(403, words);
    let words =
        "Only the public tenantId, public appId and default connectionUriDomain is allowed to delete a connectionUriDomain";
    for from in ["/t1", "/appid-a1"] {
        remove(from, "connectionuridomain", json!({ "connectionUriDomain": "c1" })).await.refuses(403, words);
    }
    assert_eq!(shown(w, "/appid-a1/t1").await["tenantId"], "t1");
    assert_eq!(shown(w, "/appid-a2").await["tenantId"], "public");
}

async fn a_bad_body_is_reported_before_a_missing_permission(w: &World) {
    a_few(w).await;
    let put = async |body| w.put("5.4", &format!("/appid-a1/t1{TENANT_V2}"), body).await;
    put(json!({ "tenantId": "t2", "coreConfig": "x", "firstFactors": 1 }))
        .await
        .refuses(400, "Field name 'coreConfig' is invalid in JSON input");
    put(json!({ "tenantId": "t2", "firstFactors": ["a", "a"] }))
        .await
        .refuses(400, "firstFactors input should not contain duplicate values");
    put(json!({ "tenantId": "t2", "firstFactors": ["a b"] }))
        .await
        .refuses(400, "firstFactors should contain only 0-9,a-z,A-Z,_,.,- characters");
    // And a missing permission before a bad configuration.
    put(json!({ "tenantId": "t2", "coreConfig": { "nonsense": 1 } })).await.refuses(403, WRITE_TENANT);
    w.get("5.4", "/appid-a1/t2/recipe/multitenancy/tenant").await.says("TENANT_NOT_FOUND_ERROR");
}

async fn an_installation_may_look_after_one_domain_only(w: &World) {
    w.with_config(json!({ "supertokens_saas_load_only_cud": "c1.example" })).await;
    let put = async |name: &str| {
        w.put("5.4", "/recipe/multitenancy/connectionuridomain/v2", json!({ "connectionUriDomain": name, "coreConfig": 1 })).await
    };
    put("c2.example").await.refuses(400, "Creation of connection uri domain or app or tenant is disallowed");
    put("c1.example").await.refuses(400, "Field name 'coreConfig' is invalid in JSON input");
}

scenarios!(World:
    tenants_are_written_from_the_public_or_the_same_one,
    apps_are_written_from_the_public_or_the_same_one,
    domains_are_written_from_the_base_tenant,
    lists_are_for_the_public_ones,
    removing_is_for_the_public_ones,
    what_is_refused_by_itself_opens_no_transaction,
    a_bad_body_is_reported_before_a_missing_permission,
    an_installation_may_look_after_one_domain_only,
);

//! What one may log in with, asked and answered in every generation (core-multitenancy.md 3).

use serde_json::{Value, json};

use super::{TENANT, TENANT_V2, shown, sorted};
use crate::{World, scenarios};

/// Changes `t1` by the path without `/v2`.
async fn put(w: &World, cdi: &str, settings: Value) {
    let mut body = settings;
    body["tenantId"] = json!("t1");
    w.put(cdi, TENANT, body).await.ok();
}

async fn put_v2(w: &World, settings: Value) {
    let mut body = settings;
    body["tenantId"] = json!("t1");
    w.put("5.4", TENANT_V2, body).await.ok();
}

/// Which of emailPassword, thirdParty, passwordless are enabled.
async fn enabled(w: &World, cdi: &str) -> [bool; 3] {
    let tenant = w.get(cdi, &format!("/t1{TENANT}")).await.ok();
    ["emailPassword", "thirdParty", "passwordless"].map(|recipe| tenant[recipe]["enabled"].as_bool().unwrap())
}

async fn a_tenant_of_an_old_version_starts_with_nothing(w: &World) {
    for version in ["3.0", "3.1", "4.0"] {
        put(w, version, json!({})).await;
        assert_eq!(enabled(w, version).await, [false; 3]);
        assert_eq!(shown(w, "/t1").await["firstFactors"], json!([]));
        w.post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
    }
}

async fn a_tenant_of_version_5_starts_with_nothing(w: &World) {
    put(w, "5.0", json!({})).await;
    assert_eq!(enabled(w, "5.0").await, [false; 3]);
    let tenant = w.get("5.0", &format!("/t1{TENANT}")).await.ok();
    assert_eq!(tenant.get("firstFactors"), None);
    assert_eq!(shown(w, "/t1").await["firstFactors"], json!([]));
}

async fn a_tenant_of_v2_starts_with_everything_but_a_way_in(w: &World) {
    put_v2(w, json!({})).await;
    assert_eq!(shown(w, "/t1").await["firstFactors"], json!([]));
    assert_eq!(enabled(w, "4.0").await, [false; 3]);
    assert_eq!(enabled(w, "5.0").await, [false; 3]);
}

async fn flags_of_old_versions_become_factors(w: &World) {
    put(w, "4.0", json!({ "emailPasswordEnabled": true })).await;
    assert_eq!(enabled(w, "4.0").await, [true, false, false]);
    assert_eq!(shown(w, "/t1").await["firstFactors"], json!(["emailpassword"]));
    put(w, "3.1", json!({ "passwordlessEnabled": true })).await;
    assert_eq!(enabled(w, "3.0").await, [true, false, true]);
    put(w, "3.1", json!({ "emailPasswordEnabled": false })).await;
    assert_eq!(enabled(w, "4.0").await, [false, false, true]);
    let tenant = shown(w, "/t1").await;
    assert_eq!(sorted(&tenant["firstFactors"]), ["link-email", "link-phone", "otp-email", "otp-phone"]);
    let old = w.get("4.0", &format!("/t1{TENANT}")).await.ok();
    assert_eq!(old.get("firstFactors"), None);
}

async fn version_5_has_flags_and_factors(w: &World) {
    put(w, "5.0", json!({ "emailPasswordEnabled": true, "thirdPartyEnabled": true })).await;
    assert_eq!(enabled(w, "5.0").await, [true, true, false]);
    assert_eq!(sorted(&shown(w, "/t1").await["firstFactors"]), ["emailpassword", "thirdparty"]);
    put(w, "5.0", json!({ "firstFactors": ["emailpassword", "custom"], "requiredSecondaryFactors": ["otp-email", "totp"] }))
        .await;
    let tenant = w.get("5.3", &format!("/t1{TENANT}")).await.ok();
    assert_eq!(sorted(&tenant["firstFactors"]), ["custom", "emailpassword"]);
    assert_eq!(sorted(&tenant["requiredSecondaryFactors"]), ["otp-email", "totp"]);
    assert_eq!(enabled(w, "5.0").await, [true; 3]);
    put(w, "5.0", json!({ "passwordlessEnabled": false })).await;
    let tenant = w.get("5.3", &format!("/t1{TENANT}")).await.ok();
    assert_eq!(tenant["requiredSecondaryFactors"], json!(["totp"]));
    put(w, "5.0", json!({ "firstFactors": null, "requiredSecondaryFactors": null })).await;
    let tenant = w.get("5.3", &format!("/t1{TENANT}")).await.ok();
    assert_eq!((tenant.get("firstFactors"), tenant.get("requiredSecondaryFactors")), (None, None));
    assert_eq!(enabled(w, "5.0").await, [true, true, false]);
}

async fn v2_says_exactly_what_was_said(w: &World) {
    for factors in [json!(["emailpassword"]), json!([]), json!(["custom"]), json!(["otp-email", "otp-phone"])] {
        put_v2(w, json!({ "firstFactors": factors })).await;
        assert_eq!(shown(w, "/t1").await["firstFactors"], factors);
    }
    put_v2(w, json!({ "firstFactors": null, "requiredSecondaryFactors": ["totp"] })).await;
    let tenant = shown(w, "/t1").await;
    assert_eq!((tenant.get("firstFactors"), &tenant["requiredSecondaryFactors"]), (None, &json!(["totp"])));
    put_v2(w, json!({ "requiredSecondaryFactors": [] })).await;
    assert_eq!(shown(w, "/t1").await.get("requiredSecondaryFactors"), None);
}

async fn generations_read_what_the_others_wrote(w: &World) {
    put_v2(w, json!({ "firstFactors": ["emailpassword", "custom"], "requiredSecondaryFactors": ["emailpassword", "custom"] }))
        .await;
    assert_eq!(enabled(w, "4.0").await, [true, false, false]);
    assert_eq!(enabled(w, "5.0").await, [true; 3]);
    put(w, "4.0", json!({ "thirdPartyEnabled": true })).await;
    assert_eq!(sorted(&shown(w, "/t1").await["firstFactors"]), ["custom", "emailpassword", "thirdparty"]);
    put(w, "5.0", json!({ "emailPasswordEnabled": false })).await;
    let tenant = shown(w, "/t1").await;
    assert_eq!(sorted(&tenant["firstFactors"]), ["custom", "thirdparty"]);
    assert_eq!(tenant["requiredSecondaryFactors"], json!(["custom"]));
    assert_eq!(enabled(w, "5.0").await, [false, true, true]);
}

async fn what_is_refused_is_not_written(w: &World) {
    put_v2(w, json!({ "firstFactors": ["totp"] })).await;
    let none = "cannot be empty. Set null instead to remove all";
    let disabled = "because emailPassword is disabled for the tenant.";
    let cases = [
        ("5.0", TENANT, json!({ "firstFactors": [] }), format!("firstFactors {none} first factors.")),
        (
            "5.4",
            TENANT,
            json!({ "requiredSecondaryFactors": [] }),
            format!("requiredSecondaryFactors {none} required secondary factors."),
        ),
        (
            "5.0",
            TENANT,
            json!({ "emailPasswordEnabled": false, "firstFactors": ["emailpassword"] }),
            format!("Invalid core config: firstFactors should not contain 'emailpassword' {disabled}"),
        ),
        (
            "4.0",
            TENANT,
            json!({ "emailPasswordEnabled": "x" }),
            "Field name 'emailPasswordEnabled' is invalid in JSON input".into(),
        ),
        ("4.0", TENANT, json!({ "thirdPartyEnabled": null }), "Field name 'thirdPartyEnabled' is invalid in JSON input".into()),
        ("5.0", TENANT, json!({ "firstFactors": "x" }), "Field name 'firstFactors' is invalid in JSON input".into()),
        ("5.4", TENANT_V2, json!({ "firstFactors": [1] }), "Field name 'firstFactors' is invalid in JSON input".into()),
        (
            "5.4",
            TENANT_V2,
            json!({ "firstFactors": ["a", "a"] }),
            "firstFactors input should not contain duplicate values".into(),
        ),
        (
            "5.4",
            TENANT_V2,
            json!({ "firstFactors": ["a/b"] }),
            "firstFactors should contain only 0-9,a-z,A-Z,_,.,- characters".into(),
        ),
        (
            "5.4",
            TENANT_V2,
            json!({ "emailPasswordEnabled": true }),
            "emailPasswordEnabled is not a valid input for this API".into(),
        ),
        ("5.4", TENANT_V2, json!({ "thirdPartyEnabled": true }), "thirdParty is not a valid input for this API".into()),
        ("2.7", TENANT_V2, json!({ "passwordlessEnabled": true }), "passwordless is not a valid input for this API".into()),
    ];
    for (version, path, mut body, sentence) in cases {
        body["tenantId"] = json!("t1");
        w.put(version, path, body.clone()).await.refuses(400, &sentence);
        body["tenantId"] = json!("t2");
        w.put(version, path, body).await.refuses(400, &sentence);
    }
    assert_eq!(shown(w, "/t1").await["firstFactors"], json!(["totp"]));
    w.get("5.4", &format!("/t2{TENANT_V2}")).await.says("TENANT_NOT_FOUND_ERROR");
}

scenarios!(World:
    a_tenant_of_an_old_version_starts_with_nothing,
    a_tenant_of_version_5_starts_with_nothing,
    a_tenant_of_v2_starts_with_everything_but_a_way_in,
    flags_of_old_versions_become_factors,
    version_5_has_flags_and_factors,
    v2_says_exactly_what_was_said,
    generations_read_what_the_others_wrote,
    what_is_refused_is_not_written,
);

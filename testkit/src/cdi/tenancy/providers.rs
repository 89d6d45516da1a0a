//! Third-party providers: stored and given back as they were sent (core-multitenancy.md 4).

use serde_json::{Value, json};

use super::{TENANT_V2, app, count, shown, tenant};
use crate::{Answer, World, scenarios};

const PROVIDER: &str = "/recipe/multitenancy/config/thirdparty";

async fn put(w: &World, at: &str, config: Value) -> Answer {
    w.put("5.4", &format!("{at}{PROVIDER}"), json!({ "config": config })).await
}

async fn remove(w: &World, at: &str, id: &str) -> Value {
    w.post("5.4", &format!("{at}{PROVIDER}/remove"), json!({ "thirdPartyId": id })).await.ok()
}

async fn providers(w: &World, at: &str) -> Value {
    shown(w, at).await["thirdParty"]["providers"].clone()
}

fn empty_map() -> Value {
    json!({ "fromIdTokenPayload": {}, "fromUserInfoAPI": {} })
}

async fn a_provider_comes_back_as_it_was_sent(w: &World) {
    let at = app(w, "a1").await;
    let full = json!({
        "thirdPartyId": "google", "name": "Google",
        "clients": [
            { "clientId": "one", "clientSecret": "s", "scope": ["email", "profile"], "forcePKCE": true },
            { "clientType": "web", "clientId": "two", "scope": [], "additionalConfig": { "deep": { "n": 1, "x": null } } },
        ],
        "authorizationEndpoint": "https://a", "authorizationEndpointQueryParams": { "hello": "world", "gone": null },
        "tokenEndpoint": "https://t", "tokenEndpointBodyParams": { "gone": null },
        "userInfoEndpoint": "https://u", "userInfoEndpointQueryParams": {}, "userInfoEndpointHeaders": { "h": null },
        "jwksURI": "https://j", "oidcDiscoveryEndpoint": "https://o", "requireEmail": false,
        "userInfoMap": {
            "fromIdTokenPayload": { "userId": "id", "email": "mail", "emailVerified": "ok" },
            "fromUserInfoAPI": { "userId": "sub" },
        },
    });
    assert_eq!(put(w, &at, full.clone()).await.ok(), json!({ "status": "OK", "createdNew": true }));
    assert_eq!(providers(w, &at).await, json!([full]));
    for version in ["3.0", "4.0", "5.0"] {
        let tenant = w.get(version, &format!("{at}/recipe/multitenancy/tenant")).await.ok();
        assert_eq!(tenant["thirdParty"]["providers"], json!([full]), "{version}");
    }
    if w.target().kind() != crate::target::Kind::Memory {
        w.restart().await;
        assert_eq!(providers(w, &at).await, json!([full]));
    }
}

async fn a_provider_is_replaced_as_a_whole(w: &World) {
    put(w, "", json!({ "thirdPartyId": " c ", "name": "one", "clients": [{ "clientId": "i" }] })).await.ok();
    assert_eq!(put(w, "", json!({ "thirdPartyId": "c", "jwksURI": "u" })).await.ok()["createdNew"], false);
    let expected = json!([{ "thirdPartyId": "c", "clients": [], "jwksURI": "u", "userInfoMap": empty_map() }]);
    assert_eq!(providers(w, "").await, expected);
    assert_eq!(count(w, "tenant_thirdparty_provider_clients").await, 0);
}

async fn nulls_and_unknown_members_are_dropped(w: &World) {
    let config = json!({
        "thirdPartyId": "c", "name": null, "clients": null, "requireEmail": null, "tokenEndpointBodyParams": null,
        "userInfoMap": { "fromIdTokenPayload": null }, "unknown": { "x": 1 },
    });
    put(w, "", config).await.ok();
    assert_eq!(providers(w, "").await, json!([{ "thirdPartyId": "c", "clients": [], "userInfoMap": empty_map() }]));
}

async fn a_provider_belongs_to_one_tenant(w: &World) {
    let at = app(w, "a1").await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    put(w, &format!("{at}/t1"), json!({ "thirdPartyId": "c" })).await.ok();
    assert_eq!(providers(w, &at).await, json!([]));
    assert_eq!(providers(w, &format!("{at}/t1")).await.as_array().unwrap().len(), 1);
    // A change of the tenant keeps it.
    tenant(w, &at, json!({ "tenantId": "t1", "firstFactors": ["thirdparty"] })).await.ok();
    assert_eq!(providers(w, &format!("{at}/t1")).await.as_array().unwrap().len(), 1);
}

async fn a_provider_is_removed_once(w: &World) {
    put(w, "", json!({ "thirdPartyId": "c", "clients": [{ "clientId": "i" }] })).await.ok();
    assert_eq!(remove(w, "", " c ").await, json!({ "status": "OK", "didConfigExist": true }));
    assert_eq!(remove(w, "", "c").await, json!({ "status": "OK", "didConfigExist": false }));
    assert_eq!(providers(w, "").await, json!([]));
    assert_eq!(count(w, "tenant_thirdparty_providers").await, 0);
    w.post("5.4", &format!("{PROVIDER}/remove"), json!({}))
        .await
        .refuses(400, "Field name 'thirdPartyId' is invalid in JSON input");
}

async fn what_is_refused_is_not_written(w: &World) {
    let field = |name: &str| format!("Field name '{name}' is invalid in JSON input");
    w.put("5.4", PROVIDER, json!({})).await.refuses(400, &field("config"));
    w.put("5.4", PROVIDER, json!({ "config": "x" })).await.refuses(400, &field("config"));
    w.put("5.4", PROVIDER, json!({ "config": { "thirdPartyId": "c" }, "skipValidation": "x" }))
        .await
        .refuses(400, &field("skipValidation"));
    let client = |client: Value| json!({ "thirdPartyId": "c", "clients": [client] });
    let cases = [
        (json!({}), field("thirdPartyId")),
        (json!({ "thirdPartyId": null }), field("thirdPartyId")),
        (json!({ "thirdPartyId": "c", "clients": "x" }), field("clients")),
        (json!({ "thirdPartyId": "c", "requireEmail": "x" }), field("requireEmail")),
        (json!({ "thirdPartyId": " " }), "Invalid third party config: thirdPartyId cannot be null or empty".into()),
        (client(json!({})), "Invalid third party config: clientId cannot be null".into()),
        (
            client(json!({ "clientId": "i", "scope": [null] })),
            "Invalid third party config: scope array cannot contain a null".into(),
        ),
        (
            json!({ "thirdPartyId": "c", "clients": [{ "clientId": "i" }, { "clientId": "j" }] }),
            "Invalid third party config: Duplicate clientType was specified in the clients list.".into(),
        ),
        (
            json!({ "thirdPartyId": "x".repeat(29) }),
            "Invalid third party config: thirdPartyId must not be longer than 28 characters".to_owned(),
        ),
        (
            client(json!({ "clientId": "i".repeat(257) })),
            "Invalid third party config: clientId must not be longer than 256 characters".to_owned(),
        ),
    ];
    for (config, sentence) in cases {
        put(w, "", config).await.refuses(400, &sentence);
    }
    assert_eq!(providers(w, "").await, json!([]));
}

async fn some_providers_need_more_unless_validation_is_skipped(w: &World) {
    let config =
        |id: &str, more: Value| json!({ "thirdPartyId": id, "clients": [{ "clientId": "i", "additionalConfig": more }] });
    let cases = [
        (
            config("apple", json!({ "keyId": "k", "teamId": "t" })),
            "a non empty string value must be specified for keyId, teamId and privateKey in the additionalConfig for Apple provider",
        ),
        (config("google-workspaces", json!({ "hd": "" })), "hd in additionalConfig must be a non empty string value"),
        (
            config("boxy-saml", json!({ "boxyURL": 1 })),
            "a non empty string value must be specified for boxyURL in the additionalConfig for Boxy SAML provider",
        ),
    ];
    for (config, reason) in cases {
        put(w, "", config.clone()).await.refuses(400, &format!("Invalid third party config: {reason}"));
        let skipped = json!({ "config": config, "skipValidation": true });
        assert_eq!(w.put("5.4", PROVIDER, skipped).await.ok()["createdNew"], true);
        // From then on every change of the tenant finds it, until it is mended or removed.
        let path = TENANT_V2;
        w.put("5.4", path, json!({})).await.refuses(400, &format!("Invalid third party config: {reason}"));
        remove(w, "", config["thirdPartyId"].as_str().unwrap()).await;
        w.put("5.4", path, json!({})).await.ok();
    }
}

async fn a_tenant_that_is_not_there_has_no_providers(w: &World) {
    let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not \
                 found: (, public, t1)";
    put(w, "/t1", json!({ "thirdPartyId": "c" })).await.refuses(400, words);
    w.post("5.4", &format!("/t1{PROVIDER}/remove"), json!({ "thirdPartyId": "c" })).await.refuses(400, words);
}

async fn texts_that_no_table_holds_are_refused(w: &World) {
    let at = app(w, "a1").await;
    for (config, field) in [
        (json!({ "thirdPartyId": "a\0b" }), "thirdPartyId"),
        (json!({ "thirdPartyId": "a", "name": "a\0b" }), "name"),
        (json!({ "thirdPartyId": "a", "clients": [{ "clientId": "i", "clientSecret": "\0" }] }), "clientSecret"),
        (json!({ "thirdPartyId": "a", "clients": [{ "clientId": "i", "scope": ["\0"] }] }), "scope"),
        (json!({ "thirdPartyId": "a", "userInfoMap": { "fromUserInfoAPI": { "email": "\0" } } }), "email"),
    ] {
        put(w, &at, config).await.refuses(400, &format!("Field name '{field}' is invalid in JSON input"));
    }
    // Within an object it is JSON, which is stored as it was sent.
    put(w, &at, json!({ "thirdPartyId": "a", "tokenEndpointBodyParams": { "x": "a\0b" } })).await.ok();
    assert_eq!(providers(w, &at).await[0]["tokenEndpointBodyParams"], json!({ "x": "a\0b" }));
}

async fn there_are_no_more_clients_than_anyone_needs(w: &World) {
    let at = app(w, "a1").await;
    let clients = |n: usize| (0..n).map(|n| json!({ "clientType": n.to_string(), "clientId": "i" })).collect::<Vec<_>>();
    let config = |n: usize| json!({ "thirdPartyId": "a", "clients": clients(n) });
    put(w, &at, config(257)).await.refuses(400, "Invalid third party config: there must not be more than 256 clients");
    put(w, &at, config(256)).await.ok();
    assert_eq!(providers(w, &at).await[0]["clients"].as_array().map(Vec::len), Some(256));
}

scenarios!(World:
    a_provider_comes_back_as_it_was_sent,
    a_provider_is_replaced_as_a_whole,
    nulls_and_unknown_members_are_dropped,
    a_provider_belongs_to_one_tenant,
    a_provider_is_removed_once,
    what_is_refused_is_not_written,
    some_providers_need_more_unless_validation_is_skipped,
    a_tenant_that_is_not_there_has_no_providers,
    texts_that_no_table_holds_are_refused,
    there_are_no_more_clients_than_anyone_needs,
);

//! `coreConfig`: how it is laid over what is stored, what is refused, what it changes (core-multitenancy.md 2.2 to 2.4,
//! core-server.md 9.6 and 9.7).

use serde_json::{Value, json};

use super::{APP_V2, TENANT_V2, app, shown, tenant};
use crate::cdi::place::put_tenant;
use crate::cdi::session::plain;
use crate::target::Kind;
use crate::{Answer, World, members, scenarios};

async fn configure(w: &World, app: &str, config: Value) -> Answer {
    w.put("5.4", APP_V2, json!({ "appId": app, "coreConfig": config })).await
}

async fn of_tenant(w: &World, at: &str, name: &str, config: Value) -> Answer {
    tenant(w, at, json!({ "tenantId": name, "coreConfig": config })).await
}

async fn values_are_kept_as_they_were_sent(w: &World) {
    let at = app(w, "a1").await;
    let config =
        json!({ "access_token_validity": "2", "refresh_token_validity": 10.5, "access_token_signing_key_dynamic": "TRUE" });
    configure(w, "a1", config.clone()).await.ok();
    assert_eq!(shown(w, &at).await["coreConfig"], config);
    let text = w.get("5.4", &format!("{at}{TENANT_V2}")).await.text;
    assert!(text.contains(r#""access_token_validity":"2","refresh_token_validity":10.5"#), "{text}");
}

async fn new_members_are_laid_over_the_old_and_a_null_takes_one_away(w: &World) {
    let at = app(w, "a1").await;
    let steps = [
        (json!({ "access_token_validity": 60 }), json!({ "access_token_validity": 60 })),
        (json!({ "password_hashing_alg": "ARGON2" }), json!({ "access_token_validity": 60, "password_hashing_alg": "ARGON2" })),
        (json!({ "access_token_validity": 61 }), json!({ "access_token_validity": 61, "password_hashing_alg": "ARGON2" })),
        (json!({}), json!({ "access_token_validity": 61, "password_hashing_alg": "ARGON2" })),
        (json!({ "access_token_validity": null }), json!({ "password_hashing_alg": "ARGON2" })),
        // Taken away a second time, the null itself is stored and means nothing.
        (json!({ "access_token_validity": null }), json!({ "password_hashing_alg": "ARGON2", "access_token_validity": null })),
        (json!({ "access_token_validity": null, "password_hashing_alg": null }), json!({})),
    ];
    for (given, expected) in steps {
        configure(w, "a1", given.clone()).await.ok();
        assert_eq!(shown(w, &at).await["coreConfig"], expected, "{given}");
    }
    // A change of something else leaves it alone.
    configure(w, "a1", json!({ "access_token_validity": 60 })).await.ok();
    w.put("5.4", APP_V2, json!({ "appId": "a1", "firstFactors": ["otp-email"] })).await.ok();
    assert_eq!(shown(w, &at).await["coreConfig"], json!({ "access_token_validity": 60 }));
}

async fn what_is_refused_is_not_written(w: &World) {
    let at = app(w, "a1").await;
    let cases = [
        (json!({ "nonsense": 1 }), "Invalid config key: nonsense"),
        (json!({ "nonsense": null }), "Invalid config key: nonsense"),
        (json!({ "isNormalizedAndValid": true }), "Invalid config key: isNormalizedAndValid"),
        (json!({ "port": 1 }), "port can only be set via the core's base config setting"),
        (json!({ "bcrypt_log_rounds": 4 }), "bcrypt_log_rounds can only be set via the core's base config setting"),
        (json!({ "supertokens_saas_secret": "x" }), "supertokens_saas_secret can only be set via the core's base config setting"),
        (json!({ "access_token_validity": "abc" }), "'access_token_validity' must be of type long"),
        (json!({ "access_token_validity": {} }), "'access_token_validity' must be of type long"),
        (json!({ "access_token_validity": 1.5 }), "'access_token_validity' must be of type long"),
        (json!({ "access_token_signing_key_dynamic": 1 }), "'access_token_signing_key_dynamic' must be of type boolean"),
        (json!({ "access_token_validity": 0 }), "'access_token_validity' must be between 1 and 86400000 seconds inclusive."),
        (
            json!({ "access_token_validity": 86_400_001 }),
            "'access_token_validity' must be between 1 and 86400000 seconds inclusive.",
        ),
        (json!({ "access_token_validity_jitter": 0.26 }), "'access_token_validity_jitter' must be between 0 and 0.25 inclusive."),
        (
            json!({ "access_token_validity": 7200, "refresh_token_validity": 120 }),
            "'refresh_token_validity' must be strictly greater than 'access_token_validity'.",
        ),
        (
            json!({ "access_token_dynamic_signing_key_update_interval": "0.001" }),
            "'access_token_dynamic_signing_key_update_interval' must be greater than, equal to 1 hour.",
        ),
        (json!({ "api_keys": "short" }), "One of the API keys is too short. Please use at least 20 characters"),
        (json!({ "ip_allow_regex": "*" }), "Provided regular expression is invalid for ip_allow_regex config"),
    ];
    for (config, reason) in cases {
        configure(w, "a1", config.clone()).await.refuses(400, &format!("Invalid core config: {reason}"));
        configure(w, "a2", config).await.refuses(400, &format!("Invalid core config: {reason}"));
    }
    assert_eq!(shown(w, &at).await["coreConfig"], json!({}));
    w.get("5.4", &format!("/appid-a2{TENANT_V2}")).await.says("TENANT_NOT_FOUND_ERROR");
    for bad in [json!(null), json!("x"), json!(1), json!([1, 2])] {
        configure(w, "a1", bad).await.refuses(400, "Field name 'coreConfig' is invalid in JSON input");
    }
}

async fn the_base_tenant_has_the_base_configuration(w: &World) {
    configure(w, "public", json!({ "access_token_validity": 60 })).await.refuses(400, "Cannot modify base config");
    tenant(w, "", json!({ "coreConfig": { "access_token_validity": 60 } })).await.refuses(400, "Cannot modify base config");
    configure(w, "public", json!({})).await.ok();
}

async fn a_database_of_its_own_is_refused_by_name(w: &World) {
    for key in ["postgresql_connection_uri", "postgresql_database_name", "postgresql_host", "postgresql_table_schema"] {
        let answer = configure(w, "a1", json!({ key: "postgresql://u:hunter2@h/db" })).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.starts_with(&format!("Invalid core config: {key} ")), "{}", answer.text);
        assert!(!answer.text.contains("hunter2"));
    }
    w.get("5.4", &format!("/appid-a1{TENANT_V2}")).await.says("TENANT_NOT_FOUND_ERROR");
}

async fn tenants_of_an_app_agree_on_what_is_the_apps(w: &World) {
    let at = app(w, "a1").await;
    let differs = "Invalid core config: You cannot set different values for access_token_validity for the same appId";
    of_tenant(w, &at, "t1", json!({ "access_token_validity": 60 })).await.refuses(400, differs);
    of_tenant(w, &at, "t1", json!({ "access_token_validity": "3600" })).await.ok();
    // Now the app cannot move away from it.
    configure(w, "a1", json!({ "access_token_validity": 60 })).await.refuses(400, differs);
    of_tenant(w, &at, "t1", json!({ "access_token_validity": null })).await.ok();
    configure(w, "a1", json!({ "access_token_validity": 60 })).await.ok();
    of_tenant(w, &at, "t1", json!({ "access_token_validity": 3600 })).await.refuses(400, differs);
    of_tenant(w, &at, "t1", json!({ "access_token_validity": 60 })).await.ok();
    // What is the tenant's may differ.
    of_tenant(w, &at, "t1", json!({ "passwordless_code_lifetime": 1000 })).await.ok();
    of_tenant(w, &at, "t2", json!({ "passwordless_code_lifetime": 2000 })).await.ok();
}

async fn tenants_of_an_app_agree_whoever_writes_them(w: &World) {
    let other = w.second_core().await;
    let at = app(w, "a1").await;
    let differs = "Invalid core config: You cannot set different values for access_token_validity for the same appId";
    of_tenant(&other, &at, "t0", json!({})).await.ok();
    // Neither core has heard what the other has just written.
    configure(w, "a1", json!({ "access_token_validity": 60 })).await.ok();
    of_tenant(&other, &at, "t1", json!({ "access_token_validity": 3600 })).await.refuses(400, differs);
    of_tenant(&other, &at, "t1", json!({ "access_token_validity": 60 })).await.ok();
    configure(w, "a1", json!({ "access_token_validity": 61 })).await.refuses(400, differs);
    assert_eq!(shown(w, &at).await["coreConfig"], json!({ "access_token_validity": 60 }));
}

async fn settings_of_an_app_count_for_its_sessions(w: &World) {
    let at = app(w, "a1").await;
    let lifetime = async |path: &str| {
        let made = w.post("5.4", &format!("{path}/recipe/session"), plain("u")).await.ok();
        made["refreshToken"]["expiry"].as_i64().unwrap() - made["refreshToken"]["createdTime"].as_i64().unwrap()
    };
    let usual = lifetime(&at).await;
    configure(w, "a1", json!({ "refresh_token_validity": "100" })).await.ok();
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    assert_eq!(lifetime(&at).await, 100 * 60 * 1000);
    assert_eq!(lifetime(&format!("{at}/t1")).await, 100 * 60 * 1000);
    assert_eq!(lifetime("").await, usual);
    configure(w, "a1", json!({ "refresh_token_validity": null })).await.ok();
    assert_eq!(lifetime(&format!("{at}/t1")).await, usual);
}

async fn version_limits_of_an_app_count_for_it(w: &World) {
    let at = app(w, "a1").await;
    let limits = json!({ "supertokens_max_cdi_version": "4.0", "supertokens_min_cdi_version": "3.0" });
    configure(w, "a1", limits).await.ok();
    w.get("5.0", &format!("{at}/recipe/multitenancy/tenant")).await.refuses(400, "cdi-version 5.0 not supported");
    w.get("2.21", &format!("{at}/recipe/multitenancy/tenant"))
        .await
        .refuses(400, "cdi-version 2.21 is lower than the minimum allowed version 3.0");
    let versions = w.get("4.0", &format!("{at}/apiversion")).await.done();
    assert!(!versions["versions"].as_array().unwrap().contains(&json!("5.0")));
    w.get("5.0", "/recipe/multitenancy/tenant").await.ok();
}

const SECRET: &str = "a-secret-for-operators-of-forty-characters";
const KEY: &str = "a-key-of-twenty-chars-";

async fn with_key(w: &World, key: &str, method: &str, path: &str, body: Value) -> Answer {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    w.raw(method, path, &[("api-key", key), ("cdi-version", "5.4")], body).await
}

async fn protected_settings_belong_to_the_operator(w: &World) {
    w.with_config(json!({ "api_keys": KEY, "supertokens_saas_secret": SECRET })).await;
    let put =
        async |key: &str, config: Value| with_key(w, key, "PUT", APP_V2, json!({ "appId": "a1", "coreConfig": config })).await;
    let config_for =
        async |key: &str| with_key(w, key, "GET", &format!("/appid-a1{TENANT_V2}"), json!({})).await.ok()["coreConfig"].clone();
    put(KEY, json!({ "access_token_validity": 60 })).await.ok();
    let core = "Not allowed to modify protected configs.";
    put(KEY, json!({ "ip_deny_regex": "10[.].*" })).await.refuses(403, core);
    put(KEY, json!({ "saml_legacy_acs_url": "https://x" })).await.refuses(403, core);
    let database = "Not allowed to modify DB related configs.";
    put(KEY, json!({ "postgresql_host": "h" })).await.refuses(403, database);
    put(SECRET, json!({ "ip_deny_regex": "10[.].*" })).await.ok();
    assert_eq!(config_for(SECRET).await, json!({ "access_token_validity": 60, "ip_deny_regex": "10[.].*" }));
    assert_eq!(config_for(KEY).await, json!({ "access_token_validity": 60 }));
    // It cannot be taken away either, and does not stand in the way of other changes.
    put(KEY, json!({ "ip_deny_regex": null })).await.refuses(403, core);
    put(KEY, json!({ "access_token_validity": 61, "ip_deny_regex": "10[.].*" })).await.ok();
    let list = with_key(w, KEY, "GET", "/recipe/multitenancy/app/list/v2", json!({})).await;
    assert!(!list.text.contains("ip_deny_regex"), "{}", list.text);
}

async fn the_dashboard_lists_what_can_be_set(w: &World) {
    let at = app(w, "a1").await;
    configure(w, "a1", json!({ "access_token_validity": 60 })).await.ok();
    of_tenant(w, &at, "t1", json!({ "passwordless_code_lifetime": 1000 })).await.ok();
    let items =
        async |path: &str| w.get("5.4", &format!("{path}/recipe/dashboard/tenant/core-config")).await.ok()["config"].clone();
    let of_t1 = items(&format!("{at}/t1")).await;
    let item = |key: &str| of_t1.as_array().unwrap().iter().find(|item| item["key"] == key).cloned();
    assert_eq!(members(&of_t1[0]).len(), 10);
    assert_eq!(item("access_token_validity").unwrap()["value"], 60);
    assert_eq!(item("access_token_validity").unwrap()["isDifferentAcrossTenants"], false);
    assert_eq!(item("passwordless_code_lifetime").unwrap()["value"], 1000);
    assert_eq!(item("passwordless_code_lifetime").unwrap()["defaultValue"], 900_000);
    assert_eq!(item("password_hashing_alg").unwrap()["possibleValues"], json!(["ARGON2", "BCRYPT"]));
    // Where the database is was told by an address, not by keys of the configuration.
    let pool = item("postgresql_connection_pool_size").map(|item| item["value"].clone());
    assert_eq!(pool, (w.target().kind() == Kind::Postgres).then(|| json!(10)));
    for hidden in ["api_keys", "port", "supertokens_max_cdi_version", "access_token_signing_key_dynamic", "database_url"] {
        assert_eq!(item(hidden), None, "{hidden}");
    }
    let of_base = items("").await;
    assert!(of_base.as_array().unwrap().iter().any(|item| item["key"] == "access_token_validity" && item["value"] == 3600));
    w.get("5.4", "/nobody/recipe/dashboard/tenant/core-config").await.refuses(
        400,
        "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: \
         (, public, nobody)",
    );
}

async fn a_secret_of_the_base_is_nobodys_to_read(w: &World) {
    let config = json!({ "api_keys": KEY, "firebase_password_hashing_signer_key": "the-secret-of-the-base" });
    w.with_config(config).await;
    let own_key = "another-key-of-twenty-chars";
    let body = json!({ "appId": "shop", "coreConfig": { "api_keys": own_key } });
    with_key(w, KEY, "PUT", APP_V2, body).await.ok();
    let path = "/appid-shop/recipe/dashboard/tenant/core-config";
    let own = with_key(w, own_key, "GET", path, json!({})).await;
    assert!(!own.text.contains("the-secret-of-the-base"), "{}", own.text);
    let items = own.ok()["config"].as_array().unwrap().clone();
    let signer = items.iter().find(|item| item["key"] == "firebase_password_hashing_signer_key").unwrap();
    assert_eq!((&signer["value"], members(signer).len()), (&json!(null), 10));
    // Nor by any other of the lists.
    for path in ["/appid-shop/recipe/multitenancy/tenant/v2", "/appid-shop/recipe/multitenancy/tenant/list/v2"] {
        let answer = with_key(w, own_key, "GET", path, json!({})).await;
        assert!(!answer.text.contains("the-secret-of-the-base") && !answer.text.contains(KEY), "{}", answer.text);
    }
}

async fn equal_rules_are_one_and_other_changes_compile_none(w: &World) {
    let at = app(w, "a1").await;
    let compiled = || w.core().tenants().rules().compiled();
    let before = compiled();
    let rule = json!({ "ip_allow_regex": r"(?i)(?:\w{1,4}){1,4}|127[.].*", "ip_deny_regex": "10[.].*" });
    for n in 0..20 {
        of_tenant(w, &at, &format!("t{n}"), rule.clone()).await.ok();
    }
    assert_eq!(compiled() - before, 2);
    configure(w, "a1", json!({ "saml_sp_entity_id": "x" })).await.ok();
    configure(w, "a1", json!({ "access_token_validity": 60 })).await.ok();
    of_tenant(w, &at, "t3", json!({ "passwordless_code_lifetime": 1000 })).await.ok();
    w.core().run_chore(supertokens_core::chores::Chore::SyncTenants).await.expect("the list is read");
    assert_eq!(compiled() - before, 2);
    of_tenant(w, &at, "t4", json!({ "ip_deny_regex": "11[.].*" })).await.ok();
    assert_eq!(compiled() - before, 3);
    // They count all the same.
    of_tenant(w, &at, "t5", json!({ "ip_deny_regex": "127[.].*" })).await.ok();
    assert_eq!(w.get("5.4", &format!("{at}/t5/hello")).await.status, 403);
    assert_eq!(w.get("5.4", &format!("{at}/t4/hello")).await.status, 200);
}

async fn a_rule_that_would_take_much_room_is_refused(w: &World) {
    let at = app(w, "a1").await;
    let list: Vec<String> = (0..1_000).map(|n| format!(r"10\.0\.{}\.{}", n / 256, n % 256)).collect();
    for large in [list.join("|"), r"(?:.{1,30}){1,30}".to_owned()] {
        let answer = of_tenant(w, &at, "t1", json!({ "ip_allow_regex": large })).await;
        assert_eq!(answer.status, 400);
        let words = "Invalid core config: Provided regular expression is too large for ip_allow_regex config: ";
        assert!(answer.text.starts_with(words), "{}", answer.text);
    }
    of_tenant(w, &at, "t1", json!({ "ip_allow_regex": format!("127[.].*|{}", list[..100].join("|")) })).await.ok();
}

/// What another process has stored since the list was read counts, for what is refused as for what is written.
async fn a_change_is_of_what_is_stored_not_of_what_was_known(w: &World) {
    let at = app(w, "a1").await;
    of_tenant(w, &at, "t1", json!({ "passwordless_code_lifetime": 1 })).await.ok();
    put_tenant(w, "a1", "t1", json!({ "passwordless_code_lifetime": 2, "totp_max_attempts": 3 })).await;
    of_tenant(w, &at, "t1", json!({ "passwordless_code_lifetime": 4 })).await.ok();
    assert_eq!(
        shown(w, &format!("{at}/t1")).await["coreConfig"],
        json!({ "passwordless_code_lifetime": 4, "totp_max_attempts": 3 })
    );
    // The app has another value by now, with which the tenant would have to agree.
    put_tenant(w, "a1", "", json!({ "access_token_validity": 60 })).await;
    of_tenant(w, &at, "t1", json!({ "access_token_validity": 60 })).await.ok();
    // And a tenant that is not known here stands in the way of its app.
    put_tenant(w, "a1", "t2", json!({ "access_token_validity": 60 })).await;
    let words = "Invalid core config: You cannot set different values for access_token_validity for the same appId";
    configure(w, "a1", json!({ "access_token_validity": 61 })).await.refuses(400, words);
    w.write("delete from tenant_configs where app_id = 'a1' and tenant_id <> 'public'").await;
    configure(w, "a1", json!({ "access_token_validity": 61 })).await.ok();
}

scenarios!(World:
    equal_rules_are_one_and_other_changes_compile_none,
    a_rule_that_would_take_much_room_is_refused,
    a_change_is_of_what_is_stored_not_of_what_was_known,
    values_are_kept_as_they_were_sent,
    new_members_are_laid_over_the_old_and_a_null_takes_one_away,
    what_is_refused_is_not_written,
    the_base_tenant_has_the_base_configuration,
    a_database_of_its_own_is_refused_by_name,
    tenants_of_an_app_agree_on_what_is_the_apps,
    tenants_of_an_app_agree_whoever_writes_them needs ASharedDatabase,
    settings_of_an_app_count_for_its_sessions,
    version_limits_of_an_app_count_for_it,
    protected_settings_belong_to_the_operator,
    the_dashboard_lists_what_can_be_set,
    a_secret_of_the_base_is_nobodys_to_read,
);

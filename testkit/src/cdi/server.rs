//! The server itself (core-server.md 6b and 7): greeting, versions, statistics, licence, migration.

use serde_json::{Value, json};
use supertokens_domain::time::{DAY, MINUTE, SECOND};

use super::door::{greets, unknown_place};
use super::place::{count, is_forgetful, put_tenant};
use crate::{World, members, scenarios};

const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";

async fn everyone_is_greeted(w: &World) {
    put_tenant(w, "a", "", json!({})).await;
    put_tenant(w, "a", "t1", json!({})).await;
    for method in ["GET", "POST", "PUT", "DELETE"] {
        for path in ["/hello", "/", "/appid-a/hello", "/appid-a/t1/hello/", "/appid-a/ghost/hello", "/appid-a/t1", "/appid-a"] {
            w.clock.advance(SECOND);
            greets(&w.raw(method, path, &[], "not JSON").await);
        }
    }
    for path in ["/appid-x/hello", "/appid-x/t1/hello"] {
        let answer = w.raw("GET", path, &[], "").await;
        assert!(answer.status == 400 && answer.text.starts_with("AppId or tenantId not found => "), "{}", answer.text);
    }
}

async fn greetings_look_at_the_database_but_not_too_often(w: &World) {
    put_tenant(w, "a", "", json!({})).await;
    w.raw("GET", "/appid-a/telemetry", &[], "").await.done();
    let looks = async |path: &str| {
        let (trips, answer) = w.trips(w.raw("GET", path, &[], "")).await;
        greets(&answer);
        trips > 0
    };
    for n in 0..5 {
        assert!(looks(if n % 2 == 0 { "/hello" } else { "/" }).await, "greeting {n}");
    }
    assert!(!looks("/hello").await && !looks("/").await);
    assert!(looks("/appid-a/hello").await, "each app has its own measure");
    w.clock.advance(199);
    assert!(!looks("/hello").await);
    w.clock.advance(201);
    assert!(looks("/hello").await);
    w.clock.advance(DAY);
    for _ in 0..5 {
        assert!(looks("/hello").await);
    }
    assert!(!looks("/hello").await);
}

async fn a_core_without_its_database_does_not_greet(w: &World) {
    w.write("drop table key_value").await;
    let answer = w.get("5.4", "/hello").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text.contains("key_value"), "{}", answer.text);
}

fn versions(said: &Value) -> Vec<&str> {
    let mut versions: Vec<&str> = said["versions"].as_array().expect("versions").iter().filter_map(Value::as_str).collect();
    versions.sort_by_key(|version| {
        let (major, minor) = version.split_once('.').expect("a version");
        (major.parse::<u8>().expect("a number"), minor.parse::<u8>().expect("a number"))
    });
    versions
}

async fn the_versions_are_told(w: &World) {
    let all = [
        "2.7", "2.8", "2.9", "2.10", "2.11", "2.12", "2.13", "2.14", "2.15", "2.16", "2.17", "2.18", "2.19", "2.20", "2.21",
        "3.0", "3.1", "4.0", "5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6",
    ];
    let said = w.raw("GET", "/apiversion", &[], "").await.done();
    assert_eq!(members(&said), ["versions"]);
    assert_eq!(versions(&said), all);
    put_tenant(w, "a", "", json!({ "supertokens_max_cdi_version": "3.1", "supertokens_min_cdi_version": "2.9" })).await;
    put_tenant(w, "a", "t1", json!({})).await;
    assert_eq!(versions(&w.get("3.1", "/appid-a/apiversion").await.done()), all[..17]);
    assert_eq!(versions(&w.get("3.0", "/appid-a/t1/apiversion").await.done()), all[..17]);
    put_tenant(w, "", "t1", json!({})).await;
    w.get("5.0", "/t1/apiversion").await.refuses(403, ONLY_PUBLIC);
    w.get("4.0", "/t1/apiversion").await.done();
}

async fn what_sdks_say_of_their_domains_is_kept(w: &World) {
    w.get("5.4", "/apiversion").await.done();
    assert_eq!(count(w, "key_value where name in ('websiteDomain', 'apiDomain')").await, 0);
    w.get("5.4", "/apiversion?websiteDomain=https%3A%2F%2Fa.example&apiDomain=https://b.example").await.done();
    w.get("5.4", "/apiversion?apiDomain=https://c.example").await.done();
    let stored =
        "select name, value from key_value where tenant_id = 'public' and name in ('websiteDomain', 'apiDomain') order by name";
    let pair = |name: &str, value: &str| vec![Some(name.to_owned()), Some(value.to_owned())];
    assert_eq!(w.rows(stored).await, [pair("apiDomain", "https://c.example"), pair("websiteDomain", "https://a.example")]);
}

async fn the_configuration_file_is_told_to_its_own_process(w: &World) {
    let said = w.get("5.4", "/config?pid=world").await.ok();
    assert_eq!(members(&said), ["path", "status"]);
    assert_eq!(members(&w.get("5.4", "/config?pid=1").await.says("NOT_ALLOWED")), ["status"]);
    w.get("5.4", "/config").await.refuses(400, "Field name 'pid' is missing in GET request");
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "a", "", json!({})).await;
    for path in ["/t1/config?pid=world", "/appid-a/config?pid=world"] {
        let words = "you can call this only from the base connection uri domain, public app and tenant";
        w.get("5.4", path).await.refuses(403, words);
    }
    for (path, place) in
        [("/appid-ghost/nobody", "(, ghost, nobody)"), ("/appid-ghost", "(, ghost, public)"), ("/ghost", "(, public, ghost)")]
    {
        unknown_place(&w.get("5.4", &format!("{path}/config?pid=world")).await, place);
    }
}

async fn an_installation_has_an_id(w: &World) {
    put_tenant(w, "silent", "", json!({ "disable_telemetry": true })).await;
    put_tenant(w, "", "t1", json!({})).await;
    assert_eq!(w.get("5.4", "/appid-silent/telemetry").await.text, "{\"exists\":false}\n");
    w.get("5.4", "/t1/telemetry").await.refuses(403, ONLY_PUBLIC);
    let answer = w.get("5.4", "/telemetry").await;
    if is_forgetful(w) {
        assert_eq!(answer.text, "{\"exists\":false}\n");
        return;
    }
    let said = answer.done();
    assert_eq!(members(&said), ["exists", "telemetryId"]);
    assert_eq!(said["telemetryId"].as_str().map(str::len), Some(36));
    assert_eq!(w.value("select value from key_value where name = 'TELEMETRY_ID'").await.as_deref(), said["telemetryId"].as_str());
    w.restart().await;
    assert_eq!(w.get("4.0", "/t1/telemetry").await.done(), said);
}

async fn requests_are_counted_by_minute(w: &World) {
    put_tenant(w, "a", "", json!({})).await;
    put_tenant(w, "", "t1", json!({})).await;
    w.clock.advance(40 * SECOND); // the begin of a minute
    let minute = w.clock.now() / MINUTE;
    for _ in 0..3 {
        w.get("5.4", "/telemetry").await;
    }
    w.get("2.6", "/telemetry").await.refuses(400, "cdi-version 2.6 not supported");
    w.clock.advance(SECOND);
    w.delete("5.4", "/t1/recipe/session").await;
    w.get("2.7", "/t1/hello").await.refuses(404, "Not found"); // not counted
    w.get("5.4", "/appid-a/hello").await;
    w.clock.advance(2 * MINUTE);
    let answer = w.get("5.4", "/requests/stats").await;
    let said = answer.ok();
    assert_eq!(members(&said), ["atMinute", "averageRequestsPerSecond", "peakRequestsPerSecond", "status"]);
    assert_eq!(said["atMinute"], minute + 2);
    let (averages, peaks) = (said["averageRequestsPerSecond"].as_array(), said["peakRequestsPerSecond"].as_array());
    let (averages, peaks) = (averages.expect("averages"), peaks.expect("peaks"));
    assert_eq!((averages.len(), peaks.len()), (1440, 1440));
    assert_eq!(peaks[1437..], [json!(-1), json!(4), json!(0)]);
    assert_eq!(averages[1437..], [json!(-1.0), json!(5.0 / 60.0), json!(0.0)]);
    assert!(answer.text.contains("-1.0,-1.0") && answer.text.contains(",0.0]"), "averages are written with a fraction");
    assert_eq!(w.get("5.4", "/appid-a/requests/stats").await.ok()["peakRequestsPerSecond"][1438], 1);
    w.get("5.4", "/t1/requests/stats").await.refuses(403, ONLY_PUBLIC);
    w.clock.advance(DAY);
    let later = w.get("5.4", "/requests/stats").await.ok();
    assert_eq!(later["peakRequestsPerSecond"][1439], 0);
    assert_eq!(later["peakRequestsPerSecond"][0], 2, "{}", later["peakRequestsPerSecond"]);
}

async fn every_feature_is_on(w: &World) {
    let said = w.get("5.4", "/ee/featureflag").await.ok();
    assert_eq!(members(&said), ["features", "status", "usageStats"]);
    let features: Vec<&str> = said["features"].as_array().expect("features").iter().filter_map(Value::as_str).collect();
    for feature in ["account_linking", "multi_tenancy", "dashboard_login", "mfa", "security", "oauth", "saml"] {
        assert!(features.contains(&feature), "{feature}");
    }
    assert!(said["usageStats"].is_object());
    put_tenant(w, "", "t1", json!({})).await;
    w.get("5.4", "/t1/ee/featureflag").await.refuses(403, ONLY_PUBLIC);
    w.get("4.0", "/t1/ee/featureflag").await.ok();
}

async fn any_licence_is_kept_and_changes_nothing(w: &World) {
    let path = "/ee/license";
    let none = async || assert_eq!(members(&w.get("5.4", path).await.says("NO_LICENSE_KEY_FOUND_ERROR")), ["status"]);
    none().await;
    w.put("5.4", path, json!({})).await.ok();
    none().await;
    let features = w.get("5.4", "/ee/featureflag").await.json();
    assert_eq!(w.put("5.4", path, json!({ "licenseKey": "any" })).await.text, "{\"status\":\"OK\"}\n");
    assert_eq!(w.get("5.4", path).await.ok(), json!({ "status": "OK", "licenseKey": "any" }));
    w.put("5.4", path, json!({})).await.ok();
    assert_eq!(w.get("5.4", path).await.ok()["licenseKey"], "any");
    assert_eq!(w.get("5.4", "/ee/featureflag").await.json(), features);
    w.put("5.4", path, json!({ "other": 1 })).await.refuses(400, "Field name 'licenseKey' is missing in JSON input");
    w.put("5.4", path, json!({ "licenseKey": 1 })).await.refuses(400, "Field name 'licenseKey' is invalid in JSON input");
    w.raw("PUT", path, &[], "").await.refuses(400, "Invalid Json Input");
    assert_eq!(w.delete("5.4", path).await.text, "{\"status\":\"OK\"}\n");
    none().await;
    assert_eq!(w.value("select value from key_value where name = 'LICENSE_KEY'").await.as_deref(), Some("NOT_PRESENT"));
    put_tenant(w, "", "t1", json!({})).await;
    w.put("5.4", "/t1/ee/license", json!({})).await.refuses(403, ONLY_PUBLIC);
    w.get("5.4", "/t1/ee/license").await.refuses(403, ONLY_PUBLIC);
    w.delete("5.4", "/t1/ee/license").await.refuses(403, ONLY_PUBLIC);
}

async fn search_tags_are_the_same_everywhere(w: &World) {
    for path in ["/user/search/tags", "/ghost/user/search/tags", "/appid-ghost/user/search/tags"] {
        let answer = w.get("5.4", path).await;
        assert_eq!(answer.ok(), json!({ "status": "OK", "tags": ["email", "phone", "provider"] }));
    }
}

scenarios!(World:
    everyone_is_greeted,
    greetings_look_at_the_database_but_not_too_often,
    a_core_without_its_database_does_not_greet,
    the_versions_are_told,
    what_sdks_say_of_their_domains_is_kept,
    the_configuration_file_is_told_to_its_own_process,
    an_installation_has_an_id,
    requests_are_counted_by_minute,
    every_feature_is_on,
    any_licence_is_kept_and_changes_nothing,
    search_tags_are_the_same_everywhere,
);

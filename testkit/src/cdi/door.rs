//! Who is let in, and where a path leads (core-server.md 1 to 6, core-session.md 0.1 to 0.3): scenarios 98 and 99.

use http::Request;
use serde_json::{Value, json};
use supertokens_core::chores::Chore;
use supertokens_domain::ids::{AppId, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_domain::time::{MINUTE, SECOND};
use supertokens_store::TenantRecord;

use super::place::{count, put_tenant};
use super::session::plain;
use crate::{Answer, World, scenarios};

const KEY: &str = "abcdefghijklmnopqrstuvwxyz";
const SECOND_KEY: &str = "Second-Key-Of-This-App=1";
const SECRET: &str = "a-secret-of-operators-that-is-at-least-40-long";

/// Asks with nothing but these headers.
async fn bare(w: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    w.raw("GET", path, headers, "").await
}

/// A greeting.
#[track_caller]
pub fn greets(answer: &Answer) {
    answer.refuses(200, "Hello");
}

/// A place that is not there.
#[track_caller]
pub fn unknown_place(answer: &Answer, place: &str) {
    let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination";
    answer.refuses(400, &format!("{words} not found: {place}"));
}

async fn a_path_may_be_written_in_many_ways(w: &World) {
    for path in [
        "/recipe/session",
        "/recipe/session/",
        "/RECIPE/Session",
        "/public/recipe/session",
        "/appid-public/recipe/session",
        "/appid-public/public/recipe/session",
        "/APPID-PUBLIC/PUBLIC/RECIPE/SESSION/",
        "/appid-/recipe/session",
        "//recipe//session",
        "/recipe;a=b/session",
        "/%72ecipe/session",
    ] {
        let made = w.post("5.4", path, plain("u")).await.ok();
        assert_eq!(made["session"]["tenantId"], "public", "{path}");
    }
    assert_eq!(count(w, "session_info where app_id = 'public' and tenant_id = 'public'").await, 11);
}

async fn a_path_names_an_app_and_a_tenant(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "a", "", json!({})).await;
    put_tenant(w, "a", "t2", json!({})).await;
    for (path, app, tenant) in [
        ("/t1/recipe/session", "public", "t1"),
        ("/T1/recipe/session/", "public", "t1"),
        ("/appid-A/recipe/session", "a", "public"),
        ("/appid-a/public/recipe/session", "a", "public"),
        ("/Appid-a/T2/recipe/session", "a", "t2"),
    ] {
        let made = w.post("5.4", path, plain(&format!("u{path}"))).await.ok();
        assert_eq!(made["session"]["tenantId"], tenant, "{path}");
        let row = format!("session_info where app_id = '{app}' and tenant_id = '{tenant}' and user_id = 'u{path}'");
        assert_eq!(count(w, &row).await, 1, "{path}");
    }
}

async fn places_that_are_not_there_are_named(w: &World) {
    unknown_place(&w.post("5.4", "/ghost/recipe/session", plain("u")).await, "(, public, ghost)");
    unknown_place(&w.post("5.4", "/appid-x/recipe/session", plain("u")).await, "(, x, public)");
    unknown_place(&w.post("5.4", "/appid-X/Ghost/recipe/session", plain("u")).await, "(, x, ghost)");
    let headers = [("host", "unknown.example:3567"), ("cdi-version", "5.4")];
    let answer = w.raw("POST", "/ghost/recipe/session", &headers, plain("u").to_string()).await;
    unknown_place(&answer, "(, public, ghost)");
}

async fn a_tenant_that_may_not_ask_need_not_exist(w: &World) {
    let words = "Only public tenantId can call this app specific API";
    put_tenant(w, "a", "", json!({})).await;
    let questions = [
        ("GET", "/recipe/jwt/jwks"),
        ("GET", "/telemetry"),
        ("GET", "/users/count/active?since=0"),
        ("GET", "/recipe/session/user?userId=u"),
        ("POST", "/recipe/session/remove"),
    ];
    let body = json!({ "userId": "u" });
    for (method, path) in questions {
        let ask = async |cdi: &str, at: &str| {
            let body = if method == "POST" { body.to_string() } else { String::new() };
            w.raw(method, &format!("{at}{path}"), &[("cdi-version", cdi)], body).await
        };
        ask("5.4", "/appid-ghost/nobody").await.refuses(403, words);
        ask("5.4", "/appid-a/nobody").await.refuses(403, words);
        unknown_place(&ask("4.0", "/appid-ghost/nobody").await, "(, ghost, public)");
        unknown_place(&ask("5.4", "/appid-ghost").await, "(, ghost, public)");
    }
    // A token is verified without a place from 5.6 on.
    let check = json!({ "accessToken": "x", "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": false });
    w.post("5.6", "/appid-ghost/nobody/recipe/session/verify", check.clone()).await.refuses(403, words);
    unknown_place(&w.post("5.5", "/appid-ghost/nobody/recipe/session/verify", check).await, "(, ghost, public)");
    // The handshake is not there any more, wherever one asks for it.
    w.post("2.21", "/appid-ghost/recipe/handshake", json!({})).await.refuses(404, "Not found");
    w.post("5.6", "/appid-ghost/nobody/recipe/handshake", json!({})).await.refuses(404, "Not found");
    unknown_place(&w.post("2.20", "/appid-ghost/recipe/handshake", json!({})).await, "(, ghost, public)");
}

async fn a_root_greets_under_its_own_name_only(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    for path in ["/", "/public", "/public/", "/appid-public/", "/appid-public/public/", "/t1/", "//t1"] {
        greets(&bare(w, path, &[]).await);
    }
    for path in ["/appid-/", "/appid-", "/PUBLIC/", "/PUBLIC", "/appid-PUBLIC/", "/APPID-public/", "/T1", "/appid-/t1", "/%54%31"]
    {
        bare(w, path, &[]).await.refuses(404, "Not found");
    }
}

async fn unknown_paths_are_not_found(w: &World) {
    w.with_config(json!({ "api_keys": KEY })).await;
    put_tenant(w, "", "t1", json!({})).await;
    for path in ["/unknown", "/recipe/session/nothing", "/recipe", "/users/nothing", "/t1/unknown", "/appid-x/a/b", "/ghost"] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            w.raw(method, path, &[], "").await.refuses(404, "Not found");
        }
    }
    w.get("abc", "/unknown").await.refuses(400, "cdi-version header is invalid");
    w.get("2.6", "/recipe/nothing").await.refuses(400, "cdi-version 2.6 not supported");
    w.get("2.6", "/unknown").await.refuses(404, "Not found"); // it might be a tenant
    for path in ["/appid-x", "/appid-x/unknown"] {
        let answer = bare(w, path, &[]).await;
        assert!(answer.status == 400 && answer.text.starts_with("AppId or tenantId not found => "), "{}", answer.text);
    }
    greets(&bare(w, "/t1", &[]).await);
    greets(&bare(w, "/appid-public/t1/", &[]).await);
}

async fn a_verb_that_nobody_serves_is_refused(w: &World) {
    let words = "Method not supported";
    w.delete("5.4", "/recipe/session").await.refuses(405, words);
    w.put("5.4", "/recipe/session", json!({})).await.refuses(405, words);
    w.post("5.4", "/apiversion", json!({})).await.refuses(405, words);
    w.get("5.4", "/recipe/session/verify").await.refuses(405, words);
    w.post("5.4", "/.well-known/jwks.json", json!({})).await.refuses(405, words);
    for path in ["/recipe/session", "/config", "/recipe/nothing", "/appid-public/recipe/jwt"] {
        w.raw("OPTIONS", path, &[], "").await.refuses(405, words);
        assert_eq!(w.raw("HEAD", path, &[], "").await.status, 405, "{path}");
    }
    for path in ["/hello", "/"] {
        w.raw("PATCH", path, &[], "").await.refuses(405, words);
    }
    w.raw("DELETE", "/recipe/session", &[("cdi-version", "2.6")], "").await.refuses(400, "cdi-version 2.6 not supported");
}

/// With which load balancers and health checks ask as they come.
async fn greetings_answer_every_way_of_looking(w: &World) {
    w.with_config(json!({ "api_keys": KEY })).await;
    put_tenant(w, "", "t1", json!({})).await;
    for path in ["/hello", "/hello/", "/", "/t1", "/t1/hello", "/appid-public/hello", "/appid-public/t1/"] {
        let head = w.raw("HEAD", path, &[], "").await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        greets(&w.raw("OPTIONS", path, &[], "").await);
        let preflight = w.raw("OPTIONS", path, &[("origin", "https://a.example")], "").await;
        assert_eq!(preflight.header("access-control-allow-origin"), "", "{path}");
    }
    for path in ["/appid-x/hello", "/appid-x"] {
        assert_eq!(w.raw("HEAD", path, &[], "").await.status, 400, "{path}");
        unknown_place(&w.raw("OPTIONS", path, &[], "").await, "(, x, public)");
    }
    assert_eq!(w.raw("HEAD", "/ghost", &[], "").await.status, 404);
}

/// A link to a core, opened in a browser, must not become a page of the core's.
async fn no_answer_is_one_that_a_browser_runs(w: &World) {
    let tag = "%3Cimg%20src=x%20onerror=%22fetch(1)%22%3E%0A%1b";
    put_tenant(w, "", "t1", json!({})).await;
    let mut answers = Vec::new();
    for path in [
        "/hello".to_owned(),
        "/".to_owned(),
        format!("/{tag}"),
        format!("/appid-{tag}/hello"),
        format!("/recipe/{tag}"),
        format!("/recipe/session?sessionHandle=x_{tag}"),
        format!("/recipe/session/data?sessionHandle=x_{tag}"),
        format!("/recipe/jwt/data?sessionHandle=x_{tag}"),
        format!("/recipe/session?{tag}=1"),
        format!("/recipe/session/user?userId={tag}"),
        format!("/recipe/session/user?userId=u&fetchAcrossAllTenants={tag}"),
        format!("/config?pid={tag}"),
        "/.well-known/jwks.json".to_owned(),
        "/../x".to_owned(),
    ] {
        answers.push((path.clone(), bare(w, &path, &[]).await));
        answers.push((path.clone(), bare(w, &path, &[("cdi-version", "5.<b>")]).await));
        answers.push((path.clone(), w.raw("PROPFIND", &path, &[], "").await));
    }
    let hostile = "<script>alert(1)</script>\n";
    for (path, body) in [
        ("/recipe/session", json!({ hostile: 1 })),
        ("/recipe/session", json!({ "userId": hostile, "enableAntiCsrf": hostile })),
        ("/recipe/session/remove", json!({ "sessionHandles": [format!("x_{hostile}")] })),
        ("/recipe/session/verify", json!({ "accessToken": hostile, "doAntiCsrfCheck": false, "checkDatabase": false })),
        ("/recipe/session/refresh", json!({ "refreshToken": hostile, "enableAntiCsrf": false })),
        ("/recipe/session/regenerate", json!({ "accessToken": hostile })),
        ("/recipe/jwt", json!({ "algorithm": hostile, "payload": {}, "jwksDomain": hostile, "validity": 1 })),
    ] {
        answers.push((path.to_owned(), w.post("5.4", path, body).await));
    }
    for (path, body) in [
        ("/recipe/multitenancy/app/v2", json!({ "appId": hostile })),
        ("/recipe/multitenancy/app/v2", json!({ "appId": "a", "coreConfig": { hostile: hostile } })),
        ("/recipe/multitenancy/tenant/v2", json!({ "tenantId": hostile })),
        ("/recipe/multitenancy/tenant/v2", json!({ "tenantId": "t1", "firstFactors": [hostile] })),
        ("/recipe/session/data", json!({ "sessionHandle": format!("x_{hostile}"), "userDataInDatabase": {} })),
    ] {
        answers.push((path.to_owned(), w.put("5.4", path, body).await));
    }
    for (path, answer) in answers {
        let kind = answer.content_type.as_str();
        let safe = ["text/plain;charset=UTF-8", "application/json;charset=UTF-8"].contains(&kind);
        assert!(safe, "{path}: {} {kind}", answer.status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let policy = "default-src 'none'; frame-ancestors 'none'; sandbox";
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        if kind.starts_with("text/") {
            let line = answer.text.trim_end_matches('\n');
            assert!(!line.contains(['<', '\n', '\r', '\u{1b}']), "{path}: {line:?}");
        }
    }
}

async fn answers_are_framed(w: &World) {
    let made = w.post("5.4", "/recipe/session", plain("u")).await;
    assert!(made.text.starts_with(r#"{"session":{"handle":""#) && made.text.ends_with("}\n"), "{}", made.text);
    made.ok();
    w.post("5.4", "/recipe/session", json!([])).await.refuses(400, "Invalid Json Input");
    w.get("5.4", "/recipe/session").await.refuses(400, "Field name 'sessionHandle' is missing in GET request");
    for header in ["server", "access-control-allow-origin", "cache-control", "set-cookie"] {
        assert_eq!(made.header(header), "", "{header}");
    }
}

async fn a_failure_of_ours_keeps_its_cause_to_itself(w: &World) {
    let made = w.post("5.4", "/recipe/session", plain("u")).await.ok();
    w.write("drop table session_info").await;
    let handle = made["session"]["handle"].as_str().expect("a handle");
    let answer = w.get("5.4", &format!("/recipe/session?sessionHandle={handle}")).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (500, "text/plain;charset=UTF-8"));
    assert!(!answer.text.contains("session_info") && !answer.text.to_lowercase().contains("sql"), "{}", answer.text);
    greets(&w.get("5.4", "/hello").await);
}

async fn the_base_path_is_in_front_of_everything(w: &World) {
    w.with_config(json!({ "base_path": "some//base/" })).await;
    greets(&bare(w, "/some/base/hello", &[]).await);
    greets(&bare(w, "/some/base/", &[]).await);
    w.post("5.4", "/Some/Base/appid-public/public/recipe/session", plain("u")).await.ok();
    for path in ["/hello", "/some/hello", "/some/basement/hello", "/"] {
        assert_eq!(bare(w, path, &[]).await.status, 404, "{path}");
    }
    w.with_config(json!({ "base_path": "/" })).await;
    greets(&bare(w, "/hello", &[]).await);
}

async fn versions_are_negotiated(w: &World) {
    let path = "/telemetry";
    for version in ["2.7", "2.10", "2.21", "3.0", "3.1", "4.0", "5.0", "5.3", "5.4", "5.5", "5.6"] {
        w.get(version, path).await.done();
    }
    bare(w, path, &[]).await.done();
    for version in ["2.6", "3.2", "5.0.0", "2.07", "5.7", "5.10", "6.0", "99999999999999999999.0", "5", "5.6.1"] {
        w.get(version, path).await.refuses(400, &format!("cdi-version {version} not supported"));
    }
    for version in ["abc", "5.", ".5", "5..4", "v5.4", "5.4-beta", "-5.4"] {
        w.get(version, path).await.refuses(400, "cdi-version header is invalid");
        w.get(version, "/hello").await.refuses(400, "cdi-version header is invalid");
        w.get(version, "/apiversion").await.refuses(400, "cdi-version header is invalid");
    }
    for version in ["2.6", "3.2", "5.0.0", "5"] {
        greets(&w.get(version, "/hello").await);
        w.get(version, "/apiversion").await.done();
    }
    w.get("5.7", "/hello").await.refuses(400, "cdi-version 5.7 not supported");
}

async fn an_app_may_limit_the_versions(w: &World) {
    put_tenant(w, "new", "", json!({ "supertokens_min_cdi_version": "3.0" })).await;
    put_tenant(w, "old", "", json!({ "supertokens_max_cdi_version": "4.0" })).await;
    put_tenant(w, "old", "t1", json!({})).await;
    let below = "cdi-version 2.21 is lower than the minimum allowed version 3.0";
    w.get("2.21", "/appid-new/telemetry").await.refuses(400, below);
    w.get("2.21", "/appid-new/hello").await.refuses(400, below);
    w.get("3.0", "/appid-new/telemetry").await.done();
    bare(w, "/appid-new/telemetry", &[]).await.done();
    w.get("5.0", "/appid-old/telemetry").await.refuses(400, "cdi-version 5.0 not supported");
    w.get("5.0", "/appid-old/hello").await.refuses(400, "cdi-version 5.0 not supported");
    w.get("4.0", "/appid-old/telemetry").await.done();
    w.get("5.6", "/telemetry").await.done();
    // Without a version it is 4.0 that counts, where tenants may still ask.
    bare(w, "/appid-old/t1/telemetry", &[]).await.done();
    w.get("9.9", "/appid-ghost/telemetry").await.refuses(400, "cdi-version 9.9 not supported");
}

async fn tenants_are_unknown_below_3_0(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    for path in ["/t1/recipe/session/user?userId=u", "/t1/hello", "/ghost/hello", "/t1"] {
        w.get("2.21", path).await.refuses(404, "Not found");
        w.get("2.6", path).await.refuses(404, "Not found");
    }
    w.get("3.0", "/t1/recipe/session/user?userId=u").await.ok();
    w.get("2.21", "/public/recipe/session/user?userId=u").await.ok();
}

async fn a_key_is_asked_for(w: &World) {
    w.with_config(json!({ "api_keys": format!(" {KEY} , {SECOND_KEY}") })).await;
    let refused = "Invalid API key";
    let upper = KEY.to_uppercase();
    for headers in [
        &[][..],
        &[("api-key", "nonsense")],
        &[("api-key", &upper)],
        &[("api-key", "nonsense"), ("authorization", KEY)],
        &[("authorization", "Bearer nonsense")],
        &[("authorization", "Basic abcdefghijklmnopqrstuvwxyz")],
        &[("api-key", &KEY[..25])],
    ] {
        bare(w, "/telemetry", headers).await.refuses(401, refused);
        bare(w, "/recipe/session?sessionHandle=x", headers).await.refuses(401, refused);
    }
    for headers in [
        [("api-key", KEY)],
        [("api-key", SECOND_KEY)],
        [("api-key", " abcdefghijklmnopqrstuvwxyz ")],
        [("authorization", KEY)],
        [("authorization", "Bearer abcdefghijklmnopqrstuvwxyz")],
        [("authorization", "bEARER  abcdefghijklmnopqrstuvwxyz")],
    ] {
        bare(w, "/telemetry", &headers).await.done();
    }
    // The key comes before the version and the verb.
    w.get("abc", "/telemetry").await.refuses(401, refused);
    w.delete("5.4", "/recipe/session").await.refuses(401, refused);
    w.get("5.4", "/apiversion").await.refuses(401, refused);
}

async fn some_doors_need_no_key(w: &World) {
    w.with_config(json!({ "api_keys": KEY })).await;
    put_tenant(w, "", "t1", json!({})).await;
    greets(&bare(w, "/hello", &[]).await);
    greets(&bare(w, "/", &[("api-key", "nonsense")]).await);
    bare(w, "/config?pid=x", &[]).await.says("NOT_ALLOWED");
    bare(w, "/.well-known/jwks.json", &[]).await.done();
    // An unknown app has no keys; a real app's unknown tenant has those of the app.
    unknown_place(&w.post("5.4", "/appid-x/recipe/session", plain("u")).await, "(, x, public)");
    w.post("5.4", "/ghost/recipe/session", plain("u")).await.refuses(401, "Invalid API key");
    w.post("5.4", "/t1/recipe/session", plain("u")).await.refuses(401, "Invalid API key");
}

/// A page may send anything to anybody whom its reader's browser can reach.
async fn without_a_key_other_sites_are_refused(w: &World) {
    put_tenant(w, "keyed", "", json!({ "api_keys": KEY })).await;
    let words = "This core has no API key, so it answers nothing that a browser sends from another site. \
                 Set api_keys, and send one of them with each request";
    for header in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        w.raw("POST", "/recipe/session/remove", &[header], r#"{"userId":"u"}"#).await.refuses(403, words);
        bare(w, "/recipe/session/user?userId=u", &[header]).await.refuses(403, words);
        w.raw("OPTIONS", "/recipe/session", &[header], "").await.refuses(403, words);
        // What anybody may know anyway.
        greets(&bare(w, "/hello", &[header]).await);
        bare(w, "/.well-known/jwks.json", &[header]).await.done();
        // Who has a key is no page.
        bare(w, "/appid-keyed/telemetry", &[header, ("api-key", KEY)]).await.done();
        bare(w, "/appid-keyed/telemetry", &[header]).await.refuses(401, "Invalid API key");
    }
    bare(w, "/telemetry", &[("sec-fetch-site", "none"), ("sec-fetch-mode", "cors")]).await.done();
    // In an application's own process there is no browser.
    let within = Request::get("/telemetry").header("origin", "https://evil.example").body("".into()).expect("a request");
    assert_eq!(w.core().handle(within, None).await.status(), 200);
}

async fn each_app_has_its_keys(w: &World) {
    w.with_config(json!({ "api_keys": KEY })).await;
    put_tenant(w, "own", "", json!({ "api_keys": SECOND_KEY })).await;
    put_tenant(w, "own", "t1", json!({})).await;
    put_tenant(w, "heir", "", json!({})).await;
    for (path, good, bad) in [
        ("/appid-own/telemetry", SECOND_KEY, KEY),
        ("/appid-heir/telemetry", KEY, SECOND_KEY),
        ("/telemetry", KEY, SECOND_KEY),
        ("/appid-own/t1/users/count", SECOND_KEY, KEY),
    ] {
        bare(w, path, &[("api-key", good)]).await.done();
        bare(w, path, &[("api-key", bad)]).await.refuses(401, "Invalid API key");
    }
}

async fn operators_have_a_key_to_every_app(w: &World) {
    w.with_config(json!({ "api_keys": KEY, "supertokens_saas_secret": SECRET })).await;
    put_tenant(w, "own", "", json!({ "api_keys": SECOND_KEY })).await;
    for path in ["/telemetry", "/appid-own/telemetry"] {
        bare(w, path, &[("api-key", SECRET)]).await.done();
        bare(w, path, &[("authorization", &format!("Bearer {SECRET}"))]).await.done();
        bare(w, path, &[]).await.refuses(401, "Invalid API key");
    }
    bare(w, "/telemetry", &[("api-key", KEY)]).await.done();
}

async fn addresses_are_denied_and_allowed(w: &World) {
    let rules: [(Value, bool); 9] = [
        (json!({ "ip_deny_regex": r"127\.0\.0\.1" }), false),
        (json!({ "ip_deny_regex": "127" }), true),
        (json!({ "ip_deny_regex": r"10\..*" }), true),
        (json!({ "ip_deny_regex": "  " }), true),
        (json!({ "ip_allow_regex": r"10\..*" }), false),
        (json!({ "ip_allow_regex": r"127\.0\.0" }), false),
        (json!({ "ip_allow_regex": r"10\..*|127\..*" }), true),
        (json!({ "ip_allow_regex": r"127\..*", "ip_deny_regex": r".*\.1" }), false),
        (json!({ "ip_allow_regex": " " }), true),
    ];
    for (rule, enters) in rules {
        w.with_config(json!({ "ip_allow_regex": null, "ip_deny_regex": null })).await;
        w.with_config(rule.clone()).await;
        for path in ["/hello", "/telemetry", "/"] {
            let status = bare(w, path, &[("x-forwarded-for", "10.0.0.1")]).await.status;
            assert_eq!(status, if enters { 200 } else { 403 }, "{path} {rule}");
        }
    }
}

async fn an_address_is_looked_at_before_a_key(w: &World) {
    w.with_config(json!({ "api_keys": KEY })).await;
    put_tenant(w, "", "shut", json!({ "ip_deny_regex": ".*" })).await;
    put_tenant(w, "a", "", json!({ "ip_allow_regex": "10.*" })).await;
    let status = async |path: &str| bare(w, path, &[("cdi-version", "abc")]).await.status;
    assert_eq!(status("/shut/telemetry").await, 403);
    assert_eq!(status("/shut/hello").await, 403);
    assert_eq!(status("/appid-a/telemetry").await, 403);
    assert_eq!(status("/appid-a/ghost/telemetry").await, 403, "an unknown tenant has the rules of its app");
    assert_eq!(status("/appid-ghost/telemetry").await, 400, "an unknown app has no rules");
    assert_eq!(status("/telemetry").await, 401);
}

/// Stores a tenant of a connection URI domain, as the Java core would have left it.
async fn put_in_domain(w: &World, domain: &str, app: &str, overrides: Value) {
    let id =
        TenantIdentifier { cud: ConnectionUriDomain::normalise(domain), app: AppId::normalise(app), tenant: TenantId::default() };
    let record = TenantRecord { id, core_config: overrides.to_string(), ..TenantRecord::base() };
    w.core().db().tx(async move |tx| tx.save_tenant(&record, 1).await).await.expect("the tenant is stored");
    w.core().run_chore(Chore::SyncTenants).await.expect("the list is read");
}

/// Asks the core under a host name; by a call, as a socket has a host of its own.
async fn at_host(w: &World, host: &str, path: &str) -> (u16, String) {
    let request = Request::post(path).header("host", host).body(plain("u").to_string().into()).expect("a request");
    let answer = w.core().handle(request, None).await;
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
}

async fn a_domain_that_is_not_served_is_not_the_default_one(w: &World) {
    let words = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination";
    put_in_domain(w, "c1.example", "", json!({ "postgresql_connection_uri": "postgresql://u@h/d", "api_keys": KEY })).await;
    put_in_domain(w, "c1.example", "a1", json!({})).await;
    // One that names no database of its own would answer with the users of the default one.
    put_in_domain(w, "c2.example", "", json!({})).await;
    for (host, path, place) in [
        ("c1.example", "/recipe/session", "(c1.example, public, public)"),
        ("C1.Example:3567", "/recipe/session", "(c1.example, public, public)"),
        ("c1.example", "/appid-a1/recipe/session", "(c1.example, a1, public)"),
        ("c1.example", "/appid-a2/recipe/session", "(c1.example, a2, public)"),
        ("c2.example", "/recipe/session", "(c2.example, public, public)"),
    ] {
        assert_eq!(at_host(w, host, path).await, (400, format!("{words} not found: {place}\n")), "{host}");
    }
    let (status, text) = at_host(w, "unknown.example", "/recipe/session").await;
    assert_eq!(status, 200, "{text}");
}

async fn an_installation_may_serve_one_domain_only(w: &World) {
    w.with_config(json!({ "supertokens_saas_load_only_cud": "c2.example" })).await;
    put_in_domain(w, "c1.example", "", json!({ "postgresql_host": "h" })).await;
    put_in_domain(w, "c2.example", "", json!({ "postgresql_host": "h" })).await;
    let disallowed = (400, "Connection URI domain is disallowed\n".to_owned());
    assert_eq!(at_host(w, "c1.example", "/recipe/session").await, disallowed);
    assert_eq!(at_host(w, "c1.example", "/hello").await, disallowed);
    assert!(at_host(w, "c2.example", "/recipe/session").await.1.starts_with("AppId or tenantId not found => "));
    assert_eq!(at_host(w, "unknown.example", "/recipe/session").await.0, 200);
}

async fn a_tenant_that_cannot_be_served_costs_nothing(w: &World) {
    put_tenant(w, "elsewhere", "", json!({ "postgresql_host": "h" })).await;
    put_tenant(w, "elsewhere", "t1", json!({})).await;
    put_tenant(w, "broken", "", json!({ "access_token_validity": 0 })).await;
    for path in ["/appid-elsewhere/hello", "/appid-elsewhere/t1/hello", "/appid-broken/hello"] {
        let refused = async || {
            let (trips, answer) = w.trips(bare(w, path, &[])).await;
            assert!(answer.status == 400 && answer.text.starts_with("AppId or tenantId not found => "), "{}", answer.text);
            trips
        };
        refused().await;
        w.clock.advance(MINUTE);
        assert_eq!(refused().await, 0, "{path}");
    }
    // Whoever mends it elsewhere is heard of when the list is read.
    put_tenant(w, "broken", "", json!({ "access_token_validity": 60 })).await;
    w.core().run_chore(Chore::SyncTenants).await.expect("the list is read");
    greets(&bare(w, "/appid-broken/hello", &[]).await);
}

async fn names_that_nobody_has_cost_little(w: &World) {
    let ask = async |path: String| {
        let (trips, answer) = w.trips(bare(w, &path, &[])).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        trips
    };
    let long = "a".repeat(65);
    assert_eq!(ask(format!("/appid-{long}/hello")).await, 0);
    assert_eq!(ask("/appid-x/hello".to_owned()).await, 1);
    assert_eq!(ask("/appid-x/hello".to_owned()).await, 0, "just asked");
    for n in 0..250 {
        ask(format!("/appid-x{n}/hello")).await;
    }
    assert_eq!(ask("/appid-y/hello".to_owned()).await, 0, "too many unknown names in this second");
    w.clock.advance(SECOND);
    assert_eq!(ask("/appid-y/hello".to_owned()).await, 1);
    // Those that are there are found all the while.
    put_tenant(w, "there", "", json!({})).await;
    greets(&bare(w, "/appid-there/hello", &[]).await);
}

scenarios!(World:
    a_path_may_be_written_in_many_ways,
    a_path_names_an_app_and_a_tenant,
    places_that_are_not_there_are_named,
    a_tenant_that_may_not_ask_need_not_exist,
    a_root_greets_under_its_own_name_only,
    unknown_paths_are_not_found,
    a_verb_that_nobody_serves_is_refused,
    greetings_answer_every_way_of_looking,
    no_answer_is_one_that_a_browser_runs,
    answers_are_framed,
    a_failure_of_ours_keeps_its_cause_to_itself,
    the_base_path_is_in_front_of_everything,
    versions_are_negotiated,
    an_app_may_limit_the_versions,
    tenants_are_unknown_below_3_0,
    a_key_is_asked_for,
    some_doors_need_no_key,
    without_a_key_other_sites_are_refused,
    each_app_has_its_keys,
    operators_have_a_key_to_every_app,
    addresses_are_denied_and_allowed,
    an_address_is_looked_at_before_a_key,
    a_domain_that_is_not_served_is_not_the_default_one,
    an_installation_may_serve_one_domain_only,
    a_tenant_that_cannot_be_served_costs_nothing,
    names_that_nobody_has_cost_little,
);

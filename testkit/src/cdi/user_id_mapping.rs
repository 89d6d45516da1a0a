//! Users under ids of an application's own: scenarios 1 to 35 of core-linking.md, but for what needs users who log in.

use serde_json::{Value, json};
use supertokens_domain::time::DAY;

use super::place::{count, in_query, make_app, put_tenant};
use super::session::races::at_once;
use super::session::{create, text};
use super::users::{id, put_user};
use crate::{Answer, World, scenarios};

const VECTORS: &str = include_str!("../../vectors/id_resolution.json");
const MAP: &str = "/recipe/userid/map";
const INFO: &str = "/recipe/userid/external-user-id-info";
const METADATA: &str = "/recipe/user/metadata";
const VERIFY: &str = "/recipe/user/email/verify";
const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";
const IS_INTERNAL: &str = "Cannot create a userId mapping where the externalId is also a SuperTokens userID";

fn invalid(field: &str) -> String {
    format!("Field name '{field}' is invalid in JSON input")
}

fn empty(field: &str) -> String {
    format!("Field name '{field}' cannot be an empty String")
}

fn in_use(recipe: &str) -> String {
    format!("UserId is already in use in {recipe} recipe")
}

/// Users 1 and 2.
async fn two_users(w: &World) -> (String, String) {
    put_user(w, "", 1, 1).await;
    put_user(w, "", 2, 2).await;
    (id(1), id(2))
}

/// Two tables have no key to the users whose accounts they hold.
async fn no_users(w: &World) {
    for table in ["app_id_to_user_id", "recipe_user_account_infos", "recipe_user_tenants"] {
        w.write(&format!("delete from {table}")).await;
    }
}

async fn ask(w: &World, cdi: &str, user: &str, external: &str, force: bool) -> Answer {
    w.post(cdi, MAP, json!({ "superTokensUserId": user, "externalUserId": external, "force": force })).await
}

async fn map(w: &World, user: &str, external: &str) -> Answer {
    ask(w, "5.6", user, external, false).await
}

async fn force(w: &World, user: &str, external: &str) {
    assert_eq!(ask(w, "5.6", user, external, true).await.text, "{\"status\":\"OK\"}\n");
}

async fn get(w: &World, user: &str, kind: &str) -> Answer {
    w.get("5.6", &format!("{MAP}?userId={}&userIdType={kind}", in_query(user))).await
}

async fn remove(w: &World, user: &str, kind: &str, force: bool) -> Answer {
    w.post("5.6", &format!("{MAP}/remove"), json!({ "userId": user, "userIdType": kind, "force": force })).await
}

async fn put_info(w: &World, user: &str, kind: &str, info: Value) -> Answer {
    w.put("5.6", INFO, json!({ "userId": user, "userIdType": kind, "externalUserIdInfo": info })).await
}

fn exists(answer: &Answer, of_user: bool, of_external: bool) {
    let expected = json!({
        "status": "USER_ID_MAPPING_ALREADY_EXISTS_ERROR",
        "doesSuperTokensUserIdExist": of_user,
        "doesExternalUserIdExist": of_external,
    });
    assert_eq!(answer.done(), expected);
}

async fn put_metadata(w: &World, user: &str) {
    w.put("5.6", METADATA, json!({ "userId": user, "metadataUpdate": {} })).await.ok();
}

async fn token(w: &World, user: &str) -> String {
    text(&w.post("5.6", &format!("{VERIFY}/token"), json!({ "userId": user, "email": "u@b.c" })).await.ok(), "/token")
}

async fn verify(w: &World, token: &str) -> Value {
    w.post("5.6", VERIFY, json!({ "method": "token", "token": token })).await.ok()
}

async fn is_verified(w: &World, user: &str) -> bool {
    w.get("5.6", &format!("{VERIFY}?userId={user}&email=u@b.c")).await.ok()["isVerified"] == true
}

async fn a_mapping_is_found_by_both_of_its_ids(w: &World) {
    let (u, _) = two_users(w).await;
    assert_eq!(map(w, &u, "ext").await.text, "{\"status\":\"OK\"}\n");
    let pair = format!("{{\"status\":\"OK\",\"superTokensUserId\":\"{u}\",\"externalUserId\":\"ext\"}}\n");
    for (user, kind) in [(u.as_str(), "ANY"), ("ext", "ANY"), (&u, "SUPERTOKENS"), ("ext", "EXTERNAL"), (" ext ", "%20ANY%20")] {
        assert_eq!(get(w, user, kind).await.text, pair, "{user} {kind}");
    }
    assert_eq!(w.get("5.6", &format!("{MAP}?userId=ext")).await.text, pair);
    let unknown = "{\"status\":\"UNKNOWN_MAPPING_ERROR\"}\n";
    for (user, kind) in [("ext", "SUPERTOKENS"), (u.as_str(), "EXTERNAL"), ("EXT", "ANY"), (&id(2), "ANY"), (&id(3), "ANY")] {
        assert_eq!(get(w, user, kind).await.text, unknown, "{user} {kind}");
    }
}

async fn each_id_is_mapped_once(w: &World) {
    let (u, v) = two_users(w).await;
    assert_eq!(map(w, &id(9), "ext").await.text, "{\"status\":\"UNKNOWN_SUPERTOKENS_USER_ID_ERROR\"}\n");
    map(w, &u, "ext").await.ok();
    exists(&map(w, &id(9), "ext").await, false, true);
    for forced in [false, true] {
        exists(&ask(w, "5.6", &u, "ext", forced).await, true, true);
        exists(&ask(w, "5.6", &u, "other", forced).await, true, false);
        exists(&ask(w, "5.6", &v, "ext", forced).await, false, true);
    }
    assert_eq!(count(w, "userid_mapping").await, 1);
}

async fn what_is_asked_is_trimmed_and_checked_in_order(w: &World) {
    let (u, _) = two_users(w).await;
    let post = async |path: &str, body: Value| w.post("5.6", path, body).await;
    let pair = |user: Value, external: Value| json!({ "superTokensUserId": user, "externalUserId": external });
    for at in [MAP.to_owned(), format!("/t1{MAP}")] {
        post(&at, pair(json!(" "), json!(5))).await.refuses(400, &empty("superTokensUserId"));
        post(&at, pair(json!(null), json!(""))).await.refuses(400, &invalid("superTokensUserId"));
        post(&at, pair(json!("u"), json!("\u{0}\n"))).await.refuses(400, &empty("externalUserId"));
        post(&at, json!({ "superTokensUserId": "u" })).await.refuses(400, &invalid("externalUserId"));
    }
    let with = |name: &str, value: Value| {
        let mut body = pair(json!(u), json!("ext"));
        body[name] = value;
        body
    };
    post(MAP, with("externalUserIdInfo", json!("  "))).await.refuses(400, &empty("externalUserIdInfo"));
    post(MAP, with("externalUserIdInfo", json!(5))).await.refuses(400, &invalid("externalUserIdInfo"));
    post(MAP, with("externalUserIdInfo", json!("a\u{0}b"))).await.refuses(400, &invalid("externalUserIdInfo"));
    post(MAP, with("force", json!("yes"))).await.refuses(400, &invalid("force"));
    post(MAP, with("force", json!(null))).await.refuses(400, &invalid("force"));
    let wrong = "Field name 'userIdType' should be one of 'SUPERTOKENS', 'EXTERNAL' or 'ANY'";
    for kind in ["any", "", "INTERNAL"] {
        get(w, "u", kind).await.refuses(400, wrong);
        remove(w, "u", kind, false).await.refuses(400, wrong);
        put_info(w, "u", kind, json!(null)).await.refuses(400, wrong);
    }
    for path in [format!("{MAP}/remove"), INFO.to_owned()] {
        let method = if path == INFO { "PUT" } else { "POST" };
        for (body, words) in [
            (json!({}), invalid("userId")),
            (json!({ "userId": " " }), empty("userId")),
            (json!({ "userId": "u", "userIdType": 5 }), invalid("userIdType")),
            (json!({ "userId": "u", "userIdType": null }), invalid("userIdType")),
        ] {
            w.raw(method, &path, &[("cdi-version", "5.6")], body.to_string()).await.refuses(400, &words);
        }
    }
    w.get("5.6", MAP).await.refuses(400, "Field name 'userId' is missing in GET request");
    w.get("5.6", &format!("{MAP}?userId=%20")).await.refuses(400, &empty("userId"));
    assert_eq!(count(w, "userid_mapping").await, 0);
    let body = json!({ "superTokensUserId": format!(" {u} "), "externalUserId": "\text\n", "externalUserIdInfo": null });
    post(MAP, body).await.ok();
    assert_eq!(w.value("select external_user_id from userid_mapping").await.as_deref(), Some("ext"));
    assert_eq!(get(w, "ext", "ANY").await.ok().get("externalUserIdInfo"), None);
}

async fn what_no_column_holds_is_refused_or_unknown(w: &World) {
    let (u, v) = two_users(w).await;
    let (fits, long) = ("é".repeat(128), "é".repeat(129));
    for external in [&long, "a\u{0}b", &"x".repeat(10_000)] {
        map(w, &u, external).await.refuses(400, &invalid("externalUserId"));
    }
    map(w, &u, "a\u{0}b").await.refuses(400, &invalid("externalUserId"));
    map(w, "a\u{0}b", "ext").await.refuses(400, &invalid("superTokensUserId"));
    map(w, &u, &fits).await.ok();
    assert_eq!(get(w, &fits, "EXTERNAL").await.ok()["superTokensUserId"], json!(u));
    get(w, &long, "ANY").await.says("UNKNOWN_MAPPING_ERROR");
    // Longer than any SuperTokens id, and beginning with one; or shorter.
    for near in [format!("{v}xyz"), v[..35].to_owned(), format!("{v}\u{a0}")] {
        assert_eq!(map(w, &near, "ext").await.done()["status"], "UNKNOWN_SUPERTOKENS_USER_ID_ERROR", "{near}");
        for kind in ["ANY", "SUPERTOKENS", "EXTERNAL"] {
            get(w, &near, kind).await.says("UNKNOWN_MAPPING_ERROR");
            assert_eq!(remove(w, &near, kind, true).await.ok()["didMappingExist"], false);
            put_info(w, &near, kind, json!("i")).await.says("UNKNOWN_MAPPING_ERROR");
        }
    }
    // As an external id, such a text is like any other.
    map(w, &v, &format!("{u}xyz")).await.ok();
    assert_eq!(get(w, &format!("{u}xyz"), "ANY").await.ok()["superTokensUserId"], json!(v));
    assert_eq!(get(w, &u, "ANY").await.ok()["externalUserId"], json!(fits));
    assert_eq!(remove(w, &format!("{u}xyz"), "ANY", false).await.ok()["didMappingExist"], true);
    for external in ["ext", "EXT"] {
        remove(w, &v, "ANY", false).await.ok();
        map(w, &v, external).await.ok();
        assert_eq!(get(w, "ext", "ANY").await.done()["status"] == "OK", external == "ext");
    }
}

async fn an_internal_id_is_an_external_one_only_by_force(w: &World) {
    let (u, v) = two_users(w).await;
    map(w, &v, &u).await.refuses(400, IS_INTERNAL);
    map(w, &u, &u).await.refuses(400, IS_INTERNAL);
    ask(w, "5.6", &u, &u, true).await.refuses(400, IS_INTERNAL);
    force(w, &v, &u).await;
    // The other app's ids are nothing special there.
    make_app(w, "a").await;
    w.write(&format!(
        "insert into app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id) values ('a', '{0}', 'emailpassword', '{0}')",
        id(3)
    ))
    .await;
    let path = format!("/appid-a{MAP}");
    w.post("5.6", &path, json!({ "superTokensUserId": id(3), "externalUserId": u })).await.ok();
    assert_eq!(w.get("5.6", &format!("{path}?userId={u}")).await.ok()["superTokensUserId"], json!(id(3)));
    assert_eq!(get(w, &u, "ANY").await.ok()["superTokensUserId"], json!(v));
    // One that the Java core made says nothing, and can be removed.
    w.write("delete from userid_mapping").await;
    w.write(&format!(
        "insert into userid_mapping (app_id, supertokens_user_id, external_user_id) values ('public', '{u}', '{u}')"
    ))
    .await;
    get(w, &u, "ANY").await.says("UNKNOWN_MAPPING_ERROR");
    put_metadata(w, &u).await;
    assert_eq!(remove(w, &u, "ANY", false).await.ok()["didMappingExist"], true);
}

async fn what_stands_under_an_id_keeps_it_from_being_mapped(w: &World) {
    let (u, v) = two_users(w).await;
    put_tenant(w, "", "t1", json!({})).await;
    create(w, "5.4", &u).await;
    put_metadata(w, &u).await;
    map(w, &u, "ext").await.refuses(400, &in_use("Session"));
    // A session that is over does not count; it ends with its refresh token.
    w.clock.advance(200 * DAY);
    map(w, &u, "ext").await.refuses(400, &in_use("UserMetadata"));
    w.post("5.6", &format!("{METADATA}/remove"), json!({ "userId": u })).await.ok();
    w.put("5.6", "/recipe/role", json!({ "role": "r" })).await.ok();
    w.put("5.6", "/t1/recipe/user/role", json!({ "userId": u, "role": "r" })).await.ok();
    map(w, &u, "ext").await.refuses(400, &in_use("UserRoles"));
    // Whichever is named first, by force it is mapped, and everything stays where it is.
    put_metadata(w, &u).await;
    force(w, &u, "ext").await;
    assert_eq!(count(w, &format!("user_metadata where user_id = '{u}'")).await, 1);
    exists(&ask(w, "5.6", &u, "other", true).await, true, false);
    map(w, &u, "other").await.refuses(400, &in_use("UserMetadata"));
    // Of another app, and under another id, it is nobody's.
    put_metadata(w, "ext2").await;
    map(w, &v, "ext2").await.ok();
}

async fn what_is_known_of_addresses_follows_since_4_0(w: &World) {
    let (u, v) = two_users(w).await;
    put_tenant(w, "", "t1", json!({})).await;
    verify(w, &token(w, &u).await).await;
    ask(w, "3.1", &u, "ext", false).await.refuses(400, &in_use("EmailVerification"));
    ask(w, "4.0", &u, "ext", false).await.ok();
    assert!(is_verified(w, "ext").await && !is_verified(w, &u).await);
    // Tokens that are on their way stay good, of every tenant.
    let pending = token(w, &v).await;
    let body = json!({ "userId": v, "email": "z@b.c" });
    let elsewhere = text(&w.post("5.6", &format!("/t1{VERIFY}/token"), body).await.ok(), "/token");
    map(w, &v, "ext-v").await.ok();
    assert_eq!(verify(w, &pending).await["userId"], "ext-v");
    let said = w.post("5.6", &format!("/t1{VERIFY}"), json!({ "method": "token", "token": elsewhere })).await.ok();
    assert_eq!((&said["userId"], &said["email"]), (&json!("ext-v"), &json!("z@b.c")));
}

async fn what_is_known_of_addresses_stays_where_nothing_is_mapped(w: &World) {
    let (u, v) = two_users(w).await;
    verify(w, &token(w, &u).await).await;
    // By force nothing is moved.
    force(w, &u, "ext").await;
    assert!(is_verified(w, &u).await && !is_verified(w, "ext").await);
    // Already mapped: found out before anything is moved.
    exists(&map(w, &u, "other").await, true, false);
    assert!(is_verified(w, &u).await && !is_verified(w, "other").await);
    // Verified under both ids.
    for user in [v.as_str(), "ext-v"] {
        verify(w, &token(w, user).await).await;
    }
    map(w, &v, "ext-v").await.ok();
    assert!(is_verified(w, "ext-v").await && !is_verified(w, &v).await);
    assert_eq!(count(w, "emailverification_verified_emails").await, 2);
}

async fn a_mapping_is_removed(w: &World) {
    let (u, _) = two_users(w).await;
    let did = async |user: &str, kind: &str, force: bool| remove(w, user, kind, force).await.ok()["didMappingExist"].clone();
    map(w, &u, "ext").await.ok();
    assert_eq!(remove(w, "ext", "ANY", false).await.text, "{\"status\":\"OK\",\"didMappingExist\":true}\n");
    assert_eq!((did("ext", "ANY", false).await, did("nobody", "ANY", false).await), (json!(false), json!(false)));
    map(w, &u, "ext").await.ok();
    assert_eq!((did(&u, "EXTERNAL", false).await, did("ext", "SUPERTOKENS", false).await), (json!(false), json!(false)));
    assert_eq!(did(&u, "SUPERTOKENS", false).await, true);
    // What stands under the external id would be lost.
    for (n, recipe) in ["UserMetadata", "EmailVerification"].into_iter().enumerate() {
        let external = format!("ext{n}");
        map(w, &u, &external).await.ok();
        if n == 0 {
            put_metadata(w, &external).await;
        } else {
            verify(w, &token(w, &external).await).await;
        }
        remove(w, &u, "ANY", false).await.refuses(400, &in_use(recipe));
        remove(w, &external, "EXTERNAL", false).await.refuses(400, &in_use(recipe));
        assert_eq!(did(&external, "ANY", true).await, true);
    }
    assert_eq!((count(w, "user_metadata").await, is_verified(w, "ext1").await), (1, true), "the rows stay");
    // Under an id that is nobody's there may be anything.
    assert_eq!(did("ext0", "ANY", false).await, false);
}

async fn what_is_kept_with_a_mapping_is_replaced_and_taken_away(w: &World) {
    let (u, _) = two_users(w).await;
    let body = json!({ "superTokensUserId": u, "externalUserId": "ext", "externalUserIdInfo": " first " });
    w.post("5.6", MAP, body).await.ok();
    let info = async || get(w, "ext", "ANY").await.ok().get("externalUserIdInfo").cloned();
    assert_eq!(info().await, Some(json!("first")));
    assert!(get(w, &u, "ANY").await.text.ends_with(",\"externalUserIdInfo\":\"first\"}\n"));
    w.put("5.6", INFO, json!({ "userId": "ext" })).await.refuses(400, &invalid("externalUserIdInfo"));
    put_info(w, "ext", "ANY", json!(" ")).await.refuses(400, &empty("externalUserIdInfo"));
    for (value, kind, user) in [("second", "EXTERNAL", "ext"), ("second", "ANY", "ext"), ("third", "SUPERTOKENS", &u)] {
        assert_eq!(put_info(w, user, kind, json!(value)).await.text, "{\"status\":\"OK\"}\n");
        assert_eq!(info().await, Some(json!(value)));
    }
    put_info(w, "ext", "SUPERTOKENS", json!("x")).await.says("UNKNOWN_MAPPING_ERROR");
    put_info(w, &u, "EXTERNAL", json!("x")).await.says("UNKNOWN_MAPPING_ERROR");
    put_info(w, &id(2), "ANY", json!("x")).await.says("UNKNOWN_MAPPING_ERROR");
    put_info(w, &u, "ANY", json!(null)).await.ok();
    put_info(w, &u, "ANY", json!(null)).await.ok();
    assert_eq!(info().await, None);
}

/// Every state that ids can be in, and every question about them.
async fn ids_mean_what_they_mean_to_the_java_core(w: &World) {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let cases = vectors["cases"].as_array().expect("cases");
    assert!(cases.len() >= 54);
    let named = |name: &str| match name {
        "U1" => id(1),
        "U2" => id(2),
        other => other.to_owned(),
    };
    for case in cases {
        no_users(w).await;
        for user in case["internalIds"].as_array().expect("ids") {
            put_user(w, "", if user == "U1" { 1 } else { 2 }, if user == "U1" { 1 } else { 2 }).await;
        }
        for (user, external) in case["mappings"].as_object().expect("mappings") {
            force(w, &named(user), &named(external.as_str().expect("an id"))).await;
        }
        let (user, kind) = (named(&text(case, "/userId")), text(case, "/userIdType"));
        let mut expected = case["get"].clone();
        for member in ["superTokensUserId", "externalUserId"] {
            if let Some(id) = expected.get(member).and_then(Value::as_str).map(named) {
                expected[member] = json!(id);
            }
        }
        assert_eq!(get(w, &user, &kind).await.done(), expected, "{case}");
        assert_eq!(put_info(w, &user, &kind, json!(null)).await.done()["status"], case["updateInfo"], "{case}");
        let did_exist = &remove(w, &user, &kind, false).await.ok()["didMappingExist"];
        assert_eq!(did_exist, &case["removeDidMappingExist"], "{case}");
    }
}

/// The id of somebody else shadows that user's own.
async fn a_shadowed_id_is_freed_whatever_stands_under_it(w: &World) {
    let (u, v) = two_users(w).await;
    put_metadata(w, &u).await;
    force(w, &v, &u).await;
    put_info(w, &u, "ANY", json!("i")).await.says("UNKNOWN_MAPPING_ERROR");
    put_info(w, &u, "EXTERNAL", json!("i")).await.ok();
    put_info(w, &v, "ANY", json!("j")).await.ok();
    assert_eq!(get(w, &u, "ANY").await.ok()["externalUserIdInfo"], "j");
    assert_eq!(remove(w, &v, "EXTERNAL", false).await.ok()["didMappingExist"], false);
    assert_eq!(remove(w, &u, "SUPERTOKENS", false).await.ok()["didMappingExist"], true);
    assert_eq!(count(w, "user_metadata").await, 1);
}

async fn a_mapping_is_the_apps(w: &World) {
    let (u, _) = two_users(w).await;
    put_tenant(w, "", "t1", json!({})).await;
    let asked = [
        ("POST", MAP.to_owned(), json!({ "superTokensUserId": u, "externalUserId": "ext" })),
        ("GET", format!("{MAP}?userId=ext"), Value::Null),
        ("PUT", INFO.to_owned(), json!({ "userId": "ext", "externalUserIdInfo": null })),
        ("POST", format!("{MAP}/remove"), json!({ "userId": "ext" })),
    ];
    let ask = async |cdi: &str, method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        w.raw(method, path, &[("cdi-version", cdi)], body).await
    };
    for tenant in ["/t1", "/ghost"] {
        for (method, path, body) in &asked {
            let path = format!("{tenant}{path}");
            ask("5.0", method, &path, body).await.refuses(403, ONLY_PUBLIC);
            assert_eq!(ask("2.21", method, &path, body).await.status, 404);
            ask("3.0", method, &path, body).await.ok();
        }
    }
    for (method, path, body) in &asked {
        ask("2.7", method, path, body).await.ok();
        let nowhere = ask("5.6", method, &format!("/appid-ghost{path}"), body).await;
        assert!(nowhere.status == 400 && nowhere.text.starts_with("AppId or tenantId not found => "), "{}", nowhere.text);
    }
}

async fn of_many_who_map_one_id_at_once_one_does(w: &World) {
    for n in 1..=8 {
        put_user(w, "", n, n).await;
    }
    let callers = (1..=8).map(|n| {
        let w = w.clone();
        async move { map(&w, &id(n), "ext").await }
    });
    let answers = at_once(callers.collect()).await;
    assert_eq!(answers.iter().filter(|answer| answer.done()["status"] == "OK").count(), 1);
    answers.iter().filter(|answer| answer.done()["status"] != "OK").for_each(|answer| exists(answer, false, true));
    remove(w, "ext", "ANY", false).await.ok();
    let callers = (1..=8).map(|n| {
        let w = w.clone();
        async move { map(&w, &id(1), &format!("ext{n}")).await }
    });
    let answers = at_once(callers.collect()).await;
    assert_eq!(answers.iter().filter(|answer| answer.done()["status"] == "OK").count(), 1);
    answers.iter().filter(|answer| answer.done()["status"] != "OK").for_each(|answer| exists(answer, true, false));
    assert_eq!(count(w, "userid_mapping").await, 1);
}

async fn a_user_who_goes_meanwhile_is_unknown_or_takes_the_mapping_along(w: &World) {
    for _ in 0..10 {
        no_users(w).await;
        put_user(w, "", 1, 1).await;
        verify(w, &token(w, &id(1)).await).await;
        let (one, other) = (w.clone(), w.clone());
        let mapping = async move { Some(map(&one, &id(1), "ext").await.done()["status"].clone()) };
        let going = async move {
            other.write(&format!("delete from app_id_to_user_id where user_id = '{}'", id(1))).await;
            None
        };
        let callers: Vec<std::pin::Pin<Box<dyn Future<Output = Option<Value>> + Send>>> =
            vec![Box::pin(mapping), Box::pin(going)];
        let said = at_once(callers).await.into_iter().flatten().next().expect("an answer");
        assert!(said == "OK" || said == "UNKNOWN_SUPERTOKENS_USER_ID_ERROR", "{said}");
        assert_eq!(count(w, "userid_mapping").await, 0);
        let verified = if said == "OK" { "ext".to_owned() } else { id(1) };
        assert!(is_verified(w, &verified).await, "moved with the mapping, or not at all");
        w.write("delete from emailverification_verified_emails").await;
    }
}

scenarios!(World:
    a_mapping_is_found_by_both_of_its_ids,
    each_id_is_mapped_once,
    what_is_asked_is_trimmed_and_checked_in_order,
    what_no_column_holds_is_refused_or_unknown,
    an_internal_id_is_an_external_one_only_by_force,
    what_stands_under_an_id_keeps_it_from_being_mapped,
    what_is_known_of_addresses_follows_since_4_0,
    what_is_known_of_addresses_stays_where_nothing_is_mapped,
    a_mapping_is_removed,
    what_is_kept_with_a_mapping_is_replaced_and_taken_away,
    ids_mean_what_they_mean_to_the_java_core,
    a_shadowed_id_is_freed_whatever_stands_under_it,
    a_mapping_is_the_apps,
    of_many_who_map_one_id_at_once_one_does,
    a_user_who_goes_meanwhile_is_unknown_or_takes_the_mapping_along,
);

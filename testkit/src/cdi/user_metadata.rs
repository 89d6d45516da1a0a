//! What an application keeps about its users: scenarios 112 to 126 of core-recipes-1.md, but for what needs users.

use serde_json::{Value, json};

use super::place::{count, in_query, make_app, put_tenant, remove_app};
use super::session::races::at_once;
use super::session::text;
use crate::{Answer, World, scenarios};

const VECTORS: &str = include_str!("../../vectors/metadata_merge.json");
const PATH: &str = "/recipe/user/metadata";
const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";

fn invalid(field: &str) -> String {
    format!("Field name '{field}' is invalid in JSON input")
}

async fn get(w: &World, user: &str) -> Answer {
    w.get("5.4", &format!("{PATH}?userId={}", in_query(user))).await
}

async fn put(w: &World, user: &str, update: Value) -> Answer {
    w.put("5.4", PATH, json!({ "userId": user, "metadataUpdate": update })).await
}

/// With this text for an update.
async fn put_text(w: &World, user: &str, update: &str) -> Answer {
    let body = format!(r#"{{"userId":{},"metadataUpdate":{update}}}"#, json!(user));
    w.raw("PUT", PATH, &[("cdi-version", "5.4")], body).await
}

async fn remove(w: &World, user: &str) {
    let said = w.post("5.4", &format!("{PATH}/remove"), json!({ "userId": user })).await;
    assert_eq!(said.text, "{\"status\":\"OK\"}\n");
}

async fn bulk(w: &World, ids: Value) -> Answer {
    w.post("5.4", &format!("{PATH}/bulk"), json!({ "userIds": ids })).await
}

async fn stored(w: &World, user: &str) -> Option<String> {
    let rows = w.rows(&format!("select user_metadata from user_metadata where user_id = '{user}'")).await;
    rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten()
}

async fn of_somebody_unknown_there_is_an_empty_object(w: &World) {
    for user in ["nobody", "", " ", "00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000xyz"] {
        assert_eq!(get(w, user).await.text, "{\"metadata\":{},\"status\":\"OK\"}\n", "{user}");
    }
    w.get("5.4", PATH).await.refuses(400, "Field name 'userId' is missing in GET request");
}

async fn merging_is_that_of_the_java_core_byte_for_byte(w: &World) {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let cases = vectors["cases"].as_array().expect("cases");
    assert!(cases.len() >= 19);
    for (n, case) in cases.iter().enumerate() {
        let (user, before, result) = (format!("u{n}"), text(case, "/stored"), text(case, "/result"));
        if before != "{}" {
            put_text(w, &user, &before).await.ok();
            assert_eq!(stored(w, &user).await, Some(before));
        }
        let said = put_text(w, &user, &text(case, "/update")).await;
        assert_eq!(said.text, format!("{{\"metadata\":{result},\"status\":\"OK\"}}\n"));
        assert_eq!(stored(w, &user).await.as_ref(), Some(&result));
        assert_eq!(get(w, &user).await.text, said.text);
    }
}

async fn what_the_java_core_wrote_is_answered_as_it_stands(w: &World) {
    let text = r#"{"z":1.0,"a":{"n":1e3,"m":-0.0},"big":123456789012345678901234567890,"t":"<é>\u2028"}"#;
    w.write(&format!("insert into user_metadata (app_id, user_id, user_metadata) values ('public', 'u', '{text}')")).await;
    assert_eq!(get(w, "u").await.text, format!("{{\"metadata\":{text},\"status\":\"OK\"}}\n"));
    let said = bulk(w, json!(["u"])).await;
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"users\":[{{\"userId\":\"u\",\"metadata\":{text}}}]}}\n"));
    w.write("insert into user_metadata (app_id, user_id, user_metadata) values ('public', 'broken', '[1]')").await;
    assert_eq!(get(w, "broken").await.status, 500, "and the log names the row");
}

async fn only_an_object_is_merged(w: &World) {
    for update in [json!(null), json!([]), json!([{}]), json!(5), json!("{}"), json!(true)] {
        put(w, "u", update).await.refuses(400, &invalid("metadataUpdate"));
    }
    w.put("5.4", PATH, json!({ "userId": "u" })).await.refuses(400, &invalid("metadataUpdate"));
    w.put("5.4", PATH, json!({ "metadataUpdate": 5 })).await.refuses(400, &invalid("userId"));
    w.put("5.4", PATH, json!({ "userId": null, "metadataUpdate": {} })).await.refuses(400, &invalid("userId"));
    w.post("5.4", &format!("{PATH}/remove"), json!({})).await.refuses(400, &invalid("userId"));
    assert_eq!(count(w, "user_metadata").await, 0);
    put(w, "u", json!({})).await.ok();
    assert_eq!(stored(w, "u").await.as_deref(), Some("{}"));
}

async fn an_id_is_used_as_it_was_sent(w: &World) {
    let internal = "00000000-0000-4000-8000-00000000000a";
    let ids = ["", "u", " u", "u ", "U", "é", internal, "00000000-0000-4000-8000-00000000000a   ", &"i".repeat(128)];
    for id in ids {
        put(w, id, json!({ "of": id })).await.ok();
    }
    for id in ids {
        assert_eq!(get(w, id).await.ok()["metadata"], json!({ "of": id }));
    }
    remove(w, " u").await;
    assert_eq!(count(w, "user_metadata").await, 8);
    assert_eq!(get(w, "u").await.ok()["metadata"], json!({ "of": "u" }));
}

async fn removing_twice_is_fine(w: &World) {
    put(w, "u", json!({ "a": 1 })).await.ok();
    remove(w, "u").await;
    remove(w, "u").await;
    remove(w, "nobody").await;
    assert_eq!(get(w, "u").await.ok()["metadata"], json!({}));
    assert_eq!(count(w, "user_metadata").await, 0);
}

async fn parallel_merges_all_survive(w: &World) {
    let callers = (0..8).map(|n| {
        let w = w.clone();
        async move { put(&w, "u", json!({ format!("k{n}"): n })).await }
    });
    for answer in at_once(callers.collect()).await {
        answer.ok();
    }
    let all = get(w, "u").await.ok()["metadata"].clone();
    assert_eq!(all, Value::Object((0..8).map(|n| (format!("k{n}"), json!(n))).collect()));
    let callers = (0..100).map(|n| {
        let w = w.clone();
        async move { put(&w, "v", json!({ format!("k{}", n % 50): n })).await }
    });
    for answer in at_once(callers.collect()).await {
        answer.ok();
    }
    assert_eq!(get(w, "v").await.ok()["metadata"].as_object().expect("an object").len(), 50);
}

/// Each answer holds the whole of an order: what was there when it was removed is gone, what was merged later is there.
async fn removals_between_merges_leave_what_some_order_leaves(w: &World) {
    for round in 0..10 {
        let user = format!("u{round}");
        put(w, &user, json!({ "old": true })).await.ok();
        let callers = (0..12).map(|n| {
            let (w, user) = (w.clone(), user.clone());
            async move {
                if n % 4 == 3 {
                    remove(&w, &user).await;
                    return None;
                }
                let after = put(&w, &user, json!({ format!("k{n}"): n })).await.ok();
                assert_eq!(after["metadata"][format!("k{n}")], n);
                Some(after["metadata"].clone())
            }
        });
        let answers = at_once(callers.collect()).await;
        let left = get(w, &user).await.ok()["metadata"].clone();
        // Whoever merged last saw what is left; or the last was a removal.
        assert!(left == json!({}) || answers.contains(&Some(left.clone())), "{left}: {answers:?}");
        assert_eq!(left.get("old"), None, "at least one removal came after it");
    }
}

async fn apps_and_tenants_are_told_apart(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    make_app(w, "a").await;
    put(w, "u", json!({ "app": "public" })).await.ok();
    let of = async |cdi: &str, place: &str| w.get(cdi, &format!("{place}{PATH}?userId=u")).await;
    assert_eq!(of("5.4", "/appid-a").await.ok()["metadata"], json!({}));
    for place in ["/t1", "/ghost"] {
        of("5.4", place).await.refuses(403, ONLY_PUBLIC);
        of("5.0", place).await.refuses(403, ONLY_PUBLIC);
        assert_eq!(of("4.0", place).await.ok()["metadata"]["app"], "public");
        assert_eq!(of("2.13", place).await.status, 404);
        let body = json!({ "userId": "u", "metadataUpdate": { "at": place } });
        w.put("5.4", &format!("{place}{PATH}"), body.clone()).await.refuses(403, ONLY_PUBLIC);
        w.post("5.4", &format!("{place}{PATH}/remove"), body.clone()).await.refuses(403, ONLY_PUBLIC);
        w.put("4.0", &format!("{place}{PATH}"), body).await.ok();
        w.put("5.4", &format!("{place}{PATH}"), json!({})).await.refuses(400, &invalid("userId"));
    }
    let unknown = of("5.4", "/appid-ghost").await;
    assert!(unknown.status == 400 && unknown.text.starts_with("AppId or tenantId not found => "), "{}", unknown.text);
    for cdi in ["2.7", "2.13", "3.0", "5.6"] {
        of(cdi, "").await.ok();
    }
}

async fn many_are_read_at_once(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put(w, "b", json!({ "n": 1.0 })).await.ok();
    let nobody = "{\"status\":\"OK\",\"users\":[]}\n";
    for place in ["", "/t1", "/ghost", "/appid-ghost", "/appid-ghost/t1"] {
        let path = format!("{place}{PATH}/bulk");
        assert_eq!(w.post("5.4", &path, json!({ "userIds": [] })).await.text, nobody, "{place}");
    }
    w.post("5.4", &format!("/t1{PATH}/bulk"), json!({ "userIds": ["b"] })).await.refuses(403, ONLY_PUBLIC);
    w.post("4.0", &format!("/t1{PATH}/bulk"), json!({ "userIds": ["b"] })).await.ok();
    assert_eq!(w.post("5.4", &format!("/appid-ghost{PATH}/bulk"), json!({ "userIds": ["b"] })).await.status, 400);
    let said = bulk(w, json!(["z", "b", "", "b"])).await;
    let user = |id: &str, metadata: &str| format!("{{\"userId\":\"{id}\",\"metadata\":{metadata}}}");
    let users = [user("z", "null"), user("b", "{\"n\":1.0}"), user("", "null"), user("b", "{\"n\":1.0}")].join(",");
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"users\":[{users}]}}\n"));
    let many = |n: usize| json!((0..n).map(|n| format!("u{n}")).collect::<Vec<_>>());
    assert_eq!(bulk(w, many(500)).await.ok()["users"].as_array().expect("users").len(), 500);
    bulk(w, many(501)).await.refuses(400, "You can only query up to 500 users at a time.");
    for ids in [json!(["a", 1]), json!([null]), json!([["a"]])] {
        bulk(w, ids).await.refuses(400, "userIds array must contain only strings");
    }
    for ids in [json!(null), json!("a"), json!({}), json!(["a\u{0}b"])] {
        bulk(w, ids).await.refuses(400, &invalid("userIds"));
    }
    w.post("5.4", &format!("{PATH}/bulk"), json!({})).await.refuses(400, &invalid("userIds"));
    assert_eq!(bulk(w, json!(["i".repeat(10_000)])).await.ok()["users"][0]["metadata"], json!(null));
}

async fn ids_that_no_column_holds_are_nobodys(w: &World) {
    for id in ["i".repeat(129), "é".repeat(129), "i".repeat(5_000)] {
        put(w, &id, json!({})).await.refuses(400, &invalid("userId"));
        assert_eq!(get(w, &id).await.ok()["metadata"], json!({}));
        remove(w, &id).await;
    }
    put(w, "a\u{0}b", json!({})).await.refuses(400, &invalid("userId"));
    put(w, "a\u{0}", json!({})).await.refuses(400, &invalid("userId"));
    get(w, "a\u{0}b").await.refuses(400, &invalid("userId"));
    w.post("5.4", &format!("{PATH}/remove"), json!({ "userId": "a\u{0}" })).await.refuses(400, &invalid("userId"));
    // Inside the object it is a text like any other, kept escaped.
    let said = put_text(w, "u", r#"{"\u0000":"a\u0000b"}"#).await;
    assert_eq!(said.text, "{\"metadata\":{\"\\u0000\":\"a\\u0000b\"},\"status\":\"OK\"}\n");
    assert_eq!(get(w, "u").await.text, said.text);
}

async fn depth_and_size_have_limits(w: &World) {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    // The body is a level, and so is the object in it.
    let deep = put_text(w, "deep", &nested(253)).await;
    assert_eq!((deep.status, &get(w, "deep").await.text), (200, &deep.text));
    put_text(w, "deep", &nested(254)).await.refuses(400, "Invalid Json Input");
    put_text(w, "deep", &nested(100_000)).await.refuses(400, "Invalid Json Input");
    let half = put_text(w, "half", r#"{"a":"\ud83d"}"#).await;
    assert!(half.status == 400 && half.text.contains("'metadataUpdate.a'"), "{}", half.text);

    let large = "x".repeat(400_000);
    for n in 0..2 {
        put(w, "large", json!({ format!("k{n}"): large })).await.ok();
    }
    let refused = put(w, "large", json!({ "k2": large })).await;
    assert!(refused.status == 413 && refused.text.contains("at most 1048576 bytes"), "{}", refused.text);
    assert_eq!(get(w, "large").await.ok()["metadata"].as_object().expect("an object").len(), 2, "nothing of it was kept");
    put(w, "large", json!({ "k0": null, "k2": large })).await.ok();
    // Escaped, it is longer than it was sent.
    let escaped = put(w, "new", json!({ "a": "\u{2028}".repeat(300_000) })).await;
    assert_eq!((escaped.status, stored(w, "new").await), (413, None));
    // The Java core knows no limit: what it left may become shorter.
    let longer = json!({ "a": "x".repeat(1_100_000), "b": 1 }).to_string();
    w.write(&format!("insert into user_metadata (app_id, user_id, user_metadata) values ('public', 'java', '{longer}')")).await;
    assert_eq!(put(w, "java", json!({ "c": 1 })).await.status, 413);
    put(w, "java", json!({ "b": null })).await.ok();
    put(w, "java", json!({ "a": null })).await.ok();
    let members: Vec<String> = (0..30_000).map(|n| format!("\"m{n}\":1")).collect();
    put_text(w, "wide", &format!("{{{}}}", members.join(","))).await.ok();
    put_text(w, "wide", &format!("{{{}}}", members.join(",").replace(":1", ":null"))).await.ok();
    assert_eq!(stored(w, "wide").await.as_deref(), Some("{}"));
}

async fn an_app_takes_its_objects_along(w: &World) {
    make_app(w, "a").await;
    let body = json!({ "userId": "u", "metadataUpdate": { "a": 1 } });
    w.put("5.4", &format!("/appid-a{PATH}"), body.clone()).await.ok();
    put(w, "u", json!({ "kept": true })).await.ok();
    // Another core removes it, and this one finds out by writing.
    remove_app(w, "a").await;
    assert_eq!(count(w, "user_metadata").await, 1);
    let said = w.put("5.4", &format!("/appid-a{PATH}"), body).await;
    assert!(said.status == 400 && said.text.starts_with("AppId or tenantId not found => "), "{}", said.text);
}

scenarios!(World:
    of_somebody_unknown_there_is_an_empty_object,
    merging_is_that_of_the_java_core_byte_for_byte,
    what_the_java_core_wrote_is_answered_as_it_stands,
    only_an_object_is_merged,
    an_id_is_used_as_it_was_sent,
    removing_twice_is_fine,
    parallel_merges_all_survive,
    removals_between_merges_leave_what_some_order_leaves,
    apps_and_tenants_are_told_apart,
    many_are_read_at_once,
    ids_that_no_column_holds_are_nobodys,
    depth_and_size_have_limits,
    an_app_takes_its_objects_along,
);

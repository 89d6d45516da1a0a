//! Roles, what they permit, and who has them: scenarios 127 to 145 of core-recipes-1.md, but for what needs users.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::place::{count, in_query, make_app, put_tenant};
use super::session::races::at_once;
use crate::target::Kind;
use crate::{Answer, World, scenarios};

const ONLY_PUBLIC: &str = "Only public tenantId can call this app specific API";

fn invalid(field: &str) -> String {
    format!("Field name '{field}' is invalid in JSON input")
}

fn empty(field: &str) -> String {
    format!("Field name '{field}' cannot be an empty String")
}

fn missing(field: &str) -> String {
    format!("Field name '{field}' is missing in GET request")
}

async fn put_role(w: &World, body: Value) -> Answer {
    w.put("5.4", "/recipe/role", body).await
}

/// A role that permits these things.
async fn role(w: &World, name: &str, permissions: &[&str]) -> bool {
    let said = put_role(w, json!({ "role": name, "permissions": permissions })).await;
    let created = said.ok()["createdNewRole"].as_bool().expect("a boolean");
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"createdNewRole\":{created}}}\n"));
    created
}

async fn permissions(w: &World, role: &str) -> Answer {
    w.get("5.4", &format!("/recipe/role/permissions?role={}", in_query(role))).await
}

async fn add(w: &World, at: &str, user: &str, role: &str) -> Answer {
    w.put("5.4", &format!("{at}/recipe/user/role"), json!({ "userId": user, "role": role })).await
}

async fn take(w: &World, at: &str, user: &str, role: &str) -> Answer {
    w.post("5.4", &format!("{at}/recipe/user/role/remove"), json!({ "userId": user, "role": role })).await
}

async fn roles_of(w: &World, at: &str, user: &str) -> Value {
    w.get("5.4", &format!("{at}/recipe/user/roles?userId={}", in_query(user))).await.ok()["roles"].clone()
}

async fn users_of(w: &World, at: &str, role: &str) -> Answer {
    w.get("5.4", &format!("{at}/recipe/role/users?role={}", in_query(role))).await
}

async fn remove_role(w: &World, role: &str) -> bool {
    let said = w.post("5.4", "/recipe/role/remove", json!({ "role": role })).await;
    let existed = said.ok()["didRoleExist"].as_bool().expect("a boolean");
    assert_eq!(said.text, format!("{{\"status\":\"OK\",\"didRoleExist\":{existed}}}\n"));
    existed
}

fn unknown(answer: &Answer) {
    assert_eq!(answer.text, "{\"status\":\"UNKNOWN_ROLE_ERROR\"}\n");
}

async fn a_role_is_made_once_and_its_permissions_only_grow(w: &World) {
    assert!(role(w, "r", &[]).await);
    assert!(!role(w, " r\t", &["b", " a "]).await);
    assert_eq!(permissions(w, "r").await.text, "{\"permissions\":[\"a\",\"b\"],\"status\":\"OK\"}\n");
    put_role(w, json!({ "role": "r", "permissions": ["c", "a", "a ", "\u{0}c"] })).await.ok();
    put_role(w, json!({ "role": "r", "permissions": [] })).await.ok();
    put_role(w, json!({ "role": "r" })).await.ok();
    assert_eq!(permissions(w, " r ").await.ok()["permissions"], json!(["a", "b", "c"]));
    assert_eq!(w.get("5.4", "/recipe/roles").await.text, "{\"roles\":[\"r\"],\"status\":\"OK\"}\n");
}

async fn a_name_is_trimmed_and_must_not_be_empty(w: &World) {
    for name in ["", " ", "\u{0}\n"] {
        put_role(w, json!({ "role": name })).await.refuses(400, &empty("role"));
        add(w, "", "u", name).await.refuses(400, &empty("role"));
        take(w, "", "u", name).await.refuses(400, &empty("role"));
        permissions(w, name).await.refuses(400, &empty("role"));
        users_of(w, "", name).await.refuses(400, &empty("role"));
        for path in ["/recipe/role/remove", "/recipe/role/permissions/remove"] {
            w.post("5.4", path, json!({ "role": name })).await.refuses(400, &empty("role"));
        }
        let path = format!("/recipe/permission/roles?permission={}", in_query(name));
        w.get("5.4", &path).await.refuses(400, &empty("permission"));
        let words = "Field name 'permissions' cannot contain an empty string";
        put_role(w, json!({ "role": "r", "permissions": ["a", name] })).await.refuses(400, words);
    }
    for given in [json!([1]), json!([null]), json!(null), json!("a"), json!({}), json!([["a"]])] {
        put_role(w, json!({ "role": "r", "permissions": given })).await.refuses(400, &invalid("permissions"));
        let body = json!({ "role": "r", "permissions": given });
        w.post("5.4", "/recipe/role/permissions/remove", body).await.refuses(400, &invalid("permissions"));
    }
    assert_eq!(count(w, "roles").await, 0, "nothing of what was refused");
    for (path, field) in [("role/permissions", "role"), ("permission/roles", "permission"), ("role/users", "role")] {
        w.get("5.4", &format!("/recipe/{path}")).await.refuses(400, &missing(field));
    }
    w.get("5.4", "/recipe/user/roles").await.refuses(400, &missing("userId"));
    for body in [json!({}), json!({ "userId": 1, "role": 1 })] {
        w.put("5.4", "/recipe/user/role", body.clone()).await.refuses(400, &invalid("userId"));
        w.post("5.4", "/recipe/user/role/remove", body).await.refuses(400, &invalid("userId"));
    }
    w.put("5.4", "/recipe/user/role", json!({ "userId": "u" })).await.refuses(400, &invalid("role"));
}

async fn names_are_told_apart_by_every_byte(w: &World) {
    let names = ["R", "r", "r\u{a0}", "é", "z", "\u{1f600}", "Z", "r r", "_"];
    for name in names {
        assert!(role(w, name, &[name]).await, "{name}");
        add(w, "", "u", name).await.ok();
    }
    let mut sorted = names.map(str::to_owned);
    sorted.sort_unstable();
    assert_eq!(w.get("5.4", "/recipe/roles").await.ok()["roles"], json!(sorted));
    assert_eq!(roles_of(w, "", "u").await, json!(sorted));
    put_role(w, json!({ "role": "all", "permissions": names })).await.ok();
    assert_eq!(permissions(w, "all").await.ok()["permissions"], json!(sorted));
    for user in names {
        add(w, "", user, "all").await.ok();
    }
    assert_eq!(users_of(w, "", "all").await.ok()["users"], json!(sorted));
    let with = w.get("5.4", "/recipe/permission/roles?permission=z").await;
    assert_eq!(with.text, "{\"roles\":[\"all\",\"z\"],\"status\":\"OK\"}\n");
    assert!(!role(w, "r\u{0}", &[]).await, "cut off at the end");
}

async fn what_no_column_holds_is_refused_or_unknown(w: &World) {
    role(w, "r", &[]).await;
    let (fits, long) = ("é".repeat(255), "é".repeat(256));
    for name in [&long, "a\u{0}b", &"x".repeat(10_000)] {
        put_role(w, json!({ "role": name })).await.refuses(400, &invalid("role"));
        put_role(w, json!({ "role": "new", "permissions": ["ok", name] })).await.refuses(400, &invalid("permissions"));
        add(w, "", "u", name).await.refuses(400, &invalid("role"));
    }
    assert_eq!((count(w, "roles").await, count(w, "role_permissions").await), (1, 0), "neither the role nor the other");
    put_role(w, json!({ "role": fits, "permissions": [fits] })).await.ok();
    add(w, "", "u", &fits).await.ok();
    unknown(&permissions(w, &long).await);
    unknown(&users_of(w, "", &long).await);
    unknown(&take(w, "", "u", &long).await);
    assert!(!remove_role(w, &long).await);
    let path = |name: &str| format!("/recipe/permission/roles?permission={}", in_query(name));
    assert_eq!(w.get("5.4", &path(&long)).await.ok()["roles"], json!([]));
    assert_eq!(w.get("5.4", &path(&fits)).await.ok()["roles"], json!([fits]));
    let body = json!({ "role": "r", "permissions": [long] });
    w.post("5.4", "/recipe/role/permissions/remove", body).await.ok();
    permissions(w, "a\u{0}b").await.refuses(400, &invalid("role"));

    let user = "u".repeat(129);
    add(w, "", &user, "r").await.refuses(400, &invalid("userId"));
    add(w, "", "a\u{0}", "r").await.refuses(400, &invalid("userId"));
    assert_eq!(roles_of(w, "", &user).await, json!([]));
    assert_eq!(take(w, "", &user, "r").await.ok()["didUserHaveRole"], false);
    for user in ["", " u", "u ", "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000a   "] {
        assert_eq!(add(w, "", user, "r").await.ok()["didUserAlreadyHaveRole"], false, "{user:?} is nobody else");
        assert_eq!(roles_of(w, "", user).await, json!(["r"]));
    }
}

async fn what_a_role_permits_is_taken_away(w: &World) {
    role(w, "r", &["a", "b", "c", "d"]).await;
    role(w, "s", &["a"]).await;
    let remove = async |body: Value| w.post("5.4", "/recipe/role/permissions/remove", body).await;
    let left = async || permissions(w, "r").await.ok()["permissions"].clone();
    assert_eq!(remove(json!({ "role": "r", "permissions": ["zz", " a "] })).await.text, "{\"status\":\"OK\"}\n");
    assert_eq!(left().await, json!(["b", "c", "d"]));
    remove(json!({ "role": "r", "permissions": [] })).await.ok();
    remove(json!({ "role": "r", "permissions": ["a"] })).await.ok();
    assert_eq!(left().await, json!(["b", "c", "d"]));
    remove(json!({ "role": " r " })).await.ok();
    remove(json!({ "role": "r" })).await.ok();
    assert_eq!(left().await, json!([]), "the role itself stays");
    assert_eq!(permissions(w, "s").await.ok()["permissions"], json!(["a"]));
    for body in [json!({ "role": "x" }), json!({ "role": "x", "permissions": [] }), json!({ "role": "x", "permissions": ["a"] })]
    {
        unknown(&remove(body).await);
    }
    unknown(&permissions(w, "x").await);
}

async fn a_role_is_given_and_taken(w: &World) {
    role(w, "r", &[]).await;
    let had = |had: bool| format!("{{\"status\":\"OK\",\"didUserAlreadyHaveRole\":{had}}}\n");
    assert_eq!(add(w, "", "nobody", " r ").await.text, had(false));
    assert_eq!(add(w, "", "nobody", "r").await.text, had(true));
    unknown(&add(w, "", "nobody", "R").await);
    assert_eq!(w.get("5.4", "/recipe/user/roles?userId=nobody").await.text, "{\"roles\":[\"r\"],\"status\":\"OK\"}\n");
    assert_eq!(users_of(w, "", "r").await.text, "{\"users\":[\"nobody\"],\"status\":\"OK\"}\n");
    let had = |had: bool| format!("{{\"status\":\"OK\",\"didUserHaveRole\":{had}}}\n");
    assert_eq!(take(w, "", "nobody", " r").await.text, had(true));
    assert_eq!(take(w, "", "nobody", "r").await.text, had(false));
    unknown(&take(w, "", "nobody", "x").await);
    assert_eq!(roles_of(w, "", "nobody").await, json!([]));
    assert_eq!(users_of(w, "", "r").await.ok()["users"], json!([]));
    unknown(&users_of(w, "", "x").await);
}

/// As the Java core may have left it, which forgets who has a role when somebody gets it while it is removed.
async fn a_role_that_is_gone_cannot_be_taken_but_removed(w: &World) {
    w.write("insert into user_roles (app_id, tenant_id, user_id, role) values ('public', 'public', 'u', 'gone')").await;
    unknown(&take(w, "", "u", "gone").await);
    assert_eq!(roles_of(w, "", "u").await, json!(["gone"]));
    assert!(remove_role(w, "gone").await, "somebody had it");
    assert!(!remove_role(w, "gone").await);
    assert_eq!(roles_of(w, "", "u").await, json!([]));
}

async fn roles_are_of_the_app_and_who_has_them_of_the_tenant(w: &World) {
    for tenant in ["t1", "t2"] {
        put_tenant(w, "", tenant, json!({})).await;
    }
    role(w, "r", &["p"]).await;
    role(w, "s", &[]).await;
    add(w, "/t1", "u", "r").await.ok();
    add(w, "", "u", "s").await.ok();
    assert_eq!(roles_of(w, "/t1", "u").await, json!(["r"]));
    assert_eq!((roles_of(w, "", "u").await, roles_of(w, "/t2", "u").await), (json!(["s"]), json!([])));
    assert_eq!(users_of(w, "/t1", "r").await.ok()["users"], json!(["u"]));
    assert_eq!(users_of(w, "", "r").await.ok()["users"], json!([]));
    assert_eq!(take(w, "/t2", "u", "r").await.ok()["didUserHaveRole"], false);
    for (tenant, name) in [("/t2", "r"), ("", "r"), ("/t1", "s")] {
        add(w, tenant, "v", name).await.ok();
    }
    assert!(remove_role(w, "r").await);
    assert!(!remove_role(w, "r").await);
    for tenant in ["", "/t1", "/t2"] {
        unknown(&users_of(w, tenant, "r").await);
        assert_eq!(roles_of(w, tenant, "v").await, if tenant == "/t1" { json!(["s"]) } else { json!([]) });
    }
    assert_eq!(w.get("5.4", "/recipe/permission/roles?permission=p").await.ok()["roles"], json!([]));
    // Made again, it is a new one.
    assert!(role(w, "r", &[]).await);
    assert_eq!(permissions(w, "r").await.ok()["permissions"], json!([]));
    assert_eq!(users_of(w, "/t1", "r").await.ok()["users"], json!([]));
    w.post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
    assert_eq!(count(w, "user_roles where tenant_id = 't1'").await, 0);
    assert_eq!(roles_of(w, "", "u").await, json!(["s"]));
}

async fn apps_know_nothing_of_each_others_roles(w: &World) {
    make_app(w, "a").await;
    role(w, "r", &["p"]).await;
    unknown(&add(w, "/appid-a", "u", "r").await);
    w.put("5.4", "/appid-a/recipe/role", json!({ "role": "r", "permissions": ["q"] })).await.ok();
    add(w, "/appid-a", "u", "r").await.ok();
    assert_eq!(permissions(w, "r").await.ok()["permissions"], json!(["p"]));
    assert_eq!(users_of(w, "", "r").await.ok()["users"], json!([]));
    w.post("5.4", "/appid-a/recipe/role/remove", json!({ "role": "r" })).await.ok();
    assert_eq!(permissions(w, "r").await.ok()["permissions"], json!(["p"]));
    w.put("5.4", "/appid-a/recipe/role", json!({ "role": "r", "permissions": ["q"] })).await.ok();
    add(w, "/appid-a", "u", "r").await.ok();
    w.post("5.4", "/recipe/multitenancy/app/remove", json!({ "appId": "a" })).await.ok();
    for table in ["roles", "role_permissions", "user_roles"] {
        assert_eq!(count(w, &format!("{table} where app_id = 'a'")).await, 0, "{table}");
    }
    assert_eq!(count(w, "roles").await, 1);
}

async fn only_the_public_tenant_asks_for_the_app(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    role(w, "r", &["p"]).await;
    let asked = [
        ("PUT", "/recipe/role", json!({ "role": "r" })),
        ("GET", "/recipe/roles", Value::Null),
        ("GET", "/recipe/role/permissions?role=r", Value::Null),
        ("GET", "/recipe/permission/roles?permission=p", Value::Null),
        ("POST", "/recipe/role/permissions/remove", json!({ "role": "r" })),
        ("POST", "/recipe/role/remove", json!({ "role": "r" })),
    ];
    let ask = async |cdi: &str, method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        w.raw(method, path, &[("cdi-version", cdi)], body).await
    };
    for (method, path, body) in &asked {
        for tenant in ["/t1", "/ghost"] {
            let path = format!("{tenant}{path}");
            ask("5.4", method, &path, body).await.refuses(403, ONLY_PUBLIC);
            ask("4.0", method, &path, body).await.ok();
            assert_eq!(ask("2.14", method, &path, body).await.status, 404);
            if !body.is_null() {
                ask("5.4", method, &path, &json!({})).await.refuses(400, &invalid("role"));
            }
            put_role(w, json!({ "role": "r", "permissions": ["p"] })).await.ok();
        }
        let nowhere = ask("5.4", method, &format!("/appid-ghost{path}"), body).await;
        assert!(nowhere.status == 400 && nowhere.text.starts_with("AppId or tenantId not found => "), "{}", nowhere.text);
        ask("2.14", method, path, body).await.ok();
        put_role(w, json!({ "role": "r", "permissions": ["p"] })).await.ok();
    }
    let not_found = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId \
                     combination not found: (, public, ghost)";
    add(w, "/ghost", "u", "r").await.refuses(400, not_found);
    take(w, "/ghost", "u", "r").await.refuses(400, not_found);
    users_of(w, "/ghost", "r").await.refuses(400, not_found);
    w.get("4.0", "/ghost/recipe/user/roles?userId=u").await.refuses(400, not_found);
    add(w, "/ghost", "u", " ").await.refuses(400, &empty("role"));
}

async fn of_many_at_once_one_is_the_first(w: &World) {
    for round in 0..5 {
        let name = format!("r{round}");
        let callers = (0..6).map(|n| {
            let (w, name) = (w.clone(), name.clone());
            let given: Vec<String> = (0..4).map(|m| format!("p{}", (n + m) % 6)).collect();
            async move { put_role(&w, json!({ "role": name, "permissions": given })).await.ok()["createdNewRole"] == true }
        });
        assert_eq!(at_once(callers.collect()).await.into_iter().filter(|first| *first).count(), 1);
        assert_eq!(permissions(w, &name).await.ok()["permissions"].as_array().expect("a list").len(), 6);
        let callers = (0..6).map(|_| {
            let (w, name) = (w.clone(), name.clone());
            async move { add(&w, "", "u", &name).await.ok()["didUserAlreadyHaveRole"] == false }
        });
        assert_eq!(at_once(callers.collect()).await.into_iter().filter(|first| *first).count(), 1);
    }
}

/// Privilege by surprise: a role that is made again must be nobody's.
async fn nobody_is_left_with_a_role_that_was_removed_meanwhile(w: &World) {
    for round in 0..100 {
        role(w, "r", &["p"]).await;
        let mut callers = JoinSet::new();
        for n in 0..3 {
            let w = w.clone();
            callers.spawn(async move {
                let said = add(&w, "", &format!("u{n}"), "r").await.done()["status"].clone();
                assert!(said == "OK" || said == "UNKNOWN_ROLE_ERROR", "{said}");
            });
        }
        let (w2, w3) = (w.clone(), w.clone());
        callers.spawn(async move { assert!(remove_role(&w2, "r").await, "it was there, and one removes it") });
        callers.spawn(async move {
            let said = put_role(&w3, json!({ "role": format!("other{round}"), "permissions": ["p"] })).await;
            said.ok();
        });
        callers.join_all().await;
        assert_eq!(count(w, "user_roles").await, 0, "round {round}");
    }
}

async fn a_role_put_and_removed_at_once_is_whole_or_gone(w: &World) {
    for _ in 0..20 {
        let callers = (0..8).map(|n| {
            let w = w.clone();
            async move { if n % 2 == 0 { role(&w, "r", &["a", "b"]).await } else { remove_role(&w, "r").await } }
        });
        at_once(callers.collect()).await;
        let left = (count(w, "roles").await, count(w, "role_permissions").await);
        assert!([(0, 0), (1, 2)].contains(&left), "{left:?}");
    }
}

/// Before 8.0 the Java core tied the two tables together; a database that old may still have it so.
async fn the_key_of_an_old_database_is_no_hindrance(w: &World) {
    assert_eq!(w.target().kind(), Kind::Postgres, "SQLite adds no keys to a table");
    w.write(
        "alter table user_roles add constraint user_roles_role_fkey foreign key (app_id, role) references roles (app_id, role)
         on delete cascade",
    )
    .await;
    role(w, "r", &["p"]).await;
    add(w, "", "u", "r").await.ok();
    unknown(&add(w, "", "u", "x").await);
    assert_eq!(take(w, "", "u", "r").await.ok()["didUserHaveRole"], true);
    add(w, "", "u", "r").await.ok();
    assert!(remove_role(w, "r").await);
    assert_eq!(count(w, "user_roles").await, 0);
}

scenarios!(World:
    a_role_is_made_once_and_its_permissions_only_grow,
    a_name_is_trimmed_and_must_not_be_empty,
    names_are_told_apart_by_every_byte,
    what_no_column_holds_is_refused_or_unknown,
    what_a_role_permits_is_taken_away,
    a_role_is_given_and_taken,
    a_role_that_is_gone_cannot_be_taken_but_removed,
    roles_are_of_the_app_and_who_has_them_of_the_tenant,
    apps_know_nothing_of_each_others_roles,
    only_the_public_tenant_asks_for_the_app,
    of_many_at_once_one_is_the_first,
    nobody_is_left_with_a_role_that_was_removed_meanwhile,
    a_role_put_and_removed_at_once_is_whole_or_gone,
    the_key_of_an_old_database_is_no_hindrance needs AJavaCoresPast,
);

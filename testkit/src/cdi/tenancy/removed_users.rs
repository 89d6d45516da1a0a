//! What becomes of users when their tenant or their app is removed (core-multitenancy.md 6, core-linking.md 4).

use serde_json::{Value, json};

use super::{app, count, tenant};
use crate::target::Kind;
use crate::{World, scenarios};

const LINKING: &str = "/recipe/accountlinking/user";

/// Every table with such a column.
async fn tables_with(w: &World, column: &str) -> Vec<String> {
    let sql = if w.target().kind() == Kind::Postgres {
        // Partitions have their rows with the table.
        format!(
            "select c.table_name from information_schema.columns c join pg_class p on p.relname = c.table_name and not p.relispartition
             where c.column_name = '{column}' and c.table_schema = 'public' and p.relkind in ('r', 'p')"
        )
    } else {
        format!("select m.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and c.name = '{column}'")
    };
    w.rows(&sql).await.into_iter().filter_map(|row| row[0].clone()).collect()
}

/// The tables in which something of an app is left, or of a tenant of it.
async fn left(w: &World, app: &str, tenant: Option<&str>) -> Vec<String> {
    let mut left = Vec::new();
    // The log of what happened is kept for its month, and knows no apps that are.
    let tables = tables_with(w, if tenant.is_some() { "tenant_id" } else { "app_id" }).await.into_iter();
    for table in tables.filter(|table| !table.starts_with("activity_log")) {
        let in_tenant = tenant.map(|tenant| format!(" and tenant_id = '{tenant}'")).unwrap_or_default();
        if count(w, &format!("{table} where app_id = '{app}'{in_tenant}")).await > 0 {
            left.push(table);
        }
    }
    left.sort();
    left
}

async fn sign_up(w: &World, at: &str, email: &str) -> String {
    let said = w.post("5.4", &format!("{at}/recipe/signup"), json!({ "email": email, "password": "p" })).await.ok();
    said["recipeUserId"].as_str().expect("an id").to_owned()
}

/// A session, a role, tokens: what a user has in a tenant.
async fn put_belongings(w: &World, app: &str, at: &str, user: &str) {
    let session = json!({
        "userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": false, "useDynamicSigningKey": true,
    });
    w.post("5.4", &format!("{at}/recipe/session"), session).await.ok();
    w.put("5.4", &format!("{app}/recipe/role"), json!({ "role": "r", "permissions": ["p"] })).await.ok();
    w.put("5.4", &format!("{at}/recipe/user/role"), json!({ "userId": user, "role": "r" })).await.ok();
    let pair = json!({ "userId": user, "email": "a@x" });
    w.post("5.4", &format!("{at}/recipe/user/email/verify/token"), pair.clone()).await.ok();
    w.post("5.4", &format!("{at}/recipe/user/password/reset/token"), pair).await.ok();
    w.post("5.4", &format!("{at}/recipe/signinup/code"), json!({ "email": "code@x" })).await.ok();
    let metadata = json!({ "userId": user, "metadataUpdate": { "a": 1 } });
    w.put("5.4", &format!("{app}/recipe/user/metadata"), metadata).await.ok();
}

async fn shown(w: &World, at: &str, user: &str) -> Value {
    w.get("5.4", &format!("{at}/user/id?userId={user}")).await.ok()["user"].clone()
}

/// In a fresh app, whatever the migration mode.
async fn an_app_loses_a_tenant_and_then_goes(w: &World, name: &str) {
    let at = app(w, name).await;
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    let in_t1 = format!("{at}/t1");
    let (here, there, alone) = (sign_up(w, &at, "a@x").await, sign_up(w, &in_t1, "b@x").await, sign_up(w, &in_t1, "c@x").await);
    w.post("5.4", &format!("{at}{LINKING}/primary"), json!({ "recipeUserId": here })).await.ok();
    w.post("5.4", &format!("{at}{LINKING}/link"), json!({ "recipeUserId": there, "primaryUserId": here })).await.ok();
    w.post("5.4", &format!("{at}/recipe/userid/map"), json!({ "superTokensUserId": there, "externalUserId": "shown" }))
        .await
        .ok();
    put_belongings(w, &at, &at, &here).await;
    put_belongings(w, &at, &in_t1, &alone).await;
    let before = count(w, "app_id_to_user_id").await;
    w.post("5.4", &format!("{at}/recipe/multitenancy/tenant/remove"), json!({ "tenantId": "t1" })).await.ok();
    assert_eq!(left(w, name, Some("t1")).await, Vec::<String>::new());
    assert_eq!(count(w, "app_id_to_user_id").await, before, "whoever was there still is");
    let group = shown(w, &at, "shown").await;
    assert_eq!((&group["id"], &group["tenantIds"], &group["emails"]), (&json!(here), &json!(["public"]), &json!(["a@x", "b@x"])));
    assert_eq!(shown(w, &at, &alone).await["tenantIds"], json!([]));
    assert_eq!(w.get("5.4", &format!("{at}/users/count")).await.ok()["count"], 1);
    assert_eq!(w.get("5.4", &format!("{at}/recipe/user/metadata?userId={alone}")).await.ok()["metadata"], json!({ "a": 1 }));
    // A new tenant of this name is empty, and its place is free.
    tenant(w, &at, json!({ "tenantId": "t1" })).await.ok();
    let sign_in = json!({ "email": "c@x", "password": "p" });
    w.post("5.4", &format!("{in_t1}/recipe/signin"), sign_in.clone()).await.says("WRONG_CREDENTIALS_ERROR");
    let add = format!("{in_t1}/recipe/multitenancy/tenant/user");
    assert_eq!(w.post("5.4", &add, json!({ "recipeUserId": alone })).await.ok()["wasAlreadyAssociated"], false);
    assert_eq!(w.post("5.4", &format!("{in_t1}/recipe/signin"), sign_in).await.ok()["recipeUserId"], alone);
    // What the group owned there is nobody's; in the tenant where it is, the address of the other login is still its own.
    let newcomer = sign_up(w, &in_t1, "b@x").await;
    w.post("5.4", &format!("{at}{LINKING}/primary"), json!({ "recipeUserId": newcomer })).await.ok();
    let there = w.post("5.4", &format!("{at}/recipe/multitenancy/tenant/user"), json!({ "recipeUserId": newcomer })).await;
    there.says("ASSOCIATION_NOT_ALLOWED_ERROR");
    put_belongings(w, &at, &in_t1, &newcomer).await;
    w.post("5.4", &format!("{at}/recipe/multitenancy/tenant/remove"), json!({ "tenantId": "t1" })).await.ok();
    w.post("5.4", "/recipe/multitenancy/app/remove", json!({ "appId": name })).await.ok();
    assert_eq!(left(w, name, None).await, Vec::<String>::new());
}

async fn users_outlive_their_tenant_and_go_with_their_app(w: &World) {
    an_app_loses_a_tenant_and_then_goes(w, "a1").await;
    // And one of the same name begins anew.
    an_app_loses_a_tenant_and_then_goes(w, "a1").await;
}

async fn they_do_in_every_migration_mode(w: &World) {
    for mode in ["LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED"] {
        w.with_config(json!({ "migration_mode": mode })).await;
        an_app_loses_a_tenant_and_then_goes(w, &format!("a-{}", mode.to_ascii_lowercase().replace('_', "-"))).await;
    }
}

/// Whoever signs up or joins while the tenant goes is told that there is none, or is somewhere else, or nowhere; never in what is gone.
async fn nobody_is_left_in_a_tenant_that_goes(w: &World) {
    for round in 0..5 {
        let name = format!("t{round}");
        tenant(w, "", json!({ "tenantId": name })).await.ok();
        let user = sign_up(w, "", &format!("u{round}@x")).await;
        let add = format!("/{name}/recipe/multitenancy/tenant/user");
        let path = format!("/{name}/recipe/signup");
        let (sign_up, joined, removed) = futures_util::join!(
            w.post("5.4", &path, json!({ "email": "new@x", "password": "p" })),
            w.post("5.4", &add, json!({ "recipeUserId": user })),
            w.post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": name })),
        );
        removed.ok();
        for said in [sign_up, joined] {
            assert!(said.status == 200 || said.status == 400, "{}", said.text);
        }
        assert_eq!(left(w, "public", Some(&name)).await, Vec::<String>::new());
        assert_eq!(shown(w, "", &user).await["tenantIds"], json!(["public"]));
    }
}

scenarios!(World:
    users_outlive_their_tenant_and_go_with_their_app,
    they_do_in_every_migration_mode needs AJavaCoresPast,
    nobody_is_left_in_a_tenant_that_goes,
);

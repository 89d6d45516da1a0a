//! What is held up by a lock that somebody else has, and what is not. Only where others can have one: on PostgreSQL.

use std::time::Duration;

use serde_json::{Value, json};
use supertokens_domain::time::{DAY, MINUTE};
use tokio_postgres::{Client, NoTls};

use super::create;
use super::rows::{access, handle, refreshing};
use super::verify::verify;
use crate::target::server_url;
use crate::{Answer, World, scenarios};

/// Whoever is held up waits for five seconds at least; whoever is not is answered long before.
const SOON: Duration = Duration::from_secs(4);
const EVENTUALLY: Duration = Duration::from_secs(30);

/// A connection past the core, in a transaction that holds what this statement locks.
pub async fn holding(w: &World, statement: &str) -> Client {
    let place = w.core().db().place().to_owned();
    let name = place.rsplit('/').next().expect("a database");
    let mut config: tokio_postgres::Config = server_url().expect("a server").parse().expect("a URL");
    let (client, connection) = config.dbname(name).connect(NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute(&format!("begin; {statement}")).await.expect("the lock is free");
    client
}

/// Waits until so many connections wait for a lock.
pub async fn until_held_up(by: &Client, waiting: i64) {
    let count = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let all_wait = async {
        while by.query_one(count, &[]).await.expect("a count").get::<_, i64>(0) < waiting {
            // Within a transaction the view would stay as it is.
            by.batch_execute("select pg_stat_clear_snapshot()").await.expect("a fresh view");
        }
    };
    tokio::time::timeout(EVENTUALLY, all_wait).await.expect("somebody is held up");
}

async fn soon<T>(happening: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, happening).await.expect("this is not held up")
}

async fn refresh(w: World, token: String) -> Answer {
    let body = json!({ "refreshToken": token, "enableAntiCsrf": false, "useDynamicSigningKey": true });
    w.post("5.6", "/recipe/session/refresh", body).await
}

async fn a_locked_session_holds_up_nobody_else(w: &World) {
    let made = create(w, "5.6", "u").await;
    let other = create(w, "5.6", "u").await;
    let locked = format!("select 1 from session_info where session_handle = '{}' for update", handle(&made));
    let holder = holding(w, &locked).await;
    // More than the pool has connections.
    let held_up: Vec<_> = (0..20).map(|_| tokio::spawn(refresh(w.clone(), refreshing(&made)))).collect();
    until_held_up(&holder, 1).await;
    soon(create(w, "5.6", "u")).await;
    soon(refresh(w.clone(), refreshing(&other))).await.ok();
    holder.batch_execute("rollback").await.expect("the lock is given back");
    for refreshed in held_up {
        refreshed.await.expect("no caller panics").ok();
    }
}

async fn a_session_that_stays_locked_is_told_so(w: &World) {
    let made = create(w, "5.6", "u").await;
    let locked = format!("select 1 from session_info where session_handle = '{}' for update", handle(&made));
    let holder = holding(w, &locked).await;
    let refused = tokio::time::timeout(Duration::from_secs(9), refresh(w.clone(), refreshing(&made))).await.expect("an answer");
    refused.refuses(500, "Internal error");
    holder.batch_execute("rollback").await.expect("the lock is given back");
    // Nothing had been written.
    refresh(w.clone(), refreshing(&made)).await.ok();
}

async fn a_count_that_waits_holds_up_no_session(w: &World) {
    let made = create(w, "5.6", "u").await;
    let holder = holding(w, "lock table all_auth_recipe_users in access exclusive mode").await;
    let held_up: Vec<_> = (0..8)
        .map(|_| {
            let w = w.clone();
            tokio::spawn(async move { w.get("5.4", "/users/count").await })
        })
        .collect();
    until_held_up(&holder, 2).await;
    for _ in 0..4 {
        soon(w.get("5.6", &format!("/recipe/session?sessionHandle={}", handle(&made)))).await.ok();
        soon(create(w, "5.6", "u")).await;
    }
    holder.batch_execute("rollback").await.expect("the lock is given back");
    for counted in held_up {
        counted.await.expect("no caller panics").ok();
    }
}

async fn a_rotation_that_waits_holds_up_no_token(w: &World) {
    w.clock.advance(7 * DAY - MINUTE - 1_000);
    let made = create(w, "5.6", "u").await;
    w.clock.advance(2_000);
    let holder = holding(w, "lock table session_access_token_signing_keys in access exclusive mode").await;
    let rotating = {
        let (w, token) = (w.clone(), access(&made));
        tokio::spawn(async move { verify(&w, "5.6", &token, false).await })
    };
    until_held_up(&holder, 1).await;
    for _ in 0..3 {
        soon(verify(w, "5.6", &access(&made), false)).await.ok();
    }
    holder.batch_execute("rollback").await.expect("the lock is given back");
    rotating.await.expect("no caller panics").ok();
    let keys: Value = w.raw("GET", "/.well-known/jwks.json", &[], "").await.done();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(3));
}

scenarios!(World:
    a_locked_session_holds_up_nobody_else needs ASharedDatabase,
    a_session_that_stays_locked_is_told_so needs ASharedDatabase,
    a_count_that_waits_holds_up_no_session needs ASharedDatabase,
    a_rotation_that_waits_holds_up_no_token needs ASharedDatabase,
);

//! Do many apps stay cheap? A run of an SDK's test suite makes some 1,300 of them in one core (issue 2, decision 13).
//!
//! A binary of its own, so that nothing else grows in this process. Resident memory is what an operator sees; the bounds are
//! several times what was measured, and far below what an app costs that keeps keys, pools or threads of its own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is missing fails it")]

use serde_json::json;
use supertokens_testkit::{Target, World};

const APPS: u64 = 1_300;
/// For an app that was made and is not used, its rows in the database in memory included. Measured: 1 KiB.
const KIB_PER_APP: u64 = 20;
/// For an app that has its keys, a session and statistics. Measured: 23 KiB.
const KIB_PER_USED_APP: u64 = 80;

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system's own books");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.split_whitespace().next().expect("a number").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirteen_hundred_apps_are_cheap() {
    let w = World::open(Target::SqliteMemory).await;
    let make = async |n: u64| {
        let body = json!({ "appId": format!("app-{n}"), "coreConfig": { "access_token_validity": 60 + n } });
        assert_eq!(w.put("5.4", "/recipe/multitenancy/app/v2", body).await.ok()["createdNew"], true);
    };
    let using = async |n: u64| {
        let body = json!({ "userId": "u", "enableAntiCsrf": false, "userDataInJWT": {}, "userDataInDatabase": {} });
        w.post("5.4", &format!("/appid-app-{n}/recipe/session"), body).await.ok();
    };
    // What is made once, whatever the number of apps: caches, pools of keys, prepared statements.
    for n in 0..20 {
        make(n).await;
        using(n).await;
    }
    let before = resident_kib();
    for n in 20..APPS {
        make(n).await;
    }
    let made = resident_kib();
    for n in 20..APPS {
        using(n).await;
    }
    let used = resident_kib();
    let each = |grown: u64| grown / (APPS - 20);
    let (made, used) = (each(made.saturating_sub(before)), each(used.saturating_sub(before)));
    println!("an app that is not used costs {made} KiB, one that is {used} KiB");
    assert!(made <= KIB_PER_APP, "an unused app costs {made} KiB");
    assert!(used <= KIB_PER_USED_APP, "a used app costs {used} KiB");
    w.close().await;
}

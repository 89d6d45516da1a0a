//! Passwords of users who log in by several ways (core-users.md 3.2, 3.5).

use serde_json::json;

use super::{PASSWORD, sign_in, sign_in_with, sign_up, text};
use crate::cdi::linking::link;
use crate::cdi::passwordless::somebody;
use crate::cdi::place::{count, migration_modes, put_tenant};
use crate::{World, scenarios};

async fn whoever_signs_in_is_the_whole_user(w: &World) {
    let phone = somebody(w, "", json!({ "phoneNumber": "+4917000000" })).await;
    w.clock.advance(5);
    let id = sign_up(w, "", "a@example.com").await;
    link(w, &[&phone, &id]).await;
    let said = sign_in(w, "", "a@example.com").await.ok();
    assert_eq!((text(&said["user"], "id"), text(&said, "recipeUserId")), (phone.as_str(), id.as_str()));
    assert_eq!(said["user"]["loginMethods"].as_array().map(Vec::len), Some(2));
    assert_eq!(said["user"]["timeJoined"], w.clock.now() - 5);
    // The whole user was active, by the id of the group.
    let active = format!("user_last_active where user_id = '{phone}'");
    assert_eq!(count(w, &active).await, 1);
    // An old version sees the oldest login method, whatever it is.
    let old = w.post("3.0", "/recipe/signin", json!({ "email": "a@example.com", "password": PASSWORD })).await.ok();
    assert_eq!(old["user"]["phoneNumber"], "+4917000000");
}

async fn each_tenant_has_its_own_method_of_one_address(w: &World) {
    for tenant in ["t1", "t2"] {
        put_tenant(w, "", tenant, json!({})).await;
    }
    let mut ids = Vec::new();
    for place in ["/t1", "/t2"] {
        let body = json!({ "email": "a@example.com", "password": place });
        let said = w.post("5.4", &format!("{place}/recipe/signup"), body).await.ok();
        ids.push(text(&said, "recipeUserId").to_owned());
        w.clock.advance(1);
    }
    link(w, &[&ids[0], &ids[1]]).await;
    for (place, id) in ["/t1", "/t2"].into_iter().zip(&ids) {
        let said = sign_in_with(w, place, "a@example.com", place).await.ok();
        assert_eq!((text(&said, "recipeUserId"), text(&said["user"], "id")), (id.as_str(), ids[0].as_str()));
    }
    sign_in_with(w, "/t2", "a@example.com", "/t1").await.says("WRONG_CREDENTIALS_ERROR");
    sign_in_with(w, "", "a@example.com", "/t1").await.says("WRONG_CREDENTIALS_ERROR");
}

/// Two groups, of different recipes, want one address at the same moment.
async fn two_groups_never_get_one_address(w: &World) {
    for (n, mode) in migration_modes(w).iter().enumerate() {
        w.with_config(json!({ "migration_mode": mode })).await;
        let mut groups = Vec::new();
        for of in 0..4 {
            // Each in a tenant of its own, which its second login method shares with the others: no key but the groups' own keeps
            // them apart.
            let tenant = format!("t{n}{of}");
            put_tenant(w, "", &tenant, json!({})).await;
            let id = sign_up(w, &format!("/{tenant}"), &format!("{n}{of}@example.com")).await;
            let shared = somebody(w, "", json!({ "phoneNumber": &format!("+{n}{of}") })).await;
            link(w, &[&id, &shared]).await;
            groups.push(id);
        }
        let wanted = format!("wanted{n}@example.com");
        let asked: Vec<_> = groups
            .into_iter()
            .map(|id| {
                let (w, wanted) = (w.clone(), wanted.clone());
                tokio::spawn(async move {
                    let body = json!({ "recipeUserId": id, "email": wanted });
                    w.put("5.4", "/recipe/user", body).await.done()["status"].clone()
                })
            })
            .collect();
        let mut said = Vec::new();
        for asked in asked {
            said.push(asked.await.expect("an answer"));
        }
        assert_eq!(said.iter().filter(|status| **status == "OK").count(), 1, "{mode}: {said:?}");
        assert_eq!(said.iter().filter(|status| **status == "EMAIL_CHANGE_NOT_ALLOWED_ERROR").count(), 3, "{mode}: {said:?}");
    }
}

scenarios!(World:
    whoever_signs_in_is_the_whole_user,
    each_tenant_has_its_own_method_of_one_address,
    two_groups_never_get_one_address,
);

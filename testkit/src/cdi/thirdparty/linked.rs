//! A new address where users are linked: whose it may become, and whose it then is (core-recipes-1.md 6, scenarios 13, 16 to 27).

use serde_json::{Value, json};

use super::{account, sign_in};
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, put_tenant};
use crate::{World, scenarios};

fn id(said: &Value) -> String {
    said["recipeUserId"].as_str().expect("an id").to_owned()
}

/// Who has signed up at a tenant.
async fn user(w: &World, tenant: &str, user_id: &str, email: &str) -> String {
    w.clock.advance(1);
    id(&sign_in(w, "5.4", tenant, user_id, email, false).await)
}

/// Asks for a new address, and is told that it is another's.
async fn refused(w: &World, cdi: &str, tenant: &str, user_id: &str, email: &str) {
    let events = "activity_log where event_type like 'thirdparty%'";
    let before = count(w, events).await;
    let path = format!("{tenant}/recipe/signinup");
    let said = w.post(cdi, &path, account("google", user_id, email, true)).await.says("EMAIL_CHANGE_NOT_ALLOWED_ERROR");
    let reason = "Email already associated with another primary user.";
    assert_eq!(said, json!({ "status": "EMAIL_CHANGE_NOT_ALLOWED_ERROR", "reason": reason }));
    assert_eq!(count(w, events).await, before);
}

async fn an_address_of_another_primary_user_is_not_taken(w: &World) {
    let (one, two) = (user(w, "", "g1", "a@x.io").await, user(w, "", "g2", "b@x.io").await);
    let before = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    // As long as one of them stands alone, nobody minds.
    link(w, &[&two]).await;
    sign_in(w, "5.4", "", "g1", "b@x.io", false).await;
    sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    link(w, &[&one]).await;
    for cdi in ["2.7", "2.8", "4.0", "5.6"] {
        refused(w, cdi, "", "g1", "b@x.io").await;
    }
    let after = sign_in(w, "5.4", "", "g1", "a@x.io", false).await;
    assert_eq!(after["user"]["loginMethods"], before["user"]["loginMethods"], "nothing has changed");
    let other = user(w, "", "g3", "c@x.io").await;
    sign_in(w, "5.4", "", "g1", "c@x.io", false).await;
    assert_ne!(other, one, "somebody who stands alone owns nothing");
}

async fn what_counts_are_the_tenants_of_the_whole_group(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "", "t2", json!({})).await;
    let (one, other) = (user(w, "/t1", "g1", "a@x.io").await, user(w, "/t2", "g2", "b@x.io").await);
    link(w, &[&one]).await;
    link(w, &[&other]).await;
    sign_in(w, "5.4", "/t1", "g1", "b@x.io", false).await;
    sign_in(w, "5.4", "/t1", "g1", "a@x.io", false).await;
    let member = user(w, "/t2", "g3", "c@x.io").await;
    link(w, &[&one, &member]).await;
    refused(w, "5.4", "/t1", "g1", "b@x.io").await;
    refused(w, "5.4", "/t2", "g3", "b@x.io").await;
    let said = sign_in(w, "5.4", "/t2", "g3", "a@x.io", false).await;
    assert_eq!(said["user"]["emails"], json!(["a@x.io"]), "that of another login method of one's own");
    // From now on the new address is the group's in every tenant of the group.
    sign_in(w, "5.4", "/t1", "g1", "d@x.io", false).await;
    let late = user(w, "/t2", "g4", "e@x.io").await;
    link(w, &[&late]).await;
    refused(w, "5.4", "/t2", "g4", "d@x.io").await;
    refused(w, "5.4", "/t2", "g4", "a@x.io").await;
    sign_in(w, "5.4", "/t2", "g3", "f@x.io", false).await;
    sign_in(w, "5.4", "/t2", "g4", "a@x.io", false).await;
}

async fn of_two_accounts_that_are_alike_the_one_of_the_tenant_logs_in(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "", "t2", json!({})).await;
    let (one, two) = (user(w, "/t1", "g1", "a@x.io").await, user(w, "/t2", "g1", "a@x.io").await);
    link(w, &[&one, &two]).await;
    let said = sign_in(w, "5.4", "/t2", "g1", "b@x.io", false).await;
    assert_eq!((id(&said), &said["user"]["id"]), (two.clone(), &json!(one)));
    assert_eq!(said["user"]["loginMethods"][0]["email"], "a@x.io");
    assert_eq!(said["user"]["loginMethods"][1]["email"], "b@x.io");
    let at_home = sign_in(w, "5.4", "/t1", "g1", "a@x.io", false).await;
    assert_eq!(id(&at_home), one);
    let events = "select distinct primary_or_recipe_user_id from activity_log where event_type = 'thirdparty_sign_in'";
    assert_eq!(w.rows(events).await, [[Some(one)]], "the group's id is logged");
}

async fn a_group_that_reaches_into_a_tenant_does_not_stand_in_for_its_users(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "", "t2", json!({})).await;
    let (one, there) = (user(w, "/t1", "g1", "a@x.io").await, user(w, "/t2", "g9", "z@x.io").await);
    link(w, &[&one, &there]).await;
    let other = user(w, "/t2", "g1", "b@x.io").await;
    let said = sign_in(w, "5.4", "/t2", "g1", "b@x.io", false).await;
    assert_eq!((id(&said), &said["user"]["id"]), (other.clone(), &json!(other)));
}

async fn a_mapped_user_is_verified_under_the_id_that_is_shown(w: &World) {
    let one = user(w, "", "g1", "a@x.io").await;
    map(w, &one, "ext").await;
    let said = sign_in(w, "5.4", "", "g1", "b@x.io", true).await;
    assert_eq!((&said["recipeUserId"], &said["user"]["id"]), (&json!("ext"), &json!("ext")));
    assert_eq!(said["user"]["loginMethods"][0]["verified"], true);
    assert_eq!(w.get("5.4", "/user/id?userId=ext").await.ok()["user"], said["user"]);
    let marked = "select user_id, email from emailverification_verified_emails";
    assert_eq!(w.rows(marked).await, [[Some("ext".to_owned()), Some("b@x.io".to_owned())]]);
}

scenarios!(World:
    an_address_of_another_primary_user_is_not_taken,
    what_counts_are_the_tenants_of_the_whole_group,
    of_two_accounts_that_are_alike_the_one_of_the_tenant_logs_in,
    a_group_that_reaches_into_a_tenant_does_not_stand_in_for_its_users,
    a_mapped_user_is_verified_under_the_id_that_is_shown,
);

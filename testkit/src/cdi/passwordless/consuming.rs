//! Logging in with a code that was right (core-recipes-1.md 6, scenarios 74 to 91, 98).

use serde_json::{Value, json};
use supertokens_domain::time::MINUTE;

use super::{by_code, by_link, check, code_for, consume, devices};
use crate::cdi::costs::costs;
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, put_tenant};
use crate::cdi::thirdparty;
use crate::{World, members, scenarios};

/// Logs in by a link that was sent to an address.
pub async fn log_in(w: &World, cdi: &str, tenant: &str, email: &str) -> Value {
    let code = code_for(w, tenant, email).await;
    consume(w, cdi, tenant, by_link(&code)).await.ok()
}

/// Logs in by a code that was sent to a phone.
pub async fn log_in_by_phone(w: &World, cdi: &str, tenant: &str, phone: &str) -> Value {
    let code = w.post("5.4", &format!("{tenant}/recipe/signinup/code"), json!({ "phoneNumber": phone })).await.ok();
    let typed = code["userInputCode"].as_str().expect("a code");
    consume(w, cdi, tenant, by_code(&code, typed)).await.ok()
}

/// The internal id of who logged in, if it is not mapped.
pub fn id(said: &Value) -> String {
    said["recipeUserId"].as_str().expect("an id").to_owned()
}

async fn somebody_new_is_one_login_method(w: &World) {
    let code = code_for(w, "", "A@x.io").await;
    let said = consume(w, "5.4", "", by_link(&code)).await;
    assert!(said.text.starts_with(r#"{"status":"OK","createdNewUser":true,"user":{"#), "{}", said.text);
    let said = said.ok();
    assert_eq!(members(&said), ["consumedDevice", "createdNewUser", "recipeUserId", "status", "user"]);
    let (id, now) = (id(&said), w.clock.now());
    assert_eq!(
        said["user"],
        json!({
            "id": id, "isPrimaryUser": false, "tenantIds": ["public"], "timeJoined": now, "emails": ["a@x.io"], "phoneNumbers": [],
            "thirdParty": [], "webauthn": { "credentialIds": [] },
            "loginMethods": [{
                "tenantIds": ["public"], "recipeUserId": id, "verified": true, "timeJoined": now, "recipeId": "passwordless",
                "email": "a@x.io",
            }],
        })
    );
    let device = json!({ "preAuthSessionId": code["preAuthSessionId"], "failedCodeInputAttemptCount": 0, "email": "a@x.io" });
    assert_eq!(said["consumedDevice"], device);
    w.clock.advance(1);
    let again = log_in(w, "5.4", "", "a@x.io").await;
    assert_eq!((&again["createdNewUser"], &again["user"]), (&json!(false), &said["user"]));
    assert_eq!(w.get("5.4", &format!("/user/id?userId={id}")).await.ok()["user"], said["user"]);
}

async fn each_version_has_its_shape(w: &World) {
    let marks = "emailverification_verified_emails";
    for (n, (cdi, rest, marked)) in [
        ("2.11", &[][..], false),
        ("3.0", &[], false),
        ("4.0", &["recipeUserId"], true),
        ("5.0", &["consumedDevice", "recipeUserId"], true),
        ("5.6", &["consumedDevice", "recipeUserId"], true),
    ]
    .into_iter()
    .enumerate()
    {
        let before = count(w, marks).await;
        let said = log_in(w, cdi, "", &format!("{n}@x.io")).await;
        let mut expected = [&["createdNewUser", "status", "user"], rest].concat();
        expected.sort_unstable();
        assert_eq!(members(&said), expected, "{cdi}");
        assert_eq!(count(w, marks).await - before, u64::from(marked), "{cdi}");
        match cdi {
            "2.11" => assert_eq!(members(&said["user"]), ["email", "id", "timeJoined"]),
            "3.0" => assert_eq!(members(&said["user"]), ["email", "id", "tenantIds", "timeJoined"]),
            _ => assert_eq!(said["user"]["loginMethods"][0]["verified"], true),
        }
        let code = code_for(w, "", &format!("{n}@x.io")).await;
        let checked = w.post(cdi, "/recipe/signinup/code/check", by_link(&code)).await.ok();
        assert_eq!(members(&checked), ["consumedDevice", "status"], "{cdi}");
    }
}

async fn a_phone_number_is_known_to_be_theirs(w: &World) {
    let said = log_in_by_phone(w, "5.4", "", " +44 20 7183 8750").await;
    let method = &said["user"]["loginMethods"][0];
    assert_eq!((&method["phoneNumber"], &method["verified"], method.get("email")), (&json!("+442071838750"), &json!(true), None));
    assert_eq!(said["consumedDevice"]["phoneNumber"], "+442071838750");
    assert_eq!(count(w, "emailverification_verified_emails").await, 0);
    let old = log_in_by_phone(w, "2.11", "", "+442071838750").await;
    assert_eq!(members(&old["user"]), ["id", "phoneNumber", "timeJoined"]);
}

async fn a_code_is_used_once_and_ends_all_others_of_the_contact(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let (one, two, elsewhere) =
        (code_for(w, "", "a@x.io").await, code_for(w, "", "a@x.io").await, code_for(w, "/t1", "a@x.io").await);
    consume(w, "5.4", "", by_link(&one)).await.ok();
    for code in [&one, &two] {
        consume(w, "5.4", "", by_link(code)).await.says("RESTART_FLOW_ERROR");
        let typed = code["userInputCode"].as_str().expect("a code");
        consume(w, "5.4", "", by_code(code, typed)).await.says("RESTART_FLOW_ERROR");
    }
    let there = consume(w, "5.4", "/t1", by_link(&elsewhere)).await.ok();
    assert_eq!((&there["createdNewUser"], &there["user"]["tenantIds"]), (&json!(true), &json!(["t1"])));
}

async fn logging_in_by_one_contact_ends_the_codes_of_the_other(w: &World) {
    let id = id(&log_in(w, "5.4", "", "a@x.io").await);
    let both = json!({ "recipeUserId": id, "phoneNumber": "+442071838750" });
    let put = w.raw("PUT", "/recipe/user", &[("cdi-version", "5.4"), ("rid", "passwordless")], both.to_string()).await;
    put.ok();
    code_for(w, "", "a@x.io").await;
    let said = log_in_by_phone(w, "5.4", "", "+442071838750").await;
    assert_eq!((&said["recipeUserId"], &said["createdNewUser"]), (&json!(id), &json!(false)));
    assert!(devices(w, "", "email=a@x.io").await.is_empty());
    w.post("5.4", "/recipe/signinup/code", json!({ "phoneNumber": "+442071838750" })).await.ok();
    log_in(w, "5.4", "", "a@x.io").await;
    assert!(devices(w, "", "phoneNumber=%2B442071838750").await.is_empty());
}

async fn only_users_of_this_recipe_and_tenant_are_looked_at(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let other = thirdparty::sign_in(w, "5.4", "", "g1", "a@x.io", true).await;
    let said = log_in(w, "5.4", "", "a@x.io").await;
    assert_eq!(said["createdNewUser"], true);
    assert_ne!(said["recipeUserId"], other["recipeUserId"]);
    let there = log_in(w, "5.4", "/t1", "a@x.io").await;
    assert_eq!(there["createdNewUser"], true);
    assert_ne!(there["recipeUserId"], said["recipeUserId"]);
    link(w, &[&id(&said), &id(&there)]).await;
    let linked = log_in(w, "5.4", "/t1", "a@x.io").await;
    assert_eq!((id(&linked), &linked["user"]["id"]), (id(&there), &json!(id(&said))));
}

async fn what_was_sent_to_who_left_a_tenant_lets_in_somebody_new(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let user = id(&log_in(w, "5.4", "/t1", "a@x.io").await);
    let code = code_for(w, "/t1", "a@x.io").await;
    let left = w.post("5.4", "/t1/recipe/multitenancy/tenant/user/remove", json!({ "recipeUserId": user })).await.ok();
    assert_eq!(left["wasAssociated"], true);
    let said = consume(w, "5.4", "/t1", by_link(&code)).await.ok();
    assert_eq!((&said["createdNewUser"], &said["user"]["tenantIds"]), (&json!(true), &json!(["t1"])));
    assert_ne!(id(&said), user);
    // The place is taken now, and who left is still somebody.
    let back = w.post("5.4", "/t1/recipe/multitenancy/tenant/user", json!({ "recipeUserId": user })).await;
    back.says("EMAIL_ALREADY_EXISTS_ERROR");
    assert_eq!(w.get("5.4", &format!("/user/id?userId={user}")).await.ok()["user"]["tenantIds"], json!([]));
}

async fn a_linked_user_is_shown_whole_and_by_the_method_that_was_used(w: &World) {
    let google = thirdparty::sign_in(w, "5.4", "", "g1", "g@x.io", true).await;
    w.clock.advance(1);
    let by_email = log_in(w, "5.4", "", "a@x.io").await;
    w.clock.advance(1);
    let by_phone = log_in_by_phone(w, "5.4", "", "+442071838750").await;
    link(w, &[&id(&by_email), &id(&by_phone), &id(&google)]).await;
    let said = log_in_by_phone(w, "5.4", "", "+442071838750").await;
    assert_eq!((id(&said), &said["user"]["id"]), (id(&by_phone), &json!(id(&by_email))));
    assert_eq!(said["user"]["loginMethods"].as_array().map(Vec::len), Some(3));
    let old = log_in_by_phone(w, "3.0", "", "+442071838750").await;
    assert_eq!((&old["user"]["id"], &old["user"]["email"]), (&json!(id(&google)), &json!("g@x.io")), "the oldest of them");
    let events = "select distinct recipe_user_id, primary_or_recipe_user_id from activity_log
         where event_type = 'passwordless_sign_in'";
    assert_eq!(w.rows(events).await, [[Some(id(&by_email)), Some(id(&by_email))]]);
}

async fn a_mapped_user_is_verified_under_the_id_that_is_shown(w: &World) {
    let old = log_in(w, "3.0", "", "a@x.io").await;
    map(w, old["user"]["id"].as_str().expect("an id"), "ext").await;
    let said = log_in(w, "5.4", "", "a@x.io").await;
    assert_eq!((&said["recipeUserId"], &said["user"]["id"]), (&json!("ext"), &json!("ext")));
    assert_eq!(said["user"]["loginMethods"][0]["verified"], true);
    let marked = "select user_id, email from emailverification_verified_emails";
    assert_eq!(w.rows(marked).await, [[Some("ext".to_owned()), Some("a@x.io".to_owned())]]);
}

async fn who_logged_in_is_logged(w: &World) {
    let lines = async |event: &str| {
        let wanted = "recipe_user_id, primary_or_recipe_user_id, status, auth_principal, identifier";
        let rows = w.rows(&format!("select {wanted} from activity_log where event_type = '{event}'")).await;
        rows.into_iter()
            .map(|row| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let code = code_for(w, "", "a@x.io").await;
    check(w, "", by_link(&code)).await.ok();
    assert_eq!((count(w, "activity_log").await, count(w, "user_last_active").await), (0, 0));
    let one = id(&consume(w, "5.4", "", by_link(&code)).await.ok());
    let two = id(&log_in_by_phone(w, "5.4", "", "+442071838750").await);
    let line = |id: &str, rest: &str| format!("{id} {id} success {rest}");
    assert_eq!(lines("passwordless_sign_up").await, [line(&one, "email a@x.io"), line(&two, "phone_number +442071838750")]);
    log_in(w, "5.4", "", "a@x.io").await;
    assert_eq!(lines("passwordless_sign_in").await, [line(&one, "email a@x.io")]);
    assert_eq!((lines("user_last_active").await.len(), count(w, "user_last_active").await), (2, 2));
}

async fn the_log_of_activity_keeps_nobody_out(w: &World) {
    log_in(w, "5.4", "", "a@x.io").await;
    for table in ["activity_log", "user_last_active"] {
        w.write(&format!("alter table {table} rename to out_of_the_way")).await;
        w.clock.advance(6 * MINUTE);
        let said = log_in(w, "5.4", "", "a@x.io").await;
        assert_eq!(said["createdNewUser"], false, "{table}");
        w.write(&format!("alter table out_of_the_way rename to {table}")).await;
    }
    // What was not written is still due.
    let lines = async |event: &str| count(w, &format!("activity_log where event_type = '{event}'")).await;
    assert_eq!((lines("passwordless_sign_in").await, lines("user_last_active").await), (0, 1));
    log_in(w, "5.4", "", "a@x.io").await;
    assert_eq!((lines("passwordless_sign_in").await, lines("user_last_active").await), (1, 2));
    log_in(w, "5.4", "", "a@x.io").await;
    assert_eq!((lines("passwordless_sign_in").await, lines("user_last_active").await), (2, 2));
}

async fn consuming_costs_what_it_must(w: &World) {
    let post = ["", "POST", "/recipe/signinup/code/consume"];
    log_in(w, "5.4", "", "other@x.io").await;
    // A look, three more under the locks of what waits, and what is written with the commit.
    let code = code_for(w, "", "a@x.io").await;
    let id = costs(w, post, by_link(&code), 13, 6).await["recipeUserId"].clone();
    // The line of the log goes with the commit.
    let code = code_for(w, "", "a@x.io").await;
    costs(w, post, by_link(&code), 6, 5).await;
    let put = |email| json!({ "recipeUserId": id, "email": email });
    costs(w, ["passwordless", "PUT", "/recipe/user"], put("b@x.io"), 8, 4).await;
    costs(w, ["passwordless", "PUT", "/recipe/user"], put("b@x.io"), 3, 3).await;
    let id = id.as_str().expect("an id");
    costs(w, ["passwordless", "GET", &format!("/recipe/user?userId={id}")], Value::Null, 1, 1).await;
    costs(w, ["passwordless", "GET", "/recipe/user?email=b@x.io"], Value::Null, 1, 1).await;
}

scenarios!(World:
    consuming_costs_what_it_must,
    somebody_new_is_one_login_method,
    each_version_has_its_shape,
    a_phone_number_is_known_to_be_theirs,
    a_code_is_used_once_and_ends_all_others_of_the_contact,
    logging_in_by_one_contact_ends_the_codes_of_the_other,
    only_users_of_this_recipe_and_tenant_are_looked_at,
    what_was_sent_to_who_left_a_tenant_lets_in_somebody_new,
    a_linked_user_is_shown_whole_and_by_the_method_that_was_used,
    a_mapped_user_is_verified_under_the_id_that_is_shown,
    who_logged_in_is_logged,
    the_log_of_activity_keeps_nobody_out,
);

//! Users of this recipe: looking at them, and changing where codes are sent (core-recipes-1.md 6, scenarios 99 to 108).

use serde_json::{Value, json};

use super::consuming::{id, log_in, log_in_by_phone};
use super::{code_for, devices};
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, put_tenant};
use crate::cdi::thirdparty;
use crate::{Answer, World, members, scenarios};

const PHONE: &str = "+442071838750";

async fn get(w: &World, cdi: &str, tenant: &str, query: &str) -> Answer {
    w.raw("GET", &format!("{tenant}/recipe/user{query}"), &[("cdi-version", cdi), ("rid", "passwordless")], "").await
}

async fn put(w: &World, cdi: &str, tenant: &str, body: Value) -> Answer {
    w.raw("PUT", &format!("{tenant}/recipe/user"), &[("cdi-version", cdi), ("rid", "passwordless")], body.to_string()).await
}

/// A person of the database: its login's e-mail address and phone number.
async fn contacts(w: &World, id: &str) -> (Value, Value) {
    let user = get(w, "5.4", "", &format!("?userId={id}")).await.ok()["user"].clone();
    (user["emails"].clone(), user["phoneNumbers"].clone())
}

async fn what_is_wrong_is_said(w: &World) {
    let one = "Please provide exactly one of userId, email or phoneNumber";
    for query in ["", "?userId=u&email=a", "?email=&phoneNumber="] {
        get(w, "5.4", "/ghost", query).await.refuses(400, one);
    }
    let invalid = |field: &str| format!("Field name '{field}' is invalid in JSON input");
    for (cdi, body, field) in [
        ("5.4", json!({ "userId": "u" }), "recipeUserId"),
        ("3.0", json!({ "recipeUserId": "u" }), "userId"),
        ("5.4", json!({ "recipeUserId": "u", "email": "" }), "email"),
        ("5.4", json!({ "recipeUserId": "u", "email": " \t" }), "email"),
        ("5.4", json!({ "recipeUserId": "u", "email": 5 }), "email"),
        ("5.4", json!({ "recipeUserId": "u", "phoneNumber": "" }), "phoneNumber"),
        ("5.4", json!({ "recipeUserId": "u", "phoneNumber": [] }), "phoneNumber"),
        ("5.4", json!({ "recipeUserId": "u", "email": "é".repeat(257) }), "email"),
    ] {
        put(w, cdi, "/t1", body).await.refuses(400, &invalid(field));
    }
    put(w, "5.4", "/t1", json!({ "recipeUserId": "u" }))
        .await
        .refuses(403, "Only public tenantId can call this app specific API");
    let no_app = put(w, "5.4", "/appid-ghost/t1", json!({ "recipeUserId": "u" })).await;
    assert_eq!(no_app.status, 400, "{}", no_app.text);
    put(w, "4.0", "/ghost", json!({ "recipeUserId": "u" })).await.says("UNKNOWN_USER_ID_ERROR");
}

async fn who_is_not_there_is_unknown(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let other = id(&thirdparty::sign_in(w, "5.4", "", "g1", "g@x.io", true).await);
    log_in(w, "5.4", "", "a@x.io").await;
    for user in ["nobody", "", "a%00b", &other] {
        get(w, "5.4", "", &format!("?userId={user}")).await.says("UNKNOWN_USER_ID_ERROR");
    }
    for user in ["nobody", "", "a\0b", &other] {
        let said = put(w, "5.4", "", json!({ "recipeUserId": user, "email": "b@x.io" })).await.says("UNKNOWN_USER_ID_ERROR");
        assert_eq!(members(&said), ["status"]);
    }
    for (tenant, query, status) in [
        ("", "?email=g@x.io", "UNKNOWN_EMAIL_ERROR"),
        ("", "?email=a%00b", "UNKNOWN_EMAIL_ERROR"),
        ("/t1", "?email=a@x.io", "UNKNOWN_EMAIL_ERROR"),
        ("", "?phoneNumber=%2B1", "UNKNOWN_PHONE_NUMBER_ERROR"),
    ] {
        get(w, "5.4", tenant, query).await.says(status);
    }
}

async fn an_id_finds_one_login_method_and_a_contact_the_whole_user(w: &World) {
    let by_email = log_in(w, "5.4", "", "a@x.io").await;
    w.clock.advance(1);
    let by_phone = log_in_by_phone(w, "5.4", "", PHONE).await;
    link(w, &[&id(&by_email), &id(&by_phone)]).await;
    map(w, &id(&by_phone), "ext").await;
    for user in [id(&by_phone), "ext".to_owned()] {
        let user = get(w, "5.4", "", &format!("?userId={user}")).await.ok()["user"].clone();
        assert_eq!((&user["id"], &user["isPrimaryUser"], &user["emails"]), (&json!("ext"), &json!(true), &json!([])));
        assert_eq!(user["loginMethods"].as_array().map(Vec::len), Some(1));
    }
    for query in ["?phoneNumber=%2B44%2020%207183%208750", "?email=A@x.io"] {
        let user = get(w, "5.4", "", query).await.ok()["user"].clone();
        assert_eq!((&user["id"], user["loginMethods"].as_array().map(Vec::len)), (&json!(id(&by_email)), Some(2)), "{query}");
    }
    let old = get(w, "2.11", "", "?phoneNumber=%2B442071838750").await.ok()["user"].clone();
    assert_eq!(members(&old), ["email", "id", "timeJoined"], "the oldest, whoever was asked for");
}

async fn contacts_are_set_and_cleared(w: &World) {
    let user = id(&log_in(w, "5.4", "", "a@x.io").await);
    let change = async |body: Value| {
        let mut whole = json!({ "recipeUserId": user });
        whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
        put(w, "5.4", "", whole).await
    };
    for same in [json!({}), json!({ "email": " A@x.io" }), json!({ "phoneNumber": null })] {
        change(same).await.ok();
        assert_eq!(contacts(w, &user).await, (json!(["a@x.io"]), json!([])));
    }
    let both = "You cannot clear both email and phone number of a user";
    change(json!({ "email": null })).await.refuses(400, both);
    change(json!({ "email": null, "phoneNumber": null })).await.refuses(400, both);
    change(json!({ "email": null, "phoneNumber": " +44 20 7183 8750" })).await.ok();
    assert_eq!(contacts(w, &user).await, (json!([]), json!([PHONE])));
    change(json!({ "phoneNumber": null })).await.refuses(400, both);
    change(json!({ "email": "b@x.io" })).await.ok();
    assert_eq!(contacts(w, &user).await, (json!(["b@x.io"]), json!([PHONE])));
    assert_eq!(id(&log_in(w, "5.4", "", "b@x.io").await), user);
    assert_eq!(id(&log_in_by_phone(w, "5.4", "", PHONE).await), user);
    change(json!({ "phoneNumber": null })).await.ok();
    assert_ne!(id(&log_in_by_phone(w, "5.4", "", PHONE).await), user, "the number is somebody else's now");
    assert_ne!(id(&log_in(w, "5.4", "", "a@x.io").await), user);
    put(w, "3.0", "", json!({ "userId": user, "email": "c@x.io" })).await.ok();
    map(w, &user, "ext").await;
    put(w, "5.4", "", json!({ "recipeUserId": "ext", "email": "d@x.io" })).await.ok();
    let changed = get(w, "5.4", "", "?userId=ext").await.ok()["user"].clone();
    assert_eq!((&changed["emails"], &changed["loginMethods"][0]["verified"]), (&json!(["d@x.io"]), &json!(false)));
}

async fn a_contact_is_one_users_of_this_recipe(w: &World) {
    let (one, two) = (id(&log_in(w, "5.4", "", "a@x.io").await), id(&log_in(w, "5.4", "", "b@x.io").await));
    log_in_by_phone(w, "5.4", "", PHONE).await;
    let said = put(w, "5.4", "", json!({ "recipeUserId": one, "email": "b@x.io", "phoneNumber": "+12" })).await;
    assert_eq!(said.says("EMAIL_ALREADY_EXISTS_ERROR"), json!({ "status": "EMAIL_ALREADY_EXISTS_ERROR" }));
    let said = put(w, "5.4", "", json!({ "recipeUserId": one, "email": "c@x.io", "phoneNumber": PHONE })).await;
    assert_eq!(said.says("PHONE_NUMBER_ALREADY_EXISTS_ERROR"), json!({ "status": "PHONE_NUMBER_ALREADY_EXISTS_ERROR" }));
    assert_eq!(contacts(w, &one).await, (json!(["a@x.io"]), json!([])), "all or nothing");
    // Primary or not, a user that stands alone has its key and nothing else.
    link(w, &[&one]).await;
    put(w, "5.4", "", json!({ "recipeUserId": one, "email": "b@x.io" })).await.says("EMAIL_ALREADY_EXISTS_ERROR");
    thirdparty::sign_in(w, "5.4", "", "g1", "g@x.io", true).await;
    put(w, "5.4", "", json!({ "recipeUserId": one, "email": "g@x.io" })).await.ok();
    put(w, "5.4", "", json!({ "recipeUserId": two, "email": "a@x.io" })).await.ok();
}

async fn a_contact_of_another_primary_user_is_not_taken(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let google = id(&thirdparty::sign_in(w, "5.4", "", "g1", "g@x.io", true).await);
    let (one, alone) = (id(&log_in(w, "5.4", "", "a@x.io").await), id(&log_in(w, "5.4", "", "s@x.io").await));
    let phone = id(&log_in_by_phone(w, "5.4", "", PHONE).await);
    let elsewhere = id(&log_in(w, "5.4", "/t1", "t@x.io").await);
    link(w, &[&google, &phone]).await;
    link(w, &[&one]).await;
    link(w, &[&elsewhere]).await;
    let refused = |what: &str, name: &str| {
        let reason = format!("New {name} is associated with another primary user ID");
        json!({ "status": format!("{what}_CHANGE_NOT_ALLOWED_ERROR"), "reason": reason })
    };
    let said = put(w, "5.4", "", json!({ "recipeUserId": one, "email": "g@x.io", "phoneNumber": PHONE })).await.done();
    assert_eq!(said, refused("EMAIL", "email"));
    let said = put(w, "5.4", "", json!({ "recipeUserId": one, "phoneNumber": PHONE })).await.done();
    assert_eq!(said, refused("PHONE_NUMBER", "phone number"));
    assert_eq!(contacts(w, &one).await, (json!(["a@x.io"]), json!([])));
    put(w, "5.4", "", json!({ "recipeUserId": elsewhere, "email": "g@x.io" })).await.ok();
    put(w, "5.4", "", json!({ "recipeUserId": one, "email": "t@x.io" })).await.ok();
    put(w, "5.4", "", json!({ "recipeUserId": alone, "email": "g@x.io" })).await.ok();
}

async fn codes_for_a_contact_that_changed_end(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let user = id(&log_in(w, "5.4", "", "a@x.io").await);
    for (tenant, email) in [("", "a@x.io"), ("", "b@x.io"), ("", "c@x.io"), ("/t1", "a@x.io")] {
        code_for(w, tenant, email).await;
    }
    put(w, "5.4", "", json!({ "recipeUserId": user, "email": "a@x.io" })).await.ok();
    assert_eq!(count(w, "passwordless_devices").await, 4, "nothing changed");
    put(w, "5.4", "", json!({ "recipeUserId": user, "email": "b@x.io" })).await.ok();
    assert!(devices(w, "", "email=a@x.io").await.is_empty() && devices(w, "", "email=b@x.io").await.is_empty());
    assert_eq!((devices(w, "", "email=c@x.io").await.len(), devices(w, "/t1", "email=a@x.io").await.len()), (1, 1));
}

scenarios!(World:
    what_is_wrong_is_said,
    who_is_not_there_is_unknown,
    an_id_finds_one_login_method_and_a_contact_the_whole_user,
    contacts_are_set_and_cleared,
    a_contact_is_one_users_of_this_recipe,
    a_contact_of_another_primary_user_is_not_taken,
    codes_for_a_contact_that_changed_end,
);

//! One user at once: what is written, and who is kept out.

use serde_json::{Value, json};

use super::{BCRYPT, hashed, import, tables_agree};
use crate::cdi::costs::costs;
use crate::cdi::place::{count, migration_modes, put_tenant};
use crate::cdi::session::races::at_once;
use crate::{World, scenarios};

/// Somebody who has everything.
fn whole(name: &str) -> Value {
    let email = format!("{name}@x.io");
    json!({
        "externalUserId": name,
        "userMetadata": { "a": 1, "b": { "c": "é" } },
        "userRoles": [{ "role": "admin", "tenantIds": ["public", "t1"] }],
        "totpDevices": [{ "secretKey": "MFRGGZDF" }, { "secretKey": "MFRGGZDF", "deviceName": "d", "period": 60, "skew": 2 }],
        "loginMethods": [
            { "recipeId": "emailpassword", "email": email, "plainTextPassword": "a secret", "isVerified": true, "isPrimary": true,
              "timeJoinedInMSSinceEpoch": 2000, "tenantIds": ["public", "t1"] },
            { "recipeId": "thirdparty", "email": format!("g-{email}"), "thirdPartyId": "google", "thirdPartyUserId": name,
              "isVerified": true, "timeJoinedInMSSinceEpoch": 1000 },
            { "recipeId": "passwordless", "email": email, "phoneNumber": format!("+{}", 10_000_000_000_u64 + name.len() as u64) },
        ],
    })
}

async fn prepare(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    w.put("5.6", "/recipe/role", json!({ "role": "admin" })).await.ok();
}

async fn sign_in(w: &World, email: &str, password: &str) -> Value {
    w.post("5.6", "/recipe/signin", json!({ "email": email, "password": password })).await.done()
}

async fn a_user_has_all_that_was_brought(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        prepare(w).await;
        let name = format!("u{}", &mode[..3].to_lowercase());
        let name = if *mode == "DUAL_WRITE_READ_NEW" { "dwn".to_owned() } else { name };
        let said = import(w, whole(&name)).await.ok();
        let user = &said["user"];
        assert_eq!((&user["id"], &user["isPrimaryUser"], &user["timeJoined"]), (&json!(name), &json!(true), &json!(1000)));
        assert_eq!(user["loginMethods"].as_array().map(Vec::len), Some(3));
        let shown = w.get("5.6", &format!("/user/id?userId={name}")).await.ok()["user"].clone();
        assert_eq!(&shown, user, "{mode}");
        let verified: Vec<bool> =
            shown["loginMethods"].as_array().expect("methods").iter().map(|m| m["verified"] == true).collect();
        assert_eq!(verified, [true, true, false], "oldest first");
        let signed_in = sign_in(w, &format!("{name}@x.io"), "a secret").await;
        assert_eq!((&signed_in["status"], &signed_in["user"]["id"]), (&json!("OK"), &json!(name)));
        let metadata = w.get("5.6", &format!("/recipe/user/metadata?userId={name}")).await.ok();
        assert_eq!(metadata["metadata"], json!({ "a": 1, "b": { "c": "é" } }));
        for tenant in ["", "/t1"] {
            let roles = w.get("5.6", &format!("{tenant}/recipe/user/roles?userId={name}")).await.ok();
            assert_eq!(roles["roles"], json!(["admin"]), "{tenant}");
        }
        let devices = w.get("5.6", &format!("/recipe/totp/device/list?userId={name}")).await.ok()["devices"].clone();
        let expected = json!([
            { "name": "TOTP Device 0", "period": 30, "skew": 1, "verified": true },
            { "name": "d", "period": 60, "skew": 2, "verified": true },
        ]);
        assert_eq!(devices, expected);
        tables_agree(w).await;
        // In the primary user's other tenant its other addresses are its own, too.
        let rival =
            json!({ "recipeId": "passwordless", "email": format!("g-{name}@x.io"), "tenantIds": ["t1"], "isPrimary": true });
        let said = import(w, json!({ "loginMethods": [rival] })).await;
        assert_eq!(said.json(), json!({ "errors": ["E027: there is a conflicting account info"] }), "{mode}");
        w.post("5.6", "/user/remove", json!({ "userId": name })).await.ok();
        assert_eq!(count(w, "app_id_to_user_id").await, 0);
        assert_eq!(count(w, "totp_user_devices").await + count(w, "user_metadata").await + count(w, "userid_mapping").await, 0);
    }
}

async fn who_is_kept_out_leaves_nothing(w: &World) {
    prepare(w).await;
    let first = import(w, whole("first")).await.ok();
    let internal = w.value("select supertokens_user_id from userid_mapping").await.expect("an id");
    assert_eq!(first["user"]["id"], "first");
    let before = w.rows("select user_id from app_id_to_user_id order by user_id").await;
    let second = |change: &dyn Fn(&mut Value)| {
        let mut user = whole("the-second");
        change(&mut user);
        user
    };
    let alone = |user: &mut Value| user["loginMethods"][0]["isPrimary"] = json!(false);
    let cases: Vec<(Value, String)> = vec![
        (
            second(&|user| {
                alone(user);
                user["loginMethods"][0]["email"] = json!("First@x.io");
            }),
            "E003: A user with email first@x.io already exists in emailpassword loginMethod.".to_owned(),
        ),
        (
            second(&|user| {
                alone(user);
                user["loginMethods"][1]["thirdPartyUserId"] = json!("first");
            }),
            "E005: A user with thirdPartyId google and thirdPartyUserId first already exists in thirdparty loginMethod."
                .to_owned(),
        ),
        (
            second(&|user| {
                alone(user);
                user["loginMethods"][2]["email"] = json!("first@x.io");
            }),
            "E006: A user with email first@x.io already exists in passwordless loginMethod.".to_owned(),
        ),
        (
            second(&|user| {
                alone(user);
                user["loginMethods"][2]["phoneNumber"] = json!("+10000000005");
            }),
            "E007: A user with phoneNumber +10000000005 already exists in passwordless loginMethod.".to_owned(),
        ),
        (
            second(&|user| user["loginMethods"][1]["email"] = json!("first@x.io")),
            "E027: there is a conflicting account info".to_owned(),
        ),
        (second(&|user| user["externalUserId"] = json!("first")), "E031: A user with externalId first already exists".to_owned()),
        (
            second(&|user| user["externalUserId"] = json!(internal)),
            "E030: Cannot create a userId mapping where the externalId is also a SuperTokens userID".to_owned(),
        ),
    ];
    for (user, words) in cases {
        let said = import(w, user).await;
        assert_eq!((said.status, said.json()), (400, json!({ "errors": [words] })));
    }
    assert_eq!(w.rows("select user_id from app_id_to_user_id order by user_id").await, before);
    let others = ["user_metadata", "user_roles", "totp_user_devices", "userid_mapping", "emailverification_verified_emails"];
    for table in others {
        assert_eq!(
            count(
                w,
                &format!("{table} where user_id like 'the-second%'")
                    .replace("userid_mapping where user_id", "userid_mapping where external_user_id")
            )
            .await,
            0,
            "{table}"
        );
    }
    tables_agree(w).await;
}

async fn login_methods_without_a_primary_one_are_users_of_their_own(w: &World) {
    prepare(w).await;
    let mut user = whole("three");
    user["loginMethods"][0]["isPrimary"] = json!(false);
    let said = import(w, user).await.ok();
    // The oldest is the main one.
    assert_eq!((&said["user"]["id"], &said["user"]["isPrimaryUser"]), (&json!("three"), &json!(false)));
    assert_eq!(said["user"]["loginMethods"][0]["recipeId"], "thirdparty");
    assert_eq!(w.get("5.6", "/users/count").await.ok()["count"], 3);
    // What belongs to another is under its own id.
    let marks = count(w, "emailverification_verified_emails where user_id = 'three'").await;
    assert_eq!((marks, count(w, "emailverification_verified_emails").await), (1, 2));
    let signed_in = sign_in(w, "three@x.io", "a secret").await;
    assert_eq!(signed_in["user"]["loginMethods"][0]["verified"], true);
    tables_agree(w).await;
}

async fn of_sixteen_with_one_address_one_comes_in(w: &World) {
    let caller = |n: usize| {
        let w = w.clone();
        async move {
            let mut user = hashed("same@x.io");
            user["loginMethods"][0]["isPrimary"] = json!(n.is_multiple_of(2));
            import(&w, user).await.status
        }
    };
    let mut said = at_once((0..16).map(caller).collect()).await;
    said.sort_unstable();
    let expected: Vec<u16> = std::iter::once(200).chain([400; 15]).collect();
    assert_eq!(said, expected);
    assert_eq!(count(w, "emailpassword_users").await, 1);
    tables_agree(w).await;
}

async fn metadata_that_is_there_is_kept_beside_what_comes(w: &World) {
    w.put("5.6", "/recipe/user/metadata", json!({ "userId": "ext", "metadataUpdate": { "a": 1, "b": 2 } })).await.ok();
    let mut user = hashed("a@x.io");
    user["externalUserId"] = json!("ext");
    user["userMetadata"] = json!({ "b": 3, "c": 4 });
    import(w, user).await.ok();
    let metadata = w.get("5.6", "/recipe/user/metadata?userId=ext").await.ok();
    assert_eq!(metadata["metadata"], json!({ "a": 1, "b": 3, "c": 4 }));
}

async fn one_import_costs_what_it_must(w: &World) {
    let plain = hashed("a@x.io");
    costs(w, ["", "POST", "/bulk-import/import"], plain, 14, 6).await;
    let mut linked = hashed("b@x.io");
    linked["externalUserId"] = json!("b");
    linked["userMetadata"] = json!({ "a": 1 });
    linked["loginMethods"][0]["isPrimary"] = json!(true);
    linked["loginMethods"][0]["isVerified"] = json!(true);
    costs(w, ["", "POST", "/bulk-import/import"], linked, 20, 8).await;
    costs(w, ["", "POST", "/bulk-import/users"], json!({ "users": [hashed("c@x.io"), hashed("d@x.io")] }), 2, 3).await;
    costs(w, ["", "GET", "/bulk-import/users"], Value::Null, 1, 1).await;
    costs(w, ["", "GET", "/bulk-import/users/count"], Value::Null, 1, 1).await;
    assert!(BCRYPT.len() == 60);
}

scenarios!(World:
    a_user_has_all_that_was_brought,
    who_is_kept_out_leaves_nothing,
    login_methods_without_a_primary_one_are_users_of_their_own,
    of_sixteen_with_one_address_one_comes_in,
    metadata_that_is_there_is_kept_beside_what_comes,
    one_import_costs_what_it_must,
);

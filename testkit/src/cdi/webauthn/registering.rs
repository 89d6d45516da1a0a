//! Signing up, and one more passkey: scenarios 58 to 71, 84 to 86.

use serde_json::{Value, json};

use super::vectors::{brought, case, cases, ours, seed};
use super::{WEBAUTHN, put_passkey, put_passkey_user};
use crate::answer::members;
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, migration_modes, put_tenant};
use crate::cdi::session::races::at_once;
use crate::cdi::users::{By, id, put_login};
use crate::{Answer, World, scenarios};

fn made(n: usize) -> Value {
    // Each of another passkey.
    let names =
        ["es256 none", "eddsa none", "rs256 none", "es384 none", "es256 fido-u2f", "no transports member", "unknown transport"];
    case("registrations", names[n])
}

async fn sign_up_at(w: &World, cdi: &str, tenant: &str, options: &str, case: &Value) -> Answer {
    w.post(cdi, &format!("{tenant}{WEBAUTHN}/signup"), brought(options, case)).await
}

async fn sign_up(w: &World, tenant: &str, email: &str, n: usize) -> Value {
    let options = seed(w, tenant, &made(n), Some(email)).await;
    sign_up_at(w, "5.4", tenant, &options, &made(n)).await.done()
}

async fn register_at(w: &World, tenant: &str, user: &str, options: &str, n: usize) -> Answer {
    let mut body = brought(options, &made(n));
    body["recipeUserId"] = json!(user);
    w.post("5.4", &format!("{tenant}{WEBAUTHN}/user/credential/register"), body).await
}

async fn whoever_signs_up_is_somebody_new(w: &World) {
    let options = seed(w, "", &made(0), Some("a@b.co")).await;
    let said = sign_up_at(w, "5.4", "", &options, &made(0)).await.ok();
    let user = said["recipeUserId"].as_str().expect("an id").to_owned();
    let credential = &made(0)["credential"]["id"];
    let passkeys = json!({ "credentialIds": [credential] });
    let method = json!({
        "tenantIds": ["public"], "recipeUserId": user, "verified": false, "timeJoined": w.clock.now(), "recipeId": "webauthn",
        "email": "a@b.co", "webauthn": passkeys,
    });
    let expected = json!({
        "status": "OK", "webauthnCredentialId": credential, "relyingPartyId": "example.com", "relyingPartyName": "Example",
        "recipeUserId": user,
        "user": {
            "id": user, "isPrimaryUser": false, "tenantIds": ["public"], "timeJoined": w.clock.now(), "emails": ["a@b.co"],
            "phoneNumbers": [], "thirdParty": [], "webauthn": passkeys, "loginMethods": [method],
        },
    });
    assert_eq!(said, expected);
    assert!(user != options && user.len() == 36, "{user}");
    assert_eq!(super::user(w, &user).await, expected["user"]);
    assert_eq!(count(w, &format!("user_last_active where user_id = '{user}'")).await, 1);
    super::options_at(w, "", &options).await.ok();
    // The options are not used up, but the address is.
    sign_up_at(w, "5.4", "", &options, &made(0)).await.says("EMAIL_ALREADY_EXISTS_ERROR");
    for (n, cdi) in ["2.7", "3.1", "4.0", "5.2"].into_iter().enumerate() {
        let options = seed(w, "", &made(n + 1), Some(&format!("{n}@b.co"))).await;
        let older = sign_up_at(w, cdi, "", &options, &made(n + 1)).await.ok();
        let shown = &older["user"];
        assert_eq!((shown.get("webauthn"), &shown["emails"]), (None, &json!([])), "{cdi}");
        assert_eq!((shown["loginMethods"][0].get("webauthn"), members(&older).len()), (None, 6), "{cdi}");
    }
}

async fn options_hold_for_their_time(w: &World) {
    let options = seed(w, "", &made(0), Some("a@b.co")).await;
    w.clock.advance(60_001);
    let late = sign_up_at(w, "5.4", "", &options, &made(0)).await.says("INVALID_OPTIONS_ERROR");
    assert_eq!(late, json!({ "status": "INVALID_OPTIONS_ERROR", "reason": "Options expired" }));
    let odd = json!({ "webauthnGeneratedOptionsId": options, "credential": { "id": "!!!", "type": "public-key" } });
    w.post("5.4", &format!("{WEBAUTHN}/signup"), odd).await.says("INVALID_CREDENTIALS_ERROR");
    let options = seed(w, "", &made(0), Some("a@b.co")).await;
    w.clock.advance(60_000);
    sign_up_at(w, "5.4", "", &options, &made(0)).await.ok();
    for unknown in ["nobody", "", "0badc0de-0000-4000-8000-ffffffffffff"] {
        sign_up_at(w, "5.4", "", unknown, &made(1)).await.says("OPTIONS_NOT_FOUND_ERROR");
    }
    let for_sign_in = seed(w, "", &made(1), None).await;
    sign_up_at(w, "5.4", "", &for_sign_in, &made(1)).await.says("OPTIONS_NOT_FOUND_ERROR");
    assert_eq!(count(w, "webauthn_users").await, 1);
}

async fn what_is_missing_is_said(w: &World) {
    for path in ["signup", "signin"] {
        let path = format!("{WEBAUTHN}/{path}");
        for (body, name) in [
            (json!({}), "webauthnGeneratedOptionsId"),
            (json!({ "webauthnGeneratedOptionsId": "x" }), "credential"),
            (json!({ "webauthnGeneratedOptionsId": "x", "credential": "x" }), "credential"),
            (json!({ "webauthnGeneratedOptionsId": "x", "credential": null }), "credential"),
        ] {
            w.post("5.4", &path, body).await.refuses(400, &format!("Field name '{name}' is invalid in JSON input"));
        }
        let nowhere = w.post("5.4", &format!("/ghost{path}"), json!({})).await;
        assert!(nowhere.status == 400 && nowhere.text.contains("not found"), "{}", nowhere.text);
        // Without options nothing else is looked at.
        let odd = json!({ "webauthnGeneratedOptionsId": "x", "credential": {} });
        w.post("5.4", &path, odd).await.says("OPTIONS_NOT_FOUND_ERROR");
    }
    let options = seed(w, "", &made(0), Some("a@b.co")).await;
    for (credential, words) in [
        (json!({}), "credential id is missing!"),
        (json!({ "id": "" }), "credential id is empty!"),
        (json!({ "id": "YQ" }), "credential type is missing!"),
        (json!({ "id": "YQ", "type": "" }), "credential type is empty!"),
        (json!({ "id": "YQ", "type": "password" }), "not supported credential type: 'password'"),
        (json!({ "id": "!!!", "type": "public-key" }), "Credential ID has to be base64 url encoded"),
    ] {
        for path in ["signup", "signin"] {
            let body = json!({ "webauthnGeneratedOptionsId": options, "credential": credential });
            let said = w.post("5.4", &format!("{WEBAUTHN}/{path}"), body).await.says("INVALID_CREDENTIALS_ERROR");
            assert_eq!(said["reason"], words, "{path} {credential}");
        }
    }
    let register = format!("{WEBAUTHN}/user/credential/register");
    let said = w.post("5.4", &register, json!({ "webauthnGeneratedOptionsId": options, "credential": {} })).await;
    said.refuses(400, "Field name 'recipeUserId' is invalid in JSON input");
}

async fn an_address_and_a_passkey_are_one_users(w: &World) {
    for (n, mode) in (1..).zip(migration_modes(w)) {
        w.with_config(json!({ "migration_mode": mode })).await;
        put_tenant(w, "", "t1", json!({})).await;
        let email = format!("{}@b.co", mode.to_lowercase());
        put_login(w, "", n, By::Password(&email)).await;
        assert_eq!(sign_up(w, "", &email, 0).await["status"], "OK", "{mode}: a password is no passkey");
        assert_eq!(sign_up(w, "", &email, 1).await, json!({ "status": "EMAIL_ALREADY_EXISTS_ERROR" }), "{mode}");
        assert_eq!(sign_up(w, "/t1", &email, 1).await["status"], "OK", "{mode}: in another tenant");
        let taken = sign_up(w, "", "other@b.co", 0).await;
        let expected = json!({ "status": "INVALID_CREDENTIALS_ERROR", "reason": "credential already exists" });
        assert_eq!(taken, expected, "{mode}");
        assert_eq!((count(w, "webauthn_users").await, count(w, "webauthn_credentials").await), (2, 2), "{mode}");
        assert_eq!(count(w, "app_id_to_user_id").await, 3, "{mode}: nobody is left behind");
        for user in w.rows("select user_id from app_id_to_user_id").await {
            w.post("5.4", "/user/remove", json!({ "userId": user[0] })).await.ok();
        }
    }
}

async fn rows_are_those_of_the_mode(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        let said = sign_up(w, "", "a@b.co", 0).await;
        let user = said["recipeUserId"].as_str().expect("an id");
        let (old, new) = (u64::from(*mode != "MIGRATED"), u64::from(*mode != "LEGACY"));
        let there = async |table: &str, column: &str| count(w, &format!("{table} where {column} = '{user}'")).await;
        assert_eq!(there("all_auth_recipe_users", "user_id").await, old, "{mode}");
        assert_eq!(there("webauthn_user_to_tenant", "user_id").await, old, "{mode}");
        assert_eq!(there("recipe_user_account_infos", "recipe_user_id").await, new, "{mode}");
        assert_eq!(there("recipe_user_tenants", "recipe_user_id").await, new, "{mode}");
        let joined = w.value(&format!("select time_joined from app_id_to_user_id where user_id = '{user}'")).await;
        assert_eq!(joined, Some(if new == 0 { "0".to_owned() } else { w.clock.now().to_string() }), "{mode}");
        let own = w.rows("select email, rp_id, time_joined from webauthn_users").await;
        let expected = ["a@b.co".to_owned(), "example.com".to_owned(), w.clock.now().to_string()];
        assert_eq!(own, [expected.map(Some)], "{mode}");
        assert_eq!(super::user(w, user).await, said["user"], "{mode}");
        w.post("5.4", "/user/remove", json!({ "userId": user })).await.ok();
    }
    assert_eq!(count(w, "webauthn_credentials").await, 0);
}

async fn options_of_another_place_are_none(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_tenant(w, "", "t2", json!({})).await;
    put_tenant(w, "a", "", json!({})).await;
    put_passkey_user(w, "t2", 1, "b@b.co", "k").await;
    let options = seed(w, "t1", &made(0), Some("a@b.co")).await;
    for elsewhere in ["", "/t2", "/appid-a"] {
        sign_up_at(w, "5.4", elsewhere, &options, &made(0)).await.says("OPTIONS_NOT_FOUND_ERROR");
        w.post("5.4", &format!("{elsewhere}{WEBAUTHN}/signin"), brought(&options, &made(0)))
            .await
            .says("OPTIONS_NOT_FOUND_ERROR");
        register_at(w, elsewhere, &id(1), &options, 0).await.says("OPTIONS_NOT_FOUND_ERROR");
    }
    sign_up_at(w, "5.4", "/t1", &options, &made(0)).await.ok();
}

async fn one_more_passkey_is_its_users(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    put_passkey_user(w, "", 1, "a@b.co", "k").await;
    put_login(w, "", 2, By::Password("b@b.co")).await;
    map(w, &id(1), "ext").await;
    let options = seed(w, "", &made(0), Some("elsewhere@b.co")).await;
    let said = register_at(w, "", "ext", &options, 0).await.ok();
    let expected = json!({
        "webauthnCredentialId": made(0)["credential"]["id"], "recipeUserId": "ext", "email": "elsewhere@b.co",
        "relyingPartyId": "example.com", "relyingPartyName": "Example", "status": "OK",
    });
    assert_eq!(said, expected);
    // Options of a sign-in name nobody; they are good for this all the same.
    let nameless = seed(w, "", &made(1), None).await;
    let said = register_at(w, "", &id(1), &nameless, 1).await.ok();
    assert_eq!((&said["email"], &said["recipeUserId"]), (&json!(null), &json!(id(1))));
    assert_eq!(super::user(w, "ext").await["webauthn"]["credentialIds"].as_array().map(Vec::len), Some(3));
    let options = seed(w, "", &made(2), None).await;
    for unknown in ["nobody", "", &id(2) as &str, &id(77)] {
        register_at(w, "", unknown, &options, 2).await.says("UNKNOWN_USER_ID_ERROR");
        // Whoever has the passkey is said first.
        register_at(w, "", unknown, &nameless, 1).await.says("CREDENTIAL_ALREADY_EXISTS_ERROR");
    }
    register_at(w, "", "ext", &nameless, 1).await.says("CREDENTIAL_ALREADY_EXISTS_ERROR");
    put_passkey_user(w, "", 3, "c@b.co", "k3").await;
    register_at(w, "", &id(3), &nameless, 1).await.says("CREDENTIAL_ALREADY_EXISTS_ERROR");
    // The id of a group means that login method alone.
    link(w, &[&id(2), &id(3)]).await;
    register_at(w, "", &id(2), &options, 2).await.says("UNKNOWN_USER_ID_ERROR");
    register_at(w, "", &id(3), &options, 2).await.ok();
    assert_eq!(count(w, "webauthn_credentials where user_id is null").await, 0);
}

/// Nobody's key may stand under the id of somebody else's.
async fn a_passkey_has_the_id_that_its_authenticator_gave_it(w: &World) {
    put_passkey_user(w, "", 1, "victim@b.co", "victim").await;
    let of_victim = made(1)["credential"]["id"].clone();
    put_passkey(w, 1, "elsewhere.com", of_victim.as_str().expect("an id")).await;
    let mut forged = made(0);
    forged["credential"]["id"] = of_victim.clone();
    let options = seed(w, "", &forged, Some("a@b.co")).await;
    sign_up_at(w, "5.4", "", &options, &forged).await.says("INVALID_CREDENTIALS_ERROR");
    forged["credential"]["rawId"] = of_victim;
    sign_up_at(w, "5.4", "", &options, &forged).await.says("INVALID_CREDENTIALS_ERROR");
    assert_eq!(count(w, "webauthn_credentials").await, 2);
    // Of another relying party the same id is another passkey.
    let options = seed(w, "", &made(1), Some("a@b.co")).await;
    sign_up_at(w, "5.4", "", &options, &made(1)).await.ok();
}

async fn a_key_that_was_not_asked_for_is_not_taken(w: &World) {
    let options = seed(w, "", &made(0), Some("a@b.co")).await;
    let listed = async |algorithms: &str| {
        w.write("delete from st_rs_webauthn_algorithms").await;
        w.write(&format!(
            "insert into st_rs_webauthn_algorithms (app_id, tenant_id, options_id, algorithms) values ('public', 'public', '{options}', '{algorithms}')"
        ))
        .await;
        sign_up_at(w, "5.4", "", &options, &made(0)).await.done()["status"].clone()
    };
    assert_eq!(listed("-8 -257").await, "INVALID_AUTHENTICATOR_ERROR");
    assert_eq!(listed("").await, "INVALID_AUTHENTICATOR_ERROR");
    assert_eq!(listed("-8 -7").await, "OK");
}

async fn of_many_who_sign_up_at_once_one_is_new(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        let rights: Vec<Value> = cases("registrations").into_iter().filter(|case| ours(case) == "OK").collect();
        let mut distinct: Vec<Value> = Vec::new();
        for case in rights {
            if distinct.iter().all(|known| known["credential"]["id"] != case["credential"]["id"]) {
                distinct.push(case);
            }
        }
        // One address, twenty passkeys.
        let mut callers = Vec::new();
        for case in distinct.iter().take(20) {
            let options = seed(w, "", case, Some("a@b.co")).await;
            let (w, case) = (w.clone(), case.clone());
            callers.push(async move { sign_up_at(&w, "5.4", "", &options, &case).await.done() });
        }
        assert_eq!(callers.len(), 20);
        let said = at_once(callers).await;
        let of = |said: &[Value], status: &str| said.iter().filter(|one| one["status"] == status).count();
        assert_eq!((of(&said, "OK"), of(&said, "EMAIL_ALREADY_EXISTS_ERROR")), (1, 19), "{mode} {said:?}");
        assert_eq!((count(w, "webauthn_users").await, count(w, "webauthn_credentials").await), (1, 1), "{mode}");
        for user in w.rows("select user_id from app_id_to_user_id").await {
            w.post("5.4", "/user/remove", json!({ "userId": user[0] })).await.ok();
        }
        // One passkey, twenty addresses.
        let mut callers = Vec::new();
        for n in 0..20 {
            let options = seed(w, "", &made(0), Some(&format!("{n}@b.co"))).await;
            let w = w.clone();
            callers.push(async move { sign_up_at(&w, "5.4", "", &options, &made(0)).await.done() });
        }
        let said = at_once(callers).await;
        assert_eq!((of(&said, "OK"), of(&said, "INVALID_CREDENTIALS_ERROR")), (1, 19), "{mode} {said:?}");
        assert_eq!(count(w, "app_id_to_user_id").await, 1, "{mode}: nobody is left behind");
        for user in w.rows("select user_id from app_id_to_user_id").await {
            w.post("5.4", "/user/remove", json!({ "userId": user[0] })).await.ok();
        }
    }
}

/// Whatever is sent, it is refused at once.
async fn hostile_structures_are_refused(w: &World) {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    put_passkey_user(w, "", 1, "a@b.co", "k").await;
    let options = seed(w, "", &made(0), Some("b@b.co")).await;
    let nested = |head: u8| vec![head; 48 * 1024];
    let huge = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff].to_vec();
    let long_text = [0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff].to_vec();
    let long_map = [0xbb, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff].to_vec();
    let mut random = Vec::new();
    for n in 0..1_000_u32 {
        random.extend(n.wrapping_mul(2_654_435_761).to_be_bytes());
    }
    let began = std::time::Instant::now();
    for bytes in [
        nested(0x81),
        nested(0x9f),
        nested(0xa1),
        nested(0xc0),
        vec![0; 600 * 1024],
        huge,
        long_text,
        long_map,
        random,
        Vec::new(),
    ] {
        let mut case = made(0);
        case["credential"]["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(&bytes));
        sign_up_at(w, "5.4", "", &options, &case).await.says("INVALID_CREDENTIALS_ERROR");
        let mut body = brought(&options, &case);
        body["recipeUserId"] = json!(id(1));
        w.post("5.4", &format!("{WEBAUTHN}/user/credential/register"), body).await.says("INVALID_CREDENTIALS_ERROR");
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    sign_up_at(w, "5.4", "", &options, &made(0)).await.ok();
}

scenarios!(World:
    whoever_signs_up_is_somebody_new,
    options_hold_for_their_time,
    what_is_missing_is_said,
    an_address_and_a_passkey_are_one_users,
    rows_are_those_of_the_mode,
    options_of_another_place_are_none,
    one_more_passkey_is_its_users,
    a_passkey_has_the_id_that_its_authenticator_gave_it,
    a_key_that_was_not_asked_for_is_not_taken,
    of_many_who_sign_up_at_once_one_is_new,
    hostile_structures_are_refused,
);

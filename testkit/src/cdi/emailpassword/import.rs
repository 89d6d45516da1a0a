//! Hashes that other programs made (core-users.md 3.9).

use serde_json::{Value, json};

use super::{sign_up, signs_in, stored_hash, text};
use crate::cdi::linking::{link, map};
use crate::cdi::passwordless::somebody;
use crate::cdi::place::{count, put_tenant};
use crate::{Answer, World, members, scenarios};

const PATH: &str = "/recipe/user/passwordhash/import";
/// Of `testPass123`.
const BCRYPT: &str = "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm";
/// Of `newTestPass123`.
const BCRYPT_NEW: &str = "$2a$10$uV17z2rVB3W5Rp4MeJeB4OdRX/Z7oFMLpUbdzyX9bDrk6kvZiOT1G";

async fn import(w: &World, place: &str, email: &str, hash: &str) -> Answer {
    w.post("5.4", &format!("{place}{PATH}"), json!({ "email": email, "passwordHash": hash })).await
}

async fn verdicts_are_those_of_the_vectors(w: &World) {
    let vectors: Value = serde_json::from_str(include_str!("../../../vectors/password_hash_import.json")).expect("JSON");
    w.with_config(json!({ "firebase_password_hashing_signer_key": "c2lnbmVyIGtleQ==" })).await;
    let cases = vectors["cases"].as_array().expect("cases");
    assert!(cases.len() >= 32);
    for (n, case) in cases.iter().enumerate() {
        let mut body = json!({ "email": format!("{n}@example.com"), "passwordHash": case["passwordHash"] });
        if !case["hashingAlgorithm"].is_null() {
            body["hashingAlgorithm"] = case["hashingAlgorithm"].clone();
        }
        let expected = case.get("recommended").unwrap_or(&case["java"]).as_str().expect("a verdict");
        let said = w.post("5.4", PATH, body).await;
        match expected.strip_prefix("400 ") {
            Some(words) => said.refuses(400, words),
            None => {
                let user = said.ok()["user"]["id"].as_str().expect("an id").to_owned();
                assert_eq!(stored_hash(w, &user).await, case["passwordHash"].as_str().expect("a hash").trim());
            }
        }
    }
}

async fn the_last_hash_counts(w: &World) {
    let first = import(w, "", " A@example.com ", BCRYPT).await;
    assert!(first.text.starts_with(r#"{"status":"OK","user":{"#) && first.text.ends_with("\"didUserAlreadyExist\":false}\n"));
    let first = first.ok();
    assert_eq!(members(&first), ["didUserAlreadyExist", "status", "user"]);
    assert_eq!(first["user"]["emails"], json!(["a@example.com"]));
    assert!(signs_in(w, "", "a@example.com", "testPass123").await);
    let second = import(w, "", "a@example.com", BCRYPT_NEW).await.ok();
    assert_eq!((&second["didUserAlreadyExist"], &second["user"]), (&json!(true), &first["user"]));
    assert!(!signs_in(w, "", "a@example.com", "testPass123").await && signs_in(w, "", "a@example.com", "newTestPass123").await);
    assert_eq!(count(w, "emailpassword_users").await, 1);
}

async fn what_is_imported_was_not_active_and_is_not_verified(w: &World) {
    for email in ["a@example.com", "x@a.fakeemail.com"] {
        let said = import(w, "", email, BCRYPT).await.ok();
        assert_eq!(said["user"]["loginMethods"][0]["verified"], false, "{email}");
        import(w, "", email, BCRYPT).await.ok();
    }
    for table in ["user_last_active", "activity_log", "emailverification_verified_emails"] {
        assert_eq!(count(w, table).await, 0, "{table}");
    }
}

async fn absurd_costs_are_refused_before_anybody_pays_them(w: &World) {
    w.with_config(json!({ "firebase_password_hashing_signer_key": "c2lnbmVyIGtleQ==" })).await;
    for hash in [
        "$2a$31$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG",
        "$2a$17$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG",
        "$argon2id$v=19$m=4194304,t=1,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A",
        "$argon2id$v=19$m=64,t=101,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A",
        "$f_scrypt$aGFzaA==$c2FsdA==$m=30$r=8$s=Bw==",
        &format!("$argon2id$v=19$m=16,t=2,p=1${}$kjcNNtZ/b0t/8HgXUiQ76A", "A".repeat(208)),
    ] {
        assert_eq!(import(w, "", "a@example.com", hash).await.status, 400, "{hash}");
    }
    assert_eq!(count(w, "app_id_to_user_id").await, 0);
}

async fn what_is_wrong_is_said_in_order(w: &World) {
    let field = |name: &str| format!("Field name '{name}' is invalid in JSON input");
    for (body, words) in [
        (json!({}), field("email")),
        (json!({ "email": "a", "hashingAlgorithm": 1 }), field("passwordHash")),
        (json!({ "email": "a", "passwordHash": "", "hashingAlgorithm": 1 }), field("hashingAlgorithm")),
        (
            json!({ "email": "a", "passwordHash": "", "hashingAlgorithm": "" }),
            "Password hash cannot be an empty string".to_owned(),
        ),
        (
            json!({ "email": "a", "passwordHash": "x", "hashingAlgorithm": "" }),
            "Hashing Algorithm cannot be an empty string".to_owned(),
        ),
        (
            json!({ "email": "a", "passwordHash": "x", "hashingAlgorithm": "md5" }),
            "Unsupported password hashing algorithm".to_owned(),
        ),
    ] {
        w.post("5.4", &format!("/ghost{PATH}"), body).await.refuses(400, &words);
    }
    // The place comes before the format.
    let said = import(w, "/ghost", "a", "nonsense").await;
    assert!(said.status == 400 && said.text.contains("AppId or tenantId not found"), "{}", said.text);
}

async fn only_the_login_method_of_the_address_here_gets_the_hash(w: &World) {
    put_tenant(w, "", "t1", json!({})).await;
    let here = sign_up(w, "", "a@example.com").await;
    w.clock.advance(1);
    let there = sign_up(w, "/t1", "a@example.com").await;
    let phone = somebody(w, "", json!({ "phoneNumber": "+4917000000" })).await;
    link(w, &[&phone, &here, &there]).await;
    let before = stored_hash(w, &there).await;
    let said = import(w, "", "a@example.com", BCRYPT).await.ok();
    assert_eq!((text(&said["user"], "id"), &said["didUserAlreadyExist"]), (phone.as_str(), &json!(true)));
    assert_eq!(said["user"]["loginMethods"].as_array().map(Vec::len), Some(3));
    assert_eq!((stored_hash(w, &here).await.as_str(), stored_hash(w, &there).await), (BCRYPT, before));
}

async fn a_mapped_user_is_shown_by_the_external_id(w: &World) {
    let id = sign_up(w, "", "a@example.com").await;
    map(w, &id, "ext").await;
    for cdi in ["2.16", "3.0", "5.4"] {
        let body = json!({ "email": "a@example.com", "passwordHash": BCRYPT, "hashingAlgorithm": " BCrypt " });
        assert_eq!(w.post(cdi, PATH, body).await.ok()["user"]["id"], "ext", "{cdi}");
    }
}

scenarios!(World:
    verdicts_are_those_of_the_vectors,
    the_last_hash_counts,
    what_is_imported_was_not_active_and_is_not_verified,
    absurd_costs_are_refused_before_anybody_pays_them,
    what_is_wrong_is_said_in_order,
    only_the_login_method_of_the_address_here_gets_the_hash,
    a_mapped_user_is_shown_by_the_external_id,
);

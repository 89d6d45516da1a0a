//! What authenticators have brought once, for challenges that are known: scenarios 56, 57, 72.

use serde_json::{Value, json};
use supertokens_domain::ids::{AppId, TenantId};
use supertokens_store::{CredentialRow, OptionsRow};

use super::{WEBAUTHN, put_passkey_user};
use crate::cdi::session::text;
use crate::cdi::users::id;
use crate::target::Kind;
use crate::{World, scenarios};

/// A file of the vectors: its cases.
pub fn cases(name: &str) -> Vec<Value> {
    let file = match name {
        "registrations" => include_str!("../../../vectors/webauthn_registrations.json"),
        "assertions" => include_str!("../../../vectors/webauthn_assertions.json"),
        _ => include_str!("../../../vectors/webauthn_recorded.json"),
    };
    let file: Value = serde_json::from_str(file).expect("JSON");
    file["cases"].as_array().expect("cases").clone()
}

/// The case of this name.
pub fn case(name: &str, called: &str) -> Value {
    cases(name).into_iter().find(|case| case["name"] == called).expect("there is such a case")
}

/// Stores the options of a case, which hold for a minute, and says their id. For a sign-in there is no address.
pub async fn seed(w: &World, tenant: &str, case: &Value, email: Option<&str>) -> String {
    let options = &case["options"];
    let id = uuid(w);
    let row = OptionsRow {
        id: id.clone(),
        challenge: text(options, "/challenge"),
        email: email.map(str::to_owned),
        rp_id: text(options, "/relyingPartyId"),
        rp_name: "Example".to_owned(),
        origin: text(options, "/origin"),
        expires_at: w.clock.now() + 60_000,
        created_at: w.clock.now(),
        user_presence: options["userPresence"].as_bool().expect("a flag"),
        user_verification: text(options, "/userVerification"),
        algorithms: None,
    };
    let tenant = TenantId::normalise(tenant.trim_start_matches('/'));
    let put = w.core().db().tx(async move |tx| tx.insert_webauthn_options(&AppId::default(), &tenant, &row).await).await;
    put.expect("the options are stored");
    id
}

/// The next of ids that no core makes.
fn uuid(_: &World) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("0badc0de-0000-4000-8000-{:012x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What is sent to sign up and to sign in.
pub fn brought(options_id: &str, case: &Value) -> Value {
    json!({ "webauthnGeneratedOptionsId": options_id, "credential": case["credential"] })
}

/// Gives the n-th user the passkey that a case has stored.
pub async fn put_stored(w: &World, n: u8, case: &Value) {
    let hex = text(case, "/stored/public_key");
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"));
    let now = w.clock.now();
    let row = CredentialRow {
        id: claimed(case),
        rp_id: text(case, "/options/relyingPartyId"),
        counter: case["stored"]["counter"].as_i64().expect("a number"),
        public_key: bytes.collect(),
        transports: "[]".to_owned(),
        created_at: now,
        updated_at: now,
    };
    let user = id(n);
    let put = w.core().db().single(async move |tx| tx.insert_credential(&AppId::default(), &user, &row).await).await;
    put.expect("the passkey is stored");
}

/// Where a case leaves its id out, that of the first one.
fn claimed(case: &Value) -> String {
    let id = case["credential"]["id"].as_str().map(str::to_owned);
    id.unwrap_or_else(|| text(&cases("assertions")[0], "/credential/id"))
}

/// A column of the only passkey, bytes in hex.
pub async fn stored_key(w: &World) -> String {
    let hex = if w.target().kind() == Kind::Postgres { "encode(public_key, 'hex')" } else { "lower(hex(public_key))" };
    w.value(&format!("select {hex} from webauthn_credentials")).await.expect("a passkey")
}

/// Where we are stricter than the vectors say: they were made before packed statements were to be checked.
const STRICTER: [(&str, &str); 2] = [
    ("packed self attestation, signature flipped", "INVALID_AUTHENTICATOR_ERROR"),
    ("packed certificate is garbage", "INVALID_CREDENTIALS_ERROR"),
];

/// How a case ends here.
pub fn ours(case: &Value) -> Value {
    let stricter = STRICTER.iter().find(|(name, _)| case["name"] == *name);
    stricter.map_or_else(|| case["ours"].clone(), |(_, status)| json!(status))
}

async fn every_registration_ends_as_the_vectors_say(w: &World) {
    let all = cases("registrations");
    assert!(all.len() >= 75);
    let mut right = 0;
    for (n, case) in all.iter().chain(&cases("recorded")).enumerate() {
        if case["kind"] != "registration" {
            continue;
        }
        let (email, name) = (format!("{n}@b.co"), &case["name"]);
        w.write("delete from app_id_to_user_id").await;
        let options = seed(w, "", case, Some(&email)).await;
        let said = w.post("5.4", &format!("{WEBAUTHN}/signup"), brought(&options, case)).await.done();
        assert_eq!(said["status"], ours(case), "{name}: {said}");
        if said["status"] != "OK" {
            assert!(said["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{name}: {said}");
            assert_eq!(w.value("select count(*) from webauthn_users").await.as_deref(), Some("0"), "{name}");
            continue;
        }
        right += 1;
        assert_eq!(said["webauthnCredentialId"], case["credential"]["id"], "{name}");
        if let Some(key) = case["upstream"]["public_key"].as_str() {
            // The Java core writes the members of an RSA key in another order.
            let key = if case["name"] == "rs256 none" { stored_key(w).await } else { key.to_owned() };
            assert_eq!(stored_key(w).await, key, "{name}");
            let row = w.rows("select transports, counter from webauthn_credentials").await;
            assert_eq!(row[0][1], Some(case["upstream"]["counter"].to_string()), "{name}");
            let sorted = |text: &str| {
                let mut json: Value = serde_json::from_str(text).expect("JSON");
                if let Some(list) = json.as_array_mut() {
                    list.sort_by_key(Value::to_string);
                }
                json
            };
            let kept = row[0][0].as_deref().expect("a text");
            assert_eq!(sorted(kept), sorted(case["upstream"]["transports"].as_str().expect("a text")), "{name}");
        }
    }
    assert_eq!(right, 32);
}

async fn every_assertion_ends_as_the_vectors_say(w: &World) {
    let all = cases("assertions");
    assert!(all.len() >= 40);
    put_passkey_user(w, "", 1, "a@b.co", "of-no-use").await;
    let mut right = 0;
    for case in &all {
        let name = &case["name"];
        w.write("delete from webauthn_credentials").await;
        w.clock.advance(1);
        put_stored(w, 1, case).await;
        w.clock.advance(1);
        let options = seed(w, "", case, None).await;
        let said = w.post("5.6", &format!("{WEBAUTHN}/signin"), brought(&options, case)).await.done();
        assert_eq!(said["status"], ours(case), "{name}: {said}");
        let counter = if said["status"] == "OK" {
            right += 1;
            assert_eq!(said["recipeUserId"], id(1), "{name}");
            case["upstream"]["counter"].clone()
        } else {
            assert!(said["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{name}: {said}");
            case["stored"]["counter"].clone()
        };
        let row = w.rows("select counter, updated_at - created_at from webauthn_credentials").await;
        let moved = if said["status"] == "OK" { "1" } else { "0" };
        assert_eq!(row[0], [Some(counter.to_string()), Some(moved.to_owned())], "{name}");
    }
    assert_eq!(right, all.iter().filter(|case| case["ours"] == "OK").count());
    assert!(right >= 11);
}

/// Made by a program that knows nothing of ours.
async fn what_another_authenticator_has_made_signs_up_and_in(w: &World) {
    let all = cases("recorded");
    let mut pairs = 0;
    for (n, made) in all.iter().filter(|case| case["kind"] == "registration").enumerate() {
        let options = seed(w, "", made, Some(&format!("{n}@b.co"))).await;
        let user = w.post("5.4", &format!("{WEBAUTHN}/signup"), brought(&options, made)).await.ok()["user"]["id"].clone();
        let of_it = |case: &&Value| case["kind"] != "registration" && case["credential"]["id"] == made["credential"]["id"];
        for shown in all.iter().filter(of_it) {
            let options = seed(w, "", shown, None).await;
            let said = w.post("5.5", &format!("{WEBAUTHN}/signin"), brought(&options, shown)).await.ok();
            assert_eq!(said["user"]["id"], user);
            pairs += 1;
        }
    }
    assert_eq!(pairs, 3);
}

scenarios!(World:
    every_registration_ends_as_the_vectors_say,
    every_assertion_ends_as_the_vectors_say,
    what_another_authenticator_has_made_signs_up_and_in,
);

//! Signing in: scenarios 63, 73 to 83, 87.

use serde_json::{Value, json};

use super::vectors::{brought, case, put_stored, seed};
use super::{WEBAUTHN, put_passkey_user};
use crate::cdi::costs::costs;
use crate::cdi::linking::{link, map};
use crate::cdi::place::{count, migration_modes, put_tenant};
use crate::cdi::session::races::at_once;
use crate::cdi::users::{By, id, put_login};
use crate::{World, scenarios};

const COUNTING: &str = "es256, counter 0 to 1";
/// A passkey that lives in several places.
const STILL: &str = "rs256, counter 0 and 0";

fn shown(name: &str) -> Value {
    case("assertions", name)
}

/// Somebody with the passkey of a case, in a tenant.
async fn somebody(w: &World, tenant: &str, n: u8, name: &str) {
    put_passkey_user(w, tenant, n, &format!("{n}@b.co"), &format!("other-{n}")).await;
    put_stored(w, n, &shown(name)).await;
}

async fn sign_in(w: &World, cdi: &str, tenant: &str, options: &str, name: &str) -> Value {
    w.post(cdi, &format!("{tenant}{WEBAUTHN}/signin"), brought(options, &shown(name))).await.done()
}

async fn from_5_5_options_are_good_for_one_sign_in(w: &World) {
    for cdi in ["5.5", "5.6"] {
        w.write("delete from app_id_to_user_id").await;
        for table in ["recipe_user_tenants", "recipe_user_account_infos"] {
            w.write(&format!("delete from {table}")).await;
        }
        somebody(w, "", 1, STILL).await;
        let options = seed(w, "", &shown(STILL), None).await;
        // One that fails uses nothing up.
        let flipped = w.post(cdi, &format!("{WEBAUTHN}/signin"), brought(&options, &shown("rs256 signature flipped"))).await;
        flipped.says("INVALID_AUTHENTICATOR_ERROR");
        let said = sign_in(w, cdi, "", &options, STILL).await;
        assert_eq!((&said["status"], &said["recipeUserId"]), (&json!("OK"), &json!(id(1))), "{cdi}");
        assert_eq!(crate::answer::members(&said), ["recipeUserId", "status", "user"]);
        assert_eq!(said["user"], super::user(w, &id(1)).await);
        assert_eq!(sign_in(w, cdi, "", &options, STILL).await, json!({ "status": "OPTIONS_NOT_FOUND_ERROR" }), "{cdi}");
        assert_eq!(count(w, &format!("user_last_active where user_id = '{}'", id(1))).await, 1);
    }
}

async fn below_5_5_options_stay_and_only_counters_tell(w: &World) {
    somebody(w, "", 1, STILL).await;
    let options = seed(w, "", &shown(STILL), None).await;
    for cdi in ["5.4", "5.3", "4.0", "3.1", "2.7"] {
        let said = sign_in(w, cdi, "", &options, STILL).await;
        assert_eq!((&said["status"], &said["user"]["id"]), (&json!("OK"), &json!(id(1))), "{cdi}");
        assert_eq!(said["user"].get("webauthn").is_some(), cdi.starts_with('5'), "{cdi}");
    }
    put_stored(w, 1, &shown(COUNTING)).await;
    let options = seed(w, "", &shown(COUNTING), None).await;
    assert_eq!(sign_in(w, "5.4", "", &options, COUNTING).await["status"], "OK");
    let again = sign_in(w, "5.4", "", &options, COUNTING).await;
    let words = "Malicious counter value is detected. Cloned authenticators exist in parallel.";
    assert_eq!(again, json!({ "status": "INVALID_AUTHENTICATOR_ERROR", "reason": words }));
    super::options_at(w, "", &options).await.ok();
}

async fn an_unknown_passkey_is_said_before_options_that_are_over(w: &World) {
    somebody(w, "", 1, STILL).await;
    let (known, unknown) = (seed(w, "", &shown(STILL), None).await, seed(w, "", &shown(COUNTING), None).await);
    w.clock.advance(60_001);
    assert_eq!(sign_in(w, "5.6", "", &unknown, COUNTING).await, json!({ "status": "CREDENTIAL_NOT_FOUND_ERROR" }));
    let over = sign_in(w, "5.6", "", &known, STILL).await;
    assert_eq!(over, json!({ "status": "INVALID_OPTIONS_ERROR", "reason": "Options expired" }));
    assert_eq!(sign_in(w, "5.6", "", "nobody", STILL).await, json!({ "status": "OPTIONS_NOT_FOUND_ERROR" }));
    // Removed in between.
    let options = seed(w, "", &shown(STILL), None).await;
    let passkey = shown(STILL)["credential"]["id"].as_str().expect("an id").to_owned();
    let path = format!("{WEBAUTHN}/user/credential/remove?recipeUserId={}&webauthnCredentialId={passkey}", id(1));
    w.delete("5.4", &path).await.ok();
    assert_eq!(sign_in(w, "5.6", "", &options, STILL).await, json!({ "status": "CREDENTIAL_NOT_FOUND_ERROR" }));
}

async fn nobody_signs_in_where_they_are_not(w: &World) {
    for mode in migration_modes(w) {
        w.with_config(json!({ "migration_mode": mode })).await;
        put_tenant(w, "", "t1", json!({})).await;
        put_tenant(w, "", "t2", json!({})).await;
        somebody(w, "t1", 1, STILL).await;
        let there = seed(w, "t2", &shown(STILL), None).await;
        assert_eq!(sign_in(w, "5.6", "/t2", &there, STILL).await, json!({ "status": "CREDENTIAL_NOT_FOUND_ERROR" }), "{mode}");
        let here = seed(w, "t1", &shown(STILL), None).await;
        // Options of another tenant are none, wherever the user is.
        w.post("5.4", "/t2/recipe/multitenancy/tenant/user", json!({ "recipeUserId": id(1) })).await.ok();
        assert_eq!(sign_in(w, "5.6", "/t2", &here, STILL).await, json!({ "status": "OPTIONS_NOT_FOUND_ERROR" }), "{mode}");
        assert_eq!(sign_in(w, "5.6", "/t2", &there, STILL).await["status"], "OK", "{mode}");
        assert_eq!(sign_in(w, "5.6", "/t1", &here, STILL).await["status"], "OK", "{mode}");
        // In no tenant at all.
        for tenant in ["t1", "t2"] {
            w.post("5.4", &format!("/{tenant}/recipe/multitenancy/tenant/user/remove"), json!({ "recipeUserId": id(1) }))
                .await
                .ok();
        }
        let options = seed(w, "t1", &shown(STILL), None).await;
        assert_eq!(sign_in(w, "5.6", "/t1", &options, STILL).await["status"], "CREDENTIAL_NOT_FOUND_ERROR", "{mode}");
        w.post("5.4", "/user/remove", json!({ "userId": id(1) })).await.ok();
    }
}

async fn a_passkey_is_of_one_relying_party(w: &World) {
    somebody(w, "", 1, STILL).await;
    // The same id and key for another one, of somebody else.
    put_passkey_user(w, "", 2, "2@b.co", "x").await;
    let mut elsewhere = shown(STILL);
    elsewhere["options"]["relyingPartyId"] = json!("auth.example.com");
    put_stored(w, 2, &elsewhere).await;
    let options = seed(w, "", &shown(STILL), None).await;
    assert_eq!(sign_in(w, "5.6", "", &options, STILL).await["recipeUserId"], id(1));
    // What was signed is for example.com.
    let options = seed(w, "", &elsewhere, None).await;
    let said = sign_in(w, "5.6", "", &options, STILL).await;
    assert_eq!(said["status"], "INVALID_AUTHENTICATOR_ERROR");
    assert_eq!(said["reason"], "rpIdHash doesn't match the hash of preconfigured rpId.");
    let mut nobodys = shown(STILL);
    nobodys["options"]["relyingPartyId"] = json!("com");
    let options = seed(w, "", &nobodys, None).await;
    assert_eq!(sign_in(w, "5.6", "", &options, STILL).await["status"], "CREDENTIAL_NOT_FOUND_ERROR");
}

async fn whoever_is_linked_signs_in_as_the_whole_user(w: &World) {
    for (n, mode) in (1..).step_by(2).zip(migration_modes(w)) {
        let (passkey, password) = (n, n + 1);
        w.with_config(json!({ "migration_mode": mode })).await;
        put_login(w, "", password, By::Password(&format!("{password}@b.co"))).await;
        somebody(w, "", passkey, STILL).await;
        link(w, &[&id(password), &id(passkey)]).await;
        let sign_in = async || {
            let options = seed(w, "", &shown(STILL), None).await;
            sign_in(w, "5.6", "", &options, STILL).await
        };
        let said = sign_in().await;
        assert_eq!((&said["user"]["id"], &said["recipeUserId"]), (&json!(id(password)), &json!(id(passkey))), "{mode}");
        map(w, &id(password), &format!("primary {mode}")).await;
        map(w, &id(passkey), &format!("passkey {mode}")).await;
        let said = sign_in().await;
        let shown = (said["user"]["id"].clone(), said["recipeUserId"].clone());
        assert_eq!(shown, (json!(format!("primary {mode}")), json!(format!("passkey {mode}"))));
        assert_eq!(said["user"]["loginMethods"].as_array().map(Vec::len), Some(2), "{mode}");
        assert_eq!(count(w, &format!("user_last_active where user_id = '{}'", id(password))).await, 1, "{mode}");
        assert_eq!(count(w, &format!("user_last_active where user_id = '{}'", id(passkey))).await, 0, "{mode}");
        w.post("5.4", "/user/remove", json!({ "userId": id(password) })).await.ok();
    }
}

/// What the authenticator calls its user is nobody's word. And the table knows no kinds of options.
async fn neither_the_handle_nor_the_kind_of_options_counts(w: &World) {
    somebody(w, "", 1, COUNTING).await;
    let mut told = shown(COUNTING);
    told["credential"]["response"]["userHandle"] = json!("AAAA");
    // Quirk of upstream's: options of a registration are as good.
    let options = seed(w, "", &told, Some("z@b.co")).await;
    let said = w.post("5.6", &format!("{WEBAUTHN}/signin"), brought(&options, &told)).await.ok();
    assert_eq!(said["recipeUserId"], id(1));
}

async fn of_twenty_who_bring_one_assertion_one_signs_in(w: &World) {
    for (cdi, name) in [("5.6", STILL), ("5.5", COUNTING), ("5.4", COUNTING)] {
        for round in 0..4 {
            let n = 1 + round;
            somebody(w, "", n, name).await;
            let options = seed(w, "", &shown(name), None).await;
            let callers = (0..20).map(|_| {
                let (w, options) = (w.clone(), options.clone());
                async move { sign_in(&w, cdi, "", &options, name).await }
            });
            let said = at_once(callers.collect()).await;
            let of = |status: &str| said.iter().filter(|said| said["status"] == status).count();
            assert_eq!(of("OK"), 1, "{cdi} {name} {said:?}");
            assert_eq!(of("OPTIONS_NOT_FOUND_ERROR") + of("INVALID_AUTHENTICATOR_ERROR"), 19, "{cdi} {name} {said:?}");
            w.post("5.4", "/user/remove", json!({ "userId": id(n) })).await.ok();
        }
    }
}

/// And never a fault, whatever goes first.
async fn a_passkey_that_is_removed_meanwhile_signs_in_or_is_unknown(w: &World) {
    for round in 0..12_u8 {
        let n = 1 + round;
        somebody(w, "", n, STILL).await;
        let options = seed(w, "", &shown(STILL), None).await;
        let passkey = shown(STILL)["credential"]["id"].as_str().expect("an id").to_owned();
        let callers = (0..3).map(|which| {
            let (w, options, passkey) = (w.clone(), options.clone(), passkey.clone());
            async move {
                match which {
                    0 => sign_in(&w, "5.6", "", &options, STILL).await["status"].clone(),
                    1 if round % 2 == 0 => {
                        let path =
                            format!("{WEBAUTHN}/user/credential/remove?recipeUserId={}&webauthnCredentialId={passkey}", id(n));
                        w.delete("5.4", &path).await.ok()["status"].clone()
                    }
                    1 => w.post("5.4", "/user/remove", json!({ "userId": id(n) })).await.ok()["status"].clone(),
                    _ => {
                        let path = format!("{WEBAUTHN}/options/remove?webauthnGeneratedOptionsId={options}");
                        w.delete("5.4", &path).await.done()["status"].clone()
                    }
                }
            }
        });
        let said = at_once(callers.collect()).await;
        let known = ["OK", "CREDENTIAL_NOT_FOUND_ERROR", "OPTIONS_NOT_FOUND_ERROR"];
        assert!(said.iter().all(|said| known.contains(&said.as_str().expect("a status"))), "{said:?}");
        w.post("5.4", "/user/remove", json!({ "userId": id(n) })).await.ok();
        assert_eq!(count(w, "webauthn_credentials").await, 0);
    }
}

async fn a_sign_in_costs_three_round_trips(w: &World) {
    somebody(w, "", 1, STILL).await;
    for (cdi, statements) in [("5.4", 5), ("5.6", 6)] {
        w.clock.advance(600_000);
        let options = seed(w, "", &shown(STILL), None).await;
        let core = w.core();
        let before = (core.db().statements(), core.db().trips());
        assert_eq!(sign_in(w, cdi, "", &options, STILL).await["status"], "OK");
        let cost = (core.db().statements() - before.0, core.db().trips() - before.1);
        assert!(cost.0 > 0 && cost.0 <= statements && cost.1 <= 3, "{cdi}: {cost:?}");
    }
    let register = json!({
        "email": "a@b.co", "relyingPartyName": "E", "relyingPartyId": "example.com", "origin": "https://example.com",
    });
    costs(w, ["", "POST", &format!("{WEBAUTHN}/options/register")], register.clone(), 3, 2).await;
    let made = costs(w, ["", "POST", &format!("{WEBAUTHN}/options/signin")], register, 1, 1).await;
    let of = made["webauthnGeneratedOptionsId"].as_str().expect("an id").to_owned();
    costs(w, ["", "GET", &format!("{WEBAUTHN}/options?webauthnGeneratedOptionsId={of}")], Value::Null, 1, 1).await;
    costs(w, ["", "DELETE", &format!("{WEBAUTHN}/options/remove?webauthnGeneratedOptionsId={of}")], Value::Null, 1, 1).await;
    let new = case("registrations", "es256 none");
    let options = seed(w, "", &new, Some("new@b.co")).await;
    costs(w, ["", "POST", &format!("{WEBAUTHN}/signup")], brought(&options, &new), 9, 3).await;
    let more = case("registrations", "eddsa none");
    let options = seed(w, "", &more, None).await;
    let mut body = brought(&options, &more);
    body["recipeUserId"] = json!(id(1));
    costs(w, ["", "POST", &format!("{WEBAUTHN}/user/credential/register")], body, 3, 3).await;
    let list = format!("{WEBAUTHN}/user/credential/list?recipeUserId={}", id(1));
    costs(w, ["", "GET", &list], Value::Null, 1, 1).await;
    let token = json!({ "email": "a@b.co", "userId": id(1) });
    let token = costs(w, ["", "POST", &format!("{WEBAUTHN}/user/recover/token")], token, 1, 1).await["token"].clone();
    let look = format!("{WEBAUTHN}/user/recover?token={}", token.as_str().expect("a token"));
    costs(w, ["", "GET", &look], Value::Null, 2, 2).await;
    costs(w, ["", "POST", &format!("{WEBAUTHN}/user/recover/token/consume")], json!({ "token": token }), 1, 1).await;
}

scenarios!(World:
    from_5_5_options_are_good_for_one_sign_in,
    below_5_5_options_stay_and_only_counters_tell,
    an_unknown_passkey_is_said_before_options_that_are_over,
    nobody_signs_in_where_they_are_not,
    a_passkey_is_of_one_relying_party,
    whoever_is_linked_signs_in_as_the_whole_user,
    neither_the_handle_nor_the_kind_of_options_counts,
    of_twenty_who_bring_one_assertion_one_signs_in,
    a_passkey_that_is_removed_meanwhile_signs_in_or_is_unknown,
    a_sign_in_costs_three_round_trips,
);

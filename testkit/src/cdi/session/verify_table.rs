//! The table of decisions on verifying, `verify_decisions.json`, played against real rows: scenario 40 of core-session.md 8.2.

use serde_json::{Value, json};
use supertokens_domain::time::{DAY, HOUR};

use super::forge::{header, rs256, signing_key, stored_key};
use super::rows::{Row, access, part, row};
use super::verify::verify;
use crate::ports::BEGINNING;
use crate::{Answer, World, members, scenarios};

const HANDLE: &str = "11111111-2222-4333-8444-555555555555";

fn cases() -> Vec<Value> {
    let table: Value =
        serde_json::from_str(include_str!("../../../vectors/verify_decisions.json")).expect("the vectors are JSON");
    table["cases"].as_array().expect("a list").clone()
}

/// A row of the table, completed as the tables want it.
fn wanted(columns: &Value, payload: &Value) -> Row {
    let text = |name: &str| columns[name].as_str().map(str::to_owned);
    Row {
        current: text("refresh_token_hash_2").expect("a hash"),
        prev: text("prev_refresh_token_hash_2"),
        rotated_at: columns["refresh_token_rotated_at"].as_i64(),
        expires_at: columns["expires_at"].as_i64().expect("a time"),
        is_static: columns["use_static_key"].as_bool().expect("a flag"),
        payload: payload.to_string(),
        user_id: "u".to_owned(),
    }
}

/// Brings the session of the table to its state before the case.
async fn set_up(w: &World, before: Option<&Row>) {
    w.write("delete from session_info").await;
    let Some(row) = before else { return };
    let prev = row.prev.as_ref().map_or("null".to_owned(), |hash| format!("'{hash}'"));
    let rotated_at = row.rotated_at.map_or("null".to_owned(), |at| at.to_string());
    w.write(&format!(
        "insert into session_info (app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, session_data, expires_at,
         created_at_time, jwt_user_payload, use_static_key, prev_refresh_token_hash_2, refresh_token_rotated_at)
         values ('public', 'public', '{HANDLE}', 'u', '{}', '{{}}', {}, {BEGINNING}, '{}', {}, {prev}, {rotated_at})",
        row.current, row.expires_at, row.payload, row.is_static
    ))
    .await;
}

/// The access token of the case, signed by the core's own key.
async fn token(w: &World, case: &Value) -> String {
    let now = BEGINNING / 1000;
    let mut claims = json!({
        "iat": now - 60, "exp": now + 60, "sub": "u", "tId": "public", "rsub": "u", "sessionHandle": HANDLE,
        "refreshTokenHash1": case["access_token_refreshTokenHash1"],
        "parentRefreshTokenHash1": case["access_token_parentRefreshTokenHash1"], "antiCsrfToken": "c",
    });
    claims.as_object_mut().expect("an object").extend(case["token_payload"].as_object().expect("an object").clone());
    rs256(&header(signing_key(w).await.kid()), &claims, &stored_key(w).await)
}

/// Was the case refused as the table says, if it says so?
fn is_refused(answer: &Answer, expected: &Value) -> bool {
    if expected["status"] == "OK" {
        return false;
    }
    let body = json!({ "status": expected["status"], "message": expected["message"] });
    assert_eq!(answer.done(), body);
    true
}

async fn from_5_6_on_every_row_of_the_table_is_decided_without_a_write(w: &World) {
    let cases = cases();
    assert!(cases.len() >= 10);
    for case in &cases {
        let name = &case["name"];
        let before = case["row"].is_object().then(|| wanted(&case["row"], &case["db_payload"]));
        set_up(w, before.as_ref()).await;
        let check = case["checkDatabase"].as_bool().expect("a flag");
        let token = token(w, case).await;
        let (trips, answer) = w.trips(verify(w, "5.6", &token, check)).await;
        assert_eq!(trips, u64::from(check), "{name}");
        assert_eq!(row(w, HANDLE).await, before, "{name}");
        let expected = &case["expect_cdi_5_6"];
        if is_refused(&answer, expected) {
            continue;
        }
        let verified = answer.ok();
        assert_eq!(verified["session"]["userDataInJWT"], case["token_payload"], "{name}");
        match expected["payloadUpdateAvailable"].as_bool() {
            Some(available) => assert_eq!(verified["payloadUpdateAvailable"], available, "{name}"),
            None => assert_eq!(members(&verified), ["session", "status"], "{name}"),
        }
    }
}

async fn below_5_6_every_row_of_the_table_is_decided_as_before(w: &World) {
    for case in &cases() {
        let name = &case["name"];
        let before = case["row"].is_object().then(|| wanted(&case["row"], &case["db_payload"]));
        set_up(w, before.as_ref()).await;
        let check = case["checkDatabase"].as_bool().expect("a flag");
        let token = token(w, case).await;
        let (trips, answer) = w.trips(verify(w, "5.4", &token, check)).await;
        let expected = &case["expect_cdi_up_to_5_5"];
        let after = expected.get("row_after").map(|after| wanted(after, &case["db_payload"]));
        assert_eq!(row(w, HANDLE).await, after.or(before), "{name}");
        if is_refused(&answer, expected) {
            continue;
        }
        if expected["db_transaction"] == false {
            assert_eq!(trips, u64::from(check), "{name}");
        } else {
            assert!(trips > u64::from(check), "{name}");
        }
        let verified = answer.ok();
        if expected["new_access_token"] == false {
            assert_eq!(members(&verified), ["session", "status"], "{name}");
            assert_eq!(verified["session"]["userDataInJWT"], case["token_payload"], "{name}");
            continue;
        }
        assert_eq!(members(&verified), ["accessToken", "session", "status"], "{name}");
        assert_eq!(verified["session"]["userDataInJWT"], case["db_payload"], "{name}");
        let (old, new) = (part(&token, 1), part(&access(&verified), 1));
        assert!(new["parentRefreshTokenHash1"].is_null(), "{name}");
        for same in ["refreshTokenHash1", "sub", "rsub", "antiCsrfToken", "sessionHandle"] {
            assert_eq!(new[same], old[same], "{name}");
        }
        assert_eq!(new["exp"], (BEGINNING + HOUR) / 1000, "{name}");
    }
}

async fn the_replacement_is_signed_by_the_kind_of_key_of_the_row(w: &World) {
    let cases = cases();
    let child = cases.iter().find(|case| case["name"] == "stateless, unpromoted child token").expect("the case");
    let mut before = wanted(&child["row"], &child["db_payload"]);
    before.is_static = true;
    before.expires_at = BEGINNING + DAY;
    set_up(w, Some(&before)).await;
    let verified = verify(w, "5.4", &token(w, child).await, false).await.ok();
    let kid = part(&access(&verified), 0)["kid"].as_str().expect("a key id").to_owned();
    assert!(kid.starts_with("s-"), "{kid}");
    assert!(row(w, HANDLE).await.expect("the row").is_static);
    verify(w, "5.6", &access(&verified), true).await.ok();
}

scenarios!(World:
    from_5_6_on_every_row_of_the_table_is_decided_without_a_write,
    below_5_6_every_row_of_the_table_is_decided_as_before,
    the_replacement_is_signed_by_the_kind_of_key_of_the_row,
);

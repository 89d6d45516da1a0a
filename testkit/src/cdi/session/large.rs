//! Payloads that no access token can carry: refused where they are written, and no prison for a session that has one already.

use serde_json::{Value, json};
use supertokens_domain::session::access_token::MAX_ACCESS_TOKEN_BYTES;

use super::forge::everything;
use super::rows::{access, handle, refresh, refreshing, the_row};
use super::{create, plain};
use crate::{World, scenarios};

/// As when somebody has 1,200 permissions.
fn too_large() -> Value {
    json!({ "permissions": (0..1200).map(|n| format!("p{n:04}:read")).collect::<Vec<_>>() })
}

const REFUSAL: &str = "The payload of the access token (userDataInJWT) is too large: the token would have about 22360 bytes, and the \
                       limit is 16384. Keep in it what every request needs, and the rest in userDataInDatabase or in a database of \
                       your own";

fn with_payload(payload: Value) -> Value {
    let mut body = plain("u");
    body["userDataInJWT"] = payload;
    body
}

/// Writes the payload of a session behind the core's back, as a core without the limit would have.
async fn store_behind(w: &World, handle: &str, payload: &Value) {
    w.write(&format!("update session_info set jwt_user_payload = '{payload}' where session_handle = '{handle}'")).await;
}

async fn a_payload_that_is_too_large_is_refused_where_it_is_written_and_nothing_changes(w: &World) {
    let made = create(w, "5.6", "u").await;
    let old = create(w, "2.9", "u").await;
    let before = everything(w).await;
    for cdi in ["5.6", "5.4", "3.0", "2.21", "2.9"] {
        w.post(cdi, "/recipe/session", with_payload(too_large())).await.refuses(400, REFUSAL);
        let put = json!({ "sessionHandle": handle(&made), "userDataInJWT": too_large() });
        w.put(cdi, "/recipe/jwt/data", put).await.refuses(400, REFUSAL);
        for made in [&made, &old] {
            let body = json!({ "accessToken": access(made), "userDataInJWT": too_large() });
            w.post(cdi, "/recipe/session/regenerate", body).await.refuses(400, REFUSAL);
        }
    }
    assert_eq!(everything(w).await, before);
    // What stays in the database may be large.
    let body = json!({ "sessionHandle": handle(&made), "userDataInDatabase": too_large() });
    w.put("5.6", "/recipe/session/data", body).await.ok();
}

async fn the_largest_payload_makes_a_token_within_the_limit_everywhere(w: &World) {
    // The largest that `payload_fits` lets through; its own tests say why.
    let payload = json!({ "p": "x".repeat(11_136 - r#"{"p":""}"#.len()) });
    let one_more = json!({ "p": "x".repeat(11_137 - r#"{"p":""}"#.len()) });
    let made = w.post("5.6", "/recipe/session", with_payload(payload.clone())).await.ok();
    assert_eq!(w.post("5.6", "/recipe/session", with_payload(one_more.clone())).await.status, 400);
    let put = |payload: &Value| json!({ "sessionHandle": handle(&made), "userDataInJWT": payload });
    w.put("5.6", "/recipe/jwt/data", put(&payload)).await.ok();
    assert_eq!(w.put("5.6", "/recipe/jwt/data", put(&one_more)).await.status, 400);
    let regenerated = json!({ "accessToken": access(&made), "userDataInJWT": payload });
    let regenerated = w.post("5.6", "/recipe/session/regenerate", regenerated).await.ok();
    let refreshed = refresh(w, "5.6", &refreshing(&made)).await.ok();
    for answer in [made, regenerated, refreshed] {
        let length = access(&answer).len();
        assert!(length <= MAX_ACCESS_TOKEN_BYTES && length > MAX_ACCESS_TOKEN_BYTES - 1024, "{length}");
    }
}

async fn a_session_that_is_too_large_already_is_refreshed_shrunk_and_revoked(w: &World) {
    for cdi in ["5.6", "5.4"] {
        let made = create(w, cdi, "u").await;
        store_behind(w, &handle(&made), &too_large()).await;
        let next = refresh(w, cdi, &refreshing(&made)).await.ok();
        assert!(access(&next).len() > MAX_ACCESS_TOKEN_BYTES);
        let check =
            json!({ "accessToken": access(&next), "doAntiCsrfCheck": false, "enableAntiCsrf": false, "checkDatabase": true });
        let verified = w.post(cdi, "/recipe/session/verify", check).await.ok();
        assert_eq!(verified["session"]["userDataInJWT"], too_large());
        // As it is stored it may be carried on, but not written again.
        w.post(cdi, "/recipe/session/regenerate", json!({ "accessToken": access(&next) })).await.ok();
        let mut larger = too_large();
        larger["one"] = json!("more");
        let body = json!({ "accessToken": access(&next), "userDataInJWT": larger });
        assert_eq!(w.post(cdi, "/recipe/session/regenerate", body).await.status, 400);

        let body = json!({ "accessToken": access(&next), "userDataInJWT": { "role": "admin" } });
        let small = w.post(cdi, "/recipe/session/regenerate", body).await.ok();
        assert!(access(&small).len() < 1500);
        assert_eq!(the_row(w, &handle(&made)).await.payload, r#"{"role":"admin"}"#);
        store_behind(w, &handle(&made), &too_large()).await;
        let body = json!({ "sessionHandle": handle(&made), "userDataInJWT": {} });
        w.put(cdi, "/recipe/jwt/data", body).await.ok();
        store_behind(w, &handle(&made), &too_large()).await;
        let next = refresh(w, cdi, &refreshing(&next)).await.ok();
        refresh(w, cdi, &refreshing(&next)).await.ok();
        let removed = w.post(cdi, "/recipe/session/remove", json!({ "sessionHandles": [handle(&made)] })).await.ok();
        assert_eq!(removed["sessionHandlesRevoked"], json!([handle(&made)]));
    }
}

scenarios!(World:
    a_payload_that_is_too_large_is_refused_where_it_is_written_and_nothing_changes,
    the_largest_payload_makes_a_token_within_the_limit_everywhere,
    a_session_that_is_too_large_already_is_refreshed_shrunk_and_revoked,
);

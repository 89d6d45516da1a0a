//! Regenerating access tokens: scenarios 67 to 73 of core-session.md 8.2, with the hole of 2.6 closed (decision 10).

use serde_json::{Value, json};
use supertokens_core::ports::{Entropy, SystemEntropy};
use supertokens_domain::ids::{SessionHandle, TenantId};
use supertokens_domain::session::access_token::{AccessClaims, AccessTokenVersion, mint, parse};
use supertokens_domain::session::signing_key::SigningKey;
use supertokens_domain::time::{DAY, HOUR};

use super::rows::{access, handle, make_tenant, make_user, part, refresh, refreshing, the_row, user_id};
use super::{create, plain, text};
use crate::cdi::linking::map;
use crate::{Answer, World, members, scenarios};

const PATH: &str = "/recipe/session/regenerate";
const NO_SESSION: &str = "Session does not exist.";
const PROTECTED: &str = "The user payload contains protected field";

async fn regenerate(w: &World, cdi: &str, token: &str, payload: Option<Value>) -> Answer {
    let mut body = json!({ "accessToken": token });
    if let Some(payload) = payload {
        body["userDataInJWT"] = payload;
    }
    w.post(cdi, PATH, body).await
}

fn no_session() -> Value {
    json!({ "status": "UNAUTHORISED", "message": NO_SESSION })
}

async fn only_payload_and_time_of_making_differ_in_the_new_token(w: &World) {
    for cdi in ["5.6", "5.4", "3.0", "2.21"] {
        let mut body = plain("u");
        body["enableAntiCsrf"] = json!(true);
        body["userDataInJWT"] = json!({ "old": 1 });
        let made = w.post(cdi, "/recipe/session", body).await.ok();
        let before = the_row(w, &handle(&made)).await;
        w.clock.advance(10_000);
        let next = regenerate(w, cdi, &access(&made), Some(json!({ "new": [1, null] }))).await.ok();
        assert_eq!(members(&next), ["accessToken", "session", "status"]);
        assert_eq!(next["session"]["userDataInJWT"], json!({ "new": [1, null] }));
        assert_eq!(next["accessToken"]["expiry"], made["accessToken"]["expiry"]);
        assert_eq!(next["accessToken"]["createdTime"], w.clock.now());

        let (old_header, new_header) = (part(&access(&made), 0), part(&access(&next), 0));
        assert_eq!(old_header, new_header);
        let (mut old, mut new) = (part(&access(&made), 1), part(&access(&next), 1));
        assert_eq!(new["iat"].as_i64(), old["iat"].as_i64().map(|iat| iat + 10));
        assert_eq!((&old["old"], &new["new"], new.get("old")), (&json!(1), &json!([1, null]), None));
        for (claims, own) in [(&mut old, "old"), (&mut new, "new")] {
            let claims = claims.as_object_mut().expect("claims");
            claims.remove("iat");
            claims.remove(own);
        }
        assert_eq!(old, new);

        let after = the_row(w, &handle(&made)).await;
        assert_eq!(after.payload, r#"{"new":[1,null]}"#);
        assert_eq!(super::rows::Row { payload: before.payload.clone(), ..after }, before);
        let check =
            json!({ "accessToken": access(&next), "doAntiCsrfCheck": false, "enableAntiCsrf": true, "checkDatabase": true });
        w.post(cdi, "/recipe/session/verify", check).await.ok();
    }
}

async fn lineage_stays_as_it_was(w: &World) {
    let made = create(w, "5.4", "u").await;
    let child = refresh(w, "5.4", &refreshing(&made)).await.ok();
    let before = the_row(w, &handle(&made)).await;
    let next = regenerate(w, "5.4", &access(&child), Some(json!({ "a": 1 }))).await.ok();
    let (old, new) = (part(&access(&child), 1), part(&access(&next), 1));
    assert!(old["parentRefreshTokenHash1"].is_string());
    for claim in ["parentRefreshTokenHash1", "refreshTokenHash1", "exp", "sub", "rsub", "tId", "antiCsrfToken"] {
        assert_eq!(old[claim], new[claim], "{claim}");
    }
    let after = the_row(w, &handle(&made)).await;
    assert_eq!(super::rows::Row { payload: before.payload.clone(), ..after }, before);
}

async fn without_a_payload_the_stored_one_is_taken(w: &World) {
    let mut body = plain("u");
    body["userDataInJWT"] = json!({ "a": 1 });
    let made = w.post("5.6", "/recipe/session", body).await.ok();
    let change = json!({ "sessionHandle": handle(&made), "userDataInJWT": { "b": 2 } });
    w.put("5.6", "/recipe/jwt/data", change).await.ok();
    let next = regenerate(w, "5.6", &access(&made), None).await.ok();
    assert_eq!(next["session"]["userDataInJWT"], json!({ "b": 2 }));
    assert_eq!(part(&access(&next), 1)["b"], 2);

    let emptied = regenerate(w, "5.6", &access(&next), Some(json!({}))).await.ok();
    assert_eq!(emptied["session"]["userDataInJWT"], json!({}));
    assert_eq!(the_row(w, &handle(&made)).await.payload, "{}");
    for wrong in [json!(null), json!([]), json!("{}")] {
        let refused = regenerate(w, "5.6", &access(&next), Some(wrong)).await;
        refused.refuses(400, "Field name 'userDataInJWT' is invalid in JSON input");
    }
    w.post("5.6", PATH, json!({})).await.refuses(400, "Field name 'accessToken' is invalid in JSON input");
}

async fn an_expired_token_changes_the_payload_and_is_not_replaced(w: &World) {
    w.with_config(json!({ "access_token_validity_jitter": 0 })).await;
    let made = create(w, "5.6", "u").await;
    w.clock.set(made["accessToken"]["expiry"].as_i64().expect("an end"));
    let last = regenerate(w, "5.6", &access(&made), Some(json!({ "a": 1 }))).await.ok();
    assert_eq!(members(&last), ["accessToken", "session", "status"]);
    w.clock.advance(1);
    let next = regenerate(w, "5.6", &access(&made), Some(json!({ "a": 2 }))).await.ok();
    assert_eq!(members(&next), ["session", "status"]);
    assert_eq!(next["session"]["userDataInJWT"], json!({ "a": 2 }));
    assert_eq!(the_row(w, &handle(&made)).await.payload, r#"{"a":2}"#);
}

async fn a_token_whose_key_is_gone_is_still_known(w: &World) {
    let made = create(w, "5.6", "u").await;
    w.clock.advance(7 * DAY + 3 * HOUR);
    let next = regenerate(w, "5.6", &access(&made), Some(json!({ "a": 1 }))).await.ok();
    assert_eq!(members(&next), ["session", "status"]);
    assert_eq!(the_row(w, &handle(&made)).await.payload, r#"{"a":1}"#);
}

async fn a_session_that_is_gone_or_over_is_not_regenerated(w: &World) {
    let made = create(w, "5.6", "u").await;
    let live = the_row(w, &handle(&made)).await;
    let over = super::rows::Row { expires_at: w.clock.now(), ..live.clone() };
    super::rows::write_row(w, &handle(&made), &over).await;
    for payload in [None, Some(json!({ "a": 1 }))] {
        assert_eq!(regenerate(w, "5.6", &access(&made), payload).await.done(), no_session());
    }
    assert_eq!(the_row(w, &handle(&made)).await, over);
    super::rows::write_row(w, &handle(&made), &super::rows::Row { expires_at: w.clock.now() + 1, ..live }).await;
    regenerate(w, "5.6", &access(&made), None).await.ok();
    w.post("5.6", "/recipe/session/remove", json!({ "sessionHandles": [handle(&made)] })).await.ok();
    assert_eq!(regenerate(w, "5.6", &access(&made), None).await.done(), no_session());
    // Which payload it was to have does not matter any more.
    let huge = w.raw("POST", PATH, &[], format!(r#"{{"accessToken":"{}","userDataInJWT":{{"n":1e999}}}}"#, access(&made))).await;
    assert_eq!(huge.done(), no_session());
    assert_eq!(regenerate(w, "5.6", &access(&made), Some(json!({ "sub": 1 }))).await.done(), no_session());
}

async fn protected_claims_are_those_of_the_token(w: &World) {
    let v2 = create(w, "2.9", "u").await;
    regenerate(w, "5.4", &access(&v2), Some(json!({ "userId": 1 }))).await.refuses(400, PROTECTED);
    let next = regenerate(w, "2.9", &access(&v2), Some(json!({ "userId": 1 }))).await.ok();
    assert_eq!(the_row(w, &handle(&v2)).await.payload, r#"{"userId":1}"#);
    assert_eq!(access(&next).split('.').next(), access(&v2).split('.').next());

    let v5 = create(w, "5.4", "u").await;
    let before = the_row(w, &handle(&v5)).await;
    for claim in
        ["sub", "exp", "iat", "tId", "rsub", "sessionHandle", "refreshTokenHash1", "parentRefreshTokenHash1", "antiCsrfToken"]
    {
        regenerate(w, "5.6", &access(&v5), Some(json!({ claim: "x" }))).await.refuses(400, PROTECTED);
    }
    assert_eq!(the_row(w, &handle(&v5)).await, before);
    // What protects a newer token is the user's own in an older one, whatever the version of the request.
    let v3 = create(w, "2.21", "u").await;
    let next = regenerate(w, "5.4", &access(&v3), Some(json!({ "tId": "mine", "rsub": "mine" }))).await.ok();
    assert_eq!(part(&access(&next), 1)["tId"], "mine");
    assert_eq!(next["session"]["tenantId"], "public");
}

async fn a_stored_payload_that_collides_is_refused(w: &World) {
    let made = create(w, "5.4", "u").await;
    let change = json!({ "sessionHandle": handle(&made), "userDataInJWT": { "sub": 1 } });
    w.put("2.9", "/recipe/jwt/data", change).await.ok();
    for cdi in ["5.4", "2.9"] {
        regenerate(w, cdi, &access(&made), None).await.refuses(400, PROTECTED);
    }
}

async fn a_token_that_is_none_is_not_authorised(w: &World) {
    for (token, message) in [
        ("nonsense", "io.supertokens.session.jwt.JWT$JWTException: Invalid JWT"),
        ("a.b", "io.supertokens.session.jwt.JWT$JWTException: Invalid JWT"),
        ("a.b.c.d", "io.supertokens.session.jwt.JWT$JWTException: Invalid JWT"),
        ("", "io.supertokens.session.jwt.JWT$JWTException: Invalid JWT"),
    ] {
        assert_eq!(
            regenerate(w, "5.6", token, None).await.done(),
            json!({ "status": "UNAUTHORISED", "message": message }),
            "{token}"
        );
    }
    let body = json!({ "algorithm": "RS256", "jwksDomain": "d", "payload": { "a": 1 }, "validity": 100 });
    let jwt = w.post("5.6", "/recipe/jwt", body).await.ok();
    let refused = regenerate(w, "5.6", &text(&jwt, "/jwt"), None).await.says("UNAUTHORISED");
    assert_eq!(refused["message"], "io.supertokens.session.jwt.JWT$JWTException: JWT header missing - version");
}

async fn a_foreign_signature_under_a_known_key_id_is_refused(w: &World) {
    // A new one: any of the published test keys may be this world's own.
    let key = SystemEntropy.rsa_key().expect("a key");
    let made = create(w, "5.6", "u").await;
    let genuine = access(&made);
    let parsed = parse(&genuine).expect("a token");
    let foreign = SigningKey::from_stored(parsed.kid().expect("a key id"), key.expose()).expect("a key");
    let mut claims = parsed.claims().expect("claims");
    claims.user_id = "somebody else".to_owned();
    let forged = mint(&claims, parsed.version(), &foreign).expect("a token").token;
    let before = the_row(w, &handle(&made)).await;
    for payload in [None, Some(json!({ "role": "admin" }))] {
        regenerate(w, "5.6", &forged, payload).await.says("UNAUTHORISED");
    }
    // Nor does it help to claim that it expired long ago: the key is known.
    claims.expires_at = 1_000;
    let forged = mint(&claims, parsed.version(), &foreign).expect("a token").token;
    regenerate(w, "5.6", &forged, Some(json!({ "role": "admin" }))).await.says("UNAUTHORISED");
    // Nor under a name that nobody has ever seen.
    let unknown = SigningKey::from_stored("d-1", key.expose()).expect("a key");
    claims.expires_at = w.clock.now() + HOUR;
    let forged = mint(&claims, parsed.version(), &unknown).expect("a token").token;
    regenerate(w, "5.6", &forged, Some(json!({ "role": "admin" }))).await.says("UNAUTHORISED");
    assert_eq!(the_row(w, &handle(&made)).await, before);
    regenerate(w, "5.6", &genuine, None).await.ok();
}

/// A token that nobody of ours has signed, made of the claims of a genuine one.
fn forgery(genuine: &str, kid: &str, version: AccessTokenVersion, change: impl FnOnce(&mut AccessClaims)) -> String {
    let key = SystemEntropy.rsa_key().expect("a key");
    let mut claims = parse(genuine).expect("a token").claims().expect("claims");
    claims.expires_at = 1_000;
    change(&mut claims);
    mint(&claims, version, &SigningKey::from_stored(kid, key.expose()).expect("a key")).expect("a token").token
}

async fn a_forgery_that_says_it_is_over_is_believed_as_far_as_the_row_goes(w: &World) {
    use AccessTokenVersion::{V1, V2, V5};
    let made = create(w, "5.6", "u").await;
    let (genuine, before) = (access(&made), the_row(w, &handle(&made)).await);
    let guess = |claims: &mut AccessClaims| claims.refresh_token_hash1 = "0".repeat(64);
    let admin = || Some(json!({ "role": "admin" }));
    let young = format!("d-{}", w.clock.now() - DAY);
    for (name, forged) in [
        ("a static key that never was", forgery(&genuine, "s-7f0c3f5e-0000-4000-8000-000000000000", V5, |_| {})),
        ("a key that would still be published", forgery(&genuine, &young, V5, |_| {})),
        ("a key given up, another lineage", forgery(&genuine, "d-1", V5, guess)),
        ("V2, another lineage", forgery(&genuine, "x", V2, guess)),
        ("V1, another lineage", forgery(&genuine, "x", V1, guess)),
        ("V2, not over", forgery(&genuine, "x", V2, |claims| claims.expires_at = i64::MAX / 2)),
    ] {
        for payload in [None, admin()] {
            let refused = regenerate(w, "5.6", &forged, payload).await.says("UNAUTHORISED");
            assert_eq!(refused["message"], "The access token was not signed by this core", "{name}");
        }
    }
    assert_eq!(the_row(w, &handle(&made)).await, before);
    // Who knows the lineage has had a token of it. Nothing is signed for such a one either.
    for forged in [forgery(&genuine, "d-1", V5, |_| {}), forgery(&genuine, "x", V2, |_| {})] {
        let next = regenerate(w, "5.6", &forged, Some(json!({ "a": 1 }))).await.ok();
        assert_eq!(members(&next), ["session", "status"]);
    }
}

/// Who has read a token of mallory's knows its lineage, and may write a token around it that says it is the victim's.
async fn an_unsigned_token_says_nothing_of_whose_session_it_is(w: &World) {
    use AccessTokenVersion::{V1, V2, V3, V5};
    make_tenant(w, "public", "t1").await;
    let (primary, mallory) = (user_id(1), user_id(2));
    make_user(w, &primary, &primary).await;
    make_user(w, &mallory, &primary).await;
    map(w, &primary, "outside").await;
    let made = create(w, "5.6", &mallory).await;
    let lie = |claims: &mut AccessClaims| {
        claims.user_id = "victim".to_owned();
        claims.recipe_user_id = "victim".to_owned();
        claims.anti_csrf = Some("mine".to_owned());
        claims.issued_at = 0;
        claims.payload = supertokens_domain::json::JsonObject::new().with("role", "admin");
    };
    let whose = json!({
        "handle": handle(&made), "userId": "outside", "recipeUserId": mallory, "userDataInJWT": {}, "tenantId": "public"
    });
    for (kid, version) in [("d-1600000000000", V5), ("d-1600000000000", V3), ("x", V2), ("x", V1)] {
        let forged = forgery(&access(&made), kid, version, lie);
        for cdi in ["5.6", "4.0"] {
            let said = regenerate(w, cdi, &forged, None).await.ok();
            assert_eq!(said, json!({ "status": "OK", "session": whose }), "{version:?} {cdi}");
        }
        let said = regenerate(w, "2.9", &forged, None).await.ok();
        assert_eq!(said["session"], json!({ "handle": handle(&made), "userId": "outside", "userDataInJWT": {} }));
        let stored = regenerate(w, "5.6", &forged, Some(json!({ "a": 1 }))).await.ok();
        assert_eq!((&stored["session"]["userId"], &stored["session"]["recipeUserId"]), (&json!("outside"), &json!(mallory)));
        // Which claims are protected is not for an unsigned token to say.
        regenerate(w, "5.6", &forged, Some(json!({ "sub": "x" }))).await.refuses(400, PROTECTED);
        regenerate(w, "5.6", &forged, Some(json!({}))).await.ok();
        // Another tenant, or none that exists: there is no such session, and its name is not repeated.
        if version >= AccessTokenVersion::V5 {
            for tenant in ["t1", "<script>"] {
                let elsewhere = |claims: &mut AccessClaims| claims.tenant = TenantId::normalise(tenant);
                let forged = forgery(&access(&made), kid, version, elsewhere);
                assert_eq!(regenerate(w, "5.6", &forged, Some(json!({ "a": 1 }))).await.done(), no_session());
            }
        }
    }
    assert_eq!(the_row(w, &handle(&made)).await.payload, "{}");
}

async fn a_session_that_has_ended_is_said_to_have_whatever_the_payload(w: &World) {
    let made = create(w, "5.6", "u").await;
    w.post("5.6", "/recipe/session/remove", json!({ "sessionHandles": [handle(&made)] })).await.ok();
    for payload in [json!({ "sub": "x" }), json!({ "p": "x".repeat(20_000) })] {
        assert_eq!(regenerate(w, "5.6", &access(&made), Some(payload)).await.done(), no_session());
    }
}

async fn a_name_that_no_row_can_have_is_missing(w: &World) {
    let genuine = access(&create(w, "5.6", "u").await);
    let nul = |claims: &mut AccessClaims| claims.session_handle = SessionHandle::presented("a\0b");
    let tenant = |claims: &mut AccessClaims| claims.tenant = TenantId::normalise("a\0b");
    for (forged, claim) in [
        (forgery(&genuine, "d-1", AccessTokenVersion::V5, nul), "sessionHandle"),
        (forgery(&genuine, "x", AccessTokenVersion::V2, nul), "sessionHandle"),
        (forgery(&genuine, "d-1", AccessTokenVersion::V5, tenant), "tId"),
    ] {
        let message = format!("Access token does not contain all the information. Maybe the structure has changed? {claim}");
        let refused = regenerate(w, "5.6", &forged, Some(json!({}))).await.done();
        assert_eq!(refused, json!({ "status": "UNAUTHORISED", "message": message }));
    }
}

async fn the_kind_of_key_follows_the_row(w: &World) {
    let made = create(w, "5.6", "u").await;
    assert!(text(&part(&access(&made), 0), "/kid").starts_with("d-"));
    let body = json!({ "refreshToken": refreshing(&made), "enableAntiCsrf": false, "useDynamicSigningKey": false });
    w.post("5.6", "/recipe/session/refresh", body).await.ok();
    let next = regenerate(w, "5.6", &access(&made), None).await.ok();
    assert!(text(&part(&access(&next), 0), "/kid").starts_with("s-"));
}

async fn the_tenant_is_that_of_the_token(w: &World) {
    make_tenant(w, "public", "t1").await;
    let made = w.post("5.4", "/t1/recipe/session", plain("u")).await.ok();
    for path in ["", "/t1", "/ghost"] {
        let body = json!({ "accessToken": access(&made), "userDataInJWT": { "at": path } });
        let next = w.post("5.4", &format!("{path}{PATH}"), body).await.ok();
        assert_eq!(
            (text(&next, "/session/tenantId"), text(&next, "/session/userDataInJWT/at")),
            ("t1".to_owned(), path.to_owned())
        );
    }
}

async fn a_regeneration_takes_few_round_trips(w: &World) {
    let made = create(w, "5.6", "u").await;
    let (trips, next) = w.trips(regenerate(w, "5.6", &access(&made), Some(json!({ "a": 1 })))).await;
    next.ok();
    assert!(trips <= 2, "{trips}");
    // Without a new payload nothing is written, which could undo what somebody else has written meanwhile.
    let (trips, next) = w.trips(regenerate(w, "5.6", &access(&made), None)).await;
    next.ok();
    assert!(trips <= 1, "{trips}");
}

scenarios!(World:
    only_payload_and_time_of_making_differ_in_the_new_token,
    lineage_stays_as_it_was,
    without_a_payload_the_stored_one_is_taken,
    an_expired_token_changes_the_payload_and_is_not_replaced,
    a_token_whose_key_is_gone_is_still_known,
    a_session_that_is_gone_or_over_is_not_regenerated,
    protected_claims_are_those_of_the_token,
    a_stored_payload_that_collides_is_refused,
    a_token_that_is_none_is_not_authorised,
    a_foreign_signature_under_a_known_key_id_is_refused,
    a_forgery_that_says_it_is_over_is_believed_as_far_as_the_row_goes,
    an_unsigned_token_says_nothing_of_whose_session_it_is,
    a_session_that_has_ended_is_said_to_have_whatever_the_payload,
    a_name_that_no_row_can_have_is_missing,
    the_kind_of_key_follows_the_row,
    the_tenant_is_that_of_the_token,
    a_regeneration_takes_few_round_trips,
);

//! JWTs and keys as other services see them: verified here by hand, with what the application publishes.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use supertokens::Error;
use supertokens::session::{NewSession, VerifyOptions};
use supertokens_domain::time::HOUR;

use super::{Cdi, payload, text, token_header, token_payload};
use crate::fdi::{App, Mode, Plan, Stage, routes};
use crate::scenarios;

/// Whether a token was signed with one of the keys that the application publishes.
async fn is_genuine(app: &App, token: &str) -> bool {
    let answer = app.get("/auth/jwt/jwks.json").send().await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let kept = answer.header("cache-control").expect("how long it may be kept");
    assert!(kept.starts_with("max-age=") && kept.ends_with(", must-revalidate"), "{kept}");
    let set = answer.ok();
    let kid = &token_header(token)["kid"];
    let key = set["keys"].as_array().expect("keys").iter().find(|key| key["kid"] == *kid);
    let Some(key) = key else { return false };
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
    let number = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(text(&key[name])).expect("base64url");
    let key = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
}

/// JWTs of both kinds of keys, and access tokens, are verified by whoever fetches the keys.
async fn other_services_verify_what_the_core_signs(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    for (wants_static, prefix) in [(None, "s-"), (Some(true), "s-"), (Some(false), "d-")] {
        let claims = payload(json!({ "scope": "read", "n": 1 }));
        let jwt = app.engine.create_jwt(claims, Some(100), wants_static).await.expect("an answer").expect("a JWT");
        assert!(is_genuine(&app, &jwt).await);
        let (header, said) = (token_header(&jwt), token_payload(&jwt));
        assert_eq!((&header["alg"], &header["typ"], header.get("version")), (&json!("RS256"), &json!("JWT"), None));
        assert!(text(&header["kid"]).starts_with(prefix));
        let now = stage.clock.now() / 1000;
        assert_eq!((&said["iat"], &said["exp"]), (&json!(now), &json!(now + 100)));
        assert_eq!((&said["iss"], &said["scope"]), (&json!("http://api.example.com/auth"), &json!("read")));
    }
    let browser = app.browser(Mode::Header);
    browser.log_in("ada").await;
    assert!(is_genuine(&app, &browser.access_token()).await);
    let other = app.browser(Mode::Header);
    other.log_in("bob").await;
    let (ours, theirs) = (browser.access_token(), other.access_token());
    let (said, signature) = (ours.rsplit_once('.').expect("three parts").0, theirs.rsplit_once('.').expect("three parts").1);
    let forged = format!("{said}.{signature}");
    assert!(!is_genuine(&app, &forged).await);
    app.get("/session").bearer(&forged).send().await.refuses(401, "try refresh token");
}

/// 42 on a real core: what a service needs is found from the issuer.
async fn a_service_finds_the_keys_from_the_issuer(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let answer = app.get("/auth/.well-known/openid-configuration").send().await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let document = answer.ok();
    let browser = app.browser(Mode::Header);
    browser.log_in("ada").await;
    assert_eq!(document["issuer"], token_payload(&browser.access_token())["iss"]);
    let keys = text(&document["jwks_uri"]);
    let path = keys.strip_prefix("http://api.example.com").expect("on the API's domain");
    let set = app.get(path).send().await.ok();
    let kids: Vec<&Value> = set["keys"].as_array().expect("keys").iter().map(|key| &key["kid"]).collect();
    assert!(kids.contains(&&token_header(&browser.access_token())["kid"]), "{kids:?}");
}

/// 101 on a real core, the other way round: upstream's SDKs take such a token for the session that it names. Whoever may choose the claims
/// of a JWT, or has a key that only mints them, would log in as anybody.
async fn a_jwt_is_no_session_whatever_it_says(stage: &Stage) {
    for (dynamic, cdi) in [(true, Cdi::V5_4), (false, Cdi::V5_4), (true, Cdi::V5_6), (false, Cdi::V5_6)] {
        let kind = |plan: Plan| plan.sessions(|sessions| sessions.use_dynamic_access_token_signing_key(dynamic));
        let app = stage.app(|plan| kind(cdi.of(stage, plan)), routes::standard()).await;
        let session = app.engine.create_new_session(NewSession::of("ada")).await.expect("a session");
        let mut claims = (*session.access_token_payload()).clone();
        claims.remove("iat");
        claims.remove("exp");
        for wants_static in [true, false] {
            let jwt = app.engine.create_jwt(claims.clone(), Some(1234), Some(wants_static)).await;
            // A core may as well refuse to sign such claims.
            let Ok(Some(jwt)) = jwt else { continue };
            for path in ["/session", "/database"] {
                app.get(path).bearer(&jwt).send().await.refuses(401, "unauthorised");
                app.get(path).cookie("sAccessToken", &jwt).send().await.refuses(401, "unauthorised");
            }
            let refused = app.engine.get_session(jwt.as_str(), None, &VerifyOptions::new()).await;
            assert!(matches!(refused, Err(Error::Unauthorised { clear_tokens: false, .. })), "{refused:?}");
            assert!(app.engine.peek_access_token(jwt.as_str()).await.is_none());
        }
        app.get("/session").bearer(&session.access_token()).send().await.ok();
    }
}

/// A JWT that is none of a session is no session.
async fn a_jwt_without_the_members_of_a_session_is_none(stage: &Stage) {
    let app = stage.app(|plan| plan, routes::standard()).await;
    let jwt =
        app.engine.create_jwt(payload(json!({ "sub": "ada" })), Some(100), Some(false)).await.expect("an answer").expect("a JWT");
    app.get("/session").bearer(&jwt).send().await.refuses(401, "unauthorised");
    app.get("/session").cookie("sAccessToken", &jwt).send().await.refuses(401, "unauthorised");
    assert_eq!(app.get("/maybe").bearer(&jwt).send().await.ok()["userId"], json!(null));
    let refused = app.engine.get_session(jwt.as_str(), None, &VerifyOptions::new()).await;
    assert!(matches!(refused, Err(Error::Unauthorised { .. })), "{refused:?}");
}

/// The core judges times and payloads; what it refuses is an error that tells why.
async fn what_the_core_refuses_is_an_error_with_its_words(stage: &Stage) {
    let engine = stage.engine(|plan| plan).await;
    for validity in [0, -5] {
        let refused = engine.create_jwt(payload(json!({})), Some(validity), None).await;
        let words = refused.expect_err("no JWT").to_string();
        assert!(words.contains("POST request to path: '/recipe/jwt' with status code: 400 and message: "), "{words}");
    }
    let long = engine.create_jwt(payload(json!({})), None, None).await.expect("an answer").expect("a JWT");
    assert_eq!(token_payload(&long)["exp"], json!(stage.clock.now() / 1000 + 3_153_600_000));
    stage.clock.advance(HOUR);
}

scenarios!(Stage:
    other_services_verify_what_the_core_signs,
    a_service_finds_the_keys_from_the_issuer,
    a_jwt_is_no_session_whatever_it_says,
    a_jwt_without_the_members_of_a_session_is_none,
    what_the_core_refuses_is_an_error_with_its_words,
);
